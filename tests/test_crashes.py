"""Processes that share one idempotency key and one store, stopped or killed at every journal row in turn.

Whatever happens to one of them: never two posts, and at the end the record says exactly what the timeline shows.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from processes import Child, Nursery, nursery, picture
from socialkit.contracts._samples import jpeg, mp4
from socialkit.registry import adapter, platforms
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

PERSONALITIES = ["mastodon", "mastodon:gotosocial", "bluesky", "x"]
OTHERS = sorted(set(platforms()) - {"mastodon", "bluesky", "x"})
SHAPES = {"post": 1, "picture": 1, "thread": 3}
WITH_MEDIA = {"instagram": "square", "pinterest": "square", "tiktok": "video", "youtube": "video"}
"""What is published where there are no posts of words alone."""
MEDIA = {
    "picture": ("picture", "picture.png", "image/png"),
    "square": ("picture", "square.jpg", "image/jpeg"),
    "video": ("video", "film.mp4", "video/mp4"),
    "short": ("video", "short.mp4", "video/mp4"),
}
"""How a child is told of what a shape shows, its file, its type."""
ONCE = "published"


@attrs.frozen
class Stage:
    """A served sandbox with one account, and processes that publish to it."""

    box: Sandbox
    url: str
    platform: str
    children: Nursery
    folder: Path

    def task(self, name: str, shape: str, **more: Any) -> dict[str, Any]:
        """What a process publishes, at a moment of its own: Bluesky has 1,024 record keys for one moment."""
        self.box.clock.advance(1)
        medium = MEDIA.get(shape)
        shown = {medium[0]: str(self.folder / medium[1]), "place": self.place(*medium[1:])} if medium else {}
        return {
            "url": self.url,
            "store": str(self.folder / f"{name}.db"),
            "accounts": {
                "brand": [self.platform, self.box[self.platform].credentials(f"{self.url}/{self.platform}")]
            },
            "to": "brand",
            "key": name,
            "texts": [f"{name} part {part}" for part in range(SHAPES.get(shape, 1))],
            "title": name if "title" in adapter(self.platform).rules.required else None,
            **shown,
            **more,
        }

    def place(self, name: str, mime: str) -> dict[str, Any]:
        """Where a child puts a file that its platform wants to fetch."""
        return attrs.asdict(self.box.files.at(self.url).place(name, mime, 0, digest=name))

    def live(self, name: str) -> list[str]:
        """Ids of what is live of a task, in the order of its parts."""
        entries = [entry for entry in self.box.timeline(self.platform) if f"{name} part" in entry.text]
        return [entry.id for entry in sorted(entries, key=lambda entry: entry.text)]

    def pinned(self) -> int:
        """How many requests pinned something."""
        return sum(line.path.endswith("/pin") and line.status == 200 for line in self.box.requests)

    def start(self, task: dict[str, Any], **more: Any) -> Child:
        return self.children.start("publish", **{**task, **more})

    def assert_ends_well(self, task: dict[str, Any]) -> None:
        """Settled and published again under the same key, it is live exactly once and the record says so."""
        record, again = self.children.run("finish", **task)
        live = self.live(task["key"])
        assert record["status"] == ONCE, record
        assert len(live) == len(task["texts"]), "every part once"
        assert record["ids"] == [_as_told(self.platform, one) for one in live]
        assert again["replayed"]
        assert again["ids"] == record["ids"]


def _as_told(platform: str, entry_id: str) -> str:
    """A receipt's id for an entry's."""
    return entry_id.rpartition("/")[2] if platform == "bluesky" else entry_id


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture
def stage_of(children: Nursery, tmp_path: Path) -> Iterator[Callable[[str], Stage]]:
    """Raises the stage of a platform, or of a platform's personality after a colon."""
    short = mp4(width=720, height=1280)
    files = {"picture.png": picture(), "square.jpg": jpeg(), "film.mp4": mp4(), "short.mp4": short}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with contextlib.ExitStack() as stack:

        def raised(name: str) -> Stage:
            platform, _, software = name.partition(":")
            box = stack.enter_context(Sandbox([platform], clock=ManualClock(autojump=False)))
            if software:
                box[platform].software = software  # type: ignore[attr-defined]
            return Stage(box, stack.enter_context(box.serve()), platform, children, tmp_path)

        yield raised
        children.clear()


@pytest.fixture(params=PERSONALITIES)
def stage(request: pytest.FixtureRequest, stage_of: Callable[[str], Stage]) -> Stage:
    return stage_of(request.param)


def assert_truthful(told: dict[str, Any] | None, live: list[str]) -> None:
    """What one process said may be less than what is so, never wrong."""
    if told is not None and told["status"] == ONCE:
        assert len(told["ids"]) == len(live)
    if told is not None and told["status"] == "failed":
        assert not live


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("point", ["before", "after"])
def test_killed_at_any_row_two_others_finish_it_once(stage: Stage, shape: str, point: str) -> None:
    kill_at_every_row(stage, shape, point)


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("platform", OTHERS)
def test_every_other_platform_takes_it_once_too(
    stage_of: Callable[[str], Stage], platform: str, point: str
) -> None:
    kill_at_every_row(stage_of(platform), WITH_MEDIA.get(platform, "post"), point)


def kill_at_every_row(stage: Stage, shape: str, point: str) -> None:
    for number in itertools.count(1):
        task = stage.task(f"{shape} {point} {number}", shape)
        first = stage.start(task, strike=[point, number, "kill"])
        if first.wait_for("struck") is None:
            assert number > 3, "it was struck at least at its intent, sending and live rows"
            break
        assert first.next() is None
        others = [stage.start(task, max_wait=60) for _ in range(2)]
        for told in [other.result() for other in others]:
            assert_truthful(told, stage.live(task["key"]))
        stage.assert_ends_well(task)


@pytest.mark.parametrize("shape", SHAPES)
def test_stopped_at_any_row_nobody_sends_in_its_place(stage: Stage, shape: str) -> None:
    for number in itertools.count(1):
        task = stage.task(f"{shape} stopped {number}", shape)
        first = stage.start(task, strike=["after", number, "stop"])
        struck = first.wait_for("struck")
        if struck is None:
            break
        before = stage.live(task["key"])
        told = stage.start(task, max_wait=1).result()
        assert stage.live(task["key"]) == before, "the stopped process owns it"
        assert told is not None
        assert told["status"] == ("published" if len(before) == SHAPES[shape] and told["ids"] else "unknown")
        first.resume()
        assert_truthful(first.result(), stage.live(task["key"]))
        stage.assert_ends_well(task)


@pytest.mark.parametrize("shape", SHAPES)
def test_stopped_and_then_killed_the_others_finish_it(stage: Stage, shape: str) -> None:
    for number in itertools.count(1):
        task = stage.task(f"{shape} stopped and killed {number}", shape)
        first = stage.start(task, strike=["after", number, "stop"])
        if first.wait_for("struck") is None:
            break
        waiting = stage.start(task, max_wait=5000)
        first.close()
        assert_truthful(waiting.result(), stage.live(task["key"]))
        stage.assert_ends_well(task)


@pytest.mark.parametrize("shape", SHAPES)
def test_three_at_the_same_moment_publish_once(stage: Stage, shape: str) -> None:
    task = stage.task(f"{shape} together", shape, together=True, max_wait=3000)
    three = [stage.start(task) for _ in range(3)]
    for child in three:
        child.wait_for("ready")
    for child in three:
        child.tell(go=True)
    told = [child.result() for child in three]
    assert all(one is not None and one["status"] == ONCE for one in told), told
    assert sum(not one["replayed"] for one in told if one) == 1, "one of them sent it"
    stage.assert_ends_well({**task, "together": False})


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("pins", ["once", "repeatable"])
def test_what_follows_the_post_is_done_once_after_a_crash_at_any_row(
    stage_of: Callable[[str], Stage], pins: str, point: str
) -> None:
    """A request after the commit that must not be repeated is never made twice; where nobody knows, that is told."""
    stage = stage_of("mastodon")
    for number in itertools.count(1):
        task = stage.task(f"{pins} {point} {number}", "post", pins=pins)
        before = stage.pinned()
        first = stage.start(task, strike=[point, number, "kill"])
        if (struck := first.wait_for("struck")) is None:
            assert number > (5 if pins == "once" else 4)
            break
        record, again = stage.children.run("finish", **task)
        assert record["status"] == again["status"] == ONCE
        assert len(stage.live(task["key"])) == 1
        doubtful = pins == "once" and [point, struck["kind"]] in (
            ["after", "attaching"],
            ["before", "attached"],
        )
        assert bool(record["missing"]) == doubtful
        pinned = stage.pinned() - before
        assert pinned == 1 if pins == "once" and not doubtful else pinned <= (1 if pins == "once" else 2)
        assert record["missing"] or pinned >= 1
        assert again["missing"] == record["missing"]


def test_what_follows_the_post_waits_for_the_end_of_a_halt(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("mastodon")
    task = stage.task("halted", "post", pins="once")
    first = stage.start(task, strike=["after", 3, "stop"])
    assert first.wait_for("struck") == {"event": "struck", "kind": "live"}
    halt = stage.children.run("halt", **{**task, "scope": "all"})
    first.resume()
    told = first.result()
    assert told is not None
    assert told["status"] == ONCE, "it had left before the halt"
    assert "not done yet" in told["missing"][0]
    assert stage.pinned() == 0
    assert stage.children.run("publish", **task)["missing"] == told["missing"]
    stage.children.run("resume", **{**task, "scope": halt["scope"]})
    assert stage.children.run("publish", **task)["missing"] == []
    assert stage.pinned() == 1


@pytest.mark.parametrize("point", ["before", "after"])
def test_what_is_owed_to_a_video_is_done_once_after_a_crash_at_any_row(
    stage_of: Callable[[str], Stage], point: str
) -> None:
    """A Short's playlist and first comment at once; its thumbnail when the processing is over, which a later publish
    sees."""
    stage, owed_rows = stage_of("youtube"), 0
    youtube: Any = stage.box["youtube"]
    youtube.seconds_to_process = 600.0
    more: dict[str, Any] = {"thumbnail": str(stage.folder / "square.jpg")}
    for number in itertools.count(1):
        playlist = youtube.add_playlist()
        more["options"] = {"playlist": playlist, "first_comment": f"comment {number}"}
        task = stage.task(f"owed {point} {number}", "short", **more)
        if stage.start(task, strike=[point, number - owed_rows, "kill"]).wait_for("struck") is None:
            owed_rows = owed_rows or number - 1
            stage.box.clock.advance(7200)
            if stage.start(task, strike=[point, number - owed_rows, "kill"]).wait_for("struck") is None:
                break
        stage.children.run("finish", **task)
        stage.box.clock.advance(7200)
        record, again = stage.children.run("finish", **task)
        listed = [one for one in youtube.items.values() if one["playlist"] == playlist]
        said = [one for one in youtube.threads if one["text"] == f"comment {number}"]
        assert record["status"] == again["status"] == ONCE
        assert record["ids"] == stage.live(task["key"])
        assert len(record["ids"]) == 1
        assert max(len(listed), len(said)) <= 1, "never twice"
        shown = youtube.entries[record["ids"][0]].extras.get("thumbnail")
        assert (listed and said and shown) or "its end is not known" in str(again["missing"])
        assert again["replayed"]
    assert number - owed_rows > 1, "what the later publish writes was struck, too"


def test_a_key_the_server_forgot_makes_no_second_post(stage_of: Callable[[str], Stage]) -> None:
    """It was stored and its process died; the server has forgotten the key, in spite of what is known of it."""
    stage = stage_of("mastodon")
    task = stage.task("forgotten", "post")
    first = stage.start(task, strike=["before", 3, "kill"])
    assert first.wait_for("struck") == {"event": "struck", "kind": "live"}
    stage.box.fault("key-expired", platform="mastodon", times=5)
    stage.assert_ends_well(task)


@pytest.mark.parametrize("point", ["enter", "leave"])
def test_killed_inside_the_passage_the_post_is_made_once(stage: Stage, point: str) -> None:
    task = stage.task(f"killed at {point}", "post")
    first = stage.start(task, strike=[point, 1, "kill"])
    assert first.wait_for("struck") is not None
    stage.assert_ends_well(task)
