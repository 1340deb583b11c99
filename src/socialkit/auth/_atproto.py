"""Who signs people in for an account of the AT Protocol: from a handle or server to the authorization server, and back.

The way back is what makes a sign-in trustworthy: a server may only speak for the accounts whose own documents name it.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ..adapters.base import Call, Credential, Response
from ..errors import ConfigError, LoginFailed, Unavailable
from ._callback import clean
from ._signing import origin

DIRECTORY = "https://plc.directory"
RESOLVER = "https://public.api.bsky.app"
"""Who is asked for the DID of a handle."""
PUBLIC_SESSION, CONFIDENTIAL_SESSION = timedelta(days=14), timedelta(days=730)
_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "pushed_authorization_request_endpoint",
)
_HANDLE = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_ALWAYS = {
    "authorization_response_iss_parameter_supported": True,
    "code_challenge_methods_supported": ["S256"],
}
_DOMAIN = re.compile(r"(?!.*\.(local|localhost|internal)$)([a-z0-9_-]+\.)+[a-z][a-z0-9-]*")
_PLC = re.compile(r"did:plc:[a-z2-7]{24}")
_WEB = re.compile(r"did:web:([a-z0-9.-]+)")
_NONE = (400, 404, 410, 501)
"""Answers of a host that has no such document."""


async def discover(server: str, call: Call) -> dict[str, Any]:
    """The authorization server of a server (its base URL), or of a handle or DID given in its place.

    ``issuer, authorization_endpoint, token_endpoint, pushed_authorization_request_endpoint`` and, where there are such,
    ``revocation_endpoint`` and ``login_hint`` (who signs in); and what the protocol asks of all of them: PKCE, and
    callbacks that name their issuer. LoginFailed("refused") when the server does not sign in this way.
    """
    name = server.removeprefix("https://").rstrip("/").removeprefix("@")
    if "://" not in server:
        return {**await _metadata(await _server_of(name, call), call), "login_hint": name}
    try:
        return await _metadata(server.rstrip("/"), call)
    except (LoginFailed, Unavailable) as error:
        if (isinstance(error, LoginFailed) and error.reason == "forged") or not _HANDLE.fullmatch(name):
            raise
        try:
            place = await _server_of(name, call)
        except (ConfigError, LoginFailed, Unavailable):
            raise error from None
    return {**await _metadata(place, call), "login_hint": name}


async def _metadata(server: str, call: Call) -> dict[str, Any]:
    """What the authorization server of a server says about itself."""
    issuer = await _issuer_of(server, call) or server
    _check_address(issuer, server)
    url = f"{issuer}/.well-known/oauth-authorization-server"
    told = _object(await call.read("GET", url, auth=False, accept=_NONE))
    if any(not isinstance(told.get(name), str) for name in _ENDPOINTS):
        raise LoginFailed(
            f"{server} does not sign in with OAuth: {issuer} has no metadata; use an app password there, with "
            'App(flow="app_password")',
            reason="refused",
        )
    if str(told.get("issuer")).rstrip("/") != issuer:
        raise LoginFailed(
            f"{issuer} says it is {clean(str(told.get('issuer')))}; nothing was sent there", reason="forged"
        )
    found = {name: str(told[name]) for name in (*_ENDPOINTS, "revocation_endpoint") if told.get(name)}
    for url in found.values():
        _check_address(url, server)
    return {"issuer": str(told["issuer"]), **found, **_ALWAYS}


async def verify_subject(sub: str, issuer: str, server: str, call: Call) -> str:
    """The base URL of the account's own server, after making sure that it lets ``issuer`` sign people in.

    ``sub`` is the DID a token answer names, ``server`` where the login began. LoginFailed("forged") when the account's
    documents do not name the issuer: then somebody spoke for an account that is not theirs.
    """
    pds = _pds(await _document(sub, server, call))
    if pds is None:
        raise LoginFailed(f"{sub} has no server to post to", reason="refused")
    _check_address(pds, server)
    named = await _issuer_of(pds, call) or pds
    if named != issuer.rstrip("/"):
        raise LoginFailed(
            f"{issuer} gave a token for {sub}, but that account is signed in by {clean(named)}; it was not kept",
            reason="forged",
        )
    return pds


def session_end(credential: Credential, began: datetime) -> datetime:
    """When a person has to sign in again, however often the token is renewed: sooner where the app has no key."""
    return began + (CONFIDENTIAL_SESSION if credential.client_secret else PUBLIC_SESSION)


async def resolve_handle(handle: str, call: Call, resolver: str = RESOLVER) -> str:
    """The DID of a handle; a ConfigError when nobody has it."""
    url = f"{resolver}/xrpc/com.atproto.identity.resolveHandle"
    answer = await call.read("GET", url, params={"handle": handle}, auth=False, accept=_NONE)
    did = _object(answer).get("did")
    if not isinstance(did, str):
        raise ConfigError(f"nobody has the handle {handle!r}; give server= as a handle or as https://…")
    return did


async def _server_of(name: str, call: Call) -> str:
    """The server of the account with that handle or DID."""
    did = name if name.startswith("did:") else await resolve_handle(name, call)
    pds = _pds(await _document(did, "", call))
    if pds is None:
        raise LoginFailed(f"{name} has no server to post to", reason="refused")
    _check_address(pds, DIRECTORY)
    return pds


async def _issuer_of(server: str, call: Call) -> str | None:
    """The authorization server a server names; None when it names none: then it may be one itself."""
    url = f"{server}/.well-known/oauth-protected-resource"
    answer = await call.read("GET", url, auth=False, accept=_NONE)
    named = _object(answer).get("authorization_servers")
    if not isinstance(named, list) or not named:
        return None
    return str(named[0]).rstrip("/")


async def _document(did: str, server: str, call: Call) -> dict[str, Any]:
    """The DID document, from the directory of the DID's own kind: never from the server it is to prove.

    On loopback there is no directory: a server there is asked for what it knows.
    """
    plc, web = _PLC.fullmatch(did), _WEB.fullmatch(did)
    if plc is None and web is None:
        raise LoginFailed(f"{clean(did)!r} is no did:plc and no did:web", reason="refused")
    url = f"{DIRECTORY}/{did}" if web is None else f"https://{web[1]}/.well-known/did.json"
    _check_address(url, DIRECTORY)
    if _is_loopback(server):
        url = f"{server.rstrip('/')}/xrpc/com.atproto.repo.describeRepo?repo={did}"
    told = _object(await call.read("GET", url, auth=False, accept=_NONE))
    document = told.get("didDoc") if _is_loopback(server) else told
    if not isinstance(document, dict) or document.get("id") != did:
        raise LoginFailed(f"the directory does not know {did}", reason="refused")
    return document


def _pds(document: dict[str, Any]) -> str | None:
    """The account's own server, from its DID document."""
    services = document.get("service")
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            return str(service.get("serviceEndpoint")).rstrip("/")
    return None


def _object(answer: Response) -> dict[str, Any]:
    told = answer.json_or_none() if answer.status == 200 else None
    return told if isinstance(told, dict) else {}


def _check_address(url: str, server: str) -> None:
    """A document may send us anywhere: only to a public name by https, or on loopback when the login began there."""
    if _is_loopback(server) and (url.startswith("https://") or _is_loopback(url)):
        return
    if _is_public(url) or (url.startswith("https://") and origin(url) == origin(server)):
        return
    words = f"{server} names {clean(url)}, which is not https, or no address of a public server"
    raise LoginFailed(words, reason="refused")


def _is_public(url: str) -> bool:
    """Whether it is https at a domain name: numbers and bare names lead into the own network."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and parts.username is None and parts.port != 0 and url.isprintable()
    except ValueError:
        return False
    return sound and " " not in url and _DOMAIN.fullmatch(parts.hostname or "") is not None


def _is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
