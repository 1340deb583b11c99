"""Signing in to a real Bluesky server: OAuth from the first request to the last, and app passwords.

The server ends a session when a refresh token comes twice, so a race that two processes lose is seen here.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from media_files import png
from socialkit import Bluesky, Client, Image, LoginFailed, MissingScope, Post, ReauthNeeded
from socialkit.auth import Account, App, sign_dpop
from socialkit.store import SQLiteStore, StoreTokens

from .oauth_page import ConsentPage
from .servers import Pds, PdsAccount

pytestmark = pytest.mark.real

CALLBACK = "http://127.0.0.1:8899/callback"
PASSWORDS = {"bluesky": App(flow="app_password")}


@pytest.fixture(scope="module")
def alice(pds: Pds) -> PdsAccount:
    """An account of its own for the tests of this file."""
    return pds.create_account("alice.test")


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(store=":memory:") as made:
        yield made


def sign_in(client: Client, pds: Pds, alice: PdsAccount, **options: Any) -> Account:
    login = client.begin_login("bluesky", redirect_uri=CALLBACK, server=pds.url, **options)
    assert login.url is not None
    return client.finish_login(login, ConsentPage(login.url, "alice.test", alice.password).allow())


def texts(pds: Pds, alice: PdsAccount) -> list[str]:
    """The account's posts as the server stores them."""
    params = {"repo": alice.did, "collection": "app.bsky.feed.post", "limit": "100"}
    answer = httpx.get(f"{pds.url}/xrpc/com.atproto.repo.listRecords", params=params, timeout=30)
    return [record["value"]["text"] for record in answer.raise_for_status().json()["records"]]


# --- in ---------------------------------------------------------------------------------------------------
def test_oauth_from_the_consent_page_to_a_post_with_a_picture_and_its_end(
    client: Client, pds: Pds, alice: PdsAccount
) -> None:
    account = sign_in(client, pds, alice)
    assert account.identity.id == alice.did
    assert account.identity.server == pds.url
    assert account.missing_scopes == ()
    picture = Image(png(32, 18), alt="A grey rectangle")
    report = client.publish(
        Post("Signed in", media=[picture], thread=[Post("and a second part")]),
        account.adapter,
        idempotency_key="first",
    )
    assert {"Signed in", "and a second part"} <= set(texts(pds, alice))
    assert [post.text for post in client.fetch_posts(account.adapter, limit=2)]
    for receipt in report.receipts:
        client.delete(receipt)
    assert "Signed in" not in texts(pds, alice)
    assert client.logout(account.adapter)
    with pytest.raises(ReauthNeeded):
        client.publish(Post("after the end"), account.adapter)


def test_after_a_logout_the_server_takes_the_old_token_no_more(
    client: Client, pds: Pds, alice: PdsAccount
) -> None:
    account = sign_in(client, pds, alice)
    url = f"{pds.url}/xrpc/com.atproto.server.getSession"
    assert asked(url, account).json()["did"] == alice.did
    assert client.logout(account.adapter)
    assert asked(url, account).status_code == 401


def asked(url: str, account: Account) -> httpx.Response:
    """A GET signed with the account's credential as it was, after the server's nonce was fetched."""
    nonces = dict[str, str]()
    for _ in range(2):
        headers = sign_dpop(account.credential, "GET", url, datetime.now(UTC), nonces)
        answer = httpx.get(url, headers=headers, timeout=30)
        nonces = {pds_of(url): answer.headers["dpop-nonce"]}
    return answer


def pds_of(url: str) -> str:
    return url.partition("/xrpc/")[0]


def test_a_person_who_says_no(client: Client, pds: Pds, alice: PdsAccount) -> None:
    login = client.begin_login("bluesky", redirect_uri=CALLBACK, server=pds.url)
    assert login.url is not None
    callback = ConsentPage(login.url, "alice.test", alice.password).reject()
    with pytest.raises(LoginFailed) as failed:
        client.finish_login(login, callback)
    assert failed.value.reason == "denied"


def test_less_than_was_asked_for_is_told_and_refused_by_name(
    client: Client, pds: Pds, alice: PdsAccount
) -> None:
    login = client.begin_login("bluesky", redirect_uri=CALLBACK, server=pds.url)
    assert login.url is not None
    callback = ConsentPage(login.url, "alice.test", alice.password).allow(scope="atproto blob:*/*")
    account = client.finish_login(login, callback)
    assert "repo:app.bsky.feed.post" in account.missing_scopes
    with pytest.raises(MissingScope, match=r"repo:app\.bsky\.feed\.post"):
        client.publish(Post("May not"), account.adapter)
    assert "May not" not in texts(pds, alice)


@pytest.mark.parametrize("capability", ["identify", "publish", "metrics", "replies", "delete", "messages"])
def test_the_server_knows_the_scopes_of_every_capability(
    client: Client, pds: Pds, alice: PdsAccount, capability: str
) -> None:
    account = sign_in(client, pds, alice, capabilities=[capability])
    assert account.missing_scopes == ()
    assert "atproto" in account.credential.scopes


# --- renewal ----------------------------------------------------------------------------------------------
def test_a_renewed_token_publishes_and_is_renewed_again(
    client: Client, pds: Pds, alice: PdsAccount, tmp_path: Path
) -> None:
    store = str(tmp_path / "socialkit.db")
    with Client(store=store) as first:
        account = sign_in(first, pds, alice)
    for turn in (1, 2):
        expire(store, account)
        with Client(store=store) as later:
            later.publish(Post(f"After renewal {turn}"), Bluesky.signed_in(account.identity))
        assert held(store, account).issued == account.credential.issued + turn
    assert {"After renewal 1", "After renewal 2"} <= set(texts(pds, alice))


PUBLISHER = """
import sys, time
from socialkit import Bluesky, Client, Identity, Post
store, server, did, text, start = sys.argv[1:]
with Client(store=store) as client:
    account = Bluesky.signed_in(Identity("bluesky", server, did, "alice.test"))
    time.sleep(max(0.0, float(start) - time.time()))
    client.publish(Post(text), account, idempotency_key=text)
"""


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_two_processes_that_meet_a_dead_token_renew_it_once(
    pds: Pds, alice: PdsAccount, tmp_path: Path, turn: int
) -> None:
    store = str(tmp_path / "socialkit.db")
    with Client(store=store) as client:
        account = sign_in(client, pds, alice)
    expire(store, account)
    names = [f"Race {turn}, runner {number}" for number in (1, 2)]
    start = str(time.time() + 2.5)
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, store, pds.url, alice.did, name, start],
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    said = [runner.communicate(timeout=60)[1] for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], said
    assert held(store, account).issued == account.credential.issued + 1, "renewed exactly once"
    with Client(store=store) as client:
        client.publish(Post(f"Race {turn}, session lives"), Bluesky.signed_in(account.identity))
    assert {*names, f"Race {turn}, session lives"} <= set(texts(pds, alice))


def held(store: str, account: Account) -> Any:
    """The credential in the store."""
    opened = SQLiteStore(store)
    try:
        return asyncio.run(StoreTokens(opened).load(account.identity))
    finally:
        opened.close()


def expire(store: str, account: Account) -> None:
    """The access token in the store has ended a minute ago, as far as anybody knows."""
    ended = datetime.now(UTC) - timedelta(minutes=1)
    opened = SQLiteStore(store)
    try:
        kept: Any = asyncio.run(StoreTokens(opened).load(account.identity))
        asyncio.run(StoreTokens(opened).save(account.identity, attrs.evolve(kept, expires_at=ended)))
    finally:
        opened.close()


# --- app passwords ----------------------------------------------------------------------------------------
def test_an_app_password_signs_in_publishes_and_ends(pds: Pds, alice: PdsAccount) -> None:
    with Client(store=":memory:", apps=PASSWORDS) as client:
        login = client.begin_login("bluesky", server=pds.url)
        told = {"handle": "alice.test", "app_password": alice.app_password}
        account = client.finish_login(login, told)
        assert account.identity.id == alice.did
        client.publish(Post("With an app password"), account.adapter)
        assert client.logout(account.adapter)
    assert "With an app password" in texts(pds, alice)


def test_a_wrong_app_password_says_what_to_check(pds: Pds, alice: PdsAccount) -> None:
    with Client(store=":memory:", apps=PASSWORDS) as client:
        login = client.begin_login("bluesky", server=pds.url)
        with pytest.raises((LoginFailed, ReauthNeeded), match="app password"):
            client.finish_login(login, {"handle": "alice.test", "app_password": "aaaa-bbbb-cccc-dddd"})
