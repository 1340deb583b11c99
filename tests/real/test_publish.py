"""The library against real servers: what it publishes is there once, whatever becomes of the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_files import VTT, mp4, png
from socialkit import (
    AsyncClient,
    Bluesky,
    Captions,
    Client,
    Image,
    Link,
    Mastodon,
    Poll,
    Post,
    RateLimited,
    ReauthNeeded,
    Status,
    Unavailable,
    Video,
)
from socialkit.adapters.base import Adapter

from .cut_proxy import CutProxy, Mode
from .servers import MastodonMock, Pds, PdsAccount

pytestmark = pytest.mark.real

POST = "app.bsky.feed.post"
COMMITS = r"/xrpc/com\.atproto\.repo\.putRecord|/api/v1/statuses"
UPLOADS = r"/xrpc/com\.atproto\.repo\.uploadBlob|/api/v2/media"
SIGN_IN = r"/xrpc/com\.atproto\.server\.createSession"
RENEWAL = r"/xrpc/com\.atproto\.server\.refreshSession"
LOSSES: list[Mode] = ["cut_before", "cut_after", "fin_after", "half", "hang"]
PICTURE = Image(png(32, 18), alt="A grey rectangle", focus=(0.5, -0.25))


class HurriedClock:
    """The real clock, except that waiting moves it ahead at once instead of taking time."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._ahead += max(0.0, seconds)


@dataclass
class Site:
    """A real server behind a proxy that loses answers, the account on it, and what is really there."""

    adapter: Adapter
    proxy: CutProxy
    texts: Callable[[], list[str]]
    clock: HurriedClock

    def client(self, **options: Any) -> Client:
        return Client({"brand": self.adapter}, **{"store": ":memory:", "clock": self.clock} | options)


# --- the servers ------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def account(pds: Pds) -> PdsAccount:
    """An account of its own for the tests of this file."""
    return pds.create_account("brand.test")


@pytest.fixture
def sky(pds: Pds, account: PdsAccount) -> Iterator[Site]:
    """The PDS."""
    with CutProxy(pds.url, rewrite_host=True) as proxy:
        adapter = Bluesky("brand.test", app_password=account.app_password, server=proxy.url)
        yield Site(adapter, proxy, lambda: [value["text"] for value in records(pds, account)], HurriedClock())


@pytest.fixture
def toots(mastodon: MastodonMock) -> Iterator[Site]:
    """A Mastodon of a release whose repeated keys answer 500: only looking can tell."""
    yield from site_of(mastodon)


@pytest.fixture
def toots_472(mastodon_472: MastodonMock) -> Iterator[Site]:
    """A Mastodon whose idempotency keys hold."""
    yield from site_of(mastodon_472)


def site_of(server: MastodonMock) -> Iterator[Site]:
    with CutProxy(server.url, rewrite_host=True) as proxy:
        adapter = Mastodon(proxy.url, token=server.token)
        yield Site(adapter, proxy, lambda: [plain(one) for one in statuses(server)], HurriedClock())


@pytest.fixture(params=["sky", "toots", "toots_472"])
def site(request: pytest.FixtureRequest) -> Site:
    """Each of the servers."""
    found: Site = request.getfixturevalue(request.param)
    return found


def records(pds: Pds, account: PdsAccount) -> list[dict[str, Any]]:
    """The account's posts as the PDS stores them, newest first."""
    params = {"repo": account.did, "collection": POST, "limit": "100"}
    answer = httpx.get(f"{pds.url}/xrpc/com.atproto.repo.listRecords", params=params, timeout=30)
    return [record["value"] for record in answer.raise_for_status().json()["records"]]


def statuses(server: MastodonMock) -> list[dict[str, Any]]:
    """The account's posts as the server shows them, newest first."""
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}) as http:
        me = http.get("/api/v1/accounts/verify_credentials").json()
        found: list[dict[str, Any]] = http.get(f"/api/v1/accounts/{me['id']}/statuses?limit=40").json()
    return found


def plain(status: dict[str, Any]) -> str:
    return str(status["content"]).removeprefix("<p>").removesuffix("</p>")


def settled(site: Site, client: Client, key: str) -> Status:
    """What a scheduler does: look again whenever the outcome says so."""
    for _ in range(20):
        outcome = client.settle(key)["brand"]
        if outcome.status is not Status.UNKNOWN:
            return outcome.status
        assert outcome.look_again_at is not None
        site.clock.advance((outcome.look_again_at - site.clock.now()).total_seconds())
    raise AssertionError("never settled")


# --- lost answers -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("times", [1, 4], ids=["once", "always"])
@pytest.mark.parametrize("mode", LOSSES)
def test_a_lost_answer_never_makes_a_second_post(site: Site, mode: Mode, times: int) -> None:
    text = f"Lost by {mode}, {times}"
    site.proxy.misbehave(mode, method="POST", path=COMMITS, count=times)
    with site.client(timeout=1) as client:
        client.publish(Post(text), to="brand", idempotency_key=text, errors="return", wait=0)
        status = settled(site, client, text)
        there = site.texts().count(text)
        assert there <= 1
        assert (status is Status.PUBLISHED) == (there == 1), "the record is the truth"
        site.proxy.behave()
        client.publish(Post(text), to="brand", idempotency_key=text)
    assert site.texts().count(text) == 1


@pytest.mark.parametrize("mode", LOSSES)
def test_an_upload_whose_answer_is_lost_is_made_again(
    site: Site, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("mastodon", "bluesky"):
        monkeypatch.setattr(f"socialkit.adapters.{module}.UPLOAD_TIMEOUT", 1.0)
    text = f"Picture, {mode}"
    site.proxy.misbehave(mode, method="POST", path=UPLOADS)
    with site.client(timeout=1) as client:
        client.publish(Post(text, media=[PICTURE]), to="brand", idempotency_key=text)
        client.publish(Post(text, media=[PICTURE]), to="brand", idempotency_key=text)
    assert site.proxy.count("POST", UPLOADS) == (1 if mode == "cut_before" else 2)
    assert site.texts().count(text) == 1


def test_a_thread_whose_second_answer_is_lost_becomes_whole(site: Site) -> None:
    post = Post("first", thread=[Post("second"), Post("third")])
    site.proxy.misbehave("cut_after", method="POST", path=COMMITS, count=4, skip=1)
    with site.client(timeout=1) as client:
        client.publish(post, to="brand", idempotency_key="tale", errors="return", wait=0)
        settled(site, client, "tale")
        site.proxy.behave()
        report = client.publish(post, to="brand", idempotency_key="tale")
    assert len(report["brand"].receipt.part_ids) == 3
    assert [site.texts().count(text) for text in ("first", "second", "third")] == [1, 1, 1]


def test_another_process_settles_what_this_one_lost(site: Site, tmp_path: Path) -> None:
    store = str(tmp_path / "socialkit.db")
    site.proxy.misbehave("cut_after", method="POST", path=COMMITS, count=4)
    with site.client(store=store, timeout=1) as first:
        first.publish(Post("Handed on"), to="brand", idempotency_key="relay", errors="return", wait=0)
    site.proxy.behave()
    with site.client(store=store) as second:
        assert settled(site, second, "relay") is Status.PUBLISHED
        assert second.publish(Post("Handed on"), to="brand", idempotency_key="relay").replayed
    assert site.texts().count("Handed on") == 1


# --- the same on every server -----------------------------------------------------------------------------
def test_posts_are_listed_newest_first_and_deleted_for_good(site: Site) -> None:
    with site.client() as client:
        report = client.publish(Post("one", thread=[Post("two"), Post("three")]), to="brand")
        newest = client.fetch_posts("brand", limit=3)
        client.delete(report)
        client.delete(report)
    assert [post.text for post in newest] == ["three", "two", "one"]
    assert [post.id for post in reversed(newest)] == list(report["brand"].receipt.part_ids)
    assert not {"one", "two", "three"} & set(site.texts())


async def test_the_asynchronous_face_does_the_same(site: Site) -> None:
    async with AsyncClient({"brand": site.adapter}, store=":memory:", clock=site.clock) as client:
        first = await client.publish(Post("Async"), to="brand", idempotency_key="once")
        again = await client.publish(Post("Async"), to="brand", idempotency_key="once")
        assert (again.replayed, again["brand"].receipt) == (True, first["brand"].receipt)
        await client.delete(first)
    assert "Async" not in site.texts()


# --- Bluesky ----------------------------------------------------------------------------------------------
def test_the_pds_stores_links_tags_and_mentions_where_they_stand(
    sky: Site, pds: Pds, account: PdsAccount
) -> None:
    text = "Zum Schiff ⛵ → https://example.com #launch, sagt @brand.test"
    with sky.client() as client:
        plan = client.plan(Post(text, language="de"), to="brand")
        client.publish(plan)
    stored = records(pds, account)[0]
    assert (stored["text"], stored["langs"]) == (text, ["de"])
    features = {spanned(text, facet["index"]): facet["features"][0] for facet in stored["facets"]}
    assert features["https://example.com"]["uri"] == "https://example.com"
    assert features["#launch"]["tag"] == "launch"
    assert features["@brand.test"]["did"] == account.did
    assert [change.code for change in plan["brand"].changes] == ["no_card"]


def spanned(text: str, index: dict[str, int]) -> str:
    return text.encode()[index["byteStart"] : index["byteEnd"]].decode()


def test_the_pds_takes_pictures_cards_labels_and_gates(sky: Site, pds: Pds, account: PdsAccount) -> None:
    link = Link("https://example.com", title="A boat", description="At sea", thumbnail=PICTURE)
    gated = Bluesky.Options(labels=("graphic-media",), replies=("followers",), quotes=False)
    with sky.client() as client:
        client.publish(Post("Pictures", media=[PICTURE] * 2), to="brand")
        client.publish(Post("Card", link=link), to="brand")
        report = client.publish(Post("Gated").variant("bluesky", gated), to="brand")
    labelled, card, pictures = records(pds, account)[:3]
    shown = pictures["embed"]["images"]
    assert [(one["alt"], one["aspectRatio"]) for one in shown] == [
        ("A grey rectangle", {"width": 32, "height": 18})
    ] * 2
    external = card["embed"]["external"]
    assert (external["title"], external["thumb"]["mimeType"]) == ("A boat", "image/png")
    assert labelled["labels"]["values"] == [{"val": "graphic-media"}]
    assert report["brand"].missing == ()


@pytest.mark.parametrize(
    "language",
    ["en", "EN", "de_AT", "zh-Hant-TW", "x-foo", "und", "de-1996", "german", "de-", "pt-BR-abcdefghi", "a-b"],
)
def test_the_plan_and_the_pds_agree_on_languages(
    sky: Site, pds: Pds, account: PdsAccount, language: str
) -> None:
    with sky.client() as client:
        plan = client.plan(Post("x", language=language), to="brand")
        if not plan["brand"].errors:
            client.publish(plan)
            return
    token = pds.call("com.atproto.server.createSession", identifier=account.did, password=account.password)
    note = {"$type": POST, "text": "x", "createdAt": "2026-01-01T00:00:00Z", "langs": [language]}
    place = {"repo": account.did, "collection": POST}
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        pds.call("com.atproto.repo.createRecord", token=token["accessJwt"], **place, record=note)


def test_the_pds_takes_galleries_videos_captions_and_odd_addresses(
    sky: Site, pds: Pds, account: PdsAccount
) -> None:
    closed = Bluesky.Options(replies="nobody", quotes=False)
    moving = Bluesky.Options(presentation="gif", labels=("nudity", "porn"))
    film = Video(mp4(), alt="It sails", captions=[Captions(VTT, "pt_BR")])
    with sky.client() as client:
        client.publish(Post("Gallery", media=[Image(png(9, n + 1), alt="x") for n in range(10)]), to="brand")
        client.publish(Post("Film", media=[film]).variant("bluesky", moving), to="brand")
        client.publish(Post("see https:///x, https://? and (https://example.com/a)"), to="brand")
        report = client.publish(Post("Closed").variant("bluesky", closed), to="brand")
        client.delete(report)
    odd, video, gallery = records(pds, account)[:3]
    assert len(gallery["embed"]["items"]) == 10
    assert (video["embed"]["presentation"], video["embed"]["captions"][0]["lang"]) == ("gif", "pt-BR")
    assert [facet["features"][0]["uri"] for facet in odd["facets"]] == ["https://example.com/a"]


def test_a_reply_knows_its_root_and_a_quote_its_post(sky: Site, pds: Pds, account: PdsAccount) -> None:
    with sky.client() as client:
        tale = client.publish(Post("root", thread=[Post("leaf")]), to="brand")["brand"].receipt
        leaf = tale.parts[0]
        for place in (leaf, leaf.raw["uri"], leaf.url, f"https://bsky.app/profile/brand.test/post/{leaf.id}"):
            client.publish(Post("reply", reply_to=place), to="brand")
            reply = records(pds, account)[0]["reply"]
            assert (reply["root"]["uri"], reply["parent"]["uri"]) == (tale.raw["uri"], leaf.raw["uri"])
        client.publish(Post("quote", quote=tale, media=[PICTURE]), to="brand")
    embed = records(pds, account)[0]["embed"]
    assert embed["$type"] == "app.bsky.embed.recordWithMedia"
    assert embed["record"]["record"]["uri"] == tale.raw["uri"]
    assert len(embed["media"]["images"]) == 1


def test_every_page_of_own_posts_is_read(sky: Site, pds: Pds) -> None:
    busy = pds.create_account("busy.test")
    token = pds.call("com.atproto.server.createSession", identifier=busy.did, password=busy.password)
    value = {"$type": POST, "text": "many", "createdAt": "2026-01-01T00:00:00Z"}
    write = {"$type": "com.atproto.repo.applyWrites#create", "collection": POST, "value": value}
    pds.call("com.atproto.repo.applyWrites", token=token["accessJwt"], repo=busy.did, writes=[write] * 130)
    adapter = Bluesky("busy.test", app_password=busy.app_password, server=sky.proxy.url)
    with Client({"busy": adapter}) as client:
        assert len(client.fetch_posts("busy", limit=1000)) == 130
        assert len(client.fetch_posts("busy", limit=110)) == 110


def test_metrics_that_cannot_be_had_are_rows_with_their_reason(sky: Site) -> None:
    """A PDS alone serves no app.bsky.*: it asks an AppView, and here there is none."""
    with sky.client() as client:
        report = client.publish(Post("Measured"), to="brand")
        posts, whole = client.fetch_metrics(report), client.fetch_account_metrics("brand")
    for row in (posts[0], whole[0]):
        assert isinstance(row.error, Unavailable)
        assert (row.likes, row.followers) == (None, None)


def test_one_sign_in_serves_every_client_on_the_store(sky: Site, tmp_path: Path) -> None:
    store = str(tmp_path / "socialkit.db")
    with sky.client(store=store) as first:
        first.publish(Post("First client"), to="brand")
    with sky.client(store=store) as second:
        second.publish(Post("Second client"), to="brand")
    assert sky.proxy.count("POST", SIGN_IN) == 1


def test_a_session_is_renewed_when_it_ends_and_a_revoked_password_buys_no_new_one(
    sky: Site, pds: Pds, tmp_path: Path
) -> None:
    """By a clock that is hours ahead every token has ended: each request is preceded by a renewal."""
    marina = pds.create_account("marina.test")
    adapter = Bluesky("marina.test", app_password=marina.app_password, server=sky.proxy.url)
    with Client({"marina": adapter}, store=str(tmp_path / "db"), clock=sky.clock) as client:
        client.publish(Post("Signed in"), to="marina")
        sky.clock.advance(3 * 3600)
        client.publish(Post("Renewed"), to="marina")
        assert sky.proxy.count("POST", SIGN_IN) == 1
        assert sky.proxy.count("POST", RENEWAL) > 0
        token = pds.call("com.atproto.server.createSession", identifier=marina.did, password=marina.password)
        pds.call("com.atproto.server.revokeAppPassword", token=token["accessJwt"], name="tests")
        sky.clock.advance(3 * 3600)
        client.publish(Post("The server takes the token in hand until it ends"), to="marina")
    assert sky.proxy.count("POST", SIGN_IN) == 2, "a new session was asked for, and refused"
    stranger = Client({"marina": adapter}, store=":memory:", clock=sky.clock)
    with stranger, pytest.raises(ReauthNeeded, match="app password"):
        stranger.publish(Post("Revoked"), to="marina")


def sign_in_wrongly(pds: Pds, handle: str, times: int) -> None:
    """Somebody else on this machine spends the budget of sign-ins, 30 in five minutes."""
    url = f"{pds.url}/xrpc/com.atproto.server.createSession"
    body = {"identifier": handle, "password": "wrong"}
    with ThreadPoolExecutor(times) as pool:
        list(pool.map(lambda _: httpx.post(url, json=body, timeout=30), range(times)))


def test_a_wrong_app_password_is_told_and_not_tried_until_the_server_refuses(pds_limited: Pds) -> None:
    """The server's answers tell what is left of the budget: the request it would refuse is never sent."""
    sign_in_wrongly(pds_limited, "typo.test", 28)
    with CutProxy(pds_limited.url, rewrite_host=True) as proxy:
        adapter = Bluesky("typo.test", app_password="abcd-efgh-ijkl-mnop", server=proxy.url)
        with Client({"typo": adapter}, store=":memory:", max_wait=1) as client:
            tries = [client.plan(Post("Ahoy"), to="typo")["typo"].error for _ in range(3)]
        statuses = [each.status for each in proxy.delivered("POST", SIGN_IN)]
    assert [type(error) for error in tries] == [ReauthNeeded, ReauthNeeded, RateLimited]
    assert "app password" in str(tries[0])
    assert statuses == [401, 401]


def test_a_sign_in_refused_by_the_limit_says_when_to_come_back(pds_limited: Pds) -> None:
    sign_in_wrongly(pds_limited, "hasty.test", 30)
    account = pds_limited.create_account("hasty.test")
    adapter = Bluesky("hasty.test", app_password=account.app_password, server=pds_limited.url)
    with (
        Client({"hasty": adapter}, store=":memory:", max_wait=1) as client,
        pytest.raises(RateLimited) as caught,
    ):
        client.publish(Post("Ahoy"), to="hasty", idempotency_key="hasty")
    assert caught.value.retry_at is not None
    assert 0 < (caught.value.retry_at - datetime.now(UTC)).total_seconds() <= 301
    assert caught.value.report["hasty"].status is Status.FAILED
    assert records(pds_limited, account) == []


# --- Mastodon ---------------------------------------------------------------------------------------------
def test_a_mastodon_server_stores_every_field(toots: Site, mastodon: MastodonMock) -> None:
    post = Post(
        "Vote",
        media=[PICTURE],
        poll=Poll(["Aye", "Nay"], seconds=3600, multiple=True),
        language="de",
        content_warning="boats",
        visibility="unlisted",
        thread=[Post("follow-up")],
    )
    with toots.client() as client:
        receipt = client.publish(post, to="brand")["brand"].receipt
        client.publish(Post("reply", reply_to=receipt), to="brand")
    reply, follow, first = statuses(mastodon)
    assert (first["spoiler_text"], first["sensitive"], first["visibility"]) == ("boats", True, "unlisted")
    assert first["language"] == "de"
    assert first["media_attachments"][0]["description"] == "A grey rectangle"
    assert [option["title"] for option in first["poll"]["options"]] == ["Aye", "Nay"]
    assert follow["in_reply_to_id"] == reply["in_reply_to_id"] == first["id"]


def test_a_mastodon_post_is_edited_measured_and_found_by_its_address(toots: Site) -> None:
    with toots.client() as client:
        receipt = client.publish(Post("Before"), to="brand")["brand"].receipt
        edited = client.edit(receipt, Post("After", content_warning="edited"))
        client.publish(Post("reply", reply_to=receipt.id), to="brand")
        table = client.fetch_metrics([receipt, receipt.id], account="brand")
        followers = client.fetch_account_metrics("brand")[0].followers
    assert (edited.id, edited.text) == (receipt.id, "After")
    assert toots.texts() == ["reply", "After"]
    assert [(row.likes, row.comments, row.shares) for row in table] == [(0, 1, 0)] * 2
    assert followers == 0


def test_every_page_of_a_mastodon_account_is_read(toots: Site, mastodon: MastodonMock) -> None:
    headers = {"Authorization": f"Bearer {mastodon.token}"}
    with httpx.Client(base_url=mastodon.url, headers=headers) as http:
        ids = [http.post("/api/v1/statuses", json={"status": f"{n}"}).json()["id"] for n in range(45)]
    with toots.client() as client:
        found = client.fetch_posts("brand", limit=100)
    assert [receipt.id for receipt in found] == ids[::-1]


def test_a_scheduled_mastodon_post_waits_and_can_be_called_off(toots: Site) -> None:
    due = datetime.now(UTC) + timedelta(hours=2)
    later = Post("Later").variant("mastodon", Mastodon.Options(scheduled_at=due))
    with toots.client() as client:
        report = client.publish(later, to="brand", idempotency_key="later")
        assert report["brand"].status is Status.SCHEDULED
        client.delete(report)
    assert toots.proxy.delivered("DELETE", "/api/v1/scheduled_statuses/.*")[0].status == 200
    assert toots.texts() == []


def test_a_mastodon_limit_is_waited_for(toots: Site, mastodon: MastodonMock) -> None:
    mastodon.fault({"type": "ratelimit"}, method="POST", path="/api/v1/statuses")
    with toots.client(max_wait=600) as client:
        client.publish(Post("Patient"), to="brand")
    assert [each.status for each in toots.proxy.delivered("POST", COMMITS)] == [429, 200]
