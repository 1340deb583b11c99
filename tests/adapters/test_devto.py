"""DEV.to: what becomes of a post's text, tags, pictures and options; drafts, scheduling, lost answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from media_files import png
from recording import Recorder
from socialkit import Client, Declined, DevTo, Image, InvalidPost, Post, Receipt, Status
from socialkit.sandbox import Sandbox

BOAT = Post("She sails.", title="Sea trials")
DRAFTS = r"/api/articles"
ARTICLE = r"/api/articles/\d+"


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


def publish(client: Client, post: Post) -> Receipt:
    return client.publish(post, "devto").receipts[0]


def with_options(post: Post, **options: Any) -> Post:
    return post.variant("devto", DevTo.Options(**options))


def planned(client: Client, post: Post) -> dict[str, Any]:
    plan = client.plan(post, "devto")["devto"]
    assert not plan.errors
    article: dict[str, Any] = plan.parts[0].body["article"]
    return article


def problems(client: Client, post: Post) -> dict[str, str]:
    return {problem.field: problem.code for problem in client.plan(post, "devto")["devto"].errors}


class TestText:
    @pytest.mark.parametrize(
        ("text", "markdown"),
        [
            ("plain", "plain"),
            ("---\ntitle: not front matter\n---", "\\---\ntitle: not front matter\n---"),
            ("a {% tag %}", "a {% raw %}{%{% endraw %} tag %}"),
            ("a {{ name }}", "a {% raw %}{{{% endraw %} name }}"),
            ("one\ntwo", "one\ntwo"),
        ],
    )
    def test_nothing_in_it_becomes_front_matter_or_liquid(
        self, box: Sandbox, client: Client, text: str, markdown: str
    ) -> None:
        post = Post(text, title="Sea trials")
        assert planned(client, post)["body_markdown"] == markdown
        publish(client, post)
        (article,) = box.timeline("devto")
        assert (article.title, article.text) == ("Sea trials", markdown)

    def test_a_link_stands_under_the_text(self, client: Client) -> None:
        post = Post("She sails.", title="T", link="https://example.com/boat")
        assert planned(client, post)["body_markdown"] == "She sails.\n\nhttps://example.com/boat"

    def test_a_title_is_needed_and_has_a_limit(self, client: Client) -> None:
        assert problems(client, Post("text")) == {"title": "required"}
        assert problems(client, Post("text", title="x" * 129)) == {"title": "too_long"}
        assert planned(client, Post("text", title="  two \n words "))["title"] == "two words"


class TestTags:
    def test_are_spelled_as_the_site_wants_them(self, client: Client) -> None:
        plan = client.plan(Post("t", title="T", tags=["Open-Source", "boats"]), "devto")["devto"]
        assert plan.parts[0].body["article"]["tags"] == "opensource, boats"
        assert [(change.field, change.after) for change in plan.changes] == [("tags[0]", "opensource")]

    def test_are_at_most_four_and_never_empty(self, client: Client) -> None:
        assert problems(client, Post("t", title="T", tags=list("abcde"))) == {"tags": "count"}
        assert problems(client, Post("t", title="T", tags=["--"])) == {"tags[0]": "empty"}


class TestPictures:
    def test_are_public_urls_in_the_text(self, client: Client) -> None:
        picture = Image.from_url("https://example.com/boat.png", alt="The [new] boat")
        article = planned(client, Post("She sails.", title="T", media=[picture]))
        assert article["body_markdown"] == "She sails.\n\n![The \\[new\\] boat](https://example.com/boat.png)"

    def test_bytes_are_refused_with_the_way_out(self, client: Client) -> None:
        plan = client.plan(Post("t", title="T", media=[Image(png(), alt="a")]), "devto")["devto"]
        (problem,) = plan.errors
        assert (problem.field, problem.code) == ("media[0]", "by_url")
        assert "Image.from_url" in (problem.hint or "")

    def test_another_url_is_another_post(self, client: Client) -> None:
        def content(url: str) -> str:
            return client.plan(Post("t", title="T", media=[Image.from_url(url)]), "devto")["devto"].content

        assert content("https://example.com/1.png") != content("https://example.com/2.png")


class TestOptions:
    def test_are_sent_under_their_names(self, client: Client) -> None:
        given = {
            "series": "Trials",
            "main_image": "https://example.com/c.png",
            "canonical_url": "https://example.com/t",
            "organization_id": 7,
            "description": "How she sailed",
        }
        article = planned(client, with_options(BOAT, **given))
        assert {name: article[name] for name in given} == given
        assert "published_at" not in article

    def test_a_moment_is_aware_and_ahead(self, box: Sandbox, client: Client) -> None:
        with pytest.raises(ValueError, match=r"published_at=.* has no time zone"):
            DevTo.Options(published_at=datetime(2027, 1, 1))  # noqa: DTZ001
        past = box.clock.now() - timedelta(minutes=1)
        assert problems(client, with_options(BOAT, published_at=past)) == {"options.published_at": "range"}

    def test_a_moment_too_far_ahead_would_be_forgotten(self, box: Sandbox, client: Client) -> None:
        near, far = (box.clock.now() + timedelta(days=days) for days in (1824, 1827))
        assert problems(client, with_options(BOAT, published_at=near)) == {}
        assert problems(client, with_options(BOAT, published_at=far)) == {"options.published_at": "range"}

    def test_a_scheduled_article_appears_by_itself(self, box: Sandbox, client: Client) -> None:
        due = box.clock.now() + timedelta(hours=5)
        post = with_options(BOAT, published_at=due)
        outcome = client.publish(post, "devto", idempotency_key="later")["devto"]
        assert (outcome.status, outcome.look_again_at) == (Status.SCHEDULED, due)
        assert client.settle("later")["devto"].status is Status.SCHEDULED
        assert not box.timeline("devto")
        box.clock.advance(6 * 3600)
        assert client.settle("later")["devto"].status is Status.PUBLISHED
        assert len(box.timeline("devto")) == 1

    def test_a_lost_scheduled_article_is_found(self, box: Sandbox, client: Client) -> None:
        box.fault("stored-then-500", platform="devto", times=9)
        post = with_options(BOAT, published_at=box.clock.now() + timedelta(hours=5))
        outcome = client.publish(post, "devto", idempotency_key="later", errors="return", wait=0)["devto"]
        assert outcome.status is Status.SCHEDULED
        assert len([one for one in box.devto.articles.values() if one.published]) == 1


class TestSending:
    def test_a_draft_first_then_published_by_its_number(self, client: Client, wire: Recorder) -> None:
        receipt = publish(client, BOAT)
        (made,), (published,) = wire.requests("POST", DRAFTS), wire.requests("PUT", ARTICLE)
        assert json.loads(made.content)["article"]["published"] is False
        assert json.loads(published.content)["article"]["published"] is True
        assert published.url.path == f"/api/articles/{receipt.id}"
        assert receipt.url is not None
        assert "temp-slug" not in receipt.url

    def test_every_request_says_who_and_which_api(self, box: Sandbox, client: Client, wire: Recorder) -> None:
        publish(client, BOAT)
        for request in wire.asked:
            assert request.headers["api-key"] == box.devto.key
            assert request.headers["accept"] == "application/vnd.forem.api-v1+json"
            assert request.headers["user-agent"].startswith("socialkit/")

    def test_a_lost_draft_is_taken_up_again(self, box: Sandbox, client: Client) -> None:
        box.fault("stored-then-500", platform="devto", match="POST /api/articles")
        publish(client, BOAT)
        assert len(box.devto.articles) == 1

    def test_a_title_used_by_another_article_is_refused(self, box: Sandbox, client: Client) -> None:
        publish(client, BOAT)
        with pytest.raises(Declined, match="wait five minutes"):
            client.publish(Post("Other words.", title="Sea trials"), "devto")
        assert len(box.timeline("devto")) == 1

    def test_another_post_with_that_title_is_not_taken_over(self, box: Sandbox, client: Client) -> None:
        box.fault("dropped-before", platform="devto", times=9)
        client.publish(BOAT, "devto", errors="return", wait=0)
        box.faults.clear()
        with pytest.raises(Declined):
            client.publish(Post("Other words.", title="Sea trials"), "devto")
        assert not box.timeline("devto")

    def test_a_canonical_url_is_taken_once(self, client: Client) -> None:
        publish(client, with_options(BOAT, canonical_url="https://example.com/t"))
        other = with_options(Post("b", title="Another"), canonical_url="https://example.com/t")
        with pytest.raises(Declined, match="canonical_url"):
            client.publish(other, "devto")

    def test_writes_keep_a_second_apart(self, box: Sandbox, client: Client) -> None:
        for number in range(12):
            publish(client, Post("text", title=f"Part {number}"))
        assert not [one for one in box.requests if one.status == 429]


class TestAfterwards:
    def test_an_edit_sends_the_tags_again(self, box: Sandbox, client: Client) -> None:
        post = Post("one", title="T", tags=["boats"])
        client.edit(publish(client, post), Post("two", title="T", tags=["boats"]))
        (article,) = box.timeline("devto")
        assert (article.text, article.tags) == ("two", ["boats"])

    def test_deleting_takes_it_back_to_the_drafts(self, box: Sandbox, client: Client) -> None:
        receipt = publish(client, BOAT)
        client.delete(receipt)
        assert not box.timeline("devto")
        assert not box.devto.articles[str(receipt.id)].published

    def test_metrics_read_further_pages_only_while_something_is_missing(
        self, box: Sandbox, client: Client, wire: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = publish(client, Post("t", title="First"))
        for _ in range(1000):
            with box.lock:
                box.devto.add(box.devto.twin_of(box.devto.entries[str(first.id)]))
        box.clock.advance(600)
        newest = client.fetch_posts("devto", limit=1)
        wire.clear()
        assert not client.fetch_metrics(newest).errors
        assert len(wire.asked) == 1
        assert not client.fetch_metrics([first]).errors
        assert len(wire.asked) == 3

    def test_a_link_to_elsewhere_is_no_article(self, client: Client) -> None:
        (row,) = client.fetch_metrics(["https://dev.to/brand/gone-1234"])
        assert isinstance(row.error, Declined)
        (row,) = client.fetch_metrics(["https://dev.to/t/a/b/c"], account="devto")
        assert "is no article" in str(row.error)

    def test_a_draft_is_refused_by_the_plan_alone(self, box: Sandbox, client: Client) -> None:
        with pytest.raises(InvalidPost):
            client.publish(Post("no title"), "devto")
        assert not box.devto.articles
