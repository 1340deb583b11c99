"""The accounts of one client: found by name, by adapter, by receipt, by intent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from weakref import WeakKeyDictionary, WeakValueDictionary

from ._account import Account, Machinery
from .adapters.base import Adapter
from .errors import ConfigError, SocialKitError
from .journal import Intent
from .model import Identity, Receipt

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
        account = next((one for one in self if one.name == target), None)
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
        if not isinstance(to, str | Adapter | Iterable):
            raise ConfigError(f"to= takes account names and adapters, not {_kind(to)}")
        many = [to] if isinstance(to, str | Adapter) else list(to)
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
