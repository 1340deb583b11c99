"""The Slack sandbox over HTTP: installing an app, rotation, and errors that come with HTTP 200."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from socialkit.sandbox import Sandbox

CALLBACK = "https://app.example.com/slack"


@pytest.fixture
def box():
    with Sandbox(["slack"]) as made:
        yield made


@pytest.fixture
def app(box):
    return box.slack.app_for("oauth2", CALLBACK)


@pytest.fixture
def client(box, http):
    return http(box, base_url="https://slack.com")


@pytest.fixture
def install(box, app, client):
    async def install(scope="chat:write,files:write", username="brand", untick=()):
        query = {"client_id": app["client_id"], "scope": scope, "state": "s1", "redirect_uri": CALLBACK}
        url = f"https://slack.com/oauth/v2/authorize?{urlencode(query)}"
        back = parse_qs(urlsplit(box.slack.approve(url, username, untick=untick)).query)
        assert back["state"] == ["s1"]
        form = {**app, "code": back["code"][0], "redirect_uri": CALLBACK}
        return (await client.post("/api/oauth.v2.access", data=form)).json()

    return install


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    assert answer.json()["ok"] is False
    return answer.json()["error"]


async def test_an_installed_app_gets_a_bot_token_that_never_ends(box, client, install):
    told = await install()
    assert told["ok"] is True
    assert told["token_type"] == "bot"
    assert told["access_token"].startswith("xoxb-")
    assert told["scope"] == "chat:write,files:write"
    assert f"{told['team']['id']}:{told['bot_user_id']}" == box.slack.identity_of("brand")
    assert not {"expires_in", "refresh_token"} & told.keys()
    box.clock.advance(366 * 86_400)
    answer = await client.get("/api/auth.test", headers=bearer(told["access_token"]))
    me = answer.json()
    assert (me["team_id"], me["user_id"]) == (told["team"]["id"], told["bot_user_id"])
    assert me["url"] == "https://brand.slack.com/"
    assert answer.headers["x-oauth-scopes"] == "chat:write,files:write"
    assert "x-accepted-oauth-scopes" in answer.headers


async def test_another_workspace_is_another_account(box, install):
    told = await install(username="other")
    assert f"{told['team']['id']}:{told['bot_user_id']}" == box.slack.identity_of("other")
    assert box.slack.identity_of("other") != box.slack.identity_of("brand")


async def test_with_rotation_a_token_lives_twelve_hours_and_each_refresh_token_once(
    box, app, client, install
):
    box.slack.access_seconds = 43_200
    first = await install()
    assert first["expires_in"] == 43_200
    assert first["access_token"].startswith("xoxe.xoxb-")
    assert first["refresh_token"].startswith("xoxe-")
    box.clock.advance(43_200)
    assert said(await client.post("/api/auth.test", headers=bearer(first["access_token"]))) == "token_expired"
    form = {**app, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await client.post("/api/oauth.v2.access", data=form)).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/api/auth.test", headers=bearer(second["access_token"]))).json()["ok"] is True
    assert said(await client.post("/api/oauth.v2.access", data=form)) == "invalid_refresh_token"
    assert box.slack.refresh_count == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "bad_client_secret"),
        ({"code": "made-up"}, "invalid_code"),
        ({"redirect_uri": "https://elsewhere.example.com"}, "bad_redirect_uri"),
        ({"grant_type": "password"}, "invalid_grant_type"),
    ],
)
async def test_what_the_token_address_refuses(box, app, client, change, error):
    query = {"client_id": app["client_id"], "scope": "chat:write", "redirect_uri": CALLBACK}
    url = f"https://slack.com/oauth/v2/authorize?{urlencode(query)}"
    code = parse_qs(urlsplit(box.slack.approve(url)).query)["code"][0]
    form = {**app, "code": code, "redirect_uri": CALLBACK, **change}
    assert said(await client.post("/api/oauth.v2.access", data=form)) == error


async def test_a_code_is_good_once_and_basic_proves_the_app_too(box, app, client):
    query = {"client_id": app["client_id"], "scope": "chat:write", "redirect_uri": CALLBACK}
    url = f"https://slack.com/oauth/v2/authorize?{urlencode(query)}"
    form = {"code": parse_qs(urlsplit(box.slack.approve(url)).query)["code"][0], "redirect_uri": CALLBACK}
    pair = (app["client_id"], app["client_secret"])
    assert (await client.post("/api/oauth.v2.access", data=form, auth=pair)).json()["ok"] is True
    assert said(await client.post("/api/oauth.v2.access", data=form, auth=pair)) == "invalid_code"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"redirect_uri": "http://127.0.0.1:8000/"}, "bad_redirect_uri"),
        ({"redirect_uri": "https://elsewhere.example.com"}, "bad_redirect_uri"),
        ({"scope": ""}, "no_scopes"),
    ],
)
async def test_what_the_page_refuses(app, client, change, error):
    query = {"client_id": app["client_id"], "scope": "chat:write", "redirect_uri": CALLBACK, **change}
    assert said(await client.get("/oauth/v2/authorize", params=query)) == error


def test_a_refusal_comes_back_as_such(box, app):
    query = {"client_id": app["client_id"], "scope": "chat:write", "state": "s1", "redirect_uri": CALLBACK}
    back = box.slack.deny(f"https://slack.com/oauth/v2/authorize?{urlencode(query)}")
    assert parse_qs(urlsplit(back).query) == {"error": ["access_denied"], "state": ["s1"]}


async def test_a_scope_that_was_not_granted_is_named(client, install):
    told = await install("chat:write,channels:read", untick={"channels:read"})
    answer = await client.get("/api/conversations.list", headers=bearer(told["access_token"]))
    assert answer.json() == {
        "ok": False,
        "error": "missing_scope",
        "needed": "channels:read",
        "provided": "chat:write",
    }


async def test_a_revoked_token_is_told_from_one_nobody_gave(box, client, install):
    token = (await install())["access_token"]
    assert (await client.get("/api/auth.revoke?test=1", headers=bearer(token))).json() == {
        "ok": True,
        "revoked": False,
    }
    assert (await client.get("/api/auth.revoke", headers=bearer(token))).json() == {
        "ok": True,
        "revoked": True,
    }
    assert said(await client.get("/api/auth.test", headers=bearer(token))) == "token_revoked"
    assert said(await client.get("/api/auth.test", headers=bearer("xoxb-1"))) == "invalid_auth"
    assert said(await client.get("/api/auth.test")) == "not_authed"


async def test_the_bot_token_of_the_apps_page_is_the_same_account(box, client):
    token = box.slack.answers("bot_token")["bot_token"]
    me = (await client.get("/api/auth.test", headers=bearer(token))).json()
    assert f"{me['team_id']}:{me['user_id']}" == box.slack.identity_of("brand")


async def test_methods_nobody_knows(client):
    assert said(await client.post("/api/chat.shout")) == "unknown_method"


async def test_when_the_answer_to_a_renewal_is_lost_the_refresh_token_is_spent(box, app, client, install):
    box.slack.access_seconds = 43_200
    first = await install()
    form = {**app, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    box.fault("dropped-after", platform="slack", match="POST /api/oauth.v2.access")
    with pytest.raises(httpx.TransportError):
        await client.post("/api/oauth.v2.access", data=form)
    assert said(await client.post("/api/oauth.v2.access", data=form)) == "invalid_refresh_token"


async def test_a_callback_without_tls_is_refused_even_when_it_was_registered(box, client):
    address = "http://127.0.0.1:8000/"
    app = box.slack.app_for("oauth2", address)
    query = {"client_id": app["client_id"], "scope": "chat:write", "redirect_uri": address}
    assert said(await client.get("/oauth/v2/authorize", params=query)) == "bad_redirect_uri"
