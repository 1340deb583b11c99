"""TikTok's posting and display APIs as a stranger meets them over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sign_in_talk import bearer

from media_files import mp4, png
from socialkit.contracts import _samples
from socialkit.sandbox import Sandbox, sample_photo

API = "https://open.tiktokapis.com/v2"
PUBLISH = f"{API}/post/publish"
CLIP = mp4()
SIZE = len(CLIP)
INFO = {"title": "Ahoy", "privacy_level": "PUBLIC_TO_EVERYONE"}
PHOTO = "https://example.com/boat.jpg"


@pytest.fixture
def box():
    with Sandbox(["tiktok"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    return http(box)


async def ask(web, box, path: str, body: Any = None, token: str | None = None) -> httpx.Response:
    return await web.post(f"{API}{path}", json=body or {}, headers=bearer(token or box.tiktok.token))


def said(answer: httpx.Response) -> tuple[int, str]:
    told = answer.json()
    assert told.keys() == {"data", "error"}
    assert told["error"].keys() == {"code", "message", "log_id"}
    return answer.status_code, told["error"]["code"]


def source(size: int = SIZE, chunk: int | None = None, count: int = 1) -> dict[str, Any]:
    chunk = size if chunk is None else chunk
    return {"source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": count}


async def init(web, box, info: Any = INFO, told: Any = None) -> httpx.Response:
    body = {"post_info": info, "source_info": told or source()}
    return await ask(web, box, "/post/publish/video/init/", body)


async def put(web, url: str, data: bytes = CLIP, first: int = 0, total: int | None = None, **headers: str):
    span = f"bytes {first}-{first + len(data) - 1}/{total or SIZE}"
    given = {"content-type": "video/mp4", "content-range": span, **headers}
    return await web.put(url, content=data, headers=given)


async def state(web, box, publish_id: str) -> dict[str, Any]:
    answer = await ask(web, box, "/post/publish/status/fetch/", {"publish_id": publish_id})
    assert said(answer) == (200, "ok")
    return answer.json()["data"]


async def uploaded(web, box, info: Any = INFO, data: bytes = CLIP) -> str:
    begun = (await init(web, box, info, source(len(data)))).json()["data"]
    assert (await put(web, begun["upload_url"], data, total=len(data))).status_code == 201
    return begun["publish_id"]


def photos(*urls: str, info: Any = None, mode: str = "DIRECT_POST", cover: Any = 0) -> dict[str, Any]:
    given = {"source": "PULL_FROM_URL", "photo_images": list(urls), "photo_cover_index": cover}
    told = {"description": "Ahoy", "privacy_level": "PUBLIC_TO_EVERYONE"} if info is None else info
    return {"media_type": "PHOTO", "post_mode": mode, "post_info": told, "source_info": given}


# --- the creator --------------------------------------------------------------------------------------------
async def test_creator_info(box, web):
    answer = await ask(web, box, "/post/publish/creator_info/query/")
    assert said(answer) == (200, "ok")
    assert answer.json()["data"] == {
        "creator_avatar_url": "https://example.com/picture.png",
        "creator_username": "brand",
        "creator_nickname": "Brand",
        "privacy_level_options": ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"],
        "comment_disabled": False,
        "duet_disabled": False,
        "stitch_disabled": False,
        "max_video_post_duration_sec": 600,
    }
    box.tiktok.people["brand"].private = True
    data = (await ask(web, box, "/post/publish/creator_info/query/")).json()["data"]
    assert data["privacy_level_options"] == ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]


async def test_who_cannot_post_is_told_with_200_and_refused_with_403(box, web):
    box.tiktok.people["brand"].banned = True
    info = "/post/publish/creator_info/query/"
    assert said(await ask(web, box, info)) == (200, "spam_risk_user_banned_from_posting")
    assert said(await init(web, box)) == (403, "spam_risk_user_banned_from_posting")
    box.tiktok.people["brand"].banned = False
    box.tiktok.active_users = 0
    assert said(await ask(web, box, info)) == (200, "reached_active_user_cap")
    assert said(await init(web, box)) == (403, "reached_active_user_cap")


async def test_fifteen_posts_a_day(box, web):
    for _ in range(15):
        await uploaded(web, box)
        box.clock.advance(60)
    info = "/post/publish/creator_info/query/"
    assert said(await ask(web, box, info)) == (200, "spam_risk_too_many_posts")
    assert said(await init(web, box)) == (403, "spam_risk_too_many_posts")
    box.clock.advance(86_400 - 15 * 60)
    fresh = box.tiktok.token_for("brand").access_token
    assert said(await ask(web, box, info, token=fresh)) == (200, "ok")


# --- beginning ----------------------------------------------------------------------------------------------
async def test_an_init_gives_both_ids(box, web):
    data = (await init(web, box)).json()["data"]
    assert data["publish_id"].startswith("v_pub_file~v2-1.")
    assert data["upload_url"].startswith("https://open-upload.tiktokapis.com/video/?upload_id=")
    assert len(data["publish_id"]) <= 64
    assert len(data["upload_url"]) <= 256
    inbox = await ask(web, box, "/post/publish/inbox/video/init/", {"source_info": source()})
    assert inbox.json()["data"]["publish_id"].startswith("v_inbox_file~v2.")


@pytest.mark.parametrize(
    ("size", "chunk", "count", "words"),
    [
        (12_000_000, 10_000_000, 1, "The chunk size is invalid"),
        (64_000_000, 64_000_000, 1, ""),
        (70_000_000, 70_000_000, 1, "The chunk size is invalid"),
        (50_000_123, 10_000_000, 5, ""),
        (50_000_123, 10_000_000, 6, "The total chunk count is invalid"),
        (50_000_123, 4_000_000, 12, "The chunk size is invalid"),
        (12_000_000, 5_000_000, 2, ""),
        (10_000_000_000, 10_000_000, 1000, "The video is larger than 4 GB"),
        (0, 0, 1, "The video_size is invalid"),
        ("12", "12", "1", ""),
    ],
)
async def test_chunk_arithmetic(box, web, size, chunk, count, words):
    answer = await init(web, box, told=source(size, chunk, count))
    assert answer.json()["error"]["message"] == words
    assert (answer.status_code == 200) is (not words)


@pytest.mark.parametrize(
    ("info", "status", "code"),
    [
        ({"title": "x"}, 403, "privacy_level_option_mismatch"),
        ({**INFO, "privacy_level": "FOLLOWER_OF_CREATOR"}, 403, "privacy_level_option_mismatch"),
        ({**INFO, "title": "a" * 2201}, 400, "invalid_params"),
        ({**INFO, "title": "😀" * 1101}, 400, "invalid_params"),
        ({**INFO, "title": "😀" * 1100}, 200, "ok"),
        ({**INFO, "auto_add_music": True}, 400, "invalid_params"),
        ({**INFO, "is_aigc": "yes"}, 400, "invalid_params"),
        ({**INFO, "privacy_level": "SELF_ONLY", "brand_content_toggle": True}, 400, "invalid_params"),
        (None, 400, "invalid_params"),
    ],
)
async def test_post_info(box, web, info, status, code):
    assert said(await init(web, box, info)) == (status, code)


async def test_what_the_creator_switched_off_must_be_off(box, web):
    box.tiktok.people["brand"].stitch_disabled = True
    assert said(await init(web, box)) == (400, "invalid_params")
    assert said(await init(web, box, {**INFO, "disable_stitch": True})) == (200, "ok")


async def test_an_app_that_was_not_audited(box, web):
    box.tiktok.audited = False
    code = "unaudited_client_can_only_post_to_private_accounts"
    mine = {**INFO, "privacy_level": "SELF_ONLY"}
    assert said(await init(web, box)) == (403, code)
    assert said(await init(web, box, mine)) == (403, code)
    box.tiktok.people["brand"].private = True
    assert said(await init(web, box, mine)) == (200, "ok")


async def test_scopes_and_strangers(box, web):
    inbox_only = box.tiktok.token_for("brand", "video.upload").access_token
    body = {"post_info": INFO, "source_info": source()}
    refused = await ask(web, box, "/post/publish/video/init/", body, inbox_only)
    assert said(refused) == (401, "scope_not_authorized")
    assert said(await ask(web, box, "/post/publish/video/init/", body, "act.no")) == (
        401,
        "access_token_invalid",
    )
    publish_id = await uploaded(web, box)
    other = box.tiktok.token_for("other").access_token
    theirs = await ask(web, box, "/post/publish/status/fetch/", {"publish_id": publish_id}, other)
    assert said(theirs) == (403, "token_not_authorized_for_specified_publish_id")
    unknown = await ask(web, box, "/post/publish/status/fetch/", {"publish_id": "v_pub_file~v2-1.0"})
    assert said(unknown) == (400, "invalid_publish_id")


async def test_six_a_minute(box, web):
    for _ in range(6):
        assert (await init(web, box)).status_code == 200
    answer = await init(web, box)
    assert said(answer) == (429, "rate_limit_exceeded")
    assert "retry-after" not in answer.headers
    box.clock.advance(60)
    assert (await init(web, box)).status_code == 200


async def test_paths_end_with_a_slash(box, web):
    answer = await web.post(f"{PUBLISH}/video/init", json={}, headers=bearer(box.tiktok.token))
    assert answer.status_code == 404
    assert (await web.get(f"{PUBLISH}/video/init/")).status_code == 405


# --- bytes --------------------------------------------------------------------------------------------------
async def test_chunks_come_in_order(box, web):
    data = mp4(data=12_000_000)
    size = len(data)
    begun = (await init(web, box, told=source(size, 5_000_000, 2))).json()["data"]
    url, publish_id = begun["upload_url"], begun["publish_id"]
    head, tail = data[:5_000_000], data[5_000_000:]
    assert (await put(web, url, tail, 5_000_000, size)).status_code == 416
    first = await put(web, url, head, 0, size)
    assert (first.status_code, first.headers["content-range"]) == (206, f"bytes 0-5000000/{size}")
    assert (await state(web, box, publish_id))["uploaded_bytes"] == 5_000_000
    assert (await put(web, url, head, 0, size)).status_code == 416
    assert (await put(web, url, tail[:6_000_000], 5_000_000, size)).status_code == 400
    assert box.timeline("tiktok") == []
    assert (await put(web, url, tail, 5_000_000, size)).status_code == 201
    assert (await put(web, url, tail, 5_000_000, size)).status_code == 416
    assert len(box.timeline("tiktok")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 0-9/10"},
        {"content-range": f"bytes 0-{SIZE - 2}/{SIZE}"},
        {"content-range": "0-9"},
        {"content-type": "image/jpeg"},
    ],
)
async def test_headers_of_a_chunk(box, web, headers):
    url = (await init(web, box)).json()["data"]["upload_url"]
    assert (await put(web, url, **headers)).status_code == 400
    assert (await put(web, url)).status_code == 201


async def test_a_chunk_says_how_long_it_is(box, web):
    url = (await init(web, box)).json()["data"]["upload_url"]

    async def pieces():
        yield CLIP

    headers = {"content-type": "video/mp4", "content-range": f"bytes 0-{SIZE - 1}/{SIZE}"}
    assert (await web.put(url, content=pieces(), headers=headers)).status_code == 400
    assert (await put(web, url)).status_code == 201


async def test_an_upload_address_lives_for_an_hour(box, web):
    url = (await init(web, box)).json()["data"]["upload_url"]
    assert (await put(web, f"{url}x")).status_code == 404
    box.clock.advance(3600)
    assert (await put(web, url)).status_code == 403


# --- where it stands ----------------------------------------------------------------------------------------
async def test_from_the_last_byte_to_the_public(box, web):
    publish_id = await uploaded(web, box)
    assert (await state(web, box, publish_id))["status"] == "PROCESSING_UPLOAD"
    box.clock.advance(5)
    done = await state(web, box, publish_id)
    assert done == {"status": "PUBLISH_COMPLETE", "uploaded_bytes": SIZE, "downloaded_bytes": 0}
    box.clock.advance(60)
    shown = await state(web, box, publish_id)
    (entry,) = box.timeline("tiktok")
    assert shown["publicaly_available_post_id"] == [int(entry.id)]
    assert len(entry.id) == 19
    box.tiktok.counters_as_text = True
    assert (await state(web, box, publish_id))["uploaded_bytes"] == str(SIZE)


async def test_private_posts_get_no_id_and_are_on_no_list(box, web):
    publish_id = await uploaded(web, box, {**INFO, "privacy_level": "SELF_ONLY"})
    box.clock.advance(3600)
    done = await state(web, box, publish_id)
    assert done["status"] == "PUBLISH_COMPLETE"
    assert "publicaly_available_post_id" not in done
    listed = await ask(web, box, "/video/list/?fields=id")
    assert listed.json()["data"]["videos"] == []
    (entry,) = box.timeline("tiktok")
    found = await ask(web, box, "/video/query/?fields=id", {"filters": {"video_ids": [entry.id]}})
    assert found.json()["data"]["videos"] == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no video at all", "file_format_check_failed"),
        (png(), "file_format_check_failed"),
        (mp4(seconds=601), "duration_check_failed"),
        (mp4(size=(320, 240)), "picture_size_check_failed"),
        (CLIP.replace(b"avc1", b"av01"), "file_format_check_failed"),
        (mp4(frames=125), "frame_rate_check_failed"),
        (mp4(frames=800), "frame_rate_check_failed"),
    ],
)
async def test_files_that_fail(box, web, data, reason):
    publish_id = await uploaded(web, box, data=data)
    box.clock.advance(5)
    done = await state(web, box, publish_id)
    assert (done["status"], done["fail_reason"]) == ("FAILED", reason)
    assert box.timeline("tiktok") == []


async def test_a_running_post_is_cancelled(box, web):
    publish_id = await uploaded(web, box)
    cancel = "/post/publish/cancel/"
    assert said(await ask(web, box, cancel, {"publish_id": publish_id})) == (200, "ok")
    assert (await state(web, box, publish_id))["fail_reason"] == "publish_cancelled"
    assert box.timeline("tiktok") == []
    assert said(await ask(web, box, cancel, {"publish_id": publish_id})) == (400, "publish_not_cancellable")
    assert said(await ask(web, box, cancel, {"publish_id": "no"})) == (400, "invalid_publish_id")


async def test_the_inbox_takes_five(box, web):
    for number in range(6):
        answer = await ask(web, box, "/post/publish/inbox/video/init/", {"source_info": source()})
        if number < 5:
            await put(web, answer.json()["data"]["upload_url"])
            box.clock.advance(60)
    assert said(answer) == (403, "spam_risk_too_many_pending_share")
    waiting = next(iter(box.tiktok.publications))
    assert (await state(web, box, waiting))["status"] == "SEND_TO_USER_INBOX"
    entry = box.tiktok.finish_in_app(waiting, "Finished")
    done = await state(web, box, waiting)
    assert (done["status"], done["publicaly_available_post_id"]) == ("PUBLISH_COMPLETE", [int(entry.id)])
    again = await ask(web, box, "/post/publish/inbox/video/init/", {"source_info": source()})
    assert said(again) == (200, "ok")


# --- what TikTok fetches ------------------------------------------------------------------------------------
async def test_photos(box, web):
    answer = await ask(web, box, "/post/publish/content/init/", photos(PHOTO, PHOTO))
    publish_id = answer.json()["data"]["publish_id"]
    assert publish_id.startswith("p_pub_url~v2.")
    assert answer.json()["data"].keys() == {"publish_id"}
    assert (await state(web, box, publish_id))["status"] == "PROCESSING_DOWNLOAD"
    box.clock.advance(65)
    done = await state(web, box, publish_id)
    assert done["downloaded_bytes"] == 2 * len(sample_photo())
    (entry,) = box.timeline("tiktok")
    assert done["publicaly_available_post_id"] == [int(entry.id)]
    assert (entry.text, len(entry.media)) == ("Ahoy", 2)
    assert "/photo/" in entry.url


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (photos(), 400, "invalid_params"),
        (photos(*[PHOTO] * 36), 400, "invalid_params"),
        (photos(PHOTO, cover=1), 400, "invalid_params"),
        (photos(PHOTO, cover=None), 400, "invalid_params"),
        (photos("http://example.com/a.jpg"), 400, "invalid_params"),
        (photos("https://sub.example.com/a.jpg"), 200, "ok"),
        (photos("https://badexample.com/a.jpg"), 403, "url_ownership_unverified"),
        (photos(PHOTO, mode="STORY"), 400, "invalid_params"),
        (photos(PHOTO, info={"title": "t" * 91}), 400, "invalid_params"),
        (photos(PHOTO, info={"description": "d" * 4001}), 400, "invalid_params"),
        (photos(PHOTO, info={"description": "no privacy"}), 403, "privacy_level_option_mismatch"),
        (photos(PHOTO, info={"description": "prefilled"}, mode="MEDIA_UPLOAD"), 200, "ok"),
    ],
)
async def test_photo_bodies(box, web, body, status, code):
    assert said(await ask(web, box, "/post/publish/content/init/", body)) == (status, code)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.com/boat.png", "file_format_check_failed"),
        ("https://files.example.net/files/none.jpg", "photo_pull_failed"),
        ("https://files.example.net/large.jpg", "picture_size_check_failed"),
    ],
)
async def test_photos_that_fail(box, web, url, reason):
    box.files.put("https://files.example.net/large.jpg", _samples.jpeg(2000, 1500))
    answer = await ask(web, box, "/post/publish/content/init/", photos(url))
    box.clock.advance(5)
    done = await state(web, box, answer.json()["data"]["publish_id"])
    assert (done["status"], done["fail_reason"]) == ("FAILED", reason)
    assert box.timeline("tiktok") == []


async def test_a_video_is_pulled(box, web):
    told = {"source": "PULL_FROM_URL", "video_url": "https://example.com/boat.mp4"}
    data = (await init(web, box, told=told)).json()["data"]
    assert data.keys() == {"publish_id"}
    assert data["publish_id"].startswith("v_pub_url~v2.")
    assert len(box.timeline("tiktok")) == 1
    gone = await init(web, box, told=told | {"video_url": "https://files.example.net/no.mp4"})
    box.clock.advance(5)
    assert (await state(web, box, gone.json()["data"]["publish_id"]))["fail_reason"] == "video_pull_failed"


# --- lists --------------------------------------------------------------------------------------------------
async def test_lists_show_public_posts_newest_first_page_by_page(box, web):
    for number in range(3):
        await uploaded(web, box, {**INFO, "title": f"{number} " + "a" * 200})
        box.clock.advance(120)
    path = "/video/list/?fields=id,create_time,video_description,title,share_url,view_count"
    page = (await ask(web, box, path, {"max_count": 2})).json()["data"]
    assert [one["video_description"][0] for one in page["videos"]] == ["2", "1"]
    assert page["has_more"] is True
    assert {len(one["video_description"]) for one in page["videos"]} == {150}
    assert page["cursor"] == page["videos"][-1]["create_time"] * 1000
    rest = (await ask(web, box, path, {"max_count": 2, "cursor": page["cursor"]})).json()["data"]
    assert [one["video_description"][0] for one in rest["videos"]] == ["0"]
    assert rest["has_more"] is False
    assert isinstance(rest["videos"][0]["id"], str)
    assert rest["videos"][0]["share_url"].startswith("https://www.tiktok.com/@brand/video/")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/video/list/", {}),
        ("/video/list/", {"fields": "id"}),
        ("/video/list/?fields=id,shoe_size", {}),
        ("/video/list/?fields=id", {"max_count": 21}),
        ("/video/list/?fields=id", {"max_count": 0}),
        ("/video/query/?fields=id", {}),
        ("/video/query/?fields=id", {"filters": {"video_ids": ["1"] * 21}}),
        ("/video/query/?fields=id", {"filters": {"video_ids": ["v_pub_file~v2-1.1"]}}),
    ],
)
async def test_odd_questions(box, web, path, body):
    assert said(await ask(web, box, path, body)) == (400, "invalid_params")


async def test_a_profile_counts(box, web):
    await uploaded(web, box)
    box.clock.advance(3600)
    answer = await web.get(
        f"{API}/user/info/",
        params={"fields": "follower_count,likes_count,video_count"},
        headers=bearer(box.tiktok.token),
    )
    user = answer.json()["data"]["user"]
    assert user["video_count"] == 1
    assert user["follower_count"] >= 1000
    box.clock.advance(1)
    (entry,) = box.timeline("tiktok")
    found = await ask(
        web, box, "/video/query/?fields=id,like_count", {"filters": {"video_ids": [entry.id, "7"]}}
    )
    (video,) = found.json()["data"]["videos"]
    assert video["like_count"] >= user["likes_count"]


def test_the_page_tells_who_sees_it(box):
    with box.client() as client:
        from socialkit import Post, Video

        client.publish(Post("Ahoy", media=[Video(CLIP)], visibility="private"), to="tiktok")
    (entry,) = box.timeline("tiktok")
    assert box.tiktok.shown_notes(entry) == ["SELF_ONLY"]
    assert set(box.tiktok.shown_counts(entry)) == {"likes", "comments", "shares", "views"}


def test_over_the_wire_the_upload_address_is_on_the_same_server(box):
    with box.serve() as base, httpx.Client() as web:
        body = {"post_info": INFO, "source_info": source()}
        own = f"{base}/tiktok"
        answer = web.post(f"{own}/v2/post/publish/video/init/", json=body, headers=bearer(box.tiktok.token))
        url = answer.json()["data"]["upload_url"]
        assert url.startswith(f"{own}/video/?")
        headers = {"content-type": "video/mp4", "content-range": f"bytes 0-{SIZE - 1}/{SIZE}"}
        assert web.put(url, content=CLIP, headers=headers).status_code == 201
