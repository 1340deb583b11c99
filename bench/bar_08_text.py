"""Bar 8: texts counted, found and split as the references do.

The vectors are answers of twitter-text 3.1.0 (v3 configuration); with ``SOCIALKIT_ORACLES`` set to a folder that has
the package installed, it is asked about as many other texts as well. Grapheme rules come from Unicode's break tests.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import attrs
import regex

from socialkit.text import Unit, find_entities, length, split

from . import fetch_breaktests
from .table import Row

TESTS = Path(__file__).parents[1] / "tests"
SPLITS, SEED, LIVE = 10_000, 8, 1500
UNITS: tuple[Unit, ...] = get_args(Unit)


@attrs.frozen
class Score:
    """How many cases were right, ours and the peer's; ``wrong`` shows some of ours."""

    total: int
    ours: int
    peer: int
    wrong: tuple[str, ...] = ()


def _references() -> Any:
    """The texts made to disagree about, and the packages that answer for them."""
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))
    return importlib.import_module("conformance.texts")


def vectors() -> list[tuple[str, int, list[Any]]]:
    """(text, length on X, entities on X) of the recorded answers."""
    rows = json.loads((TESTS / "data" / "text_vectors.json").read_text(encoding="utf-8"))
    return [(text, size, entities) for text, size, entities, _ in rows]


def live_vectors(folder: str, count: int) -> list[tuple[str, int, list[Any]]]:
    """The reference's answers about other texts, asked now."""
    made = _references().some_texts(SEED, count)
    answers = _references().reference_answers(made, folder)
    return [(text, one["length"], one["x"]) for text, one in zip(made, answers, strict=True)]


def score_x(cases: Sequence[tuple[str, int, list[Any]]]) -> Score:
    """Lengths and entities against twitter-text; the peer is ``len``, lengths only."""
    wrong = [text for text, size, entities in cases if length(text, "x") != size or _found(text) != entities]
    naive = sum(len(text) == size for text, size, _ in cases)
    return Score(len(cases), len(cases) - len(wrong), naive, tuple(map(repr, wrong[:3])))


def _found(text: str) -> list[list[Any]]:
    return [[one.kind, one.start, one.end, one.value] for one in find_entities(text, "x")]


def break_tests(lines: Sequence[str]) -> list[list[str]]:
    """The grapheme clusters of each row: hex code points, ÷ where a cluster ends, × where none does."""
    rows = [line.partition("#")[0].replace("×", " ").strip() for line in lines]
    pieces = [[cluster.split() for cluster in row.split("÷")] for row in rows if row]
    return [["".join(chr(int(c, 16)) for c in cluster) for cluster in row if cluster] for row in pieces]


def score_breaks(rows: Sequence[Sequence[str]]) -> Score:
    """Grapheme clusters against Unicode; the peer is ``len``."""
    wrong = [row for row in rows if length("".join(row), "graphemes") != len(row)]
    naive = sum(len("".join(row)) == len(row) for row in rows)
    return Score(len(rows), len(rows) - len(wrong), naive, tuple(map(repr, wrong[:3])))


def score_splits(count: int) -> Score:
    """Texts split at random: nothing lost, no part too long. The peer is ``textwrap.wrap``."""
    import textwrap

    source = random.Random(SEED)
    texts = _references().some_texts(seed=SEED, count=500)
    done = good = naive = 0
    while done < count:
        text = source.choice((" ", "\n\n", "。")).join(source.choices(texts, k=5))
        unit, limit = source.choice(UNITS), source.randint(100, 200)
        try:
            parts = split(text, limit, unit)
        except ValueError:  # a URL longer than the limit: said, not cut
            continue
        if len(parts) > 1:
            done += 1
            good += "".join(parts) == text and max(length(part, unit) for part in parts) <= limit
            naive += (
                "".join(textwrap.wrap(text, limit, replace_whitespace=False, drop_whitespace=False)) == text
            )
    return Score(done, good, naive)


def judge(name: str, score: Score, peer: str) -> Row:
    """All of them."""
    share = f"{score.ours} of {score.total}"
    told = f"{score.peer} of {score.total} ({peer})"
    return Row(f"8 {name}", "all", share, told, score.ours == score.total > 0, score.wrong)


def run() -> list[Row]:
    rows = [judge("twitter-text v3, recorded", score_x(vectors()), "len(), lengths alone")]
    folder = os.environ.get("SOCIALKIT_ORACLES", "")
    if (Path(folder) / "node_modules" / "twitter-text").exists():
        rows.append(
            judge("twitter-text v3, live", score_x(live_vectors(folder, LIVE)), "len(), lengths alone")
        )
    rows.append(_breaks())
    rows.append(judge("random splits", score_splits(SPLITS), "textwrap.wrap"))
    return rows


def _breaks() -> Row:
    name = f"Unicode {fetch_breaktests.UNICODE} break tests, regex {regex.__version__}"
    try:
        lines = fetch_breaktests.fetch().read_text(encoding="utf-8").splitlines()
    except (OSError, subprocess.SubprocessError) as error:
        return Row(f"8 {name}", "all", f"not fetched: {type(error).__name__}", ok=False)
    return judge(name, score_breaks(break_tests(lines)), "len()")
