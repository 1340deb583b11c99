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
    dropped    the platform took the part, and then dropped it for good
    absent     the looks proved that no attempt so far made anything
    outcome    what the caller was told
    closed     a person settled it
    deleted    a part that was live was deleted through this library

Rows without an intent: ``halt``, ``resume``, and ``refusal`` for what was stopped before it was begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs

from .. import gate
from .._clock import Clock, to_text
from .._convert import plain
from ..adapters.base import Fence, Sent
from ..errors import Denied, Halted, KeyReused, Refused, SocialKitError, Unavailable
from ..model import Receipt, Status
from ..store import Row, Store, Tx, hurry, transact
from ._intent import (
    Attempt,
    Intent,
    NewIntent,
    PartState,
    apply,
    fold,
    fresh,
    intent_id,
    refuse_too_old,
)

__all__ = [
    "Attempt",
    "Intent",
    "Journal",
    "NewIntent",
    "Opened",
    "PartState",
    "fold",
    "intent_id",
    "refuse_too_old",
]

_KINDS = (
    "intent",
    "prepared",
    "sending",
    "refused",
    "live",
    "dropped",
    "attaching",
    "attached",
    "look",
    "absent",
    "outcome",
    "closed",
    "deleted",
)


@attrs.frozen
class Opened:
    """An intent: ours to work on, another living process's (``owner``), stopped by a halt, or done and a record."""

    intent: Intent
    owner: str | None = None
    halted: Halted | None = None
    claimed: bool = False


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
            if known is not None and not same:  # an upload that was begun for other content would end as that
                self._forget(tx, f"{new.id}/")
            now = self.clock.now()
            tx.append("intent", new.row(), intent=new.id, at=now)
            known = fresh(new, known, now)
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
                return
            if tx.get("owner", intent.id) == self.store.owner():
                self._take_back(tx, intent)
                tx.delete("owner", intent.id)
            if not (intent.lost or intent.anything_live):
                tx.delete("open", intent.id)

        await transact(self.store, work)

    def _take_back(self, tx: Tx, intent: Intent) -> None:
        """Close the attempts whose caller, cancelled meanwhile, never heard that they were written: nothing left."""
        known = fold(tx.rows(intent=intent.id))
        for part, (told, state) in enumerate(zip(known.states, intent.states, strict=True) if known else ()):
            for attempt in told.attempts[len(state.attempts) :]:
                error = Unavailable("cancelled before anything was sent", account=intent.account)
                data = {"part": part, "attempt": attempt.number, "error": plain(error)}
                tx.append("refused", data, intent=intent.id, at=self.clock.now())

    def _settled(self, tx: Tx, intent: str) -> None:
        if tx.get("owner", intent) == self.store.owner():
            tx.delete("owner", intent)
        tx.delete("open", intent)
        self._forget(tx, f"{intent}/")

    @staticmethod
    def _forget(tx: Tx, prefix: str) -> None:
        for name, _ in tx.items("secret", prefix):
            tx.delete("secret", name)

    async def append(self, intent: Intent, kind: str, data: dict[str, Any], *, durable: bool = False) -> None:
        """Write one row and fold it into ``intent``."""
        assert kind in _KINDS
        now = self.clock.now()
        seq = await transact(
            self.store, lambda tx: tx.append(kind, data, intent=intent.id, at=now), durable=durable
        )
        apply(intent, Row(seq, now, intent.id, kind, data))

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
        number = len(state.attempts) + 1
        data = {
            "part": part,
            "attempt": number,
            "server_at": to_text(server_at),
            "mark": mark,
            "fence": fence.kind if fence else None,
            "values": values,
        }

        def work(tx: Tx) -> int:
            nonlocal now
            now = self.clock.now()  # again: the store may have been busy for a while
            gate.check_halts(tx, intent.tokens, intent.account)
            if tx.get("owner", intent.id) != self.store.owner():
                raise SocialKitError(
                    f"{intent.account}: another process took over {intent.key!r}; nothing was sent"
                )
            if verdict.expires_at and verdict.expires_at <= now:
                raise Denied(f"{intent.account}: the approval by {verdict.by} has expired; ask for it again")
            tx.put("open", intent.id, True)
            return tx.append("sending", data, intent=intent.id, at=now)

        await transact(self.store, work, durable=True)
        state.attempts.append(Attempt(number, now, server_at, mark, data["fence"]))
        intent.released = False
        return number

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
        now, last = self.clock.now(), last and sent.status is Status.PUBLISHED

        def work(tx: Tx) -> Row | None:
            row = self._live(tx, intent, part, sent, owes, now)
            if row and last:
                self._settled(tx, intent.id)
            return row

        row = await transact(self.store, work, durable=True)
        if row is not None:
            apply(intent, row, sent)
            intent.released = last
        return row is not None

    def _live(
        self, tx: Tx, intent: Intent, part: int, sent: Sent, owes: bool | None, now: datetime
    ) -> Row | None:
        """The row that says so, and the claim on the post; None when another intent has that."""
        name = f"{intent.identity.key}/{sent.id}" if sent.id else None
        if name and tx.get("claimed", name) not in (None, intent.id):
            return None
        if name:
            tx.put("claimed", name, intent.id)
        data = {"part": part, "sent": plain(sent), **({} if owes is None else {"owes": owes})}
        return Row(tx.append("live", data, intent=intent.id, at=now), now, intent.id, "live", data)

    async def attached(self, intent: Intent, part: int, sent: Sent, missing: tuple[str, ...]) -> None:
        """Write what became of what follows the commit: how the post is now and, where nothing more is owed, what of it
        is ``missing``: both or neither."""
        now, owes, ended = self.clock.now(), bool(sent.owed), {"part": part, "missing": list(missing)}
        changed = owes or sent != intent.states[part].sent

        def work(tx: Tx) -> list[Row]:
            made = [self._live(tx, intent, part, sent, owes, now)] if changed else []
            if not owes:
                seq = tx.append("attached", ended, intent=intent.id, at=now)
                made.append(Row(seq, now, intent.id, "attached", ended))
            return [row for row in made if row is not None]

        for row in await transact(self.store, work, durable=changed):
            apply(intent, row, sent)

    async def dropped(self, intent: Intent, part: int, error: SocialKitError) -> None:
        """Write that the platform dropped a part for good; the uploads it was made of are used up with it."""
        now, data = self.clock.now(), {"part": part, "error": plain(error)}

        def work(tx: Tx) -> int:
            self._forget(tx, f"{intent.id}/{part}/")
            return tx.append("dropped", data, intent=intent.id, at=now)

        seq = await transact(self.store, work, durable=True)
        apply(intent, Row(seq, now, intent.id, "dropped", data))

    async def attaching(self, intent: Intent, part: int) -> None:
        """Write that a request which must not be repeated leaves after the commit, unless a halt covers it."""
        now, data = self.clock.now(), {"part": part}

        def work(tx: Tx) -> int:
            gate.check_halts(tx, intent.tokens, intent.account)
            return tx.append("attaching", data, intent=intent.id, at=now)

        seq = await transact(self.store, work, durable=True)
        apply(intent, Row(seq, now, intent.id, "attaching", data))

    async def deleted(self, receipt: Receipt) -> None:
        """Write that a post of ours was deleted through this library, if the store knows the post."""
        now, name = self.clock.now(), f"{receipt.identity.key}/{receipt.id}"

        def work(tx: Tx) -> None:
            if (intent := tx.get("claimed", name)) is None:
                return
            tx.append("deleted", {"id": receipt.id}, intent=intent, at=now)
            known = fold(tx.rows(intent=intent))
            if known is not None and known.done and known.deleted_at:
                self._settled(tx, intent)

        await transact(self.store, work, durable=True)

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

    async def refusal(self, new: NewIntent, error: Refused) -> None:
        """Write that a post was stopped before anything of it was begun."""
        data = {
            "key": new.key,
            "account": new.account,
            "platform": new.identity.platform,
            "error": plain(error),
        }
        await transact(self.store, lambda tx: tx.append("refusal", data, at=self.clock.now()), durable=True)

    async def refusals(self, *, since: datetime | None = None) -> list[Row]:
        """The rows of what was stopped before it was begun, oldest first."""
        return await transact(self.store, lambda tx: tx.rows(kinds=["refusal"], since=since))

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
