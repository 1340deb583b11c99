"""X: every answer the sandbox gives is as X describes it, in the dialect asked.

X describes less than it says. What it answers beside its description, and the facts know, is listed here:
problems of the type ``about:blank``, of missing credits, of the month's cap and of wrong credentials, the older
coded errors, the reason why processing of media failed, and everything under ``/oauth2``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox

from .specs import SpecViolation, check_exchange, validator

pytestmark = pytest.mark.specs

API = "https://api.x.com"
UNDESCRIBED = {
    "about:blank",
    "https://api.x.com/2/problems/credits",
    "https://api.x.com/2/problems/oauth1-permissions",
    "https://api.x.com/2/problems/unsupported-authentication",
    "https://api.x.com/2/problems/usage-capped",
}
ME = "/2/users/1500000000000000001"
POST_FIELDS = (
    "attachments,card_uri,community_id,conversation_id,created_at,display_text_range,edit_controls,entities,"
    "lang,non_public_metrics,organic_metrics,paid_partnership,possibly_sensitive,public_metrics,"
    "reply_settings,source,text"
)
OLDER = {
    "tweet.fields": f"{POST_FIELDS},author_id,in_reply_to_user_id,note_tweet,referenced_tweets",
    "expansions": "attachments.media_keys,attachments.poll_ids,author_id,entities.mentions.username,"
    "in_reply_to_user_id,referenced_tweets.id",
}
NEWER = {
    "post.fields": f"{POST_FIELDS},note_post",
    "expansions": "attachments.media_keys,attachments.poll_ids,author_id,entities.mentions.username,"
    "in_reply_to_user_id,referenced_posts",
}
BOTH = {
    "user.fields": "created_at,description,profile_image_url,protected,public_metrics,subscription_type,"
    "verified,verified_type",
    "media.fields": "alt_text,duration_ms,height,media_key,non_public_metrics,organic_metrics,"
    "preview_image_url,public_metrics,type,url,width",
    "poll.fields": "duration_minutes,end_datetime,id,options,voting_status",
}


def checked(answer: httpx.Response) -> str:
    """Check request and answer; gives how the answer leaves the description, or nothing."""
    request = answer.request
    validator("x").check_request(request.method, str(request.url), request.headers, request.read())
    value = answer.json()
    if value.get("type") in UNDESCRIBED:
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"title", "detail", "type", "status"} <= value.keys()
        assert value["status"] == answer.status_code >= 400
        return str(value["type"])
    if "code" in (value.get("errors") or [{}])[0]:
        assert answer.status_code == 403
        return f"code {value['errors'][0]['code']}"
    check_exchange(validator("x"), answer)
    return ""


@pytest.fixture
def box():
    with Sandbox(["x"]) as made:
        made.x.access = "enterprise"
        made.x.people["brand"].subscription = "Premium"
        yield made


@pytest.fixture
async def brand(box) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every exchange is checked, and must be as described."""

    async def as_described(answer: httpx.Response) -> None:
        await answer.aread()
        assert checked(answer) == ""

    headers = {"authorization": f"Bearer {box.x.token('brand')}"}
    async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
        client.event_hooks = {"response": [as_described]}
        yield client


@pytest.fixture
async def bare(box) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the brand's token and no checks."""
    headers = {"authorization": f"Bearer {box.x.token('brand')}"}
    async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
        yield client


async def post(client: httpx.AsyncClient, text: str, **fields) -> str:
    answer = await client.post("/2/tweets", json={"text": text, **fields})
    return str(answer.json()["data"]["id"])


async def picture(client: httpx.AsyncClient) -> str:
    files, form = {"media": ("a.png", png(), "image/png")}, {"media_category": "tweet_image"}
    medium = (await client.post("/2/media/upload", files=files, data=form)).json()["data"]["id"]
    words = {"alt_text": {"text": "A boat at sea"}}
    await client.post("/2/media/metadata", json={"id": medium, "metadata": words})
    return str(medium)


async def video(client: httpx.AsyncClient) -> str:
    data = mp4()
    fields = {"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": len(data)}
    medium = (await client.post("/2/media/upload/initialize", json=fields)).json()["data"]["id"]
    form, files = {"segment_index": "0"}, {"media": ("a.mp4", data, "video/mp4")}
    await client.post(f"/2/media/upload/{medium}/append", data=form, files=files)
    await client.post(f"/2/media/upload/{medium}/finalize")
    return str(medium)


async def harbour(box: Sandbox, client: httpx.AsyncClient) -> list[str]:
    """A timeline with one post of every kind, two hours old; their ids."""
    film, words = await video(client), "x" * 300
    for _ in range(4):
        await client.get("/2/media/upload", params={"command": "STATUS", "media_id": film})
        box.clock.advance(1)
    root = await post(client, "See https://example.com?a=1&b=2 #launch $ABC @reader <b>")
    poll = {"options": ["port", "starboard"], "duration_minutes": 60}
    ids = [
        root,
        await post(client, "A reply", reply={"in_reply_to_tweet_id": root}, reply_settings="following"),
        await post(client, "A quote", quote_tweet_id=root),
        await post(client, "Which?", poll=poll),
        await post(client, "A picture", media={"media_ids": [await picture(client)]}),
        await post(client, "A film", media={"media_ids": [film]}, paid_partnership=True),
        await post(client, words, made_with_ai=True),
        await post(client, "Edited", edit_options={"previous_post_id": await post(client, "Editted")}),
    ]
    reposted = await client.post(f"{ME}/retweets", json={"tweet_id": root})
    box.clock.advance(3600)
    return [*ids, reposted.json()["data"]["rest_id"]]


@pytest.mark.parametrize("words", [OLDER, NEWER], ids=["older", "newer"])
async def test_posts_of_every_kind_in_both_dialects(box, brand, words):
    ids = await harbour(box, brand)
    query = {**words, **BOTH}
    seen = (await brand.get("/2/tweets", params={"ids": ",".join([*ids, "17"]), **query})).json()
    assert len(seen["data"]) == len(ids)
    assert len(seen["includes"]) == 4
    for post_id in [*ids, "17"]:
        await brand.get(f"/2/tweets/{post_id}", params=query)
    page = (await brand.get(f"{ME}/tweets", params={"max_results": 5, **query})).json()
    token = {"max_results": 5, "pagination_token": page["meta"]["next_token"]}
    assert (await brand.get(f"{ME}/tweets", params={**token, **query})).json()["data"]
    assert (await brand.get("/2/tweets/search/recent", params={"query": "from:brand", **query})).json()[
        "data"
    ]
    await brand.get(f"{ME}/mentions", params=query)
    await brand.get("/2/users/17/tweets", params=query)
    box.clock.advance(60)


async def test_private_metrics_of_others_and_of_old_posts(box, brand):
    box.x.access_seconds = 1e9
    mine = await post(brand, "old")
    token = box.x.token("reader")
    foreign = await post_as(box, token, "foreign")
    box.clock.advance(31 * 86_400)
    for words in (OLDER, NEWER):
        seen = await brand.get("/2/tweets", params={"ids": f"{mine},{foreign}", **words})
        assert len(seen.json()["errors"]) == 4


async def post_as(box: Sandbox, token: str, text: str) -> str:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
        return await post(client, text)


async def test_users_numbers_and_what_changes_a_timeline(box, brand):
    ids = await harbour(box, brand)
    await brand.get("/2/users/me", params={"user.fields": BOTH["user.fields"]})
    await brand.get("/2/users/by/username/nobody")
    await brand.get("/2/users/by/username/reader", params={"user.fields": "public_metrics"})
    await brand.get("/2/users/by", params={"usernames": "brand,nobody"})
    await brand.get("/2/users", params={"ids": "1500000000000000001,17"})
    await brand.get("/2/users/1500000000000000001")
    times = {"start_time": "2026-11-02T09:00:00Z", "end_time": "2026-11-02T12:00:00Z"}
    rows = (await brand.get("/2/tweets/analytics", params={"ids": f"{ids[0]},17", **times})).json()
    assert rows["data"][0]["timestamped_metrics"]
    film = box.timeline("x")[5].media[0]["key"]
    plays = (await brand.get("/2/media/analytics", params={"media_keys": film, **times})).json()
    assert plays["data"][0]["timestamped_metrics"]
    reply = await post_reply_as_reader(box, ids[0])
    await brand.put(f"/2/tweets/{reply}/hidden", json={"hidden": True})
    await brand.delete(f"{ME}/retweets/{ids[0]}")
    await brand.delete(f"/2/tweets/{ids[0]}")


async def post_reply_as_reader(box: Sandbox, parent: str) -> str:
    headers = {"authorization": f"Bearer {box.x.token('reader')}"}
    async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
        return await post(client, "Nice", reply={"in_reply_to_tweet_id": parent})


async def test_subtitles(box, brand):
    film = await video(brand)
    files, form = {"media": ("a.srt", b"1", "text/srt")}, {"media_category": "subtitles"}
    words = (await brand.post("/2/media/upload", files=files, data=form)).json()["data"]["id"]
    one = {"id": words, "language_code": "EN", "display_name": "English"}
    fields = {"id": film, "media_category": "TweetVideo", "subtitles": one}
    assert (await brand.post("/2/media/subtitles", json=fields)).status_code == 200
    gone = {"id": film, "media_category": "TweetVideo", "language_code": "EN"}
    assert (await brand.request("DELETE", "/2/media/subtitles", json=gone)).json()["data"]["deleted"]


async def test_an_article(box, brand):
    blocks = [{"text": "Once", "type": "unstyled"}]
    draft = {"title": "Boats", "content_state": {"blocks": blocks, "entities": []}}
    draft["cover_media"] = {"media_category": "tweet_image", "media_id": await picture(brand)}
    made = (await brand.post("/2/articles/draft", json=draft)).json()["data"]["id"]
    post_id = (await brand.post(f"/2/articles/{made}/publish")).json()["data"]["post_id"]
    seen = await brand.get(f"/2/tweets/{post_id}", params={"post.fields": "article,text,entities"})
    assert seen.json()["data"]["article"] == {"title": "Boats"}
    await brand.post("/2/articles/17/publish")


async def test_the_cap_of_the_month(box, bare):
    box.x.access, box.x.read_cap = "self-serve", 0
    answer = await bare.get("/2/tweets/17")
    assert (answer.status_code, checked(answer).rpartition("/")[2]) == (429, "usage-capped")


async def test_usage_of_the_app(box):
    headers = {"authorization": f"Bearer {box.x.app_token()}"}
    async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
        assert checked(await client.get("/2/usage/tweets")) == ""


async def test_bad_parameters_are_described_problems(box, brand):
    await brand.post("/2/tweets", json={"text": ""})
    await brand.post("/2/tweets", json={"text": "x", "media": {"media_ids": ["17"]}})
    await brand.get(f"{ME}/tweets", params={"pagination_token": "x"})
    await brand.post("/2/users/17/retweets", json={"tweet_id": "17"})
    await brand.post(f"{ME}/retweets", json={"tweet_id": "17"})
    box.fault("stored-then-500", platform="x")
    assert (await brand.post("/2/tweets", json={"text": "x"})).status_code == 500


async def test_what_x_does_not_describe(box, bare):
    async def how(answer: httpx.Response) -> str:
        return checked(answer)

    await post(bare, "once")
    assert await how(await bare.post("/2/tweets", json={"text": "once"})) == "about:blank"
    assert await how(await bare.post("/2/tweets", json={"text": "x" * 25_001})) == "code 186"
    reply = {"text": "x", "reply": {"in_reply_to_tweet_id": "17"}}
    assert await how(await bare.post("/2/tweets", json=reply)) == "code 385"
    app = {"authorization": f"Bearer {box.x.app_token()}"}
    assert (await how(await bare.get("/2/tweets/17", headers=app))) == ""
    refused = await bare.post("/2/tweets", json={"text": "x"}, headers=app)
    assert (await how(refused)).endswith("/unsupported-authentication")
    box.x.access, box.x.credits = "self-serve", Decimal(0)
    assert (await how(await bare.post("/2/tweets", json={"text": "x"}))).endswith("/credits")
    box.clock.advance(7200)
    assert await how(await bare.post("/2/tweets", json={"text": "x"})) == "about:blank"
    headers = {"authorization": f"Bearer {box.x.token('brand')}"}
    for _ in range(76):
        last = await bare.get("/2/users/me", headers=headers)
    assert (last.status_code, await how(last)) == (429, "about:blank")


async def test_why_processing_failed_is_said_although_not_described(box, bare):
    box.fault("processing-failed", platform="x")
    film = await video(bare)
    box.clock.advance(5)
    answer = await bare.get("/2/media/upload", params={"command": "STATUS", "media_id": film})
    with pytest.raises(SpecViolation) as caught:
        checked(answer)
    assert len(caught.value.problems) == 1
    assert "'error' was unexpected" in caught.value.problems[0]
