"""What a plan says: the same thing in the same words for every platform, with the platform, the limit and the fix."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from socialkit import (
    Captions,
    File,
    Identity,
    Image,
    Link,
    Plan,
    Poll,
    Post,
    Receipt,
    Video,
    registry,
)
from socialkit.plan._notes import spoken
from socialkit.sandbox import Sandbox, sample_photo, sample_video

PLATFORMS = tuple(registry.platforms())
TITLES = {name: registry.adapter(name).title for name in PLATFORMS}
PHOTO, MOVIE = sample_photo(), sample_video()
SUBTITLES = Captions(b"WEBVTT\n\n00:00.000 --> 00:01.000\nAhoy\n", "en-US")
ELSEWHERE = Receipt(
    Identity("forge", "https://forge.example.com", "1"), "9", None, datetime(2026, 1, 1, tzinfo=UTC)
)
POSTS = {
    "words alone": Post("We ship", title="The boat", visibility="unlisted", language="en", sensitive=True),
    "too long": Post("ahoy " * 20_000, title="t" * 500),
    "a poll": Post("Which?", title="The boat", poll=Poll([*"abcdefg"], seconds=100, multiple=True)),
    "a thread": Post("One", title="The boat", thread=[Post("Two")]),
    "a warning": Post("We ship", title="The boat", content_warning="boats"),
    "a card": Post("We ship", title="The boat", link=Link("https://example.com/", title="Boats")),
    "40 pictures": Post(
        "We ship", title="The boat", media=[Image(PHOTO, alt="a" * 20_000, focus=(0, 0))] * 40
    ),
    "a video": Post(
        "We ship", title="The boat", media=[Video(MOVIE, captions=[SUBTITLES], thumbnail=Image(PHOTO))]
    ),
    "both": Post("We ship", title="The boat", media=[Image(PHOTO, alt="a"), Video(MOVIE, alt="b")]),
    "a document": Post("We ship", title="The boat", media=[File(b"%PDF-1.4\n%%EOF\n")]),
    "an answer elsewhere": Post("We ship", title="The boat", reply_to=ELSEWHERE),
}


@pytest.fixture(scope="module")
def plans() -> dict[str, Plan]:
    with Sandbox(PLATFORMS) as box, box.client(store=":memory:") as client:
        return {name: client.plan(post, PLATFORMS) for name, post in POSTS.items()}


def test_every_error_says_what_to_do(plans: dict[str, Plan]) -> None:
    without = {
        (problem.field, problem.message)
        for plan in plans.values()
        for problem in plan.problems
        if problem.severity == "error" and not problem.hint and problem.code in GENERAL
    }
    assert not without


GENERAL = {"required", "unsupported", "too_long", "count", "by_url", "wrong_platform"}
"""What the planner finds on every platform."""


def test_nobody_reads_the_names_of_units_or_a_none(plans: dict[str, Plan]) -> None:
    told = [str(one) for plan in plans.values() for one in (*plan.problems, *plan.changes)]
    assert not [one for one in told if re.search(r"\b(utf16|utf8|codepoints|graphemes|None)\b(?!\))", one)]
    assert not [one for one in told if re.search(r"\bof at most \d{4,}", one)]
    assert not [one for one in told if re.search(r"(?<![\d,])1 \w+s\b(?<!1 s)", one)]


@pytest.mark.parametrize("code", ["required", "too_long", "unsupported", "wrong_platform", "count"])
def test_the_same_fault_has_the_same_words_everywhere(plans: dict[str, Plan], code: str) -> None:
    """For one post and one field: numbers, names and what a platform adds apart, one sentence for all."""
    for what, plan in plans.items():
        said: dict[str, set[str]] = {}
        for target in plan.targets:
            for problem in target.problems:
                if problem.code == code and problem.field in SHARED.get(code, ()):
                    words = problem.message.replace(TITLES[target.platform], "…")
                    said.setdefault(problem.field, set()).add(re.sub(r"[\d,]+ (of at most).*", r"\1", words))
        assert not {field: words for field, words in said.items() if len(words) > 1}, what


SHARED = {
    "required": ("media", "title"),
    "too_long": ("text", "title"),
    "unsupported": (
        "poll",
        "thread",
        "visibility",
        "reply_to",
        "quote",
        "media[0].captions",
        "poll.multiple",
    ),
    "wrong_platform": ("reply_to",),
    "count": (),
}


def test_a_title_that_is_lost_is_not_shown_and_everything_else_is_not_sent(plans: dict[str, Plan]) -> None:
    lost = [one for plan in plans.values() for one in plan.changes if one.code == "not_carried"]
    assert {one.message.partition(":")[0] for one in lost if one.field == "title"} == {"is not shown"}
    others = {
        one.message.partition(":")[0]
        for one in lost
        if one.field in ("language", "sensitive", "media[0].focus")
    }
    assert others == {"is not sent"}


def test_an_answer_to_another_platforms_post_is_one_problem(plans: dict[str, Plan]) -> None:
    """Where nothing can be answered, nobody is told to give another receipt."""
    for target in plans["an answer elsewhere"].targets:
        found = [one.code for one in target.problems if one.field == "reply_to"]
        carried = "reply_to" in registry.adapter(target.platform).rules.carries
        assert found == (["wrong_platform"] if carried else ["unsupported"]), target.platform


def test_a_document_nobody_takes_is_one_problem(plans: dict[str, Plan]) -> None:
    by_name = {target.platform: target for target in plans["a document"].targets}
    for name in ("pinterest", "x", "facebook"):
        found = [one.message for one in by_name[name].problems if one.field == "media[0]"]
        assert found == [f"application/pdf files are not taken on {TITLES[name]}"]


def test_a_link_that_is_no_post_is_named_once() -> None:
    with Sandbox(["bluesky", "mastodon"]) as box, box.client(store=":memory:") as client:
        plan = client.plan(Post("Ahoy", reply_to="https://example.com/x"), ["bluesky", "mastodon"])
    for problem in plan.problems:
        assert problem.message.count("https://example.com/x") == 1
        assert problem.hint


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "59 s"), (7200, "2 h"), (86_400 * 14, "14 days"), (90_001, "1 day and 3,601 s"), (0.5, "0.5 s")],
)
def test_lengths_of_time_are_spoken(seconds: float, words: str) -> None:
    assert spoken(seconds) == words
