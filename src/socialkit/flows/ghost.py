"""How sites sign in to Ghost: with the Admin API key of an integration (or a staff access token, of the same form)."""

from __future__ import annotations

from . import Ask, KeyFlow, Whoami

_API = "/ghost/api/admin"

FLOWS = (
    KeyFlow(
        name="admin_key",
        title="Admin API key of a custom integration",
        setup="/ghost/#/settings/integrations/new",
        kind="ghost",
        asks=(
            Ask(
                name="admin_key",
                words="Admin API key",
                shape=r"(?P<id>[0-9a-f]{24}):(?P<secret>[0-9a-f]{64})",
                hint="Settings → Integrations → Add custom integration; the server is the address of Ghost's admin",
            ),
        ),
        fills={"id": "client_id", "secret": "secret"},
        scopes={"identify": (), "publish": (), "metrics": (), "replies": (), "delete": ()},
        # Who the site is, anybody may read; only a good key reads its configuration.
        whoami=Whoami(
            url=f"{_API}/site/",
            proof=f"{_API}/config/",
            headers={"accept-version": "v6.0"},
            id="site.site_uuid|site.url",
            name="site.title",
        ),
        source="source of Ghost 6.65.0, 2026-11-23",
    ),
)
