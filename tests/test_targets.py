"""One target's plan, whatever becomes of its reads."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from socialkit import _targets
from socialkit._targets import its_own
from socialkit.errors import Unavailable
from socialkit.plan import TargetPlan

ACCOUNT: Any = SimpleNamespace(name="toots", adapter=SimpleNamespace(platform="mastodon"))
MADE = TargetPlan("toots", "mastodon")


async def read(turns: int, error: Exception | None = None) -> TargetPlan:
    """A plan that has to wait that many turns of the loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
    if error is not None:
        raise error
    return MADE


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_plan_that_waits_or_not_is_that_plan(turns: int) -> None:
    assert await its_own(ACCOUNT, read(turns)) is MADE


@pytest.mark.parametrize("turns", [0, 2])
async def test_what_its_reads_raise_stands_in_the_plan(turns: int) -> None:
    plan = await its_own(ACCOUNT, read(turns, Unavailable("down")))
    assert (plan.account, plan.error and plan.error.message) == ("toots", "down")


async def test_a_wait_within_may_be_over_before_the_plan_is() -> None:
    async def patient() -> TargetPlan:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        await asyncio.sleep(0)
        return MADE

    assert await its_own(ACCOUNT, patient()) is MADE


async def test_reads_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_targets, "PLAN_DEADLINE", 0.0)
    ended = []

    async def endless() -> TargetPlan:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return MADE

    plan = await its_own(ACCOUNT, endless())
    assert "took longer" in str(plan.error)
    assert ended == [True]


async def test_a_plan_is_cancelled_with_its_caller() -> None:
    ended = []

    async def endless() -> TargetPlan:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return MADE

    task = asyncio.ensure_future(its_own(ACCOUNT, endless()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
