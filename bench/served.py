"""A sandbox served by a process of its own, on a clock that flows with real time.

``python -m bench.served '{"platforms": ["mastodon"], "windows": [["statuses", 100, 2.0, "POST /api/v1/statuses"]]}'``
prints one line of JSON: the base URL and the credentials by platform.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from socialkit._clock import SystemClock

from .canned import child
from .logins import credentials, platform_of


class Served:
    """What the parent knows of the served sandbox."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.url: str = told["url"]
        self.accounts: dict[str, dict[str, Any]] = told["accounts"]

    def state(self) -> dict[str, Any]:
        """The transcript and the timelines."""
        with urllib.request.urlopen(f"{self.url}/sandbox/state", timeout=30) as response:
            return dict(json.load(response))


class Hurried(SystemClock):
    """The real clock, but a wait lets the served sandbox's clock go on instead."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/sandbox/clock"

    async def sleep(self, seconds: float) -> None:
        await asyncio.to_thread(self._advance, seconds)

    def _advance(self, seconds: float) -> None:
        body, headers = json.dumps({"advance": seconds}).encode(), {"content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self._url, body, headers), timeout=30):
            pass


@contextlib.contextmanager
def served(*platforms: str, windows: list[Any] | None = None) -> Iterator[Served]:
    """A sandbox with those platforms or logins; ``windows`` replaces the first one's rate limits (none by default)."""
    config = json.dumps({"platforms": platforms, "windows": windows or []})
    with child("-m", "bench.served", config) as process:
        assert process.stdout is not None
        yield Served(json.loads(process.stdout.readline()))


def main(config: dict[str, Any]) -> None:
    from socialkit.sandbox import Sandbox
    from socialkit.sandbox.core import Window
    from socialkit.testing import ManualClock

    windows = tuple(
        Window(name, limit, seconds, match, "user") for name, limit, seconds, match in config["windows"]
    )
    clock = ManualClock(datetime.now(UTC), flows=True)
    names = {name: platform_of(name) for name in config["platforms"]}
    with Sandbox(list(dict.fromkeys(names.values())), clock=clock) as box, box.serve() as url:
        for number, platform in enumerate(names.values()):
            box[platform].windows = () if number else windows
        accounts = {name: credentials(box, name, f"{url}/{platform}") for name, platform in names.items()}
        print(json.dumps({"url": url, "accounts": accounts}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
