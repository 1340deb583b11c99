"""Uploads to LinkedIn: pictures and documents in one request, videos in the parts it names, then waiting for them."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from socialkit import errors

from . import base
from ._linkedin_posts import enc
from .base import Call, PartMedia

Resource = Literal["images", "documents", "videos"]

_GRACE = 20.0
"""Seconds a picture is given where the token may not ask how far it is."""
_UNITS = {"images": "image", "documents": "document", "videos": "video"}
_BYTES = "application/octet-stream"
_SPARE = 60.0
"""Seconds before their end at which upload addresses are not used any more."""


async def upload(places: Mapping[str, PartMedia], owner: str, call: Call, server: str) -> dict[str, str]:
    """The URN of each medium by its place: up and processed, from this or an earlier process.

    All of them are sent before the first is waited for, so that they are processed together.
    """
    urns = {place: await _sent(place, item, owner, call, server) for place, item in places.items()}
    unseen = set[Resource]()
    for place, item in places.items():
        try:
            await _processed(_resource(item), urns[place], call, unseen)
        except errors.Declined:
            _forget(place, item, call)
            raise
    return urns


def _resource(item: PartMedia) -> Resource:
    return "videos" if item.kind == "video" else "documents" if item.kind == "file" else "images"


def _name(place: str, item: PartMedia) -> str:
    return f"{place} {item.digest[:16]}"


async def _sent(place: str, item: PartMedia, owner: str, call: Call, server: str) -> str:
    name, resource = _name(place, item), _resource(item)
    if (known := call.recall(name)) is None:
        send = _send_video if resource == "videos" else _send_whole
        known = await send(name, resource, item, owner, call, server)
        call.remember(name, known)
    return str(known)


def _forget(place: str, item: PartMedia, call: Call) -> None:
    name = _name(place, item)
    call.remember(name, None)
    if item.kind == "video":
        call.remember(f"{name} session", None, secret=True)


async def _initialize(resource: Resource, request: dict[str, Any], call: Call) -> dict[str, Any]:
    body = {"initializeUploadRequest": request}
    answer = await call.prepare("POST", f"/rest/{resource}?action=initializeUpload", json=body)
    value = answer.json().get("value")
    if not isinstance(value, dict) or not value.get(_UNITS[resource]):
        raise errors.Unavailable(f"LinkedIn did not open an upload: its answer has no {_UNITS[resource]}")
    return value


async def _send_whole(
    name: str, resource: Resource, item: PartMedia, owner: str, call: Call, server: str
) -> str:
    """In one request: a second one would replace the first."""
    value = await _initialize(resource, {"owner": owner}, call)
    blob = await call.open(item)
    mime = item.mime if resource == "images" else _BYTES
    await _put(str(value["uploadUrl"]), base.Slice(blob), mime, call, server, signed=True)
    return str(value[_UNITS[resource]])


async def _put(
    url: str, content: base.Slice, mime: str, call: Call, server: str, *, signed: bool = False, **headers: str
) -> base.Response:
    _check_host(url, server)
    wire = {"content-type": mime} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await call.prepare("PUT", url, content=content, headers=wire, auth=signed, cost=0, timeout=300.0)


def _check_host(url: str, server: str) -> None:
    """Bytes, and the token, go to LinkedIn's own hosts alone, wherever an answer points."""
    parts, own = urlsplit(url), url.startswith(f"{server}/")
    host = f".{parts.hostname or ''}"
    theirs = parts.scheme == "https" and host.endswith((".linkedin.com", ".licdn.com"))
    if not (own or theirs):
        raise errors.Declined("LinkedIn named an upload address on another host; nothing was sent there")


# --- videos -----------------------------------------------------------------------------------------------
async def _send_video(
    name: str, resource: Resource, item: PartMedia, owner: str, call: Call, server: str
) -> str:
    """In the parts LinkedIn names. A resume sends at most one of them again; a dead session starts afresh."""
    session = call.recall(f"{name} session")
    if session is not None and session["until"] > call.now().timestamp():
        with contextlib.suppress(errors.Declined):
            return await _finish(name, item, session, call, server)
    return await _finish(name, item, await _open_session(name, item, owner, call), call, server)


async def _open_session(name: str, item: PartMedia, owner: str, call: Call) -> dict[str, Any]:
    request = {
        "owner": owner,
        "fileSizeBytes": item.size,
        "uploadCaptions": bool(item.captions),
        "uploadThumbnail": item.thumbnail is not None,
    }
    value = await _initialize("videos", request, call)
    ends = value.get("uploadUrlsExpireAt")
    session = {
        "video": value["video"],
        "token": value.get("uploadToken") or "",
        "parts": [
            [one["uploadUrl"], one["firstByte"], one["lastByte"]] for one in value["uploadInstructions"]
        ],
        "captions": value.get("captionsUploadUrl"),
        "thumbnail": value.get("thumbnailUploadUrl"),
        "until": ends / 1000 - _SPARE if isinstance(ends, int) else 0.0,
    }
    call.remember(f"{name} session", session, secret=True)
    return session


async def _finish(name: str, item: PartMedia, session: dict[str, Any], call: Call, server: str) -> str:
    video = str(session["video"])
    if call.recall(f"{name} final {video}"):
        return video
    etags = await _send_parts(name, item, session, call, server)
    await _send_extras(item, session, call, server)
    body = {"video": video, "uploadToken": session["token"], "uploadedPartIds": etags}
    request = {"finalizeUploadRequest": body}
    await call.prepare("POST", "/rest/videos?action=finalizeUpload", json=request)
    call.remember(f"{name} final {video}", True)
    return video


async def _send_parts(
    name: str, item: PartMedia, session: dict[str, Any], call: Call, server: str
) -> list[str]:
    """The ETag of every part, in the order of the instructions; each part is remembered as it is up."""
    blob, etags = await call.open(item), []
    for number, (url, first, last) in enumerate(session["parts"]):
        memory = f"{name} {session['video']} part {number}"
        if (etag := call.recall(memory)) is None:
            answer = await _put(str(url), base.Slice(blob, first, last + 1), _BYTES, call, server)
            etag = answer.headers.get("etag", "").removeprefix("W/").strip('"')
            if not etag:
                raise errors.Unavailable("LinkedIn took a part of the video and did not say its ETag")
            call.remember(memory, etag)
        etags.append(str(etag))
    return etags


async def _send_extras(item: PartMedia, session: dict[str, Any], call: Call, server: str) -> None:
    """Thumbnail and captions, before the end of the upload; a session without an address for one takes none."""
    wanted = {"thumbnail": item.thumbnail is not None, "captions": bool(item.captions)}
    for name, given in wanted.items():
        if given and not session[name]:
            raise errors.Declined(f"LinkedIn opened no upload for the video's {name}")
    if item.thumbnail is not None:
        content = base.Slice(await call.open(item.thumbnail))
        url, mime = str(session["thumbnail"]), item.thumbnail.mime
        await _put(url, content, mime, call, server, media_type_family="STILLIMAGE")
    for caption in item.captions:
        await _send_captions(str(session["captions"]), caption, call, server)


async def _send_captions(url: str, caption: PartMedia, call: Call, server: str) -> None:
    _check_host(url, server)
    country = (caption.language or "en-US").replace("_", "-").partition("-")[2].upper() or "US"
    locale = {"country": country, "language": "EN"}
    about = {"format": "SRT", "locale": locale, "transcriptType": "CLOSED_CAPTION"}
    fields = [
        base.Field("metadata", json.dumps(about)),
        base.Field("file", base.Slice(await call.open(caption)), caption.name, _BYTES),
    ]
    await call.prepare("PUT", url, multipart=fields, auth=False, cost=0, timeout=300.0)


# --- processing -------------------------------------------------------------------------------------------
async def _processed(resource: Resource, urn: str, call: Call, unseen: set[Resource]) -> None:
    """Look until it is AVAILABLE, less and less often: a member has 150 requests a day.

    A token that may not look (403) gets a grace instead, one for all media of the kind: it is ``unseen`` then.
    """
    if resource in unseen:
        return
    denied = [0]

    async def look() -> base.Response:
        answer = await call.read("GET", f"/rest/{resource}/{enc(urn)}", accept=(403,))
        denied[0] += answer.status == 403
        return answer

    def waits() -> Iterator[float]:
        for pause in itertools.chain((1.0, 2.0, 4.0, 8.0, 15.0, 30.0), itertools.repeat(60.0)):
            yield _GRACE if denied[0] else pause

    def ready(answer: base.Response) -> bool:
        if answer.status == 403:
            return denied[0] > 1
        return _status(answer) not in ("WAITING_UPLOAD", "PROCESSING")

    done = await call.poll(look, ready, waits=waits(), limit=1800)
    if done.status == 403:
        unseen.add(resource)
    elif _status(done) != "AVAILABLE":
        why = (done.json_or_none() or {}).get("processingFailureReason") or _status(done) or "no reason given"
        raise errors.Declined(f"LinkedIn could not process the {_UNITS[resource]}: {why}")


def _status(answer: base.Response) -> str:
    body = answer.json()
    return str(body.get("status") or "") if isinstance(body, dict) else ""
