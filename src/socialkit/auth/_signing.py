"""Signatures that need keys, a clock or a library: what :meth:`Adapter.authorize` cannot do by itself."""

from __future__ import annotations

from ..adapters.base import Credential


def sign_oauth1(credential: Credential, method: str, url: str) -> dict[str, str]:
    """The Authorization header of OAuth 1.0a (HMAC-SHA1) over method, URL and query; the body is not signed."""
    from authlib.oauth1 import ClientAuth  # type: ignore[import-untyped]

    client = ClientAuth(
        credential.client_id,
        client_secret=credential.client_secret,
        token=credential.access_token,
        token_secret=credential.secret,
    )
    _, headers, _ = client.prepare(method, url, {}, b"")
    return {"authorization": str(headers["Authorization"])}
