"""Bar 1: HTTP requests for the metrics of 1000 posts, counted in the sandbox's transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from socialkit.model import Receipt
from socialkit.registry import adapter, platforms
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .peers import MISSING, bluesky_client, google_client, label, mastodon_client, peer, tweepy_client
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
    "threads": None,
}
"""None: only printed."""
PEERS = {"x": "tweepy", "youtube": "googleapiclient", "bluesky": "atproto", "mastodon": "mastodon"}


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


async def measure(platform: str, posts: int, peer_too: bool = True) -> tuple[Count, Count | None]:
    """(ours, the peer's) for that many posts; the peer is None when it is not installed."""
    with Sandbox([platform], clock=ManualClock(datetime.now(UTC))) as box:
        unlimited(box, platform)
        async with box.async_client() as client:
            receipts = [await _made(box, client, platform, number) for number in range(posts)]
            box.clock.advance(60)  # the platforms' own indexes have caught up
            box.requests.clear()
            table = await client.fetch_metrics(receipts)
        ours = Count(len(box.requests), sum(row.likes is None for row in table) + posts - len(table))
        theirs = await asyncio.to_thread(count_peer, box, platform, receipts) if peer_too else None
    return ours, theirs


async def _made(box: Sandbox, client: Any, platform: str, number: int) -> Receipt:
    box.clock.advance(0.05)  # a record key is a moment: no two posts in the same one
    report = await client.publish(post_for(platform, f"Post number {number}"), to=platform)
    receipt: Receipt = report[platform].receipt
    return receipt


def count_peer(box: Sandbox, platform: str, receipts: list[Receipt]) -> Count | None:
    """Requests of the peer for the same posts, over loopback."""
    if platform not in PEERS or peer(PEERS[platform]) is None:
        return None
    with box.serve() as url:
        read = _READERS[platform](box[platform].credentials(f"{url}/{platform}"))
        box.requests.clear()
        rows = read(receipts)
        return Count(len(box.requests), len(receipts) - rows)


def _by_status(given: dict[str, Any]) -> Callable[[list[Receipt]], int]:
    client = mastodon_client(given, ratelimit_method="throw")
    return lambda receipts: sum(client.status(one.id).favourites_count is not None for one in receipts)


def _by_25(given: dict[str, Any]) -> Callable[[list[Receipt]], int]:
    client = bluesky_client(given)

    def read(receipts: list[Receipt]) -> int:
        uris = [_uri(one) for one in receipts]
        return sum(len(client.get_posts(uris[n : n + 25]).posts) for n in range(0, len(uris), 25))

    return read


def _uri(receipt: Receipt) -> str:
    return str(receipt.raw.get("uri") or f"at://{receipt.identity.id}/app.bsky.feed.post/{receipt.id}")


def _by_100(given: dict[str, Any]) -> Callable[[list[Receipt]], int]:
    client = tweepy_client(given)

    def read(receipts: list[Receipt]) -> int:
        ids = [one.id for one in receipts]
        how: dict[str, Any] = {"tweet_fields": ["public_metrics"]}
        return sum(len(client.get_tweets(ids[n : n + 100], **how).data) for n in range(0, len(ids), 100))

    return read


def _by_50(given: dict[str, Any]) -> Callable[[list[Receipt]], int]:
    videos = google_client(given).videos()

    def read(receipts: list[Receipt]) -> int:
        ids = [one.id for one in receipts]
        parts = [ids[n : n + 50] for n in range(0, len(ids), 50)]
        return sum(
            len(videos.list(part="statistics", id=",".join(part)).execute()["items"]) for part in parts
        )

    return read


_READERS = {"mastodon": _by_status, "bluesky": _by_25, "x": _by_100, "youtube": _by_50}


def judge(platform: str, ours: Count, theirs: Count | None, posts: int = POSTS) -> Row:
    """Few enough requests, and every row there."""
    target, module = TARGETS[platform], PEERS.get(platform)
    name = f"1 requests for {posts} posts' metrics, {platform}"
    made = f"{ours.requests}" + (f", {ours.empty} rows empty" if ours.empty else "")
    said = "-"
    if module is not None:
        said = f"{theirs.requests} ({label(module)})" if theirs else f"{label(module)} {MISSING}"
    if target is None:
        return Row(name, "printed", made, said, None if not ours.empty else False)
    return Row(name, f"<= {target}", made, said, ours.requests <= target and not ours.empty)


def run() -> list[Row]:
    return [judge(name, *asyncio.run(measure(name, POSTS))) for name in TARGETS if name in platforms()]
