"""Upload sessions, signed addresses and tokens stay hidden at every step of every kind of post, whatever the answer."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from socialkit import Client, SocialKitError
from socialkit.sandbox import Sandbox
from socialkit.sandbox.page import render
from socialkit.sandbox.server import state
from test_leaks import (
    KEY,
    Answering,
    Reads,
    echo,
    echo_as_garbage,
    echo_as_other_json,
    echo_as_page,
    fail,
    secrets_of,
    texts_in,
)

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.kinds import KINDS, made

ANSWERS: dict[str, Answering] = {
    "400": echo(400),
    "403": echo(403),
    "500": echo(500),
    "a page": echo_as_page,
    "garbage": echo_as_garbage,
    "other JSON": echo_as_other_json,
    "connection error": fail(httpx.ConnectError),
    "an unexpected error": fail(ValueError),
}
SOME = ("picture", "pictures", "video", "document", "reel", "story", "video story", "pulled")
DEPTH = 9
"""Requests of a post whose answers are replaced from there on, one after the other."""


class Watching(httpx.AsyncBaseTransport):
    """Replaces every answer from the ``skip``-th request on; notes what is secret while it is kept."""

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport, path: Path) -> None:
        self.inner, self.path = inner, path
        self.answer: Answering | None = None
        self.skip = self.seen = 0
        self.secrets: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        await response.aread()
        self._note()
        self.seen += 1
        return self.answer(request, response) if self.answer and self.seen > self.skip else response

    def _note(self) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            kept = [json.loads(value) for (value,) in db.execute("SELECT value FROM secrets")]
        self.secrets |= {text for value in kept for text in texts_in(value) if opens_something(text)}


def opens_something(text: str) -> bool:
    """An upload address, a token; not the id of a medium or the name of a host, which stand in sessions, too."""
    plain = text.replace("_", "").isdigit() or text.startswith("urn:") or text.rstrip("/").count("/") == 2
    return len(text) > 20 and " " not in text and not plain


def publish_and_read(reads: Reads, box: Sandbox, client: Client, platform: str, kind: str) -> None:
    try:
        post = made(kind, platform, "We ship today")
        reads.add_report(client.publish(post, to=platform, idempotency_key=KEY, wait=0))
    except SocialKitError as error:
        reads.add_error(error)
        if getattr(error, "report", None) is not None:
            reads.add_report(error.report)
    with contextlib.suppress(SocialKitError):
        reads.add_report(client.settle(KEY))
    for report in client.history():
        reads.add_report(report)
    reads.add("state", json.dumps(state(box)))
    reads.add("transcript", box.requests)
    reads.add("page", render(box))


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize(
    ("platform", "kind"), [(name, kind) for name, all_of in KINDS.items() for kind in all_of if kind in SOME]
)
def test_no_secret_is_shown_at_any_step(
    platform: str, kind: str, answer: Answering, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("", "socialkit", "socialkit.transport", "httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    for skip in range(DEPTH):
        path, reads = tmp_path / f"{skip}.db", Reads()
        with Sandbox([platform]) as box:
            transport = Watching(box.transport, path)
            options: dict[str, Any] = {
                "clock": box.clock,
                "store": path,
                "max_wait": 5,
                "media_host": box.files,
            }
            with Client(box.accounts(), transport=transport, **options) as client:
                client.fetch_posts(
                    platform, limit=1
                )  # the account is known: what is tested is the publishing
                transport.seen, transport.skip, transport.answer = 0, skip, answer
                publish_and_read(reads, box, client, platform, kind)
                reads.add(
                    "log",
                    "\n".join(f"{one.getMessage()} {one.args} {one.exc_text}" for one in caplog.records),
                )
                caplog.clear()
                reads.add_file(path)
                reads.assert_free_of(
                    set(filter(opens_something, secrets_of(client, path))) | transport.secrets
                )
                reached = transport.seen > skip
        if not reached:
            return
