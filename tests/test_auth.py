"""Credentials: renewed once however many want it, saved before use; no session dies by our doing."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from processes import Child, FileClock, nursery
from recording import Recorder
from socialkit import (
    App,
    AsyncClient,
    AuthError,
    Bluesky,
    Client,
    IdentityClash,
    Post,
    RateLimited,
    ReauthNeeded,
    Unavailable,
    X,
)
from socialkit.adapters._signed_in import signed_in_class
from socialkit.adapters.base import Adapter, Credential
from socialkit.auth import Keychain
from socialkit.call import BoundCall
from socialkit.flows import CodeFlow, KeyFlow, Renewal
from socialkit.model import Identity
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, MemoryTokens
from socialkit.testing import ManualClock

LIFE = 7200
ME = {"x": "/2/users/me", "bluesky": "/xrpc/com.atproto.server.getSession"}
TOKEN = {"x": "/2/oauth2/token", "bluesky": "/xrpc/com.atproto.server.refreshSession"}
PLATFORMS = ["x", "bluesky"]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["x", "bluesky"]) as box:
        yield box


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


async def me(client: AsyncClient, name: str = "x") -> str:
    """Who the platform says the account is."""
    account = client._accounts.named(name)
    told = (await BoundCall(account).read("GET", ME[account.adapter.platform])).json()
    return str(told.get("handle") or told["data"]["username"])


def statuses(box: Sandbox, path: str) -> list[int | str]:
    """What the requests to a path were answered."""
    return [line.status for line in box.requests if line.path == path]


def renewals(box: Sandbox, name: str = "x") -> int:
    return len(statuses(box, TOKEN[name]))


async def renewed(box: Sandbox, client: AsyncClient, name: str = "x") -> None:
    """Come to a token whose end is known, with no request behind it."""
    await me(client, name)
    box.clock.advance(LIFE)
    await me(client, name)
    box.requests.clear()


# --- once -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PLATFORMS)
async def test_tasks_whose_token_is_refused_renew_it_once(
    box: Sandbox, store: MemoryStore, name: str
) -> None:
    async with box.async_client(store=store) as client:
        await renewed(box, client, name)
        box.fault("clock-skew", platform=name, seconds=LIFE)  # by our clock it lives
        assert len({*await asyncio.gather(*(me(client, name) for _ in range(20)))}) == 1
    assert renewals(box, name) == 1
    refused = [status for status in statuses(box, ME[name]) if status != 200]
    assert 1 <= len(refused) <= 20


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_known_end_is_met_before_it_comes(box: Sandbox, store: MemoryStore, name: str) -> None:
    async with box.async_client(store=store) as client:
        await renewed(box, client, name)
        box.clock.advance(LIFE - 31)
        await me(client, name)
        assert renewals(box, name) == 0
        box.clock.advance(2)
        await asyncio.gather(*(me(client, name) for _ in range(20)))
    assert renewals(box, name) == 1
    assert set(statuses(box, ME[name])) == {200}


async def test_a_token_of_a_short_life_is_used_for_most_of_it(box: Sandbox, store: MemoryStore) -> None:
    box.x.access_seconds = 20
    async with box.async_client(store=store) as client:
        await renewed(box, client)
        for _ in range(40):
            await me(client)
            box.clock.advance(1)
    assert renewals(box) == 2
    assert set(statuses(box, ME["x"])) == {200}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_clients_on_one_store_use_each_others_token(
    box: Sandbox, store: MemoryStore, name: str
) -> None:
    async with box.async_client(store=store) as one, box.async_client(store=store) as other:
        await me(other, name)
        await renewed(box, one, name)
        await me(other, name)
        assert renewals(box, name) == 0
        box.requests.clear()
        box.clock.advance(LIFE)
        await asyncio.gather(*(me(client, name) for client in (one, other) for _ in range(5)))
        assert renewals(box, name) == 1
        box.clock.advance(LIFE)
        await me(one, name)
        box.clock.advance(LIFE)
        await me(other, name)  # what it finds in the store has ended too
    assert renewals(box, name) == 3
    assert set(statuses(box, ME[name])) == {200}


def test_threads_with_loops_of_their_own_renew_once(box: Sandbox, tmp_path: Path) -> None:
    start, who, adapters, path = threading.Barrier(4), [], box.accounts(), str(tmp_path / "socialkit.db")

    async def one() -> None:
        made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "store": path}
        async with AsyncClient(adapters, **made) as client:
            await asyncio.to_thread(start.wait)
            who.append(await me(client))

    box.clock.advance(LIFE)
    threads = [threading.Thread(target=lambda: asyncio.run(one())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (who, renewals(box)) == (["brand"] * 4, 1)


class CountedTokens(MemoryTokens):
    locks = 0

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        self.locks += 1
        return super().lock(identity)


async def test_tasks_of_a_client_share_one_renewal_and_its_lock(box: Sandbox) -> None:
    tokens = CountedTokens()
    async with box.async_client(tokens=tokens) as client:
        await renewed(box, client)
        tokens.locks = 0
        box.clock.advance(LIFE)
        await asyncio.gather(*(me(client) for _ in range(20)))
    assert (tokens.locks, renewals(box)) == (1, 1)


# --- lost, refused, left out ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["dropped-before", "dropped-after", "stored-then-hang", "stored-then-500"])
async def test_after_a_lost_answer_the_token_in_hand_serves_until_it_ends(
    box: Sandbox, store: MemoryStore, fault: str
) -> None:
    two = [box.async_client(store=store, timeout=5.0) for _ in range(2)]
    async with two[0] as client, two[1] as other:
        await renewed(box, client)
        box.clock.advance(LIFE - 20)
        box.fault(fault, match=f"POST {TOKEN['x']}")
        for one in (client, other, client):
            assert await me(one) == "brand"
        assert renewals(box) == 1
        box.clock.advance(20)
        for one in (client, other):
            with pytest.raises(
                ReauthNeeded, match=r"answer to a renewal of the x token was lost.*sign in again"
            ):
                await me(one)
    assert renewals(box) == 1
    assert set(statuses(box, ME["x"])) == {200}


async def test_a_lost_answer_at_the_end_says_at_once_that_a_sign_in_is_needed(
    box: Sandbox, store: MemoryStore
) -> None:
    async with box.async_client(store=store) as client:
        box.clock.advance(LIFE)
        box.fault("dropped-after", match=f"POST {TOKEN['x']}")
        outcome = (await client.publish(Post("We ship"), to="x", errors="return"))["x"]
        assert isinstance(outcome.error, ReauthNeeded)
        assert "was lost" in str(outcome.error)
    async with box.async_client(store=store) as client:  # signed in again: the same name, new tokens
        await client.publish(Post("We ship"), to="x")
    assert [entry.text for entry in box.timeline("x")] == ["We ship"]


@pytest.mark.parametrize("answer", ["<p>busy</p>", {"token_type": "bearer"}])
async def test_an_answer_that_cannot_be_read_is_a_lost_one(
    box: Sandbox, store: MemoryStore, answer: str | dict[str, str]
) -> None:
    wire = Recorder(box.transport)
    async with AsyncClient(box.accounts(), transport=wire, clock=box.clock, store=store) as client:
        await renewed(box, client)
        box.clock.advance(LIFE - 20)
        wire.say("POST", TOKEN["x"], 200, answer)
        assert await me(client) == "brand"
        box.clock.advance(20)
        with pytest.raises(ReauthNeeded, match="was lost"):
            await me(client)


async def test_where_the_old_token_gives_the_same_successor_a_lost_answer_costs_nothing(
    box: Sandbox, store: MemoryStore
) -> None:
    async with box.async_client(store=store) as client:
        await renewed(box, client, "bluesky")
        box.clock.advance(LIFE)
        box.fault("dropped-after", match=f"POST {TOKEN['bluesky']}", times=2)
        await me(client, "bluesky")
    assert renewals(box, "bluesky") == 3
    assert statuses(box, "/xrpc/com.atproto.server.createSession") == []


class Cut(httpx.AsyncBaseTransport):
    """No connection to the token endpoint while ``down``."""

    down = True
    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.down and request.url.path == TOKEN["x"]:
            raise httpx.ConnectError("refused")
        return await self.inner.handle_async_request(request)


@pytest.mark.parametrize("down", [True, False])
async def test_what_spent_nothing_is_tried_again(box: Sandbox, store: MemoryStore, down: bool) -> None:
    wire = Cut(box.transport)
    async with AsyncClient(box.accounts(), transport=wire, clock=box.clock, store=store) as client:
        wire.down = False
        await renewed(box, client)
        wire.down = down
        if not down:
            box.fault("429", match=f"POST {TOKEN['x']}", times=2)
        box.clock.advance(LIFE - 20)
        assert await me(client) == "brand", "the token in hand serves"
        box.clock.advance(20)
        with pytest.raises(Unavailable if down else RateLimited):
            await client._accounts.named("x").credential()
        wire.down = False
        assert await me(client) == "brand"
    assert statuses(box, TOKEN["x"]).count(200) == 1


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_session_ended_by_its_owner_needs_a_sign_in(
    box: Sandbox, store: MemoryStore, name: str
) -> None:
    async with box.async_client(store=store) as client:
        await renewed(box, client, name)
        box.x.refreshes.clear()
        box.bluesky.sessions.clear()
        box.bluesky.person("brand.example").app_passwords.clear()
        box.clock.advance(LIFE)
        for _ in range(2):
            with pytest.raises(ReauthNeeded):
                await me(client, name)
    assert statuses(box, ME[name]) == []


async def test_an_answer_without_a_refresh_token_keeps_the_old_one(box: Sandbox, store: MemoryStore) -> None:
    wire, adapter = Recorder(box.transport), X(**box.x.credentials())
    async with AsyncClient({"x": adapter}, transport=wire, clock=box.clock, store=store) as client:
        await renewed(box, client)
        box.clock.advance(LIFE)
        wire.say("POST", TOKEN["x"], 200, {"access_token": box.x.token("brand"), "expires_in": LIFE})
        await me(client)
        box.clock.advance(LIFE)
        await me(client)
    first, second = (request.content for request in wire.requests("POST", TOKEN["x"])[-2:])
    assert first == second, "the same refresh token"
    assert set(statuses(box, ME["x"])) == {200}


def test_a_client_that_is_left_hears_the_answer_to_its_renewal(box: Sandbox, store: MemoryStore) -> None:
    adapters = box.accounts()
    made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "store": store}

    async def leave() -> None:
        async with AsyncClient(adapters, **made) as client:
            await renewed(box, client)
            box.clock.advance(LIFE)
            box.fault("slow", match=f"POST {TOKEN['x']}", seconds=3)
            asking = asyncio.create_task(me(client))
            await under_way(client)
            asking.cancel()

    async def come_back() -> str:
        async with AsyncClient(adapters, **made) as client:
            return await me(client)

    asyncio.run(leave())
    assert asyncio.run(come_back()) == "brand"
    assert renewals(box) == 1


async def under_way(client: AsyncClient) -> None:
    """Until a renewal has begun, as the store tells."""
    keychain = client._accounts.named("x").keychain
    while "renewing" not in (await keychain._stored() or keychain.held).extra:  # noqa: ASYNC110 - nothing signals it
        await asyncio.sleep(0)


# --- whose, and which -------------------------------------------------------------------------------------------------
async def test_another_account_that_answers_is_a_clash(box: Sandbox, store: MemoryStore) -> None:
    box.x.add_person("other")
    async with box.async_client(store=store) as client:
        await client.publish(Post("We ship"), to="x")
        box.clock.advance(LIFE)
        for token, grant in [*box.x.refreshes.items()]:
            box.x.refreshes[token] = attrs.evolve(grant, username="other")
        outcome = (await client.publish(Post("More"), to="x", errors="return"))["x"]
    assert isinstance(outcome.error, IdentityClash)
    assert str(outcome.error).startswith("x: the credential belongs to other, but this account is brand")
    assert len(box.timeline("x")) == 1


async def test_a_new_password_beats_the_session_of_the_old_one(box: Sandbox, store: MemoryStore) -> None:
    made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "store": store}
    box.bluesky.person("brand.example").app_passwords["new"] = ("abcd-efgh-ijkl-mnop", False)
    for password in (box.bluesky.app_password("brand.example"), "abcd-efgh-ijkl-mnop"):
        for _ in range(2):
            adapter = Bluesky("brand.example", app_password=password)
            async with AsyncClient({"bluesky": adapter}, **made) as client:
                await me(client, "bluesky")
    assert statuses(box, "/xrpc/com.atproto.server.createSession") == [200, 200], "one for each password"


# --- signed in --------------------------------------------------------------------------------------------------------
SOMEBODY = Identity("beacon", "https://api.example.com", "7", "brand")
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
CODE = CodeFlow(
    name="oauth2",
    title="Beacon",
    server=SOMEBODY.server,
    authorize_url="/authorize",
    token_url="/token",
    rotation="strict",
)
SELF = attrs.evolve(
    CODE, name="self", rotation="none", renewal=Renewal(by="access_token", early=7 * 86400.0, min_age=86400.0)
)
KEY = KeyFlow(name="key", title="", asks=(), fills={}, server=SOMEBODY.server)
HELD = Credential("oauth2", access_token="t0ken", refresh_token="r0fresh", extra={"flow": "oauth2"})
BY_ITSELF = Credential("oauth2", access_token="t0ken", extra={"flow": "self", "renews": "access_token"})


class Moment:
    """A clock and a platform that renews, or refuses to."""

    def __init__(self, tokens: MemoryTokens, adapter: Adapter | None = None) -> None:
        self.at, self.asked = START, 0
        self.refusal: Exception | None = None
        made = signed_in_class("beacon", "Beacon", (CODE, SELF, KEY)).signed_in(SOMEBODY)
        self.keychain = Keychain(adapter or made, tokens, lambda: self.at)

    async def renew(self, old: Credential) -> Credential:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal
        ends = self.at + timedelta(days=60)
        return attrs.evolve(old, access_token=f"t0ken-{self.asked}", expires_at=ends)

    async def token(self) -> str | None:
        return (await self.keychain.current(self.renew)).access_token

    async def refused(self) -> str | None:
        """The token after the platform said that the one in hand is none."""
        return (await self.keychain.renewed(self.keychain.held, self.renew)).access_token


@pytest.fixture
def tokens() -> MemoryTokens:
    return MemoryTokens()


async def test_a_sign_in_is_found_under_who_signed_in(tokens: MemoryTokens) -> None:
    moment = Moment(tokens)
    with pytest.raises(ReauthNeeded, match="not signed in to beacon"):
        await moment.token()
    tokens.save(SOMEBODY, HELD)
    assert await moment.token() == "t0ken", "it looks again where nothing was"
    assert await moment.refused() == "t0ken-1"
    kept = tokens.load(SOMEBODY)
    assert kept is not None
    assert (kept.access_token, kept.issued, kept.refresh_token) == ("t0ken-1", 1, "r0fresh")


@pytest.mark.parametrize("held", [HELD, Credential("bearer", access_token="k0y", extra={"flow": "key"})])
async def test_signing_in_again_elsewhere_is_noticed_when_the_old_token_is_refused(
    tokens: MemoryTokens, held: Credential
) -> None:
    tokens.save(SOMEBODY, held)
    moment = Moment(tokens)
    await moment.token()
    tokens.save(SOMEBODY, attrs.evolve(held, access_token="fresh", issued=1))
    assert (await moment.refused(), moment.asked) == ("fresh", 0)


async def test_what_is_stored_for_who_signed_in_counts_whatever_it_was_made_of(tokens: MemoryTokens) -> None:
    tokens.save(SOMEBODY, attrs.evolve(HELD, extra={**HELD.extra, "seed": "of another secret"}))
    assert await Moment(tokens).token() == "t0ken"


async def test_signing_out_elsewhere_is_noticed_too(tokens: MemoryTokens) -> None:
    tokens.save(SOMEBODY, HELD)
    moment = Moment(tokens)
    await moment.token()
    tokens.save(SOMEBODY, Credential("none", issued=1))
    for ask in (moment.refused, moment.token):
        with pytest.raises(ReauthNeeded, match="not signed in"):
            await ask()
    assert moment.asked == 0


async def test_a_plain_key_is_never_renewed(tokens: MemoryTokens) -> None:
    tokens.save(SOMEBODY, Credential("bearer", access_token="k0y", extra={"flow": "key"}))
    moment = Moment(tokens)
    assert await moment.token() == "k0y"
    with pytest.raises(ReauthNeeded, match="no longer accepted"):
        await moment.refused()
    assert moment.asked == 0


@pytest.mark.parametrize(
    ("credential", "renewable"),
    [
        (HELD, True),
        (attrs.evolve(HELD, refresh_token=None), False),
        (BY_ITSELF, True),
        (attrs.evolve(BY_ITSELF, extra={**BY_ITSELF.extra, "account": "page"}), False),
        (Credential("bearer", access_token="t", secret="pw", extra={"renews": "password"}), True),
        (Credential("bearer", access_token="t", extra={"renews": "password"}), False),
        (Credential("session", secret="pw"), True),
        (Credential("oauth1", access_token="t", secret="s"), False),
    ],
)
def test_what_can_be_renewed_without_a_person(credential: Credential, renewable: bool) -> None:
    assert Keychain.renewable(credential) is renewable


async def test_a_token_that_renews_itself_has_to_be_old_enough_and_alive(tokens: MemoryTokens) -> None:
    since = (START + timedelta(days=1)).isoformat()
    extra = {**BY_ITSELF.extra, "early": str(7 * 86400), "renewable_at": since}
    tokens.save(SOMEBODY, attrs.evolve(BY_ITSELF, expires_at=START + timedelta(days=5), extra=extra))
    moment = Moment(tokens)
    assert await moment.token() == "t0ken", "early enough, but too young"
    with pytest.raises(ReauthNeeded):
        await moment.refused()
    moment.at += timedelta(days=1)
    assert await moment.token() == "t0ken-1"
    assert moment.keychain.held.extra["early"] == str(7 * 86400), "as the flow has it"
    moment.at += timedelta(days=61)
    with pytest.raises(ReauthNeeded):
        await moment.refused()
    assert moment.asked == 1, "a token that ended cannot renew itself"


async def test_a_renewal_that_fails_early_is_not_tried_at_every_call(tokens: MemoryTokens) -> None:
    extra = {**BY_ITSELF.extra, "early": str(7 * 86400)}
    tokens.save(SOMEBODY, attrs.evolve(BY_ITSELF, expires_at=START + timedelta(days=5), extra=extra))
    moment = Moment(tokens)
    moment.refusal = Unavailable("down")
    for _ in range(10):
        assert await moment.token() == "t0ken"
    assert moment.asked == 1
    moment.at += timedelta(hours=1)
    await moment.token()
    assert moment.asked == 2


async def test_an_app_that_is_refused_costs_no_sign_in(tokens: MemoryTokens) -> None:
    tokens.save(SOMEBODY, HELD)
    moment = Moment(tokens)
    moment.refusal = AuthError("the app is unknown", definite=True)
    await moment.token()
    with pytest.raises(AuthError, match="the app is unknown"):
        await moment.refused()
    kept = tokens.load(SOMEBODY)
    assert kept is not None
    assert "renewing" not in kept.extra
    moment.refusal = None
    assert await moment.refused() == "t0ken-2"


@pytest.mark.parametrize(("definite", "lost"), [(True, False), (False, True)])
async def test_the_flow_says_whether_a_lost_answer_loses_the_sign_in(
    tokens: MemoryTokens, definite: bool, lost: bool
) -> None:
    tokens.save(SOMEBODY, HELD)
    moment = Moment(tokens)
    moment.refusal = Unavailable("what?", status=200, definite=definite)
    await moment.token()
    with pytest.raises(ReauthNeeded if lost else Unavailable):
        await moment.refused()


async def signed_in_x(box: Sandbox, **fields: Any) -> AsyncClient:
    """A client whose account signed in to X, with these fields of its credential."""
    tokens, who = MemoryTokens(), Identity("x", "https://api.x.com", box.x.people["brand"].id, "brand")
    held = Credential("oauth2", access_token=box.x.token("brand"), extra={"flow": "oauth2"})
    tokens.save(who, attrs.evolve(held, **fields))
    made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "tokens": tokens}
    return AsyncClient({"brand": X.signed_in(who)}, **made)


async def test_a_dead_sign_in_says_the_command_that_repairs_it(box: Sandbox) -> None:
    async with await signed_in_x(box, access_token="gone") as client:
        with pytest.raises(ReauthNeeded) as caught:
            await me(client, "brand")
    assert caught.value.next_step == "socialkit login x --name brand"
    assert "gone" not in str(caught.value)


async def test_another_account_than_the_one_that_signed_in_is_a_clash(box: Sandbox) -> None:
    if "other" not in box.x.people:
        box.x.add_person("other")
    async with await signed_in_x(box, access_token=box.x.token("other")) as client:
        with pytest.raises(IdentityClash, match="belongs to other, but this account is brand"):
            await client._accounts.named("brand").ready()


@pytest.mark.parametrize(
    ("days", "fields", "told"),
    [
        (3, {}, "in 3 days"),
        (1, {}, "in one day"),
        (8, {}, None),
        (3, {"refresh_token": "r0fresh"}, None),
    ],
)
async def test_the_end_of_a_sign_in_is_told_once(
    box: Sandbox, caplog: pytest.LogCaptureFixture, days: int, fields: dict[str, Any], told: str | None
) -> None:
    ends = box.clock.now() + timedelta(days=days)
    async with await signed_in_x(box, expires_at=ends, **fields) as client:
        for _ in range(3):
            await me(client, "brand")
    words = [record.getMessage() for record in caplog.records if record.name == "socialkit"]
    line = f"brand: the sign-in ends {told} and cannot be renewed: socialkit login x --name brand"
    assert words == ([line] if told else [])


# --- clocks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("ahead", [-600, -5, 5, 600])
async def test_a_token_ends_by_the_servers_clock(
    box: Sandbox, store: MemoryStore, name: str, ahead: float
) -> None:
    box.fault("clock-skew", platform=name, seconds=ahead)
    async with box.async_client(store=store) as client:
        await renewed(box, client, name)
        for _ in range(3):
            box.clock.advance(LIFE - 40)
            await me(client, name)
            box.clock.advance(20)
            await me(client, name)
    assert renewals(box, name) == 3
    assert set(statuses(box, ME[name])) == {200}


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_token_called_expired_though_it_lives_is_renewed_once(
    box: Sandbox, store: MemoryStore, name: str
) -> None:
    async with box.async_client(store=store) as client:
        await renewed(box, client, name)
        box.fault("expired-token", match=f"GET {ME[name]}")
        await me(client, name)
        assert [len(statuses(box, ME[name])), renewals(box, name)] == [2, 1]
        box.fault("expired-token", match=f"GET {ME[name]}", times=2)
        with pytest.raises(ReauthNeeded):
            await me(client, name)
    assert [len(statuses(box, ME[name])), renewals(box, name)] == [4, 2]


async def test_without_an_access_token_one_is_fetched_first(box: Sandbox, store: MemoryStore) -> None:
    given = box.x.credentials()
    given["token"] = None
    made: dict[str, Any] = {"transport": box.transport, "clock": box.clock, "store": store}
    async with AsyncClient({"x": X(**given)}, **made) as client:
        await me(client)
    assert (renewals(box), statuses(box, ME["x"])) == (1, [200])


# --- processes --------------------------------------------------------------------------------------------------------
class SharedClock(ManualClock):
    """The sandbox's clock and that of every process, moved as one."""

    def __init__(self, path: Path) -> None:
        super().__init__(autojump=False)
        path.write_bytes(bytes(8))
        self.file = FileClock(str(path))
        self.file.show(self._start.timestamp())

    def monotonic(self) -> float:
        return self.file.monotonic() - self._start.timestamp()

    def move(self, seconds: float) -> None:
        self.file.show(self.file.monotonic() + seconds)


PROCESSES, CALLS = 8, 10_000


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[SharedClock]:
    clock = SharedClock(tmp_path / "clock")
    yield clock
    clock.file.close()


@pytest.fixture
def served(tmp_path: Path, clock: SharedClock) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """A served sandbox whose clock all processes share, and the task of calling it."""
    with Sandbox(["x"], clock=clock) as box, box.serve() as url:
        box.x.windows = ()
        yield (
            box,
            {
                "url": url,
                "clock": str(tmp_path / "clock"),
                "store": str(tmp_path / "socialkit.db"),
                "accounts": {"brand": ["x", box.x.credentials(f"{url}/x")]},
                "to": "brand",
            },
        )


def signed_in(box: Sandbox, task: dict[str, Any], clock: SharedClock) -> dict[str, Any]:
    """The task for an account that somebody signed in to, in two calls."""
    x, server, back = box.x, f"{task['url']}/x", "https://app.example.com/callback"
    apps = {"x": App(**x.app_for("oauth2", back))}
    with Client(apps=apps, store=task["store"], clock=clock) as client:
        login = client.begin_login("x", redirect_uri=back, server=server)
        who = client.finish_login(login, x.approve(login.url)).identity
    return {**task, "accounts": {"brand": ["x", [who.server, who.id]]}}


@pytest.mark.parametrize("given", ["tokens", "a sign-in"])
def test_processes_on_one_account_renew_once_per_expiry(
    served: tuple[Sandbox, dict[str, Any]], clock: SharedClock, given: str
) -> None:
    box, task = served
    if given == "a sign-in":
        task = signed_in(box, task, clock)
        box.requests.clear()
    box.x.access_seconds = 1
    with nursery() as children:
        callers = [children.start("call_on_and_on", **task) for _ in range(PROCESSES)]
        expiries = 0
        for moves in itertools.count():
            calls = sum(calls_since(child, clock) for child in callers)
            if calls >= CALLS:
                break
            clock.move(1)
            expiries = moves + 1
        for child in callers:
            child.tell(stop=True)
        made = sum(child.result() for child in callers)  # type: ignore[misc]
    lines = list(box.requests)
    tokens = [line.status for line in lines if line.path == TOKEN["x"]]
    refused = sum(line.status == 401 for line in lines)
    assert made >= CALLS, "no call of theirs failed"
    assert tokens == [200] * expiries
    print(
        f"{made} calls of {PROCESSES} processes over {expiries} expiries: {len(tokens)} renewals, {refused} 401s cured"
    )


def test_a_process_killed_while_it_renews_costs_no_more_than_a_sign_in(
    served: tuple[Sandbox, dict[str, Any]], clock: SharedClock
) -> None:
    box, task = served
    with nursery() as children:
        first, second = (children.start("call_on_and_on", **task) for _ in range(2))
        assert calls_since(first, clock)
        clock.move(LIFE)
        assert calls_since(first, clock)
        assert calls_since(second, clock), "both hold a token whose end is known"
        box.fault("stored-then-hang", match=f"POST {TOKEN['x']}")
        clock.move(LIFE - 20)
        while "hung" not in statuses(box, TOKEN["x"]):
            time.sleep(0.001)
        for child in (first, second):
            child.close()
        third = children.start("call_on_and_on", **task)
        assert calls_since(third, clock), "the token in hand serves"
        clock.move(20)
        assert "sign in again" in last_words(third)
    assert statuses(box, TOKEN["x"]) == [200, "hung"]


def last_words(child: Child) -> str:
    """The error its job ended with."""
    while (message := child.next()) and message["event"] != "done":
        pass
    assert message is not None
    return str(message["error"])


def calls_since(child: Child, clock: SharedClock) -> int:
    """Wait for a few calls that began after the clock's last move; how many the child has made in all."""
    for _ in range(3):
        while (told := child.wait_for("called")) and told["moment"] < clock.file.monotonic():
            pass
    assert told is not None
    return int(told["calls"])
