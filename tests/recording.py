"""A transport that lets requests through, keeps both sides whole, and answers some of them from a script."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs
import httpx


@attrs.define
class Scripted:
    """One answer that waits for its request."""

    method: str
    path: re.Pattern[str]
    answer: httpx.Response


class Recorder(httpx.AsyncBaseTransport):
    """Keeps every request, and every answer with its request.

    recorder = Recorder(box.transport)
    recorder.say("POST", "/api/v1/statuses", 500)          # the next such request never reaches the inner one
    ...
    [answer.status_code for answer in recorder.answers("POST", "/api/v1/statuses")]
    """

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.asked: list[httpx.Request] = []
        self.kept: list[httpx.Response] = []
        self._scripted: list[Scripted] = []

    def say(
        self,
        method: str,
        path: str,
        status: int,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next request of that method whose path matches whole; a ``str`` body is sent as HTML."""
        if isinstance(body, str):
            answer = httpx.Response(status, html=body, headers=headers)
        elif body is None:
            answer = httpx.Response(status, headers=headers)
        else:
            answer = httpx.Response(status, json=body, headers=headers)
        self._scripted.append(Scripted(method, re.compile(path), answer))

    def answers(self, method: str = ".*", path: str = ".*") -> list[httpx.Response]:
        """The answers to the matching requests, oldest first; each has its ``.request``."""
        return [answer for answer in self.kept if _fits(answer.request, method, path)]

    def requests(self, method: str = ".*", path: str = ".*") -> list[httpx.Request]:
        """The matching requests, oldest first, bodies included, answered or not."""
        return [request for request in self.asked if _fits(request, method, path)]

    def clear(self) -> None:
        """Forget what was kept so far."""
        self.asked.clear()
        self.kept.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        scripted = self._take(request)
        if scripted is not None:
            await request.extensions["trace"]("recorder.send_request_headers.started", {"request": request})
        body = b"".join([piece async for piece in request.stream])
        whole = httpx.Request(
            request.method, request.url, headers=request.headers, content=body, extensions=request.extensions
        )
        self.asked.append(whole)
        answer = scripted or await self.inner.handle_async_request(whole)
        content = await answer.aread()
        again = httpx.Response(answer.status_code, headers=answer.headers, content=content, request=whole)
        self.kept.append(again)
        return again

    def _take(self, request: httpx.Request) -> httpx.Response | None:
        for one in self._scripted:
            if one.method == request.method and one.path.fullmatch(request.url.path):
                self._scripted.remove(one)
                return one.answer
        return None


def _fits(request: httpx.Request, method: str, path: str) -> bool:
    return bool(re.fullmatch(method, request.method) and re.fullmatch(path, request.url.path))
