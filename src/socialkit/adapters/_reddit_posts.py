"""Reddit's posts and comments as it shows them: names, permalinks, Markdown, likeness, numbers."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import attrs

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt
from socialkit.text import strip_html

from . import base
from .base import Sent

WWW = "https://www.reddit.com"
SHARED = re.compile(
    r"https?://(?:(?:www|old|new|np|m|sh|i)\.)?reddit\.com/(?:r|u|user)/[\w-]+/s/\w+/?(?:[?#].*)?"
)
_POST = re.compile(
    r"https?://(?:(?:www|old|new|np|m|sh|i)\.)?reddit\.com/(?:(?:r|u|user)/[\w-]+/)?comments/(?P<post>[0-9a-z]{1,13})"
    r"(?:/(?P<slug>[^/?#]*)(?:/(?P<comment>[0-9a-z]{1,13}))?)?/?(?:[?#].*)?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"https?://redd\.it/(?P<post>[0-9a-z]{1,13})/?(?:[?#].*)?", re.IGNORECASE)
_NAME = re.compile(r"t[13]_[0-9a-z]{1,13}")
MEDIA = frozenset({"image", "video", "gallery", "inline"})
_ASSET = re.compile(r"https?://[iv]\.redd\.it/(\w+)")


# --- names ------------------------------------------------------------------------------------------------
def name_of(reference: str) -> str | None:
    """The fullname (``t3_…`` of a post, ``t1_…`` of a comment) behind a permalink or an id."""
    if (match := _POST.fullmatch(reference)) is not None:
        comment = match["comment"]
        return f"t1_{comment.lower()}" if comment else f"t3_{match['post'].lower()}"
    if (match := _SHORT.fullmatch(reference)) is not None:
        return f"t3_{match['post'].lower()}"
    if _NAME.fullmatch(reference):
        return reference
    return f"t3_{reference}" if re.fullmatch("[0-9a-z]{4,10}", reference) else None


def own_name_of(receipt: Receipt) -> str:
    """The fullname a receipt stands for, fit for a request."""
    if (found := name_of(receipt.id or receipt.url or "")) is None:
        raise errors.ConfigError(
            f"{receipt.id or receipt.url!r} is no id of a post on Reddit, such as t3_1kh35wk"
        )
    return found


def is_permalink(reference: str) -> bool:
    return any(pattern.fullmatch(reference) for pattern in (_POST, _SHORT, SHARED))


def permalink_of(thing: Mapping[str, Any]) -> str:
    path = str(thing.get("permalink") or "")
    return f"{WWW}{path}" if path.startswith("/") else path or f"{WWW}/comments/{thing['id']}/"


def born(thing: Mapping[str, Any]) -> datetime | None:
    told = thing.get("created_utc")
    return datetime.fromtimestamp(float(told), UTC) if told is not None else None


def is_gone(thing: Mapping[str, Any]) -> bool:
    """Whether its author deleted it: Reddit goes on showing an empty shell."""
    return thing.get("removed_by_category") == "deleted" or thing.get("author") == "[deleted]"


def words_of(thing: Mapping[str, Any]) -> str:
    return str(thing.get("selftext") if "title" in thing else thing.get("body") or "")


def sent_of(thing: Mapping[str, Any]) -> Sent:
    """What Reddit shows of a post or comment; that it took it out of sight again is in ``missing``."""
    removed = thing.get("removed_by_category")
    missing = (f"Reddit took it out of sight: {removed}",) if removed else ()
    return Sent(str(thing["name"]), permalink_of(thing), born(thing), missing=missing)


def receipt_of(thing: Mapping[str, Any], owner: Identity) -> Receipt:
    name = str(thing["name"])
    kind = "reply" if name.startswith("t1_") else "quote" if thing.get("crosspost_parent") else "post"
    return Receipt(owner, name, permalink_of(thing), born(thing), words_of(thing), kind)


def things_in(listing: Any) -> Iterator[dict[str, Any]]:
    """The posts and comments of a listing."""
    for child in (listing.get("data") or {}).get("children") or ():
        if child.get("kind") in ("t1", "t3"):
            yield child["data"]


# --- Markdown ---------------------------------------------------------------------------------------------
_BLOCK = re.compile(r"\s*(?:[>|]|[-*+] |\d+[.)] |#{1,6} |```|~~~)|(?: {4}|\t)|\s*$")


def escape_hashes(text: str) -> str:
    r"""The text with ``#word`` at a line's start as words, not as a heading. Code stays as it is.

    >>> escape_hashes("#launch today\n# Heading")
    '\\#launch today\n# Heading'
    """
    lines = text.split("\n")
    for index in _outside_fences(lines):
        lines[index] = re.sub(r"^( {0,3})(?=#+[^\s#])", r"\1\\", lines[index])
    return "\n".join(lines)


def keep_breaks(text: str) -> str:
    r"""The text with its line breaks: Reddit joins lines unless two spaces end them.

    >>> keep_breaks("Port\nStarboard\n\n- a\n- b")
    'Port  \nStarboard\n\n- a\n- b'
    """
    lines = text.split("\n")
    for index in _outside_fences(lines):
        line, following = lines[index], lines[index + 1 : index + 2]
        plain = following and not (_BLOCK.match(line) or _BLOCK.match(following[0]))
        if plain and not line.endswith(("  ", "\\")):
            lines[index] = f"{line.rstrip()}  "
    return "\n".join(lines)


def _outside_fences(lines: Sequence[str]) -> Iterator[int]:
    """The lines that are no code between fences."""
    fence = ""
    for index, line in enumerate(lines):
        mark, rest = line.lstrip()[:3], line.lstrip()[3:]
        if mark in ("```", "~~~") and fence in ("", mark) and (fence or "`" not in rest):
            fence = "" if fence else mark
        elif not fence:
            yield index


def placed(item: base.PartMedia, asset: str) -> str:
    """An upload inside a text, with its alt text as the caption everybody reads."""
    kind = {"gif": "gif", "video": "video"}.get(item.kind, "img")
    caption = " ".join((item.alt or "").replace('"', "\u201d").split())
    return f'![{kind}]({asset} "{caption}")' if caption else f"![{kind}]({asset})"


# --- is it ours? ------------------------------------------------------------------------------------------
Likeness = Literal["same", "alike", "other"]


def _squash(text: Any) -> str:
    return " ".join(unicodedata.normalize("NFC", str(text or "")).split())


def _bare(url: Any) -> str:
    host, slash, rest = re.sub("^https?://", "", str(url or ""), flags=re.IGNORECASE).partition("/")
    return f"{host.casefold()}{slash}{rest}".rstrip("/")


def likeness_of(
    thing: Mapping[str, Any], body: Mapping[str, Any], uploads: Sequence[Sequence[str]]
) -> Likeness:
    """How one of the account's own posts compares with what was sent; ``uploads`` are the media ids of each attempt."""
    form, kind = body["request"], body["kind"]
    if kind in MEDIA and any(set(ids) == assets_of(thing) for ids in uploads):
        return "same"
    if str(thing.get("subreddit", "")).casefold() != str(form["sr"]).casefold():
        return "other"
    if _squash(thing.get("title")) != _squash(form["title"]):
        return "other"
    if kind in MEDIA:
        return _media_likeness(thing, kind, uploads)
    if kind == "crosspost":
        return "same" if thing.get("crosspost_parent") == form["crosspost_fullname"] else "other"
    if _squash(thing.get("selftext")) != _squash(form.get("text")):
        return "other"
    return _plain(thing, kind, form)


def _plain(thing: Mapping[str, Any], kind: str, form: Mapping[str, Any]) -> Likeness:
    options = [option.get("text") for option in (thing.get("poll_data") or {}).get("options") or ()]
    if kind == "poll":
        return "same" if options == list(form["options"]) else "other"
    if kind == "link":
        address = thing.get("url_overridden_by_dest") or thing.get("url")
        return "same" if not thing.get("is_self") and _bare(address) == _bare(form["url"]) else "other"
    return "same" if thing.get("is_self") and not options else "other"


def _media_likeness(thing: Mapping[str, Any], kind: str, uploads: Sequence[Sequence[str]]) -> Likeness:
    """A post of that title whose media are not known to be ours: another one, or nobody can tell."""
    shape = (bool(thing.get("is_self")), bool(thing.get("is_gallery")))
    if shape != (kind == "inline", kind == "gallery"):
        return "other"
    told = bool(assets_of(thing)) and bool(uploads) and kind in ("image", "gallery")
    return "other" if told else "alike"


def assets_of(thing: Mapping[str, Any]) -> set[str]:
    """The ids of the media a post shows: they are those of the uploads (recorded for pictures, not for videos)."""
    if thing.get("is_gallery") or thing.get("is_self"):
        items = (thing.get("gallery_data") or {}).get("items") or ()
        return {str(item["media_id"]) for item in items} or set(thing.get("media_metadata") or ())
    addresses = (thing.get("url_overridden_by_dest"), thing.get("url"))
    return {match[1] for url in addresses if (match := _ASSET.match(str(url or "")))}


def is_same_comment(thing: Mapping[str, Any], parent: str, text: str) -> bool:
    return thing.get("parent_id") == parent and _squash(thing.get("body")) == _squash(text)


# --- numbers ----------------------------------------------------------------------------------------------
_NOT_COUNTED = "Reddit's API does not tell it; the app and the website do"
_OF_POSTS = "Reddit tells it of posts, not of comments"


def row_of(receipt: Receipt, thing: Mapping[str, Any] | None, now: datetime) -> Metrics:
    """The row of a post or comment. The votes behind the score are estimates, and stand in ``raw``."""
    if name_of(receipt.id or receipt.url or "") is None:
        words = (
            f"{receipt.id!r} is no id of a post on Reddit"
            if receipt.id
            else "it has no id yet: settle it first"
        )
        return Metrics.of(receipt, error=errors.ConfigError(words), fetched_at=now)
    if thing is None or is_gone(thing):
        gone = errors.Declined("Reddit does not show it: deleted, or there is no such post", status=404)
        return Metrics.of(receipt, error=gone, fetched_at=now)
    counts = {
        "likes": thing.get("score"),
        "comments": thing.get("num_comments"),
        "shares": thing.get("num_crossposts"),
    }
    untold = _OF_POSTS if str(thing.get("name", "")).startswith("t1_") else "Reddit did not say"
    names = ("impressions", "reach", "saves", "clicks", "quotes", "video_views", "watch_seconds")
    missing = dict.fromkeys(names, _NOT_COUNTED) | {
        name: untold for name, value in counts.items() if value is None
    }
    return Metrics.of(receipt, **counts, missing=missing, raw=_raw(thing), fetched_at=now)


def _raw(thing: Mapping[str, Any]) -> dict[str, Any]:
    names = ("score", "upvote_ratio", "view_count", "total_awards_received", "removed_by_category", "locked")
    more = ("archived", "over_18", "spoiler", "edited", "num_comments", "num_crossposts")
    return {name: thing[name] for name in (*names, *more) if name in thing} | _votes(thing)


def _votes(thing: Mapping[str, Any]) -> dict[str, int]:
    """Votes for and against, estimated: Reddit tells their difference and the share of the first."""
    score, ratio = thing.get("score"), thing.get("upvote_ratio")
    if score is None or ratio is None or abs(2 * ratio - 1) < 0.01:
        return {}
    ups = round(score * ratio / (2 * ratio - 1))
    return {"estimated_upvotes": ups, "estimated_downvotes": ups - score}


# --- answers ----------------------------------------------------------------------------------------------
@attrs.frozen
class Told:
    """What a socket said of a post's media: the post's name and address, or why there is none."""

    name: str | None
    url: str | None = None
    words: str = ""


def told_by(text: str) -> Told | None:
    """What a message of a socket says; None when it is no end, such as a progress of some kind.

    >>> told_by('{"type": "success", "payload": {"redirect": "https://www.reddit.com/r/a/comments/1a/b/"}}').name
    't3_1a'
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    kind, payload = (told.get("type"), told.get("payload")) if isinstance(told, dict) else (None, None)
    if kind == "failed":
        return Told(None, words=_words_in(payload))
    redirect = payload.get("redirect") if isinstance(payload, dict) else None
    name = name_of(redirect) if kind == "success" and isinstance(redirect, str) else None
    return Told(name, redirect) if name is not None and name.startswith("t3_") else None


def _words_in(payload: Any) -> str:
    """Whatever Reddit wrote beside ``failed``; what it does write is not recorded anywhere."""
    values = payload.values() if isinstance(payload, dict) else [payload]
    words = [value for value in values if isinstance(value, str) and value and "://" not in value]
    return " ".join(words)[:300] or "it does not say why; see whether the file can be opened"


def refusals_in(body: Any) -> list[list[Any]]:
    """The triples (code, words, field) of an answer that says no inside HTTP 200."""
    inner = body.get("json") if isinstance(body, dict) else None
    listed = inner.get("errors") if isinstance(inner, dict) else None
    return [one for one in listed or () if isinstance(one, list) and one]


def told_error(response: base.Response) -> tuple[str | None, str]:
    """(code, words) from each of the forms in which Reddit and its file store say no."""
    if 'error="insufficient_scope"' in response.headers.get("www-authenticate", ""):
        return "insufficient_scope", "the token may not do this"
    body = response.json_or_none()
    if not isinstance(body, dict):
        return _unstructured(response.text)
    if listed := refusals_in(body):
        words = [str(one[1]) for one in listed if len(one) > 1 and one[1]]
        return str(listed[0][0]), " ".join(words) or str(listed[0][0])
    reason, explained = body.get("reason"), str(body.get("explanation") or "").strip()
    code = reason if reason == "SUBMIT_VALIDATION_FLAIR_REQUIRED" else body.get("error_type") or reason
    said = explained or ": ".join(str(one) for one in (body.get("message"), reason) if one)
    return (str(code) if code else None), said


def _unstructured(text: str) -> tuple[str | None, str]:
    """XML of the file store, or a page made for people."""
    if (code := re.search(r"<Code>(\w+)</Code>", text)) is not None:
        said = re.search(r"<Message>([^<]*)</Message>", text)
        return code[1], said[1] if said else code[1]
    words = " ".join(strip_html(re.sub(r"<(style|script|title).*?</\1>", " ", text, flags=re.DOTALL)).split())
    blocked = re.search("network security|whoa there, pardner", text, re.IGNORECASE)
    return ("blocked" if blocked else None), words


_PAUSE = re.compile(r"(\d{1,4}) (millisecond|second|minute|hour)s?", re.IGNORECASE)
_SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}


def pause_in(body: Any, said: str) -> float | None:
    """Seconds until Reddit takes a post again, from its words ("take a break for 14 minutes") or its number.

    >>> pause_in({}, "Looks like you've been doing that a lot. Take a break for 14 minutes before trying again.")
    841.0
    """
    inner = body.get("json") if isinstance(body, dict) else None
    told = inner.get("ratelimit") if isinstance(inner, dict) else None
    if isinstance(told, int | float):
        return float(told) + 1
    match = _PAUSE.search(said)
    return float(match[1]) * _SECONDS[match[2].lower()] + 1 if match else None
