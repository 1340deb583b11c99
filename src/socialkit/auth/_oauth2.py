"""OAuth 2.0 authorization code: the page a person agrees on, the code for a token, the token for the next one.

What differs from platform to platform is in the :class:`~socialkit.flows.CodeFlow`. Requests that are pushed and tokens
that are bound to a key (Bluesky) pass through the neighbours ``_dpop`` and ``_atproto``; where a server told its
addresses they are in ``Login.secrets`` and ``Credential.extra`` under the names its metadata gives them.
"""

from __future__ import annotations

import base64
import hashlib
import secrets as randomness
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import attrs

from ..adapters.base import Call, Credential, Response, basic
from ..errors import (
    ConfigError,
    LoginFailed,
    OutcomeUnknown,
    RateLimited,
    ReauthNeeded,
    SocialKitError,
    Unavailable,
)
from ..flows import CodeFlow, DeviceFlow, Exchange, Granted, Renewal, at
from ..flows._whoami import as_text, filled, found
from ._answers import READ, REFUSALS, Refusal, Token, read_token, scopes_of
from ._callback import check_agreed, check_issuer, check_state, code_of
from ._login import App, Asked, Login
from ._signing import origin, with_query

_METADATA = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "login_hint",
)
ACCEPT = {"accept": "application/json"}
_NO_DOCUMENT = (400, 401, 403, 404, 405, 406, 410, 422, 500, 501)
"""Answers that say a server has no such document (one software answers 500 to a path it does not know)."""
_NOT_NOW = (Unavailable, RateLimited, OutcomeUnknown)


# --- begin --------------------------------------------------------------------------------------------------
async def begin(flow: CodeFlow, app: App | None, draft: Login, call: Call) -> Asked:
    """The address of the consent page, and what :func:`finish` has to know: verifier, app, addresses, key."""
    told = await _discovered(flow, draft, call)
    draft = attrs.evolve(draft, scopes=_known_scopes(flow, draft.scopes, told))
    app = await _app_for(flow, app, draft, told, call)
    kept = _addresses_of(flow, told) | _made(flow, app)
    params = {**_asked_for(flow, draft), flow.client_id_name: app.client_id}
    if flow.pkce and _takes_challenge(flow, told):
        kept["verifier"] = verifier = new_verifier()
        params |= {"code_challenge": challenge(verifier, flow.pkce), "code_challenge_method": "S256"}
    if flow.bound:
        from . import _dpop

        kept["dpop_key"] = _dpop.new_key()
    url = await _page(flow, app, attrs.evolve(draft, secrets=kept), params, call)
    return Asked(url=url, secrets=kept)


def _asked_for(flow: CodeFlow, draft: Login) -> dict[str, str]:
    scopes = flow.scope_separator.join(draft.scopes)
    asked = {"response_type": "code", "redirect_uri": draft.redirect_uri, "state": draft.state}
    return {**asked, **({flow.scope_name: scopes} if scopes else {}), **flow.authorize_params}


async def _page(flow: CodeFlow, app: App, draft: Login, params: dict[str, str], call: Call) -> str:
    if flow.pushed:
        from . import _dpop

        pushed: str = await _dpop.push(flow, app, draft, params, call)
        return pushed
    url = draft.secrets.get("authorization_endpoint") or at(flow.authorize_url, flow, draft.server)
    return with_query(url, params)


def new_verifier() -> str:
    """A secret of 64 characters, of which only the challenge is shown before the code is spent (RFC 7636)."""
    return randomness.token_urlsafe(48)


def challenge(verifier: str, form: str = "S256") -> str:
    """What a verifier is proved by: its SHA-256 in base 64 without padding, or in hexadecimal digits (TikTok).

    >>> challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    digest = hashlib.sha256(verifier.encode())
    return (
        digest.hexdigest()
        if form == "hex"
        else base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    )


# --- what the server says of itself ---------------------------------------------------------------------------
async def _discovered(flow: CodeFlow, draft: Login, call: Call) -> dict[str, Any]:
    """The server's metadata; {} where there is none, or none is asked for."""
    if flow.discovery == "atproto":
        from . import _atproto

        told: dict[str, Any] = await _atproto.discover(draft.server, call)
        return told
    if flow.discovery != "rfc8414":
        return {}
    url = f"{draft.server}/.well-known/oauth-authorization-server"
    answer = await call.read("GET", url, auth=False, headers=ACCEPT, accept=_NO_DOCUMENT)
    body = answer.json_or_none()
    return _at_home(body, draft.server) if answer.status < 300 and isinstance(body, dict) else {}


def _at_home(told: dict[str, Any], server: str) -> dict[str, Any]:
    """The metadata without addresses on other hosts: codes and secrets go to the server the person named."""
    home = f"{origin(server)}/"
    if "authorization_endpoint" not in told or "token_endpoint" not in told:
        return {}
    return {
        name: value
        for name, value in told.items()
        if not name.endswith("_endpoint") or f"{origin(str(value))}/" == home
    }


def _addresses_of(flow: CodeFlow, told: Mapping[str, Any]) -> dict[str, str]:
    kept = {name: told[name] for name in _METADATA if isinstance(told.get(name), str)}
    if flow.discovery == "atproto" or told.get("authorization_response_iss_parameter_supported") is True:
        kept["iss_required"] = "1"
    return kept


def _takes_challenge(flow: CodeFlow, told: Mapping[str, Any]) -> bool:
    """Whether the server knows PKCE: one that can be asked says so (Mastodon before 4.3 would refuse it)."""
    methods = told.get("code_challenge_methods_supported")
    return flow.discovery == "" or (isinstance(methods, list) and "S256" in methods)


def _known_scopes(flow: CodeFlow, wanted: Iterable[str], told: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes this server knows: for a narrow one it does not, the broad one that includes it."""
    if flow.discovery != "rfc8414":
        return tuple(wanted)
    known = scopes_of(told.get("scopes_supported"))
    if not told:
        return broad(flow, wanted)
    return tuple(dict.fromkeys(scope for one in wanted for scope in _understood(flow, one, known)))


def _understood(flow: CodeFlow, scope: str, known: tuple[str, ...]) -> tuple[str, ...]:
    listed = not known or scope in known or (":" in scope and scope.partition(":")[0] in known)
    return (scope,) if listed else broad(flow, [scope])


def broad(flow: CodeFlow, wanted: Iterable[str]) -> tuple[str, ...]:
    """Each scope as the broadest one that includes it."""
    outer = {inner: scope for scope, inside in flow.implied.items() for inner in inside}
    return tuple(dict.fromkeys(outer.get(scope, scope) for scope in wanted))


# --- the app --------------------------------------------------------------------------------------------------
async def _app_for(flow: CodeFlow, app: App | None, draft: Login, told: Mapping[str, Any], call: Call) -> App:
    if app is not None and app.client_id:
        return app
    if flow.app == "registered":
        return await _registered(flow, app or App(), draft, told, call)
    if flow.app == "document":
        from ._dpop import client_id_of

        return attrs.evolve(app or App(), client_id=client_id_of(app, draft.redirect_uri, draft.scopes))
    raise ConfigError(f"{draft.platform}: {flow.title} needs a developer app: App(client_id, client_secret)")


def _made(flow: CodeFlow, app: App) -> dict[str, str]:
    """What of an app that nobody gave :func:`finish` has to know."""
    if flow.app == "given":
        return {}
    secret = {"client_secret": app.client_secret} if flow.app == "registered" and app.client_secret else {}
    return {"client_id": app.client_id, **secret}


async def _registered(flow: CodeFlow, app: App, draft: Login, told: Mapping[str, Any], call: Call) -> App:
    """An app made on the server now. Old servers are asked for broad scopes where they refuse narrow ones."""
    answer = await _register(flow, app, draft, draft.scopes, call)
    wide = broad(flow, draft.scopes)
    if answer.status in (400, 422) and wide != draft.scopes:
        answer = await _register(flow, app, draft, wide, call)
    body = answer.json_or_none()
    client_id, secret = as_text(found(body, "client_id")), as_text(found(body, "client_secret"))
    if answer.status >= 400 or client_id is None:
        raise no_token(answer, draft.platform)
    made = attrs.evolve(app, client_id=client_id, client_secret=secret)
    if not told:
        await _keep_alive(flow, made, draft, call)
    return made


def no_token(answer: Response, platform: str, secrets: Iterable[str] = ()) -> SocialKitError:
    """What an answer means that lacks what was asked for."""
    told = read_token(answer, secrets=secrets)
    if isinstance(told, Refusal):
        return told.as_login(platform)
    return LoginFailed(f"{platform} answered something else than it was asked for; begin again")


async def _register(flow: CodeFlow, app: App, draft: Login, scopes: Iterable[str], call: Call) -> Response:
    form = [("client_name", app.name), ("redirect_uris", draft.redirect_uri), ("scopes", " ".join(scopes))]
    url = at(flow.register_url, flow, draft.server)
    return await call.prepare("POST", url, form=form, auth=False, headers=ACCEPT, accept=REFUSALS)


async def _keep_alive(flow: CodeFlow, app: App, draft: Login, call: Call) -> None:
    """A token of the app's own: Mastodon before 4.3 deletes apps that never got one."""
    form, headers = identified(flow, app.client_id, app.client_secret)
    scopes = " ".join(broad(flow, draft.scopes))
    form += [("grant_type", "client_credentials"), ("redirect_uri", draft.redirect_uri), ("scope", scopes)]
    url = at(flow.token_url, flow, draft.server)
    with suppress(SocialKitError):
        await call.prepare("POST", url, form=form, auth=False, headers=headers, accept=REFUSALS)


def identified(
    flow: CodeFlow | DeviceFlow, client_id: str | None, secret: str | None
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """How the app says who it is at the token address: fields of the form, and headers."""
    name = getattr(flow, "client_id_name", "client_id")
    bare = getattr(flow, "empty_secret", False)
    if flow.client_auth == "basic" and (secret or bare):
        return [], {**ACCEPT, **flow.headers, **app_basic(client_id, secret)}
    form = [(name, client_id or "")]
    if secret and flow.client_auth == "body":
        form.append(("client_secret", secret))
    return form, {**ACCEPT, **flow.headers}


def app_basic(client_id: str | None, secret: str | None) -> dict[str, str]:
    """An app's id and secret as HTTP Basic; both are escaped first (RFC 6749, section 2.3.1)."""
    return basic(quote(client_id or "", safe=""), quote(secret or "", safe=""))


# --- finish ---------------------------------------------------------------------------------------------------
async def finish(
    flow: CodeFlow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """The credential the code of the callback is good for."""
    check_state(login, told)
    check_issuer(login, told)
    app = _app_of(app, login)
    spoken = (told.get("code"), told.get("state"))
    hidden = tuple(filter(None, (app.client_secret, app.private_key, *login.secrets.values(), *spoken)))
    check_agreed(login, told, hidden)
    token = await _spent(flow, app, login, code_of(login, told), hidden, call)
    if flow.takes:
        return _taken(flow, token, login.platform)
    try:
        credential = await _lasting(flow, app, login, token, hidden, call)
    except _NOT_NOW as error:
        words = f"{login.platform}: the code was spent, but the sign-in could not be completed; begin again"
        raise LoginFailed(f"{words} ({error.message})", reason="lost") from error
    if credential.scopes or flow.granted_by is None:
        return credential
    return attrs.evolve(credential, scopes=await _granted(flow, flow.granted_by, login, credential, call))


async def _lasting(
    flow: CodeFlow, app: App, login: Login, token: Token, hidden: tuple[str, ...], call: Call
) -> Credential:
    """The credential to keep, of the token the code gave."""
    if flow.exchange is not None:
        token = await _exchanged(flow, flow.exchange, app, login, token, hidden, call)
    credential = credential_of(flow, token, app, call)
    credential.extra.update(_kept(login))
    return await _at_its_server(flow, login, credential, call)


async def _granted(
    flow: CodeFlow, by: Granted, login: Login, credential: Credential, call: Call
) -> tuple[str, ...]:
    """What the platform says was granted; () when it does not."""
    url = at(filled(by.url, credential, login.platform), flow, login.server)
    try:
        answer = await call.read("GET", url, credential=credential, headers=ACCEPT, accept=READ)
    except SocialKitError:
        return ()
    items = found(answer.json_or_none(), by.each)
    counted = (one for one in (items if isinstance(items, list) else []) if _counts(one, by.only))
    return scopes_of([found(one, by.scope) if by.scope else one for one in counted])


def _counts(item: Any, only: Mapping[str, str]) -> bool:
    return all(found(item, place) == value for place, value in only.items())


def _app_of(app: App | None, login: Login) -> App:
    """The app the login was begun with: what it was registered as, else the one given."""
    given, kept = app or App(), login.secrets
    if kept.get("client_id", given.client_id) == given.client_id and "client_secret" not in kept:
        return given
    return attrs.evolve(given, client_id=kept["client_id"], client_secret=kept.get("client_secret"))


async def _spent(
    flow: CodeFlow, app: App, login: Login, code: str, hidden: tuple[str, ...], call: Call
) -> Token:
    form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", login.redirect_uri)]
    if verifier := login.secrets.get("verifier"):
        form.append(("code_verifier", verifier))
    form += flow.token_params.items()
    url = login.secrets.get("token_endpoint") or at(flow.token_url, flow, login.server)
    try:
        response = await _ask(flow, url, form, app, login.secrets, call)
    except OutcomeUnknown as lost:
        words = f"{login.platform}: the answer that holds the token was lost; begin the sign-in again"
        raise LoginFailed(words, reason="lost") from lost
    return _token_or_raise(flow, response, hidden, login.platform)


async def _ask(
    flow: CodeFlow,
    url: str,
    form: list[tuple[str, str]],
    app: App,
    kept: Mapping[str, str],
    call: Call,
) -> Response:
    """One request that spends something at the token address, with the app's proof, and the key's where tokens are
    bound to one; ``kept`` has key and issuer."""
    if flow.bound:
        from . import _dpop

        key, issuer = kept["dpop_key"], kept.get("issuer", "")
        return await _dpop.token_request(
            flow, url, form, key, app.client_id, app.private_key, call, issuer=issuer
        )
    proof, headers = identified(flow, app.client_id, app.client_secret)
    return await send("POST", url, [*form, *proof], headers, call)


def _token_or_raise(flow: CodeFlow, response: Response, hidden: tuple[str, ...], platform: str) -> Token:
    token = read_token(response, flow.answer, flow.granted, hidden)
    if isinstance(token, Refusal):
        raise token.as_login(platform)
    return token


def _taken(flow: CodeFlow, token: Token, platform: str) -> Credential:
    """The credential of an answer that carries something better than its token."""
    fields, extra = dict[str, Any](), dict[str, str]()
    for name, place in flow.takes.items():
        if (value := as_text(found(token.answer, place))) is None:
            raise LoginFailed(
                f"{platform}: the answer has no {place!r}; begin the sign-in again", reason="refused"
            )
        into = extra if name.startswith("extra.") else fields
        into[name.removeprefix("extra.")] = value
    return Credential(flow.kind, scopes=token.scopes, extra=extra, **fields)


async def _exchanged(
    flow: CodeFlow, step: Exchange, app: App, login: Login, token: Token, hidden: tuple[str, ...], call: Call
) -> Token:
    """The long-lived token for the short-lived one."""
    asked = {"grant_type": step.grant, step.name: token.access_token}
    asked |= {name: getattr(app, name) or "" for name in step.client}
    url = at(step.url, flow, login.server)
    response = await send(step.method, url, list(asked.items()), ACCEPT, call, again=True)
    longer = _token_or_raise(flow, response, (*hidden, token.access_token), login.platform)
    return attrs.evolve(longer, scopes=longer.scopes or token.scopes, id=longer.id or token.id)


async def send(
    method: str,
    url: str,
    asked: list[tuple[str, str]],
    headers: Mapping[str, str],
    call: Call,
    *,
    again: bool = False,
) -> Response:
    """A request with its fields in the query or in a form, as its method wants them; ``again``: it may be repeated."""
    where: Any = {"params": asked} if method == "GET" else {"form": asked}
    return await call.attach(
        method,
        url,
        **where,
        headers=headers,
        auth=False,
        accept=REFUSALS if again else READ,
        repeatable=again,
    )


def credential_of(flow: CodeFlow | DeviceFlow, token: Token, app: App, call: Call) -> Credential:
    """The credential a token makes, with what renewing and revoking it needs."""
    lives = token.expires_in or getattr(flow, "lives", None)
    renewal, ends = renewal_of(flow), flow.revocation is not None and flow.revocation.client
    keeps = ends or (renewal.client and getattr(token, renewal.by) is not None)
    secret = app.private_key if getattr(flow, "app", "") == "document" else app.client_secret
    extra = {"id": token.id} if token.id else {}
    return Credential(
        flow.kind,
        access_token=token.access_token,
        refresh_token=token.refresh_token,
        expires_at=call.now() + timedelta(seconds=lives) if lives else None,
        client_id=app.client_id or None,
        client_secret=secret if keeps else None,
        scopes=token.scopes,
        extra={**extra, **_when(flow, token, call)},
    )


def _when(flow: CodeFlow | DeviceFlow, token: Token, call: Call) -> dict[str, str]:
    """From when it is renewed, from when it can be, and until when."""
    renewal, extra = flow.renewal, dict[str, str]()
    if renewal is not None and renewal.early is not None:
        lives = token.expires_in or getattr(flow, "lives", None)
        extra["early"] = f"{min(renewal.early, lives / 2) if lives else renewal.early:.0f}"
    if renewal is not None and renewal.min_age:
        extra["renewable_at"] = (call.now() + timedelta(seconds=renewal.min_age)).isoformat()
    lives = token.refresh_expires_in or (
        getattr(flow, "refresh_lives", None) if token.refresh_token else None
    )
    if lives:
        extra["refresh_ends_at"] = (call.now() + timedelta(seconds=lives)).isoformat()
    return extra


def _kept(login: Login) -> dict[str, str]:
    """What of the login later requests need: the server's addresses and the key."""
    wanted = ("issuer", "token_endpoint", "revocation_endpoint", "dpop_key")
    return {name: login.secrets[name] for name in wanted if name in login.secrets}


async def _at_its_server(flow: CodeFlow, login: Login, credential: Credential, call: Call) -> Credential:
    """Where an authorization server serves many (atproto), the account's own, once it is known that they belong
    together."""
    if flow.discovery != "atproto":
        return credential
    from . import _atproto

    subject, issuer = credential.extra.get("id", ""), login.secrets.get("issuer", "")
    home = await _atproto.verify_subject(subject, issuer, login.server, call)
    ends = _atproto.session_end(credential, call.now()).isoformat()
    return attrs.evolve(credential, extra={**credential.extra, "server": home, "refresh_ends_at": ends})


# --- renew ----------------------------------------------------------------------------------------------------
async def renew(flow: CodeFlow | DeviceFlow, credential: Credential, server: str, call: Call) -> Credential:
    """The next token, by the refresh token or by the token itself.

    Errors: ReauthNeeded when the platform does not know the sign-in any more, AuthError when it is the app it refuses,
    RateLimited, Unavailable when nobody can say.
    """
    renewal = renewal_of(flow)
    spent = getattr(credential, renewal.by)
    if not spent:
        raise ReauthNeeded(
            "the token is no longer accepted and cannot be renewed; sign in again", definite=True
        )
    response = await _renewal(flow, renewal, spent, credential, server, call)
    hidden = credential.secrets()
    token = read_token(response, getattr(flow, "answer", ""), getattr(flow, "granted", "scope"), hidden)
    if isinstance(token, Refusal):
        raise token.as_renewal("the platform", credential.client_id)
    return _renewed(flow, token, credential, call)


def renewal_of(flow: CodeFlow | DeviceFlow) -> Renewal:
    """How the flow's tokens are renewed; where it does not say, as RFC 6749 has it."""
    return flow.renewal or Renewal()


async def _renewal(
    flow: CodeFlow | DeviceFlow, renewal: Renewal, spent: str, old: Credential, server: str, call: Call
) -> Response:
    url = old.extra.get("token_endpoint") if renewal.url is None else None
    url = url or at(renewal.url or flow.token_url, flow, server)
    form = [("grant_type", renewal.grant), (renewal.name, spent)]
    if isinstance(flow, CodeFlow) and flow.bound:
        app = App(old.client_id or "", private_key=old.client_secret)
        return await _ask(flow, url, form, app, old.extra, call)
    proof, headers = identified(flow, old.client_id, old.client_secret) if renewal.client else ([], ACCEPT)
    again = flow.rotation != "strict"
    return await send(renewal.method, url, [*form, *proof], headers, call, again=again)


def _renewed(flow: CodeFlow | DeviceFlow, token: Token, old: Credential, call: Call) -> Credential:
    """The old credential with what the answer says; what it leaves out stays."""
    new = credential_of(flow, token, App(), call)
    return attrs.evolve(
        old,
        access_token=new.access_token,
        refresh_token=new.refresh_token or old.refresh_token,
        expires_at=new.expires_at,
        scopes=new.scopes or old.scopes,
        extra={**old.extra, **_when(flow, token, call)},
    )
