"""Google's resumable upload: a session that holds the bytes, asked for what it has, given the rest.

The session's address is a secret and the only handle of the upload. The video is made by the last byte, and by one
session once: it can always be asked again.
"""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import quote

import attrs

from .. import errors
from . import base
from .base import Call, PartMedia

UNIT = 256 * 1024
CHUNK = 32 * UNIT
"""Bytes of every piece but the last: a multiple of 256 KiB, as Google asks for."""
PASSING = (500, 502, 503, 504)
GONE = (404, 410)
TIMEOUT = 300.0
NAMING = (2.0, 4.0, 8.0, 16.0)
"""Seconds between looks at a session that has all bytes and does not name the video yet."""
PATIENCE = 5
"""How often a piece may be sent without the session holding more afterwards."""

MEMORY = "session"


@attrs.frozen
class Standing:
    """What a session holds: bytes up to ``at``; the ``video`` it became; or nothing: it is gone."""

    at: int | None = None
    video: dict[str, Any] | None = None

    @property
    def gone(self) -> bool:
        return self.at is None and self.video is None


def standing_of(answer: base.Response) -> Standing:
    """From an answer of the session: 308 with the range it holds, 200 or 201 with the video, 404 or 410.

    >>> standing_of(base.Response(308, {"range": "bytes=0-524287"})).at
    524288
    """
    if answer.status in GONE:
        return Standing()
    if answer.status != 308:
        video = answer.json_or_none()
        if not isinstance(video, dict) or not isinstance(video.get("id"), str):
            raise errors.OutcomeUnknown("YouTube says that the upload is whole, and names no video")
        return Standing(video=video)
    held = re.fullmatch(r"bytes=0-([0-9]{1,15})", answer.headers.get("range", "").strip())
    return Standing(at=int(held[1]) + 1 if held else 0)


def piece_after(at: int, size: int) -> tuple[int, int, Literal["prepare", "commit"]]:
    """The next piece as (start, stop, step): whole chunks, then the last one, with which the video begins to be.

    >>> piece_after(0, CHUNK + 1), piece_after(CHUNK, CHUNK + 1)
    ((0, 8388608, 'prepare'), (8388608, 8388609, 'commit'))
    """
    return (at, at + CHUNK, "prepare") if size - at > CHUNK else (at, size, "commit")


def range_of(start: int, stop: int, size: int) -> str:
    """The Content-Range of a piece; a session that has all bytes is only asked to end."""
    return f"bytes {start}-{stop - 1}/{size}" if stop > start else f"bytes */{size}"


def file_name(item: PartMedia, mark: str) -> str:
    """The file's name with a mark that no other upload has: the owner can read it back.

    >>> file_name(PartMedia("video", "video/mp4", 1, "d", "s", name="Hero film.mp4"), "1f")
    'Hero-film-1f.mp4'
    """
    stem, dot, suffix = item.name.rpartition(".")
    stem, suffix = (stem, suffix) if dot else (suffix, "")
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:60] or "video"
    end = re.sub(r"[^A-Za-z0-9]+", "", suffix)[:8]
    return f"{plain}-{mark}" + (f".{end}" if end else "")


def upload_headers(size: int, mime: str, name: str | None = None) -> dict[str, str]:
    """What opens a session besides its JSON."""
    told = {"x-upload-content-length": str(size), "x-upload-content-type": mime}
    return told | ({"slug": quote(name)} if name else {})


def address_in(answer: base.Response) -> str:
    """The session's address, from the answer that opened it."""
    url = answer.headers.get("location", "")
    if not url.startswith(("https://", "http://")):
        raise errors.Declined("YouTube opened no upload session: its answer names no address")
    return url


async def question(url: str, size: int, call: Call) -> base.Response:
    """What a session answers to the question how far it has come."""
    return await call.read(
        "PUT",
        url,
        content=b"",
        headers={"content-range": f"bytes */{size}"},
        accept=(308, *GONE),
        cost=0,
    )


async def ask(url: str, size: int, call: Call) -> Standing:
    """How far a session has come."""
    return standing_of(await question(url, size, call))


async def fill(url: str, blob: base.Blob, standing: Standing, call: Call) -> Standing:
    """Everything but the last piece into the session, from where it stands."""
    stuck = 0
    while standing.at is not None:
        start, stop, step = piece_after(standing.at, blob.size)
        if step == "commit":
            break
        answer = await call.prepare(
            "PUT",
            url,
            content=base.Slice(blob, start, stop),
            headers={"content-range": range_of(start, stop, blob.size), "content-type": blob.mime},
            accept=(308, *GONE, *PASSING),
            timeout=TIMEOUT,
            cost=0,
        )
        failed = answer.status in PASSING
        rest = rest_of(answer, stuck) * (1.0 + call.random.random() / 4)
        standing = await _after_rest(url, blob.size, rest, call) if failed else standing_of(answer)
        stuck = stuck + 1 if standing.at is not None and standing.at <= start else 0
        if stuck > PATIENCE:
            words = f"YouTube's upload does not go on at byte {start} of {blob.size}; nothing is published"
            raise errors.Unavailable(words, account=call.account, status=answer.status)
    return standing


def rest_of(answer: base.Response, stuck: int) -> float:
    """Seconds before a session that failed is asked again: what ``Retry-After`` says, and longer each time.

    >>> rest_of(base.Response(503, {}), 3)
    8.0
    """
    told = base.parse_reset(answer.headers.get("retry-after"), answer.received_at)
    asked = (told - answer.received_at).total_seconds() if told and answer.received_at else 0.0
    return max(2.0**stuck, asked)


async def _after_rest(url: str, size: int, rest: float, call: Call) -> Standing:
    """Where the session stands after a failure, asked again after a rest."""
    rested = iter((False, True))

    async def look() -> base.Response:
        return await question(url, size, call) if next(rested) else base.Response(100, {})

    return standing_of(await call.poll(look, lambda seen: seen.status != 100, waits=(rest,)))


async def named(url: str, size: int, call: Call) -> Standing:
    """Where a session stands that has all bytes, when YouTube has had some time to make the video of them.

    Whatever is refused now, the video may be made: it is unknown, and no refusal.
    """
    try:
        answer = await call.poll(
            lambda: question(url, size, call),
            lambda seen: seen.status != 308 or standing_of(seen).at != size,
            waits=NAMING,
            limit=sum(NAMING),
        )
    except (errors.PlatformError, errors.AuthError) as error:
        words = f"YouTube has all bytes, and does not name the video yet: {error.message}"
        raise errors.OutcomeUnknown(words, account=call.account) from error
    return standing_of(answer)
