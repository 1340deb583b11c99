"""Media of one call: each is looked at once for all accounts, and opened again by digest when it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs

from .adapters.base import Blob, PartMedia
from .errors import InvalidPost
from .model import Captions, File, Image, Medium, Problem, Remote


def source_text(source: Any) -> str:
    """How a medium's source is written down in plans and the journal."""
    if isinstance(source, str):
        return f"path:{source}"
    if isinstance(source, Remote):
        return f"url:{source.url}"
    return "bytes" if isinstance(source, bytes) else "file"


def medium_at(text: str) -> Medium | None:
    """The medium a written-down source can be opened from in any process; None for bytes and open files."""
    kind, _, where = text.partition(":")
    if kind == "path":
        return File(where)
    return File.from_url(where) if kind == "url" else None


class Shelf:
    """Looks at each medium once; hands out blobs by the digest of what will be sent."""

    def __init__(self, fetch: Any) -> None:
        self._fetch = fetch
        self._looks: dict[int, asyncio.Future[Any]] = {}
        self._alive: list[Any] = []
        self._blobs: dict[str, Blob] = {}

    async def inspect(self, medium: Medium | Captions) -> tuple[Any, Blob]:
        """(facts, blob) of a medium as given; raises media.MediaError."""
        from .media import inspect

        if (look := self._looks.get(id(medium))) is None:
            look = asyncio.ensure_future(inspect(medium, fetch=self._fetch))
            self._looks[id(medium)] = look
            self._alive.append(medium)
        facts, blob = await asyncio.shield(look)
        self._blobs[facts.digest] = blob
        return facts, blob

    def keep(self, digest: str, blob: Blob) -> None:
        self._blobs[digest] = blob

    async def open(self, account: str, item: PartMedia, media: Mapping[str, Medium | Captions]) -> Blob:
        """The very bytes that were planned; anything else is InvalidPost(code="stale")."""
        if (blob := self._blobs.get(item.digest)) is None:
            blob = await self._reopen(account, item, media)
            self._blobs[item.digest] = blob
        return blob

    async def _reopen(self, account: str, item: PartMedia, media: Mapping[str, Medium | Captions]) -> Blob:
        from .media import MediaError, redo

        medium = media.get(item.digest) or medium_at(item.source)
        if medium is None:
            raise stale(account, item, "its bytes are not here; give the same post again")
        try:
            facts, blob = await self.inspect(medium)
            if item.edit is not None:
                blob = await redo(blob, item.edit)
        except MediaError as error:
            raise stale(account, item, str(error)) from error
        if (blob.digest or facts.digest) != item.digest:
            raise stale(account, item, "its bytes changed since it was planned")
        return blob


def stale(account: str, item: PartMedia, why: str) -> InvalidPost:
    problem = Problem(account, f"media {item.name}", "stale", why, hint="plan the post again")
    return InvalidPost([problem], code="stale", message="nothing was sent: the plan no longer holds")


def with_text(item: PartMedia, medium: Medium | Captions) -> PartMedia:
    """The item with what only the author knows: alt text, focus, language."""
    if isinstance(medium, Captions):
        return attrs.evolve(item, language=medium.language, label=medium.label)
    focus = medium.focus if isinstance(medium, Image) else None
    return attrs.evolve(item, alt=medium.alt, focus=focus)
