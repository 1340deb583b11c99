"""Reddit's ways to sign in, against addresses and scopes typed from its API wiki."""

from __future__ import annotations

import re

from socialkit.flows import CodeFlow, PasswordFlow, at, scopes_for
from socialkit.flows.reddit import FLOWS

CODE, SCRIPT = FLOWS
MINIMUM = {"identity", "submit", "edit", "read", "history", "flair", "mysubreddits"}


def test_the_browser_comes_first():
    assert [(flow.name, type(flow)) for flow in FLOWS] == [("oauth2", CodeFlow), ("script", PasswordFlow)]
    assert {flow.server for flow in FLOWS} == {"https://oauth.reddit.com"}
    assert all(flow.source.endswith("2026-11-23") for flow in FLOWS)


def test_the_addresses():
    assert CODE.authorize_url == "https://www.reddit.com/api/v1/authorize"
    assert CODE.token_url == SCRIPT.login_url == "https://www.reddit.com/api/v1/access_token"
    for flow in FLOWS:
        assert flow.setup.startswith("https://www.reddit.com/prefs/apps")
        assert at(flow.whoami.url, flow, flow.server) == "https://oauth.reddit.com/api/v1/me"
        assert (flow.whoami.id, flow.whoami.name) == ("id", "name")
        assert flow.revocation.url == "https://www.reddit.com/api/v1/revoke_token"
        assert (flow.revocation.name, flow.revocation.hint, flow.revocation.client) == ("token", True, True)
    assert CODE.revocation.sends[0] == "refresh_token"


def test_a_permanent_sign_in_with_basic_and_no_pkce():
    assert CODE.authorize_params == {"duration": "permanent"}
    assert (CODE.client_auth, CODE.empty_secret, CODE.pkce) == ("basic", True, "")
    assert (CODE.rotation, CODE.lives, CODE.refresh_lives) == ("none", 86_400, None)
    assert (CODE.renewal.by, CODE.renewal.grant) == ("refresh_token", "refresh_token")
    assert (CODE.scope_name, CODE.scope_separator in (" ", ",")) == ("scope", True)


def test_a_publisher_asks_for_the_minimum_and_messages_are_extra():
    usual = ["publish", "metrics", "replies", "delete"]
    assert set(scopes_for(CODE, usual)) == MINIMUM
    assert set(scopes_for(CODE, [*usual, "messages"])) == {*MINIMUM, "privatemessages"}
    assert scopes_for(CODE, []) == ("identity",)
    assert set(SCRIPT.implied["*"]) == {*MINIMUM, "privatemessages"}


def test_a_script_keeps_the_password_and_not_the_code():
    assert SCRIPT.sends == {"username": "username", "password": "password", "otp": "otp"}
    assert SCRIPT.constants == {"grant_type": "password"}
    assert (SCRIPT.form, SCRIPT.client, SCRIPT.keeps) == (True, True, "password")
    assert SCRIPT.takes == {"access_token": "access_token", "scopes": "scope"}
    asks = {ask.name: ask for ask in SCRIPT.asks}
    assert [name for name, ask in asks.items() if ask.optional] == ["otp"]
    assert (asks["username"].secret, asks["password"].secret) == (False, True)
    assert re.fullmatch(asks["username"].shape, "an_Example-1")
    assert not re.fullmatch(asks["username"].shape, "u/example")
