"""Mastodon: the servers an account may be on, what each can be trusted with, and what every error becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from recording import Recorder
from socialkit import Client, Mastodon, Poll, Post, Status, errors
from socialkit.adapters._mastodon_rules import (
    BUDGETS,
    RULES,
    abilities,
    fence,
    limits,
    narrowed,
    software_by_version,
)
from socialkit.adapters.base import AccountFacts, Response
from socialkit.model import Identity
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.sandbox.mastodon_servers import SOFTWARE

from .mastodon_samples import BOAT, HELLO, MEDIA, STATUSES, by_reader, newest, problems, publish, sent


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["mastodon"]) as box:
        yield box


@pytest.fixture
def server(box: Sandbox) -> MastodonBox:
    found = box["mastodon"]
    assert isinstance(found, MastodonBox)
    return found


# --- who is it --------------------------------------------------------------------------------------------
LIMITS = {  # characters, media, alt text, unit, polls, scheduling
    "mastodon": (500, 4, 10_000, "mastodon", True, True),
    "mastodon-4.6.0": (500, 4, 10_000, "mastodon", True, True),
    "mastodon-4.5.0": (500, 4, 1500, "mastodon", True, True),
    "mastodon-4.2.0": (500, 4, 1500, "mastodon", True, True),
    "gotosocial": (5000, 6, 5000, "codepoints", True, True),
    "takahe": (500, 4, 1500, "codepoints", True, False),
    "hollo": (10_000, 8, 10_000, "mastodon", True, False),
    "pleroma": (5000, 1000, 5000, "codepoints", True, True),
    "akkoma": (5000, 1000, 5000, "codepoints", True, True),
    "pixelfed": (500, 4, 1000, "mastodon", False, False),
    "snac": (100_000, 4, 1500, "mastodon", True, False),
}


@pytest.mark.parametrize("software", sorted(SOFTWARE))
def test_each_software_is_known_with_itslimits(
    box: Sandbox, server: MastodonBox, client: Client, software: str
) -> None:
    server.software = software
    facts = facts_of(box, client)
    rules = Mastodon("https://mastodon.social").rules_for(facts)
    assert facts.software == software.partition("-")[0]
    assert rules.images is not None
    found = (rules.text.limit, rules.images.count, rules.images.alt_limit, rules.text.unit)
    assert (*found, rules.poll is not None, rules.schedule) == LIMITS[software]


def facts_of(box: Sandbox, client: Client) -> AccountFacts:
    client.plan(Post("Ahoy"), to="mastodon")
    account = client._async._accounts.named("mastodon")
    assert account.facts is not None
    return account.facts


FENCES = {
    "mastodon": "proved",
    "mastodon-4.6.0": "refuted",
    "mastodon-4.5.0": "proved",
    "mastodon-4.2.0": "proved",
    "gotosocial": "refuted",
    "takahe": "refuted",
    "hollo": "proved",
    "pleroma": "proved",
    "akkoma": "proved",
    "pixelfed": "refuted",
    "snac": "refuted",
}


@pytest.mark.parametrize("software", sorted(SOFTWARE))
def test_a_repeated_key_is_trusted_only_where_it_holds(
    box: Sandbox, server: MastodonBox, client: Client, wire: Recorder, software: str
) -> None:
    """The answer is lost and the list does not show the post yet: only a key can make sure at once."""
    server.software = software
    post = Post("Once", media=[BOAT])
    box.fault("listed-late", platform="mastodon", seconds=60)
    box.fault("dropped-after", platform="mastodon")
    outcome = client.publish(post, to="mastodon", wait=600)["mastodon"]
    fence = facts_of(box, client).fence("key")
    assert fence is not None
    assert fence.honoured == FENCES[software]
    keys = [request.headers["idempotency-key"] for request in wire.requests("POST", STATUSES)]
    assert len(keys) == (2 if fence.honoured == "proved" else 1)
    assert len(set(keys)) == 1
    assert [toot.id for toot in server.timeline()] == [outcome.receipt.id]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("version", "software"),
    [
        ("2.7.2 (compatible; Pleroma 2.9.1)", ("pleroma", "2.9.1")),
        ("3.5.3 (compatible; Pixelfed 0.12.5)", ("pixelfed", "0.12.5")),
        ("4.0.0 (not true; really snac/2.94)", ("snac", "2.94")),
        ("takahe/0.11", ("takahe", "0.11")),
        ("4.7.2", (None, "4.7.2")),
    ],
)
def test_software_without_nodeinfo_is_known_by_its_version(
    version: str, software: tuple[str | None, str]
) -> None:
    assert software_by_version(version) == software


def test_a_server_that_tells_nothing_gets_stock_limits_and_no_trust(
    box: Sandbox, client: Client, wire: Recorder
) -> None:
    for path in ("/api/v2/instance", "/api/v1/instance", "/.well-known/nodeinfo"):
        wire.say("GET", path, 404, "<h1>Not found</h1>")
    facts = facts_of(box, client)
    assert (facts.software, facts.facts["characters"], facts.facts["quotes"]) == ("unknown", 500, False)
    assert facts.fences[0].honoured == "unknown"


def test_a_moments_weakness_is_not_taken_for_an_old_server(
    box: Sandbox, client: Client, wire: Recorder
) -> None:
    for path in ("/api/v2/instance", "/.well-known/nodeinfo"):
        wire.say("GET", path, 503, "<h1>Try again</h1>")
    facts = facts_of(box, client)
    assert (facts.software, facts.facts["quotes"]) == ("mastodon", True)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_newer_upload_gets_the_older_one(
    server: MastodonBox, client: Client, wire: Recorder, status: int
) -> None:
    wire.say("POST", MEDIA, status, "<h1>No such page</h1>")
    publish(client, Post("Look", media=[BOAT]))
    assert len(wire.requests("POST", "/api/v1/media")) == 1
    assert len(newest(server).media) == 1


def test_a_server_that_tells_no_limits_has_the_stock_ones() -> None:
    known = limits({}, "mastodon") | abilities("mastodon", "4.2.0", 0, {})
    rules = narrowed(AccountFacts(Identity("mastodon", "https://example.social", "1"), facts=known))
    pictures, film, sound, poll = rules.images, rules.video, rules.files, rules.poll
    assert None not in (pictures, film, sound, poll)
    assert (rules.text.limit, rules.text.unit, rules.text.url_length) == (500, "mastodon", 23)
    assert (pictures.count, pictures.max_bytes, pictures.max_pixels) == (4, 16_777_216, 33_177_600)
    assert pictures.types == {f"image/{kind}" for kind in ("jpeg", "png", "gif", "webp", "avif")}
    assert (pictures.alt_limit, pictures.animated_max_pixels, pictures.animated_count) == (1500, 921_600, 4)
    assert (film.count, film.max_bytes, film.max_pixels, film.max_fps) == (1, 103_809_024, 8_294_400, 120)
    assert film.types == {f"video/{kind}" for kind in ("mp4", "webm", "quicktime", "ogg")}
    assert sound.types == {f"audio/{kind}" for kind in ("mpeg", "ogg", "wav", "flac", "aac", "mp4")}
    assert (sound.count, sound.max_bytes, sound.alone) == (1, 103_809_024, True)
    assert (poll.max_options, poll.option_limit, poll.min_seconds, poll.max_seconds) == (
        4,
        50,
        300,
        2_629_746,
    )


def test_the_budgets_are_those_of_the_documentation() -> None:
    told = {one.name: (one.limit, one.window, one.match) for one in RULES.budgets}
    assert told == {
        "api": (300, 300.0, "* .*"),
        "media": (30, 1800.0, "POST /api/v[12]/media$"),
        "statuses": (300, 10_800.0, "POST /api/v1/statuses$"),
        "deletes": (30, 1800.0, "DELETE /api/v1/statuses/.*"),
    }


def test_other_software_has_the_limits_of_its_own_documentation() -> None:
    told = {
        software: {one.name: (one.limit, one.window) for one in budgets}
        for software, budgets in BUDGETS.items()
    }
    pleroma = {"statuses": (15, 10.0), "search": (10, 1.0)}
    assert told == {
        "gotosocial": {"api": (300, 300.0)},
        **dict.fromkeys(("pleroma", "akkoma", "rebased"), pleroma),
        "pixelfed": {"statuses": (1000, 86_400.0), "media": (1250, 86_400.0)},
        **{software: {} for software in ("hollo", "snac", "takahe")},
    }


@pytest.mark.parametrize(
    ("software", "version", "honoured", "hours"),
    [
        ("mastodon", "3.5.3", "proved", 1),
        ("mastodon", "4.5.9", "proved", 1),
        ("mastodon", "4.6.0", "refuted", 1),
        ("mastodon", "4.6.9+glitch", "refuted", 1),
        ("mastodon", "4.7.0-alpha.1", "refuted", 1),
        ("mastodon", "4.7.1", "refuted", 1),
        ("mastodon", "4.7.2", "proved", 1),
        ("mastodon", "5.0.0", "proved", 1),
        ("hollo", "0.10.1", "proved", 1),
        ("rebased", "2.6.0", "proved", 6),
        ("gotosocial", "0.21.0", "refuted", None),
        ("friendica", "2026.1", "refuted", None),
        ("unknown", "", "unknown", None),
    ],
)
def test_a_key_is_trusted_by_release_and_not_to_its_last_minute(
    software: str, version: str, honoured: str, hours: int | None
) -> None:
    made = fence(software, version)
    assert made.honoured == honoured
    assert (made.valid_for is None) == (hours is None)
    if made.valid_for is not None and hours is not None:
        assert 0.9 * hours * 3600 <= made.valid_for < hours * 3600
        assert made.repeat_after >= 10, "two that come at once may both be made"


@pytest.mark.parametrize(
    ("software", "version", "api", "batch"),
    [
        ("mastodon", "4.2.9", 0, None),
        ("mastodon", "4.3.0-beta.1", 1, None),
        ("mastodon", "4.3.0", 2, "id[]"),
        ("hollo", "0.10.1", 7, None),
        ("rebased", "2.6.0", 0, "ids[]"),
    ],
)
def test_many_at_once_are_asked_for_where_that_is_known(
    software: str, version: str, api: int, batch: str | None
) -> None:
    assert abilities(software, version, api, {})["batch"] == batch


def test_snac_takes_uploads_at_the_older_address(server: MastodonBox, client: Client, wire: Recorder) -> None:
    server.software = "snac"
    publish(client, Post("Look", media=[BOAT]))
    assert [request.url.path for request in wire.requests("POST", "/api/v[12]/media")] == ["/api/v1/media"]


def test_older_pleroma_tells_its_poll_limits_by_other_names() -> None:
    told = {"max_options": 20, "max_option_chars": 200, "min_expiration": 0, "max_expiration": 31_536_000}
    known = limits({"max_toot_chars": 5000, "upload_limit": 16_000_000, "poll_limits": told}, "pleroma")
    names = ("poll_options", "poll_characters", "poll_min", "poll_max", "image_bytes", "video_bytes", "alt")
    assert [known[name] for name in names] == [20, 200, 0, 31_536_000, 16_000_000, 16_000_000, 1500]
    assert known["characters"] == 5000
    assert limits({"pleroma": {"max_toot_chars": 7000}}, "rebased")["characters"] == 7000
    assert limits({}, "pixelfed")["alt"] == 1000


@pytest.mark.parametrize(
    "path",
    [
        "@reader/7",
        "@reader/7/?utm=x#top",
        "users/reader/statuses/7",
        "ap/users/1/statuses/7",
        "@reader/statuses/7",
        "@reader/posts/7",
        "notice/7",
        "p/reader/7",
    ],
)
def test_a_permalink_of_each_software_names_its_id(path: str) -> None:
    adapter = Mastodon("https://mastodon.social")
    assert adapter._local_id(f"https://mastodon.social/{path}") == "7"
    assert adapter._local_id(f"https://elsewhere.example/{path}") is None


def test_one_row_that_fails_leaves_the_others(server: MastodonBox, client: Client, wire: Recorder) -> None:
    server.software = "gotosocial"
    receipts = [publish(client, Post(f"number {number}")) for number in range(2)]
    wire.say("GET", f"{STATUSES}/{receipts[1].id}", 403, {"error": "Forbidden"})
    first, second = client.fetch_metrics(receipts)
    assert first.error is None
    assert isinstance(second.error, errors.Declined)


def test_pixelfed_needs_a_picture_and_keeps_short_warnings(server: MastodonBox, client: Client) -> None:
    server.software = "pixelfed"
    toot = by_reader(server)
    assert problems(client, HELLO) == [("media", "required")]
    assert problems(client, Post("A reply", reply_to=toot.id)) == []
    assert problems(client, Post("x", media=[BOAT], visibility="direct")) == [("visibility", "unsupported")]
    assert problems(client, Post("x", media=[BOAT], content_warning="y" * 141)) == [
        ("content_warning", "too_long")
    ]
    publish(client, Post("A picture", media=[BOAT]))
    assert newest(server).text == "A picture"


def test_akkoma_quotes_by_its_own_field(client: Client, server: MastodonBox, wire: Recorder) -> None:
    toot = by_reader(server)
    instance = {
        "version": "2.7.2 (compatible; Akkoma 3.15.0)",
        "pleroma": {"metadata": {"features": ["quote_posting"]}},
        "max_toot_chars": 5000,
    }
    wire.say("GET", "/api/v2/instance", 404, {"error": "Not implemented"})
    wire.say("GET", "/api/v1/instance", 200, instance)
    wire.say("GET", "/.well-known/nodeinfo", 404, {"error": "Not found"})
    publish(client, Post("So true", quote=toot.id))
    assert sent(wire)["quote_id"] == toot.id
    assert "quoted_status_id" not in sent(wire)


def test_gotosocial_counts_every_character_of_a_link(server: MastodonBox, client: Client) -> None:
    server.software = "gotosocial"
    assert problems(client, Post("y" * 4953 + " https://example.com/abcdefghijklmnopqrstuvwxyz")) == []
    assert problems(client, Post("y" * 4970 + " https://example.com/abcdefghijklmnopqrstuvwxyz")) == [
        ("text", "too_long")
    ]


# --- errors -----------------------------------------------------------------------------------------------
ERRORS: list[tuple[int, object, type[errors.SocialKitError], str]] = [
    (400, {"error": "Missing parameter: status"}, errors.Declined, "Missing parameter"),
    (400, {"error": "invalid_grant", "error_description": "invalid_grant: expired"}, errors.ReauthNeeded, ""),
    (400, "Invalid Bearer token", errors.ReauthNeeded, "sign in again"),
    (400, {"error": "Duplicate idempotency key."}, errors.Duplicate, "Duplicate"),
    (401, {"error": "The access token is invalid"}, errors.ReauthNeeded, "sign in again"),
    (403, {"error": "This action is outside the authorized scopes"}, errors.MissingScope, "write access"),
    (403, {"error": "Your login is currently disabled"}, errors.Declined, "disabled, suspended or blocked"),
    (404, {"error": "Record not found"}, errors.Declined, "missing or not visible"),
    (410, {"error": "Gone"}, errors.Declined, "gone"),
    (413, "<html><h1>413 Request Entity Too Large</h1></html>", errors.Declined, "proxy"),
    (422, {"error": "Validation failed: Text character limit of 500 exceeded"}, errors.Declined, "limit"),
    (422, {"error": "検証に失敗しました"}, errors.Declined, "検証に失敗しました"),
    (422, {"error": "This method requires an authenticated user"}, errors.ReauthNeeded, "sign in as"),
    (429, {"error": "Too many requests"}, errors.RateLimited, "Too many requests"),
    (500, "<!DOCTYPE html><title>500</title>", errors.Unavailable, "500"),
    (500, None, errors.Unavailable, "no explanation"),
    (502, "<h1>Bad Gateway</h1>", errors.Unavailable, "Bad Gateway"),
    (503, {"error": "Remote data could not be fetched"}, errors.Unavailable, "Remote data"),
    (
        503,
        {"error": "There was a temporary problem serving your request, please try again"},
        errors.Unavailable,
        "try again in a while",
    ),
    (504, "", errors.Unavailable, "no explanation"),
]
NOT_SAID = (errors.Unavailable, errors.Duplicate)
IDS = [f"{number}-{status}" for number, (status, *_) in enumerate(ERRORS)]


@pytest.mark.parametrize(("status", "body", "kind", "words"), ERRORS, ids=IDS)
def test_each_answer_becomes_its_error(
    status: int, body: object, kind: type[errors.SocialKitError], words: str
) -> None:
    content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    error = Mastodon("https://mastodon.social").parse_error(Response(status, {}, content))
    assert type(error) is kind
    assert words in str(error)
    assert f"HTTP {status}" in str(error)
    assert error.__dict__["definite"] == (not isinstance(error, NOT_SAID)), "an outage proves nothing"


@pytest.mark.parametrize(("status", "body", "kind", "words"), ERRORS, ids=IDS)
def test_each_refusal_of_a_post_ends_in_a_known_state(
    server: MastodonBox,
    client: Client,
    wire: Recorder,
    status: int,
    body: object,
    kind: type[errors.SocialKitError],
    words: str,
) -> None:
    """A no is final and sent once; what proves nothing is repeated under its key, or looked into."""
    wire.say("POST", STATUSES, status, body)
    outcome = client.publish(HELLO, to="mastodon", errors="return", wait=600)["mastodon"]
    posts = len(wire.requests("POST", STATUSES))
    if issubclass(kind, NOT_SAID):
        assert (outcome.status, posts) == (Status.PUBLISHED, 2)
    else:
        assert (outcome.status, posts) == (Status.FAILED, 1)
        assert type(outcome.error) is kind
        assert server.timeline() == []


@pytest.mark.parametrize(
    ("status", "body", "uploads"),
    [
        (422, {"error": "Validation failed: File content type is invalid"}, 1),
        (413, "<h1>413</h1>", 1),
        (500, {"error": "Error processing thumbnail for uploaded media"}, 2),
        (503, "", 2),
    ],
)
def test_an_upload_is_repeated_only_after_an_outage(
    server: MastodonBox, client: Client, wire: Recorder, status: int, body: object, uploads: int
) -> None:
    wire.say("POST", MEDIA, status, body)
    client.publish(Post("Look", media=[BOAT]), to="mastodon", errors="return")
    assert len(wire.requests("POST", MEDIA)) == uploads
    assert len(server.timeline()) == uploads - 1


def test_a_limit_says_when_it_ends(box: Sandbox, client: Client, wire: Recorder) -> None:
    """The header names the reset as a date; there is no Retry-After."""
    reset = box.clock.now() + timedelta(seconds=1000)
    headers = {
        "x-ratelimit-limit": "300",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": f"{reset:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    wire.say("POST", STATUSES, 429, {"error": "Too many requests"}, headers=headers)
    with pytest.raises(errors.RateLimited) as caught:
        client.publish(HELLO, to="mastodon")
    assert caught.value.retry_at == reset + timedelta(seconds=1)


def test_a_token_that_may_only_read_is_missing_a_scope(box: Sandbox, server: MastodonBox) -> None:
    reading = Mastodon("https://mastodon.social", token=server.token("brand", "read profile"))
    with (
        Client({"reading": reading}, transport=box.transport, clock=box.clock) as client,
        pytest.raises(errors.MissingScope, match="sign in again with write access"),
    ):
        client.publish(HELLO, to="reading")


def test_a_revoked_token_says_sign_in_again(server: MastodonBox, client: Client) -> None:
    server.revoke(server.token("brand"))
    with pytest.raises(errors.ReauthNeeded, match="sign in again"):
        client.publish(HELLO, to="mastodon")


def test_an_answer_that_cannot_be_read_is_looked_into(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    """200 with a page of somebody's proxy: the post may be live."""
    server.software = "gotosocial"
    wire.say("POST", STATUSES, 200, "<h1>Please log in to the network</h1>")
    outcome = client.publish(HELLO, to="mastodon", errors="return", wait=0)["mastodon"]
    assert outcome.status is Status.UNKNOWN
    assert server.timeline() == []


def test_a_page_in_place_of_an_answer_confirms_nothing(
    server: MastodonBox, client: Client, wire: Recorder
) -> None:
    page = "<h1>Please log in to the network</h1>"
    receipt = publish(client, HELLO)
    wire.say("GET", "/api/v1/accounts/verify_credentials", 200, page)
    assert isinstance(client.fetch_account_metrics("mastodon")[0].error, errors.Unavailable)
    wire.say("GET", f"{STATUSES}/{receipt.id}", 200, page)
    assert isinstance(client.fetch_metrics(receipt)[0].error, errors.Unavailable)
    for method, path in (("GET", "/api/v1/accounts/[0-9]+/statuses"), ("DELETE", f"{STATUSES}/{receipt.id}")):
        wire.say(method, path, 200, page)
    with pytest.raises(errors.Unavailable, match="no JSON"):
        client.fetch_posts("mastodon")
    with pytest.raises(errors.Unavailable, match="no JSON"):
        client.delete(receipt)
    assert len(server.timeline()) == 1


def test_a_page_in_place_of_the_account_fails_that_account_alone(box: Sandbox, wire: Recorder) -> None:
    wire.say("GET", "/api/v1/accounts/verify_credentials", 200, "<h1>Please log in to the network</h1>")
    accounts = {"first": box.accounts()["mastodon"], "second": box.accounts()["mastodon"]}
    with Client(accounts, transport=wire, clock=box.clock) as client:
        report = client.publish(HELLO, to=accounts, errors="return")
    assert sorted(outcome.status for outcome in report.outcomes) == [Status.FAILED, Status.PUBLISHED]


def test_a_twin_is_told_apart_by_its_media(box: Sandbox, server: MastodonBox, client: Client) -> None:
    server.software = "gotosocial"
    box.fault("twin", platform="mastodon")
    box.fault("stored-then-hang", platform="mastodon")
    receipt = publish(client, Post("Look", media=[BOAT]), wait=0)
    mine = [toot for toot in server.timeline() if "1" in {medium["id"] for medium in toot.media}]
    assert [toot.id for toot in mine] == [receipt.id]


def test_a_warning_without_text_is_found_again(box: Sandbox, server: MastodonBox, client: Client) -> None:
    """Servers write a dot where there is a warning and no text."""
    server.software = "gotosocial"
    box.fault("stored-then-hang", platform="mastodon")
    post = Post("", poll=Poll(["Aye", "Nay"]), content_warning="boats")
    assert publish(client, post, wait=0).id == newest(server).id


def test_a_poll_is_not_taken_for_a_post_of_the_same_text(
    box: Sandbox, server: MastodonBox, client: Client
) -> None:
    server.software = "gotosocial"
    publish(client, Post("Sail?"))
    box.clock.advance(10)
    box.fault("dropped-before", platform="mastodon")
    publish(client, Post("Sail?", poll=Poll(["Aye", "Nay"])), wait=600)
    assert [toot.poll is not None for toot in server.timeline()] == [False, True]


def test_requests_name_nobody_else(wire: Recorder, client: Client) -> None:
    publish(client, HELLO)
    tokens = {
        request.headers.get("authorization") for request in wire.requests("GET", "/(nodeinfo|.well-known).*")
    }
    assert tokens == {None}
