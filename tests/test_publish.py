"""Publishing: every target ends in one known state, whatever the platform's answers do."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import socialkit.client
from socialkit import (
    Client,
    ConfigError,
    Declined,
    Denied,
    Halted,
    Held,
    InvalidPost,
    KeyReused,
    Mastodon,
    OutcomeUnknown,
    Post,
    Problem,
    Progress,
    PublishErrors,
    ReauthNeeded,
    SocialKitError,
    Status,
    ThreadPartlyPosted,
    Unavailable,
    Verdict,
)
from socialkit.plan import TargetPlan
from socialkit.publish import answers
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

LOST = ["stored-then-500", "stored-then-hang", "stored-later", "dropped-before", "dropped-after"]
HELLO = Post("We ship today")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with box.client(store=":memory:") as client:
        yield client


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("mastodon") if entry.deleted_at is None]


def settle_until_known(box: Sandbox, client: Client, key: str) -> Status:
    """What a scheduler does: look again when the outcome says so."""
    for _ in range(20):
        outcome = client.settle(key)["mastodon"]
        if outcome.status is not Status.UNKNOWN:
            return outcome.status
        assert outcome.look_again_at is not None
        box.clock.advance((outcome.look_again_at - box.clock.now()).total_seconds())
    raise AssertionError("never settled")


def test_a_post_ends_published_with_a_receipt(box: Sandbox, client: Client) -> None:
    report = client.publish(HELLO, to="mastodon")
    outcome = report["mastodon"]
    assert outcome.status is Status.PUBLISHED
    assert outcome.url == f"https://mastodon.social/@brand/{outcome.receipt.id}"
    assert live(box) == ["We ship today"]
    assert report.ok
    assert not report.replayed


def test_the_same_key_publishes_once(box: Sandbox, client: Client) -> None:
    first = client.publish(HELLO, to="mastodon", idempotency_key="launch")
    again = client.publish(HELLO, to="mastodon", idempotency_key="launch")
    assert again.replayed
    assert again["mastodon"].receipt == first["mastodon"].receipt
    assert len(live(box)) == 1


def test_a_key_is_bound_to_its_content(box: Sandbox, client: Client) -> None:
    client.publish(HELLO, to="mastodon", idempotency_key="launch")
    with pytest.raises(KeyReused, match="'launch'") as caught:
        client.publish(Post("Something else"), to="mastodon", idempotency_key="launch", errors="return")
    assert caught.value.report is not None
    assert len(live(box)) == 1


def test_a_key_is_free_again_when_nothing_is_live(box: Sandbox, client: Client) -> None:
    client.halt("all", reason="wrong price", by="duty officer")
    with pytest.raises(Halted):
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
    client.resume("all", reason="price mended", by="duty officer")
    client.publish(Post("The right price"), to="mastodon", idempotency_key="launch")
    assert live(box) == ["The right price"]


def test_a_key_without_a_store_is_refused(box: Sandbox) -> None:
    with box.client() as client, pytest.raises(ConfigError, match="store="):
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
    assert live(box) == []


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("software", ["mastodon", "gotosocial", "mastodon-4.6.0"])
def test_a_lost_answer_never_makes_a_second_post(
    box: Sandbox, client: Client, fault: str, software: str
) -> None:
    box.mastodon.software = software
    box.fault(fault, platform="mastodon")
    report = client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return")
    if report["mastodon"].status is Status.UNKNOWN:
        assert isinstance(report["mastodon"].error, OutcomeUnknown)
        assert "launch" in report["mastodon"].error.next_step
        settled = settle_until_known(box, client, "launch")
        assert (settled is Status.PUBLISHED) == (len(live(box)) == 1), "the record is the truth"
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
    box.clock.advance(3600)
    assert live(box) == ["We ship today"]


def test_a_twin_is_never_claimed_by_two_posts(box: Sandbox, client: Client) -> None:
    """Two posts of the same text, both answers lost: each finds its own, or nobody can tell."""
    box.mastodon.software = "gotosocial"
    box.fault("stored-then-hang", platform="mastodon", times=2)
    first = client.publish(HELLO, to="mastodon", idempotency_key="one", errors="return")
    second = client.publish(HELLO, to="mastodon", idempotency_key="two", errors="return")
    ids = [o.receipt.id for o in (first["mastodon"], second["mastodon"]) if o.receipt]
    assert len(ids) == len(set(ids))
    assert len(live(box)) == 2


def test_too_old_an_attempt_is_not_made_again(box: Sandbox, client: Client) -> None:
    box.mastodon.software = "gotosocial"
    box.fault("dropped-before", platform="mastodon")
    client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return", wait=0)
    box.clock.advance(3600)
    assert settle_until_known(box, client, "launch") is Status.FAILED
    with pytest.raises(Declined, match="may have been live"):
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
    assert live(box) == []


def test_an_expired_token_says_sign_in_again(box: Sandbox, client: Client) -> None:
    box.fault("expired-token", platform="mastodon")
    with pytest.raises(ReauthNeeded, match="sign in again") as caught:
        client.publish(HELLO, to="mastodon")
    assert caught.value.report["mastodon"].status is Status.FAILED
    assert live(box) == []


def test_a_rate_limited_commit_waits_and_goes(box: Sandbox, client: Client) -> None:
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses")
    with box.client(max_wait=400) as patient:
        patient.publish(HELLO, to="mastodon")
    assert live(box) == ["We ship today"]


def test_everything_wrong_is_reported_and_nothing_is_sent(box: Sandbox, client: Client) -> None:
    with pytest.raises(InvalidPost) as caught:
        client.publish(Post("x" * 501, quote="https://mastodon.social/@brand/1"), to="mastodon")
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"text", "quote"}
    assert live(box) == []


def test_skip_invalid_sends_to_the_rest(box: Sandbox) -> None:
    accounts = {"good": box.accounts()["mastodon"], "bad": box.accounts()["mastodon"]}
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        post = HELLO.variant("bad", text="x" * 501)
        report = client.publish(post, to=accounts, skip_invalid=True, errors="return")
        assert (report["good"].status, report["bad"].status) == (Status.PUBLISHED, Status.INVALID)
        with pytest.raises(PublishErrors) as caught:
            client.publish(post, to=accounts, skip_invalid=True)
    assert [type(error) for error in caught.value.exceptions] == [InvalidPost]
    assert caught.value.report["good"].ok


def test_a_thread_stops_where_it_fails_and_goes_on_there(box: Sandbox, client: Client) -> None:
    post = Post("one", thread=[Post("two"), Post("three")])
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses", skip=1, seconds=300)
    with pytest.raises(ThreadPartlyPosted) as caught:
        client.publish(post, to="mastodon", idempotency_key="tale")
    assert caught.value.next_index == 1
    assert caught.value.report["mastodon"].status is Status.PARTIAL
    assert live(box) == ["one"]
    box.clock.advance(400)
    report = client.publish(post, to="mastodon", idempotency_key="tale")
    assert sorted(live(box)) == ["one", "three", "two"]
    assert len(report["mastodon"].receipt.part_ids) == 3


def test_a_gate_holds_or_denies_before_anything_is_sent(box: Sandbox) -> None:
    class Policy:
        verdict = Verdict("hold", "needs a second pair of eyes", by="policy")

        def judge(self, plan: object, context: object) -> Verdict:
            return self.verdict

    with box.client(gate=Policy()) as client:
        with pytest.raises(Held, match="second pair of eyes"):
            client.publish(HELLO, to="mastodon")
        Policy.verdict = Verdict("deny", "no posts today")
        with pytest.raises(Denied, match="no posts today") as caught:
            client.publish(HELLO, to="mastodon")
        assert caught.value.report["mastodon"].status is Status.REFUSED
        Policy.verdict = Verdict("allow", expires_at=box.clock.now() - timedelta(seconds=1))
        with pytest.raises(Denied, match="expired"):
            client.publish(HELLO, to="mastodon")
    assert live(box) == []


def test_a_gate_that_fails_denies(box: Sandbox) -> None:
    class Broken:
        def judge(self, plan: object, context: object) -> Verdict:
            raise RuntimeError("policy server down")

    with box.client(gate=Broken()) as client, pytest.raises(Denied, match="policy server down"):
        client.publish(HELLO, to="mastodon")
    assert live(box) == []


def test_progress_tells_the_steps(box: Sandbox, client: Client) -> None:
    seen: list[Progress] = []
    client.publish(HELLO, to="mastodon", progress=seen.append)
    assert [event.stage for event in seen] == ["sending", "done"]
    assert seen[-1].detail == "published"


def test_a_plan_is_what_gets_sent(box: Sandbox, client: Client) -> None:
    plan = client.plan(HELLO, to="mastodon")
    assert live(box) == []
    client.publish(plan)
    assert live(box) == [plan["mastodon"].parts[0].text]


def test_a_plan_whose_limits_changed_is_stale(box: Sandbox, client: Client) -> None:
    plan = client.plan(HELLO, to="mastodon")
    box.mastodon.software = "gotosocial"
    box.clock.advance(2 * 3600)
    with pytest.raises(InvalidPost) as caught:
        client.publish(plan)
    assert caught.value.code == "stale"
    assert live(box) == []


def test_one_target_never_delays_or_fails_another(box: Sandbox) -> None:
    accounts = {"good": box.accounts()["mastodon"], "off": Mastodon("https://nowhere.example", token="t")}
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        report = client.publish(HELLO, to=accounts, errors="return")
    assert report["good"].status is Status.PUBLISHED
    assert report["off"].status is Status.FAILED
    assert "could not be reached" in str(report["off"].error)


async def test_cancelled_before_the_bytes_leave_sends_nothing(box: Sandbox) -> None:
    async with box.async_client(store=":memory:") as client:
        await client.plan(HELLO, to="mastodon")
        box.fault("slow", platform="mastodon", match="GET /api/v1/accounts/verify_credentials", seconds=5)
        box.clock.advance(7200)
        task = asyncio.ensure_future(client.publish(HELLO, to="mastodon", idempotency_key="launch"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert live(box) == []


# --- what the report says, and what to do next ------------------------------------------------------------
def test_a_plan_whose_account_cannot_be_asked_fails_alone() -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client(store=":memory:") as client:
        plan = client.plan(HELLO, to=["mastodon", "bluesky"])
        box.clock.advance(7200)
        box.fault("dropped-before", platform="mastodon", match="GET *", times=50)
        report = client.publish(plan, errors="return")
        assert (report["mastodon"].status, report["bluesky"].status) == (Status.FAILED, Status.PUBLISHED)
        assert len(box.timeline("bluesky")) == 1


def test_a_record_is_told_whatever_is_wrong_with_the_post_by_now(box: Sandbox, client: Client) -> None:
    """Its schedule is over, say: the same call again, as after a restart, is no reason for an error."""
    when = box.clock.now() + timedelta(hours=2)
    later = HELLO.variant("mastodon", Mastodon.Options(scheduled_at=when))
    first = client.publish(later, to="mastodon", idempotency_key="launch")["mastodon"]
    assert first.status is Status.SCHEDULED
    box.clock.advance(3 * 3600)
    for options in ({}, {"skip_invalid": True}):
        again = client.publish(later, to="mastodon", idempotency_key="launch", **options)["mastodon"]
        assert (again.status, again.replayed, again.receipt) == (Status.SCHEDULED, True, first.receipt)
    with pytest.raises(InvalidPost):
        client.publish(later, to="mastodon", idempotency_key="another")
    other = attrs.evolve(later, text="We ship tomorrow")
    with pytest.raises(InvalidPost):
        client.publish(other, to="mastodon", idempotency_key="launch")
    assert live(box) == ["We ship today"]


@pytest.mark.parametrize(
    ("done", "owes", "field", "code", "answered"),
    [
        (True, False, "options.scheduled_at", "past", True),
        (True, False, "media", "stale", True),
        (True, True, "options.scheduled_at", "past", True),
        (True, True, "media[0]", "unreadable", False),
        (True, True, "plan", "stale", False),
        (False, False, "options.scheduled_at", "past", False),
    ],
)
def test_a_record_answers_for_what_is_wrong_unless_that_is_still_needed(
    done: bool, owes: bool, field: str, code: str, answered: bool
) -> None:
    """What is owed may need the media; what is not done needs everything."""
    wrong = TargetPlan("brand", "mastodon", problems=(Problem("brand", field, code, "no"),))
    record: Any = SimpleNamespace(done=done, owes=owes)
    assert answers(wrong, record) is answered
    assert not answers(wrong, None)


def test_what_is_wrong_is_not_sent_when_the_record_is_gone_by_the_time(
    box: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socialkit.client, "answers", lambda target, record: True)
    too_long = Post("x" * 501)
    with pytest.raises(InvalidPost):
        client.publish(too_long, to="mastodon", idempotency_key="launch")
    assert live(box) == []


@pytest.mark.parametrize(("fault", "status"), [("", Status.PUBLISHED), ("stored-then-500", Status.UNKNOWN)])
def test_a_post_that_cannot_be_planned_now_is_not_certainly_not_live(
    box: Sandbox, fault: str, status: Status
) -> None:
    """The platform is down, as it is when answers get lost: that makes nothing certainly not live."""
    store, down = MemoryStore(), {"platform": "mastodon", "match": "GET *", "times": 50}
    box.mastodon.software = "gotosocial"
    with box.client(store=store) as client:
        client.plan(HELLO, to="mastodon")
        if fault:
            box.fault(fault, platform="mastodon", match="POST /api/v1/statuses")
            box.fault("dropped-before", **down)
        first = client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return", wait=0)
        assert first["mastodon"].status is status
    box.faults.clear()
    box.clock.advance(7200)
    box.fault("dropped-before", **down)
    with box.client(store=store) as client:
        again = client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return")
        assert again["mastodon"].status is Status.UNKNOWN
        assert again["mastodon"].receipt == first["mastodon"].receipt
        assert isinstance(again["mastodon"].error.__cause__, Unavailable)
        assert not again.failed
        other = client.publish(HELLO, to="mastodon", idempotency_key="other", errors="return")
        assert other["mastodon"].status is Status.FAILED
        with pytest.raises(OutcomeUnknown, match="cannot be compared"):
            client.publish(HELLO, to="mastodon", idempotency_key="launch")
    box.faults.clear()
    with box.client(store=store) as client:
        client.settle("launch")
        assert client.publish(HELLO, to="mastodon", idempotency_key="launch").replayed


def test_a_lost_post_that_is_invalid_by_now_is_still_unknown(box: Sandbox, client: Client) -> None:
    later = HELLO.variant("mastodon", Mastodon.Options(scheduled_at=box.clock.now() + timedelta(hours=2)))
    box.mastodon.software = "gotosocial"
    box.fault("stored-then-500", platform="mastodon", match="POST /api/v1/statuses")
    client.plan(later, to="mastodon")
    box.fault("expired-token", platform="mastodon", match="GET .*statuses", times=9, skip=1)
    lost = client.publish(later, to="mastodon", idempotency_key="launch", errors="return", wait=0)
    assert lost["mastodon"].status is Status.UNKNOWN
    box.faults.clear()
    box.clock.advance(3 * 3600)
    with pytest.raises(InvalidPost) as caught:
        client.publish(later, to="mastodon", idempotency_key="launch")
    assert caught.value.report["mastodon"].status is Status.UNKNOWN
    other = attrs.evolve(later, text="We ship tomorrow")
    with pytest.raises(InvalidPost) as caught:
        client.publish(other, to="mastodon", idempotency_key="launch")
    assert caught.value.report["mastodon"].status is Status.INVALID


def test_skip_invalid_leaves_out_a_plan_that_is_stale() -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client(store=":memory:") as client:
        plan = client.plan(HELLO, to=["mastodon", "bluesky"])
        box.mastodon.software = "gotosocial"
        box.clock.advance(7200)
        with pytest.raises(InvalidPost) as caught:
            client.publish(plan)
        assert caught.value.code == "stale"
        assert box.timeline("bluesky") == []
        report = client.publish(plan, skip_invalid=True, errors="return")
        assert (report["mastodon"].status, report["bluesky"].status) == (Status.INVALID, Status.PUBLISHED)
        assert report["mastodon"].error.code == "stale"


def test_skip_invalid_with_nothing_left_is_a_report(client: Client) -> None:
    report = client.publish(Post("x" * 501), to="mastodon", skip_invalid=True, errors="return")
    assert report["mastodon"].status is Status.INVALID
    with pytest.raises(InvalidPost):
        client.publish(Post("x" * 501), to="mastodon", skip_invalid=True)


def test_an_invalid_post_has_a_report_of_every_account() -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client() as client:
        with pytest.raises(InvalidPost) as caught:
            client.publish(Post("x" * 400), to=["mastodon", "bluesky"])
        report = caught.value.report
        assert (report["mastodon"].status, report["bluesky"].status) == (Status.FAILED, Status.INVALID)
        assert set(report.failed) == {"mastodon", "bluesky"}


def test_a_reused_key_among_many_is_one_of_the_errors() -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client(store=":memory:") as client:
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
        with pytest.raises(PublishErrors) as caught:
            client.publish(Post("Other words"), to=["mastodon", "bluesky"], idempotency_key="launch")
    assert [type(error) for error in caught.value.exceptions] == [KeyReused]
    assert caught.value.report["bluesky"].status is Status.PUBLISHED


def test_the_same_key_on_another_account_is_another_post() -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client(store=":memory:") as client:
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
        report = client.publish(Post("Other words"), to="bluesky", idempotency_key="launch")
    assert report["bluesky"].status is Status.PUBLISHED
    assert not report.replayed


class Says:
    """A gate that always says the same."""

    def __init__(self, verdict: object) -> None:
        self.verdict = verdict

    def judge(self, plan: object, context: object) -> object:
        return self.verdict


def _rate_limited(box: Sandbox, client: Client) -> None:
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses", seconds=3000)


def _signed_out(box: Sandbox, client: Client) -> None:
    box.fault("expired-token", platform="mastodon")


def _halted(box: Sandbox, client: Client) -> None:
    client.halt("all", reason="wrong price", by="duty officer")


def _out_of_reach(box: Sandbox, client: Client) -> None:
    box.fault("dropped-before", platform="mastodon", match="GET *", times=50)


@pytest.mark.parametrize("stop", [_rate_limited, _signed_out, _halted, _out_of_reach])
@pytest.mark.parametrize("store", [None, ":memory:"])
def test_every_error_names_the_account_and_the_call_that_continues(
    box: Sandbox, stop: Callable[[Sandbox, Client], None], store: str | None
) -> None:
    """Also under a key that the client made itself: the text must not advise what the client then refuses."""
    with box.client(store=store) as client:
        stop(box, client)
        with pytest.raises(SocialKitError) as caught:
            client.publish(HELLO, to="mastodon")
        error, key = caught.value, caught.value.report.key
        assert "mastodon:" in str(error)
        assert f"client.publish(post, to='mastodon', idempotency_key={key!r})" in str(error)
        twin = pickle.loads(pickle.dumps(error))
        assert (str(twin), twin.report.key) == (str(error), key)
        box.faults.clear()
        box.clock.advance(4000)
        client.resume("all", reason="price mended", by="duty officer")
        assert client.publish(HELLO, to="mastodon", idempotency_key=key).ok
    assert live(box) == ["We ship today"]


def test_a_key_that_another_client_made_needs_a_store_too(box: Sandbox) -> None:
    with box.client() as first, box.client() as second:
        key = first.publish(HELLO, to="mastodon").key
        with pytest.raises(ConfigError, match="store="):
            second.publish(HELLO, to="mastodon", idempotency_key=key)


@pytest.mark.parametrize("answer", [True, None, "allow"])
def test_what_is_no_verdict_denies(box: Sandbox, answer: object) -> None:
    with box.client(gate=Says(answer)) as client, pytest.raises(Denied, match="no Verdict"):
        client.publish(HELLO, to="mastodon")
    assert live(box) == []


def test_one_line_is_logged_per_account_and_no_secret(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    secret = "s3cret-from-a-policy-server"

    class Leaky:
        def judge(self, plan: object, context: object) -> Verdict:
            raise RuntimeError(f"GET https://policy.example.com/?token={secret} failed")

    with caplog.at_level("DEBUG", logger="socialkit"), box.client(store=":memory:") as client:
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
        client.publish(HELLO, to="mastodon", idempotency_key="launch")
        with box.client(gate=Leaky()) as gated:
            report = gated.publish(HELLO, to="mastodon", errors="return")
    lines = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert [line.split()[1] for line in lines] == ["mastodon"] * 3
    assert "published" in lines[0]
    assert "https://mastodon.social/@brand/" in lines[0]
    assert "by an earlier call" in lines[1]
    assert "refused" in lines[2]
    assert secret not in caplog.text
    assert secret not in str(report["mastodon"].error)


def test_a_forked_child_draws_its_own_keys(box: Sandbox) -> None:
    """Else two workers of one pre-forked server would take each other's posts for repetitions."""
    with box.client() as client:
        client.publish(HELLO, to="mastodon")
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.write(writing, client.publish(Post("child"), to="mastodon").key.encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert client.publish(Post("parent"), to="mastodon").key != pipe.read()


def test_a_call_that_meets_a_running_one_says_who_runs_it(box: Sandbox) -> None:
    """Here in one process, on one store: the second call waits ``max_wait``, then names the process."""

    async def meet() -> None:
        store = MemoryStore()
        async with box.async_client(store=store) as first, box.async_client(store=store, max_wait=1) as other:
            await first.plan(HELLO, to="mastodon")
            await other.plan(HELLO, to="mastodon")
            box.clock.autojump = False
            box.fault("slow", platform="mastodon", match="POST /api/v1/statuses", seconds=20)
            running = asyncio.ensure_future(first.publish(HELLO, to="mastodon", idempotency_key="launch"))
            while not store.transact(lambda tx: tx.rows(kinds=["sending"])):  # noqa: ASYNC110 - nothing signals
                await asyncio.sleep(0)
            meeting = asyncio.ensure_future(other.publish(HELLO, to="mastodon", idempotency_key="launch"))
            while not meeting.done():
                box.clock.advance(0.2)
                await asyncio.sleep(0)
            with pytest.raises(OutcomeUnknown, match=rf"process {os.getpid()} is publishing 'launch'"):
                await meeting
            box.clock.autojump = True
            assert (await running).ok

    asyncio.run(meet())
    assert live(box) == ["We ship today"]


def test_a_disk_that_is_full_when_the_answer_comes_leaves_it_unknown(box: Sandbox) -> None:
    class FullDisk(MemoryStore):
        full = True

        def transact(self, work: Callable[[Any], Any], *, durable: bool = False) -> Any:
            if self.full and live(box):
                raise OSError("no space left on device")
            return super().transact(work, durable=durable)

        try_transact = transact

    store = FullDisk()
    with box.client(store=store) as client:
        with pytest.raises(OutcomeUnknown, match=r"may be live: .*no space left") as caught:
            client.publish(HELLO, to="mastodon", idempotency_key="launch")
        assert "client.settle('launch')" in str(caught.value)
        store.full = False
        assert client.publish(HELLO, to="mastodon", idempotency_key="launch").ok
    assert live(box) == ["We ship today"]


async def test_a_gate_and_a_progress_callable_may_be_async(box: Sandbox) -> None:
    stages: list[str] = []

    class Desk:
        async def judge(self, plan: object, context: object) -> Verdict:
            await asyncio.sleep(0)
            return Verdict("allow")

    async def note(event: Progress) -> None:
        await asyncio.sleep(0)
        stages.append(event.stage)

    async with box.async_client(gate=Desk()) as client:
        assert (await client.publish(HELLO, to="mastodon", progress=note)).ok
    assert stages == ["sending", "done"]


def test_a_moment_in_a_sentence_has_no_microseconds_and_never_comes_too_early() -> None:
    from socialkit.errors import RateLimited
    from socialkit.publish import next_step

    error = RateLimited("x", retry_at=datetime(2026, 11, 2, 9, 0, 2, 54673, tzinfo=UTC))
    assert next_step(error, "sky", "k").startswith("from 2026-11-02 09:00:03Z on, client.publish(")
