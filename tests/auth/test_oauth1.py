"""OAuth 1.0a: signatures as published, and a callback that belongs to no other login."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import attrs
import pytest

from adapters.fakes import NOW, FakeCall, answer
from socialkit import Client
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Credential, Response
from socialkit.auth import App, Login, _oauth1
from socialkit.auth._oauth1 import authorization, base_string
from socialkit.errors import ConfigError, LoginFailed, OutcomeUnknown, ReauthNeeded, Unavailable
from socialkit.flows import OAuth1Flow
from socialkit.sandbox import Sandbox

SERVER = "https://api.example.com"
FLOW = OAuth1Flow(
    name="oauth1",
    title="Harbour",
    server=SERVER,
    setup="https://example.com/apps",
    request_url=f"{SERVER}/oauth/request_token",
    authorize_url="https://www.example.com/oauth/authorize",
    access_url=f"{SERVER}/oauth/access_token",
    id="user_id",
    name_field="screen_name",
)
APP = App("consumer", "c0nsumer-secret")
CALLBACK = "https://app.example.com/back?tenant=a%2Fb"


# --- signatures -------------------------------------------------------------------------------------------------------
def signature(header: str) -> str:
    return unquote(dict(fields(header))["oauth_signature"])


def fields(header: str) -> list[tuple[str, str]]:
    """The fields of an Authorization header, as they stand."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "OAuth"
    pairs = (field.strip().partition("=") for field in rest.split(","))
    return [(name, value.strip('"')) for name, _, value in pairs]


@pytest.mark.parametrize(
    ("host", "signed"),
    [
        ("api.twitter.com/1.1", "hCtSmYh+iHYCEqBWrE7C7hYmtUk="),
        ("api.twitter.com/1", "tnnArxj06cWHq44gCs1OSKk/jLY="),
        ("api.x.com/1.1", "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="),
    ],
)
def test_the_example_of_the_x_documentation_is_signed_to_the_byte(host: str, signed: str) -> None:
    keys = Credential(
        "oauth1",
        client_id="xvz1evFS4wEEPTGEFPHBog",
        client_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        access_token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    header = authorization(
        keys,
        "POST",
        f"https://{host}/statuses/update.json?include_entities=true",
        nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        timestamp=1318622958,
        form=[("status", "Hello Ladies + Gentlemen, a signed OAuth request!")],
    )
    assert header == (
        'OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", '
        'oauth_nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", '
        'oauth_signature_method="HMAC-SHA1", oauth_timestamp="1318622958", '
        'oauth_token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", oauth_version="1.0", '
        f'oauth_signature="{quote(signed, safe="")}"'
    )


PRINTER = Credential("oauth1", client_id="dpf43f3p2l4k3l03", client_secret="kd94hf93k423kf44")


def test_the_three_requests_of_rfc_5849_are_signed_as_printed_there() -> None:
    """Section 1.2, whose requests leave oauth_version out."""
    begun = authorization(
        PRINTER,
        "POST",
        "https://photos.example.net/initiate",
        nonce="wIjqoS",
        timestamp=137131200,
        oauth={"oauth_callback": "http://printer.example.com/ready"},
        version="",
    )
    asked = authorization(
        attrs.evolve(PRINTER, access_token="hh5s93j4hdidpola", secret="hdhd0244k9j7ao03"),
        "POST",
        "https://photos.example.net/token",
        nonce="walatlh",
        timestamp=137131201,
        oauth={"oauth_verifier": "hfdp7dh39dks9884"},
        version="",
    )
    used = authorization(
        attrs.evolve(PRINTER, access_token="nnch734d00sl2jdk", secret="pfkkdhi9sl3r4s00"),
        "GET",
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
        nonce="chapoH",
        timestamp=137131202,
        version="",
    )
    assert signature(begun) == "74KNZJeDHnMBp0EMJ9ZHt/XKycU="
    assert dict(fields(begun))["oauth_callback"] == "http%3A%2F%2Fprinter.example.com%2Fready"
    assert signature(asked) == "gKgrFCywp7rO0OXSjdot/IHF7IU="
    assert signature(used) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_the_base_string_of_rfc_5849_is_made_to_the_byte() -> None:
    """Section 3.4.1.1: names twice, empty values, letters escaped twice."""
    made = base_string(
        "POST",
        "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
        [
            ("c2", ""),
            ("a3", "2 q"),
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ],
    )
    assert made == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"
        "%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
        "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_a_callback_with_escapes_in_its_query_is_signed_as_it_is_sent() -> None:
    header = authorization(
        PRINTER, "POST", "https://example.com/r", nonce="n", timestamp=1, oauth={"oauth_callback": CALLBACK}
    )
    sent = dict(fields(header))
    assert unquote(sent["oauth_callback"]) == CALLBACK
    assert signature(header) == by_hand("https://example.com/r", sent, "kd94hf93k423kf44&")


def by_hand(url: str, sent: dict[str, str], key: str) -> str:
    """The signature of a POST without query or body, worked out from RFC 5849 alone."""
    pairs = sorted(f"{name}={value}" for name, value in sent.items() if name != "oauth_signature")
    base = "&".join(quote(part, safe="~") for part in ("POST", url, "&".join(pairs)))
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


# --- the three steps --------------------------------------------------------------------------------------------------
def form(text: str, status: int = 200) -> Response:
    return answer(status=status, content=text.encode())


REQUESTED = form("oauth_token=req1&oauth_token_secret=req-secret&oauth_callback_confirmed=true")
GRANTED = form(
    "oauth_token=7-acc&oauth_token_secret=acc-secret&user_id=1500000000000000001&screen_name=brand"
)


def talk(*answers: Any) -> FakeCall:
    return FakeCall(signed_in_class("harbour", "Harbour", (FLOW,))(SERVER), answers=answers)


def draft(redirect_uri: str = CALLBACK, **more: Any) -> Login:
    given = {
        "platform": "harbour",
        "server": SERVER,
        "flow": "oauth1",
        "url": None,
        "redirect_uri": redirect_uri,
        "state": "st4te",
        "capabilities": (),
        "scopes": (),
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Login(**{**given, **more})


async def begun(redirect_uri: str = CALLBACK, call: FakeCall | None = None) -> Login:
    asked = await _oauth1.begin(FLOW, APP, draft(redirect_uri), call or talk(REQUESTED))
    return draft(redirect_uri, url=asked.url, asks=asked.asks, secrets=asked.secrets)


async def test_the_request_token_is_asked_for_with_the_apps_key_and_the_callback() -> None:
    call = talk(REQUESTED)
    login = await begun(call=call)
    (asked,) = call.asked
    sent = dict(fields(asked.headers["authorization"]))
    assert (asked.step, asked.method, asked.url, asked.body) == ("prepare", "POST", FLOW.request_url, b"")
    assert unquote(sent["oauth_callback"]) == CALLBACK
    assert sent["oauth_timestamp"] == str(int(NOW.timestamp()))
    assert "oauth_token" not in sent
    assert signature(asked.headers["authorization"]) == by_hand(FLOW.request_url, sent, "c0nsumer-secret&")
    assert login.url == "https://www.example.com/oauth/authorize?oauth_token=req1"
    assert login.asks == ()


async def test_the_access_token_is_asked_for_with_the_request_token_and_the_verifier() -> None:
    login, call = await begun(), talk(GRANTED)
    told = {"tenant": "a/b", "oauth_token": "req1", "oauth_verifier": "ver1"}
    credential = await _oauth1.finish(FLOW, APP, login, told, call)
    (asked,) = call.asked
    sent = dict(fields(asked.headers["authorization"]))
    assert (asked.step, asked.method, asked.url) == ("attach", "POST", FLOW.access_url)
    assert (sent["oauth_token"], sent["oauth_verifier"]) == ("req1", "ver1")
    assert signature(asked.headers["authorization"]) == by_hand(
        FLOW.access_url, sent, "c0nsumer-secret&req-secret"
    )
    assert credential == Credential(
        "oauth1",
        access_token="7-acc",
        secret="acc-secret",
        client_id="consumer",
        client_secret="c0nsumer-secret",
        extra={"id": "1500000000000000001", "name": "brand"},
    )


async def test_two_requests_never_share_a_nonce() -> None:
    call = talk(REQUESTED, REQUESTED)
    await begun(call=call)
    await begun(call=call)
    one, other = (dict(fields(asked.headers["authorization"]))["oauth_nonce"] for asked in call.asked)
    assert one != other


async def test_without_a_callback_the_person_is_asked_for_the_pin_the_page_shows() -> None:
    call = talk(REQUESTED)
    login = await begun("oob", call)
    assert dict(fields(call.asked[0].headers["authorization"]))["oauth_callback"] == "oob"
    assert [ask.name for ask in login.asks] == ["pin"]
    call = talk(GRANTED)
    credential = await _oauth1.finish(FLOW, APP, login, {"pin": " 123 4567\n"}, call)
    assert dict(fields(call.asked[0].headers["authorization"]))["oauth_verifier"] == "1234567"
    assert credential.access_token == "7-acc"


@pytest.mark.parametrize("pin", ["", "12-34", "1２3"])
async def test_a_pin_of_another_form_is_said_so_and_sent_nowhere(pin: str) -> None:
    call = talk()
    with pytest.raises(LoginFailed, match="PIN") as failed:
        await _oauth1.finish(FLOW, APP, await begun("oob"), {"pin": pin}, call)
    assert failed.value.reason == "invalid"
    assert not call.asked


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"oauth_token": "req2", "oauth_verifier": "ver1"}, "forged"),
        ({"oauth_token": "réq1", "oauth_verifier": "ver1"}, "forged"),
        ({"oauth_verifier": "ver1"}, "forged"),
        ({}, "forged"),
        ({"denied": "req2"}, "forged"),
        ({"denied": "req1"}, "denied"),
        ({"oauth_token": "req1", "denied": "req1"}, "denied"),
        ({"oauth_token": "req1"}, "denied"),
    ],
)
async def test_a_callback_that_brings_no_consent_to_this_login_spends_nothing(
    told: dict[str, str], reason: str
) -> None:
    call = talk()
    with pytest.raises(LoginFailed) as failed:
        await _oauth1.finish(FLOW, APP, await begun(), told, call)
    assert failed.value.reason == reason
    assert not call.asked


@pytest.mark.parametrize("confirmed", ["", "&oauth_callback_confirmed=false"])
async def test_a_callback_the_platform_does_not_confirm_ends_the_login(confirmed: str) -> None:
    with pytest.raises(LoginFailed, match="did not confirm the callback"):
        await begun(call=talk(form(f"oauth_token=t&oauth_token_secret=s{confirmed}")))


async def test_a_refusal_says_what_the_platform_said() -> None:
    body = {"errors": [{"code": 415, "message": "Callback URL not approved for this client application."}]}
    with pytest.raises(LoginFailed, match=r"the app \(HTTP 403\): Callback URL not approved") as failed:
        await begun(call=talk(answer(body, 403)))
    assert (failed.value.reason, failed.value.status) == ("refused", 403)


@pytest.mark.parametrize("body", ["", "<html>", "oauth_token=t", "oauth_token=&oauth_token_secret=", "[1]"])
async def test_a_token_answer_without_tokens_is_said_so(body: str) -> None:
    with pytest.raises(LoginFailed, match="oauth_token"):
        await begun(call=talk(form(body)))
    told = {"oauth_token": "req1", "oauth_verifier": "ver1"}
    with pytest.raises(LoginFailed, match="oauth_token"):
        await _oauth1.finish(FLOW, APP, await begun(), told, talk(form(body)))


async def test_a_lost_token_answer_is_lost_and_an_unreachable_platform_is_not() -> None:
    login, told = await begun(), {"oauth_token": "req1", "oauth_verifier": "ver1"}
    with pytest.raises(LoginFailed) as failed:
        await _oauth1.finish(FLOW, APP, login, told, talk(OutcomeUnknown("lost")))
    assert failed.value.reason == "lost"
    with pytest.raises(Unavailable):
        await _oauth1.finish(FLOW, APP, login, told, talk(Unavailable("no way")))


@pytest.mark.parametrize("app", [None, App("consumer"), App("", "secret")])
async def test_an_app_without_key_and_secret_is_a_configuration_error(app: App | None) -> None:
    with pytest.raises(ConfigError, match=r'apps=\{"harbour".*https://example.com/apps'):
        await _oauth1.begin(FLOW, app, draft(), talk())


async def test_a_refused_token_needs_a_person() -> None:
    with pytest.raises(ReauthNeeded, match="sign in again"):
        await _oauth1.renew(FLOW, Credential("oauth1"), SERVER, talk())


async def test_on_another_server_every_address_is_below_it() -> None:
    call = talk(REQUESTED)
    box = draft(server="http://127.0.0.1:8765/harbour")
    asked = await _oauth1.begin(FLOW, APP, box, call)
    assert call.asked[0].url == "http://127.0.0.1:8765/harbour/oauth/request_token"
    assert urlsplit(asked.url or "").netloc == "127.0.0.1:8765"
    assert dict(parse_qsl(urlsplit(asked.url or "").query)) == {"oauth_token": "req1"}


@pytest.mark.parametrize("platform", ["x", "tumblr"])
def test_a_program_without_a_callback_signs_in_with_the_pin(platform: str) -> None:
    with Sandbox([platform]) as sandbox:
        box: Any = sandbox[platform]
        app = App(**{**box.app_for("oauth1", "oob"), "flow": "oauth1"})
        with Client(apps={platform: app}, transport=sandbox.transport, clock=sandbox.clock) as client:
            login = client.begin_login(platform, redirect_uri="oob", server=box.address())
            with pytest.raises(LoginFailed, match="PIN"):
                client.finish_login(login, "not a pin!")
            pin = dict(parse_qsl(urlsplit(box.approve(login.url)).query))["oauth_verifier"]
            assert client.finish_login(login, f" {pin}\n").identity.id == box.identity_of("brand")


async def test_no_error_and_no_repr_shows_a_secret() -> None:
    login = await begun()
    told = {"oauth_token": "req1", "oauth_verifier": "ver1"}
    with pytest.raises(LoginFailed) as failed:
        await _oauth1.finish(FLOW, APP, login, told, talk(answer({"error": "bad"}, 401)))
    shown = f"{failed.value} {login!r}"
    for secret in ("c0nsumer-secret", "req-secret", "ver1"):
        assert secret not in shown
