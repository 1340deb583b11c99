"""The Bluesky sandbox over HTTP: what the reference server answers, one behaviour at a time."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json

import httpx
import pytest

from media_files import gif, mp4, png
from socialkit.sandbox import Sandbox
from socialkit.sandbox.bluesky_accounts import FULL
from socialkit.sandbox.bluesky_records import dag_cbor, raw_cid, record_cid, tid

XRPC = "https://bsky.social/xrpc"
PDS = "https://morel.us-east.host.bsky.network/xrpc"
PUBLIC = "https://public.api.bsky.app/xrpc"
VIDEO = "https://video.bsky.app/xrpc"
POST = "app.bsky.feed.post"
AT = "2026-11-02T09:00:00.000Z"
ALONE = {"$type": "app.bsky.embed.images"}


@pytest.fixture
def box():
    with Sandbox(["bluesky"]) as made:
        yield made


@pytest.fixture
def sky(box):
    return box.bluesky


class Caller:
    """One person's calls; answers are (status, JSON)."""

    def __init__(self, client: httpx.AsyncClient, did: str) -> None:
        self.http, self.did = client, did

    async def get(self, name, host=XRPC, headers=None, **params):
        answer = await self.http.get(f"{host}/{name}", params=params, headers=headers)
        return answer.status_code, answer.json()

    async def post(self, name, /, host=XRPC, headers=None, params=None, **fields):
        answer = await self.http.post(f"{host}/{name}", json=fields, headers=headers, params=params)
        return answer.status_code, answer.json() if answer.content else None

    async def put(self, rkey, host=XRPC, collection=POST, record=None, **more):
        fields = {
            "repo": self.did,
            "collection": collection,
            "rkey": rkey,
            "record": record or note(),
            **more,
        }
        return await self.post("com.atproto.repo.putRecord", host, **fields)

    async def create(self, collection=POST, host=XRPC, record=None, **more):
        fields = {"repo": self.did, "collection": collection, "record": record or note(), **more}
        return await self.post("com.atproto.repo.createRecord", host, **fields)

    async def upload(self, data, mime="image/png", host=XRPC):
        answer = await self.http.post(
            f"{host}/com.atproto.repo.uploadBlob", content=data, headers={"content-type": mime}
        )
        return answer.status_code, answer.json()

    async def blob(self, data, mime="image/png"):
        status, answer = await self.upload(data, mime)
        assert status == 200, answer
        return answer["blob"]

    async def service(self, aud, lxm="com.atproto.repo.uploadBlob"):
        _, answer = await self.get("com.atproto.server.getServiceAuth", aud=aud, lxm=lxm)
        return {"authorization": f"Bearer {answer['token']}"}

    async def uploader(self):
        return await self.service("did:web:morel.us-east.host.bsky.network")


@pytest.fixture
def people(box, http):
    """``people("bob.test")``: somebody's calls, signed in."""

    def make(handle, scope="com.atproto.appPass"):
        headers = {"authorization": f"Bearer {box.bluesky.token(handle, scope)}"}
        return Caller(http(box, headers=headers), box.bluesky.person(handle).did)

    return make


@pytest.fixture
def brand(people):
    return people("brand.example")


@pytest.fixture
def bob(people):
    return people("bob.test")


@pytest.fixture
def anybody(box, http):
    return Caller(http(box), "")


def note(text="hello", **fields):
    return {"$type": POST, "text": text, "createdAt": AT, **fields}


def images(*blobs, **more):
    return {**ALONE, "images": [{"image": blob, "alt": "a boat", **more} for blob in blobs]}


def strong(answer):
    return {"uri": answer["uri"], "cid": answer["cid"]}


def claims(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def refused(answer):
    status, body = answer
    return status, body["error"], body["message"]


# --- records as data ---


def test_cids_are_those_of_the_data_model():
    assert record_cid({}) == "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"
    assert raw_cid(hashlib.sha256(b"").hexdigest()) == (
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    )


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (24, "1818"),
        (1000, "1903e8"),
        (-1, "20"),
        (2**32, "1b0000000100000000"),
        ("ü", "62c3bc"),
        ([1, [True, None]], "820182f5f6"),
        ({"bb": 1, "a": 2, "c": {"$bytes": "AQI"}}, "a361610261634201026262620 1".replace(" ", "")),
    ],
)
def test_dag_cbor(value, encoded):
    assert dag_cbor(value).hex() == encoded


def test_dag_cbor_agrees_with_another_encoder():
    libipld = pytest.importorskip("libipld")
    value = {"text": "→ 🚀", "n": [-5, 70000, None], "a longer name than twenty-three bytes": {"ü": False}}
    assert dag_cbor(value) == libipld.encode_dag_cbor(value)
    link = libipld.decode_dag_cbor(dag_cbor({"$link": record_cid({})}))
    assert libipld.encode_cid(link) == record_cid({})


def test_tids_sort_by_time():
    keys = [tid(micros, 1023) for micros in (1, 10**9, 1_793_610_000_000_000, 1_793_610_000_000_001)]
    assert keys == sorted(keys)
    assert all(len(key) == 13 for key in keys)


# --- sessions ---


async def test_a_session_by_handle_did_and_mail(anybody, sky):
    words, brand = sky.app_password("brand.example"), sky.person("brand.example")
    for identifier in ("brand.example", "Brand.Example", brand.did, "brand@example.com"):
        status, session = await anybody.post(
            "com.atproto.server.createSession", identifier=identifier, password=words
        )
        assert (status, session["did"], session["handle"]) == (200, brand.did, "brand.example")
    told = claims(session["accessJwt"])
    assert (told["scope"], told["exp"] - told["iat"]) == ("com.atproto.appPass", 7200)
    service = session["didDoc"]["service"][0]
    assert (service["id"], service["serviceEndpoint"]) == ("#atproto_pds", PDS.removesuffix("/xrpc"))


async def test_a_bad_password_is_401(anybody):
    answer = await anybody.post(
        "com.atproto.server.createSession", identifier="brand.example", password="nope"
    )
    assert refused(answer) == (401, "AuthenticationRequired", "Invalid identifier or password")


async def test_an_access_token_ends_after_two_hours_with_a_400(box, brand):
    assert (await brand.get("com.atproto.server.getSession"))[0] == 200
    box.clock.advance(7200)
    assert refused(await brand.get("com.atproto.server.getSession")) == (
        400,
        "ExpiredToken",
        "Token has expired",
    )


async def test_bad_tokens(anybody, brand):
    token = brand.http.headers["authorization"]
    name = "com.atproto.server.getSession"
    assert refused(await anybody.get(name)) == (401, "AuthMissing", "Authentication Required")
    for bad in (token[:-3] + "abc", "Bearer x", "Bearer a.b.c"):
        assert refused(await anybody.get(name, headers={"authorization": bad}))[:2] == (400, "InvalidToken")
    basic = await anybody.get(name, headers={"authorization": "Basic abc"})
    assert refused(basic) == (400, "InvalidToken", "Unexpected authorization type")
    bare = await anybody.get(name, headers={"authorization": "Bearer"})
    assert refused(bare) == (400, "InvalidToken", "Malformed authorization header")


async def test_refresh_rotates_and_gives_the_same_successor_for_two_hours(box, anybody, sky):
    _, first = await anybody.post(
        "com.atproto.server.createSession",
        identifier="brand.example",
        password=sky.app_password("brand.example"),
    )

    async def refresh(token):
        headers = {"authorization": f"Bearer {token}"}
        answer = await anybody.http.post(f"{XRPC}/com.atproto.server.refreshSession", headers=headers)
        return answer.status_code, answer.json()

    _, second = await refresh(first["refreshJwt"])
    box.clock.advance(7199)
    status, again = await refresh(first["refreshJwt"])
    assert status == 200
    assert claims(again["refreshJwt"])["jti"] == claims(second["refreshJwt"])["jti"]
    assert claims(second["refreshJwt"])["jti"] != claims(first["refreshJwt"])["jti"]
    box.clock.advance(1)
    assert refused(await refresh(first["refreshJwt"]))[:2] == (400, "ExpiredToken")
    assert (await refresh(second["refreshJwt"]))[0] == 200
    assert refused(await refresh(second["accessJwt"]))[:2] == (400, "ExpiredToken")
    assert refused(await refresh(again["accessJwt"]))[:2] == (400, "InvalidToken")


async def test_a_deleted_session_cannot_be_refreshed(anybody, sky):
    _, session = await anybody.post(
        "com.atproto.server.createSession",
        identifier="brand.example",
        password=sky.app_password("brand.example"),
    )
    headers = {"authorization": f"Bearer {session['refreshJwt']}"}
    gone = await anybody.http.post(f"{XRPC}/com.atproto.server.deleteSession", headers=headers)
    assert (gone.status_code, gone.content) == (200, b"")
    again = await anybody.http.post(f"{XRPC}/com.atproto.server.refreshSession", headers=headers)
    assert again.json()["error"] == "ExpiredToken"


async def test_app_passwords_are_made_by_the_main_password_only(anybody, sky, brand, people):
    name = "com.atproto.server.createAppPassword"
    assert refused(await brand.post(name, name="x")) == (400, "InvalidToken", "Bad token scope")
    status, made = await people("brand.example", FULL).post(name, name="x", privileged=True)
    assert status == 200
    _, session = await anybody.post(
        "com.atproto.server.createSession", identifier="brand.example", password=made["password"]
    )
    assert claims(session["accessJwt"])["scope"] == "com.atproto.appPassPrivileged"


async def test_accounts_that_are_off(anybody, sky, brand):
    person = sky.person("brand.example")
    sign_in = {"identifier": "brand.example", "password": person.password}
    person.factor = True
    assert refused(await anybody.post("com.atproto.server.createSession", **sign_in))[:2] == (
        401,
        "AuthFactorTokenRequired",
    )
    person.state = "deactivated"
    assert refused(await brand.put(tid(1, 1)))[:2] == (401, "AccountDeactivated")
    person.state = "takendown"
    assert refused(await brand.put(tid(1, 1)))[:2] == (401, "AccountTakedown")
    person.factor = False
    assert refused(await anybody.post("com.atproto.server.createSession", **sign_in))[:2] == (
        401,
        "AccountTakedown",
    )


# --- identity and hosts ---


async def test_handles_resolve(anybody, sky):
    for host in (XRPC, PUBLIC):
        _, found = await anybody.get("com.atproto.identity.resolveHandle", host, handle="alice.example")
        assert found == {"did": sky.person("alice.example").did}
    unknown = await anybody.get("com.atproto.identity.resolveHandle", handle="nobody.example")
    assert refused(unknown) == (400, "InvalidRequest", "Unable to resolve handle")


async def test_the_directory_and_the_server_describe_themselves(anybody, sky):
    did = sky.person("brand.example").did
    answer = await anybody.http.get(f"https://plc.directory/{did}")
    assert answer.headers["content-type"] == "application/did+ld+json"
    assert answer.json()["alsoKnownAs"] == ["at://brand.example"]
    assert (await anybody.http.get("https://plc.directory/did:plc:nobody")).status_code == 404
    _, own = await anybody.get("com.atproto.server.describeServer", PDS)
    assert (own["did"], own["blobUploadLimit"]) == ("did:web:morel.us-east.host.bsky.network", 52_428_800)
    assert (await anybody.get("_health"))[1] == {"version": "0.5.35"}


async def test_a_host_answers_only_what_it_has(anybody, brand):
    wrong = [
        await brand.get("app.bsky.video.getJobStatus", XRPC, jobId="1"),
        await brand.get("com.atproto.server.getSession", PUBLIC),
        await brand.get("com.example.unknown"),
    ]
    assert {refused(one) for one in wrong} == {(501, "MethodNotImplemented", "Method Not Implemented")}
    verb = await brand.get("com.atproto.repo.createRecord")
    assert refused(verb) == (400, "InvalidRequest", "Incorrect HTTP method (GET) expected POST")
    assert refused(await anybody.get("app.bsky.feed.getPosts", uris="at://x"))[:2] == (401, "AuthMissing")


# --- records ---


async def test_a_post_is_created_read_listed_and_deleted(box, brand):
    status, made = await brand.create(record=note("We ship"))
    assert (status, made["validationStatus"]) == (200, "valid")
    assert made["uri"].startswith(f"at://{brand.did}/{POST}/")
    assert made["cid"] == record_cid(note("We ship"))
    assert set(made["commit"]) == {"cid", "rev"}
    rkey = made["uri"].rpartition("/")[2]
    place = {"repo": brand.did, "collection": POST, "rkey": rkey}
    _, read = await brand.get("com.atproto.repo.getRecord", **place)
    assert read == {"uri": made["uri"], "cid": made["cid"], "value": note("We ship")}
    entry = box.timeline("bluesky")[0]
    assert (entry.id, entry.text, entry.account) == (rkey, "We ship", "brand.example")
    assert entry.url == f"https://bsky.app/profile/{brand.did}/post/{rkey}"
    _, gone = await brand.post("com.atproto.repo.deleteRecord", **place)
    assert set(gone["commit"]) == {"cid", "rev"}
    assert await brand.post("com.atproto.repo.deleteRecord", **place) == (200, {})
    missing = await brand.get("com.atproto.repo.getRecord", **place)
    assert refused(missing) == (400, "RecordNotFound", f"Could not locate record: {made['uri']}")
    assert box.timeline("bluesky") == []


async def test_a_key_may_be_used_again_after_a_deletion(box, brand):
    key = tid(1_793_610_000_000_000, 1)
    await brand.put(key, record=note("one"))
    await brand.put(tid(1_793_610_000_000_001, 1), record=note("two"))
    await brand.post("com.atproto.repo.deleteRecord", repo=brand.did, collection=POST, rkey=key)
    await brand.put(key, record=note("three"))
    assert [entry.text for entry in box.timeline("bluesky")] == ["two", "three"]


async def test_create_under_a_taken_key_is_a_bare_500(box, brand):
    key = tid(1_793_610_000_000_000, 1)
    assert (await brand.create(rkey=key))[0] == 200
    again = await brand.create(rkey=key)
    assert refused(again) == (500, "InternalServerError", "Internal Server Error")
    assert len(box.timeline("bluesky")) == 1


async def test_put_only_if_new(box, brand):
    key = tid(1_793_610_000_000_000, 1)
    _, made = await brand.put(key, swapRecord=None)
    status, again = await brand.put(key, swapRecord=None)
    assert (status, "commit" in again, again["cid"]) == (200, False, made["cid"])
    other = await brand.put(key, record=note("other"), swapRecord=None)
    assert refused(other) == (400, "InvalidSwap", f"Record was at {made['cid']}")
    absent = await brand.put(tid(9, 9), swapRecord=made["cid"])
    assert refused(absent) == (400, "InvalidSwap", "Record was at null")
    assert (await brand.put(key, record=note("other"), swapRecord=made["cid"]))[0] == 200
    assert [entry.text for entry in box.timeline("bluesky")] == ["other"]


async def test_swap_commit(brand):
    _, made = await brand.create()
    assert (await brand.create(swapCommit=made["commit"]["cid"]))[0] == 200
    late = await brand.create(swapCommit=made["commit"]["cid"])
    assert refused(late)[:2] == (400, "InvalidSwap")
    assert late[1]["message"].startswith("Commit was at bafyrei")


async def test_two_people_may_use_the_same_key(box, brand, bob):
    key = tid(1_793_610_000_000_000, 1)
    await brand.put(key, record=note("brand's"))
    await bob.put(key, record=note("bob's"))
    assert [entry.text for entry in box.timeline("bluesky")] == ["brand's", "bob's"]
    _, read = await bob.get("com.atproto.repo.getRecord", repo="bob.test", collection=POST, rkey=key)
    assert read["value"]["text"] == "bob's"


async def test_nobody_writes_to_others(brand, bob):
    bob.did = brand.did
    assert refused(await bob.create()) == (401, "AuthenticationRequired", "Authentication Required")
    bob.did = "did:plc:nobody"
    assert refused(await bob.create())[:2] == (403, "AccountNotFound")


async def test_apply_writes_is_all_or_nothing(box, brand):
    def write(kind, rkey, text="x"):
        value = {} if kind == "delete" else {"value": note(text)}
        return {"$type": f"com.atproto.repo.applyWrites#{kind}", "collection": POST, "rkey": rkey, **value}

    keys = [tid(1_793_610_000_000_000 + n, 1) for n in range(3)]
    creates = [write("create", key, key) for key in keys]
    _, done = await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=creates)
    assert [one["$type"] for one in done["results"]] == ["com.atproto.repo.applyWrites#createResult"] * 3
    mixed = [write("delete", keys[0]), write("create", keys[1])]
    assert (await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=mixed))[0] == 500
    assert len(box.timeline("bluesky")) == 3
    good = [write("delete", keys[0]), write("create", keys[0], "anew"), write("update", keys[1], "changed")]
    assert (await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=good))[0] == 200
    assert [entry.text for entry in box.timeline("bluesky")] == ["changed", keys[2], "anew"]
    many = await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=creates * 67)
    assert refused(many) == (400, "InvalidRequest", "Too many writes. Max: 200")
    bad = [write("create", tid(5, 5), "x" * 301)]
    answer = await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=bad)
    assert "got 301) at $.writes[0].record.text" in refused(answer)[2]


async def test_lists_have_pages(brand):
    keys = [tid(1_793_610_000_000_000 + n, 1) for n in range(5)]
    for key in keys:
        await brand.put(key)
    place = {"repo": brand.did, "collection": POST, "limit": 2}

    async def read(**more):
        found, cursor = [], None
        while True:
            params = {**place, **more, **({"cursor": cursor} if cursor else {})}
            _, page = await brand.get("com.atproto.repo.listRecords", **params)
            if not page["records"]:
                return found
            found += [one["uri"].rpartition("/")[2] for one in page["records"]]
            cursor = page["cursor"]

    assert await read() == keys[::-1]
    assert await read(reverse="true") == keys
    bad = await brand.get("com.atproto.repo.listRecords", **{**place, "limit": 101})
    assert refused(bad)[2] == (
        "Invalid com.atproto.repo.listRecords params: integer too big (maximum 100, got 101)"
    )
    none = await brand.get("com.atproto.repo.listRecords", **{**place, "repo": "nobody.example"})
    assert refused(none)[2] == "Could not find repo: nobody.example"
    _, about = await brand.get("com.atproto.repo.describeRepo", repo="brand.example")
    assert about["collections"] == [POST]


def too_much(what):
    return f"Invalid {POST} record: {what}"


KINDS = "one of null, boolean, integer, string, cid, bytes, array or object"
NO_TYPE = 'Expected an object which includes the "$type" property value type (got {"a": ..., "b": ..., ...})'
NO_TEXT = 'Expected string value type (got ["a", 1, ...])'
FACETS = {"features": [{"$type": "app.bsky.richtext.facet#tag", "tag": "x"}]}
NOWHERE = {
    "index": {"byteStart": 0, "byteEnd": 1},
    "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https:///x"}],
}
IN_FACET = "$.record.facets[0].features[0]"
CARD = {"$type": "app.bsky.embed.external", "external": {"uri": "https://example.com", "title": "t"}}


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (note("x" * 301), too_much("grapheme too big (maximum 300, got 301) at $.record.text")),
        (note("👩‍👩‍👧‍👦" * 121), too_much("string too big (maximum 3000, got 3025) at $.record.text")),
        (note(langs=["en"] * 4), too_much("array too big (maximum 3, got 4) at $.record.langs")),
        (note(tags=["x" * 65]), too_much("grapheme too big (maximum 64, got 65) at $.record.tags[0]")),
        ({"$type": POST, "text": "x"}, too_much('Missing required key "createdAt" at $.record')),
        (note(createdAt="today"), too_much('Invalid datetime (got "today") at $.record.createdAt')),
        (note(langs=["de_DE"]), too_much('Invalid language (got "de_DE") at $.record.langs[0]')),
        (note(langs=["deutsch"]), too_much('Invalid language (got "deutsch") at $.record.langs[0]')),
        (note(langs=["EN"]), too_much('Invalid language (got "EN") at $.record.langs[0]')),
        (note(facets=[NOWHERE]), too_much(f'Invalid uri (got "https:///x") at {IN_FACET}.uri')),
        (note(reply=None), too_much("Expected object value type (got null) at $.record.reply")),
        (note(embed=CARD), too_much('Missing required key "description" at $.record.embed.external')),
        (note(n=[1.5]), f"Expected {KINDS} value type (got 1.5) at $.record.n[0]"),
        (note(embed={"a": 1, "b": 2, "c": 3}), too_much(f"{NO_TYPE} at $.record.embed")),
        (note(langs=[["a", 1, "c"]]), too_much(f"{NO_TEXT} at $.record.langs[0]")),
        (
            {**note(), "$type": "app.bsky.feed.like"},
            f"Invalid $type: expected {POST}, got app.bsky.feed.like",
        ),
    ],
)
async def test_bad_records_are_refused(box, brand, record, words):
    status, error, message = refused(await brand.put(tid(1, 1), record=record))
    assert (status, error) == (400, "InvalidRequest")
    assert message == words
    assert box.timeline("bluesky") == []


@pytest.mark.parametrize("language", ["en", "pt-BR", "zh-Hant-TW", "art-lojban", "x-foo", "und", "de-1996"])
async def test_languages_of_every_shape(brand, language):
    assert (await brand.put(tid(1, 1), record=note(langs=[language])))[0] == 200


async def test_facets_are_not_looked_into(brand):
    backwards = {"index": {"byteStart": 5, "byteEnd": 1}, **FACETS}
    assert (await brand.put(tid(1, 1), record=note(facets=[backwards])))[0] == 200


async def test_keys_of_posts_are_tids(brand):
    answer = await brand.put("my-key")
    assert refused(answer)[2] == f'Invalid record key for {POST}: Invalid TID string (got "my-key") at $'
    assert refused(await brand.put("a/b"))[2] == 'Invalid record key (got "a/b") at $.rkey'
    assert (await brand.put("my-key", validate=False))[0] == 200


async def test_records_of_unknown_types(brand):
    record = {"$type": "com.example.note", "any": ["thing"]}
    _, made = await brand.create("com.example.note", record=record, rkey="1")
    assert made["validationStatus"] == "unknown"
    strict = await brand.create("com.example.note", record=record, rkey="2", validate=True)
    assert refused(strict)[2] == "Unknown lexicon type: com.example.note"
    unchecked = {"$type": POST, "text": 5, "embed": "x", "reply": [], "labels": 3, "facets": {}}
    assert (await brand.put(tid(1, 1), record=unchecked, validate=False))[0] == 200


async def test_bodies_have_a_limit(brand):
    large = await brand.put("1", collection="com.example.note", record={"text": "x" * 1_000_000})
    assert refused(large) == (413, "PayloadTooLargeError", "request entity too large")
    small = await brand.post("com.atproto.server.createSession", identifier="x" * 160_000, password="x")
    assert refused(small)[:2] == (413, "PayloadTooLargeError")


@pytest.mark.parametrize(
    ("content", "kind", "error"),
    [
        (b"{", "application/json", ("SyntaxError", "")),
        (b"[]", "application/json", ("InvalidRequest", "Expected object value type (got []) at $")),
        (b"a=b", "text/plain", ("InvalidRequest", "Wrong request encoding (Content-Type): text/plain")),
        (b"", "application/json", ("InvalidRequest", "A request body is expected but none was provided")),
        (b"", None, ("InvalidRequest", "Request encoding (Content-Type) required but not provided")),
    ],
)
async def test_bodies_that_are_no_object(anybody, content, kind, error):
    headers = {"content-type": kind} if kind else {}
    name = "com.atproto.server.createSession"
    answer = await anybody.http.post(f"{XRPC}/{name}", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == error[0]
    assert answer.json()["message"] == error[1] or not error[1]


async def test_fields_of_a_write_have_formats(brand):
    wrong = {
        "repo": ("x y", "AT identifier"),
        "collection": ("x", "NSID"),
        "rkey": ("..", "record key"),
        "swapRecord": ("zzz", "CID string"),
        "swapCommit": ("zzz", "CID string"),
    }
    for name, (value, kind) in wrong.items():
        fields = {"repo": brand.did, "collection": POST, "rkey": tid(1, 1), "record": note(), name: value}
        answer = await brand.post("com.atproto.repo.putRecord", **fields)
        assert refused(answer)[2] == f'Invalid {kind} (got "{value}") at $.{name}'


# --- blobs ---


async def test_content_decides_over_the_header(brand):
    assert (await brand.blob(png(), "text/plain"))["mimeType"] == "image/png"
    assert (await brand.blob(b"no picture", "image/png"))["mimeType"] == "image/png"
    assert (await brand.blob(gif(), "image/jpeg"))["mimeType"] == "image/gif"
    assert (await brand.blob(b"WEBVTT", "text/vtt"))["mimeType"] == "text/vtt"
    blob = await brand.blob(b"{}", "application/json")
    assert blob["ref"]["$link"] == raw_cid(hashlib.sha256(b"{}").hexdigest())


async def test_the_same_bytes_are_the_same_blob(brand):
    assert await brand.blob(png()) == await brand.blob(png())


async def test_uploads_have_a_limit(brand, sky):
    sky.blob_limit = 1000
    answer = await brand.upload(png() + bytes(1000))
    assert refused(answer) == (413, "PayloadTooLarge", "request entity too large")


async def test_pictures_of_a_post(box, brand):
    blob = await brand.blob(png())
    await brand.put(tid(1, 1), record=note(embed=images(blob, aspectRatio={"width": 3, "height": 2})))
    medium = box.timeline("bluesky")[0].media[0]
    assert (medium["mime"], medium["alt"], medium["data"]) == ("image/png", "a boat", png())
    five = await brand.put(tid(2, 2), record=note(embed=images(*[blob] * 5)))
    assert refused(five)[2] == too_much("array too big (maximum 4, got 5) at $.record.embed.images")


async def test_a_picture_may_be_too_large_only_when_it_is_used(brand):
    blob = await brand.blob(png() + bytes(2_000_000))
    answer = await brand.put(tid(1, 1), record=note(embed=images(blob)))
    words = f"blob too big (maximum 2000000, got {blob['size']}) at $.record.embed.images[0].image"
    assert refused(answer)[2] == too_much(words)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ref": {"$link": raw_cid("00" * 32)}}, "BlobNotFound"),
        ({"size": 5}, "InvalidSize"),
        ({"mimeType": "image/webp"}, "InvalidMimeType"),
    ],
)
async def test_a_blob_must_be_there_as_it_is_named(brand, change, code):
    blob = {**await brand.blob(png()), **change}
    assert refused(await brand.put(tid(1, 1), record=note(embed=images(blob))))[:2] == (400, code)


async def test_a_blob_in_use_is_not_looked_at_again(brand):
    blob = await brand.blob(png())
    await brand.put(tid(1, 1), record=note(embed=images(blob)))
    assert (await brand.put(tid(2, 2), record=note(embed=images({**blob, "size": 5}))))[0] == 200


async def test_a_blob_of_another_person_is_not_found(brand, bob):
    blob = await brand.blob(png())
    assert refused(await bob.put(tid(1, 1), record=note(embed=images(blob))))[1] == "BlobNotFound"


async def test_a_blob_nobody_refers_to_is_collected_after_an_hour(box, brand, people):
    blob, used = await brand.blob(png(9)), await brand.blob(png())
    await brand.put(tid(1, 1), record=note(embed=images(used)))
    box.clock.advance(3600)
    late = people("brand.example")
    assert refused(await late.put(tid(2, 2), record=note(embed=images(blob))))[1] == "BlobNotFound"
    assert (await late.put(tid(3, 3), record=note(embed=images(used))))[0] == 200


async def test_the_wrong_kind_of_blob(brand):
    text = await brand.blob(b"WEBVTT", "text/vtt")
    answer = await brand.put(tid(1, 1), record=note(embed=images(text)))
    where = "$.record.embed.images[0].image.mimeType"
    assert refused(answer)[2] == too_much(f'Expected "image/*" (got "text/vtt") at {where}')


async def test_bytes_can_be_fetched(brand):
    blob = await brand.blob(png())
    params = {"did": brand.did, "cid": blob["ref"]["$link"]}
    answer = await brand.http.get(f"{XRPC}/com.atproto.sync.getBlob", params=params)
    assert (answer.content, answer.headers["content-type"]) == (png(), "image/png")


# --- what everybody sees ---


async def test_a_post_is_seen_a_second_later(box, brand, anybody):
    _, made = await brand.create()
    assert await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"]) == (200, {"posts": []})
    box.clock.advance(1)
    _, found = await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"])
    view = found["posts"][0]
    assert (view["uri"], view["cid"], view["record"]["text"]) == (made["uri"], made["cid"], "hello")
    assert view["author"]["handle"] == "brand.example"
    assert "viewer" not in view


async def test_listed_late(box, brand, anybody):
    box.fault("listed-late", seconds=90)
    _, made = await brand.create()
    box.clock.advance(89)
    assert (await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"]))[1] == {"posts": []}
    place = {"repo": brand.did, "collection": POST, "rkey": made["uri"].rpartition("/")[2]}
    assert (await brand.get("com.atproto.repo.getRecord", **place))[0] == 200
    box.clock.advance(1)
    assert len((await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"]))[1]["posts"]) == 1


PARAMS = "Invalid app.bsky.feed.getPosts params"


async def test_posts_are_read_25_at_a_time(box, brand):
    made = [(await brand.create(record=note(str(n))))[1]["uri"] for n in range(26)]
    box.clock.advance(2)
    _, found = await brand.get("app.bsky.feed.getPosts", uris=[*made[:24], "at://did:plc:no/x/y"])
    assert [view["uri"] for view in found["posts"]] == made[:24]
    many = await brand.get("app.bsky.feed.getPosts", uris=made)
    assert refused(many) == (400, "InvalidRequest", f"{PARAMS}: array too big (maximum 25, got 26)")


async def test_counts_are_what_people_did(box, brand, bob):
    _, made = await brand.create()
    subject = strong(made)
    for collection in ("app.bsky.feed.like", "app.bsky.feed.like", "app.bsky.feed.repost"):
        await bob.create(collection, record={"$type": collection, "subject": subject, "createdAt": AT})
    reply = note("yes", reply={"root": subject, "parent": subject})
    await bob.create(record=reply)
    await bob.create(record=note("look", embed={"$type": "app.bsky.embed.record", "record": subject}))
    box.clock.advance(2)
    _, found = await bob.get("app.bsky.feed.getPosts", uris=made["uri"])
    view = found["posts"][0]
    names = ("likeCount", "repostCount", "replyCount", "quoteCount", "bookmarkCount")
    assert [view[name] for name in names] == [1, 1, 1, 1, 0]
    like = view["viewer"]["like"]
    _, likes = await bob.get("app.bsky.feed.getLikes", uri=made["uri"])
    assert [one["actor"]["handle"] for one in likes["likes"]] == ["bob.test"]
    place = {"repo": bob.did, "collection": "app.bsky.feed.like", "rkey": like.rpartition("/")[2]}
    await bob.post("com.atproto.repo.deleteRecord", **place)
    _, found = await bob.get("app.bsky.feed.getPosts", uris=made["uri"])
    assert found["posts"][0]["likeCount"] == 0
    _, reposts = await bob.get("app.bsky.feed.getRepostedBy", uri=made["uri"])
    assert [one["did"] for one in reposts["repostedBy"]] == [bob.did]
    _, quotes = await bob.get("app.bsky.feed.getQuotes", uri=made["uri"])
    assert quotes["posts"][0]["embed"]["record"]["value"]["text"] == "hello"


async def test_counts_grow_with_the_clock_and_are_the_same_in_every_run(box, brand, anybody):
    _, made = await brand.create()
    seen = []
    for _ in range(3):
        box.clock.advance(20_000)
        view = (await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"]))[1]["posts"][0]
        seen.append(view["likeCount"])
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[2]
    post = box.bluesky.post(made["uri"])
    assert box.bluesky.growth(post, likes=60)["likes"] == seen[2]


async def test_a_changed_post_looks_as_it_was(box, brand, anybody):
    key = tid(1_793_610_000_000_000, 1)
    _, made = await brand.put(key, record=note("first"))
    await brand.put(key, record=note("second"))
    box.clock.advance(2)
    view = (await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=made["uri"]))[1]["posts"][0]
    assert (view["record"]["text"], view["cid"]) == ("first", made["cid"])
    assert box.timeline("bluesky")[0].text == "second"


async def test_every_embed_has_a_view(box, brand, anybody):
    blob = await brand.blob(png())
    ratio = {"aspectRatio": {"width": 3, "height": 2}}
    video = await brand.blob(mp4(), "video/mp4")
    _, quoted = await brand.create(record=note("quoted"))
    quote = {"$type": "app.bsky.embed.record", "record": strong(quoted)}
    gallery = [{"$type": "app.bsky.embed.gallery#image", "image": blob, "alt": "", **ratio}] * 6
    card = {"uri": "https://example.com", "title": "t", "description": "d", "thumb": blob}
    embeds = [
        images(blob, **ratio),
        {"$type": "app.bsky.embed.gallery", "items": gallery},
        {"$type": "app.bsky.embed.video", "video": video, "alt": "moving"},
        {"$type": "app.bsky.embed.external", "external": card},
        quote,
        {"$type": "app.bsky.embed.recordWithMedia", "record": quote, "media": images(blob)},
    ]
    uris = [(await brand.create(record=note(embed=embed)))[1]["uri"] for embed in embeds]
    box.clock.advance(2)
    _, found = await anybody.get("app.bsky.feed.getPosts", PUBLIC, uris=uris)
    views = [view["embed"] for view in found["posts"]]
    assert [view["$type"] for view in views] == [f"{embed['$type']}#view" for embed in embeds]
    assert (await anybody.http.get(views[0]["images"][0]["thumb"])).content == png()
    assert len(views[1]["items"]) == 6
    assert views[4]["record"]["value"]["text"] == "quoted"


async def test_a_thread_has_parents_and_replies(box, brand, bob):
    _, root = await brand.create(record=note("root"))
    _, middle = await bob.create(record=note("a", reply={"root": strong(root), "parent": strong(root)}))
    _, leaf = await brand.create(record=note("b", reply={"root": strong(root), "parent": strong(middle)}))
    box.clock.advance(2)
    _, found = await brand.get("app.bsky.feed.getPostThread", uri=root["uri"])
    below = found["thread"]["replies"][0]
    assert (below["post"]["uri"], below["replies"][0]["post"]["uri"]) == (middle["uri"], leaf["uri"])
    _, found = await brand.get("app.bsky.feed.getPostThread", uri=leaf["uri"])
    assert found["thread"]["parent"]["parent"]["post"]["record"]["text"] == "root"
    missing = await brand.get("app.bsky.feed.getPostThread", uri="at://did:plc:x/y/z")
    assert refused(missing)[:2] == (400, "NotFound")


async def test_feeds_and_search(box, brand, bob, anybody):
    blob = await brand.blob(png())
    _, first = await brand.create(record=note("ships #sail", langs=["en"]))
    await brand.create(record=note("a reply", reply={"root": strong(first), "parent": strong(first)}))
    await brand.create(record=note("a picture", embed=images(blob)))
    await bob.create(record=note("ships too"))
    box.clock.advance(2)

    async def feed(**more):
        _, found = await anybody.get("app.bsky.feed.getAuthorFeed", PUBLIC, actor="brand.example", **more)
        return [one["post"]["record"]["text"] for one in found["feed"]]

    assert await feed() == ["a picture", "a reply", "ships #sail"]
    assert await feed(filter="posts_no_replies") == ["a picture", "ships #sail"]
    assert await feed(filter="posts_with_media") == ["a picture"]
    assert await feed(limit=1, cursor="1") == ["a reply"]

    async def search(**more):
        _, found = await brand.get("app.bsky.feed.searchPosts", **more)
        return [one["record"]["text"] for one in found["posts"]]

    assert await search(q="ships") == ["ships too", "ships #sail"]
    assert await search(q="ships", author="bob.test") == ["ships too"]
    assert await search(q="*", tag="sail") == ["ships #sail"]
    assert await search(q="ships", lang="de") == []
    assert (await anybody.get("app.bsky.feed.searchPosts", PUBLIC, q="ships"))[0] == 403
    assert len((await bob.get("app.bsky.feed.getTimeline"))[1]["feed"]) == 4


async def test_profiles(box, brand, bob, anybody):
    about = {"$type": "app.bsky.actor.profile", "displayName": "The Brand", "description": "We ship"}
    await brand.put("self", collection="app.bsky.actor.profile", record=about)
    follow = {"$type": "app.bsky.graph.follow", "subject": brand.did, "createdAt": AT}
    _, before = await anybody.get("app.bsky.actor.getProfile", PUBLIC, actor="brand.example")
    await bob.create("app.bsky.graph.follow", record=follow)
    _, after = await bob.get("app.bsky.actor.getProfile", actor=brand.did)
    assert (after["displayName"], after["description"]) == ("The Brand", "We ship")
    assert after["followersCount"] == before["followersCount"] + 1
    assert after["viewer"]["following"].startswith(f"at://{bob.did}/")
    both = await anybody.get("app.bsky.actor.getProfiles", PUBLIC, actors=["bob.test", "nobody.example"])
    assert [one["handle"] for one in both[1]["profiles"]] == ["bob.test"]
    none = await anybody.get("app.bsky.actor.getProfile", PUBLIC, actor="nobody.example")
    assert refused(none) == (400, "InvalidRequest", "Profile not found")
    wrong = await brand.put("other", collection="app.bsky.actor.profile", record=about)
    assert 'Expected "self" (got "other")' in refused(wrong)[2]


async def test_notifications(box, brand, bob):
    _, made = await brand.create()
    subject = strong(made)
    mention = {"$type": "app.bsky.richtext.facet#mention", "did": brand.did}
    facet = {"index": {"byteStart": 0, "byteEnd": 3}, "features": [mention]}
    await bob.create(record=note("r", reply={"root": subject, "parent": subject}))
    await bob.create(record=note("@b", facets=[facet]))
    await bob.create("app.bsky.feed.like", record={"subject": subject, "createdAt": AT})
    box.clock.advance(2)
    _, found = await brand.get("app.bsky.notification.listNotifications")
    assert {one["reason"] for one in found["notifications"]} == {"reply", "mention", "like"}
    _, some = await brand.get("app.bsky.notification.listNotifications", reasons=["reply", "quote"])
    assert [one["reasonSubject"] for one in some["notifications"]] == [made["uri"]]
    assert (await brand.get("app.bsky.notification.getUnreadCount"))[1] == {"count": 3}
    await brand.post("app.bsky.notification.updateSeen", seenAt="2026-11-02T09:00:02.000Z")
    assert (await brand.get("app.bsky.notification.getUnreadCount"))[1] == {"count": 0}


async def test_gates_belong_to_the_post(box, brand, anybody):
    key = tid(1_793_610_000_000_000, 1)
    _, made = await brand.put(key)
    gate = {"$type": "app.bsky.feed.threadgate", "post": made["uri"], "allow": [], "createdAt": AT}
    rule = {"$type": "app.bsky.feed.postgate#disableRule"}
    await brand.put(key, collection="app.bsky.feed.threadgate", record=gate)
    other = {
        "$type": "app.bsky.feed.postgate",
        "post": made["uri"],
        "embeddingRules": [rule],
        "createdAt": AT,
    }
    await brand.put(key, collection="app.bsky.feed.postgate", record=other)
    box.clock.advance(2)
    _, found = await brand.get("app.bsky.feed.getPosts", uris=made["uri"])
    view = found["posts"][0]
    assert (view["threadgate"]["record"]["allow"], view["viewer"]["embeddingDisabled"]) == ([], True)
    notes = box.bluesky.shown_notes(box.timeline("bluesky")[0])
    assert notes == ["who may reply is limited", "nobody may quote"]


@pytest.mark.parametrize(
    ("rule", "fact"),
    [
        (None, None),
        ("mentionRule", "mention"),
        ("followerRule", "bob follows"),
        ("followingRule", "brand follows"),
        ("listRule", "listed"),
    ],
)
async def test_who_may_reply_is_told_to_each_viewer(box, brand, bob, people, rule, fact):
    facet = {"$type": "app.bsky.richtext.facet#mention", "did": bob.did}
    facets = [{"index": {"byteStart": 0, "byteEnd": 5}, "features": [facet]}]
    _, root = await brand.create(record=note(facets=facets) if fact == "mention" else note())
    both = {"root": strong(root), "parent": strong(root)}
    _, reply = await brand.create(record=note("more", reply=both))
    names = f"at://{brand.did}/app.bsky.graph.list/{tid(1, 1)}"
    kind = f"app.bsky.feed.threadgate#{rule}"
    allow = [{"$type": kind, **({"list": names} if rule == "listRule" else {})}] if rule else []
    gate = {"post": root["uri"], "allow": allow, "createdAt": AT}
    await brand.put(root["uri"].rpartition("/")[2], collection="app.bsky.feed.threadgate", record=gate)
    follow = {"createdAt": AT}
    if fact == "bob follows":
        await bob.create("app.bsky.graph.follow", record=follow | {"subject": brand.did})
    if fact == "brand follows":
        await brand.create("app.bsky.graph.follow", record=follow | {"subject": bob.did})
    if fact == "listed":
        await brand.create("app.bsky.graph.listitem", record=follow | {"subject": bob.did, "list": names})
    box.clock.advance(2)
    closed = {}
    for viewer in (brand, bob, people("alice.example")):
        _, found = await viewer.get("app.bsky.feed.getPosts", uris=[root["uri"], reply["uri"]])
        closed[viewer.did] = [post["viewer"].get("replyDisabled", False) for post in found["posts"]]
    assert list(closed.values()) == [[False] * 2, [fact is None] * 2, [True] * 2]


# --- service tokens and video ---


async def test_service_tokens_have_an_end(box, brand):
    now = int(box.clock.now().timestamp())

    async def ask(**more):
        params = {"aud": "did:web:video.bsky.app", **more}
        return await brand.get("com.atproto.server.getServiceAuth", **params)

    _, made = await ask(lxm="app.bsky.video.getUploadLimits")
    told = claims(made["token"])
    assert (told["iss"], told["exp"] - now) == (brand.did, 60)
    for more in ({"exp": now - 1}, {"exp": now + 61}, {"exp": now + 3601, "lxm": "a.b.c"}):
        assert refused(await ask(**more))[:2] == (400, "BadExpiration")
    assert (await ask(exp=now + 3600, lxm="a.b.c"))[0] == 200
    assert refused(await ask(aud="https://video.bsky.app"))[0] == 400


async def test_the_video_service_wants_a_token_for_the_accounts_server(brand):
    video = mp4()

    async def send(headers):
        answer = await brand.http.post(
            f"{VIDEO}/app.bsky.video.uploadVideo",
            params={"did": brand.did, "name": "a.mp4"},
            content=video,
            headers={"content-type": "video/mp4", **headers},
        )
        return answer.status_code, answer.json()

    for audience in ("did:web:video.bsky.app", "did:web:bsky.social"):
        assert refused(await send(await brand.service(audience)))[::2] == (401, "invalid token audience")
    wrong = await brand.service("did:web:morel.us-east.host.bsky.network", "app.bsky.video.uploadVideo")
    assert refused(await send(wrong))[:2] == (401, "BadJwtLexiconMethod")
    assert refused(await send({}))[:2] == (401, "BadJwt")
    status, job = await send(await brand.uploader())
    assert (status, job["state"], "jobStatus" in job) == (200, "JOB_STATE_CREATED", False)


async def upload_video(caller, data, **headers):
    answer = await caller.http.post(
        f"{VIDEO}/app.bsky.video.uploadVideo",
        params={"did": caller.did, "name": "a.mp4"},
        content=data,
        headers={"content-type": "video/mp4", **await caller.uploader(), **headers},
    )
    return answer.status_code, answer.json()


async def job_status(caller, job_id):
    return (await caller.get("app.bsky.video.getJobStatus", VIDEO, jobId=job_id))[1]["jobStatus"]


async def test_a_job_runs_on_the_clock(box, brand):
    _, job = await upload_video(brand, mp4())
    states = []
    for _ in range(5):
        states.append((await job_status(brand, job["jobId"]))["state"].removeprefix("JOB_STATE_"))
        box.clock.advance(1)
    assert states == ["CREATED", "ENCODING", "SCANNING", "UPLOADING", "COMPLETED"]
    blob = (await job_status(brand, job["jobId"]))["blob"]
    assert blob["ref"]["$link"] == raw_cid(hashlib.sha256(mp4()).hexdigest())
    embed = {"$type": "app.bsky.embed.video", "video": blob}
    assert (await brand.put(tid(1, 1), record=note("", embed=embed)))[0] == 200
    status, again = await upload_video(brand, mp4())
    assert (status, again["error"], again["jobId"]) == (409, "already_exists", job["jobId"])
    assert again["state"] == "JOB_STATE_COMPLETED"


@pytest.mark.parametrize(
    ("prepare", "data", "code"),
    [
        (lambda box: box.fault("processing-failed"), mp4(), "encoding_failure"),
        (lambda box: None, b"no video", "validation_failure"),
        (lambda box: None, mp4(seconds=601), "validation_failure"),
        (lambda box: setattr(box.bluesky, "pds_video_limit", 9), mp4(), "pds_upload_unsupported_blob_size"),
    ],
)
async def test_a_job_may_fail(box, brand, prepare, data, code):
    prepare(box)
    _, job = await upload_video(brand, data)
    box.clock.advance(10)
    status = await job_status(brand, job["jobId"])
    assert (status["state"], status["failureCode"]) == ("JOB_STATE_FAILED", code)
    assert (await upload_video(brand, data))[0] == 200


async def test_a_job_may_take_long(box, brand):
    box.fault("still-processing", seconds=300)
    _, job = await upload_video(brand, mp4())
    box.clock.advance(303)
    assert "blob" not in await job_status(brand, job["jobId"])
    box.clock.advance(1)
    assert "blob" in await job_status(brand, job["jobId"])


class Parted:
    """An upload in parts of 1000 bytes."""

    def __init__(self, caller, data):
        self.caller, self.data = caller, data

    async def start(self, **more):
        fields = {"sizeBytes": len(self.data), "mimeType": "video/mp4", **more}
        return await self.post("startUpload", **fields)

    async def post(self, name, /, **fields):
        headers = await self.caller.uploader()
        return await self.caller.post(f"app.bsky.video.{name}", VIDEO, headers, **fields)

    async def part(self, job, number, data):
        answer = await self.caller.http.post(
            f"{VIDEO}/app.bsky.video.uploadPart",
            params={"jobId": job, "partNumber": number},
            content=data,
            headers={"content-type": "application/octet-stream", **await self.caller.uploader()},
        )
        return answer.status_code, answer.json()

    async def status(self, job):
        headers = await self.caller.uploader()
        return (await self.caller.get("app.bsky.video.getUploadStatus", VIDEO, headers, jobId=job))[1]


async def test_an_upload_in_parts(box, sky, brand):
    sky.part_bytes = 1000
    data = mp4(data=1500)
    up = Parted(brand, data)
    _, made = await up.start(name="a.mp4", durationMs=12_500, width=1920, height=1080)
    job, count = made["jobId"], made["partCount"]
    assert (made["partSizeBytes"], count) == (1000, -(-len(data) // 1000))
    for number in range(count, 1, -1):
        piece = data[(number - 1) * 1000 : number * 1000]
        assert (await up.part(job, number, piece))[1] == {"partNumber": number, "sizeBytes": len(piece)}
    assert refused(await up.post("finishUpload", jobId=job)) == (400, "MissingParts", "Missing parts: 1")
    assert (await up.status(job))["receivedParts"] == list(range(2, count + 1))
    assert refused(await up.part(job, 1, data[:999]))[:2] == (400, "PartSizeMismatch")
    assert refused(await up.part(job, count + 1, b"x"))[:2] == (400, "InvalidPartNumber")
    assert (await up.part(job, 1, data[:1000]))[0] == 200
    _, done = await up.post("finishUpload", jobId=job)
    assert (await up.post("finishUpload", jobId=job))[1] == done
    assert (await up.status(job))["state"] == "completed"
    assert refused(await up.part(job, 1, data[:1000]))[:2] == (400, "UploadAlreadyCompleted")
    box.clock.advance(5)
    blob = (await job_status(brand, done["completedJobId"]))["blob"]
    assert (blob["size"], blob["mimeType"]) == (len(data), "video/mp4")
    second = (await up.start())[1]["jobId"]
    for number in range(1, count + 1):
        await up.part(second, number, data[(number - 1) * 1000 : number * 1000])
    _, same = await up.post("finishUpload", jobId=second)
    assert same["completedJobId"] == done["completedJobId"]


async def test_an_upload_in_one_part_is_the_same_video_as_in_one_request(brand):
    up = Parted(brand, mp4())
    _, made = await up.start()
    await up.part(made["jobId"], 1, mp4())
    _, done = await up.post("finishUpload", jobId=made["jobId"])
    assert (await upload_video(brand, mp4()))[1]["jobId"] == done["completedJobId"]


async def test_uploads_end(box, brand, people):
    up = Parted(brand, mp4())
    first, second = [(await up.start())[1]["jobId"] for _ in range(2)]
    assert (await up.post("abortUpload", jobId=first))[1] == {"state": "aborted"}
    assert refused(await up.part(first, 1, mp4()))[:2] == (400, "UploadAborted")
    box.clock.advance(3600)
    assert refused(await up.part(second, 1, mp4()))[:2] == (400, "UploadExpired")
    assert refused(await up.part("nothing", 1, mp4()))[:2] == (400, "UploadNotFound")
    broken = Parted(people("brand.example"), b"no video")
    job = (await broken.start())[1]["jobId"]
    await broken.part(job, 1, b"no video")
    assert refused(await broken.post("finishUpload", jobId=job))[:2] == (400, "UnsupportedContentType")
    assert refused(await broken.post("finishUpload", jobId=job))[:2] == (400, "UploadFailed")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"mimeType": "image/png"}, "UnsupportedContentType"),
        ({"sizeBytes": 300_000_001}, "VideoTooLarge"),
        ({"durationMs": 600_001}, "VideoTooLong"),
        ({"width": 4000, "height": 100}, "BadAspectRatio"),
    ],
)
async def test_a_start_may_be_refused(brand, sky, fields, code):
    sky.ratios = (0.5, 2.0)
    assert refused(await Parted(brand, mp4()).start(**fields))[:2] == (400, code)


async def test_video_quotas(brand, sky):
    up = Parted(brand, mp4())
    for _ in range(10):
        assert (await up.start())[0] == 200
    assert refused(await up.start())[1] == "TooManyOpenUploads"
    headers = await brand.service("did:web:video.bsky.app", "app.bsky.video.getUploadLimits")
    _, left = await brand.get("app.bsky.video.getUploadLimits", VIDEO, headers)
    assert (left["canUpload"], left["remainingDailyVideos"]) == (True, 15)
    for number in range(15):
        assert (await upload_video(brand, mp4(data=number)))[0] == 200
    assert refused(await upload_video(brand, mp4(data=99)))[1] == "DailyLimitExceeded"
    assert (await brand.get("app.bsky.video.getUploadLimits", VIDEO, headers))[1]["canUpload"] is False
    sky.person("brand.example").email_confirmed = False
    _, told = await brand.get("app.bsky.video.getUploadLimits", VIDEO, headers)
    assert told["error"] == "unconfirmed_email"


async def test_a_service_without_parts(brand, sky):
    sky.takes_parts = False
    assert (await Parted(brand, mp4()).start())[0] == 501


# --- limits ---


async def test_headers_speak_of_the_window_with_the_least_left(box, brand):
    answer = await brand.http.get(f"{XRPC}/com.atproto.server.getSession")
    headers = {name: value for name, value in answer.headers.items() if name.startswith("ratelimit")}
    assert headers == {
        "ratelimit-limit": "3000",
        "ratelimit-remaining": "2999",
        "ratelimit-reset": str(int(box.clock.now().timestamp()) + 300),
        "ratelimit-policy": "3000;w=300",
    }
    fields = {"repo": brand.did, "collection": POST, "record": note()}
    written = await brand.http.post(f"{XRPC}/com.atproto.repo.createRecord", json=fields)
    assert written.headers["ratelimit-policy"] == "3000;w=300"
    blob = await brand.http.post(
        f"{XRPC}/com.atproto.repo.uploadBlob", content=png(), headers={"content-type": "image/png"}
    )
    assert blob.headers["ratelimit-policy"] == "1000;w=86400"


async def test_thirty_sign_ins_in_five_minutes(box, anybody):
    async def sign_in(name):
        body = {"identifier": name, "password": "nope"}
        return await anybody.http.post(f"{XRPC}/com.atproto.server.createSession", json=body)

    for _ in range(30):
        assert (await sign_in("brand.example")).status_code == 401
    box.clock.advance(10)
    refusal = await sign_in("brand.example")
    assert refusal.status_code == 429
    assert refusal.json() == {"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}
    assert (refusal.headers["ratelimit-policy"], refusal.headers["retry-after"]) == ("30;w=300", "290")
    assert (await sign_in("bob.test")).status_code == 401
    box.clock.advance(290)
    assert (await sign_in("brand.example")).status_code == 401


@pytest.mark.parametrize(("call", "points"), [("create", 3), ("put", 2), ("delete", 1), ("many", 6)])
async def test_writes_cost_points(box, brand, call, points):
    hour = next(window for window in box.bluesky.windows if window.name == "repo-write-hour")

    def left():
        return box.bluesky.spend(hour, brand.did, 0).remaining

    kinds = ("create", "update", "delete")
    writes = [{"$type": f"com.atproto.repo.applyWrites#{kind}"} for kind in kinds]
    await {
        "create": lambda: brand.create(),
        "put": lambda: brand.put(tid(1, 1)),
        "delete": lambda: brand.post(
            "com.atproto.repo.deleteRecord", repo=brand.did, collection=POST, rkey="x"
        ),
        "many": lambda: brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=writes),
    }[call]()
    assert left() == 5000 - points


async def test_the_points_bucket_refuses_and_shows_itself(box, brand):
    hour = next(window for window in box.bluesky.windows if window.name == "repo-write-hour")
    box.bluesky.spend(hour, brand.did, 4998)
    answer = await brand.http.post(
        f"{XRPC}/com.atproto.repo.createRecord",
        json={"repo": brand.did, "collection": POST, "record": note()},
    )
    assert (answer.status_code, answer.headers["ratelimit-policy"]) == (429, "5000;w=3600")
    assert box.timeline("bluesky") == []


# --- faults ---


async def test_a_429_by_fault_is_the_platforms_own(box, brand):
    box.fault("429")
    answer = await brand.http.post(
        f"{XRPC}/com.atproto.repo.createRecord",
        json={"repo": brand.did, "collection": POST, "record": note()},
    )
    assert (answer.status_code, answer.json()["error"]) == (429, "RateLimitExceeded")
    assert answer.headers["ratelimit-remaining"] == "0"


async def test_an_expired_token_by_fault_is_a_400(box, brand):
    box.fault("expired-token")
    assert refused(await brand.create())[:2] == (400, "ExpiredToken")
    assert (await brand.create())[0] == 200


async def test_a_500_after_storing_is_the_servers_own(box, brand):
    box.fault("stored-then-500")
    assert refused(await brand.put(tid(1, 1))) == (500, "InternalServerError", "Internal Server Error")
    assert len(box.timeline("bluesky")) == 1


async def test_a_twin_is_a_post_under_another_key(box, brand):
    box.fault("twin")
    key = tid(1_793_610_000_000_000, 1)
    await brand.put(key)
    one, two = box.timeline("bluesky")
    assert (one.id, one.text, two.text) == (key, "hello", "hello")
    place = {"repo": brand.did, "collection": POST}
    assert (await brand.get("com.atproto.repo.getRecord", **place, rkey=two.id))[0] == 200
    assert len((await brand.get("com.atproto.repo.listRecords", **place))[1]["records"]) == 2


async def test_a_post_deleted_meanwhile_is_not_found(box, brand):
    box.fault("deleted-meanwhile")
    key = tid(1, 1)
    assert (await brand.put(key))[0] == 200
    missing = await brand.get("com.atproto.repo.getRecord", repo=brand.did, collection=POST, rkey=key)
    assert refused(missing)[1] == "RecordNotFound"


async def test_a_swap_that_is_ignored_overwrites(box, brand):
    await brand.put(tid(1, 1), swapRecord=None)
    box.fault("key-ignored")
    assert (await brand.put(tid(1, 1), record=note("other"), swapRecord=None))[0] == 200
    assert [entry.text for entry in box.timeline("bluesky")] == ["other"]


async def test_a_gate_written_outside_an_attach_is_told(box, http, brand):
    await brand.put(tid(1, 1))
    gate = {
        "$type": "app.bsky.feed.threadgate",
        "post": f"at://{brand.did}/{POST}/{tid(1, 1)}",
        "createdAt": AT,
    }
    fields = {"repo": brand.did, "collection": "app.bsky.feed.threadgate", "rkey": tid(1, 1), "record": gate}
    request = brand.http.build_request("POST", f"{XRPC}/com.atproto.repo.putRecord", json=fields)
    request.extensions["socialkit.step"] = "prepare"
    await brand.http.send(request)
    assert len(box.violations) == 1
    box.violations.clear()


async def test_fields_of_the_wrong_shape_are_refused_not_crashed_on(box, brand):
    shapes = [[], "x", 5, {"a": 1}, None, True, {"$link": "?"}, {"$type": "blob"}]
    good = {"repo": brand.did, "collection": POST, "rkey": tid(1, 1), "record": note()}
    for name, shape in itertools.product(["repo", "collection", "rkey", "record", "swapRecord"], shapes):
        for call in ("putRecord", "createRecord", "deleteRecord"):
            status, _ = await brand.post(f"com.atproto.repo.{call}", **{**good, name: shape})
            assert status < 500 or call == "createRecord", (call, name, shape)
    fields = ["text", "facets", "reply", "embed", "langs", "labels", "tags", "createdAt"]
    for number, (name, shape) in enumerate(itertools.product(fields, shapes)):
        for validate in ({}, {"validate": False}):
            status, _ = await brand.put(tid(number + 9, 1), record=note(**{name: shape}), **validate)
            assert status < 500, (name, shape)
    box.clock.advance(2)
    assert (await brand.get("app.bsky.feed.getTimeline"))[0] == 200
    for writes in shapes:
        assert (await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=[writes]))[0] == 400


# --- on loopback ---


def test_on_loopback_one_address_is_every_host(box):
    with box.serve() as url, httpx.Client(trust_env=False) as client:
        given = box.bluesky.credentials(f"{url}/bluesky")
        assert (given["server"], given["video"]) == (f"{url}/bluesky", f"{url}/bluesky")
        body = {"identifier": given["handle"], "password": given["app_password"]}
        session = client.post(f"{url}/bluesky/xrpc/com.atproto.server.createSession", json=body).json()
        assert session["didDoc"]["service"][0]["serviceEndpoint"] == f"{url}/bluesky"
        about = client.get(f"{url}/bluesky/xrpc/com.atproto.server.describeServer").json()
        port = url.rpartition(":")[2]
        assert about["did"] == f"did:web:127.0.0.1%3A{port}:bluesky"
        assert client.get(f"{url}/bluesky/{session['did']}").json()["id"] == session["did"]
        headers = {"authorization": f"Bearer {session['accessJwt']}"}
        blob = {"content": png(), "headers": {**headers, "content-type": "image/png"}}
        made = client.post(f"{url}/bluesky/xrpc/com.atproto.repo.uploadBlob", **blob).json()["blob"]
        fields = {"repo": session["did"], "collection": POST, "record": note(embed=images(made))}
        client.post(f"{url}/bluesky/xrpc/com.atproto.repo.createRecord", json=fields, headers=headers)
        assert "a boat" in client.get(url).text
