"""What a validator raises: every problem of one request or answer at once."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from .waivers import WAIVERS


class SpecViolation(AssertionError):
    """A request or an answer that the platform's own description does not allow.

    `problems` holds every finding, one sentence each.
    """

    def __init__(self, what: str, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n  ".join([f"{what} breaks the description:", *problems]))


def raise_for(platform: str, what: str, url: str, problems: Iterable[str]) -> None:
    """Raise `SpecViolation` for the problems no waiver covers; return when there are none."""
    path = urlsplit(url).path
    waivers = [waiver for waiver in WAIVERS if waiver.platform == platform and waiver.covers_path(path)]
    kept = [
        problem
        for problem in dict.fromkeys(problems)
        if not any(waiver.covers_problem(problem) for waiver in waivers)
    ]
    if kept:
        raise SpecViolation(what, kept)
