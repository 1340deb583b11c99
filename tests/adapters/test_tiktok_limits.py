"""TikTok's numbers, typed from its pages: sizes, durations, pixels, chunks, requests a minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media_files import mp4
from socialkit import Image, Post, Video, errors
from socialkit.adapters import base
from socialkit.adapters._tiktok_posts import chunks_of
from socialkit.adapters._tiktok_rules import RULES
from socialkit.adapters.tiktok import TikTok, TikTokOptions
from socialkit.flows.tiktok import FLOWS
from socialkit.sandbox import Sandbox
from socialkit.sandbox.tiktok_posts import WINDOWS

from .fakes import NOW
from .tiktok_samples import (
    CREATOR,
    PUBLISH_ID,
    URL,
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
    stored,
)

TAKES = Sandbox(["tiktok"]).tiktok
A_MINUTE = [
    ("POST", "/v2/post/publish/video/init/", 6),
    ("POST", "/v2/post/publish/inbox/video/init/", 6),
    ("POST", "/v2/post/publish/content/init/", 6),
    ("POST", "/v2/post/publish/creator_info/query/", 20),
    ("POST", "/v2/post/publish/status/fetch/", 30),
    ("GET", "/v2/user/info/", 600),
    ("POST", "/v2/video/list/", 600),
    ("POST", "/v2/video/query/", 600),
]


class TestRates:
    @pytest.mark.parametrize(("method", "path", "limit"), A_MINUTE)
    def test_a_minute(self, method: str, path: str, limit: int) -> None:
        (own,) = [one for one in RULES.budgets if one.match == f"{method} {path}"]
        assert (own.limit, own.window, own.cost, own.level) == (limit, 60.0, 1, "endpoint")
        (theirs,) = [one for one in WINDOWS if one.match == f"{method} {path}"]
        assert (theirs.limit, theirs.seconds, theirs.aligned) == (limit, 60.0, False)

    def test_there_are_no_others(self) -> None:
        assert len(RULES.budgets) == len(WINDOWS) == len(A_MINUTE)

    def test_the_numbers_of_posts_come_by_twenty(self) -> None:
        assert RULES.metrics_batch == 20

    def test_a_refresh_token_is_sent_once(self) -> None:
        assert TikTok.rotation == FLOWS[0].rotation == "strict"

    def test_the_seventh_init_of_a_minute_waits(self) -> None:
        with Sandbox(["tiktok"]) as box, box.client(store=":memory:") as client:
            began = box.clock.now()
            for number in range(7):
                post = Post(f"{number}", media=[Video(mp4(), alt="a")], visibility="private")
                assert client.publish(post, to="tiktok").ok
            assert (box.clock.now() - began).total_seconds() >= 60
            assert {one.status for one in box.requests} <= {200, 201}


class TestChunks:
    """One chunk up to 64,000,000 bytes; then 10,000,000 each, and what is over rides on the last one."""

    @pytest.mark.parametrize(
        ("size", "chunk", "count", "last"),
        [
            (1, 1, 1, 1),
            (4_999_999, 4_999_999, 1, 4_999_999),
            (5_000_000, 5_000_000, 1, 5_000_000),
            (12_000_000, 12_000_000, 1, 12_000_000),
            (64_000_000, 64_000_000, 1, 64_000_000),
            (64_000_001, 10_000_000, 6, 14_000_001),
            (67_108_864, 10_000_000, 6, 17_108_864),
            (69_999_999, 10_000_000, 6, 19_999_999),
            (70_000_000, 10_000_000, 7, 10_000_000),
            (1 << 30, 10_000_000, 107, 13_741_824),
            (4_000_000_000, 10_000_000, 400, 10_000_000),
        ],
    )
    def test_edges(self, size: int, chunk: int, count: int, last: int) -> None:
        cut = chunks_of(size)
        assert (cut.chunk, cut.count, size - cut.last) == (chunk, count, last)

    @given(st.integers(1, 4_000_000_000))
    @example(64_000_001)
    @example(4_000_000_000)
    def test_the_sandbox_takes_every_size_as_it_is_cut(self, size: int) -> None:
        cut = chunks_of(size)
        TAKES._check_chunks(cut.size, cut.chunk, cut.count)

    @pytest.mark.parametrize(
        ("data", "mime"), [(mp4(), "video/mp4"), (mp4().replace(b"isom", b"qt  "), "video/quicktime")]
    )
    async def test_a_chunk_has_the_type_of_the_file_and_spends_no_budget(
        self, data: bytes, mime: str
    ) -> None:
        part = await part_of(clip(media=[Video(data)]))
        asking = call(opened(), stored(), complete(7))
        await asking.adapter.send(part, asking)
        put = asking.asked[1]
        assert (put.url, put.headers["content-type"]) == (URL, mime)
        assert put.options["cost"] == 0
        assert put.options["auth"] is False


class TestFormats:
    def test_bytes(self) -> None:
        assert RULES.images is not None
        assert RULES.video is not None
        assert (RULES.images.max_bytes, RULES.video.max_bytes) == (20_000_000, 4_000_000_000)
        assert RULES.images.types == {"image/jpeg", "image/webp"}
        assert RULES.video.types == {"video/mp4", "video/quicktime", "video/webm"}
        assert (RULES.images.max_side, RULES.images.max_pixels) == (1920, 1920 * 1080)

    @pytest.mark.parametrize(
        ("movie", "fine"),
        [
            ({"size": (360, 640)}, True),
            ({"size": (359, 640)}, False),
            ({"size": (4096, 2160)}, True),
            ({"size": (4097, 2160)}, False),
            ({"frames": 288, "seconds": 12.5}, True),
            ({"frames": 287, "seconds": 12.5}, False),
            ({"frames": 750, "seconds": 12.5}, True),
            ({"frames": 751, "seconds": 12.5}, False),
            ({"seconds": 600.0}, True),
            ({"seconds": 600.5}, False),
        ],
    )
    async def test_pixels_frames_and_seconds(self, movie: dict[str, Any], fine: bool) -> None:
        creator = ok(CREATOR | {"max_video_post_duration_sec": 3600})
        made = await planned(clip(media=[Video(mp4(**movie))]), creator)
        assert codes(made) == ([] if fine else [("media[0]", "range")])

    @pytest.mark.parametrize(
        ("codec", "fine"), [(b"avc1", True), (b"hvc1", True), (b"vp09", True), (b"av01", False)]
    )
    async def test_codecs(self, codec: bytes, fine: bool) -> None:
        made = await planned(clip(media=[Video(mp4().replace(b"avc1", codec))]))
        assert codes(made) == ([] if fine else [("media[0]", "codec")])

    async def test_photos_beyond_1080p_are_warned_about(self) -> None:
        from socialkit.contracts import _samples

        square = clip(media=[Image(_samples.jpeg(1200, 1100))])
        assert ("media[0]", "undocumented") in codes(await planned(square), "warning")
        assert ("media[0]", "undocumented") not in codes(
            await planned(clip(media=[Image(_samples.jpeg(1920, 1080))])), "warning"
        )

    async def test_the_focus_of_a_photo_is_not_carried(self) -> None:
        photo = Image.from_url("https://example.com/1.jpg", focus=(0.0, 0.5))
        assert ("media[0].focus", "not_carried") in changes(await planned(clip(media=[photo])))

    @pytest.mark.parametrize(
        ("title", "fine"), [("😀" * 45, True), ("😀" * 45 + "a", False), ("a" * 90, True), ("a" * 91, False)]
    )
    async def test_a_title_is_counted_in_utf_16(self, title: str, fine: bool) -> None:
        assert codes(await planned(album(title=title))) == ([] if fine else [("title", "too_long")])

    async def test_a_picture_that_moves_is_not_taken(self) -> None:
        from media_files import gif

        made = await planned(clip(media=[Image(gif(400, 400, frames=3))]))
        assert [field for field, _ in codes(made)] != []
        assert {field.partition("[")[0] for field, _ in codes(made)} == {"media"}

    @pytest.mark.parametrize("name", ["brand_content", "brand_organic"])
    @pytest.mark.parametrize("post", [clip, album])
    async def test_each_disclosure_is_its_own(self, name: str, post: Any) -> None:
        part = await part_of(post("Ahoy", TikTokOptions(privacy="PUBLIC_TO_EVERYONE", **{name: True})))
        told = {key: value for key, value in part.body["request"]["post_info"].items() if "brand" in key}
        both = {"brand_content_toggle": False, "brand_organic_toggle": False}
        assert told == both | {f"{name}_toggle": True}

    async def test_everything_chosen_that_the_inbox_leaves_out(self) -> None:
        options = TikTokOptions(
            mode="inbox",
            privacy="SELF_ONLY",
            disable_comment=True,
            disable_duet=True,
            disable_stitch=True,
            cover_timestamp_ms=1,
            auto_add_music=True,
            brand_content=True,
            brand_organic=True,
            is_aigc=True,
        )
        told = changes(await planned(clip(options=options), False))
        names = {field for field in vars_of(options) if field not in ("mode", "pull", "cover_index")}
        assert told == {("text", "not_carried"), *((f"options.{name}", "not_carried") for name in names)}


def vars_of(options: TikTokOptions) -> list[str]:
    import attrs

    return [field.name for field in attrs.fields(type(options))]


class TestOtherRefusals:
    def test_a_moment_that_is_named_is_kept(self) -> None:
        import attrs

        told = attrs.evolve(no("rate_limit_exceeded", 429), headers={"retry-after": "7"}, received_at=NOW)
        error = TikTok(token="t").parse_error(told)
        assert isinstance(error, errors.RateLimited)
        assert error.retry_at == NOW + timedelta(seconds=7)

    @pytest.mark.parametrize("answer", [no("invalid_params", 400), no("rate_limit_exceeded", 429)])
    async def test_only_who_cannot_post_is_a_warning(self, answer: base.Response) -> None:
        with pytest.raises(errors.PlatformError):
            await planned(clip(), answer)

    async def test_only_a_forgotten_publish_id_is_begun_anew(self) -> None:
        part = await part_of(clip())
        asking = call(
            no("token_not_authorized_for_specified_publish_id", 403), memory={"publish": PUBLISH_ID}
        )
        with pytest.raises(errors.Declined):
            await asking.adapter.send(part, asking)
        assert [one.step for one in asking.asked] == ["read"]
