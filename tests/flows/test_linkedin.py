"""LinkedIn's ways to sign in, against addresses and scopes typed from its documentation."""

from __future__ import annotations

import pytest

from socialkit.flows import CodeFlow, at, scopes_for
from socialkit.flows.linkedin import FLOWS

MEMBER, COMMUNITY = FLOWS
DAY = 86_400
CLOSED = {"r_member_social"}


def test_the_self_serve_app_comes_first():
    assert [(flow.name, type(flow)) for flow in FLOWS] == [("oauth2", CodeFlow), ("community", CodeFlow)]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_the_addresses_and_the_form(flow):
    assert flow.server == "https://api.linkedin.com"
    assert flow.authorize_url == "https://www.linkedin.com/oauth/v2/authorization"
    assert flow.token_url == "https://www.linkedin.com/oauth/v2/accessToken"
    assert flow.setup.startswith("https://www.linkedin.com/developers/apps")
    assert (flow.client_auth, flow.pkce, flow.scope_separator) == ("body", "", " ")
    assert flow.source.endswith("2026-11-23")
    revocation = flow.revocation
    assert revocation.url == "https://www.linkedin.com/oauth/v2/revoke"
    assert (revocation.method, revocation.name, revocation.client) == ("POST", "token", True)


def test_only_a_partner_app_gets_a_refresh_token_fixed_at_365_days():
    assert {(flow.rotation, flow.lives) for flow in FLOWS} == {("none", 60 * DAY)}
    assert (MEMBER.renewal, MEMBER.refresh_lives) == (None, None)
    assert (COMMUNITY.renewal.by, COMMUNITY.refresh_lives) == ("refresh_token", 365 * DAY)


def test_a_self_serve_app_asks_for_its_own_products_alone():
    assert set(scopes_for(MEMBER, MEMBER.scopes)) == {"openid", "profile", "w_member_social"}
    assert at(MEMBER.whoami.url, MEMBER, MEMBER.server) == "https://api.linkedin.com/v2/userinfo"
    assert (MEMBER.whoami.id, MEMBER.whoami.name) == ("sub", "name")
    assert {"metrics", "messages"}.isdisjoint(MEMBER.scopes)


def test_a_community_app_asks_for_pages_and_numbers():
    asked = set(scopes_for(COMMUNITY, COMMUNITY.scopes))
    assert asked == {
        "r_basicprofile",
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "rw_organization_admin",
        "r_member_postAnalytics",
        "r_member_profileAnalytics",
    }
    assert asked.isdisjoint({"openid", *CLOSED})
    assert at(COMMUNITY.whoami.url, COMMUNITY, COMMUNITY.server) == "https://api.linkedin.com/v2/me"
    assert COMMUNITY.whoami.id == "id"
    assert "messages" not in COMMUNITY.scopes
