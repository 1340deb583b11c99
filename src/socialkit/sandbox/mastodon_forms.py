"""Fields of requests as Mastodon-API servers read them: query, form or JSON, nested names, loose booleans."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .bodies import BadBody
from .core import body

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["is_true", "language_of", "nest", "number", "params", "strings"]

Json = dict[str, Any]


def params(request: Request) -> Json:
    """The fields of a request: query, form (``poll[options][]`` taken apart) or JSON, as one dict."""
    read = body(request)
    if read.content_type.startswith("application/json"):
        given = read.json()
        if not isinstance(given, dict):
            raise BadBody("the body is not an object")
    else:
        given = nest(read.fields)
    return {**nest(request.query_params.multi_items()), **given}


def nest(pairs: list[tuple[str, str]]) -> Json:
    """Form fields as nested values.

    >>> nest([("status", "hi"), ("poll[options][]", "a"), ("poll[options][]", "b"), ("m[][id]", "1")])
    {'status': 'hi', 'poll': {'options': ['a', 'b']}, 'm': [{'id': '1'}]}
    """
    tree: Json = {}
    for name, value in pairs:
        _put(tree, re.findall(r"[^\[\]]+|\[\]", name), value)
    return tree


def _put(node: Json, path: list[str], value: str) -> None:
    if len(path) == 1:
        node[path[0]] = value
    elif path and path[1] == "[]":
        items = node.setdefault(path[0], [])
        if not isinstance(items, list):
            raise BadBody(f"{path[0]} is both a value and a list")
        if len(path) == 2:
            items.append(value)
        else:
            if not items or not isinstance(items[-1], dict) or path[2] in items[-1]:
                items.append({})
            _put(items[-1], path[2:], value)
    elif path:
        inner = node.setdefault(path[0], {})
        if not isinstance(inner, dict):
            raise BadBody(f"{path[0]} is both a value and an object")
        _put(inner, path[1:], value)


def strings(value: Any) -> list[str]:
    """A list of texts from a list, one value, or nothing."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def number(value: Any) -> float | None:
    """A number, or None for anything that is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def is_true(value: Any) -> bool:
    """Truth as forms and JSON spell it."""
    return value is not None and value not in ("", "false", "False", "0", "f", "off", 0, False)


def language_of(value: Any) -> str | None:
    """A known code; anything else is dropped without a word, as servers do."""
    return value if isinstance(value, str) and re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", value) else None
