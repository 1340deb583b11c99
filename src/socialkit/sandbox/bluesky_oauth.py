"""OAuth of the Bluesky sandbox: pushed requests, consent, tokens bound to a key, nonces, scopes.

The entryway is the authorization server of accounts that live on another host, as in the world; on loopback one address
is both. A proof is checked to the letter: signature, method, address, moment, nonce, use, and the token it goes with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

import attrs

from .bodies import BadBody
from .core import Answer, body
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from ..auth._dpop import Proof
    from .core import Sandbox

__all__ = ["OAuth", "covers"]

Json = dict[str, Any]
Handler = Callable[["Request"], "Response"]
NONCE_SECONDS = 60.0
"""How often the nonce changes; the one before and the one after are good too."""
PROOF_AGE, CLOCK_TOLERANCE = 10.0, 180.0
REQUEST_SECONDS = 300.0
APP_ID = "https://app.example.com/client-metadata.json"
_ALGS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES256K ES384 ES512"
_URN = "urn:ietf:params:oauth:request_uri:"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LOOPBACK = ("http://127.0.0.1/", "http://[::1]/")
_APPVIEW = "did:web:api.bsky.app#bsky_appview"
_WRITES = {
    "com.atproto.repo.createRecord": ("create",),
    "com.atproto.repo.putRecord": ("create", "update"),
    "com.atproto.repo.deleteRecord": ("delete",),
}


class BadProof(Exception):
    """Why a proof is not taken: an OAuth error code and words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


class OAuth(SignIn):
    """The part of the box that signs people in with a page of its own.

    ``apps`` holds the metadata documents it has read: an address that is not in it cannot be reached.
    """

    access_seconds: float = 3600.0
    refresh_seconds: float = 14 * 86_400.0
    code_seconds: float = 300.0
    rotation: Literal["none", "grace", "strict"] = "strict"
    replay_kills: bool = True
    confidential: bool = False
    pkce: ClassVar[Literal["", "S256", "hex"]] = "S256"
    pkce_required: ClassVar[bool] = True
    entryway: ClassVar[str] = "bsky.social"

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.pushed: dict[str, Json] = {}
        self._seen: dict[str, datetime] = {}
        self._families: dict[str, str] = {}
        self._app_key = ""

    # what the accounts say -------------------------------------------------------------------------

    @property
    def role(self) -> str:
        """What the host of the current request is."""
        raise NotImplementedError

    @property
    def pds(self) -> str:
        """Base URL of the server the accounts live on."""
        raise NotImplementedError

    @property
    def issuer(self) -> str:
        """Who signs people in."""
        return self.base if self.role == "all" else f"https://{self.entryway}"

    # routes ----------------------------------------------------------------------------------------

    def oauth_routes(self) -> list[BaseRoute]:
        """Everything of this file that is not a call of the protocol's own."""
        server = self._on_entryway
        return [
            self.route("GET", "/.well-known/oauth-protected-resource", self.about_resource),
            self.route("GET", "/.well-known/oauth-authorization-server", server(self.about_server)),
            self.route("POST", "/oauth/par", server(self.with_nonce(self.push))),
            self.route("GET", "/oauth/authorize", server(self.show_consent)),
            self.route("POST", "/oauth/authorize", server(self.press)),
            self.route("POST", "/oauth/token", server(self.with_nonce(self.give_token))),
            self.route("POST", "/oauth/revoke", server(self.with_nonce(self.take_back))),
        ]

    def _on_entryway(self, handler: Handler) -> Handler:
        def answer(request: Request) -> Response:
            if self.role != "all" and urlsplit(self.base).netloc != self.entryway:
                raise Answer(self.error(404, message="Not Found"))
            return handler(request)

        return answer

    def with_nonce(self, handler: Handler) -> Handler:
        """The handler, with the nonce for the next proof on every answer."""

        def answer(request: Request) -> Response:
            try:
                response = handler(request)
            except Answer as refused:
                response = refused.response
            response.headers["DPoP-Nonce"] = self.nonce(1)
            return response

        return answer

    def about_resource(self, request: Request) -> Response:
        """``GET /.well-known/oauth-protected-resource``: which server signs in for this one."""
        from starlette.responses import JSONResponse

        if self.role != "all" and f"https://{urlsplit(self.base).netloc}" != self.pds:
            raise Answer(self.error(404, message="Not Found"))
        return JSONResponse(
            {
                "resource": self.pds,
                "authorization_servers": [self.issuer],
                "bearer_methods_supported": ["header"],
                "scopes_supported": [],
                "resource_documentation": "https://atproto.com",
            }
        )

    def about_server(self, request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server``."""
        from starlette.responses import JSONResponse

        issuer = self.issuer
        transitions = [f"transition:{name}" for name in ("email", "generic", "chat.bsky")]
        return JSONResponse(
            {
                "issuer": issuer,
                "scopes_supported": ["atproto", *transitions],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "authorization_endpoint": f"{issuer}/oauth/authorize",
                "token_endpoint": f"{issuer}/oauth/token",
                "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
                "revocation_endpoint": f"{issuer}/oauth/revoke",
                "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
                "require_pushed_authorization_requests": True,
                "dpop_signing_alg_values_supported": ["ES256"],
                "client_id_metadata_document_supported": True,
            }
        )

    # proofs ----------------------------------------------------------------------------------------

    def nonce(self, ahead: int = 0) -> str:
        """The nonce of this host, now or some turns from now."""
        turn = int(self.now().timestamp() // NONCE_SECONDS) + ahead
        return self.digest("nonce", urlsplit(self.base).netloc, turn)[:43]

    def read_proof(self, request: Request, token: str = "") -> Proof:
        """The request's proof, found good in every point; else BadProof."""
        from ..auth._dpop import ath, read_proof

        if not (text := request.headers.get("dpop", "")):
            raise BadProof("invalid_dpop_proof", "DPoP proof required")
        try:
            proof = read_proof(text)
        except ValueError as error:
            raise BadProof("invalid_dpop_proof", f"Failed to verify DPoP proof: {error}") from None
        self._check_claims(request, proof.claims)
        given, bound = proof.claims.get("ath"), ath(token) if token else None
        if given != bound:
            raise BadProof("invalid_dpop_proof", 'DPoP "ath" mismatch')
        self._check_first_use(str(proof.claims["jti"]))
        return proof

    def _check_claims(self, request: Request, claims: Json) -> None:
        bad = "invalid_dpop_proof"
        if words := _late(claims.get("iat"), self.now().timestamp()):
            raise BadProof(bad, f"Failed to verify DPoP proof: {words}")
        if not claims.get("jti") or not isinstance(claims["jti"], str):
            raise BadProof(bad, 'DPoP "jti" missing')
        if claims.get("htm") != request.method:
            raise BadProof(bad, 'DPoP "htm" mismatch')
        here = f"{self.base}{self.turn.path if self.turn else ''}"
        if unquote(str(claims.get("htu"))) != here:
            raise BadProof(bad, 'DPoP "htu" mismatch')
        if not claims.get("nonce"):
            raise BadProof("use_dpop_nonce", "Authorization server requires nonce in DPoP proof")
        if claims["nonce"] not in {self.nonce(-1), self.nonce(), self.nonce(1)}:
            raise BadProof("use_dpop_nonce", 'DPoP "nonce" mismatch')

    def _check_first_use(self, jti: str) -> None:
        oldest = self.now() - timedelta(seconds=PROOF_AGE + 2 * CLOCK_TOLERANCE)
        self._seen = {one: at for one, at in self._seen.items() if at >= oldest}
        if jti in self._seen:
            raise BadProof("invalid_dpop_proof", "DPoP proof replayed")
        self._seen[jti] = self.now()

    def challenge(self, code: str, words: str) -> Answer:
        """The answer of the account's server to a proof or token it does not take, to raise."""
        response = self.error(401, code, words)
        told = f'error="{code}"' + (f', error_description="{words}"' if '"' not in words else "")
        response.headers["WWW-Authenticate"] = f'DPoP algs="{_ALGS}", {told}'
        return Answer(response)

    def proven(self, request: Request) -> Proof:
        """The proof of a request to the authorization server."""
        try:
            return self.read_proof(request)
        except BadProof as error:
            status = 400 if error.code == "use_dpop_nonce" else 401
            raise self.oauth_error(error.code, error.words, status) from None

    # clients ---------------------------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """On this machine nobody needs an app; a web application is a confidential one with a key."""
        if flow_name != "oauth" or not redirect_uri.startswith("https://"):
            return {}
        from ..auth._dpop import new_key, public_keys

        self._app_key = self._app_key or new_key()
        app = self.apps.get(APP_ID) or self.add_app(APP_ID, jwk=public_keys(self._app_key)["keys"][0])
        return {**self.called_back(app, redirect_uri), "private_key": self._app_key}

    def client(self, given: Json) -> RegisteredApp:
        """Who asks, after proving it when its document names a key."""
        client_id = str(given.get("client_id") or "")
        if client_id.partition("?")[0].rstrip("/") == "http://localhost":
            return _loopback(client_id)
        app = self.apps.get(client_id)
        if app is None:
            words = f'Unable to obtain client metadata for "{client_id}"'
            raise self.oauth_error("invalid_client_metadata", words)
        if app.details.get("jwk"):
            self._check_assertion(app, given)
        return app

    def _check_assertion(self, app: RegisteredApp, given: Json) -> None:
        from ..auth._dpop import header_of, verified

        words = ""
        text = str(given.get("client_assertion") or "")
        try:
            if given.get("client_assertion_type") != _ASSERTION:
                raise ValueError(
                    'client authentication method "private_key_jwt" required a "client_assertion"'
                )
            if header_of(text).get("kid") != app.details["jwk"]["kid"]:
                raise ValueError('"kid" is not in the client\'s keys')
            claims, now = verified(text, app.details["jwk"]), self.now().timestamp()
            named = [claims.get(name) for name in ("iss", "sub", "aud")]
            if named != [app.client_id, app.client_id, self.issuer]:
                raise ValueError("unexpected claim value")
            if not now - 60 <= int(claims["iat"]) <= int(claims["exp"]) <= now + 90:
                raise ValueError('"iat" claim timestamp check failed (too far in the past)')
            self._check_first_use(str(claims["jti"]))
        except (ValueError, KeyError, BadProof) as error:
            words = str(error)
        if words:
            raise self.oauth_error("invalid_client", f"Validation of client_assertion failed: {words}", 400)

    # the request, and the consent ------------------------------------------------------------------

    def push(self, request: Request) -> Response:
        """``POST /oauth/par``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        if words := _unreadable(given):
            raise self.oauth_error("invalid_request", f"Invalid authorization request: {words}")
        proof = self.proven(request)
        app = self.client(given)
        self._check_request(app, given)
        request_id = f"req-{self.serial('request')[:32]}"
        asked = {**given, "jkt": proof.thumbprint, "until": self.now() + timedelta(seconds=REQUEST_SECONDS)}
        self.pushed[request_id] = {**asked, "issuer": self.issuer}
        told = {"request_uri": f"{_URN}{request_id}", "expires_in": int(REQUEST_SECONDS) - 1}
        return JSONResponse(told, 201)

    def _check_request(self, app: RegisteredApp, given: Json) -> None:
        if given.get("response_type") != "code":
            words = f'Unsupported response_type "{given.get("response_type")}"'
            raise self.oauth_error("unsupported_response_type", words)
        if not any(_is_callback(str(given.get("redirect_uri")), one) for one in app.redirect_uris):
            raise self.oauth_error("invalid_request", f"Invalid redirect_uri {given.get('redirect_uri')}")
        scopes = self.asked_scopes(given)
        declared = app.details.get("scope")
        for scope in sorted(scopes):
            if declared is not None and scope not in declared:
                words = f'Scope "{scope}" is not declared in the client metadata'
                raise self.oauth_error("invalid_scope", words)
        if "atproto" not in scopes:
            raise self.oauth_error("invalid_scope", 'The "atproto" scope is required')
        if not given.get("code_challenge"):
            words = "code_challenge is required when code_challenge_method is provided"
            if not given.get("code_challenge_method"):
                words = "Use of PKCE is required"
            raise self.oauth_error("invalid_request", words)
        if given.get("code_challenge_method") != "S256":
            words = 'atproto requires use of "S256" code_challenge_method'
            raise self.oauth_error("invalid_request", words)

    def asked_in(self, url: str) -> Json:
        """What was pushed under the ``request_uri`` of an authorize address."""
        query = dict(parse_qsl(urlsplit(url).query))
        asked = self.pushed.get(query.get("request_uri", "").removeprefix(_URN))
        if asked is None:
            raise self.oauth_error("invalid_request", "Unknown request_uri")
        words = ""
        if query.get("client_id") != asked["client_id"]:
            words = "This request was initiated for another client"
        elif asked.get("done"):
            words = "This request was already authorized"
        elif asked["until"] <= self.now():
            words = "This request has expired"
        if words:
            raise self.oauth_error("access_denied", words)
        return asked

    def check_asked(self, asked: Json) -> None:
        """It was checked when it was pushed."""

    def callback_query(self, asked: Json, code: str) -> Json:
        return {"iss": asked["issuer"], **self._state(asked), "code": code}

    def refused_query(self, asked: Json) -> Json:
        words = "The user rejected the request"
        refused = {"error": "access_denied", "error_description": words}
        asked["done"] = True
        return {"iss": asked["issuer"], **self._state(asked), **refused}

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        if "atproto" not in scopes:
            raise self.oauth_error("access_denied", 'The "atproto" scope is required')
        asked["done"] = True
        return super().new_code(asked, self.identity_of(username), scopes)

    # tokens ----------------------------------------------------------------------------------------

    def give_token(self, request: Request) -> Response:
        """``POST /oauth/token``: a code or a refresh token, with a proof of the key the request was made with."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        proof = self.proven(request)
        app = self.client(given)
        if (kind := given.get("grant_type")) not in ("authorization_code", "refresh_token"):
            words = f'Grant type "{kind}" is not supported by the server'
            raise self.oauth_error("invalid_grant", words)
        grant = self.redeem(given, app)
        if grant.details["jkt"] != proof.thumbprint:
            self.end_family(grant.family)
            raise self.oauth_error("invalid_grant", "DPoP proof does not match the expected JKT")
        return JSONResponse(self.token_answer(self.issue(grant)), headers={"cache-control": "no-store"})

    def spend_code(self, given: Json) -> Grant:
        """A code that comes twice was stolen: what it gave dies."""
        code = str(given.get("code"))
        if family := self._families.get(code):
            self.end_family(family)
        asked = self.codes.pop(code, None)
        words = ""
        if asked is None:
            words = "Invalid code"
        elif self.now() - asked["at"] >= timedelta(seconds=self.code_seconds):
            words = "This code has expired"
        elif given.get("redirect_uri") != asked["redirect_uri"]:
            words = "The redirect_uri parameter must match the one used in the authorization request"
        elif not self.challenge_holds(asked, given):
            words = "Invalid code_verifier"
        if asked is None or words:
            raise self.oauth_error("invalid_grant", words)
        family = self._families[code] = self.serial("family")[:16]
        return Grant(asked["username"], asked["granted"], asked["client_id"], family, details=asked)

    def spend_refresh(self, token: str) -> Grant:
        """The access token there was dies too. A session ends after two weeks, however often it was renewed."""
        spent = token in self.spent_refreshes
        try:
            grant = super().spend_refresh(token)
        except Answer:
            words = "Refresh token replayed" if spent else "Invalid refresh token"
            raise self.oauth_error("invalid_grant", words) from None
        if (self.now() - grant.details["at"]).total_seconds() > self.refresh_seconds:
            self.end_family(grant.family)
            raise self.oauth_error("invalid_grant", "Session expired")
        self.end_family(grant.family)
        return grant

    def token_answer(self, issued: Issued) -> Json:
        asked = str(issued.grant.details["scope"])
        return {
            "access_token": issued.access_token,
            "token_type": "DPoP",
            "refresh_token": issued.refresh_token,
            "scope": " ".join(one for one in asked.split() if one in issued.grant.scopes),
            "expires_in": max(1, int(min(self.access_seconds, 1e9)) - 1),
            "sub": issued.grant.username,
        }

    def new_access(self, grant: Grant) -> str:
        now = int(self.now().timestamp())
        claims = {
            "jti": f"tok-{self.serial('access')[:32]}",
            "sub": grant.username,
            "aud": f"did:web:{urlsplit(self.pds).netloc}",
            "iss": self.issuer,
            "iat": now,
            "exp": now + int(min(self.access_seconds, 1e9)),
            "cnf": {"jkt": grant.details.get("jkt", "")},
        }
        return self.signed({"typ": "at+jwt", "alg": "ES256K"}, claims)

    def new_refresh(self, grant: Grant) -> str:
        return f"ref-{self.serial('refresh')}"

    def take_back(self, request: Request) -> Response:
        """``POST /oauth/revoke``: ends the session; says so whether there was one or not."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        jkt = self.proven(request).thumbprint if "dpop" in request.headers else ""
        app = self.client(given)
        token = str(given.get("token"))
        grant = self.grants.get(token) or self.refreshes.get(token)
        if grant is not None and grant.client_id == app.client_id and grant.details["jkt"] == jkt:
            self.end_family(grant.family)
        return JSONResponse({})

    # signed texts ----------------------------------------------------------------------------------

    def signed(self, header: Json, claims: Json) -> str:
        """A JWT of this box; its signature is only ours to check."""
        parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, claims)]
        head = b".".join(parts)
        mac = hmac.new(self.digest("signing key").encode(), head, hashlib.sha256).digest()
        return (head + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()

    def opened(self, token: str) -> tuple[Json, Json] | None:
        """(header, claims) of a JWT that was signed here."""
        try:
            header, claims = (
                json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
                for part in token.split(".")[:2]
            )
            whole = hmac.compare_digest(self.signed(header, claims).encode(), token.encode())
        except (ValueError, UnicodeEncodeError):
            return None
        return (header, claims) if whole else None

    # who asks --------------------------------------------------------------------------------------

    def bound_grant(self, request: Request) -> Grant:
        """What the request's token stands for, with the proof that it is its owner's; and that it may do this."""
        token = request.headers["authorization"].partition(" ")[2]
        try:
            proof = self.read_proof(request, token)
        except BadProof as error:
            raise self.challenge(error.code, error.words) from None
        grant = self.grant_of(token)
        if grant is None:
            words = "Invalid token" if self.opened(token) else "Malformed token"
            if self.why_ended(token) == "expired":
                words = '"exp" claim timestamp check failed'
            raise self.challenge("invalid_token", words)
        if grant.details["jkt"] != proof.thumbprint:
            raise self.challenge("invalid_token", "Invalid DPoP key binding")
        for needed in _needed(request):
            if not covers(grant.scopes, needed):
                words = f'Missing required scope "{needed}"'
                raise Answer(self.error(403, "ScopeMissingError", words))
        return grant


@attrs.frozen
class _Scope:
    """One permission, taken apart."""

    kind: str
    name: tuple[str, ...]
    params: dict[str, list[str]]

    @classmethod
    def of(cls, text: str) -> _Scope:
        head, _, query = text.partition("?")
        kind, _, name = head.partition(":")
        params = parse_qs(query)
        named = {"repo": "collection", "rpc": "lxm", "blob": "accept"}.get(kind, "")
        return cls(kind, tuple([name] if name else params.get(named, [])), params)


def covers(granted: Iterable[str], needed: str) -> bool:
    """Whether the granted scopes allow what needs one.

    >>> covers(["repo:app.bsky.feed.post?action=create"], "repo:app.bsky.feed.post?action=update")
    False
    >>> covers(["blob:image/*"], "blob:image/png")
    True
    """
    want, held = _Scope.of(needed), set(granted)
    name = want.name[0]
    chat = want.kind == "rpc" and name.startswith("chat.bsky.")
    if ("transition:chat.bsky" if chat else "transition:generic") in held:
        return True
    return any(_covers(_Scope.of(text), want, name) for text in held)


def _covers(scope: _Scope, want: _Scope, name: str) -> bool:
    if scope.kind != want.kind:
        return False
    if scope.kind == "blob":
        return bool({"*/*", name, f"{name.partition('/')[0]}/*"} & set(scope.name))
    if not {"*", name} & set(scope.name):
        return False
    if scope.kind == "rpc":
        return bool({"*", *want.params["aud"]} & set(scope.params.get("aud", [])))
    actions = scope.params.get("action", ["create", "update", "delete"])
    return set(want.params["action"]) <= set(actions)


def _late(iat: Any, now: float) -> str:
    """What is wrong with the moment of a proof; "" when it is now."""
    if not isinstance(iat, int):
        return 'missing required "iat" claim'
    if iat > now + CLOCK_TOLERANCE:
        return '"iat" claim timestamp check failed (it should be in the past)'
    old = iat < now - PROOF_AGE - CLOCK_TOLERANCE
    return '"iat" claim timestamp check failed (too far in the past)' if old else ""


def _unreadable(given: Json) -> str:
    """What keeps the server from reading a request at all."""
    if not given.get("response_type"):
        return "Required at body.response_type, or Required at body.request, or Required at body.request"
    if urlsplit(str(given.get("redirect_uri"))).hostname == "localhost":
        words = 'Use of "localhost" hostname is not allowed (RFC 8252), use a loopback IP such as "127.0.0.1" instead'
        return f"{words} at body.redirect_uri"
    return ""


def _needed(request: Request) -> list[str]:
    """The scopes a call needs, as the server writes them."""
    name = request.url.path.rpartition("/")[2]
    if name in _WRITES or name == "com.atproto.repo.applyWrites":
        return [f"repo:{collection}?action={action}" for collection, action in _writes(request, name)]
    if name == "com.atproto.repo.uploadBlob":
        return [f"blob:{request.headers.get('content-type', '').partition(';')[0]}"]
    if name == "com.atproto.server.getServiceAuth":
        asked = request.query_params
        return [_rpc(asked.get("lxm", "*"), asked.get("aud", ""))]
    return [] if name.startswith("com.atproto.") else [_rpc(name, _APPVIEW)]


def _rpc(method: str, audience: str) -> str:
    return f"rpc:{method}?aud={quote(audience, safe=':')}"


def _writes(request: Request, name: str) -> list[tuple[str, str]]:
    """(collection, action) of every write of a request."""
    try:
        given = body(request).json()
    except BadBody:
        return []
    if not isinstance(given, dict):
        return []
    if name in _WRITES:
        return [(str(given.get("collection")), action) for action in _WRITES[name]]
    rows = given.get("writes")
    found = [one for one in rows if isinstance(one, dict)] if isinstance(rows, list) else []
    return [(str(one.get("collection")), str(one.get("$type")).rpartition("#")[2]) for one in found]


def _loopback(client_id: str) -> RegisteredApp:
    """The client that a program on this machine is, from its id."""
    query = parse_qs(client_id.partition("?")[2])
    scopes = frozenset(query.get("scope", ["atproto"])[0].split())
    callbacks = tuple(query.get("redirect_uri", _LOOPBACK))
    return RegisteredApp(client_id, None, callbacks, "Loopback client", {"scope": scopes})


def _is_callback(asked: str, known: str) -> bool:
    """Whether a callback address is the one of the document; on loopback any port will do."""
    here, there = urlsplit(asked), urlsplit(known)
    if here.scheme == "http" and there.hostname in ("127.0.0.1", "::1"):
        return (here.hostname, here.path) == (there.hostname, there.path)
    return asked == known
