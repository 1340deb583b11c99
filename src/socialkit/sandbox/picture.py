"""Media to publish: a picture of any size, drawn on the spot; a photograph and a video that every platform takes."""

from __future__ import annotations

import struct
import zlib
from importlib.resources import files


def sample_photo() -> bytes:
    """A JPEG of 1080 x 1350 pixels (4:5).

    >>> sample_photo()[:3]
    b'\\xff\\xd8\\xff'
    """
    return files("socialkit.sandbox").joinpath("sample.jpg").read_bytes()


def sample_video() -> bytes:
    """An upright MP4 of 6 seconds: 720 x 1280 pixels, 30 frames a second, H.264 and silent AAC.

    >>> sample_video()[4:8]
    b'ftyp'
    """
    return files("socialkit.sandbox").joinpath("sample.mp4").read_bytes()


def sample_picture(width: int = 1200, height: int = 675) -> bytes:
    """A PNG drawn without any library: sky, sea and a sail."""
    rows = b"".join(b"\0" + _row(y, width, height) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(y: int, width: int, height: int) -> bytes:
    horizon, middle = height * 2 // 3, width // 2
    shade = y * 60 // height
    back = (160 + shade, 200 + shade // 2, 235) if y < horizon else (30, 90 + shade, 140)
    row = bytearray(bytes(back) * width)
    top, deck = height // 5, horizon - 10
    if top <= y < deck:
        half = (y - top) * width // (6 * (deck - top))
        row[3 * middle : 3 * (middle + half)] = b"\xff\xff\xfa" * half
    elif deck <= y < horizon + 30:
        half = width // 6 - (y - deck)
        row[3 * (middle - half) : 3 * (middle + half)] = b"\x6b\x3f\x22" * (2 * half)
    return bytes(row)
