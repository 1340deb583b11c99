"""YouTube's videos as it shows them: ids, permalinks, where they stand, whether they are ours, numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt, Status

from ._youtube_rules import PACIFIC
from .base import Absent, Lost, Sent

Json = dict[str, Any]
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_LINK = re.compile(
    r"https?://(?:(?:www|m|music)\.)?(?:youtube\.com/(?:watch\?(?:[^#]*&)?v=|shorts/|live/|embed/)|youtu\.be/)"
    r"(?P<id>[A-Za-z0-9_-]{11})(?:[/?&#].*)?",
    re.IGNORECASE,
)
LOOK_AGAIN = 60.0
"""Seconds between looks at a video that is being processed."""
SETTABLE_STATUS = (
    "privacyStatus",
    "publishAt",
    "license",
    "embeddable",
    "publicStatsViewable",
    "selfDeclaredMadeForKids",
    "containsSyntheticMedia",
)
SETTABLE_SNIPPET = ("title", "description", "tags", "categoryId", "defaultLanguage", "defaultAudioLanguage")
SCHEDULED = "scheduled"
"""What is kept as the visibility that was asked for, where the video is public from a moment on."""
APPEARS = 600.0
"""Seconds a video that was just made may not be shown yet."""
_VISIBILITY = "visibility: "
_STOPPED = ("failed", "rejected")


# --- ids --------------------------------------------------------------------------------------------------
def permalink_of(video_id: str) -> str:
    return f"https://www.youtube.com/watch?v={video_id}"


def id_of(reference: str) -> str | None:
    """The id in a permalink, or a bare id.

    >>> id_of("https://youtu.be/dQw4w9WgXcQ?t=3"), id_of("https://example.com")
    ('dQw4w9WgXcQ', None)
    """
    if (match := _LINK.fullmatch(reference)) is not None:
        return match["id"]
    return reference if VIDEO_ID.fullmatch(reference) else None


def is_permalink(reference: str) -> bool:
    return _LINK.fullmatch(reference) is not None


def own_id_of(receipt: Receipt) -> str:
    """The id a receipt names, fit for a query."""
    if (found := id_of(receipt.id or receipt.url or "")) is None:
        raise errors.ConfigError(f"{receipt.id or receipt.url!r} is no id of a video: 11 characters")
    return found


# --- moments ----------------------------------------------------------------------------------------------
def moment(text: Any) -> datetime | None:
    """A moment as YouTube writes it, as aware UTC; None when there is none."""
    try:
        told = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pacific_day(when: datetime) -> str:
    """The day in California, as Analytics counts days."""
    return (PACIFIC.after(when) - timedelta(hours=12)).strftime("%Y-%m-%d")


def quota_midnight(now: datetime) -> datetime:
    """When the project's quota is whole again.

    >>> quota_midnight(datetime(2026, 11, 2, 9, tzinfo=UTC)).isoformat()
    '2026-11-03T08:00:00+00:00'
    """
    return PACIFIC.after(now)


# --- where a video stands -----------------------------------------------------------------------------------
def sent_of(video: Mapping[str, Any], now: datetime, raw: Json | None = None) -> Sent:
    """What YouTube says of a video of ours: published, scheduled, in processing; what it did otherwise than asked is in
    ``missing``. ``raw`` knows what was asked."""
    video_id = str(video["id"])
    status, snippet = video.get("status") or {}, video.get("snippet") or {}
    made = Sent(
        video_id,
        permalink_of(video_id),
        moment(snippet.get("publishedAt")),
        missing=_seen_by_others(status, (raw or {}).get("visibility")),
        raw=dict(raw or {}),
    )
    due = moment(status.get("publishAt"))
    if due is not None and status.get("privacyStatus") == "private":
        again = max(due, now) + timedelta(seconds=LOOK_AGAIN)
        return attrs.evolve(made, status=Status.SCHEDULED, published_at=due, look_again_at=again)
    if not is_processed(video):
        return attrs.evolve(made, status=Status.PROCESSING, look_again_at=now + timedelta(seconds=LOOK_AGAIN))
    return made


def _seen_by_others(status: Mapping[str, Any], asked: str | None) -> tuple[str, ...]:
    """That YouTube shows the video to other people than was asked."""
    shown, wanted = status.get("privacyStatus"), "public" if asked == SCHEDULED else asked
    waiting = asked == SCHEDULED and shown == "private"
    if None in (shown, wanted) or shown == wanted or (waiting and status.get("publishAt")):
        return ()
    if waiting:
        return (f"{_VISIBILITY}its schedule is off, the video is private",)
    return (f"{_VISIBILITY}YouTube shows it as {shown}, not {wanted}",)


def stands(video: Any, sent: Sent, now: datetime) -> Sent | Absent:
    """Where a video of ours stands, by what YouTube shows of it now (None: nothing)."""
    if not isinstance(video, dict) or (video.get("status") or {}).get("uploadStatus") == "deleted":
        return _unseen(sent, now)
    if (trouble := trouble_of(video)) is not None:
        return Absent(f"{trouble}; {permalink_of(str(video['id']))}")
    asked = {"visibility": SCHEDULED} if sent.status is Status.SCHEDULED else {}
    seen = sent_of(video, now, asked | sent.raw)
    told = (words for words in sent.missing if not words.startswith(_VISIBILITY))
    return attrs.evolve(
        seen, missing=tuple(dict.fromkeys((*told, *seen.missing))), raw=sent.raw, owed=sent.owed
    )


def _unseen(sent: Sent, now: datetime) -> Sent:
    """Not shown yet, or not any more: then somebody deleted it, and it is not for us to make it anew."""
    made = moment(sent.raw.get("uploaded"))
    if made is not None and now - made < timedelta(seconds=APPEARS):
        return attrs.evolve(sent, look_again_at=now + timedelta(seconds=LOOK_AGAIN))
    words = "YouTube does not show the video any more: it was deleted"
    return attrs.evolve(sent, look_again_at=None, missing=tuple(dict.fromkeys((*sent.missing, words))))


def trouble_of(video: Mapping[str, Any]) -> str | None:
    """Why nobody will see the video, in YouTube's words; None where nothing says so."""
    status, processing = video.get("status") or {}, video.get("processingDetails") or {}
    stopped = status.get("uploadStatus")
    if stopped not in _STOPPED and processing.get("processingStatus") not in ("failed", "terminated"):
        return None
    listed = (video.get("suggestions") or {}).get("processingErrors") or ()
    reasons = [status.get("failureReason"), status.get("rejectionReason")]
    reasons += [processing.get("processingFailureReason"), *listed]
    why = ", ".join(dict.fromkeys(str(one) for one in reasons if one)) or "no reason given"
    state = stopped if stopped in _STOPPED else processing["processingStatus"]
    return f"nobody can watch the video: YouTube says {state} ({why})"


def is_processed(video: Mapping[str, Any]) -> bool:
    """Whether YouTube has ended its work on a video, as far as its answer tells."""
    return (video.get("status") or {}).get("uploadStatus") not in ("uploaded", *_STOPPED)


def is_settled(video: Any) -> bool:
    """Whether a look tells how a video ended: as one to watch, or as none."""
    return isinstance(video, dict) and (is_processed(video) or trouble_of(video) is not None)


def is_short(width: int | None, height: int | None, seconds: float | None, limit: float) -> bool:
    """Whether YouTube will call it a Short: no wider than high, and not long."""
    return bool(width and height and seconds) and width <= height and (seconds or 0.0) <= limit  # type: ignore[operator]


def latest(item: Mapping[str, Any]) -> datetime | None:
    """When an item of the uploads playlist came there, or became public if that was later; None: it is not told."""
    told = (item.get("contentDetails") or {}).get("videoPublishedAt")
    moments = (moment((item.get("snippet") or {}).get("publishedAt")), moment(told))
    return max((one for one in moments if one), default=None)


# --- is it ours -------------------------------------------------------------------------------------------
def in_time(item: Mapping[str, Any], lost: Lost) -> bool:
    """Whether an item of the uploads playlist can be a lost video: of its time, and of no other intent."""
    at = moment((item.get("snippet") or {}).get("publishedAt"))
    return (at is None or lost.since <= at <= lost.until) and video_of(item) not in lost.claimed


def is_alike(item: Mapping[str, Any], lost: Lost) -> bool:
    """Whether an item of the uploads playlist has the title and description that were sent."""
    snippet, wanted = item.get("snippet") or {}, lost.part.body["request"]["snippet"]
    return all(_folded(snippet.get(name)) == _folded(wanted.get(name)) for name in ("title", "description"))


def _folded(text: Any) -> str:
    return " ".join(str(text or "").split())


def is_private(item: Mapping[str, Any]) -> bool:
    return (item.get("status") or {}).get("privacyStatus") == "private"


def video_of(item: Mapping[str, Any]) -> str:
    """The id of the video that an item of a playlist stands for."""
    told = (item.get("contentDetails") or {}).get("videoId")
    return str(told or ((item.get("snippet") or {}).get("resourceId") or {}).get("videoId") or "")


def is_file(video: Mapping[str, Any], name: str | None) -> bool:
    """Whether the file behind a video is the one that was sent: its name has a mark of its own."""
    return name is not None and (video.get("fileDetails") or {}).get("fileName") == name


def is_other_file(video: Mapping[str, Any], size: int) -> bool:
    """Whether the file behind a video is certainly another one: it has another size."""
    told = (video.get("fileDetails") or {}).get("fileSize")
    return told is not None and str(told) != str(size)


# --- receipts and numbers ---------------------------------------------------------------------------------
def receipt_of(item: Mapping[str, Any], owner: Identity) -> Receipt:
    """The receipt of an item of the uploads playlist, or of a video."""
    snippet = item.get("snippet") or {}
    video_id = video_of(item) or str(item["id"])
    at = moment((item.get("contentDetails") or {}).get("videoPublishedAt")) or moment(
        snippet.get("publishedAt")
    )
    return Receipt(owner, video_id, permalink_of(video_id), at, str(snippet.get("description") or ""), "post")


ASK_ANALYTICS = "YouTube tells it in its Analytics; YouTube(analytics=True) asks for them too"
_NOT_OURS = "YouTube's Analytics tell it for the channel's own videos only"
_NO_FIGURES = "YouTube's Analytics have no figures for it yet; they come after 48 to 72 hours"
_HIDDEN = {
    "video_views": "YouTube did not say",
    "likes": "YouTube did not say: likes may be hidden",
    "comments": "YouTube did not say: comments may be off",
}
_NEVER = {
    "reach": "YouTube does not count it",
    "quotes": "there are no quotes on YouTube",
    "followers": "it is the channel's number; fetch_account_metrics() tells it",
}
REPORTS: tuple[tuple[str, ...], ...] = (
    (
        "views",
        "engagedViews",
        "estimatedMinutesWatched",
        "averageViewDuration",
        "shares",
        "videosAddedToPlaylists",
    ),
    ("videoThumbnailImpressions",),
    ("cardClicks",),
)
"""Metrics that can be asked for together; impressions and cards go alone, or the whole query is refused."""
_SOURCES = {
    "impressions": ("videoThumbnailImpressions", 1),
    "shares": ("shares", 1),
    "saves": ("videosAddedToPlaylists", 1),
    "clicks": ("cardClicks", 1),
    "watch_seconds": ("estimatedMinutesWatched", 60),
}


@attrs.frozen
class Reported:
    """What Analytics said: numbers by video and metric, and why a metric is not among them."""

    numbers: dict[str, Json] = attrs.field(factory=dict)
    refused: dict[str, str] = attrs.field(factory=dict)


def rows_of(report: Mapping[str, Any]) -> list[Json]:
    """A report's rows by the names of its columns; null is what cannot be reported."""
    names = [column["name"] for column in report.get("columnHeaders") or ()]
    return [dict(zip(names, row, strict=False)) for row in report.get("rows") or ()]


def row_of(
    receipt: Receipt, video: Mapping[str, Any] | None, reported: Reported | None, own: bool, now: datetime
) -> Metrics:
    """The row of a video; ``reported`` is None where Analytics were not asked."""
    if id_of(receipt.id or "") is None:
        words = f"{receipt.id!r} is no id of a video: 11 characters"
        return Metrics.of(receipt, error=errors.ConfigError(words), fetched_at=now)
    if video is None:
        words = "YouTube does not show the video: deleted, private or not there"
        return Metrics.of(receipt, error=errors.Declined(words, status=404, said=words), fetched_at=now)
    told = video.get("statistics") or {}
    counts: Json = {
        "video_views": whole(told.get("viewCount")),
        "likes": whole(told.get("likeCount")),
        "comments": whole(told.get("commentCount")),
    }
    missing = dict(_NEVER) | {name: _HIDDEN[name] for name, value in counts.items() if value is None}
    numbers = (reported.numbers.get(str(receipt.id)) or {}) if reported else {}
    for name, (metric, factor) in _SOURCES.items():
        value = numbers.get(metric)
        counts[name] = None if value is None else value * factor
        if value is None:
            missing[name] = _why(metric, reported, own)
    raw = {"statistics": dict(told)} | ({"analytics": numbers} if numbers else {})
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


def _why(metric: str, reported: Reported | None, own: bool) -> str:
    if reported is None:
        return ASK_ANALYTICS
    if not own:
        return _NOT_OURS
    return reported.refused.get(metric, _NO_FIGURES)


def whole(text: Any) -> int | None:
    """A count, which YouTube writes as a string; None when it leaves it out."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,18}", str(text)) else None


def in_batches(ids: Sequence[str], size: int) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
