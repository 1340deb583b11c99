"""A proxy in front of one HTTP server that loses answers on purpose, after the server has acted.

It reads a whole request, delivers it, reads the whole answer, and only then misbehaves. What it forwarded is
logged, so a test knows what the server received even when the client cannot.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

import h11

Mode = Literal["pass", "cut_before", "cut_after", "fin_after", "half", "hang", "slow"]
HOP_HEADERS = {b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"accept-encoding"}
HALF_BYTES = 20
T = TypeVar("T")


@dataclass
class Exchange:
    """One request the proxy read whole: what it was, what the proxy did, what the server answered."""

    method: str
    path: str
    body: bytes
    mode: Mode
    headers: dict[str, str] = field(repr=False)
    delivered: bool = False
    status: int | None = None


@dataclass
class Rule:
    """Misbehave in one way, on the next `count` requests that match after the first `skip` of them."""

    mode: Mode
    method: re.Pattern[str]
    path: re.Pattern[str]
    count: int
    skip: int

    def matches(self, method: str, path: str) -> bool:
        """Whether this request meets the rule; counts it when it does."""
        if not self.count or not self.method.fullmatch(method) or not self.path.fullmatch(path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.count -= 1
        return True


class CutProxy:
    """An address that forwards to `target` and misbehaves when told to.

    Modes, and what the client sees:

    * `pass`: the answer.
    * `cut_before`: a connection reset; the server never saw the request.
    * `cut_after`: the same reset, but the server acted.
    * `fin_after`: a clean close without an answer; the server acted.
    * `half`: the first 20 bytes of the answer, then a reset; the server acted.
    * `hang`: silence until the client gives up; the server acted.
    * `slow`: the answer, one byte every `pace` seconds.

    The client's own `Host` header goes to the server; `rewrite_host=True` sends the target's instead, and
    replaces the target's address by the proxy's in answers, for servers that tell clients where to go next.

        with CutProxy("http://127.0.0.1:3000") as proxy:
            proxy.misbehave("cut_after", method="POST", path="/api/v1/statuses")
            ...  # a client of proxy.url gets httpx.ReadError
            assert proxy.count("POST", "/api/v1/statuses") == 1
    """

    def __init__(self, target: str, *, rewrite_host: bool = False, pace: float = 0.005) -> None:
        parts = urlsplit(target)
        self.target = target.rstrip("/")
        self.exchanges: list[Exchange] = []
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._authority = parts.netloc.encode()
        self._rewrite_host, self._pace = rewrite_host, pace
        self._rules: list[Rule] = []
        self._port_here = 0

    @property
    def url(self) -> str:
        """The address to give to the client."""
        return f"http://127.0.0.1:{self._port_here}"

    def misbehave(
        self, mode: Mode, *, method: str = ".*", path: str = ".*", count: int = 1, skip: int = 0
    ) -> None:
        """Apply `mode` to `count` requests whose method and path match these patterns whole.

        The query is not part of the path. The first `skip` matching requests pass. Rules are asked in the
        order they were given.
        """
        self._rules.append(Rule(mode, re.compile(method), re.compile(path), count, skip))

    def behave(self) -> None:
        """Misbehave no more."""
        self._rules.clear()

    def count(self, method: str = ".*", path: str = ".*") -> int:
        """How many matching requests were delivered to the server."""
        return len(self.delivered(method, path))

    def delivered(self, method: str = ".*", path: str = ".*") -> list[Exchange]:
        """The matching requests that reached the server, oldest first."""
        wanted = (re.compile(method), re.compile(path))
        return [
            each
            for each in self.exchanges
            if each.delivered and wanted[0].fullmatch(each.method) and wanted[1].fullmatch(_bare(each.path))
        ]

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cut-proxy", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port_here = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _close(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = h11.Connection(h11.SERVER)
        try:
            while await self._exchange(peer, reader, writer):
                peer.start_next_cycle()
        except (OSError, h11.ProtocolError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _exchange(
        self, peer: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Serve one request; True when the connection can carry another."""
        head, body = await _read_message(peer, reader, writer)
        if not isinstance(head, h11.Request):
            return False
        exchange = self._record(head, body)
        if exchange.mode == "cut_before":
            _reset(writer)
            return False
        answer, content = await self._deliver(head, exchange)
        raw = b"".join(_parts(peer, self._answer(answer, content), content))
        await self._finish(exchange.mode, raw, reader, writer)
        return exchange.mode in ("pass", "slow") and peer.our_state is h11.DONE

    def _record(self, head: h11.Request, body: bytes) -> Exchange:
        method, path = head.method.decode(), head.target.decode()
        rule = next((rule for rule in self._rules if rule.matches(method, _bare(path))), None)
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        exchange = Exchange(method, path, body, rule.mode if rule else "pass", headers)
        self.exchanges.append(exchange)
        return exchange

    async def _deliver(self, head: h11.Request, exchange: Exchange) -> tuple[h11.Response, bytes]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        upstream = h11.Connection(h11.CLIENT)
        try:
            writer.write(b"".join(_parts(upstream, self._request(head, exchange.body), exchange.body)))
            exchange.delivered = True
            answer, content = await _read_message(upstream, reader, writer)
        finally:
            writer.close()
        if not isinstance(answer, h11.Response):
            raise ConnectionError("the server closed the connection without an answer")
        exchange.status = answer.status_code
        return answer, self._readdress(content)

    def _request(self, head: h11.Request, body: bytes) -> h11.Request:
        headers = [(name, value) for name, value in head.headers if name not in HOP_HEADERS]
        if self._rewrite_host:
            headers = [(name, self._authority if name == b"host" else value) for name, value in headers]
        if body or head.method in (b"POST", b"PUT", b"PATCH"):
            headers.append((b"content-length", str(len(body)).encode()))
        headers += [(b"connection", b"close"), (b"accept-encoding", b"identity")]
        return h11.Request(method=head.method, target=head.target, headers=headers)

    def _answer(self, answer: h11.Response, content: bytes) -> h11.Response:
        dropped = HOP_HEADERS if content else HOP_HEADERS - {b"content-length"}
        headers = [(name, value) for name, value in answer.headers if name not in dropped]
        if content:
            headers.append((b"content-length", str(len(content)).encode()))
        return h11.Response(status_code=answer.status_code, reason=answer.reason, headers=headers)

    def _readdress(self, content: bytes) -> bytes:
        return content.replace(self.target.encode(), self.url.encode()) if self._rewrite_host else content

    async def _finish(
        self, mode: Mode, raw: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if mode == "cut_after":
            _reset(writer)
        elif mode == "half":
            writer.write(raw[:HALF_BYTES])
            await writer.drain()
            _reset(writer)
        elif mode == "hang":
            await reader.read()
        elif mode != "fin_after":
            async for piece in self._paced(raw, mode):
                writer.write(piece)
                await writer.drain()

    async def _paced(self, raw: bytes, mode: Mode) -> AsyncIterator[bytes]:
        if mode == "pass":
            yield raw
            return
        for index in range(len(raw)):
            yield raw[index : index + 1]
            await asyncio.sleep(self._pace)


def _bare(path: str) -> str:
    return path.partition("?")[0]


def _parts(peer: h11.Connection, head: h11.Request | h11.Response, body: bytes) -> list[bytes]:
    pieces = [peer.send(head), peer.send(h11.Data(data=body)) if body else b"", peer.send(h11.EndOfMessage())]
    return [piece for piece in pieces if piece]


async def _read_message(
    peer: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[h11.Request | h11.Response | None, bytes]:
    """The next whole message with its body, or (None, b"") when the other side closed instead."""
    head: h11.Request | h11.Response | None = None
    body = bytearray()
    while True:
        event = peer.next_event()
        if event is h11.NEED_DATA:
            if peer.they_are_waiting_for_100_continue:
                writer.write(peer.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            peer.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request | h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return head, bytes(body)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: what a client sees when a middlebox or a crash takes the connection."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
