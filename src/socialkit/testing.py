"""What tests of programs that post need: a clock they move themselves, fixtures, contract suites to subclass.

The fixtures need no plugin; name them in a ``conftest.py``::

    from socialkit.testing import client, sandbox

``sandbox`` is a :class:`~socialkit.sandbox.Sandbox` of every platform, ``client`` a
:class:`~socialkit.Client` with an account on each of them and a store in memory; in asyncio tests
``sandbox.async_client()`` gives the same. ``AdapterContract``, ``StoreContract`` and ``TokenStoreContract`` are
explained in :mod:`socialkit.contracts`. All but the clock are loaded when they are first named.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from .client import Client
    from .contracts import AdapterContract, StoreContract, TokenStoreContract
    from .sandbox import Sandbox

    sandbox: Any
    client: Any

__all__ = ["AdapterContract", "ManualClock", "StoreContract", "TokenStoreContract", "client", "sandbox"]

_depth: ContextVar[int] = ContextVar("socialkit_clock_holds", default=0)
_FLOW_STEP = 0.01
_EPOCH = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@attrs.define(eq=False)
class _Timer:
    """One thing that happens at a deadline: a sleeping task wakes, or a callback runs."""

    loop: asyncio.AbstractEventLoop | None
    future: asyncio.Future[None] | None
    callback: Callable[[], object] | None = None
    done: bool = False

    def fire(self) -> None:
        self.done = True
        if self.callback is not None:
            self.callback()
        elif self.loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


class ManualClock:
    """A clock that moves only when told to, or by itself when everybody waits for it.

    ``advance(seconds)`` moves it. With ``autojump`` (the default) it also jumps to the next deadline as soon
    as every task of every running loop that sleeps on it has nothing else to do; a jump costs ``grace`` real
    seconds. Work in executor threads, and whatever runs under ``hold()``, keeps it from jumping. With
    ``flows=True`` real time passes as well, for a sandbox that people use by hand. All methods may be called
    from any thread.

    >>> import asyncio
    >>> clock = ManualClock()
    >>> before = clock.now()
    >>> asyncio.run(clock.sleep(3600))                       # returns at once
    >>> (clock.now() - before).total_seconds()
    3600.0
    """

    def __init__(
        self, start: datetime = _EPOCH, *, autojump: bool = True, grace: float = 0.001, flows: bool = False
    ) -> None:
        self.autojump = autojump
        self.grace = grace
        self.flows = flows
        self._start = start.astimezone(UTC)
        self._elapsed = 0.0
        self._real = time.monotonic()
        self._lock = threading.RLock()
        self._order = itertools.count()
        self._timers: list[tuple[float, int, _Timer]] = []
        self._watched: set[asyncio.AbstractEventLoop] = set()
        self._quiet: set[asyncio.AbstractEventLoop] = set()
        self._holds = 0
        self._ended = 0

    def now(self) -> datetime:
        """The moment this clock shows, aware UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds since this clock started."""
        if self.flows:
            with self._lock:
                real = time.monotonic()
                self._elapsed += real - self._real
                self._real = real
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move forward by ``seconds``; everything due on the way happens in order.

        A task woken on the way runs once its loop gets the turn, and then sees the time after the whole step.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back: advance({seconds!r})")
        self._move_to(self.monotonic() + seconds)

    def run_due(self) -> None:
        """Let happen what is due by now; only a flowing clock ever needs it."""
        self._move_to(self.monotonic())

    def call_at(self, moment: datetime, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when this clock reaches ``moment``, in the thread that moves it."""
        deadline = (moment - self._start) / timedelta(seconds=1)
        self._push(deadline, _Timer(None, None, callback))

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock has moved ``seconds`` further."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        timer = _Timer(loop, loop.create_future())
        self._push(self.monotonic() + seconds, timer)
        self._watch(loop)
        try:
            with self.idle():
                await timer.future  # type: ignore[misc]  # set one line above the push
        finally:
            timer.done = True
            self._tidy()

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """No jump while the block runs: for work in threads or behind sockets that the clock cannot see."""
        token = _depth.set(_depth.get() + 1)
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
            _depth.reset(token)

    @contextlib.contextmanager
    def idle(self) -> Iterator[None]:
        """Inside a ``hold()``: let the clock jump while the block only waits."""
        depth = _depth.get()
        with self._lock:
            self._holds -= depth
        try:
            yield
        finally:
            with self._lock:
                self._holds += depth

    def _push(self, deadline: float, timer: _Timer) -> None:
        with self._lock:
            heapq.heappush(self._timers, (deadline, next(self._order), timer))

    def _move_to(self, target: float) -> None:
        while (timer := self._pop(target)) is not None:
            timer.fire()
        with self._lock:
            self._quiet.clear()
            self._elapsed = max(self._elapsed, target)

    def _pop(self, target: float) -> _Timer | None:
        with self._lock:
            while self._timers and self._timers[0][0] <= target:
                deadline, _, timer = heapq.heappop(self._timers)
                if not timer.done:
                    self._elapsed = max(self._elapsed, deadline)
                    return timer
            return None

    def _tidy(self) -> None:
        """Drop timers nobody waits for any more once they are most of the heap."""
        with self._lock:
            self._ended += 1
            if self._ended > 64 and self._ended > len(self._timers) // 2:
                self._timers = [item for item in self._timers if not item[2].done]
                heapq.heapify(self._timers)
                self._ended = 0

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if loop not in self._watched:
                self._watched.add(loop)
                loop.call_later(max(self.grace, _FLOW_STEP) if self.flows else self.grace, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """On ``loop``'s own thread: has it nothing left to do but wait for this clock? Then jump."""
        with self._lock:
            self._watched.discard(loop)
            sleeping = self._sleeping()
            if loop not in sleeping:
                self._quiet.discard(loop)
                return
            (self._quiet.add if _is_quiet(loop) else self._quiet.discard)(loop)
            target = self._jump_target(sleeping)
        if target is not None:
            self._move_to(target)
        self._watch(loop)

    def _sleeping(self) -> dict[asyncio.AbstractEventLoop, float]:
        """Every running loop with a sleeper, and its earliest deadline."""
        found: dict[asyncio.AbstractEventLoop, float] = {}
        for deadline, _, timer in self._timers:
            if timer.loop is not None and not timer.done and timer.loop.is_running():
                found[timer.loop] = min(deadline, found.get(timer.loop, deadline))
        return found

    def _jump_target(self, sleeping: dict[asyncio.AbstractEventLoop, float]) -> float | None:
        if self.flows:
            return self.monotonic()
        if not self.autojump or self._holds > 0 or not set(sleeping) <= self._quiet:
            return None
        return min(sleeping.values())


def _is_quiet(loop: asyncio.AbstractEventLoop) -> bool:
    """No callback is ready and no task waits for a thread."""
    if len(getattr(loop, "_ready", ())) > 0:
        return False
    return not any(_waits_for_thread(task) for task in asyncio.all_tasks(loop))


def _waits_for_thread(task: asyncio.Task[object]) -> bool:
    """Whether another thread feeds the future the task waits for.

    asyncio chains executor futures by the callback named here; other futures say so by ``waits_for_thread``.
    """
    future = getattr(task, "_fut_waiter", None)
    if getattr(future, "waits_for_thread", False):
        return True
    callbacks = getattr(future, "_callbacks", None) or ()
    return any("_call_check_cancel" in getattr(item[0], "__qualname__", "") for item in callbacks)


# --- loaded when first named --------------------------------------------------------------------------------
def __getattr__(name: str) -> Any:
    if name in ("client", "sandbox"):
        globals().update(_fixtures())
        return globals()[name]
    if name in __all__:
        from . import contracts

        return getattr(contracts, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _fixtures() -> dict[str, Any]:
    import pytest

    @pytest.fixture
    def sandbox() -> Iterator[Sandbox]:
        """Every platform's sandbox; leaving it checks that only commits changed a timeline."""
        from .sandbox import Sandbox

        with Sandbox() as box:
            yield box

    @pytest.fixture
    def client(sandbox: Sandbox) -> Iterator[Client]:
        """A client with an account on every platform of ``sandbox``."""
        with sandbox.client(store=":memory:") as made:
            yield made

    return {"sandbox": sandbox, "client": client}
