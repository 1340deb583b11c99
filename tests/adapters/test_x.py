"""X: what is planned, sent, found again and read, in the words of its API."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from media_files import gif, mp4, png
from socialkit import Captions, Client, Image, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._x_media import MIB, chunk_of
from socialkit.adapters._x_plan import XAppInstall, _check_moving
from socialkit.adapters.x import X, XOptions
from socialkit.model import Identity, Receipt
from socialkit.testing import ManualClock

from .fakes import NOW, answer
from .x_samples import (
    DUPLICATE,
    ENTERPRISE,
    ID,
    OWN,
    SRT,
    blank,
    born,
    call,
    codes,
    numbered,
    only_part,
    pending,
    planned,
    posted,
    uploaded,
)


class TestAccount:
    async def test_who_the_token_belongs_to(self) -> None:
        asking = call(answer({"data": {"id": "7", "username": "brand", "subscription_type": "Premium"}}))
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "brand")
        assert facts.url == "https://x.com/brand"
        assert facts.facts["subscription_type"] == "Premium"
        assert "subscription_type" in asking.asked[0].params["user.fields"]

    async def test_an_account_x_does_not_show(self) -> None:
        asking = call(answer({"errors": [{"detail": "User has been suspended", "title": "Forbidden"}]}))
        with pytest.raises(errors.Declined, match="User has been suspended"):
            await asking.adapter.account(asking)

    @pytest.mark.parametrize(
        ("badge", "limit"), [(None, 280), ("none", 280), ("blue", 25_000), ("business", 25_000)]
    )
    def test_the_badge_tells_where_the_subscription_is_left_out(self, badge: str | None, limit: int) -> None:
        facts = base.AccountFacts(OWN, facts={"subscription_type": None, "verified_type": badge})
        assert X(token="t").rules_for(facts).text.limit == limit
        told = base.AccountFacts(OWN, facts={"subscription_type": "None", "verified_type": badge})
        assert X(token="t").rules_for(told).text.limit == 280

    @pytest.mark.parametrize(
        ("subscription", "given", "limit"),
        [
            (None, None, 280),
            ("None", None, 280),
            ("Basic", None, 25_000),
            ("PremiumPlus", None, 25_000),
            ("None", True, 25_000),
            ("Premium", False, 280),
        ],
    )
    def test_premium_accounts_write_more(
        self, subscription: str | None, given: bool | None, limit: int
    ) -> None:
        facts = base.AccountFacts(OWN, facts={"subscription_type": subscription})
        rules = X(token="t", premium=given).rules_for(facts)
        assert rules.text.limit == limit
        assert rules.video.max_seconds == (7500 if limit > 280 else 1200)


class TestCredential:
    def test_oauth1_is_four_strings_and_shows_none(self) -> None:
        adapter = X(oauth1=("key", "secret", "token", "token secret"))
        seed = adapter.seed
        assert (seed.kind, seed.client_id, seed.client_secret) == ("oauth1", "key", "secret")
        assert (seed.access_token, seed.secret) == ("token", "token secret")
        assert "secret" not in repr(seed) + repr(adapter)

    def test_kinds_of_tokens(self) -> None:
        assert X(token="t").seed.kind == "bearer"
        assert X(token="t", refresh_token="r", client_id="c").seed.kind == "oauth2"

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"token": "t", "oauth1": ("a", "b", "c", "d")}, "not both"),
            ({"oauth1": ("a", "b")}, "consumer key, consumer secret, token, token secret"),
            ({"oauth1": ("a", "b", "c", "")}, "an empty one"),
            ({"token": "t", "refresh_token": "r"}, "client_id="),
            ({"token": "t", "access": "basic"}, "self-serve, enterprise"),
        ],
    )
    def test_what_cannot_work_is_refused_at_once(self, given: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.ConfigError, match=words):
            X(**given)


class TestPlan:
    async def test_a_text_with_link_and_tag(self) -> None:
        part = await only_part(Post("Ahoy", link="https://example.com/a", tags=["launch"]))
        assert part.body == {"request": {"text": "Ahoy\n\nhttps://example.com/a\n\n#launch"}}
        assert part.cost == 0.2

    @pytest.mark.parametrize(
        ("post", "cost"),
        [
            (Post("Ahoy"), 0.015),
            (Post("see example.com"), 0.2),
            (Post("Thanks!", reply_to="https://x.com/crew/status/1"), 0.01),
            (Post("Next", reply_to="https://x.com/Brand/status/1"), 0.015),
            (Post("Ahoy", media=[Image(png(), alt="A boat")]), 0.02),
            (Post("Ahoy", media=[Image(png()), Image(png(4, 4), alt="A boat")], sensitive=True), 0.025),
        ],
    )
    async def test_what_it_costs(self, post: Post, cost: float) -> None:
        assert (await only_part(post)).cost == cost

    async def test_lengths_are_weighted(self) -> None:
        assert codes(await planned(Post("é" * 280))) == []
        assert codes(await planned(Post("船" * 141))) == [("text", "too_long")]
        assert codes(await planned(Post("船" * 141), X(token="t", premium=True))) == []

    async def test_what_x_refuses_in_a_text(self) -> None:
        made = await planned(Post("$AA and $BB\ufeff"))
        assert codes(made) == [("text", "invalid_character"), ("text", "cashtags")]

    async def test_parts_of_a_thread_differ(self) -> None:
        """X refuses a text the account has just posted; media make it another post."""
        again = await planned(Post("Ahoy!", thread=[Post("cafe\u0301"), Post("Ahoy! "), Post("caf\u00e9")]))
        assert codes(again) == [("thread[1].text", "repeated"), ("thread[2].text", "repeated")]
        boat, sea = Image(png(), alt="A boat"), Image(png(4, 4), alt="The sea")
        shown = Post("Ahoy!", media=[boat], thread=[Post("Ahoy!", media=[sea]), Post("Ahoy!")])
        assert codes(await planned(shown)) == []

    async def test_a_poll_and_a_quote_need_a_text(self) -> None:
        poll = Poll(["Yes", "No"], seconds=3600)
        assert codes(await planned(Post(poll=poll))) == [("text", "required")]
        assert codes(await planned(Post(quote="12"), ENTERPRISE)) == [("text", "required")]

    async def test_blanks_are_no_text(self) -> None:
        part = await only_part(Post(" \n", media=[Image(png(), alt="A boat")]))
        assert part.body["request"] == {}

    async def test_a_poll_is_open_for_whole_minutes(self) -> None:
        made = await planned(Post("Sail?", poll=Poll(["Yes", "No"], seconds=3700)))
        assert made.parts[0].body["request"]["poll"] == {"options": ["Yes", "No"], "duration_minutes": 62}
        assert [(c.field, c.after) for c in made.changes] == [("poll.seconds", 3720)]

    @pytest.mark.parametrize(
        ("reply_to", "warned"),
        [
            ("https://x.com/crew/status/12", True),
            ("https://x.com/i/web/status/12", True),
            ("12", True),
            ("https://twitter.com/BRAND/status/12?s=20", False),
            (Receipt(OWN, "12"), False),
            (Receipt(Identity("x", "https://api.x.com", "8"), "12"), True),
        ],
    )
    async def test_replies_to_others_come_with_a_warning(self, reply_to: Any, warned: bool) -> None:
        made = await planned(Post("Aye", reply_to=reply_to))
        assert made.parts[0].body["request"]["reply"] == {"in_reply_to_tweet_id": "12"}
        assert codes(made) == []
        assert codes(made, "warning") == ([("reply_to", "summoned_only")] if warned else [])

    async def test_a_reference_that_is_no_post(self) -> None:
        made = await planned(Post("Aye", reply_to="https://example.com/12"))
        assert ("reply_to", "not_found") in codes(made)

    async def test_quotes_are_for_enterprise_apps_and_have_no_media(self) -> None:
        post = Post("Look", quote="https://x.com/crew/status/12")
        assert codes(await planned(post)) == [("quote", "enterprise_only")]
        made = await planned(post, ENTERPRISE)
        assert made.parts[0].body["request"]["quote_tweet_id"] == "12"
        assert made.parts[0].kind == "quote"
        assert codes(made) == codes(made, "warning") == []
        mixed = await planned(Post("Look", quote="12", media=[Image(png(), alt="A boat")]), ENTERPRISE)
        assert codes(mixed) == [("quote", "mixed")]

    async def test_options_of_the_conversation_go_with_its_first_post(self) -> None:
        options = XOptions(
            reply_settings="verified",
            made_with_ai=True,
            community_id="5",
            place_id="harbour",
            tagged_user_ids=("8",),
        )
        post = Post("One", media=[Image(png(), alt="A boat")], thread=[Post("Two")]).variant("x", options)
        first, second = (part.body["request"] for part in (await planned(post)).parts)
        assert first == {
            "text": "One",
            "made_with_ai": True,
            "reply_settings": "verified",
            "community_id": "5",
            "geo": {"place_id": "harbour"},
            "media": {"tagged_user_ids": ["8"]},
        }
        assert second == {"text": "Two", "made_with_ai": True}

    async def test_what_belongs_to_the_media_goes_with_them(self) -> None:
        clip = Video(mp4(seconds=5.0), alt="Sailing")
        options = XOptions(
            media_title="The boat",
            media_description="At sea",
            embeddable=False,
            app_install=XAppInstall(play_store_id="com.example.boats"),
            tagged_user_ids="89",
        )
        made = await planned(Post("Look", media=[clip], thread=[Post("More")]).variant("x", options))
        assert codes(made) == codes(made, "warning") == []
        assert made.parts[0].body["request"]["media"] == {
            "tagged_user_ids": ["89"],
            "title": "The boat",
            "description": "At sea",
            "embeddable": False,
            "call_to_actions": {"app_install": {"play_store_id": "com.example.boats"}},
        }
        assert "media" not in made.parts[1].body["request"]
        still = Post("Look", media=[Image(png(), alt="A boat")]).variant(
            "x", XOptions(media_title="The boat")
        )
        assert codes(await planned(still), "warning") == [("options.media_title", "no_video")]

    async def test_people_left_out_of_a_reply(self) -> None:
        options = XOptions(exclude_reply_user_ids=("8",))
        part = await only_part(Post("Aye", reply_to="12").variant("x", options))
        assert part.body["request"]["reply"] == {
            "in_reply_to_tweet_id": "12",
            "exclude_reply_user_ids": ["8"],
        }
        assert codes(await planned(Post("Aye").variant("x", options))) == [
            ("options.exclude_reply_user_ids", "no_reply")
        ]
        thread = await planned(Post("One", thread=[Post("Two")]).variant("x", options))
        assert "reply" not in thread.parts[0].body["request"]
        sending = call(posted("13"), previous=base.Sent("12"))
        await sending.adapter.send(thread.parts[1], sending)
        assert sending.asked[0].json["reply"] == {
            "in_reply_to_tweet_id": "12",
            "exclude_reply_user_ids": ["8"],
        }

    @pytest.mark.parametrize("name", ["card_uri", "direct_message_deep_link"])
    async def test_a_card_stands_alone(self, name: str) -> None:
        options = XOptions(**{name: "card://7"})
        assert (await only_part(Post("Ahoy").variant("x", options))).body["request"][name] == "card://7"
        shown = Post("Ahoy", media=[Image(png(), alt="A boat")]).variant("x", options)
        assert codes(await planned(shown)) == [(f"options.{name}", "mixed")]
        poll = Post("Ahoy", poll=Poll(["Yes", "No"], seconds=3600)).variant("x", options)
        assert codes(await planned(poll)) == [(f"options.{name}", "mixed")]

    async def test_tags_that_are_no_hashtags_are_told(self) -> None:
        made = await planned(Post("Ahoy", tags=["2026", "e-mail", "launch", "Büro_7"]))
        assert codes(made, "warning") == [("tags", "no_hashtag")] * 2
        assert [("#2026" in p.message, "#e-mail" in p.message) for p in made.problems] == [
            (True, False),
            (False, True),
        ]

    async def test_an_enterprise_app_is_not_held_back(self) -> None:
        made = await planned(Post("$AA and $BB", reply_to="12"), ENTERPRISE)
        assert codes(made) == codes(made, "warning") == []
        assert made.cost == 0

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (XOptions(reply_settings="nobody"), ("options.reply_settings", "unknown")),  # type: ignore[arg-type]
            (XOptions(community_id="crew"), ("options.community_id", "not_an_id")),
            (XOptions(tagged_user_ids=("8",)), ("options.tagged_user_ids", "no_media")),
            (XOptions(media_title="The boat"), ("options.media_title", "no_media")),
            (XOptions(visit_site="https://example.com"), ("options.visit_site", "no_media")),
        ],
    )
    async def test_wrong_options_are_named(self, options: XOptions, problem: tuple[str, str]) -> None:
        assert codes(await planned(Post("Ahoy").variant("x", options))) == [problem]

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (XOptions(tagged_user_ids=[str(n) for n in range(11)]), ("options.tagged_user_ids", "count")),  # type: ignore[arg-type]
            (XOptions(visit_site="http://example.com"), ("options.visit_site", "invalid")),
            (
                XOptions(visit_site="https://example.com", watch_now="https://example.com"),
                ("options.visit_site", "mixed"),
            ),
            (XOptions(app_install=XAppInstall()), ("options.app_install", "required")),
            (XOptions(exclude_reply_user_ids=("crew",)), ("options.exclude_reply_user_ids", "not_an_id")),
        ],
    )
    async def test_wrong_options_beside_media_are_named(
        self, options: XOptions, problem: tuple[str, str]
    ) -> None:
        post = Post("Aye", media=[Image(png(), alt="A boat")], reply_to="12").variant("x", options)
        assert codes(await planned(post)) == [problem]

    async def test_followers_see_a_plain_post_anyway(self) -> None:
        alone = await planned(Post("Ahoy").variant("x", XOptions(share_with_followers=True)))
        assert codes(alone, "warning") == [("options.share_with_followers", "alone")]
        shared = XOptions(share_with_followers=True, community_id="5")
        assert codes(await planned(Post("Ahoy").variant("x", shared)), "warning") == []

    async def test_a_warning_is_the_name_of_a_mark_on_media(self) -> None:
        boat = [Image(png(), alt="A boat")]
        marked = await only_part(Post("Storm", media=boat, content_warning="graphic_violence"))
        assert marked.body["warning"] == {"graphic_violence": True}
        plain = await only_part(Post("Storm", media=boat, sensitive=True))
        assert plain.body["warning"] == {"other": True}
        free = await planned(Post("Storm", media=boat, content_warning="sea sickness"))
        assert codes(free) == [("content_warning", "unsupported")]
        bare = await planned(Post("Storm", content_warning="other"))
        assert codes(bare) == [("content_warning", "no_media")]
        rest = Post(
            "Storm", media=boat, content_warning="other", thread=[Post("Calm", content_warning="other")]
        )
        assert [(c.field, c.code) for c in (await planned(rest)).changes] == [
            ("thread[0].content_warning", "not_carried")
        ]
        listed = (await planned(Post("Storm", sensitive=True))).changes
        assert [(c.field, c.code) for c in listed] == [("sensitive", "not_carried")]

    async def test_media_counts(self) -> None:
        five = await planned(Post(media=[Image(png(3, n), alt="A boat") for n in range(1, 6)]))
        assert codes(five) == [("media", "count")]
        moving = Image(gif(frames=2), alt="Waves")
        assert codes(await planned(Post(media=[moving, Image(png(), alt="A boat")]))) == [("media", "mixed")]

    async def test_a_video_beyond_the_manual_is_a_warning(self) -> None:
        clip = Video(mp4(seconds=150.0, size=(720, 1280)), alt="Sailing")
        assert codes(await planned(Post(media=[clip])), "warning") == [("media[0]", "undocumented")]
        assert codes(await planned(Post(media=[clip]), X(token="t", premium=True)), "warning") == []

    async def test_a_file_beyond_the_manual_is_a_warning(self) -> None:
        found, sizes = [], (512_000_000, 512_000_001)
        draft: Any = SimpleNamespace(problem=lambda field, code, *_, **__: found.append((field, code)))
        draft.media = [base.PartMedia("video", "video/mp4", size, "d", "", seconds=140.0) for size in sizes]
        _check_moving(draft, premium=False)
        assert found == [("media[1]", "undocumented")]

    async def test_full_hd_is_no_warning(self) -> None:
        """The manual says 1280 × 1024 at most; every phone records more, and X takes it."""
        clip = Video(mp4(seconds=5.0, size=(1920, 1080)), alt="Sailing")
        assert codes(await planned(Post(media=[clip])), "warning") == []

    async def test_sizes_x_takes_no_moving_picture_of(self) -> None:
        tiny = Video(mp4(seconds=5.0, size=(30, 40)), alt="Sailing")
        assert codes(await planned(Post(media=[tiny]))) == [("media[0]", "range")]
        wide = Image(gif(1300, 4, frames=2), alt="Waves")
        assert codes(await planned(Post(media=[wide]))) == [("media[0]", "too_large")]
        long = Image(gif(1280, 1080, frames=220), alt="Waves")
        assert codes(await planned(Post(media=[long]))) == [("media[0]", "too_large")]
        assert codes(await planned(Post(media=[Image(gif(1280, 1080, frames=210), alt="Waves")]))) == []

    async def test_captions_need_a_language_of_two_letters(self) -> None:
        clip = Video(mp4(seconds=5.0), alt="Sailing", captions=[Captions(SRT, "fil")])
        assert codes(await planned(Post(media=[clip]))) == [("media[0].captions[0].language", "unsupported")]

    async def test_a_second_track_of_a_language_would_replace_the_first(self) -> None:
        both = [Captions(SRT, "en-US"), Captions(SRT, "de"), Captions(SRT + b"\n", "en-GB")]
        clip = Video(mp4(seconds=5.0), alt="Sailing", captions=both)
        assert codes(await planned(Post(media=[clip]))) == [("media[0].captions[2].language", "repeated")]

    async def test_videos_x_cannot_process(self) -> None:
        clip = mp4(seconds=5.0)
        for codec, sample in (("hevc", b"hev1"), ("opus", b"Opus")):
            strange = clip.replace(b"avc1" if codec == "hevc" else b"mp4a", sample)
            made = await planned(Post(media=[Video(strange, alt="Sailing")]))
            assert codes(made) == [("media[0]", "codec")]
            assert codec in str(made.problems[-1]).casefold()
        fast = Video(mp4(seconds=1.0, frames=61), alt="Sailing")
        assert codes(await planned(Post(media=[fast]))) == [("media[0]", "range")]
        assert codes(await planned(Post(media=[Video(mp4(seconds=1.0, frames=60), alt="Sailing")]))) == []

    async def test_a_thumbnail_is_a_picture_like_others(self) -> None:
        large = Image(png() + bytes(4_900_000))
        made = await planned(Post(media=[Video(mp4(seconds=5.0), alt="Sailing", thumbnail=large)]))
        assert made.changes == ()
        assert made.parts[0].media[0].thumbnail is not None

    def test_segments_are_a_mebibyte_and_at_most_999(self) -> None:
        assert chunk_of(5 * MIB) == MIB
        assert -(-(16 << 30) // chunk_of(16 << 30)) <= 999


class TestSend:
    async def test_a_text(self) -> None:
        sending = call(posted())
        sent = await sending.adapter.send(await only_part(Post("Ahoy")), sending)
        assert (sent.id, sent.url) == (ID, f"https://x.com/brand/status/{ID}")
        assert sent.published_at == NOW
        asked = sending.asked[0]
        assert (asked.step, asked.method, asked.path, asked.json) == (
            "commit",
            "POST",
            "/2/tweets",
            {"text": "Ahoy"},
        )

    async def test_a_part_of_a_thread_replies_to_the_one_before(self) -> None:
        sending = call(posted("13"), previous=base.Sent("12"))
        await sending.adapter.send(await only_part(Post("Two")), sending)
        assert sending.asked[0].json["reply"] == {"in_reply_to_tweet_id": "12"}

    async def test_an_answer_without_an_id_is_no_post_and_no_refusal(self) -> None:
        sending = call(answer({"data": {}}, 200))
        with pytest.raises(KeyError):
            await sending.adapter.send(await only_part(Post("Ahoy")), sending)

    async def test_pictures_go_up_whole_with_alt_text_and_mark(self) -> None:
        boat, sea = Image(png(), alt="A boat"), Image(png(4, 4), alt="The sea")
        part = await only_part(Post("Ahoy", media=[boat, sea], sensitive=True))
        sending = call(uploaded("501"), answer({}), uploaded("502"), answer({}), posted())
        await sending.adapter.send(part, sending)
        first, described, *_, commit = sending.asked
        assert first.path == "/2/media/upload"
        assert first.fields["media_category"] == b"tweet_image"
        assert len(first.fields["media"]) == part.media[0].size
        assert described.json == {
            "id": "501",
            "metadata": {"alt_text": {"text": "A boat"}, "sensitive_media_warning": {"other": True}},
        }
        assert commit.json == {"text": "Ahoy", "media": {"media_ids": ["501", "502"]}}
        assert [asked.step for asked in sending.asked] == ["prepare"] * 4 + ["commit"]
        assert part.requests == 5

    async def test_what_is_up_and_described_stays_so(self) -> None:
        part = await only_part(Post(media=[Image(png(), alt="A boat")]))
        memory: dict[str, Any] = {}
        failing = call(uploaded("501"), answer({}), errors.Unavailable("no answer"), memory=memory)
        with pytest.raises(errors.Unavailable):
            await failing.adapter.send(part, failing)
        again = call(posted(), memory=memory)
        await again.adapter.send(part, again)
        assert [asked.path for asked in again.asked] == ["/2/tweets"]
        assert failing.lifetimes[f"media 0 {part.media[0].digest[:16]}"] == 85_800

    async def test_an_answer_without_its_wrapper_is_read_too(self) -> None:
        part = await only_part(Post(media=[Image(png())]))
        sending = call(answer({"id": "501", "media_key": "3_501"}), posted())
        await sending.adapter.send(part, sending)
        assert sending.asked[-1].json["media"] == {"media_ids": ["501"]}

    HIDDEN = answer(numbered(385, "You attempted to reply to a Tweet that is deleted"), 403)

    async def test_a_parent_x_does_not_show(self) -> None:
        part = await only_part(Post("Aye", reply_to="https://x.com/brand/status/12"))
        sending = call(self.HIDDEN)
        with pytest.raises(errors.Declined, match="not visible") as got:
            await sending.adapter.send(part, sending)
        assert got.value.code == "385"

    async def test_a_parent_of_a_thread_is_waited_for(self) -> None:
        part, gone = await only_part(Post("Two")), answer({"errors": [{"title": "Not Found Error"}]})
        there = answer({"data": {"id": "12", "text": "One"}})
        sending = call(self.HIDDEN, gone, there, posted("13"), previous=base.Sent("12"))
        assert (await sending.adapter.send(part, sending)).id == "13"
        steps = [(asked.step, asked.path) for asked in sending.asked]
        assert steps[1:3] == [("read", "/2/tweets/12")] * 2
        assert sending.waits == [2]
        never = call(self.HIDDEN, gone, gone, gone, self.HIDDEN, previous=base.Sent("12"))
        with pytest.raises(errors.Unavailable, match="not visible"):
            await never.adapter.send(part, never)
        assert never.waits == [2, 3]


class TestVideo:
    SIZE = 2 * MIB + 500_000

    async def clip(self, **more: Any) -> base.Part:
        video = Video(mp4(seconds=5.0, data=self.SIZE), **({"alt": "Sailing"} | more))
        return await only_part(Post("Look", media=[video]))

    async def test_segments_then_processing_then_the_post(self) -> None:
        part = await self.clip()
        sending = call(
            uploaded("601"),
            answer({"data": {"expires_at": 1}}),
            answer({"data": {"expires_at": 1}}),
            answer({"data": {"expires_at": 1}}),
            pending("601", "pending", 2),
            pending("601", "in_progress", 7),
            pending("601", "succeeded"),
            answer({}),
            posted(),
        )
        await sending.adapter.send(part, sending)
        begin, *segments = sending.asked[:4]
        size = part.media[0].size
        assert begin.json == {
            "media_type": "video/mp4",
            "media_category": "tweet_video",
            "total_bytes": size,
        }
        assert [asked.path for asked in segments] == ["/2/media/upload/601/append"] * 3
        assert [asked.fields["segment_index"] for asked in segments] == [b"0", b"1", b"2"]
        assert sum(len(asked.fields["media"]) for asked in segments) == size
        assert [asked.path for asked in sending.asked[4:7]] == [
            "/2/media/upload/601/finalize",
            "/2/media/upload",
            "/2/media/upload",
        ]
        assert sending.asked[5].params == {"command": "STATUS", "media_id": "601"}
        assert sending.waits == [2, 7]
        assert sending.asked[-1].json["media"] == {"media_ids": ["601"]}
        assert sending.secrets == {f"media 0 {part.media[0].digest[:16]} session"}

    async def fail_at_third_segment(self, part: base.Part, memory: dict[str, Any]) -> None:
        lost = errors.Unavailable("the answer was lost")
        failing = call(uploaded("601"), answer({}), answer({}), lost, memory=memory)
        with pytest.raises(errors.Unavailable):
            await failing.adapter.send(part, failing)

    async def test_a_resume_sends_the_last_segment_only(self) -> None:
        part, memory = await self.clip(alt=None), dict[str, Any]()
        await self.fail_at_third_segment(part, memory)
        again = call(answer({}), pending("601", "succeeded"), posted(), memory=memory)
        await again.adapter.send(part, again)
        assert [asked.path for asked in again.asked] == [
            "/2/media/upload/601/append",
            "/2/media/upload/601/finalize",
            "/2/tweets",
        ]
        assert again.asked[0].fields["segment_index"] == b"2"

    async def test_a_dead_session_starts_afresh(self) -> None:
        part, memory = await self.clip(alt=None), dict[str, Any]()
        await self.fail_at_third_segment(part, memory)
        gone = answer({"title": "Bad Request", "detail": "Session expired"}, 400)
        again = call(
            gone,
            uploaded("602"),
            answer({}),
            answer({}),
            answer({}),
            uploaded("602"),
            posted(),
            memory=memory,
        )
        await again.adapter.send(part, again)
        assert again.asked[-1].json["media"] == {"media_ids": ["602"]}
        assert [asked.fields["segment_index"] for asked in again.asked[2:5]] == [b"0", b"1", b"2"]

    async def test_a_session_past_its_day_is_not_tried(self) -> None:
        part, memory = await self.clip(alt=None), dict[str, Any]()
        await self.fail_at_third_segment(part, memory)
        later = NOW + timedelta(hours=25)
        answers = [uploaded("602"), answer({}), answer({}), answer({}), uploaded("602"), posted()]
        again = call(*answers, memory=memory, now=later)
        await again.adapter.send(part, again)
        assert again.asked[0].path == "/2/media/upload/initialize"

    async def test_a_resume_while_it_is_processed_only_looks(self) -> None:
        part, memory = await self.clip(alt=None), dict[str, Any]()
        late = errors.Unavailable("still processing")
        slow = call(uploaded("601"), *[answer({})] * 3, pending("601", "pending", 2), late, memory=memory)
        with pytest.raises(errors.Unavailable):
            await slow.adapter.send(part, slow)
        again = call(pending("601", "succeeded"), posted(), memory=memory)
        await again.adapter.send(part, again)
        assert [asked.path for asked in again.asked] == ["/2/media/upload", "/2/tweets"]

    async def test_a_video_x_cannot_process_is_declined_before_anything_is_public(self) -> None:
        part = await self.clip()
        why = {"code": 1, "name": "InvalidMedia", "message": "Unsupported pixel format"}
        sending = call(uploaded("601"), *[answer({})] * 3, pending("601", "failed", error=why))
        with pytest.raises(errors.Declined, match="InvalidMedia Unsupported pixel format"):
            await sending.adapter.send(part, sending)
        assert all(asked.step != "commit" for asked in sending.asked)

    async def test_a_failed_processing_is_not_looked_at_again(self) -> None:
        part, memory = await self.clip(alt=None), dict[str, Any]()
        failed = pending("601", "failed", error={"name": "InternalError"})
        first = call(uploaded("601"), *[answer({})] * 3, failed, memory=memory)
        with pytest.raises(errors.Declined):
            await first.adapter.send(part, first)
        answers = [failed, uploaded("602"), *[answer({})] * 3, uploaded("602"), posted()]
        again = call(*answers, memory=memory)
        await again.adapter.send(part, again)
        assert again.asked[-1].json["media"] == {"media_ids": ["602"]}

    async def test_captions_and_thumbnail(self) -> None:
        captions, still = [Captions(SRT, "en-US", "English")], Image(png(8, 8), alt="A boat")
        part = await self.clip(alt=None, captions=captions, thumbnail=still)
        sending = call(
            uploaded("601"),
            *[answer({})] * 3,
            uploaded("601"),
            uploaded("701"),
            answer({}),
            uploaded("801"),
            posted(),
        )
        await sending.adapter.send(part, sending)
        file, track, preview, commit = sending.asked[5:]
        assert file.fields["media_category"] == b"subtitles"
        assert b"Content-Type: text/srt" in file.body
        assert track.path == "/2/media/subtitles"
        assert track.json == {
            "id": "601",
            "media_category": "TweetVideo",
            "subtitles": {"id": "701", "language_code": "EN", "display_name": "English"},
        }
        assert preview.fields["media_category"] == b"tweet_image"
        assert commit.json["media"] == {"media_ids": ["601"], "preview_media_id": "801"}

    async def test_a_refused_alt_text_of_a_video_is_told(self) -> None:
        part = await self.clip()
        refused = answer({"title": "Bad Request", "detail": "no alt text for videos"}, 400)
        sending = call(uploaded("601"), *[answer({})] * 3, uploaded("601"), refused, posted())
        sent = await sending.adapter.send(part, sending)
        assert sent.missing == ("alt text of media 1: no alt text for videos",)

    async def test_a_refused_alt_text_keeps_no_mark_from_a_video(self) -> None:
        video = Video(mp4(seconds=5.0, data=self.SIZE), alt="Sailing")
        part = await only_part(Post("Look", media=[video], sensitive=True))
        refused = answer({"title": "Bad Request", "detail": "no alt text for videos"}, 400)
        sending = call(uploaded("601"), *[answer({})] * 3, uploaded("601"), refused, answer({}), posted())
        sent = await sending.adapter.send(part, sending)
        both, mark = (asked.json["metadata"] for asked in sending.asked[-3:-1])
        assert both == {"alt_text": {"text": "Sailing"}, **mark}
        assert mark == {"sensitive_media_warning": {"other": True}}
        assert sent.missing == ("alt text of media 1: no alt text for videos",)

    async def test_a_mark_alone_is_asked_for_once(self) -> None:
        video = Video(mp4(seconds=5.0, data=self.SIZE))
        part = await only_part(Post("Look", media=[video], sensitive=True))
        refused = answer({"title": "Bad Request", "detail": "no"}, 400)
        sending = call(uploaded("601"), *[answer({})] * 3, uploaded("601"), refused)
        with pytest.raises(errors.Declined):
            await sending.adapter.send(part, sending)

    async def test_a_wait_x_does_not_name_is_five_seconds(self) -> None:
        part = await self.clip(alt=None)
        sending = call(
            uploaded("601"), *[answer({})] * 3, pending("601", "pending"), uploaded("601"), posted()
        )
        await sending.adapter.send(part, sending)
        assert sending.waits == [5]

    async def test_a_session_is_a_secret_from_its_first_moment(self) -> None:
        part, lost = await self.clip(alt=None), errors.Unavailable("the answer was lost")
        failing = call(uploaded("601"), lost)
        with pytest.raises(errors.Unavailable):
            await failing.adapter.send(part, failing)
        assert failing.secrets == set(failing.memory)

    async def test_how_many_requests_a_video_takes(self) -> None:
        captions, still = [Captions(SRT, "en"), Captions(SRT, "de")], Image(png(8, 8), alt="A boat")
        part = await self.clip(captions=captions, thumbnail=still)
        segments = [answer({})] * 3
        waited = [pending("601", "pending", 1), pending("601", "succeeded")]
        described = [answer({}), uploaded("701"), answer({}), uploaded("702"), answer({}), uploaded("801")]
        sending = call(uploaded("601"), *segments, *waited, *described, posted())
        await sending.adapter.send(part, sending)
        assert part.requests == len(sending.asked) == 13

    async def test_a_mark_that_is_refused_stops_the_post(self) -> None:
        video = Video(mp4(seconds=5.0, data=self.SIZE), alt="Sailing")
        part = await only_part(Post("Look", media=[video], sensitive=True))
        refused = answer({"title": "Bad Request", "detail": "no"}, 400)
        sending = call(uploaded("601"), *[answer({})] * 3, uploaded("601"), refused, refused)
        with pytest.raises(errors.Declined):
            await sending.adapter.send(part, sending)

    async def test_a_moving_picture_goes_up_in_segments_too(self) -> None:
        part = await only_part(Post(media=[Image(gif(frames=2))]))
        sending = call(uploaded("601"), answer({}), uploaded("601"), posted())
        await sending.adapter.send(part, sending)
        assert sending.asked[0].json["media_category"] == "tweet_gif"


class TestDelete:
    @pytest.mark.parametrize(
        "told",
        [
            answer({"data": {"deleted": True}}),
            answer(
                {"title": "Not Found Error", "type": "https://api.x.com/2/problems/resource-not-found"}, 404
            ),
            answer({"errors": [{"code": 144, "message": "No status found with that ID."}]}, 404),
        ],
    )
    async def test_gone_is_done(self, told: base.Response) -> None:
        deleting = call(told)
        await deleting.adapter.delete(Receipt(OWN, ID), deleting)
        asked = deleting.asked[0]
        assert (asked.step, asked.method, asked.path) == ("attach", "DELETE", f"/2/tweets/{ID}")
        assert asked.options["repeatable"]

    @pytest.mark.parametrize(
        "told",
        [
            answer({"data": {"deleted": False}}),
            answer(content=b"<html>no</html>", status=404),
            answer(["no"], 404),
            answer(["no"]),
            answer({"data": None}),
        ],
    )
    async def test_anything_else_is_not(self, told: base.Response) -> None:
        deleting = call(told)
        with pytest.raises(errors.Declined, match=f"did not delete {ID}"):
            await deleting.adapter.delete(Receipt(OWN, ID), deleting)

    @pytest.mark.parametrize("wrong", ["12/hidden", "12?x=1", "12#a", "launch"])
    async def test_what_is_no_id_reaches_no_path(self, wrong: str) -> None:
        deleting = call()
        with pytest.raises(errors.ConfigError, match="no id of a post on X"):
            await deleting.adapter.delete(Receipt(OWN, wrong), deleting)


# --- with the machinery around it -----------------------------------------------------------------------------
ME = answer({"data": {"id": "7", "username": "brand"}})


class Wire:
    """X behind httpx: who asks for the account is told, everything else is scripted by path."""

    def __init__(self, adapter: X, *posts: Any, timeline: Any = ()) -> None:
        self.posts, self.timeline, self.asked = list(posts), list(timeline), list[str]()
        self.clock, self.refusal = ManualClock(), None
        self.tokens = [httpx.Response(200, json={"access_token": "new", "refresh_token": "r2"})]
        self.client = Client(
            {"brand": adapter},
            store=":memory:",
            transport=httpx.MockTransport(self.answer),
            clock=self.clock,
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(f"{request.method} {path}")
        if path == "/2/users/me":
            return httpx.Response(200, json=ME.json())
        if path == "/2/oauth2/token":
            return self.tokens.pop(0)
        if path == "/2/users/7/tweets":
            if self.refusal is not None:
                return self.refusal
            return httpx.Response(200, json={"data": self.timeline, "meta": {}})
        return self.posts.pop(0)


def made(post_id: str) -> httpx.Response:
    return httpx.Response(201, json={"data": {"id": post_id, "text": ""}})


def said(status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, json=body)


class TestMachinery:
    def test_a_thread_waits_for_its_parent_to_be_seen(self) -> None:
        hidden = numbered(385, "You attempted to reply to a Tweet that is deleted or not visible to you.")
        wire = Wire(X(token="t"), made("11"), said(403, hidden), said(403, hidden), made("12"))
        with wire.client as client:
            before = wire.clock.now()
            report = client.publish(Post("One", thread=[Post("Two")]), to="brand")
        assert report["brand"].status is Status.PUBLISHED
        assert report["brand"].receipt.part_ids == ("11", "12")
        assert 2 <= (wire.clock.now() - before).total_seconds() <= 10

    def test_a_parent_that_stays_hidden_is_a_refusal(self) -> None:
        wire = Wire(X(token="t"), *[said(403, numbered(385))] * 4)
        with wire.client as client, pytest.raises(errors.Declined, match="not visible"):
            client.publish(Post("Aye", reply_to="https://x.com/brand/status/12"), to="brand")
        assert wire.asked.count("POST /2/tweets") == 4

    def test_a_video_goes_on_where_an_earlier_call_failed(self) -> None:
        clip = Video(mp4(seconds=5.0, data=2 * MIB + 1))
        down = [httpx.Response(503)] * 9
        wire = Wire(X(token="t"), said(200, uploaded("601").json()), *[said(200, {})] * 2, *down)
        wire.client.publish(Post(media=[clip]), to="brand", idempotency_key="k", errors="return")
        wire.posts[:] = [said(200, {}), said(200, uploaded("601").json()), made("11")]
        before = len(wire.asked)
        with wire.client as client:
            report = client.publish(Post(media=[clip]), to="brand", idempotency_key="k")
        assert report["brand"].receipt.id == "11"
        assert wire.asked[before:] == [
            "POST /2/media/upload/601/append",
            "POST /2/media/upload/601/finalize",
            "POST /2/tweets",
        ]

    def test_a_duplicate_is_looked_for_and_found(self) -> None:
        wire = Wire(X(token="t"), said(403, blank(DUPLICATE)))
        wire.timeline.append({"id": born(wire.clock.now()), "text": "Ahoy"})
        with wire.client as client:
            report = client.publish(Post("Ahoy"), to="brand")
        assert report["brand"].status is Status.PUBLISHED
        assert wire.asked.count("POST /2/tweets") == 1

    def test_a_duplicate_of_an_older_post_is_an_error_and_sends_nothing_more(self) -> None:
        wire = Wire(X(token="t"), said(403, blank(DUPLICATE)))
        with wire.client as client, pytest.raises(errors.Duplicate, match="duplicate content"):
            client.publish(Post("Ahoy"), to="brand", wait=600)
        assert wire.asked.count("POST /2/tweets") == 1
        assert wire.asked.count("GET /2/users/7/tweets") >= 3

    def test_a_refusal_without_a_reason_is_looked_into(self) -> None:
        """X was seen to answer 403 to a post that went out."""
        wire = Wire(X(token="t"), said(403, blank("You are not permitted to perform this action.")))
        wire.timeline.append({"id": born(wire.clock.now()), "text": "Ahoy"})
        with wire.client as client:
            report = client.publish(Post("Ahoy"), to="brand")
        assert report["brand"].receipt.id == wire.timeline[0]["id"]
        assert wire.asked.count("POST /2/tweets") == 1

    def test_a_refusal_without_a_reason_that_holds_is_one(self) -> None:
        wire = Wire(
            X(token="t"), said(403, blank("You are not permitted to perform this action.")), made("12")
        )
        wire.timeline.append({"id": born(wire.clock.now() - timedelta(minutes=1)), "text": "Ahoy"})
        before = wire.clock.now()
        with wire.client as client:
            outcome = client.publish(Post("Ahoy"), to="brand", idempotency_key="k", errors="return")["brand"]
            assert outcome.status is Status.FAILED
            assert "not permitted" in str(outcome.error)
            assert wire.asked.count("GET /2/users/7/tweets") == 3
            assert (wire.clock.now() - before).total_seconds() == 15
            again = client.publish(Post("Ahoy"), to="brand", idempotency_key="k")
        assert again["brand"].status is Status.PUBLISHED

    @pytest.mark.parametrize("why", [403, 503])
    def test_a_refusal_that_cannot_be_looked_into_is_open(self, why: int) -> None:
        wire = Wire(X(token="t"), said(403, blank("You are not permitted to perform this action.")))
        wire.refusal = httpx.Response(why)
        with wire.client as client:
            outcome = client.publish(Post("Ahoy"), to="brand", errors="return", wait=0)["brand"]
        assert outcome.status is Status.UNKNOWN
        assert wire.asked.count("POST /2/tweets") == 1

    def test_a_refusal_that_no_list_can_deny_is_believed(self) -> None:
        wire = Wire(X(token="t"), said(403, blank("You are not permitted to perform this action.")))
        post = Post("Ahoy").variant("x", XOptions(community_id="5"))
        with wire.client as client:
            outcome = client.publish(post, to="brand", errors="return")["brand"]
        assert outcome.status is Status.FAILED
        assert wire.asked.count("GET /2/users/7/tweets") == 0

    def test_a_refusal_and_two_posts_alike_is_open(self) -> None:
        wire = Wire(X(token="t"), said(403, blank("You are not permitted to perform this action.")))
        wire.timeline += [{"id": born(wire.clock.now(), n), "text": "Ahoy"} for n in (1, 2)]
        with wire.client as client:
            outcome = client.publish(Post("Ahoy"), to="brand", errors="return", wait=0)["brand"]
        assert outcome.status is Status.UNKNOWN

    def test_a_server_error_is_never_repeated_blindly(self) -> None:
        wire = Wire(X(token="t"), httpx.Response(503))
        wire.timeline.append({"id": born(wire.clock.now()), "text": "Ahoy"})
        with wire.client as client:
            report = client.publish(Post("Ahoy"), to="brand")
        assert report["brand"].status is Status.PUBLISHED
        assert wire.asked.count("POST /2/tweets") == 1

    def test_an_expired_token_is_renewed_once(self) -> None:
        adapter = X(token="old", refresh_token="r1", client_id="app")
        wire = Wire(adapter, said(401, {"title": "Unauthorized", "type": "about:blank"}), made("11"))
        with wire.client as client:
            report = client.publish(Post("Ahoy"), to="brand")
        assert report["brand"].receipt.id == "11"
        assert wire.asked.count("POST /2/oauth2/token") == 1
