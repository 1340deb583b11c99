"""Other people's clients sign in by their own flows, against the served sandbox."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from login_talk import BACK, Elsewhere, press, requests, spoken

from socialkit.sandbox import Sandbox
from socialkit.sandbox.slack import ROTATES
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
NAMES = ["discord", "mastodon", "reddit", "slack", "tumblr", "x", "youtube"]
REFRESH = "https://api.x.com/2/oauth2/token"


@pytest.fixture
def box():
    """A sandbox whose clock shows the real time, because the peers look at theirs."""
    with Sandbox(NAMES, clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with box.serve() as served:
        yield served


class TestMastodonPy:
    mastodon = pytest.importorskip("mastodon")

    def app(self, url, **options):
        client_id, secret = self.mastodon.Mastodon.create_app(
            "Harbour", api_base_url=f"{url}/mastodon", redirect_uris=BACK, scopes=["read", "write"]
        )
        return self.mastodon.Mastodon(
            client_id,
            secret,
            api_base_url=f"{url}/mastodon",
            version_check_mode="none",
            request_timeout=10,
            **options,
        )

    def test_it_registers_agrees_and_signs_in(self, url):
        api = self.app(url)
        page = api.auth_request_url(allow_http=True, redirect_uris=BACK, scopes=["read", "write"], state="st")
        told = spoken(press(page))
        assert told["state"] == "st"
        api.log_in(code=told["code"], redirect_uri=BACK, scopes=["read", "write"], allow_http=True)
        assert api.account_verify_credentials().acct == "brand"
        api.status_post("We ship today")

    def test_a_code_is_good_once_and_a_token_until_it_is_revoked(self, url):
        api = self.app(url)
        page = api.auth_request_url(allow_http=True, redirect_uris=BACK, scopes=["read"])
        code = spoken(press(page, "other"))["code"]
        api.log_in(code=code, redirect_uri=BACK, scopes=["read"], allow_http=True)
        again = self.mastodon.Mastodon(
            api.client_id, api.client_secret, api_base_url=f"{url}/mastodon", version_check_mode="none"
        )
        with pytest.raises(self.mastodon.MastodonIllegalArgumentError):
            again.log_in(code=code, redirect_uri=BACK, scopes=["read"], allow_http=True)
        token = api.access_token
        api.revoke_access_token(allow_http=True)
        dead = self.mastodon.Mastodon(
            access_token=token, api_base_url=f"{url}/mastodon", version_check_mode="none"
        )
        with pytest.raises(self.mastodon.MastodonUnauthorizedError):
            dead.account_verify_credentials()


class TestPraw:
    praw = pytest.importorskip("praw")
    core = pytest.importorskip("prawcore")

    def reddit(self, box, url, flow="oauth2", **options):
        app = box.reddit.app_for(flow, BACK)
        return self.praw.Reddit(
            client_id=app["client_id"],
            client_secret=app.get("client_secret"),
            redirect_uri=BACK,
            user_agent="test:harbour:1 (by u/brand)",
            reddit_url=f"{url}/reddit",
            oauth_url=f"{url}/reddit/",
            check_for_updates=False,
            ratelimit_seconds=1,
            **options,
        )

    def test_it_agrees_signs_in_and_refreshes(self, box, url):
        api = self.reddit(box, url)
        page = api.auth.url(scopes=["identity", "submit"], state="st", duration="permanent")
        told = spoken(press(page))
        assert told["state"] == "st"
        refresh = api.auth.authorize(told["code"])
        assert refresh
        assert api.user.me().name == "brand"
        assert api.auth.scopes() == {"identity", "submit"}
        again = self.reddit(box, url, refresh_token=refresh)
        assert again.user.me().name == "brand"

    def test_an_installed_app_has_no_secret(self, box, url):
        box.reddit.confidential = False
        api = self.reddit(box, url)
        told = spoken(press(api.auth.url(scopes=["identity"], state="s", duration="permanent")))
        refresh = api.auth.authorize(told["code"])
        assert self.reddit(box, url, refresh_token=refresh).user.me().name == "brand"

    def test_who_says_no_comes_back_without_a_code(self, box, url):
        page = self.reddit(box, url).auth.url(scopes=["identity"], state="s")
        assert spoken(press(page, decision="deny")) == {"error": "access_denied", "state": "s"}

    def test_what_it_revoked_is_refused(self, box, url):
        api = self.reddit(box, url)
        told = spoken(press(api.auth.url(scopes=["identity"], state="s", duration="permanent"), "other"))
        refresh = api.auth.authorize(told["code"])
        assert api.user.me().name == "other"
        api._core._authorizer.revoke()
        with pytest.raises(self.core.exceptions.ResponseException, match="400"):
            self.reddit(box, url, refresh_token=refresh).user.me()

    def test_a_script_signs_in_with_its_owners_password(self, box, url):
        told = box.reddit.answers("script")
        api = self.reddit(box, url, "script", username=told["username"], password=told["password"])
        assert api.user.me().name == "brand"
        wrong = self.reddit(box, url, "script", username=told["username"], password="wrong")
        with pytest.raises(self.core.exceptions.OAuthException, match="invalid_grant"):
            wrong.user.me()


class TestTweepy:
    tweepy = pytest.importorskip("tweepy")
    refused = pytest.importorskip("oauthlib.oauth2").OAuth2Error

    @pytest.mark.parametrize("callback", [BACK, "oob"])
    def test_three_legs_of_oauth_1(self, box, url, callback):
        box.x.app_for("oauth1", callback)
        handler = self.tweepy.OAuth1UserHandler(box.x.api_key, box.x.api_secret, callback=callback)
        handler.oauth.mount("https://", Elsewhere(url))
        page = handler.get_authorization_url()
        verifier = self.verified(f"{url}/x{urlsplit(page).path}?{urlsplit(page).query}")
        token, secret = self.exchanged(url, handler, verifier)
        api = self.tweepy.Client(
            consumer_key=box.x.api_key,
            consumer_secret=box.x.api_secret,
            access_token=token,
            access_token_secret=secret,
        )
        api.session.mount("https://", Elsewhere(url))
        assert api.get_me().data.username == "brand"

    def verified(self, page):
        """What the callback carries, or the page shows as a PIN."""
        form = {"username": "brand", "decision": "allow"}
        answer = requests.post(page, data=form, allow_redirects=False, timeout=10)
        if "location" in answer.headers:
            return spoken(answer.headers["location"])["oauth_verifier"]
        return re.search(r"<code>(\d+)</code>", answer.text)[1]

    def exchanged(self, url, handler, verifier):
        """tweepy makes a session of its own for the last leg."""
        made, there = requests.Session.get_adapter, Elsewhere(url)

        def get_adapter(session, url):
            if url.startswith("https://"):
                session.mount("https://", there)
            return made(session, url)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "get_adapter", get_adapter)
            return handler.get_access_token(verifier)

    @pytest.mark.parametrize("confidential", [True, False])
    def test_oauth_2_with_pkce_and_a_refresh(self, box, url, confidential):
        box.x.confidential = confidential
        app = box.x.app_for("oauth2", BACK)
        scopes = ["tweet.read", "users.read", "offline.access"]
        handler = self.tweepy.OAuth2UserHandler(**app, redirect_uri=BACK, scope=scopes)
        handler.mount("https://", Elsewhere(url))
        page = handler.get_authorization_url()
        came = press(f"{url}/x{urlsplit(page).path}?{urlsplit(page).query}")
        token = handler.fetch_token(came.replace("http://", "https://"))
        assert set(token["scope"]) == set(scopes)
        assert self.me(url, token) == "brand"
        named = {} if confidential else {"client_id": app["client_id"]}
        newer = handler.refresh_token(
            REFRESH, refresh_token=token["refresh_token"], auth=handler.auth, **named
        )
        assert newer["access_token"] != token["access_token"]
        assert self.me(url, newer) == "brand"
        with pytest.raises(self.refused, match="invalid_request"):
            handler.refresh_token(REFRESH, refresh_token=token["refresh_token"], auth=handler.auth, **named)

    def me(self, url, token):
        client = self.tweepy.Client(token["access_token"])
        client.session.mount("https://", Elsewhere(url))
        return client.get_me(user_auth=False).data.username


class TestGoogleAuth:
    flow = pytest.importorskip("google_auth_oauthlib.flow")
    google = pytest.importorskip("google.auth.transport.requests")
    errors = pytest.importorskip("google.auth.exceptions")
    scopes: tuple[str, ...] = (
        "https://www.googleapis.com/auth/youtube.upload",
        "https://www.googleapis.com/auth/youtube.readonly",
    )

    def made(self, box, url, kind="Flow"):
        app = box.youtube.app_for("oauth2", BACK)
        places = {"auth_uri": f"{url}/youtube/o/oauth2/v2/auth", "token_uri": f"{url}/youtube/token"}
        config = {"installed": {**app, **places, "redirect_uris": ["http://localhost"]}}
        return getattr(self.flow, kind).from_client_config(config, scopes=list(self.scopes))

    def signed_in(self, box, url):
        flow = self.made(box, url)
        flow.redirect_uri = BACK
        page, state = flow.authorization_url(access_type="offline", prompt="consent")
        came = press(page)
        assert spoken(came)["state"] == state
        flow.fetch_token(authorization_response=came)
        return flow.credentials

    def test_it_agrees_signs_in_and_refreshes(self, box, url):
        held = self.signed_in(box, url)
        assert set(held.granted_scopes) == set(self.scopes)
        first = held.token
        box.youtube.expire(first)
        held.refresh(self.google.Request())
        assert held.token != first
        assert self.channel(url, held) == box.youtube.identity_of("brand")

    def test_its_own_loopback_server_is_called_back(self, box, url, monkeypatch):
        """Any port will do for an installed app, and nobody has to register it."""
        monkeypatch.setattr("webbrowser.get", lambda name=None: Visitor())
        flow = self.made(box, url, "InstalledAppFlow")
        held = flow.run_local_server(port=0, authorization_prompt_message="", timeout_seconds=10)
        assert self.channel(url, held) == box.youtube.identity_of("brand")

    def test_what_was_revoked_is_not_refreshed(self, box, url):
        held = self.signed_in(box, url)
        answer = requests.post(f"{url}/youtube/revoke", data={"token": held.refresh_token}, timeout=10)
        assert answer.status_code == 200
        with pytest.raises(self.errors.RefreshError, match="invalid_grant"):
            held.refresh(self.google.Request())

    def channel(self, url, held):
        """Whose token it is."""
        asked = {"part": "id", "mine": "true"}
        with self.google.AuthorizedSession(held) as session:
            told = session.get(f"{url}/youtube/youtube/v3/channels", params=asked)
        return told.json()["items"][0]["id"]


class Visitor:
    """The browser of somebody who presses Allow."""

    def open(self, page, **options):
        threading.Thread(target=lambda: requests.get(press(page), timeout=10), daemon=True).start()
        return True


class TestSlackSdk:
    """Slack's own client installs an app to a workspace."""

    sdk = pytest.importorskip("slack_sdk")
    oauth = pytest.importorskip("slack_sdk.oauth")
    back = "https://app.example.com/slack"

    def agreed(self, url, app):
        """What a person who installs it comes back with."""
        asks = self.oauth.AuthorizeUrlGenerator(
            client_id=app["client_id"],
            redirect_uri=self.back,
            scopes=["chat:write", "channels:read"],
            authorization_url=f"{url}/slack/oauth/v2/authorize",
        )
        return spoken(press(asks.generate("st")))

    def test_it_installs_rotates_and_leaves(self, box, url):
        box.slack.access_seconds = ROTATES
        app, client = box.slack.app_for("oauth2", self.back), self.sdk.WebClient(base_url=f"{url}/slack/api/")
        told = self.agreed(url, app)
        assert told["state"] == "st"
        held = client.oauth_v2_access(**app, code=told["code"], redirect_uri=self.back)
        newer = client.oauth_v2_access(**app, grant_type="refresh_token", refresh_token=held["refresh_token"])
        assert newer["access_token"] != held["access_token"]
        who = client.auth_test(token=newer["access_token"])
        assert f"{who['team_id']}:{who['user_id']}" == box.slack.identity_of("brand")
        assert client.auth_revoke(token=newer["access_token"])["revoked"]
        with pytest.raises(self.sdk.errors.SlackApiError, match="token_revoked"):
            client.auth_test(token=newer["access_token"])

    def test_a_code_is_good_once(self, box, url):
        app, client = box.slack.app_for("oauth2", self.back), self.sdk.WebClient(base_url=f"{url}/slack/api/")
        code = self.agreed(url, app)["code"]
        client.oauth_v2_access(**app, code=code, redirect_uri=self.back)
        with pytest.raises(self.sdk.errors.SlackApiError, match="invalid_code"):
            client.oauth_v2_access(**app, code=code, redirect_uri=self.back)


class TestRequestsOauthlib:
    """The library many clients sign in with: Tumblr's three legs, Discord's code."""

    oauth = pytest.importorskip("requests_oauthlib")

    def test_tumblr(self, box, url):
        app, server = box.tumblr.app_for("oauth1", BACK), f"{url}/tumblr"
        session = self.oauth.OAuth1Session(app["client_id"], app["client_secret"], callback_uri=BACK)
        session.fetch_request_token(f"{server}/oauth/request_token")
        page = session.authorization_url(f"{server}/oauth/authorize")
        session.parse_authorization_response(press(page, "other"))
        session.fetch_access_token(f"{server}/oauth/access_token")
        me = session.get(f"{server}/v2/user/info").json()["response"]["user"]
        assert me["name"] == "other"
        assert me["blogs"][0]["uuid"] == box.tumblr.identity_of("other")

    def test_discord(self, box, url):
        app, server = box.discord.app_for("oauth2", BACK), f"{url}/discord"
        session = self.oauth.OAuth2Session(app["client_id"], redirect_uri=BACK, scope=["identify"])
        page, state = session.authorization_url(f"{server}/oauth2/authorize")
        came = press(page)
        assert spoken(came)["state"] == state
        who = {"client_secret": app["client_secret"], "include_client_id": True}
        first = session.fetch_token(f"{server}/api/oauth2/token", authorization_response=came, **who)
        again = session.refresh_token(f"{server}/api/oauth2/token", **app)
        assert again["access_token"] != first["access_token"]
        assert session.get(f"{server}/api/users/@me").json()["username"] == "brand"
