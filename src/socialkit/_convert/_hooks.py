"""What each type looks like as JSON, strictly: the cattrs hooks behind :mod:`socialkit._convert`."""

from __future__ import annotations

import collections.abc
import functools
import math
import os
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory, mapping_structure_factory
from cattrs.errors import AttributeValidationNote
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from .. import errors, model
from .._clock import from_text, to_text
from ..adapters import base
from ..errors import SocialKitError
from ..model import MediaSource, Medium, Post, Remote, Variant

Hook = Callable[[Any, Any], Any]

ANYWHERE = Path("/")
FILES: ContextVar[Path | None] = ContextVar("socialkitFILES", default=ANYWHERE)
"""Where local paths may lie while a value is loaded: a directory, nowhere (None), or anywhere (the root)."""


def type_name(cls: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


def called(value: Any) -> str:
    """The kind of a JSON value in JSON's own words; never the value, which may be long or secret."""
    names = {dict: "object", list: "list", tuple: "list", str: "str", type(None): "null"}
    return names.get(type(value), type(value).__name__)


_SCALARS = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})


def is_safe(value: Any) -> bool:
    """Whether :func:`unsafe` has nothing to say, found out without words."""
    kind = type(value)
    if kind is dict and _TEXT.issuperset(map(type, value)):
        return _SCALARS.issuperset(map(type, value.values())) or all(map(is_safe, value.values()))
    if kind is list:
        return _SCALARS.issuperset(map(type, value)) or all(map(is_safe, value))
    return kind in _SCALARS or (kind is float and math.isfinite(value))


def unsafe(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each place whose value JSON cannot carry, with the reason."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return
    if kind is list:
        for index, one in enumerate(value):
            yield from unsafe(one, f"{path}[{index}]")
    elif kind is dict:
        for key, one in value.items():
            yield from unsafe(one, f"{path}.{key}")
            if not isinstance(key, str):
                yield f"{path}.{key}", "a key is a str"
    elif kind is not float or not math.isfinite(value):
        yield path, _unfit(value)


def _unfit(value: Any) -> str:
    if isinstance(value, bytes):
        return f"holds {len(value)} bytes in memory; write them to a file and give its path"
    if hasattr(value, "read"):
        return "holds an open file; give its path"
    if isinstance(value, base.Credential):
        return "a credential is kept by the token store alone"
    if isinstance(value, datetime):
        return "a time without a time zone; make it aware"
    return f"{value} is no number of JSON" if isinstance(value, float) else f"{called(value)} is not JSON"


# --- leaves: exactly the type, no coercion ------------------------------------------------------------------
def _expect(name: str, *kinds: type) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            return value
        raise TypeError(f"expected {name}, got {called(value)}")

    return hook


def _float(value: Any, _: Any = None) -> Any:
    """An int stays one, so that 300 comes back as 300."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"expected float, got {called(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    return value


def _moment(value: Any, _: Any = None) -> datetime:
    if not isinstance(value, str):
        raise TypeError(f"expected an ISO 8601 time, got {called(value)}")
    try:
        return from_text(value)
    except ValueError:
        raise ValueError("expected an ISO 8601 time with a time zone") from None


def _moment_out(value: datetime) -> Any:
    return value if value.tzinfo is None else to_text(value)


def _one_of(values: Iterable[Any]) -> str:
    return "expected one of " + ", ".join(repr(value) for value in values)


def _enum(value: Any, cls: type[StrEnum]) -> StrEnum:
    known = {member.value: member for member in cls}
    if isinstance(value, str) and value in known:
        return known[value]
    raise ValueError(_one_of(known))


def _literal(value: Any, cls: Any) -> Any:
    if any(value == known and type(value) is type(known) for known in get_args(cls)):
        return value
    raise ValueError(_one_of(get_args(cls)))


def _anything(value: Any, _: Any = None) -> Any:
    for place, why in unsafe(value, ""):
        raise _misplaced(place, TypeError(why)) if place else TypeError(why)
    return value


def _note(fault: Exception, name: str, kind: Any) -> None:
    note = AttributeValidationNote(name, name.removeprefix("."), kind)
    fault.add_note(note)


def _misplaced(name: str, fault: Exception) -> ClassValidationError:
    """The fault as cattrs would raise it for the field ``name``, so that it is reported there."""
    _note(fault, name, None)
    return ClassValidationError("misplaced", [fault], object)  # pyright: ignore[reportCallIssue]


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(f"expected an object, got {called(value)}")
    return value


# --- containers and unions ----------------------------------------------------------------------------------
def _listed(make: Callable[..., Hook]) -> Callable[[Any, Converter], Hook]:
    """cattrs' own hook for a list or tuple, behind a check that a list came."""

    def factory(cls: Any, converter: Converter) -> Hook:
        made: list[Hook] = []

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise TypeError(f"expected list, got {called(value)}")
            if not made:
                made.append(make(cls, converter))
            return made[0](value, cls)

        return hook

    return factory


def _set(cls: Any, converter: Converter) -> Hook:
    as_list: Any = types.GenericAlias(list, get_args(cls))

    def hook(value: Any, _: Any) -> Any:
        return get_origin(cls)(converter.structure(value, as_list))

    return hook


def _fixed_tuple(cls: Any, converter: Converter) -> Hook:
    kinds = get_args(cls)

    def hook(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(kinds):
            raise TypeError(f"expected a list of {len(kinds)}, got {called(value)}")
        return tuple(converter.structure(one, kind) for one, kind in zip(value, kinds, strict=True))

    return hook


def _mapping(cls: Any, converter: Converter) -> Hook:
    _, inner = get_args(cls) or (str, Any)
    made: list[Hook] = []

    def hook(value: Any, _: Any) -> Any:
        if inner is Any:
            return dict(_anything(_object(value)))
        if not made:
            made.append(mapping_structure_factory(dict[str, inner], converter))  # type: ignore[valid-type]
        return made[0](_object(value), dict)

    return hook


_SHAPES: dict[Any, tuple[type, ...]] = {
    types.NoneType: (types.NoneType,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    str: (str,),
    datetime: (str,),
}


def _fits(kind: Any, value: Any) -> bool:
    """Whether a JSON value has the shape this member of a union takes."""
    if isinstance(value, bool):
        return kind is bool
    if kind in _SHAPES:
        return isinstance(value, _SHAPES[kind])
    if get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return isinstance(value, str)
    if get_origin(kind) in (list, tuple):
        return isinstance(value, list | tuple)
    return isinstance(value, Mapping)


def _union(cls: Any, converter: Converter) -> Hook:
    kinds = get_args(cls)

    def hook(value: Any, _: Any) -> Any:
        fitting = [kind for kind in kinds if _fits(kind, value)]
        inner = [kind for kind in kinds if kind is not types.NoneType]
        if not fitting and len(inner) > 1:
            names = " or ".join(getattr(kind, "__name__", str(kind)) for kind in inner)
            raise TypeError(f"expected {names}, got {called(value)}")
        return converter.structure(value, (fitting or inner)[0])

    return hook


# --- classes ------------------------------------------------------------------------------------------------
def _resolve(cls: type) -> None:
    """Turn the annotations into types, those imported for type checkers only included."""
    names: dict[str, Any] = {}
    for module in (base, errors, model, *(sys.modules[one.__module__] for one in reversed(cls.__mro__))):
        names |= vars(module)
    attrs.resolve_types(cls, globalns=_late_names() | names)


def _late_names() -> dict[str, Any]:
    """Names that modules import only under TYPE_CHECKING."""
    return {"Options": base.Options, "SocialKitError": SocialKitError, "Receipt": model.Receipt}


def _class_in(cls: type, converter: Converter) -> Hook:
    _resolve(cls)
    fill: Hook = make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True)

    def hook(value: Any, _: Any) -> Any:
        return fill(_object(value), cls)

    return hook


def _class_out(cls: type, converter: Converter) -> Callable[[Any], Any]:
    _resolve(cls)
    return make_dict_unstructure_fn(cls, converter, _cattrs_omit_if_default=True)


def _tagged_out(tag: str, name: Callable[[type], str]) -> Callable[[type, Converter], Callable[[Any], Any]]:
    def factory(cls: type, converter: Converter) -> Callable[[Any], Any]:
        hooks: dict[type, Callable[[Any], Any]] = {}

        def hook(value: Any) -> dict[str, Any]:
            own = type(value)
            if own not in hooks:
                hooks[own] = _class_out(own, converter)
            return {tag: name(own), **hooks[own](value)}

        return hook

    return factory


def _media_types() -> dict[str, type[Medium]]:
    return {"image": model.Image, "video": model.Video, "file": model.File}


def _medium_in(cls: type[Medium], converter: Converter) -> Hook:
    """Media say what they are: ``{"type": "image", "source": "hero.jpg"}``."""
    known = {name: one for name, one in _media_types().items() if issubclass(one, cls)}
    hooks: dict[str, Hook] = {}

    def hook(value: Any, _: Any) -> Any:
        name = _object(value).get("type")
        if not isinstance(name, str) or name not in known:
            raise _misplaced("type", ValueError(_one_of(known)))
        if name not in hooks:
            hooks[name] = _class_in(known[name], converter)
        return hooks[name]({key: one for key, one in value.items() if key != "type"}, known[name])

    return hook


def _options_in(cls: type[base.Options], converter: Converter) -> Hook:
    """Options say whose they are: ``{"platform": "mastodon", ...}``; the registry knows the class."""
    hooks: dict[type, Hook] = {}

    def hook(value: Any, _: Any) -> Any:
        from ..registry import adapter

        platform = _object(value).get("platform")
        if not isinstance(platform, str):
            raise _misplaced("platform", TypeError(f"expected str, got {called(platform)}"))
        own = adapter(platform).Options
        if own not in hooks:
            hooks[own] = _class_in(own, converter)
        return hooks[own]({key: one for key, one in value.items() if key != "platform"}, own)

    return hook


# --- sources: where local files may lie ---------------------------------------------------------------------
def _source_out(value: Any) -> Any:
    return {"url": value.url} if isinstance(value, Remote) else value


def _source_in(value: Any, _: Any = None) -> str | Remote:
    if isinstance(value, Mapping) and set(value) == {"url"} and isinstance(value["url"], str):
        if value["url"].partition("://")[0] not in ("http", "https"):
            raise _misplaced("url", ValueError("expected http:// or https://"))
        return Remote(value["url"])
    if not isinstance(value, str):
        raise TypeError(f'expected a path or {{"url": ...}}, got {called(value)}')
    allowed = FILES.get()
    return value if allowed is ANYWHERE else _inside(allowed, value)


def _inside(allowed: Path | None, path: str) -> str:
    """The path with every link followed, when it then lies inside ``allowed``."""
    if "://" in path:
        raise ValueError('expected a path; write a URL as {"url": ...}')
    if allowed is None:
        raise ValueError("a local path, and none are taken without files=DIR")
    real = Path(os.path.realpath(allowed / path))
    if real == allowed or not real.is_relative_to(allowed):
        raise ValueError("the path leads out of files=DIR")
    return str(real)


# --- variants and errors: objects whose fields decide their own types ---------------------------------------
def _gather(
    fields: Any, kinds: Mapping[str, Any], converter: Converter, required: Iterable[str] = ()
) -> dict[str, Any]:
    """Each field structured by its kind; all faults together, with their places."""
    made: dict[str, Any] = {}
    faults: list[Exception] = []
    for name in dict.fromkeys((*required, *_object(fields))):
        try:
            if name not in kinds:
                raise TypeError("unknown field")
            made[name] = converter.structure(fields[name], kinds[name])
        except Exception as error:
            _note(error, name, kinds.get(name))
            faults.append(error)
    if faults:
        raise ClassValidationError("fields", faults, object)  # pyright: ignore[reportCallIssue]
    return made


def _variant_out(converter: Converter) -> Callable[[Variant], dict[str, Any]]:
    def hook(variant: Variant) -> dict[str, Any]:
        fields = {name: converter.unstructure(value) for name, value in variant.fields}
        made = {"target": variant.target, "fields": fields, "options": converter.unstructure(variant.options)}
        return {name: value for name, value in made.items() if value not in (None, {})}

    return hook


def _variant_in(converter: Converter) -> Hook:
    kinds = {"target": str, "fields": _Fields, "options": base.Options}

    def hook(value: Any, _: Any) -> Variant:
        made = _gather(value, kinds, converter, ["target"])
        return Variant(made["target"], tuple(made.get("fields", {}).items()), made.get("options"))

    return hook


class _Fields(dict[str, Any]):
    """Fields of a Post by name, None where one is cleared."""


def _fields_in(converter: Converter) -> Hook:
    def hook(value: Any, _: Any) -> dict[str, Any]:
        _resolve(Post)
        kinds = {field.name: Union[field.type, None] for field in attrs.fields(Post)}  # noqa: UP007
        del kinds["variants"]
        return _gather(value, kinds, converter)

    return hook


@functools.cache
def _details_of(name: str) -> dict[str, Any]:
    """What an error of that class carries beside its text, and the type of each; not its report."""
    from .. import gate

    cls: type[SocialKitError] = getattr(errors, name)
    hints = get_type_hints(cls, vars(gate) | vars(model) | vars(errors))
    own = {name for one in cls.__mro__ for name in vars(one).get("__annotations__", ())}
    return {name: hints[name] for name in sorted(own - {"report"})} | {"definite": bool}


def _public_error(cls: type) -> type[SocialKitError]:
    """The class itself, or for somebody else's subclass the nearest one of ours."""
    found: type[SocialKitError] = next(
        one for one in cls.__mro__ if getattr(errors, one.__name__, None) is one
    )
    return found


def _error_out(converter: Converter) -> Callable[[SocialKitError], dict[str, Any]]:
    def hook(error: SocialKitError) -> dict[str, Any]:
        cls = _public_error(type(error))
        held = {name: error.__dict__[name] for name in _details_of(cls.__name__) if name in error.__dict__}
        details = {name: converter.unstructure(value) for name, value in held.items() if value is not None}
        made = {"type": cls.__name__, "message": error.message, "details": details}
        return made if details else {"type": made["type"], "message": made["message"]}

    return hook


def _error_in(converter: Converter) -> Hook:
    kinds = {"type": str, "message": str, "details": dict[str, Any]}

    def hook(value: Any, _: Any) -> SocialKitError:
        made = _gather(value, kinds, converter, ["type", "message"])
        cls = getattr(errors, made["type"], None) if made["type"] in errors.__all__ else None
        if cls is None or issubclass(cls, BaseExceptionGroup):
            raise _misplaced("type", ValueError("no error class of socialkit"))
        try:
            details = _gather(made.get("details", {}), _details_of(made["type"]), converter)
        except ClassValidationError as error:
            raise _misplaced("details", error) from None
        return errors._rebuild(cls, made["message"], details)

    return hook


# --- the converter ------------------------------------------------------------------------------------------
def _is_union(cls: Any) -> bool:
    return get_origin(cls) in (Union, types.UnionType)


def _is_class(base_class: type) -> Callable[[Any], bool]:
    return lambda cls: isinstance(cls, type) and issubclass(cls, base_class)


def _is_tuple(cls: Any, *, fixed: bool) -> bool:
    return get_origin(cls) is tuple and (Ellipsis not in get_args(cls)) is fixed


def _is_mapping(cls: Any) -> bool:
    return (get_origin(cls) or cls) in _MAPPINGS


def _is_set(cls: Any) -> bool:
    return get_origin(cls) in (set, frozenset)


def _is_list(cls: Any) -> bool:
    return get_origin(cls) is list


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


_MAPPINGS: tuple[Any, ...] = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


@functools.cache
def converter() -> Converter:
    """One for the process: the hooks are found once per class and then reused."""
    made = Converter(forbid_extra_keys=True, omit_if_default=True)
    _register_out(made)
    _register_in(made)
    return made


def _register_out(converter: Converter) -> None:
    def each(value: Any) -> list[Any]:
        return [converter.unstructure(one) for one in value]

    def pairs(value: Any) -> dict[Any, Any]:
        return {key: converter.unstructure(one) for key, one in value.items()}

    def as_is(value: Any) -> Any:
        return value

    def ordered(value: Any) -> list[Any]:
        return sorted(each(value))

    def sequence(cls: Any) -> bool:
        return (get_origin(cls) or cls) in (list, tuple)

    def unordered(cls: Any) -> bool:
        return (get_origin(cls) or cls) in (set, frozenset)

    out = converter.register_unstructure_hook_func
    made = converter.register_unstructure_hook_factory
    converter.register_unstructure_hook(StrEnum, lambda value: value.value)
    out(lambda cls: cls is bytes, as_is)
    out(sequence, each)
    out(unordered, ordered)
    out(_is_mapping, pairs)
    made(attrs.has, _class_out)
    out(lambda cls: cls is Any, converter.unstructure)
    out(lambda cls: cls is datetime, _moment_out)
    out(lambda cls: cls == MediaSource, _source_out)
    out(lambda cls: cls is base.Credential, as_is)
    out(lambda cls: cls is Variant, _variant_out(converter))
    out(_is_class(SocialKitError), _error_out(converter))
    made(_is_class(Medium), _tagged_out("type", type_name))
    made(_is_class(base.Options), _tagged_out("platform", lambda cls: getattr(cls, "platform", "")))


def _register_in(converter: Converter) -> None:
    leaf = converter.register_structure_hook_func
    made = converter.register_structure_hook_factory
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _expect(kind.__name__, kind))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(StrEnum, _enum)
    leaf(lambda cls: cls in (None, types.NoneType), _expect("null", types.NoneType))
    leaf(lambda cls: cls is datetime, _moment)
    leaf(lambda cls: cls is Any, _anything)
    leaf(_is_literal, _literal)
    made(_is_union, _union)
    leaf(lambda cls: cls == MediaSource, _source_in)
    made(_is_mapping, _mapping)
    made(_is_list, _listed(list_structure_factory))
    made(_is_set, _set)
    made(lambda cls: _is_tuple(cls, fixed=False), _listed(homogenous_tuple_structure_factory))
    made(lambda cls: _is_tuple(cls, fixed=True), _fixed_tuple)
    made(attrs.has, _class_in)
    made(_is_class(Medium), _medium_in)
    made(_is_class(base.Options), _options_in)
    leaf(lambda cls: cls is Variant, _variant_in(converter))
    leaf(lambda cls: cls is _Fields, _fields_in(converter))
    leaf(_is_class(SocialKitError), _error_in(converter))
