"""What our client sends to sign in, renew and sign out means what the platform's best-known client sends."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from login_talk import BACK, Elsewhere, press, recorded, sign_in_and_out, spoken

from socialkit import App
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
mastodon = pytest.importorskip("mastodon")
praw = pytest.importorskip("praw")
tweepy = pytest.importorskip("tweepy")
google_flow = pytest.importorskip("google_auth_oauthlib.flow")
google_requests = pytest.importorskip("google.auth.transport.requests")

DRAWN = {"state", "code", "code_challenge", "code_verifier", "token", "refresh_token"}
"""What is drawn anew each time."""
SIGNED = {"oauth_nonce", "oauth_signature", "oauth_timestamp", "oauth_token", "oauth_verifier"}
SCOPES = {
    "mastodon": "profile write:statuses write:media read:statuses read:search read:accounts",
    "reddit": "identity submit read flair mysubreddits history",
    "x": "tweet.read users.read offline.access tweet.write media.write",
    "youtube": " ".join(
        f"https://www.googleapis.com/auth/{name}"
        for name in ("youtube.readonly", "youtube.upload", "yt-analytics.readonly")
    ),
}


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


@pytest.fixture
def sent(box):
    """Everything each platform got, by its name."""
    return {name: recorded(platform) for name, platform in box.boxes.items()}


def same(mine, theirs, *, only_mine=(), only_theirs=(), drawn=DRAWN):
    """Both say the same by the same names; what only one of them says is named by the test."""
    assert set(mine) - set(theirs) == set(only_mine)
    assert set(theirs) - set(mine) == set(only_theirs)
    shared = set(mine) & set(theirs) - drawn
    assert {name: said(name, mine) for name in shared} == {name: said(name, theirs) for name in shared}
    assert all(fields[name] for fields in (mine, theirs) for name in set(fields) & drawn)


def said(name, fields):
    """A value; the order of scopes means nothing."""
    return set(fields[name].replace(",", " ").split()) if name == "scope" else fields[name]


def of(seen, ending, grant=None):
    """The one request to a path that ends so, with that grant type."""
    (found,) = [one for one in seen if one.path.endswith(ending) and one.form.get("grant_type") == grant]
    return found


def pairs(seen, half, ending, grant=None):
    """Our request and theirs: the first ``half`` of what was sent is ours."""
    return of(seen[:half], ending, grant), of(seen[half:], ending, grant)


class TestMastodonPy:
    def test_every_request(self, box, url, sent):
        seen, server, scopes = sent["mastodon"], f"{url}/mastodon", SCOPES["mastodon"].split()
        app_id, secret = mastodon.Mastodon.create_app(
            "socialkit", api_base_url=server, redirect_uris=BACK, scopes=scopes
        )
        mine = sign_in_and_out(box, url, "mastodon", App(app_id, secret))
        half = len(seen)
        api = mastodon.Mastodon(app_id, secret, api_base_url=server, version_check_mode="none")
        words = {"scopes": scopes, "allow_http": True}
        theirs = api.auth_request_url(redirect_uris=BACK, state="st", **words)
        same(
            spoken(mine),
            spoken(theirs),
            only_mine={"code_challenge", "code_challenge_method"},
            only_theirs={"force_login", "lang"},
        )
        api.log_in(code=spoken(press(theirs))["code"], redirect_uri=BACK, **words)
        api.revoke_access_token(allow_http=True)
        code = pairs(seen, half, "/oauth/token", "authorization_code")
        same(code[0].form, code[1].form, only_mine={"code_verifier"}, only_theirs={"scope", "oauth_info"})
        ended = pairs(seen, half, "/oauth/revoke")
        same(ended[0].form, ended[1].form)

    def test_the_app_it_registers(self, box, url, sent):
        seen = sent["mastodon"]
        sign_in_and_out(box, url, "mastodon", App(name="Harbour"))
        half = len(seen)
        mastodon.Mastodon.create_app(
            "Harbour", api_base_url=f"{url}/mastodon", redirect_uris=BACK, scopes=SCOPES["mastodon"].split()
        )
        mine, theirs = pairs(seen, half, "/api/v1/apps")
        apart = [{**one.form, "scopes": set(one.form["scopes"].split())} for one in (mine, theirs)]
        assert apart[0] == apart[1]


class TestPraw:
    def reddit(self, url, app, **options):
        agent = "test:harbour:1 (by u/brand)"
        where = {"reddit_url": f"{url}/reddit", "oauth_url": f"{url}/reddit/", "check_for_updates": False}
        return praw.Reddit(**app, redirect_uri=BACK, user_agent=agent, **where, **options)

    @pytest.mark.parametrize("kind", ["web", "installed"])
    def test_every_request(self, box, url, sent, kind):
        box.reddit.confidential = kind == "web"
        app = box.reddit.app_for("oauth2", BACK)
        mine, seen = sign_in_and_out(box, url, "reddit", App(**app)), sent["reddit"]
        half = len(seen)
        api = self.reddit(url, {"client_secret": None, **app})
        theirs = api.auth.url(scopes=SCOPES["reddit"].split(), state="st", duration="permanent")
        same(spoken(mine), spoken(theirs))
        authorizer = self.signed_in(api, theirs)
        authorizer.refresh()
        authorizer.revoke()
        for grant in ("authorization_code", "refresh_token"):
            ours, other = pairs(seen, half, "/api/v1/access_token", grant)
            same(ours.form, other.form)
            assert ours.basic == other.basic == (app["client_id"], app.get("client_secret", ""))
        (first, *_), (ended,) = (
            [one for one in part if one.path.endswith("/api/v1/revoke_token")]
            for part in (seen[:half], seen[half:])
        )
        same(first.form, ended.form)
        assert first.basic == ended.basic

    def signed_in(self, api, page):
        api.auth.authorize(spoken(press(page))["code"])
        return api._core._authorizer

    def test_the_password_of_a_scripts_owner(self, box, url, sent):
        app, told = box.reddit.app_for("script", BACK), box.reddit.answers("script")
        seen = sent["reddit"]
        sign_in_and_out(box, url, "reddit", App(**app, flow="script"))
        half = len(seen)
        self.reddit(url, app, **told).user.me()
        (mine, again), (theirs,) = (
            [one for one in part if one.path.endswith("/api/v1/access_token")]
            for part in (seen[:half], seen[half:])
        )
        assert mine.form == again.form == theirs.form
        assert mine.basic == again.basic == theirs.basic


class TestTweepy:
    @pytest.mark.parametrize("kind", ["confidential", "public"])
    def test_every_request_of_oauth_2(self, box, url, sent, kind):
        box.x.confidential = kind == "confidential"
        app, seen = box.x.app_for("oauth2", BACK), sent["x"]
        mine = sign_in_and_out(box, url, "x", App(**app))
        half = len(seen)
        handler = tweepy.OAuth2UserHandler(**app, redirect_uri=BACK, scope=SCOPES["x"].split())
        handler.mount("https://", Elsewhere(url))
        theirs = handler.get_authorization_url()
        same(spoken(mine), spoken(theirs))
        assert urlsplit(mine).path == f"/x{urlsplit(theirs).path}"
        came = press(f"{url}/x{urlsplit(theirs).path}?{urlsplit(theirs).query}")
        handler.fetch_token(came.replace("http://", "https://"))
        name = {} if box.x.confidential else {"client_id": app["client_id"]}
        handler.refresh_token("https://api.x.com/2/oauth2/token", auth=handler.auth, **name)
        twice = {"client_id"} if box.x.confidential else set()  # in the form beside the header that says it
        for grant, more in (("authorization_code", twice), ("refresh_token", {"scope"})):
            ours, other = pairs(seen, half, "/2/oauth2/token", grant)
            same(ours.form, other.form, only_theirs=more)
            assert ours.basic == other.basic
            assert (ours.basic is None) == (kind == "public")

    def test_every_leg_of_oauth_1(self, box, url, sent):
        app, seen = box.x.app_for("oauth1", BACK), sent["x"]
        mine = sign_in_and_out(box, url, "x", App(**app, flow="oauth1"))
        half = len(seen)
        handler = tweepy.OAuth1UserHandler(app["client_id"], app["client_secret"], callback=BACK)
        handler.oauth.mount("https://", Elsewhere(url))
        theirs = handler.get_authorization_url()
        assert set(spoken(mine)) == set(spoken(theirs)) == {"oauth_token"}
        assert urlsplit(mine).path == f"/x{urlsplit(theirs).path}"
        came = spoken(press(f"{url}/x{urlsplit(theirs).path}?{urlsplit(theirs).query}"))
        handler.oauth._client.client.verifier = came["oauth_verifier"]
        handler.oauth.fetch_access_token("https://api.twitter.com/oauth/access_token")
        for leg in ("/oauth/request_token", "/oauth/access_token"):
            ours, other = pairs(seen, half, leg)
            same(ours.signed, other.signed, drawn=SIGNED)
            assert ours.form == other.form == {}


class TestGoogleAuth:
    def test_every_request(self, box, url, sent):
        app, seen = box.youtube.app_for("oauth2", BACK), sent["youtube"]
        mine = sign_in_and_out(box, url, "youtube", App(**app))
        half = len(seen)
        places = {"auth_uri": f"{url}/youtube/o/oauth2/v2/auth", "token_uri": f"{url}/youtube/token"}
        flow = google_flow.Flow.from_client_config(
            {"installed": {**app, **places}}, scopes=SCOPES["youtube"].split(), redirect_uri=BACK
        )
        theirs, _ = flow.authorization_url(access_type="offline", prompt="consent")
        same(spoken(mine), spoken(theirs))
        flow.fetch_token(authorization_response=press(theirs))
        flow.credentials.refresh(google_requests.Request())
        who = {"client_id", "client_secret"}
        ours, other = pairs(seen, half, "/token", "authorization_code")
        same(ours.form, other.form, only_mine=who)
        assert (ours.form["client_id"], ours.form["client_secret"]) == other.basic
        ours, other = pairs(seen, half, "/token", "refresh_token")
        same(ours.form, other.form, only_theirs={"scope"})
        assert ours.basic is other.basic is None
