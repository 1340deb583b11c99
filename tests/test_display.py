"""Progress in a terminal is redrawn in place; elsewhere it is plain lines."""

from __future__ import annotations

import io

import pytest

from socialkit import Progress
from socialkit._render import width_of
from socialkit.cli.display import Display, describe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_each_step_is_a_line_and_bytes_only_their_last():
    out = io.StringIO()
    with Display(out) as display:
        for sent in (10, 20, 30):
            display(Progress("sky", "uploading", sent=sent, total=30))
        display(Progress("sky", "done", detail="published"))
    assert out.getvalue().splitlines() == [
        "· sky  uploading ████████████████████████ 100 % 30 bytes",
        "✓ sky  published",
    ]


def test_in_a_terminal_each_account_keeps_its_line(monkeypatch):
    out = Terminal()
    with Display(out) as display:
        display(Progress("sky", "sending"))
        display(Progress("toots", "sending"))
        display(Progress("sky", "done", detail="unknown"))
    last = out.getvalue().split("\x1b[2A")[-1]
    assert last.replace("\x1b[2K", "").splitlines() == ["? sky  unknown", "· toots  sending"]


@pytest.mark.parametrize("columns", [20, 40])
def test_a_line_never_wraps_in_a_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = Terminal()
    with Display(out) as display:
        display(Progress("an-account-with-a-long-name", "uploading", sent=1, total=2_000_000))
    lines = out.getvalue().replace("\x1b[2K", "").splitlines()
    assert [width_of(line) < columns for line in lines] == [True]


def test_the_same_state_is_drawn_once():
    out = io.StringIO()
    with Display(out) as display:
        display(Progress("sky", "sending"))
        display(Progress("sky", "sending"))
    assert out.getvalue().count("sending") == 1


def test_later_parts_and_details_are_named():
    assert describe(Progress("sky", "sending", part=1)) == "· sky  sending part 2"
    assert (
        describe(Progress("sky", "waiting", detail="12 s for a limit")) == "· sky  waiting 12 s for a limit"
    )
