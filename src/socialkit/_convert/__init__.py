"""Values to JSON-safe data and back: nothing is coerced or ignored, every fault has its place.

:func:`dump` and :func:`load` are the public form, with a schema version. :func:`plain` and :func:`structure`
are the same without that envelope, for the journal. cattrs does the work and is imported with this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from ..errors import ConfigError
from ..model import JSON, SCHEMA, Post
from ._hooks import FILES, called, converter, is_safe, type_name, unsafe

T = TypeVar("T")


def dump(value: Any) -> dict[str, Any]:
    """The value as JSON-safe data: ``schema``, ``type`` and its fields, those at their default left out.

    >>> from socialkit import Poll
    >>> dump(Poll(["Sail", "Motor"]))
    {'schema': 1, 'type': 'poll', 'options': ['Sail', 'Motor']}
    """
    body = plain(value)
    assert isinstance(body, dict)
    return {"schema": SCHEMA, "type": type_name(type(value)), **body}


def load(cls: type[T], data: Mapping[str, Any], *, files: str | os.PathLike[str] | None = None) -> T:
    """The value a :func:`dump` made; ConfigError with every wrong place. Local paths only from ``files``."""
    fields, faults = _unwrap(cls, data)
    token = FILES.set(None if files is None else Path(os.path.realpath(files)))
    try:
        return _structured(cls, fields, faults)
    finally:
        FILES.reset(token)


def load_post(data: Mapping[str, Any], files: str | os.PathLike[str] | None = None) -> Post:
    """The post a :func:`dump` made. Relative paths are taken below ``files``; none may lead out of it."""
    return load(Post, data, files=files)


def plain(value: Any) -> JSON:
    """The value as JSON-safe data without an envelope; a ConfigError names each place that cannot be."""
    if is_safe(value):
        return value  # type: ignore[no-any-return]
    body: JSON = converter().unstructure(value)
    if is_safe(body):
        return body
    if bad := [f"{_medium_place(place)}: {why}" for place, why in unsafe(body, "$")]:
        raise ConfigError(_several(f"this {type(value).__name__} cannot be written as JSON", bad))
    return body


def structure(cls: type[T], data: Any) -> T:
    """The value a :func:`plain` made, from a source we trust with paths (our own journal)."""
    return _structured(cls, data, [])


# --- the envelope -------------------------------------------------------------------------------------------
def _unwrap(cls: type, data: Any) -> tuple[dict[str, Any], list[str]]:
    """The fields without the envelope, and what is wrong with the envelope."""
    name = type_name(cls)
    if not isinstance(data, Mapping):
        raise ConfigError(f"this is no {name}: expected an object, got {called(data)}")
    fields = dict(data)
    schema, kind = fields.pop("schema", None), fields.pop("type", None)
    if type(schema) is int and schema > SCHEMA:
        raise ConfigError(
            f"this {name} has schema {schema}, this socialkit reads up to {SCHEMA}: upgrade socialkit-py"
        )
    faults = []
    if type(schema) is not int or schema < 1:
        faults.append(f"$.schema: expected {SCHEMA}, got {called(schema)}")
    if kind != name:
        faults.append(
            f"$.type: expected {name!r}, got {kind!r}" if isinstance(kind, str) else "$.type: missing"
        )
    return fields, faults


def _structured(cls: type[T], data: Any, faults: list[str]) -> T:
    value: T | None = None
    try:
        value = converter().structure(data, cls)
    except Exception as error:
        faults = [*faults, *_faults_of(error)]
    if faults or value is None:
        raise ConfigError(_several(f"this is no {type_name(cls)}", faults))
    return value


def _several(head: str, faults: list[str]) -> str:
    return f"{head}: {faults[0]}" if len(faults) == 1 else "\n  ".join([f"{head}:", *faults])


# --- what is wrong, and where -------------------------------------------------------------------------------
def _faults_of(error: Exception) -> list[str]:
    try:
        return list(_places(error, "$"))
    except RecursionError:
        return ["$: nested too deep"]


def _places(error: BaseException, path: str) -> Iterator[str]:
    """Every leaf of a cattrs error tree as ``place: what is wrong``."""
    if isinstance(error, ClassValidationError):
        named, rest = error.group_exceptions()
        inner = [(one, f"{path}.{note.name}") for one, note in named]
    elif isinstance(error, IterableValidationError):
        indexed, rest = error.group_exceptions()
        inner = [(one, _at(path, note.index)) for one, note in indexed]
    elif isinstance(error, ForbiddenExtraKeysError):
        yield from (f"{path}.{name}: unknown field" for name in sorted(map(str, error.extra_fields)))
        return
    elif isinstance(error, RecursionError):
        raise error
    else:
        yield f"{path}: {'missing' if isinstance(error, KeyError) else error}"
        return
    for one, place in [*inner, *((one, path) for one in rest)]:
        yield from _places(one, place)


def _at(path: str, index: int | str) -> str:
    return f"{path}[{index}]" if isinstance(index, int) else f"{path}.{index}"


def _medium_place(place: str) -> str:
    return place.removeprefix("$.").removesuffix(".source")
