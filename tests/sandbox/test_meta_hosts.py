"""One host for Facebook and for Instagram with a Page, as Meta has it: whose a request is, its object says."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sign_in_talk import bearer

from socialkit import Client, Facebook, Image, Instagram, Post, Threads, Video
from socialkit.sandbox import Sandbox
from socialkit.sandbox.picture import sample_photo, sample_picture, sample_video

GRAPH = "https://graph.facebook.com/v26.0"
PAGE, IG = "245628824887810", "17841406338772941"


@pytest.fixture(params=[["facebook", "instagram", "threads"], ["threads", "instagram", "facebook"], None])
def box(request):
    with Sandbox(request.param) as made:
        yield made


@pytest.fixture
def client(box):
    accounts = {
        "page": Facebook(**box.facebook.credentials()),
        "gram": Instagram(**box.instagram.page_credentials()),
        "threads": Threads(**box.threads.credentials()),
    }
    with Client(accounts, transport=box.transport, clock=box.clock, media_host=box.files) as made:
        yield made


@pytest.fixture
def web(box, http):
    client = http(box, headers=bearer(box.facebook.page_token_of("brand")))
    client.base_url = f"{GRAPH}/"
    return client


def problem(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


def platforms(box, host_path: str) -> set[str]:
    return {one.platform for one in box.requests if one.path.startswith(host_path)}


def test_both_publish_are_measured_and_deleted_on_one_host(box, client):
    picture = Image(sample_photo(), alt="A boat")
    report = client.publish(Post("We ship today", media=[picture]), to=["page", "gram", "threads"])
    assert {name: report[name].status for name in report} == dict.fromkeys(report, "published")
    assert [len(box.timeline(name)) for name in ("facebook", "instagram", "threads")] == [1, 1, 1]
    box.clock.advance(86_400)
    rows = client.fetch_metrics(report)
    assert not rows.errors
    assert all(row.likes for row in rows)
    batches = [one.platform for one in box.requests if one.path == "/v26.0" and one.method == "POST"]
    assert sorted(batches) == ["facebook", "instagram"]
    assert [one.id for one in client.fetch_posts("gram", limit=5)] == [report["gram"].receipt.id]
    assert [one.id for one in client.fetch_posts("page", limit=5)] == [report["page"].receipt.id]
    for name in ("page", "gram"):
        client.delete(report[name].receipt)
    assert [len(box.timeline(name)) for name in ("facebook", "instagram")] == [0, 0]


def test_bytes_of_both_go_to_one_host(box, client):
    reel = Video(sample_video())
    post = Post("Ahoy", media=[reel]).variant("facebook", Facebook.Options(format="reel"))
    report = client.publish(post, to=["page", "gram"], wait=300)
    assert {report[name].status for name in report} == {"published"}
    assert platforms(box, "/video-upload/") == {"facebook"}
    assert platforms(box, "/ig-api-upload/") == {"instagram"}


def test_faults_and_lost_answers_keep_to_the_platform_they_are_for(box, client):
    box.fault("stored-then-500", platform="instagram")
    report = client.publish(Post("Ahoy", media=[Image(sample_photo())]), to=["page", "gram"], wait=600)
    assert {report[name].status for name in report} == {"published"}
    assert [len(box.timeline(name)) for name in ("facebook", "instagram")] == [1, 1]
    answers = [(one.platform, one.status) for one in box.requests if one.step == "commit"]
    assert ("facebook", 200) in answers
    assert ("instagram", 500) in answers


async def test_tokens_reach_the_page_and_its_account(box, web):
    fields = {"fields": "id,instagram_business_account{id,username}"}
    linked = {"id": IG, "username": "brand"}
    for path in ("me", PAGE):
        told = (await web.get(path, params=fields)).json()
        assert told == {"id": PAGE, "instagram_business_account": linked}
    assert (await web.get(IG, params={"fields": "username,media_count"})).json()["media_count"] == 0
    narrow = bearer(box.instagram.page_token("brand", "pages_show_list"))
    assert (await web.get("me", params=fields, headers=narrow)).json() == {"id": PAGE}
    held = box.facebook.token_for("brand").access_token
    pages = (await web.get("me/accounts", params=fields, headers=bearer(held))).json()["data"]
    assert pages[0] == {"id": PAGE, "instagram_business_account": linked}
    dead = bearer("EAAnobody")
    for path in ("me", IG, f"{IG}/media", f"{PAGE}/feed"):
        assert problem(await web.get(path, headers=dead)) == (190, None)


async def test_what_nobody_knows_is_refused_alike(web):
    for method, path in (
        ("GET", "17890000000000001"),
        ("GET", "17890000000000001/media"),
        ("POST", "17890000000000001/media_publish"),
        ("DELETE", "17890000000000001"),
        ("GET", f"{PAGE}_1"),
        ("GET", "17841400927364415/media"),
    ):
        assert problem(await web.request(method, path)) == (100, 33), (method, path)
    assert problem(await web.get("me/media")) == (2500, None)
    assert problem(await web.get(f"{IG}/feed")) == (2500, None)
    assert problem(await web.get("", params={"ids": f"{PAGE},{IG}"})) == (100, None)


async def test_a_batch_may_ask_of_both(box, web):
    items: list[dict[str, Any]] = [
        {"method": "POST", "relative_url": f"{PAGE}/feed", "body": "message=Ahoy&published=true"},
        {"method": "GET", "relative_url": f"v26.0/{IG}?fields=username"},
        {"method": "GET", "relative_url": "1789"},
        {"method": "GET", "relative_url": f"{PAGE}?fields=name"},
        {"method": "GET", "relative_url": f"{IG}/media", "access_token": "EAAnobody"},
    ]
    answer = await web.post("", data={"batch": json.dumps(items), "include_headers": "false"})
    rows = answer.json()
    told = [json.loads(row["body"]) for row in rows]
    assert [row["code"] for row in rows] == [200, 200, 400, 200, 400]
    assert box.facebook.find(told[0]["id"]).text == "Ahoy"
    assert told[1] == {"username": "brand", "id": IG}
    assert told[2]["error"]["error_subcode"] == 33
    assert told[3] == {"name": "Brand", "id": PAGE}
    assert told[4]["error"]["code"] == 190
    assert box.requests[-1].platform == "facebook"
    swapped = await web.post("", data={"batch": json.dumps(items[1:])})
    assert swapped.json()[0]["headers"]
    assert box.requests[-1].platform == "instagram"
    for number in (0, 51):
        many = await web.post("", data={"batch": json.dumps(items[1:2] * number)})
        assert problem(many) == (100, None)


async def test_a_batch_that_cannot_be_read_is_facebooks_to_refuse(web):
    for given in ("[1]", "{", ""):
        assert problem(await web.post("", data={"batch": given})) == (100, None)


async def test_a_body_that_cannot_be_read_is_refused_by_whose_path_it_is(box, web):
    head = {"content-type": "multipart/form-data"}
    for path, platform in ((f"{PAGE}/photos", "facebook"), (f"{IG}/media", "instagram"), ("", "facebook")):
        answer = await web.post(path, headers=head, content=b"x")
        assert problem(answer) == (100, None)
        assert box.requests[-1].platform == platform


async def test_files_are_shown_by_whose_they_are(box, client, web):
    report = client.publish(Post("Ahoy", media=[Image(sample_picture(400, 400))]), to="gram")
    url = (await web.get(str(report["gram"].receipt.id), params={"fields": "media_url"})).json()["media_url"]
    assert url.startswith("https://graph.facebook.com/media/")
    assert (await web.get(url)).headers["content-type"] == "image/jpeg"


def test_served_each_answers_below_its_own_path(box):
    with box.serve() as base, httpx.Client(headers=bearer(box.instagram.page_token())) as web:
        assert web.get(f"{base}/instagram/v26.0/{IG}", params={"fields": "username"}).status_code == 200
        assert web.get(f"{base}/facebook/v26.0/me", params={"fields": "name"}).json()["name"] == "Brand"
        assert problem(web.get(f"{base}/facebook/v26.0/{IG}/media")) == (100, 33)
        asked = [{"method": "GET", "relative_url": IG}, {"method": "GET", "relative_url": "me"}]
        rows = web.post(f"{base}/instagram/v26.0/", data={"batch": json.dumps(asked)}).json()
        assert [row["code"] for row in rows] == [200, 200]
