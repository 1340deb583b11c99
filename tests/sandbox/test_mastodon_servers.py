"""The Mastodon sandbox: what Akkoma and snac do otherwise, and what a server looks at in films, links and people."""

from __future__ import annotations

import attrs
import httpx
import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.sandbox.mastodon_views import Toot

STATUSES = "/api/v1/statuses"


@pytest.fixture
def box():
    with Sandbox(["mastodon"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    token = box.mastodon.token("brand")
    return http(box, base_url="https://mastodon.social", headers={"authorization": f"Bearer {token}"})


async def post(client: httpx.AsyncClient, text: str = "hello", **fields: object) -> dict:
    answer = await client.post(STATUSES, json={"status": text, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def upload(client: httpx.AsyncClient, data: bytes, **more: bytes) -> httpx.Response:
    files = {"file": ("a", data)} | {name: ("b", value) for name, value in more.items()}
    return await client.post("/api/v2/media", files=files)


@pytest.mark.parametrize(
    ("movie", "status", "words"),
    [
        ({"seconds": 10, "frames": 1200}, 202, ""),
        ({"seconds": 10, "frames": 1210}, 422, "121fps videos are not supported"),
        ({"seconds": 1200, "frames": 36_001}, 422, "too long"),
    ],
)
async def test_the_frames_of_a_film_are_counted(box, brand, movie, status, words):
    answer = await upload(brand, mp4(**movie))
    assert (answer.status_code, words in answer.json().get("error", words)) == (status, True)
    box.mastodon.software = "gotosocial"
    assert (await upload(brand, mp4(**movie))).status_code == 202


async def test_a_cover_is_a_picture(brand):
    assert (await upload(brand, mp4(), thumbnail=png(16, 9))).status_code == 202
    assert (await upload(brand, mp4(), thumbnail=b"nothing")).status_code == 422


async def test_links_are_shown_short_and_whole(brand):
    link = "https://example.com/a/rather/long/path/to/a/boat"
    content = (await post(brand, link))["content"]
    assert '<span class="invisible">https://</span>' in content
    assert '<span class="ellipsis">example.com/a/rather/long/path</span>' in content
    assert '<span class="invisible">/to/a/boat</span>' in content


async def test_blanks_around_a_text_are_not_kept(brand):
    made = await post(brand, "  two words \n", spoiler_text=" boats ")
    source = (await brand.get(f"{STATUSES}/{made['id']}/source")).json()
    assert (source["text"], made["spoiler_text"]) == ("two words", "boats")


async def test_people_are_mentioned_in_any_case(box, brand):
    await post(brand, "@Reader @OTHER@mastodon.social")
    assert box.mastodon.toots()[0].mentions == ["reader", "other"]


async def test_a_silenced_account_is_not_public(box, brand):
    box.mastodon.people["brand"].silenced = True
    assert (await post(brand))["visibility"] == "unlisted"
    assert (await post(brand, visibility="private"))["visibility"] == "private"


async def test_an_author_may_want_to_be_asked(box, brand):
    theirs = Toot(box.mastodon.new_id(), "reader", "Mine", box.mastodon.now(), policy="manual")
    box.mastodon.add(theirs)
    seen = (await brand.get(f"{STATUSES}/{theirs.id}")).json()["quote_approval"]
    assert (seen["current_user"], seen["manual"]) == ("manual", ["public"])
    made = await post(brand, quoted_status_id=theirs.id)
    assert made["quote"] == {"state": "pending", "quoted_status": None}


@pytest.mark.parametrize(("software", "found"), [("mastodon", 0), ("pleroma", 1)])
async def test_a_search_for_an_address_may_look_into_texts(box, brand, software, found):
    box.mastodon.software = software
    await post(brand, "see https://elsewhere.example/notice/7")
    params = {"q": "https://elsewhere.example/notice/7", "resolve": "true"}
    assert len((await brand.get("/api/v2/search", params=params)).json()["statuses"]) == found
    there = Toot(box.mastodon.new_id(), "reader", "x", box.mastodon.now(), uri=params["q"])
    box.mastodon.add(there)
    (hit,) = (await brand.get("/api/v2/search", params=params)).json()["statuses"]
    assert (hit["id"], hit["url"]) == (there.id, params["q"])


async def test_akkoma_quotes_by_its_own_field(box, brand):
    box.mastodon.software = "akkoma"
    first = await post(brand, "first")
    quoting = await post(brand, "second", quote_id=first["id"])
    assert (quoting["quote_id"], quoting["quote"]["id"]) == (first["id"], first["id"])
    assert "quote_approval" not in quoting
    told = (await brand.get("/api/v2/instance")).json()
    assert "quote_posting" in told["pleroma"]["metadata"]["features"]
    assert told["version"] == "2.7.2 (compatible; Akkoma 3.15.2)"
    info = (await brand.get("/nodeinfo/2.0")).json()["software"]
    assert info == {"name": "akkoma", "version": "3.15.2"}


async def test_pleroma_has_an_audience_of_its_own(box, brand):
    assert (await brand.post(STATUSES, json={"status": "x", "visibility": "local"})).status_code == 422
    box.mastodon.software = "pleroma"
    assert (await post(brand, visibility="local"))["visibility"] == "local"
    answer = await brand.post("/api/v2/media", files={"file": ("a", png())}, data={"focus": "0.5,0.5"})
    assert "focus" not in answer.json()["meta"]


async def test_snac_is_short_of_words(box, brand):
    box.mastodon.software = "snac"
    assert (await brand.get("/api/v2/instance")).status_code == 404
    assert (await brand.get("/api/v1/instance")).json()["version"] == "4.0.0 (not true; really snac/2.94)"
    missing = await brand.get(f"{STATUSES}/404")
    assert (missing.status_code, missing.content) == (404, b"")
    assert (await brand.get("/api/v1/accounts/verify_credentials")).json()["followers_count"] == 0


async def test_snac_makes_bold_words_and_keeps_no_source(box, brand):
    box.mastodon.software = "snac"
    picture = (await brand.post("/api/v2/media", files={"file": ("a", png())})).json()
    poll = {"options": ["a", "b"], "expires_in": 600}
    made = await post(brand, "**ahoy**", media_ids=[picture["id"]], poll=poll)
    assert (made["content"], made["media_attachments"]) == ("<p><b>ahoy</b></p>", [])
    assert (await brand.get(f"{STATUSES}/{made['id']}/source")).status_code == 404


async def test_a_server_may_want_longer_alt_texts(box, brand):
    box.mastodon.software = "gotosocial"
    box.mastodon.kind = attrs.evolve(box.mastodon.kind, description_minimum=5)
    told = (await brand.get("/api/v2/instance")).json()["configuration"]["media_attachments"]
    assert told["description_minimum"] == 5
    for alt, status in (("boat", 400), ("boats", 200)):
        files = {"file": ("a", png())}
        answer = await brand.post("/api/v2/media", files=files, data={"description": alt})
        assert answer.status_code == status
