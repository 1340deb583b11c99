"""The X sandbox over HTTP: what the platform's facts say, one behaviour at a time."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal

import httpx
import pytest
from x_talk import API, ME, POSTS, TIMELINE, post, problem_of, read, send_video, upload

from media_files import mp4, png
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


@pytest.fixture
def app(box, http):
    """A client with the app-only token."""
    return http(box, base_url=API, headers={"authorization": f"Bearer {box.x.app_token()}"})


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


@pytest.mark.parametrize(
    ("long", "fits"),
    [
        ("x" * 281, "x" * 280),
        ("東" * 141, "東" * 140),
        ("👩‍🚀" * 141, "👩‍🚀" * 140),
        ("x" * 257 + " https://example.com/" + "a" * 300, "x" * 256 + " https://example.com/" + "a" * 300),
    ],
)
async def test_281_weighted_characters_are_too_long(brand, long, fits):
    answer = await brand.post(POSTS, json={"text": long})
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["code"] == 186
    await post(brand, fits)


async def test_premium_posts_are_long_and_cut_in_text(box, brand):
    box.x.people["brand"].subscription = "Premium"
    whole = "sea & " * 100
    made = await post(brand, whole)
    seen = (await read(brand, made["id"], **{"tweet.fields": "note_tweet"}))["data"]
    assert seen["note_tweet"]["text"] == whole.replace("&", "&amp;")
    assert seen["text"].endswith("…")
    assert len(seen["text"].replace("&amp;", "&")) <= 280
    assert (await brand.post(POSTS, json={"text": "x" * 25_001})).status_code == 403


async def test_the_same_text_again_is_refused_for_a_day(box, brand, reader):
    box.x.access_seconds = math.inf
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
    await post(brand, "Ship it")


async def test_a_picture_escapes_the_duplicate_check(brand):
    await post(brand, "Ship it")
    medium = (await upload(brand, png())).json()["data"]["id"]
    made = await post(brand, "Ship it", media={"media_ids": [medium]})
    assert made["text"].startswith("Ship it https://t.co/")
    other = (await upload(brand, png())).json()["data"]["id"]
    await post(brand, "Boats", media={"media_ids": [other]})
    await post(brand, "Boats")


async def test_one_cashtag_only_for_self_serve_apps(box, brand):
    answer = await brand.post(POSTS, json={"text": "$ABC and $DEF"})
    assert answer.status_code == 403
    assert "maximum of one cashtag" in answer.json()["detail"]
    box.x.access = "enterprise"
    await post(brand, "$ABC and $DEF")


async def test_a_thread_of_replies_to_oneself(brand):
    root = await post(brand, "one")
    reply = await post(brand, "two", reply={"in_reply_to_tweet_id": root["id"]})
    fields = "conversation_id,referenced_tweets,in_reply_to_user_id"
    query = {"tweet.fields": fields, "expansions": "referenced_tweets.id"}
    answer = await read(brand, reply["id"], **query)
    assert answer["data"]["text"] == "two"
    assert answer["data"]["conversation_id"] == root["id"]
    assert answer["data"]["referenced_tweets"] == [{"type": "replied_to", "id": root["id"]}]
    assert answer["data"]["in_reply_to_user_id"] == "1500000000000000001"
    assert [one["id"] for one in answer["includes"]["tweets"]] == [root["id"]]


async def test_a_reply_to_what_is_gone_is_code_385(box, brand):
    root = await post(brand, "one")
    await brand.delete(f"{POSTS}/{root['id']}")
    answer = await brand.post(POSTS, json={"text": "two", "reply": {"in_reply_to_tweet_id": root["id"]}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 385)
    assert box.timeline("x") == []


async def test_self_serve_apps_reply_only_when_summoned(box, brand, reader):
    cold = await post(reader, "I like boats")
    asked = await post(reader, "@brand when do you ship?")
    answer = await brand.post(POSTS, json={"text": "Hi", "reply": {"in_reply_to_tweet_id": cold["id"]}})
    assert problem_of(answer) == (403, "You are not permitted to perform this action.")
    made = await post(brand, "Today", reply={"in_reply_to_tweet_id": asked["id"]})
    assert made["text"] == "@reader Today"
    assert box.x.bill["summoned reply"] == Decimal("0.010")
    seen = (await read(brand, made["id"], **{"tweet.fields": "display_text_range"}))["data"]
    assert seen["display_text_range"] == [8, 13]
    box.x.access = "enterprise"
    assert (await post(brand, "Hi", reply={"in_reply_to_tweet_id": cold["id"]}))["text"] == "@reader Hi"


async def test_the_mention_before_a_reply_can_be_left_out_or_typed(brand, reader):
    asked = await post(reader, "@brand when?")
    reply = {"in_reply_to_tweet_id": asked["id"], "exclude_reply_user_ids": ["1500000000000000002"]}
    assert (await post(brand, "Today", reply=reply))["text"] == "Today"
    reply = {"in_reply_to_tweet_id": asked["id"]}
    assert (await post(brand, "@reader soon", reply=reply))["text"] == "@reader soon"
    await post(brand, "x" * 280, reply=reply)


async def test_an_author_may_restrict_replies(box, brand, reader):
    box.x.access = "enterprise"
    closed = await post(reader, "For friends", reply_settings="following")
    answer = await brand.post(POSTS, json={"text": "Hi", "reply": {"in_reply_to_tweet_id": closed["id"]}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 433)


async def test_quotes_are_for_enterprise_apps(box, brand, reader):
    quoted = await post(reader, "I like boats")
    answer = await brand.post(POSTS, json={"text": "So do we", "quote_tweet_id": quoted["id"]})
    assert answer.status_code == 403
    box.x.access = "enterprise"
    made = await post(brand, "So do we", quote_tweet_id=quoted["id"])
    seen = await read(brand, made["id"], **{"tweet.fields": "entities,referenced_tweets"})
    links = seen["data"]["entities"]["urls"]
    assert links[0]["expanded_url"] == f"https://x.com/reader/status/{quoted['id']}"
    assert seen["data"]["referenced_tweets"] == [{"type": "quoted", "id": quoted["id"]}]
    metrics = (await read(reader, quoted["id"], **{"tweet.fields": "public_metrics"}))["data"]
    assert metrics["public_metrics"]["quote_count"] == 1


async def test_a_poll_collects_votes_until_it_ends(box, brand):
    box.x.access_seconds = math.inf
    made = await post(brand, "Which?", poll={"options": ["port", "starboard"], "duration_minutes": 60})
    query = {"expansions": "attachments.poll_ids", "poll.fields": "voting_status,end_datetime"}
    poll = (await read(brand, made["id"], **query))["includes"]["polls"][0]
    assert [option["label"] for option in poll["options"]] == ["port", "starboard"]
    assert (poll["voting_status"], poll["end_datetime"]) == ("open", "2026-11-02T10:00:00.000Z")
    box.clock.advance(3600)
    closed = (await read(brand, made["id"], **query))["includes"]["polls"][0]
    box.clock.advance(3600)
    later = (await read(brand, made["id"], **query))["includes"]["polls"][0]
    assert closed["voting_status"] == "closed"
    assert closed["options"] == later["options"]
    assert sum(option["votes"] for option in closed["options"]) > 0


async def test_an_edit_has_a_new_id_and_keeps_the_chain(box, brand):
    first = await post(brand, "Typpo")
    edit = {"text": "Typo", "edit_options": {"previous_post_id": first["id"]}}
    assert (await brand.post(POSTS, json=edit)).status_code == 403
    box.x.people["brand"].subscription = "Premium"
    second = (await brand.post(POSTS, json=edit)).json()["data"]
    assert second["edit_history_tweet_ids"] == [first["id"], second["id"]]
    assert [entry.text for entry in box.timeline("x")] == ["Typo"]
    old = (await read(brand, first["id"]))["data"]
    assert (old["text"], old["edit_history_tweet_ids"]) == ("Typpo", [first["id"], second["id"]])
    edit["edit_options"]["previous_post_id"] = second["id"]
    box.clock.advance(3601)
    assert (await brand.post(POSTS, json={**edit, "text": "Late"})).status_code == 403
    assert (await brand.delete(f"{POSTS}/{first['id']}")).json() == {"data": {"deleted": True}}
    assert box.timeline("x") == []
    assert "data" not in await read(brand, first["id"])


async def test_deleting_twice_says_the_same_and_only_the_own(box, brand, reader):
    made = await post(brand)
    assert (await reader.delete(f"{POSTS}/{made['id']}")).status_code == 403
    for _ in range(2):
        answer = await brand.delete(f"{POSTS}/{made['id']}")
        assert (answer.status_code, answer.json()) == (200, {"data": {"deleted": True}})
    assert (await brand.delete(f"{POSTS}/abc")).status_code == 400


async def test_a_repost_is_a_post_of_its_own_and_can_be_taken_back(box, brand, reader):
    source = await post(reader, "I like boats")
    path = f"{ME}/retweets"
    first = (await brand.post(path, json={"tweet_id": source["id"]})).json()["data"]
    again = (await brand.post(path, json={"tweet_id": source["id"]})).json()["data"]
    assert first == again == {"retweeted": True, "rest_id": first["rest_id"]}
    seen = (await read(brand, first["rest_id"], **{"tweet.fields": "referenced_tweets"}))["data"]
    assert seen["text"] == "RT @reader: I like boats"
    assert seen["referenced_tweets"] == [{"type": "retweeted", "id": source["id"]}]
    assert (await brand.delete(f"{path}/{source['id']}")).json() == {"data": {"retweeted": False}}
    assert len(box.timeline("x")) == 1
    assert (await reader.post(path, json={"tweet_id": source["id"]})).status_code == 400
    assert (await brand.post(path, json={"tweet_id": "17"})).status_code == 404


async def test_replies_are_hidden_in_the_own_conversation_only(box, brand, reader):
    box.x.access = "enterprise"
    root = await post(brand, "one")
    reply = await post(reader, "spam", reply={"in_reply_to_tweet_id": root["id"]})
    path = f"{POSTS}/{reply['id']}/hidden"
    assert (await reader.put(path, json={"hidden": True})).status_code == 403
    assert (await brand.put(path, json={"hidden": True})).json() == {"data": {"hidden": True}}
    assert (await brand.put(f"{POSTS}/{root['id']}/hidden", json={"hidden": True})).status_code == 403


# --- reading ---


async def test_a_lookup_names_what_is_gone(brand):
    made = [await post(brand, f"number {number}") for number in range(3)]
    ids = ",".join([*(one["id"] for one in made), "17"])
    answer = await brand.get(POSTS, params={"ids": ids})
    assert answer.status_code == 200
    assert [one["text"] for one in answer.json()["data"]] == ["number 0", "number 1", "number 2"]
    error = answer.json()["errors"][0]
    assert (error["resource_id"], error["title"]) == ("17", "Not Found Error")
    assert error["type"] == "https://api.x.com/2/problems/resource-not-found"
    alone = await brand.get(f"{POSTS}/17")
    assert (alone.status_code, list(alone.json())) == (200, ["errors"])


async def test_a_lookup_takes_1_to_100_ids(brand):
    for ids in ("", "abc", ",".join(str(number) for number in range(1, 102))):
        assert (await brand.get(POSTS, params={"ids": ids})).status_code == 400


async def test_both_dialects_are_answered_in_kind(brand):
    made = await post(brand)
    names = {"tweet": "retweet_count", "post": "repost_count"}
    for word, name in names.items():
        fields = {f"{word}.fields": "public_metrics,no_such_field", "user.fields": "public_metrics"}
        seen = await read(brand, made["id"], **fields, expansions="author_id")
        assert name in seen["data"]["public_metrics"]
        assert f"edit_history_{word}_ids" in seen["data"]
        assert f"{word}_count" in seen["includes"]["users"][0]["public_metrics"]


async def test_the_newer_dialect_takes_references_as_expansions_only(brand):
    root = await post(brand, "one")
    reply = await post(brand, "two", reply={"in_reply_to_tweet_id": root["id"]})
    bare = await read(brand, reply["id"], **{"post.fields": "author_id,referenced_posts"})
    assert set(bare["data"]) == {"id", "text", "edit_history_post_ids"}
    seen = await read(brand, reply["id"], **{"post.fields": "id", "expansions": "referenced_posts"})
    assert seen["data"]["referenced_posts"][0]["id"] == root["id"]
    assert seen["includes"]["posts"][0]["id"] == root["id"]
    await brand.delete(f"{POSTS}/{root['id']}")
    seen = await read(brand, reply["id"], **{"post.fields": "id", "expansions": "referenced_posts"})
    assert (seen["errors"][0]["value"], seen["errors"][0]["parameter"]) == (root["id"], "referenced_posts")


async def test_a_timeline_in_pages_and_between_times(box, brand):
    ids = []
    for number in range(12):
        ids.append((await post(brand, f"number {number}"))["id"])
        box.clock.advance(60)
    first = (await brand.get(TIMELINE, params={"max_results": 5})).json()
    assert [one["id"] for one in first["data"]] == ids[:6:-1]
    assert first["meta"]["result_count"] == 5
    assert (first["meta"]["newest_id"], first["meta"]["oldest_id"]) == (ids[11], ids[7])
    assert "previous_token" not in first["meta"]
    query = {"max_results": 5, "pagination_token": first["meta"]["next_token"]}
    second = (await brand.get(TIMELINE, params=query)).json()
    assert [one["id"] for one in second["data"]] == ids[6:1:-1]
    back = {"max_results": 5, "pagination_token": second["meta"]["previous_token"]}
    assert (await brand.get(TIMELINE, params=back)).json()["data"] == first["data"]
    last = {"max_results": 5, "pagination_token": second["meta"]["next_token"]}
    assert "next_token" not in (await brand.get(TIMELINE, params=last)).json()["meta"]
    times = {"start_time": "2026-11-02T09:02:00Z", "end_time": "2026-11-02T09:04:00Z"}
    assert [one["id"] for one in (await brand.get(TIMELINE, params=times)).json()["data"]] == ids[3:1:-1]
    since = {"since_id": ids[9], "until_id": ids[11]}
    assert [one["id"] for one in (await brand.get(TIMELINE, params=since)).json()["data"]] == [ids[10]]


async def test_an_empty_page_says_so(brand):
    assert (await brand.get(TIMELINE)).json() == {"meta": {"result_count": 0}}
    missing = await brand.get("/2/users/17/tweets")
    assert missing.json()["errors"][0]["resource_type"] == "user"


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": 4},
        {"max_results": 101},
        {"start_time": "yesterday"},
        {"start_time": "2026-11-02"},
        {"start_time": "2010-11-05T23:59:59Z"},
        {"end_time": "2010-11-05T23:59:59Z"},
        {"start_time": "2026-11-02T09:00:00Z", "end_time": "2026-11-02T09:00:00Z"},
        {"since_id": "x"},
        {"exclude": "quotes"},
        {"pagination_token": "x"},
    ],
)
async def test_a_bad_timeline_query_is_named(brand, query):
    answer = await brand.get(TIMELINE, params=query)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameters"].keys() <= query.keys()


async def test_replies_and_reposts_can_be_excluded(brand, reader):
    root = await post(brand, "one")
    await post(brand, "two", reply={"in_reply_to_tweet_id": root["id"]})
    other = await post(reader, "boats")
    await brand.post(f"{ME}/retweets", json={"tweet_id": other["id"]})
    answer = await brand.get(TIMELINE, params={"exclude": "replies,retweets"})
    assert [one["text"] for one in answer.json()["data"]] == ["one"]


async def test_private_metrics_are_the_authors_for_30_days(box, brand, reader):
    box.x.access_seconds = math.inf
    made = await post(brand, "See https://example.com")
    plain = await post(brand, "No link")
    box.clock.advance(86_400)
    fields = {"tweet.fields": "public_metrics,non_public_metrics,organic_metrics"}
    own = (await read(brand, made["id"], **fields))["data"]
    private, public = own["non_public_metrics"], own["public_metrics"]
    assert set(private) == {"impression_count", "url_link_clicks", "user_profile_clicks", "engagements"}
    assert private["impression_count"] == public["impression_count"] > 0
    assert own["organic_metrics"]["retweet_count"] == public["retweet_count"]
    without = (await read(brand, plain["id"], **fields))["data"]
    assert "url_link_clicks" not in without["non_public_metrics"]
    foreign = await read(reader, made["id"], **fields)
    assert {error["field"] for error in foreign["errors"]} == {"non_public_metrics", "organic_metrics"}
    assert foreign["data"].keys() == {"id", "text", "edit_history_tweet_ids", "public_metrics"}
    box.clock.advance(29 * 86_400 + 1)
    old = await read(brand, made["id"], **fields)
    assert old["errors"][0]["type"] == "https://api.x.com/2/problems/not-authorized-for-field"
    box.x.drops_unauthorized = True
    assert "data" not in await read(brand, made["id"], **fields)


async def test_counters_grow_with_the_clock_and_the_same_each_run():
    async def counts():
        with Sandbox(["x"], seed=7) as box:
            headers = {"authorization": f"Bearer {box.x.token('brand')}"}
            async with httpx.AsyncClient(transport=box.transport, base_url=API, headers=headers) as client:
                made = await post(client)
                seen = []
                for _ in range(3):
                    answer = await read(client, made["id"], **{"tweet.fields": "public_metrics"})
                    seen.append(answer["data"]["public_metrics"]["impression_count"])
                    box.clock.advance(3000)
                return seen

    first = await counts()
    assert first == sorted(set(first))
    assert first == await counts()


async def test_users_by_every_road(brand, app):
    me = (await brand.get("/2/users/me", params={"user.fields": "public_metrics,subscription_type"})).json()
    assert me["data"]["subscription_type"] == "None"
    assert me["data"]["public_metrics"]["tweet_count"] == 0
    for path in ("/2/users/by/username/BRAND", "/2/users/1500000000000000001"):
        assert (await app.get(path)).json()["data"]["username"] == "brand"
    answer = (await app.get("/2/users/by", params={"usernames": "brand,nobody"})).json()
    assert ([one["id"] for one in answer["data"]], answer["errors"][0]["value"]) == (
        ["1500000000000000001"],
        "nobody",
    )
    assert len((await app.get("/2/users", params={"ids": "1500000000000000002"})).json()["data"]) == 1
    assert (await app.get("/2/users/by/username/no-name")).status_code == 400


async def test_mentions_are_of_others(brand, reader):
    await post(brand, "I am @brand")
    asked = await post(reader, "Hey @Brand")
    query = {"max_results": 5, "expansions": "author_id"}
    answer = (await brand.get(f"{ME}/mentions", params=query)).json()
    assert [one["id"] for one in answer["data"]] == [asked["id"]]
    assert answer["includes"]["users"][0]["username"] == "reader"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("boats", ["b", "a"]),
        ("boats -sale", ["a"]),
        ('"boats for"', ["b"]),
        ("from:reader", ["c"]),
        ("from:brand (sale OR #launch)", ["b", "a"]),
        ("is:reply", ["c"]),
        ("-is:reply has:links", ["b"]),
        ("to:brand", ["c"]),
        ("url:example.com boat OR boats", ["b", "a"]),
        ("conversation_id:{a}", ["c", "a"]),
        ("in_reply_to_tweet_id:{a}", ["c"]),
    ],
)
async def test_recent_search(box, brand, reader, query, found):
    box.x.access = "enterprise"
    a = (await post(brand, "Boats! #launch"))["id"]
    b = (await post(brand, "boats for sale https://example.com/x"))["id"]
    c = (await post(reader, "nice", reply={"in_reply_to_tweet_id": a}))["id"]
    box.clock.advance(31)
    names = {a: "a", b: "b", c: "c"}
    answer = await brand.get("/2/tweets/search/recent", params={"query": query.format(a=a)})
    assert [names[one["id"]] for one in answer.json().get("data", [])] == found


async def test_search_lags_half_a_minute_and_forgets_after_a_week(box, brand):
    box.x.access_seconds = math.inf
    await post(brand, "boats")
    counts = []
    for seconds in (29, 2, 7 * 86_400):
        box.clock.advance(seconds)
        answer = await brand.get("/2/tweets/search/recent", params={"query": "boats"})
        counts.append(answer.json()["meta"]["result_count"])
    assert counts == [0, 1, 0]


@pytest.mark.parametrize(
    "query",
    [
        {"query": ""},
        {"query": "x" * 513},
        {"query": "min_faves:3"},
        {"query": "(a OR b"},
        {"query": "a OR"},
        {"query": "a", "max_results": 9},
        {"query": "a", "end_time": "2026-11-02T09:00:00Z"},
        {"query": "a", "start_time": "2026-10-01T09:00:00Z"},
    ],
)
async def test_a_bad_search_is_refused(brand, query):
    assert (await brand.get("/2/tweets/search/recent", params=query)).status_code == 400


async def test_analytics_add_up_to_the_counters(box, brand, reader):
    box.x.access_seconds = math.inf
    made = await post(brand, "https://example.com")
    box.clock.advance(7200)
    query = {"start_time": "2026-11-02T09:00:00Z", "end_time": "2026-11-02T11:00:00Z", "ids": made["id"]}
    hourly = (await brand.get("/2/tweets/analytics", params={**query, "granularity": "hourly"})).json()
    rows = hourly["data"][0]["timestamped_metrics"]
    assert [row["timestamp"] for row in rows] == ["2026-11-02T09:00:00.000Z", "2026-11-02T10:00:00.000Z"]
    public = (await read(brand, made["id"], **{"tweet.fields": "public_metrics"}))["data"]["public_metrics"]
    assert sum(row["metrics"]["impressions"] for row in rows) == public["impression_count"]
    foreign = await reader.get("/2/tweets/analytics", params=query)
    assert list(foreign.json()) == ["errors"]
    assert (await brand.get("/2/tweets/analytics", params={"ids": made["id"]})).status_code == 400


async def test_media_analytics_count_plays(box, brand):
    video = (await send_video(brand, mp4(seconds=10))).json()["data"]
    box.clock.advance(5)
    await post(brand, "Look", media={"media_ids": [video["id"]]})
    box.clock.advance(7000)
    query = {
        "media_keys": video["media_key"],
        "start_time": "2026-11-02T09:00:00Z",
        "end_time": "2026-11-03T09:00:00Z",
        "granularity": "total",
        "media_analytics.fields": "video_views,watch_time_ms",
    }
    answer = (await brand.get("/2/media/analytics", params=query)).json()["data"][0]
    metrics = answer["timestamped_metrics"][0]["metrics"]
    assert answer["media_key"] == video["media_key"]
    assert set(metrics) == {"video_views", "watch_time_ms"}
    assert metrics["watch_time_ms"] > metrics["video_views"] > 0


# --- limits and money ---


async def test_a_window_of_15_minutes_starts_with_the_first_call(box, brand, reader):
    box.clock.advance(100)
    for left in range(74, -1, -1):
        answer = await brand.get("/2/users/me")
        assert answer.headers["x-rate-limit-limit"] == "75"
        assert answer.headers["x-rate-limit-remaining"] == str(left)
        assert answer.headers["x-rate-limit-reset"] == str(1793610100 + 900)
    refused = await brand.get("/2/users/me")
    assert refused.status_code == 429
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert refused.json() == {
        "title": "Too Many Requests",
        "detail": "Too Many Requests",
        "type": "about:blank",
        "status": 429,
    }
    assert (await reader.get("/2/users/me")).status_code == 200
    box.clock.advance(900)
    assert (await brand.get("/2/users/me")).status_code == 200


async def test_apps_and_users_have_windows_of_their_own(app, brand):
    limits = [
        (await client.get(path, params=query)).headers["x-rate-limit-limit"]
        for client, path, query in (
            (brand, POSTS, {"ids": "1"}),
            (app, POSTS, {"ids": "1"}),
            (brand, f"{POSTS}/1", {}),
            (app, f"{POSTS}/1", {}),
        )
    ]
    assert limits == ["5000", "3500", "900", "450"]


async def test_the_day_window_speaks_in_headers_of_its_own(box, brand):
    window = next(one for one in box.x.windows if one.name == "POST /2/tweets day")
    box.x.exhaust(window, "app")
    answer = await brand.post(POSTS, json={"text": "x"})
    assert answer.status_code == 429
    assert answer.headers["x-app-limit-24hour-remaining"] == "0"
    assert "x-rate-limit-limit" not in answer.headers


async def test_every_call_has_its_price(box, brand, reader):
    made = await post(brand, "plain")
    await post(brand, "link example.com")
    medium = (await upload(brand, png())).json()["data"]["id"]
    await brand.post("/2/media/metadata", json={"id": medium, "metadata": {}})
    await brand.get(TIMELINE)
    await reader.get(TIMELINE)
    await brand.get(POSTS, params={"ids": f"{made['id']},17", "expansions": "author_id"})
    await brand.delete(f"{POSTS}/{made['id']}")
    assert box.x.bill == {
        "post": Decimal("0.015"),
        "post with a link": Decimal("0.200"),
        "media metadata": Decimal("0.005"),
        "owned read": Decimal("0.002"),
        "user read": Decimal("0.010"),
        "interaction delete": Decimal("0.010"),
    }
    assert box.x.credits == 10_000 - box.x.spent()


async def test_a_resource_is_billed_once_per_utc_day(box, brand):
    box.x.access_seconds = math.inf
    made = await post(brand)
    for _ in range(3):
        await read(brand, made["id"])
    assert box.x.spent("post read") == Decimal("0.005")
    box.clock.advance(86_400)
    await read(brand, made["id"])
    assert box.x.spent("post read") == Decimal("0.010")


async def test_failed_calls_are_free_and_an_empty_balance_is_402(box, brand):
    await brand.post(POSTS, json={"text": "x" * 281})
    assert box.x.charges == []
    box.x.credits = Decimal("0.020")
    refused = await brand.post(POSTS, json={"text": "link example.com"})
    assert (refused.status_code, refused.json()["title"]) == (402, "CreditsDepleted")
    assert refused.json()["type"] == "https://api.x.com/2/problems/credits"
    assert "x-rate-limit-remaining" in refused.headers
    await post(brand, "plain")
    assert (await brand.get(TIMELINE)).status_code == 200
    assert box.timeline("x")[0].text == "plain"
    box.x.credits = Decimal(0)
    assert (await brand.get(TIMELINE)).status_code == 402
    box.x.access = "enterprise"
    assert (await brand.get(TIMELINE)).status_code == 200


async def test_an_article_is_published_once(box, brand, reader):
    blocks = [{"text": "Once upon a time", "type": "unstyled"}]
    draft = {"title": "Boats", "content_state": {"blocks": blocks, "entities": []}}
    assert (await brand.post("/2/articles/draft", json=draft)).status_code == 403
    box.x.people["brand"].subscription = "Premium"
    made = await brand.post("/2/articles/draft", json=draft)
    assert (made.status_code, made.json()["data"]["title"]) == (201, "Boats")
    assert box.timeline("x") == []
    path = f"/2/articles/{made.json()['data']['id']}/publish"
    assert (await reader.post(path)).status_code == 404
    post_id = (await brand.post(path)).json()["data"]["post_id"]
    assert (await brand.post(path)).status_code == 403
    seen = (await read(brand, post_id, **{"tweet.fields": "article,entities"}))["data"]
    assert seen["article"] == {"title": "Boats"}
    assert seen["entities"]["urls"][0]["expanded_url"].startswith("https://x.com/i/article/")
    wrong = {"title": "", "content_state": {"blocks": [{"text": "x", "type": "plain"}], "entities": []}}
    status, messages = problem_of(await brand.post("/2/articles/draft", json=wrong))
    assert (status, len(messages)) == (400, 2)


async def test_posts_read_in_a_month_have_a_cap(box, brand, app):
    box.x.access_seconds = math.inf
    made = [await post(brand, f"number {number}") for number in range(2)]
    box.x.read_cap = 2
    for one in made:
        await read(brand, one["id"])
    refused = await brand.get(TIMELINE)
    assert refused.status_code == 429
    body = refused.json()
    assert body["type"] == "https://api.x.com/2/problems/usage-capped"
    assert (body["period"], body["scope"]) == ("Monthly", "Product")
    assert (await app.get("/2/usage/tweets")).json()["data"]["project_usage"] == "2"
    await post(brand, "posting goes on")
    box.clock.advance(30 * 86_400)
    assert (await brand.get(TIMELINE)).status_code == 200
    assert (await app.get("/2/usage/tweets")).json()["data"]["project_usage"] == "3"


async def test_an_account_posts_so_often_a_day(box, brand, reader):
    box.x.access_seconds, box.x.posts_per_day = math.inf, 2
    for number in range(2):
        await post(brand, f"number {number}")
    refused = await brand.post(POSTS, json={"text": "x"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 185)
    await post(reader, "x")
    box.clock.advance(86_400)
    await post(brand, "x")


async def test_a_locked_account_is_told_so(box, brand):
    box.x.people["brand"].locked = True
    refused = await brand.get("/2/users/me")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 326)


async def test_a_fresh_post_may_not_be_there_to_reply_to(box, brand):
    box.x.replies_after = 5
    root = await post(brand, "one")
    reply = {"text": "two", "reply": {"in_reply_to_tweet_id": root["id"]}}
    assert (await brand.post(POSTS, json=reply)).json()["errors"][0]["code"] == 385
    box.clock.advance(5)
    assert (await brand.post(POSTS, json=reply)).status_code == 201


async def test_posts_into_a_community_may_be_off_the_list(box, brand):
    await post(brand, "to the crew", community_id="5")
    assert (await brand.get(TIMELINE)).json()["meta"]["result_count"] == 1
    box.x.lists_communities = False
    assert (await brand.get(TIMELINE)).json()["meta"]["result_count"] == 0


async def test_a_post_may_be_made_and_denied(box, brand):
    box.x.false_refusals = 1
    assert (await brand.post(POSTS, json={"text": "x"})).status_code == 403
    assert [entry.text for entry in box.timeline("x")] == ["x"]
    await post(brand, "y")


# --- faults ---


async def test_stored_then_500_leaves_the_post_and_a_duplicate_answer(box, brand):
    box.fault("stored-then-500", platform="x")
    answer = await brand.post(POSTS, json={"text": "once"})
    assert answer.status_code == 500
    assert answer.json()["type"] == "https://api.x.com/2/problems/internal-error"
    assert (await brand.post(POSTS, json={"text": "once"})).status_code == 403
    assert [one["text"] for one in (await brand.get(TIMELINE)).json()["data"]] == ["once"]


@pytest.mark.parametrize("kind", ["dropped-before", "dropped-after"])
async def test_a_dropped_connection(box, brand, kind):
    box.fault(kind, platform="x")
    with pytest.raises(httpx.RemoteProtocolError):
        await brand.post(POSTS, json={"text": "x"})
    assert len(box.timeline("x")) == (kind == "dropped-after")


async def test_listed_late_hides_from_lists_not_from_lookups(box, brand):
    box.fault("listed-late", platform="x", seconds=20)
    made = await post(brand)
    assert (await brand.get(TIMELINE)).json()["meta"]["result_count"] == 0
    assert (await read(brand, made["id"]))["data"]["id"] == made["id"]
    box.clock.advance(20)
    assert (await brand.get(TIMELINE)).json()["meta"]["result_count"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_twin_has_an_id_and_a_link_of_its_own(box, brand, when):
    box.fault("twin", platform="x", when=when)
    made = await post(brand, "See https://example.com")
    rows = (await brand.get(TIMELINE, params={"tweet.fields": "entities,conversation_id"})).json()["data"]
    assert made["id"] in {row["id"] for row in rows}
    assert len({row["id"] for row in rows}) == len({row["text"] for row in rows}) == 2
    assert all(row["conversation_id"] == row["id"] for row in rows)


async def test_stored_later_executes_after_the_look(box, brand):
    box.fault("stored-later", platform="x", seconds=60)
    with pytest.raises(httpx.ReadTimeout):
        await brand.post(POSTS, json={"text": "late"}, timeout=5)
    assert box.timeline("x") == []
    box.clock.advance(60)
    assert [entry.text for entry in box.timeline("x")] == ["late"]


async def test_deleted_meanwhile(box, brand):
    box.fault("deleted-meanwhile", platform="x")
    made = await post(brand)
    assert "data" not in await read(brand, made["id"])


async def test_a_skewed_clock_dates_posts_and_answers(box, brand):
    box.fault("clock-skew", platform="x", seconds=-120)
    answer = await brand.post(POSTS, json={"text": "x"})
    assert answer.headers["date"] == "Mon, 02 Nov 2026 08:58:00 GMT"
    made = answer.json()["data"]["id"]
    seen = (await read(brand, made, **{"tweet.fields": "created_at"}))["data"]
    assert seen["created_at"] == "2026-11-02T08:58:00.000Z"


async def test_429_and_an_expired_token_on_demand(box, brand):
    box.fault("429", platform="x", seconds=30)
    refused = await brand.post(POSTS, json={"text": "x"})
    assert refused.status_code == 429
    assert refused.headers["x-rate-limit-remaining"] == "0"
    box.fault("expired-token", platform="x", match="GET /2/users/me")
    assert (await brand.get("/2/users/me")).status_code == 401
    assert (await brand.get("/2/users/me")).status_code == 200


async def test_processing_that_takes_long_or_fails(box, brand):
    box.fault("still-processing", platform="x", seconds=600)
    picture = (await upload(brand, png())).json()["data"]
    assert picture["processing_info"] == {"state": "pending", "check_after_secs": 5}
    box.fault("processing-failed", platform="x")
    video = (await send_video(brand, mp4())).json()["data"]
    box.clock.advance(600)
    states = []
    for one in (picture, video):
        answer = (await brand.get("/2/media/upload", params={"media_id": one["id"]})).json()["data"]
        states.append(answer["processing_info"]["state"])
    assert states == ["succeeded", "failed"]


# --- the page ---


async def test_the_page_shows_posts_pictures_polls_and_notes(box, brand):
    medium = (await upload(brand, png())).json()["data"]["id"]
    await brand.post(
        "/2/media/metadata", json={"id": medium, "metadata": {"alt_text": {"text": "A boat at sea"}}}
    )
    await post(brand, "Look", media={"media_ids": [medium]}, made_with_ai=True)
    await post(brand, "Which?", poll={"options": ["port", "starboard"], "duration_minutes": 5})
    with box.serve() as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(url)).text
            picture = await client.get(f"{url}/media/x/{medium}")
    for words in ("A boat at sea", "made with AI", "starboard", "views"):
        assert words in page
    assert picture.content == png()


def test_ids_rise_even_when_the_clock_stands(box):
    ids = [int(box.x.new_id()) for _ in range(100)]
    assert all(later > earlier for earlier, later in itertools.pairwise(ids))
