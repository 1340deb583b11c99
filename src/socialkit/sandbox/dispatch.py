"""The ASGI app around a platform: reads bodies, plays the faults, spends the limits, keeps the transcript."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from .bodies import BadBody, Body, read_body
from .faults import matches
from .state import Allowance, Dropped, Recorded, Turn, Window

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import PlatformBox, Sandbox

__all__ = ["BASE", "STEP", "FaultyApp", "SharedHost", "drive"]

Scope = dict[str, Any]
STEP = "socialkit.step"
BASE = "socialkit.base"


class FaultyApp:
    """The ASGI app around a platform: reads the body, plays the faults, keeps the transcript."""

    def __init__(self, box: Sandbox, platform: PlatformBox) -> None:
        self._box = box
        self._platform = platform

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._platform.app(scope, receive, send)
            return
        with self._box.clock.hold():
            await self._request(scope, receive, send)

    async def _request(self, scope: Scope, receive: Any, send: Any) -> None:
        platform, method, path = self._platform, scope["method"], scope["path"]
        if platform.ignores_trailing_slash and len(path) > 1:
            path = path.rstrip("/")
            scope = {**scope, "path": path}
        extensions = scope.get("extensions") or {}
        hit = self._box.faults.take(
            platform.platform,
            method,
            path,
            publish=platform.publish_match,
            upload=platform.upload_match,
            step=extensions.get(STEP),
        )
        query = _masked(scope.get("query_string", b"").decode("latin-1"))
        faults = {fault.kind: fault for fault in hit}
        turn = Turn(method, path, extensions.get(STEP), _base(scope), query, faults)
        given = scope.get("socialkit.body") or await read_scope(scope, receive)
        scope = {**scope, "socialkit.body": given}
        turn.size = given.size if isinstance(given, Body) else 0
        if (slow := turn.faults.get("slow")) is not None:
            await self._box.clock.sleep(slow.seconds)
        if "stored-later" in turn.faults:
            self._handle_later(turn, scope)
            await self._hang(turn, receive)
        if "dropped-before" in turn.faults:
            if "twin" in turn.faults:
                self._only_twin(turn, scope)
            self._record(turn, "dropped")
            raise Dropped
        messages = self._handle(turn, scope)
        if "dropped-after" in turn.faults:
            self._record(turn, "dropped")
            raise Dropped
        if "stored-then-hang" in turn.faults:
            await self._hang(turn, receive)
        if "stored-then-500" in turn.faults:
            messages = self._render(self._platform.error(500, message="Internal server error"), scope)
        self._record(turn, messages[0]["status"])
        for message in messages:
            await send(message)

    async def _hang(self, turn: Turn, receive: Any) -> None:
        self._record(turn, "hung")
        task = asyncio.current_task()
        assert task is not None
        held = (asyncio.get_running_loop(), task)
        self._box._hanging.add(held)
        try:
            with self._box.clock.idle():
                while (await receive())["type"] != "http.disconnect":
                    pass
        finally:
            self._box._hanging.discard(held)
        raise Dropped

    def _handle_later(self, turn: Turn, scope: Scope) -> None:
        seconds = turn.faults["stored-later"].seconds
        moment = self._box.clock.now() + timedelta(seconds=seconds)
        self._box.clock.call_at(moment, lambda: self._handle(turn, scope))

    def _only_twin(self, turn: Turn, scope: Scope) -> None:
        """Our request is lost, somebody else's identical one is not."""
        with self._box.lock, contextlib.ExitStack() as stack:
            for cache in self._platform.keys:
                stack.enter_context(cache.untouched())
                cache.clear()
            self._handle(turn, scope)
            for entry in turn.added:
                self._platform.forget(entry)

    def _handle(self, turn: Turn, scope: Scope) -> list[Scope]:
        """Run the platform's handler to its end, alone, and give its response messages."""
        platform = self._platform
        with self._box.lock:
            self._box.clock.run_due()
            platform.tick()
            platform.turn = turn
            try:
                messages = self._answer(turn, scope)
                if "deleted-meanwhile" in turn.faults:
                    for entry in turn.added:
                        platform.erase(entry)
                return messages
            finally:
                platform.turn = None

    def _answer(self, turn: Turn, scope: Scope) -> list[Scope]:
        from starlette.requests import Request

        platform = self._platform
        found = scope["socialkit.body"]
        if isinstance(found, BadBody):
            return self._render(platform.error(400, message=str(found)), scope)
        if "key-expired" in turn.faults:
            for cache in platform.keys:
                cache.clear()
        if "expired-token" in turn.faults:
            return self._render(platform.token_expired(), scope)
        tightest = self._limits(turn, Request(scope))
        if tightest is not None and not tightest.allowed:
            return self._render(platform.too_many(tightest), scope, platform.limit_headers(tightest))
        return drive(platform.app, scope, self._headers(tightest))

    def _limits(self, turn: Turn, request: Request) -> Allowance | None:
        """Spend every window the request matches; gives the one with the smallest share left."""
        platform = self._platform
        tightest: Allowance | None = None
        for window in platform.windows:
            key = platform.limit_key(window, request)
            if key is None or not matches(window.match, turn.method, turn.path):
                continue
            if "429" in turn.faults:
                platform.exhaust(window, key)
            left = platform.spend(window, key, platform.limit_cost(window, request))
            if not left.allowed:
                return left
            if tightest is None or _order(left) < _order(tightest):
                tightest = left
        if "429" in turn.faults:
            seconds = turn.faults["429"].seconds
            return Allowance(
                Window("fault", 0, seconds), 0, platform.now() + timedelta(seconds=seconds), False
            )
        return tightest

    def _headers(self, tightest: Allowance | None) -> dict[str, str]:
        extra = dict(self._platform.limit_headers(tightest)) if tightest is not None else {}
        return {"date": format_datetime(self._platform.now(), usegmt=True), **extra}

    def _render(
        self, response: Response, scope: Scope, headers: Mapping[str, str] | None = None
    ) -> list[Scope]:
        return drive(response, scope, {**self._headers(None), **(headers or {})})

    def _record(self, turn: Turn, status: int | str) -> None:
        platform = self._platform
        path, now = platform.redact(turn.path), self._box.clock.now()
        line = Recorded(platform.platform, turn.method, path, status, turn.step, now, turn.query, turn.size)
        with self._box.lock:
            self._box.requests.append(line)


class SharedHost:
    """The ASGI app of a host on which several platforms answer: whose a request is, its path and its body say."""

    def __init__(self, box: Sandbox, host: str) -> None:
        self._box = box
        self._host = host

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        from starlette.requests import Request

        with self._box.clock.hold():
            scope = {**scope, "socialkit.body": await read_scope(scope, receive)}
            with self._box.lock:
                there = self._box.box_for(self._host, Request(scope))
            assert there is not None
            await self._box.app_for(there.platform)(scope, receive, send)


async def read_scope(scope: Scope, receive: Any) -> Body | BadBody:
    """The body of the request, or what is wrong with it."""

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Dropped
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    try:
        return await read_body(content_type, chunks())
    except BadBody as error:
        return error


def _masked(query: str) -> str:
    """A query string without the values of anything that may be a secret."""
    secret = "token|secret|key|password|signature|code|proof|upload_id"
    return re.sub(rf"(?i)([^&=]*(?:{secret})[^&=]*)=[^&]*", r"\1=***", query)


def _order(left: Allowance) -> tuple[int, float]:
    """Smallest first: what the headers of an answer speak of."""
    return -left.window.rank, left.remaining / max(1, left.window.limit)


def _base(scope: Scope) -> str:
    """Where the request came in, as its client wrote it."""
    given = (scope.get("extensions") or {}).get(BASE)
    if given:
        return str(given)
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    return f"{scope.get('scheme', 'https')}://{host}"


def drive(app: Any, scope: Scope, headers: Mapping[str, str]) -> list[Scope]:
    """Run an ASGI app whose handlers never wait to its end, and give what it sent, with headers added."""
    sent: list[Scope] = []

    async def receive() -> Scope:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Scope) -> None:
        if message["type"] == "http.response.start":
            own = {name.lower() for name, _ in message["headers"]}
            extra = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
            added = [pair for pair in extra if pair[0] not in own]
            message = {**message, "headers": [*message["headers"], *added]}
        sent.append(message)

    run = app(scope, receive, send)
    try:
        run.send(None)
    except StopIteration:
        return sent
    run.close()
    raise RuntimeError(
        f"the handler of {scope['method']} {scope['path']} waits; sandbox handlers are plain functions"
    )
