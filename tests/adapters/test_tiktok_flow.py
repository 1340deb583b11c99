"""TikTok end to end on the sandbox: what becomes of a post, whatever happens on its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from media_files import mp4, png
from socialkit import Client, Image, Outcome, Post, Receipt, Status, Video
from socialkit.adapters import _tiktok_posts as posts
from socialkit.adapters.tiktok import TikTokOptions
from socialkit.contracts import _samples
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore
from socialkit.testing import AdapterContract

BOAT = Video(mp4(), alt="The boat")
CLIP = Post("Ahoy", media=[BOAT], visibility="public")
INIT = "/v2/post/publish/video/init/"
STATUS = "POST /v2/post/publish/status/fetch/"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["tiktok"]) as box:
        yield box


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(box: Sandbox, store: MemoryStore) -> Iterator[Client]:
    with box.client(store=store) as client:
        yield client


def publish(client: Client, post: Post = CLIP, key: str = "launch", **options: Any) -> Outcome:
    return client.publish(post, to="tiktok", idempotency_key=key, errors="return", **options)["tiktok"]


def asked(box: Sandbox, path: str, status: int | str | None = None) -> int:
    return sum(one.path == path and status in (None, one.status) for one in box.requests)


def texts(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("tiktok")]


# --- where it ends ------------------------------------------------------------------------------------------
def test_a_public_video_ends_with_its_permalink(box: Sandbox, client: Client) -> None:
    outcome = publish(client)
    (entry,) = box.timeline("tiktok")
    assert outcome.status is Status.PUBLISHED
    assert outcome.receipt is not None
    assert (outcome.receipt.id, outcome.url) == (entry.id, entry.url)
    assert int(entry.id) > 2**53


def test_a_private_video_has_no_id_and_says_why(box: Sandbox, client: Client) -> None:
    outcome = publish(client, CLIP.variant("tiktok", visibility="private"))
    assert (outcome.status, outcome.url) == (Status.PUBLISHED, None)
    assert outcome.receipt is not None
    assert outcome.receipt.id is None
    assert outcome.missing == ("TikTok gives no id for posts that are not public",)
    (row,) = client.fetch_metrics([outcome.receipt])
    assert row.error is not None


def test_long_processing_is_left_for_later_and_settled(box: Sandbox, client: Client) -> None:
    box.tiktok.moderation_seconds = 3600.0
    first = publish(client)
    assert first.status is Status.PROCESSING
    assert first.look_again_at is not None
    assert publish(client).replayed
    box.clock.advance(600)
    assert client.settle("launch")["tiktok"].status is Status.PROCESSING
    box.clock.advance(3600)
    settled = client.settle("launch")["tiktok"]
    assert settled.status is Status.PUBLISHED
    assert settled.url == box.timeline("tiktok")[0].url
    assert len(texts(box)) == 1


def test_what_tiktok_drops_in_the_end_is_failed_and_can_be_published_again(
    box: Sandbox, client: Client
) -> None:
    box.fault("still-processing", platform="tiktok", seconds=600)
    box.fault("processing-failed", platform="tiktok")
    assert publish(client).status is Status.PROCESSING
    box.clock.advance(600)
    settled = client.settle("launch")["tiktok"]
    assert settled.status is Status.FAILED
    assert "internal" in str(settled.error)
    assert publish(client).status is Status.PUBLISHED
    assert texts(box) == ["Ahoy"]


def test_what_tiktok_drops_at_once_is_failed(box: Sandbox, client: Client) -> None:
    box.tiktok.people["brand"].max_seconds = 600
    plan = client.plan(CLIP, to="tiktok")
    box.tiktok.people["brand"].max_seconds = 5
    outcome = client.publish(plan, errors="return")["tiktok"]
    assert outcome.status is Status.FAILED
    assert "duration_check_failed" in str(outcome.error)
    assert texts(box) == []


def test_the_inbox_hands_over(box: Sandbox, client: Client) -> None:
    outcome = publish(client, CLIP.variant("tiktok", TikTokOptions(mode="inbox")))
    assert outcome.status is Status.HANDED_OVER
    assert outcome.receipt is not None
    assert texts(box) == []
    box.tiktok.finish_in_app(outcome.receipt.raw["publish_id"], "Written in the app")
    assert texts(box) == ["Written in the app"]


def test_a_full_inbox_says_when_to_come_back(box: Sandbox, client: Client) -> None:
    post = CLIP.variant("tiktok", TikTokOptions(mode="inbox"))
    for number in range(5):
        box.clock.advance(60)
        assert publish(client, post, f"share {number}").status is Status.HANDED_OVER
    box.clock.advance(60)
    refused = publish(client, post, "one more")
    assert refused.status is Status.FAILED
    assert "spam_risk_too_many_pending_share" in repr(refused.error.__dict__)


# --- on its way ---------------------------------------------------------------------------------------------
def test_a_token_that_ends_while_polling_leads_to_no_second_init(box: Sandbox, client: Client) -> None:
    box.fault("expired-token", platform="tiktok", match=STATUS, times=1)
    assert publish(client).status is Status.PUBLISHED
    assert asked(box, INIT) == 1
    assert box.tiktok.refresh_count == 1


def test_an_account_that_ends_while_polling_keeps_its_publish_id(box: Sandbox, client: Client) -> None:
    box.fault("expired-token", platform="tiktok", match=STATUS, times=99)
    first = publish(client)
    assert first.status is Status.PROCESSING
    box.faults.clear()
    box.clock.advance(600)
    assert client.settle("launch")["tiktok"].status in (Status.PUBLISHED, Status.PROCESSING)
    assert publish(client).replayed
    assert asked(box, INIT) == 1
    assert len(texts(box)) == 1


@pytest.fixture
def chunked(monkeypatch: pytest.MonkeyPatch, box: Sandbox) -> Post:
    """A video of 12 MB in chunks of 5 MB: two of them, the last one of 7 MB."""
    monkeypatch.setattr(posts, "WHOLE", 6_000_000)
    monkeypatch.setattr(posts, "CHUNK", 5_000_000)
    return Post("Large", media=[Video(mp4(data=12_000_000), alt="Large")], visibility="public")


def puts(box: Sandbox) -> list[tuple[int | str, str | None]]:
    return [(one.status, one.step) for one in box.requests if one.method == "PUT"]


def test_chunks_go_up_in_order(box: Sandbox, client: Client, chunked: Post) -> None:
    assert publish(client, chunked).status is Status.PUBLISHED
    assert puts(box) == [(206, "prepare"), (201, "commit")]


def test_a_chunk_whose_answer_is_lost_is_not_sent_twice_over(
    box: Sandbox, client: Client, chunked: Post
) -> None:
    box.fault("dropped-after", platform="tiktok")
    assert publish(client, chunked).status is Status.PUBLISHED
    assert puts(box) == [("dropped", "prepare"), (416, "prepare"), (201, "commit")]


def test_another_process_goes_on_with_the_upload(box: Sandbox, store: MemoryStore, chunked: Post) -> None:
    box.fault("dropped-before", platform="tiktok", times=4, skip=1)
    with box.client(store=store) as first:
        assert publish(first, chunked, wait=0).status in (Status.UNKNOWN, Status.FAILED)
    box.faults.clear()
    with box.client(store=store) as second:
        assert publish(second, chunked).status is Status.PUBLISHED
    assert asked(box, INIT) == 1
    assert [status for status, _ in puts(box) if isinstance(status, int)] == [206, 201]
    assert len(texts(box)) == 1


def test_an_upload_that_is_too_old_begins_anew(box: Sandbox, client: Client) -> None:
    box.fault("expired-token", platform="tiktok")  # the last chunk is refused
    assert publish(client).status is Status.FAILED
    box.clock.advance(3700)
    assert publish(client).status is Status.PUBLISHED
    assert asked(box, INIT) == 2
    assert len(texts(box)) == 1


@pytest.mark.parametrize("fault", ["dropped-after", "stored-then-500", "stored-later"])
def test_a_lost_last_chunk_after_the_url_ended_makes_no_second_post(
    box: Sandbox, client: Client, fault: str
) -> None:
    box.fault(fault, platform="tiktok")
    box.fault("dropped-before", platform="tiktok", match=STATUS, times=6)
    first = publish(client, wait=0)
    box.faults.clear()
    box.clock.advance(3700)
    if first.status is Status.UNKNOWN:
        client.settle("launch")
    publish(client)
    box.clock.advance(3600)
    assert len(texts(box)) == 1


def test_secrets_of_the_upload_stay_secret(box: Sandbox, client: Client, store: MemoryStore) -> None:
    publish(client)
    (publication,) = box.tiktok.publications.values()
    written = repr(store.transact(lambda tx: tx.rows()))
    assert publication.id in written
    assert publication.upload_token not in written
    assert publication.upload_token not in repr(box.requests)


# --- fetched by TikTok --------------------------------------------------------------------------------------
def test_local_photos_go_through_the_media_host(box: Sandbox, client: Client) -> None:
    photos = [Image(png(640, 480), alt="a"), Image(_samples.jpeg(), alt="b")]
    post = Post("Two", media=photos, title="Boats", visibility="public")
    plan = client.plan(post, to="tiktok")
    assert not plan["tiktok"].errors
    outcome = client.publish(plan, errors="return")["tiktok"]
    assert outcome.status is Status.PUBLISHED, outcome.error
    (entry,) = box.timeline("tiktok")
    assert (entry.title, len(entry.media), entry.extras["kind"]) == ("Boats", 2, "photo")
    assert {medium["mime"] for medium in entry.media} == {"image/jpeg"}
    assert outcome.url == entry.url
    assert "/photo/" in str(outcome.url)


def test_local_photos_need_a_media_host(box: Sandbox) -> None:
    with box.client(media_host=None) as client:
        plan = client.plan(Post("One", media=[Image(png())], visibility="public"), to="tiktok")
    assert "by_url" in {problem.code for problem in plan["tiktok"].errors}


def test_an_unverified_domain_says_whose_it_may_be(box: Sandbox, client: Client) -> None:
    box.tiktok.verified.clear()
    outcome = publish(client, Post("One", media=[Image(_samples.jpeg(), alt="a")], visibility="public"))
    assert outcome.status is Status.FAILED
    assert "media_host" in str(outcome.error)


def test_a_video_is_pulled_where_that_is_asked_for(box: Sandbox, client: Client) -> None:
    outcome = publish(client, CLIP.variant("tiktok", TikTokOptions(pull=True)))
    assert outcome.status is Status.PUBLISHED, outcome.error
    assert not [one for one in box.requests if one.method == "PUT"]
    assert box.timeline("tiktok")[0].media[0]["mime"] == "video/mp4"


def test_photos_that_are_not_there(box: Sandbox, client: Client) -> None:
    gone = Image.from_url("https://files.example.net/files/gone/boat.jpg", alt="gone")
    outcome = publish(client, Post("Gone", media=[gone], visibility="public"))
    assert outcome.status is Status.FAILED
    assert "photo_pull_failed" in str(outcome.error)


def test_a_lost_init_of_private_photos_stays_unknown(box: Sandbox, client: Client) -> None:
    box.fault("dropped-after", platform="tiktok")
    photo = Image.from_url("https://example.com/1.jpg", alt="a")
    post = Post("Ours", media=[photo], visibility="private")
    assert publish(client, post).status is Status.UNKNOWN
    box.clock.advance(86_400)
    assert client.settle("launch")["tiktok"].status is Status.UNKNOWN
    assert publish(client, post).status is Status.UNKNOWN
    assert asked(box, "/v2/post/publish/content/init/") == 1


# --- the whole suite for what TikTok fetches ----------------------------------------------------------------
class Pulled(AdapterContract):
    """The suite for posts whose first request publishes: a lost answer is found on the list, or stays unknown."""

    platform = "tiktok"

    def _one_copy(self, *faults: Any) -> None:
        for bench, last in self._ends(faults, twins=0):
            if last.status is not Status.UNKNOWN:
                assert len(bench.live("zq1")) == (last.status is Status.PUBLISHED)

    def picture(self, shade: int = 0, alt: str = "A grey boat") -> Image:
        return Image.from_url(f"https://example.com/boat-{shade}.jpg", alt=alt)


class TestPhotos(Pulled):
    def post(self, text: str, **fields: Any) -> Post:
        return super().post(text, **{"visibility": "public", "media": [self.picture()], **fields})


class TestPulledVideos(Pulled):
    option_values: ClassVar[dict[str, Any]] = {"pull": None}  # it is chosen already
    test_an_over_long_text_is_a_problem = None  # type: ignore[assignment]  # the rules have the limit of photos

    def sandbox(self) -> Sandbox:
        box = super().sandbox()
        box.tiktok.__dict__["publish_match"] = f"POST {INIT}"
        return box

    def post(self, text: str, **fields: Any) -> Post:
        made = super().post(text, **{"visibility": "public", "media": [BOAT], **fields})
        return made.variant("tiktok", TikTokOptions(pull=True))


def test_the_numbers_of_a_thousand_posts_take_fifty_requests(box: Sandbox, client: Client) -> None:
    first = publish(client).receipt
    assert first is not None
    (entry,) = box.timeline("tiktok")
    with box.lock:
        entries = [box.tiktok.add(box.tiktok.twin_of(entry)) for _ in range(1000)]
    box.requests.clear()
    table = client.fetch_metrics([Receipt(first.identity, one.id) for one in entries])
    assert len(box.requests) == 50
    assert not table.errors
    assert len({row.id for row in table if row.likes is not None}) == 1000
