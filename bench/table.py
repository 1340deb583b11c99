"""Rows of the bench's table, and how they are printed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import attrs

WIDTHS = (24, 17, 26, 29, 6)
HEAD = ("bar", "target", "ours", "peer, same run", "")


@attrs.frozen
class Row:
    """One line: what was measured, and whether it is good enough (``ok`` None: printed, not judged)."""

    name: str
    target: str
    ours: str
    peer: str = "-"
    ok: bool | None = None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "MISSED", None: ""}[self.ok]

    def to_dict(self) -> dict[str, Any]:
        return attrs.asdict(self)


def from_dict(data: dict[str, Any]) -> Row:
    return Row(**{**data, "notes": tuple(data["notes"])})


def lines(rows: Sequence[Row]) -> list[str]:
    """The table, at most 110 columns wide; long cells go on in the next line."""
    rule = "  ".join("-" * width for width in WIDTHS)
    made = [*_cells(HEAD), rule]
    for row in rows:
        made += _cells((row.name, row.target, row.ours, row.peer, row.verdict))
        made += [f"    {line}" for note in row.notes for line in textwrap.wrap(note, 106)]
    return made


def _cells(cells: Sequence[str]) -> list[str]:
    wrapped = [
        textwrap.wrap(cell, width, break_long_words=False) or [""]
        for cell, width in zip(cells, WIDTHS, strict=True)
    ]
    height = max(len(cell) for cell in wrapped)
    padded = [cell + [""] * (height - len(cell)) for cell in wrapped]
    return [
        "  ".join(f"{cell[n]:{width}}" for cell, width in zip(padded, WIDTHS, strict=True)).rstrip()
        for n in range(height)
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
