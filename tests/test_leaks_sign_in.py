"""Signing in shows no secret: not the app's, not the person's, not the tokens; nor does what is told about it later."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sqlite3
import tomllib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote

import httpx
import pytest

from processes import own_port
from socialkit import App, Client, Login, SocialKitError
from socialkit.__main__ import main
from socialkit.adapters.base import Credential
from socialkit.auth import Account
from socialkit.flows import DeviceFlow
from socialkit.registry import account_class
from socialkit.sandbox import Sandbox
from socialkit.sandbox.page import render
from socialkit.sandbox.server import state
from socialkit.transport import Transport
from test_leaks import Answering, Meddling, Reads, after, fail, nothing, texts_in
from test_login_command import Keyboard, Screen
from test_signin_table import REDIRECT, ROWS, Row

rows = pytest.mark.parametrize("row", ROWS, ids=str)
_NAMED = re.compile(r"(?i)(token|secret|password|jwt|assertion|verifier|device_code|session)$|^(code|i)$")
"""Fields whose values are secret on every platform, however the answer is shaped."""
_ERROR_NAME = re.compile("[A-Z]+(_[A-Z]+)+")
"""What platforms call their errors in a field that is called code, as authorization codes are."""
OPEN = frozenset({"client_id", "name", "username", "handle", "user_login", "site_url"})
"""What a person types, or an app is called, and everybody may read."""


def told_back(request: httpx.Request) -> str:
    """All a request says, as a careless server would print it."""
    return (
        f"{request.headers.get('authorization')} {request.url} {request.content.decode('utf-8', 'replace')} "
        f"{request.headers.get('dpop')} {(request.headers.get('authorization') or '').rpartition(' ')[2]}"
    )


def echo(status: int) -> Answering:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        said = f"not taken: {told_back(request)}"
        body = {
            "ok": False,
            "error": said,
            "error_description": said,
            "message": said,
            "errors": [{"message": said}],
        }
        return httpx.Response(status, json=body, headers={"x-request-id": said})

    return answer


def page(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return httpx.Response(200, text=f"<h1>Sign in</h1><pre>{told_back(request)}</pre>")


def gateway(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """What is too long to be repeated whole: the cut goes through what was sent."""
    said = " ".join(f"{told_back(request)[at:]} {'-' * 37}" for at in range(0, 60, 20))
    return httpx.Response(502, text=f"<h1>Bad gateway</h1><pre>{said}</pre>")


def cut(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """Words that are cut at 200 or 300 characters, through the longest secret that was sent."""
    secret = max(sent_secrets(request), key=len, default="")
    said = ""
    for length in (200, 300):
        said = f"{said:-<{max(0, length - len(secret) * 3 // 4)}} {secret}"
    body = {"error": "no", "error_description": said, "message": said, "errors": [{"message": said}]}
    return httpx.Response(401, json=body)


def broken(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    raise ValueError(f"failed with {told_back(request)}")


ANSWERS: dict[str, Answering] = {
    "200": echo(200),
    "400": echo(400),
    "401": echo(401),
    "500": echo(500),
    "cut": cut,
    "a page": page,
    "a gateway's page": gateway,
    "connection error": fail(httpx.ConnectError),
    "read error": fail(httpx.ReadError),
    "an unexpected error": broken,
}


class Everywhere(Meddling):
    """Meddles with every request once it is told to; remembers the secrets that were sent, and those issued."""

    def __init__(self, inner: httpx.AsyncBaseTransport, answer: Answering) -> None:
        super().__init__(inner, answer)
        self.sent, self.issued = set[str](), set[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in request.stream])
        kept = {"headers": request.headers, "extensions": request.extensions}
        whole = httpx.Request(request.method, request.url, content=body, **kept)
        response = await self.inner.handle_async_request(whole)
        await response.aread()
        self.sent.update(sent_secrets(whole))
        self.issued.update(issued_secrets(response))
        return self.answer(whole, response)


def sent_secrets(request: httpx.Request) -> Iterator[str]:
    """What proves something in a request: tokens, proofs, assertions, and the fields whose names say so."""
    header = request.headers.get("authorization", "")
    parts = re.findall(r'oauth_(?:token|verifier)="([^"]+)"', header)
    yield from map(unquote, parts) if '="' in header else header.split()[1:]
    yield request.headers.get("dpop", "")
    yield from re.findall(r"/bot(\d+:[^/]+)", request.url.path)
    body = request.content.decode("utf-8", "replace")
    fields = [*request.url.params.multi_items(), *parse_qsl(body if "{" not in body else "")]
    yield from (value for name, value in fields if _NAMED.search(name))
    yield from named_secrets(json_or_none(body))


def issued_secrets(response: httpx.Response) -> Iterator[str]:
    yield from named_secrets(json_or_none(response.text))
    yield from (value for name, value in parse_qsl(response.text) if _NAMED.search(name) and " " not in name)


def json_or_none(text: str) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return None


def named_secrets(value: Any) -> Iterator[str]:
    """Texts whose names say so; an error's code is its name."""
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if name != "code" or "message" not in value}
        yield from (one for name, one in value.items() if isinstance(one, str) and _NAMED.search(name))
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from named_secrets(one)


class Desk:
    """A sandbox, a client on a file, and everything that was shown and that must not be."""

    def __init__(self, row: Row, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for name in ("socialkit", "socialkit.transport", "httpx", "httpcore", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)
        self.row, self.folder, self.path = row, folder, folder / "socialkit.db"
        self.box = Sandbox([row.platform])
        self.platform: Any = self.box[row.platform]
        self.transport = Everywhere(self.box.transport, nothing)
        self.kept: list[Any] = []
        self.reads, self.secrets, self.open, self._log = Reads(), set[str](), set[str](), caplog
        app = App(**{"flow": row.flow.name, **self.platform.app_for(row.flow.name, REDIRECT)})
        self.hide(app.client_secret, app.private_key)
        self.open.add(app.client_id)
        self.reads.add("app", f"{app} {app!r}")
        self.client = Client(
            apps={row.platform: app},
            transport=self.transport,
            clock=self.box.clock,
            store=self.path,
            max_wait=5,
        )

    def hide(self, *values: str | None) -> None:
        self.secrets |= {value for value in values if value and len(value) > 5}

    @property
    def hidden(self) -> set[str]:
        """Every secret there was, in the forms it is written in; of long ones the first two thirds are too much."""
        known = {one for one in self.transport.sent | self.transport.issued if len(one) > 5}
        whole = {
            one for one in self.secrets | known if one not in self.open and not _ERROR_NAME.fullmatch(one)
        }
        halves = {one[: len(one) * 2 // 3] for one in whole if len(one) > 30}
        return {form for one in whole for form in forms(one)} | halves

    def begin(self) -> Login:
        login = self.client.begin_login(
            self.row.platform, redirect_uri=REDIRECT, server=self.platform.address()
        )
        self.hide(login.state, *(v for k, v in login.secrets.items() if self.is_secret(k)))
        self.reads.add("login", f"{login} {login!r}")
        self.kept.append(login)
        return login

    @staticmethod
    def is_secret(name: str) -> bool:
        return name not in OPEN | {"issuer", "login_hint", "iss_required"} and not name.endswith("_endpoint")

    def act(self, login: Login) -> Any:
        if login.asks:
            told = self.platform.answers(login.flow)
            fills = getattr(self.row.flow, "fills", {})
            open_ones = OPEN | {name for name, place in fills.items() if place == "client_id"}
            self.hide(*(value for name, value in told.items() if name not in open_ones))
            return told
        if login.user_code is not None:
            self.platform.approve_device(login.user_code)
            return ""
        callback = self.platform.approve(login.url)
        query = httpx.URL(callback).params
        self.hide(*(query.get(name) for name in ("code", "oauth_verifier", "password", "session", "state")))
        return callback

    def tried(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except SocialKitError as error:
            self.reads.add_error(error)
            self.kept.append(error)
            return None

    def hide_credential(self, credential: Credential) -> None:
        self.hide(*(secret for secret in credential.secrets() if secret not in (credential.client_id,)))

    def other(self, account: Account) -> Client:
        """Another process of the same machine, with the account by name."""
        fresh = account_class(self.row.platform).signed_in(account.identity)
        place: Any = {"transport": self.transport, "clock": self.box.clock, "store": self.path, "max_wait": 5}
        return Client({"brand": fresh}, **place)

    def look(self, *roots: Any) -> None:
        """How everything within reach shows itself."""
        for one in reachable(*roots):
            self.reads.add(type(one).__name__, f"{one!r} {one}")

    def read(self) -> None:
        """Everything there is to read, against everything that is secret."""
        reads = self.reads
        states = self.client.sign_ins()
        reads.add("sign-ins", f"{states} {states!r}")
        reads.add("client", f"{self.client!r} {self.client.accounts} {self.client.rate_limits()}")
        reads.add("sandbox", f"{json.dumps(state(self.box))} {self.box.requests} {render(self.box)}")
        records = self._log.records
        reads.add("log", "\n".join(f"{one.getMessage()} {one.args} {one.exc_text}" for one in records))
        reads.add_file(self.path)
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            for (value,) in db.execute("SELECT value FROM secrets"):
                self.hide(*(text for text in kept_secrets(json.loads(value)) if " " not in text))
        self.look(self.client, *self.kept)
        reads.assert_free_of(self.hidden)


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, in an address, in a form, in JSON."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])


def reachable(*roots: Any) -> Iterator[Any]:
    """Every object of the library that can be reached from these."""
    queue, seen = list(roots), set[int]()
    while queue:
        here = queue.pop()
        if id(here) in seen or isinstance(here, str | bytes | int | type):
            continue
        seen.add(id(here))
        if isinstance(here, Mapping):
            queue += here.values()
        elif isinstance(here, list | tuple | set | frozenset):
            queue += here
        elif type(here).__module__.startswith("socialkit.") and ".sandbox" not in type(here).__module__:
            yield here
            slots = (name for kind in type(here).__mro__ for name in getattr(kind, "__slots__", ()))
            queue += [getattr(here, name, None) for name in slots if name != "__weakref__"]
            queue += list(getattr(here, "__dict__", {}).values())


def kept_secrets(cell: Any) -> Iterator[str]:
    """The secrets of a cell of the token side: those fields of a credential that are none are left out."""
    fields = (
        {name: value for name, value in cell.items() if name != "extra"} if isinstance(cell, dict) else cell
    )
    yield from texts_in(fields)
    if isinstance(cell, dict):
        held = Credential("none", extra=dict(cell.get("extra", {})))
        yield from held.secrets()


@pytest.fixture
def desk(row: Row, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Desk]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        made = Desk(row, tmp_path, caplog)
        with made.box, made.client:
            yield made
        assert not any(secret in str(one.message) for secret in made.secrets for one in warned)


@rows
def test_a_good_sign_in_and_its_end_show_nothing(desk: Desk) -> None:
    login = desk.begin()
    told = desk.act(login)
    account = desk.client.finish_login(login, told)
    desk.hide_credential(account.credential)
    desk.kept.append(account)
    desk.tried(lambda: desk.client.finish_login(login, told))
    held = account.credential
    with desk.other(account) as other:
        desk.look(other.sign_ins(check=True), other, account, login)
        desk.platform.revoke(held.access_token or held.secret)
        desk.look(other.sign_ins(check=True), other)
        other.logout("brand")
        desk.look(other.sign_ins(check=True), other)
    desk.read()


@rows
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_the_platform_answers_nothing_is_shown(desk: Desk, answer: Answering) -> None:
    login = desk.begin()
    told = desk.act(login)
    desk.transport.answer = answer
    account = desk.tried(lambda: desk.client.finish_login(login, told))
    if account is not None:
        desk.hide_credential(account.credential)
    again = desk.tried(desk.begin)
    desk.reads.add("again", f"{again!r}")
    desk.transport.answer = nothing
    desk.read()


@rows
@pytest.mark.parametrize("answer", ["200", "401", "a page", "read error"])
@pytest.mark.parametrize("skip", [1, 2, 3])
def test_the_second_and_third_answer_of_a_sign_in_show_nothing(desk: Desk, answer: str, skip: int) -> None:
    login = desk.begin()
    told = desk.act(login)
    desk.transport.answer = after(skip, ANSWERS[answer])
    desk.kept.append(desk.tried(lambda: desk.client.finish_login(login, told)))
    desk.transport.answer = after(skip - 1, ANSWERS[answer])
    desk.tried(desk.begin)
    desk.transport.answer = nothing
    desk.read()


@rows
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_renewal_or_revocation_is_answered_nothing_is_shown(desk: Desk, answer: Answering) -> None:
    login = desk.begin()
    account = desk.client.finish_login(login, desk.act(login))
    desk.hide_credential(account.credential)
    if hasattr(desk.platform, "expire"):
        desk.platform.expire(account.credential.access_token or account.credential.secret)
    desk.transport.answer = answer
    with desk.other(account) as other:
        desk.look(other.sign_ins(check=True), other)
        desk.tried(lambda: other.logout("brand"))
        desk.look(other)
    desk.transport.answer = nothing
    desk.read()


@rows
def test_a_forged_or_denied_callback_is_not_repeated(desk: Desk) -> None:
    login, other = desk.begin(), desk.begin()
    desk.tried(lambda: desk.client.finish_login(login, desk.act(other)))
    if login.url and not login.asks and login.user_code is None:
        desk.tried(lambda: desk.client.finish_login(login, desk.platform.deny(login.url)))
    desk.read()


def test_the_accounts_command_shows_no_credential(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    file, secrets = tmp_path / "socialkit.toml", set[str]()
    lines = ['[client]\nstore = "socialkit.db"']
    with Sandbox() as box, box.serve() as url:
        for number, row in enumerate(ROWS):
            made: Any = box[row.platform]
            app = App(**{"flow": row.flow.name, **made.app_for(row.flow.name, REDIRECT)})
            place: Any = {"store": tmp_path / "socialkit.db", "clock": box.clock}
            with Client(apps={row.platform: app}, **place) as client:
                server = made.address(f"{url}/{row.platform}")
                login = client.begin_login(row.platform, redirect_uri=REDIRECT, server=server)
                if login.asks:
                    told: Any = made.answers(login.flow)
                elif login.user_code is not None:
                    told = made.approve_device(login.user_code) or ""
                else:
                    told = made.approve(login.url)
                account = client.finish_login(login, told)
            secrets |= {one for one in account.credential.secrets() if len(one) > 5}
            secrets -= {account.credential.client_id or ""}
            who = account.identity
            lines.append(
                f'[accounts.a{number}]\nplatform = "{who.platform}"\nid = "{who.id}"\nserver = "{who.server}"'
            )
        file.write_text("\n".join(lines), encoding="utf-8")
        for extra in ([], ["--check"]):
            main(["accounts", "--config", str(file), *extra])
    shown = capsys.readouterr()
    assert all(row.platform in shown.out for row in ROWS)
    assert [secret for secret in secrets if secret in shown.out + shown.err] == []
    assert len(secrets) > len(ROWS)


class Terminal:
    """The command line on a platform of the sandbox, whose answers may be meddled with, and all that it shows."""

    def __init__(self, row: Row, box: Sandbox, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.row, self.path, self.platform = row, folder / "socialkit.toml", box[row.platform]
        self.transport, self.shown, self.screen, self._patch = (
            Everywhere(box.transport, nothing),
            "",
            Screen(),
            patch,
        )
        real = Transport
        patch.setattr(
            "socialkit.client.Transport", lambda **given: real(**given | {"transport": self.transport})
        )
        patch.setattr("socialkit.client.SystemClock", lambda: box.clock)
        patch.setattr("webbrowser.open", lambda url, *_: self.device(url))
        https = getattr(row.flow, "redirect", "") == "https"
        redirect = (
            "https://brand.example.com/callback" if https else f"http://127.0.0.1:{own_port()}/callback"
        )
        app = {
            **self.platform.app_for(row.flow.name, redirect),
            "redirect_uri": redirect,
            "flow": row.flow.name,
        }
        self.secrets = {app["client_secret"]} if "client_secret" in app else set[str]()
        if "client_secret" in app:
            patch.setenv("APP_SECRET", app["client_secret"])
            app["client_secret"] = "env:APP_SECRET"
        lines = [f'{name} = "{value}"' for name, value in app.items()] if "client_id" in app else []
        head = ['[client]\nstore = "socialkit.db"', *([f"[apps.{row.platform}]"] if lines else [])]
        self.path.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")

    def device(self, url: str) -> bool:
        self.platform.approve_device(self.screen.code)
        return True

    def run(self, *arguments: str, keys: Iterable[Any] = ()) -> int:
        self.screen = Screen()
        self._patch.setattr("sys.stdout", self.screen)
        self._patch.setattr("sys.stdin", Keyboard(*keys))
        status = main([*arguments, "--config", str(self.path)])
        self.shown += re.sub(r"\n\n  https?://\S+\n\n", "", self.screen.getvalue())
        return status

    def login(self) -> int:
        flow = self.row.flow
        told = self.platform.answers(flow.name) or self.platform.answers("password")
        asks, fills = getattr(flow, "asks", ()), getattr(flow, "fills", {})
        asked = [told.get(ask.name, "") for ask in asks]
        hidden = {ask.name for ask in asks if ask.secret and fills.get(ask.name) != "client_id"}
        self.secrets |= {told[name] for name in hidden & told.keys()}
        arguments = [
            "login",
            self.row.platform,
            "--flow",
            flow.name,
            "--server",
            self.platform.address(),
            "--all",
        ]
        arguments += [] if isinstance(flow, DeviceFlow) else ["--no-browser"]
        return self.run(*arguments, keys=asked or [lambda: self.platform.approve(self.screen.url)])


@rows
@pytest.mark.parametrize("answer", ["good", "200", "401", "500", "read error"])
def test_the_commands_show_and_write_no_secret(
    row: Row,
    answer: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with Sandbox([row.platform]) as box:
        terminal = Terminal(row, box, tmp_path, monkeypatch)
        wrong = {**ANSWERS, "good": nothing}[answer]
        for skip in (0, 1, 2):
            terminal.transport.answer = after(skip, wrong)
            terminal.login()
        terminal.transport.answer = nothing
        box.clock.advance(3600)  # a server makes so many apps at once
        assert terminal.login() == 0, capsys.readouterr().err
        terminal.transport.answer = wrong
        terminal.run("accounts", "--check")
        name = next(iter(tomllib.loads(terminal.path.read_text("utf-8"))["accounts"]))
        written = terminal.path.read_text("utf-8")
        terminal.run("logout", name)
    told = terminal.shown + capsys.readouterr().err + written + terminal.path.read_text("utf-8")
    known = terminal.secrets | terminal.transport.sent | terminal.transport.issued
    secrets = {one for one in known if len(one) > 5}
    assert secrets
    assert [one for one in secrets if any(form in told for form in forms(one))] == []


def test_the_secret_of_an_app_that_was_typed_is_not_written_into_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = next(row for row in ROWS if str(row) == "pinterest-oauth2")
    with Sandbox(["pinterest"]) as box:
        terminal = Terminal(row, box, tmp_path, monkeypatch)
        app = box.pinterest.app_for("oauth2", f"http://127.0.0.1:{own_port()}/callback")
        terminal.path.write_text('[client]\nstore = "socialkit.db"\n', encoding="utf-8")
        arguments = [
            "login",
            "pinterest",
            "--client-id",
            app["client_id"],
            "--no-browser",
            "--port",
            str(own_port()),
        ]
        keys = [app["client_secret"], lambda: box.pinterest.approve(terminal.screen.url)]
        assert terminal.run(*arguments, keys=keys) == 0, capsys.readouterr().err
    written = terminal.path.read_text("utf-8")
    assert f'client_id = "{app["client_id"]}"' in written
    assert app["client_secret"] not in written + terminal.shown + capsys.readouterr().err
