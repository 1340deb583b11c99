"""Web sockets: what is heard, what was not, where they may lead, and that a signed address is written nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import logging
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from socialkit.testing import ManualClock
from socialkit.transport import AnswerLost, InProcess, Transport, Unreachable, UnsafeAddress
from socialkit.transport._socket import MAX_MESSAGE

HOME = "http://127.0.0.1:1"
SIGNED = "/k3y?m=s1gned"


def last(text: str) -> bool:
    return text.startswith("done")


async def never(socket: ServerConnection) -> None:
    await socket.wait_closed()


@contextlib.asynccontextmanager
async def server(handler: Any, **options: Any) -> AsyncIterator[str]:
    """A web socket on loopback; gives its address."""
    async with serve(handler, "127.0.0.1", 0, **options) as made:
        (where,) = made.sockets
        yield f"{'wss' if options.get('ssl') else 'ws'}://127.0.0.1:{where.getsockname()[1]}"


async def listen(url: str, *, limit: float = 5.0, home: str = HOME, **options: Any) -> str:
    return await Transport(**options).listen(url, home=home, done=last, limit=limit)


# --- what is heard ----------------------------------------------------------------------------------------
async def test_the_first_message_that_is_wanted_is_heard() -> None:
    asked = []

    async def tell(socket: ServerConnection) -> None:
        asked.append(socket.request)
        for words in ("begun", b"half", "done 1", "done 2"):
            await socket.send(words)

    async with server(tell) as url:
        assert await listen(f"{url}{SIGNED}", user_agent="test/1") == "done 1"
    (request,) = asked
    assert (request.path, request.headers["user-agent"]) == (SIGNED, "test/1")
    assert "authorization" not in request.headers


async def test_an_end_without_the_word_is_a_lost_answer() -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.send("begun")

    async with server(leave) as url:
        with pytest.raises(AnswerLost, match=r"^127.0.0.1: ConnectionClosedOK$"):
            await listen(f"{url}{SIGNED}")


async def test_silence_lasts_no_longer_than_the_limit() -> None:
    async with server(never) as url:
        with pytest.raises(AnswerLost, match="TimeoutError"):
            await listen(f"{url}{SIGNED}", limit=0.05)


async def test_a_flood_of_other_words_holds_nobody_up() -> None:
    heard, at_once = 0, list[int]()

    async def flood(socket: ServerConnection) -> None:
        socket.transport.write(b"\x81\x01x" * 2000 + b"\x81\x04done")
        await socket.wait_closed()

    def wanted(text: str) -> bool:
        nonlocal heard
        heard += 1
        return last(text)

    async def turn() -> None:
        while True:
            before = heard
            await asyncio.sleep(0)
            at_once.append(heard - before)

    async with server(flood) as url:
        beside = asyncio.ensure_future(turn())
        assert await Transport().listen(f"{url}{SIGNED}", home=HOME, done=wanted, limit=60) == "done"
        beside.cancel()
    assert heard == 2001
    assert max(at_once) <= 2


@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_message_that_is_too_large_ends_it(compression: Any) -> None:
    async def shout(socket: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await socket.send("done" + " " * MAX_MESSAGE)
            await socket.wait_closed()

    async with server(shout, compression=compression) as url:
        with pytest.raises(AnswerLost, match="ConnectionClosedError"):
            await listen(f"{url}{SIGNED}")


async def test_a_refusal_is_told_without_the_address() -> None:
    def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(403, "no")

    async with server(never, process_request=refuse) as url:
        with pytest.raises(Unreachable) as caught:
            await listen(f"{url}{SIGNED}")
    assert str(caught.value) == "127.0.0.1: InvalidStatus"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_nobody_there() -> None:
    async with server(never) as url:
        pass
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1: "):
        await listen(f"{url}{SIGNED}")


async def test_a_redirect_is_not_followed() -> None:
    seen = []

    def lead(connection: ServerConnection, request: Any) -> Any:
        seen.append(request.path)
        answer = connection.respond(302, "")
        answer.headers["Location"] = "/elsewhere"
        return answer

    async with server(never, process_request=lead) as url:
        with pytest.raises(Unreachable, match="InvalidStatus"):
            await listen(f"{url}{SIGNED}")
    assert seen == [SIGNED]


async def test_who_gives_up_leaves() -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(socket: ServerConnection) -> None:
        entered.set()
        await socket.wait_closed()
        left.set()

    async with server(wait) as url:
        work = asyncio.ensure_future(listen(f"{url}{SIGNED}", limit=60))
        await entered.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await asyncio.wait_for(left.wait(), 5)


async def test_without_the_package_there_is_nothing_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
    with pytest.raises(Unreachable, match="need the package websockets"):
        await listen(f"ws://127.0.0.1:1{SIGNED}")


async def test_the_log_knows_the_host_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def tell(socket: ServerConnection) -> None:
        await socket.send("done")

    quiet = logging.Logger("quiet")
    quiet.disabled = True
    caplog.set_level(logging.DEBUG)
    async with server(tell, logger=quiet) as url:
        await listen(f"{url}{SIGNED}")
    told = [
        record.getMessage() for record in caplog.records if record.name.startswith(("socialkit", "websocket"))
    ]
    assert told == ["listen 127.0.0.1"]


# --- where it may lead ------------------------------------------------------------------------------------
async def of_the_network(host: str, port: int) -> list[str]:
    return ["10.0.0.7"]


async def of_the_world(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


@pytest.mark.parametrize(
    ("url", "home", "why"),
    [
        ("https://example.com/a", HOME, "no address of a web socket"),
        ("ws://example.com/a", "https://api.example.com", "no address of a web socket"),
        ("wss://", HOME, "no address of a web socket"),
        ("wss://127.0.0.1:1/a", "https://api.example.com", "private, loopback"),
        ("wss://socket.example.com/a", "https://api.example.com", "private, loopback"),
        ("ws://169.254.169.254/a", HOME, "private, loopback"),
    ],
)
async def test_an_address_that_is_not_trusted_is_not_opened(url: str, home: str, why: str) -> None:
    with pytest.raises(UnsafeAddress, match=why):
        await listen(url, home=home, resolve=of_the_network)


async def test_it_goes_to_the_address_that_was_checked() -> None:
    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def tell(socket: ServerConnection) -> None:
        await socket.send(f"done {socket.request.headers['host'] if socket.request else ''}")

    async with server(tell) as url:
        named = url.replace("127.0.0.1", "box.example.com")
        heard = await listen(named, home="http://box.example.com", resolve=here)
    assert heard == f"done {named.removeprefix('ws://')}"


async def test_a_proxy_is_asked_by_name() -> None:
    asked = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(connect, "127.0.0.1", 0)
    async with proxy:
        place = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        for url in ("wss://socket.example.com/k3y?m=s1gned", "ws://socket.example.com:81/k3y"):
            with pytest.raises(Unreachable, match=r"ProxyError|InvalidProxyStatus"):
                await listen(url, proxy=place, resolve=of_the_world)
    assert asked == [b"CONNECT socket.example.com:443 HTTP/1.1", b"CONNECT socket.example.com:81 HTTP/1.1"]


def certificate(folder: Any) -> ssl.SSLContext:
    """A server's side of TLS with a certificate nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    )
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def test_certificates_are_checked(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tell(socket: ServerConnection) -> None:
        await socket.send("done")

    async with server(tell, ssl=certificate(tmp_path)) as url:
        with pytest.raises(Unreachable, match="SSLCertVerificationError"):
            await listen(f"{url}{SIGNED}")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        assert await listen(f"{url}{SIGNED}") == "done"


# --- in process -------------------------------------------------------------------------------------------
class Dropped(Exception):
    """The app closes the connection."""


def in_process(app: Any, clock: ManualClock | None = None) -> Callable[..., Any]:
    clock = clock or ManualClock()
    made = Transport(
        transport=InProcess({"example.com": app}.get, clock=clock, dropped=(Dropped,)), clock=clock
    )
    return lambda url="wss://example.com/k3y?m=s1gned", limit=20.0: made.listen(
        url, home=HOME, done=last, limit=limit
    )


async def test_an_app_is_heard_as_a_server_would_be() -> None:
    scopes, ends = [], []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        for message in ({"text": "begun"}, {"bytes": b"done 1"}, {"text": "done 2"}):
            await send({"type": "websocket.send", **message})
        ends.append((await receive())["type"])

    assert await in_process(app)() == "done 1"
    await asyncio.sleep(0)
    (scope,) = scopes
    assert (scope["type"], scope["scheme"], scope["path"], scope["query_string"]) == (
        "websocket",
        "wss",
        "/k3y",
        b"m=s1gned",
    )
    assert scope["extensions"]["socialkit.step"] == "read"
    assert ends == ["websocket.disconnect"]


async def test_an_apps_silence_ends_on_the_clock() -> None:
    clock, left = ManualClock(), asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        left.set()

    began = clock.now()
    with pytest.raises(AnswerLost, match="no such message"):
        await in_process(app, clock)()
    assert clock.now() - began == timedelta(seconds=20)
    await left.wait()


@pytest.mark.parametrize("opens", [True, False])
@pytest.mark.parametrize("drops", [True, False])
async def test_an_app_that_ends(opens: bool, drops: bool) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if opens:
            await send({"type": "websocket.accept"})
        if drops:
            raise Dropped
        await send({"type": "websocket.close", "code": 1000})

    with pytest.raises(AnswerLost if opens else Unreachable):
        await in_process(app)()


async def test_an_apps_own_mistake_is_seen() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        await in_process(app)()


async def test_a_host_without_an_app_and_a_transport_without_sockets() -> None:
    with pytest.raises(Unreachable, match="no such host"):
        await in_process(None)("wss://other.example.com/a")
    with pytest.raises(Unreachable, match="has no web sockets"):
        await listen("wss://example.com/a", transport=httpx.MockTransport(lambda _: httpx.Response(200)))
