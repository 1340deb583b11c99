"""The page of each platform: one order for all, complete by the adapter's own account, and a first post that works."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from documents import ROOT, blocks, sandboxed
from socialkit import registry
from socialkit.rules import Rules
from socialkit.sandbox import sample_photo, sample_video

PLATFORMS = tuple(registry.platforms())
HEADINGS = [
    "Set up",
    "Scopes",
    "The first post",
    "What a post becomes",
    "Options",
    "Limits",
    "What is lost",
    "Costs",
    "After a lost answer",
    "Metrics",
    "Gotchas",
]
INTERNAL = {"self", "server", "video_server", "analytics_server", "video"}
CAPABILITIES = ("identify", "publish", "metrics", "delete")


def sections(platform: str) -> dict[str, str]:
    page = (ROOT / "docs" / "platforms" / f"{platform}.md").read_text(encoding="utf-8")
    pieces = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_page_has_the_same_headings_in_the_same_order(platform: str) -> None:
    assert list(sections(platform)) == HEADINGS
    assert all(text.strip() for text in sections(platform).values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_page_says_on_which_day_its_facts_were_read(platform: str) -> None:
    head = (ROOT / "docs" / "platforms" / f"{platform}.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert re.search(r"Facts read on \d{4}-\d\d-\d\d", head)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_option_stands_under_options_and_nothing_else_does(platform: str) -> None:
    adapter = registry.adapter(platform)
    fields = {field.name for field in attrs.fields(adapter.Options)}
    told = sections(platform)["Options"]
    assert {name for name in fields if f"`{name}`" not in told} == set()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", told, flags=re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} <= fields


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_argument_of_the_account_is_explained(platform: str) -> None:
    page = (ROOT / "docs" / "platforms" / f"{platform}.md").read_text(encoding="utf-8")
    arguments = set(inspect.signature(registry.adapter(platform).__init__).parameters) - INTERNAL
    positional = {"handle", "api_key"} | (
        {"token"} if f'{registry.adapter(platform).__name__}("' in page else set()
    )
    assert {name for name in arguments - positional if f"{name}=" not in page} == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_scope_that_is_asked_for_stands_under_scopes(platform: str) -> None:
    told = sections(platform)["Scopes"]
    for flow in registry.adapter(platform).flows:
        for capability in CAPABILITIES:
            for scope in (flow.scopes or {}).get(capability, ()):
                short = re.split(r"[:?]", scope.rpartition("/")[2])[0] if "://" in scope else scope
                if not scope.startswith(("rpc:", "repo:")):
                    assert short in told, f"{flow.name}: {scope}"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_limits_are_those_of_the_rules(platform: str) -> None:
    rules, told = registry.adapter(platform).rules, sections(platform)["Limits"]
    assert all(f"{limit:,}" in told for limit, _ in rules.text.limits)
    if rules.poll:
        assert f"{rules.poll.min_options} to {rules.poll.max_options} options" in told


SPOKEN = {
    "title": "title",
    "language": "language",
    "tags": "tag",
    "sensitive": "sensitive",
    "content_warning": "warning",
    "quote": "quote",
    "reply_to": "repl",
}
"""How a page speaks of a field of ``Post``."""


def _lost(rules: Rules) -> Iterator[str]:
    """What the rules leave out, in a word of each."""
    yield from (word for name, word in SPOKEN.items() if name not in rules.carries | rules.in_text)
    video, images = rules.video, rules.images
    without = {
        "poll": rules.poll,
        "thread": rules.thread,
        "document": rules.files,
        "picture": images,
        "video": video,
        "schedul": rules.schedule,
        "visibilit": len(rules.visibility) > 1,
        "caption": not video or video.captions,
        "thumbnail|frame": not video or video.thumbnail,
        "focus": not images or images.focus,
        "beside": rules.mixed_media or not (video and images),
    }
    yield from (word for word, has in without.items() if not has)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_the_rules_leave_out_is_said_to_be_lost(platform: str) -> None:
    told = sections(platform)["What is lost"].lower()
    assert [word for word in _lost(registry.adapter(platform).rules) if not re.search(word, told)] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_metric_the_rules_promise_is_named(platform: str) -> None:
    told = sections(platform)["Metrics"]
    assert {name for name in registry.adapter(platform).rules.metrics if name not in told} == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_first_post_is_published_as_it_is_written(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the sandbox's account where a reader's own stands; the further examples of the page run after it."""
    for name in ("sea.mp4", "launch.mp4", "trials.mp4"):
        (tmp_path / name).write_bytes(sample_video())
    (tmp_path / "boat.jpg").write_bytes(sample_photo())
    (tmp_path / "launch.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nAhoy\n")
    codes = blocks(f"docs/platforms/{platform}.md")
    assert codes[0] in sections(platform)["The first post"]
    with sandboxed(monkeypatch, tmp_path, platform) as box:
        name = registry.adapter(platform).__name__
        own = re.compile(rf'\b{name}\((?:[^()]|\([^()]*\))*"(?:…|brand\.example)"[^()]*\)')
        space: dict[str, Any] = {"__name__": "__main__", "OWN": box.accounts()[platform]}
        for code in codes:
            exec(compile(own.sub("OWN", code), platform, "exec", dont_inherit=True), space)
        assert len(box.timeline(platform)) == 1
    assert space["report" if "report" in space else "plan"]
    assert "https://" in capsys.readouterr().out
