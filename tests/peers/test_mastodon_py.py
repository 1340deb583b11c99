"""Another client against the served Mastodon sandbox: Mastodon.py posts, reads, edits and deletes."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import timedelta

import pytest

from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
mastodon = pytest.importorskip("mastodon")


def picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(4))) + chunk(b"IEND", b"")


@pytest.fixture
def box():
    with Sandbox(["mastodon"]) as made:
        yield made


@pytest.fixture
def clients(box, monkeypatch):
    """The brand's client and the reader's."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as url:
        made = [
            mastodon.Mastodon(access_token=box.mastodon.token(name), api_base_url=f"{url}/mastodon")
            for name in ("brand", "reader")
        ]
        yield made
        for client in made:
            client.session.close()


def test_a_picture_a_key_an_edit_and_a_deletion(box, clients):
    brand, _ = clients
    medium = brand.media_post(
        io.BytesIO(picture()), mime_type="image/png", description="a dot", focus=(0.1, 0.2)
    )
    fields = {"media_ids": [medium], "visibility": "unlisted", "spoiler_text": "cw", "language": "en"}
    status = brand.status_post("With a picture #boat", idempotency_key="k", **fields)
    assert brand.status_post("With a picture #boat", idempotency_key="k").id == status.id
    assert (status.media_attachments[0].description, status.tags[0].name) == ("a dot", "boat")
    edited = brand.status_update(status, "Edited", media_ids=[medium])
    assert (edited.content, edited.spoiler_text, len(brand.status_history(status))) == (
        "<p>Edited</p>",
        "",
        2,
    )
    assert brand.status_source(status).text == "Edited"
    brand.status_delete(status)
    with pytest.raises(mastodon.MastodonNotFoundError):
        brand.status(status)
    assert box.timeline("mastodon") == []


def test_a_poll_a_reply_a_quote_and_what_people_did(clients):
    brand, reader = clients
    poll = brand.status_post("Which?", poll=brand.make_poll(["a", "b"], 3600, multiple=True))
    reply = brand.status_reply(poll, "a reply")
    quote = reader.status_post("look", quoted_status_id=poll.id)
    reader.status_favourite(poll)
    reader.status_reblog(poll)
    reader.poll_vote(poll.poll, [0, 1])
    seen = brand.status(poll)
    assert (seen.favourites_count, seen.reblogs_count, seen.replies_count, seen.quotes_count) == (1, 1, 1, 1)
    assert brand.poll(poll.poll).votes_count == 2
    assert brand.status_context(poll).descendants[0].id == reply.id
    assert quote.quote.quoted_status.id == poll.id
    assert {notice.type for notice in brand.notifications()} == {"quote", "favourite", "reblog"}


def test_a_schedule_a_video_and_pages(box, clients):
    brand, _ = clients
    brand.status_post("later", scheduled_at=box.clock.now() + timedelta(hours=1))
    assert len(brand.scheduled_statuses()) == 1
    box.clock.advance(3700)
    assert brand.scheduled_statuses() == []
    film = io.BytesIO(b"\x00\x00\x00\x18ftypisom" + bytes(1000))
    medium = brand.media_post(film, mime_type="video/mp4", synchronous=False)
    assert medium.url is None
    box.clock.advance(3)
    assert brand.media(medium).url
    ids = [brand.status_post(f"{number}").id for number in range(3)]
    page = brand.account_statuses(brand.me(), limit=2)
    assert [status.id for status in page] == ids[:0:-1]
    assert brand.fetch_next(page)[0].id == ids[0]
    assert len(brand.statuses([*ids, 1])) == 3
    assert brand.search(brand.status(ids[0]).url, resolve=True).statuses[0].id == ids[0]
