"""How bytes get to Facebook before anything is public: photos nobody sees, videos in pieces, reels in one stream."""

from __future__ import annotations

from typing import Any, Protocol

from .. import errors
from . import base
from ._facebook_posts import bytes_at, stage_of
from ._graph import check_upload_address
from .base import Call, PartMedia

STAGED_FOR = 20 * 3600.0
"""Seconds a photo nobody sees is relied on; third parties say that Facebook keeps it for about a day."""
TRIES = 6
"""How often one upload is taken up again before it is given up."""
TIMEOUT = 600.0


class Graph(Protocol):
    """What of the adapter an upload needs."""

    server: str
    video_server: str

    def at(self, call: Call, edge: str) -> str: ...
    def node(self, native: str, edge: str = "") -> str: ...


def memory(place: str, item: PartMedia) -> str:
    return f"{place} {item.digest[:16]}"


# --- photos -----------------------------------------------------------------------------------------------
async def stage_photo(
    graph: Graph, index: int, item: PartMedia, call: Call, *, scheduled: bool = False
) -> str:
    """The id of a photo that nobody sees until a post has it; from this or an earlier process."""
    name = memory(f"photo {index}", item)
    if (known := call.recall(name)) is not None:
        return str(known)
    fields = [("published", "false"), *([("temporary", "true")] if scheduled else ())]
    form = await photo_form(item, fields, call)
    told = (await call.prepare("POST", graph.at(call, "photos"), multipart=form, timeout=TIMEOUT)).json()
    call.remember(name, str(told["id"]), expires_in=STAGED_FOR)
    return str(told["id"])


async def photo_form(item: PartMedia, fields: list[tuple[str, str]], call: Call) -> list[base.Field]:
    """The form of ``/photos``: fields, alt text, and the bytes last."""
    alt = [("alt_text_custom", item.alt)] if item.alt else []
    blob = await call.open(item)
    texts = [base.Field(name, value) for name, value in (*fields, *alt)]
    return [*texts, base.Field("source", base.Slice(blob), item.name, item.mime)]


# --- videos in pieces -------------------------------------------------------------------------------------
async def upload_video(graph: Graph, item: PartMedia, call: Call) -> dict[str, Any]:
    """The upload session with every byte in it: ``session`` and ``video`` ids. One that is over starts afresh."""
    name = memory("video", item)
    session = call.recall(name)
    if session is not None:
        try:
            if session["start"] >= session["end"]:
                await _arrived(graph, session["video"], call)  # whole, and perhaps of no use
            return await _transfer(graph, name, item, session, call)
        except errors.Declined:
            pass
    return await _transfer(graph, name, item, await _start(graph, name, item, call), call)


async def _start(graph: Graph, name: str, item: PartMedia, call: Call) -> dict[str, Any]:
    form = [("upload_phase", "start"), ("file_size", str(item.size))]
    told = (await call.prepare("POST", f"{graph.video_server}{graph.at(call, 'videos')}", form=form)).json()
    session: dict[str, Any] = {
        "session": str(told["upload_session_id"]),
        "video": str(told["video_id"]),
        **_offsets(told),
    }
    call.remember(name, session, secret=True)
    call.remember("video", session["video"])
    return session


def _offsets(told: dict[str, Any]) -> dict[str, int]:
    """What Facebook wants next."""
    return {"start": int(told["start_offset"]), "end": int(told["end_offset"])}


async def _transfer(
    graph: Graph, name: str, item: PartMedia, session: dict[str, Any], call: Call
) -> dict[str, Any]:
    """Piece by piece, each as Facebook asks for it; where it has other bytes than we think, it is right."""
    url, blob, wrong = f"{graph.video_server}{graph.at(call, 'videos')}", await call.open(item), 0
    while session["start"] < session["end"]:
        piece = base.Slice(blob, session["start"], session["end"])
        fields = [
            base.Field("upload_phase", "transfer"),
            base.Field("upload_session_id", session["session"]),
            base.Field("start_offset", str(session["start"])),
            base.Field("video_file_chunk", piece, item.name, "application/octet-stream"),
        ]
        try:
            told = (await call.prepare("POST", url, multipart=fields, timeout=TIMEOUT)).json()
        except errors.Declined as error:
            told, wrong = error.__dict__.get("wants"), wrong + 1
            if told is None or wrong > TRIES:
                raise
        session = session | _offsets(told)
        call.remember(name, session, secret=True)
    return session


# --- reels and stories in one stream ----------------------------------------------------------------------
async def upload_reel(graph: Graph, edge: str, item: PartMedia, call: Call) -> str:
    """The id of a video whose bytes are all there; ``edge`` is ``video_reels`` or ``video_stories``."""
    name = memory(edge, item)
    session: Any = call.recall(name)
    if session is not None:
        try:
            return await _stream(graph, session, item, call, resumed=True)
        except errors.Declined:
            pass
    form = [("upload_phase", "start")]
    told = (await call.prepare("POST", graph.at(call, edge), form=form, cost=0)).json()
    session = {"video": str(told["video_id"]), "url": str(told["upload_url"])}
    check_upload_address(session["url"], graph.server)
    call.remember(name, session, secret=True)
    call.remember("video", session["video"])
    return await _stream(graph, session, item, call, resumed=False)


async def _stream(
    graph: Graph, session: dict[str, Any], item: PartMedia, call: Call, *, resumed: bool
) -> str:
    """The bytes that are not there yet, as often as the stream breaks off."""
    blob, token = await call.open(item), (await call.signed_by()).access_token
    for attempt in range(TRIES):
        offset = await _arrived(graph, session["video"], call) if resumed or attempt else 0
        if offset >= item.size:
            return str(session["video"])
        headers = {
            "authorization": f"OAuth {token}",
            "offset": str(offset),
            "file_size": str(item.size),
            "content-type": "application/octet-stream",
        }
        rest: Any = {"content": base.Slice(blob, offset), "auth": False, "cost": 0, "timeout": TIMEOUT}
        try:
            await call.prepare("POST", session["url"], headers=headers, **rest)
        except errors.Declined:
            if attempt == TRIES - 1:
                raise
        else:
            return str(session["video"])
    raise errors.Unavailable("Facebook did not take all of the video")


async def _arrived(graph: Graph, video: str, call: Call) -> int:
    """How many bytes Facebook has; Declined when the upload is over."""
    node = (await call.read("GET", graph.node(video), params={"fields": "status"})).json()
    if stage_of(node) == "failed":
        raise errors.Declined("the upload is over")
    return bytes_at(node)


__all__ = [
    "STAGED_FOR",
    "memory",
    "photo_form",
    "stage_photo",
    "upload_reel",
    "upload_video",
]
