"""Threads' containers: made, fetched and processed on the clock, published once, dead after a day.

Facts: Meta's documentation of the Threads API as of July 2026, its request collection of January 2026, and what
other people's clients met.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .core import Answer, Entry, body
from .threads_accounts import Json, Profiles

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .bodies import Upload

__all__ = ["Container", "Containers", "parsed"]

LIFETIME, DAY = timedelta(days=1), timedelta(days=1)
TEXT, LINKS, SPOILERS, PLAINTEXT, ALT, TOPIC = 500, 5, 10, 10_000, 1000, 50
_NOT_FOUND = 4279009
_LOUD = ("media_type", "text", "image_url", "video_url", "is_carousel_item", "children", "creation_id")
"""What is read of a JSON body; the rest is overlooked without a word."""
_KINDS = ("TEXT", "IMAGE", "VIDEO", "CAROUSEL")
_AUDIENCES = frozenset(
    ("everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only")
)
_TOP_LEVEL = ("reply_control", "enable_reply_approvals", "topic_tag", "is_ghost_post")
_ONLY_TEXT = ("link_attachment", "poll_attachment", "gif_attachment", "text_attachment", "is_ghost_post")
_OPTIONS = ("option_a", "option_b", "option_c", "option_d")
_ADDRESS = re.compile(r"https?://[^\s]+")


@attrs.define(eq=False)
class Container:
    """What will be a post. ``failure`` shows when it is ``ready_at``; ``media_id`` once it is published."""

    id: str
    username: str
    kind: str
    given: Json
    created_at: datetime
    ready_at: datetime
    failure: str = ""
    media: list[Json] = attrs.field(factory=list)
    media_id: str | None = None
    is_item: bool = False


class Containers(Profiles):
    """The part of the box that makes and publishes.

    ``seconds`` is how long each kind is processed. ``settling`` is how long a container that says FINISHED is still
    refused when it is published; the next ``vanishing`` containers are lost: they say FINISHED and are never found.
    ``posts_a_day``, ``replies_a_day`` and ``deletions_a_day`` are the quotas. ``blocked`` is the spam guard: it says
    no ("refused"), or says no and publishes all the same ("live"). ``restricted`` is an account that may not post.
    """

    settling: float = 0.0
    vanishing: int = 0
    posts_a_day: int = 250
    replies_a_day: int = 1000
    deletions_a_day: int = 100
    blocked: Literal["", "refused", "live"] = ""
    restricted: bool = False
    shares_fail: bool = False

    def start_containers(self) -> None:
        """None yet."""
        self.seconds = {"TEXT": 0.5, "IMAGE": 2.0, "VIDEO": 15.0, "CAROUSEL": 2.0}
        self.containers: dict[str, Container] = {}
        self.gone: set[str] = set()
        self.deleted: list[tuple[str, datetime]] = []
        self._made = 17_973_876_641_000_000

    # making ----------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /{user}/threads``: a container, or with ``auto_publish_text`` a post."""
        from starlette.responses import JSONResponse

        given = self.fields(request)
        scopes = ["threads_basic", "threads_content_publish"]
        scopes += ["threads_location_tagging"] if "location_id" in given else []
        scopes += ["threads_share_to_instagram"] if given.get("crossreshare_to_ig") == "true" else []
        username = self.user_in_path(request, *scopes)
        kind = str(given.get("media_type") or "")
        if kind not in _KINDS:
            raise self.bad(f"Param media_type must be one of {{{', '.join(_KINDS)}}}")
        self._check_text(given, kind)
        self._check_company(given, kind)
        self._check_targets(given)
        container = self._started(given, kind, username)
        if given.get("auto_publish_text") == "true":
            if kind != "TEXT":
                raise self.bad("Param auto_publish_text is only for TEXT")
            container.ready_at = self.now()
            return JSONResponse({"id": self._publish(container).id})
        return JSONResponse({"id": container.id})

    def fields(self, request: Request) -> Json:
        """Query and form together; of a JSON body only the best known fields."""
        read = body(request)
        told = dict(request.query_params) | dict(read.fields)
        if read.content_type.startswith("application/json"):
            data = read.json()
            told |= {name: str(data[name]) for name in _LOUD if isinstance(data, dict) and name in data}
        return {name: value for name, value in told.items() if value != "" and name != "access_token"}

    def _started(self, given: Json, kind: str, username: str) -> Container:
        self._made += 1
        late, fails = self.processing()
        ready = late + timedelta(seconds=self.seconds[kind])
        container = Container(str(self._made), username, kind, given, self.now(), ready)
        container.is_item = given.get("is_carousel_item") == "true"
        if kind == "CAROUSEL":
            container.media = self._children(given, username)
        elif kind != "TEXT":
            container.media, container.failure = self._fetched(given, kind)
        if fails:
            container.failure = "FAILED_PROCESSING_VIDEO" if kind == "VIDEO" else "UNKNOWN"
        if self.vanishing > 0 and not container.is_item:
            self.vanishing -= 1
            self.gone.add(container.id)
        self.containers[container.id] = container
        return container

    def _check_text(self, given: Json, kind: str) -> None:
        text = str(given.get("text") or "")
        if len(text.encode()) > TEXT:
            raise self.bad(f"Param text must be at most {TEXT} characters long")
        alone = ("link_attachment", "poll_attachment", "gif_attachment", "text_attachment", "quote_post_id")
        if kind == "TEXT" and not text.strip() and not any(name in given for name in alone):
            raise self.bad("The parameter text is required")
        links = {*_ADDRESS.findall(text), given.get("link_attachment")}
        links.add(parsed(given.get("text_attachment")).get("link_attachment_url"))
        if len(links - {None}) > LINKS:
            raise self.bad("THREADS_API__LINK_LIMIT_EXCEEDED")
        topic = given.get("topic_tag")
        if topic is not None and (not 0 < len(topic) <= TOPIC or set(topic) & set(".&")):
            raise self.bad("Param topic_tag must be 1 to 50 characters without periods and ampersands")
        if len(given.get("alt_text", "")) > ALT:
            raise self.bad(f"Param alt_text must be at most {ALT} characters long")

    def _check_company(self, given: Json, kind: str) -> None:
        """What goes together."""
        if strange := [name for name in _ONLY_TEXT if name in given and kind != "TEXT"]:
            raise self.bad(f"Param {strange[0]} is only for TEXT")
        if "poll_attachment" in given and ("link_attachment" in given or "text_attachment" in given):
            raise self.bad("Param poll_attachment cannot be combined with other attachments")
        if "reply_to_id" in given and (names := [name for name in _TOP_LEVEL if name in given]):
            raise self.bad(f"Param {names[0]} is not for replies")
        if given.get("reply_control", "everyone") not in _AUDIENCES:
            raise self.bad(f"Param reply_control must be one of {{{', '.join(sorted(_AUDIENCES))}}}")
        gif = parsed(given.get("gif_attachment"))
        if "gif_attachment" in given and (gif.get("provider") != "GIPHY" or not gif.get("gif_id")):
            raise self.bad("Param gif_attachment needs a gif_id and the provider GIPHY")
        if len(parsed(given.get("text_attachment")).get("plaintext", "")) > PLAINTEXT:
            raise self.bad(f"Param plaintext must be at most {PLAINTEXT} characters long")
        if len(_parsed_list(given.get("text_entities"))) > SPOILERS:
            raise self.bad(f"Param text_entities must have at most {SPOILERS} entities")
        if codes := given.get("allowlisted_country_codes"):
            self._check_countries(codes)

    def _check_countries(self, codes: str) -> None:
        if not self.geo_gating:
            raise self.bad("THREADS_API__FEATURE_NOT_AVAILABLE")
        if not all(re.fullmatch("[A-Z]{2}", code) for code in codes.split(",")):
            raise self.bad("THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES")

    def _check_targets(self, given: Json) -> None:
        for name in ("reply_to_id", "quote_post_id"):
            if name in given and self.find(given[name]) is None:
                raise self.no_object(given[name])
        if "location_id" in given and given["location_id"] not in self.places:
            raise self.no_object(given["location_id"])

    # media -----------------------------------------------------------------------------------------

    def _fetched(self, given: Json, kind: str) -> tuple[list[Json], str]:
        """(the medium, what is wrong with it). A picture that cannot be had is refused at once, a video later."""
        name = f"{kind.lower()}_url"
        if not (url := given.get(name)):
            raise self.bad(f"The parameter {name} is required")
        if "reply_to_id" in given and given.get("is_carousel_item") == "true":
            raise self.bad("Param reply_to_id is not for carousel items")
        upload = self.box.files.fetch(url)
        if upload is None or (upload.kind.family != kind.lower() and kind == "IMAGE"):
            if kind == "VIDEO":
                return [], "FAILED_DOWNLOADING_VIDEO"
            words = "The media could not be fetched from this URI"
            raise Answer(self.graph_error(1, words, subcode=2207052))
        problem = _picture_problem(upload) if kind == "IMAGE" else _video_problem(upload)
        return [self._kept(upload, given, url)], problem

    def _kept(self, upload: Upload, given: Json, url: str) -> Json:
        medium: Json = {
            "id": self.digest("medium", url)[:16],
            "mime": upload.kind.mime,
            "alt": given.get("alt_text", ""),
            "data": upload.data if upload.kind.family == "image" else None,
            "width": upload.kind.width,
            "height": upload.kind.height,
            "kind": upload.kind.family.upper(),
        }
        self.media[medium["id"]] = medium
        return medium

    def _children(self, given: Json, username: str) -> list[Json]:
        ids = [one for one in str(given.get("children") or "").split(",") if one]
        found = [self.containers.get(one) for one in ids]
        fit = [one for one in found if one and one.username == username and one.is_item]
        ready = [one for one in fit if self.status(one) == "FINISHED"]
        if not 2 <= len(ids) <= 20 or len(ready) != len(ids):
            words = "The children of the carousel are invalid"
            raise Answer(self.graph_error(100, words, subcode=4279004))
        return [dict(one.media[0]) for one in ready]

    # status ----------------------------------------------------------------------------------------

    def status(self, container: Container) -> str:
        """Where a container stands now."""
        if container.media_id is not None:
            return "PUBLISHED"
        if self.now() - container.created_at >= LIFETIME:
            return "EXPIRED"
        if self.now() < container.ready_at:
            return "IN_PROGRESS"
        return "ERROR" if container.failure else "FINISHED"

    def show_container(self, request: Request, container: Container) -> Response:
        """``GET /{container}``."""
        from starlette.responses import JSONResponse

        username = self.grant(request, "threads_basic").username
        if username != container.username:
            raise self.no_object(container.id)
        status = self.status(container)
        known = {"id": container.id, "status": status}
        asked = self.asked_fields(request)
        if status == "ERROR":
            known["error_message"] = container.failure
        elif "error_message" in asked:
            asked.remove("error_message")
        return JSONResponse(self.picked(asked, known))

    # publishing ------------------------------------------------------------------------------------

    def publish(self, request: Request) -> Response:
        """``POST /{user}/threads_publish``: once, when the container is FINISHED."""
        from starlette.responses import JSONResponse

        given = self.fields(request)
        username = self.user_in_path(request, "threads_basic", "threads_content_publish")
        if not given.get("creation_id"):
            raise self.bad("The parameter creation_id is required")
        container = self.containers.get(given["creation_id"])
        if container is None or container.username != username or container.is_item:
            raise self.not_found()
        if self.status(container) != "FINISHED" or container.id in self.gone:
            raise self.not_found()
        if self.now() < container.ready_at + timedelta(seconds=self.settling):
            raise self.not_found()
        entry = self._publish(container)
        answer: Json = {"id": entry.id}
        if container.given.get("crossreshare_to_ig") == "true":
            answer["crossreshare_to_ig_status"] = "FAILED" if self.shares_fail else "SUCCESS"
        return JSONResponse(answer)

    def not_found(self) -> Answer:
        """24/4279009, whose words for people come in their language."""
        error = {
            "message": "The requested resource does not exist",
            "type": "OAuthException",
            "code": 24,
            "error_subcode": _NOT_FOUND,
            "is_transient": False,
            "error_user_title": "Medium nicht gefunden",
            "error_user_msg": "Das Medium mit der angegebenen ID konnte nicht gefunden werden.",
        }
        return self.refused(error)

    def _publish(self, container: Container) -> Entry:
        if self.restricted:
            raise Answer(self.graph_error(10, "The user is restricted from posting", subcode=4279013))
        if self.blocked == "refused":
            raise self.action_blocked()
        reply = "reply_to_id" in container.given
        if self.used_up(container.username, reply=reply):
            raise self.bad("Invalid parameter")
        self._check_targets(container.given)
        entry = self._entry(container)
        container.media_id = entry.id
        self.add(entry)
        if self.blocked == "live":
            raise self.action_blocked()
        return entry

    def action_blocked(self) -> Answer:
        """4/2207051: the spam guard."""
        return Answer(self.graph_error(4, "The action is blocked", subcode=2207051))

    def _entry(self, container: Container) -> Entry:
        given = container.given
        media_id = self.new_id()
        return Entry(
            id=media_id,
            account=container.username,
            text=str(given.get("text") or "").strip(),
            created_at=self.now().replace(microsecond=0),
            media=container.media,
            reply_to=given.get("reply_to_id"),
            quote=given.get("quote_post_id"),
            poll=_poll(given.get("poll_attachment")),
            url=self.permalink(container.username, media_id),
            extras={"container": container.id, "kind": container.kind, "given": dict(given)},
        )

    def used_up(self, username: str, *, reply: bool) -> bool:
        """Whether the day's quota of posts, or of replies, is spent."""
        limit = self.replies_a_day if reply else self.posts_a_day
        return self.used(username, reply=reply) >= limit

    def used(self, username: str, *, reply: bool) -> int:
        """Posts, or replies, of the last 24 hours; deleted ones count."""
        since = self.now() - DAY
        fits: Callable[[Entry], bool] = lambda one: (one.reply_to is not None) == reply  # noqa: E731
        own = [one for one in self.entries.values() if one.account == username and "container" in one.extras]
        return sum(one.created_at > since and fits(one) for one in own)

    def forget(self, entry: Entry) -> None:
        """As if it had never been: its container can be published again."""
        super().forget(entry)
        container = self.containers.get(entry.extras.get("container", ""))
        if container is not None and container.media_id == entry.id:
            container.media_id = None


def parsed(text: str | None) -> Json:
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _parsed_list(text: str | None) -> list[Any]:
    try:
        told = json.loads(text or "[]")
    except ValueError:
        return []
    return told if isinstance(told, list) else []


def _poll(text: str | None) -> Json | None:
    """The poll; any other shape is overlooked without a word."""
    told = parsed(text)
    options = [told[name] for name in _OPTIONS if name in told]
    fits = all(isinstance(one, str) and 0 < len(one) <= 25 for one in options)
    if not 2 <= len(options) <= 4 or not fits or set(told) - set(_OPTIONS):
        return None
    return {"options": [{"title": title, "votes": 0} for title in options]}


def _picture_problem(upload: Upload) -> str:
    kind = upload.kind
    if kind.mime not in ("image/jpeg", "image/png") or upload.size > 8 * 1024 * 1024:
        return "UNKNOWN"
    return "INVALID_ASPEC_RATIO" if kind.height and kind.width / kind.height > 10 else ""


def _video_problem(upload: Upload) -> str:
    kind = upload.kind
    if kind.mime not in ("video/mp4", "video/quicktime") or upload.size > 1024**3:
        return "FAILED_PROCESSING_VIDEO"
    if kind.seconds is not None and not 0 < kind.seconds <= 300:
        return "INVALID_DURATION"
    if kind.height and not 0.01 <= kind.width / kind.height <= 10:
        return "INVALID_ASPEC_RATIO"
    return "FAILED_PROCESSING_VIDEO" if kind.width > 1920 else ""
