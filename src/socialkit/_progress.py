"""Progress events on their way to the user's callable, without holding up what they tell about."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ._loop import call_user
from .model import Progress

_log = logging.getLogger("socialkit")


class Pump:
    """Hands events to a callable, one at a time; byte counts that pile up are merged. Free when there is
    no callable."""

    def __init__(self, progress: Callable[[Progress], Any] | None) -> None:
        self._progress = progress
        self._waiting: list[Progress] = []
        self._woken = asyncio.Event() if progress else None
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def tell(self) -> Callable[[Progress], None] | None:
        """How to queue one event; None when nobody listens. Never waits."""
        return self._queue if self._progress is not None else None

    def _queue(self, event: Progress) -> None:
        assert self._woken is not None
        last = self._waiting[-1] if self._waiting else None
        if last and event.stage == "uploading" and _same(last, event):
            self._waiting[-1] = event
        else:
            self._waiting.append(event)
        self._woken.set()

    async def __aenter__(self) -> Self:
        if self._progress is not None:
            self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._task is not None and self._woken is not None:
            self._woken.set()
            await asyncio.wait([self._task], timeout=5)
            self._task.cancel()

    async def _run(self) -> None:
        assert self._woken is not None
        while not (self._closing and not self._waiting):
            await self._woken.wait()
            if not self._closing:
                self._woken.clear()
            await self._deliver()

    async def _deliver(self) -> None:
        assert self._progress is not None
        while self._waiting:
            event = self._waiting.pop(0)
            try:
                await call_user(self._progress, event)
            except Exception as error:
                if "interpreter shutdown" in str(error):
                    return  # the program was stopped, and with it whoever looked
                _log.exception("the progress callable failed; publishing goes on")


def _same(last: Progress, event: Progress) -> bool:
    return (last.account, last.stage, last.part, last.medium) == (
        event.account,
        event.stage,
        event.part,
        event.medium,
    )
