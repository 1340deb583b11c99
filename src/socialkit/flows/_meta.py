"""What Meta's platforms have in common: Facebook Login for Pages, and tokens of 60 days that renew themselves."""

from __future__ import annotations

from collections.abc import Mapping

from . import CodeFlow, Exchange, Granted, Renewal, Whoami

VERSION = "v26.0"
DAY = 86_400.0
LIVES = 60 * DAY
REFUSALS = ("190",)
"""The code that says a token is no good, whatever the status."""

_GRAPH = "https://graph.facebook.com"
_BELOW = f"{_GRAPH}/{VERSION}"


def renewal(api: str, grant: str) -> Renewal:
    """A token that renews itself from a day after it was made; it does so when half its life is over."""
    return Renewal(
        by="access_token",
        url=f"{api}/refresh_access_token",
        grant=grant,
        method="GET",
        name="access_token",
        client=False,
        early=LIVES / 2,
        min_age=DAY,
    )


def facebook_login(
    *,
    name: str,
    title: str,
    setup: str,
    scopes: Mapping[str, tuple[str, ...]],
    fields: str,
    account: str,
    source: str,
) -> CodeFlow:
    """Facebook Login, and the tokens of the Pages the person manages.

    ``fields``: what is read of a Page; ``account``: where in it the id of the account stands.
    """
    return CodeFlow(
        name=name,
        title=title,
        server=_GRAPH,
        setup=setup,
        kind="bearer",
        scopes=scopes,
        rotation="none",
        whoami=Whoami(
            url=f"{_BELOW}/me/accounts",
            params={"fields": fields, "limit": "100"},
            each="data",
            next="paging.next",
            id=account,
            name="name",
            token="access_token",
            own=f"{_BELOW}/{{id}}?fields=id,name",
            refusals=REFUSALS,
        ),
        authorize_url=f"https://www.facebook.com/{VERSION}/dialog/oauth",
        token_url=f"{_BELOW}/oauth/access_token",
        scope_separator=",",
        # Without it a permission that was declined once is never asked for again.
        authorize_params={"auth_type": "rerequest"},
        granted_by=Granted(
            url=f"{_BELOW}/me/permissions", each="data", scope="permission", only={"status": "granted"}
        ),
        redirect="https",
        exchange=Exchange(
            url=f"{_BELOW}/oauth/access_token",
            grant="fb_exchange_token",
            name="fb_exchange_token",
            client=("client_id", "client_secret"),
        ),
        source=source,
    )
