"""Eleven platforms that do nothing but answer: what the sandbox said is played again, in process and at once.

Each platform is recorded in a sandbox of its own, on a clock that moves on after everything sent, so that whatever it
processes is ready at the first look. Played again, an answer goes to the request with the same method and address, in
the order of the recording; what makes a post public waits for ``delay`` real seconds first. A request that was not
recorded is an error.
"""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from typing import Any

import attrs
import httpx

from socialkit import Image, Post, Video
from socialkit.contracts._samples import mp4, png
from socialkit.registry import adapter
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .bar_01_requests import TARGETS
from .logins import platform_of

STEP = "socialkit.step"
PLATFORMS = tuple(name for name in TARGETS if platform_of(name) == name)
PATIENCE = 100.0
"""Seconds that pass in the sandbox after everything sent: more than any of them processes."""
_OF_THE_WIRE = frozenset({b"date", b"content-encoding", b"transfer-encoding"})


@attrs.frozen
class Exchange:
    """A request and its answer; ``step`` is what the adapter declared it to be."""

    method: str
    url: str
    step: str
    headers: dict[str, str]
    body: bytes
    status: int
    told: list[tuple[bytes, bytes]]
    content: bytes

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, headers=self.told, content=self.content)


Tapes = dict[str, list[Exchange]]
"""Exchanges in their order, by platform."""


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on to a sandbox and keeps what was said."""

    traces = True  # the sandbox's own transport tells when bytes leave

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.tape: list[Exchange] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.box.transport.handle_async_request(request)
        content, step = await response.aread(), request.extensions[STEP]
        told = [pair for pair in response.headers.raw if pair[0].lower() not in _OF_THE_WIRE]
        made = Exchange(request.method, str(request.url), step, {}, b"", response.status_code, told, content)
        self.tape.append(made)
        if step != "read":
            self.box.clock.advance(PATIENCE)
        return made.response()


class Player(httpx.AsyncBaseTransport):
    """Answers as recorded, what makes a post public after ``delay`` real seconds; ``made`` keeps the requests."""

    def __init__(self, tapes: Tapes, delay: float = 0.0) -> None:
        self.delay = delay
        self.made: Tapes = {}
        self._answers: dict[tuple[str, str], tuple[str, deque[Exchange]]] = {}
        for name, tape in tapes.items():
            for one in tape:
                self._answers.setdefault((one.method, one.url), (name, deque()))[1].append(one)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body, step = await request.aread(), request.extensions[STEP]
        platform, answers = self._answers.get((request.method, str(request.url)), ("", None))
        if not answers:
            raise LookupError(f"{request.method} {request.url} was not recorded")
        one = answers[0] if step == "read" and len(answers) == 1 else answers.popleft()
        sent = attrs.evolve(one, step=step, headers=dict(request.headers.items()), body=body)
        self.made.setdefault(platform, []).append(sent)
        if step == "commit" and self.delay:
            await asyncio.sleep(self.delay)
        return one.response()


def post_for_all(number: int) -> Post:
    """Words where words are enough; YouTube and TikTok get a video, Pinterest and Instagram a picture with them."""
    video, picture = Video(mp4(), alt="a black video"), Image(png(600, 900), alt="a grey picture")
    address = Image.from_url(
        "https://example.com/boat.jpg", alt="a boat"
    )  # its own login takes no picture's bytes
    post = Post(f"Post number {number}", title=f"Number {number}", visibility="public")
    for name, medium in (
        ("youtube", video),
        ("tiktok", video),
        ("pinterest", picture),
        ("instagram", address),
    ):
        post = post.variant(name, media=[medium])
    return post


async def record(platform: str, posts: list[Post]) -> list[Exchange]:
    """Everything said while the posts are published one after the other."""
    with Sandbox([platform], clock=ManualClock(datetime.now(UTC))) as box:
        box[platform].windows = ()
        recorder = Recorder(box)
        async with box.async_client(store=":memory:", transport=recorder) as client:
            for post in posts:
                await client.publish(post, to=platform)
        return recorder.tape


def account(platform: str) -> Any:
    """An account as the sandbox knows it, its budgets counted but never used up."""
    cls = adapter(platform)
    budgets = tuple(attrs.evolve(one, limit=10**9) for one in cls.rules.budgets)
    unlimited: Any = type(cls.__name__, (cls,), {"rules": attrs.evolve(cls.rules, budgets=budgets)})
    with Sandbox([platform]) as box:
        return unlimited(**box[platform].credentials())
