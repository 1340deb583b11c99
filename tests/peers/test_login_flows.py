"""Other people's clients sign in by their own flows, against the served sandbox."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from socialkit import App, Client
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
requests = pytest.importorskip("requests")

BACK = "http://127.0.0.1:8910/callback"


@pytest.fixture
def box():
    """A sandbox whose clock shows the real time, because the peers look at theirs."""
    with Sandbox(["mastodon", "reddit", "x", "youtube"], clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with box.serve() as served:
        yield served


def press(page, username="brand", decision="allow"):
    """The address a browser is sent to after that button of the consent page."""
    shown = requests.get(page, timeout=10)
    assert shown.status_code == 200, shown.text
    names = dict(parse_qsl(urlsplit(page).query))
    scopes = names.get("scope", "").replace(",", " ").split()
    form = [("username", username), ("decision", decision), *(("granted", scope) for scope in scopes)]
    answer = requests.post(page, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def spoken(address):
    return dict(parse_qsl(urlsplit(address).query))


def ours(url, platform, app):
    """What our own consent address asks for at the same platform."""
    with Client(apps={platform: app}) as client:
        login = client.begin_login(platform, redirect_uri=BACK, server=f"{url}/{platform}")
    return spoken(login.url)


def same_but(mine, theirs, *random):
    """Both ask for the same, by the same names, but for what is drawn."""
    assert {k: v for k, v in mine.items() if k not in random} == {
        k: v for k, v in theirs.items() if k not in random
    }


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

    def test_a_revoked_one_is_refused(self, box, url):
        api = self.reddit(box, url)
        told = spoken(press(api.auth.url(scopes=["identity"], state="s", duration="permanent"), "other"))
        refresh = api.auth.authorize(told["code"])
        box.reddit.revoke(refresh)
        with pytest.raises(self.core.exceptions.PrawcoreException):
            self.reddit(box, url, refresh_token=refresh).user.me()

    def test_a_script_signs_in_with_its_owners_password(self, box, url):
        told = box.reddit.answers("script")
        api = self.reddit(box, url, "script", username=told["username"], password=told["password"])
        assert api.user.me().name == "brand"
        wrong = self.reddit(box, url, "script", username=told["username"], password="wrong")
        with pytest.raises(self.core.exceptions.OAuthException, match="invalid_grant"):
            wrong.user.me()

    def test_our_consent_page_is_asked_the_same(self, box, url):
        api = self.reddit(box, url)
        mine = ours(url, "reddit", App(**box.reddit.app_for("oauth2", BACK)))
        page = api.auth.url(scopes=mine["scope"].split(), state="st", duration="permanent")
        theirs = spoken(page)
        theirs["scope"] = theirs["scope"].replace(",", " ")
        same_but(
            {**mine, "scope": set(mine["scope"].split())},
            {**theirs, "scope": set(theirs["scope"].split())},
            "state",
        )


class TestTweepy:
    tweepy = pytest.importorskip("tweepy")

    def elsewhere(self, url, session):
        """Sends what is meant for X to the sandbox; signatures stay over X's own addresses."""

        class Elsewhere(requests.adapters.HTTPAdapter):
            def send(self, request, **options):
                for host in (
                    "https://api.twitter.com",
                    "https://api.x.com",
                    "https://x.com",
                    "https://twitter.com",
                ):
                    request.url = request.url.replace(host, f"{url}/x")
                return super().send(request, **options)

        session.mount("https://", Elsewhere())

    @pytest.mark.parametrize("callback", [BACK, "oob"])
    def test_three_legs_of_oauth_1(self, box, url, callback):
        box.x.app_for("oauth1", callback)
        handler = self.tweepy.OAuth1UserHandler(box.x.api_key, box.x.api_secret, callback=callback)
        self.elsewhere(url, handler.oauth)
        page = handler.get_authorization_url()
        verifier = self.verified(f"{url}/x{urlsplit(page).path}?{urlsplit(page).query}")
        self.elsewhere(url, handler.oauth)
        token, secret = self.exchanged(url, handler, verifier)
        assert (token, secret) == (handler.access_token, handler.access_token_secret)
        assert box.x.grants[token].username == "brand"

    def verified(self, page):
        """What the callback carries, or the page shows as a PIN."""
        form = {"username": "brand", "decision": "allow"}
        answer = requests.post(page, data=form, allow_redirects=False, timeout=10)
        if "location" in answer.headers:
            return spoken(answer.headers["location"])["oauth_verifier"]
        return re.search(r"<code>(\d+)</code>", answer.text)[1]

    def exchanged(self, served, handler, verifier):
        """tweepy makes a session of its own for the last leg."""
        made = requests.Session.get_adapter
        outer = self

        def get_adapter(session, url):
            if url.startswith("https://"):
                outer.elsewhere(served, session)
            return made(session, url)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(requests.Session, "get_adapter", get_adapter)
            return handler.get_access_token(verifier)

    def test_oauth_2_with_pkce_and_a_refresh(self, box, url):
        app = box.x.app_for("oauth2", BACK)
        scopes = ["tweet.read", "users.read", "offline.access"]
        handler = self.tweepy.OAuth2UserHandler(
            client_id=app["client_id"],
            redirect_uri=BACK,
            scope=scopes,
            client_secret=app.get("client_secret"),
        )
        self.elsewhere(url, handler)
        page = handler.get_authorization_url()
        came = press(f"{url}/x{urlsplit(page).path}?{urlsplit(page).query}")
        token = handler.fetch_token(came.replace("http://", "https://"))
        assert set(token["scope"]) == set(scopes)
        client = self.tweepy.Client(token["access_token"])
        self.elsewhere(url, client.session)
        assert client.get_me(user_auth=False).data.username == "brand"
        newer = handler.refresh_token(
            "https://api.x.com/2/oauth2/token",
            refresh_token=token["refresh_token"],
            auth=requests.auth.HTTPBasicAuth(app["client_id"], app["client_secret"])
            if "client_secret" in app
            else None,
            **({} if "client_secret" in app else {"client_id": app["client_id"]}),
        )
        assert newer["access_token"] != token["access_token"]
        assert newer["refresh_token"] != token["refresh_token"]

    def test_our_consent_page_is_asked_the_same(self, box, url):
        app = App(**box.x.app_for("oauth2", BACK))
        mine = ours(url, "x", app)
        handler = self.tweepy.OAuth2UserHandler(
            client_id=app.client_id, redirect_uri=BACK, scope=mine["scope"].split()
        )
        theirs = spoken(handler.get_authorization_url())
        same_but(mine, theirs, "state", "code_challenge")


class TestGoogleAuth:
    flow = pytest.importorskip("google_auth_oauthlib.flow")
    google = pytest.importorskip("google.auth.transport.requests")
    errors = pytest.importorskip("google.auth.exceptions")
    scopes: tuple[str, ...] = (
        "https://www.googleapis.com/auth/youtube.upload",
        "https://www.googleapis.com/auth/youtube.readonly",
    )

    def made(self, box, url, scopes=scopes):
        app = box.youtube.app_for("oauth2", BACK)
        config = {
            "installed": {
                "client_id": app["client_id"],
                "client_secret": app["client_secret"],
                "auth_uri": f"{url}/youtube/o/oauth2/v2/auth",
                "token_uri": f"{url}/youtube/token",
                "redirect_uris": [BACK],
            }
        }
        return self.flow.Flow.from_client_config(config, scopes=list(scopes), redirect_uri=BACK)

    def signed_in(self, box, url):
        flow = self.made(box, url)
        page, state = flow.authorization_url(access_type="offline", prompt="consent")
        came = press(page)
        assert spoken(came)["state"] == state
        flow.fetch_token(authorization_response=came)
        return flow.credentials

    def test_it_agrees_signs_in_and_refreshes(self, box, url):
        held = self.signed_in(box, url)
        first = held.token
        box.youtube.expire(first)
        held.refresh(self.google.Request())
        assert held.token != first
        who = requests.get(
            f"{url}/youtube/youtube/v3/channels",
            params={"part": "id", "mine": "true"},
            headers={"authorization": f"Bearer {held.token}"},
            timeout=10,
        )
        assert who.json()["items"][0]["id"] == box.youtube.identity_of("brand")

    def test_what_was_revoked_is_not_refreshed(self, box, url):
        held = self.signed_in(box, url)
        requests.post(f"{url}/youtube/revoke", data={"token": held.refresh_token}, timeout=10)
        with pytest.raises(self.errors.RefreshError, match="invalid_grant"):
            held.refresh(self.google.Request())

    def test_our_consent_page_is_asked_the_same(self, box, url):
        mine = ours(url, "youtube", App(**box.youtube.app_for("oauth2", BACK)))
        flow = self.made(box, url, mine["scope"].split())
        page, _ = flow.authorization_url(access_type="offline", prompt="consent")
        same_but(mine, spoken(page), "state", "code_challenge")
