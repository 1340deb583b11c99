"""What X counts: rate-limit windows by endpoint, and the price of every call on the pay-per-use plan.

Figures: the limits and prices X published by August 2026. A window of 15 minutes starts with the first call.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from .core import Allowance, Answer, Window
from .x_auth import Grants, XUser

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["PRICES", "WINDOWS", "Charge", "Meter"]

_QUARTER, _DAY = 900.0, 86_400.0
_UPLOAD = "POST /2/media/upload/[0-9]+"
# method and path, calls of app-only tokens per 15 min, of a user per 15 min, of the whole app per day
_LIMITS: tuple[tuple[str, int | None, int | None, int | None], ...] = (
    ("POST /2/tweets", None, 100, 10_000),
    ("DELETE /2/tweets/[0-9]+", None, 50, None),
    ("GET /2/tweets", 3500, 5000, None),
    ("GET /2/tweets/[0-9]+", 450, 900, None),
    ("GET /2/tweets/analytics", 300, 300, None),
    ("GET /2/users/[0-9]+/tweets", 10_000, 900, None),
    ("GET /2/users/[0-9]+/mentions", 450, 300, None),
    ("GET /2/users/me", None, 75, None),
    ("GET /2/users(/[0-9]+|/by|/by/username/[^/]+)?", 300, 900, None),
    ("GET /2/tweets/search/recent", 450, 300, None),
    ("POST /2/users/[0-9]+/retweets", None, 50, None),
    ("DELETE /2/users/[0-9]+/retweets/[0-9]+", None, 50, None),
    ("PUT /2/tweets/[0-9]+/hidden", None, 50, None),
    ("POST /2/media/upload", None, 500, 50_000),
    ("POST /2/media/upload/initialize", None, 1875, 180_000),
    (f"{_UPLOAD}/append", None, 1875, 180_000),
    (f"{_UPLOAD}/finalize", None, 1875, 180_000),
    ("GET /2/media/upload", None, 1000, 100_000),
    ("POST /2/media/metadata", None, 500, 50_000),
    ("* /2/media/subtitles", None, 100, 10_000),
    ("GET /2/usage/tweets", 50, None, None),
)

PRICES = {
    "post": Decimal("0.015"),
    "post with a link": Decimal("0.200"),
    "summoned reply": Decimal("0.010"),
    "interaction": Decimal("0.015"),
    "interaction delete": Decimal("0.010"),
    "content manage": Decimal("0.005"),
    "media metadata": Decimal("0.005"),
    "post read": Decimal("0.005"),
    "user read": Decimal("0.010"),
    "owned read": Decimal("0.001"),
}


_CAPPED = ("post read", "owned read")


def _windows() -> Iterable[Window]:
    for match, app, user, day in _LIMITS:
        if user is not None:
            yield Window(f"{match} user", user, _QUARTER, match, "user", aligned=False, rank=1)
        if app is not None:
            yield Window(f"{match} app", app, _QUARTER, match, "app", aligned=False, rank=1)
        if day is not None:
            yield Window(f"{match} day", day, _DAY, match, "whole app", aligned=False)


WINDOWS = tuple(_windows())


@attrs.frozen
class Charge:
    """One line of the bill, in USD; ``what`` is a key of :data:`PRICES`, ``about`` the resource's id."""

    what: str
    about: str
    usd: Decimal
    at: datetime


class Meter(Grants):
    """The part of the box that spends windows and money.

    ``access`` is "self-serve" (pay per use, with its rules for replies, quotes and cashtags) or "enterprise".
    ``credits`` is the balance in USD, ``charges`` what was taken from it. ``owner`` names the account that
    owns the developer app: its own reads cost less. ``read_cap`` is how many posts it may read in a month.
    """

    read_cap = 3_000_000

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.windows = WINDOWS
        self.access = "self-serve"
        self.credits = Decimal(10_000)
        self.charges: list[Charge] = []
        self.owner = "brand"
        self._read_since: tuple[date, int] = (self.now().date(), 0)
        self._read_today: tuple[date, set[tuple[str, str]]] = (self.now().date(), set())

    # windows -------------------------------------------------------------------------------------

    def limit_key(self, window: Window, request: Request) -> str | None:
        grant = self.peek(request)
        if grant is None:
            return None
        if window.per == "whole app":
            return "app"
        if window.per == "app":
            return "app" if grant.kind == "app" else None
        return grant.username or None

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        daily = allowance.window.seconds == _DAY
        name = "x-app-limit-24hour" if daily else "x-rate-limit"
        return {
            f"{name}-limit": str(allowance.window.limit),
            f"{name}-remaining": str(allowance.remaining),
            f"{name}-reset": str(math.ceil(allowance.reset.timestamp())),
        }

    def too_many(self, allowance: Allowance) -> Response:
        return self.problem(429)

    # money ---------------------------------------------------------------------------------------

    def spent(self, what: str | None = None) -> Decimal:
        """USD charged so far, for one kind of call or for all."""
        return sum((one.usd for one in self.charges if what in (None, one.what)), Decimal(0))

    def need_credits(self, what: str = "post read") -> None:
        """402 when the balance does not cover one unit of ``what``."""
        if self.access == "self-serve" and self.credits < PRICES[what]:
            detail = f"Your enrolled account [{self.people[self.owner].id}] does not have any credits"
            title = "CreditsDepleted"
            raise Answer(self.problem(402, f"{detail} to fulfill this request.", "credits", title))
        if what in _CAPPED and self.access == "self-serve" and self.read_this_month() >= self.read_cap:
            words, about = (
                "Usage cap exceeded: Monthly product cap",
                {"period": "Monthly", "scope": "Product"},
            )
            account = self.people[self.owner].id
            raise Answer(
                self.problem(429, words, "usage-capped", "UsageCapExceeded", account_id=account, **about)
            )

    def read_this_month(self) -> int:
        """How many posts the app has read since the month began."""
        month = self.now().replace(day=1).date()
        return self._read_since[1] if self._read_since[0] == month else 0

    def charge(self, what: str, about: str = "") -> None:
        """Take the price of a write from the balance."""
        if self.access == "self-serve":
            self.charges.append(Charge(what, about, PRICES[what], self.now()))
            if what in _CAPPED:
                self._read_since = (self.now().replace(day=1).date(), self.read_this_month() + 1)
            self.credits -= PRICES[what]

    def charge_reads(self, what: str, ids: Iterable[str], *, price: str | None = None) -> None:
        """Take the price of what was returned; the same resource once per UTC day."""
        today = self.now().date()
        if self._read_today[0] != today:
            self._read_today = (today, set())
        for one in ids:
            if (what, one) not in self._read_today[1]:
                self._read_today[1].add((what, one))
                self.charge(price or what, one)

    def owned(self, viewer: XUser | None, user_id: str) -> str | None:
        """The price word for reading what belongs to that user: cheap for the app's owner."""
        mine = viewer is not None and viewer.id == user_id and viewer.username == self.owner
        return "owned read" if mine else None
