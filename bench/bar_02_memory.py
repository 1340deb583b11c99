"""Bar 2: peak memory above start while a huge video is uploaded from a file, every platform that takes bytes.

The client is a fresh process, the sandbox another one. The video is as large as the platform's rules let it be, at
most 1 GiB. "Start" is after a first small post, when everything is imported.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

from socialkit.registry import platforms

from .canned import child
from .logins import PAGE, account, platform_of
from .pictures import sparse_mp4
from .served import served
from .table import Row
from .uploads_of_peers import UPLOADERS, Work

GIB, INSTAGRAM, LIMIT_MIB = 1 << 30, 300 * 10**6, 16.0
SIZES = {
    "x": GIB,
    "youtube": GIB,
    "facebook": GIB,
    PAGE: INSTAGRAM,
    "tiktok": GIB,
    "pinterest": GIB,
    "reddit": GIB,
    "linkedin": 500_000_000,
    "bluesky": 300_000_000,
    "mastodon": 103_809_024,
}


@attrs.frozen
class Peak:
    """Mebibytes above start, and how it ended: "published", or what went wrong."""

    mib: float
    end: str
    seconds: float = 0.0


def measure(name: str, size: int, who: str) -> Peak:
    """``who``: "ours" or "peer"."""
    with tempfile.TemporaryDirectory() as folder, served(name) as box:
        video = sparse_mp4(Path(folder) / "video.mp4", size)
        given = json.dumps(box.accounts[name])
        with child("-m", "bench.bar_02_memory", who, name, str(video), given) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            return Peak(*json.loads(line)) if line else Peak(0.0, "the process died")


# --- the fresh process ------------------------------------------------------------------------------------------------
def upload(who: str, name: str, video: str, given: dict[str, Any]) -> list[Any]:
    """[MiB above start, how it ended, seconds]."""
    import time

    work = _ours(name, given) if who == "ours" else UPLOADERS[name].make(given)
    start, began = _reset(), time.monotonic()
    end = ended(work, video)
    return [round((_status("VmHWM") - start) / 1024, 1), end, round(time.monotonic() - began, 1)]


def ended(work: Work, video: str) -> str:
    """How the work ended, errors too."""
    try:
        return work(video)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _reset() -> int:
    """Let the peak begin here; KiB in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _ours(name: str, given: dict[str, Any]) -> Work:
    from socialkit import Client, Image, Video

    from .pictures import png
    from .posts import post_for
    from .served import Hurried

    clock, brand = Hurried(given["server"].rpartition("/")[0]), account(name, given)
    client = Client({"brand": brand}, timeout=120, clock=clock)
    rule = brand.rules.images
    pictures = {"media": [Image(png(8, 8), alt="a dot")]} if rule is not None and not rule.by_url else {}
    client.publish(post_for(name, "a small one", **pictures), to="brand")

    def work(video: str) -> str:
        post = post_for(name, "a huge one", media=[Video(video, alt="a black video")])
        outcome = client.publish(post, to="brand", errors="return")["brand"]
        return str(outcome.status.value) if outcome.ok else f"{outcome.status.value}: {outcome.error}"

    return work


# --- the bar ----------------------------------------------------------------------------------------------------------
def judge(name: str, size: int, done: Peak, theirs: Peak | None) -> Row:
    """Little memory, and the video is there."""
    bar = f"2 peak memory, {size / (1 << 20):.0f} MiB video, {name}"
    told = who = UPLOADERS[name].label
    notes: tuple[str, ...] = ()
    if theirs is not None:
        told = f"{theirs.mib:.1f} MiB in {theirs.seconds:.0f} s ({who})"
        notes = () if theirs.end in ("published", "uploaded") else (f"the peer ended: {theirs.end[:300]}",)
    good = done.end in ("published", "processing")
    made = f"{done.mib:.1f} MiB in {done.seconds:.0f} s" + ("" if good else f"; {done.end}")
    return Row(bar, f"<= {LIMIT_MIB:.0f} MiB", made, told, good and done.mib <= LIMIT_MIB, notes)


def run() -> list[Row]:
    rows = []
    for name, size in SIZES.items():
        if platform_of(name) in platforms():
            theirs = measure(name, size, "peer") if UPLOADERS[name].there else None
            rows.append(judge(name, size, measure(name, size, "ours"), theirs))
    return rows


if __name__ == "__main__":
    print(json.dumps(upload(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))), flush=True)
