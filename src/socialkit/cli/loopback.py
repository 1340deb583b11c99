"""The server the browser comes back to at the end of a sign-in: on loopback, for one callback, then gone."""

from __future__ import annotations

import html
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import attrs

from ..errors import ConfigError, LoginFailed

__all__ = ["Loopback", "is_loopback"]

_HOSTS = ("127.0.0.1", "localhost", "::1")
_SECONDS_TO_WRITE = 5.0
_SECONDS_TO_FINISH = 120.0


def is_loopback(address: str) -> bool:
    """Whether a callback address is one this machine can listen on.

    >>> is_loopback("http://127.0.0.1:8910/callback"), is_loopback("https://127.0.0.1/callback")
    (True, False)
    """
    try:
        parts = urlsplit(address)
        return parts.scheme == "http" and parts.hostname in _HOSTS and parts.port != 0
    except ValueError:
        return False


@attrs.define(eq=False)
class _Callback:
    """The one callback: what came, and the page that is shown once it is known what became of it."""

    url: str | None = None
    came: threading.Event = attrs.field(factory=threading.Event)
    known: threading.Event = attrs.field(factory=threading.Event)
    written: threading.Event = attrs.field(factory=threading.Event)
    page: tuple[bool, str, str] = (
        False,
        "Not signed in",
        "The command was stopped. You can close this page.",
    )
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def take(self, url: str) -> bool:
        """Whether this is the first."""
        with self.lock:
            first = self.url is None
            self.url = url if first else self.url
        self.came.set()
        return first


class Loopback:
    """Waits on 127.0.0.1 for the browser, and tells it how the sign-in ended.

    ``address`` is the callback address to give to the platform: its host, path and port are those of ``wanted``, with
    a free port where it names none.

    >>> with Loopback() as loopback:
    ...     is_loopback(loopback.address)
    True
    """

    def __init__(self, wanted: str = "http://127.0.0.1/callback", port: int | None = None) -> None:
        parts = urlsplit(wanted)
        host, port = parts.hostname or "", parts.port or port or 0
        self._callback = _Callback()
        handler = type("Handler", (_Handler,), {"callback": self._callback, "path_wanted": parts.path or "/"})
        try:
            self._server = (_Server6 if host == "::1" else _Server)(
                ("::1" if host == "::1" else "127.0.0.1", port), handler
            )
        except OSError as error:
            words = f"cannot listen on {host}:{port} for the browser: {error.strerror or error}"
            raise ConfigError(f"{words}; --port takes another port, --no-browser none") from None
        self.port = self._server.server_address[1]
        shown = f"[{host}]" if ":" in host else host
        handler.base = f"http://{shown}:{self.port}"  # type: ignore[attr-defined]
        self.address = f"{handler.base}{parts.path}{'?' + parts.query if parts.query else ''}"  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="socialkit-callback", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._callback.known.set()
        if self._callback.url is not None:
            self._callback.written.wait(_SECONDS_TO_WRITE)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_SECONDS_TO_WRITE)

    def wait(self, seconds: float) -> str:
        """The callback address the browser came with; LoginFailed when none comes in time."""
        if not self._callback.came.wait(seconds):
            raise LoginFailed(
                f"no answer came back from the browser within {seconds:.0f} s; begin again (--timeout waits longer)",
                reason="expired",
            )
        return str(self._callback.url)

    def answer(self, done: bool, title: str, words: str) -> None:
        """Tell the waiting browser how it ended; only the first word counts."""
        if not self._callback.known.is_set():
            self._callback.page = (done, title, words)
            self._callback.known.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hung up is nobody's business."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    callback: _Callback
    path_wanted = "/callback"
    base = ""
    timeout = 10.0
    server_version, sys_version = "socialkit", ""

    def do_GET(self) -> None:
        """The callback, or something else that is none of ours."""
        if self.headers.get_all("Host") != [self.base.removeprefix("http://")]:
            self._page(421, "Wrong address", "This server answers only to the address it was started for.")
        elif self.path.partition("?")[0] != self.path_wanted:
            self._page(404, "Nothing here", "The sign-in comes back at another address.")
        elif "?" not in self.path or self.path.endswith("?"):
            self._page(400, "Nothing to see", "This address is where a sign-in comes back with its answer.")
        elif not self.callback.take(f"{self.base}{self.path}"):
            self._page(409, "Already answered", "This sign-in has its answer. You can close this page.")
        else:
            self.callback.known.wait(_SECONDS_TO_FINISH)
            done, title, words = self.callback.page
            try:
                self._page(200 if done else 400, title, words, done)
            finally:
                self.callback.written.set()

    def _page(self, status: int, title: str, words: str, done: bool = False) -> None:
        mark = "✓" if done else "✗"
        page = _PAGE.format(
            title=html.escape(title), words=html.escape(words), mark=mark, tone="ok" if done else "no"
        )
        body = page.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Errors of the protocol, without an echo of what was sent."""
        self.close_connection = True
        if self.request_version == "HTTP/0.9":
            return
        self._page(code, "Not understood", "This server takes one thing: the answer of a sign-in.")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: addresses hold codes."""


_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Connection": "close",
}
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title} - socialkit</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{{color-scheme:light dark}}
body{{font:17px/1.5 system-ui,sans-serif;min-height:90vh;margin:0;display:grid;place-items:center;text-align:center}}
main{{max-width:30rem;padding:1.5rem}}
h1{{font-size:1.5rem;margin:.6rem 0 .3rem}}
p{{margin:.3rem 0;overflow-wrap:anywhere}}
.mark{{display:inline-block;width:3.4rem;height:3.4rem;line-height:3.4rem;border-radius:50%;font-size:1.7rem;color:#fff}}
.ok{{background:#1a7f37}}.no{{background:#b3261e}}
</style></head>
<body><main><div class="mark {tone}" aria-hidden="true">{mark}</div><h1>{title}</h1><p>{words}</p></main></body></html>
"""
