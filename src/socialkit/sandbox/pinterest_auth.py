"""Pinterest's accounts, tokens, limits and errors: Basic at the token address, refresh tokens that always change."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from .core import Allowance, Answer, Window
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Pinner", "PinterestAuth"]

Json = dict[str, Any]
_DAY = 86_400.0
_PUBLISHING = ("boards:read", "boards:write", "pins:read", "pins:write", "user_accounts:read")
_READ = r"/v5/(pins(/[0-9]+)?|boards(/.*)?|media(/[0-9]+)?|user_account)"
_WRITE = r"/v5/(pins|boards|media)(/.*)?"
_ANALYTICS = r"/v5/(pins|pins/[0-9]+|user_account)/analytics"
_SCOPES = (
    "ads:read ads:write billing:read billing:write biz_access:read biz_access:write boards:read boards:read_secret "
    "boards:write boards:write_secret catalogs:read catalogs:write msot:write pins:read pins:read_secret pins:write "
    "pins:write_secret user_accounts:read user_accounts:write"
)


@attrs.define
class Pinner:
    """An account."""

    id: str
    name: str
    account_type: Literal["PINNER", "BUSINESS"] = "BUSINESS"


class PinterestAuth(SignIn):
    """Who asks, how often, and what Pinterest says when they may not."""

    access_seconds: float = 30 * _DAY
    refresh_seconds: float = 60 * _DAY
    rotation: Literal["none", "grace", "strict"] = "strict"
    client_auth: ClassVar[frozenset[str]] = frozenset({"basic"})
    known_scopes: ClassVar[frozenset[str]] = frozenset(_SCOPES.split())
    scope_separator: ClassVar[str] = ","
    unticks: ClassVar[bool] = False
    granted_separator: str = " "
    access: Literal["standard", "trial"] = "standard"
    windows = (
        Window("org_read", 1000, 60.0, f"GET {_READ}"),
        Window("org_write", 100, 60.0, f"POST|PATCH|DELETE {_WRITE}"),
        Window("org_analytics", 60, 60.0, f"GET {_ANALYTICS}"),
        Window("trial", 1000, _DAY, "* /v5/.*", per="trial"),
        Window("trial-writes", 300, _DAY, f"POST|PATCH|DELETE {_WRITE}", per="trial"),
    )

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people["brand"] = Pinner("2783136121146311751", "brand")
        self.people["other"] = Pinner("2783136121146311752", "other", "PINNER")
        self._brand: Issued | None = None

    def auth_table(self) -> list[tuple[str, str, Any]]:
        """The token address."""
        return [
            ("POST", "/v5/oauth/token", self.give_token),
            ("POST", "/v5/oauth/token/revoke", self.revoke_token),
        ]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        app = self.app_for("oauth2")
        if self._brand is None or self.grant_of(self._brand.access_token) is None:
            self._brand = self.token_for("brand", *_PUBLISHING, client_id=app["client_id"])
        tokens = {"token": self._brand.access_token, "refresh_token": self._brand.refresh_token}
        return {"server": base_url or f"https://{self.hosts[0]}", "board": "Boats", **tokens, **app}

    def limit_key(self, window: Window, request: Request) -> str | None:
        if window.per == "trial":
            return "app" if self.access == "trial" else None
        return super().limit_key(window, request)

    def json(self, value: Any, status: int = 200) -> Response:
        """An answer with the id that Pinterest's support asks for."""
        from starlette.responses import JSONResponse

        return JSONResponse(value, status, headers={"x-pinterest-rid": str(int(self.serial("rid")[:13], 16))})

    def refused(self, status: int, code: int, message: str) -> Answer:
        """An error, to raise."""
        return Answer(self.error(status, str(code), message))

    def asking(self, request: Request, *scopes: str) -> Pinner:
        """Who asks, with the scopes that takes."""
        found: Pinner = self.people[self.grant(request, *scopes).username]
        return found

    def sees_secret(self, request: Request) -> bool:
        """Whether the token may see secret boards and their pins."""
        grant = self.grant_of(self.bearer(request))
        return grant is not None and "boards:read_secret" in grant.scopes

    # what Pinterest says ---------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        numbers = {400: 1, 401: 2, 403: 29, 404: 50, 405: 405, 429: 8}
        number = int(code) if code else numbers.get(status, status)
        return self.json({"code": number, "message": message or "Sorry, something went wrong."}, status)

    def token_expired(self) -> Response:
        return self.error(401, message="Authentication failed.")

    def scope_missing(self, missing: set[str]) -> Response:
        words = "Your token does not have sufficient permissions. Missing: " + str(sorted(missing))
        return self.error(401, "3", words)

    def too_many(self, allowance: Allowance) -> Response:
        return self.error(429, message="This request exceeded a rate limit. Please try again later.")

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        left = {"limit": allowance.window.limit, "remaining": allowance.remaining}
        left["reset"] = max(0, int((allowance.reset - self.now()).total_seconds()))
        return {f"x-ratelimit-{name}": str(value) for name, value in left.items()}

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """The same body as everywhere."""
        if code == "invalid_client":
            return Answer(self.token_expired())
        return Answer(self.error(status, message=f"{code}: {words}"))

    # tokens ----------------------------------------------------------------------------------------

    def new_access(self, grant: Grant) -> str:
        return f"pina_{super().new_access(grant).upper()}"

    def new_refresh(self, grant: Grant) -> str:
        return f"pinr_{super().new_refresh(grant).upper()}"

    def give_token(self, request: Request) -> Response:
        """``POST /v5/oauth/token``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app, kind = self.client_of(request, given), str(given.get("grant_type"))
        if kind == "client_credentials":
            grant = self._own(app, given)
        else:
            grant = self._narrowed(self.redeem(given, app), given, kind)
        return JSONResponse({"response_type": kind, **self.token_answer(self.issue(grant))})

    def _own(self, app: RegisteredApp, given: Json) -> Grant:
        """A token for the account the app belongs to."""
        scopes = self.asked_scopes(given)
        if not scopes or scopes - self.known_scopes:
            raise self.oauth_error("invalid_scope", "scope is missing or unknown")
        return Grant("brand", scopes, app.client_id, self.serial("family")[:16], kind="app")

    def _narrowed(self, grant: Grant, given: Json, kind: str) -> Grant:
        wanted = self.asked_scopes(given)
        if kind != "refresh_token" or not wanted:
            return grant
        if wanted - grant.scopes:
            raise self.oauth_error("invalid_scope", "a refresh may not widen the scopes")
        return attrs.evolve(grant, scopes=wanted)

    def gives_refresh(self, grant: Grant) -> bool:
        return grant.kind != "app"

    def token_answer(self, issued: Issued) -> Json:
        answer = {**super().token_answer(issued), "scope": issued.scope(self.granted_separator)}
        answer.setdefault("expires_in", int(30 * _DAY))
        if self.gives_refresh(issued.grant):
            lives = 60 * _DAY if math.isinf(self.refresh_seconds) else self.refresh_seconds
            ends = int((self.now() + timedelta(seconds=lives)).timestamp())
            answer |= {"refresh_token_expires_in": int(lives), "refresh_token_expires_at": ends}
        return answer

    def revoke_token(self, request: Request) -> Response:
        """``POST /v5/oauth/token/revoke``: for tokens of system users only, and a person is none."""
        self.client_of(request, self.form(request))
        raise Answer(self.error(403, message="You are not permitted to access that resource."))
