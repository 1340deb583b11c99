"""``socialkit.toml``: accounts and client settings in a file, secrets outside it.

::

    [client]
    store = "socialkit.db"                 # relative to this file; default: the user's data directory

    [accounts.toots]
    platform = "mastodon"
    server = "https://mastodon.social"
    token = "env:TOOTS_TOKEN"              # an environment variable

    [accounts.sky]
    platform = "bluesky"
    handle = "brand.example"
    app_password = "file:sky.secret"       # the text of a file, relative to this one; or "store"

    [accounts.brand-x]                     # an account that signed in, as ``socialkit login x`` writes it
    platform = "x"
    id = "1500000000000000001"             # the native id: its credential is in the token store under it
    name = "brand"
    server = "https://api.x.com"

    [apps.x]                               # who asks people to sign in
    client_id = "abc"
    client_secret = "env:X_CLIENT_SECRET"
    flow = "oauth2"                        # where a platform has several ways to sign in; default: the usual one
    redirect_uri = "http://127.0.0.1:8000/callback"

    [media_host]                           # where platforms fetch local media from: arguments of S3MediaHost
    bucket = "brand"
    endpoint = "https://s3.example.com"
    access_key = "BRANDKEY"
    secret_key = "env:S3_SECRET_KEY"

The other keys of an account are the arguments of its adapter. ``"store"`` leaves a secret to the token store: an
account's under its login, an app's under ``Identity(platform, "", "app")``. An app may have a ``private_key`` (Bluesky)
and the ``name`` that consent pages show where it is made on the fly.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from .errors import ConfigError

if TYPE_CHECKING:
    from .adapters.base import Adapter
    from .auth import App
    from .media_host import MediaHost

__all__ = ["SECRETS", "Config", "load"]

T = TypeVar("T")

SECRETS = frozenset(
    {
        "api_key",
        "app_password",
        "client_secret",
        "oauth1",
        "password",
        "private_key",
        "refresh_token",
        "secret",
        "secret_key",
        "session_token",
        "token",
    }
)
"""Arguments that are never written into the file itself."""
_HOW = 'a secret does not belong in this file: write {0} = "env:NAME", "file:PATH" or "store"'
_SIGNED_IN = frozenset({"id", "name", "platform", "server"})
"""Keys of an account that signed in."""
_CLIENT: dict[str, tuple[type, ...]] = {"store": (str,), "timeout": (int, float), "max_wait": (int, float)}


@attrs.frozen
class Config:
    """What a ``socialkit.toml`` says: adapters by account name, and the client's settings.

    >>> Config({}, store=":memory:").client_arguments()
    {'accounts': {}, 'store': ':memory:'}
    """

    accounts: dict[str, Adapter]
    store: str
    timeout: float | None = None
    max_wait: float | None = None
    path: Path | None = None
    own_store: bool = False
    """Whether the store is where this library puts it, because the file names none."""
    apps: dict[str, App] = attrs.field(factory=dict)
    media_host: MediaHost | None = None

    def client_arguments(self) -> dict[str, Any]:
        """The keyword arguments for :class:`socialkit.Client`; what the file leaves open is left out.

        The folder of a store that the file does not name is made, for this user alone.
        """
        settings = {"timeout": self.timeout, "max_wait": self.max_wait}
        given = {name: value for name, value in settings.items() if value is not None}
        if self.own_store:
            Path(self.store).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        apps = {"apps": dict(self.apps)} if self.apps else {}
        host = {"media_host": self.media_host} if self.media_host else {}
        return {"accounts": dict(self.accounts), "store": self.store, **apps, **host, **given}


def load(path: str | os.PathLike[str] | None = None, *, env: Mapping[str, str] | None = None) -> Config:
    """The configuration in ``path``, else in ./socialkit.toml, else in the user's configuration directory.

    Everything wrong is in one ConfigError, each line with its place. ``env`` stands for ``os.environ``.
    """
    env = os.environ if env is None else env
    reader = _Reader(_find(path, env), env)
    return reader.config()


def _find(path: str | os.PathLike[str] | None, env: Mapping[str, str]) -> Path:
    if path is not None:
        return Path(path)
    places = [Path("socialkit.toml"), _directory(env, "XDG_CONFIG_HOME", ".config") / "socialkit.toml"]
    for place in places:
        if place.is_file():
            return place
    looked = " or ".join(str(place) for place in places)
    raise ConfigError(f"no configuration at {looked}; write one, or give its path")


def _directory(env: Mapping[str, str], name: str, default: str) -> Path:
    """This library's directory below an XDG base directory; a relative one counts as unset."""
    base = env.get(name, "")
    home = Path(env["HOME"]) if env.get("HOME") else Path.home()
    return (Path(base) if os.path.isabs(base) else home / default) / "socialkit"


def _parse(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except ValueError as error:  # a TOMLDecodeError, or a number of thousands of digits
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None


class _Reader:
    """Reads one file, writing down every fault before it complains."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = env
        self.faults: list[str] = []

    def config(self) -> Config:
        data = _parse(self.path)
        self._known("", data, ("accounts", "apps", "client", "media_host"))
        client = self._client(self._table("client", data))
        client["media_host"] = self._media_host(self._table("media_host", data))
        return self.made(client, self._table("apps", data), self._table("accounts", data))

    def made(self, client: Mapping[str, Any], apps: Mapping[str, Any], accounts: Mapping[str, Any]) -> Config:
        """The configuration of these tables; one ConfigError with everything that is wrong in them."""
        asking = {name: self._app(name, self._table(name, apps, "apps.")) for name in apps}
        acting = {name: self._account(name, self._table(name, accounts, "accounts.")) for name in accounts}
        if self.faults:
            raise ConfigError("\n  ".join([f"{self.path}:", *self.faults]))
        return Config(
            {name: account for name, account in acting.items() if account},
            path=self.path,
            apps={name: app for name, app in asking.items() if app},
            **client,
        )

    def _fault(self, place: str, what: str) -> None:
        self.faults.append(f"{place}: {what}")

    def _table(self, name: str, data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        table = data.get(name, {})
        if isinstance(table, dict):
            return table
        self._fault(prefix + name, f"expected a table, [{prefix}{name}]")
        return {}

    def _known(self, prefix: str, data: Iterable[str], known: Iterable[str]) -> None:
        for name in data:
            if name not in known:
                self._fault(prefix + name, f"unknown; {_nearest(name, known)}")

    # --- [client] ---------------------------------------------------------------------------------------
    def _client(self, table: dict[str, Any]) -> dict[str, Any]:
        self._known("client.", table, _CLIENT)
        for name, kinds in _CLIENT.items():
            value = table.get(name)
            if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
                self._fault(f"client.{name}", f"expected {kinds[-1].__name__}, got {type(value).__name__}")
        store = table.get("store")
        return {
            "store": self._store(store if isinstance(store, str) else None),
            "own_store": not store,
            "timeout": table.get("timeout"),
            "max_wait": table.get("max_wait"),
        }

    def _store(self, store: str | None) -> str:
        if store == ":memory:":
            return store
        if store:
            return str(self._file("client.store", store) or self.path)
        return str(_directory(self.env, "XDG_DATA_HOME", ".local/share") / "socialkit.db")

    # --- [media_host] -----------------------------------------------------------------------------------
    def _media_host(self, table: dict[str, Any]) -> MediaHost | None:
        from .media_host import S3MediaHost

        if not table:
            return None
        before = len(self.faults)
        self._check_arguments("media_host", S3MediaHost, table)
        given = {key: self._argument(f"media_host.{key}", key, value) for key, value in table.items()}
        return self._made("media_host", S3MediaHost, given) if len(self.faults) == before else None

    # --- [apps.PLATFORM] --------------------------------------------------------------------------------
    def _app(self, platform: str, table: dict[str, Any]) -> App | None:
        from .auth import App

        place, before = f"apps.{platform}", len(self.faults)
        self._known(f"{place}.", table, [field.name for field in attrs.fields(App)])
        self._check_flow(platform, table.get("flow"))
        given: dict[str, Any] = {}
        for key, value in table.items():
            if key in SECRETS:
                given[key] = self._one_secret(f"{place}.{key}", key, value)
            else:
                given[key] = self._text(f"{place}.{key}", value)
        return App(**given) if len(self.faults) == before else None

    def _check_flow(self, platform: str, flow: Any) -> None:
        """That people can sign in to the platform, and this way."""
        from .registry import flows, sign_in_platforms

        if platform not in (known := sign_in_platforms()):
            self._fault(f"apps.{platform}", f"no platform to sign in to; {_nearest(platform, known)}")
        elif isinstance(flow, str) and flow not in (names := [one.name for one in flows(platform)]):
            self._fault(
                f"apps.{platform}.flow", f"no way to sign in called {flow!r}; {_nearest(flow, names)}"
            )

    def _text(self, place: str, value: Any) -> str:
        if isinstance(value, str) and value.strip():
            return value
        words = "an empty text" if isinstance(value, str) else f"{type(value).__name__}"
        self._fault(place, f"expected a text in quotes, got {words}")
        return ""

    def _one_secret(self, place: str, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._secret(place, key, value)
        self._fault(place, _HOW.format(key))
        return None

    # --- [accounts.NAME] --------------------------------------------------------------------------------
    def _account(self, name: str, table: dict[str, Any]) -> Adapter | None:
        if "id" in table:
            return self._signed_in(name, table)
        place, before = f"accounts.{name}", len(self.faults)
        cls = self._adapter(place, table.get("platform"))
        if cls is None:
            return None
        given = {key: value for key, value in table.items() if key != "platform"}
        self._check_arguments(place, cls, given)
        arguments = {key: self._argument(f"{place}.{key}", key, value) for key, value in given.items()}
        if len(self.faults) > before:
            return None
        return self._made(place, cls, {key: value for key, value in arguments.items() if value is not None})

    def _made(self, place: str, make: Callable[..., T], arguments: Mapping[str, Any]) -> T | None:
        try:
            return make(**arguments)
        except Exception as error:  # values of a wrong kind: adapters are not made to look at each
            self._fault(
                place, str(error) if isinstance(error, ConfigError) else _without_secrets(error, make)
            )
            return None

    def _signed_in(self, name: str, table: dict[str, Any]) -> Adapter | None:
        """An account whose credential is in the token store, under its native id."""
        from .model import Identity

        place, before = f"accounts.{name}", len(self.faults)
        cls = self._adapter(place, table.get("platform"), signed_in=True)
        if cls is None:
            return None
        self._check_options(place, cls, table)
        words = {
            key: self._text(f"{place}.{key}", table[key]) for key in ("id", "name", "server") if key in table
        }
        server = words.get("server") or next((flow.server for flow in cls.flows), "")
        if not server:
            self._fault(f"{place}.server", "missing")
        if len(self.faults) > before:
            return None
        who = Identity(cls.platform, server.rstrip("/"), words["id"], words.get("name"))
        options = {key: value for key, value in table.items() if key not in (*words, "platform")}
        return self._made(place, cls.signed_in, {"identity": who, **options})

    def _check_options(self, place: str, cls: type[Adapter], table: Mapping[str, Any]) -> None:
        import inspect

        parameters = {
            name for name in inspect.signature(cls).parameters if name not in ("credential", "hint")
        }
        self._known(
            f"{place}.", [key for key in table if key not in SECRETS], {*parameters, *_SIGNED_IN} - SECRETS
        )
        for key in SECRETS & set(table):
            self._fault(
                f"{place}.{key}", "an account with an id has its credential in the token store; leave it out"
            )

    def _adapter(self, place: str, platform: Any, *, signed_in: bool = False) -> type[Adapter] | None:
        from . import registry

        if not isinstance(platform, str):
            self._fault(f"{place}.platform", 'missing; write platform = "…"')
            return None
        if not signed_in and platform in {*registry.sign_in_platforms()} - {*registry.platforms()}:
            name = place.removeprefix("accounts.")
            self._fault(f"{place}.id", f"missing; sign in: socialkit login {platform} --name {name}")
            return None
        try:
            return registry.account_class(platform) if signed_in else registry.adapter(platform)
        except ConfigError as error:
            self._fault(f"{place}.platform", str(error))
            return None

    def _check_arguments(self, place: str, cls: Callable[..., Any], given: Mapping[str, Any]) -> None:
        """Names only: unknown ones, and needed ones that are not there."""
        import inspect

        parameters = inspect.signature(cls).parameters.values()
        named = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            self._known(f"{place}.", given, [one.name for one in named])
        for one in named:
            if one.default is one.empty and one.name not in given:
                self._fault(f"{place}.{one.name}", "missing")

    def _argument(self, place: str, key: str, value: Any) -> Any:
        return self._secret(place, key, value) if key in SECRETS else value

    def _secret(self, place: str, key: str, value: Any) -> Any:
        """What the reference stands for; tables and lists (OAuth 1.0a has four secrets) hold references."""
        if isinstance(value, dict):
            return {name: self._secret(f"{place}.{name}", name, one) for name, one in value.items()}
        if isinstance(value, list):
            return tuple(self._secret(f"{place}[{index}]", key, one) for index, one in enumerate(value))
        kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
        if value == "store":
            return None
        if kind == "env" and name:
            return self._from_env(place, name)
        if kind == "file" and name:
            file = self._file(place, name)
            return self._from_file(place, file) if file else None
        self._fault(place, _HOW.format(key))
        return None

    def _from_env(self, place: str, name: str) -> str | None:
        if value := self.env.get(name, "").strip():
            return value
        self._fault(place, f"the environment variable {name} is not set")
        return None

    def _file(self, place: str, name: str) -> Path | None:
        """A path of the file's own, relative to its folder."""
        try:
            path = self.path.parent / Path(name).expanduser()
            os.fsencode(path)
        except (RuntimeError, UnicodeError):  # nobody's home, what no file name can hold
            path = None
        if path is None or "\0" in name:
            self._fault(place, f"{name!r} is no path")
            return None
        return path

    def _from_file(self, place: str, path: Path) -> str | None:
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            self._fault(place, f"{path}: {why}")
            return None
        if not value:
            self._fault(place, f"{path} is empty")
        return value or None


def _nearest(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"


def _without_secrets(error: Exception, cls: Any) -> str:
    """What a constructor complained of, in words that cannot hold a value it was given."""
    return f"{getattr(cls, '__name__', 'the adapter')} does not take these arguments ({type(error).__name__})"
