"""A Misskey server as far as people sign in to it: MiAuth, tokens with permissions, who they are.

Facts: source and API description of Misskey 2026.5, read in November 2026. Forks are not here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from . import misskey_me
from ._keyed import Keyed, Person
from .core import Answer, body
from .sign_in import Grant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["MisskeyBox"]

Json = dict[str, Any]


class MisskeyBox(Keyed):
    """A server with two people, ``brand`` and ``other``.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["misskey"]) as box:
    ...     print(box.misskey.address())
    https://misskey.example.com
    """

    platform: ClassVar[str] = "misskey"
    title: ClassVar[str] = "Misskey"
    publishes: ClassVar[bool] = False
    hosts = ("misskey.example.com",)
    scope_name: ClassVar[str] = "permission"
    scope_separator: ClassVar[str] = ","
    known_scopes: ClassVar[frozenset[str]] = frozenset(
        {"read:account", "read:chat", "read:drive", "read:notifications"}
        | {
            "write:chat",
            "write:drive",
            "write:notes",
            "write:notifications",
            "write:reactions",
            "write:votes",
        }
    )
    unticks: ClassVar[bool] = False

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Person("9zbrand001", "brand", "Brand"),
            "other": Person("9zother001", "other", "Other"),
        }
        self.sessions: dict[str, str] = {}
        """Session → the token that waits to be collected."""

    def routes(self) -> list[BaseRoute]:
        return [
            *self.consent_routes("/miauth/{session}"),
            self.route("POST", "/api/miauth/{session}/check", self.check),
            self.route("POST", "/api/i", self.me),
            self.route("POST", "/api/notes/create", self.create_note),
        ]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        named = code or {400: "INVALID_PARAM", 404: "UNKNOWN_API_ENDPOINT"}.get(status, "INTERNAL_ERROR")
        kind = {403: "permission", 500: "server"}.get(status, "client")
        about = {"message": message, "code": named, "id": _ERRORS[named], "kind": kind}
        headers = {"www-authenticate": 'Bearer realm="Misskey"'} if status == 401 else {}
        return JSONResponse({"error": about}, status, headers)

    def redact(self, path: str) -> str:
        return re.sub(r"(/miauth/)[^/]+", r"\1***", path)

    # the person ------------------------------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        """The token made in the settings, with every permission; {} for MiAuth, which asks for nothing."""
        return {"token": self.key_of(username)} if flow_name == "token" else {}

    def new_key(self, username: str, place: str) -> str:
        return self.digest("token", username, place)[:32]

    # MiAuth ----------------------------------------------------------------------------------------

    def asked_in(self, url: str) -> Json:
        asked, session = super().asked_in(url), urlsplit(url).path.rpartition("/")[2]
        return {**asked, "session": session, "redirect_uri": asked.get("callback", "")}

    def asked_scopes(self, asked: Json) -> frozenset[str]:
        """Permissions the server does not know are left out in silence."""
        return super().asked_scopes(asked) & self.known_scopes

    def check_asked(self, asked: Json) -> None:
        """The page takes any address."""

    def approve(self, url: str, username: str = "brand", *, untick: Iterable[str] = ()) -> str:
        asked = self.asked_in(url)
        token = self.serial("miauth")[:32]
        granted = self.asked_scopes(asked) - set(untick)
        self.grants[token] = Grant(username, granted, issued_at=self.now(), kind="key")
        self.sessions[asked["session"]] = token
        return self.sent_back(asked, {"session": asked["session"]})

    def deny(self, url: str) -> str:
        """The callback with a session nobody agreed to. The server itself only shows a page and sends nobody back."""
        asked = self.asked_in(url)
        return self.sent_back(asked, {"session": asked["session"]})

    def check(self, request: Request) -> Response:
        """``POST /api/miauth/{session}/check``: the token, once."""
        from starlette.responses import JSONResponse

        token = self.sessions.pop(request.path_params["session"], None)
        grant = self.grant_of(token) if token else None
        if grant is None:
            return JSONResponse({"ok": False})
        return JSONResponse({"ok": True, "token": token, "user": self._user(grant.username)})

    # the API ---------------------------------------------------------------------------------------

    def me(self, request: Request) -> Response:
        """``POST /api/i``."""
        from starlette.responses import JSONResponse

        name = self.allowed(request, "read:account")
        made = self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return JSONResponse({**self._user(name), **misskey_me.detailed(made)})

    def create_note(self, request: Request) -> Response:
        """``POST /api/notes/create``: only whether the token may; there is no timeline."""
        self.allowed(request, "write:notes")
        raise Answer(self.error(400, message="Invalid param."))

    def allowed(self, request: Request, permission: str) -> str:
        """Who asks; the token stands in the header, or in the JSON body as ``i``."""
        given = body(request).json()
        token = self.bearer(request) or (given.get("i") if isinstance(given, dict) else None)
        if not token:
            raise Answer(self.error(401, "CREDENTIAL_REQUIRED", "Credential required."))
        grant = self.grant_of(str(token))
        if grant is None:
            words = "Authentication failed. Please ensure your token is correct."
            raise Answer(self.error(401, "AUTHENTICATION_FAILED", words))
        if permission not in grant.scopes:
            words = "Your app does not have the necessary permissions to use this endpoint."
            raise Answer(self.error(403, "PERMISSION_DENIED", words))
        return grant.username

    def _user(self, username: str) -> Json:
        person = self.people[username]
        picture = {"avatarUrl": f"{self.base}/identicon/{username}", "avatarBlurhash": None}
        known = {"id": person.id, "username": username, "name": person.name, "host": None}
        return {**known, **picture, "avatarDecorations": [], "emojis": {}, "onlineStatus": "unknown"}


_ERRORS = {
    "INVALID_PARAM": "3d81ceae-475f-4600-b2a8-2bc116157532",
    "CREDENTIAL_REQUIRED": "1384574d-a912-4b81-8601-c7b1c4085df1",
    "AUTHENTICATION_FAILED": "b0a7f5f8-dc2f-4171-b91f-de88ad238e14",
    "PERMISSION_DENIED": "1370e5b7-d4eb-4566-bb1d-7748ee6a1838",
    "INTERNAL_ERROR": "5d37dbcb-891e-41ca-a3d6-e690c97775ac",
    "UNKNOWN_API_ENDPOINT": "2ca3b769-540a-4f08-9dd5-b5a825b6d0f1",
}
