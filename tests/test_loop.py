"""The loop thread behind Client: where callables run, and what an interrupt leaves behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from socialkit._loop import Caller, LoopThread, call_user, is_loop_thread, loop_thread

tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread(grace=5)
    yield thread
    thread.close()


def where(*_: Any) -> int:
    return threading.get_ident()


# --- run ---


def test_a_plain_program_gets_the_result_and_the_error_of_a_coroutine() -> None:
    async def divide(a: int, b: int) -> float:
        return a / b

    assert loop_thread().run(divide(4, 2)) == 2
    with pytest.raises(ZeroDivisionError):
        loop_thread().run(divide(1, 0))


def test_the_coroutine_runs_on_the_loop_thread_with_the_callers_contextvars() -> None:
    async def look() -> tuple[bool, str]:
        return is_loop_thread(), tenant.get()

    tenant.set("acme")
    assert loop_thread().run(look()) == (True, "acme")
    assert not is_loop_thread()


def test_200_threads_share_one_loop(loop: LoopThread) -> None:
    together = threading.Barrier(200)

    async def who(number: int) -> tuple[int, int]:
        await asyncio.sleep(0)
        return number, await call_user(where)

    def call(number: int) -> bool:
        together.wait(30)
        return loop.run(who(number)) == (number, threading.get_ident())

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        assert all(pool.map(call, range(200)))


def test_it_works_where_the_calling_thread_has_a_running_loop() -> None:
    """A notebook: the cell runs inside the kernel's own loop."""

    async def cell() -> tuple[int, int]:
        return loop_thread().run(call_user(where)), threading.get_ident()

    ran_in, cell_thread = asyncio.run(cell())
    assert ran_in == cell_thread


def test_the_loop_thread_refuses_to_wait_for_itself(loop: LoopThread) -> None:
    async def inner() -> None: ...

    async def outer() -> None:
        loop.run(inner())

    with pytest.raises(RuntimeError, match="use AsyncClient"):
        loop.run(outer())


def test_nothing_of_a_call_stays_in_memory(loop: LoopThread) -> None:
    class Result:
        pass

    async def publish(value: str) -> Result:
        result = Result()
        seen.append(weakref.ref(result))
        await call_user(int, value)
        return result

    def calls() -> None:
        loop.run(publish("1"))
        with pytest.raises(ValueError, match="invalid literal"):
            loop.run(publish("x"))

    seen: list[weakref.ref[Result]] = []
    gc.collect()
    gc.disable()
    try:
        calls()
        loop.run(asyncio.sleep(0))  # the loop has let go of both by now
        assert [ref() for ref in seen] == [None, None]
    finally:
        gc.enable()


def test_a_task_cancelled_by_others_is_an_ordinary_error_for_the_caller(loop: LoopThread) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(concurrent.futures.CancelledError):
        loop.run(cancelled())


def test_an_async_callable_that_exits_does_not_take_the_loop_along(loop: LoopThread) -> None:
    async def leave() -> None:
        sys.exit(3)

    with pytest.raises(SystemExit):
        loop.run(call_user(leave))
    assert loop.run(asyncio.sleep(0, "alive")) == "alive"


# --- call_user ---


def test_a_plain_callable_runs_in_the_calling_thread_and_context(loop: LoopThread) -> None:
    def judge(verdict: str, *, by: str) -> tuple[int, str]:
        tenant.set(verdict)
        return threading.get_ident(), by

    assert loop.run(call_user(judge, "allow", by="desk")) == (threading.get_ident(), "desk")
    assert tenant.get() == "allow"  # set in the caller's own context, not in a copy


def test_callables_of_child_tasks_run_in_the_calling_thread_too(loop: LoopThread) -> None:
    async def fan_out() -> list[int]:
        return await asyncio.gather(*(call_user(where, n) for n in range(20)))

    assert set(loop.run(fan_out())) == {threading.get_ident()}


def test_an_async_callable_runs_on_the_loop() -> None:
    class AsyncGate:
        async def judge(self) -> bool:
            return is_loop_thread()

        async def __call__(self) -> bool:
            return is_loop_thread()

    gate = AsyncGate()
    for judge in (gate.judge, gate, functools.partial(gate.judge)):
        assert loop_thread().run(call_user(judge))


def test_a_plain_callable_may_return_an_awaitable(loop: LoopThread) -> None:
    async def load(called_in: int) -> tuple[int, int]:
        return called_in, threading.get_ident()

    def wrapped() -> Any:
        return load(threading.get_ident())

    began, ended = loop.run(call_user(wrapped))
    assert began == threading.get_ident() != ended


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration(), asyncio.CancelledError()])
def test_the_error_of_a_plain_callable_comes_back_as_it_is(loop: LoopThread, error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def catch() -> BaseException | None:
        try:
            await call_user(fail)
        except BaseException as caught:  # Python allows no StopIteration to leave a coroutine
            return caught.__cause__ if isinstance(error, StopIteration) else caught
        return None

    assert loop.run(catch()) is error
    assert asyncio.run(catch()) is error


def test_without_a_calling_thread_a_plain_callable_runs_in_a_worker_with_the_contextvars() -> None:
    def look() -> tuple[int, str]:
        return threading.get_ident(), tenant.get()

    async def main() -> tuple[int, str]:
        tenant.set("acme")
        return await call_user(look)

    thread, seen = asyncio.run(main())
    assert (thread != threading.get_ident(), seen) == (True, "acme")


def test_another_loop_does_not_send_its_callables_to_our_caller(loop: LoopThread) -> None:
    """An AsyncClient used in a worker thread, which inherits the contextvars of a Client's call."""

    async def main() -> tuple[int, int]:
        return await asyncio.to_thread(lambda: (asyncio.run(call_user(where)), where()))

    assert threading.get_ident() not in loop.run(main())


def test_blocked_callables_do_not_starve_the_one_that_frees_them() -> None:
    """More of them than the default executor has threads: a token store whose lock() blocks."""
    free = threading.Event()

    async def main() -> list[bool]:
        waiting = [asyncio.create_task(call_user(free.wait, 20)) for _ in range(64)]
        await asyncio.sleep(0)
        await call_user(free.set)
        return await asyncio.gather(*waiting)

    assert all(asyncio.run(main()))


def test_a_call_from_inside_a_callable_works_in_the_same_thread(loop: LoopThread) -> None:
    """A gate that reads client.history()."""

    async def history(depth: int) -> int:
        return await call_user(gate, depth - 1) if depth else await call_user(where)

    def gate(depth: int) -> int:
        return loop.run(history(depth))

    assert loop.run(history(5)) == threading.get_ident()


def test_a_call_from_inside_a_callable_also_serves_the_outer_call(loop: LoopThread) -> None:
    """The inner call waits for what the outer one's other target does: that must go on."""

    async def outer() -> str:
        saved = asyncio.Event()

        async def other_target() -> None:
            await begun.wait()
            await call_user(where)
            saved.set()

        async def history() -> str:
            begun.set()
            await saved.wait()
            return "read"

        begun = asyncio.Event()
        task = asyncio.create_task(other_target())
        answer: str = await call_user(lambda: loop.run(history()))
        await task
        return answer

    assert loop.run(outer()) == "read"


def test_a_task_that_outlives_its_call_gets_a_worker_thread(loop: LoopThread) -> None:
    async def start() -> asyncio.Task[int]:
        return asyncio.create_task(later())

    async def later() -> int:
        await go.wait()
        return await call_user(where)

    async def finish(task: asyncio.Task[int]) -> int:
        go.set()
        return await task

    go = asyncio.Event()
    assert loop.run(finish(loop.run(start()))) != threading.get_ident()


def test_what_the_calling_thread_did_not_begin_goes_to_a_worker(loop: LoopThread) -> None:
    """The thread sits in the first callable when its call ends, and the second frees it."""

    async def start() -> asyncio.Task[bool]:
        occupied = asyncio.create_task(call_user(freed.wait, 20))
        tasks.add(asyncio.create_task(call_user(freed.set)))
        await asyncio.sleep(0)
        return occupied

    async def finish(task: asyncio.Task[bool]) -> bool:
        return await task

    freed, tasks = threading.Event(), set[Any]()
    assert loop.run(finish(loop.run(start())))


def test_a_cancelled_call_that_has_not_begun_never_begins(loop: LoopThread) -> None:
    async def main() -> None:
        occupied = asyncio.create_task(call_user(hold.wait, 20))
        withdrawn = asyncio.create_task(call_user(began.append, "withdrawn"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        withdrawn.cancel()
        await asyncio.wait([withdrawn])
        hold.set()
        await occupied
        await call_user(began.append, "next")

    hold, began = threading.Event(), list[str]()
    loop.run(main())
    assert began == ["next"]


# --- interrupts (as real signals: test_loop_signals.py) ---


def test_only_the_interrupted_callable_is_cancelled_the_next_one_is_served(loop: LoopThread) -> None:
    async def interrupted() -> None:
        try:
            await call_user(sys.exit)
        except asyncio.CancelledError:
            cancelled.set()

    async def publish() -> tuple[None, bool]:
        both = asyncio.gather(interrupted(), call_user(cancelled.wait, 20))
        try:
            return await asyncio.shield(both)
        except asyncio.CancelledError:
            return await both

    cancelled = threading.Event()
    with pytest.raises(SystemExit) as stop:
        loop.run(publish())
    assert stop.value.report == [None, True]  # type: ignore[attr-defined]


def test_a_callable_interrupted_a_second_time_is_cancelled_too(loop: LoopThread) -> None:
    async def publish() -> None:
        for _ in range(2):
            try:
                await call_user(sys.exit)
            except asyncio.CancelledError:
                cancelled.append("cancelled")
        finished.set()

    async def finish() -> list[str]:
        await finished.wait()
        return cancelled

    finished, cancelled = asyncio.Event(), list[str]()
    with pytest.raises(SystemExit):
        loop.run(publish())
    assert loop.run(asyncio.wait_for(finish(), 20)) == ["cancelled", "cancelled"]


def test_a_second_interrupt_before_the_first_is_handled_still_cancels_the_call(
    loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell and a wrapper that passes its signal on press Ctrl-C twice within microseconds."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def publish() -> None:
        try:
            await asyncio.gather(call_user(sys.exit), return_exceptions=True)
            await asyncio.Event().wait()
        finally:
            ended.set()

    ended = asyncio.Event()
    monkeypatch.setattr(Caller, "interrupt", interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run(publish())
    assert loop.run(asyncio.wait_for(ended.wait(), 20))


def test_the_wait_after_an_interrupt_is_bounded() -> None:
    impatient = LoopThread(grace=0)

    async def stubborn() -> None:
        try:
            await call_user(sys.exit, 3)
        except asyncio.CancelledError:
            await go_on.wait()

    async def let_go() -> None:
        go_on.set()

    go_on = asyncio.Event()
    with pytest.raises(SystemExit) as stop:
        impatient.run(stubborn())
    assert stop.value.report is None  # type: ignore[attr-defined]
    impatient.run(let_go())
    impatient.close()


def test_closing_stops_the_thread_and_a_later_call_starts_another(loop: LoopThread) -> None:
    before = threading.active_count()
    loop.run(asyncio.sleep(0))
    assert threading.active_count() == before + 1
    loop.close()
    loop.close()
    assert threading.active_count() == before
    assert loop.run(asyncio.sleep(0, "again")) == "again"
