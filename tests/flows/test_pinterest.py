"""Pinterest's way to sign in, against addresses and scopes typed from its API description."""

from __future__ import annotations

from socialkit.flows import CodeFlow, at, scopes_for
from socialkit.flows.pinterest import FLOWS

DAY = 86_400


def test_there_is_one_way():
    (flow,) = FLOWS
    assert (flow.name, type(flow)) == ("oauth2", CodeFlow)
    assert flow.authorize_url == "https://www.pinterest.com/oauth/"
    assert flow.token_url == "https://api.pinterest.com/v5/oauth/token"
    assert flow.setup.startswith("https://developers.pinterest.com/apps/")
    assert at(flow.whoami.url, flow, flow.server) == "https://api.pinterest.com/v5/user_account"
    assert (flow.whoami.id, flow.whoami.name) == ("id", "username")
    assert flow.source.endswith("2026-11-23")


def test_scopes_are_asked_with_commas_and_the_app_proves_itself_with_basic():
    (flow,) = FLOWS
    assert (flow.scope_separator, flow.client_auth, flow.pkce) == (",", "basic", "")
    assert flow.token_params == {"continuous_refresh": "true"}


def test_every_use_brings_another_refresh_token():
    (flow,) = FLOWS
    assert (flow.rotation, flow.lives, flow.refresh_lives) == ("strict", 30 * DAY, 60 * DAY)


def test_people_s_tokens_cannot_be_ended_by_the_app():
    assert FLOWS[0].revocation is None


def test_the_default_scopes_and_what_each_call_wants():
    (flow,) = FLOWS
    four = ("boards:read", "boards:write", "pins:read", "pins:write")
    assert flow.scopes["publish"] == flow.scopes["delete"] == four
    assert set(flow.scopes["metrics"]) == {"user_accounts:read", "boards:read", "pins:read"}
    assert scopes_for(flow, ["publish", "metrics", "delete"]) == ("user_accounts:read", *four)
    assert {"replies", "messages"}.isdisjoint(flow.scopes)
