"""What a request carries and how it leaves: bodies in pieces, and the moments of the first and last byte."""

from __future__ import annotations

import json as jsonlib
import random as randomlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ..adapters.base import Field, Slice
from ..errors import ConfigError

PIECE = 256 * 1024
_encode = jsonlib.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def carried(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, their names in lower case; ConfigError for a value that no header can carry, not shown."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            words = "it has characters that no header can carry; look at the token or key of the account"
            raise ConfigError(f"the header {name} cannot be sent: {words}")
    return {name.lower(): value for name, value in headers.items()}


class Body:
    """A request body that is read in pieces and can be read again from its start."""

    def __init__(self, pieces: Sequence[bytes | Slice] = (), mime: str | None = None) -> None:
        self.pieces = pieces
        self.mime = mime
        self.length = sum(_length(piece) for piece in pieces)

    @property
    def whole(self) -> bytes | None:
        """The body when it is one small piece in memory."""
        first = self.pieces[0] if len(self.pieces) == 1 else None
        return first if isinstance(first, bytes) and len(first) <= PIECE else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Slice):
                async for chunk in piece.blob.chunks(piece.start, piece.stop):
                    yield chunk
            else:
                for start in range(0, len(piece), PIECE):
                    yield piece[start : start + PIECE] if len(piece) > PIECE else piece


def _length(piece: bytes | Slice) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    stop = piece.blob.size if piece.stop is None else min(piece.stop, piece.blob.size)
    return max(0, stop - piece.start)


def make_body(
    json: Any,
    form: Sequence[tuple[str, str]] | None,
    content: bytes | Slice | None,
    multipart: Sequence[Field] | None,
    random: randomlib.Random,
) -> Body | None:
    if json is not ...:
        text = _encode(json)
        return Body([text.encode()], "application/json")
    if form is not None:
        return Body([urlencode(form).encode()], "application/x-www-form-urlencoded")
    if multipart is not None:
        boundary = f"{random.getrandbits(128):032x}"
        return Body(_parts(multipart, boundary), f"multipart/form-data; boundary={boundary}")
    if isinstance(content, Slice):
        return Body([content], content.blob.mime)
    return None if content is None else Body([content])


def _parts(fields: Sequence[Field], boundary: str) -> list[bytes | Slice]:
    pieces: list[bytes | Slice] = []
    text = b""
    for field in fields:
        text += f"--{boundary}\r\n{_part_head(field)}\r\n".encode()
        if isinstance(field.value, Slice):
            pieces += [text, field.value]
            text = b"\r\n"
        else:
            value = field.value.encode() if isinstance(field.value, str) else field.value
            text += value + b"\r\n"
    return [*pieces, text + f"--{boundary}--\r\n".encode()]


def _part_head(field: Field) -> str:
    filename, mime = field.filename, field.mime
    if isinstance(field.value, Slice):
        filename, mime = filename or field.value.blob.name, mime or field.value.blob.mime
    elif filename is not None:
        mime = mime or "application/octet-stream"
    head = f'Content-Disposition: form-data; name="{_quoted(field.name)}"'
    head += f'; filename="{_quoted(filename)}"' if filename is not None else ""
    return f"{head}\r\nContent-Type: {mime}\r\n" if mime else f"{head}\r\n"


def _quoted(text: str) -> str:
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


class Flight:
    """One request on its way: calls ``before``, ``sent``, ``progress`` in time; knows whether bytes left."""

    def __init__(
        self,
        body: Body | None,
        before: Callable[[], Awaitable[None]] | None,
        sent: Callable[[], None] | None,
        progress: Callable[[int], None] | None,
        late: bool,
    ) -> None:
        self.body = body
        self.before = before
        self.sent = sent
        self.progress = progress
        self.late = late and body is not None and body.length > 0
        self.left = False
        self.own_error: BaseException | None = None
        self._asked = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """The connection tells what it does; a proxy's CONNECT comes through here too and is not ours."""
        if event.endswith(".send_request_headers.started"):
            if not self.late and getattr(info.get("request"), "method", b"") != b"CONNECT":
                await self.leave()
        elif event.endswith((".send_request_body.complete", ".send_request_body.failed", "headers.failed")):
            self.finish()

    async def leave(self) -> None:
        """Ask ``before``, once; after this the request may be executed."""
        if self._asked:
            return
        self._asked = True
        try:
            if self.before is not None:
                await self.before()
        except BaseException as error:
            self.own_error = error
            raise
        self.left = True

    def finish(self) -> None:
        """Say ``sent``, once, and only for a request that left."""
        sent, self.sent = self.sent, None if self.left else self.sent
        if self.left and sent is not None:
            sent()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        done = 0
        if not self.late and self.progress is None and self.body and (whole := self.body.whole) is not None:
            yield whole
            return
        async for piece in self._pieces():
            yield piece
            done += len(piece)
            if self.progress is not None:
                self.progress(done)

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body's pieces; when the last one is the commit, it waits for :meth:`leave`."""
        held: bytes | None = None
        try:
            async for piece in self.body or Body():
                if held is not None or not self.late:
                    yield piece if held is None else held
                held = piece if self.late else None
        except Exception as error:
            self.own_error = error
            raise
        if held is not None:
            await self.leave()
            yield held
