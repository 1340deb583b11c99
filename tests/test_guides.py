"""Every Python example of the guides runs, in order, against the sandbox."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from documents import ROOT, blocks, run, sandboxed
from socialkit import Client, Post
from socialkit.__main__ import _parser
from socialkit.cli.features import sign_in_matrix
from socialkit.config import load

GUIDES = ["getting-started", "signing-in", "publishing", "outcomes", "metrics", "sandbox", "embedding"]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_examples_of_a_guide_run(guide: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with sandboxed(monkeypatch, tmp_path, "mastodon", "bluesky") as box:
        given = box.accounts()
        accounts = {"toots": given["mastodon"], "sky": given["bluesky"]}
        with Client(accounts, store=":memory:") as client:
            report = client.publish(Post("before the guide"), "toots", idempotency_key="earlier")
            given = {"client": client, "accounts": accounts, "report": report}
            person = {"session": {}, "browser": box.mastodon.approve}
            run(blocks(f"docs/{guide}.md"), box, given | person)


def test_every_guide_with_examples_is_run() -> None:
    with_examples = {path.stem for path in (ROOT / "docs").glob("*.md") if blocks(f"docs/{path.name}")}
    assert with_examples <= {*GUIDES, "adding-a-platform"}


def test_the_site_has_every_guide() -> None:
    """``mkdocs build`` takes its pages from this list; the overview and the README name the same ones."""
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    entries = [one for entry in config["nav"] for one in entry.values()]
    pages = {
        page
        for one in entries
        for page in ([one] if isinstance(one, str) else [p for q in one for p in q.values()])
    }
    docs = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    overview = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert pages == docs
    assert all(f"({page})" in overview and f"(docs/{page})" in readme for page in pages - {"index.md"})


def test_the_table_of_sign_ins_is_drawn_from_the_data() -> None:
    page = (ROOT / "docs" / "signing-in.md").read_text(encoding="utf-8")
    assert f"features --sign-in -->\n{sign_in_matrix()}\n<!-- end of sign-in -->" in page


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
)
def test_every_configuration_that_is_shown_is_read(page: str, tmp_path: Path) -> None:
    """Each block of TOML is a whole socialkit.toml, but for the entry points of a package."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)):
        if "[project." in block:
            continue
        (tmp_path / "sky.secret").write_text("secret")
        (tmp_path / "sky.secret").chmod(0o600)
        path = tmp_path / f"{number}.toml"
        path.write_text(block)
        read = load(path, env={"TOOTS_TOKEN": "t", "X_CLIENT_SECRET": "s", "HOME": str(tmp_path)})
        assert set(read.accounts) == set(re.findall(r"^\[accounts\.(\w+)\]", block, re.MULTILINE))


def test_every_command_that_is_shown_is_one() -> None:
    """``socialkit …`` in a block of a page is taken by the command line as it stands there."""
    seen, wrong = 0, []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        fenced = "\n".join(re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        shown = re.findall(r"^(?:\$ )?(?:python -m )?socialkit ([a-z].*)$", fenced, re.MULTILINE)
        inline = re.findall(r"`(?:python -m )?socialkit ([a-z][^`\n]*(?:\n +[^`\n]*)?)`", text)
        for command in [*shown, *inline]:
            words = shlex.split(command.replace("COMMAND", "demo"), comments=True)
            if len(words) < 2 and words[:1] not in (["demo"], ["accounts"], ["features"]):
                continue  # a command that is spoken of
            wrong += _refused(words)
            seen += 1
    assert not wrong
    assert seen > 25


def _refused(words: list[str]) -> list[str]:
    try:
        _parser().parse_args(words)
    except SystemExit as stop:
        return [shlex.join(words)] if stop.code else []
    return []
