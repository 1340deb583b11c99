"""LinkedIn's members: consent that is all or nothing, tokens of 60 days, refresh tokens for partners, who is who.

Facts: learn.microsoft.com/linkedin and answers people recorded, November 2026.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from .core import Answer
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["COMMUNITY", "SELF_SERVE", "Member", "Members"]

Json = dict[str, Any]
_DAY = 86_400.0
SELF_SERVE = frozenset({"openid", "profile", "email", "w_member_social"})
COMMUNITY = frozenset(
    {
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "rw_organization_admin",
        "w_organization_social_feed",
        "r_organization_social_feed",
        "w_member_social_feed",
        "r_member_social_feed",
        "r_member_postAnalytics",
        "r_member_profileAnalytics",
        "r_organization_followers",
        "r_basicprofile",
        "r_1st_connections_size",
    }
)
_CODES = {
    "": (65600, "INVALID_ACCESS_TOKEN", "Invalid access token"),
    "revoked": (65601, "REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked by the user"),
    "expired": (65602, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired"),
}


@attrs.define
class Member:
    """A member. ``id`` is what the app knows them by: the ``sub`` of ``/v2/userinfo``."""

    id: str
    name: str
    email: str


class Members(SignIn):
    """The part of the box that signs people in and says who they are."""

    access_seconds: float = 60 * _DAY
    refresh_seconds: float = 365 * _DAY
    code_seconds: float = 1800.0
    rotation: Literal["none", "grace", "strict"] = "none"
    unticks: ClassVar[bool] = False
    partner: bool = False
    one_scope_set: bool = False
    cancels_at: Literal["login", "authorize"] = "authorize"

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.created: dict[str, tuple[datetime, datetime]] = {}
        for name, sub in (("brand", "8sYw-brAnd"), ("other", "3kQz_oTher")):
            self.people[name] = Member(sub, name.capitalize(), f"{name}@example.com")

    def member_routes(self) -> list[BaseRoute]:
        """Everything in this file."""
        return [
            *self.consent_routes("/oauth/v2/authorization"),
            self.route("POST", "/oauth/v2/accessToken", self.give_token),
            self.route("POST", "/oauth/v2/revoke", self.revoke_token),
            self.route("POST", "/oauth/v2/introspectToken", self.introspect),
            self.route("GET", "/oauth/.well-known/openid-configuration", self.configuration),
            self.route("GET", "/v2/userinfo", self.userinfo),
            self.route("GET", "/v2/me", self.me),
        ]

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        known = super().app_for(flow_name, redirect_uri)
        community = flow_name == "community"
        products = COMMUNITY if community else SELF_SERVE
        self.apps[known["client_id"]].details |= {"products": products, "partner": community}
        return known

    def is_partner(self, app: RegisteredApp) -> bool:
        """Whether the app gets refresh tokens."""
        return self.partner or bool(app.details.get("partner"))

    # what LinkedIn says ----------------------------------------------------------------------------

    def _unauthorized(self, why: str) -> Response:
        from starlette.responses import JSONResponse

        number, code, words = _CODES[why]
        return JSONResponse({"status": 401, "serviceErrorCode": number, "code": code, "message": words}, 401)

    def token_expired(self) -> Response:
        return self._unauthorized("expired")

    def denied(self, resource: str) -> Answer:
        """A token without the scope, an app without the product, a member without the role."""
        from starlette.responses import JSONResponse

        words = f"Not enough permissions to access: {resource}"
        return Answer(JSONResponse({"message": words, "serviceErrorCode": 100, "status": 403}, 403))

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        texts = {
            "the code is invalid or expired": "Unable to retrieve access token: authorization code not found",
            "the refresh token expired": "The provided token is expired",
            "the refresh token is invalid, expired or was used": "The provided token is invalid",
        }
        code = "invalid_request" if code == "invalid_grant" else code
        return super().oauth_error(code, texts.get(words, words), status)

    # the consent page ------------------------------------------------------------------------------

    def check_asked(self, asked: Json) -> None:
        self.app_asked(asked)
        if asked.get("response_type") != "code":
            raise self.oauth_error("unsupported_response_type", "response_type must be code")

    def problem_of(self, asked: Json) -> str:
        products = self.app_asked(asked).details.get("products", SELF_SERVE | COMMUNITY)
        return "unauthorized_scope_error" if self.asked_scopes(asked) - products else ""

    def refused_query(self, asked: Json) -> Json:
        query = super().refused_query(asked)
        words = f"The user cancelled LinkedIn {'login' if self.cancels_at == 'login' else 'authorization'}"
        return {**query, "error": f"user_cancelled_{self.cancels_at}", "error_description": words}

    # tokens ----------------------------------------------------------------------------------------

    def give_token(self, request: Request) -> Response:
        """``POST /oauth/v2/accessToken``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        renews = given.get("grant_type") == "refresh_token"
        if renews and not self.is_partner(app):
            raise self.oauth_error("access_denied", "The application may not use refresh tokens")
        grant = self.redeem(given, app)
        if not renews and self.one_scope_set:
            self._end_others(grant)
        return JSONResponse(self.token_answer(self.issue(grant)))

    def _end_others(self, grant: Grant) -> None:
        held = [*self.grants.values(), *self.refreshes.values()]
        same = [one for one in held if (one.username, one.client_id) == (grant.username, grant.client_id)]
        for one in same:
            if one.scopes != grant.scopes:
                self.end_family(one.family)

    def new_access(self, grant: Grant) -> str:
        """LinkedIn asks to leave room for 1,000 characters."""
        return "AQ" + "".join(self.serial("access") for _ in range(6))[:348]

    def new_refresh(self, grant: Grant) -> str:
        return "AQ" + "".join(self.serial("refresh") for _ in range(6))[:348]

    def issue(self, grant: Grant) -> Issued:
        issued = super().issue(grant)
        first = self.created.get(grant.family, (self.now(), self.now()))[0]
        self.created[grant.family] = (first, self.now())
        return issued

    def gives_refresh(self, grant: Grant) -> bool:
        return self.is_partner(self.apps[grant.client_id])

    def token_answer(self, issued: Issued) -> Json:
        answer = super().token_answer(issued)
        answer["token_type"] = "Bearer"
        answer.setdefault("expires_in", int(60 * _DAY))
        if self.gives_refresh(issued.grant) and not math.isinf(self.refresh_seconds):
            age = (self.now() - self.created[issued.grant.family][0]).total_seconds()
            answer["refresh_token_expires_in"] = int(self.refresh_seconds - age)
        return answer

    def revoke_token(self, request: Request) -> Response:
        """``POST /oauth/v2/revoke``."""
        from starlette.responses import Response

        held, app = self._told(request)
        if held is not None and held.client_id == app.client_id:
            self.revoke(str(self.form(request).get("token")))
        return Response(b"")

    def _told(self, request: Request) -> tuple[Grant | None, RegisteredApp]:
        given = self.form(request)
        app, token = self.client_of(request, given), str(given.get("token"))
        held = self.grants.get(token) or self.refreshes.get(token) or self.ended.get(token, (None, ""))[0]
        return held, app

    def introspect(self, request: Request) -> Response:
        """``POST /oauth/v2/introspectToken``."""
        from starlette.responses import JSONResponse

        held, app = self._told(request)
        token = str(self.form(request).get("token"))
        if held is None or held.client_id != app.client_id or held.issued_at is None:
            return JSONResponse({"active": False})
        status = self.why_ended(token) or "active"
        first, made = int(self.created[held.family][0].timestamp()), int(held.issued_at.timestamp())
        lives = self.refresh_seconds if token in self.refreshes else self.access_seconds
        ends = {} if math.isinf(lives) else {"expires_at": made + int(lives)}
        times = {"authorized_at": first, "created_at": made, **ends}
        about = {"client_id": app.client_id, "scope": ",".join(sorted(held.scopes)), "auth_type": "3L"}
        return JSONResponse({"active": status == "active", "status": status, **about, **times})

    # who am I --------------------------------------------------------------------------------------

    def grant(self, request: Request, *scopes: str) -> Grant:
        token = self.bearer(request)
        found = self.grant_of(token)
        if found is None:
            raise Answer(self._unauthorized(self.why_ended(token)))
        if set(scopes) - found.scopes:
            raise self.denied("userinfo.GET.NO_VERSION")
        return found

    def userinfo(self, request: Request) -> Response:
        """``GET /v2/userinfo``: what the scopes profile and email open of it."""
        from starlette.responses import JSONResponse

        found = self.grant(request, "openid")
        me = self.people[found.username]
        shown: Json = {"sub": me.id}
        if "profile" in found.scopes:
            locale = {"country": "US", "language": "en"}
            names = {"name": me.name, "given_name": me.name, "family_name": "Example"}
            shown |= {**names, "picture": f"https://media.licdn.com/{me.id}.png", "locale": locale}
        if "email" in found.scopes:
            shown |= {"email": me.email, "email_verified": True}
        return JSONResponse(shown)

    def me(self, request: Request) -> Response:
        """``GET /v2/me``: needs a scope that sign-ins with OpenID do not have."""
        from starlette.responses import JSONResponse

        found = self.grant(request)
        if "r_basicprofile" not in found.scopes:
            raise self.denied("me.GET.NO_VERSION")
        me = self.people[found.username]
        return JSONResponse({"id": me.id, "localizedFirstName": me.name, "localizedLastName": "Example"})

    def configuration(self, request: Request) -> Response:
        """``GET /oauth/.well-known/openid-configuration``."""
        from starlette.responses import JSONResponse

        return JSONResponse(
            {
                "issuer": "https://www.linkedin.com/oauth",
                "authorization_endpoint": f"{self.base}/oauth/v2/authorization",
                "token_endpoint": f"{self.base}/oauth/v2/accessToken",
                "userinfo_endpoint": f"{self.base}/v2/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "scopes_supported": ["openid", "profile", "email"],
            }
        )
