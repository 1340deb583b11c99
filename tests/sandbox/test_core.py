"""What the core does alike for every platform, shown on the toy platform of conftest.py."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import timedelta

import httpx
import pytest

from socialkit import Client, Post
from socialkit.errors import ConfigError
from socialkit.sandbox import Sandbox
from socialkit.sandbox.core import Window

NOTES = "https://toy.example.com/notes"
FILES = "https://toy.example.com/files"


def texts(box: Sandbox) -> list[str]:
    return [entry.text for entry in box.timeline("toy")]


async def test_a_post_is_on_the_timeline_and_in_the_transcript(toy, http):
    answer = await http(toy).post(NOTES, json={"text": "hello"}, extensions={"socialkit.step": "commit"})
    assert answer.status_code == 201
    assert texts(toy) == ["hello"]
    (line,) = toy.requests
    assert (line.platform, line.method, line.path, line.status, line.step) == (
        "toy",
        "POST",
        "/notes",
        201,
        "commit",
    )


async def test_secrets_in_addresses_are_masked_in_the_transcript(toy, http):
    await http(toy).get(NOTES, params={"limit": "5", "access_token": "s3cret", "client_secret": "s3cret"})
    assert toy.requests[0].query == "limit=5&access_token=***&client_secret=***"
    assert "s3cret" not in repr(toy.requests)


async def test_the_date_header_is_the_sandbox_clock(toy, http):
    answer = await http(toy).get(NOTES)
    assert answer.headers["date"] == "Mon, 02 Nov 2026 09:00:00 GMT"


async def test_clock_skew_moves_the_platform_only(toy, http):
    toy.fault("clock-skew", platform="toy", seconds=120)
    answer = await http(toy).post(NOTES, json={"text": "hello"})
    assert answer.headers["date"] == "Mon, 02 Nov 2026 09:02:00 GMT"
    assert toy.timeline("toy")[0].created_at - toy.clock.now() == timedelta(seconds=120)


@pytest.mark.parametrize("kind", ["dropped-before", "dropped-after"])
async def test_a_dropped_connection_looks_the_same_stored_or_not(toy, http, kind):
    toy.fault(kind)
    with pytest.raises(httpx.RemoteProtocolError):
        await http(toy).post(NOTES, json={"text": "hello"})
    assert texts(toy) == (["hello"] if kind == "dropped-after" else [])
    assert toy.requests[0].status == "dropped"


async def test_stored_then_500(toy, http):
    toy.fault("stored-then-500")
    answer = await http(toy).post(NOTES, json={"text": "hello"})
    assert (answer.status_code, texts(toy)) == (500, ["hello"])


async def test_stored_then_hang_ends_at_the_read_timeout(toy, http):
    toy.fault("stored-then-hang")
    with pytest.raises(httpx.ReadTimeout):
        await http(toy).post(NOTES, json={"text": "hello"}, timeout=30)
    assert texts(toy) == ["hello"]
    assert toy.clock.monotonic() == 30


async def test_closing_the_sandbox_ends_what_hangs(toy, http):
    toy.fault("stored-then-hang")
    task = asyncio.create_task(http(toy).post(NOTES, json={"text": "hello"}, timeout=None))
    await toy.clock.sleep(1)
    assert toy.requests[0].status == "hung"
    toy.close()
    with pytest.raises(httpx.RemoteProtocolError):
        await asyncio.wait_for(task, 5)


async def test_stored_later_executes_after_the_client_gave_up(toy, http):
    toy.fault("stored-later", seconds=100)
    with pytest.raises(httpx.ReadTimeout):
        await http(toy).post(NOTES, json={"text": "hello"}, timeout=30)
    assert texts(toy) == []
    toy.clock.advance(70)
    assert texts(toy) == ["hello"]
    assert toy.timeline("toy")[0].created_at == toy.clock.now()


async def test_listed_late_is_stored_at_once_and_listed_later(toy, http):
    toy.fault("listed-late", seconds=60)
    client = http(toy)
    await client.post(NOTES, json={"text": "hello"})
    assert texts(toy) == ["hello"]
    assert (await client.get(NOTES)).json() == []
    toy.clock.advance(60)
    assert len((await client.get(NOTES)).json()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_twin_is_somebody_elses_post(toy, http, when):
    toy.fault("twin", when=when)
    answer = await http(toy).post(NOTES, json={"text": "hello"})
    ids = [entry.id for entry in toy.timeline("toy")]
    assert texts(toy) == ["hello", "hello"]
    assert ids.index(answer.json()["id"]) == (1 if when == "before" else 0)


async def test_a_lost_post_may_still_have_a_twin(toy, http):
    toy.fault("twin")
    toy.fault("dropped-before")
    client = http(toy)
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(NOTES, json={"text": "hello"}, headers={"idempotency-key": "k"})
    (twin,) = toy.timeline("toy")
    assert twin.key is None
    again = await client.post(NOTES, json={"text": "hello"}, headers={"idempotency-key": "k"})
    assert again.status_code == 201
    assert [entry.id for entry in toy.timeline("toy")] == [twin.id, again.json()["id"]]


async def test_deleted_meanwhile(toy, http):
    toy.fault("deleted-meanwhile")
    answer = await http(toy).post(NOTES, json={"text": "hello"})
    assert (answer.status_code, texts(toy)) == (201, [])


async def test_keys_are_honoured_ignored_and_forgotten(toy, http):
    client = http(toy)

    async def post() -> str:
        answer = await client.post(NOTES, json={"text": "hello"}, headers={"idempotency-key": "k"})
        return answer.json()["id"]

    first = await post()
    assert await post() == first
    toy.fault("key-ignored")
    second = await post()
    assert second != first
    toy.clock.advance(60)
    assert await post() == second
    toy.fault("key-expired")
    assert await post() not in (first, second)


async def test_a_fixed_window_runs_out_and_comes_back(toy, http):
    client = http(toy)
    left = [(await client.post(NOTES, json={"text": "hello"})).headers["x-left"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = await client.post(NOTES, json={"text": "hello"})
    assert refused.status_code == 429
    assert refused.headers["x-reset"] == "2026-11-02T09:01:00+00:00"
    toy.clock.advance(60)
    assert (await client.post(NOTES, json={"text": "hello"})).status_code == 201


async def test_a_planned_429_uses_the_platforms_window_up(toy, http):
    toy.fault("429")
    client = http(toy)
    assert (await client.post(NOTES, json={"text": "hello"})).status_code == 429
    assert (await client.post(NOTES, json={"text": "hello"})).status_code == 429
    toy.clock.advance(60)
    assert (await client.post(NOTES, json={"text": "hello"})).status_code == 201
    assert texts(toy) == ["hello"]


async def test_a_planned_429_without_a_window_says_when(toy, http):
    toy.fault("429", match="GET /notes", seconds=7)
    answer = await http(toy).get(NOTES)
    assert (answer.status_code, answer.headers["x-reset"]) == (429, "2026-11-02T09:00:07+00:00")


async def test_slow_takes_time_of_the_clock(toy, http):
    toy.fault("slow", seconds=20)
    answer = await http(toy).post(NOTES, json={"text": "hello"}, timeout=60)
    assert answer.status_code == 201
    assert toy.clock.monotonic() == 20


async def test_expired_token(toy, http):
    toy.fault("expired-token")
    answer = await http(toy).post(NOTES, json={"text": "hello"})
    assert (answer.status_code, texts(toy)) == (401, [])


async def test_processing_faults_reach_the_handler(toy, http):
    toy.fault("still-processing", seconds=30)
    toy.fault("processing-failed")
    answer = await http(toy).post(FILES, content=b"x", headers={"content-type": "image/png"})
    assert answer.json()["ready"] == "2026-11-02T09:00:30+00:00"
    assert answer.json()["fails"] is True


@pytest.mark.parametrize("step", ["read", "prepare"])
async def test_a_read_that_changes_a_timeline_fails_the_test(toy, http, step):
    await http(toy).post(NOTES, json={"text": "hello"}, extensions={"socialkit.step": step})
    with pytest.raises(AssertionError, match=f"POST /notes, declared '{step}', added n1"):
        toy.check()
    toy.violations.clear()


async def test_the_end_of_the_block_checks_too(http, toy):
    with pytest.raises(AssertionError, match="outside a commit"), Sandbox([type(toy.toy)]) as box:
        await http(box).post(NOTES, json={"text": "hello"}, extensions={"socialkit.step": "read"})


@pytest.mark.parametrize("step", ["commit", "attach", None])
async def test_declared_and_undeclared_changes_pass(toy, http, step):
    extensions = {"socialkit.step": step} if step else {}
    await http(toy).post(NOTES, json={"text": "hello"}, extensions=extensions)
    toy.check()


async def test_a_client_that_goes_away_does_not_undo_the_post(toy, http):
    toy.fault("slow", seconds=20)
    task = asyncio.create_task(http(toy).post(NOTES, json={"text": "hello"}, timeout=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await toy.clock.sleep(30)
    assert texts(toy) == ["hello"]


async def test_a_large_upload_is_counted_not_kept(toy, http):
    async def pieces():
        for _ in range(64):
            yield bytes(256 * 1024)

    answer = await http(toy).post(FILES, content=pieces(), headers={"content-type": "video/mp4"})
    assert answer.json()["size"] == 16 * 1024 * 1024


async def test_multipart_gives_fields_and_files(toy, http):
    answer = await http(toy).post(FILES, data={"alt": "a boat"}, files={"file": ("a.png", b"12345")})
    assert (answer.json()["size"], answer.json()["fields"]) == (5, [["alt", "a boat"]])


async def test_broken_json_is_the_platforms_own_400(toy, http):
    answer = await http(toy).post(NOTES, content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "error" in answer.json()


async def test_unknown_paths_are_the_platforms_own_404(toy, http):
    assert (await http(toy).get("https://toy.example.com/nothing")).json() == {"error": "Not found"}


async def test_unknown_hosts_are_not_answered(toy, http):
    with pytest.raises(httpx.ConnectError):
        await http(toy).get("https://elsewhere.example.com/")


async def test_counts_grow_with_age_and_are_the_same_in_every_run(toy, http):
    await http(toy).post(NOTES, json={"text": "hello"})
    (entry,) = toy.timeline("toy")
    assert toy.toy.growth(entry, likes=100) == {"likes": 0}
    toy.clock.advance(6 * 3600)
    half = toy.toy.growth(entry, likes=100)["likes"]
    toy.clock.advance(30 * 86400)
    full = toy.toy.growth(entry, likes=100)["likes"]
    assert 25 <= half <= 75
    assert half < full <= 150
    assert abs(full - 2 * half) <= 2


def test_windows_that_are_not_aligned_start_at_the_first_request(toy):
    window = Window("day", 1, 86400.0, aligned=False)
    toy.clock.advance(100)
    first = toy.toy.spend(window, "a")
    assert first.reset == toy.clock.now() + timedelta(days=1)
    assert not toy.toy.spend(window, "a").allowed
    assert toy.toy.spend(window, "b").allowed


def test_an_unknown_platform_names_the_known_ones():
    with pytest.raises(ConfigError, match="no sandbox for nowhere"):
        Sandbox(["nowhere"])


def test_a_missing_platform_names_what_the_sandbox_has(toy):
    with pytest.raises(ConfigError, match="it has toy"):
        toy.timeline("mastodon")


@pytest.mark.parametrize("missing", ["starlette", "python_multipart"])
def test_a_missing_extra_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=r"pip install 'socialkit-py\[sandbox\]'"):
        Sandbox(["mastodon"])


def test_serving_without_its_extra_is_an_error_too(monkeypatch, toy):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r"pip install 'socialkit-py\[sandbox\]'"), toy.serve():
        pass


def test_the_client_posts_in_process_on_the_sandboxs_clock():
    with Sandbox(["mastodon"]) as box, box.client(store=":memory:") as client:
        began = time.perf_counter()
        box.fault("stored-then-hang")
        report = client.publish(Post("hello"), to="mastodon", idempotency_key="k", errors="return")
        assert report["mastodon"].status == "published"
        assert [entry.text for entry in box.timeline("mastodon")] == ["hello"]
        assert box.clock.monotonic() > 0
        assert time.perf_counter() - began < 10


async def test_the_async_client_too():
    with Sandbox(["mastodon"]) as box:
        async with box.async_client(store=":memory:") as client:
            report = await client.publish(Post("hello"), to="mastodon", idempotency_key="k")
        assert report["mastodon"].url == f"https://mastodon.social/@brand/{box.timeline('mastodon')[0].id}"


def test_served_accounts_point_at_the_server():
    with Sandbox(["mastodon"]) as box, box.serve() as url:
        with Client(box.accounts(url), store=":memory:") as client:
            report = client.publish(Post("hello"), to="mastodon", idempotency_key="k")
        assert report["mastodon"].url.startswith(f"{url}/mastodon/@brand/")
