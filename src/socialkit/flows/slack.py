"""How apps are installed to a Slack workspace: OAuth 2.0 version 2, or the bot token of the app's own page."""

from __future__ import annotations

from . import Ask, CodeFlow, KeyFlow, Renewal, Revocation, Whoami

_SERVER = "https://slack.com"
_SETUP = "https://api.slack.com/apps"
_SOURCE = "docs.slack.dev: authentication, auth.test, oauth.v2.access, 2026-11-23"
_HISTORY = ("channels:history", "groups:history")
_SCOPES = {
    "identify": (),
    "publish": (
        "chat:write",
        "files:write",
        "files:read",
        "channels:read",
        "groups:read",
        "channels:join",
    ),
    "metrics": ("reactions:read", *_HISTORY),
    "replies": ("chat:write", "users:read", *_HISTORY),
    "delete": ("chat:write",),
    "messages": ("chat:write", "im:read", "im:history"),
}
_REFUSALS = ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked")
# A user id is unique in its workspace only.
_WHOAMI = Whoami(url=f"{_SERVER}/api/auth.test", id="team_id+user_id", name="user", refusals=_REFUSALS)
_REVOCATION = Revocation(url=f"{_SERVER}/api/auth.revoke", method="GET", name="", client=False)

FLOWS = (
    CodeFlow(
        name="oauth2",
        title="Install the app to a workspace",
        server=_SERVER,
        setup=_SETUP,
        authorize_url=f"{_SERVER}/oauth/v2/authorize",
        token_url=f"{_SERVER}/api/oauth.v2.access",
        scope_separator=",",
        redirect="https",
        rotation="strict",
        renewal=Renewal(),
        scopes=_SCOPES,
        whoami=_WHOAMI,
        revocation=_REVOCATION,
        source=_SOURCE,
    ),
    KeyFlow(
        name="bot_token",
        title="Bot token of an app that is installed",
        server=_SERVER,
        setup=_SETUP,
        kind="bearer",
        asks=(
            Ask(
                name="bot_token",
                words="Bot user OAuth token",
                shape=r"xoxb-[0-9A-Za-z-]+",
                hint="the app's page → OAuth & Permissions; it begins with xoxb-",
            ),
        ),
        fills={"bot_token": "access_token"},
        scopes=_SCOPES,
        whoami=_WHOAMI,
        revocation=_REVOCATION,
        source=_SOURCE,
    ),
)
