"""Faults as data: which requests they hit and how often."""

from __future__ import annotations

import pytest

from socialkit.errors import ConfigError
from socialkit.sandbox import KINDS
from socialkit.sandbox.faults import Faults, matches


def test_a_fault_hits_as_often_as_planned():
    faults = Faults()
    faults.plan("dropped-after", match="POST /notes", times=2)
    hits = [len(faults.take("toy", "POST", "/notes")) for _ in range(3)]
    assert hits == [1, 1, 0]
    assert faults.pending() == []


def test_without_a_match_it_waits_for_the_publishing_request():
    faults = Faults()
    faults.plan("dropped-after")
    assert faults.take("toy", "GET", "/notes", publish="POST /notes") == []
    assert faults.take("toy", "POST", "/files", publish="POST /notes") == []
    assert len(faults.take("toy", "POST", "/notes", publish="POST /notes")) == 1


def test_media_kinds_wait_for_the_upload():
    faults = Faults()
    faults.plan("still-processing", seconds=5)
    assert faults.take("toy", "POST", "/notes", publish="POST /notes", upload="POST /files") == []
    (hit,) = faults.take("toy", "POST", "/files", publish="POST /notes", upload="POST /files")
    assert hit.seconds == 5


def test_a_step_hits_whatever_publishes():
    faults = Faults()
    faults.plan("429", step="commit")
    assert faults.take("toy", "POST", "/upload", step="prepare") == []
    assert faults.take("toy", "POST", "/posts") == []
    assert [hit.kind for hit in faults.take("toy", "PUT", "/last-piece", step="commit")] == ["429"]


def test_a_platform_narrows_it():
    faults = Faults()
    faults.plan("slow", platform="x")
    assert faults.take("mastodon", "POST", "/api/v1/statuses") == []
    assert len(faults.take("x", "POST", "/2/tweets")) == 1


@pytest.mark.parametrize(
    ("pattern", "method", "path", "expected"),
    [
        ("POST /notes", "POST", "/notes", True),
        ("POST /notes", "POST", "/notes/1/like", False),
        ("POST /notes", "GET", "/notes", False),
        ("* /notes/[0-9]+", "DELETE", "/notes/12", True),
        ("POST|PUT /notes", "PUT", "/notes", True),
        ("POST|PUT /notes", "GET", "/notes", False),
        ("POST *", "POST", "/anything", True),
        ("GET", "GET", "/anything", True),
    ],
)
def test_matches_covers_the_whole_path(pattern, method, path, expected):
    assert matches(pattern, method, path) is expected


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(ConfigError, match="stored-then-500"):
        Faults().plan("explodes")


def test_every_kind_is_explained():
    assert all(KINDS.values())
