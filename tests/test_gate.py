"""The gate: who may say no, what it is told, and that nothing leaves without its word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from socialkit import Client, Denied, Halted, Held, Identity, Post, PublishErrors, Status, Verdict
from socialkit.gate import GateContext, Halt, InFlight, check_halts, find_halt, halt_from, halts_in, tokens_of
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
HELLO = Post("We ship today")
WHO = Identity("mastodon", "https://example.social", "1")


class Policy:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer: Callable[[GateContext], Any] = lambda context: Verdict("allow")) -> None:
        self.answer = answer
        self.asked: list[tuple[Any, GateContext]] = []

    def judge(self, plan: Any, context: GateContext) -> Any:
        self.asked.append((plan, context))
        return self.answer(context)


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("mastodon")]


# --- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("decision", "allowed"), [("allow", True), ("hold", False), ("deny", False)])
def test_only_allow_allows(decision: Any, allowed: bool) -> None:
    assert Verdict(decision).allowed is allowed


def test_an_account_can_be_aimed_at_by_everything_it_is() -> None:
    assert set(tokens_of("mastodon", "brand", WHO, "login-1", "launch")) == {
        "all",
        "platform:mastodon",
        "account:brand",
        "login:login-1",
        "key:launch",
        f"identity:{WHO.key}",
    }
    assert f"identity:{WHO.key}" not in tokens_of("mastodon", "brand", None, "login-1", "launch")


def test_a_halt_is_complete_when_nothing_can_appear_any_more() -> None:
    halt = Halt("h1", "all", "wrong price", "officer", AT)
    flight = InFlight("brand", "mastodon", "launch", 0, AT)
    assert halt.complete
    assert not Halt("h1", "all", "wrong price", "officer", AT, in_flight=(flight,)).complete
    assert "delete" in flight.cancel


def test_a_halt_survives_the_store() -> None:
    store, data = MemoryStore(), {"id": "h1", "scope": "all", "reason": "wrong price", "by": "officer"}
    stored = {**data, "at": "2026-11-02T09:00:00.000000Z", "tokens": ["all"]}
    store.transact(lambda tx: tx.put("halt", "h1", stored))
    expected = Halt("h1", "all", "wrong price", "officer", AT, ("all",))
    assert halt_from(stored) == expected
    assert store.transact(halts_in) == [expected]
    assert store.transact(lambda tx: find_halt(tx, ["key:launch"], "brand")) is None
    found = store.transact(lambda tx: find_halt(tx, ["key:launch", "all"], "brand"))
    assert isinstance(found, Halted)
    assert found.halt == expected
    with pytest.raises(Halted, match="brand: stopped by officer"):
        store.transact(lambda tx: check_halts(tx, ["all"], "brand"))


# --- asking -----------------------------------------------------------------------------------------------------------
def test_it_is_told_what_would_be_sent_by_whom_under_which_key() -> None:
    gate = Policy()
    with Sandbox(["mastodon"]) as box, box.client(gate=gate, store=":memory:") as client:
        report = client.publish(HELLO, to="mastodon", idempotency_key="launch")
        ((plan, context),) = gate.asked
        assert plan.parts[0].text == "We ship today"
        assert (context.account, context.platform, context.key, context.action) == (
            "mastodon",
            "mastodon",
            "launch",
            "publish",
        )
        assert context.identity == report["mastodon"].receipt.identity  # type: ignore[union-attr]
        assert context.at == box.clock.now()


def test_it_is_not_asked_for_what_is_a_record_already() -> None:
    gate = Policy()
    with Sandbox(["mastodon"]) as box, box.client(gate=gate, store=":memory:") as client:
        for _ in range(2):
            client.publish(HELLO, to="mastodon", idempotency_key="launch")
    assert len(gate.asked) == 1


def test_it_is_asked_again_for_what_goes_on() -> None:
    """What a person withdrew meanwhile must not go on: a resumed thread is judged anew."""
    gate = Policy()
    thread = Post("one", thread=[Post("two")])
    with Sandbox(["mastodon"]) as box, box.client(gate=gate, store=":memory:") as client:
        box.fault("429", platform="mastodon", match="POST /api/v1/statuses", skip=1, seconds=300)
        client.publish(thread, to="mastodon", idempotency_key="tale", errors="return")
        box.clock.advance(400)
        gate.answer = lambda context: Verdict("deny", "the story changed")
        outcome = client.publish(thread, to="mastodon", idempotency_key="tale", errors="return")["mastodon"]
        assert outcome.status is Status.PARTIAL
        assert isinstance(outcome.error.__cause__ if outcome.error else None, Denied)
        assert live(box) == ["one"]


def test_plain_and_async_gates_are_the_same() -> None:
    class Async:
        async def judge(self, plan: Any, context: Any) -> Verdict:
            return Verdict("hold", "after hours", by="policy")

    with (
        Sandbox(["mastodon"]) as box,
        box.client(gate=Async()) as client,
        pytest.raises(Held, match="after hours"),
    ):
        client.publish(HELLO, to="mastodon")


@pytest.mark.parametrize(
    "answer", [None, True, "allow", Verdict], ids=["None", "True", "a text", "the class"]
)
def test_what_is_no_verdict_denies(answer: Any) -> None:
    with Sandbox(["mastodon"]) as box, box.client(gate=Policy(lambda context: answer)) as client:
        with pytest.raises(Denied, match="gate"):
            client.publish(HELLO, to="mastodon")
        assert live(box) == []


def test_one_account_held_does_not_hold_the_other() -> None:
    held = Policy(
        lambda context: Verdict("hold", "ask legal") if context.account == "careful" else Verdict("allow")
    )
    with Sandbox(["mastodon", "bluesky"]) as box:
        made = box.accounts()
        accounts = {"quick": made["mastodon"], "careful": made["bluesky"]}
        with Client(accounts, gate=held, transport=box.transport, clock=box.clock) as client:
            with pytest.raises(PublishErrors) as caught:
                client.publish(HELLO, to=accounts)
            report = caught.value.report
            assert report is not None
            assert (report["quick"].status, report["careful"].status) == (Status.PUBLISHED, Status.REFUSED)


def test_an_allowance_that_ends_before_the_post_leaves_is_none() -> None:
    """The upload took longer than the approval held."""
    with Sandbox(["mastodon"]) as box:
        until = box.clock.now() + timedelta(seconds=30)
        gate = Policy(lambda context: Verdict("allow", by="editor", expires_at=until))
        with box.client(gate=gate) as client:
            from processes import picture
            from socialkit import Image

            box.fault("slow", platform="mastodon", match="POST /api/v2/media", seconds=60)
            with pytest.raises(Denied, match="approval by editor has expired"):
                client.publish(Post("We ship today", media=[Image(picture(), alt="a boat")]), to="mastodon")
        assert live(box) == []


def raises(context: GateContext) -> Verdict:
    raise RuntimeError("policy server down")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (raises, "the gate failed: .*policy server down"),
        (lambda context: None, "no Verdict"),
        (lambda context: Verdict("allow", by="editor", expires_at=context.at), "has expired"),
    ],
)
def test_an_edit_is_denied_by_a_gate_that_fails(answer: Any, says: str) -> None:
    gate = Policy()
    with Sandbox(["mastodon"]) as box, box.client(gate=gate) as client:
        receipt = client.publish(HELLO, to="mastodon")["mastodon"].receipt
        assert receipt is not None
        gate.answer = answer
        with pytest.raises(Denied, match=says):
            client.edit(receipt, Post("We ship tomorrow"))
        assert live(box) == ["We ship today"]


def test_edits_are_judged_as_edits() -> None:
    gate = Policy()
    with Sandbox(["mastodon"]) as box, box.client(gate=gate) as client:
        receipt = client.publish(HELLO, to="mastodon")["mastodon"].receipt
        assert receipt is not None
        gate.answer = lambda context: (
            Verdict("deny", "no edits") if context.action == "edit" else Verdict("allow")
        )
        with pytest.raises(Denied, match="no edits"):
            client.edit(receipt, Post("We ship tomorrow"))
        assert live(box) == ["We ship today"]
