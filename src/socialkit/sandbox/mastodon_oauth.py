"""Apps, tokens and scopes of a Mastodon-API server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from .core import Answer, PlatformBox
from .mastodon_forms import params

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .mastodon_servers import Software
    from .mastodon_views import Person

__all__ = ["Grant", "Grants"]

Json = dict[str, Any]
_ALL = frozenset({"read", "write", "profile", "push"})


@attrs.frozen
class Grant:
    """What an access token stands for; ``username`` None is an app's own token."""

    username: str | None
    scopes: frozenset[str]
    app: str

    def covers(self, scope: str) -> bool:
        """Whether it may do what needs ``scope``."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes


class Grants(PlatformBox):
    """The part of the box that knows who asks."""

    kind: Software
    people: dict[str, Person]

    def start_grants(self) -> None:
        """No tokens, and the app they will belong to."""
        self.grants: dict[str, Grant] = {}
        self.apps: dict[str, Json] = {}
        self._add_app("Sandbox", ["urn:ietf:wg:oauth:2.0:oob"], sorted(_ALL), None)

    def grant_table(self) -> list[tuple[str, str, Callable[[Request], Response]]]:
        """Method, path and handler of everything in this file."""
        return [
            ("POST", "/api/v1/apps", self.register_app),
            ("GET", "/api/v1/apps/verify_credentials", self.verify_app),
            ("POST", "/oauth/token", self.give_token),
            ("POST", "/oauth/revoke", self.revoke_token),
            ("GET", "/.well-known/oauth-authorization-server", self.metadata),
        ]

    def token(self, username: str, scopes: str = "") -> str:
        """An access token of the account; the same every time for the same scopes (all when left out)."""
        token = self.digest("token", username, scopes)[:43]
        granted = frozenset(scopes.split()) or _ALL
        self.grants.setdefault(token, Grant(username, granted, "Sandbox"))
        return token

    def vapid_key(self) -> str:
        """The server's public key for web push, in its form (nothing is ever pushed)."""
        return base64.urlsafe_b64encode(b"\x04" + bytes.fromhex(self.digest("vapid") * 2)).decode()

    def revoke(self, token: str) -> None:
        """Make a token invalid, as a person does in the settings."""
        self.grants.pop(token, None)

    def grant(self, request: Request) -> Grant | None:
        """What the request's token stands for; None without a token. 401 for one that is not known."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        token = token or request.query_params.get("access_token", "")
        if not token:
            return None
        if token not in self.grants:
            raise Answer(self._bad_token())
        return self.grants[token]

    def _bad_token(self) -> Response:
        from starlette.responses import PlainTextResponse

        if self.kind.bad_token == "text400":
            return PlainTextResponse("Invalid Bearer token", 400)
        return self.token_expired()

    def user(self, request: Request, scope: str) -> Person:
        """The account that asks; refuses like the server when there is none or its token may not do this."""
        grant = self.grant(request)
        if grant is None:
            raise Answer(self._bad_token())
        if grant.username is None:
            raise Answer(self.error(422, message="This method requires an authenticated user"))
        if not grant.covers(scope):
            raise Answer(self.error(403, message="This action is outside the authorized scopes"))
        return self.people[grant.username]

    def viewer(self, request: Request) -> Person | None:
        """The account that looks; None for anybody."""
        grant = self.grant(request)
        return self.people[grant.username] if grant is not None and grant.username else None

    def app_name(self, request: Request) -> str:
        """The name of the app the token was given to."""
        grant = self.grant(request)
        return grant.app if grant is not None else ""

    def register_app(self, request: Request) -> Response:
        """``POST /api/v1/apps``."""
        from starlette.responses import JSONResponse

        given = params(request)
        name, uris = given.get("client_name"), given.get("redirect_uris")
        if not name or not uris:
            raise Answer(self.error(422, message="Validation failed: Name can't be blank"))
        uris = uris if isinstance(uris, list) else str(uris).split()
        scopes = str(given.get("scopes") or "read").split()
        return JSONResponse(
            self._add_app(str(name), [str(uri) for uri in uris], scopes, given.get("website"))
        )

    def _add_app(self, name: str, uris: list[str], scopes: list[str], website: str | None) -> Json:
        number = len(self.apps) + 1
        app: Json = {
            "id": str(number),
            "name": name,
            "website": website,
            "scopes": scopes,
            "redirect_uris": uris,
            "redirect_uri": "\n".join(uris),
            "client_id": self.digest("client", number)[:43],
            "client_secret": self.digest("secret", number)[:43],
            "client_secret_expires_at": 0,
            "vapid_key": self.vapid_key(),
        }
        self.apps[app["client_id"]] = app
        return app

    def verify_app(self, request: Request) -> Response:
        """``GET /api/v1/apps/verify_credentials``."""
        from starlette.responses import JSONResponse

        if not self.kind.app_check:
            raise Answer(self.error(404))
        grant = self.grant(request)
        if grant is None:
            raise Answer(self._bad_token())
        app = next((app for app in self.apps.values() if app["name"] == grant.app), None)
        hidden = ("client_id", "client_secret", "client_secret_expires_at")
        shown = {name: value for name, value in (app or {}).items() if name not in hidden}
        return JSONResponse({"name": grant.app, "website": None, "scopes": sorted(grant.scopes), **shown})

    def _client(self, given: Json) -> Json:
        app = self.apps.get(str(given.get("client_id")))
        if app is None or app["client_secret"] != given.get("client_secret"):
            raise Answer(self._oauth_error("invalid_client", "Client authentication failed", 401))
        return app

    def _oauth_error(self, code: str, words: str, status: int = 400) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse({"error": code, "error_description": words}, status)

    def give_token(self, request: Request) -> Response:
        """``POST /oauth/token`` with ``grant_type=client_credentials``."""
        from starlette.responses import JSONResponse

        given = params(request)
        app = self._client(given)
        if given.get("grant_type") != "client_credentials":
            raise Answer(self._oauth_error("unsupported_grant_type", "The grant type is not supported"))
        if self.kind.name == "gotosocial" and not given.get("redirect_uri"):
            raise Answer(self._oauth_error("invalid_request", "redirect_uri was not set"))
        scopes = frozenset(str(given.get("scope") or "read").split())
        if not all(scope in app["scopes"] or scope.partition(":")[0] in app["scopes"] for scope in scopes):
            raise Answer(self._oauth_error("invalid_scope", "The requested scope is not allowed"))
        token = self.digest("app token", app["id"], *sorted(scopes))[:43]
        self.grants[token] = Grant(None, scopes, app["name"])
        answer = {"access_token": token, "token_type": "Bearer", "scope": " ".join(sorted(scopes))}
        return JSONResponse({**answer, "created_at": int(self.now().timestamp())})

    def revoke_token(self, request: Request) -> Response:
        """``POST /oauth/revoke``."""
        from starlette.responses import JSONResponse

        given = params(request)
        app = self._client(given)
        grant = self.grants.get(str(given.get("token")))
        if grant is not None and grant.app != app["name"]:
            raise Answer(self._oauth_error("unauthorized_client", "The token is another app's", 403))
        self.grants.pop(str(given.get("token")), None)
        return JSONResponse({})

    def metadata(self, request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server``, from Mastodon 4.3 on."""
        from starlette.responses import JSONResponse

        if (self.kind.api or 0) < 2:
            raise Answer(self.error(404))
        return JSONResponse(
            {
                "issuer": f"{self.base}/",
                "authorization_endpoint": f"{self.base}/oauth/authorize",
                "token_endpoint": f"{self.base}/oauth/token",
                "revocation_endpoint": f"{self.base}/oauth/revoke",
                "app_registration_endpoint": f"{self.base}/api/v1/apps",
                "scopes_supported": ["read", "write", "profile", "push"],
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }
        )
