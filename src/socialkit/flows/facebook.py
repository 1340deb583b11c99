"""Signing in to Facebook Pages: a person agrees, and every Page they manage gets a token that does not end.

The person's own token (an hour, exchanged for 60 days) only lists the Pages and is not kept. A Page's token dies when
the person changes their password, loses their role on the Page or removes the app. The one request that could end a
sign-in, ``DELETE /me/permissions``, ends it for ALL Pages of that person, so none is sent for one Page.
"""

from . import CodeFlow, Exchange, Flow, Granted, Whoami

__all__ = ["FLOWS"]

_API = "https://graph.facebook.com"
_VERSION = "v26.0"
_LIST, _READ = "pages_show_list", "pages_read_engagement"

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Facebook Pages in the browser",
        server=_API,
        setup=(
            "developers.facebook.com: an app with Facebook Login, and the exact https callback address. People without "
            "a role on the app need App Review; Pages held through a business may need business_management. A sign-in "
            "is ended by the person, in the settings of Facebook under Business Integrations, for all their Pages"
        ),
        kind="bearer",
        scopes={
            "identify": (_LIST,),
            "publish": ("pages_manage_posts", _READ, _LIST),
            "metrics": ("read_insights", _READ),
            "replies": ("pages_manage_engagement", "pages_read_user_content", _READ),
            "delete": ("pages_manage_posts", _READ, _LIST),
            "messages": ("pages_messaging",),
        },
        rotation="none",
        whoami=Whoami(
            url=f"{_API}/{_VERSION}/me/accounts",
            params={"fields": "id,name,username,access_token,tasks", "limit": "100"},
            each="data",
            next="paging.next",
            id="id",
            name="name",
            token="access_token",
            own=f"{_API}/{_VERSION}/{{id}}?fields=id,name",
            refusals=("190",),
        ),
        authorize_url=f"https://www.facebook.com/{_VERSION}/dialog/oauth",
        token_url=f"{_API}/{_VERSION}/oauth/access_token",
        scope_separator=",",
        # Without it a permission that was declined once is never asked for again.
        authorize_params={"auth_type": "rerequest"},
        granted_by=Granted(
            url=f"{_API}/{_VERSION}/me/permissions",
            each="data",
            scope="permission",
            only={"status": "granted"},
        ),
        redirect="https",
        exchange=Exchange(
            url=f"{_API}/{_VERSION}/oauth/access_token",
            grant="fb_exchange_token",
            name="fb_exchange_token",
            client=("client_id", "client_secret"),
        ),
        source="Meta: Facebook Login, access tokens, Pages API, Graph API v26.0; 2026-11-23",
    ),
)
