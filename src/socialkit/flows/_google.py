"""What every sign-in with a Google account has in common."""

from __future__ import annotations

from . import Revocation

AUTHORIZE_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"
OFFLINE = {"access_type": "offline", "prompt": "consent"}
"""What the consent page is asked with: without both no refresh token comes, or none the second time."""
LIVES = 3599.0
REVOCATION = Revocation(
    url="https://oauth2.googleapis.com/revoke", sends=("refresh_token", "access_token"), client=False
)
