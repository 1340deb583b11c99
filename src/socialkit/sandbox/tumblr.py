"""Tumblr as far as signing in goes: OAuth 2.0 with tokens of 42 minutes, OAuth 1.0a whose tokens do not end.

Facts: tumblr/docs, its clients and their issues, November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from .core import Allowance, Answer, Window, body
from .oauth1 import OAuth1, header_of
from .sign_in import Grant, Issued, RegisteredApp

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Tumblelog", "TumblrBox"]

Json = dict[str, Any]
_WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Limit Exceeded"}
_SCOPES = frozenset({"basic", "write", "offline_access"})


@attrs.define
class Tumblelog:
    """A person with a primary blog, whose uuid is the identity, and a secondary one."""

    id: str
    name: str
    second: str


class TumblrBox(OAuth1):
    """Tumblr with the people ``brand`` and ``other``. One app serves both ways to sign in: its consumer key is its
    client id.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["tumblr"]) as box:
    ...     print(box.tumblr.identity_of("brand"))
    t:0aY0xL2Fi1OFJg4YxpmegQ
    """

    platform: ClassVar[str] = "tumblr"
    title: ClassVar[str] = "Tumblr"
    hosts = ("api.tumblr.com", "www.tumblr.com")
    publishes: ClassVar[bool] = False
    windows = (Window("perhour", 1000, 3600.0, "GET /v2/.*"), Window("perday", 5000, 86_400.0, "GET /v2/.*"))
    access_seconds: float = 2520.0
    refresh_seconds: float = 42 * 86_400.0
    rotation: Literal["none", "grace", "strict"] = "strict"
    known_scopes: ClassVar[frozenset[str]] = _SCOPES
    unticks: ClassVar[bool] = False

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.consumers = self.apps
        for name, uuid in (("brand", "t:0aY0xL2Fi1OFJg4YxpmegQ"), ("other", "t:1bZ1yM3Gj2PGKh5ZyqnfhR")):
            self.people[name] = Tumblelog(uuid, name, f"{uuid[:-1]}2")

    def routes(self) -> list[BaseRoute]:
        return [
            self.route("POST", "/oauth/request_token", self.give_request_token),
            *self.consent_routes("/oauth/authorize"),
            self.route("POST", "/oauth/access_token", self.give_access_token),
            *self.consent_routes("/oauth2/authorize"),
            self.route("POST", "/v2/oauth2/token", self.give_token),
            self.route("POST", "/v2/oauth2/exchange", self.exchange),
            self.route("GET", "/v2/user/info", self.user_info),
        ]

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """The same app for both flows."""
        return super().app_for("oauth2", redirect_uri)

    # what Tumblr says ------------------------------------------------------------------------------

    def envelope(
        self, response: Any, status: int = 200, words: str = "OK", errors: list[Json] | None = None
    ) -> Response:
        """An answer in its envelope."""
        from starlette.responses import JSONResponse

        listed = {"errors": errors} if errors is not None else {}
        meta = {"status": status, "msg": words}
        return JSONResponse({"meta": meta, "response": response, **listed}, status)

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        words = _WORDS.get(status, "Internal Server Error" if status >= 500 else message)
        told = {"title": words, "code": int(code or 0), "detail": message or words}
        return self.envelope([], status, words, [told])

    def token_expired(self) -> Response:
        return self.error(401, "1016", "Unable to authorize")

    def too_many(self, allowance: Allowance) -> Response:
        return self.error(429, message="Limit Exceeded")

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        name = allowance.window.name.capitalize()
        left = {"Limit": allowance.window.limit, "Remaining": allowance.remaining}
        left["Reset"] = max(0, int((allowance.reset - self.now()).total_seconds()))
        return {f"X-Ratelimit-{name}-{field}": str(value) for field, value in left.items()}

    def scope_missing(self, missing: set[str]) -> Response:
        return self.error(403, message="The token lacks a scope")

    # OAuth 2.0 -------------------------------------------------------------------------------------

    def asked_in(self, url: str) -> Json:
        """The callback address may be left out where the app has one alone."""
        asked = super().asked_in(url)
        app = self.apps.get(str(asked.get("client_id")))
        if app is not None and "redirect_uri" not in asked and len(app.redirect_uris) == 1:
            return {**asked, "redirect_uri": app.redirect_uris[0], "left_out": True}
        return asked

    def form(self, request: Request) -> Json:
        """The token address takes forms and JSON."""
        read = body(request)
        if not read.content_type.startswith("application/json"):
            return super().form(request)
        given = read.json()
        return given if isinstance(given, dict) else {}

    def give_token(self, request: Request) -> Response:
        """``POST /v2/oauth2/token``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        if given.get("grant_type") == "client_credentials":
            grant = Grant("", frozenset({"basic"}), app.client_id, self.serial("family")[:16], kind="app")
        else:
            grant = self.redeem(given, app)
        return JSONResponse(self.token_answer(self.issue(grant)))

    def spend_code(self, given: Json) -> Grant:
        asked = self.codes.get(str(given.get("code")), {})
        if asked.get("left_out") and "redirect_uri" not in given:
            given = {**given, "redirect_uri": asked["redirect_uri"]}
        return super().spend_code(given)

    def gives_refresh(self, grant: Grant) -> bool:
        return "offline_access" in grant.scopes

    def token_answer(self, issued: Issued) -> Json:
        lives = issued.expires_in if issued.expires_in is not None else 2520
        return {**super().token_answer(issued), "expires_in": lives}

    def exchange(self, request: Request) -> Response:
        """``POST /v2/oauth2/exchange``: an OAuth 1.0a token for a pair of OAuth 2.0; the old one dies."""
        from starlette.responses import JSONResponse

        old = self.signer(request)
        if old is None:
            raise self.badly_signed()
        given = self.form(request)
        app = self.client_of(request, given)
        self.end(header_of(request)["oauth_token"])
        scopes = frozenset({"basic", "write"})
        issued = self.issue(Grant(old.username, scopes, app.client_id, self.serial("family")[:16]))
        return JSONResponse({**self.token_answer(issued), "refresh_token": issued.refresh_token})

    # who am I --------------------------------------------------------------------------------------

    def new_token(self, username: str, app: RegisteredApp, asked: Json) -> str:
        token = super().new_token(username, app, asked)
        self.grants[token] = attrs.evolve(self.grants[token], scopes=frozenset({"basic", "write"}))
        return token

    def grant_of(self, token: str) -> Grant | None:
        grant = self.grants.get(token)
        return grant if grant is not None and grant.kind == "oauth1" else super().grant_of(token)

    def grant(self, request: Request, *scopes: str) -> Grant:
        from starlette.responses import HTMLResponse

        if not request.headers.get("user-agent"):
            raise Answer(HTMLResponse("<html><h1>403 Forbidden</h1></html>", 403))
        found = self.asking(request)
        if found is None:
            raise Answer(self.token_expired())
        if missing := set(scopes) - found.scopes:
            raise Answer(self.scope_missing(missing))
        return found

    def user_info(self, request: Request) -> Response:
        """``GET /v2/user/info``."""
        found = self.grant(request, "basic")
        if not found.username:
            raise Answer(self.token_expired())
        me = self.people[found.username]
        blogs = [self._blog(me.name, me.id, True), self._blog(f"{me.name}-notes", me.second, False)]
        return self.envelope({"user": {"name": me.name, "likes": 2, "following": 5, "blogs": blogs}})

    def _blog(self, name: str, uuid: str, primary: bool) -> Json:
        url, counts = f"https://{name}.tumblr.com/", {"followers": 12, "posts": 0, "queue": 0, "drafts": 0}
        named = {"name": name, "uuid": uuid, "url": url, "title": name.capitalize()}
        return {**named, "primary": primary, "admin": True, "type": "public", **counts}
