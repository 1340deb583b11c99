"""Signing in to Threads: a token of an hour becomes one of 60 days, which renews itself while it lives.

A token can be renewed from a day after it was made until its end; after that only a new sign-in helps. It is renewed
when half its life is over, so that an account used once a month stays signed in.
"""

from . import CodeFlow, Exchange, Flow, Granted, Whoami
from ._meta import LIVES, REFUSALS, renewal

__all__ = ["FLOWS"]

_API = "https://graph.threads.net"

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Threads profile in the browser",
        server=_API,
        setup=(
            "developers.facebook.com: an app with the use case Threads; its Threads app id and secret, not those of "
            "the Facebook app, and an https callback address. People without a role on the app need App Review. "
            "No request ends a sign-in: the person does, in the settings of Threads"
        ),
        scopes={
            "identify": ("threads_basic",),
            # Parts of a thread are replies, and some replies fail with the publishing permission alone.
            "publish": ("threads_content_publish", "threads_manage_replies", "threads_read_replies"),
            "metrics": ("threads_manage_insights",),
            "replies": ("threads_manage_replies", "threads_read_replies"),
            "delete": ("threads_delete",),
        },
        # Nothing says that a renewed token ends before its time, nor that asking twice does harm.
        rotation="none",
        whoami=Whoami(
            url=f"{_API}/v1.0/me",
            params={"fields": "id,username,name"},
            id="id",
            name="username",
            refusals=REFUSALS,
        ),
        authorize_url="https://threads.net/oauth/authorize",
        token_url=f"{_API}/oauth/access_token",
        scope_separator=",",
        granted_by=Granted(url=f"{_API}/v1.0/debug_token?input_token={{access_token}}", each="data.scopes"),
        redirect="https",
        exchange=Exchange(url=f"{_API}/access_token", grant="th_exchange_token"),
        renewal=renewal(_API, "th_refresh_token"),
        lives=LIVES,
        source="Meta: Threads API, get access tokens and long-lived tokens; 2026-11-23",
    ),
)
