"""What follows a video on YouTube: its thumbnail, captions, playlist and first comment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal

import attrs

from socialkit import errors
from socialkit.flows._whoami import found

from . import _youtube_upload as uploads
from . import base
from ._youtube_plan import short_of
from ._youtube_rules import API, CAPTION, CAPTION_ANEW, UPLOAD, WRITE
from .base import Call, Part, PartMedia, Sent

Json = dict[str, Any]
NOT_READY = "a Short takes one when YouTube has processed it"


@attrs.frozen
class Follower:
    """One thing that is done once the video is there.

    ``late`` comes after the look at the processing, which ``processed`` needs to be over. What is ``repeatable`` does
    no harm twice.
    """

    name: str
    do: Callable[[], Awaitable[None]]
    late: bool = False
    processed: bool = False
    repeatable: bool = True


def followers(part: Part, video_id: str, call: Call) -> Iterator[Follower]:
    """Everything a part asks for beyond the video, in the order it is done."""
    video = part.media[0]
    if (picture := video.thumbnail) is not None:
        short = short_of(video)
        yield Follower(
            "thumbnail", partial(set_thumbnail, video_id, picture, call), late=short, processed=short
        )
    for track in video.captions:
        yield Follower(caption_name(track), partial(add_caption, video_id, track, call))
    if playlist := part.body.get("playlist"):
        add = partial(add_to_playlist, video_id, playlist, call)
        yield Follower(f"playlist {playlist}", add, late=True, repeatable=False)
    if comment := part.body.get("comment"):
        yield Follower(
            "first comment", partial(say_first, video_id, comment, call), late=True, repeatable=False
        )


def changes(part: Part, video_id: str, call: Call) -> Iterator[Follower]:
    """What an edit does beyond the words: a thumbnail and tracks anew, the playlist if it is not on it."""
    video = part.media[0]
    if video.thumbnail is not None:
        yield Follower("thumbnail", partial(set_thumbnail, video_id, video.thumbnail, call))
    for track in video.captions:
        yield Follower(caption_name(track), partial(put_caption, video_id, track, call))
    if playlist := part.body.get("playlist"):
        yield Follower(f"playlist {playlist}", partial(put_on_playlist, video_id, playlist, call))


async def change(todo: Iterable[Follower]) -> None:
    """Do each; the first that fails ends the edit, and its error says how far it came."""
    done = ["title, description, tags"]
    for one in todo:
        try:
            await one.do()
        except errors.SocialKitError as error:
            error.args = (f"{', '.join(done)}: changed; {one.name}: {error.message}",)
            raise
        done.append(one.name)


def still_to_do(every: Iterable[Follower], sent: Sent) -> list[Follower]:
    """All of them; where some were owed, those."""
    owed = tuple(sent.owed)
    return [one for one in every if not owed or any(words.startswith(f"{one.name}: ") for words in owed)]


async def follow(todo: Iterable[Follower], ready: bool, missing: list[str], owed: list[str]) -> None:
    """Do each; that one failed is told in ``missing`` and spoils nothing else, what may work later in ``owed``."""
    for one in todo:
        if one.processed and not ready:
            owed.append(f"{one.name}: {NOT_READY}")
            continue
        try:
            await one.do()
        except errors.Halted:
            raise
        except errors.SocialKitError as error:
            (owed if _later(one, error) else missing).append(f"{one.name}: {error.message}")


def _later(one: Follower, error: errors.SocialKitError) -> bool:
    """Whether it certainly was not done, or does no harm twice, and may work another time."""
    passing = isinstance(error, errors.Unavailable) and one.repeatable
    return passing or isinstance(error, errors.RateLimited)


# --- one by one -------------------------------------------------------------------------------------------
async def set_thumbnail(video_id: str, picture: PartMedia, call: Call) -> None:
    blob = await call.open(picture)
    await call.attach(
        "POST",
        f"{UPLOAD}/thumbnails/set",
        params={"videoId": video_id, "uploadType": "media"},
        content=base.Slice(blob),
        headers={"content-type": picture.mime},
        repeatable=True,
        timeout=uploads.TIMEOUT,
        cost=WRITE,
    )


def caption_name(track: PartMedia) -> str:
    """What a track is called in ``missing``.

    >>> caption_name(PartMedia("captions", "text/vtt", 1, "d", "s", language="en", label="For sailors"))
    'captions en (For sailors)'
    """
    return f"captions {track.language or 'und'}" + (f" ({track.label})" if track.label else "")


async def add_caption(video_id: str, track: PartMedia, call: Call) -> None:
    """A track; one of that language and name that is there already counts as done."""
    language, name = _named(track)
    snippet = {"videoId": video_id, "language": language, "name": name, "isDraft": False}
    await _send_caption("POST", {"snippet": snippet}, CAPTION, track, call)


async def put_caption(video_id: str, track: PartMedia, call: Call) -> None:
    """A track; one of that language and name is replaced."""
    params = {"part": "snippet", "videoId": video_id}
    answer = await call.read("GET", f"{API}/captions", params=params, cost=WRITE)
    held = [one for one in answer.json().get("items") or () if _is_track(one.get("snippet") or {}, track)]
    if not held:
        return await add_caption(video_id, track, call)
    body = {"id": str(held[0]["id"]), "snippet": {"isDraft": False}}
    return await _send_caption("PUT", body, CAPTION_ANEW, track, call)


def _is_track(snippet: Mapping[str, Any], track: PartMedia) -> bool:
    """Whether it is that one, made by a person: machines make tracks too."""
    same = (snippet.get("language"), snippet.get("name")) == _named(track)
    return same and snippet.get("trackKind") != "ASR"


def _named(track: PartMedia) -> tuple[str, str]:
    return track.language or "und", track.label or ""


async def _send_caption(
    method: Literal["POST", "PUT"], body: Json, cost: int, track: PartMedia, call: Call
) -> None:
    blob, mime = await call.open(track), "application/octet-stream"
    answer = await call.prepare(
        method,
        f"{UPLOAD}/captions",
        params={"uploadType": "resumable", "part": "snippet"},
        json=body,
        headers=uploads.upload_headers(blob.size, mime),
        accept=(409,),
        cost=cost,
    )
    if answer.status == 409:
        return
    ended = await call.attach(
        "PUT",
        uploads.address_in(answer),
        content=base.Slice(blob),
        headers={"content-type": mime},
        accept=(308, 409),
        repeatable=True,
        timeout=uploads.TIMEOUT,
        cost=0,
    )
    if ended.status == 308:
        raise errors.Unavailable("YouTube kept a part of the track alone", status=308)


async def add_to_playlist(video_id: str, playlist: str, call: Call) -> None:
    """Into the playlist, once: twice would be two items, so a lost answer is looked for, not repeated."""
    resource = {"kind": "youtube#video", "videoId": video_id}
    body = {"snippet": {"playlistId": playlist, "resourceId": resource}}
    try:
        await call.attach(
            "POST",
            f"{API}/playlistItems",
            params={"part": "snippet"},
            json=body,
            accept=(409,),
            cost=WRITE,
        )
    except (errors.OutcomeUnknown, errors.Unavailable):
        if not await is_listed(video_id, playlist, call):
            raise


async def put_on_playlist(video_id: str, playlist: str, call: Call) -> None:
    if not await is_listed(video_id, playlist, call):
        await add_to_playlist(video_id, playlist, call)


async def is_listed(video_id: str, playlist: str, call: Call) -> bool:
    params = {"part": "id", "playlistId": playlist, "videoId": video_id}
    return bool((await call.read("GET", f"{API}/playlistItems", params=params)).json().get("items"))


async def say_first(video_id: str, text: str, call: Call) -> None:
    """The channel's own comment, once; a lost answer is looked for among the newest."""
    top = {"snippet": {"textOriginal": text}}
    body = {
        "snippet": {"channelId": call.facts.identity.id, "videoId": video_id, "topLevelComment": top},
    }
    try:
        await call.attach("POST", f"{API}/commentThreads", params={"part": "snippet"}, json=body, cost=WRITE)
    except (errors.OutcomeUnknown, errors.Unavailable):
        if not await _was_said(video_id, text, call):
            raise


async def _was_said(video_id: str, text: str, call: Call) -> bool:
    params = {"part": "snippet", "videoId": video_id, "order": "time", "maxResults": "100"}
    threads = (await call.read("GET", f"{API}/commentThreads", params=params)).json().get("items") or ()
    said = [found(thread, "snippet.topLevelComment.snippet") or {} for thread in threads]
    own = call.facts.identity.id
    return any(
        found(one, "authorChannelId.value") == own and str(one.get("textOriginal")).strip() == text.strip()
        for one in said
    )
