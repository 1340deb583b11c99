"""The Misskey sandbox over HTTP: MiAuth hands a token out once, and permissions count."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from socialkit.sandbox import Sandbox

HOST = "https://misskey.example.com"
SESSION = "c1f6d42b-468b-4fd2-8274-e58abdedef6f"
CALLBACK = "https://app.example.com/back?tab=1"


@pytest.fixture
def box():
    with Sandbox(["misskey"]) as made:
        yield made


@pytest.fixture
def client(box, http):
    return http(box, base_url=HOST)


def page(permission="write:notes,read:account", session=SESSION, **more):
    query = {"name": "Fleet", "callback": CALLBACK, "permission": permission, **more}
    return f"{HOST}/miauth/{session}?{urlencode(query)}"


def error(answer):
    told = answer.json()["error"]
    return answer.status_code, told["code"], told["id"], told["kind"]


async def test_the_browser_comes_back_with_the_session_and_the_token_is_collected_once(box, client):
    back = urlsplit(box.misskey.approve(page()))
    assert back.netloc == "app.example.com"
    assert parse_qs(back.query) == {"tab": ["1"], "session": [SESSION]}
    told = (await client.post(f"/api/miauth/{SESSION}/check", json={})).json()
    assert (told["ok"], told["user"]["username"]) == (True, "brand")
    me = (await client.post("/api/i", json={"i": told["token"]})).json()
    assert me["id"] == told["user"]["id"] == box.misskey.identity_of("brand")
    again = await client.post(f"/api/miauth/{SESSION}/check", json={})
    assert (again.status_code, again.json()) == (200, {"ok": False})


async def test_before_anybody_agreed_and_after_a_refusal_there_is_no_token(box, client):
    assert (await client.post(f"/api/miauth/{SESSION}/check", json={})).json() == {"ok": False}
    assert SESSION in box.misskey.deny(page())
    assert (await client.post(f"/api/miauth/{SESSION}/check", json={})).json() == {"ok": False}


async def test_the_page_shows_what_is_asked_for_and_its_button_agrees(box, client):
    shown = await client.get(page())
    assert "write:notes" in shown.text
    pressed = await client.post(page(), data={"decision": "allow", "username": "other"})
    assert pressed.status_code == 302
    assert f"session={SESSION}" in pressed.headers["location"]
    told = (await client.post(f"/api/miauth/{SESSION}/check", json={})).json()
    assert told["user"]["id"] == box.misskey.identity_of("other")


async def test_a_token_in_the_header_or_in_the_body(box, client):
    token = box.misskey.answers("token")["token"]
    by_header = await client.post("/api/i", json={}, headers={"authorization": f"Bearer {token}"})
    by_body = await client.post("/api/i", json={"i": token})
    assert by_header.status_code == by_body.status_code == 200
    assert by_header.json()["username"] == by_body.json()["username"] == "brand"


async def test_no_token_and_a_bad_one_are_told_apart(box, client):
    assert error(await client.post("/api/i", json={})) == (
        *(401, "CREDENTIAL_REQUIRED", "1384574d-a912-4b81-8601-c7b1c4085df1", "client"),
    )
    token = box.misskey.answers("token")["token"]
    box.misskey.revoke(token)
    assert error(await client.post("/api/i", json={"i": token})) == (
        *(401, "AUTHENTICATION_FAILED", "b0a7f5f8-dc2f-4171-b91f-de88ad238e14", "client"),
    )
    assert box.misskey.answers("token")["token"] != token


async def test_a_permission_that_was_not_given_is_missed(box, client):
    box.misskey.approve(page("write:notes,read:account"), untick={"read:account"})
    token = (await client.post(f"/api/miauth/{SESSION}/check", json={})).json()["token"]
    assert error(await client.post("/api/i", json={"i": token})) == (
        *(403, "PERMISSION_DENIED", "1370e5b7-d4eb-4566-bb1d-7748ee6a1838", "permission"),
    )
    allowed = await client.post("/api/notes/create", json={"i": token})
    assert error(allowed)[:2] == (400, "INVALID_PARAM")


async def test_permissions_the_server_does_not_know_are_left_out_in_silence(box, client):
    box.misskey.approve(page("read:account,read:moon"))
    token = (await client.post(f"/api/miauth/{SESSION}/check", json={})).json()["token"]
    assert box.misskey.grants[token].scopes == {"read:account"}


async def test_the_transcript_shows_no_session(box, client):
    await client.post(f"/api/miauth/{SESSION}/check", json={})
    (kept,) = box.requests
    assert kept.path == "/api/miauth/***/check"
