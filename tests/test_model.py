"""The words: what a Post holds, how variants resolve, what a Report says of its outcomes."""

import io
import pickle
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from socialkit.adapters.base import Options
from socialkit.model import (
    SETTLED,
    Captions,
    File,
    Identity,
    Image,
    Link,
    Outcome,
    Poll,
    Post,
    Receipt,
    Remote,
    Report,
    Status,
    Video,
)

ME = Identity("mastodon", "https://example.social", "42", name="brand")


class TestMedia:
    def test_a_str_is_always_a_local_path(self):
        with pytest.raises(ValueError, match="from_url"):
            Image("https://example.com/hero.jpg")

    def test_from_url_is_the_only_way_to_a_url(self):
        image = Image.from_url("https://example.com/hero.jpg", alt="The boat")
        assert image.source == Remote("https://example.com/hero.jpg")
        assert image.alt == "The boat"
        with pytest.raises(ValueError, match="local path"):
            Image.from_url("hero.jpg")

    def test_a_path_object_becomes_its_text(self):
        assert Image(Path("pictures") / "hero.jpg").source == "pictures/hero.jpg"

    def test_bytes_and_files_do_not_spill_into_the_repr(self):
        assert "5 bytes" in repr(Image(b"12345"))
        assert "b'" not in repr(Image(b"12345"))
        assert "<file>" in repr(Video(io.BytesIO(b"x")))

    @pytest.mark.parametrize("focus", [(0, 2), (0.5,), ("a", "b"), 3])
    def test_focus_is_two_numbers_between_minus_one_and_one(self, focus):
        with pytest.raises(ValueError, match="focus"):
            Image("a.jpg", focus=focus)

    def test_focus_may_come_as_a_list(self):
        assert Image("a.jpg", focus=[0.5, -1]) == Image("a.jpg", focus=(0.5, -1))

    def test_an_image_is_no_file_even_with_the_same_source(self):
        assert Image("a") != File("a")

    def test_media_are_hashable_values(self):
        assert len({Image("a"), Image("a"), Image("b"), Video("v"), File("f")}) == 4

    def test_one_caption_needs_no_list(self):
        assert Video("v.mp4", captions=Captions("en.vtt", "en")).captions == (Captions("en.vtt", "en"),)


class TestPost:
    def test_is_frozen(self):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Post("hello").text = "bye"

    def test_one_medium_needs_no_list(self):
        assert Post("x", Image("a.jpg")).media == (Image("a.jpg"),)

    def test_a_link_may_be_a_str_and_tags_may_have_a_hash(self):
        post = Post("x", link="https://example.com", tags=["#sea", "boat"])
        assert post.link == Link("https://example.com")
        assert post.tags == ("sea", "boat")

    def test_text_is_a_str(self):
        with pytest.raises(TypeError, match="text is a str"):
            Post(None)

    def test_media_are_media(self):
        with pytest.raises(TypeError, match=r"media\[1\] is an Image, Video or File, not str"):
            Post("x", media=[Image("a.jpg"), "b.jpg"])

    def test_thread_parts_are_posts_without_threads_or_variants_of_their_own(self):
        with pytest.raises(TypeError, match=r"thread\[0\] is a Post"):
            Post("x", thread=["y"])
        with pytest.raises(ValueError, match="thread"):
            Post("x", thread=[Post("y", thread=[Post("z")])])
        with pytest.raises(ValueError, match="variants"):
            Post("x", thread=[Post("y").variant("sky", text="z")])

    def test_a_poll_without_options_is_left_to_the_plan(self):
        assert Post("x", poll=Poll([])).poll == Poll(())

    def test_is_hashable_and_pickles(self):
        post = Post("x", media=[Image("a.jpg")], poll=Poll(["a", "b"])).variant("sky", text="y")
        assert pickle.loads(pickle.dumps(post)) == post
        assert len({post, post}) == 1


class TestVariants:
    POST = Post("Everywhere", link="https://example.com")

    def test_account_beats_platform_beats_post(self):
        post = self.POST.variant("sky", text="account").variant("bluesky", text="platform", title="t")
        own, _ = post.resolve("sky", "bluesky")
        assert (own.text, own.title) == ("account", "t")
        assert post.resolve("other", "bluesky")[0].text == "platform"
        assert post.resolve("toots", "mastodon")[0].text == "Everywhere"

    def test_a_later_variant_adds_to_the_earlier_one(self):
        post = self.POST.variant("sky", text="a", title="t").variant("sky", text="b")
        own, _ = post.resolve("sky", "bluesky")
        assert (own.text, own.title) == ("b", "t")

    def test_none_clears_a_field_to_its_default(self):
        own, _ = self.POST.variant("sky", link=None, text=None, media=None).resolve("sky", "bluesky")
        assert (own.link, own.text, own.media) == (None, "", ())

    def test_values_are_kept_as_the_post_would_keep_them(self):
        variant = self.POST.variant("sky", link="https://example.org", media=Image("b.jpg")).variants[0]
        assert dict(variant.fields) == {"link": Link("https://example.org"), "media": (Image("b.jpg"),)}

    def test_a_wrong_field_or_value_is_refused_at_once(self):
        with pytest.raises(TypeError, match="no field txt"):
            self.POST.variant("sky", txt="a")
        with pytest.raises(TypeError, match="variants"):
            self.POST.variant("sky", variants=())
        with pytest.raises(TypeError, match="text is a str"):
            self.POST.variant("sky", text=3)

    def test_options_come_back_with_the_most_special_last(self):
        general, special = Options(), Options()
        post = self.POST.variant("sky", special).variant("bluesky", general)
        found = post.resolve("sky", "bluesky")[1]
        assert found[-1] is special

    def test_an_adapter_stands_for_its_platform(self):
        class Adapter:
            platform = "bluesky"

        assert self.POST.variant(Adapter, text="y").variants[0].target == "bluesky"

    def test_the_resolved_post_has_no_variants(self):
        assert self.POST.variant("sky", text="y").resolve("sky", "bluesky")[0].variants == ()


class TestReceipt:
    def test_identity_ignores_the_name(self):
        assert attrs.evolve(ME, name="renamed") == ME
        assert ME.key == "mastodon|https://example.social|42"

    def test_part_ids_begin_with_its_own(self):
        receipt = Receipt(ME, "1", parts=[Receipt(ME, "2"), Receipt(ME, None)])
        assert receipt.part_ids == ("1", "2", None)
        assert receipt.platform == "mastodon"


class TestReport:
    LIVE = Outcome("toots", "mastodon", "published", receipt=Receipt(ME, "1", url="https://example.social/1"))

    def report(self, *statuses):
        return Report("launch-1", [Outcome(f"a{n}", "x", status) for n, status in enumerate(statuses)])

    def test_is_a_mapping_from_account_to_outcome(self):
        report = Report("launch-1", [self.LIVE])
        assert report["toots"].url == "https://example.social/1"
        assert list(report) == ["toots"]
        assert len(report) == 1
        with pytest.raises(KeyError):
            report["sky"]

    @pytest.mark.parametrize("status", list(Status))
    def test_every_status_says_whether_something_is_live(self, status):
        live = {Status.PUBLISHED: True, Status.PARTIAL: True}
        live |= dict.fromkeys((Status.INVALID, Status.REFUSED, Status.FAILED), False)
        assert Outcome("a", "x", status).live is live.get(status), (
            "what the platform holds may appear any moment"
        )

    def test_failed_is_only_what_is_certainly_not_live(self):
        report = self.report(*Status)
        assert {o.status.value for o in report.failed.values()} == {"invalid", "refused", "failed"}

    def test_unsettled_is_what_may_still_change(self):
        report = self.report(*Status)
        found = {o.status for o in report.unsettled.values()}
        assert found == {Status.UNKNOWN, Status.PROCESSING, Status.PARTIAL}
        assert not found & SETTLED

    def test_ok_needs_every_account(self):
        assert self.report("published", "scheduled", "processing", "handed_over").ok
        assert not self.report("published", "unknown").ok

    def test_replayed_when_this_call_sent_nothing(self):
        assert Report("k", [attrs.evolve(self.LIVE, replayed=True)]).replayed
        assert not Report("k", [self.LIVE, attrs.evolve(self.LIVE, account="b", replayed=True)]).replayed
        assert not Report("k", []).replayed

    def test_receipts_leave_out_accounts_without_one(self):
        assert Report("k", [self.LIVE, Outcome("sky", "bluesky", "failed")]).receipts == (self.LIVE.receipt,)

    def test_an_unknown_status_is_refused(self):
        with pytest.raises(ValueError, match="lost"):
            Outcome("a", "x", "lost")

    def test_pickles(self):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        report = Report("k", [attrs.evolve(self.LIVE, look_again_at=at)])
        assert pickle.loads(pickle.dumps(report)).outcomes == report.outcomes
