"""Instagram through the whole library, against its sandbox: what is published, what trouble becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_files import mp4
from recording import Recorder
from socialkit import Client, Image, Instagram, Post, Receipt, Status, Video, errors
from socialkit.sandbox import Sandbox
from socialkit.sandbox.instagram import InstagramBox
from socialkit.store import MemoryStore

BOAT = Image.from_url("https://example.com/boat.jpg", alt="The boat")
LINKED = Video.from_url("https://example.com/boat.mp4")
FILM = mp4(seconds=10, size=(1080, 1920), data=300_000)
PUBLISH = r"/v26.0/[0-9]+/media_publish"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["instagram"]) as box:
        yield box


@pytest.fixture
def platform(box: Sandbox) -> InstagramBox:
    found = box["instagram"]
    assert isinstance(found, InstagramBox)
    return found


@pytest.fixture
def wire(box: Sandbox) -> Recorder:
    return Recorder(box.transport)


@pytest.fixture(params=["instagram", "facebook"])
def login(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def account(box: Sandbox, login: str) -> Instagram:
    given = box.instagram.page_credentials() if login == "facebook" else box.instagram.credentials()
    return Instagram(**given)


@pytest.fixture
def client(box: Sandbox, wire: Recorder, login: str) -> Iterator[Client]:
    with client_of(box, login, wire) as made:
        yield made


def client_of(box: Sandbox, login: str, wire: Any, **more: Any) -> Client:
    place: dict[str, Any] = {
        "transport": wire,
        "clock": box.clock,
        "media_host": box.files,
        "store": ":memory:",
    }
    return Client({"brand": account(box, login)}, **place | more)


def post(*media: Any, text: str = "Ahoy", **options: Any) -> Post:
    whole = Post(text, media=media or [BOAT])
    return whole.variant("instagram", Instagram.Options(**options)) if options else whole


def publish(client: Client, whole: Post, key: str | None = None) -> Receipt:
    outcome = client.publish(whole, "brand", idempotency_key=key, errors="return")["brand"]
    assert outcome.status is Status.PUBLISHED, outcome.error
    assert outcome.receipt is not None
    return outcome.receipt


def given_of(box: Sandbox) -> dict[str, Any]:
    (entry,) = box.timeline("instagram")
    given: dict[str, Any] = entry.extras["given"]
    return given


class TestKinds:
    def test_a_local_picture(self, box: Sandbox, client: Client) -> None:
        from socialkit.sandbox.picture import sample_picture

        receipt = publish(client, post(Image(sample_picture(), alt="A sail")))
        (entry,) = box.timeline("instagram")
        assert entry.media[0]["mime"] == "image/jpeg"
        assert entry.media[0]["alt"] == "A sail"
        assert receipt.url == entry.url
        assert receipt.published_at == entry.created_at.replace(microsecond=0)
        assert receipt.kind == "post"

    def test_a_local_video_with_its_own_cover(
        self, box: Sandbox, client: Client, wire: Recorder, login: str
    ) -> None:
        from socialkit.sandbox.picture import sample_picture

        film = Video(FILM, thumbnail=Image(sample_picture()))
        receipt = publish(
            client, post(film, share_to_feed=False, is_ai_generated=True, collaborators=("crew",))
        )
        assert receipt.kind == "reel"
        given = given_of(box)
        assert given["cover_url"].startswith("https://files.example.net/")
        assert (given["share_to_feed"], given["is_ai_generated"]) == ("false", "true")
        assert given["collaborators"] == '["crew"]'
        assert bool(wire.requests("POST", r"/ig-api-upload/.*")) is (login == "facebook")

    def test_a_mixed_carousel(self, box: Sandbox, client: Client) -> None:
        tag = Instagram.Tag("crew", 0.5, 0.5, medium=1)
        publish(client, post(Video(FILM), BOAT, user_tags=(tag,)))
        (entry,) = box.timeline("instagram")
        assert [one["type"] for one in entry.media] == ["VIDEO", "IMAGE"]
        assert entry.extras["tags"] == [[], [{"username": "crew", "x": 0.5, "y": 0.5}]]

    def test_a_video_that_is_on_the_web_already(self, box: Sandbox, client: Client, wire: Recorder) -> None:
        publish(client, post(LINKED))
        assert not wire.requests("POST", r"/ig-api-upload/.*")
        assert box.timeline("instagram")[0].media[0]["mime"] == "video/mp4"

    @pytest.mark.parametrize("medium", [BOAT, Video(FILM)])
    def test_a_story(self, box: Sandbox, client: Client, medium: Any) -> None:
        receipt = publish(client, post(medium, text="", story=True))
        assert receipt.kind == "story"
        assert receipt.url is not None
        assert "/stories/brand/" in receipt.url

    def test_comments(self, box: Sandbox, client: Client) -> None:
        publish(client, post(first_comment="More below"), "one")
        publish(client, post(first_comment="More below"), "one")
        publish(client, post(comment_enabled=False))
        first, second = box.timeline("instagram")
        assert [one["text"] for one in first.extras["comments"]] == ["More below"]
        assert (first.extras["closed"], second.extras["closed"]) == (False, True)

    @pytest.mark.parametrize(
        "fault", ["dropped-after", "stored-then-500", "dropped-before", "stored-then-hang"]
    )
    def test_a_first_comment_is_never_there_twice(self, box: Sandbox, client: Client, fault: str) -> None:
        box.fault(fault, platform="instagram", match=r"POST /v26.0/[0-9]+/comments")
        report = client.publish(post(first_comment="More below"), "brand", idempotency_key="one")
        receipt = report["brand"].receipt
        assert receipt is not None
        again = publish(client, post(first_comment="More below"), "one")
        (entry,) = box.timeline("instagram")
        assert len(entry.extras["comments"]) == (fault != "dropped-before")
        missing = report["brand"].missing
        assert bool(missing) is (fault == "dropped-before"), missing
        assert again.id == receipt.id


class TestTrouble:
    @pytest.mark.parametrize("fault", ["dropped-after", "stored-then-500", "stored-then-hang"])
    def test_a_lost_answer_is_settled_by_the_container(
        self, box: Sandbox, client: Client, wire: Recorder, fault: str
    ) -> None:
        box.fault(fault, platform="instagram")
        receipt = publish(client, post())
        assert len(box.timeline("instagram")) == 1
        assert receipt.id == box.timeline("instagram")[0].id
        assert len(wire.requests("POST", r"/v26.0/[0-9]+/media")) == 1, "one container"

    @pytest.mark.parametrize("beside", ["twin", "deleted-meanwhile"])
    def test_published_without_a_known_id_is_a_record_a_person_completes(
        self, box: Sandbox, client: Client, beside: str
    ) -> None:
        whole = post(first_comment="More below")
        box.fault(beside, platform="instagram")
        box.fault("dropped-after", platform="instagram")
        report = client.publish(whole, "brand", idempotency_key="one", wait=600, errors="return")
        outcome = report["brand"]
        assert outcome.receipt is not None
        assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, None)
        assert "settle(key, found=" in outcome.missing[0]
        assert outcome.missing[1].startswith("first_comment: ")
        (row,) = client.fetch_metrics(outcome.receipt)
        assert isinstance(row.error, errors.ConfigError)
        with pytest.raises(errors.ConfigError, match="never told this post's id"):
            client.delete(outcome.receipt)
        assert publish(client, whole, "one").id is None
        assert len(box.instagram.containers) == 1
        if beside == "twin":
            assert all(entry.url in outcome.missing[0] for entry in box.timeline("instagram"))
            ours = box.timeline("instagram")[0]
            client.settle("one", found=ours.url, by="duty officer")
            assert publish(client, whole, "one").id == ours.id
            comments = [one.extras["comments"] for one in box.timeline("instagram")]
            assert [[one["text"] for one in few] for few in comments] == [["More below"], []]
            assert client.publish(whole, "brand", idempotency_key="one")["brand"].missing == ()

    def test_a_strangers_post_of_the_same_words_is_not_taken_for_one_that_never_arrived(
        self, box: Sandbox, client: Client
    ) -> None:
        box.fault("twin", platform="instagram")
        box.fault("dropped-before", platform="instagram")
        receipt = publish(client, post())
        _, ours = box.timeline("instagram")
        assert receipt.id == ours.id

    def test_one_executed_after_it_was_taken_for_failed_is_not_published_again(
        self, box: Sandbox, client: Client
    ) -> None:
        box.fault("stored-later", platform="instagram", seconds=900)
        box.fault("dropped-before", platform="instagram", times=9, skip=1)
        outcome = client.publish(post(), "brand", idempotency_key="one", wait=0, errors="return")["brand"]
        while outcome.status is Status.UNKNOWN:
            assert outcome.look_again_at is not None
            box.clock.advance((outcome.look_again_at - box.clock.now()).total_seconds())
            outcome = client.settle("one")["brand"]
        assert outcome.status is Status.FAILED
        box.faults.clear()
        box.clock.advance(900)
        outcome = client.publish(post(), "brand", idempotency_key="one", errors="return")["brand"]
        assert (outcome.status, len(box.instagram.containers)) == (Status.PUBLISHED, 1)
        (entry,) = box.timeline("instagram")
        assert entry.url in outcome.missing[0]

    def test_what_looks_like_spam_may_be_live(
        self, box: Sandbox, platform: InstagramBox, client: Client
    ) -> None:
        platform.spam = "stored"
        receipt = publish(client, post())
        assert receipt.id == box.timeline("instagram")[0].id

    def test_what_looks_like_spam_is_sent_once(
        self, box: Sandbox, platform: InstagramBox, client: Client, wire: Recorder
    ) -> None:
        platform.spam = "refused"
        outcome = client.publish(post(), "brand", idempotency_key="one", wait=600, errors="return")["brand"]
        assert outcome.status is Status.FAILED
        assert "some hours" in str(outcome.error)
        commits = wire.requests("POST", PUBLISH)
        assert len(commits) == 1
        assert not box.timeline("instagram")

    def test_no_post_is_left(self, box: Sandbox, platform: InstagramBox, client: Client) -> None:
        publish(client, post(text="First"))
        platform.quota = 1
        outcome = client.publish(post(), "brand", errors="return")["brand"]
        assert isinstance(outcome.error, errors.RateLimited)
        assert (
            outcome.error.retry_at == box.timeline("instagram")[0].created_at.replace(microsecond=0) + _day()
        )
        assert outcome.status is Status.FAILED

    def test_media_that_stay_in_processing(self, box: Sandbox, client: Client) -> None:
        box.fault("still-processing", platform="instagram", seconds=1000)
        outcome = client.publish(post(Video(FILM)), "brand", idempotency_key="one", errors="return")["brand"]
        assert (outcome.status, type(outcome.error)) == (Status.FAILED, errors.Unavailable)
        assert not box.timeline("instagram")
        box.clock.advance(1000)
        publish(client, post(Video(FILM)), "one")
        assert len(box.instagram.containers) == 1, "it went on with the container it had"

    def test_media_that_fail_once(self, box: Sandbox, client: Client) -> None:
        box.fault("processing-failed", platform="instagram")
        publish(client, post())
        assert len(box.timeline("instagram")) == 1

    def test_media_that_fail_again_and_again(self, box: Sandbox, client: Client) -> None:
        box.fault("processing-failed", platform="instagram", times=9)
        outcome = client.publish(post(), "brand", idempotency_key="one", errors="return")["brand"]
        assert (outcome.status, type(outcome.error)) == (Status.FAILED, errors.Unavailable)
        box.faults.clear()
        publish(client, post(), "one")

    def test_a_container_grows_old_between_two_processes(
        self, box: Sandbox, wire: Recorder, login: str
    ) -> None:
        store = MemoryStore()
        with client_of(box, login, wire, store=store) as first:
            wire.say(
                "POST", PUBLISH, 400, {"error": {"code": 9007, "error_subcode": 2207027, "message": "no"}}
            )
            for _ in range(3):
                wire.say(
                    "POST", PUBLISH, 400, {"error": {"code": 9007, "error_subcode": 2207027, "message": "no"}}
                )
            outcome = first.publish(post(), "brand", idempotency_key="one", errors="return")["brand"]
            assert outcome.status is Status.FAILED
        box.clock.advance(25 * 3600)
        with client_of(box, login, wire, store=store) as second:
            publish(second, post(), "one")
        assert len(box.instagram.containers) == 2
        assert len(box.timeline("instagram")) == 1

    def test_an_address_the_crawler_cannot_read(self, box: Sandbox, client: Client) -> None:
        picture = Image.from_url("https://example.com/page", alt="none")
        outcome = client.publish(post(picture), "brand", errors="return")["brand"]
        assert isinstance(outcome.error, errors.Unavailable)
        assert "facebookexternalhit" in str(outcome.error)
        assert outcome.status is Status.FAILED

    def test_a_post_just_made_is_not_seen_for_a_moment(
        self, box: Sandbox, platform: InstagramBox, client: Client
    ) -> None:
        platform.fresh_404 = 2
        assert publish(client, post()).url
        platform.fresh_404 = 9
        report = client.publish(post(text="Second"), "brand")
        assert report["brand"].status is Status.PUBLISHED
        assert any("permalink" in words for words in report["brand"].missing)

    def test_a_dead_token(self, box: Sandbox, client: Client, login: str) -> None:
        token = box.instagram.page_token() if login == "facebook" else box.instagram.token()
        box.instagram.revoke(token)
        outcome = client.publish(post(), "brand", errors="return")["brand"]
        assert isinstance(outcome.error, errors.ReauthNeeded)
        assert token not in repr(outcome.error)


class TestUploads:
    def test_a_later_process_sends_the_rest_only(self, box: Sandbox, tmp_path: Path) -> None:
        """What the first process sent before it died is not sent again."""
        path, store, wire = tmp_path / "film.mp4", MemoryStore(), Recorder(box.transport)
        path.write_bytes(FILM)
        with client_of(box, "facebook", wire, store=store) as first:
            for _ in range(9):
                wire.say("POST", r"/ig-api-upload/.*", 503)
            outcome = first.publish(post(Video(path)), "brand", idempotency_key="one", errors="return")[
                "brand"
            ]
            assert outcome.status is Status.FAILED
        (container,) = box.instagram.containers.values()
        headers = {"offset": "0", "file_size": str(len(FILM)), "content-type": "application/octet-stream"}
        headers["authorization"] = f"OAuth {box.instagram.page_token()}"
        _arrive(box, container.id, FILM[:200_000], headers)
        wire = Recorder(box.transport)
        with client_of(box, "facebook", wire, store=store) as second:
            publish(second, post(Video(path)), "one")
        (upload,) = wire.requests("POST", r"/ig-api-upload/.*")
        assert upload.headers["offset"] == "200000"
        assert int(upload.headers["content-length"]) == len(FILM) - 200_000
        assert len(box.instagram.containers) == 1

    def test_secrets_of_an_upload_are_in_no_journal(self, box: Sandbox) -> None:
        with client_of(box, "facebook", Recorder(box.transport)) as client:
            publish(client, post(Video(FILM)), "one")
            assert "ig-api-upload" not in repr([report.to_dict() for report in client.history()])


def _arrive(box: Sandbox, container: str, data: bytes, headers: dict[str, str]) -> None:
    """Bytes that reached Instagram before the connection broke."""
    import asyncio

    async def send() -> None:
        async with httpx.AsyncClient(transport=box.transport) as web:
            url = f"https://rupload.facebook.com/ig-api-upload/v26.0/{container}"
            assert (await web.post(url, content=data, headers=headers)).status_code == 200

    asyncio.run(send())


class TestReading:
    def test_metrics_of_every_kind(self, box: Sandbox, client: Client, wire: Recorder, login: str) -> None:
        receipts = [
            publish(client, post(text="One")),
            publish(client, post(Video(FILM), text="Two")),
            publish(client, post(text="", story=True)),
        ]
        box.clock.advance(43_200)
        before = len(wire.asked)
        rows = client.fetch_metrics(receipts)
        assert not rows.errors
        assert all(row.impressions and row.reach for row in rows)
        assert [row.likes is None for row in rows] == [False, False, True]
        assert [row.watch_seconds is None for row in rows] == [True, False, True]
        assert [row.clicks is None for row in rows] == [True, True, False]
        spent = [one for one in wire.asked[before:] if not one.url.path.endswith("/me")]
        assert len(spent) == (1 if login == "facebook" else 3)

    def test_a_refused_metric_and_hidden_likes(
        self, box: Sandbox, platform: InstagramBox, client: Client
    ) -> None:
        receipt = publish(client, post())
        platform.metric_refused, platform.shy = "reposts", True
        box.clock.advance(43_200)
        (row,) = client.fetch_metrics(receipt)
        assert row.error is None
        assert row.impressions
        assert row.likes, "insights tell them to the owner"

    def test_a_young_story_has_no_numbers(self, client: Client) -> None:
        receipt = publish(client, post(text="", story=True))
        (row,) = client.fetch_metrics(receipt)
        assert (row.error, row.reach) == (None, None)
        assert "Not enough viewers" in row.missing["reach"]

    def test_an_api_that_does_not_tell_the_product(
        self, box: Sandbox, platform: InstagramBox, wire: Recorder
    ) -> None:
        platform.tells_product = False
        with client_of(box, "instagram", wire) as client:
            receipt = publish(client, post())
            box.clock.advance(43_200)
            assert client.fetch_posts("brand")[0].id == receipt.id
            (row,) = client.fetch_metrics(receipt)
            assert (row.error, row.reach) == (None, None)
            assert row.likes is not None

    def test_the_account_over_three_months(self, client: Client, box: Sandbox) -> None:
        from datetime import timedelta

        now = box.clock.now()
        (month,) = client.fetch_account_metrics("brand", since=now - timedelta(days=30), until=now)
        (season,) = client.fetch_account_metrics("brand", since=now - timedelta(days=90), until=now)
        assert month.followers == season.followers == 1200
        assert month.reach
        assert season.reach is None
        assert season.impressions == 3 * (month.impressions or 0)


def _day() -> Any:
    from datetime import timedelta

    return timedelta(days=1)


def test_over_http_where_one_address_is_both(
    box: Sandbox, login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On loopback the token tells which login it is, and bytes go where Instagram says."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as url:
        server = f"{url}/instagram"
        platform = box.instagram
        given = platform.page_credentials(server) if login == "facebook" else platform.credentials(server)
        place: dict[str, Any] = {"clock": box.clock, "media_host": box.files.at(url), "store": ":memory:"}
        with Client({"brand": Instagram(**given)}, **place) as client:
            receipts = [publish(client, post(Video(FILM), text=f"Film {number}")) for number in range(2)]
            box.clock.advance(1000)
            assert not client.fetch_metrics(receipts).errors
    paths = [one.path for one in box.requests]
    assert any("/ig-api-upload/" in path for path in paths) is (login == "facebook")
    assert ("/v26.0" in paths) is (login == "facebook"), "metrics came in a batch"
    assert len(box.timeline("instagram")) == 2
