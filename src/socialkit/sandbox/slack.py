"""Slack as far as an app is installed to a workspace: OAuth version 2, rotation where it is on, who the bot is.

Facts: Slack's documentation and API descriptions, read in November 2026. Errors come with HTTP 200.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from ._keyed import Keyed
from .core import Allowance, Answer, body
from .sign_in import Grant, Issued, RegisteredApp, basic

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["SlackBox"]

Json = dict[str, Any]
ROTATES = 43200.0
"""Seconds an access token lives in an app with rotation: what ``access_seconds`` is set to."""
_ACCEPTED = {"conversations.list": "channels:read"}


@attrs.frozen
class Workspace:
    """A workspace, the person who installs apps there, and the bot an app gets."""

    team: str
    name: str
    domain: str
    installer: str
    bot_user: str
    bot: str


class SlackBox(Keyed):
    """Two workspaces, ``brand`` and ``other``. ``access_seconds = ROTATES`` turns token rotation on.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["slack"]) as box:
    ...     print(box.slack.identity_of("brand"))
    T0BRAND01:U0BOTBR01
    """

    platform: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"
    publishes: ClassVar[bool] = False
    hosts = ("slack.com",)
    rotation: Literal["none", "grace", "strict"] = "strict"
    client_auth: ClassVar[frozenset[str]] = frozenset({"body", "basic"})
    scope_separator: ClassVar[str] = ","
    pkce: ClassVar[Literal["", "S256", "hex"]] = "S256"
    unticks: ClassVar[bool] = False
    known_scopes: ClassVar[frozenset[str]] = frozenset(
        {"chat:write", "chat:write.public", "chat:write.customize", "files:read", "files:write", "users:read"}
        | {"channels:read", "groups:read", "im:read", "mpim:read", "channels:join", "incoming-webhook"}
        | {"channels:history", "groups:history", "im:history", "mpim:history"}
        | {"reactions:read", "reactions:write", "pins:write"}
    )

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Workspace("T0BRAND01", "Brand", "brand", "U0BRAND01", "U0BOTBR01", "B0BRAND01"),
            "other": Workspace("T0OTHER01", "Other", "other", "U0OTHER01", "U0BOTOT01", "B0OTHER01"),
        }

    def routes(self) -> list[BaseRoute]:
        table = (
            ("oauth.v2.access", ("POST",), self.give_token),
            ("auth.test", ("GET", "POST"), self.test),
            ("auth.revoke", ("GET", "POST"), self.revoke_token),
            ("conversations.list", ("GET", "POST"), self.conversations),
        )
        methods = [
            self.route(method, f"/api/{name}", handler)
            for name, methods, handler in table
            for method in methods
        ]
        return [*self.consent_routes("/oauth/v2/authorize"), *methods]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """Refusals are 200; only floods and broken servers have a status of their own."""
        from starlette.responses import JSONResponse

        said = code or {404: "unknown_method", 405: "invalid_post_type", 429: "ratelimited"}.get(status)
        said = said or ("internal_error" if status >= 500 else "invalid_arguments")
        return JSONResponse({"ok": False, "error": said}, status if status >= 429 else 200)

    def too_many(self, allowance: Allowance) -> Response:
        return self.error(429)

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """Slack's own codes for what the shared part found wrong."""
        found = (said for part, said in _SAID.items() if part in words)
        return Answer(self.error(400, _CODES.get(code) or next(found, "invalid_code")))

    # the person ------------------------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        return {
            username: f"{place.name} ({place.domain}.slack.com)" for username, place in self.people.items()
        }

    def identity_of(self, username: str) -> str:
        place = self.people[username]
        return f"{place.team}:{place.bot_user}"

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return super().app_for(flow_name, redirect_uri) if flow_name == "oauth2" else {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        return {"bot_token": self.key_of(username)} if flow_name == "bot_token" else {}

    def new_key(self, username: str, place: str) -> str:
        return f"xoxb-{self._digits(username)}-{self.digest('token', username, place)[:24]}"

    def new_access(self, grant: Grant) -> str:
        token = f"xoxb-{self._digits(grant.username)}-{self.serial('access')[:24]}"
        return token if math.isinf(self.access_seconds) else f"xoxe.{token}"

    def new_refresh(self, grant: Grant) -> str:
        return f"xoxe-1-{self.serial('refresh')}"

    def _digits(self, username: str) -> str:
        return str(int(self.digest("team", username)[:10], 16)).zfill(13)

    # installing ------------------------------------------------------------------------------------

    def check_asked(self, asked: Json) -> None:
        """What Slack refuses on a page of its own; a callback must be https."""
        app = self.apps.get(str(asked.get("client_id")))
        address = str(asked.get("redirect_uri") or "")
        if app is None:
            raise Answer(self.error(400, "invalid_client_id"))
        if not address.startswith("https://") or (app.redirect_uris and address not in app.redirect_uris):
            raise Answer(self.error(400, "bad_redirect_uri"))
        scopes = self.asked_scopes(asked)
        if not scopes:
            raise Answer(self.error(400, "no_scopes"))
        if scopes - self.known_scopes:
            raise Answer(self.error(400, "invalid_scope"))

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        pair = basic(request) or (str(given.get("client_id") or ""), str(given.get("client_secret") or ""))
        app = self.apps.get(pair[0])
        if app is None:
            raise Answer(self.error(400, "invalid_client_id"))
        if app.client_secret != pair[1]:
            raise Answer(self.error(400, "bad_client_secret"))
        return app

    def give_token(self, request: Request) -> Response:
        """``POST oauth.v2.access``: a form; without ``grant_type`` it is about a code."""
        from starlette.responses import JSONResponse

        given = {"grant_type": "authorization_code", **self.form(request)}
        app = self.client_of(request, given)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def token_answer(self, issued: Issued) -> Json:
        place = self.people[issued.grant.username]
        answer: Json = {
            "ok": True,
            "app_id": f"A0{self.digest('app', issued.grant.client_id)[:9].upper()}",
            "authed_user": {"id": place.installer},
            "scope": issued.scope(","),
            "token_type": "bot",
            "access_token": issued.access_token,
            "bot_user_id": place.bot_user,
            "team": {"id": place.team, "name": place.name},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if issued.expires_in is not None:
            answer |= {"expires_in": issued.expires_in, "refresh_token": issued.refresh_token}
        return answer

    # the API ---------------------------------------------------------------------------------------

    def test(self, request: Request) -> Response:
        """``auth.test``."""
        grant = self.allowed(request)
        place = self.people[grant.username]
        known = {"url": f"https://{place.domain}.slack.com/", "team": place.name, "user": "socialkit"}
        ids = {"team_id": place.team, "user_id": place.bot_user, "bot_id": place.bot}
        return self._fine(request, {**known, **ids, "is_enterprise_install": False})

    def conversations(self, request: Request) -> Response:
        """``conversations.list``: one channel."""
        self.allowed(request, _ACCEPTED["conversations.list"])
        channel = {"id": "C0GENERAL", "name": "general", "is_channel": True, "is_archived": False}
        return self._fine(request, {"channels": [channel], "response_metadata": {"next_cursor": ""}})

    def revoke_token(self, request: Request) -> Response:
        """``auth.revoke``: the app is out of the workspace; ``test=1`` only looks."""
        self.allowed(request)
        tries = (request.query_params.get("test") or body(request).get("test") or "").lower() in ("1", "true")
        if tries:
            return self._fine(request, {"revoked": False})
        answer = self._fine(request, {"revoked": True})
        self.revoke(self._token(request))
        return answer

    def allowed(self, request: Request, scope: str = "") -> Grant:
        """Whose token it is; refused in Slack's words."""
        token = self._token(request)
        if not token:
            raise Answer(self.error(401, "not_authed"))
        grant = self.grant_of(token)
        if grant is None:
            ended = {"expired": "token_expired", "revoked": "token_revoked"}
            raise Answer(self.error(401, ended.get(self.why_ended(token), "invalid_auth")))
        if scope and scope not in grant.scopes:
            raise Answer(self._missing(scope, grant))
        return grant

    def _token(self, request: Request) -> str:
        return self.bearer(request) or body(request).get("token") or request.query_params.get("token") or ""

    def _missing(self, scope: str, grant: Grant) -> Response:
        from starlette.responses import JSONResponse

        provided = ",".join(sorted(grant.scopes))
        said = {"ok": False, "error": "missing_scope", "needed": scope, "provided": provided}
        return JSONResponse(said, headers={"x-oauth-scopes": provided, "x-accepted-oauth-scopes": scope})

    def _fine(self, request: Request, answer: Json) -> Response:
        from starlette.responses import JSONResponse

        grant = self.grants[self._token(request)]
        method = request.url.path.rpartition("/")[2]
        headers = {"x-oauth-scopes": ",".join(sorted(grant.scopes))}
        headers["x-accepted-oauth-scopes"] = _ACCEPTED.get(method, "")
        return JSONResponse({"ok": True, **answer}, headers=headers)


_CODES = {"unsupported_grant_type": "invalid_grant_type", "invalid_client": "invalid_client_id"}
_SAID = {
    "redirect_uri": "bad_redirect_uri",
    "code_verifier": "invalid_code_verifier",
    "refresh token": "invalid_refresh_token",
}
