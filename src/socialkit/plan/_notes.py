"""What a plan finds wrong, and what it changes, each with its place."""

from __future__ import annotations

from typing import Any

import attrs

from ..model import Change, Problem


@attrs.define
class Notes:
    """Collects what is wrong and what is changed for one account."""

    account: str
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

    def change(self, field: str, code: str, message: str, **more: Any) -> None:
        change = Change(self.account, field, code, message, **more)
        if change not in self.changes:
            self.changes.append(change)
