"""Signing in to Reddit: in the browser with an app of the kind web or installed, or with a script app's own account.

Every new client needs Reddit's approval since November 2025. An account may hold one client.
"""

from . import Ask, CodeFlow, Flow, PasswordFlow, Renewal, Revocation, Whoami

__all__ = ["FLOWS"]

_WWW, _API = "https://www.reddit.com", "https://oauth.reddit.com"
_SETUP = f"{_WWW}/prefs/apps"
_SOURCE = (
    "Reddit API wiki and open-source server; PRAW 8.0.3 and its recorded traffic; r/redditdev; 2026-11-23"
)
_SCOPES = {
    "identify": ("identity",),
    "publish": ("submit", "read", "flair", "mysubreddits", "history"),
    "metrics": ("read", "history"),
    "replies": ("read", "submit"),
    "delete": ("edit",),
    "messages": ("privatemessages",),
}
_IMPLIED = {"*": tuple(dict.fromkeys(scope for scopes in _SCOPES.values() for scope in scopes))}
# The id of /me has no kind in front of it; everywhere else the account is t2_ and this id.
_WHOAMI = Whoami(url="/api/v1/me", params={"raw_json": "1"}, id="id", name="name")
_TOKEN_URL = f"{_WWW}/api/v1/access_token"
_REVOKE_URL = f"{_WWW}/api/v1/revoke_token"

FLOWS: tuple[Flow, ...] = (
    CodeFlow(
        name="oauth2",
        title="Reddit in the browser (app of the kind web or installed)",
        server=_API,
        setup=(
            f"{_SETUP}: an app of the kind web app (it has a secret) or installed app (leave the secret empty); new "
            "ones need Reddit's approval. The redirect uri must be the same to the letter"
        ),
        scopes=_SCOPES,
        implied=_IMPLIED,
        rotation="none",
        whoami=_WHOAMI,
        revocation=Revocation(url=_REVOKE_URL, sends=("refresh_token", "access_token"), hint=True),
        source=_SOURCE,
        authorize_url=f"{_WWW}/api/v1/authorize",
        token_url=_TOKEN_URL,
        client_auth="basic",
        empty_secret=True,
        authorize_params={"duration": "permanent"},
        renewal=Renewal(),
        lives=86_400.0,
    ),
    PasswordFlow(
        name="script",
        title="User name and password of the account that owns a script app",
        server=_API,
        setup=(
            f"{_SETUP}: an app of the kind script, and the account's own password, which is kept to sign in again "
            "every day; an account with two-factor codes has to be signed in by hand again then, or in the browser once"
        ),
        kind="bearer",
        scopes=_SCOPES,
        implied=_IMPLIED,
        whoami=_WHOAMI,
        revocation=Revocation(url=_REVOKE_URL, hint=True),
        source=_SOURCE,
        asks=(
            Ask(name="username", words="User name, without u/", secret=False, shape=r"[A-Za-z0-9_-]{3,20}"),
            Ask(name="password", words="Password"),
            Ask(
                name="otp",
                words="Code of the authenticator app",
                shape=r"\d{6}",
                hint="leave it empty without two-factor authentication",
                optional=True,
            ),
        ),
        login_url=_TOKEN_URL,
        sends={"username": "username", "password": "password", "otp": "otp"},
        constants={"grant_type": "password"},
        takes={"access_token": "access_token", "scopes": "scope"},
        form=True,
        client=True,
        keeps="password",
    ),
)
