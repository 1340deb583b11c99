"""What the tests of YouTube share: the channel, its posts, answers as YouTube words them, sandboxes with a recorder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs

from media_files import mp4
from recording import Recorder
from socialkit import Client, Post, Video
from socialkit.adapters import base
from socialkit.adapters.youtube import YouTube
from socialkit.model import Identity, Receipt
from socialkit.plan import TargetPlan
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .fakes import NOW, FakeCall, answer, plan

CHANNEL = "UCb4andB4andB4andB4andB4"
SERVER = "https://www.googleapis.com"
OWN = Identity("youtube", SERVER, CHANNEL, "Brand")
SESSION = base.Fence("session", "proved", valid_for=518_400.0, repeat_after=5.0)
FACTS = base.AccountFacts(
    OWN,
    url="https://www.youtube.com/@brand",
    fences=(SESSION,),
    facts={"handle": "@brand", "uploads": f"UU{CHANNEL[2:]}", "long_uploads": "allowed"},
)
ID = "dQw4w9WgXcQ"
PLACE = f"{SERVER}/upload/youtube/v3/videos?uploadType=resumable&upload_id=hidden-session"
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nAhoy\n"


def call(
    *answers: Any, facts: base.AccountFacts = FACTS, adapter: YouTube | None = None, **more: Any
) -> FakeCall:
    return FakeCall(adapter or YouTube(token="t"), facts, answers, **more)


def clip(**more: Any) -> Video:
    return Video(mp4(), **more)


def post(text: str = "We sail", **fields: Any) -> Post:
    return Post(text, **{"title": "The launch", "media": [clip()], **fields})


def own_playlist(playlist: str, owner: str = CHANNEL) -> base.Response:
    return listed({"id": playlist, "snippet": {"channelId": owner}})


async def planned(given: Post, *answers: Any, facts: base.AccountFacts = FACTS, **more: Any) -> TargetPlan:
    adapter = YouTube(token="t")
    return await plan(adapter, given, call(*answers, facts=facts, adapter=adapter, **more))


async def only_part(given: Post, *answers: Any) -> base.Part:
    made = await planned(given, *answers)
    assert [str(one) for one in made.problems if one.severity == "error"] == []
    return made.parts[0]


def sized(part: base.Part, size: int) -> base.Part:
    """The part with a video of that many zeros instead."""
    video = attrs.evolve(part.media[0], size=size, digest=f"zeros {size}")
    return attrs.evolve(part, media=(video,))


def codes(made: TargetPlan, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in made.problems if p.severity == severity and p.field != "media[0].alt"]


def opened() -> base.Response:
    return answer(content=b"", headers={"location": PLACE})


def held(count: int) -> base.Response:
    return answer(status=308, content=b"", headers={"range": f"bytes=0-{count - 1}"} if count else {})


def video(video_id: str = ID, **status: Any) -> dict[str, Any]:
    state = {"uploadStatus": "processed", "privacyStatus": "public", **status}
    snippet = {"publishedAt": "2026-11-02T09:00:00Z", "channelId": CHANNEL, "title": "The launch"}
    return {"kind": "youtube#video", "id": video_id, "snippet": snippet, "status": state}


def made(**status: Any) -> base.Response:
    return answer(video(**{"uploadStatus": "uploaded", **status}))


def listed(*items: Any, **more: Any) -> base.Response:
    return answer({"items": list(items), **more})


def refusal(status: int, reason: str, message: str = "No.", **more: Any) -> base.Response:
    one = {"message": message, "domain": "youtube.video", "reason": reason, **more}
    return answer({"error": {"code": status, "message": message, "errors": [one]}}, status)


def receipt(video_id: str | None = ID, owner: Identity = OWN) -> Receipt:
    return Receipt(owner, video_id, f"https://www.youtube.com/watch?v={video_id}", NOW, "We sail")


@contextmanager
def stage(**options: Any) -> Iterator[tuple[Sandbox, Recorder, Client]]:
    """A sandbox, what was said to it, and a client on it."""
    settings = {"store": MemoryStore(), **options}
    with Sandbox(["youtube"]) as box:
        wire = Recorder(box.transport)
        with Client(box.accounts(), transport=wire, clock=box.clock, **settings) as client:
            yield box, wire, client
