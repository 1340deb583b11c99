"""The sandbox answers an OAuth client as the real server does: the same requests to both, right ones and wrong ones."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from socialkit.auth import _dpop
from socialkit.auth._oauth2 import challenge
from socialkit.sandbox import Sandbox

from .oauth_page import ConsentPage
from .servers import Pds

pytestmark = pytest.mark.real

CALLBACK = "http://127.0.0.1:8123/cb"
SCOPE = "atproto repo:app.bsky.feed.post blob:image/* rpc:app.bsky.feed.getPosts?aud=*"
CLIENT = f"http://localhost?redirect_uri={quote('http://127.0.0.1/cb', safe='')}&scope={quote(SCOPE)}"
SESSION = "/xrpc/com.atproto.server.getSession"
WRITE = "/xrpc/com.atproto.repo."
LIKE = {"collection": "app.bsky.feed.like", "record": {"$type": "app.bsky.feed.like"}}
SHOWN = ("error", "message", "error_description", "token_type", "scope", "did")
_UNSIGNED = "unsigned"


class Talk:
    """One program, one server, and what was said."""

    def __init__(self, base: str, did: str, now: Callable[[], datetime], agree: Callable[[str], str]) -> None:
        self.base, self.did, self.now, self.agree = base, did, now, agree
        self.http = httpx.Client(timeout=30)
        self.key, self.nonce, self.verifier, self.said = _dpop.new_key(), "", "", list[Any]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def send(
        self, method: str, path: str, *, token: str = "", proof: Any = None, again: bool = True, **body: Any
    ) -> Any:
        """The JSON of the answer, which is also written down; the nonce is learned, and used where it is asked for."""
        for _ in range(2):
            headers = dict(body.pop("headers", {}))
            headers |= {"authorization": f"{body.pop('scheme', 'DPoP')} {token}"} if token else {}
            made = proof(self.base + path) if proof else self.proof(method, path, token)
            headers |= {"dpop": made} if made != _UNSIGNED else {}
            answer = self.http.request(method, self.base + path, headers=headers, **body)
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            if not again or "use_dpop_nonce" not in answer.text:
                break
        told = answer.json()
        shown = {name: str(told[name]).replace(self.did, "DID") for name in SHOWN if name in told}
        why = answer.headers.get("www-authenticate", "")
        self.said.append((path, answer.status_code, shown, why, "dpop-nonce" in answer.headers))
        return told

    def proof(self, method: str, path: str, token: str = "", key: str = "") -> str:
        url = self.base + path
        return _dpop.proof(key or self.key, method, url, now=self.now(), token=token, nonce=self.nonce)

    def changed(self, token: str, **claims: Any) -> Callable[[str], str]:
        """Proofs of a GET with other claims than they should have."""

        def make(url: str) -> str:
            text = self.proof("GET", urlsplit(url).path.removeprefix(urlsplit(self.base).path), token)
            merged = {**_dpop.read_proof(text).claims, **claims}
            kept = {name: value for name, value in merged.items() if value is not None}
            return _dpop._signed(_dpop.header_of(text), kept, self.key)

        return make

    def push(self, **changed: str) -> Any:
        self.verifier = secrets.token_urlsafe(48)
        asked = {
            "client_id": CLIENT,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "s",
            "code_challenge": challenge(self.verifier),
            "code_challenge_method": "S256",
        } | changed
        return self.send("POST", "/oauth/par", data={name: value for name, value in asked.items() if value})

    def code(self) -> str:
        uri = quote(self.push()["request_uri"])
        url = f"{self.base}/oauth/authorize?client_id={quote(CLIENT, safe='')}&request_uri={uri}"
        return parse_qs(urlsplit(self.agree(url)).query)["code"][0]

    def spend(self, code: str, **changed: str) -> Any:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.token(**fields | {"code_verifier": self.verifier} | changed)

    def refresh(self, token: str) -> Any:
        return self.token(grant_type="refresh_token", refresh_token=token)

    def token(self, **fields: str) -> Any:
        return self.send("POST", "/oauth/token", data={"client_id": CLIENT, **fields})

    def session(self, token: str, **how: Any) -> Any:
        return self.send("GET", SESSION, token=token, **how)


# --- what is said -----------------------------------------------------------------------------------------
def requests_are_pushed(talk: Talk) -> None:
    talk.send("POST", "/oauth/par", data={"client_id": CLIENT}, again=False)
    talk.nonce = ""
    talk.send("POST", "/oauth/par", data={"client_id": CLIENT, "response_type": "code"}, again=False)
    talk.push(response_type="token")
    talk.push(redirect_uri="http://127.0.0.1:8123/elsewhere")
    talk.push(redirect_uri="http://localhost:8123/cb")
    talk.push(scope="repo:app.bsky.feed.post")
    talk.push(scope=f"{SCOPE} transition:generic")
    talk.push(code_challenge="")
    talk.push(code_challenge="", code_challenge_method="")
    talk.push(code_challenge_method="plain")


def codes_are_spent(talk: Talk) -> None:
    talk.push()
    talk.spend(f"cod-{'0' * 64}")
    talk.spend(talk.code(), code_verifier="x" * 50)
    talk.spend(talk.code(), redirect_uri="http://127.0.0.1:1/cb")
    code, key = talk.code(), talk.key
    talk.key = _dpop.new_key()
    talk.spend(code)
    talk.key = key
    talk.token(grant_type="password", username="x", password="y")
    code = talk.code()
    token = talk.spend(code)["access_token"]
    talk.session(token)
    talk.spend(code)
    talk.session(token)


def proofs_are_checked(talk: Talk) -> None:
    token = talk.spend(talk.code())["access_token"]
    talk.nonce = ""
    talk.session(token, again=False)
    talk.session(token, scheme="Bearer")
    for wrong in (
        {"htm": "POST"},
        {"htu": f"{talk.base}/elsewhere"},
        {"ath": "x"},
        {"ath": None},
        {"iat": 1_600_000_000},
        {"iat": 4_000_000_000},
        {"iat": None},
        {"jti": None},
        {"nonce": "stale"},
    ):
        talk.session(token, proof=talk.changed(token, **wrong), again=False)
    once = talk.proof("GET", SESSION, token)
    talk.session(token, proof=lambda url: once)
    talk.session(token, proof=lambda url: once)
    talk.session(token, proof=lambda url: _UNSIGNED)
    stranger = _dpop.new_key()
    talk.session(token, proof=lambda url: talk.proof("GET", SESSION, token, stranger))
    talk.session("garbage")


def scopes_are_needed(talk: Talk) -> None:
    token = talk.spend(talk.code())["access_token"]
    body = {"repo": talk.did, **LIKE}
    talk.send("POST", f"{WRITE}createRecord", token=token, json=body)
    talk.send("POST", f"{WRITE}putRecord", token=token, json={**body, "rkey": "3lxxxxxxxxxxx"})
    talk.send("POST", f"{WRITE}deleteRecord", token=token, json={**body, "rkey": "3lxxxxxxxxxxx"})
    video = {"content-type": "video/mp4"}
    talk.send("POST", f"{WRITE}uploadBlob", token=token, content=b"x", headers=video)
    service = "/xrpc/com.atproto.server.getServiceAuth?aud=did:web:a.example"
    talk.send("GET", service, token=token)
    talk.send("GET", f"{service}&lxm=com.atproto.repo.uploadBlob", token=token)
    talk.send("POST", "/xrpc/com.atproto.server.createAppPassword", token=token, json={"name": "x"})


def tokens_are_renewed(talk: Talk) -> None:
    talk.refresh(f"ref-{'0' * 64}")
    first = talk.spend(talk.code())
    second = talk.refresh(first["refresh_token"])
    talk.session(first["access_token"])
    talk.session(second["access_token"])
    talk.refresh(first["refresh_token"])
    talk.session(second["access_token"])
    talk.refresh(second["refresh_token"])


def sessions_are_ended(talk: Talk) -> None:
    tokens = talk.spend(talk.code())
    form = {"client_id": CLIENT, "token": tokens["refresh_token"]}
    talk.send("POST", "/oauth/revoke", data=form, proof=lambda url: _UNSIGNED)
    talk.session(tokens["access_token"])
    talk.send("POST", "/oauth/revoke", data=form)
    talk.session(tokens["access_token"])
    talk.send("POST", "/oauth/revoke", data=form)


# --- to both ----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def carol(pds: Pds) -> tuple[str, str]:
    """DID and password of an account of its own for the tests of this file."""
    made = pds.create_account("carol.test")
    return made.did, made.password


@pytest.fixture
def real(pds: Pds, carol: tuple[str, str]) -> Iterator[Talk]:
    did, password = carol
    agree = lambda url: ConsentPage(url, "carol.test", password).allow(scope=SCOPE)  # noqa: E731
    with Talk(pds.url, did, lambda: datetime.now(UTC), agree) as talk:
        yield talk


@pytest.fixture
def ours() -> Iterator[Talk]:
    with Sandbox(["bluesky"]) as box, box.serve() as url:
        bluesky: Any = box.bluesky
        did = bluesky.identity_of("brand")
        with Talk(f"{url}/bluesky", did, box.clock.now, bluesky.approve) as talk:
            yield talk


@pytest.mark.parametrize(
    "script",
    [
        requests_are_pushed,
        codes_are_spent,
        proofs_are_checked,
        scopes_are_needed,
        tokens_are_renewed,
        sessions_are_ended,
    ],
    ids=lambda script: script.__name__,
)
def test_the_sandbox_answers_as_the_server_does(
    real: Talk, ours: Talk, script: Callable[[Talk], None]
) -> None:
    script(real)
    script(ours)
    assert len(real.said) == len(ours.said) > 4
    for theirs, own in zip(_without_base(real), _without_base(ours), strict=True):
        assert own == theirs


def _without_base(talk: Talk) -> Any:
    return json.loads(json.dumps(talk.said).replace(talk.base, "BASE"))
