"""From a server, handle or DID to who signs in there, and back: which answers are believed, and which are not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from socialkit import LoginFailed, Unavailable
from socialkit.adapters.base import Credential, Response
from socialkit.auth import _atproto

PDS, AUTH, DID = "https://pds.example.com", "https://auth.example.com", "did:plc:abcdefghijklmnopqrstuvwx"
RESOURCE, METADATA = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"


def metadata(issuer: str = AUTH, **other: Any) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        **other,
    }


def document(pds: str = PDS, did: str = DID) -> dict[str, Any]:
    return {
        "id": did,
        "alsoKnownAs": ["at://brand.example"],
        "service": [
            {"id": "#other", "type": "Other", "serviceEndpoint": "https://elsewhere.example.com"},
            {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds},
        ],
    }


class World:
    """A call that answers by address; everything else is 404. ``read`` lists what was asked."""

    account = "sky"

    def __init__(self, **pages: Any) -> None:
        self.pages: dict[str, Any] = pages
        self.read_urls: list[str] = []

    async def read(self, method: str, url: str, /, **request: Any) -> Response:
        assert request["auth"] is False, "nobody is signed in yet"
        query = request.get("params", {})
        url += "".join(f"?{name}={value}" for name, value in query.items())
        self.read_urls.append(url)
        page = self.pages.get(url)
        if isinstance(page, Exception):
            raise page
        if page is None:
            assert 404 in request["accept"]
            return Response(404, {}, b"Not Found")
        return Response(200, {}, page if isinstance(page, bytes) else json.dumps(page).encode())


def world(*more: tuple[str, Any]) -> Any:
    """A PDS whose people sign in elsewhere, a directory that knows it, a resolver that knows the handle."""
    resolve = f"{_atproto.RESOLVER}/xrpc/com.atproto.identity.resolveHandle?handle=brand.example"
    pages = {
        f"{PDS}{RESOURCE}": {"resource": PDS, "authorization_servers": [AUTH]},
        f"{AUTH}{METADATA}": metadata(),
        f"{_atproto.DIRECTORY}/{DID}": document(),
        resolve: {"did": DID},
        **dict(more),
    }
    return World(**pages)


# --- there ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("server", [PDS, f"{PDS}/", AUTH], ids=["pds", "slash", "itself"])
async def test_a_server_leads_to_who_signs_in_for_it(server: str) -> None:
    told = await _atproto.discover(server, world())
    assert told["issuer"] == AUTH
    assert told["pushed_authorization_request_endpoint"] == f"{AUTH}/oauth/par"
    assert told["revocation_endpoint"] == f"{AUTH}/oauth/revoke"
    assert "login_hint" not in told


@pytest.mark.parametrize("name", ["brand.example", "@brand.example", "https://brand.example", DID])
async def test_a_handle_or_did_leads_there_too_and_says_who_comes(name: str) -> None:
    told = await _atproto.discover(name, world())
    assert told["issuer"] == AUTH
    assert told["login_hint"] == name.removeprefix("https://").removeprefix("@")


async def test_a_handle_whose_site_is_down_still_leads_there() -> None:
    down = (f"https://brand.example{RESOURCE}", Unavailable("could not be reached"))
    assert (await _atproto.discover("https://brand.example", world(down)))["issuer"] == AUTH


async def test_a_server_that_is_down_is_not_taken_for_a_handle() -> None:
    down = (f"{PDS}{RESOURCE}", Unavailable("could not be reached"))
    with pytest.raises(Unavailable):
        await _atproto.discover(PDS, world(down))


@pytest.mark.parametrize(
    "told",
    [
        b"<html>",
        b"[]",
        {},
        {"issuer": AUTH},
        {**metadata(), "token_endpoint": None},
        {**metadata(), "pushed_authorization_request_endpoint": 5},
    ],
)
async def test_a_server_without_metadata_points_to_app_passwords(told: Any) -> None:
    with pytest.raises(LoginFailed, match="app_password") as failed:
        await _atproto.discover(PDS, world((f"{AUTH}{METADATA}", told)))
    assert failed.value.reason == "refused"


async def test_metadata_of_somebody_else_is_not_believed() -> None:
    with pytest.raises(LoginFailed) as failed:
        await _atproto.discover(
            PDS, world((f"{AUTH}{METADATA}", metadata(issuer="https://evil.example.com")))
        )
    assert failed.value.reason == "forged"


@pytest.mark.parametrize(
    "address", ["http://auth.example.com/oauth/token", "http://127.0.0.1:1/token", "file:///etc/passwd"]
)
async def test_metadata_may_not_lead_away_from_https(address: str) -> None:
    bad = (f"{AUTH}{METADATA}", metadata(token_endpoint=address))
    with pytest.raises(LoginFailed, match="not https"):
        await _atproto.discover(PDS, world(bad))


async def test_a_server_on_loopback_may_stay_on_loopback() -> None:
    home = "http://localhost:2583"
    told = await _atproto.discover(home, world((f"{home}{METADATA}", metadata(issuer=home))))
    assert told["token_endpoint"] == f"{home}/oauth/token"


@pytest.mark.parametrize("named", [{}, {"authorization_servers": []}, {"authorization_servers": "x"}])
async def test_a_server_that_names_nobody_may_sign_in_by_itself(named: Any) -> None:
    own = world((f"{PDS}{RESOURCE}", named), (f"{PDS}{METADATA}", metadata(issuer=PDS)))
    assert (await _atproto.discover(PDS, own))["issuer"] == PDS


# --- how long ---------------------------------------------------------------------------------------------
def test_a_session_lasts_longer_for_an_app_that_proves_itself() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    public, confidential = Credential("dpop"), Credential("dpop", client_secret="key")
    assert _atproto.session_end(public, now) == now + timedelta(days=14)
    assert _atproto.session_end(confidential, now) > now + timedelta(days=700)


# --- and back ---------------------------------------------------------------------------------------------
async def test_the_accounts_own_documents_lead_back_to_the_issuer() -> None:
    assert await _atproto.verify_subject(DID, AUTH, "https://bsky.example.com", world()) == PDS


async def test_an_issuer_the_accounts_server_does_not_name_is_a_forger() -> None:
    with pytest.raises(LoginFailed, match=r"signed in by https://auth\.example\.com") as failed:
        await _atproto.verify_subject(DID, "https://evil.example.com", "https://evil.example.com", world())
    assert failed.value.reason == "forged"


async def test_the_directory_is_asked_and_never_the_server_that_is_to_be_proved() -> None:
    asked = world()
    await _atproto.verify_subject(DID, AUTH, AUTH, asked)
    assert asked.read_urls == [f"{_atproto.DIRECTORY}/{DID}", f"{PDS}{RESOURCE}"]


async def test_a_did_of_the_web_is_asked_for_at_its_own_host() -> None:
    did = "did:web:brand.example"
    home = ("https://brand.example/.well-known/did.json", document(did=did))
    assert await _atproto.verify_subject(did, AUTH, AUTH, world(home)) == PDS


@pytest.mark.parametrize(
    "did",
    ["", "did:key:z6Mk", "did:web:", "did:web:a/b", "did:web:a?b", "did:web:a@b", "did:plc:../x", "alice"],
)
async def test_what_is_no_did_is_refused_and_asked_nowhere(did: str) -> None:
    asked = world()
    with pytest.raises(LoginFailed, match="no did:plc"):
        await _atproto.verify_subject(did, AUTH, AUTH, asked)
    assert asked.read_urls == []


@pytest.mark.parametrize("told", [None, b"<html>", [], document(did="did:plc:zzzzzzzzzzzzzzzzzzzzzzzz")])
async def test_a_directory_that_does_not_know_the_account(told: Any) -> None:
    with pytest.raises(LoginFailed, match="does not know"):
        await _atproto.verify_subject(DID, AUTH, AUTH, world((f"{_atproto.DIRECTORY}/{DID}", told)))


@pytest.mark.parametrize("services", [None, [], "x", [5], [{"id": "#atproto_labeler"}]])
async def test_an_account_without_a_server(services: Any) -> None:
    bare = {**document(), "service": services}
    with pytest.raises(LoginFailed, match="no server"):
        await _atproto.verify_subject(DID, AUTH, AUTH, world((f"{_atproto.DIRECTORY}/{DID}", bare)))


async def test_an_account_may_not_send_us_into_a_private_network() -> None:
    inside = (f"{_atproto.DIRECTORY}/{DID}", document(pds="http://10.0.0.1"))
    with pytest.raises(LoginFailed, match="not https"):
        await _atproto.verify_subject(DID, AUTH, AUTH, world(inside))


async def test_on_loopback_the_server_is_its_own_directory() -> None:
    home = "http://127.0.0.1:8765/bluesky"
    told = (f"{home}/xrpc/com.atproto.repo.describeRepo?repo={DID}", {"didDoc": document(pds=home)})
    assert await _atproto.verify_subject(DID, home, home, world(told)) == home
