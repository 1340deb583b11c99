"""Lemmy's way to sign in, against figures typed from its API descriptions."""

from __future__ import annotations

import re

from socialkit.flows import PasswordFlow, addresses
from socialkit.flows.lemmy import FLOWS

(FLOW,) = FLOWS
SITE = "https://lemmy.example.com"


def test_the_new_api_is_asked_before_the_old_one():
    assert isinstance(FLOW, PasswordFlow)
    assert addresses(FLOW.login_url, FLOW, SITE) == (
        f"{SITE}/api/v4/account/auth/login",
        f"{SITE}/api/v3/user/login",
    )
    assert addresses(FLOW.revocation.url, FLOW, SITE) == (
        f"{SITE}/api/v4/account/auth/logout",
        f"{SITE}/api/v3/user/logout",
    )
    assert addresses(FLOW.whoami.url, FLOW, SITE) == (f"{SITE}/api/v4/account", f"{SITE}/api/v3/site")
    assert addresses(FLOW.whoami.proof, FLOW, SITE) == (
        f"{SITE}/api/v4/account/validate_auth",
        f"{SITE}/api/v3/user/validate_auth",
    )


def test_what_is_sent_and_what_is_taken():
    assert FLOW.sends == {"username_or_email": "username", "password": "password", "totp_2fa_token": "totp"}
    assert FLOW.constants == {"stay_logged_in": True}
    assert FLOW.takes == {"access_token": "jwt"}
    assert (FLOW.kind, FLOW.form, FLOW.client) == ("bearer", False, False)


def test_the_password_is_not_kept():
    assert FLOW.keeps == ""


def test_the_second_factor_is_six_digits_and_may_be_left_empty():
    by_name = {ask.name: ask for ask in FLOW.asks}
    assert [(ask.name, ask.secret, ask.optional) for ask in FLOW.asks] == [
        ("username", False, False),
        ("password", True, False),
        ("totp", True, True),
    ]
    assert re.fullmatch(by_name["totp"].shape, "012345")
    assert not re.fullmatch(by_name["totp"].shape, "12345")
