"""Apps, the consent page, tokens and scopes of a Mastodon-API server."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlencode

from .core import Answer
from .mastodon_forms import params
from .sign_in import Grant, Issued, RegisteredApp, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox
    from .mastodon_servers import Software
    from .mastodon_views import Person

__all__ = ["Grants"]

Json = dict[str, Any]
OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"
_ALL = frozenset({"read", "write", "profile", "push"})
_PARTS = {
    "read": "accounts blocks bookmarks favourites filters follows lists mutes notifications search statuses",
    "write": (
        "accounts blocks bookmarks conversations favourites filters follows lists media mutes notifications reports "
        "statuses"
    ),
}
_KNOWN = frozenset({"read", "write", "follow", "push", "profile"}) | {
    f"{whole}:{part}" for whole, parts in _PARTS.items() for part in parts.split()
}
_VACUUM_SECONDS = 86_400.0


class Grants(SignIn):
    """The part of the box that knows who asks.

    Pleroma and Pixelfed give tokens that end, with refresh tokens; the lives of a personality's tokens are set with
    ``software``. Only servers that tell an API version of 2 or more (Mastodon 4.3) look at PKCE, know the scope
    ``profile``, take a list of callback addresses and have metadata; older ones drop an app that never got a token.
    """

    rotation: Literal["none", "grace", "strict"] = "strict"
    pkce: ClassVar[Literal["", "S256", "hex"]] = "S256"
    unticks: ClassVar[bool] = False
    client_auth: ClassVar[frozenset[str]] = frozenset({"body", "basic"})
    kind: Software
    people: dict[str, Person]

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._registered_at: dict[str, datetime] = {}

    def start_grants(self) -> None:
        """The app that tokens of :meth:`token` belong to."""
        self._register("Sandbox", [OUT_OF_BAND], sorted(_ALL), None)

    def grant_table(self) -> list[tuple[str, str, Callable[[Request], Response]]]:
        """Method, path and handler of everything in this file."""
        return [
            ("POST", "/api/v1/apps", self.register_app),
            ("GET", "/api/v1/apps/verify_credentials", self.verify_app),
            ("GET", "/oauth/authorize", self.show_consent),
            ("POST", "/oauth/authorize", self.press),
            ("GET", "/oauth/authorize/native", self.show_code),
            ("POST", "/oauth/token", self.give_token),
            ("POST", "/oauth/revoke", self.revoke_token),
            ("GET", "/oauth/userinfo", self.userinfo),
            ("GET", "/.well-known/oauth-authorization-server", self.metadata),
        ]

    @property
    def modern(self) -> bool:
        """Whether the server answers like Mastodon 4.3 or newer."""
        return (self.kind.api or 0) >= 2

    def token(self, username: str, scopes: str = "") -> str:
        """An access token of the account; the same every time for the same scopes (all when left out)."""
        token = self.digest("token", username, scopes)[:43]
        granted = frozenset(scopes.split()) or _ALL
        first = next(iter(self.apps))
        self.grants.setdefault(token, Grant(username, granted, first, issued_at=self.box.clock.now()))
        return token

    def vapid_key(self) -> str:
        """The server's public key for web push, in its form (nothing is ever pushed)."""
        return base64.urlsafe_b64encode(b"\x04" + bytes.fromhex(self.digest("vapid") * 2)).decode()

    # who asks ------------------------------------------------------------------------------------

    def asking(self, request: Request) -> Grant | None:
        """What the request's token stands for; None without a token. 401 for one that is not known."""
        token = self.bearer(request) or request.query_params.get("access_token", "")
        if not token:
            return None
        grant = self.grant_of(token)
        if grant is None:
            raise Answer(self._bad_token())
        return grant

    def _bad_token(self) -> Response:
        from starlette.responses import PlainTextResponse

        if self.kind.bad_token == "text400":
            return PlainTextResponse("Invalid Bearer token", 400)
        return self.token_expired()

    def user(self, request: Request, scope: str) -> Person:
        """The account that asks; refuses like the server when there is none or its token may not do this."""
        grant = self.asking(request)
        if grant is None:
            raise Answer(self._bad_token())
        if not grant.username:
            raise Answer(self.error(422, message="This method requires an authenticated user"))
        if not grant.covers(scope):
            raise Answer(self.error(403, message="This action is outside the authorized scopes"))
        return self.people[grant.username]

    def viewer(self, request: Request) -> Person | None:
        """The account that looks; None for anybody."""
        grant = self.asking(request)
        return self.people[grant.username] if grant is not None and grant.username else None

    def app_name(self, request: Request) -> str:
        """The name of the app the token was given to."""
        grant = self.asking(request)
        return self.apps[grant.client_id].name if grant is not None else ""

    # apps ----------------------------------------------------------------------------------------

    def register_app(self, request: Request) -> Response:
        """``POST /api/v1/apps``."""
        from starlette.responses import JSONResponse

        given = params(request)
        name, uris = given.get("client_name"), given.get("redirect_uris")
        if not name or not uris or (isinstance(uris, list) and self.stock and not self.modern):
            raise Answer(self.error(422, message="Validation failed: Redirect URI can't be blank"))
        uris = uris if isinstance(uris, list) else str(uris).split()
        scopes = str(given.get("scopes") or "read").split()
        if self.stock and not self._known(scopes):
            words = "Validation failed: Scopes doesn't match configured on the server."
            raise Answer(self.error(422, message=words))
        app = self._register(str(name), [str(uri) for uri in uris], scopes, given.get("website"))
        secret = {"client_secret": app.client_secret, "client_secret_expires_at": 0}
        return JSONResponse({**app.details, "client_id": app.client_id, **secret})

    @property
    def stock(self) -> bool:
        """Whether it is Mastodon itself."""
        return self.kind.name == "mastodon"

    def _known(self, scopes: list[str]) -> bool:
        return _KNOWN.issuperset(scopes) and (self.modern or "profile" not in scopes)

    def _register(self, name: str, uris: list[str], scopes: list[str], website: str | None) -> RegisteredApp:
        number = len(self.apps) + 1
        shown: Json = {
            "id": str(number),
            "name": name,
            "website": website,
            "scopes": scopes,
            "redirect_uris": uris,
            "redirect_uri": "\n".join(uris),
            "vapid_key": self.vapid_key(),
        }
        client_id, secret = self.digest("client", number)[:43], self.digest("secret", number)[:43]
        app = RegisteredApp(client_id, secret, tuple(uris), name, shown)
        self.apps[client_id] = app
        self._registered_at[client_id] = self.box.clock.now()
        return app

    def verify_app(self, request: Request) -> Response:
        """``GET /api/v1/apps/verify_credentials``."""
        from starlette.responses import JSONResponse

        if not self.kind.app_check:
            raise Answer(self.error(404))
        grant = self.asking(request)
        if grant is None:
            raise Answer(self._bad_token())
        return JSONResponse(self.apps[grant.client_id].details)

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        return {"access_token": self.token(username)} if flow_name == "token" else {}

    # consent -------------------------------------------------------------------------------------

    def problem_of(self, asked: Json) -> str:
        app = self.apps[str(asked["client_id"])]
        scopes = self.asked_scopes(asked)
        allowed = Grant("", frozenset(app.details["scopes"]))
        if not all(allowed.covers(scope) for scope in scopes):
            return "invalid_scope"
        if self.modern and asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            return "invalid_request"
        return ""

    def asked_scopes(self, asked: Json) -> frozenset[str]:
        return super().asked_scopes(asked) or frozenset({"read"})

    def challenge_holds(self, asked: Json, given: Json) -> bool:
        return not self.modern or super().challenge_holds(asked, given)

    def sent_back(self, asked: Json, query: Json) -> str:
        if asked.get("redirect_uri") == OUT_OF_BAND:
            return f"{self.base}/oauth/authorize/native?{urlencode(query)}"
        return super().sent_back(asked, query)

    def show_code(self, request: Request) -> Response:
        """``GET /oauth/authorize/native``: the code to copy, where there is no address to go back to."""
        from html import escape

        from starlette.responses import HTMLResponse

        code = escape(request.query_params.get("code", ""))
        words = f"<p>Copy this code and paste it into the app:</p><p><code>{code}</code></p>"
        return HTMLResponse(f"<!DOCTYPE html><title>{self.title}</title>{words if code else '<p>Denied</p>'}")

    # tokens --------------------------------------------------------------------------------------

    def app_of_request(self, request: Request) -> RegisteredApp:
        """The app that proves itself; an old server may have dropped one that never got a token."""
        given = params(request)
        app = self.client_of(request, given)
        age = (self.now() - self._registered_at[app.client_id]).total_seconds()
        unused = all(grant.client_id != app.client_id for grant in self.grants.values())
        if self.stock and not self.modern and unused and age > _VACUUM_SECONDS:
            del self.apps[app.client_id]
            raise self.oauth_error("invalid_client", "Client authentication failed", 401)
        return app

    def give_token(self, request: Request) -> Response:
        """``POST /oauth/token``: for a code, a refresh token, or the app itself."""
        from starlette.responses import JSONResponse

        given = params(request)
        app = self.app_of_request(request)
        if self.kind.name == "gotosocial" and not given.get("redirect_uri"):
            raise self.oauth_error("invalid_request", "redirect_uri was not set")
        if given.get("grant_type") == "client_credentials":
            return JSONResponse(self._app_token(app, given))
        if given.get("grant_type") == "refresh_token" and math.isinf(self.access_seconds):
            raise self.oauth_error("unsupported_grant_type", "The grant type is not supported")
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def _app_token(self, app: RegisteredApp, given: Json) -> Json:
        scopes = frozenset(str(given.get("scope") or "read").split())
        allowed = Grant("", frozenset(app.details["scopes"]))
        if not all(allowed.covers(scope) for scope in scopes):
            raise self.oauth_error("invalid_scope", "The requested scope is not allowed")
        token = self.digest("app token", app.details["id"], *sorted(scopes))[:43]
        grant = Grant("", scopes, app.client_id, issued_at=self.now(), kind="app")
        self.grants[token] = grant
        return {**super().token_answer(Issued(token, "", grant)), **self._stamped()} | {
            "token_type": "Bearer"
        }

    def _stamped(self) -> Json:
        return {"created_at": int(self.now().timestamp())}

    def token_answer(self, issued: Issued) -> Json:
        return {**super().token_answer(issued), "token_type": "Bearer", **self._stamped()}

    def revoke_token(self, request: Request) -> Response:
        """``POST /oauth/revoke``."""
        from starlette.responses import JSONResponse

        app = self.app_of_request(request)
        token = str(params(request).get("token"))
        grant = self.grants.get(token) or self.refreshes.get(token)
        if grant is not None and grant.client_id != app.client_id:
            raise self.oauth_error("unauthorized_client", "The token is another app's", 403)
        self.revoke(token)
        return JSONResponse({})

    def userinfo(self, request: Request) -> Response:
        """``GET /oauth/userinfo``, from Mastodon 4.4 on."""
        from starlette.responses import JSONResponse

        if (self.kind.api or 0) < 4:
            raise Answer(self.error(404))
        me = self.user(request, "profile")
        profile = f"{self.base}/@{me.username}"
        shown = {"name": me.display_name, "preferred_username": me.username, "profile": profile}
        return JSONResponse({"iss": f"{self.base}/", "sub": f"{self.base}/users/{me.username}", **shown})

    def metadata(self, request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server``, from Mastodon 4.3 on."""
        from starlette.responses import JSONResponse

        if not self.modern:
            raise Answer(self.error(404))
        userinfo = {"userinfo_endpoint": f"{self.base}/oauth/userinfo"} if (self.kind.api or 0) >= 4 else {}
        return JSONResponse(
            {
                "issuer": f"{self.base}/",
                "authorization_endpoint": f"{self.base}/oauth/authorize",
                "token_endpoint": f"{self.base}/oauth/token",
                "revocation_endpoint": f"{self.base}/oauth/revoke",
                **userinfo,
                "app_registration_endpoint": f"{self.base}/api/v1/apps",
                "scopes_supported": sorted(_KNOWN),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
        )
