"""After publishing: edit, delete, look back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from socialkit import (
    Client,
    ConfigError,
    InvalidPost,
    OutcomeUnknown,
    Post,
    PublishErrors,
    Receipt,
    Status,
    ThreadPartlyPosted,
)
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

HELLO = Post("We ship today")
TALE = Post("one", thread=[Post("two"), Post("three")])


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def client(box: Sandbox, store: MemoryStore) -> Iterator[Client]:
    with box.client(store=store) as client:
        yield client


def live(box: Sandbox, platform: str = "mastodon") -> list[str]:
    return [entry.text for entry in box.timeline(platform)]


def published(client: Client, post: Post = HELLO, key: str = "launch") -> Receipt:
    receipt = client.publish(post, to="mastodon", idempotency_key=key)["mastodon"].receipt
    assert receipt is not None
    return receipt


# --- edit -------------------------------------------------------------------------------------------------------------
def test_an_edit_replaces_what_is_live(box: Sandbox, client: Client) -> None:
    before = published(client)
    after = client.edit(before, Post("We ship tomorrow"))
    assert live(box) == ["We ship tomorrow"]
    assert (after.id, after.text, after.identity) == (before.id, "We ship tomorrow", before.identity)
    assert box.requests[-1].step == "attach"


def test_an_edit_is_planned_like_a_post(box: Sandbox, client: Client) -> None:
    receipt = published(client)
    with pytest.raises(InvalidPost, match="text"):
        client.edit(receipt, Post("x" * 501))
    with pytest.raises(ConfigError, match="one by one"):
        client.edit(receipt, TALE)
    assert live(box) == ["We ship today"]


def test_a_lost_answer_to_an_edit_is_repeated(box: Sandbox, client: Client) -> None:
    receipt = published(client)
    box.fault("stored-then-500", platform="mastodon", match="PUT .*")
    client.edit(receipt, Post("We ship tomorrow"))
    assert live(box) == ["We ship tomorrow"]


def test_another_process_edits_by_the_receipt_alone(box: Sandbox, client: Client) -> None:
    receipt = Receipt.from_dict(published(client).to_dict())
    with box.client() as other:
        other.edit(receipt, Post("We ship tomorrow"))
    assert live(box) == ["We ship tomorrow"]


def test_a_platform_without_edits_says_so() -> None:
    with Sandbox(["threads"]) as box, box.client() as client:
        receipt = client.publish(HELLO, to="threads")["threads"].receipt
        assert receipt is not None
        with pytest.raises(ConfigError, match="delete and publish anew"):
            client.edit(receipt, Post("We ship tomorrow"))
        assert live(box, "threads") == ["We ship today"]


# --- delete -----------------------------------------------------------------------------------------------------------
def test_a_thread_is_deleted_from_its_end(box: Sandbox, client: Client) -> None:
    receipt = published(client, TALE)
    client.delete(receipt)
    assert live(box) == []
    deleted = [line.path.rpartition("/")[2] for line in box.requests if line.method == "DELETE"]
    assert deleted == list(reversed([receipt.id, *(part.id for part in receipt.parts)]))


def test_reports_and_lists_are_deleted_too(box: Sandbox, client: Client) -> None:
    report = client.publish(HELLO, to="mastodon")
    client.delete(report)
    client.delete([published(client, Post("a"), "a"), published(client, Post("b"), "b")])
    assert live(box) == []


def test_gone_already_counts_as_done(box: Sandbox, client: Client) -> None:
    receipt = published(client)
    client.delete(receipt)
    client.delete(receipt)


def test_one_that_cannot_be_deleted_does_not_keep_the_others(box: Sandbox, client: Client) -> None:
    receipts = [published(client, Post(text), text) for text in ("a", "b", "c")]
    box.fault("expired-token", platform="mastodon", match="DELETE .*", times=2)
    with pytest.raises(PublishErrors, match="2 of 3 posts could not be deleted"):
        client.delete(receipts)
    assert len(live(box)) == 2


def test_the_error_of_a_single_one_is_its_own(box: Sandbox, client: Client) -> None:
    receipt = published(client)
    box.fault("expired-token", platform="mastodon", match="DELETE .*")
    with pytest.raises(Exception, match="sign in again"):
        client.delete(receipt)


def test_a_receipt_of_nobody_is_refused(box: Sandbox, client: Client) -> None:
    receipt = published(client)
    with (
        Client(transport=box.transport) as stranger,
        pytest.raises(ConfigError, match="no account of this client"),
    ):
        stranger.delete(receipt)
    assert live(box) == ["We ship today"]


# --- looking back -----------------------------------------------------------------------------------------------------
def test_history_tells_what_became_of_every_key(box: Sandbox, client: Client) -> None:
    published(client, key="good")
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses", skip=1, seconds=900)
    client.publish(TALE, to="mastodon", idempotency_key="half", errors="return")
    box.clock.advance(1000)
    box.fault("expired-token", platform="mastodon")
    client.publish(HELLO, to="mastodon", idempotency_key="bad", errors="return")
    box.mastodon.software = "gotosocial"
    box.clock.advance(7200)
    box.fault("dropped-before", platform="mastodon")
    client.publish(Post("lost"), to="mastodon", idempotency_key="lost", errors="return", wait=0)
    told = {report.key: report["mastodon"] for report in client.history()}
    assert {key: outcome.status for key, outcome in told.items()} == {
        "good": Status.PUBLISHED,
        "half": Status.PARTIAL,
        "bad": Status.FAILED,
        "lost": Status.UNKNOWN,
    }
    assert told["good"].error is None
    assert told["half"].next_index == 1
    assert "sign in again" in str(told["bad"].error)
    assert told["good"].replayed


def test_history_is_told_by_the_store_alone(box: Sandbox, client: Client, store: MemoryStore) -> None:
    published(client)
    before = len(box.requests)
    with Client(store=store) as reader:
        (report,) = reader.history()
    assert report["mastodon"].receipt is not None
    assert len(box.requests) == before


def test_history_is_narrowed_by_time_account_and_key(box: Sandbox, client: Client) -> None:
    published(client, Post("a"), "a")
    box.clock.advance(60)
    published(client, Post("b"), "b")
    since = box.clock.now() - timedelta(seconds=1)
    assert [report.key for report in client.history()] == ["a", "b"]
    assert [report.key for report in client.history(since=since)] == ["b"]
    assert [report.key for report in client.history(idempotency_key="a")] == ["a"]
    assert client.history(account="mastodon", idempotency_key="c") == []
    assert client.history(account="nobody") == []


def test_one_key_on_several_accounts_is_one_report(store: MemoryStore) -> None:
    with Sandbox(["mastodon", "bluesky"]) as box, box.client(store=store) as client:
        client.publish(HELLO, to=client.accounts, idempotency_key="launch")
        (report,) = client.history()
        assert sorted(report) == ["bluesky", "mastodon"]
        assert report.ok


def test_errors_of_history_name_what_to_do(box: Sandbox, client: Client) -> None:
    box.mastodon.software = "gotosocial"
    box.fault("dropped-before", platform="mastodon")
    client.publish(HELLO, to="mastodon", idempotency_key="launch", errors="return", wait=0)
    error = client.history()[0]["mastodon"].error
    assert isinstance(error, OutcomeUnknown)
    assert "client.settle('launch')" in str(error)


def test_a_partly_posted_thread_says_where_it_stopped(box: Sandbox, client: Client) -> None:
    box.fault("429", platform="mastodon", match="POST /api/v1/statuses", skip=2, seconds=900)
    with pytest.raises(ThreadPartlyPosted) as caught:
        client.publish(TALE, to="mastodon", idempotency_key="tale")
    assert client.history()[0]["mastodon"].next_index == caught.value.next_index == 2


def test_the_record_of_a_deleted_post_says_so_and_its_key_makes_no_second_one(box, client):
    report = client.publish(Post("Hello"), "mastodon", idempotency_key="k")
    client.delete(report)
    told = client.history(idempotency_key="k")[0]["mastodon"]
    assert told.status is Status.PUBLISHED
    assert told.live is False
    assert told.deleted_at == box.clock.now()
    again = client.publish(Post("Hello"), "mastodon", idempotency_key="k")
    assert again.replayed
    assert again.receipts == ()
    assert [entry for entry in box.timeline("mastodon") if entry.deleted_at is None] == []


def test_what_a_halt_stopped_stands_in_the_history_until_it_is_published(box, client):
    client.halt("all", reason="wrong price", by="duty officer")
    client.publish(Post("Hello"), "mastodon", idempotency_key="k", errors="return")
    (report,) = client.history()
    assert (report.key, report["mastodon"].status) == ("k", Status.REFUSED)
    assert "wrong price" in str(report["mastodon"].error)
    client.resume("all", reason="mended", by="duty officer")
    client.publish(Post("Hello"), "mastodon", idempotency_key="k")
    (report,) = client.history(account="mastodon")
    assert report["mastodon"].status is Status.PUBLISHED
