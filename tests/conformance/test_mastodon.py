"""What the Mastodon adapter sends and what the sandbox answers follows the platform's own description."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from media_files import gif, mp4, png
from recording import Recorder
from socialkit import Client, File, Image, Mastodon, Poll, Post, Receipt, Status, Video, errors
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.sandbox.mastodon_views import Toot

from .specs import check_exchange, validator

pytestmark = pytest.mark.specs

BOAT = Image(png(), alt="The new boat at sea", focus=(0.25, -0.5))
HELLO = Post("We ship today → https://example.com/boat #launch")
UNDESCRIBED = r"/(\.well-known/)?nodeinfo.*"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def server(box: Sandbox) -> MastodonBox:
    found = box["mastodon"]
    assert isinstance(found, MastodonBox)
    return found


def checked(wire: Recorder) -> set[str]:
    """Hold every exchange against the description; gives "METHOD /path status" of each, ids as numbers."""
    asked = set()
    skipped = wire.requests(path=UNDESCRIBED)
    for answer in wire.kept:
        if answer.request not in skipped:
            check_exchange(validator("mastodon"), answer)
            path = "/".join("0" if part.isdigit() else part for part in answer.request.url.path.split("/"))
            asked.add(f"{answer.request.method} {path} {answer.status_code}")
    return asked


def publish(client: Client, post: Post) -> Receipt:
    receipt = client.publish(post, to="mastodon")["mastodon"].receipt
    assert receipt is not None
    return receipt


def by_reader(server: MastodonBox, **fields: Any) -> str:
    toot = Toot(server.new_id(), "reader", "From somebody else", server.now(), **fields)
    server.add(toot)
    return toot.id


def test_meeting_a_server(client: Client, wire: Recorder) -> None:
    client.plan(HELLO, to="mastodon")
    assert checked(wire) == {"GET /api/v1/accounts/verify_credentials 200", "GET /api/v2/instance 200"}


@pytest.mark.parametrize(
    "post",
    [
        HELLO,
        Post("Gruesome", language="de", content_warning="boats", sensitive=True, visibility="unlisted"),
        Post("Sail?", poll=Poll(["Aye", "Nay"], seconds=600, multiple=True, hide_totals=True)),
        Post("Sail?", media=[BOAT], poll=Poll(["Aye", "Nay"])),
        Post("Look", media=[BOAT, Image(png(9, 9), alt="Another")]),
        Post("", media=[Image(gif(frames=3), alt="Waves")]),
        Post("Listen", media=[File(b"ID3\x04" + bytes(500), alt="A shanty", thumbnail=BOAT)]),
        Post("Watch", media=[Video(mp4(), alt="A boat", thumbnail=Image(png(16, 9)))]),
        Post("one", thread=[Post("two", media=[BOAT]), Post("three")]),
        HELLO.variant("mastodon", Mastodon.Options(quote_policy="followers")),
    ],
    ids=["text", "fields", "poll", "both", "pictures", "gif", "sound", "video", "thread", "policy"],
)
def test_everything_the_adapter_publishes(client: Client, wire: Recorder, post: Post) -> None:
    publish(client, post)
    assert "POST /api/v1/statuses 200" in checked(wire)


def test_answers_while_a_video_is_in_processing(box: Sandbox, client: Client, wire: Recorder) -> None:
    box.fault("still-processing", platform="mastodon", seconds=20)
    publish(client, Post("Watch", media=[Video(mp4(), alt="A boat")]))
    asked = checked(wire)
    assert {"POST /api/v2/media 202", "GET /api/v1/media/0 206", "GET /api/v1/media/0 200"} <= asked


def test_replies_and_quotes(server: MastodonBox, client: Client, wire: Recorder) -> None:
    toot = by_reader(server)
    by_reader(server, uri="https://elsewhere.example/@reader/7")
    publish(client, Post("Indeed", reply_to="https://elsewhere.example/@reader/7"))
    publish(client, Post("So true", quote=f"https://mastodon.social/@reader/{toot}", media=[BOAT]))
    publish(client, Post("Denied?", reply_to=toot))
    publish(client, Post("May I?", quote=by_reader(server, policy="manual")))
    assert client.plan(Post("x", quote="404"), to="mastodon")["mastodon"].errors
    assert {"GET /api/v2/search 200", "GET /api/v1/statuses/0 200"} <= checked(wire)


def test_a_scheduled_post_from_list_to_timeline(box: Sandbox, client: Client, wire: Recorder) -> None:
    due = box.clock.now() + timedelta(hours=2)
    later = Post("Later", media=[BOAT], poll=Poll(["a", "b"]), content_warning="boats", language="en")
    for key in ("later", "called off"):
        post = later.variant("mastodon", Mastodon.Options(scheduled_at=due))
        assert client.publish(post, to="mastodon", idempotency_key=key)["mastodon"].status is Status.SCHEDULED
    client.settle("later")
    report = client.history(idempotency_key="called off")[0]
    client.delete(report)
    client.delete(report)
    box.clock.advance(3 * 3600)
    assert client.settle("later")["mastodon"].status is Status.PUBLISHED
    scheduled = "/api/v1/scheduled_statuses/0"
    assert {f"GET {scheduled} 200", f"GET {scheduled} 404"} <= checked(wire)
    assert {f"DELETE {scheduled} 200", f"DELETE {scheduled} 404"} <= checked(wire)


@pytest.mark.parametrize("software", ["mastodon", "mastodon-4.6.0"])
@pytest.mark.parametrize("scheduled", [False, True])
def test_looking_for_a_lost_post(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, software: str, scheduled: bool
) -> None:
    server.software = software
    due = box.clock.now() + timedelta(hours=2)
    options = Mastodon.Options(scheduled_at=due if scheduled else None)
    box.fault("dropped-after", platform="mastodon")
    box.fault("listed-late", platform="mastodon", seconds=30)
    post = Post("**Lost**", content_warning="boats").variant("mastodon", options)
    client.publish(post, to="mastodon", wait=600)
    assert len(checked(wire)) > 2


def test_edits_deletions_and_metrics(box: Sandbox, client: Client, wire: Recorder) -> None:
    receipts = [publish(client, Post(f"number {number}", media=[BOAT])) for number in range(3)]
    client.edit(receipts[0], Post("After", media=[BOAT], content_warning="boats", language="en"))
    client.edit(receipts[0], Post("Vote", poll=Poll(["a", "b"], seconds=900)))
    box.clock.advance(86_400)
    client.fetch_metrics(receipts)
    client.fetch_metrics(receipts[0])
    client.fetch_account_metrics("mastodon")
    client.delete(receipts[1])
    client.delete(receipts[1])
    client.fetch_posts("mastodon", limit=1)
    asked = checked(wire)
    assert {"PUT /api/v1/statuses/0 200", "DELETE /api/v1/statuses/0 200"} <= asked
    assert {"DELETE /api/v1/statuses/0 404", "GET /api/v1/statuses 200"} <= asked
    assert "GET /api/v1/accounts/0/statuses 200" in asked


def test_every_page_of_own_posts(server: MastodonBox, client: Client, wire: Recorder) -> None:
    for _ in range(45):
        server.add(Toot(server.new_id(), "brand", "again", server.now()))
    assert len(client.fetch_posts("mastodon", limit=100)) == 45
    assert len(wire.requests("GET", "/api/v1/accounts/.*/statuses")) == 2
    checked(wire)


def test_refusals(box: Sandbox, server: MastodonBox, client: Client, wire: Recorder) -> None:
    box.fault("processing-failed", platform="mastodon")
    box.fault("429", platform="mastodon", skip=1, seconds=10)
    for post in (Post("Watch", media=[Video(mp4(), alt="A boat")]), HELLO, HELLO):
        client.publish(post, to="mastodon", errors="return")
    box.clock.advance(600)
    server.revoke(server.token("brand"))
    with pytest.raises(errors.ReauthNeeded):
        client.publish(HELLO, to="mastodon")
    statuses = {line.rpartition(" ")[2] for line in checked(wire)}
    assert {"200", "202", "401", "422", "429"} <= statuses


@pytest.mark.parametrize("software", ["mastodon-4.5.0", "mastodon-4.6.0"])
def test_older_releases(server: MastodonBox, client: Client, wire: Recorder, software: str) -> None:
    server.software = software
    receipts = [publish(client, Post("one", media=[BOAT])), publish(client, HELLO)]
    client.fetch_metrics(receipts)
    client.delete(receipts)
    checked(wire)
