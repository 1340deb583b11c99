"""Ghost's admin key as the short-lived token each request carries."""

from __future__ import annotations

import re
from datetime import datetime

from ..adapters.base import Credential
from ..errors import ReauthNeeded

SECONDS = 300
"""Ghost refuses tokens that live longer."""
_SECRET = re.compile(r"(?:[0-9A-Fa-f]{2})+")


def ghost_header(credential: Credential, now: datetime) -> dict[str, str]:
    """The Authorization header for requests of the next five minutes; ``now`` is the server's time.

    ``credential`` has the key's two halves, divided by its colon: ``client_id`` (24 hexadecimal digits) and ``secret``
    (64). A ReauthNeeded when they are none. Source: docs.ghost.org, Admin API token authentication, read 2026-11-23.

    >>> from datetime import UTC
    >>> key = Credential("ghost", client_id="5f" * 12, secret="0a" * 32)
    >>> ghost_header(key, datetime(2026, 11, 2, 9, tzinfo=UTC))["authorization"].split(".")[0]
    'Ghost eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjVmNWY1ZjVmNWY1ZjVmNWY1ZjVmNWY1ZiJ9'
    """
    secret = credential.secret or ""
    if not credential.client_id or not _SECRET.fullmatch(secret):
        raise ReauthNeeded("the Ghost key has not the form id:secret; sign in again with the Admin API key")
    issued = int(now.timestamp())
    claims: dict[str, int | str] = {"iat": issued, "exp": issued + SECONDS, "aud": "/admin/"}
    return {"authorization": f"Ghost {hs256(claims, bytes.fromhex(secret), credential.client_id)}"}


def hs256(claims: dict[str, int | str], key: bytes, kid: str) -> str:
    """The claims as a JSON Web Token (RFC 7519) signed with HMAC-SHA256."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    header = {"alg": "HS256", "kid": kid, "typ": "JWT"}
    return jwt.encode(header, claims, OctKey.import_key(key), algorithms=["HS256"])
