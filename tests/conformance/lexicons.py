"""Validation of XRPC calls and records against a folder of Lexicon documents.

Requests are held to more than the language asks: no unknown field and no unknown parameter, because here a
field the description does not know is a typing error. Answers may carry more than is described.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import regex

from .lexicon_formats import FORMATS, RAW, cid_codec
from .violations import raise_for

Json = dict[str, Any]
VERBS = {"query": "GET", "procedure": "POST"}
SCALARS: dict[str, Any] = {"string": str, "integer": int, "boolean": bool}


class LexiconValidator:
    """Checks XRPC requests and answers, and records, against the documents in `folder`.

    Authorization is not described by Lexicon and not checked.

        bluesky = LexiconValidator(folder)
        bluesky.check_request("GET", f"{pds}/xrpc/app.bsky.feed.getPosts?uris={uri}", {}, b"")
        bluesky.check_record({"$type": "app.bsky.feed.post", "text": "", "createdAt": "2026-01-01T00:00:00Z"})
    """

    def __init__(self, folder: Path) -> None:
        self._documents = Documents(folder)

    def check_request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `SpecViolation` with every problem of this request."""
        raise_for("bluesky", f"{method} {url}", url, self._request_problems(method, url, headers, body))

    def check_response(
        self, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raise `SpecViolation` with every problem of the answer to this request."""
        what = f"the answer {status} to {method} {url}"
        raise_for("bluesky", what, url, self._answer_problems(url, status, headers, body))

    def check_record(self, record: Json) -> None:
        """Raise `SpecViolation` with every problem of this record, whose `$type` names its description."""
        kind = str(record.get("$type"))
        check = Check(self._documents, "record", strict=True)
        raise_for("bluesky", f"a record of {kind}", kind, check.typed_record(record, "$"))

    def _request_problems(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        described = self._documents.call(url)
        if described is None:
            yield f"no such XRPC method: {urlsplit(url).path}"
            return
        if method.upper() != VERBS[described.schema["type"]]:
            yield f"a {described.schema['type']} is called by {VERBS[described.schema['type']]}, not {method}"
        yield from self._parameter_problems(described, url)
        yield from self._input_problems(described, headers, body)

    def _parameter_problems(self, described: Described, url: str) -> Iterator[str]:
        schema = described.schema.get("parameters", {"properties": {}})
        values: Json = {}
        for name, text in parse_qsl(urlsplit(url).query, keep_blank_values=True):
            wanted = schema["properties"].get(name)
            if wanted is None:
                yield f"unknown parameter {name}"
            elif wanted["type"] == "array":
                values.setdefault(name, []).append(_from_query(text, wanted["items"]))
            elif name in values:
                yield f"parameter {name} is no list but given twice"
            else:
                values[name] = _from_query(text, wanted)
        check = Check(self._documents, "parameter", strict=True)
        yield from check.object(values, {**schema, "type": "object"}, described.nsid, "$")

    def _input_problems(self, described: Described, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
        wanted = described.schema.get("input")
        if wanted is None:
            if body:
                yield "this method takes no body"
            return
        kind = _media_type(headers)
        if kind != wanted["encoding"] and (wanted["encoding"] != "*/*" or not kind):
            yield f"content type {kind or 'missing'}; described: {wanted['encoding']}"
        elif "schema" in wanted:
            value, problem = _decoded(body)
            yield from problem
            if not problem:
                check = Check(self._documents, "body", strict=True)
                yield from check.value(value, wanted["schema"], described.nsid, "$")
                yield from _float_problems(value, "$")
                yield from self._record_place_problems(value)

    def _record_place_problems(self, value: Any) -> Iterator[str]:
        """A record goes to the collection of its own type, under the kind of key that type asks for."""
        if not isinstance(value, dict):
            return
        for write in (value, *(each for each in _list(value.get("writes")) if isinstance(each, dict))):
            collection, record = write.get("collection"), write.get("record", write.get("value"))
            if isinstance(record, dict) and record.get("$type") != collection:
                yield f"a record of type {record.get('$type')} cannot go to collection {collection}"
            described = self._documents.find(str(collection), "main")
            if described and "rkey" in write and not _fits_key(described.get("key"), write["rkey"]):
                yield f"record key {write['rkey']} is not of kind {described.get('key')}"

    def _answer_problems(
        self, url: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        described = self._documents.call(url)
        if described is None:
            yield f"no such XRPC method: {urlsplit(url).path}"
            return
        fallback: Json = {"encoding": "application/json"}
        wanted: Json | None = described.schema.get("output") if status < 400 else fallback
        if wanted is None:
            return
        if _media_type(headers) != wanted["encoding"] and wanted["encoding"] != "*/*":
            yield f"content type {_media_type(headers) or 'missing'}; described: {wanted['encoding']}"
        elif wanted["encoding"] == "application/json":
            value, problem = _decoded(body)
            yield from problem
            if not problem and status < 400:
                yield from Check(self._documents, "answer").value(
                    value, wanted["schema"], described.nsid, "$"
                )
            elif not problem:
                yield from _error_problems(value)


@dataclass(frozen=True)
class Described:
    """One query or procedure: its name and its schema."""

    nsid: str
    schema: Json


class Documents:
    """The Lexicon documents of a folder, read when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Json] = {}

    def find(self, nsid: str, name: str) -> Json | None:
        """The definition `name` of document `nsid`, or None."""
        if nsid not in self._read:
            path = self._folder / f"{nsid.replace('.', '/')}.json"
            known = FORMATS["nsid"](nsid) and path.is_file()
            self._read[nsid] = json.loads(path.read_text())["defs"] if known else {}
        found: Json | None = self._read[nsid].get(name)
        return found

    def call(self, url: str) -> Described | None:
        """The query or procedure this address calls, or None."""
        nsid = urlsplit(url).path.rpartition("/xrpc/")[2]
        schema = self.find(nsid, "main")
        return Described(nsid, schema) if schema and schema["type"] in VERBS else None


@dataclass(frozen=True)
class Check:
    """One walk through a value; each method yields the problems of one kind of schema.

    `here` is the document that local references mean, `at` the place in the value.
    """

    documents: Documents
    place: str
    strict: bool = False

    def value(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """The problems of any value under any schema."""
        kind = schema["type"]
        if kind in SCALARS:
            yield from self.scalar(value, schema, at)
        else:
            yield from self._composite[kind](value, schema, here, at)

    @cached_property
    def _composite(self) -> Mapping[str, Any]:
        return {
            "array": self.array,
            "blob": self.blob,
            "bytes": self.bytes,
            "cid-link": self.cid_link,
            "object": self.object,
            "ref": self.reference,
            "token": self.token,
            "union": self.union,
            "unknown": self.unknown,
        }

    def scalar(self, value: Any, schema: Json, at: str) -> Iterator[str]:
        """A string, an integer or a boolean."""
        kind: str = schema["type"]
        if not isinstance(value, SCALARS[kind]) or (kind == "integer" and isinstance(value, bool)):
            yield self._say(at, f"{_short(value)} is no {kind}")
            return
        if "const" in schema and value != schema["const"]:
            yield self._say(at, f"{_short(value)} is not {schema['const']!r}")
        if "enum" in schema and value not in schema["enum"]:
            yield self._say(at, f"{_short(value)} is none of {schema['enum']}")
        if kind == "integer":
            yield from self._bounds(value, schema, at, "minimum", "maximum", "value")
        if kind == "string":
            yield from self._string(value, schema, at)

    def _string(self, value: str, schema: Json, at: str) -> Iterator[str]:
        yield from self._bounds(len(value.encode()), schema, at, "minLength", "maxLength", "bytes")
        if "maxGraphemes" in schema or "minGraphemes" in schema:
            graphemes = len(regex.findall(r"\X", value))
            yield from self._bounds(graphemes, schema, at, "minGraphemes", "maxGraphemes", "graphemes")
        if "format" in schema and not FORMATS[schema["format"]](value):
            yield self._say(at, f"{_short(value)} is no {schema['format']}")

    def _bounds(self, actual: int, schema: Json, at: str, low: str, high: str, unit: str) -> Iterator[str]:
        if actual < schema.get(low, actual):
            yield self._say(at, f"{unit} {actual}, at least {schema[low]}")
        if actual > schema.get(high, actual):
            yield self._say(at, f"{unit} {actual}, at most {schema[high]}")

    def array(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """A list of one kind of value."""
        if not isinstance(value, list):
            yield self._say(at, f"{_short(value)} is no list")
            return
        yield from self._bounds(len(value), schema, at, "minLength", "maxLength", "items")
        for index, item in enumerate(value):
            yield from self.value(item, schema["items"], here, f"{at}[{index}]")

    def object(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """An object with named fields."""
        if not isinstance(value, dict):
            yield self._say(at, f"{_short(value)} is no object")
            return
        properties, nullable = schema.get("properties", {}), schema.get("nullable", ())
        for name in schema.get("required", ()):
            if name not in value:
                yield self._say(at, f"{name} is missing")
        for name, item in value.items():
            if name in properties and not (item is None and name in nullable):
                yield from self.value(item, properties[name], here, f"{at}.{name}")
            elif self.strict and name not in properties and name != "$type":
                yield self._say(at, f"unknown field {name}")

    def reference(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """A value described elsewhere."""
        yield from self._defined(value, schema["ref"], here, at)

    def _defined(self, value: Any, reference: str, here: str, at: str) -> Iterator[str]:
        nsid, name = _target(reference, here)
        schema = self.documents.find(nsid, name)
        if schema is None:
            yield self._say(at, f"the description {nsid}#{name} is not in the folder")
        else:
            yield from self.value(value, schema.get("record", schema), nsid, at)

    def union(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """An object whose `$type` says which of several descriptions it follows; open ones allow others."""
        kind = value.get("$type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield self._say(at, f"{_short(value)} has no $type")
            return
        known = {_target(each, here) for each in schema["refs"]}
        if _target(kind, "") in known:
            yield from self._defined(value, kind, "", at)
        elif schema.get("closed") or (self.strict and self.documents.find(*_target(kind, ""))):
            yield self._say(at, f"$type {kind} is not allowed here")

    def unknown(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """Any object; a record whose type is described must follow it."""
        if not isinstance(value, dict):
            yield self._say(at, f"{_short(value)} is no object")
        elif "$type" in value:
            described = self.documents.find(*_target(str(value["$type"]), ""))
            if described and described["type"] == "record":
                yield from self.typed_record(value, at)

    def typed_record(self, record: Json, at: str) -> Iterator[str]:
        """A record, by the description its `$type` names."""
        kind = str(record.get("$type"))
        described = self.documents.find(kind, "main")
        if not described or described["type"] != "record":
            yield self._say(at, f"$type {kind} names no record")
            return
        yield from self.object(record, described["record"], kind, at)

    def token(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """The name of a token definition."""
        if (
            not isinstance(value, str)
            or (self.documents.find(*_target(value, "")) or {}).get("type") != "token"
        ):
            yield self._say(at, f"{_short(value)} names no token")

    def bytes(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """Binary data, as base64 under `$bytes`."""
        try:
            content = base64.b64decode(value["$bytes"] + "==", validate=False)
        except (TypeError, KeyError, binascii.Error):
            yield self._say(at, f"{_short(value)} is no $bytes object")
        else:
            yield from self._bounds(len(content), schema, at, "minLength", "maxLength", "bytes")

    def cid_link(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """A content identifier under `$link`."""
        if not isinstance(value, dict) or not FORMATS["cid"](str(value.get("$link"))):
            yield self._say(at, f"{_short(value)} is no $link object with a CID")

    def blob(self, value: Any, schema: Json, here: str, at: str) -> Iterator[str]:
        """A reference to an uploaded blob."""
        if not isinstance(value, dict) or value.get("$type") != "blob":
            yield self._say(at, f"{_short(value)} is no blob")
            return
        link = value.get("ref")
        if not isinstance(link, dict) or cid_codec(str(link.get("$link"))) != RAW:
            yield self._say(f"{at}.ref", f"{_short(link)} is no $link object with the CID of raw bytes")
        kind, size = value.get("mimeType"), value.get("size")
        if not isinstance(kind, str) or "/" not in kind:
            yield self._say(f"{at}.mimeType", f"{_short(kind)} is no media type")
        elif not any(_accepts(pattern, kind) for pattern in schema.get("accept", ["*/*"])):
            yield self._say(f"{at}.mimeType", f"{kind} is none of {schema['accept']}")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            yield self._say(f"{at}.size", f"{_short(size)} is no size")
        else:
            yield from self._bounds(size, schema, f"{at}.size", "", "maxSize", "bytes")

    def _say(self, at: str, problem: str) -> str:
        return f"{self.place} at {at}: {problem}"


def _target(reference: str, here: str) -> tuple[str, str]:
    nsid, _, name = reference.removeprefix("lex:").partition("#")
    return nsid or here, name or "main"


def _accepts(pattern: str, kind: str) -> bool:
    return pattern in ("*/*", kind) or (pattern.endswith("/*") and kind.startswith(pattern[:-1]))


def _fits_key(wanted: str | None, key: Any) -> bool:
    if wanted == "tid":
        return FORMATS["tid"](str(key))
    return not (wanted or "").startswith("literal:") or wanted == f"literal:{key}"


def _from_query(text: str, schema: Json) -> Any:
    if schema["type"] == "integer" and text.removeprefix("-").isdecimal():
        return int(text)
    if schema["type"] == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _decoded(body: bytes) -> tuple[Any, list[str]]:
    try:
        return json.loads(body), []
    except ValueError as error:
        return None, [f"body is not JSON: {error}"]


def _float_problems(value: Any, at: str) -> Iterator[str]:
    """The data model knows integers only, also where no schema looks."""
    if isinstance(value, float):
        yield f"body at {at}: {value} is a fraction"
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _float_problems(item, f"{at}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _float_problems(item, f"{at}[{index}]")


def _error_problems(value: Any) -> Iterator[str]:
    if not isinstance(value, dict) or not isinstance(value.get("error"), str):
        yield "answer at $: an error carries its name as string `error`"
    elif not isinstance(value.get("message", ""), str):
        yield "answer at $.message: no string"


def _media_type(headers: Mapping[str, str]) -> str:
    found = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return found.partition(";")[0].strip().lower()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]} … ({len(text)} characters)"
