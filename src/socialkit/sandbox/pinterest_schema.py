"""What Pinterest's JSON bodies and queries may hold, and a checker that complains in its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, cast

__all__ = ["BOARD", "MEDIA", "PIN", "PIN_UPDATE", "SAVE", "SECTION", "analytics_problem", "problems"]

Json = dict[str, Any]
ID: Json = {"type": "string", "pattern": r"^\d+$"}
_ID_OR_NULL: Json = {**ID, "nullable": True}
_URL: Json = {"type": "string"}
_DATA: Json = {"type": "string", "pattern": r"^[a-zA-Z0-9+/=]+$"}
_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_KIND: Json = {"type": "string", "enum": ["image/jpeg", "image/png"]}
_PRIVACY: Json = {"type": "string", "enum": ["PUBLIC", "PROTECTED", "SECRET"]}


def _text(most: int) -> Json:
    return {"type": "string", "maxLength": most, "nullable": True}


def _object(required: str = "", **properties: Json) -> Json:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: Json, least: int, most: int) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


_WORDS: Json = {"title": _TEXT, "description": _TEXT, "link": _URL}
_INDEX: Json = {"type": "integer", "minimum": 0}
SOURCES: dict[str, Json] = {
    "image_url": _object("url", source_type=_TEXT, url=_URL, is_standard=_FLAG),
    "image_base64": _object(
        "content_type data", source_type=_TEXT, content_type=_KIND, data=_DATA, is_standard=_FLAG
    ),
    "multiple_image_urls": _object(
        "items", source_type=_TEXT, index=_INDEX, items=_list(_object("url", url=_URL, **_WORDS), 2, 5)
    ),
    "multiple_image_base64": _object(
        "items",
        source_type=_TEXT,
        index=_INDEX,
        items=_list(_object("content_type data", content_type=_KIND, data=_DATA, **_WORDS), 2, 5),
    ),
    "video_id": _object(
        "media_id",
        source_type=_TEXT,
        media_id=ID,
        is_standard=_FLAG,
        cover_image_url=_URL,
        cover_image_content_type=_KIND,
        cover_image_data=_TEXT,
        cover_image_key_frame_time=_INDEX,
    ),
}
_PIN: Json = {
    "title": _text(100),
    "description": _text(800),
    "link": _text(2048),
    "alt_text": _text(500),
    "board_id": ID,
    "board_section_id": _ID_OR_NULL,
}
_AI: Json = {"type": "string", "enum": ["AI_MODIFIED", "SYNTHETIC_PERFORMER"]}
PIN = _object(
    "media_source",
    **_PIN,
    dominant_color={"type": "string", "nullable": True},
    parent_pin_id=_ID_OR_NULL,
    sponsor_id=_ID_OR_NULL,
    ai_disclosures=_object(values=_list(_AI, 0, 2)),
    media_source={"type": "object", "choice": SOURCES},
)
PIN_UPDATE = _object(
    **_PIN,
    ai_disclosures=_object(values=_list(_AI, 0, 2)),
    carousel_slots=_list(_object(**_WORDS), 0, 5),
)
SAVE = _object(board_id=_ID_OR_NULL, board_section_id=_ID_OR_NULL)
MEDIA = _object("media_type", media_type={"type": "string", "enum": ["video"]})
BOARD = _object(
    "name",
    name={"type": "string", "minLength": 1},
    description={"type": "string", "nullable": True},
    privacy=_PRIVACY,
    is_ads_only=_FLAG,
)
SECTION = _object("name", name={"type": "string", "minLength": 1, "maxLength": 180})

_TYPES: Mapping[str, Any] = {"string": str, "object": dict, "array": list, "integer": int, "boolean": bool}


def problems(value: Any, schema: Json, path: str = "body") -> Iterator[str]:
    """Every place where ``value`` does not fit, in the words of a JSON schema.

    >>> list(problems({"board_id": "boats", "media_source": {"source_type": "video_id"}}, PIN))[0]
    "body.board_id: 'boats' does not match '^\\\\d+$'"
    """
    if value is None and schema.get("nullable"):
        return
    kind, value = schema["type"], cast("Any", value)
    if not isinstance(value, _TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        yield f"{path}: {value!r} is not of type {kind!r}"
    elif kind == "object":
        yield from _object_problems(value, schema, path)
    elif kind == "array":
        yield from _array_problems(value, schema, path)
    elif kind == "string":
        yield from _string_problems(value, schema, path)
    elif "minimum" in schema and value < schema["minimum"]:
        yield f"{path}: {value} constraint: minimum={schema['minimum']}"


def _object_problems(value: Json, schema: Json, path: str) -> Iterator[str]:
    if (choice := schema.get("choice")) is not None:
        chosen = choice.get(value.get("source_type"))
        if chosen is None:
            yield f"{path}.source_type: {value.get('source_type')!r} is not one of {sorted(choice)}"
            return
        schema = chosen
    for name in schema["required"]:
        if name not in value:
            yield f"{path}: {name!r} is a required property"
    for name, inner in value.items():
        if name in schema["properties"]:
            yield from problems(inner, schema["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}: Additional properties are not allowed ({name!r} was unexpected)"


def _array_problems(value: list[Any], schema: Json, path: str) -> Iterator[str]:
    for name, wrong in (
        ("minItems", len(value) < schema["minItems"]),
        ("maxItems", len(value) > schema["maxItems"]),
    ):
        if wrong:
            yield f"{path}: constraint: {name}={schema[name]}"
    for number, item in enumerate(value):
        yield from problems(item, schema["items"], f"{path}[{number}]")


def _string_problems(value: str, schema: Json, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value[:40]!r} is not one of {schema['enum']}"
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        yield f"{path}: {value[:40]!r} does not match '{schema['pattern']}'"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: constraint: maxLength={schema['maxLength']}"
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: constraint: minLength={schema['minLength']}"


def analytics_problem(query: Mapping[str, str], allowed: frozenset[str], today: date) -> str:
    """What is wrong with a query for analytics; "" when nothing is."""
    try:
        first, last = (date.fromisoformat(query.get(name, "")) for name in ("start_date", "end_date"))
    except ValueError:
        return "start_date and end_date must be dates: YYYY-MM-DD"
    if first < today - timedelta(days=90):
        return "start_date cannot be more than 90 days back from today"
    if last < first or last - first > timedelta(days=90):
        return "end_date cannot be before start_date, nor more than 90 days past it"
    if unknown := {one for one in query.get("metric_types", "").split(",") if one} - allowed:
        return f"metric_types: {', '.join(sorted(unknown))} not allowed for these pins"
    return ""
