"""Keys and passwords: what a person pastes becomes a credential, or words that say what was expected."""

from __future__ import annotations

import base64
import importlib
import pkgutil
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fakes import NOW, FakeCall, answer
from socialkit import flows
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential
from socialkit.auth import App, Login, _keys
from socialkit.auth._keys import cleaned
from socialkit.errors import ConfigError, LoginFailed, ReauthNeeded, Unavailable
from socialkit.flows import Ask, Flow, KeyFlow, PasswordFlow

SERVER = "https://api.example.com"
TOKEN = KeyFlow(
    name="token",
    title="Token",
    server=SERVER,
    setup="/settings/api",
    asks=(Ask(name="token", words="Access token", shape=r"hb-[a-z0-9]{8}", hint="it begins with hb-"),),
    fills={"token": "access_token"},
)
PAIR = KeyFlow(
    name="pair",
    title="Admin key",
    kind="ghost",
    asks=(
        Ask(name="key", words="Admin key", shape=r"(?P<id>[0-9a-f]{4}):(?P<secret>[0-9a-f]{8})"),
        Ask(name="label", words="Label", secret=False, optional=True),
    ),
    fills={"id": "client_id", "secret": "secret", "label": "extra.label"},
)
BASIC = KeyFlow(
    name="password",
    title="Application password",
    kind="basic",
    asks=(
        Ask(name="user_login", words="User name", secret=False),
        Ask(name="password", words="Application password", shape=r"(?:[0-9A-Za-z] ?){24}"),
    ),
    fills={"user_login": "client_id", "password": "secret"},
)
NOSTR = KeyFlow(
    name="key",
    title="Secret key",
    kind="none",
    asks=(Ask(name="key", words="Secret key", shape=r"nsec1\w{58}", hint="nsec1… or 64 hexadecimal digits"),),
    fills={"key": "secret"},
    derives="nostr",
)
SECRET_HEX = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"


def talk(*answers: Any, flow: Flow = TOKEN) -> FakeCall:
    return FakeCall(signed_in_class("harbour", "Harbour", (flow,))(SERVER), answers=answers)


def login(flow: Flow = TOKEN, server: str = SERVER) -> Login:
    return Login(
        platform="harbour",
        server=server,
        flow=flow.name,
        url=None,
        redirect_uri="",
        state="st4te",
        capabilities=(),
        scopes=(),
        expires_at=NOW + timedelta(minutes=10),
    )


async def pasted(flow: KeyFlow, **told: str) -> Credential:
    return await _keys.finish(flow, None, login(flow), told, talk(flow=flow))


# --- keys -------------------------------------------------------------------------------------------------------------
async def test_the_person_is_sent_to_the_page_where_the_key_is() -> None:
    asked = await _keys.begin(TOKEN, None, login(server="https://example.com/sub"), talk())
    assert (asked.url, asked.asks) == ("https://example.com/sub/settings/api", TOKEN.asks)
    assert (await _keys.begin(PAIR, None, login(PAIR), talk())).url is None
    elsewhere = attrs.evolve(TOKEN, setup="https://example.com/keys")
    assert (await _keys.begin(elsewhere, None, login(), talk())).url == "https://example.com/keys"
    explained = attrs.evolve(TOKEN, setup="https://example.com/keys: one of the kind script")
    assert (await _keys.begin(explained, None, login(), talk())).url == "https://example.com/keys"


@pytest.mark.parametrize(
    "text",
    ["hb-12345678", " hb-12345678\r\n", '"hb-12345678"', "'hb-12345678'\n", "“hb-12345678”", "hb-1234\n5678"],
)
async def test_what_stands_around_a_key_does_not_count(text: str) -> None:
    assert await pasted(TOKEN, token=text) == Credential("bearer", access_token="hb-12345678")


async def test_the_groups_of_a_shape_go_where_the_flow_says() -> None:
    found = await pasted(PAIR, key="12ab:0099aabb", label=" pier ")
    assert found == Credential("ghost", client_id="12ab", secret="0099aabb", extra={"label": "pier"})


async def test_an_optional_ask_may_be_left_empty() -> None:
    assert (await pasted(PAIR, key="12ab:0099aabb", label=" ")).extra == {}


@pytest.mark.parametrize(
    "password",
    ["abcd EFGH 1234 ijkl MNOP 5678", "abcdEFGH1234ijklMNOP5678", "abcd\u00a0EFGH 1234 ijkl MNOP 5678\n"],
)
async def test_the_spaces_of_an_application_password_do_not_count(password: str) -> None:
    found = await pasted(BASIC, user_login="Jörg Brand", password=password)
    assert found == Credential("basic", client_id="Jörg Brand", secret="abcdEFGH1234ijklMNOP5678")


@pytest.mark.parametrize("text", ["", "  ", "xx-12345678", "hb-12345678x", "hb-1234567\u0663"])
async def test_another_form_is_refused_with_the_form_expected_and_without_the_value(text: str) -> None:
    with pytest.raises(LoginFailed, match=r"Access token: .*; it begins with hb-") as failed:
        await pasted(TOKEN, token=text)
    assert failed.value.reason == "invalid"
    assert not text.strip() or text not in str(failed.value)


async def test_a_key_without_a_shape_still_has_to_be_one() -> None:
    loose = attrs.evolve(TOKEN, asks=(Ask(name="token", words="API key"),))
    for text in ("two words", "lin\u0000e", "schlüssel", "a\nb"):
        with pytest.raises(LoginFailed, match="API key"):
            await pasted(loose, token=text)


async def test_a_key_cannot_be_renewed() -> None:
    with pytest.raises(ReauthNeeded, match="sign in again"):
        await _keys.renew(TOKEN, Credential("bearer", access_token="x", secret="y"), SERVER, talk())


@given(st.text())
def test_cleaning_is_done_once(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)
    assert cleaned(f' "{text}"\n') == cleaned(text)


# --- Nostr ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", [NSEC, f" {NSEC}\n", SECRET_HEX, SECRET_HEX.upper(), f"{NSEC[:30]}\n{NSEC[30:]}"]
)
async def test_a_nostr_key_says_whose_it_is(text: str) -> None:
    found = await pasted(NOSTR, key=text)
    assert (found.kind, found.secret) == ("none", SECRET_HEX)
    assert found.extra["name"] == NPUB
    assert found.extra["id"] == "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NPUB, r"Secret key: .*public key \(npub\)"),
        ("ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcx", "NIP-49.* not supported"),
        ("bunker://7e7e9c42?relay=wss://relay.example.com", "NIP-46.* not supported"),
        ("", "nothing was given"),
        ("hello", "nsec1"),
    ],
)
async def test_what_is_no_nostr_key_is_called_by_its_name(text: str, words: str) -> None:
    with pytest.raises(LoginFailed, match=words) as failed:
        await pasted(NOSTR, key=text)
    assert failed.value.reason == "invalid"


# --- passwords --------------------------------------------------------------------------------------------------------
FEDERATED = PasswordFlow(
    name="password",
    title="User name and password",
    login_url="/api/v4/account/auth/login|/api/v3/user/login",
    asks=(
        Ask(name="username", words="User name", secret=False),
        Ask(name="password", words="Password"),
        Ask(name="totp", words="Code", shape=r"\d{6}", hint="six digits", optional=True),
    ),
    sends={"username_or_email": "username", "password": "password", "totp_2fa_token": "totp"},
    constants={"stay_logged_in": True},
    takes={"access_token": "jwt"},
)
SCRIPT = PasswordFlow(
    name="script",
    title="Script app",
    kind="session",
    server="https://oauth.example.com",
    login_url="https://www.example.com/api/v1/access_token",
    asks=(Ask(name="username", words="User name", secret=False), Ask(name="password", words="Password")),
    sends={"username": "username", "password": "password"},
    constants={"grant_type": "password", "strict": False},
    takes={"access_token": "access_token", "scopes": "scope"},
    form=True,
    client=True,
    keeps="password",
)
APP = App("app-id", "app-secret")


async def test_a_password_is_exchanged_and_forgotten() -> None:
    call = talk(answer({"jwt": "ey.j.wt", "registration_created": False}))
    told = {"username": " brand ", "password": ' p"w \n'}
    found = await _keys.finish(FEDERATED, None, login(FEDERATED), told, call)
    (asked,) = call.asked
    assert found == Credential("bearer", access_token="ey.j.wt")
    assert (asked.step, asked.url) == ("prepare", f"{SERVER}/api/v4/account/auth/login")
    assert asked.json == {"username_or_email": "brand", "password": ' p"w ', "stay_logged_in": True}


async def test_an_older_server_is_asked_at_its_own_address_with_the_code() -> None:
    call = talk(answer(None, 404), answer({"jwt": "ey.j.wt"}))
    told = {"username": "brand", "password": "pw", "totp": "123 456"}
    await _keys.finish(FEDERATED, None, login(FEDERATED), told, call)
    assert [asked.path for asked in call.asked] == ["/api/v4/account/auth/login", "/api/v3/user/login"]
    assert call.asked[1].json["totp_2fa_token"] == "123456"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"error": "incorrect_login"}, 401, r"did not sign in \(incorrect_login\): check name and password"),
        ({"error": "missing_totp_token"}, 400, "second factor"),
        ({"error": "incorrect_totp token"}, 400, r"\(HTTP 400\)"),
        (
            {"jwt": None, "registration_created": True, "verify_email_sent": True},
            200,
            "not active yet.*e-mail",
        ),
        (
            {"jwt": None, "registration_created": True, "verify_email_sent": False},
            200,
            "not active yet.*moderators",
        ),
        ({"jwt": None}, 200, "not active yet"),
        ({"error": "email_not_verified"}, 400, "not active yet.*e-mail"),
        ({"error": "registration_application_is_pending"}, 400, "not active yet.*moderators"),
        ([], 200, "check name"),
        ("text", 403, "HTTP 403"),
        ({"jwt": {"a": 1}}, 200, "HTTP 200"),
    ],
)
async def test_no_token_is_explained(body: Any, status: int, words: str) -> None:
    told = {"username": "brand", "password": "pw-s3cret"}
    with pytest.raises(LoginFailed, match=words) as failed:
        await _keys.finish(
            attrs.evolve(FEDERATED, login_url="/login"),
            None,
            login(FEDERATED),
            told,
            talk(answer(body, status)),
        )
    assert (failed.value.reason, failed.value.status) == ("refused", status)


async def test_an_answer_that_echoes_the_password_does_not_bring_it_into_the_error() -> None:
    told = {"username": "brand", "password": "pw-s3cret"}
    with pytest.raises(LoginFailed) as failed:
        await _keys.finish(FEDERATED, None, login(FEDERATED), told, talk(answer({"error": "pw-s3cret"}, 401)))
    assert "s3cret" not in f"{failed.value} {failed.value.code}"


async def test_a_code_of_another_form_is_not_sent() -> None:
    call = talk()
    with pytest.raises(LoginFailed, match=r"Code: .*six digits"):
        await _keys.finish(
            FEDERATED, None, login(FEDERATED), {"username": "a", "password": "b", "totp": "12"}, call
        )
    assert not call.asked


async def test_a_busy_server_is_no_refusal() -> None:
    with pytest.raises(Unavailable):
        await _keys.finish(
            FEDERATED, None, login(FEDERATED), {"username": "a", "password": "b"}, talk(answer({}, 502))
        )


async def test_a_script_signs_in_as_its_app_and_keeps_what_signs_in_again() -> None:
    call = talk(answer({"access_token": "t0ken", "expires_in": 86400, "scope": "identity submit"}))
    told = {"username": "brand", "password": "pw"}
    at_home = login(SCRIPT, SCRIPT.server)
    found = await _keys.finish(SCRIPT, APP, at_home, told, call)
    (asked,) = call.asked
    assert asked.url == "https://www.example.com/api/v1/access_token"
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(b'app-id:app-secret').decode()}"
    assert asked.form == {"grant_type": "password", "strict": "false", "username": "brand", "password": "pw"}
    assert found == Credential(
        "session",
        access_token="t0ken",
        secret="pw",
        expires_at=NOW + timedelta(days=1),
        client_id="app-id",
        client_secret="app-secret",
        scopes=("identity", "submit"),
        extra={"username": "brand"},
    )


async def test_a_code_that_is_good_once_is_not_kept() -> None:
    flow = attrs.evolve(SCRIPT, asks=(*SCRIPT.asks, FEDERATED.asks[-1]))
    told = {"username": "brand", "password": "pw", "totp": "123456"}
    found = await _keys.finish(flow, APP, login(flow), told, talk(answer({"access_token": "t0ken"})))
    assert (found.secret, found.extra) == ("pw", {"username": "brand"})


async def test_a_kept_password_signs_in_again() -> None:
    old = Credential(
        "session",
        access_token="old",
        secret="pw",
        client_id="app-id",
        client_secret="app-secret",
        extra={"username": "brand", "flow": "script"},
    )
    call = talk(answer({"access_token": "new", "expires_in": 60}))
    newer = await _keys.renew(SCRIPT, old, SCRIPT.server, call)
    assert (newer.access_token, newer.secret, newer.expires_at) == ("new", "pw", NOW + timedelta(minutes=1))
    assert call.asked[0].form["password"] == "pw"


async def test_a_kept_password_that_no_longer_fits_needs_a_person() -> None:
    old = Credential("session", secret="pw-s3cret", client_id="app-id", extra={"username": "brand"})
    with pytest.raises(ReauthNeeded, match="sign in again") as failed:
        await _keys.renew(SCRIPT, old, SCRIPT.server, talk(answer({"error": "invalid_grant"})))
    assert "s3cret" not in str(failed.value)
    for gone in (attrs.evolve(old, secret=None), attrs.evolve(old, extra={})):
        with pytest.raises(ReauthNeeded, match="sign in again"):
            await _keys.renew(SCRIPT, gone, SCRIPT.server, talk())
    with pytest.raises(ReauthNeeded, match="sign in again"):
        await _keys.renew(FEDERATED, old, SERVER, talk())


async def test_a_script_without_its_app_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r'apps=\{"harbour"'):
        await _keys.finish(SCRIPT, None, login(SCRIPT), {"username": "a", "password": "b"}, talk())


# --- whatever comes ---------------------------------------------------------------------------------------------------
KEY_FLOWS = [
    pytest.param(flow, id=f"{found.name}-{flow.name}")
    for found in pkgutil.iter_modules(flows.__path__)
    if not found.name.startswith("_")
    for flow in importlib.import_module(f"socialkit.flows.{found.name}").FLOWS
    if isinstance(flow, KeyFlow)
]
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


async def reason(flow: Flow, told: dict[str, str], *answers: Any) -> str | None:
    """Why a login failed; None when it made a credential that can be used."""
    try:
        found = await _keys.finish(flow, None, login(flow), told, talk(*answers, flow=flow))
    except LoginFailed as failed:
        return failed.reason
    return None if found.kind == flow.kind and any(found.secrets()) else "nothing in it"


@pytest.mark.parametrize("flow", KEY_FLOWS)
@given(data=st.data())
async def test_any_text_for_any_key_is_a_credential_or_an_invalid_one(
    flow: KeyFlow, data: st.DataObject
) -> None:
    shapes = [st.from_regex(ask.shape, fullmatch=True) for ask in flow.asks if ask.shape]
    text = st.one_of(st.text(), *shapes, *(shape.map(lambda one: f"'{one}' \n") for shape in shapes))
    told = {ask.name: data.draw(text) for ask in flow.asks}
    assert await reason(flow, told) in (None, "invalid")


@given(body=json | st.dictionaries(st.sampled_from(["jwt", "error", "expires_in", "code"]), json))
async def test_any_answer_to_a_password_is_a_credential_or_an_error_of_ours(body: Any) -> None:
    assert await reason(FEDERATED, {"username": "a", "password": "b"}, answer(body)) in (None, "refused")
