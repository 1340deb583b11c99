"""One request inside an ASGI app of this process, as a server at the end of a wire would see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]


class Visit:
    """One request inside an app: what it received, what it answered.

    ``answered`` is done when the answer is whole or will never be. Then ``broken`` says that the app closed
    the connection, before its answer (``status`` 0) or in the middle of it, and ``error`` holds what else
    went wrong.
    """

    def __init__(
        self,
        scope: Scope,
        pieces: AsyncIterator[bytes],
        length: int,
        trace: Trace,
        dropped: tuple[type[BaseException], ...],
    ) -> None:
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.taken = 0
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.broken = False
        self.error: BaseException | None = None
        self._scope = scope
        self._pieces = pieces
        self._length = length
        self._trace = trace
        self._dropped = dropped
        self._first: bytes | None = None
        self._whole = False
        self._complete = False
        self._told = False

    async def depart(self) -> None:
        """What a socket does before the server reads anything: the head leaves, and a small body with it."""
        await self._trace("inprocess.send_request_headers.started", {})
        self._first = await anext(self._pieces, None)
        if self._first is None or len(self._first) == self._length:
            await anext(self._pieces, None)
            self._whole = True
            await self._tell_complete()

    async def run(self, app: ASGIApp) -> None:
        """Run the app to its end, whatever becomes of the client."""
        try:
            await app(self._scope, self._receive, self._send)
            self._end(broken=not self.answered.done())
        except self._dropped:
            self._end(broken=True)
        except Exception as error:
            self._end(error)
        except BaseException:
            self._end(broken=True)
            raise
        finally:
            close = getattr(self._pieces, "aclose", None)
            if close is not None:
                await close()

    async def _receive(self) -> Scope:
        if self._complete:
            await self.gone.wait()
        if self.gone.is_set():
            return {"type": "http.disconnect"}
        if self._whole:
            self._complete = True
            return {"type": "http.request", "body": self._first or b"", "more_body": False}
        try:
            piece, self._first = self._first or await anext(self._pieces, None), None
        except Exception as error:  # the client's own source failed, so its connection is cut
            self._end(error)
            self.gone.set()
            return {"type": "http.disconnect"}
        self.taken += 1
        if piece is None:
            self._complete = True
            await self._tell_complete()
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def _send(self, message: Scope) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            if self._scope["method"] != "HEAD":
                self.parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                self._end()

    def _end(self, error: Exception | None = None, *, broken: bool = False) -> None:
        if not self.answered.done():
            self.error = error
            self.broken = broken
            self.answered.set_result(None)

    async def _tell_complete(self) -> None:
        if not self._told:
            self._told = True
            await self._trace("inprocess.send_request_body.complete", {})


class Talk:
    """One web socket of an app, from its client's end. ``heard`` is done with the message that ``wanted`` takes, or
    when there will be none: then ``opened`` says whether the app had let the client in."""

    def __init__(
        self, scope: Scope, wanted: Callable[[str], bool], dropped: tuple[type[BaseException], ...]
    ) -> None:
        self.heard: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.opened = False
        self._scope = scope
        self._wanted = wanted
        self._dropped = dropped
        self._asked = False

    async def run(self, app: ASGIApp) -> None:
        """Run the app to its end, whatever becomes of the client."""
        try:
            await app(self._scope, self._receive, self._send)
        except self._dropped:
            pass
        except Exception as error:
            if not self.heard.done():
                self.heard.set_exception(error)
        finally:
            self._end()

    async def _receive(self) -> Scope:
        if not self._asked:
            self._asked = True
            return {"type": "websocket.connect"}
        await self.gone.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def _send(self, message: Scope) -> None:
        self.opened = self.opened or message["type"] == "websocket.accept"
        if message["type"] == "websocket.close":
            self._end()
        elif message["type"] == "websocket.send" and not self.heard.done():
            text = message.get("text") or (message.get("bytes") or b"").decode()
            if self._wanted(text):
                self.heard.set_result(text)

    def _end(self) -> None:
        if not self.heard.done():
            self.heard.set_result(None)


def socket_scope(url: Any) -> Scope:
    """The ASGI scope of a web socket; ``url`` is an ``httpx.URL``."""
    scope = make_scope("GET", url, [(b"host", url.netloc)], "read")
    del scope["method"]
    return {**scope, "type": "websocket", "subprotocols": []}


def make_scope(method: str, url: Any, headers: list[tuple[bytes, bytes]], step: str | None) -> Scope:
    """The ASGI scope of a request; ``url`` is an ``httpx.URL``."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "headers": [(name.lower(), value) for name, value in headers],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 1),
        "root_path": "",
        "extensions": {"socialkit.step": step},
    }
