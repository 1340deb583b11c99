"""YouTube's ways to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, DeviceFlow, scopes_for
from socialkit.flows.youtube import FLOWS

A = "https://www.googleapis.com/auth/"


def test_the_browser_comes_first():
    assert [(flow.name, type(flow)) for flow in FLOWS] == [("oauth2", CodeFlow), ("device", DeviceFlow)]
    assert {flow.server for flow in FLOWS} == {"https://www.googleapis.com"}


def test_the_browser_flow_asks_google_for_offline_access():
    flow = FLOWS[0]
    assert flow.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"
    assert flow.token_url == "https://oauth2.googleapis.com/token"
    assert flow.authorize_params == {"access_type": "offline", "prompt": "consent"}
    assert (flow.pkce, flow.client_auth, flow.client_id_name) == ("S256", "body", "client_id")
    assert (flow.scope_separator, flow.scope_name, flow.granted) == (" ", "scope", "scope")
    assert (flow.redirect, flow.lives, flow.kind) == ("loopback", 3599, "oauth2")


def test_each_capability_has_the_smallest_scopes():
    assert FLOWS[0].scopes == {
        "identify": (f"{A}youtube.readonly",),
        "publish": (f"{A}youtube.upload", f"{A}youtube.readonly"),
        "metrics": (f"{A}youtube.readonly", f"{A}yt-analytics.readonly"),
        "replies": (f"{A}youtube.force-ssl",),
        "delete": (f"{A}youtube.force-ssl",),
    }
    assert scopes_for(FLOWS[0], ["publish", "metrics", "replies", "delete"]) == (
        f"{A}youtube.readonly",
        f"{A}youtube.upload",
        f"{A}yt-analytics.readonly",
        f"{A}youtube.force-ssl",
    )


def test_a_device_gets_only_what_google_allows_there():
    flow = FLOWS[1]
    assert flow.device_url == "https://oauth2.googleapis.com/device/code"
    assert flow.token_url == "https://oauth2.googleapis.com/token"
    assert set(scopes_for(flow, flow.scopes)) == {f"{A}youtube", f"{A}youtube.readonly"}
    assert flow.scopes == {
        "identify": (f"{A}youtube.readonly",),
        "publish": (f"{A}youtube",),
        "metrics": (f"{A}youtube.readonly",),
        "delete": (f"{A}youtube",),
    }


def test_broad_scopes_cover_narrow_ones():
    for flow in FLOWS:
        assert {broad.removeprefix(A): set(narrow) for broad, narrow in flow.implied.items()} == {
            "youtube": {f"{A}youtube.readonly", f"{A}youtube.upload"},
            "youtube.force-ssl": {f"{A}youtube.readonly", f"{A}youtube.upload"},
        }


def test_refresh_tokens_stay_and_are_sent_to_the_token_address():
    for flow in FLOWS:
        assert flow.rotation == "none"
        assert (flow.renewal.by, flow.renewal.url, flow.renewal.grant) == (
            "refresh_token",
            None,
            "refresh_token",
        )
        assert flow.renewal.client


def test_the_token_says_which_channel_it_is():
    for flow in FLOWS:
        assert flow.whoami.url == "https://www.googleapis.com/youtube/v3/channels"
        assert flow.whoami.params == {"part": "id,snippet", "mine": "true"}
        assert (flow.whoami.id, flow.whoami.name) == ("items.0.id", "items.0.snippet.title")
        assert flow.whoami.each == ""


def test_revoking_sends_the_token_alone():
    for flow in FLOWS:
        assert flow.revocation.url == "https://oauth2.googleapis.com/revoke"
        assert (flow.revocation.method, flow.revocation.name, flow.revocation.client) == (
            "POST",
            "token",
            False,
        )
        assert flow.revocation.sends == ("refresh_token", "access_token")
    assert "every account of the person" in FLOWS[0].setup
