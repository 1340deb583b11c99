"""Threads' posts, replies, lists, insights and quotas as a stranger meets them over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from media_files import jpeg_header, mp4, png
from socialkit import Post
from socialkit.sandbox import Sandbox

API = "https://graph.threads.net/v1.0"
BOAT, CLIP = "https://example.com/boat.png", "https://example.com/sail.mp4"
DAY = 86_400


@pytest.fixture
def box():
    with Sandbox(["threads"]) as made:
        yield made


@pytest.fixture
async def web(box) -> AsyncIterator[httpx.AsyncClient]:
    async with talker(box, "brand") as client:
        yield client


def talker(box, username: str, *scopes: str) -> httpx.AsyncClient:
    token = box.threads.token_for(username, *scopes).access_token
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers)


async def create(web, **given: Any) -> httpx.Response:
    return await web.post("/me/threads", data={"media_type": "TEXT", **given})


async def container(web, **given: Any) -> str:
    answer = await create(web, **given)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def publish(web, number: str) -> httpx.Response:
    return await web.post("/me/threads_publish", data={"creation_id": number})


async def post(box, web, **given: Any) -> str:
    number = await container(web, **{"text": "Ahoy"} | given)
    box.clock.advance(30)
    answer = await publish(web, number)
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def read(web, path: str, fields: str = "id", **params: Any) -> Any:
    answer = await web.get(path, params={"fields": fields, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(web, number: str) -> str:
    return (await read(web, f"/{number}", "id,status,error_message"))["status"]


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    assert error.keys() >= {"message", "type", "code", "is_transient", "fbtrace_id"}
    return error["code"], error.get("error_subcode")


NOT_FOUND = (24, 4279009)


class TestContainers:
    async def test_a_container_is_no_post_and_its_number_is_not_the_posts(self, box, web):
        number = await container(web, text="Ahoy")
        assert box.timeline("threads") == []
        box.clock.advance(1)
        answer = await publish(web, number)
        (entry,) = box.timeline("threads")
        assert answer.json() == {"id": entry.id}
        assert entry.id != number

    async def test_publishing_before_it_is_ready_finds_nothing(self, box, web):
        number = await container(web, media_type="VIDEO", video_url=CLIP)
        assert await status(web, number) == "IN_PROGRESS"
        answer = await publish(web, number)
        assert problem(answer) == NOT_FOUND
        assert (answer.status_code, answer.json()["error"]["is_transient"]) == (400, False)
        box.clock.advance(15)
        assert await status(web, number) == "FINISHED"
        assert (await publish(web, number)).status_code == 200

    async def test_it_is_published_once(self, box, web):
        number = await container(web, text="Ahoy")
        box.clock.advance(1)
        assert (await publish(web, number)).status_code == 200
        assert await status(web, number) == "PUBLISHED"
        assert problem(await publish(web, number)) == NOT_FOUND
        assert len(box.timeline("threads")) == 1

    async def test_after_a_day_it_is_expired(self, box, web):
        number = await container(web, text="Ahoy")
        box.clock.advance(DAY - 1)
        assert await status(web, number) == "FINISHED"
        box.clock.advance(1)
        assert await status(web, number) == "EXPIRED"
        assert problem(await publish(web, number)) == NOT_FOUND

    async def test_finished_is_no_promise(self, box, web):
        box.threads.settling, box.threads.vanishing = 3.0, 1
        lost = await container(web, text="One")
        box.clock.advance(60)
        assert await status(web, lost) == "FINISHED"
        assert problem(await publish(web, lost)) == NOT_FOUND
        number = await container(web, text="Two")
        box.clock.advance(1)
        assert await status(web, number) == "FINISHED"
        assert problem(await publish(web, number)) == NOT_FOUND
        box.clock.advance(3)
        assert (await publish(web, number)).status_code == 200

    async def test_status_is_a_field_of_containers_only(self, box, web):
        number = await post(box, web)
        answer = await web.get(f"/{number}", params={"fields": "id,status"})
        error = answer.json()["error"]
        assert (error["code"], error["type"]) == (100, "THApiException")
        assert error["message"] == "Tried accessing nonexisting field (status)"
        other = await container(web, text="Two")
        assert problem(await web.get(f"/{other}", params={"fields": "id,text"}))[0] == 100

    async def test_it_belongs_to_who_made_it(self, box, web):
        number = await container(web, text="Ahoy")
        async with talker(box, "other") as other:
            assert problem(await other.get(f"/{number}", params={"fields": "status"})) == (100, 33)
            box.clock.advance(1)
            assert problem(await publish(other, number)) == NOT_FOUND

    async def test_one_call_may_publish_a_text(self, box, web):
        answer = await create(web, text="Ahoy", auto_publish_text="true")
        assert [one.id for one in box.timeline("threads")] == [answer.json()["id"]]
        picture = await create(web, media_type="IMAGE", image_url=BOAT, auto_publish_text="true")
        assert problem(picture) == (100, None)

    async def test_json_loses_what_is_not_well_known(self, box, web):
        answer = await web.post(
            "/me/threads", json={"media_type": "TEXT", "text": "Ahoy", "topic_tag": "sea"}
        )
        box.clock.advance(1)
        number = (await publish(web, answer.json()["id"])).json()["id"]
        assert "topic_tag" not in await read(web, f"/{number}", "topic_tag")
        query = await web.post(
            "/me/threads", params={"media_type": "TEXT", "text": "Two", "topic_tag": "sea"}
        )
        box.clock.advance(1)
        number = (await publish(web, query.json()["id"])).json()["id"]
        assert (await read(web, f"/{number}", "topic_tag"))["topic_tag"] == "sea"

    @pytest.mark.parametrize(
        "given",
        [
            {"text": "a" * 501},
            {"text": "é" * 251},
            {"text": ""},
            {"media_type": "STORY", "text": "Ahoy"},
            {"media_type": "IMAGE", "text": "Ahoy"},
            {"media_type": "VIDEO", "text": "Ahoy"},
            {"text": " ".join(f"https://example.com/{n}" for n in range(6))},
            {"text": "Ahoy", "topic_tag": "a.b"},
            {"text": "Ahoy", "topic_tag": "a" * 51},
            {"text": "Ahoy", "reply_control": "nobody"},
            {"text": "Ahoy", "gif_attachment": '{"gif_id":"1","provider":"TENOR"}'},
            {"text": "Ahoy", "text_attachment": json.dumps({"plaintext": "x" * 10_001})},
            {"text": "Ahoy", "text_entities": json.dumps([{"entity_type": "SPOILER"}] * 11)},
            {"text": "Ahoy", "poll_attachment": "{}", "link_attachment": "https://example.com"},
            {"text": "Ahoy", "allowlisted_country_codes": "DE"},
            {"media_type": "IMAGE", "image_url": BOAT, "is_ghost_post": "true"},
            {"media_type": "IMAGE", "image_url": BOAT, "alt_text": "x" * 1001},
        ],
    )
    async def test_what_is_refused_at_once(self, box, web, given):
        assert problem(await create(web, **given)) == (100, None)
        assert box.threads.containers == {}

    @pytest.mark.parametrize("name", ["reply_to_id", "quote_post_id", "location_id"])
    async def test_what_does_not_exist_cannot_be_pointed_at(self, web, name):
        assert problem(await create(web, text="Ahoy", **{name: "5"})) == (100, 33)

    @pytest.mark.parametrize("name", ["reply_control", "topic_tag", "is_ghost_post"])
    async def test_replies_lack_what_top_level_posts_have(self, box, web, name):
        number = await post(box, web)
        value = {"reply_control": "everyone", "topic_tag": "sea", "is_ghost_post": "true"}[name]
        assert problem(await create(web, text="Aye", reply_to_id=number, **{name: value})) == (100, None)

    async def test_a_poll_of_another_shape_is_overlooked(self, box, web):
        for poll, shown in (
            ({"option_a": "a", "option_b": "b"}, True),
            ({"options": ["a", "b"]}, False),
            ({"option_a": "a"}, False),
            ({"option_a": "a", "option_b": "b" * 26}, False),
        ):
            number = await post(box, web, text="Sail?", poll_attachment=json.dumps(poll))
            assert ("poll_attachment" in await read(web, f"/{number}", "poll_attachment")) is shown

    async def test_countries_only_for_some(self, box, web):
        box.threads.geo_gating = True
        assert (await create(web, text="Ahoy", allowlisted_country_codes="DE,FR")).status_code == 200
        answer = await create(web, text="Ahoy", allowlisted_country_codes="Germany")
        assert answer.json()["error"]["message"] == "THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES"


class TestMedia:
    async def test_a_picture_is_fetched_when_the_container_is_made(self, box, web):
        number = await post(box, web, media_type="IMAGE", image_url=BOAT, alt_text="A boat")
        told = await read(web, f"/{number}", "media_type,media_url,alt_text,is_spoiler_media")
        assert (told["media_type"], told["alt_text"], told["is_spoiler_media"]) == ("IMAGE", "A boat", False)
        picture = await web.get(told["media_url"])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")

    @pytest.mark.parametrize("url", ["https://nowhere.example.org/a.png", "https://example.com/page"])
    async def test_a_picture_that_cannot_be_had_is_refused_at_once(self, web, url):
        assert problem(await create(web, media_type="IMAGE", image_url=url)) == (1, 2207052)

    @pytest.mark.parametrize(
        ("kind", "data", "why"),
        [
            ("VIDEO", b"no video", "FAILED_PROCESSING_VIDEO"),
            ("VIDEO", mp4(seconds=301.0), "INVALID_DURATION"),
            ("VIDEO", mp4(seconds=5.0, size=(3000, 200)), "INVALID_ASPEC_RATIO"),
            ("VIDEO", mp4(seconds=5.0, size=(2000, 1000)), "FAILED_PROCESSING_VIDEO"),
            ("IMAGE", png(110, 10), "INVALID_ASPEC_RATIO"),
        ],
    )
    async def test_bad_files_fail_while_they_are_processed(self, box, web, kind, data, why):
        url = box.files.put("https://files.example.com/file", data)
        number = await container(web, media_type=kind, **{f"{kind.lower()}_url": url})
        assert await status(web, number) == "IN_PROGRESS"
        box.clock.advance(60)
        told = await read(web, f"/{number}", "id,status,error_message")
        assert told == {"id": number, "status": "ERROR", "error_message": why}
        assert problem(await publish(web, number)) == NOT_FOUND

    async def test_a_video_that_is_not_there_fails_later(self, box, web):
        number = await container(web, media_type="VIDEO", video_url="https://nowhere.example.org/a.mp4")
        box.clock.advance(60)
        told = await read(web, f"/{number}", "id,status,error_message")
        assert told["error_message"] == "FAILED_DOWNLOADING_VIDEO"

    @pytest.mark.parametrize(
        ("fault", "said"), [("still-processing", "IN_PROGRESS"), ("processing-failed", "ERROR")]
    )
    async def test_faults_of_processing(self, box, web, fault, said):
        box.fault(fault, platform="threads", seconds=60)
        number = await container(web, media_type="IMAGE", image_url=BOAT)
        box.clock.advance(30)
        assert await status(web, number) == said

    async def items(self, web, count: int) -> list[str]:
        return [
            await container(web, media_type="IMAGE", image_url=BOAT, is_carousel_item="true", alt_text=str(n))
            for n in range(count)
        ]

    async def test_a_carousel_has_its_items_in_order(self, box, web):
        children = await self.items(web, 3)
        box.clock.advance(5)
        number = await container(web, media_type="CAROUSEL", children=",".join(children), text="Ahoy")
        assert problem(await publish(web, number)) == NOT_FOUND, "the whole is processed, too"
        box.clock.advance(2)
        media = (await publish(web, number)).json()["id"]
        told = await read(web, f"/{media}", "media_type,children")
        assert told["media_type"] == "CAROUSEL_ALBUM"
        assert len(told["children"]["data"]) == 3
        (entry,) = box.timeline("threads")
        assert [one["alt"] for one in entry.media] == ["0", "1", "2"]

    @pytest.mark.parametrize("count", [1, 21])
    async def test_a_carousel_has_two_to_twenty_items(self, box, web, count):
        children = await self.items(web, count)
        box.clock.advance(5)
        answer = await create(web, media_type="CAROUSEL", children=",".join(children))
        assert problem(answer) == (100, 4279004)

    async def test_items_must_be_ready_own_and_items(self, box, web):
        children = await self.items(web, 2)
        assert problem(await create(web, media_type="CAROUSEL", children=",".join(children)))[1] == 4279004
        box.clock.advance(5)
        alone = await container(web, media_type="IMAGE", image_url=BOAT)
        box.clock.advance(5)
        mixed = f"{children[0]},{alone}"
        assert problem(await create(web, media_type="CAROUSEL", children=mixed))[1] == 4279004
        assert problem(await publish(web, children[0])) == NOT_FOUND, "an item is no post"
        async with talker(box, "other") as other:
            stolen = await create(other, media_type="CAROUSEL", children=",".join(children))
            assert problem(stolen)[1] == 4279004

    async def test_a_jpeg_from_anywhere(self, box, web):
        url = box.files.put("https://files.example.com/a.jpg", jpeg_header(600, 600))
        assert await post(box, web, media_type="IMAGE", image_url=url)


class TestPosts:
    async def test_every_described_field_may_be_asked_for(self, box, web):
        fields = (
            "id,media_product_type,media_type,media_url,gif_url,permalink,owner{id},username,text,timestamp,shortcode,"
            "thumbnail_url,children,is_quote_post,quoted_post,reposted_post,has_replies,reply_audience,alt_text,"
            "link_attachment_url,poll_attachment{option_a,option_b,total_votes,expiration_timestamp},topic_tag,"
            "location_id,location,is_verified,profile_picture_url,is_spoiler_media,text_entities,text_attachment,"
            "allowlisted_country_codes,ghost_post_status,ghost_post_expiration_timestamp,is_reply,"
            "is_reply_owned_by_me,root_post{id},replied_to{id},hide_status,reply_approval_status"
        )
        number = await post(box, web, text="Ahoy #sea", link_attachment="https://example.com/a")
        told = await read(web, f"/{number}", fields)
        assert told["owner"] == {"id": box.threads.identity_of("brand")}
        assert told["permalink"] == f"https://www.threads.net/@brand/post/{told['shortcode']}"
        assert told["timestamp"].endswith("+0000")
        assert (told["media_type"], told["topic_tag"]) == ("TEXT_POST", "sea")
        assert told["link_attachment_url"] == "https://example.com/a"
        assert problem(await web.get(f"/{number}", params={"fields": "gif_attachment"}))[0] == 100
        async with talker(box, "other") as other:
            assert "owner" not in await read(other, f"/{number}", "owner,text")

    async def test_replies_form_a_tree(self, box, web):
        root = await post(box, web)
        async with talker(box, "other") as other:
            first = await post(box, other, text="Aye", reply_to_id=root)
        second = await post(box, web, text="Thanks", reply_to_id=first)
        direct = await read(web, f"/{root}/replies", "id,is_reply_owned_by_me,hide_status")
        assert direct["data"] == [{"id": first, "is_reply_owned_by_me": False, "hide_status": "NOT_HUSHED"}]
        tree = await read(web, f"/{root}/conversation", "id,root_post,replied_to")
        assert [one["id"] for one in tree["data"]] == [second, first]
        assert tree["data"][0] == {"id": second, "root_post": {"id": root}, "replied_to": {"id": first}}
        own = await read(web, "/me/replies", "id")
        assert [one["id"] for one in own["data"]] == [second]
        assert [one["id"] for one in (await read(web, "/me/threads", "id"))["data"]] == [root]

    async def test_direct_replies_are_hidden_and_shown_again(self, box, web):
        root = await post(box, web)
        async with talker(box, "other") as other:
            reply = await post(box, other, text="Boo", reply_to_id=root)
            assert problem(await other.post(f"/{reply}/manage_reply", data={"hide": "true"})) == (100, None)
        for hide, shown in (("true", "HIDDEN"), ("false", "UNHUSHED")):
            answer = await web.post(f"/{reply}/manage_reply", data={"hide": hide})
            assert answer.json() == {"success": True}
            assert (await read(web, f"/{reply}", "hide_status"))["hide_status"] == shown

    async def test_a_repost_happens_once_and_has_no_numbers(self, box, web):
        number = await post(box, web)
        repost = (await web.post(f"/{number}/repost")).json()["id"]
        assert problem(await web.post(f"/{number}/repost"))[1] == 4279050
        told = await read(web, f"/{repost}", "media_type,reposted_post")
        assert told["media_type"] == "REPOST_FACADE"
        assert told["reposted_post"] == {"id": number}
        insights = await web.get(f"/{repost}/insights", params={"metric": "views"})
        assert insights.json() == {"data": []}

    async def test_a_quote_points_at_its_post(self, box, web):
        number = await post(box, web)
        quote = await post(box, web, text="Look", quote_post_id=number)
        told = await read(web, f"/{quote}", "is_quote_post,quoted_post{id}")
        assert (told["is_quote_post"], told["quoted_post"]) == (True, {"id": number})

    async def test_ghosts_have_a_list_of_their_own_and_go_after_a_day(self, box, web):
        ghost = await post(box, web, text="Boo", is_ghost_post="true")
        assert [one["id"] for one in (await read(web, "/me/ghost_posts", "id"))["data"]] == [ghost]
        assert (await read(web, "/me/threads", "id"))["data"] == []
        assert "ghost_post_expiration_timestamp" in await read(
            web, f"/{ghost}", "ghost_post_expiration_timestamp"
        )
        box.clock.advance(DAY)
        assert problem(await web.get(f"/{ghost}", params={"fields": "id"})) == (100, 33)

    async def test_deleting(self, box, web):
        number = await post(box, web)
        async with talker(box, "other") as other:
            assert problem(await other.delete(f"/{number}")) == (100, 33)
        assert (await web.delete(f"/{number}")).json() == {"success": True, "deleted_id": number}
        assert problem(await web.delete(f"/{number}")) == (100, 33)
        box.threads.deletions_a_day = 1
        assert problem(await web.delete(f"/{await post(box, web)}")) == (100, None)

    async def test_a_story_tells_whether_it_was_shared(self, box, web):
        for fails, said in ((False, "SUCCESS"), (True, "FAILED")):
            box.threads.shares_fail = fails
            number = await container(web, text="Ahoy", crossreshare_to_ig="true")
            box.clock.advance(1)
            assert (await publish(web, number)).json()["crossreshare_to_ig_status"] == said


class TestLists:
    async def test_pages_of_25_with_cursors(self, box, web):
        box.threads.seconds["TEXT"] = 0.0
        numbers = [await post(box, web, text=f"Ahoy {n}") for n in range(30)]
        first = await read(web, "/me/threads", "id")
        assert [one["id"] for one in first["data"]] == numbers[:4:-1]
        after = first["paging"]["cursors"]["after"]
        second = await read(web, "/me/threads", "id", after=after)
        assert [one["id"] for one in second["data"]] == numbers[4::-1]
        assert "after" not in second["paging"]["cursors"]
        whole = await read(web, f"/{box.threads.identity_of('brand')}/threads", "id", limit=500)
        assert len(whole["data"]) == 30
        assert problem(await web.get("/me/threads", params={"after": "x"})) == (100, None)
        both = await web.get("/me/threads", params={"after": after, "before": after})
        assert problem(both) == (100, None)

    async def test_a_time_narrows_a_list(self, box, web):
        early = await post(box, web)
        box.clock.advance(3600)
        late = await post(box, web)
        moment = int((box.clock.now() - timedelta(seconds=1800)).timestamp())
        assert [one["id"] for one in (await read(web, "/me/threads", "id", since=moment))["data"]] == [late]
        assert [one["id"] for one in (await read(web, "/me/threads", "id", until=moment))["data"]] == [early]
        assert problem(await web.get("/me/threads", params={"since": 1_688_540_399})) == (100, None)

    async def test_somebody_elses_list_is_not_there(self, box, web):
        number = box.threads.identity_of("other")
        assert problem(await web.get(f"/{number}/threads")) == (100, 33)

    async def test_search_reaches_others_with_its_scope_only(self, box, web):
        async with talker(box, "other") as other:
            theirs = await post(box, other, text="Sea boats @brand")
        ours = await post(box, web, text="Sea sails")
        assert [one["id"] for one in (await read(web, "/keyword_search", "id", q="sea"))["data"]] == [
            ours,
            theirs,
        ]
        async with talker(box, "brand", "threads_basic") as narrow:
            found = await read(narrow, "/keyword_search", "id", q="sea")
            assert [one["id"] for one in found["data"]] == [ours]
        assert [one["id"] for one in (await read(web, "/me/mentions", "id"))["data"]] == [theirs]
        public = await read(web, "/profile_posts", "id,username", username="other")
        assert public["data"] == [{"id": theirs, "username": "other"}]
        looked = await read(web, "/profile_lookup", "username,follower_count,likes_count", username="other")
        assert (looked["username"], looked["follower_count"]) == ("other", 1500)
        assert problem(await web.get("/profile_posts", params={"username": "nobody"})) == (100, 33)
        assert problem(await web.get("/keyword_search")) == (100, None)

    async def test_places_and_embedding(self, box, web):
        (place,) = (await read(web, "/location_search", "id,name,city", q="harb"))["data"]
        assert place["city"] == "Hamburg"
        assert (await read(web, f"/{place['id']}", "id,country"))["country"] == "Germany"
        number = await post(box, web, text="Here", location_id=place["id"])
        url = (await read(web, f"/{number}", "permalink"))["permalink"]
        app = box.threads.app_for("oauth2")
        token = f"TH|{app['client_id']}|{app['client_secret']}"
        async with httpx.AsyncClient(transport=box.transport, base_url=API) as bare:
            answer = await bare.get("/oembed", params={"url": url, "access_token": token})
            assert (answer.json()["type"], url in answer.json()["html"]) == ("rich", True)
            assert problem(await bare.get("/oembed", params={"url": url, "access_token": "x"})) == (190, None)


class TestNumbers:
    async def test_insights_of_a_post_grow_and_count_its_replies(self, box, web):
        number = await post(box, web)
        await post(box, web, text="Aye", reply_to_id=number)
        box.clock.advance(DAY)
        asked = "views,likes,replies,reposts,quotes,shares"
        answer = (await web.get(f"/{number}/insights", params={"metric": asked})).json()["data"]
        values = {one["name"]: one["values"][0]["value"] for one in answer}
        assert list(values) == asked.split(",")
        assert values["views"] > values["likes"] > 0
        assert values["replies"] >= 1
        assert answer[2]["id"] == f"{number}/insights/thread_replies/lifetime"

    async def test_there_are_no_clicks_of_a_post_nor_numbers_of_other_people(self, box, web):
        number = await post(box, web)
        assert problem(await web.get(f"/{number}/insights", params={"metric": "clicks"})) == (100, None)
        assert problem(await web.get(f"/{number}/insights")) == (100, None)
        async with talker(box, "other") as other:
            assert problem(await other.get(f"/{number}/insights", params={"metric": "views"})) == (100, 33)
        async with talker(box, "brand", "threads_basic") as narrow:
            assert problem(await narrow.get(f"/{number}/insights", params={"metric": "views"}))[0] == 200

    async def test_insights_of_the_account(self, box, web):
        await post(box, web, link_attachment="https://example.com/a")
        box.clock.advance(DAY)
        asked = "views,likes,replies,reposts,quotes,clicks,followers_count"
        since = int((box.clock.now() - timedelta(days=3)).timestamp())
        params = {"metric": asked, "since": since, "until": since + 3 * DAY, "period": "day"}
        rows = {
            one["name"]: one for one in (await web.get("/me/threads_insights", params=params)).json()["data"]
        }
        assert len(rows["views"]["values"]) == 3
        assert rows["clicks"]["link_total_values"][0]["link_url"] == "https://example.com/a"
        assert rows["followers_count"]["total_value"] == {"value": 1500}
        early = {"metric": "likes", "since": 1_712_991_599}
        assert problem(await web.get("/me/threads_insights", params=early)) == (100, None)
        people = {"metric": "follower_demographics", "breakdown": "country"}
        assert (await web.get("/me/threads_insights", params=people)).status_code == 200
        assert (
            problem(await web.get("/me/threads_insights", params={"metric": "follower_demographics"}))[0]
            == 100
        )

    async def test_some_accounts_demand_a_period(self, box, web):
        box.threads.needs_period = True
        assert problem(await web.get("/me/threads_insights", params={"metric": "likes"})) == (100, None)
        asked = {"metric": "likes", "period": "day"}
        assert (await web.get("/me/threads_insights", params=asked)).status_code == 200

    async def test_quotas_are_counted_by_themselves_over_a_rolling_day(self, box, web):
        box.threads.posts_a_day = 2
        root = await post(box, web)
        box.clock.advance(DAY - 3600)
        await post(box, web)
        await post(box, web, text="Aye", reply_to_id=root)
        fields = "quota_usage,config,reply_quota_usage,reply_config,delete_quota_usage,delete_config"
        (told,) = (await read(web, "/me/threads_publishing_limit", fields))["data"]
        assert told["config"] == {"quota_total": 2, "quota_duration": 86400}
        assert (told["quota_usage"], told["reply_quota_usage"], told["delete_quota_usage"]) == (2, 1, 0)
        number = await container(web, text="Too many")
        box.clock.advance(30)
        assert problem(await publish(web, number)) == (100, None)
        box.clock.advance(3600)
        assert (await publish(web, number)).status_code == 200

    async def test_a_quota_needs_its_scope(self, box):
        async with talker(box, "brand", "threads_basic", "threads_content_publish") as narrow:
            path = "/me/threads_publishing_limit"
            assert (await narrow.get(path, params={"fields": "quota_usage"})).json() == {
                "data": [{"quota_usage": 0}]
            }
            assert problem(await narrow.get(path, params={"fields": "reply_quota_usage"}))[0] == 200

    async def test_a_spent_allowance_is_told_in_per_cent(self, box, web):
        box.fault("429", platform="threads", match="GET /v1.0/me/threads")
        answer = await web.get("/me/threads")
        assert problem(answer) == (4, None)
        assert json.loads(answer.headers["x-app-usage"])["call_count"] == 100


@pytest.mark.parametrize(("blocked", "live"), [("refused", 0), ("live", 1)])
async def test_the_spam_guard(box, web, blocked, live):
    box.threads.blocked = blocked
    number = await container(web, text="Ahoy")
    box.clock.advance(1)
    assert problem(await publish(web, number))[1] == 2207051
    assert len(box.timeline("threads")) == live


async def test_a_restricted_account(box, web):
    box.threads.restricted = True
    number = await container(web, text="Ahoy")
    box.clock.advance(1)
    assert problem(await publish(web, number))[1] == 4279013


async def test_scopes_are_looked_at(box):
    async with talker(box, "brand", "threads_basic") as narrow:
        assert problem(await create(narrow, text="Ahoy"))[0] == 200
        assert problem(await narrow.get("/me/replies"))[0] == 200
        assert problem(await narrow.delete("/5"))[0] == 200


async def test_a_request_that_is_lost_leaves_the_container_as_it_was(box, web):
    number = await container(web, text="Ahoy")
    box.clock.advance(1)
    box.fault("dropped-before", platform="threads")
    box.fault("twin", platform="threads")
    with pytest.raises(httpx.RemoteProtocolError):
        await publish(web, number)
    assert await status(web, number) == "FINISHED"
    assert len(box.timeline("threads")) == 1, "somebody else's"


def test_the_page_shows_what_is_special(box):
    there = box.threads
    given = {"topic_tag": "sea", "reply_control": "mentioned_only", "link_attachment": "https://example.com"}
    with box.client() as client:
        client.publish(Post("Ahoy"), "threads")
    (entry,) = box.timeline("threads")
    entry.extras["given"] |= given | {"is_ghost_post": "true", "gif_attachment": "{}"}
    assert list(there.shown_notes(entry)) == [
        "topic: sea",
        "replies from: mentioned_only",
        "disappears after a day",
        "with a GIF",
    ]
    assert there.shown_card(entry) == ("https://example.com", "", "")
    assert there.shown_counts(entry).keys() == {"replies", "reposts", "likes", "views"}
    assert there.display_name("brand") == "Brand"
