"""YouTube's uploads as Google's upload host takes them: sessions with their 308 dialogue, multipart and media.

No public recording of the dialogue is known; it follows Google's guide to resumable uploads, read in November 2026.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

import attrs

from .core import Answer, Entry, body
from .sniff import Kind, sniff
from .youtube_api import CAPTIONS, UPLOAD, Json, YouTubeApi, stamp

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Session", "Uploads"]

UNIT = 262_144
SMALL = 4 * 1024 * 1024
LIFETIME = timedelta(days=7)
_EDGE = 64 * 1024
_MAX = {"videos": 274_877_906_944, "captions": 104_857_600, "thumbnails/set": 52_428_800}
_SCOPES = {"videos": UPLOAD, "captions": CAPTIONS, "thumbnails/set": UPLOAD}
_RANGE = re.compile(r"bytes (?:(?P<from>[0-9]+)-(?P<to>[0-9]+)|\*)/(?P<total>[0-9]+|\*)")


@attrs.define(eq=False)
class Session:
    """One upload: what it is for, and the bytes it holds. ``made`` is the answer it ended with."""

    id: str
    resource: str
    username: str
    query: Json
    request: Json
    created_at: datetime
    total: int | None = None
    mime: str = ""
    name: str = ""
    received: int = 0
    head: bytes = b""
    tail: bytes = b""
    data: bytes | None = b""
    made: Json | None = None
    entry: str = ""
    named_at: datetime | None = None
    before: tuple[int, bytes, bytes, bytes | None] = (0, b"", b"", b"")

    def take(self, head: bytes, tail: bytes, data: bytes | None, size: int) -> None:
        """The next bytes."""
        self.before = (self.received, self.head, self.tail, self.data)
        if len(self.head) < _EDGE:
            self.head = (self.head + head)[:_EDGE]
        self.tail = (self.tail + tail)[-_EDGE:]
        small = self.data is not None and data is not None and len(self.data) + size <= SMALL
        self.data = self.data + data if small and self.data is not None and data is not None else None
        self.received += size

    def back(self) -> None:
        """As before the last bytes came."""
        self.received, self.head, self.tail, self.data = self.before
        self.made, self.entry = None, ""

    @property
    def kind(self) -> Kind:
        return sniff(self.head, self.tail)


class Uploads(YouTubeApi):
    """``/upload/youtube/v3/…`` for videos, captions and thumbnails.

    ``stores`` bytes at most are kept of a piece, as when a connection breaks; ``seconds_to_name`` is how long a session
    that has all bytes still answers 308.
    """

    stores: int | None = None
    seconds_to_name: float = 0.0

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.sessions: dict[str, Session] = {}
        self.chunk_log: list[tuple[str, int, int]] = []
        """(session, first byte, bytes) of every piece that came, for tests that count what is sent twice."""

    def upload_routes(self) -> list[BaseRoute]:
        """Both addresses of each kind."""
        return [
            self.route(method, f"{root}upload/youtube/v3/{resource}", handler)
            for root in ("/", "/resumable/")
            for resource in _SCOPES
            for method, handler in (("POST", self.begin), ("PUT", self.go_on))
        ]

    @staticmethod
    def _resource(request: Request) -> str:
        return str(request.scope["path"]).partition("/youtube/v3/")[2]

    # the three ways --------------------------------------------------------------------------------

    def begin(self, request: Request, entry: str = "") -> Response:
        """POST: a session, or the whole of a small file at once. ``entry`` is the video of a track that is replaced."""
        resource = self._resource(request)
        grant = self.caller(request, _SCOPES[resource])
        kind = request.query_params.get("uploadType") or request.headers.get("x-goog-upload-protocol", "")
        if kind not in ("resumable", "multipart", "media"):
            raise self.refuse(400, "badRequest", "uploadType is resumable, multipart or media.", "uploadType")
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        session = Session(
            self.digest("session", len(self.sessions), self._made)[:40],
            resource,
            grant.username,
            query,
            {},
            self.now(),
            entry=entry,
        )
        if kind == "resumable":
            return self._open(request, session)
        return self._at_once(request, session, kind)

    def _open(self, request: Request, session: Session) -> Response:
        from starlette.responses import Response

        headers = request.headers
        session.request = self.given(request)
        session.mime = headers.get("x-upload-content-type", "application/octet-stream")
        session.name = unquote(headers.get("slug", ""))
        size = headers.get("x-upload-content-length")
        session.total = int(size) if size and size.isdigit() else None
        self._check_size(session)
        self.check_resource(session, request)
        self.sessions[session.id] = session
        kept = {name: values for name, values in session.query.items() if name != "key"}
        query = urlencode([*kept.items(), ("upload_id", session.id)], doseq=True)
        place = f"{self.base}{request.scope['path']}?{query}"
        return Response(status_code=200, headers={"location": place, "x-guploader-uploadid": session.id})

    def _check_size(self, session: Session) -> None:
        if session.total == 0:
            raise self.refuse(400, "mediaBodyRequired", "The request does not include the media content.")
        if session.total is not None and session.total > _MAX[session.resource]:
            raise self.refuse(413, "uploadTooLarge", "Media larger than the maximum of this method.")

    def _at_once(self, request: Request, session: Session, kind: str) -> Response:
        read = body(request)
        data = read.upload.data if read.upload is not None else read.raw
        if data is None:
            raise self.refuse(413, "uploadTooLarge", "Use a resumable upload for larger files.")
        session.mime = request.headers.get("content-type", "")
        if kind == "multipart":
            session.request, session.mime, data = self._related(session.mime, data)
        session.total = len(data)
        self._check_size(session)
        self.check_resource(session, request)
        session.take(data[:_EDGE], data[-_EDGE:], data, len(data))
        return self._finish(request, session)

    def _related(self, content_type: str, data: bytes) -> tuple[Json, str, bytes]:
        """JSON, MIME type and bytes of multipart/related."""
        message: Any = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + data)
        pieces = message.get_payload() if message.is_multipart() else []
        if len(pieces) != 2:
            raise self.refuse(400, "badContent", "multipart/related has two parts: JSON and media.")
        told = json.loads(pieces[0].get_payload(decode=True) or b"{}")
        return told, pieces[1].get_content_type(), pieces[1].get_payload(decode=True)

    # the dialogue ----------------------------------------------------------------------------------

    def go_on(self, request: Request) -> Response:
        """PUT: the next bytes of a session, or the question how many it has."""
        resource = self._resource(request)
        if "upload_id" not in request.query_params:
            return self.replace(request)
        self.caller(request, _SCOPES[resource])
        session = self.sessions.get(request.query_params["upload_id"])
        if session is None or self.now() - session.created_at >= LIFETIME:
            raise Answer(self.error(404, "notFound", "The upload session is not known."))
        read = body(request)
        upload = read.upload
        size = upload.size if upload is not None else len(read.raw)
        start, total, asks = self._span(request, session, size)
        if session.made is not None:
            return self._done(session)
        if asks:
            return self._standing(session)
        if self.stores is not None and start == session.received and size > self.stores:
            return self._keep_a_part(session, read, start)
        self.chunk_log.append((session.id, start, size))
        if start != session.received:  # an overlap or a gap is not stored
            return self._standing(session)
        if total is not None:
            session.total = total
        last = session.total is not None and start + size == session.total
        if not last and size % UNIT:
            words = "Invalid request. Pieces that are not the last one are multiples of 262144 bytes."
            raise self.refuse(400, "badRequest", words)
        if upload is not None:
            session.take(upload.head, upload.tail, upload.data, size)
        else:
            session.take(read.raw[:_EDGE], read.raw[-_EDGE:], read.raw, size)
        return self._finish(request, session) if last else self._standing(session)

    def _keep_a_part(self, session: Session, read: Any, start: int) -> Response:
        """The first bytes of a piece, and how far it is with them."""
        kept = self.stores or 0
        self.chunk_log.append((session.id, start, kept))
        head = read.upload.head if read.upload is not None else read.raw
        session.take(head[:kept], b"", read.raw[:kept] if read.upload is None else None, kept)
        return self._standing(session)

    def _span(self, request: Request, session: Session, size: int) -> tuple[int, int | None, bool]:
        """(first byte, total if told, whether it only asks)."""
        told = request.headers.get("content-range")
        if told is None:
            return 0, size, False
        found = _RANGE.fullmatch(told)
        total = int(found["total"]) if found and found["total"].isdigit() else None
        if found is None or (total is not None and session.total not in (None, total)):
            raise self.refuse(400, "badRequest", "Failed to parse Content-Range header.")
        if found["from"] is None:
            return session.received, total, True
        start, stop = int(found["from"]), int(found["to"]) + 1
        if stop - start != size or (total is not None and stop > total):
            raise self.refuse(400, "badRequest", "Content-Range does not fit the body.")
        return start, total, False

    def _standing(self, session: Session) -> Response:
        from starlette.responses import Response

        headers = {"x-guploader-uploadid": session.id, "content-length": "0"}
        if session.received:
            headers["range"] = f"bytes=0-{session.received - 1}"
        return Response(status_code=308, headers=headers)

    def _finish(self, request: Request, session: Session) -> Response:
        session.made = self.make(session, request)
        session.named_at = self.now() + timedelta(seconds=self.seconds_to_name)
        return self._done(session, 201 if session.resource == "videos" else 200)

    def _done(self, session: Session, status: int = 200) -> Response:
        from starlette.responses import JSONResponse

        if session.named_at is not None and self.now() < session.named_at:
            return self._standing(session)
        return JSONResponse(session.made, status)

    # what becomes of it ----------------------------------------------------------------------------

    def check_resource(self, session: Session, request: Request) -> None:
        """Refuse bad metadata before any byte moves."""
        raise NotImplementedError

    def make(self, session: Session, request: Request) -> Json:
        """All bytes are there: the video, track or thumbnail, and the answer about it."""
        raise NotImplementedError

    def replace(self, request: Request) -> Response:
        """PUT without a session: a caption track is changed."""
        raise Answer(self.error(404, "notFound", "Not found"))

    def forget(self, entry: Entry) -> None:
        """As if the last bytes had never come."""
        for session in self.sessions.values():
            if session.resource == "videos" and session.entry == entry.id:
                session.back()
        super().forget(entry)

    def file_of(self, session: Session) -> Json:
        """What is kept of a video's file."""
        kind = session.kind
        return {
            "name": session.name or "unknown",
            "size": session.received,
            "mime": kind.mime or session.mime,
            "family": kind.family,
            "width": kind.width,
            "height": kind.height,
            "seconds": kind.seconds or 0.0,
            "uploaded": stamp(self.now()),
        }
