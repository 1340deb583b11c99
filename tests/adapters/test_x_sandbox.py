"""X's adapter against its sandbox: what X was seen to do, and what it does not say, end to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from media_files import mp4, png
from socialkit import Client, Image, Poll, Post, Status, Video, errors
from socialkit.adapters.x import X, XOptions
from socialkit.model import Receipt
from socialkit.sandbox import Sandbox


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["x"]) as made:
        yield made


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with client_of(box) as made:
        yield made


def client_of(box: Sandbox, **options: Any) -> Client:
    account = X(**box.x.credentials(), **options)
    return Client({"x": account}, store=":memory:", transport=box.transport, clock=box.clock)


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("x")]


@pytest.mark.parametrize("media", [[], [Image(png(), alt="A boat")]], ids=["text", "picture"])
def test_a_post_that_was_made_and_denied_is_recorded_once(box: Sandbox, client: Client, media: Any) -> None:
    box.x.false_refusals = 1
    first = client.publish(Post("Ahoy", media=media), to="x", idempotency_key="k")["x"]
    assert first.receipt is not None
    assert first.receipt.id == box.timeline("x")[0].id
    assert client.publish(Post("Ahoy", media=media), to="x", idempotency_key="k")["x"].replayed
    assert live(box) == ["Ahoy"]


def test_a_thread_waits_until_its_parent_can_be_replied_to(box: Sandbox, client: Client) -> None:
    box.x.replies_after = 5
    report = client.publish(Post("One", thread=[Post("Two"), Post("Three")]), to="x")
    assert report["x"].status is Status.PUBLISHED
    assert live(box) == ["One", "Two", "Three"]


@pytest.mark.parametrize("fault", ["dropped-after", "dropped-before"])
def test_a_lost_post_into_a_community_is_left_to_a_person(box: Sandbox, client: Client, fault: str) -> None:
    box.x.lists_communities = False
    box.fault(fault, platform="x")
    post = Post("To the crew").variant("x", XOptions(community_id="5"))
    for _ in range(3):
        outcome = client.publish(post, to="x", idempotency_key="k", errors="return", wait=600)["x"]
        assert outcome.status is Status.UNKNOWN
        box.clock.advance(7200)
    assert len(box.timeline("x")) == (fault == "dropped-after")


def test_a_lost_part_of_a_thread_in_a_community_is_not_made_again(box: Sandbox, client: Client) -> None:
    box.x.lists_communities = False
    box.fault("dropped-after", platform="x", skip=1)
    post = Post("To the crew", thread=[Post("More")]).variant("x", XOptions(community_id="5"))
    for _ in range(2):
        outcome = client.publish(post, to="x", idempotency_key="k", errors="return", wait=600)["x"]
        assert outcome.status is Status.UNKNOWN
        box.clock.advance(300)
    assert live(box) == ["To the crew", "More"]


@pytest.mark.parametrize(
    "medium",
    [
        Image(png(), alt="A boat"),
        Video(mp4(seconds=5.0), alt="Sailing", thumbnail=Image(png(8, 8), alt="A boat")),
    ],
    ids=["picture", "video"],
)
def test_media_x_has_lost_go_up_anew(box: Sandbox, client: Client, medium: Any) -> None:
    box.fault("429", platform="x", seconds=3600)
    assert client.publish(Post(media=[medium]), to="x", idempotency_key="k", errors="return")["x"].error
    for upload in box.x.uploads.values():
        upload.dead = True
    box.clock.advance(3600)
    refused = client.publish(Post(media=[medium]), to="x", idempotency_key="k", errors="return")["x"]
    assert "go up anew" in str(refused.error)
    again = client.publish(Post(media=[medium]), to="x", idempotency_key="k")["x"]
    assert again.status is Status.PUBLISHED
    assert again.missing == ()
    (entry,) = box.timeline("x")
    preview = entry.given.get("media", {}).get("preview_media_id")
    assert preview is None or not box.x.uploads[preview].dead


@pytest.mark.parametrize("trouble", ["none", "denied", "dropped-after"])
def test_a_sensitive_video_whose_alt_text_x_refuses(box: Sandbox, client: Client, trouble: str) -> None:
    """The mark stands, and what the post lacks is told, however it was learnt that it is live."""
    box.x.video_alt_text = False
    box.x.false_refusals = int(trouble == "denied")
    if trouble == "dropped-after":
        box.fault(trouble, platform="x")
    post = Post("Storm", media=[Video(mp4(seconds=5.0), alt="Waves")], sensitive=True)
    outcome = client.publish(post, to="x", wait=600)["x"]
    assert "alt text of media 1" in outcome.missing[0]
    assert box.timeline("x")[0].media[0]["sensitive"]


def test_what_x_takes_the_plan_lets_through(box: Sandbox) -> None:
    """And the reverse: quotes and two cashtags, by what the developer app may do."""
    quoted = Post("Look", quote=box.x.permalink("reader", "1"))
    for post in (quoted, Post("$AA $BB")):
        with client_of(box) as client, pytest.raises(errors.InvalidPost):
            client.publish(post, to="x")
    box.x.access = "enterprise"
    spent = box.x.spent()
    with client_of(box, access="enterprise") as client:
        assert client.publish(Post("$AA $BB"), to="x").receipts
    assert box.x.spent() == spent


def test_clicks_in_an_old_post_come_from_its_analytics(box: Sandbox) -> None:
    box.x.access_seconds = 1e9
    with client_of(box, post_analytics=True) as client:
        receipt = client.publish(Post("See https://example.com"), to="x")["x"].receipt
        assert receipt is not None
        box.clock.advance(86_400 * 29)
        young = client.fetch_metrics([receipt])[0]
        box.clock.advance(86_400 * 2)
        old = client.fetch_metrics([receipt])[0]
    assert old.clicks is not None
    assert young.clicks is not None
    assert old.clicks >= young.clicks > 0


def test_posts_are_listed_from_the_beginning(box: Sandbox, client: Client) -> None:
    from datetime import UTC, datetime

    client.publish(Post("Ahoy"), to="x")
    posts = client.fetch_posts("x", since=datetime(2006, 3, 21, tzinfo=UTC))
    assert [one.text for one in posts] == ["Ahoy"]


def test_the_cap_of_the_month_says_when_it_ends(box: Sandbox, client: Client) -> None:
    receipt = client.publish(Post("Ahoy"), to="x")["x"].receipt
    assert receipt is not None
    box.x.read_cap = 0
    row = client.fetch_metrics([receipt])[0]
    assert isinstance(row.error, errors.RateLimited)
    assert row.error.retry_at is not None
    assert row.error.retry_at.isoformat() == "2026-12-01T00:00:00+00:00"


# --- edits ------------------------------------------------------------------------------------------------------
def published(client: Client, post: Post) -> Receipt:
    receipt = client.publish(post, to="x")["x"].receipt
    assert receipt is not None
    return receipt


@pytest.fixture
def premium(box: Sandbox) -> Iterator[Client]:
    box.x.people["brand"].subscription = "Premium"
    with client_of(box) as made:
        yield made


def test_an_edit_is_a_new_version_with_an_id_of_its_own(box: Sandbox, premium: Client) -> None:
    first = published(premium, Post("Typpo", media=[Image(png(), alt="A boat")]))
    second = premium.edit(first, Post("Typo", media=[Image(png(4, 4), alt="The sea")]))
    third = premium.edit(second, Post("Typos"))
    assert len({first.id, second.id, third.id}) == 3
    assert third.url == f"https://x.com/brand/status/{third.id}"
    assert [(entry.id, entry.text) for entry in box.timeline("x")] == [(third.id, "Typos")]
    assert [line.step for line in box.requests if line.path == "/2/tweets"] == ["commit", "attach", "attach"]
    premium.delete(third)
    assert live(box) == []


def test_a_part_of_a_thread_is_edited_in_its_place(box: Sandbox, premium: Client) -> None:
    whole = published(premium, Post("One", thread=[Post("Twwo")]))
    edited = premium.edit(whole.parts[0], Post("Two"))
    assert [(entry.text, entry.reply_to) for entry in box.timeline("x")] == [("One", None), ("Two", whole.id)]
    assert edited.text == "Two"


@pytest.mark.parametrize("fault", ["stored-then-500", "dropped-after"])
def test_a_lost_edit_is_found_by_the_same_call(box: Sandbox, premium: Client, fault: str) -> None:
    first = published(premium, Post("Typpo"))
    box.fault(fault, platform="x")
    with pytest.raises(errors.PlatformError):
        premium.edit(first, Post("Typo"))
    again = premium.edit(first, Post("Typo"))
    assert [entry.id for entry in box.timeline("x")] == [again.id]
    assert len(box.timeline("x")[0].history) == 2


def test_somebody_elses_version_is_not_written_over(box: Sandbox, premium: Client) -> None:
    first = published(premium, Post("Typpo"))
    premium.edit(first, Post("Typo"))
    with pytest.raises(errors.Declined, match="edited meanwhile"):
        premium.edit(first, Post("Something else"))
    with pytest.raises(errors.Declined, match="edited meanwhile"):
        premium.edit(first, Post("Typo", media=[Image(png(), alt="A boat")]))
    assert live(box) == ["Typo"]
    other = published(premium, Post("Boats"))
    premium.edit(other, Post("Boats!", media=[Image(png(), alt="A boat")]))
    with pytest.raises(errors.Declined, match="edited meanwhile"):
        premium.edit(other, Post("Boats!"))


def test_what_x_lets_nobody_edit(box: Sandbox, premium: Client) -> None:
    poll = Post("Which?", poll=Poll(["Yes", "No"], seconds=3600))
    asked = published(premium, poll)
    with pytest.raises(errors.ConfigError, match="polls"):
        premium.edit(asked, poll)
    with pytest.raises(errors.Declined, match="posts of its kind are fixed"):
        premium.edit(asked, Post("Which one?"))
    often = published(premium, Post("number 0"))
    for number in range(1, 6):
        often = premium.edit(often, Post(f"number {number}"))
    with pytest.raises(errors.Declined, match="as often as it may be"):
        premium.edit(often, Post("number 6"))
    late = published(premium, Post("Late"))
    box.clock.advance(3600)
    with pytest.raises(errors.Declined, match="its time was over"):
        premium.edit(late, Post("Later"))
    premium.delete(late)
    with pytest.raises(errors.Declined, match="X does not show"):
        premium.edit(late, Post("Later"))


def test_without_premium_nothing_is_edited(box: Sandbox, client: Client) -> None:
    receipt = published(client, Post("Typpo"))
    with pytest.raises(errors.ConfigError, match="Premium"):
        client.edit(receipt, Post("Typo"))
    assert live(box) == ["Typpo"]


# --- Articles -----------------------------------------------------------------------------------------------------
def article(**fields: Any) -> Post:
    text = "We ship #today 🚢 from https://example.com/yard\n\nAnd @reader is aboard."
    given = {"title": "The new boat", **fields}
    return Post(text, **given).variant("x", XOptions(article=True))


def test_an_article_is_a_draft_that_is_published(box: Sandbox, premium: Client) -> None:
    plan = premium.plan(article(media=[Image(png(), alt="A boat")]), to="x")
    assert plan.changes == ()
    assert (plan.requests, plan.cost) == (4, 0.005)
    report = premium.publish(plan)
    (entry,) = box.timeline("x")
    made = next(iter(box.x.articles.values()))
    assert report["x"].receipt is not None
    assert report["x"].receipt.id == entry.id == made["post"]
    assert made["title"] == "The new boat"
    first, second = made["content_state"]["blocks"]
    assert first["text"] == "We ship #today 🚢 from https://example.com/yard"
    assert first["data"] == {
        "hashtags": [{"from_index": 8, "to_index": 14, "text": "#today"}],
        "urls": [{"from_index": 23, "to_index": 47, "text": "https://example.com/yard"}],
    }
    assert second["data"]["mentions"][0]["text"] == "@reader"
    assert made["cover"][0]["alt"] == "A boat"
    assert [line.step for line in box.requests if "articles" in line.path] == ["prepare", "commit"]


@pytest.mark.parametrize("fault", ["stored-then-500", "dropped-after", "dropped-before"])
def test_a_lost_article_is_found_by_its_title_or_left_open(box: Sandbox, premium: Client, fault: str) -> None:
    box.fault(fault, platform="x", match="POST /2/articles/.*/publish")
    first = premium.publish(article(), to="x", idempotency_key="k", errors="return", wait=600)["x"]
    made = fault != "dropped-before"
    assert first.status is (Status.PUBLISHED if made else Status.UNKNOWN)
    again = premium.publish(article(), to="x", idempotency_key="k", errors="return", wait=600)["x"]
    assert again.status is first.status
    assert len(box.timeline("x")) == made


def test_another_article_is_not_taken_for_a_lost_one(box: Sandbox, premium: Client) -> None:
    premium.publish(article(title="An old boat"), to="x")
    box.fault("dropped-before", platform="x", match="POST /2/articles/.*/publish")
    outcome = premium.publish(article(), to="x", errors="return", wait=600)["x"]
    assert outcome.status is Status.UNKNOWN


def test_a_draft_is_made_once(box: Sandbox, premium: Client) -> None:
    box.fault("429", platform="x", match="POST /2/articles/.*/publish", seconds=7200)
    failed = premium.publish(article(), to="x", idempotency_key="k", errors="return")["x"]
    assert failed.status is Status.FAILED
    box.clock.advance(7200)
    premium.publish(article(), to="x", idempotency_key="k")
    assert len(box.x.articles) == len(box.timeline("x")) == 1


def test_an_article_x_refuses_is_not_live(box: Sandbox) -> None:
    with client_of(box, premium=True) as client:
        outcome = client.publish(article(), to="x", errors="return")["x"]
    assert outcome.status is Status.FAILED
    assert box.timeline("x") == []


@pytest.mark.parametrize(
    ("post", "place"),
    [
        (article(title=None), "title"),
        (article(thread=[Post("More")]), "options.article"),
        (article(media=[Image(png(), alt="A"), Image(png(4, 4), alt="B")]), "media"),
        (article(media=[Video(mp4(seconds=5.0), alt="Sailing")]), "media"),
        (article(content_warning="other"), "content_warning"),
        (article(poll=Poll(["Yes", "No"], seconds=3600)), "options.article"),
        (article(reply_to="12"), "options.article"),
        (Post("", title="Empty").variant("x", XOptions(article=True)), "text"),
    ],
)
def test_what_an_article_cannot_be(premium: Client, post: Post, place: str) -> None:
    problems = premium.plan(post, to="x")["x"].errors
    assert place in {problem.field for problem in problems}


def test_articles_are_for_premium_and_titles_for_articles(client: Client) -> None:
    assert client.plan(article(), to="x")["x"].errors[0].code == "premium"
    plain = client.plan(Post("Ahoy", title="The new boat"), to="x")
    assert [(change.field, change.code) for change in plain.changes] == [("title", "not_carried")]
