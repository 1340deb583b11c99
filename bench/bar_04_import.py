"""Bar 4: what ``import socialkit`` costs a program, and what it must not load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from statistics import median

from .table import Row

EXTRA_MS = 25.0
FORBIDDEN = ("socialkit.adapters.", "authlib", "cattrs", "tenacity", "sqlite3")
_TIMED = "import time; began = time.perf_counter(); import {}; print((time.perf_counter() - began) * 1000)"
_LOADED = "import {}, sys; print(' '.join(sys.modules))"


def milliseconds(module: str) -> float:
    """How long the import takes in a fresh process."""
    return float(_fresh(_TIMED.format(module)))


def loaded(module: str) -> list[str]:
    """What the import loads of what it must not."""
    return forbidden(_fresh(_LOADED.format(module)).split())


def forbidden(modules: Iterable[str]) -> list[str]:
    return sorted(
        name
        for name in modules
        if name.startswith(FORBIDDEN)
        and name not in ("socialkit.adapters.base", "socialkit.adapters._errors")
    )


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def measure(rounds: int) -> tuple[float, float]:
    """(socialkit, httpx): median milliseconds, taken in turns."""
    pairs = [(milliseconds("socialkit"), milliseconds("httpx")) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def judge(ours: float, httpx: float, wrong: list[str]) -> Row:
    """Soon enough, and nothing loaded that is only needed later."""
    made = f"{ours:.0f} ms" + (f", loads {', '.join(wrong[:3])}" if wrong else ", loads none of them")
    ok = ours <= httpx + EXTRA_MS and not wrong
    return Row(
        "4 import socialkit", "<= httpx + 25 ms, nothing heavy", made, f"{httpx:.0f} ms (import httpx)", ok
    )


def run() -> list[Row]:
    used = "from socialkit import Client, Mastodon, Post"
    code = f"import time; began = time.perf_counter(); {used}; print((time.perf_counter() - began) * 1000)"
    row = judge(*measure(9), loaded("socialkit"))
    names = median(float(_fresh(code)) for _ in range(5))
    return [row, Row("4 the names used first", "printed", f"{names:.0f} ms", f"{used}")]
