"""Uploads to X: one shot, in segments, processing on the clock, alt text, subtitles. Bytes are never kept
beyond small pictures."""

from __future__ import annotations

import base64
import binascii
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from . import x_schema as schema
from .bodies import SMALL, Upload
from .core import Answer, body
from .sniff import Kind, sniff
from .x_auth import Table, XUser
from .x_meter import Meter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Medium", "Uploads"]

Json = dict[str, Any]
LIFETIME = timedelta(days=1)
_IMAGES = ("image/jpeg", "image/png", "image/webp", "image/gif")
_VIDEOS = ("video/mp4", "video/quicktime", "video/webm")
_PREFIXES = {"tweet_video": "7", "dm_video": "7", "amplify_video": "13", "tweet_gif": "16", "dm_gif": "16"}
_CODECS = (b"hvc1", b"hev1", b"av01", b"vp09", b"mp4v", b"Opus", b"ac-3", b"fLaC")
"""Sample entries of what X does not process: it takes H.264 and AAC."""
_FRAMES, _VOLUME = 350, 300_000_000
"""Frames of a GIF, and frames times pixels."""
_MEBI = 1_048_576
_PROCESSING = 3.0


@attrs.define(eq=False)
class Medium:
    """An upload. ``segments`` holds sizes by index; ``ready_at`` is None until it is finalized."""

    id: str
    owners: set[str]
    category: str
    created_at: datetime
    total: int = 0
    segments: dict[int, int] = attrs.field(factory=dict)
    head: bytes = attrs.field(default=b"", repr=False)
    tails: dict[int, bytes] = attrs.field(factory=dict, repr=False)
    pieces: dict[int, bytes] = attrs.field(factory=dict, repr=False)
    kind: Kind = attrs.field(factory=Kind)
    closed_at: datetime | None = None
    ready_at: datetime | None = None
    failure: str = ""
    dead: bool = False
    alt: str = ""
    warnings: Json = attrs.field(factory=dict)
    subtitles: list[Json] = attrs.field(factory=list)
    shown: Json = attrs.field(factory=dict)

    @property
    def key(self) -> str:
        """The media key."""
        return f"{_PREFIXES.get(self.category, '3')}_{self.id}"

    @property
    def family(self) -> str:
        """photo, animated_gif, video or subtitles."""
        if self.category == "subtitles":
            return "subtitles"
        if self.category.endswith("video"):
            return "video"
        return "animated_gif" if self.category.endswith("gif") else "photo"


class Uploads(Meter):
    """The part of the box that takes files.

    ``image_bytes``, ``gif_bytes``, ``video_bytes`` (16 GiB for premium accounts) and ``segment_bytes`` are
    the limits. ``bare_uploads`` leaves the ``data`` wrapper out of one-shot answers, as X did in 2025.
    ``video_alt_text = False`` refuses alt text of videos; X does not say whether it does.
    """

    image_bytes = 5 * _MEBI
    gif_bytes = 15 * _MEBI
    video_bytes = 8 * 1024 * _MEBI
    segment_bytes = 20 * _MEBI
    bare_uploads = False
    video_alt_text = True

    def media_table(self) -> Table:
        """Method, path and handler of everything in this file."""
        return [
            ("POST", "/2/media/upload", self.upload),
            ("GET", "/2/media/upload", self.upload_status),
            ("POST", "/2/media/upload/initialize", self.initialize),
            ("POST", "/2/media/upload/{id}/append", self.append),
            ("POST", "/2/media/upload/{id}/finalize", self.finalize),
            ("POST", "/2/media/metadata", self.describe),
            ("POST", "/2/media/subtitles", self.add_subtitles),
            ("DELETE", "/2/media/subtitles", self.remove_subtitles),
        ]

    @property
    def uploads(self) -> dict[str, Medium]:
        """Every upload that is neither expired nor lost, by id."""
        return self._uploads

    def start_uploads(self) -> None:
        """No uploads yet."""
        self._uploads: dict[str, Medium] = {}

    def drop_expired(self) -> None:
        """Forget uploads that no post used within a day."""
        for medium in list(self._uploads.values()):
            if not medium.shown and self.now() - medium.created_at >= LIFETIME:
                del self._uploads[medium.id]

    def checked(self, request: Request, shape: Json) -> Json:
        """The JSON body, after every problem with it was told at once."""
        given = body(request).json()
        found = list(schema.problems(given, shape))
        if found:
            raise self.invalid(*(({}, problem) for problem in found))
        return dict(given)

    def own_upload(self, media_id: str, me: XUser) -> Medium:
        """The caller's upload; 400 when there is none."""
        medium = self._uploads.get(media_id)
        if medium is None or medium.dead or me.id not in medium.owners:
            raise self.invalid(({"media_id": [media_id]}, f"Invalid media id {media_id}"))
        return medium

    # one shot ------------------------------------------------------------------------------------

    def upload(self, request: Request) -> Response:
        """``POST /2/media/upload``: the bytes in one request, as multipart or as JSON with base 64."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        fields, file = self._one_shot(request)
        if file is None:
            raise self.invalid(({}, "media parameter is missing"))
        found = list(schema.problems({**fields, "media": ""}, schema.UPLOAD))
        if found:
            raise self.invalid(*(({}, problem) for problem in found))
        owners = {owner for owner in str(fields.get("additional_owners", "")).split(",") if owner}
        medium = self._new(me, str(fields["media_category"]), owners)
        medium.total = file.size
        self._take(medium, 0, file)
        self._close(medium, me)
        answer = self.upload_json(medium)
        return JSONResponse(answer if self.bare_uploads else {"data": answer})

    def _one_shot(self, request: Request) -> tuple[Json, Upload | None]:
        read = body(request)
        if read.raw:
            given = dict(read.fields) if read.fields else read.json()
            if not isinstance(given, dict):
                raise self.invalid(({}, "$: object expected"))
        else:
            given = dict(read.fields)
        file = read.files.get("media") or self._decoded(given.get("media"))
        return {name: value for name, value in given.items() if name != "media"}, file

    def _decoded(self, text: Any) -> Upload | None:
        if not isinstance(text, str) or not text:
            return None
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise self.invalid(({}, "$.media: is not base64")) from None
        upload = Upload(name="media")
        upload.feed(data)
        return upload.close()

    # segments ------------------------------------------------------------------------------------

    def initialize(self, request: Request) -> Response:
        """``POST /2/media/upload/initialize``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        given = self.checked(request, schema.INITIALIZE)
        medium = self._new(me, given["media_category"], set(given.get("additional_owners", ())))
        medium.total = given["total_bytes"]
        try:
            self._check_size(medium, medium.total, me)
        except Answer:
            del self._uploads[medium.id]
            raise
        data = {"id": medium.id, "media_key": medium.key, "expires_after_secs": self._left(medium)}
        return JSONResponse({"data": data})

    def append(self, request: Request) -> Response:
        """``POST /2/media/upload/:id/append``: a segment again replaces the earlier one."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        medium = self.own_upload(request.path_params["id"], me)
        fields, file = self._one_shot(request)
        index = fields.get("segment_index")
        if isinstance(index, str) and index.isdecimal():
            fields["segment_index"] = int(index)
        if file is None:
            raise self.invalid(({}, "media parameter is missing"))
        found = list(schema.problems({**fields, "media": ""}, schema.APPEND))
        if found:
            raise self.invalid(*(({}, problem) for problem in found))
        if file.size > self.segment_bytes:
            raise Answer(self.problem(413, f"A segment may be {self.segment_bytes} bytes"))
        if medium.ready_at is not None:
            raise self.invalid(({}, f"Media {medium.id} is finalized"))
        self._take(medium, fields["segment_index"], file)
        expires = medium.created_at + LIFETIME
        return JSONResponse({"data": {"expires_at": math.ceil(expires.timestamp())}})

    def finalize(self, request: Request) -> Response:
        """``POST /2/media/upload/:id/finalize``: the segments must add up to ``total_bytes``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        medium = self.own_upload(request.path_params["id"], me)
        if medium.ready_at is None:
            gapless = sorted(medium.segments) == list(range(len(medium.segments)))
            if not gapless or sum(medium.segments.values()) != medium.total:
                medium.dead = True
                raise self.invalid(({}, "Segments do not add up to provided total file size."))
            self._close(medium, me)
        return JSONResponse({"data": self.upload_json(medium)})

    def upload_status(self, request: Request) -> Response:
        """``GET /2/media/upload?command=STATUS&media_id=``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        query = request.query_params
        if query.get("command", "STATUS") != "STATUS":
            raise self.invalid(({"command": [query["command"]]}, "command must be STATUS"))
        if "media_id" not in query:
            raise self.invalid(({"media_id": []}, "media_id parameter is missing"))
        return JSONResponse({"data": self.upload_json(self.own_upload(query["media_id"], me))})

    def _new(self, me: XUser, category: str, owners: set[str]) -> Medium:
        medium = Medium(self.new_id(), {me.id, *owners}, category, self.now())
        self._uploads[medium.id] = medium
        return medium

    def _take(self, medium: Medium, index: int, file: Upload) -> None:
        medium.segments[index] = file.size
        if index == 0:
            medium.head = file.head
        medium.tails[index] = file.tail
        for old in sorted(medium.tails)[:-2]:
            del medium.tails[old]
        medium.pieces.pop(index, None)
        if medium.total <= SMALL and medium.family in ("photo", "animated_gif") and file.data is not None:
            medium.pieces[index] = file.data

    def _close(self, medium: Medium, me: XUser) -> None:
        """All bytes are in: look at them, and set when the medium can be used."""
        tail = b"".join(medium.tails[index] for index in sorted(medium.tails))
        medium.kind, medium.closed_at = sniff(medium.head, tail), self.now()
        strange = any(codec in medium.head or codec in tail for codec in _CODECS)
        medium.head, medium.tails = b"", {}
        try:
            self._check_size(medium, sum(medium.segments.values()), me)
            if medium.family in ("photo", "animated_gif"):
                self._check_picture(medium)
        except Answer:
            del self._uploads[medium.id]
            raise
        ready, fails = self.processing()
        slow = medium.family in ("video", "animated_gif")
        medium.ready_at = max(ready, self.now() + timedelta(seconds=_PROCESSING * slow))
        if fails or (medium.family == "video" and (strange or not _is_film(medium.kind))):
            medium.failure = "InvalidMedia"
            medium.ready_at = max(medium.ready_at, self.now() + timedelta(seconds=_PROCESSING))

    def _check_size(self, medium: Medium, size: int, me: XUser) -> None:
        video = 16 * 1024 * _MEBI if me.premium else self.video_bytes
        limits = {"photo": self.image_bytes, "animated_gif": self.gif_bytes, "video": video}
        limit = limits.get(medium.family, _MEBI)
        if size > limit:
            raise self.invalid(({}, f"File size exceeds {limit} bytes."))
        if size == 0:
            raise self.invalid(({}, "The media is empty."))

    def _check_picture(self, medium: Medium) -> None:
        wanted = ("image/gif",) if medium.family == "animated_gif" else _IMAGES
        if medium.kind.mime not in wanted:
            raise self.invalid(({}, "media type unrecognized."))
        if medium.family == "animated_gif" and (medium.kind.width > 1280 or medium.kind.height > 1080):
            raise self.invalid(({}, "The GIF is larger than 1280x1080 pixels."))
        data = b"".join(medium.pieces.values()) if medium.family == "animated_gif" else b""
        frames = data.count(b"\x21\xf9\x04")
        if frames > _FRAMES or frames * medium.kind.width * medium.kind.height > _VOLUME:
            raise self.invalid(({}, f"The GIF has more than {_FRAMES} frames or {_VOLUME} pixels."))

    def _left(self, medium: Medium) -> int:
        return max(0, int((medium.created_at + LIFETIME - self.now()).total_seconds()))

    def upload_json(self, medium: Medium) -> Json:
        """The upload as one-shot, finalize and status answer it."""
        answer: Json = {"id": medium.id, "media_key": medium.key, "size": sum(medium.segments.values())}
        answer["expires_after_secs"] = self._left(medium)
        if medium.family == "photo":
            image = {"image_type": medium.kind.mime, "w": medium.kind.width, "h": medium.kind.height}
            answer["image"] = image
        if medium.family == "video":
            answer["video"] = {"video_type": medium.kind.mime or "video/mp4"}
        processing = self._processing_json(medium)
        if processing:
            answer["processing_info"] = processing
        return answer

    def _processing_json(self, medium: Medium) -> Json:
        if medium.ready_at is None or medium.closed_at is None:
            return {}
        left = (medium.ready_at - self.now()).total_seconds()
        whole = (medium.ready_at - medium.closed_at).total_seconds()
        if left > 0:
            progress = int(100 * (1 - left / whole))
            wait = {"check_after_secs": max(1, min(5, math.ceil(left)))}
            if progress < 30:
                return {"state": "pending", **wait}
            return {"state": "in_progress", "progress_percent": progress, **wait}
        if medium.failure:
            error = {"code": 1, "name": medium.failure, "message": "Unsupported media format"}
            return {"state": "failed", "progress_percent": 100, "error": error}
        return {"state": "succeeded", "progress_percent": 100} if whole else {}

    # what is said about a medium -----------------------------------------------------------------

    def describe(self, request: Request) -> Response:
        """``POST /2/media/metadata``: alt text and warnings."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        given = self.checked(request, schema.METADATA)
        self.need_credits("media metadata")
        medium = self.own_upload(given["id"], me)
        metadata = given.get("metadata", {})
        if "alt_text" in metadata and medium.family == "video" and not self.video_alt_text:
            raise self.invalid(({"metadata": ["alt_text"]}, "alt_text is not supported for this media."))
        if "alt_text" in metadata:
            medium.alt = metadata["alt_text"]["text"]
        medium.warnings = metadata.get("sensitive_media_warning", medium.warnings)
        self.charge("media metadata", medium.id)
        return JSONResponse({"data": {"id": medium.id, "associated_metadata": metadata}})

    def add_subtitles(self, request: Request) -> Response:
        """``POST /2/media/subtitles``: an uploaded text under an uploaded video."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        given = self.checked(request, schema.SUBTITLES)
        video = self.own_upload(given["id"], me)
        words = self.own_upload(given["subtitles"]["id"], me)
        if video.family != "video" or words.family != "subtitles":
            raise self.invalid(({}, "Subtitles go from an upload of category subtitles under a video."))
        self._drop_subtitles(video, given["subtitles"]["language_code"])
        video.subtitles.append(given["subtitles"])
        data = {"id": video.id, "media_category": given["media_category"]}
        return JSONResponse({"data": {**data, "associated_subtitles": {"subtitles": video.subtitles}}})

    def remove_subtitles(self, request: Request) -> Response:
        """``DELETE /2/media/subtitles``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "media.write")
        given = self.checked(request, schema.DELETE_SUBTITLES)
        gone = self._drop_subtitles(self.own_upload(given["id"], me), given["language_code"])
        return JSONResponse({"data": {"deleted": gone}})

    @staticmethod
    def _drop_subtitles(video: Medium, language: str) -> bool:
        before = len(video.subtitles)
        video.subtitles = [one for one in video.subtitles if one["language_code"] != language]
        return len(video.subtitles) < before

    # in a post -----------------------------------------------------------------------------------

    def attach(self, media_ids: list[str], me: XUser) -> list[Medium]:
        """The caller's media for a post; refuses what is unknown, not ready, failed, or a wrong mix."""
        found = [self._uploads.get(media_id) for media_id in media_ids]
        media = [medium for medium in found if medium is not None and self._usable(medium, me)]
        if len(media) < len(media_ids):
            parameters = {"media.media_ids": media_ids}
            raise self.invalid((parameters, "Your media IDs are invalid."))
        families = [medium.family for medium in media]
        if len(families) > 1 and set(families) != {"photo"}:
            words = "Only 4 photos or 1 GIF or 1 video may be attached to one post."
            raise self.coded(403, 323, words)
        limit = 7500.0 if me.premium else 1200.0
        if any((medium.kind.seconds or 0.0) > limit for medium in media):
            raise self.forbidden("This user is not allowed to post a video longer than 2 minutes")
        return media

    def _usable(self, medium: Medium, me: XUser) -> bool:
        if medium.ready_at is None or medium.dead or medium.failure or me.id not in medium.owners:
            return False
        allowed = medium.category.startswith(("tweet_", "amplify_"))
        return allowed and medium.ready_at <= self.now() < medium.created_at + LIFETIME

    def shown_medium(self, medium: Medium) -> Json:
        """The medium as a post keeps it: a plain dict that the page can show."""
        data = b"".join(medium.pieces[index] for index in sorted(medium.pieces)) or None
        medium.shown = {
            "id": medium.id,
            "key": medium.key,
            "family": medium.family,
            "mime": medium.kind.mime or "video/mp4",
            "size": sum(medium.segments.values()),
            "alt": medium.alt,
            "data": data,
            "width": medium.kind.width,
            "height": medium.kind.height,
            "seconds": medium.kind.seconds,
            "sensitive": any(medium.warnings.values()),
        }
        self.media[medium.id] = medium.shown
        return medium.shown


def _is_film(kind: Kind) -> bool:
    """Whether X can process a video: its format, and what is told of its shape and length."""
    if kind.mime not in _VIDEOS or (kind.seconds is not None and kind.seconds < 0.5):
        return False
    if not (kind.width and kind.height):
        return True
    return min(kind.width, kind.height) >= 32 and 1 / 3 <= kind.width / kind.height <= 3
