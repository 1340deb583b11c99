"""Calendar days in a time zone, on machines with a time-zone database and without one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

PACIFIC = "America/Los_Angeles"
_ONE = timedelta(days=1)
_last: dict[str, tuple[float, float]] = {}
"""The day that was asked for last, by zone."""


@lru_cache(maxsize=64)
def day_of(zone: str, day: date) -> tuple[float, float]:
    """When a date begins and ends in a zone, in epoch seconds: 23 to 25 hours apart.

    >>> day_of("America/Los_Angeles", date(2026, 11, 1))
    (1793516400.0, 1793606400.0)
    """
    return _begins(zone, day), _begins(zone, day + _ONE)


def day_at(zone: str, moment: float) -> tuple[float, float]:
    """When the day that holds a moment begins and ends in a zone, all in epoch seconds."""
    last = _last.get(zone, (0.0, 0.0))
    if not last[0] <= moment < last[1]:
        last = _last[zone] = _find_day(zone, moment)
    return last


def _find_day(zone: str, moment: float) -> tuple[float, float]:
    day = datetime.fromtimestamp(moment, UTC).date()
    for near in (day, day - _ONE, day + _ONE):  # no zone is a whole day away from UTC
        begins, ends = day_of(zone, near)
        if begins <= moment < ends:
            return begins, ends
    raise AssertionError(f"no day in {zone} holds {moment}")


def is_zone(name: str) -> bool:
    """Whether this machine knows the days of a zone: UTC and California's always, others by its database."""
    return name in ("UTC", PACIFIC) or _database(name) is not None


def _begins(zone: str, day: date) -> float:
    if zone == "UTC":
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
    known = _database(zone)
    if known is not None:
        return datetime(day.year, day.month, day.day, tzinfo=known).timestamp()
    if zone != PACIFIC:
        raise ValueError(f"this machine does not know the time zone {zone!r}")
    hours = 7 if _is_summer(day) else 8
    return datetime(day.year, day.month, day.day, hours, tzinfo=UTC).timestamp()


@lru_cache(maxsize=16)
def _database(zone: str) -> tzinfo | None:
    """The machine's own knowledge of a zone: Windows and slim images have none, unless tzdata is installed."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(zone)
    except (LookupError, ValueError, OSError):
        return None


def _is_summer(day: date) -> bool:
    """Whether a day begins in California's summer time: second Sunday of March, first of November, at two o'clock
    (15 U.S.C. 260a, since 2007)."""
    return _sunday(day.year, 3, 2) < day <= _sunday(day.year, 11, 1)


def _sunday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))
