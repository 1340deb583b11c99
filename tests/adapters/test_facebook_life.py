"""Facebook, from the plan to the timeline of the sandbox: every kind of post, and what becomes of a lost answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from media_files import mp4, png
from recording import Recorder
from socialkit import Captions, Client, Image, Post, Status, Video, errors
from socialkit.adapters.facebook import Facebook
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

PAGE = "245628824887810"
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"
BOAT, SEA = Image(png(), alt="A boat"), Image(png(4, 4), alt="The sea")
CLIP = Video(mp4(seconds=5.0, data=3_000_000))
UPRIGHT = Video(mp4(seconds=5.0, size=(1080, 1920), data=3_000_000))
POST = r"POST /v26.0/\d+"


def options(**fields: Any) -> Facebook.Options:
    return Facebook.Options(**fields)


def story(medium: Any) -> Post:
    return Post(media=[medium]).variant("facebook", options(format="story"))


REEL = Post("Ahoy", title="Sea trials", media=[UPRIGHT]).variant("facebook", options(format="reel"))
KINDS = {
    "text": (Post("Ahoy"), "feed"),
    "link": (Post("Ahoy", link="https://example.com/a"), "feed"),
    "photo": (Post("Ahoy", media=[BOAT]), "photos"),
    "photos": (Post("Ahoy", media=[BOAT, SEA]), "feed"),
    "bare photos": (Post(media=[BOAT, SEA]), "feed"),
    "video": (Post("Ahoy", title="Sea trials", media=[CLIP]), "videos"),
    "reel": (REEL, "video_reels"),
    "photo story": (story(BOAT), "photo_stories"),
    "video story": (story(UPRIGHT), "video_stories"),
}
every_kind = pytest.mark.parametrize(("post", "edge"), KINDS.values(), ids=KINDS)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["facebook"]) as box:
        yield box


@pytest.fixture
def wire(box: Sandbox) -> Recorder:
    return Recorder(box.transport)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(box: Sandbox, wire: Recorder, store: MemoryStore) -> Iterator[Client]:
    with Client(box.accounts(), store=store, transport=wire, clock=box.clock) as client:
        yield client


def phase(request: httpx.Request) -> str:
    return next(
        (word for word in ("transfer", "finish", "start") if word.encode() in request.content[:600]), ""
    )


def commits(wire: Recorder, edge: str) -> list[httpx.Request]:
    """The requests that publish at an edge."""
    made = wire.requests("POST", rf"/v26\.0/\d+/{edge}")
    return [
        one
        for one in made
        if edge not in ("videos", "video_reels", "video_stories") or phase(one) == "finish"
    ]


def live(box: Sandbox) -> list[Any]:
    return box.timeline("facebook")


class TestPublishing:
    def test_a_persons_token_is_told_apart(self, box: Sandbox) -> None:
        token = box.facebook.token_for("brand").access_token
        with Client({"me": Facebook(token)}, transport=box.transport, clock=box.clock) as client:
            outcome = client.publish(Post("Ahoy"), "me", errors="return")["me"]
        assert "give the Page's own" in str(outcome.error)

    @every_kind
    def test_one_post_and_one_commit(
        self, box: Sandbox, client: Client, wire: Recorder, post: Post, edge: str
    ) -> None:
        outcome = client.publish(post, "facebook", errors="return")["facebook"]
        assert outcome.status is Status.PUBLISHED, outcome.error or outcome.problems
        (entry,) = live(box)
        assert (entry.id, entry.text) == (outcome.receipt.id, post.text)
        assert len(commits(wire, edge)) == 1
        assert outcome.missing == ()
        assert outcome.receipt.url

    def test_the_receipt_of_a_photo_is_its_post(self, box: Sandbox, client: Client) -> None:
        receipt = client.publish(Post("Ahoy", media=[BOAT]), "facebook").receipts[0]
        (entry,) = live(box)
        assert receipt.id == entry.id
        assert receipt.raw["photos"] == [entry.media[0]["id"]]
        assert entry.media[0]["alt"] == "A boat"

    def test_several_photos_keep_their_order_and_their_words(self, box: Sandbox, client: Client) -> None:
        client.publish(Post("Ahoy", media=[SEA, BOAT]), "facebook")
        (entry,) = live(box)
        assert [one["alt"] for one in entry.media] == ["The sea", "A boat"]

    def test_what_an_author_says_of_a_video_arrives(self, box: Sandbox, client: Client) -> None:
        clip = Video(CLIP.source, captions=[Captions(SRT, "en-US")], thumbnail=BOAT)
        post = Post("Ahoy", title="Sea trials", media=[clip])
        asked = options(first_comment="More soon", content_category="BUSINESS")
        outcome = client.publish(post.variant("facebook", asked), "facebook")["facebook"]
        video, comment = live(box)
        assert (video.title, video.given["content_category"]) == ("Sea trials", "BUSINESS")
        assert video.given["captions"] == ["en_US"]
        assert video.given["thumbnail"]
        assert (comment.text, comment.reply_to) == ("More soon", video.id)
        assert outcome.missing == ()

    @pytest.mark.parametrize("edge", ["captions", "thumbnails", "collaborators"])
    def test_what_may_be_sent_twice_is_and_what_may_not_is_not(
        self, box: Sandbox, client: Client, wire: Recorder, edge: str
    ) -> None:
        film = Video(UPRIGHT.source, captions=[Captions(SRT, "en-US")], thumbnail=BOAT)
        post = Post("Ahoy", media=[film]).variant("facebook", options(format="reel", collaborators=("17",)))
        box.fault("dropped-after", platform="facebook", match=rf"{POST}/{edge}")
        outcome = client.publish(post, "facebook")["facebook"]
        assert outcome.status is Status.PUBLISHED
        again = edge != "collaborators"
        assert len(wire.requests("POST", rf"/v26\.0/\d+/{edge}")) == (2 if again else 1)
        assert [one.partition(":")[0] for one in outcome.missing] == ([] if again else ["invitation of 17"])
        assert live(box)[0].given["collaborators"] == ["17"]

    def test_what_a_reel_spends(self, client: Client) -> None:
        asked = options(format="reel", collaborators=("17", "18"))
        client.publish(Post("Ahoy", media=[UPRIGHT]).variant("facebook", asked), "facebook")
        left = {
            one.name: (one.limit, one.remaining) for one in client.rate_limits() if "calls" not in one.name
        }
        assert left == {"reels": (30, 29), "collaborators": (10, 8)}

    def test_a_reel_invites(self, box: Sandbox, client: Client) -> None:
        asked = options(format="reel", collaborators=("17", "18"), place="29")
        client.publish(Post("Ahoy", media=[UPRIGHT]).variant("facebook", asked), "facebook")
        (reel,) = live(box)
        assert reel.given["collaborators"] == ["17", "18"]
        assert reel.given["place"] == "29"

    def test_targeting_place_and_tags_arrive_as_json(self, box: Sandbox, client: Client) -> None:
        aim = {"geo_locations": {"countries": ["DE"]}}
        asked = options(targeting=aim, place="29", tagged_ids=("31",), background="5")
        client.publish(Post("Ahoy").variant("facebook", asked), "facebook")
        (entry,) = live(box)
        assert json.loads(entry.given["targeting"]) == aim
        assert json.loads(entry.given["tags"]) == ["31"]
        assert (entry.given["place"], entry.given["text_format_preset_id"]) == ("29", "5")

    def test_a_comment_and_an_answer_to_it(self, box: Sandbox, client: Client) -> None:
        first = client.publish(Post("Ahoy"), "facebook").receipts[0]
        second = client.publish(Post("Aye", reply_to=first, media=[BOAT]), "facebook").receipts[0]
        third = client.publish(Post("Aye aye", reply_to=second.url), "facebook").receipts[0]
        _, comment, answer = live(box)
        assert (comment.reply_to, answer.reply_to) == (first.id, second.id)
        assert (second.kind, third.kind) == ("reply", "reply")
        assert comment.media[0]["alt"] == "A boat"
        assert [one.id for one in client.fetch_posts("facebook")] == [first.id]

    def test_a_video_that_takes_its_time(self, box: Sandbox, client: Client) -> None:
        box.fault("still-processing", platform="facebook", seconds=400, times=9)
        outcome = client.publish(Post("Ahoy", media=[CLIP]), "facebook", idempotency_key="k")["facebook"]
        assert outcome.status is Status.PROCESSING
        assert outcome.look_again_at
        box.clock.advance(400)
        done = client.settle("k")["facebook"]
        assert done.status is Status.PUBLISHED
        assert done.receipt.id == outcome.receipt.id

    def test_the_first_comment_waits_for_its_video(self, box: Sandbox, client: Client) -> None:
        box.fault("still-processing", platform="facebook", seconds=300, times=9)
        post = Post("Ahoy", media=[CLIP]).variant("facebook", options(first_comment="More soon"))
        outcome = client.publish(post, "facebook")["facebook"]
        assert outcome.status is Status.PUBLISHED
        assert [one.text for one in live(box)] == ["Ahoy", "More soon"]

    @pytest.mark.parametrize("kind", ["video", "reel", "video story"])
    @pytest.mark.parametrize("slow", [0, 300], ids=["at once", "after a while"])
    def test_a_video_facebook_cannot_use_is_not_live_and_goes_up_anew(
        self, box: Sandbox, client: Client, kind: str, slow: int
    ) -> None:
        box.fault("processing-failed", platform="facebook", times=9)
        if slow:
            box.fault("still-processing", platform="facebook", seconds=slow, times=9)
        post, _ = KINDS[kind]
        failed = client.publish(post, "facebook", idempotency_key="k", errors="return")["facebook"]
        if slow:
            assert (failed.status, failed.receipt.published_at) == (Status.PROCESSING, None)
            box.clock.advance(slow)
            failed = client.settle("k")["facebook"]
        assert failed.status is Status.FAILED
        assert "could not be processed" in str(failed.error)
        assert live(box) == []
        box.faults.clear()
        again = client.publish(post, "facebook", idempotency_key="k")["facebook"]
        assert again.status is Status.PUBLISHED
        assert len(live(box)) == 1

    def test_identical_texts_are_refused_one_after_the_other(self, box: Sandbox, client: Client) -> None:
        client.publish(Post("Ahoy"), "facebook")
        outcome = client.publish(Post("Ahoy"), "facebook", errors="return")["facebook"]
        assert outcome.status in (Status.UNKNOWN, Status.FAILED)
        assert len(live(box)) == 1


class TestScheduling:
    @pytest.mark.parametrize("kind", ["text", "photo", "photos", "video", "reel"])
    def test_it_is_there_when_it_is_time(self, box: Sandbox, client: Client, kind: str) -> None:
        post, _ = KINDS[kind]
        due = box.clock.now() + timedelta(days=2)
        form = "reel" if kind == "reel" else "post"
        asked = post.variant("facebook", options(publish_at=due, format=form))
        outcome = client.publish(asked, "facebook", idempotency_key="k")["facebook"]
        assert outcome.status is Status.SCHEDULED
        assert abs((outcome.look_again_at - due).total_seconds()) < 1
        assert live(box) == []
        assert client.settle("k")["facebook"].status is Status.SCHEDULED
        box.clock.advance(2 * 86_400 + 60)
        done = client.settle("k")["facebook"]
        assert (done.status, done.receipt.id) == (Status.PUBLISHED, outcome.receipt.id)
        assert [one.text for one in live(box)] == ["Ahoy"]
        assert "due" not in done.receipt.raw

    @pytest.mark.parametrize("kind", ["text", "photos", "video", "reel"])
    def test_a_lost_answer_is_found_among_what_is_scheduled(
        self, box: Sandbox, client: Client, wire: Recorder, kind: str
    ) -> None:
        post, edge = KINDS[kind]
        form = "reel" if kind == "reel" else "post"
        asked = options(publish_at=box.clock.now() + timedelta(days=2), format=form)
        box.fault("stored-then-500", platform="facebook", **at_finish(kind, edge))
        outcome = client.publish(post.variant("facebook", asked), "facebook")["facebook"]
        assert outcome.status is Status.SCHEDULED
        assert len(box.facebook.scheduled) == 1
        assert len(commits(wire, edge)) == 1

    @pytest.mark.parametrize("kind", ["video", "reel"])
    def test_a_scheduled_video_facebook_cannot_use_was_dropped(
        self, box: Sandbox, client: Client, kind: str
    ) -> None:
        form = "reel" if kind == "reel" else "post"
        asked = options(publish_at=box.clock.now() + timedelta(days=2), format=form)
        box.fault("processing-failed", platform="facebook", times=9)
        post = KINDS[kind][0].variant("facebook", asked)
        assert client.publish(post, "facebook", idempotency_key="k")["facebook"].status is Status.SCHEDULED
        box.clock.advance(60)
        dropped = client.settle("k")["facebook"]
        assert dropped.status is Status.FAILED
        assert "could not use the video" in str(dropped.error)
        assert box.facebook.scheduled == {}

    def test_what_was_deleted_before_its_time_is_told(self, box: Sandbox, client: Client) -> None:
        asked = options(publish_at=box.clock.now() + timedelta(hours=1))
        client.publish(Post("Ahoy").variant("facebook", asked), "facebook", idempotency_key="k")
        box.facebook.scheduled.clear()  # by a person, on the page
        box.clock.advance(7200)
        assert live(box) == []
        assert "gone" in client.settle("k")["facebook"].missing[0]

    @pytest.mark.parametrize("kind", ["text", "video"])
    def test_a_scheduled_post_is_moved_and_reworded(self, box: Sandbox, client: Client, kind: str) -> None:
        soon, later = (box.clock.now() + timedelta(hours=hours) for hours in (1, 5))
        post = KINDS[kind][0].variant("facebook", options(publish_at=soon))
        receipt = client.publish(post, "facebook", idempotency_key="k").receipts[0]
        words = Post("Ahoy!") if kind == "text" else Post("Ahoy!", media=[CLIP])
        if kind == "video":
            with pytest.raises(errors.InvalidPost, match="media"):
                client.edit(receipt, words.variant("facebook", options(publish_at=later)))
        moved = client.edit(receipt, Post("Ahoy!").variant("facebook", options(publish_at=later)))
        assert moved.raw["due"] == int(later.timestamp())
        box.clock.advance(7200)
        assert live(box) == []
        waiting = client.settle("k")["facebook"]
        assert (waiting.status, waiting.look_again_at) == (Status.SCHEDULED, later.replace(microsecond=0))
        box.clock.advance(4 * 3600)
        assert [one.text for one in live(box)] == ["Ahoy!"]
        assert client.settle("k")["facebook"].status is Status.PUBLISHED


def at_finish(kind: str, edge: str) -> dict[str, Any]:
    """The fault hits the last request of an upload, not those before it."""
    before = {"video": 4, "reel": 1, "video story": 1}.get(kind, 0)
    return {"match": f"{POST}/{edge}", "skip": before}


LOST = ("stored-then-500", "dropped-after", "dropped-before", "stored-then-hang")


class TestLostAnswers:
    @every_kind
    @pytest.mark.parametrize("fault", LOST)
    def test_one_copy(
        self, box: Sandbox, client: Client, wire: Recorder, post: Post, edge: str, fault: str
    ) -> None:
        kind = next(name for name, pair in KINDS.items() if pair == (post, edge))
        box.fault(fault, platform="facebook", **at_finish(kind, edge))
        client.publish(post, "facebook", idempotency_key="k", errors="return", wait=0)
        for _ in range(8):
            box.clock.advance(60)
            outcome = client.settle("k")["facebook"]
        assert len(live(box)) == (0 if fault == "dropped-before" else 1), outcome.error
        if fault == "dropped-before" and kind.endswith("story"):
            assert "archive" in str(outcome.error)  # the list is empty: nobody knows
        elif fault == "dropped-before":
            assert outcome.status is Status.FAILED, outcome.error
            again = client.publish(post, "facebook", idempotency_key="k", errors="return")["facebook"]
            assert again.status in (Status.PUBLISHED, Status.FAILED), again.error
        else:
            assert outcome.status is Status.PUBLISHED, outcome.error
            assert outcome.receipt.id == live(box)[0].id
            assert len(commits(wire, edge)) == 1

    @pytest.mark.parametrize("medium", [BOAT, UPRIGHT], ids=["photo", "video"])
    @pytest.mark.parametrize("fault", LOST)
    def test_stories_where_some_are_kept(self, box: Sandbox, client: Client, fault: str, medium: Any) -> None:
        client.publish(story(SEA), "facebook")
        edge = "photo_stories" if medium is BOAT else "video_stories"
        at = at_finish("video story" if medium is UPRIGHT else "", edge)
        box.fault(fault, platform="facebook", **at)
        report = client.publish(story(medium), "facebook", errors="return", wait=600)
        assert report["facebook"].status is Status.PUBLISHED, report["facebook"].error
        assert len(live(box)) == 2

    @pytest.mark.parametrize("medium", [BOAT, UPRIGHT], ids=["photo", "video"])
    def test_stories_of_a_page_that_keeps_none_are_never_made_twice(
        self, box: Sandbox, client: Client, medium: Any
    ) -> None:
        box.facebook.story_archive = False
        edge = "photo_stories" if medium is BOAT else "video_stories"
        at = at_finish("video story" if medium is UPRIGHT else "", edge)
        box.fault("stored-then-500", platform="facebook", **at)
        outcome = client.publish(story(medium), "facebook", errors="return", wait=900)["facebook"]
        assert outcome.status is (Status.UNKNOWN if medium is BOAT else Status.PUBLISHED), outcome.error
        assert len(live(box)) == 1
        if medium is UPRIGHT:
            assert outcome.missing[0].startswith("id:")

    def test_a_photo_without_a_word_is_not_guessed(self, box: Sandbox, client: Client) -> None:
        box.fault("stored-then-500", platform="facebook", match=f"{POST}/photos")
        outcome = client.publish(
            Post(media=[BOAT]), "facebook", idempotency_key="k", errors="return", wait=600
        )
        assert outcome["facebook"].status is Status.UNKNOWN
        assert len(live(box)) == 1

    @pytest.mark.parametrize("fault", LOST)
    def test_comments(self, box: Sandbox, client: Client, fault: str) -> None:
        first = client.publish(Post("Ahoy"), "facebook").receipts[0]
        box.fault(fault, platform="facebook", match=r"POST /v26.0/[\d_]+/comments")
        report = client.publish(Post("Aye", reply_to=first), "facebook", errors="return", wait=600)
        assert report["facebook"].status is Status.PUBLISHED, report["facebook"].error
        assert [one.text for one in live(box)] == ["Ahoy", "Aye"]

    def test_the_first_comment_is_never_made_twice(self, box: Sandbox, client: Client) -> None:
        box.fault("stored-then-500", platform="facebook", match=r"POST /v26.0/[\d_]+/comments")
        post = Post("Ahoy").variant("facebook", options(first_comment="More soon"))
        outcome = client.publish(post, "facebook", idempotency_key="k")["facebook"]
        assert outcome.status is Status.PUBLISHED
        assert outcome.missing[0].startswith("first comment")
        client.publish(post, "facebook", idempotency_key="k")
        assert [one.text for one in live(box)] == ["Ahoy", "More soon"]

    def test_an_error_inside_a_good_answer_is_a_no(
        self, box: Sandbox, client: Client, wire: Recorder
    ) -> None:
        told = {
            "error": {"message": "(#200) No.", "type": "OAuthException", "code": 200, "is_transient": False}
        }
        wire.say("POST", rf"/v26\.0/{PAGE}/feed", 200, told)
        outcome = client.publish(Post("Ahoy"), "facebook", errors="return")["facebook"]
        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, errors.MissingScope)
        assert live(box) == []

    @pytest.mark.parametrize("code", [1, 2])
    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_codes_one_and_two_leave_the_fate_open(
        self, box: Sandbox, client: Client, wire: Recorder, code: int, status: int
    ) -> None:
        told = {"error": {"message": "An unknown error occurred", "type": "OAuthException", "code": code}}
        wire.say("POST", rf"/v26\.0/{PAGE}/feed", status, told)
        outcome = client.publish(Post("Ahoy"), "facebook", idempotency_key="k", errors="return", wait=0)
        assert outcome["facebook"].status is Status.UNKNOWN


class TestUploads:
    def test_a_photo_set_goes_on_where_it_stopped(
        self, box: Sandbox, client: Client, wire: Recorder, store: MemoryStore
    ) -> None:
        box.fault("dropped-before", platform="facebook", match=f"{POST}/photos", skip=1, times=9)
        post = Post("Ahoy", media=[BOAT, SEA])
        client.publish(post, "facebook", idempotency_key="k", errors="return")
        box.faults.clear()
        wire.clear()
        with Client(box.accounts(), store=store, transport=wire, clock=box.clock) as later:
            assert later.publish(post, "facebook", idempotency_key="k")["facebook"].status is Status.PUBLISHED
        assert len(wire.requests("POST", rf"/v26\.0/{PAGE}/photos")) == 1

    def test_pieces_that_arrived_are_not_sent_again(
        self, box: Sandbox, client: Client, wire: Recorder, store: MemoryStore
    ) -> None:
        """The third piece arrives, its answer is lost for good; another process goes on behind it."""
        post = Post("Ahoy", media=[CLIP])
        box.fault("dropped-after", platform="facebook", match=f"{POST}/videos", skip=3, times=1)
        box.fault("dropped-before", platform="facebook", match=f"{POST}/videos", skip=3, times=9)
        client.publish(post, "facebook", idempotency_key="k", errors="return")
        box.faults.clear()
        wire.clear()
        with Client(box.accounts(), store=store, transport=wire, clock=box.clock) as later:
            assert later.publish(post, "facebook", idempotency_key="k")["facebook"].status is Status.PUBLISHED
        assert [phase(one) for one in wire.requests("POST", r"/v26\.0/\d+/videos")] == ["transfer", "finish"]
        (entry,) = live(box)
        assert entry.media[0]["size"] == len(CLIP.source)

    def test_a_stream_goes_on_at_the_byte_it_broke_off(
        self, box: Sandbox, client: Client, wire: Recorder, store: MemoryStore
    ) -> None:
        """Half of the reel arrives before the process ends."""
        box.fault("dropped-before", platform="facebook", match="POST /video-upload/.*", times=9)
        client.publish(REEL, "facebook", idempotency_key="k", errors="return")
        box.faults.clear()
        (clip,) = box.facebook.clips.values()
        half, whole = len(UPRIGHT.source) // 2, len(UPRIGHT.source)
        upload = box.facebook._take
        piece = box.files.put("https://example.com/half", UPRIGHT.source[:half])
        clip.total = whole
        upload(clip, box.files.fetch(piece))
        wire.clear()
        with Client(box.accounts(), store=store, transport=wire, clock=box.clock) as later:
            assert later.publish(REEL, "facebook", idempotency_key="k")["facebook"].status is Status.PUBLISHED
        (stream,) = wire.requests("POST", "/video-upload/.*")
        assert stream.url.host == "rupload.facebook.com"
        assert stream.headers["authorization"].startswith("OAuth ")
        assert (stream.headers["offset"], stream.headers["file_size"]) == (str(half), str(whole))
        assert len(stream.content) == whole - half

    def test_an_upload_that_is_over_starts_afresh(
        self, box: Sandbox, client: Client, store: MemoryStore
    ) -> None:
        box.fault("dropped-before", platform="facebook", match=f"{POST}/videos", skip=2, times=9)
        post = Post("Ahoy", media=[CLIP])
        client.publish(post, "facebook", idempotency_key="k", errors="return")
        box.faults.clear()
        box.clock.advance(2 * 86_400)
        with Client(box.accounts(), store=store, transport=box.transport, clock=box.clock) as later:
            assert later.publish(post, "facebook", idempotency_key="k")["facebook"].status is Status.PUBLISHED

    def test_videos_go_to_the_host_for_videos(self, client: Client, wire: Recorder) -> None:
        client.publish(Post("Ahoy", media=[CLIP]), "facebook")
        hosts = {one.url.host for one in wire.requests("POST", r"/v26\.0/\d+/videos")}
        assert hosts == {"graph-video.facebook.com"}

    def test_the_same_at_one_address(self, box: Sandbox) -> None:
        with box.serve() as url, Client(box.accounts(url), clock=box.clock) as client:
            for name in ("photos", "video", "reel", "photo story"):
                assert client.publish(KINDS[name][0], "facebook")["facebook"].status is Status.PUBLISHED


class TestAfterwards:
    @every_kind
    def test_gone_and_gone_already(self, box: Sandbox, client: Client, post: Post, edge: str) -> None:
        receipt = client.publish(post, "facebook").receipts[0]
        for _ in range(2):
            client.delete(receipt)
            assert live(box) == []

    @pytest.mark.parametrize("kind", ["text", "photo", "photos", "video", "reel"])
    def test_words_are_changed(self, box: Sandbox, client: Client, kind: str) -> None:
        receipt = client.publish(KINDS[kind][0], "facebook").receipts[0]
        edited = client.edit(receipt, Post("Ahoy there", title="Trials"))
        (entry,) = live(box)
        assert (edited.id, entry.text) == (receipt.id, "Ahoy there")
        assert entry.title == ("Trials" if kind in ("video", "reel") else "")
        assert edited.raw["way"] == receipt.raw["way"]

    def test_a_comment_is_changed(self, box: Sandbox, client: Client) -> None:
        first = client.publish(Post("Ahoy"), "facebook").receipts[0]
        comment = client.publish(Post("Aye", reply_to=first), "facebook").receipts[0]
        client.edit(comment, Post("Aye aye"))
        assert [one.text for one in live(box)] == ["Ahoy", "Aye aye"]

    @pytest.mark.parametrize(
        ("kind", "post", "field"),
        [
            ("text", Post("Ahoy", link="https://example.com/a"), "link"),
            ("photo", Post("Ahoy", media=[SEA]), "media"),
            ("text", Post("Ahoy").variant("facebook", options(first_comment="x")), "first_comment"),
            ("text", Post("Ahoy").variant("facebook", options(targeting={"age_min": 18})), "targeting"),
            ("photo story", Post("Ahoy"), ""),
        ],
    )
    def test_what_stays_as_it_is(self, client: Client, kind: str, post: Post, field: str) -> None:
        receipt = client.publish(KINDS[kind][0], "facebook").receipts[0]
        with pytest.raises(errors.InvalidPost) as caught:
            client.edit(receipt, post)
        assert [problem.field for problem in caught.value.problems] == [field]

    @every_kind
    def test_every_kind_has_numbers_or_reasons(
        self, box: Sandbox, client: Client, post: Post, edge: str
    ) -> None:
        receipt = client.publish(post, "facebook").receipts[0]
        box.clock.advance(86_400)
        (row,) = client.fetch_metrics(receipt)
        assert [one.path for one in box.requests].count("/v26.0") == 1
        assert row.error is None
        declared = client.accounts["facebook"].rules.metrics
        assert all(getattr(row, name) is not None or row.missing[name] for name in declared)
        assert row.likes is not None
        assert row.reach is not None
        if edge in ("videos", "video_reels"):
            assert row.video_views
            assert row.watch_seconds == pytest.approx(row.video_views * 4.2)

    def test_the_page_has_numbers_of_a_period(self, box: Sandbox, client: Client) -> None:
        (row,) = client.fetch_account_metrics("facebook")
        assert row.followers == 1200
        assert "since" in row.missing["impressions"]
        since = box.clock.now() - timedelta(days=30)
        (row,) = client.fetch_account_metrics("facebook", since=since)
        assert row.impressions
        assert row.reach
        assert row.video_views
        (row,) = client.fetch_account_metrics("facebook", since=since - timedelta(days=300))
        assert row.impressions
        assert "90 days" in row.missing["reach"]

    def test_own_posts_and_reels_newest_first(self, box: Sandbox, client: Client) -> None:
        made = []
        for name in ("text", "reel", "photos", "video", "photo story"):
            made += client.publish(KINDS[name][0], "facebook").receipts
            box.clock.advance(60)
        found = client.fetch_posts("facebook")
        assert [one.id for one in found] == [one.id for one in made[:4]][::-1]
        assert [one.raw["way"] for one in found] == ["video", "photos", "reel", "feed"]
        since = made[2].published_at
        assert [one.id for one in client.fetch_posts("facebook", since=since)] == [made[3].id, made[2].id]

    @pytest.mark.parametrize("kind", ["text", "photo", "photos", "video", "reel"])
    def test_permalinks_lead_back(self, box: Sandbox, client: Client, kind: str) -> None:
        receipt = client.publish(KINDS[kind][0], "facebook").receipts[0]
        box.clock.advance(60)
        (row,) = client.fetch_metrics(receipt.url)
        assert row.error is None
        assert row.id == receipt.id

    def test_an_opaque_permalink_is_looked_for(self, box: Sandbox, client: Client) -> None:
        receipt = client.publish(Post("Ahoy"), "facebook").receipts[0]
        (entry,) = live(box)
        entry.url = "https://www.facebook.com/brand/posts/pfbid02abcDEF"
        (row,) = client.fetch_metrics("https://m.facebook.com/brand/posts/ahoy/pfbid02abcDEF?x=1")
        assert row.error is None
        assert row.id == receipt.id
