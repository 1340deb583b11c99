"""What the client does around its verbs: each target's failures stay its own, outcomes are logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Generator
from datetime import datetime
from functools import partial
from typing import Any, cast

import attrs

from .accounts import Account, unexpected
from .errors import ConfigError, SocialKitError
from .model import Problem, Report
from .plan import TargetPlan
from .transport import redact

_log = logging.getLogger("socialkit")

PLAN_DEADLINE = 60.0
"""Seconds the reads of one target's plan may take."""


async def its_own(account: Account, making: Awaitable[TargetPlan]) -> TargetPlan:
    """One target's plan; what its reads raise, and how long they take, stays its own."""
    name = account.name
    try:
        return await _Timed(making)
    except SocialKitError as told:
        error = told
    except TimeoutError:
        error = SocialKitError(f"planning took longer than {PLAN_DEADLINE:g} s; nothing was sent")
    except Exception as surprise:
        error = unexpected(account, surprise)
    error.account = error.account or name
    return TargetPlan(name, account.adapter.platform, error=error)


class _Timed:
    """An awaitable with a deadline from when it first has to wait: most plans read nothing, and need no timer."""

    def __init__(self, making: Awaitable[TargetPlan]) -> None:
        self._steps = making.__await__()
        self._waits_for: Any = None

    def __await__(self) -> Generator[Any, Any, TargetPlan]:
        try:
            self._waits_for = next(self._steps)
        except StopIteration as done:
            return cast(TargetPlan, done.value)
        return (yield from self._rest().__await__())

    async def _rest(self) -> TargetPlan:
        async with asyncio.timeout(PLAN_DEADLINE):
            return await _Resumed(self._steps, self._waits_for)


class _Resumed:
    """What is left of an awaitable that waits for something already."""

    def __init__(self, steps: Generator[Any, Any, TargetPlan], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, TargetPlan]:
        waits_for = self._waits_for
        while True:
            try:
                heard = yield waits_for
            except BaseException as error:
                step = partial(self._steps.throw, error)
            else:
                step = partial(self._steps.send, heard)
            try:
                waits_for = step()
            except StopIteration as done:
                return cast(TargetPlan, done.value)


async def still_valid(target: TargetPlan, account: Account) -> TargetPlan:
    """The plan as it is, if the account is still the one and the limits are still those it was made for."""
    if target.error is not None or target.errors:
        return target
    facts = await account.ready()
    if facts.identity == target.identity and account.rules_digest == target.limits:
        return target
    words = "the account or its limits changed since the plan was made"
    stale = Problem(account.name, "plan", "stale", words, hint="plan the post again")
    return attrs.evolve(target, problems=(*target.problems, stale))


def check_aware(**moments: datetime | None) -> None:
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise ConfigError(f"{name}={moment} has no time zone; give an aware datetime, UTC for example")


def log_outcomes(report: Report, accounts: list[Account]) -> None:
    """One line per account for whoever runs the service."""
    if not _log.isEnabledFor(logging.INFO):
        return
    for account, outcome in zip(accounts, report.outcomes, strict=True):
        told = outcome.url or (outcome.error.message if outcome.error else "")
        status = f"{outcome.status}, by an earlier call" if outcome.replayed else outcome.status.value
        _log.info("%s: %s %s %s", report.key, account.name, status, redact(told, account.secrets()))


async def telling(sending: Any) -> Report:
    """A cancelled publish answers with its report, which the KeyboardInterrupt then carries."""
    try:
        report: Report = await sending
    except asyncio.CancelledError as cancelled:
        told: Report | None = cancelled.__dict__.get("report")
        if told is None:
            raise
        return told
    return report
