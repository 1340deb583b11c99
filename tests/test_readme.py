"""The README promises only what works: its example runs and is typed, its matrix is what the adapters say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from documents import ROOT, blocks, run, sandboxed
from socialkit import registry
from socialkit.cli.features import matrix

EXAMPLE = blocks("README.md")[0]
MISTAKES = {
    "a wrong keyword": ("idempotency_key=", "idempotency_keys="),
    "a wrong argument of an adapter": ("app_password=", "password="),
    "a wrong name": ("client.fetch_metrics(report)", "client.fetch_metric(report)"),
    "a wrong import": ("import Bluesky,", "import BlueSky as Bluesky,"),
}


def test_the_example_runs_as_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sandboxed(monkeypatch, tmp_path, "mastodon", "bluesky") as box:
        space = run([EXAMPLE], box)
        assert [len(box.timeline(name)) for name in ("mastodon", "bluesky")] == [1, 1]
    assert space["report"].ok
    printed = capsys.readouterr().out
    assert "https://bsky.app/profile/" in printed
    assert "<NA>" in printed


def test_run_twice_it_posts_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with sandboxed(monkeypatch, tmp_path, "mastodon", "bluesky") as box:
        run([EXAMPLE], box)
        assert run([EXAMPLE], box)["report"].replayed
        assert len(box.timeline("bluesky")) == 1


def _mypy(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "example.py"
    path.write_text(code, encoding="utf-8")
    options = ["--strict", "--config-file=", "--cache-dir", str(folder / "cache")]
    command = [sys.executable, "-m", "mypy", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_example_passes_mypy_and_mistakes_fail(tmp_path: Path) -> None:
    good = _mypy(EXAMPLE, tmp_path)
    assert good.returncode == 0, good.stdout
    for name, (right, wrong) in MISTAKES.items():
        assert right in EXAMPLE
        assert _mypy(EXAMPLE.replace(right, wrong), tmp_path).returncode == 1, f"mypy misses {name}"


@pytest.mark.pyright
def test_the_example_passes_pyright_and_mistakes_fail(tmp_path: Path) -> None:
    command = os.environ.get("SOCIALKIT_PYRIGHT")
    if not command:
        pytest.skip("SOCIALKIT_PYRIGHT does not name the pyright command")

    def check(code: str) -> int:
        path = tmp_path / "example.py"
        path.write_text(code, encoding="utf-8")
        full = [command, "--pythonpath", sys.executable, str(path)]
        return subprocess.run(full, capture_output=True, check=False, cwd=tmp_path).returncode

    assert check(EXAMPLE) == 0
    for name, (right, wrong) in MISTAKES.items():
        assert check(EXAMPLE.replace(right, wrong)) == 1, f"pyright misses {name}"


def test_the_matrix_is_what_the_adapters_say() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- matrix: python -m socialkit features -->\n")[2].partition("\n<!-- end")[0]
    assert shown == matrix(registry.adapter(name) for name in registry.platforms())


def test_every_link_leads_somewhere() -> None:
    import re

    for document in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"
