"""Ending a sign-in at the platform: the token as a parameter or as the signature, and what counts as ended."""

from __future__ import annotations

import base64
from typing import Any

import attrs
import pytest

from adapters.fakes import FakeCall, answer
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential
from socialkit.auth import _engine
from socialkit.errors import AuthError, LoginFailed, RateLimited, Unavailable
from socialkit.flows import CodeFlow, Flow, KeyFlow, PasswordFlow, Revocation
from socialkit.flows.mastodon import FLOWS as MASTODON
from socialkit.flows.x import FLOWS as X

SERVER = "https://api.example.com"
FLOW = CodeFlow(
    name="oauth2",
    title="Harbour",
    server=SERVER,
    authorize_url="/authorize",
    token_url="/token",
    revocation=Revocation(url="/revoke", sends=("refresh_token", "access_token"), hint=True),
)
HELD = Credential(
    "oauth2",
    access_token="t0ken",
    refresh_token="r0fresh",
    client_id="the-app",
    client_secret="s3cret",
)


def way(**more: Any) -> CodeFlow:
    return attrs.evolve(FLOW, revocation=Revocation(**{"url": "/revoke", **more}))


async def revoked(flow: Flow, *answers: Any, held: Credential = HELD, server: str = SERVER) -> FakeCall:
    call = FakeCall(signed_in_class("harbour", "Harbour", (FLOW,))(SERVER), answers=answers)
    assert await _engine.revoke(flow, held, server, call)
    return call


async def test_every_token_is_sent_in_a_request_of_its_own() -> None:
    call = await revoked(FLOW, answer({}), answer({}))
    app = {"client_id": "the-app", "client_secret": "s3cret"}
    assert [asked.form for asked in call.asked] == [
        {"token": "r0fresh", "token_type_hint": "refresh_token", **app},
        {"token": "t0ken", "token_type_hint": "access_token", **app},
    ]
    assert {asked.url for asked in call.asked} == {f"{SERVER}/revoke"}
    assert not [asked for asked in call.asked if "authorization" in asked.headers]


async def test_a_token_that_is_not_there_is_not_sent() -> None:
    call = await revoked(FLOW, answer({}), held=attrs.evolve(HELD, refresh_token=None))
    assert [asked.form["token"] for asked in call.asked] == ["t0ken"]


async def test_the_request_may_be_signed_with_the_token_instead() -> None:
    call = await revoked(way(name="", client=False, method="DELETE"), answer(None, 204, content=b""))
    assert (call.asked[0].method, call.asked[0].headers["authorization"]) == ("DELETE", "Bearer t0ken")
    session = KeyFlow(name="p", title="", asks=(), fills={}, kind="session", server=SERVER)
    by_refresh = Revocation(url="/revoke", sends=("refresh_token",), name="", client=False)
    call = await revoked(attrs.evolve(session, revocation=by_refresh), answer({}))
    assert call.asked[0].headers["authorization"] == "Bearer r0fresh"


async def test_a_password_of_its_own_is_looked_up_and_deleted() -> None:
    held = Credential("basic", client_id="brand", secret="abcd")
    flow = way(
        url="/passwords/{found}", method="DELETE", name="", client=False, look="/passwords/me", found="uuid"
    )
    call = await revoked(flow, answer({"uuid": "1-2"}), answer({"deleted": True}), held=held)
    assert [asked.path for asked in call.asked] == ["/passwords/me", "/passwords/1-2"]
    basic = base64.b64encode(b"brand:abcd").decode()
    assert {asked.headers["authorization"] for asked in call.asked} == {f"Basic {basic}"}
    assert len((await revoked(flow, answer({"code": "x"}, 401), held=held)).asked) == 1


async def test_an_id_that_leads_elsewhere_is_refused() -> None:
    flow = way(url="/passwords/{found}", name="", client=False, look="/me", found="uuid")
    with pytest.raises(LoginFailed, match="found"):
        await revoked(flow, answer({"uuid": "../../everything"}))


async def test_the_token_may_stand_in_the_address() -> None:
    held = Credential("none", client_id="17", access_token="w0bhook")
    flow = way(url="/webhooks/{client_id}/{access_token}", method="DELETE", name="", client=False)
    call = await revoked(flow, answer(None, 204, content=b""), held=held)
    assert call.asked[0].path == "/webhooks/17/w0bhook"


async def test_the_first_address_the_server_knows_counts() -> None:
    flow = way(url="/v4/logout|/v3/logout", name="", client=False)
    call = await revoked(flow, answer(None, 404), answer({"ok": True}))
    assert [asked.path for asked in call.asked] == ["/v4/logout", "/v3/logout"]


async def test_an_address_the_server_told_is_used() -> None:
    held = attrs.evolve(HELD, extra={"revocation_endpoint": "https://social.example.com/auth/end"})
    call = await revoked(MASTODON[0], answer({}), held=held, server="https://social.example.com")
    assert call.asked[0].url == "https://social.example.com/auth/end"


async def test_x_proves_the_app_in_a_header_and_scripts_do_too() -> None:
    call = await revoked(
        X[0], answer({"revoked": True}), answer({"revoked": True}), server="https://api.x.com"
    )
    basic = f"Basic {base64.b64encode(b'the-app:s3cret').decode()}"
    assert {asked.headers["authorization"] for asked in call.asked} == {basic}
    script = PasswordFlow(name="s", title="", asks=(), login_url="/", sends={}, takes={}, server=SERVER)
    call = await revoked(attrs.evolve(script, revocation=Revocation(url="/revoke")), answer({}))
    assert call.asked[0].headers["authorization"] == basic


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "invalid_token"}),
        (400, {"error": {"code": 190, "message": "expired"}}),
        (200, {"ok": False, "error": "token_revoked"}),
        (404, None),
        (410, None),
        (200, None),
    ],
)
async def test_what_is_not_valid_any_more_is_ended(status: int, body: Any) -> None:
    await revoked(way(), answer(body, status))


async def test_a_signed_request_that_is_refused_means_it_is_over() -> None:
    await revoked(way(name="", client=False), answer({"message": "who?"}, 401))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"error": "invalid_client"}, 401), AuthError),
        (
            answer({"error": "unauthorized_client", "error_description": "another app's t0ken"}, 403),
            AuthError,
        ),
        (answer({"ok": False, "error": "missing_scope"}), AuthError),
        (answer({"ok": False, "error": "ratelimited"}), RateLimited),
        (answer(None, 403), Unavailable),
        (Unavailable("down"), Unavailable),
    ],
)
async def test_a_sign_in_that_lives_on_is_an_error(reply: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        await revoked(way(), reply)
    assert type(caught.value) is kind
    assert "t0ken" not in str(caught.value)


async def test_where_the_platform_offers_no_way_it_says_so() -> None:
    call = FakeCall(signed_in_class("harbour", "Harbour", (FLOW,))(SERVER))
    assert await _engine.revoke(attrs.evolve(FLOW, revocation=None), HELD, SERVER, call) is False
