"""Who may ask Reddit what: three kinds of apps, five grants, scopes, errors that come with HTTP 200.

Facts: Reddit's API wiki, its open-source server and traffic people recorded, November 2026.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import attrs

from .core import Allowance, Answer, Window, body
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["RedditSignIn", "Redditor"]

Json = dict[str, Any]
_INSTALLED = "https://oauth.reddit.com/grants/installed_client"
_SCOPES = (
    "account announcements creddits edit flair history identity livemanage modconfig modcontributors modflair modlog "
    "modmail modnote modothers modposts modself modtraffic modwiki mysubreddits privatemessages read report save "
    "structuredstyles submit subscribe vote wikiedit wikiread"
)
_LIBRARIES = (
    "python-",
    "python/",
    "aiohttp",
    "go-http-client",
    "okhttp",
    "curl/",
    "java/",
    "node",
    "axios",
    "mozilla",
)
_WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
_BLOCKED = "<!DOCTYPE html><title>Blocked</title><h1>whoa there, pardner!</h1>"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_TOKENS = "POST /api/v1/access_token"
_API = "* (?!/api/v1/(?:access_token|authorize|revoke_token)|/s3/|/$|/media/).*"


@attrs.define
class Redditor:
    """An account. ``otp`` is the code its authenticator shows now, "" for one without two-factor sign-in."""

    id: str
    name: str
    password: str = attrs.field(repr=False)
    otp: str = attrs.field(default="", repr=False)
    suspended: bool = False


class RedditSignIn(SignIn):
    """The part of the box that knows who asks; ``rotation`` and ``access_seconds`` can be set.

    An app's ``details["kind"]`` is web (the kind :meth:`app_for` gives), installed (no secret) or script, whose
    ``details["developers"]`` are the only people that may use it.
    """

    ignores_trailing_slash: ClassVar[bool] = True
    access_seconds: float = 86_400.0
    rotation: Literal["none", "grace", "strict"] = "none"
    client_auth: ClassVar[frozenset[str]] = frozenset({"basic"})
    unticks: ClassVar[bool] = False
    windows = (Window("token", 300, 600.0, _TOKENS), Window("api", 1000, 600.0, _API))

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._brand: Issued | None = None
        for name, account_id in (("brand", "1r4nd"), ("other", "0th3r")):
            self.people[name] = Redditor(account_id, name, self.digest("password", name)[:20])

    def sign_in_routes(self) -> list[BaseRoute]:
        """The consent pages, the tokens, and who they belong to."""
        return [
            *self.consent_routes("/api/v1/authorize"),
            *self.consent_routes("/api/v1/authorize.compact"),
            self.route("POST", "/api/v1/access_token", self.give_token),
            self.route("POST", "/api/v1/revoke_token", self.revoke_token),
            self.route("GET", "/api/v1/me", self.me),
        ]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """The arguments of an account of ``brand``; its tokens are the same at every call."""
        app = self.app_for("oauth2")
        if self._brand is None:
            grant = Grant(
                "brand",
                frozenset({"*"}),
                app["client_id"],
                self.digest("brand")[:16],
                details={"duration": "permanent"},
            )
            self._brand = self.issue(grant)
        tokens = {"token": self._brand.access_token, "refresh_token": self._brand.refresh_token}
        return {"server": base_url or f"https://{self.hosts[0]}", **tokens, **app}

    def limit_key(self, window: Window, request: Request) -> str | None:
        """One budget per client id; the address of tokens has its own."""
        grant = self.grant_of(self.bearer(request))
        return (grant.client_id if grant else "") or request.headers.get("authorization", "anonymous")

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        known = super().app_for(flow_name, redirect_uri)
        script = flow_name == "script"
        details = {"kind": "script" if script else "web", "developers": list(self.people) if script else []}
        self.apps[known["client_id"]].details |= details
        return known

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        if flow_name != "script":
            return {}
        return {"username": username, "password": self.people[username].password}

    # what Reddit says ------------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """Each of Reddit's forms: triples inside 200, a page for what is blocked, XML of the file store, JSON."""
        from starlette.responses import HTMLResponse, JSONResponse, Response

        if status == 200:
            return JSONResponse({"json": {"errors": [[code or "UNKNOWN", message, ""]]}})
        if code == "insufficient_scope":
            return self.scope_missing(set())
        if code == "blocked":
            return HTMLResponse(_BLOCKED, status)
        if code in ("EntityTooLarge", "AccessDenied", "InvalidArgument"):
            words = f"<Error><Code>{code}</Code><Message>{html.escape(message)}</Message></Error>"
            return Response(f"{_XML}{words}", status, media_type="application/xml")
        plain = {"message": _WORDS.get(status, message), "error": status}
        if code.startswith("SUBMIT_VALIDATION"):
            kind = {"error_type": "SUBMIT_VALIDATION_ERROR", "message": "Bad Request", "reason": code}
            return JSONResponse({"fields": [message], "explanation": message, **kind}, status)
        return JSONResponse({**plain, **({"reason": code} if code else {})}, status)

    def token_expired(self) -> Response:
        answer = self.error(401)
        answer.headers["www-authenticate"] = 'Bearer realm="reddit", error="invalid_token"'
        return answer

    def scope_missing(self, missing: set[str]) -> Response:
        answer = self.error(403)
        answer.headers["www-authenticate"] = 'Bearer realm="reddit", error="insufficient_scope"'
        return answer

    def too_many(self, allowance: Allowance) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse({"message": "Too Many Requests", "error": 429}, 429)

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        return {
            "x-ratelimit-remaining": str(float(allowance.remaining)),
            "x-ratelimit-used": str(allowance.window.limit - allowance.remaining),
            "x-ratelimit-reset": str(max(0, int((allowance.reset - self.now()).total_seconds()))),
        }

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """Most come with HTTP 200; a refresh token that is none does not."""
        from starlette.responses import JSONResponse

        if code == "invalid_client":
            return Answer(self.error(401))
        if code == "invalid_grant" and "refresh" in words:
            return Answer(self.error(400))
        detail = {"error_description": words} if code in ("unauthorized_client", "invalid_request") else {}
        return Answer(JSONResponse({"error": code, **detail}))

    def check_agent(self, request: Request, status: int) -> None:
        """Refuse a client that does not say who it is: none, a library's own words, a browser's."""
        agent = request.headers.get("user-agent", "").lower()
        if len(agent) >= 7 and not agent.startswith(_LIBRARIES):
            return
        if status == 429:
            raise Answer(self.too_many(Allowance(self.windows[0], 0, self.now(), False)))
        raise Answer(self.error(403, "blocked"))

    # the consent page ------------------------------------------------------------------------------

    def asked_scopes(self, asked: Json) -> frozenset[str]:
        return frozenset(str(asked.get("scope") or "").replace(",", " ").split())

    def app_asked(self, asked: Json) -> RegisteredApp:
        from starlette.responses import HTMLResponse

        try:
            return super().app_asked(asked)
        except Answer:
            words = "you sent an invalid request: invalid client id or redirect_uri"
            page = f"<!DOCTYPE html><title>bad request (reddit.com)</title><p>{words}</p>"
            raise Answer(HTMLResponse(page, 400)) from None

    def check_asked(self, asked: Json) -> None:
        self.app_asked(asked)

    def problem_of(self, asked: Json) -> str:
        scopes = self.asked_scopes(asked)
        if asked.get("response_type") != "code":
            return "unsupported_response_type"
        if not scopes or scopes - {"*", *_SCOPES.split()}:
            return "invalid_scope"
        wrong = asked.get("duration", "temporary") not in ("permanent", "temporary")
        return "invalid_request" if wrong or not asked.get("redirect_uri") else ""

    def sent_back(self, asked: Json, query: Json) -> str:
        """Browsers come back with an empty fragment of their own."""
        return f"{super().sent_back(asked, query)}#_"

    # tokens ----------------------------------------------------------------------------------------

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        """Basic, with an empty password for an installed app."""
        self.check_agent(request, 429)
        return super().client_of(request, given)

    def give_token(self, request: Request) -> Response:
        """``POST /api/v1/access_token``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        kind = str(given.get("grant_type"))
        if kind == "password":
            grant = self._with_password(app, given)
        elif kind in ("client_credentials", _INSTALLED):
            grant = self._app_only(app, kind, given)
        else:
            grant = self.redeem(given, app)
        return JSONResponse(self.token_answer(self.issue(grant)))

    def _with_password(self, app: RegisteredApp, given: Json) -> Grant:
        if app.details.get("kind") != "script":
            raise self.oauth_error("unauthorized_client", "Only script apps may use password auth")
        person = self.people.get(str(given.get("username")))
        if person is None or person.name not in app.details.get("developers", ()):
            raise self.oauth_error("invalid_grant", "")
        if given.get("password") != person.password:
            raise self.oauth_error("invalid_grant", "")
        if person.otp and given.get("otp") != person.otp:
            raise self.oauth_error("invalid_grant", "")
        scopes = self.asked_scopes(given) or frozenset({"*"})
        return Grant(person.name, scopes, app.client_id, self.serial("family")[:16])

    def _app_only(self, app: RegisteredApp, kind: str, given: Json) -> Grant:
        device = str(given.get("device_id", ""))
        if kind == _INSTALLED and not (20 <= len(device) <= 30):
            raise self.oauth_error("invalid_request", "bad device_id")
        if kind == "client_credentials" and not app.client_secret:
            raise self.oauth_error("unauthorized_client", "Only confidential clients may use it")
        return Grant("", frozenset({"*"}), app.client_id, self.serial("family")[:16], kind="app")

    def gives_refresh(self, grant: Grant) -> bool:
        return grant.details.get("duration") == "permanent"

    def token_answer(self, issued: Issued) -> Json:
        lives = issued.expires_in if issued.expires_in is not None else 86_400
        return {**super().token_answer(issued), "expires_in": lives}

    def revoke_token(self, request: Request) -> Response:
        """``POST /api/v1/revoke_token``: 200 and nothing, whatever the token was; a refresh token takes its access
        tokens along."""
        from starlette.responses import Response

        app = self.client_of(request, {})
        token = str(body(request).get("token"))
        held = self.refreshes.get(token) or self.grants.get(token)
        if held is not None and held.client_id == app.client_id:
            if token in self.refreshes:
                self.end_family(held.family)
            self.end(token)
        return Response(b"")

    # who am I --------------------------------------------------------------------------------------

    def grant(self, request: Request, *scopes: str) -> Grant:
        self.check_agent(request, 403)
        found = super().grant(request)
        missing = set() if "*" in found.scopes else set(scopes) - found.scopes
        if missing or (scopes and not found.username):
            raise Answer(self.scope_missing(missing))
        return found

    def followers(self, username: str) -> int:
        """How many follow the profile."""
        return 0

    def me(self, request: Request) -> Response:
        """``GET /api/v1/me``."""
        from starlette.responses import JSONResponse

        me = self.people[self.grant(request, "identity").username]
        profile = {
            "display_name": f"u_{me.name}",
            "subscribers": self.followers(me.name),
            "url": f"/user/{me.name}/",
        }
        return JSONResponse(
            {
                "name": me.name,
                "id": me.id,
                "link_karma": 120,
                "comment_karma": 80,
                "total_karma": 200,
                "icon_img": "https://www.redditstatic.com/avatars/defaults/v2/avatar_default_1.png",
                "is_suspended": me.suspended,
                "verified": True,
                "has_verified_email": True,
                "over_18": False,
                "subreddit": profile,
            }
        )
