"""The Discord sandbox over HTTP: consents that make webhooks, pasted webhooks, bots."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from socialkit.sandbox import Sandbox

CALLBACK = "https://app.example.com/discord"
API = "https://discord.com/api/v10"


@pytest.fixture
def box():
    with Sandbox(["discord"]) as made:
        yield made


@pytest.fixture
def app(box):
    return box.discord.app_for("oauth2", CALLBACK)


@pytest.fixture
def client(box, http):
    return http(box)


def page(app, scope="webhook.incoming", **more):
    query = {"client_id": app["client_id"], "scope": scope, "response_type": "code", "state": "s1"}
    return f"https://discord.com/oauth2/authorize?{urlencode({**query, 'redirect_uri': CALLBACK, **more})}"


@pytest.fixture
def consent(box, app, client):
    async def consent(username="brand", untick=(), auth=None, **more) -> httpx.Response:
        back = parse_qs(urlsplit(box.discord.approve(page(app, **more), username, untick=untick)).query)
        form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": CALLBACK}
        return await client.post(f"{API}/oauth2/token", data=form if auth else form | app, auth=auth)

    return consent


def error(answer):
    return answer.status_code, answer.json()["code"], answer.json()["message"]


async def test_the_consent_makes_a_webhook_that_outlives_its_token(box, client, consent):
    told = (await consent()).json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 604_800, "webhook.incoming")
    hook = told["webhook"]
    assert hook["id"] == box.discord.identity_of("brand")
    assert hook["url"] == f"https://discord.com/api/webhooks/{hook['id']}/{hook['token']}"
    box.clock.advance(30 * 86_400)
    for base in (API, "https://discord.com/api"):
        shown = await client.get(f"{base}/webhooks/{hook['id']}/{hook['token']}")
        assert shown.status_code == 200
        assert {name: shown.json()[name] for name in ("id", "type", "application_id")} == {
            "id": hook["id"],
            "type": 1,
            "application_id": hook["application_id"],
        }


async def test_every_consent_makes_another_webhook(box, consent):
    first, second = (await consent()).json()["webhook"], (await consent()).json()["webhook"]
    assert first["id"] != second["id"] == box.discord.identity_of("brand")
    assert (await consent("other")).json()["webhook"]["id"] == box.discord.identity_of("other")


async def test_without_the_scope_there_is_no_webhook(consent):
    assert "webhook" not in (await consent(untick={"webhook.incoming"})).json()


async def test_the_app_may_prove_itself_in_the_header(app, consent):
    assert (await consent(auth=(app["client_id"], app["client_secret"]))).status_code == 200
    wrong = await consent(auth=(app["client_id"], "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")


async def test_a_webhook_nobody_knows_and_one_with_another_token(box, client):
    url = box.discord.answers("webhook")["webhook_url"].replace("/api/", "/api/v10/")
    head, _, token = url.rpartition("/")
    assert error(await client.get(f"{head}/{token}x")) == (401, 50027, "Invalid Webhook Token")
    assert error(await client.get(f"{API}/webhooks/1/{token}")) == (404, 10015, "Unknown Webhook")


async def test_deleting_a_webhook_needs_its_address_alone(box, client):
    url = box.discord.answers("webhook")["webhook_url"]
    assert (await client.delete(url)).status_code == 204
    assert error(await client.get(url))[:2] == (404, 10015)
    newer = box.discord.answers("webhook")["webhook_url"]
    assert newer != url
    assert (await client.get(newer)).json()["id"] == box.discord.identity_of("brand")


async def test_somebody_deletes_the_webhook(box, client):
    url = box.discord.answers("webhook")["webhook_url"]
    box.discord.revoke(url.rpartition("/")[2])
    assert error(await client.get(url))[:2] == (404, 10015)


async def test_a_bot_says_who_it_is(box, client):
    token = box.discord.answers("bot")["bot_token"]
    me = (await client.get(f"{API}/users/@me", headers={"authorization": f"Bot {token}"})).json()
    assert (me["id"], me["bot"]) == (box.discord.identity_of("brand"), True)
    wrong_scheme = await client.get(f"{API}/users/@me", headers={"authorization": f"Bearer {token}"})
    assert error(wrong_scheme) == (401, 0, "401: Unauthorized")
    box.discord.revoke(token)
    gone = await client.get(f"{API}/users/@me", headers={"authorization": f"Bot {token}"})
    assert error(gone) == (401, 0, "401: Unauthorized")


async def test_programs_that_do_not_say_what_they_are_may_be_stopped(box, client):
    url = box.discord.answers("webhook")["webhook_url"]
    assert error(await client.get(url, headers={"user-agent": ""}))[:2] == (403, 40333)
    box.discord.checks_agent = True
    assert error(await client.get(url, headers={"user-agent": "socialkit/1"}))[:2] == (403, 40333)
    named = {"user-agent": "DiscordBot (https://example.com, 1.0)"}
    assert (await client.get(url, headers=named)).status_code == 200


async def test_a_refusal_comes_back_as_such(box, app):
    back = urlsplit(box.discord.deny(page(app)))
    assert parse_qs(back.query) == {"error": ["access_denied"], "state": ["s1"]}


async def test_the_transcript_shows_no_webhook_token(box, client):
    url = box.discord.answers("webhook")["webhook_url"]
    await client.get(url)
    (kept,) = box.requests
    assert url.rpartition("/")[2] not in repr(kept)


async def test_a_revoked_oauth_token_leaves_the_webhook(box, app, client, consent):
    told = (await consent()).json()
    form = {**app, "token": told["access_token"]}
    assert (await client.post(f"{API}/oauth2/token/revoke", data=form)).status_code == 200
    assert told["access_token"] not in box.discord.grants
    assert (await client.get(told["webhook"]["url"])).status_code == 200
