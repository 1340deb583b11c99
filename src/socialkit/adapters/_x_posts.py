"""X's posts as it shows them: ids, permalinks, texts as their authors wrote them, likeness."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from socialkit import errors
from socialkit.model import Receipt
from socialkit.text import find_entities

from .base import AccountFacts, Lost, Part, Sent

FIELDS = "created_at,entities,attachments,referenced_tweets,note_tweet,article"
FIRST_DAY = datetime(2010, 11, 6, tzinfo=UTC)
"""X refuses to be asked for posts since, or until, an earlier moment."""

STATUS = re.compile(
    r"https?://(?:(?:www|mobile|m)\.)?(?:x|twitter)\.com/(?:i/web|(?P<name>[A-Za-z0-9_]{1,20}))/status(?:es)?/"
    r"(?P<id>[0-9]{1,19})(?:[/?#].*)?",
    re.IGNORECASE,
)
_TWITTER = re.compile(r"(?:(?:www|mobile|m)\.)?(?:twitter|x)\.com")
"""X's own names for itself: it may show a link by another one than it was given."""


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


def either(found: Mapping[str, Any], *names: str) -> Any:
    """A value under its older or its current name: X speaks two dialects."""
    return next((found[name] for name in names if found.get(name) is not None), None)


def references_of(post: Mapping[str, Any]) -> dict[str, str]:
    """What the post refers to, by kind: ``replied_to``, ``quoted``."""
    listed = either(post, "referenced_tweets", "referenced_posts") or ()
    return {one["type"]: str(one["id"]) for one in listed}


def media_keys(post: Mapping[str, Any]) -> list[str]:
    return [str(key) for key in (post.get("attachments") or {}).get("media_keys") or ()]


def title_of(post: Mapping[str, Any]) -> str | None:
    """The title of the Article a post publishes."""
    article = post.get("article")
    return str(article.get("title") or "").strip() or None if isinstance(article, dict) else None


def words_of(post: Mapping[str, Any]) -> str:
    """The text as its author wrote it: links in full, no link to its own media, no HTML entities."""
    note = either(post, "note_tweet", "note_post") or post
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


def _squash(text: str) -> str:
    """Texts as they compare: NFC, white space folded, links without scheme."""
    text = unicodedata.normalize("NFC", text)
    for entity in reversed(find_entities(text, "x")):
        if entity.kind == "url":
            text = text[: entity.start] + _bare(text[entity.start : entity.end]) + text[entity.end :]
    return " ".join(text.split())


def _bare(url: str) -> str:
    host, slash, rest = re.sub("^https?://", "", url, flags=re.IGNORECASE).partition("/")
    host = host.casefold()
    return f"{'x.com' if _TWITTER.fullmatch(host) else host}{slash}{rest}".rstrip("/")


def is_text_of(post: Mapping[str, Any], text: str) -> bool:
    """Whether a post says just that."""
    return _squash(words_of(post)) == _squash(text)


def no_edit_of(post: Mapping[str, Any], now: datetime) -> str | None:
    """Why X takes no new version of a post; None where it takes one, or does not tell."""
    controls = post.get("edit_controls") or {}
    ends = controls.get("editable_until")
    if controls.get("is_edit_eligible") is False:
        return "posts of its kind are fixed"
    if controls.get("edits_remaining") == 0:
        return "it was edited as often as it may be"
    return f"its time was over at {ends}" if ends and datetime.fromisoformat(ends) <= now else None


def is_apart(part: Part) -> bool:
    """Whether the post may be on no list that can be read: X does not say that those of its authors hold it."""
    return "article" in part.body or "apart" in part.body


def likeness_of(
    post: Mapping[str, Any], lost: Lost, uploads: Sequence[Any]
) -> Literal["same", "alike", "other"]:
    """How one of the account's own posts compares with what was sent."""
    if (article := lost.part.body.get("article")) is not None:
        return "same" if title_of(post) == article["title"] else "other"
    request, references, keys = lost.part.body["request"], references_of(post), media_keys(post)
    parent = lost.previous.id if lost.previous else (request.get("reply") or {}).get("in_reply_to_tweet_id")
    quoted, attached = request.get("quote_tweet_id"), post.get("attachments") or {}
    if references.get("replied_to") != parent or (quoted and references.get("quoted") != quoted):
        return "other"
    if len(keys) != len(lost.part.media) or bool(attached.get("poll_ids")) != ("poll" in request):
        return "other"
    known = bool(uploads) and all(uploads)
    if known and _are_uploads(keys, uploads):
        return "same"
    sent, live = request.get("text", ""), words_of(post)
    if quoted:
        live = re.sub(rf"\s*https?://\S+/status/{quoted}$", "", live)
        sent = re.sub(rf"\s*https?://\S+/status/{quoted}$", "", sent)
    likeness = _likeness_of_texts(_squash(sent), _squash(live), reply=bool(parent))
    return "alike" if likeness == "same" and (known or not sent) else likeness


def _likeness_of_texts(sent: str, live: str, *, reply: bool) -> Literal["same", "alike", "other"]:
    """X puts mentions before a reply. What follows them is what was sent, or else their order is not known."""
    if sent == live:
        return "same"
    lead = r"^(?:@\w+ ?)+"
    if not reply or re.sub(lead, "", sent) != re.sub(lead, "", live):
        return "other"
    return "same" if live.endswith(sent) and re.fullmatch(lead, live.removesuffix(sent)) else "alike"


def _are_uploads(keys: Sequence[str], uploads: Sequence[Any]) -> bool:
    """Whether media keys are those of uploads, by the key or by the media id that ends it."""
    ids, own = {str(upload[0]) for upload in uploads}, {upload[1] for upload in uploads}
    return all(key in own or key.rpartition("_")[2] in ids for key in keys)
