"""The web applications of ``examples/`` sign people in, against the sandbox: FastAPI on asyncio, Django in threads."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sqlite3
import threading
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from socialkit import App, Identity
from socialkit._loop import call_user, loop_thread
from socialkit.adapters.base import Credential
from socialkit.auth import locked
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock, TokenStoreContract
from test_examples import example

ADDRESS = "https://app.example.com"
CALLBACK = f"{ADDRESS}/callback"
WAYS = {"bluesky": "oauth", "mastodon": "oauth2", "tumblr": "oauth1", "x": "oauth2"}
PLATFORMS = pytest.mark.parametrize("platform", sorted(WAYS))
INSIDE = [
    "http://127.0.0.1:8080",
    "http://10.0.0.7",
    "https://[::1]",
    "localhost",
    "0x7f.1",
    "https://a.b@10.0.0.7",
]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox at the real time, because the applications drop old sign-ins by it."""
    with Sandbox(sorted(WAYS), clock=ManualClock(datetime.now(UTC))) as made:
        yield made


def apps(box: Sandbox) -> dict[str, App]:
    made: Any = box
    return {
        name: App(**{"flow": flow, **made[name].app_for(flow, CALLBACK)})
        for name, flow in WAYS.items()
        if name != "mastodon"
    }


def where(box: Any, platform: str) -> str:
    return f"/connect/{platform}?server={box[platform].address()}"


def below(url: str) -> str:
    return url.removeprefix(ADDRESS)


def is_away(box: Sandbox) -> Any:
    """X does not say who it is: the sign-in is neither done nor lost."""
    return box.fault("dropped-before", platform="x", match="GET /2/users/me", times=50)


# --- FastAPI ------------------------------------------------------------------------------------------------
class TestFastAPI:
    module = example("sign_in_fastapi")

    def browser(self, app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS)

    async def page(self, browser: httpx.AsyncClient, box: Any, platform: str = "x") -> str:
        answer = await browser.get(where(box, platform))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    @pytest.fixture
    async def app(self, box: Sandbox, tmp_path: Path) -> Any:
        place: Any = {"transport": box.transport, "clock": box.clock}
        app = self.module.make_app(apps(box), str(tmp_path / "app.db"), ADDRESS, **place)
        async with app.router.lifespan_context(app):
            yield app

    @PLATFORMS
    async def test_a_user_signs_in(self, app: Any, box: Any, platform: str) -> None:
        async with self.browser(app) as browser:
            told = await browser.get(below(box[platform].approve(await self.page(browser, box, platform))))
        assert told.status_code == 200, told.text
        (account,) = told.json()["accounts"]
        assert account["key"].endswith(f"|{box[platform].identity_of('brand')}")
        assert told.json()["missing_scopes"] == []

    async def test_what_was_left_out_is_told(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            page = await self.page(browser, box, "mastodon")
            told = await browser.get(below(box.mastodon.approve(page, untick=("write:statuses",))))
        assert told.json()["missing_scopes"] == ["write:statuses"]

    async def test_the_account_publishes_and_for_its_user_alone(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser, self.browser(app) as stranger:
            came = box.mastodon.approve(await self.page(browser, box, "mastodon"))
            key = (await browser.get(below(came))).json()["accounts"][0]["key"]
            await self.page(stranger, box)
            post: Any = {"json": {"text": "We ship", "account": key}, "headers": {"idempotency-key": "one"}}
            sent = [await one.post("/posts", **post) for one in (browser, browser, stranger)]
        assert [one.status_code for one in sent] == [201, 201, 404]
        assert [entry.text for entry in box.timeline("mastodon")] == ["We ship"]

    async def test_half_a_post_is_refused_in_words(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            none = await browser.post("/posts", json={"text": "We ship"})
        assert none.status_code == 422
        assert sorted(one["loc"][-1] for one in none.json()["detail"]) == ["account", "idempotency-key"]

    async def test_a_second_account_joins_the_first(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            for username in ("brand", "other"):
                page = await self.page(browser, box)
                await browser.get(below(box.x.approve(page, username)))
        (visitor,) = app.state.visitors.values()
        ids = [account.identity.id for account in visitor.accounts.values()]
        assert ids == [box.x.identity_of("brand"), box.x.identity_of("other")]

    async def test_another_browser_cannot_finish_it(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser, self.browser(app) as stranger, self.browser(app) as busy:
            came = below(box.x.approve(await self.page(browser, box)))
            await self.page(busy, box)
            assert [(await one.get(came)).status_code for one in (stranger, busy, browser)] == [400, 400, 200]
        assert sum(len(visitor.accounts) for visitor in app.state.visitors.values()) == 1

    async def test_no_and_again_are_said_in_words(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            denied = await browser.get(below(box.x.deny(await self.page(browser, box))))
            came = below(box.x.approve(await self.page(browser, box)))
            first, again = await browser.get(came), await browser.get(came)
            (visitor,) = app.state.visitors.values()
        assert (denied.status_code, first.status_code, again.status_code) == (400, 200, 400)
        assert "said no" in denied.json()["error"]
        assert "no sign-in is under way" in again.json()["error"]
        assert visitor.login is None

    async def test_of_two_workers_with_one_callback_one_goes_on(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            came = below(box.x.approve(await self.page(browser, box)))
            (visitor,) = app.state.visitors.values()
            kept = visitor.login.secrets.values()
            told = await asyncio.gather(browser.get(came), browser.get(came))
        good, bad = sorted(told, key=lambda one: one.status_code)
        assert (good.status_code, bad.status_code) == (200, 400)
        assert "finished before" in bad.json()["error"]
        assert kept
        assert not any(secret in good.text + bad.text for secret in kept)

    async def test_a_callback_may_be_opened_again_when_the_platform_was_away(
        self, app: Any, box: Any
    ) -> None:
        async with self.browser(app) as browser:
            came = below(box.x.approve(await self.page(browser, box)))
            is_away(box)
            assert (await browser.get(came)).status_code == 502
            box.faults.clear_kind("dropped-before")
            assert (await browser.get(came)).status_code == 200

    async def test_behind_a_proxy_the_public_address_counts(self, app: Any, box: Any) -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://10.0.0.5:8000"
        ) as proxy:
            begun = await proxy.get(where(box, "x"))
            cookie = begun.headers["set-cookie"].partition(";")[0]
            came = below(box.x.approve(begun.headers["location"]))
            assert (await proxy.get(came, headers={"cookie": cookie})).status_code == 200

    async def test_who_never_came_back_is_forgotten(self, app: Any, box: Any) -> None:
        async with self.browser(app) as lost, self.browser(app) as browser:
            await self.page(lost, box)
            ((name, visitor),) = app.state.visitors.items()
            visitor.login = attrs.evolve(visitor.login, expires_at=datetime.now(UTC) - timedelta(seconds=1))
            await self.page(browser, box)
            assert name not in app.state.visitors
            assert len(app.state.visitors) == 1

    async def test_what_cannot_be_begun_is_said(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            for path in ("/connect/nowhere", "/connect/mastodon", "/connect/telegram"):
                answer = await browser.get(path)
                assert (answer.status_code, list(answer.json())) == (400, ["error"]), path
        assert app.state.visitors == {}

    @pytest.mark.parametrize("server", INSIDE)
    async def test_a_server_in_our_own_network_is_not_asked(self, app: Any, box: Any, server: str) -> None:
        async with self.browser(app) as browser:
            answer = await browser.get("/connect/mastodon", params={"server": server})
        assert (answer.status_code, box.requests) == (400, [])

    @pytest.mark.parametrize(("address", "secure"), [(ADDRESS, True), ("http://localhost:8000", False)])
    def test_the_cookie_is_for_the_server_alone(
        self, box: Any, tmp_path: Path, address: str, secure: bool
    ) -> None:
        async def begun() -> str:
            app = self.module.make_app(
                {}, str(tmp_path / "app.db"), address, transport=box.transport, clock=box.clock
            )
            async with app.router.lifespan_context(app), self.browser(app) as browser:
                answer = await browser.get(where(box, "mastodon"))
                return answer.headers["set-cookie"].lower()

        words = asyncio.run(begun())
        assert "httponly" in words
        assert "samesite=lax" in words
        assert ("secure" in words) is secure


# --- Django -------------------------------------------------------------------------------------------------
DJANGO = example("sign_in_django")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """The models, with their tables: once for a process, as Django wants it."""
    models = DJANGO.make_project(tmp_path_factory.mktemp("django"), "app.example.com", "s3cret" * 10)
    from django.db import connections

    yield models
    connections.close_all()


@pytest.fixture
def harbour(project: tuple[Any, Any], box: Sandbox, tmp_path: Path) -> Iterator[Any]:
    token, account = project
    for model in project:
        model.objects.all().delete()
    tokens = DJANGO.OrmTokens(token, tmp_path)
    place: Any = {"transport": box.transport, "clock": box.clock, "store": str(tmp_path / "socialkit.db")}
    made = DJANGO.Harbour(account, tokens, ADDRESS, apps=apps(box), **place)
    yield made
    made.client.close()


def visitor() -> Any:
    from django.test import Client

    return Client(SERVER_NAME="app.example.com")


@pytest.fixture
def browser(harbour: Any) -> Any:
    return visitor()


def started(browser: Any, box: Any, platform: str = "x") -> str:
    answer = browser.get(where(box, platform))
    assert answer.status_code == 302, answer.content
    page: str = answer["location"]
    return page


def run_together(*works: Any) -> None:
    """Each in a thread of its own, with a database connection of its own."""
    from django.db import connections

    def run(work: Any) -> None:
        try:
            work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


class TestDjango:
    @PLATFORMS
    def test_a_user_signs_in(self, project: Any, harbour: Any, browser: Any, box: Any, platform: str) -> None:
        told = browser.get(below(box[platform].approve(started(browser, box, platform))))
        assert told.status_code == 200, told.content
        assert told.json()["missing_scopes"] == []
        row = harbour.account.objects.get()
        assert (row.platform, row.native_id) == (platform, box[platform].identity_of("brand"))
        token, _ = project
        assert token.objects.filter(key=f"{row.platform}|{row.server}|{row.native_id}").exists()

    def test_the_account_publishes_and_for_its_user_alone(self, browser: Any, box: Any) -> None:
        browser.get(below(box.mastodon.approve(started(browser, box, "mastodon"))))
        post: Any = {"data": {"text": "We ship"}, "headers": {"Idempotency-Key": "one"}}
        sent = [one.post("/posts", **post) for one in (browser, browser, visitor())]
        assert [one.status_code for one in sent] == [201, 201, 400]
        assert [entry.text for entry in box.timeline("mastodon")] == ["We ship"]

    def test_half_a_post_is_refused_in_words(self, browser: Any, box: Any) -> None:
        browser.get(below(box.mastodon.approve(started(browser, box, "mastodon"))))
        for half in ({"data": {"text": "We ship"}}, {"headers": {"Idempotency-Key": "one"}}):
            none = browser.post("/posts", **half)
            assert (none.status_code, "Idempotency-Key" in none.json()["error"]) == (400, True)
        assert box.timeline("mastodon") == []

    def test_signing_in_again_renews_the_rows(self, project: Any, browser: Any, box: Any) -> None:
        for _ in range(2):
            assert browser.get(below(box.x.approve(started(browser, box)))).status_code == 200
        token, account = project
        assert (token.objects.filter(key__startswith="x|").count(), account.objects.count()) == (1, 1)

    def test_both_rows_are_committed_or_none(
        self, project: Any, harbour: Any, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token, account = project
        seen = []

        def broken(**_: Any) -> None:
            seen.append(token.objects.filter(key__startswith="x|").count())
            raise RuntimeError("the database went away")

        came = box.x.approve(started(browser, box))
        monkeypatch.setattr(account.objects, "get_or_create", broken)
        with pytest.raises(RuntimeError, match="went away"):
            browser.get(below(came))
        assert seen == [1]
        assert not account.objects.exists()
        assert not token.objects.filter(key__startswith="x|").exists()

    def test_the_orm_works_in_the_threads_of_the_requests(
        self, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []

        def watched(name: str) -> None:
            real = getattr(DJANGO.OrmTokens, name)

            def call(*words: Any) -> Any:
                seen.append((name, threading.get_ident()))
                return real(*words)

            monkeypatch.setattr(DJANGO.OrmTokens, name, call)

        watched("load")
        watched("save")
        browser.get(below(box.mastodon.approve(started(browser, box, "mastodon"))))
        here = threading.get_ident()
        assert set(seen) == {("load", here), ("save", here)}

    def test_a_renewal_waits_for_the_whole_transaction_of_a_sign_in(
        self, harbour: Any, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import connection

        alone, seen = harbour.tokens.alone, []

        @contextlib.contextmanager
        def watched() -> Iterator[None]:
            seen.append(connection.in_atomic_block)
            with alone():
                yield
                seen.append(connection.in_atomic_block)

        monkeypatch.setattr(harbour.tokens, "alone", watched)
        assert browser.get(below(box.x.approve(started(browser, box)))).status_code == 200
        assert seen == [False, False]

    def test_a_sign_in_has_the_database_to_itself_before_it_reads_from_it(
        self, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else it may find out when it writes that somebody else wrote meanwhile, and fail with its code spent."""
        from django.db import connection

        load, told = DJANGO.OrmTokens.load, []

        def watched(tokens: Any, identity: Identity) -> Any:
            with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
                try:
                    other.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    told.append(str(error))
            return load(tokens, identity)

        came = below(box.mastodon.approve(started(browser, box, "mastodon")))
        monkeypatch.setattr(DJANGO.OrmTokens, "load", watched)
        assert browser.get(came).status_code == 200
        assert set(told) == {"database is locked"}

    def test_another_browser_cannot_finish_it(self, harbour: Any, browser: Any, box: Any) -> None:
        came, busy = below(box.x.approve(started(browser, box))), visitor()
        started(busy, box)
        assert [one.get(came).status_code for one in (visitor(), busy, browser)] == [400, 400, 200]
        assert harbour.account.objects.count() == 1

    def test_no_and_again_are_said_in_words(self, harbour: Any, browser: Any, box: Any) -> None:
        denied = browser.get(below(box.x.deny(started(browser, box))))
        assert not harbour.account.objects.exists()
        came = below(box.x.approve(started(browser, box)))
        first, again = browser.get(came), browser.get(came)
        assert (denied.status_code, first.status_code, again.status_code) == (400, 200, 400)
        assert "said no" in denied.json()["error"]
        assert "no sign-in is under way" in again.json()["error"]
        assert "login" not in browser.session

    def test_of_two_workers_with_one_callback_one_goes_on(self, harbour: Any, browser: Any, box: Any) -> None:
        came, told = below(box.x.approve(started(browser, box))), []
        secrets = browser.session["login"]["secrets"].values()
        workers = [visitor() for _ in range(2)]
        for one in workers:
            one.cookies = browser.cookies
        run_together(*(lambda one=one: told.append(one.get(came)) for one in workers))
        good, bad = sorted(told, key=lambda one: one.status_code)
        assert (good.status_code, bad.status_code) == (200, 400)
        assert harbour.account.objects.count() == 1
        assert secrets
        assert not any(secret in str(good.content + bad.content) for secret in secrets)

    def test_a_callback_may_be_opened_again_when_the_platform_was_away(self, browser: Any, box: Any) -> None:
        came = below(box.x.approve(started(browser, box)))
        is_away(box)
        assert browser.get(came).status_code == 502
        box.faults.clear_kind("dropped-before")
        assert browser.get(came).status_code == 200

    def test_what_cannot_be_begun_is_said(self, browser: Any) -> None:
        for route in ("/connect/nowhere", "/connect/mastodon", "/connect/telegram"):
            answer = browser.get(route)
            assert (answer.status_code, list(answer.json())) == (400, ["error"]), route

    @pytest.mark.parametrize("server", INSIDE)
    def test_a_server_in_our_own_network_is_not_asked(self, browser: Any, box: Any, server: str) -> None:
        assert browser.get("/connect/mastodon", {"server": server}).status_code == 400
        assert box.requests == []

    def test_the_cookie_is_for_the_server_alone(self, browser: Any, box: Any) -> None:
        cookie = browser.get(where(box, "x")).cookies["sessionid"]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", True)


class TestOrmTokens(TokenStoreContract):
    """The token store of the example keeps the promises of the protocol."""

    @pytest.fixture(autouse=True)
    def _store(self, project: tuple[Any, Any], tmp_path: Path) -> None:
        self.token, _ = project
        self.token.objects.all().delete()
        self.folder = tmp_path

    def make(self) -> Any:
        return DJANGO.OrmTokens(self.token, self.folder)

    def test_a_row_has_every_field(self) -> None:
        who = Identity("x", "https://api.x.com", "7")
        self.make().save(
            who, Credential("oauth2", access_token="a", refresh_token="r", extra={"flow": "oauth2"})
        )
        assert self.token.objects.get(key=who.key).credential["extra"] == {"flow": "oauth2"}

    async def test_of_two_stores_one_holds_the_lock(self) -> None:
        order: list[str] = []

        async def second() -> None:
            async with locked(self.make(), self.identity):
                order.append("second")

        async with locked(self.make(), self.identity):
            waiting = asyncio.create_task(second())
            for _ in range(20):
                await call_user(threading.get_ident)
            order.append("first")
        await waiting
        assert order == ["first", "second"]

    def test_who_is_alone_waits_for_renewals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        order, waiting, tokens = [], threading.Event(), self.make()

        def flock(file: Any, kind: int) -> None:
            if kind == fcntl.LOCK_EX:
                waiting.set()
            fcntl.flock(file, kind)

        def sign_in() -> None:
            with self.make().alone():
                order.append("alone")

        async def renewal() -> None:
            async with locked(tokens, self.identity):
                signing_in.start()
                assert await asyncio.to_thread(waiting.wait, 10)
                order.append("renewed")

        signing_in = threading.Thread(target=sign_in, daemon=True)
        monkeypatch.setattr(DJANGO, "fcntl", types.SimpleNamespace(**{**vars(fcntl), "flock": flock}))
        loop_thread().run(renewal())
        signing_in.join(10)
        assert order == ["renewed", "alone"]

    def test_a_renewal_waits_for_who_is_alone_and_the_sign_in_itself_does_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order, waiting, tokens = [], threading.Event(), self.make()

        async def sleep(_: float) -> None:
            waiting.set()
            await asyncio.sleep(0)

        async def entered(name: str) -> None:
            async with asyncio.timeout(10), locked(tokens, self.identity):
                order.append(name)

        renewing = threading.Thread(target=lambda: loop_thread().run(entered("renewal")), daemon=True)
        monkeypatch.setattr(DJANGO, "asyncio", types.SimpleNamespace(sleep=sleep))
        with tokens.alone():
            renewing.start()
            assert waiting.wait(10)
            loop_thread().run(entered("sign-in"))
        renewing.join(10)
        assert order == ["sign-in", "renewal"]

    def test_two_threads_that_renew_two_accounts_crosswise_both_go_on(self) -> None:
        """While one waits for a lock, its thread still saves what the other lock is held for."""
        tokens, both = self.make(), threading.Barrier(2)

        async def holding(mine: Identity, theirs: Identity) -> None:
            async with locked(tokens, mine):
                await asyncio.to_thread(both.wait, 10)
                waiting = asyncio.create_task(taken(theirs))
                for _ in range(20):  # by then the other one waits
                    await call_user(threading.get_ident)
                await call_user(tokens.save, mine, Credential("bearer", access_token="newer"))
            await waiting

        async def taken(identity: Identity) -> None:
            async with locked(tokens, identity):
                pass

        pairs = [(self.identity, self.other), (self.other, self.identity)]
        run_together(*(lambda pair=pair: loop_thread().run(holding(*pair)) for pair in pairs))
        assert self.token.objects.count() == 2
