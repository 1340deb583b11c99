"""What Meta's platforms do alike when people sign in: error bodies, tokens that end by themselves, their inspection.

Facts: Meta's documentation of Facebook Login, the Instagram API and the Threads API as of November 2026.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

import attrs

from .core import Answer, body
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["LONG_SECONDS", "LongLivedSignIn", "MetaSignIn"]

Json = dict[str, Any]
Kind = Literal["short", "long", "page"]
LONG_SECONDS = 5_183_944.0
_DAY = 86_400
_EXPIRED, _INVALIDATED = 463, 467


class MetaSignIn(SignIn):
    """Tokens that end at a moment of their own: short-lived ones, long-lived ones (``access_seconds``)."""

    scope_separator = ","
    access_seconds = LONG_SECONDS
    code_seconds = 3600.0
    short_seconds: float = 3600.0
    """How long the first token lives."""
    token_prefix: ClassVar[str] = "EAA"
    app_token_prefix: ClassVar[str] = ""

    # errors ----------------------------------------------------------------------------------------

    def graph_error(
        self, code: int, message: str, *, subcode: int | None = None, status: int = 400
    ) -> Response:
        """An error in the Graph API's shape."""
        from starlette.responses import JSONResponse

        told: Json = {"message": message, "type": "OAuthException", "code": code}
        if subcode is not None:
            told["error_subcode"] = subcode
        told |= {"is_transient": code in (1, 2), "fbtrace_id": f"A{self.serial('trace')[:22]}"}
        return JSONResponse({"error": told}, status)

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """The Graph API answers 400 for what it does not know."""
        if status >= 500:
            return self.graph_error(2, message, status=status)
        return self.graph_error(100, f"(#100) {message}", subcode=33 if status == 404 else None)

    def token_expired(self) -> Response:
        """190 with subcode 463."""
        return self.token_dead(_EXPIRED)

    def token_dead(self, subcode: int | None) -> Response:
        """190: expired (463), ended by the person (467), or never a token here (no subcode)."""
        words = {_EXPIRED: "the session has expired", _INVALIDATED: "the session was invalidated"}
        said = words.get(subcode or 0, "cannot parse access token")
        return self.graph_error(190, f"Error validating access token: {said}", subcode=subcode)

    def scope_missing(self, missing: set[str]) -> Response:
        """200: the permissions that are not granted."""
        return self.graph_error(200, f"(#200) Requires {', '.join(sorted(missing))}", status=403)

    def refused_query(self, asked: Json) -> Json:
        """Meta says why, too."""
        why = {"error_reason": "user_denied", "error_description": "Permissions error"}
        return {"error": "access_denied", **why, **self._state(asked)}

    # tokens ----------------------------------------------------------------------------------------

    def mint(self, grant: Grant, kind: Kind, seconds: float, **details: Any) -> str:
        """A token that lives ``seconds`` (inf: it does not end)."""
        ends = None if math.isinf(seconds) else self.now() + timedelta(seconds=seconds)
        token = f"{self.token_prefix}{self.serial('token')}"
        held = {**grant.details, **details, "kind": kind, "ends": ends}
        self.grants[token] = attrs.evolve(grant, issued_at=self.now(), details=held)
        return token

    def issue(self, grant: Grant) -> Issued:
        """A long-lived token; Meta has no refresh tokens."""
        token = self.mint(grant, "long", self.access_seconds)
        lives = None if math.isinf(self.access_seconds) else int(self.access_seconds)
        return Issued(token, "", self.grants[token], lives)

    def grant_of(self, token: str) -> Grant | None:
        """What a living token stands for."""
        grant = self.grants.get(token)
        ends = grant.details.get("ends") if grant is not None else None
        return grant if ends is None or self.now() < ends else None

    def given(self, request: Request) -> Json:
        """The parameters of a request, wherever they stand."""
        return {**dict(request.query_params), **dict(body(request).fields)}

    def token_of(self, request: Request) -> str:
        """The token of the request: the bearer's, or the parameter ``access_token``."""
        return self.bearer(request) or str(self.given(request).get("access_token") or "")

    def grant(self, request: Request, *scopes: str) -> Grant:
        """What the request's token stands for; 190 when it is dead, 200 when it may not do this."""
        token = self.token_of(request)
        if not token:
            raise Answer(self.graph_error(2500, "An active access token must be used"))
        grant = self.living(token)
        self.check_proof(request, token, grant)
        if missing := set(scopes) - grant.scopes:
            raise Answer(self.scope_missing(missing))
        return grant

    def living(self, token: str) -> Grant:
        """What a token stands for; 190 when it is dead."""
        grant = self.grant_of(token)
        if grant is None:
            why = {"expired": _EXPIRED, "revoked": _INVALIDATED}.get(self.why_ended(token))
            raise Answer(self.token_dead(why))
        return grant

    def check_proof(self, request: Request, token: str, grant: Grant) -> None:
        """``appsecret_proof``: never wrong, and there when the app demands it."""
        proof = self.given(request).get("appsecret_proof")
        app = self.apps.get(grant.client_id)
        if app is None or (proof is None and not app.details.get("require_proof")):
            return
        right = hmac.new((app.client_secret or "").encode(), token.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(str(proof or ""), right):
            raise Answer(self.graph_error(100, "Invalid appsecret_proof provided in the API argument"))

    # inspection ------------------------------------------------------------------------------------

    def debug_token(self, request: Request) -> Response:
        """``GET /debug_token``: what a token is, for its own app or its own person."""
        from starlette.responses import JSONResponse

        given = self.given(request)
        asking = self.token_of(request)
        token = str(given.get("input_token") or "")
        if self._app_of(asking) is None:
            self.living(asking)
        grant = self.grants.get(token) or self.ended.get(token, (None, ""))[0]
        if grant is None:
            return JSONResponse({"data": self._unknown_token()})
        return JSONResponse({"data": self.inspected(token, grant)})

    def _app_of(self, token: str) -> RegisteredApp | None:
        """The app whose ``{id}|{secret}`` this is."""
        client_id, _, secret = token.removeprefix(self.app_token_prefix).partition("|")
        app = self.apps.get(client_id)
        return app if app is not None and secret and secret == app.client_secret else None

    def _unknown_token(self) -> Json:
        error = {"code": 190, "message": "Cannot parse access token", "subcode": 0}
        return {"error": error, "is_valid": False, "scopes": []}

    def inspected(self, token: str, grant: Grant) -> Json:
        """The ``data`` of an inspection."""
        ends: datetime | None = grant.details.get("ends")
        alive = self.grant_of(token) is not None
        issued = grant.issued_at or self.now()
        data: Json = {
            "type": "PAGE" if grant.details.get("kind") == "page" else "USER",
            "application": self.apps[grant.client_id].name if grant.client_id in self.apps else "",
            "data_access_expires_at": int((issued + timedelta(days=90)).timestamp()),
            "expires_at": int(ends.timestamp()) if ends is not None else 0,
            "is_valid": alive,
            "issued_at": int(issued.timestamp()),
            "scopes": sorted(grant.scopes),
            "user_id": self.user_id(grant),
        }
        if not alive:
            subcode = _EXPIRED if self.why_ended(token) == "expired" else _INVALIDATED
            data["error"] = {"code": 190, "message": "The session is over", "subcode": subcode}
        return data

    def user_id(self, grant: Grant) -> str:
        """The id of the person behind a token."""
        return str(self.people[grant.username].id)


class LongLivedSignIn(MetaSignIn):
    """Instagram's and Threads' way: a code, a token of an hour, a token of 60 days that renews itself.

    ``rotation`` "strict" ends the old token when it is renewed; the platforms do not say that they do.
    """

    grants_prefix: ClassVar[str]
    basic_scope: ClassVar[str]
    https_only: ClassVar[bool] = False
    min_age: float = float(_DAY)
    """Seconds a token must be old to be renewed."""

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """The shape of these two platforms' consent pages and token addresses."""
        from starlette.responses import JSONResponse

        told = {"error_type": "OAuthException", "code": 400, "error_message": words}
        return Answer(JSONResponse(told, 400))

    def app_asked(self, asked: Json) -> RegisteredApp:
        """The app, when its callback is one of its own, to the byte."""
        app = super().app_asked(asked)
        if self.https_only and urlsplit(str(asked.get("redirect_uri"))).scheme != "https":
            raise self.oauth_error("invalid_request", "redirect_uri must be https")
        return app

    def check_asked(self, asked: Json) -> None:
        """Every consent has the basic permission in it."""
        super().check_asked(asked)
        if self.basic_scope not in self.asked_scopes(asked):
            raise self.oauth_error("invalid_scope", f"{self.basic_scope} is required")

    def sent_back(self, asked: Json, query: Json) -> str:
        """These platforms put ``#_`` behind a code."""
        return super().sent_back(asked, query) + ("#_" if "code" in query else "")

    def token_routes(self) -> list[BaseRoute]:
        """The three token addresses, none with a version in it."""
        return [
            self.route("POST", "/oauth/access_token", self.give_short_token),
            self.route("GET", "/access_token", self.lengthen),
            self.route("GET", "/refresh_access_token", self.renew),
        ]

    def give_short_token(self, request: Request) -> Response:
        """``POST /oauth/access_token``: a code becomes a token of an hour."""
        from starlette.responses import JSONResponse

        given = self.given(request)
        app = self.client_of(request, given)
        if given.get("grant_type") != "authorization_code":
            raise self.oauth_error("unsupported_grant_type", "grant_type must be authorization_code")
        grant = self.redeem(given, app)
        return JSONResponse(self.short_answer(self.mint(grant, "short", self.short_seconds), grant))

    def short_answer(self, token: str, grant: Grant) -> Json:
        """The answer with the first token."""
        return {"access_token": token, "user_id": int(self.user_id(grant))}

    def lengthen(self, request: Request) -> Response:
        """``GET /access_token``: a short-lived token becomes one of 60 days; the app proves itself by its secret."""
        given = self.given(request)
        if given.get("grant_type") != f"{self.grants_prefix}_exchange_token":
            raise Answer(self.graph_error(100, "(#100) unsupported grant_type"))
        token = self.token_of(request)
        grant = self.living(token)
        app = self.apps.get(grant.client_id)
        if app is not None and given.get("client_secret") != app.client_secret:
            raise Answer(self.graph_error(100, "(#100) Error validating client secret"))
        if grant.details.get("kind") != "short":
            raise Answer(self.graph_error(100, "(#100) only a short-lived token can be exchanged"))
        return self._lengthened(grant, renewed=False)

    def renew(self, request: Request) -> Response:
        """``GET /refresh_access_token``: a living token of a day or more becomes one of 60 days again."""
        self.refresh_count += 1
        if self.given(request).get("grant_type") != f"{self.grants_prefix}_refresh_token":
            raise Answer(self.graph_error(100, "(#100) unsupported grant_type"))
        token = self.token_of(request)
        grant = self.living(token)
        if grant.details.get("kind") != "long":
            raise Answer(self.graph_error(100, "(#100) only a long-lived token can be refreshed"))
        if grant.issued_at and (self.now() - grant.issued_at).total_seconds() < self.min_age:
            raise Answer(self.graph_error(100, "(#100) the token is less than 24 hours old"))
        if self.basic_scope not in grant.scopes:
            raise Answer(self.scope_missing({self.basic_scope}))
        if self.rotation == "strict":
            self.end(token)
        return self._lengthened(grant, renewed=True)

    def _lengthened(self, grant: Grant, *, renewed: bool) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(self.long_answer(self.issue(grant), renewed=renewed))

    def long_answer(self, issued: Issued, *, renewed: bool) -> Json:
        """The answer with a token of 60 days."""
        answer: Json = {"access_token": issued.access_token, "token_type": "bearer"}
        if issued.expires_in is not None:
            answer["expires_in"] = issued.expires_in
        return answer

    def fields_of(self, request: Request, known: Json) -> Json:
        """The fields asked for; 100 for one that is not there to be asked."""
        wanted = [name for name in request.query_params.get("fields", "id").split(",") if name]
        if unknown := [name for name in wanted if name not in known]:
            words = f"(#100) Tried accessing nonexisting field ({unknown[0]})"
            raise Answer(self.graph_error(100, words))
        return {name: known[name] for name in [*wanted, *({"id"} - set(wanted))]}
