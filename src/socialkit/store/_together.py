"""Durable transactions that come at the same moment share one, and with it the wait for the disk.

A post to eleven accounts is eleven rows before it leaves and eleven after, and each of them forced to the disk alone
would hold up all the others. Each caller still gets its own result or its own error: when any of the works raises,
nothing of the shared transaction happened, and each work runs again in a transaction of its own.

A cancellation is never held back: what it stops, an ``asyncio.timeout()`` or a task group, ends right there. So it may
come to a caller whose work was done a moment before, and then the rows know what that caller does not.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import attrs

if TYPE_CHECKING:
    from . import Tx

_batches: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, _Batch]] = WeakKeyDictionary()


async def together(store: Any, work: Callable[[Tx], Any], pause: Callable[[], float]) -> Any:
    """What ``work`` returned in a durable transaction, shared with what else is ready to run on this loop.

    A call cancelled before the transaction changed nothing. One cancelled between the transaction and its own next turn
    is cancelled all the same, and has changed what ``work`` changed.
    """
    loop = asyncio.get_running_loop()
    batches = _batches.setdefault(loop, {})
    batch = batches.get(id(store))
    if batch is None:
        batch = batches[id(store)] = _Batch(store, loop, pause)
        loop.call_soon(batch.run)
    done: asyncio.Future[Any] = loop.create_future()
    batch.waiting.append((work, done))
    return await done


@attrs.define(eq=False)
class _Batch:
    """Works that wait for the next transaction of a store on one loop."""

    store: Any
    loop: asyncio.AbstractEventLoop
    pause: Callable[[], float]
    waiting: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]] = attrs.field(factory=list)
    started: float | None = None

    def run(self) -> None:
        """One transaction for all; while the store is busy, the same again in a moment."""
        batches = _batches[self.loop]
        if batches.get(id(self.store)) is self:
            del batches[id(self.store)]  # whoever comes from here on is too late for this one
        self.waiting = [(work, done) for work, done in self.waiting if not done.done()]
        try:
            self._run()
        except Exception as error:  # out of patience
            self._fail(error)
        except BaseException as error:
            self._fail(error)
            raise

    def _run(self) -> None:
        from . import Busy

        try:
            if len(self.waiting) < 2 or not self._all_in_one():
                self._one_by_one()
        except Busy:
            self.started = time.monotonic() if self.started is None else self.started
            check = getattr(self.store, "check_patience", None)
            if check is not None:
                check(time.monotonic() - self.started)
            self.loop.call_later(self.pause(), self.run)

    def _all_in_one(self) -> bool:
        """False, and nothing done, when a work raised."""
        from . import Busy

        works = [work for work, _ in self.waiting]
        try:
            results = self.store.try_transact(lambda tx: [work(tx) for work in works], durable=True)
        except Busy:
            raise
        except Exception:
            return False
        for (_, done), result in zip(self.waiting, results, strict=True):
            _tell(done, result)
        return True

    def _one_by_one(self) -> None:
        from . import Busy

        for work, done in self.waiting:
            if done.done():
                continue
            try:
                result = self.store.try_transact(work, durable=True)
            except Busy:
                raise
            except Exception as error:
                _tell(done, error=error)
            else:
                _tell(done, result)

    def _fail(self, error: BaseException) -> None:
        """Each caller gets an error of its own: whose account it is will stand in it."""
        for _, done in self.waiting:
            _tell(done, error=copy.copy(error))


def _tell(done: asyncio.Future[Any], result: Any = None, error: BaseException | None = None) -> None:
    """End the wait of a caller that still waits: a Ctrl-C cancels in the middle of a transaction, too."""
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
