"""The same lost answers met with a plain retry by other people's clients, over loopback.

A try is the client's own call, or calls, that make a post; what the client repeats by itself comes on top. Where it
waits, the sandbox's clock goes on instead.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import attrs

from socialkit.contracts._samples import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .bar_01_requests import unlimited
from .peers import (
    MISSING,
    bluesky_client,
    google_client,
    graph_api,
    label,
    linkedin_client,
    mastodon_client,
    peer,
    pinterest_api,
    reddit_client,
    tiktok_client,
    tweepy_client,
)

SAMPLE, SEED, PATIENCE, TRIES = 40, 6, 0.15, 3
LOST = ("stored-then-500", "stored-then-hang", "stored-later", "dropped-before", "dropped-after")
Publish = Callable[[str], Any]


@attrs.frozen
class Naive:
    """What a plain retry made of its lost answers."""

    trials: int
    duplicates: int
    wrong: int


def measure(platform: str, trials: int) -> Naive | None:
    """None when the peer is not installed. ``wrong``: it gave up and the post is live."""
    module, make = _CLIENTS[platform]
    if peer(module) is None:
        return None
    source = random.Random(SEED)
    clock = ManualClock(datetime.now(UTC), autojump=False)
    with Sandbox([platform], clock=clock) as box, box.serve() as url, unwaiting(clock):
        unlimited(box, platform)
        publish = make(box[platform].credentials(f"{url}/{platform}"), clock)
        ends = [_trial(box, platform, publish, f"Trial {n} ends", source) for n in range(trials)]
    return Naive(trials, sum(live > 1 for _, live in ends), sum(live > 0 and not ok for ok, live in ends))


@contextlib.contextmanager
def unwaiting(clock: ManualClock) -> Iterator[None]:
    """Clients that wait before they repeat something move the clock, and log nothing."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    with contextlib.ExitStack() as stack:
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        plain = SimpleNamespace(sleep=clock.advance, monotonic=time.monotonic)
        inside = SimpleNamespace(sleep=sleep, gather=asyncio.gather, Semaphore=asyncio.Semaphore)
        waiting = {"prawcore.sessions": ("time", plain)}
        waiting |= {f"threads_client.{name}": ("asyncio", inside) for name in _WAITING}
        for name, (word, instead) in waiting.items():
            if (module := peer(name)) is not None:
                stack.enter_context(mock.patch.object(module, word, instead))
        yield


_WAITING = ("resources.posts", "transport.client")


def _trial(
    box: Sandbox, platform: str, publish: Publish, text: str, source: random.Random
) -> tuple[bool, int]:
    box.fault(source.choice(LOST), platform=platform)
    ok = _retried(publish, text)
    box.faults.clear()
    box.clock.advance(130)
    return ok, sum(entry.text == text for entry in box.timeline(platform))


def _retried(publish: Publish, text: str) -> bool:
    for _ in range(TRIES):
        with contextlib.suppress(Exception):
            publish(text)
            return True
    return False


def _mastodon(given: dict[str, Any], clock: ManualClock) -> Publish:
    return mastodon_client(given, request_timeout=PATIENCE).status_post  # type: ignore[no-any-return]


def _bluesky(given: dict[str, Any], clock: ManualClock) -> Publish:
    return bluesky_client(given, timeout=PATIENCE).send_post  # type: ignore[no-any-return]


def _x(given: dict[str, Any], clock: ManualClock) -> Publish:
    client = tweepy_client(given, timeout=PATIENCE)
    return lambda text: client.create_tweet(text=text, user_auth=False)


def _youtube(given: dict[str, Any], clock: ManualClock) -> Publish:
    client, http = google_client(given, timeout=PATIENCE), peer("googleapiclient.http")
    assert http is not None

    def publish(text: str) -> Any:
        body = {"snippet": {"title": text[:60], "description": text}, "status": {"privacyStatus": "public"}}
        media = http.MediaInMemoryUpload(mp4(), "video/mp4", resumable=True)
        return client.videos().insert(part="snippet,status", body=body, media_body=media).execute()

    return publish


def _facebook(given: dict[str, Any], clock: ManualClock) -> Publish:
    api = graph_api(given, timeout=PATIENCE)
    page = api.call("GET", ("me",)).json()["id"]
    return lambda text: api.call("POST", (page, "feed"), {"message": text})


def _instagram(given: dict[str, Any], clock: ManualClock) -> Publish:
    """A container, ten seconds, and the container published."""
    api, users = graph_api(given, timeout=PATIENCE), peer("facebook_business.adobjects.iguser")
    assert users is not None
    brand = users.IGUser("me", api=api)

    def publish(text: str) -> Any:
        picture = {"image_url": "https://example.com/boat.jpg", "caption": text}
        container = brand.create_media(params=picture)["id"]
        clock.advance(10)
        return brand.create_media_publish(params={"creation_id": int(container)})

    return publish


def _linkedin(given: dict[str, Any], clock: ManualClock) -> Publish:
    call = linkedin_client(given, timeout=PATIENCE)
    spread = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}
    fixed = {"visibility": "PUBLIC", "distribution": spread, "lifecycleState": "PUBLISHED"}
    fixed |= {"author": f"urn:li:organization:{given['organization']}", "isReshareDisabledByAuthor": False}

    def publish(text: str) -> Any:
        answer = call("create", "/posts", entity={**fixed, "commentary": text})
        if answer.status_code != 201:  # it raises nothing
            raise RuntimeError(answer.response.text)

    return publish


def _pinterest(given: dict[str, Any], clock: ManualClock) -> Publish:
    sdk, pins = peer("pinterestsdk"), pinterest_api(given, "Pins")
    assert sdk is not None
    boards = pinterest_api(given, "Boards").boards_list().items
    board = next(one.id for one in boards if one.name == given["board"])
    data = base64.b64encode(png(40, 60)).decode()

    def publish(text: str) -> Any:
        picture = sdk.PinMediaSourceImageBase64(
            source_type="image_base64", content_type="image/png", data=data
        )
        source = sdk.PinMediaSource(actual_instance=picture)
        pin = sdk.PinCreate(board_id=board, media_source=source, description=text)
        return pins.pins_create(pin, _request_timeout=PATIENCE)

    return publish


def _reddit(given: dict[str, Any], clock: ManualClock) -> Publish:
    client = reddit_client(given, timeout=PATIENCE)
    brand = client.subreddit(f"u_{client.user.me().name}")
    return lambda text: brand.submit(text[:60], selftext=text)


def _threads(given: dict[str, Any], clock: ManualClock) -> Publish:
    threads_client = peer("threads_client")
    assert threads_client is not None

    async def post(text: str) -> Any:
        base = f"{given['server']}/v1.0"
        async with threads_client.ThreadsClient(given["token"], base_url=base, timeout=PATIENCE) as client:
            return await client.post(text)

    return lambda text: asyncio.run(post(text))


def _tiktok(given: dict[str, Any], clock: ManualClock) -> Publish:
    client = tiktok_client(given, timeout=PATIENCE)

    def publish(text: str) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video.mp4"
            path.write_bytes(mp4())
            how = ("FILE_UPLOAD", "POST_VIDEO_FILE", text, "PUBLIC_TO_EVERYONE")
            return client.create_video(*how, video_path=str(path))

    return publish


_CLIENTS: dict[str, tuple[str, Callable[[dict[str, Any], ManualClock], Publish]]] = {
    "mastodon": ("mastodon", _mastodon),
    "bluesky": ("atproto", _bluesky),
    "x": ("tweepy", _x),
    "youtube": ("googleapiclient", _youtube),
    "facebook": ("facebook_business", _facebook),
    "instagram": ("facebook_business", _instagram),
    "linkedin": ("linkedin_api", _linkedin),
    "pinterest": ("pinterestsdk", _pinterest),
    "reddit": ("praw", _reddit),
    "threads": ("threads_client", _threads),
    "tiktok": ("tiktok_api_client", _tiktok),
}


def compared(platforms: Iterable[str]) -> dict[str, str]:
    """The peer's cell of the table, by platform."""
    return {name: _cell(name, measure(name, SAMPLE)) if name in _CLIENTS else "-" for name in platforms}


def _cell(platform: str, done: Naive | None) -> str:
    name = label(_CLIENTS[platform][0])
    if done is None:
        return f"{name} {MISSING}"
    each = 1000 // done.trials
    return (
        f"{name}, {TRIES} tries: {done.duplicates * each} duplicates, {done.wrong * each} false "
        f"(scaled from {done.trials})"
    )
