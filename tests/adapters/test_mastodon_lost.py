"""Mastodon: which of the account's posts is the one whose answer was lost, and what is nobody's guess."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from media_files import mp4, png
from recording import Recorder
from socialkit import Client, Image, Mastodon, Poll, Post, Status, Video, errors
from socialkit.adapters._mastodon_posts import compared, lacks, quoted_id, sent_of, squash
from socialkit.adapters.base import AccountFacts, CannotTell, Part
from socialkit.model import Identity, Outcome, Receipt
from socialkit.sandbox import Sandbox
from socialkit.sandbox.core import Answer
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.sandbox.mastodon_views import Toot

from .fakes import FakeCall, answer
from .mastodon_samples import BOAT, HELLO, STATUSES, by_reader, newest, publish, with_options


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def server(box: Sandbox) -> MastodonBox:
    """A server that ignores keys: only its lists tell."""
    found = box["mastodon"]
    assert isinstance(found, MastodonBox)
    found.software = "mastodon-4.6.0"
    return found


Lose = Callable[..., Outcome]


@pytest.fixture
def lose(box: Sandbox, client: Client) -> Lose:
    """Publish with the answer lost, change what the server has meanwhile, and publish again: the outcome."""

    def losing(post: Post, meanwhile: Callable[[], Any], fault: str = "dropped-before") -> Outcome:
        box.fault(fault, platform="mastodon")
        client.plan(post, to="mastodon")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Mastodon, "find", _sees_nothing)
            first = client.publish(post, to="mastodon", idempotency_key="k", errors="return", wait=0)
        assert first["mastodon"].status is Status.UNKNOWN
        meanwhile()
        return client.publish(post, to="mastodon", idempotency_key="k", errors="return", wait=600)["mastodon"]

    return losing


async def _sees_nothing(*_: Any) -> CannotTell:
    return CannotTell("not now")


def posted(server: MastodonBox, text: str, **fields: Any) -> Toot:
    """A post the account's owner writes by hand at the same time."""
    toot = Toot(server.new_id(), "brand", text, server.now(), language="en", **fields)
    server.add(toot)
    return toot


# --- what is not the same ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [{"visibility": "private"}, {"warning": "boats"}, {"visibility": "direct"}],
    ids=["audience", "warning", "direct"],
)
def test_the_same_words_for_others_are_nobodys_guess(
    server: MastodonBox, lose: Lose, fields: dict[str, Any]
) -> None:
    """It may be ours, changed by the server, or a person's own: nothing is recorded, nothing sent again."""
    outcome = lose(HELLO, lambda: posted(server, HELLO.text, **fields))
    assert outcome.status is Status.UNKNOWN
    assert "same words, but not all else" in str(outcome.error)
    assert len(server.timeline()) == 1


def test_a_quote_is_not_taken_for_the_same_words_without_one(server: MastodonBox, lose: Lose) -> None:
    quoted = by_reader(server)
    outcome = lose(Post("So true", quote=quoted.id), lambda: posted(server, "So true"))
    assert outcome.status is Status.UNKNOWN


def test_a_quote_is_not_taken_for_a_post_without_one(server: MastodonBox, lose: Lose) -> None:
    quoted = by_reader(server)
    fields = {"quote": quoted.id, "quote_state": "accepted"}
    outcome = lose(Post("Well said"), lambda: posted(server, "Well said", **fields))
    assert outcome.status is Status.PUBLISHED
    assert [toot.quote for toot in server.timeline()] == [None, quoted.id, None]


def test_the_quoted_post_tells_two_quotes_apart(server: MastodonBox, lose: Lose) -> None:
    first, second = by_reader(server, "First"), by_reader(server, "Second")
    fields = {"quote": second.id, "quote_state": "accepted"}
    outcome = lose(Post("So true", quote=first.id), lambda: posted(server, "So true", **fields))
    assert outcome.status is Status.PUBLISHED
    assert outcome.receipt is not None
    assert [toot.quote for toot in server.timeline()[2:]] == [second.id, first.id]


def test_the_options_tell_two_polls_apart(server: MastodonBox, lose: Lose) -> None:
    def other() -> None:
        posted(server, "Sail?", poll=server._poll_of({"options": ["Yes", "No"], "expires_in": 600}))

    outcome = lose(Post("Sail?", poll=Poll(["Aye", "Nay"])), other)
    assert outcome.status is Status.PUBLISHED
    assert [toot.poll["options"] for toot in server.timeline() if toot.poll] == [
        ["Yes", "No"],
        ["Aye", "Nay"],
    ]


def test_what_it_replies_to_tells_two_posts_apart(server: MastodonBox, lose: Lose) -> None:
    one, two = by_reader(server, "One"), by_reader(server, "Two")
    outcome = lose(Post("Indeed", reply_to=one.id), lambda: posted(server, "Indeed", reply_to=two.id))
    assert outcome.status is Status.PUBLISHED
    assert [toot.reply_to for toot in server.timeline()[2:]] == [two.id, one.id]


# --- what is the same all the same ------------------------------------------------------------------------
def test_a_silenced_accounts_post_is_found_again(server: MastodonBox, lose: Lose) -> None:
    server.people["brand"].silenced = True
    outcome = lose(HELLO, lambda: None, "stored-then-hang")
    assert outcome.status is Status.PUBLISHED
    assert outcome.missing == ("the server made it 'unlisted' instead of 'public'",)
    assert len(server.timeline()) == 1


def test_a_quote_of_a_private_post_is_found_again(server: MastodonBox, lose: Lose) -> None:
    quoted = posted(server, "For followers", visibility="private")
    outcome = lose(Post("So true", quote=quoted.id), lambda: None, "stored-then-hang")
    assert (outcome.status, newest(server).visibility) == (Status.PUBLISHED, "private")


def test_media_prove_it_even_when_one_was_left_out(server: MastodonBox, lose: Lose) -> None:
    post = Post("Look", media=[BOAT, Image(png(9, 9), alt="Another")])
    outcome = lose(post, lambda: newest(server).media.pop(), "stored-then-hang")
    assert outcome.status is Status.PUBLISHED
    assert outcome.missing == ("the server left out 1 of 2 media",)


def test_a_post_that_lost_all_its_media_is_nobodys_guess(server: MastodonBox, lose: Lose) -> None:
    outcome = lose(Post("Look", media=[BOAT]), lambda: newest(server).media.clear(), "stored-then-hang")
    assert outcome.status is Status.UNKNOWN
    assert len(server.timeline()) == 1


@pytest.mark.parametrize(
    ("software", "status", "words"),
    [("snac", Status.UNKNOWN, "same words"), ("gotosocial", Status.FAILED, "already attached")],
)
def test_other_media_prove_a_difference_only_where_ids_are_kept(
    server: MastodonBox, lose: Lose, software: str, status: Status, words: str
) -> None:
    """Where they are, the post is another one, and ours is made again: here with media that are used."""
    server.software = software

    def renamed() -> None:
        newest(server).media = [{**medium, "id": "post-5f2b.png"} for medium in newest(server).media]

    outcome = lose(Post("Look", media=[BOAT]), renamed, "stored-then-hang")
    assert (outcome.status, len(server.timeline())) == (status, 1)
    assert words in str(outcome.error)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("We ship today", Status.PUBLISHED),
        ("We **ship** today", Status.UNKNOWN),
    ],
)
def test_where_asterisks_make_bold_words_and_no_source_is_told_nothing_is_sent_twice(
    server: MastodonBox, lose: Lose, text: str, status: Status
) -> None:
    server.software = "snac"
    outcome = lose(Post(text), lambda: None, "stored-then-hang")
    assert (outcome.status, len(server.timeline())) == (status, 1)


# --- words ------------------------------------------------------------------------------------------------
PAGE = {"id": "7", "content": "<p>Ship <b>it</b></p>", "media_attachments": []}
OWNER = AccountFacts(Identity("mastodon", "https://mastodon.social", "1"))


@pytest.mark.parametrize(
    ("source", "text", "formatted", "likeness"),
    [
        ({"text": "Ship **it**"}, "Ship **it** ", True, "same"),
        ({"text": "Ship *it*"}, "Ship **it**", True, "other"),
        (None, "Ship **it**", False, "alike"),
        (None, "Ship [it](https://example.com)", True, "alike"),
        (None, "Ship that", False, "other"),
        (None, "Ship it", False, "same"),
    ],
)
async def test_a_source_is_proof_and_a_page_is_not_always(
    source: dict[str, Any] | None, text: str, formatted: bool, likeness: str
) -> None:
    adapter = Mastodon("https://mastodon.social", token="t")
    told = answer(source) if source else answer({"error": "Record not found"}, status=404)
    call = FakeCall(adapter, OWNER, [told])
    assert await adapter._words(PAGE, text, formatted, call) == likeness


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ahoy @crew@example.social!", "Ahoy @crew!"),
        ("Ahoy @first.mate@example.social.", "Ahoy @first.mate."),
        (" two\n\nlines ", "two lines"),
    ],
)
def test_texts_compare_as_pages_show_them(text: str, folded: str) -> None:
    assert squash(text) == folded


def test_ids_compare_whether_they_are_texts_or_numbers() -> None:
    assert compared({"in_reply_to_id": 7}, {"in_reply_to_id": "7"}) == "same"
    assert quoted_id({"quote": {"quoted_status": {"id": 7}}}) == "7"
    assert quoted_id({"quote": {"quoted_status_id": "8"}}) == "8"
    assert quoted_id({"quote_id": "9", "quote": None}) == "9"


@pytest.mark.parametrize(
    ("wanted", "shown", "likeness"),
    [
        ("public", "unlisted", "same"),
        ("private", "unlisted", "alike"),
        ("unlisted", "public", "alike"),
        ("private", "private", "same"),
    ],
)
def test_only_a_public_post_is_narrowed_by_a_server(wanted: str, shown: str, likeness: str) -> None:
    assert compared({"visibility": shown}, {"visibility": wanted}) == likeness


def test_a_post_without_a_page_is_known_by_its_uri() -> None:
    """Its moment is told in the server's own zone."""
    status = {
        "id": 7,
        "url": None,
        "uri": "https://example.social/7",
        "created_at": "2026-11-02T10:00:00+02:00",
    }
    sent = sent_of(status, None)
    assert (sent.id, sent.url, sent.raw) == ("7", "https://example.social/7", {"uri": status["uri"]})
    assert str(sent.published_at) == "2026-11-02 08:00:00+00:00"
    assert (
        sent_of({**status, "url": "https://example.social/@brand/7"}, None).url
        == "https://example.social/@brand/7"
    )


# --- keys that answer with errors -------------------------------------------------------------------------
def test_a_key_that_only_brings_back_an_error_is_given_up_once_nothing_is_live(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pleroma replays a 500, too: with the same key the post could not be made for six hours."""
    server.software = "pleroma"
    compose, broken = server._compose, [True]

    def once_broken(*given: Any) -> Toot:
        if broken and broken.pop():
            raise Answer(server.error(500))
        return compose(*given)

    monkeypatch.setattr(server, "_compose", once_broken)
    assert publish(client, HELLO, wait=600).id == newest(server).id
    keys = [request.headers["idempotency-key"] for request in wire.requests("POST", STATUSES)]
    assert len(server.timeline()) == 1
    assert len(set(keys)) == 2
    assert keys[-1] not in keys[:-1]


def test_a_key_whose_answer_never_came_is_kept(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    server.software = "pleroma"
    box.fault("dropped-before", platform="mastodon")
    publish(client, HELLO, wait=600)
    assert len({request.headers["idempotency-key"] for request in wire.requests("POST", STATUSES)}) == 1


# --- scheduled --------------------------------------------------------------------------------------------
@pytest.fixture
def due(box: Sandbox) -> datetime:
    return box.clock.now() + timedelta(hours=2)


def test_two_scheduled_posts_that_look_alike_are_nobodys_guess(
    server: MastodonBox, lose: Lose, due: datetime
) -> None:
    def twice() -> None:
        (first,) = server.scheduled.values()
        server.scheduled["99"] = {**first, "id": "99"}

    outcome = lose(with_options(HELLO, scheduled_at=due), twice, "stored-then-hang")
    assert outcome.status is Status.UNKNOWN
    assert "two scheduled posts" in str(outcome.error)


def test_a_scheduled_post_for_others_is_not_ours(server: MastodonBox, lose: Lose, due: datetime) -> None:
    def narrowed() -> None:
        (first,) = server.scheduled.values()
        first["params"] = {**first["params"], "visibility": "private"}

    outcome = lose(with_options(HELLO, scheduled_at=due), narrowed, "stored-then-hang")
    assert (outcome.status, len(server.scheduled)) == (Status.SCHEDULED, 2)


def test_the_same_words_at_another_time_are_not_ours(server: MastodonBox, lose: Lose, due: datetime) -> None:
    def by_hand() -> None:
        server._schedule(server.people["brand"], {"status": HELLO.text}, due + timedelta(minutes=1))

    outcome = lose(with_options(HELLO, scheduled_at=due), by_hand)
    assert (outcome.status, len(server.scheduled)) == (Status.SCHEDULED, 2)
    assert outcome.look_again_at == due


def test_a_scheduled_post_called_off_before_its_time_is_not_live(
    box: Sandbox, server: MastodonBox, client: Client, due: datetime
) -> None:
    client.publish(with_options(HELLO, scheduled_at=due), to="mastodon", idempotency_key="later")
    server.scheduled.clear()
    box.clock.advance(3600)
    outcome = client.settle("later")["mastodon"]
    assert outcome.status is Status.FAILED
    assert "taken off the server's list" in str(outcome.error)


def test_a_scheduled_post_that_only_its_own_address_denies_is_still_waiting(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, due: datetime
) -> None:
    client.publish(with_options(HELLO, scheduled_at=due), to="mastodon", idempotency_key="later")
    wire.say("GET", "/api/v1/scheduled_statuses/[0-9]+", 404, "<h1>Not found</h1>")
    outcome = client.settle("later")["mastodon"]
    assert outcome.status is Status.SCHEDULED
    assert outcome.look_again_at == box.clock.now() + timedelta(minutes=1)


def test_a_plan_whose_time_is_over_is_not_published_at_once(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, due: datetime
) -> None:
    """The server publishes at once what was due before it was told."""
    plan = client.plan(with_options(HELLO, scheduled_at=due), to="mastodon")
    box.clock.advance(3 * 3600)
    with pytest.raises(errors.InvalidPost, match="less than 5 minutes ahead by now") as caught:
        client.publish(plan)
    assert [(one.field, one.code) for one in caught.value.problems] == [("options.scheduled_at", "stale")]
    assert (server.timeline(), wire.requests("POST", STATUSES)) == ([], [])


def test_a_video_that_takes_too_long_makes_a_schedule_stale(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    box.fault("still-processing", platform="mastodon", seconds=400)
    when = box.clock.now() + timedelta(minutes=10)
    post = with_options(Post("Watch", media=[Video(mp4(), alt="A boat")]), scheduled_at=when)
    with pytest.raises(errors.InvalidPost, match="by now"):
        client.publish(post, to="mastodon")
    assert wire.requests("POST", STATUSES) == []


# --- what the answer says is missing ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"sensitive": True}, {"sensitive": False}, "the server left out the sensitive mark"),
        ({"in_reply_to_id": "1"}, {"in_reply_to_id": None}, "the server left out what it replies to"),
        ({"quoted_status_id": "1"}, {"quote": None}, "the server left out the quote"),
        ({"quote_id": "1"}, {"quote": None}, "the server left out the quote"),
        (
            {"quoted_status_id": "1"},
            {"quote": {"state": "rejected"}},
            "the quoted post is not shown (rejected)",
        ),
        (
            {"quoted_status_id": "1"},
            {"quote": {"state": "pending"}},
            "the quoted post is shown only after its author agrees",
        ),
        ({"language": "xx"}, {"language": "en"}, "the server does not know the language 'xx' and says 'en'"),
        ({"quoted_status_id": "1"}, {"quote": {"state": "accepted"}}, None),
        ({"quote_id": "1"}, {"quote": {"id": "1"}}, None),
        ({"language": "pt-BR"}, {"language": "pt"}, None),
        ({"sensitive": True}, {"sensitive": True}, None),
        ({}, {"quote": None, "language": "en", "in_reply_to_id": None}, None),
    ],
)
def test_every_field_that_was_lost_is_named(
    body: dict[str, Any], status: dict[str, Any], words: str | None
) -> None:
    assert list(lacks(status, Part(0, body))) == ([words] if words else [])


def test_alt_text_that_was_lost_is_named(server: MastodonBox, client: Client, wire: Recorder) -> None:
    media = [{"id": "1", "description": "A boat"}, {"id": "2", "description": None}]
    wire.say("POST", STATUSES, 200, {"id": "7", "media_attachments": media})
    post = Post("Look", media=[BOAT, Image(png(9, 9), alt="Another")])
    outcome = client.publish(post, to="mastodon")["mastodon"]
    assert outcome.missing == ("the server left out the alt text of 1 media",)


def test_what_a_schedule_does_not_keep_is_told(server: MastodonBox, client: Client, due: datetime) -> None:
    """Before 4.7 nothing says that who may quote it is kept."""
    words = "the server does not say that it keeps who may quote it until it publishes"
    server.software = "mastodon-4.5.0"
    post = with_options(HELLO, scheduled_at=due, quote_policy="nobody")
    assert client.publish(post, to="mastodon")["mastodon"].missing == (words,)
    server.software = "mastodon"
    later = attrs.evolve(post, text="And then")
    assert client.publish(later, to="mastodon")["mastodon"].missing == ()


async def test_an_edit_says_what_it_could_not_bring() -> None:
    adapter = Mastodon("https://mastodon.social", token="t")
    part = Part(0, {"status": "x", "visibility": "public", "poll": {"options": ["a", "b"]}})
    told = answer({"id": "7", "visibility": "unlisted", "poll": None})
    sent = await adapter.edit(Receipt(OWNER.identity, "7"), part, FakeCall(adapter, OWNER, [told]))
    assert sent.missing == ("the server left out the poll",)
