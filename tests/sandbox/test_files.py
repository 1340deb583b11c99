"""What platforms fetch by themselves: signed addresses that end, the web, loopback."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from media_files import png
from socialkit.sandbox import Sandbox

BYTES = png(9, 9)
DIGEST = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["devto"]) as box:
        yield box


def put(box: Sandbox, served: str) -> str:
    place = box.files.at(served).place("böat.png", "image/png", len(BYTES), DIGEST)
    answer = httpx.put(place.upload_url, content=BYTES, headers=dict(place.headers), trust_env=False)
    assert answer.status_code == 200
    return place.url


def test_what_was_put_is_fetched_by_anybody_with_the_address(box: Sandbox) -> None:
    with box.serve() as served:
        url = put(box, served)
        answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, BYTES, "image/png")
    found = box.files.fetch(url)
    assert found is not None
    assert (found.sha256, found.kind.mime) == (DIGEST, "image/png")


def test_an_address_ends(box: Sandbox) -> None:
    with box.serve() as served:
        url = put(box, served)
        box.clock.advance(box.files.lives + 1)
        assert box.files.fetch(url) is None
        assert httpx.get(url, trust_env=False).status_code == 403


@pytest.mark.parametrize("old", ["signature=", "until=", "png"])
def test_an_address_cannot_be_made_up(box: Sandbox, old: str) -> None:
    with box.serve() as served:
        url = put(box, served).replace(old, f"{old}1")
        assert box.files.fetch(url) is None
        assert httpx.get(url, trust_env=False).status_code == 403
        assert httpx.put(url, content=b"x", trust_env=False).status_code == 403


@pytest.mark.parametrize(
    ("path", "mime"), [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.mp4", "video/mp4"), ("a", "")]
)
def test_the_web_has_pictures_videos_and_pages(box: Sandbox, path: str, mime: str) -> None:
    found = box.files.fetch(f"https://example.com/{path}")
    assert found is not None
    assert found.kind.mime == mime


def test_a_test_may_put_anything_on_the_web(box: Sandbox) -> None:
    assert box.files.fetch("https://shop.example.org/hero.png") is None
    url = box.files.put("https://shop.example.org/hero.png", BYTES)
    found = box.files.fetch(url)
    assert found is not None
    assert found.sha256 == DIGEST


def test_another_server_of_this_machine_is_asked_for_real(box: Sandbox) -> None:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.png" else 404)
            self.end_headers()
            self.wfile.write(BYTES if self.path == "/a.png" else b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        found = box.files.fetch(f"{base}/a.png")
        assert found is not None
        assert found.sha256 == DIGEST
        assert box.files.fetch(f"{base}/b.png") is None
        server.shutdown()
        thread.join(10)
