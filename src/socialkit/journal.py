"""What is known of every post, as an append-only journal: intents, steps, outcomes.

An intent is one post for one account under one idempotency key. Its state is folded from its rows and nothing else:

    intent     the native parts, the content digest, whom a halt could stop it by
    prepared   a result worth keeping: an uploaded medium's id, a chosen record key
    sending    written just before a commit's first byte leaves; alone it means *unknown*
    refused    that attempt certainly made nothing
    live       the part is public, and this is its id
    look       somebody looked for a lost part, and what was seen
    attaching  written just before a request that follows the commit and must not be repeated leaves
    attached   what follows the commit was done, or what of it is missing
    absent     the looks proved that no attempt so far made anything
    outcome    what the caller was told
    closed     a person settled it
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

from . import gate
from ._clock import Clock, from_text, to_text
from .adapters.base import Fence, Part, Sent
from .errors import Declined, Denied, Halted, KeyReused, SocialKitError
from .model import Identity, Receipt, Status
from .store import Row, Store, Tx, hurry, transact

_KINDS = (
    "intent",
    "prepared",
    "sending",
    "refused",
    "live",
    "attaching",
    "attached",
    "look",
    "absent",
    "outcome",
    "closed",
)


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

    @property
    def lost(self) -> list[Attempt]:
        """Attempts that may have made something nobody has seen yet."""
        return [] if self.sent else [attempt for attempt in self.attempts if attempt.open]

    @property
    def began_at(self) -> datetime | None:
        return self.attempts[0].at if self.attempts else None


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
    missing: tuple[str, ...] = ()
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
    def anything_live(self) -> bool:
        return any(state.sent for state in self.states)

    @property
    def began(self) -> bool:
        return any(state.attempts for state in self.states)

    @property
    def status(self) -> Status | None:
        """The status the rows prove; None while nothing was ever tried."""
        if self.lost:
            return Status.UNKNOWN
        if self.next_index == len(self.parts):
            return worst(state.sent.status for state in self.states if state.sent)
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
            _apply(intent, row)
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
    from ._convert import structure

    data = row.data
    new = NewIntent(
        structure(Identity, data["identity"]),
        data["key"],
        data["account"],
        data["content"],
        tuple(structure(Part, part) for part in data["parts"]),
        tuple(data["tokens"]),
    )
    return _fresh(new, before, row.at, name=row.intent)


def _fresh(new: NewIntent, before: Intent | None, at: datetime, name: str | None = None) -> Intent:
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


def _apply(intent: Intent, row: Row) -> None:
    from ._convert import structure

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
            state.sent, state.owes = structure(Sent, data["sent"]), data.get("owes", state.owes)
        case "attaching":
            state.attaching = True
        case "attached":
            state.owes = False
            intent.missing = (*intent.missing, *data["missing"])
        case "look":
            state.looks, state.looked_at = state.looks + bool(data["counts"]), row.at
        case "absent":
            for attempt in state.attempts:
                attempt.open = False
            state.looks, state.looked_at, state.too_old = 0, None, data["too_old"]
        case "outcome":
            intent.outcome = data
            intent.last_error = data.get("error") or intent.last_error
        case _:
            pass


def keep_prepared(state: PartState, values: dict[str, Any]) -> None:
    for name, (value, expires) in values.items():
        state.prepared[name] = (value, from_text(expires) if expires else None)


@attrs.frozen
class Opened:
    """An intent: ours to work on, another living process's (``owner``), stopped by a halt, or done and a record."""

    intent: Intent
    owner: str | None = None
    halted: Halted | None = None
    claimed: bool = False


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
        from ._convert import plain

        return {
            "key": self.key,
            "account": self.account,
            "identity": plain(self.identity),
            "content": self.content,
            "parts": [plain(part) for part in self.parts],
            "tokens": list(self.tokens),
        }


_running: set[tuple[str, str]] = set()
"""(owner, intent) of what this process is working on, whichever client does it."""


class Journal:
    """Reads and writes the journal of one store. Every change is one transaction."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def read(self, intent: str) -> Intent | None:
        return fold(await transact(self.store, lambda tx: tx.rows(intent=intent)))

    async def open(self, new: NewIntent) -> Opened:
        """Claim the intent, making it when it is new. Other content while something is or may be live: KeyReused."""
        return await transact(self.store, lambda tx: self._open(tx, new))

    def _open(self, tx: Tx, new: NewIntent) -> Opened:
        rows = tx.rows(intent=new.id)
        known = fold(rows) if rows else None
        owner = self._other_owner(tx, new.id) if known else None
        halted = gate.find_halt(tx, new.tokens, new.account)
        same = known is not None and known.content == new.content
        if known is not None and same and known.done and (owner or halted or not known.owes):
            return Opened(known)
        if known is not None and owner:
            return Opened(known, owner)
        if halted:
            if known is None:
                raise halted
            return Opened(known, halted=halted)
        if known is None or not (known.lost or known.anything_live):
            for state in known.states if known and same else ():
                refuse_too_old(state, new.account, new.key)
            now = self.clock.now()
            tx.append("intent", new.row(), intent=new.id, at=now)
            known = _fresh(new, known, now)
        elif not same:
            raise KeyReused(
                f"{known.account}: idempotency_key={known.key!r} already belongs to other content that is or may be "
                "live; publish the new content under a new key",
                account=known.account,
            )
        else:
            known.resumed = True
        self._claim(tx, new.id)
        return Opened(known, claimed=True)

    async def claim(self, intent: str) -> Opened | None:
        """Claim a known intent to settle it; None when there is none."""
        return await transact(self.store, lambda tx: self._claim_known(tx, intent))

    def _claim_known(self, tx: Tx, intent: str) -> Opened | None:
        known = fold(tx.rows(intent=intent))
        if known is None:
            return None
        if owner := self._other_owner(tx, intent):
            return Opened(known, owner)
        self._claim(tx, intent)
        return Opened(known, claimed=True)

    def _claim(self, tx: Tx, intent: str) -> None:
        tx.put("owner", intent, self.store.owner())
        _running.add((self.store.owner(), intent))

    def _other_owner(self, tx: Tx, intent: str) -> str | None:
        owner = tx.get("owner", intent)
        if owner is None:
            return None
        if owner == self.store.owner():
            return str(owner) if (owner, intent) in _running else None
        return str(owner) if self.store.alive(owner) else None

    async def release(self, intent: Intent) -> None:
        """Give the intent up. A settled one loses its secrets (upload sessions); an open one stays on the list."""
        _running.discard((self.store.owner(), intent.id))
        if intent.released:
            return
        settled = intent.status is Status.PUBLISHED and not (intent.lost or intent.owes)

        def work(tx: Tx) -> None:
            if settled:
                self._settled(tx, intent.id)
            elif tx.get("owner", intent.id) == self.store.owner():
                tx.delete("owner", intent.id)
            if not (intent.lost or intent.anything_live or self._lost(tx, intent.id)):
                tx.delete("open", intent.id)

        await transact(self.store, work)

    def _lost(self, tx: Tx, intent: str) -> bool:
        """Whether the rows know of a lost attempt that a cancelled caller never heard of."""
        known = fold(tx.rows(intent=intent))
        return known is not None and known.lost

    def _settled(self, tx: Tx, intent: str) -> None:
        if tx.get("owner", intent) == self.store.owner():
            tx.delete("owner", intent)
        tx.delete("open", intent)
        for name, _ in tx.items("secret", f"{intent}/"):
            tx.delete("secret", name)

    async def append(self, intent: Intent, kind: str, data: dict[str, Any], *, durable: bool = False) -> None:
        """Write one row and fold it into ``intent``."""
        assert kind in _KINDS
        now = self.clock.now()
        seq = await transact(
            self.store, lambda tx: tx.append(kind, data, intent=intent.id, at=now), durable=durable
        )
        _apply(intent, Row(seq, now, intent.id, kind, data))

    async def sending(
        self,
        intent: Intent,
        part: int,
        *,
        server_at: datetime,
        mark: Any,
        fence: Fence | None,
        values: dict[str, Any],
        verdict: gate.Verdict,
    ) -> int:
        """The row without which nothing leaves: re-reads halts, ownership and the verdict in the same transaction."""
        now = self.clock.now()
        state = intent.states[part]
        data = {
            "part": part,
            "attempt": len(state.attempts) + 1,
            "server_at": to_text(server_at),
            "mark": mark,
            "fence": fence.kind if fence else None,
            "values": values,
        }

        def work(tx: Tx) -> int:
            gate.check_halts(tx, intent.tokens, intent.account)
            if tx.get("owner", intent.id) != self.store.owner():
                raise SocialKitError(
                    f"{intent.account}: another process took over {intent.key!r}; nothing was sent"
                )
            if verdict.expires_at and verdict.expires_at <= now:
                raise Denied(f"{intent.account}: the approval by {verdict.by} has expired; ask for it again")
            tx.put("open", intent.id, True)
            return tx.append("sending", data, intent=intent.id, at=now)

        seq = await transact(self.store, work, durable=True)
        _apply(intent, Row(seq, now, intent.id, "sending", data))
        intent.released = False
        return int(data["attempt"])

    async def secret(self, intent: Intent, part: int, name: str, value: Any) -> None:
        """Keep something that must not stand in the journal."""
        key = f"{intent.id}/{part}/{name}"
        await transact(self.store, lambda tx: tx.put("secret", key, value), durable=True)

    async def claimed(self, intent: Intent, *, since: datetime) -> frozenset[str]:
        """Ids and URLs that became other intents' of this account since then."""
        prefix = f"{intent.identity.key}/"

        def work(tx: Tx) -> frozenset[str]:
            made = [
                row.data["sent"] for row in tx.rows(kinds=["live"], since=since) if row.intent != intent.id
            ]
            theirs = [
                sent for sent in made if tx.get("claimed", f"{prefix}{sent['id']}") not in (None, intent.id)
            ]
            return frozenset(name for sent in theirs for name in (sent["id"], sent.get("url")) if name)

        return await transact(self.store, work)

    async def live(
        self, intent: Intent, part: int, sent: Sent, *, last: bool = False, owes: bool | None = None
    ) -> bool:
        """Write that a part is public. False (nothing written) when another intent has claimed that very post.

        ``last`` says that nothing of the intent is left to do: it is given up in the same transaction.
        ``owes`` says whether something that follows the commit is still to be done; None leaves that as it was.
        """
        from ._convert import plain

        now, data = self.clock.now(), {"part": part, "sent": plain(sent)}
        if owes is not None:
            data["owes"] = owes
        name = f"{intent.identity.key}/{sent.id}" if sent.id else None
        last = last and sent.status is Status.PUBLISHED

        def work(tx: Tx) -> int | None:
            if name and tx.get("claimed", name) not in (None, intent.id):
                return None
            if name:
                tx.put("claimed", name, intent.id)
            if last:
                self._settled(tx, intent.id)
            return tx.append("live", data, intent=intent.id, at=now)

        seq = await transact(self.store, work, durable=True)
        if seq is not None:
            state = intent.states[part]
            state.sent, intent.released = sent, last
            state.owes = state.owes if owes is None else owes
        return seq is not None

    async def attaching(self, intent: Intent, part: int) -> None:
        """Write that a request which must not be repeated leaves after the commit, unless a halt covers it."""
        now, data = self.clock.now(), {"part": part}

        def work(tx: Tx) -> int:
            gate.check_halts(tx, intent.tokens, intent.account)
            return tx.append("attaching", data, intent=intent.id, at=now)

        seq = await transact(self.store, work, durable=True)
        _apply(intent, Row(seq, now, intent.id, "attaching", data))

    async def secrets(self, intent: Intent, part: int) -> dict[str, Any]:
        """What earlier processes kept for the part outside the journal."""
        prefix = f"{intent.id}/{part}/"
        found = await transact(self.store, lambda tx: tx.items("secret", prefix))
        return {name.removeprefix(prefix): value for name, value in found}

    async def open_intents(self, *, urgent: bool = False) -> list[Intent]:
        """Every intent that may still change: lost answers, processing, scheduled, half a thread."""

        def work(tx: Tx) -> list[Intent]:
            folded = [fold(tx.rows(intent=name)) for name, _ in tx.items("open")]
            return [intent for intent in folded if intent]

        return await transact(self.store, work, sleep=hurry if urgent else asyncio.sleep)

    async def intents(self, *, since: datetime | None = None, key: str | None = None) -> list[Intent]:
        """Every intent with rows since then (or all), oldest first; with a key only those made under it."""

        def work(tx: Tx) -> list[Intent]:
            started = tx.rows(kinds=["intent"], since=since)
            names = dict.fromkeys(row.intent for row in started if key is None or row.data["key"] == key)
            folded = [fold(tx.rows(intent=name)) for name in names if name]
            return [intent for intent in folded if intent]

        return await transact(self.store, work)

    async def halt(self, halt: gate.Halt) -> None:
        """Write the stop: from this transaction on no ``sending`` row it covers can be written."""
        data = {
            "id": halt.id,
            "scope": halt.scope,
            "reason": halt.reason,
            "by": halt.by,
            "at": to_text(halt.at),
            "tokens": list(halt.tokens),
        }

        def work(tx: Tx) -> None:
            tx.put("halt", halt.id, data)
            tx.append("halt", data, at=halt.at)

        await transact(self.store, work, durable=True, sleep=hurry)

    async def resume(self, scope_tokens: Iterable[str], *, reason: str, by: str) -> list[gate.Halt]:
        """Lift the halts that aim at any of the tokens; the lifted ones."""
        now, wanted = self.clock.now(), set(scope_tokens)

        def work(tx: Tx) -> list[gate.Halt]:
            lifted = [h for h in gate.halts_in(tx) if not wanted.isdisjoint((h.id, *h.tokens))]
            for halt in lifted:
                tx.delete("halt", halt.id)
                tx.append("resume", {"id": halt.id, "reason": reason, "by": by}, at=now)
            return lifted

        return await transact(self.store, work, durable=True)

    async def halts(self) -> list[gate.Halt]:
        return await transact(self.store, gate.halts_in)

    async def check_halts(self, tokens: Iterable[str], account: str) -> None:
        """Raise Halted when a halt covers any of the tokens."""
        await transact(self.store, lambda tx: gate.check_halts(tx, tokens, account))
