"""Ghost's Admin API as far as a key says whose site it is: short-lived tokens signed with the key, checked to the byte.

Facts: source of Ghost 6.65, read in November 2026.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from ._keyed import Keyed
from .core import Answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["GhostBox"]

Json = dict[str, Any]
_LIVES = 300
_API = "/ghost/api/admin"


@attrs.frozen
class Site:
    """One Ghost installation: the account is the site. ``url`` is where it is read."""

    id: str
    name: str
    url: str


class GhostBox(Keyed):
    """Two sites, ``brand`` and ``other``, with an integration each.

    Both are reached at one address, and the key of the request tells which one answers (``brand``, without one).

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["ghost"]) as box:
    ...     print(box.ghost.address())
    https://ghost.example.com
    """

    platform: ClassVar[str] = "ghost"
    title: ClassVar[str] = "Ghost"
    publishes: ClassVar[bool] = False
    hosts = ("ghost.example.com",)
    integrations: bool = True
    """False: the plan has no custom integrations, and their keys are refused."""
    uuids: bool = True
    """False: the site is of an older release, which does not tell its uuid."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        for name in ("brand", "other"):
            number = str(uuid.UUID(self.digest("site", name)[:32], version=4))
            self.people[name] = Site(number, name.title(), f"https://{name}.example.com/")

    def routes(self) -> list[BaseRoute]:
        return [
            self.route("GET", f"{_API}/site/", self.site),
            self.route("GET", f"{_API}/config/", self.config),
            self.route("GET", f"{_API}/posts/", self.posts),
            self.route("GET", f"{_API}/links/", self.forbidden),
        ]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        words = message or {404: "Resource not found"}.get(status, "An unexpected error occurred.")
        return self._told(status, _KINDS.get(status, "InternalServerError"), code, words)

    def _told(self, status: int, kind: str, code: str, message: str) -> Response:
        from starlette.responses import JSONResponse

        number = str(uuid.UUID(self.serial("error")[:32], version=4))
        about: Json = {"message": message, "context": None, "type": kind, "details": None, "property": None}
        about |= {"help": None, "code": code or None, "id": number, "ghostErrorCode": None}
        return JSONResponse({"errors": [about]}, status, self._headers())

    # the person ------------------------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        return {"admin_key": self.key_of(username)}

    def identity_of(self, username: str) -> str:
        return str(self.people[username].id if self.uuids else self.people[username].url)

    def new_key(self, username: str, place: str) -> str:
        return f"{self.digest('kid', username)[:24]}:{self.digest('secret', username, place)}"

    def revoke(self, token: str) -> None:
        """End a key, given whole or by its secret alone."""
        for key in [key for key in self.grants if token in (key, key.partition(":")[2])]:
            super().revoke(key)

    # the API ---------------------------------------------------------------------------------------

    def site(self, request: Request) -> Response:
        """``GET /site/``: for everybody; what the header says is not looked at."""
        from starlette.responses import JSONResponse

        name = self._asked_site(request)
        about = {"title": self.people[name].name, "description": "Thoughts", "logo": None, "icon": None}
        about |= {"cover_image": None, "accent_color": "#FF1A75", "locale": "en", "timezone": "Etc/UTC"}
        about |= {"url": self.people[name].url, "version": "6.65", "allow_external_signup": True}
        about |= {"site_uuid": self.people[name].id} if self.uuids else {}
        return JSONResponse({"site": about}, headers=self._headers())

    def config(self, request: Request) -> Response:
        """``GET /config/``: with a key."""
        from starlette.responses import JSONResponse

        self.authenticated(request)
        about: Json = {"version": "6.65.0", "environment": "production", "database": "mysql8", "mail": "SMTP"}
        about |= {"useGravatar": True, "labs": {}, "clientExtensions": {}, "stripeDirect": False}
        about |= {"enableDeveloperExperiments": False, "mailgunIsConfigured": False, "emailAnalytics": True}
        return JSONResponse({"config": about}, headers=self._headers())

    def posts(self, request: Request) -> Response:
        """``GET /posts/``: with a key; there are none."""
        from starlette.responses import JSONResponse

        self.authenticated(request)
        pages = {"page": 1, "limit": 15, "pages": 1, "total": 0, "next": None, "prev": None}
        return JSONResponse({"posts": [], "meta": {"pagination": pages}}, headers=self._headers())

    def forbidden(self, request: Request) -> Response:
        """What an integration may not read."""
        self.authenticated(request)
        raise Answer(self.error(403, message="You do not have permission to browse links"))

    # keys ------------------------------------------------------------------------------------------

    def authenticated(self, request: Request) -> str:
        """Whose key signed the request; refused as the server refuses."""
        given = request.headers.get("authorization")
        if given is None:
            raise Answer(self.error(403, message="Authorization failed"))
        token = re.fullmatch(r"(?i:Ghost) (\S+)", given)
        if token is None:
            words = 'Authorization header format is "Authorization: Ghost [token]"'
            raise Answer(self.error(401, "INVALID_AUTH_HEADER", words))
        name, secret = self._key_of_token(token[1])
        problem = self._problem(token[1], bytes.fromhex(secret))
        if problem:
            raise Answer(self.error(401, "INVALID_JWT", f"Invalid token: {problem}"))
        return name

    def _key_of_token(self, token: str) -> tuple[str, str]:
        """The site and the secret of the key the token names."""
        head = _decoded(token, 0)
        if head is None or _decoded(token, 1) is None:
            raise Answer(self.error(400, "INVALID_JWT", "Invalid token"))
        if not head.get("kid"):
            raise Answer(self.error(400, "MISSING_ADMIN_API_KID", "Admin API kid missing."))
        for key, grant in self.grants.items():
            number, _, secret = key.partition(":")
            if number == head["kid"]:
                self._check_plan()
                return grant.username, secret
        raise Answer(self.error(401, "UNKNOWN_ADMIN_API_KEY", "Unknown Admin API Key"))

    def _check_plan(self) -> None:
        if not self.integrations:
            words = "Host Limit error, cannot use custom integrations."
            raise Answer(self._told(403, "HostLimitError", "", words))

    def _problem(self, token: str, secret: bytes) -> str:
        """What is wrong with a token, in the words of the library the server uses; "" for nothing."""
        head, claims = _decoded(token, 0) or {}, _decoded(token, 1) or {}
        signed, _, signature = token.rpartition(".")
        now, issued, ends = int(self.now().timestamp()), claims.get("iat"), claims.get("exp")
        if head.get("alg") != "HS256":
            return "invalid algorithm"
        if signature != _signature(signed, secret):
            return "invalid signature"
        if ends is not None and now >= ends:
            return "jwt expired"
        if not re.search(r"/?admin/?$", str(claims.get("aud", ""))):
            return "jwt audience invalid. expected: /\\/?admin\\/?$/"
        if issued is None:
            return "iat required when maxAge is specified"
        return "maxAge exceeded" if now >= issued + _LIVES else ""

    def _asked_site(self, request: Request) -> str:
        """The site of the key in the header; the server itself does not look at it here."""
        token = request.headers.get("authorization", "").partition(" ")[2]
        number = (_decoded(token, 0) or {}).get("kid")
        keyed = (grant.username for key, grant in self.grants.items() if key.startswith(f"{number}:"))
        return next(keyed, "brand")

    def _headers(self) -> dict[str, str]:
        return {"content-version": "v6.65", "vary": "Accept-Version, Origin, Accept-Encoding"}


_KINDS = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "NoPermissionError",
    404: "NotFoundError",
    405: "NotFoundError",
}


def _decoded(token: str, part: int) -> Json | None:
    """The header (0) or the claims (1) of a token; None when they are not to be read."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        read = json.loads(base64.urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _signature(signed: str, secret: bytes) -> str:
    digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
