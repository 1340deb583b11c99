"""X: every request the adapter makes, and every answer its tests are made of, is as X describes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.fakes import NOW, Asked, FakeCall, Scripted, answer
from adapters.x_samples import (
    ENTERPRISE,
    FACTS,
    ID,
    OWN,
    SRT,
    born,
    listed,
    only_part,
    own_post,
    pending,
    posted,
    uploaded,
)
from media_files import gif, mp4, png
from socialkit import Captions, Image, Poll, Post, Video
from socialkit.adapters import base
from socialkit.adapters._x_media import MIB
from socialkit.adapters._x_plan import XAppInstall
from socialkit.adapters.x import X, XOptions
from socialkit.model import Identity, Receipt

from .specs import validator

pytestmark = pytest.mark.specs

BOAT = Image(png(), alt="A boat")
CLIP = Video(
    mp4(seconds=5.0, data=2 * MIB),
    alt="Sailing",
    captions=[Captions(SRT, "en-US", "English")],
    thumbnail=Image(png(8, 8), alt="A boat"),
)
OPTIONS = XOptions(
    reply_settings="mentionedUsers",
    made_with_ai=True,
    paid_partnership=False,
    community_id="5",
    share_with_followers=True,
    tagged_user_ids=("8", "9"),
    for_super_followers_only=False,
    place_id="harbour",
    exclude_reply_user_ids=("8",),
    media_title="The boat",
    media_description="At sea",
    embeddable=True,
    app_install=XAppInstall(play_store_id="com.example.boats"),
)
CARD = XOptions(card_uri="card://7")
BUTTON = XOptions(visit_site="https://example.com")
COUNTS = {
    "retweet_count": 2,
    "reply_count": 3,
    "like_count": 4,
    "quote_count": 5,
    "bookmark_count": 0,
    "impression_count": 700,
}
SEGMENT = answer({"data": {"expires_at": 1_793_610_600}})
DESCRIBED = answer({"data": {"id": "601"}})


def checked(call: FakeCall) -> list[str]:
    """Check every request a call has made; their methods and paths."""
    for asked in call.asked:
        validator("x").check_request(asked.method, asked.url, asked.headers, asked.body)
    return [f"{asked.method} {asked.path}" for asked in call.asked]


def of_x(script: Scripted) -> Scripted:
    """A scripted answer that is checked when it is given."""

    def give(asked: Asked) -> base.Response:
        assert isinstance(script, base.Response)
        validator("x").check_response(
            asked.method, asked.url, script.status, dict(script.headers), script.content
        )
        return script

    return give


def calling(*answers: Scripted, adapter: X | None = None, **more: Any) -> FakeCall:
    return FakeCall(adapter or X(token="t"), FACTS, map(of_x, answers), **more)


@pytest.mark.parametrize("adapter", [X(token="t"), X(oauth1=("key", "secret", "token", "token secret"))])
async def test_who_am_i(adapter: X) -> None:
    call = calling(answer({"data": {"id": "7", "name": "Brand", "username": "brand"}}), adapter=adapter)
    await adapter.account(call)
    assert checked(call) == ["GET /2/users/me"]


@pytest.mark.parametrize(
    ("post", "answers"),
    [
        (Post("Ahoy"), [posted()]),
        (Post("Sail?", poll=Poll(["Yes", "No"], seconds=604_800)), [posted()]),
        (Post("Aye", reply_to="12"), [posted()]),
        (Post("Look", quote="12"), [posted()]),
        (Post("Ahoy", media=[BOAT], sensitive=True), [uploaded("601"), DESCRIBED, posted()]),
        (Post(media=[BOAT], reply_to="12").variant("x", OPTIONS), [uploaded("601"), DESCRIBED, posted()]),
        (Post(media=[BOAT]).variant("x", BUTTON), [uploaded("601"), DESCRIBED, posted()]),
        (Post("Ahoy").variant("x", CARD), [posted()]),
        (Post(media=[Image(gif(frames=2))]), [uploaded("601"), SEGMENT, uploaded("601"), posted()]),
    ],
    ids=["text", "poll", "reply", "quote", "picture", "options", "button", "card", "moving"],
)
async def test_posts(post: Post, answers: list[base.Response]) -> None:
    call = calling(*answers)
    await call.adapter.send(await only_part(post, ENTERPRISE), call)
    assert checked(call)[-1] == "POST /2/tweets"
    assert not call.answers


async def test_a_video_with_everything() -> None:
    answers = [
        uploaded("601"),
        *[SEGMENT] * 3,
        pending("601", "pending", 1),
        pending("601", "succeeded"),
        DESCRIBED,
        uploaded("701"),
        answer({"data": {"id": "601"}}),
        uploaded("801"),
        posted(),
    ]
    call = calling(*answers)
    await call.adapter.send(await only_part(Post(media=[CLIP])), call)
    assert checked(call) == [
        "POST /2/media/upload/initialize",
        *["POST /2/media/upload/601/append"] * 3,
        "POST /2/media/upload/601/finalize",
        "GET /2/media/upload",
        "POST /2/media/metadata",
        "POST /2/media/upload",
        "POST /2/media/subtitles",
        "POST /2/media/upload",
        "POST /2/tweets",
    ]


async def test_a_part_of_a_thread() -> None:
    call = calling(posted(), previous=base.Sent("12"))
    await call.adapter.send(await only_part(Post("Two")), call)
    assert checked(call) == ["POST /2/tweets"]


async def test_looking_for_a_lost_post() -> None:
    call = calling(listed(own_post("Else"), next_token="p2"), listed(own_post("Ahoy")))
    window = {"since": NOW - timedelta(seconds=60), "until": NOW + timedelta(seconds=180)}
    found = await call.adapter.find(base.Lost(await only_part(Post("Ahoy")), **window), call)
    assert isinstance(found, base.Found)
    assert checked(call) == ["GET /2/users/7/tweets"] * 2


async def test_listing_and_resolving() -> None:
    call = calling(listed(own_post("Ahoy")), answer({"data": own_post("Ahoy", author_id="7")}))
    since, until = NOW - timedelta(days=3), NOW - timedelta(days=1)
    assert [one async for one in call.adapter.fetch_posts(call, since=since, until=until, limit=1)] == []
    await call.adapter.resolve(f"https://x.com/brand/status/{ID}", call)
    assert checked(call) == ["GET /2/users/7/tweets", f"GET /2/tweets/{ID}"]


async def test_numbers() -> None:
    shown = {"id": ID, "text": "Ahoy", "public_metrics": COUNTS, "attachments": {"media_keys": ["7_1"]}}
    media = {"media": [{"media_key": "7_1", "type": "video", "public_metrics": {"view_count": 30}}]}
    foreign = Receipt(Identity("x", "https://api.x.com", "8"), born(NOW, 5))
    gone = {
        "type": "https://api.x.com/2/problems/resource-not-found",
        "title": "Not Found Error",
        "detail": "Could not find it",
        "resource_type": "tweet",
        "value": str(foreign.id),
    }
    account = {"followers_count": 1, "following_count": 2, "tweet_count": 3, "listed_count": 4}
    call = calling(
        answer({"data": [shown], "includes": media}),
        answer({"errors": [gone]}),
        answer({"data": {"id": "7", "public_metrics": account}}),
    )
    first, second = await call.adapter.fetch_metrics([Receipt(OWN, ID), foreign], call)
    assert (first.video_views, second.error is None) == (30, False)
    await call.adapter.fetch_account_metrics(call, since=None, until=None)
    assert checked(call) == ["GET /2/tweets", "GET /2/tweets", "GET /2/users/me"]


async def test_watch_times() -> None:
    shown = {"id": ID, "text": "Ahoy", "public_metrics": COUNTS, "attachments": {"media_keys": ["7_1"]}}
    media = {"media": [{"media_key": "7_1", "type": "video"}]}
    times = [{"timestamp": "2026-11-02T09:00:00Z", "metrics": {"watch_time_ms": 5000}}]
    call = calling(
        answer({"data": [shown], "includes": media}),
        answer({"data": [{"media_key": "7_1", "timestamped_metrics": times}]}),
        adapter=X(token="t", media_analytics=True),
    )
    (row,) = await call.adapter.fetch_metrics([Receipt(OWN, ID)], call)
    assert row.watch_seconds == 5
    assert checked(call) == ["GET /2/tweets", "GET /2/media/analytics"]


async def test_clicks_in_old_posts() -> None:
    old = born(NOW - timedelta(days=40))
    times = [{"timestamp": "2026-11-02T09:00:00Z", "metrics": {"url_clicks": 5}}]
    call = calling(
        answer({"data": [{"id": old, "text": "Ahoy", "public_metrics": COUNTS}]}),
        answer({"data": [{"id": old, "timestamped_metrics": times}]}),
        adapter=X(token="t", post_analytics=True),
    )
    (row,) = await call.adapter.fetch_metrics([Receipt(OWN, old)], call)
    assert row.clicks == 5
    assert checked(call) == ["GET /2/tweets", "GET /2/tweets/analytics"]


async def test_an_edit() -> None:
    adapter = X(token="t", premium=True)
    controls = {"edits_remaining": 5, "is_edit_eligible": True, "editable_until": "2026-11-02T10:00:00.000Z"}
    live = {"id": ID, "text": "Ahoi", "edit_history_tweet_ids": [ID], "edit_controls": controls}
    call = calling(answer({"data": live}), posted("13"), adapter=adapter)
    sent = await adapter.edit(Receipt(OWN, ID), await only_part(Post("Ahoy"), adapter), call)
    assert sent.id == "13"
    assert checked(call) == [f"GET /2/tweets/{ID}", "POST /2/tweets"]


async def test_an_article() -> None:
    adapter = X(token="t", premium=True)
    post = Post("We ship #today", title="Boats", media=[BOAT]).variant("x", XOptions(article=True))
    draft, made = answer({"data": {"id": "31", "title": "Boats"}}, 201), answer({"data": {"post_id": "13"}})
    call = calling(uploaded("601"), DESCRIBED, draft, made, adapter=adapter)
    assert (await adapter.send(await only_part(post, adapter), call)).id == "13"
    assert checked(call)[2:] == ["POST /2/articles/draft", "POST /2/articles/31/publish"]


async def test_deleting() -> None:
    call = calling(answer({"data": {"deleted": True}}))
    await call.adapter.delete(Receipt(OWN, ID), call)
    assert checked(call) == [f"DELETE /2/tweets/{ID}"]
