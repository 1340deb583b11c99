"""The server the browser comes back to: one callback, from this machine, in nobody's log."""

from __future__ import annotations

import http.client
import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit.cli.loopback import Loopback, is_loopback
from socialkit.errors import ConfigError, LoginFailed


class Visitor:
    """What a browser did and saw, in a thread of its own."""

    def __init__(self, loopback, path, **options):
        self.answer, self.page = None, ""
        self._thread = threading.Thread(
            target=self._visit, args=(loopback, path), kwargs=options, daemon=True
        )
        self._thread.start()

    def _visit(self, loopback, path, *, method="GET", host=None):
        connection = http.client.HTTPConnection("127.0.0.1", loopback.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True)
            if host != "":
                connection.putheader("Host", host or f"127.0.0.1:{loopback.port}")
            connection.endheaders()
            self.answer = connection.getresponse()
            self.page = self.answer.read().decode()
        finally:
            connection.close()

    def done(self):
        self._thread.join(10)
        assert self.answer is not None
        return self


def test_the_callback_is_given_and_the_browser_hears_how_it_ended():
    with Loopback() as loopback:
        browser = Visitor(loopback, "/callback?code=abc&state=s%20t")
        assert loopback.wait(10) == f"http://127.0.0.1:{loopback.port}/callback?code=abc&state=s%20t"
        loopback.answer(True, "Signed in to X", "As @brand <script>alert(1)</script>.")
    seen = browser.done()
    assert seen.answer.status == 200
    assert "Signed in to X" in seen.page
    assert "<script>" not in seen.page
    assert "&lt;script&gt;" in seen.page
    assert "abc" not in seen.page


def test_a_failure_is_told_too_and_only_the_first_word_counts():
    with Loopback() as loopback:
        browser = Visitor(loopback, "/callback?error=access_denied")
        loopback.wait(10)
        loopback.answer(False, "Not signed in", "the person said no")
        loopback.answer(True, "Signed in", "as somebody")
    assert browser.done().answer.status == 400
    assert "the person said no" in browser.page


def test_the_page_is_kept_nowhere_and_tells_nobody_where_it_was():
    with Loopback() as loopback:
        browser = Visitor(loopback, "/callback?code=abc")
        loopback.wait(10)
    headers = browser.done().answer.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Python" not in headers["Server"]
    assert "stopped" in browser.page  # nobody said how it ended


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/favicon.ico", 404),
        ("/", 404),
        ("/callback/", 404),
        ("/callbac", 404),
        ("http://evil.example/callback?code=abc", 404),
        ("/other?code=abc", 404),
        ("/callback", 400),
        ("/callback?", 400),
    ],
)
def test_what_is_no_callback_is_not_taken(path, status):
    with Loopback() as loopback:
        assert Visitor(loopback, path).done().answer.status == status
        with pytest.raises(LoginFailed):
            loopback.wait(0.01)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:{}", "127.0.0.1:1", ""])
def test_only_its_own_host_is_answered(host):
    with Loopback() as loopback:
        browser = Visitor(loopback, "/callback?code=abc", host=host.format(loopback.port)).done()
        assert browser.answer.status == 421
        with pytest.raises(LoginFailed):
            loopback.wait(0.01)


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "OPTIONS"])
def test_only_get_is_taken(method):
    with Loopback() as loopback:
        assert Visitor(loopback, "/callback?code=abc", method=method).done().answer.status == 501
        with pytest.raises(LoginFailed):
            loopback.wait(0.01)


def test_one_callback_is_taken_and_no_second():
    with Loopback() as loopback:
        first = Visitor(loopback, "/callback?code=first")
        assert loopback.wait(10).endswith("code=first")
        second = Visitor(loopback, "/callback?code=second").done()
        assert second.answer.status == 409
        assert loopback.wait(1).endswith("code=first")
        loopback.answer(True, "Signed in", "as @brand")
    assert first.done().answer.status == 200


def test_it_is_gone_afterwards_and_was_never_open_to_others():
    with Loopback() as loopback:
        assert loopback._server.server_address[0] == "127.0.0.1"
        port = loopback.port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_the_registered_address_is_used():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with Loopback(f"http://localhost:{port}/oauth/back") as loopback:
        assert loopback.address == f"http://localhost:{port}/oauth/back"
        Visitor(loopback, "/oauth/back?code=abc", host=f"localhost:{port}")
        assert loopback.wait(10) == f"http://localhost:{port}/oauth/back?code=abc"


def test_the_port_that_was_asked_for_is_used_where_the_address_names_none():
    with Loopback() as first:
        assert first.address == f"http://127.0.0.1:{first.port}/callback"
        with pytest.raises(ConfigError, match=rf"cannot listen on 127.0.0.1:{first.port}.*--port"):
            Loopback(port=first.port)


def test_nobody_who_waits_long_waits_forever():
    started = time.monotonic()
    with Loopback() as loopback, pytest.raises(LoginFailed, match="begin again") as caught:
        loopback.wait(0.05)
    assert caught.value.reason == "expired"
    assert time.monotonic() - started < 5


def test_somebody_who_connects_and_says_nothing_does_not_stop_it():
    with Loopback() as loopback, socket.create_connection(("127.0.0.1", loopback.port)):
        browser = Visitor(loopback, "/callback?code=abc")
        assert loopback.wait(10)
        loopback.answer(True, "Signed in", "as @brand")
        browser.done()


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("http://127.0.0.1/callback", True),
        ("http://localhost:8000/", True),
        ("http://[::1]:8000/callback", True),
        ("https://127.0.0.1/callback", False),
        ("http://127.0.0.1.evil.example/callback", False),
        ("http://evil.example/callback", False),
        ("http://127.0.0.1:0/callback", False),
        ("http://127.0.0.1:x/callback", False),
        ("http://[::1/callback", False),
        ("urn:ietf:wg:oauth:2.0:oob", False),
        ("", False),
    ],
)
def test_which_addresses_it_can_listen_on(address, ours):
    assert is_loopback(address) is ours


@pytest.fixture(scope="module")
def standing():
    with Loopback() as loopback:
        yield loopback


@given(st.binary(max_size=300))
def test_noise_is_survived_and_never_a_callback(standing, noise):
    with socket.create_connection(("127.0.0.1", standing.port), timeout=10) as connection:
        connection.sendall(noise + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        told = b""
        while piece := connection.recv(4096):
            told += piece
    assert b" 200 " not in told.partition(b"\r\n")[0]
    assert standing._callback.url is None
