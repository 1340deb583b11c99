"""The web applications of ``examples/`` sign people in, against the sandbox: FastAPI on asyncio, Django in threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from socialkit import App, Identity
from socialkit.adapters.base import Credential
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock, TokenStoreContract
from test_examples import example

ADDRESS = "https://app.example.com"
CALLBACK = f"{ADDRESS}/callback"
WAYS = {"bluesky": "oauth", "mastodon": "oauth2", "tumblr": "oauth1", "x": "oauth2"}
PLATFORMS = pytest.mark.parametrize("platform", sorted(WAYS))


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


# --- FastAPI ------------------------------------------------------------------------------------------------
class TestFastAPI:
    module = example("sign_in_fastapi")

    def browser(self, app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS)

    @pytest.fixture
    async def app(self, box: Sandbox, tmp_path: Path) -> Any:
        place: Any = {"transport": box.transport, "clock": box.clock}
        app = self.module.make_app(apps(box), str(tmp_path / "app.db"), ADDRESS, **place)
        async with app.router.lifespan_context(app):
            yield app

    @PLATFORMS
    async def test_a_user_signs_in(self, app: Any, box: Any, platform: str) -> None:
        async with self.browser(app) as browser:
            page = (await browser.get(where(box, platform))).headers["location"]
            told = await browser.get(below(box[platform].approve(page)))
        assert told.status_code == 200, told.text
        (account,) = told.json()["accounts"]
        assert account["key"].endswith(f"|{box[platform].identity_of('brand')}")
        assert told.json()["missing_scopes"] == []

    async def test_the_account_publishes(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            page = (await browser.get(where(box, "mastodon"))).headers["location"]
            key = (await browser.get(below(box.mastodon.approve(page)))).json()["accounts"][0]["key"]
            post = {"text": "We ship", "account": key}
            sent = [
                await browser.post("/posts", json=post, headers={"idempotency-key": "one"}) for _ in range(2)
            ]
        assert [one.status_code for one in sent] == [201, 201]
        assert [entry.text for entry in box.timeline("mastodon")] == ["We ship"]

    async def test_another_browser_cannot_finish_it(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser, self.browser(app) as stranger:
            page = (await browser.get(where(box, "x"))).headers["location"]
            assert (await stranger.get(below(box.x.approve(page)))).status_code == 400
        assert app.state.accounts == {}

    async def test_no_and_again_are_said_in_words(self, app: Any, box: Any) -> None:
        async with self.browser(app) as browser:
            page = (await browser.get(where(box, "x"))).headers["location"]
            denied = await browser.get(below(box.x.deny(page)))
            page = (await browser.get(where(box, "x"))).headers["location"]
            came = box.x.approve(page)
            login = app.state.logins[browser.cookies["signing-in"]]
            first, again = await browser.get(below(came)), await browser.get(below(came))
        assert (denied.status_code, first.status_code, again.status_code) == (400, 200, 400)
        assert "said no" in denied.json()["error"]
        assert login.secrets
        assert not any(secret in again.text for secret in login.secrets.values())

    async def test_what_is_not_set_up_is_said_and_the_cookie_is_for_the_server_alone(
        self, app: Any, box: Any
    ) -> None:
        async with self.browser(app) as browser:
            assert (await browser.get("/connect/nowhere")).status_code == 400
            set_cookie = (await browser.get(where(box, "x"))).headers["set-cookie"].lower()
        assert all(word in set_cookie for word in ("httponly", "samesite=lax", "secure"))


# --- Django -------------------------------------------------------------------------------------------------
DJANGO = example("sign_in_django")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    """The database with its tables, and the models: once for a process, as Django wants it."""
    folder = tmp_path_factory.mktemp("django")
    DJANGO.configure(folder)
    from django.core.management import call_command
    from django.db import connection, connections

    models = DJANGO.make_models()
    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    yield folder, models
    connections.close_all()


@pytest.fixture
def harbour(
    project: tuple[Path, Any], box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    _, models = project
    for model in models:
        model.objects.all().delete()
    monkeypatch.setattr(DJANGO, "make_models", lambda: models)
    made = DJANGO.Harbour(tmp_path, apps(box), ADDRESS, transport=box.transport, clock=box.clock)
    DJANGO.serve(made)
    yield made
    made.client.close()


@pytest.fixture
def browser(harbour: Any) -> Any:
    from django.test import Client

    return Client()


def started(browser: Any, box: Any, platform: str) -> str:
    answer = browser.get(where(box, platform))
    assert answer.status_code == 302, answer.content
    page: str = answer["location"]
    return page


class TestDjango:
    @PLATFORMS
    def test_a_user_signs_in(self, harbour: Any, browser: Any, box: Any, platform: str) -> None:
        page = started(browser, box, platform)
        told = browser.get(below(box[platform].approve(page)))
        assert told.status_code == 200, told.content
        row = harbour.account.objects.get()
        assert (row.platform, row.native_id) == (platform, box[platform].identity_of("brand"))
        assert harbour.token.objects.filter(key=f"{row.platform}|{row.server}|{row.native_id}").exists()

    def test_the_account_publishes(self, browser: Any, box: Any) -> None:
        browser.get(below(box.mastodon.approve(started(browser, box, "mastodon"))))
        body = json.dumps({"text": "We ship"})
        sent = [
            browser.post("/posts", body, "application/json", headers={"Idempotency-Key": "one"})
            for _ in range(2)
        ]
        assert [one.status_code for one in sent] == [201, 201]
        assert [entry.text for entry in box.timeline("mastodon")] == ["We ship"]

    def test_both_rows_are_committed_or_none(
        self, harbour: Any, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any) -> None:
            raise RuntimeError("the database went away")

        came = box.x.approve(started(browser, box, "x"))
        monkeypatch.setattr(harbour, "keep", broken)
        with pytest.raises(RuntimeError, match="went away"):
            browser.get(below(came))
        assert not harbour.account.objects.exists()
        assert not harbour.token.objects.filter(key__startswith="x|").exists()

    def test_the_orm_works_in_the_threads_of_the_requests(
        self, harbour: Any, browser: Any, box: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen, save = set(), DJANGO.OrmTokens.save

        def watched(*words: Any) -> None:
            seen.add(threading.get_ident())
            save(*words)

        monkeypatch.setattr(DJANGO.OrmTokens, "save", watched)
        browser.get(below(box.mastodon.approve(started(browser, box, "mastodon"))))
        assert seen == {threading.get_ident()}

    def test_another_browser_cannot_finish_it(self, harbour: Any, browser: Any, box: Any) -> None:
        from django.test import Client

        came = box.x.approve(started(browser, box, "x"))
        assert Client().get(below(came)).status_code == 400
        assert not harbour.account.objects.exists()

    def test_no_is_said_in_words(self, harbour: Any, browser: Any, box: Any) -> None:
        told = browser.get(below(box.x.deny(started(browser, box, "x"))))
        assert told.status_code == 400
        assert b"said no" in told.content
        assert not harbour.account.objects.exists()

    def test_of_two_workers_with_one_callback_one_goes_on(self, harbour: Any, browser: Any, box: Any) -> None:
        came = box.x.approve(started(browser, box, "x"))
        session = browser.session
        login = session["login"]
        first = browser.get(below(came))
        session["login"] = login
        session.save()
        again = browser.get(below(came))
        assert (first.status_code, again.status_code) == (200, 400)
        assert b"finished before" in again.content


class TestOrmTokens(TokenStoreContract):
    """The token store of the example keeps the promises of the protocol."""

    @pytest.fixture(autouse=True)
    def _store(self, project: tuple[Path, Any]) -> None:
        _, (token, _) = project
        token.objects.all().delete()
        self.token, self.folder = token, project[0] / "locks"

    def make(self) -> Any:
        return DJANGO.OrmTokens(self.token, self.folder)

    def test_a_row_has_every_field(self) -> None:
        who = Identity("x", "https://api.x.com", "7")
        self.make().save(
            who, Credential("oauth2", access_token="a", refresh_token="r", extra={"flow": "oauth2"})
        )
        assert self.token.objects.get(key=who.key).credential["extra"] == {"flow": "oauth2"}
