"""Signing in to Pinterest: Basic at the token address, refresh tokens that change with every use."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import BACK, ask, bearer, told, with_code, with_refresh

from socialkit.sandbox import Sandbox

API = "https://api.pinterest.com"
TOKEN = f"{API}/v5/oauth/token"
DAY = 86_400
SCOPES = "user_accounts:read,boards:read,boards:write,pins:read,pins:write"


@pytest.fixture
def box():
    with Sandbox(["pinterest"]) as made:
        yield made


@pytest.fixture
def anybody(box, http):
    return http(box)


@pytest.fixture
def app(box):
    return box.pinterest.app_for("oauth2", BACK)


def asked(app, scope=SCOPES, **query):
    return ask("https://www.pinterest.com/oauth/", app["client_id"], scope, **query)


async def token(anybody, app, form, url=TOKEN):
    return await anybody.post(url, data=form, auth=httpx.BasicAuth(app["client_id"], app["client_secret"]))


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.pinterest.approve(asked(app, **query), username)
    answer = await token(anybody, app, with_code(back, continuous_refresh="true"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def me(anybody, tokens):
    return await anybody.get(f"{API}/v5/user_account", headers=bearer(tokens["access_token"]))


async def test_a_person_signs_in(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    assert tokens["access_token"].startswith("pina_")
    assert tokens["refresh_token"].startswith("pinr_")
    now = int(box.clock.now().timestamp())
    shown = {name: value for name, value in tokens.items() if name not in ("access_token", "refresh_token")}
    assert shown == {
        "response_type": "authorization_code",
        "token_type": "bearer",
        "expires_in": 30 * DAY,
        "refresh_token_expires_in": 60 * DAY,
        "refresh_token_expires_at": now + 60 * DAY,
        "scope": "boards:read boards:write pins:read pins:write user_accounts:read",
    }
    who = (await me(anybody, tokens)).json()
    assert (who["id"], who["username"]) == (box.pinterest.identity_of("brand"), "brand")
    assert who["account_type"] == "BUSINESS"
    other = (await me(anybody, await signed_in(box, anybody, app, "other"))).json()
    assert (other["id"], other["account_type"]) == (box.pinterest.identity_of("other"), "PINNER")


async def test_granted_scopes_may_be_divided_by_commas(box, anybody, app):
    box.pinterest.granted_separator = ","
    tokens = await signed_in(box, anybody, app, scope="pins:read,pins:write")
    assert tokens["scope"] == "pins:read,pins:write"


async def test_the_page_and_its_refusal(anybody, app):
    page = await anybody.get(asked(app))
    assert page.text.count("checked disabled") == 5
    landed = await anybody.post(asked(app), data={"decision": "deny"})
    assert told(landed.headers["location"]) == {"error": "access_denied", "state": "s1"}


@pytest.mark.parametrize(
    ("query", "status", "number"),
    [
        ({"redirect_uri": f"{BACK}/"}, 400, 1),
        ({"scope": "pins:fly"}, 400, 1),
        ({"client_id": "another"}, 401, 2),
    ],
)
async def test_a_wrong_authorize_address_is_refused(anybody, app, query, status, number):
    answer = await anybody.get(asked(app, **query))
    assert (answer.status_code, answer.json()["code"]) == (status, number)


async def test_the_app_proves_itself_with_basic_alone(box, anybody, app):
    form = with_code(box.pinterest.approve(asked(app)))
    for answer in (
        await anybody.post(TOKEN, data={**form, **app}),
        await token(anybody, {**app, "client_secret": "guessed"}, form),
    ):
        assert (answer.status_code, answer.json()) == (
            401,
            {"code": 2, "message": "Authentication failed."},
        )


@pytest.mark.parametrize("what", ["used", "callback", "unknown"])
async def test_a_bad_code_is_told_in_pinterest_s_own_body(box, anybody, app, what):
    form = with_code(box.pinterest.approve(asked(app)))
    form |= {"redirect_uri": f"{BACK}/"} if what == "callback" else {}
    form |= {"code": "guessed"} if what == "unknown" else {}
    if what == "used":
        await token(anybody, app, form)
    answer = await token(anybody, app, form)
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message"}
    assert "invalid_grant" in answer.json()["message"]


async def test_every_renewal_brings_a_refresh_token_with_60_fresh_days(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    seen = {tokens["refresh_token"]}
    for _ in range(3):
        box.clock.advance(59 * DAY)
        assert (await me(anybody, tokens)).json()["code"] == 2
        tokens = (await token(anybody, app, with_refresh(tokens["refresh_token"]))).json()
        assert tokens["response_type"] == "refresh_token"
        assert tokens["refresh_token_expires_in"] == 60 * DAY
        assert tokens["refresh_token"] not in seen
        seen.add(tokens["refresh_token"])
    box.clock.advance(60 * DAY)
    assert (await token(anybody, app, with_refresh(tokens["refresh_token"]))).status_code == 400


@pytest.mark.parametrize(("rotation", "status"), [("strict", 400), ("none", 200)])
async def test_the_second_use_of_a_refresh_token(box, anybody, app, rotation, status):
    box.pinterest.rotation = rotation
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"])
    assert (await token(anybody, app, form)).status_code == 200
    assert (await token(anybody, app, form)).status_code == status


async def test_a_renewal_may_narrow_the_scopes_and_not_widen_them(box, anybody, app):
    tokens = await signed_in(box, anybody, app, scope="pins:read,boards:read")
    wide = await token(anybody, app, with_refresh(tokens["refresh_token"], scope="pins:write"))
    assert wide.status_code == 400
    tokens = await signed_in(box, anybody, app, scope="pins:read,boards:read")
    narrow = await token(anybody, app, with_refresh(tokens["refresh_token"], scope="pins:read"))
    assert narrow.json()["scope"] == "pins:read"


async def test_a_missing_scope_is_code_3(box, anybody, app):
    answer = await me(anybody, await signed_in(box, anybody, app, scope="pins:read"))
    assert (answer.status_code, answer.json()["code"]) == (401, 3)


async def test_only_tokens_of_system_users_can_be_revoked(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    url = f"{TOKEN}/revoke"
    answer = await token(anybody, app, {"token": tokens["access_token"]}, url)
    assert (answer.status_code, answer.json()["code"]) == (403, 29)
    wrong = await token(anybody, {**app, "client_secret": "guessed"}, {"token": "x"}, url)
    assert (wrong.status_code, wrong.json()["code"]) == (401, 2)
    box.pinterest.revoke(tokens["access_token"])
    assert (await me(anybody, tokens)).status_code == 401
    assert (await token(anybody, app, with_refresh(tokens["refresh_token"]))).status_code == 400


async def test_an_app_may_be_its_owner(box, anybody, app):
    form = {"grant_type": "client_credentials", "scope": "user_accounts:read"}
    tokens = (await token(anybody, app, form)).json()
    assert (tokens["response_type"], "refresh_token" in tokens) == ("client_credentials", False)
    assert (await me(anybody, tokens)).json()["username"] == "brand"
    assert (await token(anybody, app, {"grant_type": "client_credentials"})).status_code == 400


async def test_a_lost_renewal_has_spent_the_refresh_token(box, anybody, app):
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"])
    box.fault("dropped-after", platform="pinterest", match="POST /v5/oauth/token")
    with pytest.raises(httpx.TransportError):
        await token(anybody, app, form)
    assert (await token(anybody, app, form)).status_code == 400
