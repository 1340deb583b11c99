"""How one posts to Discord: through a webhook (picked in the browser, or its address pasted), or as a bot."""

from __future__ import annotations

from . import Ask, CodeFlow, KeyFlow, Revocation, Whoami

_SERVER = "https://discord.com"
_SOURCE = "docs.discord.com: OAuth2, webhooks, reference, 2026-11-23"
_PORTAL = "https://discord.com/developers/applications"
_AGENT = {"user-agent": "DiscordBot (https://pypi.org/project/socialkit-py, 1)"}
"""The form Discord wants; anything else may be stopped before it reaches the API."""

# A user's own OAuth token cannot post; the consent is for the webhook it makes, whose token stands in its address.
_WEBHOOK = f"{_SERVER}/api/v10/webhooks/{{client_id}}/{{access_token}}"
_WHOAMI = Whoami(url=_WEBHOOK, id="id", name="name", refusals=("10015", "50027"))

FLOWS = (
    CodeFlow(
        name="oauth2",
        title="Pick a channel; a webhook is made for it",
        server=_SERVER,
        setup=_PORTAL,
        kind="none",
        authorize_url=f"{_SERVER}/oauth2/authorize",
        token_url=f"{_SERVER}/api/oauth2/token",
        takes={"client_id": "webhook.id", "access_token": "webhook.token"},
        always=("webhook.incoming",),
        scopes={"identify": (), "publish": (), "metrics": (), "delete": ()},
        whoami=_WHOAMI,
        revocation=Revocation(url=_WEBHOOK, method="DELETE", name="", client=False),
        headers=_AGENT,
        source=_SOURCE,
    ),
    KeyFlow(
        name="webhook",
        title="Address of a webhook",
        server=_SERVER,
        setup="https://support.discord.com/hc/en-us/articles/228383668",
        kind="none",
        asks=(
            Ask(
                name="webhook_url",
                words="Webhook URL",
                shape=r"https?://\S+/webhooks/(?P<id>\d+)/(?P<token>[\w-]+)",
                hint="the channel's settings → Integrations → Webhooks → Copy Webhook URL",
            ),
        ),
        fills={"id": "client_id", "token": "access_token"},
        scopes={"identify": (), "publish": (), "metrics": (), "delete": ()},
        whoami=_WHOAMI,
        headers=_AGENT,
        source=_SOURCE,
    ),
    KeyFlow(
        name="bot",
        title="Bot token",
        server=_SERVER,
        setup=_PORTAL,
        kind="bot",
        asks=(
            Ask(
                name="bot_token",
                words="Bot token",
                shape=r"[\w-]+\.[\w-]+\.[\w-]+",
                hint="the developer portal → your app → Bot → Reset Token",
            ),
        ),
        fills={"bot_token": "access_token"},
        scopes={"identify": (), "publish": (), "metrics": (), "replies": (), "delete": (), "messages": ()},
        whoami=Whoami(url=f"{_SERVER}/api/v10/users/@me", id="id", name="username"),
        headers=_AGENT,
        source=_SOURCE,
    ),
)
