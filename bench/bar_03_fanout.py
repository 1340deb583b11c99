"""Bar 3: one post to ten platforms that take 300 ms each."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from socialkit import AsyncClient, Mastodon, Post

from .canned import Canned, serving
from .peers import MISSING, label, peer
from .table import Row

TARGETS, DELAY, LIMIT_MS = 10, 0.3, 340.0
ROUNDS = 5


async def ours(targets: int, delay: float, store: str, rounds: int) -> list[float]:
    """Milliseconds of each publish to all targets; their facts are known by then."""
    transport = Canned()
    accounts = {f"m{n}": Mastodon(f"https://m{n}.example.com", token=f"token {n}") for n in range(targets)}
    async with AsyncClient(accounts, transport=transport, store=store) as client:
        await client.publish(Post("the first one"), to=accounts)
        transport.delay = delay
        posts = [Post(f"post {number}") for number in range(rounds)]
        return [await _timed(partial(client.publish, post, to=accounts)) for post in posts]


async def raw(targets: int, delay: float, rounds: int) -> list[float]:
    """The same requests through httpx and gather."""
    async with httpx.AsyncClient(transport=Canned(delay)) as client:

        async def all_of_them() -> None:
            urls = [f"https://m{n}.example.com/api/v1/statuses" for n in range(targets)]
            await asyncio.gather(*(client.post(url, json={"status": "a post"}) for url in urls))

        return [await _timed(all_of_them) for _ in range(rounds)]


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def with_apprise(targets: int, delay: float) -> float | None:
    """Milliseconds of apprise for as many Mastodon accounts, over loopback; None when it is not installed."""
    apprise = peer("apprise")
    if apprise is None:
        return None
    with serving(delay) as url:
        place = url.partition("://")[2]
        notifier = apprise.Apprise([f"mastodon://token{n}@{place}" for n in range(targets)])
        began = time.perf_counter()
        notifier.notify("a post")
        return (time.perf_counter() - began) * 1000


def judge(store: str, took: list[float], gathered: list[float], apprise: float | None) -> Row:
    """As fast as the slowest target."""
    middle = median(took)
    told = f"{apprise:.0f} ({label('apprise')}, loopback)" if apprise else f"apprise {MISSING}"
    peers = f"{median(gathered):.0f} ms (httpx, gather); {told}"
    name = f"3 fan-out to {TARGETS} x 300 ms, {store}"
    return Row(
        name, f"<= {LIMIT_MS:.0f} ms", f"{middle:.0f} ms, worst {max(took):.0f}", peers, middle <= LIMIT_MS
    )


def run() -> list[Row]:
    gathered = asyncio.run(raw(TARGETS, DELAY, ROUNDS))
    threads = with_apprise(TARGETS, DELAY)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, store in (("memory", ":memory:"), ("SQLite", str(Path(folder) / "bench.db"))):
            took = asyncio.run(ours(TARGETS, DELAY, store, ROUNDS))
            rows.append(judge(name, took, gathered, threads))
    return rows
