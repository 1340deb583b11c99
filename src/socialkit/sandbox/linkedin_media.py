"""Uploads to LinkedIn: pictures and documents in one PUT, videos in parts of 4 MiB, processing on the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from . import linkedin_schema as schema
from .bodies import Upload
from .core import Answer, body
from .linkedin_wire import Wire
from .sniff import Kind

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Medium", "Uploads"]

Json = dict[str, Any]
PART = 4_194_304
LIVES = timedelta(days=1)
_VIDEO_SECONDS = 3.0
_PIXELS = 36_152_320
_PICTURES = ("image/jpeg", "image/png", "image/gif")
_DOCUMENTS = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@attrs.define(eq=False)
class Medium:
    """An upload: ``parts`` by number, each its size and ETag; ``ready_at`` is None until all of it is there."""

    urn: str
    owner: str
    family: str
    created_at: datetime
    total: int = 0
    parts: dict[int, tuple[int, str]] = attrs.field(factory=dict)
    head: bytes = attrs.field(default=b"", repr=False)
    data: bytes | None = attrs.field(default=None, repr=False)
    kind: Kind = attrs.field(factory=Kind)
    size: int = 0
    ready_at: datetime | None = None
    late: float = 0.0
    failure: str = ""
    thumbnail: int | None = None
    captions: str | None = None
    wants: frozenset[str] = frozenset()


class Uploads(Wire):
    """The part of the box that takes files. ``may_read_images`` False: tokens of members get 403 when they ask how
    far a picture or document is, as some do."""

    may_read_images: bool = True
    upload_host: str = "https://www.linkedin.com"

    def media_routes(self) -> list[BaseRoute]:
        """Everything in this file."""
        found = [self.route("POST", f"/rest/{name}", self.act) for name in ("images", "documents", "videos")]
        found += [
            self.route("GET", f"/rest/{name}/{{urn}}", self.show)
            for name in ("images", "documents", "videos")
        ]
        return [*found, self.route("PUT", "/dms-uploads/{family}/{number}/{part}", self.take)]

    @property
    def uploads(self) -> dict[str, Medium]:
        """Every upload by URN."""
        if not hasattr(self, "_uploads"):
            self._uploads: dict[str, Medium] = {}
        return self._uploads

    # opening and closing ---------------------------------------------------------------------------

    def act(self, request: Request) -> Response:
        """``POST /rest/{images,documents,videos}?action=``."""
        from starlette.responses import JSONResponse

        family = request.url.path.rpartition("/")[2][:-1]
        action = self.query(request).get("action")
        if action == "initializeUpload":
            return JSONResponse({"value": self._open(request, family)})
        if action == "finalizeUpload" and family == "video":
            return self._close(request)
        raise Answer(self.error(400, "ILLEGAL_ARGUMENT", f"no action {action!r}"))

    def _open(self, request: Request, family: str) -> Json:
        given = self.checked(request, schema.INITIALIZE)["initializeUploadRequest"]
        owner = str(given.get("owner") or "")
        scopes = {"member": ("w_member_social",), "page": ("w_organization_social",)}
        self.author(request, f"{family}s.ACTION", owner, **scopes)
        number = self.serial(family)[:22]
        medium = Medium(f"urn:li:{family}:{number}", owner, family, self.now())
        self.uploads[medium.urn] = medium
        ready, fails = self.processing()
        medium.late = (ready - self.now()).total_seconds()
        medium.failure = "The media could not be processed" if fails else ""
        ends = int((self.now() + LIVES).timestamp() * 1000)
        if family != "video":
            return {"uploadUrlExpiresAt": ends, "uploadUrl": self._address(medium, "0"), family: medium.urn}
        return {"uploadUrlsExpireAt": ends, "video": medium.urn, **self._instructions(medium, given)}

    def _instructions(self, medium: Medium, given: Json) -> Json:
        size = given.get("fileSizeBytes")
        if size is None or size < 1:
            raise self.invalid(
                "/initializeUploadRequest/fileSizeBytes", "MISSING_FIELD", "fileSizeBytes is required"
            )
        medium.total = size
        medium.wants = frozenset(
            name for name in ("thumbnail", "captions") if given.get(f"upload{name.capitalize()}")
        )
        parts = [
            {
                "uploadUrl": self._address(medium, str(number)),
                "firstByte": first,
                "lastByte": min(first + PART, size) - 1,
            }
            for number, first in enumerate(range(0, size, PART))
        ]
        extras = {f"{name}UploadUrl": self._address(medium, name) for name in medium.wants}
        return {"uploadToken": "", "uploadInstructions": parts, **extras}

    def _address(self, medium: Medium, part: str) -> str:
        base = self.base if "linkedin.com" not in self.base else self.upload_host
        number = medium.urn.rpartition(":")[2]
        return f"{base}/dms-uploads/{medium.family}/{number}/{part}?signature={self._signature(medium.urn, part)}"

    def _signature(self, urn: str, part: str) -> str:
        return self.digest("upload", urn, part)[:32]

    def _close(self, request: Request) -> Response:
        from starlette.responses import Response

        given = self.checked(request, schema.FINALIZE)["finalizeUploadRequest"]
        medium = self.uploads.get(str(given.get("video")))
        username, _ = self.caller(request, "videos.ACTION", "w_member_social", "w_organization_social")
        if medium is None or not self.owns(username, medium.owner):
            words = (
                "Accessing this video resource is forbidden. Please check your permissions for this resource"
            )
            raise Answer(self.error(403, "ACCESS_DENIED", words))
        if "uploadToken" not in given:
            raise self.invalid(
                "/finalizeUploadRequest/uploadToken", "MISSING_FIELD", "uploadToken is required"
            )
        if medium.ready_at is None:
            self._check_parts(medium, given.get("uploadedPartIds"))
            self._ready(medium, _VIDEO_SECONDS)
        return Response(b"", 200)

    def _check_parts(self, medium: Medium, told: Any) -> None:
        """All of the file, in the parts that were named, by their ETags in order."""
        starts = list(enumerate(range(0, medium.total, PART)))
        wanted = [min(first + PART, medium.total) - first for _, first in starts]
        have = [medium.parts.get(number, (0, "")) for number, _ in starts]
        if [size for size, _ in have] != wanted or told != [etag for _, etag in have]:
            words = "The uploaded parts do not make up the file"
            raise self.invalid("/finalizeUploadRequest/uploadedPartIds", "INVALID_PARTS", words)
        if ("thumbnail" in medium.wants and medium.thumbnail is None) or (
            "captions" in medium.wants and medium.captions is None
        ):
            raise self.invalid("/finalizeUploadRequest", "INVALID_PARTS", "thumbnail or captions are missing")

    # bytes -----------------------------------------------------------------------------------------

    def take(self, request: Request) -> Response:
        """``PUT`` to an upload address: signed by itself; pictures and documents ask for the token too."""
        from starlette.responses import Response

        values = request.path_params
        medium = self.uploads.get(f"urn:li:{values['family']}:{values['number']}")
        good = medium is not None and request.query_params.get("signature") == self._signature(
            medium.urn, values["part"]
        )
        if medium is None or not good or self.now() >= medium.created_at + LIVES:
            return Response(b"<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        if medium.family != "video":
            self.grant(request)
            return self._whole(medium, body(request).upload)
        return self._part(medium, values["part"], request)

    def _whole(self, medium: Medium, file: Upload | None) -> Response:
        """The last request is the file: a second one takes the place of the first."""
        from starlette.responses import Response

        file = file or Upload().close()
        medium.size, medium.data, medium.kind, medium.head = file.size, file.data, file.kind, file.head[:16]
        late, fails = self.processing()
        medium.late = max(medium.late, (late - self.now()).total_seconds())
        medium.failure = medium.failure or ("The media could not be processed" if fails else "")
        self._ready(medium, 0.0)
        return Response(b"", 201)

    def _part(self, medium: Medium, part: str, request: Request) -> Response:
        from starlette.responses import Response

        if part == "captions":
            files = list(body(request).files.values())
            medium.captions = (files[0].data or b"").decode("utf-8", "replace") if files else ""
            return Response(b"", 201)
        file = body(request).upload or Upload().close()
        if part == "thumbnail":
            medium.thumbnail = file.size
            return Response(b"", 201)
        etag = f"/ambry-video/signedId/{quote(file.sha256[:40])}"
        medium.parts[int(part)] = (file.size, etag)
        medium.head = file.head if part == "0" else medium.head
        if int(part) == 0:
            medium.kind = file.kind
        medium.size = sum(size for size, _ in medium.parts.values())
        return Response(b"", 200, {"etag": f'"{etag}"'})

    def _ready(self, medium: Medium, seconds: float) -> None:
        medium.ready_at = self.now() + timedelta(seconds=seconds + medium.late)
        medium.failure = medium.failure or self._problem(medium)

    def _problem(self, medium: Medium) -> str:
        kind = medium.kind
        if medium.family == "image":
            sound = kind.mime in _PICTURES and kind.width * kind.height < _PIXELS
        elif medium.family == "video":
            sound = kind.mime == "video/mp4" and 3 <= (kind.seconds or 3) <= 1800
        else:
            sound = medium.head.startswith(_DOCUMENTS) and medium.size <= 100_000_000
        return "" if sound else "The media has not the format that is wanted"

    # how far it is ---------------------------------------------------------------------------------

    def show(self, request: Request) -> Response:
        """``GET /rest/{images,documents,videos}/{urn}``."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        family = request.url.path.split("/")[2][:-1]
        username, _ = self.caller(request, f"{family}s.GET")
        medium = self.uploads.get(urn)
        if medium is None or medium.family != family:
            raise self.missing(urn)
        thin = family != "video" and not self.may_read_images
        if thin or not self.owns(username, medium.owner):
            raise self.forbid(request, f"{family}s.GET")
        told: Json = {"id": urn, "owner": medium.owner, "status": self.status_of(medium)}
        if told["status"] == "AVAILABLE":
            told["downloadUrl"] = f"https://media.licdn.com/dms/{urn.rpartition(':')[2]}"
        if told["status"] == "PROCESSING_FAILED":
            told["processingFailureReason"] = medium.failure
        return JSONResponse(told)

    def status_of(self, medium: Medium) -> str:
        """WAITING_UPLOAD, PROCESSING, AVAILABLE or PROCESSING_FAILED."""
        if medium.ready_at is None:
            return "WAITING_UPLOAD"
        if self.now() < medium.ready_at:
            return "PROCESSING"
        return "PROCESSING_FAILED" if medium.failure else "AVAILABLE"

    def usable(self, urn: str, owner: str, field: str) -> Medium:
        """The author's medium, ready for a post."""
        medium = self.uploads.get(urn)
        if medium is None or medium.owner != owner:
            raise self.invalid(field, "INVALID_MEDIA", f"{urn} not found")
        if self.status_of(medium) != "AVAILABLE":
            raise self.invalid(field, "MEDIA_ASSET_PROCESSING_IN_PROGRESS", f"{urn} is not ready")
        return medium

    def kept(self, medium: Medium, about: Json) -> Json:
        """The medium as a post keeps it, and the page shows it."""
        mimes = {"video": "video/mp4", "document": "application/pdf"}
        mime = medium.kind.mime or mimes.get(medium.family, "")
        kept = {"id": medium.urn, "mime": mime, "alt": about.get("altText", ""), "data": medium.data}
        kept |= {"title": about.get("title", ""), "size": medium.size}
        kept["thumbnail_size"], kept["captions"] = medium.thumbnail, medium.captions
        self.media[medium.urn] = kept
        return kept
