"""Signing in to Google Business Profile: Google's accounts, as on YouTube, with one scope for everything.

A sign-in reaches every account the person manages, each known as ``accounts/{a}``; its locations are read below it.
Revoking ends everything the person ever gave to the whole Google Cloud project, YouTube included.
"""

from . import CodeFlow, Flow, Renewal, Whoami
from ._google import AUTHORIZE_URL, LIVES, OFFLINE, REVOCATION, TOKEN_URL

__all__ = ["FLOWS"]

_MANAGE = "https://www.googleapis.com/auth/business.manage"

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Google account in the browser",
        server="https://mybusiness.googleapis.com",
        setup=(
            "Ask Google for access to the Business Profile APIs (before that every call is refused), enable each of "
            "them in the Cloud project, then make an OAuth client of the type Desktop app or Web application. "
            "Logging out ends all that was given to the project, for every account of the person"
        ),
        scopes=dict.fromkeys(("identify", "publish", "metrics", "replies", "delete"), (_MANAGE,)),
        rotation="none",
        whoami=Whoami(
            url="https://mybusinessaccountmanagement.googleapis.com/v1/accounts",
            each="accounts",
            id="name",
            name="accountName",
            next="nextPageToken",
            next_name="pageToken",
        ),
        revocation=REVOCATION,
        authorize_url=AUTHORIZE_URL,
        token_url=TOKEN_URL,
        pkce="S256",
        authorize_params=OFFLINE,
        redirect="loopback",
        renewal=Renewal(),
        lives=LIVES,
        source="Google: OAuth 2.0 for installed apps; account management discovery document; 2026-11-23",
    ),
)
