"""What stores promise when several processes share them: ownership, the passage, forks, kills, tidiness."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from socialkit.errors import SocialKitError
from socialkit.model import Identity
from socialkit.store import SQLiteStore, StoreTokens, transact

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "socialkit.db")


@pytest.fixture
def store(path: str) -> Iterator[SQLiteStore]:
    with SQLiteStore(path) as store:
        yield store


class Python:
    """Another Python process running ``code`` with ``store`` open on the path; talks in lines."""

    def __init__(self, code: str, path: str, *arguments: object) -> None:
        opening = "import os, sys, time\nfrom datetime import datetime, UTC\n"
        opening += "from socialkit.store import *\nAT = datetime.now(UTC)\nstore = SQLiteStore(sys.argv[1])\n"
        script = opening + textwrap.dedent(code)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script, path, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, text: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """The rest of what it prints; it must end well."""
        out, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, out
        return out.strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def python(path: str) -> Iterator[Callable[..., Python]]:
    started: list[Python] = []

    def start(code: str, *arguments: object) -> Python:
        started.append(Python(code, path, *arguments))
        return started[-1]

    yield start
    for other in started:
        other.kill()


# --- processes ---------------------------------------------------------------------------------------------


def test_four_processes_share_fairly_and_lose_nothing(python: Any, store: SQLiteStore) -> None:
    code = """
        me, mine = sys.argv[2], []
        def work(tx):
            tx.put("s", "n", (tx.get("s", "n") or 0) + 1)
            return tx.append("k", {}, intent=me, at=AT)
        print("ready", flush=True); sys.stdin.readline()
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            mine.append(store.transact(work))
        assert mine == sorted(mine)
        print(len(mine))
    """
    others = [python(code, number) for number in range(4)]
    assert [other.line() for other in others] == ["ready"] * 4
    for other in others:
        other.tell()
    counts = [int(other.end()) for other in others]
    rows, counted = store.transact(lambda tx: (tx.rows(), tx.get("s", "n")))
    assert len(rows) == len({row.seq for row in rows}) == counted == sum(counts)
    assert [sum(row.intent == str(n) for row in rows) for n in range(4)] == counts
    assert max(counts) < 10 * min(counts), counts


def test_a_killed_process_loses_no_acknowledged_row(python: Any, store: SQLiteStore) -> None:
    code = """
        while True:
            print(store.transact(lambda tx: tx.append("k", {}, at=AT), durable=True), flush=True)
    """
    acknowledged: set[int] = set()
    for _ in range(5):
        other = python(code)
        told = [other.line() for _ in range(60)]
        other.process.kill()
        out, _ = other.process.communicate()
        told += [line for line in out.splitlines(keepends=True) if line.endswith("\n")]
        acknowledged |= {int(line) for line in told}
    assert len(acknowledged) >= 300
    assert acknowledged <= {row.seq for row in store.transact(lambda tx: tx.rows())}


def test_fifty_children_forked_under_load_write(python: Any, store: SQLiteStore) -> None:
    code = """
        import threading
        stop = False
        def load():
            while not stop:
                store.transact(lambda tx: tx.append("load", {}, at=AT))
        thread = threading.Thread(target=load); thread.start()
        children = []
        for number in range(50):
            pid = os.fork()
            if not pid:
                store.transact(lambda tx: tx.append("child", {"n": number}, at=AT), durable=True)
                os._exit(0)
            children.append(pid)
        codes = [os.waitpid(pid, 0)[1] for pid in children]
        stop = True
        thread.join()
        store.close()
        print(sum(codes))
    """
    assert python(code).end() == "0"
    children = store.transact(lambda tx: [row.data["n"] for row in tx.rows(kinds=["child"])])
    assert sorted(children) == list(range(50))


def test_a_child_outlives_its_parents_store(python: Any, path: str) -> None:
    code = """
        if os.fork() == 0:
            store.transact(lambda tx: tx.append("child before", {}, at=AT))
            print("open", flush=True); sys.stdin.readline()
            store.transact(lambda tx: tx.append("child after", {}, at=AT), durable=True)
            print("written", flush=True)
            os._exit(0)
        store.transact(lambda tx: tx.append("parent", {}, at=AT))
    """
    family = python(code)
    assert family.line() == "open"
    family.process.wait(10)
    with SQLiteStore(path) as store:
        store.transact(lambda tx: tx.append("third", {}, at=AT))
        family.tell()
        assert family.line() == "written"
        kinds = {row.kind for row in store.transact(lambda tx: tx.rows())}
    with SQLiteStore(path) as store:
        assert kinds == {row.kind for row in store.transact(lambda tx: tx.rows())}
    assert kinds == {"child before", "child after", "parent", "third"}


def test_a_fork_inside_a_transaction_ends_only_in_the_parent(python: Any, store: SQLiteStore) -> None:
    code = """
        def work(tx):
            tx.append("once", {}, at=AT)
            return os.fork()
        try:
            child = store.transact(work)
        except RuntimeError:
            try:
                store.transact(lambda tx: tx.append("child", {}, at=AT))
            except SocialKitError as error:
                os._exit("forked inside" not in str(error))
        print(os.waitpid(child, 0)[1])
    """
    assert python("from socialkit.errors import SocialKitError\n" + textwrap.dedent(code)).end() == "0"
    assert [row.kind for row in store.transact(lambda tx: tx.rows())] == ["once"]


def test_an_owner_lives_as_long_as_its_process(python: Any, store: SQLiteStore) -> None:
    other = python("print(store.owner(), flush=True); sys.stdin.readline()")
    name = other.line()
    assert name != store.owner()
    assert store.alive(name)
    os.kill(other.process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, other.process.pid, os.WSTOPPED | os.WNOWAIT)
    assert store.alive(name)
    other.kill()
    assert not store.alive(name)
    assert store.alive(store.owner())


def test_a_forked_child_is_another_owner(python: Any, store: SQLiteStore) -> None:
    code = """
        mine = store.owner()
        if os.fork() == 0:
            assert store.owner() != mine and store.alive(mine)
            print(mine, store.owner(), flush=True)
            os._exit(0)
        os.wait()
        print("child gone", flush=True); sys.stdin.readline()
    """
    other = python(code)
    parent, child = other.line().split()
    assert other.line() == "child gone"
    assert store.alive(parent)
    assert not store.alive(child)


def test_an_owner_outlives_its_store(python: Any, path: str) -> None:
    with SQLiteStore(path) as store:
        name = store.owner()
    assert python("print(store.alive(sys.argv[2]))", name).end() == "True"


def test_closing_one_store_frees_nothing_of_another(python: Any, path: str, store: SQLiteStore) -> None:
    name = store.owner()
    SQLiteStore(path).close()
    other = python("print(store.alive(sys.argv[2]), store.alive(sys.argv[2]))", name)
    assert other.end() == "True True"


def test_forked_memory_stores_part() -> None:
    code = """
        import os, threading
        from socialkit.store import MemoryStore
        store = MemoryStore()
        mine = store.owner()
        assert store.try_enter()
        if os.fork() == 0:
            store.transact(lambda tx: tx.put("s", "k", 1))
            assert store.owner() != mine and store.alive(mine) and store.drain(0)
            os._exit(0)
        assert os.wait()[1] == 0
        assert store.transact(lambda tx: tx.get("s", "k")) is None and not store.drain(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=30)


# --- the passage -------------------------------------------------------------------------------------------


def test_draining_waits_for_other_processes(python: Any, store: SQLiteStore) -> None:
    other = python(
        """
        assert store.try_enter() and store.try_enter()
        store.leave()
        print("in", flush=True); sys.stdin.readline()
        refused = not store.try_enter()
        store.leave()
        print(refused, flush=True)
        """
    )
    assert other.line() == "in"
    assert not store.drain(0.01)
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(store.drain(20)))
    thread.start()
    while _enters(store):
        time.sleep(0.001)
    other.tell()
    assert other.line() == "True"
    thread.join()
    assert done == [True]
    assert _enters(store)


def _enters(store: SQLiteStore) -> bool:
    entered = store.try_enter()
    if entered:
        store.leave()
    return entered


def test_a_stopped_or_killed_process_in_the_passage(python: Any, store: SQLiteStore) -> None:
    other = python("print(store.try_enter(), flush=True); sys.stdin.readline()")
    assert other.line() == "True"
    os.kill(other.process.pid, signal.SIGSTOP)
    assert not store.drain(0.02)
    assert _enters(store)
    other.kill()
    assert store.drain(5)


def test_a_child_does_not_keep_its_parents_place(python: Any, store: SQLiteStore) -> None:
    code = """
        assert store.try_enter()
        if os.fork() == 0:
            store.try_enter(); store.leave()
            print("child", flush=True); sys.stdin.readline(); os._exit(0)
        os._exit(0)
    """
    other = python(code)
    assert other.line() == "child"
    other.process.wait(10)
    assert store.drain(5)
    other.tell()


def test_draining_is_not_starved(python: Any, store: SQLiteStore) -> None:
    code = """
        entered = 0
        while not os.path.exists(sys.argv[2]):
            if store.try_enter():
                entered += 1
                if entered == 1: print("entering", flush=True)
                until = time.perf_counter() + 0.0005
                while time.perf_counter() < until: pass
                store.leave()
    """
    stop = store.path + ".stop"
    others = [python(code, stop) for _ in range(4)]
    assert [other.line() for other in others] == ["entering"] * 4
    took = []
    for _ in range(40):
        start = time.perf_counter()
        assert store.drain(5)
        took.append(time.perf_counter() - start)
    Path(stop).touch()
    assert [other.end() for other in others] == [""] * 4
    assert sorted(took)[20] < 0.05, took


@pytest.mark.parametrize("name", ["", ".lock"])
def test_nothing_is_sent_once_the_files_are_gone(path: str, store: SQLiteStore, name: str) -> None:
    assert _enters(store)
    os.rename(path + name, path + ".old")
    with pytest.raises(SocialKitError, match="removed or replaced while in use"):
        store.try_enter()
    os.rename(path + ".old", path + name)
    assert _enters(store)


async def test_patience_ends_with_the_holders_name(python: Any, path: str) -> None:
    holder = python("store.transact(lambda tx: (print(os.getpid(), flush=True), sys.stdin.readline()))")
    with SQLiteStore(path, patience=0.02) as store:
        pid = holder.line()
        waits = (asyncio.to_thread(store.transact, lambda tx: 1), transact(store, lambda tx: 1))
        for waiting in waits:
            with pytest.raises(SocialKitError, match=rf"{path} stayed locked .*process {pid}\b"):
                await waiting
        holder.tell()
        holder.end()
        assert store.transact(lambda tx: 1) == 1


async def test_a_token_lock_holds_against_other_processes(python: Any, store: SQLiteStore) -> None:
    other = python(
        """
        import asyncio
        from socialkit.model import Identity
        async def main():
            async with StoreTokens(store).lock(Identity("x", "https://api.example.com", "7")):
                print("held", flush=True)
                sys.stdin.readline()
        asyncio.run(main())
        """
    )
    assert other.line() == "held"
    lock = StoreTokens(store).lock(Identity("x", "https://api.example.com", "7"))
    waiting = asyncio.create_task(_enter_and_leave(lock))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    other.process.kill()
    await asyncio.wait_for(waiting, 10)
    other.kill()


async def _enter_and_leave(lock: Any) -> None:
    async with lock:
        pass


def test_no_resource_warning(path: str) -> None:
    code = """
        import os, sys
        from socialkit.store import SQLiteStore
        with SQLiteStore(sys.argv[1]) as store:
            store.owner()
            store.transact(lambda tx: tx.put("s", "k", 1), durable=True)
            pid = os.fork()
            store.transact(lambda tx: tx.get("s", "k"))
        if pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code), path],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
