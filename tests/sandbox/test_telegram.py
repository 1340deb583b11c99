"""The Telegram sandbox over HTTP: a bot says who it is, and its token is seen nowhere."""

from __future__ import annotations

import pytest

from socialkit.sandbox import Sandbox

API = "https://api.telegram.org"


@pytest.fixture
def box():
    with Sandbox(["telegram"]) as made:
        yield made


@pytest.fixture
def token(box):
    return box.telegram.answers("bot_token")["bot_token"]


async def test_a_bot_says_who_it_is(box, http, token):
    answer = await http(box).get(f"{API}/bot{token}/getMe")
    assert answer.status_code == 200
    told = answer.json()
    assert told["ok"] is True
    assert told["result"]["is_bot"] is True
    assert str(told["result"]["id"]) == token.partition(":")[0] == box.telegram.identity_of("brand")
    assert told["result"]["username"] == "brand_bot"


@pytest.mark.parametrize("method", ["getMe", "getme", "GETME"])
async def test_method_names_are_read_without_regard_to_case(box, http, token, method):
    assert (await http(box).post(f"{API}/bot{token}/{method}")).json()["ok"] is True


async def test_each_person_has_a_bot_of_their_own(box, http):
    other = box.telegram.answers("bot_token", "other")["bot_token"]
    told = (await http(box).get(f"{API}/bot{other}/getMe")).json()
    assert str(told["result"]["id"]) == box.telegram.identity_of("other") != box.telegram.identity_of("brand")


async def test_a_revoked_token_is_unauthorized_and_a_malformed_one_not_found(box, http, token):
    box.telegram.revoke(token)
    gone = await http(box).get(f"{API}/bot{token}/getMe")
    assert (gone.status_code, gone.json()) == (
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
    )
    for wrong in ("123:short", "no-token-at-all"):
        odd = await http(box).get(f"{API}/bot{wrong}/getMe")
        assert (odd.status_code, odd.json()) == (
            404,
            {"ok": False, "error_code": 404, "description": "Not Found"},
        )


async def test_a_method_nobody_knows_is_not_found(box, http, token):
    assert (await http(box).get(f"{API}/bot{token}/getYou")).status_code == 404


def test_botfather_gives_another_token_after_the_old_one_was_revoked(box, token):
    assert box.telegram.answers("bot_token")["bot_token"] == token
    box.telegram.revoke(token)
    newer = box.telegram.answers("bot_token")["bot_token"]
    assert newer != token
    assert newer.partition(":")[0] == token.partition(":")[0]


async def test_the_transcript_shows_no_token(box, http, token):
    await http(box).get(f"{API}/bot{token}/getMe")
    (kept,) = box.requests
    assert token.partition(":")[2] not in repr(kept)
    assert "getMe" in kept.path
