"""Facebook: what is planned, sent, understood and asked, in the words of the Graph API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import mp4, png
from socialkit import Captions, Image, Post, Video, errors
from socialkit.adapters import base
from socialkit.adapters._facebook_posts import address, id_in, is_permalink, stage_of
from socialkit.adapters._facebook_rules import REEL_BYTES, RULES
from socialkit.adapters._facebook_uploads import TRIES, memory, upload_video
from socialkit.adapters.facebook import Facebook
from socialkit.model import Identity, Receipt, Status
from socialkit.plan import TargetPlan

from .fakes import NOW, Asked, FakeCall, answer, plan

PAGE = "245628824887810"
OWN = Identity("facebook", "https://graph.facebook.com", PAGE, "brand")
FACTS = base.AccountFacts(OWN)
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"
BOAT = Image(png(), alt="A boat")
UPRIGHT = mp4(seconds=5.0, size=(1080, 1920))
POSTED = answer({"id": f"{PAGE}_1", "created_time": "2026-11-02T09:00:00+0000"})
DONE = answer({"success": True})


def options(**fields: Any) -> Facebook.Options:
    return Facebook.Options(**fields)


def call(*answers: Any, adapter: Facebook | None = None, **more: Any) -> FakeCall:
    return FakeCall(adapter or Facebook("t0ken"), FACTS, answers, hears_no=True, **more)


async def planned(post: Post, **chosen: Any) -> TargetPlan:
    if chosen:
        post = post.variant("facebook", options(**chosen))
    return await plan(Facebook("t"), post, call())


async def part_of(post: Post, **chosen: Any) -> base.Part:
    made = await planned(post, **chosen)
    assert [str(p) for p in made.problems if p.severity == "error"] == []
    return made.parts[0]


def codes(made: TargetPlan, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in made.problems if p.severity == severity and p.field != "media[0].alt"]


def changes(made: TargetPlan) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in made.changes]


def refused(
    code: int, subcode: int | None = None, *, status: int = 400, words: str = "No.", **more: Any
) -> Any:
    told = {"message": words, "type": "OAuthException", "code": code, **more}
    return answer({"error": told | ({"error_subcode": subcode} if subcode else {})}, status)


class TestAccount:
    async def test_the_page_whose_token_it_is(self) -> None:
        told = {"id": PAGE, "name": "Brand", "username": "brand", "category": "Brand"}
        asking = FakeCall(Facebook("t", version="v25.0"), None, [answer(told)])
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "brand")
        assert asking.asked[0].path == "/v25.0/me"
        assert asking.asked[0].headers["authorization"] == "Bearer t"

    @pytest.mark.parametrize("field", ["username", "category"])
    async def test_a_persons_token_is_no_pages(self, field: str) -> None:
        words = f"(#100) Tried accessing nonexisting field ({field}) on node type (User)"
        asking = FakeCall(Facebook("t"), None, [refused(100, words=words)])
        with pytest.raises(errors.MissingScope, match="the token is a person's"):
            await asking.adapter.account(asking)

    def test_a_version_is_written_as_meta_writes_it(self) -> None:
        with pytest.raises(errors.ConfigError, match=r"v26\.0"):
            Facebook("t", version="26")

    def test_where_videos_go(self) -> None:
        assert Facebook("t").video_server == "https://graph-video.facebook.com"
        assert (
            Facebook("t", server="http://127.0.0.1:1/facebook").video_server == "http://127.0.0.1:1/facebook"
        )


class TestPlan:
    @pytest.mark.parametrize(
        ("post", "chosen", "way", "fields"),
        [
            (Post("Ahoy", tags=["sea"]), {}, "feed", {"message": "Ahoy\n\n#sea"}),
            (Post(link="https://example.com/a"), {}, "feed", {"link": "https://example.com/a"}),
            (Post("Ahoy", media=[BOAT]), {}, "photo", {"caption": "Ahoy"}),
            (
                Post("Ahoy", media=[BOAT], link="https://example.com/a"),
                {},
                "photo",
                {"caption": "Ahoy\n\nhttps://example.com/a"},
            ),
            (Post("Ahoy", media=[BOAT, BOAT]), {"place": "29"}, "photos", {"message": "Ahoy", "place": "29"}),
            (
                Post("Ahoy", title="Trials", media=[Video(UPRIGHT)]),
                {},
                "video",
                {"description": "Ahoy", "title": "Trials"},
            ),
            (
                Post("Ahoy", media=[Video(UPRIGHT)]),
                {"format": "reel"},
                "reel",
                {"description": "Ahoy", "video_state": "PUBLISHED"},
            ),
            (Post(media=[BOAT]), {"format": "story"}, "photo_story", {}),
            (Post(media=[Video(UPRIGHT)]), {"format": "story"}, "video_story", {"video_state": "PUBLISHED"}),
            (Post("Aye", reply_to=f"{PAGE}_7"), {}, "comment", {"message": "Aye"}),
        ],
    )
    async def test_the_way_a_post_goes(
        self, post: Post, chosen: dict[str, Any], way: str, fields: dict[str, str]
    ) -> None:
        part = await part_of(post, **chosen)
        assert (part.body["way"], part.body["fields"]) == (way, fields)

    async def test_a_scheduled_photo_goes_as_one_of_several(self) -> None:
        """A scheduled /photos does not say which post it becomes."""
        due = NOW + timedelta(hours=1)
        part = await part_of(Post("Ahoy", media=[BOAT]), publish_at=due)
        assert part.body["way"] == "photos"
        assert part.body["fields"] == {
            "message": "Ahoy",
            "published": "false",
            "unpublished_content_type": "SCHEDULED",
            "scheduled_publish_time": str(int(due.timestamp())),
        }

    @pytest.mark.parametrize(
        ("ahead", "form", "fine"),
        [
            (599, "post", False),
            (600, "post", True),
            (599, "reel", False),
            (601, "reel", True),
            (30 * 86_400, "post", True),
            (30 * 86_400 + 1, "post", False),
            (29 * 86_400 + 1, "reel", False),
            (29 * 86_400, "reel", True),
        ],
    )
    async def test_when_it_may_be_scheduled(self, ahead: int, form: str, fine: bool) -> None:
        made = await planned(
            Post("Ahoy", media=[Video(UPRIGHT)]), publish_at=NOW + timedelta(seconds=ahead), format=form
        )
        assert codes(made) == ([] if fine else [("options.publish_at", "range")])

    @pytest.mark.parametrize(
        ("post", "chosen", "problem"),
        [
            (Post("Ahoy", media=[BOAT]), {"format": "story"}, ("text", "unsupported")),
            (Post("Ahoy"), {"format": "reel"}, ("media", "count")),
            (Post(media=[BOAT, BOAT]), {"format": "story"}, ("media", "count")),
            (Post("Ahoy"), {"format": "live"}, ("options.format", "unknown")),
            (Post("Ahoy"), {"tagged_ids": ("7",)}, ("options.tagged_ids", "no_place")),
            (Post("Ahoy"), {"place": "harbour"}, ("options.place", "not_an_id")),
            (Post("Ahoy"), {"content_category": "NEWS"}, ("options.content_category", "unsupported")),
            (Post("Ahoy"), {"collaborators": ("7",)}, ("options.collaborators", "unsupported")),
            (Post("Ahoy", media=[BOAT]), {"background": "5"}, ("options.background", "unsupported")),
            (Post(media=[Video(UPRIGHT)]), {"content_category": "X"}, ("options.content_category", "unknown")),
            (Post("Aye", reply_to="7"), {"first_comment": "x"}, ("options.first_comment", "unsupported")),
            (Post("Aye", reply_to="7"), {"format": "reel"}, ("options.format", "unsupported")),
            (Post("Aye", reply_to="7", media=[BOAT, BOAT]), {}, ("media", "count")),
            (Post("Aye", reply_to="https://www.facebook.com/a/posts/pfbid0x"), {}, ("reply_to", "not_found")),
            (Post("Aye", reply_to=Receipt(OWN, "7", kind="story")), {}, ("reply_to", "unsupported")),
            (Post("Ahoy", media=[BOAT] * 11), {}, ("media", "count")),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_is_named(
        self, post: Post, chosen: dict[str, Any], problem: tuple[str, str]
    ) -> None:
        assert problem in codes(await planned(post, **chosen))

    async def test_a_scheduled_post_has_no_first_comment(self) -> None:
        made = await planned(Post("Ahoy"), publish_at=NOW + timedelta(hours=1), first_comment="x")
        assert codes(made) == [("options.first_comment", "scheduled")]

    @pytest.mark.parametrize(
        ("clip", "form", "problem"),
        [
            (mp4(seconds=2.0, size=(1080, 1920)), "reel", "range"),
            (mp4(seconds=91.0, size=(1080, 1920)), "reel", "range"),
            (mp4(seconds=61.0, size=(1080, 1920)), "story", "range"),
            (mp4(seconds=9.0, size=(450, 800)), "reel", "too_small"),
            (mp4(seconds=9.0, size=(1920, 1080)), "reel", "ratio"),
            (mp4(seconds=9.0, size=(1080, 1800)), "reel", "ratio"),
            (mp4(seconds=9.0, size=(1080, 1920), frames=9 * 61), "reel", "range"),
            (mp4(seconds=9.0, size=(1080, 1920), frames=9 * 22), "story", "range"),
        ],
    )
    async def test_what_a_reel_must_be(self, clip: bytes, form: str, problem: str) -> None:
        assert (f"media[{0}]", problem) in codes(await planned(Post(media=[Video(clip)]), format=form))

    @pytest.mark.parametrize(
        ("clip", "form"),
        [
            (mp4(seconds=3.0, size=(540, 960)), "reel"),
            (mp4(seconds=90.0, size=(1080, 1920), frames=90 * 60), "reel"),
            (mp4(seconds=60.0, size=(1080, 1920), frames=60 * 23), "story"),
        ],
    )
    async def test_what_a_reel_may_just_be(self, clip: bytes, form: str) -> None:
        assert codes(await planned(Post(media=[Video(clip)]), format=form)) == []

    @pytest.mark.parametrize(("more", "problem"), [(0, []), (1, [("media[0]", "too_large")])])
    async def test_how_large_a_reel_may_be(
        self, more: int, problem: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert REEL_BYTES == 2 << 30
        monkeypatch.setattr("socialkit.adapters._facebook_plan.REEL_BYTES", len(UPRIGHT) - more)
        assert codes(await planned(Post(media=[Video(UPRIGHT)]), format="reel")) == problem

    async def test_what_stands_in_the_rules(self) -> None:
        images, video = RULES.images, RULES.video
        assert images is not None
        assert video is not None
        assert (images.count, images.max_bytes) == (10, 10_000_000)
        assert (video.count, video.max_bytes, video.max_seconds) == (1, 10_000_000_000, 14_400.0)
        assert video.thumbnail_max_bytes == 10_000_000
        assert RULES.text.limit == 63_206
        limits = {one.name: (one.limit, one.window) for one in RULES.budgets if "calls" not in one.name}
        assert limits == {"reels": (30, 86_400.0), "collaborators": (10, 86_400.0)}

    async def test_captions_name_a_region_and_are_srt(self) -> None:
        clip = Video(UPRIGHT, captions=[Captions(SRT, "en"), Captions(b"WEBVTT\n\n" + SRT, "en-US")])
        found = codes(await planned(Post(media=[clip])))
        assert ("media[0].captions[0].language", "unsupported") in found
        assert ("media[0].captions[1]", "type") in found

    @pytest.mark.parametrize(
        ("told", "parent", "problem", "change"),
        [
            (answer({"id": "7_8"}), "7_8", [], []),
            (answer({"id": "7_8", "parent": {"id": "7_6"}}), "7_6", [], [("reply_to", "level")]),
            (refused(100, words="(#100) Tried accessing nonexisting field (parent)"), "7_8", [], []),
            (refused(100, 33), "7_8", [("reply_to", "not_found")], []),
        ],
    )
    async def test_comments_have_two_levels(self, told: Any, parent: str, problem: Any, change: Any) -> None:
        asking = call(told)
        made = await plan(Facebook("t"), Post("Aye", reply_to="7_8"), asking)
        assert (asking.asked[0].path, asking.asked[0].params) == ("/v26.0/7_8", {"fields": "id,parent"})
        assert (codes(made), changes(made)) == (problem, change)
        if made.parts:
            assert made.parts[0].body["parent"] == parent

    async def test_what_is_refused_for_another_reason_fails_the_plan(self) -> None:
        with pytest.raises(errors.MissingScope):
            await plan(Facebook("t"), Post("Aye", reply_to="7_8"), call(refused(10)))

    @pytest.mark.parametrize(("count", "problem"), [(10, []), (11, [("options.collaborators", "count")])])
    async def test_how_many_a_reel_invites(self, count: int, problem: Any) -> None:
        invited = tuple(str(number) for number in range(count))
        made = await planned(Post("A", media=[Video(UPRIGHT)]), format="reel", collaborators=invited)
        assert codes(made) == problem

    @pytest.mark.parametrize(
        ("cards", "problems", "warned"),
        [
            ([{"link": "https://example.com/a", "name": "A"}] * 2, [], []),
            ([{"link": "https://example.com/a", "picture": "https://example.com/a.png"}] * 5, [], []),
            ([{"link": "https://example.com/a"}], [], [("options.cards", "undocumented")]),
            ([{"link": "https://example.com/a"}] * 6, [], [("options.cards", "undocumented")]),
            (
                [{"name": "A"}, {"link": "b"}],
                [("options.cards[0]", "link"), ("options.cards[1]", "link")],
                [],
            ),
            (
                [{"link": "https://example.com/a", "image": "x"}] * 2,
                [("options.cards[0]", "unknown")] * 1,
                [],
            ),
        ],
    )
    async def test_a_carousel_of_links(self, cards: Any, problems: Any, warned: Any) -> None:
        made = await planned(Post("Ahoy", link="https://example.com"), cards=tuple(cards))
        assert set(codes(made)) >= set(problems)
        assert bool(codes(made)) is bool(problems)
        assert codes(made, "warning") == warned
        if not problems:
            assert json.loads(made.parts[0].body["fields"]["child_attachments"]) == cards

    async def test_a_carousel_of_links_has_a_link_of_its_own(self) -> None:
        cards = ({"link": "https://example.com/a"},) * 2
        assert codes(await planned(Post("Ahoy"), cards=cards)) == [("link", "missing")]
        photo = await planned(Post("Ahoy", media=[BOAT]), cards=cards)
        assert ("options.cards", "unsupported") in codes(photo)

    @pytest.mark.parametrize("host", ["facebook.com", "www.facebook.com"])
    async def test_links_to_facebook_have_been_refused(self, host: str) -> None:
        made = await planned(Post("Ahoy", link=f"https://{host}/brand"))
        assert (codes(made), codes(made, "warning")) == ([], [("link", "own_host")])
        assert codes(await planned(Post("A", link="https://notfacebook.com/")), "warning") == []

    async def test_how_many_pictures_is_for_the_account_to_say(self) -> None:
        post = Post("Ahoy", media=[BOAT] * 11)
        assert codes(await plan(Facebook("t"), post, call())) == [("media", "count")]
        assert codes(await plan(Facebook("t", max_photos=11), post, call())) == []
        assert Facebook.rules.images.count == 10
        with pytest.raises(errors.ConfigError, match="max_photos"):
            Facebook("t", max_photos=0)

    async def test_what_third_parties_say_is_a_warning(self) -> None:
        told = await planned(Post("a" * 131), background="5", first_comment="b" * 8001)
        assert codes(told) == []
        warned = codes(told, "warning")
        assert warned == [("options.background", "undocumented"), ("options.first_comment", "undocumented")]
        fine = await planned(Post("a" * 130), background="5", first_comment="b" * 8000)
        assert codes(fine, "warning") == []
        film = Video(mp4(seconds=5.0))
        for post, warned in (
            (Post("A", title="t" * 256, media=[film]), [("title", "undocumented")]),
            (Post("A", title="t" * 255, media=[film]), []),
            (Post("a" * 8001, reply_to="7"), [("text", "undocumented")]),
            (Post("a" * 8000, reply_to="7"), []),
        ):
            told = await planned(post)
            assert (codes(told), codes(told, "warning")) == ([], warned)

    async def test_a_story_has_no_thumbnail_and_no_captions(self) -> None:
        film = Video(UPRIGHT, thumbnail=BOAT, captions=[Captions(SRT, "en-US")])
        told = codes(await planned(Post(media=[film]), format="story"))
        assert told == [("media[0].thumbnail", "unsupported"), ("media[0].captions[0]", "unsupported")]

    async def test_how_many_requests_it_takes(self) -> None:
        film = Video(UPRIGHT, thumbnail=BOAT, captions=[Captions(SRT, "en-US")])
        for post, chosen, count in (
            (Post("Ahoy"), {}, 1),
            (Post("Ahoy"), {"first_comment": "More"}, 2),
            (Post("Ahoy", media=[BOAT]), {}, 1),
            (Post("Ahoy", media=[BOAT, BOAT]), {}, 3),
            (Post("Ahoy", media=[film]), {}, 5),
            (Post("Ahoy", media=[film]), {"format": "reel", "collaborators": ("1", "2")}, 7),
            (Post(media=[BOAT]), {"format": "story"}, 2),
            (Post("Aye", reply_to="7", media=[BOAT]), {}, 2),
        ):
            assert (await part_of(post, **chosen)).requests == count

    @pytest.mark.parametrize("form", ["reel", "story"])
    @pytest.mark.parametrize("codec", [b"avc1", b"hvc1", b"av01", b"vp09", b"mp4v"])
    async def test_what_a_reel_is_made_of(self, form: str, codec: bytes) -> None:
        film = UPRIGHT.replace(b"avc1", codec)
        made = await planned(Post("" if form == "story" else "A", media=[Video(film)]), format=form)
        assert codes(made) == ([("media[0]", "codec")] if codec == b"mp4v" else [])

    async def test_what_is_left_out_is_listed(self) -> None:
        made = await planned(Post("Ahoy", title="Trials", language="de", media=[BOAT]))
        assert {("title", "not_carried"), ("language", "not_carried")} <= set(changes(made))
        moving = await planned(Post("Ahoy", media=[Video(UPRIGHT, alt="Sailing")]))
        assert ("media[0].alt", "not_carried") in changes(moving)
        linked = await planned(Post("Aye", reply_to="7", link="https://example.com/a"))
        assert ("link", "in_text") in changes(linked)
        assert linked.parts[0].body["fields"]["message"] == "Aye\n\nhttps://example.com/a"


class TestSend:
    async def test_a_text_asks_for_its_permalink_at_once(self) -> None:
        sending = call(POSTED)
        sent = await sending.adapter.send(await part_of(Post("Ahoy")), sending)
        (asked,) = sending.asked
        assert (asked.step, asked.method, asked.path) == ("commit", "POST", f"/v26.0/{PAGE}/feed")
        assert asked.params == {"fields": "id,permalink_url,created_time"}
        assert asked.form == {"message": "Ahoy"}
        assert (sent.id, sent.url, sent.published_at) == (
            f"{PAGE}_1",
            f"https://www.facebook.com/{PAGE}_1",
            NOW,
        )

    async def test_one_photo_is_its_own_commit(self) -> None:
        sending = call(answer({"id": "31", "post_id": f"{PAGE}_1"}))
        part = await part_of(Post("Ahoy", media=[BOAT]))
        sent = await sending.adapter.send(part, sending)
        (asked,) = sending.asked
        assert (asked.step, asked.path) == ("commit", f"/v26.0/{PAGE}/photos")
        assert (asked.fields["caption"], asked.fields["alt_text_custom"]) == (b"Ahoy", b"A boat")
        assert len(asked.fields["source"]) == part.media[0].size
        assert (sent.id, sent.raw) == (f"{PAGE}_1", {"way": "photo", "photos": ["31"]})

    async def test_a_photo_whose_post_is_not_told_is_asked_for(self) -> None:
        sending = call(answer({"id": "31"}), answer({"id": "31", "page_story_id": f"{PAGE}_9"}))
        sent = await sending.adapter.send(await part_of(Post(media=[BOAT])), sending)
        assert sent.id == f"{PAGE}_9"

    async def test_a_photo_that_is_live_is_never_called_refused(self) -> None:
        part, memory_ = await part_of(Post(media=[BOAT])), dict[str, Any]()
        sending = call(answer({"id": "31"}), refused(100, 33), memory=memory_)
        with pytest.raises(errors.OutcomeUnknown):
            await sending.adapter.send(part, sending)
        looking = call(listed(shown(1, None, "30"), shown(2, None, "31")), memory=memory_)
        found = await looking.adapter.find(lost_of(part), looking)
        assert isinstance(found, base.Found)
        assert found.sent.id == f"{PAGE}_2"

    async def test_a_story_is_told_by_its_post_where_its_video_is_hidden(self) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format="story")
        start = answer({"video_id": "41", "upload_url": "https://rupload.facebook.com/video-upload/v26.0/41"})
        told = answer({"success": True, "post_id": "51"})
        for last, status in (
            (refused(100, 33), Status.PUBLISHED),
            (answer({"id": "41", "status": {"video_status": "ready"}}), Status.PUBLISHED),
            (answer({"id": "41", "status": {"processing_phase": {"status": "complete"}}}), Status.PUBLISHED),
            (refused(10), Status.PROCESSING),
        ):
            sending = call(start, DONE, told, last)
            sent = await sending.adapter.send(part, sending)
            assert (sent.id, sent.status) == ("51", status)
            assert (sent.look_again_at is None) is (status is Status.PUBLISHED)

    async def test_several_photos_are_staged_unseen(self) -> None:
        part = await part_of(Post("Ahoy", media=[BOAT, Image(png(4, 4), alt="The sea")]))
        sending = call(answer({"id": "31"}), answer({"id": "32"}), POSTED)
        await sending.adapter.send(part, sending)
        first, second, commit = sending.asked
        assert [one.step for one in sending.asked] == ["prepare", "prepare", "commit"]
        assert (first.fields["published"], second.fields["alt_text_custom"]) == (b"false", b"The sea")
        assert "temporary" not in first.fields
        assert json.loads(commit.form["attached_media"]) == [{"media_fbid": "31"}, {"media_fbid": "32"}]
        assert sending.lifetimes[memory("photo 0", part.media[0])] < 86_400

    async def test_photos_for_later_are_temporary(self) -> None:
        part = await part_of(Post(media=[BOAT]), publish_at=NOW + timedelta(hours=1))
        sending = call(answer({"id": "31"}), POSTED)
        sent = await sending.adapter.send(part, sending)
        assert sending.asked[0].fields["temporary"] == b"true"
        assert (sent.status, sent.published_at) == (Status.SCHEDULED, None)

    async def test_a_refused_set_is_staged_anew(self) -> None:
        part = await part_of(Post(media=[BOAT, BOAT]))
        memory_: dict[str, Any] = {}
        failing = call(answer({"id": "31"}), answer({"id": "32"}), refused(100, words="gone"), memory=memory_)
        with pytest.raises(errors.Declined):
            await failing.adapter.send(part, failing)
        again = call(answer({"id": "33"}), answer({"id": "34"}), POSTED, memory=memory_)
        await again.adapter.send(part, again)
        assert "33" in again.asked[-1].form["attached_media"]

    async def test_what_may_be_live_keeps_its_photos(self) -> None:
        part, memory_ = await part_of(Post(media=[BOAT, BOAT])), dict[str, Any]()
        lost = call(answer({"id": "31"}), answer({"id": "32"}), refused(2, status=500), memory=memory_)
        with pytest.raises(errors.Unavailable):
            await lost.adapter.send(part, lost)
        again = call(refused(100, 1366051), memory=memory_, lost=True)
        with pytest.raises(errors.Duplicate):
            await again.adapter.send(part, again)

    async def test_a_refusal_after_a_lost_answer_keeps_what_may_be_live(self) -> None:
        part, memory_ = await part_of(Post(media=[BOAT, BOAT])), dict[str, Any]()
        first = call(answer({"id": "31"}), answer({"id": "32"}), refused(2, status=500), memory=memory_)
        with pytest.raises(errors.Unavailable):
            await first.adapter.send(part, first)
        again = call(refused(368), memory=memory_, lost=True)
        with pytest.raises(errors.Declined):
            await again.adapter.send(part, again)
        assert again.recall(memory("photo 1", part.media[1])) == "32"

    async def test_a_video_that_may_be_live_keeps_its_upload(self) -> None:
        reel = await part_of(Post(media=[Video(UPRIGHT)]), format="reel")
        name, url = memory("video_reels", reel.media[0]), "https://rupload.facebook.com/video-upload/v26.0/41"
        whole = answer({"id": "41", "status": {"uploading_phase": {"bytes_transfered": reel.media[0].size}}})
        for lost, kept in ((True, True), (False, False)):
            memory_: dict[str, Any] = {name: {"video": "41", "url": url}}
            sending = call(whole, refused(6000, 1363019), whole, memory=memory_, lost=lost)
            with pytest.raises(errors.Declined):
                await sending.adapter.send(reel, sending)
            assert (sending.recall(name) is not None) is kept

    @pytest.mark.parametrize("form", ["reel", "story"])
    async def test_an_end_that_is_refused_because_it_was_heard_before_is_none(self, form: str) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format=form)
        edge = "video_reels" if form == "reel" else "video_stories"
        name, url = memory(edge, part.media[0]), "https://rupload.facebook.com/video-upload/v26.0/41"
        whole = answer({"id": "41", "status": {"uploading_phase": {"bytes_transfered": part.media[0].size}}})
        live = answer({"id": "41", "status": {"publishing_phase": {"publish_status": "published"}}})
        for stories, native in (([{"post_id": "51", "media_id": "41"}], "51"), ([], None)):
            more = [listed(*stories)] if form == "story" else []
            memory_: dict[str, Any] = {name: {"video": "41", "url": url}}
            sending = call(whole, refused(100), live, *more, memory=memory_)
            sent = await sending.adapter.send(part, sending)
            assert (sent.id, sent.status) == (native if form == "story" else "41", Status.PUBLISHED)
            assert sending.recall(name) is not None

    async def test_photos_that_another_post_has_are_staged_anew_once_that_is_proved(self) -> None:
        part, memory_ = await part_of(Post("Ahoy", media=[BOAT, BOAT])), dict[str, Any]()
        first = call(answer({"id": "31"}), answer({"id": "32"}), refused(100, 1366051), memory=memory_)
        with pytest.raises(errors.Duplicate):
            await first.adapter.send(part, first)
        again = call(answer({"id": "33"}), answer({"id": "34"}), POSTED, memory=memory_)
        await again.adapter.send(part, again)
        assert "34" in again.asked[-1].form["attached_media"]

    async def test_a_finish_that_does_not_say_so_is_no_refusal(self) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format="story")
        sending = call(
            answer({"video_id": "41", "upload_url": "https://rupload.facebook.com/video-upload/v26.0/41"}),
            DONE,
            answer({}),
        )
        with pytest.raises(errors.OutcomeUnknown):
            await sending.adapter.send(part, sending)

    async def test_the_token_goes_to_facebook_alone(self) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format="reel")
        sending = call(answer({"video_id": "41", "upload_url": "https://rupload-facebook.com/41"}))
        with pytest.raises(errors.Declined, match="another company's address"):
            await sending.adapter.send(part, sending)
        assert len(sending.asked) == 1

    async def test_upload_addresses_and_sessions_are_secret(self) -> None:
        reel = await part_of(Post(media=[Video(UPRIGHT)]), format="reel")
        url = "https://rupload.facebook.com/video-upload/v26.0/41"
        live = answer({"id": "41", "status": {"publishing_phase": {"publish_status": "published"}}})
        sending = call(answer({"video_id": "41", "upload_url": url}), DONE, DONE, live)
        await sending.adapter.send(reel, sending)
        assert sending.secrets == {memory("video_reels", reel.media[0])}
        stream = sending.asked[1]
        assert (stream.url, stream.headers["offset"]) == (url, "0")
        assert stream.headers["authorization"] == "OAuth t0ken"
        assert stream.headers["content-type"] == "application/octet-stream"
        assert [one.step for one in sending.asked] == ["prepare", "prepare", "commit", "read"]

    async def test_a_stream_that_never_gets_further_is_given_up(self) -> None:
        reel = await part_of(Post(media=[Video(UPRIGHT)]), format="reel")
        url = "https://rupload.facebook.com/video-upload/v26.0/41"
        broken = answer({"debug_info": {"type": "PartialRequestError", "message": "Partial request"}}, 400)
        nothing = answer({"id": "41", "status": {"uploading_phase": {"bytes_transferred": 3}}})
        answers = [broken, *[nothing, broken] * (TRIES - 1)]
        sending = call(answer({"video_id": "41", "upload_url": url}), *answers)
        with pytest.raises(errors.Declined) as caught:
            await sending.adapter.send(reel, sending)
        assert caught.value.code == "PartialRequestError"
        assert [one.headers.get("offset") for one in sending.asked[1::2]] == ["0", *["3"] * (TRIES - 1)]

    @pytest.mark.parametrize("told", [{"start_offset": "x", "end_offset": "9"}, {"start_offset": "3"}, "3"])
    async def test_offsets_that_are_none_are_a_refusal(self, told: Any) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]))
        start = {"video_id": "41", "upload_session_id": "9", "start_offset": "0", "end_offset": "5"}
        sending = call(answer(start), refused(6001, 1363037, error_data=told))
        with pytest.raises(errors.Declined):
            await sending.adapter.send(part, sending)
        assert len(sending.asked) == 2

    async def test_pieces_that_are_never_right_are_given_up(self) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]))
        start = {"video_id": "41", "upload_session_id": "9", "start_offset": "0", "end_offset": "5"}
        wants = refused(6001, 1363037, error_data={"start_offset": "0", "end_offset": "5"})
        sending = call(answer(start), *[wants] * (TRIES + 1))
        with pytest.raises(errors.Declined):
            await sending.adapter.send(part, sending)
        assert not sending.answers

    async def test_a_throttled_page_rests(self) -> None:
        for told, rest in ((refused(32), 300), (refused(80001, status=429), 300)):
            sending = call(told)
            with pytest.raises(errors.RateLimited) as caught:
                await sending.adapter.send(await part_of(Post("Ahoy")), sending)
            assert caught.value.retry_at == NOW + timedelta(seconds=rest)


class Server:
    """The other side of a chunked upload: takes pieces of its own choosing, loses answers and bytes."""

    def __init__(self, size: int, cuts: list[int], wrong: set[int]) -> None:
        self.size, self.cuts, self.wrong = size, cuts, wrong
        self.at, self.turn, self.got = 0, 0, bytearray()

    def wants(self) -> dict[str, str]:
        step = self.cuts[self.turn % len(self.cuts)]
        return {"start_offset": str(self.at), "end_offset": str(min(self.at + step, self.size))}

    def start(self, asked: Asked) -> base.Response:
        assert asked.form == {"upload_phase": "start", "file_size": str(self.size)}
        return answer({"video_id": "41", "upload_session_id": "51", **self.wants()})

    def transfer(self, asked: Asked) -> base.Response:
        wanted, piece = self.wants(), asked.fields["video_file_chunk"]
        assert asked.fields["start_offset"].decode() == wanted["start_offset"]
        assert len(piece) == int(wanted["end_offset"]) - int(wanted["start_offset"])
        self.turn += 1
        if self.turn in self.wrong:  # it keeps only half of it
            piece = piece[: len(piece) // 2]
            self.at += len(piece)
            self.got += piece
            told = {
                "message": "try again",
                "code": 6001,
                "error_subcode": 1363037,
                "error_data": self.wants(),
            }
            return answer({"error": told}, 400)
        self.at += len(piece)
        self.got += piece
        return answer(self.wants())


@given(
    cuts=st.lists(st.integers(200, 3000), min_size=1, max_size=4),
    wrong=st.sets(st.integers(1, 8), max_size=4),
)
async def test_whatever_pieces_are_asked_for_the_bytes_arrive_once_and_in_order(
    cuts: list[int], wrong: set[int]
) -> None:
    data = bytes(range(256)) * 20
    server = Server(len(data), cuts, wrong)
    item = base.PartMedia("video", "video/mp4", len(data), "d1gest", "file")
    steps = [server.start, *[server.transfer] * 60]
    sending = call(*steps, blobs={"d1gest": data})
    session = await upload_video(Facebook("t"), item, sending)
    assert bytes(server.got) == data
    assert (session["session"], session["video"]) == ("51", "41")
    assert sending.memory["video"] == "41"


class TestVideos:
    @pytest.mark.parametrize(
        ("status", "more", "stage"),
        [
            ({"publishing_phase": {"status": "complete", "publish_status": "published"}}, {}, "live"),
            ({"video_status": "ready"}, {"published": True}, "live"),
            ({"video_status": "ready"}, {"published": False}, "waiting"),
            ({"video_status": "ready"}, {}, "unsure"),
            ({"video_status": "processing"}, {}, "unsure"),
            ({"publishing_phase": {"publish_status": "scheduled"}}, {}, "scheduled"),
            ({"publishing_phase": {"status": "in_progress"}}, {}, "publishing"),
            ({"publishing_phase": {"status": "completed"}}, {}, "publishing"),
            (
                {"video_status": "upload_complete", "publishing_phase": {"status": "not_started"}},
                {},
                "waiting",
            ),
            (
                {
                    "processing_phase": {"status": "in_progress"},
                    "publishing_phase": {"status": "not_started"},
                },
                {"published": False},
                "unsure",
            ),
            ({"video_status": "error"}, {}, "failed"),
            ({"video_status": "expired"}, {}, "failed"),
            ({"processing_phase": {"status": "error"}}, {}, "failed"),
            (
                {
                    "copyright_check_status": {"status": "error"},
                    "processing_phase": {"status": "not_started"},
                },
                {},
                "unsure",
            ),
            (None, {}, "unsure"),
        ],
    )
    def test_where_a_video_stands(self, status: Any, more: dict[str, Any], stage: str) -> None:
        assert stage_of({"status": status, **more}) == stage

    @pytest.mark.parametrize(
        ("node", "kind"),
        [
            (
                answer({"id": "41", "status": {"publishing_phase": {"publish_status": "published"}}}),
                base.Found,
            ),
            (answer({"id": "41", "status": {"publishing_phase": {"status": "in_progress"}}}), base.Found),
            (answer({"id": "41", "status": {"video_status": "processing"}}), base.CannotTell),
            (answer({"id": "41", "status": {"publishing_phase": {"status": "not_started"}}}), base.Absent),
            (answer({"id": "41", "status": {"video_status": "error"}}), base.Absent),
            (refused(100, 33), base.Absent),
        ],
    )
    async def test_a_lost_video_is_asked_for_by_its_id(self, node: Any, kind: type[Any]) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format="reel")
        looking = call(node, memory={"video": "41"})
        lost = base.Lost(part, NOW, NOW + timedelta(minutes=5))
        assert type(await looking.adapter.find(lost, looking)) is kind
        assert looking.asked[0].path == "/v26.0/41"

    async def test_a_look_that_is_refused_tells_nothing(self) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]))
        looking = call(refused(200), memory={"video": "41"})
        with pytest.raises(errors.MissingScope):
            await looking.adapter.find(base.Lost(part, NOW, NOW), looking)
        forgotten = call()
        found = await forgotten.adapter.find(base.Lost(part, NOW, NOW), forgotten)
        assert isinstance(found, base.CannotTell)

    def test_an_address_may_be_half_of_one(self) -> None:
        assert address("/brand/videos/41/", "41") == "https://www.facebook.com/brand/videos/41/"
        assert address(None, "41") == "https://www.facebook.com/41"


def listed(*posts: dict[str, Any], **paging: Any) -> base.Response:
    return answer({"data": list(posts), "paging": paging})


def shown(number: int, text: str | None = "Ahoy", *photos: str, at: datetime = NOW) -> dict[str, Any]:
    media = [{"media_type": "photo", "target": {"id": one}} for one in photos]
    told: dict[str, Any] = {"id": f"{PAGE}_{number}", "created_time": at.strftime("%Y-%m-%dT%H:%M:%S+0000")}
    if text is not None:
        told["message"] = text
    if len(media) > 1:
        media = [{"media_type": "album", "subattachments": {"data": media}}]
    return told | ({"attachments": {"data": media}} if media else {})


def lost_of(part: base.Part, claimed: Any = ()) -> base.Lost:
    return base.Lost(part, NOW, NOW + timedelta(minutes=5), claimed=frozenset(claimed))


class TestFind:
    async def look(self, post: Post, *answers: Any, claimed: Any = (), **memory_: Any) -> base.Finding:
        part = await part_of(post)
        lost = lost_of(part, claimed)
        known = zip(part.media, memory_.get("photos", ()), strict=False)
        ids = {memory(f"photo {at}", item): one for at, (item, one) in enumerate(known)}
        looking = call(*answers, memory=ids)
        return await looking.adapter.find(lost, looking)

    async def test_by_its_words_on_any_page_of_the_list(self) -> None:
        first = listed(shown(9, "Else"), cursors={"after": "c1"}, next="https://evil.example.com/")
        found = await self.look(Post("Ahoy"), first, listed(shown(1, "  Ahoy ")))
        assert isinstance(found, base.Found)
        assert found.sent.id == f"{PAGE}_1"

    @pytest.mark.parametrize(
        ("post", "posts", "kind"),
        [
            (Post("Ahoy"), [shown(1), shown(2)], base.CannotTell),
            (Post("Ahoy"), [shown(1, at=NOW - timedelta(hours=1))], base.Absent),
            (Post("Ahoy"), [shown(1, at=NOW + timedelta(hours=1))], base.Absent),
            (Post("Ahoy"), [shown(1, "Ahoy", "31")], base.Absent),
            (Post("Ahoy", media=[BOAT]), [shown(1)], base.Absent),
            (Post("Ahoy", media=[BOAT]), [shown(1, "Ahoy", "31")], base.Found),
            (Post(media=[BOAT]), [shown(1, None, "31")], base.CannotTell),
            (Post(media=[BOAT, BOAT]), [shown(1, None, "31", "32")], base.Found),
            (Post(media=[BOAT, BOAT]), [shown(1, None, "31", "33")], base.CannotTell),
        ],
    )
    async def test_never_a_guess(self, post: Post, posts: list[Any], kind: type[Any]) -> None:
        photos = ("31", "32") if len(post.media) > 1 else ()
        assert type(await self.look(post, listed(*posts), photos=photos)) is kind

    @pytest.mark.parametrize("kind", ["photo", "video"])
    @pytest.mark.parametrize(
        "post",
        [
            Post("Ahoy", link="https://example.com/a"),
            Post("Ahoy https://example.com"),
            Post("Ahoy example.com"),
        ],
    )
    async def test_a_preview_may_be_a_picture_or_a_video(self, post: Post, kind: str) -> None:
        part = await part_of(post)
        preview = {"attachments": {"data": [{"media_type": kind, "target": {"url": "https://example.com"}}]}}
        found = await self.look(post, listed(shown(1, part.body["fields"]["message"]) | preview))
        assert isinstance(found, base.Found)
        assert found.sent.id == f"{PAGE}_1"

    async def test_a_preview_is_one_thing(self) -> None:
        several = listed(shown(1, "Ahoy https://example.com", "31", "32"))
        assert isinstance(await self.look(Post("Ahoy https://example.com"), several), base.Absent)

    async def test_a_scheduled_post_whose_time_is_not_told_is_no_proof(self) -> None:
        due = NOW + timedelta(hours=1)
        part = await part_of(Post("Ahoy"), publish_at=due)
        for post, kind in (
            (shown(1), base.CannotTell),
            (shown(1, "Else"), base.Absent),
            (shown(1) | {"scheduled_publish_time": int(due.timestamp())}, base.Found),
            (shown(1) | {"scheduled_publish_time": int(due.timestamp()) + 60}, base.Absent),
        ):
            looking = call(listed(post))
            assert isinstance(await looking.adapter.find(lost_of(part), looking), kind)

    async def test_what_was_scheduled_is_looked_for_among_the_published_once_it_is_time(self) -> None:
        due = NOW + timedelta(hours=1)
        part = await part_of(Post("Ahoy"), publish_at=due)
        for now, answers, kind in (
            (due - timedelta(minutes=1), [listed()], base.Absent),
            (due, [listed(), listed(shown(1, at=due))], base.Found),
            (due, [listed(), listed()], base.Absent),
        ):
            looking = call(*answers, now=now)
            assert isinstance(await looking.adapter.find(lost_of(part), looking), kind)
            assert not looking.answers

    async def test_a_scheduled_video_says_so_itself(self) -> None:
        due = NOW + timedelta(hours=1)
        part = await part_of(Post(media=[Video(UPRIGHT)]), publish_at=due)
        waiting = {"id": "41", "published": False}
        for node, kind in (
            (waiting | {"scheduled_publish_time": "2026-11-02T10:00:00+0000"}, base.Found),
            (waiting, base.Absent),
        ):
            looking = call(answer(node), memory={"video": "41"})
            found = await looking.adapter.find(lost_of(part), looking)
            assert isinstance(found, kind)
            assert not isinstance(found, base.Found) or found.sent.status is Status.SCHEDULED

    async def test_a_list_that_goes_in_circles_ends(self) -> None:
        circle = {"cursors": {"after": "c1"}, "next": "https://x.example.com/"}
        looking = call(*[listed(shown(2, "Else"), **circle)] * 2)
        assert isinstance(
            await looking.adapter.find(lost_of(await part_of(Post("Ahoy"))), looking), base.Absent
        )
        assert [one.params.get("after") for one in looking.asked] == [None, "c1"]

    async def test_lists_are_read_down_to_the_moment_it_was_sent(self) -> None:
        old = shown(9, "Else", at=NOW - timedelta(minutes=9))
        looking = call(listed(shown(2, "Else"), old, cursors={"after": "c1"}, next="https://x.example.com/"))
        assert isinstance(
            await looking.adapter.find(lost_of(await part_of(Post("Ahoy"))), looking), base.Absent
        )
        assert len(looking.asked) == 1

    @pytest.mark.parametrize(
        ("status", "late", "kind"),
        [
            ({"video_status": "error"}, False, base.Absent),
            ({"publishing_phase": {"publish_status": "published"}}, False, base.CannotTell),
            ({"publishing_phase": {"publish_status": "published"}}, True, base.Found),
            ({"processing_phase": {"status": "in_progress"}}, True, base.CannotTell),
            ({"publishing_phase": {"status": "not_started"}}, True, base.CannotTell),
        ],
    )
    async def test_a_page_without_a_story_archive_lists_none(
        self, status: dict[str, Any], late: bool, kind: type[Any]
    ) -> None:
        part = await part_of(Post(media=[Video(UPRIGHT)]), format="story")
        looking = call(listed(), answer({"id": "41", "status": status}), memory={"video": "41"})
        lost = lost_of(part)
        lost = attrs.evolve(lost, until=NOW - timedelta(1)) if late else lost
        found = await looking.adapter.find(lost, looking)
        assert isinstance(found, kind)
        if isinstance(found, base.Found):
            assert (found.sent.id, found.sent.missing[0][:3]) == (None, "id:")

    async def test_a_list_with_other_stories_tells(self) -> None:
        other = {"post_id": "51", "media_id": "40"}
        film = await part_of(Post(media=[Video(UPRIGHT)]), format="story")
        waiting = answer({"id": "41", "status": {"publishing_phase": {"status": "not_started"}}})
        looking = call(listed(other), waiting, memory={"video": "41"})
        assert isinstance(await looking.adapter.find(lost_of(film), looking), base.Absent)
        picture = await part_of(Post(media=[BOAT]), format="story")
        for stories, kind in (
            ([], base.CannotTell),
            ([other], base.Absent),
            ([{"post_id": "52", "media_id": "31"}], base.Found),
        ):
            looking = call(listed(*stories), memory={memory("photo 0", picture.media[0]): "31"})
            assert isinstance(await looking.adapter.find(lost_of(picture), looking), kind)

    async def test_a_comment_that_is_a_picture_alone_is_not_guessed(self) -> None:
        part = await part_of(Post(reply_to="7", media=[BOAT]))
        told = {"id": "7_1", "from": {"id": PAGE}, "created_time": "2026-11-02T09:00:00+0000"}
        looking = call(listed(told))
        assert isinstance(await looking.adapter.find(lost_of(part), looking), base.CannotTell)

    async def test_posts_of_other_intents_are_none_of_ours(self) -> None:
        found = await self.look(Post("Ahoy"), listed(shown(1)), claimed=[f"{PAGE}_1"])
        assert isinstance(found, base.Absent)

    async def test_a_comment_nobody_signed_is_not_ours_for_sure(self) -> None:
        told = {"id": "7_8", "message": "Aye", "created_time": "2026-11-02T09:00:00+0000"}
        assert isinstance(await self.look(Post("Aye", reply_to="7"), listed(told)), base.CannotTell)
        theirs = told | {"from": {"id": "99"}}
        assert isinstance(await self.look(Post("Aye", reply_to="7"), listed(theirs)), base.Absent)
        ours = told | {"from": {"id": PAGE}}
        assert isinstance(await self.look(Post("Aye", reply_to="7"), listed(ours)), base.Found)


ROWS: list[tuple[Any, type[Exception], bool]] = [
    (refused(1), errors.Unavailable, False),
    (refused(1, 99), errors.Declined, True),
    (refused(2, status=500), errors.Unavailable, False),
    (refused(3), errors.MissingScope, True),
    *[(refused(code), errors.RateLimited, True) for code in (4, 17, 32, 341, 613, 80001, 80002)],
    (refused(17, 2446079), errors.RateLimited, True),
    (refused(613, 1996), errors.RateLimited, True),
    (refused(10), errors.MissingScope, True),
    (refused(10, 1893063), errors.Declined, True),
    (refused(100), errors.Declined, True),
    (refused(100, status=500), errors.Declined, False),
    (refused(368, status=503), errors.Declined, False),
    (refused(4, status=500), errors.RateLimited, True),
    (refused(100, is_transient=True), errors.Unavailable, False),
    (refused(100, 33, is_transient=True), errors.Declined, True),
    (refused(368, is_transient=True), errors.Declined, True),
    (refused(4, is_transient=True), errors.RateLimited, True),
    (refused(100, words="(#100) No permission to publish the video"), errors.MissingScope, True),
    (refused(100, words="Invalid appsecret_proof provided in the API argument"), errors.ReauthNeeded, True),
    (refused(100, words="(#100) Name parameter too long"), errors.Declined, True),
    (refused(100, 33), errors.Declined, True),
    (refused(100, 1366046), errors.Declined, True),
    (refused(102), errors.ReauthNeeded, True),
    (refused(104), errors.ReauthNeeded, True),
    (refused(110), errors.Declined, True),
    *[(refused(190, sub), errors.ReauthNeeded, True) for sub in (None, 458, 459, 460, 463, 464, 467, 492)],
    *[(refused(code), errors.MissingScope, True) for code in (200, 230, 283, 299)],
    (refused(210), errors.Declined, True),
    *[(refused(code), errors.Declined, True) for code in (324, 352, 368, 389)],
    (refused(490), errors.ReauthNeeded, True),
    (refused(506), errors.Duplicate, False),
    *[(refused(code), errors.Declined, True) for code in (1500, 2500, 3001, 6000, 6001)],
    (refused(3001, 1504028), errors.Declined, True),
    *[(refused(6000, sub), errors.Declined, True) for sub in (1363019, 1363037, 1363046)],
    (refused(1363030), errors.Declined, True),
    (refused(6000, 1363047), errors.Unavailable, False),
    (refused(100, 1366051), errors.Duplicate, False),
    (refused(368, 1390008), errors.RateLimited, True),
    *[
        (refused(code, sub), errors.Declined, True)
        for code in (100, 200, 1)
        for sub in (1346003, 1404006, 1404078, 1404102, 1404112, 1609005, 1609008, 2061006, 1349125, 2069019, 4854002)
    ],
    (refused(100, 1609010), errors.Unavailable, False),
    (refused(9999, is_transient=True), errors.Unavailable, False),
    (refused(9999), errors.Declined, True),
    (answer({"debug_info": {"type": "NotAuthorizedError", "message": "No"}}, 401), errors.ReauthNeeded, True),
    (answer({"debug_info": {"type": "OffsetInvalidError", "message": "No"}}, 400), errors.Declined, True),
    (answer(content=b"<h1>Bad gateway</h1>", status=502), errors.Unavailable, False),
]  # fmt: skip


@pytest.mark.parametrize(("told", "kind", "definite"), ROWS, ids=[row[0].text[:60] for row in ROWS])
def test_every_row_of_the_error_table(told: Any, kind: type[Exception], definite: bool) -> None:
    error = Facebook("t").parse_error(told)
    assert type(error) is kind
    assert error.__dict__["definite"] is definite


def test_errors_within_good_answers_are_heard() -> None:
    assert Facebook("t").says_no(refused(2, status=200))
    assert Facebook("t").says_no(answer({"debug_info": {"type": "x"}}))
    assert not Facebook("t").says_no(DONE)


def batched(*rows: tuple[int, Any] | None) -> base.Response:
    return answer([row and {"code": row[0], "body": json.dumps(row[1])} for row in rows])


BAD = (400, {"error": {"code": 100, "message": "(#100) The value must be a valid insights metric"}})


def numbers(native: str, **metrics: Any) -> tuple[int, Any]:
    data = [{"name": name, "values": [{"value": value}]} for name, value in metrics.items()]
    node: dict[str, Any] = {"id": native, "comments": {"summary": {"total_count": 2}}}
    return 200, node | {"reactions": {"summary": {"total_count": 7}}, "insights": {"data": data}}


class TestMetrics:
    def receipts(self, *numbers: int) -> list[Receipt]:
        return [Receipt(OWN, f"{PAGE}_{number}", raw={"way": "feed"}) for number in numbers]

    async def test_one_request_for_many(self) -> None:
        rows = [numbers(f"{PAGE}_{n}", post_media_view=n) for n in range(50)]
        asking = call(batched(*rows))
        found = await asking.adapter.fetch_metrics(self.receipts(*range(50)), asking)
        assert [row.impressions for row in found] == list(range(50))
        (asked,) = asking.asked
        assert (asked.method, asked.path, asked.options["cost"]) == ("POST", "/v26.0/", 50)
        first = json.loads(asked.form["batch"])[0]
        assert first["relative_url"].startswith(f"{PAGE}_0?fields=id,shares,comments.limit(0)")
        assert "ids=" not in first["relative_url"]

    async def test_no_shares_are_none_and_no_numbers_are_unknown(self) -> None:
        asking = call(batched(numbers(f"{PAGE}_1")))
        (row,) = await asking.adapter.fetch_metrics(self.receipts(1), asking)
        assert (row.likes, row.comments, row.shares) == (7, 2, 0)
        assert row.impressions is None
        assert "no number yet" in row.missing["impressions"]

    async def test_a_bad_metric_costs_its_own_number_only(self) -> None:
        good = (200, {"data": []})
        again = [numbers(f"{PAGE}_{n}", post_media_view=5, post_clicks=3) for n in (1, 2)]
        asking = call(batched(BAD, BAD), batched(good, BAD, good), batched(*again))
        first, second = await asking.adapter.fetch_metrics(self.receipts(1, 2), asking)
        assert (first.impressions, second.clicks, second.likes) == (5, 3, 7)
        assert first.reach is None
        assert "valid insights metric" in first.missing["reach"]

    async def test_without_the_permission_the_counts_are_there(self) -> None:
        denied = (403, {"error": {"code": 200, "message": "(#200) Requires read_insights"}})
        asking = call(batched(denied), batched(denied, denied, denied), batched(numbers(f"{PAGE}_1")))
        (row,) = await asking.adapter.fetch_metrics(self.receipts(1), asking)
        assert (row.likes, row.error) == (7, None)
        assert "read_insights" in row.missing["reach"]

    async def test_one_that_is_gone_or_late_spoils_no_other(self) -> None:
        gone = (400, {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}})
        asking = call(batched(gone, None, numbers(f"{PAGE}_3")))
        first, second, third = await asking.adapter.fetch_metrics(self.receipts(1, 2, 3), asking)
        assert isinstance(first.error, errors.Declined)
        assert isinstance(second.error, errors.Unavailable)
        assert (third.error, third.likes) == (None, 7)

    async def test_an_id_that_is_none_is_not_asked_for(self) -> None:
        asking = call(batched(numbers(f"{PAGE}_1")))
        strange = Receipt(OWN, "1?fields=access_token")
        first, second = await asking.adapter.fetch_metrics([strange, *self.receipts(1)], asking)
        assert isinstance(first.error, errors.ConfigError)
        assert second.likes == 7


@pytest.mark.parametrize(
    ("reference", "native"),
    [
        (f"{PAGE}_7", f"{PAGE}_7"),
        ("41", "41"),
        (f"https://www.facebook.com/{PAGE}_7", f"{PAGE}_7"),
        (f"https://facebook.com/{PAGE}/posts/7/", f"{PAGE}_7"),
        ("https://m.facebook.com/brand/posts/7?ref=x", f"{PAGE}_7"),
        (f"https://www.facebook.com/permalink.php?story_fbid=7&id={PAGE}", f"{PAGE}_7"),
        ("https://www.facebook.com/reel/41/", "41"),
        ("https://www.facebook.com/brand/videos/41/", "41"),
        ("https://www.facebook.com/brand/videos/sea-trials/41/", "41"),
        ("https://www.facebook.com/watch/?v=41", "41"),
        ("https://www.facebook.com/photo.php?fbid=31&set=a.1", "31"),
        ("https://www.facebook.com/photo/?fbid=31", "31"),
        ("https://www.facebook.com/brand/photos/a.12/31/", "31"),
        ("https://www.facebook.com/brand/photos/31", "31"),
        ("https://www.facebook.com/photo/", None),
        (f"https://www.facebook.com/{PAGE}/posts/7?comment_id=8", "7_8"),
        ("https://www.facebook.com/brand/posts/pfbid02x", None),
        ("https://www.facebook.com/brand", None),
        ("https://example.com/41", None),
        ("https://www.facebook.com/watch/", None),
        ("7/../8", None),
    ],
)
def test_the_id_a_reference_holds(reference: str, native: str | None) -> None:
    assert id_in(reference, OWN) == native


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("https://www.facebook.com/reel/41", True),
        ("http://web.facebook.com/x/posts/1", True),
        ("https://www.facebook.com/", False),
        ("https://facebook.com.example.com/reel/41", False),
        ("https://[", False),
        ("41", False),
    ],
)
def test_whose_permalink_it_is(url: str, ours: bool) -> None:
    assert is_permalink(url) is ours


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_reference_breaks_it(path: str, query: str) -> None:
    found = id_in(f"https://www.facebook.com/{path}?{query}", OWN)
    assert found is None or found.replace("_", "").isdigit()


class TestCheck:
    """Where something stands that Facebook took and does not show yet."""

    due = NOW + timedelta(hours=1)

    async def look(self, way: str, *answers: Any, late: int = 0, **raw: Any) -> Any:
        looking = call(*answers, now=self.due + timedelta(seconds=late))
        sent = base.Sent("41", status=Status.SCHEDULED, missing=("x",), raw={"way": way, **raw})
        return await looking.adapter.check(sent, looking)

    async def test_a_video_that_is_due_and_not_live_is_in_the_works(self) -> None:
        busy = answer({"id": "41", "status": {"processing_phase": {"status": "in_progress"}}})
        due = int(self.due.timestamp())
        early = await self.look("reel", busy, due=due, late=-60)
        assert (early.status, early.look_again_at) == (Status.SCHEDULED, self.due)
        late = await self.look("reel", busy, due=due, late=60)
        assert (late.status, late.missing) == (Status.PROCESSING, ("x",))
        assert late.look_again_at > self.due + timedelta(seconds=60)

    @pytest.mark.parametrize("way", ["video", "reel", "video_story"])
    async def test_what_failed_was_dropped(self, way: str) -> None:
        told = answer({"id": "41", "status": {"video_status": "error"}})
        found = await self.look(way, told, media="41")
        assert isinstance(found, base.Absent)

    @pytest.mark.parametrize("way", ["video", "reel", "video_story", "feed"])
    async def test_what_is_gone_may_have_been_deleted(self, way: str) -> None:
        found = await self.look(way, refused(100, 33), media="41", due=int(self.due.timestamp()))
        assert (found.status, found.look_again_at) == (Status.SCHEDULED, None)
        assert found.missing[0] == "x"
        assert "deleted" in found.missing[1]

    async def test_a_story_is_live_once_it_is_processed(self) -> None:
        busy = answer({"id": "31", "status": {"processing_phase": {"status": "in_progress"}}})
        assert (await self.look("video_story", busy, media="31")).status is Status.PROCESSING
        done = answer({"id": "31", "status": {"video_status": "ready"}})
        stories = listed(
            {"post_id": "40", "url": "https://www.facebook.com/a"},
            {"post_id": "41", "url": "https://www.facebook.com/b"},
        )
        found = await self.look("video_story", done, stories, media="31")
        assert (found.status, found.url) == (Status.PUBLISHED, "https://www.facebook.com/b")

    async def test_what_was_sent_at_once_is_not_asked_about(self) -> None:
        assert (await self.look("photo_story")).status is Status.SCHEDULED

    async def test_another_refusal_tells_nothing(self) -> None:
        with pytest.raises(errors.MissingScope):
            await self.look("reel", refused(10))


class TestLists:
    async def test_a_video_that_is_listed_twice_is_one_post(self) -> None:
        clip = {"data": [{"media_type": "video", "target": {"id": "41"}}]}
        film = shown(1, "Film") | {"attachments": clip}
        reel = {
            "id": "41",
            "description": "Film",
            "created_time": film["created_time"],
            "post_id": film["id"],
        }
        draft = reel | {"id": "42", "published": False}
        late = shown(2, "Late", at=NOW + timedelta(hours=1))
        listing = call(listed(late, film, shown(3, "Text")), listed(reel, draft))
        until = NOW + timedelta(minutes=1)
        posts = listing.adapter.fetch_posts(listing, since=None, until=until, limit=9)
        assert [one.id async for one in posts] == ["41", f"{PAGE}_3"]
        assert [one.params["until"] for one in listing.asked] == [str(int(until.timestamp()) + 1)] * 2

    async def test_what_is_older_is_not_asked_for(self) -> None:
        old = shown(1, at=NOW - timedelta(hours=1))
        listing = call(listed(shown(2), old), listed())
        posts = listing.adapter.fetch_posts(listing, since=NOW, until=None, limit=500)
        assert [one.id async for one in posts] == [f"{PAGE}_2"]
        assert {one.params["limit"] for one in listing.asked} == {"100"}
        assert {one.params["since"] for one in listing.asked} == {str(int(NOW.timestamp()))}


class TestDelete:
    async def test_what_cannot_be_read_is_gone(self) -> None:
        deleting = call(refused(100, 33), refused(100, 33))
        await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)
        assert [one.step for one in deleting.asked] == ["attach", "read"]

    async def test_what_is_still_there_is_not(self) -> None:
        deleting = call(refused(100, 33), answer({"id": f"{PAGE}_1"}))
        with pytest.raises(errors.Declined):
            await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)

    async def test_what_may_not_be_asked_for_is_not_gone(self) -> None:
        deleting = call(refused(100, 33), refused(100, words="(#100) Tried accessing nonexisting field (id)"))
        with pytest.raises(errors.Declined):
            await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)

    async def test_a_story_goes_by_the_id_of_its_post(self) -> None:
        deleting = call(refused(100, 33), answer({"post_id": "51"}))
        with pytest.raises(errors.Declined):
            await deleting.adapter.delete(Receipt(OWN, "51", kind="story"), deleting)
        assert deleting.asked[1].params == {"fields": "post_id"}

    async def test_another_no_is_a_no(self) -> None:
        deleting = call(refused(200))
        with pytest.raises(errors.MissingScope):
            await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)

    async def test_a_bare_true_is_a_yes(self) -> None:
        deleting = call(answer(True))
        await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)
        deleting = call(answer({"success": False}))
        with pytest.raises(errors.OutcomeUnknown):
            await deleting.adapter.delete(Receipt(OWN, f"{PAGE}_1"), deleting)

    async def test_an_id_that_climbs_is_none(self) -> None:
        deleting = call()
        with pytest.raises(errors.ConfigError):
            await deleting.adapter.delete(Receipt(OWN, "../me/accounts"), deleting)


def test_usage_headers_close_the_pages_budget() -> None:
    busy = json.dumps({PAGE: [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 9}]})
    told = base.Response(400, {"x-business-use-case-usage": busy}, refused(80001).content, received_at=NOW)
    (reading,) = Facebook("t").read_limits(told)
    assert reading.name in {budget.name for budget in RULES.budgets}
    assert reading.resets_at == NOW + timedelta(minutes=9)
    assert Facebook("t").parse_error(told).__dict__["retry_at"] is None, "the reading says when"
    assert NOW.tzinfo is UTC


@pytest.mark.parametrize(
    ("used", "minutes", "closed"), [(94, 0, False), (95, 0, True), (20, 5, True), (100, 0, True)]
)
def test_where_minutes_are_told_there_is_no_room(used: int, minutes: int, closed: bool) -> None:
    row = {"type": "pages", "call_count": 1, "total_time": used, "estimated_time_to_regain_access": minutes}
    told = base.Response(200, {"x-business-use-case-usage": json.dumps({PAGE: [row]})}, received_at=NOW)
    readings = Facebook("t").read_limits(told)
    assert bool(readings) is closed
    if readings:
        assert readings[0].resets_at == NOW + timedelta(minutes=minutes or 5)
