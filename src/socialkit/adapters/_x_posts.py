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
PRIVATE_FOR = timedelta(days=30)
"""How long X tells private numbers."""

STATUS = re.compile(
    r"https?://(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com/(?:i/web|(?P<name>[A-Za-z0-9_]{1,20}))/status(?:es)?/"
    r"(?P<id>[0-9]{1,19})(?:[/?#].*)?"
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
_NEVER = {
    "reach": "X does not count it",
    "watch_seconds": "X tells it in its media analytics only, which are not read here",
}
_NO_LINK = "X did not say: it counts clicks on links, and the post may have none"
_NOT_OURS = "X tells it for own posts of the last 30 days only"


def is_young(receipt: Receipt, now: datetime) -> bool:
    if receipt.id is None:
        return False
    at = receipt.published_at or born(receipt.id)
    return at is not None and now - at < PRIVATE_FOR - timedelta(minutes=5)


def is_field_problem(problem: Mapping[str, Any] | None) -> bool:
    """Whether a post is withheld only because a private number was asked for."""
    return problem is not None and "field" in str(problem.get("type")).rpartition("/")[2]


def row_of(receipt: Receipt, seen: Seen | None, problem: Mapping[str, Any] | None, now: datetime) -> Metrics:
    if seen is None:
        words = str((problem or {}).get("detail") or "X did not show it: deleted, or not visible")
        status = 404 if problem_kind(problem or {}) == "resource-not-found" else None
        return Metrics.of(receipt, error=errors.Declined(words, status=status, said=words), fetched_at=now)
    post, media = seen
    public = post.get("public_metrics") or {}
    private = post.get("non_public_metrics") or post.get("organic_metrics") or {}
    views, why_no_views = _views(media)
    counts = {
        "impressions": public.get("impression_count"),
        "likes": public.get("like_count"),
        "comments": public.get("reply_count"),
        "shares": _either(public, "retweet_count", "repost_count"),
        "quotes": public.get("quote_count"),
        "saves": public.get("bookmark_count"),
        "clicks": private.get("url_link_clicks"),
        "video_views": views,
    }
    reasons = {"video_views": why_no_views, "clicks": _NO_LINK if private else _NOT_OURS}
    missing = {name: reasons.get(name, "X did not say") for name, value in counts.items() if value is None}
    names = ("public_metrics", "non_public_metrics", "organic_metrics")
    raw = {name: post[name] for name in names if name in post} | {"media": [one for one in media if one]}
    return Metrics.of(receipt, **counts, missing=_NEVER | missing, raw=raw, fetched_at=now)


def _views(media: Sequence[dict[str, Any] | None]) -> tuple[int | None, str]:
    """Views of all moving media together, or None and why."""
    if not any(one is None or one.get("type") != "photo" for one in media):
        return None, "the post has no video"
    moving = [(one or {}).get("public_metrics") or {} for one in media if (one or {}).get("type") != "photo"]
    views = [one.get("view_count") for one in moving]
    return (None, "X did not say") if None in views else (sum(map(int, filter(None, views))), "")
