"""The feature matrix: what each platform carries, read from the adapters' own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._signin_checks import needs_app
from ..adapters.base import Adapter
from ..flows import AppPasswordFlow, CodeFlow, DeviceFlow, Flow, KeyFlow, OAuth1Flow, PasswordFlow
from ..rules import UNIT_WORDS, FileRule, ImageRule, PollRule, Rules, VideoRule

_FATE = {
    "key": "exact: asked for by its own key",
    "list": "by looking through own posts",
    "none": "a person must look",
}


def matrix(adapters: Iterable[type[Adapter]]) -> str:
    """The matrix as a Markdown table, one column per platform."""
    shown = sorted(adapters, key=lambda one: one.title or one.platform)
    lines = [
        _line(["", *(one.title or one.platform for one in shown)]),
        _line(["---"] * (len(shown) + 1)),
    ]
    for name, cell in _ROWS:
        lines.append(_line([name, *(cell(one.rules) for one in shown)]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(rules: Rules) -> str:
    if (told := dict(rules.limited).get("text")) is not None:
        return told
    return ", ".join(f"{limit:,} {UNIT_WORDS[unit]}" for limit, unit in rules.text.limits[:1])


def _link(rules: Rules) -> str:
    if (told := dict(rules.limited).get("link")) is not None:
        return told
    if "link" in rules.carries:
        return "card made by us"
    return "card made by the platform" if "link" in rules.in_text else "no"


def _images(rule: ImageRule | None) -> str:
    if rule is None:
        return "no"
    if rule.permanent:
        return "by their own public URL"
    return f"{rule.count}, {_bytes(rule.max_bytes)} each{', fetched by the platform' if rule.by_url else ''}"


def _moving(rule: ImageRule | None) -> str:
    if rule is None or "image/gif" not in rule.types | rule.animated_types:
        return "no"
    return "1, alone" if rule.animated_alone else "as pictures"


def _video(rule: VideoRule | None) -> str:
    if rule is None:
        return "no"
    length = f", {_seconds(rule.max_seconds)}" if rule.max_seconds else ""
    return (
        f"{rule.count}, {_bytes(rule.max_bytes)}{length}{', fetched by the platform' if rule.by_url else ''}"
    )


def _files(rule: FileRule | None) -> str:
    return f"{rule.count}, {_bytes(rule.max_bytes)}" if rule else "no"


def _poll(rule: PollRule | None) -> str:
    return f"{rule.min_options} to {rule.max_options} options" if rule else "no"


def _narrowed(field: str, cell: Callable[[Rules], str]) -> Callable[[Rules], str]:
    """A cell, or the words of an adapter for which it would promise too much."""
    return lambda rules: dict(rules.limited).get(field) or cell(rules)


def _carries(field: str) -> Callable[[Rules], str]:
    return lambda rules: dict(rules.limited).get(field, "yes") if field in rules.carries else "no"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:g} s"


def _yes(value: object) -> str:
    return "yes" if value else "no"


_ROWS: tuple[tuple[str, Callable[[Rules], str]], ...] = (
    ("Text", _text),
    ("Title", _carries("title")),
    ("Link preview", _link),
    ("Pictures", lambda rules: _images(rules.images)),
    ("Animated pictures", lambda rules: _moving(rules.images)),
    ("Video", lambda rules: _video(rules.video)),
    ("Pictures and videos mixed", lambda rules: _yes(rules.mixed_media)),
    ("Documents", _narrowed("files", lambda rules: _files(rules.files))),
    ("Polls", lambda rules: _poll(rules.poll)),
    ("Threads, splitting", lambda rules: _yes(rules.thread)),
    ("Replies", _carries("reply_to")),
    ("Quotes", _carries("quote")),
    ("Content warnings", _carries("content_warning")),
    ("Language", _carries("language")),
    ("Visibility", _narrowed("visibility", lambda rules: ", ".join(sorted(rules.visibility)))),
    ("Native scheduling", lambda rules: _yes(rules.schedule)),
    ("Edit", _narrowed("edit", lambda rules: _yes(rules.edit))),
    ("Delete", lambda rules: _yes(rules.delete)),
    ("Own posts", _narrowed("fetch_posts", lambda rules: _yes(rules.fetch_posts))),
    ("Metrics", lambda rules: ", ".join(sorted(rules.metrics)) or "no"),
    ("Posts per metrics request", _narrowed("metrics_batch", lambda rules: str(rules.metrics_batch))),
    ("After a lost answer", _narrowed("find", lambda rules: _FATE[rules.find.by])),
)


# --- ways to sign in ------------------------------------------------------------------------------------------
def sign_in_matrix() -> str:
    """Every way to sign in to every platform as a Markdown table, and a list of where app or key are made."""
    from ..registry import account_class, flows, sign_in_platforms

    ways = {account_class(name).title or name: flows(name) for name in sign_in_platforms()}
    lines = [_line(_SIGN_IN), _line(["---"] * len(_SIGN_IN))]
    for title, offered in ways.items():
        for flow in offered:
            cells = [cell(flow) for cell in (_way, _app, _callback, _life, _end)]
            lines.append(_line([title, f"`{flow.name}`", *cells]))
    made = [line for title, offered in ways.items() for line in _setups(title, offered)]
    return "\n".join([*lines, "", _MADE, "", *made])


def _setups(title: str, offered: Iterable[Flow]) -> list[str]:
    """Where a person makes the app or finds the key, one line per place."""
    places: dict[str, list[str]] = {}
    for flow in offered:
        places.setdefault(flow.setup, []).append(f"`{flow.name}`")
    return [f"- {title} {', '.join(names)}: {_place(place)}" for place, names in places.items() if place]


def _place(setup: str) -> str:
    address, colon, words = setup.partition(": ")
    if address.startswith("/"):
        return f"`{address}` on the account's own server"
    return f"<{address}>{colon}{words}" if address.startswith("https://") else setup


_SIGN_IN = ("Platform", "Way", "In words", "Developer app", "Callback", "Stays signed in", "Ended by logout")
_MADE = "Where the app or the key is made (the ways that are not in this list need nothing made):"
_CALLBACKS = {
    "loopback": "any, on this machine at any port",
    "port": "any that is registered",
    "https": "https only",
}


def _way(flow: Flow) -> str:
    return flow.title


def _app(flow: Flow) -> str:
    if isinstance(flow, CodeFlow) and flow.app == "registered":
        return "made on the fly"
    if isinstance(flow, CodeFlow) and flow.app == "document":
        return "none on this machine; its document on the web"
    return "yours" if needs_app(flow) else "none"


def _callback(flow: Flow) -> str:
    if isinstance(flow, CodeFlow | OAuth1Flow):
        return _CALLBACKS[getattr(flow, "redirect", "port")]
    if isinstance(flow, DeviceFlow):
        return "none, a code is typed"
    if isinstance(flow, KeyFlow | PasswordFlow):
        return "none, it is pasted"
    return "https, or the address to paste" if isinstance(flow, AppPasswordFlow) else "any"


def _life(flow: Flow) -> str:
    if flow.kind == "session" or (isinstance(flow, PasswordFlow) and flow.keeps):
        return "renewed by itself"
    lives = getattr(flow, "lives", None)
    renewal = getattr(flow, "renewal", None)
    if lives is None:
        return "renewed by itself, where it ends" if renewal else "until it is revoked"
    return f"{_time(lives)}, renewed by itself{_until(flow)}" if renewal else f"{_time(lives)}, then again"


def _until(flow: Flow) -> str:
    """How long renewing goes on: a refresh token that is replaced lives anew each time."""
    if (renewal := getattr(flow, "renewal", None)) is not None and renewal.by == "access_token":
        return " when used before it ends"
    if (lives := getattr(flow, "refresh_lives", None)) is None:
        return ""
    return f" for {_time(lives)}" if flow.rotation == "none" else f" when used every {_time(lives)}"


def _time(seconds: float) -> str:
    """A length of time in words; a few seconds less than a unit count as a whole one."""
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if (count := round(seconds / size)) and seconds >= size * 0.99:
            return f"{count} {unit}{'s' * (count != 1)}"
    return _seconds(seconds)


def _end(flow: Flow) -> str:
    return _yes(flow.revocation)
