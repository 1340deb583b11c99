"""The numbers of Pages: what is asked of posts, videos, stories and comments, and what the answers say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from .. import errors
from ..flows._whoami import found
from ..metrics import Metrics
from ..model import Receipt
from ._facebook_posts import GONE, is_id, listed
from ._graph import BATCH, batch
from .base import Call, Response

Numbers = dict[str, int | float | None]

POST_METRICS = (
    "post_media_view",
    "post_total_media_view_unique",
    "post_clicks",
)
"""As of Graph API v26.0; the ``post_impressions`` family ended in November 2025 and June 2026."""
STORY_METRICS = (
    "STORY_MEDIA_VIEW",
    "STORY_TOTAL_MEDIA_VIEW_UNIQUE",
    "STORY_INTERACTION",
    "PAGES_FB_STORY_REPLIES",
    "PAGES_FB_STORY_SHARES",
    "PAGES_FB_STORY_THREAD_LIGHTWEIGHT_REACTIONS",
)
PAGE_METRICS = {"impressions": "page_media_view", "video_views": "page_video_views"}
PAGE_REACH = "page_total_media_view_unique"
PERIOD = timedelta(days=90)
"""What one question about a Page covers at most."""
_TOTAL = ".limit(0).summary(true)"
_NO_VIDEO = "the post has no video"
_NOT_COUNTED = "Facebook does not count it"
_NO_NUMBERS = "Facebook has no number yet: they come up to a day late, and not for every Page"


@attrs.frozen
class Question:
    """What is asked of one kind of thing: fields of its node, the edge of its numbers, the metrics asked for there.

    Without ``metrics`` the edge answers what it has, and nothing of it can be unknown.
    """

    fields: str
    edge: str = ""
    metrics: tuple[str, ...] = ()

    def path(self, native: str, good: Iterable[str] | None = None) -> str:
        """The request for one thing: counts and numbers at once; ``good`` are the metrics that are known to work."""
        asked = tuple(self.metrics if good is None else good)
        numbers = ""
        if self.edge and (asked or not self.metrics) and good != ():
            only = f".metric({','.join(asked)})" if asked else ""
            numbers = f",{self.edge}{only}{{name,period,values}}"
        return f"{native}?fields={self.fields}{numbers}"

    def probes(self, native: str) -> list[str]:
        """One request per metric, which tell the bad one from the others."""
        return [f"{native}/{self.edge}?metric={metric}" for metric in self.metrics]


QUESTIONS = {
    "post": Question(
        f"id,shares,comments{_TOTAL},reactions{_TOTAL}",
        "insights",
        POST_METRICS,
    ),
    "video": Question(f"id,views,comments{_TOTAL},likes{_TOTAL}", "video_insights"),
    "story": Question("post_id", "insights", STORY_METRICS),
    "comment": Question("id,like_count,comment_count"),
}


def kind_of(receipt: Receipt) -> str:
    way = receipt.raw.get("way")
    if way in ("video", "reel"):
        return "video"
    if receipt.kind == "story":
        return "story"
    return "comment" if way == "comment" or receipt.kind == "reply" else "post"


@attrs.frozen
class Row:
    """What is known of one receipt so far: its node, or why there is none; ``why`` no number of the edge came."""

    receipt: Receipt
    node: dict[str, Any] | None = None
    error: errors.SocialKitError | None = None
    why: Mapping[str, str] = attrs.field(factory=dict)


class Reader:
    """Reads the numbers of at most 50 things in one request; two more where a metric is bad."""

    def __init__(self, call: Call, root: str, parse: Callable[[Response], errors.SocialKitError]) -> None:
        self.call, self.root, self.parse = call, root, parse

    async def rows(self, receipts: Sequence[Receipt]) -> list[Row]:
        asked = [receipt for receipt in receipts if is_id(receipt.id)]
        told = await self._ask([QUESTIONS[kind_of(one)].path(str(one.id)) for one in asked])
        rows = {one.id: self._row(one, answer) for one, answer in zip(asked, told, strict=True)}
        for kind, question in QUESTIONS.items():
            bad = [row for row in rows.values() if kind_of(row.receipt) == kind and _may_be_bad(row.error)]
            if bad and question.edge:
                rows |= {row.receipt.id: row for row in await self._again(question, bad)}
        return [rows.get(receipt.id) or Row(receipt, error=_no_id(receipt)) for receipt in receipts]

    async def _again(self, question: Question, bad: Sequence[Row]) -> list[Row]:
        """The same without the metrics that are refused; the counts at least."""
        natives = [str(row.receipt.id) for row in bad]
        probes = await self._ask(question.probes(natives[0])) if question.metrics else []
        why = {
            metric: self._words(answer)
            for metric, answer in zip(question.metrics if probes else (), probes, strict=True)
            if answer is None or answer.status != 200
        }
        good = tuple(metric for metric in question.metrics if metric not in why)
        if not question.metrics:
            why = {"": str(bad[0].error)}
        told = await self._ask([question.path(native, good) for native in natives])
        rows = [self._row(row.receipt, answer, why) for row, answer in zip(bad, told, strict=True)]
        if not any(_may_be_bad(row.error) for row in rows) or not good:
            return rows
        bare = await self._ask([question.path(native, ()) for native in natives])
        gone = {metric: str(row.error) for row in rows for metric in question.metrics if row.error}
        return [self._row(row.receipt, answer, gone | why) for row, answer in zip(bad, bare, strict=True)]

    async def _ask(self, paths: Sequence[str]) -> list[Response | None]:
        told: list[Response | None] = []
        for start in range(0, len(paths), BATCH):
            told += await batch(paths[start : start + BATCH], self.call, self.root)
        return told

    def _row(self, receipt: Receipt, answer: Response | None, why: Mapping[str, str] | None = None) -> Row:
        if answer is None:
            return Row(receipt, error=errors.Unavailable("Facebook did not answer for this post in time"))
        node = answer.json_or_none()
        if answer.status != 200 or not isinstance(node, dict) or "error" in node:
            return Row(receipt, error=self.parse(answer))
        return Row(receipt, node, why=why or {})

    def _words(self, answer: Response | None) -> str:
        return str(self.parse(answer)) if answer is not None else "Facebook did not answer in time"


def _may_be_bad(error: errors.SocialKitError | None) -> bool:
    """Whether a row failed for a reason that may be a metric's, and not the post's own."""
    if not isinstance(error, errors.Declined | errors.MissingScope):
        return False
    return error.__dict__.get("code") != GONE


def _no_id(receipt: Receipt) -> errors.SocialKitError:
    return errors.ConfigError(f"{receipt.id!r} is no id on Facebook")


# --- one row ----------------------------------------------------------------------------------------------
def metrics_of(row: Row, now: datetime) -> Metrics:
    """The vocabulary's numbers of one thing, a reason for each that is not there."""
    receipt, node = row.receipt, row.node
    if node is None:
        return Metrics.of(receipt, error=row.error, fetched_at=now)
    kind, told = kind_of(receipt), insights_in(node, QUESTIONS[kind_of(receipt)].edge)
    counts, missing = _BY_KIND[kind](node, told, row.why)
    missing = {name: words for name, words in missing.items() if counts.get(name) is None}
    missing |= dict.fromkeys(("quotes", "saves"), _NOT_COUNTED)
    raw = {name: value for name, value in node.items() if name not in ("insights", "video_insights")}
    values: dict[str, Any] = dict(counts)
    return Metrics.of(receipt, **values, missing=missing, raw=raw | {"insights": told}, fetched_at=now)


def insights_in(node: Mapping[str, Any], edge: str) -> dict[str, Any]:
    """Metric → its (last) value."""
    held = found(node, f"{edge}.data") if edge else None
    told = {}
    for one in held if isinstance(held, list) else ():
        if (value := found(one, "values.0.value")) is not None:
            told[str(one.get("name"))] = value
    return told


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _added(value: Any) -> int | None:
    """All of a number that is told by kind."""
    if not isinstance(value, Mapping):
        return _count(value)
    return sum(count for one in value.values() if (count := _count(one)) is not None)


def _by_name(value: Any, name: str) -> int | None:
    """One kind's part of such a number; a kind that is not listed is none."""
    if not isinstance(value, Mapping):
        return None
    return next((_count(one) for key, one in value.items() if str(key).lower() == name), 0)


Counted = tuple[Numbers, dict[str, str]]


def _of_post(node: Mapping[str, Any], told: Mapping[str, Any], why: Mapping[str, str]) -> Counted:
    counts: Numbers = {
        "likes": _count(found(node, "reactions.summary.total_count")),
        "comments": _count(found(node, "comments.summary.total_count")),
        # Facebook leaves the field out where nobody has shared it
        "shares": _count(found(node, "shares.count")) if node.get("shares") else 0,
        "impressions": _count(told.get("post_media_view")),
        "reach": _count(told.get("post_total_media_view_unique")),
        "clicks": _count(told.get("post_clicks")),
    }
    names = dict(zip(("impressions", "reach", "clicks"), POST_METRICS, strict=True))
    missing = {name: why.get(metric, _NO_NUMBERS) for name, metric in names.items()}
    missing |= dict.fromkeys(("likes", "comments"), "Facebook did not say")
    return counts, missing | dict.fromkeys(("video_views", "watch_seconds"), _NO_VIDEO)


def _of_video(node: Mapping[str, Any], told: Mapping[str, Any], why: Mapping[str, str]) -> Counted:
    likes = _added(told.get("post_video_likes_by_reaction_type"))
    plays = _count(told.get("blue_reels_play_count"))
    watched = _count(told.get("post_video_view_time"))
    reach = told.get("post_total_media_view_unique", told.get("post_impressions_unique"))
    counts: Numbers = {
        "likes": likes if likes is not None else _count(found(node, "likes.summary.total_count")),
        "comments": _count(found(node, "comments.summary.total_count")),
        "shares": _by_name(told.get("post_video_social_actions"), "share"),
        "impressions": _count(told.get("post_media_view")),
        "reach": _count(reach),
        "video_views": plays if plays is not None else _count(node.get("views")),
        "watch_seconds": watched / 1000 if watched is not None else None,
    }
    missing = dict.fromkeys(counts, why.get("", _NO_NUMBERS))
    missing["impressions"] = "Facebook tells plays and people of a video, not how often it was shown"
    return counts, missing | {"clicks": "Facebook does not tell it of videos"}


def _of_story(node: Mapping[str, Any], told: Mapping[str, Any], why: Mapping[str, str]) -> Counted:
    named = {
        "impressions": "STORY_MEDIA_VIEW",
        "reach": "STORY_TOTAL_MEDIA_VIEW_UNIQUE",
        "comments": "PAGES_FB_STORY_REPLIES",
        "shares": "PAGES_FB_STORY_SHARES",
        "likes": "PAGES_FB_STORY_THREAD_LIGHTWEIGHT_REACTIONS",
    }
    counts: Numbers = {name: _count(told.get(metric)) for name, metric in named.items()}
    missing = {name: why.get(metric, _NO_NUMBERS) for name, metric in named.items()}
    names = ("clicks", "video_views", "watch_seconds")
    return counts, missing | dict.fromkeys(names, "Facebook does not tell it of stories")


def _of_comment(node: Mapping[str, Any], told: Mapping[str, Any], why: Mapping[str, str]) -> Counted:
    counts: Numbers = {"likes": _count(node.get("like_count")), "comments": _count(node.get("comment_count"))}
    names = ("impressions", "reach", "shares", "clicks", "video_views", "watch_seconds")
    missing: dict[str, str] = dict.fromkeys(names, "Facebook does not tell it of comments")
    return counts, missing | dict.fromkeys(("likes", "comments"), "Facebook did not say")


_BY_KIND: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, str]], Counted]] = {
    "post": _of_post,
    "video": _of_video,
    "story": _of_story,
    "comment": _of_comment,
}


# --- the Page ---------------------------------------------------------------------------------------------
def windows(since: datetime, until: datetime) -> list[tuple[int, int]]:
    """A period in pieces of at most 90 days, in seconds since 1970.

    >>> from datetime import UTC
    >>> len(windows(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)))
    5
    """
    pieces, start = [], since
    while start < until:
        end = min(start + PERIOD, until)
        pieces.append((int(start.timestamp()), int(end.timestamp())))
        start = end
    return pieces


def page_paths(page: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
    """(number, request) for the numbers of a period; people reached are asked for as one number."""
    asked = []
    for start, end in windows(since, until):
        for name, metric in PAGE_METRICS.items():
            query = f"metric={metric}&period=day&since={start}&until={end}"
            asked.append((name, f"{page}/insights?{query}"))
    if len(pieces := windows(since, until)) == 1:
        start, end = pieces[0]
        query = f"metric={PAGE_REACH}&period=total_over_range&since={start}&until={end}"
        asked.append(("reach", f"{page}/insights?{query}"))
    return asked


def page_numbers(
    asked: Sequence[tuple[str, str]],
    told: Sequence[Response | None],
    parse: Callable[[Response], errors.SocialKitError],
) -> tuple[Numbers, dict[str, str]]:
    """What a period adds up to; a number of which one piece is missing is not known."""
    sums: dict[str, list[int | None]] = {}
    missing: dict[str, str] = {}
    for (name, _), answer in zip(asked, told, strict=True):
        if answer is None or answer.status != 200:
            words = str(parse(answer)) if answer is not None else "Facebook did not answer in time"
            missing.setdefault(name, words)
            sums.setdefault(name, []).append(None)
            continue
        values = [value for one in listed(answer.json()) for value in one.get("values") or ()]
        numbers = [_count(value.get("value")) for value in values]
        if not numbers or None in numbers:
            missing.setdefault(name, _NO_NUMBERS)
        sums.setdefault(name, []).append(sum(map(int, filter(None, numbers))) if numbers else None)
    totals: Numbers = {
        name: None if None in parts or name in missing else sum(map(int, filter(None, parts)))
        for name, parts in sums.items()
    }
    return totals, missing
