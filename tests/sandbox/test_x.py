"""The X sandbox over HTTP: what the platform's facts say, one behaviour at a time."""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
import secrets
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest

from media_files import gif, mp4, png
from socialkit.sandbox import Sandbox
from socialkit.sandbox.x_auth import signature

API = "https://api.x.com"
POSTS = "/2/tweets"
TIMELINE = "/2/users/1500000000000000001/tweets"


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


@pytest.fixture
def app(box, http):
    """A client with the app-only token."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.app_token()}"})


@pytest.fixture
def anybody(box, http):
    """A client without a token."""
    return http(box, base_url=API)


async def post(client, text="hello", **fields):
    answer = await client.post(POSTS, json={"text": text, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def read(client, post_id, **query):
    answer = await client.get(f"{POSTS}/{post_id}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def upload(client, data, category="tweet_image"):
    files = {"media": ("a", data, "application/octet-stream")}
    return await client.post("/2/media/upload", files=files, data={"media_category": category})


async def start(client, total, category="tweet_video", kind="video/mp4"):
    fields = {"media_type": kind, "media_category": category, "total_bytes": total}
    answer = await client.post("/2/media/upload/initialize", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["id"]


async def append(client, media_id, index, data):
    path = f"/2/media/upload/{media_id}/append"
    return await client.post(path, files={"media": ("a", data)}, data={"segment_index": str(index)})


async def send_video(client, data, pieces=2):
    size = math.ceil(len(data) / pieces)
    media_id = await start(client, len(data))
    for index in range(pieces):
        answer = await append(client, media_id, index, data[index * size : (index + 1) * size])
        assert answer.status_code == 200
    return await client.post(f"/2/media/upload/{media_id}/finalize")


def problem_of(answer):
    """Status and the sentences of an error."""
    value = answer.json()
    return answer.status_code, [error["message"] for error in value.get("errors", ())] or value["detail"]


# --- posting ---


async def test_a_post_is_a_snowflake_of_the_clock_and_201(box, brand):
    made = await post(brand, "We ship today")
    assert (int(made["id"]) >> 22) + 1288834974657 == 1793610000000
    assert made == {"id": made["id"], "text": "We ship today", "edit_history_tweet_ids": [made["id"]]}
    assert [(entry.text, entry.url) for entry in box.timeline("x")] == [
        ("We ship today", f"https://x.com/brand/status/{made['id']}")
    ]


async def test_links_become_short_and_stand_in_entities(brand):
    made = await post(brand, "A & <b> https://example.com/a?b=1&c=2 #launch $ABC @reader example.com")
    assert made["text"].startswith("A &amp; &lt;b&gt; https://t.co/")
    seen = (await read(brand, made["id"], **{"tweet.fields": "entities,display_text_range"}))["data"]
    text, entities = seen["text"], seen["entities"]
    cut = {kind: [text[mark["start"] : mark["end"]] for mark in marks] for kind, marks in entities.items()}
    assert cut["urls"] == [link["url"] for link in entities["urls"]]
    assert [link["expanded_url"] for link in entities["urls"]] == [
        "https://example.com/a?b=1&c=2",
        "http://example.com",
    ]
    assert (cut["hashtags"], cut["cashtags"], cut["mentions"]) == (["#launch"], ["$ABC"], ["@reader"])
    assert entities["mentions"][0]["id"] == "1500000000000000002"
    assert seen["display_text_range"] == [0, len(text)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"txt": "x"}, "$.txt: is not defined in the schema"),
        ({"text": 1}, "$.text: integer found, string expected"),
        ({}, "$.text: is required unless there is media"),
        ({"text": "  "}, "$.text: is required unless there is media"),
        ({"text": "a\ufeffb"}, "$.text: holds characters that are not allowed"),
        ({"text": "x", "reply_settings": "nobody"}, "does not have a value in the enumeration"),
        ({"text": "x", "media": {"media_ids": []}}, "must be a minimum of 1 items"),
        ({"text": "x", "media": {"media_ids": ["1"] * 5}}, "must be a maximum of 4 items"),
        ({"text": "x", "media": {"media_ids": [1]}}, "integer found, string expected"),
        ({"text": "x", "media": {"media_ids": ["17"]}}, "Your media IDs are invalid."),
        ({"text": "x", "poll": {"options": ["a"], "duration_minutes": 5}}, "minimum of 2 items"),
        ({"text": "x", "poll": {"options": ["a", "b" * 26], "duration_minutes": 5}}, "25 characters"),
        ({"text": "x", "poll": {"options": ["a", ""], "duration_minutes": 5}}, "at least 1 characters"),
        ({"text": "x", "poll": {"options": ["a", "b"], "duration_minutes": 4}}, "minimum value of 5"),
        ({"text": "x", "poll": {"options": ["a", "b"], "duration_minutes": 10_081}}, "value of 10080"),
        ({"text": "x", "poll": {"options": ["a", "b"]}}, "$.poll.duration_minutes: is missing"),
        ({"text": "x", "reply": {}}, "$.reply.in_reply_to_tweet_id: is missing"),
        (
            {"text": "x", "quote_tweet_id": "1", "poll": {"options": ["a", "b"], "duration_minutes": 5}},
            "may not be used together",
        ),
    ],
)
async def test_a_bad_field_is_named(box, brand, fields, message):
    answer = await brand.post(POSTS, json=fields)
    status, messages = problem_of(answer)
    assert status == 400
    assert answer.json()["type"] == "https://api.x.com/2/problems/invalid-request"
    assert any(message in each for each in messages)
    assert box.timeline("x") == []


async def test_every_bad_field_is_told_at_once(brand):
    _, messages = problem_of(await brand.post(POSTS, json={"text": 1, "colour": "red"}))
    assert len(messages) == 2


@pytest.mark.parametrize("text", ["x" * 281, "東" * 141, "👩‍🚀" * 141, "x" * 257 + " https://example.com/a"])
async def test_281_weighted_characters_are_too_long(brand, text):
    answer = await brand.post(POSTS, json={"text": text})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == 186
    await post(brand, text[1:])


async def test_premium_posts_are_long_and_cut_in_text(box, brand):
    box.x.people["brand"].subscription = "Premium"
    whole = "sea & " * 100
    made = await post(brand, whole)
    seen = (await read(brand, made["id"], **{"tweet.fields": "note_tweet"}))["data"]
    assert seen["note_tweet"]["text"] == whole.replace("&", "&amp;")
    assert seen["text"].endswith("…")
    assert len(seen["text"].replace("&amp;", "&")) <= 280
    assert (await brand.post(POSTS, json={"text": "x" * 25_001})).status_code == 403


async def test_the_same_text_again_is_refused(box, brand, reader):
    first = await post(brand, "Ship it")
    answer = await brand.post(POSTS, json={"text": " Ship  it "})
    assert answer.json() == {
        "title": "Forbidden",
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "status": 403,
    }
    await post(reader, "Ship it")
    await brand.delete(f"{POSTS}/{first['id']}")
    await post(brand, "Ship it")
    box.clock.advance(86_401)
    await post(box_client := brand, "Ship it") if False else None
    assert box_client_is_expired(await brand.get("/2/users/me"))


def box_client_is_expired(answer):
    return answer.status_code == 401
