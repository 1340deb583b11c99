"""The device grant: a code that is typed elsewhere, and questions that come no faster than they may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from adapters.fakes import NOW, Asked, FakeCall, answer
from socialkit import AsyncClient
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential, Response
from socialkit.auth import App, Login, _engine
from socialkit.errors import ConfigError, LoginFailed, OutcomeUnknown, Unavailable
from socialkit.flows import DeviceFlow
from socialkit.flows.youtube import FLOWS as YOUTUBE
from socialkit.sandbox import Sandbox

SERVER = "https://api.example.com"
FLOW = DeviceFlow(name="device", title="Harbour", server=SERVER, device_url="/device", token_url="/token")
APP = App("the-app", "s3cret&more")
CODES = {"device_code": "d0vice-code", "user_code": "ABCD-EFGH", "verification_uri": "https://example.com/tv"}
TOKEN = {"access_token": "t0ken-1", "refresh_token": "r0fresh-1", "expires_in": "3600", "scope": "read"}


def draft() -> Login:
    return Login(
        platform="harbour",
        server=SERVER,
        flow="device",
        url=None,
        redirect_uri="",
        state="st4te",
        capabilities=("publish",),
        scopes=("read", "write"),
        expires_at=NOW + timedelta(minutes=30),
    )


class Patient(FakeCall):
    """A call whose clock moves with what it waits."""

    async def poll(self, look: Any, ready: Callable[[Response], bool], **how: Any) -> Response:
        steps = iter(how["waits"])
        while not ready(response := await look()):
            self.waits.append(next(steps))
            self.at += timedelta(seconds=self.waits[-1])
            assert sum(self.waits) <= how["limit"], "waited past its limit"
        return response


def talk(*answers: Any) -> Patient:
    return Patient(signed_in_class("harbour", "Harbour", (FLOW,))(SERVER), answers=answers)


async def begun(*, app: App | None = APP, **codes: Any) -> tuple[Login, FakeCall]:
    call, login = talk(answer({**CODES, **codes})), draft()
    asked = await _engine.begin(FLOW, app, login, call)
    ends = NOW + timedelta(seconds=asked.expires_in)
    made = attrs.evolve(
        login, url=asked.url, user_code=asked.user_code, secrets=asked.secrets, expires_at=ends
    )
    return made, call


async def finished(*answers: Any, **codes: Any) -> tuple[Credential, Patient]:
    login, _ = await begun(**codes)
    call = talk(*answers)
    return await _engine.finish(FLOW, APP, login, {}, call), call


PENDING = answer({"error": "authorization_pending"}, 428)


async def test_the_person_is_told_a_code_and_a_page() -> None:
    login, call = await begun(interval=7, expires_in=1800)
    assert (login.url, login.user_code) == ("https://example.com/tv", "ABCD-EFGH")
    assert login.expires_at == NOW + timedelta(minutes=30)
    assert call.asked[0].url == f"{SERVER}/device"
    assert call.asked[0].form == {"client_id": "the-app", "scope": "read write"}


@pytest.mark.parametrize(
    ("more", "url"),
    [
        (
            {"verification_uri": None, "verification_url": "https://example.com/old"},
            "https://example.com/old",
        ),
        ({"verification_uri_complete": "https://example.com/tv?c=A"}, "https://example.com/tv?c=A"),
    ],
)
async def test_the_page_has_several_names(more: dict[str, Any], url: str) -> None:
    login, _ = await begun(**more)
    assert login.url == url


@pytest.mark.parametrize(
    "body", [{}, {"error": "invalid_client"}, [], {"device_code": "d", "user_code": "u"}]
)
async def test_without_a_code_there_is_no_login(body: Any) -> None:
    with pytest.raises(LoginFailed):
        await _engine.begin(FLOW, APP, draft(), talk(answer(body)))


async def test_it_needs_an_app() -> None:
    with pytest.raises(ConfigError, match="needs a developer app"):
        await begun(app=None)


async def test_it_waits_as_long_as_it_is_told() -> None:
    slow = answer({"error": "slow_down"}, 403)
    credential, call = await finished(PENDING, slow, PENDING, answer(TOKEN), interval=7)
    assert call.waits == [7, 12, 12]
    assert (credential.access_token, credential.refresh_token) == ("t0ken-1", "r0fresh-1")
    assert credential.extra == {"flow": "device", "renews": "refresh_token"}
    assert credential.expires_at == NOW + timedelta(seconds=31 + 3600)
    assert call.asked[0].form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": "d0vice-code",
        "client_id": "the-app",
        "client_secret": "s3cret&more",
    }


@pytest.mark.parametrize("trouble", [Unavailable("down"), answer(None, 503), answer({"error": "x"}, 429)])
async def test_trouble_on_the_way_is_waited_out(trouble: Any) -> None:
    _, call = await finished(trouble, answer(TOKEN))
    assert call.waits == [10]


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (answer({"error": "access_denied"}, 403), "denied"),
        (answer({"error": "expired_token"}, 400), "expired"),
        (answer({"error": "invalid_grant"}, 400), "refused"),
        (answer({"error": "invalid_client"}, 401), "refused"),
        (answer({"hello": 1}), "lost"),
        (OutcomeUnknown("reset"), "lost"),
    ],
)
async def test_how_it_may_end(last: Any, reason: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        await finished(answer({"error": "authorization_pending"}, 400), last)
    assert caught.value.reason == reason
    assert "d0vice-code" not in str(caught.value)


async def test_nobody_typed_it_in_time() -> None:
    login, _ = await begun(expires_in=60)
    call = talk(*[PENDING] * 20)
    with pytest.raises(LoginFailed, match="nobody typed the code in time") as caught:
        await _engine.finish(FLOW, APP, login, {}, call)
    assert caught.value.reason == "expired"
    assert sum(call.waits) < 60


async def test_the_next_token_comes_as_everywhere() -> None:
    held = Credential("oauth2", access_token="a", refresh_token="r", client_id="the-app", client_secret="s")

    def checked(asked: Asked) -> Response:
        assert asked.form["grant_type"] == "refresh_token"
        return answer(TOKEN)

    assert (await _engine.renew(FLOW, held, SERVER, talk(checked))).access_token == "t0ken-1"


async def test_a_person_of_the_sandbox_types_the_code() -> None:
    with Sandbox(["youtube"]) as box:
        app = App(flow="device", **box.youtube.app_for("device"))
        made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "apps": {"youtube": app}}
        async with AsyncClient(**made) as client:
            login = await client.begin_login("youtube")
            assert login.user_code is not None
            box.youtube.approve_device(login.user_code, "other")
            account = await client.finish_login(login)
            assert account.identity.id == box.youtube.identity_of("other")
    assert account.credential.extra["flow"] == YOUTUBE[1].name
