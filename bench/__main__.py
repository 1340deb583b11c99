"""Measures the bars and prints the table: ``python -m bench [--json] [NUMBER ...]`` from the repository root."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

from .table import Row, from_dict, lines

LIMIT = 600.0
"""Seconds after which a bar that hangs is killed and counted as missed."""


def bars() -> dict[int, str]:
    """The modules of the bars by number."""
    names = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return {int(name.split("_")[1]): f"bench.{name}" for name in sorted(names) if name.startswith("bar_")}


def measure(number: int) -> list[Row]:
    """The rows of one bar, measured in a fresh process."""
    command = [sys.executable, "-m", "bench", "--json", str(number)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=True)
    except subprocess.SubprocessError as error:
        return [Row(f"{number}", "runs to its end", type(error).__name__, ok=False)]
    return [from_dict(row) for row in json.loads(done.stdout)]


def run_here(number: int) -> list[Row]:
    module: ModuleType = importlib.import_module(bars()[number])
    rows: list[Row] = module.run()
    return rows


def main(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    numbers = [int(word) for word in arguments if word != "--json"] or sorted(bars())
    if unknown := [number for number in numbers if number not in bars()]:
        print(f"no bar {unknown[0]}; there are {', '.join(map(str, bars()))}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps([row.to_dict() for number in numbers for row in run_here(number)]))
        return 0
    rows = []
    for number in numbers:
        began, load = time.monotonic(), os.getloadavg()[0]
        rows += measure(number)
        print(f"bar {number}: {time.monotonic() - began:.0f} s, load before it {load:.1f}", file=sys.stderr)
    print("\n".join(lines(rows)))
    return int(any(row.ok is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
