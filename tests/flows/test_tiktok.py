"""TikTok's way to sign in, against figures typed from the platform's pages."""

from __future__ import annotations

from socialkit.flows import CodeFlow, scopes_for
from socialkit.flows.tiktok import FLOWS

FLOW, INBOX = FLOWS
DAY = 86_400


def test_the_addresses_end_with_their_slashes():
    assert isinstance(FLOW, CodeFlow)
    assert (FLOW.name, FLOW.kind) == ("oauth2", "oauth2")
    assert FLOW.server == "https://open.tiktokapis.com"
    assert FLOW.authorize_url == "https://www.tiktok.com/v2/auth/authorize/"
    assert FLOW.token_url == "https://open.tiktokapis.com/v2/oauth/token/"
    assert FLOW.revocation.url == "https://open.tiktokapis.com/v2/oauth/revoke/"
    assert FLOW.whoami.url == "https://open.tiktokapis.com/v2/user/info/"


def test_the_app_has_a_key_and_proves_itself_in_the_form():
    assert (FLOW.client_id_name, FLOW.client_auth, FLOW.pkce) == ("client_key", "body", "hex")
    assert FLOW.redirect == "port"
    assert "127.0.0.1:*" in FLOW.setup


def test_scopes_go_by_comma():
    assert (FLOW.scope_separator, FLOW.scope_name, FLOW.granted) == (",", "scope", "scope")
    assert FLOW.scopes == {
        "identify": ("user.info.basic",),
        "publish": ("video.publish",),
        "metrics": ("user.info.stats", "video.list"),
    }
    assert scopes_for(FLOW, ["publish"]) == ("user.info.basic", "video.publish")


def test_the_inbox_is_a_way_of_its_own():
    assert INBOX.name == "inbox"
    assert scopes_for(INBOX, ["publish"]) == ("user.info.basic", "video.upload")
    assert (INBOX.token_url, INBOX.scopes["metrics"]) == (FLOW.token_url, FLOW.scopes["metrics"])


def test_tokens_live_a_day_and_a_year_and_a_refresh_token_is_sent_once():
    assert (FLOW.lives, FLOW.refresh_lives) == (DAY, 365 * DAY)
    assert FLOW.rotation == "strict"
    assert (FLOW.renewal.by, FLOW.renewal.url, FLOW.renewal.method) == ("refresh_token", None, "POST")
    assert (FLOW.renewal.grant, FLOW.renewal.name, FLOW.renewal.client) == (
        "refresh_token",
        "refresh_token",
        True,
    )


def test_who_signed_in_stands_in_the_envelope():
    # username would need user.info.profile
    assert FLOW.whoami.params == {"fields": "open_id,union_id,avatar_url,display_name"}
    assert (FLOW.whoami.id, FLOW.whoami.name) == ("data.user.open_id", "data.user.display_name")


def test_revoking_sends_the_access_token_with_the_apps_proof():
    way = FLOW.revocation
    assert (way.method, way.name, way.sends, way.client) == ("POST", "token", ("access_token",), True)
