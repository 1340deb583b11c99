"""The string formats of Lexicon, as predicates: `FORMATS["did"]("did:plc:...")`.

Sources: the syntax chapters of the AT Protocol specification (handle, DID, NSID, AT URI, TID, record key,
datetime) and RFC 5646 for languages.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime

LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
HANDLE = re.compile(rf"({LABEL}\.)+[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?")
NSID = re.compile(rf"[a-zA-Z]([a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?(\.{LABEL})+\.[a-zA-Z][a-zA-Z0-9]{{0,62}}")
TID = re.compile(r"[2-7a-j][2-7a-z]{12}")
RECORD_KEY = re.compile(r"[a-zA-Z0-9_~.:-]{1,512}")
URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,80}:(//)?[^\s/]\S*")
LANGUAGE = re.compile(r"[ix](-[a-zA-Z0-9]{1,8})+|[a-z]{2,3}(-[a-zA-Z0-9]{1,8})*")
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,20})?(Z|[+-]\d\d:\d\d)")
RAW, DAG_CBOR, SHA_256 = 0x55, 0x71, 0x12


def is_did(text: str) -> bool:
    """A decentralized identifier, such as did:plc:... or did:web:example.com."""
    return len(text) <= 2048 and DID.fullmatch(text) is not None


def is_handle(text: str) -> bool:
    """A domain name used as a handle."""
    return len(text) <= 253 and HANDLE.fullmatch(text) is not None


def is_nsid(text: str) -> bool:
    """The dotted name of a lexicon."""
    return len(text) <= 317 and NSID.fullmatch(text) is not None


def is_record_key(text: str) -> bool:
    """The last segment of a record's address."""
    return text not in (".", "..") and RECORD_KEY.fullmatch(text) is not None


def is_at_uri(text: str) -> bool:
    """at://authority, then a collection, then a record key."""
    authority, *rest = text.removeprefix("at://").split("/")
    return (
        text.startswith("at://")
        and len(text) <= 8192
        and (is_did(authority) or is_handle(authority))
        and len(rest) <= 2
        and all(check(part) for check, part in zip((is_nsid, is_record_key), rest, strict=False))
    )


def is_datetime(text: str) -> bool:
    """RFC 3339 with a time zone, in capitals, and a day that exists."""
    if len(text) > 64 or not DATETIME.fullmatch(text) or text.endswith("-00:00") or text.startswith("0000"):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", text))
    except ValueError:
        return False
    return True


def cid_codec(text: str) -> int | None:
    """The content type in a version 1 CID (base32, SHA-256 digest); None when `text` is no such CID."""
    if not re.fullmatch(r"b[a-z2-7]{58}", text):
        return None
    version, codec, algorithm, size = base64.b32decode(text[1:].upper() + "=" * 6)[:4]
    return codec if (version, algorithm, size) == (1, SHA_256, 32) else None


def is_cid(text: str) -> bool:
    """A content identifier of a record or a blob."""
    return cid_codec(text) in (RAW, DAG_CBOR)


FORMATS: dict[str, Callable[[str], bool]] = {
    "at-identifier": lambda text: is_did(text) or is_handle(text),
    "at-uri": is_at_uri,
    "cid": is_cid,
    "datetime": is_datetime,
    "did": is_did,
    "handle": is_handle,
    "language": lambda text: LANGUAGE.fullmatch(text) is not None,
    "nsid": is_nsid,
    "record-key": is_record_key,
    "tid": lambda text: TID.fullmatch(text) is not None,
    "uri": lambda text: len(text) <= 8192 and URI.fullmatch(text) is not None,
}
