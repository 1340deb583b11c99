"""Signing in to LinkedIn: products decide about scopes, and about refresh tokens."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import BACK, PKCE, ask, bearer, told, with_code, with_refresh

from socialkit.sandbox import Sandbox

WWW, API = "https://www.linkedin.com", "https://api.linkedin.com"
TOKEN = f"{WWW}/oauth/v2/accessToken"
DAY = 86_400
MEMBER = "openid profile email w_member_social"
PAGES = "r_basicprofile w_organization_social"


@pytest.fixture
def box():
    with Sandbox(["linkedin"]) as made:
        yield made


@pytest.fixture
def anybody(box, http):
    return http(box)


@pytest.fixture
def app(box):
    return box.linkedin.app_for("oauth2", BACK)


@pytest.fixture
def partner(box):
    return box.linkedin.app_for("community", BACK)


def asked(app, scope=MEMBER, **query):
    return ask(f"{WWW}/oauth/v2/authorization", app["client_id"], scope, **query)


async def token(anybody, form):
    return await anybody.post(TOKEN, data=form)


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.linkedin.approve(asked(app, **query), username)
    answer = await token(anybody, with_code(back, **app))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def userinfo(anybody, tokens):
    return await anybody.get(f"{API}/v2/userinfo", headers=bearer(tokens["access_token"]))


async def test_a_member_signs_in_for_60_days(box, anybody, app):
    tokens = await signed_in(box, anybody, app, "other")
    assert (tokens["expires_in"], "refresh_token" in tokens) == (60 * DAY, False)
    assert sorted(tokens["scope"].split()) == sorted(MEMBER.split())
    who = (await userinfo(anybody, tokens)).json()
    assert (who["sub"], who["name"]) == (box.linkedin.identity_of("other"), "Other")
    assert who["email_verified"] is True
    box.clock.advance(60 * DAY)
    answer = await userinfo(anybody, tokens)
    assert (answer.status_code, answer.json()["serviceErrorCode"]) == (401, 65602)


@pytest.mark.parametrize("what", ["made up", "revoked", "expired"])
async def test_a_bad_token_says_why(box, anybody, app, what):
    tokens = await signed_in(box, anybody, app)
    if what == "revoked":
        box.linkedin.revoke(tokens["access_token"])
    elif what == "expired":
        box.linkedin.expire(tokens["access_token"])
    else:
        tokens["access_token"] = "AQguessed"
    answer = (await userinfo(anybody, tokens)).json()
    codes = {"made up": (65600, "INVALID"), "revoked": (65601, "REVOKED"), "expired": (65602, "EXPIRED")}
    number, word = codes[what]
    assert (answer["status"], answer["serviceErrorCode"]) == (401, number)
    assert answer["code"] == f"{word}_ACCESS_TOKEN"


async def test_userinfo_tells_what_the_scopes_open(box, anybody, app):
    thin = (await userinfo(anybody, await signed_in(box, anybody, app, scope="openid"))).json()
    assert thin == {"sub": box.linkedin.identity_of("brand")}
    answer = await userinfo(anybody, await signed_in(box, anybody, app, scope="w_member_social"))
    assert (answer.status_code, answer.json()["serviceErrorCode"]) == (403, 100)


async def test_the_older_me_needs_another_scope(box, anybody, app, partner):
    for one, scope, status in ((app, MEMBER, 403), (partner, PAGES, 200)):
        tokens = await signed_in(box, anybody, one, scope=scope)
        answer = await anybody.get(f"{API}/v2/me", headers=bearer(tokens["access_token"]))
        assert answer.status_code == status
    assert answer.json()["id"] == box.linkedin.identity_of("brand")


@pytest.mark.parametrize("page", ["login", "authorize"])
async def test_a_person_who_leaves_is_told_to_the_app(box, anybody, app, page):
    box.linkedin.cancels_at = page
    landed = await anybody.post(asked(app), data={"decision": "deny"})
    back = told(landed.headers["location"])
    assert (back["error"], back["state"]) == (f"user_cancelled_{page}", "s1")
    assert back["error_description"]


async def test_scopes_of_products_the_app_has_not_go_back_as_an_error(box, anybody, app, partner):
    for one, scope in ((app, PAGES), (partner, MEMBER)):
        answer = await anybody.get(asked(one, scope=scope))
        assert told(answer.headers["location"]) == {"error": "unauthorized_scope_error", "state": "s1"}
        assert told(box.linkedin.approve(asked(one, scope=scope)))["error"] == "unauthorized_scope_error"


async def test_consent_is_all_or_nothing(anybody, app):
    assert (await anybody.get(asked(app))).text.count("checked disabled") == 4


@pytest.mark.parametrize("what", ["right", "late", "twice", "callback", "other app"])
async def test_a_code_lives_half_an_hour_and_works_once(box, anybody, app, partner, what):
    form = with_code(box.linkedin.approve(asked(app)), **(partner if what == "other app" else app))
    form |= {"redirect_uri": f"{BACK}/"} if what == "callback" else {}
    if what == "twice":
        await token(anybody, form)
    box.clock.advance(1800 if what == "late" else 1799)
    answer = await token(anybody, form)
    expected = (200, None) if what == "right" else (400, "invalid_request")
    assert (answer.status_code, answer.json().get("error")) == expected


async def test_the_secret_stands_in_the_body(box, anybody, app):
    form = with_code(box.linkedin.approve(asked(app)))
    auth = httpx.BasicAuth(app["client_id"], app["client_secret"])
    for answer in (
        await anybody.post(TOKEN, data=form, auth=auth),
        await token(anybody, {**form, **app, "client_secret": "guessed"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await token(anybody, {**form, **app})).status_code == 200


async def test_a_challenge_is_tolerated_and_not_looked_at(box, anybody, app):
    await signed_in(box, anybody, app, **PKCE)


async def test_refresh_tokens_are_for_partners(box, anybody, app):
    box.linkedin.partner = True
    refresh = (await signed_in(box, anybody, app))["refresh_token"]
    assert (await token(anybody, with_refresh(refresh, **app))).status_code == 200
    box.linkedin.partner = False
    answer = await token(anybody, with_refresh(refresh, **app))
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")


async def test_a_refresh_token_is_fixed_at_365_days_from_the_consent(box, anybody, partner):
    tokens = await signed_in(box, anybody, partner, scope=PAGES)
    assert tokens["refresh_token_expires_in"] == 365 * DAY
    form = with_refresh(tokens["refresh_token"], **partner)
    for days, more in ((100, 100), (200, 100), (364, 164)):
        box.clock.advance(more * DAY)
        newer = (await token(anybody, form)).json()
        assert newer["refresh_token"] == tokens["refresh_token"]
        assert newer["refresh_token_expires_in"] == (365 - days) * DAY
        assert newer["expires_in"] == 60 * DAY
    box.clock.advance(DAY)
    answer = await token(anybody, form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_revoking_and_asking_about_a_token(box, anybody, app, partner):
    tokens = await signed_in(box, anybody, app)
    form = {"token": tokens["access_token"], **app}

    async def introspect(form=form):
        return (await anybody.post(f"{WWW}/oauth/v2/introspectToken", data=form)).json()

    now = int(box.clock.now().timestamp())
    assert await introspect() == {
        "active": True,
        "status": "active",
        "client_id": app["client_id"],
        "authorized_at": now,
        "created_at": now,
        "expires_at": now + 60 * DAY,
        "scope": "email,openid,profile,w_member_social",
        "auth_type": "3L",
    }
    assert await introspect({**form, **partner}) == {"active": False}
    await anybody.post(f"{WWW}/oauth/v2/revoke", data={**form, **partner})
    assert (await userinfo(anybody, tokens)).status_code == 200
    assert (await anybody.post(f"{WWW}/oauth/v2/revoke", data=form)).status_code == 200
    assert (await userinfo(anybody, tokens)).json()["code"] == "REVOKED_ACCESS_TOKEN"
    assert (await introspect())["status"] == "revoked"


async def test_another_set_of_scopes_may_end_the_first_sign_in(box, anybody, app):
    first = await signed_in(box, anybody, app)
    await signed_in(box, anybody, app, scope="openid")
    assert (await userinfo(anybody, first)).status_code == 200
    box.linkedin.one_scope_set = True
    await signed_in(box, anybody, app, "other", scope="openid")
    await signed_in(box, anybody, app)
    assert (await userinfo(anybody, first)).status_code == 200
    await signed_in(box, anybody, app, scope="openid")
    assert (await userinfo(anybody, first)).status_code == 401


async def test_the_endpoints_are_published(anybody):
    told = (await anybody.get(f"{WWW}/oauth/.well-known/openid-configuration")).json()
    assert told["token_endpoint"].endswith("/oauth/v2/accessToken")


async def test_a_lost_answer_has_spent_the_code(box, anybody, app):
    form = with_code(box.linkedin.approve(asked(app)), **app)
    box.fault("dropped-after", platform="linkedin", match="POST /oauth/v2/accessToken")
    with pytest.raises(httpx.TransportError):
        await token(anybody, form)
    assert (await token(anybody, form)).status_code == 400
