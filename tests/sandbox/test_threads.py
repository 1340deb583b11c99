"""Threads' sign-in as a stranger meets it over HTTP."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from socialkit.sandbox import Sandbox

AUTHORIZE = "https://threads.net/oauth/authorize"
API = "https://graph.threads.net"
CALLBACK = "https://example.com/callback"
SCOPES = "threads_basic,threads_content_publish"
HOUR, DAY = 3600, 86_400
LONG = 5_183_944


@pytest.fixture
def box():
    with Sandbox(["threads"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def consent_url(box, **changed: str) -> str:
    asked = {
        "client_id": box.threads.app_for("oauth2", CALLBACK)["client_id"],
        "redirect_uri": CALLBACK,
        "scope": SCOPES,
        "response_type": "code",
        "state": "s1",
        **changed,
    }
    return f"{AUTHORIZE}?{urlencode(asked)}"


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def form(box, code: str, /, **changed: str) -> dict[str, str]:
    app = box.threads.app_for("oauth2", CALLBACK)
    return {
        **app,
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code": code,
        **changed,
    }


async def short(box, web, username: str = "brand", untick: tuple[str, ...] = ()) -> dict:
    back = query(box.threads.approve(consent_url(box), username, untick=untick))
    answer = await web.post(f"{API}/oauth/access_token", data=form(box, back["code"]))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lengthen(box, web, token: str, **changed: str) -> httpx.Response:
    secret = box.threads.app_for("oauth2")["client_secret"]
    asked = {"grant_type": "th_exchange_token", "client_secret": secret, "access_token": token, **changed}
    return await web.get(f"{API}/access_token", params=asked)


async def renew(web, token: str, **changed: str) -> httpx.Response:
    asked = {"grant_type": "th_refresh_token", "access_token": token, **changed}
    return await web.get(f"{API}/refresh_access_token", params=asked)


async def long(box, web, username: str = "brand", untick: tuple[str, ...] = ()) -> str:
    first = await short(box, web, username, untick)
    return (await lengthen(box, web, first["access_token"])).json()["access_token"]


async def me(web, token: str, fields: str = "id,username,name") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await web.get(f"{API}/v1.0/me", params={"fields": fields}, headers=headers)


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    assert error.keys() >= {"message", "type", "code", "is_transient", "fbtrace_id"}
    return error["code"], error.get("error_subcode")


async def test_a_code_becomes_a_token_of_an_hour_with_a_bare_number(box, web):
    back = box.threads.approve(consent_url(box))
    assert back.startswith(f"{CALLBACK}?code=")
    assert back.endswith("&state=s1#_")
    answer = await web.post(f"{API}/oauth/access_token", data=form(box, query(back)["code"]))
    given = answer.json()
    assert given.keys() == {"access_token", "user_id"}
    assert given["access_token"].startswith("THQV")
    assert f'"user_id":{box.threads.identity_of("brand")}' in answer.text
    assert given["user_id"] > 2**53
    assert int(float(given["user_id"])) != given["user_id"]
    box.clock.advance(HOUR - 1)
    assert (await me(web, given["access_token"])).status_code == 200
    box.clock.advance(1)
    assert problem(await me(web, given["access_token"])) == (190, 463)


async def test_a_token_of_an_hour_becomes_one_of_sixty_days(box, web):
    first = await short(box, web)
    answer = await lengthen(box, web, first["access_token"])
    given = answer.json()
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "expires_in": LONG}
    box.clock.advance(LONG - 1)
    assert (await me(web, given["access_token"])).json() == {
        "id": box.threads.identity_of("brand"),
        "username": "brand",
        "name": "Brand",
    }
    box.clock.advance(1)
    assert problem(await me(web, given["access_token"])) == (190, 463)
    assert problem(await renew(web, given["access_token"])) == (190, 463)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_secret": "wrong"}, 100),
        ({"grant_type": "ig_exchange_token"}, 100),
        ({"access_token": "THQVnobody"}, 190),
    ],
)
async def test_lengthening_checks_everything(box, web, changed, code):
    first = await short(box, web)
    assert problem(await lengthen(box, web, first["access_token"], **changed))[0] == code


async def test_only_a_first_token_is_lengthened_and_only_a_long_one_renewed(box, web):
    first = await short(box, web)
    token = (await lengthen(box, web, first["access_token"])).json()["access_token"]
    assert problem(await lengthen(box, web, token)) == (100, None)
    box.threads.min_age = 0.0
    assert problem(await renew(web, first["access_token"])) == (100, None)
    assert (await renew(web, token)).status_code == 200


async def test_a_token_is_renewed_from_its_first_day_to_its_end(box, web):
    token = await long(box, web)
    box.clock.advance(DAY - 1)
    assert problem(await renew(web, token)) == (100, None)
    box.clock.advance(1)
    given = (await renew(web, token)).json()
    assert (given["token_type"], given["expires_in"]) == ("bearer", LONG)
    assert given["access_token"] != token
    box.clock.advance(LONG - 1)
    assert (await me(web, given["access_token"])).status_code == 200
    assert (await renew(web, given["access_token"])).status_code == 200
    assert problem(await renew(web, given["access_token"], grant_type="refresh_token"))[0] == 100
    assert box.threads.refresh_count == 4


async def test_a_lost_answer_to_a_renewal_costs_nothing_unless_the_box_is_strict(box, web):
    token = await long(box, web)
    box.clock.advance(DAY)
    for rotation, after in (("none", 200), ("strict", 400)):
        box.threads.rotation = rotation
        box.fault("dropped-after", platform="threads", match="GET /refresh_access_token")
        with pytest.raises(httpx.RemoteProtocolError):
            await renew(web, token)
        assert (await me(web, token)).status_code == after


@pytest.mark.parametrize(
    "changed",
    [
        {"client_secret": "wrong"},
        {"client_id": "1"},
        {"code": "other"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"grant_type": "refresh_token"},
    ],
)
async def test_the_token_address_checks_everything_in_a_shape_of_its_own(box, web, changed):
    code = query(box.threads.approve(consent_url(box)))["code"]
    answer = await web.post(f"{API}/oauth/access_token", data=form(box, code, **changed))
    assert answer.status_code == 400
    told = answer.json()
    assert (told["error_type"], told["code"]) == ("OAuthException", 400)
    assert told.keys() == {"error_type", "code", "error_message"}
    assert box.threads.refresh_count == 0


async def test_a_code_works_once_for_an_hour_and_without_what_stands_behind_it(box, web):
    code = query(box.threads.approve(consent_url(box)))["code"]
    address = f"{API}/oauth/access_token"
    assert (await web.post(address, data=form(box, f"{code}#_"))).status_code == 400
    assert (await web.post(address, data=form(box, code))).status_code == 200
    assert (await web.post(address, data=form(box, code))).status_code == 400
    late = query(box.threads.approve(consent_url(box)))["code"]
    box.clock.advance(HOUR)
    assert (await web.post(address, data=form(box, late))).status_code == 400


async def test_a_lost_answer_spends_the_code(box, web):
    code = query(box.threads.approve(consent_url(box)))["code"]
    box.fault("dropped-after", platform="threads", match="POST /oauth/access_token")
    with pytest.raises(httpx.RemoteProtocolError):
        await web.post(f"{API}/oauth/access_token", data=form(box, code))
    assert (await web.post(f"{API}/oauth/access_token", data=form(box, code))).status_code == 400


def test_a_refusal_says_who_refused(box):
    assert query(box.threads.deny(consent_url(box))) == {
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "Permissions error",
        "state": "s1",
    }
    assert not box.threads.deny(consent_url(box)).endswith("#_")


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://example.com/other"},
        {"client_id": "1"},
        {"scope": "threads_content_publish"},
        {"scope": "threads_basic,threads_fly"},
        {"response_type": "token"},
    ],
)
async def test_the_consent_page_refuses_odd_addresses(box, web, changed):
    answer = await web.get(consent_url(box, **changed))
    assert (answer.status_code, answer.json()["error_type"]) == (400, "OAuthException")


async def test_plain_http_is_refused_even_when_it_is_registered(box, web):
    plain = "http://127.0.0.1:8000/callback"
    box.threads.app_for("oauth2", plain)
    answer = await web.get(consent_url(box, redirect_uri=plain))
    assert (answer.status_code, answer.json()["error_message"]) == (400, "redirect_uri must be https")


async def test_the_number_of_the_facebook_app_is_the_wrong_one(box, web):
    number = box.threads.facebook_app_id
    assert problem(await web.get(consent_url(box, client_id=number))) == (4476002, None)
    code = query(box.threads.approve(consent_url(box)))["code"]
    answer = await web.post(f"{API}/oauth/access_token", data=form(box, code, client_id=number))
    assert problem(answer) == (4476002, None)


async def test_an_inspection_tells_what_was_left_out(box, web):
    token = await long(box, web, "other", untick=("threads_content_publish",))
    headers = {"authorization": f"Bearer {token}"}
    answer = await web.get(f"{API}/v1.0/debug_token", params={"input_token": token}, headers=headers)
    data = answer.json()["data"]
    assert data.keys() == {
        "type",
        "application",
        "data_access_expires_at",
        "expires_at",
        "is_valid",
        "issued_at",
        "scopes",
        "user_id",
    }
    assert (data["type"], data["is_valid"], data["scopes"]) == ("USER", True, ["threads_basic"])
    assert data["user_id"] == box.threads.identity_of("other")
    assert data["expires_at"] - data["issued_at"] == LONG


async def test_an_inspection_with_the_apps_own_token(box, web):
    token = await long(box, web)
    app = box.threads.app_for("oauth2")
    asked = {**app, "grant_type": "client_credentials"}
    own = (await web.get(f"{API}/oauth/access_token", params=asked)).json()
    assert own == {
        "access_token": f"TH|{app['client_id']}|{app['client_secret']}",
        "token_type": "bearer",
    }
    asked["grant_type"] = "authorization_code"
    assert (await web.get(f"{API}/oauth/access_token", params=asked)).status_code == 400
    box.threads.revoke(token)
    for inspected, code in ((token, 467), ("THQVnobody", 0)):
        answer = await web.get(
            f"{API}/v1.0/debug_token",
            params={"input_token": inspected, "access_token": own["access_token"]},
        )
        data = answer.json()["data"]
        assert (data["is_valid"], data["error"]["code"], data["error"]["subcode"]) == (False, 190, code)
    wrong = {"input_token": token, "access_token": f"TH|{app['client_id']}|no"}
    assert problem(await web.get(f"{API}/v1.0/debug_token", params=wrong)) == (190, None)


async def test_a_token_without_the_basic_permission_is_not_renewed(box, web):
    token = await long(box, web, untick=("threads_basic",))
    box.clock.advance(DAY)
    assert problem(await renew(web, token)) == (200, None)
    assert problem(await me(web, token)) == (200, None)


async def test_expired_revoked_and_unknown_tokens_are_told_apart(box, web):
    one, two = await long(box, web), await long(box, web)
    box.threads.expire(one)
    box.threads.revoke(two)
    assert problem(await me(web, one)) == (190, 463)
    assert problem(await me(web, two)) == (190, 467)
    assert problem(await me(web, "THQVnobody")) == (190, None)
    assert problem(await me(web, "")) == (2500, None)


async def test_the_profile_takes_the_token_as_a_parameter_too_and_knows_its_fields(box, web):
    token = await long(box, web)
    answer = await web.get(f"{API}/v1.0/me", params={"access_token": token})
    assert answer.json() == {"id": box.threads.identity_of("brand")}
    assert problem(await me(web, token, "id,shoe_size")) == (100, None)


async def test_a_proof_of_the_apps_secret_must_be_right(box, web):
    token = await long(box, web)
    secret = box.threads.app_for("oauth2")["client_secret"]
    right = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    for proof, status in ((right, 200), (right.upper(), 400), ("x", 400)):
        asked = {"access_token": token, "appsecret_proof": proof}
        assert (await web.get(f"{API}/v1.0/me", params=asked)).status_code == status


async def test_a_server_error_says_that_it_passes(box, web):
    token = await long(box, web)
    box.fault("stored-then-500", platform="threads", match="GET /v1.0/me")
    answer = await me(web, token)
    assert (answer.status_code, problem(answer)) == (500, (2, None))
    assert answer.json()["error"]["is_transient"]


def test_the_same_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = box.threads.address(f"{base}/threads")
        url = consent_url(box).replace("https://threads.net", own)
        assert web.get(url).status_code == 200
        code = query(box.threads.approve(url))["code"]
        token = web.post(f"{own}/oauth/access_token", data=form(box, code)).json()["access_token"]
        assert web.get(f"{own}/v1.0/me", params={"access_token": token}).status_code == 200
