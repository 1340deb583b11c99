"""The validators let good examples pass and name what is wrong with bad ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from .bodies import nest
from .lexicon_formats import FORMATS
from .specs import SpecViolation, Validator, check_exchange, need_specs, specs_folder, validator

TOKEN = {"Authorization": "Bearer t"}
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"
POST = "app.bsky.feed.post"
RECORD_CID = "bafyreibilgl43kyd634qga52qe22favy4a7szs7ul3bdxa7ng47rykqcce"
BLOB_CID = "bafkreibilgl43kyd634qga52qe22favy4a7szs7ul3bdxa7ng47rykqcce"
XRPC = "https://bsky.social/xrpc"
TOOTS = "https://toots.example.com/api"


def asked(checker: Validator, request: httpx.Request) -> str:
    """The problems of this request, as one text; empty when there are none."""
    try:
        checker.check_request(request.method, str(request.url), request.headers, request.read())
    except SpecViolation as violation:
        return "\n".join(violation.problems)
    return ""


def answered(checker: Validator, method: str, url: str, status: int, value: Any) -> str:
    """The problems of this JSON answer, as one text."""
    try:
        headers = {"content-type": "application/json; charset=utf-8"}
        checker.check_response(method, url, status, headers, json.dumps(value).encode())
    except SpecViolation as violation:
        return "\n".join(violation.problems)
    return ""


def x_post(body: Any, url: str = "https://api.x.com/2/tweets", headers: Mapping[str, str] = TOKEN) -> str:
    return asked(validator("x"), httpx.Request("POST", url, json=body, headers=headers))


def toot(**body: Any) -> str:
    """The problems of posting this form, JSON or multipart body as a status."""
    request = httpx.Request(
        "POST", f"{TOOTS}/v1/statuses", headers={**TOKEN, "Idempotency-Key": "k1"}, **body
    )
    return asked(validator("mastodon"), request)


def write(**changes: Any) -> str:
    """The problems of writing a small Bluesky post with these fields replaced."""
    record = {"$type": POST, "text": "Ahoy", "createdAt": "2026-01-01T00:00:00Z", **changes}
    body = {"repo": DID, "collection": POST, "rkey": "3kznmn7xqxl22", "record": record, "swapRecord": None}
    url = f"{XRPC}/com.atproto.repo.putRecord"
    return asked(validator("bluesky"), httpx.Request("POST", url, json=body, headers=TOKEN))


def blob(**changes: Any) -> dict[str, Any]:
    return {"$type": "blob", "ref": {"$link": BLOB_CID}, "mimeType": "image/png", "size": 9, **changes}


def images(*blobs: dict[str, Any]) -> dict[str, Any]:
    listed = [{"alt": "A boat", "image": each} for each in blobs]
    return {"$type": "app.bsky.embed.images", "images": listed}


class TestX:
    """OpenAPI 3.0 with strict bodies."""

    pytestmark = pytest.mark.specs

    def test_a_post_passes_also_on_loopback(self) -> None:
        body = {"text": "Ahoy", "media": {"media_ids": ["1146654567674912769"]}}
        assert x_post(body) == ""
        assert x_post(body, "http://127.0.0.1:8000/2/tweets") == ""

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            ({"text": 12}, "body at $.text: 12 is not of type 'string'"),
            ({"text": "Ahoy", "txt": ""}, "body has no field txt"),
            (
                {"text": "Ahoy", "media": {"media_ids": ["abc"]}},
                "body at $.media.media_ids[0]: 'abc' does not match",
            ),
            ({"text": "Ahoy", "poll": {"options": ["Yes"], "duration_minutes": 5}}, "body at $.poll.options"),
        ],
    )
    def test_a_bad_body_is_named(self, body: dict[str, Any], problem: str) -> None:
        assert problem in x_post(body)

    def test_every_problem_is_told_at_once(self) -> None:
        problems = x_post({"text": 12, "reply_settings": "nobody"}, headers={})
        assert "Authorization is missing; allowed: bearer, oauth" in problems
        assert "$.text" in problems
        assert "$.reply_settings" in problems

    def test_a_path_a_host_and_a_method_must_exist(self) -> None:
        assert "no such operation" in x_post({}, "https://api.x.com/2/nope")
        assert "no such operation" in x_post({}, "https://api.example.com/2/tweets")
        request = httpx.Request("PATCH", "https://api.x.com/2/tweets", headers=TOKEN)
        assert "no such operation" in asked(validator("x"), request)

    def test_path_and_query_parameters_are_checked(self) -> None:
        def get(path: str) -> str:
            return asked(validator("x"), httpx.Request("GET", f"https://api.x.com/2/{path}", headers=TOKEN))

        assert get("tweets?ids=1,2&tweet.fields=public_metrics,created_at") == ""
        assert "unknown query parameter fields" in get("tweets?ids=1&fields=text")
        assert "query parameter ids" in get("tweets?ids=abc")
        assert "Missing required query parameter" in get("tweets")
        assert "path parameter id" in get("tweets/abc")
        assert "query parameter ids" in get("tweets?ids=" + ",".join(map(str, range(1, 102))))

    def test_a_call_without_a_body_refuses_one(self) -> None:
        request = httpx.Request("DELETE", "https://api.x.com/2/tweets/1", headers=TOKEN, content=b"{}")
        assert "this call takes no body" in asked(validator("x"), request)

    def test_multipart_names_types_and_files_are_checked(self) -> None:
        def append(data: dict[str, str], files: Any) -> str:
            url = "https://api.x.com/2/media/upload/1146654567674912769/append"
            request = httpx.Request("POST", url, data=data, files=files, headers=TOKEN)
            return asked(validator("x"), request)

        media = {"media": ("a.mp4", b"\0\xff")}
        assert append({"segment_index": "0"}, media) == ""
        assert "segment_index" in append({"segment_index": "first"}, media)
        assert "'segment_index' is a required property" in append({}, media)
        assert "body has no field index" in append({"segment_index": "0", "index": "0"}, media)
        assert "'media' is a required property" in append({"segment_index": "0"}, {"med": ("a.mp4", b"\0")})

    def test_both_dialects_of_x_pass_but_not_mixed(self) -> None:
        counts = dict.fromkeys(
            ["reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"], 0
        )
        older = {"data": [{"id": "1", "text": "Ahoy", "public_metrics": {**counts, "retweet_count": 0}}]}
        newer = {"data": [{"id": "1", "text": "Ahoy", "public_metrics": {**counts, "repost_count": 0}}]}
        tweets = "https://api.x.com/2/tweets?ids=1&tweet.fields=public_metrics,author_id,note_tweet"
        posts = "https://api.x.com/2/tweets?ids=1&post.fields=public_metrics,note_post"
        assert answered(validator("x"), "GET", tweets, 200, older) == ""
        assert answered(validator("x"), "GET", posts, 200, newer) == ""
        assert "'repost_count' is a required property" in answered(validator("x"), "GET", posts, 200, older)
        for url in (tweets, posts):
            assert asked(validator("x"), httpx.Request("GET", url, headers=TOKEN)) == ""
        mixed = httpx.Request("GET", f"{posts},note_tweet", headers=TOKEN)
        assert "'note_tweet' is not one of" in asked(validator("x"), mixed)

    def test_answers_are_checked(self) -> None:
        def posted(status: int, value: Any) -> str:
            return answered(validator("x"), "POST", "https://api.x.com/2/tweets", status, value)

        assert posted(201, {"data": {"id": "1", "text": "Ahoy"}}) == ""
        assert "answer at $.data.id" in posted(201, {"data": {"id": 1, "text": "Ahoy"}})


class TestMastodon:
    """OpenAPI 3.1 whose statuses are described as JSON, and sent as forms."""

    pytestmark = pytest.mark.specs

    @pytest.mark.parametrize(
        "body",
        [
            {"data": {"status": "Ahoy", "visibility": "public", "sensitive": "true"}},
            {"data": {"status": "Ahoy", "media_ids[]": ["1", "2"]}},
            {"data": {"status": "?", "poll[options][]": ["Yes", "No"], "poll[expires_in]": "3600"}},
            {"json": {"status": "Ahoy", "media_ids": ["1"], "language": "en"}},
        ],
    )
    def test_a_status_passes(self, body: dict[str, Any]) -> None:
        assert toot(**body) == ""

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (
                {"data": {"status": "Ahoy", "media_ids": "1"}},
                "form field media_ids is a list: its name must end in []",
            ),
            ({"data": {"status": "Ahoy", "spoiler": "x"}}, "body has no field spoiler"),
            ({"data": {"status": "Ahoy", "visibility": "all"}}, "'all' is not one of ['public'"),
            (
                {"data": {"status": "?", "poll[options][]": ["A"], "poll[expires]": "9"}},
                "body has no field poll.expires",
            ),
            (
                {"data": {"poll[options][]": ["A"], "poll[expires_in]": "soon"}},
                "'soon' is not of type 'integer'",
            ),
            ({"data": {"visibility": "public"}}, "'status' is a required property"),
            ({"json": {"status": "Ahoy", "sensitive": "yes"}}, "'yes' is not of type 'boolean'"),
            ({"content": b"status=Ahoy"}, "content type missing"),
        ],
    )
    def test_a_bad_status_is_named(self, body: dict[str, Any], problem: str) -> None:
        assert problem in toot(**body)

    def test_a_missing_token_is_noticed_where_one_is_needed(self) -> None:
        request = httpx.Request("GET", f"{TOOTS}/v1/accounts/verify_credentials")
        assert "Authorization is missing; allowed: bearer" in asked(validator("mastodon"), request)
        assert asked(validator("mastodon"), httpx.Request("GET", f"{TOOTS}/v2/instance")) == ""

    def test_lists_in_the_query_end_in_brackets(self) -> None:
        def get(**query: Any) -> str:
            request = httpx.Request("GET", f"{TOOTS}/v1/statuses", params=query, headers=TOKEN)
            return asked(validator("mastodon"), request)

        assert get(**{"id[]": ["1", "2"]}) == ""
        assert "query parameter id is a list" in get(id="1")

    def test_an_upload_is_checked_by_name(self) -> None:
        def upload(data: dict[str, str], files: Any) -> str:
            request = httpx.Request("POST", f"{TOOTS}/v2/media", data=data, files=files, headers=TOKEN)
            return asked(validator("mastodon"), request)

        picture = {"file": ("a.png", b"\x89PNG", "image/png")}
        assert upload({"description": "A boat", "focus": "0.0,0.5"}, picture) == ""
        assert "body has no field alt" in upload({"alt": "A boat"}, picture)
        assert "'file' is a required property" in upload({}, {"thumbnail": ("a.png", b"\x89PNG")})
        assert "part description must be plain text" in upload(
            {}, {**picture, "description": ("d.txt", b"d")}
        )

    def test_an_edit_may_carry_media_attributes(self) -> None:
        body = {
            "status": "Ahoy",
            "media_ids": ["1"],
            "media_attributes": [{"id": "1", "description": "A boat"}],
        }
        url = f"{TOOTS}/v1/statuses/1"
        assert asked(validator("mastodon"), httpx.Request("PUT", url, json=body, headers=TOKEN)) == ""

    def test_answers_are_checked(self) -> None:
        url = f"{TOOTS}/v1/statuses"
        assert answered(validator("mastodon"), "POST", url, 422, {"error": "Validation failed"}) == ""
        assert "'error' is a required property" in answered(validator("mastodon"), "POST", url, 422, {})
        assert "answer" in answered(validator("mastodon"), "POST", url, 200, {"id": 1})


class TestBluesky:
    """Lexicon documents."""

    pytestmark = pytest.mark.specs

    def test_a_post_with_pictures_tags_and_labels_passes(self) -> None:
        label = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]}
        link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com"}
        facet = {"index": {"byteStart": 0, "byteEnd": 4}, "features": [link]}
        assert write(embed=images(blob()), langs=["en", "pt-BR"], labels=label, facets=[facet]) == ""

    def test_an_open_union_takes_what_no_description_knows(self) -> None:
        assert write(embed={"$type": "com.example.chart", "bars": [1, 2]}) == ""

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"text": "a" * 301}, "body at $.record.text: graphemes 301, at most 300"),
            ({"text": "👩‍👩‍👧‍👧" * 200}, "body at $.record.text: bytes 5000, at most 3000"),
            ({"createdAt": "2026-01-01 00:00"}, "is no datetime"),
            ({"langs": ["en", "de", "fr", "it"]}, "body at $.record.langs: items 4, at most 3"),
            ({"lang": "en"}, "body at $.record: unknown field lang"),
            ({"embed": images(*[blob()] * 5)}, "$.record.embed.images: items 5, at most 4"),
            ({"embed": images(blob(size=2_000_001))}, "size: bytes 2000001, at most 2000000"),
            ({"embed": images(blob(mimeType="video/mp4"))}, "mimeType: video/mp4 is none of ['image/*']"),
            (
                {"embed": images(blob(ref={"$link": RECORD_CID}))},
                "is no $link object with the CID of raw bytes",
            ),
            ({"embed": {"images": []}}, "body at $.record.embed: {'images': []} has no $type"),
            ({"embed": {"$type": POST}}, "$type app.bsky.feed.post is not allowed here"),
            (
                {"reply": {"root": {"uri": f"at://{DID}", "cid": RECORD_CID}}},
                "$.record.reply: parent is missing",
            ),
            (
                {"facets": [{"index": {"byteStart": -1, "byteEnd": 2}, "features": []}]},
                "value -1, at least 0",
            ),
            ({"facets": [{"index": {"byteStart": 0.5, "byteEnd": 2}, "features": []}]}, "0.5 is no integer"),
            (
                {"facets": [{"index": {"byteStart": True, "byteEnd": 2}, "features": []}]},
                "True is no integer",
            ),
            (
                {"embed": {"$type": "com.example.chart", "ratio": 1.5}},
                "$.record.embed.ratio: 1.5 is a fraction",
            ),
            ({"text": None}, "body at $.record.text: None is no string"),
            ({"$type": "app.bsky.feed.like"}, "cannot go to collection app.bsky.feed.post"),
        ],
    )
    def test_a_bad_post_is_named(self, changes: dict[str, Any], problem: str) -> None:
        assert problem in write(**changes)

    def test_a_record_key_must_be_of_the_kind_its_type_asks_for(self) -> None:
        record = {"$type": POST, "text": "Ahoy", "createdAt": "2026-01-01T00:00:00Z"}
        body = {"repo": DID, "collection": POST, "rkey": "self", "record": record}
        request = httpx.Request("POST", f"{XRPC}/com.atproto.repo.createRecord", json=body)
        assert asked(validator("bluesky"), request) == "record key self is not of kind tid"

    def test_query_parameters_are_typed_listed_and_known(self) -> None:
        def get(method: str, **query: Any) -> str:
            return asked(validator("bluesky"), httpx.Request("GET", f"{XRPC}/{method}", params=query))

        uri = f"at://{DID}/{POST}/3kznmn7xqxl22"
        assert get("app.bsky.feed.getPosts", uris=[uri] * 25) == ""
        assert "items 26, at most 25" in get("app.bsky.feed.getPosts", uris=[uri] * 26)
        assert "uris is missing" in get("app.bsky.feed.getPosts")
        assert "unknown parameter uri" in get("app.bsky.feed.getPosts", uri=uri, uris=uri)
        assert "'many' is no integer" in get("app.bsky.feed.getAuthorFeed", actor=DID, limit="many")
        assert "parameter actor is no list" in get("app.bsky.feed.getAuthorFeed", actor=[DID, DID])

    def test_the_method_the_verb_and_the_body_must_fit(self) -> None:
        def send(verb: str, method: str, **body: Any) -> str:
            return asked(validator("bluesky"), httpx.Request(verb, f"{XRPC}/{method}", **body))

        upload = "com.atproto.repo.uploadBlob"
        assert send("POST", upload, content=b"\x89PNG", headers={"content-type": "image/png"}) == ""
        assert "content type missing" in send("POST", upload, content=b"\x89PNG")
        assert "no such XRPC method" in send("POST", "com.atproto.repo.uploadBlobs")
        assert "a procedure is called by POST, not GET" in send("GET", upload)
        assert "this method takes no body" in send("POST", "com.atproto.server.refreshSession", json={})
        assert "body is not JSON" in send(
            "POST",
            "com.atproto.server.createSession",
            content=b"{",
            headers={"content-type": "application/json"},
        )

    def test_a_closed_union_names_its_member(self) -> None:
        def apply(kind: str) -> str:
            one = {"$type": kind, "collection": POST, "rkey": "3kznmn7xqxl22"}
            url = f"{XRPC}/com.atproto.repo.applyWrites"
            return asked(
                validator("bluesky"), httpx.Request("POST", url, json={"repo": DID, "writes": [one]})
            )

        assert apply("com.atproto.repo.applyWrites#delete") == ""
        assert "$type com.example.erase is not allowed here" in apply("com.example.erase")

    def test_answers_are_checked_and_may_carry_more_than_is_described(self) -> None:
        def made(status: int, value: Any) -> str:
            return answered(
                validator("bluesky"), "POST", f"{XRPC}/com.atproto.repo.createRecord", status, value
            )

        good = {"uri": f"at://{DID}/{POST}/3kznmn7xqxl22", "cid": RECORD_CID, "extra": 1}
        assert made(200, good) == ""
        assert "answer at $.cid: 'bafy' is no cid" in made(200, {**good, "cid": "bafy"})
        assert made(400, {"error": "InvalidSwap", "message": "Record was at ..."}) == ""
        assert "an error carries its name" in made(500, {"message": "?"})


@pytest.mark.specs
def test_one_call_checks_an_exchange_both_ways() -> None:
    answers = iter([{"data": {"id": "1", "text": "Ahoy"}}, {"data": {"id": 1}}])
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json=next(answers)))
    with httpx.Client(transport=transport, headers=TOKEN) as client:
        good, bad = (client.post("https://api.x.com/2/tweets", json={"text": "Ahoy"}) for _ in range(2))
    check_exchange(validator("x"), good)
    with pytest.raises(SpecViolation, match=r"the answer 201 to POST \S+/2/tweets breaks"):
        check_exchange(validator("x"), bad)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("did", "did:web:example.com", "did:plc:"),
        ("handle", "brand.example", "brand"),
        ("at-identifier", "brand.example", "@brand.example"),
        ("nsid", "app.bsky.feed.post", "app.bsky"),
        ("at-uri", "at://brand.example/app.bsky.feed.post/3k", "at://brand.example/app.bsky.feed.post/3k/x"),
        ("cid", RECORD_CID, RECORD_CID[:-1]),
        ("tid", "3kznmn7xqxl22", "zkznmn7xqxl22"),
        ("record-key", "self", ".."),
        ("uri", "https://example.com/a?b", "example.com/a"),
        ("language", "zh-Hant-TW", "x"),
        ("datetime", "2026-02-28T23:59:59.123456+05:30", "2026-02-30T00:00:00Z"),
        ("datetime", "1985-04-12T23:20:50Z", "1985-04-12T23:20:50"),
        ("datetime", "1985-04-12T23:20:50.1Z", "1985-04-12t23:20:50z"),
    ],
)
def test_a_lexicon_format_knows_good_from_bad(name: str, good: str, bad: str) -> None:
    assert FORMATS[name](good)
    assert not FORMATS[name](bad)


def test_bracketed_fields_nest() -> None:
    pairs = [("a", "1"), ("b[]", "2"), ("b[]", "3"), ("c[d]", "4"), ("e[f][]", "5")]
    assert nest(pairs) == {"a": "1", "b": ["2", "3"], "c": {"d": "4"}, "e": {"f": ["5"]}}
    assert nest([("m[][id]", "1"), ("m[][x]", "a"), ("m[][id]", "2")]) == {
        "m": [{"id": "1", "x": "a"}, {"id": "2"}]
    }


def test_the_descriptions_are_skipped_loudly_when_absent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOCIALKIT_SPECS", str(tmp_path / "nowhere"))
    assert specs_folder() == tmp_path / "nowhere"
    with pytest.raises(pytest.skip.Exception, match="PLATFORM DESCRIPTIONS ARE ABSENT"):
        need_specs()
