"""Validation against Google's discovery documents: the query of a call, and the JSON of its answer.

    Discovery("youtube/youtube.v3.json").check(answer, "channels.list")

The documents describe everything as optional; what a test relies on, it checks itself. Unknown names are problems.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import httpx
from jsonschema import Draft7Validator
from jsonschema.protocols import Validator

from .specs import need_specs
from .violations import SpecViolation

Json = dict[str, Any]
_KEPT = ("type", "format", "enum", "pattern", "additionalProperties")


class Discovery:
    """One document; skips the running test where the descriptions are absent."""

    def __init__(self, file: str) -> None:
        self.document: Json = json.loads((need_specs() / file).read_text())

    def check(self, answer: httpx.Response, method: str) -> None:
        """Raise `SpecViolation` with every problem of a finished exchange with that method."""
        described = self._method(method)
        problems = [*self._request_problems(answer.request, described)]
        problems += [
            f"{'.'.join(map(str, error.absolute_path)) or 'the answer'}: {error.message}"
            for error in self._answers(described["response"]["$ref"]).iter_errors(answer.json())
        ]
        if problems:
            raise SpecViolation(f"{answer.request.method} {answer.request.url.path}", problems)

    def check_exchange(self, answer: httpx.Response, method: str) -> None:
        """The same for a request with a body, and for uploads: their paths, and the session's own parameter."""
        described, request = self._method(method), answer.request
        session = "upload_id" in request.url.params
        problems = [*self._request_problems(request, described)]
        if paths := _upload_paths(described):
            problems = [one for one in problems if session is False or "method is" not in one]
            problems = [one for one in problems if not (session and "parameter upload_id" in one)]
            problems = [one for one in problems if request.url.path not in paths or "path is" not in one]
        if "request" in described and not session:
            problems += _problems(self._answers(described["request"]["$ref"]), json.loads(request.content))
        if answer.is_success and answer.content and "response" in described:
            problems += _problems(self._answers(described["response"]["$ref"]), answer.json())
        if problems:
            raise SpecViolation(f"{request.method} {request.url.path}", problems)

    def _method(self, name: str) -> Json:
        *resources, method = name.split(".")
        here = self.document
        for resource in resources:
            here = here["resources"][resource]
        found: Json = here["methods"][method]
        return found

    def _request_problems(self, request: httpx.Request, described: Json) -> list[str]:
        known = {**self.document.get("parameters", {}), **described.get("parameters", {})}
        given = dict(request.url.params)
        root = self.document.get("servicePath", "")
        problems = [f"unknown query parameter {name}" for name in given if name not in known]
        problems += [
            f"missing query parameter {name}"
            for name, one in known.items()
            if one.get("required") and one["location"] == "query" and name not in given
        ]
        if request.method != described["httpMethod"]:
            problems.append(f"the method is {described['httpMethod']}")
        if request.url.path != f"/{root}{described['path']}":
            problems.append(f"the path is /{root}{described['path']}")
        return problems

    def scopes(self, method: str) -> set[str]:
        """The scopes of which one is enough."""
        return set(self._method(method).get("scopes", ()))

    @functools.cache  # noqa: B019
    def _answers(self, name: str) -> Validator:
        definitions = {key: _strict(schema) for key, schema in self.document["schemas"].items()}
        return Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": definitions})


def _upload_paths(described: Json) -> set[str]:
    protocols = described.get("mediaUpload", {}).get("protocols", {})
    return {one["path"] for one in protocols.values()}


def _problems(checker: Validator, body: Any) -> list[str]:
    found = checker.iter_errors(body)
    return [f"{'.'.join(map(str, one.absolute_path)) or 'the body'}: {one.message}" for one in found]


def _strict(schema: Json) -> Json:
    """A schema of the document as JSON Schema that knows no names but its own."""
    if "$ref" in schema:
        return {"$ref": f"#/definitions/{schema['$ref']}"}
    strict = {name: schema[name] for name in _KEPT if name in schema}
    if isinstance(strict.get("additionalProperties"), dict):
        strict["additionalProperties"] = _strict(strict["additionalProperties"])
    if schema.get("type") == "any":
        del strict["type"]
    if "items" in schema:
        strict["items"] = _strict(schema["items"])
    if "properties" in schema:
        strict["properties"] = {name: _strict(one) for name, one in schema["properties"].items()}
        strict.setdefault("additionalProperties", False)
    return strict
