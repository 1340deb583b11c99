"""What the sandbox keeps: posts, rate-limit windows, idempotency keys, the transcript."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from .faults import Fault

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["Allowance", "Answer", "Dropped", "Entry", "KeyCache", "Recorded", "Turn", "Window"]


class Dropped(Exception):
    """The connection ends without an answer; transports and servers turn it into just that."""


class Answer(Exception):
    """Ends a request with a response, from anywhere inside a handler."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@attrs.define(eq=False)
class Entry:
    """One post of a timeline as the platform stores it.

    ``media`` are dicts with ``id, mime, alt, data`` (bytes or None; see ``PlatformBox.media``) and what the
    platform adds; ``poll`` is a dict with ``options`` (title, votes). ``extras`` is the platform file's own.
    ``visible_at`` set means lists show it only from then. ``counts`` holds what people did by requests
    (favourites...), on top of what grows with age.
    """

    id: str
    account: str
    text: str
    created_at: datetime
    media: list[dict[str, Any]] = attrs.field(factory=list)
    reply_to: str | None = None
    quote: str | None = None
    warning: str = ""
    poll: dict[str, Any] | None = None
    visibility: str = "public"
    title: str = ""
    url: str = ""
    app: str = ""
    key: str | None = None
    edited_at: datetime | None = None
    visible_at: datetime | None = None
    deleted_at: datetime | None = None
    counts: dict[str, int] = attrs.field(factory=dict)
    extras: dict[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class Window:
    """A rate limit: ``limit`` units per ``seconds`` in fixed windows.

    ``match`` is ``"METHOD path-regex"`` as in a fault; ``per`` is a word for :meth:`PlatformBox.limit_key`.

    ``aligned`` windows start at multiples of ``seconds`` since the epoch, others at the first request.
    Headers speak of the fullest window of the highest ``rank``.
    """

    name: str
    limit: int
    seconds: float
    match: str = "* *"
    per: str = "account"
    aligned: bool = True
    rank: int = 0


@attrs.frozen
class Allowance:
    """What is left of a window after a request: ``allowed`` False means the request did not fit."""

    window: Window
    remaining: int
    reset: datetime
    allowed: bool = True


@attrs.frozen
class Recorded:
    """One line of the transcript: ``status`` is HTTP's, or "dropped", "hung". Secrets are masked."""

    platform: str
    method: str
    path: str
    status: int | str
    step: str | None
    at: datetime
    query: str = ""
    size: int = 0
    """Bytes of the request's body."""


class KeyCache:
    """What a platform remembers of idempotency keys, for ``seconds``.

    >>> from datetime import UTC, datetime, timedelta
    >>> cache, start = KeyCache(3600), datetime(2026, 1, 1, tzinfo=UTC)
    >>> cache.put("k", "first", start)
    >>> cache.get("k", start), cache.get("k", start + timedelta(hours=2))
    ('first', None)
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kept: dict[str, tuple[datetime, Any]] = {}

    def get(self, key: str, now: datetime) -> Any | None:
        """What was put under the key, or None when never or too long ago."""
        kept = self._kept.get(key)
        if kept is None or now - kept[0] >= timedelta(seconds=self.seconds):
            return None
        return kept[1]

    def put(self, key: str, value: Any, now: datetime) -> None:
        """Remember ``value`` under the key from ``now`` on."""
        self._kept[key] = (now, value)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    @contextlib.contextmanager
    def untouched(self) -> Iterator[None]:
        """Whatever is put or cleared while the block runs is undone at its end."""
        kept = dict(self._kept)
        try:
            yield
        finally:
            self._kept = kept


@attrs.define(eq=False)
class Turn:
    """The request being handled: what it is declared as, what befalls it, what it stored."""

    method: str
    path: str
    step: str | None
    base: str
    query: str
    faults: dict[str, Fault]
    size: int = 0
    added: list[Entry] = attrs.field(factory=list)
