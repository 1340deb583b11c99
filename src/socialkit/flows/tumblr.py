"""Signing in to Tumblr: OAuth 2.0, or OAuth 1.0a, whose tokens do not end. Both use the same app.

A person has one primary blog and may have more; the sign-in is for all of them, and is known by the uuid of the first
blog Tumblr lists, the primary one: names change, uuids do not.
"""

from . import CodeFlow, Flow, OAuth1Flow, Renewal, Whoami

__all__ = ["FLOWS"]

_WWW, _API = "https://www.tumblr.com", "https://api.tumblr.com"
_SETUP = f"{_WWW}/oauth/apps"
_SOURCE = "tumblr/docs (api.md) at 708be10 and its issues 72 and 134, 2026-11-23"
_WHOAMI = Whoami(url="/v2/user/info", id="response.user.blogs.0.uuid", name="response.user.blogs.0.name")
_CAPABILITIES = ("publish", "replies", "delete")

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Tumblr in the browser",
        server=_API,
        setup=f"{_SETUP}: register an application; its OAuth2 redirect URL must be the same to the letter",
        scopes={
            "identify": ("basic",),
            "metrics": ("basic",),
            **dict.fromkeys(_CAPABILITIES, ("basic", "write")),
        },
        always=("offline_access",),
        rotation="strict",
        whoami=_WHOAMI,
        source=_SOURCE,
        authorize_url=f"{_WWW}/oauth2/authorize",
        token_url=f"{_API}/v2/oauth2/token",
        client_auth="body",
        renewal=Renewal(),
        lives=2520.0,
        refresh_lives=3_628_800.0,
    ),
    OAuth1Flow(
        name="oauth1",
        title="Tumblr in the browser, with a token that does not end (OAuth 1.0a)",
        server=_API,
        setup=f"{_SETUP}: register an application; its default callback URL must be the same to the letter",
        scopes={"identify": (), "metrics": (), **dict.fromkeys(_CAPABILITIES, ())},
        whoami=_WHOAMI,
        source=_SOURCE,
        request_url=f"{_WWW}/oauth/request_token",
        authorize_url=f"{_WWW}/oauth/authorize",
        access_url=f"{_WWW}/oauth/access_token",
    ),
)
