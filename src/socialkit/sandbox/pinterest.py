"""Pinterest as far as signing in goes: Basic at the token address, a new refresh token with every answer.

Facts: Pinterest's API description 5.23.0, its documentation and errors people recorded, November 2026.
"""

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
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Pinner", "PinterestBox"]

Json = dict[str, Any]
_DAY = 86_400.0
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


class PinterestBox(SignIn):
    """Pinterest with the accounts ``brand`` and ``other``.

    ``granted_separator`` is what stands between the scopes of a token answer: a space, or a comma. Whether a refresh
    token that was used still works is not documented; here it does not (``rotation``).

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["pinterest"]) as box:
    ...     print(box.pinterest.identity_of("brand"))
    2783136121146311751
    """

    platform: ClassVar[str] = "pinterest"
    title: ClassVar[str] = "Pinterest"
    hosts = ("api.pinterest.com", "www.pinterest.com")
    publishes: ClassVar[bool] = False
    windows = (Window("trial", 1000, _DAY, "GET /v5/.*"),)
    access_seconds: float = 30 * _DAY
    refresh_seconds: float = 60 * _DAY
    rotation: Literal["none", "grace", "strict"] = "strict"
    client_auth: ClassVar[frozenset[str]] = frozenset({"basic"})
    known_scopes: ClassVar[frozenset[str]] = frozenset(_SCOPES.split())
    scope_separator: ClassVar[str] = ","
    unticks: ClassVar[bool] = False
    granted_separator: str = " "

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people["brand"] = Pinner("2783136121146311751", "brand")
        self.people["other"] = Pinner("2783136121146311752", "other", "PINNER")

    def routes(self) -> list[BaseRoute]:
        return [
            *self.consent_routes("/oauth/"),
            self.route("POST", "/v5/oauth/token", self.give_token),
            self.route("POST", "/v5/oauth/token/revoke", self.revoke_token),
            self.route("GET", "/v5/user_account", self.user_account),
        ]

    # what Pinterest says ---------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        numbers = {400: 1, 401: 2, 403: 29, 404: 50, 405: 405, 429: 8}
        number = int(code) if code else numbers.get(status, status)
        return JSONResponse({"code": number, "message": message or "Sorry, something went wrong."}, status)

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

    # who am I --------------------------------------------------------------------------------------

    def user_account(self, request: Request) -> Response:
        """``GET /v5/user_account``."""
        from starlette.responses import JSONResponse

        me = self.people[self.grant(request, "user_accounts:read").username]
        business = {"business_name": me.name.capitalize()} if me.account_type == "BUSINESS" else {}
        return JSONResponse(
            {
                "id": me.id,
                "username": me.name,
                "account_type": me.account_type,
                "business_name": None,
                **business,
                "profile_image": "https://i.pinimg.com/600x600_R/00/00/00/sandbox.jpg",
                "website_url": "",
                "about": "",
                "follower_count": 10,
                "following_count": 3,
                "monthly_views": 163,
                "pin_count": 0,
                "board_count": 1,
            }
        )
