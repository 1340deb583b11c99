"""Cancelling: before the bytes leave nothing is sent; after that the report tells the truth about what left."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import socialkit.publish
from processes import Nursery, nursery, picture
from socialkit import AsyncClient, Image, Post, Progress, Report, Status
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, SQLiteStore
from socialkit.testing import ManualClock

HELLO = Post("We ship today")
STATUSES = "POST /api/v1/statuses"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def kinds(store: Any) -> list[str]:
    return [row.kind for row in store.transact(lambda tx: tx.rows())]


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("mastodon")]


async def cancelled_at(
    client: AsyncClient, stage: str, post: Post = HELLO, then: Callable[[], object] = lambda: None
) -> Report | None:
    """Publish, cancel the task when it reaches the stage; the report the cancellation carries."""
    reached = asyncio.Event()

    async def progress(event: Progress) -> None:
        if event.stage == stage:
            reached.set()

    publishing = client.publish(post, to="mastodon", idempotency_key="launch", progress=progress)
    task = asyncio.ensure_future(publishing)
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    then()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    report: Report | None = getattr(caught.value, "report", None)
    return report


# --- a task -----------------------------------------------------------------------------------------------------------
async def test_cancelled_while_uploading_nothing_is_sent(box: Sandbox, store: MemoryStore) -> None:
    with_picture = Post("We ship today", media=[Image(picture(), alt="a boat")])
    async with box.async_client(store=store) as client:
        with box.clock.hold():
            box.fault("slow", platform="mastodon", match="POST /api/v2/media", seconds=20)
            report = await cancelled_at(client, "uploading", with_picture)
        assert report is not None
        assert report["mastodon"].status is Status.FAILED
        assert "sending" not in kinds(store)
        assert live(box) == []
        again = await client.publish(with_picture, to="mastodon", idempotency_key="launch")
        assert again["mastodon"].status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


async def test_cancelled_after_the_bytes_left_the_answer_is_waited_for(
    box: Sandbox, store: MemoryStore
) -> None:
    async with box.async_client(store=store) as client:
        await client.plan(HELLO, to="mastodon")
        box.clock.autojump = False
        box.fault("slow", platform="mastodon", match=STATUSES, seconds=20)
        report = await cancelled_at(client, "sending", then=lambda: box.clock.advance(20))
    assert report is not None
    assert report["mastodon"].status is Status.PUBLISHED
    assert kinds(store) == ["intent", "sending", "live"]
    assert live(box) == ["We ship today"]


async def test_cancelled_and_never_answered_it_is_unknown_and_open(
    box: Sandbox, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socialkit.publish, "GRACE", 0.05)
    async with box.async_client(store=store) as client:
        await client.plan(HELLO, to="mastodon")
        box.clock.autojump = False
        box.fault("stored-then-hang", platform="mastodon", match=STATUSES)
        report = await cancelled_at(client, "sending")
        assert report is not None
        assert report["mastodon"].status is Status.UNKNOWN
        assert report["mastodon"].give_up_at is not None
        assert kinds(store) == ["intent", "sending"]
        assert [intent.key for intent in await client._machinery.journal.open_intents()] == ["launch"]
        assert (await client.settle("launch"))["mastodon"].status is Status.PUBLISHED
        again = await client.publish(HELLO, to="mastodon", idempotency_key="launch")
        assert again.replayed
    assert live(box) == ["We ship today"]


async def test_a_cancelled_thread_stops_after_the_part_that_had_left(
    box: Sandbox, store: MemoryStore
) -> None:
    thread = Post("one", thread=[Post("two"), Post("three")])
    async with box.async_client(store=store) as client:
        await client.plan(HELLO, to="mastodon")
        box.clock.autojump = False
        box.fault("slow", platform="mastodon", match=STATUSES, seconds=20)
        report = await cancelled_at(client, "sending", thread, then=lambda: box.clock.advance(20))
        assert report is not None
        assert report["mastodon"].status is Status.PARTIAL
        assert report["mastodon"].next_index == 1
        assert live(box) == ["one"]
        again = await client.publish(thread, to="mastodon", idempotency_key="launch")
        assert again["mastodon"].status is Status.PUBLISHED
    assert sorted(live(box)) == ["one", "three", "two"]


async def test_cancelled_between_two_tries_nothing_more_leaves(box: Sandbox, store: MemoryStore) -> None:
    """The first try is lost; the repeat, which the server's idempotency key would allow, waits for its time."""
    async with box.async_client(store=store) as client:
        await client.plan(HELLO, to="mastodon")
        waiting = asyncio.Event()
        box.fault("dropped-before", platform="mastodon", match=STATUSES)
        box.clock.autojump = False
        slept = box.clock.sleep

        async def sleep(seconds: float) -> None:
            waiting.set()
            await slept(seconds)

        box.clock.sleep = sleep  # type: ignore[method-assign]
        task = asyncio.ensure_future(client.publish(HELLO, to="mastodon", idempotency_key="launch"))
        await waiting.wait()
        task.cancel()
        await asyncio.sleep(0)
        box.clock.advance(10)
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
    report: Report = caught.value.report  # type: ignore[attr-defined]
    assert report["mastodon"].status is Status.UNKNOWN
    assert sum(line.method == "POST" for line in box.requests) == 1
    assert kinds(store).count("sending") == 1


class Stopping(SQLiteStore):
    """Cancels whoever waits for it once an attempt is written down, before its writer hears of it."""

    armed = True

    def try_transact(self, work: Any, *, durable: bool = False) -> Any:
        result = super().try_transact(work, durable=durable)
        if durable and self.armed and "sending" in kinds(self):
            self.armed = False
            loop = asyncio.get_running_loop()
            for task in asyncio.all_tasks():
                if "_run_to_end" in str(task.get_coro()):
                    loop.call_soon(task.cancel)
        return result


async def test_cancelled_when_the_row_is_there_and_nothing_has_left_it_is_certainly_not_live(
    box: Sandbox, tmp_path: Path
) -> None:
    with Stopping(str(tmp_path / "socialkit.db")) as store:
        async with box.async_client(store=store) as client:
            with pytest.raises(asyncio.CancelledError):
                await client.publish(HELLO, to="mastodon", idempotency_key="launch")
            assert kinds(store)[-2:] == ["sending", "refused"]
            (past,) = await client.history()
            assert past["mastodon"].status is Status.FAILED
            assert "cancelled before anything was sent" in str(past["mastodon"].error)
            again = await client.publish(HELLO, to="mastodon", idempotency_key="launch")
            assert again["mastodon"].status is Status.PUBLISHED
    assert live(box) == ["We ship today"]


async def test_cancelling_several_accounts_tells_the_fate_of_each() -> None:
    """One has left, one waits for its upload: the first ends published, the second is certainly not live."""
    post = HELLO.variant("bluesky", media=[Image(picture(), alt="a boat")])
    reached: dict[str, asyncio.Event] = {"sending": asyncio.Event(), "uploading": asyncio.Event()}

    async def progress(event: Progress) -> None:
        if event.stage in reached:
            reached[event.stage].set()

    with Sandbox(["mastodon", "bluesky"]) as box:
        async with box.async_client(store=":memory:") as client:
            await client.plan(post, to=client.accounts)
            box.clock.autojump = False
            box.fault("slow", platform="bluesky", match="POST .*uploadBlob", seconds=1000)
            box.fault("slow", platform="mastodon", match=STATUSES, seconds=20)
            asked: dict[str, Any] = {"to": client.accounts, "idempotency_key": "launch", "progress": progress}
            task = asyncio.ensure_future(client.publish(post, **asked))
            await asyncio.gather(*(event.wait() for event in reached.values()))
            task.cancel()
            await asyncio.sleep(0)
            box.clock.advance(20)
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
        report: Report = caught.value.report  # type: ignore[attr-defined]
        assert report["mastodon"].status is Status.PUBLISHED
        assert report["bluesky"].status is Status.FAILED
        assert live(box) == ["We ship today"]
        assert box.timeline("bluesky") == []


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture
def served(tmp_path: Path, children: Nursery) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    with Sandbox(["mastodon"], clock=ManualClock(autojump=False)) as box, box.serve() as url:
        accounts = {"brand": ["mastodon", box.mastodon.credentials(f"{url}/mastodon")]}
        task = {"url": url, "store": str(tmp_path / "socialkit.db"), "accounts": accounts, "to": "brand"}
        yield box, {**task, "key": "launch", "texts": ["We ship today"]}
    children.clear()


def wait_for_stage(child: Any, stage: str) -> None:
    while (event := child.wait_for("progress")) is not None:
        if event["stage"] == stage:
            return
    raise AssertionError(f"it ended before {stage}")


def test_ctrl_c_before_the_bytes_leave_sends_nothing(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery, tmp_path: Path
) -> None:
    box, task = served
    (tmp_path / "hero.png").write_bytes(picture())
    box.fault("slow", platform="mastodon", match="POST /api/v2/media", seconds=1000)
    told = children.run(
        "publish_plainly", **task, picture=str(tmp_path / "hero.png"), interrupt_at="uploading"
    )
    assert told["interrupted"]
    assert told["outcome"]["status"] == "failed"
    with SQLiteStore(task["store"]) as store:
        assert "sending" not in kinds(store)
    assert live(box) == []


def test_ctrl_c_after_the_bytes_left_reports_what_became_of_them(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery
) -> None:
    box, task = served
    box.fault("slow", platform="mastodon", match=STATUSES, seconds=20)
    child = children.start("publish_plainly", **task, interrupt_at="sending")
    wait_for_stage(child, "sending")
    while not child.has_news(0.01):
        box.clock.advance(20)
    told = child.result()
    assert told is not None
    assert told["interrupted"]
    assert told["outcome"]["status"] == "published"
    assert live(box) == ["We ship today"]


@pytest.mark.parametrize("from_outside", [True, False])
def test_ctrl_c_and_no_answer_leaves_it_unknown_and_open(
    served: tuple[Sandbox, dict[str, Any]], children: Nursery, from_outside: bool
) -> None:
    box, task = served
    box.fault("stored-then-hang", platform="mastodon", match=STATUSES)
    stage = None if from_outside else "sending"
    child = children.start("publish_plainly", **task, grace=0.1, interrupt_at=stage)
    wait_for_stage(child, "sending")
    if from_outside:
        child.signal(signal.SIGINT)
    told = child.result()
    assert told is not None
    assert told["interrupted"]
    assert told["outcome"]["status"] == "unknown"
    with SQLiteStore(task["store"]) as store:
        assert kinds(store) == ["intent", "sending"]
    record, again = children.run("finish", **task)
    assert (record["status"], again["replayed"]) == ("published", True)
    assert live(box) == ["We ship today"]
