"""The programs in ``examples/`` do what they say, against the sandbox."""

from __future__ import annotations

import importlib.util
import json
import stat
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from documents import ROOT, sandboxed
from socialkit import Client, Identity, Image, InvalidPost, KeyReused, Post, Report
from socialkit.adapters.base import Credential
from socialkit.sandbox import Sandbox, sample_picture
from socialkit.testing import TokenStoreContract, client, sandbox

__all__ = ["client", "sandbox"]


def example(name: str) -> ModuleType:
    """The module of an example, as ``python examples/NAME.py`` would load it."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    names = {path.stem for path in (ROOT / "examples").glob("*.py")}
    text = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_examples*.py")
    )
    assert names
    assert all(f'example("{name}")' in text for name in names)


class TestCalendarJob:
    module = example("calendar_job")
    now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def calendar(self, folder: Path, *rows: str) -> Path:
        file = folder / "calendar.csv"
        file.write_text("\n".join(["key,at,to,text,image,alt", *rows]), encoding="utf-8")
        (folder / "boat.png").write_bytes(sample_picture(64, 36))
        return file

    def test_what_is_due_is_published_once(self, client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
        calendar = self.calendar(
            tmp_path,
            "launch,2026-11-02T10:00:00+02:00,mastodon x,We ship today,boat.png,The boat",
            "later,2026-11-02T10:00:00+00:00,mastodon,Not yet,,",
            "missed,2026-11-01T10:00:00+00:00,mastodon,Too late,,",
        )
        (report,) = self.module.run(client, calendar, self.now)
        (again,) = self.module.run(client, calendar, self.now + timedelta(minutes=1))
        assert (report.ok, again.replayed) == (True, True)
        assert [entry.text for entry in sandbox.timeline("mastodon")] == ["We ship today"]
        assert sandbox.timeline("x")[0].media[0]["alt"] == "The boat"

    def test_a_wrong_row_stops_no_other(self, client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
        calendar = self.calendar(
            tmp_path,
            "typo,2026-11-02T08:59:00+00:00,mastodn,Hello,,",
            "good,2026-11-02T08:59:00+00:00,mastodon,Hello,,",
        )
        wrong, good = self.module.run(client, calendar, self.now)
        assert "no account named 'mastodn'" in str(wrong)
        assert good.ok

    def test_a_lost_answer_is_settled_by_a_later_run(
        self, client: Client, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        calendar = self.calendar(tmp_path, "k,2026-11-02T09:00:00+00:00,x,Hello,,")
        sandbox.fault("dropped-after", platform="x")
        sandbox.fault("listed-late", platform="x", seconds=300)
        (lost,) = self.module.run(client, calendar, self.now)
        assert lost["x"].status.value == "unknown"
        sandbox.clock.advance(600)
        (found,) = self.module.run(client, calendar, self.now)
        assert found["x"].status.value == "published"
        assert len(sandbox.timeline("x")) == 1

    def test_it_runs_as_a_program(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        calendar = self.calendar(tmp_path, f"k,{datetime.now(UTC).isoformat()},toots,Hello,,")
        with sandboxed(monkeypatch, tmp_path, "mastodon") as box:
            monkeypatch.setenv("TOOTS_TOKEN", box.mastodon.credentials()["token"])
            (tmp_path / "socialkit.toml").write_text(
                '[client]\nstore = "s.db"\n[accounts.toots]\nplatform = "mastodon"\n'
                'server = "https://mastodon.social"\ntoken = "env:TOOTS_TOKEN"\n'
            )
            assert self.module.main(str(calendar)) == 0
        assert "published" in capsys.readouterr().out


class TestQueueWorker:
    module = example("queue_worker")

    def job(self, folder: Path, **more: Any) -> Any:
        (folder / "boat.png").write_bytes(sample_picture(64, 36))
        post = Post("We ship today", media=[Image("boat.png", alt="The boat")])
        return json.loads(json.dumps(self.module.make_job(post, ["mastodon", "x"]))) | more

    def test_a_second_delivery_posts_nothing_again(
        self, client: Client, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        job = self.job(tmp_path)
        for _ in range(2):
            assert self.module.publish_job(client, job, str(tmp_path)) is None
        assert (len(sandbox.timeline("mastodon")), len(sandbox.timeline("x"))) == (1, 1)

    def test_it_says_when_to_come_again(self, client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
        sandbox.fault("429", platform="x", seconds=600)
        job = self.job(tmp_path)
        wait = self.module.publish_job(client, job, str(tmp_path), sandbox.clock.now())
        assert 60 < wait <= 960
        sandbox.clock.advance(wait)
        assert self.module.publish_job(client, job, str(tmp_path)) is None
        assert (len(sandbox.timeline("mastodon")), len(sandbox.timeline("x"))) == (1, 1)

    def test_what_only_a_person_can_mend_is_raised(self, client: Client, tmp_path: Path) -> None:
        job = self.job(tmp_path)
        self.module.publish_job(client, job, str(tmp_path))
        other = {"key": job["key"], "post": Post("Other").to_dict(), "to": ["mastodon"]}
        with pytest.raises(KeyReused):
            self.module.publish_job(client, other, ".")
        with pytest.raises(InvalidPost):
            self.module.publish_job(client, self.job(tmp_path, post=Post("x" * 600).to_dict()), ".")

    def test_settling_counts_what_is_open(self, client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
        sandbox.fault("dropped-after", platform="x")
        sandbox.fault("listed-late", platform="x", seconds=300)
        assert self.module.publish_job(client, self.job(tmp_path), str(tmp_path), sandbox.clock.now()) >= 1
        assert self.module.settle_job(client) == 1
        sandbox.clock.advance(600)
        assert self.module.settle_job(client) == 0


class TestWebApp:
    module = example("web_app")

    async def test_a_form_sent_twice_posts_once(self, sandbox: Sandbox, tmp_path: Path) -> None:
        options = {"transport": sandbox.transport, "clock": sandbox.clock}
        app = self.module.make_app(sandbox.accounts(), str(tmp_path / "app.db"), **options)
        async with app.router.lifespan_context(app), web(app) as browser:
            form: Any = {
                "json": {"text": "Hello", "to": ["mastodon", "x"]},
                "headers": {"idempotency-key": "k"},
            }
            first, again = await browser.post("/posts", **form), await browser.post("/posts", **form)
            other = await browser.post(
                "/posts", json=form["json"] | {"text": "Other"}, headers=form["headers"]
            )
            numbers = await browser.get("/posts/k/metrics")
        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
        assert Report.from_dict(again.json()).replayed
        assert len(sandbox.timeline("mastodon")) == 1
        assert numbers.json()[0] == {"account": "mastodon", "likes": 0, "shares": 0}

    async def test_a_plan_lists_every_problem_while_one_writes(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        options = {"transport": sandbox.transport, "clock": sandbox.clock}
        app = self.module.make_app(sandbox.accounts(), str(tmp_path / "app.db"), **options)
        async with app.router.lifespan_context(app), web(app) as browser:
            told = (await browser.post("/plan", json={"text": "Hello", "to": ["x", "devto"]})).json()
            wrong = await browser.post(
                "/posts", json={"text": "", "to": ["x"]}, headers={"idempotency-key": "empty"}
            )
        assert told["ok"] is False
        assert (told["problems"][0]["account"], told["problems"][0]["field"]) == ("devto", "title")
        assert wrong.status_code == 422
        assert sandbox.timeline("x") == []


def web(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://app.example.com")


class TestTokenStore(TokenStoreContract):
    module = example("token_store")

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "tokens"

    def make(self) -> Any:
        return self.module.FolderTokens(self.folder)

    def test_nobody_else_can_read_it(self) -> None:
        self.make().save(Identity("x", "https://api.x.com", "7"), Credential("bearer", access_token="s3cret"))
        files = list(self.folder.iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(self.folder.stat().st_mode) == 0o700

    def test_a_client_keeps_its_sessions_there(self, sandbox: Sandbox) -> None:
        options: Any = {"transport": sandbox.transport, "clock": sandbox.clock}
        account = {"sky": sandbox.accounts()["bluesky"]}
        for number in range(2):
            with Client(account, store=":memory:", tokens=self.make(), **options) as one:
                one.publish(Post(f"Hello {number}"), "sky")
        logins = [r for r in sandbox.requests if r.path.endswith("createSession")]
        assert (len(sandbox.timeline("bluesky")), len(logins)) == (2, 1)


def test_one_client_serves_many_threads(client: Client, sandbox: Sandbox) -> None:
    """As in the section on Django and other threaded servers of docs/embedding.md."""
    jobs = [threading.Thread(target=client.publish, args=(Post(f"Post {n}"), "mastodon")) for n in range(8)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(30)
    assert len(sandbox.timeline("mastodon")) == 8
