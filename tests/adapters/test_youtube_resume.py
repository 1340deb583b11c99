"""A process that dies in the middle of an upload to YouTube: the next one goes on where the session stands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from media_files import mp4
from socialkit.adapters._youtube_upload import CHUNK
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

CHILD = """
import json, os, signal, sys
from socialkit import Client, Post, Video, YouTube
from socialkit.media import DigestingBlob
from socialkit.transport._body import Flight

given, video, store, after = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
whole, count = DigestingBlob.chunks, [0]

async def dying(self, start=0, stop=None):
    async for piece in whole(self, start, stop):
        count[0] += len(piece)
        if 0 < after <= count[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        yield piece

DigestingBlob.chunks = dying
finish = Flight.finish

def last_word(self):
    if after < 0 and self.left and self.before is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    finish(self)

Flight.finish = last_word
with Client({"yt": YouTube(**given)}, store=store) as client:
    post = Post("We sail", title="The launch", media=[Video(video)])
    print(client.publish(post, "yt", idempotency_key="k")["yt"].receipt.id)
"""


def run(given: dict[str, str], video: Path, store: Path, after: int = 0) -> subprocess.CompletedProcess[str]:
    arguments = [json.dumps(given), str(video), str(store), str(after)]
    kept = {**os.environ, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", CHILD, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=kept, timeout=120, check=False)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_kill_9_costs_at_most_one_chunk(tmp_path: Path, share: float) -> None:
    data = mp4(data=3 * CHUNK + CHUNK // 2)
    video = tmp_path / "launch.mp4"
    video.write_bytes(data)
    with Sandbox(["youtube"], clock=ManualClock(datetime.now(UTC))) as box, box.serve() as url:
        box.youtube.seconds_to_process = 0.0
        given = box.youtube.credentials(f"{url}/youtube")
        killed = run(given, video, tmp_path / "store.db", int(len(data) * share))
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        stored = sum(size for _, _, size in box.youtube.chunk_log)
        assert not box.timeline("youtube")
        done = run(given, video, tmp_path / "store.db")
        assert done.returncode == 0, done.stderr
        log = box.youtube.chunk_log
        (entry,) = box.timeline("youtube")
    assert done.stdout.strip() == entry.id
    assert entry.extras["file"]["size"] == len(data)
    assert len({session for session, _, _ in log}) == 1
    again = sum(size for _, _, size in log) - stored
    assert again == len(data) - stored
    assert again - (len(data) - int(len(data) * share)) <= CHUNK


def test_kill_9_right_after_the_commit_is_settled_by_the_session(tmp_path: Path) -> None:
    video = tmp_path / "launch.mp4"
    video.write_bytes(mp4())
    with Sandbox(["youtube"], clock=ManualClock(datetime.now(UTC))) as box, box.serve() as url:
        box.youtube.seconds_to_process = 0.0
        given = box.youtube.credentials(f"{url}/youtube")
        assert run(given, video, tmp_path / "store.db", -1).returncode == -signal.SIGKILL
        done = run(given, video, tmp_path / "store.db")
        assert done.returncode == 0, done.stderr
        (entry,) = box.timeline("youtube")
        asked = [one.path for one in box.requests if one.method == "GET"]
    assert done.stdout.strip() == entry.id
    assert "/youtube/v3/playlistItems" not in asked
