"""How every account's sign-in stands: what it may do, when it ends, what repairs it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import attrs

from ._signin_checks import USUAL, missing_of
from .accounts import foreseen
from .auth import SOON, flow_of, is_credential, login_command
from .errors import AuthError, SocialKitError
from .flows import scopes_for

if TYPE_CHECKING:
    from .accounts import Account
    from .adapters.base import Adapter, Credential
    from .client import AsyncClient
    from .flows import Flow
    from .model import Identity

Health = Literal["ok", "ends soon", "ended", "not signed in", "refused", "unknown"]


@attrs.frozen(kw_only=True)
class SignIn:
    """How the sign-in of one account stands; nothing of it is secret.

    Attributes:
        account: the account's name. server: base URL of the platform's API.
        identity: who it is, None while nobody knows.
        scopes: what was granted, () when unknown. missing: what publishing and metrics need beyond them.
        expires_at: aware UTC end of the access token; where it is ``renewable`` it is renewed by itself. None: nobody
            said, or never where it is ``endless``.
        flow: the way it signed in, as :func:`socialkit.registry.flows` names it.
        health: "ok" · "ends soon" (within a week, and only a person can renew it) · "ended" · "not signed in" ·
            "refused" (the platform was asked, and said no) · "unknown" (it was asked, and did not answer).
        words: why, where there is more to say. repair: the command that repairs it, or None.

    >>> from socialkit import Client, Mastodon
    >>> with Client({"toots": Mastodon("https://mastodon.social", token="s3cret")}) as client:
    ...     client.sign_ins()[0].health
    'ok'
    """

    account: str
    platform: str
    server: str
    identity: Identity | None = None
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    expires_at: datetime | None = None
    renewable: bool = False
    endless: bool = False
    flow: str | None = None
    health: Health = "ok"
    words: str = ""
    repair: str | None = None


async def sign_ins(client: AsyncClient, check: bool) -> list[SignIn]:
    """One per account of the client, in its order; ``check`` asks every platform, all at once."""
    return list(await asyncio.gather(*(_state(client, account, check) for account in list(client._accounts))))


async def _state(client: AsyncClient, account: Account, check: bool) -> SignIn:
    credential = await account.keychain.newest()
    state = _known(account, credential, account.now(), await _identity(account))
    if check and is_credential(credential):
        state = await _checked(account, state)
    broken = state.health in ("ends soon", "ended", "not signed in", "refused") or state.missing
    return attrs.evolve(state, repair=login_command(account.adapter, account.name)) if broken else state


async def _identity(account: Account) -> Identity | None:
    if account.adapter.identity is not None:
        return account.adapter.identity
    facts = account.facts or await account.stored()
    return facts.identity if facts else None


def _known(account: Account, credential: Credential, now: datetime, who: Identity | None) -> SignIn:
    """What can be told without asking anybody."""
    flow, granted = flow_of(account.adapter, credential), credential.scopes
    renewable = account.keychain.renewable(credential)
    return SignIn(
        account=account.name,
        platform=account.adapter.platform,
        server=account.adapter.server,
        identity=who,
        scopes=granted,
        missing=missing_of(flow, scopes_for(flow, USUAL), granted) if flow else (),
        expires_at=credential.expires_at,
        renewable=renewable,
        endless=_endless(account.adapter, credential, flow),
        flow=flow.name if flow else None,
        health=_health(credential, renewable, now),
    )


def _endless(adapter: Adapter, credential: Credential, flow: Flow | None) -> bool:
    """Whether it is known not to end. Of a token given by hand that is known where none of the platform's ends."""
    ways = [flow] if "flow" in credential.extra else list(adapter.flows)
    return credential.expires_at is None and not any(
        one is None or getattr(one, "lives", None) for one in ways
    )


def _health(credential: Credential, renewable: bool, now: datetime) -> Health:
    if not is_credential(credential):
        return "not signed in"
    if renewable or credential.expires_at is None:
        return "ok"
    if credential.expires_at <= now:
        return "ended"
    return "ends soon" if credential.expires_at - now <= SOON else "ok"


async def _checked(account: Account, state: SignIn) -> SignIn:
    """What the platform says itself."""
    try:
        with foreseen(account):
            facts = await account.ask(state.identity)
    except AuthError as error:  # an IdentityClash too: it is refused by us
        health: Health = "ended" if state.health == "ended" else "refused"
        return attrs.evolve(state, health=health, words=error.message)
    except SocialKitError as error:
        return attrs.evolve(state, health="unknown", words=error.message)
    newest = await account.keychain.newest()
    return _known(account, newest, account.now(), facts.identity)
