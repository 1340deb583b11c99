"""A Lemmy server as far as people sign in to it: the API of 0.19 (v3) and that of 1.0 (v4, with what is left of v3).

Facts: source and API descriptions of Lemmy 0.19 and 1.0.0-beta, read in November 2026.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, ClassVar

from . import lemmy_site
from .core import Answer, body
from .sign_in import Grant, SignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["LemmyBox"]

Json = dict[str, Any]
WEEK = 604_800.0
"""Seconds a session of 1.0 lasts when nobody asked to stay logged in."""


class LemmyBox(SignIn):
    """A server with two people, ``brand`` and ``other``. ``release = "1.0.0"`` makes it one of the new generation.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["lemmy"]) as box:
    ...     print(sorted(box.lemmy.answers("password")))
    ['password', 'username']
    """

    platform: ClassVar[str] = "lemmy"
    title: ClassVar[str] = "Lemmy"
    publishes: ClassVar[bool] = False
    hosts = ("lemmy.example.com",)
    release: str = "0.19.12"

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": lemmy_site.Person("101", "brand", "Brand"),
            "other": lemmy_site.Person("102", "other", "Other"),
        }
        self.passwords = {username: self.digest("password", username)[:16] for username in self.people}
        self.totp: dict[str, str] = {}
        """username → the code that is also asked for."""
        self.inactive: dict[str, str] = {}
        """username → why nobody is let in: registration_created or verify_email_sent (no token is given), or an
        error such as site_ban."""

    def routes(self) -> list[BaseRoute]:
        table = (
            ("POST", "/api/v3/user/login", self.login),
            ("POST", "/api/v3/user/logout", self.logout),
            ("GET", "/api/v3/user/validate_auth", self.validate),
            ("GET", "/api/v3/site", self.site),
            ("POST", "/api/v4/account/auth/login", self.login),
            ("POST", "/api/v4/account/auth/logout", self.logout),
            ("GET", "/api/v4/account/validate_auth", self.validate),
            ("GET", "/api/v4/account", self.account),
            ("GET", "/api/v4/site", self.site),
            ("GET", "/nodeinfo/2.1", self.nodeinfo),
        )
        return [self.route(method, path, handler) for method, path, handler in table]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """What no route answers has an empty body."""
        from starlette.responses import JSONResponse, Response

        if not code and status in (404, 405):
            return Response(status_code=status)
        told = {"error": code or "unknown"}
        return JSONResponse(told | ({"message": message} if message else {}), status)

    # the person ------------------------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        """Name and password, and the code where one is asked for."""
        code = {"totp": self.totp[username]} if username in self.totp else {}
        return {"username": username, "password": self.passwords[username], **code}

    def change_password(self, username: str) -> None:
        """As in the settings: every session of the person ends."""
        self.passwords[username] = self.serial("password")[:16]
        for token in [token for token, grant in self.grants.items() if grant.username == username]:
            self.revoke(token)

    # the API ---------------------------------------------------------------------------------------

    def login(self, request: Request) -> Response:
        """``POST …/login``."""
        from starlette.responses import JSONResponse

        new = self._generation(request)
        given = body(request).json()
        username = self._known(given)
        flags = {"registration_created": False, "verify_email_sent": False}
        why = self.inactive.get(username)
        if why is not None and why not in flags:
            raise Answer(self.error(400, why))
        if why is not None:
            return JSONResponse({"jwt": None, **flags, why: True})
        stays = not self._is_new() or (new and given.get("stay_logged_in") is True)
        return JSONResponse({"jwt": self._session(username, stays), **flags})

    def _known(self, given: Json) -> str:
        """Whose name and password they are; the code is looked at after the password."""
        named = str(given.get("username_or_email") or "").lower().removesuffix("@example.com")
        if named not in self.people or given.get("password") != self.passwords[named]:
            raise Answer(self.error(401, "incorrect_login"))
        code = self.totp.get(named)
        if code and not given.get("totp_2fa_token"):
            raise Answer(self.error(400, "missing_totp_token"))
        if code and given["totp_2fa_token"] != code:
            raise Answer(self.error(400, "incorrect_totp_token"))
        return named

    def _session(self, username: str, stays: bool) -> str:
        claims = {"sub": self.people[username].id, "iss": self.hosts[0], "iat": int(self.now().timestamp())}
        parts = ({"typ": "JWT", "alg": "HS256"}, claims)
        head = ".".join(
            base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts
        )
        token = f"{head}.{self.serial('jwt')[:43]}"
        lives = {} if stays else {"until": self.now().timestamp() + WEEK}
        self.grants[token] = Grant(
            username, frozenset(), issued_at=self.now(), details=lives, kind="password"
        )
        return token

    def logout(self, request: Request) -> Response:
        """``POST …/logout``."""
        from starlette.responses import JSONResponse

        self._generation(request)
        self._who(request)
        self.revoke(self.bearer(request))
        return JSONResponse({"success": True})

    def validate(self, request: Request) -> Response:
        """``GET …/validate_auth``; of v3 it is not among what 1.0 kept."""
        from starlette.responses import JSONResponse

        if not self._generation(request) and self._is_new():
            raise Answer(self.error(404))
        self._who(request)
        return JSONResponse({"success": True})

    def site(self, request: Request) -> Response:
        """``GET …/site``: for everybody; v3 adds who asks, and says nothing about a token that is no good."""
        from starlette.responses import JSONResponse

        if self._generation(request):
            return JSONResponse(lemmy_site.site_v4(self.release, self.base))
        answer = lemmy_site.site_v3(self.release, self.base)
        grant = self._session_of(request)
        mine = {"my_user": lemmy_site.me_v3(self.people[grant.username], self.base)} if grant else {}
        return JSONResponse({**answer, **mine})

    def account(self, request: Request) -> Response:
        """``GET /api/v4/account``."""
        from starlette.responses import JSONResponse

        self._generation(request)
        return JSONResponse(lemmy_site.me_v4(self.people[self._who(request).username], self.base))

    def nodeinfo(self, request: Request) -> Response:
        """``GET /nodeinfo/2.1``."""
        from starlette.responses import JSONResponse

        software = {
            "name": "lemmy",
            "version": self.release,
            "repository": "https://github.com/LemmyNet/lemmy",
        }
        usage = {"users": {"total": 2}, "localPosts": 0, "localComments": 0}
        told = {"version": "2.1", "software": software, "protocols": ["activitypub"], "usage": usage}
        return JSONResponse({**told, "openRegistrations": True})

    def _is_new(self) -> bool:
        return not self.release.startswith("0.")

    def _generation(self, request: Request) -> bool:
        """Whether the request came over v4, which 0.19 has not."""
        new = "/api/v4/" in request.url.path
        if new and not self._is_new():
            raise Answer(self.error(404))
        return new

    def _session_of(self, request: Request) -> Grant | None:
        token = self.bearer(request) or request.cookies.get("jwt", "")
        grant = self.grant_of(token)
        if grant is None or self.now().timestamp() >= grant.details.get("until", float("inf")):
            return None
        return grant

    def _who(self, request: Request) -> Grant:
        grant = self._session_of(request)
        if grant is None:
            raise Answer(self.error(400, "not_logged_in"))
        return grant
