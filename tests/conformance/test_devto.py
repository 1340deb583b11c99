"""DEV.to: every request of the adapter and every answer of the sandbox is as the site describes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from recording import Recorder
from socialkit import Client, DevTo, Image, Post
from socialkit.sandbox import Sandbox

from .specs import SpecViolation, check_exchange, validator

pytestmark = pytest.mark.specs

BOAT = Post(
    "She sails.",
    title="Sea trials",
    tags=["boats"],
    media=[Image.from_url("https://example.com/boat.png", alt="A boat")],
)
OPTIONS = DevTo.Options(
    series="Trials",
    main_image="https://example.com/c.png",
    canonical_url="https://example.com/t",
    description="How",
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["devto"]) as box:
        yield box


@pytest.fixture
def wire(box: Sandbox) -> Recorder:
    return Recorder(box.transport)


@pytest.fixture
def client(box: Sandbox, wire: Recorder) -> Iterator[Client]:
    with Client(box.accounts(), store=":memory:", transport=wire, clock=box.clock) as client:
        yield client
    for answer in wire.kept:
        if answer.status_code < 500:
            check_exchange(validator("devto"), answer)
    assert wire.kept, "nothing was asked"


def test_the_life_of_an_article(box: Sandbox, client: Client) -> None:
    receipt = client.publish(BOAT.variant("devto", OPTIONS), "devto").receipts[0]
    box.clock.advance(86_400)
    assert not client.fetch_metrics([receipt.url or ""]).errors
    client.fetch_account_metrics("devto")
    client.fetch_posts("devto")
    client.edit(receipt, BOAT)
    client.delete(receipt)


def test_a_scheduled_article(box: Sandbox, client: Client) -> None:
    options = DevTo.Options(published_at=box.clock.now() + timedelta(days=1))
    client.publish(BOAT.variant("devto", options), "devto", idempotency_key="later")
    client.settle("later")


def test_lost_answers(box: Sandbox, client: Client) -> None:
    box.fault("stored-then-500", platform="devto", match="POST /api/articles")
    box.fault("stored-then-500", platform="devto")
    client.publish(BOAT, "devto")


def test_refusals(client: Client) -> None:
    client.publish(BOAT, "devto")
    client.publish(BOAT, "devto", errors="return")
    client.fetch_metrics(["https://dev.to/brand/nothing-1"])


def test_the_description_is_looked_at(client: Client) -> None:
    client.fetch_posts("devto")
    url, headers = "https://dev.to/api/articles", {"api-key": "k", "content-type": "application/json"}
    with pytest.raises(SpecViolation, match="api-key"):
        validator("devto").check_request("GET", "https://dev.to/api/users/me", {}, b"")
    with pytest.raises(SpecViolation, match=r"no field article\.txt"):
        validator("devto").check_request("POST", url, headers, b'{"article": {"txt": ""}}')
