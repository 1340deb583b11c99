"""Small media made by hand, so that the adapter suite needs no files and no other library."""

from __future__ import annotations

import struct
import zlib

_UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def png(width: int = 64, height: int = 36, shade: int = 0) -> bytes:
    """A plain grey picture; ``shade`` from 0 to 255 makes pictures that differ.

    >>> png()[:4]
    b'\\x89PNG'
    """
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def jpeg(width: int = 1080, height: int = 1080) -> bytes:
    """The head of a JPEG: enough to be measured, nothing to be seen.

    >>> jpeg()[:3]
    b'\\xff\\xd8\\xff'
    """
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    start = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0\1\1" + bytes(7)
    return b"\xff\xd8" + start + b"\xff\xc0" + frame + b"\xff\xd9"


def gif(width: int = 64, height: int = 36, frames: int = 2) -> bytes:
    """An animated GIF of empty frames."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
    place = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0)
    one = b"\x21\xf9\x04\0\x05\0\0\0" + place + b"\x02\x02\x44\x01\0"
    return head + loop + one * frames + b"\x3b"


def mp4(seconds: float = 5.0, width: int = 1280, height: int = 720) -> bytes:
    """The index of an H.264 and AAC video and a few empty bytes: enough to be measured, nothing to be seen."""
    times = struct.pack(">IIII", 0, 0, 1000, round(seconds * 1000))
    movie = _box(b"mvhd", bytes(4), times, bytes(80))
    tracks = (_track(b"vide", b"avc1", width, height), _track(b"soun", b"mp4a", 0, 0))
    kind = _box(b"ftyp", b"isom", bytes(4), b"isom")
    return kind + _box(b"moov", movie, *tracks) + _box(b"mdat", bytes(5000))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(kind: bytes, *body: bytes) -> bytes:
    data = b"".join(body)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def _track(handler: bytes, codec: bytes, width: int, height: int) -> bytes:
    size = struct.pack(">II", width << 16, height << 16)
    header = _box(b"tkhd", bytes(4), bytes(20), bytes(16), _UPRIGHT, size)
    codecs = _box(b"stsd", bytes(4), struct.pack(">I", 1), _box(codec, bytes(78)))
    kind = _box(b"hdlr", bytes(8), handler, bytes(13))
    return _box(b"trak", header, _box(b"mdia", kind, _box(b"minf", _box(b"stbl", codecs))))
