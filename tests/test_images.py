"""A picture is changed as little as its platform asks, and never without saying so."""

from __future__ import annotations

import asyncio
import io
import json
import random
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms, ImageDraw

import media_files as made
from socialkit.media import (
    CannotFit,
    Facts,
    Fitted,
    LocalBlob,
    MediaError,
    NeedsExtra,
    _images,
    fit,
    inspect,
    redo,
)
from socialkit.model import File, Image
from socialkit.rules import ImageRule

JPEG, PNG, WEBP, GIF = "image/jpeg", "image/png", "image/webp", "image/gif"
COMMON = frozenset({JPEG, PNG, WEBP, GIF})
GPS = Pillow.Exif()
GPS[0x0112] = 6
GPS[0x8825] = {1: "N", 2: (54.0, 19.0, 0.0)}
CAMERA = Pillow.Exif()
CAMERA[0x0112] = 6
CAMERA[0x0110] = "Camera 1"


def noise(width: int = 300, height: int = 200, mode: str = "RGB") -> Pillow.Image:
    """A picture that compresses badly, the same every time."""
    seed = random.Random(7).randbytes(width * height * len(mode))
    return Pillow.frombytes(mode, (width, height), seed)


def saved(image: Pillow.Image, name: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, name, **how)
    return out.getvalue()


def rule(max_bytes: int = 10_000_000, types: frozenset[str] = COMMON, **more: Any) -> ImageRule:
    return ImageRule(4, max_bytes, types, **more)


async def fitted(data: bytes, limits: ImageRule, **more: Any) -> Fitted:
    facts, blob = await inspect(Image(data))
    done = await fit(facts, blob, limits, **more)
    assert isinstance(done, Fitted), done
    return done


async def opened(done: Fitted) -> Pillow.Image:
    image = Pillow.open(io.BytesIO(await done.blob.read()))
    image.load()
    return image


# --- nothing to do ------------------------------------------------------------------------------------
async def test_a_picture_that_passes_is_not_touched() -> None:
    facts, blob = await inspect(Image(saved(noise(), "JPEG")))
    assert await fit(facts, blob, rule(max_side=300, max_pixels=60_000)) is None


async def test_facts_agree_with_pillow_on_every_orientation() -> None:
    for orientation in range(1, 9):
        exif = Pillow.Exif()
        exif[0x0112] = orientation
        for name in ("JPEG", "PNG", "WEBP", "TIFF"):
            facts, _ = await inspect(Image(saved(noise(40, 30), name, exif=exif)))
            shown = (30, 40) if orientation >= 5 else (40, 30)
            assert (facts.width, facts.height) == shown, (name, orientation)


async def test_facts_agree_with_pillow_on_animations() -> None:
    frames = [
        noise(20, 10),
        noise(20, 10).rotate(180),
        noise(20, 10).transpose(Pillow.Transpose.FLIP_LEFT_RIGHT),
    ]
    for name in ("GIF", "PNG", "WEBP"):
        facts, _ = await inspect(Image(saved(frames[0], name, save_all=True, append_images=frames[1:])))
        assert (facts.frames, facts.animated, facts.width, facts.height) == (3, True, 20, 10), name
        still, _ = await inspect(Image(saved(frames[0], name)))
        assert (still.frames, still.animated) == (1, False), name


@pytest.mark.parametrize("lossless", [False, True])
async def test_plain_webp_sizes_are_read(lossless: bool) -> None:
    facts, _ = await inspect(Image(saved(noise(33, 17), "WEBP", lossless=lossless)))
    assert (facts.width, facts.height) == (33, 17)


async def test_avif_sizes_are_read() -> None:
    facts, _ = await inspect(Image(saved(noise(34, 18), "AVIF")))
    assert (facts.mime, facts.width, facts.height) == ("image/avif", 34, 18)


# --- the smallest change ------------------------------------------------------------------------------
async def test_too_many_bytes_lower_the_quality_first() -> None:
    data = saved(noise(), "JPEG", quality=98)
    done = await fitted(data, rule(len(data) * 3 // 4))
    assert (done.facts.mime, done.facts.width, done.facts.height) == (JPEG, 300, 200)
    assert done.edit["quality"] > 75
    assert f"saved at quality {done.edit['quality']}" in done.words
    assert "scaled" not in done.words


async def test_then_the_size_at_the_same_ratio() -> None:
    done = await fitted(saved(noise(900, 600), "JPEG", quality=98), rule(40_000))
    assert done.facts.width is not None
    assert done.facts.height is not None
    assert 200 <= done.facts.width < 900
    assert done.facts.width / done.facts.height == pytest.approx(1.5, abs=0.01)
    assert "scaled from 900 × 600" in done.words


async def test_too_many_pixels_scale_and_nothing_else() -> None:
    done = await fitted(saved(noise(), "PNG"), rule(max_side=150))
    assert (done.facts.mime, done.facts.width, done.facts.height) == (PNG, 150, 100)
    done = await fitted(saved(noise(), "JPEG"), rule(max_pixels=15_000))
    assert (done.facts.width, done.facts.height) == (150, 100)


async def test_a_line_keeps_to_the_pixels_too() -> None:
    done = await fitted(saved(noise(250, 1), "PNG"), rule(max_pixels=100))
    assert done.facts.height == 1
    assert done.facts.width is not None
    assert 90 < done.facts.width <= 100


async def test_a_screenshot_that_compresses_well_stays_a_png() -> None:
    flat = Pillow.new("RGB", (400, 300), "navy")
    data = saved(flat, "PNG", compress_level=0)
    done = await fitted(data, rule(len(data) - 1))
    assert (done.facts.mime, done.facts.width) == (PNG, 400)
    assert done.words.startswith("compressed better")


@pytest.mark.parametrize("name", ["BMP", "TIFF", "WEBP", "AVIF", "GIF"])
async def test_a_type_that_is_not_taken_becomes_a_jpeg(name: str) -> None:
    done = await fitted(saved(noise(), name), rule(types=frozenset({JPEG})))
    assert (done.facts.mime, done.facts.name) == (JPEG, "file.jpg")
    assert f"to {JPEG}" in done.words
    assert (await opened(done)).size == (300, 200)


async def test_see_through_pictures_stay_see_through() -> None:
    ghost = noise(mode="RGBA")
    done = await fitted(saved(ghost, "TIFF"), rule())
    assert (done.facts.mime, (await opened(done)).mode) == (PNG, "RGBA")
    done = await fitted(saved(ghost, "PNG"), rule(types=frozenset({JPEG, WEBP})))
    assert (done.facts.mime, (await opened(done)).mode) == (WEBP, "RGBA")
    data = saved(noise(900, 600, "RGBA"), "PNG")
    done = await fitted(data, rule(len(data) // 2, types=frozenset({JPEG, PNG})))
    assert done.facts.mime == PNG
    assert "scaled" in done.words


async def test_where_only_jpeg_is_taken_see_through_parts_become_white() -> None:
    clear = Pillow.new("RGBA", (40, 30), (0, 0, 0, 0))
    done = await fitted(saved(clear, "PNG"), rule(types=frozenset({JPEG})))
    assert "become white" in done.words
    assert (await opened(done)).getpixel((5, 5)) == (255, 255, 255)


async def test_an_alpha_channel_that_hides_nothing_does_not_count() -> None:
    solid = noise().convert("RGBA")
    done = await fitted(saved(solid, "PNG"), rule(types=frozenset({JPEG})))
    assert "white" not in done.words


async def test_fields_take_the_place_of_the_rules_own() -> None:
    data = saved(noise(), "PNG")
    done = await fitted(
        data, rule(), max_side=100, accepts=frozenset({JPEG}), max_bytes=9000, max_pixels=5000
    )
    assert (done.facts.mime, done.facts.width, done.facts.height) == (JPEG, 86, 57)


# --- what stays, what goes ----------------------------------------------------------------------------
async def test_the_colour_profile_stays() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("JPEG", "PNG", "WEBP"):
        done = await fitted(saved(noise(), name, icc_profile=profile), rule(max_side=100))
        assert (await opened(done)).info["icc_profile"] == profile, name


async def test_the_orientation_is_applied_and_location_data_removed() -> None:
    flag = Pillow.new("RGB", (80, 40), "white")
    ImageDraw.Draw(flag).rectangle((0, 0, 39, 39), fill="red")
    for name in ("JPEG", "PNG", "WEBP"):
        done = await fitted(saved(flag, name, exif=GPS), rule(max_side=60))
        image = await opened(done)
        assert (done.facts.width, done.facts.height) == image.size == (30, 60)
        red, _, blue = image.convert("RGB").getpixel((15, 10))  # type: ignore[misc]
        assert red > 200 > 60 > blue, "red is on top after the turn"
        assert not image.getexif()
        assert "location" in done.words


async def test_comments_do_not_travel() -> None:
    done = await fitted(saved(noise(), "JPEG", comment=b"draft 7, do not publish"), rule(max_side=100))
    assert b"draft" not in await done.blob.read()
    assert "metadata" in done.words


async def test_nothing_is_said_of_metadata_that_was_not_there() -> None:
    for name in ("JPEG", "TIFF", "PNG"):
        assert "removed" not in (await fitted(saved(noise(), name), rule(max_side=100))).words


async def test_inks_become_screen_colours() -> None:
    inks = Pillow.new("CMYK", (60, 40), (0, 255, 255, 0))
    image = await opened(await fitted(saved(inks, "JPEG"), rule(max_side=30)))
    red, green, blue = image.getpixel((5, 5))  # type: ignore[misc]
    assert image.mode == "RGB"
    assert red > 180 > 90 > max(green, blue)


async def test_sixteen_bit_grey_keeps_its_shades() -> None:
    grey = Pillow.frombytes("I;16", (60, 40), struct.pack("<H", 0x8000) * 2400)
    image = await opened(await fitted(saved(grey, "PNG"), rule(max_side=30)))
    assert (image.mode, image.getpixel((5, 5))) == ("L", 128)


async def test_only_the_first_page_of_a_tiff_is_named() -> None:
    data = saved(noise(), "TIFF", save_all=True, append_images=[noise()])
    assert "first of its 2 pages" in (await fitted(data, rule())).words


# --- animations ---------------------------------------------------------------------------------------
def moving(name: str) -> bytes:
    return saved(noise(60, 40), name, save_all=True, append_images=[noise(60, 40).rotate(180)])


@pytest.mark.parametrize(
    ("name", "limits", "words"),
    [
        ("GIF", rule(max_bytes=1000), "of at most 1,000 bytes"),
        ("GIF", rule(animated_max_bytes=900), "of at most 900 bytes"),
        ("GIF", rule(animated_max_pixels=1000), "at most 1,000 in all"),
        ("GIF", rule(animated_max_frames=1), "2 of at most 1 frames"),
        ("GIF", rule(animated_count=0), "an animated image/gif is not taken"),
        ("GIF", rule(types=frozenset({JPEG})), "an animated image/gif is not taken"),
        ("WEBP", rule(), "an animated image/webp is not taken"),
        ("PNG", rule(), "an animated image/png is not taken"),
    ],
)
async def test_an_animation_is_never_made_still(name: str, limits: ImageRule, words: str) -> None:
    facts, blob = await inspect(Image(moving(name)))
    done = await fit(facts, blob, limits)
    assert isinstance(done, CannotFit)
    assert words in str(done)
    assert "an animation is not changed here" in str(done)


async def test_an_animation_that_is_taken_passes() -> None:
    facts, blob = await inspect(Image(moving("GIF")))
    assert await fit(facts, blob, rule(1000, animated_max_bytes=100_000)) is None
    facts, blob = await inspect(Image(moving("WEBP")))
    assert await fit(facts, blob, rule(animated_types=frozenset({WEBP}))) is None


# --- what cannot be done ------------------------------------------------------------------------------
async def refused(data: bytes, limits: ImageRule) -> str:
    facts, blob = await inspect(Image(data))
    done = await fit(facts, blob, limits)
    assert isinstance(done, CannotFit), done
    return str(done)


async def test_what_cannot_fit_is_said_in_words() -> None:
    png = saved(noise(), "PNG")
    assert "even with 200 pixels" in await refused(png, rule(1000))
    assert "none can be written here" in await refused(png, rule(types=frozenset({GIF})))
    assert "image/svg+xml is no picture" in await refused(made.SVG, rule())
    assert "Pillow cannot read image/heic" in await refused(made.heif(b"heic"), rule())
    assert "damaged" in await refused(png[: len(png) // 2], rule(max_side=100))


BOMB = made.png()[:16] + struct.pack(">II", 60_000, 60_000) + made.png()[24:]


async def test_a_bomb_is_not_unpacked() -> None:
    assert "safe to unpack" in await refused(BOMB, rule(max_side=1000))


async def test_a_file_is_no_picture() -> None:
    facts, blob = await inspect(File(saved(noise(), "TIFF")))
    assert isinstance(await fit(facts, blob, rule()), CannotFit)


async def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    facts, blob = await inspect(Image(saved(noise(), "TIFF")))
    monkeypatch.setattr(_images, "available", lambda: False)
    done = await fit(facts, blob, rule())
    assert isinstance(done, NeedsExtra)
    assert done.extra == "images"
    assert "image/tiff is not taken" in str(done)
    assert "pip install 'socialkit-py[images]'" in str(done)
    with pytest.raises(MediaError, match="socialkit-py"):
        await redo(blob, {"format": "JPEG"})


async def test_a_size_no_header_tells_is_looked_up_in_the_picture() -> None:
    data = saved(noise(), "JPEG")
    blob = (await inspect(Image(data)))[1]
    unknown = Facts("image", JPEG, len(data), "00" * 32)
    assert await fit(unknown, blob, rule(max_side=300)) is None
    done = await fit(unknown, blob, rule(max_side=150))
    assert isinstance(done, Fitted)
    assert done.facts.width == 150


# --- doing it again -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
async def test_an_edit_makes_the_same_bytes_in_another_process(name: str) -> None:
    facts, blob = await inspect(Image(saved(noise(), name, exif=CAMERA)))
    done = await fit(facts, blob, rule(30_000, max_side=180))
    assert isinstance(done, Fitted)
    again = await redo(blob, json.loads(json.dumps(done.edit)))
    assert again.digest == done.facts.digest == done.blob.digest
    assert (again.mime, again.name, again.size) == (done.facts.mime, done.facts.name, done.facts.size)


async def test_another_original_is_noticed() -> None:
    done = await fitted(saved(noise(), "PNG"), rule(max_side=100))
    other = (await inspect(Image(saved(noise().rotate(180), "PNG"))))[1]
    assert (await redo(other, done.edit)).digest != done.facts.digest


async def test_an_original_that_is_no_picture_any_more_is_an_error() -> None:
    done = await fitted(saved(noise(), "PNG"), rule(max_side=100))
    text = (await inspect(File(b"We ship today")))[1]
    with pytest.raises(MediaError, match="Pillow cannot read"):
        await redo(text, done.edit)


# --- always ------------------------------------------------------------------------------------------
LIMITS = st.builds(
    rule,
    max_bytes=st.integers(500, 60_000),
    types=st.sets(st.sampled_from([JPEG, PNG, WEBP]), min_size=1).map(frozenset),
    max_side=st.none() | st.integers(1, 300),
    max_pixels=st.none() | st.integers(1, 60_000),
)


@settings(max_examples=40)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]),
    st.sampled_from(["L", "RGB", "RGBA"]),
    st.tuples(st.integers(1, 250), st.integers(1, 250)),
    LIMITS,
)
def test_the_result_keeps_every_limit(name: str, mode: str, size: tuple[int, int], limits: ImageRule) -> None:
    image = noise(*size).convert("RGB" if mode == "RGBA" and name in ("JPEG", "BMP") else mode)

    async def run() -> tuple[Any, LocalBlob]:
        facts, blob = await inspect(Image(saved(image, name)))
        done = await fit(facts, blob, limits)
        return (done, done.blob) if isinstance(done, Fitted) else (done, blob)

    done, blob = asyncio.run(run())
    if isinstance(done, CannotFit):
        return
    result = Pillow.open(io.BytesIO(asyncio.run(blob.read())))
    assert blob.size <= limits.max_bytes
    assert blob.mime in limits.types
    assert limits.max_side is None or max(result.size) <= limits.max_side
    assert limits.max_pixels is None or result.width * result.height <= limits.max_pixels


@settings(max_examples=60)
@given(
    st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"]),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=20),
    st.integers(0, 100),
)
def test_damaged_pictures_are_refused_or_fitted_never_a_crash(
    name: str, flips: list[tuple[int, int]], cut: int
) -> None:
    broken = bytearray(saved(noise(50, 40), name))
    for at, value in flips:
        broken[at % len(broken)] = value

    async def run() -> None:
        facts, blob = await inspect(File(bytes(broken[: len(broken) - cut])))
        picture = Facts("image", facts.mime, facts.size, facts.digest)
        await fit(picture, blob, rule(max_side=20, types=frozenset({JPEG})))

    asyncio.run(run())
