"""Slack's ways to sign in, against figures typed from its pages."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import CodeFlow, KeyFlow, Renewal, scopes_for
from socialkit.flows.slack import FLOWS

OAUTH, TOKEN = FLOWS


def test_installing_comes_first():
    assert isinstance(OAUTH, CodeFlow)
    assert isinstance(TOKEN, KeyFlow)
    assert [flow.name for flow in FLOWS] == ["oauth2", "bot_token"]
    assert {flow.server for flow in FLOWS} == {"https://slack.com"}


def test_the_second_version_of_oauth():
    assert OAUTH.authorize_url == "https://slack.com/oauth/v2/authorize"
    assert OAUTH.token_url == "https://slack.com/api/oauth.v2.access"
    assert (OAUTH.scope_separator, OAUTH.scope_name, OAUTH.granted) == (",", "scope", "scope")
    assert (OAUTH.rotation, OAUTH.lives, OAUTH.redirect) == ("strict", None, "https")
    assert OAUTH.renewal == Renewal(by="refresh_token", url=None, grant="refresh_token")


def test_no_pkce_because_it_makes_an_app_public_for_good():
    assert OAUTH.pkce == ""


def test_the_scopes_of_a_capability():
    assert scopes_for(OAUTH, ["publish"]) == (
        *("chat:write", "files:write", "files:read", "channels:read", "groups:read", "channels:join"),
    )
    assert scopes_for(OAUTH, ["metrics"]) == ("reactions:read", "channels:history", "groups:history")
    assert scopes_for(OAUTH, ["delete"]) == ("chat:write",)


def test_a_user_is_known_in_its_workspace_only():
    for flow in FLOWS:
        assert (flow.whoami.url, flow.whoami.id) == ("https://slack.com/api/auth.test", "team_id+user_id")


def test_a_token_revokes_itself():
    for flow in FLOWS:
        ends = flow.revocation
        assert (ends.method, ends.url) == ("GET", "https://slack.com/api/auth.revoke")
        assert (ends.name, ends.client) == ("", False)


@pytest.mark.parametrize("pasted", ["xoxb-2151912191-2151912191-aBcD", "xoxb-1-a"])
def test_what_a_bot_token_looks_like(pasted):
    assert re.fullmatch(TOKEN.asks[0].shape, pasted)


@pytest.mark.parametrize("pasted", ["xoxp-1-a", "xapp-1-a", "xoxe.xoxb-1-a", "xoxb-", "xoxb-1 2"])
def test_what_no_bot_token_looks_like(pasted):
    assert not re.fullmatch(TOKEN.asks[0].shape, pasted)
