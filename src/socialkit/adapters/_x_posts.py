"""X's posts as it shows them: ids, permalinks, texts as their authors wrote them, likeness, numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Receipt
from socialkit.text import find_entities

from .base import AccountFacts, Lost, Sent

Seen = tuple[dict[str, Any], list[dict[str, Any] | None]]
"""A post as X showed it, and its media (None: X did not show that one)."""

FIELDS = "created_at,entities,attachments,referenced_tweets,note_tweet"
EPOCH = datetime(2010, 11, 4, 1, 42, 54, tzinfo=UTC)
"""The second before X's ids begin to tell their time."""
PRIVATE_FOR = timedelta(days=30)
"""How long X tells private numbers."""

STATUS = re.compile(
    r"https?://(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com/(?:i/web|(?P<name>[A-Za-z0-9_]{1,20}))/status(?:es)?/"
    r"(?P<id>[0-9]{1,19})(?:[/?#].*)?",
    re.IGNORECASE,
)


# --- posts ------------------------------------------------------------------------------------------------
def sent_of(post_id: str, facts: AccountFacts, missing: tuple[str, ...] = ()) -> Sent:
    return Sent(post_id, permalink_of(post_id, facts.identity.name), born(post_id), missing=missing)


def permalink_of(post_id: str, name: str | None) -> str:
    return f"https://x.com/{name or 'i/web'}/status/{post_id}"


def id_of(reference: str) -> str | None:
    match = STATUS.fullmatch(reference)
    if match is not None:
        return match["id"]
    return reference if re.fullmatch("[0-9]{1,19}", reference) else None


def own_id_of(receipt: Receipt) -> str:
    """The id a receipt names, fit for a path."""
    if (found := id_of(receipt.id or receipt.url or "")) is None:
        raise errors.ConfigError(f"{receipt.id or receipt.url!r} is no id of a post on X: up to 19 digits")
    return found


def author_of(permalink: str) -> str | None:
    match = STATUS.fullmatch(permalink)
    return match["name"] if match is not None and match["name"] not in ("i", None) else None


def born(post_id: str) -> datetime | None:
    """The moment an id was made, by X's clock; None for ids older than that scheme (November 2010)."""
    number = int(post_id)
    return datetime.fromtimestamp(((number >> 22) + 1_288_834_974_657) / 1000, UTC) if number >> 40 else None


def posted_at(post: Mapping[str, Any]) -> datetime | None:
    told = post.get("created_at")
    return datetime.fromisoformat(told).astimezone(UTC) if told else born(str(post["id"]))


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _either(found: Mapping[str, Any], *names: str) -> Any:
    """A value under its older or its current name: X speaks two dialects."""
    return next((found[name] for name in names if found.get(name) is not None), None)


def references_of(post: Mapping[str, Any]) -> dict[str, str]:
    """What the post refers to, by kind: ``replied_to``, ``quoted``."""
    listed = _either(post, "referenced_tweets", "referenced_posts") or ()
    return {one["type"]: str(one["id"]) for one in listed}


def media_keys(post: Mapping[str, Any]) -> list[str]:
    return [str(key) for key in (post.get("attachments") or {}).get("media_keys") or ()]


def words_of(post: Mapping[str, Any]) -> str:
    """The text as its author wrote it: links in full, no link to its own media, no HTML entities."""
    note = _either(post, "note_tweet", "note_post") or post
    text = str(note.get("text") or "")
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    links = [url for one in (note, post) for url in (one.get("entities") or {}).get("urls") or ()]
    for url in links:
        shown = str(url.get("expanded_url") or url.get("url"))
        own = url.get("media_key") or re.search(rf"/status/{post['id']}/(?:photo|video)/[0-9]+$", shown)
        text = text.replace(str(url.get("url")), "" if own else shown) if url.get("url") else text
    if media_keys(post):
        text = re.sub(r"(?:^|\s)https://t\.co/\w+\s*$", "", text)
    return text.strip()


def _squash(text: str, *, reply: bool) -> str:
    """Texts as they compare: NFC, white space folded, links without scheme, replies without first mentions."""
    text = unicodedata.normalize("NFC", text)
    for entity in reversed(find_entities(text, "x")):
        if entity.kind == "url":
            text = text[: entity.start] + _bare(text[entity.start : entity.end]) + text[entity.end :]
    text = " ".join(text.split())
    return re.sub(r"^(?:@\w+ ?)+", "", text) if reply else text


def _bare(url: str) -> str:
    host, slash, rest = re.sub("^https?://", "", url, flags=re.IGNORECASE).partition("/")
    return f"{host.casefold()}{slash}{rest}".rstrip("/")


def likeness_of(
    post: Mapping[str, Any], lost: Lost, uploads: Sequence[Any]
) -> Literal["same", "alike", "other"]:
    """How one of the account's own posts compares with what was sent."""
    request, references, keys = lost.part.body["request"], references_of(post), media_keys(post)
    parent = lost.previous.id if lost.previous else (request.get("reply") or {}).get("in_reply_to_tweet_id")
    quoted = request.get("quote_tweet_id")
    if references.get("replied_to") != parent or (quoted and references.get("quoted") != quoted):
        return "other"
    if len(keys) != len(lost.part.media):
        return "other"
    known = bool(uploads) and all(uploads)
    if known and _are_uploads(keys, uploads):
        return "same"
    sent, live = request.get("text", ""), words_of(post)
    if quoted:
        live = re.sub(rf"\s*https?://\S+/status/{quoted}$", "", live)
        sent = re.sub(rf"\s*https?://\S+/status/{quoted}$", "", sent)
    if _squash(sent, reply=bool(parent)) != _squash(live, reply=bool(parent)):
        return "other"
    return "alike" if known or not sent else "same"


def _are_uploads(keys: Sequence[str], uploads: Sequence[Any]) -> bool:
    """Whether media keys are those of uploads, by the key or by the media id that ends it."""
    ids, own = {str(upload[0]) for upload in uploads}, {upload[1] for upload in uploads}
    return all(key in own or key.rpartition("_")[2] in ids for key in keys)


def problem_kind(problem: Mapping[str, Any]) -> str | None:
    """The last part of a problem's ``type``; None for ``about:blank``."""
    kind = str(problem.get("type") or "")
    return kind.rpartition("/")[2] or None if "/" in kind else None


# --- numbers ----------------------------------------------------------------------------------------------
_NOT_ASKED = "X tells it in its media analytics; X(media_analytics=True) asks for them too"
_NO_VIDEO = "the post has no video"
_NO_LINK = "X did not say: it counts clicks on links, and the post may have none"
_NOT_OURS = "X tells it for own posts of the last 30 days only"


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
) -> Metrics:
    """The row of a post; ``watched`` is how long its videos were, by media key, or why that is not known."""
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
    views, why_no_views = _views(media)
    seconds, why_not_watched = _watched(media, watched)
    counts = {
        "impressions": (private | public).get("impression_count"),
        "likes": public.get("like_count"),
        "comments": public.get("reply_count"),
        "shares": _either(public, "retweet_count", "repost_count"),
        "quotes": public.get("quote_count"),
        "saves": public.get("bookmark_count"),
        "clicks": private.get("url_link_clicks"),
        "video_views": views,
        "watch_seconds": seconds,
    }
    reasons = {
        "video_views": why_no_views,
        "watch_seconds": why_not_watched,
        "clicks": _NO_LINK if private else _NOT_OURS,
    }
    missing = {"reach": "X does not count it"}
    missing |= {name: reasons.get(name, "X did not say") for name, value in counts.items() if value is None}
    names = ("public_metrics", "non_public_metrics", "organic_metrics", "promoted_metrics")
    raw = {name: post[name] for name in names if name in post} | {"media": [one for one in media if one]}
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


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
    """Seconds watched by media key, from media analytics: one number, or one per slice of time."""
    found = {}
    for row in body.get("data") or ():
        slices = [one.get("metrics") or {} for one in row.get("timestamped_metrics") or ()] or [row]
        told = [one["watch_time_ms"] for one in slices if one.get("watch_time_ms") is not None]
        if told and all(isinstance(one, int) for one in told):
            found[str(row.get("media_key"))] = sum(told) / 1000
    return found
