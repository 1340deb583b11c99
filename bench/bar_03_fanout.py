"""Bar 3: one post to ten platforms that take 300 ms each: ten Mastodon servers, and one account on each of eleven.

Of the eleven, what makes a post public takes 300 ms, one request each; what comes before it (containers, uploads, what
is read for the plan) and after it (looks, addresses) is made and answered at once. Both sides send the same requests
one after the other on each platform, all platforms at once; what is counted ends with the last answer.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import attrs
import httpx

from socialkit import AsyncClient, Mastodon, Post
from socialkit.registry import platforms
from socialkit.store import open_store

from .bar_05_overhead import Counting, fsync_us
from .canned import Canned, serving
from .peers import MISSING, label, peer
from .table import Row
from .taped import PLATFORMS, STEP, Exchange, Player, Tapes, account, post_for_all, record

TARGETS, DELAY, LIMIT_MS = 10, 0.3, 340.0
ROUNDS = 9


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


# --- one account on each of eleven platforms --------------------------------------------------------------------------
@attrs.frozen
class Fanout:
    """Milliseconds of each round, the requests of each round by platform, durable transactions of a round."""

    took: list[float]
    made: list[Tapes]
    durable: float = 0.0


async def recorded(names: Sequence[str], rounds: int) -> Tapes:
    """What each platform says to one publish for the facts and ``rounds`` that are measured."""
    posts = [post_for_all(number) for number in range(rounds + 1)]
    return {name: await record(name, posts) for name in names}


async def ours_on_all(tapes: Tapes, delay: float, store: str, rounds: int) -> Fanout:
    """One publish to an account on each platform, ``rounds`` times; their facts are known by then."""
    player, accounts = Player(tapes), {name: account(name) for name in tapes}
    kept = open_store(store) if store == ":memory:" else Counting(store)
    done = Fanout([], [])
    async with AsyncClient(accounts, transport=player, store=kept) as client:
        await client.publish(post_for_all(0), to=accounts)
        player.delay, before = delay, getattr(kept, "durable", 0)
        for number in range(1, rounds + 1):
            player.made = {}
            post = post_for_all(number)
            done.took.append(await _timed(partial(client.publish, post, to=accounts)))
            done.made.append(player.made)
        counted = getattr(kept, "durable", 0) - before
    kept.close()
    return attrs.evolve(done, durable=counted / rounds)


async def raw_on_all(tapes: Tapes, made: list[Tapes], delay: float) -> list[float]:
    """Milliseconds of the same requests through httpx: in their order on each platform, gather over platforms."""
    async with httpx.AsyncClient(transport=Player(tapes, delay)) as client:

        async def one_platform(requests: list[Exchange]) -> None:
            for one in requests:
                extensions = {STEP: one.step}
                answer = await client.request(
                    one.method, one.url, headers=one.headers, content=one.body, extensions=extensions
                )
                if "json" in answer.headers.get("content-type", ""):
                    answer.json()

        async def all_of_them(requests: Tapes) -> None:
            await asyncio.gather(*map(one_platform, requests.values()))

        return [await _timed(partial(all_of_them, requests)) for requests in made]


def judge_all(store: str, done: Fanout, gathered: list[float], fsync: float) -> Row:
    """As fast as the slowest platform, every post public, and each of them by one request that took its time."""
    middle, bare = median(done.took), median(gathered)
    each = {name: len(requests) for name, requests in done.made[-1].items()}
    commits = {name: sum(one.step == "commit" for one in made) for name, made in done.made[-1].items()}
    counts = ", ".join(f"{name} {count}" for name, count in each.items())
    notes = [
        f"requests: {counts}; the one of each that makes its post public takes 300 ms, the others nothing"
    ]
    if done.durable:
        notes.append(f"{done.durable:.0f} durable transactions, an fsync of {fsync:.0f} us in each")
    if wrong := [f"{name} {count}" for name, count in commits.items() if count != 1]:
        notes.append(f"made public by more or less than one request: {', '.join(wrong)}")
    return Row(
        f"3 fan-out to {len(each)} platforms, one account each, 300 ms, {store}",
        f"<= {LIMIT_MS:.0f} ms",
        f"{middle:.0f} ms, best {min(done.took):.0f}, worst {max(done.took):.0f}; {middle / bare:.2f} x the peer",
        f"{bare:.0f} ms (httpx, gather, the same {sum(each.values())} requests)",
        middle <= LIMIT_MS and not wrong,
        tuple(notes),
    )


def run_on_all(folder: Path) -> list[Row]:
    names = [name for name in PLATFORMS if name in platforms()]
    tapes = asyncio.run(recorded(names, ROUNDS))
    rows = []
    for name, store in (("memory", ":memory:"), ("SQLite", str(folder / "all.db"))):
        done = asyncio.run(ours_on_all(tapes, DELAY, store, ROUNDS))
        gathered = asyncio.run(raw_on_all(tapes, done.made, DELAY))
        rows.append(judge_all(name, done, gathered, fsync_us(folder)))
    return rows


# --- the bar ----------------------------------------------------------------------------------------------------------
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
        return [*rows, *run_on_all(Path(folder))]
