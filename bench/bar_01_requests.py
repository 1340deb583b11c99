"""Bar 1: HTTP requests for the metrics of 1000 posts, counted in the sandbox's transcript."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import attrs

from socialkit import AsyncClient
from socialkit.model import Receipt
from socialkit.registry import adapter, platforms
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .logins import PAGE, account, credentials, platform_of
from .metrics_of_peers import READERS
from .posts import post_for
from .table import Row

POSTS = 1000
TARGETS: dict[str, int | None] = {
    "x": 10,
    "reddit": 10,
    "youtube": 20,
    "facebook": 20,
    "bluesky": 40,
    "tiktok": 50,
    "mastodon": 50,
    "linkedin": None,
    "pinterest": None,
    "instagram": None,
    PAGE: None,
    "threads": None,
}
"""None: only printed, beside the largest batch the platform takes."""
UNSAID = {"linkedin": "LinkedIn names no largest batch: a hundred is our own choice"}

_DAILY = ("daily_posts", "posts_a_day", "quota", "container_limit")
"""What some sandboxes call what may be posted in a day."""


@attrs.frozen
class Count:
    """Requests made, and rows that came back without their likes (they have to be none)."""

    requests: int
    empty: int


def unlimited(box: Sandbox, platform: str) -> None:
    """No rate limits: the posts are made in no time."""
    cls = adapter(platform)
    cls.rules = attrs.evolve(cls.rules, budgets=())
    made: Any = box[platform]
    for name in _DAILY:
        if hasattr(made, name):
            setattr(made, name, 10**9)
    made.windows = ()


async def measure(name: str, posts: int, peer_too: bool = True) -> tuple[Count, Count | None]:
    """(ours, the peer's) for that many posts; the peer is None when it is not installed."""
    platform = platform_of(name)
    with Sandbox([platform], clock=ManualClock(datetime.now(UTC))) as box:
        unlimited(box, platform)
        accounts = {name: account(name, credentials(box, name), 10**9)}
        place: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "media_host": box.files}
        async with AsyncClient(accounts, **place) as client:
            receipts = [await _made(box, client, name, number) for number in range(posts)]
            box.clock.advance(60)  # the platforms' own indexes have caught up
            box.requests.clear()
            table = await client.fetch_metrics(receipts)
        ours = Count(len(box.requests), sum(row.likes is None for row in table) + posts - len(table))
        theirs = await asyncio.to_thread(count_peer, box, name, receipts) if peer_too else None
    return ours, theirs


async def _made(box: Sandbox, client: Any, name: str, number: int) -> Receipt:
    box.clock.advance(0.05)  # a record key is a moment: no two posts in the same one
    report = await client.publish(post_for(name, f"Post number {number}"), to=name)
    receipt: Receipt = report[name].receipt
    return receipt


def count_peer(box: Sandbox, name: str, receipts: list[Receipt]) -> Count | None:
    """Requests of the peer for the same posts, over loopback."""
    reader = READERS[name]
    if not reader.there:
        return None
    with box.serve() as url:
        read = reader.make(credentials(box, name, f"{url}/{platform_of(name)}"))
        box.requests.clear()
        rows = read(receipts)
        return Count(len(box.requests), len(receipts) - rows)


def judge(name: str, ours: Count, theirs: Count | None, posts: int = POSTS) -> Row:
    """Few enough requests, and every row there."""
    target, reader = TARGETS[name], READERS[name]
    bar = f"1 requests for {posts} posts' metrics, {name}"
    made = f"{ours.requests}" + (f", {ours.empty} rows empty" if ours.empty else "")
    told = f"{theirs.requests} ({reader.label})" if theirs else reader.label
    told += f"; {theirs.empty} rows empty" if theirs and theirs.empty else ""
    if target is None:
        wanted = f"printed; {largest_batch(name)} a request at most"
        notes = (UNSAID[name],) if name in UNSAID else ()
        return Row(bar, wanted, made, told, None if not ours.empty else False, notes)
    return Row(bar, f"<= {target}", made, told, ours.requests <= target and not ours.empty)


def largest_batch(name: str) -> int:
    """How many posts' numbers the platform gives in one request."""
    with Sandbox([platform_of(name)]) as box:
        size: int = account(name, credentials(box, name)).rules.metrics_batch
        return size


def run() -> list[Row]:
    return [
        judge(name, *asyncio.run(measure(name, POSTS)))
        for name in TARGETS
        if platform_of(name) in platforms()
    ]
