"""The same lost answers met with a plain retry by other people's clients, over loopback."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import attrs

from socialkit.contracts._samples import mp4
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .peers import MISSING, bluesky_client, google_client, label, mastodon_client, peer, tweepy_client

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
    with Sandbox([platform], clock=ManualClock(datetime.now(UTC), autojump=False)) as box, box.serve() as url:
        box[platform].windows = ()
        publish = make(box[platform].credentials(f"{url}/{platform}"))
        ends = [_trial(box, platform, publish, f"Trial {n} ends", source) for n in range(trials)]
    return Naive(trials, sum(live > 1 for _, live in ends), sum(live > 0 and not ok for ok, live in ends))


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


def _mastodon(given: dict[str, Any]) -> Publish:
    return mastodon_client(given, request_timeout=PATIENCE).status_post  # type: ignore[no-any-return]


def _bluesky(given: dict[str, Any]) -> Publish:
    return bluesky_client(given, timeout=PATIENCE).send_post  # type: ignore[no-any-return]


def _x(given: dict[str, Any]) -> Publish:
    client = tweepy_client(given, timeout=PATIENCE)
    return lambda text: client.create_tweet(text=text, user_auth=False)


def _youtube(given: dict[str, Any]) -> Publish:
    client, http = google_client(given, timeout=PATIENCE), peer("googleapiclient.http")
    assert http is not None

    def publish(text: str) -> Any:
        body = {"snippet": {"title": text[:60], "description": text}, "status": {"privacyStatus": "public"}}
        media = http.MediaInMemoryUpload(mp4(), "video/mp4", resumable=True)
        return client.videos().insert(part="snippet,status", body=body, media_body=media).execute()

    return publish


_CLIENTS: dict[str, tuple[str, Callable[[dict[str, Any]], Publish]]] = {
    "mastodon": ("mastodon", _mastodon),
    "bluesky": ("atproto", _bluesky),
    "x": ("tweepy", _x),
    "youtube": ("googleapiclient", _youtube),
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
