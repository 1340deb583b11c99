"""Threads' posts as it shows them: addresses, likeness, receipts, numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from socialkit.flows._whoami import as_text, found
from socialkit.metrics import NUMBERS, Metrics
from socialkit.model import Identity, Receipt

from ._graph import moment
from .base import Part, Sent

SHOWN = "id,text,timestamp,permalink,shortcode,username,media_type"
"""What is read of a post; every profile's posts have it."""
COMPARED = f"{SHOWN},topic_tag,is_quote_post,quoted_post{{id}}"
"""What a lost post is known by."""
PERMALINK = re.compile(
    r"https?://(?:www\.)?threads\.(?:net|com)/(?:@(?P<name>[A-Za-z0-9_.]+)/post|t)/(?P<code>[A-Za-z0-9_-]+)(?:[/?#].*)?",
    re.IGNORECASE,
)
REPOST = "REPOST_FACADE"
_TYPES = {"TEXT": "TEXT_POST", "IMAGE": "IMAGE", "VIDEO": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}

METRICS = {
    "views": "impressions",
    "likes": "likes",
    "replies": "comments",
    "reposts": "shares",
    "quotes": "quotes",
}
"""Threads' name of each number of a post, and ours. Its ``shares`` (sent to somebody) has no word here."""
_UNCOUNTED = "Threads does not count it"


def id_of(reference: str | None) -> str | None:
    """The id, when it is one."""
    text = (reference or "").strip()
    return text if text.isascii() and text.isdigit() else None


# --- posts ------------------------------------------------------------------------------------------------
def sent_of(media: Mapping[str, Any]) -> Sent:
    return Sent(as_text(media.get("id")), as_text(media.get("permalink")), moment(media.get("timestamp")))


def receipt_of(media: Mapping[str, Any], own: Identity, *, mine: bool = True) -> Receipt:
    """The receipt of a post; somebody else's has an identity without an id, which Threads does not tell."""
    name = as_text(media.get("username"))
    owner = own if mine or name == own.name else Identity(own.platform, own.server, "", name)
    kind = "quote" if media.get("is_quote_post") else "post"
    sent = sent_of(media)
    return Receipt(owner, sent.id, sent.url, sent.published_at, as_text(media.get("text")), kind)


def is_like(media: Mapping[str, Any], part: Part, parent: str | None) -> bool:
    """Whether a post Threads shows can be the part: nothing it tells contradicts."""
    fields = part.body["fields"]
    kind = _TYPES[fields["media_type"]]
    told: tuple[tuple[Any, Any], ...] = (
        (media.get("media_type"), None if "gif_attachment" in fields else kind),
        (found(media, "replied_to.id"), parent),
        (found(media, "quoted_post.id"), fields.get("quote_post_id")),
        (media.get("topic_tag"), fields.get("topic_tag")),
    )
    pairs = ((str(seen), str(wanted)) for seen, wanted in told if seen is not None and wanted is not None)
    same = all(seen.casefold() == wanted.casefold() for seen, wanted in pairs)
    return same and _normal(media.get("text")) == _normal(part.text)


def _normal(text: Any) -> str:
    """Threads may change white space."""
    return " ".join(unicodedata.normalize("NFC", text if isinstance(text, str) else "").split())


# --- numbers ----------------------------------------------------------------------------------------------
def numbers_of(body: Any) -> dict[str, int]:
    """Each metric's total, by Threads' names; what is told per day or per link is added up."""
    rows = found(body, "data")
    told = {as_text(found(row, "name")): _total(row) for row in rows} if isinstance(rows, list) else {}
    return {name: value for name, value in told.items() if name and value is not None}


def _total(row: Any) -> int | None:
    if (one := found(row, "total_value.value")) is not None:
        return _count(one)
    many = found(row, "values|link_total_values")
    counts = [_count(found(each, "value")) for each in many] if isinstance(many, list) else []
    known = [count for count in counts if count is not None]
    nobody_clicked = found(row, "link_total_values") == []
    return sum(known) if known or nobody_clicked else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def row_of(receipt: Receipt, body: Any, now: datetime) -> Metrics:
    """The row of one post. Reposts have no numbers; what Threads left out is missing, not zero."""
    told = numbers_of(body)
    values: dict[str, Any] = {ours: told.get(name) for name, ours in METRICS.items()}
    why = "Threads has no numbers of a repost" if found(body, "data") == [] else "Threads did not say"
    missing = {name: why for name, value in values.items() if value is None}
    missing |= {name: _UNCOUNTED for name in NUMBERS if name not in values and name != "followers"}
    return Metrics.of(receipt, fetched_at=now, raw=dict(told), **values, missing=missing)


def account_row(told: Mapping[str, int], *, ranged: bool, **about: Any) -> Metrics:
    """The row of the account; what is counted over a range is missing where none was given."""
    names = {"followers_count": "followers", "clicks": "clicks", **METRICS}
    values: dict[str, Any] = {ours: told.get(name) for name, ours in names.items() if ours != "impressions"}
    why = "Threads did not say" if ranged else "counted over a range: give since= and until="
    missing = {
        name: "Threads did not say" if name == "followers" else why
        for name, value in values.items()
        if value is None
    }
    missing["impressions"] = "Threads tells how often the profile was seen, not its posts: raw['views']"
    return Metrics(**about, **values, missing=missing, raw=dict(told))
