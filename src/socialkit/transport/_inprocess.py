"""Requests that are answered by apps in this process, as if at the end of a wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import httpx

from .._clock import Clock, SystemClock
from ._asgi import ASGIApp, Talk, Visit, make_scope, socket_scope
from ._errors import AnswerLost, Unreachable


class InProcess(httpx.AsyncBaseTransport):
    """Answers requests and web sockets with ASGI apps in this process, chosen by host, as if at the end of a wire.

    The app is shielded: it goes on when the client gives up, and then sees ``http.disconnect``. The read
    timeout counts on ``clock``. An app that raises one of ``dropped`` closes the connection, before its
    answer or in the middle of it; what else it raises is raised here. Request bodies stream, answers are
    collected. A host without an app cannot be reached. ``scope["extensions"]`` holds ``socialkit.step``.

    >>> import asyncio
    >>> from socialkit.transport import Transport
    >>> async def app(scope, receive, send):
    ...     await send({"type": "http.response.start", "status": 204, "headers": []})
    ...     await send({"type": "http.response.body", "body": b""})
    >>> transport = Transport(transport=InProcess({"example.com": app}.get))
    >>> asyncio.run(transport.send("GET", "https://example.com/")).status
    204
    """

    traces = True

    def __init__(
        self,
        app_for_host: Callable[[str], ASGIApp | None],
        *,
        clock: Clock | None = None,
        dropped: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._app_for_host = app_for_host
        self._clock = clock or SystemClock()
        self._dropped = dropped
        self._running: set[asyncio.Future[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        app = self._app_for_host(request.url.host)
        if app is None:
            raise httpx.ConnectError("no such host", request=request)
        visit = _visit(request, self._dropped)
        await visit.depart()
        self._start(visit.run(app))
        try:
            await self._wait(visit, request)
        finally:
            visit.gone.set()
        return _answer(visit, request)

    async def listen(self, url: httpx.URL, *, done: Callable[[str], bool], limit: float) -> str:
        """The first message of an app's web socket that ``done`` takes; ``limit`` seconds count on ``clock``."""
        app = self._app_for_host(url.host)
        if app is None:
            raise Unreachable(f"{url.host}: no such host")
        talk = Talk(socket_scope(url), done, self._dropped)
        self._start(talk.run(app))
        timer = asyncio.ensure_future(self._clock.sleep(limit))
        try:
            either: set[asyncio.Future[Any]] = {talk.heard, timer}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            talk.gone.set()
        if talk.heard.done() and (message := talk.heard.result()) is not None:
            return message
        kind = AnswerLost if talk.opened else Unreachable
        raise kind(f"{url.host}: {'no such message' if talk.opened else 'the socket was not opened'}")

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it to its end, whatever becomes of the client."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _wait(self, visit: Visit, request: httpx.Request) -> None:
        for _ in range(10):  # most apps answer within a few turns of the loop: no timer for them
            if visit.answered.done():
                return
            await asyncio.sleep(0)
        timeout = request.extensions.get("timeout", {}).get("read")
        while not visit.answered.done():
            taken = visit.taken
            timer = asyncio.ensure_future(self._clock.sleep(3600.0 if timeout is None else timeout))
            try:
                await asyncio.wait({visit.answered, timer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
            if timeout is not None and taken == visit.taken and not visit.answered.done():
                raise httpx.ReadTimeout("no answer in time", request=request)


def _visit(request: httpx.Request, dropped: tuple[type[BaseException], ...]) -> Visit:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    step = request.extensions.get("socialkit.step")
    scope = make_scope(request.method, request.url, request.headers.raw, step)
    length = int(request.headers.get("content-length", 0))
    trace = request.extensions.get("trace", _silence)
    return Visit(scope, aiter(request.stream), length, trace, dropped)


async def _silence(event: str, info: Mapping[str, Any]) -> None:
    """The trace of a request whose sender wants none."""


def _answer(visit: Visit, request: httpx.Request) -> httpx.Response:
    """What the app answered, or what broke."""
    if visit.error is not None:
        raise visit.error
    if visit.broken and not visit.status:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    stream = _Answer(visit.parts, broken=visit.broken)
    return httpx.Response(visit.status, headers=visit.headers, stream=stream)


class _Answer(httpx.AsyncByteStream):
    """An answer's body, perhaps broken off."""

    def __init__(self, parts: list[bytes], *, broken: bool) -> None:
        self._parts = parts
        self._broken = broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
        if self._broken:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
