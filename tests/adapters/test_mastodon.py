"""Mastodon: posts end to end on the sandbox: every field, media, threads, schedules, edits, reading back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from media_files import gif, mp4, png
from recording import Recorder
from socialkit import Client, Image, InvalidPost, Mastodon, Poll, Post, Status, Video, errors
from socialkit.adapters.base import AccountFacts, Part, PartMedia
from socialkit.adapters.mastodon import MastodonOptions
from socialkit.model import Identity, Receipt
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.sandbox.mastodon_views import Toot

from .fakes import FakeCall, answer
from .mastodon_samples import (
    BOAT,
    HELLO,
    MEDIA,
    STATUSES,
    by_reader,
    changes,
    newest,
    problems,
    publish,
    sent,
    uploaded,
    with_options,
)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def server(box: Sandbox) -> MastodonBox:
    found = box["mastodon"]
    assert isinstance(found, MastodonBox)
    return found


# --- every field ------------------------------------------------------------------------------------------
def test_text_link_and_tags_become_the_text(server: MastodonBox, client: Client) -> None:
    publish(client, Post("We ship #today", link="https://example.com/boat", tags=["launch", "today"]))
    assert newest(server).text == "We ship #today\n\nhttps://example.com/boat\n\n#launch"


def test_every_plain_field_arrives(server: MastodonBox, client: Client) -> None:
    post = Post("Gruesome", language="de", content_warning="boats", sensitive=True, visibility="unlisted")
    publish(client, post)
    toot = newest(server)
    assert (toot.language, toot.warning, toot.sensitive) == ("de", "boats", True)
    assert toot.visibility == "unlisted"


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        (None, "public"),
        ("public", "public"),
        ("unlisted", "unlisted"),
        ("followers", "private"),
        ("direct", "direct"),
    ],
)
def test_the_audience_is_always_named(server: MastodonBox, client: Client, wanted: Any, stored: str) -> None:
    server.people["brand"].visibility = "unlisted"
    publish(client, Post("Ahoy", visibility=wanted))
    assert newest(server).visibility == stored


def test_what_it_cannot_carry_is_said(client: Client) -> None:
    assert problems(client, Post("Ahoy", visibility="private")) == [("visibility", "unsupported")]
    assert changes(client, Post("Ahoy", title="A title")) == [("title", "not_carried")]


def test_a_sensitive_post_needs_no_warning(server: MastodonBox, client: Client) -> None:
    publish(client, Post("Ahoy", media=[BOAT], sensitive=True))
    assert (newest(server).sensitive, newest(server).warning) == (True, "")


def test_a_poll_arrives_with_its_settings(server: MastodonBox, client: Client) -> None:
    publish(client, Post("Sail?", poll=Poll(["Aye", "Nay"], seconds=600, multiple=True, hide_totals=True)))
    poll = newest(server).poll
    assert poll is not None
    assert poll["options"] == ["Aye", "Nay"]
    assert (poll["seconds"], poll["multiple"], poll["hide_totals"]) == (600, True, True)


@pytest.mark.parametrize(
    ("poll", "problem"),
    [
        (Poll(["a", "b", "c", "d", "e"]), ("poll.options", "count")),
        (Poll(["a", "x" * 51]), ("poll.options[1]", "too_long")),
        (Poll(["a", "b"], seconds=299), ("poll.seconds", "range")),
    ],
)
def test_a_poll_outside_the_servers_limits_is_refused(
    client: Client, poll: Poll, problem: tuple[str, str]
) -> None:
    assert problem in problems(client, Post("Sail?", poll=poll))


@pytest.mark.parametrize(("software", "fits"), [("mastodon", True), ("mastodon-4.5.0", False)])
def test_poll_and_media_together_are_new_in_4_6(
    server: MastodonBox, client: Client, software: str, fits: bool
) -> None:
    server.software = software
    post = Post("Sail?", media=[BOAT], poll=Poll(["Aye", "Nay"]))
    assert problems(client, post) == ([] if fits else [("poll", "with_media")])


# --- media ------------------------------------------------------------------------------------------------
def test_a_picture_arrives_with_alt_text_and_focus(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    publish(client, Post("Look", media=[BOAT, Image(png(9, 9))]))
    first, second = newest(server).media
    assert (first["alt"], first["focus"]) == ("The new boat at sea", (0.25, -0.5))
    assert (second["alt"], second["focus"]) == (None, None)
    assert uploaded(wire)["file"] == png(9, 9)


def test_an_animated_gif_becomes_a_silent_video(server: MastodonBox, client: Client) -> None:
    publish(client, Post("Waves", media=[Image(gif(frames=3), alt="Waves")]))
    assert [medium["type"] for medium in newest(server).media] == ["gifv"]


def test_a_video_is_waited_for_and_brings_its_thumbnail(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    box.fault("still-processing", platform="mastodon", seconds=20)
    before = box.clock.now()
    publish(client, Post("Watch", media=[Video(mp4(), alt="A boat", thumbnail=Image(png(16, 9)))]))
    assert (box.clock.now() - before).total_seconds() >= 20
    form = uploaded(wire)
    assert (form["description"], form["thumbnail"]) == (b"A boat", png(16, 9))
    looks = [answer.status_code for answer in wire.answers("GET", "/api/v1/media/.*")]
    assert looks == [206] * (len(looks) - 1) + [200]
    assert newest(server).media[0]["type"] == "video"


def test_a_video_that_cannot_be_processed_is_certainly_not_live(
    box: Sandbox, server: MastodonBox, client: Client
) -> None:
    box.fault("processing-failed", platform="mastodon")
    with pytest.raises(errors.Declined, match="Error processing") as caught:
        client.publish(Post("Watch", media=[Video(mp4())]), to="mastodon", idempotency_key="v")
    assert caught.value.report["mastodon"].status is Status.FAILED
    publish(client, Post("Watch", media=[Video(mp4())]), idempotency_key="v")
    assert [toot.text for toot in server.timeline()] == ["Watch"]


def test_a_video_still_in_processing_is_not_uploaded_again(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    box.fault("still-processing", platform="mastodon", seconds=1000)
    post = Post("Watch", media=[Video(mp4())])
    with pytest.raises(errors.Unavailable, match="still processing"):
        client.publish(post, to="mastodon", idempotency_key="v")
    box.clock.advance(500)
    publish(client, post, idempotency_key="v")
    assert len(wire.requests("POST", MEDIA)) == 1
    assert [toot.text for toot in server.timeline()] == ["Watch"]


def test_a_server_may_answer_at_once_and_still_be_processing(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    wire.say("POST", MEDIA, 200, {"id": "77", "url": None})
    wire.say("GET", "/api/v1/media/77", 206, {"id": "77", "url": None})
    wire.say("GET", "/api/v1/media/77", 200, {"id": "77", "url": "https://example.com/boat.png"})
    wire.say("POST", STATUSES, 200, {"id": "7"})
    client.publish(Post("Look", media=[BOAT]), to="mastodon")
    assert [one.status_code for one in wire.answers("GET", "/api/v1/media/77")] == [206, 200]


def test_media_that_waited_a_day_are_uploaded_again(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    """A server deletes after a day what no post has."""
    post = Post("Look", media=[BOAT])
    wire.say("POST", STATUSES, 429, {"error": "Too many requests"}, headers={"retry-after": "90000"})
    with pytest.raises(errors.RateLimited):
        client.publish(post, to="mastodon", idempotency_key="look")
    box.clock.advance(90_100)
    publish(client, post, idempotency_key="look")
    assert len(wire.requests("POST", MEDIA)) == 2
    assert len(newest(server).media) == 1


async def test_an_upload_may_take_five_minutes_to_be_answered() -> None:
    adapter = Mastodon("https://mastodon.social", token="t")
    owner = Identity("mastodon", "https://mastodon.social", "1")
    item = PartMedia("image", "image/png", len(png()), "00" * 32, "bytes")
    answers = [answer({"error": "x"}, status=404), answer({"id": "7", "url": "https://example.com/7"})]
    facts = AccountFacts(owner, facts={"media_v2": True})
    call = FakeCall(adapter, facts, answers, blobs={item.digest: png()})
    assert await adapter._uploaded("media 0", item, call) == "7"
    assert [asked.options["timeout"] for asked in call.asked] == [300.0, 300.0]


@pytest.mark.parametrize(("software", "limit"), [("mastodon", 10_000), ("mastodon-4.2.0", 1500)])
def test_alt_text_is_as_long_as_the_server_says(
    server: MastodonBox, client: Client, software: str, limit: int
) -> None:
    server.software = software
    assert problems(client, Post("Look", media=[Image(png(), alt="x" * limit)])) == []
    assert problems(client, Post("Look", media=[Image(png(), alt="x" * (limit + 1))])) == [
        ("media[0].alt", "too_long")
    ]


def test_pictures_and_a_video_do_not_mix(client: Client) -> None:
    assert problems(client, Post("Look", media=[BOAT, Video(mp4(), alt="At sea")])) == [("media", "mixed")]
    assert problems(client, Post("Look", media=[BOAT] * 5))[0][0] == "media"


def test_old_servers_take_uploads_at_the_first_address(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    server.software = "mastodon-4.2.0"
    server.kind = attrs.evolve(server.kind, version="3.1.2")
    publish(client, Post("Watch", media=[Video(mp4())]))
    assert len(wire.requests("POST", "/api/v1/media")) == 1
    assert wire.requests("POST", MEDIA) == []


# --- threads, replies, quotes -----------------------------------------------------------------------------
def test_each_post_of_a_thread_replies_to_the_one_before(server: MastodonBox, client: Client) -> None:
    receipt = publish(client, Post("one", thread=[Post("two", media=[BOAT]), Post("three")]))
    one, two, three = server.timeline()
    assert (one.reply_to, two.reply_to, three.reply_to) == (None, one.id, two.id)
    assert receipt.part_ids == (one.id, two.id, three.id)
    assert len(two.media) == 1


@pytest.mark.parametrize("how", ["receipt", "id", "permalink", "uri", "foreign"])
def test_a_reply_finds_what_it_replies_to(server: MastodonBox, client: Client, how: str) -> None:
    toot = by_reader(server, uri="https://elsewhere.example/@reader/7" if how == "foreign" else None)
    place: dict[str, Any] = {
        "receipt": Receipt(Identity("mastodon", "https://mastodon.social", "1"), toot.id),
        "id": toot.id,
        "permalink": f"https://mastodon.social/@reader/{toot.id}",
        "uri": f"https://mastodon.social/users/reader/statuses/{toot.id}",
        "foreign": "https://elsewhere.example/@reader/7",
    }
    assert publish(client, Post("Indeed", reply_to=place[how])).kind == "reply"
    assert newest(server).reply_to == toot.id


@pytest.mark.parametrize("field", ["reply_to", "quote"])
@pytest.mark.parametrize(
    "place", ["https://mastodon.social/@reader/404", "404", "https://elsewhere.example/x"]
)
def test_what_the_server_does_not_know_is_a_problem(client: Client, field: str, place: str) -> None:
    post = Post("Indeed", **{field: place})  # type: ignore[arg-type]
    assert problems(client, post) == [(field, "not_found")]


def test_a_quote_shows_its_post(server: MastodonBox, client: Client) -> None:
    toot = by_reader(server)
    receipt = publish(client, Post("So true", quote=f"https://mastodon.social/@reader/{toot.id}"))
    assert newest(server).quote == toot.id
    assert receipt.kind == "quote"
    assert client.fetch_posts("mastodon")[0].kind == "quote"


def test_a_post_whose_author_lets_nobody_quote_it_is_not_quoted(server: MastodonBox, client: Client) -> None:
    toot = by_reader(server, policy="nobody")
    assert problems(client, Post("So true", quote=toot.id)) == [("quote", "denied")]


def test_a_quote_that_waits_for_its_author_says_so(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    toot = by_reader(server)
    asking = {"id": toot.id, "quote_approval": {"current_user": "manual"}}
    wire.say("GET", f"{STATUSES}/{toot.id}", 200, asking)
    wire.say("GET", f"{STATUSES}/{toot.id}", 200, asking)
    post = Post("So true", quote=Receipt(Identity("mastodon", "https://mastodon.social", "2"), toot.id))
    assert changes(client, post) == [("quote", "pending")]
    answer = {"id": "7", "url": "https://mastodon.social/@brand/7", "quote": {"state": "pending"}}
    wire.say("POST", STATUSES, 200, answer)
    outcome = client.publish(post, to="mastodon")["mastodon"]
    assert outcome.missing == ("the quoted post is shown only after its author agrees",)


def test_servers_without_quotes_say_so(server: MastodonBox, client: Client) -> None:
    server.software = "mastodon-4.2.0"
    assert problems(client, Post("So true", quote="1")) == [("quote", "unsupported")]


# --- options ----------------------------------------------------------------------------------------------
def test_who_may_quote_arrives(server: MastodonBox, client: Client) -> None:
    publish(client, with_options(HELLO, quote_policy="followers"))
    assert newest(server).policy == "followers"


@pytest.mark.parametrize(
    ("software", "visibility"), [("mastodon-4.2.0", "public"), ("mastodon", "followers")]
)
def test_a_quote_policy_without_effect_is_a_change(
    server: MastodonBox, client: Client, wire: Recorder, software: str, visibility: Any
) -> None:
    server.software = software
    post = with_options(attrs.evolve(HELLO, visibility=visibility), quote_policy="followers")
    assert changes(client, post) == [("options.quote_policy", "not_carried")]
    publish(client, post)
    assert "quote_approval_policy" not in sent(wire)


@pytest.mark.parametrize(
    "options", [{"local_only": True}, {"content_type": "text/markdown"}], ids=["local", "markdown"]
)
@pytest.mark.parametrize(
    ("software", "version", "known"),
    [
        ("mastodon", "4.7.2", False),
        ("mastodon", "4.7.2+glitch", True),
        ("gotosocial", "0.19.1", True),
        ("takahe", "0.11.0", False),
        ("snac", "2.94", False),
    ],
)
def test_what_only_some_servers_know_is_refused_by_the_others(
    server: MastodonBox,
    client: Client,
    wire: Recorder,
    options: dict[str, Any],
    software: str,
    version: str,
    known: bool,
) -> None:
    """A server ignores what it does not know: the post would be public after all, or full of asterisks."""
    server.software = software
    server.kind = attrs.evolve(server.kind, version=version)
    post = with_options(HELLO, **options)
    name = next(iter(options))
    assert problems(client, post) == ([] if known else [(f"options.{name}", "unsupported")])
    if known:
        publish(client, post)
        assert sent(wire)[name] == options[name]


# --- scheduled --------------------------------------------------------------------------------------------
@pytest.fixture
def due(box: Sandbox) -> datetime:
    return box.clock.now() + timedelta(hours=2)


def test_a_scheduled_post_is_published_by_the_server(
    box: Sandbox, server: MastodonBox, client: Client, due: datetime
) -> None:
    post = with_options(Post("Later", media=[BOAT]), scheduled_at=due)
    outcome = client.publish(post, to="mastodon", idempotency_key="later")["mastodon"]
    assert (outcome.status, outcome.look_again_at) == (Status.SCHEDULED, due)
    assert server.timeline() == []
    box.clock.advance(3600)
    assert client.settle("later")["mastodon"].status is Status.SCHEDULED
    box.clock.advance(3700)
    settled = client.settle("later")["mastodon"]
    assert settled.status is Status.PUBLISHED
    assert settled.receipt is not None
    assert settled.receipt.id == newest(server).id
    assert settled.url == f"https://mastodon.social/@brand/{newest(server).id}"


def test_a_scheduled_post_that_was_called_off_there_is_not_said_to_be_live(
    box: Sandbox, server: MastodonBox, client: Client, due: datetime
) -> None:
    client.publish(with_options(HELLO, scheduled_at=due), to="mastodon", idempotency_key="later")
    server.scheduled.clear()
    box.clock.advance(3 * 3600)
    outcome = client.settle("later")["mastodon"]
    assert (outcome.status, outcome.look_again_at) == (Status.SCHEDULED, None)
    assert "not among the account's own posts" in outcome.missing[0]


def test_a_scheduled_post_can_be_called_off(
    box: Sandbox, server: MastodonBox, client: Client, due: datetime
) -> None:
    report = client.publish(with_options(HELLO, scheduled_at=due), to="mastodon")
    client.delete(report)
    client.delete(report)
    box.clock.advance(3 * 3600)
    assert server.timeline() == []


def test_calling_off_too_late_deletes_what_was_published(
    box: Sandbox, server: MastodonBox, client: Client, due: datetime
) -> None:
    report = client.publish(with_options(HELLO, scheduled_at=due), to="mastodon")
    box.clock.advance(3 * 3600)
    assert len(server.timeline()) == 1
    client.delete(report)
    assert server.timeline() == []


@pytest.mark.parametrize("fault", ["stored-then-500", "stored-then-hang", "dropped-before", "dropped-after"])
@pytest.mark.parametrize("looked", ["at once", "before", "after"])
def test_a_lost_answer_to_a_scheduled_post_is_looked_up(
    box: Sandbox,
    server: MastodonBox,
    client: Client,
    wire: Recorder,
    due: datetime,
    fault: str,
    looked: str,
) -> None:
    """Keys do not count for scheduled posts: only the lists tell, before it is published and after."""
    post = with_options(Post("Later", media=[BOAT]), scheduled_at=due)
    box.fault(fault, platform="mastodon")
    plan = client.plan(post, to="mastodon")
    for _ in range(0 if looked == "at once" else 4):
        wire.say("GET", "/api/v1/scheduled_statuses", 503)
    first = client.publish(plan, idempotency_key="later", errors="return", wait=0)
    assert (first["mastodon"].status is Status.UNKNOWN) == (looked != "at once" or fault == "dropped-before")
    if looked == "after" and fault != "dropped-before":
        box.clock.advance(3 * 3600)
        assert client.settle("later")["mastodon"].status is Status.PUBLISHED
    else:
        client.publish(post, to="mastodon", idempotency_key="later", wait=600)
        assert len(server.scheduled) == 1
    box.clock.advance(3 * 3600)
    assert [toot.text for toot in server.timeline()] == ["Later"]


def test_a_moment_that_cannot_be_is_a_problem(box: Sandbox, server: MastodonBox, client: Client) -> None:
    now, field = box.clock.now(), "options.scheduled_at"
    soon = now + timedelta(seconds=299)
    assert problems(client, with_options(HELLO, scheduled_at=soon)) == [(field, "range")]
    assert problems(client, with_options(HELLO, scheduled_at=soon + timedelta(seconds=1))) == []
    thread = with_options(Post("one", thread=[Post("two")]), scheduled_at=now + timedelta(hours=1))
    assert set(problems(client, thread)) == {(field, "unsupported"), (f"thread[0].{field}", "unsupported")}


def test_a_moment_without_a_time_zone_is_refused_at_once(due: datetime) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        MastodonOptions(scheduled_at=due.replace(tzinfo=None))


@pytest.mark.parametrize("software", ["hollo", "takahe", "pixelfed"])
def test_servers_that_publish_scheduled_posts_at_once_get_none(
    server: MastodonBox, client: Client, due: datetime, software: str
) -> None:
    server.software = software
    post = with_options(Post("Later", media=[BOAT]), scheduled_at=due)
    assert problems(client, post) == [("options.scheduled_at", "unsupported")]


def test_a_scheduled_post_that_is_out_at_once_says_so(
    server: MastodonBox, client: Client, due: datetime
) -> None:
    server.kind = attrs.evolve(server.kind, scheduling=False)
    outcome = client.publish(with_options(HELLO, scheduled_at=due), to="mastodon")["mastodon"]
    assert outcome.status is Status.PUBLISHED
    assert outcome.missing == ("the server does not schedule: it published at once",)


@pytest.mark.parametrize(
    ("post", "answer", "words"),
    [
        (HELLO, {"visibility": "unlisted"}, "the server made it 'unlisted' instead of 'public'"),
        (Post("Sail?", poll=Poll(["a", "b"])), {"poll": None}, "the server left out the poll"),
        (Post("x", content_warning="y"), {"spoiler_text": ""}, "the server left out the content warning"),
        (Post("x", language="xx"), {"language": None}, "the server does not know the language 'xx'"),
        (Post("x", media=[BOAT]), {"media_attachments": []}, "the server left out 1 of 1 media"),
    ],
)
def test_what_the_server_leaves_out_is_told(
    client: Client, wire: Recorder, post: Post, answer: dict[str, Any], words: str
) -> None:
    wire.say("POST", STATUSES, 200, {"id": "7", **answer})
    assert client.publish(post, to="mastodon")["mastodon"].missing == (words,)


def test_a_post_dropped_by_the_spam_filter_is_not_live(client: Client, wire: Recorder) -> None:
    wire.say("POST", STATUSES, 200, {"id": None, "uri": None, "content": ""})
    with pytest.raises(errors.Declined, match="spam filter") as caught:
        client.publish(HELLO, to="mastodon")
    assert caught.value.report["mastodon"].status is Status.FAILED


# --- after a refusal --------------------------------------------------------------------------------------
def test_a_refused_post_gets_a_key_of_its_own_the_next_time(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    """Pleroma answers a known key with the old refusal, whatever comes with it; and the media may be gone."""
    server.software = "pleroma"
    post = Post("Look", media=[BOAT])
    client.plan(post, to="mastodon")
    remembered, server.media = server.media, type(server.media)()
    wire.say("POST", MEDIA, 200, {"id": "404", "url": "https://mastodon.social/boat.png"})
    with pytest.raises(errors.Declined):
        client.publish(post, to="mastodon", idempotency_key="look")
    server.media = remembered
    publish(client, post, idempotency_key="look")
    keys = [request.headers["idempotency-key"] for request in wire.requests("POST", STATUSES)]
    assert len(set(keys)) == len(keys) == 2
    assert len(newest(server).media) == 1


@pytest.mark.parametrize("lost", [True, False], ids=["one may be live", "none is live"])
async def test_a_key_is_kept_while_an_attempt_under_it_may_be_live(lost: bool) -> None:
    adapter = Mastodon("https://mastodon.social", token="t")
    owner = Identity("mastodon", "https://mastodon.social", "1")
    refused = answer({"error": "Validation failed"}, status=422)
    call = FakeCall(adapter, AccountFacts(owner), [refused], memory={"key": "first"}, lost=lost)
    with pytest.raises(errors.Declined):
        await adapter.send(Part(0, {"status": "x", "visibility": "public"}), call)
    assert call.memory["key"] == ("first" if lost else None)


# --- edit and delete --------------------------------------------------------------------------------------
def test_an_edit_replaces_everything(server: MastodonBox, client: Client) -> None:
    receipt = publish(client, Post("Before", media=[BOAT], content_warning="boats", language="de"))
    edited = client.edit(receipt, Post("After", media=[Image(png(5, 5), alt="Another")], language="en"))
    toot = newest(server)
    assert (toot.text, toot.warning, toot.language) == ("After", "", "en")
    assert [medium["alt"] for medium in toot.media] == ["Another"]
    assert (edited.id, edited.text) == (receipt.id, "After")
    client.edit(edited, Post("A poll", poll=Poll(["a", "b"])))
    assert (newest(server).media, newest(server).poll is not None) == ([], True)


def test_an_edit_refuses_what_it_cannot_change(
    server: MastodonBox, client: Client, due: datetime, wire: Recorder
) -> None:
    receipt = publish(client, HELLO)
    other = by_reader(server)
    for post, field in (
        (Post("x", reply_to=other.id), "reply_to"),
        (Post("x", quote=other.id), "quote"),
        (with_options(Post("x"), scheduled_at=due), "options.scheduled_at"),
    ):
        with pytest.raises(InvalidPost) as caught:
            client.edit(receipt, post)
        assert [(one.field, one.code) for one in caught.value.problems] == [(field, "fixed")]
    assert wire.requests("PUT") == []


def test_an_edit_names_its_format(server: MastodonBox, client: Client, wire: Recorder) -> None:
    server.software = "gotosocial"
    receipt = publish(client, HELLO)
    client.edit(receipt, with_options(Post("We *ship*"), content_type="text/markdown"))
    assert sent(wire, "PUT", f"{STATUSES}/{receipt.id}")["content_type"] == "text/markdown"


def test_an_edit_keeps_a_post_on_its_server_as_it_is(server: MastodonBox, client: Client) -> None:
    server.software = "gotosocial"
    receipt = publish(client, HELLO)
    with pytest.raises(InvalidPost) as caught:
        client.edit(receipt, with_options(Post("x"), local_only=True))
    assert [(one.field, one.code) for one in caught.value.problems] == [("options.local_only", "fixed")]


def test_an_edit_for_another_audience_is_refused(server: MastodonBox, client: Client, wire: Recorder) -> None:
    """The server would ignore it: what was meant for followers would be read by everybody."""
    receipt = publish(client, HELLO)
    with pytest.raises(InvalidPost, match="stays 'public'") as caught:
        client.edit(receipt, Post("For you alone", visibility="followers"))
    assert [(one.field, one.code) for one in caught.value.problems] == [("visibility", "fixed")]
    assert wire.requests("PUT") == []
    private = publish(client, Post("Before", visibility="followers"))
    client.edit(private, Post("After", visibility="followers"))
    assert newest(server).text == "After"


def test_a_scheduled_post_is_not_edited(client: Client, due: datetime) -> None:
    receipt = publish(client, with_options(HELLO, scheduled_at=due))
    with pytest.raises(errors.ConfigError, match="delete it and publish it anew"):
        client.edit(receipt, Post("x"))


def test_deleting_takes_the_media_along_and_twice_is_fine(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    report = client.publish(Post("one", media=[BOAT], thread=[Post("two")]), to="mastodon")
    client.delete(report)
    client.delete(report)
    assert server.timeline() == []
    assert server.media == {}
    assert [answer.status_code for answer in wire.answers("DELETE")] == [200, 200, 404, 404]


# --- reading ----------------------------------------------------------------------------------------------
def test_what_the_server_says_is_gone_is_deleted(client: Client, wire: Recorder) -> None:
    receipt = publish(client, HELLO)
    wire.say("DELETE", f"{STATUSES}/{receipt.id}", 410, {"error": "Gone"})
    client.delete(receipt)


def many(server: MastodonBox, count: int, account: str = "brand") -> list[Toot]:
    """Posts a minute apart, the last one now."""
    made = []
    for number in range(count):
        at = server.now() - timedelta(minutes=count - 1 - number)
        made.append(Toot(server.new_id(), account, f"number {number}", at))
        server.add(made[-1])
    return made


def test_an_id_stays_one_piece_of_the_address(client: Client, wire: Recorder) -> None:
    """Ids are any text: a media id may end in ``.png``, and what a person pastes may hold anything."""
    assert problems(client, Post("Indeed", reply_to="12?x=1#y")) == [("reply_to", "not_found")]
    assert wire.requests("GET", f"{STATUSES}/.*")[-1].url.raw_path == b"/api/v1/statuses/12%3Fx%3D1%23y"


def test_own_posts_come_newest_first_over_every_page(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    toots = many(server, 95)
    by_reader(server)
    found = client.fetch_posts("mastodon", limit=200)
    assert [receipt.id for receipt in found] == [toot.id for toot in reversed(toots)]
    assert len(wire.requests("GET", "/api/v1/accounts/[0-9]+/statuses")) == 3
    assert [receipt.id for receipt in client.fetch_posts("mastodon", limit=2)] == [toots[94].id, toots[93].id]


def test_what_was_boosted_is_no_post_of_ones_own(server: MastodonBox, client: Client) -> None:
    own = many(server, 1)[0]
    server.add(Toot(server.new_id(), "brand", "", server.now(), reblog_of=by_reader(server).id))
    assert [receipt.id for receipt in client.fetch_posts("mastodon")] == [own.id]


def test_own_posts_of_a_period(server: MastodonBox, client: Client) -> None:
    toots = many(server, 95)
    since, until = toots[10].created_at, toots[20].created_at
    found = client.fetch_posts("mastodon", since=since, until=until, limit=100)
    assert [receipt.id for receipt in found] == [toot.id for toot in reversed(toots[10:21])]
    few = client.fetch_posts("mastodon", until=until, limit=3)
    assert [receipt.id for receipt in few] == [toot.id for toot in reversed(toots[18:21])]


def test_the_next_page_is_asked_of_the_accounts_own_address(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    """Behind a proxy a server may call itself by another name; the token goes nowhere else."""
    many(server, 1)
    link = '<http://internal.example:3000/api/v1/accounts/1/statuses?max_id=1>; rel="next"'
    wire.say("GET", "/api/v1/accounts/[0-9]+/statuses", 200, [], headers={"link": link})
    wire.say("GET", "/api/v1/accounts/1/statuses", 200, [])
    client.fetch_posts("mastodon")
    assert {request.url.host for request in wire.requests()} == {"mastodon.social"}


def test_a_thousand_posts_are_measured_in_fifty_requests(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    toots = many(server, 1000)
    owner = client.fetch_posts("mastodon", limit=1)[0].identity
    wire.clear()
    table = client.fetch_metrics([Receipt(owner, toot.id) for toot in toots])
    assert len(wire.asked) <= 50
    assert len(table) == 1000
    assert all(row.error is None for row in table)


@pytest.mark.parametrize(("software", "requests"), [("mastodon", 1), ("pleroma", 1), ("gotosocial", 2)])
def test_metrics_name_what_is_unknown(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, software: str, requests: int
) -> None:
    server.software = software
    receipts = [publish(client, Post(f"number {number}")) for number in range(3)]
    client.delete(receipts[1])
    client.delete(receipts[1])
    box.clock.advance(86_400)
    publish(client, Post("A reply", reply_to=receipts[0]))
    wire.clear()
    first, gone, third = client.fetch_metrics(receipts)
    assert len(wire.requests("GET", f"{STATUSES}.*")) == requests
    assert isinstance(gone.error, errors.Declined)
    counts = server.counts(server.toot(receipts[2].id or ""))  # type: ignore[arg-type]
    assert (third.likes, third.shares) == (counts["favourites_count"], counts["reblogs_count"])
    assert first.comments == 1
    assert first.impressions is None
    assert "does not count" in first.missing["impressions"]
    assert (first.quotes is None) == ("quotes" in first.missing) == (software != "mastodon")


@pytest.mark.parametrize("software", ["gotosocial", "takahe", "mastodon-4.2.0"])
def test_where_there_is_no_batch_most_of_one_comes_by_page(
    server: MastodonBox, client: Client, wire: Recorder, software: str
) -> None:
    server.software = software
    many(server, 45)
    receipts = client.fetch_posts("mastodon", limit=60)
    foreign = attrs.evolve(receipts[0], id=by_reader(server).id, identity=Identity("mastodon", "x", "2"))
    wire.clear()
    table = client.fetch_metrics(receipts)
    assert [row.id for row in table] == [receipt.id for receipt in receipts]
    assert [row.error for row in table] == [None] * 45
    assert len(wire.asked) == 3 * 2, "three batches: the newest alone, the rest by page"
    wire.clear()
    assert [row.error for row in client.fetch_metrics([*receipts[:2], foreign], account="mastodon")] == [
        None
    ] * 3
    assert len(wire.requests("GET", "/api/v1/accounts/.*")) == 0, "a page is not worth it for two"


def test_a_page_that_is_none_leaves_every_post_to_itself(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    server.software = "gotosocial"
    many(server, 4)
    receipts = client.fetch_posts("mastodon")
    wire.say("GET", "/api/v1/accounts/[0-9]+/statuses", 404, "<h1>Not found</h1>")
    assert [row.error for row in client.fetch_metrics(receipts)] == [None] * 4


def test_a_scheduled_post_has_no_metrics_yet(client: Client, due: datetime) -> None:
    receipt = publish(client, with_options(HELLO, scheduled_at=due))
    row = client.fetch_metrics(receipt)[0]
    assert row.likes is None
    assert "scheduled for" in str(row.error)


def test_the_id_of_a_schedule_is_asked_of_no_posts(client: Client, due: datetime, wire: Recorder) -> None:
    """It is another kind of id, and may be somebody's post."""
    scheduled = publish(client, with_options(Post("Later"), scheduled_at=due))
    first, second = publish(client, HELLO), publish(client, Post("And then"))
    table = client.fetch_metrics([scheduled, first, second])
    assert [row.error is None for row in table] == [False, True, True]
    asked = wire.requests("GET", STATUSES)[-1].url.params.get_list("id[]")
    assert asked == [first.id, second.id]


def test_a_permalink_is_measured_by_its_own_id(server: MastodonBox, client: Client, wire: Recorder) -> None:
    toot = many(server, 1)[0]
    row = client.fetch_metrics(f"https://mastodon.social/@brand/{toot.id}")[0]
    assert (row.id, row.error) == (toot.id, None)
    assert wire.requests("GET", "/api/v2/search") == []


def test_the_account_is_measured(server: MastodonBox, client: Client) -> None:
    row = client.fetch_account_metrics("mastodon")[0]
    assert row.followers == server.followers(server.people["brand"])
    assert row.raw["statuses_count"] == 0
