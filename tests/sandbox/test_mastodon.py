"""The Mastodon sandbox over HTTP: what the platform's facts say, one behaviour at a time."""

from __future__ import annotations

import itertools
import struct
import zlib
from datetime import timedelta

import httpx
import pytest

from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon_forms import nest
from socialkit.sandbox.mastodon_servers import SOFTWARE

STATUSES = "/api/v1/statuses"
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(2000)


def png(width: int = 4, height: int = 3) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes((1 + 3 * width) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int = 2) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3) + b"\x21\xf9\x04\x00" * frames


@pytest.fixture
def box():
    with Sandbox(["mastodon"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    """A client with the brand's token."""
    token = box.mastodon.token("brand")
    return http(box, base_url="https://mastodon.social", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def reader(box, http):
    """A client of another person on the same server."""
    token = box.mastodon.token("reader")
    return http(box, base_url="https://mastodon.social", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def anybody(box, http):
    """A client without a token."""
    return http(box, base_url="https://mastodon.social")


async def post(client, text="hello", **fields):
    answer = await client.post(STATUSES, json={"status": text, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def upload(client, data=None, kind="image/png", **fields):
    files = {"file": ("a", data if data is not None else png(), kind)}
    return await client.post("/api/v2/media", files=files, data=fields)


# --- posting ---


@pytest.mark.parametrize("how", ["json", "form", "multipart"])
async def test_a_status_may_be_sent_in_three_encodings(box, brand, how):
    form = {"status": "hi", "poll[options][]": ["a", "b"], "poll[expires_in]": "600"}
    if how == "json":
        fields = {"status": "hi", "poll": {"options": ["a", "b"], "expires_in": 600}}
        answer = await brand.post(STATUSES, json=fields)
    elif how == "form":
        answer = await brand.post(STATUSES, data=form)
    else:
        answer = await brand.post(STATUSES, data=form, files={"unused": b""})
    assert answer.status_code == 200
    assert [option["title"] for option in answer.json()["poll"]["options"]] == ["a", "b"]
    assert [entry.text for entry in box.timeline("mastodon")] == ["hi"]


async def test_the_answer_is_a_status_of_this_server(brand):
    status = await post(brand, "We ship → https://example.com/a?b=1&c=2 #launch @reader")
    assert status["url"] == f"https://mastodon.social/@brand/{status['id']}"
    assert status["uri"] == f"https://mastodon.social/users/brand/statuses/{status['id']}"
    assert status["created_at"] == "2026-11-02T09:00:00.000Z"
    assert int(status["id"]) >> 16 == 1793610000000
    assert [tag["name"] for tag in status["tags"]] == ["launch"]
    assert [mention["acct"] for mention in status["mentions"]] == ["reader"]
    assert 'href="https://example.com/a?b=1&amp;c=2"' in status["content"]
    assert status["quotes_count"] == 0


async def test_text_is_escaped_in_content(brand):
    status = await post(brand, "a <b>\n\nc & d\ne")
    assert status["content"] == "<p>a &lt;b&gt;</p><p>c &amp; d<br />e</p>"


async def test_text_over_the_limit_is_refused_and_links_count_23(brand):
    link = "https://example.com/" + "a" * 300
    assert (await brand.post(STATUSES, json={"status": "x" * 501})).status_code == 422
    refused = await brand.post(STATUSES, json={"status": "x" * 477 + " " + link})
    assert refused.json()["error"] == "Validation failed: Text character limit of 500 exceeded"
    await post(brand, "x" * 476 + " " + link)


async def test_the_content_warning_counts(brand):
    refused = await brand.post(STATUSES, json={"status": "x" * 490, "spoiler_text": "y" * 11})
    assert refused.status_code == 422
    status = await post(brand, "x" * 490, spoiler_text="y" * 10)
    assert (status["sensitive"], status["spoiler_text"]) == (True, "y" * 10)


async def test_an_empty_status_is_refused_but_not_beside_a_picture(brand):
    assert (await brand.post(STATUSES, json={"status": " "})).status_code == 422
    medium = (await upload(brand)).json()
    status = await post(brand, "", media_ids=[medium["id"]])
    assert status["media_attachments"][0]["id"] == medium["id"]


async def test_visibility_and_language(brand):
    status = await post(brand, visibility="unlisted", language="de")
    assert (status["visibility"], status["language"]) == ("unlisted", "de")
    assert (await post(brand, language="no such"))["language"] == "en"
    assert (await brand.post(STATUSES, json={"status": "x", "visibility": "secret"})).status_code == 422


async def test_a_reply_to_a_missing_status_is_404(brand, box):
    answer = await brand.post(STATUSES, json={"status": "x", "in_reply_to_id": "1"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})
    assert box.timeline("mastodon") == []


async def test_unexpected_mentions_are_named(box, brand):
    answer = await brand.post(STATUSES, json={"status": "hi @reader", "allowed_mentions": []})
    assert answer.status_code == 422
    assert [account["acct"] for account in answer.json()["unexpected_accounts"]] == ["reader"]


# --- idempotency ---


async def test_a_repeated_key_answers_the_first_status_for_an_hour(box, brand):
    async def send(text):
        answer = await brand.post(STATUSES, json={"status": text}, headers={"idempotency-key": "k"})
        return answer.json()["id"]

    first = await send("one")
    box.clock.advance(3599)
    assert await send("other words") == first
    box.clock.advance(2)
    assert await send("one") != first
    assert len(box.timeline("mastodon")) == 2


async def test_keys_are_per_account(box, brand, reader):
    headers = {"idempotency-key": "k"}
    one = await brand.post(STATUSES, json={"status": "a"}, headers=headers)
    other = await reader.post(STATUSES, json={"status": "a"}, headers=headers)
    assert one.json()["id"] != other.json()["id"]


async def test_a_key_of_a_deleted_status_is_404(brand):
    headers = {"idempotency-key": "k"}
    first = await brand.post(STATUSES, json={"status": "a"}, headers=headers)
    await brand.delete(f"{STATUSES}/{first.json()['id']}")
    assert (await brand.post(STATUSES, json={"status": "a"}, headers=headers)).status_code == 404


async def test_the_key_is_not_honoured_for_scheduled_posts(box, brand):
    at = (box.clock.now() + timedelta(hours=1)).isoformat()
    headers = {"idempotency-key": "k"}
    for _ in range(2):
        await brand.post(STATUSES, json={"status": "a", "scheduled_at": at}, headers=headers)
    assert len((await brand.get("/api/v1/scheduled_statuses")).json()) == 2


# --- media ---


async def test_a_picture_is_ready_at_once(brand):
    answer = await upload(brand, png(40, 30), description="a boat", focus="0.5,-2")
    medium = answer.json()
    assert (answer.status_code, medium["type"], medium["description"]) == (200, "image", "a boat")
    assert medium["meta"]["original"] == {"width": 40, "height": 30, "size": "40x30", "aspect": 40 / 30}
    assert medium["meta"]["focus"] == {"x": 0.5, "y": -1.0}
    assert (await brand.get(medium["url"])).content == png(40, 30)


async def test_a_video_is_processed_on_the_clock(box, brand):
    answer = await upload(brand, MP4, "video/mp4")
    medium = answer.json()
    assert (answer.status_code, medium["url"]) == (202, None)
    assert (await brand.get(f"/api/v1/media/{medium['id']}")).status_code == 206
    early = await brand.post(STATUSES, json={"status": "x", "media_ids": [medium["id"]]})
    assert early.status_code == 422
    box.clock.advance(2)
    ready = await brand.get(f"/api/v1/media/{medium['id']}")
    assert (ready.status_code, ready.json()["url"] is None) == (200, False)
    await post(brand, "x", media_ids=[medium["id"]])
    assert (await brand.get(f"/api/v1/media/{medium['id']}")).status_code == 404


async def test_processing_may_take_longer_or_fail(box, brand):
    box.fault("still-processing", seconds=300)
    slow = (await upload(brand, MP4, "video/mp4")).json()["id"]
    box.clock.advance(299)
    assert (await brand.get(f"/api/v1/media/{slow}")).status_code == 206
    box.fault("processing-failed")
    broken = (await upload(brand, MP4, "video/mp4")).json()["id"]
    box.clock.advance(10)
    assert (await brand.get(f"/api/v1/media/{broken}")).status_code == 422
    assert (await brand.post(STATUSES, json={"status": "x", "media_ids": [broken]})).status_code == 422


async def test_content_decides_not_the_name(brand):
    refused = await upload(brand, b"this is no picture", "image/png")
    assert refused.status_code == 422
    assert (await upload(brand, MP4, "image/png")).json()["type"] == "video"


async def test_pictures_have_limits(brand):
    assert (await upload(brand, png() + bytes(16_777_216))).status_code == 422
    large = gif(1281, 720)
    assert "1281x720 GIF files are not supported" in (await upload(brand, large, "image/gif")).json()["error"]
    assert (await upload(brand, gif(1280, 720), "image/gif")).json()["type"] == "gifv"
    assert (await upload(brand, png(), description="x" * 10_001)).status_code == 422


async def test_media_rules_of_a_status(brand, box):
    pictures = [(await upload(brand)).json()["id"] for _ in range(5)]
    video = (await upload(brand, MP4, "video/mp4")).json()["id"]
    box.clock.advance(5)
    too_many = await brand.post(STATUSES, json={"status": "x", "media_ids": pictures})
    assert too_many.status_code == 422
    mixed = await brand.post(STATUSES, json={"status": "x", "media_ids": [video, pictures[0]]})
    assert "Cannot attach a video" in mixed.json()["error"]
    await post(brand, "x", media_ids=pictures[:4])
    again = await brand.post(STATUSES, json={"status": "x", "media_ids": pictures[:1]})
    assert again.status_code == 422


async def test_media_is_changed_and_deleted_before_it_is_attached(brand):
    medium = (await upload(brand)).json()["id"]
    changed = await brand.put(f"/api/v1/media/{medium}", json={"description": "new", "focus": "0,0"})
    assert changed.json()["description"] == "new"
    await post(brand, "x", media_ids=[medium])
    assert (await brand.delete(f"/api/v1/media/{medium}")).status_code == 422
    other = (await upload(brand)).json()["id"]
    assert (await brand.delete(f"/api/v1/media/{other}")).json() == {}
    assert (await brand.get(f"/api/v1/media/{other}")).status_code == 404


async def test_media_never_attached_is_gone_after_a_day(box, brand):
    medium = (await upload(brand)).json()["id"]
    box.clock.advance(86_401)
    assert (await brand.get(f"/api/v1/media/{medium}")).status_code == 404


# --- polls ---


@pytest.mark.parametrize(
    "poll",
    [
        {"options": ["a"], "expires_in": 600},
        {"options": ["a", "a"], "expires_in": 600},
        {"options": ["a", ""], "expires_in": 600},
        {"options": ["a", "x" * 51], "expires_in": 600},
        {"options": list("abcde"), "expires_in": 600},
        {"options": ["a", "b"], "expires_in": 299},
        {"options": ["a", "b"], "expires_in": 2_629_747},
        {"options": ["a", "b"]},
    ],
)
async def test_bad_polls_are_refused(brand, poll):
    assert (await brand.post(STATUSES, json={"status": "x", "poll": poll})).status_code == 422


async def test_votes_count_once_and_hidden_totals_show_at_the_end(box, brand, reader):
    poll = (await post(brand, poll={"options": ["a", "b"], "expires_in": 600, "hide_totals": True}))["poll"]
    path = f"/api/v1/polls/{poll['id']}/votes"
    voted = await reader.post(path, json={"choices": [1]})
    assert (voted.json()["own_votes"], voted.json()["options"][1]["votes_count"]) == ([1], None)
    assert (await reader.post(path, json={"choices": [0]})).status_code == 422
    assert (await brand.post(path, json={"choices": [0]})).status_code == 422
    box.clock.advance(600)
    ended = (await reader.get(f"/api/v1/polls/{poll['id']}")).json()
    assert (ended["expired"], ended["options"][1]["votes_count"]) == (True, 1)


# --- scheduling ---


async def test_a_scheduled_post_appears_at_its_moment(box, brand):
    at = box.clock.now() + timedelta(hours=1)
    medium = (await upload(brand)).json()["id"]
    fields = {"status": "later", "scheduled_at": at.isoformat(), "media_ids": [medium]}
    answer = await brand.post(STATUSES, json=fields)
    assert answer.json()["params"]["text"] == "later"
    assert "content" not in answer.json()
    assert box.timeline("mastodon") == []
    box.clock.advance(3601)
    (entry,) = box.timeline("mastodon")
    assert (entry.text, entry.created_at, len(entry.media)) == ("later", at, 1)
    assert entry.id != answer.json()["id"]
    assert (await brand.get("/api/v1/scheduled_statuses")).json() == []
    assert len(box.timeline("mastodon")) == 1


async def test_scheduling_has_its_rules(box, brand):
    soon = (box.clock.now() + timedelta(minutes=4)).isoformat()
    assert (await brand.post(STATUSES, json={"status": "x", "scheduled_at": soon})).status_code == 422
    assert (await brand.post(STATUSES, json={"status": "x", "scheduled_at": "soon"})).json() == {
        "error": "Invalid date supplied"
    }
    past = await brand.post(STATUSES, json={"status": "x", "scheduled_at": "2020-01-01T00:00:00Z"})
    assert past.json()["content"] == "<p>x</p>"
    at = (box.clock.now() + timedelta(hours=2)).isoformat()
    answers = [await brand.post(STATUSES, json={"status": "x", "scheduled_at": at}) for _ in range(26)]
    assert [answer.status_code for answer in answers] == [200] * 25 + [422]


async def test_a_scheduled_post_is_moved_and_cancelled(box, brand):
    at = (box.clock.now() + timedelta(hours=1)).isoformat()
    item = (await brand.post(STATUSES, json={"status": "x", "scheduled_at": at})).json()
    path = f"/api/v1/scheduled_statuses/{item['id']}"
    later = (box.clock.now() + timedelta(hours=3)).isoformat()
    moved = await brand.put(path, json={"scheduled_at": later})
    assert moved.json()["scheduled_at"] == "2026-11-02T12:00:00.000Z"
    assert (await brand.delete(path)).json() == {}
    assert (await brand.get(path)).status_code == 404
    box.clock.advance(86_400)
    assert box.timeline("mastodon") == []


# --- edit, delete, thread, quote ---


async def test_an_edit_replaces_everything(box, brand):
    medium = (await upload(brand)).json()["id"]
    status = await post(brand, "one", media_ids=[medium], spoiler_text="cw")
    box.clock.advance(60)
    edited = (await brand.put(f"{STATUSES}/{status['id']}", json={"status": "two"})).json()
    assert (edited["spoiler_text"], edited["sensitive"], edited["media_attachments"]) == ("", False, [])
    assert edited["edited_at"] == "2026-11-02T09:01:00.000Z"
    history = (await brand.get(f"{STATUSES}/{status['id']}/history")).json()
    assert [state["content"] for state in history] == ["<p>one</p>", "<p>two</p>"]
    source = (await brand.get(f"{STATUSES}/{status['id']}/source")).json()
    assert source == {"id": status["id"], "text": "two", "spoiler_text": ""}
    assert len(history[0]["media_attachments"]) == 1


async def test_an_edit_that_changes_nothing_leaves_no_mark(brand):
    status = await post(brand, "one")
    again = (await brand.put(f"{STATUSES}/{status['id']}", json={"status": "one"})).json()
    assert again["edited_at"] is None


async def test_an_edit_changes_alt_text(brand):
    medium = (await upload(brand, description="old")).json()["id"]
    status = await post(brand, "one", media_ids=[medium])
    fields = {"status": "two", "media_ids[]": medium, "media_attributes[][id]": medium}
    fields["media_attributes[][description]"] = "new"
    edited = await brand.put(f"{STATUSES}/{status['id']}", data=fields)
    assert edited.json()["media_attachments"][0]["description"] == "new"


async def test_a_deleted_status_answers_its_source_and_is_gone(brand, box):
    status = await post(brand, "gone & lost")
    deleted = await brand.delete(f"{STATUSES}/{status['id']}")
    assert deleted.json()["text"] == "gone & lost"
    assert (await brand.delete(f"{STATUSES}/{status['id']}")).status_code == 404
    assert box.timeline("mastodon") == []


async def test_nobody_edits_or_deletes_for_others(brand, reader, box):
    status = await post(brand)
    assert (await reader.put(f"{STATUSES}/{status['id']}", json={"status": "x"})).status_code == 404
    assert (await reader.delete(f"{STATUSES}/{status['id']}")).status_code == 404
    assert len(box.timeline("mastodon")) == 1


async def test_a_thread_reads_back_as_context(brand):
    one = await post(brand, "1")
    two = await post(brand, "2", in_reply_to_id=one["id"])
    three = await post(brand, "3", in_reply_to_id=two["id"])
    context = (await brand.get(f"{STATUSES}/{two['id']}/context")).json()
    assert [status["id"] for status in context["ancestors"]] == [one["id"]]
    assert [status["id"] for status in context["descendants"]] == [three["id"]]
    assert (await brand.get(f"{STATUSES}/{one['id']}")).json()["replies_count"] == 1


async def test_a_quote_is_accepted_revoked_or_refused(brand, reader):
    quoted = await post(brand, "quote me")
    quoting = await post(reader, "see", quoted_status_id=quoted["id"])
    assert (quoting["quote"]["state"], quoting["quote"]["quoted_status"]["id"]) == ("accepted", quoted["id"])
    assert quoting["content"].startswith('<p class="quote-inline">RE: ')
    assert (await brand.get(f"{STATUSES}/{quoted['id']}")).json()["quotes_count"] == 1
    listed = await brand.get(f"{STATUSES}/{quoted['id']}/quotes")
    assert [status["id"] for status in listed.json()] == [quoting["id"]]
    await brand.post(f"{STATUSES}/{quoted['id']}/quotes/{quoting['id']}/revoke")
    again = (await reader.get(f"{STATUSES}/{quoting['id']}")).json()
    assert again["quote"] == {"state": "revoked", "quoted_status": None}
    assert (await brand.get(f"{STATUSES}/{quoted['id']}")).json()["quotes_count"] == 0
    shut = await post(brand, "not me", quote_approval_policy="nobody")
    assert shut["quote_approval"]["automatic"] == []
    refused = await reader.post(STATUSES, json={"status": "x", "quoted_status_id": shut["id"]})
    assert refused.status_code == 404


async def test_a_quote_of_a_deleted_status_says_so(brand):
    quoted = await post(brand, "quote me")
    quoting = await post(brand, "see", quoted_status_id=quoted["id"])
    await brand.delete(f"{STATUSES}/{quoted['id']}")
    again = (await brand.get(f"{STATUSES}/{quoting['id']}")).json()
    assert again["quote"] == {"state": "deleted", "quoted_status": None}


# --- people ---


async def test_favourites_boosts_and_notifications(box, brand, reader):
    status = await post(brand)
    path = f"{STATUSES}/{status['id']}"
    assert (await reader.post(f"{path}/favourite")).json()["favourited"] is True
    boost = (await reader.post(f"{path}/reblog")).json()
    assert boost["reblog"]["id"] == status["id"]
    assert (await reader.post(f"{path}/reblog")).json()["id"] == boost["id"]
    seen = (await brand.get(path)).json()
    assert (seen["favourites_count"], seen["reblogs_count"]) == (1, 1)
    await post(reader, "nice @brand", in_reply_to_id=status["id"])
    kinds = [notice["type"] for notice in (await brand.get("/api/v1/notifications")).json()]
    assert kinds == ["mention", "reblog", "favourite"]
    only = await brand.get("/api/v1/notifications", params={"types[]": "reblog"})
    assert [notice["type"] for notice in only.json()] == ["reblog"]
    await reader.post(f"{path}/unreblog")
    await reader.post(f"{path}/unfavourite")
    seen = (await brand.get(path)).json()
    assert (seen["favourites_count"], seen["reblogs_count"]) == (0, 0)


async def test_private_and_direct_posts_are_seen_by_whom_they_concern(brand, reader, anybody):
    private = await post(brand, "followers", visibility="private")
    direct = await post(brand, "psst @reader", visibility="direct")
    path = f"{STATUSES}/{private['id']}"
    assert (await reader.get(path)).status_code == 404
    me = (await brand.get("/api/v1/accounts/verify_credentials")).json()
    await reader.post(f"/api/v1/accounts/{me['id']}/follow")
    assert (await reader.get(path)).status_code == 200
    assert (await reader.get(f"{STATUSES}/{direct['id']}")).status_code == 200
    assert (await anybody.get(f"{STATUSES}/{direct['id']}")).status_code == 404


async def test_metrics_grow_and_batches_take_twenty(box, brand):
    ids = [(await post(brand, f"{number}"))["id"] for number in range(20)]
    box.clock.advance(86_400)
    batch = await brand.get(STATUSES, params={"id[]": [*ids[:19], "1"]})
    assert len(batch.json()) == 19
    assert all(status["favourites_count"] > 0 for status in batch.json())
    assert (await brand.get(STATUSES, params={"id[]": [*ids, "1"]})).status_code == 422


async def test_lists_page_by_link(brand):
    ids = [(await post(brand, f"{number}"))["id"] for number in range(5)]
    me = (await brand.get("/api/v1/accounts/verify_credentials")).json()["id"]
    page = await brand.get(f"/api/v1/accounts/{me}/statuses", params={"limit": 2, "exclude_reblogs": "true"})
    seen = [status["id"] for status in page.json()]
    while "next" in page.links:
        assert "exclude_reblogs=true" in page.links["next"]["url"]
        page = await brand.get(page.links["next"]["url"])
        seen += [status["id"] for status in page.json()]
    assert seen == ids[::-1]
    odd = await brand.get(f"/api/v1/accounts/{me}/statuses", params={"limit": "many"})
    assert len(odd.json()) == 5
    newer = await brand.get(f"/api/v1/accounts/{me}/statuses", params={"min_id": ids[0], "limit": 2})
    assert [status["id"] for status in newer.json()] == [ids[2], ids[1]]


async def test_search_resolves_addresses_of_this_server(brand, anybody):
    status = await post(brand)
    query = {"q": status["url"], "resolve": "true", "type": "statuses"}
    found = (await brand.get("/api/v2/search", params=query)).json()
    assert [one["id"] for one in found["statuses"]] == [status["id"]]
    assert (await anybody.get("/api/v2/search", params=query)).status_code == 401
    assert (await brand.get("/api/v2/search", params={"q": "hello"})).json()["statuses"] == []


async def test_a_link_preview_comes_later_and_not_beside_media(box, brand):
    status = await post(brand, "see https://example.com/page.")
    assert status["card"] is None
    box.clock.advance(10)
    later = (await brand.get(f"{STATUSES}/{status['id']}")).json()
    assert later["card"]["url"] == "https://example.com/page"


# --- access ---


async def test_tokens_and_scopes(box, brand, anybody):
    assert (await anybody.post(STATUSES, json={"status": "x"})).json() == {
        "error": "The access token is invalid"
    }
    narrow = {"authorization": f"Bearer {box.mastodon.token('brand', 'read')}"}
    refused = await anybody.post(STATUSES, json={"status": "x"}, headers=narrow)
    assert (refused.status_code, refused.json()["error"]) == (
        403,
        "This action is outside the authorized scopes",
    )
    box.mastodon.revoke(box.mastodon.token("brand"))
    assert (await brand.post(STATUSES, json={"status": "x"})).status_code == 401


async def test_an_app_gets_its_own_token(anybody):
    app = (
        await anybody.post(
            "/api/v1/apps", json={"client_name": "Desk", "redirect_uris": "urn:x", "scopes": "read write"}
        )
    ).json()
    pair = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    given = await anybody.post(
        "/oauth/token", data={"grant_type": "client_credentials", "scope": "read", **pair}
    )
    bearer = {"authorization": f"Bearer {given.json()['access_token']}"}
    checked = await anybody.get("/api/v1/apps/verify_credentials", headers=bearer)
    assert checked.json()["name"] == "Desk"
    assert "client_secret" not in checked.json()
    who = await anybody.get("/api/v1/accounts/verify_credentials", headers=bearer)
    assert (who.status_code, who.json()["error"]) == (422, "This method requires an authenticated user")
    wrong = {**pair, "client_secret": "wrong", "grant_type": "client_credentials"}
    assert (await anybody.post("/oauth/token", data=wrong)).json()["error"] == "invalid_client"
    await anybody.post("/oauth/revoke", data={"token": given.json()["access_token"], **pair})
    assert (await anybody.get("/api/v1/apps/verify_credentials", headers=bearer)).status_code == 401


async def test_posting_shows_its_own_window_and_ends_at_300(box, brand):
    answer = await brand.post(STATUSES, json={"status": "0"})
    assert answer.headers["x-ratelimit-limit"] == "300"
    assert answer.headers["x-ratelimit-remaining"] == "299"
    assert answer.headers["x-ratelimit-reset"] == "2026-11-02T12:00:00.000000Z"
    for number in range(1, 300):
        if number % 250 == 0:
            box.clock.advance(300)
        assert (await brand.post(STATUSES, json={"status": f"{number}"})).status_code == 200
    refused = await brand.post(STATUSES, json={"status": "one too many"})
    assert (refused.status_code, refused.json()) == (429, {"error": "Too many requests"})
    assert "retry-after" not in refused.headers
    assert len(box.timeline("mastodon")) == 300


async def test_uploads_and_deletions_have_windows_of_thirty(box, brand):
    answers = [(await upload(brand)).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
    box.clock.advance(1800)
    assert (await upload(brand)).status_code == 200


# --- other software ---


@pytest.mark.parametrize("software", sorted(SOFTWARE))
async def test_every_personality_posts_lists_and_deletes(box, brand, software):
    box.mastodon.software = software
    medium = (await upload(brand)).json()["id"]
    status = await post(brand, "hello", media_ids=[medium])
    assert (await brand.get(f"{STATUSES}/{status['id']}")).json()["id"] == status["id"]
    ids = [status["id"], *[(await post(brand, "x", media_ids=[(await upload(brand)).json()["id"]]))["id"]]]
    assert sorted(ids, key=lambda one: (len(one), one)) == ids
    assert (await brand.delete(f"{STATUSES}/{status['id']}")).status_code == 200
    assert len(box.timeline("mastodon")) == 1


@pytest.mark.parametrize(
    ("software", "second", "posts"),
    [
        ("mastodon", 200, 1),
        ("mastodon-4.6.0", 500, 1),
        ("gotosocial", 200, 2),
        ("takahe", 200, 2),
        ("hollo", 200, 1),
        ("pleroma", 200, 1),
        ("pixelfed", 400, 1),
    ],
)
async def test_what_a_repeated_key_does(box, brand, software, second, posts):
    box.mastodon.software = software
    media = [(await upload(brand)).json()["id"] for _ in range(2)]
    answers = [
        await brand.post(
            STATUSES, json={"status": "x", "media_ids": [medium]}, headers={"idempotency-key": "k"}
        )
        for medium in media
    ]
    assert [answer.status_code for answer in answers] == [200, second]
    assert len(box.timeline("mastodon")) == posts


async def test_pleroma_replays_errors_too(box, brand):
    box.mastodon.software = "pleroma"
    headers = {"idempotency-key": "k"}
    assert (await brand.post(STATUSES, json={"status": ""}, headers=headers)).status_code == 422
    again = await brand.post(STATUSES, json={"status": "fine"}, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (422, "true")


async def test_media_attached_already_is_refused_or_moves(box, brand):
    box.mastodon.software = "gotosocial"
    medium = (await upload(brand)).json()["id"]
    await post(brand, "one", media_ids=[medium])
    again = await brand.post(STATUSES, json={"status": "two", "media_ids": [medium]})
    assert (again.status_code, "already attached" in again.json()["error"]) == (400, True)
    box.mastodon.software = "takahe"
    await post(brand, "two", media_ids=[medium])
    assert [len(entry.media) for entry in box.timeline("mastodon")] == [0, 1]


@pytest.mark.parametrize(
    ("software", "status", "kind"),
    [("mastodon", 422, "json"), ("gotosocial", 422, "json"), ("hollo", 500, ""), ("takahe", 500, "html")],
)
async def test_what_becomes_of_a_broken_picture(box, brand, software, status, kind):
    box.mastodon.software = software
    answer = await upload(brand, b"no picture")
    assert answer.status_code == status
    assert kind in answer.headers.get("content-type", "")
    assert bool(answer.content) is bool(kind)


async def test_takahe_answers_html_and_text(box, brand, anybody):
    box.mastodon.software = "takahe"
    instance = await brand.get("/api/v2/instance")
    assert (instance.status_code, instance.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert (await brand.get("/api/v1/instance")).json()["version"] == "0.11.0"
    assert "<h1>404</h1>" in (await brand.get(f"{STATUSES}/1")).text
    wrong = await anybody.get(
        "/api/v1/accounts/verify_credentials", headers={"authorization": "Bearer wrong"}
    )
    assert (wrong.status_code, wrong.text) == (400, "Invalid Bearer token")


@pytest.mark.parametrize("software", ["takahe", "hollo", "pixelfed"])
async def test_some_publish_scheduled_posts_at_once(box, brand, software):
    box.mastodon.software = software
    at = (box.clock.now() + timedelta(hours=1)).isoformat()
    medium = (await upload(brand)).json()["id"]
    fields = {"status": "x", "scheduled_at": at, "media_ids": [medium]}
    assert "content" in (await brand.post(STATUSES, json=fields)).json()
    assert len(box.timeline("mastodon")) == 1


async def test_gotosocial_has_other_habits(box, brand):
    box.mastodon.software = "gotosocial"
    status = await post(brand)
    assert (status["visibility"], len(status["id"])) == ("unlisted", 26)
    answers = [(await brand.delete(f"{STATUSES}/{status['id']}")).status_code for _ in range(3)]
    assert answers == [200, 200, 404]
    assert (await brand.post(STATUSES, json={"status": "x" * 5001})).status_code == 400
    assert (await brand.get("/api/v1/apps/verify_credentials")).status_code == 404
    assert (await brand.get(STATUSES, params={"id[]": ["1"]})).status_code == 404


async def test_hollo_takes_any_length_and_does_not_count_favourites(box, brand):
    box.mastodon.software = "hollo"
    status = await post(brand, "x" * 20_000)
    liked = await brand.post(f"{STATUSES}/{status['id']}/favourite")
    assert (liked.json()["favourited"], liked.json()["favourites_count"]) == (True, 0)
    assert "zod_error" in (await brand.post(STATUSES, json={"status": ""})).json()


async def test_pixelfed_wants_a_picture(box, brand):
    box.mastodon.software = "pixelfed"
    assert (await brand.post(STATUSES, json={"status": "x"})).status_code == 403


async def test_before_46_polls_stand_without_media(box, brand):
    poll = {"options": ["a", "b"], "expires_in": 600}
    for software, status in (("mastodon", 200), ("mastodon-4.5.0", 422)):
        box.mastodon.software = software
        medium = (await upload(brand)).json()["id"]
        answer = await brand.post(STATUSES, json={"status": "x", "poll": poll, "media_ids": [medium]})
        assert answer.status_code == status


async def test_the_instance_says_what_it_is(box, brand):
    links = (await brand.get("/.well-known/nodeinfo")).json()["links"]
    assert (await brand.get(links[0]["href"])).json()["software"] == {"name": "mastodon", "version": "4.7.2"}
    two = (await brand.get("/api/v2/instance")).json()
    assert (two["api_versions"], two["configuration"]["statuses"]["max_characters"]) == (
        {"mastodon": 11},
        500,
    )
    one = await brand.get("/api/v1/instance")
    assert one.json()["configuration"]["media_attachments"]["description_limit"] == 10_000
    assert "deprecation" in one.headers
    box.mastodon.software = "mastodon-4.2.0"
    assert "api_versions" not in (await brand.get("/api/v2/instance")).json()
    assert (await brand.get("/.well-known/oauth-authorization-server")).status_code == 404


def test_an_unknown_personality_names_the_known_ones(box):
    with pytest.raises(ValueError, match="gotosocial"):
        box.mastodon.software = "nothing"


# --- faults ---


async def test_a_twin_is_a_status_of_its_own(box, brand):
    medium = (await upload(brand)).json()["id"]
    box.fault("twin")
    status = await post(brand, "x", media_ids=[medium], poll={"options": ["a", "b"], "expires_in": 600})
    one, two = box.timeline("mastodon")
    assert (one.id, one.text) == (status["id"], two.text)
    assert one.media[0]["id"] != two.media[0]["id"]
    assert one.poll["id"] != two.poll["id"]


async def test_a_lost_post_leaves_its_media_free_even_beside_a_twin(box, brand):
    medium = (await upload(brand)).json()["id"]
    box.fault("twin")
    box.fault("dropped-before")
    with pytest.raises(httpx.RemoteProtocolError):
        await brand.post(STATUSES, json={"status": "x", "media_ids": [medium]})
    await post(brand, "x", media_ids=[medium])
    assert [len(entry.media) for entry in box.timeline("mastodon")] == [1, 1]


async def test_the_500_of_mastodon_is_html(box, brand):
    box.fault("stored-then-500")
    answer = await brand.post(STATUSES, json={"status": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert len(box.timeline("mastodon")) == 1


async def test_a_429_leaves_the_window_empty_until_it_ends(box, brand):
    box.fault("429")
    refused = await brand.post(STATUSES, json={"status": "x"})
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (429, "0")


def test_form_names_nest_as_servers_read_them():
    pairs = [("a[b][]", "1"), ("a[b][]", "2"), ("m[][id]", "1"), ("m[][x]", "y"), ("m[][id]", "2")]
    assert nest(pairs) == {"a": {"b": ["1", "2"]}, "m": [{"id": "1", "x": "y"}, {"id": "2"}]}
    assert nest([("", "x")]) == {}


async def test_fields_of_the_wrong_shape_are_refused_not_crashed_on(box, brand):
    shapes = [[], "x", 5, {"a": 1}, None, True]
    names = ["status", "media_ids", "poll", "in_reply_to_id", "scheduled_at", "visibility", "language"]
    for name, shape in itertools.product(names, shapes):
        answer = await brand.post(STATUSES, json={"status": "x", name: shape})
        assert answer.status_code < 500, (name, shape)
        box.clock.advance(60)
