"""How people sign in to a server that speaks the Mastodon API: in the browser, or with a token made in its settings.

No developer app is needed: one is registered on the server at the first sign-in there. Servers before 4.3 tell nothing
about themselves and know neither PKCE nor ``profile``; they are asked for ``read`` and ``write``.
"""

from __future__ import annotations

from . import Ask, CodeFlow, Flow, KeyFlow, Revocation, Whoami

__all__ = ["FLOWS"]

_SOURCE = "docs.joinmastodon.org: OAuth, scopes, apps; Mastodon, GoToSocial and Pleroma source; 2026-11-23"
_SCOPES = {
    "identify": ("profile",),
    "publish": ("write:statuses", "write:media", "read:statuses", "read:search"),
    "metrics": ("read:statuses", "read:accounts"),
    "replies": ("read:statuses", "read:notifications"),
    "delete": ("write:statuses",),
    "messages": ("read:statuses", "write:statuses", "write:conversations"),
}
_BOTH = ("accounts", "blocks", "bookmarks", "favourites", "filters", "follows", "lists", "mutes")
_ONLY_WRITTEN = ("conversations", "media", "notifications", "reports", "statuses")
_WHOAMI = Whoami(url="/api/v1/accounts/verify_credentials", id="id", name="acct")

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="The server's sign-in page",
        authorize_url="/oauth/authorize",
        token_url="/oauth/token",
        register_url="/api/v1/apps",
        discovery="rfc8414",
        app="registered",
        pkce="S256",
        redirect="loopback",
        scopes=_SCOPES,
        implied={
            "read": (
                "profile",
                "read:notifications",
                "read:search",
                "read:statuses",
                *(f"read:{name}" for name in _BOTH),
            ),
            "write": tuple(f"write:{name}" for name in (*_BOTH, *_ONLY_WRITTEN)),
        },
        whoami=_WHOAMI,
        revocation=Revocation(url="/oauth/revoke"),
        source=_SOURCE,
    ),
    KeyFlow(
        name="token",
        title="Access token from the server's settings",
        setup="/settings/applications",
        kind="bearer",
        asks=(
            Ask(
                name="access_token",
                words="Access token",
                hint="Preferences → Development → your application → Your access token",
            ),
        ),
        fills={"access_token": "access_token"},
        whoami=_WHOAMI,
        source=_SOURCE,
    ),
)
