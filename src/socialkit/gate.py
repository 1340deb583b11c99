"""The power to say no: gates that judge a plan, and halts that stop everything."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from .errors import Halted

if TYPE_CHECKING:
    from .model import Identity, Receipt
    from .plan import TargetPlan
    from .store import Tx

Decision = Literal["allow", "hold", "deny"]


def _aware(_: object, __: object, value: datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ValueError(f"expires_at={value} has no time zone; give an aware datetime, UTC for example")


@attrs.frozen
class Verdict:
    """What a gate decided for one account: allow, hold (a person must decide) or deny.

    ``expires_at``: the allowance ends there; it is checked again just before the post leaves.

    >>> Verdict("deny", "no posts on a public holiday").allowed
    False
    """

    decision: Decision = attrs.field(validator=attrs.validators.in_(("allow", "hold", "deny")))
    reason: str = ""
    by: str | None = None
    expires_at: datetime | None = attrs.field(default=None, validator=_aware)

    @property
    def allowed(self) -> bool:
        return self.decision == "allow"


ALLOW = Verdict("allow")


@attrs.frozen
class GateContext:
    """What a gate knows beside the plan: the account, who it really is, the idempotency key, the time (aware UTC)."""

    account: str
    platform: str
    identity: Identity | None
    key: str
    at: datetime
    action: Literal["publish", "edit"] = "publish"


class Gate(Protocol):
    """The protocol through which policy and approvals plug in. May be plain or async; asked once per account.

    >>> class OfficeHours:
    ...     def judge(self, plan, context):
    ...         return Verdict("allow") if 8 <= context.at.hour < 18 else Verdict("hold", "after hours", by="policy")
    """

    def judge(self, plan: TargetPlan, context: GateContext) -> Verdict | Awaitable[Verdict]:
        """The verdict on what would be sent to one account. An exception counts as deny."""
        ...


@attrs.frozen
class InFlight:
    """One post a halt could not catch: it had left, or may have. ``cancel`` says how it can be taken back."""

    account: str
    platform: str
    key: str
    part: int
    since: datetime
    text: str = ""
    cancel: str = "settle it, then delete it"


@attrs.frozen(eq=True, hash=False)
class Halt:
    """A stop, and what it could not catch.

    Attributes:
        scope: "all", "platform:x", "account:sky" or "key:launch-1".
        in_flight: posts whose bytes may have left before the stop; they may still appear.
        handed_over: posts the platform will publish by itself (scheduled, processing, finished by a person).

    >>> Halt("h1", "all", "wrong price", "duty officer", datetime.fromisoformat("2026-01-01T00:00+00:00")).complete
    True
    """

    id: str
    scope: str
    reason: str
    by: str
    at: datetime
    tokens: tuple[str, ...] = attrs.field(default=(), repr=False)
    in_flight: tuple[InFlight, ...] = ()
    handed_over: tuple[Receipt, ...] = ()

    @property
    def complete(self) -> bool:
        """True when nothing can appear any more."""
        return not self.in_flight and not self.handed_over

    def covers(self, tokens: Iterable[str]) -> bool:
        return not set(self.tokens).isdisjoint(tokens)


def tokens_of(
    platform: str, account: str, identity: Identity | None, login: str, key: str
) -> tuple[str, ...]:
    """Everything a halt can be aimed at that would stop this account's post."""
    found = ["all", f"platform:{platform}", f"account:{account}", f"login:{login}", f"key:{key}"]
    return (*found, f"identity:{identity.key}") if identity else tuple(found)


def halt_from(data: dict[str, Any]) -> Halt:
    """A halt from its stored cell."""
    from ._clock import from_text

    at = from_text(data["at"])
    return Halt(data["id"], data["scope"], data["reason"], data["by"], at, tuple(data["tokens"]))


def halts_in(tx: Tx) -> list[Halt]:
    """The halts in force."""
    return [halt_from(data) for _, data in tx.items("halt")]


def find_halt(tx: Tx, tokens: Iterable[str], account: str) -> Halted | None:
    """The error of the first halt that covers any of the tokens."""
    if not (halts := halts_in(tx)):
        return None
    wanted = set(tokens)
    for halt in halts:
        if halt.covers(wanted):
            return Halted(
                f"{account}: stopped by {halt.by} ({halt.scope}): {halt.reason}; nothing was sent. "
                f"client.resume({halt.scope!r}, …) lifts it",
                account=account,
                halt=halt,
            )
    return None


def check_halts(tx: Tx, tokens: Iterable[str], account: str) -> None:
    """Raise what :func:`find_halt` finds."""
    if halted := find_halt(tx, tokens, account):
        raise halted
