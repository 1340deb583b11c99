"""Budgets: when a request may go, and what answers teach."""

from __future__ import annotations

import asyncio
import bisect
import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialkit import Post
from socialkit.adapters import _mastodon_rules
from socialkit.adapters.base import Reading
from socialkit.errors import RateLimited
from socialkit.rate_limits import BudgetKeys, RateLimits
from socialkit.rules import Budget
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, SQLiteStore, open_store
from socialkit.testing import ManualClock

KEYS = BudgetKeys(app="app-1", account="account-7")
POSTS = Budget("posts", "account", 3, 60, "POST /statuses")
ALL = Budget("all", "account", 10, 60)
DAILY = Budget("daily", "app", 5, 86400, "POST /statuses")


class CountingStore(MemoryStore):
    """Counts its transactions."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def transact(self, work: Any, *, durable: bool = False) -> Any:
        self.count += 1
        return super().transact(work, durable=durable)

    try_transact = transact


class Desk:
    """Rate limits on a clock that tests move, with short words for the calls."""

    def __init__(self, *budgets: Budget, max_wait: float = 1e9, desk: Desk | None = None) -> None:
        self.budgets = budgets
        self.clock = desk.clock if desk else ManualClock()
        self.store = desk.store if desk else CountingStore()
        self.limits = RateLimits(self.store, self.clock, max_wait=max_wait, random=random.Random(1))

    async def go(self, method: str = "POST", path: str = "/statuses", **options: Any) -> float:
        """Seconds of this clock at which the request went."""
        keys = options.pop("keys", KEYS)
        await self.limits.reserve(keys, self.budgets, method, path, **options)
        return self.clock.monotonic()

    async def hear(self, *readings: Reading, status: int = 200, retry_in: float | None = None) -> None:
        retry_at = None if retry_in is None else self.at(retry_in)
        await self.limits.learn(
            KEYS, self.budgets, "POST", "/statuses", readings, status=status, retry_at=retry_at
        )

    def at(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)

    async def remaining(self) -> dict[str, int]:
        return {state.name: state.remaining for state in await self.limits.snapshot()}


# --- booking ----------------------------------------------------------------------------------------------


async def test_requests_go_at_once_until_the_limit_then_when_the_window_has_passed() -> None:
    desk = Desk(POSTS)
    moments = [await desk.go() for _ in range(4)]
    assert moments[:3] == [0, 0, 0]
    assert 60 < moments[3] < 60 * 1.05


async def test_waiters_get_their_own_moments() -> None:
    desk = Desk(POSTS)
    moments = sorted(await asyncio.gather(*(desk.go() for _ in range(9))))
    assert moments[:3] == [0, 0, 0]
    assert len(set(moments[3:])) == 6


async def test_a_wait_is_told_before_it_begins() -> None:
    desk = Desk(POSTS)
    told: list[datetime] = []
    for _ in range(4):
        await desk.go(on_wait=told.append)
    assert told == [desk.clock.now()]


async def test_a_wait_past_max_wait_is_refused_at_once_and_books_nothing() -> None:
    desk = Desk(POSTS, max_wait=30)
    for _ in range(3):
        await desk.go()
    for _ in range(2):
        with pytest.raises(
            RateLimited, match=r"'posts' \(3 in 60 s, account\) is used up until 2026"
        ) as caught:
            await desk.go()
    assert desk.clock.monotonic() == 0
    desk.clock.advance(62.9)
    assert caught.value.retry_at <= desk.clock.now()
    assert [await desk.go() for _ in range(3)] == [62.9] * 3


async def test_a_request_waits_for_the_slowest_of_its_budgets_and_spends_all_of_them() -> None:
    desk = Desk(ALL, DAILY, max_wait=120)
    for _ in range(5):
        await desk.go()
    with pytest.raises(RateLimited, match="'daily'"):
        await desk.go()
    assert await desk.remaining() == {"all": 5, "daily": 0}


async def test_a_request_that_waits_for_one_budget_does_not_hold_up_others() -> None:
    desk = Desk(Budget("all", "account", 10, 60), Budget("posts", "account", 1, 600, "POST /statuses"))
    await desk.go()
    waiting = asyncio.ensure_future(desk.go())
    await asyncio.sleep(0)
    assert [await desk.go("GET", "/home") for _ in range(8)] == [0] * 8
    assert await waiting > 600


async def test_accounts_share_the_budgets_of_their_app_only() -> None:
    desk = Desk(POSTS, DAILY, max_wait=0)
    other = BudgetKeys(app="app-1", account="account-8")
    for _ in range(3):
        await desk.go()
    with pytest.raises(RateLimited, match="'posts'"):
        await desk.go()
    await desk.go(keys=other)
    await desk.go(keys=other)
    with pytest.raises(RateLimited, match="'daily'"):
        await desk.go(keys=other)


async def test_a_cost_counts_as_many_and_never_more_than_the_limit() -> None:
    desk = Desk(Budget("points", "account", 5, 60, cost=2), max_wait=0)
    await desk.go()
    await desk.go(cost=3)
    with pytest.raises(RateLimited):
        await desk.go(cost=1)
    desk.clock.advance(70)
    assert await desk.go(cost=50) == 70


@pytest.mark.parametrize(
    ("match", "method", "path", "spends"),
    [
        ("* .*", "GET", "/any", True),
        ("* *", "GET", "/any", True),
        ("POST /a/[^/]+", "POST", "/a/1", True),
        ("POST /a/[^/]+", "GET", "/a/1", False),
        ("POST /a/[^/]+", "POST", "/a/1/b", False),
    ],
)
async def test_a_budget_says_which_requests_spend_it(
    match: str, method: str, path: str, spends: bool
) -> None:
    desk = Desk(Budget("some", "account", 3, 60, match))
    await desk.go(method, path)
    assert bool(await desk.remaining()) is spends


async def test_a_request_that_matches_no_budget_costs_nothing() -> None:
    desk = Desk(POSTS)
    await desk.go("GET", "/home")
    assert desk.store.count == 0


async def test_many_requests_need_few_transactions() -> None:
    desk = Desk(Budget("many", "account", 100_000, 3600))
    for _ in range(1000):
        await desk.go()
    assert desk.store.count < 50
    assert (await desk.remaining())["many"] >= 100_000 - 1000 - 64


async def test_unused_places_of_a_block_are_given_back() -> None:
    desk = Desk(Budget("many", "account", 10_000, 100))
    for _ in range(40):
        await desk.go()
    desk.clock.advance(2)
    await desk.go()
    assert (await desk.remaining())["many"] == 10_000 - 41


async def test_two_clients_on_one_store_share_a_limit() -> None:
    one = Desk(POSTS, max_wait=0)
    two = Desk(POSTS, max_wait=0, desk=one)
    await one.go()
    await two.go()
    await one.go()
    for desk in (one, two):
        with pytest.raises(RateLimited):
            await desk.go()


async def test_books_are_kept_in_a_file(tmp_path: Any) -> None:
    clock = ManualClock()
    for _ in range(3):
        with open_store(tmp_path / "store.db") as store:  # type: ignore[attr-defined]
            await RateLimits(store, clock).reserve(KEYS, (POSTS,), "POST", "/statuses")
    with open_store(tmp_path / "store.db") as store, pytest.raises(RateLimited):  # type: ignore[attr-defined]
        await RateLimits(store, clock, max_wait=1).reserve(KEYS, (POSTS,), "POST", "/statuses")


def fullest(moments: list[float], window: float) -> int:
    """The most requests that any window of that length can see, whatever its alignment."""
    moments = sorted(moments)
    return max(bisect.bisect_left(moments, moment + window) - i for i, moment in enumerate(moments))


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 40),
    window=st.sampled_from([1.0, 7.5, 60.0, 900.0]),
    gaps=st.lists(st.floats(0, 0.4), min_size=1, max_size=120),
    clients=st.integers(1, 3),
)
def test_no_window_of_any_alignment_sees_more_than_the_limit(
    limit: int, window: float, gaps: list[float], clients: int
) -> None:
    budget = Budget("some", "account", limit, window)

    async def run() -> list[float]:
        first = Desk(budget)
        desks = [first, *(Desk(budget, desk=first) for _ in range(clients - 1))]
        work = []
        for place, gap in enumerate(gaps):
            first.clock.advance(gap * window)
            work.append(asyncio.ensure_future(desks[place % clients].go()))
            await asyncio.sleep(0)
        return await asyncio.gather(*work)

    assert fullest(asyncio.run(run()), window) <= limit


@settings(max_examples=30, deadline=None)
@given(
    limits=st.lists(
        st.tuples(st.integers(2, 30), st.sampled_from([1.0, 10.0, 60.0])), min_size=2, max_size=3
    ),
    costs=st.lists(st.integers(1, 4), min_size=1, max_size=60),
)
def test_several_budgets_hold_together_whatever_requests_cost(
    limits: list[tuple[int, float]], costs: list[int]
) -> None:
    budgets = [Budget(f"b{i}", "account", limit, window) for i, (limit, window) in enumerate(limits)]
    desk = Desk(*budgets)

    async def run() -> list[float]:
        return await asyncio.gather(*(desk.go(cost=cost) for cost in costs))

    moments = asyncio.run(run())
    for budget in budgets:
        spent = [
            moment
            for moment, cost in zip(moments, costs, strict=True)
            for _ in range(min(cost, budget.limit))
        ]
        assert fullest(spent, budget.window) <= budget.limit


async def test_a_limit_under_pressure_gives_nearly_all_of_its_allowance() -> None:
    desk = Desk(Budget("some", "account", 50, 10))
    moments = await asyncio.gather(*(desk.go() for _ in range(1000)))
    assert max(moments) <= 19 * 10 * 1.03 + 1
    assert fullest(moments, 10) == 50


# --- learning ---------------------------------------------------------------------------------------------


async def test_an_answer_that_tells_nothing_new_does_not_touch_the_store() -> None:
    desk = Desk(POSTS)
    await desk.go()
    before = desk.store.count
    await desk.hear()
    await desk.hear(Reading(None, 3, 2, desk.at(30)))
    await desk.hear(Reading(None, 3, 3, desk.at(30)), Reading("unheard of", 9, 0, desk.at(9)))
    assert desk.store.count == before


async def test_what_others_spent_is_learned_and_ends_with_the_window() -> None:
    desk = Desk(POSTS)
    await desk.go()
    await desk.hear(Reading(None, 3, 0, desk.at(20)))
    assert await desk.remaining() == {"posts": 0}
    assert 20 <= await desk.go() < 21


async def test_in_one_window_the_least_remaining_wins() -> None:
    desk = Desk(ALL)
    resets_at = desk.at(30)
    await desk.go()
    for remaining in (4, 2, 6):
        await desk.hear(Reading(None, 10, remaining, resets_at))
    assert await desk.remaining() == {"all": 2}
    assert [await desk.go(), await desk.go()] == [0, 0]
    assert await desk.go() >= 30


async def test_a_late_answer_about_an_older_window_is_ignored() -> None:
    desk = Desk(ALL)
    await desk.go()
    await desk.hear(Reading(None, 10, 5, desk.at(50)))
    await desk.hear(Reading(None, 10, 0, desk.at(2)))
    assert await desk.remaining() == {"all": 5}


async def test_a_smaller_limit_is_believed_a_larger_one_only_with_its_name_or_window() -> None:
    desk = Desk(ALL)
    await desk.go()
    await desk.hear(Reading(None, 500, 499, None))
    assert await desk.remaining() == {"all": 9}
    await desk.hear(Reading(None, 4, 3, None))
    assert await desk.remaining() == {"all": 3}
    await desk.hear(Reading(None, 20, 19, None, window=60.0))
    assert await desk.remaining() == {"all": 19}


@pytest.mark.parametrize(
    ("reading", "budget"),
    [
        (Reading("daily", None, 1, None), "daily"),
        (Reading(None, None, 1, None, window=86400.0), "daily"),
        (Reading(None, 5, 1, None), "daily"),
        (Reading(None, 10, 1, None), "all"),
    ],
)
async def test_a_reading_finds_its_budget(reading: Reading, budget: str) -> None:
    desk = Desk(POSTS, ALL, DAILY)
    await desk.go()
    await desk.hear(reading)
    assert (await desk.remaining())[budget] == 1


async def test_a_reset_far_ahead_is_not_about_a_short_window() -> None:
    desk = Desk(ALL, DAILY)
    await desk.go()
    await desk.hear(Reading(None, None, 0, desk.at(7200)))
    assert await desk.remaining() == {"all": 9, "daily": 0}


async def test_a_429_closes_the_budget_reported_empty_until_its_reset() -> None:
    desk = Desk(POSTS, DAILY)
    await desk.go()
    await desk.hear(Reading("posts", 3, 0, desk.at(15)), status=429)
    assert await desk.remaining() == {"daily": 4, "posts": 0}
    assert 15 <= await desk.go() < 18


async def test_of_two_things_an_answer_says_of_a_budget_the_later_one_holds() -> None:
    desk = Desk(POSTS)
    await desk.go()
    await desk.hear(Reading("posts", 3, 0, desk.at(40)), Reading("posts", 3, 0, desk.at(15)), status=429)
    assert 40 <= await desk.go() < 43


async def test_a_429_with_nothing_but_a_time_closes_the_most_specific_budget() -> None:
    desk = Desk(Budget("all", "app", 100, 60), Budget("write", "endpoint", 100, 60, "POST .*"))
    await desk.go()
    await desk.hear(status=429, retry_in=40)
    assert await desk.go("GET", "/home") == 0
    assert 40 <= await desk.go() < 43


@pytest.mark.parametrize(
    ("level", "window", "opens"),
    [
        ("host", 300, 3600),
        ("app", 300, 3600),
        ("user", 300, 3600),
        ("account", 300, 86_400),
        ("host", 86_400, 172_800),
    ],
)
async def test_no_answer_closes_a_budget_for_a_year(level: Any, window: float, opens: float) -> None:
    """A server is believed for as long as a limit can last; what many share is not closed for all by one answer."""
    year = 366 * 86_400.0
    for told in ([], [Reading("all", None, 0, None)]):
        desk = Desk(Budget("all", level, 100, window))
        await desk.go()
        readings = [attrs.evolve(one, resets_at=desk.at(year)) for one in told]
        await desk.hear(*readings, status=429, retry_in=year)
        assert opens <= await desk.go() < opens + 0.05 * window + 5


async def test_a_reset_in_a_year_is_none() -> None:
    desk = Desk(Budget("all", "app", 100, 300))
    await desk.go()
    await desk.hear(Reading("all", None, 0, desk.at(366 * 86_400.0)))
    assert 3600 <= await desk.go() < 3700


@pytest.mark.parametrize("told", [400, 40_000])
async def test_a_429_that_names_a_long_wait_is_about_a_budget_that_lasts_as_long(told: float) -> None:
    """Bluesky counts uploads by the day, and everything in five minutes."""
    desk = Desk(Budget("all", "host", 100, 300), Budget("uploads", "host", 100, 86_400, "POST .*"))
    await desk.go()
    await desk.hear(status=429, retry_in=told)
    assert await desk.go("GET", "/home") == 0
    assert told <= await desk.go() < told + 1000


async def test_a_429_without_a_time_closes_for_one_window() -> None:
    desk = Desk(POSTS)
    await desk.hear(status=429)
    assert 60 <= await desk.go() < 63


async def test_books_that_are_their_owners_already_stay_as_they_are() -> None:
    desk = Desk(POSTS, DAILY)
    await desk.go()
    before = await desk.remaining()
    desk.store.transact(lambda tx: desk.limits.move(tx, desk.budgets, KEYS, KEYS, None))
    assert await desk.remaining() == before == {"daily": 4, "posts": 2}


# --- what is made, or asked -------------------------------------------------------------------------------------------
async def test_a_refused_request_has_its_place_again_where_what_is_made_is_counted() -> None:
    made = Budget("made", "account", 2, 3600, "POST .*", counts="made")
    desk = Desk(made, Budget("asked", "account", 9, 3600))
    for _ in range(3):
        went_at = desk.at(await desk.go() - desk.clock.monotonic())
        await desk.limits.give_back(KEYS, desk.budgets, "POST", "/statuses", went_at)
        desk.clock.advance(1)
    assert await desk.remaining() == {"asked": 6, "made": 2}
    went_at = desk.at(await desk.go(cost=2) - desk.clock.monotonic())
    await desk.limits.give_back(KEYS, desk.budgets, "POST", "/statuses", went_at, cost=2)
    assert await desk.remaining() == {"asked": 4, "made": 2}


async def test_giving_back_touches_no_store_where_requests_are_counted() -> None:
    desk = Desk(POSTS)
    await desk.go()
    before = desk.store.count
    await desk.limits.give_back(KEYS, desk.budgets, "POST", "/statuses", desk.clock.now())
    assert desk.store.count == before


@pytest.mark.parametrize(
    ("counts", "fault", "left"),
    [("made", "", 1), ("made", "no", 2), ("made", "lost", 1), ("requests", "no", 1)],
)
def test_a_post_that_was_certainly_refused_spends_nothing_of_a_day_of_posts(
    counts: Any, fault: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_mastodon_rules, "BUDGETS", {})
    with Sandbox(["mastodon"]) as box, box.client(store=":memory:") as client:
        adapter = client.accounts["mastodon"]
        posts = Budget("day", "account", 2, 86_400, "POST /api/v1/statuses", counts=counts)
        adapter.__dict__["rules"] = attrs.evolve(adapter.rules, budgets=(posts,))
        if fault == "no":
            box.fault("expired-token", platform="mastodon", match="POST /api/v1/statuses")
        elif fault:
            box.fault("stored-then-500", platform="mastodon", match="POST /api/v1/statuses")
            box.mastodon.software = "gotosocial"
        client.publish(Post("Ahoy"), to="mastodon", errors="return", wait=0)
        assert [state.remaining for state in client.rate_limits()] == [left]


async def test_who_wakes_late_takes_a_new_place() -> None:
    desk = Desk(Budget("some", "account", 1, 10))
    await desk.go()
    waiting = asyncio.ensure_future(desk.go())
    await asyncio.sleep(0)
    desk.clock.advance(15)
    assert await waiting == 15
    assert await desk.go() >= 25


async def test_who_waits_when_a_429_comes_waits_on() -> None:
    desk = Desk(POSTS)
    for _ in range(3):
        await desk.go()
    waiting = asyncio.ensure_future(desk.go())
    await asyncio.sleep(0)
    await desk.hear(status=429, retry_in=100)
    assert await waiting > 100


async def test_a_429_ends_blocks_booked_before() -> None:
    desk = Desk(Budget("many", "account", 10_000, 1000))
    for _ in range(40):
        await desk.go()
    await desk.hear(status=429, retry_in=50)
    assert await desk.go() >= 50


async def test_a_snapshot_names_owner_and_reset() -> None:
    desk = Desk(POSTS, DAILY)
    await desk.go()
    posts, daily = sorted(await desk.limits.snapshot(), key=lambda state: state.limit)
    assert (posts.name, posts.level, posts.owner, posts.limit, posts.remaining) == (
        "posts",
        "account",
        "account-7",
        3,
        2,
    )
    assert (daily.level, daily.owner) == ("app", "app-1")
    assert posts.resets_at is not None
    assert timedelta(0) < posts.resets_at - desk.clock.now() < timedelta(seconds=63)
    desk.clock.advance(3 * 86400)
    assert [state.resets_at for state in await desk.limits.snapshot()] == [None, None]


def test_a_forked_child_books_its_own_places(tmp_path: Path) -> None:
    """A block that was booked in advance is the parent's: used twice it would be spent twice."""
    budget = Budget("posts", "account", 10_000, 60, "POST /statuses")

    async def book(limits: RateLimits, count: int) -> int:
        for _ in range(count):
            await limits.reserve(KEYS, (budget,), "POST", "/statuses")
        return (await limits.snapshot())[0].remaining

    with SQLiteStore(tmp_path / "store.db") as store:
        limits = RateLimits(store, ManualClock())
        asyncio.run(book(limits, 100))
        before = asyncio.run(book(limits, 0)) if limits._blocks else 0
        if (child := os.fork()) == 0:
            os._exit(0 if asyncio.run(book(limits, 20)) <= before - 20 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert asyncio.run(book(limits, 0)) <= before - 20
