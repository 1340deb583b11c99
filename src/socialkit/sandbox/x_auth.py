"""Who asks X: users, OAuth 2.0 tokens, app-only tokens, OAuth 1.0a signatures, and X's error bodies."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from .core import Answer, body
from .oauth1 import OAuth1, header_of
from .sign_in import Grant, Issued, RegisteredApp, basic

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Grants", "XUser"]

Json = dict[str, Any]
Table = list[tuple[str, str, Callable[["Request"], "Response"]]]
PROBLEMS = "https://api.x.com/2/problems"
SCOPES = (
    "tweet.read tweet.write tweet.moderate.write users.read media.write like.read like.write "
    "bookmark.read bookmark.write offline.access"
)
_ALL_SCOPES = (
    f"{SCOPES} users.email follows.read follows.write space.read mute.read mute.write list.read list.write block.read "
    "block.write dm.read dm.write timeline.read broadcast.read broadcast.write"
)
_TITLES = {
    400: "Invalid Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_NOT_PERMITTED = "You are not permitted to perform this action."


@attrs.define(eq=False)
class XUser:
    """An account. ``subscription`` is None (the word), Basic, Premium or PremiumPlus; all but None post long."""

    id: str
    username: str
    name: str
    created_at: datetime
    subscription: str = "None"
    verified_type: str = "none"
    suspended: bool = False
    locked: bool = False

    @property
    def premium(self) -> bool:
        """Whether long posts, long videos and edits are open to it."""
        return self.subscription != "None"


class Grants(OAuth1):
    """The part of the box that knows who asks, and says no in X's words.

    ``confidential = True`` makes the app one that must prove itself; a public one may.
    """

    access_seconds: float = 7200.0
    refresh_seconds: float = 15_768_000.0
    code_seconds: float = 30.0
    rotation: Literal["none", "grace", "strict"] = "strict"
    confidential: bool = False
    known_scopes: ClassVar[frozenset[str]] = frozenset(_ALL_SCOPES.split())
    pkce: ClassVar[Literal["", "S256", "hex"]] = "S256"
    pkce_required: ClassVar[bool] = True
    unticks: ClassVar[bool] = False
    people: dict[str, XUser]

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.client_id = self.digest("client")[:34]
        self.client_secret = self.digest("client secret")[:50]
        self.api_key = self.digest("api key")[:25]
        self.api_secret = self.digest("api secret")[:50]
        self.add_app(self.client_id, self.client_secret)
        self.consumers[self.api_key] = RegisteredApp(self.api_key, self.api_secret)

    def auth_table(self) -> Table:
        """Method, path and handler of everything in this file."""
        return [
            ("GET", "/i/oauth2/authorize", self.show_consent),
            ("POST", "/i/oauth2/authorize", self.press),
            ("POST", "/2/oauth2/token", self.give_token),
            ("POST", "/2/oauth2/revoke", self.revoke_token),
            ("POST", "/oauth2/token", self.give_app_token),
            ("POST", "/oauth2/invalidate_token", self.invalidate_app_token),
            ("POST", "/oauth/request_token", self.give_request_token),
            ("GET", "/oauth/authorize", self.show_consent),
            ("POST", "/oauth/authorize", self.press),
            ("GET", "/oauth/authenticate", self.show_consent),
            ("POST", "/oauth/authenticate", self.press),
            ("POST", "/oauth/access_token", self.give_access_token),
            ("POST", "/1.1/oauth/invalidate_token", self.invalidate_token),
        ]

    # error bodies --------------------------------------------------------------------------------

    def problem(
        self, status: int, detail: str = "", suffix: str = "", title: str = "", **extra: Any
    ) -> Response:
        """An error as ``application/problem+json``; without a suffix its type is ``about:blank``."""
        from starlette.responses import JSONResponse

        title = title or _TITLES.get(status, "Error")
        kind = f"{PROBLEMS}/{suffix}" if suffix else "about:blank"
        value = {"title": title, "detail": detail or title, "type": kind, "status": status, **extra}
        return JSONResponse(value, status, media_type="application/problem+json")

    def invalid(self, *problems: tuple[Json, str]) -> Answer:
        """400 with every bad parameter, to raise: ``({"ids": ["x"]}, "what is wrong with it")``."""
        errors = [{"parameters": parameters, "message": message} for parameters, message in problems]
        detail = "One or more parameters to your request was invalid."
        return Answer(self.problem(400, detail, "invalid-request", errors=errors))

    def coded(self, status: int, code: int, message: str) -> Answer:
        """An error in the older shape with a numeric code, to raise."""
        from starlette.responses import JSONResponse

        return Answer(JSONResponse({"errors": [{"code": code, "message": message}]}, status))

    def forbidden(self, detail: str = _NOT_PERMITTED) -> Answer:
        """403 with a sentence, to raise."""
        return Answer(self.problem(403, detail))

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        if status == 400:
            return self.invalid(({}, message)).response
        suffix = code or ("internal-error" if status == 500 else "")
        return self.problem(status, message, suffix)

    def token_expired(self) -> Response:
        return self.problem(401)

    # users and credentials -----------------------------------------------------------------------

    def add_person(self, username: str) -> XUser:
        """One more account of that handle."""
        serial = str(1_500_000_000_000_000_001 + len(self.people))
        person = XUser(serial, username, username.capitalize(), self.box.clock.now() - timedelta(days=400))
        self.people[username] = person
        return person

    def person_of(self, user_id: str) -> XUser | None:
        """The account with that id."""
        return next((person for person in self.people.values() if person.id == user_id), None)

    def named(self, username: str) -> XUser | None:
        """The account with that handle, whatever its case."""
        wanted = username.lower()
        return next((one for one in self.people.values() if one.username.lower() == wanted), None)

    def token(self, username: str, scopes: str = SCOPES) -> str:
        """An OAuth 2.0 access token of the account: the living one with these scopes, else a new one."""
        granted = frozenset(scopes.split())
        for token, grant in self.grants.items():
            if grant.username == username and grant.scopes == granted and self.grant_of(token):
                return token
        return self._new_token(username, granted)

    def refresh_token(self, username: str, scopes: str = SCOPES) -> str:
        """The account's refresh token that was not spent yet, else a new one."""
        granted = frozenset(scopes.split())
        for token, grant in self.refreshes.items():
            if grant.username == username and grant.scopes == granted:
                return token
        return self._new_refresh(username, granted)

    def app_token(self) -> str:
        """The app-only bearer token; the same until it is invalidated."""
        for token, grant in self.grants.items():
            if grant.kind == "app":
                return token
        token = "AAAAAAAAAAAAAAAAAAAAA" + self.serial("app token")[:60]
        self.grants[token] = Grant("", frozenset(), kind="app")
        return token

    def oauth1(self, username: str, *, writes: bool = True) -> tuple[str, str, str, str]:
        """API key, API secret, access token and token secret of the account, for OAuth 1.0a."""
        token = f"{self.people[username].id}-{self.digest('oauth1', username, writes)[:40]}"
        secret = self.digest("oauth1 secret", username, writes)[:45]
        rights = {"rights": "write" if writes else "read"}
        grant = Grant(username, frozenset(), self.api_key, token, self.now(), rights, "oauth1", secret)
        self.grants.setdefault(token, grant)
        return self.api_key, self.api_secret, token, secret

    def _new_token(self, username: str, scopes: frozenset[str]) -> str:
        grant = Grant(username, scopes, self.client_id, issued_at=self.now())
        token = self.new_access(grant)
        self.grants[token] = grant
        return token

    def _new_refresh(self, username: str, scopes: frozenset[str]) -> str:
        grant = Grant(username, scopes, self.client_id, issued_at=self.now())
        token = self.new_refresh(grant)
        self.refreshes[token] = grant
        return token

    def new_access(self, grant: Grant) -> str:
        return base64.urlsafe_b64encode(self.serial("token")[:66].encode()).decode()

    def new_refresh(self, grant: Grant) -> str:
        return base64.urlsafe_b64encode(self.serial("refresh")[:66].encode()).decode()

    def new_token(self, username: str, app: RegisteredApp, asked: Json) -> str:
        made = super().new_token(username, app, asked)
        token = f"{self.people[username].id}-{made[:40]}"
        self.grants[token] = self.grants.pop(made)
        return token

    def identity_fields(self, username: str) -> Json:
        person = self.people[username]
        return {"user_id": person.id, "screen_name": person.username}

    def grant_of(self, token: str) -> Grant | None:
        grant = self.grants.get(token)
        return grant if grant is not None and grant.kind != "oauth2" else super().grant_of(token)

    # who asks ------------------------------------------------------------------------------------

    def peek(self, request: Request) -> Grant | None:
        """What the request's credential claims to be, unproved: whose limits it spends."""
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        return self.grants.get(header_of(request).get("oauth_token", token))

    def grant(self, request: Request, *scopes: str) -> Grant:
        """What the request's credential stands for; 401 when it is none."""
        found = self.asking(request)
        if found is None:
            raise Answer(self.token_expired())
        if found.kind == "oauth2" and not found.scopes.issuperset(scopes):
            raise self.forbidden()
        return found

    def user(self, request: Request, *scopes: str) -> XUser:
        """The account that asks; refuses app-only tokens, missing scopes and read-only apps like X."""
        return self._person(self.grant(request), scopes)

    def viewer(self, request: Request) -> XUser | None:
        """The account that reads; None for an app-only token."""
        grant = self.grant(request)
        return None if not grant.username else self._person(grant, ("tweet.read", "users.read"))

    def covers(self, request: Request, scope: str) -> bool:
        """Whether the request's credential has the scope; OAuth 1.0a has all."""
        grant = self.peek(request)
        return grant is not None and (grant.kind == "oauth1" or scope in grant.scopes)

    def _person(self, grant: Grant, scopes: tuple[str, ...]) -> XUser:
        if not grant.username:
            detail = (
                "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint. "
                "Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
            )
            title = "Unsupported Authentication"
            raise Answer(self.problem(403, detail, "unsupported-authentication", title))
        if grant.kind == "oauth2" and not grant.scopes.issuperset(scopes):
            raise self.forbidden()
        if grant.details.get("rights") == "read" and any(scope.endswith(".write") for scope in scopes):
            detail = (
                "Your client app is not configured with the appropriate oauth1 app permissions for this "
                "endpoint."
            )
            raise Answer(self.problem(403, detail, "oauth1-permissions"))
        person = self.people[grant.username]
        if person.suspended:
            raise self.coded(403, 64, "Your account is suspended and is not permitted to access this feature")
        if person.locked:
            words = "To protect our users from spam and other malicious activity, this account is temporarily locked."
            raise self.coded(403, 326, words)
        return person

    # OAuth 2.0 -----------------------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        if flow_name == "keys":
            return {}
        oauth1 = flow_name == "oauth1"
        app = self.consumers[self.api_key] if oauth1 else self.apps[self.client_id]
        known = self.called_back(app, "" if redirect_uri == "oob" else redirect_uri)
        public = not oauth1 and not self.confidential
        return {"client_id": known["client_id"]} if public else known

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        if flow_name != "keys":
            return {}
        names = ("api_key", "api_secret", "access_token", "token_secret")
        return dict(zip(names, self.oauth1(username), strict=True))

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        from starlette.responses import JSONResponse

        if code == "invalid_grant":
            code, words = "invalid_request", "Value passed for the token was invalid."
        return Answer(JSONResponse({"error": code, "error_description": words}, status))

    def badly_signed(self) -> Answer:
        return self.coded(401, 32, "Could not authenticate you.")

    def callback_refused(self) -> Answer:
        return self.coded(403, 415, "Callback URL not approved for this client application.")

    def check_asked(self, asked: Json) -> None:
        super().check_asked(asked)
        if len(str(asked.get("state", ""))) > 500:
            raise self.invalid(({"state": [asked["state"]]}, "state is longer than 500 characters"))

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        """Basic for a confidential app, ``client_id`` in the body for a public one."""
        proof = basic(request)
        app = self.apps.get(proof[0] if proof else str(given.get("client_id")))
        proved = proof is not None and app is not None and proof[1] == app.client_secret
        if app is None or not (proved or (proof is None and not self.confidential)):
            raise self.oauth_error("unauthorized_client", "Missing valid authorization header", 401)
        return app

    def gives_refresh(self, grant: Grant) -> bool:
        return "offline.access" in grant.scopes

    def token_answer(self, issued: Issued) -> Json:
        lives = 7200 if math.isinf(self.access_seconds) else int(self.access_seconds)
        return {**super().token_answer(issued), "expires_in": lives}

    def give_token(self, request: Request) -> Response:
        """``POST /2/oauth2/token``: a code or a refresh token for a new pair; both work once."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def revoke_token(self, request: Request) -> Response:
        """``POST /2/oauth2/revoke``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        self.client_of(request, given)
        self.end(str(given.get("token")))
        return JSONResponse({"revoked": True})

    def give_app_token(self, request: Request) -> Response:
        """``POST /oauth2/token`` with ``grant_type=client_credentials``: the app-only bearer token."""
        from starlette.responses import JSONResponse

        given = dict(body(request).fields)
        if basic(request) != (self.api_key, self.api_secret):
            raise self.coded(403, 99, "Unable to verify your credentials")
        if given.get("grant_type") != "client_credentials":
            raise self.coded(400, 170, "Missing required parameter: grant_type")
        return JSONResponse({"token_type": "bearer", "access_token": self.app_token()})

    def invalidate_app_token(self, request: Request) -> Response:
        """``POST /oauth2/invalidate_token``."""
        from starlette.responses import JSONResponse

        if basic(request) != (self.api_key, self.api_secret):
            raise self.coded(403, 99, "Unable to verify your credentials")
        token = str(dict(body(request).fields).get("access_token"))
        self.end(token)
        return JSONResponse({"access_token": token})

    def invalidate_token(self, request: Request) -> Response:
        """``POST /1.1/oauth/invalidate_token``: ends the OAuth 1.0a token that signs it."""
        from starlette.responses import JSONResponse

        if self.signer(request) is None:
            raise self.coded(401, 89, "Invalid or expired token.")
        token = header_of(request)["oauth_token"]
        self.end(token)
        return JSONResponse({"access_token": token})
