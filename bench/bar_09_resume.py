"""Bar 9: kill -9 when 90 % of a video are up; what a second process sends again.

The client is a fresh process that kills itself, the next one has the store alone, the sandbox is a third. Bytes are
those of the request bodies that reached the sandbox whole; a piece is the largest of them.

The peer is killed when as much has left its sockets, and run once more, as people run a job that died. Its bytes are
those that left: none of these clients keeps what is needed to go on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from socialkit.registry import platforms

from .bar_02_memory import ended
from .canned import ROOT
from .pictures import sparse_mp4
from .served import served
from .table import Row
from .uploads_of_peers import UPLOADERS

MIB = 1 << 20
SIZE, SHARE = 201 * MIB, 0.9
"""No multiple of 10 MiB: one of the peers counts its pieces wrongly then."""
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


@attrs.frozen
class Again:
    """What a peer sent in both its lives beyond the video itself, and how the second one ended."""

    again: int
    end: str


def measure_peer(platform: str, size: int = SIZE) -> Again:
    with tempfile.TemporaryDirectory() as folder, served(platform) as box:
        video = sparse_mp4(Path(folder) / "video.mp4", size)
        words = (platform, str(video), "-", json.dumps(box.accounts[platform]))
        lives = [_process(what, *words).stdout.strip() for what in ("peer dies", "peer")]
    sent = [json.loads(line) if line else [0, "it died early"] for line in lives]
    return Again(sum(count for count, _ in sent) - size, sent[-1][1])


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


def upload_as_peer(what: str, platform: str, video: str, store: str, given: dict[str, Any]) -> str:
    """[bytes that left the sockets, how it ended]; there is no store for it to keep anything in."""
    work = UPLOADERS[platform].make(given)
    limit = SHARE * Path(video).stat().st_size if what == "peer dies" else float("inf")
    sent = count_sent(limit)
    end = ended(work, video)
    return json.dumps([sent(), end])


def count_sent(limit: float) -> Callable[[], int]:
    """How many bytes left this process's sockets from now on; at the limit it says so and kills itself."""
    plain, total = socket.socket.send, 0

    def send(self: socket.socket, data: Any, *flags: int) -> int:
        nonlocal total
        count = plain(self, memoryview(data).cast("B")[:MIB], *flags)
        total += count
        if total >= limit:
            os.write(1, json.dumps([total, "killed"]).encode())
            os.kill(os.getpid(), signal.SIGKILL)
        return count

    def sendall(self: socket.socket, data: Any, *flags: int) -> None:
        left = memoryview(data).cast("B")
        while left:
            left = left[send(self, left, *flags) :]

    socket.socket.send, socket.socket.sendall = send, sendall  # type: ignore[method-assign, assignment]
    return lambda: total


# --- the bar ----------------------------------------------------------------------------------------------------------
def judge(platform: str, done: Resumed, theirs: Again | None = None) -> Row:
    """No more than a piece twice, and the video is there."""
    name = f"9 killed at 90 % of {done.size // MIB} MiB, {platform}"
    made = f"{max(done.again, 0) / MIB:.1f} MiB again, pieces of {done.piece / MIB:.1f}"
    good = done.end in ("published", "processing", "handed_over")
    notes = () if good else (done.end,)
    told = UPLOADERS[platform].label
    if theirs is not None and theirs.end == "uploaded":
        told = f"{theirs.again / MIB:.1f} MiB again ({told})"
    elif theirs is not None:
        notes += (f"the peer ended: {theirs.end[:300]}",)
    return Row(name, "<= 1 piece again", made, told, good and 0 <= done.again <= done.piece, notes)


def run() -> list[Row]:
    rows = []
    for name in (one for one in PLATFORMS if one in platforms()):
        theirs = measure_peer(name) if UPLOADERS[name].there else None
        rows.append(judge(name, measure(name), theirs))
    return rows


if __name__ == "__main__":
    run_as = upload_as_peer if sys.argv[1].startswith("peer") else publish
    print(run_as(*sys.argv[1:5], json.loads(sys.argv[5])), flush=True)
