"""Threads' way to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, scopes_for
from socialkit.flows.threads import FLOWS

(FLOW,) = FLOWS
DAY = 86_400


def test_the_addresses():
    assert isinstance(FLOW, CodeFlow)
    assert (FLOW.name, FLOW.kind) == ("oauth2", "oauth2")
    assert FLOW.server == "https://graph.threads.net"
    assert FLOW.authorize_url == "https://threads.net/oauth/authorize"
    assert FLOW.token_url == "https://graph.threads.net/oauth/access_token"
    assert FLOW.redirect == "https"


def test_scopes_go_by_comma_and_each_capability_has_its_own():
    assert (FLOW.scope_separator, FLOW.scope_name, FLOW.pkce) == (",", "scope", "")
    assert FLOW.scopes == {
        "identify": ("threads_basic",),
        "publish": ("threads_content_publish", "threads_manage_replies", "threads_read_replies"),
        "metrics": ("threads_manage_insights",),
        "replies": ("threads_manage_replies", "threads_read_replies"),
        "delete": ("threads_delete",),
    }
    assert scopes_for(FLOW, ["delete"]) == ("threads_basic", "threads_delete")


def test_the_first_token_is_exchanged_for_one_of_sixty_days():
    step = FLOW.exchange
    assert (step.method, step.url) == ("GET", "https://graph.threads.net/access_token")
    assert (step.grant, step.name, step.client) == ("th_exchange_token", "access_token", ("client_secret",))
    assert FLOW.lives == 60 * DAY


def test_the_living_token_renews_itself_after_a_day_and_in_good_time():
    step = FLOW.renewal
    assert (step.method, step.url) == ("GET", "https://graph.threads.net/refresh_access_token")
    assert (step.by, step.grant, step.name) == ("access_token", "th_refresh_token", "access_token")
    assert not step.client
    assert step.min_age == DAY
    assert step.early == 30 * DAY
    assert FLOW.rotation == "none"


def test_who_signed_in_and_what_was_granted():
    assert FLOW.whoami.url == "https://graph.threads.net/v1.0/me"
    assert FLOW.whoami.params == {"fields": "id,username,name"}
    assert (FLOW.whoami.id, FLOW.whoami.name, FLOW.whoami.refusals) == ("id", "username", ("190",))
    assert FLOW.granted_by.url == "https://graph.threads.net/v1.0/debug_token?input_token={access_token}"
    assert (FLOW.granted_by.each, FLOW.granted_by.scope) == ("data.scopes", "")


def test_nothing_ends_a_sign_in_from_here_and_the_words_say_so():
    assert FLOW.revocation is None
    assert "settings of Threads" in FLOW.setup
