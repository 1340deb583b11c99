"""Facebook's publishing as a stranger meets it over HTTP: posts, photos, videos, reels, stories, numbers, refusals."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sign_in_talk import bearer

from media_files import gif, mp4, png
from socialkit.sandbox import Sandbox

API = "https://graph.facebook.com/v26.0"
PAGE = "245628824887810"
DAY = 86_400
CLIP = mp4(seconds=5.0, size=(1080, 1920), data=2_500_000)


@pytest.fixture
def box():
    with Sandbox(["facebook"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    client = http(box, headers=bearer(box.facebook.page_token_of("brand")))
    client.base_url = f"{API}/"
    return client


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    assert error.keys() >= {"message", "type", "code", "is_transient", "fbtrace_id"}
    return error["code"], error.get("error_subcode")


async def post(web, message: str = "Ahoy", **more: Any) -> str:
    answer = await web.post(f"{PAGE}/feed", data={"message": message, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def photo(web, data: bytes | None = None, **fields: str) -> httpx.Response:
    files = {"source": ("a.png", png() if data is None else data)}
    return await web.post(f"{PAGE}/photos", data=fields, files=files)


async def staged(web) -> str:
    return (await photo(web, published="false")).json()["id"]


# posts --------------------------------------------------------------------------------------------


async def test_a_post_answers_what_is_asked(box, web):
    query = {"fields": "id,permalink_url,created_time,is_published"}
    told = (await web.post("me/feed", params=query, data={"message": "Ahoy"})).json()
    assert told["id"].startswith(f"{PAGE}_")
    assert told["permalink_url"] == f"https://www.facebook.com/{PAGE}/posts/{told['id'].partition('_')[2]}"
    assert (told["created_time"], told["is_published"]) == ("2026-11-02T09:00:00+0000", True)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, (100, None)),
        ({"message": "x" * 63_207}, (100, None)),
        ({"link": "ftp://example.com"}, (1500, None)),
        ({"link": "https://m.facebook.com/x"}, (100, 1609008)),
        ({"message": "x", "tags": "[7]"}, (100, None)),
        ({"message": "x", "attached_media": "31"}, (100, None)),
        ({"message": "x", "attached_media": '[{"media_fbid":"31"}]'}, (100, None)),
        ({"message": "x", "scheduled_publish_time": "1793700000"}, (100, None)),
        ({"message": "x", "published": "false", "scheduled_publish_time": "soon"}, (100, None)),
    ],
)
async def test_posts_that_are_refused(web, form, code):
    assert problem(await web.post(f"{PAGE}/feed", data=form)) == code


@pytest.mark.parametrize(
    ("ahead", "fine"), [(599, False), (601, True), (30 * DAY - 1, True), (30 * DAY + 9, False)]
)
async def test_how_far_ahead_a_post_may_be_scheduled(box, web, ahead, fine):
    due = int(box.clock.now().timestamp()) + ahead
    form = {"message": "x", "published": "false", "scheduled_publish_time": str(due)}
    assert ((await web.post(f"{PAGE}/feed", data=form)).status_code == 200) is fine


@pytest.mark.parametrize(
    ("cards", "link", "fine"),
    [
        ('[{"link":"https://example.com/a"}]', "https://example.com", True),
        ('[{"link":"https://example.com/a"}]', "", False),
        ('[{"name":"A"}]', "https://example.com", False),
        ("{", "https://example.com", False),
        ("[]", "https://example.com", False),
    ],
)
async def test_a_carousel_of_links(box, web, cards, link, fine):
    form = {"message": "Ahoy", "child_attachments": cards, **({"link": link} if link else {})}
    answer = await web.post(f"{PAGE}/feed", data=form)
    if fine:
        assert box.timeline("facebook")[0].given["child_attachments"] == cards
    else:
        assert problem(answer) == (100, None)


async def test_the_same_text_twice_in_a_row(web):
    await post(web)
    assert problem(await web.post(f"{PAGE}/feed", data={"message": "Ahoy"})) == (506, None)
    await post(web, "Else")
    await post(web)


async def test_only_the_pages_own_token_publishes(box, web, http):
    user = box.facebook.token_for("brand", "pages_manage_posts", "pages_show_list").access_token
    other = http(box, headers=bearer(user))
    assert problem(await other.post(f"{API}/{PAGE}/feed", data={"message": "x"})) == (200, None)
    assert problem(await other.post(f"{API}/{PAGE}/videos", data={"upload_phase": "start"})) == (100, None)
    assert problem(await web.post("245628824887999/feed", data={"message": "x"})) == (100, 33)
    bare = http(box, headers=bearer(box.facebook.page_token_of("brand", "pages_read_engagement")))
    answer = await bare.post(f"{API}/{PAGE}/feed", data={"message": "x"})
    assert (answer.status_code, problem(answer)) == (403, (200, None))


async def test_a_post_has_no_such_field(web):
    native = await post(web)
    assert problem(await web.get(native, params={"fields": "id,post_id"})) == (100, None)
    assert problem(await web.get(native, params={"fields": "id,comments.limit(0"})) == (2500, None)
    told = (await web.get(native)).json()
    assert told.keys() == {"id", "created_time"}


@pytest.mark.parametrize("name", ["ids", "pretty", "debug", "date_format"])
async def test_what_was_taken_out_in_october_2026(web, name):
    native = await post(web)
    assert problem(await web.get(native, params={name: "1"})) == (100, None)


async def test_gone_is_a_bad_request(web):
    native = await post(web)
    assert (await web.delete(native)).json() == {"success": True}
    for answer in (
        await web.delete(native),
        await web.get(native),
        await web.post(native, data={"message": "x"}),
    ):
        assert (answer.status_code, problem(answer)) == (400, (100, 33))


async def test_lists_have_cursors(box, web):
    made = []
    for number in range(5):
        made.append(await post(web, f"number {number}"))
        box.clock.advance(60)
    first = (await web.get(f"{PAGE}/published_posts", params={"limit": "2"})).json()
    assert [one["id"] for one in first["data"]] == made[:2:-1]
    second = (await web.get(first["paging"]["next"])).json()
    assert [one["id"] for one in second["data"]] == made[2:0:-1]
    since = int(box.clock.now().timestamp()) - 100
    late = (await web.get(f"{PAGE}/published_posts", params={"since": str(since)})).json()
    assert [one["id"] for one in late["data"]] == [made[4]]
    assert problem(await web.get(f"{PAGE}/published_posts", params={"after": "x"})) == (100, None)


async def test_what_is_scheduled_is_listed_and_moved(box, web):
    due = int(box.clock.now().timestamp()) + 3600
    native = await post(web, published="false", scheduled_publish_time=str(due))
    listed = await web.get(f"{PAGE}/scheduled_posts", params={"fields": "id,scheduled_publish_time"})
    assert listed.json()["data"] == [{"id": native, "scheduled_publish_time": due}]
    assert (await web.get(native, params={"fields": "is_published"})).json()["is_published"] is False
    await web.post(native, data={"scheduled_publish_time": str(due + 3600)})
    box.clock.advance(3700)
    assert box.timeline("facebook") == []
    box.clock.advance(3700)
    assert [entry.id for entry in box.timeline("facebook")] == [native]
    assert (await web.get(native, params={"fields": "is_published"})).json()["is_published"] is True


# photos -------------------------------------------------------------------------------------------


async def test_a_photo_and_its_post(box, web):
    told = (await photo(web, caption="Ahoy", alt_text_custom="A boat")).json()
    assert told.keys() == {"id", "post_id"}
    (entry,) = box.timeline("facebook")
    assert (entry.id, entry.text, entry.media[0]["alt"]) == (told["post_id"], "Ahoy", "A boat")
    seen = (await web.get(told["id"], params={"fields": "page_story_id,alt_text_custom"})).json()
    assert (seen["page_story_id"], seen["alt_text_custom"]) == (told["post_id"], "A boat")


@pytest.mark.parametrize("data", [b"no picture", png() + bytes(10_000_001), CLIP[:2000]])
async def test_what_is_no_photo(web, data):
    assert problem(await photo(web, data)) == (100, 1366046)


async def test_photos_are_taken_in_every_format(box, web):
    for data in (png(), gif(frames=2), b"BM" + bytes(60), b"II*\0" + bytes(60)):
        assert (await photo(web, data, published="false")).status_code == 200
    box.files.put("https://example.com/b.png", png())
    told = await web.post(f"{PAGE}/photos", data={"url": "https://example.com/b.png", "published": "false"})
    assert told.json().keys() == {"id"}
    assert problem(await web.post(f"{PAGE}/photos", data={"url": "https://example.net/none"})) == (324, None)


async def test_a_staged_photo_is_used_once_and_waits_a_day(box, web):
    first, second = await staged(web), await staged(web)
    assert box.timeline("facebook") == []
    media = json.dumps([{"media_fbid": first}])
    native = await post(web, attached_media=media)
    again = await web.post(f"{PAGE}/feed", data={"message": "x", "attached_media": media})
    assert problem(again) == (100, 1366051)
    shown = (await web.get(native, params={"fields": "attachments{media_type,target}"})).json()
    assert shown["attachments"]["data"] == [{"media_type": "photo", "target": {"id": first}}]
    box.clock.advance(DAY)
    await staged(web)
    late = await web.post(f"{PAGE}/feed", data={"attached_media[0]": f'{{"media_fbid": "{second}"}}'})
    assert problem(late) == (100, None)


async def test_a_photo_story(box, web):
    medium = await staged(web)
    told = (await web.post(f"{PAGE}/photo_stories", data={"photo_id": medium})).json()
    assert told == {"success": True, "post_id": told["post_id"]}
    (story,) = (await web.get(f"{PAGE}/stories")).json()["data"]
    assert (story["post_id"], story["media_id"], story["status"]) == (told["post_id"], medium, "PUBLISHED")
    assert "/stories/" in story["url"]
    assert problem(await web.post(f"{PAGE}/photo_stories", data={"photo_id": medium})) == (100, 1366051)
    box.clock.advance(DAY)
    archived = await web.get(f"{PAGE}/stories", params={"status": "ARCHIVED"})
    assert len(archived.json()["data"]) == 1
    assert (await web.get(f"{PAGE}/published_posts")).json()["data"] == []


# videos -------------------------------------------------------------------------------------------


async def begin(web, size: int) -> dict[str, Any]:
    form = {"upload_phase": "start", "file_size": str(size)}
    return (await web.post(f"{PAGE}/videos", data=form)).json()


async def piece(web, session: str, start: Any, data: bytes) -> httpx.Response:
    form = {"upload_phase": "transfer", "upload_session_id": session, "start_offset": str(start)}
    return await web.post(f"{PAGE}/videos", data=form, files={"video_file_chunk": ("a.mp4", data)})


async def upload(web, data: bytes) -> dict[str, Any]:
    told = await begin(web, len(data))
    wanted = told
    while wanted["start_offset"] != wanted["end_offset"]:
        start, end = int(wanted["start_offset"]), int(wanted["end_offset"])
        wanted = (await piece(web, told["upload_session_id"], start, data[start:end])).json()
    return told


async def finish(web, session: str, **form: str) -> httpx.Response:
    given = {"upload_phase": "finish", "upload_session_id": session, **form}
    return await web.post(f"{PAGE}/videos", data=given)


async def test_a_video_in_pieces(box, web):
    told = await upload(web, CLIP)
    assert told["end_offset"] == str(1 << 20)
    answer = await finish(web, told["upload_session_id"], description="Ahoy", title="Trials")
    assert answer.json() == {"success": True}
    (entry,) = box.timeline("facebook")
    assert (entry.id, entry.text, entry.title) == (told["video_id"], "Ahoy", "Trials")
    seen = (await web.get(told["video_id"], params={"fields": "status,post_id,published"})).json()
    assert (seen["status"]["video_status"], seen["published"]) == ("processing", False)
    assert "post_id" not in seen
    assert (await web.get(f"{PAGE}/published_posts")).json()["data"] == []
    box.clock.advance(5)
    seen = (await web.get(told["video_id"], params={"fields": "status,post_id,permalink_url"})).json()
    assert seen["status"]["publishing_phase"]["publish_status"] == "published"
    assert seen["permalink_url"].startswith("/brand/videos/")
    (listed,) = (await web.get(f"{PAGE}/published_posts")).json()["data"]
    assert listed["id"] == seen["post_id"]


async def test_pieces_in_the_wrong_place_are_told_the_right_one(web):
    told = await begin(web, len(CLIP))
    session = told["upload_session_id"]
    first = await piece(web, session, 0, CLIP[: 1 << 20])
    again = await piece(web, session, 0, CLIP[: 1 << 20])
    assert problem(again) == (6001, 1363037)
    assert again.json()["error"]["error_data"] == first.json()
    assert problem(await piece(web, "7", 0, b"x")) == (6000, 1363019)
    assert problem(await finish(web, session)) == (6000, 1363020)
    cancelled = await web.post(
        f"{PAGE}/videos", data={"upload_phase": "cancel", "upload_session_id": session}
    )
    assert cancelled.json() == {"success": True}
    assert problem(await piece(web, session, 1 << 20, b"x")) == (6000, 1363019)


async def test_what_is_no_video(web):
    told = await upload(web, b"no video" * 100)
    assert problem(await finish(web, told["upload_session_id"])) == (352, None)


async def test_a_video_is_finished_once(web):
    told = await upload(web, CLIP)
    assert (await finish(web, told["upload_session_id"])).status_code == 200
    assert problem(await finish(web, told["upload_session_id"])) == (6000, 1363019)


async def test_a_whole_video_by_bytes_or_address(box, web):
    told = await web.post(f"{PAGE}/videos", data={"description": "Ahoy"}, files={"source": ("a.mp4", CLIP)})
    assert told.json().keys() == {"id"}
    box.files.put("https://example.com/a.mp4", CLIP)
    by_url = await web.post(f"{PAGE}/videos", data={"file_url": "https://example.com/a.mp4"})
    assert by_url.status_code == 200
    assert problem(await web.post(f"{PAGE}/videos", data={"file_url": "https://example.net/no"})) == (
        389,
        None,
    )


async def reel(web, edge: str = "video_reels") -> dict[str, Any]:
    return (await web.post(f"{PAGE}/{edge}", data={"upload_phase": "start"})).json()


async def stream(
    box, web, url: str, data: bytes, offset: int, size: int, scheme: str = "OAuth"
) -> httpx.Response:
    headers = {
        "authorization": f"{scheme} {box.facebook.page_token_of('brand')}",
        "offset": str(offset),
        "file_size": str(size),
        "content-type": "application/octet-stream",
    }
    return await web.post(url, content=data, headers=headers)


async def test_a_reel_in_two_goes(box, web):
    told = await reel(web)
    assert told["upload_url"] == f"https://rupload.facebook.com/video-upload/v26.0/{told['video_id']}"
    half = len(CLIP) // 2
    broken = await stream(box, web, told["upload_url"], CLIP[:half], 0, len(CLIP))
    assert broken.json()["debug_info"]["type"] == "PartialRequestError"
    wrong = await stream(box, web, told["upload_url"], CLIP, 0, len(CLIP))
    assert wrong.json()["debug_info"]["type"] == "OffsetInvalidError"
    seen = (await web.get(told["video_id"], params={"fields": "status"})).json()["status"]
    assert seen["uploading_phase"] == {
        "status": "in_progress",
        "bytes_transfered": half,
        "source_file_size": len(CLIP),
    }
    early = {"upload_phase": "finish", "video_id": told["video_id"], "video_state": "PUBLISHED"}
    assert problem(await web.post(f"{PAGE}/video_reels", data=early)) == (6000, 1363020)
    rest = await stream(box, web, told["upload_url"], CLIP[half:], half, len(CLIP))
    assert rest.json() == {"success": True}
    done = (await web.post(f"{PAGE}/video_reels", data={**early, "description": "Ahoy"})).json()
    assert done["success"] is True
    box.clock.advance(5)
    (listed,) = (await web.get(f"{PAGE}/video_reels", params={"fields": "id,description,post_id"})).json()[
        "data"
    ]
    assert listed == {"id": told["video_id"], "description": "Ahoy", "post_id": done["post_id"]}
    assert (await web.get(f"{PAGE}/published_posts")).json()["data"] == []


async def test_the_stream_asks_for_another_scheme(box, web):
    told = await reel(web)
    answer = await stream(box, web, told["upload_url"], CLIP, 0, len(CLIP), "Bearer")
    assert (answer.status_code, answer.json()["debug_info"]["type"]) == (401, "NotAuthorizedError")
    headers = {"authorization": f"OAuth {box.facebook.page_token_of('brand')}"}
    nowhere = {**headers, "file_url": "https://example.net/a.mp4"}
    assert (await web.post(told["upload_url"], headers=nowhere)).status_code == 400
    hosted = {**headers, "file_url": "https://example.com/a.mp4"}
    box.files.put("https://example.com/a.mp4", CLIP)
    assert (await web.post(told["upload_url"], headers=hosted)).json() == {"success": True}
    assert (await web.post(told["upload_url"], headers=headers)).status_code == 400


@pytest.mark.parametrize(
    "form",
    [{"upload_phase": "finish"}, {"upload_phase": "pause"}, {"upload_phase": "finish", "video_id": "7"}],
)
async def test_reels_that_are_refused(web, form):
    assert problem(await web.post(f"{PAGE}/video_reels", data=form)) == (100, None)


async def test_thirty_reels_a_day(box, web):
    small = mp4(seconds=5.0, size=(1080, 1920), data=1000)

    async def one() -> httpx.Response:
        told = await reel(web)
        await stream(box, web, told["upload_url"], small, 0, len(small))
        form = {"upload_phase": "finish", "video_id": told["video_id"], "video_state": "PUBLISHED"}
        return await web.post(f"{PAGE}/video_reels", data=form)

    for _ in range(30):
        assert (await one()).status_code == 200
    assert problem(await one()) == (613, None)
    box.clock.advance(DAY)
    assert (await one()).status_code == 200


async def test_captions_thumbnails_and_invitations(box, web):
    told = await upload(web, CLIP)
    await finish(web, told["upload_session_id"])
    video = told["video_id"]
    srt = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"
    good = {"captions_file": ("a.en_US.srt", srt)}
    answer = await web.post(f"{video}/captions", data={"default_locale": "en_US"}, files=good)
    assert answer.json() == {"success": True}
    bad = {"captions_file": ("a.srt", srt)}
    assert problem(await web.post(f"{video}/captions", data={"default_locale": "en_US"}, files=bad)) == (
        387,
        None,
    )
    picture = {"source": ("a.png", png())}
    answer = await web.post(f"{video}/thumbnails", data={"is_preferred": "true"}, files=picture)
    assert answer.json() == {"success": True}
    assert problem(await web.post(f"{video}/thumbnails", files={"source": ("a", b"x")})) == (324, None)
    for number in range(10):
        assert (await web.post(f"{video}/collaborators", data={"target_id": str(number)})).status_code == 200
    assert problem(await web.post(f"{video}/collaborators", data={"target_id": "11"})) == (613, None)


# comments and numbers -----------------------------------------------------------------------------


async def test_comments_and_their_answers(box, web):
    native = await post(web)
    first = (await web.post(f"{native}/comments", data={"message": "Aye"})).json()["id"]
    assert first.startswith(native.partition("_")[2])
    box.clock.advance(5)
    second = (await web.post(f"{first}/comments", data={"message": "Aye aye"})).json()["id"]
    top = (await web.get(f"{native}/comments", params={"fields": "id,from"})).json()["data"]
    assert top == [{"id": first, "from": {"id": PAGE, "name": "Brand"}}]
    every = await web.get(
        f"{native}/comments",
        params={"filter": "stream", "order": "reverse_chronological", "fields": "id,parent"},
    )
    assert every.json()["data"] == [{"id": second, "parent": {"id": first}}, {"id": first}]
    assert problem(await web.post(f"{native}/comments", data={})) == (100, None)
    assert problem(await web.post("7/comments", data={"message": "x"})) == (100, 33)


async def test_a_video_in_the_works_takes_no_comments(box, web):
    told = await upload(web, CLIP)
    await finish(web, told["upload_session_id"])
    url = f"{told['video_id']}/comments"
    assert problem(await web.post(url, data={"message": "x"})) == (100, 33)
    box.clock.advance(5)
    assert (await web.post(url, data={"message": "x"})).status_code == 200


async def test_numbers_grow_and_one_bad_metric_kills_the_call(box, web):
    native = await post(web)
    box.clock.advance(3 * DAY)
    asked = {"fields": "shares,comments.limit(0).summary(true),insights.metric(post_media_view){name,values}"}
    told = (await web.get(native, params=asked)).json()
    assert told["shares"]["count"] > 0
    assert told["comments"]["data"] == []
    assert told["comments"]["summary"]["total_count"] > 0
    assert told["insights"]["data"][0]["values"][0]["value"] > 0
    bad = {"metric": "post_media_view,post_impressions"}
    assert problem(await web.get(f"{native}/insights", params=bad)) == (100, None)
    assert problem(await web.get(f"{native}/insights")) == (3001, 1504028)
    fresh = await post(web, "Fresh")
    assert "shares" not in (await web.get(fresh, params={"fields": "shares"})).json()


async def test_the_pages_numbers_by_day(box, web):
    now = int(box.clock.now().timestamp())
    window = {"since": str(now - 7 * DAY), "until": str(now)}
    told = await web.get(f"{PAGE}/insights", params={"metric": "page_media_view", "period": "day", **window})
    values = told.json()["data"][0]["values"]
    assert len(values) == 7
    assert values[0]["end_time"].endswith("T07:00:00+0000")
    far = {"since": str(now - 200 * DAY), "until": str(now)}
    assert problem(await web.get(f"{PAGE}/insights", params={"metric": "page_media_view", **far})) == (
        100,
        None,
    )
    assert problem(await web.get(f"{PAGE}/insights", params={"metric": "page_fans"})) == (100, None)


async def test_a_batch_answers_each_by_itself(web):
    native = await post(web)
    asks = [
        {"method": "GET", "relative_url": f"{native}?fields=id,message"},
        {"method": "GET", "relative_url": "7"},
        {"method": "POST", "relative_url": native, "body": "message=Ahoy%21"},
    ]
    told = (await web.post("", data={"batch": json.dumps(asks), "include_headers": "false"})).json()
    assert [row["code"] for row in told] == [200, 400, 200]
    assert json.loads(told[0]["body"]) == {"id": native, "message": "Ahoy"}
    assert all(row.keys() == {"code", "body"} for row in told)
    many = json.dumps([asks[0]] * 51)
    assert problem(await web.post("", data={"batch": many})) == (100, None)


async def test_how_much_is_used_stands_in_a_header(box, web):
    box.facebook.engaged_users = 1
    answer = await web.get(PAGE)
    (row,) = json.loads(answer.headers["x-business-use-case-usage"])[PAGE]
    assert (row["type"], row["call_count"], row["estimated_time_to_regain_access"]) == ("pages", 0, 0)
    asks = json.dumps([{"method": "GET", "relative_url": PAGE}] * 50)
    for _ in range(95):
        assert (await web.post("", data={"batch": asks})).status_code == 200
    refused = await web.post("", data={"batch": asks})
    while refused.status_code == 200:
        refused = await web.post("", data={"batch": asks})
    assert problem(refused) == (32, None)
    (row,) = json.loads(refused.headers["x-business-use-case-usage"])[PAGE]
    assert (row["call_count"], row["estimated_time_to_regain_access"]) == (100, 24 * 60)


async def test_an_app_has_an_allowance_of_its_own(box, http):
    box.facebook.daily_users = 1
    held = http(box, headers=bearer(box.facebook.token_for("brand").access_token))
    for count in range(200):
        answer = await held.get(f"{API}/me/accounts")
        assert json.loads(answer.headers["x-app-usage"])["call_count"] == (count + 1) // 2
    refused = await held.get(f"{API}/me/accounts")
    assert problem(refused) == (4, None)
    assert json.loads(refused.headers["x-app-usage"])["call_count"] == 100
    box.clock.advance(3600)
    assert (await held.get(f"{API}/me/accounts")).status_code == 200


# whose things they are, and who sees them -----------------------------------------------------------


@pytest.fixture
def other(box, http):
    client = http(box, headers=bearer(box.facebook.page_token_of("other")))
    client.base_url = f"{API}/"
    return client


async def test_another_pages_things_are_left_alone(box, web, other):
    native, picture = await post(web), await staged(web)
    video = (await web.post(f"{PAGE}/videos", files={"source": ("a.mp4", CLIP)})).json()["id"]
    for method, path, form in (
        ("DELETE", native, {}),
        ("DELETE", picture, {}),
        ("DELETE", video, {}),
        ("POST", native, {"message": "Theirs"}),
        ("POST", f"{video}/collaborators", {"target_id": "17"}),
    ):
        assert problem(await other.request(method, path, data=form)) == (100, 33), path
    theirs = (await other.post("me/feed", data={"message": "Theirs"})).json()["id"]
    assert box.facebook.find(theirs).account == "other"
    assert [one.text for one in box.timeline("facebook") if one.account == "brand"] == ["Ahoy", ""]


async def test_what_is_not_published_is_on_no_list(box, web):
    native = await post(web, published="false")
    assert box.timeline("facebook") == []
    for edge in ("published_posts", "feed", "scheduled_posts"):
        assert (await web.get(f"{PAGE}/{edge}")).json()["data"] == []
    fields = {"fields": "is_published,message"}
    assert (await web.get(native, params=fields)).json()["is_published"] is False
    box.clock.advance(DAY)
    assert box.timeline("facebook") == []
    assert (await web.post(native, data={"message": "Aye"})).status_code == 200
    assert (await web.post(native, data={"is_published": "true"})).status_code == 200
    assert [(one.id, one.text) for one in box.timeline("facebook")] == [(native, "Aye")]


async def test_a_video_that_is_not_published_waits(box, web):
    form = {"description": "Ahoy", "published": "false"}
    video = (await web.post(f"{PAGE}/videos", data=form, files={"source": ("a.mp4", CLIP)})).json()["id"]
    box.clock.advance(60)
    told = (await web.get(video, params={"fields": "published,status"})).json()
    assert told["published"] is False
    assert told["status"]["publishing_phase"]["publish_status"] == "draft"
    assert box.timeline("facebook") == []
    assert (await web.delete(video)).status_code == 200
    assert problem(await web.get(video)) == (100, 33)


async def test_a_photo_for_later_does_not_name_its_post(box, web):
    due = str(int(box.clock.now().timestamp()) + DAY)
    told = (await photo(web, published="false", caption="Ahoy", scheduled_publish_time=due)).json()
    assert told.keys() == {"id"}
    listed = (await web.get(f"{PAGE}/scheduled_posts", params={"fields": "message"})).json()["data"]
    assert [one["message"] for one in listed] == ["Ahoy"]
    box.clock.advance(DAY + 1)
    assert [one.text for one in box.timeline("facebook")] == ["Ahoy"]


async def test_comments_go_no_deeper_than_two_levels(web):
    native = await post(web)
    first = (await web.post(f"{native}/comments", data={"message": "One"})).json()["id"]
    second = (await web.post(f"{first}/comments", data={"message": "Two"})).json()["id"]
    assert problem(await web.post(f"{second}/comments", data={"message": "Three"})) == (100, 33)
    assert (await web.get(second, params={"fields": "parent"})).json()["parent"]["id"] == first


async def reel_of(web, edge: str = "video_reels", **form: str) -> tuple[str, httpx.Response]:
    told = (await web.post(f"{PAGE}/{edge}", data={"upload_phase": "start"})).json()
    token = web.headers["authorization"].partition(" ")[2]
    head = {"authorization": f"OAuth {token}", "offset": "0", "file_size": str(len(CLIP))}
    kind = {"content-type": "application/octet-stream"}
    assert (await web.post(told["upload_url"], headers=head | kind, content=CLIP)).status_code == 200
    finish = {"upload_phase": "finish", "video_id": told["video_id"], **form}
    return told["video_id"], await web.post(f"{PAGE}/{edge}", data=finish)


async def test_a_reel_may_be_a_draft(box, web):
    video, answer = await reel_of(web, video_state="DRAFT", description="Ahoy")
    assert answer.json() == {"success": True}
    box.clock.advance(60)
    told = (await web.get(video, params={"fields": "status"})).json()["status"]
    assert (told["video_status"], told["publishing_phase"]["publish_status"]) == ("ready", "draft")
    assert box.timeline("facebook") == []
    assert (await web.get(f"{PAGE}/video_reels")).json()["data"] == []


async def test_a_video_story_is_listed_once_it_is_processed(box, web):
    video, answer = await reel_of(web, "video_stories")
    native = answer.json()["post_id"]
    assert (await web.get(f"{PAGE}/stories")).json()["data"] == []
    assert (await web.get(video, params={"fields": "status"})).json()["status"][
        "video_status"
    ] == "processing"
    box.clock.advance(60)
    listed = (await web.get(f"{PAGE}/stories")).json()["data"]
    assert [(one["post_id"], one["media_id"]) for one in listed] == [(native, video)]
    assert (await web.get(video, params={"fields": "status"})).json()["status"]["video_status"] == "ready"
    box.facebook.story_archive = False
    assert (await web.get(f"{PAGE}/stories")).json()["data"] == []


async def test_a_story_that_cannot_be_processed_is_no_story(box, web):
    box.fault("processing-failed", platform="facebook", times=9)
    video, _ = await reel_of(web, "video_stories")
    box.clock.advance(60)
    assert box.timeline("facebook") == []
    status = (await web.get(video, params={"fields": "status"})).json()["status"]
    assert status["video_status"] == "error"
