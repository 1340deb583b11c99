"""Both faces are one library: the same methods, the same arguments, in threads, forks and running loops."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Iterator

import pytest

from socialkit import AsyncClient, Client, ConfigError, Post, PublishErrors, Status
from socialkit.sandbox import Sandbox

METHODS = sorted(
    name for name, value in vars(AsyncClient).items() if inspect.iscoroutinefunction(value) and name[0] != "_"
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


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
    with Client(accounts, transport=box.transport, clock=box.clock) as client:
        with pytest.raises(PublishErrors) as caught:
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
