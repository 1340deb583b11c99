"""Request bodies, read as they stream in: bytes of large files are counted and digested, never kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import attrs

from .sniff import Kind, sniff

__all__ = ["BadBody", "Body", "Upload", "read_body"]

HEAD = 64 * 1024
SMALL = 4 * 1024 * 1024
MAX_PLAIN = 64 * 1024 * 1024


class BadBody(ValueError):
    """The body is not what its content type says."""


@attrs.define(eq=False)
class Upload:
    """One uploaded file: size, SHA-256, the first and last 64 KiB, and all of it when it is small.

    ``data`` is None for files above 4 MiB.
    """

    name: str = ""
    filename: str = ""
    content_type: str = ""
    size: int = 0
    head: bytes = b""
    tail: bytes = b""
    data: bytes | None = b""
    _digest: Any = attrs.field(factory=hashlib.sha256, repr=False)
    _pieces: list[bytes] = attrs.field(factory=list, repr=False)

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._digest.update(piece)
        if len(self.head) < HEAD:
            self.head += piece[: HEAD - len(self.head)]
        self.tail = piece[-HEAD:] if len(piece) >= HEAD else (self.tail + piece)[-HEAD:]
        self.size += len(piece)
        if self.size > SMALL:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def close(self) -> Upload:
        """All bytes are in."""
        self.data = b"".join(self._pieces) if self.size <= SMALL else None
        self._pieces.clear()
        return self

    @property
    def sha256(self) -> str:
        """Digest of all bytes, hexadecimal."""
        return str(self._digest.hexdigest())

    @property
    def kind(self) -> Kind:
        """What the content says it is, whatever the name and the content type say."""
        return sniff(self.head, self.tail)


@attrs.define(eq=False)
class Body:
    """A request body: ``raw`` of JSON and forms, ``fields``, ``files`` of multipart, else ``upload``.

    ``names`` are those of all parts of a multipart body, in their order.
    """

    content_type: str = ""
    raw: bytes = b""
    fields: list[tuple[str, str]] = attrs.field(factory=list)
    files: dict[str, Upload] = attrs.field(factory=dict)
    upload: Upload | None = None
    names: list[str] = attrs.field(factory=list)

    @property
    def size(self) -> int:
        """Bytes of what it carries, without the form around files."""
        return (
            len(self.raw)
            + (self.upload.size if self.upload else 0)
            + sum(one.size for one in self.files.values())
        )

    def json(self) -> Any:
        """The decoded JSON; an empty body is an empty object. Raises :class:`BadBody`."""
        if not self.raw.strip():
            return {}
        try:
            return json.loads(self.raw)
        except ValueError as error:
            raise BadBody(str(error)) from None

    def get(self, name: str, default: str | None = None) -> str | None:
        """The last form field of that name."""
        return next((value for key, value in reversed(self.fields) if key == name), default)

    def all(self, name: str) -> list[str]:
        """Every form field of that name, in order."""
        return [value for key, value in self.fields if key == name]


async def read_body(content_type: str, chunks: AsyncIterator[bytes]) -> Body:
    """The body behind ``chunks``, taken apart by its content type. Memory stays small whatever its size."""
    plain, _, _ = content_type.partition(";")
    plain = plain.strip().lower()
    if plain == "multipart/form-data":
        return await _read_multipart(content_type, chunks)
    if plain in ("application/json", "application/x-www-form-urlencoded", "") or plain.endswith("+json"):
        return await _read_plain(plain, content_type, chunks)
    upload = Upload(content_type=content_type)
    async for chunk in chunks:
        upload.feed(chunk)
    return Body(content_type=content_type, upload=upload.close())


async def _read_plain(plain: str, content_type: str, chunks: AsyncIterator[bytes]) -> Body:
    raw = bytearray()
    async for chunk in chunks:
        raw += chunk
        if len(raw) > MAX_PLAIN:
            raise BadBody(f"a {plain or 'plain'} body of more than {MAX_PLAIN} bytes")
    body = Body(content_type=content_type, raw=bytes(raw))
    if plain == "application/x-www-form-urlencoded":
        body.fields = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    return body


async def _read_multipart(content_type: str, chunks: AsyncIterator[bytes]) -> Body:
    from python_multipart.exceptions import MultipartParseError
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise BadBody("multipart without a boundary")
    parts = _Parts(Body(content_type=content_type))
    parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
    try:
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise BadBody(str(error)) from None
    return parts.body


class _Parts:
    """Sorts the events of the multipart parser into fields and files."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self._name = self._value = b""
        self._headers: dict[str, bytes] = {}
        self._upload = Upload()

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _headers_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        options = parse_options_header(self._headers.get("content-disposition", b""))[1]
        self._upload = Upload(
            name=options.get(b"name", b"").decode("utf-8", "replace"),
            filename=options.get(b"filename", b"").decode("utf-8", "replace"),
            content_type=self._headers.get("content-type", b"").decode("latin-1"),
        )
        self._is_file = b"filename" in options

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._upload.feed(data[start:end])

    def _end(self) -> None:
        upload = self._upload.close()
        self.body.names.append(upload.name)
        if self._is_file:
            self.body.files[upload.name] = upload
        else:
            self.body.fields.append((upload.name, (upload.data or b"").decode("utf-8", "replace")))
