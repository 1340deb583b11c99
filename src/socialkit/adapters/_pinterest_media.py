"""Pinterest's media: pictures as base64 inside a JSON body that is streamed, videos through its S3 form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs

from socialkit import errors

from . import base
from .base import Blob, Call, PartMedia

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_STEP = 3 << 16
"""Bytes encoded at a time: they become a piece of 256 KiB."""
WAITS = (2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
"""Seconds between looks at a video that is being processed."""
LOOK_FOR = 900.0


@attrs.frozen(eq=False)
class Base64:
    """A place in a JSON value for the bytes of a blob, as base64 text."""

    blob: Blob


class JsonBody:
    """A JSON value whose :class:`Base64` places are read and encoded while it is sent; implements ``base.Blob``.

    However large the pictures are, one piece of them is in memory at a time.
    """

    mime, name = "application/json", "pin.json"

    def __init__(self, value: Any) -> None:
        self.digest: str | None = None
        self._pieces = list(_merged(_pieces(value)))
        self.size = sum(
            -(-piece.size // 3) * 4 if not isinstance(piece, bytes) else len(piece) for piece in self._pieces
        )

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        at, end = 0, self.size if stop is None else stop
        async for piece in self._whole():
            if wanted := piece[max(0, start - at) : max(0, end - at)]:
                yield wanted
            at += len(piece)

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.chunks()])

    async def _whole(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            else:
                async for encoded in _encoded(piece):
                    yield encoded


async def _encoded(blob: Blob) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in blob.chunks():
        rest += piece
        whole = len(rest) - len(rest) % 3
        for start in range(0, whole, _STEP):
            yield base64.b64encode(rest[start : min(start + _STEP, whole)])
        rest = rest[whole:]
    if rest:
        yield base64.b64encode(rest)


def _pieces(value: Any) -> Iterator[str | Blob]:
    """The text of a JSON value, interrupted by blobs."""
    if isinstance(value, Base64):
        yield from ('"', value.blob, '"')
    elif isinstance(value, dict):
        for number, (name, inner) in enumerate(value.items()):
            yield f"{',' if number else '{'}{_encode(name)}:"
            yield from _pieces(inner)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield "," if number else "["
            yield from _pieces(inner)
        yield "]" if value else "[]"
    else:
        yield _encode(value)


def _merged(pieces: Iterator[str | Blob]) -> Iterator[bytes | Blob]:
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        yield text.encode()
        yield piece
        text = ""
    yield text.encode()


# --- pictures ---------------------------------------------------------------------------------------------
def has_address(item: PartMedia) -> bool:
    """Whether Pinterest can fetch the medium itself: it was given by its address and is sent as it is."""
    return item.source.startswith("url:") and item.edit is None


async def picture_of(item: PartMedia, call: Call, *, by_url: bool) -> dict[str, Any]:
    """A picture as ``media_source`` wants it."""
    if by_url:
        return {"url": await call.host(item)}
    return {"content_type": item.mime, "data": Base64(await call.open(item))}


async def cover_of(item: PartMedia, seconds: int, call: Call) -> dict[str, Any]:
    """A video's cover: its thumbnail, else one of its frames."""
    cover = item.thumbnail
    if cover is None:
        return {"cover_image_key_frame_time": seconds}
    if has_address(cover):
        return {"cover_image_url": await call.host(cover)}
    return {"cover_image_content_type": cover.mime, "cover_image_data": Base64(await call.open(cover))}


# --- videos -----------------------------------------------------------------------------------------------
async def upload_video(item: PartMedia, call: Call, server: str) -> str:
    """The media id of a video that Pinterest has taken in whole, from this or an earlier process."""
    name = f"video {item.digest[:16]}"
    session = await _standing(call.recall(name), call) or await _register(name, call, server)
    if session["status"] == "registered":
        answer = await _transfer(session, item, call)
        if answer.status >= 300:  # the form's policy has ended, or was not good: another one
            session = await _register(name, call, server)
            answer = await _transfer(session, item, call)
        if answer.status >= 300:
            code = re.search(r"<Code>(\w{1,60})</Code>", answer.text)
            words = f"Pinterest's storage did not take {item.name}: {code[1] if code else 'no reason given'}"
            raise errors.Declined(f"{words} (HTTP {answer.status})", status=answer.status)
    return await _processed(name, session["id"], call)


async def _standing(session: Any, call: Call) -> dict[str, Any] | None:
    """An earlier upload and how it stands; None when there is none that can be gone on with."""
    if session is None:
        return None
    answer = await call.read("GET", f"/v5/media/{session['id']}", accept=(404,))
    status = "gone" if answer.status == 404 else str(answer.json().get("status") or "registered")
    good = status in ("processing", "succeeded") or (status == "registered" and call.now() < _ends(session))
    return {**session, "status": status} if good else None


def _ends(session: dict[str, Any]) -> datetime:
    """When the form's policy ends, which S3 writes into it as base64; a form that does not tell counts as ended."""
    try:
        policy = json.loads(base64.b64decode(dict(session["fields"])["policy"]))
        return datetime.fromisoformat(policy["expiration"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.min.replace(tzinfo=UTC)


async def _register(name: str, call: Call, server: str) -> dict[str, Any]:
    """A new media id with the form its bytes go into; a forgotten one harms nobody."""
    told = (await call.prepare("POST", "/v5/media", json={"media_type": "video"})).json()
    if not str(told["upload_url"]).startswith(("https://", f"{server}/")):
        raise errors.Declined("Pinterest named an upload address that is not https; nothing was sent there")
    fields = [[key, str(value)] for key, value in told["upload_parameters"].items()]
    session = {"id": str(told["media_id"]), "url": told["upload_url"], "fields": fields}
    call.remember(name, session, secret=True)
    return {**session, "status": "registered"}


async def _transfer(session: dict[str, Any], item: PartMedia, call: Call) -> base.Response:
    """The bytes, streamed: every field of the form in the order given, the file last, no credential of ours."""
    fields = [base.Field(key, value) for key, value in session["fields"]]
    file = base.Field("file", base.Slice(await call.open(item)), item.name, item.mime)
    return await call.prepare(
        "POST",
        session["url"],
        multipart=[*fields, file],
        auth=False,
        accept=range(300, 500),
        cost=0,
        timeout=3600.0,
    )


async def _processed(name: str, media_id: str, call: Call) -> str:
    async def look() -> base.Response:
        return await call.read("GET", f"/v5/media/{media_id}")

    def ready(seen: base.Response) -> bool:
        return seen.json().get("status") in ("succeeded", "failed")

    done = (await call.poll(look, ready, waits=WAITS, limit=LOOK_FOR)).json()
    if done["status"] == "failed":
        call.remember(name, None, secret=True)
        why = f" ({done['failure_code']})" if done.get("failure_code") else ""
        raise errors.Declined(f"Pinterest could not process the video{why}")
    return media_id
