"""The accounts of a client: each with its credential, what its server told, its clock; found by name or receipt."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary, WeakValueDictionary

import attrs

from . import auth
from ._clock import Clock
from ._convert import plain, structure
from ._loop import is_of_this_loop
from ._version import __version__
from .adapters.base import AccountFacts, Adapter, Credential, Response, Sent
from .errors import ConfigError, OutcomeUnknown, ReauthNeeded, SocialKitError, Unavailable
from .journal import Intent, Journal
from .model import JSON, Identity, Receipt
from .plan import digest
from .rate_limits import BudgetKeys, RateLimits
from .rules import Budget, Rules
from .store import Store, TokenStore, Tx, transact
from .transport import redact

if TYPE_CHECKING:
    from .media_host import MediaHost
    from .transport import Transport


_log = logging.getLogger("socialkit")
_WARNED: set[tuple[Identity, datetime]] = set()
"""The ends of sign-ins that were told in this process."""


@attrs.define
class Machinery:
    """What all accounts of a client share."""

    store: Store
    tokens: TokenStore
    transport: Transport
    limits: RateLimits
    journal: Journal
    clock: Clock
    random: random.Random
    max_wait: float
    media_host: MediaHost | None = None


def unexpected(account: Account, error: Exception) -> SocialKitError:
    """What nobody foresaw (an answer of another shape, a user's callable that broke), as an error of ours."""
    told = f"unexpected {type(error).__name__}: {error}"
    wrapped = SocialKitError(words := redact(told, account.secrets()), account=account.name)
    wrapped.__cause__ = error if words == told else None  # a traceback would show what was redacted
    return wrapped


def hide(error: SocialKitError, secrets: Iterable[str]) -> None:
    """Take secrets out of what an error says, and cut it off from a cause that repeats one."""
    hidden = tuple(secrets)
    cause = error.__cause__ or error.__context__
    if cause is not None and redact(str(cause), hidden) != str(cause):
        error.__cause__ = error.__context__ = None
    error.args = (redact(error.message, hidden), *error.args[1:])
    for name in ("said", "code", "request_id"):
        if isinstance(told := error.__dict__.get(name), str):
            error.__dict__[name] = redact(told, hidden)


@contextmanager
def foreseen(account: Account) -> Iterator[None]:
    """Only errors of ours come out of the block, and none that repeats a secret of the account."""
    try:
        yield
    except SocialKitError as error:
        error.account = error.account or account.name
        hide(error, account.secrets())
        raise
    except Exception as error:
        wrapped = unexpected(account, error)
        raise wrapped from wrapped.__cause__


_NEVER = timedelta(days=1)
"""By how much no server's clock is wrong: signing in would not work. Such a ``Date`` is a proxy's, or nonsense."""
_HANDLES, _HANDLE = 256, 16
"""How many texts of upload sessions an account remembers to hide, and how long one is at least."""
_PLAIN = re.compile(r".*\s.*|[\d_]+|urn:[\w:]+|https?://[^/?]+/?|[\w.+-]+/[\w.+-]+")
"""Words, ids, hosts and MIME types, which hide nothing."""


class Account:
    """One account of a client: the adapter, and everything about it that lives longer than a call."""

    def __init__(self, name: str, adapter: Adapter, machinery: Machinery) -> None:
        self.name, self.adapter, self.machinery = name, adapter, machinery
        self.keychain = auth.Keychain(adapter, machinery.tokens, self.now)
        self.facts: AccountFacts | None = None
        self.offset = timedelta()
        self.offset_told: float | None = None
        """The same in seconds; None before any answer told it."""
        self.nonces: dict[str, str] = {}
        self._rules: tuple[Rules, str] | None = None
        self._known: AccountFacts | None = None
        """The facts in hand, old ones that are asked for again included."""
        self._keys: tuple[tuple[Credential, AccountFacts | None], BudgetKeys] | None = None
        self._hidden: tuple[Credential, Credential, tuple[str, ...]] | None = None
        self._handles: deque[str] = deque(maxlen=_HANDLES)
        self._asking: asyncio.Future[AccountFacts] | None = None

    @property
    def login(self) -> str:
        """Which login this is, before its identity is known."""
        return f"{self.adapter.platform}|{self.adapter.server}|{self.adapter.hint}"

    @property
    def hosts(self) -> bool:
        """Whether local media can be put where a platform fetches them."""
        return self.machinery.media_host is not None

    @property
    def budget_keys(self) -> BudgetKeys:
        made_of = (self.keychain.held, self._known)
        if self._keys is None or self._keys[0][0] is not made_of[0] or self._keys[0][1] is not made_of[1]:
            self._keys = (made_of, self._budget_keys(self._known))
        return self._keys[1]

    def _budget_keys(self, facts: AccountFacts | None) -> BudgetKeys:
        """Whose budgets they are; before anybody knows who it is, those of the login."""
        app = self.adapter.app_of(self.keychain.held)
        who = facts.identity.id if facts else self.adapter.hint
        owners = facts.owners if facts else {}
        base = f"{self.adapter.platform}|{self.adapter.server}"
        return BudgetKeys(
            app=f"{base}|{app}",
            account=f"{base}|{who}",
            user=f"{base}|{app}|{owners.get('user', who)}" if facts else None,
            host=f"{self.adapter.platform}|{owners.get('host', self.adapter.server)}",
        )

    def now(self) -> datetime:
        """The server's time, as far as its answers told."""
        return self.machinery.clock.now() + self.offset

    def learn_time(self, response: Response) -> None:
        if (date := response.headers.get("date")) is None:
            return
        try:
            told = parsedate_to_datetime(date)
            gap = told.replace(tzinfo=told.tzinfo or UTC) - (
                response.received_at or self.machinery.clock.now()
            )
        except (ValueError, OverflowError):
            return
        if abs(gap) > _NEVER:
            return
        self.offset = gap if abs(gap) > timedelta(seconds=2) else timedelta()
        self.offset_told = self.offset.total_seconds()

    def learn_nonce(self, url: str, response: Response) -> None:
        """Keep what the server wants to find in the next proof; each origin has its own."""
        if nonce := response.headers.get("dpop-nonce"):
            self.nonces[auth.origin(url)] = nonce

    @property
    def rules(self) -> Rules:
        """The rules as this account's server narrows them."""
        assert self._rules is not None, "the account has not been asked yet"
        return self._rules[0]

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What its requests spend: the platform's budgets, those of the account's own server once it is known."""
        return (self._rules[0] if self._rules else self.adapter.rules).budgets

    @property
    def rules_digest(self) -> str:
        """Changes when the limits a plan was checked against change."""
        assert self._rules is not None, "the account has not been asked yet"
        return self._rules[1]

    def _know(self, facts: AccountFacts) -> None:
        rules = self.adapter.rules_for(facts)
        self.facts, self._known, self._rules = facts, facts, (rules, digest(plain(rules)))

    async def ready(self) -> AccountFacts:
        """The account's facts: in hand, stored, or asked for once however many want them."""
        if self.facts is not None and self._fresh(self.facts):
            return self.facts
        if not is_of_this_loop(self._asking):
            self._asking = asyncio.ensure_future(self._learn())
            self._asking.add_done_callback(self._asked)
        assert self._asking is not None
        return await asyncio.shield(self._asking)

    def _asked(self, done: asyncio.Future[AccountFacts]) -> None:
        self._asking = None if self._asking is done else self._asking
        if not done.cancelled():
            done.exception()

    def _fresh(self, facts: AccountFacts) -> bool:
        age = self.machinery.clock.now() - (facts.read_at or self.machinery.clock.now())
        return age.total_seconds() < facts.ttl

    async def _learn(self) -> AccountFacts:
        stored = await self.stored()
        if stored is not None and self._fresh(stored):
            self._know(stored)
            return stored
        self._known = self._known or stored
        return await self.ask(stored.identity if stored else None)

    async def stored(self) -> AccountFacts | None:
        """What any process on the store was told last, however long ago."""
        data = await transact(self.machinery.store, lambda tx: tx.get("facts", self.login))
        if not data or data.pop("by", None) != __version__:
            return None  # another version of this library may have kept other facts
        return structure(AccountFacts, data)

    async def ask(self, known: Identity | None = None) -> AccountFacts:
        """Ask the platform now, and keep the answer for every process on the store."""
        from .call import BoundCall

        with self._sign_in_named():
            told = await self.adapter.account(BoundCall(self))
        for bound in (known, self.adapter.identity):
            auth.check_identity(bound, told.identity, self.name)
        facts = attrs.evolve(told, read_at=self.machinery.clock.now())
        kept: Any = plain(facts)

        def keep(tx: Tx) -> None:
            tx.put("facts", self.login, {**kept, "by": __version__})

        await self.book_on(facts, keep)
        self._know(facts)
        return facts

    async def book_on(self, facts: AccountFacts, also: Callable[[Tx], None] = lambda tx: None) -> None:
        """What was booked before anybody knew whose login it is, is the account's; ``also`` in the same transaction."""
        limits, budgets = self.machinery.limits, self.adapter.rules.budgets
        before, after = self.budget_keys, self._budget_keys(facts)

        def work(tx: Tx) -> None:
            also(tx)
            limits.move(tx, budgets, before, after, self.offset_told)

        await transact(self.machinery.store, work)
        if before != after:
            limits.moved()

    async def credential(self) -> Credential:
        with self._sign_in_named():
            credential = await self.keychain.current(self._renew)
        self._warn_of_end(credential)
        return credential

    async def renew(self, old: Credential) -> Credential:
        with self._sign_in_named():
            return await self.keychain.renewed(old, self._renew)

    @contextmanager
    def _sign_in_named(self) -> Iterator[None]:
        """Errors about the sign-in say whose it is, and the command that repairs it."""
        try:
            yield
        except OutcomeUnknown as lost:
            raise self._not_renewed(lost) from lost
        except ReauthNeeded as error:
            self.name_repair(error)
            raise

    def name_repair(self, error: ReauthNeeded) -> None:
        """Put the command that signs in again into an error."""
        command = auth.login_command(self.adapter, self.name)
        error.account, error.next_step = self.name, error.next_step or command

    def _warn_of_end(self, credential: Credential) -> None:
        """Say once, a week ahead, that a person has to sign in again."""
        if (ends := auth.ends_for_good(credential)) is None or ends - self.now() > auth.SOON:
            return
        if (mark := (self.keychain.identity, ends)) in _WARNED or ends <= self.now():
            return
        _WARNED.add(mark)
        command = auth.login_command(self.adapter, self.name)
        days = max(1, round((ends - self.now()).total_seconds() / 86400))
        left = "in one day" if days == 1 else f"in {days} days"
        _log.warning("%s: the sign-in ends %s and cannot be renewed: %s", self.name, left, command)

    def _not_renewed(self, lost: OutcomeUnknown) -> Unavailable:
        """A renewal whose answer is lost leaves the token unknown, not the post: that was not sent."""
        return Unavailable(f"the token could not be renewed: {lost.message}", account=self.name)

    async def _renew(self, old: Credential) -> Credential:
        from .auth import _engine
        from .call import BoundCall

        call = BoundCall(self, signed=False, steps=("read", "prepare", "attach"))
        flow = auth.flow_of(self.adapter, old)
        if flow is None or _engine.renewed_by(flow) is None:
            return await self.adapter.refresh(old, call)
        return await _engine.renew(flow, old, self.adapter.server, call)

    def headers(self, credential: Credential, method: str, url: str) -> dict[str, str]:
        """The headers that sign one request."""
        if credential.kind in auth.MACHINE_SIGNED:
            return auth.signed_headers(credential, method, url, self.now(), self.nonces)
        return self.adapter.authorize(credential)

    def path(self, url: str) -> str:
        """The part of an absolute URL that budgets are matched by: below the server, without the query."""
        bare = url.partition("?")[0].partition("#")[0]
        if bare.startswith(self.adapter.server):
            return bare.removeprefix(self.adapter.server)
        return "/" + bare.partition("://")[2].partition("/")[2]

    def absolute(self, url: str) -> str:
        """The URL of a path below the server; an id that climbs out of its place (a forged receipt's) is refused."""
        if ".." in unquote(url.partition("?")[0]).split("/"):
            raise ConfigError(
                f"{self.name}: {url!r} is no address of {self.adapter.platform}", account=self.name
            )
        return url if "://" in url else f"{self.adapter.server}{url}"

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown; one or two characters would only tear holes into words."""
        seed, held = self.adapter.seed, self.keychain.held
        if self._hidden is None or self._hidden[0] is not seed or self._hidden[1] is not held:
            found = (*seed.secrets(), *held.secrets(), *self._handles)
            self._hidden = (seed, held, tuple(secret for secret in found if len(secret) > 3))
        return self._hidden[2]

    def conceal(self, value: JSON) -> None:
        """Count the texts of an upload session, or of an address that is signed, among :meth:`secrets`."""
        new = [text for text in _handles_in(value) if text not in self._handles]
        if new:
            self._handles.extend(new)
            self._hidden = None

    def cleaned(self, words: str) -> str:
        """The words without a secret of the account: adapters may repeat what a platform said."""
        return redact(words, self.secrets())

    def cleaned_json(self, value: JSON) -> JSON:
        """The same value with clean words; texts of one word, such as ids and addresses, stay as they are."""
        if isinstance(value, dict):
            return {name: self.cleaned_json(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.cleaned_json(one) for one in value]
        return self.cleaned(value) if isinstance(value, str) and " " in value else value

    def cleaned_sent(self, sent: Sent) -> Sent:
        """The same post, with clean words of what it lacks and what is owed to it."""
        if not (sent.missing or sent.owed):
            return sent
        missing, owed = (tuple(map(self.cleaned, words)) for words in (sent.missing, sent.owed))
        same = (missing, owed) == (sent.missing, sent.owed)
        return sent if same else attrs.evolve(sent, missing=missing, owed=owed)


def _handles_in(value: JSON) -> Iterator[str]:
    """The texts in it that open something: long, no words, no plain ids or hosts."""
    match value:
        case str() if len(value) >= _HANDLE and not _PLAIN.fullmatch(value):
            yield value
        case Mapping():
            yield from (text for item in value.values() for text in _handles_in(item))
        case list() | tuple():
            yield from (text for item in value for text in _handles_in(item))


Target = str | Adapter
Targets = Target | Iterable[Target]


class _Held(WeakKeyDictionary["Accounts", Account]):
    """The accounts an adapter stands for, kept by itself: they live as long as it does. It travels without them."""

    def __reduce__(self) -> tuple[type[_Held], tuple[()]]:
        return _Held, ()


class Accounts:
    """Named accounts, and those given as bare adapters, which get their platform's name."""

    def __init__(self, accounts: Mapping[str, Adapter], machinery: Machinery) -> None:
        _check_given(accounts)
        self._machinery = machinery
        self._named = {name: Account(name, adapter, machinery) for name, adapter in accounts.items()}
        self._loose: WeakValueDictionary[int, Account] = WeakValueDictionary()

    def __iter__(self) -> Iterator[Account]:
        yield from self._named.values()
        yield from list(self._loose.values())

    @property
    def adapters(self) -> dict[str, Adapter]:
        """The adapters by the names they were given."""
        return {name: account.adapter for name, account in self._named.items()}

    def named(self, target: Target) -> Account:
        """The account of a name or an adapter; an unknown name is a ConfigError."""
        if isinstance(target, Adapter):
            return self._of_adapter(target)
        if not isinstance(target, str):
            raise ConfigError(f"an account is its name or its adapter, not {_kind(target)}")
        account = self._named.get(target) or next((one for one in self if one.name == target), None)
        if account is None:
            known = ", ".join(sorted(self._named)) or "none"
            raise ConfigError(f"no account named {target!r}; accounts are: {known}", account=target)
        return account

    def _of_adapter(self, adapter: Adapter) -> Account:
        for account in self:
            if account.adapter is adapter:
                return account
        taken = {account.name for account in self}
        names = (adapter.platform, *(f"{adapter.platform}-{n}" for n in range(2, len(taken) + 3)))
        account = Account(next(name for name in names if name not in taken), adapter, self._machinery)
        self._loose[id(adapter)] = account
        vars(adapter).setdefault("_accounts", _Held())[self] = account
        return account

    def targets(self, to: Targets | None) -> list[Account]:
        """The accounts ``to`` names, each once, in order."""
        if to is None:
            raise ConfigError("say where: to=<account name>, an adapter, or several of them")
        if isinstance(to, str | Adapter):
            return [self.named(to)]
        if not isinstance(to, Iterable):
            raise ConfigError(f"to= takes account names and adapters, not {_kind(to)}")
        many = list(to)
        if not many:
            raise ConfigError("to= names no account")
        return list(dict.fromkeys(self.named(target) for target in many))

    def variant_targets(self, accounts: Iterable[Account]) -> frozenset[str]:
        """Every name a variant may be aimed at."""
        from .registry import platforms

        names = {name for account in accounts for name in (account.name, account.adapter.platform)}
        return frozenset({*names, *self._named, *platforms()})

    async def of_receipt(self, receipt: Receipt, given: Target | None) -> Account:
        """The account a receipt belongs to: the one given, else by its identity, else the only one of its server."""
        if given is not None:
            return self.named(given)
        for account in self:
            if account.facts is not None and account.facts.identity == receipt.identity:
                return account
        place = (receipt.platform, receipt.identity.server)
        same = [account for account in self if (account.adapter.platform, account.adapter.server) == place]
        if len(same) == 1:
            return same[0]
        for account in same:
            if account.facts is None and await _asked(account) == receipt.identity:
                return account
        raise ConfigError(
            f"no account of this client is {receipt.identity.name or receipt.identity.id} on {receipt.platform}; "
            "give account=<name>"
        )

    async def of_intent(self, intent: Intent) -> Account | None:
        """The account that is an intent's identity, whatever its name is by now."""
        for account in self:
            if account.adapter.platform == intent.platform:
                facts = account.facts or await account.stored()
                identity = facts.identity if facts else await _asked(account)
                if identity == intent.identity:
                    return account
        return None

    def of_permalink(self, permalink: str) -> Account:
        """The first account on the platform of a permalink."""
        for account in self:
            if account.adapter.owns(permalink):
                return account
        raise ConfigError(f"no account of this client is on the platform of {permalink}; give account=<name>")


def _check_given(accounts: Mapping[str, Adapter]) -> None:
    if not isinstance(accounts, Mapping):
        raise ConfigError(f"accounts is a mapping of names to adapters, not {_kind(accounts)}")
    for name, adapter in accounts.items():
        if not isinstance(adapter, Adapter):
            raise ConfigError(f"accounts[{name!r}] is an adapter such as Mastodon(...), not {_kind(adapter)}")


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


async def _asked(account: Account) -> Identity | None:
    """Who an account is; None when its platform does not tell now."""
    try:
        return (await account.ready()).identity
    except SocialKitError:
        return None
