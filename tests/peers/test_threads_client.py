"""Another client against the served Threads sandbox: threads-client posts, waits, reads and deletes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
threads_client = pytest.importorskip("threads_client")
BOAT, CLIP = "https://example.com/boat.png", "https://example.com/sail.mp4"


@pytest.fixture
def box(monkeypatch):
    """A sandbox whose clock goes on when the client waits."""
    with Sandbox(["threads"]) as made:

        async def sleep(seconds):
            made.clock.advance(seconds)

        for module in ("resources.posts", "transport.client"):
            waiting = SimpleNamespace(sleep=sleep, gather=asyncio.gather, Semaphore=asyncio.Semaphore)
            monkeypatch.setattr(f"threads_client.{module}.asyncio", waiting)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield made


@pytest.fixture
def url(box):
    with box.serve() as served:
        yield f"{served}/threads"


@pytest.fixture
async def client(box, url):
    token = box.threads.token_for("brand").access_token
    async with threads_client.ThreadsClient(token, base_url=f"{url}/v1.0") as made:
        yield made


async def test_a_text_with_a_topic_a_reply_and_a_list(box, client):
    box.threads.settling = 2.0
    first = await client.post("Ahoy", topic_tag="#sea")
    reply = await client.post("Aye", reply_to_id=first)
    one, two = box.timeline("threads")
    assert (one.id, two.id, two.reply_to) == (first, reply, first)
    assert one.extras["given"]["topic_tag"] == "sea"
    posts = [post async for post in client.posts.iter_posts()]
    assert [(post.id, post.text, post.media_type, post.permalink) for post in posts] == [
        (first, "Ahoy", "TEXT_POST", one.url)
    ]


async def test_a_picture_a_video_and_both(box, client):
    await client.post("Look", image_url=BOAT)
    await client.post("Look", video_url=CLIP)
    item = threads_client.CarouselMediaItem
    items = [item(media_type="IMAGE", url=BOAT), item(media_type="VIDEO", url=CLIP)]
    await client.post_carousel("Look", items=items)
    assert [len(entry.media) for entry in box.timeline("threads")] == [1, 1, 2]


async def test_pages_are_followed_to_the_last(box, client):
    numbers = [await client.post(f"Ahoy {n}") for n in range(5)]
    posts = [post.id async for post in client.posts.iter_posts(limit=2)]
    assert posts == numbers[::-1]


async def test_what_fails_is_understood(box, client):
    with pytest.raises(threads_client.ThreadsMediaProcessingError, match="FAILED_DOWNLOADING_VIDEO"):
        await client.post("Look", video_url="https://nowhere.example.org/a.mp4")
    with pytest.raises(threads_client.ThreadsAPIError, match="at most 500 characters"):
        await client.post("a" * 501)
    box.threads.vanishing = 1
    with pytest.raises(threads_client.ThreadsAPIError) as caught:
        await client.post("Ahoy")
    assert caught.value.is_media_processing_delay
    assert box.timeline("threads") == []


async def test_deleting(box, client):
    number = await client.post("Ahoy")
    assert await client.delete_post(number)
    assert box.timeline("threads") == []
    with pytest.raises(threads_client.ThreadsAPIError):
        await client.delete_post(number)
