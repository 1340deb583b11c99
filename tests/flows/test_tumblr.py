"""Tumblr's ways to sign in, against addresses and scopes typed from its documentation."""

from __future__ import annotations

import pytest

from socialkit.flows import CodeFlow, OAuth1Flow, at, scopes_for
from socialkit.flows.tumblr import FLOWS

NEW, OLD = FLOWS


def test_oauth_2_comes_first():
    assert [(flow.name, type(flow)) for flow in FLOWS] == [("oauth2", CodeFlow), ("oauth1", OAuth1Flow)]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_the_identity_is_the_uuid_of_the_first_blog(flow):
    assert flow.server == "https://api.tumblr.com"
    assert flow.setup.startswith("https://www.tumblr.com/oauth/apps")
    assert at(flow.whoami.url, flow, flow.server) == "https://api.tumblr.com/v2/user/info"
    assert flow.whoami.id == "response.user.blogs.0.uuid"
    assert flow.whoami.name == "response.user.blogs.0.name"
    assert flow.revocation is None
    assert flow.scopes.keys() == {"identify", "publish", "metrics", "replies", "delete"}


def test_the_addresses_of_oauth_2():
    assert NEW.authorize_url == "https://www.tumblr.com/oauth2/authorize"
    assert NEW.token_url == "https://api.tumblr.com/v2/oauth2/token"
    assert (NEW.client_auth, NEW.pkce, NEW.scope_separator) == ("body", "", " ")


def test_refresh_tokens_work_once_and_live_42_days():
    assert (NEW.rotation, NEW.lives, NEW.refresh_lives) == ("strict", 2520, 42 * 86_400)


def test_offline_access_is_always_asked_for_and_writing_only_where_needed():
    assert set(scopes_for(NEW, [])) == set(scopes_for(NEW, ["metrics"])) == {"offline_access", "basic"}
    for capability in ("publish", "replies", "delete"):
        assert set(scopes_for(NEW, [capability])) == {"offline_access", "basic", "write"}


def test_the_three_steps_of_oauth_1():
    assert OLD.kind == "oauth1"
    assert OLD.request_url == "https://www.tumblr.com/oauth/request_token"
    assert OLD.authorize_url == "https://www.tumblr.com/oauth/authorize"
    assert OLD.access_url == "https://www.tumblr.com/oauth/access_token"
    assert scopes_for(OLD, OLD.scopes) == ()
