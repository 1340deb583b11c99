"""TikTok's uploads at their edges: what goes on, what begins anew, what the upload host may not repeat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from media_files import mp4
from socialkit import Client, Outcome, Post, Status, Video, errors
from socialkit.adapters import _tiktok_posts as posts
from socialkit.adapters import base
from socialkit.adapters._tiktok_posts import Seen
from socialkit.adapters._tiktok_rules import DROPPED
from socialkit.adapters.tiktok import TikTok
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .fakes import NOW, FakeCall
from .tiktok_samples import PUBLISH_ID, URL, call, clip, complete, no, opened, part_of, status, stored

BIG = 7412345678901234567
INIT = "/v2/post/publish/video/init/"
CLIP = Post("Ahoy", media=[Video(mp4(), alt="The boat")], visibility="public")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 2000 bytes, so that a small video has two."""
    monkeypatch.setattr(posts, "WHOLE", 1999)
    monkeypatch.setattr(posts, "CHUNK", 2000)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["tiktok"]) as box:
        yield box


def begun(**more: Any) -> dict[str, Any]:
    """What a part remembers of an upload that was begun."""
    session = {"id": PUBLISH_ID, "url": URL, "until": NOW.timestamp() + 3000, "dead": False, **more}
    return {"publish": PUBLISH_ID, "upload": session}


def steps(asking: FakeCall) -> list[tuple[str, str]]:
    return [(one.step, one.method) for one in asking.asked]


def publish(client: Client, post: Post = CLIP, key: str = "launch") -> Outcome:
    return client.publish(post, to="tiktok", idempotency_key=key, errors="return")["tiktok"]


class TestGoingOn:
    @pytest.mark.parametrize("told", [{}, {"uploaded_bytes": None}, {"uploaded_bytes": ""}])
    async def test_a_status_without_a_count_is_no_upload_that_is_done(self, told: dict[str, Any]) -> None:
        part = await part_of(clip())
        asking = call(status("PROCESSING_UPLOAD", **told), stored(), complete(BIG), memory=begun())
        sent = await asking.adapter.send(part, asking)
        assert sent.id == str(BIG)
        assert steps(asking) == [("read", "POST"), ("commit", "PUT"), ("read", "POST")]

    @pytest.mark.parametrize("state", ["PROCESSING_DOWNLOAD", "PUBLISH_COMPLETE", "SEND_TO_USER_INBOX"])
    async def test_a_status_beyond_the_upload_is_one_that_is_done(self, state: str) -> None:
        part = await part_of(clip())
        asking = call(status(state), complete(BIG), memory=begun())
        await asking.adapter.send(part, asking)
        assert {one.step for one in asking.asked} == {"read"}

    async def test_an_address_of_another_publish_id_is_not_used(self) -> None:
        part = await part_of(clip())
        waits = status("PROCESSING_UPLOAD", uploaded_bytes=0)
        memory = begun(id="v_pub_file~v2-1.999")
        asking = call(waits, opened("v_pub_file~v2-1.456"), stored(), complete(BIG), memory=memory)
        sent = await asking.adapter.send(part, asking)
        assert sent.raw["publish_id"] == "v_pub_file~v2-1.456"
        assert memory["upload"]["id"] == memory["publish"] == "v_pub_file~v2-1.456"

    async def test_nothing_is_sent_where_all_bytes_are_there(self, small: None) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        stray = stored(416, f"bytes 0-{size}/{size}")
        waits = status("PROCESSING_UPLOAD", uploaded_bytes=0)
        asking = call(waits, stray, complete(BIG), memory=begun(), lost=True)
        assert (await asking.adapter.send(part, asking)).id == str(BIG)
        assert [one.headers["content-range"] for one in asking.asked if one.method == "PUT"] == [
            f"bytes 0-1999/{size}"
        ]

    @pytest.mark.parametrize(("hours", "words"), [(2, "longer than the hour"), (0, "just opened")])
    async def test_a_new_address_that_is_dead(self, small: None, hours: int, words: str) -> None:
        part = await part_of(clip())

        def dead(_: Any) -> base.Response:
            asking.at = NOW + timedelta(hours=hours)
            return stored(403)

        asking = call(opened(), dead)
        with pytest.raises(errors.Declined, match=words):
            await asking.adapter.send(part, asking)
        assert sum(one.path == INIT for one in asking.asked) == 1

    async def test_it_goes_on_within_a_chunk(self, small: None) -> None:
        part = await part_of(clip())
        size = part.media[0].size
        waits = status("PROCESSING_UPLOAD", uploaded_bytes=500)
        asking = call(waits, stored(206), stored(), complete(BIG), memory=begun())
        await asking.adapter.send(part, asking)
        puts = [one.headers["content-range"] for one in asking.asked if one.method == "PUT"]
        assert puts == [f"bytes 500-1999/{size}", f"bytes 2000-{size - 1}/{size}"]


class TestSeen:
    """What a status proves of a file of ten bytes."""

    @pytest.mark.parametrize(
        ("state", "uploaded", "waits", "whole"),
        [
            ("PROCESSING_UPLOAD", None, False, False),
            ("PROCESSING_UPLOAD", 0, True, False),
            ("PROCESSING_UPLOAD", 9, True, False),
            ("PROCESSING_UPLOAD", 10, False, True),
            ("PUBLISH_COMPLETE", 0, False, True),
            ("PUBLISH_COMPLETE", None, False, True),
            ("", None, False, False),
        ],
    )
    def test_bytes(self, state: str, uploaded: int | None, waits: bool, whole: bool) -> None:
        seen = Seen(state, uploaded)
        assert (seen.waits(10), seen.whole(10)) == (waits, whole)


class TestUploadHost:
    @pytest.mark.parametrize(
        ("http", "words"),
        [(400, "Content-Range"), (403, "lives for an hour"), (404, "no such upload"), (418, "no reason")],
    )
    async def test_what_a_refusal_means(self, http: int, words: str) -> None:
        part = await part_of(clip())
        asking = call(opened(), stored(http))
        with pytest.raises(errors.Declined, match=words) as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.__dict__["status"] == http

    def test_its_pages_are_not_repeated(self) -> None:
        page = b"<html>403 for " + URL.encode() + b"</html>"
        answer = base.Response(403, {}, page, url=URL, method="PUT", received_at=NOW)
        error = TikTok(token="t").parse_error(answer)
        assert "s3cret" not in f"{error!r} {error.__dict__}"
        assert "upload_id" not in f"{error!r} {error.__dict__}"
        other = TikTok(token="t").parse_error(attrs.evolve(answer, method="POST"))
        assert "403 for" in str(other)

    def test_several_chunks_that_are_refused_say_what_to_do(self) -> None:
        adapter = TikTok(token="t")
        refused = adapter.parse_error(no("invalid_params", 400, "The chunk size is invalid"))
        assert isinstance(refused, errors.Declined)
        assert "pull=True" in str(refused)
        assert "pull=True" not in str(adapter.parse_error(no("invalid_params", 400, "No.")))


def test_an_app_that_may_send_one_chunk_only(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    box.tiktok.several_chunks = False
    large = Post("Large", media=[Video(mp4(data=12_000_000), alt="Large")], visibility="public")
    with box.client(store=MemoryStore()) as client:
        assert publish(client, large, "one chunk").status is Status.PUBLISHED
        monkeypatch.setattr(posts, "WHOLE", 6_000_000)
        monkeypatch.setattr(posts, "CHUNK", 5_000_000)
        refused = publish(client, large, "two chunks")
    assert refused.status is Status.FAILED
    assert "The chunk size is invalid" in str(refused.error)
    assert "pull=True" in str(refused.error)


@pytest.mark.parametrize(
    ("reason", "wait"), [("spam_risk_too_many_posts", timedelta(days=1)), ("spam_risk", None)]
)
async def test_a_drop_for_the_days_cap_says_when_to_come_back(reason: str, wait: timedelta | None) -> None:
    part = await part_of(clip())
    asking = call(opened(), stored(), status("FAILED", fail_reason=reason))
    with pytest.raises(errors.Declined) as caught:
        await asking.adapter.send(part, asking)
    assert caught.value.retry_at == (NOW + wait if wait else None)


def test_what_tiktok_does_not_count_is_not_on_its_way(box: Sandbox) -> None:
    """No byte of it was sent, and the status leaves the count of nothing out."""
    store = MemoryStore()
    box.tiktok.tells_zeros = False
    box.fault("dropped-before", platform="tiktok", match="PUT /video/", times=9)
    with box.client(store=store) as first:
        lost = first.publish(CLIP, to="tiktok", idempotency_key="launch", errors="return", wait=0)["tiktok"]
    assert lost.status in (Status.UNKNOWN, Status.FAILED)
    assert box.timeline("tiktok") == []
    box.faults.clear()
    with box.client(store=store) as second:
        assert publish(second).status is Status.PUBLISHED
    assert sum(one.path == INIT for one in box.requests) == 1
    assert len(box.timeline("tiktok")) == 1


@pytest.mark.parametrize("reason", ["spam_risk_text", "frame_rate_check_failed"])
def test_the_reason_of_a_drop_reaches_the_author(box: Sandbox, reason: str) -> None:
    box.tiktok.drop_reason = reason
    box.fault("processing-failed", platform="tiktok")
    with box.client(store=MemoryStore()) as client:
        outcome = publish(client)
    assert outcome.status is Status.FAILED
    assert f"{reason}; {DROPPED[reason]}" in str(outcome.error)
    assert box.timeline("tiktok") == []
