"""Google Business's sign-in: Google's accounts, which YouTube has too, and the list of business accounts."""

from __future__ import annotations

import base64
import hashlib

import httpx
import pytest
from sign_in_talk import BACK, PKCE, VERIFIER, ask, bearer, with_code

from socialkit.sandbox import Sandbox
from socialkit.sandbox.google_auth import Googler

PAGE = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN = "https://oauth2.googleapis.com/token"
REVOKE = "https://oauth2.googleapis.com/revoke"
ACCOUNTS = "https://mybusinessaccountmanagement.googleapis.com/v1/accounts"
CHANNELS = "https://www.googleapis.com/youtube/v3/channels?part=id&mine=true"
MANAGE = "https://www.googleapis.com/auth/business.manage"
READ = "https://www.googleapis.com/auth/youtube.readonly"


@pytest.fixture
def box():
    with Sandbox(["google_business"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def page(business, scope: str = MANAGE) -> str:
    client = business.app_for("oauth2", BACK)["client_id"]
    return ask(PAGE, client, scope, access_type="offline", prompt="consent", **PKCE)


async def sign_in(business, web, username: str = "brand", scope: str = MANAGE) -> dict:
    back = business.approve(page(business, scope), username)
    app = business.app_for("oauth2", BACK)
    answer = await web.post(TOKEN, data=with_code(back, code_verifier=VERIFIER, **app))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(web, token: str, **query: str) -> httpx.Response:
    return await web.get(ACCOUNTS, params=query, headers=bearer(token))


def problem(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    return error["code"], error["status"]


def test_the_challenge_of_these_tests_is_the_one_google_computes():
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert PKCE["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_a_sign_in_reaches_every_account_of_the_person(box, web):
    given = await sign_in(box.google_business, web)
    assert given["scope"] == MANAGE
    held = (await listed(web, given["access_token"])).json()
    assert held.keys() == {"accounts"}
    assert [one["accountName"] for one in held["accounts"]] == ["Brand", "Brand shops"]
    assert [one["type"] for one in held["accounts"]] == ["PERSONAL", "LOCATION_GROUP"]
    assert held["accounts"][0]["name"] == box.google_business.identity_of("brand")
    assert held["accounts"][0]["name"].startswith("accounts/")
    other = (await listed(web, (await sign_in(box.google_business, web, "other"))["access_token"])).json()
    assert [one["name"] for one in other["accounts"]] == [box.google_business.identity_of("other")]


async def test_accounts_are_listed_twenty_at_a_time_at_most(box, web):
    many = tuple((f"accounts/{number}", f"Shop {number}") for number in range(45))
    box.google_business.people["chain"] = Googler("Chain", None, businesses=many)
    token = (await sign_in(box.google_business, web, "chain"))["access_token"]
    names, after = [], ""
    for size in (20, 20, 5):
        query = {"pageToken": after} if after else {"pageSize": "100"}
        answer = (await listed(web, token, **query)).json()
        assert len(answer["accounts"]) == size
        names += [one["name"] for one in answer["accounts"]]
        after = answer.get("nextPageToken", "")
    assert after == ""
    assert names == [name for name, _ in many]
    assert problem(await listed(web, token, pageToken="nonsense")) == (400, "INVALID_ARGUMENT")


async def test_a_person_without_accounts_gets_an_empty_answer(box, web):
    token = (await sign_in(box.google_business, web, "newcomer"))["access_token"]
    assert (await listed(web, token)).json() == {}


async def test_until_google_lets_the_project_in_there_is_no_quota(box, web):
    box.google_business.approved = False
    token = (await sign_in(box.google_business, web))["access_token"]
    assert problem(await listed(web, token)) == (429, "RESOURCE_EXHAUSTED")


async def test_the_scope_is_needed_and_the_token_must_live(box, web):
    token = (await sign_in(box.google_business, web, scope=READ))["access_token"]
    assert problem(await listed(web, token)) == (403, "PERMISSION_DENIED")
    box.google_business.expire(token)
    assert problem(await listed(web, token)) == (401, "UNAUTHENTICATED")


async def test_youtube_has_the_same_google(http):
    with Sandbox(["youtube", "google_business"]) as both:
        web = http(both)
        business = await sign_in(both.google_business, web)
        video = await sign_in(both.youtube, web, scope=READ)
        assert (await web.get(CHANNELS, headers=bearer(video["access_token"]))).status_code == 200
        both.youtube.access_seconds = 60.0
        assert both.google_business.access_seconds == 60.0
        renewal = {
            **both.google_business.app_for("oauth2", BACK),
            "grant_type": "refresh_token",
            "refresh_token": business["refresh_token"],
        }
        assert (await web.post(TOKEN, data=renewal)).json()["expires_in"] == 60
        assert both.youtube.refresh_count == both.google_business.refresh_count == 1
        assert (await web.post(REVOKE, data={"token": video["refresh_token"]})).status_code == 200
        assert problem(await listed(web, business["access_token"])) == (401, "UNAUTHENTICATED")
        assert (await web.post(TOKEN, data=renewal)).json()["error"] == "invalid_grant"


def test_the_same_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = box.google_business.address(f"{base}/google_business")
        url = page(box.google_business).replace("https://accounts.google.com", own)
        assert web.get(url).status_code == 200
        app = box.google_business.app_for("oauth2", BACK)
        form = with_code(box.google_business.approve(url), code_verifier=VERIFIER, **app)
        token = web.post(f"{own}/token", data=form).json()["access_token"]
        held = web.get(f"{own}/v1/accounts", headers=bearer(token)).json()["accounts"]
        assert held[0]["name"] == box.google_business.identity_of("brand")
