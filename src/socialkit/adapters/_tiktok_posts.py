"""TikTok's posts, pure: how a file is cut, where a post stands, what the lists show of it, its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from .. import errors
from ..flows._whoami import as_text
from ..metrics import Metrics
from ..model import Identity, Receipt, Status
from ..text import length
from ._tiktok_rules import CUT, DAY, DROPPED
from .base import Response, Sent

WHOLE = 64_000_000
"""Bytes up to which a file goes up in one chunk. Since August 2026 several chunks are refused for some apps."""
CHUNK = 10_000_000
POST = re.compile(
    r"https?://(?:www\.|m\.)?tiktok\.com/@(?P<name>[^/?#]+)/(?P<kind>video|photo)/(?P<id>[0-9]{1,20})/?(?:[?#].*)?"
)
PUBLIC = "PUBLIC_TO_EVERYONE"
_NUMBER = re.compile("[0-9]{1,20}")


# --- bytes ------------------------------------------------------------------------------------------------
@attrs.frozen
class Chunks:
    """How a file of ``size`` bytes is cut: ``count`` chunks, what does not divide rides on the last one.

    >>> plan = Chunks(50_000_123, 10_000_000, 5)
    >>> plan.end_of(0), plan.last, plan.end_of(40_000_000)
    (10000000, 40000000, 50000123)
    """

    size: int
    chunk: int
    count: int

    @property
    def last(self) -> int:
        """Where the last chunk begins."""
        return (self.count - 1) * self.chunk

    def end_of(self, start: int) -> int:
        """Where the chunk ends in which ``start`` is."""
        return self.size if start >= self.last else (start // self.chunk + 1) * self.chunk

    def told(self, header: str | None) -> int | None:
        """How many bytes are there, by a ``Content-Range`` whose end may be a count or a last position."""
        found = re.fullmatch(r"bytes 0-(\d+)/\d+", header or "")
        if found is None:
            return None
        edges = {start * self.chunk for start in range(1, self.count)} | {self.size}
        return next((edge for edge in (int(found[1]), int(found[1]) + 1) if edge in edges), None)


def chunks_of(size: int) -> Chunks:
    """One chunk up to 64,000,000 bytes; beyond, as many of 10,000,000 as fit, rounded down.

    >>> chunks_of(64_000_000), chunks_of(64_000_001)
    (Chunks(size=64000000, chunk=64000000, count=1), Chunks(size=64000001, chunk=10000000, count=6))
    """
    return Chunks(size, size, 1) if size <= WHOLE else Chunks(size, CHUNK, size // CHUNK)


# --- where it stands --------------------------------------------------------------------------------------
@attrs.frozen
class Seen:
    """What TikTok says of a publish id. ``id`` is the post's own, once it is public; ``uploaded`` None: not told."""

    state: str
    uploaded: int | None = None
    reason: str = ""
    id: str | None = None

    @property
    def failed(self) -> bool:
        return self.state == "FAILED"

    def waits(self, size: int) -> bool:
        """Whether bytes of a file of that size are certainly still to come."""
        return self.state == "PROCESSING_UPLOAD" and self.uploaded is not None and self.uploaded < size

    def whole(self, size: int) -> bool:
        """Whether all bytes of it are certainly there."""
        return self.state not in ("", "PROCESSING_UPLOAD") or (self.uploaded or 0) >= size

    @property
    def words(self) -> str:
        """Why TikTok dropped it, and what to do."""
        told = f"TikTok dropped the post: {self.reason or 'no reason given'}"
        return f"{told}; {DROPPED[self.reason]}" if self.reason in DROPPED else told


def seen_in(response: Response) -> Seen:
    """The answer of the status request. The id is a number beyond what doubles hold, counters may be texts."""
    data = response.json().get("data") or {}
    listed = data.get("publicaly_available_post_id") or data.get("publicly_available_post_id") or ()
    ids = listed if isinstance(listed, list) else [listed]
    return Seen(
        state=str(data.get("status") or ""),
        uploaded=int(told) if (told := as_text(data.get("uploaded_bytes"))) and told.isdecimal() else None,
        reason=str(data.get("fail_reason") or ""),
        id=next((text for one in ids if (text := as_text(one)) not in (None, "0")), None),
    )


def sent_of(seen: Seen, raw: Mapping[str, Any], now: datetime) -> Sent:
    """What the publish id has become by ``now``. ``raw`` says what it was: mode, kind, privacy, name, since when."""
    kept = dict(raw)
    if seen.id is not None:
        return Sent(seen.id, permalink(raw.get("name"), raw.get("kind", "video"), seen.id), raw=kept)
    if seen.state == "SEND_TO_USER_INBOX":
        missing = ("it has no id yet: a person finishes it in the TikTok app",)
        return Sent(None, status=Status.HANDED_OVER, missing=missing, raw=kept)
    complete, in_app = seen.state == "PUBLISH_COMPLETE", raw.get("mode") == "inbox"
    if complete and in_app:
        kept.setdefault("done", now.isoformat())  # the person may take days; moderation begins only then
    age = max(0.0, (now - datetime.fromisoformat(kept.get("done") or raw["since"])).total_seconds())
    if complete and not in_app and raw.get("privacy") != PUBLIC:
        return Sent(None, missing=("TikTok gives no id for posts that are not public",), raw=kept)
    if complete and age > DAY:
        why = "moderation may keep it from the public" + in_app * ", or it is not public"
        return Sent(None, missing=(f"TikTok has not told its id within a day: {why}",), raw=kept)
    again = now + timedelta(seconds=min(900.0, max(10.0, age / 2)))
    return Sent(None, status=Status.PROCESSING, look_again_at=again, raw=kept)


def permalink(name: str | None, kind: str, post_id: str) -> str | None:
    return f"https://www.tiktok.com/@{name}/{kind}/{post_id}" if name else None


# --- what the lists show ----------------------------------------------------------------------------------
def posted_at(video: Mapping[str, Any]) -> datetime | None:
    told = as_text(video.get("create_time"))
    return datetime.fromtimestamp(int(told), UTC) if told else None


def address_of(video: Mapping[str, Any]) -> str | None:
    """The permalink, without what TikTok adds to count clicks."""
    return str(video["share_url"]).partition("?")[0] if video.get("share_url") else None


def is_same_text(shown: str, title: str, text: str) -> bool:
    """Whether a description from a list, cut at 150 characters, is that of a post."""
    seen = " ".join(shown.split())
    for whole in (text, f"{title} {text}" if title else text):
        wanted = " ".join(whole.split())
        cut = length(shown, "utf16") >= CUT - 1
        if seen == wanted or (cut and wanted.startswith(seen.rstrip("… .")) and len(wanted) >= len(seen) - 3):
            return True
    return False


def receipt_of(video: Mapping[str, Any], owner: Identity) -> Receipt:
    text = str(video.get("video_description") or "") or None
    return Receipt(owner, as_text(video.get("id")), address_of(video), posted_at(video), text)


# --- numbers ----------------------------------------------------------------------------------------------
_UNCOUNTED = ("impressions", "reach", "quotes", "saves", "clicks", "watch_seconds")
COUNTS = {
    "likes": "like_count",
    "comments": "comment_count",
    "shares": "share_count",
    "video_views": "view_count",
}


def id_of(reference: str) -> str | None:
    """The id a permalink names, or the id itself."""
    if _NUMBER.fullmatch(reference):
        return reference
    found = POST.fullmatch(reference)
    return found["id"] if found is not None else None


def row_of(receipt: Receipt, video: Mapping[str, Any] | None, now: datetime) -> Metrics:
    """The numbers of a post; an error where TikTok shows no such post to this account."""
    if receipt.id is None or not _NUMBER.fullmatch(receipt.id):
        words = f"{receipt.id!r} is no id of a post on TikTok (a publish id is none)"
        return Metrics.of(receipt, error=errors.ConfigError(words), fetched_at=now)
    if video is None:
        gone = errors.Declined(
            "TikTok does not show it: deleted, not public, or another account's", status=404
        )
        return Metrics.of(receipt, error=gone, fetched_at=now)
    numbers = {name: video.get(field) for name, field in COUNTS.items()}
    missing = dict.fromkeys(_UNCOUNTED, "TikTok does not tell it")
    missing |= {name: "TikTok did not say" for name, value in numbers.items() if value is None}
    at = receipt.published_at or posted_at(video)
    raw = {field: video[field] for field in COUNTS.values() if field in video}
    return Metrics.of(receipt, **numbers, published_at=at, missing=missing, raw=raw, fetched_at=now)
