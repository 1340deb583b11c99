"""Another client against the served X sandbox: X's own xdk logs in, uploads, posts, reads and deletes."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
xdk = pytest.importorskip("xdk")
requests = pytest.importorskip("requests")


@pytest.fixture
def box():
    """A sandbox whose clock shows the real time, because xdk signs with it."""
    with Sandbox(["x"], clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with box.serve() as served:
        yield f"{served}/x"


@pytest.fixture
def client(url):
    """``client(...)`` makes an xdk client that talks to the sandbox."""
    made = []

    def make(**options):
        made.append(xdk.Client(base_url=url, **options))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


@pytest.fixture(params=["oauth1", "oauth2"])
def brand(request, box, client):
    if request.param == "oauth2":
        return client(access_token=box.x.token("brand"))
    from xdk.oauth1_auth import OAuth1

    key, secret, token, token_secret = box.x.oauth1("brand")
    return client(auth=OAuth1(key, secret, "oob", token, token_secret))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(client) -> str:
    medium = client.media.upload({"media": b64(png(4, 3)), "media_category": "tweet_image"}).data
    words = {"id": medium.id, "metadata": {"alt_text": {"text": "A boat at sea"}}}
    assert client.media.create_metadata(words).data.id == medium.id
    return medium.id


def film(client, data: bytes) -> str:
    fields = {"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": len(data)}
    medium = client.media.initialize_upload(fields).data.id
    for index, at in enumerate(range(0, len(data), 4000)):
        client.media.append_upload(medium, {"media": b64(data[at : at + 4000]), "segment_index": index})
    assert client.media.finalize_upload(medium).data.processing_info.state == "pending"
    return medium


def test_pictures_a_film_a_thread_and_a_deletion(box, brand):
    media = [picture(brand), picture(brand)]
    video = film(brand, mp4(seconds=5, data=9000))
    box.clock.advance(3)
    assert brand.media.get_upload_status(video).data.processing_info.state == "succeeded"
    first = brand.posts.create({"text": "See https://example.com", "media": {"media_ids": media}}).data
    reply = {"in_reply_to_tweet_id": first.id}
    second = brand.posts.create({"text": "A film", "reply": reply, "media": {"media_ids": [video]}}).data
    assert first.edit_history_post_ids is None or first.edit_history_post_ids == [first.id]
    seen = brand.posts.get_by_ids(
        [first.id, second.id, "17"],
        post_fields=["created_at", "entities", "public_metrics", "conversation_id"],
        expansions=["attachments.media_keys", "author_id", "referenced_posts"],
        media_fields=["alt_text", "duration_ms", "public_metrics"],
    )
    assert seen.data[0].entities.urls[0].expanded_url == "https://example.com"
    assert seen.data[1].conversation_id == first.id
    assert seen.data[1].public_metrics.repost_count == 0
    assert [one.type for one in seen.includes.media] == ["photo", "photo", "video"]
    assert seen.includes.media[0].alt_text == "A boat at sea"
    assert seen.includes.media[2].duration_ms == 5000
    assert seen.includes.posts[0].id == first.id
    assert seen.includes.users[0].username == "brand"
    assert brand.posts.delete(first.id).data.deleted is True
    assert [entry.text for entry in box.timeline("x")] == ["A film"]


def test_pages_and_numbers(box, brand):
    me = brand.users.get_me(user_fields=["public_metrics"], post_fields=["id"]).data
    for number in range(7):
        brand.posts.create({"text": f"number {number}"})
    pages = list(brand.users.get_posts(me.id, max_results=5, post_fields=["created_at", "public_metrics"]))
    assert [len(page.data) for page in pages] == [5, 2]
    box.clock.advance(200)
    newest = pages[0].data[0]
    row = brand.posts.get_analytics(
        ids=[newest.id],
        start_time=newest.created_at,
        end_time=f"{box.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        granularity="total",
        analytics_fields=["impressions"],
    ).data[0]
    assert row.timestamped_metrics[0].metrics.impressions > 0


def test_errors_carry_the_real_status(box, brand):
    brand.posts.create({"text": "Ship it"})
    for text, status in (("Ship it", 403), ("", 400)):
        with pytest.raises(requests.HTTPError) as caught:
            brand.posts.create({"text": text})
        assert caught.value.response.status_code == status


def test_a_login_with_pkce_and_a_refresh(box, client):
    back = "http://127.0.0.1:9/back"
    mine = client(
        client_id=box.x.client_id,
        client_secret=box.x.client_secret,
        redirect_uri=back,
        scope="tweet.read tweet.write users.read offline.access",
    )
    landed = box.x.approve(mine.oauth2_auth.get_authorization_url())
    first = mine.oauth2_auth.fetch_token(landed)
    mine.oauth2_auth.token = first
    again = mine.oauth2_auth.refresh_token()
    assert again["access_token"] != first["access_token"]
    assert again["refresh_token"] != first["refresh_token"]
    other = client(access_token=again["access_token"])
    assert other.users.get_me().data.username == "brand"
