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
    box.x.token_seconds = math.inf
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
    box.x.token_seconds = math.inf
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
    path = "/2/users/1500000000000000001/retweets"
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


# --- who asks ---


async def test_an_access_token_lives_two_hours(box, brand):
    box.clock.advance(7199)
    assert (await brand.get("/2/users/me")).status_code == 200
    box.clock.advance(1)
    answer = await brand.get("/2/users/me")
    assert answer.status_code == 401
    assert answer.json() == {
        "title": "Unauthorized",
        "detail": "Unauthorized",
        "type": "about:blank",
        "status": 401,
    }
    assert box.x.token("brand") not in brand.headers["authorization"]


async def test_app_only_tokens_read_but_do_not_post(app, brand):
    made = await post(brand)
    assert (await read(app, made["id"]))["data"]["text"] == "hello"
    for answer in (await app.post(POSTS, json={"text": "x"}), await app.get("/2/users/me")):
        assert answer.status_code == 403
        assert answer.json()["type"] == "https://api.x.com/2/problems/unsupported-authentication"
    assert (await brand.get("/2/usage/tweets")).status_code == 403
    assert (await app.get("/2/usage/tweets")).json()["data"]["project_usage"] == "1"


@pytest.mark.parametrize("given", [None, "Bearer no", "Basic abc", "OAuth oauth_token=x"])
async def test_no_credential_is_401(anybody, given):
    headers = {"authorization": given} if given else {}
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 401


async def test_a_missing_scope_is_403(box, http):
    token = box.x.token("brand", "tweet.read users.read tweet.write")
    client = http(box, base_url=API, headers={"authorization": f"Bearer {token}"})
    await post(client)
    assert problem_of(await upload(client, png())) == (403, "You are not permitted to perform this action.")


async def test_a_suspended_account_is_code_64(box, brand):
    box.x.people["brand"].suspended = True
    answer = await brand.get("/2/users/me")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 64)


async def refresh(client, box, token, **fields):
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": box.x.client_id, **fields}
    return await client.post("/2/oauth2/token", data=form)


async def test_a_refresh_token_works_once_and_brings_the_next(box, anybody):
    old = box.x.refresh_token("brand")
    answer = (await refresh(anybody, box, old)).json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 7200)
    assert answer["refresh_token"] == box.x.refresh_token("brand") != old
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await anybody.get("/2/users/me", headers=headers)).json()["data"]["username"] == "brand"
    spent = await refresh(anybody, box, old)
    assert (spent.status_code, spent.json()) == (
        400,
        {"error": "invalid_request", "error_description": "Value passed for the token was invalid."},
    )


async def test_a_confidential_client_needs_its_header(box, anybody):
    box.x.confidential = True
    token = box.x.refresh_token("brand")
    answer = await refresh(anybody, box, token)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized_client")
    pair = httpx.BasicAuth(box.x.client_id, box.x.client_secret)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert (await anybody.post("/2/oauth2/token", data=form, auth=pair)).status_code == 200


async def test_revoking_ends_a_token(box, anybody, brand):
    token = brand.headers["authorization"].removeprefix("Bearer ")
    form = {"token": token, "client_id": box.x.client_id}
    assert (await anybody.post("/2/oauth2/revoke", data=form)).json() == {"revoked": True}
    assert (await brand.get("/2/users/me")).status_code == 401


@pytest.mark.parametrize("fault", [None, "verifier", "late", "twice"])
async def test_a_code_with_pkce_becomes_tokens(box, anybody, fault):
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": box.x.client_id,
        "redirect_uri": "http://127.0.0.1:9/back",
        "scope": "tweet.read users.read offline.access",
        "state": "s",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    back = await anybody.get(f"/i/oauth2/authorize?{urlencode(asked)}")
    given = parse_qs(urlsplit(back.headers["location"]).query)
    assert given["state"] == ["s"]
    form = {
        "grant_type": "authorization_code",
        "code": given["code"][0],
        "redirect_uri": asked["redirect_uri"],
        "client_id": box.x.client_id,
        "code_verifier": "w" * 50 if fault == "verifier" else verifier,
    }
    box.clock.advance(31 if fault == "late" else 29)
    answer = await anybody.post("/2/oauth2/token", data=form)
    if fault == "twice":
        answer = await anybody.post("/2/oauth2/token", data=form)
    if fault is None:
        assert answer.json()["scope"] == "offline.access tweet.read users.read"
        assert (await refresh(anybody, box, answer.json()["refresh_token"])).status_code == 200
    else:
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_the_app_only_token_is_for_the_api_key(box, anybody):
    form = {"grant_type": "client_credentials"}
    pair = httpx.BasicAuth(box.x.api_key, box.x.api_secret)
    answer = await anybody.post("/oauth2/token", data=form, auth=pair)
    assert answer.json() == {"token_type": "bearer", "access_token": box.x.app_token()}
    refused = await anybody.post("/oauth2/token", data=form, auth=httpx.BasicAuth("a", "b"))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 99)


# --- OAuth 1.0a ---


def signed(box, method, url, keys=None, query=(), form=(), **changes):
    """The Authorization header of a request."""
    key, secret, token, token_secret = keys or box.x.oauth1("brand")
    given = {
        "oauth_consumer_key": key,
        "oauth_nonce": secrets.token_hex(8),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(box.clock.now().timestamp())),
        "oauth_token": token,
        "oauth_version": "1.0",
        **changes,
    }
    pairs = [*given.items(), *query, *form]
    given["oauth_signature"] = signature(method, url, pairs, secret, token_secret)
    return "OAuth " + ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in given.items())


def test_a_signature_is_that_of_the_published_example():
    """RFC 5849, section 3.1, whose base string is in 3.4.1.1 (its own signature uses these secrets)."""
    given = [
        ("b5", "=%3D"),
        ("a3", "a"),
        ("c@", ""),
        ("a2", "r b"),
        ("c2", ""),
        ("a3", "2 q"),
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    made = signature("POST", "http://example.com/request", given, "j49sk3j29djd", "dh893hdasih9")
    assert made == "r6/TJjbCOr97/+UU0NsvSne7s5g="


async def test_a_signed_request_is_the_account(box, anybody):
    query = [("user.fields", "created_at,name")]
    header = signed(box, "GET", f"{API}/2/users/me", query=query)
    answer = await anybody.get("/2/users/me", params=query, headers={"authorization": header})
    assert answer.json()["data"]["username"] == "brand"
    query = [("exclude", "replies,retweets"), ("max_results", "5")]
    header = signed(box, "GET", f"{API}{TIMELINE}", query=query)
    answer = await anybody.get(TIMELINE, params=query, headers={"authorization": header})
    assert answer.json() == {"meta": {"result_count": 0}}
    header = signed(box, "POST", f"{API}{POSTS}")
    assert (
        await anybody.post(POSTS, json={"text": "signed"}, headers={"authorization": header})
    ).status_code == 201


@pytest.mark.parametrize("what", ["method", "url", "query", "secret", "old", "plain", "twice"])
async def test_a_wrong_signature_is_401(box, anybody, what):
    keys = list(box.x.oauth1("brand"))
    keys[1] = "wrong" if what == "secret" else keys[1]
    url = f"{API}/2/users/{'you' if what == 'url' else 'me'}"
    changes = {"oauth_timestamp": str(int(box.clock.now().timestamp()) - 400)} if what == "old" else {}
    changes |= {"oauth_signature_method": "PLAINTEXT"} if what == "plain" else {}
    query = [("user.fields", "name")] if what == "query" else []
    method = "POST" if what == "method" else "GET"
    headers = {"authorization": signed(box, method, url, keys, query, **changes)}
    if what == "twice":
        assert (await anybody.get("/2/users/me", headers=headers)).status_code == 200
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 401


async def test_a_read_only_app_cannot_post(box, anybody):
    keys = box.x.oauth1("brand", writes=False)
    headers = {"authorization": signed(box, "GET", f"{API}/2/users/me", keys)}
    assert (await anybody.get("/2/users/me", headers=headers)).status_code == 200
    headers = {"authorization": signed(box, "POST", f"{API}{POSTS}", keys)}
    answer = await anybody.post(POSTS, json={"text": "x"}, headers=headers)
    assert answer.json()["type"].endswith("/oauth1-permissions")


async def test_signatures_over_the_loopback_address_hold_too(box):
    with box.serve() as url:
        header = signed(box, "GET", f"{url}/x/2/users/me")
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{url}/x/2/users/me", headers={"authorization": header})
    assert answer.json()["data"]["username"] == "brand"


# --- media ---


async def test_a_picture_in_one_request_with_alt_text(box, brand):
    answer = (await upload(brand, png(4, 3))).json()["data"]
    assert answer["expires_after_secs"] == 86_400
    assert answer["image"] == {"image_type": "image/png", "w": 4, "h": 3}
    assert answer["media_key"] == f"3_{answer['id']}"
    assert "processing_info" not in answer
    words = {"id": answer["id"], "metadata": {"alt_text": {"text": "A boat at sea"}}}
    described = (await brand.post("/2/media/metadata", json=words)).json()
    assert described["data"]["associated_metadata"] == words["metadata"]
    made = await post(brand, "Look", media={"media_ids": [answer["id"]]})
    query = {
        "expansions": "attachments.media_keys",
        "media.fields": "alt_text,url,width,height",
        "tweet.fields": "entities",
    }
    seen = await read(brand, made["id"], **query)
    shown = seen["includes"]["media"][0]
    assert (shown["type"], shown["alt_text"], shown["width"]) == ("photo", "A boat at sea", 4)
    assert seen["data"]["attachments"] == {"media_keys": [answer["media_key"]]}
    assert seen["data"]["text"].endswith(seen["data"]["entities"]["urls"][0]["url"])
    assert (await brand.get(shown["url"])).content == png(4, 3)
    assert box.timeline("x")[0].media[0]["alt"] == "A boat at sea"


async def test_a_picture_as_base64(brand):
    fields = {"media": base64.b64encode(png()).decode(), "media_category": "tweet_image"}
    answer = await brand.post("/2/media/upload", json=fields)
    assert answer.json()["data"]["size"] == len(png())
    fields["media"] = "not base64!"
    assert (await brand.post("/2/media/upload", json=fields)).status_code == 400


async def test_bare_answers_of_2025(box, brand):
    box.x.bare_uploads = True
    assert (await upload(brand, png())).json()["media_key"].startswith("3_")


@pytest.mark.parametrize("command", ["INIT", "APPEND", "FINALIZE"])
async def test_the_old_commands_miss_their_media(brand, command):
    form = {"command": command, "media_category": "tweet_video", "total_bytes": "9"}
    assert problem_of(await brand.post("/2/media/upload", data=form)) == (400, ["media parameter is missing"])


@pytest.mark.parametrize(
    ("data", "category", "message"),
    [
        (png(), "", "does not have a value in the enumeration"),
        (png(), "tweet_gif", "media type unrecognized."),
        (b"no picture", "tweet_image", "media type unrecognized."),
        (b"", "tweet_image", "The media is empty."),
        (png() + bytes(5 * 2**20), "tweet_image", "File size exceeds 5242880 bytes."),
        (gif(1281, 10, 2), "tweet_gif", "1280x1080"),
    ],
)
async def test_what_is_no_such_picture_is_refused(brand, data, category, message):
    status, messages = problem_of(await upload(brand, data, category))
    assert status == 400
    assert message in messages[0]


async def test_a_video_in_segments_is_processed_on_the_clock(box, brand):
    data = mp4(data=3_000_000, seconds=12.5)
    answer = (await send_video(brand, data, 3)).json()["data"]
    assert answer["processing_info"] == {"state": "pending", "check_after_secs": 3}
    assert (answer["size"], answer["media_key"]) == (len(data), f"7_{answer['id']}")
    refused = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [answer["id"]]}})
    assert problem_of(refused) == (400, ["Your media IDs are invalid."])
    query, states = {"command": "STATUS", "media_id": answer["id"]}, []
    for _ in range(3):
        box.clock.advance(1)
        status = (await brand.get("/2/media/upload", params=query)).json()["data"]
        states.append(status["processing_info"]["state"])
    assert states == ["in_progress", "in_progress", "succeeded"]
    made = await post(brand, "Look", media={"media_ids": [answer["id"]]})
    fields = "duration_ms,public_metrics,non_public_metrics,width"
    query = {"expansions": "attachments.media_keys", "media.fields": fields}
    box.clock.advance(6000)
    shown = (await read(brand, made["id"], **query))["includes"]["media"][0]
    assert (shown["type"], shown["duration_ms"], shown["width"]) == ("video", 12_500, 1920)
    assert shown["public_metrics"]["view_count"] == shown["non_public_metrics"]["playback_0_count"] > 0


async def test_segments_must_add_up_and_may_be_sent_again(brand):
    data = mp4(data=5000)
    media_id = await start(brand, len(data))
    for index, piece in ((0, data[:100]), (2, data[2000:]), (1, b"?" * 5), (1, data[100:2000])):
        assert (await append(brand, media_id, index, piece)).status_code == 200
    answer = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert answer.json()["data"]["size"] == len(data)
    again = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert again.json()["data"]["id"] == media_id
    short = await start(brand, len(data))
    await append(brand, short, 0, data[:100])
    words = (400, ["Segments do not add up to provided total file size."])
    assert problem_of(await brand.post(f"/2/media/upload/{short}/finalize")) == words
    assert (await append(brand, short, 1, data[100:])).status_code == 400


@pytest.mark.parametrize("index", ["-1", "1000", "x"])
async def test_segment_numbers_end_at_999(brand, index):
    media_id = await start(brand, 10)
    assert (await append(brand, media_id, index, b"x")).status_code == 400
    assert (await append(brand, media_id, 999, b"x")).status_code == 200


async def test_a_segment_above_the_cap_is_413(box, brand):
    box.x.segment_bytes = 1000
    media_id = await start(brand, 2000)
    assert (await append(brand, media_id, 0, bytes(1001))).status_code == 413


async def test_a_segment_may_be_base64(brand):
    media_id = await start(brand, 3)
    fields = {"media": base64.b64encode(b"abc").decode(), "segment_index": 0}
    answer = await brand.post(f"/2/media/upload/{media_id}/append", json=fields)
    assert answer.json() == {"data": {"expires_at": 1793610000 + 86_400}}


@pytest.mark.parametrize(
    "change",
    [{"total_bytes": -1}, {"media_category": "x"}, {"media_type": "video/avi"}, {"size": 1}],
)
async def test_a_bad_initialize_is_refused(brand, change):
    fields = {"media_type": "video/mp4", "media_category": "tweet_video", "total_bytes": 10, **change}
    assert (await brand.post("/2/media/upload/initialize", json=fields)).status_code == 400


async def test_an_upload_dies_after_a_day(box, brand):
    box.x.token_seconds = math.inf
    medium = (await upload(brand, png())).json()["data"]["id"]
    box.clock.advance(86_400)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [medium]}})
    assert problem_of(answer) == (400, ["Your media IDs are invalid."])
    assert (await brand.get("/2/media/upload", params={"media_id": medium})).status_code == 400


async def test_media_of_others_are_no_media(brand, reader):
    medium = (await upload(reader, png())).json()["data"]["id"]
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [medium]}})
    assert answer.status_code == 400


async def test_garbage_fails_in_processing(box, brand):
    answer = (await send_video(brand, b"no video " * 100)).json()["data"]
    box.clock.advance(10)
    status = await brand.get("/2/media/upload", params={"media_id": answer["id"]})
    info = status.json()["data"]["processing_info"]
    assert (info["state"], info["error"]["name"], info["error"]["code"]) == ("failed", "InvalidMedia", 1)


async def test_media_do_not_mix(box, brand):
    video = (await send_video(brand, mp4())).json()["data"]["id"]
    picture = (await upload(brand, png())).json()["data"]["id"]
    box.clock.advance(5)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [picture, video]}})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 323)


async def test_a_video_of_an_hour_is_refused_at_posting(box, brand):
    video = (await send_video(brand, mp4(seconds=3600))).json()["data"]["id"]
    box.clock.advance(5)
    answer = await brand.post(POSTS, json={"text": "x", "media": {"media_ids": [video]}})
    assert "longer than" in answer.json()["detail"]
    box.x.people["brand"].subscription = "Premium"
    await post(brand, "x", media={"media_ids": [video]})


async def test_alt_text_has_1000_characters(brand):
    medium = (await upload(brand, png())).json()["data"]["id"]
    for length, status in ((1000, 200), (1001, 400)):
        words = {"id": medium, "metadata": {"alt_text": {"text": "x" * length}}}
        assert (await brand.post("/2/media/metadata", json=words)).status_code == status


async def test_subtitles_go_under_a_video(brand):
    words = (await upload(brand, b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n", "subtitles")).json()["data"]
    video = (await send_video(brand, mp4())).json()["data"]
    one = {"id": words["id"], "language_code": "EN", "display_name": "English"}
    fields = {"id": video["id"], "media_category": "TweetVideo", "subtitles": one}
    answer = (await brand.post("/2/media/subtitles", json=fields)).json()["data"]
    assert answer["associated_subtitles"] == {"subtitles": [one]}
    gone = {"id": video["id"], "media_category": "TweetVideo", "language_code": "EN"}
    for expected in (True, False):
        answer = await brand.request("DELETE", "/2/media/subtitles", json=gone)
        assert answer.json() == {"data": {"deleted": expected}}
    assert (await brand.post("/2/media/subtitles", json={**fields, "id": words["id"]})).status_code == 400


async def test_a_large_video_is_never_held(box, brand):
    size, piece = 64 * 2**20, bytes(8 * 2**20)
    media_id = await start(brand, size)
    for index in range(8):
        data = mp4(data=0)[: len(piece)].ljust(len(piece), b"\0") if index == 0 else piece
        await append(brand, media_id, index, data)
    medium = box.x.uploads[media_id]
    assert sum(medium.segments.values()) == size
    kept = (medium.head, *medium.tails.values(), *medium.pieces.values())
    assert sum(map(len, kept)) <= 3 * 65_536
    answer = await brand.post(f"/2/media/upload/{media_id}/finalize")
    assert answer.json()["data"]["processing_info"]["state"] == "pending"


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
    await brand.post("/2/users/1500000000000000001/retweets", json={"tweet_id": other["id"]})
    answer = await brand.get(TIMELINE, params={"exclude": "replies,retweets"})
    assert [one["text"] for one in answer.json()["data"]] == ["one"]


async def test_private_metrics_are_the_authors_for_30_days(box, brand, reader):
    box.x.token_seconds = math.inf
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
    answer = (await brand.get("/2/users/1500000000000000001/mentions", params=query)).json()
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
    box.x.token_seconds = math.inf
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
    box.x.token_seconds = math.inf
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
    box.x.token_seconds = math.inf
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
