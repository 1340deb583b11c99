"""Bar 10: a halt against four processes that publish all the time on one SQLite file.

Three witnesses: the journal (no ``sending`` row between a halt's row and its lifting), the senders (when the bytes of
each post were out, on the clock all processes share), and the Halt itself, which must name whatever may still appear.
In a third of the halts one sender is stopped (SIGSTOP) at a random moment before, and goes on after the halt returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import httpx

from .canned import child, serving
from .table import Row, percentile

PROCESSES, TASKS, HALTS, LIMIT_MS = 4, 5, 45, 50.0
SEED = 10


@attrs.frozen
class One:
    """One halt: when it returned, when it was lifted, how long it took, whom it named, whether a sender was stopped."""

    began: float
    returned: float
    lifted: float
    named: frozenset[str]
    stopped: bool

    @property
    def milliseconds(self) -> float:
        return (self.returned - self.began) * 1000


@attrs.frozen
class Halts:
    """All halts of a run, with what the witnesses say of them."""

    each: list[One]
    rows: int
    left: int
    unnamed: int
    posts: int


# --- a sender ---------------------------------------------------------------------------------------------------------
class Stamped(httpx.AsyncBaseTransport):
    """Notes when the bytes of each post were out."""

    traces = True

    def __init__(self, out: Any) -> None:
        self._inner, self._out = httpx.AsyncHTTPTransport(), out

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        told = request.extensions.get("trace")
        name = request.headers.get("x-name", "")

        async def trace(event: str, info: Any) -> None:
            if event == "http11.send_request_body.complete" and request.method == "POST":
                self._out.write(f"{time.monotonic():.6f} {name}\n")
            if told is not None:
                await told(event, info)

        request.extensions["trace"] = trace
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def sender(server: str, store: str, out: Any, number: int) -> None:
    """Several tasks publish one post after another until the process is killed."""
    from socialkit import AsyncClient, Mastodon, Post

    class Named(Mastodon):
        """Lets each post's own name travel as a header, for the stamps."""

        async def send(self, part: Any, call: Any) -> Any:
            commit = call.commit

            async def named(method: str, url: str, **how: Any) -> Any:
                how["headers"] = {**how["headers"], "x-name": part.text.partition(" ")[0]}
                return await commit(method, url, **how)

            call.commit = named
            return await super().send(part, call)

    Named.rules = attrs.evolve(Mastodon.rules, budgets=())
    accounts = {"toots": Named(server, token="t")}
    async with AsyncClient(accounts, store=store, transport=Stamped(out)) as client:
        await client.plan(Post("what the account is"), to="toots")

        async def once(key: str) -> None:
            post = Post(f"{key} is a post")
            report = await client.publish(post, to="toots", idempotency_key=key, errors="return")
            await asyncio.sleep(0.0 if report.ok else 0.005)

        await _on_and_on(once, number)


async def _on_and_on(once: Callable[[str], Awaitable[None]], number: int) -> None:
    async def task(name: int) -> None:
        for count in range(10**9):
            await once(f"{number}-{name}-{count}")

    print("ready", flush=True)
    await asyncio.gather(*(task(name) for name in range(TASKS)))


async def naive_sender(server: str, store: str, out: Any, number: int) -> None:
    """What one writes first: look at a row, then post."""
    db = sqlite3.connect(store, isolation_level=None, timeout=5)
    async with httpx.AsyncClient(transport=Stamped(out)) as client:

        async def once(key: str) -> None:
            if db.execute("SELECT 1 FROM halts").fetchone():
                await asyncio.sleep(0.005)
            else:
                body, headers = {"status": "a post"}, {"x-name": key}
                await client.post(f"{server}/api/v1/statuses", json=body, headers=headers)

        await _on_and_on(once, number)


# --- the bench's side -------------------------------------------------------------------------------------------------
@attrs.define
class Stage:
    """A server, a folder, and senders at work."""

    server: str
    folder: Path
    pids: list[int]

    @property
    def store(self) -> str:
        return str(self.folder / "bench.db")

    def stamps(self) -> list[tuple[float, str]]:
        lines = [line for path in self.folder.glob("stamps-*") for line in path.read_text().splitlines()]
        return sorted((float(moment), name) for moment, _, name in (line.partition(" ") for line in lines))


@contextlib.contextmanager
def at_work(kind: str, processes: int) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory() as folder, serving() as server, contextlib.ExitStack() as stack:
        stage = Stage(server, Path(folder), [])
        if kind == "naive":
            with contextlib.closing(sqlite3.connect(stage.store)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("CREATE TABLE halts (id INTEGER PRIMARY KEY)")
        for number in range(processes):
            stamps = str(stage.folder / f"stamps-{number}")
            words = ("-m", "bench.bar_10_halt", kind, server, stage.store, stamps, str(number))
            process = stack.enter_context(child(*words))
            assert process.stdout is not None
            process.stdout.readline()
            stage.pids.append(process.pid)
        yield stage


async def measure(halts: int, processes: int = PROCESSES, seed: int = SEED) -> Halts:
    """Halts at random moments, each lifted a tenth of a second later."""
    from socialkit import AsyncClient

    source = random.Random(seed)
    with at_work("ours", processes) as stage:
        async with AsyncClient(store=stage.store) as client:
            done = []
            for number in range(halts):
                await asyncio.sleep(0.1 + 0.1 * source.random())
                stopped = source.choice(stage.pids) if number % 3 == 2 else None
                done.append(await _halted(client, stopped))
        await asyncio.sleep(0.2)
        return _witnessed(stage, done)


async def _halted(client: Any, stopped: int | None) -> One:
    if stopped is not None:
        os.kill(stopped, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(0.15, os.kill, stopped, signal.SIGCONT)
    began = time.monotonic()
    halt = await client.halt("all", reason="bench", by="bench")
    returned = time.monotonic()
    await asyncio.sleep(0.25 if stopped is not None else 0.1)
    lifted = time.monotonic()
    await client.resume(halt, reason="bench", by="bench")
    return One(
        began, returned, lifted, frozenset(flight.key for flight in halt.in_flight), stopped is not None
    )


def _witnessed(stage: Stage, done: list[One]) -> Halts:
    stamps = stage.stamps()
    late = [(name, one) for moment, name in stamps for one in done if one.returned < moment < one.lifted]
    unnamed = sum(name not in one.named for name, one in late)
    return Halts(done, rows_within(stage.store), len(late), unnamed, len(stamps))


def rows_within(store: str) -> int:
    """How many ``sending`` rows stand between a halt's row and the row that lifts it."""
    with contextlib.closing(sqlite3.connect(store)) as db:
        rows = db.execute("SELECT kind FROM journal WHERE kind IN ('halt', 'resume', 'sending') ORDER BY seq")
        halted, found = False, 0
        for (kind,) in rows:
            found += halted and kind == "sending"
            halted = kind == "halt" or (halted and kind != "resume")
    return found


def measure_naive(halts: int, processes: int = PROCESSES, seed: int = SEED) -> int:
    """Posts whose bytes left after the row check's halt had returned."""
    source, spans = random.Random(seed), []
    with (
        at_work("naive", processes) as stage,
        contextlib.closing(sqlite3.connect(stage.store, timeout=5)) as db,
    ):
        db.isolation_level = None
        for _ in range(halts):
            time.sleep(0.1 + 0.1 * source.random())
            db.execute("INSERT INTO halts DEFAULT VALUES")
            returned = time.monotonic()
            time.sleep(0.1)
            spans.append((returned, time.monotonic()))
            db.execute("DELETE FROM halts")
        time.sleep(0.2)
        return sum(any(begin < moment < end for begin, end in spans) for moment, _ in stage.stamps())


def judge(done: Halts, naive: int, naive_halts: int) -> list[Row]:
    """Nothing crosses, everything that may still appear is named, and it is quick."""
    free = [one.milliseconds for one in done.each if not one.stopped]
    held = [one.milliseconds for one in done.each if one.stopped]
    crossed = done.rows + done.unnamed
    said = f"{naive} in {naive_halts} halts (row check before client.post)"
    made = f"{done.rows} sending rows, {done.left} stamps after halt(), {done.unnamed} not named"
    name = f"10 halt, {PROCESSES} senders, {len(done.each)} halts"
    notes = [f"{done.posts} posts; in {len(held)} halts a sender was stopped by SIGSTOP and went on later"]
    rows = [Row(name, "0 cross, all named", made, said, crossed == 0, tuple(notes))]
    p95 = percentile(free, 0.95)
    took = f"{median(free):.0f} ms, p95 {p95:.0f}, worst {max(free):.0f}"
    rows.append(Row("10 how long halt() takes", f"p95 <= {LIMIT_MS:.0f} ms", took, "-", p95 <= LIMIT_MS))
    if held:
        took = f"{median(held):.0f} ms, worst {max(held):.0f}"
        rows.append(Row("10 with a sender stopped for 150 ms", "printed", took))
    return rows


def run() -> list[Row]:
    done = asyncio.run(measure(HALTS))
    return judge(done, measure_naive(HALTS), HALTS)


def main(kind: str, server: str, store: str, stamps: str, number: str) -> None:
    work = {"ours": sender, "naive": naive_sender}[kind]
    with open(stamps, "a", buffering=1, encoding="ascii") as out:
        asyncio.run(work(server, store, out, int(number)))


if __name__ == "__main__":
    main(*sys.argv[1:])
