"""What Mastodon-API servers say of posts: what became of one, whether it is the one that was sent, its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from .. import errors
from ..metrics import Metrics
from ..model import Receipt, Status
from ..text import strip_html
from . import base
from .base import Part, Sent

Likeness = Literal["same", "alike", "other"]
"""Whether a post is the one that was sent: it is; its words are, but not all the rest; it is another one."""

_BLANKS = frozenset({"", ".", "🖼", "📹", "🎵"})
"""What servers write for a post that has a warning but no text."""
QUOTES = ("quoted_status_id", "quote_id")
"""The field that names the quoted post, on Mastodon and on Akkoma."""


# --- what became of it ------------------------------------------------------------------------------------
def sent_of(status: Mapping[str, Any], part: Part | None) -> Sent:
    """What the server made of it; a status without an id was dropped by its spam filter."""
    if "params" in status and status.get("scheduled_at"):
        return _scheduled(status, part)
    if not status["id"]:
        raise errors.Declined("the server took the post and dropped it (its spam filter does so)")
    missing = tuple(lacks(status, part)) if part is not None else ()
    at = moment(status["created_at"]) if status.get("created_at") else None
    url = status.get("url") or status.get("uri")
    return Sent(str(status["id"]), url, at, missing=missing, raw={"uri": status.get("uri")})


def _scheduled(status: Mapping[str, Any], part: Part | None) -> Sent:
    params = status["params"]
    raw = {"scheduled_at": status["scheduled_at"], "text": params.get("text") or "", "media": ids_of(status)}
    missing = tuple(_forgotten(params, status, part)) if part is not None else ()
    due = moment(status["scheduled_at"])
    return Sent(str(status["id"]), status=Status.SCHEDULED, missing=missing, look_again_at=due, raw=raw)


_KEPT = {
    "quote_approval_policy": "who may quote it",
    "quoted_status_id": "the quote",
    "poll": "the poll",
    "spoiler_text": "the content warning",
    "visibility": "who may see it",
}


def _forgotten(params: Mapping[str, Any], status: Mapping[str, Any], part: Part) -> Iterator[str]:
    """What was sent and is not among what the server keeps until it publishes."""
    for name, words in _KEPT.items():
        if part.body.get(name) and not params.get(name):
            yield f"the server does not say that it keeps {words} until it publishes"
    shown, wanted = params.get("visibility"), part.body.get("visibility")
    if shown and wanted and shown != wanted:
        yield f"the server made it {shown!r} instead of {wanted!r}"
    if (lost := len(part.media) - len(ids_of(status))) > 0:
        yield f"the server left out {lost} of {len(part.media)} media"


_TOLD = (
    ("poll", "the poll"),
    ("spoiler_text", "the content warning"),
    ("sensitive", "the sensitive mark"),
    ("in_reply_to_id", "what it replies to"),
)


def lacks(status: Mapping[str, Any], part: Part) -> Iterator[str]:
    """What was sent and is not in the answer: servers leave out what they do not know, without a word."""
    body = part.body
    if "scheduled_at" in body:
        yield "the server does not schedule: it published at once"
    wanted = body.get("visibility")
    if wanted and (shown := status.get("visibility", wanted)) != wanted:
        yield f"the server made it {shown!r} instead of {wanted!r}"
    for name, words in _TOLD:
        if body.get(name) and name in status and not status[name]:
            yield f"the server left out {words}"
    yield from _language(status, body.get("language"))
    if part.media:
        yield from _media(status, part)
    if "quote" in status and any(body.get(name) for name in QUOTES):
        yield from _quote(status["quote"])


def _language(status: Mapping[str, Any], wanted: str | None) -> Iterator[str]:
    if not wanted or "language" not in status:
        return
    shown = status["language"]
    if shown is None:
        yield f"the server does not know the language {wanted!r}"
    elif _primary(shown) != _primary(wanted):
        yield f"the server does not know the language {wanted!r} and says {shown!r}"


def _primary(language: str) -> str:
    return re.split("[-_]", language)[0].lower()


def _media(status: Mapping[str, Any], part: Part) -> Iterator[str]:
    shown = status.get("media_attachments") or []
    if (lost := len(part.media) - len(shown)) > 0:
        yield f"the server left out {lost} of {len(part.media)} media"
        return
    pairs = zip(part.media, shown, strict=False)
    silent = [item for item, medium in pairs if item.alt and not medium.get("description", "?")]
    if silent:
        yield f"the server left out the alt text of {len(silent)} media"


def _quote(quote: Mapping[str, Any] | None) -> Iterator[str]:
    state = quote.get("state", "accepted") if quote else None
    if state is None:
        yield "the server left out the quote"
    elif state == "pending":
        yield "the quoted post is shown only after its author agrees"
    elif state != "accepted":
        yield f"the quoted post is not shown ({state})"


# --- is it the one that was sent --------------------------------------------------------------------------
def compared(status: Mapping[str, Any], body: Mapping[str, Any]) -> Likeness:
    """By all but words and media: what it replies to, its poll, its quote, its warning and who sees it."""
    if str(status.get("in_reply_to_id") or "") != str(body.get("in_reply_to_id") or ""):
        return "other"
    found = [_same_poll(status, body), _same_quote(status, body), _same_frame(status, body)]
    return "other" if "other" in found else "alike" if "alike" in found else "same"


def _same_poll(status: Mapping[str, Any], body: Mapping[str, Any]) -> Likeness:
    shown, wanted = status.get("poll"), body.get("poll")
    if not shown:
        return "alike" if wanted else "same"
    titles = [squash(str(option.get("title"))) for option in shown.get("options") or ()]
    same = wanted and titles == [squash(option) for option in wanted["options"]]
    return "same" if same else "other"


def _same_quote(status: Mapping[str, Any], body: Mapping[str, Any]) -> Likeness:
    wanted = next((str(body[name]) for name in QUOTES if body.get(name)), None)
    shown = quoted_id(status)
    if wanted and shown is None:
        return "same" if (status.get("quote") or {}).get("state") else "alike"
    return "same" if shown == wanted else "other"


def quoted_id(status: Mapping[str, Any]) -> str | None:
    """The id of the post that one quotes; None when it quotes none, or does not say which."""
    quote = status.get("quote") or {}
    told = quote.get("quoted_status_id") or (quote.get("quoted_status") or {}).get("id") or quote.get("id")
    told = told or status.get("quote_id")
    return None if told is None else str(told)


def _same_frame(status: Mapping[str, Any], body: Mapping[str, Any]) -> Likeness:
    """The warning and the audience. A silenced account's public posts become unlisted; who quotes a private post
    writes a private one."""
    wanted = body.get("visibility")
    shown = status.get("visibility", wanted)
    narrowed = (wanted == "public" and shown == "unlisted") or (
        shown == "private" and any(body.get(name) for name in QUOTES)
    )
    warning = squash(strip_html(status.get("spoiler_text") or "")) == squash(body.get("spoiler_text") or "")
    return "same" if (shown == wanted or narrowed) and (warning or "spoiler_text" not in status) else "alike"


def by_media(shown: list[str], uploaded: list[str] | None, count: int, keeps: bool) -> Likeness | None:
    """By the ids of its media, which are given once; None where they tell nothing. ``keeps`` is whether the server is
    known to show media by the ids it gave to the uploads."""
    if not count:
        return "other" if shown else None
    if uploaded is None:
        return None if len(shown) == count else "other"
    if shown and set(shown) <= set(uploaded):
        return "same"
    return "other" if shown and keeps else "alike"


def by_words(status: Mapping[str, Any], text: str) -> bool:
    """Whether the page shows that text."""
    shown = plain(status)
    return shown == squash(text) or (not text.strip() and shown in _BLANKS)


def by_letters(status: Mapping[str, Any], text: str) -> bool:
    """Whether the page shows the letters of that text: what is left where a server makes bold words of asterisks."""
    shown, wanted = (re.sub(r"\W+", "", one).casefold() for one in (plain(status), squash(text)))
    return shown == wanted


def ids_of(status: Mapping[str, Any]) -> list[str]:
    """The ids of a post's media, sorted."""
    return sorted(str(medium["id"]) for medium in status.get("media_attachments") or ())


def plain(status: Mapping[str, Any]) -> str:
    """The words of a post, as they compare."""
    return squash(strip_html(status.get("content") or ""))


def squash(text: str) -> str:
    """Texts as they compare: white space folded, a mention without its server (that is how pages show it)."""
    return " ".join(re.sub(r"@(\w+(?:[.-]+\w+)*)@\w+(?:[.-]+\w+)*", r"@\1", text).split())


def is_at(status: Mapping[str, Any], address: str) -> bool:
    """Whether a post that a search gave is the one at that address, and not one that mentions it."""
    own = [str(status[name]) for name in ("url", "uri") if status.get(name)]
    return any(_place_of(one) == _place_of(address) or _name_of(one) == _name_of(address) for one in own)


def _place_of(address: str) -> str:
    return address.partition("#")[0].rstrip("/").casefold()


def _name_of(address: str) -> str:
    return re.split("[?#]", address)[0].rstrip("/").rpartition("/")[2]


# --- its numbers ------------------------------------------------------------------------------------------
_COUNTED = {
    "likes": "favourites_count",
    "comments": "replies_count",
    "shares": "reblogs_count",
    "quotes": "quotes_count",
}
_UNCOUNTED = ("impressions", "reach", "saves", "clicks", "video_views", "watch_seconds")


def row(receipt: Receipt, status: Mapping[str, Any] | errors.PlatformError | None, now: datetime) -> Metrics:
    """The numbers of one post, or why there are none."""
    if isinstance(status, errors.PlatformError):
        return Metrics.of(receipt, error=status, fetched_at=now)
    if status is None:
        words = "the post is deleted, or not visible to this account"
        if (due := receipt.raw.get("scheduled_at")) is not None:
            words = f"scheduled for {due}; client.settle() learns its id once it is published"
        return Metrics.of(receipt, error=errors.Declined(words, status=404), fetched_at=now)
    counts = {name: count(status, field) for name, field in _COUNTED.items()}
    missing: dict[str, str] = dict.fromkeys(_UNCOUNTED, "Mastodon does not count it")
    missing |= {name: "the server does not tell" for name, value in counts.items() if value is None}
    if counts["quotes"] is None:
        missing["quotes"] = "the server does not tell (Mastodon 4.5 and later do)"
    raw = {name: status.get(name) for name in (*_COUNTED.values(), "edited_at")}
    raw |= {"poll": status["poll"]} if status.get("poll") else {}
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


def count(data: Mapping[str, Any], field: str) -> int | None:
    """A number the server tells; what it hides it leaves out, or says -1."""
    value = data.get(field)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


# --- small things -----------------------------------------------------------------------------------------
def moment(text: str) -> datetime:
    """A server's moment, aware UTC."""
    told = datetime.fromisoformat(text)
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)


def whole(response: base.Response) -> dict[str, Any]:
    """The JSON object of an answer, {} for an error or anything else."""
    body = response.json_or_none() if response.status < 300 else None
    return body if isinstance(body, dict) else {}


def words_of(body: Mapping[str, Any]) -> tuple[str | None, str]:
    """(code, words) of an error body: Mastodon's, OAuth's, and the lists of fields other software answers."""
    error = body.get("error")
    said = body.get("error_description") or error or body.get("message") or ""
    more = [str(one) for one in _leaves(body.get("errors"))]
    return (error if isinstance(error, str) else None), "; ".join([str(said), *more]) if said else "; ".join(
        more
    )


def _leaves(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return () if value is None else (value,)
