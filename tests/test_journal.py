"""The journal: what is known of a post is folded from its rows, and never says more than they do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit import Declined, Denied, Halted, Identity, KeyReused, Post, SocialKitError, Status
from socialkit.adapters.base import Fence, Part, Sent
from socialkit.gate import ALLOW, Halt, Verdict
from socialkit.journal import Intent, Journal, NewIntent, fold, intent_id
from socialkit.journal._intent import worst
from socialkit.sandbox import Sandbox
from socialkit.store import Busy, MemoryStore, Row, SQLiteStore
from socialkit.testing import ManualClock

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
WHO = Identity("mastodon", "https://example.social", "1")
TOKENS = ("all", "platform:mastodon", "account:brand", "key:launch")


def new(key: str = "launch", content: str = "c1", parts: int = 1, who: Identity = WHO) -> NewIntent:
    texts = tuple(Part(number, {"status": f"part {number}"}, f"part {number}") for number in range(parts))
    return NewIntent(who, key, "brand", content, texts, TOKENS)


def journal() -> Journal:
    return Journal(MemoryStore(), ManualClock(AT))


def rows(journal: Journal, intent: str | None = None) -> list[Row]:
    found = journal.store.transact(lambda tx: tx.rows(intent=intent))
    assert isinstance(found, list)
    return found


async def opened(journal: Journal, wanted: NewIntent | None = None) -> Intent:
    found = await journal.open(wanted or new())
    assert found.claimed
    return found.intent


async def sending(journal: Journal, intent: Intent, part: int = 0, **given: Any) -> int:
    asked: dict[str, Any] = {"server_at": AT, "mark": None, "fence": None, "values": {}, "verdict": ALLOW}
    return await journal.sending(intent, part, **{**asked, **given})


# --- folding ----------------------------------------------------------------------------------------------------------
PART = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.just("sending"), PART),
    st.tuples(st.just("refused"), PART),
    st.tuples(st.just("live"), PART),
    st.tuples(st.just("look"), PART),
    st.tuples(st.just("absent"), PART),
    st.tuples(st.just("attaching"), PART),
    st.tuples(st.just("attached"), PART),
    st.tuples(st.just("prepared"), PART),
    st.tuples(st.just("outcome"), PART),
    st.tuples(st.just("intent"), PART),
)


async def write(journal: Journal, intent: Intent, kind: str, part: int) -> Intent:
    """One step as the engine takes it; a fresh intent row only where the engine writes one."""
    state = intent.states[part]
    match kind:
        case "sending":
            await sending(journal, intent, part)
        case "refused" if state.attempts:
            await journal.append(intent, kind, {"part": part, "attempt": len(state.attempts), "error": None})
        case "live":
            await journal.live(intent, part, Sent(f"id {part}"), owes=True)
        case "look":
            await journal.append(intent, kind, {"part": part, "counts": True, "seen": "absent", "words": ""})
        case "absent":
            await journal.append(intent, kind, {"part": part, "why": "not there", "too_old": False})
        case "attaching":
            await journal.attaching(intent, part)
        case "attached":
            await journal.append(intent, kind, {"part": part, "missing": ["caption"]})
        case "prepared":
            await journal.append(intent, kind, {"part": part, "values": {"key": ["k", None]}})
        case "outcome":
            await journal.append(intent, kind, {"status": "failed", "error": None})
        case "intent":
            await journal.release(intent)
            found = await journal.open(new(parts=3))
            return found.intent if found.claimed else intent
    return intent


@given(st.lists(STEPS, max_size=25))
def test_what_a_process_knows_is_what_any_other_reads(steps: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: the folded rows are the very state the writer holds."""

    async def run() -> None:
        book = journal()
        intent = await opened(book, new(parts=3))
        for kind, part in steps:
            intent = await write(book, intent, kind, part)
            read = await book.read(intent.id)
            assert read is not None
            assert read.states == intent.states
            assert (read.status, read.missing, read.outcome) == (
                intent.status,
                intent.missing,
                intent.outcome,
            )

    asyncio.run(run())


def proved(written: list[Row], parts: int) -> tuple[set[int], set[int]]:
    """(parts live, parts lost) as the rows since the last intent row say, counted the slow way."""
    begin = max(number for number, row in enumerate(written) if row.kind == "intent")
    live: set[int] = set()
    open_attempts: dict[int, set[int]] = {part: set() for part in range(parts)}
    for row in written[begin:]:
        part = row.data.get("part", 0)
        if row.kind == "live":
            live.add(part)
        elif row.kind == "sending":
            open_attempts[part].add(row.data["attempt"])
        elif row.kind == "refused":
            open_attempts[part].discard(row.data["attempt"])
        elif row.kind == "absent":
            open_attempts[part].clear()
    return live, {part for part, attempts in open_attempts.items() if attempts and part not in live}


def assert_says_no_more_than_its_rows(written: list[Row], parts: int) -> None:
    intent = fold(written)
    assert intent is not None
    live, lost = proved(written, parts)
    good = intent.status in (Status.PUBLISHED, Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER)
    assert good == (len(live) == parts and not lost)
    assert (intent.status is Status.UNKNOWN) == bool(lost)
    assert (intent.status is Status.PARTIAL) == (0 < len(live) < parts and not lost)
    receipt = intent.receipt()
    assert len((receipt, *receipt.parts) if receipt else ()) == len(live)


@given(st.lists(STEPS, max_size=25))
def test_no_prefix_of_any_rows_says_more_than_they_prove(steps: list[tuple[str, int]]) -> None:
    async def run() -> list[Row]:
        book = journal()
        intent = await opened(book, new(parts=3))
        for kind, part in steps:
            intent = await write(book, intent, kind, part)
        return rows(book, intent.id)

    written = asyncio.run(run())
    for end in range(1, len(written) + 1):
        assert_says_no_more_than_its_rows(written[:end], 3)


@pytest.mark.parametrize(
    "fault", ["", "stored-then-500", "stored-then-hang", "dropped-before", "429", "expired-token"]
)
@pytest.mark.parametrize("software", ["mastodon", "gotosocial"])
def test_no_prefix_of_a_real_publish_says_published_before_it_is_live(fault: str, software: str) -> None:
    store, thread = MemoryStore(), Post("one", thread=[Post("two"), Post("three")])
    with Sandbox(["mastodon"]) as box, box.client(store=store) as client:
        box.mastodon.software = software
        if fault:
            box.fault(fault, platform="mastodon", skip=1)
        client.publish(thread, to="mastodon", idempotency_key="tale", errors="return")
    written = store.transact(lambda tx: tx.rows())
    for end in range(1, len(written) + 1):
        assert_says_no_more_than_its_rows(written[:end], 3)


@given(
    st.lists(
        st.sampled_from([Status.PUBLISHED, Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER]),
        min_size=1,
    )
)
def test_a_thread_is_as_far_as_its_least_finished_part(statuses: list[Status]) -> None:
    assert (worst(statuses) is Status.PUBLISHED) == (set(statuses) == {Status.PUBLISHED})
    assert worst(statuses) in statuses


def test_rows_without_an_intent_are_nobody() -> None:
    assert fold([]) is None
    assert fold([Row(1, AT, None, "halt", {"id": "h"})]) is None


# --- keys and content -------------------------------------------------------------------------------------------------
def test_a_name_is_made_of_account_and_key_alone() -> None:
    assert new().id == intent_id(WHO, "launch") == new(content="other", parts=3).id
    other = [new(key="launch-2"), new(who=Identity("mastodon", "https://example.social", "2"))]
    assert new().id not in {one.id for one in other}


@pytest.mark.parametrize("ends", ["live", "lost"])
async def test_other_content_is_refused_while_something_is_or_may_be_live(ends: str) -> None:
    book = journal()
    intent = await opened(book)
    await sending(book, intent)
    if ends == "live":
        await book.live(intent, 0, Sent("7"))
    await book.release(intent)
    with pytest.raises(KeyReused, match="'launch' already belongs to other content"):
        await book.open(new(content="c2"))


async def test_other_content_may_have_the_key_when_nothing_is_live() -> None:
    book = journal()
    intent = await opened(book)
    await sending(book, intent)
    await book.append(intent, "refused", {"part": 0, "attempt": 1, "error": None})
    await book.release(intent)
    again = await opened(book, new(content="c2", parts=2))
    assert (again.content, len(again.states), again.began) == ("c2", 2, False)


async def test_uploads_outlive_a_failure_only_for_the_same_content() -> None:
    book = journal()
    intent = await opened(book)
    await book.append(intent, "prepared", {"part": 0, "values": {"media": ["m1", None]}})
    await book.release(intent)
    assert (await opened(book)).states[0].prepared == {"media": ("m1", None)}
    await book.release(intent)
    assert (await opened(book, new(content="c2"))).states[0].prepared == {}


async def test_what_is_too_old_is_refused_under_its_key_alone() -> None:
    book = journal()
    intent = await opened(book)
    await sending(book, intent)
    await book.append(intent, "absent", {"part": 0, "why": "not there", "too_old": True})
    await book.release(intent)
    with pytest.raises(Declined, match="may have been live"):
        await book.open(new())
    assert (await book.open(new(key="launch-2"))).claimed
    assert (await book.open(new(content="c2"))).claimed


# --- who works on it --------------------------------------------------------------------------------------------------
async def test_one_at_a_time() -> None:
    book = journal()
    intent = await opened(book)
    second = await book.open(new())
    assert not second.claimed
    assert second.owner == book.store.owner()
    await book.release(intent)
    assert (await book.open(new())).claimed


@pytest.mark.parametrize("lives", [True, False])
async def test_a_living_owner_keeps_it_a_dead_one_does_not(
    lives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = journal()
    intent = await opened(book)
    await sending(book, intent)
    await book.release(intent)
    book.store.transact(lambda tx: tx.put("owner", intent.id, "4711-beef"))
    monkeypatch.setattr(book.store, "alive", lambda owner: lives)
    found = await book.open(new())
    assert (found.owner, found.claimed) == (("4711-beef", False) if lives else (None, True))
    assert found.intent.lost


async def test_nothing_is_written_once_another_took_over() -> None:
    book = journal()
    intent = await opened(book)
    book.store.transact(lambda tx: tx.put("owner", intent.id, "4711-beef"))
    with pytest.raises(SocialKitError, match="another process took over"):
        await sending(book, intent)
    assert [row.kind for row in rows(book)] == ["intent"]


async def test_a_record_needs_no_claim() -> None:
    book = journal()
    intent = await opened(book)
    await sending(book, intent)
    await book.live(intent, 0, Sent("7"), last=True)
    await book.release(intent)
    found = await book.open(new())
    assert (found.claimed, found.owner, found.intent.status) == (False, None, Status.PUBLISHED)
    assert await book.open_intents() == []


# --- claims -----------------------------------------------------------------------------------------------------------
async def test_a_post_belongs_to_one_intent() -> None:
    book = journal()
    first, second = await opened(book), await opened(book, new("other"))
    assert await book.live(first, 0, Sent("7"))
    before = rows(book)
    assert not await book.live(second, 0, Sent("7"))
    assert rows(book) == before
    assert second.states[0].sent is None
    assert await book.live(first, 0, Sent("7", url="https://example.social/7"))


async def test_what_others_claimed_is_told_by_id_and_url() -> None:
    book = journal()
    first, second = await opened(book), await opened(book, new("other"))
    stranger = await opened(book, new(who=Identity("mastodon", "https://example.social", "2")))
    await book.live(first, 0, Sent("7", url="https://example.social/7"))
    await book.live(stranger, 0, Sent("8"))
    assert await book.claimed(second, since=AT) == {"7", "https://example.social/7"}
    assert await book.claimed(first, since=AT) == frozenset()
    assert await book.claimed(second, since=AT + timedelta(seconds=1)) == frozenset()


# --- what must be so before a byte leaves -----------------------------------------------------------------------------
async def test_no_sending_row_under_a_halt() -> None:
    book = journal()
    intent = await opened(book)
    await book.halt(Halt("h1", "all", "wrong price", "officer", AT, ("all",)))
    with pytest.raises(Halted, match="wrong price"):
        await sending(book, intent)
    with pytest.raises(Halted):
        await book.attaching(intent, 0)
    assert {row.kind for row in rows(book)} == {"intent", "halt"}
    assert not intent.began


async def test_no_sending_row_of_those_that_wait_for_one_transaction_under_a_halt(tmp_path: Path) -> None:
    class Held(SQLiteStore):
        held = False

        def try_transact(self, work: Any, *, durable: bool = False) -> Any:
            if self.held and durable:
                raise Busy
            return super().try_transact(work, durable=durable)

    path, clock = str(tmp_path / "socialkit.db"), ManualClock(AT)
    with Held(path) as store, SQLiteStore(path) as other:
        book = Journal(store, clock)
        intents = [await opened(book, new(key)) for key in ("one", "two", "three")]
        store.held = True
        waiting = [asyncio.ensure_future(sending(book, intent)) for intent in intents]
        await asyncio.sleep(0)
        await Journal(other, clock).halt(
            Halt("h1", "key:launch", "wrong price", "duty officer", AT, TOKENS[3:])
        )
        store.held = False
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in ended] == [Halted] * 3
        assert not store.transact(lambda tx: tx.rows(kinds=["sending"]))


async def test_no_sending_row_once_the_verdict_has_expired() -> None:
    book = journal()
    intent = await opened(book)
    with pytest.raises(Denied, match="expired"):
        await sending(book, intent, verdict=Verdict("allow", by="editor", expires_at=AT))
    assert not intent.began


async def test_a_verdict_that_expires_while_the_store_is_busy_has_expired() -> None:
    class Busily(MemoryStore):
        waits = 0

        def try_transact(self, work: Any, *, durable: bool = False) -> Any:
            if durable and self.waits:
                self.waits -= 1
                clock.advance(5)
                raise Busy
            return self.transact(work, durable=durable)

    clock, store = ManualClock(AT), Busily()
    book = Journal(store, clock)
    intent = await opened(book)
    store.waits = 2
    with pytest.raises(Denied, match="has expired"):
        await sending(
            book, intent, verdict=Verdict("allow", by="chief", expires_at=AT + timedelta(seconds=8))
        )
    store.waits = 2
    await sending(book, intent)
    (row,) = (row for row in rows(book) if row.kind == "sending")
    assert row.at == intent.states[0].attempts[0].at == AT + timedelta(seconds=20)


async def test_an_attempt_that_its_cancelled_caller_never_heard_of_is_taken_back() -> None:
    """Nothing leaves before the caller knows that the row is there."""
    book = journal()
    intent, unheard = await opened(book, new(parts=2)), await opened(book, new("other"))
    before = await book.read(intent.id)
    assert before is not None
    await sending(book, intent)
    await book.live(intent, 0, Sent("7"))
    before.states[0].sent, before.states[0].attempts = intent.states[0].sent, intent.states[0].attempts
    await sending(book, intent, 1)
    await book.release(before)
    read = await book.read(intent.id)
    assert read is not None
    assert (read.status, read.lost) == (Status.PARTIAL, False)
    assert read.last_error is not None
    assert "cancelled before anything was sent" in str(read.last_error)
    forgotten = await book.read(unheard.id)
    assert forgotten is not None
    await sending(book, unheard)
    await book.release(forgotten)
    read = await book.read(unheard.id)
    assert read is not None
    assert (read.status, read.lost) == (Status.FAILED, False)
    assert [one.key for one in await book.open_intents()] == ["launch"]


async def test_an_attempt_of_another_owner_is_not_taken_back() -> None:
    book = journal()
    intent = await opened(book)
    stale = await book.read(intent.id)
    assert stale is not None
    await sending(book, intent)
    book.store.transact(lambda tx: tx.put("owner", intent.id, "somebody else"))
    await book.release(stale)
    read = await book.read(intent.id)
    assert read is not None
    assert read.status is Status.UNKNOWN


async def test_the_sending_row_holds_what_a_finder_needs() -> None:
    book = journal()
    intent = await opened(book)
    given: dict[str, Any] = {
        "mark": {"newest": "6"},
        "fence": Fence("key", "proved"),
        "values": {"key": ["k", None]},
    }
    assert await sending(book, intent, server_at=AT + timedelta(hours=1), **given) == 1
    assert await sending(book, intent) == 2
    read = await book.read(intent.id)
    assert read is not None
    first = read.states[0].attempts[0]
    assert (first.at, first.server_at, first.mark, first.fence) == (
        AT,
        AT + timedelta(hours=1),
        {"newest": "6"},
        "key",
    )
    assert read.states[0].prepared == {"key": ("k", None)}
    assert [one.intent for one in rows(book) if one.kind == "sending"] == [intent.id] * 2


# --- secrets ----------------------------------------------------------------------------------------------------------
async def test_upload_sessions_stand_outside_the_journal_and_go_when_it_is_settled() -> None:
    book = journal()
    intent = await opened(book)
    await book.secret(intent, 0, "session", "https://upload.example.com/s3cret")
    await book.release(intent)
    assert await book.secrets(intent, 0) == {"session": "https://upload.example.com/s3cret"}
    assert "s3cret" not in str(rows(book))
    again = await opened(book)
    await sending(book, again)
    await book.live(again, 0, Sent("7"))
    await book.release(again)
    assert await book.secrets(intent, 0) == {}


# --- lists ------------------------------------------------------------------------------------------------------------
async def test_what_is_open_is_listed_until_it_is_settled() -> None:
    book = journal()
    names = ("lost", "failed", "live", "processing", "handed")
    _lost, failed, live, processing, handed = everyone = [await opened(book, new(key)) for key in names]
    for intent in everyone:
        await sending(book, intent)
    await book.append(failed, "refused", {"part": 0, "attempt": 1, "error": None})
    await book.live(live, 0, Sent("7"))
    await book.live(processing, 0, Sent("8", status=Status.PROCESSING))
    await book.live(handed, 0, Sent("9", status=Status.HANDED_OVER))
    for intent in everyone:
        await book.release(intent)
    assert {intent.key for intent in await book.open_intents()} == {"lost", "processing", "handed"}


async def test_intents_are_found_by_time_and_key() -> None:
    book = journal()
    assert isinstance(book.clock, ManualClock)
    await opened(book, new("first"))
    book.clock.advance(60)
    await opened(book, new("second"))
    assert [intent.key for intent in await book.intents()] == ["first", "second"]
    assert [intent.key for intent in await book.intents(since=AT + timedelta(seconds=30))] == ["second"]
    assert [intent.key for intent in await book.intents(key="first")] == ["first"]
