"""Keeping secrets out of everything people read: reasons, logs, transcripts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterable
from urllib.parse import quote, quote_plus

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

_NAMES = r"[\w.-]{0,40}(?:token|secret|password|passwd|jwt|assertion|verifier|device_code|proof)"
_SECRETS = (
    (re.compile(r"(?i)\b(bearer|basic|dpop|oauth)\s+(?!oauth_)[A-Za-z0-9._~+/=:-]{6,}"), r"\1 ***"),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(\.[\w-]*)*"), "***"),  # a JSON Web Token
    (re.compile(r"(?i)\b(oauth_(?:token|signature|verifier|token_secret))=\"[^\"]*\""), r'\1="***"'),
    (re.compile(rf"(?i)\b({_NAMES}|i?sig|signature|key|code)=[^&\s\"']+"), r"\1=***"),
    (re.compile(rf'(?i)"({_NAMES})"(\s*:\s*)"[^"]*"'), r'"\1"\2"***"'),
    (re.compile(r"/bot\d+:[A-Za-z0-9_-]+"), "/bot***"),
    (re.compile(r"://[^/@\s]+@"), "://***@"),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with every one of ``secrets``, and whatever looks like a credential, replaced by ``***``.

    >>> redact("GET /bot12:AbC/getMe failed for s3cret-token", ["s3cret-token"])
    'GET /bot***/getMe failed for ***'
    """
    hidden = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    for form in hidden:
        text = text.replace(form, "***")
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return _BASE64.sub(lambda found: "***" if _holds(found[0], hidden) else found[0], text)


def _forms(secret: str) -> set[str]:
    """The secret as it is written in a sentence, an address, a form and JSON."""
    quoted = (write(secret, safe="", errors="replace") for write in (quote, quote_plus))
    return {secret, *quoted, json.dumps(secret)[1:-1]}


def _holds(text: str, secrets: Collection[str]) -> bool:
    """Whether a text in base 64 is one with a secret in it, as Basic writes name and password."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        plain = base64.b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return False
    return any(secret.encode("utf-8", "replace") in plain for secret in secrets)
