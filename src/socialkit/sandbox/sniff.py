"""What a file is, told from its bytes: MIME type, pixels, animation, seconds."""

from __future__ import annotations

import struct

import attrs

__all__ = ["Kind", "sniff"]


@attrs.frozen
class Kind:
    """``mime`` is empty when the content is no known kind; sizes are 0 and seconds None when not told."""

    mime: str = ""
    width: int = 0
    height: int = 0
    animated: bool = False
    seconds: float | None = None

    @property
    def family(self) -> str:
        """ "image", "video", "audio", or empty."""
        return self.mime.partition("/")[0]


def sniff(head: bytes, tail: bytes = b"") -> Kind:
    """The kind of the file that starts with ``head`` and ends with ``tail``.

    >>> sniff(b"GIF89a" + bytes([2, 0, 3, 0]) + bytes(3)).mime
    'image/gif'
    >>> sniff(b"no picture at all").mime
    ''
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return Kind("image/png", width, height, animated=b"acTL" in head[:4096])
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return Kind("image/gif", width, height, animated=(head + tail).count(b"\x21\xf9\x04") > 1)
    if head.startswith(b"\xff\xd8\xff"):
        return Kind("image/jpeg", *_jpeg_size(head))
    if head.startswith(b"RIFF"):
        return _riff(head)
    if head[4:8] == b"ftyp":
        return _iso_media(head, tail)
    return _by_magic(head)


def _by_magic(head: bytes) -> Kind:
    for magic, mime in (
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"\xff\xfb", "audio/mpeg"),
        (b"\xff\xf3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
        (b"%PDF-", "application/pdf"),
    ):
        if head.startswith(magic):
            return Kind(mime)
    return Kind()


def _jpeg_size(head: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 < len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 0, 0


def _riff(head: bytes) -> Kind:
    if head[8:12] == b"WAVE":
        return Kind("audio/wav")
    if head[8:12] != b"WEBP":
        return Kind()
    if head[12:16] == b"VP8X" and len(head) >= 30:
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        return Kind("image/webp", width, height, animated=bool(head[20] & 2))
    if head[12:16] == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return Kind("image/webp", (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
    if len(head) >= 30:
        width, height = struct.unpack("<HH", head[26:30])
        return Kind("image/webp", width & 0x3FFF, height & 0x3FFF)
    return Kind("image/webp")


def _iso_media(head: bytes, tail: bytes) -> Kind:
    brand = head[8:12]
    if brand in (b"avif", b"avis"):
        return Kind("image/avif")
    if brand in (b"heic", b"heix", b"mif1"):
        return Kind("image/heic")
    if brand == b"M4A ":
        return Kind("audio/mp4")
    mime = "video/quicktime" if brand == b"qt  " else "video/mp4"
    index = head if b"moov" in head else tail
    width, height = _track_size(index)
    return Kind(mime, width, height, seconds=_movie_seconds(index))


def _movie_seconds(data: bytes) -> float | None:
    at = data.find(b"mvhd")
    if at < 0 or at + 36 > len(data):
        return None
    if data[at + 4] == 1:
        scale, duration = struct.unpack(">IQ", data[at + 24 : at + 36])
    else:
        scale, duration = struct.unpack(">II", data[at + 16 : at + 24])
    return duration / scale if scale and duration else None


def _track_size(data: bytes) -> tuple[int, int]:
    at = data.find(b"tkhd")
    while at >= 0:
        end = at + (4 + 92 if data[at + 4 : at + 5] == b"\x01" else 4 + 80)
        if end + 4 <= len(data):
            width, height = (value >> 16 for value in struct.unpack(">II", data[end - 4 : end + 4]))
            if width and height:
                return width, height
        at = data.find(b"tkhd", at + 4)
    return 0, 0
