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
from .peers import MISSING, bluesky_client, google_client, label, mastodon_client, peer
from .pictures import sparse_mp4
from .served import served
from .table import Row

GIB, LIMIT_MIB = 1 << 30, 16.0
SIZES = {
    "x": GIB,
    "youtube": GIB,
    "facebook": GIB,
    "tiktok": GIB,
    "pinterest": GIB,
    "reddit": GIB,
    "linkedin": 500_000_000,
    "bluesky": 300_000_000,
    "mastodon": 103_809_024,
}
PEERS = {"x": "httpx", "youtube": "googleapiclient", "bluesky": "atproto", "mastodon": "mastodon"}


@attrs.frozen
class Peak:
    """Mebibytes above start, and how it ended: "published", or what went wrong."""

    mib: float
    end: str
    seconds: float = 0.0


def measure(platform: str, size: int, who: str) -> Peak:
    """``who``: "ours" or "peer"."""
    with tempfile.TemporaryDirectory() as folder, served(platform) as box:
        video = sparse_mp4(Path(folder) / "video.mp4", size)
        given = json.dumps(box.accounts[platform])
        with child("-m", "bench.bar_02_memory", who, platform, str(video), given) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            return Peak(*json.loads(line)) if line else Peak(0.0, "the process died")


# --- the fresh process ------------------------------------------------------------------------------------------------
def upload(who: str, platform: str, video: str, given: dict[str, Any]) -> list[Any]:
    """[MiB above start, how it ended, seconds]."""
    import time

    prepare = _ours if who == "ours" else _PEERS[platform]
    work = prepare(platform, given)
    start, began = _reset(), time.monotonic()
    end = work(video)
    return [round((_status("VmHWM") - start) / 1024, 1), end, round(time.monotonic() - began, 1)]


def _reset() -> int:
    """Let the peak begin here; KiB in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _ours(platform: str, given: dict[str, Any]) -> Any:
    from socialkit import Client, Image, Video
    from socialkit.registry import adapter

    from .pictures import png
    from .posts import post_for
    from .served import Hurried

    clock = Hurried(given["server"].rpartition("/")[0])
    client = Client({"brand": adapter(platform)(**given)}, timeout=120, clock=clock)
    rule = adapter(platform).rules.images
    pictures = {"media": [Image(png(8, 8), alt="a dot")]} if rule is not None and not rule.by_url else {}
    client.publish(post_for(platform, "a small one", **pictures), to="brand")

    def work(video: str) -> str:
        post = post_for(platform, "a huge one", media=[Video(video, alt="a black video")])
        outcome = client.publish(post, to="brand", errors="return")["brand"]
        return str(outcome.status.value) if outcome.ok else f"{outcome.status.value}: {outcome.error}"

    return work


def _mastodon(platform: str, given: dict[str, Any]) -> Any:
    client = mastodon_client(given)
    client.status_post("a small one")

    def work(video: str) -> str:
        medium = client.media_post(video, mime_type="video/mp4", synchronous=True)
        return "published" if client.status_post("a huge one", media_ids=[medium]).id else "?"

    return work


def _bluesky(platform: str, given: dict[str, Any]) -> Any:
    client = bluesky_client(given, timeout=120)
    client.send_post("a small one")

    def work(video: str) -> str:
        server = client.com.atproto.server
        wanted = {"aud": server.describe_server().did, "lxm": "com.atproto.repo.uploadBlob"}
        token = server.get_service_auth(wanted).token
        data = Path(video).read_bytes()
        url = f"{given['server']}/xrpc/app.bsky.video.uploadVideo?did={client.me.did}&name=video.mp4"
        headers = {"authorization": f"Bearer {token}", "content-type": "video/mp4"}
        client.request.post(url=url, headers=headers, content=data)
        return "uploaded"

    return work


def _x(platform: str, given: dict[str, Any]) -> Any:
    """Written by hand for this platform: four mebibytes read, sent, forgotten."""
    import httpx

    client = httpx.Client(
        base_url=given["server"], headers={"authorization": f"Bearer {given['token']}"}, timeout=120
    )
    client.post("/2/tweets", json={"text": "a small one"})

    def work(video: str) -> str:
        size = Path(video).stat().st_size
        wanted = {"media_type": "video/mp4", "total_bytes": size, "media_category": "tweet_video"}
        name = client.post("/2/media/upload/initialize", json=wanted).json()["data"]["id"]
        with open(video, "rb") as file:
            for index, piece in enumerate(iter(lambda: file.read(4 << 20), b"")):
                path = f"/2/media/upload/{name}/append"
                client.post(path, data={"segment_index": index}, files={"media": piece}).raise_for_status()
        done = client.post(f"/2/media/upload/{name}/finalize")
        return "uploaded" if done.is_success else done.text

    return work


def _youtube(platform: str, given: dict[str, Any]) -> Any:
    """Google's own client, in pieces as large as ours."""
    client = google_client(given)
    media = peer("googleapiclient.http")
    assert media is not None
    body = {"snippet": {"title": "a huge one"}, "status": {"privacyStatus": "public"}}
    client.channels().list(part="id", mine=True).execute()

    def work(video: str) -> str:
        file = media.MediaFileUpload(video, "video/mp4", chunksize=8 << 20, resumable=True)
        request, done = client.videos().insert(part="snippet,status", body=body, media_body=file), None
        while done is None:
            _, done = request.next_chunk()
        return "uploaded" if done["id"] else "?"

    return work


_PEERS = {"mastodon": _mastodon, "bluesky": _bluesky, "x": _x, "youtube": _youtube}


# --- the bar ----------------------------------------------------------------------------------------------------------
def judge(platform: str, size: int, done: Peak, theirs: Peak | None) -> Row:
    """Little memory, and the video is there."""
    name = f"2 peak memory, {size / (1 << 20):.0f} MiB video, {platform}"
    who = label(PEERS[platform]) if platform in PEERS else "-"
    told = (
        f"{theirs.mib:.1f} MiB in {theirs.seconds:.0f} s ({who})"
        if theirs
        else (f"{who} {MISSING}" if platform in PEERS else who)
    )
    good = done.end in ("published", "processing")
    made = f"{done.mib:.1f} MiB in {done.seconds:.0f} s" + ("" if good else f"; {done.end}")
    notes = (
        (f"the peer ended: {theirs.end}",) if theirs and theirs.end not in ("published", "uploaded") else ()
    )
    return Row(name, f"<= {LIMIT_MIB:.0f} MiB", made, told, good and done.mib <= LIMIT_MIB, notes)


def run() -> list[Row]:
    there = [name for name in SIZES if name in platforms()]
    rows = []
    for name in there:
        there_too = name in PEERS and peer(PEERS[name])
        theirs = measure(name, SIZES[name], "peer") if there_too else None
        rows.append(judge(name, SIZES[name], measure(name, SIZES[name], "ours"), theirs))
    return rows


if __name__ == "__main__":
    print(json.dumps(upload(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))), flush=True)
