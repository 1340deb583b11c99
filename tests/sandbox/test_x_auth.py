"""Who asks X: tokens, their refresh, logins, and signatures that are really verified."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest
from x_talk import API, POSTS, TIMELINE, post, problem_of, read, upload

from media_files import png
from socialkit.sandbox import Sandbox
from socialkit.sandbox.x_auth import signature


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
    back = await anybody.get(f"/i/oauth2/authorize?{urlencode(asked)}")
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
