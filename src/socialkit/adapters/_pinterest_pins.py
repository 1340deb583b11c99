"""Pins as Pinterest shows them: ids, permalinks, times, likeness to what was sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from socialkit import errors
from socialkit.flows._whoami import as_text
from socialkit.model import Identity, Receipt

from ._pinterest_rules import PAGE
from .base import Call, Lost, Part, Sent

PIN = re.compile(
    r"https?://(?:[a-z]{2,3}\.)?pinterest\.(?:[a-z]{2,3}|com?\.[a-z]{2})/pin/(?:[^/?#]*--)?(?P<id>[0-9]{1,30})/?(?:[?#].*)?",
    re.IGNORECASE,
)
ID = re.compile("[0-9]{1,30}")
KINDS = {"image": ("REGULAR",), "video": ("VIDEO", "MAX_VIDEO"), "carousel": ("CAROUSEL",)}
"""What Pinterest calls the kinds of pins made here."""


def permalink_of(pin_id: str) -> str:
    return f"https://www.pinterest.com/pin/{pin_id}/"


def id_of(reference: str) -> str | None:
    """The id in a permalink, or the id itself; None when it is neither."""
    if (match := PIN.fullmatch(reference)) is not None:
        return match["id"]
    return reference if ID.fullmatch(reference) else None


def own_id_of(receipt: Receipt) -> str:
    """The id a receipt names, fit for a path."""
    if (found := id_of(receipt.id or receipt.url or "")) is None:
        raise errors.ConfigError(f"{receipt.id or receipt.url!r} is no id of a pin: digits only")
    return found


def made_at(pin: Mapping[str, Any]) -> datetime | None:
    """When the pin was made. Pinterest leaves the time zone out and means UTC."""
    try:
        moment = datetime.fromisoformat(str(pin.get("created_at")))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def made_of(part: Part) -> dict[str, Any]:
    """What a later edit cannot change: the media by their digests, and what was said about them."""
    pin, body = part.body["pin"], part.body
    fixed = {"dominant_color": pin.get("dominant_color"), "sponsor_id": pin.get("sponsor_id")}
    fixed |= {"cover_seconds": body.get("cover_seconds"), "first_slot": body.get("first")}
    covers = [item.thumbnail.digest[:16] for item in part.media if item.thumbnail]
    return {"media": [item.digest[:16] for item in part.media], "thumbnail": covers, **fixed}


def sent_of(pin: Mapping[str, Any], part: Part | None = None) -> Sent:
    """The pin of an answer."""
    pin_id = as_text(pin.get("id"))
    if pin_id is None:
        raise errors.OutcomeUnknown("Pinterest took the pin and did not tell its id")
    raw = {name: pin.get(name) for name in ("creative_type", "board_id", "board_section_id")}
    if part is not None:
        raw["made_of"] = made_of(part)
    return Sent(pin_id, permalink_of(pin_id), made_at(pin), raw=raw)


def receipt_of(pin: Mapping[str, Any], owner: Identity) -> Receipt:
    sent = sent_of(pin)
    text = str(pin.get("description") or "").strip()
    return Receipt(owner, sent.id, sent.url, sent.published_at, text, raw=sent.raw)


async def entries(
    call: Call, path: str, *, since: datetime | None = None, size: int = PAGE, **params: str
) -> AsyncIterator[dict[str, Any]]:
    """What a list holds, page by page, at least down to ``since``.

    Pinterest does not say in which order its lists are: reading ends early only where the pages are newest first.
    """
    bookmark, seen, sorted_so_far, last = None, set[str](), True, datetime.max.replace(tzinfo=UTC)
    while True:
        query = {"page_size": str(size), **params} | ({"bookmark": bookmark} if bookmark else {})
        page = (await call.read("GET", path, params=query)).json()
        for entry in page.get("items") or ():
            at = made_at(entry)
            sorted_so_far, last = sorted_so_far and at is not None and at <= last, at or last
            yield entry
        bookmark = page.get("bookmark")
        if not bookmark or bookmark in seen:
            return
        seen.add(bookmark)
        if since is not None and sorted_so_far and last < since:
            return


# --- likeness ---------------------------------------------------------------------------------------------
def _folded(text: Any) -> str:
    return " ".join(str(text or "").split())


def _bare(url: Any) -> str:
    """A link as it compares: without scheme, the host in small letters, no slash at the end."""
    host, slash, rest = re.sub("^https?://", "", str(url or "").strip(), flags=re.IGNORECASE).partition("/")
    return f"{host.casefold()}{slash}{rest}".rstrip("/")


def likeness_of(pin: Mapping[str, Any], lost: Lost) -> Literal["same", "alike", "other"]:
    """How a pin compares with what was sent: the same; alike enough to hold back a repeat; another one."""
    body, at = lost.part.body["pin"], made_at(pin)
    if pin.get("is_owner") is False or str(pin.get("id")) in lost.claimed:
        return "other"
    if at is not None and not lost.since <= at <= lost.until:
        return "other"
    if any(_folded(pin.get(name)) != _folded(body.get(name)) for name in ("title", "description")):
        return "other"
    kind = pin.get("creative_type")
    fits = kind is None or kind in KINDS[lost.part.body["kind"]]
    links = _bare(pin.get("link")) == _bare(body.get("link"))
    shown = _folded(pin.get("alt_text"))
    described = not shown or shown == _folded(body.get("alt_text"))
    told = any(_folded(body.get(name)) for name in ("title", "description", "link")) or bool(shown)
    return "same" if fits and links and described and told and at is not None else "alike"
