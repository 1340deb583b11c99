"""TikTok: what is planned, sent in chunks, found again and read, in the words of its API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import mp4
from socialkit import ConfigError, Image, Post, Status, Video, errors
from socialkit.adapters import _tiktok_posts as posts
from socialkit.adapters import base
from socialkit.adapters._tiktok_posts import Seen, chunks_of, is_same_text, sent_of
from socialkit.adapters._tiktok_rules import DROPPED, RULES
from socialkit.adapters.tiktok import TikTok, TikTokOptions
from socialkit.model import Receipt
from socialkit.rules import ErrorRow

from .fakes import NOW, FakeCall, answer
from .tiktok_samples import (
    CREATOR,
    FACTS,
    OWN,
    PUBLISH_ID,
    URL,
    VIDEO,
    album,
    call,
    changes,
    clip,
    codes,
    complete,
    no,
    ok,
    opened,
    part_of,
    planned,
    status,
    stored,
)

BIG = 7412345678901234567
DAY = 86_400
RAW = {
    "mode": "direct",
    "kind": "video",
    "privacy": "PUBLIC_TO_EVERYONE",
    "name": "brand",
    "title": "",
    "since": NOW.isoformat(),
    "publish_id": PUBLISH_ID,
}


# --- who am I -----------------------------------------------------------------------------------------------
class TestAccount:
    async def test_who_the_token_belongs_to(self) -> None:
        asking = call(ok({"user": {"open_id": "-000abc", "union_id": "u", "display_name": "Brand"}}))
        facts = await asking.adapter.account(asking)
        assert facts.identity == OWN
        assert asking.asked[0].params == {"fields": "open_id,union_id,display_name"}
        fence = facts.fence("upload")
        assert fence is not None
        assert fence.honoured == "proved"
        assert fence.valid_for is not None
        assert fence.valid_for < 3600

    async def test_the_handle_is_asked_for_where_it_was_granted(self) -> None:
        scopes = ("user.info.basic", "user.info.profile")
        asking = call(
            ok({"user": {"open_id": "-000abc", "username": "brand"}}),
            credential=base.Credential("bearer", access_token="t", scopes=scopes),
        )
        facts = await asking.adapter.account(asking)
        assert facts.url == "https://www.tiktok.com/@brand"
        assert asking.asked[0].params["fields"].endswith(",username")

    async def test_an_answer_without_a_user(self) -> None:
        with pytest.raises(errors.Unavailable):
            await TikTok(token="t").account(call(ok({})))

    def test_a_refresh_token_needs_its_app(self) -> None:
        with pytest.raises(ConfigError, match="client_key"):
            TikTok(token="t", refresh_token="r")
        made = TikTok(token="t", refresh_token="r", client_key="k", client_secret="s3cret")
        assert (made.seed.kind, made.seed.client_id) == ("oauth2", "k")
        assert "s3cret" not in repr(made)


# --- plan ---------------------------------------------------------------------------------------------------
class TestPrivacy:
    async def test_there_is_no_default_and_the_options_are_listed(self) -> None:
        made = await planned(clip(visibility=None))
        (problem,) = [p for p in made.problems if p.severity == "error"]
        assert (problem.field, problem.code) == ("visibility", "required")
        assert "PUBLIC_TO_EVERYONE, MUTUAL_FOLLOW_FRIENDS, SELF_ONLY" in str(problem.hint)

    @pytest.mark.parametrize(
        ("visibility", "level"), [("public", "PUBLIC_TO_EVERYONE"), ("private", "SELF_ONLY")]
    )
    async def test_visibility_says_it_where_it_is_clear(self, visibility: str, level: str) -> None:
        part = await part_of(clip(visibility=visibility))
        assert part.body["request"]["post_info"]["privacy_level"] == level

    async def test_followers_are_for_private_accounts(self) -> None:
        private = ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
        part = await part_of(clip(visibility="followers"), ok(CREATOR | {"privacy_level_options": private}))
        assert part.body["request"]["post_info"]["privacy_level"] == "FOLLOWER_OF_CREATOR"
        made = await planned(clip(visibility="followers"))
        assert codes(made) == [("visibility", "privacy_level_option_mismatch")]

    async def test_the_option_says_it(self) -> None:
        part = await part_of(clip(options=TikTokOptions(privacy="MUTUAL_FOLLOW_FRIENDS")))
        assert part.body["request"]["post_info"]["privacy_level"] == "MUTUAL_FOLLOW_FRIENDS"

    async def test_two_different_answers_are_a_problem(self) -> None:
        post = clip(options=TikTokOptions(privacy="SELF_ONLY"), visibility="public")
        assert codes(await planned(post)) == [("visibility", "two_answers")]

    @pytest.mark.parametrize("visibility", ["unlisted", "direct"])
    async def test_no_other_visibility(self, visibility: str) -> None:
        assert ("visibility", "unsupported") in codes(await planned(clip(visibility=visibility)))


class TestCreator:
    async def test_it_is_asked_with_an_empty_body(self) -> None:
        asking = call(ok(CREATOR))
        from .fakes import plan

        await plan(asking.adapter, clip(), asking)
        (asked,) = asking.asked
        assert (asked.step, asked.path, asked.body) == ("read", "/v2/post/publish/creator_info/query/", b"")
        assert asked.headers["content-type"] == "application/json; charset=UTF-8"

    @pytest.mark.parametrize(
        "code",
        ["spam_risk_too_many_posts", "spam_risk_user_banned_from_posting", "reached_active_user_cap"],
    )
    async def test_who_cannot_post_now_is_a_warning_in_words(self, code: str) -> None:
        made = await planned(clip(), no(code, 200, "The creator reached a cap."))
        assert codes(made) == []
        (problem,) = [p for p in made.problems if p.field == "account"]
        assert (problem.severity, problem.code) == ("warning", code)
        assert "cannot post now: The creator reached a cap." in problem.message

    async def test_any_other_refusal_is_an_error_of_the_plan(self) -> None:
        with pytest.raises(errors.MissingScope):
            await planned(clip(), no("scope_not_authorized", 401))

    async def test_what_the_creator_switched_off_stays_off_and_is_told(self) -> None:
        off = {"comment_disabled": True, "stitch_disabled": True}
        made = await planned(clip(), ok(CREATOR | off))
        info = made.parts[0].body["request"]["post_info"]
        assert (info["disable_comment"], info["disable_duet"], info["disable_stitch"]) == (True, False, True)
        assert changes(made) == {
            ("options.disable_comment", "creator_setting"),
            ("options.disable_stitch", "creator_setting"),
        }

    async def test_a_video_longer_than_the_creator_may_post(self) -> None:
        long = clip(media=[Video(mp4(seconds=301))])
        assert ("media[0]", "range") in codes(await planned(long))
        assert codes(await planned(long, ok(CREATOR | {"max_video_post_duration_sec": 600}))) == []


class TestVideoPlan:
    async def test_the_body_is_that_of_the_documentation(self) -> None:
        options = TikTokOptions(privacy="SELF_ONLY", cover_timestamp_ms=1000)
        part = await part_of(clip("caption #tag @user", options))
        assert part.body["path"] == "/v2/post/publish/video/init/"
        assert part.body["request"] == {
            "post_info": {
                "title": "caption #tag @user",
                "privacy_level": "SELF_ONLY",
                "disable_duet": False,
                "disable_comment": False,
                "disable_stitch": False,
                "video_cover_timestamp_ms": 1000,
                "brand_content_toggle": False,
                "brand_organic_toggle": False,
                "is_aigc": False,
            }
        }

    async def test_every_option_of_a_video_arrives(self) -> None:
        options = TikTokOptions(
            privacy="PUBLIC_TO_EVERYONE",
            disable_comment=True,
            disable_duet=True,
            disable_stitch=True,
            brand_content=True,
            brand_organic=True,
            is_aigc=True,
        )
        made = await planned(clip(options=options))
        info = made.parts[0].body["request"]["post_info"]
        names = ("disable_comment", "disable_duet", "disable_stitch", "is_aigc")
        assert all(info[name] is True for name in (*names, "brand_content_toggle", "brand_organic_toggle"))
        assert (codes(made), changes(made)) == ([], set())

    @pytest.mark.parametrize(
        ("options", "field"),
        [
            (TikTokOptions(auto_add_music=True), "options.auto_add_music"),
            (TikTokOptions(cover_index=1), "options.cover_index"),
        ],
    )
    async def test_what_only_photos_have_is_told(self, options: TikTokOptions, field: str) -> None:
        assert (field, "not_carried") in changes(await planned(clip(options=options)))

    async def test_a_paid_partnership_is_not_private(self) -> None:
        post = clip(options=TikTokOptions(privacy="SELF_ONLY", brand_content=True))
        assert codes(await planned(post)) == [("options.brand_content", "private")]

    @pytest.mark.parametrize(("moment", "fine"), [(0, True), (12_500, True), (12_501, False), (-1, False)])
    async def test_the_cover_is_in_the_video(self, moment: int, fine: bool) -> None:
        made = await planned(clip(options=TikTokOptions(cover_timestamp_ms=moment)))
        assert (codes(made) == []) is fine

    async def test_a_caption_is_counted_in_utf_16(self) -> None:
        assert codes(await planned(clip("😀" * 1100))) == []
        made = await planned(clip("😀" * 1100 + "a"))
        assert codes(made) == [("text", "too_long")]

    async def test_link_and_tags_stand_in_the_caption_and_a_title_does_not(self) -> None:
        made = await planned(clip(link="https://example.com/a", tags=["sea"], title="News"))
        assert made.parts[0].body["request"]["post_info"]["title"] == "Ahoy\n\nhttps://example.com/a\n\n#sea"
        assert ("title", "not_carried") in changes(made)

    async def test_alt_text_is_not_carried(self) -> None:
        made = await planned(clip(media=[attrs.evolve(VIDEO, alt="The boat")]))
        assert ("media[0].alt", "not_carried") in changes(made)

    async def test_short_videos_are_warned_about(self) -> None:
        made = await planned(clip(media=[Video(mp4(seconds=2.0))]))
        assert codes(made) == []
        assert ("media[0]", "undocumented") in codes(made, "warning")

    async def test_a_medium_is_needed(self) -> None:
        made = await planned(Post("Ahoy", visibility="public"), False)
        assert ("media", "required") in codes(made)

    async def test_one_video_or_photos(self) -> None:
        photo = Image.from_url("https://example.com/1.jpg")
        assert ("media", "mixed") in codes(await planned(clip(media=[VIDEO, photo])))
        assert ("media", "count") in codes(await planned(clip(media=[VIDEO, VIDEO])))

    def test_picture_codecs(self) -> None:
        item = base.PartMedia("video", "video/mp4", 1, "d", "bytes", codecs=("av1", "aac"))
        told: list[tuple[str, str]] = []

        class Notes:
            def problem(self, field: str, code: str, message: str, **_: Any) -> None:
                told.append((field, code))

        from socialkit.adapters._tiktok_plan import _check_video

        _check_video(Notes(), item, {}, "media[0]")  # type: ignore[arg-type]
        assert told == [("media[0]", "codec")]


class TestPhotoPlan:
    async def test_the_body_is_that_of_the_documentation(self) -> None:
        options = TikTokOptions(privacy="PUBLIC_TO_EVERYONE", auto_add_music=True, cover_index=1)
        part = await part_of(album("Four days at sea", options, title="The boat"))
        assert part.body["path"] == "/v2/post/publish/content/init/"
        assert part.body["cover"] == {"photo_cover_index": 1}
        assert part.body["request"] == {
            "media_type": "PHOTO",
            "post_mode": "DIRECT_POST",
            "post_info": {
                "title": "The boat",
                "description": "Four days at sea",
                "privacy_level": "PUBLIC_TO_EVERYONE",
                "disable_comment": False,
                "auto_add_music": True,
                "brand_content_toggle": False,
                "brand_organic_toggle": False,
            },
        }

    async def test_title_and_description_have_limits_of_their_own(self) -> None:
        assert codes(await planned(album("a" * 4000, title="t" * 90))) == []
        assert codes(await planned(album("a" * 4001, title="t" * 91))) == [
            ("text", "too_long"),
            ("title", "too_long"),
        ]

    async def test_how_many(self) -> None:
        assert codes(await planned(album(count=35))) == []
        assert codes(await planned(album(count=36))) == [("media", "count")]

    @pytest.mark.parametrize(
        ("url", "code"),
        [("https://example.com/a.png", "type"), ("http://example.com/a.jpg", "not_https")],
    )
    async def test_what_tiktok_would_not_fetch(self, url: str, code: str) -> None:
        assert codes(await planned(clip(media=[Image.from_url(url)]))) == [("media[0]", code)]

    async def test_the_cover_is_one_of_them(self) -> None:
        assert codes(await planned(album(options=TikTokOptions(cover_index=2)))) == [
            ("options.cover_index", "range")
        ]

    async def test_what_only_videos_have_is_told(self) -> None:
        options = TikTokOptions(disable_duet=True, disable_stitch=True, cover_timestamp_ms=5, pull=True)
        names = ("disable_duet", "disable_stitch", "cover_timestamp_ms", "pull")
        assert changes(await planned(album(options=options))) == {
            (f"options.{n}", "not_carried") for n in names
        }

    async def test_the_ai_label_of_photos_is_undocumented_and_sent(self) -> None:
        made = await planned(album(options=TikTokOptions(is_aigc=True)))
        assert made.parts[0].body["request"]["post_info"]["is_aigc"] is True
        assert ("options.is_aigc", "undocumented") in codes(made, "warning")


class TestInboxPlan:
    async def test_a_video_goes_without_words_and_that_is_told(self) -> None:
        options = TikTokOptions(mode="inbox", privacy="SELF_ONLY", disable_comment=True, is_aigc=True)
        made = await planned(clip(options=options), False)
        assert made.parts[0].body["path"] == "/v2/post/publish/inbox/video/init/"
        assert (made.parts[0].body["request"], made.parts[0].text) == ({}, "")
        told = {"text", "options.privacy", "options.disable_comment", "options.is_aigc"}
        assert changes(made) == {(field, "not_carried") for field in told}

    async def test_photos_keep_their_words(self) -> None:
        made = await planned(album("Words", TikTokOptions(mode="inbox"), title="T"), False)
        assert made.parts[0].body["request"] == {
            "media_type": "PHOTO",
            "post_mode": "MEDIA_UPLOAD",
            "post_info": {"title": "T", "description": "Words"},
        }
        assert changes(made) == {("visibility", "not_carried")}

    @pytest.mark.parametrize(
        ("scopes", "told"),
        [((), []), (("video.upload",), []), (("video.publish",), [("options.mode", "scope")])],
    )
    async def test_the_inbox_needs_its_scope(self, scopes: tuple[str, ...], told: list[Any]) -> None:
        from .fakes import plan

        asking = call()
        asking._facts = attrs.evolve(FACTS, scopes=scopes)
        assert codes(await plan(asking.adapter, clip(options=TikTokOptions(mode="inbox")), asking)) == told

    async def test_there_is_no_third_mode(self) -> None:
        options = TikTokOptions(mode="draft")  # type: ignore[arg-type]
        assert ("options.mode", "unknown") in codes(await planned(clip(options=options), unread=True))


# --- chunks -------------------------------------------------------------------------------------------------
class TestChunks:
    def test_the_worked_example(self) -> None:
        cut = posts.Chunks(50_000_123, 10_000_000, 50_000_123 // 10_000_000)
        starts = [n * cut.chunk for n in range(cut.count)]
        assert [cut.end_of(start) - start for start in starts] == [10_000_000] * 4 + [10_000_123]

    @given(st.integers(1, 4_000_000_000))
    def test_every_size_is_cut_as_tiktok_wants_it(self, size: int) -> None:
        cut = chunks_of(size)
        assert cut.count == max(1, cut.size // cut.chunk)
        assert 1 <= cut.count <= 1000
        if size <= 64_000_000:
            assert (cut.count, cut.chunk) == (1, size)
        else:
            assert 5_000_000 <= cut.chunk <= 64_000_000
            assert cut.count == size // cut.chunk > 1
        at, lengths = 0, []
        while at < size:
            lengths.append(cut.end_of(at) - at)
            at = cut.end_of(at)
        assert sum(lengths) == size
        assert len(lengths) == cut.count
        assert set(lengths[:-1]) <= {cut.chunk}
        assert cut.size - cut.last == lengths[-1] <= 128_000_000

    @given(st.integers(64_000_001, 4_000_000_000), st.data())
    def test_a_resume_ends_where_the_chunk_ends(self, size: int, data: st.DataObject) -> None:
        cut = chunks_of(size)
        at = data.draw(st.integers(0, size - 1))
        stop = cut.end_of(at)
        assert at < stop <= size
        assert stop == size or stop % cut.chunk == 0

    @pytest.mark.parametrize(
        ("header", "at"),
        [
            ("bytes 0-10/31", 10),
            ("bytes 0-9/31", 10),
            ("bytes 0-20/31", 20),
            ("bytes 0-31/31", 31),
            ("bytes 0-30/31", 31),
            ("bytes 0-4/31", None),
            ("", None),
            (None, None),
        ],
    )
    def test_how_far_the_server_says_it_is(self, header: str | None, at: int | None) -> None:
        assert posts.Chunks(31, 10, 3).told(header) == at


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 1000 bytes, so that a small video has several."""
    monkeypatch.setattr(posts, "WHOLE", 1999)
    monkeypatch.setattr(posts, "CHUNK", 2000)


def ranges(asking: FakeCall) -> list[tuple[str, str]]:
    return [
        (one.step, one.headers["content-range"].removeprefix("bytes "))
        for one in asking.asked
        if one.method == "PUT"
    ]


class TestUpload:
    async def test_one_chunk_and_it_is_the_commit(self) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        asking = call(opened(), stored(), complete(BIG))
        sent = await asking.adapter.send(part, asking)
        init, put, look = asking.asked
        assert (init.step, put.step, look.step) == ("prepare", "commit", "read")
        assert init.json["source_info"] == {
            "source": "FILE_UPLOAD",
            "video_size": size,
            "chunk_size": size,
            "total_chunk_count": 1,
        }
        assert (put.url, put.headers["content-type"]) == (URL, "video/mp4")
        assert "authorization" not in put.headers
        assert put.headers["content-range"] == f"bytes 0-{size - 1}/{size}"
        assert put.options["fence"].kind == "upload"
        assert look.json == {"publish_id": PUBLISH_ID}
        assert (sent.id, sent.status) == (str(BIG), Status.PUBLISHED)
        assert sent.url == f"https://www.tiktok.com/@brand/video/{BIG}"
        assert sent.raw["publish_id"] == PUBLISH_ID

    async def test_several_chunks_in_order_the_last_one_is_the_commit(self, small: None) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        asking = call(opened(), stored(206), stored(), complete(BIG))
        await asking.adapter.send(part, asking)
        source = asking.asked[0].json["source_info"]
        assert (source["chunk_size"], source["total_chunk_count"]) == (2000, size // 2000)
        assert ranges(asking) == [("prepare", f"0-1999/{size}"), ("commit", f"2000-{size - 1}/{size}")]

    async def test_the_ids_are_kept_before_bytes_move_and_the_url_is_secret(self) -> None:
        part = await part_of(clip())
        kept: list[dict[str, Any]] = []

        def lose(asked: Any) -> base.Response:
            kept.append(dict(asking.memory))
            raise errors.OutcomeUnknown("lost")

        asking = call(opened(), lose)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)
        assert kept[0]["publish"] == PUBLISH_ID
        assert kept[0]["upload"]["url"] == URL
        assert asking.secrets == {"upload"}

    async def test_it_goes_on_where_tiktok_says_it_is(self, small: None) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        memory = {"publish": PUBLISH_ID, "upload": session()}
        told = status("PROCESSING_UPLOAD", uploaded_bytes="2000")
        asking = call(told, stored(), complete(BIG), memory=memory)
        await asking.adapter.send(part, asking)
        assert ranges(asking) == [("commit", f"2000-{size - 1}/{size}")]

    @pytest.mark.parametrize("told", ["bytes 0-2000/{size}", "bytes 0-1999/{size}", None])
    async def test_a_chunk_that_does_not_fit_is_realigned(self, small: None, told: str | None) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        more = [] if told else [status("PROCESSING_UPLOAD", uploaded_bytes=2000)]
        stray = stored(416, told.format(size=size) if told else None)
        asking = call(opened(), stray, *more, stored(), complete(BIG))
        await asking.adapter.send(part, asking)
        assert ranges(asking)[-1] == ("commit", f"2000-{size - 1}/{size}")

    async def test_a_server_that_never_agrees(self, small: None) -> None:
        part = await part_of(clip())
        told = [stored(416), status("PROCESSING_UPLOAD", uploaded_bytes=0)] * 4
        asking = call(opened(), *told)
        with pytest.raises(errors.Declined, match="do not agree"):
            await asking.adapter.send(part, asking)

    @pytest.mark.parametrize("dead", [403, 404])
    async def test_a_dead_upload_begins_anew(self, small: None, dead: int) -> None:
        part = await part_of(clip())
        memory = {"publish": PUBLISH_ID, "upload": session()}
        asking = call(
            status("PROCESSING_UPLOAD", uploaded_bytes=0),
            stored(dead),
            opened("v_pub_file~v2-1.456"),
            stored(206),
            stored(),
            complete(BIG),
            memory=memory,
        )
        sent = await asking.adapter.send(part, asking)
        assert sent.raw["publish_id"] == "v_pub_file~v2-1.456"

    @pytest.mark.parametrize("more", [{"until": NOW.timestamp() - 1}, {"dead": True}])
    async def test_an_old_upload_begins_anew(self, more: dict[str, Any]) -> None:
        part = await part_of(clip())
        memory = {"publish": PUBLISH_ID, "upload": session(**more)}
        waits = status("PROCESSING_UPLOAD", uploaded_bytes=0)
        asking = call(waits, opened(), stored(), complete(BIG), memory=memory)
        await asking.adapter.send(part, asking)
        assert [one.path for one in asking.asked if one.step == "prepare"] == ["/v2/post/publish/video/init/"]

    async def test_nothing_begins_anew_while_the_last_chunk_may_have_arrived(self) -> None:
        part = await part_of(clip())
        memory = {"publish": PUBLISH_ID, "upload": session(until=NOW.timestamp() - 1)}
        asking = call(status("PROCESSING_UPLOAD", uploaded_bytes=0), memory=memory, lost=True)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)

    @pytest.mark.parametrize("refusal", [400, 403, 404])
    async def test_a_refused_last_chunk_published_nothing(self, refusal: int) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(refusal))
        with pytest.raises(errors.Declined) as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.__dict__["definite"] is True
        assert asking.memory["upload"]["dead"] is True

    async def test_a_refusal_after_a_lost_last_chunk_proves_nothing(self) -> None:
        part = await part_of(clip())
        memory = {"publish": PUBLISH_ID, "upload": session()}
        waits = status("PROCESSING_UPLOAD", uploaded_bytes=0)
        asking = call(waits, stored(404), memory=memory, lost=True)
        with pytest.raises(errors.Declined):
            await asking.adapter.send(part, asking)
        assert asking.memory["upload"]["dead"] is False

    async def test_a_server_error_on_the_last_chunk_is_not_definite(self) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(503))
        with pytest.raises(errors.Unavailable) as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.__dict__["definite"] is False

    @pytest.mark.parametrize("code", [206, 416])
    async def test_a_last_chunk_that_is_not_the_last_for_tiktok(self, code: int) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(code), status("PROCESSING_UPLOAD", uploaded_bytes=10))
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)
        asking = call(opened(), stored(code), no("internal_error", 500))
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)
        asking = call(opened(), stored(code), complete(BIG), complete(BIG))
        assert (await asking.adapter.send(part, asking)).id == str(BIG)

    async def test_what_is_already_there_is_not_sent_again(self) -> None:
        part = await part_of(clip())
        asking = call(complete(BIG), memory={"publish": PUBLISH_ID, "upload": session()}, lost=True)
        assert (await asking.adapter.send(part, asking)).id == str(BIG)
        assert [one.step for one in asking.asked] == ["read"]

    @pytest.mark.parametrize("earlier", [status("FAILED", fail_reason="internal"), no("invalid_publish_id")])
    async def test_what_was_dropped_is_sent_anew(self, earlier: base.Response) -> None:
        part = await part_of(clip())
        memory = {"publish": "v_pub_file~v2-1.1", "upload": session()}
        asking = call(earlier, opened(), stored(), complete(BIG), memory=memory)
        sent = await asking.adapter.send(part, asking)
        assert sent.raw["publish_id"] == PUBLISH_ID

    @pytest.mark.parametrize("odd", [ok({}), ok({"publish_id": "p"}), ok({"upload_url": URL})])
    async def test_an_init_without_its_ids(self, odd: base.Response) -> None:
        part = await part_of(clip())
        with pytest.raises(errors.Unavailable, match="no upload"):
            await TikTok(token="t").send(part, call(odd))

    async def test_an_inbox_upload_is_handed_over(self) -> None:
        part = await part_of(clip(options=TikTokOptions(mode="inbox")), False)
        asking = call(opened("v_inbox_file~v2.1"), stored(), status("SEND_TO_USER_INBOX"))
        sent = await asking.adapter.send(part, asking)
        assert (sent.status, sent.id) == (Status.HANDED_OVER, None)
        assert asking.asked[0].json.keys() == {"source_info"}


def session(**more: Any) -> dict[str, Any]:
    return {"id": PUBLISH_ID, "url": URL, "until": NOW.timestamp() + 3000, "dead": False, **more}


class TestPull:
    async def test_photos_are_published_by_the_first_request(self) -> None:
        part = await part_of(album(options=TikTokOptions(cover_index=1)))
        asking = call(ok({"publish_id": "p_pub_url~v2.7"}), complete(BIG))
        sent = await asking.adapter.send(part, asking)
        init, look = asking.asked
        assert (init.step, look.step) == ("commit", "read")
        assert init.json["source_info"] == {
            "source": "PULL_FROM_URL",
            "photo_cover_index": 1,
            "photo_images": ["https://example.com/0.jpg", "https://example.com/1.jpg"],
        }
        assert sent.url == f"https://www.tiktok.com/@brand/photo/{BIG}"
        assert asking.memory["publish"] == "p_pub_url~v2.7"

    async def test_a_pulled_video_has_only_its_address(self) -> None:
        part = await part_of(clip(options=TikTokOptions(pull=True)))
        asking = call(ok({"publish_id": "v_pub_url~v2.7"}), complete(BIG))
        await asking.adapter.send(part, asking)
        assert asking.asked[0].step == "commit"
        source = asking.asked[0].json["source_info"]
        assert source.keys() == {"source", "video_url"}
        assert source["video_url"].startswith("https://files.example.com/")

    async def test_an_answer_without_an_id_is_no_refusal(self) -> None:
        part = await part_of(album())
        with pytest.raises(KeyError):
            await TikTok(token="t").send(part, call(ok({})))

    async def test_what_is_known_of_an_earlier_attempt_is_forgotten_before_the_next(self) -> None:
        part = await part_of(album())
        kept: list[Any] = []

        def lose(_: Any) -> base.Response:
            kept.append(asking.memory["publish"])
            raise errors.OutcomeUnknown("lost")

        asking = call(
            status("FAILED", fail_reason="photo_pull_failed"), lose, memory={"publish": "p_pub_url~v2.1"}
        )
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)
        assert kept == [None]


class TestAfterTheCommit:
    @pytest.mark.parametrize(
        "trouble", [no("access_token_invalid", 401), no("invalid_publish_id"), no("rate_limit_exceeded", 429)]
    )
    async def test_a_look_that_fails_is_no_failure_of_the_post(self, trouble: base.Response) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(), trouble)
        sent = await asking.adapter.send(part, asking)
        assert sent.status is Status.PROCESSING
        assert sent.raw["publish_id"] == PUBLISH_ID
        assert sent.look_again_at is not None
        assert [one.path for one in asking.asked].count("/v2/post/publish/video/init/") == 1

    @pytest.mark.parametrize("reason", [*DROPPED, "something_new", ""])
    async def test_what_tiktok_dropped_is_declined_with_its_reason(self, reason: str) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(), status("FAILED", fail_reason=reason))
        with pytest.raises(errors.Declined) as caught:
            await asking.adapter.send(part, asking)
        assert reason in str(caught.value)
        assert DROPPED.get(reason, "") in str(caught.value)

    async def test_it_is_looked_for_with_growing_waits(self) -> None:
        part = await part_of(clip())
        busy = status("PROCESSING_UPLOAD", uploaded_bytes=part.media[0].size)
        asking = call(opened(), stored(), busy, busy, busy, complete(BIG))
        await asking.adapter.send(part, asking)
        assert asking.waits == [5.0, 10.0, 15.0]

    async def test_check(self) -> None:
        told = base.Sent(None, status=Status.PROCESSING, raw=RAW)
        adapter = TikTok(token="t")
        assert (await adapter.check(told, call(complete(BIG)))).id == str(BIG)  # type: ignore[union-attr]
        dropped = await adapter.check(told, call(status("FAILED", fail_reason="duration_check_failed")))
        assert isinstance(dropped, base.Absent)
        assert "too short or too long" in dropped.evidence
        waiting = await adapter.check(told, call(status("PROCESSING_DOWNLOAD")))
        assert isinstance(waiting, base.Sent)
        assert waiting.status is Status.PROCESSING


class TestStatus:
    @pytest.mark.parametrize(
        ("answered", "id_"),
        [
            ({"publicaly_available_post_id": [BIG]}, str(BIG)),
            ({"publicly_available_post_id": [BIG]}, str(BIG)),
            ({"publicaly_available_post_id": [str(BIG)]}, str(BIG)),
            ({"publicaly_available_post_id": BIG}, str(BIG)),
            ({"publicaly_available_post_id": []}, None),
            ({"publicaly_available_post_id": [0]}, None),
            ({}, None),
        ],
    )
    def test_ids_are_big_numbers(self, answered: dict[str, Any], id_: str | None) -> None:
        assert posts.seen_in(status("PUBLISH_COMPLETE", **answered)).id == id_

    @pytest.mark.parametrize(("told", "count"), [(7, 7), ("7", 7), (None, None), ("", None), ("x", None)])
    def test_counters_may_be_texts(self, told: Any, count: int | None) -> None:
        assert posts.seen_in(status("PROCESSING_UPLOAD", uploaded_bytes=told)).uploaded == count

    @pytest.mark.parametrize("privacy", ["SELF_ONLY", "FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS"])
    def test_what_is_not_public_never_gets_an_id(self, privacy: str) -> None:
        sent = sent_of(Seen("PUBLISH_COMPLETE"), RAW | {"privacy": privacy}, NOW)
        assert (sent.status, sent.id, sent.url) == (Status.PUBLISHED, None, None)
        assert sent.missing == ("TikTok gives no id for posts that are not public",)

    @pytest.mark.parametrize(
        ("age", "again"), [(0, 10), (10, 10), (60, 30), (1000, 500), (3600, 900), (DAY - 1, 900)]
    )
    def test_a_public_post_is_looked_for_until_moderation_ends(self, age: float, again: float) -> None:
        now = NOW + timedelta(seconds=age)
        sent = sent_of(Seen("PUBLISH_COMPLETE"), RAW, now)
        assert sent.status is Status.PROCESSING
        assert sent.look_again_at == now + timedelta(seconds=again)

    def test_not_for_ever(self) -> None:
        sent = sent_of(Seen("PUBLISH_COMPLETE"), RAW, NOW + timedelta(seconds=DAY + 1))
        assert (sent.status, sent.id) == (Status.PUBLISHED, None)
        assert "moderation" in sent.missing[0]

    @pytest.mark.parametrize("state", ["PROCESSING_UPLOAD", "PROCESSING_DOWNLOAD", "SOMETHING_NEW", ""])
    def test_everything_else_is_still_on_its_way(self, state: str) -> None:
        assert sent_of(Seen(state), RAW, NOW).status is Status.PROCESSING


# --- find ---------------------------------------------------------------------------------------------------
def lost(part: base.Part, **more: Any) -> base.Lost:
    return base.Lost(part, NOW - timedelta(minutes=1), NOW + timedelta(minutes=5), **more)


def listed(*videos: dict[str, Any], **more: Any) -> base.Response:
    return ok({"videos": list(videos), "cursor": 0, "has_more": False, **more})


def shown(text: str = "Ahoy", at: datetime = NOW, post_id: Any = str(BIG)) -> dict[str, Any]:
    address = f"https://www.tiktok.com/@brand/photo/{post_id}?utm_campaign=a"
    return {
        "id": post_id,
        "create_time": int(at.timestamp()),
        "share_url": address,
        "video_description": text,
    }


class TestFind:
    async def test_an_upload_is_asked_for_by_its_id(self) -> None:
        part = await part_of(clip())
        asking = call(complete(BIG), memory={"publish": PUBLISH_ID})
        found = await asking.adapter.find(lost(part), asking)
        assert isinstance(found, base.Found)
        assert (found.sent.id, found.sent.raw["publish_id"]) == (str(BIG), PUBLISH_ID)

    @pytest.mark.parametrize(
        ("told", "kind"),
        [
            (status("PROCESSING_UPLOAD", uploaded_bytes=10), base.Absent),
            (status("PROCESSING_UPLOAD", uploaded_bytes=0), base.Absent),
            (status("FAILED", fail_reason="internal"), base.Absent),
            (status("PROCESSING_UPLOAD"), base.CannotTell),
            (status(""), base.CannotTell),
        ],
    )
    async def test_what_the_status_proves(self, told: base.Response, kind: type[Any]) -> None:
        part = await part_of(clip())
        assert isinstance(
            await TikTok(token="t").find(lost(part), call(told, memory={"publish": PUBLISH_ID})), kind
        )

    async def test_photos_are_looked_for_on_the_list(self) -> None:
        part = await part_of(album())
        asking = call(listed(shown(at=NOW + timedelta(hours=1)), shown("Other", post_id="1"), shown()))
        found = await asking.adapter.find(lost(part), asking)
        assert isinstance(found, base.Found)
        assert found.sent.id == str(BIG)
        assert found.sent.url == f"https://www.tiktok.com/@brand/photo/{BIG}"
        assert found.sent.published_at == NOW
        assert asking.asked[0].params["fields"].startswith("id,create_time,")
        assert asking.asked[0].json == {"max_count": 20}

    @pytest.mark.parametrize(
        "videos",
        [
            [],
            [shown(), shown(post_id="2")],
            [shown(at=NOW - timedelta(minutes=2))],
            [shown("Ahoy there")],
            [shown(post_id="99")],
        ],
    )
    async def test_the_list_never_proves_absence_and_never_guesses(self, videos: list[Any]) -> None:
        part = await part_of(album())
        finding = await TikTok(token="t").find(lost(part, claimed=frozenset({"99"})), call(listed(*videos)))
        assert isinstance(finding, base.CannotTell)

    @pytest.mark.parametrize(
        "post",
        [
            album(""),
            album(options=TikTokOptions(privacy="SELF_ONLY")),
        ],
    )
    async def test_what_cannot_be_told_apart_is_not_looked_for(self, post: Post) -> None:
        part = await part_of(post)
        assert isinstance(await TikTok(token="t").find(lost(part), call()), base.CannotTell)

    async def test_a_claimed_address_is_no_candidate(self) -> None:
        part = await part_of(album())
        claimed = frozenset({f"https://www.tiktok.com/@brand/photo/{BIG}"})
        finding = await TikTok(token="t").find(lost(part, claimed=claimed), call(listed(shown())))
        assert isinstance(finding, base.CannotTell)

    @pytest.mark.parametrize(
        ("seen", "title", "text", "same"),
        [
            ("Ahoy", "", "Ahoy", True),
            ("Ahoy  there", "", "Ahoy\nthere", True),
            ("Ahoy", "", "Ahoy there", False),
            ("The boat Ahoy", "The boat", "Ahoy", True),
            ("a" * 150, "", "a" * 300, True),
            ("a" * 149 + "…", "", "a" * 300, True),
            ("a" * 150, "", "a" * 149 + "b" * 20, False),
            ("a" * 100, "", "a" * 300, False),
        ],
    )
    def test_descriptions_are_cut(self, seen: str, title: str, text: str, same: bool) -> None:
        assert is_same_text(seen, title, text) is same


# --- read ---------------------------------------------------------------------------------------------------
class TestMetrics:
    async def test_numbers_and_gaps(self) -> None:
        counts = {"like_count": 5, "comment_count": 0, "share_count": 2, "view_count": 90}
        video = {"id": str(BIG), "create_time": int(NOW.timestamp()), **counts}
        asking = call(ok({"videos": [video, {"id": 8, "like_count": 1}]}))
        receipts = [Receipt(OWN, one) for one in (str(BIG), "7", PUBLISH_ID, "8")]
        rows = await asking.adapter.fetch_metrics(receipts, asking)
        assert asking.asked[0].json == {"filters": {"video_ids": [str(BIG), "7", "8"]}}
        assert "like_count" in asking.asked[0].params["fields"]
        first, gone, none, part = rows
        assert (first.likes, first.comments, first.shares, first.video_views) == (5, 0, 2, 90)
        assert first.published_at == NOW
        assert set(first.missing) == {"impressions", "reach", "quotes", "saves", "clicks", "watch_seconds"}
        assert isinstance(gone.error, errors.Declined)
        assert isinstance(none.error, ConfigError)
        assert (part.likes, part.video_views, part.missing["video_views"]) == (1, None, "TikTok did not say")

    async def test_no_ids_no_request(self) -> None:
        (row,) = await TikTok(token="t").fetch_metrics([Receipt(OWN, PUBLISH_ID)], call())
        assert row.error is not None

    async def test_the_account(self) -> None:
        user = {"follower_count": 12, "following_count": 3, "likes_count": 40, "video_count": 2}
        asking = call(ok({"user": user}))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.raw, row.missing) == (12, user, {})

    async def test_followers_that_are_not_told(self) -> None:
        row = await TikTok(token="t").fetch_account_metrics(call(ok({"user": {}})), since=None, until=None)
        assert (row.followers, row.missing) == (None, {"followers": "TikTok did not say"})


class TestPosts:
    async def test_page_after_page(self) -> None:
        first, second = shown(post_id="2"), shown(at=NOW - timedelta(days=2), post_id=1)
        asking = call(listed(first, cursor=1700, has_more=True), listed(second))
        made = [one async for one in asking.adapter.fetch_posts(asking, since=None, until=None, limit=9)]
        assert [one.id for one in made] == ["2", "1"]
        assert asking.asked[1].json["cursor"] == 1700

    async def test_between_two_moments(self) -> None:
        videos = [shown(at=NOW - timedelta(hours=hours), post_id=str(hours)) for hours in (0, 1, 2, 3)]
        asking = call(listed(*videos))
        since, until = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
        made = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=until, limit=9)]
        assert [one.id for one in made] == ["1", "2"]
        assert asking.asked[0].json["cursor"] == int((until.timestamp() + 1) * 1000)

    async def test_a_list_that_repeats_itself_ends(self) -> None:
        page = listed(shown(), cursor=5, has_more=True)
        asking = call(page, page)
        made = [one async for one in asking.adapter.fetch_posts(asking, since=None, until=None, limit=9)]
        assert len(made) == 2

    @pytest.mark.parametrize(
        ("reference", "id_"),
        [
            (f"https://www.tiktok.com/@brand/video/{BIG}", str(BIG)),
            (f"https://www.tiktok.com/@brand/photo/{BIG}?lang=en", str(BIG)),
            (f"https://m.tiktok.com/@brand/video/{BIG}/", str(BIG)),
            (str(BIG), str(BIG)),
            ("https://vm.tiktok.com/ZMabc/", None),
            ("https://nowhere.example.com/@brand/video/1", None),
            (PUBLISH_ID, None),
        ],
    )
    def test_references(self, reference: str, id_: str | None) -> None:
        assert posts.id_of(reference) == id_
        assert TikTok(token="t").owns(reference) is (id_ is not None and "://" in reference)

    async def test_resolve(self) -> None:
        asking = call(ok({"videos": [shown()]}))
        receipt = await asking.adapter.resolve(f"https://www.tiktok.com/@brand/photo/{BIG}", asking)
        assert (receipt.id, receipt.text, receipt.published_at) == (str(BIG), "Ahoy", NOW)
        with pytest.raises(ConfigError, match="no public post"):
            await asking.adapter.resolve("7", call(ok({"videos": []})))
        with pytest.raises(ConfigError, match="permalink or id"):
            await asking.adapter.resolve("https://vm.tiktok.com/ZMabc/", call())


# --- the wire -----------------------------------------------------------------------------------------------
ROWS = [
    (400, "invalid_params", errors.Declined, None),
    (400, "invalid_param", errors.Declined, None),
    (400, "scope_permission_missed", errors.MissingScope, None),
    (400, "invalid_file_upload", errors.Declined, None),
    (400, "app_version_check_failed", errors.Declined, None),
    (400, "invalid_publish_id", errors.Declined, None),
    (400, "publish_not_cancellable", errors.Declined, None),
    (401, "access_token_invalid", errors.ReauthNeeded, None),
    (401, "scope_not_authorized", errors.MissingScope, None),
    (403, "token_not_authorized_for_specified_publish_id", errors.Declined, None),
    (403, "spam_risk_too_many_posts", errors.RateLimited, DAY),
    (200, "spam_risk_too_many_posts", errors.RateLimited, DAY),
    (403, "spam_risk_user_banned_from_posting", errors.Declined, None),
    (200, "spam_risk_user_banned_from_posting", errors.Declined, None),
    (403, "spam_risk_too_many_pending_share", errors.RateLimited, DAY),
    (403, "reached_active_user_cap", errors.RateLimited, DAY),
    (200, "reached_active_user_cap", errors.RateLimited, DAY),
    (403, "unaudited_client_can_only_post_to_private_accounts", errors.Declined, None),
    (403, "url_ownership_unverified", errors.Declined, None),
    (403, "privacy_level_option_mismatch", errors.Declined, None),
    (404, "", errors.Declined, None),
    (405, "", errors.Declined, None),
    (429, "rate_limit_exceeded", errors.RateLimited, 60),
    (500, "internal_error", errors.Unavailable, None),
    (503, "", errors.Unavailable, None),
]


class TestErrors:
    @pytest.mark.parametrize(("http", "code", "kind", "wait"), ROWS)
    def test_every_row(
        self, http: int, code: str, kind: type[errors.SocialKitError], wait: int | None
    ) -> None:
        response = attrs.evolve(no(code, http, "No."), received_at=NOW)
        adapter = TikTok(token="t")
        error = adapter.parse_error(response)
        assert type(error) is kind
        assert adapter.says_no(response)
        details = error.__dict__
        assert details["code"] == (code or None)
        assert details["definite"] is (kind is not errors.Unavailable)
        assert details["refreshable"] is (code == "access_token_invalid")
        if isinstance(error, errors.PlatformError):
            assert error.request_id == "20261123ABC"
            assert error.retry_at == (NOW + timedelta(seconds=wait) if wait else None)

    def test_every_code_of_the_rules_is_in_the_table(self) -> None:
        assert {row.code for row in RULES.errors if row.code} == {code for _, code, _, _ in ROWS if code}
        assert all(isinstance(row, ErrorRow) for row in RULES.errors)

    def test_hints_say_what_to_do(self) -> None:
        adapter = TikTok(token="t")
        assert "verify the domain" in str(adapter.parse_error(no("url_ownership_unverified", 403)))
        unaudited = no("unaudited_client_can_only_post_to_private_accounts", 403)
        assert "set the account to private" in str(adapter.parse_error(unaudited))

    def test_an_unknown_no_inside_a_good_answer_proves_nothing(self) -> None:
        error = TikTok(token="t").parse_error(no("something_new", 200))
        assert isinstance(error, errors.Declined)
        assert error.__dict__["definite"] is False

    @pytest.mark.parametrize(
        ("body", "says_no"),
        [
            ({"data": {}, "error": {"code": "ok"}}, False),
            ({"data": {}, "error": {"code": "invalid_params"}}, True),
            ({"data": {}}, True),
            ({"error": "invalid_grant", "error_description": "x"}, True),
            ({"access_token": "act.1"}, False),
            ([], False),
        ],
    )
    def test_only_ok_is_a_yes(self, body: Any, says_no: bool) -> None:
        assert TikTok(token="t").says_no(answer(body)) is says_no

    def test_bytes_have_no_envelope(self) -> None:
        assert TikTok(token="t").says_no(stored(206)) is False

    def test_flat_errors_are_read(self) -> None:
        flat = answer({"error": "invalid_grant", "error_description": "expired", "log_id": "20"}, 400)
        assert TikTok(token="t").read_error(flat) == ("invalid_grant", "expired")


def test_the_window_of_time_is_utc() -> None:
    assert posts.posted_at({"create_time": 0}) == datetime(1970, 1, 1, tzinfo=UTC)
    assert posts.posted_at({}) is None
