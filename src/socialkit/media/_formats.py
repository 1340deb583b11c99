"""What a file is, told from its bytes alone: type, pixels as shown, frames, seconds, codecs. Pure.

Nothing here trusts a length it read: every walk is bounded, and what is cut off leaves what was found so far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import attrs

ReadAt = Callable[[int, int], bytes]
_WINDOW = 16 * 1024
_STEPS = 100_000
_GIF_WALK = 128 * 1024 * 1024


class Truncated(ValueError):
    """The file ends where its own header says more follows."""


@attrs.define
class View:
    """A file's bytes by offset, read through one small window."""

    read_at: ReadAt
    size: int
    _start: int = 0
    _window: bytes = b""

    def at(self, start: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``start``; fewer at the end of the file."""
        if start < 0 or start >= self.size:
            return b""
        if start < self._start or start + count > self._start + len(self._window):
            self._window, self._start = self.read_at(start, max(count, _WINDOW)), start
        return self._window[start - self._start : start - self._start + count]

    def uint(self, start: int, count: int, *, little: bool = False) -> int:
        data = self.at(start, count)
        if len(data) < count:
            raise Truncated(start)
        return int.from_bytes(data, "little" if little else "big")


@attrs.define
class Look:
    """What was found so far. ``turned``: shown a quarter turn from how it is stored."""

    mime: str = ""
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    animated: bool = False
    seconds: float | None = None
    fps: float | None = None
    codecs: tuple[str, ...] = ()
    turned: bool = False

    @property
    def shown(self) -> tuple[int | None, int | None]:
        """Width and height as a viewer shows them; None where unknown."""
        width, height = self.width or None, self.height or None
        return (height, width) if self.turned else (width, height)

    def sized(self, width: int, height: int) -> None:
        self.width, self.height = width, height


def look_at(view: View) -> Look:
    """The facts of a file; ``mime`` is empty for content that is no known type.

    >>> data = b"GIF89a" + bytes([2, 0, 3, 0, 0, 0, 0])
    >>> look_at(View(lambda start, count: data[start : start + count], len(data))).mime
    'image/gif'
    """
    look = Look()
    with suppress(Truncated):
        _dispatch(view, view.at(0, 512), look)
    return look


def _dispatch(view: View, head: bytes, look: Look) -> None:
    for magic, mime, parse in _PARSED:
        if head.startswith(magic):
            look.mime = mime
            return parse(view, look)
    if head[4:8] in _ISO_FIRST:
        return _iso(view, look)
    if head.startswith(b"RIFF"):
        return _riff(view, head, look)
    if head.startswith(b"BM") and head[14:15] in (
        b"\x0c",
        b"\x28",
        b"\x34",
        b"\x38",
        b"\x40",
        b"\x6c",
        b"\x7c",
    ):
        return _bmp(view, look)
    look.mime = _by_magic(head) or _by_sync(view, head) or _by_text(view.at(0, 4096))
    return None


def _by_magic(head: bytes) -> str:
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/x-matroska" if b"matroska" in head[:64] else "video/webm"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"\x80theora" in head[:128] else "audio/ogg"
    return next((mime for magic, mime in _MAGIC if head.startswith(magic)), "")


def _by_sync(view: View, head: bytes) -> str:
    if head[:1] == b"G" and view.at(188, 1) == b"G" and view.at(376, 1) == b"G":
        return "video/mp2t"
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac"
    layer, bitrate, rate = head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return "audio/mpeg" if layer and bitrate != 15 and rate != 3 else ""


_SRT = re.compile(r"\s*\d+[ \t]*\r?\n\s*\d{1,3}:\d\d:\d\d[,.]\d{1,3}[ \t]*-->")
_SVG = re.compile(r"\s*(<\?xml[^>]*>|<!DOCTYPE[^>]*>|<!--.*?-->|\s)*<svg[\s>]", re.IGNORECASE | re.DOTALL)


def _by_text(head: bytes) -> str:
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if re.match(r"WEBVTT(\s|$)", text):
        return "text/vtt"
    if _SRT.match(text):
        return "application/x-subrip"
    return "image/svg+xml" if "<svg" in text[:2048].lower() and _SVG.match(text) else ""


# --- pictures -----------------------------------------------------------------------------------------------
def _tiff_tags(view: View, base: int, stop: int) -> dict[int, int]:
    """The single numbers of the first directory of a TIFF structure (EXIF is one) at ``base``."""
    little = view.at(base, 2) == b"II"
    if view.at(base, 4) not in (b"II*\0", b"MM\0*"):
        return {}
    at = base + view.uint(base + 4, 4, little=little)
    tags: dict[int, int] = {}
    if not base < at < stop:
        return tags
    for index in range(min(view.uint(at, 2, little=little), 512)):
        entry = at + 2 + 12 * index
        if entry + 12 > stop:
            break
        width = {3: 2, 4: 4}.get(view.uint(entry + 2, 2, little=little))
        if width and view.uint(entry + 4, 4, little=little) == 1:
            tags[view.uint(entry, 2, little=little)] = view.uint(entry + 8, width, little=little)
    return tags


def _turn(view: View, base: int, stop: int, look: Look) -> None:
    """Note the EXIF orientation: 5 to 8 are the quarter turns."""
    if view.at(base, 6) == b"Exif\0\0":
        base += 6
    try:
        look.turned = _tiff_tags(view, base, stop).get(274, 1) in (5, 6, 7, 8)
    except Truncated:
        look.turned = False


def _jpeg(view: View, look: Look) -> None:
    look.frames, at, found_turn = 1, 2, False
    for _ in range(_STEPS):
        if view.uint(at, 1) != 0xFF:
            return
        marker = view.uint(at + 1, 1)
        if marker == 0xFF or marker == 1 or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            return
        length = view.uint(at + 2, 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            look.sized(view.uint(at + 7, 2), view.uint(at + 5, 2))
        elif marker == 0xE1 and not found_turn and view.at(at + 4, 6) == b"Exif\0\0":
            _turn(view, at + 4, at + 2 + length, look)
            found_turn = True
        at += 2 + length


def _png(view: View, look: Look) -> None:
    look.frames, at = 1, 8
    for _ in range(_STEPS):
        length, kind = view.uint(at, 4), view.at(at + 4, 4)
        if kind == b"IHDR":
            look.sized(view.uint(at + 8, 4), view.uint(at + 12, 4))
        elif kind == b"acTL":
            look.frames = view.uint(at + 8, 4)
            look.animated = look.frames > 1
        elif kind == b"eXIf":
            _turn(view, at + 8, at + 8 + length, look)
        elif kind == b"IEND":
            return
        at += 12 + length


def _gif(view: View, look: Look) -> None:
    look.sized(view.uint(6, 2, little=True), view.uint(8, 2, little=True))
    look.frames = 0
    at = 13 + _gif_table(view.uint(10, 1))
    while at < _GIF_WALK:
        kind = view.uint(at, 1)
        if kind == 0x21:
            at += 2
        elif kind == 0x2C:
            look.frames += 1
            look.animated = look.frames > 1
            at += 11 + _gif_table(view.uint(at + 9, 1))
        else:
            return
        while length := view.uint(at, 1):
            at += 1 + length
        at += 1
    look.frames = None


def _gif_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _riff(view: View, head: bytes, look: Look) -> None:
    look.mime = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if look.mime != "image/webp":
        return
    at, frames = 12, 0
    for _ in range(_STEPS):
        kind, length = view.at(at, 4), view.at(at + 4, 4)
        if len(length) < 4:
            break
        stop = at + 8 + int.from_bytes(length, "little")
        frames += kind == b"ANMF"
        _webp_chunk(view, kind, at + 8, stop, look)
        at = stop + (stop & 1)
    look.frames = frames or 1
    look.animated = look.animated and look.frames > 1


def _webp_chunk(view: View, kind: bytes, at: int, stop: int, look: Look) -> None:
    if kind == b"VP8X":
        look.animated = bool(view.uint(at, 1) & 2)
        look.sized(view.uint(at + 4, 3, little=True) + 1, view.uint(at + 7, 3, little=True) + 1)
    elif kind == b"VP8 " and look.width is None and view.at(at + 3, 3) == b"\x9d\x01\x2a":
        look.sized(view.uint(at + 6, 2, little=True) & 0x3FFF, view.uint(at + 8, 2, little=True) & 0x3FFF)
    elif kind == b"VP8L" and look.width is None and view.at(at, 1) == b"\x2f":
        bits = view.uint(at + 1, 4, little=True)
        look.sized((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    elif kind == b"EXIF":
        _turn(view, at, stop, look)


def _bmp(view: View, look: Look) -> None:
    look.mime, look.frames = "image/bmp", 1
    if view.uint(14, 4, little=True) == 12:
        return look.sized(view.uint(18, 2, little=True), view.uint(20, 2, little=True))
    high = view.uint(22, 4, little=True)
    return look.sized(view.uint(18, 4, little=True), min(high, (1 << 32) - high))


def _tiff(view: View, look: Look) -> None:
    tags = _tiff_tags(view, 0, view.size)
    look.width, look.height = tags.get(256), tags.get(257)
    look.turned = tags.get(274, 1) in (5, 6, 7, 8)


def _plain(view: View, look: Look) -> None:
    """A type whose magic bytes say all we want to know."""


# --- ISO base media: MP4, MOV, M4A, HEIC, AVIF --------------------------------------------------------------
_ISO_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")
_HEIF_MAJOR = frozenset(
    {b"mif1", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"avif", b"avis"}
)
_SEQUENCES = frozenset({b"avis", b"msf1", b"hevc", b"hevx"})


def _boxes(view: View, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the body, end) of each box in a range."""
    at = start
    for _ in range(4096):
        if at + 8 > stop:
            return
        size, kind, body = view.uint(at, 4), view.at(at + 4, 4), at + 8
        if size == 1:
            size, body = view.uint(at + 8, 8), at + 16
        end = stop if size == 0 else at + size
        if end < body:
            return
        yield kind, body, min(end, stop)
        at = end


def _inner(view: View, start: int, stop: int, *path: bytes) -> tuple[int, int] | None:
    """The body of the first box at a path of nested boxes."""
    for kind, body, end in _boxes(view, start, stop):
        if kind == path[0]:
            return _inner(view, body, end, *path[1:]) if path[1:] else (body, end)
    return None


def _iso(view: View, look: Look) -> None:
    brands: list[bytes] = []
    if view.at(4, 4) == b"ftyp":
        data = view.at(8, min(max(view.uint(0, 4) - 8, 4), 256))
        if len(data) < 4:
            return None
        brands = [data[:4], *(data[at : at + 4] for at in range(8, len(data) - 3, 4))]
    if brands and brands[0] in _HEIF_MAJOR:
        return _heif(view, brands, look)
    return _movie(view, brands[0] if brands else b"qt  ", look)


def _heif(view: View, brands: list[bytes], look: Look) -> None:
    avif = {b"avif", b"avis"} & set(brands)
    coded = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"} & set(brands)
    look.mime = "image/avif" if avif else "image/heic" if coded else "image/heif"
    look.animated = brands[0] in _SEQUENCES
    look.frames = None if look.animated else 1
    if (meta := _inner(view, 0, view.size, b"meta")) is None:
        return
    if (props := _inner(view, meta[0] + 4, meta[1], b"iprp", b"ipco")) is None:
        return
    for kind, body, _ in _boxes(view, *props):
        if kind == b"ispe":
            size = view.uint(body + 4, 4), view.uint(body + 8, 4)
            if size[0] * size[1] > (look.width or 0) * (look.height or 0):
                look.sized(*size)
        elif kind == b"irot":
            look.turned = bool(view.uint(body, 1) & 1)


def _movie(view: View, brand: bytes, look: Look) -> None:
    look.mime = (
        "video/quicktime" if brand == b"qt  " else "video/3gpp" if brand[:3] == b"3gp" else "video/mp4"
    )
    if brand in (b"M4A ", b"M4B "):
        look.mime = "audio/mp4"
    if (moov := _inner(view, 0, view.size, b"moov")) is None:
        return
    for kind, body, end in _boxes(view, *moov):
        if kind == b"mvhd":
            look.seconds = _duration(view, body)
        elif kind == b"trak":
            _track(view, body, end, look)
    if (mvex := _inner(view, *moov, b"mvex")) is not None:
        look.seconds = _fragmented_seconds(view, *mvex, moov)
    if look.codecs and look.width is None and look.mime == "video/mp4":
        look.mime = "audio/mp4"


def _duration(view: View, body: int) -> float | None:
    wide = view.uint(body, 1) == 1
    scale = view.uint(body + (20 if wide else 12), 4)
    length = view.uint(body + (24 if wide else 16), 8 if wide else 4)
    known = scale and length and length != (1 << (64 if wide else 32)) - 1
    return length / scale if known else None


def _fragmented_seconds(view: View, start: int, stop: int, moov: tuple[int, int]) -> float | None:
    """A fragmented file's own header says 0; only ``mehd``, where present, knows."""
    mehd, mvhd = _inner(view, start, stop, b"mehd"), _inner(view, *moov, b"mvhd")
    if mehd is None or mvhd is None:
        return None
    scale = view.uint(mvhd[0] + (20 if view.uint(mvhd[0], 1) == 1 else 12), 4)
    length = view.uint(mehd[0] + 4, 8 if view.uint(mehd[0], 1) == 1 else 4)
    return length / scale if scale and length else None


CODECS = {
    ".mp3": "mp3",
    "Opus": "opus",
    "ac-3": "ac3",
    "av01": "av1",
    "avc1": "h264",
    "avc3": "h264",
    "ec-3": "eac3",
    "hev1": "hevc",
    "hvc1": "hevc",
    "mp4a": "aac",
    "mp4v": "mpeg4",
    "vp08": "vp8",
    "vp09": "vp9",
}
"""The usual names of codecs, by the sample entries of an MP4 or MOV."""


def _track(view: View, start: int, stop: int, look: Look) -> None:
    handler, header = _inner(view, start, stop, b"mdia", b"hdlr"), _inner(view, start, stop, b"tkhd")
    kind = view.at(handler[0] + 8, 4) if handler else b""
    if kind not in (b"vide", b"soun"):
        return
    if (entries := _inner(view, start, stop, b"mdia", b"minf", b"stbl", b"stsd")) is not None:
        name = view.at(entries[0] + 12, 4).decode("ascii", "replace").strip()
        look.codecs += (CODECS.get(name, name),) if name.isprintable() and name else ()
    if kind == b"vide" and look.fps is None:
        look.fps = _frame_rate(view, start, stop)
    if kind == b"vide" and header is not None and look.width is None:
        _track_size(view, header[0], look)


def _frame_rate(view: View, start: int, stop: int) -> float | None:
    """Frames by the seconds they are shown, on average; None where one of both is not told (fragmented files)."""
    clock, sizes = (
        _inner(view, start, stop, b"mdia", *path) for path in ((b"mdhd",), (b"minf", b"stbl", b"stsz"))
    )
    seconds = _duration(view, clock[0]) if clock else None
    frames = view.uint(sizes[0] + 8, 4) if sizes else 0
    return frames / seconds if seconds and frames else None


def _track_size(view: View, body: int, look: Look) -> None:
    matrix = body + (52 if view.uint(body, 1) == 1 else 40)
    look.sized(view.uint(matrix + 36, 4) >> 16, view.uint(matrix + 40, 4) >> 16)
    upright = view.uint(matrix, 4) or view.uint(matrix + 16, 4)
    look.turned = not upright and bool(view.uint(matrix + 4, 4) and view.uint(matrix + 12, 4))


# --- documents ----------------------------------------------------------------------------------------------
_OFFICE = {
    b"word/document": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"ppt/presentation": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    b"xl/workbook": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_DIRECTORY = 256 * 1024
"""Bytes at the end of an archive in which the names of what it holds are looked for."""


def _zip(view: View, look: Look) -> None:
    """An archive is an Office document where it lists the parts of one."""
    names = view.at(max(0, view.size - _DIRECTORY), _DIRECTORY)
    if b"[Content_Types].xml" in names:
        look.mime = next((mime for part, mime in _OFFICE.items() if part in names), look.mime)


_PARSED: tuple[tuple[bytes, str, Callable[[View, Look], None]], ...] = (
    (b"\xff\xd8\xff", "image/jpeg", _jpeg),
    (b"\x89PNG\r\n\x1a\n", "image/png", _png),
    (b"GIF87a", "image/gif", _gif),
    (b"GIF89a", "image/gif", _gif),
    (b"II*\0", "image/tiff", _tiff),
    (b"MM\0*", "image/tiff", _tiff),
    (b"%PDF-", "application/pdf", _plain),
    (b"PK\x03\x04", "application/zip", _zip),
)
_MAGIC = (
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
