"""The page at ``/``: what it shows, and that nothing of a post can become markup."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import httpx
import pytest

from socialkit.sandbox import Entry, Sandbox
from socialkit.sandbox.page import render

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Collects tags, attributes and text; complains about tags closed in the wrong order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def add(box: Sandbox, text: str = "hello", **fields) -> Entry:
    toy = box.toy
    return toy.add(Entry(toy.new_id(), fields.pop("account", "brand"), text, box.clock.now(), **fields))


def test_an_empty_timeline_says_so(toy):
    assert "No posts yet" in Page(render(toy)).text


def test_links_and_hashtags_stand_out(toy):
    add(toy, "see https://example.com/a?b=1&c=2 #launch")
    page = Page(render(toy))
    assert page.all("a")[0]["href"] == "https://example.com/a?b=1&c=2"
    assert {"class": "tag"} in page.all("span")


@pytest.mark.parametrize("scheme", ["javascript:alert(1)", "data:text/html,x"])
def test_only_web_addresses_become_links(toy, scheme):
    add(toy, f"click {scheme} now")
    assert Page(render(toy)).all("a") == []


def test_an_address_without_a_scheme_stands_out_but_is_no_link(toy):
    add(toy, "see example.com")
    page = Page(render(toy))
    assert page.all("a") == []
    assert '<span class="tag">example.com</span>' in render(toy)


def test_nothing_of_a_post_becomes_markup(toy):
    media = [{"id": HOSTILE, "mime": "image/png", "alt": HOSTILE, "data": b"x"}]
    poll = {"options": [{"title": HOSTILE, "votes": 1}]}
    one = add(toy, HOSTILE, account=HOSTILE, title=HOSTILE, warning=HOSTILE, poll=poll, media=media)
    add(toy, HOSTILE, quote=one.id, visibility=HOSTILE, counts={HOSTILE: 1})
    page = Page(render(toy))
    assert page.all("script") == []
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert HOSTILE in page.text


def test_pictures_carry_their_alt_text(toy):
    toy.toy.media["1"] = {"id": "1", "mime": "image/png", "alt": "a boat", "data": b"bytes"}
    add(toy, media=[toy.toy.media["1"]])
    page = Page(render(toy))
    assert (page.all("img")[0]["src"], page.all("img")[0]["alt"]) == ("/media/toy/1", "a boat")


def test_videos_have_a_placeholder(toy):
    add(toy, media=[{"id": "1", "mime": "video/mp4", "alt": "", "data": None, "size": 1_000_000}])
    page = Page(render(toy))
    assert page.all("img") == []
    assert "Video · 1,000,000 bytes" in page.text
    assert "no alt text" in page.text


def test_replies_follow_what_they_answer_and_are_indented(toy):
    first = add(toy, "first")
    add(toy, "second")
    reply = add(toy, "reply", reply_to=first.id)
    add(toy, "deeper", reply_to=reply.id)
    page = render(toy)
    shown = sorted(["first", "second", "reply", "deeper"], key=lambda word: page.index(f">{word}</p>"))
    assert shown == ["second", "first", "reply", "deeper"]
    assert [article.get("style") for article in Page(page).all("article")] == [
        None,
        None,
        "--depth: 1",
        "--depth: 2",
    ]


def test_warnings_fold_the_post(toy):
    add(toy, "hidden words", warning="careful")
    page = Page(render(toy))
    assert len(page.all("details")) == 1
    assert "open" not in page.all("details")[0]


def test_late_listing_edits_and_visibility_are_noted(toy):
    late = toy.clock.now() + timedelta(seconds=90)
    add(toy, visible_at=late, visibility="unlisted", edited_at=toy.clock.now())
    text = Page(render(toy)).text
    assert "visibility: unlisted · edited 02 Nov 09:00 · lists show it in 90 s" in text


def test_one_is_not_many(toy):
    add(toy, counts={"points": 1, "replies": 1, "shares": 0, "impressions": 2})
    text = Page(render(toy)).text
    assert [words in text for words in ("1 point", "1 reply", "0 shares", "2 impressions")] == [True] * 4
    assert "1 points" not in text


def test_an_id_is_no_name(toy):
    add(toy, account="urn:li:organization:7")
    text = Page(render(toy)).text
    assert "urn:li:organization:7" in text
    assert "@urn" not in text


def test_the_question_of_a_poll_stands_above_its_options(toy):
    options = [{"title": "red", "votes": 0}, {"title": "blue", "votes": 0}]
    add(toy, "vote", poll={"question": "Which colour?", "options": options})
    page = render(toy)
    assert 0 < page.index("Which colour?") < page.index("red")
    add(toy, "The same?", poll={"question": "The same?", "options": options})
    assert render(toy).count("The same?") == 1


def test_the_title_of_a_card_is_no_second_title_and_the_public_needs_no_note(toy, monkeypatch):
    monkeypatch.setattr(
        type(toy.toy), "shown_card", lambda self, entry: ("https://example.com", "Launch", "")
    )
    add(toy, "We ship", title="Launch", visibility="PUBLIC_TO_EVERYONE")
    text = Page(render(toy)).text
    assert text.count("Launch") == 1
    assert "PUBLIC_TO_EVERYONE" not in text


def test_a_quote_of_a_deleted_post_says_so(toy):
    add(toy, quote="n999")
    assert "The quoted post is gone" in Page(render(toy)).text


def test_it_is_served_without_foreign_resources_or_secrets(toy):
    toy.toy.media["1"] = {"id": "1", "mime": "image/png", "alt": "", "data": b"bytes"}
    toy.toy.media["2"] = {"id": "2", "mime": "text/html", "alt": "", "data": b"<script>"}
    with toy.serve() as url:
        answer = httpx.get(url, trust_env=False)
        picture = httpx.get(f"{url}/media/toy/1", trust_env=False)
        assert httpx.get(f"{url}/media/toy/2", trust_env=False).status_code == 404
        assert httpx.get(f"{url}/media/none/1", trust_env=False).status_code == 404
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "http" not in answer.text.replace("https://example.com", "")
    assert (picture.content, picture.headers["x-content-type-options"]) == (b"bytes", "nosniff")


def test_the_mastodon_page_shows_boosts_and_polls_without_the_token():
    with Sandbox(["mastodon"]) as box:
        page = render(box)
        assert box.mastodon.token("brand") not in page
        assert Page(page).all("section")


def test_an_answer_right_below_goes_on_with_the_string(toy):
    first = add(toy, "first")
    add(toy, "answer", reply_to=first.id)
    add(toy, "another answer", reply_to=first.id)
    classes = [article.get("class") for article in Page(render(toy)).all("article")]
    assert classes == [None, "reply next", "reply"]


def test_numbers_have_the_sign_of_their_word(toy):
    add(toy, counts={"likes": 1200, "waves": 3})
    page = Page(render(toy))
    assert len(page.all("svg")) == 1
    assert {"title": "1,200 likes"} in page.all("span")
    assert "3 waves" in page.text


def test_bluesky_quotes_replies_and_cards_are_found_by_their_addresses():
    from socialkit import Link, Post

    with Sandbox(["bluesky"]) as box, box.client(store=":memory:") as client:
        card = Link("https://example.com/launch", title="The launch", description="Hour by hour")
        first = client.publish(Post("first", link=card), "bluesky")["bluesky"].receipt
        client.publish(Post("an answer", reply_to=first), "bluesky")
        client.publish(Post("a quote", quote=first), "bluesky")
        page = Page(render(box))
    assert [article.get("class") for article in page.all("article")] == [None, None, "reply next"]
    assert "The quoted post is gone" not in page.text
    assert {"class": "card", "href": "https://example.com/launch", "rel": "noreferrer noopener"} in page.all(
        "a"
    )
    assert "The launchHour by hourexample.com" in page.text
