"""Token stores: credentials in memory, or in any store beside its journal."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs

from .._clock import from_text, to_text
from . import MemoryStore, Store, Tx, transact

if TYPE_CHECKING:
    from ..adapters.base import Credential
    from ..model import Identity

_jitter = random.SystemRandom()


def credential_to_dict(credential: Credential) -> dict[str, Any]:
    """Every field of a credential, JSON-safe. It holds the secrets: keep it as you keep passwords."""
    data = {field.name: getattr(credential, field.name) for field in attrs.fields(type(credential))}
    data["expires_at"] = to_text(credential.expires_at) if credential.expires_at else None
    data["scopes"], data["extra"] = list(credential.scopes), dict(credential.extra)
    return data


def credential_from_dict(data: Mapping[str, Any]) -> Credential:
    """The credential :func:`credential_to_dict` was given."""
    from ..adapters.base import Credential

    known = {field.name: data[field.name] for field in attrs.fields(Credential) if field.name in data}
    expires_at = from_text(data["expires_at"]) if data.get("expires_at") else None
    copies = {"scopes": tuple(data.get("scopes", ())), "extra": dict(data.get("extra", {}))}
    return Credential(**{**known, **copies, "expires_at": expires_at})


@asynccontextmanager
async def polled(acquire: Callable[[], bool], release: Callable[[], None]) -> AsyncIterator[None]:
    """Hold a lock whose ``acquire`` never waits; looks again every 1 to 20 ms."""
    wait = 0.001
    while not acquire():
        await asyncio.sleep(wait * _jitter.uniform(0.5, 1.0))
        wait = min(wait * 1.5, 0.02)
    try:
        yield
    finally:
        release()


class MemoryTokens:
    """Credentials that live and die with the process.

    >>> from socialkit.model import Identity
    >>> MemoryTokens().load(Identity("x", "https://api.example.com", "7")) is None
    True
    """

    def __init__(self) -> None:
        self._saved: dict[str, dict[str, Any]] = {}
        self._locks = MemoryStore()

    def load(self, identity: Identity) -> Credential | None:
        """The credential saved last; None when there is none."""
        data = self._saved.get(identity.key)
        return credential_from_dict(data) if data else None

    def save(self, identity: Identity, credential: Credential) -> None:
        """Keep the credential."""
        self._saved[identity.key] = credential_to_dict(credential)

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        """Held by one task of the process at a time."""
        name = identity.key
        return polled(lambda: self._locks.try_lock(name), lambda: self._locks.unlock(name))


class StoreTokens:
    """Credentials kept in a store, beside its journal and never in it.

    >>> import asyncio
    >>> from socialkit.adapters.base import Credential
    >>> from socialkit.model import Identity
    >>> tokens, who = StoreTokens(MemoryStore()), Identity("x", "https://api.example.com", "7")
    >>> asyncio.run(tokens.save(who, Credential("bearer", access_token="s3cret")))
    >>> asyncio.run(tokens.load(who))
    Credential(kind='bearer')
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, identity: Identity) -> Credential | None:
        """The credential saved last; None when there is none."""
        data = await transact(self._store, lambda tx: tx.get("token", identity.key))
        return credential_from_dict(data) if data else None

    async def save(self, identity: Identity, credential: Credential) -> None:
        """Keep the credential, durably."""
        data = credential_to_dict(credential)
        await transact(self._store, lambda tx: tx.put("token", identity.key, data), durable=True)

    def lock(self, identity: Identity) -> AbstractAsyncContextManager[None]:
        """Held by one task at a time, across threads and processes; freed when the process dies."""
        name = f"token:{identity.key}"
        store: Any = self._store
        if hasattr(store, "try_lock"):
            return polled(lambda: bool(store.try_lock(name)), lambda: store.unlock(name))
        return _claimed(self._store, name)


@asynccontextmanager
async def _claimed(store: Store, name: str) -> AsyncIterator[None]:
    """A lock for stores that have none: a cell that names its holder, who must be alive."""
    claim = {"owner": store.owner(), "id": os.urandom(8).hex()}

    def take(tx: Tx) -> bool:
        holder = tx.get("lock", name)
        free = holder is None or holder == claim or not store.alive(holder["owner"])
        if free:
            tx.put("lock", name, claim)
        return free

    def give_back(tx: Tx) -> None:
        if tx.get("lock", name) == claim:
            tx.delete("lock", name)

    async def after(taking: asyncio.Task[bool]) -> None:
        await asyncio.wait([taking])  # a cancelled caller must not give back what is still being taken
        await transact(store, give_back)

    wait = 0.001
    taking = asyncio.create_task(transact(store, take))
    try:
        while not await asyncio.shield(taking):
            await asyncio.sleep(wait * _jitter.uniform(0.5, 1.0))
            wait = min(wait * 1.5, 0.05)
            taking = asyncio.create_task(transact(store, take))
        yield
    finally:
        await asyncio.shield(asyncio.create_task(after(taking)))
