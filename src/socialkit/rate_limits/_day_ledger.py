"""The arithmetic of a rate limit that is counted by calendar days, of which all is free again at midnight.

Days are those of the server's clock, which is known to within some seconds; a request arrives later than it was sent.
So one that might fall into either of two days counts in both, and a day that is full ends :data:`EARLY` seconds late.
"""

from __future__ import annotations

from typing import Any

from .._days import day_at
from ..rules import Budget, Midnight
from ._ledger import Ledger, pairs_of, zone_of

EARLY, LATE = 5.0, 10.0
"""Seconds that a request may arrive before and after the moment it is booked for, by the server's clock: that is told
in whole seconds, differences of less than two are none, and requests travel."""
SPREAD = 5.0
"""Seconds over which those who waited for midnight are let in."""
_KEPT = 3600.0
"""For how long a day that is over is kept: another process may be slower to see that."""


class DayLedger(Ledger):
    """One budget of one owner, by days: the places are the ends of days, in the server's epoch seconds.

    Attributes:
        offset: seconds the server's clock is ahead; None takes what another process on the store was told.
    """

    __slots__ = ("offset", "zone")

    def __init__(
        self, budget: Budget, owner: str, data: list[Any] | None, now: float, offset: float | None = None
    ) -> None:
        assert budget.resets is not None, "a budget without a midnight has a rolling window"
        self.zone = budget.resets.zone
        rest: list[Any] = data[8:] if data is not None else []
        told = float(rest[1]) if zone_of(rest) else 0.0
        self.offset = told if offset is None else offset
        super().__init__(budget, owner, data, now)

    def _read(self, rest: list[Any], now: float) -> dict[int, int]:
        """What still counts. Books of a rolling window, or of another zone's days, count in the days they touch."""
        if zone_of(rest) == self.zone:
            kept = now + self.offset - _KEPT
            return {ends: units for ends, units in pairs_of(rest) if ends > kept}
        ends = self.resets(now)
        self.closed, self.until = min(self.closed, ends), min(self.until, ends)
        spent: dict[int, int] = {}
        for place, units in pairs_of(rest):
            first, last = (now, now) if zone_of(rest) else (place * self.width, (place + 1) * self.width)
            if not zone_of(rest) or place > now:
                for day in self._days(first, last):
                    spent[day] = spent.get(day, 0) + units
        return spent

    def dump(self) -> list[Any]:
        head = super().dump()
        head[8:8] = [self.zone, self.offset]
        return head

    def cells(self, moment: float) -> tuple[int, ...]:
        return self._days(moment, moment)

    def earliest(self, moment: float, cost: int, luck: float) -> float:
        cost = min(cost, self.limit)
        gate = max(self.closed, self.until if self.left < cost else 0.0)
        if moment < gate:
            moment = gate + self._apart(gate, luck)
        while full := [day for day in self.cells(moment) if self.spent.get(day, 0) + cost > self.limit]:
            moment = full[-1] - self.offset + EARLY
            moment += self._apart(moment, luck)
        return moment

    def room(self, moment: float) -> int:
        if moment < self.closed:
            return 0
        free = self.limit - max(self.spent.get(day, 0) for day in self.cells(moment))
        return max(0, min(free, self.left) if moment < self.until else free)

    def stays(self, moment: float) -> float:
        first, last = moment + self.offset - EARLY, moment + self.offset + LATE
        return min(day_at(self.zone, first)[1] + EARLY, day_at(self.zone, last)[1] - LATE) - self.offset

    too_late = stays

    def resets(self, now: float) -> float:
        return day_at(self.zone, now + self.offset - EARLY)[1] - self.offset + EARLY

    def frees_at(self, now: float) -> float | None:
        """The midnight itself, by the server's clock."""
        ends: list[float] = [day for day in self.spent if day > now + self.offset]
        gate = max(self.closed, self.until)
        if gate > now:
            begins = day_at(self.zone, gate + self.offset)[0]
            ends.append(begins if gate + self.offset - begins <= 2 * EARLY else gate)
        return max(ends, default=None)

    def _days(self, first: float, last: float) -> tuple[int, ...]:
        """The days that a request may fall into which is sent between two moments."""
        one = day_at(self.zone, first + self.offset - EARLY)[1]
        other = day_at(self.zone, last + self.offset + LATE)[1]
        return (int(one),) if one == other else (int(one), int(other))

    def _apart(self, moment: float, luck: float) -> float:
        """Those who wait for the same moment are let in one after the other."""
        spent = self.spent.get(self.cells(moment)[-1], 0)
        return SPREAD * min(1.0, (spent + luck) / self.limit)


def ledger_of(
    budget: Budget, owner: str, data: list[Any] | None, now: float, offset: float | None = None
) -> Ledger:
    """The books of a budget, by days or by a rolling window."""
    if budget.resets is None:
        return Ledger(budget, owner, data, now)
    return DayLedger(budget, owner, data, now, offset)


def load(data: list[Any], now: float) -> Ledger:
    """The ledger that :meth:`Ledger.dump` wrote, without knowing the rules it came from."""
    name, level, owner, window, limit, *_ = data
    zone = zone_of(data[8:])
    resets = Midnight(zone) if zone is not None else None
    return ledger_of(Budget(name, level, abs(limit), window, resets=resets), owner, data, now)
