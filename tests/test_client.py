"""Both faces are one library: the same methods, the same arguments, in threads, forks and running loops."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import pickle
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from socialkit import (
    AsyncClient,
    Client,
    ConfigError,
    Identity,
    Mastodon,
    Post,
    PublishErrors,
    Receipt,
    SocialKitError,
    Status,
)
from socialkit.metrics import NUMBERS
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, SQLiteStore

METHODS = sorted(
    name for name, value in vars(AsyncClient).items() if inspect.iscoroutinefunction(value) and name[0] != "_"
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


def two_people(box: Sandbox) -> Client:
    """A new client with two accounts of one server, ``first`` and ``second``, nobody asked yet."""
    people = box.mastodon
    token = people.token("other") if "other" in people.people else people.add_person("other")
    first = box.accounts()["mastodon"]
    second = Mastodon(first.server, token=token)
    return Client({"first": first, "second": second}, transport=box.transport, clock=box.clock)


def test_there_is_something_to_compare() -> None:
    assert {"plan", "publish", "settle", "halt", "fetch_metrics"} <= set(METHODS)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "aclose"])
def test_the_faces_have_the_same_signatures(name: str) -> None:
    assert inspect.signature(getattr(Client, name)) == inspect.signature(getattr(AsyncClient, name))


def test_the_faces_are_made_alike() -> None:
    assert inspect.signature(Client.__init__) == inspect.signature(AsyncClient.__init__)
    assert inspect.signature(Client.from_config) == inspect.signature(AsyncClient.from_config)


def test_many_threads_share_a_client(box: Sandbox) -> None:
    with box.client() as client:
        threads = [
            threading.Thread(target=client.publish, args=(Post(f"post {n}"), "mastodon")) for n in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(entry.text for entry in box.timeline("mastodon")) == sorted(f"post {n}" for n in range(10))


def test_the_sync_face_works_where_a_loop_runs(box: Sandbox) -> None:
    async def cell() -> Status:
        with box.client() as client:
            return client.publish(Post("from a notebook"), "mastodon")["mastodon"].status

    assert asyncio.run(cell()) is Status.PUBLISHED


def test_a_forked_child_publishes_too(box: Sandbox, tmp_path: object) -> None:
    with box.client(store=f"{tmp_path}/store.db") as client:
        client.publish(Post("parent"), "mastodon", idempotency_key="one")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if client.publish(Post("parent"), "mastodon", idempotency_key="one").replayed else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        client.publish(Post("parent again"), "mastodon", idempotency_key="two")


def test_an_unknown_account_is_named(box: Sandbox) -> None:
    with box.client() as client, pytest.raises(ConfigError, match="'nowhere'; accounts are: mastodon"):
        client.plan(Post("a"), "nowhere")


def test_accounts_can_be_given_as_adapters(box: Sandbox) -> None:
    one, two = box.accounts()["mastodon"], box.accounts()["mastodon"]
    with Client(transport=box.transport, clock=box.clock) as client:
        report = client.publish(Post("a"), [one, two])
    assert list(report) == ["mastodon", "mastodon-2"]


def test_many_errors_are_a_group_that_keeps_the_report(box: Sandbox) -> None:
    accounts = {"a": box.accounts()["mastodon"], "b": box.accounts()["mastodon"]}
    box.fault("expired-token", platform="mastodon", times=2)
    client = Client(accounts, transport=box.transport, clock=box.clock)
    with client, pytest.raises(PublishErrors) as caught:
        client.publish(Post("x"), accounts)
    assert [error.account for error in caught.value.exceptions] == ["a", "b"]
    assert set(caught.value.report.failed) == {"a", "b"}


def test_a_user_callable_runs_in_the_calling_thread(box: Sandbox) -> None:
    seen: list[int] = []
    with box.client() as client:
        client.publish(Post("a"), "mastodon", progress=lambda event: seen.append(threading.get_ident()))
    assert set(seen) == {threading.get_ident()}


def test_history_tells_what_was_published(box: Sandbox) -> None:
    with box.client(store=":memory:") as client:
        client.publish(Post("a"), "mastodon", idempotency_key="one")
        client.publish(Post("b"), "mastodon", idempotency_key="two")
        assert [report.key for report in client.history()] == ["one", "two"]
        told = client.history(idempotency_key="two")[0]["mastodon"]
        assert (told.status, told.receipt.text) == (Status.PUBLISHED, "b")


def test_rate_limits_tell_what_is_left(box: Sandbox) -> None:
    with box.client() as client:
        client.publish(Post("a"), "mastodon")
        left = {limit.name: limit for limit in client.rate_limits()}
    assert left["statuses"].limit == 300
    assert left["statuses"].remaining < 300


def test_metrics_by_report_receipt_and_permalink_agree(box: Sandbox) -> None:
    with box.client() as client:
        report = client.publish(Post("a"), "mastodon")
        box.clock.advance(86_400)
        receipt = report["mastodon"].receipt
        tables = [client.fetch_metrics(what) for what in (report, receipt, receipt.url, [receipt])]
    assert {table[0].likes for table in tables} == {tables[0][0].likes}
    assert tables[0][0].likes > 0


def test_a_row_that_fails_never_raises(box: Sandbox) -> None:
    with box.client() as client:
        receipt = client.publish(Post("a"), "mastodon")["mastodon"].receipt
        client.delete(receipt)
        table = client.fetch_metrics([receipt, "https://nowhere.example/1"])
    assert len(table) == 2
    assert all(row.error for row in table)
    assert all(row.likes is None for row in table)


# --- opening and closing ----------------------------------------------------------------------------------
CALLS = [
    lambda client: client.plan(Post("a"), "mastodon"),
    lambda client: client.publish(Post("a"), "mastodon"),
    lambda client: client.settle(),
    lambda client: client.halts(),
    lambda client: client.history(),
    lambda client: client.rate_limits(),
    lambda client: client.fetch_metrics("https://mastodon.social/@brand/1"),
    lambda client: client.fetch_posts("mastodon"),
]


def test_a_closed_client_says_so(box: Sandbox) -> None:
    client = box.client()
    client.close()
    client.close()
    for call in CALLS:
        with pytest.raises(ConfigError, match="this client is closed"):
            call(client)
    assert repr(client) == "<Client accounts=['mastodon']>"
    assert list(client.accounts) == ["mastodon"]


def test_closing_one_client_leaves_a_shared_store_open(box: Sandbox, tmp_path: Path) -> None:
    with SQLiteStore(tmp_path / "store.db") as store:
        first, second = box.client(store=store), box.client(store=store)
        first.close()
        assert second.publish(Post("a"), "mastodon", idempotency_key="one").ok
        second.close()
        assert store.transact(lambda tx: tx.rows(kinds=["intent"]))


def test_closing_one_client_leaves_another_on_the_same_file_alone(box: Sandbox, tmp_path: Path) -> None:
    first, second = (box.client(store=tmp_path / "store.db") for _ in range(2))
    second.publish(Post("a"), "mastodon", idempotency_key="one")
    first.close()
    assert second.publish(Post("a"), "mastodon", idempotency_key="one").replayed
    assert second.publish(Post("b"), "mastodon", idempotency_key="two").ok
    second.close()


def test_one_async_client_serves_several_loops_in_turn(box: Sandbox) -> None:
    client = box.async_client(store=":memory:")

    async def publish(text: str) -> Status:
        return (await client.publish(Post(text), "mastodon", idempotency_key=text))["mastodon"].status

    assert [asyncio.run(publish(text)) for text in ("one", "two", "three")] == [Status.PUBLISHED] * 3
    asyncio.run(client.aclose())


def test_a_loop_that_left_off_asking_does_not_hold_up_another_one(box: Sandbox) -> None:
    """As after a fork, or with one client in two threads: each loop waits for questions of its own only."""
    client = box.async_client()
    box.fault("slow", platform="mastodon", match="GET /api/v1/accounts/verify_credentials", seconds=5)
    asleep = asyncio.new_event_loop()
    asking = asleep.create_task(client.plan(Post("a"), "mastodon"))
    asleep.run_until_complete(asyncio.sleep(0))
    assert asyncio.run(client.plan(Post("b"), "mastodon")).ok
    assert asleep.run_until_complete(asking).ok
    asleep.close()


# --- wrong calls ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda client: client.publish("hello", "mastodon"), "a Post or a Plan, not str"),
        (lambda client: client.publish(Post("a")), "say where: to="),
        (lambda client: client.publish(Post("a"), []), "names no account"),
        (lambda client: client.publish(Post("a"), Mastodon), "not the class Mastodon"),
        (lambda client: client.publish(Post("a"), [5]), "not int"),
        (lambda client: client.publish(Post("a"), "mastodon", idempotency_key=5), "not int"),
        (lambda client: client.publish(Post("a"), "mastodon", idempotency_key=" "), "1 to 200 characters"),
        (lambda client: client.publish(Post("a"), "mastodon", errors="retrun"), "not 'retrun'"),
        (
            lambda client: client.delete("https://mastodon.social/@brand/1"),
            "takes receipts or a report, not str",
        ),
        (lambda client: client.halt("platform:mastodn", reason="r", by="b"), "no platform 'mastodn'"),
        (lambda client: client.history(since=datetime(2026, 1, 1)), "since=2026-01-01"),  # noqa: DTZ001
        (lambda client: client.fetch_posts("mastodon", until=datetime(2026, 1, 1)), "until="),  # noqa: DTZ001
        (
            lambda client: client.fetch_account_metrics("mastodon", since=datetime(2026, 1, 1)),  # noqa: DTZ001
            "since=",
        ),
    ],
)
def test_a_wrong_call_is_told_what_is_wrong(
    box: Sandbox, call: Callable[[Client], object], words: str
) -> None:
    with box.client(store=":memory:") as client, pytest.raises(ConfigError, match=re.escape(words)):
        call(client)
    assert not [request for request in box.requests if request.method != "GET"]


@pytest.mark.parametrize("accounts", [["toots"], {"toots": "token"}, {"toots": Mastodon}])
def test_accounts_are_names_with_adapters(accounts: Any) -> None:
    with pytest.raises(ConfigError, match="accounts"):
        Client(accounts)


def test_at_most_limit_posts_are_listed(box: Sandbox) -> None:
    with box.client() as client:
        for text in ("a", "b", "c"):
            client.publish(Post(text), "mastodon")
        listed = [[post.text for post in client.fetch_posts("mastodon", limit=limit)] for limit in (0, 2, 9)]
    assert listed == [[], ["c", "b"], ["c", "b", "a"]]


# --- what users bring -------------------------------------------------------------------------------------
class PlainStore:
    """A store as a user writes one: plain, blocking, and only for the threads it is called in."""

    def __init__(self) -> None:
        self._kept = MemoryStore()
        self.threads: set[int] = set()
        self.owner, self.alive = self._kept.owner, self._kept.alive
        self.try_enter, self.leave, self.drain = self._kept.try_enter, self._kept.leave, self._kept.drain

    def transact(self, work: Callable[[Any], Any], *, durable: bool = False) -> Any:
        self.threads.add(threading.get_ident())
        return self._kept.transact(work, durable=durable)

    def close(self) -> None:
        raise AssertionError("a store that was given is not the client's to close")


class AsyncStore(PlainStore):
    """The same with an async ``transact``."""

    async def transact(self, work: Callable[[Any], Any], *, durable: bool = False) -> Any:
        await asyncio.sleep(0)
        return super().transact(work, durable=durable)


class PlainTokens:
    """Credentials in a dict, behind an ordinary lock."""

    def __init__(self) -> None:
        self.saved: dict[str, Any] = {}
        self.threads: set[int] = set()
        self.held = threading.Lock()

    def load(self, identity: Identity) -> Any:
        self.threads.add(threading.get_ident())
        return self.saved.get(identity.key)

    def save(self, identity: Identity, credential: Any) -> None:
        assert self.held.locked()
        self.saved[identity.key] = credential

    def lock(self, identity: Identity) -> Any:
        self.threads.add(threading.get_ident())
        return self.held


class AsyncTokens(PlainTokens):
    """The same with async methods."""

    async def load(self, identity: Identity) -> Any:
        await asyncio.sleep(0)
        return super().load(identity)

    async def save(self, identity: Identity, credential: Any) -> None:
        await asyncio.sleep(0)
        super().save(identity, credential)

    async def lock(self, identity: Identity) -> Any:
        return super().lock(identity)


@pytest.mark.parametrize("store", [PlainStore, AsyncStore])
@pytest.mark.parametrize("tokens", [PlainTokens, AsyncTokens])
def test_a_store_of_the_users_own_carries_everything(
    store: type[PlainStore], tokens: type[PlainTokens]
) -> None:
    with Sandbox(["bluesky"]) as box:
        kept, credentials = store(), tokens()
        with box.client(store=kept, tokens=credentials) as client:
            plan = client.plan(Post("a", thread=[Post("b")]), "bluesky")
            assert client.publish(plan, idempotency_key="one").ok
            assert client.publish(plan, idempotency_key="one").replayed
            client.halt("all", reason="r", by="b")
            assert client.publish(Post("c"), "bluesky", errors="return")["bluesky"].status is Status.REFUSED
            assert len(client.resume("all", reason="r", by="b")) == 1
            box.fault("dropped-after", platform="bluesky")
            assert client.publish(Post("d"), "bluesky", idempotency_key="two").ok
            assert [report.key for report in client.history(idempotency_key="two")] == ["two"]
            assert client.rate_limits() is not None
        assert [entry.text for entry in box.timeline("bluesky")] == ["a", "b", "d"]
        assert credentials.saved, "a session was made and kept"
        for used, plain in ((kept, store is PlainStore), (credentials, tokens is PlainTokens)):
            assert (used.threads == {threading.get_ident()}) is plain, (
                "plain callables run in the calling thread"
            )


async def test_plain_stores_run_in_worker_threads_under_the_async_client() -> None:
    with Sandbox(["bluesky"]) as box:
        kept, credentials = PlainStore(), PlainTokens()
        async with box.async_client(store=kept, tokens=credentials) as client:
            assert (await client.publish(Post("a"), "bluesky", idempotency_key="one")).ok
    assert kept.threads
    assert threading.get_ident() not in kept.threads | credentials.threads


# --- from another process ---------------------------------------------------------------------------------
def test_a_receipt_is_enough_for_another_process() -> None:
    """It measures, answers, edits and deletes with what travelled as JSON, and asks who the accounts are."""
    with Sandbox(["mastodon", "bluesky"]) as box:
        with box.client() as client:
            made = client.publish(Post("first", thread=[Post("second")]), ["mastodon", "bluesky"])
            sent = json.dumps([receipt.to_dict() for receipt in made.receipts])
        box.clock.advance(60)  # Bluesky's index follows a moment later
        for receipt in map(Receipt.from_dict, json.loads(sent)):
            with box.client() as other:
                assert len(other.fetch_metrics(receipt)[0].parts) == 2
                assert other.fetch_metrics(receipt).errors == ()
                answer = other.publish(Post("an answer", reply_to=receipt), receipt.platform)
                assert answer.receipts[0].kind == "reply"
                if receipt.platform == "mastodon":
                    assert other.edit(receipt, Post("mended")).text == "mended"
                other.delete([receipt, *answer.receipts])
            assert box.timeline(receipt.platform) == []


def test_among_accounts_of_one_server_the_receipts_own_one_is_found(box: Sandbox) -> None:
    with two_people(box) as client:
        receipt = client.publish(Post("mine"), "second")["second"].receipt
    with two_people(box) as client:
        assert client.fetch_metrics(receipt)[0].account == "second"
        client.delete(receipt)
    assert box.timeline("mastodon") == []


def test_another_account_does_not_take_a_post_for_deleted(box: Sandbox) -> None:
    """To a stranger somebody's post and a post that is gone look alike."""
    with two_people(box) as client:
        receipt = client.publish(Post("mine"), "second")["second"].receipt
    with box.client() as stranger, pytest.raises(ConfigError, match="the post belongs to other on mastodon"):
        stranger.delete(receipt)
    with two_people(box) as client, pytest.raises(ConfigError, match="first is brand"):
        client.edit(receipt, Post("changed"), account="first")
    assert [entry.text for entry in box.timeline("mastodon")] == ["mine"]


def test_a_post_without_an_id_is_neither_measured_nor_taken_for_deleted(box: Sandbox) -> None:
    with box.client() as client:
        receipt = client.publish(Post("mine"), "mastodon").receipts[0]
        nameless = attrs.evolve(receipt, id=None, url=None)
        table = client.fetch_metrics([nameless, attrs.evolve(receipt, id=None), receipt])
        assert [row.error is None for row in table] == [False, True, True]
        assert "never told" in str(table[0].error)
        for change in (client.delete, lambda receipt: client.edit(receipt, Post("changed"))):
            with pytest.raises(ConfigError, match="never told"):
                change(nameless)
    assert [entry.text for entry in box.timeline("mastodon")] == ["mine"]


def test_a_forged_id_leads_nowhere(box: Sandbox) -> None:
    with box.client() as client:
        receipt = client.publish(Post("mine"), "mastodon").receipts[0]
        with pytest.raises(ConfigError, match="no address of mastodon"):
            client.delete(attrs.evolve(receipt, id="../profile/avatar"))
    assert not [request for request in box.requests if request.method == "DELETE"]


# --- odd answers, and a long life -------------------------------------------------------------------------
def test_an_answer_of_another_shape_is_an_error_of_ours() -> None:
    """A captive portal answers every request with a page and 200."""
    portal = httpx.MockTransport(lambda request: httpx.Response(200, html="<h1>Sign in to the Wi-Fi</h1>"))
    with Client({"toots": Mastodon("https://mastodon.social", token="t")}, transport=portal) as client:
        outcome = client.publish(Post("a"), "toots", errors="return")["toots"]
        assert outcome.status is Status.FAILED
        assert isinstance(outcome.error, SocialKitError)
        row = client.fetch_account_metrics("toots")[0]
        assert row.error
        assert set(row.missing) == set(NUMBERS)
        assert client.fetch_metrics("https://mastodon.social/@brand/1")[0].error
        with pytest.raises(SocialKitError):
            client.fetch_posts("toots")


def test_a_client_forgets_adapters_that_nobody_holds_any_more(box: Sandbox) -> None:
    """A service of many tenants makes an adapter per call; one that is held keeps its name and its facts."""
    held = box.accounts()["mastodon"]
    with Client(transport=box.transport, clock=box.clock) as client:
        report = client.publish(Post("a"), held)
        for _ in range(50):
            client.plan(Post("b"), box.accounts()["mastodon"])
        gc.collect()
        assert [account.adapter for account in client._async._accounts] == [held]
        assert client.publish(Post("c"), held).key != report.key
        assert list(client.publish(Post("d"), held)) == list(report) == ["mastodon"]
        assert client.fetch_metrics(report).errors == ()
    assert pickle.loads(pickle.dumps(held)).server == held.server


def test_a_client_keeps_nothing_of_the_posts_it_published(box: Sandbox, tmp_path: Path) -> None:
    with box.client(store=tmp_path / "store.db") as client:

        def publish(count: int) -> int:
            for number in range(count):
                client.publish(Post("same"), "mastodon", idempotency_key=f"{box.clock.monotonic()} {number}")
                box.mastodon.entries.clear()
                box.requests.clear()
                box.clock.advance(60)
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        publish(20)
        tracemalloc.start()
        try:
            before, after = publish(20), publish(100)
        finally:
            tracemalloc.stop()
    assert after - before < 100 * 1000


def test_every_number_that_is_not_there_has_its_reason(box: Sandbox) -> None:
    with box.client() as client:
        row = client.fetch_metrics(client.publish(Post("Ahoy"), "mastodon"))[0]
    assert row.missing["watch_seconds"] == "Mastodon does not count it"
    assert "fetch_account_metrics" in row.missing["followers"]
    assert not {name for name in row.missing if getattr(row, name) is not None}


def test_a_period_the_platform_cannot_tell_is_said_not_ignored(box: Sandbox) -> None:
    with box.client() as client:
        now = client.fetch_account_metrics("mastodon")[0]
        period = client.fetch_account_metrics("mastodon", since=box.clock.now())[0]
    assert "period" not in now.missing
    assert now.missing["likes"] == "Mastodon does not tell it of an account"
    assert "only the present" in period.missing["period"]
