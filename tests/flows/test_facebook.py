"""Facebook's way to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, scopes_for
from socialkit.flows.facebook import FLOWS

(FLOW,) = FLOWS


def test_the_addresses_carry_the_version():
    assert isinstance(FLOW, CodeFlow)
    assert FLOW.name == "oauth2"
    assert FLOW.server == "https://graph.facebook.com"
    assert FLOW.authorize_url == "https://www.facebook.com/v26.0/dialog/oauth"
    assert FLOW.token_url == "https://graph.facebook.com/v26.0/oauth/access_token"
    assert FLOW.redirect == "https"
    assert FLOW.authorize_params == {"auth_type": "rerequest"}


def test_scopes_go_by_comma_and_each_capability_has_its_own():
    assert (FLOW.scope_separator, FLOW.scope_name, FLOW.pkce) == (",", "scope", "")
    assert {name: set(scopes) for name, scopes in FLOW.scopes.items()} == {
        "identify": {"pages_show_list"},
        "publish": {"pages_manage_posts", "pages_read_engagement", "pages_show_list"},
        "metrics": {"read_insights", "pages_read_engagement"},
        "replies": {"pages_manage_engagement", "pages_read_user_content", "pages_read_engagement"},
        "delete": {"pages_manage_posts", "pages_read_engagement", "pages_show_list"},
        "messages": {"pages_messaging"},
    }
    assert scopes_for(FLOW, ["metrics"]) == ("pages_show_list", "read_insights", "pages_read_engagement")


def test_the_short_token_is_exchanged_before_the_pages_are_listed():
    step = FLOW.exchange
    assert (step.method, step.url) == ("GET", "https://graph.facebook.com/v26.0/oauth/access_token")
    assert (step.grant, step.name) == ("fb_exchange_token", "fb_exchange_token")
    assert step.client == ("client_id", "client_secret")


def test_every_page_has_a_token_of_its_own_that_does_not_end():
    who = FLOW.whoami
    assert who.url == "https://graph.facebook.com/v26.0/me/accounts"
    assert who.params == {"fields": "id,name,username,access_token,tasks", "limit": "100"}
    assert (who.each, who.next, who.token) == ("data", "paging.next", "access_token")
    assert (who.id, who.name) == ("id", "name")
    assert who.own == "https://graph.facebook.com/v26.0/{id}?fields=id,name"
    assert who.refusals == ("190",)
    assert (FLOW.kind, FLOW.lives, FLOW.renewal, FLOW.rotation) == ("bearer", None, None, "none")


def test_what_was_granted_is_asked_for():
    by = FLOW.granted_by
    assert by.url == "https://graph.facebook.com/v26.0/me/permissions"
    assert (by.each, by.scope, by.only) == ("data", "permission", {"status": "granted"})


def test_no_page_is_logged_out_because_that_would_end_all_of_them():
    assert FLOW.revocation is None
    assert "all their Pages" in FLOW.setup
