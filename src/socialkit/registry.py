"""Platforms by name: their adapters and sandboxes, loaded when they are first asked for.

Other packages add theirs through the entry-point groups ``socialkit.adapters`` and ``socialkit.sandbox``; the
entry point's name is the platform, its object the class.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection
    from importlib.metadata import EntryPoint

    from .adapters.base import Adapter
    from .flows import Flow

_PLATFORMS = {
    "bluesky": "Bluesky",
    "devto": "DevTo",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "linkedin": "LinkedIn",
    "mastodon": "Mastodon",
    "pinterest": "Pinterest",
    "reddit": "Reddit",
    "threads": "Threads",
    "tiktok": "TikTok",
    "x": "X",
    "youtube": "YouTube",
}
_SIGN_IN = {
    "discord": "Discord",
    "ghost": "Ghost",
    "google_business": "GoogleBusiness",
    "lemmy": "Lemmy",
    "misskey": "Misskey",
    "nostr": "Nostr",
    "slack": "Slack",
    "telegram": "Telegram",
    "tumblr": "Tumblr",
    "wordpress": "WordPress",
}
"""Platforms people can sign in to, and nothing is published to yet."""
_ADAPTERS, _SANDBOX = "socialkit.adapters", "socialkit.sandbox"


def adapter(platform: str) -> type[Adapter]:
    """The adapter class of a platform; a ConfigError with the nearest name when there is none.

    >>> adapter("mastodn")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    socialkit.errors.ConfigError: no platform 'mastodn'; did you mean 'mastodon'? Known: bluesky, ...
      An adapter from another package is known once that package is installed in this environment
    """
    if platform in _PLATFORMS:
        cls = getattr(import_module(f"socialkit.adapters.{platform}"), _PLATFORMS[platform])
    elif (point := _plugins(_ADAPTERS).get(platform)) is not None:
        cls = _loaded(point)
    else:
        raise ConfigError(_unknown(platform))
    return _checked(cls, platform)


def platforms() -> tuple[str, ...]:
    """Every platform there is an adapter for, sorted.

    >>> {"bluesky", "mastodon", "x"} <= set(platforms())
    True
    """
    return tuple(sorted({*_PLATFORMS, *_plugins(_ADAPTERS)}))


def sign_in_platforms() -> tuple[str, ...]:
    """Every platform an account can sign in to, sorted; :func:`platforms` are those that can be published to."""
    return tuple(sorted({*platforms(), *_SIGN_IN}))


def account_class(platform: str) -> type[Adapter]:
    """The adapter class for an account of the platform; where nothing is published yet, one that only signs in."""
    if platform not in _SIGN_IN:
        return adapter(platform)
    from .adapters._signed_in import signed_in_class

    return signed_in_class(platform, _SIGN_IN[platform], _flows_of(platform))


def flows(platform: str) -> tuple[Flow, ...]:
    """The ways to sign in to a platform, the usual one first; a ConfigError when it is not known.

    >>> [flow.name for flow in flows("x")]
    ['oauth2', 'oauth1', 'keys']
    """
    return _flows_of(platform) if platform in _SIGN_IN else adapter(platform).flows


def _flows_of(platform: str) -> tuple[Flow, ...]:
    ways: tuple[Flow, ...] = import_module(f"socialkit.flows.{platform}").FLOWS
    return ways


def sandbox_boxes(names: Collection[str] | None = None) -> dict[str, type[Any]]:
    """The sandbox class of every platform that has one; with ``names`` of those only, and no other is loaded."""
    builtin, plugins = {**_PLATFORMS, **_SIGN_IN}, _plugins(_SANDBOX)
    wanted = [name for name in {**builtin, **plugins} if names is None or name in names]
    boxes = {
        name: _loaded(plugins[name]) if name in plugins else _box(name, builtin[name]) for name in wanted
    }
    return {name: box for name, box in boxes.items() if box is not None}


def _box(platform: str, name: str) -> type[Any] | None:
    module = f"socialkit.sandbox.{platform}"
    try:
        box: type[Any] = getattr(import_module(module), f"{name}Box")
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    return box


def class_home(name: str) -> str | None:
    """The module that holds a built-in adapter class of that name, or None.

    >>> class_home("Mastodon")
    'socialkit.adapters.mastodon'
    """
    return next((f"socialkit.adapters.{module}" for module, cls in _PLATFORMS.items() if cls == name), None)


@cache
def _plugins(group: str) -> dict[str, EntryPoint]:
    """Entry points by platform. A name claimed twice is an error: nobody could say which one would post."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        other = found.get(point.name)
        if point.name in _PLATFORMS or (other is not None and other.value != point.value):
            rival = f"{other.value} of {_package(other)}" if other else "socialkit itself"
            raise ConfigError(
                f"two adapters want to be {point.name!r}: {point.value} of {_package(point)}, and {rival}; "
                "uninstall one of them"
            )
        found[point.name] = point
    return found


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"


def _loaded(point: EntryPoint) -> type[Any]:
    try:
        cls = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"{_package(point)}: cannot load {point.value} for {point.name!r}: {error}"
        ) from error
    if not isinstance(cls, type):
        raise ConfigError(f"{_package(point)}: {point.value} for {point.name!r} is not a class")
    return cls


def _checked(cls: Any, platform: str) -> type[Adapter]:
    from .adapters.base import CONTRACT, Adapter

    name = f"{cls.__module__}.{cls.__qualname__}"
    if not issubclass(cls, Adapter):
        raise ConfigError(f"{name} is no socialkit.adapters.base.Adapter")
    if cls.contract != CONTRACT:
        side = "the adapter's package" if cls.contract < CONTRACT else "socialkit-py"
        raise ConfigError(
            f"{name} follows contract {cls.contract}, this socialkit {CONTRACT}: upgrade {side}"
        )
    if cls.platform != platform:
        raise ConfigError(f"{name} is registered as {platform!r} but calls itself {cls.platform!r}")
    checked: type[Adapter] = cls
    return checked


def _unknown(platform: str) -> str:
    from difflib import get_close_matches

    known = platforms()
    near = get_close_matches(str(platform).lower(), known, 1)
    guess = f"; did you mean {near[0]!r}?" if near else "."
    return (
        f"no platform {platform!r}{guess} Known: {', '.join(known)}.\n"
        "  An adapter from another package is known once that package is installed in this environment"
    )
