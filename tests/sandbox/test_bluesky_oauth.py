"""Bluesky's OAuth, spoken by hand: what the authorization server and the account's server take, and what not."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from sign_in_talk import PKCE, VERIFIER

from media_files import png
from socialkit import Bluesky, Client, Image, LoginFailed, Post, ReauthNeeded, Status, Unavailable
from socialkit.auth import App, _dpop
from socialkit.sandbox import Answer, Sandbox
from socialkit.sandbox.bluesky_oauth import covers
from socialkit.store import MemoryStore

AUTH, PDS = "https://bsky.social", "https://morel.us-east.host.bsky.network"
CALLBACK = "http://127.0.0.1:8123/cb"
PUBLISH = "atproto repo:app.bsky.feed.post blob:image/* rpc:app.bsky.feed.getPosts?aud=*"
CLIENT = "http://localhost?redirect_uri=http%3A%2F%2F127.0.0.1%2Fcb&scope=" + PUBLISH.replace(" ", "+")
RECORD = {"$type": "app.bsky.feed.post", "text": "Hello", "createdAt": "2026-11-23T12:00:00.000Z"}
POST = "app.bsky.feed.post"


class Program:
    """A program that holds a key and remembers the nonce of every host, as the standard tells it to."""

    def __init__(self, box, http, client_id=CLIENT):
        self.box, self.bluesky, self.http = box, box.bluesky, http
        self.client_id, self.key, self.nonces, self.token = client_id, _dpop.new_key(), {}, ""

    def proof(self, method, url, *, token="", key=None, **changed):
        nonce = self.nonces.get(urlsplit(url).netloc, "")
        text = _dpop.proof(key or self.key, method, url, now=self.box.clock.now(), token=token, nonce=nonce)
        if not changed:
            return text
        header, claims = _dpop.header_of(text), _dpop.read_proof(text).claims
        header |= changed.pop("header", {})
        claims = {name: value for name, value in (claims | changed).items() if value is not None}
        return _dpop._signed(header, claims, key or self.key)

    async def send(self, method, url, *, token="", proof=None, headers=(), **body):
        proof = self.proof(method, url, token=token) if proof is None else proof
        signed = {"dpop": proof, **({"authorization": f"DPoP {token}"} if token else {}), **dict(headers)}
        answer = await self.http.request(method, url, headers=signed, **body)
        self.nonces[urlsplit(url).netloc] = answer.headers.get("dpop-nonce", "")
        return answer

    async def form(self, path, **fields):
        """A form to the authorization server, repeated with its nonce where it wants one."""
        given = {"client_id": self.client_id, **fields}
        answer = await self.send("POST", f"{AUTH}{path}", data=given)
        if answer.json().get("error") == "use_dpop_nonce":
            answer = await self.send("POST", f"{AUTH}{path}", data=given)
        return answer

    async def push(self, **changed):
        asked = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": PUBLISH,
            "state": "st4te",
            **PKCE,
        }
        return await self.form("/oauth/par", **{name: v for name, v in (asked | changed).items() if v})

    async def page(self, **changed):
        told = (await self.push(**changed)).json()
        return f"{AUTH}/oauth/authorize?client_id={quote(self.client_id, safe='')}&request_uri={told['request_uri']}"

    async def agreed(self, username="brand", untick=(), **changed):
        """The code, after the person agreed."""
        url = self.bluesky.approve(await self.page(**changed), username, untick=untick)
        return parse_qs(urlsplit(url).query)["code"][0]

    async def spend(self, code, **changed):
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return await self.form("/oauth/token", **fields | {"code_verifier": VERIFIER} | changed)

    async def refresh(self, token, **changed):
        return await self.form("/oauth/token", grant_type="refresh_token", refresh_token=token, **changed)

    async def signed_in(self, username="brand", untick=()):
        tokens = (await self.spend(await self.agreed(username, untick))).json()
        self.token = tokens["access_token"]
        return tokens

    async def call(self, method, name, **request):
        """A call to the account's server, repeated with its nonce where it wants one."""
        url = f"{PDS}/xrpc/{name}"
        answer = await self.send(method, url, token=self.token, **request)
        if "use_dpop_nonce" in answer.headers.get("www-authenticate", ""):
            answer = await self.send(method, url, token=self.token, **request)
        return answer

    async def write(self, name="createRecord", collection=POST, **changed):
        body = {"repo": self.bluesky.identity_of("brand"), "collection": collection, "record": RECORD}
        return await self.call("POST", f"com.atproto.repo.{name}", json=body | changed)


@pytest.fixture
def box():
    with Sandbox(["bluesky"]) as made:
        yield made


@pytest.fixture
def app(box, http):
    return Program(box, http(box))


# --- the documents ----------------------------------------------------------------------------------------
async def test_the_accounts_server_names_the_entryway_and_the_entryway_describes_itself(app):
    resource = (await app.http.get(f"{PDS}/.well-known/oauth-protected-resource")).json()
    assert resource["authorization_servers"] == [AUTH]
    server = (await app.http.get(f"{AUTH}/.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == AUTH
    assert server["require_pushed_authorization_requests"] is True
    assert (await app.http.get(f"{PDS}/.well-known/oauth-authorization-server")).status_code == 404
    assert (await app.http.get(f"{AUTH}/.well-known/oauth-protected-resource")).status_code == 404


async def test_served_one_address_is_both(box):
    with box.serve() as url:
        home = f"{url}/bluesky"
        async with httpx.AsyncClient() as client:
            told = (await client.get(f"{home}/.well-known/oauth-protected-resource")).json()
            server = (await client.get(f"{home}/.well-known/oauth-authorization-server")).json()
    assert told["authorization_servers"] == [home] == [server["issuer"]]
    assert server["token_endpoint"] == f"{home}/oauth/token"


# --- the request ------------------------------------------------------------------------------------------
async def test_the_first_request_is_answered_with_a_nonce_and_does_nothing(app):
    url = f"{AUTH}/oauth/par"
    answer = await app.send("POST", url, data={"client_id": CLIENT, "response_type": "code"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "use_dpop_nonce",
        "error_description": "Authorization server requires nonce in DPoP proof",
    }
    assert answer.headers["dpop-nonce"]
    assert app.bluesky.pushed == {}


async def test_a_pushed_request_has_a_name_for_five_minutes(app, box):
    answer = await app.push()
    assert answer.status_code == 201
    assert answer.json()["expires_in"] == 299
    page = await app.page()
    box.clock.advance(300)
    with pytest.raises(Answer) as refused:
        app.bluesky.approve(page)
    assert b"This request has expired" in refused.value.response.body


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"redirect_uri": "http://127.0.0.1:8123/elsewhere"}, "invalid_request"),
        ({"redirect_uri": "http://localhost:8123/cb"}, "invalid_request"),
        ({"scope": "repo:app.bsky.feed.post"}, "invalid_scope"),
        ({"scope": f"{PUBLISH} transition:generic"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": "https://unknown.example.com/c.json"}, "invalid_client_metadata"),
    ],
)
async def test_what_the_server_does_not_take_is_not_pushed(app, changed, error):
    answer = await app.push(**changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_request_is_good_for_one_answer(app):
    page = await app.page()
    app.bluesky.approve(page)
    with pytest.raises(Answer):
        app.bluesky.approve(page)


async def test_the_callback_names_the_issuer_whether_the_person_agrees_or_not(app):
    told = parse_qs(urlsplit(app.bluesky.approve(await app.page())).query)
    assert (told["iss"], told["state"]) == ([AUTH], ["st4te"])
    refused = parse_qs(urlsplit(app.bluesky.deny(await app.page())).query)
    assert (refused["iss"], refused["error"], "code" in refused) == ([AUTH], ["access_denied"], False)


async def test_the_consent_page_shows_people_and_scopes_and_its_button_leads_back(app):
    page = await app.page()
    shown = await app.http.get(page)
    assert "brand.example" in shown.text
    assert "repo:app.bsky.feed.post" in shown.text
    pressed = await app.http.post(
        page,
        data={"decision": "allow", "username": app.bluesky.identity_of("other"), "granted": ["atproto"]},
    )
    code = parse_qs(urlsplit(pressed.headers["location"]).query)["code"][0]
    tokens = (await app.spend(code)).json()
    assert (tokens["sub"], tokens["scope"]) == (app.bluesky.identity_of("other"), "atproto")


# --- tokens -----------------------------------------------------------------------------------------------
async def test_a_code_gives_tokens_of_the_person_who_agreed(app):
    tokens = await app.signed_in("other")
    assert tokens["token_type"] == "DPoP"
    assert tokens["sub"] == app.bluesky.identity_of("other")
    assert tokens["expires_in"] == 3599
    assert tokens["scope"] == PUBLISH


@pytest.mark.parametrize("changed", [{"code_verifier": "x" * 43}, {"redirect_uri": "http://127.0.0.1:1/cb"}])
async def test_a_code_is_only_good_with_what_belongs_to_it(app, changed):
    assert (await app.spend("cod-unknown")).json()["error"] == "invalid_grant"
    answer = await app.spend(await app.agreed(), **changed)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_code_is_only_good_with_the_key_of_its_request(app):
    code = await app.agreed()
    app.key = _dpop.new_key()
    answer = await app.spend(code)
    assert answer.json()["error_description"] == "DPoP proof does not match the expected JKT"


async def test_a_code_that_comes_twice_ends_what_it_gave(app):
    code = await app.agreed()
    app.token = (await app.spend(code)).json()["access_token"]
    assert (await app.write()).status_code == 200
    assert (await app.spend(code)).status_code == 400
    assert (await app.write()).json()["error"] == "invalid_token"


async def test_a_refresh_token_works_once_and_its_replay_ends_the_session(app):
    first = await app.signed_in()
    second = (await app.refresh(first["refresh_token"])).json()
    app.token = second["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert (await app.write()).status_code == 200
    living, app.token = app.token, first["access_token"]
    assert (await app.write()).json()["message"] == "Invalid token", "the one before died with the refresh"
    app.token = living
    replay = await app.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "Refresh token replayed"},
    )
    answer = await app.write()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert (await app.refresh(second["refresh_token"])).status_code == 400
    assert app.bluesky.refresh_count == 3


async def test_a_refresh_token_is_bound_to_its_key_and_a_thief_ends_the_session(app):
    tokens = await app.signed_in()
    honest, app.key = app.key, _dpop.new_key()
    assert (await app.refresh(tokens["refresh_token"])).status_code == 400
    app.key = honest
    assert (await app.write()).json()["error"] == "invalid_token"


async def test_a_session_ends_after_two_weeks_however_often_it_was_renewed(app, box):
    tokens = await app.signed_in()
    box.clock.advance(10 * 86_400)
    tokens = (await app.refresh(tokens["refresh_token"])).json()
    box.clock.advance(5 * 86_400)
    answer = await app.refresh(tokens["refresh_token"])
    assert answer.json()["error_description"] == "Session expired"


async def test_revoking_takes_the_proof_of_the_key(app, http, box):
    tokens = await app.signed_in()
    thief = Program(box, app.http)
    assert (await thief.form("/oauth/revoke", token=tokens["refresh_token"])).status_code == 200
    assert (await app.write()).status_code == 200
    assert (await app.form("/oauth/revoke", token=tokens["refresh_token"])).status_code == 200
    assert (await app.write()).json()["error"] == "invalid_token"


async def test_a_confidential_client_proves_itself_with_its_own_key(box, http):
    given = box.bluesky.app_for("oauth", "https://app.example.com/cb")
    app = Program(box, http(box), given["client_id"])
    bare = await app.push(redirect_uri="https://app.example.com/cb")
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_client")

    def proved(key=given["private_key"], issuer=AUTH):
        return _dpop.client_assertion(given["client_id"], issuer, key, box.clock.now())

    for wrong in (proved(key=_dpop.new_key()), proved(issuer=PDS)):
        assert (await app.push(redirect_uri="https://app.example.com/cb", **wrong)).status_code == 400
    right = proved()
    assert (await app.push(redirect_uri="https://app.example.com/cb", **right)).status_code == 201
    again = await app.push(redirect_uri="https://app.example.com/cb", **right)
    assert again.status_code == 400, "an assertion is good once"


# --- calls ------------------------------------------------------------------------------------------------
async def test_the_accounts_server_has_a_nonce_of_its_own(app):
    await app.signed_in()
    answer = await app.send("GET", f"{PDS}/xrpc/com.atproto.server.getSession", token=app.token)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('DPoP algs="')
    assert 'error="use_dpop_nonce"' in answer.headers["www-authenticate"]
    assert answer.json()["error"] == "use_dpop_nonce"
    assert answer.headers["dpop-nonce"] not in ("", app.nonces["bsky.social"])
    told = await app.call("GET", "com.atproto.server.getSession")
    assert told.json()["did"] == app.bluesky.identity_of("brand")
    assert told.headers["dpop-nonce"]


async def test_a_nonce_is_good_for_two_to_three_minutes(app, box):
    await app.signed_in()
    await app.call("GET", "com.atproto.server.getSession")
    kept = dict(app.nonces)
    url = f"{PDS}/xrpc/com.atproto.server.getSession"
    box.clock.advance(59)
    assert (await app.send("GET", url, token=app.token)).status_code == 200
    app.nonces = kept
    box.clock.advance(181)
    assert (await app.send("GET", url, token=app.token)).json()["error"] == "use_dpop_nonce"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"htm": "POST"}, 'DPoP "htm" mismatch'),
        ({"htm": "get"}, 'DPoP "htm" mismatch'),
        ({"htu": f"{AUTH}/xrpc/com.atproto.server.getSession"}, 'DPoP "htu" mismatch'),
        ({"htu": f"{PDS}/xrpc/com.atproto.server.getSession/"}, 'DPoP "htu" mismatch'),
        ({"ath": _dpop.ath("another token")}, 'DPoP "ath" mismatch'),
        ({"ath": None}, 'DPoP "ath" mismatch'),
        ({"iat": 1_600_000_000}, "timestamp check failed"),
        ({"iat": 4_000_000_000}, "timestamp check failed"),
        ({"iat": None}, "missing required"),
        ({"jti": None}, 'DPoP "jti" missing'),
        ({"jti": ""}, 'DPoP "jti" missing'),
        ({"header": {"typ": "JWT"}}, "Failed to verify DPoP proof"),
    ],
)
async def test_a_proof_is_checked_to_the_letter(app, changed, words):
    await app.signed_in()
    await app.call("GET", "com.atproto.server.getSession")
    url = f"{PDS}/xrpc/com.atproto.server.getSession"
    proof = app.proof("GET", url, token=app.token, **changed)
    answer = await app.send("GET", url, token=app.token, proof=proof)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_dpop_proof"
    assert words in answer.json()["message"]


async def test_a_proof_works_once(app):
    await app.signed_in()
    await app.call("GET", "com.atproto.server.getSession")
    url = f"{PDS}/xrpc/com.atproto.server.getSession"
    proof = app.proof("GET", url, token=app.token)
    assert (await app.send("GET", url, token=app.token, proof=proof)).status_code == 200
    assert "replayed" in (await app.send("GET", url, token=app.token, proof=proof)).json()["message"]


async def test_a_stolen_token_is_worth_nothing_without_the_key(app):
    await app.signed_in()
    app.key = _dpop.new_key()
    answer = await app.call("GET", "com.atproto.server.getSession")
    assert (answer.json()["error"], answer.json()["message"]) == ("invalid_token", "Invalid DPoP key binding")
    bearer = {"authorization": f"Bearer {app.token}"}
    plain = await app.http.get(f"{PDS}/xrpc/com.atproto.server.getSession", headers=bearer)
    assert (plain.status_code, plain.json()["error"]) == (400, "InvalidToken")


async def test_a_proof_with_a_broken_signature_is_refused(app):
    await app.signed_in()
    await app.call("GET", "com.atproto.server.getSession")
    url = f"{PDS}/xrpc/com.atproto.server.getSession"
    head, claims, _ = app.proof("GET", url, token=app.token).split(".")
    _, _, other = app.proof("GET", url, token=app.token).split(".")
    answer = await app.send("GET", url, token=app.token, proof=f"{head}.{claims}.{other}")
    assert answer.json()["error"] == "invalid_dpop_proof"


async def test_a_token_ends_and_says_so(app, box):
    await app.signed_in()
    box.clock.advance(3600)
    answer = await app.call("GET", "com.atproto.server.getSession")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert "timestamp" in answer.json()["message"]


@pytest.mark.parametrize(
    ("untick", "name", "missing"),
    [
        ("repo:app.bsky.feed.post", "createRecord", "repo:app.bsky.feed.post?action=create"),
        ("repo:app.bsky.feed.post", "deleteRecord", "repo:app.bsky.feed.post?action=delete"),
        ("blob:image/*", "uploadBlob", "blob:image/png"),
    ],
)
async def test_an_unticked_scope_is_missing_by_name(app, untick, name, missing):
    await app.signed_in(untick=[untick])
    if name == "uploadBlob":
        headers = {"content-type": "image/png"}
        answer = await app.call("POST", f"com.atproto.repo.{name}", content=b"x", headers=headers)
    else:
        answer = await app.write(name, rkey="3lxxxxxxxxxxx")
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "ScopeMissingError",
        "message": f'Missing required scope "{missing}"',
    }


async def test_calls_that_are_passed_on_need_a_scope_of_their_own(app):
    await app.signed_in()
    told = await app.call("GET", "app.bsky.feed.getPosts?uris=at://did:plc:x/app.bsky.feed.post/1")
    assert told.json().get("error") != "ScopeMissingError"
    refused = await app.call("GET", "app.bsky.feed.getTimeline")
    assert refused.json()["message"] == (
        'Missing required scope "rpc:app.bsky.feed.getTimeline?aud=did:web:api.bsky.app%23bsky_appview"'
    )


async def test_every_write_of_a_batch_needs_its_own_permission(app):
    await app.signed_in()
    write = {"$type": "com.atproto.repo.applyWrites#create", "collection": "app.bsky.feed.like"}
    body = {"repo": app.bluesky.identity_of("brand"), "writes": [{**write, "value": RECORD}]}
    answer = await app.call("POST", "com.atproto.repo.applyWrites", json=body)
    assert "repo:app.bsky.feed.like?action=create" in answer.json()["message"]


@pytest.mark.parametrize(
    ("granted", "needed", "enough"),
    [
        ("repo:*", "repo:a.b.c?action=delete", True),
        ("repo:a.b.c?action=create&action=update", "repo:a.b.c?action=update", True),
        ("repo:a.b.c?action=create", "repo:a.b.c?action=update", False),
        ("repo?collection=a.b.c&collection=a.b.d", "repo:a.b.d?action=create", True),
        ("repo:a.b.c", "repo:a.b.d?action=create", False),
        ("blob:*/*", "blob:video/mp4", True),
        ("blob?accept=image/*&accept=video/mp4", "blob:video/mp4", True),
        ("blob:image/*", "blob:video/mp4", False),
        ("rpc:a.b.c?aud=*", "rpc:a.b.c?aud=did:web:x%23y", True),
        ("rpc:*?aud=did:web:x%23y", "rpc:a.b.c?aud=did:web:x%23y", True),
        ("rpc:a.b.c?aud=did:web:z%23y", "rpc:a.b.c?aud=did:web:x%23y", False),
        ("transition:generic", "repo:a.b.c?action=create", True),
        ("transition:generic", "rpc:chat.bsky.convo.sendMessage?aud=*", False),
        ("transition:chat.bsky", "rpc:chat.bsky.convo.sendMessage?aud=*", True),
        ("atproto", "blob:image/png", False),
    ],
)
def test_what_a_scope_covers(granted, needed, enough):
    assert covers([granted], needed) is enough


# --- the library ------------------------------------------------------------------------------------------
def client_of(box, **options):
    return Client(transport=box.transport, clock=box.clock, **{"store": ":memory:"} | options)


def login(client, box, username="brand", untick=(), **options):
    begun = client.begin_login("bluesky", **{"redirect_uri": CALLBACK} | options)
    return client.finish_login(begun, box.bluesky.approve(begun.url, username, untick=untick))


def test_signing_in_ends_at_the_accounts_own_server(box):
    with client_of(box) as client:
        account = login(client, box)
        assert account.identity.server == account.adapter.server == PDS
        assert account.adapter.handle == account.identity.name == "brand.example"
        assert account.identity.id == box.bluesky.identity_of("brand")
        assert account.missing_scopes == ()
        assert client.publish(Post("Signed in"), account.adapter).key
    assert [entry.text for entry in box.timeline("bluesky")] == ["Signed in"]


def test_what_was_unticked_is_missing_by_name_and_named_when_it_is_needed(box):
    with client_of(box) as client:
        account = login(client, box, untick=["repo:app.bsky.feed.post"])
        assert account.missing_scopes == ("repo:app.bsky.feed.post",)
        outcome = client.publish(Post("No"), account.adapter, errors="return")["bluesky"]
        assert outcome.status is Status.REFUSED or "scope" in str(outcome.error)
    assert box.timeline("bluesky") == []


def statuses(box, name):
    """How the requests to a call were answered, in order."""
    return [one.status for one in box.requests if one.path.endswith(name)]


def test_a_stale_nonce_costs_a_second_request_and_no_second_post_and_no_renewal(box):
    store = MemoryStore()
    with client_of(box, store=store) as client:
        account = login(client, box)
        client.publish(Post("one"), account.adapter)
        box.clock.advance(600)
        client.publish(Post("two"), account.adapter)
        written = [row.kind for row in store.transact(lambda tx: tx.rows())]
    assert statuses(box, "putRecord") == [200, 401, 200]
    refused = written.index("refused")
    assert written[refused - 1 : refused + 2] == ["sending", "refused", "sending"]
    assert [entry.text for entry in box.timeline("bluesky")] == ["one", "two"]
    assert box.bluesky.refresh_count == 0


def test_every_step_of_a_post_meets_a_stale_nonce(box):
    post = Post("all of it", media=[Image(png(8, 8), alt="x")])
    gated = post.variant("bluesky", Bluesky.Options(replies="nobody"))
    with client_of(box) as client:
        account = login(client, box)
        client.plan(post, account.adapter)
        box.clock.advance(600)
        report = client.publish(gated, account.adapter)
        box.clock.advance(600)
        client.delete(report.receipts[0])
    assert statuses(box, "uploadBlob") == [401, 200]
    assert statuses(box, "putRecord") == [200, 200]
    assert statuses(box, "deleteRecord") == [401, 200, 200]


def test_a_server_whose_nonce_is_never_good_ends_in_an_error_that_is_not_about_the_sign_in(box, monkeypatch):
    with client_of(box, max_wait=5) as client:
        account = login(client, box)
        monkeypatch.setattr(box.bluesky, "nonce", lambda ahead=0: box.bluesky.serial("nonce"))
        outcome = client.publish(Post("never"), account.adapter, errors="return")["bluesky"]
    assert isinstance(outcome.error, Unavailable)
    assert outcome.status is Status.FAILED
    assert box.timeline("bluesky") == []
    assert box.bluesky.refresh_count == 0


def test_a_clock_that_is_hours_wrong_does_not_matter(box):
    box.fault("clock-skew", platform="bluesky", seconds=-7200)
    with client_of(box) as client:
        account = login(client, box)
        client.publish(Post("late"), account.adapter)
    assert len(box.timeline("bluesky")) == 1


def test_a_handle_in_place_of_the_server_leads_to_the_right_page(box):
    with client_of(box) as client:
        begun = client.begin_login("bluesky", redirect_uri=CALLBACK, server="alice.example")
        account = client.finish_login(begun, box.bluesky.approve(begun.url, "other"))
        assert account.identity.name == "alice.example"


def test_a_web_application_signs_people_in_with_its_own_key(box):
    callback = "https://app.example.com/cb"
    app = App(**box.bluesky.app_for("oauth", callback))
    with client_of(box, apps={"bluesky": app}) as client:
        account = login(client, box, redirect_uri=callback)
        client.publish(Post("web"), account.adapter)
        assert app.private_key not in repr(account)
    assert len(box.timeline("bluesky")) == 1


def test_an_app_password_signs_in_and_a_wrong_one_says_so(box):
    with client_of(box, apps={"bluesky": App(flow="app_password")}) as client:
        begun = client.begin_login("bluesky")
        account = client.finish_login(begun, box.bluesky.answers("app_password", "other"))
        assert account.identity.id == box.bluesky.identity_of("other")
        client.publish(Post("with a password"), account.adapter)
        wrong = {**box.bluesky.answers("app_password"), "app_password": "aaaa-bbbb-cccc-dddd"}
        with pytest.raises((LoginFailed, ReauthNeeded), match="app password"):
            client.finish_login(client.begin_login("bluesky"), wrong)


def test_the_main_password_of_an_account_with_a_second_factor_says_to_use_an_app_password(box):
    person = box.bluesky.someone("brand")
    person.factor = True
    told = {"handle": person.handle, "app_password": person.password}
    with client_of(box, apps={"bluesky": App(flow="app_password")}) as client:
        begun = client.begin_login("bluesky")
        with pytest.raises((LoginFailed, ReauthNeeded), match="use an app password"):
            client.finish_login(begun, told)


def test_logging_out_ends_the_session_of_an_app_password(box):
    with client_of(box, apps={"bluesky": App(flow="app_password")}) as client:
        account = client.finish_login(client.begin_login("bluesky"), box.bluesky.answers("app_password"))
        assert len(box.bluesky.sessions) == 1
        assert client.logout(account.adapter)
        assert box.bluesky.sessions == {}
        with pytest.raises(ReauthNeeded):
            client.publish(Post("no"), account.adapter)


def test_a_revoked_app_password_needs_a_person(box):
    with client_of(box, apps={"bluesky": App(flow="app_password")}) as client:
        account = client.finish_login(client.begin_login("bluesky"), box.bluesky.answers("app_password"))
        box.bluesky.revoke(account.credential.access_token)
        with pytest.raises(ReauthNeeded):
            client.publish(Post("no"), account.adapter)
        again = client.finish_login(client.begin_login("bluesky"), box.bluesky.answers("app_password"))
        client.publish(Post("yes"), again.adapter)
    assert [entry.text for entry in box.timeline("bluesky")] == ["yes"]


def test_an_account_keeps_signing_in_when_its_handle_changes(box):
    with client_of(box, apps={"bluesky": App(flow="app_password")}) as client:
        account = client.finish_login(client.begin_login("bluesky"), box.bluesky.answers("app_password"))
        box.bluesky.someone("brand").handle = "renamed.example"
        box.bluesky.sessions.clear()
        box.bluesky.expire(account.credential.access_token)
        client.publish(Post("still me"), account.adapter)
    assert len(box.timeline("bluesky")) == 1


def test_what_is_written_in_code_still_works(box):
    given = box.bluesky.credentials()
    with Client({"sky": Bluesky(**given)}, transport=box.transport, clock=box.clock) as client:
        client.publish(Post("as before"), "sky")
    assert json.dumps([entry.text for entry in box.timeline("bluesky")]) == '["as before"]'


# --- tokens that end ----------------------------------------------------------------------------------------
def test_a_token_that_ended_is_renewed_once_however_many_posts_wait_for_it(box):
    with client_of(box) as client:
        account = login(client, box)
        box.clock.advance(3600)
        for text in ("one", "two", "three"):
            client.publish(Post(text), account.adapter)
    assert box.bluesky.refresh_count == 1
    assert len(box.timeline("bluesky")) == 3


def test_renewing_does_not_put_off_the_end_of_the_session(box):
    with client_of(box) as client:
        account = login(client, box)
        ends = account.credential.extra["refresh_ends_at"]
        assert ends == (box.clock.now() + timedelta(days=14)).isoformat()
        box.clock.advance(86_400)
        client.publish(Post("renewed"), account.adapter)
        held = client.sign_ins()[0]
    assert box.bluesky.refresh_count == 1
    assert (held.renewable, held.health) == (True, "ok")


def test_two_clients_on_one_store_spend_a_refresh_token_once_and_the_session_lives(box):
    store = MemoryStore()
    with client_of(box, store=store) as first, client_of(box, store=store) as second:
        account = login(first, box)
        other = Bluesky.signed_in(account.identity)
        second.publish(Post("both are signed in"), other)
        box.clock.advance(3600)
        first.publish(Post("the first renews"), account.adapter)
        second.publish(Post("the second finds its token dead, and the new one"), other)
        first.publish(Post("and the first goes on"), account.adapter)
    assert box.bluesky.refresh_count == 1
    assert len(box.timeline("bluesky")) == 4


def test_a_token_that_another_process_renewed_early_is_replaced_without_spending_anything(box):
    store = MemoryStore()
    with client_of(box, store=store) as first, client_of(box, store=store) as second:
        account = login(first, box)
        other = Bluesky.signed_in(account.identity)
        second.publish(Post("one"), other)
        box.clock.advance(3590)
        first.publish(Post("renewed ahead of its end"), account.adapter)
        second.publish(Post("three"), other)
    assert box.bluesky.refresh_count == 1
    assert len(box.timeline("bluesky")) == 3


def test_a_lost_answer_to_a_renewal_is_not_tried_again_and_says_what_it_costs(box):
    with client_of(box) as client:
        account = login(client, box)
        box.clock.advance(3600)
        client.sign_ins()
        box.fault("dropped-after", platform="bluesky", match="POST /oauth/token", times=2)
        with pytest.raises(ReauthNeeded, match="lost"):
            client.publish(Post("no"), account.adapter)
        with pytest.raises(ReauthNeeded, match="lost"):
            client.publish(Post("no"), account.adapter)
    assert box.timeline("bluesky") == []
    assert box.bluesky.refresh_count <= 1


def test_a_session_the_person_ended_needs_the_person(box):
    with client_of(box) as client:
        account = login(client, box)
        box.bluesky.revoke(account.credential.access_token)
        with pytest.raises(ReauthNeeded):
            client.publish(Post("no"), account.adapter)
        client.publish(Post("yes"), login(client, box).adapter)
    assert [entry.text for entry in box.timeline("bluesky")] == ["yes"]


def test_logging_out_ends_the_session_at_the_server(box):
    with client_of(box) as client:
        account = login(client, box)
        assert client.logout(account.adapter)
    assert box.bluesky.grant_of(account.credential.access_token) is None
    assert box.bluesky.refreshes == {}


def test_served_a_web_application_signs_in_renews_and_ends(box):
    callback = "https://app.example.com/cb"
    app = App(**box.bluesky.app_for("oauth", callback))
    with box.serve() as url, Client(store=":memory:", clock=box.clock, apps={"bluesky": app}) as client:
        account = login(client, box, redirect_uri=callback, server=f"{url}/bluesky")
        box.clock.advance(3600)
        client.publish(Post("over real HTTP"), account.adapter)
        assert client.logout(account.adapter)
    assert box.bluesky.refresh_count == 1
    assert [entry.text for entry in box.timeline("bluesky")] == ["over real HTTP"]


def test_another_server_cannot_sign_in_for_an_account_it_does_not_keep(box, monkeypatch):
    with client_of(box) as client:
        begun = client.begin_login("bluesky", redirect_uri=CALLBACK)
        callback = box.bluesky.approve(begun.url)
        monkeypatch.setattr(type(box.bluesky), "issuer", "https://evil.example.com")
        with pytest.raises(LoginFailed) as failed:
            client.finish_login(begun, callback)
    assert failed.value.reason == "forged"
