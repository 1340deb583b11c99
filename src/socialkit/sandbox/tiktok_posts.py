"""TikTok's Content Posting API: creator info, direct posts and inbox shares, chunks byte by byte, status, cancelling.

Facts: TikTok's reference of the Content Posting API and its media transfer guide, read in November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import attrs

from .bodies import Upload
from .core import Answer, Entry, Window, body
from .sniff import Kind, sniff
from .tiktok_auth import People, TikToker

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["WINDOWS", "Posting", "Publish"]

Json = dict[str, Any]
_PUBLISH = "/v2/post/publish"
_MB, _MIB = 1_000_000, 1 << 20
_LARGEST = 4 << 30
_LAST = 128 * _MIB
_UPLOAD_LIVES = timedelta(hours=1)
_DAY = timedelta(days=1)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_VIDEOS = frozenset({"video/mp4", "video/quicktime", "video/webm"})
_PHOTOS = frozenset({"image/jpeg", "image/webp"})
_CODECS = frozenset({"avc1", "avc3", "hvc1", "hev1", "vp08", "vp09", ""})
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_SWITCHES = ("comment", "duet", "stitch")
_SHARED = frozenset(
    {"title", "privacy_level", "disable_comment", "brand_content_toggle", "brand_organic_toggle"}
)
_VIDEO_INFO = _SHARED | {"disable_duet", "disable_stitch", "video_cover_timestamp_ms", "is_aigc"}
_PHOTO_INFO = _SHARED | {"description", "auto_add_music", "is_aigc"}
_FLAGS = frozenset(
    {*(f"disable_{name}" for name in _SWITCHES), "brand_content_toggle", "brand_organic_toggle"}
    | {"is_aigc", "auto_add_music"}
)
_NO = {
    "spam_risk_too_many_posts": "Daily post cap from the API is reached for the current user.",
    "spam_risk_user_banned_from_posting": "The user is banned from making new posts.",
    "reached_active_user_cap": "The daily quota for active publishing users from your client is reached.",
    "spam_risk_too_many_pending_share": "There may be at most 5 pending shares within any 24-hour period.",
}
WINDOWS = tuple(
    Window(path, limit, 60.0, f"{verb} {path}", aligned=False)
    for verb, path, limit in (
        ("POST", f"{_PUBLISH}/video/init/", 6),
        ("POST", f"{_PUBLISH}/inbox/video/init/", 6),
        ("POST", f"{_PUBLISH}/content/init/", 6),
        ("POST", f"{_PUBLISH}/creator_info/query/", 20),
        ("POST", f"{_PUBLISH}/status/fetch/", 30),
        ("GET", "/v2/user/info/", 600),
        ("POST", "/v2/video/list/", 600),
        ("POST", "/v2/video/query/", 600),
    )
)


@attrs.define(eq=False)
class Publish:
    """What one ``publish_id`` stands for: what was asked, how many bytes came, when it is done, what went wrong."""

    id: str
    username: str
    mode: Literal["direct", "inbox"]
    kind: Literal["video", "photo"]
    source: str
    info: Json
    created_at: datetime
    size: int = 0
    chunk_size: int = 0
    count: int = 0
    upload_id: str = ""
    upload_token: str = attrs.field(default="", repr=False)
    received: int = 0
    head: bytes = attrs.field(default=b"", repr=False)
    tail: bytes = attrs.field(default=b"", repr=False)
    urls: tuple[str, ...] = ()
    ready_at: datetime | None = None
    public_at: datetime | None = None
    failure: str = ""
    entry: Entry | None = None
    finished: bool = False

    @property
    def privacy(self) -> str:
        """Who may see it."""
        return str(self.info.get("privacy_level") or "")


class Posting(People):
    """The part of the box that takes posts.

    Settable: ``audited`` False is an app whose posts only their author sees; ``daily_posts`` and ``pending_shares``
    are a creator's caps, ``active_users`` the app's; ``verified`` the hosts media may be pulled from;
    ``processing_seconds`` and ``moderation_seconds`` what passes until a post is there, and until it is public;
    ``counters_as_text`` makes byte counters strings, as they have been seen, ``tells_zeros`` False leaves those of
    nothing out; ``drop_reason`` is the ``fail_reason`` of a post whose processing fails; ``several_chunks`` False takes
    a file in one chunk only, as some apps have seen since August 2026.
    """

    audited = True
    daily_posts = 15
    pending_shares = 5
    active_users: int | None = None
    processing_seconds = 5.0
    moderation_seconds = 60.0
    counters_as_text = False
    tells_zeros = True
    drop_reason = "internal"
    several_chunks = True

    def start_posting(self) -> None:
        """Nothing is posted yet."""
        self.publications: dict[str, Publish] = {}
        self.verified = {"example.com", "files.example.net", *_LOOPBACK}
        self._last_id = 0

    def posting_routes(self) -> list[BaseRoute]:
        """Everything under ``/v2/post/publish/``, and the upload host."""
        return [
            self.route("POST", f"{_PUBLISH}/creator_info/query/", self.show_creator),
            self.route("POST", f"{_PUBLISH}/video/init/", self.start_video),
            self.route("POST", f"{_PUBLISH}/inbox/video/init/", self.start_inbox_video),
            self.route("POST", f"{_PUBLISH}/content/init/", self.start_photos),
            self.route("POST", f"{_PUBLISH}/status/fetch/", self.show_status),
            self.route("POST", f"{_PUBLISH}/cancel/", self.cancel),
            self.route("PUT", "/video/", self.take_chunk),
        ]

    def new_id(self) -> str:
        """19 digits, more than a JSON number keeps in some languages."""
        self._last_id = max(self._last_id + 1, int(self.now().timestamp()) << 32)
        return str(self._last_id)

    def no(self, code: str, message: str = "", status: int = 403) -> Answer:
        """A refusal in TikTok's words, to raise."""
        return Answer(self.envelope(code, message or _NO.get(code, ""), status))

    def given(self, request: Request) -> Json:
        """The JSON body; anything else is ``invalid_params``."""
        found = body(request).json()
        if not isinstance(found, dict):
            raise self.no("invalid_params", "The request body is not a JSON object.", 400)
        return found

    # who may post what ---------------------------------------------------------------------------

    def show_creator(self, request: Request) -> Response:
        """``POST …/creator_info/query/``: who cannot post now is told so with HTTP 200."""
        person = self.people[self.grant(request, "video.publish").username]
        if code := self._obstacle(person, "direct"):
            raise self.no(code, status=200)
        data = {
            "creator_avatar_url": "https://example.com/picture.png",
            "creator_username": person.username,
            "creator_nickname": person.name,
            "privacy_level_options": list(person.privacy_options),
            **{f"{name}_disabled": getattr(person, f"{name}_disabled") for name in _SWITCHES},
            "max_video_post_duration_sec": person.max_seconds,
        }
        return self.envelope("ok", "", 200, data)

    def _obstacle(self, person: TikToker, mode: str) -> str:
        """Why the creator cannot post now; "" when nothing is in the way."""
        since = self.now() - _DAY
        made = [
            one
            for one in self.publications.values()
            if one.ready_at and one.created_at > since and not one.failure
        ]
        own = [one for one in made if one.username == person.username]
        if person.banned:
            return "spam_risk_user_banned_from_posting"
        if mode == "inbox":
            waiting = [one for one in own if one.mode == "inbox" and not one.finished]
            return "spam_risk_too_many_pending_share" if len(waiting) >= self.pending_shares else ""
        if sum(one.mode == "direct" for one in own) >= self.daily_posts:
            return "spam_risk_too_many_posts"
        others = {one.username for one in made} - {person.username}
        if self.active_users is not None and len(others) >= self.active_users:
            return "reached_active_user_cap"
        return ""

    def _check_info(self, info: Json, known: frozenset[str], person: TikToker) -> None:
        """The members of ``post_info``, and whether this creator may post so."""
        if strange := sorted(set(info) - known):
            raise self.no("invalid_params", f"post_info has no member {strange[0]}", 400)
        for name in _FLAGS & set(info):
            if not isinstance(info[name], bool):
                raise self.no("invalid_params", f"{name} is not a bool", 400)
        self._check_privacy(info, person)
        for name in _SWITCHES:
            switch = f"disable_{name}"
            if switch in known and getattr(person, f"{name}_disabled") and not info.get(switch):
                raise self.no("invalid_params", f"{switch} must be true for this creator", 400)

    def _check_privacy(self, info: Json, person: TikToker) -> None:
        privacy = info.get("privacy_level")
        if privacy not in person.privacy_options:
            words = "The privacy_level is not one of those /creator_info/query/ returned for the creator."
            raise self.no("privacy_level_option_mismatch", words)
        if info.get("brand_content_toggle") and privacy == "SELF_ONLY":
            raise self.no("invalid_params", "Branded content cannot be private", 400)
        if not self.audited and (privacy != "SELF_ONLY" or not person.private):
            words = "Unaudited clients can only post to private accounts."
            raise self.no("unaudited_client_can_only_post_to_private_accounts", words)

    def _check_length(self, info: Json, **limits: int) -> None:
        from socialkit.text import length

        for name, limit in limits.items():
            text = info.get(name, "")
            if not isinstance(text, str) or length(text, "utf16") > limit:
                raise self.no("invalid_params", f"The {name} is longer than {limit} UTF-16 runes.", 400)

    # beginning -----------------------------------------------------------------------------------

    def start_video(self, request: Request) -> Response:
        """``POST …/video/init/``: a direct post."""
        person = self.people[self.grant(request, "video.publish").username]
        given = self.given(request)
        info = given.get("post_info")
        if not isinstance(info, dict):
            raise self.no("invalid_params", "post_info is missing", 400)
        self._check_length(info, title=2200)
        self._check_info(info, _VIDEO_INFO, person)
        self._let_in(person, "direct")
        return self._started(self._video(given, person, "direct", info))

    def start_inbox_video(self, request: Request) -> Response:
        """``POST …/inbox/video/init/``: the person finishes it in the app."""
        person = self.people[self.grant(request, "video.upload").username]
        given = self.given(request)
        self._let_in(person, "inbox")
        return self._started(self._video(given, person, "inbox", {}))

    def start_photos(self, request: Request) -> Response:
        """``POST …/content/init/``: photos, which TikTok fetches."""
        given = self.given(request)
        modes: dict[Any, Literal["direct", "inbox"]] = {"DIRECT_POST": "direct", "MEDIA_UPLOAD": "inbox"}
        mode = modes.get(given.get("post_mode"))
        if mode is None or given.get("media_type") != "PHOTO":
            raise self.no("invalid_params", "media_type or post_mode is not valid", 400)
        person = self.people[
            self.grant(request, f"video.{'publish' if mode == 'direct' else 'upload'}").username
        ]
        info = given.get("post_info") or {}
        self._check_length(info, title=90, description=4000)
        if mode == "direct":
            self._check_info(info, _PHOTO_INFO, person)
        self._let_in(person, mode)
        publish = Publish(
            self._publish_id("p", mode, "url"),
            person.username,
            mode,
            "photo",
            "PULL_FROM_URL",
            info,
            self.now(),
        )
        publish.urls = self._photo_urls(given.get("source_info") or {})
        self._accept(publish, *self._fetched(publish))
        return self._started(publish)

    def _let_in(self, person: TikToker, mode: str) -> None:
        if code := self._obstacle(person, mode):
            raise self.no(code)

    def _publish_id(self, kind: str, mode: str, way: str) -> str:
        name = "pub" if mode == "direct" else "inbox"
        version = "v2-1" if (mode, way) == ("direct", "file") else "v2"
        return f"{kind}_{name}_{way}~{version}.{int(self.serial('publish')[:15], 16)}"

    def _started(self, publish: Publish) -> Response:
        self.publications[publish.id] = publish
        data: Json = {"publish_id": publish.id}
        if publish.source == "FILE_UPLOAD":
            host = "https://open-upload.tiktokapis.com" if self.base.endswith("tiktokapis.com") else self.base
            data["upload_url"] = (
                f"{host}/video/?upload_id={publish.upload_id}&upload_token={publish.upload_token}"
            )
        return self.envelope("ok", "", 200, data)

    def _video(self, given: Json, person: TikToker, mode: Literal["direct", "inbox"], info: Json) -> Publish:
        told = given.get("source_info") or {}
        source = told.get("source")
        if source == "PULL_FROM_URL":
            publish = Publish(
                self._publish_id("v", mode, "url"), person.username, mode, "video", source, info, self.now()
            )
            publish.urls = (self._pullable(told.get("video_url")),)
            self._accept(publish, *self._fetched(publish))
            return publish
        if source != "FILE_UPLOAD":
            raise self.no("invalid_params", "source is neither FILE_UPLOAD nor PULL_FROM_URL", 400)
        publish = Publish(
            self._publish_id("v", mode, "file"), person.username, mode, "video", source, info, self.now()
        )
        names = ("video_size", "chunk_size", "total_chunk_count")
        publish.size, publish.chunk_size, publish.count = (
            self._whole(told.get(name), name) for name in names
        )
        self._check_chunks(publish.size, publish.chunk_size, publish.count)
        publish.upload_id, publish.upload_token = self.serial("upload")[:19], self.serial("upload token")[:36]
        return publish

    def _whole(self, value: Any, name: str) -> int:
        """A positive whole number; digits in a text are taken too, as clients send them."""
        text = str(value)
        if isinstance(value, bool) or not text.isdecimal() or not 0 < int(text) < 1 << 63:
            raise self.no("invalid_params", f"The {name} is invalid", 400)
        return int(text)

    def _check_chunks(self, size: int, chunk: int, count: int) -> None:
        """One chunk is the whole file; of several the remainder rides on the last one."""
        if size > _LARGEST:
            raise self.no("invalid_file_upload", "The video is larger than 4 GB", 400)
        if count == 1 and (chunk != size or size > 64 * _MIB):
            raise self.no("invalid_params", "The chunk size is invalid", 400)
        if count > 1 and not (self.several_chunks and 5 * _MB <= chunk <= 64 * _MIB):
            raise self.no("invalid_params", "The chunk size is invalid", 400)
        if count > 1000 or count != size // chunk or size - (count - 1) * chunk > _LAST:
            raise self.no("invalid_params", "The total chunk count is invalid", 400)

    # what TikTok fetches -------------------------------------------------------------------------

    def _photo_urls(self, told: Json) -> tuple[str, ...]:
        urls = told.get("photo_images")
        if told.get("source") != "PULL_FROM_URL" or not isinstance(urls, list) or not 1 <= len(urls) <= 35:
            raise self.no("invalid_params", "photo_images has 1 to 35 URLs to pull from", 400)
        cover = told.get("photo_cover_index")
        if not isinstance(cover, int) or isinstance(cover, bool) or not 0 <= cover < len(urls):
            raise self.no("invalid_params", "photo_cover_index is missing or out of range", 400)
        return tuple(self._pullable(url) for url in urls)

    def _pullable(self, url: Any) -> str:
        """An https address on a host the developer has verified; sub-domains are covered."""
        parts = urlsplit(str(url or ""))
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
            raise self.no("invalid_params", "The URL is not https", 400)
        if not any(host == one or host.endswith(f".{one}") for one in self.verified):
            words = "Please review our URL ownership verification rules"
            raise self.no("url_ownership_unverified", words)
        return str(url)

    def _fetched(self, publish: Publish) -> tuple[list[Json], str]:
        """What was at the addresses, and why it cannot be used; "" when it can."""
        media = []
        for url in publish.urls:
            upload = self.box.files.fetch(url)
            if upload is None:
                return [], f"{publish.kind}_pull_failed"
            if failure := self._unfit(publish, upload.kind, upload.size, upload.head + upload.tail):
                return [], failure
            media.append(self._kept(url, upload))
        return media, ""

    def _unfit(self, publish: Publish, kind: Kind, size: int, ends: bytes) -> str:
        """The ``fail_reason`` of a file TikTok cannot use, by its first and last bytes; "" when it can."""
        low, high = sorted((kind.width, kind.height))
        if publish.kind == "photo":
            if kind.mime not in _PHOTOS:
                return "file_format_check_failed"
            return "picture_size_check_failed" if size > 20 * _MIB or low > 1080 or high > 1920 else ""
        if kind.mime not in _VIDEOS:
            return "file_format_check_failed"
        codec, frames = _picture_track(ends)
        if codec not in _CODECS:
            return "file_format_check_failed"
        if kind.width and not (low >= 360 and high <= 4096):
            return "picture_size_check_failed"
        if frames and kind.seconds and not 23 <= round(frames / kind.seconds, 2) <= 60:
            return "frame_rate_check_failed"
        longest = self.people[publish.username].max_seconds if publish.mode == "direct" else 600
        return "duration_check_failed" if (kind.seconds or 0) > longest else ""

    def _kept(self, url: str, upload: Upload) -> Json:
        kind = upload.kind
        medium_id = self.serial("medium")[:16]
        medium = {
            "id": medium_id,
            "mime": kind.mime,
            "size": upload.size,
            "alt": "",
            "data": upload.data,
            "width": kind.width,
            "height": kind.height,
            "url": url,
        }
        self.media[medium_id] = medium
        return medium

    # bytes ---------------------------------------------------------------------------------------

    def take_chunk(self, request: Request) -> Response:
        """``PUT {upload_url}``: chunks strictly in order; 206 wants more, 201 has all."""
        publish = self._upload_of(request)
        upload = body(request).upload
        found = _RANGE.fullmatch(request.headers.get("content-range", ""))
        if found is None or upload is None or upload.content_type not in _VIDEOS:
            return self._told(publish, 400)
        if request.headers.get("content-length") != str(upload.size):
            return self._told(publish, 400)
        first, last, total = map(int, found.groups())
        if total != publish.size or last - first + 1 != upload.size or last >= total:
            return self._told(publish, 400)
        if first != publish.received:
            return self._told(publish, 416)
        rest = publish.size - first
        whole = publish.chunk_size if first // publish.chunk_size < publish.count - 1 else rest
        if upload.size != whole:
            return self._told(publish, 400)
        return self._stored(publish, upload)

    def _stored(self, publish: Publish, upload: Upload) -> Response:
        if not publish.received:
            publish.head = upload.head
        publish.tail = upload.tail
        publish.received += upload.size
        if publish.received < publish.size:
            return self._told(publish, 206)
        kind = sniff(publish.head, publish.tail)
        medium = {"id": publish.upload_id, "mime": kind.mime, "size": publish.size, "alt": "", "data": None}
        medium |= {"width": kind.width, "height": kind.height, "seconds": kind.seconds}
        failure = self._unfit(publish, kind, publish.size, publish.head + publish.tail)
        self._accept(publish, [medium], failure)
        return self._told(publish, 201)

    def _upload_of(self, request: Request) -> Publish:
        from starlette.responses import Response

        query = request.query_params
        asked = (query.get("upload_id"), query.get("upload_token"))
        uploads = (one for one in self.publications.values() if (one.upload_id, one.upload_token) == asked)
        publish = next(uploads, None)
        if publish is None or not publish.upload_id or publish.failure:
            raise Answer(Response(status_code=404))
        if self.now() - publish.created_at >= _UPLOAD_LIVES:
            raise Answer(Response(status_code=403))
        return publish

    def _told(self, publish: Publish, status: int) -> Response:
        """How far the upload is; some clients read a JSON body, and get an empty object."""
        from starlette.responses import JSONResponse

        headers = {"content-range": f"bytes 0-{publish.received}/{publish.size}"} if publish.received else {}
        return JSONResponse({}, status_code=status, headers=headers)

    # what becomes of it --------------------------------------------------------------------------

    def _accept(self, publish: Publish, media: list[Json], failure: str) -> None:
        """Everything is there: it will be a post when it is processed, unless something is wrong with it."""
        late, fails = self.processing()
        publish.ready_at = max(late, self.now() + timedelta(seconds=self.processing_seconds))
        publish.failure = failure or (self.drop_reason if fails else "")
        if publish.failure or publish.mode == "inbox":
            return
        publish.public_at = publish.ready_at + timedelta(seconds=self.moderation_seconds)
        publish.entry = self.add(self._entry(publish, media))

    def _entry(self, publish: Publish, media: list[Json]) -> Entry:
        info, post_id = publish.info, self.new_id()
        video = publish.kind == "video"
        return Entry(
            id=post_id,
            account=publish.username,
            text=str(info.get("title" if video else "description") or ""),
            title="" if video else str(info.get("title") or ""),
            created_at=self.now(),
            media=media,
            visibility=publish.privacy,
            url=self.permalink(publish.username, publish.kind, post_id),
            extras={
                "publish": publish.id,
                "kind": publish.kind,
                "info": info,
                "public_at": publish.public_at,
            },
        )

    def permalink(self, username: str, kind: str, post_id: str) -> str:
        """Where people see the post."""
        return f"https://www.tiktok.com/@{username}/{kind}/{post_id}"

    def twin_of(self, entry: Entry) -> Entry:
        """One more post of the same person, with an address of its own; lists need a millisecond between them."""
        twin = super().twin_of(entry)
        twin.created_at = self.now() + timedelta(milliseconds=1)
        twin.extras.pop("publish", None)
        twin.url = self.permalink(twin.account, str(twin.extras["kind"]), twin.id)
        return twin

    def forget(self, entry: Entry) -> None:
        """As if the request that made it had never come: the chunk it brought, or the whole attempt."""
        super().forget(entry)
        publish = self.publications.get(str(entry.extras.get("publish")))
        if publish is None:
            return
        publish.entry = publish.ready_at = publish.public_at = None
        if publish.source == "FILE_UPLOAD":
            publish.received = (publish.count - 1) * publish.chunk_size
        else:
            del self.publications[publish.id]

    def finish_in_app(self, publish_id: str, text: str = "", privacy: str = "PUBLIC_TO_EVERYONE") -> Entry:
        """The person posts what waits in the inbox."""
        publish = self.publications[publish_id]
        publish.info = {"title": text, "description": text, "privacy_level": privacy}
        publish.finished, publish.public_at = True, self.now()
        publish.entry = self.add(self._entry(publish, []))
        return publish.entry

    def show_status(self, request: Request) -> Response:
        """``POST …/status/fetch/``: of own publish ids only."""
        publish = self._own(request)
        count: Callable[[int], Any] = str if self.counters_as_text else int
        pulled = sum(_size(one) for one in _media(publish) if publish.urls)
        counters = {"uploaded_bytes": publish.received, "downloaded_bytes": pulled}
        data: Json = {"status": self.status_of(publish)}
        data |= {name: count(value) for name, value in counters.items() if value or self.tells_zeros}
        if data["status"] == "FAILED":
            data["fail_reason"] = publish.failure
        if ids := self._public_ids(publish):
            data["publicaly_available_post_id"] = ids
        return self.envelope("ok", "", 200, data)

    def status_of(self, publish: Publish) -> str:
        """Where it stands now, in TikTok's words."""
        if publish.failure and (publish.ready_at is None or self.now() >= publish.ready_at):
            return "FAILED"
        if publish.ready_at is None or self.now() < publish.ready_at:
            return "PROCESSING_UPLOAD" if publish.source == "FILE_UPLOAD" else "PROCESSING_DOWNLOAD"
        return (
            "SEND_TO_USER_INBOX" if publish.mode == "inbox" and not publish.finished else "PUBLISH_COMPLETE"
        )

    def _public_ids(self, publish: Publish) -> list[int]:
        due = publish.public_at is not None and self.now() >= publish.public_at
        if publish.entry is None or not due or publish.privacy != "PUBLIC_TO_EVERYONE":
            return []
        return [int(publish.entry.id)]

    def _own(self, request: Request) -> Publish:
        grant = self.grant(request)
        if not grant.scopes & {"video.publish", "video.upload"}:
            raise Answer(self.scope_missing({"video.publish"}))
        publish = self.publications.get(str(self.given(request).get("publish_id")))
        if publish is None:
            raise self.no("invalid_publish_id", "The publish_id does not exist", 400)
        if publish.username != grant.username:
            words = "The access_token is not authorized for this publish_id"
            raise self.no("token_not_authorized_for_specified_publish_id", words)
        return publish

    def cancel(self, request: Request) -> Response:
        """``POST …/cancel/``: while it is still on its way."""
        publish = self._own(request)
        if not self.status_of(publish).startswith("PROCESSING"):
            raise self.no("publish_not_cancellable", "The post is not being processed any more", 400)
        publish.failure, publish.ready_at = "publish_cancelled", self.now()
        if publish.entry is not None:
            self.remove(publish.entry)
        return self.envelope("ok", "", 200)


def _picture_track(data: bytes) -> tuple[str, int]:
    """The four letters of the codec and the number of frames of an MP4 or MOV; "" and 0 where it does not tell."""
    track = next((one for one in data.split(b"trak")[1:] if b"vide" in one), b"")
    codec = re.search(rb"stsd.{12}(\w{4})", track, re.DOTALL)
    frames = re.search(rb"stsz.{8}(.{4})", track, re.DOTALL)
    return codec[1].decode() if codec else "", int.from_bytes(frames[1]) if frames else 0


def _media(publish: Publish) -> list[Json]:
    return publish.entry.media if publish.entry is not None else []


def _size(medium: Json) -> int:
    return int(medium.get("size") or 0)
