"""Signing in shows no secret: not the app's, not the person's, not the tokens; nor does what is told about it later."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from socialkit import App, Client, Login, SocialKitError
from socialkit.__main__ import main
from socialkit.adapters.base import Credential
from socialkit.registry import account_class
from socialkit.sandbox import Sandbox
from socialkit.sandbox.page import render
from socialkit.sandbox.server import state
from test_leaks import Answering, Meddling, Reads, fail, nothing, texts_in
from test_signin_table import REDIRECT, ROWS, Row

rows = pytest.mark.parametrize("row", ROWS, ids=str)
OPEN = frozenset({"client_id", "name", "username", "handle", "user_login", "site_url"})
"""What a person types, or an app is called, and everybody may read."""


def told_back(request: httpx.Request) -> str:
    """All a request says, as a careless server would print it."""
    return (
        f"{request.headers.get('authorization')} {request.url} {request.content.decode('utf-8', 'replace')}"
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


def broken(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    raise ValueError(f"failed with {told_back(request)}")


ANSWERS: dict[str, Answering] = {
    "200": echo(200),
    "400": echo(400),
    "401": echo(401),
    "500": echo(500),
    "a page": page,
    "connection error": fail(httpx.ConnectError),
    "read error": fail(httpx.ReadError),
    "an unexpected error": broken,
}


class Everywhere(Meddling):
    """Meddles with every request once it is told to."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        await response.aread()
        return self.answer(request, response)


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
        self.reads, self.secrets, self._log = Reads(), set[str](), caplog
        app = App(**{"flow": row.flow.name, **self.platform.app_for(row.flow.name, REDIRECT)})
        self.hide(app.client_secret, app.private_key)
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

    def begin(self) -> Login:
        login = self.client.begin_login(
            self.row.platform, redirect_uri=REDIRECT, server=self.platform.address()
        )
        self.hide(login.state, *(v for k, v in login.secrets.items() if self.is_secret(k)))
        self.reads.add("login", f"{login} {login!r}")
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
            return None

    def hide_credential(self, credential: Credential) -> None:
        self.hide(*(secret for secret in credential.secrets() if secret not in (credential.client_id,)))

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
        reads.assert_free_of(self.secrets)


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
    desk.reads.add("account", f"{account} {account!r} {account.adapter!r} {account.credential!r}")
    desk.tried(lambda: desk.client.finish_login(login, told))
    held = account.credential
    desk.client.sign_ins(check=True)
    desk.platform.revoke(held.access_token or held.secret)
    states = desk.client.sign_ins(check=True)
    desk.reads.add("checked", f"{states} {states!r}")
    desk.client.logout(account.adapter)
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
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_renewal_or_revocation_is_answered_nothing_is_shown(desk: Desk, answer: Answering) -> None:
    login = desk.begin()
    account = desk.client.finish_login(login, desk.act(login))
    desk.hide_credential(account.credential)
    if hasattr(desk.platform, "expire"):
        desk.platform.expire(account.credential.access_token or account.credential.secret)
    desk.transport.answer = answer
    place: Any = {"transport": desk.transport, "clock": desk.box.clock, "store": desk.path, "max_wait": 5}
    fresh = account_class(desk.row.platform).signed_in(account.identity)
    with Client({"brand": fresh}, **place) as other:
        states = other.sign_ins(check=True)
        desk.reads.add("checked", f"{states} {states!r}")
        desk.tried(lambda: other.logout("brand"))
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
