"""Signing in and staying signed in; the only room that imports authlib and joserfc.

The public words are :class:`App`, :class:`Login` and :class:`Account`; the ways to sign in are data
(:mod:`socialkit.flows`), walked by the engine that loads on use.
"""

from ._keychain import EARLY, Keychain, Renew, check_identity, locked
from ._login import Account, App, Login
from ._signing import sign_oauth1

__all__ = [
    "EARLY",
    "Account",
    "App",
    "Keychain",
    "Login",
    "Renew",
    "check_identity",
    "locked",
    "sign_oauth1",
]
