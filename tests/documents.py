"""The Python examples of the documents, run as written: against the sandbox instead of the platforms."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from socialkit.sandbox import Sandbox, sample_picture

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_GIVEN = re.compile(r'(token|app_password)="…"|"(brand\.example)"')


def blocks(document: str) -> list[str]:
    """The Python code blocks of a document, in order."""
    return _BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))


@contextmanager
def sandboxed(monkeypatch: pytest.MonkeyPatch, folder: Path, *platforms: str) -> Any:
    """Clients made inside talk to a sandbox, whose clock they share; files are looked for in ``folder``."""
    (folder / "hero.jpg").write_bytes(sample_picture(64, 36))
    monkeypatch.chdir(folder)
    with Sandbox(list(platforms)) as box:
        from socialkit import client

        real = client.Transport
        monkeypatch.setattr(client, "SystemClock", lambda: box.clock)
        monkeypatch.setattr(
            client,
            "Transport",
            lambda **given: real(**given | {"transport": given["transport"] or box.transport}),
        )
        yield box


def with_secrets(code: str, box: Sandbox) -> str:
    """The code with the sandbox's own credentials where a reader would put theirs."""
    given = {
        name: value
        for one in box.boxes.values()
        if one.publishes
        for name, value in one.credentials().items()
    }
    return _GIVEN.sub(lambda m: f'{m[1]}="{given[m[1]]}"' if m[1] else f'"{given["handle"]}"', code)


def run(codes: list[str], box: Sandbox, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run blocks one after another in one namespace; the namespace."""
    space: dict[str, Any] = {"__name__": "__main__", **(names or {})}
    for code in codes:
        exec(compile(with_secrets(code, box), "<document>", "exec", dont_inherit=True), space)
    return space
