"""Time as a parameter: the clock the machinery reads, so that tests move it and none sleeps."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the machinery reads time and waits. Times are aware UTC, durations seconds."""

    def now(self) -> datetime:
        """The wall clock, aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of this clock."""
        ...


class SystemClock:
    """The real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def to_text(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and ``Z``: sorts as text, reads back with :func:`from_text`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds')[:26]}Z"


def to_second(moment: datetime) -> str:
    """The moment as a sentence tells it, in UTC, no earlier than it is.

    >>> to_second(datetime(2026, 11, 2, 9, 0, 2, 54673, tzinfo=UTC))
    '2026-11-02 09:00:03Z'
    """
    whole = (moment + timedelta(microseconds=999_999)).astimezone(UTC)
    return f"{whole:%Y-%m-%d %H:%M:%S}Z"


def from_text(text: str) -> datetime:
    """The aware UTC moment an ISO 8601 text names; a text without an offset is refused."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it with an offset or Z")
    return moment.astimezone(UTC)


def seconds_between(earlier: datetime, later: datetime) -> float:
    """How many seconds after ``earlier`` is ``later``; negative when it is before."""
    return (later - earlier) / timedelta(seconds=1)
