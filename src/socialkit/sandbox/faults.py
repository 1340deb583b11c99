"""What may go wrong on a platform, as data: which requests it hits, how often, and what it does to them."""

from __future__ import annotations

import re
import threading
from typing import Any

import attrs

from socialkit.errors import ConfigError

__all__ = ["KINDS", "Fault", "Faults"]

KINDS: dict[str, str] = {
    "stored-then-500": "the post is stored, the answer is an error 500",
    "stored-then-hang": "the post is stored, no answer ever comes",
    "stored-later": "no answer comes; the post is stored `seconds` later (default 120)",
    "dropped-before": "the connection ends before anything is stored",
    "dropped-after": "the post is stored, then the connection ends without an answer",
    "listed-late": "the post is stored, but lists show it only `seconds` later (default 90)",
    "twin": "somebody else posts the same at the same moment; `when` = after (default) or before",
    "deleted-meanwhile": "somebody deletes the post right after it was stored",
    "key-ignored": "the platform does not look at the idempotency key of this request",
    "key-expired": "the platform has forgotten every idempotency key by the time this request comes",
    "clock-skew": "the platform's clock is `seconds` ahead (negative: behind), from now on",
    "429": "the platform says too many requests; `seconds` sets when it will take the next",
    "slow": "the answer takes `seconds` (default 10)",
    "expired-token": "the access token of this request is refused as expired",
    "still-processing": "media of this request stays in processing for `seconds` (default 60)",
    "processing-failed": "processing of media of this request fails",
}
_SECONDS = {"stored-later": 120.0, "listed-late": 90.0, "slow": 10.0, "still-processing": 60.0, "429": 60.0}
_MEDIA = frozenset({"still-processing", "processing-failed"})


@attrs.define(eq=False)
class Fault:
    """One planned misfortune; ``times`` is how many more requests it will hit.

    ``match`` is ``"METHOD path-regex"`` (``POST|PUT`` is either), the regex for the whole path; either part may
    be ``*``. ``platform``
    None is every one. The first ``skip`` requests that match pass untouched. ``step`` set: only requests that the
    adapter declares so ("read", "prepare", "commit", "attach"), whatever their path; this is known in process alone.
    """

    kind: str
    platform: str | None = None
    match: str | None = None
    times: int = 1
    skip: int = 0
    step: str | None = None
    details: dict[str, Any] = attrs.field(factory=dict)

    @property
    def seconds(self) -> float:
        """The ``seconds`` given, or the kind's default."""
        return float(self.details.get("seconds", _SECONDS.get(self.kind, 0.0)))

    def hits(self, platform: str, method: str, path: str, default: str, step: str | None = None) -> bool:
        """Whether it waits for this request; ``default`` stands in for a ``match`` and a ``step`` left out."""
        if self.times <= 0 or self.platform not in (None, platform) or self.step not in (None, step):
            return False
        return matches(self.match or ("* *" if self.step else default), method, path)


def matches(pattern: str, method: str, path: str) -> bool:
    """Whether ``"METHOD path-regex"`` covers the request; the regex must match the whole path."""
    wanted, _, path_pattern = pattern.partition(" ")
    if wanted != "*" and method not in wanted.split("|"):
        return False
    return path_pattern in ("", "*") or re.fullmatch(path_pattern, path) is not None


class Faults:
    """The planned faults of one sandbox, in the order they were planned.

    >>> faults = Faults()
    >>> fault = faults.plan("slow", platform="mastodon", match="POST /api/v1/statuses", seconds=3)
    >>> [hit.kind for hit in faults.take("mastodon", "POST", "/api/v1/statuses")]
    ['slow']
    >>> faults.take("mastodon", "POST", "/api/v1/statuses")
    []
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[Fault] = []

    def plan(
        self,
        kind: str,
        *,
        platform: str | None = None,
        match: str | None = None,
        times: int = 1,
        skip: int = 0,
        step: str | None = None,
        **details: Any,
    ) -> Fault:
        """Add a fault; it lets ``skip`` matching requests pass, then hits the next ``times``."""
        if kind not in KINDS:
            raise ConfigError(f"unknown fault {kind!r}; the kinds are {', '.join(KINDS)}")
        fault = Fault(kind, platform, match, times, skip, step, details)
        with self._lock:
            self._planned.append(fault)
        return fault

    def take(
        self,
        platform: str,
        method: str,
        path: str,
        *,
        publish: str = "POST *",
        upload: str = "POST *",
        step: str | None = None,
    ) -> list[Fault]:
        """The faults that hit this request, each used once more.

        ``publish`` (``upload`` for the media kinds) stands in for a ``match`` left out; ``step`` is the request's.
        """
        with self._lock:
            hit = [
                fault
                for fault in self._planned
                if fault.hits(platform, method, path, upload if fault.kind in _MEDIA else publish, step)
            ]
            waiting = [fault for fault in hit if fault.skip > 0]
            for fault in waiting:
                fault.skip -= 1
            hit = [fault for fault in hit if fault not in waiting]
            for fault in hit:
                fault.times -= 1
            self._planned = [fault for fault in self._planned if fault.times > 0]
        return hit

    def pending(self) -> list[Fault]:
        """Faults that still wait for a request."""
        with self._lock:
            return list(self._planned)

    def clear(self) -> None:
        """Forget every planned fault."""
        with self._lock:
            self._planned.clear()

    def clear_kind(self, kind: str) -> None:
        """Forget planned faults of one kind."""
        with self._lock:
            self._planned = [fault for fault in self._planned if fault.kind != kind]
