"""Learning the fate of a post whose answer was lost. Reads and records; never sends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from .accounts import unexpected
from .adapters.base import Absent, Adapter, CannotTell, Finding, Found, Lost, Sent
from .call import BoundCall, PartWork
from .errors import ConfigError, Declined, OutcomeUnknown, SocialKitError
from .model import Receipt, Status

if TYPE_CHECKING:
    from ._shelf import Shelf
    from .accounts import Account
    from .journal import Intent, PartState

RESEND_WITHIN = 600.0
"""Seconds after its first attempt beyond which a post is not made again: it may have been live and deleted."""

SLACK = timedelta(seconds=60)
"""How far a platform's clock may be off from what its ``Date`` header said."""


@attrs.frozen
class Look:
    """What one look at a lost part told: the post, its certain absence, or when to look again."""

    live: bool | None
    why: str = ""
    again_at: datetime | None = None


_MAY_MOVE = (Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER)
"""What the platform has taken and may still change by itself, or at a person's hand."""


def attaches(adapter: Adapter) -> bool:
    """Whether something follows the commit on this platform."""
    return type(adapter).attach is not Adapter.attach


async def part_call(account: Account, intent: Intent, index: int, shelf: Shelf) -> BoundCall:
    """A call that may only read, with what the part remembers at hand, its secrets too."""
    secrets = await account.machinery.journal.secrets(intent, index)
    account.conceal(secrets)
    work = PartWork(intent, index, shelf, {}, secrets=secrets)
    return BoundCall(account, work=work, facts=account.facts)


async def look(account: Account, intent: Intent, index: int, shelf: Shelf) -> Look:
    """Look once for a lost part and write down what was seen."""
    await account.ready()
    journal, state = account.machinery.journal, intent.states[index]
    finding = _in_time(account, intent, await find(account, intent, index, shelf))
    if isinstance(finding, Found):
        if await journal.live(intent, index, finding.sent, owes=attaches(account.adapter) or None):
            return Look(True)
        finding = CannotTell("the only candidate belongs to another post of ours")
    counts = isinstance(finding, Absent) and _counts(account, state)
    words = finding.evidence if isinstance(finding, Absent) else finding.why
    data = {"part": index, "seen": type(finding).__name__.lower(), "words": words, "counts": counts}
    await journal.append(intent, "look", data)
    if isinstance(finding, Absent) and _proved(account, state):
        too_old = _age(account, state) > RESEND_WITHIN
        await journal.append(
            intent, "absent", {"part": index, "why": words, "too_old": too_old}, durable=True
        )
        return Look(False, words)
    seen = f"{words} (so far; further looks decide)" if isinstance(finding, Absent) else words
    return Look(None, seen, _again_at(account, state, finding))


def _in_time(account: Account, intent: Intent, finding: Finding) -> Finding:
    """After the intent's ``give_up_at`` not seeing it proves nothing any more."""
    ends = give_up_at(account, intent)
    if isinstance(finding, Absent) and ends is not None and account.machinery.clock.now() >= ends:
        words = "it was looked for too late to prove that it never was live; a person must close it"
        return CannotTell(words, look_again_in=account.adapter.rules.find.give_up)
    return finding


async def find(account: Account, intent: Intent, index: int, shelf: Shelf) -> Finding:
    """What the adapter sees of a lost part now; nothing is written down."""
    began = intent.states[index].lost[0].at
    claimed = await account.machinery.journal.claimed(intent, since=began - SLACK)
    lost = _lost(account, intent, index, claimed)
    call = await part_call(account, intent, index, shelf)
    try:
        finding = await account.adapter.find(lost, call)
        if (now_known := _lost(account, intent, index, claimed)) != lost:
            # the look itself told that the server's clock is off
            finding = await account.adapter.find(now_known, call)
    except SocialKitError as error:
        return CannotTell(f"could not look: {account.cleaned(str(error))}")
    except Exception as error:
        return CannotTell(f"could not look: {unexpected(account, error).message}")
    return _cleaned(account, finding)


def _cleaned(account: Account, finding: Finding) -> Finding:
    """An adapter's words may repeat what the platform said."""
    match finding:
        case Found(sent):
            return attrs.evolve(finding, sent=account.cleaned_sent(sent))
        case Absent(words):
            return attrs.evolve(finding, evidence=account.cleaned(words))
        case CannotTell(words):
            return attrs.evolve(finding, why=account.cleaned(words))


def _lost(account: Account, intent: Intent, index: int, claimed: frozenset[str]) -> Lost:
    """What to look for. The window holds the server's time as it was known at the attempts, and as it is known now."""
    state = intent.states[index]
    attempts = state.lost
    moments = [moment for one in attempts for moment in (one.server_at, one.at + account.offset)]
    return Lost(
        part=intent.parts[index],
        since=min(moments) - SLACK,
        until=max(moments) + SLACK + timedelta(seconds=account.adapter.rules.find.quiet),
        mark=attempts[0].mark,
        claimed=claimed,
        previous=intent.states[index - 1].sent if index else None,
        root=intent.states[0].sent if index else None,
        looks=state.looks,
    )


def _counts(account: Account, state: PartState) -> bool:
    """Whether a look that saw nothing is far enough from the one before to count."""
    between = account.adapter.rules.find.between
    gap = account.machinery.clock.now() - state.looked_at if state.looked_at else None
    return gap is None or gap >= timedelta(seconds=between) or state.looks == 0


def _proved(account: Account, state: PartState) -> bool:
    rule = account.adapter.rules.find
    since = account.machinery.clock.now() - state.attempts[-1].at
    return since >= timedelta(seconds=rule.quiet) and state.looks >= rule.looks


def _age(account: Account, state: PartState) -> float:
    began = state.began_at
    return (account.machinery.clock.now() - began).total_seconds() if began else 0.0


def _again_at(account: Account, state: PartState, finding: Absent | CannotTell) -> datetime:
    now, rule = account.machinery.clock.now(), account.adapter.rules.find
    if isinstance(finding, CannotTell):
        return now + timedelta(seconds=finding.look_again_in)
    ready = state.attempts[-1].at + timedelta(seconds=rule.quiet)
    step = timedelta(seconds=rule.between)
    return max(now + step, ready) if state.looks + 1 >= rule.looks else now + step


def give_up_at(account: Account, intent: Intent) -> datetime | None:
    """After this only a person closes the intent."""
    began = [state.began_at for state in intent.states if state.lost and state.began_at]
    return max(began) + timedelta(seconds=account.adapter.rules.find.give_up) if began else None


async def check(account: Account, intent: Intent, shelf: Shelf) -> Declined | None:
    """Where the parts stand that the platform had taken but not shown yet; the error of one it dropped."""
    await account.ready()
    dropped = None
    for index, state in enumerate(intent.states):
        if state.sent and state.sent.status in _MAY_MOVE and not state.deleted_at:
            call = await part_call(account, intent, index, shelf)
            now = await account.adapter.check(state.sent, call)
            if isinstance(now, Absent):
                dropped = await drop(account, intent, index, now)
            elif (now := attrs.evolve(now, owed=state.sent.owed)) != state.sent:
                await account.machinery.journal.live(intent, index, account.cleaned_sent(now))
    return dropped


async def drop(account: Account, intent: Intent, index: int, absent: Absent) -> Declined:
    """Write down that the platform dropped a part it had taken; the error that says why."""
    error = Declined(account.cleaned(absent.evidence), account=account.name)
    await account.machinery.journal.dropped(intent, index, error)
    return error


async def close(
    account: Account,
    intent: Intent,
    *,
    found: str | Receipt | None,
    not_live: bool,
    by: str | None,
) -> None:
    """A person says how it ended, or which post it is that is live without a known id. The intent is ours."""
    if (found is None) == (not not_live):
        raise ConfigError("settle: say either found=<permalink or receipt> or not_live=True")
    if not by:
        raise ConfigError("settle: a person's word needs by=<name>; it is written in the journal")
    journal = account.machinery.journal
    for index, state in enumerate(intent.states):
        nameless = found is not None and state.sent is not None and state.sent.id is None
        if not (state.lost or nameless or (state.too_old and state.sent is None)):
            continue
        data: dict[str, Any] = {"part": index, "by": by, "found": None, "not_live": not_live}
        if found is not None:
            sent = await _told(account, intent, found)
            data["found"] = sent.url or sent.id
            if not await journal.live(intent, index, sent, owes=attaches(account.adapter) or None):
                raise ConfigError(f"{account.name}: {found} belongs to another post of ours")
        else:
            why = {"part": index, "why": f"said by {by}", "too_old": False}
            await journal.append(intent, "absent", why, durable=True)
        await journal.append(intent, "closed", data, durable=True)
        return
    raise ConfigError(f"{account.name}: {intent.key!r} is not open; nothing to settle")


async def _told(account: Account, intent: Intent, found: str | Receipt) -> Sent:
    await account.ready()
    receipt = (
        found if isinstance(found, Receipt) else await account.adapter.resolve(found, BoundCall(account))
    )
    if receipt.identity.id and receipt.identity != intent.identity:
        whose = receipt.identity.name or receipt.identity.id
        raise ConfigError(f"{account.name}: {receipt.url or receipt.id} belongs to another account ({whose})")
    return Sent(receipt.id, receipt.url, receipt.published_at, raw=receipt.raw)


def unknown(account: Account, intent: Intent, seen: Look) -> OutcomeUnknown:
    """The error of a post that may be live, with the call that continues."""
    return OutcomeUnknown(
        f"the post may be live: {seen.why}",
        account=account.name,
        retry_at=seen.again_at,
        next_step=f"client.settle({intent.key!r}) looks again, sends nothing; "
        f"then publish with idempotency_key={intent.key!r} continues",
    )
