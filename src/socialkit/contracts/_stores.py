"""Contract suites for stores of your own: subclass one in your tests, say how to make a store, run pytest.

The tests are plain functions around ``asyncio.run``: no plugin is needed. ``make`` is called once for each
test, inside a running loop, and must give an empty store.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar

from .._loop import call_user
from ..adapters.base import Credential
from ..auth import locked
from ..model import Identity
from ..store import Store, TokenStore, Tx, transact

__all__ = ["StoreContract", "TokenStoreContract"]

T = TypeVar("T")
_AT = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
_EXACT: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**60,
    1.5,
    "",
    "→ é 🚀 \n\x00",
    [],
    {},
    [1, [None]],
    {"a": {"b": [1.5]}},
)


class _Fails(Exception):
    """Raised by the suites' own work functions."""


def _contract(test: Callable[[Any, Any], Coroutine[Any, Any, None]]) -> Callable[[Any], None]:
    """A plain test that runs the coroutine on a store made for it alone."""

    async def on_new_store(suite: Any) -> None:
        store = suite.make()
        try:
            await test(suite, store)
        finally:
            if hasattr(store, "close"):
                store.close()

    @functools.wraps(test)
    def run(suite: Any) -> None:
        asyncio.run(on_new_store(suite))

    del run.__dict__["__wrapped__"]
    return run


class StoreContract:
    """What every :class:`~socialkit.store.Store` must do.

    >>> from socialkit.store import MemoryStore
    >>> class TestMyStore(StoreContract):
    ...     def make(self):
    ...         return MemoryStore()
    >>> TestMyStore().test_a_failing_transaction_leaves_nothing()
    """

    def make(self) -> Store:
        """An empty store, open."""
        raise NotImplementedError("return an empty store")

    # --- the journal ----------------------------------------------------------------------------------------
    @_contract
    async def test_rows_come_back_as_written(self, store: Store) -> None:
        data = {"values": list(_EXACT), "nested": {"é": [{"deep": 0.1}]}}
        seq = await transact(store, lambda tx: tx.append("sending", data, intent="i1", at=_AT))
        (row,) = await transact(store, lambda tx: tx.rows())
        assert (row.seq, row.at, row.intent, row.kind, row.data) == (seq, _AT, "i1", "sending", data)
        assert row.at.utcoffset() == timedelta(0)

    @_contract
    async def test_seq_grows_over_all_intents(self, store: Store) -> None:
        def work(tx: Tx) -> list[int]:
            return [tx.append("k", {}, intent=name, at=_AT) for name in ("b", "a", "b")] + [
                tx.append("k", {}, at=_AT)
            ]

        first = await transact(store, work)
        second = await transact(store, work)
        assert first + second == sorted({*first, *second})
        assert [row.seq for row in await transact(store, lambda tx: tx.rows())] == first + second

    @_contract
    async def test_rows_are_chosen_by_everything_given(self, store: Store) -> None:
        def fill(tx: Tx) -> list[int]:
            return [
                tx.append("kb"[i % 2], {"i": i}, intent="xyz"[i % 3], at=_AT + timedelta(minutes=i))
                for i in range(12)
            ]

        seqs = await transact(store, fill)

        async def chosen(**query: Any) -> list[int]:
            return [row.data["i"] for row in await transact(store, lambda tx: tx.rows(**query))]

        assert await chosen(intent="x") == [0, 3, 6, 9]
        assert await chosen(intent="nobody") == []
        assert await chosen(kinds=["b"]) == [1, 3, 5, 7, 9, 11]
        assert await chosen(kinds=("b", "k"), limit=3) == [0, 1, 2]
        assert await chosen(kinds=["b"], intent="x") == [3, 9]
        assert await chosen(after=seqs[8]) == [9, 10, 11]
        assert await chosen(since=_AT + timedelta(minutes=10)) == [10, 11]
        assert await chosen(newest_first=True, limit=2) == [11, 10]
        assert await chosen(newest_first=True, kinds=["k"], intent="x", limit=1) == [6]
        assert await chosen(intent="x", after=seqs[0], since=_AT + timedelta(minutes=4)) == [6, 9]
        assert await chosen(limit=0) == []

    @_contract
    async def test_times_are_instants_not_clock_faces(self, store: Store) -> None:
        tokyo = _AT.astimezone(timezone(timedelta(hours=9)))
        await transact(store, lambda tx: tx.append("k", {}, at=tokyo))
        (row,) = await transact(store, lambda tx: tx.rows(since=tokyo))
        assert row.at == _AT
        assert row.at.utcoffset() == timedelta(0)
        assert await transact(store, lambda tx: tx.rows(since=tokyo + timedelta(microseconds=1))) == []

    @_contract
    async def test_a_time_without_zone_is_refused(self, store: Store) -> None:
        naive = _AT.replace(tzinfo=None)
        await _raises(ValueError, transact(store, lambda tx: tx.append("k", {}, at=naive)))
        assert await transact(store, lambda tx: tx.rows()) == []

    # --- cells ----------------------------------------------------------------------------------------------
    @_contract
    async def test_cells_come_back_as_written(self, store: Store) -> None:
        def fill(tx: Tx) -> None:
            for number, value in enumerate(_EXACT):
                tx.put("facts", f"k{number:02}", value)

        await transact(store, fill)
        items = await transact(store, lambda tx: tx.items("facts"))
        assert items == [(f"k{number:02}", value) for number, value in enumerate(_EXACT)]
        assert [type(value) for _, value in items] == [type(value) for value in _EXACT]
        assert await transact(store, lambda tx: tx.get("facts", "k12")) == _EXACT[12]

    @_contract
    async def test_cells_are_replaced_and_deleted(self, store: Store) -> None:
        await transact(store, lambda tx: tx.put("halts", "all", {"by": "x"}))
        await transact(store, lambda tx: tx.put("halts", "all", {"by": "y"}))
        assert await transact(store, lambda tx: tx.get("halts", "all")) == {"by": "y"}
        await transact(store, lambda tx: tx.delete("halts", "all"))
        await transact(store, lambda tx: tx.delete("halts", "never there"))
        assert await transact(store, lambda tx: tx.get("halts", "all")) is None
        assert await transact(store, lambda tx: tx.items("halts")) == []

    @_contract
    async def test_spaces_are_apart(self, store: Store) -> None:
        for space in ("budget", "secret", "token"):
            await transact(store, lambda tx, space=space: tx.put(space, "k", space))  # type: ignore[misc]
        for space in ("budget", "secret", "token"):
            assert await transact(store, lambda tx, space=space: tx.items(space)) == [("k", space)]  # type: ignore[misc]

    @_contract
    async def test_items_by_prefix_are_sorted(self, store: Store) -> None:
        keys = ["a", "a%", "a_b", "ab", "a\U0010ffffz", "b", "A", "é", "\ud7ff", "\ue000", "🚀x"]

        def fill(tx: Tx) -> None:
            for key in keys:
                tx.put("s", key, 1)

        await transact(store, fill)
        for prefix in ("", "a", "a%", "a_", "a\U0010ffff", "\ud7ff", "\U0010ffff", "é", "nobody"):
            found = await transact(store, lambda tx, prefix=prefix: tx.items("s", prefix))  # type: ignore[misc]
            assert [key for key, _ in found] == sorted(key for key in keys if key.startswith(prefix))

    @_contract
    async def test_values_are_the_callers_own(self, store: Store) -> None:
        mine = {"list": [1]}

        def write(tx: Tx) -> None:
            tx.put("s", "k", mine)
            tx.append("k", mine, at=_AT)

        await transact(store, write)
        mine["list"].append(2)
        for _ in range(2):
            cell = await transact(store, lambda tx: tx.get("s", "k"))
            (item,) = await transact(store, lambda tx: tx.items("s"))
            (row,) = await transact(store, lambda tx: tx.rows())
            assert cell == item[1] == row.data == {"list": [1]}
            for copy in (cell, item[1], row.data):
                copy["list"].append(3)  # pyright: ignore[reportOptionalSubscript]

    @_contract
    async def test_what_is_not_json_is_refused(self, store: Store) -> None:
        for value in (object(), {1, 2}, b"bytes", float("nan"), {"deep": [float("inf")]}, _AT):
            await _raises((TypeError, ValueError), transact(store, lambda tx, v=value: tx.put("s", "k", v)))  # type: ignore[misc]
            await _raises(
                (TypeError, ValueError),
                transact(store, lambda tx, v=value: tx.append("k", {"v": v}, at=_AT)),  # type: ignore[misc]
            )
        assert await transact(store, lambda tx: (tx.get("s", "k"), tx.rows())) == (None, [])

    # --- transactions ---------------------------------------------------------------------------------------
    @_contract
    async def test_work_sees_its_own_changes(self, store: Store) -> None:
        def work(tx: Tx) -> tuple[Any, ...]:
            tx.put("s", "k", 1)
            seq = tx.append("k", {}, intent="i", at=_AT)
            seen = tx.get("s", "k"), len(tx.rows(intent="i")), len(tx.rows(after=seq))
            tx.delete("s", "k")
            return (*seen, tx.get("s", "k"))

        assert await transact(store, work) == (1, 1, 0, None)

    @_contract
    async def test_a_failing_transaction_leaves_nothing(self, store: Store) -> None:
        def prepare(tx: Tx) -> int:
            tx.put("s", "old", 1)
            tx.put("s", "gone", 1)
            return tx.append("kept", {}, intent="i", at=_AT)

        before = await transact(store, prepare)

        def work(tx: Tx) -> None:
            tx.put("s", "old", 2)
            tx.put("s", "old", 3)
            tx.put("s", "new", 1)
            tx.delete("s", "gone")
            tx.append("lost", {}, intent="i", at=_AT)
            tx.append("lost", {}, intent="j", at=_AT)
            raise _Fails

        await _raises(_Fails, transact(store, work))
        assert await transact(store, lambda tx: tx.items("s")) == [("gone", 1), ("old", 1)]
        assert [row.seq for row in await transact(store, lambda tx: tx.rows())] == [before]
        assert await transact(store, lambda tx: tx.rows(intent="j")) == []
        assert await transact(store, lambda tx: tx.rows(kinds=["lost"])) == []
        assert await transact(store, lambda tx: tx.append("next", {}, at=_AT)) > before

    @_contract
    async def test_durable_transactions_do_the_same(self, store: Store) -> None:
        seqs = [
            await transact(store, lambda tx: tx.append("k", {}, at=_AT), durable=bool(number % 2))
            for number in range(6)
        ]
        assert [row.seq for row in await transact(store, lambda tx: tx.rows())] == seqs

    @_contract
    async def test_tasks_lose_no_update(self, store: Store) -> None:
        async def count() -> None:
            for _ in range(20):
                await transact(store, _increment)

        await asyncio.gather(*(count() for _ in range(5)))
        assert await transact(store, lambda tx: tx.get("s", "n")) == 100

    # --- processes ------------------------------------------------------------------------------------------
    @_contract
    async def test_the_owner_has_one_name_and_lives(self, store: Store) -> None:
        name = store.owner()
        assert store.owner() == name
        assert store.alive(name)
        assert await transact(store, lambda tx: store.alive(store.owner()))

    @_contract
    async def test_no_other_name_is_alive(self, store: Store) -> None:
        name = store.owner()
        for other in ("", "nobody", "1-", "-", name + "0", name[:-1], "x" + "f" * 40):
            assert not store.alive(other), other

    @_contract
    async def test_the_passage_lets_many_in(self, store: Store) -> None:
        assert all(store.try_enter() for _ in range(3))
        for _ in range(3):
            store.leave()
        assert await asyncio.to_thread(store.drain, 5)

    @_contract
    async def test_draining_waits_for_those_inside_and_holds_others_back(self, store: Store) -> None:
        assert store.try_enter()
        assert store.try_enter()
        drained = asyncio.create_task(asyncio.to_thread(store.drain, 10))
        await _until(lambda: not _probe(store))
        assert not store.try_enter()
        store.leave()
        assert not store.try_enter()
        assert not drained.done()
        store.leave()
        assert await drained
        assert store.try_enter()
        store.leave()

    @_contract
    async def test_draining_gives_up(self, store: Store) -> None:
        assert store.try_enter()
        assert not await asyncio.to_thread(store.drain, 0.01)
        assert store.try_enter()
        store.leave()
        store.leave()
        assert await asyncio.to_thread(store.drain, 0)

    @_contract
    async def test_closing_twice_does_no_harm(self, store: Store) -> None:
        store.close()
        store.close()


class TokenStoreContract:
    """What every :class:`~socialkit.store.TokenStore` must do.

    >>> from socialkit.store import MemoryTokens
    >>> class TestMyTokens(TokenStoreContract):
    ...     def make(self):
    ...         return MemoryTokens()
    >>> TestMyTokens().test_what_is_saved_is_loaded_whole()
    """

    identity = Identity("mastodon", "https://social.example.com", "42", name="brand")
    other = Identity("mastodon", "https://social.example.com", "43", name="brand")

    def make(self) -> TokenStore:
        """An empty token store."""
        raise NotImplementedError("return an empty token store")

    @_contract
    async def test_an_unknown_identity_has_none(self, tokens: TokenStore) -> None:
        assert await call_user(tokens.load, self.identity) is None

    @_contract
    async def test_what_is_saved_is_loaded_whole(self, tokens: TokenStore) -> None:
        for credential in (Credential("bearer", access_token="a"), _full_credential()):
            await call_user(tokens.save, self.identity, credential)
            assert await call_user(tokens.load, self.identity) == credential

    @_contract
    async def test_identities_are_apart(self, tokens: TokenStore) -> None:
        await call_user(tokens.save, self.identity, Credential("bearer", access_token="a"))
        await call_user(tokens.save, self.other, Credential("bearer", access_token="b"))
        first = await call_user(tokens.load, self.identity)
        second = await call_user(tokens.load, self.other)
        assert [found and found.access_token for found in (first, second)] == ["a", "b"]

    @_contract
    async def test_the_name_is_no_part_of_the_identity(self, tokens: TokenStore) -> None:
        await call_user(tokens.save, self.identity, Credential("bearer", access_token="a"))
        renamed = Identity("mastodon", "https://social.example.com", "42", name="new name")
        assert await call_user(tokens.load, renamed) is not None

    @_contract
    async def test_one_holds_the_lock_at_a_time(self, tokens: TokenStore) -> None:
        inside, most, done = [0], [0], []
        together = threading.Barrier(4)

        async def refresh() -> None:
            together.wait(30)
            for _ in range(10):
                async with locked(tokens, self.identity):
                    inside[0] += 1
                    for _ in range(5):  # the other threads run meanwhile
                        await asyncio.to_thread(lambda: most.append(inside[0]))
                    inside[0] -= 1
            done.append(1)

        await _in_threads([refresh] * 4)
        assert (max(most), len(done)) == (1, 4)

    @_contract
    async def test_locks_of_two_identities_are_apart(self, tokens: TokenStore) -> None:
        async with (
            locked(tokens, self.identity),
            asyncio.timeout(5),
            locked(tokens, self.other),
        ):
            pass

    @_contract
    async def test_a_failure_gives_the_lock_back(self, tokens: TokenStore) -> None:
        for _ in range(2):
            try:
                async with asyncio.timeout(5), locked(tokens, self.identity):
                    raise _Fails
            except _Fails:
                pass


# --- helpers ----------------------------------------------------------------------------------------------


async def _raises(kinds: type[Exception] | tuple[type[Exception], ...], work: Awaitable[Any]) -> None:
    try:
        await work
    except kinds:
        return
    raise AssertionError(f"nothing was raised, expected {kinds}")


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if condition():
            return
        await asyncio.sleep(0.0005)
    raise AssertionError("waited 10 s in vain")


def _probe(store: Store) -> bool:
    entered = store.try_enter()
    if entered:
        store.leave()
    return entered


def _increment(tx: Tx) -> None:
    tx.put("s", "n", (tx.get("s", "n") or 0) + 1)


def _full_credential() -> Credential:
    return Credential(
        "oauth2",
        access_token="access",
        refresh_token="refresh",
        secret="secret",
        expires_at=_AT,
        client_id="client",
        client_secret="client secret",
        scopes=("read", "write"),
        extra={"dpop": "→ key"},
        issued=7,
    )


async def _in_threads(works: list[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    """Each in a thread and a loop of its own, so that plain locks may block."""
    threads = [threading.Thread(target=lambda work=work: asyncio.run(work())) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join, 30)
