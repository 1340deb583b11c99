"""Settling: what became of a post whose answer was lost is learnt by reading, or said by a person; never guessed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest

from processes import picture
from socialkit import (
    Client,
    ConfigError,
    Declined,
    Image,
    Mastodon,
    Outcome,
    OutcomeUnknown,
    Post,
    Progress,
    Receipt,
    Report,
    Status,
)
from socialkit.adapters.base import Absent, Found, Response, Sent
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, Row

HELLO = Post("We ship today")
STATUSES = "POST /api/v1/statuses"
OWN_POSTS = "GET /api/v1/accounts/[^/]+/statuses"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A server that ignores idempotency keys: only looking helps."""
    with Sandbox(["mastodon"]) as box:
        box.mastodon.software = "gotosocial"
        yield box


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(box: Sandbox, store: MemoryStore) -> Iterator[Client]:
    with box.client(store=store) as client:
        yield client


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("mastodon")]


def rows(store: MemoryStore, kind: str | None = None) -> list[Row]:
    return store.transact(lambda tx: tx.rows(kinds=[kind] if kind else ()))


def lose(
    box: Sandbox, client: Client, post: Post = HELLO, key: str = "launch", fault: str = "stored-then-hang"
) -> Outcome:
    """Publish with a lost answer, and nobody looking for it yet."""
    box.fault(fault, platform="mastodon", match=STATUSES)
    box.fault("expired-token", platform="mastodon", match=OWN_POSTS)
    outcome = client.publish(post, to="mastodon", idempotency_key=key, errors="return", wait=0)["mastodon"]
    box.faults.clear()
    assert outcome.status is Status.UNKNOWN
    return outcome


def settle(client: Client, key: str = "launch", **word: Any) -> Outcome:
    report = client.settle(key, **word)
    assert isinstance(report, Report)
    return report["mastodon"]


def settle_to_the_end(box: Sandbox, client: Client, key: str = "launch") -> Outcome:
    """Look again whenever the outcome says so, as a scheduler does."""
    for _ in range(20):
        outcome = settle(client, key)
        if outcome.status is not Status.UNKNOWN:
            return outcome
        assert outcome.look_again_at is not None
        box.clock.advance((outcome.look_again_at - box.clock.now()).total_seconds())
    raise AssertionError("never settled")


def publish(client: Client, post: Post = HELLO, key: str = "launch", **options: Any) -> Outcome:
    asked: dict[str, Any] = {"idempotency_key": key, "errors": "return", **options}
    return client.publish(post, to="mastodon", **asked)["mastodon"]


# --- looking ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fault", ["stored-then-hang", "stored-then-500", "dropped-before", "dropped-after", "stored-later"]
)
def test_settling_reads_and_does_nothing_else(box: Sandbox, client: Client, fault: str) -> None:
    lose(box, client, fault=fault)
    before = len(box.requests)
    outcome = settle_to_the_end(box, client)
    assert {request.step for request in box.requests[before:]} == {"read"}
    assert (outcome.status is Status.PUBLISHED) == (live(box) == ["We ship today"])
    assert outcome.replayed


def test_what_is_found_is_the_post_with_its_receipt(box: Sandbox, client: Client) -> None:
    lose(box, client)
    outcome = settle(client)
    assert outcome.receipt is not None
    assert outcome.receipt.id == box.timeline("mastodon")[0].id
    assert publish(client).receipt == outcome.receipt
    assert live(box) == ["We ship today"]


def test_absence_needs_the_quiet_time_and_several_looks(
    box: Sandbox, client: Client, store: MemoryStore
) -> None:
    lose(box, client, fault="dropped-before")
    began = rows(store, "sending")[0].at
    assert settle_to_the_end(box, client).status is Status.FAILED
    rule = Mastodon.rules.find
    counted = [row for row in rows(store, "look") if row.data["counts"]]
    assert len(counted) >= rule.looks
    gaps = [(b.at - a.at).total_seconds() for a, b in itertools.pairwise(counted)]
    assert min(gaps) >= rule.between
    assert rows(store, "absent")[0].at - began >= timedelta(seconds=rule.quiet)


def test_impatient_looks_do_not_count(box: Sandbox, client: Client, store: MemoryStore) -> None:
    lose(box, client, fault="dropped-before")
    for _ in range(6):
        assert settle(client).status is Status.UNKNOWN
    assert sum(row.data["counts"] for row in rows(store, "look")) == 1


def test_everything_open_is_looked_for_at_once(box: Sandbox, client: Client) -> None:
    lose(box, client, Post("one"), key="first")
    lose(box, client, Post("two"), key="second")
    publish(client, Post("three"), key="third")
    report = client.settle()
    assert [outcome.status for outcome in report.outcomes] == [Status.PUBLISHED] * 2


def test_a_platform_that_cannot_be_asked_leaves_it_unknown(box: Sandbox, client: Client) -> None:
    lose(box, client)
    box.fault("slow", platform="mastodon", match=OWN_POSTS, seconds=40, times=4)
    outcome = settle(client)
    assert outcome.status is Status.UNKNOWN
    assert isinstance(outcome.error, OutcomeUnknown)
    assert "could not look" in str(outcome.error)
    assert "client.settle('launch')" in str(outcome.error.next_step)


def test_nobody_elses_intent_is_touched(box: Sandbox, client: Client, store: MemoryStore) -> None:
    lose(box, client)
    with Client(store=store, transport=box.transport, clock=box.clock) as stranger:
        assert stranger.settle("launch").outcomes == ()
    assert settle(client).status is Status.PUBLISHED


# --- who is who -------------------------------------------------------------------------------------------------------
def test_two_candidates_are_nobody(box: Sandbox, client: Client, store: MemoryStore) -> None:
    box.fault("twin", platform="mastodon", match=STATUSES)
    lose(box, client)
    assert len(live(box)) == 2
    for _ in range(5):
        outcome = settle(client)
        assert outcome.status is Status.UNKNOWN
        assert "two posts" in str(outcome.error)
        box.clock.advance(60)
    assert publish(client, wait=0).status is Status.UNKNOWN
    assert len(live(box)) == 2


def test_a_post_of_another_key_is_no_candidate(box: Sandbox, client: Client) -> None:
    other = publish(client, key="earlier").receipt
    lose(box, client)
    outcome = settle(client)
    assert outcome.receipt is not None
    assert other is not None
    assert outcome.receipt.id != other.id


def test_a_lost_post_is_not_taken_for_the_published_one_of_another_key(box: Sandbox, client: Client) -> None:
    publish(client, key="earlier")
    lose(box, client, fault="dropped-before")
    assert settle_to_the_end(box, client).status is Status.FAILED


def test_listed_late_is_found_late(box: Sandbox, client: Client) -> None:
    box.fault("listed-late", platform="mastodon", match=STATUSES, seconds=90)
    lose(box, client)
    assert settle(client).status is Status.UNKNOWN
    assert settle_to_the_end(box, client).status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


def test_deleted_meanwhile_is_absent_and_old_ones_are_not_made_again(box: Sandbox, client: Client) -> None:
    box.fault("deleted-meanwhile", platform="mastodon", match=STATUSES)
    lose(box, client)
    box.clock.advance(3600)
    assert settle_to_the_end(box, client).status is Status.FAILED
    assert isinstance(publish(client).error, Declined)
    assert live(box) == []


@pytest.mark.parametrize("skew", [-7200.0, 7200.0])
def test_a_platform_whose_clock_is_wrong_is_searched_in_its_own_time(
    box: Sandbox, client: Client, skew: float
) -> None:
    box.fault("clock-skew", platform="mastodon", seconds=skew)
    lose(box, client)
    assert settle(client).status is Status.PUBLISHED
    assert publish(client).replayed
    assert len(live(box)) == 1


@pytest.mark.parametrize("seconds", [-600, 600])
def test_a_wrong_clock_that_only_the_look_tells_of_is_no_absence(
    box: Sandbox, client: Client, seconds: int
) -> None:
    """Nothing was answered since the platform's clock went wrong, so the attempt's own time is off."""
    client.plan(HELLO, to="mastodon")
    box.fault("clock-skew", platform="mastodon", seconds=seconds)
    box.fault("stored-then-hang", platform="mastodon", match=STATUSES)
    outcome = client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return")["mastodon"]
    assert outcome.status is Status.PUBLISHED
    assert len(live(box)) == 1


# --- fences -----------------------------------------------------------------------------------------------------------
def test_an_expired_key_is_not_trusted(box: Sandbox, client: Client) -> None:
    box.mastodon.software = "mastodon"
    box.fault("slow", platform="mastodon", match=STATUSES, seconds=40, times=4)
    box.fault("slow", platform="mastodon", match=OWN_POSTS, seconds=40, times=16)
    assert publish(client, wait=0).status is Status.UNKNOWN
    box.faults.clear()
    box.clock.advance(3500)
    box.fault("key-expired", platform="mastodon", match=STATUSES)
    assert publish(client).status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


def test_a_refused_repeat_does_not_close_the_lost_attempt(
    box: Sandbox, client: Client, store: MemoryStore
) -> None:
    """The first try is stored and its answer lost; the repeat under the same key is refused."""
    box.mastodon.software = "mastodon"
    box.fault("stored-then-hang", platform="mastodon", match=STATUSES)
    box.fault("expired-token", platform="mastodon", match=OWN_POSTS, times=3)
    box.fault("429", platform="mastodon", match=STATUSES, skip=1, seconds=900)
    outcome = publish(client, wait=0)
    refused = rows(store, "refused")
    assert [row.data["attempt"] for row in refused] == [2]
    assert outcome.status is Status.UNKNOWN
    box.faults.clear()
    assert settle_to_the_end(box, client).status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


# --- too late ---------------------------------------------------------------------------------------------------------
def test_publishing_itself_makes_nothing_again_that_is_too_old(box: Sandbox, client: Client) -> None:
    """Nobody settled it for an hour: publish() looks first, and then does not send."""
    lose(box, client, fault="dropped-before")
    box.clock.advance(3600)
    outcome = publish(client, wait=600)
    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, Declined)
    assert live(box) == []


def test_a_call_that_learns_too_late_that_nothing_was_made_says_so(box: Sandbox, client: Client) -> None:
    """The lists answer only after the ten minutes, within one patient publish()."""
    box.fault("dropped-before", platform="mastodon", match=STATUSES)
    box.fault("expired-token", platform="mastodon", match=OWN_POSTS, times=12)
    began = box.clock.now()
    outcome = publish(client, wait=7200)
    assert (box.clock.now() - began).total_seconds() > 600
    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, Declined)
    assert live(box) == []


def test_a_part_of_a_thread_that_is_too_old_is_not_made_again(box: Sandbox, client: Client) -> None:
    thread = Post("one", thread=[Post("two")])
    box.fault("dropped-before", platform="mastodon", match=STATUSES, skip=1)
    assert publish(client, thread, wait=0).status is Status.UNKNOWN
    box.clock.advance(3600)
    outcome = publish(client, thread, wait=600)
    assert outcome.status is Status.PARTIAL
    assert isinstance(outcome.error.__cause__ if outcome.error else None, Declined)
    assert publish(client, thread).status is Status.PARTIAL
    assert live(box) == ["one"]


def test_a_person_may_have_it_made_after_all(box: Sandbox, client: Client) -> None:
    lose(box, client, fault="dropped-before")
    box.clock.advance(3600)
    settle_to_the_end(box, client)
    assert isinstance(publish(client).error, Declined)
    settle(client, not_live=True, by="duty officer")
    assert publish(client).status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


def test_after_give_up_at_only_a_person_closes_it(box: Sandbox, client: Client, store: MemoryStore) -> None:
    lost = lose(box, client, fault="dropped-before")
    assert lost.give_up_at == rows(store, "sending")[0].at + timedelta(days=1)
    box.clock.advance(2 * 86400)
    for _ in range(4):
        outcome = settle(client)
        assert outcome.status is Status.UNKNOWN
        assert "a person must close it" in str(outcome.error)
        box.clock.advance(300)
    assert settle(client, not_live=True, by="duty officer").status is Status.FAILED


# --- a person's word --------------------------------------------------------------------------------------------------
def test_a_person_says_it_is_live(box: Sandbox, client: Client, store: MemoryStore) -> None:
    box.fault("twin", platform="mastodon", match=STATUSES)
    lose(box, client)
    entry = box.timeline("mastodon")[0]
    outcome = settle(client, found=f"https://mastodon.social/@brand/{entry.id}", by="duty officer")
    assert outcome.status is Status.PUBLISHED
    assert outcome.receipt is not None
    assert outcome.receipt.id == entry.id
    (closed,) = rows(store, "closed")
    assert (closed.data["by"], closed.data["not_live"]) == ("duty officer", False)
    assert publish(client).replayed


@pytest.fixture
def nameless(box: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch) -> Receipt:
    """A post that is certainly live, while the platform does not tell which one it is."""

    async def find(*_: Any) -> Found:
        return Found(Sent(None, missing=("id, url: two posts look exactly like it",)))

    lose(box, client)
    monkeypatch.setattr(Mastodon, "find", find)
    outcome = settle(client)
    assert outcome.status is Status.PUBLISHED
    assert outcome.missing
    assert outcome.receipt is not None
    assert outcome.receipt.id is None
    return outcome.receipt


def test_a_person_names_the_post_that_is_live_without_a_known_id(
    box: Sandbox, client: Client, store: MemoryStore, nameless: Receipt
) -> None:
    assert publish(client).replayed
    with pytest.raises(ConfigError, match="not open"):
        client.settle("launch", not_live=True, by="duty officer")
    (entry,) = box.timeline("mastodon")
    outcome = settle(client, found=f"https://mastodon.social/@brand/{entry.id}", by="duty officer")
    assert outcome.receipt is not None
    assert (outcome.status, outcome.receipt.id, outcome.missing) == (Status.PUBLISHED, entry.id, ())
    (closed,) = rows(store, "closed")
    assert closed.data["by"] == "duty officer"
    assert publish(client).receipt == outcome.receipt
    with pytest.raises(ConfigError, match="not open"):
        client.settle("launch", found=outcome.receipt, by="duty officer")


def test_what_needs_an_id_says_that_it_is_not_known(client: Client, nameless: Receipt) -> None:
    (row,) = client.fetch_metrics(nameless)
    assert isinstance(row.error, ConfigError)
    for act in (lambda: client.delete(nameless), lambda: client.edit(nameless, HELLO)):
        with pytest.raises(ConfigError, match="never told this post's id"):
            act()


def test_a_person_says_it_is_not_live(box: Sandbox, client: Client, store: MemoryStore) -> None:
    lose(box, client, fault="dropped-before")
    assert settle(client, not_live=True, by="duty officer").status is Status.FAILED
    (closed,) = rows(store, "closed")
    assert (closed.data["by"], closed.data["not_live"]) == ("duty officer", True)
    assert publish(client).status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ({"not_live": True}, "needs by="),
        ({"not_live": True, "found": "https://mastodon.social/@brand/1", "by": "officer"}, "either found="),
        ({"found": "https://example.com/elsewhere", "by": "officer"}, "example.com"),
    ],
)
def test_a_word_that_cannot_be_is_refused(box: Sandbox, client: Client, word: Any, says: str) -> None:
    lose(box, client)
    with pytest.raises(ConfigError, match=says):
        client.settle("launch", **word)
    assert client.history(idempotency_key="launch")[0]["mastodon"].status is Status.UNKNOWN


def test_a_word_on_a_closed_post_is_refused(box: Sandbox, client: Client) -> None:
    publish(client)
    with pytest.raises(ConfigError, match="not open"):
        client.settle("launch", not_live=True, by="duty officer")


def test_a_word_names_one_post(box: Sandbox, client: Client) -> None:
    lose(box, client, Post("one"), key="first")
    lose(box, client, Post("two"), key="second")
    with pytest.raises(ConfigError, match="2 posts fit"):
        client.settle(not_live=True, by="duty officer")


def test_a_person_cannot_give_one_post_to_two_keys(box: Sandbox, client: Client) -> None:
    receipt = publish(client, key="earlier").receipt
    assert isinstance(receipt, Receipt)
    lose(box, client, fault="dropped-before")
    with pytest.raises(ConfigError, match="belongs to another post"):
        client.settle("launch", found=receipt, by="duty officer")


def test_a_person_cannot_give_a_strangers_post(box: Sandbox, client: Client) -> None:
    lose(box, client, fault="dropped-before")
    receipt = publish(client, Post("theirs"), key="theirs").receipt
    assert receipt is not None
    box.mastodon.add_person("carla")
    (theirs,) = box.mastodon.toots()
    theirs.account = "carla"
    with pytest.raises(ConfigError, match="another account"):
        client.settle("launch", found=f"https://mastodon.social/@carla/{theirs.id}", by="duty officer")
    assert settle(client).status is Status.UNKNOWN


async def test_nobody_closes_what_a_running_call_works_on(box: Sandbox) -> None:
    left = asyncio.Event()

    async def progress(event: Progress) -> None:
        if event.stage == "sending":
            left.set()

    async with box.async_client(store=":memory:") as client:
        await client.plan(HELLO, to="mastodon")
        box.fault("slow", platform="mastodon", match=STATUSES, seconds=20)
        with box.clock.hold():
            asked: dict[str, Any] = {"to": "mastodon", "idempotency_key": "launch", "progress": progress}
            sending = asyncio.ensure_future(client.publish(HELLO, **asked))
            await left.wait()
            assert (await client.settle("launch"))["mastodon"].status is Status.UNKNOWN
            with pytest.raises(ConfigError, match="works on 'launch' now"):
                await client.settle("launch", not_live=True, by="duty officer")
        assert (await sending)["mastodon"].status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


# --- a token that ends on the way -------------------------------------------------------------------------------------
@pytest.mark.parametrize("renews", [True, False])
def test_a_refused_token_is_renewed_or_the_post_is_certainly_not_live(
    renews: bool, store: MemoryStore
) -> None:
    with Sandbox(["x"]) as box, box.client(store=store) as client:
        client.plan(HELLO, to="x")
        box.fault("expired-token", platform="x", match="POST /2/tweets", times=1 if renews else 9)
        if not renews:
            box.fault("dropped-before", platform="x", match="POST /2/oauth2/token", times=5)
        outcome = client.publish(HELLO, to="x", idempotency_key="launch", errors="return")["x"]
        texts = [entry.text for entry in box.timeline("x")]
        assert outcome.status is (Status.PUBLISHED if renews else Status.FAILED)
        assert texts == (["We ship today"] if renews else [])
        assert client.history()[0]["x"].status is outcome.status
    written = [row.kind for row in rows(store)]
    assert written[:3] == ["intent", "sending", "refused"]
    assert written.count("sending") == written.count("refused") + renews


# --- answers that say nothing -----------------------------------------------------------------------------------------
GARBAGE = {
    "no JSON": b"<html>all is well</html>",
    "a list": b"[]",
    "null": b"null",
    "an empty object": b"{}",
    "an object without an id": b'{"ok": true}',
    "half": b'{"id": "1",',
    "nothing": b"",
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_a_good_status_with_garbage_is_unknown_not_failed(box: Sandbox, body: bytes) -> None:
    with Client(
        box.accounts(), transport=Garbling(box.transport, body), clock=box.clock, store=":memory:"
    ) as client:
        outcome = publish(client, wait=0)
        assert live(box) == ["We ship today"]
        assert outcome.status in (Status.PUBLISHED, Status.UNKNOWN)
        assert settle_to_the_end(box, client).status is Status.PUBLISHED
        publish(client)
    assert live(box) == ["We ship today"]


class Garbling(httpx.AsyncBaseTransport):
    """Answers the first commit with something else than what the server said."""

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport, body: bytes) -> None:
        self.inner, self.body, self.done = inner, body, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if request.method == "POST" and request.url.path == "/api/v1/statuses" and not self.done:
            self.done = True
            await answer.aread()
            return httpx.Response(200, content=self.body, headers={"content-type": "application/json"})
        return answer


def test_a_picture_changed_since_the_plan_is_not_sent(box: Sandbox, client: Client, tmp_path: Any) -> None:
    file = tmp_path / "hero.png"
    file.write_bytes(picture())
    plan = client.plan(Post("with a picture", media=[Image(file, alt="a boat")]), to="mastodon")
    file.write_bytes(picture() + b"changed")
    outcome = client.publish(plan, errors="return")["mastodon"]
    assert outcome.status is Status.INVALID
    assert live(box) == []


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER])
def test_what_may_still_move_is_looked_at(client: Client, status: Status) -> None:
    """By itself, or at the hand of the person who finishes it in the app."""
    adapter = client.accounts["mastodon"]

    async def send(part: Any, call: Any) -> Sent:
        await call.commit("POST", "/api/v1/statuses", json=part.body)
        return Sent(None, status=status)

    async def check(sent: Sent, call: Any) -> Sent:
        return Sent("7", "https://mastodon.social/@brand/7")

    adapter.__dict__["send"], adapter.__dict__["check"] = send, check
    assert publish(client).status is status
    settled = client.settle()["mastodon"]
    assert (settled.status, settled.url) == (Status.PUBLISHED, "https://mastodon.social/@brand/7")


def test_what_the_platform_took_and_dropped_is_not_live_and_may_be_sent_again(
    box: Sandbox, client: Client, store: MemoryStore
) -> None:
    adapter = client.accounts["mastodon"]

    async def send(part: Any, call: Any) -> Sent:
        await call.commit("POST", "/api/v1/statuses", json=part.body)
        return Sent(None, status=Status.PROCESSING, look_again_at=call.now())

    async def check(sent: Sent, call: Any) -> Absent:
        return Absent("the platform could not process it: no picture in it")

    own, adapter.__dict__["send"], adapter.__dict__["check"] = adapter.send, send, check
    assert publish(client).status is Status.PROCESSING
    settled = client.settle("launch")["mastodon"]
    assert (settled.status, settled.receipt) == (Status.FAILED, None)
    assert "no picture in it" in str(settled.error)
    assert rows(store, "dropped")
    assert client.settle() == {}
    adapter.__dict__["send"] = own
    assert publish(client).status is Status.PUBLISHED


def following(client: Client, **methods: Any) -> None:
    """Mastodon with these methods: something follows its posts."""
    adapter = client.accounts["mastodon"]
    adapter.__class__ = type("Following", (Mastodon,), {n: staticmethod(m) for n, m in methods.items()})


def test_what_must_wait_after_the_commit_is_owed_and_done_by_a_later_publish(
    box: Sandbox, client: Client, store: MemoryStore
) -> None:
    asked, ready = list[tuple[str, ...]](), False

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        asked.append(sent.owed)
        await call.attach("POST", f"/api/v1/statuses/{sent.id}/pin")
        return attrs.evolve(sent, owed=() if ready else ("thumbnail: it is not ready",))

    following(client, attach=attach)
    words = "part 1: thumbnail: it is not ready; publish again with the same key does it"
    for outcome in (publish(client), client.settle("launch")["mastodon"], publish(client)):
        assert (outcome.status, outcome.missing) == (Status.PUBLISHED, (words,))
    ready = True
    done = publish(client)
    assert (done.status, done.missing) == (Status.PUBLISHED, ())
    assert asked == [(), ("thumbnail: it is not ready",), ("thumbnail: it is not ready",)]
    assert publish(client).replayed
    assert live(box) == ["We ship today"]
    assert not rows(store, "dropped")


@pytest.mark.parametrize(("second", "recalled"), [("We ship today", "session 1"), ("We ship tomorrow", None)])
def test_an_upload_that_was_begun_for_other_content_is_not_gone_on_with(
    box: Sandbox, client: Client, second: str, recalled: str | None
) -> None:
    adapter, seen = client.accounts["mastodon"], list[Any]()
    own = adapter.send

    async def send(part: Any, call: Any) -> Sent:
        seen.append(call.recall("session"))
        if len(seen) > 1:
            return await own(part, call)
        call.remember("session", "session 1", secret=True)
        raise Declined("no")

    adapter.__dict__["send"] = send
    assert publish(client).status is Status.FAILED
    assert publish(client, Post(second)).status is Status.PUBLISHED
    assert seen == [None, recalled]
    assert live(box) == [second]


def test_a_look_leaves_what_is_owed(box: Sandbox, client: Client) -> None:
    ready = False

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        return (
            sent
            if ready
            else attrs.evolve(sent, status=Status.PROCESSING, owed=("a comment: it is not public",))
        )

    async def check(sent: Sent, call: Any) -> Sent:
        return attrs.evolve(sent, status=Status.PUBLISHED, owed=())

    following(client, attach=attach, check=check)
    assert publish(client).status is Status.PROCESSING
    seen = client.settle("launch")["mastodon"]
    assert (seen.status, len(seen.missing)) == (Status.PUBLISHED, 1)
    ready = True
    done = publish(client)
    assert (done.status, len(done.missing)) == (Status.PUBLISHED, 1)


def test_a_post_that_was_dropped_while_something_follows_is_not_live(
    box: Sandbox, client: Client, store: MemoryStore
) -> None:
    adapter, remembered = client.accounts["mastodon"], list[Any]()
    own = adapter.send

    async def send(part: Any, call: Any) -> Sent:
        remembered.append((call.recall("session"), call.recall("upload")))
        call.remember("session", "used up by the commit", secret=True)
        call.remember("upload", "used up as well")
        return await own(part, call)

    async def attach(part: Any, sent: Sent, call: Any) -> Absent:
        return Absent("the platform could not process it: no picture in it")

    following(client, send=send, attach=attach)
    outcome = publish(client)
    assert (outcome.status, outcome.receipt, outcome.missing) == (Status.FAILED, None, ())
    assert isinstance(outcome.error, Declined)
    assert "no picture in it" in str(outcome.error)
    (past,) = client.history()
    assert past["mastodon"].status is Status.FAILED
    assert client.settle() == {}
    assert publish(client).status is Status.FAILED
    assert remembered == [(None, None)] * 2
    assert len(rows(store, "dropped")) == 2


def test_history_says_what_a_post_lacks_and_what_is_owed_to_it(
    box: Sandbox, client: Client, nameless: Receipt
) -> None:
    assert client.history()[0]["mastodon"].missing == ("id, url: two posts look exactly like it",)
    again = box.clock.now() + timedelta(seconds=60)

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        return attrs.evolve(sent, owed=("thumbnail: it is not ready",), look_again_at=again)

    following(client, attach=attach)
    told = publish(client, Post("another"), "other")
    past = client.history(idempotency_key="other")[0]["mastodon"]
    assert (past.missing, past.look_again_at) == (told.missing, again)
    assert len(past.missing) == 1


def test_how_what_follows_ended_is_written_with_what_the_post_is_by_now(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two, nobody would ever hear of what is missing."""
    together = list[list[str]]()

    def noted(work: Any, *, durable: bool = False) -> Any:
        before = len(rows(store))
        result = MemoryStore.transact(store, work, durable=durable)
        together.append([row.kind for row in rows(store)[before:]])
        return result

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        if sent.owed:
            raise Declined("too large")
        return attrs.evolve(sent, owed=("thumbnail: it is not ready",))

    following(client, attach=attach)
    assert "not ready" in publish(client).missing[0]
    monkeypatch.setattr(store, "try_transact", noted)
    done = publish(client)
    assert "too large" in done.missing[0]
    assert ["live", "attached"] in together
    assert client.history()[0]["mastodon"].missing == done.missing


def test_nothing_is_owed_to_a_post_that_was_deleted(box: Sandbox, client: Client) -> None:
    asked = list[str | None]()

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        asked.append(sent.id)
        return attrs.evolve(sent, owed=("thumbnail: it is not ready",))

    following(client, attach=attach)
    told = publish(client)
    assert told.receipt is not None
    client.delete(told.receipt)
    again = publish(client)
    assert (again.replayed, again.missing, len(asked)) == (True, (), 1)
    assert client.settle() == {}


def test_what_a_post_lacked_for_want_of_its_id_is_done_when_a_person_names_it(
    box: Sandbox, client: Client
) -> None:
    async def send(part: Any, call: Any) -> Sent:
        await call.commit("POST", "/api/v1/statuses", json=part.body)
        return Sent(None)

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        if sent.id is None:
            raise Declined("a comment needs the post's id")
        return sent

    following(client, send=send, attach=attach)
    assert publish(client).missing == ("part 1: a comment needs the post's id",)
    (entry,) = box.timeline("mastodon")
    settle(client, found=f"https://mastodon.social/@brand/{entry.id}", by="duty officer")
    done = publish(client)
    assert (done.status, done.missing) == (Status.PUBLISHED, ())


def test_what_follows_and_changes_nothing_is_one_row(client: Client, store: MemoryStore) -> None:
    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        return sent

    following(client, attach=attach)
    publish(client)
    assert [row.kind for row in rows(store)] == ["intent", "sending", "live", "attached"]


def test_a_thread_whose_first_part_was_deleted_is_still_looked_for(box: Sandbox, client: Client) -> None:
    box.fault("dropped-before", platform="mastodon", match=STATUSES, skip=1)
    box.fault("expired-token", platform="mastodon", match=OWN_POSTS)
    told = publish(client, TALE, wait=0)
    box.faults.clear()
    assert told.receipt is not None
    client.delete(told.receipt)
    assert list(client.settle()) == ["mastodon"]


def test_a_scheduled_post_that_was_deleted_is_not_made_again(box: Sandbox, client: Client) -> None:
    """The platform knows it no more: that is no news, and no reason to publish it after all."""

    async def check(sent: Sent, call: Any) -> Absent:
        return Absent("it is gone")

    when = box.clock.now() + timedelta(hours=2)
    later = HELLO.variant("mastodon", Mastodon.Options(scheduled_at=when))
    told = publish(client, later)
    assert (told.status, client.halt("all", reason="a", by="b").complete) == (Status.SCHEDULED, False)
    client.resume("all", reason="a", by="b")
    assert told.receipt is not None
    client.delete(told.receipt)
    following(client, check=check)
    assert client.settle() == {}
    assert settle(client).deleted_at is not None
    assert publish(client, later).replayed
    assert client.halt("all", reason="a", by="b").complete


TALE = Post("one", thread=[Post("two")])


def test_a_part_is_as_old_as_the_attempts_that_made_it_not_those_that_were_dropped(
    box: Sandbox, client: Client
) -> None:
    adapter = client.accounts["mastodon"]

    async def attach(part: Any, sent: Sent, call: Any) -> Sent:
        raise Declined("too large")

    async def check(sent: Sent, call: Any) -> Absent:
        return Absent("the platform could not process it")

    async def send(part: Any, call: Any) -> Sent:
        sent = await Mastodon.send(adapter, part, call)  # type: ignore[arg-type]
        return attrs.evolve(sent, status=Status.PROCESSING if part.index else Status.PUBLISHED)

    following(client, send=send, check=check, attach=attach)
    told = publish(client, TALE)
    assert (told.status, len(told.missing)) == (Status.PROCESSING, 2)
    box.clock.advance(2 * 86400)
    half = settle(client)
    assert (half.status, half.next_index, len(half.missing)) == (Status.PARTIAL, 1, 1)
    adapter.__class__ = Mastodon
    lost = lose(box, client, TALE, fault="dropped-before")
    assert lost.give_up_at is not None
    assert lost.give_up_at > box.clock.now()
    assert settle_to_the_end(box, client).status is Status.PARTIAL
    done = publish(client, TALE)
    assert (done.status, done.missing) == (Status.PUBLISHED, ("part 1: too large",))


def test_what_a_person_closed_may_get_lost_again_and_be_found_without_one(
    box: Sandbox, client: Client
) -> None:
    box.fault("dropped-before", platform="mastodon", match=STATUSES, skip=1)
    box.fault("expired-token", platform="mastodon", match=OWN_POSTS)
    publish(client, TALE, wait=0)
    box.faults.clear()
    box.clock.advance(2 * 86400)
    settle(client, not_live=True, by="duty officer")
    lost = lose(box, client, TALE)
    assert lost.give_up_at is not None
    assert lost.give_up_at > box.clock.now()
    assert settle_to_the_end(box, client).status is Status.PUBLISHED


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 02 Nov 2026 09:05:00 GMT", 300.0),
        ("Mon, 02 Nov 2026 09:05:00 -0000", 300.0),
        ("Mon, 02 Nov 2026 09:00:01 GMT", 0.0),
        ("Mon, 02 Nov 2037 09:05:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("soon", None),
        (None, None),
    ],
)
def test_what_a_date_tells_of_a_servers_clock(
    client: Client, date: str | None, seconds: float | None
) -> None:
    """One that no clock shows is not believed: days of limits and ends of tokens would be counted by it."""
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    account = client._async._accounts.named("mastodon")
    account.learn_time(Response(200, {"date": date} if date else {}, received_at=at))
    assert account.offset_told == seconds
    assert account.offset == timedelta(seconds=seconds or 0.0)
