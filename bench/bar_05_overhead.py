"""Bar 5: what a publish costs over the same request through httpx.

Both sides use the same in-process transport, which answers at once as a Mastodon server would, and both read
the JSON of the answer: what is left is planning, journal, limits, report. Blocks of both sides alternate, and
the best block counts, because other work of the machine only ever adds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import httpx

from socialkit import AsyncClient, Client, Mastodon, Post
from socialkit.store import SQLiteStore

from .canned import Canned, child
from .table import Row, percentile

BLOCKS, SIZE = 15, 100
MEMORY_US, SQLITE_US, HOP_FACTOR = 150.0, 1000.0, 1.2
URL = "https://m.example.com/api/v1/statuses"


class Unlimited(Mastodon):
    """The adapter as it is, its budgets counted but never used up."""

    rules = attrs.evolve(
        Mastodon.rules, budgets=tuple(attrs.evolve(one, limit=10**9) for one in Mastodon.rules.budgets)
    )


def accounts() -> dict[str, Any]:
    return {"toots": Unlimited("https://m.example.com", token="a token")}


async def publish_block(client: AsyncClient, size: int) -> float:
    """Microseconds of one publish."""
    began = time.perf_counter()
    for number in range(size):
        await client.publish(Post(f"post number {number}"), to="toots")
    return (time.perf_counter() - began) / size * 1e6


async def raw_block(client: httpx.AsyncClient, size: int) -> float:
    """Microseconds of the same request."""
    headers = {"authorization": "Bearer a token", "idempotency-key": "0" * 32}
    began = time.perf_counter()
    for number in range(size):
        body = {"status": f"post number {number}", "visibility": "public"}
        (await client.post(URL, json=body, headers=headers)).json()
    return (time.perf_counter() - began) / size * 1e6


@attrs.frozen
class Costs:
    """Microseconds of the best block: a publish, the raw request."""

    publish: float
    raw: float

    @property
    def overhead(self) -> float:
        return self.publish - self.raw


async def asynchronous(store: Any, blocks: int, size: int) -> Costs:
    transport = Canned()
    async with (
        AsyncClient(accounts(), transport=transport, store=store) as client,
        httpx.AsyncClient(transport=transport) as bare,
    ):
        await client.publish(Post("the first one"), to="toots")
        pairs = [(await publish_block(client, size), await raw_block(bare, size)) for _ in range(blocks)]
    return Costs(min(one for one, _ in pairs), min(one for _, one in pairs))


@attrs.frozen
class Faces:
    """Medians in microseconds: what Client adds to an awaited publish, and what bare hops to a loop thread cost.

    ``hop`` is what ``run_coroutine_threadsafe`` adds to the very same publish: work that comes back from another
    thread is slower than the hop itself, because caches and the caller have gone cold. ``empty`` hops with nothing.
    """

    added: float
    hop: float
    empty: float


def synchronous(blocks: int, size: int) -> Faces:
    """The same publish three ways, in turns: what disturbs one of a round disturbs all of it."""
    with (
        one_core(),
        Client(accounts(), transport=Canned(), store=":memory:") as client,
        loop_thread() as hop,
    ):
        awaited, hopped = (AsyncClient(accounts(), transport=Canned(), store=":memory:") for _ in range(2))
        with asyncio.Runner() as runner:
            rounds = [_faces(client, awaited, hopped, runner, hop, size) for _ in range(blocks + 1)]
            runner.run(awaited.aclose())
        hop(hopped.aclose)
    return Faces(*(median(column) for column in zip(*rounds[1:], strict=True)))


def _faces(
    client: Client, awaited: AsyncClient, hopped: AsyncClient, runner: asyncio.Runner, hop: Any, size: int
) -> tuple[float, float, float]:
    posts = iter([Post(f"post number {number}") for number in range(2 * size)])
    floor = runner.run(publish_block(awaited, size))
    plain = _timed(lambda: client.publish(next(posts), to="toots"), size)
    bare = _timed(lambda: hop(lambda: hopped.publish(next(posts), to="toots")), size)
    return plain - floor, bare - floor, _timed(lambda: hop(_nothing), size)


async def _nothing() -> None:
    pass


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Threads started in the block stay on this thread's core, where the system lets us choose.

    Waking a thread on another core takes several times as long; whether a pair of threads shares one is the
    scheduler's luck, and it differs from pair to pair within a run.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def loop_thread() -> Any:
    """A function that runs a coroutine on an event loop in another thread, by the shortest way there is."""
    import threading

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _timed(work: Callable[[], Any], size: int) -> float:
    began = time.perf_counter()
    for _ in range(size):
        work()
    return (time.perf_counter() - began) / size * 1e6


def fsync_us(folder: Path, count: int = 100) -> float:
    """Microseconds of a page appended and forced to the disk, median."""
    with (folder / "fsync").open("wb") as file:

        def once() -> None:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())

        return median(_timed(once, 1) for _ in range(count))


class Counting(SQLiteStore):
    """An SQLite store that counts what it forces to the disk."""

    durable = 0

    def try_transact(self, work: Any, *, durable: bool = False) -> Any:
        self.durable += durable
        return super().try_transact(work, durable=durable)


async def durable_per_publish(path: str) -> int:
    """How many transactions of one publish are forced to the disk."""

    store = Counting(path)
    async with AsyncClient(accounts(), transport=Canned(), store=store) as client:
        await client.publish(Post("the first one"), to="toots")
        store.durable = 0
        await client.publish(Post("the second one"), to="toots")
        return store.durable


# --- four processes ---------------------------------------------------------------------------------------------------
def together(processes: int, posts: int) -> list[float]:
    """Milliseconds of every publish of all processes on one file."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        words = ("-m", "bench.bar_05_overhead", str(Path(folder) / "bench.db"), str(posts))
        children = [stack.enter_context(child(*words)) for _ in range(processes)]
        for process in children:
            assert process.stdout is not None
            process.stdout.readline()
        for process in children:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [
            took for process in children if process.stdout for took in json.loads(process.stdout.readline())
        ]


async def one_of_many(store: str, posts: int) -> list[float]:
    async with AsyncClient(accounts(), transport=Canned(), store=store) as client:
        await client.publish(Post("the first one"), to="toots")
        print("ready", flush=True)
        sys.stdin.readline()
        return [await publish_block(client, 1) / 1000 for _ in range(posts)]


# --- the bar ----------------------------------------------------------------------------------------------------------
def judge_memory(costs: Costs) -> Row:
    made = f"{costs.overhead:.0f} us over it"
    return Row(
        "5 overhead, memory store, async",
        f"<= {MEMORY_US:.0f} us",
        made,
        f"{costs.raw:.0f} us (httpx {httpx.__version__}, same call)",
        costs.overhead <= MEMORY_US,
    )


def judge_sync(faces: Faces) -> Row:
    """The way to the loop thread and back costs what it must."""
    target = f"<= {HOP_FACTOR:g} x a bare hop"
    told = f"{faces.hop:.0f} us (run_coroutine_threadsafe, same publish; {faces.empty:.0f} us empty)"
    ok = faces.added <= HOP_FACTOR * faces.hop
    return Row("5 what the sync face adds", target, f"{faces.added:.0f} us", told, ok)


def judge_sqlite(costs: Costs, durable: int, fsync: float) -> Row:
    limit = SQLITE_US + durable * fsync
    told = f"{durable} fsyncs of {fsync:.0f} us; httpx {costs.raw:.0f} us"
    target = f"<= 1 ms + fsyncs = {limit:.0f} us"
    made = f"{costs.overhead:.0f} us over it"
    return Row("5 overhead, SQLite, async", target, made, told, costs.overhead <= limit)


def run() -> list[Row]:
    memory = asyncio.run(asynchronous(":memory:", BLOCKS, SIZE))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = asyncio.run(asynchronous(str(folder / "bench.db"), BLOCKS, SIZE))
        durable, fsync = asyncio.run(durable_per_publish(str(folder / "count.db"))), fsync_us(folder)
    took = together(4, 300)
    many = f"p50 {median(took):.1f}, p99 {percentile(took, 0.99):.1f} ms"
    return [
        judge_memory(memory),
        judge_sync(synchronous(3 * BLOCKS, SIZE // 2)),
        judge_sqlite(file, durable, fsync),
        Row(
            "5 a publish, 4 processes on one SQLite file",
            "printed",
            many,
            f"{memory.raw / 1000:.1f} ms (httpx)",
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(one_of_many(sys.argv[1], int(sys.argv[2])))), flush=True)
