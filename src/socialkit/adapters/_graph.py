"""What Meta's Graph APIs have in common: their error envelope, how much of the allowance is used, batches, moments.

Sources: developers.facebook.com/docs/graph-api (error handling, rate limiting, batch requests), 2026-07; Threads' API
answers in the same forms (2026-04).
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .. import errors
from ..flows._whoami import found
from ..rules import ErrorRow
from . import base
from ._errors import from_table
from .base import Call, CannotTell, Draft, Finding, Found, PartMedia, Reading, Response, Sent

BATCH = 50
"""Requests in one batch."""
FULL = 95
"""Per cent of an allowance from which on nothing more is asked for: going on while throttled prolongs the block."""
_REST = timedelta(minutes=5)
_LONG = 150.0
_AGAIN = "sign in again"

COMMON = (
    ErrorRow(0, "ReauthNeeded", code="190", hint=_AGAIN),
    ErrorRow(0, "ReauthNeeded", code="102", hint=_AGAIN),
    ErrorRow(
        0, "ReauthNeeded", code="104", hint="the app demands appsecret_proof; look at its client secret"
    ),
    *(ErrorRow(0, "RateLimited", code=code) for code in ("4", "17", "32", "341", "613")),
    *(ErrorRow(0, "RateLimited", code=str(80_000 + kind)) for kind in (0, 1, 2, 3, 4, 5, 6, 8, 9, 14)),
    ErrorRow(0, "MissingScope", code="3", hint="the app lacks this capability"),
    ErrorRow(0, "MissingScope", code="10", hint="sign in again and leave every permission ticked"),
    ErrorRow(0, "MissingScope", code="2xx", hint="sign in again and leave every permission ticked"),
    ErrorRow(0, "Unavailable", code="1", definite=False),
    ErrorRow(0, "Unavailable", code="2", definite=False),
    ErrorRow(0, "Unavailable", code="transient", definite=False),
)
"""Rows that hold on every Graph API; a platform's own come before them. "2xx" is every code from 200 to 299, all of
them permissions, and "transient" every other error that is said to pass."""


class GraphAdapter(base.Adapter):
    """One account on one of Meta's platforms. Codes are written "code/subcode" where there is a subcode."""

    budget: ClassVar[str] = "calls"
    app_budget: ClassVar[str] = "app-calls"
    """The budgets of the rules that the usage headers speak of: the account's, and that of the app, which all accounts
    share that use it. Rules without the latter give all headers to the account."""

    def read_error(self, response: Response) -> tuple[str | None, str]:
        body = response.json_or_none()
        told = found(body, "error")
        if not isinstance(told, dict):
            words = found(body, "error_message|error_description|message")
            return found(body, "code") and str(found(body, "code")), str(words or "")
        code, subcode = told.get("code"), told.get("error_subcode")
        said = str(told.get("error_user_msg") or told.get("message") or "")
        return f"{code}/{subcode}" if subcode else str(code), said

    def says_no(self, response: Response) -> bool:
        """Errors come with status 200, too."""
        return isinstance(found(response.json_or_none(), "error"), dict)

    def parse_error(self, response: Response) -> errors.SocialKitError:
        """By code and subcode, else by the subcode ("*/1366046" in the rows), else by the code, else by status.

        A refusal by code 100, or by one no row knows, that is said to pass by itself is none. With a status of 5xx no
        refusal is certain.
        """
        code, said = self.read_error(response)
        known = {row.code for row in self.rules.errors}
        bare, _, subcode = (code or "").partition("/")
        keys = [code, f"*/{subcode}", bare, "2xx" if bare.isdigit() and 200 <= int(bare) < 300 else bare]
        fitting = next((key for key in keys if key in known), code)
        error = from_table(self.rules.errors, response, fitting, said)
        transient = found(response.json_or_none(), "error.is_transient") is True
        if transient and type(error) is errors.Declined and (fitting == "100" or fitting not in known):
            error = from_table(self.rules.errors, response, "transient", said)
        if response.status >= 500 and isinstance(error, errors.Declined):
            error.__dict__["definite"] = False
        if isinstance(error, errors.PlatformError | errors.AuthError):
            error.__dict__["code"] = code
        return error

    def read_limits(self, response: Response) -> tuple[Reading, ...]:
        """Nothing while there is room: the headers tell per cent, not requests, and minutes where there is none."""
        shared = any(budget.name == self.app_budget for budget in self.rules.budgets)
        told = {self.app_budget: _APP, self.budget: _OWN} if shared else {self.budget: _APP + _OWN}
        readings = [self._reading(name, headers, response) for name, headers in told.items()]
        return tuple(reading for reading in readings if reading is not None)

    def _reading(self, budget: str, names: Sequence[str], response: Response) -> Reading | None:
        used, minutes = usage(response.headers, names)
        if used < FULL and not minutes:
            return None
        rest = timedelta(minutes=minutes) if minutes else _REST
        return Reading(budget, None, 0, response.received_at and response.received_at + rest)


_APP, _OWN = ("x-app-usage",), ("x-page-usage", "x-business-use-case-usage")


def usage(headers: Mapping[str, str], names: Sequence[str] = _APP + _OWN) -> tuple[float, float]:
    """(the most that is used of any allowance in per cent, minutes until one that is used up frees again).

    >>> usage({"x-app-usage": '{"call_count": 28, "total_time": 25, "total_cputime": 96}'})
    (96.0, 0.0)
    """
    used, minutes = 0.0, 0.0
    for name in names:
        for row in _rows(headers.get(name)):
            numbers = {key: value for key, value in row.items() if isinstance(value, int | float)}
            used = max(used, *(float(value) for key, value in numbers.items() if key in _SHARES), 0.0)
            minutes = max(minutes, float(numbers.get("estimated_time_to_regain_access", 0)))
    return used, minutes


_SHARES = frozenset({"call_count", "total_time", "total_cputime", "total_cpu_time"})


def _rows(text: str | None) -> Iterable[dict[str, Any]]:
    """Every object of numbers in a usage header."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return
    queue = [told]
    while queue:
        here = queue.pop()
        if isinstance(here, dict):
            yield here
            queue += here.values()
        elif isinstance(here, list):
            queue += here


async def batch(paths: Sequence[str], call: Call, url: str = "/") -> list[Response | None]:
    """The answers to several reads below the version in one request, at most 50; None for one that was not answered."""
    given = json.dumps([{"method": "GET", "relative_url": path.lstrip("/")} for path in paths])
    form = [("batch", given), ("include_headers", "false")]
    told = (await call.read("POST", url, form=form, cost=len(paths))).json()
    rows = told if isinstance(told, list) else []
    return [_inner(row) for row in rows[: len(paths)]] + [None] * (len(paths) - len(rows))


def _inner(row: Any) -> Response | None:
    if not isinstance(row, dict) or not isinstance(row.get("code"), int):
        return None
    return Response(row["code"], {"content-type": "application/json"}, str(row.get("body") or "").encode())


def unsigned(words: str) -> str:
    """Words without the queries of the addresses in them: those of a media host are secrets.

    >>> unsigned("Not to be had: https://files.example.com/a.jpg?signature=abc (try again)")
    'Not to be had: https://files.example.com/a.jpg (try again)'
    """
    return re.sub(r"(https?://[^\s?]+)\?[^\s)\"']+", r"\1", words)


def check_address(draft: Draft, field: str, item: PartMedia, platform: str) -> None:
    """Problems of an address that Meta's crawler does not fetch."""
    url = item.source.removeprefix("url:")
    if url != item.source and not (url.startswith("https://") and url.isascii()):
        words, hint = (
            f"{platform} fetches https addresses in plain ASCII only",
            "percent-encode what is not ASCII",
        )
        draft.problem(field, "address", words, hint=hint)


def check_upload_address(url: str | None, server: str) -> None:
    """Declined for an address of another company: the token goes along with the bytes."""
    parts, own = urlsplit(url or ""), urlsplit(server)
    host = parts.hostname or ""
    meta = parts.scheme == "https" and (host == "facebook.com" or host.endswith(".facebook.com"))
    if not meta and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
        raise errors.Declined(f"the video is wanted at another company's address: {host!r}")


def check_bit_rate(draft: Draft, field: str, item: PartMedia, most: int) -> None:
    """A warning for a video that has more bits a second, on average, than the platform says it takes."""
    rate = round(item.size * 8 / item.seconds) if item.seconds else 0
    if rate > most:
        words = f"{rate / 1e6:.3g} Mbit/s on average; at most {most / 1e6:g} are documented"
        draft.problem(
            field, "bit_rate", words, limit=most, actual=rate, hint="encode it anew", severity="warning"
        )


@attrs.frozen
class Alike:
    """The listed posts that can be the one a container became; ``untold``: why there is no list."""

    posts: tuple[Sent, ...] = ()
    untold: str = ""

    def __str__(self) -> str:
        if self.untold:
            return f"its list of posts is not to be read ({self.untold})"
        if not self.posts:
            return "lists no such post: it is listed late, or deleted already"
        count = len(self.posts)
        return f"lists {count} {'posts that look' if count > 1 else 'that looks'} exactly like it"


LASTING = (errors.Declined, errors.AuthError)
"""Why a list is not to be read later, either."""


async def listing(
    posts: Awaitable[Sequence[Sent]],
    but: tuple[type[Exception], ...] = (errors.PlatformError, errors.AuthError),
) -> Alike:
    """What a list shows of a post that is certainly live: that it cannot be read (``but``) makes it no less so."""
    try:
        return Alike(tuple(await posts))
    except but as error:
        return Alike(untold=str(error).partition("\n")[0])


def published(alike: Alike, until: datetime, now: datetime, platform: str) -> Finding:
    """Which post a container became that says it is published.

    The status proves that the post was made, and never tells its id. None or several like it may still become one
    (lists lag, other posts of ours are told apart) as long as it can have been made: ``until``. Then it is live
    without a known id.
    """
    if len(alike.posts) == 1:
        return Found(alike.posts[0])
    if now >= until:
        return Found(nameless(alike, platform))
    left = max(1.0, (until - now).total_seconds())
    soon = (
        30.0 if left > _LONG else 60.0
    )  # lists lag some seconds; what is not there then is not likely to come
    words = f"{platform} has published it, and {alike}"
    return CannotTell(words, look_again_in=left if alike.posts else min(soon, left))


def nameless(alike: Alike, platform: str) -> Sent:
    """A post that was made, without an id: why, and what a person can do."""
    shown = ", ".join(one.url for one in alike.posts if one.url)
    where = f" ({shown})" if shown else ""
    words = f"{platform} says that it was published, and {alike}{where}"
    return Sent(None, missing=(f"id, url: {words}; settle(key, found=<its permalink>, by=<name>) names it",))


def moment(text: Any) -> datetime | None:
    """A Graph timestamp (``2024-09-12T23:17:39+0000``, or seconds since 1970) as aware UTC.

    >>> moment("2024-09-12T23:17:39+0000").isoformat()
    '2024-09-12T23:17:39+00:00'
    """
    if isinstance(text, int):
        return datetime.fromtimestamp(text, UTC)
    return base.parse_reset(text, None) if isinstance(text, str) else None
