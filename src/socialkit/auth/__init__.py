"""Signing in and staying signed in; the only room that imports authlib and joserfc.

The public words are :class:`App`, :class:`Login` and :class:`Account`; the ways to sign in are data
(:mod:`socialkit.flows`), walked by the engine that loads on use.
"""

from typing import TYPE_CHECKING, Any

from ._keychain import (
    EARLY,
    SOON,
    Keychain,
    Renew,
    check_identity,
    ends_for_good,
    flow_of,
    is_credential,
    locked,
    login_command,
)
from ._login import Account, App, Login
from ._signing import MACHINE_SIGNED, origin, sign_dpop, sign_oauth1, signed_headers, wants_nonce

if TYPE_CHECKING:
    from ._dpop import client_metadata as client_metadata

__all__ = [
    "EARLY",
    "MACHINE_SIGNED",
    "SOON",
    "Account",
    "App",
    "Keychain",
    "Login",
    "Renew",
    "check_identity",
    "client_metadata",
    "ends_for_good",
    "flow_of",
    "is_credential",
    "locked",
    "login_command",
    "origin",
    "sign_dpop",
    "sign_oauth1",
    "signed_headers",
    "wants_nonce",
]


def __getattr__(name: str) -> Any:
    if name == "client_metadata":
        from ._dpop import client_metadata

        return client_metadata
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
