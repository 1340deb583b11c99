"""The Pinterest sandbox answers as the real one: pins, boards, uploads, analytics, refusals; and the adapter on it."""

from __future__ import annotations

import base64
import json
import math
from datetime import timedelta

import httpx
import pytest
from sign_in_talk import bearer

from media_files import gif, mp4, png
from socialkit import Client, Image, Post, Status, Video, errors
from socialkit.adapters.pinterest import Pinterest, PinterestOptions
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

API = "https://api.pinterest.com/v5"
DAY = 86_400
QUERY = {
    "start_date": "2026-11-02",
    "end_date": "2026-11-05",
    "metric_types": "IMPRESSION,SAVE,TOTAL_REACTIONS",
}
FILM = mp4(seconds=5.0, size=(1080, 1920))


@pytest.fixture
def box():
    with Sandbox(["pinterest"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    return http(box, headers=bearer(box.pinterest.credentials()["token"]))


@pytest.fixture
def board(box):
    return box.pinterest.board("Boats")


def picture(data: bytes | None = None, kind: str = "image/png") -> dict:
    return {"content_type": kind, "data": base64.b64encode(data or png(40, 60)).decode()}


def source(**fields) -> dict:
    return {"source_type": "image_base64", **picture(), **fields}


async def make(brand, board, **fields) -> httpx.Response:
    return await brand.post(f"{API}/pins", json={"board_id": board.id, "media_source": source(), **fields})


def told(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


class TestPins:
    async def test_a_pin_and_how_it_is_shown(self, box, brand, board):
        words = {
            "title": "News",
            "description": "We ship",
            "link": "https://example.com/boat",
            "alt_text": "A boat",
        }
        answer = await make(brand, board, **words)
        assert answer.status_code == 201
        assert answer.headers["x-pinterest-rid"].isdecimal()
        assert answer.headers["x-ratelimit-limit"] == "100"
        pin = answer.json()
        assert {name: pin[name] for name in words} == words
        assert (pin["creative_type"], pin["board_id"], pin["is_owner"]) == ("REGULAR", board.id, True)
        assert "+" not in pin["created_at"]
        assert "Z" not in pin["created_at"]
        originals = pin["media"]["images"]["originals"]
        assert (originals["width"], originals["height"]) == (40, 60)
        assert (await brand.get(originals["url"])).content == png(40, 60)
        assert (await brand.get(f"{API}/pins/{pin['id']}")).json() == pin
        assert pin["pin_metrics"] is None

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"title": "x" * 101}, "maxLength=100"),
            ({"description": "x" * 801}, "maxLength=800"),
            ({"alt_text": "x" * 501}, "maxLength=500"),
            ({"link": "https://example.com/" + "x" * 2048}, "maxLength=2048"),
            ({"link": "https://bit.ly/3abc"}, "blocked"),
            ({"board_id": "boats"}, "does not match '^\\d+$'"),
            ({"board_id": None}, "not of type 'string'"),
            ({"publish_at": "2027-01-01"}, "publish_at"),
            ({"media_source": {"source_type": "image_file"}}, "source_type"),
            ({"media_source": source(data="data:image/png;base64,")}, "does not match"),
            ({"media_source": source(data="AAA")}, "not base64"),
            ({"media_source": source(content_type="image/gif")}, "image/jpeg"),
            ({"media_source": source(content_type="image/jpeg")}, "not what it says"),
            ({"media_source": {"source_type": "multiple_image_base64", "items": [picture()]}}, "minItems=2"),
            (
                {"media_source": {"source_type": "multiple_image_base64", "items": [picture()] * 6}},
                "maxItems=5",
            ),
            (
                {
                    "media_source": {
                        "source_type": "multiple_image_base64",
                        "items": [picture(), picture(png(9, 9))],
                    }
                },
                "same size",
            ),
            (
                {
                    "media_source": {
                        "source_type": "multiple_image_base64",
                        "items": [picture()] * 2,
                        "index": 2,
                    }
                },
                "out of range",
            ),
            (
                {
                    "media_source": {
                        "source_type": "multiple_image_base64",
                        "items": [picture(), {**picture(), "link": "https://bit.ly/x"}],
                    }
                },
                "link is blocked",
            ),
            (
                {"media_source": {"source_type": "image_url", "url": "https://nowhere.invalid/a.png"}},
                "Unable to reach the URL",
            ),
            ({"media_source": {"source_type": "image_url", "url": "https://example.com/page"}}, "no image"),
        ],
    )
    async def test_what_is_refused(self, box, brand, board, change, words):
        answer = await make(brand, board, **change)
        assert told(answer) == (400, 1)
        assert words in answer.json()["message"]
        assert not box.timeline("pinterest")

    async def test_a_picture_that_is_too_large(self, box, brand, board):
        box.pinterest.image_bytes = 20
        assert told(await make(brand, board)) == (400, 1)

    async def test_no_board_no_pin(self, brand, board):
        assert told(await brand.post(f"{API}/pins", json={"media_source": source()})) == (400, 1)
        assert told(await make(brand, board, board_id="12")) == (404, 40)
        assert told(await make(brand, board, board_section_id="12")) == (404, 2031)

    async def test_a_board_somebody_writes_to(self, box, brand, board):
        box.pinterest.busy[board.id] = 1
        assert told(await make(brand, board)) == (409, 409)
        assert (await make(brand, board)).status_code == 201

    async def test_apps_on_trial_may_pin_on_pinterest_s_sandbox_alone(self, box, brand, board):
        box.pinterest.access = "trial"
        answer = await make(brand, board)
        assert told(answer) == (403, 29)
        assert "Trial" in answer.json()["message"]
        there = API.replace("api.", "api-sandbox.")
        body = {"board_id": board.id, "media_source": source()}
        assert (await brand.post(f"{there}/pins", json=body)).status_code == 201

    async def test_a_day_of_an_app_on_trial(self, box, brand):
        box.pinterest.access = "trial"
        for _ in range(1000):
            assert (await brand.get(f"{API}/boards")).status_code == 200
        box.clock.advance(120)
        answer = await brand.get(f"{API}/boards")
        assert told(answer) == (429, 8)
        assert int(answer.headers["x-ratelimit-reset"]) > 3600

    async def test_scopes(self, box, http, board):
        pinterest = box.pinterest
        reading = http(box, headers=bearer(pinterest.token_for("brand", "pins:read").access_token))
        assert told(await make(reading, board)) == (401, 3)
        assert told(await reading.get(f"{API}/pins")) == (401, 3)
        assert told(await http(box).get(f"{API}/pins")) == (401, 2)

    async def test_analytics_have_a_limit_of_their_own(self, box, brand):
        query = {"start_date": "2026-11-01", "end_date": "2026-11-02"}
        statuses = [
            (await brand.get(f"{API}/user_account/analytics", params=query)).status_code for _ in range(61)
        ]
        assert statuses.count(200) == 60
        assert statuses[-1] == 429
        assert (await brand.get(f"{API}/pins")).status_code == 200

    async def test_lists_go_on_with_a_bookmark(self, box, brand, board):
        ids = [(await make(brand, board, description=str(number))).json()["id"] for number in range(5)]
        seen, bookmark = [], None
        while True:
            query = {"page_size": 2} | ({"bookmark": bookmark} if bookmark else {})
            page = (await brand.get(f"{API}/boards/{board.id}/pins", params=query)).json()
            seen += [pin["id"] for pin in page["items"]]
            if (bookmark := page["bookmark"]) is None:
                break
        assert seen == ids[::-1]
        for bad in ({"page_size": 251}, {"bookmark": "?"}):
            assert told(await brand.get(f"{API}/pins", params=bad)) == (400, 1)

    async def test_a_pin_in_a_section_is_listed_there(self, box, brand, board):
        (section,) = board.sections
        made = (await make(brand, board, board_section_id=section)).json()
        path = f"{API}/boards/{board.id}"
        assert (await brand.get(f"{path}/sections/{section}/pins")).json()["items"] == [made]
        assert (await brand.get(f"{path}/pins")).json()["items"] == []
        box.pinterest.board_lists_sections = True
        assert (await brand.get(f"{path}/pins")).json()["items"] == [made]

    async def test_a_pin_is_changed_and_deleted(self, box, brand, board):
        pin_id = (await make(brand, board, title="Old", link="https://example.com/a")).json()["id"]
        change = {"title": "New", "link": None, "board_id": box.pinterest.board("Harbour").id}
        changed = (await brand.patch(f"{API}/pins/{pin_id}", json=change)).json()
        assert (changed["title"], changed["link"], changed["board_id"]) == tuple(change.values())
        assert told(await brand.patch(f"{API}/pins/{pin_id}", json={"media_source": {}})) == (400, 1)
        box.pinterest.edits = False
        assert told(await brand.patch(f"{API}/pins/{pin_id}", json=change)) == (403, 29)
        assert (await brand.delete(f"{API}/pins/{pin_id}")).status_code == 204
        assert told(await brand.delete(f"{API}/pins/{pin_id}")) == (404, 50)

    async def test_saved_pins_are_not_own_ones(self, box, brand, board):
        made = (await make(brand, board)).json()["id"]
        saved = (await brand.post(f"{API}/pins/{made}/save", json={"board_id": board.id})).json()
        assert saved["parent_pin_id"] == made
        for name, left in (("exclude_repins", made), ("exclude_native", saved["id"])):
            listed = (await brand.get(f"{API}/pins", params={"pin_filter": name})).json()["items"]
            assert [pin["id"] for pin in listed] == [left]

    async def test_pins_of_others_are_not_shown(self, box, brand, board, http):
        made = (await make(brand, board)).json()["id"]
        other = http(box, headers=bearer(box.pinterest.token_for("other").access_token))
        assert told(await other.get(f"{API}/pins/{made}")) == (404, 50)
        assert told(await make(other, board)) == (404, 40)
        assert (await other.get(f"{API}/pins")).json() == {"items": [], "bookmark": None}


class TestBoards:
    async def test_boards_and_sections(self, box, brand):
        made = (await brand.post(f"{API}/boards", json={"name": "Sea", "privacy": "PROTECTED"})).json()
        names = [one["name"] for one in (await brand.get(f"{API}/boards")).json()["items"]]
        assert names == ["Boats", "Harbour", "Sea"]
        path = f"{API}/boards/{made['id']}"
        section = (await brand.post(f"{path}/sections", json={"name": "Waves"})).json()
        assert (await brand.get(f"{path}/sections")).json()["items"] == [section]
        renamed = await brand.patch(f"{path}/sections/{section['id']}", json={"name": "Foam"})
        assert renamed.json()["name"] == "Foam"
        assert (await brand.delete(f"{path}/sections/{section['id']}")).status_code == 204
        assert (await brand.patch(path, json={"name": "Ocean"})).json()["name"] == "Ocean"
        assert (await brand.delete(path)).status_code == 204
        assert told(await brand.get(path)) == (404, 40)
        assert told(await brand.post(f"{API}/boards", json={})) == (400, 1)

    async def test_secret_boards_want_their_own_scope(self, box, brand, http):
        hidden = box.pinterest.add_board("brand", "Plans", privacy="SECRET")
        assert told(await brand.get(f"{API}/boards/{hidden.id}")) == (404, 40)
        everything = http(box, headers=bearer(box.pinterest.token_for("brand").access_token))
        assert (await everything.get(f"{API}/boards/{hidden.id}")).status_code == 200
        query = {"privacy": "SECRET"}
        assert len((await everything.get(f"{API}/boards", params=query)).json()["items"]) == 1
        await make(everything, hidden)
        counts = [len((await one.get(f"{API}/pins")).json()["items"]) for one in (brand, everything)]
        assert counts == [0, 1]


class TestUploads:
    @pytest.fixture
    async def form(self, brand):
        return (await brand.post(f"{API}/media", json={"media_type": "video"})).json()

    async def put(self, box, http, form, *, data=FILM, **options) -> httpx.Response:
        anybody = http(box)
        fields = {**form["upload_parameters"], **options.pop("fields", {})}
        return await anybody.post(form["upload_url"], data=fields, files={"file": ("a.mp4", data)}, **options)

    async def state(self, brand, form) -> str:
        return (await brand.get(f"{API}/media/{form['media_id']}")).json()["status"]

    async def test_a_video_from_registering_to_the_pin(self, box, brand, board, form, http):
        assert form["upload_url"] == "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"
        assert await self.state(brand, form) == "registered"
        video = {"source_type": "video_id", "media_id": form["media_id"], "cover_image_key_frame_time": 2}
        assert told(await make(brand, board, media_source=video)) == (404, 404)
        answer = await self.put(box, http, form)
        assert (answer.status_code, answer.content) == (204, b"")
        assert await self.state(brand, form) == "processing"
        box.clock.advance(6)
        assert await self.state(brand, form) == "succeeded"
        listed = (await brand.get(f"{API}/media")).json()["items"]
        assert [one["media_id"] for one in listed] == [form["media_id"]]
        pin = (await make(brand, board, media_source=video)).json()
        assert (pin["creative_type"], pin["media"]["duration"], pin["media"]["width"]) == (
            "VIDEO",
            5000.0,
            1080,
        )

    async def test_a_video_without_a_cover(self, box, brand, board, form, http):
        await self.put(box, http, form)
        box.clock.advance(6)
        bare = {"source_type": "video_id", "media_id": form["media_id"]}
        answer = await make(brand, board, media_source=bare)
        assert told(answer) == (400, 1)
        assert "cover_image_url or cover_image_content_type" in answer.json()["message"]
        for cover in (
            {"cover_image_url": "https://example.com/a.jpg"},
            {"cover_image_content_type": "image/png", "cover_image_data": picture()["data"]},
        ):
            assert (await make(brand, board, media_source={**bare, **cover})).status_code == 201

    @pytest.mark.parametrize(
        "what", ["field missing", "field changed", "authorization", "late", "no file", "file first"]
    )
    async def test_what_s3_refuses(self, box, brand, form, http, what):
        fields, options = dict(form["upload_parameters"]), {}
        if what == "field missing":
            del fields["x-amz-security-token"]
        if what == "field changed":
            fields["policy"] = "e30="
        if what == "late":
            box.clock.advance(3601)
        headers = bearer("pina_x") if what == "authorization" else {}
        parts = [(name, (None, value)) for name, value in fields.items()]
        parts.insert(0 if what == "file first" else len(parts), ("file", ("a.mp4", FILM)))
        if what == "no file":
            parts = parts[:-1]
        answer = await http(box).post(form["upload_url"], files=parts, headers=headers, **options)
        assert answer.status_code in (400, 403)
        assert answer.headers["content-type"].startswith("application/xml")
        assert await self.state(brand, form) == "registered"

    async def test_s3_takes_no_put(self, box, form, http):
        assert (await http(box).put(form["upload_url"], content=FILM)).status_code == 403

    @pytest.mark.parametrize("data", [png(), mp4(seconds=3.0), mp4(seconds=901.0)])
    async def test_what_is_no_such_video_fails_to_process(self, box, brand, form, http, data):
        await self.put(box, http, form, data=data)
        box.clock.advance(6)
        answer = (await brand.get(f"{API}/media/{form['media_id']}")).json()
        assert (answer["status"], answer["failure_code"]) == ("failed", "VIDEO_INVALID")

    async def test_media_of_nobody(self, brand):
        assert told(await brand.get(f"{API}/media/12")) == (404, 404)
        assert told(await brand.post(f"{API}/media", json={"media_type": "image"})) == (400, 1)


class TestNumbers:
    async def test_days_are_counted_a_day_late(self, box, brand, board):
        pin_id = (await make(brand, board)).json()["id"]
        box.clock.advance(3 * DAY)
        told_one = (await brand.get(f"{API}/pins/{pin_id}/analytics", params=QUERY)).json()["all"]
        statuses = [day["data_status"] for day in told_one["daily_metrics"]]
        assert statuses == ["READY", "READY", "PROCESSING", "PROCESSING"]
        days = [day["metrics"]["IMPRESSION"] for day in told_one["daily_metrics"]]
        assert days[2:] == [0, 0]
        assert sum(days) == told_one["summary_metrics"]["IMPRESSION"] > 0
        assert told_one["lifetime_metrics"].keys() == {"TOTAL_REACTIONS"}
        many = await brand.get(f"{API}/pins/analytics", params={**QUERY, "pin_ids": pin_id})
        assert many.json() == {pin_id: {"all": told_one}}

    @pytest.mark.parametrize(
        "query",
        [
            {"start_date": "2026-07-01"},
            {"end_date": "2026-11-01"},
            {"start_date": "today"},
            {"metric_types": "VIDEO_MRC_VIEW"},
            {"metric_types": ""},
        ],
    )
    async def test_queries_that_are_refused(self, brand, board, query):
        pin_id = (await make(brand, board)).json()["id"]
        answer = await brand.get(f"{API}/pins/{pin_id}/analytics", params={**QUERY, **query})
        assert told(answer) == (400, 1)

    async def test_a_pin_that_is_gone_spoils_the_answer_or_is_left_out(self, box, brand, board):
        pin_id = (await make(brand, board)).json()["id"]
        query = [*QUERY.items(), ("pin_ids", pin_id), ("pin_ids", "12")]
        assert told(await brand.get(f"{API}/pins/analytics", params=query)) == (404, 50)
        box.pinterest.spoiled_by_one = False
        assert list((await brand.get(f"{API}/pins/analytics", params=query)).json()) == [pin_id]

    async def test_who_may_not_ask(self, box, brand, board, http):
        pin_id = (await make(brand, board)).json()["id"]
        box.pinterest.many_at_once = False
        answer = await brand.get(f"{API}/pins/analytics", params={**QUERY, "pin_ids": pin_id})
        assert told(answer) == (403, 29)
        other = http(box, headers=bearer(box.pinterest.token_for("other").access_token))
        assert told(await other.get(f"{API}/user_account/analytics", params=QUERY)) == (403, 403)
        assert told(await other.get(f"{API}/pins/{pin_id}/analytics", params=QUERY)) == (403, 403)

    async def test_pins_tell_their_numbers_when_asked(self, box, brand, board):
        pin_id = (await make(brand, board)).json()["id"]
        box.clock.advance(DAY)
        shown = (await brand.get(f"{API}/pins/{pin_id}", params={"pin_metrics": "true"})).json()[
            "pin_metrics"
        ]
        assert shown["lifetime_metrics"]["impression"] > 0
        assert shown["90d"].keys() == {"pin_click", "impression", "clickthrough"}

    async def test_the_account(self, box, brand, board):
        await make(brand, board)
        box.clock.advance(4 * DAY)
        told_all = (
            await brand.get(f"{API}/user_account/analytics", params={**QUERY, "metric_types": "SAVE"})
        ).json()
        assert told_all["all"]["summary_metrics"]["SAVE"] > 0
        me = (await brand.get(f"{API}/user_account")).json()
        assert (me["pin_count"], me["board_count"]) == (1, 2)
        page = (await brand.get(f"{API}/user_account/followers", params={"page_size": 3})).json()
        assert (len(page["items"]), bool(page["bookmark"])) == (3, True)


# --- the adapter on it ------------------------------------------------------------------------------------
@pytest.fixture
def client(box):
    with box.client(store=MemoryStore()) as made:
        yield made


def pinned(outcome):
    assert outcome.status is Status.PUBLISHED, outcome.error or outcome.problems
    return outcome.receipt


def publish(client, post, **options):
    return client.publish(post, "pinterest", errors="return", **options)["pinterest"]


def asked(box) -> list[str]:
    return [f"{one.step} {one.method} {one.path}" for one in box.requests]


def test_a_video_with_a_cover_is_pinned(box, client):
    film = Video(FILM, alt="A boat sails", thumbnail=Image(png(40, 60)))
    receipt = pinned(publish(client, Post("We ship", media=[film])))
    assert asked(box)[-6:] == [
        "prepare POST /v5/media",
        "prepare POST /",
        *["read GET /v5/media/" + box.timeline("pinterest")[0].media[0]["id"]] * 3,
        "commit POST /v5/pins",
    ]
    (entry,) = box.timeline("pinterest")
    assert entry.id == receipt.id
    assert box.pinterest.media[entry.media[0]["cover"]]["data"] == png(40, 60)


def test_a_video_whose_processing_lasts_goes_on_with_the_same_key(box, client):
    box.fault("still-processing", platform="pinterest", seconds=2000)
    post = Post("We ship", media=[Video(FILM, alt="A boat sails")])
    first = publish(client, post, idempotency_key="film")
    assert first.status is Status.FAILED
    assert "still processing" in str(first.error)
    assert not box.timeline("pinterest")
    box.clock.advance(2000)
    pinned(publish(client, post, idempotency_key="film"))
    assert asked(box).count("prepare POST /") == 1


def test_a_video_that_fails_to_process_is_a_refusal(box, client):
    box.fault("processing-failed", platform="pinterest")
    outcome = publish(client, Post("We ship", media=[Video(FILM, alt="A boat sails")]))
    assert isinstance(outcome.error, errors.Declined)
    assert "VIDEO_INVALID" in str(outcome.error)


@pytest.mark.parametrize(("count", "kind"), [(1, "REGULAR"), (2, "CAROUSEL")])
def test_pictures_by_address_are_fetched_by_pinterest(box, client, count, kind):
    urls = [f"https://example.com/boat-{number}.png" for number in range(count)]
    pinned(publish(client, Post("We ship", media=[Image.from_url(url, alt="A boat") for url in urls])))
    (entry,) = box.timeline("pinterest")
    assert entry.extras["creative_type"] == kind
    assert [one["from"] for one in entry.media] == urls


async def test_a_gif_goes_by_its_address(box, http):
    place = box.files.place("moving.gif", "image/gif", 1, "0" * 64)
    await http(box).put(place.upload_url, content=gif(8, 8, 2))
    with box.client(store=MemoryStore()) as client:
        pinned(publish(client, Post("Moving", media=[Image.from_url(place.url, alt="A boat")])))
    assert box.timeline("pinterest")[0].media[0]["mime"] == "image/gif"


def test_a_carousel_in_a_section_is_found_again(box, client):
    box.fault("dropped-after", platform="pinterest")
    pictures = [Image(png(40, 60), alt="One"), Image(png(40, 60), alt="Two")]
    options = PinterestOptions(section="Sails", slot_links=("https://example.com/1",))
    receipt = pinned(publish(client, Post("We ship", media=pictures).variant("pinterest", options), wait=600))
    (entry,) = box.timeline("pinterest")
    assert entry.id == receipt.id
    assert [one["alt"] for one in entry.media] == ["One", "Two"]
    assert entry.extras["slots"][0]["link"] == "https://example.com/1"


def test_one_key_is_for_one_board(box):
    given = box.pinterest.credentials()
    accounts = {name: Pinterest(**{**given, "board": name}) for name in ("Boats", "Harbour")}
    post = Post("We ship", media=[Image(png(40, 60), alt="A boat")])
    place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore()}
    with Client(accounts, **place) as client:
        client.publish(post, "Boats", idempotency_key="k")
        with pytest.raises(errors.KeyReused):
            client.publish(post, "Harbour", idempotency_key="k")
        client.publish(post, "Harbour", idempotency_key="k2")
    boards = [box.pinterest.boards[pin.extras["board"]].name for pin in box.timeline("pinterest")]
    assert boards == ["Boats", "Harbour"]


def test_a_board_that_is_busy_is_waited_for(box, client, board):
    box.pinterest.busy[board.id] = 2
    pinned(publish(client, Post("We ship", media=[Image(png(40, 60), alt="A boat")])))
    assert asked(box).count("commit POST /v5/pins") == 3
    assert len(box.timeline("pinterest")) == 1


def test_an_address_that_cannot_be_reached_at_once_is_tried_again(box, client, monkeypatch):
    fetch, misses = box.files.fetch, [None, None]
    monkeypatch.setattr(type(box.files), "fetch", lambda _, url: misses.pop() if misses else fetch(url))
    pinned(
        publish(client, Post("We ship", media=[Image.from_url("https://example.com/boat.png", alt="A boat")]))
    )
    assert asked(box).count("commit POST /v5/pins") == 3


def test_an_app_on_trial_is_told_where_it_may_pin(box, client):
    box.pinterest.access = "trial"
    outcome = publish(client, Post("We ship", media=[Image(png(40, 60), alt="A boat")]))
    assert outcome.status is Status.FAILED
    assert "api-sandbox.pinterest.com" in str(outcome.error)


def test_pinterest_s_own_sandbox_is_another_server(box):
    box.pinterest.access = "trial"
    token = box.pinterest.credentials()["token"]
    account = Pinterest(token=token, board="Boats", server="https://api-sandbox.pinterest.com")
    place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore()}
    with Client({"pinterest": account}, **place) as client:
        receipt = pinned(publish(client, Post("We ship", media=[Image(png(40, 60), alt="A boat")])))
    assert receipt.url.startswith("https://www.pinterest.com/pin/")


def test_a_token_that_ends_is_renewed_and_the_new_refresh_token_kept(box, client):
    pinned(publish(client, Post("One", media=[Image(png(40, 60), alt="A boat")])))
    for number in range(2):
        box.clock.advance(31 * DAY)
        pinned(publish(client, Post(f"More {number}", media=[Image(png(40, 60), alt="A boat")])))
    assert box.pinterest.refresh_count == 2


def test_metrics_of_pictures_and_videos_in_two_requests(box, client):
    posts = [Post(f"Number {n}", media=[Image(png(40, 60), alt="A boat")]) for n in range(3)]
    posts.append(Post("Film", media=[Video(FILM, alt="A boat sails")]))
    receipts = [pinned(publish(client, post)) for post in posts]
    box.clock.advance(4 * DAY)
    table = client.fetch_metrics(receipts)
    assert asked(box).count("read GET /v5/pins/analytics") == 2
    midnight = box.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    assert all(row.impressions for row in table)
    assert {row.as_of for row in table} == {midnight - timedelta(days=1)}
    assert [row.video_views is None for row in table] == [True, True, True, False]
    assert table[3].watch_seconds > 0
    box.pinterest.many_at_once = False
    assert [row.impressions for row in client.fetch_metrics(receipts)] == [row.impressions for row in table]
    box.pinterest.refresh_seconds = math.inf
    box.clock.advance(100 * DAY)
    old = client.fetch_metrics(receipts)
    assert all(row.impressions > then.impressions for row, then in zip(old, table, strict=True))
    assert all(row.saves is None for row in old)


def test_account_metrics_of_a_period(box, client):
    pinned(publish(client, Post("One", media=[Image(png(40, 60), alt="A boat")])))
    box.clock.advance(4 * DAY)
    (row,) = client.fetch_account_metrics("pinterest", since=box.clock.now() - timedelta(days=5))
    assert (row.followers, row.impressions > 0) == (10, True)
    assert not row.missing.keys() & {"followers", "impressions"}


def test_the_page_shows_the_board(box, client):
    options = PinterestOptions(section="Sails")
    post = Post("We ship", link="https://example.com/boat", media=[Image(png(40, 60), alt="A boat")])
    pinned(publish(client, post.variant("pinterest", options)))
    with box.serve() as url:
        page = httpx.get(url, trust_env=False).text
    assert "on Boats / Sails" in page
    assert "https://example.com/boat" in page


def test_secrets_of_a_form_stand_nowhere(box, client):
    report = client.publish(
        Post("Film", media=[Video(FILM, alt="A boat sails")]), "pinterest", idempotency_key="k"
    )
    (upload,) = box.pinterest.uploads.values()
    shown = f"{report!r}{json.dumps([one.to_dict() for one in client.history()])}{box.requests!r}"
    hidden = [upload.fields[name] for name in ("x-amz-signature", "x-amz-security-token", "policy")]
    assert not [secret for secret in hidden if secret in shown]
