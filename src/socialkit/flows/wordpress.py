"""How people sign in to WordPress: an application password of their own site, or WordPress.com's OAuth 2.0."""

from __future__ import annotations

from . import AppPasswordFlow, Ask, CodeFlow, KeyFlow, Revocation, Whoami

_SOURCE = "source and recorded answers of WordPress 6.7 to 7.1, developer.wordpress.com, 2026-11-23"
_ASKS = (
    Ask(name="user_login", words="User name or e-mail address", secret=False, shape=r"\S(?:.*\S)?"),
    Ask(
        name="password",
        words="Application password",
        shape=r"(?:[0-9A-Za-z] ?){24}",
        hint="Users → Profile → Application Passwords: 24 letters and digits, not the password you log in with",
    ),
)
_SCOPES = {"identify": (), "publish": (), "metrics": (), "replies": (), "delete": ()}


def _rest(path: str) -> str:
    """The address of a REST route in the form every site answers, whatever its permalinks look like."""
    return f"/?rest_route=/wp/v2/users/me{path}"


_WHOAMI = Whoami(url=_rest("&context=edit"), id="id", name="username")
_REVOCATION = Revocation(
    url=_rest("/application-passwords/{found}"),
    method="DELETE",
    name="",
    client=False,
    look=_rest("/application-passwords/introspect"),
    found="uuid",
)

FLOWS = (
    AppPasswordFlow(
        name="application_password",
        title="Agree on the site's own page",
        authorize_url="/wp-admin/authorize-application.php",
        asks=_ASKS,
        scopes=_SCOPES,
        whoami=_WHOAMI,
        revocation=_REVOCATION,
        source=_SOURCE,
    ),
    KeyFlow(
        name="password",
        title="Application password made in the profile",
        setup="/wp-admin/profile.php#application-passwords-section",
        kind="basic",
        asks=_ASKS,
        fills={"user_login": "client_id", "password": "secret"},
        scopes=_SCOPES,
        whoami=_WHOAMI,
        revocation=_REVOCATION,
        source=_SOURCE,
    ),
    CodeFlow(
        name="wordpress_com",
        title="WordPress.com",
        server="https://public-api.wordpress.com",
        setup="https://developer.wordpress.com/apps/",
        authorize_url="https://public-api.wordpress.com/oauth2/authorize",
        token_url="https://public-api.wordpress.com/oauth2/token",
        scopes={"identify": (), "publish": ("posts", "media"), "delete": ("posts",)},
        # A token is for one person on one site. (unconfirmed: the answer's fields, which the OAuth page shows)
        whoami=Whoami(
            url="https://public-api.wordpress.com/oauth2/token-info",
            params={"client_id": "{client_id}", "token": "{access_token}"},
            id="blog_id+user_id",
            refusals=("invalid_token",),
        ),
        source=_SOURCE,
    ),
)
