"""What a file is, told from its first and last bytes."""

from __future__ import annotations

import struct

import pytest

from socialkit.sandbox.sniff import sniff


def box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def movie(seconds: int, width: int, height: int) -> bytes:
    head = bytes(4) + bytes(8) + struct.pack(">II", 1000, seconds * 1000) + bytes(80)
    track = bytes(4) + bytes(8) + bytes(4) + bytes(4) + bytes(4) + bytes(8) + bytes(8) + bytes(36)
    track += struct.pack(">II", width << 16, height << 16)
    return box(b"moov", box(b"mvhd", head) + box(b"trak", box(b"tkhd", track)))


FTYP = box(b"ftyp", b"isom" + bytes(4))
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 40, 30)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30, 40) + bytes(9)
WEBP = b"RIFF\x00\x00\x00\x00WEBP"


@pytest.mark.parametrize(
    ("data", "mime", "size"),
    [
        (PNG, "image/png", (40, 30)),
        (JPEG, "image/jpeg", (40, 30)),
        (b"GIF89a" + struct.pack("<HH", 40, 30), "image/gif", (40, 30)),
        (WEBP + b"VP8X" + bytes(8) + b"\x27\x00\x00\x1d\x00\x00", "image/webp", (40, 30)),
        (WEBP + b"VP8L" + bytes(5) + struct.pack("<I", 39 | 29 << 14), "image/webp", (40, 30)),
        (WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 40, 30), "image/webp", (40, 30)),
        (FTYP + movie(9, 40, 30), "video/mp4", (40, 30)),
        (box(b"ftyp", b"qt  " + bytes(4)), "video/quicktime", (0, 0)),
        (box(b"ftyp", b"avif" + bytes(4)), "image/avif", (0, 0)),
        (box(b"ftyp", b"heic" + bytes(4)), "image/heic", (0, 0)),
        (b"\x1aE\xdf\xa3 webm", "video/webm", (0, 0)),
        (b"%PDF-1.7", "application/pdf", (0, 0)),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav", (0, 0)),
        (b"hello", "", (0, 0)),
        (b"", "", (0, 0)),
    ],
)
def test_kinds_and_sizes(data, mime, size):
    kind = sniff(data)
    assert (kind.mime, (kind.width, kind.height)) == (mime, size)


def test_a_movie_may_keep_its_index_at_the_end():
    kind = sniff(FTYP + bytes(1000), movie(75, 1920, 1080))
    assert (kind.seconds, kind.width, kind.height) == (75.0, 1920, 1080)


def test_animation():
    assert sniff(b"GIF89a" + bytes(7) + b"\x21\xf9\x04" * 2).animated
    assert not sniff(b"GIF89a" + bytes(7) + b"\x21\xf9\x04").animated
    assert sniff(PNG + bytes(8) + b"acTL").animated


@pytest.mark.parametrize("data", [PNG, JPEG, FTYP + movie(9, 40, 30), WEBP + b"VP8X" + bytes(16)])
def test_cut_files_are_no_error(data):
    for end in range(len(data)):
        sniff(data[:end])
