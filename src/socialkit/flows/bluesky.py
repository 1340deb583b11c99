"""How people sign in to Bluesky and other servers of the AT Protocol: with OAuth, or with an app password."""

from __future__ import annotations

from . import Ask, CodeFlow, KeyFlow, Renewal, Revocation, Whoami

_SOURCE = "bluesky-social/atproto source, atproto.com, the reference server 0.5.35 on loopback, 2026-11-23"
_SESSION = Whoami(url="/xrpc/com.atproto.server.getSession", id="did", name="handle")


def _read(*methods: str) -> tuple[str, ...]:
    """The scopes of calls that the account's server passes on; to whichever service it uses."""
    return tuple(f"rpc:{method}?aud=*" for method in methods)


_RECORDS = tuple(f"repo:app.bsky.feed.{name}" for name in ("post", "threadgate", "postgate"))
_PUBLISH = (
    *_RECORDS,
    "blob:*/*",
    *_read("app.bsky.feed.getPosts", "com.atproto.repo.uploadBlob", "app.bsky.video.getUploadLimits"),
)
_METRICS = _read("app.bsky.feed.getPosts", "app.bsky.actor.getProfile")
_REPLIES = _read(
    "app.bsky.feed.getPostThread", "app.bsky.feed.getQuotes", "app.bsky.notification.listNotifications"
)
_MESSAGES = ("transition:generic", "transition:chat.bsky")

FLOWS = (
    # A record is written with putRecord, which needs create and update: the published set for creating posts is not
    # enough. The last two calls of _PUBLISH are those of a video's upload.
    CodeFlow(
        name="oauth",
        title="Bluesky's sign-in page",
        server="https://bsky.social",
        setup="put a client metadata document on your site; its address is the client id",
        kind="dpop",
        discovery="atproto",
        authorize_url="/oauth/authorize",
        token_url="/oauth/token",
        app="document",
        client_auth="none",
        pkce="S256",
        pushed=True,
        bound=True,
        redirect="loopback",
        always=("atproto",),
        scopes={
            "identify": ("atproto",),
            "publish": _PUBLISH,
            "metrics": _METRICS,
            "replies": _REPLIES,
            "delete": _RECORDS,
            "messages": _MESSAGES,
        },
        implied={"transition:generic": (*_PUBLISH, *_METRICS, *_REPLIES)},
        renewal=Renewal(),
        rotation="strict",
        whoami=_SESSION,
        revocation=Revocation(url="/oauth/revoke", sends=("refresh_token", "access_token")),
        source=_SOURCE,
    ),
    KeyFlow(
        name="app_password",
        title="App password",
        server="https://bsky.social",
        setup="https://bsky.app/settings/app-passwords",
        kind="session",
        asks=(
            Ask(name="handle", words="Handle", secret=False, hint="such as brand.bsky.social"),
            Ask(
                name="app_password",
                words="App password",
                hint="made in the settings under Privacy and security; not the password of the account",
            ),
        ),
        fills={"handle": "extra.handle", "app_password": "secret"},
        scopes={
            "identify": (),
            "publish": (),
            "metrics": (),
            "replies": (),
            "delete": (),
            "messages": (),
        },
        rotation="grace",
        whoami=_SESSION,
        revocation=Revocation(
            url="/xrpc/com.atproto.server.deleteSession", sends=("refresh_token",), name="", client=False
        ),
        source=_SOURCE,
    ),
)
