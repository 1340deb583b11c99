"""TikTok's sign-in as a stranger meets it over HTTP."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import httpx
import pytest
from sign_in_talk import ask, bearer, told

from socialkit.sandbox import Sandbox

PAGE = "https://www.tiktok.com/v2/auth/authorize/"
TOKEN = "https://open.tiktokapis.com/v2/oauth/token/"
REVOKE = "https://open.tiktokapis.com/v2/oauth/revoke/"
USER = "https://open.tiktokapis.com/v2/user/info/"
WEB = "https://example.com/callback/"
DESKTOP = "http://127.0.0.1:50432/callback/"
VERIFIER = "a-verifier-of-more-than-forty-three-characters.~_"
SHA = hashlib.sha256(VERIFIER.encode())
HEX = {"code_challenge": SHA.hexdigest(), "code_challenge_method": "S256"}
SCOPES = "user.info.basic,video.publish"
DAY = 86_400


@pytest.fixture
def box():
    with Sandbox(["tiktok"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def app(box, callback: str = WEB) -> dict[str, str]:
    given = box.tiktok.app_for("oauth2", callback)
    return {"client_key": given["client_id"], "client_secret": given["client_secret"]}


def page(box, callback: str = WEB, /, **query) -> str:
    key = app(box, callback)["client_key"]
    return address({"client_key": key, "redirect_uri": callback, **HEX, **query})


def address(asked: dict) -> str:
    return ask(PAGE, None, asked.pop("scope", SCOPES), **asked)


def form(box, code: str, /, **fields: str) -> dict[str, str]:
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": WEB, "code_verifier": VERIFIER}
    return {**app(box), **grant, **fields}


async def sign_in(box, web, username: str = "brand", untick: tuple[str, ...] = (), **query) -> dict:
    back = told(box.tiktok.approve(page(box, **query), username, untick=untick))
    answer = await web.post(TOKEN, data=form(box, back["code"]))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def renew(box, web, token: str) -> httpx.Response:
    return await web.post(TOKEN, data={**app(box), "grant_type": "refresh_token", "refresh_token": token})


async def user(web, token: str, fields: str = "open_id,display_name") -> httpx.Response:
    return await web.get(USER, params={"fields": fields}, headers=bearer(token))


def flat(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()
    assert said.keys() == {"error", "error_description", "log_id"}
    return answer.status_code, said["error"]


def wrapped(answer: httpx.Response) -> tuple[int, str]:
    said = answer.json()
    assert said.keys() == {"data", "error"}
    assert said["error"].keys() == {"code", "message", "log_id"}
    return answer.status_code, said["error"]["code"]


async def test_a_code_becomes_a_flat_answer_with_the_users_id(box, web):
    given = await sign_in(box, web)
    assert given == {
        "access_token": given["access_token"],
        "expires_in": 86_400,
        "open_id": box.tiktok.identity_of("brand"),
        "refresh_expires_in": 31_536_000,
        "refresh_token": given["refresh_token"],
        "scope": "user.info.basic,video.publish",
        "token_type": "Bearer",
    }
    assert given["access_token"].startswith("act.")
    assert given["refresh_token"].startswith("rft.")
    answer = await user(web, given["access_token"])
    assert answer.json()["data"] == {"user": {"open_id": given["open_id"], "display_name": "Brand"}}
    assert wrapped(answer) == (200, "ok")


def test_the_callback_tells_the_scopes_and_its_code_must_be_decoded(box):
    back = box.tiktok.approve(page(box), untick=("video.publish",))
    given = told(back)
    assert given.keys() == {"code", "scopes", "state"}
    assert given["scopes"] == "user.info.basic"
    assert quote(given["code"], safe="") in back
    assert quote(given["code"], safe="") != given["code"]


def test_a_refusal(box):
    assert told(box.tiktok.deny(page(box))) == {
        "error": "access_denied",
        "error_description": "User canceled the authorization",
        "state": "s1",
    }


@pytest.mark.parametrize(
    "challenge",
    [
        base64.urlsafe_b64encode(SHA.digest()).rstrip(b"=").decode(),
        SHA.hexdigest().upper(),
        SHA.hexdigest()[:-1],
    ],
)
async def test_only_lower_case_hexadecimal_digits_are_a_challenge(box, web, challenge):
    assert flat(await web.get(page(box, code_challenge=challenge))) == (400, "invalid_request")


async def test_desktop_apps_need_a_challenge_and_web_apps_need_none(box, web):
    bare = {"code_challenge": None, "code_challenge_method": None}
    assert flat(await web.get(page(box, DESKTOP, **bare))) == (400, "invalid_request")
    assert (await web.get(page(box, DESKTOP))).status_code == 200
    back = told(box.tiktok.approve(page(box, **bare)))
    fields = form(box, back["code"])
    del fields["code_verifier"]
    assert (await web.post(TOKEN, data=fields)).status_code == 200


@pytest.mark.parametrize(
    ("registered", "asked", "taken"),
    [
        (WEB, WEB, True),
        (WEB, WEB.rstrip("/"), False),
        (WEB, f"{WEB}?a=1", False),
        (f"{WEB}?a=1", f"{WEB}?a=1", False),
        (f"{WEB}#a", f"{WEB}#a", False),
        ("http://example.com/", "http://example.com/", False),
        ("http://localhost/callback/", "http://localhost/callback/", False),
        ("http://localhost:8000/callback/", "http://localhost:8000/callback/", True),
        ("http://127.0.0.1:8000/callback/", "http://127.0.0.1:8001/callback/", False),
        ("http://127.0.0.1:*/callback/", DESKTOP, True),
        ("http://127.0.0.1:*/callback/", DESKTOP.rstrip("/"), False),
        (f"https://example.com/{'a' * 500}", f"https://example.com/{'a' * 500}", False),
    ],
)
async def test_callbacks(box, web, registered, asked, taken):
    given = app(box, registered)
    answer = await web.get(address({"client_key": given["client_key"], "redirect_uri": asked, **HEX}))
    assert answer.status_code == (200 if taken else 400)


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"client_key": "nobody"}, 401, "invalid_client"),
        ({"scope": "user.info.basic,video.fly"}, 400, "invalid_scope"),
        ({"scope": "user.info.basic video.publish.all"}, 400, "invalid_scope"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
    ],
)
async def test_the_consent_page_refuses_odd_addresses(box, web, query, status, code):
    assert flat(await web.get(page(box, **query))) == (status, code)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_key": "nobody"}, 401, "invalid_client"),
        ({"code": "other"}, 400, "invalid_grant"),
        ({"redirect_uri": WEB.rstrip("/")}, 400, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1]}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_the_token_address_checks_everything(box, web, changed, status, code):
    back = told(box.tiktok.approve(page(box)))
    fields = {**form(box, back["code"]), **changed}
    assert flat(await web.post(TOKEN, data=fields)) == (status, code)


async def test_the_app_is_named_by_client_key_in_a_form_and_in_no_other_way(box, web):
    fields = form(box, told(box.tiktok.approve(page(box)))["code"])
    assert flat(await web.post(TOKEN, json=fields)) == (400, "invalid_request")
    key, secret = fields.pop("client_key"), fields.pop("client_secret")
    assert flat(await web.post(TOKEN, data=fields, auth=(key, secret))) == (401, "invalid_client")
    named = {**fields, "client_id": key, "client_secret": secret}
    assert flat(await web.post(TOKEN, data=named)) == (401, "invalid_client")
    assert (await web.post(TOKEN.rstrip("/"), data=fields)).status_code == 404


async def test_a_code_works_once_and_a_lost_answer_spends_it(box, web):
    code = told(box.tiktok.approve(page(box)))["code"]
    box.fault("dropped-after", platform="tiktok", match="POST /v2/oauth/token/")
    with pytest.raises(httpx.RemoteProtocolError):
        await web.post(TOKEN, data=form(box, code))
    assert flat(await web.post(TOKEN, data=form(box, code))) == (400, "invalid_grant")


async def test_a_refresh_token_that_changes_works_once(box, web):
    given = await sign_in(box, web)
    box.clock.advance(DAY)
    assert wrapped(await user(web, given["access_token"])) == (401, "access_token_invalid")
    fresh = (await renew(box, web, given["refresh_token"])).json()
    assert fresh.keys() == given.keys()
    assert fresh["refresh_token"] != given["refresh_token"]
    assert (await user(web, fresh["access_token"])).status_code == 200
    assert flat(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")
    assert (await renew(box, web, fresh["refresh_token"])).status_code == 200
    assert box.tiktok.refresh_count == 3


async def test_a_refresh_token_that_stays_lives_a_year_from_the_consent(box, web):
    box.tiktok.rotation = "none"
    given = await sign_in(box, web)
    box.clock.advance(100 * DAY)
    fresh = (await renew(box, web, given["refresh_token"])).json()
    assert fresh["refresh_token"] == given["refresh_token"]
    assert fresh["refresh_expires_in"] == 265 * DAY
    box.clock.advance(265 * DAY)
    assert flat(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")


async def test_revoking_answers_with_nothing(box, web):
    given = await sign_in(box, web)
    ends = {**app(box), "token": given["access_token"]}
    assert flat(await web.post(REVOKE, data={**ends, "client_secret": "wrong"})) == (401, "invalid_client")
    answer = await web.post(REVOKE, data=ends)
    assert (answer.status_code, answer.content) == (200, b"")
    assert wrapped(await user(web, given["access_token"])) == (401, "access_token_invalid")
    assert flat(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")
    assert flat(await web.post(REVOKE, data=ends)) == (400, "invalid_grant")


async def test_each_field_of_a_user_needs_its_scope(box, web):
    given = await sign_in(box, web, "other", untick=("video.publish",))
    token = given["access_token"]
    assert given["scope"] == "user.info.basic"
    assert (await user(web, token)).json()["data"]["user"]["open_id"] == box.tiktok.identity_of("other")
    assert wrapped(await user(web, token, "username")) == (401, "scope_not_authorized")
    assert wrapped(await user(web, token, "open_id,likes_count")) == (401, "scope_not_authorized")
    assert wrapped(await user(web, token, "open_id,shoe_size")) == (400, "invalid_params")
    assert wrapped(await user(web, token, "")) == (400, "invalid_params")
    assert wrapped(await web.get(USER.rstrip("/"), headers=bearer(token))) == (404, "invalid_params")


async def test_expired_and_revoked_by_hand(box, web):
    given = await sign_in(box, web)
    box.tiktok.expire(given["access_token"])
    assert wrapped(await user(web, given["access_token"])) == (401, "access_token_invalid")
    fresh = (await renew(box, web, given["refresh_token"])).json()
    box.tiktok.revoke(fresh["access_token"])
    assert flat(await renew(box, web, fresh["refresh_token"])) == (400, "invalid_grant")


async def test_the_apps_own_token_is_nobodys(box, web):
    answer = (await web.post(TOKEN, data={**app(box), "grant_type": "client_credentials"})).json()
    assert (answer["expires_in"], answer["token_type"]) == (7200, "Bearer")
    assert answer["access_token"].startswith("clt.")
    assert wrapped(await user(web, answer["access_token"])) == (401, "access_token_invalid")


def test_the_same_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = box.tiktok.address(f"{base}/tiktok")
        url = page(box).replace("https://www.tiktok.com", own)
        assert web.get(url).status_code == 200
        code = told(box.tiktok.approve(url))["code"]
        token = web.post(f"{own}/v2/oauth/token/", data=form(box, code)).json()["access_token"]
        answer = web.get(f"{own}/v2/user/info/", params={"fields": "open_id"}, headers=bearer(token))
        assert answer.json()["data"]["user"] == {"open_id": box.tiktok.identity_of("brand")}
