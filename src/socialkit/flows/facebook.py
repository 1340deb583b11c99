"""Signing in to Facebook Pages: a person agrees, and every Page they manage gets a token that does not end.

The person's own token (an hour, exchanged for 60 days) only lists the Pages and is not kept. A Page's token dies when
the person changes their password, loses their role on the Page or removes the app. The one request that could end a
sign-in, ``DELETE /me/permissions``, ends it for ALL Pages of that person, so none is sent for one Page.
"""

from . import Flow
from ._meta import facebook_login

__all__ = ["FLOWS"]

_LIST, _READ = "pages_show_list", "pages_read_engagement"

FLOWS: tuple[Flow, ...] = (
    facebook_login(
        name="oauth2",
        title="Facebook Pages in the browser",
        setup=(
            "developers.facebook.com: an app with Facebook Login, and the exact https callback address. People without "
            "a role on the app need App Review; Pages held through a business may need business_management. A sign-in "
            "is ended by the person, in the settings of Facebook under Business Integrations, for all their Pages"
        ),
        scopes={
            "identify": (_LIST,),
            "publish": ("pages_manage_posts", _READ, _LIST),
            "metrics": ("read_insights", _READ),
            "replies": ("pages_manage_engagement", "pages_read_user_content", _READ),
            "delete": ("pages_manage_posts", _READ, _LIST),
            "messages": ("pages_messaging",),
        },
        fields="id,name,username,access_token,tasks",
        account="id",
        source="Meta: Facebook Login, access tokens, Pages API, Graph API v26.0; 2026-11-23",
    ),
)
