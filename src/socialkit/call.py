"""An adapter's way to the world: every request passes here, and here it is decided whether it may be repeated."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from . import errors
from ._clock import to_second, to_text
from ._convert import plain
from .adapters._errors import retry_at as _retry_at
from .adapters.base import (
    AccountFacts,
    Blob,
    Card,
    Credential,
    Fence,
    Found,
    PartMedia,
    Request,
    Response,
    Sent,
    Slice,
)
from .auth import wants_nonce
from .gate import ALLOW, Verdict
from .media_host import hosted
from .store import Store, pause
from .transport import AnswerLost, Unreachable, redact

if TYPE_CHECKING:
    from ._shelf import Shelf
    from .accounts import Account
    from .journal import Intent
    from .model import JSON, Captions, Medium

_BODY = ("params", "json", "form", "content", "multipart", "timeout")
_WORDS = 300
"""How much of what a platform says is repeated."""
COMMIT_ATTEMPTS = 4
"""How often one commit is tried in one call, when each earlier try certainly made nothing or a fence holds."""

Tell = Callable[..., None]


@attrs.define
class PartWork:
    """The part a call works on: its intent, the media at hand, and whether its bytes have begun to leave."""

    intent: Intent
    index: int
    shelf: Shelf
    media: Mapping[str, Medium | Captions]
    verdict: Verdict = ALLOW
    tell: Tell = lambda stage, **details: None
    crossed: bool = False
    stopping: bool = False
    secrets: dict[str, Any] = attrs.field(factory=dict)
    unkept: set[str] = attrs.field(factory=set)
    fresh: dict[str, tuple[JSON, str | None]] = attrs.field(factory=dict)
    uploads: list[Any] = attrs.field(factory=list)

    @property
    def state(self) -> Any:
        return self.intent.states[self.index]

    @property
    def attempt(self) -> int:
        return len(self.state.attempts)


class Stopped(Exception):
    """The caller gave up before the bytes left; nothing was sent."""


class BoundCall:
    """Implements :class:`~socialkit.adapters.base.Call` for one account, and one part when there is one."""

    def __init__(
        self,
        owner: Account,
        *,
        work: PartWork | None = None,
        steps: Collection[str] = ("read",),
        signed: bool = True,
        facts: AccountFacts | None = None,
    ) -> None:
        self._owner = owner
        self._machinery = owner.machinery
        self._work = work
        self._steps = frozenset(steps)
        self._signed = signed
        self._facts = facts
        self.account = owner.name
        self.random: random.Random = owner.machinery.random

    # --- what the adapter may know ------------------------------------------------------------------------
    @property
    def facts(self) -> AccountFacts:
        facts = self._facts or self._owner.facts
        assert facts is not None, "facts are not known inside Adapter.account"
        return facts

    @property
    def previous(self) -> Sent | None:
        work = self._work
        return work.intent.states[work.index - 1].sent if work and work.index else None

    @property
    def root(self) -> Sent | None:
        return self._work.intent.states[0].sent if self._work and self._work.index else None

    @property
    def lost(self) -> bool:
        return bool(self._work and self._work.state.lost)

    def now(self) -> datetime:
        return self._owner.now()

    async def signed_by(self) -> Credential:
        return await self._owner.credential()

    # --- the four steps -----------------------------------------------------------------------------------
    async def read(self, method: str, url: str, /, **request: Unpack[Request]) -> Response:
        return await self._repeatable("read", method, url, request)

    async def prepare(self, method: str, url: str, /, **request: Unpack[Request]) -> Response:
        return await self._repeatable("prepare", method, url, request)

    async def attach(
        self, method: str, url: str, /, *, repeatable: bool = False, **request: Unpack[Request]
    ) -> Response:
        if repeatable:
            return await self._repeatable("attach", method, url, request)
        if self._work is None or not self._work.intent.id:
            return await self._once("attach", method, url, request, lost=errors.OutcomeUnknown)
        passage = _Attaching(self)
        try:
            return await self._once(
                "attach", method, url, request, passage.cross, passage.out, lost=errors.OutcomeUnknown
            )
        finally:
            passage.out()

    async def commit(
        self,
        method: str,
        url: str,
        /,
        *,
        fence: Fence | None = None,
        mark: JSON = None,
        **request: Unpack[Request],
    ) -> Response:
        self._allow("commit")
        work = self._work
        assert work is not None
        if work.unkept:  # what find() will ask with must be in the store before anything can be lost
            await self.keep()
        await self._check_uploads()
        for _ in range(COMMIT_ATTEMPTS - 1):
            try:
                return await self._commit_once(method, url, fence, mark, request)
            except errors.OutcomeUnknown as error:
                if isinstance(error.__cause__, errors.Declined) or not self._fence_holds(fence):
                    raise  # a refusal that may not be true is no lost answer: the same again gets the same no
                assert fence is not None
                await self._machinery.clock.sleep(max(1.0, fence.repeat_after))
                if await self._is_live():
                    raise
            except errors.Unavailable:
                await self._machinery.clock.sleep(1.0 + self.random.random())
            except errors.RateLimited as error:
                await self._wait_for(error)
        return await self._commit_once(method, url, fence, mark, request)

    # --- memory -------------------------------------------------------------------------------------------
    def recall(self, name: str) -> Any:
        if self._work is None:
            return None
        if name in self._work.secrets:
            return self._work.secrets[name]
        value, expires = self._work.state.prepared.get(name, (None, None))
        return value if expires is None or expires > self._machinery.clock.now() else None

    def remember(
        self, name: str, value: JSON, *, expires_in: float | None = None, secret: bool = False
    ) -> None:
        work = self._work
        if work is None:
            return
        if secret:
            work.secrets[name] = value
            work.unkept.add(name)
            self._owner.conceal(value)
            return
        value, expires = self._owner.cleaned_json(value), None
        if expires_in is not None:
            expires = self._machinery.clock.now() + timedelta(seconds=expires_in)
        work.state.prepared[name] = (value, expires)
        work.fresh[name] = (value, to_text(expires) if expires else None)

    async def keep(self) -> None:
        """What was remembered is in the store before the next request of the part leaves."""
        work = self._work
        if work is None:
            return
        while work.unkept:
            name = work.unkept.pop()
            await self._machinery.journal.secret(work.intent, work.index, name, work.secrets[name])
        if work.fresh:
            values, work.fresh = {name: list(pair) for name, pair in work.fresh.items()}, {}
            data = {"part": work.index, "values": values}
            await self._machinery.journal.append(work.intent, "prepared", data)

    # --- media --------------------------------------------------------------------------------------------
    async def open(self, medium: PartMedia) -> Blob:
        assert self._work is not None, "media are opened while a part is sent"
        from .media import DigestingBlob

        blob = await self._work.shelf.open(self.account, medium, self._work.media)
        watched = DigestingBlob(blob, expected=medium.digest, progress=self._progress_of(medium))
        self._work.uploads.append((medium, watched))
        return watched

    async def host(self, medium: PartMedia) -> str:
        given = medium.source.removeprefix("url:")
        if given != medium.source and medium.edit is None:
            return given
        return await hosted(self, medium, self._machinery.media_host)

    def _progress_of(self, medium: PartMedia) -> Callable[[int], None]:
        work = self._work
        assert work is not None
        media = work.intent.parts[work.index].media
        index = next((i for i, item in enumerate(media) if item.digest == medium.digest), None)

        def report(position: int) -> None:
            work.tell("uploading", part=work.index, medium=index, sent=position, total=medium.size)

        return report

    async def _check_uploads(self) -> None:
        """What was uploaded is what was planned; ranges an earlier process sent are read again for it."""
        if self._work is None or not self._work.uploads:
            return
        from ._shelf import stale
        from .media import MediaError, verify

        for medium, watched in self._work.uploads:
            try:
                same = await verify(medium, watched)
            except MediaError as error:
                raise stale(self.account, medium, str(error)) from error
            if not same:
                raise stale(self.account, medium, "its bytes changed since it was planned")

    async def card(self, url: str) -> Card | None:
        from .cards import CardError, read_card

        try:
            return await read_card(url, self._machinery.transport.stream)
        except CardError:
            return None

    # --- waiting ------------------------------------------------------------------------------------------
    async def poll(
        self,
        look: Callable[[], Awaitable[Response]],
        ready: Callable[[Response], bool],
        *,
        waits: Iterable[float] = (1, 2, 4, 8),
        limit: float = 600,
    ) -> Response:
        await self.keep()
        spent, last, steps = 0.0, 1.0, iter(waits)
        while not ready(response := await look()):
            last = next(steps, last)
            if spent + last > limit:
                raise errors.Unavailable(
                    "the platform is still processing the media; nothing is published yet",
                    account=self.account,
                    retry_at=self._machinery.clock.now() + timedelta(seconds=60),
                    next_step="publish again with the same idempotency_key; it goes on here",
                )
            self._tell("processing")
            await self._machinery.clock.sleep(last)
            spent += last
        return response

    async def listen(self, url: str, /, *, done: Callable[[str], bool], limit: float = 60) -> str | None:
        self._allow("read")
        await self.keep()
        self._tell("processing")
        home = self._owner.adapter.server
        try:
            return await self._machinery.transport.listen(url, home=home, done=done, limit=limit)
        except (AnswerLost, Unreachable):
            return None

    # --- one request --------------------------------------------------------------------------------------
    def _allow(self, step: str) -> None:
        if step not in self._steps:
            raise RuntimeError(f"{self._owner.adapter.platform}: a {step} request is not allowed here")

    async def _repeatable(self, step: str, method: str, url: str, request: Request) -> Response:
        self._allow(step)
        if step == "prepare":
            await self.keep()
        return await self._machinery.transport.retry(
            lambda: self._once(step, method, url, request),
            step=step,
            retry_at=lambda error: getattr(error, "retry_at", None),
            retryable=lambda error: isinstance(error, errors.Unavailable | errors.RateLimited),
            max_wait=self._machinery.max_wait,
        )

    async def _once(
        self,
        step: str,
        method: str,
        url: str,
        request: Request,
        before: Callable[[], Awaitable[None]] | None = None,
        sent: Callable[[], None] | None = None,
        *,
        lost: type[errors.PlatformError] = errors.Unavailable,
    ) -> Response:
        """One request; ``lost`` is what a lost answer means: that it may be repeated, or that nobody knows."""
        self._allow(step)
        try:
            return await self._signed_once(step, method, url, request, before, sent)
        except Unreachable as error:
            raise self._error(errors.Unavailable, f"could not be reached: {error.reason}") from None
        except AnswerLost as error:
            raise self._error(lost, f"the answer was lost: {error.reason}") from None

    async def _signed_once(
        self,
        step: str,
        method: str,
        url: str,
        request: Request,
        before: Callable[[], Awaitable[None]] | None = None,
        sent: Callable[[], None] | None = None,
    ) -> Response:
        """Send; an answer that a fresh access token, or the server's nonce, may cure is cured once."""
        for renewed in (False, True):
            credential = await self._credential(request)
            response = await self._exchange(step, method, url, request, credential, before, sent)
            if credential is not None and credential.kind == "dpop" and wants_nonce(response):
                if step == "commit":
                    await self._refused(self._refusal(response))
                response = await self._exchange(step, method, url, request, credential, before, sent)
            if self._taken(response, request):
                return response
            error = self._refusal(response)
            curable = getattr(error, "refreshable", False) and self._signed and "credential" not in request
            if renewed or not curable or credential is None or request.get("auth") is False:
                raise error
            if step == "commit":
                await self._refused(error)
            await self._owner.renew(credential)
        raise AssertionError("unreachable")

    def _taken(self, response: Response, request: Request) -> bool:
        if 200 <= response.status < 300:
            return not (self._signed and self._owner.adapter.says_no(response))
        return response.status in request.get("accept", ())

    async def _credential(self, request: Request) -> Credential | None:
        if "credential" in request:
            return request["credential"]
        if not self._signed or request.get("auth") is False:
            return None
        return await self._owner.credential()

    async def _exchange(
        self,
        step: str,
        method: str,
        url: str,
        request: Request,
        credential: Credential | None,
        before: Callable[[], Awaitable[None]] | None,
        sent: Callable[[], None] | None,
    ) -> Response:
        owner, limits = self._owner, self._machinery.limits
        target = owner.absolute(url)
        budgets = owner.budgets
        cost = request.get("cost")
        place = (owner.budget_keys, budgets, method, owner.path(target)) if budgets and cost != 0 else None
        went_at = None
        if place is not None:
            went_at = await limits.reserve(*place, cost=cost, on_wait=self._on_wait, offset=owner.offset_told)
        headers = dict(request.get("headers", {}))
        if credential is not None:
            headers |= owner.headers(credential, method, _with_query(target, request.get("params")))
        body: dict[str, Any] = {name: value for name, value in request.items() if name in _BODY}
        response = await self._machinery.transport.send(
            method,
            target,
            step=step,
            headers=headers,
            before=before,
            sent=sent,
            at_last_piece=before is not None
            and ("multipart" in body or isinstance(body.get("content"), Slice)),
            secrets=owner.secrets(),
            **body,
        )
        owner.learn_time(response)
        if credential is not None and credential.kind == "dpop":
            owner.learn_nonce(target, response)
        if place is None or went_at is None:
            return response
        if (readings := owner.adapter.read_limits(response)) or response.status == 429:
            told: Any = {"status": response.status, "retry_at": _retry_at(response)}
            await limits.learn(*place, readings, offset=owner.offset_told, **told)
        if self._made_nothing(response, request):
            await limits.give_back(*place, went_at, cost=cost)
        return response

    def _made_nothing(self, response: Response, request: Request) -> bool:
        return not self._taken(response, request) and _is_definite(self._owner.adapter.parse_error(response))

    def _on_wait(self, until: datetime) -> None:
        self._tell("waiting", detail=f"for a rate limit until {to_second(until)}")

    def _tell(self, stage: str, **details: Any) -> None:
        if self._work:
            self._work.tell(stage, part=self._work.index, **details)

    def _refusal(self, response: Response) -> errors.SocialKitError:
        error = self._owner.adapter.parse_error(response)
        error.account = self.account
        if isinstance(error, errors.ReauthNeeded) and self._signed:
            self._owner.name_repair(error)
        if isinstance(error, errors.RateLimited) and error.retry_at is None:
            readings = self._owner.adapter.read_limits(response)
            resets = [
                reading.resets_at for reading in readings if reading.resets_at and not reading.remaining
            ]
            error.retry_at = max(resets) + timedelta(seconds=1) if resets else None
        secrets = self._owner.secrets()
        for name in ("said", "code", "request_id"):
            if told := getattr(error, name, None):
                cleaned = _shortened(redact(told, secrets))  # in this order: half a secret is one, too
                error.args = (error.message.replace(told, cleaned),)
                error.__dict__[name] = cleaned
        error.args = (redact(error.message, secrets),)
        return error

    def _error(self, kind: type[errors.PlatformError], words: str) -> errors.PlatformError:
        return kind(redact(words, self._owner.secrets()), account=self.account)

    # --- the commit ---------------------------------------------------------------------------------------
    async def _commit_once(
        self, method: str, url: str, fence: Fence | None, mark: JSON, request: Request
    ) -> Response:
        """One try. It ends in an answer, in a definite refusal (journaled), or in OutcomeUnknown."""
        work = self._work
        assert work is not None
        passage = _Passage(self, fence, mark)
        try:
            response = await self._signed_once("commit", method, url, request, passage.cross, passage.out)
        except Unreachable as error:
            raise self._error(errors.Unavailable, f"could not be reached: {error.reason}") from None
        except AnswerLost as error:
            raise self._error(errors.OutcomeUnknown, f"the answer was lost: {error.reason}") from None
        except errors.SocialKitError as error:
            if not work.crossed or passage.attempt is None:
                raise
            if _is_definite(error):
                await self._refused(error)
                raise
            raise self._error(errors.OutcomeUnknown, f"the platform failed: {error.message}") from error
        finally:
            passage.out()
        return response

    async def _refused(self, error: errors.SocialKitError) -> None:
        work = self._work
        assert work is not None
        data = {"part": work.index, "attempt": work.attempt, "error": plain(error)}
        await self._machinery.journal.append(work.intent, "refused", data, durable=True)
        work.crossed = False

    async def _is_live(self) -> bool:
        """Whether a look already sees what the lost commit made: then even a fence that fails makes no second one."""
        from .settle import find

        work = self._work
        assert work is not None
        return isinstance(await find(self._owner, work.intent, work.index, work.shelf), Found)

    def _fence_holds(self, fence: Fence | None) -> bool:
        if fence is None or fence.honoured != "proved" or self._work is None or self._work.stopping:
            return False
        began = self._work.state.began_at
        age = (self._machinery.clock.now() - began).total_seconds() if began else 0.0
        return fence.valid_for is None or age < fence.valid_for

    async def _wait_for(self, error: errors.RateLimited) -> None:
        """Wait out a refusal by a rate limit when that is soon enough."""
        now = self._machinery.clock.now()
        wait = ((error.retry_at or now + timedelta(seconds=5)) - now).total_seconds()
        if wait > self._machinery.max_wait:
            raise error
        await self._machinery.clock.sleep(max(0.0, wait))


class _Passage:
    """Crossing the line: the ``sending`` row is written, under the lock that a halt waits for, until the
    bytes are out."""

    def __init__(self, call: BoundCall, fence: Fence | None, mark: JSON) -> None:
        self.call, self.fence, self.mark = call, fence, mark
        self.attempt: int | None = None
        self._inside = False

    async def cross(self) -> None:
        work = self.call._work
        assert work is not None
        if work.stopping:
            raise Stopped
        await _enter(self.call._machinery.store)
        self._inside = True
        try:
            await self.write(work)
        except BaseException:
            self.out()
            raise

    async def write(self, work: PartWork) -> None:
        """The row without which nothing leaves."""
        call = self.call
        values, work.fresh = {name: list(pair) for name, pair in work.fresh.items()}, {}
        self.attempt = await call._machinery.journal.sending(
            work.intent,
            work.index,
            server_at=call.now(),
            mark=self.mark,
            fence=self.fence,
            values=values,
            verdict=work.verdict,
        )
        work.crossed = True
        work.tell("sending", part=work.index)

    def out(self) -> None:
        if self._inside:
            self._inside = False
            self.call._machinery.store.leave()


class _Attaching(_Passage):
    """The same for a request after the commit that must not be repeated."""

    def __init__(self, call: BoundCall) -> None:
        super().__init__(call, None, None)

    async def write(self, work: PartWork) -> None:
        await self.call._machinery.journal.attaching(work.intent, work.index)


async def _enter(store: Store) -> None:
    """Into the passage all commits share; a halt holds newcomers back for an instant."""
    while not store.try_enter():  # noqa: ASYNC110 - the lock is held by other processes; nothing can signal us
        await asyncio.sleep(pause())


def _shortened(words: str) -> str:
    return words if len(words) <= _WORDS else f"{words[: _WORDS - 1]}…"


def _is_definite(error: errors.SocialKitError) -> bool:
    """Whether an answer proves that this attempt made nothing."""
    if isinstance(error, errors.Duplicate | errors.OutcomeUnknown):
        return False
    definite: bool = error.__dict__.get("definite", not isinstance(error, errors.Unavailable))
    return definite


def _with_query(url: str, params: Any) -> str:
    if not params:
        return url
    from urllib.parse import urlencode

    pairs = list(params.items()) if hasattr(params, "items") else list(params)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs, doseq=True)}"
