"""DEV.to: what becomes of a post's text, tags, pictures and options; drafts, scheduling, lost answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from media_files import png
from recording import Recorder
from socialkit import Client, Declined, DevTo, Image, InvalidPost, Post, Receipt, Status, errors
from socialkit.adapters import base
from socialkit.model import Identity
from socialkit.sandbox import Sandbox
from socialkit.sandbox.devto import Article

from .fakes import NOW, FakeCall, answer

BOAT = Post("She sails.", title="Sea trials")
DRAFTS = r"/api/articles"
ARTICLE = r"/api/articles/\d+"
OWN = Identity("devto", "https://dev.to", "1431")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["devto"]) as box:
        yield box


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
            ("\n ---\ntitle: not front matter\n---", "\n \\---\ntitle: not front matter\n---"),
            ("use `{{ x }}` or {{ y }}", "use `{{ x }}` or {% raw %}{{{% endraw %} y }}"),
            ("```yaml\nkey: ${{ it }}\n```", "```yaml\nkey: ${{ it }}\n```"),
            ("~~~text\n{% raw %}\n~~~\n{%", "~~~text\n{% raw %}\n~~~\n{% raw %}{%{% endraw %}"),
            ("a `tick and {{", "a `tick and {% raw %}{{{% endraw %}"),
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

    def test_liquid_works_on_wish(self, box: Sandbox, client: Client) -> None:
        embed = "{% embed https://github.com/example/boat %}"
        article = planned(client, with_options(Post(embed, title="T"), liquid=True))
        assert (article["body_markdown"], "liquid" in article) == (embed, False)
        publish(client, with_options(Post(embed, title="T"), liquid=True))
        assert box.timeline("devto")[0].text == embed

    def test_what_is_escaped_counts(self, client: Client) -> None:
        assert problems(client, Post("x" * 819_200, title="T")) == {}
        assert problems(client, Post("---" + "x" * 819_197, title="T")) == {"text": "too_long"}
        assert problems(client, Post("x" * 819_201, title="T")) == {"text": "too_long"}

    def test_a_link_stands_under_the_text(self, client: Client) -> None:
        post = Post("She sails.", title="T", link="https://example.com/boat")
        assert planned(client, post)["body_markdown"] == "She sails.\n\nhttps://example.com/boat"

    def test_a_title_is_needed_and_has_a_limit(self, client: Client) -> None:
        assert problems(client, Post("text")) == {"title": "required"}
        assert problems(client, Post("text", title="x" * 129)) == {"title": "too_long"}
        assert problems(client, Post("text", title=" \n ")) == {"title": "empty"}
        assert planned(client, Post("text", title="  two \n words "))["title"] == "two words"


class TestTags:
    def test_are_spelled_as_the_site_wants_them(self, client: Client) -> None:
        plan = client.plan(Post("t", title="T", tags=["Open-Source", "boats"]), "devto")["devto"]
        assert plan.parts[0].body["article"]["tags"] == "opensource, boats"
        assert [(change.field, change.after) for change in plan.changes] == [("tags[0]", "opensource")]

    def test_are_at_most_four_and_never_empty(self, client: Client) -> None:
        assert problems(client, Post("t", title="T", tags=list("abcde"))) == {"tags": "count"}
        assert problems(client, Post("t", title="T", tags=["--"])) == {"tags[0]": "empty"}

    def test_are_sent_once_each(self, client: Client) -> None:
        plan = client.plan(Post("t", title="T", tags=["boats", "Boats!", "sea"]), "devto")["devto"]
        assert plan.parts[0].body["article"]["tags"] == "boats, sea"
        assert [(change.field, change.code) for change in plan.changes] == [("tags[1]", "repeated")]

    def test_have_a_length_each_and_together(self, client: Client) -> None:
        thirty = [letter * 30 for letter in "abcd"]
        plan = client.plan(Post("t", title="T", tags=thirty), "devto")["devto"]
        assert plan.problems == ()
        plan = client.plan(Post("t", title="T", tags=["a" * 31]), "devto")["devto"]
        assert [(one.field, one.severity) for one in plan.problems] == [("tags[0]", "warning")]
        assert problems(client, Post("t", title="T", tags=[*thirty[:3], "d" * 31])) == {"tags": "too_long"}


class TestPictures:
    def test_are_public_urls_in_the_text(self, client: Client) -> None:
        picture = Image.from_url("https://example.com/boat.png", alt="The [new] boat")
        article = planned(client, Post("She sails.", title="T", media=[picture]))
        assert article["body_markdown"] == "She sails.\n\n![The \\[new\\] boat](https://example.com/boat.png)"

    def test_nothing_in_their_words_or_address_is_live(self, client: Client) -> None:
        picture = Image.from_url("https://example.com/a_(b) {{c}}.png", alt="a {{ b }}")
        article = planned(client, Post("t", title="T", media=[picture]))
        shown = "![a {% raw %}{{{% endraw %} b }}](https://example.com/a_%28b%29%20%7B%7Bc%7D%7D.png)"
        assert article["body_markdown"] == f"t\n\n{shown}"

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

    def test_a_moment_the_site_would_drop_is_a_problem(self, box: Sandbox, client: Client) -> None:
        near, far = (box.clock.now() + timedelta(days=365 * years) for years in (4.9, 5.1))
        assert problems(client, with_options(BOAT, published_at=near)) == {}
        assert problems(client, with_options(BOAT, published_at=far)) == {"options.published_at": "range"}

    @pytest.mark.parametrize("name", ["main_image", "canonical_url"])
    @pytest.mark.parametrize(
        ("url", "taken"),
        [
            ("https://example.com/t", True),
            ("https://localhosts.example.com", True),
            ("http://localhost:3000/t", False),
            ("cover.png", False),
            ("ftp://example.com/t", False),
            ("https://example.com/a b", False),
        ],
    )
    def test_addresses_are_public_ones(self, client: Client, name: str, url: str, taken: bool) -> None:
        found = problems(client, with_options(BOAT, **{name: url}))
        assert found == ({} if taken else {f"options.{name}": "invalid"})

    def test_the_draft_of_a_scheduled_article_has_no_moment(
        self, box: Sandbox, client: Client, wire: Recorder
    ) -> None:
        publish_later = with_options(BOAT, published_at=box.clock.now() + timedelta(hours=5))
        client.publish(publish_later, "devto")
        (made,), (published,) = wire.requests("POST", DRAFTS), wire.requests("PUT", ARTICLE)
        assert "published_at" not in json.loads(made.content)["article"]
        assert "published_at" in json.loads(published.content)["article"]

    def test_a_scheduled_article_that_was_taken_back_is_not_waited_for(
        self, box: Sandbox, client: Client
    ) -> None:
        later = with_options(BOAT, published_at=box.clock.now() + timedelta(hours=5))
        client.publish(later, "devto", idempotency_key="later")
        (article,) = box.devto.articles.values()
        article.published = False
        assert client.settle("later")["devto"].status is Status.SCHEDULED
        box.clock.advance(6 * 3600)
        assert client.settle("later")["devto"].status is Status.FAILED

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

    def test_a_lost_draft_is_known_by_what_the_site_leaves_alone(self, box: Sandbox, client: Client) -> None:
        box.fault("stored-then-500", platform="devto", match="POST /api/articles")
        publish(client, Post("Look:\n\n```\nsail()\n```\n", title="Sea  trials"))
        (article,) = box.devto.articles.values()
        assert "```plaintext" in article.text

    def test_a_lost_draft_behind_many_others_is_found(self, box: Sandbox, client: Client) -> None:
        box.devto.page_max = 30
        for number in range(70):
            made = Article(f"9{number}", "brand", "x", box.clock.now(), made_at=box.clock.now())
            made.title = f"Draft {number}"
            box.devto.articles[made.id] = made
        box.fault("stored-then-500", platform="devto", match="POST /api/articles")
        box.devto.articles = dict(reversed(box.devto.articles.items()))
        publish(client, BOAT)
        assert len(box.devto.articles) == 71

    def test_a_draft_that_is_made_is_not_made_again(
        self, box: Sandbox, client: Client, wire: Recorder
    ) -> None:
        box.fault("429", platform="devto", match="PUT .*", times=9)
        client.publish(BOAT, "devto", idempotency_key="k", errors="return", wait=0)
        box.faults.clear()
        box.clock.advance(3600)
        client.publish(BOAT, "devto", idempotency_key="k")
        assert len(wire.requests("POST", DRAFTS)) == 1
        assert len(box.timeline("devto")) == 1

    def test_a_lost_publication_is_repeated_at_once(self, box: Sandbox, client: Client) -> None:
        began = box.clock.now()
        box.fault("dropped-before", platform="devto", match="PUT .*")
        publish(client, BOAT)
        assert box.clock.now() - began < timedelta(seconds=60)

    def test_a_draft_is_not_taken_for_a_scheduled_article(self, box: Sandbox, client: Client) -> None:
        box.fault("dropped-before", platform="devto", match="PUT .*", times=99)
        post = with_options(BOAT, published_at=box.clock.now() + timedelta(hours=5))
        outcome = client.publish(post, "devto", idempotency_key="k", errors="return", wait=600)["devto"]
        assert outcome.status is Status.FAILED
        assert [one.published for one in box.devto.articles.values()] == [False]

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

    def test_deleting_takes_it_back_to_the_drafts_with_its_tags(self, box: Sandbox, client: Client) -> None:
        receipt = publish(client, Post("She sails.", title="Sea trials", tags=["boats", "sea"]))
        client.delete(receipt)
        assert not box.timeline("devto")
        draft = box.devto.articles[str(receipt.id)]
        assert (draft.published, draft.tags) == (False, ["boats", "sea"])

    def test_an_edit_publishes_nothing_that_was_taken_back(self, box: Sandbox, client: Client) -> None:
        receipt = publish(client, BOAT)
        client.delete(receipt)
        with pytest.raises(Declined, match="nobody sees it"):
            client.edit(receipt, Post("Other words.", title="Sea trials"))
        assert not box.timeline("devto")
        assert box.devto.articles[str(receipt.id)].text == "Other words."

    def test_deleting_what_is_gone_is_done(self, box: Sandbox, client: Client) -> None:
        receipt = publish(client, BOAT)
        box.devto.erase(box.devto.entries[str(receipt.id)])
        client.delete(receipt)

    def test_own_posts_of_a_time(self, box: Sandbox, client: Client) -> None:
        times = []
        for number in range(4):
            publish(client, Post("t", title=f"Part {number}"))
            times.append(box.clock.now().replace(microsecond=0))
            box.clock.advance(3600)
        found = client.fetch_posts("devto", since=times[1], until=times[2])
        assert [receipt.published_at for receipt in found] == [times[2], times[1]]

    def test_a_site_may_give_fewer_entries_than_it_is_asked_for(
        self, box: Sandbox, client: Client, wire: Recorder
    ) -> None:
        box.devto.page_max = 40
        first = publish(client, Post("t", title="First"))
        for _ in range(70):
            with box.lock:
                box.devto.add(box.devto.twin_of(box.devto.entries[str(first.id)]))
        box.clock.advance(600)
        wire.clear()
        assert len(client.fetch_posts("devto", limit=1000)) == 71
        assert len(wire.asked) == 2
        assert not client.fetch_metrics([first]).errors
        assert client.fetch_account_metrics("devto")[0].followers >= 40

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

    def test_an_own_article_the_site_does_not_show_by_its_number(
        self, box: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        receipt = publish(client, BOAT)
        monkeypatch.setattr(box.devto, "_shown", lambda number: box.devto.error(404))
        rows = client.fetch_metrics([str(receipt.id), f"{receipt.url}#comments"], account="devto")
        assert [(row.id, row.error) for row in rows] == [(receipt.id, None)] * 2

    async def test_what_the_site_does_not_say_is_unknown(self) -> None:
        adapter = DevTo("k")
        article = {"id": 7, "public_reactions_count": 0}
        facts = base.AccountFacts(OWN)
        call = FakeCall(adapter, facts, [answer([article])])
        (row,) = await adapter.fetch_metrics([Receipt(OWN, "7")], call)
        assert (row.likes, row.comments, row.impressions) == (0, None, None)
        assert {"comments", "impressions", "watch_seconds", "shares"} <= set(row.missing)
        assert "likes" not in row.missing

    def test_a_link_to_elsewhere_is_no_article(self, client: Client) -> None:
        (row,) = client.fetch_metrics(["https://dev.to/brand/gone-1234"])
        assert isinstance(row.error, Declined)
        (row,) = client.fetch_metrics(["https://dev.to/t/a/b/c"], account="devto")
        assert "is no article" in str(row.error)

    def test_a_draft_is_refused_by_the_plan_alone(self, box: Sandbox, client: Client) -> None:
        with pytest.raises(InvalidPost):
            client.publish(Post("no title"), "devto")
        assert not box.devto.articles


TAKEN = "Canonical url has already been taken. Email yo@dev.to for further details."


@pytest.mark.parametrize(
    ("status", "said", "kind", "hint"),
    [
        (400, "param is missing or the value is empty: article", errors.Declined, ""),
        (422, "param is missing or the value is empty: article", errors.Declined, ""),
        (401, "unauthorized", errors.ReauthNeeded, "make a new API key"),
        (403, "forbidden", errors.Declined, "suspended"),
        (403, "Forbidden Bots", errors.Declined, "User-Agent"),
        (403, None, errors.Declined, "suspended"),
        (404, "not found", errors.Declined, "no such article"),
        (422, TAKEN, errors.Declined, "canonical_url"),
        (422, "Title has already been used in the last five minutes", errors.Declined, "wait five minutes"),
        (422, "Title is too long (maximum is 128 characters for full_post)", errors.Declined, ""),
        (422, "Tag list exceed the maximum of 4 tags", errors.Declined, ""),
        (422, "Published at is in the past", errors.Declined, ""),
        (429, "Rate limit reached, try again in 30 seconds", errors.RateLimited, ""),
    ],
)
def test_what_an_error_means(
    status: int, said: str | None, kind: type[errors.SocialKitError], hint: str
) -> None:
    content = b"" if said is None else json.dumps({"error": said, "status": status}).encode()
    error = DevTo("k").parse_error(base.Response(status, {}, content))
    assert type(error) is kind
    assert (said or "") in str(error)
    assert hint in str(error)
    assert error.__dict__["definite"] is True


def test_an_outage_is_a_page_and_proves_nothing() -> None:
    error = DevTo("k").parse_error(base.Response(503, {}, b"<!DOCTYPE html><title>503</title>"))
    assert (type(error), error.__dict__["definite"]) == (errors.Unavailable, False)


@pytest.mark.parametrize(("headers", "wait"), [({"retry-after": "7"}, 7), ({}, 30)])
def test_a_limit_lasts_as_long_as_the_site_says_or_half_a_minute(headers: dict[str, str], wait: int) -> None:
    refused = base.Response(429, headers, b"Retry later", received_at=NOW)
    error = DevTo("k").parse_error(refused)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_at == NOW + timedelta(seconds=wait)
