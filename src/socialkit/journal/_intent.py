"""An intent: one post for one account under one idempotency key, folded from its rows and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

from .._clock import from_text
from .._convert import plain, structure
from ..adapters.base import Part, Sent
from ..errors import Declined
from ..model import Identity, Receipt, Status
from ..store import Row


def intent_id(identity: Identity, key: str) -> str:
    """The intent's name: (platform, server, native account id, key) and nothing else."""
    return hashlib.sha256(f"{identity.key}\0{key}".encode()).hexdigest()[:24]


@attrs.define
class Attempt:
    """One commit that may have left: number, when (our clock and the server's), through which fence."""

    number: int
    at: datetime
    server_at: datetime
    mark: Any = None
    fence: str | None = None
    open: bool = True


@attrs.define
class PartState:
    """What is known of one part."""

    sent: Sent | None = None
    attempts: list[Attempt] = attrs.field(factory=list)
    prepared: dict[str, tuple[Any, datetime | None]] = attrs.field(factory=dict)
    looks: int = 0
    looked_at: datetime | None = None
    owes: bool = False
    attaching: bool = False
    too_old: bool = False
    missing: tuple[str, ...] = ()
    deleted_at: datetime | None = None
    over: int = 0
    """How many of the attempts are history: what they made was dropped, or a person said that it is not live."""

    @property
    def lost(self) -> list[Attempt]:
        """Attempts that may have made something nobody has seen yet."""
        return [] if self.sent else [attempt for attempt in self.attempts if attempt.open]

    @property
    def began_at(self) -> datetime | None:
        return next((attempt.at for attempt in self.attempts[self.over :]), None)


@attrs.define
class Intent:
    """One post for one account, folded from its rows."""

    id: str
    key: str
    account: str
    platform: str
    identity: Identity
    content: str
    parts: tuple[Part, ...]
    tokens: tuple[str, ...]
    created_at: datetime
    states: list[PartState] = attrs.field(factory=list)
    outcome: dict[str, Any] | None = None
    last_error: dict[str, Any] | None = None
    released: bool = False
    resumed: bool = False

    @property
    def next_index(self) -> int:
        """The first part that is not known to be live; len(parts) when all are."""
        return next((i for i, state in enumerate(self.states) if state.sent is None), len(self.parts))

    @property
    def lost(self) -> bool:
        return any(state.lost for state in self.states)

    @property
    def done(self) -> bool:
        """The platform has taken all of it: publishing again answers with the record."""
        return not self.lost and self.next_index == len(self.parts)

    @property
    def owes(self) -> bool:
        """Something that follows a commit is still to be done."""
        return any(state.owes for state in self.states)

    @property
    def missing(self) -> tuple[str, ...]:
        """What of what followed the commits is missing for good."""
        return tuple(words for state in self.states for words in state.missing)

    @property
    def anything_live(self) -> bool:
        return any(state.sent for state in self.states)

    @property
    def deleted_at(self) -> datetime | None:
        """When the last part that was live was deleted through this library; None while any is live."""
        times = [state.deleted_at for state in self.states if state.sent]
        return max((time for time in times if time), default=None) if all(times) else None

    @property
    def began(self) -> bool:
        return any(state.attempts for state in self.states)

    @property
    def status(self) -> Status | None:
        """The status the rows prove; None while nothing was ever tried."""
        if self.lost:
            return Status.UNKNOWN
        if self.next_index == len(self.parts):
            return worst([state.sent.status for state in self.states if state.sent])
        if self.anything_live:
            return Status.PARTIAL
        if self.began or self.outcome is None:
            return Status.FAILED if self.began else None
        return Status(self.outcome["status"])

    def receipt(self) -> Receipt | None:
        """What is live of it, the first part with the others under ``parts``."""
        made = [
            self._receipt(part, state.sent)
            for part, state in zip(self.parts, self.states, strict=True)
            if state.sent
        ]
        if len(made) > 1:
            return attrs.evolve(made[0], parts=tuple(made[1:]))
        return made[0] if made else None

    def _receipt(self, part: Part, sent: Sent) -> Receipt:
        return Receipt(
            self.identity, sent.id, sent.url, sent.published_at, part.text or None, part.kind, raw=sent.raw
        )


_ORDER = (Status.PROCESSING, Status.HANDED_OVER, Status.SCHEDULED, Status.PUBLISHED)


def worst(statuses: Iterable[Status]) -> Status:
    """Of several good statuses the one that is least done."""
    found = set(statuses)
    return next(status for status in _ORDER if status in found)


def fold(rows: Sequence[Row]) -> Intent | None:
    """The intent its rows describe, or None without an intent row. A later intent row starts afresh."""
    intent: Intent | None = None
    for row in rows:
        if row.kind == "intent":
            intent = _begin(row, intent)
        elif intent is not None:
            apply(intent, row)
    return intent


def refuse_too_old(state: PartState, account: str, key: str) -> None:
    """Raise Declined for a part whose lost attempts were proved absent too late to make it again."""
    if state.too_old and state.sent is None:
        raise Declined(
            "an attempt more than 10 minutes before it was looked for is not found; it may have been live and "
            "deleted, so it is not made again",
            account=account,
            next_step=f"client.settle({key!r}, not_live=True, by=…) if it shall appear; then publish again",
        )


def _begin(row: Row, before: Intent | None) -> Intent:
    data = row.data
    new = NewIntent(
        structure(Identity, data["identity"]),
        data["key"],
        data["account"],
        data["content"],
        tuple(structure(Part, part) for part in data["parts"]),
        tuple(data["tokens"]),
    )
    return fresh(new, before, row.at, name=row.intent)


def fresh(new: NewIntent, before: Intent | None, at: datetime, name: str | None = None) -> Intent:
    """An intent of which nothing is known yet, but for what an earlier one of the same content had prepared."""
    return Intent(
        id=name or new.id,
        key=new.key,
        account=new.account,
        platform=new.identity.platform,
        identity=new.identity,
        content=new.content,
        parts=new.parts,
        tokens=new.tokens,
        created_at=at,
        states=_states(len(new.parts), before if before and before.content == new.content else None),
        resumed=before is not None,
    )


def _states(count: int, before: Intent | None) -> list[PartState]:
    """Fresh states; uploads made for the same content under an earlier plan stay useful."""
    kept = [PartState(prepared=state.prepared) for state in before.states] if before else []
    return (kept + [PartState() for _ in range(count)])[:count]


def apply(intent: Intent, row: Row, sent: Sent | None = None) -> None:
    """What the row changes; ``sent`` is what a "live" row was made of, where that is at hand."""
    data = row.data
    state = intent.states[data.get("part", 0)]
    match row.kind:
        case "prepared":
            keep_prepared(state, data["values"])
        case "sending":
            keep_prepared(state, data.get("values", {}))
            server_at = from_text(data["server_at"])
            state.attempts.append(
                Attempt(data["attempt"], row.at, server_at, data.get("mark"), data.get("fence"))
            )
        case "refused":
            for attempt in state.attempts:
                attempt.open = attempt.open and attempt.number != data["attempt"]
            intent.last_error = data.get("error")
        case "live":
            state.sent = sent or structure(Sent, data["sent"])
            if "owes" in data:  # a fresh post, or what followed it came to a known end
                state.owes, state.attaching = data["owes"], False
                state.missing = () if state.owes else state.missing
        case "dropped":
            state.sent, state.owes, state.attaching = None, False, False
            state.missing, state.over = (), len(state.attempts)
            state.prepared.clear()
            for attempt in state.attempts:
                attempt.open = False
            intent.last_error = data.get("error")
        case "attaching":
            state.attaching = True
        case "attached":
            state.owes = False
            state.missing = (*state.missing, *data["missing"])
        case "look":
            state.looks, state.looked_at = state.looks + bool(data["counts"]), row.at
        case "deleted":
            for one in intent.states:
                if one.sent and one.sent.id == data["id"]:
                    one.deleted_at, one.owes, one.attaching = row.at, False, False
        case "absent":
            for attempt in state.attempts:
                attempt.open = False
            state.looks, state.looked_at, state.too_old = 0, None, data["too_old"]
        case "closed" if data["not_live"]:
            state.over = len(state.attempts)
        case "outcome":
            intent.outcome = data
            intent.last_error = data.get("error") or intent.last_error
        case _:
            pass


def keep_prepared(state: PartState, values: dict[str, Any]) -> None:
    for name, (value, expires) in values.items():
        state.prepared[name] = (value, from_text(expires) if expires else None)


@attrs.frozen
class NewIntent:
    """What an intent row is made of."""

    identity: Identity
    key: str
    account: str
    content: str
    parts: tuple[Part, ...]
    tokens: tuple[str, ...]

    id: str = attrs.field(
        init=False, default=attrs.Factory(lambda self: intent_id(self.identity, self.key), takes_self=True)
    )

    def row(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "account": self.account,
            "identity": plain(self.identity),
            "content": self.content,
            "parts": [plain(part) for part in self.parts],
            "tokens": list(self.tokens),
        }
