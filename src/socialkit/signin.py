"""Signing accounts in, in two calls, and out again: what :meth:`Client.begin_login` and its siblings do.

``begin`` makes a :class:`~socialkit.Login`; the person agrees in a browser, types a code or pastes a key; ``finish``
makes the :class:`~socialkit.Account` of it. A login is good once: it is marked in the client's store before anything
of it is spent, so that of several workers with one callback one goes on. It may be finished again after Unavailable
and RateLimited (no answer came, or a later one), after LoginFailed "forged" and "invalid" (nothing was used), and
always when it asks for something to paste or shows a code to type; after everything else the person begins again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from . import auth, registry
from ._clock import to_text
from ._loop import call_user
from ._signin_checks import (
    check_app,
    checked_apps,
    checked_capabilities,
    checked_redirect,
    checked_server,
    flow_named,
    missing_of,
    told_by,
)
from ._signin_states import SignIn, sign_ins
from .accounts import Account, foreseen, hide
from .adapters.base import Adapter, Credential
from .auth import App, Login, flow_of, is_credential, locked
from .call import BoundCall
from .errors import (
    ConfigError,
    Declined,
    LoginFailed,
    MissingScope,
    OutcomeUnknown,
    RateLimited,
    SocialKitError,
    Unavailable,
)
from .flows import CodeFlow, Flow, at, scopes_for
from .model import Identity
from .store import MemoryTokens, TokenStore, Tx, credential_from_dict, credential_to_dict, transact
from .transport import redact

if TYPE_CHECKING:
    from .accounts import Target
    from .client import AsyncClient

__all__ = ["SignIn", "begin", "checked_apps", "finish", "logout", "sign_ins"]

_log = logging.getLogger("socialkit")
_STEPS = ("read", "prepare", "attach")
_KEPT = timedelta(days=1)
"""How long a finished login is remembered after it would have expired anyway."""
_SPOKEN = frozenset({"code", "oauth_token", "oauth_verifier", "password", "state", "session"})
"""Parameters of a callback that are secrets."""


# --- begin --------------------------------------------------------------------------------------------------
async def begin(
    client: AsyncClient,
    platform: str,
    *,
    redirect_uri: str,
    server: str | None,
    capabilities: Iterable[str],
) -> Login:
    given = client._apps.get(platform)
    flow = flow_named(platform, given.flow if given else None)
    check_app(platform, flow, app := await _with_secret(client, platform, given))
    wanted = checked_capabilities(platform, flow, capabilities)
    draft = Login(
        platform=platform,
        server=checked_server(platform, flow, server),
        flow=flow.name,
        url=None,
        redirect_uri=checked_redirect(platform, flow, redirect_uri, app),
        state=secrets.token_urlsafe(32),
        capabilities=wanted,
        scopes=scopes_for(flow, wanted),
        expires_at=client._clock.now(),
    )
    hidden = _Hidden.of(app, draft)
    with hidden:
        asked = await _asked(client, flow, app, draft, hidden.call(client))
    return attrs.evolve(
        draft,
        url=asked.url,
        asks=asked.asks,
        user_code=asked.user_code,
        secrets=asked.secrets,
        expires_at=client._clock.now() + timedelta(seconds=asked.expires_in),
    )


async def _with_secret(client: AsyncClient, platform: str, app: App | None) -> App | None:
    """The app with what the token store holds of it, where its secret was left there."""
    if app is None or not app.client_id or (app.client_secret and app.private_key):
        return app
    kept = await call_user(client._machinery.tokens.load, Identity(platform, "", "app"))
    if kept is None or kept.client_id not in (None, app.client_id):
        return app
    return attrs.evolve(
        app,
        client_secret=app.client_secret or kept.client_secret,
        private_key=app.private_key or kept.extra.get("private_key"),
    )


async def _asked(client: AsyncClient, flow: Flow, app: App | None, draft: Login, call: BoundCall) -> Any:
    """What the person has to do. An app made on the fly is made once and kept: servers count registrations."""
    from .auth import _engine

    if not _registers(flow) or (app is not None and app.client_id):
        return await _engine.begin(flow, app, draft, call)
    tokens, who = client._machinery.tokens, _app_identity(draft, app)
    async with locked(tokens, who):
        kept = await call_user(tokens.load, who)
        if kept is not None and kept.kind == "app" and await _is_known(flow, kept, draft.server, call):
            asked = await _engine.begin(flow, _app_of(kept, app), draft, call)
            return attrs.evolve(asked, secrets={**_app_secrets(kept), **asked.secrets})
        asked = await _engine.begin(flow, app, draft, call)
        await call_user(tokens.save, who, _made(asked.secrets, kept))
        return asked


def _registers(flow: Flow) -> bool:
    return isinstance(flow, CodeFlow) and flow.app == "registered"


def _app_identity(login: Login, app: App | None) -> Identity:
    """Where the app is kept that was registered for this callback address, these scopes and this name."""
    text = "\0".join((login.redirect_uri, " ".join(login.scopes), (app or App()).name))
    return Identity(login.platform, login.server, f"app:{_digest(text)}")


def _app_of(kept: Credential, app: App | None) -> App:
    return attrs.evolve(app or App(), client_id=kept.client_id or "", client_secret=kept.client_secret)


def _app_secrets(kept: Credential) -> dict[str, str]:
    return {"client_id": kept.client_id or "", "client_secret": kept.client_secret or ""}


def _made(found: Mapping[str, str], before: Credential | None) -> Credential:
    return Credential(
        "app",
        client_id=found.get("client_id"),
        client_secret=found.get("client_secret"),
        issued=before.issued + 1 if before else 0,
    )


async def _is_known(flow: Flow, kept: Credential, server: str, call: BoundCall) -> bool:
    """Whether the server still knows an app registered earlier; only a plain "no such client" counts as no."""
    assert isinstance(flow, CodeFlow)
    form = [("grant_type", "client_credentials"), *_app_secrets(kept).items()]
    try:
        told = await call.prepare("POST", at(flow.token_url, flow, server), form=form, accept=range(400, 500))
    except SocialKitError:
        return True
    body = told.json_or_none()
    return not (isinstance(body, dict) and body.get("error") == "invalid_client")


# --- finish -------------------------------------------------------------------------------------------------
async def finish(
    client: AsyncClient, login: Login | Mapping[str, Any], callback: str | Mapping[str, str]
) -> auth.Account:
    login = Login.from_dict(login) if isinstance(login, Mapping) else login
    if not isinstance(login, Login):
        raise ConfigError(f"finish_login() takes a Login or its to_dict(), not {type(login).__name__}")
    if login.expires_at <= client._clock.now():
        raise LoginFailed(f"{login.platform}: this sign-in took too long; begin again", reason="expired")
    flow = flow_named(login.platform, login.flow)
    told = told_by(login, callback)
    app = await _finishing_app(client, flow, login)
    await _claim(client, login)
    hidden = _Hidden.of(app, login, told)
    try:
        with hidden:
            return await _finish(client, flow, app, login, told, hidden.call(client))
    except BaseException as error:
        if _may_try_again(login, error):
            await _release(client, login)
        raise


async def _finishing_app(client: AsyncClient, flow: Flow, login: Login) -> App | None:
    """The app the login was begun with: the client's, or the one registered for it."""
    given = client._apps.get(login.platform)
    if _registers(flow) and (name := login.secrets.get("client_id")):
        return attrs.evolve(
            given or App(), client_id=name, client_secret=login.secrets.get("client_secret") or None
        )
    app = await _with_secret(client, login.platform, given)
    check_app(login.platform, flow, app)
    return app


async def _finish(
    client: AsyncClient, flow: Flow, app: App | None, login: Login, told: dict[str, str], call: BoundCall
) -> auth.Account:
    credential = await _kept_aside(client, login) or await _spend(client, flow, app, login, told, call)
    server = credential.extra.get("server") or login.server
    try:
        found = await _who(client, flow, login.platform, server, credential)
    except (Unavailable, RateLimited, OutcomeUnknown):
        await _put_aside(client, login, credential)
        raise
    except (Declined, MissingScope) as error:
        raise _nameless(flow, login, credential, error) from error
    kept = [await _keep(client, flow, login, identity, one) for identity, one in found]
    await _put_aside(client, login, None)
    return attrs.evolve(kept[0], others=tuple(kept[1:]))


def _nameless(flow: Flow, login: Login, credential: Credential, error: SocialKitError) -> LoginFailed:
    """The platform does not tell who signed in, mostly because the person left that scope out."""
    missing = missing_of(flow, login.scopes, credential.scopes)
    lacks = f"; the person did not grant {', '.join(missing)}" if missing else ""
    return LoginFailed(f"{login.platform} does not tell who signed in: {error.message}{lacks}; begin again")


async def _spend(
    client: AsyncClient, flow: Flow, app: App | None, login: Login, told: dict[str, str], call: BoundCall
) -> Credential:
    from .auth import _engine

    try:
        return await _engine.finish(flow, app, login, told, call)
    except OutcomeUnknown as lost:
        words = f"{login.platform}: the token answer never came ({lost.message}); begin again"
        raise LoginFailed(words, reason="lost") from None
    except LoginFailed as error:
        if _registers(flow) and error.code == "invalid_client":
            await _forget(client._machinery.tokens, _app_identity(login, client._apps.get(login.platform)))
        raise


async def _who(
    client: AsyncClient, flow: Flow, platform: str, server: str, credential: Credential
) -> list[tuple[Identity, Credential]]:
    """Whose credential it is; the first is the account itself, the others are reached by the same sign-in."""
    owner = _temporary(client, platform, server, credential)
    several = flow.whoami is not None and bool(flow.whoami.each)
    if platform in registry.platforms() and not several:
        with foreseen(owner):
            facts = await owner.adapter.account(BoundCall(owner))
        await owner.book_on(facts)
        scopes = credential.scopes or facts.scopes
        return [(facts.identity, attrs.evolve(owner.keychain.held, scopes=scopes))]
    from .flows._whoami import identities

    call = BoundCall(owner, signed=False, steps=_STEPS)
    with foreseen(owner):
        return await identities(flow, credential, server, call, platform=platform)


async def _keep(
    client: AsyncClient, flow: Flow, login: Login, identity: Identity, credential: Credential
) -> auth.Account:
    """The account, its credential saved and in use in this client at once."""
    fresh = await _save(client._machinery.tokens, identity, credential)
    adapter: Adapter | None = None
    for account in client._accounts:
        if identity in (account.adapter.identity, account.facts and account.facts.identity):
            await account.keychain.take(fresh)
            adapter = adapter or account.adapter
    return auth.Account(
        adapter=adapter or registry.account_class(login.platform).signed_in(identity),
        credential=fresh,
        identity=identity,
        missing_scopes=missing_of(flow, login.scopes, fresh.scopes),
    )


async def _save(tokens: TokenStore, identity: Identity, credential: Credential) -> Credential:
    """The credential as saved: newer than what was there, so that every process takes it."""
    async with locked(tokens, identity):
        return await _put(tokens, identity, credential)


async def _put(tokens: TokenStore, identity: Identity, credential: Credential) -> Credential:
    """The same under a lock that is held."""
    before = await call_user(tokens.load, identity)
    issued = max(credential.issued, before.issued + 1 if before else 0)
    fresh = attrs.evolve(credential, issued=issued)
    await call_user(tokens.save, identity, fresh)
    return fresh


async def _forget(tokens: TokenStore, identity: Identity) -> None:
    """What the token store holds for the identity is no credential any more."""
    await _save(tokens, identity, Credential("none"))


# --- once ---------------------------------------------------------------------------------------------------
def _name(login: Login) -> str:
    return _digest(f"{login.platform}\0{login.state}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def _claim(client: AsyncClient, login: Login) -> None:
    """Mark the login as finished, or refuse it because it is marked; one transaction."""
    name, now = _name(login), to_text(client._clock.now())
    until = to_text(min(login.expires_at, client._clock.now() + 365 * _KEPT) + _KEPT)

    def take(tx: Tx) -> bool:
        for other, mark in tx.items("login"):
            if mark["until"] < now:
                tx.delete("login", other)
                tx.delete("secret", f"login:{other}")
        if tx.get("login", name) is not None:
            return False
        tx.put("login", name, {"until": until})
        return True

    if not await transact(client._machinery.store, take, durable=True):
        raise LoginFailed(
            f"{login.platform}: this sign-in was finished before, or is being finished now; begin again for another",
            reason="repeated",
        )


async def _release(client: AsyncClient, login: Login) -> None:
    await transact(client._machinery.store, lambda tx: tx.delete("login", _name(login)), durable=True)


def _may_try_again(login: Login, error: BaseException) -> bool:
    if login.asks or login.user_code is not None:
        return True
    if isinstance(error, LoginFailed):
        return error.reason in ("forged", "invalid")
    return isinstance(error, ConfigError | Unavailable | RateLimited)


async def _put_aside(client: AsyncClient, login: Login, credential: Credential | None) -> None:
    """Keep a credential whose owner could not be asked for, until the login is finished again; None: no longer."""
    name = f"login:{_name(login)}"

    def work(tx: Tx) -> None:
        if credential is not None:
            tx.put("secret", name, credential_to_dict(credential))
        elif tx.get("secret", name) is not None:
            tx.delete("secret", name)

    await transact(client._machinery.store, work, durable=credential is not None)


async def _kept_aside(client: AsyncClient, login: Login) -> Credential | None:
    data = await transact(client._machinery.store, lambda tx: tx.get("secret", f"login:{_name(login)}"))
    return credential_from_dict(data) if data else None


# --- out ----------------------------------------------------------------------------------------------------
async def logout(client: AsyncClient, target: Target) -> bool:
    account, tokens = client._accounts.named(target), client._machinery.tokens
    identity = account.keychain.identity
    # Under the lock: a renewal in another process must not bring back what is ended here.
    async with locked(tokens, identity):
        credential = await account.keychain.newest()
        ended = await _ended(client, account, credential)
        fresh = await _put(tokens, identity, Credential("none"))
        await account.keychain.take(fresh)
    return ended


async def _ended(client: AsyncClient, account: Account, credential: Credential) -> bool:
    """Whether the platform was told, and took it."""
    from .auth import _engine

    flow = flow_of(account.adapter, credential)
    if flow is None or not is_credential(credential):
        return False
    try:
        call = BoundCall(account, signed=False, steps=_STEPS)
        with foreseen(account):
            return await _engine.revoke(flow, credential, account.adapter.server, call)
    except SocialKitError as error:
        words = redact(error.message, (*credential.secrets(), *account.secrets()))
        _log.warning(
            "%s: the sign-in is removed here, but not ended at the platform: %s", account.name, words
        )
        return False


# --- strangers to the client --------------------------------------------------------------------------------
def _temporary(client: AsyncClient, platform: str, server: str, credential: Credential) -> Account:
    """An account for as long as a sign-in takes: nobody knows yet who it is, so nothing of it is kept."""
    nobody = Identity(platform, server, f"login:{_digest(chr(0).join(credential.secrets()))}")
    adapter = registry.account_class(platform).signed_in(nobody)
    adapter.identity, adapter.seed = None, credential
    return Account(platform, adapter, attrs.evolve(client._machinery, tokens=MemoryTokens()))


@attrs.frozen
class _Hidden:
    """What must not be shown while a sign-in is under way; errors leave the block without it."""

    login: Login
    secrets: Credential

    @classmethod
    def of(cls, app: App | None, login: Login, told: Mapping[str, str] | None = None) -> _Hidden:
        pasted = {ask.name for ask in login.asks if ask.secret} | _SPOKEN
        spoken = {name: value for name, value in (told or {}).items() if name in pasted}
        hidden = {f"app:{name}": value for name, value in _secrets_of(app).items()}
        return cls(
            login, Credential("none", extra={**login.secrets, **hidden, **spoken, "state": login.state})
        )

    def call(self, client: AsyncClient) -> BoundCall:
        """Unsigned requests to the platform of the login."""
        owner = _temporary(client, self.login.platform, self.login.server, self.secrets)
        return BoundCall(owner, signed=False, steps=_STEPS)

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: object) -> None:
        hidden = [secret for secret in self.secrets.secrets() if len(secret) > 3]
        if not isinstance(error, SocialKitError):
            if isinstance(error, Exception):
                raise self._unexpected(error, hidden)
            return
        error.account = error.account or self.login.platform
        hide(error, hidden)

    def _unexpected(self, error: Exception, hidden: list[str]) -> SocialKitError:
        """What nobody foresaw: an answer of another shape, or a login that is not as it was begun."""
        told = f"{self.login.platform}: unexpected {type(error).__name__}: {error}; begin again"
        wrapped = SocialKitError(words := redact(told, hidden), account=self.login.platform)
        wrapped.__cause__ = error if words == told else None  # a traceback would show what was redacted
        return wrapped


def _secrets_of(app: App | None) -> dict[str, str]:
    named = {"client_secret": app.client_secret, "private_key": app.private_key} if app else {}
    return {name: value for name, value in named.items() if value}
