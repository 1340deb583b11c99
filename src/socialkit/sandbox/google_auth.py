"""Google's accounts as its platforms share them: one consent page, one token address, the same people and apps.

Facts: Google's OAuth 2.0 pages for web servers, installed apps and limited-input devices, read in November 2026.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .core import Answer, body
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["GOOGLE_HOSTS", "SCOPE", "GoogleSignIn", "Googler"]

Json = dict[str, Any]
GOOGLE_HOSTS = ("accounts.google.com", "oauth2.googleapis.com", "www.google.com")
SCOPE = "https://www.googleapis.com/auth/"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_DEVICE_SCOPES = frozenset(
    {"email", "openid", "profile"}
    | {f"{SCOPE}{name}" for name in ("drive.appdata", "drive.file", "youtube", "youtube.readonly")}
)
_KNOWN = (
    "business.manage",
    "youtube",
    "youtube.channel-memberships.creator",
    "youtube.force-ssl",
    "youtube.readonly",
    "youtube.upload",
    "youtubepartner",
    "yt-analytics-monetary.readonly",
    "yt-analytics.readonly",
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_TESTING_SECONDS = 7 * 86_400.0
_UNUSED = timedelta(days=180)
_LIVE_TOKENS = 100


@attrs.frozen
class Googler:
    """A person with a Google account: the channel they pick (None: they have none), the businesses they manage."""

    name: str
    channel: str | None
    title: str = ""
    handle: str = ""
    businesses: tuple[tuple[str, str], ...] = ()
    """(name, accountName) of each account, the person's own first."""


def _people() -> dict[str, Googler]:
    personal, group = "accounts/104862957102846395721", "accounts/118204957361029485736"
    other = "accounts/109375620184756392014"
    return {
        "brand": Googler(
            "Brand",
            "UCb4andB4andB4andB4andB4",
            "Brand",
            "@brand",
            ((personal, "Brand"), (group, "Brand shops")),
        ),
        "other": Googler("Other", "UCo7herO7herO7herO7herO7", "Other", "@other", ((other, "Other"),)),
        "newcomer": Googler("Newcomer", None),
    }


@attrs.define(eq=False)
class Asking:
    """A device that waits for its person: ``decided`` is None, "approved" or "denied"."""

    client_id: str
    scopes: frozenset[str]
    device_code: str
    user_code: str
    at: datetime
    polled_at: datetime | None = None
    interval: float = 5.0
    decided: str | None = None
    username: str = ""
    granted: frozenset[str] = frozenset()


def _common(name: str) -> Any:
    """An attribute that all of Google's boxes in one sandbox have together."""

    def read(box: GoogleSignIn) -> Any:
        return box._common[name]

    def write(box: GoogleSignIn, value: Any) -> None:
        box._common[name] = value

    return property(read, write)


class GoogleSignIn(SignIn):
    """What YouTube's and Google Business's boxes have in common, settings and all.

    ``testing`` True: the consent screen is in "Testing", so that sign-ins last 7 days. ``refresh_seconds`` set by hand
    is a consent limited in time.
    """

    client_id: ClassVar[str] = "407408718192-sandbox.apps.googleusercontent.com"
    client_secret: ClassVar[str] = "sandbox-google-secret"
    device_client_id: ClassVar[str] = "407408718192-device.apps.googleusercontent.com"
    web_client_id: ClassVar[str] = "407408718192-web.apps.googleusercontent.com"
    known_scopes = frozenset({"email", "openid", "profile", *(f"{SCOPE}{name}" for name in _KNOWN)})
    pkce = "S256"
    client_auth = frozenset({"body", "basic"})  # Google's own client libraries send Basic
    confidential = True
    rotation = "none"
    device_seconds: float = 1800.0

    people = _common("people")
    apps = _common("apps")
    codes = _common("codes")
    grants = _common("grants")
    refreshes = _common("refreshes")
    spent_refreshes = _common("spent_refreshes")
    ended = _common("ended")
    refresh_count = _common("refresh_count")
    access_seconds = _common("access_seconds")
    refresh_seconds = _common("refresh_seconds")
    code_seconds = _common("code_seconds")
    devices = _common("devices")
    consented = _common("consented")
    used = _common("used")

    def __init__(self, box: Sandbox) -> None:
        self._common: Json = {"access_seconds": 3599.0, "refresh_seconds": math.inf, "code_seconds": 600.0}
        super().__init__(box)
        self.people = _people()
        self.devices, self.consented, self.used = {}, set(), {}
        self.add_app(self.client_id, self.client_secret, kind="desktop")
        self.add_app(self.device_client_id, self.client_secret, kind="device")
        self.add_app(self.web_client_id, self.client_secret, kind="web")
        own = self._common
        self._common = box.shared("google", lambda: own)

    @property
    def testing(self) -> bool:
        """Whether sign-ins last 7 days."""
        return bool(self.refresh_seconds == _TESTING_SECONDS)

    @testing.setter
    def testing(self, value: bool) -> None:
        self.refresh_seconds = _TESTING_SECONDS if value else math.inf

    # what a test or a person does ------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """Keyword arguments of ``App``: a desktop app for a loopback address, a web app for any other."""
        if flow_name == "device":
            return self.called_back(self.apps[self.device_client_id], "")
        if not redirect_uri or urlsplit(redirect_uri).hostname in _LOOPBACK:
            return self.called_back(self.apps[self.client_id], "")
        return self.called_back(self.apps[self.web_client_id], redirect_uri)

    def approve_device(self, user_code: str, username: str = "brand", untick: tuple[str, ...] = ()) -> None:
        """``username`` types the code on another device and agrees."""
        asking = self._typed(user_code)
        self.check_known(username)
        asking.decided, asking.username = "approved", username
        asking.granted = asking.scopes - set(untick)

    def deny_device(self, user_code: str) -> None:
        """The person types the code and says no."""
        self._typed(user_code).decided = "denied"

    def _typed(self, user_code: str) -> Asking:
        held: dict[str, Asking] = self.devices
        found = next((one for one in held.values() if one.user_code == user_code), None)
        if found is None:
            raise KeyError(f"no device shows {user_code!r}")
        return found

    # routes ----------------------------------------------------------------------------------------

    def google_routes(self) -> list[BaseRoute]:
        """Everything Google's accounts answer."""
        return [
            *self.consent_routes("/o/oauth2/v2/auth"),
            self.route("POST", "/token", self.give_token),
            self.route("POST", "/revoke", self.end_token),
            self.route("POST", "/device/code", self.give_device_code),
            self.route("GET", "/device", self.show_device_page),
            self.route("POST", "/device", self.press_device_page),
        ]

    def check_asked(self, asked: Json) -> None:
        """As Google's consent page: known app, its callback, known scopes, a well-formed challenge."""
        app = self.apps.get(str(asked.get("client_id")))
        if app is None:
            raise self.oauth_error("invalid_client", "The OAuth client was not found.", 401)
        if app.details.get("kind") == "device":
            raise self.oauth_error("unauthorized_client", "This client type has no consent page.")
        if asked.get("response_type") != "code" or not asked.get("scope"):
            raise self.oauth_error("invalid_request", "response_type=code and scope are required")
        if not self._takes_callback(app, str(asked.get("redirect_uri") or "")):
            raise self.oauth_error("redirect_uri_mismatch", "redirect_uri is not one of this client")
        if unknown := self.asked_scopes(asked) - self.known_scopes:
            raise self.oauth_error("invalid_scope", f"unknown scopes: {' '.join(sorted(unknown))}")
        if asked.get("code_challenge_method", "plain") not in ("S256", "plain"):
            raise self.oauth_error("invalid_request", "code_challenge_method is S256 or plain")

    @staticmethod
    def _takes_callback(app: RegisteredApp, uri: str) -> bool:
        if app.details.get("kind") == "desktop":
            parts = urlsplit(uri)
            return parts.scheme == "http" and parts.hostname in _LOOPBACK
        return uri in app.redirect_uris

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        """A code that remembers whether this is the person's first consent for the app."""
        pair = (username, str(asked.get("client_id")))
        code = super().new_code({**asked, "first": pair not in self.consented}, username, scopes)
        self.consented.add(pair)
        return code

    def gives_refresh(self, grant: Grant) -> bool:
        """Only to who asked for offline access, at the first consent or when consent was asked for again."""
        asked = grant.details
        return asked.get("access_type") == "offline" and bool(
            asked.get("first") or asked.get("prompt") == "consent"
        )

    # the token address -----------------------------------------------------------------------------

    def give_token(self, request: Request) -> Response:
        """``POST /token``: for a code, a refresh token or a device code."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        renewing = given.get("grant_type") == "refresh_token"
        grant = (
            self._spend_device(app, given) if given.get("grant_type") == _DEVICE_GRANT else self.redeem(given)
        )
        if grant.client_id != app.client_id:
            raise self.oauth_error("invalid_grant", "Bad Request")
        answer = self.token_answer(self.issue(grant))
        answer["token_type"] = "Bearer"
        if renewing:
            answer.pop("refresh_token", None)
        elif "refresh_token" in answer:
            self._settle_refresh(answer, grant)
        return JSONResponse(answer)

    def _settle_refresh(self, answer: Json, grant: Grant) -> None:
        """Say when a consent limited in time ends; a person's 101st token ends their oldest one."""
        if not math.isinf(self.refresh_seconds):
            answer["refresh_token_expires_in"] = int(self.refresh_seconds)
        pair = (grant.username, grant.client_id)
        live = [token for token, one in self.refreshes.items() if (one.username, one.client_id) == pair]
        for token in live[:-_LIVE_TOKENS]:
            del self.refreshes[token]

    def spend_code(self, given: Json) -> Grant:
        """As ever; a verifier has 43 to 128 characters."""
        verifier = given.get("code_verifier")
        if verifier is not None and not _VERIFIER.fullmatch(str(verifier)):
            raise self.oauth_error("invalid_request", "code_verifier has 43 to 128 characters")
        return super().spend_code(given)

    def spend_refresh(self, token: str) -> Grant:
        """As ever; one that was not used for six months is dead."""
        grant = self.refreshes.get(token)
        last = self.used.get(token) or (grant.issued_at if grant else None)
        if last is not None and self.now() - last >= _UNUSED:
            self.refreshes.pop(token, None)
        self.used[token] = self.now()
        return super().spend_refresh(token)

    def end_token(self, request: Request) -> Response:
        """``POST /revoke``: all the person gave to the app ends, whichever token is sent; 400 for a dead one."""
        from starlette.responses import JSONResponse

        token = str(self.form(request).get("token") or "")
        grant = self.grant_of(token) or self.refreshes.get(token)
        if grant is None:
            raise self.oauth_error("invalid_token", "Token expired or revoked")
        for held in (self.grants, self.refreshes):
            for one in [one for one, other in held.items() if self._same_project(other, grant)]:
                self.end(one)
        return JSONResponse({})

    @staticmethod
    def _same_project(one: Grant, other: Grant) -> bool:
        """The number before the first dash is the Cloud project's."""
        projects = {grant.client_id.partition("-")[0] for grant in (one, other)}
        return one.username == other.username and len(projects) == 1

    # devices ---------------------------------------------------------------------------------------

    def give_device_code(self, request: Request) -> Response:
        """``POST /device/code``: a code to type, for an app of that kind and the few scopes allowed there."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.apps.get(str(given.get("client_id")))
        if app is None or app.details.get("kind") != "device":
            raise self.oauth_error("invalid_client", "Invalid client type.", 401)
        scopes = frozenset(str(given.get("scope") or "").split())
        if not scopes or scopes - _DEVICE_SCOPES:
            raise self.oauth_error("invalid_scope", "Not allowed here: " + " ".join(scopes - _DEVICE_SCOPES))
        serial = self.serial("device").upper()
        letters = serial.translate(str.maketrans("0123456789ABCDEF", "BCDFGHJKLMNPQRST"))
        asking = Asking(app.client_id, scopes, serial[:40], f"{letters[:4]}-{letters[4:8]}", self.now())
        self.devices[asking.device_code] = asking
        own = self.turn is not None and urlsplit(self.base).hostname not in GOOGLE_HOSTS
        return JSONResponse(
            {
                "device_code": asking.device_code,
                "user_code": asking.user_code,
                "verification_url": f"{self.base if own else 'https://www.google.com'}/device",
                "expires_in": int(self.device_seconds),
                "interval": int(asking.interval),
            }
        )

    def _spend_device(self, app: RegisteredApp, given: Json) -> Grant:
        if app.details.get("kind") != "device":
            raise self.oauth_error("invalid_client", "Invalid client type.", 401)
        asking = self.devices.get(str(given.get("device_code")))
        if asking is None or asking.client_id != app.client_id:
            raise self.oauth_error("invalid_grant", "Malformed device code.")
        if self.now() - asking.at >= timedelta(seconds=self.device_seconds):
            raise self.oauth_error("expired_token", "The device code expired.")
        self._poll(asking)
        if asking.decided == "denied":
            raise self.oauth_error("access_denied", "Forbidden", 403)
        if asking.decided is None:
            raise self.oauth_error("authorization_pending", "Precondition Required", 428)
        del self.devices[asking.device_code]
        offline = {"access_type": "offline", "first": True}
        family = self.serial("family")[:16]
        return Grant(asking.username, asking.granted, app.client_id, family, details=offline)

    def _poll(self, asking: Asking) -> None:
        """Refuse a question that comes before the interval is over; each makes the interval longer."""
        last, asking.polled_at = asking.polled_at, self.now()
        if last is not None and (self.now() - last).total_seconds() < asking.interval:
            asking.interval += 5.0
            raise self.oauth_error("slow_down", "Forbidden", 403)

    def show_device_page(self, request: Request) -> Response:
        """``GET /device``: where the code is typed."""
        from starlette.responses import HTMLResponse

        return HTMLResponse(_DEVICE_PAGE)

    def press_device_page(self, request: Request) -> Response:
        """``POST /device``: the code and who typed it."""
        from starlette.responses import HTMLResponse

        given = body(request)
        try:
            self.approve_device(str(given.get("user_code")), str(given.get("username") or "brand"))
        except KeyError:
            raise Answer(HTMLResponse(_DEVICE_PAGE, 400)) from None
        return HTMLResponse("<p>Your device is connected.</p>")

    # the APIs' errors ------------------------------------------------------------------------------

    def api_error(
        self, status: int, reason: str, message: str, code: str, domain: str = "global"
    ) -> Response:
        """An error in the shape of Google's APIs."""
        from starlette.responses import JSONResponse

        told: Json = {"code": status, "message": message, "status": code}
        told["errors"] = [{"message": message, "domain": domain, "reason": reason}]
        return JSONResponse({"error": told}, status)

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """400, 404, 405 and 500 as the APIs answer them."""
        reason, name = _ERRORS.get(status, ("backendError", "UNAVAILABLE"))
        return self.api_error(status, code or reason, message, name)

    def token_expired(self) -> Response:
        """401 ``authError``."""
        return self.api_error(401, "authError", "Invalid Credentials", "UNAUTHENTICATED")

    def scope_missing(self, missing: set[str]) -> Response:
        """403 ``insufficientPermissions``."""
        words = "Request had insufficient authentication scopes."
        return self.api_error(403, "insufficientPermissions", words, "PERMISSION_DENIED")

    def any_grant(self, request: Request, scopes: frozenset[str]) -> Grant:
        """What the request's token stands for, when it has one of the scopes."""
        grant = self.grant(request)
        if not grant.scopes & scopes:
            raise Answer(self.scope_missing(set(scopes)))
        return grant

    def new_access(self, grant: Grant) -> str:
        """``ya29.`` and more."""
        return f"ya29.{self.serial('access')}"

    def new_refresh(self, grant: Grant) -> str:
        """``1//`` and more."""
        return f"1//{self.serial('refresh')}"

    def token_for(self, username: str, *scopes: str, client_id: str = "") -> Issued:
        """Tokens as after a consent."""
        return super().token_for(username, *scopes, client_id=client_id or self.client_id)


_ERRORS = {
    400: ("badRequest", "INVALID_ARGUMENT"),
    404: ("notFound", "NOT_FOUND"),
    405: ("httpMethodNotAllowed", "INVALID_ARGUMENT"),
    500: ("internalError", "INTERNAL"),
}
_DEVICE_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Connect a device</title></head>
<body><h1>Connect a device (sandbox)</h1><form method="post"><label>Enter the code on your device
<input name="user_code" autocomplete="off"></label> <button>Continue</button></form></body></html>"""
