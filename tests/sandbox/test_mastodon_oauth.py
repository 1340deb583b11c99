"""Signing in to a Mastodon-API server: apps made on the fly, the consent page, codes, tokens that end elsewhere."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import BACK, PKCE, VERIFIER, ask, bearer, told, with_code, with_refresh

from socialkit.sandbox import Sandbox

API = "https://mastodon.social"
PAGE = f"{API}/oauth/authorize"
ME = "/api/v1/accounts/verify_credentials"
OOB = "urn:ietf:wg:oauth:2.0:oob"


@pytest.fixture
def box():
    with Sandbox(["mastodon"]) as made:
        yield made


@pytest.fixture
def anybody(box, http):
    return http(box, base_url=API)


async def register(anybody, scopes="read write", uris=BACK, name="Desk"):
    given = {"client_name": name, "redirect_uris": uris, "scopes": scopes}
    answer = await anybody.post("/api/v1/apps", json=given)
    assert answer.status_code == 200, answer.text
    return {field: answer.json()[field] for field in ("client_id", "client_secret")}


def asked(app, scope="read write", **query):
    return ask(PAGE, app["client_id"], scope, **query)


async def token(anybody, form):
    return await anybody.post("/oauth/token", data=form)


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.mastodon.approve(asked(app, **query), username)
    answer = await token(anybody, with_code(back, **app))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_person_signs_in_with_an_app_made_on_the_fly(box, anybody):
    app = await register(anybody)
    for username in ("brand", "other"):
        answer = await signed_in(box, anybody, app, username)
        assert answer == {
            "access_token": answer["access_token"],
            "token_type": "Bearer",
            "scope": "read write",
            "created_at": int(box.clock.now().timestamp()),
        }
        me = (await anybody.get(ME, headers=bearer(answer["access_token"]))).json()
        assert (me["id"], me["username"]) == (box.mastodon.identity_of(username), username)
    assert box.mastodon.app_for("oauth2") == box.mastodon.answers("oauth2") == {}
    assert box.mastodon.answers("token", "other") == {"access_token": box.mastodon.token("other")}
    assert box.mastodon.address() == API


async def test_the_page_leaves_no_scope_out(box, anybody):
    app = await register(anybody)
    page = await anybody.get(asked(app))
    assert page.status_code == 200
    assert page.text.count("checked disabled") == 2
    landed = await anybody.post(asked(app), data={"decision": "allow", "username": "other"})
    answer = await token(anybody, with_code(landed.headers["location"], **app))
    assert answer.json()["scope"] == "read write"


async def test_out_of_band_the_page_shows_the_code(box, anybody):
    app = await register(anybody, uris=OOB)
    url = asked(app, redirect_uri=OOB)
    landed = await anybody.post(url, data={"decision": "allow", "username": "brand"})
    address = landed.headers["location"]
    assert address.startswith(f"{API}/oauth/authorize/native?code=")
    code = told(address)["code"]
    assert code in (await anybody.get(address)).text
    form = {**with_code(address, **app), "redirect_uri": OOB}
    assert (await token(anybody, form)).json()["scope"] == "read write"
    denied = await anybody.get(box.mastodon.deny(url))
    assert "Denied" in denied.text


@pytest.mark.parametrize("what", ["scope", "plain challenge"])
async def test_what_is_refused_at_once_goes_back_to_the_app(box, anybody, what):
    app = await register(anybody, scopes="read")
    query = {"scope": "read write:statuses"} if what == "scope" else {**PKCE, "scope": "read"}
    query |= {} if what == "scope" else {"code_challenge_method": "plain"}
    answer = await anybody.get(asked(app, **query))
    error = "invalid_scope" if what == "scope" else "invalid_request"
    assert told(answer.headers["location"]) == {"error": error, "state": "s1"}
    assert told(box.mastodon.approve(asked(app, **query))) == {"error": error, "state": "s1"}


async def test_an_app_asks_for_parts_of_what_it_registered(box, anybody):
    app = await register(anybody, scopes="read write")
    answer = await signed_in(box, anybody, app, scope="write:statuses read:accounts")
    assert answer["scope"] == "read:accounts write:statuses"
    allowed = await anybody.post(
        "/api/v1/statuses", json={"status": "x"}, headers=bearer(answer["access_token"])
    )
    refused = await anybody.get("/api/v1/notifications", headers=bearer(answer["access_token"]))
    assert (allowed.status_code, refused.status_code) == (200, 403)


@pytest.mark.parametrize("what", ["right", "late", "verifier", "callback", "secret"])
async def test_the_code_is_checked(box, anybody, what):
    app = await register(anybody)
    form = with_code(box.mastodon.approve(asked(app, **PKCE)), code_verifier=VERIFIER, **app)
    form |= {"code_verifier": "w"} if what == "verifier" else {}
    form |= {"redirect_uri": f"{BACK}/"} if what == "callback" else {}
    form |= {"client_secret": "guessed"} if what == "secret" else {}
    box.clock.advance(600 if what == "late" else 599)
    answer = await token(anybody, form)
    if what == "right":
        assert answer.status_code == 200
    elif what == "secret":
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_the_app_may_prove_itself_with_basic(box, anybody):
    app = await register(anybody)
    form = with_code(box.mastodon.approve(asked(app)))
    auth = httpx.BasicAuth(app["client_id"], app["client_secret"])
    assert (await anybody.post("/oauth/token", data=form, auth=auth)).status_code == 200


async def test_five_apps_in_ten_minutes(box, anybody):
    for _ in range(5):
        await register(anybody)
    given = {"client_name": "Desk", "redirect_uris": BACK}
    assert (await anybody.post("/api/v1/apps", json=given)).status_code == 429
    box.clock.advance(600)
    await register(anybody)


async def test_revoking_is_for_the_app_of_the_token(box, anybody):
    app, other = await register(anybody), await register(anybody, name="Other desk")
    given = (await signed_in(box, anybody, app))["access_token"]
    refused = await anybody.post("/oauth/revoke", data={"token": given, **other})
    assert (refused.status_code, refused.json()["error"]) == (403, "unauthorized_client")
    assert (await anybody.get(ME, headers=bearer(given))).status_code == 200
    ended = await anybody.post("/oauth/revoke", data={"token": given, **app})
    assert (ended.status_code, ended.json()) == (200, {})
    assert (await anybody.get(ME, headers=bearer(given))).status_code == 401
    assert (await anybody.post("/oauth/revoke", data={"token": "never was", **app})).status_code == 200


async def test_stock_tokens_do_not_end_and_do_not_refresh(box, anybody):
    app = await register(anybody)
    given = await signed_in(box, anybody, app)
    box.clock.advance(10 * 365 * 86_400)
    assert (await anybody.get(ME, headers=bearer(given["access_token"]))).status_code == 200
    answer = await token(anybody, with_refresh("x", **app))
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(("software", "days"), [("pleroma", 36_525), ("pixelfed", 365)])
async def test_tokens_of_other_software_end_and_rotate(box, anybody, software, days):
    box.mastodon.software = software
    app = await register(anybody)
    given = await signed_in(box, anybody, app)
    assert given["expires_in"] == days * 86_400
    box.clock.advance(days * 86_400 - 1)
    assert (await anybody.get(ME, headers=bearer(given["access_token"]))).status_code == 200
    newer = (await token(anybody, with_refresh(given["refresh_token"], **app))).json()
    assert newer["refresh_token"] != given["refresh_token"]
    box.clock.advance(1)
    assert (await anybody.get(ME, headers=bearer(given["access_token"]))).status_code == 401
    assert (await anybody.get(ME, headers=bearer(newer["access_token"]))).status_code == 200
    again = await token(anybody, with_refresh(given["refresh_token"], **app))
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_refresh_tokens_of_pixelfed_live_400_days(box, anybody):
    box.mastodon.software = "pixelfed"
    app = await register(anybody)
    given = await signed_in(box, anybody, app)
    box.clock.advance(400 * 86_400)
    assert (await token(anybody, with_refresh(given["refresh_token"], **app))).status_code == 400


async def test_a_lost_answer_has_spent_the_code(box, anybody):
    app = await register(anybody)
    form = with_code(box.mastodon.approve(asked(app)), **app)
    box.fault("dropped-after", platform="mastodon", match="POST /oauth/token")
    with pytest.raises(httpx.TransportError):
        await token(anybody, form)
    assert (await token(anybody, form)).json()["error"] == "invalid_grant"


class TestServersBefore43:
    @pytest.fixture
    def box(self):
        with Sandbox(["mastodon"]) as made:
            made.mastodon.software = "mastodon-4.2.0"
            yield made

    async def test_they_have_no_metadata(self, box, anybody):
        assert (await anybody.get("/.well-known/oauth-authorization-server")).status_code == 404
        box.mastodon.software = "mastodon"
        told = (await anybody.get("/.well-known/oauth-authorization-server")).json()
        assert told["app_registration_endpoint"] == f"{API}/api/v1/apps"
        assert told["code_challenge_methods_supported"] == ["S256"]
        assert told["userinfo_endpoint"] == f"{API}/oauth/userinfo"

    async def test_they_do_not_look_at_pkce(self, box, anybody):
        app = await register(anybody)
        form = with_code(box.mastodon.approve(asked(app, **PKCE)), **app)
        assert (await token(anybody, form)).status_code == 200

    @pytest.mark.parametrize("wrong", [{"scopes": "read profile"}, {"redirect_uris": [BACK]}])
    async def test_they_know_no_profile_scope_and_no_list_of_addresses(self, anybody, wrong):
        given = {"client_name": "Desk", "redirect_uris": BACK, "scopes": "read", **wrong}
        assert (await anybody.post("/api/v1/apps", json=given)).status_code == 422

    async def test_they_drop_an_app_that_never_got_a_token(self, box, anybody):
        used, unused = await register(anybody), await register(anybody)
        assert (await token(anybody, {"grant_type": "client_credentials", **used})).status_code == 200
        box.clock.advance(2 * 86_400)
        assert (await token(anybody, {"grant_type": "client_credentials", **used})).status_code == 200
        answer = await token(anybody, {"grant_type": "client_credentials", **unused})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_the_profile_scope_opens_who_one_is_and_no_more(box, anybody):
    app = await register(anybody, scopes="profile")
    given = (await signed_in(box, anybody, app, scope="profile"))["access_token"]
    assert (await anybody.get(ME, headers=bearer(given))).status_code == 200
    info = await anybody.get("/oauth/userinfo", headers=bearer(given))
    assert info.json()["preferred_username"] == "brand"
    assert (await anybody.get("/api/v1/timelines/home", headers=bearer(given))).status_code == 403
