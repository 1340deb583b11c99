"""Instagram's two sign-ins as a stranger meets them over HTTP: with Instagram, and through a Facebook Page."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import ask, bearer, told

from socialkit.sandbox import Sandbox

PAGE = "https://www.instagram.com/oauth/authorize"
TOKEN = "https://api.instagram.com/oauth/access_token"
API = "https://graph.instagram.com"
DIALOG = "https://www.facebook.com/v26.0/dialog/oauth"
GRAPH = "https://graph.facebook.com/v26.0"
BACK = "https://example.com/callback"
SCOPES = "instagram_business_basic,instagram_business_content_publish"
PAGE_SCOPES = "instagram_basic,pages_show_list,pages_read_engagement"
HOUR, DAY, LONG = 3600, 86_400, 5_183_944


@pytest.fixture
def box():
    with Sandbox(["instagram"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def app(box, flow: str = "instagram") -> dict[str, str]:
    return box.instagram.app_for(flow, BACK)


def consent(box, /, **query) -> str:
    asked = {"client_id": app(box)["client_id"], "redirect_uri": BACK, "scope": SCOPES, **query}
    return ask(PAGE, asked.pop("client_id"), asked.pop("scope"), **asked)


async def short(box, web, username: str = "brand", untick: tuple[str, ...] = ()) -> dict:
    code = told(box.instagram.approve(consent(box), username, untick=untick))["code"]
    answer = await web.post(TOKEN, data=form(box, code))
    assert answer.status_code == 200, answer.text
    return answer.json()


def form(box, code: str, /, **changed: str) -> dict[str, str]:
    grant = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return {**app(box), **grant, **changed}


async def lengthen(box, web, token: str, /, **changed: str) -> httpx.Response:
    secret = app(box)["client_secret"]
    asked = {"grant_type": "ig_exchange_token", "client_secret": secret, "access_token": token, **changed}
    return await web.get(f"{API}/access_token", params=asked)


async def long(box, web, username: str = "brand", untick: tuple[str, ...] = ()) -> str:
    first = await short(box, web, username, untick)
    return (await lengthen(box, web, first["access_token"])).json()["access_token"]


async def renew(web, token: str, /, **changed: str) -> httpx.Response:
    asked = {"grant_type": "ig_refresh_token", "access_token": token, **changed}
    return await web.get(f"{API}/refresh_access_token", params=asked)


async def me(web, token: str, address: str = f"{API}/v26.0/me", /, **query: str) -> httpx.Response:
    return await web.get(address, params={"fields": "user_id,username", **query}, headers=bearer(token))


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


async def test_a_code_becomes_a_token_of_an_hour(box, web):
    back = box.instagram.approve(consent(box))
    assert back.endswith("&state=s1#_")
    given = (await web.post(TOKEN, data=form(box, told(back)["code"]))).json()
    assert given == {
        "access_token": given["access_token"],
        "user_id": int(box.instagram.identity_of("brand")),
        "permissions": SCOPES,
    }
    assert given["access_token"].startswith("IGAA")
    box.clock.advance(HOUR - 1)
    assert (await me(web, given["access_token"])).status_code == 200
    box.clock.advance(1)
    assert problem(await me(web, given["access_token"])) == (190, 463)


async def test_the_answer_may_be_wrapped(box, web):
    box.instagram.wrapped = True
    given = await short(box, web, untick=("instagram_business_content_publish",))
    (item,) = given["data"]
    assert given.keys() == {"data"}
    assert item.keys() == {"access_token", "user_id", "permissions"}
    assert item["permissions"] == "instagram_business_basic"
    assert (await me(web, item["access_token"])).status_code == 200


async def test_a_token_of_an_hour_becomes_one_of_sixty_days(box, web):
    first = await short(box, web)
    given = (await lengthen(box, web, first["access_token"])).json()
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "expires_in": LONG}
    box.clock.advance(LONG - 1)
    assert (await me(web, given["access_token"])).json()["user_id"] == box.instagram.identity_of("brand")
    box.clock.advance(1)
    assert problem(await renew(web, given["access_token"])) == (190, 463)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_secret": "wrong"}, 100),
        ({"grant_type": "th_exchange_token"}, 100),
        ({"access_token": "IGAAnobody"}, 190),
    ],
)
async def test_lengthening_checks_everything(box, web, changed, code):
    first = await short(box, web)
    assert problem(await lengthen(box, web, first["access_token"], **changed)) == (code, None)


async def test_a_token_is_renewed_from_its_first_day_to_its_end(box, web):
    token = await long(box, web)
    box.clock.advance(DAY - 1)
    assert problem(await renew(web, token)) == (100, None)
    box.clock.advance(1)
    given = (await renew(web, token)).json()
    assert given == {
        "access_token": given["access_token"],
        "token_type": "bearer",
        "expires_in": LONG,
        "permissions": SCOPES,
    }
    assert given["access_token"] != token
    box.clock.advance(LONG - 1)
    assert (await me(web, given["access_token"])).status_code == 200
    assert box.instagram.refresh_count == 2


async def test_a_lost_answer_to_a_renewal_costs_nothing(box, web):
    token = await long(box, web)
    box.clock.advance(DAY)
    box.fault("dropped-after", platform="instagram", match="GET /refresh_access_token")
    with pytest.raises(httpx.RemoteProtocolError):
        await renew(web, token)
    assert (await renew(web, token)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"client_secret": "wrong"},
        {"client_id": "1"},
        {"redirect_uri": f"{BACK}/"},
        {"grant_type": "ig_refresh_token"},
    ],
)
async def test_the_token_address_checks_everything_in_a_shape_of_its_own(box, web, changed):
    code = told(box.instagram.approve(consent(box)))["code"]
    answer = await web.post(TOKEN, data=form(box, code, **changed))
    assert answer.status_code == 400
    said = answer.json()
    assert (said["error_type"], said["code"]) == ("OAuthException", 400)
    assert said.keys() == {"error_type", "code", "error_message"}


async def test_a_code_works_once_for_an_hour_and_without_what_stands_behind_it(box, web):
    code = told(box.instagram.approve(consent(box)))["code"]
    assert (await web.post(TOKEN, data=form(box, f"{code}#_"))).status_code == 400
    assert (await web.post(TOKEN, data=form(box, code))).status_code == 200
    assert (await web.post(TOKEN, data=form(box, code))).status_code == 400
    late = told(box.instagram.approve(consent(box)))["code"]
    box.clock.advance(HOUR)
    assert (await web.post(TOKEN, data=form(box, late))).status_code == 400


async def test_a_refusal_and_odd_addresses(box, web):
    assert told(box.instagram.deny(consent(box)))["error_reason"] == "user_denied"
    for query in (
        {"redirect_uri": "https://example.com/other"},
        {"scope": "instagram_business_content_publish"},
        {"scope": "instagram_business_basic,instagram_basic"},
    ):
        answer = await web.get(consent(box, **query))
        assert (answer.status_code, answer.json()["error_type"]) == (400, "OAuthException")


async def test_an_account_has_an_id_of_its_own_and_one_for_the_app(box, web):
    token = await long(box, web, "other")
    answer = (await me(web, token, fields="id,user_id,username,account_type")).json()
    assert answer["user_id"] == box.instagram.identity_of("other")
    assert answer["id"] != answer["user_id"]
    assert (answer["username"], answer["account_type"]) == ("other", "BUSINESS")
    assert (await me(web, token, f"{API}/me")).status_code == 200
    for wanted in (answer["id"], answer["user_id"]):
        assert (await me(web, token, f"{API}/v26.0/{wanted}")).json()["username"] == "other"
    assert problem(await me(web, token, f"{API}/v26.0/178414")) == (100, 33)
    assert problem(await me(web, token, fields="shoe_size")) == (100, None)


async def test_expired_and_revoked_by_hand(box, web):
    one, two = await long(box, web), await long(box, web)
    box.instagram.expire(one)
    box.instagram.revoke(two)
    assert problem(await me(web, one)) == (190, 463)
    assert problem(await me(web, two)) == (190, 467)
    assert problem(await me(web, "IGAAnobody")) == (190, None)


# through a Facebook Page --------------------------------------------------------------------------


def dialog(box, /, **query) -> str:
    asked = {
        "client_id": app(box, "facebook")["client_id"],
        "redirect_uri": BACK,
        "scope": PAGE_SCOPES,
        **query,
    }
    return ask(DIALOG, asked.pop("client_id"), asked.pop("scope"), **asked)


async def person(box, web, username: str = "brand", untick: tuple[str, ...] = ()) -> str:
    code = told(box.instagram.approve(dialog(box), username, untick=untick))["code"]
    asked = {**app(box, "facebook"), "redirect_uri": BACK, "code": code}
    return (await web.get(f"{GRAPH}/oauth/access_token", params=asked)).json()["access_token"]


async def accounts(web, token: str, graph: str = GRAPH) -> list[dict]:
    fields = {"fields": "id,name,access_token,instagram_business_account"}
    return (await web.get(f"{graph}/me/accounts", params=fields, headers=bearer(token))).json()["data"]


async def test_a_page_names_its_instagram_account_when_it_has_one(box, web):
    held = await accounts(web, await person(box, web))
    assert [page.get("instagram_business_account") for page in held] == [
        {"id": box.instagram.identity_of("brand")},
        None,
    ]
    own = box.instagram.identity_of("brand")
    query = {"fields": "id,username"}
    headers = bearer(held[0]["access_token"])
    answer = await web.get(f"{GRAPH}/{own}", params=query, headers=headers)
    assert answer.json() == {"id": own, "username": "brand"}


async def test_without_the_permission_there_is_no_instagram_account(box, web):
    held = await accounts(web, await person(box, web, untick=("instagram_basic",)))
    assert all("instagram_business_account" not in page for page in held)


async def test_tokens_do_not_cross(box, web):
    facebook, instagram = await person(box, web), await long(box, web)
    assert problem(await me(web, facebook)) == (190, None)
    assert problem(await me(web, instagram, f"{GRAPH}/me")) == (190, None)
    assert (await me(web, facebook, f"{GRAPH}/me", fields="id")).status_code == 200


async def test_a_facebook_sign_in_is_refused_expired_and_revoked_here_too(box, web):
    assert told(box.instagram.deny(dialog(box)))["error_reason"] == "user_denied"
    token = await person(box, web)
    held = await accounts(web, token)
    box.instagram.expire(token)
    assert problem(await me(web, token, f"{GRAPH}/me")) == (190, 463)
    box.instagram.revoke(held[0]["access_token"])
    assert problem(await me(web, held[0]["access_token"], f"{GRAPH}/me")) == (190, 467)


async def test_where_facebook_is_there_too_it_is_the_same_facebook(http):
    with Sandbox(["facebook", "instagram"]) as both:
        web = http(both)
        assert both.instagram.facebook is both.facebook
        held = await accounts(web, await person(both, web))
        assert held[0]["id"] == both.facebook.identity_of("brand")
        assert both.requests[-1].platform == "facebook"
        both.facebook.revoke(held[0]["access_token"])
        assert problem(await me(web, held[0]["access_token"], f"{GRAPH}/me")) == (190, 467)
        assert (await me(web, await long(both, web))).status_code == 200


def test_both_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = box.instagram.address(f"{base}/instagram")
        url = consent(box).replace("https://www.instagram.com", own)
        assert web.get(url).status_code == 200
        code = told(box.instagram.approve(url))["code"]
        token = web.post(f"{own}/oauth/access_token", data=form(box, code)).json()["access_token"]
        answer = web.get(f"{own}/v26.0/me", params={"fields": "user_id"}, headers=bearer(token))
        assert answer.json()["user_id"] == box.instagram.identity_of("brand")
        url = dialog(box).replace("https://www.facebook.com", own)
        assert web.get(url).status_code == 200
        code = told(box.instagram.approve(url, "other"))["code"]
        asked = {**app(box, "facebook"), "redirect_uri": BACK, "code": code}
        token = web.get(f"{own}/v26.0/oauth/access_token", params=asked).json()["access_token"]
        fields = {"fields": "instagram_business_account", "limit": "1"}
        listed = web.get(f"{own}/v26.0/me/accounts", params=fields, headers=bearer(token)).json()["data"]
        assert listed[0]["instagram_business_account"]["id"] == box.instagram.identity_of("other")
        assert web.get(f"{own}/v26.0/me", headers=bearer(token)).json()["name"] == "Other"
