"""X's uploads: pictures and subtitles in one request, videos and GIFs in segments; alt text, marks, subtitles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from socialkit import errors

from . import base
from ._x_rules import DAY
from ._x_wire import read_error
from .base import Call, Part, PartMedia

MIB = 1 << 20


async def attachments(part: Part, call: Call, missing: list[str]) -> dict[str, Any]:
    """Everything up, described and captioned: the request's ``media``."""
    ids, preview = [], None
    for index, item in enumerate(part.media):
        media_id = await _upload(f"media {index}", item, category_of(item), call)
        await _describe(index, media_id, item, part, call, missing)
        for number, caption in enumerate(item.captions):
            await _subtitle(f"captions {index}.{number}", media_id, caption, call)
        if item.thumbnail is not None:
            preview = await _upload(f"thumbnail {index}", item.thumbnail, "tweet_image", call)
        ids.append(media_id)
    return {"media_ids": ids} | ({"preview_media_id": preview} if preview else {})


async def picture_of(item: PartMedia, part: Part, call: Call, missing: list[str]) -> str:
    """The media id of a picture that stands alone, up and described."""
    media_id = await _upload("media 0", item, "tweet_image", call)
    await _describe(0, media_id, item, part, call, missing)
    return media_id


def known_uploads(part: Part, call: Call) -> list[Any]:
    """What the part remembers of its media: [media id, media key] each, None for one that is not known."""
    return [call.recall(_memory(f"media {index}", item)) for index, item in enumerate(part.media)]


def forget_uploads(part: Part, call: Call) -> None:
    """The post's media are no good to X: when it is published again, they go up anew."""
    for index, item in enumerate(part.media):
        name = _memory(f"media {index}", item)
        call.remember(name, None)
        if item.thumbnail is not None:
            call.remember(_memory(f"thumbnail {index}", item.thumbnail), None)
        if (session := call.recall(f"{name} session")) is not None:
            call.remember(f"{name} session", session | {"until": 0.0}, secret=True)


async def _upload(place: str, item: PartMedia, category: str, call: Call) -> str:
    """The media id, from this or an earlier process; it lives for a day."""
    name = _memory(place, item)
    if (known := call.recall(name)) is not None:
        return str(known[0])
    if category in ("tweet_image", "subtitles"):
        data = await _upload_whole(item, category, call)
    else:
        data = await _upload_chunks(name, item, category, call)
    media_id = str(data["id"])
    call.remember(name, [media_id, data.get("media_key")], expires_in=_lifetime(data))
    return media_id


async def _upload_whole(item: PartMedia, category: str, call: Call) -> dict[str, Any]:
    blob = await call.open(item)
    mime = "text/srt" if item.mime == "application/x-subrip" else item.mime
    file = base.Field("media", base.Slice(blob), item.name, mime)
    fields = [file, base.Field("media_category", category)]
    return _data(await call.prepare("POST", "/2/media/upload", multipart=fields, timeout=300.0))


async def _upload_chunks(name: str, item: PartMedia, category: str, call: Call) -> dict[str, Any]:
    """In segments. A resume sends at most one of them again; a dead session starts afresh."""
    session = call.recall(f"{name} session")
    if session is not None and session["until"] <= call.now().timestamp():
        session = None
    if session is not None:
        with contextlib.suppress(errors.Declined):
            return await _finish(name, item, session, call)
    return await _finish(name, item, await _initialize(name, item, category, call), call)


async def _finish(name: str, item: PartMedia, session: dict[str, Any], call: Call) -> dict[str, Any]:
    answer = await _transfer(name, item, session, call)
    done = await _processed(session["id"], answer, call)
    return {"id": session["id"], "media_key": session["key"], **_data(done)}


async def _initialize(name: str, item: PartMedia, category: str, call: Call) -> dict[str, Any]:
    body = {"media_type": item.mime, "media_category": category, "total_bytes": item.size}
    data = _data(await call.prepare("POST", "/2/media/upload/initialize", json=body))
    until = call.now().timestamp() + _lifetime(data)
    session = {"id": str(data["id"]), "key": data.get("media_key"), "until": until, "sent": 0}
    call.remember(f"{name} session", session, secret=True)
    return session


async def _transfer(name: str, item: PartMedia, session: dict[str, Any], call: Call) -> base.Response | None:
    """The segments that are not up yet, then their end; None when an earlier process had come so far."""
    if session.get("final"):
        return None
    blob, size, url = await call.open(item), chunk_of(item.size), f"/2/media/upload/{session['id']}"
    for number in range(session["sent"], -(-item.size // size)):
        piece = base.Slice(blob, number * size, min((number + 1) * size, item.size))
        file = base.Field("media", piece, item.name, item.mime)
        fields = [file, base.Field("segment_index", str(number))]
        await call.prepare("POST", f"{url}/append", multipart=fields, timeout=300.0)
        session = session | {"sent": number + 1}
        call.remember(f"{name} session", session, secret=True)
    answer = await call.prepare("POST", f"{url}/finalize")
    call.remember(f"{name} session", session | {"final": True}, secret=True)
    return answer


async def _processed(media_id: str, answer: base.Response | None, call: Call) -> base.Response:
    """Look, as often as X says, until it has made its versions of the video."""
    told, pause = [answer] if answer else [], [1.0]

    async def look() -> base.Response:
        params = {"command": "STATUS", "media_id": media_id}
        seen = told.pop() if told else await call.read("GET", "/2/media/upload", params=params)
        pause[0] = float(_processing(seen).get("check_after_secs") or 5)
        return seen

    def waits() -> Iterator[float]:
        while True:
            yield pause[0]

    done = await call.poll(
        look,
        lambda seen: _processing(seen).get("state") not in ("pending", "in_progress"),
        waits=waits(),
        limit=1800,
    )
    if _processing(done).get("state") == "failed":
        why = _processing(done).get("error") or {}
        words = " ".join(str(why[key]) for key in ("name", "message") if why.get(key))
        raise errors.Declined(f"X could not process the video: {words or 'no reason given'}")
    return done


async def _describe(
    index: int, media_id: str, item: PartMedia, part: Part, call: Call, missing: list[str]
) -> None:
    """Alt text and the sensitive mark. X does not say whether videos take the first: a refusal is told, and the
    mark, without which the video must not go out, is set alone."""
    alt: dict[str, Any] = {"alt_text": {"text": item.alt}} if item.alt else {}
    warning = part.body.get("warning")
    mark = {"sensitive_media_warning": warning} if warning else {}
    name = f"described {media_id}"
    if not (alt or mark) or call.recall(name):
        return
    lenient = (400,) if item.kind == "video" and alt else ()
    answer = await _metadata(media_id, alt | mark, call, lenient)
    if answer.status == 400:
        missing.append(f"alt text of media {index + 1}: {read_error(answer)[1]}")
        if not mark:
            return
        await _metadata(media_id, mark, call)
    else:
        call.remember(name, True, expires_in=DAY)


async def _metadata(
    media_id: str, metadata: dict[str, Any], call: Call, accept: tuple[int, ...] = ()
) -> base.Response:
    body = {"id": media_id, "metadata": metadata}
    return await call.prepare("POST", "/2/media/metadata", json=body, accept=accept)


async def _subtitle(place: str, media_id: str, caption: PartMedia, call: Call) -> None:
    name = f"{place} of {media_id}"
    if call.recall(name):
        return
    track = {
        "id": await _upload(place, caption, "subtitles", call),
        "language_code": language_of(caption),
        "display_name": caption.label or caption.language or language_of(caption),
    }
    body = {"id": media_id, "media_category": "TweetVideo", "subtitles": track}
    await call.prepare("POST", "/2/media/subtitles", json=body)
    call.remember(name, True, expires_in=DAY)


def category_of(item: PartMedia) -> str:
    return {"video": "tweet_video", "gif": "tweet_gif"}.get(item.kind, "tweet_image")


def chunk_of(total: int) -> int:
    """Bytes per segment: a MiB, more where 1000 of them would not do."""
    return max(MIB, -(-total // 999))


def language_of(caption: PartMedia) -> str:
    return (caption.language or "").partition("-")[0].upper()


def _memory(place: str, item: PartMedia) -> str:
    return f"{place} {item.digest[:16]}"


def _lifetime(data: Mapping[str, Any]) -> float:
    """Seconds an upload can be relied on: what X says, ten minutes less."""
    return max(60.0, float(data.get("expires_after_secs") or DAY) - 600)


def _data(response: base.Response) -> dict[str, Any]:
    """The answer's object; some answers to uploads came without the usual wrapper."""
    body = response.json()
    data: dict[str, Any] = body.get("data") or body
    return data


def _processing(response: base.Response) -> dict[str, Any]:
    return _data(response).get("processing_info") or {}
