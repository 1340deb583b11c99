"""Every platform of the registry, every way to sign in to it: begin, a person of the sandbox acts, finish, go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from socialkit import registry
from socialkit.auth import Account, App, Keychain, Login
from socialkit.client import AsyncClient, Client
from socialkit.errors import LoginFailed, ReauthNeeded
from socialkit.flows import AppPasswordFlow, CodeFlow, Flow, MiAuthFlow, OAuth1Flow
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

REDIRECT = "https://app.example.com/callback"
BROWSER = (AppPasswordFlow, CodeFlow, MiAuthFlow, OAuth1Flow)


@attrs.frozen
class Row:
    """One way to sign in to one platform."""

    platform: str
    flow: Flow

    @property
    def renewable(self) -> bool:
        """Whether a token that ended is followed by another one without a person."""
        renewal = getattr(self.flow, "renewal", None)
        return self.flow.kind == "session" or (renewal is not None and renewal.by == "refresh_token")

    def __str__(self) -> str:
        return f"{self.platform}-{self.flow.name}"


ROWS = [Row(name, flow) for name in registry.sign_in_platforms() for flow in registry.flows(name)]
rows = pytest.mark.parametrize("row", ROWS, ids=str)
browser_rows = pytest.mark.parametrize("row", [row for row in ROWS if isinstance(row.flow, BROWSER)], ids=str)


class World:
    """One platform's sandbox, and a store that clients of it share as processes of one machine do."""

    def __init__(self, row: Row) -> None:
        self.row, self.store = row, MemoryStore()
        self.sandbox = Sandbox([row.platform])
        self.box: Any = self.sandbox[row.platform]
        if row.renewable and row.flow.rotation != "none":
            self.box.access_seconds = 3600.0

    def options(self) -> dict[str, Any]:
        app = App(**{"flow": self.row.flow.name, **self.box.app_for(self.row.flow.name, REDIRECT)})
        place = {"transport": self.sandbox.transport, "clock": self.sandbox.clock, "store": self.store}
        return {"apps": {self.row.platform: app}, **place}

    def where(self) -> dict[str, Any]:
        return {"redirect_uri": REDIRECT, "server": self.box.address()}

    def act(self, login: Login, username: str = "brand", untick: tuple[str, ...] = ()) -> Any:
        """What the person does, and what comes of it: a callback, what was pasted, or nothing."""
        if login.asks:
            return self.box.answers(login.flow, username)
        if login.user_code is not None:
            self.box.approve_device(login.user_code, username)
            return ""
        assert login.url is not None
        return self.box.approve(login.url, username, untick=untick)


@pytest.fixture
def world(row: Row) -> Iterator[World]:
    made = World(row)
    with made.sandbox:
        yield made


@pytest.fixture
async def client(world: World) -> Any:
    async with AsyncClient(**world.options()) as made:
        yield made


async def signed_in(world: World, client: AsyncClient, **act: Any) -> Account:
    login = await client.begin_login(world.row.platform, **world.where())
    return await client.finish_login(login, world.act(login, **act))


async def asked(world: World, account: Account) -> Any:
    """Who another process on the store is told the account is."""
    fresh = registry.account_class(world.row.platform).signed_in(account.identity)
    async with AsyncClient({"brand": fresh}, **world.options()) as other:
        return (await other._accounts.named("brand").ask()).identity


def test_no_platform_is_missing() -> None:
    assert (
        {row.platform for row in ROWS} == set(registry.sign_in_platforms()) == set(registry.sandbox_boxes())
    )


@rows
async def test_who_signs_in_is_who_the_account_is(world: World, client: AsyncClient) -> None:
    account = await signed_in(world, client)
    assert account.identity.id == world.box.identity_of("brand")
    assert account.missing_scopes == ()
    assert account.credential.extra["flow"] == world.row.flow.name
    assert await asked(world, account) == account.identity


@rows
def test_plain_code_signs_in_the_same_way_and_the_login_travels_as_json(world: World) -> None:
    with Client(**world.options()) as client:
        login = client.begin_login(world.row.platform, **world.where())
        told = world.act(login, username="other")
        account = client.finish_login(login.to_dict(), told)
    assert account.identity.id == world.box.identity_of("other") != world.box.identity_of("brand")


@rows
async def test_a_login_has_an_address_to_open_or_none(world: World, client: AsyncClient) -> None:
    login = await client.begin_login(world.row.platform, **world.where())
    assert login.url is None or (login.url.startswith("https://") and " " not in login.url)


@rows
async def test_a_login_is_finished_once(world: World, client: AsyncClient) -> None:
    login = await client.begin_login(world.row.platform, **world.where())
    told = world.act(login)
    await client.finish_login(login, told)
    with pytest.raises(LoginFailed) as caught:
        await client.finish_login(login, told)
    assert caught.value.reason == "repeated"


@rows
async def test_a_login_ends(world: World, client: AsyncClient) -> None:
    login = await client.begin_login(world.row.platform, **world.where())
    told = world.act(login)
    world.sandbox.clock.advance((login.expires_at - world.sandbox.clock.now()).total_seconds())
    with pytest.raises(LoginFailed) as caught:
        await client.finish_login(login, told)
    assert caught.value.reason == "expired"


@browser_rows
async def test_a_person_may_say_no(world: World, client: AsyncClient) -> None:
    login = await client.begin_login(world.row.platform, **world.where())
    with pytest.raises(LoginFailed) as caught:
        await client.finish_login(login, world.box.deny(login.url))
    assert caught.value.reason == "denied"


@browser_rows
async def test_the_callback_of_another_login_is_forged_and_leaves_this_one_good(
    world: World, client: AsyncClient
) -> None:
    login, other = [await client.begin_login(world.row.platform, **world.where()) for _ in range(2)]
    with pytest.raises(LoginFailed) as caught:
        await client.finish_login(login, world.act(other, username="other"))
    assert caught.value.reason == "forged"
    assert (await client.finish_login(login, world.act(login))).identity.id == world.box.identity_of("brand")


def unticked(flow: Flow, login: Login) -> str | None:
    """A scope the person can leave out: asked for, in no other one, not needed to tell who signs in."""
    kept = {*flow.always, *flow.scopes.get("identify", ())}
    free = [scope for scope in login.scopes if scope not in kept]
    inside = {inner for scope in login.scopes for inner in flow.implied.get(scope, ())}
    return next((scope for scope in free if scope not in inside), None)


@browser_rows
async def test_a_scope_that_was_left_out_is_missing(world: World, client: AsyncClient) -> None:
    login = await client.begin_login(world.row.platform, **world.where())
    scope = unticked(world.row.flow, login)
    if scope is None:
        assert (await client.finish_login(login, world.act(login))).missing_scopes == ()
        return
    account = await client.finish_login(login, world.act(login, untick=(scope,)))
    told = account.credential.scopes and world.box.unticks
    assert scope in account.missing_scopes or not told


@pytest.mark.parametrize("row", [row for row in ROWS if row.renewable], ids=str)
async def test_a_token_that_ended_is_renewed_by_the_next_call(world: World, client: AsyncClient) -> None:
    account = await signed_in(world, client)
    if account.credential.access_token is None:  # a password: the first call made the token
        await asked(world, account)
    held = await client._machinery.tokens.load(account.identity)
    assert held is not None
    assert Keychain.renewable(held)
    world.box.expire(held.access_token)
    assert await asked(world, account) == account.identity
    newer = await client._machinery.tokens.load(account.identity)
    assert newer is not None
    assert newer.issued > held.issued
    assert newer.access_token != held.access_token


@pytest.mark.parametrize("row", [row for row in ROWS if row.platform != "nostr"], ids=str)  # a key has no end
async def test_a_sign_in_that_was_ended_needs_a_person_and_says_the_command(
    world: World, client: AsyncClient
) -> None:
    account = await signed_in(world, client)
    await asked(world, account)
    held = await client._machinery.tokens.load(account.identity)
    assert held is not None
    world.box.revoke(held.access_token or held.secret or held.client_secret)
    if world.row.flow.kind == "session":
        world.box.revoke(held.secret)
    if getattr(world.row.flow, "keeps", ""):  # signed in again with what was kept
        assert await asked(world, account) == account.identity
        return
    with pytest.raises(ReauthNeeded) as caught:
        await asked(world, account)
    assert caught.value.next_step.startswith(f"socialkit login {world.row.platform} --name brand")


@rows
async def test_logging_out_ends_the_sign_in(world: World, client: AsyncClient) -> None:
    account = await signed_in(world, client)
    ended = await client.logout(account.adapter)
    assert ended == (world.row.flow.revocation is not None)
    with pytest.raises(ReauthNeeded):
        await asked(world, account)
    state = (await client.sign_ins())[0]
    assert (state.health, state.identity) == ("not signed in", account.identity)


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if str(row) != "discord-oauth2"],  # each consent makes a webhook, another identity
    ids=str,
)
async def test_signing_in_again_is_in_use_at_once_and_in_every_process(
    world: World, client: AsyncClient
) -> None:
    first = await signed_in(world, client)
    async with AsyncClient({"brand": first.adapter}, **world.options()) as other:
        await other._accounts.named("brand").ask()
        await client.logout(first.adapter)
        again = await signed_in(world, client)
        assert again.adapter is first.adapter
        assert again.credential.issued > first.credential.issued
        assert (await client._accounts.named(again.adapter).ask()).identity == first.identity
    assert await asked(world, again) == first.identity
