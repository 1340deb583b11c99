"""Google Business's way to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, scopes_for
from socialkit.flows.google_business import FLOWS

(FLOW,) = FLOWS
MANAGE = "https://www.googleapis.com/auth/business.manage"


def test_the_addresses_are_googles():
    assert isinstance(FLOW, CodeFlow)
    assert (FLOW.name, FLOW.kind) == ("oauth2", "oauth2")
    assert FLOW.server == "https://mybusiness.googleapis.com"
    assert FLOW.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert FLOW.token_url == "https://oauth2.googleapis.com/token"
    assert FLOW.authorize_params == {"access_type": "offline", "prompt": "consent"}
    assert (FLOW.pkce, FLOW.client_auth, FLOW.redirect) == ("S256", "body", "loopback")


def test_one_scope_is_for_everything():
    assert set(FLOW.scopes) == {"identify", "publish", "metrics", "replies", "delete"}
    assert scopes_for(FLOW, FLOW.scopes) == (MANAGE,)


def test_refresh_tokens_stay():
    assert (FLOW.rotation, FLOW.lives) == ("none", 3599)
    assert (FLOW.renewal.by, FLOW.renewal.url) == ("refresh_token", None)


def test_a_sign_in_reaches_every_account_over_every_page_of_the_list():
    who = FLOW.whoami
    assert who.url == "https://mybusinessaccountmanagement.googleapis.com/v1/accounts"
    assert (who.each, who.id, who.name, who.token) == ("accounts", "name", "accountName", "")
    assert (who.next, who.next_name) == ("nextPageToken", "pageToken")


def test_revoking_sends_the_token_alone_and_ends_more_than_this_account():
    way = FLOW.revocation
    assert way.url == "https://oauth2.googleapis.com/revoke"
    assert (way.method, way.name, way.client) == ("POST", "token", False)
    assert way.sends == ("refresh_token", "access_token")
    assert "every account of the person" in FLOW.setup
