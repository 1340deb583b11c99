"""TikTok's creators: who cannot post now, whose post it is, and what a person finishes in the app."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import attrs
import pytest

from media_files import mp4
from socialkit import Client, ConfigError, Image, Outcome, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._tiktok_posts import Seen, sent_of
from socialkit.adapters.tiktok import TikTokOptions
from socialkit.model import Receipt
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .fakes import NOW, FakeCall, plan
from .tiktok_samples import (
    CREATOR,
    FACTS,
    OWN,
    PUBLISH_ID,
    album,
    call,
    clip,
    codes,
    complete,
    no,
    ok,
    planned,
    status,
)

BIG = 7412345678901234567
CLIP = Post("Ahoy", media=[Video(mp4(), alt="The boat")], visibility="public")
INIT = "/v2/post/publish/video/init/"
CAPS = ["spam_risk_too_many_posts", "spam_risk_user_banned_from_posting", "reached_active_user_cap"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["tiktok", "mastodon"]) as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with box.client(store=MemoryStore()) as client:
        yield client


def publish(client: Client, post: Post = CLIP, key: str = "launch") -> Outcome:
    return client.publish(post, to="tiktok", idempotency_key=key, errors="return")["tiktok"]


def asked(box: Sandbox, path: str) -> int:
    return sum(one.path == path for one in box.requests)


# --- who cannot post now ------------------------------------------------------------------------------------
class TestCap:
    """A creator who cannot post now is told in the plan; what was planned so is never begun."""

    @pytest.mark.parametrize("code", CAPS)
    @pytest.mark.parametrize("post", [clip(), album(), clip(options=TikTokOptions("SELF_ONLY", pull=True))])
    async def test_it_is_asked_again_and_nothing_is_begun(self, post: Post, code: str) -> None:
        part = (await planned(post, no(code, 200))).parts[0]
        asking = call(no(code, 200))
        with pytest.raises(errors.PlatformError) as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.code == code
        assert [one.step for one in asking.asked] == ["read"]

    @pytest.mark.parametrize("post", [clip(), album()])
    async def test_a_plan_made_blindly_is_stale_when_the_creator_can_post_again(self, post: Post) -> None:
        part = (await planned(post, no(CAPS[0], 200))).parts[0]
        asking = call(ok(CREATOR))
        with pytest.raises(errors.InvalidPost) as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.code == "stale"
        assert [one.step for one in asking.asked] == ["read"]

    async def test_the_inbox_asks_for_nothing(self) -> None:
        part = (await planned(clip(options=TikTokOptions(mode="inbox")), False)).parts[0]
        assert part.body["unasked"] is False


def spent(box: Sandbox, client: Client) -> None:
    """The creator's posts of the day are made."""
    assert publish(client).status is Status.PUBLISHED
    box.tiktok.daily_posts = 1


def test_a_cap_is_a_rate_limit_of_this_account_alone(box: Sandbox, client: Client) -> None:
    spent(box, client)
    post = CLIP.variant("mastodon", media=())
    report = client.publish(post, to=["tiktok", "mastodon"], idempotency_key="two", errors="return")
    assert report["mastodon"].status is Status.PUBLISHED
    refused = report["tiktok"]
    assert (refused.status, type(refused.error)) == (Status.FAILED, errors.RateLimited)
    assert isinstance(refused.error, errors.RateLimited)
    assert refused.error.retry_at is not None
    assert refused.error.retry_at - box.clock.now() > timedelta(hours=23)
    assert asked(box, INIT) == 1
    box.clock.advance(86_400)
    assert publish(client, post, "two").status is Status.PUBLISHED


def test_what_was_published_before_the_cap_is_still_published(box: Sandbox, client: Client) -> None:
    spent(box, client)
    again = publish(client)
    assert (again.status, again.replayed, again.live) == (Status.PUBLISHED, True, True)


def test_an_upload_that_was_begun_goes_on_although_the_cap_is_reached(box: Sandbox) -> None:
    store = MemoryStore()
    box.fault("dropped-before", platform="tiktok", times=9)
    with box.client(store=store) as first:
        first.publish(CLIP, to="tiktok", idempotency_key="launch", errors="return", wait=0)
    box.faults.clear()
    box.tiktok.daily_posts = 0
    with box.client(store=store) as second:
        assert publish(second).status is Status.PUBLISHED
    assert asked(box, INIT) == 1


def test_more_than_fifteen_posts_where_tiktok_takes_them(box: Sandbox, client: Client) -> None:
    box.tiktok.daily_posts = 20
    for number in range(17):
        box.clock.advance(30)
        assert publish(client, key=f"post {number}").status is Status.PUBLISHED


def test_an_app_that_was_not_audited_posts_for_private_accounts_only(box: Sandbox, client: Client) -> None:
    box.tiktok.audited = False
    mine = CLIP.variant("tiktok", visibility="private")
    refused = publish(client, mine)
    assert refused.status is Status.FAILED
    assert "set the account to private" in str(refused.error)
    box.tiktok.people["brand"].private = True
    assert publish(client, mine).status is Status.PUBLISHED


def test_what_the_creator_switched_off_is_off_in_the_post(box: Sandbox, client: Client) -> None:
    person = box.tiktok.people["brand"]
    person.comment_disabled = person.duet_disabled = True
    assert publish(client).status is Status.PUBLISHED
    (entry,) = box.timeline("tiktok")
    info = entry.extras["info"]
    assert (info["disable_comment"], info["disable_duet"], info["disable_stitch"]) == (True, True, False)


def test_a_private_account_posts_for_its_followers(box: Sandbox, client: Client) -> None:
    box.tiktok.people["brand"].private = True
    outcome = publish(client, CLIP.variant("tiktok", visibility="followers"))
    assert (outcome.status, outcome.url) == (Status.PUBLISHED, None)
    assert box.timeline("tiktok")[0].visibility == "FOLLOWER_OF_CREATOR"


# --- whose post it is ---------------------------------------------------------------------------------------
class TestPermalinks:
    PRIVATE = f"https://www.tiktok.com/@Brand/video/{BIG}"

    async def test_an_own_post_that_is_not_public_is_told_by_its_handle(self) -> None:
        asking = call(ok({"videos": []}), ok(CREATOR))
        receipt = await asking.adapter.resolve(f"{self.PRIVATE}?is_from_webapp=1", asking)
        assert receipt == Receipt(OWN, str(BIG), self.PRIVATE)

    async def test_the_handle_is_not_asked_for_where_it_is_known(self) -> None:
        asking = call(ok({"videos": []}))
        asking._facts = attrs.evolve(FACTS, facts={"username": "brand"})
        assert (await asking.adapter.resolve(self.PRIVATE, asking)).id == str(BIG)

    @pytest.mark.parametrize(
        ("reference", "creator"),
        [
            (f"https://www.tiktok.com/@other/video/{BIG}", ok(CREATOR)),
            (PRIVATE, no("scope_not_authorized", 401)),
            (PRIVATE, no(CAPS[0], 200)),
            (PRIVATE, ok({})),
        ],
    )
    async def test_nobody_elses(self, reference: str, creator: base.Response) -> None:
        asking = call(ok({"videos": []}), creator)
        with pytest.raises(ConfigError, match="no public post"):
            await asking.adapter.resolve(reference, asking)

    async def test_an_id_alone_does_not_tell_whose_it_is(self) -> None:
        asking = call(ok({"videos": []}))
        with pytest.raises(ConfigError, match="give the permalink"):
            await asking.adapter.resolve(str(BIG), asking)


def test_a_person_closes_a_lost_private_post_with_its_address(box: Sandbox, client: Client) -> None:
    box.fault("dropped-after", platform="tiktok")
    photo = Image.from_url("https://example.com/1.jpg", alt="a")
    post = Post("Ours", media=[photo], visibility="private")
    assert publish(client, post).status is Status.UNKNOWN
    (entry,) = box.timeline("tiktok")
    settled = client.settle("launch", found=entry.url, by="duty officer")["tiktok"]
    assert (settled.status, settled.url) == (Status.PUBLISHED, entry.url)
    assert publish(client, post).replayed
    assert len(box.timeline("tiktok")) == 1


# --- what a person finishes ---------------------------------------------------------------------------------
INBOX = {"mode": "inbox", "kind": "video", "privacy": None, "name": "brand", "since": NOW.isoformat()}


class TestFinished:
    async def test_settle_learns_that_it_was_posted(self) -> None:
        told = base.Sent(None, status=Status.HANDED_OVER, raw=INBOX | {"publish_id": PUBLISH_ID})
        asking = call(complete(BIG))
        now = await asking.adapter.check(told, asking)
        assert isinstance(now, base.Sent)
        assert (now.status, now.id) == (Status.PUBLISHED, str(BIG))
        assert now.url == f"https://www.tiktok.com/@brand/video/{BIG}"
        waiting = call(status("SEND_TO_USER_INBOX"))
        assert (await waiting.adapter.check(told, waiting)) == attrs.evolve(
            told, missing=("it has no id yet: a person finishes it in the TikTok app",)
        )

    def test_moderation_begins_when_the_person_has_posted_it(self) -> None:
        later = NOW + timedelta(days=3)
        first = sent_of(Seen("PUBLISH_COMPLETE"), INBOX, later)
        assert (first.status, first.missing) == (Status.PROCESSING, ())
        assert first.look_again_at == later + timedelta(seconds=10)
        next_day = sent_of(Seen("PUBLISH_COMPLETE"), first.raw, later + timedelta(hours=23))
        assert next_day.status is Status.PROCESSING
        given_up = sent_of(Seen("PUBLISH_COMPLETE"), next_day.raw, later + timedelta(days=1, seconds=1))
        assert given_up.status is Status.PUBLISHED
        assert "not public" in given_up.missing[0]

    async def test_the_handle_of_a_token_that_may_know_it(self) -> None:
        asking = FakeCall(call().adapter, attrs.evolve(FACTS, facts={"username": "brand"}))
        made = await plan(asking.adapter, clip(options=TikTokOptions(mode="inbox")), asking)
        assert codes(made) == []
        assert made.parts[0].body["about"]["name"] == "brand"


class TestAddress:
    """An inbox post's permalink comes from the public post, where nobody told the handle."""

    RAW: ClassVar[dict[str, Any]] = INBOX | {"publish_id": PUBLISH_ID, "name": None}
    VIDEO: ClassVar[dict[str, Any]] = {
        "id": str(BIG),
        "create_time": int(NOW.timestamp()),
        "share_url": f"https://www.tiktok.com/@brand/video/{BIG}?utm_source=a",
    }

    @pytest.mark.parametrize(
        ("answer", "url", "at"),
        [
            (ok({"videos": [VIDEO]}), f"https://www.tiktok.com/@brand/video/{BIG}", NOW),
            (ok({"videos": []}), None, None),
            (no("scope_not_authorized", 401), None, None),
        ],
    )
    async def test_it_is_read_where_the_token_may(
        self, answer: base.Response, url: str | None, at: Any
    ) -> None:
        told = base.Sent(None, status=Status.HANDED_OVER, raw=self.RAW)
        asking = call(complete(BIG), answer)
        now = await asking.adapter.check(told, asking)
        assert isinstance(now, base.Sent)
        assert (now.status, now.id, now.url, now.published_at) == (Status.PUBLISHED, str(BIG), url, at)


class TestScopes:
    @pytest.mark.parametrize(
        ("scopes", "told"),
        [
            (("user.info.basic", "video.upload"), [("options.mode", "scope")]),
            (("user.info.basic", "video.publish"), []),
            ((), []),
        ],
    )
    async def test_posting_needs_its_own(self, scopes: tuple[str, ...], told: list[Any]) -> None:
        asking = FakeCall(call().adapter, attrs.evolve(FACTS, scopes=scopes), [] if told else [ok(CREATOR)])
        made = await plan(asking.adapter, clip(), asking)
        assert codes(made) == told
        assert asking.answers == []


@pytest.mark.parametrize("media_host", [None, "sandbox"])
def test_a_local_video_is_pulled_only_where_there_is_a_media_host(
    box: Sandbox, media_host: str | None
) -> None:
    given = {} if media_host else {"media_host": None}
    with box.client(**given) as client:
        made = client.plan(CLIP.variant("tiktok", TikTokOptions(pull=True)), to="tiktok")["tiktok"]
    assert codes(made) == ([] if media_host else [("media[0]", "by_url")])


@pytest.mark.parametrize("by_key", [True, False])
def test_what_was_finished_in_the_app_is_known_after_settle(
    box: Sandbox, client: Client, by_key: bool
) -> None:
    outcome = publish(client, CLIP.variant("tiktok", TikTokOptions(mode="inbox")))
    assert outcome.status is Status.HANDED_OVER
    assert outcome.receipt is not None
    box.clock.advance(86_400)
    assert client.settle("launch")["tiktok"].status is Status.HANDED_OVER
    entry = box.tiktok.finish_in_app(outcome.receipt.raw["publish_id"], "Written in the app")
    report = client.settle("launch") if by_key else client.settle()
    settled = report["tiktok"]
    assert settled.status is Status.PUBLISHED
    assert settled.receipt is not None
    assert settled.receipt.id == entry.id
    (row,) = client.fetch_metrics(settled.receipt)
    assert row.likes is not None


def test_what_was_finished_for_friends_never_gets_an_id(box: Sandbox, client: Client) -> None:
    outcome = publish(client, CLIP.variant("tiktok", TikTokOptions(mode="inbox")))
    assert outcome.receipt is not None
    box.tiktok.finish_in_app(outcome.receipt.raw["publish_id"], "Ours", "MUTUAL_FOLLOW_FRIENDS")
    assert client.settle("launch")["tiktok"].status is Status.PROCESSING
    box.clock.advance(86_401)
    settled = client.settle("launch")["tiktok"]
    assert (settled.status, settled.url) == (Status.PUBLISHED, None)
    assert settled.missing


def posts_of(*hours: float) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "create_time": int((NOW - timedelta(hours=age)).timestamp())}
        for number, age in enumerate(hours)
    ]


class TestLists:
    async def test_a_pinned_post_does_not_hide_the_newer_ones(self) -> None:
        page = ok({"videos": posts_of(900, 1, 2), "has_more": True, "cursor": 5})
        asking = call(page, ok({"videos": posts_of(3, 700), "has_more": True, "cursor": 4}))
        since = NOW - timedelta(hours=24)
        made = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=None, limit=9)]
        assert [one.id for one in made] == ["1", "2", "0"]
        assert asking.asked[1].json["cursor"] == 5

    async def test_no_page_is_read_beyond_the_limit(self) -> None:
        asking = call(ok({"videos": posts_of(1, 2), "has_more": True, "cursor": 5}))
        made = [one async for one in asking.adapter.fetch_posts(asking, since=None, until=None, limit=2)]
        assert [one.id for one in made] == ["0", "1"]

    async def test_photos_whose_answer_was_lost_are_known_by_title_and_words(self) -> None:
        part = (await planned(album("Ahoy", title="The boat"))).parts[0]
        video = posts_of(0)[0] | {"video_description": "The boat Ahoy"}
        asking = call(ok({"videos": [video]}))
        lost = base.Lost(part, NOW - timedelta(minutes=1), NOW + timedelta(minutes=5))
        assert isinstance(await asking.adapter.find(lost, asking), base.Found)

    async def test_a_cursor_that_goes_back_ends_the_list(self) -> None:
        pages = [ok({"videos": posts_of(1), "has_more": True, "cursor": cursor}) for cursor in (5, 9)]
        asking = call(*pages)
        made = [one async for one in asking.adapter.fetch_posts(asking, since=None, until=None, limit=9)]
        assert len(made) == 2

    @pytest.mark.parametrize(
        ("url", "fine"),
        [
            ("https://example.com/a.webp", True),
            ("https://example.com/a", True),
            ("https://example.com/a.jpeg?x=1", True),
            ("https://example.com/a.heic", False),
            ("https://example.com/a.avif", False),
            ("https://example.com/a.bmp", False),
            ("https://example.com/a.mp4", False),
        ],
    )
    async def test_photos_by_their_ending(self, url: str, fine: bool) -> None:
        made = await planned(clip(media=[Image.from_url(url)]))
        assert codes(made) == ([] if fine else [("media[0]", "type")])
