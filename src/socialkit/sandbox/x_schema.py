"""What X's JSON bodies may hold, and a checker that tells every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = [
    "ALT_TEXT",
    "APPEND",
    "ARTICLE",
    "DELETE_SUBTITLES",
    "HIDE",
    "INITIALIZE",
    "METADATA",
    "POST",
    "problems",
]
__all__ += ["REPOST", "SUBTITLES", "UPLOAD"]

Json = dict[str, Any]
ID: Json = {"type": "string", "pattern": r"[0-9]{1,19}"}
_TEXT: Json = {"type": "string"}
_FLAG: Json = {"type": "boolean"}
_REPLY_SETTINGS = {"type": "string", "enum": ["following", "mentionedUsers", "subscribers", "verified"]}
_CATEGORIES = ["tweet_image", "tweet_gif", "tweet_video", "dm_image", "dm_gif", "dm_video", "subtitles"]
_MIMES = [
    *("video/mp4", "video/webm", "video/mp2t", "video/quicktime", "text/srt", "text/vtt", "image/jpeg"),
    *("image/gif", "image/bmp", "image/png", "image/webp", "image/pjpeg", "image/tiff"),
    *("model/gltf-binary", "model/vnd.usdz+zip"),
]


def _object(required: str = "", **properties: Json) -> Json:
    """A closed object; ``required`` names fields, separated by spaces."""
    return {"type": "object", "required": required.split(), "properties": properties}


def _list(items: Json, least: int = 0, most: int = 1000) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


_OPTION: Json = {"type": "string", "minLength": 1, "maxLength": 25}
_MINUTES: Json = {"type": "integer", "minimum": 5, "maximum": 10_080}
POST = _object(
    text=_TEXT,
    card_uri=_TEXT,
    community_id=ID,
    direct_message_deep_link=_TEXT,
    edit_options=_object("previous_post_id", previous_post_id=ID),
    for_super_followers_only=_FLAG,
    geo=_object("place_id", place_id=_TEXT),
    made_with_ai=_FLAG,
    media=_object(
        "media_ids",
        media_ids=_list(ID, 1, 4),
        tagged_user_ids=_list(ID, 0, 10),
        title=_TEXT,
        description=_TEXT,
        embeddable=_FLAG,
        preview_media_id=ID,
        call_to_actions=_object(
            visit_site=_object("url", url=_TEXT),
            watch_now=_object("url", url=_TEXT),
            app_install=_object(app_store_id=_TEXT, ipad_app_store_id=_TEXT, play_store_id=_TEXT),
        ),
    ),
    nullcast=_FLAG,
    paid_partnership=_FLAG,
    poll=_object(
        "options duration_minutes",
        options=_list(_OPTION, 2, 4),
        duration_minutes=_MINUTES,
        reply_settings=_REPLY_SETTINGS,
    ),
    quote_tweet_id=ID,
    reply=_object(
        "in_reply_to_tweet_id",
        in_reply_to_tweet_id=ID,
        exclude_reply_user_ids=_list(_TEXT),
        auto_populate_reply_metadata=_FLAG,
    ),
    reply_settings=_REPLY_SETTINGS,
    share_with_followers=_FLAG,
)
_SPAN = _object(
    "from_index to_index text",
    from_index={"type": "integer", "minimum": 0},
    to_index={"type": "integer", "minimum": 0},
    text=_TEXT,
)
_BLOCK_TYPES = ["unstyled", "header-one", "header-two", "header-three", "unordered-list-item"]
_BLOCK_TYPES += ["ordered-list-item", "blockquote", "atomic"]
_BLOCK = _object(
    "text type",
    text=_TEXT,
    type={"type": "string", "enum": _BLOCK_TYPES},
    key=_TEXT,
    data=_object(urls=_list(_SPAN), mentions=_list(_SPAN), hashtags=_list(_SPAN), cashtags=_list(_SPAN)),
    entity_ranges=_list({"type": "object"}),
    inline_style_ranges=_list({"type": "object"}),
)
ARTICLE = _object(
    "title content_state",
    title={"type": "string", "minLength": 1},
    content_state=_object("blocks entities", blocks=_list(_BLOCK), entities=_list({"type": "object"})),
    cover_media=_object("media_category media_id", media_category=_TEXT, media_id=_TEXT),
)
UPLOAD = _object(
    "media media_category",
    media=_TEXT,
    media_category={"type": "string", "enum": _CATEGORIES},
    additional_owners=_TEXT,
)
INITIALIZE = _object(
    "media_type media_category total_bytes",
    media_type={"type": "string", "enum": _MIMES},
    media_category={"type": "string", "enum": [*_CATEGORIES, "amplify_video"]},
    total_bytes={"type": "integer", "minimum": 0, "maximum": 17_179_869_184},
    shared=_FLAG,
    additional_owners=_list(ID),
)
APPEND = _object(
    "media segment_index", media=_TEXT, segment_index={"type": "integer", "minimum": 0, "maximum": 999}
)
ALT_TEXT = _object("text", text={"type": "string", "maxLength": 1000})
METADATA = _object(
    "id",
    id=ID,
    metadata={"type": "object", "properties": {"alt_text": ALT_TEXT}, "open": True},
)
SUBTITLES = _object(
    "id media_category subtitles",
    id=ID,
    media_category={"type": "string", "enum": ["AmplifyVideo", "TweetVideo"]},
    subtitles=_object(
        "id language_code",
        id=ID,
        language_code={"type": "string", "pattern": "[A-Z]{2}"},
        display_name=_TEXT,
    ),
)
DELETE_SUBTITLES = _object(
    "id media_category language_code", id=ID, media_category=_TEXT, language_code=_TEXT
)
REPOST = _object("tweet_id", tweet_id=ID)
HIDE = _object("hidden", hidden=_FLAG)

_TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}


def problems(value: Any, schema: Json, path: str = "$") -> Iterator[str]:
    """Every place where ``value`` does not fit, as ``$.path: what is wrong``.

    >>> list(problems({"text": 1, "colour": "red"}, POST))[0]
    '$.text: integer found, string expected'
    """
    if not _is(value, schema["type"]):
        yield f"{path}: {_word(value)} found, {schema['type']} expected"
    elif schema["type"] == "object":
        yield from _object_problems(value, schema, path)
    elif schema["type"] == "array":
        yield from _array_problems(value, schema, path)
    elif schema["type"] == "string":
        yield from _string_problems(value, schema, path)
    elif "minimum" in schema and value < schema["minimum"]:
        yield f"{path}: must have a minimum value of {schema['minimum']}"
    elif "maximum" in schema and value > schema["maximum"]:
        yield f"{path}: must have a maximum value of {schema['maximum']}"


def _is(value: Any, kind: str) -> bool:
    if kind == "integer" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[kind])


def _word(value: Any) -> str:
    if value is None:
        return "null"
    return next((name for name, kind in _TYPES.items() if type(value) is kind), "number")


def _object_problems(value: Json, schema: Json, path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: is missing but it is required"
    if (known := schema.get("properties")) is None:
        return
    for name, inner in value.items():
        if name in known:
            yield from problems(inner, known[name], f"{path}.{name}")
        elif not schema.get("open"):
            yield f"{path}.{name}: is not defined in the schema"


def _array_problems(value: list[Any], schema: Json, path: str) -> Iterator[str]:
    if len(value) < schema["minItems"]:
        yield f"{path}: there must be a minimum of {schema['minItems']} items in the array"
    if len(value) > schema["maxItems"]:
        yield f"{path}: there must be a maximum of {schema['maxItems']} items in the array"
    for number, item in enumerate(value):
        yield from problems(item, schema["items"], f"{path}[{number}]")


def _string_problems(value: str, schema: Json, path: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: does not have a value in the enumeration [{', '.join(schema['enum'])}]"
    if "pattern" in schema and re.fullmatch(schema["pattern"], value) is None:
        yield f"{path}: does not match the regex pattern ^{schema['pattern']}$"
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: must be at least {schema['minLength']} characters long"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: may only be {schema['maxLength']} characters long"
