"""Meta's codegen descriptions as a validator: parameters of every request, fields of every answer.

    Meta("facebook").check_request("Page", "feed", "POST", ["message", "link"])

A description lists the parameters an edge takes and the fields a node has. What is Graph API itself (``fields``,
paging, batches) belongs to no edge.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from werkzeug.formparser import FormDataParser

from socialkit.sandbox.facebook_views import Ask, parsed

from .specs import need_specs
from .violations import SpecViolation

__all__ = ["Meta"]

Json = dict[str, Any]
GENERAL = frozenset(
    {"access_token", "fields", "limit", "after", "before", "batch", "include_headers", "appsecret_proof"}
)
INSIDE = {
    "attachments": "StoryAttachment",
    "comments": "Comment",
    "insights": "InsightsResult",
    "video_insights": "InsightsResult",
}
"""Edges that stand in ``fields``, and what is in them."""
BEYOND = {
    "AdVideo": frozenset({"likes"}),
    "PagePost": frozenset({"reactions", "likes"}),
    "Photo": frozenset[str](),
    "Page": frozenset[str](),
    "Comment": frozenset[str](),
    "Stories": frozenset({"id"}),
}
"""Edges a node can be asked for with its fields."""
SPOKEN = {
    "Page photos POST": {"source", "url"},
    "Page videos POST": {"source"},
    "Page video_reels GET": {"limit"},
}
"""What Meta's guides name and its descriptions leave out."""


class Meta:
    """The descriptions of one platform, read when they are asked for."""

    def __init__(self, platform: str) -> None:
        self.folder = need_specs() / platform / "api_specs"
        self._read: dict[str, Json] = {}

    def spec(self, node: str) -> Json:
        if node not in self._read:
            self._read[node] = json.loads((self.folder / f"{node}.json").read_text())
        return self._read[node]

    def fields(self, node: str) -> set[str]:
        return {field["name"] for field in self.spec(node)["fields"]}

    def parameters(self, node: str, edge: str, method: str) -> set[str]:
        """What an edge (or, without one, the node itself) takes; a SpecViolation when it has no such method."""
        for api in self.spec(node)["apis"]:
            if (api.get("endpoint") or "").strip("/") == edge and api["method"] == method:
                more = SPOKEN.get(f"{node} {edge} {method}", set())
                return {param["name"] for param in api["params"]} | more
        raise SpecViolation("Meta", [f"{node} has no {method} /{edge}"])

    def check_request(self, node: str, edge: str, method: str, given: Iterable[str]) -> None:
        names = {name.partition("[")[0] for name in given} - GENERAL
        if unknown := sorted(names - self.parameters(node, edge, method)):
            raise SpecViolation("Meta", [f"{method} /{node}/{edge} takes no {', '.join(unknown)}"])

    def check_fields(self, node: str, asks: Iterable[Ask]) -> None:
        """The fields asked for are fields or edges of the node."""
        known = self.fields(node) | BEYOND.get(node, frozenset()) | set(INSIDE)
        for ask in asks:
            if ask.name not in known:
                raise SpecViolation("Meta", [f"{node} has no field {ask.name}"])
            inner = INSIDE.get(ask.name)
            if inner and ask.inner and inner != "StoryAttachment":
                self.check_fields(inner, ask.inner)

    def check_node(self, node: str, told: Mapping[str, Any]) -> None:
        """An answer's fields are fields of the node."""
        known = self.fields(node) | BEYOND.get(node, frozenset()) | set(INSIDE) | {"success", "post_id"}
        if unknown := sorted(set(told) - known):
            raise SpecViolation("Meta", [f"{node} tells no {', '.join(unknown)}"])
        if isinstance(status := told.get("status"), Mapping):
            self._check_status(status)
        for edge in ("insights", "video_insights"):
            for one in (told.get(edge) or {}).get("data", ()):
                if set(one) - self.fields("InsightsResult"):
                    raise SpecViolation("Meta", [f"an insight tells {sorted(one)}"])

    def _check_status(self, status: Mapping[str, Any]) -> None:
        if unknown := set(status) - self.fields("VideoStatus"):
            raise SpecViolation("Meta", [f"a video's status tells no {unknown}"])
        names = ("Uploading", "Processing", "Publishing")
        for name in names:
            phase = status.get(f"{name.lower()}_phase") or {}
            # Meta's guide writes one t less, and "error" for the first of the errors
            known = self.fields(f"VideoStatus{name}Phase") | {"bytes_transfered", "error"}
            if unknown := set(phase) - known:
                raise SpecViolation("Meta", [f"{name} tells no {unknown}"])


def given_in(request: httpx.Request) -> list[tuple[str, str]]:
    """Every parameter of a request: of its query, its form, its multipart fields and files."""
    pairs = parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True)
    mime = request.headers.get("content-type", "")
    if mime.startswith("application/x-www-form-urlencoded"):
        return pairs + parse_qsl(request.content.decode(), keep_blank_values=True)
    if mime.startswith("multipart/form-data"):
        parser = FormDataParser(stream_factory=lambda *_, **__: io.BytesIO())
        options = {"boundary": mime.partition("boundary=")[2]}
        _, form, files = parser.parse(
            io.BytesIO(request.content), "multipart/form-data", len(request.content), options
        )
        return pairs + list(form.items(multi=True)) + [(name, "") for name in files]
    return pairs


def asks_in(pairs: Iterable[tuple[str, str]]) -> tuple[Ask, ...]:
    return tuple(ask for name, value in pairs if name == "fields" for ask in parsed(value))


VERSIONED = re.compile(r"/v\d+\.\d+/(?P<id>me|[0-9_]+)?(?:/(?P<edge>\w+))?/?")
