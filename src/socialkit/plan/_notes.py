"""What a plan finds wrong, and what it changes, each with its place."""

from __future__ import annotations

from typing import Any

import attrs

from ..model import Change, Problem


def spoken(seconds: float) -> str:
    """A length of time as a person says it, when it is a whole number of something.

    >>> spoken(100), spoken(300), spoken(86_400), spoken(2_629_746)
    ('100 s', '5 min', '1 day', '1 month')
    """
    for size, unit in ((2_629_746, "month"), (86_400, "day"), (3_600, "h"), (60, "min")):
        count, rest = divmod(seconds, size)
        if count and not rest:
            return f"{count:,.0f} {unit}{'s' if unit in ('day', 'month') and count > 1 else ''}"
    days, rest = divmod(seconds, 86_400)
    if days:
        return f"{days:,.0f} day{'s' * (days > 1)} and {rest:,g} s"
    return f"{seconds:,g} s"


@attrs.define
class Notes:
    """Collects what is wrong and what is changed for one account."""

    account: str
    title: str = "this platform"
    problems: list[Problem] = attrs.field(factory=list)
    changes: list[Change] = attrs.field(factory=list)

    @staticmethod
    def place(index: int, field: str) -> str:
        return f"thread[{index - 1}].{field}" if index else field

    def problem(self, field: str, code: str, message: str, **more: Any) -> Problem:
        problem = Problem(self.account, field, code, message, **more)
        if problem not in self.problems:
            self.problems.append(problem)
        return problem

    def lacks(self, field: str, words: str, hint: str | None = None, **more: Any) -> None:
        """The Problem of something the platform does not have, in the same words everywhere."""
        self.problem(field, "unsupported", f"{words} on {self.title}", hint=hint, **more)

    def change(self, field: str, code: str, message: str, **more: Any) -> None:
        change = Change(self.account, field, code, message, **more)
        if change not in self.changes:
            self.changes.append(change)
