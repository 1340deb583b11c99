"""Secrets stay out of everything people read: texts, logs, tracebacks, the journal, reports, the transcript."""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import sqlite3
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_files import mp4
from processes import picture
from socialkit import Client, Image, Post, SocialKitError, Video
from socialkit.registry import platforms, sandbox_boxes
from socialkit.sandbox import Sandbox
from socialkit.sandbox.page import render
from socialkit.sandbox.server import state

KEY = "launch"
Answering = Callable[[httpx.Request, httpx.Response], httpx.Response]


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those it came from, as a traceback follows them."""
    here: BaseException | None = error
    while here is not None:
        yield here
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)


class Reads:
    """What somebody could read after a publish, collected piece by piece."""

    def __init__(self) -> None:
        self.pieces: dict[str, str] = {}

    def add(self, name: str, text: object) -> None:
        self.pieces[f"{len(self.pieces)} {name}"] = str(text)

    def add_error(self, error: BaseException) -> None:
        self.add("traceback", "".join(traceback.format_exception(error)))
        for one in chain(error):
            self.add("error", f"{one} {one!r} {one.args} {getattr(one, '__notes__', '')} {vars(one)}")
        if isinstance(error, SocialKitError):
            again = pickle.loads(pickle.dumps(error))
            self.add("pickled error", f"{again} {again.__dict__}")
            self.add("error's fields", error.__dict__)

    def add_report(self, report: Any) -> None:
        self.add("report", f"{report} {report!r} {json.dumps(report.to_dict())} {report._repr_html_()}")
        for outcome in report.outcomes:
            self.add("outcome", f"{outcome} {outcome!r}")
            if outcome.error is not None:
                self.add_error(outcome.error)

    def add_file(self, path: Path) -> None:
        """The journal and the cells beside it, as any database browser shows them."""
        with contextlib.closing(sqlite3.connect(path)) as db:
            for table in ("journal", "cells"):
                self.add(f"table {table}", db.execute(f"SELECT * FROM {table}").fetchall())

    def assert_free_of(self, secrets: set[str]) -> None:
        assert secrets
        found = [
            f"{name}: …{text[max(0, (at := text.index(secret)) - 200) : at + 60]}…"
            for name, text in self.pieces.items()
            for secret in secrets
            if secret in text
        ]
        assert found == []


def secrets_of(client: Client, path: Path) -> set[str]:
    """Every secret in use: those given, those issued since, upload sessions kept for another process."""
    given = {secret for adapter in client.accounts.values() for secret in adapter.seed.secrets()}
    with contextlib.closing(sqlite3.connect(path)) as db:
        kept = [json.loads(value) for (value,) in db.execute("SELECT value FROM secrets")]
    return given | {text for value in kept for text in texts_in(value) if len(text) > 20 and " " not in text}


def texts_in(value: Any, name: str = "") -> Iterator[str]:
    """Every text of a JSON value that may be a secret; what a credential or an upload calls itself is none."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from texts_in(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item, name)
    elif isinstance(value, str) and name not in (
        "id",
        "kind",
        "expires_at",
        "client_id",
        "scopes",
        "seed",
        "did",
        "pds",
    ):
        yield value


class Meddling(httpx.AsyncBaseTransport):
    """Lets ``answer`` replace what the platform said to a publishing request."""

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport, answer: Answering) -> None:
        self.inner, self.answer = inner, answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        await response.aread()
        return self.answer(request, response) if request.method == "POST" else response


def credential_of(request: httpx.Request) -> str:
    """What signed the request, as a careless server would print it."""
    header = request.headers.get("authorization") or request.headers.get("api-key") or ""
    return f"{header} {header.rpartition(' ')[2]} {request.url}"


def echo(status: int) -> Answering:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        told = f"not allowed: {credential_of(request)}"
        body = {"error": told, "message": told, "detail": told, "title": told, "errors": [{"message": told}]}
        return httpx.Response(status, json=body, headers={"x-request-id": credential_of(request)})

    return answer


def echo_as_page(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return httpx.Response(502, text=f"<h1>Bad gateway</h1><pre>{credential_of(request)}</pre>")


def echo_as_garbage(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return httpx.Response(200, text=f"<p>{credential_of(request)}</p>")


def echo_as_other_json(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return httpx.Response(
        200, json={"debug": credential_of(request), "id": {}, "data": [credential_of(request)]}
    )


def fail(kind: type[Exception]) -> Answering:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        raise kind(f"failed with {credential_of(request)}")

    return answer


def nothing(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return response


def after(skip: int, answer: Answering) -> Answering:
    """Lets the first ``skip`` answers through."""
    left = [skip]

    def late(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        left[0] -= 1
        return response if left[0] >= 0 else answer(request, response)

    return late


ANSWERS: dict[str, Answering] = {
    "success": nothing,
    "400": echo(400),
    "401": echo(401),
    "403": echo(403),
    "422": echo(422),
    "429": echo(429),
    "500": echo(500),
    "a page": echo_as_page,
    "garbage": echo_as_garbage,
    "other JSON": echo_as_other_json,
    "connection error": fail(httpx.ConnectError),
    "read error": fail(httpx.ReadError),
    "protocol error": fail(httpx.RemoteProtocolError),
    "an unexpected error": fail(ValueError),
}


@pytest.fixture(params=sorted(set(platforms()) & set(sandbox_boxes())))
def platform(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def post_for(client: Client, platform: str, folder: Path) -> Post:
    """A post with all the platform takes of: words, a title, a picture, a video where it takes nothing else."""
    file = folder / "hero.png"
    file.write_bytes(picture())
    pictures = [Image(file, alt="a boat")]
    clip = folder / "launch.mp4"
    clip.write_bytes(mp4())
    for post in (
        Post("We ship today", media=pictures),
        Post("We ship today"),
        Post("We ship today", title="The news"),
        Post(title="The news", media=pictures),
        Post("We ship today", title="The news", media=[Video(clip)], visibility="public"),
        Post("We ship today", media=[Image.from_url("https://example.com/boat.jpg", alt="a boat")]),
    ):
        if not client.plan(post, to=platform)[platform].errors:
            return post
    return pytest.skip(f"{platform} takes none of the posts at hand")


def read_all(reads: Reads, box: Sandbox, client: Client, platform: str, folder: Path) -> None:
    """Publish, raising; settle; look back; and read everything there is."""
    plan = client.plan(post_for(client, platform, folder), to=platform)
    reads.add("plan", f"{plan} {plan!r} {json.dumps(plan.to_dict())} {plan._repr_html_()}")
    try:
        reads.add_report(client.publish(plan, idempotency_key=KEY, wait=0))
    except SocialKitError as error:
        reads.add_error(error)
        reads.add_report(error.report)
    reads.add_report(client.settle(KEY))
    for report in client.history():
        reads.add_report(report)
    reads.add("client", f"{client} {client!r} {client.accounts}")
    reads.add("limits", client.rate_limits())
    reads.add("accounts", [f"{one} {one!r} {one.seed!r} {one.seed}" for one in client.accounts.values()])
    reads.add("state", json.dumps(state(box)))
    reads.add("transcript", box.requests)
    reads.add("page", render(box))


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_no_secret_is_shown_whatever_the_platform_answers(
    platform: str, answer: Answering, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("socialkit", "socialkit.transport", "httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)
    path, reads = tmp_path / "socialkit.db", Reads()
    with Sandbox([platform]) as box, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        transport = Meddling(box.transport, answer)
        with Client(box.accounts(), transport=transport, clock=box.clock, store=path, max_wait=5) as client:
            # sign in and learn the account first: what is tested is the publishing
            transport.answer = nothing
            client.plan(Post("words", title="The news"), to=platform)
            transport.answer = answer
            read_all(reads, box, client, platform, tmp_path)
            reads.add(
                "log", "\n".join(f"{one.getMessage()} {one.args} {one.exc_text}" for one in caplog.records)
            )
            reads.add("warnings", [str(one.message) for one in warned])
            reads.add_file(path)
            reads.assert_free_of(secrets_of(client, path))


@pytest.mark.parametrize(
    "fault", ["expired-token", "429", "stored-then-hang", "dropped-before", "stored-then-500"]
)
def test_no_secret_is_shown_by_a_fault(
    platform: str, fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    path, reads = tmp_path / "socialkit.db", Reads()
    with Sandbox([platform]) as box, box.client(store=path) as client:
        client.plan(Post("words", title="The news"), to=platform)
        box.fault(fault, platform=platform, times=5)
        read_all(reads, box, client, platform, tmp_path)
        reads.add("log", "\n".join(one.getMessage() for one in caplog.records))
        reads.add_file(path)
        reads.assert_free_of(secrets_of(client, path))


def test_over_real_sockets_no_log_shows_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """httpcore logs every header at DEBUG when it is let."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpcore", "httpcore.http11", "httpcore.connection", "httpx"):
        caplog.set_level(logging.DEBUG, logger=name)
    path = tmp_path / "socialkit.db"
    with Sandbox(["mastodon"]) as box, box.serve() as url, Client(box.accounts(url), store=path) as client:
        client.publish(Post("We ship today"), to="mastodon", idempotency_key=KEY)
        log = "\n".join(f"{one.name} {one.getMessage()}" for one in caplog.records)
        assert "POST" in log
        shown = [secret for secret in secrets_of(client, path) if secret in log]
    assert shown == []
