"""How authors sign in to DEV or another Forem site: with an API key of their settings."""

from __future__ import annotations

from . import Ask, KeyFlow, Whoami

FLOWS = (
    KeyFlow(
        name="api_key",
        title="API key",
        server="https://dev.to",
        setup="https://dev.to/settings/extensions",
        kind="api-key",
        asks=(
            Ask(
                name="api_key",
                words="API key",
                shape=r"[\w-]+",
                hint="Settings → Extensions → DEV Community API Keys",
            ),
        ),
        fills={"api_key": "access_token"},
        scopes={"identify": (), "publish": (), "metrics": (), "delete": ()},
        whoami=Whoami(url="/api/users/me", id="id", name="username"),
        source="developers.forem.com, API v1, and the server's source, 2026-11-23",
    ),
)
