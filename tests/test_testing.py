"""The clock that tests move."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from socialkit import Post, testing
from socialkit.testing import ManualClock

client, sandbox = testing.client, testing.sandbox


def test_it_stands_still_until_it_is_advanced():
    clock = ManualClock()
    start = clock.now()
    assert clock.now() == start
    clock.advance(90)
    assert clock.now() - start == timedelta(seconds=90)
    assert clock.monotonic() == 90


def test_it_never_goes_back():
    with pytest.raises(ValueError, match="does not go back"):
        ManualClock().advance(-1)


async def test_a_day_of_sleep_takes_no_real_time():
    clock = ManualClock()
    began = time.perf_counter()
    await clock.sleep(86400)
    assert clock.monotonic() == 86400
    assert time.perf_counter() - began < 1.0


async def test_sleepers_wake_in_the_order_of_their_deadlines():
    clock = ManualClock()
    woken: list[tuple[int, float]] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    await asyncio.gather(sleeper(300), sleeper(5), sleeper(60))
    assert woken == [(5, 5.0), (60, 60.0), (300, 300.0)]


async def test_without_autojump_only_advance_wakes():
    clock = ManualClock(autojump=False)
    task = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0.01)
    assert not task.done()
    clock.advance(10)
    await asyncio.wait_for(task, 5)


async def test_it_does_not_jump_while_a_thread_works():
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(60))
    release = threading.Event()
    work = asyncio.create_task(asyncio.to_thread(release.wait, 5))
    await asyncio.sleep(0.02)
    assert clock.monotonic() == 0
    release.set()
    await asyncio.wait_for(work, 5)
    await asyncio.wait_for(sleeper, 5)
    assert clock.monotonic() == 60


async def test_it_does_not_jump_under_a_hold():
    clock = ManualClock()
    sleeper = asyncio.create_task(clock.sleep(60))
    with clock.hold():
        await asyncio.sleep(0.02)
        assert clock.monotonic() == 0
    await asyncio.wait_for(sleeper, 5)


async def test_sleeping_under_a_hold_lets_it_jump():
    clock = ManualClock()
    with clock.hold():
        await asyncio.wait_for(clock.sleep(60), 5)
    assert clock.monotonic() == 60


def test_loops_in_several_threads_share_it():
    clock = ManualClock()
    seen: list[float] = []

    def run(seconds: float) -> None:
        async def steps() -> None:
            for _ in range(3):
                await clock.sleep(seconds)
            seen.append(clock.monotonic())

        asyncio.run(steps())

    threads = [threading.Thread(target=run, args=(seconds,)) for seconds in (10, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(seen) == 2
    assert clock.monotonic() >= 75


def test_callbacks_run_at_their_moment_in_the_thread_that_moves_it():
    clock = ManualClock()
    start = clock.now()
    seen: list[timedelta] = []
    clock.call_at(start + timedelta(seconds=30), lambda: seen.append(clock.now() - start))
    clock.call_at(start + timedelta(seconds=10), lambda: seen.append(clock.now() - start))
    clock.advance(20)
    assert seen == [timedelta(seconds=10)]
    clock.advance(20)
    assert seen == [timedelta(seconds=10), timedelta(seconds=30)]


async def test_a_cancelled_sleep_leaves_nothing_behind():
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1000))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.sleep(5)
    assert clock.monotonic() == 5


async def test_sleeps_that_ended_do_not_pile_up():
    clock = ManualClock(autojump=False)
    for _ in range(1000):
        task = asyncio.create_task(clock.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    assert len(clock._timers) < 200


async def test_it_does_not_jump_while_a_marked_future_is_awaited():
    class FromThread(asyncio.Future[None]):
        waits_for_thread = True

    clock = ManualClock()
    future = FromThread()

    async def wait() -> None:
        await future

    waiting = asyncio.create_task(wait())
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0.02)
    assert clock.monotonic() == 0
    future.set_result(None)
    await asyncio.wait_for(asyncio.gather(waiting, sleeper), 5)


async def test_a_flowing_clock_wakes_sleepers_when_it_is_pushed():
    clock = ManualClock(flows=True)
    task = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0.02)
    assert not task.done()
    clock.advance(3600)
    await asyncio.wait_for(task, 5)


def test_a_flowing_clock_follows_real_time_and_can_be_pushed():
    clock = ManualClock(flows=True)
    start = clock.now()
    clock.advance(3600)
    assert clock.now() - start >= timedelta(seconds=3600)
    later = clock.now()
    assert clock.now() > later


# --- the fixtures and suites -----------------------------------------------------------------------------------
def test_the_fixtures_give_a_client_on_every_platform(sandbox, client):
    assert set(client.accounts) == {name for name, box in sandbox.boxes.items() if box.publishes}
    client.publish(Post("We ship today"), "mastodon", idempotency_key="launch")
    assert [entry.text for entry in sandbox.timeline("mastodon")] == ["We ship today"]


def test_the_suites_are_here_by_name():
    from socialkit import contracts

    for name in contracts.__all__:
        assert getattr(testing, name) is getattr(contracts, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = testing.nothing


def test_the_clock_needs_no_pytest_and_no_sandbox():
    code = (
        "import sys; sys.modules['pytest'] = None; from socialkit.testing import ManualClock; ManualClock();"
        "print('starlette' in sys.modules, 'socialkit.contracts' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["False", "False"]
