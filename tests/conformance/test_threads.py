"""Threads: every request of the adapter and every answer of the sandbox is as Meta's request collection has it.

The collection is of January 2026. Names that Meta's manual had by July 2026 and the collection has not stand in
``BESIDES``.
"""

from __future__ import annotations

import functools
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from media_files import mp4, png
from socialkit import Client, Image, Poll, Post, Status, Video
from socialkit.adapters.threads import ThreadsOptions
from socialkit.sandbox import Sandbox

from .postman import Collection
from .specs import SpecViolation, need_specs

pytestmark = pytest.mark.specs

CREATE = {
    "enable_reply_approvals",
    "allowlisted_country_codes",
    "crossreshare_to_ig",
    "crossreshare_to_ig_dark_mode",
    "is_spoiler_media",
}
BESIDES = {
    "POST me/threads": CREATE,
    "GET me/threads_insights": {"since", "until", "period"},
    "GET profile_posts": {"limit", "since", "until"},
    "GET {id}": {"fields"},
}
LISTS = {"is_spoiler_media", "text_entities", "text_attachment", "location", "total_votes", "owner"}
KEYS = {"link_total_values", "link_url", "crossreshare_to_ig_status"}


@functools.cache
def collection() -> Collection:
    file = need_specs() / "threads/threads-api.postman_collection.json"
    return Collection(file, besides=BESIDES, lists=LISTS, keys=KEYS)


class Watched(httpx.AsyncBaseTransport):
    """The sandbox's transport; everything to and from Threads is checked on the way."""

    def __init__(self, box: Sandbox) -> None:
        self.inner, self.seen = box.transport, list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "graph.threads.net":
            return await self.inner.handle_async_request(request)
        body = await request.aread()
        told = str(request.url).replace("/17841405793187219/", "/me/")
        collection().check_request(request.method, told, dict(request.headers), body)
        answer = await self.inner.handle_async_request(request)
        content = await answer.aread()
        collection().check_response(request.method, told, answer.status_code, content)
        self.seen.append(f"{request.method} {request.url.path}")
        return answer


@pytest.fixture
def box() -> Any:
    collection()
    with Sandbox(["threads"]) as made:
        made.threads.geo_gating = True
        yield made


@pytest.fixture
def client(box: Sandbox) -> Any:
    watched = Watched(box)
    options = {"transport": watched, "clock": box.clock, "media_host": box.files}
    with Client(box.accounts(), store=":memory:", **options) as made:
        made.watched = watched
        yield made
    assert watched.seen


def publish(client: Client, post: Post) -> Any:
    outcome = client.publish(post, "threads", idempotency_key="k", errors="return")["threads"]
    assert outcome.status is Status.PUBLISHED, outcome.error or outcome.problems
    return outcome.receipt


OPTIONS = ThreadsOptions(
    topic="Sea",
    reply_control="mentioned_only",
    reply_approvals=True,
    spoilers=("Ahoy",),
    location_id="110843418940484",
    countries=("DE",),
    share_to_instagram="dark",
)
BOAT = Image(png(600, 600), alt="A boat")
POSTS = {
    "text": Post("Ahoy", link="https://example.com/a"),
    "picture": Post("Ahoy", media=[BOAT], sensitive=True),
    "video": Post("Ahoy", media=[Video(mp4(seconds=5.0), alt="Sailing")]),
    "carousel": Post("Ahoy", media=[BOAT, Video(mp4(seconds=5.0), alt="Sailing")]),
    "poll": Post("Sail?", poll=Poll(["Yes", "No"])),
    "thread": Post("One", thread=[Post("Two"), Post("Three", media=[BOAT])]),
    "options": Post("Ahoy").variant("threads", OPTIONS),
    "gif": Post("Ahoy").variant("threads", ThreadsOptions(gif="g1")),
    "attachment": Post("Ahoy").variant(
        "threads",
        ThreadsOptions(
            attachment="A tale", attachment_link="https://example.com", attachment_styles=(("tale", "bold"),)
        ),
    ),
    "ghost": Post("Boo").variant("threads", ThreadsOptions(ghost=True)),
}


@pytest.mark.parametrize("kind", POSTS)
def test_publishing(client: Client, kind: str) -> None:
    publish(client, POSTS[kind])


def test_replying_and_quoting(client: Client, box: Sandbox) -> None:
    first = publish(client, Post("Ahoy"))
    for index, post in enumerate((Post("Aye", reply_to=first.url), Post("Look", quote=first.id))):
        outcome = client.publish(post, "threads", idempotency_key=str(index))["threads"]
        assert outcome.status is Status.PUBLISHED


@pytest.mark.parametrize("post", [Post("Ahoy"), Post("One", thread=[Post("Two")])])
def test_looking_for_what_was_lost(client: Client, box: Sandbox, post: Post) -> None:
    box.fault("dropped-after", platform="threads", skip=len(post.thread))
    publish(client, post)


def test_reading_and_deleting(client: Client, box: Sandbox) -> None:
    receipt = publish(client, Post("Ahoy", link="https://example.com/a"))
    now = box.clock.now()
    assert client.fetch_metrics(receipt.url)[0].error is None
    (row,) = client.fetch_account_metrics("threads", since=now - timedelta(days=3), until=now)
    assert row.error is None
    assert len(client.fetch_posts("threads", limit=3, since=now - timedelta(days=1), until=now)) == 1
    for _ in range(2):
        client.delete(receipt)


def test_refusals(client: Client, box: Sandbox) -> None:
    gone = Post("Ahoy", media=[Image.from_url("https://nowhere.example.org/a.png", alt="?")])
    for post in (gone, Post("Aye", reply_to="5")):
        report = client.publish(post, "threads", errors="return")
        assert report["threads"].status is Status.FAILED
    box.fault("expired-token", platform="threads")
    client.publish(Post("Ahoy"), "threads", errors="return")


@pytest.mark.parametrize("edge", ["threads", "replies", "mentions"])
async def test_everything_a_list_may_be_asked_for(box: Sandbox, edge: str) -> None:
    fields = {"threads": "fields_threads"}.get(edge, "fields_replies")
    names = collection().names(fields)
    async with httpx.AsyncClient(transport=Watched(box)) as web:
        headers = {"authorization": f"Bearer {box.accounts()['threads'].seed.access_token}"}
        plain = ",".join(
            sorted(names - {n for n in names if n.startswith("option_")} - {"expiration_timestamp"})
        )
        url = f"https://graph.threads.net/v1.0/me/{edge}"
        answer = await web.get(url, params={"fields": plain, "limit": "50"}, headers=headers)
        assert answer.status_code == 200, answer.text


def test_the_checks_see_what_is_wrong() -> None:
    check, form = collection(), {"content-type": "application/x-www-form-urlencoded"}
    url = "https://graph.threads.net/v1.0/me/threads"
    check.check_request("POST", url, form, b"media_type=TEXT&text=Ahoy")
    for method, where, headers, body in (
        ("POST", url, {"content-type": "application/json"}, b"{}"),
        ("POST", url, form, b"media_type=STORY"),
        ("POST", url, form, b"caption=Ahoy"),
        ("GET", f"{url}?fields=likes", {}, b""),
        ("GET", "https://graph.threads.net/v1.0/5/insights?metric=clicks_", {}, b""),
        ("POST", "https://graph.threads.net/v1.0/me/publish", form, b""),
    ):
        with pytest.raises(SpecViolation):
            check.check_request(method, where, headers, body)
    with pytest.raises(SpecViolation):
        check.check_response("POST", url, 200, json.dumps({"id": "5", "status": "new"}).encode())
