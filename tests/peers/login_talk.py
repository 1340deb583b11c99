"""A person at the consent page, our own client beside the peers', and what each of them sent."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from starlette.requests import Request

from socialkit import Client
from socialkit.auth import Keychain
from socialkit.sandbox.core import body
from socialkit.sandbox.oauth1 import header_of
from socialkit.sandbox.sign_in import basic
from socialkit.store import MemoryStore

requests = pytest.importorskip("requests")

BACK = "http://127.0.0.1:8910/callback"


def press(page, username="brand", decision="allow"):
    """The address a browser is sent to after that button of the consent page."""
    shown = requests.get(page, timeout=10)
    assert shown.status_code == 200, shown.text
    names = dict(parse_qsl(urlsplit(page).query))
    scopes = names.get("scope", "").replace(",", " ").split()
    form = [("username", username), ("decision", decision), *(("granted", scope) for scope in scopes)]
    answer = requests.post(page, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def spoken(address):
    """The query of an address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


class Elsewhere(requests.adapters.HTTPAdapter):
    """Sends what is meant for X to the sandbox; signatures stay over X's own addresses."""

    def __init__(self, url):
        super().__init__()
        self._url = url

    def send(self, request, **options):
        for host in ("https://api.twitter.com", "https://api.x.com"):
            request.url = request.url.replace(host, f"{self._url}/x")
        return super().send(request, **options)


@attrs.frozen
class Sent:
    """A request as the platform got it: the form, the app's proof in a Basic header, an OAuth 1.0a header."""

    path: str
    form: dict[str, str]
    basic: tuple[str, str] | None
    signed: dict[str, str]


class _Listens:
    """Middleware that notes what reaches a platform."""

    def __init__(self, app, seen):
        self._app, self._seen = app, seen

    async def __call__(self, scope, receive, send):
        request = Request(scope)
        form = dict(body(request).fields)
        self._seen.append(Sent(scope["path"], form, basic(request), header_of(request)))
        await self._app(scope, receive, send)


def recorded(platform):
    """Everything that is sent to a platform of a sandbox nobody asked yet."""
    seen = []
    platform.app.add_middleware(_Listens, seen=seen)
    return seen


def sign_in_and_out(box, url, platform, app):
    """Our client's whole way at a served platform, with a renewal where there is one; gives the page it asked for."""
    options = {"apps": {platform: app}, "store": MemoryStore()}
    with Client(**options) as client:
        login = client.begin_login(platform, redirect_uri=BACK, server=f"{url}/{platform}")
        told = box[platform].answers(login.flow) if login.asks else press(login.url)
        account = client.finish_login(login, told)
    if Keychain.renewable(account.credential):
        box[platform].expire(account.credential.access_token)
    with Client({"brand": account.adapter}, **options) as client:
        (state,) = client.sign_ins(check=True)
        assert state.health == "ok"
        assert client.logout("brand")
    return login.url
