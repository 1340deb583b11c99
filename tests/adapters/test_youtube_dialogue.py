"""The 308 dialogue of YouTube's uploads, with every answer it can give, and what must never come of it: two videos."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from media_files import mp4
from socialkit import Captions, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._youtube_upload import CHUNK, NAMING, UNIT, rest_of
from socialkit.store import MemoryStore

from .fakes import NOW, answer
from .youtube_samples import ID, PLACE, VTT, call, held, made, only_part, opened, post, refusal, sized, stage

KNOWN = {"session": {"url": PLACE, "name": "clip-1.mp4"}}
GONE = [404, 410]


def gone(status: int = 404) -> base.Response:
    return answer(status=status, content=b"")


def ranges(asking: Any) -> list[str]:
    return [one.headers["content-range"] for one in asking.asked if one.method == "PUT"]


async def small(size: int = 2 * UNIT) -> base.Part:
    return sized(await only_part(post()), size)


class TestAnswersToAPiece:
    async def test_308_without_a_range_begins_at_zero_again(self) -> None:
        part = sized(await only_part(post()), 2 * CHUNK + 5)
        asking = call(opened(), held(CHUNK), held(0), held(CHUNK), held(2 * CHUNK), made())
        await asking.adapter.send(part, asking)
        starts = [one.partition("-")[0] for one in ranges(asking)]
        assert starts == [f"bytes {n}" for n in (0, CHUNK, 0, CHUNK, 2 * CHUNK)]

    async def test_308_in_the_middle_of_a_piece_goes_on_after_what_is_held(self) -> None:
        part = sized(await only_part(post()), 2 * CHUNK + 5)
        asking = call(opened(), held(CHUNK + UNIT), held(2 * CHUNK), made())
        await asking.adapter.send(part, asking)
        assert ranges(asking)[1].startswith(f"bytes {CHUNK + UNIT}-")

    @pytest.mark.parametrize("status", [200, 201])
    async def test_the_answer_of_the_last_piece_is_the_video(self, status: int) -> None:
        asking = call(opened(), attrs.evolve(made(), status=status))
        assert (await asking.adapter.send(await small(), asking)).id == ID

    async def test_200_twice_is_one_video(self) -> None:
        asking = call(made(), memory=dict(KNOWN))
        first = await asking.adapter.send(await small(), asking)
        again = call(made(), memory=dict(KNOWN))
        second = await again.adapter.find(base.Lost(await small(), NOW, NOW), again)
        assert isinstance(second, base.Found)
        assert (first.id, second.sent.id) == (ID, ID)

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_5xx_is_asked_about_after_the_rest_it_wishes(self, status: int) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        broken = answer(status=status, content=b"", headers={"retry-after": "30"})
        asking = call(opened(), broken, held(CHUNK), made())
        await asking.adapter.send(part, asking)
        assert ranges(asking)[1] == f"bytes */{CHUNK + 5}"
        (rest,) = asking.waits
        assert 30.0 <= rest <= 37.5

    def test_rests_grow(self) -> None:
        broken = base.Response(503, {}, received_at=NOW)
        assert [rest_of(broken, stuck) for stuck in range(4)] == [1.0, 2.0, 4.0, 8.0]

    @pytest.mark.parametrize("status", GONE)
    async def test_a_session_gone_at_a_piece_is_begun_anew(self, status: int) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        asking = call(opened(), gone(status), opened(), held(CHUNK), made())
        await asking.adapter.send(part, asking)
        assert [one.step for one in asking.asked] == ["prepare"] * 4 + ["commit"]

    async def test_another_refusal_stands(self) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        asking = call(opened(), refusal(400, "badRequest"))
        with pytest.raises(errors.Declined):
            await asking.adapter.send(part, asking)
        assert len(asking.asked) == 2


class TestTheLastPiece:
    async def test_308_after_all_bytes_waits_for_the_name(self) -> None:
        part = await small()
        asking = call(opened(), held(2 * UNIT), held(2 * UNIT), held(2 * UNIT), held(2 * UNIT), made())
        assert (await asking.adapter.send(part, asking)).id == ID
        steps = [one.step for one in asking.asked]
        assert steps == ["prepare", "commit", "read", "commit", "read", "read"]
        whole = asking.asked[3]
        assert (whole.headers["content-range"], whole.body) == (f"bytes */{2 * UNIT}", b"")
        assert list(whole.options["accept"]) == [308]
        assert asking.waits == [NAMING[0]]

    @pytest.mark.parametrize("status", [400, 401, 403, 429])
    async def test_a_refusal_while_the_name_is_waited_for_is_no_refusal_of_the_video(
        self, status: int
    ) -> None:
        whole = [held(2 * UNIT)] * 3
        asking = call(opened(), *whole, refusal(status, "forbidden"))
        with pytest.raises(errors.OutcomeUnknown, match="does not name the video yet"):
            await asking.adapter.send(await small(), asking)

    @pytest.mark.parametrize("told", [answer({}), answer([]), answer(content=b"<html>"), answer({"id": 5})])
    async def test_a_whole_upload_that_names_no_video_may_be_live(self, told: base.Response) -> None:
        asking = call(opened(), told)
        with pytest.raises(errors.OutcomeUnknown, match="names no video"):
            await asking.adapter.send(await small(), asking)

    @pytest.mark.parametrize("status", GONE)
    async def test_no_second_session_while_a_last_piece_is_lost(self, status: int) -> None:
        """It would make a second video."""
        for memory in (dict(KNOWN), {}):
            asking = call(*([gone(status)] if memory else []), memory=memory, lost=True)
            with pytest.raises(errors.OutcomeUnknown, match="session is gone"):
                await asking.adapter.send(await small(), asking)
            assert {one.step for one in asking.asked} <= {"read"}

    async def test_a_lost_session_that_is_gone_keeps_its_mark(self) -> None:
        memory = dict(KNOWN)
        asking = call(held(2 * UNIT), held(2 * UNIT), gone(), gone(), memory=memory, lost=True)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(await small(), asking)
        assert memory["session"]["name"] == "clip-1.mp4"

    async def test_308_where_nothing_may_be_repeated_stands(self) -> None:
        facts = attrs.evolve(call().facts, fences=())
        asking = call(held(0), refusal(308, ""), memory=dict(KNOWN), lost=True, facts=facts)
        with pytest.raises(errors.Declined):
            await asking.adapter.send(await small(), asking)

    async def test_an_upload_that_breaks_off_again_and_again_is_given_up(self) -> None:
        part = await small()
        asking = call(opened(), *[held(UNIT)] * 7)
        with pytest.raises(errors.Unavailable, match="again and again; nothing is published"):
            await asking.adapter.send(part, asking)


class TestWithTheSandbox:
    def test_a_session_that_was_begun_for_other_content_is_not_ended_with_it(self) -> None:
        with stage() as (box, _, client):
            box.fault("dropped-before", platform="youtube", skip=2, times=40)
            old = post("Old words", title="Old", media=[Video(mp4(data=3 * CHUNK))])
            failed = client.publish(old, "youtube", idempotency_key="k", errors="return")["youtube"]
            assert failed.status is Status.FAILED
            box.faults.clear()
            new = post("New words", title="New", media=[Video(mp4(data=3 * CHUNK))])
            assert client.publish(new, "youtube", idempotency_key="k")["youtube"].status is Status.PUBLISHED
            assert [(one.title, one.text) for one in box.timeline("youtube")] == [("New", "New words")]

    def test_a_server_that_keeps_half_of_each_piece_gets_the_whole_video(self) -> None:
        data = mp4(data=2 * CHUNK)
        with stage() as (box, _, client):
            box.youtube.stores = CHUNK - UNIT
            outcome = client.publish(post(media=[Video(data)]), "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.PUBLISHED
            (entry,) = box.timeline("youtube")
            assert entry.extras["file"]["size"] == len(data)
            assert len({session for session, _, _ in box.youtube.chunk_log}) == 1

    def test_a_last_piece_of_which_a_part_is_kept_is_ended(self) -> None:
        with stage() as (box, _, client):
            box.youtube.stores = UNIT
            given = post(media=[Video(mp4(data=3 * UNIT))])
            outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.PUBLISHED
            assert len(box.timeline("youtube")) == 1

    def test_a_video_that_is_named_late_is_never_said_not_to_be(self) -> None:
        with stage() as (box, _, client):
            box.youtube.seconds_to_name = 12.0
            outcome = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.PUBLISHED
            assert len(box.timeline("youtube")) == 1

    def test_a_video_that_is_named_after_an_hour_is_unknown_and_then_found(self) -> None:
        with stage() as (box, _, client):
            box.youtube.seconds_to_name = 3600.0
            outcome = client.publish(post(), "youtube", idempotency_key="k", errors="return")["youtube"]
            assert outcome.status is Status.UNKNOWN, outcome.error
            assert isinstance(outcome.error, errors.OutcomeUnknown)
            (past,) = client.history()
            assert past["youtube"].status is Status.UNKNOWN
            box.clock.advance(3600)
            assert client.settle("k")["youtube"].status is not Status.UNKNOWN
            assert (
                client.publish(post(), "youtube", idempotency_key="k")["youtube"].status is Status.PUBLISHED
            )
            assert len(box.timeline("youtube")) == 1

    @pytest.mark.parametrize("fault", ["dropped-after", "stored-then-500", "stored-then-hang"])
    def test_a_session_that_is_gone_after_a_lost_answer_makes_no_second_video(self, fault: str) -> None:
        """The list is late as well; the next process goes on within the fence's time."""
        store = MemoryStore()
        with stage(store=store) as (box, _, client):
            box.fault(fault, platform="youtube")
            box.fault("listed-late", platform="youtube", seconds=500)
            box.clock.call_at(box.clock.now() + timedelta(seconds=1), box.youtube.sessions.clear)
            first = client.publish(post(), "youtube", idempotency_key="k", errors="return", wait=0)["youtube"]
            assert first.status is Status.UNKNOWN, first.error
            for _ in range(3):
                again = client.publish(post(), "youtube", idempotency_key="k", errors="return", wait=0)
                assert again["youtube"].status in (Status.UNKNOWN, Status.PUBLISHED), again["youtube"].error
            box.clock.advance(600)
            last = client.publish(post(), "youtube", idempotency_key="k", errors="return")["youtube"]
            assert last.status is Status.PUBLISHED, last.error
            assert len(box.timeline("youtube")) == 1

    @pytest.mark.parametrize("listed", [True, False])
    def test_a_private_video_is_not_made_again_because_no_list_shows_it(self, listed: bool) -> None:
        with stage() as (box, _, client):
            box.youtube.private_in_uploads = listed
            box.fault("dropped-after", platform="youtube")
            box.clock.call_at(box.clock.now() + timedelta(seconds=1), box.youtube.sessions.clear)
            given = post(visibility="private")
            for _ in range(3):
                last = client.publish(given, "youtube", idempotency_key="k", errors="return")["youtube"]
                box.clock.advance(200)
            assert last.status is (Status.PUBLISHED if listed else Status.UNKNOWN)
            assert len(box.timeline("youtube")) == 1

    def test_no_address_of_a_session_stands_in_an_error(self) -> None:
        with stage() as (box, wire, client):
            shown, track = [], Captions(VTT, "en")
            box.fault(
                "stored-then-hang", platform="youtube", match="PUT /upload/youtube/v3/captions", times=60
            )
            given = post("Told", media=[Video(mp4(), captions=[track])])
            outcome = client.publish(given, "youtube", idempotency_key="told")["youtube"]
            assert "captions en: " in outcome.missing[0]
            shown += [repr(outcome), repr(outcome.missing)]
            box.faults.clear()
            for number, fault in enumerate(("dropped-before", "stored-then-hang", "expired-token", "429")):
                box.fault(fault, platform="youtube", times=60)
                given = Post("We sail", title=f"Launch {number}", media=[Video(mp4(data=CHUNK))])
                outcome = client.publish(given, "youtube", idempotency_key=str(number), errors="return")[
                    "youtube"
                ]
                shown += [repr(outcome), repr(outcome.error), str(outcome.error)]
                box.faults.clear()
            shown += [repr([report.to_dict() for report in client.history()]), repr(box.requests)]
            paths = [f"/upload/youtube/v3/{name}" for name in ("videos", "captions")]
            places = [one.headers.get("location", "") for path in paths for one in wire.answers("POST", path)]
            secrets = [place.partition("upload_id=")[2].partition("&")[0] for place in places if place]
            assert secrets
            assert not [secret for secret in secrets for text in shown if secret in text]
