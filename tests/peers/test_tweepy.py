"""Another client against the served X sandbox: tweepy posts, reads and deletes, with both kinds of OAuth.

tweepy still uploads through a door X closed in June 2025, so pictures go up by the present paths.
"""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from media_files import png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
tweepy = pytest.importorskip("tweepy")
requests = pytest.importorskip("requests")


class Elsewhere(requests.adapters.HTTPAdapter):
    """Sends what is meant for X to the sandbox; the signature stays over X's own address."""

    def __init__(self, url):
        super().__init__()
        self._url = url

    def send(self, request, **options):
        request.url = request.url.replace("https://api.twitter.com", f"{self._url}/x")
        return super().send(request, **options)


@pytest.fixture
def box():
    """A sandbox whose clock shows the real time, because tweepy signs with it."""
    with Sandbox(["x"], clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as served:
        yield served


@pytest.fixture
def client(url):
    """``client(...)`` makes a tweepy client that talks to the sandbox."""
    made = []

    def make(**credentials):
        one = tweepy.Client(**credentials)
        one.session.mount("https://api.twitter.com", Elsewhere(url))
        made.append(one)
        return one

    yield make
    for one in made:
        one.session.close()


@pytest.fixture(params=["oauth1", "oauth2"])
def brand(request, box, client):
    """The brand's client and whether its calls are signed."""
    if request.param == "oauth1":
        return client(**keys(box, "brand")), True
    return client(bearer_token=box.x.token("brand")), False


def keys(box, username, **options):
    names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    return dict(zip(names, box.x.oauth1(username, **options), strict=True))


def upload(box, url):
    """A picture with alt text, by the present paths."""
    with httpx.Client(base_url=f"{url}/x", trust_env=False) as http:
        http.headers["authorization"] = f"Bearer {box.x.token('brand')}"
        files, form = {"media": ("a.png", png(4, 3))}, {"media_category": "tweet_image"}
        medium = http.post("/2/media/upload", files=files, data=form).json()["data"]["id"]
        words = {"id": medium, "metadata": {"alt_text": {"text": "A boat at sea"}}}
        assert http.post("/2/media/metadata", json=words).status_code == 200
    return medium


def test_a_thread_with_a_picture_a_lookup_and_a_deletion(box, url, brand):
    client, user_auth = brand
    first = client.create_tweet(
        text="See https://example.com #launch", media_ids=[upload(box, url)], user_auth=user_auth
    )
    second = client.create_tweet(text="And more", in_reply_to_tweet_id=first.data["id"], user_auth=user_auth)
    seen = client.get_tweets(
        [first.data["id"], second.data["id"], 17],
        expansions=["author_id", "attachments.media_keys", "referenced_tweets.id"],
        tweet_fields=["created_at", "entities", "public_metrics", "non_public_metrics", "conversation_id"],
        media_fields=["alt_text", "width"],
        user_auth=user_auth,
    )
    picture, answer = seen.data
    assert picture.entities["urls"][0]["expanded_url"] == "https://example.com"
    assert picture.non_public_metrics["impression_count"] == picture.public_metrics["impression_count"]
    assert picture.created_at <= box.clock.now()
    assert answer.conversation_id == picture.id
    assert answer.referenced_tweets[0].type == "replied_to"
    assert (seen.includes["media"][0].alt_text, seen.includes["media"][0].width) == ("A boat at sea", 4)
    assert seen.includes["users"][0].username == "brand"
    assert seen.errors[0]["value"] == "17"
    assert client.delete_tweet(first.data["id"], user_auth=user_auth).data == {"deleted": True}
    assert client.get_tweet(first.data["id"], user_auth=user_auth).data is None
    assert [entry.text for entry in box.timeline("x")] == ["And more"]


def test_a_poll_a_mention_and_pages(box, client, brand):
    mine, user_auth = brand
    reader = client(**keys(box, "reader"))
    me = mine.get_me(user_auth=user_auth, user_fields=["public_metrics"]).data
    assert me.public_metrics["tweet_count"] == 0
    mine.create_tweet(
        text="Which?", poll_options=["port", "starboard"], poll_duration_minutes=60, user_auth=user_auth
    )
    asked = reader.create_tweet(text="@brand starboard!")
    reply = mine.create_tweet(text="Aye", in_reply_to_tweet_id=asked.data["id"], user_auth=user_auth)
    assert reply.data["text"] == "@reader Aye"
    for number in range(9):
        mine.create_tweet(text=f"number {number}", user_auth=user_auth)
    pages = tweepy.Paginator(mine.get_users_tweets, me.id, max_results=5, user_auth=user_auth)
    assert [len(page.data) for page in pages] == [5, 5, 1]
    mentions = mine.get_users_mentions(me.id, user_auth=user_auth)
    assert [tweet.text for tweet in mentions.data] == ["@brand starboard!"]
    box.clock.advance(31)
    found = mine.search_recent_tweets("from:reader starboard", user_auth=user_auth)
    assert found.data[0].id == int(asked.data["id"])


def test_errors_are_told_apart(box, client, brand):
    mine, user_auth = brand
    mine.create_tweet(text="Ship it", user_auth=user_auth)
    with pytest.raises(tweepy.Forbidden, match="duplicate content"):
        mine.create_tweet(text="Ship it", user_auth=user_auth)
    with pytest.raises(tweepy.Forbidden) as caught:
        mine.create_tweet(text="x" * 281, user_auth=user_auth)
    assert caught.value.api_codes == [186]
    with pytest.raises(tweepy.BadRequest, match="media IDs are invalid"):
        mine.create_tweet(text="x", media_ids=[17], user_auth=user_auth)
    with pytest.raises(tweepy.Unauthorized):
        client(bearer_token="no").get_tweet(17)
    with pytest.raises(tweepy.Forbidden, match="Application-Only"):
        client(bearer_token=box.x.app_token()).get_me(user_auth=False)
    with pytest.raises(tweepy.Forbidden, match="oauth1 app permissions"):
        client(**keys(box, "brand", writes=False)).create_tweet(text="x")
    with pytest.raises(tweepy.Unauthorized):
        client(**{**keys(box, "brand"), "access_token_secret": "wrong"}).create_tweet(text="x")
    box.fault("stored-then-500", platform="x")
    with pytest.raises(tweepy.TwitterServerError):
        mine.create_tweet(text="y", user_auth=user_auth)
    box.fault("429", platform="x")
    with pytest.raises(tweepy.TooManyRequests):
        mine.create_tweet(text="x", user_auth=user_auth)
    assert [entry.text for entry in box.timeline("x")] == ["Ship it", "y"]
