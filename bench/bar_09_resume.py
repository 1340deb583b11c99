"""Bar 9: kill -9 when 90 % of a video are up; what a second process sends again.

The client is a fresh process that kills itself, the next one has the store alone, the sandbox is a third. Bytes are
those of the request bodies that reached the sandbox whole; a piece is the largest of them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

from socialkit.registry import platforms

from .canned import ROOT
from .pictures import sparse_mp4
from .served import served
from .table import Row

MIB = 1 << 20
SIZE, SHARE = 200 * MIB, 0.9
PLATFORMS = ("x", "youtube", "facebook", "tiktok", "linkedin")
"""Those that take a video in pieces; on the others an upload is one request, which begins anew."""


@attrs.frozen
class Resumed:
    """Bytes: of the video, of the largest piece, sent again; and how the second process ended."""

    size: int
    piece: int
    again: int
    end: str


def measure(platform: str, size: int = SIZE) -> Resumed:
    with tempfile.TemporaryDirectory() as folder, served(platform) as box:
        video = sparse_mp4(Path(folder) / "video.mp4", size)
        given = json.dumps(box.accounts[platform])
        words = [platform, str(video), str(Path(folder) / "bench.db"), given]
        died = _process("dies", *words)
        if died.returncode != -signal.SIGKILL:
            return Resumed(size, 0, 0, f"the first process was not killed: {died.stdout.strip()}")
        if not _sizes(box.state(), size):
            return Resumed(size, 0, 0, "nothing was up when it was killed")
        ended = _process("goes on", *words)
        sizes = _sizes(box.state(), size)
        return Resumed(size, max(sizes), sum(sizes) - size, ended.stdout.strip() or "it died")


def _process(what: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.bar_09_resume", what, *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=300, check=False)


def _sizes(state: dict[str, Any], size: int) -> list[int]:
    """The bodies that carry the video: no other is as large as a thousandth of it."""
    return [one["size"] for one in state["requests"] if one["size"] > size // 1000]


# --- the processes ----------------------------------------------------------------------------------------------------
def publish(what: str, platform: str, video: str, store: str, given: dict[str, Any]) -> str:
    from socialkit import Client, Progress, Video
    from socialkit.registry import adapter

    from .posts import post_for
    from .served import Hurried

    def die(event: Progress) -> None:
        if what == "dies" and event.stage == "uploading" and event.sent >= SHARE * event.total:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = Hurried(given["server"].rpartition("/")[0])
    with Client({"brand": adapter(platform)(**given)}, store=store, timeout=120, clock=clock) as client:
        post = post_for(platform, "a huge one", media=[Video(video, alt="a black video")])
        report = client.publish(post, to="brand", idempotency_key="huge", errors="return", progress=die)
        outcome = report["brand"]
        return str(outcome.status.value) if outcome.ok else f"{outcome.status.value}: {outcome.error}"


# --- the bar ----------------------------------------------------------------------------------------------------------
def judge(platform: str, done: Resumed) -> Row:
    """No more than a piece twice, and the video is there."""
    name = f"9 killed at 90 % of {done.size // MIB} MiB, {platform}"
    made = f"{max(done.again, 0) / MIB:.1f} MiB again, pieces of {done.piece / MIB:.1f}"
    good = done.end in ("published", "processing", "handed_over")
    notes = () if good else (done.end,)
    return Row(name, "<= 1 piece again", made, "-", good and 0 <= done.again <= done.piece, notes)


def run() -> list[Row]:
    return [judge(name, measure(name)) for name in PLATFORMS if name in platforms()]


if __name__ == "__main__":
    print(publish(sys.argv[1], *sys.argv[2:5], json.loads(sys.argv[5])), flush=True)
