"""Uploads to the X sandbox: one request, segments, processing, alt text, subtitles."""

from __future__ import annotations

import base64
import math

import pytest
from x_talk import API, POSTS, append, post, problem_of, read, send_video, start, upload

from media_files import gif, mp4, png
from socialkit.sandbox import Sandbox


@pytest.fixture
def box():
    with Sandbox(["x"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    """A client with the brand's token."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.token('brand')}"})


@pytest.fixture
def reader(box, http):
    """A client of another person."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.token('reader')}"})


async def test_a_picture_in_one_request_with_alt_text(box, brand):
    answer = (await upload(brand, png(4, 3))).json()["data"]
    assert answer["expires_after_secs"] == 86_400
    assert answer["image"] == {"image_type": "image/png", "w": 4, "h": 3}
    assert answer["media_key"] == f"3_{answer['id']}"
    assert "processing_info" not in answer
    words = {"id": answer["id"], "metadata": {"alt_text": {"text": "A boat at sea"}}}
    described = (await brand.post("/2/media/metadata", json=words)).json()
    assert described["data"]["associated_metadata"] == words["metadata"]
    made = await post(brand, "Look", media={"media_ids": [answer["id"]]})
    query = {
        "expansions": "attachments.media_keys",
        "media.fields": "alt_text,url,width,height",
        "tweet.fields": "entities",
    }
    seen = await read(brand, made["id"], **query)
    shown = seen["includes"]["media"][0]
    assert (shown["type"], shown["alt_text"], shown["width"]) == ("photo", "A boat at sea", 4)
    assert seen["data"]["attachments"] == {"media_keys": [answer["media_key"]]}
    assert seen["data"]["text"].endswith(seen["data"]["entities"]["urls"][0]["url"])
    assert (await brand.get(shown["url"])).content == png(4, 3)
    assert box.timeline("x")[0].media[0]["alt"] == "A boat at sea"


async def test_a_picture_as_base64(brand):
    fields = {"media": base64.b64encode(png()).decode(), "media_category": "tweet_image"}
    answer = await brand.post("/2/media/upload", json=fields)
    assert answer.json()["data"]["size"] == len(png())
    fields["media"] = "not base64!"
    assert (await brand.post("/2/media/upload", json=fields)).status_code == 400


async def test_bare_answers_of_2025(box, brand):
    box.x.bare_uploads = True
    assert (await upload(brand, png())).json()["media_key"].startswith("3_")


@pytest.mark.parametrize("command", ["INIT", "APPEND", "FINALIZE"])
async def test_the_old_commands_miss_their_media(brand, command):
    form = {"command": command, "media_category": "tweet_video", "total_bytes": "9"}
    assert problem_of(await brand.post("/2/media/upload", data=form)) == (400, ["media parameter is missing"])


@pytest.mark.parametrize(
    ("data", "category", "message"),
    [
        (png(), "", "does not have a value in the enumeration"),
        (png(), "tweet_gif", "media type unrecognized."),
        (b"no picture", "tweet_image", "media type unrecognized."),
        (b"", "tweet_image", "The media is empty."),
        (png() + bytes(5 * 2**20), "tweet_image", "File size exceeds 5242880 bytes."),
        (gif(1281, 10, 2), "tweet_gif", "1280x1080"),
    ],
)
async def test_what_is_no_such_picture_is_refused(brand, data, category, message):
    status, messages = problem_of(await upload(brand, data, category))
    assert status == 400
    assert message in messages[0]


async def test_a_video_in_segments_is_processed_on_the_clock(box, brand):
    data = mp4(data=3_000_000, seconds=12.5)
    answer = (await send_video(brand, data, 3)).json()["data"]
    assert answer["processing_info"] == {"state": "pending", "check_after_secs": 3}
    assert (answer["size"], answer["media_key"]) == (len(data), f"7_{answer['id']}")
    refused = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [answer["id"]]}})
    assert problem_of(refused) == (400, ["Your media IDs are invalid."])
    query, states = {"command": "STATUS", "media_id": answer["id"]}, []
    for _ in range(3):
        box.clock.advance(1)
        status = (await brand.get("/2/media/upload", params=query)).json()["data"]
        states.append(status["processing_info"]["state"])
    assert states == ["in_progress", "in_progress", "succeeded"]
    made = await post(brand, "Look", media={"media_ids": [answer["id"]]})
    fields = "duration_ms,public_metrics,non_public_metrics,width"
    query = {"expansions": "attachments.media_keys", "media.fields": fields}
    box.clock.advance(6000)
    shown = (await read(brand, made["id"], **query))["includes"]["media"][0]
    assert (shown["type"], shown["duration_ms"], shown["width"]) == ("video", 12_500, 1920)
    assert shown["public_metrics"]["view_count"] == shown["non_public_metrics"]["playback_0_count"] > 0


async def test_segments_must_add_up_and_may_be_sent_again(brand):
    data = mp4(data=5000)
    media_id = await start(brand, len(data))
    for index, piece in ((0, data[:100]), (2, data[2000:]), (1, b"?" * 5), (1, data[100:2000])):
        assert (await append(brand, media_id, index, piece)).status_code == 200
    answer = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert answer.json()["data"]["size"] == len(data)
    again = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert again.json()["data"]["id"] == media_id
    short = await start(brand, len(data))
    await append(brand, short, 0, data[:100])
    words = (400, ["Segments do not add up to provided total file size."])
    assert problem_of(await brand.post(f"/2/media/upload/{short}/finalize")) == words
    assert (await append(brand, short, 1, data[100:])).status_code == 400


@pytest.mark.parametrize("index", ["-1", "1000", "x"])
async def test_segment_numbers_end_at_999(brand, index):
    media_id = await start(brand, 10)
    assert (await append(brand, media_id, index, b"x")).status_code == 400
    assert (await append(brand, media_id, 999, b"x")).status_code == 200


async def test_a_segment_above_the_cap_is_413(box, brand):
    box.x.segment_bytes = 1000
    media_id = await start(brand, 2000)
    assert (await append(brand, media_id, 0, bytes(1001))).status_code == 413


async def test_a_segment_may_be_base64(brand):
    media_id = await start(brand, 3)
    fields = {"media": base64.b64encode(b"abc").decode(), "segment_index": 0}
    answer = await brand.post(f"/2/media/upload/{media_id}/append", json=fields)
    assert answer.json() == {"data": {"expires_at": 1793610000 + 86_400}}


@pytest.mark.parametrize(
    "change",
    [{"total_bytes": -1}, {"media_category": "x"}, {"media_type": "video/avi"}, {"size": 1}],
)
async def test_a_bad_initialize_is_refused(brand, change):
    fields = {"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": 10, **change}
    assert (await brand.post("/2/media/upload/initialize", json=fields)).status_code == 400


async def test_an_upload_dies_after_a_day(box, brand):
    box.x.access_seconds = math.inf
    medium = (await upload(brand, png())).json()["data"]["id"]
    box.clock.advance(86_400)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [medium]}})
    assert problem_of(answer) == (400, ["Your media IDs are invalid."])
    assert (await brand.get("/2/media/upload", params={"media_id": medium})).status_code == 400


async def test_media_of_others_are_no_media(brand, reader):
    medium = (await upload(reader, png())).json()["data"]["id"]
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [medium]}})
    assert answer.status_code == 400


async def test_garbage_fails_in_processing(box, brand):
    answer = (await send_video(brand, b"no video " * 100)).json()["data"]
    box.clock.advance(10)
    status = await brand.get("/2/media/upload", params={"media_id": answer["id"]})
    info = status.json()["data"]["processing_info"]
    assert (info["state"], info["error"]["name"], info["error"]["code"]) == ("failed", "InvalidMedia", 1)


async def test_media_do_not_mix(box, brand):
    video = (await send_video(brand, mp4())).json()["data"]["id"]
    picture = (await upload(brand, png())).json()["data"]["id"]
    box.clock.advance(5)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [picture, video]}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 323)


async def test_a_video_of_an_hour_is_refused_at_posting(box, brand):
    video = (await send_video(brand, mp4(seconds=3600))).json()["data"]["id"]
    box.clock.advance(5)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [video]}})
    assert "longer than" in answer.json()["detail"]
    box.x.people["brand"].subscription = "Premium"
    await post(brand, "x", media={"media_ids": [video]})


async def test_alt_text_has_1000_characters(brand):
    medium = (await upload(brand, png())).json()["data"]["id"]
    for length, status in ((1000, 200), (1001, 400)):
        words = {"id": medium, "metadata": {"alt_text": {"text": "x" * length}}}
        assert (await brand.post("/2/media/metadata", json=words)).status_code == status


async def test_subtitles_go_under_a_video(brand):
    words = (await upload(brand, b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n", "subtitles")).json()["data"]
    video = (await send_video(brand, mp4())).json()["data"]
    one = {"id": words["id"], "language_code": "EN", "display_name": "English"}
    fields = {"id": video["id"], "media_category": "TweetVideo", "subtitles": one}
    answer = (await brand.post("/2/media/subtitles", json=fields)).json()["data"]
    assert answer["associated_subtitles"] == {"subtitles": [one]}
    gone = {"id": video["id"], "media_category": "TweetVideo", "language_code": "EN"}
    for expected in (True, False):
        answer = await brand.request("DELETE", "/2/media/subtitles", json=gone)
        assert answer.json() == {"data": {"deleted": expected}}
    assert (await brand.post("/2/media/subtitles", json={**fields, "id": words["id"]})).status_code == 400


async def test_a_large_video_is_never_held(box, brand):
    size, piece = 64 * 2**20, bytes(8 * 2**20)
    media_id = await start(brand, size)
    for index in range(8):
        data = mp4(data=0)[: len(piece)].ljust(len(piece), b"\0") if index == 0 else piece
        await append(brand, media_id, index, data)
    medium = box.x.uploads[media_id]
    assert sum(medium.segments.values()) == size
    kept = (medium.head, *medium.tails.values(), *medium.pieces.values())
    assert sum(map(len, kept)) <= 3 * 65_536
    answer = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert answer.json()["data"]["processing_info"]["state"] == "pending"


@pytest.mark.parametrize(
    "data",
    [
        mp4(seconds=0.4),
        mp4(size=(31, 40)),
        mp4(size=(301, 100)),
        mp4(size=(100, 301)),
        mp4().replace(b"avc1", b"hvc1"),
        mp4().replace(b"mp4a", b"Opus"),
    ],
    ids=["short", "small", "wide", "high", "hevc", "opus"],
)
async def test_a_film_x_does_not_take_fails_in_processing(box, brand, data):
    answer = (await send_video(brand, data)).json()["data"]
    box.clock.advance(10)
    status = await brand.get("/2/media/upload", params={"media_id": answer["id"]})
    info = status.json()["data"]["processing_info"]
    assert (info["state"], info["error"]["name"]) == ("failed", "InvalidMedia")


@pytest.mark.parametrize("size", [(32, 32), (300, 100), (100, 300)])
async def test_a_film_at_the_edge_is_taken(box, brand, size):
    answer = (await send_video(brand, mp4(size=size, seconds=0.5))).json()["data"]
    box.clock.advance(10)
    status = await brand.get("/2/media/upload", params={"media_id": answer["id"]})
    assert status.json()["data"]["processing_info"]["state"] == "succeeded"


@pytest.mark.parametrize(
    ("moving", "status"), [((4, 4, 350), 200), ((4, 4, 351), 400), ((1280, 1080, 218), 400)]
)
async def test_a_gif_has_a_number_of_frames(brand, moving, status):
    data = gif(*moving)
    media_id = await start(brand, len(data), "tweet_gif", "image/gif")
    await append(brand, media_id, 0, data)
    assert (await brand.post(f"/2/media/upload/{media_id}/finalize")).status_code == status


async def test_alt_text_of_videos_may_be_refused(box, brand):
    box.x.video_alt_text = False
    film, picture = (
        (await send_video(brand, mp4())).json()["data"],
        (await upload(brand, png())).json()["data"],
    )
    for medium, status in ((film, 400), (picture, 200)):
        words = {"id": medium["id"], "metadata": {"alt_text": {"text": "The sea"}}}
        assert (await brand.post("/2/media/metadata", json=words)).status_code == status


async def test_a_button_on_the_media(brand):
    medium = (await upload(brand, png())).json()["data"]["id"]
    button = {"visit_site": {"url": "https://example.com"}}
    await post(brand, "x", media={"media_ids": [medium], "call_to_actions": button})
    wrong = {"media_ids": [medium], "call_to_actions": {"visit_site": {}}}
    status, messages = problem_of(await brand.post(POSTS, json={"text": "y", "media": wrong}))
    assert (status, "$.media.call_to_actions.visit_site.url: is missing" in messages[0]) == (400, True)


async def test_a_preview_is_an_upload_too(box, brand):
    film = (await send_video(brand, mp4())).json()["data"]["id"]
    still = (await upload(brand, png())).json()["data"]["id"]
    box.clock.advance(5)
    wrong = {"media_ids": [film], "preview_media_id": "17"}
    assert problem_of(await brand.post(POSTS, json={"text": "x", "media": wrong})) == (
        400,
        ["Your media IDs are invalid."],
    )
    await post(brand, "x", media={"media_ids": [film], "preview_media_id": still})
