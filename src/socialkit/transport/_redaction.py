"""Keeping secrets out of everything people read: reasons, logs, transcripts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "dpop",
        "x-api-key",
        "x-goog-api-key",
        "location",
    }
)
"""Lower-case names of headers whose values are never shown. ``location``: upload sessions are secrets."""

_SECRET_WORDS = (
    "access_token|refresh_token|id_token|client_secret"
    "|client_assertion|code_verifier|password|appsecret_proof"
)
_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic|dpop|oauth)\s+[A-Za-z0-9._~+/=:-]{6,}"), r"\1 ***"),
    (re.compile(rf"(?i)\b({_SECRET_WORDS}|i?sig|signature|token|key|code)=[^&\s\"']+"), r"\1=***"),
    (re.compile(rf'(?i)"({_SECRET_WORDS}|token)"(\s*:\s*)"[^"]*"'), r'"\1"\2"***"'),
    (re.compile(r"/bot\d+:[A-Za-z0-9_-]+"), "/bot***"),
    (re.compile(r"://[^/@\s]+@"), "://***@"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with every one of ``secrets``, and whatever looks like a credential, replaced by ``***``.

    >>> redact("GET /bot12:AbC/getMe failed for s3cret-token", ["s3cret-token"])
    'GET /bot***/getMe failed for ***'
    """
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text
