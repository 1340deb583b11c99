"""The stores: both contracts, then what only a file shared by processes can get wrong."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialkit.adapters.base import Credential
from socialkit.contracts import StoreContract, TokenStoreContract
from socialkit.errors import ConfigError, SocialKitError
from socialkit.model import Identity
from socialkit.store import (
    Busy,
    MemoryStore,
    MemoryTokens,
    SQLiteStore,
    StoreTokens,
    _locks,
    _sqlite,
    hurry,
    open_store,
    transact,
)

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "socialkit.db")


@pytest.fixture
def store(path: str) -> Iterator[SQLiteStore]:
    with SQLiteStore(path) as store:
        yield store


# --- the contracts -----------------------------------------------------------------------------------------


class InFolder:
    @pytest.fixture(autouse=True)
    def folder(self, path: str) -> None:
        self.path = path


class PlainStore:
    """A store as somebody else may write it: no try_transact, no locks of its own."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.owner, self.alive, self.close = self.inner.owner, self.inner.alive, self.inner.close
        self.try_enter, self.leave, self.drain = self.inner.try_enter, self.inner.leave, self.inner.drain

    def transact(self, work: Any, *, durable: bool = False) -> Any:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()  # never called on the loop
        return self.inner.transact(work, durable=durable)


class AsyncStore(PlainStore):
    async def transact(self, work: Any, *, durable: bool = False) -> Any:
        await asyncio.sleep(0)
        return self.inner.transact(work, durable=durable)


class TestMemoryStore(StoreContract):
    def make(self) -> MemoryStore:
        return MemoryStore()


class TestSQLiteStore(InFolder, StoreContract):
    def make(self) -> SQLiteStore:
        return SQLiteStore(self.path)


class TestPlainStore(StoreContract):
    def make(self) -> Any:
        return PlainStore()


class TestAsyncStore(StoreContract):
    def make(self) -> Any:
        return AsyncStore()


class TestMemoryTokens(TokenStoreContract):
    def make(self) -> MemoryTokens:
        return MemoryTokens()


class TestTokensInMemoryStore(TokenStoreContract):
    def make(self) -> StoreTokens:
        return StoreTokens(MemoryStore())


class TestTokensInPlainStore(TokenStoreContract):
    def make(self) -> StoreTokens:
        return StoreTokens(PlainStore())


class TestTokensInSQLiteStore(InFolder, TokenStoreContract):
    def make(self) -> Any:
        store = SQLiteStore(self.path)
        tokens = StoreTokens(store)
        tokens.close = store.close  # type: ignore[attr-defined]
        return tokens


# --- opening -----------------------------------------------------------------------------------------------


def test_open_store_takes_a_path_a_store_or_nothing(tmp_path: Path) -> None:
    assert isinstance(open_store(None), MemoryStore)
    assert isinstance(open_store(":memory:"), MemoryStore)
    with open_store(tmp_path / "a.db") as store:  # type: ignore[attr-defined]
        assert isinstance(store, SQLiteStore)
        assert open_store(store) is store
    with pytest.raises(ConfigError, match="a path, ':memory:' or a Store, not int"):
        open_store(7)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="empty path"):
        open_store("")


def test_sqlite_loads_only_when_a_file_is_opened() -> None:
    code = "import sys, socialkit.store as s; s.open_store(None).transact(lambda tx: 1)"
    code += "; assert 'sqlite3' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_files_are_their_users_alone(path: str, store: SQLiteStore) -> None:
    store.transact(lambda tx: tx.put("token", "k", "s3cret"))
    modes = {name: stat.S_IMODE(os.stat(path + name).st_mode) for name in ("", "-wal", "-shm", ".lock")}
    assert modes == dict.fromkeys(modes, 0o600)


def test_what_was_written_is_there_after_reopening(path: str) -> None:
    with SQLiteStore(path) as store:
        store.transact(lambda tx: tx.append("k", {"n": 1}, intent="i", at=AT))
    with SQLiteStore(path) as store:
        assert store.transact(lambda tx: [row.data for row in tx.rows(intent="i")]) == [{"n": 1}]


def test_a_link_to_the_file_is_the_same_store(path: str, store: SQLiteStore, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    with SQLiteStore(link) as other:
        assert other.owner() == store.owner()
        assert other.path == store.path


def test_a_newer_schema_is_refused(path: str) -> None:
    SQLiteStore(path).close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match=r"newer socialkit \(schema 99"):
        SQLiteStore(path)


def test_an_older_schema_is_migrated(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with SQLiteStore(path) as store:
        store.transact(lambda tx: tx.append("kept", {}, at=AT))
    newer = [*_sqlite.MIGRATIONS, ("CREATE TABLE extra (x)", "INSERT INTO extra VALUES (7)")]
    monkeypatch.setattr(_sqlite, "MIGRATIONS", newer)
    for _ in range(2):
        with SQLiteStore(path) as store:
            assert [row.kind for row in store.transact(lambda tx: tx.rows())] == ["kept"]
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT x FROM extra").fetchall() == [(7,)]
        assert db.execute("PRAGMA user_version").fetchone() == (len(newer),)


def test_a_failed_migration_changes_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SQLiteStore(path).close()
    monkeypatch.setattr(_sqlite, "MIGRATIONS", [*_sqlite.MIGRATIONS, ("CREATE TABLE extra (x)", "nonsense")])
    with pytest.raises(SocialKitError, match="nonsense"):
        SQLiteStore(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []


def test_another_programs_database_is_left_alone(path: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    before = Path(path).read_bytes()
    with pytest.raises(ConfigError, match="another program's database"):
        SQLiteStore(path)
    assert Path(path).read_bytes() == before


def test_what_is_no_database_is_refused(path: str) -> None:
    Path(path).write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigError, match="not a usable database"):
        SQLiteStore(path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder does not exist"):
        SQLiteStore(tmp_path / "missing" / "a.db")


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/data/team drive/a.db", "nfs4"),
        ("/data/team drive/local/a.db", None),
        ("/data/a.db", None),
        ("/smb/a.db", "cifs"),
        ("/home/me/a.db", "fuse.sshfs"),
        ("/home/media/a.db", None),
        ("/appimage/a.db", None),
    ],
)
def test_network_filesystems_are_known(tmp_path: Path, place: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/vda / ext4 rw 0 0\n"
        "nas:/x /data/team\\040drive nfs4 rw 0 0\n"
        "/dev/vdb /data/team\\040drive/local xfs rw 0 0\n"
        "//nas/y /smb cifs rw 0 0\n"
        "me@host:/ /home/me fuse.sshfs rw 0 0\n"
        "image /appimage fuse.squashfuse ro 0 0\n"
    )
    assert _locks.network_filesystem(place, str(mounts)) == kind


def test_a_network_filesystem_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_locks, "network_filesystem", lambda path: "nfs4")
    with pytest.raises(ConfigError, match=r"network filesystem \(nfs4\)"):
        SQLiteStore(path)
    assert not os.path.exists(path)


# --- what is in the file -----------------------------------------------------------------------------------


def test_the_journal_is_append_only(path: str, store: SQLiteStore) -> None:
    seq = store.transact(lambda tx: tx.append("k", {}, at=AT))
    with contextlib.closing(sqlite3.connect(path)) as db:
        for sql in (
            "UPDATE journal SET kind = 'x'",
            "DELETE FROM journal",
            f"INSERT OR REPLACE INTO journal VALUES ({seq}, '', NULL, 'x', '')",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(sql)


async def test_secrets_stand_in_their_own_table(path: str, store: SQLiteStore) -> None:
    who = Identity("x", "https://api.example.com", "7")
    await StoreTokens(store).save(who, Credential("bearer", access_token="s3cret-token"))
    await transact(store, lambda tx: tx.put("secret", "upload", "s3cret-url"))
    with contextlib.closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        holding = [t for t in tables if "s3cret" in repr(db.execute(f"SELECT * FROM {t}").fetchall())]
    assert sorted(tables) == ["cells", "journal", "secrets"]
    assert holding == ["secrets"]


def test_nothing_of_a_deleted_secret_stays_in_the_file(path: str) -> None:
    with SQLiteStore(path) as store:
        store.transact(lambda tx: tx.put("secret", "upload", "s3cret-url"))
        store.transact(lambda tx: tx.delete("secret", "upload"))
    assert b"s3cret-url" not in Path(path).read_bytes()


def test_memory_and_file_give_back_the_same(store: SQLiteStore) -> None:
    class Colour(enum.StrEnum):
        RED = "red"

    class Number(enum.IntEnum):
        ONE = 1

    odd = [(1, (2,)), Colour.RED, {Colour.RED: Number.ONE}, {1: "int key", None: True}, Number.ONE, "\ud800"]

    def fill(tx: Any) -> str:
        for number, value in enumerate(odd):
            tx.put("s", str(number), value)
        return repr(tx.items("s"))

    assert MemoryStore().transact(fill) == store.transact(fill)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"intent": "i7"}, "INDEX journal_intent"),
        ({"intent": "i7", "kinds": ["sending"], "since": AT, "after": 5}, "INDEX journal_intent"),
        ({"kinds": ["halt"], "since": AT}, "INDEX journal_kind"),
        ({"since": AT}, "INDEX journal_at"),
        ({"after": 9_990}, "INTEGER PRIMARY KEY"),
    ],
)
def test_queries_use_an_index(path: str, store: SQLiteStore, query: dict[str, Any], index: str) -> None:
    def fill(tx: Any) -> None:
        for number in range(10_000):
            tx.append("sending" if number % 100 else "halt", {}, intent=f"i{number % 1000}", at=AT)

    store.transact(fill)
    asked: dict[str, Any] = {"intent": None, "kinds": (), "after": 0, "since": None, **query}
    where, values = _sqlite._conditions(**asked)
    sql = f"SELECT * FROM journal WHERE {where} ORDER BY {_sqlite._order(where, None, False)}"
    with contextlib.closing(sqlite3.connect(path)) as db:
        steps = " ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values))
    assert f"SEARCH journal USING {index} (" in steps
    assert len(store.transact(lambda tx: tx.rows(intent="i7"))) == 10


# --- transactions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda path: MemoryStore(), SQLiteStore], ids=["memory", "sqlite"])
def test_misuse_is_said_aloud(make: Any, path: str) -> None:
    store = make(path)
    with pytest.raises(RuntimeError, match="inside the work"):
        store.transact(lambda tx: store.transact(lambda tx: 1))
    kept: list[Any] = []
    store.transact(kept.append)
    with pytest.raises(AttributeError):
        kept[0].put("s", "k", 1)
    store.transact(lambda tx: tx.put("s", "k", 1))
    with pytest.raises(RuntimeError):
        store.leave()
    store.close()
    with pytest.raises(ConfigError, match="is closed"):
        store.transact(lambda tx: 1)


def test_an_interrupt_rolls_back(store: SQLiteStore) -> None:
    def work(tx: Any) -> None:
        tx.put("s", "k", 1)
        raise KeyboardInterrupt

    for each in (store, MemoryStore()):
        with pytest.raises(KeyboardInterrupt):
            each.transact(work)
        assert each.transact(lambda tx: tx.get("s", "k")) is None


@pytest.fixture
def writer(path: str, store: SQLiteStore) -> Iterator[sqlite3.Connection]:
    """Somebody else in the middle of a write."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def test_a_busy_file_is_told_at_once(store: SQLiteStore, writer: sqlite3.Connection) -> None:
    with pytest.raises(Busy):
        store.try_transact(lambda tx: 1)
    writer.execute("COMMIT")
    assert store.try_transact(lambda tx: 1) == 1


def test_another_thread_at_work_is_busy_too(store: SQLiteStore) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def work(tx: Any) -> None:
        inside.set()
        go_on.wait(10)

    thread = threading.Thread(target=store.transact, args=(work,))
    thread.start()
    inside.wait(10)
    with pytest.raises(Busy):
        store.try_transact(lambda tx: 1)
    go_on.set()
    thread.join()


async def test_a_busy_file_does_not_hold_up_the_loop(store: SQLiteStore, writer: sqlite3.Connection) -> None:
    waiting = asyncio.create_task(transact(store, lambda tx: tx.append("k", {}, at=AT)))
    turns = 0
    worst, last = 0.0, time.perf_counter()
    while turns < 300:
        await asyncio.sleep(0)
        now = time.perf_counter()
        worst, last, turns = max(worst, now - last), now, turns + 1
    assert not waiting.done()
    writer.execute("COMMIT")
    assert await waiting == 1
    assert worst < 0.1


# --- durable transactions of one moment --------------------------------------------------------------------
class Counting(SQLiteStore):
    """What it committed: how many works each time."""

    def __init__(self, path: str, **options: Any) -> None:
        self.commits = list[bool]()
        super().__init__(path, **options)

    def try_transact(self, work: Any, *, durable: bool = False) -> Any:
        result = super().try_transact(work, durable=durable)
        self.commits.append(durable)
        return result


@pytest.fixture
def counting(path: str) -> Iterator[Counting]:
    with Counting(path, patience=0.05) as store:
        yield store


def adding(name: str) -> Any:
    return lambda tx: tx.append(name, {}, at=AT)


def kinds(store: SQLiteStore) -> list[str]:
    return [row.kind for row in store.transact(lambda tx: tx.rows())]


async def test_durable_works_of_one_moment_share_a_transaction(counting: Counting) -> None:
    names = [f"k{n}" for n in range(11)]
    works = [transact(counting, adding(name), durable=True) for name in names]
    assert await asyncio.gather(*works) == list(range(1, 12))
    assert counting.commits == [True]
    await transact(counting, adding("later"), durable=True)
    assert counting.commits == [True, True]
    assert kinds(counting) == [*names, "later"]


async def test_what_need_not_be_durable_or_is_urgent_waits_for_nobody(counting: Counting) -> None:
    await asyncio.gather(*(transact(counting, adding("k")) for _ in range(2)))
    await asyncio.gather(*(transact(counting, adding("k"), durable=True, sleep=hurry) for _ in range(2)))
    assert counting.commits == [False, False, True, True]


async def test_a_work_that_raises_spoils_no_other(counting: Counting) -> None:
    def refused(tx: Any) -> None:
        tx.append("refused", {}, at=AT)
        raise SocialKitError("no")

    works = (adding("a"), refused, adding("b"))
    done = await asyncio.gather(
        *(transact(counting, work, durable=True) for work in works), return_exceptions=True
    )
    assert [type(one) for one in done] == [int, SocialKitError, int]
    assert kinds(counting) == ["a", "b"]


async def test_works_wait_together_for_another_writer(counting: Counting, path: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        works = [asyncio.create_task(transact(counting, adding(name), durable=True)) for name in "ab"]
        await asyncio.sleep(0.005)
        assert not any(work.done() for work in works)
        db.execute("COMMIT")
        assert await asyncio.gather(*works) == [1, 2]
        db.execute("BEGIN IMMEDIATE")
        late = (transact(counting, adding(name), durable=True) for name in "cd")
        done = await asyncio.gather(*late, return_exceptions=True)
        assert ["stayed locked by another writer" in str(one) for one in done] == [True, True]
    assert kinds(counting) == ["a", "b"]


async def test_a_work_cancelled_before_the_transaction_does_nothing(counting: Counting) -> None:
    first, second = (asyncio.create_task(transact(counting, adding(name), durable=True)) for name in "ab")
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    assert first.cancelled()
    assert kinds(counting) == ["b"]


async def until_committed(store: Counting) -> None:
    """Back when the row is there and those who wait for it have not gone on yet."""
    while not store.commits:  # noqa: ASYNC110 - nothing tells it between the two
        await asyncio.sleep(0)


async def cancelled_in_between(
    counting: Counting, work: Any, stop: Callable[[asyncio.Task[Any]], Any]
) -> Any:
    """What becomes of a task that is stopped when its row is there and it has not gone on yet."""
    task = asyncio.ensure_future(work)
    await until_committed(counting)
    assert not task.done()
    stop(task)
    return (await asyncio.gather(task, return_exceptions=True))[0]


async def test_a_cancellation_after_the_transaction_stops_right_there(counting: Counting) -> None:
    told = list[int]()

    async def work() -> None:
        told.append(await transact(counting, adding("k"), durable=True))

    ended = await cancelled_in_between(counting, work(), lambda task: task.cancel())
    assert isinstance(ended, asyncio.CancelledError)
    assert not told
    assert kinds(counting) == ["k"]


async def test_a_deadline_hits_nothing_that_comes_after_it(counting: Counting) -> None:
    """Even where the transaction was the last that the block waited for."""
    limits = list[asyncio.Timeout]()

    async def work() -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                limits.append(limit)
                await transact(counting, adding("k"), durable=True)
        assert limits[0].expired()
        for _ in range(5):
            await asyncio.sleep(0)
        return "went on"

    assert await cancelled_in_between(counting, work(), lambda task: limits[0]._on_timeout()) == "went on"


async def test_a_group_that_fails_hits_nothing_that_comes_after_it(counting: Counting) -> None:
    fails = asyncio.Event()

    async def failing() -> None:
        await fails.wait()
        raise SocialKitError("no")

    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(failing())
            await asyncio.sleep(0)
            fails.set()  # its end is heard of between the transaction and our own next turn
            await transact(counting, adding("k"), durable=True)
    assert kinds(counting) == ["k"]
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_error_that_a_cancelled_one_did_not_hear_bothers_nobody(counting: Counting) -> None:
    heard, loop = list[Any](), asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: heard.append(context))

    async def work() -> list[Any]:
        def refused(tx: Any) -> None:
            loop.call_soon(tasks[0].cancel)
            raise SocialKitError("no")

        tasks = [asyncio.ensure_future(transact(counting, refused, durable=True))]
        return [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)]

    assert await work() == [asyncio.CancelledError]
    gc.collect()
    assert not heard


async def test_one_that_is_cancelled_in_the_middle_of_a_transaction_spoils_no_other(
    counting: Counting,
) -> None:
    """As Ctrl-C does it: its handler runs between any two lines."""

    def stopping(tx: Any) -> int:
        tasks[0].cancel()
        return int(tx.append("a", {}, at=AT))

    tasks = [
        asyncio.ensure_future(transact(counting, work, durable=True))
        for work in (stopping, adding("b"), adding("c"))
    ]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(ended[0], asyncio.CancelledError)
    assert ended[1:] == [2, 3]
    assert kinds(counting) == ["a", "b", "c"]
    assert counting.commits == [True], "no one of them was done again"


async def test_one_that_is_cancelled_before_its_own_transaction_does_nothing(counting: Counting) -> None:
    def refused(tx: Any) -> None:
        tasks[2].cancel()
        raise SocialKitError("no")

    tasks = [
        asyncio.ensure_future(transact(counting, work, durable=True))
        for work in (refused, adding("b"), adding("c"))
    ]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ended] == [SocialKitError, int, asyncio.CancelledError]
    assert kinds(counting) == ["b"]


async def test_who_runs_out_of_patience_gets_an_error_of_its_own(counting: Counting, path: str) -> None:
    """Accounts write their names into it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        works = (transact(counting, adding(name), durable=True) for name in "ab")
        one, other = await asyncio.gather(*works, return_exceptions=True)
    assert str(one) == str(other)
    assert one is not other


async def test_a_store_that_was_closed_meanwhile_says_so_to_everybody(counting: Counting) -> None:
    works = [asyncio.ensure_future(transact(counting, adding(name), durable=True)) for name in "ab"]
    await asyncio.sleep(0)
    counting.close()
    ended = await asyncio.gather(*works, return_exceptions=True)
    assert [type(one) for one in ended] == [ConfigError, ConfigError]


async def test_an_interrupt_leaves_nobody_waiting(counting: Counting) -> None:
    def interrupted(tx: Any) -> None:
        raise KeyboardInterrupt

    loop = asyncio.new_event_loop()
    other = Counting(f"{counting.path}.2")

    async def both() -> Any:
        works = (transact(other, work, durable=True) for work in (interrupted, adding("b")))
        return await asyncio.gather(*works, return_exceptions=True)

    def run() -> list[str]:
        task = loop.create_task(both())
        for _ in range(2):  # the loop ends with it, and then with each of those who waited
            with pytest.raises(KeyboardInterrupt):
                loop.run_until_complete(task)
        return kinds(other)

    with contextlib.closing(loop), other:
        assert await asyncio.to_thread(run) == []


async def test_an_interrupt_whose_waiter_has_left_ends_the_loop_all_the_same(counting: Counting) -> None:
    loop = asyncio.new_event_loop()
    other = Counting(f"{counting.path}.2")

    async def work() -> None:
        def interrupted(tx: Any) -> None:
            task.cancel()
            raise KeyboardInterrupt

        task = asyncio.ensure_future(transact(other, interrupted, durable=True))
        await asyncio.sleep(60)

    def run() -> None:
        waiting = loop.create_task(work())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(waiting)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(waiting)

    with contextlib.closing(loop), other:
        await asyncio.to_thread(run)


# --- tokens ------------------------------------------------------------------------------------------------


async def test_a_dead_claim_on_a_users_store_is_taken_over() -> None:
    store = PlainStore()
    who = Identity("x", "https://api.example.com", "7")
    claim = {"owner": "4194305-dead", "id": "x"}
    store.inner.transact(lambda tx: tx.put("lock", f"token:{who.key}", claim))
    await asyncio.wait_for(_enter_and_leave(StoreTokens(store).lock(who)), 5)


async def test_a_cancelled_wait_for_a_token_lock_leaves_no_trace() -> None:
    who = Identity("x", "https://api.example.com", "7")
    for store in (MemoryStore(), PlainStore()):
        tokens = StoreTokens(store)
        async with tokens.lock(who):
            waiting = asyncio.create_task(_enter_and_leave(tokens.lock(who)))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await asyncio.wait_for(_enter_and_leave(tokens.lock(who)), 5)


async def test_two_cancellations_cannot_keep_a_token_lock() -> None:
    who = Identity("x", "https://api.example.com", "7")
    tokens, inside = StoreTokens(AsyncStore()), asyncio.Event()

    async def hold() -> None:
        async with tokens.lock(who):
            inside.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await inside.wait()
    for _ in range(2):
        holding.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await holding
    await asyncio.wait_for(_enter_and_leave(tokens.lock(who)), 5)


async def _enter_and_leave(lock: Any) -> None:
    async with lock:
        pass


# --- tidiness ----------------------------------------------------------------------------------------------


def test_opening_and_closing_leaks_no_descriptor(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "first.db").close()
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    for number in range(20):
        SQLiteStore(tmp_path / f"{number}.db").close()
    gc.collect()
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before
