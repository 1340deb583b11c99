"""What a sign-in was asked for and what came back, checked before anything leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import registry
from .auth import App, Login
from .auth._callback import forged
from .errors import ConfigError, LoginFailed
from .flows import OUT_OF_BAND, CodeFlow, DeviceFlow, Flow, OAuth1Flow, PasswordFlow

CAPABILITIES = ("delete", "identify", "messages", "metrics", "publish", "replies")
USUAL = ("publish", "metrics")
"""What a sign-in is for when nobody says; a platform that cannot grant one of them is asked for the other."""
_NEVER = frozenset({*map(chr, range(33)), "\x7f", *'<>"\\'})
"""What no address holds as it is."""
_PORTS = {"http": 80, "https": 443}


def nearest(name: object, known: Iterable[str]) -> str:
    """Which of the known names was meant, in words."""
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(str(name).lower(), names, 1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}known are {', '.join(names)}"


# --- apps ---------------------------------------------------------------------------------------------------
def checked_apps(apps: Mapping[str, App] | None) -> dict[str, App]:
    """The apps a client was given, each for a platform that can be signed in to."""
    if not isinstance(apps or {}, Mapping):
        raise ConfigError(f"apps= is a mapping of platforms to App(...), not {type(apps).__name__}")
    for platform, app in (apps or {}).items():
        if not isinstance(app, App):
            raise ConfigError(
                f"apps[{platform!r}] is App(client_id, client_secret), not {type(app).__name__}"
            )
        check_platform(platform)
    return dict(apps or {})


def check_platform(platform: str) -> None:
    """A ConfigError with the nearest name for a platform nobody can sign in to."""
    known = registry.sign_in_platforms()
    if platform not in known:
        raise ConfigError(f"no platform {platform!r} to sign in to; {nearest(platform, known)}")


def flow_named(platform: str, name: str | None) -> Flow:
    """The platform's way to sign in of that name, the usual one for None."""
    check_platform(platform)
    flows = registry.flows(platform)
    if not flows:
        raise ConfigError(f"{platform}: its adapter offers no way to sign in; give it a token")
    if name is None:
        return flows[0]
    for flow in flows:
        if flow.name == name:
            return flow
    ways = "; ".join(f"{flow.name!r} ({flow.title})" for flow in flows)
    raise ConfigError(f"{platform}: no way to sign in called {name!r}; there are: {ways}")


def needs_app(flow: Flow) -> bool:
    """Whether a developer has to make an app before anybody can sign in this way."""
    if isinstance(flow, CodeFlow):
        return flow.app == "given"
    return isinstance(flow, DeviceFlow | OAuth1Flow) or (isinstance(flow, PasswordFlow) and flow.client)


def _needs_secret(flow: Flow) -> bool:
    return isinstance(flow, OAuth1Flow) or (isinstance(flow, CodeFlow) and flow.exchange is not None)


def check_app(platform: str, flow: Flow, app: App | None) -> None:
    """A ConfigError with the lines to write when the flow needs an app and there is none."""
    if not needs_app(flow):
        return
    if app is None or not app.client_id:
        raise ConfigError(f"{platform}: {flow.title} needs a developer app. {_app_lines(platform, flow)}")
    if _needs_secret(flow) and not app.client_secret:
        raise ConfigError(
            f"{platform}: {flow.title} needs the app's secret too. {_app_lines(platform, flow)}"
        )


def _app_lines(platform: str, flow: Flow) -> str:
    usual = registry.flows(platform)
    other = "" if usual and usual[0].name == flow.name else flow.name
    lines = [
        f"Make one: {flow.setup}; then write" if flow.setup else "Write",
        _client_line(platform, other),
        "or in socialkit.toml",
        f"  [apps.{platform}]",
        '  client_id = "CLIENT_ID"',
        f'  client_secret = "env:{platform.upper()}_CLIENT_SECRET"',
        *([f'  flow = "{other}"'] if other else []),
    ]
    if free := [one for one in usual if not needs_app(one)]:
        ways = ", ".join(f'App(flow="{one.name}") ({one.title})' for one in free)
        lines.append(f"Without an app: {ways}")
    return "\n".join(lines)


def _client_line(platform: str, flow: str) -> str:
    chosen = f', flow="{flow}"' if flow else ""
    return f'  Client(apps={{"{platform}": App("CLIENT_ID", "CLIENT_SECRET"{chosen})}})'


# --- capabilities, server, callback address -----------------------------------------------------------------
def checked_capabilities(platform: str, flow: Flow, wanted: Iterable[str]) -> tuple[str, ...]:
    """The capabilities to ask for, each once; one the platform cannot grant is refused by name."""
    names = tuple(dict.fromkeys([wanted] if isinstance(wanted, str) else wanted))
    for name in names:
        if name not in CAPABILITIES:
            raise ConfigError(f"capabilities: no {name!r}; {nearest(name, CAPABILITIES)}")
    if not flow.scopes:  # a key or a bot token: what it may do is not asked for here
        return names
    lacking = [name for name in names if name not in flow.scopes and name != "identify"]
    if names == USUAL:
        return tuple(name for name in names if name not in lacking)
    if lacking:
        can = ", ".join(sorted(flow.scopes))
        raise ConfigError(f"{platform}: {flow.title} cannot grant {', '.join(lacking)}; it can grant {can}")
    return names


def checked_server(platform: str, flow: Flow, server: str | None) -> str:
    """The base URL to sign in at: ``mastodon.social`` becomes ``https://mastodon.social``, a path is kept."""
    if not server:
        if flow.server:
            return flow.server.rstrip("/")
        raise ConfigError(f'{platform}: say which server, server="https://…" (each has accounts of its own)')
    text = server.strip()
    parts = _split(text if "://" in text else f"https://{text}")
    if parts is None or parts.scheme not in _PORTS or parts.query or parts.fragment or parts.username:
        told = f"…@{text.rpartition('@')[2]}" if "@" in text else text
        raise ConfigError(f'{platform}: server={told!r} is no base URL; write it as "https://example.com"')
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port not in (None, _PORTS[parts.scheme]) else ""
    named = f"[{host}]" if ":" in host else _ascii(host)
    return f"{parts.scheme}://{named}{port}{parts.path.rstrip('/')}"


def _ascii(host: str) -> str:
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host


def _split(url: str) -> Any | None:
    """The parts of an absolute URL; None for anything else."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.scheme and parts.hostname) and not set(url) & _NEVER and parts.port != 0
    except ValueError:  # no number of a port, half an IPv6 address
        return None
    return parts if sound and _is_text(url) else None


def checked_redirect(platform: str, flow: Flow, redirect_uri: str, app: App | None) -> str:
    """The callback address; a ConfigError when it is missing or one the platform does not take."""
    address = redirect_uri or (app.redirect_uri if app else None) or ""
    if not isinstance(flow, CodeFlow | OAuth1Flow):
        return _sound(platform, address) if address else ""
    if not address:
        raise ConfigError(
            f"{platform}: say where the browser comes back to: redirect_uri=, an address of your application "
            "that is registered with the platform"
        )
    if isinstance(flow, OAuth1Flow) and address == OUT_OF_BAND:
        return address
    if isinstance(flow, CodeFlow) and flow.redirect == "https" and not address.startswith("https://"):
        raise ConfigError(f"{platform} takes https callback addresses only, not redirect_uri={address!r}")
    return _sound(platform, address)


def _sound(platform: str, address: str) -> str:
    parts = _split(address)
    if parts is None or parts.fragment:
        raise ConfigError(
            f'{platform}: redirect_uri={address!r} is no address without a "#", such as https://example.com/callback'
        )
    return address


# --- what came back -----------------------------------------------------------------------------------------
def told_by(login: Login, callback: str | Mapping[str, str]) -> dict[str, str]:
    """The callback's query, or the answers by ask name; LoginFailed when they do not belong to the login."""
    if login.asks:
        return _answers(login, callback)
    if login.user_code is not None or (not callback and not login.redirect_uri):
        return {}
    if not isinstance(callback, str):
        raise ConfigError(
            "finish_login() takes the whole callback address as text, as the browser asked for it"
        )
    return _query(login, callback)


def _answers(login: Login, given: str | Mapping[str, str]) -> dict[str, str]:
    names = [ask.name for ask in login.asks]
    needed = [ask.name for ask in login.asks if not ask.optional]
    if isinstance(given, str):
        if len(needed) > 1:
            raise ConfigError(f"{login.platform} asks for {', '.join(names)}: give them as a dict")
        given = {(needed or names)[0]: given}
    if not isinstance(given, Mapping) or not all(isinstance(one, str | None) for one in given.values()):
        raise ConfigError(f"{login.platform} asks for {', '.join(names)}: give text, or a dict of texts")
    if unknown := [_named(name) for name in given if name not in names]:
        raise ConfigError(
            f"{login.platform} does not ask for {', '.join(unknown)}, but for {', '.join(names)}"
        )
    told = {name: value.strip() for name, value in given.items() if value and value.strip()}
    if missing := [ask.words for ask in login.asks if not ask.optional and ask.name not in told]:
        raise LoginFailed(f"{login.platform}: {', '.join(missing)} was not given", reason="invalid")
    if broken := [ask.words for ask in login.asks if not _is_text(told.get(ask.name, ""))]:
        raise LoginFailed(f"{login.platform}: {', '.join(broken)} holds half a character", reason="invalid")
    return told


def _named(name: object) -> str:
    """A name that nobody asked for, where it is one: it may as well be what was pasted."""
    return name if isinstance(name, str) and name.isidentifier() and len(name) < 20 else "something else"


def _is_text(text: str) -> bool:
    """Whether it can be sent at all: a lone surrogate cannot."""
    return text.encode("utf-8", "ignore").decode() == text


def _query(login: Login, callback: str) -> dict[str, str]:
    came, meant = _split(callback.strip()), _split(login.redirect_uri)
    if came is None or meant is None:
        forged(login, "it is no address")
    if _place(came) != _place(meant):
        forged(
            login,
            f"it came to {came.scheme}://{came.netloc.rpartition('@')[2]}{came.path}, the browser was sent to "
            f"{login.redirect_uri}; behind a proxy, give redirect_uri with the query that came",
        )
    pairs = parse_qsl(came.query, keep_blank_values=True)
    told = dict(pairs)
    if len(told) != len(pairs):
        forged(login, "a parameter is in it twice")
    if any(told.get(name) != value for name, value in parse_qsl(meant.query, keep_blank_values=True)):
        forged(login, "the query of redirect_uri is not in it")
    return told


def _place(parts: Any) -> tuple[Any, ...]:
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parts.path or "/"


def missing_of(flow: Flow, asked: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """What was asked for and not granted, counting what broad scopes include; () when nobody told what was granted.

    >>> flow = Flow(name="oauth2", title="", implied={"write": ("write:media",)})
    >>> missing_of(flow, ["write:media", "read"], ["write"])
    ('read',)
    """
    have, new = set[str](), set(granted)
    told = bool(new)
    while new:
        have |= new
        new = {inner for scope in new for inner in flow.implied.get(scope, ())} - have
    return tuple(scope for scope in asked if scope not in have) if told else ()
