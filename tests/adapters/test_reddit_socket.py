"""Reddit's socket: what it says of pictures and videos is recorded; unheard, the own posts are looked through."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media_files import mp4, png
from socialkit import Client, Image, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._reddit_posts import Told, told_by
from socialkit.adapters.reddit import LISTENS
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .fakes import NOW, answer
from .test_reddit import call, harbour, listing, post, publish, thing

SOCKET = "wss://k8s-lb.wss.redditmedia.com/k3y?m=s1gned"
IMAGE = {"media": [Image(png(8, 8))]}
VIDEO = {"media": [Video(mp4(seconds=5.0), thumbnail=Image(png(16, 9)))]}


def asked(box: Sandbox) -> list[tuple[str, int | str]]:
    """The reading requests after the submit, as (path, status)."""
    paths = [one.path for one in box.requests]
    after = len(paths) - paths[::-1].index("/api/submit")
    return [(one.path, one.status) for one in box.requests[after:]]


def on_socket(box: Sandbox) -> str:
    (key,) = box.reddit.tellings
    return f"/{key}"


class TestHeard:
    @pytest.mark.parametrize("kind", ["image", "video"])
    def test_the_socket_names_the_post(self, kind: str) -> None:
        with harbour() as (box, client):
            outcome = publish(box, client, post(**(IMAGE if kind == "image" else VIDEO)))
            (entry,) = box.timeline("reddit")
            assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, entry.id)
            assert (outcome.receipt.url, outcome.receipt.published_at) == (entry.url, entry.created_at)
            assert asked(box) == [(on_socket(box), 101), ("/api/info", 200)]

    def test_a_video_is_waited_for_longer_than_a_picture(self) -> None:
        with harbour() as (box, client):
            box.reddit.image_seconds = box.reddit.video_seconds = 50.0
            picture = publish(box, client, post(**IMAGE), "picture")
            assert picture.status is Status.PROCESSING
            assert ("/user/brand/submitted", 200) in asked(box)
            assert publish(box, client, post("Clip", **VIDEO), "clip").status is Status.PUBLISHED
            assert asked(box)[-1] == ("/api/info", 200)

    def test_media_that_fail_are_certainly_not_live_in_reddits_words(self) -> None:
        with harbour() as (box, client):
            box.reddit.failed_payload = {"message": "The file is corrupt."}
            box.fault("processing-failed", platform="reddit")
            outcome = publish(box, client, post(**VIDEO))
            assert outcome.status is Status.FAILED
            assert isinstance(outcome.error, errors.Declined)
            assert (outcome.error.code, outcome.error.said) == ("failed", "The file is corrupt.")
            assert "failed to process its media: The file is corrupt." in str(outcome.error)
            assert asked(box) == [(on_socket(box), 101), ("/user/brand/submitted", 200)]
            assert client.history()[0]["reddit"].status is Status.FAILED
            assert box.timeline("reddit") == []

    def test_the_next_attempt_puts_everything_up_anew(self) -> None:
        with harbour() as (box, client):
            box.fault("processing-failed", platform="reddit")
            assert publish(box, client, post(**VIDEO)).status is Status.FAILED
            again = publish(box, client, post(**VIDEO))
            assert again.status is Status.PUBLISHED, again.error
            videos = [lease for lease in box.reddit.leases.values() if lease.mime == "video/mp4"]
            assert len(videos) == 2
            (entry,) = box.timeline("reddit")
            assert entry.media[0]["id"] == videos[1].asset_id

    def test_a_file_that_is_no_picture_fails(self) -> None:
        with harbour() as (box, client):
            sniffed = box.reddit.uploaded

            def spoilt(*given: Any) -> Any:
                lease = sniffed(*given)
                lease.upload.head = b"no picture at all"
                return lease

            box.reddit.uploaded = spoilt
            outcome = publish(box, client, post(**IMAGE))
            assert (outcome.status, box.timeline("reddit")) == (Status.FAILED, [])
            assert "does not say why" in outcome.error.said

    def test_a_failure_the_list_disproves_is_none(self) -> None:
        """Whatever the socket says, a post that is there is recorded as live."""
        with harbour() as (box, client):
            processed = box.reddit._processed

            def lying(*given: Any) -> Any:
                answered = processed(*given)
                (key,) = box.reddit.tellings
                moment, _ = box.reddit.tellings[key]
                box.reddit.tellings[key] = moment, '{"type": "failed", "payload": {}}'
                return answered

            box.reddit._processed = lying
            outcome = publish(box, client, post(**IMAGE))
            assert outcome.status is Status.PUBLISHED
            assert outcome.receipt.id == box.timeline("reddit")[0].id

    def test_what_the_automoderator_hides_is_told(self) -> None:
        with harbour() as (box, client):
            box.reddit.automoderator.add("Ahoy")
            outcome = publish(box, client, post(**VIDEO))
            assert outcome.missing == ("Reddit took it out of sight: automod_filtered",)

    def test_a_reading_that_fails_does_not_undo_what_was_heard(self) -> None:
        with harbour(max_wait=1) as (box, client):
            box.fault("429", platform="reddit", match="GET /api/info", times=9, seconds=900)
            outcome = publish(box, client, post(**IMAGE))
            (entry,) = box.timeline("reddit")
            assert (outcome.status, outcome.receipt.id, outcome.receipt.url) == (
                Status.PUBLISHED,
                entry.id,
                entry.url,
            )

    def test_a_thread_goes_on_under_what_the_socket_named(self) -> None:
        with harbour() as (box, client):
            outcome = publish(box, client, post(thread=[Post("Two")], **VIDEO))
            assert outcome.status is Status.PUBLISHED, outcome.error
            one, two = box.timeline("reddit")
            assert two.reply_to == one.id


class TestUnheard:
    @pytest.mark.parametrize("kind", ["dropped-before", "dropped-after", "stored-then-hang", "expired-token"])
    def test_a_lost_socket_leads_to_the_list(self, kind: str) -> None:
        with harbour() as (box, client):
            box.fault(kind, platform="reddit", match="GET /[^/]+")
            outcome = publish(box, client, post(**IMAGE))
            assert outcome.status is Status.PUBLISHED, outcome.error
            assert outcome.receipt.id == box.timeline("reddit")[0].id
            assert asked(box)[-1] == ("/user/brand/submitted", 200)

    def test_lost_socket_and_failed_media_are_processing_and_never_published(self) -> None:
        with harbour() as (box, client):
            box.fault("stored-then-hang", platform="reddit", match="GET /[^/]+")
            box.fault("processing-failed", platform="reddit")
            outcome = publish(box, client, post(**VIDEO))
            assert outcome.status is Status.PROCESSING
            box.clock.advance(2 * 3600)
            told = client.settle("key")["reddit"]
            assert told.status is Status.PROCESSING
            assert "failed to process" in told.missing[0]
            assert box.timeline("reddit") == []

    def test_a_limit_while_looking_does_not_undo_the_post(self) -> None:
        with harbour(max_wait=1) as (box, client):
            box.fault("dropped-before", platform="reddit", match="GET /[^/]+")
            box.fault("429", platform="reddit", match="GET /user/.*", times=9, seconds=900)
            outcome = publish(box, client, post(**IMAGE))
            assert outcome.status is Status.PROCESSING
            box.faults.clear()
            box.clock.advance(900)
            assert client.settle("key")["reddit"].status is Status.PUBLISHED

    def test_who_comes_too_late_hears_nothing(self) -> None:
        with harbour() as (box, client):
            processed = box.reddit._processed

            def early(*given: Any) -> Any:
                answered = processed(*given)
                (key,) = box.reddit.tellings
                moment, words = box.reddit.tellings[key]
                box.reddit.tellings[key] = moment.replace(year=2020), words
                return answered

            box.reddit._processed = early
            assert publish(box, client, post(**IMAGE)).status is Status.PUBLISHED
            assert asked(box) == [(on_socket(box), 101), ("/user/brand/submitted", 200)]

    @pytest.mark.parametrize("url", ["", None, 7])
    async def test_an_answer_without_an_address_is_looked_for(self, url: Any) -> None:
        sending = await sent({"websocket_url": url, "user_submitted_page": "p"}, listing(shown()))
        assert sending.listened == []
        assert sending.asked[-1].path == "/user/brand/submitted"

    @pytest.mark.parametrize(
        "words",
        [
            "begun",
            "[]",
            "null",
            '{"type": "success"}',
            '{"type": "success", "payload": {"redirect": "https://example.com/1"}}',
            '{"type": "success", "payload": {"redirect": "https://www.reddit.com/r/a/comments/1a/b/2b/"}}',
            '{"type": "success", "payload": {"redirect": 7}}',
            '{"type": "progress", "payload": {}}',
        ],
    )
    async def test_words_that_are_no_end_are_not_taken_for_one(self, words: str) -> None:
        assert told_by(words) is None
        sending = await sent({"websocket_url": SOCKET}, listing(shown()), heard=[words])
        assert sending.asked[-1].path == "/user/brand/submitted"


def shown(**more: Any) -> dict[str, Any]:
    return thing(url="https://i.redd.it/abc.png", is_self=False, **more)


async def sent(data: dict[str, Any], *answers: Any, heard: Any = (), kind: str = "image") -> Any:
    """A submit of one upload that is up already, answered with ``data``."""
    sending = call(answer({"json": {"errors": [], "data": data}}), *answers, heard=heard)
    item = base.PartMedia("image", "image/png", 3, "d" * 64, "bytes")
    sending.memory = {f"media 0 {'d' * 16}": ["abc", "https://x/abc"], "poster plain": ["p", "https://x/p"]}
    request = {"sr": "u_brand", "title": "News", "kind": kind, "text": "Ahoy"}
    part = base.Part(0, {"kind": kind, "request": request}, "Ahoy", media=(item,))
    sending.result = await sending.adapter.send(part, sending)
    return sending


class TestTheCall:
    @pytest.mark.parametrize("kind", ["image", "video"])
    async def test_the_submits_socket_is_listened_to_for_its_time(self, kind: str) -> None:
        told = json.dumps(
            {"type": "success", "payload": {"redirect": f"https://www.reddit.com{thing()['permalink']}"}}
        )
        sending = await sent({"websocket_url": SOCKET}, listing(shown()), heard=["begun", told], kind=kind)
        assert sending.listened == [(SOCKET, LISTENS[kind])]
        assert (sending.result.id, sending.result.published_at) == ("t3_1kh35wk", NOW)
        assert [one.path for one in sending.asked] == ["/api/submit", "/api/info"]

    async def test_nobody_shows_it_yet(self) -> None:
        told = '{"type": "success", "payload": {"redirect": "https://www.reddit.com/user/brand/comments/1a/news/"}}'
        sending = await sent({"websocket_url": SOCKET}, listing(), heard=[told])
        assert (sending.result.id, sending.result.url) == (
            "t3_1a",
            "https://www.reddit.com/user/brand/comments/1a/news/",
        )
        assert sending.result.status is Status.PUBLISHED

    @pytest.mark.parametrize(
        ("payload", "words"),
        [
            ({"message": "Too  long", "code": 3}, "Too  long"),
            ("broken", "broken"),
            ({"redirect": "https://www.reddit.com/user/brand/"}, "it does not say why"),
            ({}, "it does not say why"),
            (None, "it does not say why"),
            ({"message": "a" * 999}, "a" * 300),
        ],
    )
    async def test_the_words_of_a_failure(self, payload: Any, words: str) -> None:
        told = told_by(json.dumps({"type": "failed", "payload": payload}))
        assert isinstance(told, Told)
        assert (told.name, told.words.startswith(words), len(told.words) <= 300) == (None, True, True)


class TestSecrets:
    def test_the_sockets_address_is_kept_and_shown_nowhere(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with Sandbox(["reddit"]) as box, box.client(store=str(tmp_path / "posts.db")) as client:
            box.fault("processing-failed", platform="reddit")
            failed = publish(box, client, post(**IMAGE), "failed")
            box.fault("dropped-before", platform="reddit", match="GET /[^/]+")
            done = publish(box, client, post(**IMAGE), "done")
            assert (failed.status, done.status) == (Status.FAILED, Status.PUBLISHED)
            shown = (
                f"{failed!r}{done!r}{failed.error}{[one.to_dict() for one in client.history()]}{caplog.text}"
            )
            kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
            secrets = [word for key in box.reddit.tellings for word in (key, box.reddit._signature(key))]
            assert len(secrets) == 4
            assert b"assets" in kept
            assert not [word for word in secrets if word in shown or word.encode() in kept]


class TestServed:
    @pytest.fixture
    def served(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, Client]]:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with (
            Sandbox(["reddit"]) as box,
            box.serve() as url,
            Client(box.accounts(url), store=MemoryStore(), clock=box.clock) as client,
        ):
            yield box, client

    def test_a_real_socket_names_the_post(self, served: tuple[Sandbox, Client]) -> None:
        box, client = served
        outcome = publish(box, client, post(**VIDEO))
        assert outcome.status is Status.PUBLISHED, outcome.error
        assert outcome.receipt.id == box.timeline("reddit")[0].id
        (key,) = box.reddit.tellings
        assert asked(box) == [(f"/wss/{key}", 101), ("/api/info", 200)]

    def test_a_real_socket_tells_of_a_failure(self, served: tuple[Sandbox, Client]) -> None:
        box, client = served
        box.reddit.failed_payload = {"message": "The file is corrupt."}
        box.fault("processing-failed", platform="reddit")
        outcome = publish(box, client, post(**IMAGE))
        assert (outcome.status, outcome.error.said) == (Status.FAILED, "The file is corrupt.")
        assert publish(box, client, post(**IMAGE)).status is Status.PUBLISHED

    @pytest.mark.parametrize("kind", ["dropped-before", "dropped-after"])
    def test_a_socket_that_breaks_leads_to_the_list(self, served: tuple[Sandbox, Client], kind: str) -> None:
        box, client = served
        box.fault(kind, platform="reddit", match="GET /wss/.*")
        assert publish(box, client, post(**IMAGE)).status is Status.PUBLISHED
        assert asked(box)[-1] == ("/user/brand/submitted", 200)

    def test_without_the_package_it_is_found_all_the_same(
        self, served: tuple[Sandbox, Client], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "websockets.asyncio.client", None)
        box, client = served
        assert publish(box, client, post(**IMAGE)).status is Status.PUBLISHED
        assert {path for path, _ in asked(box)} == {"/user/brand/submitted"}


class TestGivingUp:
    async def test_who_is_cancelled_while_listening_leaves_a_true_record(self) -> None:
        with Sandbox(["reddit"]) as box:
            box.clock.autojump = False
            async with box.async_client(store=MemoryStore()) as client:
                work = asyncio.ensure_future(client.publish(post(**IMAGE), "reddit", idempotency_key="key"))
                for _ in range(2000):
                    if any(line.status == 101 for line in box.requests):
                        break
                    await asyncio.sleep(0)
                work.cancel()
                box.clock.autojump = True
                with pytest.raises(asyncio.CancelledError):
                    await work
                box.clock.advance(600)
                settled = (await client.settle("key"))["reddit"]
                (entry,) = box.timeline("reddit")
                assert (settled.status, settled.receipt.id) == (Status.PUBLISHED, entry.id)
