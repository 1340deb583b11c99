"""Credentials that stay good: the newest one is used, renewals happen once, secrets stay out of sight."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from .._loop import call_user, is_of_this_loop
from ..adapters.base import Adapter, Credential
from ..errors import IdentityClash, OutcomeUnknown, ReauthNeeded, SocialKitError
from ..flows import Flow
from ..flows._whoami import OWNER
from ..model import Identity
from ..store import TokenStore

EARLY = timedelta(seconds=30)
"""An access token is renewed this long before it ends, so that no request carries one that dies on the way; one that
lives shorter than five minutes is renewed in the last tenth of its life."""

SOON = timedelta(days=7)
"""From when on an end that only a person can put off is told."""

Renew = Callable[[Credential], Awaitable[Credential]]
"""Asks the platform for a newer credential than the one given."""


class Keychain:
    """The credential of one account: loaded from the token store, renewed under its lock, saved before it is used.

    ``now`` tells the server's time, in which tokens end.
    """

    def __init__(self, adapter: Adapter, tokens: TokenStore, now: Callable[[], datetime]) -> None:
        self.adapter, self.tokens, self._now = adapter, tokens, now
        name = f"login:{adapter.hint}"
        self.identity = adapter.signer or adapter.identity or Identity(adapter.platform, adapter.server, name)
        """What the token store keeps it under: who signed in, or a name made of the secret that was given."""
        self._held: Credential | None = None
        self._renewing: asyncio.Future[Credential] | None = None
        self._not_before = datetime.min.replace(tzinfo=UTC)

    @property
    def held(self) -> Credential:
        """The credential in hand; the seed before anything was loaded."""
        return self._held or self.adapter.seed

    async def newest(self) -> Credential:
        """The newest credential there is, wherever it was renewed; kind "none" when nobody is signed in."""
        stored = await self._stored() or self.adapter.seed
        if self._held is None or self._held.issued <= stored.issued:
            self._held = stored
        return self._held

    async def take(self, credential: Credential) -> None:
        """Use a credential that was just signed in (or out) from now on; in other processes too."""
        if self.adapter.identity is None:
            await self._save(credential)
        self._held = credential

    @staticmethod
    def renewable(credential: Credential) -> bool:
        """Whether its token is renewed without a person, as long as the platform goes along."""
        by = credential.extra.get("renews")
        if by == "access_token":
            return credential.access_token is not None and OWNER not in credential.extra
        if by == "password":
            return credential.secret is not None
        return credential.refresh_token is not None or credential.kind == "session"

    async def current(self, renew: Renew) -> Credential:
        """A credential good for a request now. One that cannot be renewed early is used until it ends."""
        held = await self._at_hand()
        if not self._needs_renewal(held) or self._now() < self._not_before:
            return held
        try:
            return await self.renewed(held, renew)
        except Exception:
            if not self._lives(held):
                raise
            self._not_before = self._now() + self._pause(held)
            return held

    async def _at_hand(self) -> Credential:
        """What is held; loaded where nothing was there yet, since somebody may have signed in meanwhile."""
        if self._held is None or self._signed_out(self._held):
            self._held = await self._stored() or self.adapter.seed
        if self._signed_out(self._held):
            raise self._nobody()
        return self._held

    def _signed_out(self, credential: Credential) -> bool:
        """Whether nobody is signed in. An adapter that was made without any secret has none to miss."""
        return not is_credential(credential) and (
            self.adapter.identity is not None or credential is not self.adapter.seed
        )

    def _pause(self, held: Credential) -> timedelta:
        """How long a renewal that failed early is not tried again: the longer, the more time is left."""
        left = held.expires_at - self._now() if held.expires_at else timedelta()
        return min(left / 20, timedelta(hours=1)) if left > timedelta(minutes=1) else timedelta()

    async def renewed(self, old: Credential, renew: Renew) -> Credential:
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

    async def aclose(self) -> None:
        """Wait for a renewal under way: a client that is left must not lose its answer."""
        if self._renewing is not None and is_of_this_loop(self._renewing):
            await asyncio.wait([self._renewing])

    # --- when -------------------------------------------------------------------------------------------------
    def _needs_renewal(self, credential: Credential) -> bool:
        if credential.access_token is None or credential.expires_at is None:
            return credential.access_token is None and self._can_renew(credential)
        early = timedelta(seconds=float(credential.extra.get("early", EARLY.total_seconds())))
        return credential.expires_at - early <= self._now() and self._can_renew(credential)

    def _lives(self, credential: Credential) -> bool:
        ends = credential.expires_at
        return credential.access_token is not None and (ends is None or self._now() < ends)

    def _can_renew(self, credential: Credential) -> bool:
        """Whether it can be renewed now: a token that renews itself has to live, and to be old enough."""
        if credential.extra.get("renews") != "access_token":
            return self.renewable(credential)
        since = credential.extra.get("renewable_at")
        ripe = since is None or datetime.fromisoformat(since) <= self._now()
        return self.renewable(credential) and ripe and self._lives(credential)

    # --- how --------------------------------------------------------------------------------------------------
    async def _renew(self, old: Credential, renew: Renew) -> Credential:
        async with locked(self.tokens, self.identity):
            stored = await self._stored()
            newest = stored if stored is not None and stored.issued >= old.issued else old
            self._held = newest
            if self._signed_out(newest):
                raise self._nobody()
            if newest.issued == old.issued or self._needs_renewal(newest):
                self._held = await self._renew_alone(newest, renew)
            return self._held

    async def _renew_alone(self, old: Credential, renew: Renew) -> Credential:
        """Renew while nobody else does. Where the refresh token works once, the store knows before that it is being
        spent: whoever holds the lock and finds that mark knows that an answer was lost."""
        if not self._can_renew(old):
            platform = self.adapter.title or self.adapter.platform
            words = f"the token is no longer accepted by {platform}; sign in again and give the new one"
            raise ReauthNeeded(words)
        strict = self._rotation(old) == "strict"
        if strict and "renewing" in old.extra:
            raise self._lost()
        if strict:
            await self._save(attrs.evolve(old, extra={**old.extra, "renewing": "1"}))
        try:
            new = await renew(old)
        except Exception as error:
            if strict and _may_have_spent(error):
                raise self._lost() from (error if isinstance(error, SocialKitError) else None)
            if strict:
                await self._save(old)
            raise
        new = self._successor(new, old)
        await self._save(new)
        return new

    def _rotation(self, credential: Credential) -> str:
        flow = flow_of(self.adapter, credential)
        return flow.rotation if flow is not None else self.adapter.rotation

    def _successor(self, new: Credential, old: Credential) -> Credential:
        """The new credential with what its answer left out."""
        extra = {**old.extra, **new.extra}
        if new.expires_at is not None and not _has_own_early(flow_of(self.adapter, old)):
            early = min(EARLY, (new.expires_at - self._now()) / 10)
            extra["early"] = str(max(0, int(early.total_seconds())))
        return attrs.evolve(
            new,
            issued=old.issued + 1,
            extra=extra,
            refresh_token=new.refresh_token or old.refresh_token,
            secret=new.secret or old.secret,
        )

    def _nobody(self) -> ReauthNeeded:
        return ReauthNeeded(
            f"not signed in to {self.adapter.platform}: nobody signed in, or somebody signed out"
        )

    def _lost(self) -> ReauthNeeded:
        return ReauthNeeded(
            f"the answer to a renewal of the {self.adapter.platform} token was lost; the refresh token works once and "
            "may be spent, so it is not used again: sign in again and give the new tokens"
        )

    # --- the store --------------------------------------------------------------------------------------------
    async def _stored(self) -> Credential | None:
        """What was saved last, unless the account was given another credential since."""
        stored = await call_user(self.tokens.load, self.identity)
        if stored is None or self.adapter.identity is not None:
            return stored
        mark, seed = stored.extra.get("seed"), self.adapter.seed
        given = seed.access_token or seed.refresh_token or seed.secret
        # One without a mark was put there by a person: it counts where the adapter leaves the secret to the store.
        return stored if mark == self.adapter._seed_digest() or (mark is None and not given) else None

    async def _save(self, credential: Credential) -> None:
        if self.adapter.identity is not None:
            await call_user(self.tokens.save, self.identity, credential)
            return
        marked = attrs.evolve(credential, extra={**credential.extra, "seed": self.adapter._seed_digest()})
        await call_user(self.tokens.save, self.identity, marked)


def _may_have_spent(error: Exception) -> bool:
    """Whether a failed renewal may have spent the refresh token: all but a refusal, or a request that never left."""
    if not isinstance(error, SocialKitError) or isinstance(error, OutcomeUnknown):
        return True
    definite: bool | None = error.__dict__.get("definite")
    if definite is not None:
        return not definite
    return 200 <= (getattr(error, "status", None) or 0) < 300  # an answer that could not be read


def is_credential(credential: Credential) -> bool:
    """Whether anybody is signed in with it. A token in the path (Telegram's) is of kind "none", as nothing is."""
    return credential.kind != "none" or credential.access_token is not None or credential.secret is not None


def ends_for_good(credential: Credential) -> datetime | None:
    """When only a person can go on: with the token, or with what renews it; None when nobody knows an end."""
    if not Keychain.renewable(credential):
        return credential.expires_at
    if credential.refresh_token is None or (told := credential.extra.get("refresh_ends_at")) is None:
        return None
    return datetime.fromisoformat(told)


def flow_of(adapter: Adapter, credential: Credential) -> Flow | None:
    """The way its credential came from; for one that was given by hand, the adapter's first of its kind."""
    name = credential.extra.get("flow")
    if name is not None:
        return next((flow for flow in adapter.flows if flow.name == name), None)
    return next((flow for flow in adapter.flows if flow.kind == credential.kind), None)


def login_command(adapter: Adapter, name: str) -> str:
    """The command that signs the account of that name in again."""
    usual = adapter.flows[0].server.rstrip("/") if adapter.flows else adapter.server
    server = [] if adapter.server == usual else ["--server", adapter.server]
    return shlex.join(["socialkit", "login", adapter.platform, "--name", name, *server])


def _has_own_early(flow: Flow | None) -> bool:
    """Whether the flow says itself when its tokens are renewed."""
    renewal = getattr(flow, "renewal", None)
    return renewal is not None and renewal.early is not None


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
