"""Instagram's posts: permalinks, the account's own lists, which of them a lost one is, and the numbers of each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .. import errors
from ..flows._meta import VERSION
from ..flows._whoami import found
from ..metrics import Metrics
from ..model import Identity, Receipt
from . import base
from ._graph import BATCH, GraphAdapter, batch, moment
from ._instagram_media import path
from .base import Call, Lost, Part, Sent

PERMALINK = re.compile(
    r"https?://(?:www\.)?instagram\.com/(?:[\w.]+/)?(?:p|reel|reels|tv)/(?P<code>[\w-]+)/?(?:[?#].*)?"
)
STORY = re.compile(r"https?://(?:www\.)?instagram\.com/stories/[\w.]+/(?P<id>[0-9]+)/?(?:[?#].*)?")
FIELDS = "id,caption,media_type,media_product_type,permalink,timestamp"
COUNTS = "id,media_type,media_product_type,permalink,timestamp,like_count,comments_count"
PRODUCTS = {"photo": "FEED", "carousel": "FEED", "reel": "REELS", "story": "STORY"}
"""Instagram's word for each kind of post."""
KINDS = {"REELS": "reel", "STORY": "story"}

_ALL = ("views", "reach", "shares", "total_interactions")
_FEED = (*_ALL, "likes", "comments", "saved")
SAFE = {"FEED": _FEED, "REELS": _FEED, "STORY": (*_ALL, "replies")}
"""Insights every source agrees on, by kind of post: one that is not known fails all that are asked for with it."""
WIDE = {
    "FEED": (*SAFE["FEED"], "reposts", "follows", "profile_visits"),
    "REELS": (*SAFE["REELS"], "reposts", "ig_reels_avg_watch_time", "ig_reels_video_view_total_time"),
    "STORY": (*SAFE["STORY"], "reposts", "follows", "profile_visits", "link_clicks"),
}


def sent_of(post_id: str, kind: str, *, post: Mapping[str, Any] | None = None) -> Sent:
    """What is known of a post just published, or seen on a list."""
    post = post or {}
    raw = {"product": PRODUCTS[kind]}
    return Sent(post_id, post.get("permalink"), moment(post.get("timestamp")), raw=raw)


def receipt_of(post: Mapping[str, Any], owner: Identity) -> Receipt:
    product = post.get("media_product_type")
    raw = {"product": str(product)} if product else {}
    return Receipt(
        owner,
        str(post["id"]),
        post.get("permalink"),
        moment(post.get("timestamp")),
        post.get("caption") or "",
        KINDS.get(str(product), "post"),
        raw=raw,
    )


def is_field_error(error: errors.SocialKitError) -> bool:
    """Whether a field or metric that was asked for is what is wrong, and not the object."""
    code = str(error.__dict__.get("code"))
    return code.partition("/")[0] == "100" and code != "100/33"


async def own_posts(
    call: Call, edge: str = "media", *, size: int = 100, fields: str = FIELDS
) -> AsyncIterator[dict[str, Any]]:
    """The account's own posts (or stories), newest first, every page."""
    params, seen = {"fields": fields, "limit": str(size)}, set[str]()
    while True:
        try:
            page = (await call.read("GET", path(call, edge), params=params)).json()
        except errors.Declined as error:
            if not is_field_error(error) or "media_product_type" not in params["fields"]:
                raise
            params["fields"] = params["fields"].replace(",media_product_type", "")
            continue
        for post in found(page, "data") or ():
            yield post
        after = found(page, "paging.cursors.after")
        if not found(page, "paging.next") or not after or after in seen:
            return
        seen.add(str(after))
        params["after"] = str(after)


# --- a lost post ------------------------------------------------------------------------------------------
async def posts_like(lost: Lost, call: Call) -> list[Sent]:
    """Posts (or stories) of the account that can be the lost one: by time, kind and caption, and no other of ours."""
    kind, alike = lost.part.body["kind"], list[Sent]()
    async for post in own_posts(call, "stories" if kind == "story" else "media", size=50):
        at = moment(post.get("timestamp"))
        if at is not None and at < lost.since:
            break
        ours = {str(post["id"]), str(post.get("permalink"))} & lost.claimed
        if at is not None and at <= lost.until and not ours and is_like(post, lost.part):
            alike.append(sent_of(str(post["id"]), kind, post=post))
    return alike


def is_like(post: Mapping[str, Any], part: Part) -> bool:
    """Whether a post of the account can be the part: its kind and its caption."""
    kind = part.body["kind"]
    video = part.media[0].kind == "video"
    media_type = "CAROUSEL_ALBUM" if kind == "carousel" else "VIDEO" if video else "IMAGE"
    if post.get("media_type") != media_type or post.get("media_product_type") not in (None, PRODUCTS[kind]):
        return False
    return kind == "story" or _plain(post.get("caption")) == _plain(part.body["request"].get("caption"))


def _plain(text: Any) -> str:
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())


# --- numbers ----------------------------------------------------------------------------------------------
Told = dict[str, Any] | errors.SocialKitError


class Insights:
    """Reads the numbers of posts: all of them in one request where the API has batches, else one request each."""

    def __init__(self, adapter: GraphAdapter, call: Call, *, page: bool) -> None:
        self.adapter, self.call, self.page = adapter, call, page

    async def rows(self, receipts: Sequence[Receipt]) -> list[Metrics]:
        """One row per receipt. What insights do not tell of a post is not asked for with the others again."""
        products = {str(r.id): str(r.raw.get("product") or "") for r in receipts if r.id}
        told, why = dict[str, Told](), dict[str, errors.SocialKitError]()
        strange = [post for post, product in products.items() if product not in WIDE]
        for post, answer in (await self._ask(dict.fromkeys(strange, COUNTS))).items():
            product = str(found(answer, "media_product_type") or "") if isinstance(answer, dict) else ""
            products[post], told[post] = product, answer
        wanted = [post for post, product in products.items() if product in WIDE]
        for names in (WIDE, SAFE, {}):
            asked = {post: _fields(names.get(products[post], ())) for post in wanted}
            answers = await self._ask(asked)
            wanted = [post for post, answer in answers.items() if _only_insights(answer)]
            why |= {
                post: answer for post in wanted if isinstance(answer := answers[post], errors.SocialKitError)
            }
            told |= answers
        now = self.call.now()
        return [row_of(r, told[str(r.id)], products[str(r.id)], why.get(str(r.id)), now) for r in receipts]

    async def _ask(self, asked: Mapping[str, str]) -> dict[str, Told]:
        """What is told of each post, or why nothing is."""
        if not self.page:
            return {post: await self._one(post, fields) for post, fields in asked.items()}
        posts, told = list(asked), dict[str, Told]()
        for start in range(0, len(posts), BATCH):
            some = posts[start : start + BATCH]
            paths = [f"{post}?fields={asked[post]}" for post in some]
            answers = await batch(paths, self.call, f"/{VERSION}/")
            told |= {post: self._read(answer) for post, answer in zip(some, answers, strict=True)}
        return told

    async def _one(self, post: str, fields: str) -> Told:
        try:
            answer = await self.call.read("GET", f"/{VERSION}/{post}", params={"fields": fields})
        except (errors.PlatformError, errors.AuthError) as error:
            return error
        return self._read(answer)

    def _read(self, answer: base.Response | None) -> Told:
        if answer is None:
            return errors.Unavailable("Instagram did not answer for this post in time")
        if answer.status >= 300 or self.adapter.says_no(answer):
            return self.adapter.parse_error(answer)
        told = answer.json_or_none()
        return told if isinstance(told, dict) else errors.Unavailable("the answer is no JSON object")


def _fields(names: Sequence[str]) -> str:
    return (
        f"{COUNTS},insights.metric({','.join(names)})" if names else COUNTS.replace("media_product_type,", "")
    )


def _only_insights(answer: Told) -> bool:
    """Whether the post may be there all the same, and only its insights are not to be had."""
    if isinstance(answer, errors.MissingScope):
        return True
    code = str(answer.__dict__.get("code")) if isinstance(answer, errors.Declined) else ""
    return code.partition("/")[0] in ("100", "10") and code != "100/33"


_LATE = "Instagram does not tell it (yet): insights come up to 48 hours late"
_HIDDEN = "Instagram did not say: the account may hide it"
_NO_CLICKS = "Instagram counts clicks on links of stories only"
_NO_STORY = "Instagram does not count it for stories"
_NO_VIDEO = "the post has no video"
_NO_WATCH = "Instagram tells it of reels only"


def row_of(
    receipt: Receipt, told: Told, product: str, why: errors.SocialKitError | None, now: datetime
) -> Metrics:
    """The row of a post; ``why``: what insights were refused with."""
    if not isinstance(told, dict):
        return Metrics.of(receipt, error=told, fetched_at=now)
    seen = values_of(found(told, "insights.data"))
    story, reel = product == "STORY", product == "REELS"
    moving = reel or told.get("media_type") == "VIDEO"
    watched = seen.get("ig_reels_video_view_total_time")
    counts = {
        "impressions": seen.get("views"),
        "reach": seen.get("reach"),
        "likes": None if story else _first(told.get("like_count"), seen.get("likes")),
        "comments": seen.get("replies")
        if story
        else _first(told.get("comments_count"), seen.get("comments")),
        "shares": _sum(seen, "shares", "reposts"),
        "saves": seen.get("saved"),
        "clicks": seen.get("link_clicks"),
        "video_views": seen.get("views") if moving else None,
        "watch_seconds": watched / 1000 if watched is not None else None,
    }
    late = f"Instagram did not say: {why.message}" if why is not None else _LATE
    reasons = {
        "likes": _NO_STORY if story else _HIDDEN,
        "comments": late if story else _HIDDEN,
        "saves": _NO_STORY if story else late,
        "clicks": late if story else _NO_CLICKS,
        "video_views": late if moving else _NO_VIDEO,
        "watch_seconds": late if reel else _NO_WATCH,
    }
    missing = {"quotes": "Instagram has no quotes"}
    missing |= {name: reasons.get(name, late) for name, value in counts.items() if value is None}
    raw = {name: told[name] for name in ("like_count", "comments_count") if name in told} | seen
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


def values_of(rows: Any) -> dict[str, Any]:
    """The numbers of an insights list by name: one value, or a total.

    >>> values_of([{"name": "reach", "values": [{"value": 11}]}, {"name": "views", "total_value": {"value": 12}}])
    {'reach': 11, 'views': 12}
    """
    told = {str(row.get("name")): found(row, "values.0.value|total_value.value") for row in rows or ()}
    return {name: value for name, value in told.items() if isinstance(value, int | float)}


def _first(*values: Any) -> int | None:
    return next((value for value in values if isinstance(value, int)), None)


def _sum(seen: Mapping[str, Any], *names: str) -> int | None:
    """What is known of several numbers that are one to the vocabulary."""
    known = [seen[name] for name in names if name in seen]
    return sum(known) if known else None


def summed(tables: Iterable[Mapping[str, Any]], name: str) -> int | None:
    """The sum over several stretches of time; None as soon as one does not tell."""
    values = [table.get(name) for table in tables]
    return None if None in values or not values else sum(value for value in values if value is not None)
