"""Records of the AT Protocol: their keys and addresses, and what answers of its servers say about an account."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import attrs

from .. import errors
from ..flows._whoami import as_token
from ..flows._whoami import found as value_at
from ..model import Receipt
from . import base
from ._bluesky_rules import POST

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_OTHER_RECORD = re.compile(
    r"at://([^/]+)/(app\.bsky\.(?:feed\.generator|graph\.list|graph\.starterpack|labeler\.service))/([^/?#]+)"
)
_OTHER_PAGE = re.compile(
    r"https?://[^/]+/(?:profile/([^/]+)/(feed|lists)|(starter-pack)/([^/]+))/([^/?#]+)/?"
)
_SHOWN_AT = {
    "feed": "app.bsky.feed.generator",
    "lists": "app.bsky.graph.list",
    "starter-pack": "app.bsky.graph.starterpack",
}


def tid(micros: int, clock_id: int) -> str:
    """A record key: 53 bits of microseconds since 1970 and 10 bits that tell writers apart, 13 characters that sort."""
    value = (micros & ((1 << 53) - 1)) << 10 | clock_id & 1023
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(60, -1, -5))


def tid_micros(key: str) -> int:
    """The microseconds since 1970 in a record key."""
    value = 0
    for character in key:
        value = value << 5 | max(0, _ALPHABET.find(character))
    return value >> 10


def other_record(reference: str) -> tuple[str, str, str] | None:
    """(handle or DID, collection, key) of something other than a post that can be quoted; None for a post."""
    if (uri := _OTHER_RECORD.fullmatch(reference)) is not None:
        return uri[1], uri[2], uri[3]
    if (page := _OTHER_PAGE.fullmatch(reference.partition("?")[0].partition("#")[0])) is not None:
        return page[1] or page[4], _SHOWN_AT[page[2] or page[3]], page[5]
    return None


def strong(raw: Mapping[str, Any]) -> dict[str, str]:
    """The reference that names a record and its content."""
    return {"uri": raw["uri"], "cid": raw["cid"]}


def uri_of(receipt: Receipt) -> str:
    """The AT-URI of a receipt's post."""
    return str(receipt.raw.get("uri") or f"at://{receipt.identity.id}/{POST}/{receipt.id}")


def stamp(moment: datetime) -> str:
    """A moment as the protocol writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kind_of(record: Mapping[str, Any]) -> str:
    """What kind of post a record is."""
    embed = str((record.get("embed") or {}).get("$type"))
    if embed.startswith("app.bsky.embed.record"):
        return "quote"
    return "reply" if record.get("reply") else "post"


def session_of(answer: Any, old: base.Credential) -> base.Credential:
    """The credential with the tokens of a new session."""
    access, refresh = (as_token(value_at(answer, name)) for name in ("accessJwt", "refreshJwt"))
    if access is None or refresh is None:
        raise errors.Unavailable("the server answered without a session")
    return attrs.evolve(old, access_token=access, refresh_token=refresh, expires_at=_expiry(access))


def _expiry(jwt: str) -> datetime | None:
    """When a token ends, from its own claims; None when it is opaque."""
    try:
        claims = jwt.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return datetime.fromtimestamp(json.loads(base64.urlsafe_b64decode(padded))["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


def pds_of(document: Any) -> str | None:
    """The account's own server, from its DID document; http only on this machine."""
    services = value_at(document, "service")
    for service in services if isinstance(services, list) else ():
        place = value_at(service, "serviceEndpoint")
        if str(value_at(service, "id")).endswith("#atproto_pds") and isinstance(place, str):
            here = place.startswith("http://") and urlsplit(place).hostname in _THIS_MACHINE
            return place.rstrip("/") if here or place.startswith("https://") else None
    return None
