"""One event loop in a thread of its own, so that plain programs can call the async library.

``Client`` hands its coroutines to :meth:`LoopThread.run` and waits. While it waits, the calling thread serves
an inbox: the callables a user gave us (stores, gates, progress) run there, in the caller's own thread, so
thread-bound things such as Django's ORM and its transactions work. :func:`call_user` decides where one runs.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextvars
import functools
import inspect
import math
import os
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar, cast, overload

__all__ = ["LoopThread", "call_user", "is_loop_thread", "is_of_this_loop", "loop_thread"]

T = TypeVar("T")

GRACE = 30.0
"""Seconds an interrupted call waits for its outcome; the coroutine's own shielded grace must be shorter."""
SIGNAL_CHECK = 1.0
"""Seconds after which a waiting thread looks up: a signal just before it blocks would not wake it."""
MAX_WORKERS = 512
"""So many that a callable which blocks (a lock, say) never keeps the one it waits for from running."""

Interrupt = (KeyboardInterrupt, SystemExit)
"""Must never be raised inside a task: asyncio lets them stop the whole loop."""


class _Awaited(asyncio.Future[Any]):
    """A future another thread fulfils: a clock that jumps while everything waits must not jump over it."""

    waits_for_thread = True


class UserCall:
    """One plain callable on its way to the thread that runs it: once at most, never when withdrawn."""

    __slots__ = ("_claim", "_error", "_func", "_future", "_loop", "context")

    def __init__(self, func: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self._func, self._loop = func, loop
        self._future = _Awaited(loop=loop)
        self._error: BaseException | None = None  # not in the future, which refuses StopIteration
        self._claim = threading.Lock()
        self.context = contextvars.copy_context()

    @property
    def waiting(self) -> bool:
        """Whether no thread has begun it."""
        return not self._claim.locked()

    def execute(self) -> None:
        """Run it in this thread, unless begun elsewhere. An interrupt is the thread's, not the task's."""
        if not self._claim.acquire(blocking=False):
            return
        try:
            value = self._func()
        except Interrupt:
            raise
        except BaseException as error:
            self.deliver(None, error)
        else:
            self.deliver(value, None)

    def execute_in_worker(self) -> None:
        """Run it in a worker thread, with the contextvars of the task that asked."""
        try:
            self.context.run(self.execute)
        except Interrupt as error:
            self.deliver(None, error)

    def deliver(self, value: Any, error: BaseException | None) -> None:
        """Hand the outcome to the waiting task, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._resolve, value, error)
        except RuntimeError:  # the loop is closed: nobody waits any more
            _discard(value)

    def abandon(self) -> None:
        """Cancel what waits for it (on the loop): the thread that ran it was interrupted."""
        self._future.cancel()

    async def result(self) -> Any:
        """Wait for the outcome; the callable's exception comes back as it is."""
        try:
            value = await self._future
        finally:
            self._claim.acquire(blocking=False)  # after a cancellation it must not begin any more
        error, self._error = self._error, None
        if error is None:
            return value
        try:
            raise error
        finally:
            del error  # the traceback holds this frame

    def _resolve(self, value: Any, error: BaseException | None) -> None:
        if self._future.done():
            _discard(value)
        else:
            self._error = error
            self._future.set_result(value)


Inbox = queue.SimpleQueue[UserCall | None]


class Caller(Generic[T]):
    """The thread that waits for one coroutine, and the inbox it serves meanwhile.

    Everything but :meth:`serve` and :meth:`result` happens on the loop thread, so no state needs a lock.
    """

    def __init__(self, coro: Coroutine[Any, Any, T], inbox: Inbox) -> None:
        self._coro, self._inbox, self._pid = coro, inbox, os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._calls: set[UserCall] = set()
        self._serving: UserCall | None = None
        self._value: T | None = None
        self._error: BaseException | None = None
        self._cancelled = self._ended = self._left = False

    def submit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have the loop start the coroutine with this thread's contextvars."""
        context = contextvars.copy_context()
        context.run(_caller.set, self)
        self._loop = loop
        loop.call_soon_threadsafe(self._start, context)

    def serves(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a task of that loop may send its callables here."""
        return self._loop is loop and not self._left

    async def run(self, call: UserCall) -> Any:
        """The call's result, from the thread that waits."""
        self._calls.add(call)
        self._inbox.put(call)
        try:
            return await call.result()
        finally:
            self._calls.discard(call)

    def serve(self, timeout: float | None = None) -> None:
        """Run the callables that arrive, until the coroutine has ended or the time (seconds) is over."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not self._ended:
            left = deadline - time.monotonic()
            try:
                call = self._inbox.get(timeout=max(0.0, min(left, SIGNAL_CHECK)))
            except queue.Empty:
                if left <= 0:
                    return
                continue
            if call is not None:
                self._execute(call)

    def result(self) -> T:
        """What the coroutine returned; its exception is raised as it is."""
        if self._error is None:
            return cast(T, self._value)
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error, self  # the traceback holds this frame

    def interrupt(self, stop: BaseException, grace: float) -> None:
        """Cancel the task, wait for its outcome, put it on ``stop``; a second interrupt leaves at once."""
        if self._loop is None:
            self._coro.close()
        elif os.getpid() == self._pid:  # a forked child has no loop to wait for
            _attach_report(stop, None)
            try:
                self._loop.call_soon_threadsafe(self._cancel, self._serving)
                self.serve(grace)
            except BaseException as again:
                _attach_report(again, None)
                raise
            if self._ended:
                _attach_report(stop, getattr(self._error, "report", self._value))

    def leave(self) -> None:
        """The thread goes; without an outcome the task is cancelled and its callables go to workers."""
        if self._ended and self._serving is None:
            return
        if self._loop is not None and os.getpid() == self._pid:
            self._loop.call_soon_threadsafe(self._cancel, self._serving)
            self._loop.call_soon_threadsafe(self._leave)

    def _execute(self, call: UserCall) -> None:
        self._serving = call
        call.execute()
        self._serving = None
        if os.getpid() != self._pid:
            raise RuntimeError(
                "this process was forked inside a callable that socialkit runs: the child has no call to "
                "return to; end it with os._exit() inside the callable"
            )

    def _start(self, context: contextvars.Context) -> None:
        self._task = cast(asyncio.AbstractEventLoop, self._loop).create_task(self._coro, context=context)
        self._task.add_done_callback(self._finish)

    def _cancel(self, interrupted: UserCall | None) -> None:
        if interrupted is not None:
            interrupted.abandon()
        if not self._cancelled and not self._ended:
            self._cancelled = True  # once: a second cancel would end the coroutine's own grace
            self._task.cancel() if self._task is not None else self._end_unstarted()
        for call in self._waiting():  # an interrupt may have lost it between inbox and thread
            self._inbox.put(call)

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._error = concurrent.futures.CancelledError("the call was cancelled before it had an outcome")
        elif (error := task.exception()) is not None:
            self._error = error
        else:
            self._value = task.result()
        self._end()

    def _end_unstarted(self) -> None:
        self._coro.close()
        self._end()

    def _end(self) -> None:
        self._task = None
        self._ended = True
        self._inbox.put(None)
        self._leave()

    def _leave(self) -> None:
        self._left = True
        for call in self._waiting():
            _send_to_worker(call)

    def _waiting(self) -> list[UserCall]:
        return [call for call in self._calls if call.waiting]


class LoopThread:
    """An event loop in a daemon thread, started on first use; :func:`loop_thread` returns the process's own.

    ``grace``: seconds an interrupted :meth:`run` waits for the outcome.

    Example::

        async def add(a, b):
            return a + b

        assert loop_thread().run(add(1, 2)) == 3
    """

    def __init__(self, *, grace: float = GRACE) -> None:
        self._grace = grace
        self._exiting = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()  # reentrant: a signal handler may fork while we hold it
        self._local = threading.local()
        self._graveyard: list[object] = []
        self.last_inbox: Inbox | None = None

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, from any thread but the loop's; plain user callables run in this thread.

        Ctrl-C (or any exception a signal handler raises) cancels the task, waits up to ``grace`` seconds for
        its outcome and comes back with ``.report``: what the coroutine returned, or the ``.report`` of the
        error it raised, or None. A second one leaves at once; then the task ends without us.
        """
        caller, outer = None, getattr(self._local, "inbox", None)
        try:
            # shared with the outer call, whose callables must not starve while an inner one waits
            inbox = self._local.inbox = outer or queue.SimpleQueue()
            caller = Caller(coro, inbox)
            self._submit(caller)
            caller.serve()
        except BaseException as stop:
            coro.close() if caller is None else caller.interrupt(stop, self._grace)
            raise
        finally:
            self._local.inbox = outer
            if caller is not None:
                caller.leave()
        assert caller is not None
        return caller.result()

    def owns_this_thread(self) -> bool:
        """Whether the code that asks runs on this loop's thread."""
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def close(self, timeout: float = 2.0) -> None:
        """Cancel every task, wait for them up to ``timeout`` seconds, stop the loop, join the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            self.last_inbox = queue.SimpleQueue()
            ending = Caller(_cancel_others(timeout), self.last_inbox)
            ending.submit(loop)
        try:
            ending.serve(timeout + 1.0)
        finally:
            self.last_inbox = None
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout)

    def _submit(self, caller: Caller[Any]) -> None:
        with self._lock:  # held across fork; and close() cancels whatever was started before it
            caller.submit(self._ensure_loop())

    def _ensure_loop(self) -> asyncio.AbstractEventLoop:
        if self.owns_this_thread():
            raise RuntimeError(
                "Client was called on the event loop that serves it and would wait for itself: "
                "use AsyncClient in async callables"
            )
        if self._loop is None:
            if self._exiting:
                raise RuntimeError("the program is ending: use and close the Client before that")
            made: queue.SimpleQueue[asyncio.AbstractEventLoop] = queue.SimpleQueue()
            thread = threading.Thread(target=_serve, args=(made,), name="socialkit", daemon=True)
            thread.start()
            self._loop, self._thread = made.get(), thread
        return self._loop

    def before_fork(self) -> None:
        """No call is half handed over while the process is copied."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start anew. The parent's loop is kept unclosed: closing it here would end the parent's as well."""
        self._graveyard.append((self._loop, self._thread))
        self._loop = self._thread = None
        self._lock, self._local = threading.RLock(), threading.local()
        _workers.cache_clear()

    def at_exit(self, timeout: float = 2.0) -> None:
        """Close for good: later calls are refused."""
        self._exiting = True
        self.close(timeout)


def loop_thread() -> LoopThread:
    """The process's loop thread. A forked child gets its own; it ends with the interpreter."""
    return _loop_thread


def is_loop_thread() -> bool:
    """Whether the code that asks runs on the process's loop thread, where nothing may block."""
    return _loop_thread.owns_this_thread()


def is_of_this_loop(future: asyncio.Future[Any] | None) -> bool:
    """Whether the running loop is the future's own: one that a fork left behind never ends here."""
    return future is not None and future.get_loop() is asyncio.get_running_loop()


@overload
async def call_user(func: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T: ...
@overload
async def call_user(func: Callable[..., T | Awaitable[T]], *args: Any, **kwargs: Any) -> T: ...
async def call_user(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a user's callable returns: async ones run here, plain ones never on an event-loop thread.

    A plain callable runs in the thread that waits in :meth:`LoopThread.run`; without one (``AsyncClient``),
    or when that thread has left, in a worker thread with the task's contextvars. If it returns an awaitable,
    that is awaited here. When the awaiting task is cancelled, a callable that has not begun never begins; one
    that runs goes on unheard: shield what must be known.
    """
    if _is_async(func):
        return await func(*args, **kwargs)
    loop, caller = asyncio.get_running_loop(), _caller.get()
    call = UserCall(functools.partial(func, *args, **kwargs), loop)
    if caller is not None and caller.serves(loop):
        value = await caller.run(call)
    else:
        _send_to_worker(call)
        value = await call.result()
    return await value if inspect.isawaitable(value) else value


def _is_async(func: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)


def _send_to_worker(call: UserCall) -> None:
    try:
        _workers().submit(call.execute_in_worker)
    except RuntimeError as error:  # no new threads: the program is ending, and one thread waits for the rest
        inbox = _loop_thread.last_inbox
        call.deliver(None, error) if inbox is None else inbox.put(call)


@functools.cache
def _workers() -> concurrent.futures.Executor:
    return concurrent.futures.ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="socialkit-callable")


async def _cancel_others(timeout: float) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=timeout)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _serve(made: queue.SimpleQueue[asyncio.AbstractEventLoop]) -> None:
    loop = asyncio.new_event_loop()
    made.put(loop)
    try:
        while True:
            try:
                return loop.run_forever()
            except Interrupt:  # raised by an async callable of a user: its task has it, the loop goes on
                continue
    finally:
        loop.close()


def _discard(value: Any) -> None:
    if inspect.iscoroutine(value):
        value.close()


def _attach_report(stop: BaseException, report: Any) -> None:
    stop.report = report  # type: ignore[attr-defined]


_caller: contextvars.ContextVar[Caller[Any] | None] = contextvars.ContextVar("socialkit_caller", default=None)
_loop_thread = LoopThread()

os.register_at_fork(
    before=_loop_thread.before_fork,
    after_in_parent=_loop_thread.after_fork_in_parent,
    after_in_child=_loop_thread.after_fork_in_child,
)
atexit.register(_loop_thread.at_exit)
