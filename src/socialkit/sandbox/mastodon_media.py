"""Uploads to a Mastodon-API server: what it takes, how long it converts, what may change before use."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from . import mastodon_views as views
from .bodies import Upload
from .core import Answer, body
from .mastodon_forms import params
from .mastodon_oauth import Grants
from .mastodon_views import Json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .mastodon import MastodonBox

__all__ = ["Uploads"]


class Uploads(Grants):
    """The part of the box that takes files."""

    _serials: itertools.count[int]

    @property
    def _box(self) -> MastodonBox:
        from .mastodon import MastodonBox

        assert isinstance(self, MastodonBox)
        return self

    def next_number(self) -> str:
        """A number no other medium, poll or scheduled post has."""
        return str(next(self._serials))

    def media_table(self) -> list[tuple[str, str, Callable[[Request], Response]]]:
        """Method, path and handler of everything in this file."""
        return [
            ("POST", "/api/v2/media", self.upload),
            ("POST", "/api/v1/media", self.upload_and_wait),
            ("GET", "/api/v1/media/{id}", self.medium),
            ("PUT", "/api/v1/media/{id}", self.edit_medium),
            ("DELETE", "/api/v1/media/{id}", self.delete_medium),
        ]

    def upload(self, request: Request) -> Response:
        """``POST /api/v2/media``: 200 for pictures, 202 for what must be converted first."""
        from starlette.responses import JSONResponse

        medium = self._take_upload(request)
        status = 200 if medium["ready_at"] <= self.now() and not medium["failed"] else 202
        return JSONResponse(views.media_json(self._box, medium), status)

    def upload_and_wait(self, request: Request) -> Response:
        """``POST /api/v1/media``: the old call, which answers when processing has ended."""
        from starlette.responses import JSONResponse

        medium = self._take_upload(request)
        if medium["failed"]:
            raise Answer(self.error(422, message="Error processing thumbnail for uploaded media"))
        medium["ready_at"] = self.now()
        return JSONResponse(views.media_json(self._box, medium))

    def _take_upload(self, request: Request) -> Json:
        me = self.user(request, "write:media")
        upload = body(request).files.get("file")
        if upload is None or upload.size == 0:
            raise self._box.invalid("File can't be blank")
        kind = self._check_upload(upload)
        cover = body(request).files.get("thumbnail")
        self._check_cover(cover)
        ready, fails = self.processing()
        medium: Json = {
            "id": self.next_number(),
            "owner": me.username,
            "entry": None,
            "type": kind,
            "mime": upload.kind.mime,
            "size": upload.size,
            "sha256": upload.sha256,
            "data": upload.data if kind in ("image", "gifv") else None,
            "width": upload.kind.width,
            "height": upload.kind.height,
            "seconds": upload.kind.seconds,
            "cover": cover.sha256 if cover is not None else None,
            "alt": None,
            "focus": None,
            "failed": fails,
            "created_at": self.now(),
            "ready_at": ready if kind == "image" else max(ready, self.now() + timedelta(seconds=2)),
        }
        self.describe(medium, dict(body(request).fields))
        self.media[medium["id"]] = medium
        return medium

    def _check_upload(self, upload: Upload) -> str:
        """The attachment's type, or the refusal: told from the content, not from the name."""
        kind = upload.kind
        known = (*self.kind.images, *self.kind.videos, *self.kind.audio)
        if kind.mime not in known:
            if self.kind.garbage != "invalid":
                raise Answer(self.error(500))
            words = "Validation failed: File content type is invalid, File is invalid"
            raise Answer(self.error(422, "file", words))
        if upload.size > (self._box.image_bytes if kind.family == "image" else self._box.video_bytes):
            raise self._box.invalid("File file size must be less than the limit")
        if kind.mime == "image/gif" and kind.animated:
            if self.kind.measures and kind.width * kind.height > 921_600:
                raise self._box.invalid(f"{kind.width}x{kind.height} GIF files are not supported")
            return "gifv"
        if not self.kind.measures:
            return kind.family
        if kind.family == "image" and kind.width * kind.height > 33_177_600:
            raise self._box.invalid(f"{kind.width}x{kind.height} images are not supported")
        if kind.family == "video" and kind.width * kind.height > 8_294_400:
            raise self._box.invalid(f"{kind.width}x{kind.height} videos are not supported")
        if kind.family == "video" and self.kind.frames:
            self._check_frames(upload)
        return kind.family

    def _check_frames(self, upload: Upload) -> None:
        """At most 120 frames a second, 36,000 in all, as far as an MP4 tells."""
        frames, seconds = _frames(upload.head + upload.tail), upload.kind.seconds
        if frames and seconds and frames / seconds > 120:
            raise self._box.invalid(f"{round(frames / seconds)}fps videos are not supported")
        if frames > 36_000:
            raise self._box.invalid("Video is too long")

    def _check_cover(self, cover: Upload | None) -> None:
        if cover is not None and cover.kind.family != "image":
            raise self._box.invalid("Thumbnail content type is invalid")

    def describe(self, medium: Json, given: Json) -> None:
        """Set alt text and focal point from the fields of a request."""
        alt, focus = given.get("description"), given.get("focus")
        limit = self.kind.description_limit
        if alt is not None:
            if limit is not None and len(str(alt)) > limit:
                raise self._box.invalid(f"Description is too long (maximum is {limit} characters)")
            medium["alt"] = str(alt) or None
        if len(medium["alt"] or "") < self.kind.description_minimum:
            raise self._box.invalid(f"description less than {self.kind.description_minimum} chars")
        if focus and self.kind.focus:
            try:
                x, y = (max(-1.0, min(1.0, float(part))) for part in str(focus).split(","))
            except ValueError:
                raise self._box.invalid("Focus is invalid") from None
            medium["focus"] = (x, y)

    def _own_medium(self, request: Request, *, free: bool) -> Json:
        me = self.user(request, "write:media")
        medium = self.media.get(request.path_params["id"])
        if medium is None or medium["owner"] != me.username or (free and medium["entry"] is not None):
            raise Answer(self.error(404))
        return medium

    def medium(self, request: Request) -> Response:
        """``GET /api/v1/media/:id``: 206 while in processing, 404 once attached."""
        from starlette.responses import JSONResponse

        medium = self._own_medium(request, free=True)
        if medium["ready_at"] > self.now():
            return JSONResponse(views.media_json(self._box, medium), 206)
        if medium["failed"]:
            raise Answer(self.error(422, message="Error processing thumbnail for uploaded media"))
        return JSONResponse(views.media_json(self._box, medium))

    def edit_medium(self, request: Request) -> Response:
        """``PUT /api/v1/media/:id``, before it is attached."""
        from starlette.responses import JSONResponse

        medium = self._own_medium(request, free=True)
        self.describe(medium, params(request))
        return JSONResponse(views.media_json(self._box, medium))

    def delete_medium(self, request: Request) -> Response:
        """``DELETE /api/v1/media/:id``."""
        from starlette.responses import JSONResponse

        medium = self._own_medium(request, free=False)
        if medium["entry"] is not None:
            raise Answer(self.error(422, message="Media attachment is currently used by a status"))
        del self.media[medium["id"]]
        return JSONResponse({})


def _frames(data: bytes) -> int:
    """The number of pictures of an MP4 or MOV; 0 where it does not tell."""
    track = next((one for one in data.split(b"trak")[1:] if b"vide" in one), b"")
    told = re.search(rb"stsz.{8}(.{4})", track, re.DOTALL)
    return int.from_bytes(told[1]) if told else 0
