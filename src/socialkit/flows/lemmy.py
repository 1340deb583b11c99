"""How people sign in to a Lemmy server: with their password, which is exchanged for a token and not kept."""

from __future__ import annotations

from . import Ask, PasswordFlow, Revocation, Whoami

# Lemmy 1.0 has /api/v4; 0.19 has /api/v3 alone and answers 404 to the other.
FLOWS = (
    PasswordFlow(
        name="password",
        title="User name and password",
        login_url="/api/v4/account/auth/login|/api/v3/user/login",
        asks=(
            Ask(name="username", words="User name or e-mail address", secret=False),
            Ask(name="password", words="Password", hint="it is sent to the server once and not kept"),
            Ask(
                name="totp",
                words="Code of the authenticator app",
                shape=r"\d{6}",
                hint="leave it empty without two-factor authentication",
                optional=True,
            ),
        ),
        sends={"username_or_email": "username", "password": "password", "totp_2fa_token": "totp"},
        constants={"stay_logged_in": True},  # else a session of 1.0 ends after a week; 0.19 does not read it
        takes={"access_token": "jwt"},
        scopes={"identify": (), "publish": (), "metrics": (), "replies": (), "delete": (), "messages": ()},
        whoami=Whoami(
            url="/api/v4/account|/api/v3/site",
            proof="/api/v4/account/validate_auth|/api/v3/user/validate_auth",  # v3's site answers anybody
            refusals=("not_logged_in",),
            id="local_user_view.person.id|my_user.local_user_view.person.id",
            name="local_user_view.person.name|my_user.local_user_view.person.name",
        ),
        revocation=Revocation(url="/api/v4/account/auth/logout|/api/v3/user/logout", name="", client=False),
        source="source and API descriptions of Lemmy 0.19 and 1.0.0-beta, 2026-11-23",
    ),
)
