"""Signing in to a server somebody else wrote that speaks Mastodon's OAuth: app, consent, code, token, end."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import httpx
import pytest

from socialkit import Client, Post
from socialkit.errors import LoginFailed, ReauthNeeded

from .servers import MastodonMock

pytestmark = pytest.mark.real
BACK = "http://127.0.0.1:8910/callback"
_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def agreed(page: str) -> str:
    """Where the server sends a browser whose person agrees."""
    with httpx.Client(trust_env=False) as browser:
        form = dict(_FIELD.findall(browser.get(page).text))
        told = browser.post(page.partition("?")[0], data={**form, "username": "testuser"})
    address: str = told.headers["location"]
    return address


def test_a_person_signs_in_publishes_and_signs_out(mastodon: MastodonMock) -> None:
    with Client(store=":memory:") as client:
        login = client.begin_login("mastodon", server=mastodon.url, redirect_uri=BACK)
        account = client.finish_login(login, agreed(str(login.url)))
        assert account.identity.name == "testuser"
        assert account.missing_scopes == ()
        report = client.publish(Post("Signed in by OAuth"), account.adapter)
        assert report.ok
        client.delete(report)
        assert client.logout(account.adapter)
        with pytest.raises(ReauthNeeded, match="not signed in"):
            client.publish(Post("Signed out"), account.adapter)


def test_an_app_is_made_once(mastodon: MastodonMock) -> None:
    with Client(store=":memory:") as client:
        first, again = (
            client.begin_login("mastodon", server=mastodon.url, redirect_uri=BACK) for _ in range(2)
        )
    assert first.secrets["client_id"] == again.secrets["client_id"]


def test_a_code_of_another_sign_in_is_not_spent(mastodon: MastodonMock) -> None:
    with Client(store=":memory:") as client:
        login, other = (
            client.begin_login("mastodon", server=mastodon.url, redirect_uri=BACK) for _ in range(2)
        )
        with pytest.raises(LoginFailed) as forged:
            client.finish_login(login, agreed(str(other.url)))
        with pytest.raises(LoginFailed) as refused:
            client.finish_login(login, f"{BACK}?{urlencode({'code': 'nothing', 'state': login.state})}")
    assert (forged.value.reason, refused.value.reason) == ("forged", "refused")
