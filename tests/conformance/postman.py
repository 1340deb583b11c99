"""Validation against a Postman collection: paths, methods, names of parameters, fields and metrics, keys of samples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from .violations import raise_for

Json = dict[str, Any]
LISTS = {"fields": "fields_", "metric": "metrics_"}
"""Parameters that are lists of names, and how the variables that hold these names begin."""
CHOICES = {
    "media_type": "media_type",
    "reply_control": "reply_control",
    "breakdown": "follower_demographics_breakdown",
}


class Described(NamedTuple):
    """Everything the collection says of one method and path."""

    names: frozenset[str]
    samples: tuple[Json, ...]


class Collection:
    """Checks requests and answers of one platform against its collection.

    ``besides`` are names of parameters that newer pages of the platform's manual have and the collection has not,
    by method and path; ``lists`` further names of fields, ``keys`` further keys of answers.
    """

    def __init__(
        self,
        file: Path,
        *,
        besides: Mapping[str, Iterable[str]],
        lists: Iterable[str] = (),
        keys: Iterable[str] = (),
    ) -> None:
        document = json.loads(file.read_text())
        self._variables = {one["key"]: str(one.get("value") or "") for one in document["variable"]}
        self._known = dict[tuple[str, str], Described]()
        for request, samples in _requests(document["item"]):
            self._learn(request, samples)
        for place, names in besides.items():
            method, path = place.split(" ")
            before = self._known[method, path]
            self._known[method, path] = before._replace(names=before.names | set(names))
        self._more, self._keys = set(lists), set(keys)

    def _learn(self, request: Json, samples: tuple[Json, ...]) -> None:
        url = request["url"]
        path = _template("/".join(url["path"]))
        names = {one["key"] for one in url.get("query", [])}
        before = self._known.get((request["method"], path), Described(frozenset(), ()))
        self._known[request["method"], path] = Described(before.names | names, before.samples + samples)

    def check_request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `SpecViolation` with every problem of this request."""
        raise_for("threads", f"{method} {url}", url, self._request_problems(method, url, headers, body))

    def check_response(self, method: str, url: str, status: int, body: bytes) -> None:
        """Raise `SpecViolation` with every problem of the answer to this request."""
        problems = self._answer_problems(method, url, status, body)
        raise_for("threads", f"the answer {status} to {method} {url}", url, problems)

    def _request_problems(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[str]:
        parts = urlsplit(url)
        known = self._find(method, parts.path)
        if known is None:
            yield f"no such request: {method} {parts.path}"
            return
        kind = {name.lower(): value for name, value in headers.items()}.get("content-type", "")
        if body and not kind.startswith("application/x-www-form-urlencoded"):
            yield f"a body of type {kind}"
        given = [*parse_qsl(parts.query), *(parse_qsl(body.decode()) if body else ())]
        for name, value in given:
            if name not in known.names:
                yield f"no parameter {name}"
            yield from self._value_problems(name, value)

    def _value_problems(self, name: str, value: str) -> Iterator[str]:
        if name in CHOICES and value not in self.names(CHOICES[name]):
            yield f"{name}={value} is none of {self._variables[CHOICES[name]]}"
        if name in LISTS:
            known = {n for key in self._variables if key.startswith(LISTS[name]) for n in self.names(key)}
            for one in _split(value):
                if one not in known | self._more:
                    yield f"no {name} called {one}"

    def _answer_problems(self, method: str, url: str, status: int, body: bytes) -> Iterator[str]:
        known = self._find(method, urlsplit(url).path)
        told = json.loads(body)
        if known is None:
            yield "an answer to no request"
        elif status >= 400 or "error" in told:
            missing = {"message", "type", "code", "fbtrace_id"} - told.get("error", {}).keys()
            yield from (f"an error without {name}" for name in missing)
        elif known.samples:
            wanted = dict(parse_qsl(urlsplit(url).query)).get("fields", "")
            shapes = [shape for sample in known.samples for shape in _shape(sample)]
            allowed = {*shapes, *_split(wanted), *self._keys}
            yield from (f"a key {name} in no sample" for name in sorted(set(_shape(told)) - allowed))

    def _find(self, method: str, path: str) -> Described | None:
        return self._known.get((method, _template(path)))

    def names(self, variable: str) -> set[str]:
        """The names a variable lists."""
        return _split(self._variables[variable])


def _requests(items: Iterable[Json]) -> Iterator[tuple[Json, tuple[Json, ...]]]:
    for one in items:
        if "item" in one:
            yield from _requests(one["item"])
        else:
            yield one["request"], tuple(_samples(one.get("response", [])))


def _samples(responses: Iterable[Json]) -> Iterator[Json]:
    for one in responses:
        text = re.sub(r"<(string|number|boolean)>", "1", one.get("body") or "")
        text = text.replace('"1"', "1")
        try:
            yield json.loads(text)
        except ValueError:
            continue


def _template(path: str) -> str:
    """The path with numbers and variables as {id}, without the version; ``me`` and a number are one."""
    words = [word for word in path.strip("/").split("/") if word and not re.fullmatch(r"v\d+\.\d+", word)]
    return "/".join("{id}" if re.fullmatch(r"\d+|\{\{\w+\}\}", word) else word for word in words)


def _split(value: str) -> set[str]:
    """The names of a list, those in braces behind a name too."""
    return {one for one in re.split(r"[\s,{}]+", value) if one}


def _shape(value: Any) -> Iterator[str]:
    """Every key of a JSON value, at whatever depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _shape(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _shape(inner)
