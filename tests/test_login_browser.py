"""A person signs in: ``python -m socialkit login`` in one process, a headless Chromium in another."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from processes import own_port
from socialkit import Client
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.browser
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--window-size=900,700",
    "--no-proxy-server", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 30.0


def until(found: Callable[[], Any], what: str) -> Any:
    """What ``found`` gives as soon as it gives something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come")


class Browser:
    """One window of a Chromium that is told what to do over a pipe."""

    def __init__(self, program: str, folder: Path) -> None:
        hears, self._says = os.pipe()
        self._hears, says = os.pipe()
        words = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        pipes = f'exec "$@" 3<&{hears} 4>&{says}'
        self._process = subprocess.Popen(
            ["bash", "-c", pipes, "browser", *words], pass_fds=(hears, says), stderr=subprocess.DEVNULL
        )
        os.close(hears)
        os.close(says)
        self._rest, self._count, self._session = b"", 0, None
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._says, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._hears, 65536)
            assert piece, "the browser ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def run(self, script: str) -> Any:
        return self._ask("Runtime.evaluate", expression=script)["result"].get("value")

    def words(self) -> str:
        """What stands on a page that has come."""
        here = "document.readyState == 'complete' ? document.body.innerText : ''"
        return str(self.run(here) or "")

    def open(self, url: str, words: str) -> None:
        self._ask("Page.navigate", url=url)
        until(lambda: words in self.words(), f"a page that says {words!r}")

    def press(self, decision: str, words: str) -> str:
        """Press a button of the consent page, and wait for a page that says ``words``."""
        self.run(f"document.querySelector('button[value={decision}]').click()")
        until(lambda: words in self.words(), f"a page that says {words!r}")
        return self.words()

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def narrow(self, width: int) -> None:
        """Be a telephone of that many points."""
        wanted = {"height": 800, "deviceScaleFactor": 1, "mobile": True}
        self._ask("Emulation.setDeviceMetricsOverride", width=width, **wanted)

    def wide(self) -> None:
        self._ask("Emulation.clearDeviceMetricsOverride")

    def close(self) -> None:
        os.close(self._says)
        os.close(self._hears)
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("NO CHROMIUM: none of " + ", ".join(NAMES) + " is on the path; apt-get install chromium")
    made = Browser(program, tmp_path_factory.mktemp("profile"))
    yield made
    made.close()


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, str]]:
    clock = ManualClock(datetime.now(UTC), flows=True)
    with Sandbox(["bluesky", "mastodon", "x", "youtube"], clock=clock) as box, box.serve() as url:
        yield box, url


class Command:
    """The command under way; the browser it wants to open is a script that writes the address down."""

    def __init__(self, folder: Path, *words: str, typed: str = "") -> None:
        self.file = folder / "socialkit.toml"
        self.file.write_text('[client]\nstore = "socialkit.db"\n', encoding="utf-8")
        self._asked = folder / "asked"
        script = folder / "browser"
        script.write_text(
            f'#!/bin/sh\nprintf %s "$1" > "{self._asked}.new"\nmv "{self._asked}.new" "{self._asked}"\n'
        )
        script.chmod(0o755)
        environment = {**os.environ, "BROWSER": f"{script} %s", "NO_PROXY": "127.0.0.1", "COLUMNS": "100"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "socialkit", "login", *words, "--config", str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(typed)
        self._process.stdin.close()
        self._process.stdin = None

    def address(self) -> str:
        until(lambda: self._asked.exists() or self._process.poll() is not None, "the address")
        assert self._asked.exists(), self.ended()
        return self._asked.read_text()

    def ended(self) -> tuple[int, str]:
        told, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, told


def start(served: tuple[Sandbox, str], folder: Path, platform: str) -> Command:
    box, url = served
    flow = {"bluesky": "oauth"}.get(platform, "oauth2")
    back = f"http://127.0.0.1:{own_port()}/callback"
    app = box[platform].app_for(flow, back if platform == "x" else "")
    words = ["--client-id", app["client_id"]] if app.get("client_id") else []
    words += ["--port", str(own_port())] if platform == "x" else []
    secret = f"{app['client_secret']}\n" if app.get("client_secret") else "\n"
    return Command(folder, platform, "--server", f"{url}/{platform}", "--name", "brand", *words, typed=secret)


@pytest.mark.parametrize("platform", ["mastodon", "x", "youtube", "bluesky"])
def test_a_person_presses_allow_and_is_signed_in(
    browser: Browser, served: tuple[Sandbox, str], tmp_path: Path, platform: str
) -> None:
    box, _ = served
    command = start(served, tmp_path, platform)
    browser.open(command.address(), "Who are you?")
    browser.picture(tmp_path / "consent.png")
    shown = browser.press("allow", "close this page")
    browser.picture(tmp_path / "done.png")
    code, told = command.ended()
    assert code == 0, told
    assert "brand" in shown.lower()
    with Client.from_config(command.file) as client:
        (state,) = client.sign_ins(check=True)
        assert (state.account, state.health) == ("brand", "ok")
        assert state.identity is not None
        assert state.identity.id == box[platform].identity_of("brand")


def test_a_person_presses_deny_and_nothing_is_kept(
    browser: Browser, served: tuple[Sandbox, str], tmp_path: Path
) -> None:
    command = start(served, tmp_path, "mastodon")
    before = command.file.read_text()
    browser.open(command.address(), "Who are you?")
    shown = browser.press("deny", "close this page")
    browser.picture(tmp_path / "denied.png")
    code, told = command.ended()
    assert code == 1
    assert "said no" in told
    assert "Not signed in" in shown
    assert command.file.read_text() == before


def test_the_consent_page_fits_a_telephone(
    browser: Browser, served: tuple[Sandbox, str], tmp_path: Path
) -> None:
    command = start(served, tmp_path, "youtube")
    browser.narrow(360)
    browser.open(command.address(), "https://www.googleapis.com/auth/yt-analytics.readonly")
    browser.picture(tmp_path / "narrow.png")
    broad = browser.run("document.documentElement.scrollWidth")
    browser.wide()
    browser.press("deny", "Not signed in")
    command.ended()
    assert broad == 360
