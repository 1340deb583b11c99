"""Who asks X: users, OAuth 2.0 tokens, app-only tokens, OAuth 1.0a signatures, and X's error bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import attrs

from .core import Answer, PlatformBox, body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Grant", "Grants", "XUser", "signature"]

Json = dict[str, Any]
Table = list[tuple[str, str, Callable[["Request"], "Response"]]]
PROBLEMS = "https://api.x.com/2/problems"
SCOPES = (
    "tweet.read tweet.write tweet.moderate.write users.read media.write like.read like.write "
    "bookmark.read bookmark.write offline.access"
)
_CODE_SECONDS = 30
_SKEW_SECONDS = 300
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

    @property
    def premium(self) -> bool:
        """Whether long posts, long videos and edits are open to it."""
        return self.subscription != "None"


@attrs.frozen
class Grant:
    """What a credential stands for: ``kind`` is oauth2, oauth1 or app; ``username`` None for app."""

    kind: str
    username: str | None = None
    scopes: frozenset[str] = frozenset()
    issued_at: datetime | None = None
    secret: str = attrs.field(default="", repr=False)
    writes: bool = True


def signature(
    method: str, url: str, parameters: Iterable[tuple[str, str]], consumer_secret: str, token_secret: str
) -> str:
    """The OAuth 1.0a HMAC-SHA1 signature (RFC 5849, section 3.4) of a request, in base 64.

    ``url`` has no query; ``parameters`` are those of the query, of a form body and the ``oauth_`` ones
    without ``oauth_signature``, decoded.

    >>> signature("GET", "https://api.x.com/2/users/me", [("oauth_nonce", "n")], "consumer", "token")
    'TOe8OocP6vNWpJ8pAa+ueCq3aoU='
    """
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parameters)
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _escaped(url), _escaped(joined)))
    key = f"{_escaped(consumer_secret)}&{_escaped(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()


def _escaped(text: str) -> str:
    return quote(text, safe="-._~")


class Grants(PlatformBox):
    """The part of the box that knows who asks, and says no in X's words."""

    token_seconds: float = 7200.0
    confidential = False

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people: dict[str, XUser] = {}
        self.client_id = self.digest("client")[:34]
        self.client_secret = self.digest("client secret")[:50]
        self.api_key = self.digest("api key")[:25]
        self.api_secret = self.digest("api secret")[:50]
        self.grants: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.codes: dict[str, Json] = {}
        self._nonces: dict[tuple[str, str], float] = {}
        self._issued = 0

    def auth_table(self) -> Table:
        """Method, path and handler of everything in this file."""
        return [
            ("GET", "/i/oauth2/authorize", self.authorize),
            ("POST", "/2/oauth2/token", self.give_token),
            ("POST", "/2/oauth2/revoke", self.revoke_token),
            ("POST", "/oauth2/token", self.give_app_token),
            ("POST", "/oauth2/invalidate_token", self.invalidate_app_token),
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
            if grant.username == username and grant.scopes == granted and self._alive(grant):
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
        token = "AAAAAAAAAAAAAAAAAAAAA" + self._serial("app token")[:60]
        self.grants[token] = Grant("app")
        return token

    def oauth1(self, username: str, *, writes: bool = True) -> tuple[str, str, str, str]:
        """API key, API secret, access token and token secret of the account, for OAuth 1.0a."""
        token = f"{self.people[username].id}-{self.digest('oauth1', username, writes)[:40]}"
        secret = self.digest("oauth1 secret", username, writes)[:45]
        self.grants.setdefault(token, Grant("oauth1", username, secret=secret, writes=writes))
        return self.api_key, self.api_secret, token, secret

    def revoke(self, token: str) -> None:
        """Make a token of any kind invalid, as a person does in the settings."""
        self.grants.pop(token, None)
        self.refreshes.pop(token, None)

    def _serial(self, what: str) -> str:
        self._issued += 1
        return self.digest(what, self._issued)

    def _new_token(self, username: str, scopes: frozenset[str]) -> str:
        token = base64.urlsafe_b64encode(self._serial("token")[:66].encode()).decode()
        self.grants[token] = Grant("oauth2", username, scopes, self.now())
        return token

    def _new_refresh(self, username: str, scopes: frozenset[str]) -> str:
        token = base64.urlsafe_b64encode(self._serial("refresh")[:66].encode()).decode()
        self.refreshes[token] = Grant("oauth2", username, scopes, self.now())
        return token

    def _alive(self, grant: Grant) -> bool:
        if grant.kind != "oauth2" or grant.issued_at is None:
            return grant.kind != "oauth2"
        return (self.now() - grant.issued_at).total_seconds() < self.token_seconds

    # who asks ------------------------------------------------------------------------------------

    def peek(self, request: Request) -> Grant | None:
        """What the request's credential claims to be, unproved: whose limits it spends."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        token = _oauth_header(rest).get("oauth_token", "") if scheme == "OAuth" else rest.strip()
        return self.grants.get(token)

    def grant(self, request: Request) -> Grant:
        """What the request's credential stands for; 401 when it is none."""
        found = self.peek(request)
        signed = request.headers.get("authorization", "").startswith("OAuth ")
        if found is None or not self._alive(found) or signed != (found.kind == "oauth1"):
            raise Answer(self.token_expired())
        if signed and not self._signature_holds(request, found):
            raise Answer(self.token_expired())
        return found

    def user(self, request: Request, *scopes: str) -> XUser:
        """The account that asks; refuses app-only tokens, missing scopes and read-only apps like X."""
        return self._person(self.grant(request), scopes)

    def viewer(self, request: Request) -> XUser | None:
        """The account that reads; None for an app-only token."""
        grant = self.grant(request)
        return None if grant.username is None else self._person(grant, ("tweet.read", "users.read"))

    def covers(self, request: Request, scope: str) -> bool:
        """Whether the request's credential has the scope; OAuth 1.0a has all."""
        grant = self.peek(request)
        return grant is not None and (grant.kind == "oauth1" or scope in grant.scopes)

    def _person(self, grant: Grant, scopes: tuple[str, ...]) -> XUser:
        if grant.username is None:
            detail = (
                "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint. "
                "Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context]."
            )
            title = "Unsupported Authentication"
            raise Answer(self.problem(403, detail, "unsupported-authentication", title))
        if grant.kind == "oauth2" and not grant.scopes.issuperset(scopes):
            raise self.forbidden()
        if not grant.writes and any(scope.endswith(".write") for scope in scopes):
            detail = (
                "Your client app is not configured with the appropriate oauth1 app permissions for this "
                "endpoint."
            )
            raise Answer(self.problem(403, detail, "oauth1-permissions"))
        person = self.people[grant.username]
        if person.suspended:
            raise self.coded(403, 64, "Your account is suspended and is not permitted to access this feature")
        return person

    def _signature_holds(self, request: Request, grant: Grant) -> bool:
        given = _oauth_header(request.headers["authorization"].partition(" ")[2])
        claimed = given.pop("oauth_signature", "")
        given.pop("realm", None)
        if given.get("oauth_consumer_key") != self.api_key:
            return False
        if given.get("oauth_signature_method") != "HMAC-SHA1" or not self._fresh(given):
            return False
        parameters = [*given.items(), *parse_qsl(request.url.query, keep_blank_values=True)]
        parameters += body(request).fields if _is_form(request) else []
        path = self.turn.path if self.turn is not None else request.url.path
        bases = (self.base, *(f"https://{host}" for host in self.hosts))
        return any(
            hmac.compare_digest(
                claimed,
                signature(request.method, base + path, parameters, self.api_secret, grant.secret),
            )
            for base in bases
        )

    def _fresh(self, given: dict[str, str]) -> bool:
        """Whether the timestamp is near the platform's clock and the nonce was not used before."""
        now = self.now().timestamp()
        try:
            stamp = float(given.get("oauth_timestamp", ""))
        except ValueError:
            return False
        key = (given.get("oauth_token", ""), given.get("oauth_nonce", ""))
        if abs(now - stamp) > _SKEW_SECONDS or key in self._nonces:
            return False
        self._nonces = {old: at for old, at in self._nonces.items() if now - at <= 2 * _SKEW_SECONDS}
        self._nonces[key] = now
        return True

    # OAuth 2.0 -----------------------------------------------------------------------------------

    def consent(self, url: str, username: str = "brand") -> str:
        """The callback URL with a code, as after ``username`` pressed "Authorize app" on the page at ``url``."""
        asked = dict(parse_qsl(urlsplit(url).query))
        if asked.get("client_id") != self.client_id or asked.get("response_type") != "code":
            raise ValueError("the authorize URL is of another app, or does not ask for a code")
        code = self._serial("code")[:60]
        self.codes[code] = {**asked, "username": username, "at": self.now()}
        query = urlencode({"state": asked.get("state", ""), "code": code})
        return f"{asked['redirect_uri']}{'&' if '?' in asked['redirect_uri'] else '?'}{query}"

    def authorize(self, request: Request) -> Response:
        """``GET /i/oauth2/authorize``: the brand agrees at once."""
        from starlette.responses import RedirectResponse

        try:
            return RedirectResponse(self.consent(str(request.url)), 302)
        except (KeyError, ValueError) as error:
            raise self.invalid(({}, str(error))) from None

    def _oauth_error(self, status: int, code: str, words: str) -> Answer:
        from starlette.responses import JSONResponse

        return Answer(JSONResponse({"error": code, "error_description": words}, status))

    def _client(self, request: Request, given: Json) -> None:
        """Check who refreshes: Basic for a confidential client, ``client_id`` in the body for a public one."""
        identity = _basic(request)
        if identity is None and not self.confidential and given.get("client_id") == self.client_id:
            return
        if identity != (self.client_id, self.client_secret):
            raise self._oauth_error(401, "unauthorized_client", "Missing valid authorization header")

    def give_token(self, request: Request) -> Response:
        """``POST /2/oauth2/token``: a code or a refresh token for a new pair; both work once."""
        from starlette.responses import JSONResponse

        given = dict(body(request).fields)
        self._client(request, given)
        kind = given.get("grant_type")
        if kind == "refresh_token":
            grant = self.refreshes.pop(str(given.get("refresh_token")), None)
        elif kind == "authorization_code":
            grant = self._spend_code(given)
        else:
            raise self._oauth_error(
                400, "unsupported_grant_type", "Value passed for the grant type was invalid."
            )
        if grant is None or grant.username is None:
            raise self._oauth_error(400, "invalid_request", "Value passed for the token was invalid.")
        answer: Json = {
            "token_type": "bearer",
            "expires_in": 7200 if math.isinf(self.token_seconds) else int(self.token_seconds),
            "access_token": self._new_token(grant.username, grant.scopes),
            "scope": " ".join(sorted(grant.scopes)),
        }
        if "offline.access" in grant.scopes:
            answer["refresh_token"] = self._new_refresh(grant.username, grant.scopes)
        return JSONResponse(answer)

    def _spend_code(self, given: Json) -> Grant | None:
        asked = self.codes.pop(str(given.get("code")), None)
        if asked is None or self.now() - asked["at"] > timedelta(seconds=_CODE_SECONDS):
            return None
        verifier = str(given.get("code_verifier", ""))
        if asked.get("code_challenge_method", "plain") == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if verifier != asked.get("code_challenge") or given.get("redirect_uri") != asked["redirect_uri"]:
            return None
        return Grant("oauth2", asked["username"], frozenset(str(asked.get("scope", "")).split()))

    def revoke_token(self, request: Request) -> Response:
        """``POST /2/oauth2/revoke``."""
        from starlette.responses import JSONResponse

        given = dict(body(request).fields)
        self._client(request, given)
        self.revoke(str(given.get("token")))
        return JSONResponse({"revoked": True})

    def give_app_token(self, request: Request) -> Response:
        """``POST /oauth2/token`` with ``grant_type=client_credentials``: the app-only bearer token."""
        from starlette.responses import JSONResponse

        given = dict(body(request).fields)
        if _basic(request) != (self.api_key, self.api_secret):
            raise self.coded(403, 99, "Unable to verify your credentials")
        if given.get("grant_type") != "client_credentials":
            raise self.coded(400, 170, "Missing required parameter: grant_type")
        return JSONResponse({"token_type": "bearer", "access_token": self.app_token()})

    def invalidate_app_token(self, request: Request) -> Response:
        """``POST /oauth2/invalidate_token``."""
        from starlette.responses import JSONResponse

        if _basic(request) != (self.api_key, self.api_secret):
            raise self.coded(403, 99, "Unable to verify your credentials")
        token = str(dict(body(request).fields).get("access_token"))
        self.revoke(token)
        return JSONResponse({"access_token": token})


def _oauth_header(text: str) -> dict[str, str]:
    """The parameters of an ``Authorization: OAuth`` header, decoded."""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {unquote(name): unquote(value.strip('"')) for name, _, value in pairs if name}


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _basic(request: Request) -> tuple[str, str] | None:
    """User and password of an ``Authorization: Basic`` header, URL-decoded; None without one."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return None
    return unquote(user), unquote(password)
