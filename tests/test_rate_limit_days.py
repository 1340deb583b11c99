"""Budgets that are counted by calendar days: where days begin, who is let in when, clocks that disagree."""

from __future__ import annotations

import asyncio
import os
import random
import zoneinfo
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialkit import _days
from socialkit.adapters.base import Reading
from socialkit.errors import RateLimited
from socialkit.rate_limits import BudgetKeys, RateLimits
from socialkit.rate_limits._day_ledger import EARLY, LATE, SPREAD
from socialkit.rules import Budget, Midnight
from socialkit.store import MemoryStore, SQLiteStore
from socialkit.testing import ManualClock

PACIFIC = Midnight("America/Los_Angeles")
KEYS = BudgetKeys(app="app-1", account="account-7")
DAY = 86_400.0
ENDS = EARLY + SPREAD
"""Seconds after midnight at which the first ones have been let in."""


def daily(limit: int, zone: str = "UTC", cost: int = 1) -> Budget:
    return Budget("daily", "app", limit, DAY, cost=cost, resets=Midnight(zone))


@attrs.define
class Skewed:
    """The clock of a process that is ahead of the others."""

    clock: ManualClock
    ahead: float = 0.0

    def now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


class Desk:
    """One process's rate limits; its clock may be ahead of the server's, which is the manual one."""

    def __init__(
        self, budget: Budget, start: str = "2026-11-25T12:00:00", *, max_wait: float = 1e9, ahead: float = 0.0
    ) -> None:
        self.budget = budget
        self.clock = ManualClock(datetime.fromisoformat(start).replace(tzinfo=UTC))
        self.store: Any = MemoryStore()
        self.max_wait = max_wait
        self.limits = self.another(ahead)

    def another(self, ahead: float = 0.0) -> RateLimits:
        clock = Skewed(self.clock, ahead)
        return RateLimits(self.store, clock, max_wait=self.max_wait, random=random.Random(1))

    async def go(
        self, limits: RateLimits | None = None, budget: Budget | None = None, **options: Any
    ) -> datetime:
        """When the request went, by the server's clock."""
        await (limits or self.limits).reserve(KEYS, (budget or self.budget,), "POST", "/posts", **options)
        return self.clock.now()

    async def hear(self, *readings: Reading, status: int, **options: Any) -> None:
        await self.limits.learn(
            KEYS, (self.budget,), "POST", "/posts", readings, status=status, retry_at=None, **options
        )

    async def state(self) -> Any:
        (state,) = await self.limits.snapshot()
        return state

    def to(self, moment: str) -> None:
        """Move the server's clock to a moment."""
        there = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        self.clock.advance((there - self.clock.now()).total_seconds())


# --- days -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("moment", "midnight"),
    [
        ("2026-07-01T06:59:59", "2026-07-01T07:00:00"),
        ("2026-07-01T07:00:00", "2026-07-02T07:00:00"),
        ("2026-12-01T07:59:59", "2026-12-01T08:00:00"),
        ("2027-03-14T08:00:00", "2027-03-15T07:00:00"),  # 23 hours
        ("2026-11-01T07:00:00", "2026-11-02T08:00:00"),  # 25 hours
    ],
)
def test_the_end_of_a_day_in_california(moment: str, midnight: str) -> None:
    told = PACIFIC.after(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert told == datetime.fromisoformat(midnight).replace(tzinfo=UTC)


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine without time zones, such as Windows or a slim image."""

    class Nothing(zoneinfo.ZoneInfo):
        def __new__(cls, key: str) -> Nothing:
            raise zoneinfo.ZoneInfoNotFoundError(key)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", Nothing)
    forget()
    yield
    forget()


def forget() -> None:
    _days._database.cache_clear()
    _days.day_of.cache_clear()
    _days._last.clear()


def test_without_a_time_zone_database_californias_days_are_the_same(no_database: Any) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(4 * 365)]
    without = [_days.day_of("America/Los_Angeles", day) for day in days]
    zone = zoneinfo.ZoneInfo.__mro__[1]("America/Los_Angeles")
    assert without == [
        tuple(
            datetime(one.year, one.month, one.day, tzinfo=zone).timestamp()
            for one in (day, day + timedelta(days=1))
        )
        for day in days
    ]
    assert {ends - begins for begins, ends in without} == {82_800.0, 86_400.0, 90_000.0}


def test_a_zone_nobody_knows_is_refused_where_it_is_written(no_database: Any) -> None:
    assert Midnight("UTC").after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 2, tzinfo=UTC)
    with pytest.raises(ValueError, match="no time zone 'Europe/Berlin'; pip install tzdata"):
        Midnight("Europe/Berlin")


@given(
    moment=st.floats(1.2e9, 4e9),
    zone=st.sampled_from(["UTC", "America/Los_Angeles", "Pacific/Apia", "Europe/Berlin"]),
)
def test_every_moment_is_in_one_day(moment: float, zone: str) -> None:
    begins, ends = _days.day_at(zone, moment)
    assert begins <= moment < ends
    assert _days.day_at(zone, ends)[0] == ends


# --- who goes when ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "start", "midnight"),
    [
        ("UTC", "2026-11-25T23:50:00", "2026-11-26T00:00:00"),
        ("America/Los_Angeles", "2026-11-26T00:10:00", "2026-11-26T08:00:00"),
        ("America/Los_Angeles", "2026-11-01T07:10:00", "2026-11-02T08:00:00"),
        ("America/Los_Angeles", "2027-03-14T08:10:00", "2027-03-15T07:00:00"),
    ],
)
async def test_who_used_up_the_day_is_let_in_right_after_midnight(
    zone: str, start: str, midnight: str
) -> None:
    desk = Desk(daily(3, zone), start)
    began = desk.clock.now()
    moments = [await desk.go() for _ in range(4)]
    there = datetime.fromisoformat(midnight).replace(tzinfo=UTC)
    assert moments[:3] == [began] * 3
    assert there < moments[3] <= there + timedelta(seconds=ENDS)


async def test_all_of_the_limit_is_free_after_midnight_however_late_the_day_before_was_spent() -> None:
    desk = Desk(daily(5), "2026-11-25T23:50:00", max_wait=0)
    for _ in range(5):
        await desk.go()
    with pytest.raises(
        RateLimited, match="'daily' \\(5 a day of UTC, app\\) is used up until 2026-11-26 00:"
    ):
        await desk.go()
    desk.to("2026-11-26T00:00:30")
    for _ in range(5):
        await desk.go()
    with pytest.raises(RateLimited):
        await desk.go()


async def test_waiters_for_midnight_do_not_wake_together() -> None:
    desk = Desk(daily(4), "2026-11-25T23:59:00")
    moments = await asyncio.gather(*(desk.go() for _ in range(8)))
    assert len(set(moments[4:])) == 4


async def test_a_request_around_midnight_counts_in_both_days() -> None:
    desk = Desk(daily(3), "2026-11-25T23:59:55", max_wait=0)
    await desk.go()
    await desk.go(cost=2)
    desk.to("2026-11-26T00:01:00")
    with pytest.raises(RateLimited):
        await desk.go()


async def test_a_place_that_was_booked_for_a_day_is_no_place_on_the_next() -> None:
    """Who wakes late, after another midnight, books anew and gives back what was booked where it was."""
    desk = Desk(daily(1), "2026-11-25T23:50:00")
    await desk.go()
    waiting = asyncio.ensure_future(desk.go())
    await asyncio.sleep(0)
    desk.clock.advance(2 * DAY)
    assert await waiting == datetime(2026, 11, 27, 23, 50, tzinfo=UTC)
    assert (await desk.state()).remaining == 0
    assert await desk.go() > datetime(2026, 11, 28, tzinfo=UTC)


async def test_a_block_ends_with_its_day() -> None:
    desk = Desk(daily(50_000), "2026-11-25T23:30:00")
    for _ in range(1000):
        await desk.go()
    assert 50_000 - 1064 <= (await desk.state()).remaining <= 49_000
    desk.to("2026-11-26T00:10:00")
    for _ in range(10):
        await desk.go()
    assert 50_000 - 74 <= (await desk.state()).remaining <= 49_990


async def test_a_block_ends_before_midnight_and_none_is_begun_across_it() -> None:
    desk = Desk(daily(50_000), "2026-11-25T23:58:00")
    for _ in range(40):
        await desk.go()
    desk.to("2026-11-26T00:00:30")
    for _ in range(10):
        await desk.go()
    assert (await desk.state()).remaining <= 49_990
    desk.to("2026-11-26T23:59:52")
    for _ in range(40):
        await desk.go()
    desk.to("2026-11-27T00:00:06")
    for _ in range(10):
        await desk.go()
    assert (await desk.state()).remaining <= 50_000 - 50


async def test_unused_places_of_a_block_are_given_back_to_their_day_only() -> None:
    desk = Desk(daily(50_000), "2026-11-25T23:30:00")
    for _ in range(40):
        await desk.go()
    desk.to("2026-11-26T00:10:00")
    for _ in range(3):
        await desk.go()
    assert (await desk.state()).remaining <= 49_997


# --- clocks that disagree ---------------------------------------------------------------------------------------------
async def test_a_clock_that_is_ahead_lets_nobody_in_before_the_servers_midnight() -> None:
    desk = Desk(daily(2), "2026-11-25T23:50:00", ahead=90.0)
    for _ in range(2):
        await desk.go(offset=-90.0)
    there = datetime(2026, 11, 26, tzinfo=UTC)
    assert there < await desk.go(offset=-90.0) <= there + timedelta(seconds=ENDS)


async def test_a_clock_that_is_behind_keeps_nobody_out_longer() -> None:
    desk = Desk(daily(2), "2026-11-25T23:50:00", ahead=-90.0)
    for _ in range(2):
        await desk.go(offset=90.0)
    there = datetime(2026, 11, 26, tzinfo=UTC)
    assert there < await desk.go(offset=90.0) <= there + timedelta(seconds=ENDS)


async def test_a_process_that_was_told_no_time_uses_what_another_was_told() -> None:
    desk = Desk(daily(2), "2026-11-25T23:50:00", ahead=90.0)
    for _ in range(2):
        await desk.go(offset=-90.0)
    assert await desk.go(desk.another(90.0)) > datetime(2026, 11, 26, tzinfo=UTC)


async def test_a_block_ends_where_the_servers_midnight_turns_out_to_be() -> None:
    """Its clock is found to be a minute ahead: what is sent now counts in its new day."""
    desk = Desk(daily(50_000), "2026-11-25T23:59:10", ahead=-60.0)
    for _ in range(40):
        await desk.go(offset=0.0)
    desk.to("2026-11-26T00:00:30")
    for _ in range(5):
        await desk.go(offset=60.0)
    desk.to("2026-11-26T00:02:00")
    await desk.go(offset=60.0)
    assert 50_000 - 8 <= (await desk.state()).remaining <= 50_000 - 6


async def test_a_process_that_sees_midnight_first_does_not_end_the_day_of_the_others() -> None:
    desk = Desk(daily(2), "2026-11-25T23:59:00", max_wait=0)
    for _ in range(2):
        await desk.go()
    desk.to("2026-11-25T23:59:40")
    await desk.go(desk.another(30.0))
    with pytest.raises(RateLimited):
        await desk.go()


@settings(max_examples=150, deadline=None)
@given(
    limit=st.integers(1, 12),
    zone=st.sampled_from(["UTC", "America/Los_Angeles"]),
    start=st.sampled_from(["2026-10-31T20:00:00", "2027-03-14T02:00:00", "2026-12-31T06:00:00"]),
    clocks=st.lists(
        st.tuples(st.floats(-120, 120), st.floats(0, 1), st.floats(0, 4)), min_size=1, max_size=4
    ),
    steps=st.lists(
        st.tuples(st.one_of(st.floats(0, 6), st.floats(0, 30_000)), st.integers(0, 3), st.integers(1, 3)),
        min_size=1,
        max_size=80,
    ),
    late=st.booleans(),
)
def test_no_day_of_the_server_sees_more_than_the_limit(
    limit: int,
    zone: str,
    start: str,
    clocks: list[tuple[float, float, float]],
    steps: list[tuple[float, int, int]],
    late: bool,
) -> None:
    """Each process's clock is off by up to two minutes; what it was told of that is a second wrong, and nothing
    below two seconds counts. Requests travel up to four seconds."""
    desk = Desk(daily(limit, zone), start, max_wait=1e9 if late else 0)
    midnight = Midnight(zone)
    processes = [desk.another(ahead) for ahead, _, _ in clocks]
    arrived: Counter[datetime] = Counter()

    async def one(place: int, cost: int) -> None:
        ahead, lag, travel = clocks[place]
        gap = -ahead - lag
        try:
            went = await desk.go(processes[place], cost=cost, offset=gap if abs(gap) > 2 else 0.0)
        except RateLimited:
            return
        arrived[midnight.after(went + timedelta(seconds=travel))] += min(cost, limit)

    async def run() -> None:
        work = []
        for gap, place, cost in steps:
            desk.clock.advance(gap)
            work.append(asyncio.ensure_future(one(place % len(clocks), cost)))
            await asyncio.sleep(0)
        await asyncio.gather(*work)

    asyncio.run(run())
    assert max(arrived.values()) <= limit


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 30),
    zone=st.sampled_from(["UTC", "America/Los_Angeles"]),
    start=st.sampled_from(["2026-10-31T20:00:00", "2027-03-14T02:00:00", "2026-12-31T06:00:00"]),
    days=st.integers(1, 3),
)
def test_no_day_is_left_unused(limit: int, zone: str, start: str, days: int) -> None:
    """A queue that is longer than the allowance takes all of it, and every day's right after its midnight."""
    desk = Desk(daily(limit, zone), start)
    began = desk.clock.now()

    async def run() -> list[datetime]:
        return await asyncio.gather(*(desk.go() for _ in range(limit * days)))

    moments = asyncio.run(run())
    midnight, expected = began, []
    for _ in range(days):
        expected += [midnight] * limit
        midnight = Midnight(zone).after(midnight)
    waits = [(moment - day).total_seconds() for moment, day in zip(sorted(moments), expected, strict=True)]
    assert all(0 <= wait <= ENDS for wait in waits)


def test_four_processes_on_one_store_never_exceed_the_day(tmp_path: Path) -> None:
    budget, midnight = daily(300), datetime(2026, 11, 26, tzinfo=UTC)

    async def take(limits: RateLimits) -> int:
        taken = 0
        for _ in range(200):
            try:
                await limits.reserve(KEYS, (budget,), "POST", "/posts", offset=0.0)
            except RateLimited:
                continue
            taken += 1
        return taken

    def in_four(at: float) -> list[int]:
        """How many requests four processes got, whose clocks differ by up to four seconds."""
        children, results = [], []
        for number in range(4):
            reads, writes = os.pipe()
            if (child := os.fork()) == 0:
                clock = ManualClock(midnight + timedelta(seconds=at + number - 1.5), autojump=False)
                with SQLiteStore(tmp_path / "store.db") as store:
                    taken = asyncio.run(take(RateLimits(store, clock, max_wait=0)))
                os.write(writes, str(taken).encode())
                os._exit(0)
            os.close(writes)
            children.append((child, reads))
        for child, reads in children:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            with os.fdopen(reads) as pipe:
                results.append(int(pipe.read()))
        return results

    assert sum(in_four(-3000)) == 300
    assert sum(in_four(1.5)) == 0
    assert sum(in_four(60)) == 300


# --- answers ----------------------------------------------------------------------------------------------------------
async def test_a_429_that_names_the_day_closes_it_until_midnight() -> None:
    desk = Desk(daily(100), "2026-11-25T18:00:00")
    await desk.go()
    await desk.hear(Reading("daily", None, 0, desk.clock.now() + timedelta(days=1), DAY), status=429)
    assert (await desk.state()).remaining == 0
    assert (await desk.state()).resets_at == datetime(2026, 11, 26, tzinfo=UTC)
    there = datetime(2026, 11, 26, tzinfo=UTC)
    assert there < await desk.go() <= there + timedelta(seconds=ENDS)


async def test_what_is_left_by_the_servers_count_ends_at_midnight_too() -> None:
    desk = Desk(daily(100, "America/Los_Angeles"), "2026-11-25T18:00:00")
    await desk.go()
    await desk.hear(Reading(None, None, 1, None, DAY), status=200)
    assert (await desk.state()).remaining == 1
    await desk.go()
    there = datetime(2026, 11, 26, 8, tzinfo=UTC)
    assert (await desk.state()).resets_at == there
    assert there < await desk.go() <= there + timedelta(seconds=ENDS)


async def test_a_refusal_that_comes_just_after_our_midnight_is_about_the_day_before() -> None:
    """Taken for the new day's, it would keep everybody out for a day: whose clock was right is told a moment later."""
    desk = Desk(daily(100), "2026-11-25T23:59:59", ahead=2.0)
    await desk.go(offset=0.0)
    tomorrow = desk.clock.now() + timedelta(days=1)
    await desk.hear(Reading("daily", None, 0, tomorrow, DAY), status=429, offset=0.0)
    assert await desk.go(offset=0.0) < datetime(2026, 11, 26, 0, 0, 20, tzinfo=UTC)


async def test_a_429_that_does_not_speak_of_the_day_is_over_in_a_minute() -> None:
    desk = Desk(daily(100), "2026-11-25T18:00:00")
    began = await desk.go()
    await desk.hear(status=429)
    assert timedelta(seconds=60) <= await desk.go() - began <= timedelta(seconds=60 + ENDS)


async def test_a_retry_after_is_believed() -> None:
    desk = Desk(daily(100), "2026-11-25T18:00:00")
    began = await desk.go()
    soon = desk.clock.now() + timedelta(seconds=300)
    await desk.limits.learn(KEYS, (desk.budget,), "POST", "/posts", (), status=429, retry_at=soon)
    assert timedelta(seconds=300) <= await desk.go() - began <= timedelta(seconds=301 + ENDS)


async def test_a_retry_after_that_lies_beyond_midnight_is_believed_too() -> None:
    desk = Desk(daily(100), "2026-11-25T18:00:00")
    began = await desk.go()
    late, readings = began + timedelta(hours=30), [Reading("daily", None, 0, None, DAY)]
    await desk.limits.learn(KEYS, (desk.budget,), "POST", "/posts", readings, status=429, retry_at=late)
    assert timedelta(0) <= await desk.go() - late <= timedelta(seconds=1 + ENDS)


# --- what is shown ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ahead", [0.0, 45.0])
async def test_the_reset_that_is_shown_is_midnight_itself(ahead: float) -> None:
    desk = Desk(daily(100, "America/Los_Angeles"), "2026-11-01T12:00:00", ahead=ahead)
    await desk.go(offset=-ahead)
    state = await desk.state()
    assert (state.limit, state.remaining) == (100, 99)
    assert state.resets_at == datetime(2026, 11, 2, 8, tzinfo=UTC)
    desk.to("2026-11-02T08:01:00")
    state = await desk.state()
    assert (state.remaining, state.resets_at) == (100, None)


# --- books of other versions ------------------------------------------------------------------------------------------
async def test_books_of_a_rolling_window_still_load() -> None:
    """What was spent today counts today; what was spent yesterday does not."""
    desk = Desk(daily(10), "2026-11-25T12:00:00", max_wait=0)
    rolling = attrs.evolve(desk.budget, resets=None)
    await desk.go(budget=rolling, cost=4)
    assert "UTC" not in desk.store.transact(lambda tx: tx.get("limit", "app-1|daily"))
    await desk.go()
    assert (await desk.state()).remaining == 5
    other = Desk(daily(10), "2026-11-25T12:00:00", max_wait=0)
    await other.go(budget=rolling, cost=4)
    other.to("2026-11-26T00:10:00")
    await other.go()
    assert (await other.state()).remaining == 9


async def test_a_budget_that_was_closed_for_a_day_opens_at_midnight() -> None:
    desk = Desk(daily(10), "2026-11-25T20:00:00")
    rolling = attrs.evolve(desk.budget, resets=None)
    await desk.limits.learn(KEYS, (rolling,), "POST", "/posts", (), status=429, retry_at=None)
    assert await desk.go() < datetime(2026, 11, 26, 0, 0, 20, tzinfo=UTC)


async def test_books_by_days_load_for_a_rolling_window_and_for_another_zone() -> None:
    desk = Desk(daily(10), "2026-11-25T12:00:00", max_wait=0)
    await desk.go(cost=4)
    await desk.go(desk.another(), daily(10, "America/Los_Angeles"))
    assert (await desk.state()).remaining == 5
    await desk.go(desk.another(), attrs.evolve(desk.budget, resets=None))
    assert (await desk.state()).remaining == 4


async def test_days_that_are_over_are_not_kept_for_ever() -> None:
    desk = Desk(daily(10), "2026-11-25T12:00:00")
    for _ in range(5):
        await desk.go()
        desk.clock.advance(DAY)
    await desk.go()
    assert len(desk.store.transact(lambda tx: tx.get("limit", "app-1|daily"))) == 8 + 2 + 2


def test_the_seconds_around_midnight_cover_what_clocks_and_requests_may_differ_by() -> None:
    """A second that Date does not tell, two that count as none, four of travel: what the property above is built on."""
    assert EARLY >= 2 + 1
    assert LATE >= 2 + 1 + 4
