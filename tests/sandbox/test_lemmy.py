"""The Lemmy sandbox over HTTP: passwords become sessions, in both generations of the API."""

from __future__ import annotations

import httpx
import pytest

from socialkit.sandbox import Sandbox

HOST = "https://lemmy.example.com"
OLD, NEW = "/api/v3/user", "/api/v4/account/auth"


@pytest.fixture
def box():
    with Sandbox(["lemmy"]) as made:
        yield made


@pytest.fixture
def client(box, http):
    return http(box, base_url=HOST)


@pytest.fixture
def login(box, client):
    async def login(base=OLD, username="brand", **more) -> httpx.Response:
        given = {"username_or_email": username, "password": box.lemmy.passwords[username], **more}
        return await client.post(f"{base}/login", json=given)

    return login


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def error(answer):
    return answer.status_code, answer.json()["error"]


async def test_a_password_becomes_a_session(box, client, login):
    told = (await login()).json()
    assert (told["registration_created"], told["verify_email_sent"]) == (False, False)
    site = (await client.get("/api/v3/site", headers=bearer(told["jwt"]))).json()
    assert str(site["my_user"]["local_user_view"]["person"]["id"]) == box.lemmy.identity_of("brand")
    assert (await client.get(f"{OLD}/validate_auth", headers=bearer(told["jwt"]))).json() == {"success": True}


async def test_the_address_of_the_mailbox_is_a_name_too(client, login):
    token = (await login(username_or_email="other@example.com", username="other")).json()["jwt"]
    site = (await client.get("/api/v3/site", headers=bearer(token))).json()
    assert site["my_user"]["local_user_view"]["person"]["name"] == "other"


async def test_the_site_says_nothing_about_a_token_that_is_no_good(client):
    for headers in ({}, bearer("made-up")):
        answer = await client.get("/api/v3/site", headers=headers)
        assert answer.status_code == 200
        assert "my_user" not in answer.json()
    assert error(await client.get(f"{OLD}/validate_auth")) == (400, "not_logged_in")


async def test_the_new_api_is_not_there_before_1_0(client, login):
    assert (await login(NEW)).status_code == 404
    for path in ("site", "account", "account/validate_auth"):
        assert (await client.get(f"/api/v4/{path}")).status_code == 404
    assert (await client.get("/nodeinfo/2.1")).json()["software"]["version"] == "0.19.12"


async def test_the_new_api_and_what_is_left_of_the_old_one(box, client, login):
    box.lemmy.release = "1.0.0-beta.1"
    token = (await login(NEW)).json()["jwt"]
    mine = (await client.get("/api/v4/account", headers=bearer(token))).json()
    assert str(mine["local_user_view"]["person"]["id"]) == box.lemmy.identity_of("brand")
    site = (await client.get("/api/v4/site", headers=bearer(token))).json()
    assert site["version"] == "1.0.0-beta.1"
    assert "my_user" not in site
    assert (await login(OLD)).status_code == 200
    assert (await client.get("/api/v3/site", headers=bearer(token))).json()["my_user"]
    assert (await client.get(f"{OLD}/validate_auth", headers=bearer(token))).status_code == 404
    assert error(await client.get("/api/v4/account")) == (400, "not_logged_in")


async def test_a_session_of_1_0_ends_after_a_week_unless_it_is_to_stay(box, client, login):
    box.lemmy.release = "1.0.0"
    short = (await login(NEW)).json()["jwt"]
    long_one = (await login(NEW, stay_logged_in=True)).json()["jwt"]
    box.clock.advance(7 * 86_400 - 1)
    assert (await client.get("/api/v4/account", headers=bearer(short))).status_code == 200
    box.clock.advance(1)
    assert error(await client.get("/api/v4/account", headers=bearer(short))) == (400, "not_logged_in")
    assert (await client.get("/api/v4/account", headers=bearer(long_one))).status_code == 200


async def test_a_session_of_0_19_does_not_end(box, client, login):
    token = (await login()).json()["jwt"]
    box.clock.advance(366 * 86_400)
    assert (await client.get(f"{OLD}/validate_auth", headers=bearer(token))).status_code == 200


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username_or_email": "nobody"}])
async def test_a_wrong_name_and_a_wrong_password_are_not_told_apart(login, wrong):
    assert error(await login(**wrong)) == (401, "incorrect_login")


async def test_a_second_factor(box, login):
    box.lemmy.totp["brand"] = "123456"
    assert error(await login()) == (400, "missing_totp_token")
    assert error(await login(totp_2fa_token="000000")) == (400, "incorrect_totp_token")
    assert (await login(totp_2fa_token="123456")).status_code == 200
    assert box.lemmy.answers("password") == {
        "username": "brand",
        "password": box.lemmy.passwords["brand"],
        "totp": "123456",
    }
    assert "totp" not in box.lemmy.answers("password", "other")


@pytest.mark.parametrize("why", ["registration_created", "verify_email_sent"])
async def test_an_account_that_is_not_active_yet_gets_no_token(box, login, why):
    box.lemmy.inactive["brand"] = why
    answer = await login()
    assert answer.status_code == 200
    assert answer.json()["jwt"] is None
    assert answer.json()[why] is True


async def test_a_banned_account(box, login):
    box.lemmy.inactive["brand"] = "site_ban"
    assert error(await login()) == (400, "site_ban")


@pytest.mark.parametrize(("release", "base"), [("0.19.12", OLD), ("1.0.0", NEW)])
async def test_signing_out_ends_this_session_alone(box, client, login, release, base):
    box.lemmy.release = release
    one, two = (await login(base)).json()["jwt"], (await login(base)).json()["jwt"]
    assert (await client.post(f"{base}/logout", headers=bearer(one))).json() == {"success": True}
    assert error(await client.post(f"{base}/logout", headers=bearer(one))) == (400, "not_logged_in")
    assert (await client.post(f"{base}/logout", headers=bearer(two))).status_code == 200


async def test_a_new_password_ends_every_session(box, client, login):
    old, token = box.lemmy.passwords["brand"], (await login()).json()["jwt"]
    box.lemmy.change_password("brand")
    assert error(await client.get(f"{OLD}/validate_auth", headers=bearer(token))) == (400, "not_logged_in")
    assert error(await login(password=old)) == (401, "incorrect_login")
    assert (await login()).status_code == 200
