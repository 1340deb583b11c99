"""The store in an SQLite file, shared by the processes of one machine."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from .._clock import from_text, to_text
from ..errors import ConfigError, SocialKitError
from . import SECRET_SPACES, Busy, Row, Tx, _locks, _misused, aware, encode, pause

T = TypeVar("T")
APPLICATION = 0x536B6974
"""What ``PRAGMA application_id`` says in our files."""
MIGRATIONS: list[tuple[str, ...]] = [
    (
        """CREATE TABLE journal (
            seq INTEGER PRIMARY KEY, at TEXT NOT NULL, intent TEXT, kind TEXT NOT NULL, data TEXT NOT NULL
        )""",
        "CREATE INDEX journal_intent ON journal (intent) WHERE intent IS NOT NULL",
        "CREATE INDEX journal_kind ON journal (kind)",
        "CREATE INDEX journal_at ON journal (at)",
        """CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
            BEGIN SELECT raise(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
            BEGIN SELECT raise(ABORT, 'the journal is append-only'); END""",
        """CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal
            WHEN EXISTS (SELECT 1 FROM journal WHERE seq = NEW.seq)
            BEGIN SELECT raise(ABORT, 'the journal is append-only'); END""",
        """CREATE TABLE cells (
            space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)
        ) WITHOUT ROWID""",
        """CREATE TABLE secrets (
            space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (space, key)
        ) WITHOUT ROWID""",
    ),
]
"""The statements that lead from each schema version to the next."""

_lock = threading.RLock()
_stores: weakref.WeakSet[SQLiteStore] = weakref.WeakSet()


def _before_fork() -> None:
    # SQLite believes that a child holds the locks its parent took, so the child must inherit no open
    # connection: the parent's close would remove the log under a child that only seems to hold the file.
    _lock.acquire()
    for store in list(_stores):
        store._hang_up()


def _in_child() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(before=_before_fork, after_in_parent=lambda: _lock.release(), after_in_child=_in_child)


class SQLiteStore:
    """A store in one file, for any number of threads and processes of one machine; never on a network drive.

    The file (and ``-wal``, ``-shm`` and ``.lock`` beside it) is created readable by its user alone.
    ``patience`` is how many seconds a call waits for other writers, ``sleep`` how it waits.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with SQLiteStore(f"{folder.name}/socialkit.db") as store:
    ...     store.transact(lambda tx: tx.put("budget", "x", {"left": 299}))
    ...     store.transact(lambda tx: tx.get("budget", "x"))
    {'left': 299}
    >>> folder.cleanup()
    """

    shares_commits: ClassVar[bool] = True
    """Durable transactions of one moment are forced to the disk together."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = _checked_path(path)
        self.patience = patience
        self._sleep = sleep
        self._db: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._file: tuple[int, int] | None = None
        self._durable = False
        self._working = False
        self._closed = False
        self._locks = _locks.open_locks(f"{self.path}.lock")
        _stores.add(self)
        try:
            self.transact(lambda tx: None)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"SQLiteStore({self.path!r})"

    # --- transactions ---------------------------------------------------------------------------------------
    def transact(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """What ``work`` returns; see :meth:`Store.transact`. Waits for other writers as patience allows."""
        started = time.monotonic()
        while True:
            try:
                with _lock:
                    return self._transact(work, durable)
            except Busy:
                self.check_patience(time.monotonic() - started)
            self._sleep(pause())

    def try_transact(self, work: Callable[[Tx], T], *, durable: bool = False) -> T:
        """The same without ever waiting for another writer: raises :class:`~socialkit.store.Busy` instead."""
        lock = _lock
        if not lock.acquire(blocking=False):
            raise Busy
        try:
            return self._transact(work, durable)
        finally:
            lock.release()

    def check_patience(self, waited: float) -> None:
        """Raise once ``waited`` seconds are more than the store's patience."""
        if waited < self.patience:
            return
        pids = _locks.holders(f"{self.path}-shm") or _locks.holders(self.path)
        who = (
            f"process {', '.join(map(str, pids))}"
            if pids
            else "a backup, a database browser, a stopped process"
        )
        raise SocialKitError(
            f"{self.path} stayed locked by another writer ({who}) for {waited:.1f} s; nothing was changed. "
            "End that process or wait for it, then call again."
        ) from None

    def _transact(self, work: Callable[[Tx], T], durable: bool) -> T:
        if self._closed or self._working:
            raise _misused(self._closed, self.path)
        db = self._connection()
        if durable is not self._durable:
            self._run(db, f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._run(db, "BEGIN IMMEDIATE")
        tx = _SQLiteTx(self, db)
        self._working = True
        try:
            result = work(tx)
            if self._pid != os.getpid():
                raise RuntimeError(f"{self.path}: forked inside a transaction; only the parent may end it")
            self._run(db, "COMMIT")
            return result
        except BaseException:
            self._roll_back(db)
            raise
        finally:
            self._working = False
            tx.end()

    def _roll_back(self, db: sqlite3.Connection) -> None:
        if self._pid == os.getpid() and db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")

    def _run(self, db: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return db.execute(sql, values)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    # --- the file -------------------------------------------------------------------------------------------
    def _connection(self) -> sqlite3.Connection:
        if self._db is not None and self._pid != os.getpid():
            if self._db.in_transaction:
                raise SocialKitError(
                    f"{self.path}: this process was forked inside a transaction; it cannot use the store"
                )
            _bury(self._db)
            self._db = None
        if self._db is None:
            if self._file:
                self._require_files()
            self._db = self._connect()
            self._pid, self._durable, self._file = os.getpid(), False, _locks.identity_of(self.path)
        return self._db

    def _require_files(self) -> None:
        if not self._locks.intact or _locks.identity_of(self.path) != self._file:
            raise SocialKitError(
                f"{self.path} or its .lock file was removed or replaced while in use; nothing was done. "
                "Stop every process that uses it, then start again."
            )

    def _connect(self) -> sqlite3.Connection:
        _create(self.path)
        try:
            db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        self._run(db, "BEGIN")  # one snapshot: another process may be making the file at this very moment
        try:
            self._check(db)
        finally:
            self._run(db, "ROLLBACK")
        mode = self._run(db, "PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise ConfigError(
                f"{self.path} is on a filesystem without shared memory (journal mode {mode}); move it"
            )
        for setting in (
            "synchronous = NORMAL",
            "secure_delete = ON",
            "fullfsync = ON",
            "trusted_schema = OFF",
        ):
            self._run(db, f"PRAGMA {setting}")
        self._run(db, "BEGIN IMMEDIATE")
        try:
            self._migrate(db)
            self._run(db, "COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _check(self, db: sqlite3.Connection) -> int:
        """The schema version; refuses what is not ours to touch."""
        application = self._run(db, "PRAGMA application_id").fetchone()[0]
        version: int = self._run(db, "PRAGMA user_version").fetchone()[0]
        if application != APPLICATION and (
            application or version or self._run(db, "SELECT 1 FROM sqlite_master").fetchone()
        ):
            raise ConfigError(f"{self.path} is another program's database; give store= a file of its own")
        if version > len(MIGRATIONS):
            raise ConfigError(
                f"{self.path} was written by a newer socialkit (schema {version}, this one knows "
                f"{len(MIGRATIONS)}); upgrade socialkit, or give store= another file"
            )
        return version

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = self._check(db)
        if version == len(MIGRATIONS):
            return
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                self._run(db, statement)
        self._run(db, f"PRAGMA application_id = {APPLICATION}")
        self._run(db, f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _hang_up(self) -> None:
        if self._db is not None and not self._working and self._pid == os.getpid():
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    # --- processes ------------------------------------------------------------------------------------------
    def owner(self) -> str:
        """This process's name as an owner."""
        return self._locks.owner()

    def alive(self, owner: str) -> bool:
        """Whether the process that made that name lives."""
        return self._locks.alive(owner)

    def try_enter(self) -> bool:
        """Enter the passage all commits share; raises when the files were removed: nothing is safe then."""
        if self._closed:
            raise _misused(True, self.path)
        self._require_files()
        if not self._locks.try_lock(_locks.TURNSTILE, shared=True):
            return False
        try:
            return self._locks.try_lock(_locks.PASSAGE, shared=True)
        finally:
            self._locks.unlock(_locks.TURNSTILE)

    def leave(self) -> None:
        """Leave the passage."""
        self._locks.unlock(_locks.PASSAGE)

    def drain(self, timeout: float) -> bool:
        """Wait until the passage is empty, newcomers held back; False after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        if not self._locks.wait(_locks.TURNSTILE, deadline, self._sleep):
            return False
        try:
            if not self._locks.wait(_locks.PASSAGE, deadline, self._sleep):
                return False
            self._locks.unlock(_locks.PASSAGE)
            return True
        finally:
            self._locks.unlock(_locks.TURNSTILE)

    def try_lock(self, name: str) -> bool:
        """Whether the lock of that name, one for all processes, is the caller's now."""
        return self._locks.try_lock(_locks.name_offset(name))

    def unlock(self, name: str) -> None:
        """Give back what :meth:`try_lock` gave."""
        self._locks.unlock(_locks.name_offset(name))

    def close(self) -> None:
        """Close the file. The process stays alive as an owner."""
        with _lock:
            if not self._closed:
                self._hang_up()
                self._closed = True
                self._locks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class _SQLiteTx:
    __slots__ = ("_db", "_store")

    def __init__(self, store: SQLiteStore, db: sqlite3.Connection) -> None:
        self._store = store
        self._db = db

    def append(self, kind: str, data: Mapping[str, Any], *, intent: str | None = None, at: datetime) -> int:
        sql = "INSERT INTO journal (at, intent, kind, data) VALUES (?, ?, ?, ?)"
        values = (to_text(aware(at)), intent, kind, encode(dict(data)))
        return int(self._store._run(self._db, sql, values).lastrowid or 0)

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
        where, values = _conditions(intent, kinds, after, since)
        order = _order(where, limit, newest_first)
        sql = f"SELECT seq, at, intent, kind, data FROM journal WHERE {where} ORDER BY {order} LIMIT ?"
        found = self._store._run(self._db, sql, (*values, -1 if limit is None else limit))
        return [
            Row(seq, from_text(at), intent, kind, json.loads(data)) for seq, at, intent, kind, data in found
        ]

    def get(self, space: str, key: str) -> Any | None:
        sql = f"SELECT value FROM {_table(space)} WHERE space = ? AND key = ?"
        found = self._store._run(self._db, sql, (space, key)).fetchone()
        return None if found is None else json.loads(found[0])

    def put(self, space: str, key: str, value: Any) -> None:
        sql = f"INSERT OR REPLACE INTO {_table(space)} (space, key, value) VALUES (?, ?, ?)"
        self._store._run(self._db, sql, (space, key, encode(value)))

    def delete(self, space: str, key: str) -> None:
        sql = f"DELETE FROM {_table(space)} WHERE space = ? AND key = ?"
        self._store._run(self._db, sql, (space, key))

    def items(self, space: str, prefix: str = "") -> list[tuple[str, Any]]:
        sql = f"SELECT key, value FROM {_table(space)} WHERE space = ? AND key >= ? AND key < ? ORDER BY key"
        found = self._store._run(self._db, sql, (space, prefix, _after(prefix)))
        return [(key, json.loads(value)) for key, value in found]

    def end(self) -> None:
        del self._db


def _table(space: str) -> str:
    return "secrets" if space in SECRET_SPACES else "cells"


def _conditions(
    intent: str | None, kinds: Sequence[str], after: int, since: datetime | None
) -> tuple[str, list[Any]]:
    """WHERE and its values. A unary plus keeps SQLite from choosing any but the narrowest index."""
    where: list[str] = []
    values: list[Any] = []
    if intent is not None:
        where, values = ["intent = ?"], [intent]
    if kinds:
        marks = ", ".join("?" * len(kinds))
        where.append(f"{'+' if where else ''}kind IN ({marks})")
        values.extend(kinds)
    if since is not None:
        where.append(f"{'+' if where else ''}at >= ?")
        values.append(to_text(aware(since)))
    if after:
        where.append("seq > ?")
        values.append(after)
    return " AND ".join(where) or "1", values


def _order(where: str, limit: int | None, newest_first: bool) -> str:
    """ORDER BY; all lines since a time are sorted at the end, or SQLite walks the whole journal."""
    plus = "+" if where == "at >= ?" and limit is None else ""
    return f"{plus}seq {'DESC' if newest_first else 'ASC'}"


def _after(prefix: str) -> str | bytes:
    """The smallest key above every key that starts with ``prefix``; blobs sort above all text."""
    for at in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[at]) + 1
        if code <= 0x10FFFF:
            return prefix[:at] + chr(0xE000 if code == 0xD800 else code)
    return b""


def _checked_path(path: str | os.PathLike[str]) -> str:
    """The file's one true path: all processes must lock the same files, whatever link they came by."""
    if not os.fspath(path):
        raise ConfigError("store= is an empty path; name a file, or ':memory:'")
    real = os.path.realpath(os.fspath(path))
    if not os.path.isdir(os.path.dirname(real)):
        raise ConfigError(f"store= {real}: the folder does not exist; make it first")
    network = _locks.network_filesystem(real)
    if network:
        raise ConfigError(
            f"store= {real} lies on a network filesystem ({network}), where locks cannot be trusted; "
            "use a local disk"
        )
    return real


def _create(path: str) -> None:
    # Only ever opened when it did not exist: closing a descriptor of a file in use drops SQLite's locks.
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigError(f"store= {path} cannot be created: {error.strerror}") from error
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _explained(path: str, error: sqlite3.Error) -> Exception:
    """Busy, or an error of ours that says what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
        return Busy()
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return ConfigError(
            f"the store {path} cannot be written: {error}; check the file's and folder's permissions"
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigError(
            f"the store {path} is not a usable database: {error}; restore it or name another file"
        )
    if code == sqlite3.SQLITE_FULL:
        return SocialKitError(
            f"the disk of the store {path} is full; nothing was changed. Make room, then call again."
        )
    return SocialKitError(f"the store {path} failed: {error}; nothing was changed")


def _bury(db: sqlite3.Connection) -> None:
    """Never close a connection that came through an unseen fork: the parent still uses it."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
