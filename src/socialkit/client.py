"""The client: accounts in, posts out. :class:`AsyncClient` is the real one, :class:`Client` the same for plain code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from . import control, reading, signin
from ._clock import Clock, SystemClock
from ._loop import loop_thread
from ._process import ProcessRandom
from ._progress import Pump
from ._shelf import Shelf
from ._targets import check_aware, its_own, log_outcomes, still_valid, telling
from .accounts import Account, Accounts, Machinery, Target, Targets
from .adapters.base import Adapter
from .auth import App, Login
from .call import BoundCall
from .errors import ConfigError, InvalidPost, KeyReused
from .gate import Gate, Halt
from .journal import Intent, Journal
from .model import Post, Progress, Receipt, Report
from .plan import Plan, TargetPlan
from .plan._planner import plan_target
from .publish import TargetRun, answers, make_report, next_step, on_record, run_all
from .rate_limits import LimitState, RateLimits
from .store import Store, StoreTokens, TokenStore, open_store
from .transport import Transport

if TYPE_CHECKING:
    from . import auth
    from .media_host import MediaHost
    from .metrics import MetricsTable
    from .signin import SignIn

OnError = Literal["raise", "return"]


class AsyncClient:
    """Accounts and the two verbs, for asyncio. Hold one per application; it is safe for many tasks at once.

    Args:
        accounts: name → adapter. Adapters can also be given to each call.
        store: a file path, ":memory:" or a Store. What must outlive the process (idempotency keys, halts, tokens,
            limits) lives there. Without one everything is in memory and ``idempotency_key`` is refused.
        tokens: where credentials are kept; the store by default.
        apps: platform → :class:`App`, for signing accounts in.
        gate: asked before anything is sent.
        timeout: seconds for one answer. max_wait: seconds a call may wait for a rate limit or another process.
        media_host: puts local media where platforms that take no bytes fetch them (:class:`S3MediaHost`).
        proxy: URL of an HTTP proxy. transport: an httpx transport, for tests.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncClient() as client:
    ...         return await client.halts()
    >>> asyncio.run(main())
    []
    """

    def __init__(
        self,
        accounts: Mapping[str, Adapter] | None = None,
        *,
        store: str | os.PathLike[str] | Store | None = None,
        tokens: TokenStore | None = None,
        apps: Mapping[str, App] | None = None,
        gate: Gate | None = None,
        timeout: float = 30.0,
        max_wait: float = 60.0,
        media_host: MediaHost | None = None,
        proxy: str | None = None,
        transport: Any = None,
        clock: Clock | None = None,
    ) -> None:
        self._apps = signin.checked_apps(apps)
        self._stored = store is not None
        self._store = open_store(store)
        self._given, self._closed = self._store is store, False
        self._clock, self._gate = clock or SystemClock(), gate
        self._transport = Transport(transport=transport, proxy=proxy, timeout=timeout, clock=self._clock)
        # A source of its own in every process: a forked child must not draw the keys its parent draws.
        self._parts = Machinery(
            store=self._store,
            tokens=tokens or StoreTokens(self._store),
            transport=self._transport,
            limits=RateLimits(self._store, self._clock, max_wait=max_wait),
            journal=Journal(self._store, self._clock),
            clock=self._clock,
            random=ProcessRandom(),
            max_wait=max_wait,
            media_host=media_host,
        )
        self._known = Accounts(accounts or {}, self._parts)
        self._mark = f"auto-{self._parts.random.getrandbits(48):012x}-"

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None, **overrides: Any) -> Self:
        """A client for the accounts of ``socialkit.toml``, with a file store by default."""
        from .config import load

        return cls(**{**load(path).client_arguments(), **overrides})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections and the store this client opened; one that was given stays open. Twice does no harm."""
        self._closed = True
        for account in self._known:
            await account.keychain.aclose()
        await self._transport.aclose()
        if not self._given:
            self._store.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} accounts={sorted(self.accounts)}>"

    # --- accounts -----------------------------------------------------------------------------------------
    @property
    def accounts(self) -> dict[str, Adapter]:
        """The adapters by name."""
        return self._known.adapters

    @property
    def _accounts(self) -> Accounts:
        self._check_open()
        return self._known

    @property
    def _machinery(self) -> Machinery:
        self._check_open()
        return self._parts

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigError("this client is closed; make a new one")

    # --- signing in ---------------------------------------------------------------------------------------
    async def begin_login(
        self,
        platform: str,
        *,
        redirect_uri: str = "",
        server: str | None = None,
        capabilities: Iterable[str] = ("publish", "metrics"),
    ) -> Login:
        """A sign-in under way: send the person to its ``.url``, keep the rest for :meth:`finish_login`.

        Args:
            redirect_uri: where the browser comes back to; registered with the app on most platforms.
            server: the base URL, where people are on servers of their own (Mastodon, ...).
            capabilities: what it is for: "publish", "metrics", "replies", "delete", "messages", "identify".
        """
        return await signin.begin(
            self, platform, redirect_uri=redirect_uri, server=server, capabilities=capabilities
        )

    async def finish_login(
        self, login: Login | Mapping[str, Any], callback: str | Mapping[str, str] = ""
    ) -> auth.Account:
        """The account that signed in, its credential saved under its identity and in use in this client at once.

        ``login`` may be its ``to_dict()``. ``callback`` is the whole address the browser came back to, or what the
        person pasted (a dict by ask name, where there are several); nothing where a code was typed on another device.
        A login is good once, for all processes that share the store.

        Raises:
            LoginFailed: ``.reason`` says why; "expired", "forged" and "repeated" callbacks never reach the platform.
        """
        return await signin.finish(self, login, callback)

    async def logout(self, target: Target) -> bool:
        """End the sign-in of an account and remove its credential; True when the platform ended it too."""
        return await signin.logout(self, target)

    async def sign_ins(self, check: bool = False) -> list[SignIn]:
        """How the sign-in of every account stands; ``check`` asks the platforms, which spends a request each."""
        return await signin.sign_ins(self, check)

    # --- planning -----------------------------------------------------------------------------------------
    async def plan(self, post: Post, to: Targets) -> Plan:
        """Exactly what would be sent to each account, every problem and every change. Sends nothing."""
        return await self._plan(post, self._accounts.targets(to), Shelf(self._transport.stream))

    async def _plan(self, post: Post, accounts: list[Account], shelf: Shelf) -> Plan:
        targets = self._accounts.variant_targets(accounts) if post.variants else frozenset()
        if len(accounts) == 1:
            return Plan((await self._plan_one(post, accounts[0], shelf, targets),))
        plans = [self._plan_one(post, account, shelf, targets) for account in accounts]
        return Plan(tuple(await asyncio.gather(*plans)))

    async def _plan_one(
        self, post: Post, account: Account, shelf: Shelf, targets: frozenset[str]
    ) -> TargetPlan:
        """One target's plan."""

        async def made() -> TargetPlan:
            await account.ready()
            return await plan_target(account, post, BoundCall(account), shelf, targets=targets)

        return await its_own(account, made())

    # --- publishing ---------------------------------------------------------------------------------------
    async def publish(
        self,
        post: Post | Plan,
        to: Targets | None = None,
        *,
        idempotency_key: str | None = None,
        skip_invalid: bool = False,
        errors: OnError = "raise",
        wait: float = 60.0,
        progress: Callable[[Progress], Any] | None = None,
    ) -> Report:
        """Publish to every account at once; every account ends in one known state.

        Args:
            post: a post (with ``to=``), or a plan, which is sent as it is.
            idempotency_key: the same key never publishes twice, in any process on the store.
            skip_invalid: send to the accounts without problems; the others are "invalid" in the report.
            errors: "raise" what went wrong, or "return" the report whatever becomes of the accounts.
            wait: seconds to look for a post whose answer was lost, before it is left "unknown".
            progress: called with :class:`Progress` events.

        Raises:
            InvalidPost: with every problem; nothing was sent anywhere, and ``errors="return"`` changes nothing.
            KeyReused: the key belongs to other content; raised whatever ``errors`` says.
            SocialKitError: the account's own error for one account, PublishErrors for several; ``.report`` has all.
        """
        if errors not in ("raise", "return"):
            raise ConfigError(f'errors= is "raise" or "return", not {errors!r}')
        key = self._key(idempotency_key)
        accounts, plan = await self._planned(post, to, shelf := Shelf(self._transport.stream))
        faulty = any(one.problems or one.error for one in plan.targets)
        records = await on_record(accounts, plan, key) if faulty else {}
        if faulty and not skip_invalid:
            self._refuse_invalid(key, accounts, plan, records)
        async with Pump(progress) as pump:
            deadline = self._clock.now() + timedelta(seconds=wait)
            runs = [
                TargetRun(account, plan[name], key, shelf, self._gate, deadline, pump.tell, records.get(name))
                for account in accounts
                if not plan[name := account.name].errors or answers(plan[name], records.get(name))
            ]
            try:
                await run_all(runs)
            except asyncio.CancelledError as cancelled:
                cancelled.__dict__["report"] = make_report(key, accounts, plan, runs, records)
                raise
        report = make_report(key, accounts, plan, runs, records)
        log_outcomes(report, accounts)
        if errors == "raise" or any(isinstance(outcome.error, KeyReused) for outcome in report.outcomes):
            report.raise_for_errors()
        return report

    def _key(self, given: str | None) -> str:
        if given is None:
            return f"{self._mark}{self._machinery.random.getrandbits(64):016x}"
        if not isinstance(given, str):
            raise ConfigError(f"idempotency_key is a text of 1 to 200 characters, not {type(given).__name__}")
        if not self._stored and not given.startswith(self._mark):
            raise ConfigError(
                "idempotency_key needs a store that outlives this client: Client(..., store='socialkit.db'); "
                "store=':memory:' says that memory is meant"
            )
        if not given.strip() or len(given) > 200:
            raise ConfigError("idempotency_key is a text of 1 to 200 characters")
        return given

    async def _planned(
        self, post: Post | Plan, to: Targets | None, shelf: Shelf
    ) -> tuple[list[Account], Plan]:
        if isinstance(post, Post):
            accounts = self._accounts.targets(to)
            return accounts, await self._plan(post, accounts, shelf)
        if not isinstance(post, Plan):
            raise ConfigError(f"publish() takes a Post or a Plan, not {type(post).__name__}")
        accounts = [self._accounts.named(name) for name in post] if to is None else self._accounts.targets(to)
        if missing := [account.name for account in accounts if account.name not in post]:
            raise ConfigError(f"the plan has nothing for {', '.join(missing)}; plan the post for them")
        checks = [its_own(account, still_valid(post[account.name], account)) for account in accounts]
        return accounts, Plan(tuple(await asyncio.gather(*checks)))

    def _refuse_invalid(
        self, key: str, accounts: list[Account], plan: Plan, records: Mapping[str, Intent]
    ) -> None:
        wrong = [one for one in plan.targets if not answers(one, records.get(one.account))]
        try:
            Plan(tuple(wrong)).raise_for_problems()
        except InvalidPost as error:
            error.report = make_report(key, accounts, plan, [], records)
            error.next_step = next_step(error, list(plan), key)
            raise

    # --- after publishing ---------------------------------------------------------------------------------
    async def settle(
        self,
        what: Report | Receipt | str | None = None,
        *,
        account: str | None = None,
        found: str | Receipt | None = None,
        not_live: bool = False,
        by: str | None = None,
    ) -> Report:
        """Look for posts whose fate is unknown, and write down what is seen. Only reads; never sends.

        Args:
            what: a report, an idempotency key, or nothing for everything that is open.
            found, not_live, by: a person's word for one open post: its permalink, or that it is not live.
        """
        return await control.settle(self, what, account=account, found=found, not_live=not_live, by=by)

    async def edit(self, receipt: Receipt, post: Post, *, account: Target | None = None) -> Receipt:
        """Replace what is live by ``post``; the receipt of what is live now. Halts and the gate are asked first."""
        return await control.edit(self, receipt, post, account)

    async def delete(
        self, what: Receipt | Report | Sequence[Receipt], *, account: Target | None = None
    ) -> None:
        """Delete what is live, every part of a thread, last part first. Already gone counts as done; halts
        do not stop it."""
        await control.delete(self, what, account)

    async def halt(self, scope: Target | Literal["all"], *, reason: str, by: str) -> Halt:
        """Stop: "all", an account, a platform ("platform:x") or a key ("key:launch-1"), in every process on the store.

        When it returns, nothing it covers can leave any more; what had left is in ``.in_flight``.
        """
        return await control.halt(self, scope, reason=reason, by=by)

    async def resume(self, scope: Halt | Target | Literal["all"], *, reason: str, by: str) -> list[Halt]:
        """Lift a halt (or those with that scope); the lifted ones."""
        return await control.resume(self, scope, reason=reason, by=by)

    async def halts(self) -> list[Halt]:
        """The halts in force."""
        return await self._machinery.journal.halts()

    async def history(
        self,
        *,
        since: datetime | None = None,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Report]:
        """What was published (or tried), one report per idempotency key, oldest first. ``since`` is aware."""
        check_aware(since=since)
        return await control.history(self, since=since, account=account, key=idempotency_key)

    async def rate_limits(self) -> list[LimitState]:
        """What is left of every limit the client has met."""
        return await self._machinery.limits.snapshot()

    # --- reading ------------------------------------------------------------------------------------------
    async def fetch_metrics(
        self, what: Report | Receipt | str | Iterable[Receipt | str], *, account: Target | None = None
    ) -> MetricsTable:
        """One row per post, in as few requests as the platforms allow. A row that fails carries its error;
        nothing is raised.

        Takes a report, receipts, or permalinks.
        """
        return await reading.fetch_metrics(self, what, account)

    async def fetch_account_metrics(
        self, to: Targets, *, since: datetime | None = None, until: datetime | None = None
    ) -> MetricsTable:
        """One row per account: followers and what else the platform tells. ``since`` and ``until`` are aware."""
        check_aware(since=since, until=until)
        return await reading.fetch_account_metrics(self, to, since=since, until=until)

    async def fetch_posts(
        self,
        to: Targets,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Receipt]:
        """The accounts' own posts, newest first, at most ``limit`` per account. ``since`` and ``until`` are aware."""
        check_aware(since=since, until=until)
        return await reading.fetch_posts(self, to, since=since, until=until, limit=limit)


class Client:
    """The same as :class:`AsyncClient`, methods and arguments, for plain code: scripts, threads, Django.

    >>> with Client() as client:
    ...     client.halts()
    []
    """

    def __init__(
        self,
        accounts: Mapping[str, Adapter] | None = None,
        *,
        store: str | os.PathLike[str] | Store | None = None,
        tokens: TokenStore | None = None,
        apps: Mapping[str, App] | None = None,
        gate: Gate | None = None,
        timeout: float = 30.0,
        max_wait: float = 60.0,
        media_host: MediaHost | None = None,
        proxy: str | None = None,
        transport: Any = None,
        clock: Clock | None = None,
    ) -> None:
        self._async = AsyncClient(
            accounts,
            store=store,
            tokens=tokens,
            apps=apps,
            gate=gate,
            timeout=timeout,
            max_wait=max_wait,
            media_host=media_host,
            proxy=proxy,
            transport=transport,
            clock=clock,
        )

    @classmethod
    def from_config(cls, path: str | os.PathLike[str] | None = None, **overrides: Any) -> Self:
        """A client for the accounts of ``socialkit.toml``, with a file store by default."""
        from .config import load

        return cls(**{**load(path).client_arguments(), **overrides})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and the store this client opened; one that was given stays open. Twice does no harm."""
        loop_thread().run(self._async.aclose())

    def __repr__(self) -> str:
        return f"<Client accounts={sorted(self._async.accounts)}>"

    @property
    def accounts(self) -> dict[str, Adapter]:
        """The adapters by name."""
        return self._async.accounts

    def begin_login(
        self,
        platform: str,
        *,
        redirect_uri: str = "",
        server: str | None = None,
        capabilities: Iterable[str] = ("publish", "metrics"),
    ) -> Login:
        """A sign-in under way; see :meth:`AsyncClient.begin_login`."""
        beginning = self._async.begin_login(
            platform, redirect_uri=redirect_uri, server=server, capabilities=capabilities
        )
        return loop_thread().run(beginning)

    def finish_login(
        self, login: Login | Mapping[str, Any], callback: str | Mapping[str, str] = ""
    ) -> auth.Account:
        """The account that signed in; see :meth:`AsyncClient.finish_login`."""
        return loop_thread().run(self._async.finish_login(login, callback))

    def logout(self, target: Target) -> bool:
        """End the sign-in of an account; see :meth:`AsyncClient.logout`."""
        return loop_thread().run(self._async.logout(target))

    def sign_ins(self, check: bool = False) -> list[SignIn]:
        """How the sign-in of every account stands; see :meth:`AsyncClient.sign_ins`."""
        return loop_thread().run(self._async.sign_ins(check))

    def plan(self, post: Post, to: Targets) -> Plan:
        """Exactly what would be sent to each account; see :meth:`AsyncClient.plan`."""
        return loop_thread().run(self._async.plan(post, to))

    def publish(
        self,
        post: Post | Plan,
        to: Targets | None = None,
        *,
        idempotency_key: str | None = None,
        skip_invalid: bool = False,
        errors: OnError = "raise",
        wait: float = 60.0,
        progress: Callable[[Progress], Any] | None = None,
    ) -> Report:
        """Publish to every account at once; see :meth:`AsyncClient.publish`.

        Ctrl-C before the bytes leave sends nothing; after, the KeyboardInterrupt carries the ``.report``.
        """
        sending = self._async.publish(
            post,
            to,
            idempotency_key=idempotency_key,
            skip_invalid=skip_invalid,
            errors=errors,
            wait=wait,
            progress=progress,
        )
        return loop_thread().run(telling(sending))

    def settle(
        self,
        what: Report | Receipt | str | None = None,
        *,
        account: str | None = None,
        found: str | Receipt | None = None,
        not_live: bool = False,
        by: str | None = None,
    ) -> Report:
        """Look for posts whose fate is unknown; see :meth:`AsyncClient.settle`."""
        return loop_thread().run(
            self._async.settle(what, account=account, found=found, not_live=not_live, by=by)
        )

    def edit(self, receipt: Receipt, post: Post, *, account: Target | None = None) -> Receipt:
        """Replace what is live; see :meth:`AsyncClient.edit`."""
        return loop_thread().run(self._async.edit(receipt, post, account=account))

    def delete(self, what: Receipt | Report | Sequence[Receipt], *, account: Target | None = None) -> None:
        """Delete what is live; see :meth:`AsyncClient.delete`."""
        return loop_thread().run(self._async.delete(what, account=account))

    def halt(self, scope: Target | Literal["all"], *, reason: str, by: str) -> Halt:
        """Stop everything the scope covers; see :meth:`AsyncClient.halt`."""
        return loop_thread().run(self._async.halt(scope, reason=reason, by=by))

    def resume(self, scope: Halt | Target | Literal["all"], *, reason: str, by: str) -> list[Halt]:
        """Lift halts; see :meth:`AsyncClient.resume`."""
        return loop_thread().run(self._async.resume(scope, reason=reason, by=by))

    def halts(self) -> list[Halt]:
        """The halts in force."""
        return loop_thread().run(self._async.halts())

    def history(
        self,
        *,
        since: datetime | None = None,
        account: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[Report]:
        """What was published; see :meth:`AsyncClient.history`."""
        return loop_thread().run(
            self._async.history(since=since, account=account, idempotency_key=idempotency_key)
        )

    def rate_limits(self) -> list[LimitState]:
        """What is left of every limit the client has met."""
        return loop_thread().run(self._async.rate_limits())

    def fetch_metrics(
        self, what: Report | Receipt | str | Iterable[Receipt | str], *, account: Target | None = None
    ) -> MetricsTable:
        """One row per post; see :meth:`AsyncClient.fetch_metrics`."""
        return loop_thread().run(self._async.fetch_metrics(what, account=account))

    def fetch_account_metrics(
        self, to: Targets, *, since: datetime | None = None, until: datetime | None = None
    ) -> MetricsTable:
        """One row per account; see :meth:`AsyncClient.fetch_account_metrics`."""
        return loop_thread().run(self._async.fetch_account_metrics(to, since=since, until=until))

    def fetch_posts(
        self,
        to: Targets,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Receipt]:
        """The accounts' own posts; see :meth:`AsyncClient.fetch_posts`."""
        return loop_thread().run(self._async.fetch_posts(to, since=since, until=until, limit=limit))
