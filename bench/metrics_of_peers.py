"""The numbers of the same posts read by other people's clients, in the largest batches they offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from socialkit.model import Receipt

from .logins import PAGE
from .peers import (
    Rival,
    bluesky_client,
    google_client,
    graph_api,
    linkedin_client,
    mastodon_client,
    peer,
    pinterest_api,
    reddit_client,
    signed,
    tweepy_client,
)

Read = Callable[[list[Receipt]], int]
"""How many posts it read the numbers of."""


def _parts(receipts: list[Receipt], size: int) -> Iterator[list[str]]:
    ids = [str(one.id) for one in receipts]
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _mastodon(given: dict[str, Any]) -> Read:
    client = mastodon_client(given, ratelimit_method="throw")
    return lambda receipts: sum(client.status(one.id).favourites_count is not None for one in receipts)


def _bluesky(given: dict[str, Any]) -> Read:
    client = bluesky_client(given)

    def read(receipts: list[Receipt]) -> int:
        uris = [_uri(one) for one in receipts]
        return sum(len(client.get_posts(uris[n : n + 25]).posts) for n in range(0, len(uris), 25))

    return read


def _uri(receipt: Receipt) -> str:
    return str(receipt.raw.get("uri") or f"at://{receipt.identity.id}/app.bsky.feed.post/{receipt.id}")


def _x(given: dict[str, Any]) -> Read:
    client, how = tweepy_client(given), {"tweet_fields": ["public_metrics"]}
    return lambda receipts: sum(len(client.get_tweets(ids, **how).data) for ids in _parts(receipts, 100))


def _youtube(given: dict[str, Any]) -> Read:
    videos = google_client(given).videos()

    def read(receipts: list[Receipt]) -> int:
        pages = (videos.list(part="statistics", id=",".join(ids)).execute() for ids in _parts(receipts, 50))
        return sum(len(page["items"]) for page in pages)

    return read


def _facebook(given: dict[str, Any]) -> Read:
    fields = "reactions.summary(total_count).limit(0),comments.summary(total_count).limit(0)"
    return _graph_batches(given, "pagepost.PagePost", fields, "reactions")


def _page(given: dict[str, Any]) -> Read:
    return _graph_batches(given, "igmedia.IGMedia", "like_count,comments_count", "like_count")


def _graph_batches(given: dict[str, Any], kind: str, fields: str, wanted: str) -> Read:
    api, node = graph_api(given), _node(kind)

    def read(receipts: list[Receipt]) -> int:
        seen: list[Any] = []

        def keep(answer: Any) -> None:
            seen.append(answer.json()[wanted])

        for ids in _parts(receipts, 50):
            batch = api.new_batch()
            for one in ids:
                node(one, api=api).api_get(params={"fields": fields}, batch=batch, success=keep)
            batch.execute()
        return len(seen)

    return read


def _node(kind: str) -> Any:
    module, _, name = kind.partition(".")
    return getattr(peer(f"facebook_business.adobjects.{module}"), name)


def _instagram(given: dict[str, Any]) -> Read:
    api, node = graph_api(given), _node("igmedia.IGMedia")

    def likes(post: str) -> Any:
        return node(post, api=api).api_get(fields=["like_count", "comments_count"])["like_count"]

    return lambda receipts: sum(likes(str(one.id)) is not None for one in receipts)


def _linkedin(given: dict[str, Any]) -> Read:
    call = linkedin_client(given)
    page = f"urn:li:organization:{given['organization']}"

    def rows(ids: list[str]) -> int:
        query = {"organizationalEntity": page}
        for kind, name in (("share", "shares"), ("ugcPost", "ugcPosts")):
            if found := [one for one in ids if one.startswith(f"urn:li:{kind}:")]:
                query[name] = found  # type: ignore[assignment]
        path = "/organizationalEntityShareStatistics"
        return len(call("finder", path, finder_name="organizationalEntity", query_params=query).elements)

    return lambda receipts: sum(rows(ids) for ids in _parts(receipts, 100))


def _pinterest(given: dict[str, Any]) -> Read:
    sdk, pins = peer("pinterestsdk"), pinterest_api(given, "Pins")
    assert sdk is not None
    wanted = [sdk.MultiPinsAnalyticsMetricTypesItem(name) for name in ("IMPRESSION", "TOTAL_REACTIONS")]

    def rows(ids: list[str]) -> int:
        days = dict.fromkeys(("start_date", "end_date"), datetime.now(UTC).date())
        return len(pins.multi_pins_analytics(pin_ids=ids, **days, metric_types=wanted))

    return lambda receipts: sum(rows(ids) for ids in _parts(receipts, 100))


def _reddit(given: dict[str, Any]) -> Read:
    client = reddit_client(given)

    def read(receipts: list[Receipt]) -> int:
        shown = client.info(fullnames=[str(one.id) for one in receipts])
        return sum(one.score is not None for one in shown)

    return read


def _threads(given: dict[str, Any]) -> Read:
    client = signed(given)

    def rows(post: str) -> bool:
        told = client.get(f"/v1.0/{post}/insights", params={"metric": "views,likes,replies"}).json()
        return any(row["name"] == "likes" for row in told["data"])

    return lambda receipts: sum(rows(str(one.id)) for one in receipts)


def _tiktok(given: dict[str, Any]) -> Read:
    client = signed(given)

    def rows(ids: list[str]) -> int:
        asked = {"filters": {"video_ids": ids}}
        told = client.post("/v2/video/query/", params={"fields": "id,like_count"}, json=asked).json()
        return len(told["data"]["videos"])

    return lambda receipts: sum(rows(ids) for ids in _parts(receipts, 20))


READERS = {
    "mastodon": Rival("mastodon", _mastodon, "has no call for several"),
    "bluesky": Rival("atproto", _bluesky),
    "x": Rival("tweepy", _x),
    "youtube": Rival("googleapiclient", _youtube),
    "facebook": Rival("facebook_business", _facebook, "in batches"),
    "instagram": Rival("facebook_business", _instagram, "one by one: no batch is documented here"),
    PAGE: Rival("facebook_business", _page, "in batches"),
    "linkedin": Rival("linkedin_api", _linkedin),
    "pinterest": Rival("pinterestsdk", _pinterest),
    "reddit": Rival("praw", _reddit, "one for its token"),
    "threads": Rival("httpx", _threads, "by hand: threads-client reads no numbers"),
    "tiktok": Rival("httpx", _tiktok, "by hand: tiktok-api-client reads no numbers"),
}
