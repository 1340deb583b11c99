"""What a person does after (or against) publishing: settle, edit, delete, halt, resume, look back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from . import settle as settling
from ._convert import structure
from ._shelf import Shelf
from .accounts import foreseen, hide, unexpected
from .call import BoundCall, PartWork
from .errors import ConfigError, Denied, InvalidPost, SocialKitError
from .gate import Halt, InFlight, tokens_of
from .journal import Intent, PartState
from .model import Outcome, Post, Receipt, Report, Status
from .plan import TargetPlan
from .plan._planner import plan_target
from .publish import ask_gate, look_again_at, make_outcome, missing_of

if TYPE_CHECKING:
    from .accounts import Account, Target
    from .adapters.base import AccountFacts
    from .client import AsyncClient

DRAIN = 0.04
"""Seconds a halt takes to wait for bytes that are leaving; what has not left by then is named in the Halt."""
LAST_LOOK = 0.005
"""Seconds of them it waits at least, when writing the stop took long."""


# --- settle -----------------------------------------------------------------------------------------------
async def settle(
    client: AsyncClient,
    what: Report | Receipt | str | None,
    *,
    account: str | None,
    found: str | Receipt | None,
    not_live: bool,
    by: str | None,
) -> Report:
    journal = client._machinery.journal
    key = what.key if isinstance(what, Report) else what if isinstance(what, str) else None
    intents = await (journal.open_intents() if key is None else journal.intents(key=key))
    if isinstance(what, Receipt):
        intents = [i for i in intents if _is_of(i, what)]
    chosen = [i for i in intents if account is None or i.account == account]
    told = found is not None or not_live
    if told and len(chosen) != 1:
        fit = f"{len(chosen)} posts fit" if chosen else "none that is open fits; history() lists them all"
        raise ConfigError(f"settle: name the one post to close, by its key and account=: {fit}")
    shelf = Shelf(client._transport.stream)
    outcomes = []
    for intent in chosen:
        owner = await client._accounts.of_intent(intent)
        if owner is None:
            continue
        word = _Word(found, not_live, by) if told else None
        outcomes.append(await _settle_one(owner, intent, shelf, word))
    return Report(key or "", outcomes)


def _is_of(intent: Intent, receipt: Receipt) -> bool:
    """Whether the receipt may be of that intent; one without an id may be of any of its account."""
    made = {state.sent.id for state in intent.states if state.sent}
    return intent.identity == receipt.identity and (receipt.id is None or receipt.id in made)


@attrs.frozen
class _Word:
    """What a person says about an open post."""

    found: str | Receipt | None
    not_live: bool
    by: str | None


async def _settle_one(account: Account, intent: Intent, shelf: Shelf, word: _Word | None) -> Outcome:
    """Look once at everything of the intent that is open, unless a living process works on it."""
    journal = account.machinery.journal
    opened = await journal.claim(intent.id)
    if opened is None or opened.owner is not None:
        if word is not None and opened is not None:
            raise ConfigError(
                f"{account.name}: process {opened.owner} works on {intent.key!r} now; wait for it"
            )
        return make_outcome(account, opened.intent if opened else intent, replayed=True)
    mine, error = opened.intent, None
    try:
        if word is not None:
            await settling.close(account, mine, found=word.found, not_live=word.not_live, by=word.by)
        error = await _look(account, mine, shelf)
        error = await settling.check(account, mine, shelf) or error
    except SocialKitError as failed:
        if word is not None and isinstance(failed, ConfigError):
            raise
        hide(failed, account.secrets())
        error = failed
    except Exception as surprise:
        error = unexpected(account, surprise)
    finally:
        await journal.release(mine)
    return make_outcome(account, mine, error=error, replayed=True)


async def _look(account: Account, intent: Intent, shelf: Shelf) -> SocialKitError | None:
    for index, state in enumerate(intent.states):
        if not state.lost:
            continue
        seen = await settling.look(account, intent, index, shelf)
        if seen.live is None:
            return settling.unknown(account, intent, seen)
    return None


# --- edit and delete --------------------------------------------------------------------------------------
async def edit(client: AsyncClient, receipt: Receipt, post: Post, given: Target | None) -> Receipt:
    account = await client._accounts.of_receipt(receipt, given)
    if not account.adapter.rules.edit:
        raise ConfigError(
            f"{account.name}: {account.adapter.platform} does not let posts be edited; delete and publish anew"
        )
    facts = await _owner_facts(account, receipt)
    _check_named(account, receipt)
    shelf = Shelf(client._transport.stream)
    targets = client._accounts.variant_targets([account])
    with foreseen(account):
        plan = await plan_target(account, post, BoundCall(account), shelf, targets=targets)
    if plan.errors:
        raise InvalidPost(plan.errors)
    if len(plan.parts) != 1:
        raise ConfigError(
            f"{account.name}: an edit replaces one post, not a thread; edit its parts one by one"
        )
    await _may_edit(client, account, plan)
    work = _edit_work(account, plan, shelf)
    call = BoundCall(account, work=work, steps=("read", "prepare", "attach"), facts=facts)
    with foreseen(account):
        sent = await account.adapter.edit(receipt, plan.parts[0], call)
    return attrs.evolve(
        receipt, id=sent.id or receipt.id, url=sent.url or receipt.url, text=plan.parts[0].text, raw=sent.raw
    )


def _edit_work(account: Account, plan: TargetPlan, shelf: Shelf) -> PartWork:
    assert plan.identity is not None
    intent = Intent(
        id="",
        key="",
        account=account.name,
        platform=account.adapter.platform,
        identity=plan.identity,
        content=plan.content,
        parts=plan.parts,
        tokens=(),
        created_at=account.machinery.clock.now(),
        states=[PartState()],
    )
    return PartWork(intent, 0, shelf, dict(plan.media))


async def _may_edit(client: AsyncClient, account: Account, plan: TargetPlan) -> None:
    tokens = tokens_of(account.adapter.platform, account.name, plan.identity, account.login, "")
    await client._machinery.journal.check_halts(tokens, account.name)
    if client._gate is not None:
        verdict = await ask_gate(client._gate, account, plan, "", "edit")
        if verdict.expires_at and verdict.expires_at <= client._clock.now():
            raise Denied(f"{account.name}: the approval by {verdict.by} has expired; ask for it again")


async def delete(
    client: AsyncClient, what: Receipt | Report | Sequence[Receipt], given: Target | None
) -> None:
    receipts = (
        what.receipts if isinstance(what, Report) else (what,) if isinstance(what, Receipt) else tuple(what)
    )
    if wrong := [one for one in receipts if not isinstance(one, Receipt)]:
        raise ConfigError(
            f"delete() takes receipts or a report, not {type(wrong[0]).__name__}; nothing was deleted"
        )
    pairs = [(await client._accounts.of_receipt(receipt, given), receipt) for receipt in receipts]
    done = await asyncio.gather(*(_delete_one(*pair) for pair in pairs), return_exceptions=True)
    failed = [error for error in done if isinstance(error, BaseException)]
    if len(failed) == 1:
        raise failed[0]
    if failed:
        from .errors import PublishErrors

        known = [e if isinstance(e, SocialKitError) else SocialKitError(str(e)) for e in failed]
        raise PublishErrors(f"{len(failed)} of {len(pairs)} posts could not be deleted", known)


async def _delete_one(account: Account, receipt: Receipt) -> None:
    with foreseen(account):
        facts = await _owner_facts(account, receipt)
        call = BoundCall(account, steps=("read", "attach"), facts=facts)
        for part in (*reversed(receipt.parts), receipt):
            _check_named(account, part)
            await account.adapter.delete(part, call)
            await account.machinery.journal.deleted(part)


def _check_named(account: Account, receipt: Receipt) -> None:
    if receipt.id is None:
        raise ConfigError(
            f"{account.name}: the platform never told this post's id; change it on {receipt.platform} itself",
            account=account.name,
        )


async def _owner_facts(account: Account, receipt: Receipt) -> AccountFacts:
    """The account's facts, if the post is its own: to another one it looks as if it were gone already."""
    facts = await account.ready()
    who, owner = facts.identity, receipt.identity
    if (who.platform, who.id) != (owner.platform, owner.id):
        raise ConfigError(
            f"{account.name} is {who.name or who.id} on {who.platform}; the post belongs to "
            f"{owner.name or owner.id} on {owner.platform}: give that account",
            account=account.name,
        )
    return facts


# --- halt -------------------------------------------------------------------------------------------------
async def halt(client: AsyncClient, scope: Target, *, reason: str, by: str) -> Halt:
    machinery = client._machinery
    name, tokens = await halt_tokens(client, scope)
    ident = f"halt-{machinery.random.getrandbits(48):012x}"
    stop = Halt(ident, name, reason, by, machinery.clock.now(), tokens)
    began = time.monotonic()
    await machinery.journal.halt(stop)
    left = DRAIN - (time.monotonic() - began)
    await asyncio.to_thread(machinery.store.drain, max(LAST_LOOK, left))
    covered = [i for i in await machinery.journal.open_intents(urgent=True) if stop.covers(i.tokens)]
    return attrs.evolve(
        stop,
        in_flight=tuple(flight for intent in covered for flight in _in_flight(intent)),
        handed_over=tuple(_handed_over(covered)),
    )


async def halt_tokens(client: AsyncClient, scope: Target) -> tuple[str, tuple[str, ...]]:
    """(the scope in words, what it is matched by). An account is met by its name, its login and its identity.

    The identity is the one in hand or in the store: a halt asks no platform before it stands.
    """
    if isinstance(scope, str) and (
        scope == "all" or scope.partition(":")[0] in ("platform", "key", "identity")
    ):
        _check_platform(client, scope)
        return scope, (scope,)
    account = client._accounts.named(scope.removeprefix("account:") if isinstance(scope, str) else scope)
    tokens = [f"account:{account.name}", f"login:{account.login}"]
    if (facts := account.facts or await account.stored()) is not None:
        tokens.append(f"identity:{facts.identity.key}")
    return f"account:{account.name}", tuple(tokens)


def _check_platform(client: AsyncClient, scope: str) -> None:
    """A stop that would stop nothing is refused at once."""
    from .registry import platforms

    kind, _, name = scope.partition(":")
    known = {*platforms(), *(account.adapter.platform for account in client._accounts)}
    if kind == "platform" and name not in known:
        raise ConfigError(f"no platform {name!r} to halt; platforms are: {', '.join(sorted(known))}")


def _in_flight(intent: Intent) -> Iterable[InFlight]:
    for index, state in enumerate(intent.states):
        if state.lost:
            text = intent.parts[index].text[:80]
            began = state.lost[0].at
            yield InFlight(intent.account, intent.platform, intent.key, index, began, text)


def _handed_over(intents: Iterable[Intent]) -> Iterable[Receipt]:
    for intent in intents:
        if intent.status in (Status.SCHEDULED, Status.PROCESSING, Status.HANDED_OVER):
            receipt = intent.receipt()
            if receipt is not None:
                yield receipt


async def resume(client: AsyncClient, scope: Halt | Target, *, reason: str, by: str) -> list[Halt]:
    tokens = (scope.id,) if isinstance(scope, Halt) else (await halt_tokens(client, scope))[1]
    return await client._machinery.journal.resume(tokens, reason=reason, by=by)


# --- history ----------------------------------------------------------------------------------------------
async def history(
    client: AsyncClient, *, since: datetime | None, account: str | None, key: str | None
) -> list[Report]:
    """Reports by key, from the journal alone: nothing is asked of a platform."""
    journal = client._machinery.journal
    past: list[tuple[datetime, str, Outcome]] = []
    for intent in await journal.intents(since=since, key=key):
        error = structure(SocialKitError, intent.last_error) if intent.last_error else None
        past.append((intent.created_at, intent.key, _past_outcome(intent, error)))
    begun = {(name, outcome.account) for _, name, outcome in past}
    for row in await journal.refusals(since=since):
        name, who = row.data["key"], row.data["account"]
        if key in (None, name) and (name, who) not in begun:
            error = structure(SocialKitError, row.data["error"])
            past.append((row.at, name, Outcome(who, row.data["platform"], Status.REFUSED, error=error)))
    return _reports([one for one in past if account in (None, one[2].account)])


def _reports(past: list[tuple[datetime, str, Outcome]]) -> list[Report]:
    """One report per key, in the order they were begun; of several refusals of one account the last."""
    found: dict[str, dict[str, Outcome]] = {}
    for _, key, outcome in sorted(past, key=lambda one: one[0]):
        found.setdefault(key, {})[outcome.account] = outcome
    return [Report(key, tuple(outcomes.values())) for key, outcomes in found.items()]


def _past_outcome(intent: Intent, error: SocialKitError | None) -> Outcome:
    status = intent.status or Status.FAILED
    good = status in (Status.PUBLISHED, Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER)
    return Outcome(
        account=intent.account,
        platform=intent.platform,
        status=status,
        receipt=intent.receipt(),
        error=None if good else error,
        missing=missing_of(intent),
        deleted_at=intent.deleted_at,
        look_again_at=look_again_at(intent, error),
        next_index=intent.next_index if status is Status.PARTIAL else None,
        replayed=True,
    )
