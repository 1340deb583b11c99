"""What a person sees who opens the sandbox's page: a headless Chromium reads it and takes its picture."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from socialkit import Client, Image, Link, Poll, Post
from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.browser
PICTURES = pytest.importorskip("PIL.Image", reason="NO PILLOW: pip install 'socialkit-py[images]'")
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
)  # fmt: skip
LIGHT, DARK = 1, 0
RED = (200, 16, 46)
HOSTILE = (
    "<script>document.title='broken in'</script><img src=//spy.example/a onerror=\"document.title='x'\">"
)
TEXTS = {
    "plain": "Good morning from the harbour https://example.com/diary #boats",
    "arabic": "نُبحر اليوم مع ريح طيبة",
    "emoji": "👩‍👩‍👧‍👦 sail away 🏳️‍🌈",
    "hostile": HOSTILE,
    "alt": "A picture with an alt text that bites",
    "poll": "Sail or motor?",
    "card": "With a card",
}
SPY = "http://spy.example/pixel.png"


class Proxy:
    """Hears which hosts a browser asks for; loopback does not go through it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            with line:
                line.settimeout(5)
                self.asked.append(line.recv(4096).partition(b"\r\n")[0].decode("latin-1"))
                line.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join(5)

    def heard(self, host: str) -> bool:
        return any(host in line for line in self.asked)


class Browser:
    """One run of the browser per question, each with an empty profile."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        self.proxy = Proxy()

    def _run(self, *flags: str) -> bytes:
        profile = self._folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        words = [self._program, *FLAGS, f"--user-data-dir={profile}", f"--proxy-server={self.proxy.address}"]
        done = subprocess.run([*words, *flags], capture_output=True, timeout=120, check=True)
        return done.stdout

    def dom(self, url: str) -> str:
        """The page's markup after everything in it has run."""
        return self._run("--virtual-time-budget=3000", "--dump-dom", url).decode()

    def picture(self, url: str, width: int, height: int, scheme: int = LIGHT):
        """What is on the screen, as an RGB picture."""
        file = self._folder / "page.png"
        size, theme = f"--window-size={width},{height}", f"--blink-settings=preferredColorScheme={scheme}"
        self._run(size, theme, f"--screenshot={file}", url)
        return PICTURES.open(file).convert("RGB")


class Seen(HTMLParser):
    """Words, tags and alt texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words, self.alts, self.tags = "", [], []
        self._silent = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._silent = tag if tag in ("style", "title") else ""
        if tag == "img":
            self.alts.append(dict(attributes)["alt"])

    def handle_endtag(self, tag):
        self._silent = ""

    def handle_data(self, data):
        self.words += "" if self._silent else data


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("NO CHROMIUM: none of " + ", ".join(NAMES) + " is on the path; apt-get install chromium")
    made = Browser(program, tmp_path_factory.mktemp("browser"))
    yield made
    made.proxy.close()


def red_picture() -> bytes:
    out = io.BytesIO()
    PICTURES.new("RGB", (600, 400), RED).save(out, "PNG")
    return out.getvalue()


def posts() -> list[tuple[Post, tuple[str, ...]]]:
    """Posts, and who gets them."""
    social = ("bluesky", "mastodon", "x")
    pictures = [Image(red_picture(), alt="a red square"), Image(red_picture(), alt=HOSTILE)]
    return [
        (Post(TEXTS["plain"]), social),
        (Post(TEXTS["arabic"]), social),
        (Post(TEXTS["emoji"]), social),
        (Post(TEXTS["hostile"]), social),
        (Post(TEXTS["alt"], media=pictures), social),
        (Post(TEXTS["poll"], poll=Poll(["Sail", "Motor"])), ("mastodon", "x")),
        (Post(TEXTS["card"], link=Link("https://example.com/launch", title="The launch")), ("bluesky",)),
        (Post("A wet cat", content_warning="cat in water"), ("mastodon",)),
        (Post(" ".join(f"Sentence {n} of a long story." for n in range(25)), split=True), social),
        (Post(f"![]({SPY}) **bold**", title="How we built a boat"), ("devto",)),
    ]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Sandbox, str]]:
    """A sandbox with a campaign on it, behind a real server."""
    with Sandbox() as box, box.serve() as url:
        with Client(box.accounts(), store=":memory:", transport=box.transport, clock=box.clock) as client:
            for post, to in posts():
                client.publish(post, to)
            first = client.history()[0]["bluesky"].receipt
            client.publish(Post("Look what we said", quote=first), "bluesky")
        yield box, url


@pytest.fixture(scope="module")
def page(browser: Browser, served: tuple[Sandbox, str]) -> str:
    return browser.dom(served[1])


def test_every_post_is_there(page: str, served: tuple[Sandbox, str]) -> None:
    box, _ = served
    seen = Seen(page)
    assert seen.tags.count("article") == sum(len(box.timeline(name)) for name in box.boxes) > 25
    for name in box.boxes:
        for entry in box.timeline(name):
            assert entry.text in seen.words


def test_the_parts_of_a_post_are_there(page: str) -> None:
    words = Seen(page).words
    for word in ("cat in water", "Motor", "The launch", "How we built a boat", "Look what we said"):
        assert word in words
    assert "The quoted post is gone" not in words


def test_pictures_have_their_alt_texts_for_ears_and_eyes(page: str) -> None:
    seen = Seen(page)
    assert seen.alts.count("a red square") == seen.alts.count(HOSTILE) == 3
    assert seen.words.count("a red square") == 3


def test_no_script_of_a_post_runs(page: str) -> None:
    assert "<title>Sandbox timelines</title>" in page
    assert "script" not in Seen(page).tags


def test_nothing_is_asked_of_anybody_else(browser: Browser, page: str) -> None:
    assert not browser.proxy.heard("example")


def test_the_listener_would_hear_it(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "spied.html").write_text(f'<img src="{SPY}">')
    browser.dom((tmp_path / "spied.html").as_uri())
    assert browser.proxy.heard("spy.example")
    browser.proxy.asked.clear()


@pytest.mark.parametrize(("scheme", "light"), [(LIGHT, True), (DARK, False)])
def test_the_page_follows_light_and_dark(
    browser: Browser, served: tuple[Sandbox, str], scheme, light
) -> None:
    shot = browser.picture(served[1], 1400, 900, scheme)
    assert (sum(shot.getpixel((3, 3))) > 600) is light


@pytest.mark.parametrize("width", [1400, 500])
def test_pictures_show_and_nothing_sticks_out(browser: Browser, served: tuple[Sandbox, str], width) -> None:
    shot = browser.picture(served[1], width, 4000)
    counted = {colour: count for count, colour in shot.getcolors(shot.width * shot.height)}
    assert counted.get(RED, 0) > 20_000
    edge = {shot.getpixel((shot.width - 4, y)) for y in range(shot.height)}
    assert edge == {shot.getpixel((3, 3))}
