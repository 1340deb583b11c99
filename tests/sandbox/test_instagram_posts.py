"""Instagram's publishing as a stranger meets it over HTTP: containers, crawler, uploads, refusals, lists, insights."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sign_in_talk import bearer

from media_files import jpeg_header, mp4, png
from socialkit.contracts import _samples
from socialkit.sandbox import Sandbox

API, PAGES = "https://graph.instagram.com/v26.0", "https://graph.facebook.com/v26.0"
ID = "17841406338772941"
BOAT, FILM = "https://example.com/boat.jpg", "https://example.com/boat.mp4"
DAY = 86_400
REEL = {"media_type": "REELS"}


@pytest.fixture
def box():
    with Sandbox(["instagram"]) as made:
        yield made


class Talk:
    """One account's requests, with one of its two logins."""

    def __init__(self, box, web, page: bool = False) -> None:
        self.box, self.web = box, web
        self.base = PAGES if page else API
        self.token = box.instagram.page_token() if page else box.instagram.token()

    async def get(self, path: str, **params: Any):
        return await self.web.get(f"{self.base}/{path}", params=params, headers=bearer(self.token))

    async def post(self, path: str, **form: Any):
        return await self.web.post(f"{self.base}/{path}", data=form, headers=bearer(self.token))

    async def delete(self, path: str):
        return await self.web.delete(f"{self.base}/{path}", headers=bearer(self.token))

    async def made(self, **form: Any) -> str:
        answer = await self.post(f"{ID}/media", **form)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    async def state(self, container: str) -> dict[str, Any]:
        return (await self.get(container, fields="status_code,status")).json()

    async def publish(self, container: str):
        return await self.post(f"{ID}/media_publish", creation_id=container)

    async def published(self, **form: Any) -> str:
        container = await self.made(**form)
        self.box.clock.advance(10)
        answer = await self.publish(container)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]


@pytest.fixture
def talk(box, http):
    return Talk(box, http(box))


@pytest.fixture
def page(box, http):
    return Talk(box, http(box), page=True)


@pytest.fixture(params=["instagram", "facebook"])
def either(request, box, http):
    return Talk(box, http(box), page=request.param == "facebook")


def problem(answer) -> tuple[int, int | None]:
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


async def test_a_picture_from_container_to_post(box, either):
    container = await either.made(image_url=BOAT, caption="Ahoy", alt_text="The boat")
    assert await either.state(container) == {
        "id": container,
        "status_code": "FINISHED",
        "status": "Finished: Media has been uploaded and it is ready to be published.",
    }
    assert not box.timeline("instagram")
    media = (await either.publish(container)).json()["id"]
    assert media != container
    assert media.isdigit()
    assert media.startswith("17")
    (entry,) = box.timeline("instagram")
    assert (entry.id, entry.text, entry.media[0]["alt"]) == (media, "Ahoy", "The boat")
    assert (await either.state(container))["status_code"] == "PUBLISHED"
    fields = "id,caption,media_type,media_product_type,permalink,timestamp,like_count,comments_count"
    told = (await either.get(media, fields=fields)).json()
    assert told["permalink"].startswith("https://www.instagram.com/p/")
    assert (told["media_type"], told["media_product_type"]) == ("IMAGE", "FEED")
    assert told["timestamp"].endswith("+0000")


async def test_a_container_makes_one_post(box, talk):
    container = await talk.made(image_url=BOAT)
    assert (await talk.publish(container)).status_code == 200
    assert problem(await talk.publish(container)) == (24, 2207006)
    assert len(box.timeline("instagram")) == 1


async def test_a_reel_takes_its_time(box, talk):
    container = await talk.made(video_url=FILM, **REEL)
    assert (await talk.state(container))["status_code"] == "IN_PROGRESS"
    assert problem(await talk.publish(container)) == (9007, 2207027)
    box.clock.advance(10)
    media = (await talk.publish(container)).json()["id"]
    told = (await talk.get(media, fields="media_product_type,permalink")).json()
    assert told["media_product_type"] == "REELS"
    assert "/reel/" in told["permalink"]


async def test_a_carousel_is_one_post(box, talk):
    children = [
        await talk.made(image_url=BOAT, is_carousel_item="true", alt_text="One"),
        await talk.made(video_url=FILM, media_type="VIDEO", is_carousel_item="true"),
    ]
    parent = await talk.made(media_type="CAROUSEL", children=",".join(children), caption="Both")
    assert problem(await talk.publish(parent)) == (9007, 2207027)
    box.clock.advance(10)
    assert problem(await talk.publish(children[0])) == (100, 2207089)
    media = (await talk.publish(parent)).json()["id"]
    told = (await talk.get(media, fields="media_type,children{id,media_type}")).json()
    assert told["media_type"] == "CAROUSEL_ALBUM"
    assert [one["media_type"] for one in told["children"]["data"]] == ["IMAGE", "VIDEO"]
    used = (await talk.get(f"{ID}/content_publishing_limit", fields="config,quota_usage")).json()
    assert used == {"data": [{"config": {"quota_total": 100, "quota_duration": DAY}, "quota_usage": 1}]}


async def test_stories_are_on_their_own_list_for_a_day(box, talk):
    media = await talk.published(image_url=BOAT, media_type="STORIES")
    assert (await talk.get(f"{ID}/media")).json() == {"data": []}
    assert [one["id"] for one in (await talk.get(f"{ID}/stories")).json()["data"]] == [media]
    box.clock.advance(DAY)
    assert (await talk.get(f"{ID}/stories")).json() == {"data": []}


async def test_a_container_ends_after_a_day(box, talk):
    container = await talk.made(image_url=BOAT)
    box.clock.advance(DAY)
    assert (await talk.state(container))["status_code"] == "EXPIRED"
    assert problem(await talk.publish(container)) == (-2, 2207020)


WIDE = _samples.jpeg(2000, 1000)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"media_type": "VIDEO", "video_url": FILM}, (100, 2207023)),
        ({"media_type": "PHOTO", "image_url": BOAT}, (100, 2207023)),
        ({"media_type": "REELS", "video_url": FILM, "is_carousel_item": "true"}, (100, 2207023)),
        ({"video_url": FILM}, (100, 2207023)),
        ({"image_url": BOAT, **REEL}, (100, None)),
        ({}, (100, None)),
        ({"image_url": "https://example.com/page"}, (9004, 2207052)),
        ({"image_url": "https://nowhere.example.net/boat.jpg"}, (9004, 2207052)),
        ({"image_url": "https://example.com/böat.jpg"}, (9004, 2207052)),
        ({"image_url": "https://example.com/boat.png"}, (36001, 2207005)),
        ({"image_url": "https://files.example.com/wide.jpg"}, (36003, 2207009)),
        ({"image_url": "https://files.example.com/large.jpg"}, (36000, 2207004)),
        ({"image_url": BOAT, "caption": "x" * 2201}, (36004, 2207010)),
        ({"image_url": BOAT, "caption": "#a " * 31}, (100, None)),
        ({"image_url": BOAT, "caption": "@a " * 21}, (100, None)),
        ({"image_url": BOAT, "user_tags": json.dumps([{"username": "crew"}])}, (100, None)),
        ({"image_url": BOAT, "user_tags": "crew"}, (100, None)),
        ({"image_url": BOAT, "user_tags": json.dumps([{"username": "a", "x": 2, "y": 0}])}, (100, None)),
        (
            {"image_url": BOAT, "user_tags": json.dumps([{"username": "a", "x": 0, "y": 0}] * 21)},
            (100, 2207040),
        ),
        (
            {"video_url": FILM, **REEL, "user_tags": json.dumps([{"username": "a", "x": 0, "y": 0}])},
            (100, 2207064),
        ),
        ({"image_url": BOAT, "collaborators": json.dumps(["private"])}, (110, None)),
        ({"image_url": BOAT, "collaborators": json.dumps(list("abcd"))}, (100, None)),
        ({"image_url": BOAT, "collaborators": json.dumps(["a"]), "is_carousel_item": "true"}, (100, None)),
        ({"video_url": FILM, **REEL, "alt_text": "A"}, (100, None)),
        ({"media_type": "CAROUSEL", "children": "1"}, (100, 2207028)),
        ({"media_type": "CAROUSEL", "children": "1,2"}, (24, 2207006)),
        ({"image_url": BOAT, "is_paid_partnership": "true"}, (100, None)),
        ({"upload_type": "resumable", **REEL}, (100, None)),
        ({"image_url": BOAT, "product_tags": json.dumps([{"product_id": "1"}])}, (100, 2207036)),
        (
            {"image_url": BOAT, "product_tags": json.dumps([{"product_id": "a", "x": 0, "y": 0}])},
            (100, 2207037),
        ),
        (
            {"video_url": FILM, **REEL, "product_tags": json.dumps([{"product_id": "1", "x": 0, "y": 0}])},
            (100, 2207035),
        ),
        ({"video_url": FILM, **REEL, "cover_url": "https://example.com/c.png"}, (36001, 2207005)),
    ],
)
async def test_what_is_refused_when_a_container_is_made(box, talk, given, expected):
    box.files.put("https://files.example.com/wide.jpg", WIDE)
    box.files.put("https://files.example.com/large.jpg", jpeg_header(1080, 1080) + bytes(8 << 20))
    assert problem(await talk.post(f"{ID}/media", **given)) == expected
    assert not box.instagram.containers


@pytest.mark.parametrize(
    ("data", "given", "subcode"),
    [
        (None, {}, 2207077),
        (png(), {}, 2207026),
        (mp4(seconds=2), {}, 2207026),
        (mp4(seconds=61), {"media_type": "STORIES"}, 2207026),
        (mp4(seconds=10, size=(2048, 1080)), {}, 2207026),
        (mp4(seconds=10, size=(1910, 190)), {}, 2207026),
        (mp4(seconds=10, size=(100, 1100)), {"media_type": "STORIES"}, 2207026),
        (mp4(seconds=10, size=(100, 1100)), {}, 0),
        (mp4(seconds=10), {"thumb_offset": "10000"}, 2207057),
        (mp4(seconds=10), {"thumb_offset": "9999"}, 0),
    ],
)
async def test_what_a_video_fails_with_shows_later(box, talk, data, given, subcode):
    url = "https://files.example.com/film.mp4"
    if data is not None:
        box.files.put(url, data)
    container = await talk.made(**{"video_url": url, **REEL, **given})
    box.clock.advance(10)
    state = await talk.state(container)
    assert state["status_code"] == ("ERROR" if subcode else "FINISHED")
    if subcode:
        assert str(subcode) in state["status"]
        assert problem(await talk.publish(container)) == (9007, 2207027)


async def test_containers_are_their_accounts_own_and_items_are_made_as_such(box, talk):
    loose = [await talk.made(image_url=BOAT), await talk.made(image_url=BOAT)]
    told = await talk.post(f"{ID}/media", media_type="CAROUSEL", children=",".join(loose))
    assert problem(told) == (24, 2207006)
    items = [await talk.made(image_url=BOAT, is_carousel_item="true") for _ in range(2)]
    theirs = box.instagram.people["other"].id
    talk.token = box.instagram.token("other")
    told = await talk.post(f"{theirs}/media", media_type="CAROUSEL", children=",".join(items))
    assert problem(told) == (24, 2207006)
    box.clock.advance(10)
    assert problem(await talk.post(f"{theirs}/media_publish", creation_id=loose[0])) == (24, 2207008)
    assert not box.timeline("instagram")


async def test_a_picture_in_a_story_may_be_upright(box, talk):
    box.files.put("https://files.example.com/tall.jpg", jpeg_header(1080, 1920))
    assert await talk.made(image_url="https://files.example.com/tall.jpg", media_type="STORIES")


async def test_publishing_is_refused(box, talk):
    container, instagram = await talk.made(image_url=BOAT), box.instagram
    assert problem(await talk.publish("17")) == (24, 2207008)
    assert problem(await talk.publish("")) == (100, None)
    instagram.restricted = True
    assert problem(await talk.publish(container)) == (25, 2207050)
    instagram.restricted, instagram.quota = False, 0
    assert problem(await talk.publish(container)) == (9, 2207042)
    instagram.quota, instagram.spam = 100, "refused"
    assert problem(await talk.publish(container)) == (4, 2207051)
    assert not box.timeline("instagram")
    instagram.spam = "stored"
    assert problem(await talk.publish(container)) == (4, 2207051)
    assert len(box.timeline("instagram")) == 1
    instagram.trial_eligible = False
    trial = json.dumps({"graduation_strategy": "MANUAL"})
    assert problem(await talk.post(f"{ID}/media", video_url=FILM, trial_params=trial, **REEL)) == (
        10,
        2207081,
    )


async def test_quota_frees_as_posts_grow_old(box, talk):
    box.instagram.quota = 1
    await talk.published(image_url=BOAT)
    container = await talk.made(image_url=BOAT)
    assert problem(await talk.publish(container)) == (9, 2207042)
    box.clock.advance(DAY - 60)
    assert (await talk.publish(await talk.made(image_url=BOAT))).status_code == 400
    box.clock.advance(60)
    assert (await talk.publish(await talk.made(image_url=BOAT))).status_code == 200


async def test_containers_have_a_limit_too(box, talk):
    box.instagram.container_limit = 1
    await talk.made(image_url=BOAT)
    answer = await talk.post(f"{ID}/media", image_url=BOAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 4)


class TestUploads:
    async def begin(self, page) -> dict[str, Any]:
        answer = await page.post(f"{ID}/media", upload_type="resumable", caption="Ahoy", **REEL)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, page, uri: str, data: bytes, offset: int, total: int, scheme: str = "OAuth"):
        headers = {"authorization": f"{scheme} {page.token}", "offset": str(offset), "file_size": str(total)}
        headers["content-type"] = "application/octet-stream"
        return await page.web.post(uri, content=data, headers=headers)

    async def test_bytes_may_come_in_pieces(self, box, page):
        session, data = await self.begin(page), mp4(seconds=10)
        assert session["uri"] == f"https://rupload.facebook.com/ig-api-upload/v26.0/{session['id']}"
        answer = await self.send(page, session["uri"], data[:3000], 0, len(data))
        assert answer.json() == {"success": True, "message": "Upload successful."}
        phase = (await page.get(session["id"], fields="video_status")).json()["video_status"][
            "uploading_phase"
        ]
        assert phase == {"status": "in_progress", "bytes_transferred": 3000}
        assert (await page.state(session["id"]))["status_code"] == "IN_PROGRESS"
        assert (await self.send(page, session["uri"], data[3000:], 3000, len(data))).status_code == 200
        box.clock.advance(10)
        assert (await page.state(session["id"]))["status_code"] == "FINISHED"
        assert (await page.publish(session["id"])).status_code == 200

    async def test_what_is_refused(self, box, page):
        session, data = await self.begin(page), mp4(seconds=10)
        for arguments, kind, status in (
            ((data, 0, len(data), "Bearer"), "NotAuthorizedError", 401),
            ((data[5:], 5, len(data)), "OffsetInvalidError", 400),
            ((data, 0, 5), "OffsetInvalidError", 400),
            ((png(), 0, len(png())), "ProcessingFailedError", 400),
        ):
            answer = await self.send(page, session["uri"], *arguments)
            assert (answer.status_code, answer.json()["debug_info"]["type"]) == (status, kind)
        assert (await page.state(session["id"]))["status_code"] == "ERROR"


class TestWho:
    async def test_somebody_elses_account_is_not_there(self, box, talk, page):
        other = box.instagram.people["other"].id
        for one in (talk, page):
            assert problem(await one.post(f"{other}/media", image_url=BOAT)) == (100, 33)
            assert problem(await one.get(f"{other}/media")) == (100, 33)

    async def test_somebody_elses_post_is_not_there(self, box, talk, http):
        media = await talk.published(image_url=BOAT)
        other = Talk(box, http(box))
        other.token = box.instagram.token("other")
        assert problem(await other.get(media)) == (100, 33)

    @pytest.mark.parametrize("login", ["instagram", "facebook"])
    async def test_permissions(self, box, http, login):
        one = Talk(box, http(box), page=login == "facebook")
        give = box.instagram.page_token if login == "facebook" else box.instagram.token
        basic = "instagram_basic" if login == "facebook" else "instagram_business_basic"
        media = await one.published(image_url=BOAT)
        one.token = give("brand", basic)
        assert (await one.get(media)).status_code == 200
        for answer in (
            await one.post(f"{ID}/media", image_url=BOAT),
            await one.get(f"{media}/insights", metric="views"),
            await one.post(f"{media}/comments", message="Hi"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, 200)

    async def test_a_page_tells_its_account(self, box, page):
        told = (await page.get("me", fields="instagram_business_account{id,username}")).json()
        assert told["instagram_business_account"] == {"id": ID, "username": "brand"}
        assert (await page.get(ID, fields="username,followers_count")).json()["followers_count"] == 1200

    async def test_a_dead_token(self, box, talk):
        box.instagram.expire(talk.token)
        assert problem(await talk.get("me", fields="username")) == (190, 463)


class TestReading:
    async def test_pages(self, box, talk):
        posts = [await talk.published(image_url=BOAT) for _ in range(3)]
        first = (await talk.get(f"{ID}/media", limit=2)).json()
        assert [one["id"] for one in first["data"]] == posts[:0:-1]
        second = await talk.web.get(first["paging"]["next"], headers=bearer(talk.token))
        assert [one["id"] for one in second.json()["data"]] == posts[:1]
        assert "next" not in second.json()["paging"]
        assert problem(await talk.get(f"{ID}/media", limit=101)) == (100, None)
        assert problem(await talk.get(f"{ID}/media", fields="id,nonsense")) == (100, None)

    @pytest.mark.parametrize(
        ("given", "good", "bad"),
        [
            ({"image_url": BOAT}, "views,likes,saved,follows", "views,replies"),
            ({"video_url": FILM, **REEL}, "views,ig_reels_avg_watch_time", "views,follows"),
            ({"image_url": BOAT, "media_type": "STORIES"}, "views,replies,link_clicks", "views,likes"),
        ],
    )
    async def test_insights_by_kind(self, box, either, given, good, bad):
        media = await either.published(**given)
        box.clock.advance(DAY // 2)
        told = (await either.get(f"{media}/insights", metric=good)).json()["data"]
        assert [one["name"] for one in told] == good.split(",")
        assert all(isinstance(one["values"][0]["value"], int) for one in told)
        assert problem(await either.get(f"{media}/insights", metric=bad)) == (100, None)
        nested = (await either.get(media, fields=f"like_count,insights.metric({good})")).json()
        assert nested["insights"]["data"] == told
        assert problem(await either.get(media, fields=f"id,insights.metric({bad})")) == (100, None)
        assert problem(await either.get(f"{media}/insights")) == (3001, 1504028)

    async def test_a_young_story_and_an_old_one(self, box, talk):
        media = await talk.published(image_url=BOAT, media_type="STORIES")
        assert problem(await talk.get(f"{media}/insights", metric="views")) == (10, None)
        box.clock.advance(DAY)
        assert (await talk.get(f"{media}/insights", metric="views")).json() == {"data": []}

    async def test_the_accounts_insights(self, box, talk):
        asked = {"metric": "views,reach", "period": "day", "metric_type": "total_value"}
        told = (await talk.get(f"{ID}/insights", **asked)).json()["data"]
        assert [one["name"] for one in told] == ["views", "reach"]
        assert all(one["total_value"]["value"] for one in told)
        assert problem(await talk.get(f"{ID}/insights", **asked, since=1, until=31 * DAY)) == (100, None)
        assert problem(await talk.get(f"{ID}/insights", **{**asked, "metric": "impressions"})) == (100, None)
        assert problem(await talk.get(f"{ID}/insights", **{**asked, "metric_type": "default"})) == (100, None)

    async def test_comments(self, box, talk):
        media = await talk.published(image_url=BOAT)
        comment = (await talk.post(f"{media}/comments", message="Hi")).json()["id"]
        (told,) = (await talk.get(f"{media}/comments", fields="id,text,username,from")).json()["data"]
        assert told == {
            "id": comment,
            "text": "Hi",
            "username": "brand",
            "from": {"id": ID, "username": "brand"},
        }
        assert (await talk.get(media, fields="comments_count")).json()["comments_count"] == 1
        assert problem(await talk.post(f"{media}/comments", message=" ")) == (100, None)
        assert problem(await talk.post(f"{media}/comments", message="Again", fields="id")) == (100, None)
        assert len((await talk.get(f"{media}/comments")).json()["data"]) == 2, (
            "made all the same, as has been seen"
        )
        assert (await talk.post(media, comment_enabled="false")).json() == {"success": True}
        assert problem(await talk.post(f"{media}/comments", message="More")) == (10, None)
        assert problem(await talk.post(media, caption="New")) == (100, None)

    async def test_posts_are_deleted_through_a_page_alone(self, box, talk, page):
        media = await talk.published(image_url=BOAT)
        assert problem(await talk.delete(media)) == (100, 33)
        assert (await page.delete(media)).json() == {"success": True}
        assert not box.timeline("instagram")
        assert problem(await page.delete(media)) == (100, 33)

    async def test_many_requests_in_one(self, box, talk, page):
        media = await page.published(image_url=BOAT)
        asked = [{"method": "GET", "relative_url": f"{one}?fields=id,like_count"} for one in (media, "17")]
        told = (await page.post("", batch=json.dumps(asked), include_headers="false")).json()
        assert [one["code"] for one in told] == [200, 400]
        assert json.loads(told[0]["body"])["id"] == media
        assert json.loads(told[1]["body"])["error"]["error_subcode"] == 33
        assert problem(await page.post("", batch=json.dumps(asked * 26))) == (100, None)
        assert problem(await page.post("", batch="no")) == (100, None)
        assert problem(await talk.post("", batch=json.dumps(asked))) == (100, None)

    async def test_a_request_that_is_lost_leaves_the_container_as_it_was(self, box, talk):
        """Also where somebody else posts the same at that moment."""
        container = await talk.made(image_url=BOAT)
        box.clock.advance(10)
        box.fault("dropped-before", platform="instagram")
        box.fault("twin", platform="instagram")
        with pytest.raises(httpx.RemoteProtocolError):
            await talk.publish(container)
        assert (await talk.state(container))["status_code"] == "FINISHED"
        assert len(box.timeline("instagram")) == 1, "somebody else's"

    async def test_what_is_not_there(self, box, talk):
        assert problem(await talk.get("17")) == (100, 33)
        assert problem(await talk.get(f"{ID}/nonsense")) == (2500, None)
        container = await talk.made(image_url=BOAT)
        assert problem(await talk.get(container, fields="error_message")) == (100, None)

    async def test_the_version_may_be_left_out(self, box, talk):
        url = f"https://graph.instagram.com/{ID}/media"
        assert (await talk.web.get(url, headers=bearer(talk.token))).json() == {"data": []}
