"""Who may send when: the platforms' budgets, kept by all processes on one store.

A budget belongs to the developer app, to whoever signed in, to the account, to one endpoint of the account, or
to the server. A request books its place in all budgets that match it, in one transaction, and waits until its own
moment. What the server's answers say corrects the books: the least remaining of a window wins, and a 429 closes
the budget.
"""

from __future__ import annotations

import operator
import random as randomlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import attrs

from .._clock import Clock, seconds_between, to_second
from .._process import pid
from ..adapters.base import Reading
from ..errors import RateLimited
from ..rules import Budget, Level
from ..store import Store, Tx, transact
from ._day_ledger import ledger_of, load
from ._ledger import Ledger

__all__ = ["BudgetKeys", "LimitState", "RateLimits"]

SPACE = "limit"
_SPECIFIC: dict[Level, int] = {"host": 0, "app": 1, "user": 2, "account": 3, "endpoint": 4}
_CACHED = 2048
_SAME = 2.0
"""Seconds by which what is known of a server's clock changes without meaning anything."""
_LONGEST: dict[Level, float] = {"host": 3600.0, "app": 3600.0, "user": 3600.0}
"""Seconds that a budget many share is closed at most by what one answer names (others: a day), unless its window is
long: no limit of any platform is over later than a window or two after the last request. What names a later moment is
broken, or lies, and then one more request is lost at most, not every account on the machine for a year."""
_REST = timedelta(seconds=60)
"""How long a budget of a calendar day is closed by a 429 that does not say that the day is used up: most likely
requests came too fast, which is over long before midnight."""


@attrs.frozen
class BudgetKeys:
    """Whose budgets a request spends: the developer app's, the account's; those of ``user`` and ``host``, where these
    are not the account alone.

    >>> keys = BudgetKeys(app="x|https://api.example.com|client-1", account="x|https://api.example.com|7")
    >>> keys.owner(Budget("posts", "user", 300, 10800))
    'x|https://api.example.com|7'
    """

    app: str
    account: str
    user: str | None = None
    host: str | None = None

    def owner(self, budget: Budget) -> str:
        """Who owns that budget."""
        level = budget.level
        if level == "app":
            return self.app
        named = self.user if level == "user" else self.host if level == "host" else None
        return named or self.account


@attrs.frozen
class LimitState:
    """Where one limit stands: ``remaining`` of ``limit`` units; ``resets_at`` (aware UTC) it is whole.

    >>> LimitState("posts", "account", "x|https://api.example.com|7", 100, 99, None).remaining
    99
    """

    name: str
    level: Level
    owner: str
    limit: int
    remaining: int
    resets_at: datetime | None


Cells = tuple[tuple[int, ...], ...]
"""Where the places of a request are written down, by ledger."""


class _Block:
    """Places booked together, handed out one by one while their bucket lasts."""

    __slots__ = ("cells", "end", "offset", "places", "size", "start")

    def __init__(self, size: int, cells: Cells, start: datetime, end: datetime, offset: float | None) -> None:
        self.size = size
        self.cells = cells
        self.offset = offset or 0.0
        self.start = start
        self.end = end
        self.places: Iterator[int] = iter(range(size - 1))

    def lasts(self, now: datetime, offset: float | None) -> bool:
        """Whether a request of now is written where the block is, by what is known of the server's clock by now."""
        return self.start <= now < self.end and abs((offset or 0.0) - self.offset) <= _SAME


@attrs.frozen
class _Booking:
    """What a transaction decided: when, how many places, where they are written, and which budget made it wait."""

    moment: float
    size: int
    tightest: Ledger
    rooms: tuple[tuple[str, int, int], ...] = ()
    cells: Cells = ()
    end: float = 0.0
    """Until when more may go in the same places; for who has to wait, until when the place is kept."""


class RateLimits:
    """The budgets of every account on one store.

    ``max_wait`` seconds is the longest a request waits for its place. Processes book places in blocks when
    they send a lot; what is left of a block is given back with the next booking, or ages with it.

    >>> import asyncio
    >>> from socialkit._clock import SystemClock
    >>> from socialkit.store import MemoryStore
    >>> limits = RateLimits(MemoryStore(), SystemClock())
    >>> keys = BudgetKeys("app", "account")
    >>> budgets = (Budget("posts", "account", 300, 10800, "POST /statuses"),)
    >>> moment = asyncio.run(limits.reserve(keys, budgets, "POST", "/statuses"))
    >>> [state.remaining for state in asyncio.run(limits.snapshot())]
    [299]
    """

    def __init__(
        self, store: Store, clock: Clock, *, max_wait: float = 60.0, random: randomlib.Random | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._max_wait = max_wait
        self._random = random or randomlib.Random()
        self._blocks: dict[tuple[tuple[str, ...], int | None], _Block] = {}
        self._pid = pid()
        self._matches: dict[int, tuple[Sequence[Budget], dict[tuple[str, str], tuple[Budget, ...]]]] = {}
        self._rooms: dict[str, tuple[int, int]] = {}

    async def reserve(
        self,
        keys: BudgetKeys,
        budgets: Sequence[Budget],
        method: str,
        path: str,
        *,
        cost: int | None = None,
        on_wait: Callable[[datetime], None] | None = None,
        offset: float | None = None,
    ) -> datetime:
        """The moment this request may go; it has come when this returns.

        Waits on the clock, after telling ``on_wait`` until when. A wait longer than ``max_wait`` is
        :class:`RateLimited` at once and books nothing. ``cost`` replaces the budgets' own. ``offset`` is by how many
        seconds the server's clock is ahead, None when nobody knows yet.
        """
        matched = self._matched(budgets, method, path)
        now = self._clock.now()
        if not matched:
            return now
        if self._pid != pid():  # the places of a block are its parent's
            self._pid, self._blocks = pid(), {}
        names = tuple([f"{keys.owner(budget)}|{budget.name}" for budget in matched])
        block = self._blocks.get((names, cost))
        if block is not None and block.lasts(now, offset) and next(block.places, None) is not None:
            return now
        deadline = now.timestamp() + self._max_wait
        missed: Cells = ()
        while True:
            moment, booking = await self._place(keys, matched, names, cost, now, deadline, missed, offset)
            if moment <= now:
                return now
            if on_wait is not None:
                on_wait(moment)
            await self._clock.sleep(seconds_between(self._clock.now(), moment))
            now, missed = self._clock.now(), booking.cells
            if not await self._lost_place(names, booking.end, now.timestamp()):
                return now

    async def learn(
        self,
        keys: BudgetKeys,
        budgets: Sequence[Budget],
        method: str,
        path: str,
        readings: Sequence[Reading],
        *,
        status: int,
        retry_at: datetime | None,
        offset: float | None = None,
    ) -> None:
        """Correct the books by an answer; one that tells nothing new does not touch the store.

        When the day of a budget that has one is over is known better here than by who read the answer.
        """
        if not readings and status != 429:
            return
        now = self._clock.now()
        matched = self._matched(budgets, method, path)
        told = [(budget, reading) for reading in readings for budget in _pick(reading, budgets, matched, now)]
        news = [(budget, reading) for budget, reading in told if self._is_news(keys, budget, reading)]
        closing = _closing(told, matched, now, retry_at) if status == 429 else {}
        if news or closing:
            await self._write(keys, news, closing, now.timestamp(), offset)

    async def give_back(
        self,
        keys: BudgetKeys,
        budgets: Sequence[Budget],
        method: str,
        path: str,
        went_at: datetime,
        *,
        cost: int | None = None,
    ) -> None:
        """The request that went at a moment of :meth:`reserve` made nothing: budgets that count what is made have its
        place again."""
        matched = [budget for budget in self._matched(budgets, method, path) if budget.counts == "made"]
        if not matched:
            return
        now, moment = self._clock.now().timestamp(), went_at.timestamp()

        def work(tx: Tx) -> None:
            for budget in matched:
                name = f"{keys.owner(budget)}|{budget.name}"
                ledger = ledger_of(budget, keys.owner(budget), tx.get(SPACE, name), now)
                ledger.unbook(ledger.cells(moment), budget.cost if cost is None else cost)
                tx.put(SPACE, name, ledger.dump())

        await transact(self._store, work)

    def move(
        self, tx: Tx, budgets: Sequence[Budget], old: BudgetKeys, new: BudgetKeys, offset: float | None
    ) -> None:
        """What was booked and learned on the keys of a login nobody knew yet belongs to who it turned out to be.

        What it shared with others stays theirs. Call :meth:`moved` once the transaction is done.
        """
        now = self._clock.now().timestamp()
        for budget in budgets:
            owner, name = new.owner(budget), f"{old.account}|{budget.name}"
            if owner == old.account or (data := tx.get(SPACE, name)) is None:
                continue
            ledger = ledger_of(budget, owner, tx.get(SPACE, f"{owner}|{budget.name}"), now, offset)
            ledger.absorb(ledger_of(budget, owner, data, now), now)
            tx.put(SPACE, f"{owner}|{budget.name}", ledger.dump())
            tx.delete(SPACE, name)

    def moved(self) -> None:
        """Forget the blocks: what they were booked on may be gone."""
        self._blocks.clear()

    async def snapshot(self) -> list[LimitState]:
        """Every limit that was ever spent or reported on this store, sorted by owner and name."""
        now = self._clock.now().timestamp()
        cells = await transact(self._store, lambda tx: tx.items(SPACE))
        states = []
        for _, data in cells:
            ledger = load(data, now)
            frees_at = ledger.frees_at(now)
            resets_at = datetime.fromtimestamp(frees_at, UTC) if frees_at is not None else None
            name, level, room = ledger.budget.name, ledger.budget.level, ledger.room(now)
            states.append(LimitState(name, level, ledger.owner, ledger.limit, room, resets_at))
        return states

    async def _place(
        self,
        keys: BudgetKeys,
        matched: tuple[Budget, ...],
        names: tuple[str, ...],
        cost: int | None,
        now: datetime,
        deadline: float,
        missed: Cells,
        offset: float | None,
    ) -> tuple[datetime, _Booking]:
        """Book a place (a block of them, when they go fast), giving back a missed one; the moment of it."""
        old = self._blocks.pop((names, cost), None)
        unused = operator.length_hint(old.places) if old is not None else 0
        hurried = old is not None and not unused and now < old.end
        wanted = min(64, old.size * 2) if old is not None and hurried else 1
        given_back = [(old.cells, unused)] if old is not None and unused else []
        given_back += [(missed, 1)] if missed else []
        start = now.timestamp()
        luck = self._random.random()

        def work(tx: Tx) -> _Booking:
            ledgers = [
                ledger_of(budget, keys.owner(budget), tx.get(SPACE, name), start, offset)
                for budget, name in zip(matched, names, strict=True)
            ]
            costs = [budget.cost if cost is None else cost for budget in matched]
            for back, times in given_back:
                for ledger, units, cells in zip(ledgers, costs, back, strict=True):
                    ledger.unbook(cells, units * times)
            booking = _book(ledgers, names, costs, start, deadline, luck, wanted)
            if booking.size:
                for ledger, name in zip(ledgers, names, strict=True):
                    tx.put(SPACE, name, ledger.dump())
            return booking

        booking = await transact(self._store, work)
        moment = now if booking.moment <= start else datetime.fromtimestamp(booking.moment, UTC)
        if not booking.size:
            raise _used_up(booking.tightest, moment)
        self._rooms.update((name, (limit, room)) for name, limit, room in booking.rooms)
        if moment == now:
            end = datetime.fromtimestamp(booking.end, UTC)
            self._blocks[names, cost] = _Block(booking.size, booking.cells, now, end, offset)
        return moment, booking

    async def _lost_place(self, names: tuple[str, ...], end: float, now: float) -> bool:
        """Whether a request woke too late to use its place, or a budget was closed meanwhile."""
        if now > end:
            return True

        def work(tx: Tx) -> bool:
            return any(Ledger.closed_until(tx.get(SPACE, name)) > now for name in names)

        return await transact(self._store, work)

    def _matched(self, budgets: Sequence[Budget], method: str, path: str) -> tuple[Budget, ...]:
        if not budgets:
            return ()
        known = self._matches.get(id(budgets))
        if known is None or known[0] is not budgets or len(known[1]) > _CACHED:
            if len(self._matches) > _CACHED:
                self._matches.clear()
            known = self._matches[id(budgets)] = (budgets, {})
        found = known[1].get((method, path))
        if found is None:
            found = tuple(budget for budget in budgets if _matches(budget.match, method, path))
            known[1][method, path] = found
        return found

    def _is_news(self, keys: BudgetKeys, budget: Budget, reading: Reading) -> bool:
        limit, room = self._rooms.get(f"{keys.owner(budget)}|{budget.name}", (budget.limit, budget.limit))
        if reading.limit is not None and reading.limit != limit:
            return True
        return reading.remaining is not None and reading.remaining < room

    async def _write(
        self,
        keys: BudgetKeys,
        news: Sequence[tuple[Budget, Reading]],
        closing: dict[Budget, float | None],
        now: float,
        offset: float | None,
    ) -> None:
        def work(tx: Tx) -> None:
            for budget in dict.fromkeys([*(budget for budget, _ in news), *closing]):
                name = f"{keys.owner(budget)}|{budget.name}"
                ledger = ledger_of(budget, keys.owner(budget), tx.get(SPACE, name), now, offset)
                changed = [_correct(ledger, reading, now) for other, reading in news if other == budget]
                if budget in closing:
                    ledger.closed = max(ledger.closed, closing[budget] or ledger.resets(now))
                if budget in closing or any(changed):
                    tx.put(SPACE, name, ledger.dump())

        await transact(self._store, work)
        self._blocks.clear()


def _book(
    ledgers: Sequence[Ledger],
    names: Sequence[str],
    costs: Sequence[int],
    now: float,
    deadline: float,
    luck: float,
    wanted: int,
) -> _Booking:
    """Find the first moment that suits every ledger and spend there; size 0 when it is past the deadline."""
    moment, tightest = now, ledgers[0]
    settled = False
    while not settled:
        settled = True
        for ledger, cost in zip(ledgers, costs, strict=True):
            later = ledger.earliest(moment, cost, luck)
            if later > moment:
                moment, tightest, settled = later, ledger, False
    if moment > deadline:
        return _Booking(moment, 0, tightest)
    size = 1
    if moment == now and wanted > 1:
        rooms = [ledger.room(now) // (64 * max(1, cost)) for ledger, cost in zip(ledgers, costs, strict=True)]
        size = max(1, min(wanted, *rooms))
    cells = tuple([ledger.book(moment, cost * size) for ledger, cost in zip(ledgers, costs, strict=True)])
    left = tuple(
        (name, ledger.limit, ledger.room(moment)) for name, ledger in zip(names, ledgers, strict=True)
    )
    end = min([ledger.stays(moment) if moment == now else ledger.too_late(moment) for ledger in ledgers])
    return _Booking(moment, size, tightest, left, cells, end)


def _used_up(ledger: Ledger, moment: datetime) -> RateLimited:
    budget = ledger.budget
    span = f"in {budget.window:g} s" if budget.resets is None else f"a day of {budget.resets.zone}"
    return RateLimited(
        f"the limit {budget.name!r} ({ledger.limit} {span}, {budget.level}) is used up"
        f" until {to_second(moment)}; nothing was sent",
        retry_at=moment,
    )


@lru_cache(maxsize=1024)
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(".*" if path in ("", "*") else path)


def _matches(match: str, method: str, path: str) -> bool:
    wanted, _, pattern = match.partition(" ")
    return (wanted == "*" or method in wanted.split("|")) and _pattern(pattern).fullmatch(path) is not None


def _correct(ledger: Ledger, reading: Reading, now: float) -> bool:
    budget = ledger.budget
    changed = False
    if reading.limit and reading.limit != ledger.limit:
        reported = reading.name is not None or reading.window is not None or budget.header is not None
        if reported or reading.limit < ledger.limit:
            ledger.learn_limit(reading.limit)
            changed = True
    if reading.remaining is None:
        return changed
    told = reading.resets_at if budget.resets is None else None
    resets_at = min(told.timestamp(), now + _longest(budget)) if told else ledger.resets(now)
    return ledger.correct(reading.remaining, resets_at, now) or changed


def _pick(
    reading: Reading, budgets: Sequence[Budget], matched: Sequence[Budget], now: datetime
) -> Sequence[Budget]:
    """The budget a reading is about, as a list of one; none when it fits none."""
    if reading.name is not None:
        return [budget for budget in budgets if budget.name == reading.name][:1]
    fitting = list(matched)
    if reading.window is not None:
        fitting = [
            budget for budget in fitting if abs(budget.window - reading.window) <= 0.01 * budget.window
        ]
    fitting = [budget for budget in fitting if _covers(budget, reading.resets_at, now)]
    fitting.sort(key=lambda budget: (budget.limit != reading.limit, -_SPECIFIC[budget.level], budget.window))
    return fitting[:1]


def _closing(
    told: Sequence[tuple[Budget, Reading]],
    matched: Sequence[Budget],
    now: datetime,
    retry_at: datetime | None,
) -> dict[Budget, float | None]:
    """Which budgets a 429 closes, and until when: those reported empty, else the most specific one. None is the end of
    the budget's day."""
    empty = [(budget, reading.resets_at) for budget, reading in told if reading.remaining == 0]
    if not empty and matched:
        budget = _refusing(matched, retry_at, now)
        return {budget: _closed(budget, retry_at or (now + _REST if budget.resets else None), now)}
    closing: dict[Budget, float | None] = {}
    for budget, resets_at in empty:
        if budget.resets is not None and retry_at is None:
            closing[budget] = None
        else:
            moment = _closed(budget, retry_at or resets_at, now)
            closing[budget] = max(closing.get(budget) or 0.0, moment)
    return closing


def _refusing(matched: Sequence[Budget], retry_at: datetime | None, now: datetime) -> Budget:
    """The budget that a 429 without numbers is about: of the most specific ones the shortest that can last so long."""
    level = max(_SPECIFIC[budget.level] for budget in matched)
    specific = [budget for budget in matched if _SPECIFIC[budget.level] == level]
    specific.sort(key=lambda budget: budget.window)
    return next((budget for budget in specific if _covers(budget, retry_at, now)), specific[-1])


def _covers(budget: Budget, moment: datetime | None, now: datetime) -> bool:
    """Whether a budget that is spent can be free again at that moment, and not before."""
    return moment is None or seconds_between(now, moment) <= 1.05 * budget.window + 5


def _closed(budget: Budget, told: datetime | None, now: datetime) -> float:
    """Until when a budget is closed that is open again at a moment that was told, with some slack."""
    moment = told.timestamp() if told else now.timestamp() + budget.window
    moment = min(moment, now.timestamp() + _longest(budget))
    return moment + (1.0 if budget.window >= 60 else 0.02 * budget.window)


def _longest(budget: Budget) -> float:
    return max(_LONGEST.get(budget.level, 86_400.0), 2 * budget.window)
