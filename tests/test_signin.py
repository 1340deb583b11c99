"""Two calls that sign an account in, one that signs it out, and how the sign-ins stand."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit import App, Client, Mastodon, Post
from socialkit._signin_checks import checked_redirect, checked_server, missing_of, told_by
from socialkit.adapters.base import Credential
from socialkit.auth import Login, locked
from socialkit.client import AsyncClient
from socialkit.errors import ConfigError, LoginFailed, SocialKitError, Unavailable
from socialkit.flows import Ask, CodeFlow, Flow
from socialkit.model import Identity
from socialkit.registry import account_class
from socialkit.sandbox import Sandbox
from socialkit.signin import _Hidden
from socialkit.store import MemoryStore, MemoryTokens
from socialkit.testing import ManualClock

REDIRECT = "https://app.example.com/callback"
SERVER = "https://mastodon.social"


@pytest.fixture
def box() -> Any:
    with Sandbox(["mastodon", "x", "reddit", "telegram"]) as made:
        yield made


def client_of(box: Sandbox, **options: Any) -> Client:
    return Client(transport=box.transport, clock=box.clock, **options)


def x_app(box: Sandbox) -> dict[str, App]:
    return {"x": App(**box.x.app_for("oauth2", REDIRECT))}


# --- what begin refuses -------------------------------------------------------------------------------------
def test_an_unknown_platform_is_refused_with_the_nearest_name() -> None:
    with Client() as client, pytest.raises(ConfigError, match=r"no platform 'redit'.* did you mean 'reddit'"):
        client.begin_login("redit")


def test_an_app_for_an_unknown_platform_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match=r"'mastodn'.*did you mean 'mastodon'"):
        Client(apps={"mastodn": App("a", "b")})


def test_an_app_is_an_app() -> None:
    with pytest.raises(ConfigError, match=r"apps\['x'\] is App\(client_id, client_secret\), not tuple"):
        Client(apps={"x": ("id", "secret")})  # type: ignore[dict-item]


def test_an_unknown_way_to_sign_in_is_refused_with_those_there_are() -> None:
    words = r"'oauth3'; there are: 'oauth2' .*'oauth1'.*'keys'"
    with Client(apps={"x": App("a", flow="oauth3")}) as client, pytest.raises(ConfigError, match=words):
        client.begin_login("x", redirect_uri=REDIRECT)


def test_a_missing_app_is_told_with_the_lines_to_write() -> None:
    with Client() as client, pytest.raises(ConfigError) as caught:
        client.begin_login("x", redirect_uri=REDIRECT)
    assert '  Client(apps={"x": App("CLIENT_ID", "CLIENT_SECRET")})\n' in str(caught.value)
    assert '  [apps.x]\n  client_id = "CLIENT_ID"\n  client_secret = "env:X_CLIENT_SECRET"' in str(
        caught.value
    )
    assert 'App(flow="keys")' in str(caught.value)


def test_the_lines_name_the_way_when_it_is_not_the_usual_one() -> None:
    with Client(apps={"x": App(flow="oauth1")}) as client, pytest.raises(ConfigError) as caught:
        client.begin_login("x", redirect_uri=REDIRECT)
    assert 'App("CLIENT_ID", "CLIENT_SECRET", flow="oauth1")' in str(caught.value)
    assert '  flow = "oauth1"' in str(caught.value)


def test_an_app_whose_secret_is_needed_must_have_it() -> None:
    words = "needs the app's secret too"
    with Client(apps={"x": App("id", flow="oauth1")}) as client, pytest.raises(ConfigError, match=words):
        client.begin_login("x", redirect_uri=REDIRECT)


@pytest.mark.parametrize(
    ("platform", "wanted", "words"),
    [
        ("reddit", "publsh", "no 'publsh'; did you mean 'publish'"),
        ("linkedin", "metrics", "cannot grant metrics; it can grant"),
    ],
)
def test_capabilities_are_known_words_and_can_be_granted(platform: str, wanted: str, words: str) -> None:
    with Client(apps={platform: App("a", "b")}) as client, pytest.raises(ConfigError, match=words):
        client.begin_login(platform, redirect_uri=REDIRECT, capabilities=[wanted])


def test_the_usual_capabilities_are_what_the_platform_has_of_them() -> None:
    with Client(apps={"linkedin": App("a", "b")}) as client:
        assert client.begin_login("linkedin", redirect_uri=REDIRECT).capabilities == ("publish",)


def test_a_server_is_needed_where_people_have_their_own() -> None:
    with Client() as client, pytest.raises(ConfigError, match="mastodon: say which server"):
        client.begin_login("mastodon", redirect_uri=REDIRECT)


ANYWHERE = Flow(name="any", title="Any")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("mastodon.social", "https://mastodon.social"),
        ("https://Mastodon.Social/", "https://mastodon.social"),
        ("http://127.0.0.1:8080/mastodon/", "http://127.0.0.1:8080/mastodon"),
        ("https://example.com:443", "https://example.com"),
        ("https://[::1]:3000", "https://[::1]:3000"),
        ("bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_server_becomes_a_base_url(given: str, base: str) -> None:
    assert checked_server("mastodon", ANYWHERE, given) == base


@pytest.mark.parametrize(
    "given", ["ftp://example.com", "https://", "a b", "https://u@example.com", "https://a?b", "https://a:x"]
)
def test_what_is_no_server_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="is no base URL"):
        checked_server("mastodon", ANYWHERE, given)


def code_flow(redirect: Any = "port") -> CodeFlow:
    return CodeFlow(name="o", title="O", authorize_url="/a", token_url="/t", redirect=redirect)


def test_callback_addresses_follow_the_platforms_rule() -> None:
    loopback = "http://127.0.0.1:8000/callback"
    assert checked_redirect("x", code_flow("port"), loopback, None) == loopback
    assert checked_redirect("x", code_flow("https"), "", App(redirect_uri=REDIRECT)) == REDIRECT
    for flow, address, words in [
        (code_flow("https"), loopback, "https callback addresses only"),
        (code_flow(), "", "say where the browser comes back to"),
        (code_flow(), "callback", "is no address"),
        (code_flow(), f"{REDIRECT}#top", "is no address"),
    ]:
        with pytest.raises(ConfigError, match=words):
            checked_redirect("x", flow, address, None)


# --- what finish refuses ------------------------------------------------------------------------------------
def login_of(clock: ManualClock, **fields: Any) -> Login:
    usual: dict[str, Any] = {
        "platform": "x",
        "server": "https://api.x.com",
        "flow": "oauth2",
        "url": "https://x.com/i/oauth2/authorize",
        "redirect_uri": REDIRECT,
        "state": "st4te",
        "capabilities": (),
        "scopes": (),
        "expires_at": clock.now() + timedelta(minutes=10),
    }
    return Login(**{**usual, **fields})


@pytest.mark.parametrize(
    "callback",
    [
        "http://app.example.com/callback?code=c",
        "https://other.example.com/callback?code=c",
        "https://app.example.com:8443/callback?code=c",
        "https://app.example.com/callback/more?code=c",
        "https://app.example.com@evil.example/callback?code=c",
        "https://app.example.com/callback?code=a&code=b",
        "code=c&state=st4te",
        "",
        "https://[",
        "\x00",
    ],
)
def test_what_is_no_callback_of_this_login_is_forged(callback: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        told_by(login_of(ManualClock()), callback)
    assert caught.value.reason == "forged"


def test_a_callback_is_its_query_whatever_a_platform_hangs_behind_it() -> None:
    login = login_of(ManualClock(), redirect_uri="https://app.example.com?tenant=7")
    told = told_by(login, "https://APP.example.com:443/?tenant=7&code=c&state=st4te#_=_")
    assert told == {"tenant": "7", "code": "c", "state": "st4te"}
    with pytest.raises(LoginFailed, match="the query of redirect_uri"):
        told_by(login, "https://app.example.com/?tenant=8&code=c")


def test_what_was_pasted_goes_by_the_names_that_were_asked_for() -> None:
    one, two = Ask(name="key", words="Key"), Ask(name="site", words="Site", optional=True)
    login = login_of(ManualClock(), asks=(one, two))
    assert told_by(login, " s3cret\n") == {"key": "s3cret"}
    assert told_by(login, {"key": "s3cret", "site": ""}) == {"key": "s3cret"}
    with pytest.raises(ConfigError, match="does not ask for keys, but for key, site"):
        told_by(login, {"keys": "s3cret"})
    with pytest.raises(LoginFailed, match="Key was not given") as caught:
        told_by(login, " ")
    assert caught.value.reason == "invalid"
    needed = login_of(ManualClock(), asks=(one, Ask(name="name", words="Name")))
    with pytest.raises(ConfigError, match="asks for key, name: give them as a dict"):
        told_by(needed, "s3cret")


def ended(login: Login, back: str) -> str:
    """What becomes of a callback: "told", or the reason of the error."""
    try:
        told = told_by(login, back)
    except LoginFailed as error:
        return error.reason
    "".join(told.values()).encode()
    return "told"


@given(
    st.text(st.characters(), max_size=60), st.sampled_from(["", REDIRECT, f"{REDIRECT}?code=c&state=st4te"])
)
def test_whatever_comes_back_is_a_query_or_a_named_error(noise: str, head: str) -> None:
    clock = ManualClock()
    assert ended(login_of(clock), head + noise) in ("told", "forged")
    assert ended(login_of(clock, asks=(Ask(name="key", words="Key"),)), head + noise) in ("told", "invalid")


@pytest.mark.parametrize("told", ["\ud800", "7:\udfff"])
def test_half_a_character_is_not_sent(box: Sandbox, told: str) -> None:
    with client_of(box) as client:
        login, before = client.begin_login("telegram"), len(box.requests)
        with pytest.raises(LoginFailed, match="half a character") as caught:
            client.finish_login(login, told)
    assert (caught.value.reason, len(box.requests)) == ("invalid", before)


@pytest.mark.parametrize("field", ["secrets", "server", "flow", "platform", "redirect_uri", "expires_at"])
@pytest.mark.parametrize("value", [None, {}, "", "\ud800", {"verifier": "\ud800"}, "2099-01-01T00:00:00Z"])
def test_a_login_that_was_damaged_is_an_error_of_ours(box: Sandbox, field: str, value: Any) -> None:
    with client_of(box, apps=x_app(box)) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        try:
            account = client.finish_login({**login.to_dict(), field: value}, back)
        except SocialKitError as error:
            assert login.secrets["verifier"] not in str(error)  # noqa: PT017 - it may also go well
        else:
            assert (field, value) == ("expires_at", "2099-01-01T00:00:00Z")
            assert account.identity.id == box.x.identity_of("brand")


def test_a_login_of_a_later_version_is_refused(box: Sandbox) -> None:
    with client_of(box) as client, pytest.raises(ConfigError, match="has schema 2, this socialkit reads 1"):
        client.finish_login({**client.begin_login("telegram").to_dict(), "schema": 2}, "x")


def test_a_login_is_a_login(box: Sandbox) -> None:
    with client_of(box) as client:
        with pytest.raises(ConfigError, match="takes a Login"):
            client.finish_login("https://app.example.com/callback?code=c")  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match=r"\$\.state: missing"):
            client.finish_login({"platform": "x"}, "https://app.example.com/callback?code=c")


def test_a_forged_state_spends_nothing(box: Sandbox) -> None:
    with client_of(box, apps=x_app(box)) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        state = parse_qs(urlsplit(back).query)["state"][0]
        before = len(box.requests)
        with pytest.raises(LoginFailed) as caught:
            client.finish_login(login, back.replace(state, "f0rged"))
        assert (caught.value.reason, len(box.requests)) == ("forged", before)
        assert client.finish_login(login, back).identity.id == box.x.identity_of("brand")


async def test_two_workers_with_one_callback_do_not_both_go_on(box: Sandbox) -> None:
    store, apps = MemoryStore(), x_app(box)
    places: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "store": store, "apps": apps}
    async with AsyncClient(**places) as one, AsyncClient(**places) as two:
        login = await one.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        ends = await asyncio.gather(
            *(client.finish_login(login, back) for client in (one, two)), return_exceptions=True
        )
    failed = [end for end in ends if isinstance(end, LoginFailed)]
    assert [error.reason for error in failed] == ["repeated"]
    assert len([request for request in box.requests if request.path.endswith("/oauth2/token")]) == 1


def test_a_code_that_was_refused_is_not_tried_again(box: Sandbox) -> None:
    with client_of(box, apps=x_app(box)) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        box.x.codes.clear()
        for reason in ("refused", "repeated"):
            with pytest.raises(LoginFailed) as caught:
                client.finish_login(login, back)
            assert caught.value.reason == reason


def test_who_it_is_may_be_asked_again_when_the_platform_was_away(box: Sandbox) -> None:
    with client_of(box, apps=x_app(box)) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        box.fault("dropped-before", platform="x", match="GET /2/users/me", times=20)
        with pytest.raises(Unavailable):
            client.finish_login(login, back)
        box.faults.clear_kind("dropped-before")
        account = client.finish_login(login, back)
        assert account.identity.id == box.x.identity_of("brand")
        asked = client._async._store.transact(lambda tx: tx.items("secret"))
    assert asked == []
    assert len([request for request in box.requests if request.path.endswith("/oauth2/token")]) == 1


def test_marks_of_old_logins_go_away(box: Sandbox) -> None:
    def telegram(client: Client) -> None:
        client.finish_login(client.begin_login("telegram"), box.telegram.answers("bot_token"))

    with client_of(box) as client:
        telegram(client)
        telegram(client)
        assert len(client._async._store.transact(lambda tx: tx.items("login"))) == 2
        box.clock.advance(2 * 86400)
        telegram(client)
        assert len(client._async._store.transact(lambda tx: tx.items("login"))) == 1


def test_what_was_pasted_wrongly_can_be_pasted_again(box: Sandbox) -> None:
    with client_of(box) as client:
        login = client.begin_login("telegram")
        with pytest.raises(LoginFailed) as caught:
            client.finish_login(login, "what I was given")
        assert caught.value.reason == "invalid"
        assert client.finish_login(login, box.telegram.answers("bot_token")).identity.id


def test_no_error_of_a_sign_in_shows_what_is_secret(box: Sandbox) -> None:
    app = App(**{**box.x.app_for("oauth2", REDIRECT), "client_secret": "w0rse-s3cret"})
    with client_of(box, apps={"x": app}) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        back = box.x.approve(login.url)
        with pytest.raises(SocialKitError) as caught:
            client.finish_login(login, back)
    shown = repr(caught.value) + str(caught.value) + repr(vars(caught.value)) + repr(login)
    code = parse_qs(urlsplit(back).query)["code"][0]
    assert not [one for one in ("w0rse-s3cret", code, login.state, *login.secrets.values()) if one in shown]


@pytest.mark.parametrize("cause", [LoginFailed, ValueError])
def test_an_error_that_repeats_a_secret_leaves_without_it(cause: Any) -> None:
    login = login_of(ManualClock(), secrets={"verifier": "v3rifier"})
    words = "c0de-s3cret, v3rifier, st4te and app-s3cret were refused"
    hidden = _Hidden.of(App("id", "app-s3cret"), login, {"code": "c0de-s3cret", "scope": "refused"})
    with pytest.raises(SocialKitError) as caught, hidden:
        raise cause(words)
    error = caught.value
    assert "***, ***, *** and *** were refused" in error.message
    assert error.account == "x"
    assert not [one for one in ("s3cret", "v3rifier") if one in "".join(traceback.format_exception(error))]


# --- apps that are made on the fly --------------------------------------------------------------------------
def registrations(box: Sandbox) -> int:
    return len([one for one in box.requests if (one.method, one.path) == ("POST", "/api/v1/apps")])


def mastodon_login(box: Sandbox, client: Client, **fields: Any) -> Any:
    login = client.begin_login("mastodon", server="mastodon.social", **{"redirect_uri": REDIRECT, **fields})
    assert login.url is not None
    return client.finish_login(login, box.mastodon.approve(login.url))


def test_an_app_is_registered_once_for_a_callback_and_its_scopes(box: Sandbox) -> None:
    store = MemoryStore()
    for _ in range(2):
        with client_of(box, store=store) as client:
            mastodon_login(box, client)
    assert registrations(box) == 1
    with client_of(box, store=store) as client:
        mastodon_login(box, client, capabilities=["publish"])
        mastodon_login(box, client, redirect_uri="https://app.example.com/other")
    assert registrations(box) == 3


def test_an_app_the_server_forgot_is_registered_anew(box: Sandbox) -> None:
    with client_of(box) as client:
        mastodon_login(box, client)
        box.mastodon.apps.clear()
        assert mastodon_login(box, client).identity.id == box.mastodon.identity_of("brand")
        mastodon_login(box, client)
    assert registrations(box) == 2


def test_an_app_that_was_given_is_used(box: Sandbox) -> None:
    with client_of(box) as first:
        login = first.begin_login("mastodon", server=SERVER, redirect_uri=REDIRECT)
        app = App(login.secrets["client_id"], login.secrets["client_secret"])
    with client_of(box, apps={"mastodon": app}) as client:
        mastodon_login(box, client)
    assert registrations(box) == 1


def test_the_secret_of_an_app_may_lie_in_the_token_store(box: Sandbox) -> None:
    tokens, given = MemoryTokens(), box.x.app_for("oauth2", REDIRECT)
    tokens.save(Identity("x", "", "app"), Credential("app", client_secret=given.get("client_secret")))
    with client_of(box, tokens=tokens, apps={"x": App(given["client_id"])}) as client:
        login = client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        account = client.finish_login(login, box.x.approve(login.url))
    assert account.credential.client_secret == given.get("client_secret")


# --- the account that comes of it ---------------------------------------------------------------------------
def test_the_account_publishes_at_once_and_in_another_process(box: Sandbox) -> None:
    store = MemoryStore()
    with client_of(box, store=store) as client:
        account = mastodon_login(box, client)
        assert client.publish(Post("We ship"), account.adapter).outcomes[0].url
    again = account_class("mastodon").signed_in(account.identity)
    with client_of(box, store=store, accounts={"toots": again}) as client:
        assert client.publish(Post("We ship more"), "toots")["toots"].url


def test_an_account_of_the_client_takes_the_new_credential_without_a_restart(box: Sandbox) -> None:
    with client_of(box, accounts=box.accounts()) as client:
        client.publish(Post("one"), "mastodon")
        for token in list(box.mastodon.grants):
            box.mastodon.revoke(token)
        with pytest.raises(SocialKitError):
            client.publish(Post("two"), "mastodon")
        account = mastodon_login(box, client)
        assert account.adapter is client.accounts["mastodon"]
        assert client.publish(Post("three"), "mastodon")["mastodon"].url


def test_scopes_inside_broader_ones_are_not_missing() -> None:
    flow = Flow(name="o", title="O", implied={"all": ("write",), "write": ("write:media",)})
    assert missing_of(flow, ["write:media", "write", "read"], ["all"]) == ("read",)
    assert missing_of(flow, ["write"], []) == ()


# --- out ----------------------------------------------------------------------------------------------------
def test_logging_out_forgets_the_credential_even_when_the_platform_is_away(
    box: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with client_of(box) as client:
        account = mastodon_login(box, client)
        box.fault("dropped-before", platform="mastodon", match="POST /oauth/revoke", times=20)
        with caplog.at_level(logging.WARNING, "socialkit"):
            assert client.logout(account.adapter) is False
        assert "removed here, but not ended at the platform" in caplog.text
        assert account.credential.access_token not in caplog.text
        assert client.sign_ins()[0].health == "not signed in"
        assert client.logout(account.adapter) is False


async def test_logging_out_waits_for_a_renewal_in_another_process(box: Sandbox) -> None:
    places: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "apps": x_app(box)}
    async with AsyncClient(**places) as client:
        login = await client.begin_login("x", redirect_uri=REDIRECT)
        assert login.url is not None
        account = await client.finish_login(login, box.x.approve(login.url))
        tokens = client._machinery.tokens
        async with locked(tokens, account.identity):
            leaving = asyncio.create_task(client.logout(account.adapter))
            await asyncio.sleep(0)
            newer = box.x.token_for("brand")
            renewed = attrs.evolve(
                account.credential,
                access_token=newer.access_token,
                refresh_token=newer.refresh_token,
                issued=account.credential.issued + 1,
            )
            await tokens.save(account.identity, renewed)
        assert await leaving is True
    assert box.x.grant_of(newer.access_token) is None


def test_an_account_with_a_token_of_its_own_is_logged_out_too(box: Sandbox) -> None:
    store = MemoryStore()
    with client_of(box, store=store, accounts=box.accounts()) as client:
        client.logout("mastodon")
    with client_of(box, store=store, accounts=box.accounts()) as client:
        health = {one.account: one.health for one in client.sign_ins()}
        assert health.pop("mastodon") == "not signed in"
        assert set(health.values()) == {"ok"}
        assert client.logout("mastodon") is False


def test_an_unknown_account_cannot_be_logged_out() -> None:
    with Client() as client, pytest.raises(ConfigError, match="no account named 'sky'"):
        client.logout("sky")


# --- how they stand -----------------------------------------------------------------------------------------
def state_of(box: Sandbox, credential: Credential, *, check: bool = False) -> Any:
    who = Identity("mastodon", SERVER, box.mastodon.identity_of("brand"), "brand")
    tokens = MemoryTokens()
    tokens.save(who, credential)
    with client_of(box, tokens=tokens, accounts={"toots": Mastodon.signed_in(who)}) as client:
        return client.sign_ins(check)[0]


@pytest.mark.parametrize(
    ("ends_in", "refresh", "health"),
    [
        (None, None, "ok"),
        (timedelta(days=8), None, "ok"),
        (timedelta(days=6), None, "ends soon"),
        (timedelta(0), None, "ended"),
        (timedelta(0), "r3fresh", "ok"),
    ],
)
def test_the_end_is_told_ahead(box: Sandbox, ends_in: Any, refresh: str | None, health: str) -> None:
    ends = box.clock.now() + ends_in if ends_in is not None else None
    credential = Credential("oauth2", access_token="t0ken", refresh_token=refresh, expires_at=ends)
    state = state_of(box, credential)
    assert (state.health, state.expires_at, state.renewable) == (health, ends, refresh is not None)
    assert (state.repair is None) == (health == "ok")


def test_what_is_missing_and_what_repairs_it_is_told(box: Sandbox) -> None:
    state = state_of(
        box, Credential("oauth2", access_token="t0ken", scopes=("read",), extra={"flow": "oauth2"})
    )
    assert state.health == "ok"
    assert state.missing
    assert "read" not in state.missing
    assert state.repair == f"socialkit login mastodon --name toots --server {SERVER}"


def test_who_is_not_signed_in_is_told(box: Sandbox) -> None:
    state = state_of(box, Credential("none"))
    assert (state.health, state.repair) == (
        "not signed in",
        f"socialkit login mastodon --name toots --server {SERVER}",
    )


def test_a_check_asks_the_platform(box: Sandbox) -> None:
    good = Credential("bearer", access_token=box.mastodon.token("brand"))
    assert state_of(box, good, check=True).health == "ok"
    dead = state_of(box, Credential("bearer", access_token="t0ken"), check=True)
    assert (dead.health, bool(dead.words), bool(dead.repair)) == ("refused", True, True)
    other = state_of(box, Credential("bearer", access_token=box.mastodon.token("other")), check=True)
    assert other.health == "refused"
    assert "belongs to" in other.words
    box.fault("dropped-before", platform="mastodon", match="GET *", times=50)
    assert state_of(box, good, check=True).health == "unknown"


def test_a_state_shows_no_secret(box: Sandbox) -> None:
    secret = Credential(
        "oauth2", access_token="t0ken-s3cret", refresh_token="r3fresh-s3cret", client_secret="c-s3cret"
    )
    assert "s3cret" not in repr(state_of(box, secret, check=True))


def test_who_leaves_out_the_scope_that_tells_who_it_is_begins_again() -> None:
    with Sandbox(["youtube"]) as box:
        app = App(**box.youtube.app_for("oauth2", REDIRECT))
        with client_of(box, apps={"youtube": app}) as client:
            login = client.begin_login("youtube", redirect_uri=REDIRECT)
            (reading,) = (scope for scope in login.scopes if scope.endswith("youtube.readonly"))
            kept = [scope for scope in login.scopes if scope.endswith("youtube.upload")]
            callback = box.youtube.approve(login.url, untick=set(login.scopes) - set(kept))
            with pytest.raises(LoginFailed, match=f"did not grant .*{reading}.*; begin again") as caught:
                client.finish_login(login, callback)
    assert caught.value.reason == "refused"


def test_a_stored_secret_is_of_one_app_alone(box: Sandbox) -> None:
    tokens, place = MemoryTokens(), Identity("x", "", "app")
    tokens.save(place, Credential("app", client_id="another", client_secret="of another"))
    app = App(box.x.app_for("oauth2", REDIRECT)["client_id"], flow="oauth1")
    words = "needs the app's secret too"
    with client_of(box, apps={"x": app}, tokens=tokens) as client, pytest.raises(ConfigError, match=words):
        client.begin_login("x", redirect_uri=REDIRECT)


@pytest.mark.parametrize("flow", ["oauth2", "bot"])
def test_a_platform_that_wants_to_know_the_program_is_told_each_time(flow: str) -> None:
    with Sandbox(["discord"]) as box:
        box.discord.checks_agent = True
        app = App(**{"flow": flow, **box.discord.app_for(flow, REDIRECT)})
        with client_of(box, apps={"discord": app}) as client:
            login = client.begin_login("discord", redirect_uri=REDIRECT)
            told = box.discord.answers(flow) or box.discord.approve(login.url)
            account = client.finish_login(login, told)
            assert account.identity.id == box.discord.identity_of("brand")
            assert client.logout(account.adapter) is (flow == "oauth2")
