"""Web sockets of the sandbox: what a platform tells at its moment on the sandbox's clock, and what befalls it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .dispatch import STEP
from .state import Answer, Dropped, Recorded

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from .core import PlatformBox, Sandbox

__all__ = ["Speaker"]

Scope = dict[str, Any]
Words = Sequence[tuple[datetime | None, str]]
_REFUSED = frozenset({"dropped-before", "stored-then-500", "stored-later", "429", "expired-token"})
_FORBIDDEN, _DONE = 1008, 1000


class Speaker:
    """One web socket of a platform: asks ``handler`` what is to be told, and tells it when its moment comes."""

    def __init__(self, box: Sandbox, platform: PlatformBox, handler: Callable[[WebSocket], Words]) -> None:
        self._box = box
        self._platform = platform
        self._handler = handler

    async def speak(self, socket: WebSocket) -> None:
        """From the client's request to the end of the connection."""
        path, name = socket.scope["path"], self._platform.platform
        step = (socket.scope.get("extensions") or {}).get(STEP)
        hit = {one.kind for one in self._box.faults.take(name, "GET", path, publish="POST *", step=step)}
        try:
            words = self._words(socket) if not hit & _REFUSED else None
        except Answer:
            words = None
        self._record(path, step, 403 if words is None else 101)
        if words is None:
            await socket.close(_FORBIDDEN)
            return
        await socket.accept()
        if "dropped-after" in hit:
            raise Dropped
        await self._tell(socket, [(None, "")] if "stored-then-hang" in hit else words)

    def _words(self, socket: WebSocket) -> Words:
        with self._box.lock:
            self._box.clock.run_due()
            self._platform.tick()
            return self._handler(socket)

    async def _tell(self, socket: WebSocket, words: Words) -> None:
        """Say it all in time; a client that leaves is no longer spoken to."""
        gone = asyncio.ensure_future(socket.receive())
        task = asyncio.current_task()
        assert task is not None
        held = (asyncio.get_running_loop(), task)
        self._box._hanging.add(held)
        try:
            for moment, text in words:
                if not await self._comes(moment, gone):
                    return
                await socket.send_text(text)
            await socket.close(_DONE)
        finally:
            gone.cancel()
            self._box._hanging.discard(held)

    async def _comes(self, moment: datetime | None, gone: asyncio.Future[Any]) -> bool:
        """Wait for the moment; False when the client left before it."""
        if moment is None:
            await asyncio.wait({gone})
            return False
        left = (moment - self._platform.now()).total_seconds()
        timer = asyncio.ensure_future(self._box.clock.sleep(left))
        try:
            await asyncio.wait({gone, timer}, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            timer.cancel()

    def _record(self, path: str, step: str | None, status: int) -> None:
        platform, now = self._platform, self._box.clock.now()
        line = Recorded(platform.platform, "GET", platform.redact(path), status, step, now)
        with self._box.lock:
            self._box.requests.append(line)
