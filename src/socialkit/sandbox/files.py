"""Files that platforms fetch by themselves: on the sandbox's own media host, on example.com, on loopback."""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import attrs

from socialkit.media_host import Place

from . import web
from .bodies import Upload

if TYPE_CHECKING:
    from .core import Sandbox

__all__ = ["HOST", "Files"]

HOST = "files.example.net"
LIVES = 6 * 3600.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PATH = "/files/"


@attrs.define
class Files:
    """A media host (:class:`~socialkit.MediaHost`) whose signed addresses end, and what a platform's crawler sees.

    ``base`` is where it is reached; :meth:`at` is the same host under another address. ``public`` holds further
    files by their whole address.
    """

    box: Sandbox
    base: str = f"https://{HOST}{_PATH.rstrip('/')}"
    lives: float = LIVES
    kept: dict[str, Upload] = attrs.field(factory=dict)
    public: dict[str, Upload] = attrs.field(factory=dict)

    def at(self, base_url: str) -> Files:
        """The host as it is reached at what :meth:`Sandbox.serve` gave."""
        return attrs.evolve(self, base=f"{base_url.rstrip('/')}{_PATH.rstrip('/')}")

    def place(self, name: str, mime: str, size: int, digest: str) -> Place:
        """A place for one file, as the protocol of media hosts says."""
        key = f"{digest[:16]}/{quote(name)}"
        until = self.box.clock.now() + timedelta(seconds=self.lives)
        ends = f"{until.timestamp():.0f}"
        up, down = (
            f"{self.base}/{key}?until={ends}&signature={self._sign(verb, key, ends)}" for verb in _VERBS
        )
        return Place(up, down, self.lives, headers={"content-type": mime})

    def put(self, url: str, data: bytes) -> str:
        """Put a file on the web at any address, and give the address back."""
        self.public[url] = _upload(data)
        return url

    def fetch(self, url: str) -> Upload | None:
        """What a platform gets at an address; None when it gets nothing. Pages come as the text they are."""
        parts = urlsplit(url)
        if url in self.public:
            return self.public[url]
        if parts.hostname in web.HOSTS:
            return _upload(web.content(parts.path)[1])
        if parts.hostname == HOST or (parts.hostname in _LOOPBACK and parts.path.startswith(_PATH)):
            key = parts.path.removeprefix(_PATH)
            return self.kept.get(key) if self._admits("GET", key, parts.query) else None
        return _loaded(url) if parts.scheme == "http" and parts.hostname in _LOOPBACK else None

    def _sign(self, verb: str, key: str, ends: str) -> str:
        return self.box.digest("files", verb, unquote(key), ends)[:32]

    def _admits(self, verb: str, key: str, query: str) -> bool:
        given = {name: values[-1] for name, values in parse_qs(query).items()}
        ends = given.get("until", "0")
        alive = ends.isdigit() and self.box.clock.now() <= datetime.fromtimestamp(int(ends), UTC)
        return alive and given.get("signature") == self._sign(verb, key, ends)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        verb, key = scope["method"], quote(scope["path"].removeprefix(_PATH))
        admitted = self._admits(verb, key, scope["query_string"].decode("latin-1"))
        found = self.kept.get(key)
        if verb == "PUT" and admitted:
            upload = Upload()
            async for piece in _pieces(receive):
                upload.feed(piece)
            self.kept[key] = upload.close()
            return await _answer(send, 200, b"")
        if verb == "GET" and admitted and found is not None and found.data is not None:
            return await _answer(send, 200, found.data, found.kind.mime)
        return await _answer(send, 403 if not admitted else 404, b"<Error><Code>AccessDenied</Code></Error>")


_VERBS = ("PUT", "GET")


async def _pieces(receive: Any) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message.get("body"):
            yield message["body"]
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


async def _answer(send: Any, status: int, body: bytes, kind: str = "application/xml") -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]}
    )
    await send({"type": "http.response.body", "body": body})


def _upload(data: bytes) -> Upload:
    upload = Upload()
    upload.feed(data)
    return upload.close()


def _loaded(url: str) -> Upload | None:
    """The file another server on this machine has."""
    upload = Upload()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with suppress(OSError), opener.open(url, timeout=10) as answer:
        while piece := answer.read(1 << 20):
            upload.feed(piece)
        return upload.close()
    return None
