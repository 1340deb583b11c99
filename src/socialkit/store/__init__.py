"""Where a client keeps what it knows: journal, cells beside it, tokens, ownership, the passage of commits.

:class:`Store` and :class:`TokenStore` are protocols; bring your own and check it with the suites in
:mod:`socialkit.contracts`. Here is the memory store; the SQLite store and the token stores load on use.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import json
import math
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast

import attrs

from .._process import pid
from ..errors import ConfigError

if TYPE_CHECKING:
    from ..adapters.base import Credential
    from ..model import Identity
    from ._sqlite import SQLiteStore as SQLiteStore
    from ._token_files import EnvironmentTokens as EnvironmentTokens
    from ._token_files import FileTokens as FileTokens
    from ._token_keyring import KeyringTokens as KeyringTokens
    from ._tokens import MemoryTokens as MemoryTokens
    from ._tokens import StoreTokens as StoreTokens
    from ._tokens import credential_from_dict as credential_from_dict
    from ._tokens import credential_to_dict as credential_to_dict

__all__ = [
    "SECRET_SPACES",
    "Busy",
    "EnvironmentTokens",
    "FileTokens",
    "KeyringTokens",
    "MemoryStore",
    "MemoryTokens",
    "Row",
    "SQLiteStore",
    "Store",
    "StoreTokens",
    "TokenStore",
    "Tx",
    "credential_from_dict",
    "credential_to_dict",
    "hurry",
    "open_store",
    "transact",
]

T = TypeVar("T")
SECRET_SPACES = frozenset({"secret", "token"})
"""Spaces whose cells are secrets: kept apart from everything that is shown, exported or logged."""
_jitter = random.SystemRandom()


class Busy(Exception):
    """Another writer is at work: ask again in a moment. Only ``try_transact`` raises it."""


@attrs.frozen
class Row:
    """One line of the append-only journal: ``seq`` orders the lines, ``at`` is aware UTC, ``data`` is JSON.

    >>> Row(1, datetime(2026, 11, 2, 9, tzinfo=UTC), "intent-1", "sending", {}).kind
    'sending'
    """

    seq: int
    at: datetime
    intent: str | None
    kind: str
    data: dict[str, Any]


class Tx(Protocol):
    """What ``work`` may do inside one transaction. Values are JSON; what comes out is the caller's to change.

    >>> def work(tx: Tx) -> int:
    ...     tx.put("budget", "x", {"left": 299})
    ...     return tx.append("planned", {"account": "sky"}, intent="intent-1", at=datetime.now(UTC))
    >>> MemoryStore().transact(work)
    1
    """

    def append(self, kind: str, data: Mapping[str, Any], *, intent: str | None = None, at: datetime) -> int:
        """The new journal line's ``seq``, larger than every earlier one. A naive ``at`` is a ValueError."""
        ...

    def rows(
        self,
        *,
        intent: str | None = None,
        kinds: Sequence[str] = (),
        after: int = 0,
        since: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Row]:
        """The journal's lines by ``seq`` that match everything given.

        ``kinds``: one of them; ``after``: ``seq > after``; ``since``: ``at >= since``; at most ``limit``.
        """
        ...

    def get(self, space: str, key: str) -> Any | None:
        """A cell's value; None when there is none."""
        ...

    def put(self, space: str, key: str, value: Any) -> None:
        """Set a cell. The spaces in :data:`SECRET_SPACES` hold secrets."""
        ...

    def delete(self, space: str, key: str) -> None:
        """Remove a cell; nothing happens when there is none."""
        ...

    def items(self, space: str, prefix: str = "") -> list[tuple[str, Any]]:
        """(key, value) of every cell whose key starts with ``prefix``, sorted by key."""
        ...


class Store(Protocol):
    """Everything a client needs to remember, for all processes of one machine that share it.

    ``transact`` may be plain (it is then called off the event loop) or return an awaitable. A store that
    never waits may offer ``try_transact`` with the same arguments, raising :class:`Busy` instead; it is then
    called on the loop itself, as ``owner``, ``alive``, ``try_enter`` and ``leave`` are: they must not wait. With
    ``shares_commits = True`` beside it, durable works that come at the same moment run in one transaction. A
    store given to a client stays open when the client closes.

    >>> store = open_store(":memory:")
    >>> store.transact(lambda tx: tx.put("budget", "x", 1))
    >>> store.transact(lambda tx: tx.get("budget", "x"))
    1
    """

    def transact(self, work: Callable[[Tx], T], *, durable: bool = False) -> T | Awaitable[T]:
        """What ``work`` returns; all it did happened, or, when it raises, nothing did.

        ``work`` may run again when the store was busy, and may call :meth:`owner` and :meth:`alive`.
        ``durable`` survives a loss of power, plain only the death of the process.
        """
        ...

    def owner(self) -> str:
        """This process's name as an owner, alive until the process dies. A forked child gets another one."""
        ...

    def alive(self, owner: str) -> bool:
        """Whether the process that made that name lives (stopped ones do). False for what is no such name."""
        ...

    def try_enter(self) -> bool:
        """Enter the passage all commits share; False while somebody drains it. Counted; never blocks."""
        ...

    def leave(self) -> None:
        """Undo one :meth:`try_enter` that returned True."""
        ...

    def drain(self, timeout: float) -> bool:
        """Wait until everyone who was in the passage has left, holding newcomers back.

        False after ``timeout`` seconds. Blocks: call it off the event loop.
        """
        ...

    def close(self) -> None:
        """Give back files; the store is not used afterwards. Twice does no harm."""
        ...


class TokenStore(Protocol):
    """Credentials by identity. ``load`` and ``save`` may be plain or async, ``lock`` any context manager.

    ``credential_to_dict`` and ``credential_from_dict`` are the JSON form to keep: every field, secret.

    >>> from socialkit.adapters.base import Credential
    >>> from socialkit.model import Identity
    >>> from socialkit.store import MemoryTokens
    >>> tokens, who = MemoryTokens(), Identity("x", "https://api.example.com", "7")
    >>> tokens.save(who, Credential("bearer", access_token="s3cret"))
    >>> tokens.load(who)
    Credential(kind='bearer')
    """

    def load(self, identity: Identity) -> Credential | Awaitable[Credential | None] | None:
        """The credential saved last; None when there is none."""
        ...

    def save(self, identity: Identity, credential: Credential) -> Awaitable[None] | None:
        """Keep the credential, all fields of it, before returning."""
        ...

    def lock(self, identity: Identity) -> AbstractContextManager[None] | AbstractAsyncContextManager[None]:
        """Held by one task at a time, across threads and processes; freed when the process dies."""
        ...


async def transact(
    store: Store,
    work: Callable[[Tx], T],
    *,
    durable: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """What ``work`` returned in a transaction of any store, without holding up the event loop."""
    attempt = getattr(store, "try_transact", None)
    if attempt is None:
        from .._loop import call_user

        return cast(T, await call_user(store.transact, work, durable=durable))
    if durable and sleep is asyncio.sleep and getattr(store, "shares_commits", False):
        from ._together import together

        return cast(T, await together(store, work, pause))
    started: float | None = None
    while True:
        try:
            return cast(T, attempt(work, durable=durable))
        except Busy:
            started = time.monotonic() if started is None else started
            check = getattr(store, "check_patience", None)
            if check is not None:
                check(time.monotonic() - started)
        await sleep(pause())


def pause() -> float:
    """Seconds to wait before a busy store is asked again: random, so that no writer starves."""
    return _jitter.uniform(0.0002, 0.0015)


async def hurry(seconds: float) -> None:
    """How a stop waits for a busy store (``sleep=``): it does not stand in line behind those it stops."""
    time.sleep(0.00005)  # noqa: ASYNC251 - asyncio cannot sleep for less than a millisecond
    await asyncio.sleep(0)


def open_store(where: str | os.PathLike[str] | Store | None) -> Store:
    """The store named: in memory for None and ``":memory:"``, an SQLite file for a path, a store for itself.

    >>> type(open_store(None)).__name__
    'MemoryStore'
    """
    if where is None or where == ":memory:":
        return MemoryStore()
    if isinstance(where, str | os.PathLike):
        from ._sqlite import SQLiteStore

        return SQLiteStore(where)
    if not hasattr(where, "transact"):
        raise ConfigError(f"store= takes a path, ':memory:' or a Store, not {type(where).__name__}")
    return where


def __getattr__(name: str) -> Any:
    if name == "SQLiteStore":
        from ._sqlite import SQLiteStore

        return SQLiteStore
    if name in ("EnvironmentTokens", "FileTokens"):
        from . import _token_files

        return getattr(_token_files, name)
    if name == "KeyringTokens":
        from ._token_keyring import KeyringTokens

        return KeyringTokens
    if name in ("MemoryTokens", "StoreTokens", "credential_from_dict", "credential_to_dict"):
        from . import _tokens

        return getattr(_tokens, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# --- in memory ----------------------------------------------------------------------------------------------

_lock = threading.RLock()
_MISSING: Any = object()
encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""JSON text of a value; TypeError or ValueError for what is not JSON."""


def _replace_lock() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(
    before=lambda: _lock.acquire(), after_in_parent=lambda: _lock.release(), after_in_child=_replace_lock
)


_SCALARS = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})


def _plain(value: Any) -> Any:
    """A copy as JSON would give it back, or JSON's own error."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict and _TEXT.issuperset(map(type, value)):
        if _SCALARS.issuperset(map(type, value.values())):
            return value.copy()
        return {key: item if type(item) in _SCALARS else _plain(item) for key, item in value.items()}
    if kind is list or kind is tuple:
        if _SCALARS.issuperset(map(type, value)):
            return list(value)
        return [item if type(item) in _SCALARS else _plain(item) for item in value]
    if kind is float and math.isfinite(value):
        return value
    return json.loads(encode(value))


def aware(moment: datetime) -> datetime:
    """The moment in UTC; a naive one is a ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; journal times are aware UTC")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class _Memory:
    """The content of a memory store."""

    def __init__(self) -> None:
        self.journal: list[Row] = []
        self.by_intent: dict[str | None, list[Row]] = {}
        self.by_kind: dict[str, list[Row]] = {}
        self.cells: dict[str, dict[str, Any]] = {}


class _MemoryTx:
    __slots__ = ("_memory", "_undo")

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self._undo: list[tuple[dict[str, Any], str, Any] | Row] = []

    def append(self, kind: str, data: Mapping[str, Any], *, intent: str | None = None, at: datetime) -> int:
        memory = self._memory
        copy = _plain(data if type(data) is dict else dict(data))
        row = Row(len(memory.journal) + 1, aware(at), intent, kind, copy)
        self._undo.append(row)
        memory.by_intent.setdefault(intent, []).append(row)
        memory.by_kind.setdefault(kind, []).append(row)
        memory.journal.append(row)
        return row.seq

    def rows(
        self,
        *,
        intent: str | None = None,
        kinds: Sequence[str] = (),
        after: int = 0,
        since: datetime | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> list[Row]:
        source = self._memory.journal
        if intent is not None:
            source = self._memory.by_intent.get(intent, [])
        elif len(kinds) == 1:
            source = self._memory.by_kind.get(kinds[0], [])
        if not source:
            return []
        start = bisect.bisect_right(source, after, key=lambda row: row.seq)
        places = range(start, len(source))
        chosen: Iterable[Row] = (source[i] for i in (reversed(places) if newest_first else places))
        if kinds:
            chosen = (row for row in chosen if row.kind in kinds)
        if since is not None:
            earliest = aware(since)
            chosen = (row for row in chosen if row.at >= earliest)
        return [
            Row(row.seq, row.at, row.intent, row.kind, _plain(row.data))
            for row in itertools.islice(chosen, limit)
        ]

    def get(self, space: str, key: str) -> Any | None:
        cells = self._memory.cells.get(space)
        return _plain(cells.get(key)) if cells else None

    def put(self, space: str, key: str, value: Any) -> None:
        value = _plain(value)
        cells = self._memory.cells.setdefault(space, {})
        self._undo.append((cells, key, cells.get(key, _MISSING)))
        cells[key] = value

    def delete(self, space: str, key: str) -> None:
        cells = self._memory.cells.get(space, {})
        self._undo.append((cells, key, cells.get(key, _MISSING)))
        cells.pop(key, None)

    def items(self, space: str, prefix: str = "") -> list[tuple[str, Any]]:
        cells = self._memory.cells.get(space)
        if not cells:
            return []
        return [(key, _plain(cells[key])) for key in sorted(cells) if key.startswith(prefix)]

    def undo(self) -> None:
        for step in reversed(self._undo):
            if isinstance(step, Row):
                self._forget(step)
            elif step[2] is _MISSING:
                step[0].pop(step[1], None)
            else:
                step[0][step[1]] = step[2]

    def _forget(self, row: Row) -> None:
        memory = self._memory
        for lines in (memory.journal, memory.by_intent[row.intent], memory.by_kind[row.kind]):
            if lines and lines[-1] is row:
                lines.pop()

    def end(self) -> None:
        del self._memory


class _Passage:
    """Who is in the passage of a memory store; a forked child starts with an empty one."""

    def __init__(self) -> None:
        self.pid = pid()
        self.inside = 0
        self.drains = 0
        self.changed = threading.Condition(threading.Lock())

    def try_enter(self) -> bool:
        with self.changed:
            self.inside += not self.drains
            return not self.drains

    def leave(self) -> None:
        with self.changed:
            if not self.inside:
                raise RuntimeError("leave() without a try_enter() that returned True")
            self.inside -= 1
            self.changed.notify_all()

    def drain(self, timeout: float) -> bool:
        with self.changed:
            self.drains += 1
            try:
                return self.changed.wait_for(lambda: not self.inside, timeout)
            finally:
                self.drains -= 1


class MemoryStore:
    """A store that lives and dies with the process; safe for threads. A forked child goes on with a copy.

    >>> with MemoryStore() as store:
    ...     store.transact(lambda tx: tx.append("note", {"n": 1}, at=datetime.now(UTC)))
    1
    """

    def __init__(self) -> None:
        self._memory: _Memory = _Memory()
        self._closed = False
        self._working = False
        self._gate = _Passage()
        self._names: dict[int, str] = {}
        self._locked: set[str] = set()

    def transact(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """What ``work`` returns; see :meth:`Store.transact`. Nothing survives the process, durable or not."""
        with _lock:
            if self._closed or self._working:
                raise _misused(self._closed, "the memory store")
            tx = _MemoryTx(self._memory)
            self._working = True
            try:
                return work(tx)
            except BaseException:
                tx.undo()
                raise
            finally:
                self._working = False
                tx.end()

    try_transact = transact

    def owner(self) -> str:
        """This process's name as an owner."""
        if (name := self._names.get(pid())) is not None:
            return name
        with _lock:
            return self._names.setdefault(pid(), f"{pid()}-{os.urandom(7).hex()}")

    def alive(self, owner: str) -> bool:
        """Whether that name belongs to this process, or to one that this was forked from and that lives."""
        maker = next((one for one, name in list(self._names.items()) if name == owner), None)
        if maker is None or maker == pid():
            return maker is not None
        try:
            os.kill(maker, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def try_enter(self) -> bool:
        """Enter the passage; False while it is being drained."""
        return self._passage().try_enter()

    def leave(self) -> None:
        """Leave the passage."""
        self._passage().leave()

    def drain(self, timeout: float) -> bool:
        """Wait until the passage is empty; False after ``timeout`` seconds."""
        return self._passage().drain(timeout)

    def _passage(self) -> _Passage:
        if self._gate.pid != pid():
            self._gate, self._locked = _Passage(), set()
        return self._gate

    def try_lock(self, name: str) -> bool:
        """Whether the lock of that name is the caller's now."""
        self._passage()
        with _lock:
            if name in self._locked:
                return False
            self._locked.add(name)
            return True

    def unlock(self, name: str) -> None:
        """Give back what :meth:`try_lock` gave."""
        with _lock:
            self._locked.discard(name)

    def close(self) -> None:
        """Forget everything."""
        with _lock:
            self._closed = True
            self._memory = _Memory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _misused(closed: bool, name: str) -> Exception:
    if closed:
        return ConfigError(f"{name} is closed; open a new one")
    return RuntimeError(
        "transact() inside the work of a transact() of the same store; use the tx it was given"
    )
