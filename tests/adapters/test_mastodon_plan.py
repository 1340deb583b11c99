"""Mastodon: what a plan sees that the server would refuse, change or show to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from media_files import gif, heif, mp4, png
from recording import Recorder
from socialkit import Client, File, Image, Mastodon, Poll, Post, Video, errors
from socialkit.adapters._mastodon_rules import IMAGE_TYPES, limits, types_of
from socialkit.model import Identity, Receipt
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon import MastodonBox

from .mastodon_samples import (
    BOAT,
    HELLO,
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

SONG = b"ID3\x04\0\0" + bytes(500)
FAMILY = "👩‍👩‍👧‍👦"
"""One grapheme, seven code points."""


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def server(box: Sandbox) -> MastodonBox:
    found = box["mastodon"]
    assert isinstance(found, MastodonBox)
    return found


def become(server: MastodonBox, software: str, **fields: Any) -> None:
    server.software = software
    server.kind = attrs.evolve(server.kind, **fields)


# --- sound ------------------------------------------------------------------------------------------------
def test_a_sound_file_arrives_with_its_words_and_its_cover(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    song = File(SONG, name="shanty.mp3", alt="A shanty", thumbnail=Image(png(9, 9)))
    publish(client, Post("Listen", media=[song]))
    (medium,) = newest(server).media
    assert (medium["type"], medium["alt"], medium["cover"] is not None) == ("audio", "A shanty", True)
    assert uploaded(wire)["thumbnail"] == png(9, 9)
    assert [one.status_code for one in wire.answers("POST", "/api/v2/media")] == [202]
    assert newest(server).media[0]["ready_at"] <= server.now()


@pytest.mark.parametrize(
    ("media", "found"),
    [
        ([File(SONG, alt="x")] * 2, ("media", "count")),
        ([File(SONG, alt="x"), BOAT], ("media", "mixed")),
        ([File(SONG, alt="x"), Video(mp4(), alt="x")], ("media", "mixed")),
        ([File(SONG, alt="x" * 10_001)], ("media[0].alt", "too_long")),
        ([File(SONG)], ("media[0].alt", "missing")),
        ([File(b"%PDF-1.7\n" + bytes(100), alt="x")], ("media[0]", "type")),
    ],
)
def test_a_sound_file_has_the_servers_limits(client: Client, media: Any, found: tuple[str, str]) -> None:
    assert problems(client, Post("Listen", media=media)) == [found]


def test_a_sound_file_is_as_large_as_a_video_may_be(server: MastodonBox, client: Client) -> None:
    server.video_bytes = 400
    assert problems(client, Post("Listen", media=[File(SONG, alt="x")])) == [("media[0]", "too_large")]


def test_a_cover_that_cannot_be_had_is_told(client: Client) -> None:
    song = File(SONG, alt="x", thumbnail=Image(b"no picture"))
    assert changes(client, Post("Listen", media=[song])) == [("media[0].thumbnail", "left_out")]


# --- types ------------------------------------------------------------------------------------------------
def test_a_server_that_names_no_videos_gets_none(server: MastodonBox, client: Client) -> None:
    become(server, "hollo", videos=(), audio=())
    assert problems(client, Post("Watch", media=[Video(mp4(), alt="x")])) == [("media[0]", "unsupported")]
    assert problems(client, Post("Listen", media=[File(SONG, alt="x")])) == [("media[0]", "unsupported")]


@pytest.mark.parametrize(("software", "taken"), [("mastodon-4.6.0", True), ("mastodon", False)])
def test_heic_goes_where_the_server_names_it(
    server: MastodonBox, client: Client, software: str, taken: bool
) -> None:
    """Release 4.7.2 takes none; a server that does gets the file as it is."""
    server.software = software
    post = Post("Look", media=[Image(heif(b"heic"), alt="A boat")])
    told = problems(client, post) + changes(client, post)
    assert (told == []) is taken
    if taken:
        publish(client, post)
        assert newest(server).media[0]["mime"] == "image/heic"


def test_types_have_more_names_than_one() -> None:
    told = ["image/jpg", "audio/x-flac", "audio/mp3", "audio/x-m4a", "audio/vnd.wave"]
    sounds = types_of(told, "audio/", frozenset())
    assert sounds == {"audio/flac", "audio/mpeg", "audio/mp4", "audio/wav"}
    assert types_of(told, "image/", IMAGE_TYPES) == {"image/jpeg"}
    assert types_of(told, "video/", frozenset({"video/mp4"})) == frozenset()
    assert types_of([], "image/", IMAGE_TYPES) == IMAGE_TYPES


# --- sizes ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("software", "movie", "found"),
    [
        ("mastodon", {"seconds": 10, "frames": 1200}, []),
        ("mastodon", {"seconds": 10, "frames": 1210}, [("media[0]", "range")]),
        ("mastodon", {"seconds": 1200, "frames": 36_000}, []),
        ("mastodon", {"seconds": 1200, "frames": 36_001}, [("media[0]", "range")]),
        ("mastodon", {"size": (3840, 2160)}, []),
        ("mastodon", {"size": (3840, 2162)}, [("media[0]", "range")]),
        ("gotosocial", {"size": (5000, 5000), "seconds": 10, "frames": 1210}, []),
    ],
)
def test_the_frames_of_a_video_are_counted(
    server: MastodonBox, client: Client, software: str, movie: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    """What the plan lets through the server takes, and the other way round; GoToSocial looks at neither."""
    server.software = software
    data = mp4(**movie)
    post = Post("Watch", media=[Video(data, alt="x")])
    assert problems(client, post) == found
    if not found:
        publish(client, post)


def test_a_moving_gif_has_its_own_pixels(box: Sandbox, server: MastodonBox, client: Client) -> None:
    post = Post("Waves", media=[Image(gif(1281, 720, frames=3), alt="Waves")])
    assert problems(client, post) != []
    server.software = "gotosocial"
    box.clock.advance(3700)  # what an account's server is, is asked again
    publish(client, post)
    assert newest(server).media[0]["type"] == "gifv"


def test_alt_text_counts_code_points(server: MastodonBox, client: Client) -> None:
    server.software = "mastodon-4.5.0"
    fits = Post("Look", media=[Image(png(), alt=FAMILY * 214)])
    assert problems(client, fits) == []
    publish(client, fits)
    for medium in (Image(png(), alt=FAMILY * 215), Video(mp4(), alt=FAMILY * 215)):
        assert problems(client, Post("Look", media=[medium])) == [("media[0].alt", "too_long")]


@pytest.mark.parametrize(
    ("alt", "found"),
    [("x" * 20, []), ("x" * 19, ["too_short"]), (None, ["missing", "too_short"])],
    ids=["as long", "shorter", "none"],
)
def test_a_server_may_want_longer_alt_texts(
    server: MastodonBox, client: Client, alt: str | None, found: list[str]
) -> None:
    become(server, "gotosocial", description_minimum=20)
    post = Post("Look", media=[Image(png(), alt=alt)])
    assert problems(client, post) == [("media[0].alt", code) for code in found]
    if not found:
        publish(client, post)


def test_pleroma_crops_by_itself(server: MastodonBox, client: Client) -> None:
    server.software = "pleroma"
    assert changes(client, Post("Look", media=[BOAT])) == [("media[0].focus", "not_carried")]


def test_numbers_that_are_none_are_the_stock_ones() -> None:
    told = {
        "statuses": {"max_characters": None, "max_media_attachments": "6"},
        "polls": {"max_options": "many"},
    }
    known = limits({"configuration": told}, "friendica")
    assert [known[name] for name in ("characters", "media", "poll_options", "alt_least")] == [500, 6, 4, 0]


# --- words ------------------------------------------------------------------------------------------------
def test_a_poll_counts_as_the_text_does(box: Sandbox, server: MastodonBox, client: Client) -> None:
    post = Post("Sail?", poll=Poll(["Aye", FAMILY * 8]))
    publish(client, post)
    server.software = "gotosocial"
    box.clock.advance(3700)
    assert problems(client, post) == [("poll.options[1]", "too_long")]


def test_options_that_differ_in_blanks_alone_are_one(client: Client) -> None:
    assert problems(client, Post("Sail?", poll=Poll(["Aye", "Aye "]))) == [("poll.options", "not_unique")]
    assert problems(client, Post("Sail?", poll=Poll(["Aye", "Aye"]))) == [("poll.options", "not_unique")]


def test_what_is_no_language_is_told_and_left_out(client: Client, wire: Recorder) -> None:
    post = Post("Ahoy", language="English (British)")
    assert changes(client, post) == [("language", "not_carried")]
    publish(client, post)
    assert "language" not in sent(wire)
    assert changes(client, Post("Ahoy", language="zh-Hant-TW")) == []


def test_a_direct_post_to_nobody_is_warned_of(client: Client) -> None:
    plan = client.plan(Post("Psst", visibility="direct"), to="mastodon")
    assert [(one.field, one.code, one.severity) for one in plan.problems] == [("text", "nobody", "warning")]
    assert problems(client, Post("Psst @reader", visibility="direct")) == []


# --- quotes -----------------------------------------------------------------------------------------------
def test_a_direct_quote_mentions_whom_it_quotes(server: MastodonBox, client: Client) -> None:
    toot = by_reader(server)
    direct = Post("@other look", quote=toot.id, visibility="direct")
    assert problems(client, direct) == [("text", "mention")]
    publish(client, attrs.evolve(direct, text="@reader look"))
    publish(client, attrs.evolve(direct, text="@Reader@mastodon.social look"))
    own = publish(client, HELLO)
    publish(client, Post("@reader look", quote=own.id, visibility="direct"))


def test_who_quotes_a_private_post_of_their_own_writes_for_followers(
    server: MastodonBox, client: Client
) -> None:
    own = publish(client, Post("For followers", visibility="followers"))
    server.toot(str(own.id)).policy = "public"  # type: ignore[union-attr]
    post = Post("Again", quote=own)
    wanted = [("visibility", "narrowed")]
    told = changes(client, post)
    assert told == wanted
    assert changes(client, attrs.evolve(post, visibility="followers")) == []


def test_a_quote_the_author_must_agree_to_waits(server: MastodonBox, client: Client) -> None:
    toot = by_reader(server, policy="manual")
    post = Post("So true", quote=toot.id)
    assert changes(client, post) == [("quote", "pending")]
    outcome = client.publish(post, to="mastodon")["mastodon"]
    assert outcome.missing == ("the quoted post is shown only after its author agrees",)
    assert newest(server).quote_state == "pending"


def test_akkoma_has_no_quote_policies(server: MastodonBox, client: Client) -> None:
    server.software = "akkoma"
    assert changes(client, with_options(HELLO, quote_policy="nobody")) == [
        ("options.quote_policy", "not_carried")
    ]
    toot = by_reader(server)
    publish(client, Post("So true", quote=toot.id))
    assert newest(server).quote == toot.id


# --- what it refers to ------------------------------------------------------------------------------------
@pytest.mark.parametrize("field", ["reply_to", "quote"])
def test_a_scheduled_post_is_nothing_to_answer(box: Sandbox, client: Client, field: str) -> None:
    """Its id is that of the schedule, and may be another post's."""
    due = box.clock.now() + timedelta(hours=1)
    receipt = publish(client, with_options(HELLO, scheduled_at=due))
    found = problems(client, Post("Indeed", **{field: receipt}))  # type: ignore[arg-type]
    assert (field, "scheduled") in found


@pytest.mark.parametrize(
    ("shown", "audience"),
    [("private", "followers"), ("direct", "direct"), ("unlisted", None), ("public", None)],
)
def test_an_answer_to_a_few_is_not_for_everybody_unasked(
    server: MastodonBox, client: Client, shown: str, audience: Any
) -> None:
    server.people["brand"].following.add("reader")
    toot = by_reader(server, visibility=shown, mentions=["brand"])
    found = problems(client, Post("@reader indeed", reply_to=toot.id))
    assert found == ([("visibility", "audience")] if audience else [])
    publish(client, Post("@reader indeed", reply_to=toot.id, visibility=audience or "public"))
    publish(client, Post("@reader said aloud", reply_to=toot.id, visibility="public"))


def test_an_answer_to_what_is_gone_is_a_problem(server: MastodonBox, client: Client) -> None:
    receipt = publish(client, HELLO)
    client.delete(receipt)
    assert problems(client, Post("Indeed", reply_to=receipt)) == [("reply_to", "not_found")]


@pytest.mark.parametrize("known", [True, False], ids=["its address is known", "nothing is"])
def test_a_receipt_without_an_id_is_looked_up(server: MastodonBox, client: Client, known: bool) -> None:
    """It is no reason to publish the answer as a post of its own."""
    toot = by_reader(server)
    place = f"https://mastodon.social/@reader/{toot.id}" if known else None
    post = Post("Indeed", reply_to=Receipt(Identity("mastodon", "https://mastodon.social", "2"), None, place))
    assert problems(client, post) == ([] if known else [("reply_to", "not_found")])
    if known:
        publish(client, post)
        assert newest(server).reply_to == toot.id


def test_a_post_that_only_mentions_an_address_is_not_the_one_there(
    server: MastodonBox, client: Client
) -> None:
    """Pleroma's search looks into texts: an answer to what it finds would stand under somebody else's post."""
    server.software = "pleroma"
    address = "https://elsewhere.example/notice/7"
    by_reader(server, f"Have you seen {address} ?")
    assert problems(client, Post("Indeed", reply_to=address)) == [("reply_to", "not_found")]
    there = by_reader(server, "Ahoy", uri=address)
    publish(client, Post("Indeed", reply_to=address))
    assert newest(server).reply_to == there.id


# --- this server only -------------------------------------------------------------------------------------
def test_pleroma_keeps_public_posts_on_its_own_server(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    server.software = "pleroma"
    publish(client, with_options(HELLO, local_only=True))
    assert sent(wire)["visibility"] == "local"
    assert "local_only" not in sent(wire)
    private = with_options(attrs.evolve(HELLO, visibility="followers"), local_only=True)
    assert problems(client, private) == [("options.local_only", "unsupported")]


# --- scheduled --------------------------------------------------------------------------------------------
@pytest.fixture
def due(box: Sandbox) -> datetime:
    return (box.clock.now() + timedelta(days=2)).replace(hour=1, minute=0, second=0, microsecond=0)


def waiting(server: MastodonBox, due: datetime, count: int, step: timedelta) -> None:
    """That many posts of the account that wait."""
    brand = server.people["brand"]
    for number in range(count):
        server._schedule(brand, {"status": f"number {number}"}, due + number * step)


def test_a_day_has_room_for_25_scheduled_posts(server: MastodonBox, client: Client, due: datetime) -> None:
    waiting(server, due, 24, timedelta(minutes=10))
    post = with_options(HELLO, scheduled_at=due + timedelta(hours=20))
    publish(client, post)
    assert problems(client, with_options(Post("One more"), scheduled_at=due)) == [
        ("options.scheduled_at", "limit")
    ]
    assert problems(client, post) == [], "it is among them already"
    for free in (due + timedelta(days=1), due.replace(year=due.year + 1)):
        assert problems(client, with_options(Post("One more"), scheduled_at=free)) == []


def test_an_account_has_room_for_300_scheduled_posts(
    server: MastodonBox, client: Client, due: datetime
) -> None:
    waiting(server, due, 299, timedelta(hours=1))
    post = with_options(HELLO, scheduled_at=due + timedelta(days=40))
    assert problems(client, post) == []
    publish(client, post)
    assert problems(client, with_options(Post("x"), scheduled_at=due + timedelta(days=41))) == [
        ("options.scheduled_at", "limit")
    ]


@pytest.mark.parametrize("software", ["pleroma", "mastodon"])
def test_who_cannot_see_what_is_scheduled_plans_all_the_same(
    box: Sandbox, server: MastodonBox, due: datetime, software: str
) -> None:
    server.software = software
    account = Mastodon("https://mastodon.social", token=server.token("brand", "profile write:statuses"))
    with Client({"mastodon": account}, transport=box.transport, clock=box.clock) as client:
        publish(client, with_options(HELLO, scheduled_at=due))
    assert len(server.scheduled) == 1


def test_a_post_that_is_not_scheduled_asks_for_no_schedule(client: Client, wire: Recorder) -> None:
    client.plan(HELLO, to="mastodon")
    assert wire.requests("GET", "/api/v1/scheduled_statuses") == []
    assert STATUSES not in {request.url.path for request in wire.requests()}


# --- numbers ----------------------------------------------------------------------------------------------
def test_what_a_server_hides_is_unknown_and_says_why(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    receipt = publish(client, HELLO)
    told = {"id": receipt.id, "favourites_count": -1, "replies_count": 0, "quotes_count": None}
    wire.say("GET", f"{STATUSES}/{receipt.id}", 200, told)
    row = client.fetch_metrics(receipt)[0]
    assert (row.likes, row.comments, row.shares, row.quotes) == (None, 0, None, None)
    assert {"likes", "shares", "quotes"} <= row.missing.keys()
    assert "comments" not in row.missing


@pytest.mark.parametrize(
    ("software", "told", "followers", "words"),
    [
        ("mastodon", 7, 7, None),
        ("mastodon", 0, 0, None),
        ("mastodon", -1, None, "does not tell"),
        ("snac", 0, None, "unless it is set up"),
        ("snac", 7, 7, None),
    ],
)
def test_followers_that_are_not_told_are_unknown(
    server: MastodonBox,
    client: Client,
    wire: Recorder,
    software: str,
    told: int,
    followers: int | None,
    words: str | None,
) -> None:
    server.software = software
    client.plan(HELLO, to="mastodon")
    wire.say("GET", "/api/v1/accounts/verify_credentials", 200, {"id": "1", "followers_count": told})
    row = client.fetch_account_metrics("mastodon")[0]
    assert row.followers == followers
    assert (words or "") in row.missing.get("followers", "")
    assert ("followers" in row.missing) == (words is not None)


# --- who it is --------------------------------------------------------------------------------------------
def test_who_looks_like_mastodon_and_does_not_say_so_is_not_trusted(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder
) -> None:
    """Others tell a number of Mastodon's API, too, and ignore its keys."""
    wire.say("GET", "/.well-known/nodeinfo", 404, "<h1>Not found</h1>")
    box.fault("stored-then-hang", platform="mastodon")
    server.kind = attrs.evolve(server.kind, keys="ignored")
    box.fault("listed-late", platform="mastodon", seconds=60)
    client.publish(HELLO, to="mastodon", wait=600)
    assert len(server.timeline()) == 1
    facts = client._async._accounts.named("mastodon").facts
    assert facts is not None
    assert (facts.software, facts.fences[0].honoured, facts.facts["schedules"]) == (
        "unknown",
        "unknown",
        False,
    )


@pytest.mark.parametrize(
    "info", [{"software": {"name": "Mastodon"}}, {"software": {}}, {"software": None}, []], ids=repr
)
def test_a_nodeinfo_that_says_little_breaks_nothing(client: Client, wire: Recorder, info: Any) -> None:
    wire.say("GET", "/nodeinfo/2.0", 200, info)
    client.plan(HELLO, to="mastodon")
    facts = client._async._accounts.named("mastodon").facts
    assert facts is not None
    assert facts.software == ("mastodon" if info and info["software"] else "unknown")
    assert facts.version in ("", "4.7.2")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"message": "The given data was invalid.", "errors": {"status": ["too long"]}},
            "invalid.; too long",
        ),
        ({"errors": ["no room"]}, "no room"),
        ({"error": {"base": ["gone"]}}, "gone"),
        ({"error": "x", "error_description": "y"}, "y"),
    ],
)
def test_other_softwares_words_are_repeated(
    client: Client, wire: Recorder, body: dict[str, Any], words: str
) -> None:
    wire.say("POST", STATUSES, 422, body)
    with pytest.raises(errors.Declined, match=words):
        client.publish(HELLO, to="mastodon")


# --- limits -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("software", "posts", "seconds"), [("gotosocial", 35, 0.0), ("hollo", 35, 0.0), ("pleroma", 16, 10.0)]
)
def test_each_server_has_its_own_limits(
    box: Sandbox,
    server: MastodonBox,
    client: Client,
    wire: Recorder,
    software: str,
    posts: int,
    seconds: float,
) -> None:
    """What is too much for Mastodon goes to others at once; Pleroma wants pauses, and is given them."""
    server.software = software
    began = box.clock.now()
    for number in range(posts):
        publish(client, Post(f"number {number}", media=[BOAT]))
    assert (box.clock.now() - began).total_seconds() == pytest.approx(seconds, abs=1.0)
    assert 429 not in {one.status_code for one in wire.kept}


def test_mastodons_own_limits_hold(client: Client) -> None:
    for number in range(30):
        publish(client, Post(f"number {number}", media=[BOAT]))
    with pytest.raises(errors.RateLimited, match="'media' "):
        client.publish(Post("one more", media=[BOAT]), to="mastodon")
