"""A Mastodon server that does nothing but answer: in process, or on loopback in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
Sleep = Callable[[float], Awaitable[None]]


def answer(path: str, number: int) -> dict[str, Any]:
    """What the path answers, as small as the adapter's parser allows."""
    if path.endswith("/verify_credentials"):
        return {"id": "1", "acct": "brand", "url": "https://example.com/@brand"}
    if path.endswith("/instance"):
        return {"version": "4.7.2", "api_versions": {"mastodon": 11}}
    if "nodeinfo" in path:
        return {"links": []}
    url = f"https://example.com/@brand/{number}"
    return {"id": str(number), "created_at": "2026-11-02T09:00:00Z", "url": url, "uri": url}


class Canned(httpx.AsyncBaseTransport):
    """Answers in process, posts after ``delay`` real seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self._numbers = itertools.count(os.getpid() * 10**9)  # no two processes answer with the same id

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if self.delay and request.method == "POST":
            await asyncio.sleep(self.delay)
        return httpx.Response(200, json=answer(request.url.path, next(self._numbers)))


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection; bodies come with a length."""

    numbers = itertools.count(1)
    delay = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.data = transport, b""

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            length = next((int(v) for k, v in _fields(head) if k.lower() == "content-length"), 0)
            if len(self.data) < end + 4 + length:
                return
            self.data = self.data[end + 4 + length :]
            method, path, _ = head.partition("\r\n")[0].split(" ")
            wait = self.delay if method == "POST" else 0.0
            asyncio.get_running_loop().call_later(wait, self.reply, path.partition("?")[0])

    def reply(self, path: str) -> None:
        body = json.dumps(answer(path, next(self.numbers))).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


def _fields(head: str) -> Iterator[tuple[str, str]]:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name, value.strip()


@contextlib.contextmanager
def serving(delay: float = 0.0) -> Iterator[str]:
    """The server in a process of its own; gives its base URL."""
    with child("-m", "bench.canned", str(delay)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@contextlib.contextmanager
def child(*command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A Python process started at the repository root; killed at the end of the block."""
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def main(delay: float) -> None:
    _Connection.delay = delay
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
