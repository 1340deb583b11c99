"""How long to wait before trying again, and when to stop: for tenacity, on our clock."""

from __future__ import annotations

import random as randomlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .._clock import Clock, seconds_between

FIRST = 0.5
LONGEST = 16.0


class Waits:
    """Doubling waits with jitter, never before the moment an error names, ``max_wait`` seconds in all."""

    def __init__(
        self,
        clock: Clock,
        random: randomlib.Random,
        retry_at: Callable[[BaseException], datetime | None],
        attempts: int,
        max_wait: float,
    ) -> None:
        self._clock = clock
        self._random = random
        self._retry_at = retry_at
        self._attempts = attempts
        self._max_wait = max_wait

    def wait(self, state: Any) -> float:
        """Seconds until the next attempt; ``state`` is tenacity's."""
        longest = min(FIRST * 2 ** (state.attempt_number - 1), LONGEST)
        pause: float = longest * (0.5 + 0.5 * self._random.random())
        moment = self._retry_at(state.outcome.exception())
        if moment is None:
            return pause
        return max(seconds_between(self._clock.now(), moment) + 0.1 * pause, pause)

    def stop(self, state: Any) -> bool:
        """Whether that was the last attempt."""
        return bool(
            state.attempt_number >= self._attempts or state.idle_for + state.upcoming_sleep > self._max_wait
        )
