"""Credentials that stay good: the newest one is used, renewals happen once, secrets stay out of sight."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import attrs

from ._clock import Clock
from ._loop import call_user, is_of_this_loop
from .adapters.base import Adapter, Credential
from .errors import IdentityClash, OutcomeUnknown, ReauthNeeded, SocialKitError
from .model import Identity
from .store import TokenStore

EARLY = timedelta(seconds=30)
"""An access token is renewed this long before it ends, so that no request carries one that dies on the way."""


class Keychain:
    """The credential of one account: loaded from the token store, renewed under its lock, saved before it is used."""

    def __init__(self, adapter: Adapter, tokens: TokenStore, clock: Clock) -> None:
        self.adapter, self.tokens, self.clock = adapter, tokens, clock
        self._identity = Identity(adapter.platform, adapter.server, f"login:{adapter.hint}")
        self._held: Credential | None = None
        self._renewing: asyncio.Future[Credential] | None = None

    @property
    def held(self) -> Credential:
        """The credential in hand; the seed before anything was loaded."""
        return self._held or self.adapter.seed

    async def current(self, renew: Callable[[Credential], Awaitable[Credential]]) -> Credential:
        """A credential good for a request now; ``renew`` asks the platform for a newer one."""
        if self._held is None:
            self._held = await self._stored() or self.adapter.seed
        if self._needs_renewal(self._held):
            return await self.renewed(self._held, renew)
        return self._held

    def _needs_renewal(self, credential: Credential) -> bool:
        if credential.kind == "session" and credential.access_token is None:
            return True
        ends = credential.expires_at
        return ends is not None and ends - EARLY <= self.clock.now() and self._can_renew(credential)

    @staticmethod
    def _can_renew(credential: Credential) -> bool:
        return credential.refresh_token is not None or credential.kind == "session"

    async def _stored(self) -> Credential | None:
        stored = await call_user(self.tokens.load, self._identity)
        if stored is not None and stored.extra.get("seed") == self._seed_name():
            return stored
        return None

    def _seed_name(self) -> str:
        return self.adapter._seed_digest()

    async def renewed(
        self, old: Credential, renew: Callable[[Credential], Awaitable[Credential]]
    ) -> Credential:
        """A newer credential than ``old``: another task's or process's if there is one, else by one renewal."""
        if self._held is not None and self._held.issued > old.issued:
            return self._held
        if not is_of_this_loop(self._renewing):
            self._renewing = asyncio.ensure_future(self._renew(old, renew))
            self._renewing.add_done_callback(self._renewal_over)
        assert self._renewing is not None
        return await asyncio.shield(self._renewing)

    def _renewal_over(self, done: asyncio.Future[Credential]) -> None:
        self._renewing = None if self._renewing is done else self._renewing
        if not done.cancelled():
            done.exception()

    async def _renew(
        self, old: Credential, renew: Callable[[Credential], Awaitable[Credential]]
    ) -> Credential:
        if not self._can_renew(old):
            raise ReauthNeeded(
                f"the {self.adapter.platform} token is no longer accepted; sign in again and give the new one"
            )
        async with locked(self.tokens, self._identity):
            stored = await self._stored()
            if stored is not None and stored.issued > old.issued:
                self._held = stored
                return stored
            return await self._renew_alone(stored or old, renew)

    async def _renew_alone(
        self, old: Credential, renew: Callable[[Credential], Awaitable[Credential]]
    ) -> Credential:
        rotates = self.adapter.rotation == "strict"
        if rotates and old.extra.get("renewing"):
            raise ReauthNeeded(
                f"an earlier renewal of the {self.adapter.platform} token lost its answer and the old one is spent; "
                "sign in again"
            )
        if rotates:
            await self._save(attrs.evolve(old, extra={**old.extra, "renewing": "1"}))
        try:
            new = await renew(old)
        except SocialKitError as error:
            spent = isinstance(error, OutcomeUnknown) or not error.__dict__.get("definite", True)
            if rotates and not spent:
                await self._save(old)  # nothing was spent
            raise
        extra = {k: v for k, v in {**old.extra, **new.extra}.items() if k != "renewing"}
        new = attrs.evolve(
            new,
            issued=old.issued + 1,
            extra=extra,
            refresh_token=new.refresh_token or old.refresh_token,
            secret=new.secret or old.secret,
        )
        await self._save(new)
        self._held = new
        return new

    async def _save(self, credential: Credential) -> None:
        marked = attrs.evolve(credential, extra={**credential.extra, "seed": self._seed_name()})
        await call_user(self.tokens.save, self._identity, marked)


@contextlib.asynccontextmanager
async def locked(tokens: TokenStore, identity: Identity) -> AsyncIterator[None]:
    """The token store's lock for an identity, whether it is a plain or an async context manager."""
    lock: Any = await call_user(tokens.lock, identity)
    if hasattr(lock, "__aenter__"):
        async with lock:
            yield
        return
    await call_user(lock.__enter__)
    try:
        yield
    finally:
        await call_user(lock.__exit__, None, None, None)


def check_identity(known: Identity | None, told: Identity, account: str) -> None:
    """Raise IdentityClash when another account answers than the one this name was bound to."""
    if known is not None and known != told:
        raise IdentityClash(
            f"{account}: the credential belongs to {told.name or told.id}, but this account is "
            f"{known.name or known.id}; give that account's credential, or a name of its own",
            account=account,
        )


def sign_oauth1(credential: Credential, method: str, url: str) -> dict[str, str]:
    """The Authorization header of OAuth 1.0a (HMAC-SHA1) over method, URL and query; the body is not signed."""
    from authlib.oauth1 import ClientAuth  # type: ignore[import-untyped]

    client = ClientAuth(
        credential.client_id,
        client_secret=credential.client_secret,
        token=credential.access_token,
        token_secret=credential.secret,
    )
    _, headers, _ = client.prepare(method, url, {}, b"")
    return {"authorization": str(headers["Authorization"])}
