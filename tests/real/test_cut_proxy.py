"""The cut proxy loses answers exactly as told, and knows what the server received."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from .cut_proxy import CutProxy, Mode

TIMEOUT = httpx.Timeout(5, read=0.5)


class Shop(ThreadingHTTPServer):
    """A server that remembers every order it accepted and the Host header of every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.orders: list[bytes] = []
        self.hosts: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Counter(BaseHTTPRequestHandler):
    """POST stores the body; GET tells the server's own address and counts the orders."""

    protocol_version = "HTTP/1.1"
    server: Shop

    def do_POST(self) -> None:
        """Accept one order."""
        self.server.orders.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.reply(201, b'{"order": %d}' % len(self.server.orders))

    def do_GET(self) -> None:
        """Say where this server lives."""
        self.reply(200, f"{self.server.url} has {len(self.server.orders)}".encode())

    def do_DELETE(self) -> None:
        """Answer without a body."""
        self.send_response(204)
        self.end_headers()

    def reply(self, status: int, body: bytes) -> None:
        """Send a small answer."""
        self.server.hosts.append(self.headers["Host"])
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep the test output quiet."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh local server."""
    with Shop() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("mode", "error", "orders"),
    [
        ("cut_before", httpx.ReadError, 0),
        ("cut_after", httpx.ReadError, 1),
        ("fin_after", httpx.RemoteProtocolError, 1),
        ("half", httpx.ReadError, 1),
        ("hang", httpx.ReadTimeout, 1),
    ],
)
def test_an_answer_is_lost_in_the_way_asked_for(
    shop: Shop, mode: Mode, error: type[Exception], orders: int
) -> None:
    with CutProxy(shop.url) as proxy:
        proxy.misbehave(mode)
        with pytest.raises(error):
            httpx.post(f"{proxy.url}/orders", content=b"tea", timeout=TIMEOUT)
        assert len(shop.orders) == proxy.count("POST", "/orders") == orders
        assert httpx.post(f"{proxy.url}/orders", content=b"tea").json() == {"order": orders + 1}


@pytest.mark.parametrize("mode", ["pass", "slow"])
def test_an_answer_arrives_whole(shop: Shop, mode: Mode) -> None:
    with CutProxy(shop.url, pace=0) as proxy:
        proxy.misbehave(mode)
        answer = httpx.post(f"{proxy.url}/orders", content=b"tea")
    assert (answer.status_code, answer.json()) == (201, {"order": 1})


def test_a_rule_chooses_by_method_path_skip_and_count(shop: Shop) -> None:
    fates = []
    with CutProxy(shop.url) as proxy, httpx.Client(base_url=proxy.url) as client:
        proxy.misbehave("cut_after", method="POST", path="/orders/[0-9]+", skip=1, count=2)
        for method, path in [("GET", "/orders/1"), ("POST", "/orders"), *[("POST", "/orders/1?x=2")] * 4]:
            try:
                fates.append(client.request(method, path, content=b"tea").status_code)
            except httpx.ReadError:
                fates.append(0)
    assert fates == [200, 201, 201, 0, 0, 201]


def test_the_log_tells_what_was_asked_what_was_done_and_what_came_back(shop: Shop) -> None:
    with CutProxy(shop.url) as proxy:
        proxy.misbehave("cut_before", path="/orders")
        with pytest.raises(httpx.ReadError):
            httpx.post(f"{proxy.url}/orders", content=b"lost")
        httpx.post(f"{proxy.url}/orders?dry=1", content=b"tea", headers={"Idempotency-Key": "k1"})
    lost, made = proxy.exchanges
    assert (lost.mode, lost.delivered, lost.status, lost.body) == ("cut_before", False, None, b"lost")
    assert (made.mode, made.delivered, made.status, made.body) == ("pass", True, 201, b"tea")
    assert (made.method, made.path, made.headers["idempotency-key"]) == ("POST", "/orders?dry=1", "k1")
    assert proxy.delivered("POST", "/orders") == [made]


def test_one_connection_carries_many_requests(shop: Shop) -> None:
    with CutProxy(shop.url) as proxy, httpx.Client(base_url=proxy.url) as client:
        streams = set()
        for _ in range(3):
            with client.stream("GET", "/") as answer:
                streams.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
                answer.read()
    assert len(streams) == 1


def test_a_chunked_body_and_an_empty_answer_pass(shop: Shop) -> None:
    with CutProxy(shop.url) as proxy, httpx.Client(base_url=proxy.url) as client:
        client.post("/orders", content=iter([b"green ", b"tea"]))
        assert client.delete("/orders/1").status_code == 204
        assert client.get("/").status_code == 200
    assert shop.orders == [b"green tea"]


def test_the_server_sees_the_clients_host_unless_told_otherwise(shop: Shop) -> None:
    with CutProxy(shop.url) as proxy:
        assert httpx.get(f"{proxy.url}/").text == f"{shop.url} has 0"
    with CutProxy(shop.url, rewrite_host=True) as rewriting:
        assert httpx.get(f"{rewriting.url}/").text == f"{rewriting.url} has 0"
    assert [f"http://{host}" for host in shop.hosts] == [proxy.url, shop.url]


def test_a_server_that_is_down_looks_like_a_closed_connection(shop: Shop) -> None:
    with CutProxy("http://127.0.0.1:1") as proxy:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{proxy.url}/orders", content=b"tea")
        assert proxy.count() == 0
