"""``socialkit login``: a person signs in at a platform, and the account stands in ``socialkit.toml``."""

from __future__ import annotations

import argparse
import contextlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs

from .. import _toml
from .._signin_checks import CAPABILITIES, USUAL, checked_server, flow_named, missing_of, needs_app
from ..errors import ConfigError, IdentityClash, LoginFailed, SocialKitError
from ..flows import AppPasswordFlow, CodeFlow, Flow, KeyFlow, MiAuthFlow, OAuth1Flow, PasswordFlow
from ..model import Identity
from .asking import Waiting, answers, clean, is_terminal, line, say, wrapped
from .loopback import Loopback, is_loopback
from .settings import Settings, at_name, check_name, table_of, where

if TYPE_CHECKING:
    from ..auth import Account, App, Login
    from ..client import Client

__all__ = ["login"]

PORT = 8910
"""Where the browser comes back to when the platform wants the callback address registered, and nobody named one."""
_PATH = "/callback"
_TRIES = 3


def login(options: argparse.Namespace) -> int:
    """Sign in, and write the account into the configuration."""
    with guarded():
        check_name(options.account)
        path = where(options.config)
        _toml.writable(path)
        settings = Settings.at(path)
        way = _way(options, settings)
        if options.account in settings.accounts and not options.replace:
            _check_platform(settings, options.account, way.platform)
        with _client(settings, way) as client:
            return _SigningIn(options, settings, way, client).run()


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """No traceback reaches the terminal: what nobody foresaw is named by its place, without values it may hold."""
    try:
        yield
    except (SocialKitError, OSError):
        raise
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_globals.get('__name__')}, line {trace.tb_lineno}" if trace else "?"
        raise SocialKitError(
            f"unexpected {type(error).__name__} in {place}; this is a fault of socialkit, please report it"
        ) from None


# --- what is decided before anything is opened ------------------------------------------------------------
@attrs.frozen
class _Way:
    """How this person signs in."""

    platform: str
    title: str
    flow: Flow
    app: App
    server: str | None
    capabilities: tuple[str, ...]
    redirect_uri: str
    listens: bool
    new_app: dict[str, str] | None

    @property
    def pastes(self) -> bool:
        """Whether the person brings the callback address by hand."""
        return bool(self.redirect_uri) and not self.listens


def _way(options: argparse.Namespace, settings: Settings) -> _Way:
    from ..registry import account_class

    platform = options.platform
    flow_named(platform, None)
    kept = settings.part(apps=[platform]).apps.get(platform)
    flow = flow_named(platform, options.flow or (kept.flow if kept else None))
    title = account_class(platform).title or platform
    capabilities, server = _capabilities(options.wanted), _server(options, settings, flow)
    if server:
        checked_server(platform, flow, server)
    app = _app(options, flow, title, kept)
    redirect_uri = _redirect_uri(options, flow, title, app)
    listens = is_loopback(redirect_uri) and not options.no_browser
    new_app = None
    if options.client_id:
        app = attrs.evolve(app, client_secret=_app_secret(flow, title) or None)
        new_app = _new_app(options, flow, app, redirect_uri)
    return _Way(platform, title, flow, app, server, capabilities, redirect_uri, listens, new_app)


def _capabilities(wanted: str | None) -> tuple[str, ...]:
    if wanted is None:
        return USUAL
    names = tuple(name for name in re.split(r"[\s,]+", wanted) if name)
    if not names or not set(names) <= set(CAPABILITIES):
        raise ConfigError(f"--for takes one or more of {','.join(CAPABILITIES)}, not {wanted!r}")
    return names


def _server(options: argparse.Namespace, settings: Settings, flow: Flow) -> str | None:
    """The server to sign in at: as given, or that of the account that signs in again, or asked for."""
    table = settings.accounts.get(options.account, {})
    known = table.get("server") if table.get("platform") == options.platform else None
    if options.server or isinstance(known, str) or flow.server:
        return options.server or (known if isinstance(known, str) else None)
    if not is_terminal():
        raise ConfigError(
            f"{options.platform}: say which server, --server https://… (each has accounts of its own)"
        )
    return line("Server (its address)")


def _app(options: argparse.Namespace, flow: Flow, title: str, kept: App | None) -> App:
    """The app that asks; a new one's secret is not asked for yet."""
    from ..auth import App

    given = {"redirect_uri": options.redirect_uri} if options.redirect_uri else {}
    if options.client_id is None:
        if needs_app(flow) and (kept is None or not kept.client_id):
            raise ConfigError(_explained(options, title, flow))
        return attrs.evolve(kept or App(), flow=flow.name, **given)
    if not options.client_id.strip() or not options.client_id.isprintable():
        raise ConfigError("--client-id: that is no client id")
    if kept is not None and kept.client_id not in ("", options.client_id) and not options.replace:
        raise ConfigError(
            f"[apps.{options.platform}] has another client_id; --replace writes this one over it"
        )
    return attrs.evolve(
        kept or App(), client_id=options.client_id, client_secret=None, flow=flow.name, **given
    )


def _new_app(options: argparse.Namespace, flow: Flow, app: App, redirect_uri: str) -> dict[str, str]:
    """What is written of an app that was named on the command line."""
    new = {"client_id": app.client_id}
    if app.client_secret:
        new["client_secret"] = "store"
    if options.flow:
        new["flow"] = flow.name
    if redirect_uri and redirect_uri != _any_port(flow) and not (options.no_browser and _any_port(flow)):
        new["redirect_uri"] = redirect_uri
    return new


def _app_secret(flow: Flow, title: str) -> str:
    if getattr(flow, "client_auth", "body") == "none" or not needs_app(flow):
        return ""
    name = "Consumer secret" if isinstance(flow, OAuth1Flow) else "Client secret"
    return line(f"{name} of the {title} app (empty for an app without one)", secret=True)


def _explained(options: argparse.Namespace, title: str, flow: Flow) -> str:
    """Where to make an app, and what to write of it."""
    back = options.redirect_uri or _default_redirect(flow, options.port) or "https://…"
    steps = [f"make one: {flow.setup}" if flow.setup else "make one"]
    if _comes_back(flow):
        steps.append(f"register its callback address: {back}{' (one of yours)' * (back[-1] == '…')}")
    more = ["--flow", flow.name] if options.flow else []
    more += ["--redirect-uri", "https://…"] if _comes_back(flow) and back[-1] == "…" else []
    steps.append(" ".join(["socialkit login", options.platform, "--client-id CLIENT_ID", *more]))
    lines = [f"{title}: signing in ({flow.title}) needs a developer app"]
    lines += [
        line for number, step in enumerate(steps, 1) for line in wrapped(f"{number}. {step}", "  ", "     ")
    ]
    lines.append("     asks for the secret and keeps both; or write them into socialkit.toml yourself:")
    lines += [f"       {one}" for one in _app_lines(options, flow, back)]
    return "\n".join(lines + _other_ways(options.platform, flow))


def _app_lines(options: argparse.Namespace, flow: Flow, back: str) -> list[str]:
    lines = [f"[apps.{options.platform}]", 'client_id = "…"']
    if getattr(flow, "client_auth", "body") != "none":
        lines.append(f'client_secret = "env:{options.platform.upper()}_CLIENT_SECRET"')
    lines += [f'flow = "{flow.name}"'] if options.flow else []
    if _comes_back(flow) and back != _any_port(flow):
        lines.append(f'redirect_uri = "{back}"')
    return lines


def _other_ways(platform: str, flow: Flow) -> list[str]:
    from ..registry import flows

    others = [one for one in flows(platform) if one.name != flow.name and not needs_app(one)]
    return [f"without an app: socialkit login {platform} --flow {one.name} ({one.title})" for one in others]


# --- the callback address ---------------------------------------------------------------------------------
def _comes_back(flow: Flow) -> bool:
    return isinstance(flow, CodeFlow | OAuth1Flow | MiAuthFlow)


def _any_port(flow: Flow) -> str:
    """The callback address where the platform takes any port; "" where it does not."""
    if isinstance(flow, CodeFlow):
        free = flow.redirect == "loopback" or flow.app == "registered"
    else:
        free = isinstance(flow, MiAuthFlow)
    return f"http://127.0.0.1{_PATH}" if free else ""


def _default_redirect(flow: Flow, port: int | None) -> str:
    if isinstance(flow, CodeFlow) and flow.redirect == "https":
        return ""
    return (not port and _any_port(flow)) or f"http://127.0.0.1:{port or PORT}{_PATH}"


def _redirect_uri(options: argparse.Namespace, flow: Flow, title: str, app: App) -> str:
    if not _comes_back(flow):
        return (app.redirect_uri or "") if isinstance(flow, AppPasswordFlow) else ""
    wanted = app.redirect_uri or _default_redirect(flow, options.port)
    if not wanted:
        raise ConfigError(
            f"{title} sends people back to https addresses only: register one of yours in the app ({flow.setup}), "
            f'and give it: --redirect-uri https://…, or redirect_uri = "https://…" under [apps.{options.platform}]. '
            "Nothing needs to answer there: you paste the address the browser ends at"
        )
    try:
        named = urlsplit(wanted).port
    except ValueError:
        raise ConfigError(f"[apps.{options.platform}] redirect_uri = {wanted!r} is no address") from None
    if options.port and (named or not is_loopback(wanted)) and named != options.port:
        raise ConfigError(
            f"--port {options.port} is not the port of the registered redirect_uri = {wanted!r}"
        )
    if named is None and options.no_browser and is_loopback(wanted):
        host = urlsplit(wanted).netloc
        return wanted.replace(host, f"{host}:{options.port or PORT}", 1)
    return wanted


def _client(settings: Settings, way: _Way) -> Client:
    """A client of nobody yet, on the store of the configuration."""
    from ..client import Client

    arguments: dict[str, Any] = {**settings.part().client_arguments(), "apps": {way.platform: way.app}}
    try:
        return Client(**arguments)
    except OSError as error:
        raise ConfigError(f"the store {arguments['store']}: {error.strerror or error}") from None


def _check_platform(settings: Settings, name: str, platform: str) -> None:
    there = settings.accounts[name].get("platform")
    if there != platform:
        raise IdentityClash(
            f"{name!r} is an account of {clean(there)} in {settings.path}; choose another --name, or --replace it"
        )


# --- signing in -------------------------------------------------------------------------------------------
@attrs.define
class _SigningIn:
    """One run of the command."""

    options: argparse.Namespace
    settings: Settings
    way: _Way
    client: Client
    _shown: bool = attrs.field(default=False, init=False)

    def run(self) -> int:
        with contextlib.ExitStack() as stack:
            back = stack.enter_context(self._loopback()) if self.way.listens else None
            try:
                login, account = self._account(back)
                chosen = self._chosen(account, back)
                names = self._names(chosen)
            except SocialKitError as error:
                words = f"{error.message.rstrip('.')}. You can close this page."
                _tell(back, False, f"Not signed in to {self.way.title}", words)
                raise
            who = " and ".join(at_name(one.identity.name) for one in chosen)
            _tell(back, True, f"Signed in to {self.way.title}", f"As {who}. You can close this page.")
        self._keep_app()
        return self._written(login, dict(zip(names, chosen, strict=True)))

    def _loopback(self) -> Loopback:
        return Loopback(self.way.redirect_uri, self.options.port)

    def _account(self, back: Loopback | None) -> tuple[Login, Account]:
        login = self.client.begin_login(
            self.way.platform,
            redirect_uri=back.address if back else self.way.redirect_uri,
            server=self.way.server,
            capabilities=self.way.capabilities,
        )
        self._announce(login)
        for left in reversed(range(_TRIES if is_terminal() and not back else 1)):
            try:
                return login, self._finished(login, back)
            except LoginFailed as error:
                if not left or error.reason not in ("invalid", "forged"):
                    raise
                say(f"{clean(error.message)}\nOnce more:")
        raise AssertionError("unreachable")

    def _announce(self, login: Login) -> None:
        say(f"{self.way.title}, {urlsplit(login.server).netloc or login.server}: {self.way.flow.title}")
        if self._pastes_keys:
            setup = self.way.flow.setup
            told = (
                f"where it is: {login.server if setup.startswith('/') else ''}{clean(setup)}" if setup else ""
            )
        else:
            scopes = f" (scopes: {' '.join(login.scopes)})" if login.scopes else ""
            told = f"asking for: {', '.join(login.capabilities) or 'who it is'}{scopes}"
        for one in wrapped(told):
            say(one)

    @property
    def _pastes_keys(self) -> bool:
        return isinstance(self.way.flow, KeyFlow | PasswordFlow)

    def _finished(self, login: Login, back: Loopback | None) -> Account:
        if login.user_code is not None:
            return self._by_device(login)
        if login.asks:
            if login.url is not None and not self._pastes_keys:
                self._open(login.url)
            return self.client.finish_login(login, answers(login.asks))
        if login.url is None:
            return self.client.finish_login(login, "")
        self._open(login.url)
        callback = self._waited(back, login) if back else self._pasted(login)
        return self.client.finish_login(login, callback)

    def _open(self, url: str) -> None:
        """The person's browser, unless there is none; the address is printed either way."""
        if not url.startswith(("https://", "http://")):
            raise LoginFailed(f"{self.way.title} sent an address that is no web page", reason="refused")
        if self._shown:
            return
        self._shown = True
        if self.options.no_browser:
            say(f"open this address in a browser, and agree:\n\n  {clean(url)}\n")
            return
        say(f"your browser opens this address (open it yourself if it does not):\n\n  {clean(url)}\n")
        _browse(url)

    def _waited(self, back: Loopback, login: Login) -> str:
        with Waiting("waiting for you to agree in the browser (Ctrl-C stops)"):
            return back.wait(self.options.timeout)

    def _pasted(self, login: Login) -> str:
        say(
            "Then the browser goes to an address that begins with\n"
            f"  {clean(login.redirect_uri)}\n"
            "and may say that it cannot show it. That is fine: copy the whole address from its bar."
        )
        return line("Paste it here")

    def _by_device(self, login: Login) -> Account:
        say(
            f"on any device, open\n\n  {clean(login.url)}\n\nand type the code\n\n  {clean(login.user_code)}\n"
        )
        if login.url and not self.options.no_browser:
            _browse(login.url)
        with Waiting("waiting for you to agree (Ctrl-C stops)"):
            return self.client.finish_login(login, "")

    # --- which accounts, and their names --------------------------------------------------------------
    def _chosen(self, account: Account, back: Loopback | None) -> list[Account]:
        found = [account, *account.others]
        if len(found) == 1 and not self.options.pick:
            return found
        if self.options.pick:
            return _picked(found, self.options.pick)
        if not self.options.all:
            _tell(
                back,
                True,
                f"Signed in to {self.way.title}",
                "Go back to the terminal and choose the accounts.",
            )
            return _asked_which(found)
        return found

    def _names(self, chosen: Sequence[Account]) -> list[str]:
        names: list[str] = []
        for account in chosen:
            first = self.options.account if not names else None
            if first is not None and not self.options.replace:
                self.settings.check_free(first, account.identity, self._learned(first))
            names.append(first or self.settings.name_for(account.identity, names))
        return names

    def _learned(self, name: str) -> Identity | None:
        """Who a hand-written account of that name was when it was last used."""
        if name not in self.settings.accounts or "id" in self.settings.accounts[name]:
            return None
        from ..client import Client

        try:
            with Client(**self.settings.part(accounts=[name]).client_arguments()) as client:
                return client.sign_ins()[0].identity
        except SocialKitError:
            return None

    # --- what is written, and said --------------------------------------------------------------------
    def _keep_app(self) -> None:
        """The new app's secret goes where credentials are."""
        app = self.way.app
        if self.way.new_app is None or not app.client_secret:
            return
        from .._loop import call_user, loop_thread
        from ..adapters.base import Credential

        kept = Credential("app", client_id=app.client_id, client_secret=app.client_secret)
        tokens = self.client._async._machinery.tokens
        loop_thread().run(call_user(tokens.save, Identity(self.way.platform, "", "app"), kept))

    def _written(self, login: Login, accounts: Mapping[str, Account]) -> int:
        """Write the tables, and say what came of it; 1 when the person has to write them."""
        for name, account in accounts.items():
            self._tell(login, name, account)
        app = (self.way.platform, self.way.new_app) if self.way.new_app else None
        tables = {name: account.identity for name, account in accounts.items()}
        try:
            changed = self.settings.write(tables, app)
        except ConfigError as error:
            self._to_paste(error, tables)
            return 1
        for name in accounts:
            state = "written" if name in changed else "signed in again, unchanged"
            say(f"{state}: [accounts.{clean(name)}] in {self.settings.path}")
        if app is not None:
            say(f"written: [apps.{self.way.platform}]")
        say(f"the credential is in {self.settings.part().store}")
        return 0

    def _to_paste(self, error: ConfigError, tables: Mapping[str, Identity]) -> None:
        say(f"{error.message}\nThe sign-in is stored. Put these lines into {self.settings.path} yourself:\n")
        if self.way.new_app:
            say(_toml.table_lines(("apps", self.way.platform), self.way.new_app))
        for name, identity in tables.items():
            say(_toml.table_lines(("accounts", name), table_of(identity)))

    def _tell(self, login: Login, name: str, account: Account) -> None:
        """Who signed in, what the account may do, what it may not and how to ask again."""
        identity, flow = account.identity, self.way.flow
        at = "" if identity.server == flow.server.rstrip("/") else f" on {clean(identity.server)}"
        say(f"signed in to {self.way.title} as {at_name(identity.name)} (id {clean(identity.id)}){at}")
        may = may_of(flow, account.credential.scopes)
        lacking = [one for one in login.capabilities if one not in may]
        say(f"  may: {', '.join(one for one in may if one != 'identify') or 'say who it is'}")
        if lacking:
            missing = missing_of(
                flow,
                [scope for one in lacking for scope in flow.scopes.get(one, ())],
                account.credential.scopes,
            )
            say(
                f"  may not: {', '.join(lacking)} (not granted: {' '.join(dict.fromkeys(missing)) or 'unknown'})"
            )
            say(f"  to ask again: {self._again(name, login)}")
        for one in sorted({*self.way.capabilities} - {*login.capabilities}):
            say(f"  {self.way.title} offers no {one} this way")

    def _again(self, name: str, login: Login) -> str:
        server = ["--server", login.server] if self.options.server else []
        flow = ["--flow", self.options.flow] if self.options.flow else []
        wanted = ["--for", ",".join(login.capabilities)] if self.options.wanted else []
        return shlex.join(["socialkit", "login", self.way.platform, "--name", name, *server, *flow, *wanted])


def may_of(flow: Flow, scopes: Sequence[str]) -> tuple[str, ...]:
    """The capabilities of a flow that the granted scopes cover; all of them when nobody told what was granted."""
    return tuple(name for name, needed in flow.scopes.items() if not missing_of(flow, needed, scopes))


def _browse(url: str) -> None:
    """Open the address in a browser, where there is one."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)


def _tell(back: Loopback | None, done: bool, title: str, words: str) -> None:
    if back is not None:
        back.answer(done, title, words)


def _picked(found: Sequence[Account], ids: Sequence[str]) -> list[Account]:
    known = {account.identity.id: account for account in found}
    if unknown := [one for one in ids if one not in known]:
        told = ", ".join(f"{clean(one)} ({at_name(account.identity.name)})" for one, account in known.items())
        raise ConfigError(f"--pick {unknown[0]}: this sign-in reaches {told}")
    return [known[one] for one in dict.fromkeys(ids)]


def _asked_which(found: Sequence[Account]) -> list[Account]:
    """The accounts a person chooses by number; all when nothing is typed or nobody is there to type."""
    say("this sign-in reaches several accounts:")
    for number, account in enumerate(found, 1):
        say(f"  {number}  {at_name(account.identity.name)} (id {clean(account.identity.id)})")
    for _ in range(_TRIES):
        try:
            given = line("which (numbers; Enter takes all)")
        except LoginFailed:
            return list(found)
        numbers = re.split(r"[\s,]+", given) if given else [str(number + 1) for number in range(len(found))]
        if all(re.fullmatch(r"[0-9]{1,4}", one) and 1 <= int(one) <= len(found) for one in numbers):
            return [found[int(one) - 1] for one in dict.fromkeys(numbers)]
        say(f"  numbers from 1 to {len(found)}, such as 1,2")
    raise LoginFailed("no account was chosen; the sign-in is stored, the file is unchanged", reason="invalid")
