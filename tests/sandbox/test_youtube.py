"""Google's accounts as a stranger meets them over HTTP, and the channel a YouTube token belongs to."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from socialkit.sandbox import Sandbox

AUTHORIZE = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN = "https://oauth2.googleapis.com/token"
REVOKE = "https://oauth2.googleapis.com/revoke"
DEVICE = "https://oauth2.googleapis.com/device/code"
CHANNELS = "https://www.googleapis.com/youtube/v3/channels?part=id,snippet&mine=true"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
CALLBACK = "http://127.0.0.1:50432/callback"
READ, UPLOAD = (f"https://www.googleapis.com/auth/youtube.{name}" for name in ("readonly", "upload"))
VERIFIER = "a-verifier-of-more-than-forty-three-characters.~_"
WEEK = 7 * 86_400


@pytest.fixture
def box():
    with Sandbox(["youtube"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def consent_url(box, callback: str = CALLBACK, **changed: str) -> str:
    asked = {
        "client_id": box.youtube.app_for("oauth2", callback)["client_id"],
        "redirect_uri": callback,
        "response_type": "code",
        "scope": f"{READ} {UPLOAD}",
        "access_type": "offline",
        "prompt": "consent",
        "state": "s1",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **changed,
    }
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in asked.items() if value})}"


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def form(box, code: str, callback: str = CALLBACK, /, **changed: str) -> dict[str, str]:
    app = box.youtube.app_for("oauth2", callback)
    return {
        **app,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback,
        "code_verifier": VERIFIER,
        **changed,
    }


async def sign_in(box, web, username: str = "brand", untick: tuple[str, ...] = (), **changed: str) -> dict:
    back = query(box.youtube.approve(consent_url(box, **changed), username, untick=untick))
    assert back["state"] == "s1"
    answer = await web.post(TOKEN, data=form(box, back["code"]))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def renew(box, web, token: str) -> httpx.Response:
    app = box.youtube.app_for("oauth2", CALLBACK)
    return await web.post(TOKEN, data={**app, "grant_type": "refresh_token", "refresh_token": token})


async def channel(web, token: str) -> httpx.Response:
    return await web.get(CHANNELS, headers={"authorization": f"Bearer {token}"})


def reason(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    return answer.status_code, error["errors"][0]["reason"] if isinstance(error, dict) else error


async def test_a_code_becomes_a_pair_of_tokens_that_know_their_channel(box, web):
    given = await sign_in(box, web)
    assert given.keys() == {"access_token", "refresh_token", "expires_in", "scope", "token_type"}
    assert (given["expires_in"], given["token_type"]) == (3599, "Bearer")
    assert set(given["scope"].split(" ")) == {READ, UPLOAD}
    answer = await channel(web, given["access_token"])
    item = answer.json()["items"][0]
    assert (item["kind"], item["id"]) == ("youtube#channel", box.youtube.identity_of("brand"))
    assert item["snippet"]["title"] == "Brand"
    assert item.keys() == {"kind", "etag", "id", "snippet"}


async def test_the_consent_page_sends_the_browser_back(box, web):
    url = consent_url(box)
    page = await web.get(url)
    assert page.status_code == 200
    assert READ in page.text
    pressed = {"decision": "allow", "username": "other", "granted": READ}
    back = await web.post(url, data=pressed)
    assert back.status_code == 302
    given = (await web.post(TOKEN, data=form(box, query(back.headers["location"])["code"]))).json()
    assert given["scope"] == READ
    assert (await channel(web, given["access_token"])).json()["items"][0]["id"] == box.youtube.identity_of(
        "other"
    )
    refused = await web.post(url, data={"decision": "deny"})
    assert query(refused.headers["location"]) == {"error": "access_denied", "state": "s1"}


@pytest.mark.parametrize(
    ("callback", "taken"),
    [
        ("http://127.0.0.1:1/", True),
        ("http://127.0.0.1:65535/any/path", True),
        ("http://[::1]:8080/cb", True),
        ("http://localhost:8080/cb", True),
        ("https://127.0.0.1:8080/cb", False),
        ("http://example.com/cb", False),
        ("urn:ietf:wg:oauth:2.0:oob", False),
    ],
)
async def test_a_desktop_app_takes_any_loopback_port_and_nothing_else(box, web, callback, taken):
    url = consent_url(box, redirect_uri=callback)
    answer = await web.get(url)
    assert answer.status_code == (200 if taken else 400)
    if not taken:
        assert answer.json()["error"] == "redirect_uri_mismatch"


async def test_a_web_app_takes_its_registered_address_byte_for_byte(box, web):
    own = "https://example.com/callback"
    assert (await web.get(consent_url(box, own))).status_code == 200
    answer = await web.get(consent_url(box, own, redirect_uri=f"{own}/"))
    assert reason(answer) == (400, "redirect_uri_mismatch")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"response_type": "token"}, 400, "invalid_request"),
        ({"scope": ""}, 400, "invalid_request"),
        ({"scope": f"{READ}.x"}, 400, "invalid_scope"),
        ({"code_challenge_method": "hex"}, 400, "invalid_request"),
    ],
)
async def test_the_consent_page_refuses_odd_addresses(box, web, changed, status, code):
    assert reason(await web.get(consent_url(box, **changed))) == (status, code)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"code": "other"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:50433/callback"}, 400, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1]}, 400, "invalid_grant"),
        ({"code_verifier": "short"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_the_token_address_checks_everything(box, web, changed, status, code):
    back = query(box.youtube.approve(consent_url(box)))
    assert reason(await web.post(TOKEN, data=form(box, back["code"], **changed))) == (status, code)


async def test_a_code_works_once_and_ten_minutes(box, web):
    back = query(box.youtube.approve(consent_url(box)))
    assert (await web.post(TOKEN, data=form(box, back["code"]))).status_code == 200
    assert reason(await web.post(TOKEN, data=form(box, back["code"]))) == (400, "invalid_grant")
    late = query(box.youtube.approve(consent_url(box)))
    box.clock.advance(601)
    assert reason(await web.post(TOKEN, data=form(box, late["code"]))) == (400, "invalid_grant")


async def test_a_code_belongs_to_the_app_that_asked(box, web):
    rival = box.youtube.add_app("999-rival.example.com", "rival", kind="desktop")
    back = query(box.youtube.approve(consent_url(box)))
    changed = {"client_id": rival.client_id, "client_secret": "rival"}
    assert reason(await web.post(TOKEN, data=form(box, back["code"], **changed))) == (400, "invalid_grant")


async def test_refresh_tokens_come_with_offline_access_at_the_first_consent_or_when_asked_again(box, web):
    first = await sign_in(box, web, prompt="")
    again = await sign_in(box, web, prompt="")
    asked = await sign_in(box, web)
    online = await sign_in(box, web, access_type="")
    assert [("refresh_token" in given) for given in (first, again, asked, online)] == [
        True,
        False,
        True,
        False,
    ]


async def test_an_access_token_ends_after_an_hour_and_the_refresh_token_stays_the_same(box, web):
    given = await sign_in(box, web)
    box.clock.advance(3599)
    assert reason(await channel(web, given["access_token"])) == (401, "authError")
    for _ in range(2):
        answer = await renew(box, web, given["refresh_token"])
        assert answer.json().keys() == {"access_token", "expires_in", "scope", "token_type"}
        assert (await channel(web, answer.json()["access_token"])).status_code == 200
    assert box.youtube.refresh_count == 2


async def test_a_lost_answer_to_a_renewal_costs_nothing(box, web):
    given = await sign_in(box, web)
    box.fault("dropped-after", platform="youtube", match="POST /token")
    with pytest.raises(httpx.RemoteProtocolError):
        await renew(box, web, given["refresh_token"])
    assert (await renew(box, web, given["refresh_token"])).status_code == 200


async def test_in_testing_a_sign_in_lasts_seven_days(box, web):
    box.youtube.testing = True
    given = await sign_in(box, web)
    assert given["refresh_token_expires_in"] == WEEK
    box.clock.advance(WEEK - 1)
    assert (await renew(box, web, given["refresh_token"])).status_code == 200
    box.clock.advance(1)
    assert reason(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")


async def test_a_refresh_token_dies_unused_after_six_months(box, web):
    given = await sign_in(box, web)
    for _ in range(2):
        box.clock.advance(179 * 86_400)
        assert (await renew(box, web, given["refresh_token"])).status_code == 200
    box.clock.advance(180 * 86_400)
    assert reason(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")


async def test_the_101st_refresh_token_silently_ends_the_first(box, web):
    tokens = [(await sign_in(box, web))["refresh_token"] for _ in range(101)]
    assert reason(await renew(box, web, tokens[0])) == (400, "invalid_grant")
    assert (await renew(box, web, tokens[1])).status_code == 200


async def test_revoking_either_token_ends_all_that_was_given_to_the_project(box, web):
    for which in ("access_token", "refresh_token"):
        kept, ended, other = [await sign_in(box, web, name) for name in ("brand", "brand", "other")]
        assert (await web.post(REVOKE, data={"token": ended[which]})).status_code == 200
        assert (await web.post(REVOKE, data={"token": ended[which]})).status_code == 400
        for given in (kept, ended):
            assert reason(await channel(web, given["access_token"])) == (401, "authError")
            assert reason(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")
        assert (await channel(web, other["access_token"])).status_code == 200


async def test_scopes_can_be_left_out_and_uploading_alone_does_not_read_the_channel(box, web):
    given = await sign_in(box, web, untick=(READ,))
    assert given["scope"] == UPLOAD
    assert reason(await channel(web, given["access_token"])) == (403, "insufficientPermissions")


async def test_expired_and_revoked_by_hand(box, web):
    given = await sign_in(box, web)
    box.youtube.expire(given["access_token"])
    assert reason(await channel(web, given["access_token"])) == (401, "authError")
    fresh = (await renew(box, web, given["refresh_token"])).json()["access_token"]
    box.youtube.revoke(fresh)
    assert reason(await renew(box, web, given["refresh_token"])) == (400, "invalid_grant")


async def test_a_google_account_without_a_channel(box, web):
    given = await sign_in(box, web, "newcomer")
    assert reason(await channel(web, given["access_token"])) == (401, "youtubeSignupRequired")


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("part=id", "missingRequiredParameter"),
        ("mine=true", "missingRequiredParameter"),
        ("part=id,posts&mine=true", "unknownPart"),
    ],
)
async def test_the_channel_list_wants_a_part_and_a_filter(box, web, asked, problem):
    token = (await sign_in(box, web))["access_token"]
    address = f"{CHANNELS.partition('?')[0]}?{asked}"
    assert reason(await web.get(address, headers={"authorization": f"Bearer {token}"})) == (400, problem)


async def test_every_sign_in_has_tokens_of_its_own(box, web):
    one, two = await sign_in(box, web), await sign_in(box, web)
    assert len({one["access_token"], two["access_token"], one["refresh_token"], two["refresh_token"]}) == 4


# the code typed on another device -----------------------------------------------------------------


async def ask_device(box, web, scope: str = READ) -> httpx.Response:
    client = box.youtube.app_for("device")["client_id"]
    return await web.post(DEVICE, data={"client_id": client, "scope": scope})


async def poll(box, web, device_code: str) -> httpx.Response:
    app = box.youtube.app_for("device")
    return await web.post(TOKEN, data={**app, "device_code": device_code, "grant_type": DEVICE_GRANT})


async def test_a_device_waits_for_its_person(box, web):
    shown = (await ask_device(box, web)).json()
    assert shown.keys() == {"device_code", "user_code", "verification_url", "expires_in", "interval"}
    assert (shown["expires_in"], shown["interval"]) == (1800, 5)
    assert shown["verification_url"] == "https://www.google.com/device"
    assert (await web.get(shown["verification_url"])).status_code == 200
    assert reason(await poll(box, web, shown["device_code"])) == (428, "authorization_pending")
    box.clock.advance(5)
    box.youtube.approve_device(shown["user_code"], "other")
    given = (await poll(box, web, shown["device_code"])).json()
    assert given["refresh_token"]
    item = (await channel(web, given["access_token"])).json()["items"][0]
    assert item["id"] == box.youtube.identity_of("other")
    box.clock.advance(5)
    assert reason(await poll(box, web, shown["device_code"])) == (400, "invalid_grant")


async def test_a_device_that_asks_too_often_must_wait_longer(box, web):
    shown = (await ask_device(box, web)).json()
    assert reason(await poll(box, web, shown["device_code"])) == (428, "authorization_pending")
    box.clock.advance(4)
    assert reason(await poll(box, web, shown["device_code"])) == (403, "slow_down")
    box.clock.advance(9)
    assert reason(await poll(box, web, shown["device_code"])) == (403, "slow_down")
    box.clock.advance(15)
    assert reason(await poll(box, web, shown["device_code"])) == (428, "authorization_pending")


async def test_a_device_that_is_refused_or_too_late(box, web):
    refused = (await ask_device(box, web)).json()
    box.youtube.deny_device(refused["user_code"])
    assert reason(await poll(box, web, refused["device_code"])) == (403, "access_denied")
    late = (await ask_device(box, web)).json()
    box.clock.advance(1800)
    assert reason(await poll(box, web, late["device_code"])) == (400, "expired_token")


async def test_a_device_is_approved_by_somebody_there_is_and_for_a_code_it_shows(box, web):
    shown = (await ask_device(box, web)).json()
    for code, username in ((shown["user_code"], "nobody"), ("NOPE", "brand")):
        with pytest.raises(KeyError):
            box.youtube.approve_device(code, username)
    assert reason(await poll(box, web, shown["device_code"])) == (428, "authorization_pending")


@pytest.mark.parametrize("scope", [UPLOAD, "https://www.googleapis.com/auth/youtube.force-ssl", ""])
async def test_a_device_gets_only_the_few_scopes(box, web, scope):
    assert reason(await ask_device(box, web, scope)) == (400, "invalid_scope")


async def test_an_app_of_another_kind_is_no_device(box, web):
    client = box.youtube.app_for("oauth2", CALLBACK)["client_id"]
    answer = await web.post(DEVICE, data={"client_id": client, "scope": READ})
    assert reason(answer) == (401, "invalid_client")
    shown = (await ask_device(box, web)).json()
    app = box.youtube.app_for("oauth2", CALLBACK)
    told = {**app, "device_code": shown["device_code"], "grant_type": DEVICE_GRANT}
    assert reason(await web.post(TOKEN, data=told)) == (401, "invalid_client")
    assert reason(await web.get(consent_url(box, client_id=box.youtube.app_for("device")["client_id"]))) == (
        400,
        "unauthorized_client",
    )


def test_the_same_over_the_wire_at_one_address(box):
    with box.serve() as base, httpx.Client() as web:
        own = f"{base}/youtube"
        assert box.youtube.address(own) == own
        url = consent_url(box).replace("https://accounts.google.com", own)
        assert web.get(url).status_code == 200
        code = query(box.youtube.approve(url))["code"]
        token = web.post(f"{own}/token", data=form(box, code)).json()["access_token"]
        answer = web.get(
            f"{own}/youtube/v3/channels",
            params={"part": "id", "mine": "true"},
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.json()["items"][0]["id"] == box.youtube.identity_of("brand")
        device = box.youtube.app_for("device")["client_id"]
        shown = web.post(f"{own}/device/code", data={"client_id": device, "scope": READ}).json()
        assert shown["verification_url"] == f"{own}/device"
        typed = web.post(shown["verification_url"], data={"user_code": shown["user_code"]})
        assert typed.status_code == 200
        assert web.post(shown["verification_url"], data={"user_code": "NOPE"}).status_code == 400
