"""Texts nobody has seen yet, put to the reference packages and to us.

``SOCIALKIT_ORACLES`` names a folder whose ``node_modules`` holds twitter-text 3.1.0 and @atproto/api.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.texts import reference_answers, some_texts
from socialkit.text import Dialect, find_entities, length

FOLDER = os.environ.get("SOCIALKIT_ORACLES", "")
COUNT = 3000


@pytest.fixture(scope="module", params=[1, 2, 3])
def asked(request: pytest.FixtureRequest) -> list[tuple[str, dict[str, Any]]]:
    if not (Path(FOLDER) / "node_modules" / "twitter-text").exists() or not shutil.which("node"):
        pytest.skip("SOCIALKIT_ORACLES names no folder with node_modules/twitter-text, or there is no node")
    texts = some_texts(request.param, COUNT)
    return list(zip(texts, reference_answers(texts, FOLDER), strict=True))


def test_x_length(asked: list[tuple[str, dict[str, Any]]]) -> None:
    ours = [(text, length(text, "x")) for text, _ in asked]
    assert [one for one, (_, answer) in zip(ours, asked, strict=True) if one[1] != answer["length"]] == []


@pytest.mark.parametrize("dialect", ["x", "bluesky"])
def test_entities(asked: list[tuple[str, dict[str, Any]]], dialect: Dialect) -> None:
    for text, answer in asked:
        ours = [[one.kind, one.start, one.end, one.value] for one in find_entities(text, dialect)]
        assert ours == answer[dialect], text
