"""Little media files built by hand, byte by byte, for the tests of media, images and cards."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

QUARTER_TURN = (0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0)
UPRIGHT = (0x10000, 0, 0, 0, 0x10000)


def archive(*names: str) -> bytes:
    """A zip file that holds a little text under each name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for name in names:
            opened.writestr(name, "<a/>" * 50)
    return made.getvalue()


def box(kind: bytes, *body: bytes, wide: bool = False) -> bytes:
    """An ISO base media box; ``wide`` writes its length as 64 bits."""
    data = b"".join(body)
    if wide:
        return struct.pack(">I4sQ", 1, kind, 16 + len(data)) + data
    return struct.pack(">I4s", 8 + len(data), kind) + data


def mvhd(seconds: float, *, version: int = 0, scale: int = 1000) -> bytes:
    length = round(seconds * scale)
    times = struct.pack(">QQIQ" if version else ">IIII", 0, 0, scale, length)
    return box(b"mvhd", bytes([version, 0, 0, 0]), times, bytes(80))


def tkhd(width: int, height: int, *, version: int = 0, matrix: Sequence[int] = UPRIGHT) -> bytes:
    a, b, _, c, d = matrix
    times = bytes(32 if version else 20)
    rows = struct.pack(">9I", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    size = struct.pack(">II", width << 16, height << 16)
    return box(b"tkhd", bytes([version, 0, 0, 7]), times, bytes(16), rows, size)


def trak(handler: bytes, codec: bytes, header: bytes, *, frames: int = 0, seconds: float = 12.5) -> bytes:
    """A track; with ``frames``, how many there are and how long they are shown."""
    entry = box(codec, bytes(78))
    stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), entry)
    hdlr = box(b"hdlr", bytes(8), handler, bytes(13))
    if not frames:
        return box(b"trak", header, box(b"mdia", hdlr, box(b"minf", box(b"stbl", stsd))))
    clock = box(b"mdhd", bytes(4), struct.pack(">IIII", 0, 0, 1000, round(seconds * 1000)), bytes(4))
    stsz = box(b"stsz", bytes(4), struct.pack(">II", 0, frames), bytes(4 * frames))
    return box(b"trak", header, box(b"mdia", clock, hdlr, box(b"minf", box(b"stbl", stsd, stsz))))


def moov(
    seconds: float = 12.5,
    size: tuple[int, int] = (1920, 1080),
    *,
    version: int = 0,
    matrix: Sequence[int] = UPRIGHT,
    more: bytes = b"",
    frames: int = 0,
) -> bytes:
    head = tkhd(*size, version=version, matrix=matrix)
    video = trak(b"vide", b"avc1", head, frames=frames, seconds=seconds)
    sound = trak(b"soun", b"mp4a", tkhd(0, 0))
    return box(b"moov", mvhd(seconds, version=version), video, sound, more)


def ftyp(major: bytes = b"isom", *others: bytes) -> bytes:
    return box(b"ftyp", major, bytes(4), *(others or (major,)))


def mp4(*, index: str = "front", data: int = 5000, wide: bool = False, **movie: object) -> bytes:
    """A whole MP4 with its index before or after the data."""
    head, middle = moov(**movie), box(b"mdat", bytes(data), wide=wide)  # type: ignore[arg-type]
    return ftyp() + (head + middle if index == "front" else middle + head)


def fragmented(*, seconds: float | None = None) -> bytes:
    """A fragmented MP4, whose own header says 0 s; ``seconds`` adds a box that knows."""
    known = box(b"mehd", bytes(4), struct.pack(">I", round(seconds * 1000))) if seconds else b""
    return (
        ftyp(b"iso5") + moov(0, more=box(b"mvex", known)) + box(b"moof", bytes(40)) + box(b"mdat", bytes(99))
    )


def heif(major: bytes, *others: bytes, size: tuple[int, int] = (4032, 3024), turns: int = 0) -> bytes:
    """A HEIC or AVIF header: a tile and the whole picture, optionally turned by quarter turns."""
    tile = box(b"ispe", bytes(4), struct.pack(">II", 512, 512))
    whole = box(b"ispe", bytes(4), struct.pack(">II", *size))
    turn = box(b"irot", bytes([turns])) if turns else b""
    meta = box(b"meta", bytes(4), box(b"iprp", box(b"ipco", tile, whole, turn)))
    return ftyp(major, *others) + meta


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 3, height: int = 2, *chunks: bytes) -> bytes:
    """A black picture; ``chunks`` go between header and data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    parts = (png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", rows), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(*tags: tuple[int, int], little: bool = True) -> bytes:
    """A TIFF structure (EXIF data is one) of short numbers."""
    order = "<" if little else ">"
    rows = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    head = b"II*\0" if little else b"MM\0*"
    return head + struct.pack(f"{order}I", 8) + struct.pack(f"{order}H", len(tags)) + rows + bytes(4)


def jpeg_header(width: int, height: int, *, orientation: int = 1, padding: int = 0) -> bytes:
    """The segments of a JPEG up to its size, without a picture; ``padding`` bytes of profile come first."""
    exif = b"Exif\0\0" + tiff((274, orientation), little=False)
    parts = [b"\xff\xd8", b"\xff\xe1", struct.pack(">H", len(exif) + 2), exif]
    while padding > 0:
        part = min(padding, 65000)
        parts += [b"\xff\xe2", struct.pack(">H", part + 2), bytes(part)]
        padding -= part
    parts += [b"\xff\xff\xc2", struct.pack(">HBHHB", 8, 8, height, width, 0), b"\xff\xd9"]
    return b"".join(parts)


def gif(width: int = 5, height: int = 4, frames: int = 1) -> bytes:
    """A GIF of empty frames, with a loop block when it has several."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" if frames > 1 else b""
    one = (
        b"\x21\xf9\x04\0\x05\0\0\0"
        + b"\x2c"
        + struct.pack("<HHHHB", 0, 0, width, height, 0)
        + b"\x02\x02\x44\x01\0"
    )
    return head + loop + one * frames + b"\x3b"


SRT = b"1\r\n00:00:01,000 --> 00:00:02,500\r\nWe ship today\r\n"
VTT = b"WEBVTT\n\n00:01.000 --> 00:02.500\nWe ship today\n"
SVG = b'<?xml version="1.0"?>\n<!-- drawn by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
