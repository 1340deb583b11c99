"""Media: where their bytes come from, what they are, their digests, and how they are streamed.

Type and size are told from the content, never from a name. A file is read in pieces and never held whole.
Nothing here speaks to the network: what opens a URL is handed in.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, Protocol, cast
from urllib.parse import unquote, urlsplit

import attrs

from ..adapters.base import Blob, Kind, PartMedia, Response
from ..model import Captions, File, Image, Medium, Remote
from ..rules import ImageRule
from ._formats import Look, View, look_at
from ._sources import BytesSource, FileSource, MediaError, PathSource, Source

__all__ = [
    "CannotFit",
    "DigestingBlob",
    "Facts",
    "Fetch",
    "Fitted",
    "LocalBlob",
    "MediaError",
    "NeedsExtra",
    "fit",
    "inspect",
    "redo",
    "verify",
]

PIECE = 256 * 1024
"""Bytes per piece: the largest that is cheap to read inside the event loop."""
_HOP = 32 * 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024
_REMOTE_IMAGE = 64 * 1024 * 1024
_REMOTE_FILE = 4 * 1024 * 1024 * 1024
_FIT_INPUT = 256 * 1024 * 1024


class Fetch(Protocol):
    """Opens a URL a user gave: the answer's head and its body in pieces (``Transport.stream`` is one)."""

    def __call__(
        self, url: str, /, *, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[tuple[Response, AsyncIterator[bytes]]]: ...


@attrs.frozen
class Facts:
    """What a medium is.

    Attributes:
        kind: "gif" is an animated GIF, which platforms treat as their own thing; a still one is an "image".
            Audio and documents are a "file", and so is whatever was given as a :class:`~socialkit.File`.
        size: bytes. digest: SHA-256 of them, hexadecimal.
        width, height: pixels as shown (orientation applied), None where unknown.
        frames: None where unknown. animated: more than one frame that is shown in time.
        seconds: None where unknown, never 0.
        codecs: by their usual names, such as ("h264", "aac"); () where unknown.
        fps: frames per second on average, None where unknown.
        name: a file name whose ending fits the content.

    >>> Facts("image", "image/png", 70, "00" * 32, width=1, height=1, name="dot.png").animated
    False
    """

    kind: Kind
    mime: str
    size: int
    digest: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    animated: bool = False
    seconds: float | None = None
    fps: float | None = None
    codecs: tuple[str, ...] = ()
    name: str = "file"


class LocalBlob:
    """A medium at hand, as adapters stream it: any range, as often as needed, in pieces of at most 256 KiB.

    A file that was written to since its digest was taken is read again first; other content is a MediaError.

    >>> blob = LocalBlob(BytesSource(b"hello"), mime="text/plain", name="hello.txt")
    >>> asyncio.run(blob.read())
    b'hello'
    """

    def __init__(self, source: Source, *, mime: str, name: str, digest: str | None = None) -> None:
        self.size = source.size
        self.mime = mime
        self.name = name
        self.digest = digest
        self._source = source
        self._stamp = source.stamp()

    def __repr__(self) -> str:
        return f"<LocalBlob {self.name} {self.mime} {self.size} bytes>"

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to ``stop`` in pieces of at most 256 KiB."""
        await self._check_unchanged()
        stop = self.size if stop is None else min(stop, self.size)
        with self._source.reader() as read_at:
            while start < stop:
                piece = read_at(start, min(PIECE, stop - start))
                if not piece:
                    raise MediaError(f"{self.name} became shorter while it was read")
                yield piece
                start += len(piece)

    async def read(self) -> bytes:
        """All of it; only for small things such as pictures."""
        return b"".join([piece async for piece in self.chunks()])

    async def _check_unchanged(self) -> None:
        if self.digest is None or (stamp := self._source.stamp()) == self._stamp:
            return
        if await _digest(self._source, self.name) != self.digest:
            raise MediaError(f"{self.name} is not what it was when its digest was taken")
        self._stamp = stamp


class DigestingBlob:
    """A blob that takes the digest of what is uploaded, so that it can be compared before the commit.

    Args:
        expected: the digest as planned. The last piece of other bytes is kept back: MediaError.
        progress: called with the number of bytes up to the end of the piece handed out.

    Attributes:
        changed: True once all bytes were streamed and are not the expected ones. Ranges that were never
            streamed (a resumed upload) are read by :func:`verify`.

    >>> blob = DigestingBlob(LocalBlob(BytesSource(b"hello"), mime="text/plain", name="hello.txt"))
    >>> asyncio.run(blob.read()), asyncio.run(blob.digest_sent())[:8]
    (b'hello', '2cf24dba')
    """

    def __init__(
        self,
        blob: Blob,
        *,
        expected: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.size = blob.size
        self.mime = blob.mime
        self.name = blob.name
        self.digest = expected or blob.digest
        self.changed = False
        self._blob = blob
        self._progress = progress
        self._hash = hashlib.sha256()
        self._hashed = 0

    def __repr__(self) -> str:
        return f"<DigestingBlob {self.name} {self._hashed} of {self.size} bytes>"

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to ``stop`` in pieces of at most 256 KiB."""
        async with aclosing(cast(Any, self._blob.chunks(start, stop))) as pieces:
            async for piece in pieces:
                self._take(start, piece)
                start += len(piece)
                yield piece
                if self._progress is not None:
                    self._progress(start)

    async def read(self) -> bytes:
        """All of it; only for small things such as pictures."""
        return b"".join([piece async for piece in self.chunks()])

    def _take(self, start: int, piece: bytes) -> None:
        if not start <= self._hashed < start + len(piece):
            return
        self._hash.update(memoryview(piece)[self._hashed - start :])
        self._hashed = start + len(piece)
        if self._hashed >= self.size and self.digest not in (None, self._hash.hexdigest()):
            self.changed = True
            raise MediaError(f"{self.name} changed since it was planned")

    async def digest_sent(self) -> str:
        """The digest of all bytes: those that were streamed, and the rest read now."""
        async with aclosing(cast(Any, self._blob.chunks(self._hashed))) as pieces:
            async for piece in pieces:
                self._hash.update(piece)
                self._hashed += len(piece)
        return self._hash.hexdigest()


async def verify(item: PartMedia, blob: Blob) -> bool:
    """Whether a blob's bytes are those that were planned, by digest; what a DigestingBlob streamed counts."""
    watched = blob if isinstance(blob, DigestingBlob) else DigestingBlob(blob)
    return blob.size == item.size and await watched.digest_sent() == item.digest


# --- what it is ---------------------------------------------------------------------------------------------
async def inspect(medium: Medium | Captions, *, fetch: Fetch | None = None) -> tuple[Facts, LocalBlob]:
    """What a medium is, and its bytes to stream. Anything that cannot be used is a MediaError with words.

    Args:
        fetch: opens the URL of ``Image.from_url`` and its siblings. Their bytes go to memory (up to 4 MiB) or
            to a temporary file; at most 64 MiB for a picture, 4 GiB for anything else.
    """
    source, name = await _source(medium, fetch)
    if not source.size:
        raise MediaError(f"{name} is empty (0 bytes)")
    before = source.stamp()
    look = _look(source) if source.size <= PIECE else await asyncio.to_thread(_look, source)
    digest = await _digest(source, name)
    if source.stamp() != before:
        raise MediaError(f"{name} is being written to; try again when it is complete")
    facts = _facts(medium, look, source.size, digest, name)
    return facts, LocalBlob(source, mime=facts.mime, name=facts.name, digest=digest)


async def _source(medium: Medium | Captions, fetch: Fetch | None) -> tuple[Source, str]:
    given = medium.source
    if isinstance(given, Remote):
        limit = _REMOTE_IMAGE if isinstance(medium, Image) else _REMOTE_FILE
        name = unquote(urlsplit(given.url).path).rpartition("/")[2]
        return await _download(given.url, fetch, limit), _clean(name)
    if isinstance(given, str):
        return PathSource(given), _clean(os.path.basename(given))
    if isinstance(given, bytes):
        return BytesSource(given), "file"
    own = getattr(given, "name", None)
    return FileSource(cast(BinaryIO, given)), _clean(os.path.basename(own) if isinstance(own, str) else "")


def _clean(name: str) -> str:
    return "".join(char for char in name if char.isprintable() and char not in '/\\"')[-120:] or "file"


async def _download(url: str, fetch: Fetch | None, limit: int) -> Source:
    """The bytes of a URL, spooled."""
    from ..transport import AnswerLost, Unreachable

    if fetch is None:
        raise MediaError(f"{url} is a URL, and nothing may be fetched here; give a local file")
    spool = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    try:
        async with fetch(url, max_bytes=limit) as (head, pieces):
            if not 200 <= head.status < 300:
                raise MediaError(f"{url} cannot be fetched: its server answered {head.status}")
            async for piece in pieces:
                spool.write(piece)
    except (AnswerLost, Unreachable) as error:
        spool.close()
        raise MediaError(f"{url} cannot be fetched: {error}") from None
    except BaseException:
        spool.close()
        raise
    return FileSource(cast(BinaryIO, spool), owned=True)


def _look(source: Source) -> Look:
    with source.reader() as read_at:
        look = look_at(View(read_at, source.size))
    if not (look.mime or "").startswith("video/"):
        return look
    from ._video import completed

    return completed(look, source)


async def _digest(source: Source, name: str) -> str:
    """SHA-256 of all bytes, in worker-thread hops short enough to be given up between them."""
    state = hashlib.sha256()
    if source.size <= PIECE:
        _hash_range(source, state, 0, source.size, name)
        return state.hexdigest()
    for start in range(0, source.size, _HOP):
        await asyncio.to_thread(_hash_range, source, state, start, min(start + _HOP, source.size), name)
    return state.hexdigest()


def _hash_range(source: Source, state: Any, start: int, stop: int, name: str) -> None:
    with source.reader() as read_at:
        while start < stop:
            piece = read_at(start, min(PIECE, stop - start))
            if not piece:
                raise MediaError(f"{name} became shorter while it was read")
            state.update(piece)
            start += len(piece)


_SIZED = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"})
_CAPTIONS = frozenset({"text/vtt", "application/x-subrip"})


def _facts(medium: Medium | Captions, look: Look, size: int, digest: str, name: str) -> Facts:
    mime = look.mime or _other_mime(medium, name)
    width, height = look.shown
    if mime in _SIZED and not (width and height) and not isinstance(medium, File):
        raise MediaError(f"{name} starts like {mime}, but is damaged: it has no readable width and height")
    return Facts(
        kind=_kind(medium, mime, look.animated, name),
        mime=mime,
        size=size,
        digest=digest,
        width=width,
        height=height,
        frames=look.frames,
        animated=look.animated,
        seconds=look.seconds,
        fps=look.fps,
        codecs=look.codecs,
        name=medium.name if isinstance(medium, File) and medium.name else _with_ending(name, mime),
    )


def _other_mime(medium: Medium | Captions, name: str) -> str:
    """A document is what its name says where no magic bytes contradict it; all else must be recognised."""
    if isinstance(medium, File):
        told = mimetypes.guess_type(medium.name or name)[0] or ""
        return told if told.startswith(("text/", "application/")) else "application/octet-stream"
    raise MediaError(
        f"{name} is no picture, video or captions of a known type (told from its content); "
        "save it as JPEG, PNG or MP4, or give it as File(...)"
    )


def _kind(medium: Medium | Captions, mime: str, animated: bool, name: str) -> Kind:
    if isinstance(medium, Captions):
        if mime not in _CAPTIONS:
            raise MediaError(f"{name} holds {mime}, no captions; give an SRT or WebVTT file")
        return "captions"
    if isinstance(medium, File) or mime == "image/svg+xml":
        return "file"
    if mime == "image/gif" and animated:
        return "gif"
    family = mime.partition("/")[0]
    return "captions" if mime in _CAPTIONS else cast(Kind, family) if family in ("image", "video") else "file"


_ENDINGS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png", ".apng"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "image/avif": (".avif",),
    "image/heic": (".heic", ".heif"),
    "image/heif": (".heif", ".heic"),
    "image/bmp": (".bmp",),
    "image/tiff": (".tif", ".tiff"),
    "image/svg+xml": (".svg",),
    "video/mp4": (".mp4", ".m4v"),
    "video/quicktime": (".mov", ".qt"),
    "video/webm": (".webm",),
    "video/x-matroska": (".mkv",),
    "video/ogg": (".ogv", ".ogg"),
    "video/mp2t": (".ts", ".mts", ".m2ts"),
    "video/3gpp": (".3gp",),
    "video/x-msvideo": (".avi",),
    "audio/mp4": (".m4a", ".m4b", ".mp4"),
    "audio/mpeg": (".mp3",),
    "audio/ogg": (".ogg", ".oga", ".opus"),
    "audio/wav": (".wav",),
    "audio/flac": (".flac",),
    "audio/aac": (".aac",),
    "application/pdf": (".pdf",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (".docx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": (".pptx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "text/vtt": (".vtt",),
    "application/x-subrip": (".srt",),
}
_KNOWN_ENDINGS = frozenset(ending for endings in _ENDINGS.values() for ending in endings)


def _with_ending(name: str, mime: str) -> str:
    """The name with an ending that fits the content: some platforms believe the ending."""
    endings = _ENDINGS.get(mime, ())
    stem, ending = os.path.splitext(name)
    if not endings or ending.lower() in endings:
        return name
    return (stem if ending.lower() in _KNOWN_ENDINGS else name) + endings[0]


# --- fitting ------------------------------------------------------------------------------------------------
@attrs.frozen(eq=False)
class Fitted:
    """A picture changed just enough: new bytes, their facts, how to make them again, words for people."""

    blob: LocalBlob
    facts: Facts
    edit: dict[str, Any]
    words: str

    def __str__(self) -> str:
        return self.words


@attrs.frozen
class CannotFit:
    """No small change makes the picture pass: ``words`` say why."""

    words: str

    def __str__(self) -> str:
        return self.words


@attrs.frozen
class NeedsExtra:
    """The picture can only be changed by an optional package that is not installed."""

    extra: str
    why: str

    def __str__(self) -> str:
        return f"{self.why}; to have it changed here: pip install 'socialkit-py[{self.extra}]'"


async def fit(
    facts: Facts,
    blob: Blob,
    rule: ImageRule,
    *,
    max_bytes: int | None = None,
    max_side: int | None = None,
    max_pixels: int | None = None,
    accepts: frozenset[str] | None = None,
) -> Fitted | NeedsExtra | CannotFit | None:
    """The smallest change that makes a picture pass the rule; None when it passes as it is.

    Tried in this order: another compression at the same size, another type, a smaller size at the same ratio.
    The colour profile stays, the orientation is applied, camera and location data go. An animation is never
    made still: where it does not pass, it is a CannotFit. ``max_bytes``, ``max_side``, ``max_pixels``
    (bytes and pixels) and ``accepts`` (MIME types) take the place of the rule's own.
    """
    from . import _images

    limits = _images.limits(
        rule, facts.animated, max_bytes=max_bytes, max_side=max_side, max_pixels=max_pixels, accepts=accepts
    )
    why = _images.objections(limits, facts.mime, facts.size, facts.width, facts.height, facts.frames)
    if not why:
        return None
    reason = "; ".join(why)
    if facts.kind not in ("image", "gif") or facts.animated:
        return CannotFit(_images.refusal(facts.mime, facts.animated, reason))
    if facts.size > _FIT_INPUT:
        return CannotFit(f"{reason}; it is too large to be changed here")
    if not _images.available():
        return NeedsExtra("images", reason)
    data = await blob.read()
    try:
        done = await asyncio.to_thread(_images.fit, data, facts.mime, limits)
    except _images.ImageError as error:
        return CannotFit(f"{reason}; {error}")
    return _fitted(facts, done) if done is not None else None


def _fitted(facts: Facts, done: Any) -> Fitted:
    digest = hashlib.sha256(done.data).hexdigest()
    new = attrs.evolve(
        facts,
        mime=done.mime,
        size=len(done.data),
        digest=digest,
        width=done.edit["width"],
        height=done.edit["height"],
        frames=1,
        name=_with_ending(facts.name, done.mime),
    )
    blob = LocalBlob(BytesSource(done.data), mime=new.mime, name=new.name, digest=digest)
    return Fitted(blob, new, done.edit, done.words)


async def redo(blob: Blob, edit: dict[str, Any]) -> LocalBlob:
    """The bytes a :func:`fit` made, made again from the original and its ``edit``; compare the digest.

    MediaError when Pillow is missing or cannot read the original. Another Pillow may give other bytes.
    """
    from . import _images

    if not _images.available():
        raise MediaError(str(NeedsExtra("images", f"{blob.name} was planned as a changed picture")))
    try:
        data = await asyncio.to_thread(_images.redo, await blob.read(), edit)
    except _images.ImageError as error:
        raise MediaError(f"{blob.name}: {error}") from None
    mime = _images.MIMES[edit["format"]]
    digest = hashlib.sha256(data).hexdigest()
    return LocalBlob(BytesSource(data), mime=mime, name=_with_ending(blob.name, mime), digest=digest)
