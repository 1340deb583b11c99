"""Records of the AT Protocol as data: their content identifiers, their keys, and what the lexicons allow in them.

Identifiers are the real thing: CID version 1 of the SHA-256 of the record's DAG-CBOR, in base32, so any client can
compute the same. Texts of errors: the reference server's, measured and read in November 2026.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = [
    "SCHEMAS",
    "BadRecord",
    "Check",
    "array",
    "blobs_in",
    "dag_cbor",
    "fits",
    "integer",
    "maybe",
    "no_fractions",
    "obj",
    "raw_cid",
    "record_cid",
    "text",
    "tid",
    "union",
    "validate",
]

Json = dict[str, Any]
Check = Callable[[Any, str], None]
"""Looks at a value at a place (``$.record.text``); raises :class:`BadRecord`."""

DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
NSID = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(\.[a-zA-Z0-9-]+)+\.[a-zA-Z][a-zA-Z0-9]*")
RKEY = re.compile(r"(?!\.\.?$)[A-Za-z0-9._:~-]{1,512}")
_HANDLE = r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_FORMATS = {
    "at-identifier": re.compile(rf"{DID.pattern}|{_HANDLE}"),
    "at-uri": re.compile(r"at://[^/\s]+(/[^/\s]+){0,2}"),
    "cid": re.compile(r"b[a-z2-7]{8,}|Qm[1-9A-HJ-NP-Za-km-z]{44}|z[1-9A-HJ-NP-Za-km-z]{8,}"),
    "datetime": re.compile(
        r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,20})?(Z|(?!-00:00)[+-][0-2]\d:[0-5]\d)"
    ),
    "did": DID,
    "handle": re.compile(_HANDLE),
    "language": re.compile(
        r"[a-z]{2,3}(-[a-zA-Z]{3}){0,3}(-[a-zA-Z]{4})?(-([a-zA-Z]{2}|[0-9]{3}))?"
        r"(-([a-zA-Z0-9]{5,8}|[0-9][a-zA-Z0-9]{3}))*(-[a-wyzA-WYZ0-9](-[a-zA-Z0-9]{2,8})+)*"
        r"(-[xX](-[a-zA-Z0-9]{1,8})+)?|[xX](-[a-zA-Z0-9]{1,8})+"
    ),
    "nsid": NSID,
    "record-key": RKEY,
    "tid": re.compile(r"[2-7a-j][2-7a-z]{12}"),
    "uri": re.compile(r"\w+:(//)?[^\s/]\S*"),
}
_SAID = {
    "at-identifier": "AT identifier",
    "cid": "CID string",
    "did": "DID",
    "nsid": "NSID",
    "record-key": "record key",
    "tid": "TID string",
}
_TID = "234567abcdefghijklmnopqrstuvwxyz"


class BadRecord(ValueError):
    """The record breaks its lexicon; the text is the server's."""


# --- identifiers ---------------------------------------------------------------------------------------------
def tid(micros: int, clock_id: int) -> str:
    """A record key of 13 characters that sorts by time.

    >>> tid(1_700_000_000_000_000, 5)
    '3ke6kg3wk2227'
    """
    value = (micros & ((1 << 53) - 1)) << 10 | clock_id & 1023
    return "".join(_TID[value >> shift & 31] for shift in range(60, -1, -5))


def record_cid(record: Mapping[str, Any]) -> str:
    """The record's content identifier.

    >>> record_cid({})
    'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua'
    """
    return _cid(0x71, hashlib.sha256(dag_cbor(record)).digest())


def raw_cid(sha256: str) -> str:
    """The content identifier of a blob, from the hexadecimal digest of its bytes."""
    return _cid(0x55, bytes.fromhex(sha256))


def _cid(codec: int, digest: bytes) -> str:
    data = bytes([1, codec, 0x12, 32]) + digest
    return "b" + base64.b32encode(data).decode().lower().rstrip("=")


def dag_cbor(value: Any) -> bytes:
    """A JSON value of the data model as DAG-CBOR: links and bytes in their binary form, keys in order."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return _head(3, len(data)) + data
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(dag_cbor, value))
    if isinstance(value, dict):
        return _map(value)
    raise BadRecord(f"Expected integer value type (got {_shown(value)})")


def _map(value: Json) -> bytes:
    if set(value) == {"$link"} and isinstance(value["$link"], str):
        return b"\xd8\x2a" + _bytes(b"\0" + _from_base32(value["$link"]))
    if set(value) == {"$bytes"} and isinstance(value["$bytes"], str):
        return _bytes(base64.b64decode(value["$bytes"] + "=="))
    pairs = sorted((dag_cbor(name), dag_cbor(item)) for name, item in value.items())
    return _head(5, len(pairs)) + b"".join(name + item for name, item in pairs)


def _from_base32(cid: str) -> bytes:
    try:
        return base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))
    except ValueError:
        raise BadRecord(f"Invalid CID string (got {_shown(cid)})") from None


def _bytes(data: bytes) -> bytes:
    return _head(2, len(data)) + data


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    raise BadRecord(f"Expected integer value type (got {number})")


def blobs_in(value: Any) -> Iterator[Json]:
    """Every reference to a blob in the record."""
    if isinstance(value, dict):
        if value.get("$type") == "blob":
            yield value
        else:
            for item in value.values():
                yield from blobs_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from blobs_in(item)


# --- the language of the lexicons ----------------------------------------------------------------------------
def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{_first_two(list(map(_shown, value[:3])))}]"
    if isinstance(value, dict):
        return f"{{{_first_two([f'{json.dumps(name)}: ...' for name in value])}}}"
    if isinstance(value, str) and len(value) >= 256:
        value = f"{value[:255]}…"
    return json.dumps(value, ensure_ascii=False)


def _first_two(shown: list[str]) -> str:
    return ", ".join(shown[:2]) + ", ..." * (len(shown) > 2)


def fits(form: str, value: str) -> bool:
    """Whether a text has a format of the lexicons, such as "handle"."""
    return _FORMATS[form].fullmatch(value) is not None


def no_fractions(value: Any, at: str) -> None:
    """Refuse numbers with a fraction, which the data model does not have."""
    if isinstance(value, float):
        kinds = "one of null, boolean, integer, string, cid, bytes, array or object"
        raise BadRecord(f"Expected {kinds} value type (got {_shown(value)}) at {at}")
    if isinstance(value, dict):
        for name, one in value.items():
            no_fractions(one, f"{at}.{name}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            no_fractions(one, f"{at}[{index}]")


def _expect(holds: bool, kind: str, value: Any, at: str) -> None:
    if not holds:
        raise BadRecord(f"Expected {kind} value type (got {_shown(value)}) at {at}")


def _too_big(kind: str, maximum: int, actual: int, at: str) -> None:
    if actual > maximum:
        raise BadRecord(f"{kind} too big (maximum {maximum}, got {actual}) at {at}")


def text(form: str = "", *, size: int = 0, graphemes: int = 0) -> Check:
    """A string; ``size`` in UTF-8 bytes."""

    def check(value: Any, at: str) -> None:
        from socialkit.text import length

        _expect(isinstance(value, str), "string", value, at)
        if size:
            _too_big("string", size, len(value.encode("utf-8", "surrogatepass")), at)
        if graphemes:
            _too_big("grapheme", graphemes, length(value, "graphemes"), at)
        if form and not _FORMATS[form].fullmatch(value):
            raise BadRecord(f"Invalid {_SAID.get(form, form)} (got {_shown(value)}) at {at}")

    return check


def maybe(item: Check) -> Check:
    """The same, or null."""

    def check(value: Any, at: str) -> None:
        if value is not None:
            item(value, at)

    return check


def integer(minimum: int = 0) -> Check:
    """A whole number."""

    def check(value: Any, at: str) -> None:
        _expect(isinstance(value, int) and not isinstance(value, bool), "integer", value, at)
        if value < minimum:
            raise BadRecord(f"integer too small (minimum {minimum}, got {value}) at {at}")

    return check


def array(item: Check, maximum: int = 0) -> Check:
    """A list of one kind."""

    def check(value: Any, at: str) -> None:
        _expect(isinstance(value, list), "array", value, at)
        if maximum:
            _too_big("array", maximum, len(value), at)
        for index, one in enumerate(value):
            item(one, f"{at}[{index}]")

    return check


def blob(maximum: int, *accept: str) -> Check:
    """A reference to an uploaded file."""

    def check(value: Any, at: str) -> None:
        link = value.get("ref") if isinstance(value, dict) else None
        cid = link.get("$link") if isinstance(link, dict) else None
        whole = isinstance(cid, str) and fits("cid", cid) and value.get("$type") == "blob"
        whole = whole and isinstance(value.get("mimeType"), str) and isinstance(value.get("size"), int)
        _expect(whole, "blob", value, at)
        mime = value["mimeType"]
        if not any(mime == one or (one.endswith("/*") and mime.startswith(one[:-1])) for one in accept):
            wanted = " or ".join(map(_shown, accept))
            head = "one of " if len(accept) > 1 else ""
            raise BadRecord(f"Expected {head}{wanted} (got {_shown(mime)}) at {at}.mimeType")
        _too_big("blob", maximum, value["size"], at)

    return check


def obj(required: str, /, **fields: Check) -> Check:
    """An object; ``required`` names fields that must be there; what is not named may hold anything."""

    def check(value: Any, at: str) -> None:
        _expect(isinstance(value, dict), "object", value, at)
        for name in required.split():
            if name not in value:
                raise BadRecord(f'Missing required key "{name}" at {at}')
        for name, one in fields.items():
            if name in value:
                one(value[name], f"{at}.{name}")

    return check


def union(*, closed: bool = False, **kinds: Check) -> Check:
    """An object that names its type; types not listed here (``a__b`` is ``a#b``, ``_`` a dot) pass.

    With ``closed=True`` they are refused.
    """
    known = {name.replace("__", "#").replace("_", "."): check for name, check in kinds.items()}

    def check(value: Any, at: str) -> None:
        typed = isinstance(value, dict) and "$type" in value
        _expect(typed, 'an object which includes the "$type" property', value, at)
        _expect(isinstance(value["$type"], str), "string", value["$type"], f"{at}.$type")
        kind = value["$type"]
        if closed and kind not in known:
            *most, last = map(_shown, known)
            raise BadRecord(f"Expected one of {', '.join(most)} or {last} (got {_shown(kind)}) at {at}.$type")
        known.get(kind, _anything)(value, at)

    return check


def _anything(value: Any, at: str) -> None:
    """Every value is fine."""


# --- what the lexicons say -----------------------------------------------------------------------------------
_STRONG = obj("uri cid", uri=text("at-uri"), cid=text("cid"))
_RATIO = obj("width height", width=integer(1), height=integer(1))
_PICTURE = {"image": blob(2_000_000, "image/*"), "alt": text(), "aspectRatio": _RATIO}
_IMAGES = obj("images", images=array(obj("image alt", **_PICTURE), 4))
_GALLERY = obj(
    "items", items=array(union(app_bsky_embed_gallery__image=obj("image alt aspectRatio", **_PICTURE)), 20)
)
_CAPTION = obj("lang file", lang=text("language"), file=blob(20_000, "text/vtt"))
_VIDEO = obj(
    "video",
    video=blob(300_000_000, "video/mp4"),
    captions=array(_CAPTION, 20),
    alt=text(),
    aspectRatio=_RATIO,
    presentation=text(),
)
_EXTERNAL = obj(
    "external",
    external=obj(
        "uri title description",
        uri=text("uri"),
        title=text(),
        description=text(),
        thumb=blob(1_000_000, "image/*"),
        associatedRefs=array(_STRONG),
    ),
)
_QUOTE = obj("record", record=_STRONG)
_MEDIA: dict[str, Any] = {
    "app_bsky_embed_images": _IMAGES,
    "app_bsky_embed_gallery": _GALLERY,
    "app_bsky_embed_video": _VIDEO,
    "app_bsky_embed_external": _EXTERNAL,
}
_EMBED = union(
    **_MEDIA,
    app_bsky_embed_record=_QUOTE,
    app_bsky_embed_recordWithMedia=obj("record media", record=_QUOTE, media=union(**_MEDIA)),
)
_FACET = obj(
    "index features",
    index=obj("byteStart byteEnd", byteStart=integer(), byteEnd=integer()),
    features=array(
        union(
            app_bsky_richtext_facet__mention=obj("did", did=text("did")),
            app_bsky_richtext_facet__link=obj("uri", uri=text("uri")),
            app_bsky_richtext_facet__tag=obj("tag", tag=text(size=640, graphemes=64)),
        )
    ),
)
_LABELS = union(
    com_atproto_label_defs__selfLabels=obj("values", values=array(obj("val", val=text(size=128)), 10))
)
_DONE = {"subject": _STRONG, "createdAt": text("datetime"), "via": _STRONG}

SCHEMAS: dict[str, tuple[str, Check]] = {
    "app.bsky.feed.post": (
        "tid",
        obj(
            "text createdAt",
            text=text(size=3000, graphemes=300),
            facets=array(_FACET),
            reply=obj("root parent", root=_STRONG, parent=_STRONG),
            embed=_EMBED,
            langs=array(text("language"), 3),
            labels=_LABELS,
            tags=array(text(size=640, graphemes=64), 8),
            createdAt=text("datetime"),
        ),
    ),
    "app.bsky.feed.like": ("tid", obj("subject createdAt", **_DONE)),
    "app.bsky.feed.repost": ("tid", obj("subject createdAt", **_DONE)),
    "app.bsky.graph.follow": (
        "tid",
        obj("subject createdAt", subject=text("did"), createdAt=text("datetime")),
    ),
    "app.bsky.feed.threadgate": (
        "tid",
        obj(
            "post createdAt",
            post=text("at-uri"),
            createdAt=text("datetime"),
            hiddenReplies=array(text("at-uri"), 300),
            allow=array(union(app_bsky_feed_threadgate__listRule=obj("list", list=text("at-uri"))), 5),
        ),
    ),
    "app.bsky.feed.postgate": (
        "tid",
        obj(
            "post createdAt",
            post=text("at-uri"),
            createdAt=text("datetime"),
            detachedEmbeddingUris=array(text("at-uri"), 50),
            embeddingRules=array(union(), 5),
        ),
    ),
    "app.bsky.actor.profile": (
        "literal:self",
        obj(
            "",
            displayName=text(size=640, graphemes=64),
            description=text(size=2560, graphemes=256),
            avatar=blob(1_000_000, "image/png", "image/jpeg"),
            banner=blob(1_000_000, "image/png", "image/jpeg"),
            labels=_LABELS,
            pinnedPost=_STRONG,
            createdAt=text("datetime"),
        ),
    ),
}
"""Collection → (kind of its record keys, check of its records), for what the sandbox knows."""


def validate(record: Json, rkey: str, *, wanted: Any = None, at: str = "$.record") -> str | None:
    """The ``validationStatus`` of a record; raises :class:`BadRecord`.

    ``wanted`` is the request's ``validate``: True refuses unknown types, False looks at nothing.

    >>> validate({"$type": "com.example.note", "text": "hi"}, "1")
    'unknown'
    """
    if wanted is False:
        return None
    kind = record["$type"]
    if kind not in SCHEMAS:
        if wanted is True:
            raise BadRecord(f"Unknown lexicon type: {kind}")
        return "unknown"
    key, check = SCHEMAS[kind]
    if key == "tid" and not _FORMATS["tid"].fullmatch(rkey):
        raise BadRecord(f"Invalid record key for {kind}: Invalid TID string (got {_shown(rkey)}) at $")
    if key.startswith("literal:") and f"literal:{rkey}" != key:
        wanted_key = _shown(key.removeprefix("literal:"))
        raise BadRecord(f"Invalid record key for {kind}: Expected {wanted_key} (got {_shown(rkey)}) at $")
    try:
        check(record, at)
    except BadRecord as error:
        raise BadRecord(f"Invalid {kind} record: {error}") from None
    return "valid"
