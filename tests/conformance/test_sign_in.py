"""Who signed in, and why not: the sandbox's answers are as the platforms' own descriptions have them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator

from socialkit.sandbox import Sandbox

from .specs import need_specs, specs_folder

pytestmark = pytest.mark.specs


def described(path: str) -> Any:
    need_specs()
    return json.loads((specs_folder() / path).read_text())


def problems(document: Any, schema: Any, answer: Any, older: bool = False) -> list[str]:
    """What is wrong with an answer, by a schema of an OpenAPI document."""
    root = {"components": document["components"], "allOf": [schema]}
    maker = OAS30Validator if older else OAS31Validator
    return [f"{error.json_path}: {error.message}" for error in maker(root).iter_errors(answer)]


def ref(name: str) -> Any:
    return {"$ref": f"#/components/schemas/{name}"}


@pytest.fixture
async def asked(request: pytest.FixtureRequest) -> Any:
    """(sandbox, HTTP client) of the platform the test names."""
    with Sandbox([request.param]) as box:
        async with httpx.AsyncClient(transport=box.transport) as client:
            yield box[request.param], client


def of(platform: str) -> Any:
    return pytest.mark.parametrize("asked", [platform], indirect=True)


@of("telegram")
async def test_telegram_bots(asked: Any) -> None:
    bot = described("telegram/api.json")["types"]["User"]
    box, client = asked
    token = box.answers("bot_token")["bot_token"]
    told = (await client.get(f"https://api.telegram.org/bot{token}/getMe")).json()["result"]
    fields = {field["name"]: field for field in bot["fields"]}
    assert told.keys() <= fields.keys()
    assert {name for name, field in fields.items() if field["required"]} <= told.keys()


@of("discord")
async def test_discord_webhooks_bots_and_refusals(asked: Any) -> None:
    document = described("discord/openapi.json")
    box, client = asked
    url = box.answers("webhook")["webhook_url"]
    hook = (await client.get(url)).json()
    assert not problems(document, ref("GuildIncomingWebhookResponse"), hook)
    bot = {"authorization": f"Bot {box.answers('bot')['bot_token']}"}
    me = (await client.get("https://discord.com/api/v10/users/@me", headers=bot)).json()
    assert not problems(document, ref("UserPIIResponse"), me)
    for wrong in (f"{url}x", "https://discord.com/api/webhooks/1/x"):
        assert not problems(document, ref("ErrorResponse"), (await client.get(wrong)).json())


@of("misskey")
async def test_misskey_people_and_refusals(asked: Any) -> None:
    document = described("misskey/misskey-openapi.json")
    box, client = asked
    token = box.answers("token")["token"]
    me = (await client.post("https://misskey.example.com/api/i", json={"i": token})).json()
    assert not problems(document, ref("MeDetailed"), me)
    refused = (await client.post("https://misskey.example.com/api/i", json={})).json()
    assert not problems(document, ref("Error"), refused)


@of("lemmy")
async def test_lemmy_before_1_0(asked: Any) -> None:
    document = described("lemmy/lemmy-v3-openapi.json")
    box, client = asked
    base = "https://lemmy.example.com/api/v3"
    given = {"username_or_email": "brand", "password": box.passwords["brand"]}
    login = (await client.post(f"{base}/user/login", json=given)).json()
    assert not problems(document, ref("LoginResponse"), login)
    headers = {"authorization": f"Bearer {login['jwt']}"}
    site = (await client.get(f"{base}/site", headers=headers)).json()
    assert "my_user" in site
    assert not problems(document, ref("GetSiteResponse"), site)
    assert not problems(
        document,
        ref("SuccessResponse"),
        (await client.get(f"{base}/user/validate_auth", headers=headers)).json(),
    )


@of("lemmy")
async def test_lemmy_from_1_0(asked: Any) -> None:
    document = described("lemmy/lemmy-v4-openapi.json")
    box, client = asked
    box.release = "1.0.0"
    base = "https://lemmy.example.com/api/v4"
    given = {"username_or_email": "brand", "password": box.passwords["brand"], "stay_logged_in": True}
    login = (await client.post(f"{base}/account/auth/login", json=given)).json()
    assert not problems(document, ref("LoginResponse"), login, older=True)
    headers = {"authorization": f"Bearer {login['jwt']}"}
    mine = (await client.get(f"{base}/account", headers=headers)).json()
    assert not problems(document, ref("MyUserInfo"), mine, older=True)


@of("slack")
async def test_slack_who_and_refusals(asked: Any) -> None:
    paths = described("slack/slack_web_openapi_v2.json")["paths"]
    box, client = asked
    headers = {"authorization": f"Bearer {box.answers('bot_token')['bot_token']}"}
    url = "https://slack.com/api/auth.test"
    good, bad = (await client.get(url, headers=headers)).json(), (await client.get(url)).json()
    for answer, which in ((good, "200"), (bad, "default")):
        schema = paths["/auth.test"]["get"]["responses"][which]["schema"]
        assert set(schema["required"]) <= answer.keys() <= schema["properties"].keys()
    assert (
        bad["error"]
        in paths["/auth.test"]["get"]["responses"]["default"]["schema"]["properties"]["error"]["enum"]
    )


@of("wordpress")
async def test_wordpress_people_and_refusals(asked: Any) -> None:
    recorded = {one["name"]: one["response"] for one in described("wordpress/recorded_examples_6.7.json")}
    box, client = asked
    login = box.answers("password")
    auth = (login["user_login"], login["password"])
    base = "https://wordpress.example.com/wp-json/wp/v2/users/me"
    me = (await client.get(f"{base}?context=edit", auth=auth)).json()
    assert me.keys() == recorded["me"]["json"].keys()
    assert {name: type(value) for name, value in me.items()} == {
        name: type(value) for name, value in recorded["me"]["json"].items()
    }
    assert me["capabilities"].keys() <= recorded["me"]["json"]["capabilities"].keys()
    which = (await client.get(f"{base}/application-passwords/introspect", auth=auth)).json()
    assert which.keys() == recorded["apppw_introspect"]["json"].keys()
    refused = await client.get(base, auth=("brand", "wrong"))
    assert (refused.status_code, refused.json()) == (
        recorded["badauth"]["status"],
        recorded["badauth"]["json"],
    )
