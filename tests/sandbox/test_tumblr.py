"""Signing in to Tumblr, both ways: OAuth 2.0 with tokens of 42 minutes, OAuth 1.0a in three steps."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import AGENT, BACK, ask, bearer, pair, sign, told, with_code, with_refresh

from socialkit.sandbox import Sandbox

WWW, API = "https://www.tumblr.com", "https://api.tumblr.com"
TOKEN = f"{API}/v2/oauth2/token"
INFO = f"{API}/v2/user/info"
DAY = 86_400
NO = {
    "meta": {"status": 401, "msg": "Unauthorized"},
    "response": [],
    "errors": [{"title": "Unauthorized", "code": 1016, "detail": "Unable to authorize"}],
}


@pytest.fixture
def box():
    with Sandbox(["tumblr"]) as made:
        yield made


@pytest.fixture
def anybody(box, http):
    return http(box)


@pytest.fixture
def app(box):
    return box.tumblr.app_for("oauth2", BACK)


def asked(app, scope="basic write offline_access", **query):
    return ask(f"{WWW}/oauth2/authorize", app["client_id"], scope, **query)


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.tumblr.approve(asked(app, **query), username)
    answer = await anybody.post(TOKEN, data=with_code(back, **app))
    assert answer.status_code == 200, answer.text
    return answer.json()


def primary(answer):
    assert answer.status_code == 200, answer.text
    assert answer.json()["meta"] == {"status": 200, "msg": "OK"}
    blogs = answer.json()["response"]["user"]["blogs"]
    assert [blog["primary"] for blog in blogs] == [True, False]
    assert blogs[0]["uuid"] != blogs[1]["uuid"]
    return blogs[0]


class TestOAuth2:
    async def test_a_person_signs_in(self, box, anybody, app):
        tokens = await signed_in(box, anybody, app, "other")
        assert tokens == {
            "access_token": tokens["access_token"],
            "token_type": "bearer",
            "scope": "basic offline_access write",
            "expires_in": 2520,
            "refresh_token": tokens["refresh_token"],
        }
        blog = primary(await anybody.get(INFO, headers=bearer(tokens["access_token"])))
        assert (blog["uuid"], blog["name"]) == (box.tumblr.identity_of("other"), "other")

    async def test_the_page_and_its_refusal(self, anybody, app):
        assert (await anybody.get(asked(app))).text.count("checked disabled") == 3
        landed = await anybody.post(asked(app), data={"decision": "deny"})
        assert told(landed.headers["location"]) == {"error": "access_denied", "state": "s1"}

    async def test_a_single_callback_address_may_be_left_out(self, box, anybody, app):
        back = box.tumblr.approve(asked(app, redirect_uri=None))
        assert back.startswith(f"{BACK}?code=")
        form = {name: value for name, value in with_code(back, **app).items() if name != "redirect_uri"}
        assert (await anybody.post(TOKEN, json=form)).status_code == 200
        box.tumblr.app_for("oauth2", f"{BACK}2")
        assert (await anybody.get(asked(app, redirect_uri=None))).status_code == 400

    async def test_a_callback_that_was_named_is_named_again(self, box, anybody, app):
        form = with_code(box.tumblr.approve(asked(app)), **app)
        del form["redirect_uri"]
        assert (await anybody.post(TOKEN, data=form)).json()["error"] == "invalid_grant"

    async def test_without_offline_access_there_is_no_refresh_token(self, box, anybody, app):
        assert "refresh_token" not in await signed_in(box, anybody, app, scope="basic")

    async def test_renewing_spends_the_refresh_token(self, box, anybody, app):
        tokens = await signed_in(box, anybody, app)
        box.clock.advance(2520)
        refused = await anybody.get(INFO, headers=bearer(tokens["access_token"]))
        assert (refused.status_code, refused.json()) == (401, NO)
        form = with_refresh(tokens["refresh_token"], **app)
        newer = (await anybody.post(TOKEN, data=form)).json()
        assert newer["refresh_token"] != tokens["refresh_token"]
        primary(await anybody.get(INFO, headers=bearer(newer["access_token"])))
        again = await anybody.post(TOKEN, data=form)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")

    async def test_refresh_tokens_live_42_days(self, box, anybody, app):
        tokens = await signed_in(box, anybody, app)
        box.clock.advance(42 * DAY - 1)
        tokens = (await anybody.post(TOKEN, data=with_refresh(tokens["refresh_token"], **app))).json()
        box.clock.advance(42 * DAY)
        answer = await anybody.post(TOKEN, data=with_refresh(tokens["refresh_token"], **app))
        assert answer.json()["error"] == "invalid_grant"

    async def test_the_secret_is_checked(self, box, anybody, app):
        form = with_code(box.tumblr.approve(asked(app)), **{**app, "client_secret": "guessed"})
        assert (await anybody.post(TOKEN, data=form)).status_code == 401

    async def test_an_app_alone_is_nobody(self, anybody, app):
        tokens = (await anybody.post(TOKEN, data={"grant_type": "client_credentials", **app})).json()
        assert "refresh_token" not in tokens
        assert (await anybody.get(INFO, headers=bearer(tokens["access_token"]))).status_code == 401

    async def test_a_scope_is_needed(self, box, anybody, app):
        tokens = await signed_in(box, anybody, app, scope="write")
        assert (await anybody.get(INFO, headers=bearer(tokens["access_token"]))).status_code == 403

    async def test_revoking_ends_everything(self, box, anybody, app):
        tokens = await signed_in(box, anybody, app)
        box.tumblr.revoke(tokens["refresh_token"])
        assert (await anybody.get(INFO, headers=bearer(tokens["access_token"]))).status_code == 401

    async def test_a_lost_renewal_has_spent_the_refresh_token(self, box, anybody, app):
        form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
        box.fault("dropped-after", platform="tumblr", match="POST /v2/oauth2/token")
        with pytest.raises(httpx.TransportError):
            await anybody.post(TOKEN, data=form)
        assert (await anybody.post(TOKEN, data=form)).status_code == 400


class TestOAuth1:
    async def step(self, box, anybody, app, name, token=("", ""), **oauth):
        header = sign(box, "POST", f"{WWW}/oauth/{name}", app, token, **oauth)
        return await anybody.post(f"{WWW}/oauth/{name}", headers={"authorization": header})

    async def signed_in(self, box, anybody, app, username="brand"):
        token = pair(await self.step(box, anybody, app, "request_token", oauth_callback=BACK))
        back = told(box.tumblr.approve(f"{WWW}/oauth/authorize?oauth_token={token[0]}", username))
        verifier = back["oauth_verifier"]
        return pair(await self.step(box, anybody, app, "access_token", token, oauth_verifier=verifier))

    async def info(self, box, anybody, app, token, url=INFO):
        header = sign(box, "GET", url, app, token)
        return await anybody.get(INFO, headers={"authorization": header, "user-agent": AGENT})

    async def test_a_person_signs_in_for_good(self, box, anybody, app):
        token = await self.signed_in(box, anybody, app, "other")
        box.clock.advance(5 * 365 * DAY)
        blog = primary(await self.info(box, anybody, app, token))
        assert blog["uuid"] == box.tumblr.identity_of("other")

    async def test_a_wrong_signature_is_code_1016(self, box, anybody, app):
        token = await self.signed_in(box, anybody, app)
        for answer in (
            await self.info(box, anybody, app, (token[0], "guessed")),
            await self.info(box, anybody, app, token, f"{INFO}2"),
            await self.step(box, anybody, app, "request_token", oauth_callback=BACK, oauth_timestamp="1"),
            await anybody.get(INFO, headers=bearer(token[0])),
        ):
            assert (answer.status_code, answer.json()) == (401, NO)

    async def test_no_leaves_the_request_token_useless(self, box, anybody, app):
        token = pair(await self.step(box, anybody, app, "request_token", oauth_callback=BACK))
        back = told(box.tumblr.deny(f"{WWW}/oauth/authorize?oauth_token={token[0]}"))
        assert "oauth_verifier" not in back
        answer = await self.step(box, anybody, app, "access_token", token, oauth_verifier="1")
        assert answer.status_code == 401

    async def test_a_revoked_token_is_refused(self, box, anybody, app):
        token = await self.signed_in(box, anybody, app)
        box.tumblr.revoke(token[0])
        assert (await self.info(box, anybody, app, token)).status_code == 401

    async def test_a_token_can_be_exchanged_for_oauth_2_and_dies(self, box, anybody, app):
        token = await self.signed_in(box, anybody, app)
        url = f"{API}/v2/oauth2/exchange"
        header = sign(box, "POST", url, app, token, form=list(app.items()))
        answer = await anybody.post(url, data=app, headers={"authorization": header})
        assert (answer.status_code, answer.json()["scope"]) == (200, "basic write")
        primary(await anybody.get(INFO, headers=bearer(answer.json()["access_token"])))
        renewed = await anybody.post(TOKEN, data=with_refresh(answer.json()["refresh_token"], **app))
        assert renewed.status_code == 200
        assert (await self.info(box, anybody, app, token)).status_code == 401


async def test_a_user_agent_is_required(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    headers = {**bearer(tokens["access_token"]), "user-agent": ""}
    assert (await anybody.get(INFO, headers=headers)).status_code == 403


async def test_answers_tell_what_is_left(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    answer = await anybody.get(INFO, headers=bearer(tokens["access_token"]))
    assert answer.headers["x-ratelimit-perhour-limit"] == "1000"
    assert answer.headers["x-ratelimit-perhour-remaining"] == "999"
    assert answer.headers["x-ratelimit-perhour-reset"] == "3600"
