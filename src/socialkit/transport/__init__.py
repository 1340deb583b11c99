"""Requests and answers: the one room that knows HTTP. Only here are httpx and tenacity imported.

A request ends in one of three ways, and nothing else: an answer (any status), :class:`Unreachable`
(certainly not sent) or :class:`AnswerLost` (the first byte may have left and no whole answer came). Which
one it is, is read off the connection's own events, never guessed from the kind of failure.

What holds for every request: HTTP/1.1, certificates checked, no cookies kept, no netrc, no redirect
followed after a POST. ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are honoured unless
``proxy=`` is given; loopback is never proxied. An idle connection is kept for one second only: the common
servers close theirs after two seconds or more, so a commit hardly ever leaves on a connection that the
server is just closing, which would make its fate unknown. httpx's own client is not used, because it logs
whole URLs, tokens included.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random as randomlib
import ssl
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

import httpx

from .._clock import Clock, SystemClock
from .._version import __version__
from ..adapters.base import Field, Response, Slice
from ..errors import ConfigError
from ._address import Resolve, checked, resolve_name
from ._body import Flight, carried, make_body
from ._errors import AnswerLost, Unreachable, UnsafeAddress
from ._inprocess import InProcess
from ._redaction import SECRET_HEADERS, redact
from ._retry import Waits
from ._socket import hear

__all__ = ["SECRET_HEADERS", "AnswerLost", "InProcess", "Transport", "Unreachable", "UnsafeAddress", "redact"]

T = TypeVar("T")

MAX_ANSWER = 64 * 1024 * 1024
KEEPALIVE = 1.0
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_WIRE = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError)
_NEVER_SENT = (*_NOT_CONNECTED, httpx.UnsupportedProtocol)

log = logging.getLogger("socialkit.transport")


class _Stream(Flight, httpx.AsyncByteStream):
    """A flight as httpx wants its request bodies."""


class _Given(httpx.AsyncBaseTransport):
    """A transport that tells nothing of its connection: a request counts as leaving right before it runs."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.extensions["trace"]("given.send_request_headers.started", {"request": request})
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


class _Pools:
    """The connections of one event loop: a direct pool and one for each proxy."""

    def __init__(self, verify: ssl.SSLContext) -> None:
        self.pid = os.getpid()
        self._verify = verify
        self._pools: dict[str | None, httpx.AsyncHTTPTransport] = {}
        self.keeper: AsyncGenerator[None, None] | None = None

    def pool(self, proxy: str | None) -> httpx.AsyncHTTPTransport:
        if proxy not in self._pools:
            limits = httpx.Limits(
                max_connections=200, max_keepalive_connections=50, keepalive_expiry=KEEPALIVE
            )
            try:
                made = httpx.AsyncHTTPTransport(verify=self._verify, limits=limits, proxy=proxy)
            except (ImportError, ValueError) as error:
                raise ConfigError(f"the proxy cannot be used: {redact(str(error))}") from None
            self._pools[proxy] = made
        return self._pools[proxy]

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()


class Transport:
    """Sends requests and gives answers, for any number of accounts, event loops and threads.

    ``timeout`` seconds hold for connecting, for each write, and for each read of the answer. ``proxy`` is a
    URL. ``transport`` answers instead of the network. ``resolve(host, port)`` gives the addresses of a
    name; ``random`` makes multipart boundaries and jitter.

    >>> import asyncio, httpx
    >>> transport = Transport(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="hello")))
    >>> asyncio.run(transport.send("GET", "https://example.com/")).text
    'hello'
    """

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | None = None,
        timeout: float = 30.0,
        clock: Clock | None = None,
        user_agent: str = f"socialkit/{__version__}",
        random: randomlib.Random | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        traces = getattr(transport, "traces", isinstance(transport, httpx.AsyncHTTPTransport))
        self._given = transport if transport is None or traces else _Given(transport)
        self._timeout = timeout
        self._clock = clock or SystemClock()
        self._user_agent = user_agent
        self._random = random or randomlib.Random()
        self._resolve = resolve or resolve_name
        self._guards = transport is None or resolve is not None
        self._proxies = {"all": proxy} if proxy else urllib.request.getproxies()
        self._bypass = (lambda host: False) if proxy else urllib.request.proxy_bypass
        self._verify: ssl.SSLContext | None = None
        self._pools: dict[asyncio.AbstractEventLoop, _Pools] = {}

    async def send(
        self,
        method: str,
        url: str,
        *,
        step: str = "read",
        params: Mapping[str, Any] | Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = ...,
        form: Sequence[tuple[str, str]] | None = None,
        content: bytes | Slice | None = None,
        multipart: Sequence[Field] | None = None,
        timeout: float | None = None,
        before: Callable[[], Awaitable[None]] | None = None,
        sent: Callable[[], None] | None = None,
        progress: Callable[[int], None] | None = None,
        at_last_piece: bool = False,
        secrets: Iterable[str] = (),
        max_bytes: int = MAX_ANSWER,
    ) -> Response:
        """The answer, whatever its status, its body read whole (over ``max_bytes``: :class:`AnswerLost`).

        ``before`` is awaited right before the first byte leaves; what it raises is raised here and nothing
        was sent. With ``at_last_piece`` it is awaited before the last piece of the body instead: a large
        upload that is itself the commit is harmless until then. ``sent`` is called once when the bytes are
        out or the request failed, and only after ``before`` let it leave. ``progress`` gets the number of
        body bytes handed over so far. ``secrets`` never appear in the log.

        A GET or HEAD follows redirects to the same host. One body at most: json, form, content or multipart.
        """
        target = _url(url, params)
        body = make_body(json, form, content, multipart, self._random)
        redirects = 0
        while True:
            flight = _Stream(body, before, sent, progress, at_last_piece)
            request = self._request(method, target, headers, flight, timeout, step)
            answer = await self._exchange(request, flight, max_bytes, secrets)
            following = _following(method, target, answer)
            if following is None or redirects == MAX_REDIRECTS:
                return answer
            target, redirects = following, redirects + 1

    async def fetch(
        self, url: str, *, max_bytes: int, allow_private: bool = False, accept: str = "*/*"
    ) -> Response:
        """What a URL given by a user holds, whole; :class:`AnswerLost` when it is more than ``max_bytes``.

        The same guard as :meth:`stream`.
        """
        async with self.stream(url, allow_private=allow_private, accept=accept, max_bytes=max_bytes) as (
            head,
            pieces,
        ):
            content = b"".join([piece async for piece in pieces])
        return Response(head.status, head.headers, content, head.url, head.method, head.received_at)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        url: str,
        *,
        start: int = 0,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        allow_private: bool = False,
        accept: str = "*/*",
        timeout: float | None = None,
    ) -> AsyncIterator[tuple[Response, AsyncIterator[bytes]]]:
        """The head of an answer, and its body in pieces from byte ``start`` on, for a URL given by a user.

        Only http and https, at most five redirects. At each hop every address of the host must be public
        (else :class:`UnsafeAddress`), and the connection goes to the very address that was checked; through
        a proxy it goes by name.
        """
        target = _url(url, None)
        wanted = {"accept": accept, "accept-encoding": "identity", **(headers or {})}
        if start:
            wanted["range"] = f"bytes={start}-"
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._open(target, wanted, timeout, allow_private)
            try:
                head = self._head("GET", target, response)
                following = _location(target, head) if head.status in _REDIRECTS else None
                if following is None:
                    skip = start if head.status == 200 else 0
                    async with contextlib.aclosing(_limited(response, max_bytes, skip)) as pieces:
                        yield head, pieces
                    return
            finally:
                await response.aclose()
            target = following
        raise UnsafeAddress(f"{_place(target)} redirects more than five times")

    async def listen(self, url: str, *, home: str, done: Callable[[str], bool], limit: float) -> str:
        """The first message of a web socket that ``done`` takes, within ``limit`` seconds of real time.

        Nothing is sent but the request that opens it. :class:`Unreachable`: it could not be opened, which is so too
        where the package ``websockets`` is missing; :class:`AnswerLost`: it was, and nothing such was said. Of
        the address, which may be signed, neither they nor the log say more than the host. ``home`` is the
        account's server: only a socket there may be private, and only beside a server without TLS may it be
        without. Through a proxy it goes by name; no redirect is followed.
        """
        target = _url(url, None)
        plain = target.scheme == "ws" and home.startswith("http://")
        if not target.host or not (plain or target.scheme == "wss"):
            raise UnsafeAddress(f"{_place(target)} is no address of a web socket to be trusted")
        log.debug("listen %s", target.host)
        if isinstance(self._given, InProcess):
            return await self._given.listen(target, done=done, limit=limit)
        if self._given is not None:
            raise Unreachable(f"{target.host}: the given transport has no web sockets")
        proxy = self._proxy(target.copy_with(scheme="http" if plain else "https"))
        port, own = target.port or (80 if plain else 443), target.host == _parsed(home).host
        address = await checked(target.raw_host.decode("ascii"), port, self._resolve, allow_private=own)
        return await hear(
            target,
            done=done,
            limit=limit,
            opening=self._timeout,
            address=None if proxy else address,
            proxy=proxy,
            verify=self._trusted(),
            user_agent=self._user_agent,
        )

    async def retry(
        self,
        attempt: Callable[[], Awaitable[T]],
        *,
        step: str = "read",
        retry_at: Callable[[BaseException], datetime | None],
        retryable: Callable[[BaseException], bool],
        attempts: int = 4,
        max_wait: float = 60.0,
    ) -> T:
        """What ``attempt`` gives, tried up to ``attempts`` times while its error is ``retryable``.

        Waits double from half a second, with jitter, on the clock; a moment from ``retry_at`` is honoured.
        The last error is raised, at once when its wait would bring the sum of waits over ``max_wait``
        seconds.
        """
        try:
            return await attempt()
        except Exception as error:
            if attempts < 2 or not retryable(error):
                raise
            first: Exception | None = error

        async def again() -> T:
            nonlocal first
            failed, first = first, None
            if failed is not None:
                raise failed
            return await attempt()

        result: T = await self._retrying(step, retry_at, retryable, attempts, max_wait)(again)
        return result

    async def aclose(self) -> None:
        """Close every connection. Those of other running loops are closed there, soon."""
        here = asyncio.get_running_loop()
        for loop, pools in list(self._pools.items()):
            if loop is here:
                await _close(pools)
            elif loop.is_running() and pools.pid == os.getpid():
                asyncio.run_coroutine_threadsafe(_close(pools), loop)
        if self._given is not None:
            await self._given.aclose()

    def _request(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str] | None,
        flight: _Stream,
        timeout: float | None,
        step: str,
    ) -> httpx.Request:
        body = flight.body
        fields = {
            "host": url.netloc.decode("ascii"),
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "user-agent": self._user_agent,
        }
        if body is not None or method in ("POST", "PUT", "PATCH"):
            fields["content-length"] = str(body.length if body else 0)
        if body is not None and body.mime:
            fields["content-type"] = body.mime
        fields |= carried(headers or {})
        wait = self._timeout if timeout is None else timeout
        return httpx.Request(
            method,
            url,
            headers=fields,
            stream=flight,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), wait),
                "trace": flight.trace,
                "socialkit.step": step,
            },
        )

    async def _exchange(
        self, request: httpx.Request, flight: _Stream, max_bytes: int, secrets: Iterable[str]
    ) -> Response:
        began = self._clock.monotonic()
        status: int | str = "no answer"
        try:
            pool = self._given or await self._pool(request.url)
            response = await pool.handle_async_request(request)
            flight.finish()
            try:
                received_at = self._clock.now()
                content = await _whole(response, max_bytes)
            finally:
                await response.aclose()
            status, headers = response.status_code, dict(response.headers.items())
            return Response(status, headers, content, str(request.url), request.method, received_at)
        except _WIRE as error:
            if error is flight.own_error:
                raise
            raise _fate(error, request.url.host, flight) from None
        finally:
            flight.finish()
            if log.isEnabledFor(logging.DEBUG):
                path = redact(request.url.path, secrets)
                took = (self._clock.monotonic() - began) * 1000
                log.debug("%s %s%s %s %.0f ms", request.method, request.url.host, path, status, took)

    def _head(self, method: str, url: httpx.URL, response: httpx.Response) -> Response:
        headers = dict(response.headers.items())
        return Response(response.status_code, headers, b"", str(url), method, self._clock.now())

    async def _pool(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        pools = self._pools.get(loop)
        if pools is None:
            pools = self._pools[loop] = _Pools(self._trusted())
            pools.keeper = self._keep(loop, pools)
            await anext(pools.keeper)
        return pools.pool(self._proxy(url))

    def _trusted(self) -> ssl.SSLContext:
        if self._verify is None:
            self._verify = httpx.create_ssl_context()
        return self._verify

    async def _keep(self, loop: asyncio.AbstractEventLoop, pools: _Pools) -> AsyncGenerator[None, None]:
        """A loop closes its unfinished async generators before it ends: so its connections end with it."""
        try:
            yield
        finally:
            self._pools.pop(loop, None)
            await pools.aclose()

    def _proxy(self, url: httpx.URL) -> str | None:
        if not self._proxies:
            return None
        host = url.host
        if host == "localhost" or host == "::1" or host.startswith("127.") or self._bypass(host):
            return None
        found = self._proxies.get(url.scheme) or self._proxies.get("all")
        return f"http://{found}" if found and "://" not in found else found

    async def _open(
        self, url: httpx.URL, headers: Mapping[str, str], timeout: float | None, allow_private: bool
    ) -> httpx.Response:
        """The answer at one hop, its body not read yet, from an address that was checked."""
        flight = _Stream(None, None, None, None, False)
        request = self._request("GET", url, headers, flight, timeout, "read")
        if url.scheme not in ("http", "https") or not url.host:
            raise UnsafeAddress(f"{_place(url)} is no http or https address")
        try:
            if self._guards:
                host, port = url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
                address = await checked(host, port, self._resolve, allow_private=allow_private)
                if self._given is None and self._proxy(url) is None:
                    request.url = url.copy_with(host=address)
                    request.extensions["sni_hostname"] = url.host
            pool = await self._pool(url)
            return await pool.handle_async_request(request)
        except _WIRE as error:
            raise _fate(error, url.host, flight) from None

    def _retrying(
        self,
        step: str,
        retry_at: Callable[[BaseException], datetime | None],
        retryable: Callable[[BaseException], bool],
        attempts: int,
        max_wait: float,
    ) -> Any:
        import tenacity

        waits = Waits(self._clock, self._random, retry_at, attempts, max_wait)

        def note(state: tenacity.RetryCallState) -> None:
            log.debug("%s failed, attempt %d in %.1f s", step, state.attempt_number + 1, state.upcoming_sleep)

        return tenacity.AsyncRetrying(
            sleep=self._clock.sleep,
            wait=waits.wait,
            stop=waits.stop,
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, Exception) and retryable(error)
            ),
            before_sleep=note,
            reraise=True,
        )


async def _close(pools: _Pools) -> None:
    if pools.keeper is not None:
        await pools.keeper.aclose()


def _fate(error: Exception, host: str, flight: _Stream) -> AnswerLost | Unreachable:
    """What the wire raised, as one of the two things that happened."""
    said = redact(str(error)) or "no details"
    reason = f"{host}: {type(error).__name__}: {said}"
    if flight.left and not isinstance(error, _NEVER_SENT):
        return AnswerLost(reason)
    return Unreachable(reason)


def _url(url: str, params: Mapping[str, Any] | Sequence[tuple[str, str]] | None) -> httpx.URL:
    try:
        target = _parsed(url)
    except httpx.InvalidURL as error:
        raise Unreachable(f"not a URL: {redact(str(error))[:200]}") from None
    if not params:
        return target
    pairs = params.items() if isinstance(params, Mapping) else params
    query = [*target.params.multi_items(), *_pairs(pairs)]
    return target.copy_with(params=query)


@lru_cache(maxsize=512)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _pairs(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    """None is left out, a list repeats the name, true and false are lower case."""
    for name, value in items:
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is not None:
                yield name, str(one).lower() if isinstance(one, bool) else str(one)


def _place(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.host}"


def _location(url: httpx.URL, answer: Response) -> httpx.URL | None:
    try:
        return url.join(answer.headers["location"])
    except (KeyError, httpx.InvalidURL):
        return None


def _following(method: str, url: httpx.URL, answer: Response) -> httpx.URL | None:
    """Where a reading request goes on: only to the same host, and never from https to http."""
    if answer.status not in _REDIRECTS or method not in ("GET", "HEAD"):
        return None
    target = _location(url, answer)
    if target is None or target.host != url.host:
        return None
    same = (target.scheme, target.port) == (url.scheme, url.port)
    safer = (url.scheme, target.scheme, url.port, target.port) == ("http", "https", None, None)
    return target if same or safer else None


async def _whole(response: httpx.Response, max_bytes: int) -> bytes:
    """The decoded body. One that was read with the answer (a transport in process) is taken as it is."""
    if response.is_stream_consumed and len(response.content) <= max_bytes:
        return response.content
    return b"".join([piece async for piece in _limited(response, max_bytes)])


async def _limited(
    response: httpx.Response, max_bytes: int | None, skip: int = 0
) -> AsyncGenerator[bytes, None]:
    """The decoded body in pieces, without its first ``skip`` bytes."""
    total = 0
    try:
        async for piece in response.aiter_bytes():
            total += len(piece)
            if max_bytes is not None and total - skip > max_bytes:
                raise AnswerLost(f"the answer is larger than {max_bytes:,} bytes")
            if skip < total:
                yield piece[max(0, len(piece) - (total - skip)) :]
    except (httpx.HTTPError, OSError) as error:
        raise AnswerLost(f"the answer broke off: {type(error).__name__}: {redact(str(error))}") from None
