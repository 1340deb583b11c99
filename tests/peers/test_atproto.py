"""Another client against the served Bluesky sandbox: the MarshalX SDK signs in, posts, reads and deletes."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),  # how this client uploads
]
atproto = pytest.importorskip("atproto")
exceptions = pytest.importorskip("atproto_client.exceptions")


@pytest.fixture
def box():
    """On the real date: this client compares the ends of its tokens with its own clock."""
    with Sandbox(["bluesky"], clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def sign_in(box, monkeypatch):
    """``sign_in("bob.test")`` gives a client with a session of its own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    opened = []
    with box.serve() as url:

        def make(handle="brand.example", password=None):
            request = atproto.Request(trust_env=False)
            opened.append(request)
            client = atproto.Client(base_url=f"{url}/bluesky", request=request)
            client.login(handle, password or box.bluesky.app_password(handle))
            return client

        yield make
        for request in opened:
            request.close()


def test_the_session_leads_to_the_accounts_own_server(box, sign_in):
    client = sign_in()
    assert client.me.handle == "brand.example"
    assert client.me.did == box.bluesky.person("brand.example").did
    assert client.com.atproto.server.get_session().handle == "brand.example"


def test_a_picture_its_counts_and_its_end(box, sign_in):
    brand, bob = sign_in(), sign_in("bob.test")
    made = brand.send_image("We ship today", png(30, 20), "a boat")
    medium = box.timeline("bluesky")[0].media[0]
    assert (medium["alt"], medium["data"]) == ("a boat", png(30, 20))
    like = bob.like(made.uri, made.cid)
    bob.repost(made.uri, made.cid)
    root = {"uri": made.uri, "cid": made.cid}
    bob.send_post("yes", reply_to={"root": root, "parent": root})
    assert brand.get_posts([made.uri]).posts == []
    box.clock.advance(2)
    view = brand.get_posts([made.uri]).posts[0]
    assert (view.like_count, view.repost_count, view.reply_count) == (1, 1, 1)
    assert view.embed.images[0].alt == "a boat"
    assert bob.unlike(like.uri)
    assert brand.get_posts([made.uri]).posts[0].like_count == 0
    thread = brand.get_post_thread(made.uri).thread
    assert [reply.post.record.text for reply in thread.replies] == ["yes"]
    assert {notice.reason for notice in brand.app.bsky.notification.list_notifications().notifications} == {
        "repost",
        "reply",
    }
    assert brand.delete_post(made.uri)
    assert brand.get_posts([made.uri]).posts == []


def test_rich_text_a_quote_a_video_and_pages(box, sign_in):
    brand = sign_in()
    text = atproto.client_utils.TextBuilder().text("hi ").mention("bob", brand.resolve_handle("bob.test").did)
    first = brand.send_post(text.link(" site", "https://example.com").tag(" #boat", "boat"))
    quote = atproto.models.AppBskyEmbedRecord.Main(record=atproto.models.create_strong_ref(first))
    brand.send_post("look", embed=quote)
    brand.send_video("film", mp4(), "moving")
    brand.send_images("two", [png(), png(9)], ["a", "b"])
    box.clock.advance(2)
    feed = brand.get_author_feed(brand.me.did, limit=3)
    assert [one.post.record.text for one in feed.feed] == ["two", "film", "look"]
    assert feed.feed[2].post.embed.record.value.text == "hi bob site #boat"
    rest = brand.get_author_feed(brand.me.did, limit=3, cursor=feed.cursor)
    assert rest.feed[0].post.record.facets[0].features[0].did == box.bluesky.person("bob.test").did
    listed = brand.app.bsky.feed.post.list(brand.me.did, limit=2)
    assert len(listed.records) == 2
    assert brand.get_profile("brand.example").posts_count == 4


def test_errors_are_its_own_kinds(box, sign_in):
    brand = sign_in()
    with pytest.raises(exceptions.BadRequestError) as caught:
        brand.send_post("x" * 301)
    assert caught.value.response.content.error == "InvalidRequest"
    assert "grapheme too big (maximum 300, got 301)" in caught.value.response.content.message
    with pytest.raises(exceptions.UnauthorizedError):
        sign_in(password="nope")
    box.fault("429", match="POST .*createRecord")
    with pytest.raises(exceptions.AtProtocolError) as refused:
        brand.send_post("x")
    assert refused.value.response.status_code == 429


def test_a_session_is_refreshed_when_its_token_ends(box, sign_in):
    brand = sign_in()
    box.clock.advance(7201)
    with pytest.raises(exceptions.BadRequestError, match="ExpiredToken"):
        brand.app.bsky.notification.get_unread_count()
    refreshed = httpx.post(
        f"{brand._base_url}/com.atproto.server.refreshSession",
        headers={"authorization": f"Bearer {brand._session.refresh_jwt}"},
        trust_env=False,
    )
    assert refreshed.json()["handle"] == "brand.example"
