"""The arithmetic of a rate limit whose window may begin anywhere: what was spent when, and when more fits.

A platform may count in windows that start at the full hour, at the first request, or in a window that
slides. All of them are kept at once by one rule: in any stretch of one window's length no more than the
limit is spent. Time is cut into buckets of a hundredth of a window; :data:`SPARE` more of them than a
window has must be within the limit. The spare ones pay for requests that travel at different speeds, and
cost at most 3 % of the allowance.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from ..rules import Budget

BUCKETS = 100
SPARE = 3
SPAN = BUCKETS + SPARE


class Ledger:
    """One budget of one owner. Moments are epoch seconds; ``data`` is JSON, :meth:`dump` gives it back.

    Attributes:
        limit, told: units per window, as the server said last, else as the rules say.
        spent: units by bucket, waiters' future ones too.
        closed: nothing may go before this moment.
        left, until: before ``until`` only ``left`` more units fit, by the server's own count.
    """

    __slots__ = (
        "_sums",
        "budget",
        "closed",
        "left",
        "limit",
        "owner",
        "places",
        "spent",
        "told",
        "until",
        "width",
    )

    def __init__(self, budget: Budget, owner: str, data: list[Any] | None, now: float) -> None:
        self.budget = budget
        self.owner = owner
        self.width = budget.window / BUCKETS
        self.limit: int = budget.limit
        self.told = False
        self.closed = self.until = 0.0
        self.left = 0
        self.spent: dict[int, int] = {}
        if data is not None:
            _, _, _, _, limit, self.closed, self.until, self.left, *rest = data
            if limit < 0:
                self.learn_limit(-limit)
            self.spent = self._read(rest, now)
        self._index()

    def _read(self, rest: list[Any], now: float) -> dict[int, int]:
        """What still counts. Books that were kept by days count as if all of it was spent now."""
        if rest and zone_of(rest):
            left = sum(units for ends, units in pairs_of(rest) if ends > now)
            return {self._place(now): left} if left else {}
        oldest = int(now // self.width) - SPAN
        pairs = zip(rest[::2], rest[1::2], strict=True)
        return {place: units for place, units in pairs if place > oldest}

    def learn_limit(self, limit: int) -> None:
        """The server says how much a window holds; what the rules say no longer matters."""
        self.limit, self.told = limit, True

    def dump(self) -> list[Any]:
        """The ledger as JSON: one flat list, because stores copy it with every booking. A limit the server told is
        negative: others are the rules', and change with them."""
        budget = self.budget
        head = [
            budget.name,
            budget.level,
            self.owner,
            budget.window,
            -self.limit if self.told else self.limit,
        ]
        gates = [self.closed, self.until, self.left]
        return [*head, *gates, *(number for place in self.places for number in (place, self.spent[place]))]

    @staticmethod
    def closed_until(data: list[Any] | None) -> float:
        """The moment before which nothing may go, out of :meth:`dump`'s list."""
        return float(data[5]) if data else 0.0

    def earliest(self, moment: float, cost: int, luck: float) -> float:
        """The first moment, from ``moment`` on, at which ``cost`` units fit.

        A moment that had to be moved is spread by ``luck`` (0 to 1) inside its bucket, so that waiters do
        not wake together.
        """
        cost = min(cost, self.limit)
        gate = max(self.closed, self.until if self.left < cost else 0.0)
        if moment < gate:
            moment = gate + self._spread(self._place(gate), luck)
        first = self._place(moment)
        if self._sums[-1] + cost <= self.limit:
            return moment
        place = next(place for place in self._candidates(first) if self._fits(place, cost))
        return moment if place == first else place * self.width + self._spread(place, luck)

    def room(self, moment: float) -> int:
        """How many units still fit at ``moment``."""
        if moment < self.closed:
            return 0
        place = self._place(moment)
        free = self.limit - max(self._within(end) for end in self._ends(place))
        return max(0, min(free, self.left) if moment < self.until else free)

    def cells(self, moment: float) -> tuple[int, ...]:
        """Where units that are spent at ``moment`` are written down."""
        return (self._place(moment),)

    def book(self, moment: float, units: int) -> tuple[int, ...]:
        """Spend ``units`` at ``moment``; the :meth:`cells` they are written in."""
        cells = self.cells(moment)
        for place in cells:
            self.spent[place] = self.spent.get(place, 0) + units
        if moment < self.until:
            self.left -= units
        self._index()
        return cells

    def unbook(self, cells: Sequence[int], units: int) -> None:
        """Give ``units`` back to the :meth:`cells` they were written in."""
        for place in cells:
            total = self.spent.pop(place, 0) - units
            if total > 0:
                self.spent[place] = total
        self._index()

    def stays(self, moment: float) -> float:
        """Until when requests are written where those of ``moment`` are."""
        return (self._place(moment) + 1) * self.width

    def too_late(self, moment: float) -> float:
        """After which moment a place booked for ``moment`` is lost."""
        return moment + self.width

    def resets(self, now: float) -> float:
        """When a window that an answer speaks of now is surely over."""
        return now + self.budget.window

    def absorb(self, other: Ledger, now: float) -> None:
        """Take over the books of somebody who turned out to be the same owner."""
        for place, units in other.spent.items():
            self.spent[place] = self.spent.get(place, 0) + units
        self._index()
        self.closed = max(self.closed, other.closed)
        if other.told:
            self.learn_limit(other.limit)
        if now < other.until:
            self.correct(other.left, other.until, now)

    def correct(self, remaining: int, resets_at: float, now: float) -> bool:
        """Take in the server's count; False when it is no news. The least remaining of a window wins."""
        if remaining >= self.room(now) or resets_at <= now:
            return False
        same = abs(resets_at - self.until) <= max(1.0, 2 * self.width)
        if not same and now < self.until and resets_at < self.until:
            return False
        self.left = remaining
        self.until = max(resets_at, self.until) if same else resets_at
        return True

    def frees_at(self, now: float) -> float | None:
        """When everything spent so far no longer counts; None when nothing does."""
        gate = max(self.closed, self.until)
        if gate > now:
            return gate
        return (self.places[-1] + SPAN) * self.width if self.places else None

    def _index(self) -> None:
        self.places = sorted(self.spent)
        self._sums = list(accumulate((self.spent[place] for place in self.places), initial=0))

    def _place(self, moment: float) -> int:
        return int(moment // self.width)

    def _spread(self, place: int, luck: float) -> float:
        rank = min(1.0, (self.spent.get(place, 0) + luck) / self.limit)
        return self.width * (0.01 + 0.97 * rank)

    def _candidates(self, first: int) -> Iterator[int]:
        """Buckets at which room can appear: the first one, and where a spent one stops counting."""
        yield first
        for place in self.places:
            if place + SPAN > first:
                yield place + SPAN

    def _fits(self, place: int, cost: int) -> bool:
        return all(self._within(end) + cost <= self.limit for end in self._ends(place))

    def _ends(self, place: int) -> Sequence[int]:
        """The ends of all windows that hold ``place`` and can be fullest."""
        start, stop = bisect_right(self.places, place), bisect_left(self.places, place + SPAN)
        return [place, *self.places[start:stop]]

    def _within(self, end: int) -> int:
        """Units in the window that ends with bucket ``end``."""
        start, stop = bisect_right(self.places, end - SPAN), bisect_right(self.places, end)
        return self._sums[stop] - self._sums[start]


def pairs_of(rest: list[Any]) -> Iterator[tuple[int, int]]:
    """(place, units) of what follows the head of :meth:`Ledger.dump`'s list."""
    flat = rest[2:] if zone_of(rest) else rest
    return zip(flat[::2], flat[1::2], strict=True)


def zone_of(rest: list[Any]) -> str | None:
    """The time zone whose days the places are; None where they are buckets."""
    return rest[0] if rest and isinstance(rest[0], str) else None
