"""No number is asked for by a name that its platform has taken out of service, whatever kind of post it is of."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest

from socialkit import Client, Image, Post, Video
from socialkit.contracts import _samples
from socialkit.contracts._arrivals import Wire
from socialkit.sandbox import Sandbox
from socialkit.sandbox.state import Dropped
from socialkit.store import MemoryStore
from socialkit.transport import InProcess

ENDED = {
    "facebook": "page_engaged_users page_consumptions post_engaged_users page_fans page_impressions "
    "page_posts_impressions page_video_views_unique post_impressions "
    "PAGE_STORY_IMPRESSIONS_BY_STORY_ID ids pretty date_format",
    "instagram": "impressions plays clips_replays_count ig_reels_aggregated_all_plays_count video_views engagement",
    "threads": "impressions",
    "youtube": "favoriteCount dislikeCount",
    "reddit": "view_count",
}
"""As a word of its own, or the start of one: Meta ended whole families of names."""
CLIP, TALL = _samples.mp4(), _samples.mp4(5, 1080, 1920)
PHOTO = Image.from_url("https://example.com/boat.jpg", alt="The boat")


def posts(platform: str, client: Client) -> list[Post]:
    adapter: Any = client.accounts[platform]
    match platform:
        case "facebook":
            forms = [("reel", TALL), ("story", TALL)]
            told = [Post("" if form == "story" else "Ahoy", media=[Video(clip)]) for form, clip in forms]
            more = [
                one.variant(platform, adapter.Options(format=form))
                for one, (form, _) in zip(told, forms, strict=True)
            ]
            return [
                Post("Ahoy"),
                Post("Look", media=[Image(_samples.png())]),
                Post("Film", media=[Video(CLIP)]),
                *more,
            ]
        case "instagram":
            story = Post("", media=[PHOTO]).variant(platform, adapter.Options(story=True))
            return [Post("Look", media=[PHOTO]), Post("Film", media=[Video(CLIP)]), story]
        case "threads":
            return [Post("Ahoy"), Post("Look", media=[PHOTO])]
        case "youtube":
            return [Post("Film", title="The boat", media=[Video(CLIP)])]
    return [Post("Ahoy", title="The boat")]


@pytest.mark.parametrize("platform", ENDED)
def test_no_number_is_asked_for_by_a_name_that_has_ended(platform: str) -> None:
    with Sandbox([platform]) as box:
        wire = Wire(box.app_for_host)
        transport = InProcess(wire, clock=box.clock, dropped=(Dropped,))
        place: Any = {"transport": transport, "clock": box.clock, "media_host": box.files}
        with Client(box.accounts(), store=MemoryStore(), **place) as client:
            made = []
            for number, post in enumerate(posts(platform, client)):
                made.append(client.publish(post, platform, idempotency_key=f"{number}"))
                box.clock.advance(600)
            wire.seen.clear()
            rows = [client.fetch_metrics(report)[0] for report in made]
            since = box.clock.now() - timedelta(days=2)
            client.fetch_account_metrics(platform, since=since, until=box.clock.now())
            client.fetch_account_metrics(platform)
    assert not [row.error for row in rows if row.error]
    told = [
        unquote_plus(unquote_plus(f"{path}?{query.decode()} {body.decode()}"))
        for _, _, path, query, _, body in wire.seen
    ]
    asked = set(re.findall(r"\w+", " ".join(told)))
    ended = [
        name for name in ENDED[platform].split() if any(re.match(rf"{name}(?![a-z])", word) for word in asked)
    ]
    assert asked
    assert not ended
