"""Instagram's two ways to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, scopes_for
from socialkit.flows.instagram import FLOWS

OWN, PAGE = FLOWS
DAY = 86_400


def test_instagrams_own_login_comes_first():
    assert [flow.name for flow in FLOWS] == ["instagram", "facebook"]
    assert all(isinstance(flow, CodeFlow) for flow in FLOWS)
    assert [flow.server for flow in FLOWS] == ["https://graph.instagram.com", "https://graph.facebook.com"]
    assert [flow.kind for flow in FLOWS] == ["oauth2", "bearer"]
    assert {(flow.scope_separator, flow.redirect, flow.rotation) for flow in FLOWS} == {
        (",", "https", "none")
    }


def test_the_addresses_of_instagrams_own_login():
    assert OWN.authorize_url == "https://www.instagram.com/oauth/authorize"
    assert OWN.token_url == "https://api.instagram.com/oauth/access_token"
    assert (OWN.answer, OWN.granted, OWN.granted_by) == ("data.0", "permissions", None)
    assert OWN.whoami.url == "https://graph.instagram.com/v26.0/me"
    assert OWN.whoami.params == {"fields": "user_id,username,name,account_type"}
    assert (OWN.whoami.id, OWN.whoami.name) == ("user_id", "username")


def test_the_scopes_of_instagrams_own_login():
    assert OWN.scopes == {
        "identify": ("instagram_business_basic",),
        "publish": ("instagram_business_content_publish",),
        "metrics": ("instagram_business_manage_insights",),
        "replies": ("instagram_business_manage_comments",),
        "messages": ("instagram_business_manage_messages",),
    }
    assert scopes_for(OWN, ["publish"]) == (
        "instagram_business_basic",
        "instagram_business_content_publish",
    )


def test_instagrams_tokens_live_sixty_days_and_renew_themselves_after_one():
    step = OWN.exchange
    assert (step.method, step.url) == ("GET", "https://graph.instagram.com/access_token")
    assert (step.grant, step.name, step.client) == ("ig_exchange_token", "access_token", ("client_secret",))
    assert OWN.lives == 60 * DAY
    again = OWN.renewal
    assert (again.method, again.url) == ("GET", "https://graph.instagram.com/refresh_access_token")
    assert (again.by, again.grant, again.name) == ("access_token", "ig_refresh_token", "access_token")
    assert not again.client
    assert again.min_age == DAY
    assert again.early == 30 * DAY


def test_the_addresses_of_the_login_through_facebook():
    assert PAGE.authorize_url == "https://www.facebook.com/v26.0/dialog/oauth"
    assert PAGE.token_url == "https://graph.facebook.com/v26.0/oauth/access_token"
    assert PAGE.authorize_params == {"auth_type": "rerequest"}
    step = PAGE.exchange
    assert (step.url, step.grant, step.name, step.client) == (
        "https://graph.facebook.com/v26.0/oauth/access_token",
        "fb_exchange_token",
        "fb_exchange_token",
        ("client_id", "client_secret"),
    )
    assert PAGE.granted_by.url == "https://graph.facebook.com/v26.0/me/permissions"
    by = PAGE.granted_by
    assert (by.each, by.scope, by.only) == ("data", "permission", {"status": "granted"})


def test_an_account_is_found_behind_its_page_and_uses_the_pages_token():
    who = PAGE.whoami
    assert who.url == "https://graph.facebook.com/v26.0/me/accounts"
    assert who.params == {"fields": "id,name,access_token,instagram_business_account", "limit": "100"}
    assert (who.each, who.next, who.token) == ("data", "paging.next", "access_token")
    assert (who.id, who.name) == ("instagram_business_account.id", "name")
    assert who.own == "https://graph.facebook.com/v26.0/{id}?fields=id,name"
    assert (PAGE.renewal, PAGE.lives) == (None, None)


def test_the_scopes_of_the_login_through_facebook():
    assert PAGE.scopes == {
        "identify": ("instagram_basic", "pages_show_list", "pages_read_engagement"),
        "publish": ("instagram_content_publish",),
        "metrics": ("instagram_manage_insights",),
        "replies": ("instagram_manage_comments",),
        "delete": ("instagram_manage_contents",),
        "messages": ("instagram_manage_messages", "pages_messaging"),
    }


def test_a_dead_token_is_known_by_its_code_and_nothing_ends_a_sign_in_from_here():
    assert {flow.whoami.refusals for flow in FLOWS} == {("190",)}
    assert [flow.revocation for flow in FLOWS] == [None, None]
    assert "settings of Instagram" in OWN.setup
    assert "all their Pages" in PAGE.setup
