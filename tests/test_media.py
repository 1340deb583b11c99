"""Media are known by their content, streamed in pieces, and compared by digest."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import pickle
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import media_files as made
from socialkit.adapters.base import PartMedia, Response
from socialkit.media import DigestingBlob, LocalBlob, MediaError, inspect, verify
from socialkit.media._formats import View, look_at
from socialkit.model import Captions, File, Image, Medium, Video
from socialkit.transport import AnswerLost, UnsafeAddress

OFFICE = "application/vnd.openxmlformats-officedocument"


def look(data: bytes):
    return look_at(View(lambda start, count: data[start : start + count], len(data)))


def refusal(medium: Medium | Captions) -> str:
    """The words with which a medium is refused."""
    with pytest.raises(MediaError) as caught:
        asyncio.run(inspect(medium))
    return str(caught.value)


def item(data: bytes) -> PartMedia:
    digest = hashlib.sha256(data).hexdigest()
    return PartMedia("video", "video/mp4", len(data), digest, source="bytes")


# --- types and sizes ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (made.png(), "image/png"),
        (made.gif(), "image/gif"),
        (made.jpeg_header(3, 2), "image/jpeg"),
        (made.tiff((256, 3), (257, 2)), "image/tiff"),
        (made.heif(b"heic"), "image/heic"),
        (made.heif(b"mif1", b"mif1", b"heic"), "image/heic"),
        (made.heif(b"mif1", b"mif1"), "image/heif"),
        (made.heif(b"avif", b"mif1"), "image/avif"),
        (made.mp4(), "video/mp4"),
        (made.ftyp(b"qt  "), "video/quicktime"),
        (made.box(b"wide") + made.box(b"mdat", bytes(9)), "video/quicktime"),
        (made.ftyp(b"3gp5"), "video/3gpp"),
        (made.ftyp(b"M4A "), "audio/mp4"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\xa3B\x82\x88matroska", "video/x-matroska"),
        (b"OggS" + bytes(24) + b"\x80theora", "video/ogg"),
        (b"OggS" + bytes(24) + b"OpusHead", "audio/ogg"),
        ((b"G" + bytes(187)) * 3, "video/mp2t"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"ID3\x04" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x44" + bytes(20), "audio/mpeg"),
        (b"\xff\xf1\x50\x80" + bytes(20), "audio/aac"),
        (b"fLaC" + bytes(20), "audio/flac"),
        (b"%PDF-1.7\n", "application/pdf"),
        (made.archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}.wordprocessingml.document"),
        (
            made.archive("[Content_Types].xml", "ppt/presentation.xml"),
            f"{OFFICE}.presentationml.presentation",
        ),
        (made.archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
        (made.archive("word/document.xml"), "application/zip"),
        (made.archive("[Content_Types].xml", "boat.txt"), "application/zip"),
        (made.SRT, "application/x-subrip"),
        (made.VTT, "text/vtt"),
        (b"\xef\xbb\xbf" + made.VTT, "text/vtt"),
        (made.SVG, "image/svg+xml"),
        (b"We ship today", ""),
        (b"\0" * 600, ""),
        (b"WEBVTTX", ""),
        (b"BMW builds boats", ""),
    ],
)
def test_the_type_is_told_from_the_content(data: bytes, mime: str) -> None:
    assert look(data).mime == mime


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_those_a_viewer_shows(orientation: int) -> None:
    shown = (30, 40) if orientation >= 5 else (40, 30)
    assert look(made.jpeg_header(40, 30, orientation=orientation)).shown == shown
    turned = made.png_chunk(b"eXIf", made.tiff((274, orientation)))
    assert look(made.png(40, 30, turned)).shown == shown
    assert look(made.tiff((256, 40), (257, 30), (274, orientation))).shown == shown


def test_a_jpeg_size_behind_a_large_profile_is_found() -> None:
    assert look(made.jpeg_header(40, 30, padding=700_000)).shown == (40, 30)


def test_the_largest_item_of_a_heic_is_the_picture_and_its_turn_counts() -> None:
    assert look(made.heif(b"heic")).shown == (4032, 3024)
    assert look(made.heif(b"heic", turns=1)).shown == (3024, 4032)
    assert look(made.heif(b"heic", turns=2)).shown == (4032, 3024)


def test_gif_frames_are_counted() -> None:
    assert (look(made.gif()).frames, look(made.gif()).animated) == (1, False)
    assert (look(made.gif(frames=7)).frames, look(made.gif(frames=7)).animated) == (7, True)


def test_an_animated_png_says_its_frames() -> None:
    found = look(made.png(3, 2, MOVING))
    assert (found.frames, found.animated) == (5, True)
    assert not look(made.png()).animated


def test_an_image_sequence_is_animated() -> None:
    assert look(made.heif(b"avis")).animated
    assert look(made.heif(b"hevc")).animated
    assert not look(made.heif(b"avif", b"avis")).animated


# --- videos -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("index", ["front", "back"])
@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("wide", [False, True])
def test_an_mp4_tells_size_seconds_and_codecs(index: str, version: int, wide: bool) -> None:
    found = look(made.mp4(index=index, version=version, wide=wide))
    assert found.shown == (1920, 1080)
    assert found.seconds == 12.5
    assert found.codecs == ("h264", "aac")


def test_the_frame_rate_is_frames_by_seconds() -> None:
    assert look(made.mp4(frames=375)).fps == 30.0
    assert look(made.mp4()).fps is None


def test_an_unknown_sample_entry_is_its_own_name() -> None:
    data = made.ftyp() + made.box(b"moov", made.trak(b"vide", b"apch", made.tkhd(64, 48)))
    assert look(data).codecs == ("apch",)


def test_a_video_filmed_upright_is_higher_than_wide() -> None:
    assert look(made.mp4(matrix=made.QUARTER_TURN)).shown == (1080, 1920)


def test_a_fragmented_mp4_has_unknown_seconds_not_zero() -> None:
    assert look(made.fragmented()).seconds is None
    assert look(made.fragmented(seconds=8.5)).seconds == 8.5
    assert look(made.fragmented()).shown == (1920, 1080)


def test_a_movie_without_duration_has_unknown_seconds() -> None:
    assert look(made.mp4(seconds=0)).seconds is None


def test_sound_alone_in_an_mp4_is_audio() -> None:
    sound = made.trak(b"soun", b"mp4a", made.tkhd(0, 0))
    data = made.ftyp() + made.box(b"moov", made.mvhd(3), sound)
    assert (look(data).mime, look(data).seconds) == ("audio/mp4", 3)


def test_the_index_of_a_large_video_costs_a_few_small_reads() -> None:
    head, tail = made.ftyp() + b"\0\0\0\1mdat" + (16 + (1 << 30)).to_bytes(8, "big"), made.moov()
    index = len(head) + (1 << 30)
    asked: list[int] = []

    def read_at(start: int, count: int) -> bytes:
        asked.append(count)
        return head[start : start + count] if start < index else tail[start - index :][:count]

    found = look_at(View(read_at, index + len(tail)))
    assert found.seconds == 12.5
    assert sum(asked) < 128 * 1024


# --- damaged files ------------------------------------------------------------------------------------
def webp() -> bytes:
    """VP8X header with animation flag, two frames, EXIF."""
    exif = made.tiff((274, 6))
    chunks = (
        b"VP8X\x0a\0\0\0\x0a\0\0\0\x27\0\0\x1d\0\0"
        + b"ANMF\x04\0\0\0abcdANMF\x03\0\0\0abc\0"
        + b"EXIF" + len(exif).to_bytes(4, "little") + exif
    )  # fmt: skip
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks


MOVING = made.png_chunk(b"acTL", bytes([0, 0, 0, 5, 0, 0, 0, 0]))
SAMPLES = [
    made.png(3, 2, MOVING, made.png_chunk(b"eXIf", made.tiff((274, 6)))),
    made.gif(frames=3),
    made.jpeg_header(40, 30, orientation=6),
    made.tiff((256, 3), (257, 2), (274, 8)),
    made.heif(b"heic", turns=1),
    made.heif(b"avif"),
    made.mp4(data=50),
    made.mp4(data=50, index="back", version=1, wide=True),
    made.fragmented(seconds=3),
    webp(),
    b"BM" + bytes(12) + b"\x28\0\0\0\x03\0\0\0\xfe\xff\xff\xff" + bytes(40),
    (b"G" + bytes(187)) * 3,
    made.SRT,
    made.SVG,
]  # fmt: skip


def test_an_animated_webp_is_turned_and_counted() -> None:
    found = look(webp())
    assert (found.shown, found.frames, found.animated) == ((30, 40), 2, True)


def test_a_bmp_from_top_to_bottom_has_a_positive_height() -> None:
    assert look(SAMPLES[10]).shown == (3, 2)


@given(st.sampled_from(SAMPLES), st.data())
def test_files_cut_off_anywhere_never_crash(sample: bytes, data: st.DataObject) -> None:
    assert look(sample[: data.draw(st.integers(0, len(sample)))]).mime in ("", look(sample).mime, "audio/mp4")


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=12))
def test_files_with_wrong_bytes_never_crash(sample: bytes, flips: list[tuple[int, int]]) -> None:
    broken = bytearray(sample)
    for at, value in flips:
        broken[at % len(broken)] = value
    found = look(bytes(broken))
    assert found.seconds is None or found.seconds > 0


@given(st.binary(max_size=600))
def test_garbage_never_crashes(data: bytes) -> None:
    look(data)


@given(st.sampled_from(SAMPLES), st.binary(max_size=64))
def test_inspecting_never_raises_anything_but_a_media_error(sample: bytes, tail: bytes) -> None:
    try:
        facts, _ = asyncio.run(inspect(Image(sample[: len(sample) // 2] + tail)))
    except MediaError:
        return
    assert facts.size == len(sample) // 2 + len(tail)


# --- inspect ------------------------------------------------------------------------------------------
async def test_inspect_tells_the_facts_and_hands_out_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "hero.png"
    path.write_bytes(made.png(3, 2))
    facts, blob = await inspect(Image(path))
    assert (facts.kind, facts.mime, facts.width, facts.height, facts.name) == (
        "image",
        "image/png",
        3,
        2,
        "hero.png",
    )
    assert facts.digest == hashlib.sha256(made.png(3, 2)).hexdigest() == blob.digest
    assert await blob.read() == made.png(3, 2)


async def test_bytes_and_open_files_have_the_same_facts_as_the_path(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(made.mp4(data=700_000))
    with path.open("rb") as file:
        file.seek(99)
        sources = [path, path.read_bytes(), file]
        digests = {(await inspect(Video(source)))[0].digest for source in sources}
    assert len(digests) == 1


async def test_only_an_animated_gif_is_a_gif() -> None:
    assert (await inspect(Image(made.gif())))[0].kind == "image"
    facts, _ = await inspect(Image(made.gif(frames=2)))
    assert (facts.kind, facts.frames, facts.animated) == ("gif", 2, True)


async def test_a_file_stays_a_file_with_its_own_name() -> None:
    facts, _ = await inspect(File(made.png(), name="Annual report.pdf"))
    assert (facts.kind, facts.mime, facts.name) == ("file", "image/png", "Annual report.pdf")


async def test_a_document_without_magic_bytes_is_what_its_name_says(tmp_path: Path) -> None:
    path = tmp_path / "crew.csv"
    path.write_bytes(b"name,role\n")
    assert (await inspect(File(path)))[0].mime == "text/csv"
    assert (await inspect(File(b"name,role\n", name="crew.csv")))[0].mime == "text/csv"
    fake = tmp_path / "fake.jpg"
    fake.write_bytes(b"name,role\n")
    assert (await inspect(File(fake)))[0].mime == "application/octet-stream"


async def test_svg_and_sound_are_files() -> None:
    assert (await inspect(Image(made.SVG)))[0].kind == "file"
    assert (await inspect(File(b"fLaC" + bytes(9))))[0].mime == "audio/flac"


async def test_a_wrong_ending_is_put_right(tmp_path: Path) -> None:
    for given_name, right in [
        ("hero.jpg", "hero.png"),
        ("hero", "hero.png"),
        ("v1.2", "v1.2.png"),
        ("a.PNG", "a.PNG"),
    ]:
        path = tmp_path / given_name
        path.write_bytes(made.png())
        assert (await inspect(Image(path)))[0].name == right


async def test_captions_are_told_apart() -> None:
    assert (await inspect(Captions(made.SRT, "en")))[0].mime == "application/x-subrip"
    assert (await inspect(Captions(made.VTT, "en")))[0].kind == "captions"


def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    empty = tmp_path / "empty.png"
    empty.touch()
    os.mkfifo(tmp_path / "pipe")
    assert "does not exist" in refusal(Image(tmp_path / "missing.png"))
    assert "is a directory" in refusal(Image(tmp_path))
    assert "empty.png is empty" in refusal(Image(empty))
    assert "no regular file" in refusal(Image(tmp_path / "pipe"))
    assert "known type" in refusal(Image(b"We ship today"))
    assert "give it as File" in refusal(Video(b"We ship today"))
    assert "SRT or WebVTT" in refusal(Captions(made.png(), "en"))
    assert "damaged" in refusal(Image(made.png()[:18]))
    assert "cannot be read" in refusal(Image("hero\0.jpg"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(made.png())
    path.chmod(0)
    assert "may not be read" in refusal(Image(path))


def test_open_files_that_cannot_be_read_twice_are_refused() -> None:
    closed = io.BytesIO(made.png())
    closed.close()
    assert "closed" in refusal(Image(closed))
    assert "not bytes" in refusal(Image(io.StringIO("text")))  # type: ignore[arg-type]
    reading, writing = os.pipe()
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert "give a path" in refusal(Image(pipe))


def test_media_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(MediaError("hero.jpg is empty (0 bytes)")))
    assert (type(error), str(error)) == (MediaError, "hero.jpg is empty (0 bytes)")


# --- from a URL ---------------------------------------------------------------------------------------
def answering(content: bytes, *, status: int = 200, error: Exception | None = None):
    """A fetch that gives ``content`` in pieces, then ``error``."""

    @asynccontextmanager
    async def fetch(url: str, /, *, max_bytes: int | None = None):
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 1000):
                yield content[start : start + 1000]
            if error:
                raise error

        yield Response(status, {}, url=url), pieces()

    return fetch


async def test_a_picture_from_a_url_is_fetched() -> None:
    medium = Image.from_url("https://example.com/media/hero%20shot?size=large")
    facts, blob = await inspect(medium, fetch=answering(made.png()))
    assert (facts.name, facts.mime) == ("hero shot.png", "image/png")
    assert await blob.read() == made.png()
    assert await blob.read() == made.png()


async def test_a_large_video_from_a_url_is_spooled_to_disk() -> None:
    data = made.mp4(data=5_000_000)
    facts, blob = await inspect(Video.from_url("https://example.com/a.mp4"), fetch=answering(data))
    assert (facts.size, facts.seconds) == (len(data), 12.5)
    assert hashlib.sha256(await blob.read()).hexdigest() == facts.digest


@pytest.mark.parametrize(
    ("fetch", "words"),
    [
        (None, "nothing may be fetched"),
        (answering(b"gone", status=404), "answered 404"),
        (answering(made.png(), error=AnswerLost("it broke off")), "it broke off"),
        (answering(b"", error=UnsafeAddress("a private address")), "a private address"),
        (answering(b""), "is empty"),
        (answering(b"<html>no picture"), "known type"),
    ],
)
async def test_a_url_that_gives_no_picture_is_refused(fetch, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        await inspect(Image.from_url("https://example.com/hero.jpg"), fetch=fetch)


# --- streaming ----------------------------------------------------------------------------------------
@given(st.integers(0, 700_000), st.integers(0, 700_000))
def test_any_range_comes_in_small_pieces_as_often_as_asked(start: int, stop: int) -> None:
    data = bytes(range(256)) * 2400

    async def read() -> None:
        _, blob = await inspect(File(data))
        for _ in range(2):
            pieces = [piece async for piece in blob.chunks(start, stop)]
            assert b"".join(pieces) == data[start:stop]
            assert all(0 < len(piece) <= 256 * 1024 for piece in pieces)

    asyncio.run(read())


async def test_two_readings_of_one_open_file_do_not_disturb_each_other() -> None:
    data = os.urandom(1_000_000)
    _, blob = await inspect(File(io.BytesIO(data)))
    first, second = blob.chunks(), blob.chunks()
    got = [b"", b""]
    for _ in range(4):
        got[0] += await anext(first)
        got[1] += await anext(second)
    assert got == [data, data]


async def test_a_file_written_to_since_is_not_streamed(tmp_path: Path) -> None:
    path = tmp_path / "hero.png"
    path.write_bytes(made.png(3, 2))
    _, blob = await inspect(Image(path))
    path.write_bytes(made.png(2, 3))
    with pytest.raises(MediaError, match="not what it was"):
        await blob.read()


async def test_a_file_only_touched_since_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "hero.png"
    path.write_bytes(made.png(3, 2))
    _, blob = await inspect(Image(path))
    os.utime(path, (1, 1))
    assert await blob.read() == made.png(3, 2)


async def test_a_file_cut_short_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(made.mp4(data=1_000_000))
    _, blob = await inspect(Video(path))
    pieces = blob.chunks()
    await anext(pieces)
    os.truncate(path, 1000)
    with pytest.raises(MediaError, match="shorter"):
        await anext(pieces)


# --- digests ------------------------------------------------------------------------------------------
async def test_the_digest_is_taken_while_uploading() -> None:
    data = os.urandom(900_000)
    _, source = await inspect(File(data))
    seen: list[int] = []
    blob = DigestingBlob(source, expected=item(data).digest, progress=seen.append)
    assert await blob.read() == data
    assert await blob.digest_sent() == item(data).digest
    assert not blob.changed
    assert seen == [262_144, 524_288, 786_432, 900_000]


async def test_other_bytes_than_planned_are_never_handed_out_whole() -> None:
    data = os.urandom(600_000)
    _, source = await inspect(File(data))
    blob = DigestingBlob(source, expected="00" * 32)
    got = bytearray()

    async def upload() -> None:
        async for piece in blob.chunks():
            got.extend(piece)

    with pytest.raises(MediaError, match="changed since it was planned"):
        await upload()
    assert blob.changed
    assert len(got) < len(data)


@example([(0, 300_000), (100_000, 500_000), (0, 90), (400_000, 588_800)])
@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(0, 600_000)), max_size=5))
def test_ranges_in_any_order_give_the_digest_of_the_whole(ranges: list[tuple[int, int]]) -> None:
    data = bytes(range(256)) * 2300

    async def upload() -> None:
        _, source = await inspect(File(data))
        blob = DigestingBlob(source)
        for start, stop in ranges:
            async for _ in blob.chunks(start, stop):
                pass
        assert await verify(item(data), blob)

    asyncio.run(upload())


async def test_verify_compares_with_what_was_planned() -> None:
    _, blob = await inspect(File(b"hello"))
    assert await verify(item(b"hello"), blob)
    assert not await verify(item(b"hallo"), blob)
    assert not await verify(item(b"hello!"), blob)


# --- cost ---------------------------------------------------------------------------------------------
MEASURE = """
    import asyncio, hashlib, resource, sys, time
    from socialkit.media import DigestingBlob, inspect
    from socialkit.model import Video

    async def main(path):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        facts, blob = await inspect(Video(path))
        watched = DigestingBlob(blob, expected=facts.digest)
        async for piece in watched.chunks():
            await asyncio.sleep(0)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert (facts.seconds, watched.changed) == (12.5, False)
        assert not {"PIL", "httpx", "cattrs"} & set(sys.modules), "heavy modules were imported"
        print((after - before) * (1 if sys.platform == "darwin" else 1024))

    asyncio.run(main(sys.argv[1]))
"""


def test_a_video_of_one_gib_costs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    with path.open("wb") as file:
        file.write(made.ftyp() + b"\0\0\0\1mdat" + (16 + (1 << 30)).to_bytes(8, "big"))
        file.seek(1 << 30, os.SEEK_CUR)
        file.write(made.moov())
    code = textwrap.dedent(MEASURE)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= 16 * 1024 * 1024


def test_nothing_of_the_bytes_shows_in_a_repr() -> None:
    _, blob = asyncio.run(inspect(File(b"hello", name="hello.txt")))
    assert repr(blob) == "<LocalBlob hello.txt text/plain 5 bytes>"
    assert isinstance(blob, LocalBlob)
    assert "hello.txt 0 of 5" in repr(DigestingBlob(blob))
