"""The bars of ``bench/``: each measures something at a tiny size, and says MISSED when the numbers are bad."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench import __main__ as bench  # noqa: E402
from bench import (  # noqa: E402
    bar_01_requests,
    bar_02_memory,
    bar_03_fanout,
    bar_04_import,
    bar_05_overhead,
    bar_06_failures,
    bar_07_goodput,
    bar_08_text,
    bar_09_resume,
    bar_10_halt,
    failures_of_peers,
    kinds,
    logins,
    metrics_of_peers,
    table,
    taped,
    uploads_of_peers,
)
from bench.table import Row  # noqa: E402

from socialkit import Outcome, Receipt, Status  # noqa: E402
from socialkit.model import Identity  # noqa: E402
from socialkit.registry import adapter, platforms  # noqa: E402
from socialkit.sandbox import Sandbox  # noqa: E402


@pytest.fixture
def unclosed() -> Iterator[None]:
    """What the peers leave open is gone when the test ends."""
    yield
    gc.collect()


def with_a_peer(test: Any) -> Any:
    """For a test with somebody else's client: few of them are closed, and one warns of what it does itself."""
    marks = [
        pytest.mark.peers,
        pytest.mark.usefixtures("unclosed"),
        pytest.mark.filterwarnings("ignore::ResourceWarning"),
        pytest.mark.filterwarnings("ignore:value of .* might not be compatible:UserWarning"),
    ]
    for mark in marks:
        test = mark(test)
    return test


@pytest.fixture(autouse=True)
def own_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar may take the budgets off an adapter; other tests must not see that."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in platforms():
        monkeypatch.setattr(adapter(name), "rules", adapter(name).rules)


def test_every_bar_has_a_file_that_runs_and_judges() -> None:
    assert sorted(bench.bars()) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_the_table_is_at_most_110_columns_wide() -> None:
    row = Row(
        "a bar with a long name that goes on",
        "<= 1",
        "2 of " + "many " * 9,
        "a peer " * 9,
        False,
        ("note " * 40,),
    )
    lines = table.lines([row])
    assert max(map(len, lines)) <= 110
    assert "MISSED" in lines[2]


def test_a_missed_bar_ends_in_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for ok, code in ((True, 0), (None, 0), (False, 1)):
        monkeypatch.setattr(bench, "measure", lambda number, ok=ok: [Row("a bar", "1", "2", "3", ok)])
        assert bench.main(["1"]) == code
    assert bench.main(["99"]) == 2
    assert "MISSED" in capsys.readouterr().out


def test_a_bar_that_crashes_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert [row.ok for row in bench.measure(1)] == [False]


# --- 1 requests -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", bar_01_requests.TARGETS)
def test_requests_are_counted_in_the_transcript(name: str) -> None:
    ours, _ = asyncio.run(bar_01_requests.measure(name, 3, peer_too=False))
    assert ours == bar_01_requests.Count(-(-3 // bar_01_requests.largest_batch(name)), 0)


def test_too_many_requests_or_an_empty_row_is_missed() -> None:
    count = bar_01_requests.Count
    assert bar_01_requests.judge("x", count(10, 0), None).ok
    assert not bar_01_requests.judge("x", count(11, 0), None).ok
    assert not bar_01_requests.judge("x", count(10, 1), None).ok
    assert bar_01_requests.judge("threads", count(10, 0), None).ok is None
    assert bar_01_requests.judge("threads", count(10, 1), None).ok is False


def test_a_row_names_the_largest_batch_and_what_the_peer_made() -> None:
    count = bar_01_requests.Count
    row = bar_01_requests.judge(logins.PAGE, count(20, 0), count(21, 3))
    assert row.target == "printed; 50 a request at most"
    assert row.peer.startswith("21 (facebook_business")
    assert row.peer.endswith("3 rows empty")
    assert bar_01_requests.judge("threads", count(1, 0), None).target.startswith("printed; 1 a request")
    assert "a hundred is our own choice" in bar_01_requests.judge("linkedin", count(1, 0), None).notes[0]


@with_a_peer
@pytest.mark.parametrize("name", metrics_of_peers.READERS)
def test_a_peer_reads_every_posts_numbers(name: str) -> None:
    reader = metrics_of_peers.READERS[name]
    if not reader.there:
        pytest.skip(reader.label)
    _, theirs = asyncio.run(bar_01_requests.measure(name, 3))
    batched = {"mastodon": 3, "instagram": 3, "threads": 3, "reddit": 2}
    assert theirs == bar_01_requests.Count(batched.get(name, 1), 0)


# --- 2 memory -------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
def test_memory_of_an_upload_is_measured_in_another_process() -> None:
    peak = bar_02_memory.measure("mastodon", 300_000, "ours")
    assert peak.end == "published"
    assert peak.mib >= 0


def test_much_memory_or_no_video_is_missed() -> None:
    peak = bar_02_memory.Peak
    assert bar_02_memory.judge("x", 1, peak(3.0, "published"), None).ok
    assert not bar_02_memory.judge("x", 1, peak(17.0, "published"), None).ok
    assert not bar_02_memory.judge("x", 1, peak(3.0, "failed: no"), None).ok
    assert bar_02_memory.judge("x", 1, peak(3.0, "published"), peak(1.0, "uploaded")).notes == ()
    assert "no room" in bar_02_memory.judge("x", 1, peak(3.0, "published"), peak(1.0, "no room")).notes[0]


def test_what_an_upload_ends_with_is_told_errors_too() -> None:
    assert bar_02_memory.ended(lambda video: video, "uploaded") == "uploaded"
    assert bar_02_memory.ended(lambda video: str(1 // 0), "").startswith("ZeroDivisionError: ")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
def test_a_page_uploads_an_instagram_video() -> None:
    assert bar_02_memory.measure(logins.PAGE, 300_000, "ours").end == "published"


@with_a_peer
@pytest.mark.parametrize("name", uploads_of_peers.UPLOADERS)
def test_a_peer_uploads_the_video(name: str) -> None:
    uploader = uploads_of_peers.UPLOADERS[name]
    if not uploader.there:
        pytest.skip(uploader.label)
    assert bar_02_memory.measure(name, 300_000, "peer").end in ("published", "uploaded")


# --- 3 fan-out ------------------------------------------------------------------------------------------------------
def test_a_fanout_is_timed_beside_gather() -> None:
    assert len(asyncio.run(bar_03_fanout.ours(2, 0.0, ":memory:", 2))) == 2
    assert len(asyncio.run(bar_03_fanout.raw(2, 0.0, 2))) == 2


def test_a_slow_fanout_is_missed() -> None:
    assert bar_03_fanout.judge("memory", [310.0], [301.0], None).ok
    assert not bar_03_fanout.judge("memory", [341.0], [301.0], None).ok


def test_what_the_sandbox_said_is_played_again() -> None:
    names = ("x", "tiktok", "instagram")
    tapes = asyncio.run(bar_03_fanout.recorded(names, 2))
    done = asyncio.run(bar_03_fanout.ours_on_all(tapes, 0.0, ":memory:", 2))
    assert len(done.took) == len(done.made) == 2
    for made in done.made:
        assert set(made) == set(names)
        assert [one.step for one in made["x"]] == ["commit"]
        assert [one.step for one in made["instagram"]].count(
            "read"
        ) == 3  # its media are ready at the first look
    assert len(asyncio.run(bar_03_fanout.raw_on_all(tapes, done.made, 0.0))) == 2


def test_only_what_makes_a_post_public_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    tapes = asyncio.run(bar_03_fanout.recorded(("instagram",), 1))
    (commit,) = [one for one in tapes["instagram"][-3:] if one.step == "commit"]
    (read,) = [one for one in tapes["instagram"][-1:] if one.step == "read"]
    monkeypatch.setattr(taped.asyncio, "sleep", sleep)

    async def ask(player: taped.Player, one: taped.Exchange) -> None:
        extensions = {taped.STEP: one.step}
        request = taped.httpx.Request(one.method, one.url, extensions=extensions)
        assert (await player.handle_async_request(request)).content

    player = taped.Player(tapes, 0.3)
    for one, seconds in ((read, []), (commit, [0.3]), (commit, [0.3, 0.3])):
        asyncio.run(ask(player, one))
        assert waited == seconds
    with pytest.raises(LookupError, match="was not recorded"):
        asyncio.run(ask(player, commit))  # two posts were recorded, and no third one is made up


def test_a_durable_fanout_is_counted(tmp_path: Path) -> None:
    tapes = asyncio.run(bar_03_fanout.recorded(("x",), 1))
    done = asyncio.run(bar_03_fanout.ours_on_all(tapes, 0.0, str(tmp_path / "bench.db"), 1))
    assert done.durable == 2


def test_a_slow_fanout_to_all_or_a_post_made_otherwise_is_missed() -> None:
    def judged(took: float, *steps: str) -> Row:
        made = [taped.Exchange("POST", "https://example.com", step, {}, b"", 200, [], b"") for step in steps]
        done = bar_03_fanout.Fanout([took], [{"x": made}])
        return bar_03_fanout.judge_all("memory", done, [300.0], 170.0)

    assert judged(310.0, "prepare", "commit").ok
    assert "1.03 x the peer" in judged(310.0, "prepare", "commit").ours
    assert not judged(341.0, "prepare", "commit").ok
    assert not judged(310.0, "prepare").ok
    assert "x 2" in judged(310.0, "commit", "commit").notes[-1]


# --- 4 import -------------------------------------------------------------------------------------------------------
def test_the_import_is_timed_in_a_fresh_process() -> None:
    ours, httpx = bar_04_import.measure(1)
    assert ours > 0 < httpx
    assert bar_04_import.loaded("socialkit") == []
    assert "socialkit.adapters.mastodon" in bar_04_import.loaded("socialkit.adapters.mastodon")


def test_a_slow_or_heavy_import_is_missed() -> None:
    assert bar_04_import.judge(60.0, 50.0, []).ok
    assert not bar_04_import.judge(76.0, 50.0, []).ok
    assert not bar_04_import.judge(60.0, 50.0, ["sqlite3"]).ok


# --- 5 overhead -----------------------------------------------------------------------------------------------------
def test_overhead_is_measured_three_ways(tmp_path: Path) -> None:
    for store in (":memory:", str(tmp_path / "bench.db")):
        costs = asyncio.run(bar_05_overhead.asynchronous(store, 1, 2))
        assert costs.publish > 0 < costs.raw
    assert bar_05_overhead.synchronous(1, 2).empty > 0
    assert asyncio.run(bar_05_overhead.durable_per_publish(str(tmp_path / "count.db"))) >= 2
    assert bar_05_overhead.fsync_us(tmp_path, 2) > 0
    assert len(bar_05_overhead.together(2, 2)) == 4


def test_a_costly_publish_is_missed() -> None:
    costs, faces = bar_05_overhead.Costs, bar_05_overhead.Faces
    assert bar_05_overhead.judge_memory(costs(250.0, 100.0)).ok
    assert not bar_05_overhead.judge_memory(costs(251.0, 100.0)).ok
    assert bar_05_overhead.judge_sqlite(costs(1500.0, 100.0), 2, 200.0).ok
    assert not bar_05_overhead.judge_sqlite(costs(1501.0, 100.0), 2, 200.0).ok
    assert bar_05_overhead.judge_sync(faces(120.0, 100.0, 20.0)).ok
    assert not bar_05_overhead.judge_sync(faces(121.0, 100.0, 20.0)).ok


# --- 6 failures -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("subject", [one for one in bar_06_failures.SUBJECTS if one.platform in platforms()])
def test_failures_are_driven_to_a_known_state(subject: bar_06_failures.Subject) -> None:
    tally = asyncio.run(bar_06_failures.block(subject, 0, 3, seed=1))
    assert tally.trials == 3
    assert tally.failures >= 3
    assert sum(tally.ends.values()) == 3


@pytest.mark.parametrize(
    ("platform", "kind"), [(name, kind) for name in kinds.KINDS for kind in kinds.KINDS[name]]
)
def test_every_kind_of_post_is_one_the_platform_takes(platform: str, kind: str) -> None:
    with Sandbox([platform]) as box, box.client() as client:
        plan = client.plan(kinds.made(kind, platform, "We ship today"), to=platform)
    assert [one for one in plan.problems if one.severity == "error"] == []


def test_a_kind_that_cannot_be_settled_is_no_miss_when_it_is_said() -> None:
    subject = next(one for one in bar_06_failures.SUBJECTS if one.share == 0.0)
    tally = bar_06_failures.Tally(100, 100, open=Counter({"nothing": 40}))
    assert bar_06_failures.judge(subject, tally).ok
    assert not bar_06_failures.judge(subject, attrs.evolve(tally, false=["6-1"])).ok


@with_a_peer
@pytest.mark.parametrize("platform", failures_of_peers._CLIENTS)
def test_a_plain_retry_makes_duplicates_or_false_records(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = failures_of_peers._CLIENTS[platform][0]
    if failures_of_peers.peer(module) is None:
        pytest.skip(f"{module} is not installed")
    monkeypatch.setattr(failures_of_peers, "LOST", ("stored-then-500",))
    done = failures_of_peers.measure(platform, 2)
    assert done is not None
    refused = platform in ("x", "facebook", "linkedin")  # the same words again
    assert (done.duplicates, done.wrong) == ((0, 2) if refused else (2, 0))


@with_a_peer
@pytest.mark.parametrize("platform", failures_of_peers._CLIENTS)
def test_a_peer_that_loses_nothing_makes_one_post(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = failures_of_peers._CLIENTS[platform][0]
    if failures_of_peers.peer(module) is None:
        pytest.skip(f"{module} is not installed")
    monkeypatch.setattr(failures_of_peers, "LOST", ("key-ignored",))  # by a post without one
    monkeypatch.setattr(failures_of_peers, "PATIENCE", 20.0)
    counted = list[tuple[bool, int]]()
    trial = failures_of_peers._trial
    monkeypatch.setattr(
        failures_of_peers, "_trial", lambda *given: counted.append(trial(*given)) or counted[-1]
    )
    failures_of_peers.measure(platform, 1)
    assert counted == [(True, 1)]


def test_a_duplicate_a_false_record_or_an_open_post_is_missed() -> None:
    subject, tally = bar_06_failures.SUBJECTS[0], bar_06_failures.Tally
    assert bar_06_failures.judge(subject, tally(100, 100)).ok
    assert not bar_06_failures.judge(subject, tally(100, 100, twice=["6-1"])).ok
    assert not bar_06_failures.judge(subject, tally(100, 100, false=["6-1"])).ok
    assert not bar_06_failures.judge(subject, tally(100, 100, open=Counter({"nothing": 1}))).ok
    assert bar_06_failures.judge(subject, tally(100, 100, twins=1, open=Counter({"twin": 1}))).ok


def test_a_record_without_an_id_is_true_when_ours_was_made() -> None:
    """It says that the post was made and not which one it is; a record with neither id nor reason says nothing."""
    owner = Identity("threads", "https://graph.threads.net", "1")
    unnamed = Outcome("t", "threads", Status.PUBLISHED, Receipt(owner, None), missing=("id: not told",))
    assert not bar_06_failures.false_record(unnamed, ["5"], [])
    assert bar_06_failures.false_record(unnamed, [], [])
    assert bar_06_failures.false_record(attrs.evolve(unnamed, missing=()), ["5"], [])
    named = attrs.evolve(unnamed, receipt=Receipt(owner, "6"))
    assert bar_06_failures.false_record(named, ["5"], [])
    tally = bar_06_failures.Tally(100, 100, nameless=3)
    assert "3 are published without an id" in str(bar_06_failures.judge(bar_06_failures.SUBJECTS[0], tally))


# --- 7 goodput ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["ours", "naive"])
def test_goodput_is_counted_by_the_server(kind: str) -> None:
    done = bar_07_goodput.measure(kind, limit=2, window=0.5, windows=1, processes=1)
    assert done.through > 0
    assert done.allowance == 2


def test_little_goodput_or_a_429_is_missed() -> None:
    good = bar_07_goodput.Goodput
    assert bar_07_goodput.judge(good(95, 0, 100), {}).ok
    assert not bar_07_goodput.judge(good(94, 0, 100), {}).ok
    assert not bar_07_goodput.judge(good(100, 1, 100), {}).ok


# --- 8 text ---------------------------------------------------------------------------------------------------------
def test_texts_are_scored_against_the_references() -> None:
    score = bar_08_text.score_x(bar_08_text.vectors()[:50])
    assert (score.ours, score.total) == (50, 50)
    assert bar_08_text.score_x([("abc", 4, [])]).ours == 0
    splits = bar_08_text.score_splits(5)
    assert (splits.ours, splits.total) == (5, 5)


def test_break_tests_are_read_and_scored() -> None:
    rows = bar_08_text.break_tests(["÷ 0061 × 0308 ÷ 0062 ÷ # a comment", "# only a comment"])
    assert rows == [["a\u0308", "b"]]
    assert bar_08_text.score_breaks(rows).ours == 1
    assert bar_08_text.score_breaks([["a", "\u0308"]]).ours == 0


def test_one_wrong_text_or_none_at_all_is_missed() -> None:
    score = bar_08_text.Score
    assert bar_08_text.judge("texts", score(9, 9, 1), "len()").ok
    assert not bar_08_text.judge("texts", score(9, 8, 1), "len()").ok
    assert not bar_08_text.judge("texts", score(0, 0, 0), "len()").ok


# --- 9 resume -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("platform", bar_09_resume.PLATFORMS)
def test_a_killed_upload_goes_on_in_another_process(platform: str) -> None:
    done = bar_09_resume.measure(platform, (80 if platform == "tiktok" else 12) << 20)  # it takes 64 MB whole
    assert done.end in ("published", "processing", "handed_over")
    assert bar_09_resume.judge(platform, done).ok


def test_more_than_a_piece_again_or_no_video_is_missed() -> None:
    resumed = bar_09_resume.Resumed
    assert bar_09_resume.judge("x", resumed(100, 10, 10, "published")).ok
    assert not bar_09_resume.judge("x", resumed(100, 10, 11, "published")).ok
    assert not bar_09_resume.judge("x", resumed(100, 10, 0, "failed: no")).ok
    assert not bar_09_resume.judge("x", resumed(100, 10, -5, "published")).ok


def test_a_peer_that_failed_is_named() -> None:
    resumed, again = bar_09_resume.Resumed(100 << 20, 10, 10, "published"), bar_09_resume.Again
    assert bar_09_resume.judge("x", resumed, again(90 << 20, "uploaded")).peer.startswith("90.0 MiB again (")
    row = bar_09_resume.judge("x", resumed, again(0, "no room"))
    assert "MiB again" not in row.peer
    assert row.notes == ("the peer ended: no room",)


@with_a_peer
@pytest.mark.parametrize("platform", bar_09_resume.PLATFORMS)
def test_a_killed_peer_begins_anew(platform: str) -> None:
    uploader = uploads_of_peers.UPLOADERS[platform]
    if not uploader.there:
        pytest.skip(uploader.label)
    size = 21 << 20
    done = bar_09_resume.measure_peer(platform, size)
    assert done.end == "uploaded"
    assert bar_09_resume.SHARE * size <= done.again < bar_09_resume.SHARE * size + (1 << 20) + 100_000


# --- 10 halt --------------------------------------------------------------------------------------------------------
def test_halts_are_witnessed_by_journal_and_senders() -> None:
    done = asyncio.run(bar_10_halt.measure(1, processes=1))
    assert len(done.each) == 1
    assert done.posts > 0
    assert done.rows == 0


def test_a_row_between_a_halt_and_its_lifting_is_seen(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "bench.db") as db:
        db.execute("CREATE TABLE journal (seq INTEGER PRIMARY KEY, kind TEXT)")
        kinds = ["sending", "halt", "live", "sending", "resume", "sending"]
        db.executemany("INSERT INTO journal (kind) VALUES (?)", [(kind,) for kind in kinds])
    db.close()
    assert bar_10_halt.rows_within(str(tmp_path / "bench.db")) == 1


def test_what_crosses_a_halt_or_a_slow_one_is_missed() -> None:
    def rows(took: float, crossed: int, unnamed: int) -> list[bool | None]:
        one = bar_10_halt.One(0.0, took, took + 0.1, frozenset(), False)
        return [row.ok for row in bar_10_halt.judge(bar_10_halt.Halts([one], crossed, 1, unnamed, 9), 1, 1)]

    assert rows(0.05, 0, 0) == [True, True]
    assert rows(0.05, 1, 0) == [False, True]
    assert rows(0.05, 0, 1) == [False, True]
    assert rows(0.051, 0, 0) == [True, False]
