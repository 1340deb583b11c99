"""Tokens bound to a key (DPoP, RFC 9449), pushed requests (RFC 9126) and clients that prove themselves with a key.

A proof is a JWT of one request: signed with the sign-in's own P-256 key, good once, for a few seconds. A server may
want its nonce in it, and says so in an answer that did nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import attrs

from ..adapters.base import Call, Credential, Response
from ..errors import ConfigError, Declined, LoginFailed
from ..flows import CodeFlow, scopes_for
from ._callback import clean
from ._login import App, Login
from ._signing import origin, wants_nonce, with_query

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60
LOOPBACK = frozenset({"127.0.0.1", "::1"})
"""The hosts a loopback callback may name: the protocol does not take ``localhost`` there."""
SKEW = 30.0
"""How many seconds a clock must have been wrong for another try to make sense."""

Form = Mapping[str, str] | Sequence[tuple[str, str]]


# --- keys and proofs --------------------------------------------------------------------------------------
def new_key() -> str:
    """A new private P-256 key as JWK text; a secret."""
    from joserfc.jwk import ECKey

    return json.dumps(ECKey.generate_key("P-256").as_dict(private=True), separators=(",", ":"))


@lru_cache(maxsize=64)
def _opened(text: str) -> Any:
    """The key of a JWK or PEM text."""
    from joserfc.jwk import ECKey

    given: Any = json.loads(text) if text.lstrip().startswith("{") else text
    return ECKey.import_key(given)


@lru_cache(maxsize=64)
def _proof_header(key: str) -> dict[str, Any]:
    public = _opened(key).as_dict(private=False)
    jwk = {name: public[name] for name in ("kty", "crv", "x", "y")}
    return {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}


def proof(key: str, method: str, url: str, *, now: datetime, token: str = "", nonce: str = "") -> str:
    """The ``DPoP`` header of one request; ``token`` is the access token it goes with, ``now`` the server's time."""
    claims = {"jti": secrets.token_urlsafe(16), "htm": method.upper(), "htu": htu(url)}
    claims |= {"nonce": nonce} if nonce else {}
    claims |= {"ath": ath(token)} if token else {}
    return _signed(dict(_proof_header(key)), {**claims, "iat": int(now.timestamp())}, key)


def _signed(header: dict[str, Any], claims: dict[str, Any], key: str) -> str:
    from joserfc import jwt

    return jwt.encode(header, claims, _opened(key), algorithms=["ES256"])


def htu(url: str) -> str:
    """An address as proofs name it: without query and fragment.

    >>> htu("https://pds.example.com/xrpc/a.b.c?limit=1#top")
    'https://pds.example.com/xrpc/a.b.c'
    """
    return url.partition("#")[0].partition("?")[0]


def ath(token: str) -> str:
    """The digest of an access token that binds a proof to it."""
    return _b64(hashlib.sha256(token.encode()).digest())


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of an elliptic-curve key (RFC 7638)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@attrs.frozen
class Proof:
    """A proof whose signature holds: its claims, and the thumbprint of the key that made it."""

    claims: dict[str, Any]
    thumbprint: str


def read_proof(text: str) -> Proof:
    """What a proof says, once its form and signature are found good; else a ValueError. For who receives them."""
    header = header_of(text)
    jwk = header.get("jwk")
    if header.get("typ") != "dpop+jwt" or not isinstance(jwk, dict) or "d" in jwk:
        raise ValueError("no proof: it carries no public key")
    return Proof(verified(text, jwk), thumbprint(jwk))


def header_of(text: str) -> dict[str, Any]:
    """The header of a JWT, unverified; a ValueError when there is none."""
    found: Any = json.loads(_unb64(text.partition(".")[0]))
    if not isinstance(found, dict):
        raise ValueError("no JWT")
    return found


def verified(text: str, jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a JWT that the key signed with ES256; a ValueError when it did not."""
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    try:
        held = jws.deserialize_compact(text, ECKey.import_key(dict(jwk)), algorithms=["ES256"])
        claims: Any = json.loads(held.payload)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError(f"the signature does not hold: {error}") from None
    if not isinstance(claims, dict):
        raise ValueError("no claims")
    return claims


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# --- who asks ---------------------------------------------------------------------------------------------
def client_id_of(app: App | None, redirect_uri: str, scopes: Iterable[str]) -> str:
    """The client id: the app's address, or what a program on this machine is called when it has none.

    >>> client_id_of(None, "http://127.0.0.1:8080/cb", ["atproto"])
    'http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&scope=atproto'
    """
    if app is not None and app.client_id:
        return app.client_id
    parts = urlsplit(redirect_uri)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        other = redirect_uri.replace("//localhost", "//127.0.0.1", 1) if parts.hostname == "localhost" else ""
        raise ConfigError(
            f"bluesky: redirect_uri={redirect_uri!r} is not the address of this machine that Bluesky knows; give "
            f"{other or 'one on http://127.0.0.1'}, or for a web application "
            'App(client_id="https://…/client-metadata.json"), the address of its metadata document'
        )
    host = "[::1]" if parts.hostname == "::1" else parts.hostname
    query = {"redirect_uri": f"http://{host}{parts.path}", "scope": " ".join(scopes)}
    return f"http://localhost?{urlencode(query)}"


def client_assertion(client_id: str, issuer: str, app_key: str, now: datetime) -> dict[str, str]:
    """The form fields by which a confidential client proves itself; its key's ``kid`` is the one in its JWKS."""
    key = _opened(app_key)
    public = key.as_dict(private=False)
    moment = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": issuer,
        "jti": secrets.token_urlsafe(16),
        "iat": moment,
        "exp": moment + ASSERTION_SECONDS,
    }
    header = {"alg": "ES256", "kid": public.get("kid") or thumbprint(public)}
    return {"client_assertion_type": ASSERTION, "client_assertion": _signed(header, claims, app_key)}


def client_metadata(
    app: App, redirect_uris: Iterable[str], capabilities: Iterable[str] = ("publish", "metrics")
) -> dict[str, Any]:
    """The document a web application serves as JSON at the address that is its Bluesky client id.

    With a ``private_key`` the app is a confidential client, whose sign-ins last months instead of two weeks.

    >>> app = App("https://app.example.com/client-metadata.json", name="Harbour")
    >>> document = client_metadata(app, ["https://app.example.com/callback"])
    >>> document["client_id"], document["token_endpoint_auth_method"]
    ('https://app.example.com/client-metadata.json', 'none')
    """
    from ..flows.bluesky import FLOWS

    document: dict[str, Any] = {
        "client_id": app.client_id,
        "application_type": "web",
        "client_name": app.name,
        "client_uri": origin(app.client_id),
        "redirect_uris": list(redirect_uris),
        "scope": " ".join(scopes_for(FLOWS[0], capabilities)),
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "dpop_bound_access_tokens": True,
        "token_endpoint_auth_method": "none",
    }
    if app.private_key:
        proved = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}
        document |= {**proved, "jwks": public_keys(app.private_key)}
    return document


def public_keys(app_key: str) -> dict[str, Any]:
    """The JWKS of a confidential client.

    >>> public_keys(new_key())["keys"][0]["alg"]
    'ES256'
    """
    public = _opened(app_key).as_dict(private=False)
    kid = public.get("kid") or thumbprint(public)
    return {"keys": [{**public, "kid": kid, "alg": "ES256", "use": "sig"}]}


# --- the requests -----------------------------------------------------------------------------------------
async def push(flow: CodeFlow, app: App | None, draft: Login, params: Form, call: Call) -> str:
    """Push the request and give the address for the browser.

    ``draft.secrets["dpop_key"]`` is the sign-in's key; what ``discover`` told may stand there too. ``params`` is what
    the address would have carried, the client id included.
    """
    from ._atproto import discover

    known = draft.secrets
    told = known if "pushed_authorization_request_endpoint" in known else await discover(draft.server, call)
    fields = dict(params)
    if hint := told.get("login_hint"):
        fields.setdefault("login_hint", hint)
    client = _Client(fields["client_id"], told["issuer"], app.private_key if app else None)
    url = told["pushed_authorization_request_endpoint"]
    answer = await _bound(url, fields, known["dpop_key"], client, call, spends=False)
    if answer.status not in (200, 201):
        raise _not_taken(answer)
    query = {"client_id": fields["client_id"], "request_uri": str(answer.json()["request_uri"])}
    return with_query(told["authorization_endpoint"], query)


def _not_taken(answer: Response) -> LoginFailed:
    said = answer.json_or_none()
    said = said if isinstance(said, dict) else {}
    code, words = (clean(str(said.get(name) or "")) for name in ("error", "error_description"))
    code, words, hint = code or str(answer.status), words or "no reason given", ""
    if code == "invalid_scope":
        hint = "; the server may be too old for these scopes"
    return LoginFailed(f"the server did not take the request: {words} ({code}){hint}", reason="refused")


async def token_request(
    flow: CodeFlow,
    url: str,
    form: Form,
    key: str,
    client_id: str,
    app_key: str | None,
    call: Call,
    *,
    issuer: str = "",
) -> Response:
    """The token address's answer, whatever its status, to a form that spends something; with a proof.

    ``app_key`` is a confidential client's key. ``issuer`` is whom its assertion is for: by itself the host of ``url``.
    """
    client = _Client(client_id, issuer or origin(url), app_key)
    return await _bound(url, dict(form), key, client, call, spends=True)


@attrs.frozen
class _Client:
    """Who asks the authorization server ``issuer``; with a key, each time with a proof of its own."""

    id: str
    issuer: str
    key: str | None = attrs.field(repr=False)

    def fields(self, now: datetime) -> dict[str, str]:
        proved = client_assertion(self.id, self.issuer, self.key, now) if self.key else {}
        return {"client_id": self.id, **proved}


async def _bound(
    url: str, fields: Mapping[str, str], key: str, client: _Client, call: Call, *, spends: bool
) -> Response:
    """A form with a proof. Where the answer teaches what the proof lacked, the server's nonce or its time, the server
    did nothing yet: the same goes out again, once for each."""
    nonce, told = "", True
    while True:
        then = call.now()
        headers = {"dpop": proof(key, "POST", url, now=then, nonce=nonce)}
        send = call.attach if spends else call.prepare
        form = list({**fields, **client.fields(then)}.items())
        answer = await send("POST", url, form=form, headers=headers, auth=False, accept=range(400, 500))
        if not nonce and wants_nonce(answer):
            nonce = answer.headers["dpop-nonce"]
        elif told and _is_late(answer) and abs((call.now() - then).total_seconds()) > SKEW:
            told = False
        else:
            return answer


def _is_late(answer: Response) -> bool:
    """Whether the server did not take the proof: because of its moment, say."""
    body = answer.json_or_none()
    return isinstance(body, dict) and body.get("error") == "invalid_dpop_proof"


async def revoke(flow: CodeFlow, credential: Credential, server: str, call: Call) -> None:
    """End a sign-in where it was made; the server looks at the proof, and does nothing without the right one."""
    from ._atproto import discover

    told = await discover(credential.extra.get("issuer") or server, call)
    token = credential.refresh_token or credential.access_token
    if token is None or "revocation_endpoint" not in told:
        raise Declined("there is nothing to revoke, or no address for it")
    answer = await token_request(
        flow,
        told["revocation_endpoint"],
        {"token": token},
        credential.extra["dpop_key"],
        credential.client_id or "",
        credential.client_secret,
        call,
        issuer=told["issuer"],
    )
    if not 200 <= answer.status < 300:
        raise _not_taken(answer)
