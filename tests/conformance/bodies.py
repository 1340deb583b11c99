"""Form and multipart bodies, turned into the JSON shape that descriptions speak of."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from typing import IO, Any, NamedTuple

from werkzeug.formparser import FormDataParser

Json = dict[str, Any]


class Multipart(NamedTuple):
    """A multipart body: its text fields in order, and the names of its files."""

    fields: list[tuple[str, str]]
    files: list[str]


def parse_multipart(content_type: str, body: bytes) -> Multipart:
    """The parts of a `multipart/form-data` body; raises `ValueError` when it is malformed."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise ValueError("multipart without a boundary")
    parser = FormDataParser(stream_factory=_in_memory, silent=False)
    options = {"boundary": boundary[1]}
    _, form, files = parser.parse(io.BytesIO(body), "multipart/form-data", len(body), options)
    return Multipart(list(form.items(multi=True)), [name for name, _ in files.items(multi=True)])


def _in_memory(
    total_content_length: int | None,
    content_type: str | None,
    filename: str | None,
    content_length: int | None = None,
) -> IO[bytes]:
    """Where one file part goes; the parser's own temporary files would be left to the garbage collector."""
    return io.BytesIO()


def nest(pairs: Iterable[tuple[str, str]]) -> Json:
    """Bracketed form fields as nested values: `a[]` is a list, `a[b]` an object, `a[][b]` a list of objects.

    nest([("poll[options][]", "Yes"), ("poll[options][]", "No")]) == {"poll": {"options": ["Yes", "No"]}}
    """
    root: Json = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+|\[[^\]]*\]", name)
        _put(root, first, [step[1:-1] for step in rest], value)
    return root


def _put(node: Json, key: str, rest: list[str], value: str) -> None:
    if not rest:
        node[key] = value
    elif rest[0]:
        _put(node.setdefault(key, {}), rest[0], rest[1:], value)
    elif len(rest) == 1:
        node.setdefault(key, []).append(value)
    else:
        items = node.setdefault(key, [])
        if not items or rest[1] in items[-1]:
            items.append({})
        _put(items[-1], rest[1], rest[2:], value)


def typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """Form text as the schema's type; text that does not look like it stays text, and fails validation."""
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        return {name: typed(item, properties.get(name, {})) for name, item in value.items()}
    if isinstance(value, list):
        return [typed(item, schema.get("items", {})) for item in value]
    if schema.get("type") == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(value, value)
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    return value
