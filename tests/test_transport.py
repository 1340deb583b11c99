"""Requests and answers: what left, what came back, and what it means when nothing came."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import random
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from socialkit.adapters.base import Field, Slice
from socialkit.errors import ConfigError
from socialkit.testing import ManualClock
from socialkit.transport import AnswerLost, InProcess, Transport, Unreachable, UnsafeAddress, redact

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Memory:
    """A blob in memory, given out in pieces."""

    def __init__(
        self, data: bytes, *, mime: str = "image/png", name: str = "boat.png", piece: int = 4
    ) -> None:
        self.data, self.mime, self.name, self.piece = data, mime, name, piece
        self.size = len(data)
        self.digest = None

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        part = self.data[start:stop]
        for place in range(0, len(part), self.piece):
            yield part[place : place + self.piece]

    async def read(self) -> bytes:
        return self.data


@contextlib.asynccontextmanager
async def server(handler: Handler, *, patience: float = 5) -> AsyncIterator[str]:
    """A raw server on loopback; gives its base URL. At its end it waits ``patience`` seconds for handlers."""

    tasks, writers = set(), []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        writers.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await handler(reader, writer)
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    listening = await asyncio.start_server(guarded, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        listening.close()
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
            for writer in writers:
                writer.close()
            await asyncio.wait(tasks)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head, await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Diary:
    """Writes down when ``before`` and ``sent`` were called."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def before(self) -> None:
        self.lines.append("before")

    def sent(self) -> None:
        self.lines.append("sent")


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    made = Transport(timeout=5)
    yield made
    await made.aclose()


# --- what leaves ------------------------------------------------------------------------------------------


async def test_before_runs_ahead_of_the_first_byte_and_sent_after_the_last(transport: Transport) -> None:
    diary = Diary()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        diary.lines.append("received")
        writer.write(OK)

    async with server(handler) as url:
        answer = await transport.send(
            "POST", f"{url}/posts", step="commit", json={"text": "hé"}, before=diary.before, sent=diary.sent
        )
    assert (answer.status, answer.text) == (200, "ok")
    assert diary.lines == ["before", "sent", "received"]


async def test_an_error_in_before_is_raised_and_nothing_is_received(transport: Transport) -> None:
    received = []

    class Halted(Exception):
        pass

    async def refuse() -> None:
        raise Halted("stop")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())

    diary = Diary()
    async with server(handler) as url:
        with pytest.raises(Halted, match="stop"):
            await transport.send("POST", url, json={}, before=refuse, sent=diary.sent)
        await transport.aclose()
    assert (received, diary.lines) == ([b""], [])


async def test_the_last_piece_can_be_the_commit(transport: Transport) -> None:
    got: list[bytes] = []
    told: list[int] = []

    async def refuse() -> None:
        raise RuntimeError("halted")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())

    async with server(handler) as url:
        with pytest.raises(RuntimeError, match="halted"):
            await transport.send(
                "POST",
                url,
                content=Slice(Memory(b"aaaabbbbcc")),
                before=refuse,
                at_last_piece=True,
                progress=told.append,
            )
        await transport.aclose()
    assert got[0].endswith(b"\r\n\r\naaaabbbb")
    assert told == [4, 8]


async def test_json_is_compact_utf8_and_parameters_join_the_query(transport: Transport) -> None:
    seen = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with server(handler) as url:
        params = {"ids": ["1", "2"], "nothing": None, "yes": True}
        await transport.send("POST", f"{url}/a?x=1", params=params, json={"t": "é", "n": None})
        await transport.send("POST", f"{url}/b", form=[("status", "a b"), ("media_ids[]", "1")])
        await transport.send("POST", f"{url}/c", content=b"raw", headers={"Content-Type": "text/plain"})
    head, body = seen[0]
    assert head.startswith(b"POST /a?x=1&ids=1&ids=2&yes=true HTTP/1.1\r\n")
    assert body == '{"t":"é","n":null}'.encode()
    assert b"user-agent: socialkit/" in head
    assert seen[1][1] == b"status=a+b&media_ids%5B%5D=1"
    assert b"content-type: text/plain" in seen[2][0]


async def test_a_multipart_form_is_exactly_this(transport: Transport) -> None:
    seen = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    fields = [
        Field("text", "hé"),
        Field("media", Slice(Memory(b"0123456789"), 2, 8)),
        Field("extra", b"{}", filename='a"b\r\n.json', mime="application/json"),
    ]
    told: list[int] = []
    fixed = Transport(random=random.Random(1))
    async with server(handler) as url:
        await fixed.send("POST", url, multipart=fields, progress=told.append)
    await fixed.aclose()
    head, body = seen[0]
    mark = f"{random.Random(1).getrandbits(128):032x}"
    assert f"content-type: multipart/form-data; boundary={mark}".encode() in head
    golden = (
        f'--{mark}\r\nContent-Disposition: form-data; name="text"\r\n\r\nhé\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="media"; filename="boat.png"\r\n'
        "Content-Type: image/png\r\n\r\n234567\r\n"
        f'--{mark}\r\nContent-Disposition: form-data; name="extra"; filename="a%22b%0D%0A.json"\r\n'
        f"Content-Type: application/json\r\n\r\n{{}}\r\n--{mark}--\r\n"
    )
    assert body == golden.encode()
    assert told[-1] == len(body)


# --- what became of it ------------------------------------------------------------------------------------


async def test_a_refused_connection_is_unreachable(transport: Transport) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        diary = Diary()
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1: ConnectError"):
            await transport.send("POST", url, json={}, before=diary.before, sent=diary.sent)
    assert diary.lines == []


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com/", "http://[", "http:///x"])
async def test_what_is_no_http_url_is_unreachable(transport: Transport, url: str) -> None:
    with pytest.raises(Unreachable):
        await transport.send("GET", url)


async def test_a_reset_before_the_request_was_read_is_a_lost_answer(transport: Transport) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    diary = Diary()
    async with server(handler) as url:
        with pytest.raises(AnswerLost):
            await transport.send("POST", url, json={}, before=diary.before, sent=diary.sent)
    assert diary.lines == ["before", "sent"]


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_an_end_after_the_request_was_read_is_a_lost_answer(transport: Transport, end: str) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if end == "reset":
            reset(writer)

    async with server(handler) as url:
        with pytest.raises(AnswerLost, match=r"127.0.0.1: (ReadError|RemoteProtocolError)"):
            await transport.send("POST", url, json={})


@pytest.mark.parametrize(
    "cut", [b"HTTP/1.1 200 OK\r\nContent-", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_half_an_answer_is_a_lost_answer(transport: Transport, cut: bytes) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(cut)

    async with server(handler) as url:
        with pytest.raises(AnswerLost):
            await transport.send("POST", url, json={})


async def test_any_status_is_an_answer(transport: Transport) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n")

    async with server(handler) as url:
        answer = await transport.send("POST", url, json={})
    assert (answer.status, answer.headers["retry-after"], answer.headers["x-a"]) == (503, "7", "1, 2")


async def test_an_answer_that_never_ends_is_cut_off(transport: Transport) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000)

    async with server(handler) as url:
        with pytest.raises(AnswerLost, match="larger than 1,000 bytes"):
            await transport.send("GET", url, max_bytes=1000)


async def test_a_source_that_fails_is_raised_as_itself(transport: Transport) -> None:
    class Gone(Memory):
        async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
            yield b"0123"
            raise FileNotFoundError("boat.png is gone")

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with server(handler) as url:
        with pytest.raises(FileNotFoundError, match=r"boat.png is gone"):
            await transport.send("POST", url, content=Slice(Gone(b"0123456789")))


async def test_redirects_are_followed_when_reading_from_the_same_host_only(transport: Transport) -> None:
    lines = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = (await read_request(reader))[0].split(b"\r\n")[0].decode()
        lines.append(line)
        place = f"http://localhost:{url.rpartition(':')[2]}/there" if "away" in line else "/there"
        moved = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
        writer.write(OK if "/there" in line else moved)

    async with server(handler) as url:
        assert (await transport.send("GET", f"{url}/here")).url == f"{url}/there"
        assert (await transport.send("POST", f"{url}/here")).status == 302
        assert (await transport.send("GET", f"{url}/away")).status == 302
    assert lines == ["GET /here HTTP/1.1", "GET /there HTTP/1.1", "POST /here HTTP/1.1", "GET /away HTTP/1.1"]


async def test_a_proxy_that_refuses_the_tunnel_means_not_sent() -> None:
    seen = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    diary = Diary()
    async with server(handler) as url:
        behind = Transport(proxy=url)
        with pytest.raises(Unreachable, match="403 Forbidden"):
            await behind.send("POST", "https://example.com/", json={}, before=diary.before, sent=diary.sent)
        await behind.aclose()
    assert (seen, diary.lines) == ([b"CONNECT example.com:443 HTTP/1.1"], [])


@pytest.mark.parametrize(
    "proxy", ["gopher://me:s3cret@proxy.example.com", "socks5://me:s3cret@proxy.example.com"]
)
async def test_a_proxy_nobody_can_speak_to_is_a_config_error(proxy: str) -> None:
    with pytest.raises(ConfigError, match="the proxy cannot be used: ") as caught:
        await Transport(proxy=proxy).send("GET", "https://example.com/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["tök3n", "tok3n\n", "tok3n\x00"])
async def test_a_token_no_header_can_carry_is_a_config_error_that_does_not_show_it(token: str) -> None:
    diary = Diary()
    with pytest.raises(ConfigError, match="the header authorization cannot be sent") as caught:
        await Transport().send(
            "POST", "https://example.com/", headers={"authorization": token}, before=diary.before
        )
    assert token.strip() not in str(caught.value)
    assert diary.lines == []


async def test_proxies_of_the_environment_are_used_but_never_for_loopback(monkeypatch: Any) -> None:
    seen = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        writer.write(OK)

    async with server(handler) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "direct.example.com")
        behind = Transport()
        await behind.send("GET", "http://example.com/a")
        await behind.send("GET", f"{url}/b")
        assert behind._proxy(httpx.URL("http://direct.example.com/")) is None
        await behind.aclose()
    assert seen == [b"GET http://example.com/a HTTP/1.1", b"GET /b HTTP/1.1"]


async def test_connections_are_kept_and_cookies_are_not(transport: Transport) -> None:
    heads, connections = [], []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        while True:
            heads.append((await read_request(reader))[0].lower())
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))

    async with server(handler) as url:
        await transport.send("GET", url)
        await transport.send("GET", url)
        await transport.aclose()
    assert len(connections) == 1
    assert b"cookie" not in heads[1]


def test_each_event_loop_has_its_own_connections_which_end_with_it() -> None:
    shared = Transport()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(OK)

    async def once() -> int:
        async with server(handler, patience=0) as url:
            return (await shared.send("GET", url)).status

    assert [asyncio.run(once()), asyncio.run(once())] == [200, 200]
    assert shared._pools == {}
    gc.collect()  # a connection left open would warn, and warnings are errors


async def test_the_log_has_no_secrets(transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    with caplog.at_level(logging.DEBUG):
        async with server(handler) as url:
            place = f"{url}/bot12:AAbb/hook-s3cret?token=t0ken"
            await transport.send(
                "GET", place, headers={"Authorization": "Bearer b3arer"}, secrets=["hook-s3cret"]
            )
    lines = [record.getMessage() for record in caplog.records if record.name == "socialkit.transport"]
    assert lines[0].startswith("GET 127.0.0.1/bot***/*** 200")
    for secret in ("AAbb", "s3cret", "t0ken", "b3arer"):
        assert secret not in caplog.text


def test_redact_hides_what_is_named_and_what_looks_like_a_credential() -> None:
    text = 'Bearer abcdef123 ?access_token=zz&x=1 {"refresh_token": "qq"} http://me:pw@example.com/ p%2Bq p+q'
    assert redact(text, ["p+q", ""]) == (
        'Bearer *** ?access_token=***&x=1 {"refresh_token": "***"} http://***@example.com/ *** ***'
    )


# --- trying again -----------------------------------------------------------------------------------------


class Flaky:
    """Fails a number of times, then works."""

    def __init__(self, failures: int, clock: ManualClock) -> None:
        self.failures, self.clock = failures, clock
        self.moments: list[float] = []

    async def __call__(self) -> str:
        self.moments.append(self.clock.monotonic())
        if len(self.moments) <= self.failures:
            raise Unreachable(f"failure {len(self.moments)}")
        return "done"


def retrying(transport: Transport, attempt: Callable[[], Awaitable[str]], **options: Any) -> Awaitable[str]:
    options.setdefault("retry_at", lambda error: None)
    return transport.retry(attempt, retryable=lambda error: isinstance(error, Unreachable), **options)


async def test_retries_wait_longer_each_time_on_the_clock() -> None:
    clock = ManualClock()
    flaky = Flaky(3, clock)
    assert await retrying(Transport(clock=clock, random=random.Random(0)), flaky) == "done"
    waits = [later - earlier for earlier, later in zip(flaky.moments, flaky.moments[1:], strict=False)]
    assert [0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1, 1 <= waits[2] <= 2] == [True] * 3


async def test_the_last_error_is_raised_after_all_attempts() -> None:
    clock = ManualClock()
    flaky = Flaky(9, clock)
    with pytest.raises(Unreachable, match="failure 4"):
        await retrying(Transport(clock=clock), flaky)


async def test_what_is_not_retryable_is_raised_at_once() -> None:
    clock = ManualClock()
    calls = []

    async def lost() -> str:
        calls.append(1)
        raise AnswerLost("gone") if len(calls) > 1 else Unreachable("first")

    with pytest.raises(AnswerLost):
        await retrying(Transport(clock=clock), lost)
    assert len(calls) == 2


async def test_the_moment_an_error_names_is_honoured_up_to_max_wait() -> None:
    clock = ManualClock()
    transport = Transport(clock=clock)
    flaky = Flaky(1, clock)
    at = clock.now() + timedelta(seconds=30)
    await retrying(transport, flaky, retry_at=lambda error: at)
    assert 30 <= flaky.moments[1] < 31
    with pytest.raises(Unreachable, match="failure 1"):
        await retrying(transport, Flaky(1, clock), retry_at=lambda error: clock.now() + timedelta(seconds=99))


def test_the_module_loads_without_tenacity() -> None:
    script = "import sys, socialkit.transport; sys.exit('tenacity' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- addresses given by users -----------------------------------------------------------------------------


def resolver(**names: str) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(host: str, port: int) -> list[str]:
        return names.get(host.replace(".", "_"), "").split()

    return resolve


PRIVATE = """
    127.0.0.1 2130706433 0x7f000001 0177.0.0.1 127.1 0 0.0.0.0 10.1.2.3 192.168.0.1 172.16.0.1
    169.254.169.254 100.64.0.1 224.0.0.1 255.255.255.255 [::1] [::] [::ffff:127.0.0.1]
    [::ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::] [fe80::1] [fc00::1] [ff02::1]
    inside.example.com mapped.example.com
"""


@pytest.mark.parametrize("host", PRIVATE.split())
async def test_private_addresses_are_refused_in_every_notation(host: str) -> None:
    names = resolver(inside_example_com="93.184.216.34 10.0.0.8", mapped_example_com="::ffff:192.168.1.1")
    asked: list[str] = []
    mock = httpx.MockTransport(lambda request: asked.append(str(request.url)) or httpx.Response(200))
    with pytest.raises(Unreachable, match=r"private, loopback or reserved|not a URL"):
        await Transport(transport=mock, resolve=names).fetch(f"http://{host}/", max_bytes=10)
    assert asked == []


@pytest.mark.parametrize("host", ["93.184.216.34", "[2606:2800:220:1::1]", "[64:ff9b::5db8:d822]"])
async def test_public_addresses_are_asked(host: str) -> None:
    mock = httpx.MockTransport(lambda request: httpx.Response(200, text=request.url.host))
    guarded = Transport(transport=mock, resolve=resolver())
    assert (await guarded.fetch(f"http://{host}/", max_bytes=99)).text == host.strip("[]")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/a", "gopher://example.com", "/etc/passwd"]
)
async def test_only_http_urls_are_fetched(url: str) -> None:
    with pytest.raises(UnsafeAddress, match="no http or https"):
        await Transport(resolve=resolver(example_com="93.184.216.34")).fetch(url, max_bytes=10)


async def test_a_redirect_to_a_private_address_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://169.254.169.254/latest"})

    fetching = Transport(transport=httpx.MockTransport(answer), resolve=resolver(example_com="93.184.216.34"))
    with pytest.raises(UnsafeAddress, match="169"):
        await fetching.fetch("https://example.com/a.png", max_bytes=10)


async def test_redirects_end_after_five() -> None:
    count = []

    def answer(request: httpx.Request) -> httpx.Response:
        count.append(1)
        return httpx.Response(302, headers={"location": f"/{len(count)}"})

    fetching = Transport(transport=httpx.MockTransport(answer))
    with pytest.raises(UnsafeAddress, match="more than five times"):
        await fetching.fetch("https://example.com/", max_bytes=10)
    assert len(count) == 6


async def test_a_name_without_an_address_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"nowhere.example.com has no address"):
        await Transport(resolve=resolver()).fetch("https://nowhere.example.com/", max_bytes=10)


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The name does not resolve for anybody else: only a connection by address can arrive."""
    heads = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await read_request(reader))[0])
        writer.write(OK)

    fetching = Transport(resolve=resolver(pinned_example_com="127.0.0.1"))
    async with server(handler) as url:
        port = url.rpartition(":")[2]
        place = f"http://pinned.example.com:{port}/a"
        answer = await fetching.fetch(place, max_bytes=10, allow_private=True)
        await fetching.aclose()
    assert (answer.text, answer.url) == ("ok", place)
    assert f"host: pinned.example.com:{port}".encode() in heads[0]


async def test_a_fetch_is_bounded_and_a_stream_starts_where_asked() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "range" in request.headers and request.url.path == "/ranges":
            return httpx.Response(206, content=b"456789")
        return httpx.Response(200, content=b"0123456789")

    fetching = Transport(transport=httpx.MockTransport(answer))
    with pytest.raises(AnswerLost, match="larger than 9 bytes"):
        await fetching.fetch("https://example.com/", max_bytes=9)
    assert (await fetching.fetch("https://example.com/", max_bytes=10)).content == b"0123456789"
    for path, status in (("/ranges", 206), ("/whole", 200)):
        async with fetching.stream(f"https://example.com{path}", start=4) as (head, pieces):
            assert (head.status, b"".join([piece async for piece in pieces])) == (status, b"456789")


# --- in process -------------------------------------------------------------------------------------------


class Dropped(Exception):
    """The app closes the connection."""


async def reply(send: Any, body: bytes = b"ok", *, more: bool = False) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})
    await send({"type": "http.response.body", "body": body, "more_body": more})


def in_process(app: Any, clock: ManualClock | None = None) -> Transport:
    clock = clock or ManualClock()
    hosts = {"example.com": app}
    return Transport(transport=InProcess(hosts.get, clock=clock, dropped=(Dropped,)), clock=clock)


async def test_an_app_sees_the_request_and_its_step() -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        body = (await receive())["body"]
        await reply(send, body)

    diary = Diary()
    answer = await in_process(app).send(
        "POST", "https://example.com/a%20b?x=1", step="commit", json=[1], before=diary.before, sent=diary.sent
    )
    assert (answer.text, answer.headers["x-a"]) == ("[1]", "1")
    scope = scopes[0]
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"x=1")
    assert scope["extensions"]["socialkit.step"] == "commit"
    assert diary.lines == ["before", "sent"]


async def test_an_unknown_host_is_unreachable_and_before_is_not_asked() -> None:
    diary = Diary()
    with pytest.raises(Unreachable, match="no such host"):
        await in_process(None).send("POST", "https://other.example.com/", before=diary.before)
    assert diary.lines == []


async def test_an_app_runs_to_its_end_when_the_client_gives_up() -> None:
    entered, go, stored = asyncio.Event(), asyncio.Event(), asyncio.Event()
    after: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        entered.set()
        await go.wait()
        await receive()
        after.append((await receive())["type"])
        stored.set()
        await reply(send)

    diary = Diary()
    work = in_process(app).send("POST", "https://example.com/", json={}, before=diary.before, sent=diary.sent)
    client = asyncio.ensure_future(work)
    await entered.wait()
    client.cancel()
    with pytest.raises(asyncio.CancelledError):
        await client
    go.set()
    await stored.wait()
    assert after == ["http.disconnect"]
    assert diary.lines == ["before", "sent"]


async def test_a_hanging_app_is_a_lost_answer_when_the_clock_says_so() -> None:
    clock = ManualClock()
    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    began = clock.now()
    with pytest.raises(AnswerLost, match=r"example.com: ReadTimeout"):
        await in_process(app, clock).send("POST", "https://example.com/", json={}, timeout=20)
    assert clock.now() - began == timedelta(seconds=20)
    await ended.wait()


async def test_the_timeout_starts_again_with_every_piece_of_the_body() -> None:
    clock = ManualClock()

    class Slow(Memory):
        async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
            async for piece in super().chunks(start, stop):
                await clock.sleep(15)
                yield piece

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await reply(send)

    slow = Slice(Slow(b"0123456789"))
    answer = await in_process(app, clock).send("POST", "https://example.com/", content=slow, timeout=20)
    assert (answer.status, clock.monotonic()) == (200, 45)


@pytest.mark.parametrize("when", ["before the answer", "inside the answer", "without a word"])
async def test_a_dropped_connection_is_a_lost_answer(when: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if when == "inside the answer":
            await reply(send, b"half", more=True)
        if when != "without a word":
            raise Dropped

    with pytest.raises(AnswerLost):
        await in_process(app).send("POST", "https://example.com/", json={})


async def test_a_mistake_in_an_app_is_raised_as_itself() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("mistake")

    with pytest.raises(KeyError, match="mistake"):
        await in_process(app).send("GET", "https://example.com/")


async def test_a_source_that_fails_cuts_the_connection_of_the_app() -> None:
    class Gone(Memory):
        async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
            yield b"0123"
            raise FileNotFoundError("boat.png is gone")

    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([(await receive())["type"] for _ in range(3)])

    with pytest.raises(FileNotFoundError):
        await in_process(app).send("POST", "https://example.com/", content=Slice(Gone(b"0123456789")))
    assert seen == ["http.request", "http.disconnect", "http.disconnect"]


async def test_a_mock_that_cannot_connect_is_unreachable() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down")

    diary = Diary()
    with pytest.raises(Unreachable):
        await Transport(transport=httpx.MockTransport(answer)).send(
            "POST", "https://example.com/", before=diary.before
        )
    assert diary.lines == ["before"]


LARGE = """
import asyncio, resource, tracemalloc
from socialkit.adapters.base import Slice
from socialkit.transport import InProcess, Transport

SIZE, PIECE = 256 * 2**20, 256 * 2**10

class Large:
    size, mime, name, digest = SIZE, "video/mp4", "large.mp4", None
    async def chunks(self, start=0, stop=None):
        for _ in range(SIZE // PIECE):
            yield bytes(PIECE)

async def app(scope, receive, send):
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})

async def main():
    transport = Transport(transport=InProcess({"example.com": app}.get))
    tracemalloc.start()
    answer = await transport.send("POST", "https://example.com/", content=Slice(Large()))
    assert answer.text == str(SIZE), answer.text
    print(tracemalloc.get_traced_memory()[1])

asyncio.run(main())
"""


def test_a_large_body_streams() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 4 * 2**20
