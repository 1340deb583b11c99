"""Bluesky: posts end to end on the sandbox, and what every error of the platform becomes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import httpx
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from media_files import SRT, VTT, gif, mp4, png, png_chunk
from socialkit import Bluesky, Captions, Client, Image, Link, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._bluesky_plan import check_media
from socialkit.adapters._bluesky_records import pds_of, tid_micros
from socialkit.adapters._bluesky_video import VideoService
from socialkit.adapters._errors import from_table
from socialkit.adapters.bluesky import RULES, BlueskyOptions, _row, tid
from socialkit.model import Identity, Receipt
from socialkit.sandbox import PlatformBox, Sandbox
from socialkit.sandbox.bluesky import BlueskyBox
from socialkit.sandbox.bluesky_records import record_cid
from socialkit.sandbox.bluesky_repo import FeedPost, Stored

from .fakes import NOW, FakeCall, answer

LOST = ["stored-then-500", "stored-then-hang", "stored-later", "dropped-before", "dropped-after"]
HELLO = Post("We ship today")
OWN = Identity("bluesky", "https://bsky.social", "did:plc:brand")
PAGE = b"""<html><head><title>Our boat</title><meta property="og:description" content="It floats">
<meta property="og:image" content="https://pages.example.com/hero.png"></head></html>"""


def facts_of() -> base.AccountFacts:
    return base.AccountFacts(OWN, facts={"pds": "https://bsky.social"})


class FakeDraft:
    """As much of a draft as checks of media ask for."""

    def __init__(self, media: tuple[base.PartMedia, ...]) -> None:
        self.media, self.total, self.options = media, 1, BlueskyOptions()
        self.told: list[tuple[str, str]] = []

    def problem(self, field: str, code: str, message: str, **more: Any) -> None:
        self.told.append((field, code))


class PagesBox(PlatformBox):
    """A website with one page and its picture."""

    platform = "pages"
    hosts = ("pages.example.com",)

    def routes(self) -> list[Any]:
        return [self.route("GET", "/boat", self.boat), self.route("GET", "/hero.png", self.hero)]

    def boat(self, request: Any) -> Response:
        return HTMLResponse(PAGE)

    def hero(self, request: Any) -> Response:
        return Response(png(60, 40), media_type="image/png")

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        return HTMLResponse(message, status)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["bluesky", PagesBox]) as box:
        yield box


@pytest.fixture
def sky(box: Sandbox) -> BlueskyBox:
    made = box["bluesky"]
    assert isinstance(made, BlueskyBox)
    return made


@pytest.fixture
def client(box: Sandbox) -> Iterator[Client]:
    with open_client(box) as client:
        yield client


def open_client(box: Sandbox, handle: str = "brand.example", **more: Any) -> Client:
    sky: Any = box["bluesky"]
    given = {**sky.credentials(), "handle": handle, "app_password": sky.app_password(handle)}
    options = {"store": ":memory:", "transport": box.transport, "clock": box.clock, **more}
    return Client({"sky": Bluesky(**given)}, **options)


class Recording(httpx.AsyncBaseTransport):
    """Remembers where requests went."""

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.urls: list[httpx.URL] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(request.url)
        return await self.inner.handle_async_request(request)


def live(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("bluesky")]


def last(box: Sandbox) -> FeedPost:
    entry = box.timeline("bluesky")[-1]
    assert isinstance(entry, FeedPost)
    return entry


def sent(client: Client, post: Post) -> Receipt:
    receipt = client.publish(post, to="sky")["sky"].receipt
    assert receipt is not None
    return receipt


def asked(box: Sandbox, name: str) -> list[Any]:
    return [line for line in box.requests if line.path.endswith(f".{name}")]


def changes(client: Client, post: Post) -> list[tuple[str, str]]:
    return [(change.field, change.code) for change in client.plan(post, to="sky")["sky"].changes]


def problems(client: Client, post: Post) -> list[tuple[str, str]]:
    made = client.plan(post, to="sky")["sky"].problems
    return [(problem.field, problem.code) for problem in made if problem.severity == "error"]


class TestSignIn:
    def test_one_sign_in_for_many_posts(self, box: Sandbox, client: Client) -> None:
        for number in range(3):
            client.publish(Post(f"number {number}"), to="sky")
        assert len(asked(box, "createSession")) == 1
        assert len(asked(box, "getSession")) == 1

    def test_calls_go_to_the_server_the_account_lives_on(self, box: Sandbox) -> None:
        seen = Recording(box.transport)
        with open_client(box, transport=seen) as client:
            client.publish(HELLO, to="sky")
        hosts = {url.path.rpartition(".")[2]: url.host for url in seen.urls}
        assert (hosts["createSession"], hosts["putRecord"]) == ("bsky.social", BlueskyBox.pds_host)

    def test_a_token_that_ended_is_renewed_without_the_password(self, box: Sandbox, client: Client) -> None:
        client.publish(HELLO, to="sky")
        box.clock.advance(7200)
        client.publish(Post("later"), to="sky")
        assert (len(asked(box, "createSession")), len(asked(box, "refreshSession"))) == (1, 1)

    def test_a_token_refused_during_the_commit_is_renewed_and_the_post_sent_once(
        self, box: Sandbox, client: Client
    ) -> None:
        box.fault("expired-token")
        assert client.publish(HELLO, to="sky").ok
        assert live(box) == ["We ship today"]

    def test_a_dead_session_signs_in_again(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        client.publish(HELLO, to="sky")
        sky.sessions.clear()
        box.clock.advance(7200)
        assert client.publish(Post("later"), to="sky").ok
        assert len(asked(box, "createSession")) == 2

    def test_a_lost_answer_to_a_refresh_gives_the_same_successor(self, box: Sandbox, client: Client) -> None:
        client.publish(HELLO, to="sky")
        box.clock.advance(7200)
        box.fault("dropped-after", match="POST .*refreshSession")
        assert client.publish(Post("later"), to="sky").ok
        assert len(asked(box, "createSession")) == 1

    @pytest.mark.parametrize(
        "told",
        [
            [],
            {"accessJwt": "a.b.c"},
            {"accessJwt": ["a"], "refreshJwt": "r"},
            {"accessJwt": "a", "refreshJwt": "ö"},
        ],
    )
    async def test_an_answer_without_a_session_is_no_session(self, told: Any) -> None:
        adapter = Bluesky("brand.example", app_password="word")
        with pytest.raises(errors.Unavailable, match="without a session"):
            await adapter.refresh(adapter.seed, FakeCall(adapter, answers=[answer(told)]))

    @pytest.mark.parametrize("claims", [{"exp": 1e30}, {"exp": []}, {}, [], "exp"])
    async def test_a_token_whose_claims_say_no_end_has_none(self, claims: Any) -> None:
        middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        told = {"accessJwt": f"a.{middle}.c", "refreshJwt": "r"}
        adapter = Bluesky("brand.example", app_password="word")
        held = await adapter.refresh(adapter.seed, FakeCall(adapter, answers=[answer(told)]))
        assert (held.access_token, held.expires_at) == (told["accessJwt"], None)

    async def test_a_new_session_is_asked_for_by_what_does_not_change(self) -> None:
        known = Identity("bluesky", "https://bsky.social", "did:plc:brand", "old.example")
        adapter = Bluesky.signed_in(known)
        call = FakeCall(adapter, answers=[answer({"accessJwt": "a", "refreshJwt": "r"})])
        await adapter.refresh(base.Credential("session", secret="word"), call)
        assert call.asked[0].json == {"identifier": "did:plc:brand", "password": "word"}

    def test_a_bad_password_says_what_to_check(self, box: Sandbox) -> None:
        adapter = Bluesky("brand.example", app_password="no-such-word")
        options = {"transport": box.transport, "clock": box.clock}
        with Client({"sky": adapter}, **options) as client, pytest.raises(errors.ReauthNeeded) as caught:
            client.publish(HELLO, to="sky")
        assert "check the handle and the app password" in str(caught.value)
        assert "no-such-word" not in str(caught.value)

    def test_a_main_password_with_mail_codes_asks_for_an_app_password(
        self, box: Sandbox, sky: BlueskyBox
    ) -> None:
        person = sky.person("brand.example")
        person.factor = True
        adapter = Bluesky("brand.example", app_password=person.password)
        with (
            Client({"sky": adapter}, transport=box.transport, clock=box.clock) as client,
            pytest.raises(errors.ReauthNeeded, match="app password"),
        ):
            client.publish(HELLO, to="sky")

    @pytest.mark.parametrize(
        ("handle", "name"), [("brand.example", "brand.example"), ("handle.invalid", None)]
    )
    async def test_a_handle_that_no_longer_leads_here_is_no_name(self, handle: str, name: str | None) -> None:
        adapter = Bluesky("brand.example")
        session = answer({"did": OWN.id, "handle": handle, "active": True})
        facts = await adapter.account(FakeCall(adapter, answers=[session, answer({"did": "did:web:pds"})]))
        assert (facts.identity, facts.identity.name) == (OWN, name)
        assert facts.url == f"https://bsky.app/profile/{name or OWN.id}"

    def test_a_plan_tells_that_the_account_is_off(
        self, box: Sandbox, client: Client, sky: BlueskyBox
    ) -> None:
        sky.person("brand.example").state = "deactivated"
        error = client.plan(HELLO, to="sky")["sky"].error
        assert isinstance(error, errors.ReauthNeeded)
        assert error.message == "the account is deactivated"

    @pytest.mark.parametrize("method", ["resolveHandle", "getRecord"])
    async def test_a_token_that_ends_in_a_lookup_is_told_from_a_thing_that_is_not_there(
        self, method: str
    ) -> None:
        adapter, facts = Bluesky("brand.example"), facts_of()
        call = FakeCall(adapter, facts, [answer({"error": "ExpiredToken", "message": "x"}, 400)])
        looking = (
            adapter._did("bob.test", call) if method == "resolveHandle" else adapter._record("d", "3k", call)
        )
        with pytest.raises(errors.ReauthNeeded):
            await looking

    @pytest.mark.parametrize("method", ["resolveHandle", "getRecord"])
    def test_such_a_token_is_renewed(self, box: Sandbox, client: Client, method: str) -> None:
        first = sent(client, HELLO)
        box.fault("expired-token", match=f"GET .*{method}")
        post = Post("hi @bob.test", reply_to=first.raw["uri"])
        assert changes(client, post) == []
        assert asked(box, method)[-1].status == 200
        assert len(asked(box, "refreshSession")) == 1

    @pytest.mark.parametrize(
        ("status", "name"), [(404, "NotFound"), (400, "InvalidRequest"), (403, "Denied")]
    )
    async def test_a_look_that_is_refused_proves_no_absence(self, status: int, name: str) -> None:
        adapter, facts = Bluesky("brand.example"), facts_of()
        answers = [answer({"error": name, "message": "no such page"}, status)]
        call = FakeCall(adapter, facts, answers, memory={"key": ["3k", "2026-11-02T09:00:00.000Z"]})
        now = datetime.fromisoformat("2026-11-02T09:00:00Z")
        with pytest.raises(errors.Declined):
            await adapter.find(base.Lost(base.Part(0, {"record": {"text": "x"}}), now, now), call)

    @pytest.mark.parametrize("state", ["takendown", "deactivated"])
    def test_an_account_that_is_off(self, box: Sandbox, client: Client, sky: BlueskyBox, state: str) -> None:
        client.plan(HELLO, to="sky")
        sky.person("brand.example").state = state
        with pytest.raises(errors.ReauthNeeded) as caught:
            client.publish(HELLO, to="sky")
        assert caught.value.report["sky"].status is Status.FAILED
        assert live(box) == []


class TestPost:
    def test_a_post_ends_published(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        receipt = sent(client, HELLO)
        post = last(box)
        did = sky.person("brand.example").did
        assert receipt.url == f"https://bsky.app/profile/{did}/post/{receipt.id}"
        assert (receipt.id, receipt.raw["uri"], receipt.raw["cid"]) == (post.id, post.uri, post.cid)
        assert receipt.published_at == box.clock.now()
        assert set(post.record) == {"$type", "text", "createdAt"}

    def test_spans_count_bytes(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        sent(client, Post("🚀 ahoi @bob.test: example.com #Schiff $btc @nobody.test"))
        record = last(box).record
        data = record["text"].encode()
        found = [
            (data[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(), f["features"][0])
            for f in record["facets"]
        ]
        facet = "app.bsky.richtext.facet"
        assert found == [
            ("@bob.test", {"$type": f"{facet}#mention", "did": sky.person("bob.test").did}),
            ("example.com", {"$type": f"{facet}#link", "uri": "https://example.com"}),
            ("#Schiff", {"$type": f"{facet}#tag", "tag": "Schiff"}),
            ("$btc", {"$type": f"{facet}#tag", "tag": "$BTC"}),
        ]

    def test_an_unknown_handle_stays_plain_text_and_is_told(self, client: Client) -> None:
        assert ("text", "mention_unknown") in changes(client, Post("hi @nobody.test"))

    def test_300_graphemes_and_3000_bytes(self, box: Sandbox, client: Client) -> None:
        family = "👩‍👩‍👧‍👦"
        assert problems(client, Post("x" * 301)) == [("text", "too_long")]
        assert problems(client, Post(family * 121)) == [("text", "too_long")]
        sent(client, Post("ü" * 300))
        sent(client, Post(family * 120))
        assert [len(text) for text in live(box)] == [300, 840]

    def test_language_tags_and_labels(self, box: Sandbox, client: Client) -> None:
        options = BlueskyOptions(labels=("nudity",))
        post = Post("art", language="de", tags=["Kunst"], content_warning="porn").variant("sky", options)
        sent(client, post)
        record = last(box).record
        assert (record["text"], record["langs"]) == ("art\n\n#Kunst", ["de"])
        assert record["facets"][0]["features"][0]["tag"] == "Kunst"
        assert [one["val"] for one in record["labels"]["values"]] == ["nudity", "porn"]

    @pytest.mark.parametrize(("given", "sent_as"), [("pt_BR", "pt-BR"), ("EN", "en"), ("de-AT", "de-AT")])
    def test_a_language_is_written_as_the_servers_take_it(
        self, box: Sandbox, client: Client, given: str, sent_as: str
    ) -> None:
        post = Post("x", language=given)
        assert changes(client, post) == ([("language", "spelling")] if given != sent_as else [])
        sent(client, post)
        assert last(box).record["langs"] == [sent_as]

    @pytest.mark.parametrize("language", ["german", "de-", "german (de)", "pt-BR-abcdefghi"])
    def test_what_is_no_language_is_a_problem(self, client: Client, language: str) -> None:
        assert problems(client, Post("x", language=language)) == [("language", "invalid")]

    def test_an_address_without_a_host_stays_plain_text(self, box: Sandbox, client: Client) -> None:
        post = Post("see https:///x and https://pages.example.com/boat")
        assert changes(client, post) == [("text", "no_link")]
        sent(client, post)
        (facet,) = last(box).record["facets"]
        assert facet["features"][0]["uri"] == "https://pages.example.com/boat"
        assert last(box).record["embed"]["external"]["uri"] == "https://pages.example.com/boat"

    @pytest.mark.parametrize("tag", ["2026", "open source", "x" * 65, "C#!"])
    def test_a_hashtag_that_is_none_is_told(self, client: Client, tag: str) -> None:
        assert changes(client, Post("x", tags=["boat", tag])) == [("tags[1]", "plain_text")]

    def test_one_label_needs_no_brackets_and_counts_once(self, box: Sandbox, client: Client) -> None:
        sent(client, Post("x").variant("sky", BlueskyOptions(labels="porn")))  # type: ignore[arg-type]
        assert last(box).warning == "porn"
        sent(client, Post("x").variant("sky", BlueskyOptions(labels=("porn", "porn"))))
        assert last(box).warning == "porn"

    def test_sensitive_becomes_a_label(self, box: Sandbox, client: Client) -> None:
        post = Post("x", sensitive=True)
        assert ("sensitive", "label") in changes(client, post)
        sent(client, post)
        assert last(box).warning == "graphic-media"

    @pytest.mark.parametrize(
        ("post", "problem"),
        [
            (Post("x", content_warning="spoilers"), ("content_warning", "unsupported")),
            (Post("x").variant("sky", BlueskyOptions(labels=("loud",))), ("options.labels", "unknown")),
            (Post("x", poll=Poll(["a", "b"])), ("poll", "unsupported")),
            (Post("x", visibility="followers"), ("visibility", "unsupported")),
            (Post("x", reply_to="at://did:plc:nobody/app.bsky.feed.post/3k"), ("reply_to", "not_found")),
            (Post("x", quote="https://example.com/post/1"), ("quote", "not_found")),
        ],
    )
    def test_what_cannot_be_carried_is_a_problem(
        self, box: Sandbox, client: Client, post: Post, problem: tuple[str, str]
    ) -> None:
        found = problems(client, post)
        assert problem in found
        with pytest.raises(errors.InvalidPost):
            client.publish(post, to="sky")
        assert live(box) == []

    def test_gates_follow_the_post_under_its_key(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        lists = "at://did:plc:brand/app.bsky.graph.list/3k"
        assert problems(client, Post("x").variant("sky", BlueskyOptions(replies=(lists,)))) == []
        rules = BlueskyOptions(replies=("mentioned", "followers", "following", lists), quotes=False)
        receipt = sent(client, Post("x").variant("sky", rules))
        did = sky.person("brand.example").did
        gate = sky.records[f"at://{did}/app.bsky.feed.threadgate/{receipt.id}"].record
        kinds = ["mentionRule", "followerRule", "followingRule", "listRule"]
        assert [one["$type"].rpartition("#")[2] for one in gate["allow"]] == kinds
        assert (gate["post"], gate["allow"][3]["list"]) == (receipt.raw["uri"], lists)
        quotes = sky.records[f"at://{did}/app.bsky.feed.postgate/{receipt.id}"].record
        assert quotes["embeddingRules"] == [{"$type": "app.bsky.feed.postgate#disableRule"}]

    def test_nobody_may_reply(self, client: Client, sky: BlueskyBox) -> None:
        sent(client, Post("x").variant("sky", BlueskyOptions(replies="nobody")))
        assert [one.record["allow"] for one in sky.stored("app.bsky.feed.threadgate")] == [[]]

    def test_one_name_alone_needs_no_brackets(self, client: Client, sky: BlueskyBox) -> None:
        sent(client, Post("x").variant("sky", BlueskyOptions(replies="followers")))  # type: ignore[arg-type]
        gate = sky.stored("app.bsky.feed.threadgate")[0].record
        assert gate["allow"] == [{"$type": "app.bsky.feed.threadgate#followerRule"}]

    @pytest.mark.parametrize(
        ("replies", "code"),
        [
            (("friends",), "unknown"),
            (("https://bsky.app/profile/brand.example/lists/3k",), "unknown"),
            (("at://brand.example/app.bsky.graph.list/3k",), "unknown"),
            (tuple(f"at://did:plc:brand/app.bsky.graph.list/3{n}" for n in range(6)), "count"),
            ((), "empty"),
        ],
    )
    def test_who_may_reply_is_checked_before_anything_is_sent(
        self, client: Client, replies: tuple[str, ...], code: str
    ) -> None:
        post = Post("x").variant("sky", BlueskyOptions(replies=replies))
        assert problems(client, post) == [("options.replies", code)]

    def test_a_thread_has_one_rule_for_replies_and_each_part_one_for_quotes(
        self, client: Client, sky: BlueskyBox
    ) -> None:
        thread = Post("one", thread=(Post("two"),))
        receipt = sent(client, thread.variant("sky", BlueskyOptions(replies="nobody", quotes=False)))
        gates = [one.record["post"] for one in sky.stored("app.bsky.feed.threadgate")]
        assert gates == [receipt.raw["uri"]]
        assert len(sky.stored("app.bsky.feed.postgate")) == 2

    def test_a_reply_cannot_say_who_may_reply(self, client: Client, sky: BlueskyBox) -> None:
        post = Post("x", reply_to=sent(client, HELLO)).variant("sky", BlueskyOptions(replies="nobody"))
        assert changes(client, post) == [("options.replies", "not_carried")]
        sent(client, post)
        assert sky.stored("app.bsky.feed.threadgate") == []

    @pytest.mark.parametrize("skip", [1, 2])
    def test_a_gate_that_fails_leaves_the_post_and_is_owed(
        self, box: Sandbox, client: Client, sky: BlueskyBox, skip: int
    ) -> None:
        box.fault("429", match="POST .*putRecord", skip=skip)
        post = Post("x").variant("sky", BlueskyOptions(replies="nobody", quotes=False))
        outcome = client.publish(post, to="sky", idempotency_key="k")["sky"]
        owed = ["who may reply", "who may quote"][skip - 1 :]
        assert outcome.status is Status.PUBLISHED
        assert [words.split(": ")[1] for words in outcome.missing] == owed
        assert (live(box), len(sky.records)) == (["x"], 2 - len(owed))
        box.clock.advance(301)
        outcome = client.publish(post, to="sky", idempotency_key="k")["sky"]
        assert (outcome.missing, live(box), len(sky.records)) == ((), ["x"], 2)
        client.delete(outcome.receipt)
        assert sky.records == {}

    async def test_a_gate_that_is_refused_is_missing_and_holds_up_no_other(self) -> None:
        adapter = Bluesky("brand.example")
        no, yes = answer({"error": "InvalidRequest", "message": "not so"}, 400), answer({})
        call = FakeCall(adapter, facts_of(), [no, yes])
        gates = {"app.bsky.feed.threadgate": {"allow": []}, "app.bsky.feed.postgate": {"embeddingRules": []}}
        now = datetime.fromisoformat("2026-11-02T09:00:00Z")
        made = base.Sent("3k", published_at=now, raw={"uri": "at://did:plc:brand/app.bsky.feed.post/3k"})
        after = await adapter.attach(base.Part(0, {"gates": gates}), made, call)
        assert (after.missing, after.owed) == (("who may reply: not so (HTTP 400)",), ())
        assert len(call.asked) == 2

    async def test_a_halt_stops_the_gates_too(self) -> None:
        adapter = Bluesky("brand.example")
        call = FakeCall(adapter, facts_of(), [errors.Halted("wrong price")])
        made = base.Sent("3k", published_at=NOW, raw={"uri": "at://did:plc:brand/app.bsky.feed.post/3k"})
        with pytest.raises(errors.Halted):
            await adapter.attach(base.Part(0, {"gates": {"app.bsky.feed.postgate": {}}}), made, call)

    def test_a_post_read_back_is_deleted_with_its_gates(self, client: Client, sky: BlueskyBox) -> None:
        sent(client, Post("x").variant("sky", BlueskyOptions(replies="nobody", quotes=False)))
        (receipt,) = client.fetch_posts("sky")
        client.delete(receipt)
        assert sky.records == {}

    def test_deleting_takes_the_gates_along(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        receipt = sent(client, Post("x").variant("sky", BlueskyOptions(replies="nobody", quotes=False)))
        client.delete(receipt)
        assert (live(box), sky.records) == ([], {})
        client.delete(receipt)


class TestConversation:
    def test_a_thread_hangs_together(self, box: Sandbox, client: Client) -> None:
        receipt = sent(client, Post("one", thread=(Post("two"), Post("three"))))
        first, second, third = (attrs.asdict(e, recurse=False) for e in box.timeline("bluesky"))
        reply = third["record"]["reply"]
        assert reply["root"] == {"uri": first["uri"], "cid": first["cid"]}
        assert reply["parent"] == {"uri": second["uri"], "cid": second["cid"]}
        assert first["id"] < second["id"] < third["id"]
        assert receipt.part_ids == (first["id"], second["id"], third["id"])

    def test_a_long_text_goes_on_in_a_thread(self, box: Sandbox, client: Client) -> None:
        words = " ".join(f"word{number}" for number in range(100))
        sent(client, Post(words, split=True))
        assert len(live(box)) == 3
        assert all(len(text) <= 300 for text in live(box))

    def test_posts_of_one_moment_have_keys_of_their_own(self, box: Sandbox, client: Client) -> None:
        keys = [sent(client, Post("same")).id for _ in range(60)]
        assert keys == sorted(set(keys))
        assert len(live(box)) == 60

    def test_a_thread_stopped_half_way_goes_on_where_it_stopped(self, box: Sandbox, client: Client) -> None:
        thread = Post("one", thread=(Post("two"), Post("three")))
        box.fault("429", match="POST .*putRecord", skip=1)
        with pytest.raises(errors.ThreadPartlyPosted) as caught:
            client.publish(thread, to="sky", idempotency_key="t")
        assert (live(box), caught.value.next_index) == (["one"], 1)
        box.clock.advance(300)
        client.publish(thread, to="sky", idempotency_key="t")
        assert live(box) == ["one", "two", "three"]

    def test_a_reply_by_receipt_by_uri_and_by_permalink(self, box: Sandbox, client: Client) -> None:
        with open_client(box, "bob.test") as bob:
            root = sent(bob, Post("root"))
            box.clock.advance(2)
            middle = sent(client, Post("a", reply_to=root.raw["uri"]))
            box.clock.advance(2)
            permalink = f"https://bsky.app/profile/brand.example/post/{middle.id}"
            sent(bob, Post("b", reply_to=permalink))
            sent(bob, Post("c", reply_to=root))
        strong = {name: root.raw[name] for name in ("uri", "cid")}
        replies = [e.record["reply"] for e in box.timeline("bluesky")[1:] if isinstance(e, FeedPost)]
        assert [one["root"] for one in replies] == [strong] * 3
        assert [one["parent"]["uri"] for one in replies] == [strong["uri"], middle.raw["uri"], strong["uri"]]

    def test_a_thread_that_begins_as_a_reply_keeps_the_others_root(
        self, box: Sandbox, client: Client
    ) -> None:
        with open_client(box, "bob.test") as bob:
            root = sent(bob, Post("root"))
        box.clock.advance(2)
        sent(client, Post("a", reply_to=root.url, thread=(Post("b"),)))
        first, second = box.timeline("bluesky")[1:]
        assert isinstance(first, FeedPost)
        assert isinstance(second, FeedPost)
        roots = [one.record["reply"]["root"]["uri"] for one in (first, second)]
        assert roots == [root.raw["uri"]] * 2
        assert second.record["reply"]["parent"]["uri"] == first.uri

    def test_a_quote_alone_and_with_a_picture(self, box: Sandbox, client: Client) -> None:
        first = sent(client, Post("first"))
        assert sent(client, Post("look", quote=first)).kind == "quote"
        assert last(box).record["embed"] == {
            "$type": "app.bsky.embed.record",
            "record": {name: first.raw[name] for name in ("uri", "cid")},
        }
        sent(client, Post("look", quote=first, media=[Image(png(), alt="a boat")]))
        embed = last(box).record["embed"]
        assert embed["$type"] == "app.bsky.embed.recordWithMedia"
        assert (embed["media"]["$type"], last(box).quote) == ("app.bsky.embed.images", first.raw["uri"])

    def test_a_post_whose_author_forbids_quotes_is_not_quoted(self, box: Sandbox, client: Client) -> None:
        with open_client(box, "bob.test") as bob:
            theirs = sent(bob, Post("mine").variant("sky", BlueskyOptions(quotes=False)))
        box.clock.advance(2)
        assert problems(client, Post("look", quote=theirs.url)) == [("quote", "denied")]
        assert problems(client, Post("yes", reply_to=theirs.url)) == []

    def test_a_thread_closed_to_the_account_gets_no_reply(self, box: Sandbox, client: Client) -> None:
        with open_client(box, "bob.test") as bob:
            theirs = sent(bob, Post("mine").variant("sky", BlueskyOptions(replies=("mentioned",))))
        box.clock.advance(2)
        assert problems(client, Post("yes", reply_to=theirs.url)) == [("reply_to", "denied")]
        seen = attrs.evolve(theirs, raw={**theirs.raw, "replyDisabled": True})
        assert problems(client, Post("yes", reply_to=seen)) == [("reply_to", "denied")]

    @pytest.mark.parametrize(
        ("collection", "page"),
        [
            ("app.bsky.feed.generator", "https://bsky.app/profile/bob.test/feed/boats"),
            ("app.bsky.graph.list", "https://bsky.app/profile/bob.test/lists/boats?ref=share"),
            ("app.bsky.graph.starterpack", "https://bsky.app/starter-pack/bob.test/boats"),
            ("app.bsky.labeler.service", None),
        ],
    )
    def test_feeds_lists_starter_packs_and_labelers_can_be_quoted(
        self, box: Sandbox, client: Client, sky: BlueskyBox, collection: str, page: str | None
    ) -> None:
        did = sky.person("bob.test").did
        key = "boats" if page else "self"
        uri = f"at://{did}/{collection}/{key}"
        record = {"$type": collection, "createdAt": box.clock.now().isoformat()}
        sky.records[uri] = Stored(did, collection, key, record_cid(record), record, box.clock.now())
        for quote in filter(None, (uri, page)):
            assert sent(client, Post("look", quote=quote)).kind == "quote"
            quoted = {"uri": uri, "cid": record_cid(record)}
            assert last(box).record["embed"] == {"$type": "app.bsky.embed.record", "record": quoted}
        gone = uri.replace(key, "gone") if page else f"at://nobody.test/{collection}/self"
        assert problems(client, Post("look", quote=gone)) == [("quote", "not_found")]

    def test_a_quote_keeps_its_link_card(self, box: Sandbox, client: Client) -> None:
        first = sent(client, Post("first"))
        link = Link("https://pages.example.com/boat", title="Mine", description="own words")
        sent(client, Post("look", quote=first, link=link))
        embed = last(box).record["embed"]
        assert embed["$type"] == "app.bsky.embed.recordWithMedia"
        assert (embed["media"]["external"]["uri"], last(box).quote) == (link.url, first.raw["uri"])


class TestPictures:
    def test_a_picture_with_its_shape_and_text(self, box: Sandbox, client: Client) -> None:
        sent(client, Post("x", media=[Image(png(30, 20), alt="a boat")]))
        image = last(box).record["embed"]["images"][0]
        assert (image["alt"], image["aspectRatio"]) == ("a boat", {"width": 30, "height": 20})
        assert last(box).media[0]["data"] == png(30, 20)

    @pytest.mark.parametrize(("count", "kind"), [(4, "images"), (5, "gallery"), (10, "gallery")])
    def test_more_than_four_are_a_gallery(self, box: Sandbox, client: Client, count: int, kind: str) -> None:
        sent(client, Post("x", media=[Image(png(9, n + 1), alt=str(n)) for n in range(count)]))
        embed = last(box).record["embed"]
        assert embed["$type"] == f"app.bsky.embed.{kind}"
        assert [one["alt"] for one in last(box).media] == [str(n) for n in range(count)]

    @pytest.mark.parametrize(("size", "codes"), [(2_000_000, set()), (2_000_001, {"fitted", "too_large"})])
    def test_a_picture_of_more_than_two_megabytes_does_not_go_as_it_is(
        self, client: Client, size: int, codes: set[str]
    ) -> None:
        bare = len(png(3, 2, png_chunk(b"teXt", b"")))
        picture = png(3, 2, png_chunk(b"teXt", b"x" * (size - bare)))
        plan = client.plan(Post("x", media=[Image(picture, alt="x")]), to="sky")["sky"]
        assert len(picture) == size
        assert bool({one.code for one in (*plan.changes, *plan.problems)} & codes) is bool(codes)

    def test_a_side_of_more_than_4000_pixels_is_made_to_fit(self, client: Client) -> None:
        for width, codes in ((4000, 0), (4001, 1)):
            plan = client.plan(Post("x", media=[Image(png(width, 1), alt="x")]), to="sky")["sky"]
            assert len((*plan.changes, *plan.problems)) == codes

    def test_a_video_of_more_than_ten_minutes_is_a_problem(self, client: Client) -> None:
        for seconds, told in ((600, []), (601, [("media[0]", "range")])):
            film = Post("x", media=[Video(mp4(seconds=seconds), alt="x")])
            assert problems(client, film) == told

    def test_eleven_are_a_problem(self, client: Client) -> None:
        pictures = [Image(png(9, n + 1), alt="x") for n in range(11)]
        assert [field for field, _ in problems(client, Post("x", media=pictures))] != []

    @pytest.mark.parametrize("medium", [Image(png(), alt="ü" * 2001), Video(mp4(), alt="ü" * 2001)])
    def test_words_longer_than_the_official_app_takes_are_a_warning(
        self, box: Sandbox, client: Client, medium: Image | Video
    ) -> None:
        (problem,) = client.plan(Post("x", media=[medium]), to="sky")["sky"].problems
        assert (problem.field, problem.severity, problem.actual) == ("media[0].alt", "warning", 2001)
        sent(client, Post("x", media=[medium]))
        assert last(box).media[0]["alt"] == "ü" * 2001

    def test_a_gallery_needs_the_size_of_its_pictures(self) -> None:
        pictures = tuple(base.PartMedia("image", "image/jpeg", 9, str(n), "s") for n in range(5))
        draft: Any = FakeDraft(media=pictures)
        check_media(draft)
        assert draft.told == [(f"media[{n}]", "unknown_size") for n in range(5)]

    def test_a_server_may_want_smaller_ones(self, box: Sandbox, sky: BlueskyBox) -> None:
        sky.blob_limit = 20
        with open_client(box) as client:
            assert problems(client, Post("x", media=[Image(png(), alt="x")])) == [("media[0]", "too_large")]
            link = Link("https://pages.example.com/none", title="t", thumbnail=Image(png()))
            assert ("link.thumbnail", "left_out") in changes(client, Post("x", link=link))

    def test_a_moving_picture_stands_still_and_is_told(self, client: Client) -> None:
        assert ("media[0]", "still") in changes(client, Post("x", media=[Image(gif(frames=3), alt="x")]))

    def test_a_repeat_sends_no_bytes_again(self, box: Sandbox, client: Client) -> None:
        post = Post("x", media=[Image(png(), alt="a boat")])
        box.fault("429", match="POST .*putRecord")
        with pytest.raises(errors.RateLimited):
            client.publish(post, to="sky", idempotency_key="k")
        box.clock.advance(301)
        client.publish(post, to="sky", idempotency_key="k")
        assert (live(box), len(asked(box, "uploadBlob"))) == (["x"], 1)

    def test_an_upload_of_an_hour_ago_is_not_relied_on(self, box: Sandbox, client: Client) -> None:
        post = Post("x", media=[Image(png(), alt="a boat")])
        box.fault("429", match="POST .*putRecord")
        with pytest.raises(errors.RateLimited):
            client.publish(post, to="sky", idempotency_key="k")
        box.clock.advance(3700)
        assert client.publish(post, to="sky", idempotency_key="k").ok
        assert len(asked(box, "uploadBlob")) == 2

    def test_the_server_may_refuse_the_size(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        client.plan(HELLO, to="sky")
        sky.blob_limit = 10
        with pytest.raises(errors.Declined, match="no upload of this size"):
            client.publish(Post("x", media=[Image(png(), alt="a boat")]), to="sky")


class TestCards:
    def test_the_first_link_has_a_card_with_its_picture(self, box: Sandbox, client: Client) -> None:
        sent(client, Post("see https://pages.example.com/boat now"))
        card = last(box).record["embed"]["external"]
        assert (card["uri"], card["title"], card["description"]) == (
            "https://pages.example.com/boat",
            "Our boat",
            "It floats",
        )
        assert last(box).media[0]["data"] == png(60, 40)

    def test_a_link_field_becomes_a_card_and_no_text(self, box: Sandbox, client: Client) -> None:
        link = Link("https://pages.example.com/boat", title="Mine", description="own words")
        sent(client, Post("see", link=link))
        card = last(box).record["embed"]["external"]
        assert (live(box), card["title"], card["description"]) == (["see"], "Mine", "own words")

    def test_words_of_a_card_that_are_cut_are_told(self, box: Sandbox, client: Client) -> None:
        post = Post("see", link=Link("https://pages.example.com/boat", title="x" * 301, description="short"))
        assert changes(client, post) == [("link.title", "shortened")]
        sent(client, post)
        assert last(box).record["embed"]["external"]["title"] == "x" * 299 + "…"

    def test_words_of_a_card_are_cut_between_characters(self, box: Sandbox, client: Client) -> None:
        family = "👩‍👩‍👧‍👦"
        link = Link("https://pages.example.com/boat", title=family * 301, description=family * 1000)
        assert changes(client, Post("see", link=link)) == [("link.title", "shortened")]
        sent(client, Post("see", link=link))
        card = last(box).record["embed"]["external"]
        assert (card["title"], card["description"]) == (family * 299 + "…", family * 1000)

    def test_a_page_without_a_card_is_told(self, client: Client) -> None:
        assert ("text", "no_card") in changes(client, Post("see https://pages.example.com/none"))

    def test_no_card_on_wish_or_beside_a_picture(self, box: Sandbox, client: Client) -> None:
        text = "see https://pages.example.com/boat"
        sent(client, Post(text).variant("sky", BlueskyOptions(card=False)))
        assert "embed" not in last(box).record
        sent(client, Post(text, media=[Image(png(), alt="x")]))
        assert last(box).record["embed"]["$type"] == "app.bsky.embed.images"


FILM = mp4(data=3000)


class TestVideo:
    def test_a_small_one_goes_straight_to_the_server(self, box: Sandbox, client: Client) -> None:
        captions = (Captions(VTT, language="en"),)
        sent(client, Post("", media=[Video(FILM, alt="a boat moves", captions=captions)]))
        embed = last(box).record["embed"]
        assert (embed["alt"], embed["aspectRatio"]) == ("a boat moves", {"width": 1920, "height": 1080})
        assert embed["video"]["mimeType"] == "video/mp4"
        assert (embed["captions"][0]["lang"], embed["captions"][0]["file"]["mimeType"]) == ("en", "text/vtt")
        assert asked(box, "startUpload") == []

    @pytest.fixture
    def large(self, sky: BlueskyBox) -> BlueskyBox:
        """A server that takes no video itself, and a service with small parts."""
        sky.blob_limit, sky.part_bytes = 2500, 1000
        return sky

    def test_a_large_one_goes_in_parts(self, box: Sandbox, client: Client, large: BlueskyBox) -> None:
        sent(client, Post("film", media=[Video(FILM, alt="x")]))
        assert len(asked(box, "uploadPart")) == -(-len(FILM) // 1000)
        assert last(box).record["embed"]["video"]["size"] == len(FILM)
        assert len(asked(box, "uploadVideo")) == 0

    def test_an_older_service_takes_it_whole(self, box: Sandbox, client: Client, large: BlueskyBox) -> None:
        large.takes_parts = False
        sent(client, Post("film", media=[Video(FILM, alt="x")]))
        assert len(asked(box, "uploadVideo")) == 1
        sent(client, Post("film again", media=[Video(FILM, alt="x")]))
        assert asked(box, "uploadVideo")[-1].status == 409
        assert live(box) == ["film", "film again"]

    def test_an_upload_goes_on_after_the_last_part_that_arrived(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        post = Post("film", media=[Video(FILM, alt="x")])
        box.fault("dropped-before", match="POST .*uploadPart", skip=2, times=9)
        with pytest.raises(errors.Unavailable):
            client.publish(post, to="sky", idempotency_key="k")
        box.faults.clear()
        client.publish(post, to="sky", idempotency_key="k")
        arrived = [line for line in asked(box, "uploadPart") if line.status == 200]
        assert len(arrived) == -(-len(FILM) // 1000)
        assert (live(box), len(asked(box, "startUpload"))) == (["film"], 1)

    def test_processing_that_fails_publishes_nothing(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        box.fault("processing-failed")
        with pytest.raises(errors.Declined, match="encoding_failure"):
            client.publish(Post("film", media=[Video(FILM, alt="x")]), to="sky")
        assert live(box) == []

    def test_a_failed_job_is_not_asked_again(self, box: Sandbox, client: Client, large: BlueskyBox) -> None:
        post = Post("film", media=[Video(FILM, alt="x")])
        box.fault("processing-failed")
        with pytest.raises(errors.Declined):
            client.publish(post, to="sky", idempotency_key="k")
        client.publish(post, to="sky", idempotency_key="k")
        assert live(box) == ["film"]

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("validation_failure", errors.Declined),
            ("pds_upload_unsupported_blob_size", errors.Declined),
            ("pds_upload_failure", errors.Unavailable),
            ("generic_failure", errors.Unavailable),
        ],
    )
    def test_what_another_try_may_not_meet_is_no_refusal(
        self,
        box: Sandbox,
        client: Client,
        large: BlueskyBox,
        monkeypatch: pytest.MonkeyPatch,
        code: str,
        kind: type[errors.PlatformError],
    ) -> None:
        box.fault("processing-failed")
        told = large._status
        monkeypatch.setattr(large, "_status", lambda job: told(job) | {"failureCode": code})
        with pytest.raises(kind, match=code):
            client.publish(Post("film", media=[Video(FILM, alt="x")]), to="sky")
        assert live(box) == []

    def test_an_upload_the_service_forgot_begins_anew(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        post = Post("film", media=[Video(FILM, alt="x")])
        box.fault("dropped-before", match="POST .*uploadPart", skip=2, times=9)
        with pytest.raises(errors.Unavailable):
            client.publish(post, to="sky", idempotency_key="k")
        box.faults.clear()
        box.clock.advance(3700)
        client.publish(post, to="sky", idempotency_key="k")
        assert (live(box), len(asked(box, "startUpload"))) == (["film"], 2)

    def test_an_upload_the_service_ended_begins_anew(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        post = Post("film", media=[Video(FILM, alt="x")])
        box.fault("dropped-before", match="POST .*uploadPart", skip=2, times=9)
        with pytest.raises(errors.Unavailable):
            client.publish(post, to="sky", idempotency_key="k")
        box.faults.clear()
        for upload in large.uploads.values():
            upload.state = "aborted"
        with pytest.raises(errors.Declined, match="Upload is aborted"):
            client.publish(post, to="sky", idempotency_key="k")
        client.publish(post, to="sky", idempotency_key="k")
        assert live(box) == ["film"]

    def test_the_service_is_asked_whether_it_takes_one_more(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        film = Post("film", media=[Video(FILM, alt="x")])
        plan = client.plan(film, to="sky")
        large.person("brand.example").email_confirmed = False
        assert problems(client, film) == [("media[0]", "refused")]
        with pytest.raises(errors.Declined, match="verify your email"):
            client.publish(plan)
        assert asked(box, "startUpload") == asked(box, "uploadVideo") == []

    def test_a_video_for_the_accounts_own_server_needs_no_service(
        self, box: Sandbox, client: Client, sky: BlueskyBox
    ) -> None:
        sky.person("brand.example").email_confirmed = False
        assert problems(client, Post("film", media=[Video(FILM, alt="x")])) == []
        assert asked(box, "getUploadLimits") == []

    @pytest.mark.parametrize(
        "told",
        [
            {"canUpload": True, "remainingDailyBytes": 99},
            {"canUpload": True, "remainingDailyVideos": 0},
            {"canUpload": False},
        ],
    )
    def test_a_days_quota_is_not_run_into(
        self,
        box: Sandbox,
        client: Client,
        large: BlueskyBox,
        monkeypatch: pytest.MonkeyPatch,
        told: dict[str, Any],
    ) -> None:
        now: dict[str, Any] = {"canUpload": True}
        monkeypatch.setattr(large, "get_upload_limits", lambda request: JSONResponse(now))
        film = Post("film", media=[Video(FILM, alt="x")])
        plan = client.plan(film, to="sky")
        now.update(told)
        assert problems(client, film) == [("media[0]", "refused")]
        with pytest.raises(errors.Declined, match="takes no video now"):
            client.publish(plan)

    def test_the_services_own_limits_are_not_those_of_the_accounts_server(
        self, box: Sandbox, client: Client, large: BlueskyBox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = large.get_job_status
        headers = {"ratelimit-limit": "7", "ratelimit-remaining": "0", "ratelimit-policy": "7;w=300"}

        def busy(request: Any) -> Response:
            made = told(request)
            made.headers.update(headers)
            return made

        monkeypatch.setattr(large, "get_job_status", busy)
        sent(client, Post("film", media=[Video(FILM, alt="x")]))
        states = [state for state in client.rate_limits() if state.name == "requests"]
        assert {(state.limit, state.remaining > 2900) for state in states} == {(3000, True)}

    def test_a_slow_upload_gets_new_tokens_on_the_way(
        self, box: Sandbox, client: Client, large: BlueskyBox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        large.part_bytes = -(-len(FILM) // 3)
        told = large.upload_part

        def slow(request: Any) -> Response:
            made = told(request)
            box.clock.advance(1000)
            return made

        monkeypatch.setattr(large, "upload_part", slow)
        sent(client, Post("film", media=[Video(FILM, alt="x")]))
        assert [line.status for line in asked(box, "uploadPart")] == [200] * 3

    def test_a_finish_that_is_at_work_already_is_asked_again(
        self, box: Sandbox, client: Client, large: BlueskyBox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        finish, seen = large.finish_upload, []

        def busy(request: Any) -> Response:
            seen.append(request)
            if len(seen) == 1:
                raise large.refuse("A finish is in progress", "UploadNotReady")
            return finish(request)

        monkeypatch.setattr(large, "finish_upload", busy)
        sent(client, Post("film", media=[Video(FILM, alt="x")]))
        assert (len(seen), len(asked(box, "startUpload"))) == (2, 1)

    @pytest.mark.parametrize("large_one", [True, False])
    def test_blobs_the_server_collected_are_uploaded_again(
        self, box: Sandbox, client: Client, sky: BlueskyBox, large_one: bool
    ) -> None:
        sky.blob_limit = 2500 if large_one else 50_000_000
        captions = (Captions(VTT, language="en"),)
        post = Post("film", media=[Video(FILM, alt="x", captions=captions)])
        box.fault("429", match="POST .*putRecord")
        with pytest.raises(errors.RateLimited):
            client.publish(post, to="sky", idempotency_key="k")
        sky.media.clear()
        sky.jobs.clear()
        box.clock.advance(301)
        with pytest.raises(errors.Declined, match="publish again"):
            client.publish(post, to="sky", idempotency_key="k")
        client.publish(post, to="sky", idempotency_key="k")
        assert live(box) == ["film"]

    @pytest.mark.parametrize(
        ("facts", "audience"),
        [
            ({"pds": "http://localhost:2583", "pds_did": "did:web:localhost"}, "did:web:localhost"),
            ({"pds": "http://localhost:2583", "pds_did": None}, "did:web:localhost%3A2583"),
            ({"pds": "https://pds.example.com"}, "did:web:pds.example.com"),
        ],
    )
    async def test_an_upload_is_begun_with_what_the_video_is(
        self, facts: dict[str, Any], audience: str
    ) -> None:
        answers = [answer({"token": "t"}), answer({"jobId": "j", "partSizeBytes": 9, "partCount": 1})]
        call = FakeCall(Bluesky("brand.example"), base.AccountFacts(OWN, facts=facts), answers)
        film = base.PartMedia("video", "video/mp4", 9, "d" * 64, "s", "film.mp4", 640, 360, seconds=12.5)
        await VideoService("https://video.example.com", call)._start_upload(film, "video d")
        token, begun = call.asked
        assert (token.params["aud"], token.params["lxm"]) == (audience, "com.atproto.repo.uploadBlob")
        told = {"sizeBytes": 9, "mimeType": "video/mp4", "name": "film.mp4", "durationMs": 12_500}
        assert begun.json == told | {"width": 640, "height": 360}
        assert call.secrets == {"video d upload"}

    def test_a_video_may_be_shown_as_a_moving_picture(self, box: Sandbox, client: Client) -> None:
        film, options = Post("", media=[Video(FILM, alt="x")]), BlueskyOptions(presentation="gif")
        sent(client, film.variant("sky", options))
        assert last(box).record["embed"]["presentation"] == "gif"
        assert changes(client, HELLO.variant("sky", options)) == [("options.presentation", "not_carried")]
        loud = film.variant("sky", BlueskyOptions(presentation="loud"))  # type: ignore[arg-type]
        assert problems(client, loud) == [("options.presentation", "unknown")]
        sent(client, film)
        assert "presentation" not in last(box).record["embed"]

    def test_captions_have_a_language_alone(self, box: Sandbox, client: Client) -> None:
        captions = (Captions(VTT, language="pt_BR", label="For sailors"),)
        film = Post("", media=[Video(FILM, alt="x", captions=captions)])
        place = "media[0].captions[0]"
        assert changes(client, film) == [(f"{place}.label", "not_carried"), (f"{place}.language", "spelling")]
        sent(client, film)
        assert last(box).record["embed"]["captions"][0]["lang"] == "pt-BR"
        assert client.plan(film, to="sky")["sky"].parts[0].requests == 3
        odd = Post("", media=[Video(FILM, alt="x", captions=(Captions(VTT, language="english"),))])
        assert problems(client, odd) == [(f"{place}.language", "invalid")]

    def test_processing_that_lasts_goes_on_later(
        self, box: Sandbox, client: Client, large: BlueskyBox
    ) -> None:
        post = Post("film", media=[Video(FILM, alt="x")])
        box.fault("still-processing", seconds=1000)
        with pytest.raises(errors.Unavailable, match="still processing"):
            client.publish(post, to="sky", idempotency_key="k")
        box.clock.advance(600)
        outcome = client.publish(post, to="sky", idempotency_key="k")["sky"]
        assert (live(box), len(asked(box, "finishUpload"))) == (["film"], 1)
        age = box.clock.now() - outcome.receipt.published_at
        assert age < timedelta(seconds=1), "it is dated when it was sent, not when its upload began"
        assert tid_micros(outcome.receipt.id) > (box.clock.now() - timedelta(seconds=1)).timestamp() * 1e6

    def test_captions_of_another_kind_are_a_problem(self, client: Client) -> None:
        video = Video(FILM, alt="x", captions=(Captions(VTT, language="en"), Captions(SRT, language="de")))
        assert problems(client, Post("x", media=[video])) == [("media[0].captions[1]", "type")]

    def test_a_video_beside_a_picture_is_a_problem(self, client: Client) -> None:
        post = Post("x", media=[Video(FILM, alt="x"), Image(png(), alt="x")])
        assert problems(client, post) != []


class TestLostAnswers:
    @pytest.mark.parametrize("fault", LOST)
    def test_the_same_key_again_makes_no_second_post(self, box: Sandbox, client: Client, fault: str) -> None:
        box.fault(fault)
        outcome = client.publish(HELLO, to="sky", wait=300)["sky"]
        box.clock.advance(300)
        assert (outcome.status, live(box)) == (Status.PUBLISHED, ["We ship today"])
        assert outcome.receipt.id == last(box).id

    def test_a_twin_is_not_taken_for_ours(self, box: Sandbox, client: Client) -> None:
        box.fault("dropped-before")
        box.fault("twin")
        outcome = client.publish(HELLO, to="sky")["sky"]
        twin, ours = box.timeline("bluesky")
        assert (outcome.receipt.id, twin.text) == (ours.id, "We ship today")

    def test_the_servers_clock_may_be_wrong(self, box: Sandbox, client: Client) -> None:
        box.fault("clock-skew", seconds=-3600)
        box.fault("dropped-after")
        assert client.publish(HELLO, to="sky").ok
        assert live(box) == ["We ship today"]

    def test_a_gate_whose_answer_is_lost_is_there_once(
        self, box: Sandbox, client: Client, sky: BlueskyBox
    ) -> None:
        box.fault("dropped-after", match="POST .*putRecord", skip=1)
        outcome = client.publish(Post("x").variant("sky", BlueskyOptions(replies="nobody")), to="sky")["sky"]
        assert (outcome.status, len(sky.records)) == (Status.PUBLISHED, 1)

    def test_what_did_not_arrive_is_sent_again_at_once(self, box: Sandbox, client: Client) -> None:
        client.plan(HELLO, to="sky")
        began = box.clock.now()
        box.fault("dropped-before")
        assert client.publish(HELLO, to="sky").ok
        assert box.clock.now() - began < timedelta(seconds=30)

    async def test_another_process_sends_under_the_same_key_and_time(self) -> None:
        adapter, made = Bluesky("brand.example"), answer({"uri": f"at://{OWN.id}/x/3k", "cid": "bafy"})
        memory = {"key": ["3k", "2026-11-02T08:00:00.000Z"]}
        call = FakeCall(adapter, facts_of(), [made], memory=memory)
        await adapter.send(base.Part(0, {"record": {"text": "x"}}), call)
        body = call.asked[0].json
        assert (body["rkey"], body["record"]["createdAt"]) == ("3k", "2026-11-02T08:00:00.000Z")
        assert body["swapRecord"] is None

    async def test_keys_of_a_thread_rise_though_the_clock_goes_back(self) -> None:
        adapter, made = Bluesky("brand.example"), answer({"uri": f"at://{OWN.id}/x/3k", "cid": "bafy"})
        ahead = tid(int(NOW.timestamp() * 1e6) + 10**9, 3)
        before = base.Sent(ahead, raw={"uri": f"at://{OWN.id}/x/{ahead}", "cid": "bafy"})
        call = FakeCall(adapter, facts_of(), [made], previous=before)
        await adapter.send(base.Part(1, {"record": {"text": "x"}}), call)
        assert call.asked[0].json["rkey"] > ahead

    @pytest.mark.parametrize(("active", "kind"), [(True, base.Absent), (False, base.CannotTell)])
    async def test_an_account_that_is_off_shows_nothing_and_proves_nothing(
        self, active: bool, kind: type[object]
    ) -> None:
        adapter = Bluesky("brand.example")
        gone = answer({"error": "RecordNotFound", "message": "Could not locate record"}, 400)
        session = answer({"did": "did:plc:brand", "active": active})
        memory = {"key": ["3k", "2026-11-02T09:00:00.000Z"]}
        call = FakeCall(adapter, facts_of(), [gone, session], memory=memory)
        now = datetime.fromisoformat("2026-11-02T09:00:00Z")
        assert isinstance(await adapter.find(base.Lost(base.Part(0, {}), now, now), call), kind)

    @pytest.mark.parametrize(
        ("text", "created"),
        [("We ship today", "2026-01-01T00:00:00Z"), ("We ship", "2026-11-02T09:00:00.000Z")],
    )
    async def test_a_strange_record_under_our_key_is_never_called_ours(self, text: str, created: str) -> None:
        adapter, facts = Bluesky("brand.example"), facts_of()
        value = {"text": text, "createdAt": created}
        found = {"uri": "at://did:plc:brand/app.bsky.feed.post/3k", "cid": "bafy", "value": value}
        memory = {"key": ["3k", "2026-11-02T09:00:00.000Z"]}
        call = FakeCall(adapter, facts, [answer(found)], memory=memory)
        part = base.Part(0, {"record": {"text": "We ship today"}})
        now = datetime.fromisoformat("2026-11-02T09:00:00Z")
        assert isinstance(await adapter.find(base.Lost(part, now, now), call), base.CannotTell)


class TestReading:
    def test_counts(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        receipt = sent(client, HELLO)
        strong = {name: receipt.raw[name] for name in ("uri", "cid")}
        with open_client(box, "bob.test") as bob:
            sent(bob, Post("yes", reply_to=receipt))
            sent(bob, Post("look", quote=receipt))
            sent(bob, Post("look again", quote=receipt))
        like(box, "app.bsky.feed.like", strong)
        like(box, "app.bsky.feed.repost", strong)
        box.clock.advance(2)
        row = client.fetch_metrics(receipt)[0]
        assert (row.likes, row.comments, row.shares, row.quotes, row.saves) == (1, 1, 1, 2, 0)
        assert (row.impressions, row.missing["impressions"]) == (None, "Bluesky does not count it")

    def test_a_count_the_server_leaves_out_is_unknown(self) -> None:
        receipt = Receipt(OWN, "3k", raw={"uri": "at://did:plc:brand/app.bsky.feed.post/3k"})
        row = _row(receipt, {"likeCount": 0}, datetime.fromisoformat("2026-11-02T09:00:00Z"))
        assert (row.likes, row.comments, row.missing["comments"]) == (0, None, "the server does not say")

    def test_a_post_too_new_or_gone_is_a_row_with_an_error(self, box: Sandbox, client: Client) -> None:
        kept, gone = sent(client, HELLO), sent(client, Post("gone"))
        new = client.fetch_metrics([kept])[0]
        assert (new.likes, "too new to be indexed" in str(new.error)) == (None, True)
        client.delete(gone)
        box.clock.advance(2)
        rows = client.fetch_metrics([kept, gone])
        assert (rows[0].error, rows[0].likes) == (None, 0)
        assert isinstance(rows[1].error, errors.Declined)

    def test_25_posts_a_request(self, box: Sandbox, client: Client) -> None:
        receipts = [sent(client, Post(str(number))) for number in range(51)]
        box.clock.advance(2)
        assert [row.error for row in client.fetch_metrics(receipts)] == [None] * 51
        assert len(asked(box, "getPosts")) == 3

    def test_by_permalink(self, box: Sandbox, client: Client) -> None:
        receipt = sent(client, HELLO)
        box.clock.advance(2)
        by_handle = f"https://bsky.app/profile/brand.example/post/{receipt.id}"
        rows = client.fetch_metrics([receipt.url, by_handle, receipt.raw["uri"]])
        assert [row.id for row in rows] == [receipt.id] * 3

    def test_a_permalink_copied_with_its_query(self, box: Sandbox, client: Client) -> None:
        receipt = sent(client, HELLO)
        box.clock.advance(2)
        assert client.fetch_metrics(f"{receipt.url}/?ref=share#top")[0].id == receipt.id

    def test_own_posts_tell_what_they_are(self, client: Client) -> None:
        first = sent(client, HELLO)
        sent(client, Post("a reply", reply_to=first))
        sent(client, Post("a quote", quote=first))
        sent(client, Post("both", quote=first, media=[Image(png(), alt="x")]))
        kinds = [receipt.kind for receipt in client.fetch_posts("sky")]
        assert kinds == ["quote", "quote", "reply", "post"]

    def test_an_imported_post_of_long_ago_does_not_end_the_list(
        self, box: Sandbox, client: Client, sky: BlueskyBox
    ) -> None:
        since = box.clock.now()
        for text in ("one", "imported", "three"):
            sent(client, Post(text))
            box.clock.advance(60)
        imported = next(one for one in box.timeline("bluesky") if one.text == "imported")
        assert isinstance(imported, FeedPost)
        imported.record["createdAt"] = "2019-01-01T00:00:00.000Z"
        found = client.fetch_posts("sky", since=since)
        assert [receipt.text for receipt in found] == ["three", "one"]

    @pytest.mark.parametrize("created", ["yesterday", "2019-01-01T00:00:00", None, 7])
    def test_a_post_of_another_program_without_a_moment_is_listed(
        self, box: Sandbox, client: Client, created: Any
    ) -> None:
        sent(client, HELLO)
        last(box).record["createdAt"] = created
        (receipt,) = client.fetch_posts("sky")
        assert (receipt.text, receipt.published_at) == ("We ship today", None)

    def test_followers(self, client: Client) -> None:
        row = client.fetch_account_metrics("sky")[0]
        assert row.followers == row.raw["followersCount"] >= 120
        assert row.missing["impressions"] == row.missing["watch_seconds"] == "Bluesky does not count it"

    async def test_followers_the_server_does_not_tell(self) -> None:
        adapter = Bluesky("brand.example")
        call = FakeCall(adapter, facts_of(), [answer({"did": "did:plc:brand", "handle": "brand.example"})])
        row = await adapter.fetch_account_metrics(call, since=None, until=None)
        assert (row.followers, row.missing["followers"]) == (None, "the server does not say")

    def test_own_posts_page_by_page(self, box: Sandbox, client: Client) -> None:
        start = box.clock.now()
        for number in range(120):
            sent(client, Post(str(number)))
            box.clock.advance(60)
        texts = [receipt.text for receipt in client.fetch_posts("sky", limit=110)]
        assert texts == [str(number) for number in range(119, 9, -1)]
        since, until = start + timedelta(minutes=3), start + timedelta(minutes=5)
        found = client.fetch_posts("sky", since=since, until=until)
        assert [receipt.text for receipt in found] == ["5", "4", "3"]


def like(box: Sandbox, collection: str, subject: dict[str, str], name: str = "bob.test") -> None:
    """Somebody likes or reposts it, over the wire."""
    sky: Any = box["bluesky"]
    stamp = box.clock.now().isoformat()
    record = {"$type": collection, "subject": subject, "createdAt": stamp}
    fields = {"repo": name, "collection": collection, "record": record}
    body = json.dumps(fields).encode()
    with box.serve() as url, httpx.Client(trust_env=False) as http:
        headers = {"authorization": f"Bearer {sky.token(name)}", "content-type": "application/json"}
        made = http.post(f"{url}/bluesky/xrpc/com.atproto.repo.createRecord", content=body, headers=headers)
        assert made.status_code == 200


class TestLimits:
    def test_every_limit_of_the_server_is_a_budget(self, sky: BlueskyBox) -> None:
        levels = {"ip": "host", "identifier": "account"}
        windows = {(one.limit, one.seconds, levels.get(one.per, one.per)) for one in sky.windows}
        assert {(one.limit, one.window, one.level) for one in RULES.budgets} == windows

    def test_points_are_booked_as_the_server_counts_them(
        self, box: Sandbox, client: Client, sky: BlueskyBox
    ) -> None:
        sent(client, HELLO)
        hour = next(window for window in sky.windows if window.name == "repo-write-hour")
        used = 5000 - sky.spend(hour, sky.person("brand.example").did, 0).remaining
        booked = {state.name: state for state in client.rate_limits()}["writes-hour"]
        assert booked.limit - booked.remaining == used == 2

    def test_deleting_costs_one_point(self, box: Sandbox, client: Client, sky: BlueskyBox) -> None:
        client.delete(sent(client, HELLO))
        hour = next(window for window in sky.windows if window.name == "repo-write-hour")
        used = 5000 - sky.spend(hour, sky.person("brand.example").did, 0).remaining
        booked = {state.name: state for state in client.rate_limits()}["writes-hour"]
        assert booked.limit - booked.remaining == used == 3

    def test_answers_correct_the_right_budget(self, box: Sandbox, client: Client) -> None:
        sent(client, Post("x", media=[Image(png(), alt="x")]))
        states = {state.name: state for state in client.rate_limits()}
        assert states["requests"].limit == 3000

    def test_requests_are_counted_at_the_accounts_own_server(self, client: Client) -> None:
        sent(client, HELLO)
        owners = {state.owner for state in client.rate_limits() if state.name == "requests"}
        assert f"bluesky|https://{BlueskyBox.pds_host}" in owners

    def test_a_429_says_when(self, box: Sandbox, client: Client) -> None:
        box.fault("429")
        with pytest.raises(errors.RateLimited) as caught:
            client.publish(HELLO, to="sky")
        assert caught.value.retry_at == box.clock.now() + timedelta(seconds=300)
        assert live(box) == []


# --- errors ---
def error_of(status: int, name: str, message: str = "") -> errors.SocialKitError:
    body = json.dumps({"error": name, "message": message}).encode()
    return Bluesky("brand.example").parse_error(base.Response(status, {}, body))


@pytest.mark.parametrize(
    ("status", "name", "message", "kind", "details"),
    [
        (400, "InvalidRequest", "grapheme too big (maximum 300, got 301)", "Declined", {"definite": True}),
        (400, "ExpiredToken", "Token has expired", "ReauthNeeded", {"refreshable": True}),
        (400, "InvalidToken", "Token could not be verified", "ReauthNeeded", {"refreshable": True}),
        (400, "InvalidToken", "Bad token method", "MissingScope", {"refreshable": False}),
        (400, "InvalidToken", "Bad token scope", "MissingScope", {"refreshable": False}),
        (400, "InvalidSwap", "Record was at bafy", "Duplicate", {"definite": False}),
        (400, "BlobNotFound", "Could not find blob: bafk", "Declined", {"definite": True}),
        (400, "InvalidRequest", "Could not find blob: bafk", "Declined", {"definite": True}),
        (400, "InvalidMimeType", "", "Declined", {}),
        (400, "InvalidSize", "", "Declined", {}),
        (400, "BlobTooLarge", "", "Declined", {}),
        (400, "RecordNotFound", "", "Declined", {}),
        (400, "HandleNotFound", "", "Declined", {}),
        (400, "NotFound", "", "Declined", {}),
        (400, "InvalidHandle", "", "Declined", {}),
        (401, "AuthMissing", "", "ReauthNeeded", {"refreshable": True}),
        (401, "AuthenticationRequired", "Invalid identifier or password", "ReauthNeeded", {}),
        (401, "AuthFactorTokenRequired", "", "ReauthNeeded", {"refreshable": False}),
        (401, "AccountTakedown", "", "ReauthNeeded", {"refreshable": False}),
        (400, "AccountDeactivated", "", "ReauthNeeded", {"refreshable": False}),
        (403, "AccountDeactivated", "", "ReauthNeeded", {"refreshable": False}),
        (400, "RepoDeactivated", "", "ReauthNeeded", {"refreshable": False}),
        (400, "RepoTakendown", "", "ReauthNeeded", {"refreshable": False}),
        (403, "ScopeMissingError", 'Missing required scope "repo:x"', "MissingScope", {}),
        (403, "Forbidden", "", "Declined", {}),
        (400, "DailyLimitExceeded", "", "Declined", {"definite": True}),
        (400, "TooManyOpenUploads", "", "Declined", {}),
        (503, "ServiceOverloaded", "", "Unavailable", {}),
        (400, "UploadNotReady", "", "Unavailable", {}),
        (403, "UploadForbidden", "", "Declined", {"definite": True}),
        (400, "VideoTooLarge", "", "Declined", {}),
        (400, "VideoTooLong", "", "Declined", {}),
        (400, "BadAspectRatio", "", "Declined", {}),
        (400, "UnsupportedContentType", "", "Declined", {}),
        (400, "UploadExpired", "", "Declined", {}),
        (400, "MissingParts", "", "Declined", {}),
        (401, "use_dpop_nonce", "", "Unavailable", {"refreshable": False}),
        (401, "invalid_dpop_proof", "", "Unavailable", {"refreshable": False}),
        (403, "RepoTakendown", "", "ReauthNeeded", {"refreshable": False}),
        (408, "RequestTimeout", "", "Unavailable", {}),
        (400, "BadExpiration", "", "Declined", {}),
        (413, "PayloadTooLarge", "request entity too large", "Declined", {"definite": True}),
        (429, "RateLimitExceeded", "Rate Limit Exceeded", "RateLimited", {}),
        (500, "InternalServerError", "Internal Server Error", "Unavailable", {"definite": False}),
        (502, "UpstreamFailure", "", "Unavailable", {"definite": False}),
        (503, "NotEnoughResources", "", "Unavailable", {"definite": False}),
        (504, "UpstreamTimeout", "", "Unavailable", {"definite": False}),
    ],
)
def test_what_an_error_means(
    status: int, name: str, message: str, kind: str, details: dict[str, bool]
) -> None:
    error = error_of(status, name, message)
    assert type(error).__name__ == kind
    assert (error.__dict__["code"], error.__dict__["status"]) == (name, status)
    for detail, value in details.items():
        assert error.__dict__[detail] is value


def test_a_proxys_page_is_an_error_too() -> None:
    page = base.Response(502, {"content-type": "text/html"}, b"<h1>Bad gateway</h1>")
    error = Bluesky("brand.example").parse_error(page)
    assert isinstance(error, errors.Unavailable)
    assert "Bad gateway" in str(error)
    assert from_table(RULES.errors, page, None, "x").__dict__["definite"] is False


def test_limits_are_read_from_the_headers() -> None:
    headers = {
        "ratelimit-limit": "3000",
        "ratelimit-remaining": "7",
        "ratelimit-reset": "1793610300",
        "ratelimit-policy": "3000;w=300",
    }
    reading = Bluesky("brand.example").read_limits(base.Response(200, headers))[0]
    assert (reading.limit, reading.remaining, reading.window) == (3000, 7, 300.0)
    assert reading.resets_at == datetime.fromisoformat("2026-11-02T09:05:00Z")


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("https://pds.example.com/", "https://pds.example.com"),
        ("http://localhost:2583", "http://localhost:2583"),
        ("http://pds.example.com", None),
        (7, None),
    ],
)
def test_the_accounts_own_server_stands_in_its_document(place: Any, found: str | None) -> None:
    other = {"id": "#atproto_labeler", "serviceEndpoint": "https://labels.example.com"}
    own = {"id": "did:plc:brand#atproto_pds", "serviceEndpoint": place}
    assert pds_of({"service": [other, own]}) == found
    assert pds_of({"service": [other]}) is pds_of(None) is None


def test_keys_are_tids() -> None:
    assert tid(0, 0) == "2222222222222"
    assert tid(1_793_610_000_000_000, 3) < tid(1_793_610_000_000_001, 0)


@pytest.mark.parametrize(
    ("permalink", "ours"),
    [
        ("https://bsky.app/profile/brand.example/post/3k", True),
        ("at://did:plc:brand/app.bsky.feed.post/3k", True),
        ("https://mastodon.social/@brand/1", False),
    ],
)
def test_which_links_are_ours(permalink: str, ours: bool) -> None:
    assert Bluesky("brand.example").owns(permalink) is ours
