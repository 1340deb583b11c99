"""Signing in to Pinterest. Its pins, boards and media want each other's scopes, so publishing asks for all four.

Pinterest ends no ordinary person's token on an app's request: people remove the app in their settings.
"""

from . import CodeFlow, Flow, Renewal, Whoami

__all__ = ["FLOWS"]

_PINS = ("boards:read", "boards:write", "pins:read", "pins:write")

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Pinterest in the browser",
        server="https://api.pinterest.com",
        setup=(
            "https://developers.pinterest.com/apps/: connect an app and register the redirect URI, to the letter. Pins "
            "made with trial access are refused on the real site until Pinterest has reviewed the app"
        ),
        scopes={
            "identify": ("user_accounts:read",),
            "publish": _PINS,
            "metrics": ("user_accounts:read", "boards:read", "pins:read"),
            "delete": _PINS,
        },
        rotation="strict",  # whether a used refresh token still works is not documented
        whoami=Whoami(url="/v5/user_account", id="id", name="username"),
        source="Pinterest API description 5.23.0 and developers.pinterest.com, 2026-11-23",
        authorize_url="https://www.pinterest.com/oauth/",
        token_url="https://api.pinterest.com/v5/oauth/token",
        client_auth="basic",
        scope_separator=",",
        # Apps made before 2025-09-25 need it for refresh tokens that can be renewed; the others have such in any case.
        token_params={"continuous_refresh": "true"},
        renewal=Renewal(),
        lives=2_592_000.0,
        refresh_lives=5_184_000.0,
    ),
)
