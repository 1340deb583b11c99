"""Signatures that need keys, a clock or a library: what :meth:`Adapter.authorize` cannot do by itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

from ..adapters.base import Credential, Response

MACHINE_SIGNED = frozenset({"oauth1", "dpop", "ghost"})
"""Kinds of credentials whose requests are signed here, each by itself."""


def signed_headers(
    credential: Credential, method: str, url: str, now: datetime, nonces: Mapping[str, str]
) -> dict[str, str]:
    """The headers that sign one request with a credential of a kind in :data:`MACHINE_SIGNED`.

    ``url`` is whole, query included. ``now`` is the server's time. ``nonces``: origin → the nonce it gave last.
    """
    if credential.kind == "dpop":
        return sign_dpop(credential, method, url, now, nonces)
    if credential.kind == "ghost":
        from ._ghost import ghost_header

        return ghost_header(credential, now)
    return sign_oauth1(credential, method, url, now)


def sign_oauth1(credential: Credential, method: str, url: str, now: datetime) -> dict[str, str]:
    """The Authorization header of OAuth 1.0a (HMAC-SHA1) over method, URL and query; the body is not signed.

    ``now`` is the server's time: platforms refuse a signature that is minutes old, or early.
    """
    from ._oauth1 import authorization

    moment, nonce = int(now.timestamp()), secrets.token_hex(16)
    return {"authorization": authorization(credential, method, url, nonce=nonce, timestamp=moment)}


def sign_dpop(
    credential: Credential, method: str, url: str, now: datetime, nonces: Mapping[str, str]
) -> dict[str, str]:
    """The headers of a request with a token bound to a key (RFC 9449), with the nonce its origin gave last."""
    from ._dpop import proof

    token, key = credential.access_token or "", credential.extra["dpop_key"]
    nonce = nonces.get(origin(url), "")
    signed = proof(key, method, url, now=now, token=token, nonce=nonce)
    return {"authorization": f"DPoP {token}", "dpop": signed}


def origin(url: str) -> str:
    """Scheme, host and port of an address.

    >>> origin("https://pds.example.com:8443/xrpc/a.b.c?limit=1")
    'https://pds.example.com:8443'
    """
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition("?")[0].partition("#")[0]
    return f"{scheme}://{host}".lower()


def with_query(url: str, query: Mapping[str, str]) -> str:
    """An address with more in its query.

    >>> with_query("https://example.com/authorize?lang=en", {"scope": "read write"})
    'https://example.com/authorize?lang=en&scope=read%20write'
    """
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, quote_via=quote)}"


def wants_nonce(response: Response) -> bool:
    """Whether an answer only says that the proof lacks the server's nonce: then the request was not executed."""
    if response.status not in (400, 401) or not response.headers.get("dpop-nonce"):
        return False
    if "use_dpop_nonce" in response.headers.get("www-authenticate", ""):
        return True
    body = response.json_or_none()
    return isinstance(body, dict) and body.get("error") == "use_dpop_nonce"
