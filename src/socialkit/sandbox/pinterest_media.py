"""Pinterest's uploads: a video is registered, put into an S3 form, processed; pictures come as base64 or by address."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from . import pinterest_schema as schema
from .core import Answer, Upload, body
from .pinterest_auth import Pinner
from .pinterest_boards import Boards
from .sniff import Kind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["S3", "Uploads"]

Json = dict[str, Any]
S3 = "pinterest-media-upload.s3-accelerate.amazonaws.com"
_PROCESSING = 5.0
_VIDEOS = ("video/mp4", "video/quicktime")
_ADDRESSED = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/tiff")
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


@attrs.define(eq=False)
class Registered:
    """A video upload: what its form must hold, and how far it came."""

    id: str
    owner: str
    fields: dict[str, str]
    ends: datetime
    size: int = 0
    kind: Kind = attrs.field(factory=Kind)
    ready_at: datetime | None = None
    failure: str = ""


class Uploads(Boards):
    """Videos on their way. ``form_seconds`` is how long a form can be used, ``image_bytes`` how large a picture is."""

    upload_match: ClassVar[str] = "POST /"
    form_seconds: float = 3600.0
    image_bytes: int = 20_000_000

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.uploads: dict[str, Registered] = {}

    def media_table(self) -> list[tuple[str, str, Any]]:
        """``/v5/media``, and the form of S3."""
        return [
            ("POST", "/v5/media", self.register),
            ("GET", "/v5/media", self.list_media),
            ("GET", "/v5/media/{media}", self.show_media),
            ("POST", "/", self.take_form),
            ("PUT", "/", self.refuse_put),
        ]

    # registering -----------------------------------------------------------------------------------

    def register(self, request: Request) -> Response:
        """``POST /v5/media``."""
        me = self.asking(request, "pins:read", "pins:write")
        self.checked(request, schema.MEDIA)
        media_id, ends = f"5{self.new_id()}", self.now() + timedelta(seconds=self.form_seconds)
        fields = self._form(media_id, ends)
        self.uploads[media_id] = Registered(media_id, me.name, fields, ends)
        ours = urlsplit(self.base).hostname in self.hosts
        url = f"https://{S3}/" if ours else f"{self.base}/"
        told = {"media_id": media_id, "media_type": "video", "upload_url": url, "upload_parameters": fields}
        return self.json(told, 201)

    def _form(self, media_id: str, ends: datetime) -> dict[str, str]:
        day, key = self.now().strftime("%Y%m%d"), f"uploads/{self.digest('key', media_id)[:24]}"
        policy = {"expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": [{"key": key}]}
        return {
            "x-amz-date": f"{day}T000000Z",
            "x-amz-signature": self.digest("signature", media_id),
            "x-amz-security-token": self.digest("security token", media_id),
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "key": key,
            "policy": base64.b64encode(json.dumps(policy).encode()).decode(),
            "x-amz-credential": f"ASIASANDBOX/{day}/us-east-1/s3/aws4_request",
            "Content-Type": "multipart/form-data",
        }

    def status_of(self, upload: Registered) -> str:
        """How far a video is."""
        if upload.ready_at is None:
            return "registered"
        if upload.ready_at > self.now():
            return "processing"
        return "failed" if upload.failure else "succeeded"

    def _shown(self, upload: Registered) -> Json:
        status = self.status_of(upload)
        failed = {"failure_code": upload.failure} if status == "failed" else {}
        return {"media_id": upload.id, "media_type": "video", "status": status, **failed}

    def list_media(self, request: Request) -> Response:
        """``GET /v5/media``."""
        me = self.asking(request, "pins:read")
        own = [one for one in reversed(self.uploads.values()) if one.owner == me.name]
        return self.paged(request, own, self._shown)

    def show_media(self, request: Request) -> Response:
        """``GET /v5/media/{id}``."""
        me = self.asking(request, "pins:read")
        return self.json(self._shown(self._own_upload(request.path_params["media"], me)))

    def _own_upload(self, media_id: str, me: Pinner) -> Registered:
        upload = self.uploads.get(media_id)
        if upload is None or upload.owner != me.name:
            raise self.refused(404, 404, "Media not found.")
        return upload

    # S3 --------------------------------------------------------------------------------------------

    def take_form(self, request: Request) -> Response:
        """``POST`` to S3: every field of the form, then the file; 204."""
        from starlette.responses import Response

        if "authorization" in request.headers:
            raise self._s3(400, "InvalidArgument", "Only one auth mechanism allowed")
        given = body(request)
        file = given.files.get("file")
        if file is None:
            raise self._s3(400, "InvalidArgument", "POST requires exactly one file upload per request.")
        before = set(given.names[: given.names.index("file")])
        fields = {name: value for name, value in given.fields if name in before}
        upload = next((one for one in self.uploads.values() if one.fields["key"] == fields.get("key")), None)
        if upload is None or fields != upload.fields:
            raise self._s3(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed")
        if self.now() >= upload.ends:
            raise self._s3(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        self._arrived(upload, file)
        return Response(status_code=204)

    def refuse_put(self, request: Request) -> Response:
        """``PUT`` to S3: the address takes a form alone."""
        raise self._s3(403, "AccessDenied", "Access Denied")

    def _s3(self, status: int, code: str, message: str) -> Answer:
        from starlette.responses import Response

        return Answer(Response(_XML.format(code, message), status, media_type="application/xml"))

    def _arrived(self, upload: Registered, file: Upload) -> None:
        ready, fails = self.processing()
        upload.size, upload.kind = file.size, file.kind
        upload.ready_at = max(ready, self.now() + timedelta(seconds=_PROCESSING))
        seconds = upload.kind.seconds
        long = seconds is not None and not 4 <= seconds <= 900
        wrong = fails or upload.kind.mime not in _VIDEOS or long
        upload.failure = "VIDEO_INVALID" if wrong else ""

    # what a pin is made of -------------------------------------------------------------------------

    def pictured(self, given: Mapping[str, Any]) -> Json:
        """A picture of a media source, as bytes or by its address."""
        if "url" in given:
            return self._fetched(str(given["url"]))
        try:
            data = base64.b64decode(given["data"], validate=True)
        except binascii.Error:
            raise self.refused(400, 1, "Invalid request: data is not base64") from None
        upload = Upload()
        upload.feed(data)
        upload.close()
        if upload.kind.mime != given["content_type"] or upload.size > self.image_bytes:
            raise self.refused(400, 1, "Invalid request: the image is not what it says, or too large")
        return self._kept(upload)

    def _fetched(self, url: str) -> Json:
        upload = self.box.files.fetch(url)
        if upload is None:
            raise self.refused(400, 1, "Unable to reach the URL. Please check the URL and try again.")
        if upload.kind.mime not in _ADDRESSED:
            raise self.refused(400, 1, "Invalid request: there is no image at the URL")
        return {**self._kept(upload), "from": url}

    def _kept(self, upload: Upload) -> Json:
        medium: Json = {
            "id": self.new_id(),
            "mime": upload.kind.mime,
            "data": upload.data,
            "width": upload.kind.width,
            "height": upload.kind.height,
            "size": upload.size,
            "alt": "",
        }
        self.media[medium["id"]] = medium
        return medium

    def filmed(self, source: Json, me: Pinner) -> Json:
        """The video of a media source, with its cover."""
        upload = self._own_upload(source["media_id"], me)
        if self.status_of(upload) != "succeeded":
            raise self.refused(404, 404, "Media not found.")
        cover = self._cover(source)
        kind = upload.kind
        medium = {"id": upload.id, "mime": kind.mime, "data": None, "size": upload.size, "alt": ""}
        return {**medium, "width": kind.width, "height": kind.height, "seconds": kind.seconds, **cover}

    def _cover(self, source: Json) -> Json:
        if "cover_image_url" in source:
            return {"cover": self._fetched(source["cover_image_url"])["id"]}
        if "cover_image_data" in source and "cover_image_content_type" in source:
            picture = {"content_type": source["cover_image_content_type"], "data": source["cover_image_data"]}
            return {"cover": self.pictured(picture)["id"]}
        if "cover_image_key_frame_time" in source:
            return {"cover_at": source["cover_image_key_frame_time"]}
        words = "One of cover_image_url or cover_image_content_type and cover_image_data is required"
        raise self.refused(400, 1, f"Invalid request: {words}")
