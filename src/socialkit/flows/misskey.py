"""How people sign in to a Misskey server: MiAuth, or an access token they made in the settings."""

from __future__ import annotations

from . import Ask, KeyFlow, MiAuthFlow, Whoami

_SOURCE = "source and API description of Misskey 2026.5.4, 2026-11-23"
_SCOPES = {
    "identify": ("read:account",),
    "publish": ("write:notes", "write:drive"),
    "metrics": ("read:account",),
    "replies": ("read:notifications", "write:notes"),
    "delete": ("write:notes",),
    "messages": ("read:chat", "write:chat"),
}
_WHOAMI = Whoami(url="/api/i", method="POST", id="id", name="username")

FLOWS = (
    MiAuthFlow(
        name="miauth",
        title="Agree on the server's own page",
        scopes=_SCOPES,
        whoami=_WHOAMI,
        source=_SOURCE,
    ),
    KeyFlow(
        name="token",
        title="Access token made in the settings",
        setup="/settings/api",
        kind="bearer",
        asks=(
            Ask(
                name="token",
                words="Access token",
                shape=r"[0-9A-Za-z]+",
                hint="Settings → API; tick the permissions read:account, write:notes and write:drive",
            ),
        ),
        fills={"token": "access_token"},
        scopes=_SCOPES,
        whoami=_WHOAMI,
        source=_SOURCE,
    ),
)
