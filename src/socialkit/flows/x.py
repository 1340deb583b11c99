"""How people sign in to X: OAuth 2.0 with PKCE, OAuth 1.0a, or the four keys of the developer console."""

from __future__ import annotations

from . import Ask, CodeFlow, Flow, KeyFlow, OAuth1Flow, Renewal, Revocation, Whoami

__all__ = ["FLOWS"]

_API = "https://api.x.com"
_SETUP = "https://console.x.com"
_SOURCE = "docs.x.com: OAuth 2.0 authorization code with PKCE, OAuth 1.0a; X API OpenAPI document; 2026-11-23"
_READ = ("tweet.read", "users.read")
_WRITE = ("tweet.read", "tweet.write", "users.read")
_WHOAMI = Whoami(url="/2/users/me", id="data.id", name="data.username")
_INVALIDATE = Revocation(url="/1.1/oauth/invalidate_token", name="", client=False)

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="X in the browser",
        server=_API,
        setup=(
            f"{_SETUP}: an app in a project, with its user authentication set up; the callback address must be "
            "the same to the letter. A web app or bot has a client secret, a native app has none"
        ),
        authorize_url="https://x.com/i/oauth2/authorize",
        token_url="/2/oauth2/token",
        client_auth="basic",
        pkce="S256",
        scopes={
            "identify": (*_READ, "offline.access"),
            "publish": (*_WRITE, "media.write"),
            "metrics": _READ,
            "replies": (*_WRITE, "tweet.moderate.write"),
            "delete": _WRITE,
            "messages": (*_READ, "dm.read", "dm.write"),
        },
        renewal=Renewal(),
        rotation="strict",
        lives=7200.0,
        whoami=_WHOAMI,
        revocation=Revocation(url="/2/oauth2/revoke", sends=("refresh_token", "access_token"), hint=True),
        source=_SOURCE,
    ),
    OAuth1Flow(
        name="oauth1",
        title="X in the browser, with OAuth 1.0a (does not end)",
        server=_API,
        setup=f"{_SETUP}: the app's API key and secret, with rights to read and write before anybody signs in",
        request_url="/oauth/request_token",
        authorize_url="/oauth/authorize",
        access_url="/oauth/access_token",
        id="user_id",
        name_field="screen_name",
        whoami=_WHOAMI,
        revocation=_INVALIDATE,
        source=_SOURCE,
    ),
    KeyFlow(
        name="keys",
        title="The four keys of an app for its owner's own account",
        server=_API,
        setup=_SETUP,
        kind="oauth1",
        asks=(
            Ask(name="api_key", words="API key", hint="the developer console calls it consumer key too"),
            Ask(name="api_secret", words="API key secret"),
            Ask(
                name="access_token",
                words="Access token",
                shape=r"\d+-[A-Za-z0-9]+",
                hint="digits, a hyphen and letters; made after the app was given rights to read and write",
            ),
            Ask(name="token_secret", words="Access token secret"),
        ),
        fills={
            "api_key": "client_id",
            "api_secret": "client_secret",
            "access_token": "access_token",
            "token_secret": "secret",
        },
        whoami=_WHOAMI,
        revocation=_INVALIDATE,
        source=_SOURCE,
    ),
)
