"""Signing in to TikTok: OAuth 2.0 with names of its own (``client_key``) and a challenge in hexadecimal digits."""

import attrs

from . import CodeFlow, Flow, Renewal, Revocation, Whoami

__all__ = ["FLOWS"]

_API = "https://open.tiktokapis.com"
_DAY = 86_400.0

_DIRECT = CodeFlow(
    name="oauth2",
    title="TikTok account in the browser",
    server=_API,
    setup=(
        "developers.tiktok.com: an app with Login Kit and the Content Posting API. A desktop callback is "
        "http://127.0.0.1 or localhost with a port (register http://127.0.0.1:*/callback/ for any; the slash at "
        "the end counts), a web callback is https. Scopes need TikTok's review"
    ),
    scopes={
        "identify": ("user.info.basic",),
        "publish": ("video.publish",),
        "metrics": ("user.info.stats", "video.list"),
    },
    # A renewal may answer with another refresh token; whether the old one works on is not said, so it is not tried.
    rotation="strict",
    whoami=Whoami(
        url=f"{_API}/v2/user/info/",
        params={"fields": "open_id,union_id,avatar_url,display_name"},
        id="data.user.open_id",
        name="data.user.display_name",
    ),
    revocation=Revocation(url=f"{_API}/v2/oauth/revoke/"),
    authorize_url="https://www.tiktok.com/v2/auth/authorize/",
    token_url=f"{_API}/v2/oauth/token/",
    client_id_name="client_key",
    pkce="hex",
    scope_separator=",",
    redirect="port",
    renewal=Renewal(),
    lives=_DAY,
    refresh_lives=365 * _DAY,
    source="TikTok: Login Kit for desktop and web, user access token management, scopes; 2026-11-23",
)
FLOWS: tuple[Flow, ...] = (
    _DIRECT,
    attrs.evolve(
        _DIRECT,
        name="inbox",
        title="TikTok account in the browser, for its inbox: a person posts in the app",
        scopes={**_DIRECT.scopes, "publish": ("video.upload",)},
    ),
)
