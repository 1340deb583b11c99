"""Whatever comes from outside while somebody signs in: an account, or an error in words, and nothing half kept."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from socialkit import App, Client, SocialKitError
from socialkit.__main__ import main
from socialkit.auth import Account, Login
from socialkit.errors import ConfigError, LoginFailed
from socialkit.flows import AppPasswordFlow, MiAuthFlow
from socialkit.registry import account_class
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryTokens
from socialkit.transport import Transport
from test_leaks import Answering, Meddling, after, nothing
from test_signin_table import BROWSER, REDIRECT, ROWS, Row

few = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
rows = pytest.mark.parametrize("row", ROWS, ids=str)
HOSTILE = (
    "http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "https://2130706433/", "https://localhost/",
    "https://evil.example.com/token", "https://bsky.social@evil.example.com/", "https://mastodon.social/\x00\x1b[2J",
    "https://bsky.social\\@evil.example.com/", "https://mastodon.social@evil.example.com/token", "//evil.example.com",
    "javascript:alert(1)", "https://[", "file:///etc/passwd", "", "x" * 5000, "\ud800",
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "access_token", "accessJwt", "accounts", "authorization_servers", "client_id", "client_secret", "code",
    "data", "device_code", "did", "didDoc", "error", "errors", "expires_in", "handle", "id", "instance_actor",
    "interval", "items", "jwt", "name", "ok", "refreshJwt", "refresh_token", "request_uri", "result", "scope",
    "service", "sub", "team", "team_id", "token", "token_type", "url", "user", "user_code", "user_id",
    "username", "verification_url", "webhook",
)  # fmt: skip
WILD = (
    b"[" * 100_000,
    b'{"access_token": ' + b"9" * 5000 + b"}",
    b"\xff\xfe\x00",
    b"oauth_token=a&oauth_token=b&oauth_token_secret=%00%ff",
    b'{"id": 1e999, "expires_in": NaN, "access_token": "a b"}',
    b"<html>" + b"<p>sign in</p>" * 500,
    b'"' + b"\\ud800" * 20 + b'"',
)
BODIES = st.one_of(
    ANYTHING,
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.sampled_from(["bearer", "DPoP", "1e999", "-1"])),
    st.binary(max_size=40),
    st.sampled_from(WILD),
)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 302, 307, 400, 401, 403, 404, 418, 429, 500, 503])
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "date", "dpop-nonce", "link", "location", "retry-after", "www-authenticate",
                     "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset", "x-request-id"]),
    st.sampled_from(["", "0", "-1", "9" * 400, "nan", "inf", "\u00b2".encode().decode("latin-1"),
                     "Tue, 99 Foo",
                     "application/json", "use_dpop_nonce", "https://evil.example.com/",
                     "Sat, 1 Jan 0001 00:00:00 +2359"]),
    max_size=3,
)  # fmt: skip


@attrs.frozen
class Instead:
    """What is answered in place of the platform: a body of its own, or the real one with a place changed."""

    status: int
    headers: dict[str, str]
    body: Any
    at: int | None

    def __call__(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        body = self.body
        if self.at is not None:
            try:
                body = changed(response.json(), self.at, body)
            except ValueError:
                body = self.body
        content = body if isinstance(body, bytes) else json.dumps(body, default=repr).encode()
        headers = [(name, value.encode("latin-1")) for name, value in self.headers.items()]
        return httpx.Response(self.status, content=content, headers=headers)


def changed(answer: Any, at: int, value: Any) -> Any:
    """The answer with one of its places holding something else."""
    answer = copy.deepcopy(answer)
    places = list(_places(answer))
    if not places:
        return value
    owner, name = places[at % len(places)]
    owner[name] = value
    return answer


def _places(here: Any) -> Iterator[tuple[Any, Any]]:
    pairs = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
    for name, value in list(pairs):
        yield here, name
        yield from _places(value)


ANSWERS = st.builds(Instead, STATUSES, HEADERS, BODIES, st.none() | st.integers(0, 60))


class Hearing(Meddling):
    """Remembers who was spoken to, and what was sent; answers for any host."""

    def __init__(self, inner: httpx.AsyncBaseTransport, answer: Answering) -> None:
        super().__init__(inner, answer)
        self.asked: list[tuple[str, str, str]] = []

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(url).hostname or "" for _, url, _ in self.asked}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in request.stream])
        kept: Any = {"headers": request.headers, "extensions": request.extensions}
        whole = httpx.Request(request.method, request.url, content=body, **kept)
        self.asked.append(
            (request.method, str(request.url), f"{request.headers} {body.decode('utf-8', 'replace')}")
        )
        try:
            response = await self.inner.handle_async_request(whole)
        except httpx.ConnectError:  # a host that is not in the sandbox
            response = httpx.Response(404)
        await response.aread()
        return self.answer(whole, response)


class World:
    """A platform of the sandbox, a client, and what its token store holds."""

    def __init__(self, row: Row, sandbox: Sandbox) -> None:
        self.row, self.box = row, sandbox[row.platform]
        self.hearing, self.tokens = Hearing(sandbox.transport, nothing), MemoryTokens()
        app = App(**{"flow": row.flow.name, **self.box.app_for(row.flow.name, REDIRECT)})
        self.place: Any = {
            "transport": self.hearing,
            "clock": sandbox.clock,
            "tokens": self.tokens,
            "max_wait": 1,
        }
        self.client = Client(apps={row.platform: app}, **self.place)

    def begin(self) -> Login:
        return self.client.begin_login(self.row.platform, redirect_uri=REDIRECT, server=self.box.address())

    def act(self, login: Login) -> Any:
        if login.asks:
            return self.box.answers(login.flow)
        if login.user_code is not None:
            self.box.approve_device(login.user_code)
            return ""
        return self.box.approve(login.url)

    def rest(self) -> None:
        """Wait until no limit of the server holds anybody back."""
        until = [one.resets_at for one in self.client.rate_limits() if one.resets_at and not one.remaining]
        clock = self.place["clock"]
        clock.advance(max([(moment - clock.now()).total_seconds() for moment in until], default=0.0))

    def held(self) -> dict[str, Any]:
        """What the store has of accounts; an app that was registered is none."""
        return {key: kept for key, kept in self.tokens._saved.items() if "|app" not in key}


@contextmanager
def world_of(row: Row) -> Iterator[World]:
    with Sandbox([row.platform]) as sandbox:
        world = World(row, sandbox)
        with world.client:
            yield world


def in_words(error: SocialKitError) -> str:
    """The text of an error: there is one, a person can read it to its end, and it moves no cursor."""
    text = str(error)
    assert 0 < len(text) < 3000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), text
    return text


def is_account(account: Account) -> None:
    """An account as it may be kept: with an id a platform gives, and a name that is text."""
    for one in (account, *account.others):
        who = one.identity
        assert who.id.strip()
        assert not re.match(r"(None|True|False)$|[\[{]", who.id)
        assert who.name is None or isinstance(who.name, str)


# --- answers ------------------------------------------------------------------------------------------------
@rows
@few
@given(answer=ANSWERS, skip=st.integers(0, 3))
def test_any_answer_is_an_account_or_words_and_nothing_half_kept(
    row: Row, answer: Instead, skip: int
) -> None:
    with world_of(row) as world:
        login = world.begin()
        told = world.act(login)
        world.hearing.answer = after(skip, answer)
        try:
            is_account(world.client.finish_login(login, told))
        except SocialKitError as error:
            in_words(error)
            assert world.held() == {}
        else:
            assert world.held()


@rows
@few
@given(answer=ANSWERS, skip=st.integers(0, 2))
def test_any_answer_begins_a_sign_in_or_says_why_not(row: Row, answer: Instead, skip: int) -> None:
    with world_of(row) as world:
        world.hearing.answer = after(skip, answer)
        try:
            login = world.begin()
        except SocialKitError as error:
            in_words(error)
        else:
            assert Login.from_dict(json.loads(json.dumps(login.to_dict()))) == login
        assert world.held() == {}


@rows
@few
@given(answer=ANSWERS, skip=st.integers(0, 2), end=st.booleans())
def test_any_answer_later_leaves_a_state_in_words(row: Row, answer: Instead, skip: int, end: bool) -> None:
    with world_of(row) as world:
        account = world.client.finish_login(login := world.begin(), world.act(login))
        before = world.held()
        if end and hasattr(world.box, "expire"):
            world.box.expire(account.credential.access_token or account.credential.secret)
        world.hearing.answer = after(skip, answer)
        fresh = account_class(row.platform).signed_in(account.identity)
        with Client({"brand": fresh}, **world.place) as other:
            state = other.sign_ins(check=True)[0]
            assert state.health in ("ok", "ends soon", "ended", "not signed in", "refused", "unknown")
            assert (state.identity, set(world.held())) == (account.identity, set(before))
            assert isinstance(other.logout("brand"), bool)
            assert other.sign_ins()[0].health == "not signed in"


NOBODY: Any = {
    "id": None,
    "did": None,
    "username": None,
    "data": {"id": None},
    "result": {"id": None},
    "ok": True,
}
LISTED: Any = {
    "id": ["7"],
    "did": ["7"],
    "username": ["brand"],
    "data": {"id": {"id": 7}},
    "result": {"id": []},
}
NO_TOKENS: Any = {
    name: [None] for name in ("access_token", "accessJwt", "jwt", "refresh_token", "refreshJwt", "token")
}
KNOWN = {
    "later than time": Instead(429, {"retry-after": "9" * 400}, {"error": "slow down"}, None),
    "no digit": Instead(429, {"retry-after": b"\xb2".decode("latin-1")}, {"error": "slow down"}, None),
    "no date": Instead(503, {"retry-after": "Sat, 1 Jan 0001 00:00:00 +2359"}, {}, None),
    "no limit": Instead(
        200, {"x-rate-limit-limit": "9" * 5000, "x-rate-limit-reset": "nan"}, {"id": "7"}, None
    ),
    "nested": Instead(200, {}, b"[" * 100_000, None),
    "many digits": Instead(200, {}, b'{"id": ' + b"9" * 5000 + b"}", None),
    "cursor": Instead(401, {}, {"error": "\x1b[2J", "message": "\x1b]0;title\x07" * 3}, None),
    "long": Instead(400, {"x-request-id": "r" * 9000}, {"error": "e" * 9000, "message": "m" * 9000}, None),
    "nobody": Instead(200, {}, NOBODY, None),
    "listed": Instead(200, {}, LISTED, None),
    "no tokens": Instead(200, {}, NO_TOKENS, None),
}


@rows
@pytest.mark.parametrize("answer", KNOWN.values(), ids=KNOWN)
def test_an_answer_that_once_did_harm(row: Row, answer: Instead) -> None:
    with world_of(row) as world:
        account = world.client.finish_login(login := world.begin(), world.act(login))
        world.client.logout(account.adapter)
        for skip in range(3):
            world.hearing.answer = nothing
            world.rest()
            told, before = world.act(login := world.begin()), world.held()
            world.hearing.answer = after(skip, answer)
            try:
                is_account(world.client.finish_login(login, told))
            except SocialKitError as error:
                words = in_words(error)
            else:
                continue
            assert answer.status < 400 or "unexpected" not in words
            assert world.held() == before
        fresh = account_class(row.platform).signed_in(account.identity)
        with Client({"brand": fresh}, **world.place) as other:
            assert other.sign_ins(check=True)[0].account == "brand"


# --- callbacks, logins --------------------------------------------------------------------------------------
LOGIN_FIELDS = ("schema", "platform", "server", "flow", "url", "state", "secrets")
QUERIES = st.dictionaries(
    st.sampled_from(["code", "denied", "error", "error_description", "iss", "oauth_token", "oauth_verifier",
                     "password", "session", "site_url", "state", "success", "user_login"]),
    st.text(max_size=12) | st.sampled_from(["access_denied", "false", *HOSTILE]),
)  # fmt: skip
CALLBACKS = st.one_of(
    st.text(),
    st.binary(),
    ANYTHING,
    st.sets(st.text(max_size=5), max_size=3),
    st.sampled_from(HOSTILE),
    QUERIES.map(lambda query: f"{REDIRECT}?{urlencode(query, errors='replace')}"),
    st.dictionaries(
        st.sampled_from(["api_key", "password", "pin", "token", "username"]) | st.text(), ANYTHING
    ),
)


@pytest.mark.parametrize("row", [row for row in ROWS if row.flow.name != "device"], ids=str)
@few
@given(data=st.data())
def test_any_callback_is_words_and_leaves_the_login_good(row: Row, data: st.DataObject) -> None:
    with world_of(row) as world:
        login = world.begin()
        for _ in range(4):
            callback: Any = data.draw(CALLBACKS)
            with pytest.raises(SocialKitError) as caught:
                world.client.finish_login(login, callback)
            in_words(caught.value)
            assert world.held() == {}
            if isinstance(row.flow, BROWSER) and not login.asks:
                assert not isinstance(caught.value, LoginFailed) or caught.value.reason == "forged"
        is_account(world.client.finish_login(login, world.act(login)))


@settings(max_examples=150, deadline=None)
@given(data=ANYTHING | st.dictionaries(st.sampled_from(LOGIN_FIELDS), ANYTHING))
def test_what_is_no_login_is_refused_in_words(data: Any) -> None:
    with Client() as client, pytest.raises(SocialKitError) as caught:
        client.finish_login(data, "https://app.example.com/callback?code=c&state=s")
    assert str(caught.value)
    with pytest.raises(SocialKitError):
        Login.from_dict(data)


@rows
@few
@given(
    at=st.integers(0, 60), value=ANYTHING | st.sampled_from(["9999-12-31T23:59:59Z", "2026-11-02T09:30:00"])
)
def test_a_login_that_was_damaged_is_refused_or_still_good(row: Row, at: int, value: Any) -> None:
    with world_of(row) as world:
        login = world.begin()
        told = world.act(login)
        damaged = changed(login.to_dict(), at, value)
        try:
            is_account(world.client.finish_login(damaged, told))
        except ConfigError:  # it names the places of the dictionary that was given
            assert world.held() == {}
        except SocialKitError as error:
            in_words(error)
            assert world.held() == {}


# --- documents that would send us elsewhere -----------------------------------------------------------------
SECRETS_SENT = re.compile(
    r"(?i)client_secret=|code=|code_verifier|refresh_token=|authorization'|client_assertion"
)
DOCUMENT = st.dictionaries(
    st.sampled_from(
        ["issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "scopes_supported",
         "code_challenge_methods_supported", "authorization_response_iss_parameter_supported"]
    ),
    ANYTHING | st.sampled_from(["https://mastodon.social/oauth/token", *HOSTILE]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(document=DOCUMENT | ANYTHING)
def test_a_servers_own_document_sends_secrets_nowhere_else(document: Any) -> None:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        own = request.url.path == "/.well-known/oauth-authorization-server"
        return Instead(200, {}, document, None)(request, response) if own else response

    with world_of(ROW["mastodon-oauth2"]) as world:
        world.hearing.answer = answer
        try:
            login = world.begin()
            assert login.url is not None
            assert login.url.startswith("https://mastodon.social/")
            account = world.client.finish_login(login, world.box.approve(login.url))
            world.client.logout(account.adapter)
        except SocialKitError as error:
            in_words(error)
    assert world.hearing.hosts <= {"mastodon.social"}


ROW = {str(row): row for row in ROWS}
PLACES = {
    "/.well-known/oauth-protected-resource": ["authorization_servers", "resource"],
    "/.well-known/oauth-authorization-server": [
        "issuer", "authorization_endpoint", "token_endpoint", "pushed_authorization_request_endpoint",
        "revocation_endpoint",
    ],
    "/xrpc/com.atproto.identity.resolveHandle": ["did"],
    "/did:plc:": ["id", "service", "alsoKnownAs"],
    "/xrpc/com.atproto.server.getSession": ["did", "didDoc", "handle"],
}  # fmt: skip
SERVICE = st.sampled_from(HOSTILE).map(
    lambda url: [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": url}]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), server=st.sampled_from(["https://bsky.social", "https://brand.example.com"]))
def test_atproto_documents_lead_to_public_https_servers_only(data: st.DataObject, server: str) -> None:
    place = data.draw(st.sampled_from(sorted(PLACES)))
    name = data.draw(st.sampled_from(PLACES[place]))
    value = data.draw(
        ANYTHING | st.sampled_from(HOSTILE) | st.sampled_from(HOSTILE).map(lambda url: [url]) | SERVICE
    )

    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.startswith(place):
            return response
        body = response.json() if response.status_code == 200 else {}
        return Instead(200, {}, {**body, name: value}, None)(request, response)

    with world_of(ROW["bluesky-oauth"]) as world:
        world.hearing.answer = answer
        try:
            login = world.client.begin_login("bluesky", redirect_uri=REDIRECT, server=server)
            assert login.url is not None
            assert login.url.startswith("https://")
            account = world.client.finish_login(login, world.box.approve(login.url))
            world.client.sign_ins(check=True)
            world.client.logout(account.adapter)
        except SocialKitError as error:
            in_words(error)
        except KeyError:  # the sandbox's person does not find a page that is not there
            assert name == "authorization_endpoint"
    for method, url, sent in world.hearing.asked:
        assert url.startswith("https://")
        host = urlsplit(url).hostname or ""
        assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]+", host), url
        if host == "evil.example.com" and SECRETS_SENT.search(sent):  # only what was meant for it
            assert name.endswith("_endpoint") or "evil" in repr(value), (method, url, sent)


def test_a_code_of_one_server_is_not_sent_to_another_that_posed_as_it() -> None:
    """The mix-up: a hostile server sends the person to an honest page, to be given the honest page's code."""
    evil = "https://evil.example.com"

    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        own = {
            "/.well-known/oauth-protected-resource": {"authorization_servers": [evil]},
            "/.well-known/oauth-authorization-server": {
                "issuer": evil,
                "authorization_endpoint": "https://bsky.social/oauth/authorize",
                "token_endpoint": f"{evil}/token",
                "pushed_authorization_request_endpoint": f"{evil}/par",
            },
            "/par": {"request_uri": "urn:ietf:params:oauth:request_uri:req-1", "expires_in": 60},
        }
        body = own.get(request.url.path)
        return response if body is None else httpx.Response(200, json=body)

    with world_of(ROW["bluesky-oauth"]) as world:
        world.hearing.answer = answer
        login = world.client.begin_login("bluesky", redirect_uri=REDIRECT, server="https://pds.example.com")
        for issuer in ({"iss": "https://bsky.social"}, {"iss": ""}, {}):
            told = urlencode({"code": "honest-code", "state": login.state, **issuer})
            with pytest.raises(LoginFailed) as caught:
                world.client.finish_login(login, f"{REDIRECT}?{told}")
            assert caught.value.reason == "forged"
    assert not [sent for _, _, sent in world.hearing.asked if "honest-code" in sent]


@rows
@few
@given(
    status=st.sampled_from([301, 302, 303, 307, 308]), skip=st.integers(0, 3), place=st.sampled_from(HOSTILE)
)
def test_no_redirect_leads_a_sign_in_to_another_host(row: Row, status: int, skip: int, place: str) -> None:
    header = {"location": place.encode("ascii", "replace").decode().replace("\x00", "")}
    with world_of(row) as world:
        account = world.client.finish_login(login := world.begin(), world.act(login))
        usual = set(world.hearing.hosts)
        world.client.logout(account.adapter)
        usual |= world.hearing.hosts
        world.hearing.answer = after(skip, lambda request, response: httpx.Response(status, headers=header))
        try:
            again = world.begin()
            if not isinstance(row.flow, MiAuthFlow | AppPasswordFlow):
                world.client.finish_login(again, world.act(again))
        except SocialKitError as error:
            in_words(error)
    assert world.hearing.hosts <= usual


# --- socialkit.toml -----------------------------------------------------------------------------------------
PLAIN = st.text(st.characters(codec="ascii", exclude_characters="/\\~"), max_size=12)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | PLAIN | st.datetimes()
    | st.sampled_from(["x", "mastodon", "bluesky", "store", "env:NOT_THERE", "file:not-there", "brand", "oauth2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
CLIENT_FIELDS = ("max_wait", "proxy", "store", "timeout", "tokens")
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "accounts": VALUES
        | st.dictionaries(
            st.sampled_from(["brand", "other", ""]) | PLAIN,
            VALUES
            | st.fixed_dictionaries(
                {"platform": st.sampled_from(["x", "mastodon", "telegram", "nowhere"]) | VALUES},
                optional=dict.fromkeys(("id", "name", "server", "token", "client_id", "flow"), VALUES),
            ),
            max_size=3,
        ),
        "apps": VALUES
        | st.dictionaries(
            st.sampled_from(["x", "mastodon", "nowhere"]),
            VALUES
            | st.dictionaries(st.sampled_from(["client_id", "client_secret", "flow", "private_key"]), VALUES),
        ),
        "client": VALUES | st.dictionaries(st.sampled_from(CLIENT_FIELDS), VALUES),
        "more": VALUES,
    },
)


def as_toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {as_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value) if value == value and abs(value) != float("inf") else "nan"
    return json.dumps(value) if isinstance(value, str | bool | int) else value.isoformat()


WHOLE = TABLES.map(lambda data: "\n".join(f"{name} = {as_toml(one)}" for name, one in data.items()).encode())
FILES = st.one_of(
    WHOLE,
    st.binary(max_size=60),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([
        b"a = " + b"[" * 20_000, b"a = " + b"9" * 5000, b"\xef\xbb\xbf[client]", b"[client]\r[x]",
        b"[accounts.a]\n" * 2,
        b'[accounts.a]\nplatform = "x"\nplatform = "x"', b"a = 1979-05-27T99:00:00Z", b"\x00", b"client = 5",
        b'[client]\nstore = ""', b'[client]\nstore = "."', b'[client]\nstore = "a\\u0000b"',
    ]),
)  # fmt: skip


class Offline(httpx.AsyncBaseTransport):
    """No network: nothing is reached."""

    traces = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("offline")


@pytest.mark.parametrize(
    "command", ["accounts", "logout brand", "login telegram --name brand", "login x --no-browser"]
)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=FILES)
def test_any_configuration_is_read_or_refused_in_words(
    command: str, content: bytes, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "socialkit.client.Transport", lambda **given: Transport(**given | {"transport": Offline()})
    )
    file = tmp_path / "socialkit.toml"
    file.write_bytes(content)
    assert main([*command.split(), "--config", str(file)]) in (0, 1, 2)
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert "fault of socialkit" not in shown.err
    assert shown.out or shown.err
    if command != "logout brand":
        assert file.read_bytes() == content
