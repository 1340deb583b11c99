"""The LinkedIn sandbox over HTTP: what the platform's facts say, one behaviour at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request

from media_files import mp4, png
from socialkit.contracts._samples import mp4 as sample_mp4
from socialkit.sandbox import Sandbox
from socialkit.sandbox.linkedin_media import PART

API = "https://api.linkedin.com"
PAGE = "urn:li:organization:2414183"
READS = "urn:li:organization:5515715"
VERSION = {"linkedin-version": "202609", "x-restli-protocol-version": "2.0.0"}
ME = "urn:li:person:8sYw-brAnd"
SELF_SERVE = ("openid", "profile", "w_member_social")


def enc(urn: str) -> str:
    return quote(urn, safe="")


@pytest.fixture
def box():
    with Sandbox(["linkedin"]) as made:
        yield made


@pytest.fixture
def client(box, http):
    """``client(...)`` is somebody with these scopes (all when none are named)."""

    def make(*scopes: str, username: str = "brand", **headers: str):
        token = box.linkedin.token(username, *scopes)
        wire = {"authorization": f"Bearer {token}", **VERSION, **headers}
        return http(box, base_url=API, headers=wire)

    return make


@pytest.fixture
def brand(client):
    return client()


def body(text: str = "Ahoy", author: str = PAGE, **more: Any) -> dict[str, Any]:
    spread = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}
    made = {"author": author, "commentary": text, "visibility": "PUBLIC", "distribution": spread}
    return {**made, "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": False, **more}


async def post(client, text: str = "Ahoy", **more: Any) -> str:
    answer = await client.post("/rest/posts", json=body(text, **more))
    assert answer.status_code == 201, answer.text
    assert answer.content == b""
    return answer.headers["x-restli-id"]


async def upload(client, owner: str = PAGE, data: bytes | None = None) -> str:
    asked = {"initializeUploadRequest": {"owner": owner}}
    value = (await client.post("/rest/images?action=initializeUpload", json=asked)).json()["value"]
    put = await client.put(value["uploadUrl"], content=data or png(), headers={"content-type": "image/png"})
    assert put.status_code == 201
    return value["image"]


TARGET = "/distribution/targetEntities/0"


def spread(*targets: dict[str, Any]) -> dict[str, Any]:
    return {"distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": list(targets)}}


# --- the wire ---


@pytest.mark.parametrize(
    ("headers", "code", "words"),
    [
        ({"linkedin-version": "202501"}, "NONEXISTENT_VERSION", "Requested version 20250101 is not active"),
        ({"linkedin-version": ""}, "VERSION_MISSING", "A version must be present"),
    ],
)
async def test_every_request_names_a_living_version(client, headers, code, words):
    answer = await client(**headers).post("/rest/posts", json=body())
    assert (answer.status_code, answer.json()["code"]) == (426, code)
    assert answer.json()["message"].startswith(words)


async def test_another_version_of_restli_is_refused(client):
    answer = await client(**{"x-restli-protocol-version": "1.0.0"}).get("/rest/posts?q=author")
    assert (answer.status_code, answer.json()["code"]) == (400, "ILLEGAL_ARGUMENT")


async def test_a_urn_in_a_path_is_encoded(brand):
    urn = await post(brand)
    answer = await brand.get(f"/rest/posts/{urn}")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Resource method could not be resolved from request parameters."
    assert (await brand.get(f"/rest/posts/{enc(urn)}")).status_code == 200


async def test_values_in_a_list_are_encoded(brand):
    urn = await post(brand)
    assert (await brand.get(f"/rest/posts?ids=List({urn})")).status_code == 400
    answer = (await brand.get(f"/rest/posts?ids=List({enc(urn)},{enc('urn:li:share:1')})")).json()
    assert list(answer["results"]) == [urn]
    assert answer["errors"]["urn:li:share:1"]["status"] == 404


async def test_a_token_that_is_none(client):
    answer = await client(authorization="Bearer guessed").post("/rest/posts", json=body())
    assert (answer.status_code, answer.json()["serviceErrorCode"]) == (401, 65600)


async def test_what_a_token_may_not_do_names_resource_method_and_version(client):
    thin = client(*SELF_SERVE)
    answer = await thin.post("/rest/posts", json=body())
    assert answer.status_code == 403
    told = {"message": "Not enough permissions to access: posts.CREATE.20260901", "serviceErrorCode": 100}
    assert answer.json() == {**told, "status": 403}
    assert (await thin.post("/rest/posts", json=body(author=ME))).status_code == 201
    listing = await thin.get(f"/rest/posts?q=author&author={enc(ME)}")
    assert listing.json()["message"].endswith("posts.FINDER-author.20260901")


@pytest.mark.parametrize("author", [READS, "urn:li:organization:1", "urn:li:person:3kQz_oTher"])
async def test_only_roles_that_post_post(brand, author):
    assert (await brand.post("/rest/posts", json=body(author=author))).status_code == 403


def test_a_member_has_a_quota_with_every_app(box):
    window = next(one for one in box.linkedin.windows if one.name == "member-share")
    issued = [box.linkedin.token_for("brand", *SELF_SERVE, client_id=f"app-{n}") for n in range(2)]
    heads = [[(b"authorization", f"Bearer {one.access_token}".encode())] for one in issued]
    asking = [Request({"type": "http", "headers": head, "query_string": b""}) for head in heads]
    assert [box.linkedin.limit_key(window, one) for one in asking] == ["app-0|brand", "app-1|brand"]


async def test_quotas_are_counted_anew_at_midnight(box, client):
    thin = client(*SELF_SERVE)
    for number in range(150):
        await post(thin, f"Number {number}", author=ME)
    answer = await thin.post("/rest/posts", json=body("One more", ME))
    assert (answer.status_code, answer.json()["serviceErrorCode"]) == (429, 101)
    assert " MEMBER DAY limit " in answer.json()["message"]
    assert "retry-after" not in answer.headers
    now = box.clock.now()
    box.clock.advance(86_399 - (now.hour * 3600 + now.minute * 60 + now.second))
    assert (await thin.post("/rest/posts", json=body("Two more", ME))).status_code == 429
    box.clock.advance(1)
    assert (await thin.post("/rest/posts", json=body("Two more", ME))).status_code == 201


async def test_the_development_tier_is_small_and_has_no_batches(box, brand):
    box.linkedin.tier = "development"
    urn = await post(brand)
    answer = await brand.get(f"/rest/posts?ids=List({enc(urn)})")
    assert answer.json()["message"] == "Not enough permissions to access: posts.BATCH_GET.20260901"
    for _ in range(98):
        await brand.get(f"/rest/posts/{enc(urn)}")
    assert (await brand.get(f"/rest/posts/{enc(urn)}")).status_code == 429


# --- posts ---


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"commentary": None}, "/commentary", "INVALID_VALUE"),
        ({"commentary": "x" * 3001}, "/commentary", "FIELD_LENGTH_TOO_LONG"),
        ({"visibility": "CONNECTIONS"}, "/visibility", "INVALID_VALUE"),
        ({"lifecycleState": "DRAFT"}, "/lifecycleState", "INVALID_VALUE"),
        ({"distribution": {}}, "/distribution/feedDistribution", "INVALID_VALUE"),
        (spread({"countries": ["urn:li:geo:1"]}), f"{TARGET}/countries", "ILLEGAL_ARGUMENT"),
        (spread({"degrees": []}), TARGET, "INVALID_VALUE"),
        ({"headline": "x"}, "/headline", "ILLEGAL_ARGUMENT"),
        ({"content": {"media": {"id": "urn:li:image:no"}}}, "/content/media/id", "INVALID_MEDIA"),
        ({"content": {"multiImage": {"images": [{}]}}}, "/content/multiImage/images", "VALUE_OUT_OF_RANGE"),
        ({"content": {"article": {"title": "x"}}}, "/content/article/source", "MISSING_FIELD"),
        (
            {"content": {"article": {"source": "https://example.com"}}},
            "/content/article/title",
            "MISSING_FIELD",
        ),
        ({"content": {"poll": {"question": "x", "options": []}}}, "/content/poll", "VALUE_OUT_OF_RANGE"),
        ({"content": {"carousel": {}}}, "/content/carousel", "ILLEGAL_ARGUMENT"),
        ({"content": {"poll": {}, "media": {}}}, "/content", "INVALID_VALUE"),
        ({"reshareContext": {"parent": "urn:li:share:1"}}, "/reshareContext/parent", "INVALID_VALUE"),
    ],
)
async def test_what_is_refused_names_its_place(box, brand, change, field, code):
    answer = await brand.post("/rest/posts", json=body(**change))
    assert answer.status_code == 400
    (problem,) = answer.json()["errorDetails"]["inputErrors"]
    assert (problem["input"]["inputPath"]["fieldPath"], problem["code"]) == (field, code)
    assert box.timeline("linkedin") == []


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, the value itself first."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*at, name))


def with_(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    changed = copy.deepcopy(value)
    place = changed
    for name in at[:-1]:
        place = place[name]
    place[at[-1]] = new
    return changed


IMAGES = {"multiImage": {"images": [{"id": "urn:li:image:x"}, {"id": "urn:li:image:y", "altText": "a"}]}}
CARD = {
    "article": {
        "source": "https://example.com",
        "title": "t",
        "description": "d",
        "thumbnail": "urn:li:image:1",
    }
}
QUESTION = {"question": "q", "options": [{"text": "a"}, {"text": "b"}], "settings": {"duration": "ONE_DAY"}}
UPDATE = {"x-restli-method": "PARTIAL_UPDATE"}


@pytest.mark.parametrize(
    ("path", "sound", "headers"),
    [
        ("/rest/posts", body(content={"media": {"id": "urn:li:image:x", "altText": "a"}}), {}),
        ("/rest/posts", body(content=IMAGES, **spread({"degrees": ["x"]})), {}),
        ("/rest/posts", body(content=CARD, reshareContext={"parent": "urn:li:share:1"}), {}),
        ("/rest/posts", body(content={"poll": QUESTION}), {}),
        ("/rest/posts/{}", {"patch": {"$set": {"commentary": "x"}}}, UPDATE),
        ("/rest/socialMetadata/{}", {"patch": {"$set": {"commentsState": "OPEN"}}}, UPDATE),
        (
            "/rest/socialActions/{}/comments",
            {
                "actor": PAGE,
                "message": {"text": "x", "attributes": []},
                "content": [{"entity": {"image": "x"}}],
            },
            {},
        ),
        (
            "/rest/videos?action=initializeUpload",
            {"initializeUploadRequest": {"owner": PAGE, "fileSizeBytes": 5}},
            {},
        ),
        ("/rest/videos?action=finalizeUpload", {"finalizeUploadRequest": {"uploadedPartIds": ["a"]}}, {}),
    ],
)
async def test_a_body_of_another_shape_is_refused_at_its_place(brand, path, sound, headers):
    urn = enc(await post(brand, "something else"))
    for at in places(sound):
        for wrong in (None, -5, [None], {"x": 1}, [[]]):
            answer = await brand.post(path.format(urn), json=with_(sound, at, wrong), headers=headers)
            assert answer.status_code == 400, (at, wrong)
            (problem,) = answer.json()["errorDetails"]["inputErrors"]
            told = problem["input"]["inputPath"]["fieldPath"].strip("/").split("/")
            assert told[: len(at)] == [str(name) for name in at], (at, wrong)


@pytest.mark.parametrize("name", ["author", "commentary", "visibility", "distribution", "lifecycleState"])
async def test_fields_that_must_be_there(brand, name):
    given = body()
    del given[name]
    answer = await brand.post("/rest/posts", json=given)
    assert answer.json()["errorDetails"]["inputErrors"][0]["code"] == "MISSING_FIELD"


@pytest.mark.parametrize(
    ("settings", "good"),
    [
        ({}, True),
        ({"isVoterVisibleToAuthor": False}, False),
        ({"duration": "TWO_DAYS"}, False),
        ({"voteSelectionType": "MULTIPLE_VOTE"}, False),
    ],
)
async def test_polls(brand, settings, good):
    chosen = {
        "duration": "ONE_DAY",
        "voteSelectionType": "SINGLE_VOTE",
        "isVoterVisibleToAuthor": True,
        **settings,
    }
    poll = {"question": "Which?", "options": [{"text": "port"}, {"text": "starboard"}], "settings": chosen}
    answer = await brand.post("/rest/posts", json=body("", content={"poll": poll}))
    assert (answer.status_code == 201) is good


async def test_text_ends_at_a_bare_reserved_character(box, brand):
    await post(brand, r"Ahoy \(all\) #boats (and more)")
    await post(brand, r"See @[Example Shipyard](urn:li:organization:2414183)")
    first, second = box.timeline("linkedin")
    assert first.text == "Ahoy (all) #boats "
    assert (second.text, second.extras["mentioned"]) == ("See Example Shipyard", [PAGE])


async def test_the_same_text_again_is_refused_and_names_the_first(box, brand):
    urn = await post(brand)
    answer = await brand.post("/rest/posts", json=body())
    assert (answer.status_code, answer.json()["code"]) == (422, "DUPLICATE_POST")
    assert answer.json()["message"].endswith(f"Content is a duplicate of {urn}")
    assert (await brand.post("/rest/posts", json=body(author=ME))).status_code == 201


async def test_a_deleted_post_still_counts_and_is_a_ghost(box, brand):
    urn = await post(brand)
    for _ in range(2):
        assert (await brand.delete(f"/rest/posts/{enc(urn)}")).status_code == 204
    assert urn in (await brand.post("/rest/posts", json=body())).json()["message"]
    assert (await brand.get(f"/rest/posts/{enc(urn)}")).status_code == 404
    box.clock.advance(86_400)
    assert (await brand.post("/rest/posts", json=body())).status_code == 201


async def test_a_post_is_shown_listed_and_edited(box, brand):
    urns = [await post(brand, f"Number {number}") for number in range(3)]
    box.clock.advance(60)
    headers = {"x-restli-method": "PARTIAL_UPDATE"}
    change = {"patch": {"$set": {"commentary": "New"}}}
    assert (await brand.post(f"/rest/posts/{enc(urns[0])}", json=change)).status_code == 405
    assert (await brand.post(f"/rest/posts/{enc(urns[0])}", json=change, headers=headers)).status_code == 204
    shown = (await brand.get(f"/rest/posts/{enc(urns[0])}")).json()
    assert (shown["id"], shown["commentary"], shown["lifecycleState"]) == (urns[0], "New", "PUBLISHED")
    assert shown["lastModifiedAt"] - shown["publishedAt"] == 60_000
    assert shown["lifecycleStateInfo"] == {"isEditedByAuthor": True}
    fixed = {"patch": {"$set": {"content": {}}}}
    assert (await brand.post(f"/rest/posts/{enc(urns[0])}", json=fixed, headers=headers)).status_code == 400
    page = (await brand.get(f"/rest/posts?q=author&author={enc(PAGE)}&count=2&start=1")).json()
    assert [one["id"] for one in page["elements"]] == [urns[1], urns[0]]
    assert (page["paging"]["start"], page["paging"]["links"]) == (1, [])
    answer = await brand.get(f"/rest/posts?q=author&author={enc(PAGE)}&count=101")
    assert answer.status_code == 400


async def test_a_201_may_come_without_its_id(box, brand):
    box.linkedin.says_ids = False
    answer = await brand.post("/rest/posts", json=body())
    assert (answer.status_code, "x-restli-id" in answer.headers) == (201, False)


# --- media ---


async def test_a_picture_belongs_to_its_owner(brand):
    image = await upload(brand)
    content = {"media": {"id": image, "altText": "A boat"}}
    assert (await brand.post("/rest/posts", json=body("Mine", ME, content=content))).status_code == 400
    assert (await brand.post("/rest/posts", json=body("Ours", content=content))).status_code == 201


async def test_a_picture_is_used_when_it_is_processed(box, brand):
    box.fault("still-processing", platform="linkedin", match="PUT *", seconds=20)
    image = await upload(brand)
    content = {"media": {"id": image}}
    answer = await brand.post("/rest/posts", json=body(content=content))
    assert answer.json()["errorDetails"]["inputErrors"][0]["code"] == "MEDIA_ASSET_PROCESSING_IN_PROGRESS"
    assert (await brand.get(f"/rest/images/{enc(image)}")).json()["status"] == "PROCESSING"
    box.clock.advance(20)
    assert (await brand.get(f"/rest/images/{enc(image)}")).json()["status"] == "AVAILABLE"
    assert (await brand.post("/rest/posts", json=body(content=content))).status_code == 201


async def test_what_is_no_picture_fails(brand):
    image = await upload(brand, data=b"no picture at all")
    shown = (await brand.get(f"/rest/images/{enc(image)}")).json()
    assert (shown["status"], bool(shown["processingFailureReason"])) == ("PROCESSING_FAILED", True)


async def test_an_upload_address_is_signed_and_ends(box, brand):
    asked = {"initializeUploadRequest": {"owner": PAGE}}
    value = (await brand.post("/rest/images?action=initializeUpload", json=asked)).json()["value"]
    url = value["uploadUrl"]
    assert url.startswith("https://www.linkedin.com/dms-uploads/")
    headers = {"content-type": "image/png"}
    assert (await brand.put(url[:-1] + "x", content=png(), headers=headers)).status_code == 403
    assert (await brand.put(url, content=png(), headers={**headers, "authorization": ""})).status_code == 401
    box.clock.advance(86_400)
    assert (await brand.put(url, content=png(), headers=headers)).status_code == 403


async def video(client, data: bytes, *, cut: int = PART, order: int = 1, size: int | None = None):
    request = {
        "owner": PAGE,
        "fileSizeBytes": size or len(data),
        "uploadCaptions": False,
        "uploadThumbnail": False,
    }
    asked = {"initializeUploadRequest": request}
    value = (await client.post("/rest/videos?action=initializeUpload", json=asked)).json()["value"]
    etags = []
    for number, part in enumerate(value["uploadInstructions"]):
        piece = data[number * cut : (number + 1) * cut]
        headers = {"content-type": "application/octet-stream", "authorization": ""}
        put = await client.put(part["uploadUrl"], content=piece, headers=headers)
        assert put.status_code == 200
        etags.append(put.headers["etag"].strip('"'))
    final = {"video": value["video"], "uploadToken": value["uploadToken"], "uploadedPartIds": etags[::order]}
    answer = await client.post("/rest/videos?action=finalizeUpload", json={"finalizeUploadRequest": final})
    return value, answer


async def test_a_video_in_parts_of_four_mebibytes(box, brand):
    data = mp4() + bytes(PART + 7)
    value, answer = await video(brand, data)
    bytes_ = [(one["firstByte"], one["lastByte"]) for one in value["uploadInstructions"]]
    assert bytes_ == [(0, PART - 1), (PART, len(data) - 1)]
    assert (answer.status_code, answer.content) == (200, b"")
    urn = value["video"]
    assert (await brand.get(f"/rest/videos/{enc(urn)}")).json()["status"] == "PROCESSING"
    box.clock.advance(3)
    assert (await brand.get(f"/rest/videos/{enc(urn)}")).json()["status"] == "AVAILABLE"
    made = await post(brand, "See", content={"media": {"id": urn, "title": "The boat"}})
    assert made.startswith("urn:li:ugcPost:")


@pytest.mark.parametrize("seconds", [2.0, 1801.0])
async def test_a_video_too_short_or_too_long_fails(box, brand, seconds):
    value, _ = await video(brand, sample_mp4(seconds))
    box.clock.advance(3)
    assert (await brand.get(f"/rest/videos/{enc(value['video'])}")).json()["status"] == "PROCESSING_FAILED"


@pytest.mark.parametrize("wrong", [{"cut": PART // 2}, {"order": -1}])
async def test_parts_of_other_sizes_or_in_another_order_are_no_video(brand, wrong):
    _, answer = await video(brand, mp4() + bytes(PART + 7), **wrong)
    assert answer.status_code == 400


async def test_somebody_elses_video_is_forbidden(brand, client):
    value, _ = await video(brand, mp4())
    final = {"finalizeUploadRequest": {"video": value["video"], "uploadToken": "", "uploadedPartIds": []}}
    answer = await client(username="other").post("/rest/videos?action=finalizeUpload", json=final)
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("Accessing this video resource is forbidden")


# --- comments ---


async def comment(client, urn: str, text: str = "Aye", **more: Any):
    given = {"actor": PAGE, "object": urn, "message": {"text": text, "attributes": []}, **more}
    return await client.post(
        f"/rest/socialActions/{enc(more.get('parentComment', urn))}/comments", json=given
    )


async def test_comments_answer_posts_and_comments(box, brand):
    urn = await post(brand)
    first = await comment(brand, urn, "Aye (all)")
    told = first.json()
    assert first.status_code == 201
    assert told["commentUrn"] == f"urn:li:comment:({urn},{first.headers['x-restli-id']})"
    second = await comment(brand, urn, "Indeed", parentComment=told["commentUrn"])
    assert second.json()["parentComment"] == told["commentUrn"]
    listed = (await brand.get(f"/rest/socialActions/{enc(urn)}/comments?start=0&count=10")).json()
    assert [one["message"]["text"] for one in listed["elements"]] == ["Aye (all)"]
    place = f"/rest/socialActions/{enc(urn)}/comments/{told['id']}?actor={enc(PAGE)}"
    change = {"patch": {"message": {"$set": {"text": "No"}}}}
    assert (
        await brand.post(place, json=change, headers={"x-restli-method": "PARTIAL_UPDATE"})
    ).status_code == 204
    assert box.timeline("linkedin")[1].text == "No"
    for _ in range(2):
        assert (await brand.delete(place)).status_code == 204


async def test_what_a_comment_may_not_be(brand):
    urn = await post(brand)
    assert (await comment(brand, urn, "x" * 1251)).status_code == 400
    assert (await comment(brand, urn, "")).status_code == 400
    assert (await comment(brand, "urn:li:share:1")).status_code == 404
    made = (await comment(brand, urn)).json()
    place = f"/rest/socialActions/{enc(urn)}/comments/{made['id']}?actor={enc(PAGE)}"
    for text in ("x" * 1251, ""):
        change = {"patch": {"message": {"$set": {"text": text}}}}
        edit = await brand.post(place, json=change, headers={"x-restli-method": "PARTIAL_UPDATE"})
        assert edit.status_code == 400
    closed = {"patch": {"$set": {"commentsState": "CLOSED"}}}
    headers = {"x-restli-method": "PARTIAL_UPDATE"}
    answer = await brand.post(f"/rest/socialMetadata/{enc(urn)}", json=closed, headers=headers)
    assert answer.json()["value"]["commentsState"] == "CLOSED"
    assert (await comment(brand, urn)).status_code == 403


# --- numbers ---


async def test_statistics_of_posts_by_kind(box, brand):
    urn = await post(brand)
    box.clock.advance(86_400)
    start = (
        f"/rest/organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={enc(PAGE)}"
    )
    (row,) = (await brand.get(f"{start}&shares=List({enc(urn)},urn%3Ali%3Ashare%3A1)")).json()["elements"]
    assert row["share"] == urn
    counts = row["totalShareStatistics"]
    done = sum(counts[name] for name in ("clickCount", "likeCount", "commentCount", "shareCount"))
    assert counts["engagement"] == done / counts["impressionCount"]
    assert (await brand.get(f"{start}&ugcPosts=List({enc(urn)})")).status_code == 400
    total = (await brand.get(start)).json()["elements"][0]["totalShareStatistics"]
    assert total["impressionCount"] == counts["impressionCount"]
    box.linkedin.quiet = frozenset({urn})
    assert (await brand.get(f"{start}&shares=List({enc(urn)})")).json()["elements"] == []


def days(since, until, grain: str = "DAY") -> str:
    first, last = (int(one.timestamp() * 1000) for one in (since, until))
    return f"&timeIntervals=(timeRange:(start:{first},end:{last}),timeGranularityType:{grain})"


async def test_statistics_of_a_page_day_by_day(box, brand):
    today = box.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    urn = await post(brand)
    box.clock.advance(2 * 86_400)
    start = (
        f"/rest/organizationalEntityShareStatistics?q=organizationalEntity&organizationalEntity={enc(PAGE)}"
    )
    range_ = days(today - timedelta(days=1), today + timedelta(days=2))
    rows = (await brand.get(start + range_)).json()["elements"]
    counts = [row["totalShareStatistics"]["impressionCount"] for row in rows]
    assert [bool(count) for count in counts] == [False, True, False]
    assert rows[1]["timeRange"]["start"] == int(today.timestamp() * 1000)
    for wrong in (
        f"{range_}&shares=List({enc(urn)})",
        days(today, today),
        days(today - timedelta(days=400), today),
        days(today, today + timedelta(days=1), "HOUR"),
        "&timeIntervals=(timeRange:(start:x))",
    ):
        assert (await brand.get(start + wrong)).status_code == 400


async def test_a_members_posts_together_of_some_days(box, client):
    await post(client(), author=ME)
    box.clock.advance(3 * 86_400)
    path = "/rest/memberCreatorPostAnalytics?q=me&queryType=IMPRESSION&aggregation=TOTAL"
    (all_,) = (await client().get(path)).json()["elements"]
    assert all_["count"] > 0
    made = (box.clock.now() - timedelta(days=3)).date()
    before, after = made - timedelta(days=1), made + timedelta(days=1)
    for first, last, count in ((made, after, all_["count"]), (before, made, 0)):
        one, other = (f"(day:{day.day},month:{day.month},year:{day.year})" for day in (first, last))
        (told,) = (await client().get(f"{path}&dateRange=(start:{one},end:{other})")).json()["elements"]
        assert told["count"] == count
    assert (await client().get(f"{path}&dateRange=(start:(day:1),end:(day:2))")).status_code == 400
    daily = path.replace("TOTAL", "DAILY").replace("IMPRESSION", "MEMBERS_REACHED")
    assert (await client().get(daily)).status_code == 400


async def test_a_query_in_the_body_of_a_post(brand):
    urn = await post(brand)
    query = f"q=organizationalEntity&organizationalEntity={enc(PAGE)}&shares=List({enc(urn)})"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    path = "/rest/organizationalEntityShareStatistics"
    assert (await brand.post(path, content=query, headers=headers)).status_code == 405
    headers["x-http-method-override"] = "GET"
    assert (await brand.post(path, content=query, headers=headers)).status_code == 200


async def test_the_type_of_a_members_metric_changed_its_form(client):
    urn = await post(client(), author=ME)
    path = f"/rest/memberCreatorPostAnalytics?q=entity&entity=(share:{enc(urn)})&queryType=IMPRESSION&aggregation=TOTAL"
    (new,) = (await client().get(path)).json()["elements"]
    assert new["metricType"] == "IMPRESSION"
    (old,) = (await client(**{"linkedin-version": "202604"}).get(path)).json()["elements"]
    assert list(old["metricType"].values()) == ["IMPRESSION"]
    assert (await client(*SELF_SERVE).get(path)).status_code == 403
    wrong = path.replace("(share:", "(ugc:")
    assert (await client().get(wrong)).status_code == 400


async def test_pages_and_roles(client):
    rows = (await client().get("/rest/organizationAcls?q=roleAssignee&state=APPROVED")).json()["elements"]
    assert [(one["organization"], one["role"]) for one in rows] == [
        (PAGE, "ADMINISTRATOR"),
        (READS, "ANALYST"),
    ]
    assert (await client(*SELF_SERVE).get("/rest/organizationAcls?q=roleAssignee")).status_code == 403
    page = (await client().get("/rest/organizations/2414183")).json()
    assert (page["localizedName"], page["vanityName"]) == ("Example Shipyard", "example-shipyard")
