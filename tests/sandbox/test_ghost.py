"""The Ghost sandbox over HTTP: keys sign short-lived tokens, and every byte of them is looked at."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from socialkit.sandbox import Sandbox

API = "https://ghost.example.com/ghost/api/admin"


@pytest.fixture
def box():
    with Sandbox(["ghost"]) as made:
        yield made


@pytest.fixture
def key(box):
    return box.ghost.answers("admin_key")["admin_key"]


@pytest.fixture
def ask(box, http):
    async def ask(token: str | None, path: str = "config") -> httpx.Response:
        headers = {} if token is None else {"authorization": token}
        return await http(box).get(f"{API}/{path}/", headers=headers)

    return ask


def signed(box, key, *, raw=False, head=(), **claims):
    """A token as a stranger would make it by hand."""
    number, _, secret = key.partition(":")
    now = int(box.clock.now().timestamp())
    header = {"alg": "HS256", "kid": number, "typ": "JWT", **dict(head)}
    payload = {"iat": now, "exp": now + 300, "aud": "/admin/", **claims}
    body = ".".join(_part(json.dumps(one).encode()) for one in (header, payload))
    bytes_ = secret.encode() if raw else bytes.fromhex(secret)
    return f"Ghost {body}.{_part(hmac.new(bytes_, body.encode(), hashlib.sha256).digest())}"


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def error(answer):
    (told,) = answer.json()["errors"]
    return answer.status_code, told["type"], told["code"]


async def test_a_key_is_24_and_64_hexadecimal_digits_and_opens_the_configuration(box, key, ask):
    number, _, secret = key.partition(":")
    assert (len(number), len(secret)) == (24, 64)
    answer = await ask(signed(box, key))
    assert answer.status_code == 200
    assert answer.json()["config"]["version"] == "6.65.0"
    assert answer.headers["content-version"] == "v6.65"


async def test_anybody_reads_the_site_whatever_the_header_says(box, key, ask):
    for header in (None, "Ghost nonsense", signed(box, key, raw=True)):
        told = (await ask(header, "site")).json()["site"]
        assert told["title"] == "Brand"
        assert told["version"] == "6.65"
        assert told["site_uuid"] == box.ghost.identity_of("brand")


async def test_the_key_says_which_site_answers(box, ask):
    other = box.ghost.answers("admin_key", "other")["admin_key"]
    told = (await ask(signed(box, other), "site")).json()["site"]
    assert told["site_uuid"] == box.ghost.identity_of("other") != box.ghost.identity_of("brand")


async def test_an_older_release_has_its_address_for_an_identity(box, key, ask):
    box.ghost.uuids = False
    told = (await ask(signed(box, key), "site")).json()["site"]
    assert "site_uuid" not in told
    assert told["url"] == box.ghost.identity_of("brand") == "https://brand.example.com/"


async def test_the_secret_is_decoded_from_hexadecimal_before_it_signs(box, key, ask):
    assert error(await ask(signed(box, key, raw=True))) == (401, "UnauthorizedError", "INVALID_JWT")


@pytest.mark.parametrize("change", [{"aud": "/content/"}, {"aud": ""}, {"iat": None}])
async def test_claims_that_are_refused(box, key, ask, change):
    assert error(await ask(signed(box, key, **change))) == (401, "UnauthorizedError", "INVALID_JWT")


async def test_a_token_is_good_for_five_minutes_from_when_it_was_made(box, key, ask):
    token, long_one = signed(box, key), signed(box, key, exp=2_000_000_000)
    box.clock.advance(299)
    assert (await ask(token)).status_code == (await ask(long_one)).status_code == 200
    box.clock.advance(1)
    for old in (token, long_one):
        answer = await ask(old)
        assert error(answer) == (401, "UnauthorizedError", "INVALID_JWT")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer abc", (401, "UnauthorizedError", "INVALID_AUTH_HEADER")),
        ("Ghost abc", (400, "BadRequestError", "INVALID_JWT")),
        ("Ghost a.b.c", (400, "BadRequestError", "INVALID_JWT")),
        (None, (403, "NoPermissionError", None)),
    ],
)
async def test_headers_that_are_no_token(ask, header, expected):
    assert error(await ask(header)) == expected


async def test_a_token_must_name_a_key_the_site_has(box, key, ask):
    unknown = signed(box, key, head={"kid": "0" * 24})
    assert error(await ask(unknown)) == (401, "UnauthorizedError", "UNKNOWN_ADMIN_API_KEY")
    nameless = signed(box, key, head={"kid": ""})
    assert error(await ask(nameless)) == (400, "BadRequestError", "MISSING_ADMIN_API_KID")


async def test_another_algorithm_is_refused(box, key, ask):
    assert error(await ask(signed(box, key, head={"alg": "none"}))) == (
        401,
        "UnauthorizedError",
        "INVALID_JWT",
    )


async def test_a_regenerated_secret_ends_the_old_one_and_keeps_the_number(box, key, ask):
    box.ghost.revoke(key)
    newer = box.ghost.answers("admin_key")["admin_key"]
    assert newer.partition(":")[0] == key.partition(":")[0]
    assert error(await ask(signed(box, key))) == (401, "UnauthorizedError", "INVALID_JWT")
    assert (await ask(signed(box, newer))).status_code == 200


async def test_what_an_integration_may_not_read(box, key, ask):
    assert error(await ask(signed(box, key), "links"))[:2] == (403, "NoPermissionError")
    box.ghost.integrations = False
    assert error(await ask(signed(box, key)))[:2] == (403, "HostLimitError")


async def test_a_token_ends_when_it_says(box, key, ask):
    token = signed(box, key, exp=int(box.clock.now().timestamp()) + 60)
    box.clock.advance(59)
    assert (await ask(token)).status_code == 200
    box.clock.advance(1)
    assert error(await ask(token)) == (401, "UnauthorizedError", "INVALID_JWT")
