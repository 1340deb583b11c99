"""The sandbox as a real server on loopback: APIs under a path per platform, the page, controls.

====================== ==============================================================================
``/<platform>/...``    the platform's API, faults included (a dropped connection is a closed socket)
``/``                  every timeline as a person would see it
``/files/...``         the media host: what platforms fetch by themselves
``/sandbox/state``     GET: accounts, timelines, transcript, planned faults, as JSON
``/sandbox/fault``     POST ``{"kind": "stored-then-500", "platform": "mastodon", "times": 1}``
``/sandbox/clock``     POST ``{"advance": 60}``
====================== ==============================================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from socialkit.errors import ConfigError

from .bodies import BadBody, read_body
from .dispatch import BASE
from .page import render
from .state import Answer, Dropped, Entry

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Site", "serving"]

Scope = dict[str, Any]
_START_SECONDS = 30.0
_GRACE = 0.005


class Site:
    """The whole sandbox as one ASGI app.

    ``hang_up(client)`` closes the socket of a client; without it a dropped connection raises.
    """

    def __init__(self, box: Sandbox, hang_up: Any = None) -> None:
        self._box = box
        self._hang_up = hang_up
        self._own = _control_app(box)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        name, _, rest = scope["path"].lstrip("/").partition("/")
        if name == "files":
            await self._box.files(scope, receive, send)
            return
        if name not in self._box.boxes:
            await self._own(scope, receive, send)
            return
        host = dict(scope["headers"]).get(b"host", b"127.0.0.1").decode("latin-1")
        raw = scope.get("raw_path") or scope["path"].encode()
        inner = {
            **scope,
            "path": f"/{rest}",
            "raw_path": raw[len(name) + 1 :] or b"/",
            "extensions": {**(scope.get("extensions") or {}), BASE: f"http://{host}/{name}"},
        }
        try:
            await self._box.app_for(name)(inner, receive, send)
        except (Dropped, asyncio.CancelledError):
            if self._hang_up is None:
                raise
            self._hang_up(scope["client"])
            while not (await receive())["type"].endswith(".disconnect"):
                pass


def _control_app(box: Sandbox) -> Any:
    """The page and the controls."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    async def page(request: Request) -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'"
        headers = {
            "content-security-policy": f"{policy}; form-action 'none'; frame-ancestors 'none'",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cache-control": "no-store",
        }
        return HTMLResponse(render(box), headers=headers)

    async def media(request: Request) -> Response:
        platform = box.boxes.get(request.path_params["platform"])
        if platform is None:
            return JSONResponse({"error": "no such platform"}, 404)
        try:
            return platform.media_file(request)
        except Answer as answer:
            return answer.response

    async def show_state(request: Request) -> Response:
        return JSONResponse(state(box))

    async def add_fault(request: Request) -> Response:
        return await _controlled(request, lambda given: _plan(box, given))

    async def move_clock(request: Request) -> Response:
        return await _controlled(request, lambda given: box.clock.advance(float(given["advance"])))

    async def _controlled(request: Request, act: Any) -> Response:
        """Only JSON: a page of another site cannot send that without asking first."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            return JSONResponse({"error": "send application/json"}, 415)
        try:
            given = (await read_body(kind, request.stream())).json()
            act(given)
        except (BadBody, ConfigError, KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)
        return JSONResponse({"now": box.clock.now().isoformat()})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/media/{platform}/{media_id}", media),
            Route("/sandbox/state", show_state),
            Route("/sandbox/fault", add_fault, methods=["POST"]),
            Route("/sandbox/clock", move_clock, methods=["POST"]),
        ]
    )


def _plan(box: Sandbox, given: Any) -> None:
    if not isinstance(given, dict):
        raise BadBody("the body is not an object")
    box.fault(given.pop("kind"), **given)


def state(box: Sandbox) -> dict[str, Any]:
    """The sandbox as JSON values; no secrets in it."""
    return {
        "now": box.clock.now().isoformat(),
        "timelines": {
            name: [_entry(entry) for entry in box.timeline(name)]
            for name, platform in box.boxes.items()
            if platform.publishes
        },
        "requests": [
            {
                "platform": line.platform,
                "method": line.method,
                "path": line.path,
                "status": line.status,
                "size": line.size,
                "step": line.step,
                "at": line.at.isoformat(),
            }
            for line in list(box.requests)
        ],
        "faults": [
            {"kind": f.kind, "platform": f.platform, "match": f.match, "times": f.times, **f.details}
            for f in box.faults.pending()
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    media = [
        {"id": medium.get("id"), "mime": medium.get("mime"), "alt": medium.get("alt")}
        for medium in entry.media
    ]
    return {
        "id": entry.id,
        "account": entry.account,
        "text": entry.text,
        "created_at": entry.created_at.isoformat(),
        "edited_at": entry.edited_at.isoformat() if entry.edited_at else None,
        "media": media,
        "reply_to": entry.reply_to,
        "quote": entry.quote,
        "warning": entry.warning,
        "visibility": entry.visibility,
    }


@contextlib.contextmanager
def serving(box: Sandbox, host: str, port: int) -> Iterator[str]:
    """Serve the box from a thread of its own while the block runs; gives the base URL."""
    try:
        import uvicorn
    except ImportError:
        raise ConfigError("serving needs the extra: pip install 'socialkit-py[sandbox]'") from None

    protocol, hang_up = _protocol()
    config = uvicorn.Config(
        Site(box, hang_up),
        http=protocol,
        ws="auto",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    listener = _listen(host, port)
    thread = threading.Thread(target=server.run, args=([listener],), name="socialkit-sandbox", daemon=True)
    grace, box.clock.grace = box.clock.grace, max(box.clock.grace, _GRACE)
    thread.start()
    try:
        _wait_until_up(server, thread)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        box.close()
        server.should_exit = True
        thread.join(10)
        listener.close()
        box.clock.grace = grace


def _listen(host: str, port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets that name the protocol; without it a request takes 44 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


def _wait_until_up(server: Any, thread: threading.Thread) -> None:
    up = threading.Event()
    for _ in range(int(_START_SECONDS / 0.005)):
        if server.started:
            return
        if not thread.is_alive():
            break
        up.wait(0.005)
    raise ConfigError("the sandbox's server did not start")


def _protocol() -> tuple[type[Any], Any]:
    """uvicorn's HTTP protocol that remembers its sockets, and a function that closes the one of a client."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    sockets: dict[Any, Any] = {}

    class Remembering(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            sockets[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            sockets.pop(self.client, None)
            super().connection_lost(exc)

    def hang_up(client: Any) -> None:
        transport = sockets.get(tuple(client))
        if transport is not None:
            transport.close()

    return Remembering, hang_up
