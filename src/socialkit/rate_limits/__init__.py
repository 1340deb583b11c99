"""Who may send when: the platforms' budgets, kept by all processes on one store.

A budget belongs to the developer app, to the account, or to one endpoint of the account. A request books
its place in all budgets that match it, in one transaction, and waits until its own moment. What the
server's answers say corrects the books: the least remaining of a window wins, and a 429 closes the budget.
"""

from __future__ import annotations

import operator
import random as randomlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import attrs

from .._clock import Clock, seconds_between, to_text
from .._process import pid
from ..adapters.base import Reading
from ..errors import RateLimited
from ..rules import Budget, Level
from ..store import Store, Tx, transact
from ._ledger import BUCKETS, Ledger

__all__ = ["BudgetKeys", "LimitState", "RateLimits"]

SPACE = "limit"
_SPECIFIC: dict[Level, int] = {"app": 0, "account": 1, "endpoint": 2}
_CACHED = 2048


@attrs.frozen
class BudgetKeys:
    """Whose budgets a request spends: the developer app's and the account's.

    >>> BudgetKeys(app="x|https://api.example.com|client-1", account="x|https://api.example.com|7").account
    'x|https://api.example.com|7'
    """

    app: str
    account: str

    def owner(self, budget: Budget) -> str:
        """Who owns that budget."""
        return self.app if budget.level == "app" else self.account


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


class _Block:
    """Places booked together, handed out one by one while their bucket lasts."""

    __slots__ = ("end", "moment", "places", "size", "start")

    def __init__(self, size: int, moment: float, start: datetime, end: datetime) -> None:
        self.size = size
        self.moment = moment
        self.start = start
        self.end = end
        self.places: Iterator[int] = iter(range(size - 1))


@attrs.frozen
class _Booking:
    """What a transaction decided: when, how many places, and which budget made it wait."""

    moment: float
    size: int
    tightest: Ledger
    rooms: tuple[tuple[str, int, int], ...]
    end: float


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
    ) -> datetime:
        """The moment this request may go; it has come when this returns.

        Waits on the clock, after telling ``on_wait`` until when. A wait longer than ``max_wait`` is
        :class:`RateLimited` at once and books nothing. ``cost`` replaces the budgets' own.
        """
        matched = self._matched(budgets, method, path)
        now = self._clock.now()
        if not matched:
            return now
        if self._pid != pid():  # the places of a block are its parent's
            self._pid, self._blocks = pid(), {}
        names = tuple([f"{keys.owner(budget)}|{budget.name}" for budget in matched])
        block = self._blocks.get((names, cost))
        if block is not None and block.start <= now < block.end and next(block.places, None) is not None:
            return now
        deadline = now.timestamp() + self._max_wait
        missed: datetime | None = None
        while True:
            moment = await self._place(keys, matched, names, cost, now, deadline, missed)
            if moment <= now:
                return now
            if on_wait is not None:
                on_wait(moment)
            await self._clock.sleep(seconds_between(self._clock.now(), moment))
            now, missed = self._clock.now(), moment
            if not await self._lost_place(matched, names, moment, now):
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
    ) -> None:
        """Correct the books by an answer; one that tells nothing new does not touch the store."""
        if not readings and status != 429:
            return
        now = self._clock.now()
        matched = self._matched(budgets, method, path)
        told = [(budget, reading) for reading in readings for budget in _pick(reading, budgets, matched, now)]
        news = [(budget, reading) for budget, reading in told if self._is_news(keys, budget, reading)]
        closing = _closing(told, matched, now, retry_at) if status == 429 else {}
        if news or closing:
            await self._write(keys, news, closing, now.timestamp())

    async def snapshot(self) -> list[LimitState]:
        """Every limit that was ever spent or reported on this store, sorted by owner and name."""
        now = self._clock.now().timestamp()
        cells = await transact(self._store, lambda tx: tx.items(SPACE))
        states = []
        for _, data in cells:
            ledger = Ledger.load(data, now)
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
        missed: datetime | None,
    ) -> datetime:
        """Book a place (a block of them, when they go fast), giving back a missed one; the moment of it."""
        old = self._blocks.pop((names, cost), None)
        unused = operator.length_hint(old.places) if old is not None else 0
        hurried = old is not None and not unused and now < old.end
        wanted = min(64, old.size * 2) if old is not None and hurried else 1
        start = now.timestamp()
        luck = self._random.random()

        def work(tx: Tx) -> _Booking:
            ledgers = [
                Ledger(budget, keys.owner(budget), tx.get(SPACE, name), start)
                for budget, name in zip(matched, names, strict=True)
            ]
            costs = [budget.cost if cost is None else cost for budget in matched]
            for ledger, units in zip(ledgers, costs, strict=True):
                if old is not None and unused:
                    ledger.book(old.moment, -units * unused)
                if missed is not None:
                    ledger.book(missed.timestamp(), -units)
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
            self._blocks[names, cost] = _Block(booking.size, booking.moment, now, end)
        return moment

    async def _lost_place(
        self, matched: Sequence[Budget], names: tuple[str, ...], moment: datetime, now: datetime
    ) -> bool:
        """Whether a request woke too late to use its place, or a budget was closed meanwhile."""
        if seconds_between(moment, now) > min(budget.window for budget in matched) / BUCKETS:
            return True

        def work(tx: Tx) -> bool:
            return any(Ledger.closed_until(tx.get(SPACE, name)) > now.timestamp() for name in names)

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
        closing: dict[Budget, float],
        now: float,
    ) -> None:
        def work(tx: Tx) -> None:
            for budget in dict.fromkeys([*(budget for budget, _ in news), *closing]):
                name = f"{keys.owner(budget)}|{budget.name}"
                ledger = Ledger(budget, keys.owner(budget), tx.get(SPACE, name), now)
                changed = [_correct(ledger, reading, now) for other, reading in news if other == budget]
                if budget in closing:
                    ledger.closed = max(ledger.closed, closing[budget])
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
        return _Booking(moment, 0, tightest, (), moment)
    size = 1
    if moment == now and wanted > 1:
        rooms = [ledger.room(now) // (64 * max(1, cost)) for ledger, cost in zip(ledgers, costs, strict=True)]
        size = max(1, min(wanted, *rooms))
    for ledger, cost in zip(ledgers, costs, strict=True):
        ledger.book(moment, cost * size)
    left = tuple(
        (name, ledger.limit, ledger.room(moment)) for name, ledger in zip(names, ledgers, strict=True)
    )
    end = min((moment // ledger.width + 1) * ledger.width for ledger in ledgers)
    return _Booking(moment, size, tightest, left, end)


def _used_up(ledger: Ledger, moment: datetime) -> RateLimited:
    budget = ledger.budget
    return RateLimited(
        f"the limit {budget.name!r} ({ledger.limit} in {budget.window:g} s, {budget.level}) is used up"
        f" until {to_text(moment)}; nothing was sent",
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
            ledger.limit, changed = reading.limit, True
    if reading.remaining is None:
        return changed
    resets_at = reading.resets_at.timestamp() if reading.resets_at else now + budget.window
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
    if reading.resets_at is not None:
        ahead = seconds_between(now, reading.resets_at)
        fitting = [budget for budget in fitting if ahead <= 1.05 * budget.window + 5]
    fitting.sort(key=lambda budget: (budget.limit != reading.limit, -_SPECIFIC[budget.level], budget.window))
    return fitting[:1]


def _closing(
    told: Sequence[tuple[Budget, Reading]],
    matched: Sequence[Budget],
    now: datetime,
    retry_at: datetime | None,
) -> dict[Budget, float]:
    """Which budgets a 429 closes, and until when: those reported empty, else the most specific ones."""
    empty = [(budget, reading.resets_at) for budget, reading in told if reading.remaining == 0]
    if not empty and matched:
        level = max(_SPECIFIC[budget.level] for budget in matched)
        specific = [budget for budget in matched if _SPECIFIC[budget.level] == level]
        empty = [(min(specific, key=lambda budget: budget.window), None)]
    closing: dict[Budget, float] = {}
    for budget, resets_at in empty:
        moment = retry_at or resets_at or now + timedelta(seconds=budget.window)
        slack = 1.0 if budget.window >= 60 else 0.02 * budget.window
        closing[budget] = max(closing.get(budget, 0.0), moment.timestamp() + slack)
    return closing
