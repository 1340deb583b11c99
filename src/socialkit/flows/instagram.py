"""Signing in to Instagram professional accounts: with Instagram itself, or through the Facebook Page they belong to.

Instagram's own token lives 60 days and renews itself from a day after it was made until its end. Through Facebook the
Page's token is used, which does not end, and which only the person can end, for all their Pages at once.
"""

from . import CodeFlow, Exchange, Flow, Whoami
from ._meta import LIVES, REFUSALS, VERSION, facebook_login, renewal

__all__ = ["FLOWS"]

_API = "https://graph.instagram.com"
_PAGES = ("pages_show_list", "pages_read_engagement")

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="instagram",
        title="Instagram account in the browser",
        server=_API,
        setup=(
            "developers.facebook.com: an app with the Instagram API and Instagram Login; its Instagram app id and "
            "secret, not the Facebook ones, and the exact https callback address. The account must be a business or "
            "creator account. A sign-in is ended by the person, in the settings of Instagram"
        ),
        scopes={
            "identify": ("instagram_business_basic",),
            "publish": ("instagram_business_content_publish",),
            "metrics": ("instagram_business_manage_insights",),
            "replies": ("instagram_business_manage_comments",),
            "messages": ("instagram_business_manage_messages",),
        },
        # Nothing says that a renewed token ends before its time, nor that asking twice does harm.
        rotation="none",
        whoami=Whoami(
            url=f"{_API}/{VERSION}/me",
            params={"fields": "user_id,username,name,account_type"},
            id="user_id",
            name="username",
            refusals=REFUSALS,
        ),
        authorize_url="https://www.instagram.com/oauth/authorize",
        token_url="https://api.instagram.com/oauth/access_token",
        scope_separator=",",
        answer="data.0",
        granted="permissions",
        redirect="https",
        exchange=Exchange(url=f"{_API}/access_token", grant="ig_exchange_token"),
        renewal=renewal(_API, "ig_refresh_token"),
        lives=LIVES,
        source="Meta: Instagram API with Instagram Login; 2026-11-23",
    ),
    facebook_login(
        name="facebook",
        title="Instagram account of a Facebook Page",
        setup=(
            "developers.facebook.com: an app with the Instagram API and Facebook Login, and the exact https callback "
            "address. The Instagram account must be linked to a Facebook Page; a Page held through a business may need "
            "business_management. A sign-in is ended by the person, in the settings of Facebook, for all their Pages"
        ),
        scopes={
            "identify": ("instagram_basic", *_PAGES),
            "publish": ("instagram_content_publish",),
            "metrics": ("instagram_manage_insights",),
            "replies": ("instagram_manage_comments",),
            "delete": ("instagram_manage_contents",),
            "messages": ("instagram_manage_messages", "pages_messaging"),
        },
        fields="id,name,access_token,instagram_business_account",
        account="instagram_business_account.id",
        source="Meta: Instagram API with Facebook Login, Graph API v26.0; 2026-11-23",
    ),
)
