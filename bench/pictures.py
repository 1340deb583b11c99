"""Media made byte by byte: a picture of one colour, and a huge video that takes no room on the disk."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + bytes(3 * width)) * height)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def sparse_mp4(path: Path, size: int, seconds: float = 60.0) -> Path:
    """A video file of exactly that size: a true head, then a hole."""
    head = _box(b"ftyp", b"isom", bytes(4), b"isom") + _moov(seconds)
    with path.open("wb") as file:
        file.write(head + struct.pack(">I4sQ", 1, b"mdat", size - len(head)))
        file.truncate(size)
    return path


def _box(kind: bytes, *body: bytes) -> bytes:
    data = b"".join(body)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def _moov(seconds: float) -> bytes:
    length = round(seconds * 1000)
    movie = _box(b"mvhd", bytes(4), struct.pack(">IIII", 0, 0, 1000, length), bytes(80))
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    track = _box(
        b"tkhd", b"\0\0\0\7", bytes(20), bytes(16), matrix, struct.pack(">II", 1280 << 16, 720 << 16)
    )
    described = _box(b"stsd", bytes(4), struct.pack(">I", 1), _box(b"avc1", bytes(78)))
    handler = _box(b"hdlr", bytes(8), b"vide", bytes(13))
    return _box(
        b"moov", movie, _box(b"trak", track, _box(b"mdia", handler, _box(b"minf", _box(b"stbl", described))))
    )
