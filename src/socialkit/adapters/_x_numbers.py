"""X's numbers: which posts tell what, and what is made of the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Receipt

from ._x_posts import born, either
from ._x_wire import problem_kind

Seen = tuple[dict[str, Any], list[dict[str, Any] | None]]
"""A post as X showed it, and its media (None: X did not show that one)."""

PRIVATE_FOR = timedelta(days=30)
"""How long X tells private numbers."""
_NOT_ASKED = "X tells it in its media analytics; X(media_analytics=True) asks for them too"
_NO_VIDEO = "the post has no video"
_NO_LINK = "X did not say: it counts clicks on links, and the post may have none"
_NOT_OURS = "X tells it for own posts of the last 30 days only"
_OLD = f"{_NOT_OURS}; X(post_analytics=True) asks its analytics for the others"


def is_known(receipt: Receipt) -> bool:
    """Whether its id can be asked for: one that is none makes X refuse all that are asked for with it."""
    return receipt.id is not None and re.fullmatch("[0-9]{1,19}", receipt.id) is not None


def is_young(receipt: Receipt, now: datetime) -> bool:
    at = receipt.published_at or born(str(receipt.id))
    return at is not None and now - at < PRIVATE_FOR - timedelta(minutes=5)


def is_field_problem(problem: Mapping[str, Any] | None) -> bool:
    """Whether a post is withheld only because a private number was asked for."""
    return problem is not None and "field" in str(problem.get("type")).rpartition("/")[2]


def row_of(
    receipt: Receipt,
    seen: Seen | None,
    problem: Mapping[str, Any] | None,
    now: datetime,
    watched: Mapping[str, float] | str | None = None,
    clicked: Mapping[str, int] | str | None = None,
) -> Metrics:
    """The row of a post; ``watched`` is how long its videos were, by media key, or why that is not known.

    ``clicked`` is how often its links were, by id, for old posts.
    """
    if not is_known(receipt):
        words = f"{receipt.id!r} is no id of a post on X: up to 19 digits"
        return Metrics.of(receipt, error=errors.ConfigError(words), fetched_at=now)
    if seen is None:
        words = str((problem or {}).get("detail") or "X did not show it: deleted, or not visible")
        status = 404 if problem_kind(problem or {}) == "resource-not-found" else None
        return Metrics.of(receipt, error=errors.Declined(words, status=status, said=words), fetched_at=now)
    post, media = seen
    public = post.get("public_metrics") or {}
    private = (post.get("organic_metrics") or {}) | (post.get("non_public_metrics") or {})
    clicks, why_no_clicks = _clicks(str(receipt.id), private, clicked)
    views, why_no_views = _views(media)
    seconds, why_not_watched = _watched(media, watched)
    counts = {
        "impressions": (private | public).get("impression_count"),
        "likes": public.get("like_count"),
        "comments": public.get("reply_count"),
        "shares": either(public, "retweet_count", "repost_count"),
        "quotes": public.get("quote_count"),
        "saves": public.get("bookmark_count"),
        "clicks": clicks,
        "video_views": views,
        "watch_seconds": seconds,
    }
    reasons = {
        "video_views": why_no_views,
        "watch_seconds": why_not_watched,
        "clicks": why_no_clicks,
    }
    missing = {"reach": "X does not count it"}
    missing |= {name: reasons.get(name, "X did not say") for name, value in counts.items() if value is None}
    names = ("public_metrics", "non_public_metrics", "organic_metrics", "promoted_metrics")
    raw = {name: post[name] for name in names if name in post} | {"media": [one for one in media if one]}
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


def _clicks(
    post_id: str, private: Mapping[str, Any], clicked: Mapping[str, int] | str | None
) -> tuple[int | None, str]:
    """Clicks on links, or None and why: from the private numbers, for old posts from the analytics."""
    if private:
        return private.get("url_link_clicks"), _NO_LINK
    if clicked is None or isinstance(clicked, str):
        return None, clicked or _OLD
    return clicked.get(post_id), _NOT_OURS


def _views(media: Sequence[dict[str, Any] | None]) -> tuple[int | None, str]:
    """Views of all moving media together, or None and why."""
    if not any(one is None or one.get("type") != "photo" for one in media):
        return None, _NO_VIDEO
    moving = [(one or {}).get("public_metrics") or {} for one in media if (one or {}).get("type") != "photo"]
    views = [one.get("view_count") for one in moving]
    return (None, "X did not say") if None in views else (sum(map(int, filter(None, views))), "")


def _watched(
    media: Sequence[dict[str, Any] | None], watched: Mapping[str, float] | str | None
) -> tuple[float | None, str]:
    """Seconds all moving media together were watched, or None and why."""
    keys = moving_keys(media)
    if not keys and None not in media:
        return None, _NO_VIDEO
    if watched is None or isinstance(watched, str):
        return None, watched or _NOT_ASKED
    known = bool(keys) and None not in media and all(key in watched for key in keys)
    return (sum(watched[key] for key in keys), "") if known else (None, "X did not say")


def moving_keys(media: Sequence[dict[str, Any] | None]) -> list[str]:
    """The keys of a post's videos and GIFs."""
    return [str(one["media_key"]) for one in media if one and one.get("type") != "photo"]


def watch_times_of(body: Mapping[str, Any]) -> dict[str, float]:
    """Seconds watched by media key, from media analytics."""
    return {key: total / 1000 for key, total in _totals(body, "media_key", "watch_time_ms").items()}


def clicks_of(body: Mapping[str, Any]) -> dict[str, int]:
    """Clicks on links by id, from analytics."""
    return _totals(body, "id", "url_clicks")


def _totals(body: Mapping[str, Any], key: str, name: str) -> dict[str, int]:
    """A counter by key, from analytics: one number, or one per slice of time."""
    found = {}
    for row in body.get("data") or ():
        slices = [one.get("metrics") or {} for one in row.get("timestamped_metrics") or ()] or [row]
        told = [one[name] for one in slices if one.get(name) is not None]
        if told and all(isinstance(one, int) for one in told):
            found[str(row.get(key))] = sum(told)
    return found
