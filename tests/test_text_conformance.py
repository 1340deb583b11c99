"""Text rules against the references: twitter-text 3.1.0, the detector of @atproto/api, Unicode's break tests.

The vectors were made by asking the packages themselves (``conformance/texts.py``). Where they are installed,
``conformance/test_text_oracles.py`` asks them again about other texts.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import regex

from conformance.texts import VECTORS, some_texts
from socialkit.text import Dialect, Entity, Unit, find_entities, length, split

UNITS: tuple[Unit, ...] = get_args(Unit)
ROOT = Path(__file__).parents[1]
BREAK_TESTS = Path(
    os.environ.get("SOCIALKIT_BREAKTESTS", ROOT / ".ci" / "cache" / "GraphemeBreakTest-18.0.0.txt")
)
ROWS = json.loads(VECTORS.read_text(encoding="utf-8"))
# Each is one emoji of Emoji 12 to 17, so X counts 2; twitter-text, frozen in 2020, counts the members.
# fmt: off
NEWER_EMOJI = (
    "🧑‍🚀", "🧑🏽‍🚀", "👩‍🦽", "👨🏾‍🦯‍➡️", "🧑‍🤝‍🧑", "👩🏻‍🤝‍👨🏿", "👩🏽‍❤️‍💋‍👨🏻", "🧑🏻‍❤️‍🧑🏿",
    "🐕‍🦺", "🐈‍⬛", "🐻‍❄️", "🏳️‍⚧️", "❤️‍🔥", "😶‍🌫️", "🫱🏻‍🫲🏿", "🐦‍⬛",
    "🐦‍🔥", "🙂‍↔️", "⛓️‍💥", "🧑‍🧑‍🧒‍🧒", "🏃🏽‍♀️‍➡️", "🤏🏿", "🥷🏻", "🫶🏾",
    "🇨🇶", "🧔🏿‍♂️", "🤵🏻‍♀️", "🧑🏼‍🎄", "🧑‍🩰",
)
# fmt: on


def found(text: str, dialect: Dialect) -> list[list[object]]:
    return [[one.kind, one.start, one.end, one.value] for one in find_entities(text, dialect)]


def test_vectors_cover_every_kind_of_entity_many_times() -> None:
    kinds = [entity[0] for row in ROWS for entity in row[2]]
    assert {kind: kinds.count(kind) > 50 for kind in set(kinds)} == dict.fromkeys(
        ("url", "mention", "hashtag", "cashtag"), True
    )


def test_x_length_agrees_with_twitter_text() -> None:
    wrong = [(text, length(text, "x"), wanted) for text, wanted, *_ in ROWS if length(text, "x") != wanted]
    assert wrong == []


def test_x_entities_agree_with_twitter_text() -> None:
    wrong = [(text, found(text, "x"), wanted) for text, _, wanted, _ in ROWS if found(text, "x") != wanted]
    assert wrong == []


def test_bluesky_entities_agree_with_the_reference_detector() -> None:
    wrong = [
        (text, found(text, "bluesky"), wanted)
        for text, _, _, wanted in ROWS
        if found(text, "bluesky") != wanted
    ]
    assert wrong == []


@pytest.mark.parametrize("emoji", NEWER_EMOJI)
def test_x_counts_an_emoji_younger_than_twitter_text_as_one(emoji: str) -> None:
    assert length(emoji, "x") == 2


def break_tests() -> Iterator[list[str]]:
    """The grapheme clusters of each row: hex code points, ÷ where a cluster ends, × where none does."""
    for line in BREAK_TESTS.read_text(encoding="utf-8").splitlines():
        if row := line.partition("#")[0].replace("×", " ").strip():
            clusters = (cluster.split() for cluster in row.split("÷"))
            yield ["".join(chr(int(code, 16)) for code in cluster) for cluster in clusters if cluster]


def test_graphemes_pass_the_break_tests_of_unicode() -> None:
    if not BREAK_TESTS.exists():
        pytest.skip(f"no break tests of Unicode at {BREAK_TESTS}: run python bench/fetch_breaktests.py")
    rows = list(break_tests())
    assert len(rows) > 700
    assert [row for row in rows if length("".join(row), "graphemes") != len(row)] == []
    assert [row for row in rows if regex.findall(r"\X", "".join(row)) != row] == []


def test_ten_thousand_random_splits_lose_nothing() -> None:
    source = random.Random(8)
    texts = some_texts(seed=8, count=500)
    done = refused = 0
    while done < 10_000:
        text = source.choice((" ", "\n\n", "。")).join(source.choices(texts, k=5))
        unit, limit = source.choice(UNITS), source.randint(100, 200)
        try:
            parts = split(text, limit, unit)
        except ValueError:  # a URL of a whole line of these texts, longer than the limit
            refused += 1
            continue
        done += len(parts) > 1
        assert "".join(parts) == text
        assert max(length(part, unit) for part in parts) <= limit
    assert refused < done / 50


def test_entity_positions_are_code_points() -> None:
    assert find_entities("👩‍🚀 #go", "x") == [Entity("hashtag", 4, 7, "go")]
