"""Facebook's sign-in as a stranger meets it over HTTP: the dialog, tokens of people, tokens of Pages."""

from __future__ import annotations

import hashlib
import hmac

import httpx
import pytest
from sign_in_talk import ask, bearer, told

from socialkit.sandbox import Sandbox

DIALOG = "https://www.facebook.com/v26.0/dialog/oauth"
API = "https://graph.facebook.com/v26.0"
BACK = "https://example.com/callback"
SCOPES = "pages_show_list,pages_manage_posts,pages_read_engagement"
DAY = 86_400
LONG = 5_183_944
FIELDS = "id,name,access_token,tasks"


@pytest.fixture
def box():
    with Sandbox(["facebook"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def app(box) -> dict[str, str]:
    return box.facebook.app_for("oauth2", BACK)


def dialog(box, /, **query) -> str:
    asked = {"client_id": app(box)["client_id"], "redirect_uri": BACK, "scope": SCOPES, **query}
    return ask(DIALOG, asked.pop("client_id"), asked.pop("scope"), **asked)


async def token_for(box, web, code: str, /, *, post: bool = False, **changed: str) -> httpx.Response:
    asked = {**app(box), "redirect_uri": BACK, "code": code, **changed}
    if post:
        return await web.post(f"{API}/oauth/access_token", data=asked)
    return await web.get(f"{API}/oauth/access_token", params=asked)


async def short(box, web, username: str = "brand", untick: tuple[str, ...] = (), **query) -> str:
    back = told(box.facebook.approve(dialog(box, **query), username, untick=untick))
    answer = await token_for(box, web, back["code"])
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def lengthen(box, web, token: str, /, **changed: str) -> httpx.Response:
    asked = {**app(box), "grant_type": "fb_exchange_token", "fb_exchange_token": token, **changed}
    return await web.get(f"{API}/oauth/access_token", params=asked)


async def long(box, web, username: str = "brand", untick: tuple[str, ...] = (), **query) -> str:
    first = await short(box, web, username, untick, **query)
    return (await lengthen(box, web, first)).json()["access_token"]


async def get(web, path: str, token: str, /, **query: str) -> httpx.Response:
    return await web.get(f"{API}{path}", params=query, headers=bearer(token))


async def pages(web, token: str, /, **query: str) -> list[dict]:
    answer = await get(web, "/me/accounts", token, **{"fields": FIELDS, "limit": "100", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    assert error.keys() >= {"message", "type", "code", "is_transient", "fbtrace_id"}
    assert 400 <= answer.status_code < 500
    return error["code"], error.get("error_subcode")


@pytest.mark.parametrize("post", [False, True])
async def test_a_code_becomes_a_short_token_by_get_or_post(box, web, post):
    code = told(box.facebook.approve(dialog(box)))["code"]
    given = (await token_for(box, web, code, post=post)).json()
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "expires_in": 5000}
    assert given["access_token"].startswith("EAA")
    box.clock.advance(5000)
    assert problem(await get(web, "/me", given["access_token"])) == (190, 463)


async def test_a_short_token_becomes_one_of_sixty_days_and_that_one_again(box, web):
    given = (await lengthen(box, web, await short(box, web))).json()
    assert given == {"access_token": given["access_token"], "token_type": "bearer", "expires_in": LONG}
    box.clock.advance(LONG - 1)
    again = (await lengthen(box, web, given["access_token"])).json()
    assert again["expires_in"] == LONG
    box.clock.advance(1)
    assert problem(await lengthen(box, web, given["access_token"])) == (190, 463)
    assert (await get(web, "/me", again["access_token"])).status_code == 200


async def test_the_long_answer_may_not_say_when_it_ends(box, web):
    box.facebook.tells_expiry = False
    assert (await lengthen(box, web, await short(box, web))).json().keys() == {"access_token", "token_type"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_secret": "wrong"}, 101),
        ({"client_id": "1"}, 101),
        ({"code": "other"}, 100),
        ({"redirect_uri": f"{BACK}/"}, 100),
        ({"grant_type": "refresh_token"}, 100),
        ({"grant_type": "password"}, 100),
    ],
)
async def test_the_token_address_checks_everything(box, web, changed, code):
    given = told(box.facebook.approve(dialog(box)))["code"]
    asked = {"code": given, **changed}
    assert problem(await token_for(box, web, asked.pop("code"), **asked)) == (code, None)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"client_secret": "wrong"}, 101),
        ({"fb_exchange_token": "EAAnobody"}, 190),
    ],
)
async def test_lengthening_checks_everything(box, web, changed, code):
    assert problem(await lengthen(box, web, await short(box, web), **changed)) == (code, None)


async def test_a_code_works_once_and_a_lost_answer_spends_it(box, web):
    code = told(box.facebook.approve(dialog(box)))["code"]
    box.fault("dropped-after", platform="facebook", match="GET /v26.0/oauth/access_token")
    with pytest.raises(httpx.RemoteProtocolError):
        await token_for(box, web, code)
    assert problem(await token_for(box, web, code)) == (100, None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"client_id": "1"}, 101),
        ({"redirect_uri": "https://example.com/other"}, 100),
        ({"scope": "pages_show_list,pages_fly"}, 100),
        ({"response_type": "token"}, 100),
    ],
)
async def test_the_dialog_refuses_odd_addresses(box, web, query, code):
    assert problem(await web.get(dialog(box, **query))) == (code, None)


def test_a_refusal_says_who_refused(box):
    assert told(box.facebook.deny(dialog(box))) == {
        "error": "access_denied",
        "error_reason": "user_denied",
        "error_description": "Permissions error",
        "state": "s1",
    }


async def test_the_dialog_is_a_page_with_buttons(box, web):
    url = dialog(box)
    assert "pages_manage_posts" in (await web.get(url)).text
    pressed = {"decision": "allow", "username": "other", "granted": ["pages_show_list"]}
    back = told((await web.post(url, data=pressed)).headers["location"])
    assert back["state"] == "s1"
    token = (await token_for(box, web, back["code"])).json()["access_token"]
    assert [page["name"] for page in await pages(web, token)] == ["Other"]


# Pages --------------------------------------------------------------------------------------------


async def test_the_pages_of_a_long_token_have_tokens_that_do_not_end(box, web):
    held = await pages(web, await long(box, web))
    assert [page["name"] for page in held] == ["Brand", "Brand support"]
    assert held[0]["id"] == box.facebook.identity_of("brand")
    assert held[0]["tasks"] == ["ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE"]
    assert len({page["access_token"] for page in held}) == 2
    box.clock.advance(400 * DAY)
    answer = await get(web, "/me", held[0]["access_token"], fields="id,name")
    assert answer.json() == {"id": held[0]["id"], "name": "Brand"}


async def test_the_pages_of_a_short_token_have_tokens_that_end_with_it(box, web):
    token = await short(box, web)
    box.clock.advance(4000)
    held = await pages(web, token)
    box.clock.advance(999)
    assert (await get(web, "/me", held[0]["access_token"])).status_code == 200
    box.clock.advance(1)
    assert problem(await get(web, "/me", held[0]["access_token"])) == (190, 463)
    assert problem(await get(web, "/me/accounts", token)) == (190, 463)


async def test_a_page_has_the_same_token_each_time_it_is_listed(box, web):
    token = await long(box, web)
    assert await pages(web, token) == await pages(web, token)


async def test_pages_are_listed_a_page_at_a_time(box, web):
    token = await long(box, web)
    box.facebook.page_limit = 1
    first = (await get(web, "/me/accounts", token, fields="id", limit="100")).json()
    assert len(first["data"]) == 1
    assert first["paging"]["next"].startswith(f"{API}/me/accounts?")
    assert "access_token" not in told(first["paging"]["next"])
    assert problem(await web.get(first["paging"]["next"])) == (2500, None)
    second = (await web.get(first["paging"]["next"], headers=bearer(token))).json()
    assert second["data"] != first["data"]
    assert "next" not in second["paging"]
    asked = {"fields": "id", "access_token": token}
    by_parameter = (await web.get(f"{API}/me/accounts", params=asked)).json()
    assert (await web.get(by_parameter["paging"]["next"])).json()["data"] == second["data"]


async def test_the_list_says_what_it_was_asked(box, web):
    token = await long(box, web, scope=f"{SCOPES},instagram_basic")
    usual = (await get(web, "/me/accounts", token)).json()["data"][0]
    assert usual.keys() == {"access_token", "category", "category_list", "name", "id", "tasks"}
    linked = await pages(web, token, fields="instagram_business_account{id,username}")
    assert [page.get("instagram_business_account") for page in linked] == [
        {"id": "17841406338772941", "username": "brand"},
        None,
    ]
    assert problem(await get(web, "/me/accounts", token, fields="shoe_size")) == (100, None)
    assert problem(await get(web, "/me/accounts", token, limit="0")) == (100, None)


async def test_without_the_permission_the_instagram_account_is_not_shown(box, web):
    held = await pages(web, await long(box, web), fields="id,instagram_business_account")
    assert all("instagram_business_account" not in page for page in held)


async def test_listing_pages_needs_its_permission(box, web):
    token = await long(box, web, untick=("pages_show_list",))
    assert problem(await get(web, "/me/accounts", token)) == (200, None)


async def test_a_page_is_no_person(box, web):
    page = (await pages(web, await long(box, web)))[0]["access_token"]
    for path in ("/me/accounts", "/me/permissions"):
        assert problem(await get(web, path, page)) == (100, None)
    assert problem(await lengthen(box, web, page)) == (100, None)
    ended = await web.delete(f"{API}/me/permissions", headers=bearer(page))
    assert problem(ended) == (100, None)


async def test_what_a_token_reaches(box, web):
    token = await long(box, web)
    one, two = await pages(web, token)
    assert (await get(web, f"/{one['id']}", token)).json() == {"id": one["id"], "name": "Brand"}
    assert (await get(web, f"/{one['id']}", one["access_token"])).status_code == 200
    assert problem(await get(web, f"/{two['id']}", one["access_token"])) == (100, 33)
    assert problem(await get(web, f"/{one['id']}", token, fields="id,shoe_size")) == (100, None)


# permissions --------------------------------------------------------------------------------------


async def permissions(web, token: str) -> dict[str, str]:
    data = (await get(web, "/me/permissions", token)).json()["data"]
    assert all(item.keys() == {"permission", "status"} for item in data)
    return {item["permission"]: item["status"] for item in data}


async def test_what_was_left_out_is_declined_and_asked_for_again_only_when_the_dialog_says_so(box, web):
    token = await long(box, web, untick=("pages_manage_posts",))
    left_out = {
        "pages_show_list": "granted",
        "pages_manage_posts": "declined",
        "pages_read_engagement": "granted",
    }
    assert await permissions(web, token) == left_out
    assert await permissions(web, await long(box, web)) == left_out
    again = await long(box, web, auth_type="rerequest")
    assert set((await permissions(web, again)).values()) == {"granted"}


async def test_taking_all_permissions_back_ends_every_page_of_that_person(box, web):
    one, two, other = await long(box, web), await long(box, web), await long(box, web, "other")
    held = [*(await pages(web, one)), *(await pages(web, two))]
    answer = await web.delete(f"{API}/me/permissions", headers=bearer(one))
    assert answer.json() == {"success": True}
    for token in (one, two, *(page["access_token"] for page in held)):
        assert problem(await get(web, "/me", token)) == (190, 467)
    assert (await get(web, "/me", other)).status_code == 200


async def test_taking_one_permission_back_leaves_the_others(box, web):
    token = await long(box, web)
    answer = await web.delete(f"{API}/me/permissions/pages_show_list", headers=bearer(token))
    assert answer.json() == {"success": True}
    assert await permissions(web, token) == {
        "pages_manage_posts": "granted",
        "pages_read_engagement": "granted",
    }
    assert problem(await get(web, "/me/accounts", token)) == (200, None)


# tokens -------------------------------------------------------------------------------------------


async def test_an_inspection_tells_a_person_from_a_page(box, web):
    token = await long(box, web)
    page = (await pages(web, token))[0]
    own = app(box)
    asked = {**own, "grant_type": "client_credentials"}
    made = (await web.get(f"{API}/oauth/access_token", params=asked)).json()
    assert made == {"access_token": f"{own['client_id']}|{own['client_secret']}", "token_type": "bearer"}
    one, two = [
        (await get(web, "/debug_token", made["access_token"], input_token=one)).json()["data"]
        for one in (token, page["access_token"])
    ]
    assert one.keys() == {
        "app_id",
        "type",
        "application",
        "data_access_expires_at",
        "expires_at",
        "is_valid",
        "issued_at",
        "scopes",
        "granular_scopes",
        "user_id",
    }
    assert (one["type"], one["is_valid"], one["app_id"]) == ("USER", True, own["client_id"])
    assert one["expires_at"] - one["issued_at"] == LONG
    assert one["data_access_expires_at"] - one["issued_at"] == 90 * DAY
    assert set(one["scopes"]) == set(SCOPES.split(","))
    assert one["granular_scopes"][0].keys() == {"scope", "target_ids"}
    assert (two["type"], two["expires_at"], two["profile_id"]) == ("PAGE", 0, page["id"])


async def test_an_inspection_of_what_is_dead(box, web):
    one, two = await long(box, web), await long(box, web)
    own = "|".join(app(box).values())
    box.facebook.expire(one)
    box.facebook.revoke(two)
    for token, subcode in ((one, 463), (two, 467), ("EAAnobody", 0)):
        data = (await get(web, "/debug_token", own, input_token=token)).json()["data"]
        assert (data["is_valid"], data["error"]["code"], data["error"]["subcode"]) == (False, 190, subcode)


async def test_a_revoked_sign_in_takes_its_pages_along(box, web):
    token = await long(box, web)
    held = await pages(web, token)
    box.facebook.revoke(held[0]["access_token"])
    for ended in (token, *(page["access_token"] for page in held)):
        assert problem(await get(web, "/me", ended)) == (190, 467)
    assert problem(await get(web, "/me", "EAAnobody")) == (190, None)
    assert problem(await web.get(f"{API}/me")) == (2500, None)


async def test_each_token_needs_a_proof_of_its_own_where_the_app_demands_one(box, web):
    token = await long(box, web)
    page = (await pages(web, token))[0]["access_token"]
    box.facebook.apps[app(box)["client_id"]].details["require_proof"] = True

    def proof(of: str) -> str:
        return hmac.new(app(box)["client_secret"].encode(), of.encode(), hashlib.sha256).hexdigest()

    for asked, given, status in (
        (token, proof(token), 200),
        (page, proof(page), 200),
        (page, proof(token), 400),
        (page, "", 400),
    ):
        query = {"appsecret_proof": given} if given else {}
        assert (await get(web, "/me", asked, **query)).status_code == status


def test_the_same_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = box.facebook.address(f"{base}/facebook")
        url = dialog(box).replace("https://www.facebook.com", own)
        assert web.get(url).status_code == 200
        code = told(box.facebook.approve(url))["code"]
        asked = {**app(box), "redirect_uri": BACK, "code": code}
        token = web.get(f"{own}/v26.0/oauth/access_token", params=asked).json()["access_token"]
        box.facebook.page_limit = 1
        listed = web.get(f"{own}/v26.0/me/accounts", headers=bearer(token)).json()
        assert listed["paging"]["next"].startswith(f"{own}/v26.0/me/accounts?")
        following = web.get(listed["paging"]["next"], headers=bearer(token)).json()
        assert following["data"][0]["name"] == "Brand support"
