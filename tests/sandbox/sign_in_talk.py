"""How the tests of signing in talk to a box: authorize addresses, callbacks, PKCE, OAuth 1.0a headers."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from socialkit.sandbox.oauth1 import signature

BACK = "http://127.0.0.1:8000/back"
AGENT = "linux:example.app:1.0 (by /u/example)"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def ask(page, client_id, scope, /, **query):
    """An authorize address; a query value of None leaves it out."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": BACK,
        "scope": scope,
        "state": "s1",
        **query,
    }
    return f"{page}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


def told(address):
    """The query of a callback address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def with_code(address, **fields):
    """The form that exchanges the code of a callback address."""
    return {
        "grant_type": "authorization_code",
        "code": told(address)["code"],
        "redirect_uri": BACK,
        **fields,
    }


def with_refresh(token, **fields):
    """The form that renews."""
    return {"grant_type": "refresh_token", "refresh_token": token, **fields}


def bearer(token):
    """The header of a request with an access token."""
    return {"authorization": f"Bearer {token}", "user-agent": AGENT}


def sign(box, method, url, app, token=("", ""), form=(), **oauth):
    """The ``Authorization: OAuth`` header of a request; ``form`` are the pairs of a form body."""
    given = {
        "oauth_consumer_key": app["client_id"],
        "oauth_nonce": secrets.token_hex(8),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(box.clock.now().timestamp())),
        "oauth_version": "1.0",
        **({"oauth_token": token[0]} if token[0] else {}),
        **oauth,
    }
    pairs = [*given.items(), *form]
    given["oauth_signature"] = signature(method, url, pairs, app["client_secret"], token[1])
    return "OAuth " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in given.items())


def pair(answer):
    """Token and secret of a form-encoded OAuth 1.0a answer."""
    assert answer.status_code == 200, answer.text
    fields = parse_qs(answer.text)
    return fields["oauth_token"][0], fields["oauth_token_secret"][0]
