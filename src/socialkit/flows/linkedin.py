"""Signing in to LinkedIn as a member; Pages are posted to with the member's token.

The identity is the member as the app sees them (``sub`` of userinfo, ``id`` of /v2/me): another app gets another one.
An app has either the self-serve products or the Community Management API, so there are two flows.
"""

from . import CodeFlow, Flow, Renewal, Revocation, Whoami

__all__ = ["FLOWS"]

_WWW, _API = "https://www.linkedin.com", "https://api.linkedin.com"

_PAGE = "w_organization_social"
_SOURCE = "learn.microsoft.com/linkedin: authorization code flow, programmatic refresh tokens; 2026-11-23"
_AUTHORIZE, _TOKEN = f"{_WWW}/oauth/v2/authorization", f"{_WWW}/oauth/v2/accessToken"
_REVOCATION = Revocation(url=f"{_WWW}/oauth/v2/revoke")

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="LinkedIn in the browser, to post as oneself",
        server=_API,
        setup=(
            f"{_WWW}/developers/apps: an app with the products Sign In with LinkedIn using OpenID Connect and Share on "
            "LinkedIn. A sign-in lasts 60 days and cannot be renewed"
        ),
        scopes={
            "identify": ("openid", "profile"),
            "publish": ("w_member_social",),
            "delete": ("w_member_social",),
        },
        rotation="none",
        whoami=Whoami(url="/v2/userinfo", id="sub", name="name"),
        revocation=_REVOCATION,
        source=_SOURCE,
        authorize_url=_AUTHORIZE,
        token_url=_TOKEN,
        client_auth="body",
        redirect="port",
        lives=5_184_000.0,
    ),
    CodeFlow(
        name="community",
        title="LinkedIn in the browser, for Pages and numbers (Community Management API)",
        server=_API,
        setup=(
            f"{_WWW}/developers/apps: an app whose only product is the Community Management API, which LinkedIn grants "
            "to companies after a review. A sign-in can be renewed for 365 days, then it takes a person again"
        ),
        scopes={
            "identify": ("r_basicprofile",),
            "publish": ("w_member_social", _PAGE, "r_organization_social"),
            "metrics": (
                "r_member_postAnalytics",
                "r_member_profileAnalytics",
                "rw_organization_admin",
                "r_organization_social",
            ),
            "replies": ("r_organization_social", _PAGE),
            "delete": ("w_member_social", _PAGE),
        },
        rotation="none",
        whoami=Whoami(url="/v2/me", id="id", name="localizedFirstName"),
        revocation=_REVOCATION,
        source=_SOURCE,
        authorize_url=_AUTHORIZE,
        token_url=_TOKEN,
        client_auth="body",
        redirect="port",
        renewal=Renewal(),
        lives=5_184_000.0,
        refresh_lives=31_536_000.0,
    ),
)
