"""What headers do not tell about a video, read by PyAV where it is installed (the ``video`` extra)."""

from __future__ import annotations

import io
from typing import Any

import attrs

from ._formats import Look
from ._sources import Source


class _Reader(io.RawIOBase):
    """A source as the file object PyAV wants."""

    def __init__(self, read_at: Any, size: int) -> None:
        self._read_at, self._size, self._at = read_at, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        count = self._size - self._at if size < 0 else min(size, self._size - self._at)
        data: bytes = self._read_at(self._at, count) if count > 0 else b""
        self._at += len(data)
        return data


def completed(look: Look, source: Source) -> Look:
    """The look with width, height, seconds, frame rate and codecs where they were unknown; as it was without PyAV."""
    if not (look.mime or "").startswith("video/") or (look.width and look.seconds is not None):
        return look
    try:
        import av
        from av.error import FFmpegError
    except ImportError:
        return look
    try:
        with source.reader() as read_at, av.open(_Reader(read_at, source.size)) as container:
            return _told(look, container)
    except (FFmpegError, ValueError):
        return look  # what cannot be read stays unknown


def _told(look: Look, container: Any) -> Look:
    picture = next(iter(container.streams.video), None)
    seconds = container.duration / 1_000_000 if container.duration else None
    return attrs.evolve(
        look,
        width=look.width or (picture.width if picture else None),
        height=look.height or (picture.height if picture else None),
        seconds=look.seconds if look.seconds is not None else seconds,
        fps=look.fps or (float(picture.average_rate) if picture and picture.average_rate else None),
        codecs=look.codecs
        or tuple(stream.codec_context.name for stream in container.streams if stream.type != "data"),
    )
