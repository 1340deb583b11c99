"""Proofs of possession against RFC 9449's own examples, and what the two requests that carry them do."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from socialkit import ConfigError, LoginFailed
from socialkit.adapters.base import Credential, Response
from socialkit.auth import App, Login, _dpop, client_metadata, origin, signed_headers, wants_nonce
from socialkit.flows import CodeFlow
from socialkit.flows.bluesky import FLOWS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOKEN_URL = "https://auth.example.com/oauth/token"
FLOW = FLOWS[0]
assert isinstance(FLOW, CodeFlow)

# RFC 9449, sections 4.1 and 7.1: the key is the same in both.
_HEAD = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo"
    "RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
)
RFC_AT_TOKEN = (
    f"{_HEAD}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwi"
    "aWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RFC_AT_RESOURCE = (
    f"{_HEAD}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0"
    "ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
RFC_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.fixture(scope="module")
def key() -> str:
    return _dpop.new_key()


# --- the standard's examples ------------------------------------------------------------------------------
def test_the_standards_proof_for_a_token_request_is_good() -> None:
    read = _dpop.read_proof(RFC_AT_TOKEN)
    assert read.claims["htm"] == "POST"
    assert read.claims["htu"] == "https://server.example.com/token"
    assert read.thumbprint == RFC_THUMBPRINT


def test_the_standards_proof_for_a_resource_is_good_and_names_its_token() -> None:
    read = _dpop.read_proof(RFC_AT_RESOURCE)
    assert read.claims["ath"] == _dpop.ath(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize("place", [0, 1, 2], ids=["header", "claims", "signature"])
def test_a_proof_that_was_touched_is_refused(place: int) -> None:
    parts = RFC_AT_TOKEN.split(".")
    parts[place] = parts[1 - place] if place < 2 else parts[2][::-1]
    with pytest.raises(ValueError, match=r"."):
        _dpop.read_proof(".".join(parts))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.", "bnVsbA.e30.e30"])
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        _dpop.read_proof(text)


# --- our own ----------------------------------------------------------------------------------------------
def test_a_proof_says_method_address_moment_nonce_and_token(key: str) -> None:
    text = _dpop.proof(
        key, "get", "https://pds.example.com/xrpc/a.b?limit=5#x", now=NOW, token="t0ken", nonce="n1"
    )
    read = _dpop.read_proof(text)
    assert {name: value for name, value in read.claims.items() if name != "jti"} == {
        "htm": "GET",
        "htu": "https://pds.example.com/xrpc/a.b",
        "iat": int(NOW.timestamp()),
        "nonce": "n1",
        "ath": _dpop.ath("t0ken"),
    }
    assert read.thumbprint == _dpop.thumbprint(json.loads(key))


def test_a_proof_holds_no_private_key_and_no_issuer(key: str) -> None:
    text = _dpop.proof(key, "POST", TOKEN_URL, now=NOW)
    header = _dpop.header_of(text)
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert set(header["jwk"]) == {"kty", "crv", "x", "y"}
    assert set(_dpop.read_proof(text).claims) == {"jti", "htm", "htu", "iat"}


def test_no_two_proofs_are_the_same(key: str) -> None:
    ids = {_dpop.read_proof(_dpop.proof(key, "POST", TOKEN_URL, now=NOW)).claims["jti"] for _ in range(50)}
    assert len(ids) == 50


def test_every_key_is_another_one() -> None:
    assert _dpop.new_key() != _dpop.new_key()


def test_a_request_is_signed_with_the_nonce_of_its_own_origin(key: str) -> None:
    held = Credential("dpop", access_token="t0ken", extra={"dpop_key": key})
    nonces = {"https://pds.example.com": "n1", "https://video.example.com": "n2"}
    headers = signed_headers(held, "GET", "https://PDS.example.com/xrpc/a.b?x=1", NOW, nonces)
    assert headers["authorization"] == "DPoP t0ken"
    assert _dpop.read_proof(headers["dpop"]).claims["nonce"] == "n1"
    other = signed_headers(held, "GET", "https://other.example.com/", NOW, nonces)
    assert "nonce" not in _dpop.read_proof(other["dpop"]).claims


def test_a_credential_hides_its_key(key: str) -> None:
    held = Credential("dpop", access_token="t0ken", extra={"dpop_key": key})
    assert key in held.secrets()
    assert json.loads(key)["d"] not in repr(held)


# --- nonces -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "headers", "body", "wanted"),
    [
        (401, {"dpop-nonce": "n", "www-authenticate": 'DPoP algs="ES256", error="use_dpop_nonce"'}, {}, True),
        (400, {"dpop-nonce": "n"}, {"error": "use_dpop_nonce"}, True),
        (400, {"dpop-nonce": "n"}, {"error": "invalid_grant"}, False),
        (401, {"dpop-nonce": "n", "www-authenticate": 'DPoP error="invalid_token"'}, {}, False),
        (400, {}, {"error": "use_dpop_nonce"}, False),
        (200, {"dpop-nonce": "n"}, {"error": "use_dpop_nonce"}, False),
        (500, {"dpop-nonce": "n"}, {"error": "use_dpop_nonce"}, False),
    ],
)
def test_only_a_challenge_asks_for_the_nonce(
    status: int, headers: dict[str, str], body: Any, wanted: bool
) -> None:
    assert wants_nonce(Response(status, headers, json.dumps(body).encode())) is wanted


def test_an_answer_that_is_no_json_is_no_challenge() -> None:
    assert not wants_nonce(Response(400, {"dpop-nonce": "n"}, b"<html>"))


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("HTTPS://Pds.Example.com:8443?x=1") == "https://pds.example.com:8443"


# --- clients that prove themselves ------------------------------------------------------------------------
def test_an_assertion_is_for_one_server_and_one_minute(key: str) -> None:
    fields = _dpop.client_assertion("https://app.example.com/c.json", "https://auth.example.com", key, NOW)
    assert fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    public = _dpop.public_keys(key)["keys"][0]
    claims = _dpop.verified(fields["client_assertion"], public)
    assert claims["iss"] == claims["sub"] == "https://app.example.com/c.json"
    assert claims["aud"] == "https://auth.example.com"
    assert 0 < claims["exp"] - claims["iat"] <= 60
    assert _dpop.header_of(fields["client_assertion"])["kid"] == public["kid"]


def test_a_program_on_this_machine_needs_no_document_whatever_its_port() -> None:
    scopes = ["atproto", "blob:*/*"]
    first = _dpop.client_id_of(None, "http://127.0.0.1:8080/cb", scopes)
    assert first == (
        "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&scope=atproto+blob%3A%2A%2F%2A"
    )
    assert _dpop.client_id_of(None, "http://127.0.0.1:9090/cb", scopes) == first
    assert "%5B%3A%3A1%5D" in _dpop.client_id_of(App(), "http://[::1]:9/cb", scopes)


def test_an_app_is_its_document() -> None:
    app = App("https://app.example.com/c.json")
    assert _dpop.client_id_of(app, "https://app.example.com/cb", []) == "https://app.example.com/c.json"


@pytest.mark.parametrize(
    ("redirect_uri", "cure"),
    [
        ("https://app.example.com/cb", "client-metadata.json"),
        ("http://localhost:8000/cb", "http://127.0.0.1:8000/cb"),
        ("http://192.168.0.2/cb", "http://127.0.0.1"),
    ],
)
def test_a_callback_elsewhere_needs_a_document_and_says_so(redirect_uri: str, cure: str) -> None:
    with pytest.raises(ConfigError, match="redirect_uri=") as wrong:
        _dpop.client_id_of(None, redirect_uri, [])
    assert cure in str(wrong.value)


def test_the_document_of_a_web_application_says_what_its_sign_ins_ask_for(key: str) -> None:
    app = App("https://app.example.com/client-metadata.json", private_key=key, name="Harbour")
    document = client_metadata(app, ["https://app.example.com/cb"])
    assert document["client_id"] == app.client_id
    assert document["client_uri"] == "https://app.example.com"
    assert document["dpop_bound_access_tokens"] is True
    assert {"atproto", "repo:app.bsky.feed.post", "blob:*/*"} <= set(document["scope"].split())
    assert document["token_endpoint_auth_method"] == "private_key_jwt"
    assert "d" not in document["jwks"]["keys"][0]


def test_the_published_keys_are_public(key: str) -> None:
    public = _dpop.public_keys(key)["keys"][0]
    assert "d" not in public
    assert (public["use"], public["alg"]) == ("sig", "ES256")


def test_a_key_may_be_given_as_pem() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    assert _dpop.verified(
        _dpop.client_assertion("id", "aud", pem, NOW)["client_assertion"],
        _dpop.public_keys(pem)["keys"][0],
    )


def test_another_key_does_not_verify(key: str) -> None:
    fields = _dpop.client_assertion("id", "aud", key, NOW)
    with pytest.raises(ValueError, match="does not hold"):
        _dpop.verified(fields["client_assertion"], _dpop.public_keys(_dpop.new_key())["keys"][0])


# --- the requests -----------------------------------------------------------------------------------------
class Server:
    """A call whose answers are written beforehand; what it was asked is kept."""

    account = "sky"

    def __init__(self, *answers: Response | Callable[[], Response]) -> None:
        self.answers = iter(answers)
        self.sent: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def _send(self, step: str, url: str, request: Any) -> Response:
        claims = _dpop.read_proof(request["headers"]["dpop"]).claims
        self.sent.append((step, url, dict(request["form"]), claims))
        answer = next(self.answers)
        return answer if isinstance(answer, Response) else answer()

    async def prepare(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._send("prepare", url, request)

    async def attach(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._send("attach", url, request)


def told(status: int, body: Any, **headers: str) -> Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, names, json.dumps(body).encode())


CHALLENGE = told(400, {"error": "use_dpop_nonce"}, dpop_nonce="n1")
TOKENS = told(200, {"access_token": "t", "token_type": "DPoP"})


@pytest.fixture
def draft(key: str) -> Login:
    return Login(
        platform="bluesky",
        server="https://pds.example.com",
        flow="oauth",
        url=None,
        redirect_uri="http://127.0.0.1:9/cb",
        state="st4te",
        capabilities=("publish",),
        scopes=("atproto",),
        expires_at=NOW + timedelta(minutes=5),
        secrets={
            "dpop_key": key,
            "issuer": "https://auth.example.com",
            "authorization_endpoint": "https://auth.example.com/oauth/authorize",
            "pushed_authorization_request_endpoint": "https://auth.example.com/oauth/par",
        },
    )


async def spend(server: Server, key: str, app_key: str | None = None) -> Response:
    form = [("grant_type", "refresh_token"), ("refresh_token", "r1")]
    call: Any = server
    return await _dpop.token_request(FLOW, TOKEN_URL, form, key, "client", app_key, call)


async def test_a_token_request_meets_the_challenge_once_and_spends_in_one_step(key: str) -> None:
    server = Server(CHALLENGE, TOKENS)
    assert (await spend(server, key)).status == 200
    (step, url, form, first), (_, _, again, second) = server.sent
    assert (step, url) == ("attach", TOKEN_URL)
    assert form == again == {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "client"}
    assert "nonce" not in first
    assert second["nonce"] == "n1"
    assert first["jti"] != second["jti"]


async def test_a_server_that_never_has_enough_is_asked_twice_only(key: str) -> None:
    server = Server(CHALLENGE, CHALLENGE, TOKENS)
    assert (await spend(server, key)).json() == {"error": "use_dpop_nonce"}
    assert len(server.sent) == 2


async def test_a_refusal_is_not_repeated(key: str) -> None:
    server = Server(told(400, {"error": "invalid_grant"}, dpop_nonce="n2"), TOKENS)
    assert (await spend(server, key)).status == 400
    assert len(server.sent) == 1


async def test_a_clock_that_was_wrong_is_put_right_by_the_answer(key: str) -> None:
    def late() -> Response:
        server.moment = NOW - timedelta(hours=2)
        return told(401, {"error": "invalid_dpop_proof"}, dpop_nonce="n1")

    server = Server(late, CHALLENGE, TOKENS)
    assert (await spend(server, key)).status == 200
    assert [claims["iat"] for *_, claims in server.sent[1:]] == [int(server.moment.timestamp())] * 2


async def test_a_proof_refused_with_the_right_time_is_not_sent_again(key: str) -> None:
    server = Server(told(401, {"error": "invalid_dpop_proof"}), TOKENS)
    assert (await spend(server, key)).status == 401


async def test_a_confidential_client_proves_itself_anew_each_time(key: str) -> None:
    server, app_key = Server(CHALLENGE, TOKENS), _dpop.new_key()
    await spend(server, key, app_key)
    public = _dpop.public_keys(app_key)["keys"][0]
    proofs = [_dpop.verified(form["client_assertion"], public) for _, _, form, _ in server.sent]
    assert proofs[0]["jti"] != proofs[1]["jti"]
    assert {one["aud"] for one in proofs} == {"https://auth.example.com"}


async def test_a_request_is_pushed_and_the_browser_gets_its_name_only(draft: Login) -> None:
    server: Any = Server(CHALLENGE, told(201, {"request_uri": "urn:x:req-1", "expires_in": 299}))
    params = {"client_id": "https://app.example.com/c.json", "state": "st4te", "scope": "atproto"}
    url = await _dpop.push(FLOW, None, draft, params, server)
    assert url == (
        "https://auth.example.com/oauth/authorize"
        "?client_id=https%3A%2F%2Fapp.example.com%2Fc.json&request_uri=urn%3Ax%3Areq-1"
    )
    assert [step for step, *_ in server.sent] == ["prepare", "prepare"]
    assert server.sent[1][2] == params


async def test_a_request_that_is_not_taken_says_why(draft: Login) -> None:
    refused = {"error": "invalid_scope", "error_description": 'Scope "x" is not declared'}
    server: Any = Server(told(400, refused))
    with pytest.raises(LoginFailed, match=r"is not declared .*too old for these scopes") as failed:
        await _dpop.push(FLOW, None, draft, {"client_id": "c"}, server)
    assert failed.value.reason == "refused"
