"""Pages that hand out a token: the callback belongs to this login and this site, and a no is a no."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fakes import NOW, FakeCall, answer
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential
from socialkit.auth import App, Login, _pages
from socialkit.errors import ConfigError, LoginFailed, OutcomeUnknown, ReauthNeeded, Unavailable
from socialkit.flows import AppPasswordFlow, Ask, Flow, MiAuthFlow

SERVER = "https://example.com"
CALLBACK = "https://app.example.net/back?tenant=7"
MIAUTH = MiAuthFlow(name="miauth", title="Agree on the server's page")
SITE = AppPasswordFlow(
    name="application_password",
    title="Agree on the site's page",
    authorize_url="/wp-admin/authorize-application.php",
    asks=(
        Ask(name="user_login", words="User name", secret=False),
        Ask(name="password", words="Application password", shape=r"(?:[0-9A-Za-z] ?){24}", hint="24 letters"),
    ),
)
PASSWORD = "abcd EFGH 1234 ijkl MNOP 5678"


def talk(*answers: Any, flow: Flow = MIAUTH) -> FakeCall:
    return FakeCall(signed_in_class("harbour", "Harbour", (flow,))(SERVER), answers=answers)


def draft(flow: Flow, redirect_uri: str = CALLBACK, server: str = SERVER) -> Login:
    return Login(
        platform="harbour",
        server=server,
        flow=flow.name,
        url=None,
        redirect_uri=redirect_uri,
        state="st4te-of-this-login",
        capabilities=("publish",),
        scopes=("read:account", "write:notes"),
        expires_at=NOW + timedelta(minutes=10),
    )


async def begun(
    flow: Flow, redirect_uri: str = CALLBACK, *, app: App | None = None, server: str = SERVER
) -> Login:
    login = draft(flow, redirect_uri, server)
    asked = await _pages.begin(flow, app, login, talk())
    return attrs.evolve(login, url=asked.url, asks=asked.asks, secrets=asked.secrets)


def query(url: str | None) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url or "").query))


async def reason(flow: Flow, login: Login, told: dict[str, str], *answers: Any) -> str | None:
    """Why a login failed; None when it made a credential."""
    try:
        found = await _pages.finish(flow, None, login, told, talk(*answers))
    except LoginFailed as failed:
        return failed.reason
    return None if found.secrets() else "nothing in it"


# --- MiAuth -----------------------------------------------------------------------------------------------------------
async def test_the_page_has_a_session_of_ours_and_says_what_is_asked_for() -> None:
    login = await begun(MIAUTH, app=App(name="Harbour & Sons"), server="https://example.com/sub")
    session = urlsplit(login.url or "").path.removeprefix("/sub/miauth/")
    assert uuid.UUID(session).version == 4
    assert login.secrets == {"session": session}
    assert query(login.url) == {
        "name": "Harbour & Sons",
        "permission": "read:account,write:notes",
        "callback": CALLBACK,
    }


async def test_no_two_logins_share_a_session() -> None:
    one, other = await begun(MIAUTH), await begun(MIAUTH)
    assert one.secrets != other.secrets


async def test_the_session_is_exchanged_once_for_the_token() -> None:
    login = await begun(MIAUTH)
    call = talk(answer({"ok": True, "token": "t0ken", "user": {"id": "9ab", "username": "brand"}}))
    found = await _pages.finish(MIAUTH, None, login, {"session": login.secrets["session"]}, call)
    (asked,) = call.asked
    assert (asked.step, asked.method, asked.json) == ("attach", "POST", {})
    assert asked.url == f"{SERVER}/api/miauth/{login.secrets['session']}/check"
    assert found == Credential(
        "bearer",
        access_token="t0ken",
        scopes=("read:account", "write:notes"),
        extra={"id": "9ab", "name": "brand"},
    )


@pytest.mark.parametrize("told", [{}, {"session": ""}, {"session": str(uuid.UUID(int=7))}, {"session": "é"}])
async def test_a_callback_of_another_session_is_forged_and_asks_nothing(told: dict[str, str]) -> None:
    call = talk()
    with pytest.raises(LoginFailed, match="another session") as failed:
        await _pages.finish(MIAUTH, None, await begun(MIAUTH), told, call)
    assert failed.value.reason == "forged"
    assert not call.asked


@pytest.mark.parametrize(
    ("body", "status"),
    [({"ok": False}, 200), ({}, 200), ({"ok": True}, 200), ({"ok": True, "token": None}, 200), ("", 404)],
)
async def test_no_token_means_that_nobody_agreed_or_the_session_is_over(body: Any, status: int) -> None:
    login = await begun(MIAUTH)
    with pytest.raises(LoginFailed, match=r"said no, or this session expired or was used") as failed:
        await _pages.finish(MIAUTH, None, login, login.secrets, talk(answer(body, status)))
    assert failed.value.reason == "denied"
    assert login.secrets["session"] not in str(failed.value)


async def test_a_lost_token_is_lost_and_an_unreachable_server_is_not() -> None:
    login = await begun(MIAUTH)
    assert await reason(MIAUTH, login, login.secrets, OutcomeUnknown("lost")) == "lost"
    with pytest.raises(Unavailable):
        await _pages.finish(MIAUTH, None, login, login.secrets, talk(Unavailable("no way")))


async def test_without_a_callback_the_login_can_be_finished_too_early_and_again() -> None:
    login = await begun(MIAUTH, "")
    assert "callback" not in query(login.url)
    assert await reason(MIAUTH, login, {}, answer({"ok": False})) == "invalid"
    assert await reason(MIAUTH, login, {}, answer({"ok": True, "token": "t0ken"})) is None


# --- application passwords --------------------------------------------------------------------------------------------
def handed(login: Login, **more: str) -> dict[str, str]:
    """What the site adds to the callback."""
    back = query(query(login.url)["success_url"])
    return {**back, "site_url": SERVER, "user_login": "brand", "password": PASSWORD, **more}


async def test_the_page_gets_an_id_of_the_app_and_two_ways_back() -> None:
    login = await begun(SITE, app=App(name="Harbour"), server="https://example.com/blog")
    sent = query(login.url)
    assert (login.url or "").startswith("https://example.com/blog/wp-admin/authorize-application.php?")
    assert (sent["app_name"], uuid.UUID(sent["app_id"]).version) == ("Harbour", 4)
    assert query(sent["success_url"]) == {"tenant": "7", "state": login.state}
    assert query(sent["reject_url"]) == {"tenant": "7", "state": login.state, "success": "false"}
    assert login.asks == ()


async def test_the_callback_brings_name_and_password() -> None:
    login, call = await begun(SITE), talk()
    found = await _pages.finish(SITE, None, login, handed(login), call)
    assert found == Credential(
        "basic", client_id="brand", secret="abcdEFGH1234ijklMNOP5678", extra={"name": "brand"}
    )
    assert not call.asked


@pytest.mark.parametrize(
    "site", ["https://EXAMPLE.com", "https://example.com:443/blog", "https://example.com/"]
)
async def test_a_site_may_write_its_own_address_differently(site: str) -> None:
    login = await begun(SITE)
    assert await reason(SITE, login, handed(login, site_url=site)) is None


@pytest.mark.parametrize(
    "site",
    [
        "",
        "example.com",
        "https://example.com.example.org",
        "https://example.com@example.org",
        "https://example.com:8443",
        "https://[::1",
    ],
)
async def test_a_callback_of_another_site_is_forged(site: str) -> None:
    login = await begun(SITE)
    with pytest.raises(LoginFailed, match=r"another site than https://example\.com") as failed:
        await _pages.finish(SITE, None, login, handed(login, site_url=site), talk())
    assert failed.value.reason == "forged"
    assert "EFGH" not in str(failed.value)


@pytest.mark.parametrize("state", ["", "st4te", "é"])
async def test_a_callback_without_the_state_of_the_login_is_forged_even_as_a_no(state: str) -> None:
    login = await begun(SITE)
    assert await reason(SITE, login, handed(login, state=state)) == "forged"
    assert await reason(SITE, login, {"success": "false", "state": state}) == "forged"


async def test_a_no_is_denied() -> None:
    login = await begun(SITE)
    assert await reason(SITE, login, query(query(login.url)["reject_url"])) == "denied"


@pytest.mark.parametrize("missing", ["user_login", "password"])
async def test_a_callback_with_half_of_the_pair_is_refused(missing: str) -> None:
    login = await begun(SITE)
    assert await reason(SITE, login, handed(login, **{missing: ""})) == "refused"


@pytest.mark.parametrize("redirect_uri", ["", "http://127.0.0.1:8080/back"])
async def test_where_the_site_hands_nothing_over_the_person_pastes_what_it_shows(redirect_uri: str) -> None:
    login = await begun(SITE, redirect_uri)
    assert set(query(login.url)) == {"app_name", "app_id"}
    assert login.asks == SITE.asks
    told = {"user_login": " brand\n", "password": f'"{PASSWORD}"'}
    found = await _pages.finish(SITE, None, login, told, talk())
    assert (found.client_id, found.secret) == ("brand", "abcdEFGH1234ijklMNOP5678")
    with pytest.raises(LoginFailed, match=r"Application password: .*24 letters") as failed:
        await _pages.finish(SITE, None, login, {**told, "password": "my login password"}, talk())
    assert failed.value.reason == "invalid"
    assert "my login" not in str(failed.value)


async def test_a_custom_scheme_is_handed_the_password() -> None:
    login = await begun(SITE, "com.example.app://back")
    assert query(login.url)["success_url"] == f"com.example.app://back?state={login.state}"


async def test_a_flow_that_asks_nobody_needs_a_callback_it_takes() -> None:
    with pytest.raises(ConfigError, match="https callback"):
        await begun(attrs.evolve(SITE, asks=()), "http://127.0.0.1:8080/back")


# --- both -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("flow", [MIAUTH, SITE], ids=lambda flow: flow.name)
async def test_what_is_refused_later_needs_a_person(flow: Flow) -> None:
    with pytest.raises(ReauthNeeded, match="sign in again"):
        await _pages.renew(flow, Credential("bearer", access_token="t"), SERVER, talk())


@pytest.mark.parametrize("flow", [MIAUTH, SITE], ids=lambda flow: flow.name)
@given(data=st.data())
async def test_any_query_of_a_callback_makes_no_credential_without_proof(
    flow: Flow, data: st.DataObject
) -> None:
    login = await begun(flow)
    names = st.sampled_from(["state", "session", "success", "site_url", "user_login", "password"])
    told = data.draw(st.dictionaries(names, st.text() | st.just(SERVER)))
    assert await reason(flow, login, told) == "forged"
