"""The media of a plan against the rules: types, sizes, shapes, codecs, documents, and media that platforms fetch."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

import media_files as made
from socialkit import File, Image, Post, Video
from socialkit._shelf import Shelf
from socialkit.adapters.base import PartMedia
from socialkit.model import Medium
from socialkit.plan._media import MediaPlanner
from socialkit.plan._notes import Notes
from socialkit.rules import FileRule, ImageRule, Rules, TextRule, VideoRule

PNG = frozenset({"image/png"})
MP4 = frozenset({"video/mp4"})
PDF = b"%PDF-1.7\n" + bytes(100)


def planned(
    *media: Medium, hosted: bool = False, **rules: Any
) -> tuple[tuple[PartMedia, ...], list[tuple[str, str]]]:
    """The items of a post with these media, and (place, code) of what is wrong with them."""
    notes = Notes("brand")
    planner = MediaPlanner(notes, Rules(text=TextRule(500, "graphemes"), **rules), Shelf(None), hosted=hosted)
    items = asyncio.run(planner.media(Post("x", media=media), 0))
    return items, [(one.field, one.code) for one in notes.problems if one.severity == "error"]


def wrong(*media: Medium, **rules: Any) -> list[tuple[str, str]]:
    return planned(*media, **rules)[1]


def picture(width: int, height: int) -> Image:
    return Image(made.png(width, height), alt="A boat")


def film(**movie: Any) -> Video:
    return Video(made.mp4(**movie), alt="A boat")


# --- shapes -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "codes"),
    [
        ((80, 100), []),
        ((191, 100), []),
        ((79, 100), ["range"]),
        ((192, 100), ["range"]),
        ((40, 40), ["range"]),
    ],
)
def test_a_picture_has_the_platforms_shape(size: tuple[int, int], codes: list[str]) -> None:
    rule = ImageRule(4, 10**6, PNG, min_ratio=0.8, max_ratio=1.91, min_side=50)
    assert wrong(picture(*size), images=rule) == [("media[0]", code) for code in codes]


def test_a_range_without_an_upper_end_says_the_least() -> None:
    notes = Notes("brand")
    rules = Rules(text=TextRule(500, "utf8"), images=ImageRule(4, 10**6, PNG, min_side=50))
    asyncio.run(MediaPlanner(notes, rules, Shelf(None)).media(Post("x", media=[picture(40, 90)]), 0))
    (problem,) = notes.problems
    assert problem.message == "40 pixels on the shorter side; at least 50 are asked for on this platform"
    assert (problem.limit, problem.actual) == (50, 40)
    assert problem.hint == "scale it"


def test_large_numbers_are_written_out() -> None:
    notes = Notes("brand")
    rules = Rules(
        text=TextRule(500, "utf8"), video=VideoRule(1, 10**9, frozenset({"video/mp4"}), max_pixels=2_073_600)
    )
    planner = MediaPlanner(notes, rules, Shelf(None))
    item = PartMedia("video", "video/mp4", 1000, "d", "s", width=7680, height=4320, alt="a")
    planner._check_video(item, rules.video, "media[0]")  # type: ignore[arg-type]
    assert notes.problems[0].message == "33,177,600 pixels; at most 2,073,600 are allowed on this platform"


@pytest.mark.parametrize(
    ("rule", "movie", "code"),
    [
        ({"max_side": 1920, "min_side": 1080}, {}, None),
        ({"max_side": 1919}, {}, "range"),
        ({"min_side": 1081}, {}, "range"),
        ({"max_pixels": 1000}, {}, "range"),
        ({"min_ratio": 2.0}, {}, "range"),
        ({"min_fps": 23.0, "max_fps": 60.0}, {"frames": 375}, None),
        ({"min_fps": 23.0, "max_fps": 60.0}, {"frames": 100}, "range"),
        ({"max_fps": 29.0}, {"frames": 375}, "range"),
        ({"min_fps": 23.0}, {}, None),  # not told
        ({"codecs": frozenset({"h264", "aac"})}, {}, None),
        ({"codecs": frozenset({"hevc", "aac"})}, {}, "codec"),
        ({"min_bytes": 10**6}, {}, "too_small"),
        ({"max_seconds": 12.0}, {}, "range"),
    ],
)
def test_a_video_is_what_the_platform_takes(rule: Any, movie: Any, code: str | None) -> None:
    found = wrong(film(**movie), video=VideoRule(1, 10**7, MP4, **rule))
    assert found == ([("media[0]", code)] if code else [])


# --- documents ----------------------------------------------------------------------------------------------
DOCUMENTS = FileRule(1, 10**6, frozenset({"application/pdf"}))


@pytest.mark.parametrize(
    ("media", "rules", "found"),
    [
        ([File(PDF, name="a.pdf")], {"files": DOCUMENTS}, []),
        ([File(PDF, name="a.pdf")], {}, [("media[0]", "unsupported")]),
        ([File(b"hello", name="a.txt")], {"files": DOCUMENTS}, [("media[0]", "type")]),
        ([File(PDF + bytes(10**6), name="a.pdf")], {"files": DOCUMENTS}, [("media[0]", "too_large")]),
        ([File(PDF, name="a.pdf"), File(PDF, name="b.pdf")], {"files": DOCUMENTS}, [("media", "count")]),
        (
            [File(PDF, name="a.pdf"), Image(made.png(9, 9), alt="x")],
            {"files": DOCUMENTS, "images": ImageRule(4, 10**6, PNG)},
            [("media", "mixed")],
        ),
    ],
)
def test_documents_are_counted_weighed_and_alone(media: Any, rules: Any, found: Any) -> None:
    assert wrong(*media, **rules) == found


# --- media that platforms fetch -------------------------------------------------------------------------------
FETCHED = ImageRule(4, 10**6, PNG, min_side=50, by_url=True)


def test_a_public_address_is_handed_on_without_a_look() -> None:
    (item,), found = planned(Image.from_url("https://example.com/a.png", alt="A boat"), images=FETCHED)
    assert (item.source, item.mime, item.size, found) == ("url:https://example.com/a.png", "image/png", 0, [])


@pytest.mark.parametrize(("takes", "told"), [(False, ["media[0].focus"]), (True, [])])
def test_the_focus_of_a_picture_by_address_is_not_dropped_silently(takes: bool, told: list[str]) -> None:
    notes = Notes("brand")
    rules = Rules(text=TextRule(500, "utf8"), images=attrs.evolve(FETCHED, focus=takes))
    boat = Image.from_url("https://example.com/a.png", alt="A boat", focus=(0.5, 0.5))
    asyncio.run(MediaPlanner(notes, rules, Shelf(None)).media(Post("x", media=[boat]), 0))
    assert [one.field for one in notes.changes] == told


@pytest.mark.parametrize("kind", [Image, Video])
def test_a_local_file_needs_a_media_host(kind: type[Medium]) -> None:
    rules = {"images": FETCHED, "video": VideoRule(1, 10**7, MP4, by_url=True)}
    notes = Notes("brand")
    planner = MediaPlanner(notes, Rules(text=TextRule(9, "utf8"), **rules), Shelf(None))
    assert asyncio.run(planner.media(Post("x", media=[kind(b"bytes", alt="x")]), 0)) == ()
    (problem,) = notes.problems
    assert problem.code == "by_url"
    assert f"{kind.__name__}.from_url(...)" in (problem.hint or "")
    assert "media_host=" in (problem.hint or "")


def test_with_a_media_host_a_local_file_is_looked_at_as_ever() -> None:
    assert wrong(picture(40, 40), hosted=True, images=FETCHED) == [("media[0]", "range")]
    (item,), found = planned(picture(60, 60), hosted=True, images=FETCHED)
    assert (item.width, item.source, found) == (60, "bytes", [])


def test_an_address_that_stays_in_the_post_is_never_on_a_media_host() -> None:
    rule = ImageRule(4, 0, frozenset(), by_url=True, permanent=True)
    assert wrong(picture(60, 60), images=rule) == [("media[0]", "by_url")]
    assert planned(picture(60, 60), hosted=True, images=rule)[1] == [("media[0]", "by_url")]


def test_a_video_may_be_fetched_where_pictures_are_not() -> None:
    rules = {"images": ImageRule(4, 10**6, PNG), "video": VideoRule(1, 10**7, MP4, by_url=True)}
    (item,), found = planned(Video.from_url("https://example.com/a.mp4", alt="x"), **rules)
    assert (item.kind, item.mime, found) == ("video", "video/mp4", [])


# --- thumbnails ---------------------------------------------------------------------------------------------
def changed(*media: Medium, **rules: Any) -> list[tuple[str, str]]:
    notes = Notes("brand")
    planner = MediaPlanner(notes, Rules(text=TextRule(500, "graphemes"), **rules), Shelf(None))
    asyncio.run(planner.media(Post("x", media=media), 0))
    return [(one.field, one.code) for one in notes.changes]


def test_only_a_video_has_a_thumbnail() -> None:
    cover, told = picture(32, 18), [("media[0].thumbnail", "not_carried")]
    still = attrs.evolve(picture(64, 36), thumbnail=cover)
    assert changed(still, images=ImageRule(4, 10**6, PNG)) == told
    linked = Image.from_url("https://example.com/a.png", thumbnail=cover)
    assert changed(linked, images=ImageRule(4, 10**6, PNG, by_url=True)) == told
    paper = File(PDF, name="a.pdf", thumbnail=cover)
    assert changed(paper, files=FileRule(1, 10**6, frozenset({"application/pdf"}))) == told


def test_a_thumbnail_is_sent_without_words_and_focus() -> None:
    rule = VideoRule(1, 10**8, MP4, thumbnail=True)
    plain = Image(made.png(32, 18))
    told = attrs.evolve(plain, alt="The boat at sea", focus=(0.5, 0.5))
    assert changed(attrs.evolve(film(), thumbnail=plain), video=rule) == []
    assert changed(attrs.evolve(film(), thumbnail=told), video=rule) == [
        ("media[0].thumbnail.alt", "not_carried"),
        ("media[0].thumbnail.focus", "not_carried"),
    ]
