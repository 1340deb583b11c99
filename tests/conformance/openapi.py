"""Validation against a platform's OpenAPI description, through openapi-core plus what that cannot see.

By hand, because openapi-core lets them pass: a missing or odd Authorization header, unknown query and field
names, form bodies where only JSON is described, multipart bodies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_schema_validator import OAS30WriteValidator, OAS31Validator
from werkzeug.datastructures import Headers, ImmutableMultiDict

from .bodies import Json, nest, parse_multipart, typed
from .violations import raise_for
from .x_dialect import current_answer, current_query, is_older

# Mastodon describes one kind of body per call, and its servers read all three alike.
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data"
PROBLEM = "application/problem+json"
METHODS = {"get", "post", "put", "patch", "delete"}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
FILES = {
    "devto": "devto/api_v1.json",
    "mastodon": "mastodon/mastodon-openapi.json",
    "pinterest": "pinterest/openapi.json",
    "x": "x/openapi.json",
}
SCHEMES = {"oauth2": "bearer", "http basic": "basic", "http bearer": "bearer", "http OAuth": "oauth"}


class Operation(NamedTuple):
    """One described call: its path template, its description and its parameters with references followed."""

    template: str
    description: Json
    parameters: list[Json]


class OpenApiValidator:
    """Checks requests and answers of one platform against its description.

    A loopback address counts as the platform's own host.

        OpenApiValidator("x", folder).check_request("GET", "https://api.x.com/2/users/me", headers, b"")
    """

    def __init__(self, platform: str, folder: Path) -> None:
        self.platform = platform
        self.document: Json = _with_any_quote(json.loads((folder / FILES[platform]).read_text()))
        self._host = urlsplit(self.document["servers"][0]["url"].replace("{hostname}", "mastodon.example"))
        self._any_host = "{" in self.document["servers"][0]["url"]
        config = Config(spec_validator_cls=None, extra_media_type_deserializers={PROBLEM: json.loads})
        self._core = OpenAPI.from_dict(_without_security(self.document), config)

    def check_request(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Raise `SpecViolation` with every problem of this request."""
        problems = self._request_problems(method, self._official(url), Headers(list(headers.items())), body)
        raise_for(self.platform, f"{method} {url}", url, problems)

    def check_response(
        self, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raise `SpecViolation` with every problem of the answer to this request."""
        parts = self._official(url)
        if self.platform == "x" and is_older(parse_qsl(parts.query)):
            body = _translated(body)
        answer = _Answer(status, Headers(list(headers.items())), body)
        operation = self._find(method, parts)
        if operation is None:
            problems = iter([f"no such operation: {method} {parts.path}"])
        else:
            request = _Asked(method, parts, Headers(), b"", [])
            errors = self._core.iter_response_errors(request, answer)
            problems = chain(_explain_all(errors), self._branch_problems(operation, answer))
        raise_for(self.platform, f"the answer {status} to {method} {url}", url, problems)

    def _official(self, url: str) -> SplitResult:
        parts = urlsplit(url)
        if self._any_host or parts.hostname in LOOPBACK:
            return parts._replace(scheme=self._host.scheme, netloc=self._host.netloc)
        return parts

    def _find(self, method: str, parts: SplitResult) -> Operation | None:
        """The described operation; a path without placeholders wins over one with."""
        if (parts.scheme, parts.netloc) != (self._host.scheme, self._host.netloc):
            return None
        below = parts.path.removeprefix(self._host.path)
        fitting = [path for path in self.document["paths"] if _fits(path, below)]
        for template in sorted(fitting, key=lambda path: path.count("{")):
            described = self.document["paths"][template]
            if method.lower() in described.keys() & METHODS:
                operation = described[method.lower()]
                both = [*described.get("parameters", []), *operation.get("parameters", [])]
                return Operation(template, operation, [self._follow(each) for each in both])
        return None

    def _request_problems(
        self, method: str, parts: SplitResult, headers: Headers, body: bytes
    ) -> Iterator[str]:
        operation = self._find(method, parts)
        if operation is None:
            yield f"no such operation: {method} {parts.scheme}://{parts.netloc}{parts.path}"
            return
        query = parse_qsl(parts.query, keep_blank_values=True)
        query = current_query(query) if self.platform == "x" else query
        yield from self._authorization_problems(operation, headers)
        yield from self._query_problems(operation, query)
        yield from self._body_problems(operation, headers, body)
        request = _Asked(method, parts, headers, b"", [(_bare(name), value) for name, value in query])
        core = self._core.iter_request_errors(request)
        yield from _explain_all(each for each in core if "body" not in type(each).__name__.lower())

    def _authorization_problems(self, operation: Operation, headers: Headers) -> Iterator[str]:
        security = operation.description.get("security", self.document.get("security")) or [{}]
        if {} in security:
            return
        allowed = {self._scheme(name) for each in security for name in each}
        if any(name in headers for name in allowed):
            return
        given = headers.get("Authorization", "").partition(" ")[0].lower()
        if given not in allowed:
            yield f"Authorization is {given or 'missing'}; allowed: {', '.join(sorted(allowed))}"

    def _scheme(self, name: str) -> str:
        described = self.document["components"]["securitySchemes"][name]
        if described["type"] == "apiKey":
            return str(described["name"])
        return SCHEMES[" ".join(filter(None, [described["type"], described.get("scheme")]))]

    def _query_problems(self, operation: Operation, query: list[tuple[str, str]]) -> Iterator[str]:
        known = {each["name"]: each for each in operation.parameters if each["in"] == "query"}
        for name, _ in query:
            described = known.get(_bare(name))
            if described is None:
                yield f"unknown query parameter {name}"
            elif self.platform == "mastodon":
                yield from _bracket_problems(name, self._follow(described["schema"]), "query parameter")

    def _body_problems(self, operation: Operation, headers: Headers, body: bytes) -> Iterator[str]:
        described = operation.description.get("requestBody")
        if described is None or (not body and not described.get("required")):
            if body:
                yield "this call takes no body"
            return
        kind = _media_type(headers)
        content = described["content"]
        if self.platform == "mastodon" and kind in (JSON, FORM, MULTIPART):
            content = dict.fromkeys((JSON, FORM, MULTIPART), *content.values())
        if kind not in content:
            yield f"content type {kind or 'missing'}; allowed: {', '.join(content)}"
            return
        yield from self._content_problems(headers, body, content[kind]["schema"])

    def _content_problems(self, headers: Headers, body: bytes, schema: Json) -> Iterator[str]:
        kind, shape, files = _media_type(headers), self._flat(schema), list[str]()
        try:
            if kind == JSON:
                value = json.loads(body)
            elif kind == FORM:
                pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
                yield from self._form_problems(pairs, shape)
                value = typed(nest(pairs), shape)
            else:
                pairs, files = parse_multipart(headers["Content-Type"], body)
                yield from self._form_problems(pairs, shape)
                value = typed(nest(pairs), shape)
        except ValueError as error:
            yield f"body is not {kind}: {error}"
            return
        yield from _file_problems(kind, value, files, shape)
        yield from _unknown_fields(value, self._flat(self._chosen(schema, value)))
        whole = {**value, **dict.fromkeys(files, "")} if files else value
        yield from self._schema_problems(whole, self._chosen(schema, value))

    def _branch_problems(self, operation: Operation, answer: _Answer) -> Iterator[str]:
        """What is wrong with an answer whose kind one of its own fields tells; openapi-core reads no such field."""
        described = self._follow(operation.description.get("responses", {}).get(str(answer.status_code), {}))
        schema = self._follow(described.get("content", {}).get(JSON, {}).get("schema", {}))
        if answer.content_type == JSON and "discriminator" in schema:
            value = json.loads(answer.data)
            yield from _unknown_fields(value, self._flat(self._chosen(schema, value)))
            yield from self._schema_problems(value, self._chosen(schema, value))

    def _chosen(self, schema: Json, value: Any) -> Json:
        """The branch a discriminator picks for the value; the schema itself where there is none."""
        picks = self._follow(schema).get("discriminator", {})
        field = value.get(picks.get("propertyName")) if isinstance(value, dict) else None
        found = picks.get("mapping", {}).get(field)
        return {"$ref": found} if found else schema

    def _form_problems(self, pairs: Iterable[tuple[str, str]], shape: Json) -> Iterator[str]:
        for name, _ in pairs:
            if self.platform == "mastodon":
                yield from _bracket_problems(name, _described(shape, name), "form field")

    def _schema_problems(self, value: Any, schema: Json) -> Iterator[str]:
        maker = OAS31Validator if self.document["openapi"].startswith("3.1") else OAS30WriteValidator
        root = {"components": self.document["components"], "allOf": [schema]}
        for error in maker(root).iter_errors(value):
            yield from _explain_schema("body", [error])

    def _follow(self, node: Json) -> Json:
        while "$ref" in node:
            target: Json = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def _flat(self, schema: Json) -> Json:
        """One object schema that knows every field any branch of this one knows."""
        schema = self._follow(schema)
        flat: Json = {key: schema[key] for key in ("type", "format") if key in schema}
        if "items" in schema:
            flat["items"] = self._flat(schema["items"])
        properties = {name: self._flat(each) for name, each in schema.get("properties", {}).items()}
        kinds = [{"$ref": each} for each in schema.get("discriminator", {}).get("mapping", {}).values()]
        for branch in (
            *(part for word in ("allOf", "oneOf", "anyOf") for part in schema.get(word, ())),
            *kinds,
        ):
            shape = self._flat(branch)
            properties = _joined(properties, shape.pop("properties", {}))
            flat = {**shape, **flat}
        return {**flat, "properties": properties} if properties else flat


def _joined(one: Json, other: Json) -> Json:
    """The properties of two branches; one that both have knows what either knows."""
    both = {name: _either(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**other, **one, **both}


def _either(one: Json, other: Json) -> Json:
    joined = {**other, **one}
    if "properties" in one and "properties" in other:
        joined["properties"] = _joined(one["properties"], other["properties"])
    if "items" in one and "items" in other:
        joined["items"] = _either(one["items"], other["items"])
    return joined


class _Asked:
    """A request in the shape openapi-core reads."""

    def __init__(
        self, method: str, parts: SplitResult, headers: Headers, body: bytes, query: list[tuple[str, str]]
    ) -> None:
        self.host_url = f"{parts.scheme}://{parts.netloc}"
        self.path = parts.path
        self.full_url_pattern = self.host_url + parts.path
        self.method = method.lower()
        self.body = body or None
        self.content_type = _media_type(headers)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(query), header=headers, cookie=ImmutableMultiDict(), path={}
        )


class _Answer:
    """An answer in the shape openapi-core reads."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status_code, self.headers, self.data = status, headers, body
        self.content_type = _media_type(headers)


def _translated(body: bytes) -> bytes:
    try:
        return json.dumps(current_answer(json.loads(body))).encode()
    except ValueError:
        return body


def _without_security(document: Json) -> Json:
    """A copy that says nothing about authorization, which is checked by hand."""
    paths = {
        template: {
            method: {key: value for key, value in each.items() if key != "security"}
            if method in METHODS
            else each
            for method, each in described.items()
        }
        for template, described in document["paths"].items()
    }
    return {**document, "paths": paths, "security": []}


def _with_any_quote(document: Json) -> Json:
    """Mastodon's two forms of a quote differ in fields neither requires: one that is both is no mistake."""
    for name in ("Status", "StatusEdit"):
        schema = document.get("components", {}).get("schemas", {}).get(name, {})
        quote = schema.get("properties", {}).get("quote", {})
        if "oneOf" in quote:
            quote["anyOf"] = quote.pop("oneOf")
    return document


def _fits(template: str, path: str) -> bool:
    pattern = "".join("[^/]+" if piece[:1] == "{" else re.escape(piece) for piece in _pieces(template))
    return re.fullmatch(pattern, path) is not None


def _pieces(template: str) -> list[str]:
    return re.findall(r"\{[^}]+\}|[^{]+", template)


def _bare(name: str) -> str:
    return name.removesuffix("[]")


def _media_type(headers: Headers) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _described(shape: Json, name: str) -> Json:
    """The schema of a bracketed form field; empty when there is none."""
    for step in re.findall(r"[^\[\]]+", name):
        shape = shape.get("items", shape).get("properties", {}).get(step, {})
    return shape


def _bracket_problems(name: str, schema: Json, what: str) -> Iterator[str]:
    """Mastodon reads a list only from names that end in []."""
    if schema.get("type") == "array" and "[]" not in name:
        yield f"{what} {name} is a list: its name must end in []"
    if name.endswith("[]") and schema.get("type") not in (None, "array"):
        yield f"{what} {name} is no list: its name must not end in []"


def _file_problems(kind: str, value: Any, files: list[str], shape: Json) -> Iterator[str]:
    fields = shape.get("properties", {})
    for name in files:
        if name in fields and fields[name].get("format") != "binary":
            yield f"part {name} must be plain text, not a file"
        if name not in fields:
            yield f"body has no field {name}"
    for name in value if kind == MULTIPART else ():
        if fields.get(name, {}).get("format") == "binary":
            yield f"part {name} must be a file, with a file name"


def _unknown_fields(value: Any, shape: Json, where: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unknown_fields(item, shape.get("items", {}), where)
    if not isinstance(value, dict) or "properties" not in shape:
        return
    for name, item in value.items():
        if name not in shape["properties"]:
            yield f"body has no field {where}{name}"
        else:
            yield from _unknown_fields(item, shape["properties"][name], f"{where}{name}.")


def _explain_all(errors: Iterable[Exception]) -> Iterator[str]:
    for error in errors:
        found = getattr(error.__cause__, "schema_errors", None)
        place = _place(error)
        if found:
            yield from _explain_schema(place, list(found))
        else:
            yield f"{place}: {error.__cause__ or error}"


def _place(error: Exception) -> str:
    name, location = getattr(error, "name", None), getattr(error, "location", None)
    if location:
        return f"{location} parameter {name}"
    return f"answer header {name}" if name else "answer"


def _explain_schema(place: str, errors: Iterable[Any]) -> Iterator[str]:
    for error in errors:
        yield f"{place} at {error.json_path}: {_short(error.message)}"
        for miss in dict.fromkeys(_misses(error)) if "not valid under any" in error.message else ():
            yield f"{place}, one way: {miss}"


def _misses(error: Any) -> Iterator[str]:
    """Why each alternative of a choice does not fit."""
    for inner in error.context:
        yield from _misses(inner)
        if not inner.context:
            yield f"at {inner.json_path}: {_short(inner.message)}"


def _short(message: str) -> str:
    """Keep the end, where the reason stands."""
    return message if len(message) <= 300 else f"{message[:120]} … {message[-160:]}"
