"""Pinterest: what signing in asks and what the sandbox answers is as the API description says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from socialkit.sandbox import Sandbox

from .specs import SpecViolation, check_exchange, validator

pytestmark = pytest.mark.specs

BACK = "http://127.0.0.1:8000/back"
TOKEN = "/v5/oauth/token"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["pinterest"]) as box:
        yield box


@pytest.fixture
def app(box: Sandbox) -> dict[str, str]:
    return box.pinterest.app_for("oauth2", BACK)


@pytest.fixture
async def client(box: Sandbox, app: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Every exchange is checked as it happens."""

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        check_exchange(validator("pinterest"), answer)

    async with httpx.AsyncClient(
        transport=box.transport,
        base_url="https://api.pinterest.com",
        auth=(app["client_id"], app["client_secret"]),
        event_hooks={"response": [check]},
    ) as client:
        yield client


def code(box: Sandbox, app: dict[str, str], scope: str = "user_accounts:read,pins:read") -> dict[str, str]:
    query = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": BACK, "scope": scope}
    back = box.pinterest.approve(str(httpx.URL("https://www.pinterest.com/oauth/", params=query)))
    given = httpx.URL(back).params["code"]
    return {"grant_type": "authorization_code", "code": given, "redirect_uri": BACK}


async def test_the_life_of_a_sign_in(box: Sandbox, app: dict[str, str], client: httpx.AsyncClient) -> None:
    tokens = (await client.post(TOKEN, data=code(box, app))).json()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "scope": "pins:read"}
    newer = (await client.post(TOKEN, data=form)).json()
    assert newer["refresh_token"] != tokens["refresh_token"]
    assert (await client.post(TOKEN, data=form)).status_code == 400
    form = {"grant_type": "client_credentials", "scope": "user_accounts:read"}
    assert (await client.post(TOKEN, data=form)).status_code == 200
    assert (await client.post(f"{TOKEN}/revoke", data={"token": "x"})).status_code == 403


async def test_who_signed_in(box: Sandbox, client: httpx.AsyncClient) -> None:
    for username in ("brand", "other"):
        issued = box.pinterest.token_for(username, "user_accounts:read")
        headers = {"authorization": f"Bearer {issued.access_token}"}
        assert (await client.get("/v5/user_account", headers=headers, auth=None)).json()[
            "username"
        ] == username


async def test_refusals(box: Sandbox, app: dict[str, str], client: httpx.AsyncClient) -> None:
    wrong = {**code(box, app), "code": "guessed"}
    assert (await client.post(TOKEN, data=wrong)).status_code == 400
    assert (await client.post(TOKEN, data=wrong, auth=("x", "y"))).status_code == 401


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"grant_type": "authorization_code", "code": "c"}, "redirect_uri"),
        ({"grant_type": "refresh_token"}, "refresh_token"),
        ({"grant_type": "magic"}, "magic"),
        ({"grant_type": "refresh_token", "refresh_token": "r", "code_verifier": "v"}, "code_verifier"),
    ],
)
async def test_the_description_is_looked_at(
    client: httpx.AsyncClient, form: dict[str, str], words: str
) -> None:
    with pytest.raises(SpecViolation, match=words):
        await client.post(TOKEN, data=form)
