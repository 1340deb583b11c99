"""Halts: a stop in one process holds in every process on the store, and says what it could not catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from processes import Nursery, nursery
from socialkit import Client, ConfigError, Halted, Mastodon, Post, Receipt, Report, Status, ThreadPartlyPosted
from socialkit.sandbox import Sandbox
from socialkit.store import Row, SQLiteStore
from socialkit.testing import ManualClock

WHY = {"reason": "wrong price", "by": "duty officer"}
OVER = {"reason": "price mended", "by": "duty officer"}
HELLO = Post("We ship today")


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture
def served(tmp_path: Path, children: Nursery) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """A served sandbox, and the task of publishing one post to it."""
    with Sandbox(["mastodon"], clock=ManualClock(autojump=False)) as box, box.serve() as url:
        box.mastodon.windows = ()
        yield (
            box,
            {
                "url": url,
                "store": str(tmp_path / "socialkit.db"),
                "accounts": {"brand": ["mastodon", box.mastodon.credentials(f"{url}/mastodon")]},
                "to": "brand",
                "key": "launch",
                "texts": ["We ship today"],
            },
        )
    children.clear()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with box.client(store=":memory:") as client:
        yield client


def rows(path: str) -> list[Row]:
    with SQLiteStore(path) as store:
        return store.transact(lambda tx: tx.rows())


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("mastodon")]


def publish(client: Client, post: Post = HELLO, key: str = "launch") -> Report:
    return client.publish(post, to="mastodon", idempotency_key=key, errors="return")


# --- across processes -------------------------------------------------------------------------------------------------
def test_nothing_crosses_after_a_halt_under_four_publishing_processes(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery
) -> None:
    box, task = served
    four = [children.start("publish_on_and_on", **{**task, "name": f"p{n}", "tasks": 3}) for n in range(4)]
    for child in four:
        assert child.wait_for("running")
    halt = children.run("halt", **{**task, "scope": "all"})
    last = max(row.seq for row in rows(task["store"]))
    for child in four:
        assert child.wait_for("idle"), "every task of it met the halt"
        child.tell(stop=True)
    counts = [child.result() for child in four]
    written = rows(task["store"])
    stop = next(row.seq for row in written if row.kind == "halt")
    assert [row for row in written if row.kind == "sending" and row.seq > stop] == []
    assert last >= stop
    published = sum(count.get("published", 0) for count in counts if count)
    assert published == len(live(box)) > 0
    assert all(count and count["refused"] == 3 for count in counts)
    print(f"halt() took {halt['seconds'] * 1000:.1f} ms; {len(halt['in_flight'])} posts were in flight")


def test_stopped_between_check_and_row_it_sends_nothing_after_the_halt(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery
) -> None:
    box, task = served
    sender = children.start("publish", **task, strike=["enter", 1, "stop"])
    assert sender.wait_for("struck")
    halt = children.run("halt", **{**task, "scope": "all"})
    assert halt["in_flight"] == []
    sender.resume()
    told = sender.result()
    assert told is not None
    assert (told["status"], told["kind"]) == ("refused", "Halted")
    assert live(box) == []
    assert "sending" not in {row.kind for row in rows(task["store"])}


@pytest.mark.parametrize("strike", [["after", 2, "stop"], ["leave", 1, "stop"]])
def test_what_had_left_is_named_in_flight(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery, strike: list[Any]
) -> None:
    box, task = served
    sender = children.start("publish", **task, strike=strike)
    assert sender.wait_for("struck")
    halt = children.run("halt", **{**task, "scope": "all"})
    assert halt["in_flight"] == [["launch", 0]]
    sender.resume()
    told = sender.result()
    assert told is not None
    assert told["status"] == "published"
    assert live(box) == ["We ship today"]


def test_killed_in_flight_it_stays_named_and_unsent(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery
) -> None:
    box, task = served
    sender = children.start("publish", **task, strike=["after", 2, "kill"])
    assert sender.wait_for("struck")
    assert sender.next() is None
    assert children.run("halt", **{**task, "scope": "all"})["in_flight"] == [["launch", 0]]
    told = children.run("publish", **task)
    assert (told["status"], told["kind"]) == ("unknown", "Halted"), "halted, and nobody looked yet"
    assert live(box) == []


def test_a_halt_stops_a_thread_between_its_parts(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery
) -> None:
    box, task = served
    task = {**task, "texts": ["one", "two", "three"]}
    sender = children.start("publish", **task, strike=["after", 3, "stop"])
    struck = sender.wait_for("struck")
    assert struck == {"event": "struck", "kind": "live"}
    children.run("halt", **{**task, "scope": "all"})
    sender.resume()
    told = sender.result()
    assert told is not None
    assert (told["status"], told["kind"], len(told["ids"])) == ("partial", "ThreadPartlyPosted", 1)
    assert live(box) == ["one"]


@pytest.mark.parametrize("scope", ["other", "platform:mastodon", "key:launch", "all"])
def test_another_label_and_another_token_are_the_same_account(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery, scope: str
) -> None:
    """One process knows the account as "brand", the other as "other" and with a token of its own."""
    box, task = served
    other = {**task["accounts"]["brand"][1], "token": box.mastodon.token("brand", "read write")}
    theirs = {
        **task,
        "accounts": {"other": ["mastodon", other]},
        "to": "other",
        "key": "earlier",
        "texts": ["before"],
    }
    assert children.run("publish", **theirs)["status"] == "published"
    children.run("halt", **{**theirs, "scope": scope})
    told = children.run("publish", **task)
    assert (told["status"], told["kind"]) == ("refused", "Halted")
    assert live(box) == ["before"]


# --- scopes -----------------------------------------------------------------------------------------------------------
def identity(client: Client) -> str:
    found = client.plan(HELLO, to="mastodon")["mastodon"].identity
    assert found is not None
    return found.key


SCOPES: dict[str, Callable[[Client], Any]] = {
    "everything": lambda client: "all",
    "a name": lambda client: "mastodon",
    "a name, in words": lambda client: "account:mastodon",
    "an adapter": lambda client: client.accounts["mastodon"],
    "a platform": lambda client: "platform:mastodon",
    "a key": lambda client: "key:launch",
    "an identity": lambda client: f"identity:{identity(client)}",
}
ELSEWHERE = ["platform:bluesky", "key:other", "identity:mastodon|https://example.social|1"]


@pytest.mark.parametrize("scope", SCOPES.values(), ids=SCOPES)
def test_a_scope_stops_what_it_covers_until_it_is_resumed(box: Sandbox, client: Client, scope: Any) -> None:
    halt = client.halt(scope(client), **WHY)
    outcome = publish(client)["mastodon"]
    assert outcome.status is Status.REFUSED
    assert isinstance(outcome.error, Halted)
    assert outcome.error.halt == halt
    assert live(box) == []
    assert [lifted.id for lifted in client.resume(scope(client), **OVER)] == [halt.id]
    assert publish(client)["mastodon"].status is Status.PUBLISHED


@pytest.mark.parametrize("scope", ELSEWHERE)
def test_a_scope_leaves_the_rest_alone(box: Sandbox, client: Client, scope: str) -> None:
    client.halt(scope, **WHY)
    assert publish(client)["mastodon"].status is Status.PUBLISHED


def test_a_scope_that_is_nobody_is_refused(client: Client) -> None:
    with pytest.raises(ConfigError, match="no account named 'skye'"):
        client.halt("skye", **WHY)
    assert client.halts() == []


def test_halts_tell_who_why_and_when(box: Sandbox, client: Client) -> None:
    halt = client.halt("all", **WHY)
    assert (halt.scope, halt.reason, halt.by, halt.at) == (
        "all",
        "wrong price",
        "duty officer",
        box.clock.now(),
    )
    assert client.halts() == [halt]
    assert halt.complete


def test_each_of_two_halts_is_lifted_alone(box: Sandbox, client: Client) -> None:
    first, second = client.halt("all", **WHY), client.halt("all", reason="and wrong picture", by="designer")
    client.resume(first, **OVER)
    assert client.halts() == [second]
    assert publish(client)["mastodon"].status is Status.REFUSED
    client.resume(second, **OVER)
    assert publish(client)["mastodon"].status is Status.PUBLISHED


def test_a_gate_is_not_asked_under_a_halt(box: Sandbox) -> None:
    class Policy:
        def judge(self, plan: object, context: object) -> Any:
            raise AssertionError("asked")

    with box.client(gate=Policy(), store=":memory:") as client:
        client.halt("all", **WHY)
        assert isinstance(publish(client)["mastodon"].error, Halted)


# --- what is live under a halt ----------------------------------------------------------------------------------------
def test_a_finished_key_is_replayed_under_a_halt(box: Sandbox, client: Client) -> None:
    first = publish(client)
    client.halt("all", **WHY)
    again = publish(client)
    assert again.replayed
    assert again["mastodon"].receipt == first["mastodon"].receipt


def test_under_a_halt_a_post_is_deleted_but_not_edited(box: Sandbox, client: Client) -> None:
    receipt = publish(client)["mastodon"].receipt
    assert isinstance(receipt, Receipt)
    client.halt("all", **WHY)
    with pytest.raises(Halted, match="wrong price"):
        client.edit(receipt, Post("We ship tomorrow"))
    assert live(box) == ["We ship today"]
    client.delete(receipt)
    assert live(box) == []


def test_a_thread_in_pieces_stays_partial_under_a_halt_and_goes_on_after_it(
    box: Sandbox, client: Client
) -> None:
    thread = Post("one", thread=[Post("two"), Post("three")])
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses", skip=1, seconds=300)
    assert publish(client, thread)["mastodon"].status is Status.PARTIAL
    box.clock.advance(400)
    client.halt("all", **WHY)
    stopped = publish(client, thread)["mastodon"]
    assert stopped.status is Status.PARTIAL
    assert isinstance(stopped.error, ThreadPartlyPosted)
    assert isinstance(stopped.error.__cause__, Halted)
    assert (len(stopped.error.receipts), stopped.next_index) == (1, 1)
    client.resume("all", **OVER)
    assert publish(client, thread)["mastodon"].status is Status.PUBLISHED
    assert sorted(live(box)) == ["one", "three", "two"]


def test_a_lost_post_stays_unknown_under_a_halt_and_can_be_settled(box: Sandbox, client: Client) -> None:
    box.mastodon.software = "gotosocial"
    box.fault("stored-then-hang", platform="mastodon", match="POST /api/v1/statuses")
    box.fault("slow", platform="mastodon", match="GET /api/v1/accounts/[^/]+/statuses", seconds=40, times=4)
    client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return", wait=0)
    halt = client.halt("all", **WHY)
    assert [flight.key for flight in halt.in_flight] == ["launch"]
    assert halt.in_flight[0].text == "We ship today"
    assert not halt.complete
    assert publish(client)["mastodon"].status is Status.UNKNOWN
    box.faults.clear()
    assert client.settle("launch")["mastodon"].status is Status.PUBLISHED
    assert publish(client)["mastodon"].status is Status.PUBLISHED


def test_what_the_platform_will_publish_by_itself_is_named(box: Sandbox, client: Client) -> None:
    when = box.clock.now() + timedelta(hours=2)
    later = HELLO.variant("mastodon", Mastodon.Options(scheduled_at=when))
    scheduled = publish(client, later)["mastodon"]
    assert scheduled.status is Status.SCHEDULED
    halt = client.halt("all", **WHY)
    assert [receipt.id for receipt in halt.handed_over] == [scheduled.receipt and scheduled.receipt.id]
    box.clock.advance(3 * 3600)
    assert client.settle("launch")["mastodon"].status is Status.PUBLISHED
    assert client.halt("all", **WHY).handed_over == ()


def test_a_halt_of_another_scope_names_nothing_of_ours(box: Sandbox, client: Client) -> None:
    publish(
        client, HELLO.variant("mastodon", Mastodon.Options(scheduled_at=box.clock.now() + timedelta(hours=2)))
    )
    assert client.halt("platform:bluesky", **WHY).complete
