"""Who asks X: tokens, their refresh, logins, and signatures that are really verified."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from sign_in_talk import BACK, PKCE, VERIFIER, ask, bearer, pair, sign, told, with_code
from x_talk import API, POSTS, TIMELINE, post, problem_of, read, upload

from media_files import png
from socialkit.sandbox import Sandbox
from socialkit.sandbox.oauth1 import signature


@pytest.fixture
def box():
    with Sandbox(["x"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    """A client with the brand's token."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.token('brand')}"})


@pytest.fixture
def app(box, http):
    """A client with the app-only token."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.app_token()}"})


@pytest.fixture
def anybody(box, http):
    """A client without a token."""
    return http(box, base_url=API)


async def test_an_access_token_lives_two_hours(box, brand):
    box.clock.advance(7199)
    assert (await brand.get("/2/users/me")).status_code == 200
    box.clock.advance(1)
    answer = await brand.get("/2/users/me")
    assert answer.status_code == 401
    assert answer.json() == {
        "title": "Unauthorized",
        "detail": "Unauthorized",
        "type": "about:blank",
        "status": 401,
    }
    assert box.x.token("brand") not in brand.headers["authorization"]


async def test_app_only_tokens_read_but_do_not_post(app, brand):
    made = await post(brand)
    assert (await read(app, made["id"]))["data"]["text"] == "hello"
    for answer in (await app.post(POSTS, json={"text": "x"}), await app.get("/2/users/me")):
        assert answer.status_code == 403
        assert answer.json()["type"] == "https://api.x.com/2/problems/unsupported-authentication"
    assert (await brand.get("/2/usage/tweets")).status_code == 403
    assert (await app.get("/2/usage/tweets")).json()["data"]["project_usage"] == "1"


@pytest.mark.parametrize("given", [None, "Bearer no", "Basic abc", "OAuth oauth_token=x"])
async def test_no_credential_is_401(anybody, given):
    headers = {"authorization": given} if given else {}
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 401


async def test_a_missing_scope_is_403(box, http):
    token = box.x.token("brand", "tweet.read users.read tweet.write")
    client = http(box, base_url=API, headers={"authorization": f"Bearer {token}"})
    await post(client, "media_ids")
    answer = await client.post(POSTS, json={"text": "x", "media": {"media_ids": ["17"]}})
    assert problem_of(answer) == (403, "You are not permitted to perform this action.")
    assert problem_of(await upload(client, png())) == (403, "You are not permitted to perform this action.")


async def test_a_suspended_account_is_code_64(box, brand):
    box.x.people["brand"].suspended = True
    answer = await brand.get("/2/users/me")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 64)


async def refresh(client, box, token, **fields):
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": box.x.client_id, **fields}
    return await client.post("/2/oauth2/token", data=form)


async def test_a_refresh_token_works_once_and_brings_the_next(box, anybody):
    old = box.x.refresh_token("brand")
    answer = (await refresh(anybody, box, old)).json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 7200)
    assert answer["refresh_token"] == box.x.refresh_token("brand") != old
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await anybody.get("/2/users/me", headers=headers)).json()["data"]["username"] == "brand"
    spent = await refresh(anybody, box, old)
    assert (spent.status_code, spent.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Value passed for the token was invalid."},
    )


async def test_a_confidential_client_needs_its_header(box, anybody):
    box.x.confidential = True
    token = box.x.refresh_token("brand")
    answer = await refresh(anybody, box, token)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")
    pair = httpx.BasicAuth(box.x.client_id, box.x.client_secret)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert (await anybody.post("/2/oauth2/token", data=form, auth=pair)).status_code == 200


async def test_revoking_ends_a_token(box, anybody, brand):
    token = brand.headers["authorization"].removeprefix("Bearer ")
    form = {"token": token, "client_id": box.x.client_id}
    assert (await anybody.post("/2/oauth2/revoke", data=form)).json() == {"revoked": True}
    assert (await brand.get("/2/users/me")).status_code == 401


@pytest.mark.parametrize("fault", [None, "verifier", "late", "twice"])
async def test_a_code_with_pkce_becomes_tokens(box, anybody, fault):
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": box.x.client_id,
        "redirect_uri": "http://127.0.0.1:9/back",
        "scope": "tweet.read users.read offline.access",
        "state": "s",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    page = f"/i/oauth2/authorize?{urlencode(asked)}"
    back = await anybody.post(page, data={"decision": "allow", "username": "brand"})
    given = parse_qs(urlsplit(back.headers["location"]).query)
    assert given["state"] == ["s"]
    form = {
        "grant_type": "authorization_code",
        "code": given["code"][0],
        "redirect_uri": asked["redirect_uri"],
        "client_id": box.x.client_id,
        "code_verifier": "w" * 50 if fault == "verifier" else verifier,
    }
    box.clock.advance(31 if fault == "late" else 29)
    answer = await anybody.post("/2/oauth2/token", data=form)
    if fault == "twice":
        answer = await anybody.post("/2/oauth2/token", data=form)
    if fault is None:
        assert answer.json()["scope"] == "offline.access tweet.read users.read"
        assert (await refresh(anybody, box, answer.json()["refresh_token"])).status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_app_only_token_is_for_the_api_key(box, anybody):
    form = {"grant_type": "client_credentials"}
    pair = httpx.BasicAuth(box.x.api_key, box.x.api_secret)
    answer = await anybody.post("/oauth2/token", data=form, auth=pair)
    assert answer.json() == {"token_type": "bearer", "access_token": box.x.app_token()}
    refused = await anybody.post("/oauth2/token", data=form, auth=httpx.BasicAuth("a", "b"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 99)


# --- OAuth 1.0a ---


def signed(box, method, url, keys=None, query=(), form=(), **changes):
    """The Authorization header of a request."""
    key, secret, token, token_secret = keys or box.x.oauth1("brand")
    given = {
        "oauth_consumer_key": key,
        "oauth_nonce": secrets.token_hex(8),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(box.clock.now().timestamp())),
        "oauth_token": token,
        "oauth_version": "1.0",
        **changes,
    }
    pairs = [*given.items(), *query, *form]
    given["oauth_signature"] = signature(method, url, pairs, secret, token_secret)
    return "OAuth " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in given.items())


def test_a_signature_is_that_of_the_published_example():
    """RFC 5849, section 3.1, whose base string is in 3.4.1.1 (its own signature uses these secrets)."""
    given = [
        ("b5", "=%3D"),
        ("a3", "a"),
        ("c@", ""),
        ("a2", "r b"),
        ("c2", ""),
        ("a3", "2 q"),
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    made = signature("POST", "http://example.com/request", given, "j49sk3j29djd", "dh893hdasih9")
    assert made == "r6/TJjbCOr97/+UU0NsvSne7s5g="


async def test_a_signed_request_is_the_account(box, anybody):
    query = [("user.fields", "created_at,name")]
    header = signed(box, "GET", f"{API}/2/users/me", query=query)
    answer = await anybody.get("/2/users/me", params=query, headers={"authorization": header})
    assert answer.json()["data"]["username"] == "brand"
    query = [("exclude", "replies,retweets"), ("max_results", "5")]
    header = signed(box, "GET", f"{API}{TIMELINE}", query=query)
    answer = await anybody.get(TIMELINE, params=query, headers={"authorization": header})
    assert answer.json() == {"meta": {"result_count": 0}}
    header = signed(box, "POST", f"{API}{POSTS}")
    assert (
        await anybody.post(POSTS, json={"text": "signed"}, headers={"authorization": header})
    ).status_code == 201


@pytest.mark.parametrize("what", ["method", "url", "query", "secret", "old", "plain", "twice"])
async def test_a_wrong_signature_is_401(box, anybody, what):
    keys = list(box.x.oauth1("brand"))
    keys[1] = "wrong" if what == "secret" else keys[1]
    url = f"{API}/2/users/{'you' if what == 'url' else 'me'}"
    changes = {"oauth_timestamp": str(int(box.clock.now().timestamp()) - 400)} if what == "old" else {}
    changes |= {"oauth_signature_method": "PLAINTEXT"} if what == "plain" else {}
    query = [("user.fields", "name")] if what == "query" else []
    method = "POST" if what == "method" else "GET"
    headers = {"authorization": signed(box, method, url, keys, query, **changes)}
    if what == "twice":
        assert (await anybody.get("/2/users/me", headers=headers)).status_code == 200
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 401


async def test_a_read_only_app_cannot_post(box, anybody):
    keys = box.x.oauth1("brand", writes=False)
    headers = {"authorization": signed(box, "GET", f"{API}/2/users/me", keys)}
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 200
    headers = {"authorization": signed(box, "POST", f"{API}{POSTS}", keys)}
    answer = await anybody.post(POSTS, json={"text": "x"}, headers=headers)
    assert answer.json()["type"].endswith("/oauth1-permissions")


async def test_signatures_over_the_loopback_address_hold_too(box):
    with box.serve() as url:
        header = signed(box, "GET", f"{url}/x/2/users/me")
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{url}/x/2/users/me", headers={"authorization": header})
    assert answer.json()["data"]["username"] == "brand"


# --- signing in ---


def consent(box, **changes):
    asked = {
        "scope": "tweet.read users.read offline.access",
        "client_id": box.x.client_id,
        "redirect_uri": BACK,
        **PKCE,
        **changes,
    }
    scope, client_id = asked.pop("scope"), asked.pop("client_id")
    return ask("https://x.com/i/oauth2/authorize", client_id, scope, **asked)


async def test_the_consent_page_is_x_com_s_and_takes_all_scopes_or_none(box, http):
    box.x.app_for("oauth2", BACK)
    page = await http(box).get(consent(box))
    assert 'value="other"' in page.text
    assert page.text.count("checked disabled") == 3
    landed = await http(box).post(consent(box), data={"decision": "deny"})
    assert told(landed.headers["location"]) == {"error": "access_denied", "state": "s1"}


async def test_another_person_may_sign_in(box, anybody):
    app = box.x.app_for("oauth2", BACK)
    form = with_code(box.x.approve(consent(box), "other"), code_verifier=VERIFIER, **app)
    answer = (await anybody.post("/2/oauth2/token", data=form)).json()
    me = await anybody.get("/2/users/me", headers=bearer(answer["access_token"]))
    assert me.json()["data"]["id"] == box.x.identity_of("other") != box.x.identity_of("brand")


async def test_without_offline_access_there_is_no_refresh_token(box, anybody):
    app = box.x.app_for("oauth2", BACK)
    back = box.x.approve(consent(box, scope="tweet.read users.read"))
    answer = (
        await anybody.post("/2/oauth2/token", data=with_code(back, code_verifier=VERIFIER, **app))
    ).json()
    assert answer["scope"] == "tweet.read users.read"
    assert "refresh_token" not in answer


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"redirect_uri": f"{BACK}/"}, 400),
        ({"scope": "tweet.read tweet.fly"}, 400),
        ({"code_challenge": None}, 400),
        ({"client_id": "another"}, 401),
        ({"state": "s" * 501}, 400),
    ],
)
async def test_a_wrong_authorize_address_is_refused(box, http, wrong, status):
    box.x.app_for("oauth2", BACK)
    answer = await http(box).get(consent(box, **wrong))
    assert answer.status_code == status


async def test_revoking_a_sign_in_by_hand_ends_both_tokens(box, anybody):
    app = box.x.app_for("oauth2", BACK)
    form = with_code(box.x.approve(consent(box)), code_verifier=VERIFIER, **app)
    answer = (await anybody.post("/2/oauth2/token", data=form)).json()
    box.x.revoke(answer["access_token"])
    assert (await anybody.get("/2/users/me", headers=bearer(answer["access_token"]))).status_code == 401
    assert (await refresh(anybody, box, answer["refresh_token"])).status_code == 400


@pytest.mark.parametrize("fault", ["dropped-after", "stored-then-500"])
async def test_a_lost_renewal_has_spent_the_refresh_token(box, anybody, fault):
    old = box.x.refresh_token("brand")
    box.fault(fault, platform="x", match="POST /2/oauth2/token")
    if fault == "dropped-after":
        with pytest.raises(httpx.TransportError):
            await refresh(anybody, box, old)
    else:
        assert (await refresh(anybody, box, old)).status_code == 500
    assert box.x.refresh_count == 1
    assert (await refresh(anybody, box, old)).status_code == 400


async def test_refresh_tokens_live_about_six_months(box, anybody):
    old = box.x.refresh_token("brand")
    box.clock.advance(15_768_000)
    assert (await refresh(anybody, box, old)).status_code == 400


class TestThreeSteps:
    """OAuth 1.0a, from the request token to the access token."""

    @pytest.fixture
    def app(self, box):
        return box.x.app_for("oauth1", BACK)

    async def begun(self, box, anybody, app, callback=BACK, **oauth):
        header = sign(box, "POST", f"{API}/oauth/request_token", app, oauth_callback=callback, **oauth)
        return await anybody.post("/oauth/request_token", headers={"authorization": header})

    async def finished(self, box, anybody, app, token, verifier):
        header = sign(box, "POST", f"{API}/oauth/access_token", app, token, oauth_verifier=verifier)
        return await anybody.post("/oauth/access_token", headers={"authorization": header})

    async def test_a_person_signs_in(self, box, anybody, app):
        answer = await self.begun(box, anybody, app)
        assert parse_qs(answer.text)["oauth_callback_confirmed"] == ["true"]
        token = pair(answer)
        back = told(box.x.approve(f"{API}/oauth/authorize?oauth_token={token[0]}", "other"))
        assert back["oauth_token"] == token[0]
        answer = await self.finished(box, anybody, app, token, back["oauth_verifier"])
        given = parse_qs(answer.text)
        assert given["user_id"] == [box.x.identity_of("other")]
        assert given["screen_name"] == ["other"]
        me = sign(box, "GET", f"{API}/2/users/me", app, pair(answer))
        who = await anybody.get("/2/users/me", headers={"authorization": me})
        assert who.json()["data"]["username"] == "other"

    async def test_the_page_shows_a_pin_where_there_is_no_callback(self, box, anybody, app):
        token = pair(await self.begun(box, anybody, app, "oob"))
        url = f"{API}/oauth/authorize?oauth_token={token[0]}"
        assert "Allow" in (await anybody.get(url)).text
        shown = (await anybody.post(url, data={"decision": "allow", "username": "brand"})).text
        pin = shown.partition("<code>")[2].partition("</code>")[0]
        assert pin.isdigit()
        assert len(pin) == 7
        assert (await self.finished(box, anybody, app, token, pin)).status_code == 200

    async def test_no_is_told_to_the_callback(self, box, anybody, app):
        token = pair(await self.begun(box, anybody, app))
        back = box.x.deny(f"{API}/oauth/authenticate?oauth_token={token[0]}")
        assert told(back) == {"denied": token[0]}
        assert (await self.finished(box, anybody, app, token, "1234567")).status_code == 401

    async def test_a_callback_that_was_not_registered_is_refused(self, box, anybody, app):
        for callback in (f"{BACK}2", ""):
            answer = await self.begun(box, anybody, app, callback)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 415)

    @pytest.mark.parametrize("what", ["verifier", "secret", "twice", "late", "unapproved"])
    async def test_the_third_step_is_checked(self, box, anybody, app, what):
        token = pair(await self.begun(box, anybody, app))
        verifier = "0"
        if what != "unapproved":
            back = box.x.approve(f"{API}/oauth/authorize?oauth_token={token[0]}")
            verifier = "0" if what == "verifier" else told(back)["oauth_verifier"]
        if what == "twice":
            assert (await self.finished(box, anybody, app, token, verifier)).status_code == 200
        if what == "late":
            box.clock.advance(900)
        if what == "secret":
            token = (token[0], "guessed")
        answer = await self.finished(box, anybody, app, token, verifier)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, 32)

    async def test_an_app_that_cannot_sign_gets_nothing(self, box, anybody, app):
        answer = await self.begun(box, anybody, {**app, "client_secret": "guessed"})
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, 32)

    async def test_read_access_is_frozen_into_the_token(self, box, anybody, app):
        header = sign(
            box,
            "POST",
            f"{API}/oauth/request_token",
            app,
            form=[("x_auth_access_type", "read")],
            oauth_callback=BACK,
        )
        answer = await anybody.post(
            "/oauth/request_token", data={"x_auth_access_type": "read"}, headers={"authorization": header}
        )
        token = pair(answer)
        back = told(box.x.approve(f"{API}/oauth/authorize?oauth_token={token[0]}"))
        final = pair(await self.finished(box, anybody, app, token, back["oauth_verifier"]))
        header = sign(box, "POST", f"{API}{POSTS}", app, final)
        answer = await anybody.post(POSTS, json={"text": "x"}, headers={"authorization": header})
        assert answer.json()["type"].endswith("/oauth1-permissions")

    async def test_a_token_ends_itself(self, box, anybody):
        key, secret, token, token_secret = box.x.oauth1("brand")
        app = {"client_id": key, "client_secret": secret}
        url = f"{API}/1.1/oauth/invalidate_token"
        for status in (200, 401):
            header = sign(box, "POST", url, app, (token, token_secret))
            answer = await anybody.post("/1.1/oauth/invalidate_token", headers={"authorization": header})
            assert answer.status_code == status
        assert answer.json()["errors"][0]["code"] == 89


def test_what_a_person_pastes(box):
    assert tuple(box.x.answers("keys").values()) == box.x.oauth1("brand")
    assert box.x.answers("oauth2") == box.x.app_for("keys") == {}
    assert box.x.app_for("oauth2") == {"client_id": box.x.client_id}
    box.x.confidential = True
    assert box.x.app_for("oauth2")["client_secret"] == box.x.client_secret
