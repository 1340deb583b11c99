"""Signing in to Reddit: Basic everywhere, a client that says who it is, errors that come with HTTP 200."""

from __future__ import annotations

import httpx
import pytest
from sign_in_talk import AGENT, BACK, ask, bearer, told, with_code, with_refresh

from socialkit.sandbox import Sandbox

WWW, API = "https://www.reddit.com", "https://oauth.reddit.com"
TOKEN = f"{WWW}/api/v1/access_token"
REVOKE = f"{WWW}/api/v1/revoke_token"
NO_APP = {"message": "Unauthorized", "error": 401}


@pytest.fixture
def box():
    with Sandbox(["reddit"]) as made:
        yield made


@pytest.fixture
def anybody(box, http):
    return http(box, headers={"user-agent": AGENT})


@pytest.fixture
def app(box):
    return box.reddit.app_for("oauth2", BACK)


def asked(app, scope="identity,submit", **query):
    page = f"{WWW}/api/v1/authorize"
    return ask(page, app["client_id"], scope, **{"duration": "permanent", **query})


async def post(anybody, app, form, url=TOKEN, **options):
    auth = httpx.BasicAuth(app["client_id"], app.get("client_secret", ""))
    return await anybody.post(url, data=form, auth=auth, **options)


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.reddit.approve(asked(app, **query), username)
    answer = await post(anybody, app, with_code(back))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def me(anybody, tokens):
    return await anybody.get(f"{API}/api/v1/me", headers=bearer(tokens["access_token"]))


async def test_a_person_signs_in(box, anybody, app):
    tokens = await signed_in(box, anybody, app, "other")
    assert tokens == {
        "access_token": tokens["access_token"],
        "token_type": "bearer",
        "expires_in": 86_400,
        "scope": "identity submit",
        "refresh_token": tokens["refresh_token"],
    }
    who = (await me(anybody, tokens)).json()
    assert (who["id"], who["name"]) == (box.reddit.identity_of("other"), "other")
    assert who["subreddit"]["display_name"] == "u_other"


def test_the_browser_comes_back_with_a_fragment(box, app):
    assert box.reddit.approve(asked(app)).endswith("#_")


async def test_the_page_shows_scopes_whatever_divides_them(anybody, app):
    for scope in ("identity,submit", "identity submit"):
        page = await anybody.get(asked(app, scope=scope))
        assert page.text.count("checked disabled") == 2
    mobile = asked(app).replace("/authorize?", "/authorize.compact?")
    landed = await anybody.post(mobile, data={"decision": "deny"})
    assert told(landed.headers["location"]) == {"error": "access_denied", "state": "s1"}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "identity fly"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"duration": "forever"}, "invalid_request"),
    ],
)
async def test_what_is_wrong_goes_back_to_the_app(anybody, app, query, error):
    answer = await anybody.get(asked(app, **query))
    assert told(answer.headers["location"])["error"] == error


@pytest.mark.parametrize("query", [{"client_id": "another"}, {"redirect_uri": f"{BACK}/"}])
async def test_a_wrong_app_or_address_stays_on_the_page(anybody, app, query):
    answer = await anybody.get(asked(app, **query))
    assert (answer.status_code, "bad request" in answer.text) == (400, True)


async def test_a_temporary_sign_in_has_no_refresh_token(box, anybody, app):
    for query in ({"duration": "temporary"}, {"duration": None}):
        assert "refresh_token" not in await signed_in(box, anybody, app, **query)


@pytest.mark.parametrize("what", ["used", "late", "callback", "unknown"])
async def test_a_bad_code_is_an_error_inside_200(box, anybody, app, what):
    form = with_code(box.reddit.approve(asked(app)))
    form |= {"redirect_uri": f"{BACK}/"} if what == "callback" else {}
    form |= {"code": "guessed"} if what == "unknown" else {}
    if what == "used":
        await post(anybody, app, form)
    box.clock.advance(600 if what == "late" else 0)
    answer = await post(anybody, app, form)
    assert (answer.status_code, answer.json()) == (200, {"error": "invalid_grant"})


async def test_the_app_proves_itself_with_basic_alone(box, anybody, app):
    form = with_code(box.reddit.approve(asked(app)))
    for answer in (
        await post(anybody, {**app, "client_secret": "guessed"}, form),
        await post(anybody, {**app, "client_secret": ""}, form),
        await anybody.post(TOKEN, data={**form, **app}),
    ):
        assert (answer.status_code, answer.json()) == (401, NO_APP)


async def test_an_installed_app_has_an_empty_secret(box, anybody):
    box.reddit.add_app("installed", "", [BACK], kind="installed")
    app = {"client_id": "installed"}
    tokens = await signed_in(box, anybody, app)
    assert (await me(anybody, tokens)).status_code == 200
    form = with_code(box.reddit.approve(asked(app)), client_id="installed")
    assert (await anybody.post(TOKEN, data=form)).status_code == 401


async def test_renewing_repeats_the_refresh_token(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    box.clock.advance(86_400)
    refused = await me(anybody, tokens)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    newer = (await post(anybody, app, with_refresh(tokens["refresh_token"]))).json()
    assert newer["refresh_token"] == tokens["refresh_token"]
    assert (await me(anybody, newer)).status_code == 200
    box.reddit.rotation = "strict"
    changed = (await post(anybody, app, with_refresh(tokens["refresh_token"]))).json()
    assert changed["refresh_token"] != tokens["refresh_token"]


async def test_a_bad_refresh_token_is_a_real_400(anybody, app):
    answer = await post(anybody, app, with_refresh("guessed"))
    assert (answer.status_code, answer.json()) == (400, {"message": "Bad Request", "error": 400})


async def test_a_grant_nobody_knows_is_an_error_inside_200(anybody, app):
    answer = await post(anybody, app, {"grant_type": "magic"})
    assert (answer.status_code, answer.json()) == (200, {"error": "unsupported_grant_type"})


class TestScripts:
    @pytest.fixture
    def app(self, box):
        return box.reddit.app_for("script")

    async def test_the_password_of_a_developer_is_a_sign_in(self, box, anybody, app):
        for username in ("brand", "other"):
            form = {"grant_type": "password", **box.reddit.answers("script", username)}
            tokens = (await post(anybody, app, form)).json()
            assert (tokens["scope"], "refresh_token" in tokens) == ("*", False)
            assert (await me(anybody, tokens)).json()["id"] == box.reddit.identity_of(username)

    async def test_a_wrong_password_is_an_error_inside_200(self, box, anybody, app):
        form = {"grant_type": "password", **box.reddit.answers("script")}
        box.reddit.apps[app["client_id"]].details["developers"] = ["brand"]
        stranger = {"grant_type": "password", **box.reddit.answers("script", "other")}
        for wrong in ({**form, "password": "guessed"}, {**form, "username": "ghost"}, stranger):
            answer = await post(anybody, app, wrong)
            assert (answer.status_code, answer.json()) == (200, {"error": "invalid_grant"})

    async def test_two_factor_codes_are_asked_for(self, box, anybody, app):
        box.reddit.people["brand"].otp = "123456"
        form = {"grant_type": "password", **box.reddit.answers("script")}
        assert (await post(anybody, app, form)).json() == {"error": "invalid_grant"}
        assert "access_token" in (await post(anybody, app, {**form, "otp": "123456"})).json()

    async def test_other_kinds_of_apps_take_no_password(self, box, anybody):
        app = box.reddit.app_for("oauth2", BACK)
        form = {"grant_type": "password", **box.reddit.answers("script")}
        answer = await post(anybody, app, form)
        assert answer.status_code == 200
        assert answer.json()["error_description"] == "Only script apps may use password auth"


async def test_tokens_of_an_app_alone_are_nobody(box, anybody, app):
    tokens = (await post(anybody, app, {"grant_type": "client_credentials"})).json()
    assert (tokens["scope"], (await me(anybody, tokens)).status_code) == ("*", 403)
    box.reddit.add_app("installed", "", kind="installed")
    grant = {"grant_type": "https://oauth.reddit.com/grants/installed_client", "device_id": "x"}
    answer = await post(anybody, {"client_id": "installed"}, grant)
    assert answer.json() == {"error": "invalid_request", "error_description": "bad device_id"}
    grant["device_id"] = "DO_NOT_TRACK_THIS_DEVICE"
    assert "access_token" in (await post(anybody, {"client_id": "installed"}, grant)).json()


async def test_ending_the_refresh_token_ends_its_access_tokens(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    newer = (await post(anybody, app, with_refresh(tokens["refresh_token"]))).json()
    one = await post(anybody, app, {"token": tokens["access_token"]}, REVOKE)
    assert (one.status_code, one.content) == (200, b"")
    assert (await me(anybody, tokens)).status_code == 401
    assert (await me(anybody, newer)).status_code == 200
    await post(anybody, app, {"token": newer["refresh_token"], "token_type_hint": "refresh_token"}, REVOKE)
    assert (await me(anybody, newer)).status_code == 401
    assert (await post(anybody, app, with_refresh(newer["refresh_token"]))).status_code == 400


async def test_an_app_cannot_end_another_s_token(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    other = box.reddit.app_for("script")
    for name in ("access_token", "refresh_token"):
        assert (await post(anybody, other, {"token": tokens[name]}, REVOKE)).status_code == 200
    assert (await me(anybody, tokens)).status_code == 200
    assert (await post(anybody, app, with_refresh(tokens["refresh_token"]))).status_code == 200


async def test_revoking_says_200_to_anything_but_a_wrong_app(box, anybody, app):
    assert (await post(anybody, app, {"token": "never was"}, REVOKE)).status_code == 200
    wrong = await post(anybody, {**app, "client_secret": "guessed"}, {"token": "x"}, REVOKE)
    assert (wrong.status_code, wrong.json()) == (401, NO_APP)


async def test_a_scope_that_was_not_granted_is_403(box, anybody, app):
    answer = await me(anybody, await signed_in(box, anybody, app, scope="submit"))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert (await me(anybody, await signed_in(box, anybody, app, scope="*"))).status_code == 200


@pytest.mark.parametrize("agent", ["", "python-requests/2.32", "python-httpx/0.28", "Mozilla/5.0", "app"])
async def test_a_client_that_does_not_say_who_it_is_is_blocked(box, anybody, app, agent):
    tokens = await signed_in(box, anybody, app)
    blocked = await anybody.get(
        f"{API}/api/v1/me", headers={**bearer(tokens["access_token"]), "user-agent": agent}
    )
    assert (blocked.status_code, blocked.headers["content-type"].partition(";")[0]) == (403, "text/html")
    form = with_refresh(tokens["refresh_token"])
    slowed = await post(anybody, app, form, headers={"user-agent": agent})
    assert (slowed.status_code, slowed.json()["error"]) == (429, 429)
    assert (await anybody.get(asked(app), headers={"user-agent": "Mozilla/5.0"})).status_code == 200


async def test_the_token_address_has_a_budget_of_its_own(box, anybody, app):
    for number in range(300):
        answer = await post(anybody, app, with_refresh("guessed"))
        assert answer.headers["x-ratelimit-used"] == str(number + 1)
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (400, "0.0")
    answer = await post(anybody, app, with_refresh("guessed"))
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests", "error": 429})
    box.clock.advance(600)
    assert (await post(anybody, app, with_refresh("guessed"))).status_code == 400


@pytest.mark.parametrize("fault", ["dropped-after", "stored-then-hang"])
async def test_a_lost_renewal_costs_nothing_where_tokens_do_not_rotate(box, anybody, app, fault):
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"])
    box.fault(fault, platform="reddit", match="POST /api/v1/access_token")
    with pytest.raises(httpx.TransportError):
        await post(anybody, app, form, timeout=0.01)
    assert box.reddit.refresh_count == 1
    assert (await post(anybody, app, form)).status_code == 200
