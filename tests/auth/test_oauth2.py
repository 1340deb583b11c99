"""OAuth 2.0: the consent page's address, the code for a token, the next token; every shape answers come in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fakes import NOW, FakeCall, answer
from socialkit import AsyncClient, registry
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential, Response
from socialkit.auth import App, Login, _engine
from socialkit.auth._answers import Refusal, Token, error_of, read_token
from socialkit.auth._oauth2 import broad, challenge
from socialkit.errors import (
    AuthError,
    ConfigError,
    LoginFailed,
    OutcomeUnknown,
    RateLimited,
    ReauthNeeded,
    SocialKitError,
    Unavailable,
)
from socialkit.flows import CodeFlow, Exchange, Granted, Renewal, Revocation
from socialkit.flows.mastodon import FLOWS as MASTODON
from socialkit.flows.x import FLOWS as X
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon_servers import SOFTWARE

SERVER = "https://api.example.com"
BACK = "https://app.example.com/back"
FLOW = CodeFlow(
    name="oauth2",
    title="Harbour in the browser",
    server=SERVER,
    authorize_url="https://www.example.com/authorize",
    token_url="/token",
    pkce="S256",
)
APP = App("the-app", "s3cret&more")
STATE = "the-state-of-this-login"


def talk(*answers: Any) -> FakeCall:
    return FakeCall(signed_in_class("harbour", "Harbour", (FLOW,))(SERVER), answers=answers)


def draft(flow: CodeFlow = FLOW, **more: Any) -> Login:
    fields: dict[str, Any] = {
        "platform": "harbour",
        "server": SERVER,
        "flow": flow.name,
        "url": None,
        "redirect_uri": BACK,
        "state": STATE,
        "capabilities": ("publish",),
        "scopes": ("read", "write"),
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Login(**fields | more)


async def begun(
    flow: CodeFlow = FLOW, *answers: Any, app: App | None = APP, **more: Any
) -> tuple[Login, dict[str, str], FakeCall]:
    """The login, the parameters of its page, and what was asked for it."""
    call, login = talk(*answers), draft(flow, **more)
    asked = await _engine.begin(flow, app, login, call)
    assert asked.url is not None
    params = dict(parse_qsl(urlsplit(asked.url).query, keep_blank_values=True))
    return attrs.evolve(login, url=asked.url, secrets=asked.secrets), params, call


def told(**more: str) -> dict[str, str]:
    return {"code": "the-c0de", "state": STATE, **more}


async def finished(
    flow: CodeFlow, *answers: Any, query: dict[str, str] | None = None, app: App = APP
) -> tuple[Credential, FakeCall]:
    login, _, _ = await begun(flow, app=app)
    call = talk(*answers)
    return await _engine.finish(flow, app, login, query or told(), call), call


TOKEN = {"access_token": "t0ken-1", "refresh_token": "r0fresh-1", "expires_in": 7200, "scope": "read write"}


# --- begin ------------------------------------------------------------------------------------------------------------
def test_a_challenge_is_the_published_one() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_hexadecimal_challenge_is_the_digest_itself() -> None:
    assert challenge("abc", "hex") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


async def test_the_page_is_asked_for_a_code_and_proves_nothing_yet() -> None:
    login, params, call = await begun()
    assert urlsplit(login.url or "")[:3] == ("https", "www.example.com", "/authorize")
    proved = {"code_challenge": challenge(login.secrets["verifier"]), "code_challenge_method": "S256"}
    assert params == proved | {
        "response_type": "code",
        "client_id": "the-app",
        "redirect_uri": BACK,
        "scope": "read write",
        "state": STATE,
    }
    assert call.asked == [], "nothing left this machine"
    assert "+" not in (login.url or ""), "spaces are escaped in the way every platform reads"


async def test_a_verifier_is_long_enough_and_never_the_same() -> None:
    verifiers = {(await begun())[0].secrets["verifier"] for _ in range(20)}
    assert len(verifiers) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", one) for one in verifiers)


async def test_what_a_platform_calls_differently() -> None:
    flow = attrs.evolve(
        FLOW,
        client_id_name="client_key",
        scope_name="user_scope",
        scope_separator=",",
        authorize_params={"duration": "permanent"},
        pkce="hex",
    )
    login, params, _ = await begun(flow)
    assert (params["client_key"], params["user_scope"], params["duration"]) == (
        "the-app",
        "read,write",
        "permanent",
    )
    assert "client_id" not in params
    assert params["code_challenge"] == challenge(login.secrets["verifier"], "hex")


async def test_where_the_proof_is_unknown_none_is_given() -> None:
    login, params, _ = await begun(attrs.evolve(FLOW, pkce=""))
    assert "verifier" not in login.secrets
    assert not {"code_challenge", "code_challenge_method"} & set(params)


async def test_without_an_app_it_says_what_is_missing() -> None:
    with pytest.raises(ConfigError, match=r"harbour: .* needs a developer app: App\(client_id"):
        await begun(app=None)


async def test_a_sandbox_has_every_address_below_itself() -> None:
    login, _, _ = await begun(server="http://127.0.0.1:8765/harbour")
    assert (login.url or "").startswith("http://127.0.0.1:8765/harbour/authorize?")


# --- the callback -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "query",
    [
        {"code": "the-c0de"},
        {"code": "the-c0de", "state": ""},
        {"code": "the-c0de", "state": STATE[:-1]},
        {"code": "the-c0de", "state": STATE + "x"},
        {"code": "the-c0de", "state": "ÿ\ud800"},
        {"state": STATE},
        {"state": STATE, "code": ""},
        {"state": "another", "error": "access_denied"},
    ],
)
async def test_a_callback_of_another_login_spends_nothing(query: dict[str, str]) -> None:
    with pytest.raises(LoginFailed, match="does not belong to this sign-in") as caught:
        await finished(FLOW, query=query)
    assert caught.value.reason == "forged"
    assert STATE not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "reason", "words"),
    [
        ({"error": "access_denied"}, "denied", "the person said no"),
        ({"error": "user_cancelled_login"}, "denied", "the person said no"),
        ({"error": "weird", "error_reason": "user_denied"}, "denied", "the person said no"),
        ({"error": "invalid_scope", "error_description": "no such scope"}, "refused", "no such scope"),
        ({"error": "server_error"}, "refused", "server_error"),
        ({"error": "x", "error_description": "app s3cret&more\nis bad"}, "refused", r"app \*\*\* is bad"),
    ],
)
async def test_a_callback_may_carry_a_no(query: dict[str, str], reason: str, words: str) -> None:
    with pytest.raises(LoginFailed, match=words) as caught:
        await finished(FLOW, query={"state": STATE, **query})
    assert caught.value.reason == reason
    assert "s3cret" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize(
    ("iss", "good"), [(SERVER, True), ("https://evil.example.com", False), (None, False)]
)
async def test_the_server_that_answers_is_the_one_that_was_asked(iss: str | None, good: bool) -> None:
    login, _, _ = await begun()
    login.secrets.update(issuer=SERVER, iss_required="1")
    query = told(**({"iss": iss} if iss else {}))
    call = talk(answer(TOKEN))
    if good:
        assert (await _engine.finish(FLOW, APP, login, query, call)).access_token == "t0ken-1"
        return
    with pytest.raises(LoginFailed, match="another server"):
        await _engine.finish(FLOW, APP, login, query, call)
    assert call.asked == []


async def test_an_issuer_nobody_asked_about_is_left_alone() -> None:
    credential, _ = await finished(FLOW, answer(TOKEN), query=told(iss="https://accounts.example.com"))
    assert credential.access_token == "t0ken-1"


# --- the code ---------------------------------------------------------------------------------------------------------
async def test_the_code_is_spent_once_with_the_verifier() -> None:
    login, _, _ = await begun()
    call = talk(answer(TOKEN))
    await _engine.finish(FLOW, APP, login, told(code="the-c0de#_"), call)
    (asked,) = call.asked
    assert (asked.step, asked.method, asked.url) == ("attach", "POST", f"{SERVER}/token")
    assert not asked.options["repeatable"]
    assert asked.form == {
        "grant_type": "authorization_code",
        "code": "the-c0de",
        "redirect_uri": BACK,
        "code_verifier": login.secrets["verifier"],
        "client_id": "the-app",
        "client_secret": "s3cret&more",
    }


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    ("given", "app", "header", "form"),
    [
        ({"client_auth": "body"}, APP, None, {"client_id": "the-app", "client_secret": "s3cret&more"}),
        ({"client_auth": "body"}, App("the-app"), None, {"client_id": "the-app"}),
        ({"client_auth": "none"}, APP, None, {"client_id": "the-app"}),
        ({"client_auth": "basic"}, APP, _basic("the-app:s3cret%26more"), {}),
        ({"client_auth": "basic"}, App("the-app"), None, {"client_id": "the-app"}),
        ({"client_auth": "basic", "empty_secret": True}, App("the-app"), _basic("the-app:"), {}),
        ({"client_id_name": "client_key"}, App("the-app"), None, {"client_key": "the-app"}),
    ],
)
async def test_how_an_app_says_who_it_is(
    given: dict[str, Any], app: App, header: str | None, form: dict[str, str]
) -> None:
    _, call = await finished(attrs.evolve(FLOW, **given), answer(TOKEN), app=app)
    sent = call.asked[0]
    assert sent.headers.get("authorization") == header
    assert {name: value for name, value in sent.form.items() if name.startswith("client_")} == form


async def test_the_credential_has_what_renewing_needs() -> None:
    credential, _ = await finished(FLOW, answer(TOKEN))
    assert (credential.kind, credential.access_token, credential.refresh_token) == (
        "oauth2",
        "t0ken-1",
        "r0fresh-1",
    )
    assert credential.expires_at == NOW + timedelta(hours=2)
    assert (credential.client_id, credential.client_secret) == ("the-app", "s3cret&more")
    assert credential.scopes == ("read", "write")
    assert credential.extra == {"flow": "oauth2", "renews": "refresh_token"}


async def test_a_secret_that_nothing_needs_is_not_kept() -> None:
    credential, _ = await finished(FLOW, answer({"access_token": "t0ken-1"}))
    assert (credential.client_secret, credential.expires_at, credential.scopes) == (None, None, ())
    revocable = attrs.evolve(FLOW, revocation=Revocation(url="/revoke"))
    assert (await finished(revocable, answer(TOKEN)))[0].client_secret == "s3cret&more"


async def test_a_lost_answer_says_to_begin_again() -> None:
    with pytest.raises(LoginFailed, match="was lost; begin the sign-in again") as caught:
        await finished(FLOW, OutcomeUnknown("the answer was lost: reset"))
    assert caught.value.reason == "lost"


async def test_a_request_that_never_left_may_be_repeated() -> None:
    with pytest.raises(Unavailable, match="could not be reached"):
        await finished(FLOW, Unavailable("could not be reached"))


@pytest.mark.parametrize(
    ("status", "body", "reason", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "used"}, "refused", r"used \(HTTP 400\)"),
        (200, {"error": "invalid_grant"}, "refused", r"invalid_grant \(HTTP 200\)"),
        (200, {"ok": False, "error": "invalid_code"}, "refused", "invalid_code"),
        (400, {"error_type": "OAuthException", "error_message": "No match"}, "refused", "No match"),
        (400, {"error": {"message": "Bad code", "code": 100}}, "refused", "Bad code"),
        (401, {"message": "Unauthorized", "error": 401}, "refused", "does not accept the app: Unauthorized"),
        (400, {"error": "invalid_client"}, "refused", "does not accept the app"),
        (400, {"error": {"message": "Error validating client secret.", "code": 1}}, "refused", "the app"),
        (400, {"code": 283, "message": "expired"}, "refused", "expired"),
        (500, {"error": "server_error"}, "lost", "begin the sign-in again"),
        (200, {"token_type": "bearer"}, "lost", "holds no token"),
        (200, [], "lost", "holds no token"),
        (404, None, "lost", "HTTP 404"),
    ],
)
async def test_an_answer_without_a_token_says_why(status: int, body: Any, reason: str, words: str) -> None:
    with pytest.raises(LoginFailed, match=words) as caught:
        await finished(FLOW, answer(body, status))
    assert (caught.value.reason, caught.value.status) == (reason, status)


@pytest.mark.parametrize("field", ["error_description", "error", "message"])
@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_an_answer_that_repeats_secrets_is_not_quoted(field: str, status: int) -> None:
    for secret in ("the-c0de", "s3cret&more", "t0ken-of-theirs"):
        body = {"error": "invalid_grant", "refresh_token": "t0ken-of-theirs", field: f"no-{secret}"}
        with pytest.raises(LoginFailed) as caught:
            await finished(FLOW, answer(body, status))
        assert secret not in shown(caught.value)


async def test_too_many_sign_ins_may_be_tried_later() -> None:
    with pytest.raises(RateLimited) as caught:
        await finished(FLOW, answer({"error": "slow"}, 429, {"retry-after": "60"}))
    assert caught.value.retry_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"access_token": "t", "user_id": 178414057937872181234, "permissions": ["a", "b"]}]},
        {"access_token": "t", "user_id": 178414057937872181234, "permissions": "a,b"},
        {"access_token": "t", "user_id": "178414057937872181234", "permissions": "a b a"},
    ],
)
def test_where_the_token_stands(body: Any) -> None:
    token = read_token(answer(body), "data.0", "permissions")
    assert isinstance(token, Token)
    assert (token.access_token, token.id, token.scopes) == ("t", "178414057937872181234", ("a", "b"))


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (7200, 7200),
        ("7200", 7200),
        (7200.5, 7200.5),
        *((odd, None) for odd in (0, -1, None, True, "soon", 1e308, 10**400, [1], {})),
    ],
)
def test_how_long_a_token_lives(told: Any, seconds: float | None) -> None:
    token = read_token(answer({"access_token": "t", "expires_in": told}))
    assert isinstance(token, Token)
    assert token.expires_in == seconds


@pytest.mark.parametrize("token", ["", "two words", "a\r\nx: y", "ünicode", 7, None, ["t"], "\u0000"])
def test_a_token_that_no_header_can_carry_is_none(token: Any) -> None:
    assert isinstance(read_token(answer({"access_token": token})), Refusal)


def test_a_token_with_an_error_beside_it_counts_unless_the_answer_says_not_ok() -> None:
    assert isinstance(read_token(answer({"access_token": "t", "error": ""})), Token)
    assert isinstance(read_token(answer({"access_token": "t", "ok": False, "error": "x"})), Refusal)
    assert error_of({"access_token": "t"}) is None


# --- what some platforms add ------------------------------------------------------------------------------------------
META = attrs.evolve(
    FLOW,
    exchange=Exchange(url="/long", grant="ex_token"),
    renewal=Renewal(
        by="access_token",
        url="/refresh",
        grant="re_token",
        method="GET",
        name="access_token",
        client=False,
        early=14 * 86400.0,
        min_age=86400.0,
    ),
    granted="permissions",
    lives=60 * 86400.0,
)


async def test_a_short_token_becomes_a_long_one() -> None:
    short, long = {"access_token": "short", "permissions": "a,b", "user_id": 7}, {"access_token": "long"}
    credential, call = await finished(META, answer(short), answer(long))
    assert call.asked[1].method == "GET"
    assert call.asked[1].params == {
        "grant_type": "ex_token",
        "access_token": "short",
        "client_secret": "s3cret&more",
    }
    assert (credential.access_token, credential.scopes, credential.client_secret) == (
        "long",
        ("a", "b"),
        None,
    )
    assert credential.expires_at == NOW + timedelta(days=60)
    assert credential.extra == {
        "id": "7",
        "flow": "oauth2",
        "renews": "access_token",
        "early": str(14 * 86400),
        "renewable_at": (NOW + timedelta(days=1)).isoformat(),
    }


@pytest.mark.parametrize("error", [Unavailable("down"), OutcomeUnknown("lost"), answer(None, 500)])
async def test_a_code_that_was_spent_for_nothing_is_not_spent_again(error: Any) -> None:
    with pytest.raises(LoginFailed, match="begin again") as caught:
        await finished(META, answer({"access_token": "short"}), error)
    assert caught.value.reason == "lost"


async def test_what_was_granted_may_be_asked_for() -> None:
    by = Granted(url="/permissions?of={access_token}", each="data", scope="name", only={"status": "granted"})
    listed = [{"name": "a", "status": "granted"}, {"name": "b", "status": "declined"}, 7]
    flow = attrs.evolve(FLOW, granted_by=by)
    credential, call = await finished(flow, answer({"access_token": "t0ken"}), answer({"data": listed}))
    assert credential.scopes == ("a",)
    assert call.asked[1].url == f"{SERVER}/permissions?of=t0ken"
    unknown, _ = await finished(flow, answer({"access_token": "t0ken"}), answer(None, 500))
    assert unknown.scopes == ()


async def test_an_answer_may_carry_something_better_than_its_token() -> None:
    takes = {
        "access_token": "webhook.token",
        "client_id": "webhook.id",
        "extra.channel": "webhook.channel_id",
    }
    flow = attrs.evolve(FLOW, kind="none", takes=takes)
    body = {**TOKEN, "webhook": {"token": "w0bhook", "id": 17, "channel_id": "c"}}
    credential, _ = await finished(flow, answer(body))
    assert (credential.kind, credential.access_token, credential.client_id) == ("none", "w0bhook", "17")
    assert (credential.refresh_token, credential.expires_at, credential.extra["channel"]) == (None, None, "c")
    with pytest.raises(LoginFailed, match=r"no 'webhook.token'"):
        await finished(flow, answer(TOKEN))


# --- an app made on the fly -------------------------------------------------------------------------------------------
TOOTS = MASTODON[0]
HOME = {"server": "https://social.example.com", "scopes": ("profile", "write:statuses", "write:media")}
MADE = {"client_id": "made", "client_secret": "m4de-secret"}


def metadata(**more: Any) -> dict[str, Any]:
    base_url = "https://social.example.com"
    return {
        "issuer": f"{base_url}/",
        "authorization_endpoint": f"{base_url}/oauth/authorize",
        "token_endpoint": f"{base_url}/oauth/token",
        "scopes_supported": ["profile", "read", "write", "write:statuses", "write:media"],
        "code_challenge_methods_supported": ["S256"],
        **more,
    }


async def test_a_new_server_is_asked_for_narrow_scopes_with_a_proof() -> None:
    login, params, call = await begun(TOOTS, answer(metadata()), answer(MADE), app=None, **HOME)
    registered = call.asked[1]
    assert registered.url == "https://social.example.com/api/v1/apps"
    assert registered.form == {
        "client_name": "socialkit",
        "redirect_uris": BACK,
        "scopes": "profile write:statuses write:media",
    }
    assert (params["client_id"], params["scope"]) == ("made", "profile write:statuses write:media")
    assert params["code_challenge"] == challenge(login.secrets["verifier"])
    assert (login.secrets["client_id"], login.secrets["client_secret"]) == ("made", "m4de-secret")


async def test_an_old_server_is_asked_for_broad_scopes_and_no_proof() -> None:
    made = [answer(None, 404), answer(MADE), answer({"access_token": "app-token"})]
    login, params, call = await begun(TOOTS, *made, app=None, **HOME)
    assert call.asked[1].form["scopes"] == params["scope"] == "read write"
    assert "code_challenge" not in params
    kept = call.asked[2]
    assert (kept.form["grant_type"], kept.form["client_secret"]) == ("client_credentials", "m4de-secret")
    done = talk(answer({"access_token": "t0ken", "scope": "read write"}))
    credential = await _engine.finish(TOOTS, None, login, told(), done)
    assert done.asked[0].form["client_secret"] == "m4de-secret"
    assert (credential.client_id, credential.client_secret) == ("made", "m4de-secret")


async def test_a_server_that_refuses_narrow_scopes_is_asked_for_broad_ones() -> None:
    no = answer({"error": "Validation failed: Scopes"}, 422)
    _, params, call = await begun(TOOTS, answer(metadata()), no, answer(MADE), app=None, **HOME)
    assert call.asked[2].form["scopes"] == "read write"
    assert params["client_id"] == "made"


async def test_an_app_that_was_given_is_used() -> None:
    login, params, call = await begun(TOOTS, answer(metadata()), **HOME)
    assert (len(call.asked), params["client_id"]) == (1, "the-app")
    done = talk(answer(TOKEN))
    await _engine.finish(TOOTS, APP, login, told(), done)
    assert done.asked[0].form["client_secret"] == "s3cret&more"


@pytest.mark.parametrize(
    "place", ["https://evil.example.com/oauth/token", "http://social.example.com/oauth/token", "https://["]
)
async def test_a_server_cannot_send_the_secrets_elsewhere(place: str) -> None:
    told_so = metadata(token_endpoint=place, authorization_endpoint=place)
    login, _, _ = await begun(TOOTS, answer(told_so), **HOME)
    assert (login.url or "").startswith("https://social.example.com/oauth/authorize?")
    done = talk(answer(TOKEN))
    await _engine.finish(TOOTS, APP, login, told(), done)
    assert done.asked[0].url == "https://social.example.com/oauth/token"


@pytest.mark.parametrize(
    ("refused", "words"), [((422, {"error": "no"}), "no"), ((200, {"access_token": "t"}), "something else")]
)
async def test_an_app_that_cannot_be_made(refused: tuple[int, Any], words: str) -> None:
    status, body = refused
    answers = [answer(metadata()), answer(body, status), answer(body, status)]
    with pytest.raises(LoginFailed, match=words):
        await begun(TOOTS, *answers, app=None, **HOME)


def test_broad_scopes_come_once() -> None:
    assert broad(TOOTS, ["profile", "read:statuses", "write:media", "push"]) == ("read", "write", "push")


# --- renew ------------------------------------------------------------------------------------------------------------
OLD = Credential(
    "oauth2",
    access_token="t0ken-old",
    refresh_token="r0fresh-old",
    client_id="the-app",
    client_secret="s3cret&more",
    scopes=("read",),
    extra={"flow": "oauth2"},
)


async def renewed(flow: CodeFlow, *answers: Any, old: Credential = OLD) -> tuple[Credential, FakeCall]:
    call = talk(*answers)
    return await _engine.renew(flow, old, SERVER, call), call


async def test_a_refresh_token_makes_the_next_pair() -> None:
    new, call = await renewed(FLOW, answer(TOKEN))
    assert call.asked[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "r0fresh-old",
        "client_id": "the-app",
        "client_secret": "s3cret&more",
    }
    assert (new.access_token, new.refresh_token, new.scopes) == ("t0ken-1", "r0fresh-1", ("read", "write"))
    assert new.expires_at == NOW + timedelta(hours=2)


async def test_what_an_answer_leaves_out_stays() -> None:
    new, _ = await renewed(attrs.evolve(FLOW, lives=60.0), answer({"access_token": "t0ken-1"}))
    assert (new.refresh_token, new.scopes, new.extra) == ("r0fresh-old", ("read",), {"flow": "oauth2"})
    assert new.expires_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize(("rotation", "again"), [("strict", False), ("grace", True), ("none", True)])
async def test_only_a_token_that_works_once_is_never_sent_twice(rotation: Any, again: bool) -> None:
    _, call = await renewed(attrs.evolve(FLOW, rotation=rotation), answer(TOKEN))
    assert (call.asked[0].step, call.asked[0].options["repeatable"]) == ("attach", again)


async def test_a_living_token_renews_itself() -> None:
    new, call = await renewed(META, answer({"access_token": "t0ken-1", "expires_in": 5183944}))
    assert (call.asked[0].method, call.asked[0].path) == ("GET", "/refresh")
    assert call.asked[0].params == {"grant_type": "re_token", "access_token": "t0ken-old"}
    assert new.expires_at == NOW + timedelta(seconds=5183944)
    assert datetime.fromisoformat(new.extra["renewable_at"]) == NOW + timedelta(days=1)


async def test_the_end_of_the_refresh_token_is_kept() -> None:
    new, _ = await renewed(FLOW, answer({**TOKEN, "refresh_token_expires_in": "86400"}))
    assert new.extra["refresh_ends_at"] == (NOW + timedelta(days=1)).isoformat()
    lasting, _ = await renewed(attrs.evolve(FLOW, refresh_lives=60.0), answer(TOKEN))
    assert lasting.extra["refresh_ends_at"] == (NOW + timedelta(minutes=1)).isoformat()


@pytest.mark.parametrize(
    ("status", "body", "kind", "definite"),
    [
        (400, {"error": "invalid_grant"}, ReauthNeeded, True),
        (401, {"error": "invalid_grant"}, ReauthNeeded, True),
        (200, {"error": "invalid_grant"}, ReauthNeeded, True),
        (400, {"error": 400}, ReauthNeeded, True),
        (400, {"error": "invalid_request", "error_description": "bad token"}, ReauthNeeded, True),
        (400, {"error": {"message": "Session has expired", "code": 190}}, ReauthNeeded, True),
        (401, {"error": "invalid_client"}, AuthError, True),
        (400, {"error": "unauthorized_client"}, AuthError, True),
        (200, {"ok": False, "error": "bad_client_secret"}, AuthError, True),
        (429, {"error": "slow"}, RateLimited, True),
        (200, {"ok": False, "error": "ratelimited"}, RateLimited, True),
        (503, {"error": "temporarily_unavailable"}, Unavailable, False),
        (403, None, Unavailable, True),
        (200, {"token_type": "bearer"}, Unavailable, False),
    ],
)
async def test_what_a_refused_renewal_means(status: int, body: Any, kind: type[Any], definite: bool) -> None:
    with pytest.raises(kind) as caught:
        await renewed(attrs.evolve(FLOW, rotation="strict"), answer(body, status))
    assert type(caught.value) is kind
    assert caught.value.definite is definite
    if kind is AuthError:
        assert "the app the-app" in str(caught.value)


async def test_without_what_it_is_renewed_by_only_a_person_helps() -> None:
    bare = attrs.evolve(OLD, refresh_token=None)
    with pytest.raises(ReauthNeeded, match="cannot be renewed"):
        await renewed(FLOW, old=bare)


async def test_x_names_a_public_app_in_the_form_and_a_confidential_one_in_a_header() -> None:
    public = attrs.evolve(OLD, client_secret=None)
    _, call = await renewed(X[0], answer(TOKEN), old=public)
    assert call.asked[0].form == {
        "grant_type": "refresh_token",
        "refresh_token": "r0fresh-old",
        "client_id": "the-app",
    }
    assert "authorization" not in call.asked[0].headers
    _, call = await renewed(X[0], answer(TOKEN))
    assert call.asked[0].headers["authorization"] == _basic("the-app:s3cret%26more")
    assert "client_id" not in call.asked[0].form


# --- anything at all --------------------------------------------------------------------------------------------------
SECRETS = ("the-c0de", "s3cret&more", "t0ken-old", "r0fresh-old")
echoes = st.builds(str.format, st.sampled_from(["{}", "no {}!", "x-{}"]), st.sampled_from(SECRETS))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | echoes,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = [
    *("access_token", "refresh_token", "expires_in", "refresh_token_expires_in", "scope", "user_id", "data"),
    *("error", "error_description", "error_type", "error_message", "errors", "code", "message", "ok", "type"),
]
objects = st.dictionaries(st.sampled_from(fields), values, max_size=6)
bodies = st.binary(max_size=60) | (objects | values).map(lambda value: json.dumps(value).encode())
statuses = st.sampled_from([200, 201, 302, 400, 401, 403, 404, 418, 429, 500, 503])


def shown(error: BaseException) -> str:
    return str(error) + repr(error) + repr(vars(error))


async def outcome(way: Any) -> Credential | SocialKitError:
    try:
        credential: Credential = await way
    except SocialKitError as error:
        return error
    return credential


@given(status=statuses, body=bodies)
async def test_any_token_answer_is_a_credential_or_an_error_of_ours(status: int, body: bytes) -> None:
    flow = attrs.evolve(FLOW, rotation="strict", answer="data.0", granted="scope")
    login = draft(secrets={"verifier": "v3rifier-of-this-login"})
    calls = [talk(Response(status, {}, body)) for _ in range(2)]
    spent = ("the-c0de", "s3cret&more", STATE, *login.secrets.values())
    for ended, hidden in (
        (await outcome(_engine.finish(flow, APP, login, told(), calls[0])), spent),
        (await outcome(_engine.renew(flow, OLD, SERVER, calls[1])), OLD.secrets()),
    ):
        if isinstance(ended, Credential):
            assert ended.access_token
        elif status != 302:  # that one the machinery raises, and redacts
            assert not [one for one in hidden if one in shown(ended)]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"9" * 5000, b'{"access_token":' * 5000], ids=["[", "9", "{"]
)
async def test_a_body_made_to_break_its_reader_holds_no_token(body: bytes) -> None:
    with pytest.raises(LoginFailed, match="holds no token"):
        await finished(FLOW, Response(200, {}, body))


@given(body=bodies)
async def test_any_metadata_and_any_made_app_is_a_page_or_an_error_of_ours(body: bytes) -> None:
    for replies in (
        [Response(200, {}, body), answer(MADE)],
        [answer(metadata()), *[Response(200, {}, body)] * 2],
    ):
        try:
            login, _, _ = await begun(TOOTS, *replies, answer(MADE), app=None, **HOME)
        except SocialKitError:
            continue
        assert (login.url or "").startswith("https://social.example.com/")


# --- against the sandbox ----------------------------------------------------------------------------------------------
@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["x", "mastodon"]) as box:
        yield box


def place(box: Sandbox, **apps: App) -> dict[str, Any]:
    return {"transport": box.transport, "clock": box.clock, "apps": apps}


@pytest.mark.parametrize("confidential", [True, False])
async def test_x_signs_in_with_either_kind_of_app(box: Sandbox, confidential: bool) -> None:
    box.x.confidential = confidential
    app = App(**box.x.app_for("oauth2", BACK))
    async with AsyncClient(**place(box, x=app)) as client:
        login = await client.begin_login("x", redirect_uri=BACK)
        account = await client.finish_login(login, box.x.approve(login.url))
        assert account.identity.id == box.x.identity_of("brand")
        box.x.expire(account.credential.access_token)
        assert (await client._accounts.named(account.adapter).ask()).identity == account.identity
    assert box.x.refresh_count == 1


@pytest.mark.parametrize("software", sorted(SOFTWARE))
async def test_servers_that_speak_mastodon_sign_in(box: Sandbox, software: str) -> None:
    box.mastodon.software = software
    async with AsyncClient(**place(box)) as client:
        login = await client.begin_login("mastodon", server=box.mastodon.address(), redirect_uri=BACK)
        account = await client.finish_login(login, box.mastodon.approve(login.url))
        assert account.identity.id == box.mastodon.identity_of("brand")
        assert account.missing_scopes == ()
        assert await client.logout(account.adapter)


def test_x_and_mastodon_say_what_each_capability_needs() -> None:
    assert registry.adapter("x").scopes["publish"] == (
        "tweet.read",
        "tweet.write",
        "users.read",
        "media.write",
    )
    assert registry.adapter("mastodon").scopes["identify"] == ("profile",)


@pytest.mark.parametrize("status", [400, 401])
def test_a_dead_token_of_meta_is_not_the_apps_fault(status: int) -> None:
    told = read_token(answer({"error": {"code": 190, "message": "Session has expired"}}, status=status))
    assert isinstance(told, Refusal)
    assert told.why == "grant"
