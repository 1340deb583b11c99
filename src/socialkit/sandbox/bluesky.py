"""Bluesky as its hosts speak: the account's server and the entryway, the AppView, the video service, the directory.

In process each host answers what it answers in the world; on loopback one address answers for all. Facts: the
lexicons and the source of the reference server 0.5.35, and that server measured, in November 2026.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from .bluesky_appview import AppView
from .bluesky_video import Videos
from .bodies import BadBody
from .core import Allowance, Window, body
from .faults import matches

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["BlueskyBox"]

_WRITES = r"POST /xrpc/com\.atproto\.repo\.(createRecord|putRecord|deleteRecord|applyWrites)"
_SIGN_IN = r"POST /xrpc/com\.atproto\.server\.createSession"
_POINTS = {"createRecord": 3, "putRecord": 2, "deleteRecord": 1}
_OF_WRITE = {"#create": 3, "#update": 2}


class BlueskyBox(AppView, Videos):
    """A network with the accounts ``brand.example``, ``alice.example`` and ``bob.test``; the brand is signed in.

    A post's entry has its record key as id. The fault ``key-ignored`` means that ``swapRecord`` of that request is
    not looked at; there are no keys that could be forgotten, so ``key-expired`` does nothing.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["bluesky"]) as box:
    ...     print(box.bluesky.person("brand.example").did)
    did:plc:x6vuqj743zxy6scnyaf4gaa2
    """

    title: ClassVar[str] = "Bluesky"
    hosts = tuple(AppView.roles)
    publish_match: ClassVar[str] = r"POST /xrpc/com\.atproto\.repo\.(putRecord|createRecord|applyWrites)"
    upload_match: ClassVar[str] = r"POST /xrpc/app\.bsky\.video\.(uploadVideo|finishUpload)"
    windows = (
        Window("global-ip", 3000, 300.0, r"* /xrpc/.*", per="ip", aligned=False),
        Window("repo-write-hour", 5000, 3600.0, _WRITES, per="account", aligned=False),
        Window("repo-write-day", 35_000, 86_400.0, _WRITES, per="account", aligned=False),
        Window("session-five-minutes", 30, 300.0, _SIGN_IN, per="identifier", aligned=False),
        Window("session-day", 300, 86_400.0, _SIGN_IN, per="identifier", aligned=False),
        Window(
            "blob-day", 1000, 86_400.0, r"POST /xrpc/com\.atproto\.repo\.uploadBlob", per="ip", aligned=False
        ),
    )

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._spending: list[tuple[Window, str]] = []
        for handle in ("brand.example", "alice.example", "bob.test"):
            self.add_person(handle)

    # the core's questions ------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        table = [*self.account_table(), *self.repo_table(), *self.app_table(), *self.video_table()]
        known = {name for _, name, _, _ in table}
        return [
            *(
                self.route(method, f"/xrpc/{name}", self._on(role, handler))
                for method, name, role, handler in table
            ),
            *self.oauth_routes(),
            self.route("GET", "/xrpc/_health", self.health),
            *(self.route(method, "/xrpc/{name}", self._unknown(known)) for method in ("GET", "POST")),
            self.route("GET", "/{did}", self.directory),
        ]

    def _on(self, role: str, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """The handler on the hosts that have it: the account's server passes on what the AppView answers."""
        hosts = {"app": ("app", "pds"), "any": ("app", "pds")}.get(role, (role,))

        def answer(request: Request) -> Response:
            if self.role != "all" and self.role not in hosts:
                raise self.refuse("", status=501)
            bound = request.headers.get("authorization", "").lower().startswith("dpop ")
            return self.with_nonce(handler)(request) if bound else handler(request)

        return answer

    def _unknown(self, known: set[str]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if request.path_params["name"] in known:
                other = "GET" if request.method == "POST" else "POST"
                raise self.refuse(f"Incorrect HTTP method ({request.method}) expected {other}")
            raise self.refuse("", status=501)

        return answer

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {
            "handle": "brand.example",
            "app_password": self.app_password("brand.example"),
            "server": base_url or f"https://{self.entryway}",
            "video": base_url or f"https://{self.video_host}",
        }

    def tick(self) -> None:
        self.run_jobs()
        self.collect_blobs()

    # limits --------------------------------------------------------------------------------------

    def limit_key(self, window: Window, request: Request) -> str | None:
        if window is self.windows[0]:
            self._spending.clear()
        key = self._spender(window, request)
        if key is not None and matches(window.match, request.method, request.url.path):
            self._spending.append((window, key))
        return key

    def _spender(self, window: Window, request: Request) -> str | None:
        path = request.url.path
        if self.role not in ("pds", "all") or path.startswith("/xrpc/app.bsky.video."):
            return None
        if window.per == "ip":
            return "127.0.0.1"
        if window.per == "account":
            return self.caller(request)
        return self._identifier(request) if path.endswith(".createSession") else None

    def _identifier(self, request: Request) -> str | None:
        try:
            given = body(request).json()
        except BadBody:
            return None
        name = given.get("identifier") if isinstance(given, dict) else None
        return f"{name}-127.0.0.1" if isinstance(name, str) else None

    def limit_cost(self, window: Window, request: Request) -> int:
        if not window.name.startswith("repo-write"):
            return 1
        name = request.url.path.rpartition(".")[2]
        if name != "applyWrites":
            return _POINTS[name]
        return sum(_OF_WRITE.get(kind, 1) for kind in self._kinds(request))

    def _kinds(self, request: Request) -> list[str]:
        try:
            given = body(request).json()
        except BadBody:
            return []
        writes = given.get("writes") if isinstance(given, dict) else None
        rows = writes if isinstance(writes, list) else []
        return [f"#{str(one.get('$type')).rpartition('#')[2]}" for one in rows if isinstance(one, dict)]

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        """Of the window with the fewest units left, whatever its size."""
        shown = allowance
        if allowance.allowed:
            left = [self.spend(window, key, 0) for window, key in self._spending]
            shown = min(left, key=lambda one: one.remaining, default=allowance)
        limit, seconds = max(shown.window.limit, 1), int(shown.window.seconds)
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(shown.remaining),
            "RateLimit-Reset": str(math.ceil(shown.reset.timestamp())),
            "RateLimit-Policy": f"{limit};w={seconds}",
        }
        if not shown.allowed:
            wait = (shown.reset - self.now()).total_seconds()
            headers["Retry-After"] = str(max(1, math.ceil(wait)))
        return headers

    def too_many(self, allowance: Allowance) -> Response:
        return self.error(429, message="Rate Limit Exceeded")
