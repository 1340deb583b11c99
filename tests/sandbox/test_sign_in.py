"""What all boxes that sign people in have in common, on the smallest platform that does."""

from __future__ import annotations

import math
from types import SimpleNamespace

import httpx
import pytest
from sign_in_talk import BACK, PKCE, VERIFIER, ask, bearer, told, with_code, with_refresh
from starlette.responses import JSONResponse

from socialkit.sandbox import Sandbox
from socialkit.sandbox.page import render
from socialkit.sandbox.server import state
from socialkit.sandbox.sign_in import SignIn, basic

API = "https://harbour.example.com"
PAGE = f"{API}/oauth/authorize"


class HarbourBox(SignIn):
    """The smallest platform that signs people in."""

    platform = "harbour"
    title = "Harbour"
    hosts = ("harbour.example.com",)
    publishes = False
    access_seconds = 3600.0
    refresh_seconds = 86_400.0
    rotation = "strict"
    known_scopes = frozenset({"read", "write"})
    pkce = "S256"

    def __init__(self, box):
        super().__init__(box)
        for number, name in enumerate(("brand", "other")):
            self.people[name] = SimpleNamespace(id=f"h{number}", name=name.capitalize())

    def routes(self):
        return [
            *self.consent_routes("/oauth/authorize"),
            self.route("POST", "/oauth/token", self.give_token),
            self.route("GET", "/me", self.me),
        ]

    def error(self, status, code="", message=""):
        return JSONResponse({"error": message}, status)

    def give_token(self, request):
        given = self.form(request)
        app = self.client_of(request, given)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def me(self, request):
        return JSONResponse({"id": self.identity_of(self.grant(request, "read").username)})


@pytest.fixture
def box():
    with Sandbox([HarbourBox]) as made:
        yield made


@pytest.fixture
def app(box):
    return box.harbour.app_for("oauth2", BACK)


@pytest.fixture
def anybody(box, http):
    return http(box, base_url=API)


def asked(app, scope="read write", **query):
    return ask(PAGE, app["client_id"], scope, **query)


async def signed_in(box, anybody, app, username="brand", **query):
    back = box.harbour.approve(asked(app, **query), username)
    answer = await anybody.post("/oauth/token", data=with_code(back, **app))
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- consent ---


async def test_a_person_agrees_and_the_app_knows_who(box, anybody, app):
    for username, native_id in (("brand", "h0"), ("other", "h1")):
        tokens = await signed_in(box, anybody, app, username)
        me = await anybody.get("/me", headers=bearer(tokens["access_token"]))
        assert me.json() == {"id": native_id} == {"id": box.harbour.identity_of(username)}


async def test_the_page_shows_people_and_scopes_and_its_buttons_work(anybody, app):
    page = await anybody.get(asked(app))
    for words in ('value="other"', 'name="granted" value="write"', "Allow", "Deny"):
        assert words in page.text
    yes = {"decision": "allow", "username": "other", "granted": ["read"]}
    landed = await anybody.post(asked(app), data=yes)
    assert landed.headers["location"].startswith(f"{BACK}?code=")
    tokens = await anybody.post("/oauth/token", data=with_code(landed.headers["location"], **app))
    assert tokens.json()["scope"] == "read"
    no = await anybody.post(asked(app), data={"decision": "deny"})
    assert told(no.headers["location"]) == {"error": "access_denied", "state": "s1"}


async def test_a_page_that_takes_all_or_nothing_does_not_let_scopes_be_left_out(anybody, app, monkeypatch):
    monkeypatch.setattr(HarbourBox, "unticks", False)
    assert (await anybody.get(asked(app))).text.count("disabled") == 2
    landed = await anybody.post(asked(app), data={"decision": "allow", "username": "brand"})
    tokens = await anybody.post("/oauth/token", data=with_code(landed.headers["location"], **app))
    assert tokens.json()["scope"] == "read write"


async def test_scopes_left_out_are_not_granted(box, anybody, app):
    back = box.harbour.approve(asked(app), untick=["read"])
    tokens = (await anybody.post("/oauth/token", data=with_code(back, **app))).json()
    assert tokens["scope"] == "write"
    assert (await anybody.get("/me", headers=bearer(tokens["access_token"]))).status_code == 403


def test_nobody_else_can_agree(box, app):
    with pytest.raises(KeyError, match="nobody called 'ghost' on harbour"):
        box.harbour.approve(asked(app), "ghost")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"redirect_uri": f"{BACK}/"}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": "read fly"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_authorize_address_is_refused_on_the_page(anybody, app, query, status, code):
    for answer in (
        await anybody.get(asked(app, **query)),
        await anybody.post(asked(app, **query), data={"decision": "allow"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (status, code)


async def test_what_the_page_shows_is_escaped(box, anybody, monkeypatch):
    monkeypatch.setattr(HarbourBox, "known_scopes", frozenset())
    app = box.harbour.app_for("oauth2", BACK)
    page = await anybody.get(asked(app, scope="<script>"))
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text


def test_a_callback_without_a_state_gets_none(box, app):
    assert "state" not in told(box.harbour.approve(asked(app, state=None)))


# --- codes ---


@pytest.mark.parametrize("what", ["right", "late", "twice", "callback", "verifier", "other app"])
async def test_a_code_is_good_once_in_time_for_its_own_app(box, anybody, app, what):
    other = box.harbour.app_for("another", BACK)
    back = box.harbour.approve(asked(app, **PKCE))
    form = with_code(back, code_verifier=VERIFIER, **(other if what == "other app" else app))
    form |= {"redirect_uri": f"{BACK}2"} if what == "callback" else {}
    form |= {"code_verifier": "w" * 50} if what == "verifier" else {}
    if what == "twice":
        assert (await anybody.post("/oauth/token", data=form)).status_code == 200
    box.clock.advance(600 if what == "late" else 599)
    answer = await anybody.post("/oauth/token", data=form)
    if what == "right":
        assert answer.json()["expires_in"] == 3600
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    if what == "other app":
        assert (await anybody.post("/oauth/token", data={**form, **app})).status_code == 200


async def test_an_app_proves_itself(box, anybody, app):
    form = with_code(box.harbour.approve(asked(app)), **{**app, "client_secret": "guessed"})
    answer = await anybody.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


# --- tokens ---


async def test_an_access_token_ends_and_is_renewed(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    box.clock.advance(3600)
    assert (await anybody.get("/me", headers=bearer(tokens["access_token"]))).status_code == 401
    assert box.harbour.why_ended(tokens["access_token"]) == "expired"
    newer = (await anybody.post("/oauth/token", data=with_refresh(tokens["refresh_token"], **app))).json()
    assert (await anybody.get("/me", headers=bearer(newer["access_token"]))).json() == {"id": "h0"}
    assert box.harbour.refresh_count == 1


@pytest.mark.parametrize("rotation", ["none", "grace", "strict"])
async def test_the_second_use_of_a_refresh_token(box, anybody, app, rotation):
    box.harbour.rotation = rotation
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
    first = (await anybody.post("/oauth/token", data=form)).json()
    assert (first["refresh_token"] == form["refresh_token"]) == (rotation == "none")
    box.clock.advance(59)
    soon = await anybody.post("/oauth/token", data=form)
    assert soon.status_code == (400 if rotation == "strict" else 200)
    box.clock.advance(1)
    assert (await anybody.post("/oauth/token", data=form)).status_code == (200 if rotation == "none" else 400)
    assert (await anybody.get("/me", headers=bearer(first["access_token"]))).status_code == 200


async def test_a_replay_may_end_the_whole_sign_in(box, anybody, app):
    box.harbour.replay_kills = True
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
    first = (await anybody.post("/oauth/token", data=form)).json()
    assert (await anybody.post("/oauth/token", data=form)).status_code == 400
    assert (await anybody.get("/me", headers=bearer(first["access_token"]))).status_code == 401
    assert box.harbour.why_ended(first["access_token"]) == "revoked"
    form["refresh_token"] = first["refresh_token"]
    assert (await anybody.post("/oauth/token", data=form)).status_code == 400


async def test_a_refresh_token_ends(box, anybody, app):
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
    box.clock.advance(86_400)
    assert (await anybody.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"


async def test_expiring_leaves_the_refresh_token_and_revoking_does_not(box, anybody, app):
    tokens = await signed_in(box, anybody, app)
    box.harbour.expire(tokens["access_token"])
    assert (await anybody.get("/me", headers=bearer(tokens["access_token"]))).status_code == 401
    form = with_refresh(tokens["refresh_token"], **app)
    newer = (await anybody.post("/oauth/token", data=form)).json()
    box.harbour.revoke(tokens["access_token"])
    assert (await anybody.get("/me", headers=bearer(newer["access_token"]))).status_code == 401
    form["refresh_token"] = newer["refresh_token"]
    assert (await anybody.post("/oauth/token", data=form)).status_code == 400


async def test_revoking_one_sign_in_leaves_the_others(box, anybody, app):
    one, two = await signed_in(box, anybody, app), await signed_in(box, anybody, app)
    box.harbour.revoke(one["refresh_token"])
    assert (await anybody.get("/me", headers=bearer(one["access_token"]))).status_code == 401
    assert (await anybody.get("/me", headers=bearer(two["access_token"]))).status_code == 200


async def test_tokens_that_do_not_end_have_no_refresh_token(box, anybody, app):
    box.harbour.access_seconds = math.inf
    tokens = await signed_in(box, anybody, app)
    assert {"expires_in", "refresh_token"}.isdisjoint(tokens)
    box.clock.advance(1e9)
    assert (await anybody.get("/me", headers=bearer(tokens["access_token"]))).status_code == 200


async def test_tokens_for_tests_need_no_consent(box, anybody):
    issued = box.harbour.token_for("other", "read")
    assert (await anybody.get("/me", headers=bearer(issued.access_token))).json() == {"id": "h1"}


# --- lost answers, and over real HTTP ---


async def test_a_lost_token_answer_has_spent_the_refresh_token(box, anybody, app):
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
    box.fault("dropped-after", platform="harbour", match="POST /oauth/token")
    with pytest.raises(httpx.TransportError):
        await anybody.post("/oauth/token", data=form)
    assert box.harbour.refresh_count == 1
    assert (await anybody.post("/oauth/token", data=form)).status_code == 400


async def test_a_token_request_that_never_arrived_spent_nothing(box, anybody, app):
    form = with_refresh((await signed_in(box, anybody, app))["refresh_token"], **app)
    box.fault("dropped-before", platform="harbour", match="POST /oauth/token")
    with pytest.raises(httpx.TransportError):
        await anybody.post("/oauth/token", data=form)
    assert (await anybody.post("/oauth/token", data=form)).status_code == 200


def test_a_box_that_only_signs_in_is_no_account_and_has_no_timeline(box):
    assert box.accounts() == {}
    assert box.timeline("harbour") == []
    assert "Harbour" not in render(box)
    assert state(box)["timelines"] == {}


def test_it_is_served_below_its_name(box):
    with box.serve() as url, httpx.Client(trust_env=False) as client:
        app = box.harbour.app_for("oauth2", BACK)
        page = ask(f"{url}/harbour/oauth/authorize", app["client_id"], "read")
        landed = client.post(page, data={"decision": "allow", "username": "brand", "granted": "read"})
        form = with_code(landed.headers["location"], **app)
        tokens = client.post(f"{box.harbour.address(f'{url}/harbour')}/oauth/token", data=form).json()
        me = client.get(f"{url}/harbour/me", headers=bearer(tokens["access_token"]))
        box.fault("dropped-after", platform="harbour", match="POST /oauth/token")
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(f"{url}/harbour/oauth/token", data=with_refresh(tokens["refresh_token"], **app))
    assert me.json() == {"id": "h0"}
    assert box.harbour.refresh_count == 1


def test_a_basic_header_is_read_with_its_escapes():
    def read(header):
        return basic(SimpleNamespace(headers={"authorization": header}))

    assert read("Basic YSUzQWI6YyUyRmQ=") == ("a:b", "c/d")
    assert read("Bearer YTpi") is None
    assert read("Basic ?") is None


def test_secrets_do_not_show(box, app):
    issued = box.harbour.token_for("brand")
    assert app["client_secret"] not in repr(box.harbour.apps[app["client_id"]])
    assert issued.access_token not in repr(issued)
    assert issued.refresh_token not in repr(issued)
    assert issued.scope() == "read write"
    assert issued.scope(",") == "read,write"
