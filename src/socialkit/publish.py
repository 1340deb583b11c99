"""Publishing: every target at once, each through gate, journal, limits and adapter to one known state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import attrs

from . import errors, settle
from ._clock import to_second
from ._convert import plain
from ._loop import call_user
from ._shelf import Shelf
from .accounts import hide, unexpected
from .adapters.base import Absent
from .call import BoundCall, PartWork, Stopped
from .gate import ALLOW, Gate, GateContext, Verdict, tokens_of
from .journal import Intent, NewIntent, Opened, intent_id, refuse_too_old
from .media import MediaError
from .model import Outcome, Problem, Progress, Report, Status
from .plan import Plan, TargetPlan, invalid

if TYPE_CHECKING:
    from .accounts import Account

RESENDS = 3
"""How often one call makes a part again after proof that the earlier attempts made nothing."""

GRACE = 10.0
"""Seconds a cancelled publish waits for the answer of a commit whose bytes had left."""


@attrs.define
class TargetRun:
    """The post's way to one account, from plan to outcome."""

    account: Account
    plan: TargetPlan
    key: str
    shelf: Shelf
    gate: Gate | None
    deadline: datetime
    tell: Callable[[Progress], None] | None
    record: Intent | None = None
    """What is known under the key, where the post cannot be planned now."""
    work: PartWork | None = None
    stopping: bool = False
    intent: Intent | None = None
    result: Outcome | None = None

    async def run(self) -> Outcome:
        """Never raises for the target's fate: whatever happens becomes its outcome."""
        try:
            outcome = await self._run()
        except Stopped:
            outcome = self._failed(
                errors.Unavailable("cancelled before anything was sent", account=self.name)
            )
        except errors.SocialKitError as error:
            outcome = self._failed(error)
            await self._note_refusal(error)
        except Exception as error:
            outcome = self._failed(unexpected(self.account, error))
        self.result = outcome
        self.notify("done", detail=outcome.status.value)
        return outcome

    async def _note_refusal(self, error: errors.SocialKitError) -> None:
        """What a halt or the gate stopped before there was an intent stands in the journal too."""
        if self.intent is None and isinstance(error, errors.Refused):
            await self.account.machinery.journal.refusal(self._new_intent(), error)

    @property
    def name(self) -> str:
        return self.account.name

    def notify(self, stage: str, **details: Any) -> None:
        if self.tell is not None:
            self.tell(Progress(self.name, stage, **details))

    def stop(self) -> bool:
        """Let nothing more leave. True when nothing of this target is on its way."""
        self.stopping = True
        if self.work is not None:
            self.work.stopping = True
        return self.work is None or not self.work.crossed

    # --- the way ------------------------------------------------------------------------------------------
    async def _run(self) -> Outcome:
        if self.plan.error is not None:
            raise self._unplanned(self.plan.error)
        new = self._new_intent()
        journal = self.account.machinery.journal
        verdict = ALLOW
        if self.gate is not None:
            known = await journal.read(new.id)
            self.intent = known if known and known.content == new.content else None
            if self.intent is None or not self.intent.done:
                verdict = await self._judge(new)
        opened = await self._open(new)
        intent = self.intent = opened.intent
        if not opened.claimed:
            return self._outcome(intent, replayed=True)
        try:
            if self.plan.errors and not intent.done:  # it was on record a moment ago
                raise invalid(self.plan.errors)
            await self._work_off(intent, verdict)
            return self._outcome(intent)
        except BaseException as error:
            if isinstance(error, errors.SocialKitError):
                hide(error, self.account.secrets())
            await self._record(intent, error)
            raise
        finally:
            await journal.release(intent)

    def _unplanned(self, cause: errors.SocialKitError) -> errors.SocialKitError:
        """Where the key has a record, nobody can say whether it is of this post: not that it is not live, either."""
        if self.record is None:
            return cause
        self.intent = self.record
        words = f"{self.key!r} has a post that may be live, and this one cannot be compared: {cause.message}"
        error = errors.OutcomeUnknown(words, account=self.name, next_step=cause.next_step)
        error.__cause__ = cause
        return error

    def _new_intent(self) -> NewIntent:
        plan, identity = self.plan, self.plan.identity
        assert identity is not None
        tokens = tokens_of(plan.platform, self.name, identity, self.account.login, self.key)
        return NewIntent(identity, self.key, self.name, plan.content, plan.parts, tokens)

    async def _judge(self, new: NewIntent) -> Verdict:
        machinery = self.account.machinery
        assert self.gate is not None
        await machinery.journal.check_halts(new.tokens, self.name)
        return await ask_gate(self.gate, self.account, self.plan, self.key, "publish")

    async def _open(self, new: NewIntent) -> Opened:
        """Our claim on the intent, or its record; waits for another living owner as long as ``max_wait`` allows."""
        machinery = self.account.machinery
        give_up: datetime | None = None
        while (opened := await machinery.journal.open(new)).owner is not None:
            give_up = give_up or machinery.clock.now() + timedelta(seconds=machinery.max_wait)
            who = f"process {opened.owner.partition('-')[0]}"
            self.notify("waiting", detail=f"for {who}, which publishes this now")
            if machinery.clock.now() >= give_up:
                self.intent = opened.intent
                raise errors.OutcomeUnknown(
                    f"{who} is publishing {self.key!r} now; waited {machinery.max_wait:g} s for it",
                    account=self.name,
                    next_step=f"client.settle({self.key!r}) when it is done",
                )
            await machinery.clock.sleep(0.1 + 0.1 * machinery.random.random())
        if opened.halted is not None:
            self.intent = opened.intent if opened.intent.content == new.content else None
            raise opened.halted
        return opened

    async def _work_off(self, intent: Intent, verdict: Verdict) -> None:
        """Part after part, from the first that is not settled."""
        await self.account.ready()
        for index, state in enumerate(intent.states):
            if state.lost and self._fence_alive(intent, index):
                await settle.look(self.account, intent, index, self.shelf)
            elif state.lost:
                await self._settle(intent, index)
            if state.sent is None:
                refuse_too_old(state, self.name, self.key)
                await self._send(intent, index, verdict)
            if state.owes:
                await self._attach(intent, index)

    def _fence_alive(self, intent: Intent, index: int) -> bool:
        """Whether the lost part may be sent again at once because its repeat cannot make a second one."""
        attempt = intent.states[index].lost[-1]
        fence = self.account.facts.fence(attempt.fence) if self.account.facts and attempt.fence else None
        if fence is None or fence.honoured != "proved":
            return False
        began, limit = intent.states[index].began_at, settle.RESEND_WITHIN
        assert began is not None
        return (self.account.machinery.clock.now() - began).total_seconds() < min(
            fence.valid_for or limit, limit
        )

    async def _send(self, intent: Intent, index: int, verdict: Verdict) -> None:
        """Make the part public. Whatever the adapter raises after a byte left is looked into, never guessed."""
        for _ in range(RESENDS):
            cause = await self._try(intent, index, verdict)
            if cause is None:
                return
            if not intent.states[index].lost:
                raise cause
            if await self._settle(intent, index):
                return
            if isinstance(cause.__cause__, errors.Duplicate):
                raise cause.__cause__
            refuse_too_old(intent.states[index], self.name, self.key)
        raise errors.Unavailable(
            "the platform lost the post again and again; it is not live", account=self.name
        )

    async def _try(self, intent: Intent, index: int, verdict: Verdict) -> Exception | None:
        if self.stopping:
            raise Stopped
        journal, part = self.account.machinery.journal, intent.parts[index]
        secrets = await journal.secrets(intent, index) if intent.resumed else {}
        if secrets:
            self.account.conceal(secrets)
        media = dict(self.plan.media)
        work = PartWork(intent, index, self.shelf, media, verdict, self._tell_part, secrets=secrets)
        self.work = work
        call = BoundCall(
            self.account, work=work, steps=("read", "prepare", "commit"), facts=self.account.facts
        )
        try:
            sent = self.account.cleaned_sent(await self.account.adapter.send(part, call))
            owes, last = settle.attaches(self.account.adapter), index == len(intent.parts) - 1
            if await journal.live(intent, index, sent, last=last and not owes, owes=owes or None):
                return None
            return errors.OutcomeUnknown(
                "the platform answered with the id of another post", account=self.name
            )
        except Exception as error:
            if isinstance(error, errors.SocialKitError):
                hide(error, self.account.secrets())
            if isinstance(error, errors.Declined) and work.crossed:
                await self._refuse(intent, index, error)
            return self._stale(error) if isinstance(error, MediaError) else error
        finally:
            self.work = None  # nothing is on its way; and the cycle the work makes with us is cut
            await call.keep()

    def _stale(self, error: MediaError) -> errors.InvalidPost:
        hint = "plan the post again"
        return errors.InvalidPost([Problem(self.name, "media", "stale", str(error), hint=hint)], code="stale")

    async def _refuse(self, intent: Intent, index: int, error: errors.Declined) -> None:
        """An adapter read a good-looking answer as a definite no."""
        number = len(intent.states[index].attempts)
        if any(a.number == number and a.open for a in intent.states[index].attempts):
            data = {"part": index, "attempt": number, "error": plain(error)}
            await self.account.machinery.journal.append(intent, "refused", data, durable=True)

    def _tell_part(self, stage: str, **details: Any) -> None:
        self.notify(stage, **details)

    async def _settle(self, intent: Intent, index: int) -> bool:
        """True: it is live. False: certainly not. Raises OutcomeUnknown when ``wait`` ends before anyone can tell."""
        clock = self.account.machinery.clock
        while True:
            self.notify("looking", part=index)
            seen = await settle.look(self.account, intent, index, self.shelf)
            if seen.live is not None:
                return seen.live
            assert seen.again_at is not None
            if seen.again_at > self.deadline or self.stopping:
                raise settle.unknown(self.account, intent, seen)
            await clock.sleep((seen.again_at - clock.now()).total_seconds())

    async def _attach(self, intent: Intent, index: int) -> None:
        """What follows the commit. Its failure is told, never undoes or repeats the post."""
        adapter, state = self.account.adapter, intent.states[index]
        assert state.sent is not None
        if state.attaching:
            words = f"part {index + 1}: what follows the post was begun, and its end is not known"
            await self.account.machinery.journal.attached(
                intent, index, attrs.evolve(state.sent, owed=()), (words,)
            )
            return
        work = PartWork(intent, index, self.shelf, dict(self.plan.media), tell=self._tell_part)
        call = BoundCall(
            self.account, work=work, steps=("read", "prepare", "attach"), facts=self.account.facts
        )
        missing: tuple[str, ...] = ()
        try:
            sent = await adapter.attach(intent.parts[index], state.sent, call)
        except errors.Halted:
            return
        except Exception as error:
            words = f"part {index + 1}: {self.account.cleaned(str(error))}"
            sent, missing = attrs.evolve(state.sent, owed=()), (words,)
        if isinstance(sent, Absent):
            raise await settle.drop(self.account, intent, index, sent)
        sent = self.account.cleaned_sent(sent)
        await self.account.machinery.journal.attached(intent, index, sent, missing)

    # --- the end ------------------------------------------------------------------------------------------
    async def _record(self, intent: Intent, error: BaseException) -> None:
        """Write what the caller will be told, so that another process can read why."""
        if not isinstance(error, errors.SocialKitError):
            return
        data = {"status": self._status(intent, error).value, "error": plain(error)}
        await self.account.machinery.journal.append(intent, "outcome", data)

    def _status(self, intent: Intent | None, error: errors.SocialKitError) -> Status:
        if intent is not None and intent.lost:
            return Status.UNKNOWN
        if isinstance(error, errors.OutcomeUnknown):
            return Status.UNKNOWN
        if intent is not None and intent.anything_live:
            return intent.status or Status.PARTIAL
        if isinstance(error, errors.Refused):
            return Status.REFUSED
        return Status.INVALID if isinstance(error, errors.InvalidPost) else Status.FAILED

    def _failed(self, error: errors.SocialKitError) -> Outcome:
        intent, status = self.intent, self._status(self.intent, error)
        if error.account is None:
            error.account = self.name
        if status is Status.PARTIAL and intent is not None:
            error = _partly(intent, error)
        if status is Status.UNKNOWN and type(error) is errors.SocialKitError:
            cause, words = error, f"the post may be live: {error.message}"
            error = errors.OutcomeUnknown(words, account=self.name)
            error.__cause__ = cause
        if error.next_step is None or isinstance(error, errors.ReauthNeeded):
            error.next_step = next_step(error, self.name, self.key)
        return self._outcome(intent, status=status, error=error)

    def _outcome(
        self,
        intent: Intent | None,
        *,
        status: Status | None = None,
        error: errors.SocialKitError | None = None,
        replayed: bool = False,
    ) -> Outcome:
        return make_outcome(self.account, intent, self.plan, status=status, error=error, replayed=replayed)


def _partly(intent: Intent, cause: errors.SocialKitError) -> errors.ThreadPartlyPosted:
    receipt = intent.receipt()
    live = (receipt, *receipt.parts) if receipt else ()
    error = errors.ThreadPartlyPosted(
        f"{intent.account}: {len(live)} of {len(intent.parts)} posts of the thread are live; it stopped at number "
        f"{intent.next_index + 1}: {cause.message}",
        account=intent.account,
        receipts=live,
        next_index=intent.next_index,
    )
    error.__cause__ = cause
    return error


def next_step(error: errors.SocialKitError, to: str | list[str], key: str) -> str:
    """The exact call that continues without touching what is published."""
    call = f"client.publish(post, to={to!r}, idempotency_key={key!r})"
    match error:
        case errors.InvalidPost(code="stale"):
            return f"plan = client.plan(post, to={to!r}), then client.publish(plan, idempotency_key={key!r})"
        case errors.InvalidPost():
            return f"mend the post, then {call}"
        case errors.KeyReused():
            return f"client.publish(post, to={to!r}, idempotency_key=<a new key>)"
        case errors.ReauthNeeded(next_step=str(command)):
            return f"{command.partition(', then ')[0]}, then {call}"
        case errors.AuthError():
            return f"give the account a credential that may do this, then {call}"
        case errors.Halted() | errors.Held():
            return f"when it may go, {call}"
        case errors.RateLimited(retry_at=datetime() as moment):
            return f"from {to_second(moment)} on, {call}"
        case errors.OutcomeUnknown():
            return f"client.settle({key!r}) looks again and sends nothing; then {call} continues"
        case errors.Declined():
            return f"mend what the platform says, then {call}"
        case errors.ThreadPartlyPosted():
            return f"{call} continues there"
        case _:
            return f"{call} tries again"


def make_outcome(
    account: Account,
    intent: Intent | None,
    plan: TargetPlan | None = None,
    *,
    status: Status | None = None,
    error: errors.SocialKitError | None = None,
    replayed: bool = False,
) -> Outcome:
    """The outcome an intent's rows prove, with what the caller needs to go on."""
    status = status or (intent.status if intent else None) or Status.FAILED
    problems = error.problems if isinstance(error, errors.InvalidPost) else (plan.problems if plan else ())
    lost = status is Status.UNKNOWN and intent is not None
    return Outcome(
        account=account.name,
        platform=account.adapter.platform,
        status=status,
        receipt=intent.receipt() if intent else None,
        error=error,
        problems=problems,
        missing=missing_of(intent),
        deleted_at=intent.deleted_at if intent else None,
        look_again_at=look_again_at(intent, error),
        give_up_at=settle.give_up_at(account, intent) if lost and intent else None,
        next_index=intent.next_index if intent and status is Status.PARTIAL else None,
        replayed=replayed,
    )


def missing_of(intent: Intent | None) -> tuple[str, ...]:
    """What its posts lack, and what is still owed to them."""
    if intent is None:
        return ()
    told = [words for state in intent.states if state.sent for words in state.sent.missing]
    owed = [
        f"part {part}: {what}; publish again with the same key does it"
        for part, state in enumerate(intent.states, 1)
        if state.owes
        for what in (state.sent and state.sent.owed) or ("what follows the post is not done yet",)
    ]
    return (*told, *intent.missing, *owed)


def look_again_at(intent: Intent | None, error: errors.SocialKitError | None) -> datetime | None:
    """When there may be something new to see of it."""
    if isinstance(error, errors.OutcomeUnknown):
        return error.retry_at
    sent = [state.sent for state in intent.states if state.sent] if intent else []
    moments = [one.look_again_at for one in sent if one.look_again_at]
    return moments[0] if moments else None


async def ask_gate(
    gate: Gate, account: Account, plan: TargetPlan, key: str, action: Literal["publish", "edit"]
) -> Verdict:
    """The gate's verdict when it allows; raises Held or Denied with its words. A gate that fails denies."""
    now = account.machinery.clock.now()
    context = GateContext(account.name, plan.platform, plan.identity, key, now, action)
    try:
        verdict = await call_user(gate.judge, plan, context)
    except Exception as error:
        surprise = unexpected(account, error)
        words = f"{account.name}: the gate failed: {surprise.message}; nothing was sent"
        raise errors.Denied(words, account=account.name) from surprise.__cause__
    return check_verdict(verdict, account.name)


def check_verdict(verdict: Verdict, account: str) -> Verdict:
    """The verdict when it allows; raises Held or Denied with the gate's words."""
    if not isinstance(verdict, Verdict):
        words = (
            f"{account}: the gate answered {type(verdict).__name__}, which is no Verdict; nothing was sent"
        )
        raise errors.Denied(words, account=account)
    if verdict.allowed:
        return verdict
    kind = errors.Held if verdict.decision == "hold" else errors.Denied
    by = f" by {verdict.by}" if verdict.by else ""
    words = f"{account}: {verdict.decision}{by}: {verdict.reason or 'no reason given'}; nothing was sent"
    raise kind(words, account=account)


async def on_record(accounts: Iterable[Account], plan: Plan, key: str) -> dict[str, Intent]:
    """What is or may be live under the key on the accounts for which the post cannot be planned, or not be sent, now: a
    failure to plan it makes nothing of that certainly not live."""
    found = {}
    for account in accounts:
        target = plan[account.name]
        if target.errors or target.error is not None:
            facts = account.facts or await account.stored()
            identity = target.identity or (facts.identity if facts else account.adapter.identity)
            known = await account.machinery.journal.read(intent_id(identity, key)) if identity else None
            if known and (known.lost or known.anything_live) and target.content in ("", known.content):
                found[account.name] = known
    return found


def answers(target: TargetPlan, record: Intent | None) -> bool:
    """Whether the record of a post answers for it, or what is owed to it can be done, whatever is wrong with it by now:
    its schedule is over, the day's posts are spent."""
    if record is None or not record.done:
        return False
    unread = any(problem.code == "stale" or "media" in problem.field for problem in target.errors)
    return not (record.owes and unread)


def make_report(
    key: str,
    accounts: Iterable[Account],
    plan: Plan,
    runs: Sequence[TargetRun],
    records: Mapping[str, Intent],
) -> Report:
    """The outcome of every target, those that were not sent included."""
    by_name = {run.name: run for run in runs}
    outcomes = []
    for account in accounts:
        run = by_name.get(account.name)
        if run is not None and run.result is not None:
            outcomes.append(run.result)
            continue
        target, known = plan[account.name], records.get(account.name)
        if target.errors:
            error = invalid(target.errors)
            error.account, error.next_step = account.name, next_step(error, account.name, key)
            status = (known.status if known else None) or Status.INVALID
            outcomes.append(make_outcome(account, known, target, status=status, error=error))
        else:
            intent = run.intent if run else known
            outcomes.append(make_outcome(account, intent, target, error=target.error))
    return Report(key, outcomes)


async def run_all(runs: list[TargetRun]) -> list[Outcome]:
    """All targets concurrently; none delays, cancels or fails another. Cancellation lets what left come home."""
    if len(runs) <= 1:
        return [await _guarded(run) for run in runs]
    tasks = [asyncio.ensure_future(run.run()) for run in runs]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        await _wind_down(runs, tasks)
        raise
    return [task.result() for task in tasks]


async def _guarded(run: TargetRun) -> Outcome:
    """The run in a task of its own, which the caller's cancellation does not reach by itself.

    As :func:`asyncio.shield` does it, with one turn of the loop less: the run itself wakes the caller.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    task = loop.create_task(_run_to_end(run, ended))
    try:
        await ended
    except asyncio.CancelledError:
        await _wind_down([run], [task])
        raise
    return task.result()


async def _run_to_end(run: TargetRun, ended: asyncio.Future[None]) -> Outcome:
    try:
        return await run.run()
    finally:
        if not ended.done():
            ended.set_result(None)


async def _wind_down(runs: list[TargetRun], tasks: list[asyncio.Task[Outcome]]) -> None:
    for run, task in zip(runs, tasks, strict=True):
        if run.stop():
            task.cancel()
    pending = [task for task in tasks if not task.done()]
    if pending:
        await asyncio.wait(pending, timeout=GRACE)
    for task in tasks:
        if not task.done():
            task.cancel()
