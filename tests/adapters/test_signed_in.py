"""Accounts that only sign in: who they are, whatever the platform's answer looks like, and nothing published."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fakes import FakeCall, answer
from socialkit import Client, Image, InvalidPost, Poll, Post
from socialkit.adapters._signed_in import SignedIn, signed_in_class
from socialkit.adapters.base import AccountFacts, Credential
from socialkit.errors import (
    ConfigError,
    IdentityClash,
    LoginFailed,
    ReauthNeeded,
    SocialKitError,
    Unavailable,
)
from socialkit.flows import Flow, KeyFlow, Whoami
from socialkit.flows._whoami import OWNER, as_text, found, identities
from socialkit.model import Identity

SERVER = "https://api.example.com"
ME = Whoami(url="/me", id="data.id", name="data.name")
PAGES = Whoami(
    url=f"{SERVER}/accounts?limit=2",
    each="data",
    id="page.id",
    name="page.name",
    token="token",
    next="paging.next",
    own=f"{SERVER}/{{id}}?fields=id,name",
)
TOKEN = Credential("bearer", access_token="t0ken-s3cret")


def flow(who: Whoami | None = ME, **more: Any) -> KeyFlow:
    given: dict[str, Any] = {"name": "key", "title": "Key", "server": SERVER, "asks": (), "fills": {}}
    return KeyFlow(whoami=who, **{**given, **more})


def account_of(*flows: Flow, server: str = SERVER) -> SignedIn:
    """An account of a platform with these ways to sign in; each test has a class of its own."""
    cls = type("Harbour", (SignedIn,), {"platform": "harbour", "title": "Harbour", "flows": flows})
    account = cls(server)
    assert isinstance(account, SignedIn)
    return account


async def reached(
    who: Whoami | None, *answers: Any, credential: Credential = TOKEN, server: str = SERVER, **more: Any
) -> tuple[list[tuple[Identity, Credential]], FakeCall]:
    """(every account a credential reaches, the call that asked)."""
    way = flow(who, **more)
    call = FakeCall(account_of(way, server=server), answers=answers)
    return await identities(way, credential, server, call, platform="harbour"), call


async def told(who: Whoami | None, *answers: Any, **more: Any) -> list[tuple[str, str | None]]:
    """(id, name) of every account reached."""
    return [(one.id, one.name) for one, _ in (await reached(who, *answers, **more))[0]]


# --- the class --------------------------------------------------------------------------------------------------------
def test_a_platform_has_one_class() -> None:
    one = signed_in_class("pier", "Pier", (flow(),))
    assert one is signed_in_class("pier", "Pier", (flow(),))
    assert (one.platform, one.title, [way.name for way in one.flows]) == ("pier", "Pier", ["key"])
    assert repr(one()) == "<Pier https://api.example.com>"


def test_a_platform_without_a_server_of_its_own_asks_for_one() -> None:
    with pytest.raises(ConfigError, match="server="):
        signed_in_class("quay", "Quay", (flow(server=""),))()


def test_an_account_survives_pickle() -> None:
    me = Identity("pier", "https://example.org", "7", "brand")
    account = signed_in_class("pier", "Pier", (flow(),)).signed_in(me)
    again = pickle.loads(pickle.dumps(account))
    assert type(again) is type(account)
    assert (again.identity, again.server, again.hint) == (me, "https://example.org", "7")


@pytest.mark.parametrize(
    ("credential", "header"),
    [
        (Credential("bearer", access_token="t"), "Bearer t"),
        (Credential("oauth2", access_token="t"), "Bearer t"),
        (Credential("session", access_token="t"), "Bearer t"),
        (Credential("bot", access_token="t"), "Bot t"),
        (
            Credential("basic", client_id="jörg", secret="p:w"),
            f"Basic {base64.b64encode('jörg:p:w'.encode()).decode()}",
        ),
        (Credential("none", access_token="t"), None),
        (Credential("bearer"), None),
        (Credential("bot"), None),
        (Credential("ghost", access_token="t"), None),
        (Credential("oauth1", access_token="t"), None),
        (Credential("dpop", access_token="t"), None),
    ],
)
def test_requests_are_signed_by_the_kind_of_credential(credential: Credential, header: str | None) -> None:
    assert account_of(flow()).authorize(credential).get("authorization") == header


# --- nothing is published ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "post",
    [
        Post("We ship"),
        Post("x" * 100_000),
        Post("We ship", media=[Image(b"x", alt="a boat")]),
        Post("Sail or motor?", poll=Poll(["Sail", "Motor"])),
    ],
)
def test_every_post_is_refused_while_it_is_planned(post: Post) -> None:
    account = account_of(flow())
    wire = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": {"id": 7, "name": "brand"}}))
    with Client({"pier": account}, store=":memory:", transport=wire) as client:
        problems = client.plan(post, "pier").problems
        assert "not_published" in {problem.code for problem in problems}
        assert any("signs in to Harbour, but does not publish there yet" in str(one) for one in problems)
        with pytest.raises(InvalidPost, match="nothing was sent"):
            client.publish(post, "pier")


# --- who it is --------------------------------------------------------------------------------------------------------
async def asked(account: SignedIn, credential: Credential, *answers: Any) -> tuple[AccountFacts, FakeCall]:
    call = FakeCall(account, answers=answers, credential=credential)
    return await account.account(call), call


async def test_an_account_asks_as_its_flow_does_and_leaves_signing_to_the_machinery() -> None:
    account = account_of(flow(name="other"), flow(attrs.evolve(ME, url="/v2/me"), name="second"))
    signed = attrs.evolve(TOKEN, scopes=("write",), extra={"flow": "second"})
    facts, call = await asked(account, signed, answer({"data": {"id": 7, "name": "brand"}}))
    assert (facts.identity, facts.identity.name) == (Identity("harbour", SERVER, "7"), "brand")
    assert facts.scopes == ("write",)
    (request,) = call.asked
    assert (request.step, request.url) == ("read", f"{SERVER}/v2/me")
    assert "credential" not in request.options  # a token that ends here is renewed


async def test_a_flow_that_is_gone_is_named_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"called 'gone'; there are: key"):
        await asked(account_of(flow()), attrs.evolve(TOKEN, extra={"flow": "gone"}))


async def test_of_several_accounts_it_is_the_one_that_signed_in() -> None:
    account = account_of(flow(attrs.evolve(PAGES, token="")))
    page = answer({"data": [{"page": {"id": 1}}, {"page": {"id": 2, "name": "brand"}}]})
    assert (await asked(account, TOKEN, page))[0].identity.id == "1"
    account.identity = Identity("harbour", SERVER, "2")
    facts, _ = await asked(account, TOKEN, page)
    assert (facts.identity.id, facts.identity.name) == ("2", "brand")
    account.identity = Identity("harbour", SERVER, "3", "gone")
    with pytest.raises(IdentityClash, match=r"belongs to 1 on harbour, but this account is gone"):
        await asked(account, TOKEN, page)


async def test_a_key_that_says_whose_it_is_needs_no_request() -> None:
    key = Credential("none", secret="5" * 64, extra={"id": "f93", "name": "npub1"})
    facts, call = await asked(account_of(flow(None)), key)
    assert (facts.identity.id, facts.identity.name) == ("f93", "npub1")
    assert not call.asked
    with pytest.raises(Unavailable, match=r"harbour .*no account id"):
        await asked(account_of(flow(None)), TOKEN)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (1500000000000000001, "1500000000000000001"),
        (10**40, "1" + "0" * 40),
        ("007", "007"),
        (" 7 ", "7"),
        (7.0, "7"),
        (0, "0"),
    ],
)
async def test_an_id_is_text_with_all_its_digits(value: Any, text: str) -> None:
    assert await told(ME, answer({"data": {"id": value, "name": 5}})) == [(text, "5")]


@pytest.mark.parametrize("value", [None, True, "", "  ", 1.5, 1e300, [], {}, "a\nb", "\ud800"])
async def test_what_is_no_id_is_told_with_platform_and_field(value: Any) -> None:
    with pytest.raises(Unavailable, match=r"harbour did not say who signed in: its answer has no 'data\.id'"):
        await reached(ME, answer({"data": {"id": value}}))


@pytest.mark.parametrize("body", [[], None, 7, {"data": []}, {"data": {}}, {"data": "id"}])
async def test_an_answer_of_another_shape_is_told_too(body: Any) -> None:
    with pytest.raises(Unavailable, match=r"data\.id"):
        await reached(ME, answer(body))


async def test_a_no_with_status_200_means_signing_in_again() -> None:
    with pytest.raises(ReauthNeeded, match=r"harbour .*invalid_auth; sign in again") as failed:
        await reached(ME, answer({"error": "invalid_auth"}))
    assert failed.value.code == "invalid_auth"
    with pytest.raises(ReauthNeeded, match="HTTP 401"):
        await reached(ME, answer({"data": {"id": 7}}, 401))
    with pytest.raises(ReauthNeeded, match="ok=false"):
        await reached(ME, answer({"ok": False}))


async def test_an_answer_that_repeats_the_token_does_not_bring_it_into_the_error() -> None:
    with pytest.raises(Unavailable, match="harbour did not say") as failed:
        await reached(ME, answer({"error": "t0ken-s3cret"}))
    assert "s3cret" not in f"{failed.value} {vars(failed.value)}"


async def test_a_code_that_means_no_on_this_platform_means_signing_in_again() -> None:
    who = attrs.evolve(ME, refusals=("190",))
    with pytest.raises(ReauthNeeded, match="190"):
        await reached(who, answer({"code": 190, "message": "session expired"}, 400))


async def test_an_answer_that_is_no_json_is_none_of_the_platforms() -> None:
    with pytest.raises(Unavailable, match="no JSON"):
        await reached(ME, answer(content=b"<html>log in"))


def test_places_have_alternatives() -> None:
    assert found({"a": [{"b": 1}]}, "x.y|a.0.b") == 1
    assert found([5], "0") == 5
    assert found([5], ".") == [5]
    assert found({"a": [1]}, "a.1") is None
    assert found({"a": [1]}, "a.-1") is None
    assert found("text", "0") is None
    assert as_text(True) is None


async def test_an_id_may_be_made_of_parts_and_all_must_be_there() -> None:
    who = attrs.evolve(ME, id="team+user", name="user")
    assert await told(who, answer({"team": "T1", "user": "U7"})) == [("T1:U7", "U7")]
    with pytest.raises(Unavailable, match=r"team\+user"):
        await reached(who, answer({"team": "T1"}))


async def test_a_post_asks_with_a_json_object() -> None:
    who = attrs.evolve(ME, method="POST", params={"detail": "1"}, headers={"accept-version": "v6.0"})
    _, call = await reached(who, answer({"data": {"id": 7}}))
    assert (call.asked[0].method, call.asked[0].json) == ("POST", {"detail": "1"})
    assert call.asked[0].headers["accept-version"] == "v6.0"
    assert call.asked[0].headers["authorization"] == "Bearer t0ken-s3cret"


async def test_an_older_server_is_asked_at_its_own_address() -> None:
    who = attrs.evolve(ME, url="/v4/account|/v3/site")
    _, call = await reached(who, answer(None, 404), answer({"data": {"id": 7}}))
    assert [request.path for request in call.asked] == ["/v4/account", "/v3/site"]


async def test_what_anybody_may_read_counts_after_a_proof() -> None:
    who = attrs.evolve(ME, proof="/config")
    _, call = await reached(who, answer({}), answer({"data": {"id": 7}}))
    assert [request.path for request in call.asked] == ["/config", "/me"]
    with pytest.raises(ReauthNeeded):
        await reached(who, answer({}, 401))


# --- several accounts -------------------------------------------------------------------------------------------------
def page(*ids: int, after: str | None = None) -> Any:
    items = [{"page": {"id": one, "name": f"page {one}"}, "token": f"own-{one}"} for one in ids]
    return answer({"data": items, "paging": {"next": after} if after else {}})


async def test_every_account_of_every_page_has_its_own_token() -> None:
    user = attrs.evolve(TOKEN, refresh_token="r", extra={"flow": "key"})
    pairs, call = await reached(
        PAGES, page(1, 2, after=f"{SERVER}/accounts?after=2"), page(2, 3), credential=user
    )
    assert [(who.id, one.access_token) for who, one in pairs] == [
        ("1", "own-1"),
        ("2", "own-2"),
        ("3", "own-3"),
    ]
    assert {(one.refresh_token, one.expires_at, one.extra["flow"]) for _, one in pairs} == {
        (None, None, "key")
    }
    assert [one.extra[OWNER] for _, one in pairs] == ["1", "2", "3"]
    assert [request.url for request in call.asked] == [
        f"{SERVER}/accounts?limit=2",
        f"{SERVER}/accounts?after=2",
    ]


async def test_an_account_with_its_own_token_is_asked_by_it() -> None:
    (_, own), *_ = (await reached(PAGES, page(5)))[0]
    pairs, call = await reached(PAGES, answer({"id": 5, "name": "page 5"}), credential=own)
    assert [(who.id, who.name, one) for who, one in pairs] == [("5", "page 5", own)]
    assert call.asked[0].url == f"{SERVER}/5?fields=id,name"
    assert call.asked[0].headers["authorization"] == "Bearer own-5"
    pairs, call = await reached(attrs.evolve(PAGES, own=""), credential=own)
    assert ([who.id for who, _ in pairs], call.asked) == (["5"], [])


async def test_pages_named_by_a_token_are_asked_for_with_it() -> None:
    who = Whoami(
        url="/accounts", params={"size": "1"}, each="accounts", id="name", next="next", next_name="page"
    )
    first = answer({"accounts": [{"name": "accounts/1"}], "next": "n2"})
    pairs, call = await reached(who, first, answer({"accounts": [{"name": "accounts/2"}]}))
    assert [one.id for one, _ in pairs] == ["accounts/1", "accounts/2"]
    assert [request.params for request in call.asked] == [{"size": "1"}, {"size": "1", "page": "n2"}]


@pytest.mark.parametrize("after", ["https://example.org/accounts", "http://api.example.com/accounts"])
async def test_a_next_page_on_another_host_gets_no_credential(after: str) -> None:
    with pytest.raises(Unavailable, match="another host; nothing was sent there"):
        await reached(PAGES, page(1, after=after))


async def test_a_next_page_is_a_path_of_the_same_server() -> None:
    _, call = await reached(PAGES, page(1, after="//example.org/accounts"), page(2))
    assert call.asked[1].url == f"{SERVER}//example.org/accounts"


async def test_pages_that_repeat_themselves_end() -> None:
    again = page(1, after=f"{SERVER}/accounts?after=1")
    assert await told(PAGES, again, again) == [("1", "page 1")]


async def test_at_a_sandbox_the_next_page_is_below_it() -> None:
    box = "http://127.0.0.1:8765/harbour"
    answers = (page(1, after=f"{box}/accounts?after=1"), page(2, after=f"{SERVER}/accounts?after=2"), page(3))
    _, call = await reached(PAGES, *answers, server=box)
    assert [request.url for request in call.asked] == [
        f"{box}/accounts?limit=2",
        f"{box}/accounts?after=1",
        f"{box}/accounts?after=2",
    ]


async def test_items_without_an_account_are_left_out_and_none_at_all_is_told() -> None:
    mixed = answer({"data": [{"token": "own-0"}, {"page": {"id": 1}, "token": "own-1"}]})
    assert await told(PAGES, mixed) == [("1", None)]
    for body in ({"data": []}, {"data": [{"token": "own-0"}]}):
        with pytest.raises(LoginFailed, match=r"reaches no harbour account.*page\.id.*tick"):
            await reached(PAGES, answer(body))
    with pytest.raises(Unavailable, match="no 'data'"):
        await reached(PAGES, answer({}))


# --- secrets in addresses ---------------------------------------------------------------------------------------------
BOT = Whoami(url="/bot{access_token}/getMe", id="result.id")


async def test_a_token_stands_where_the_platform_puts_it() -> None:
    token = Credential("none", access_token="12:Ab_c-d")
    _, call = await reached(BOT, answer({"result": {"id": 12}}), credential=token)
    assert call.asked[0].url == f"{SERVER}/bot12:Ab_c-d/getMe"
    assert "authorization" not in call.asked[0].headers
    hook = Whoami(url="/hooks/{client_id}/{secret}", id="id", params={"t": "{access_token}"})
    odd = Credential("none", access_token="a b&c", client_id="7", secret="s#?%")
    _, call = await reached(hook, answer({"id": 7}), credential=odd)
    assert call.asked[0].path == "/hooks/7/s%23%3F%25"
    assert call.asked[0].params == {"t": "a b&c"}


@pytest.mark.parametrize("token", [None, "", "../../admin", "a/b", "a\\b", "a|b", "a\nb"])
async def test_a_token_that_would_lead_elsewhere_is_refused_and_not_shown(token: str | None) -> None:
    with pytest.raises(LoginFailed, match="access_token is missing, or has not the form") as failed:
        await reached(BOT, credential=Credential("none", access_token=token))
    assert failed.value.reason == "invalid"
    assert not token or token not in str(failed.value)


@pytest.mark.parametrize("fault", ["unreachable", "lost", 401, 404, 500])
def test_no_error_shows_the_token_in_the_address(fault: str | int) -> None:
    token = "123456789:AAs3cretAAs3cretAAs3cretAAs3cretAA"
    account = account_of(flow(BOT, kind="none"))
    account.seed = Credential("none", access_token=token)

    def handle(request: httpx.Request) -> httpx.Response:
        assert token in request.url.path
        if isinstance(fault, int):
            return httpx.Response(fault, json={"description": f"no such thing: {request.url}"})
        kind = httpx.ConnectError if fault == "unreachable" else httpx.ReadError
        raise kind(f"failed at {request.url}", request=request)

    with Client(
        {"bot": account}, store=":memory:", transport=httpx.MockTransport(handle), max_wait=0
    ) as client:
        error = client.publish(Post("We ship"), "bot", errors="return")["bot"].error
    assert isinstance(error, SocialKitError)
    assert "s3cret" not in f"{error} {error!r} {vars(error)} {error.__cause__!r} {error.__context__!r}"


# --- whatever comes ---------------------------------------------------------------------------------------------------
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
near = st.dictionaries(
    st.sampled_from(["data", "id", "name", "page", "token", "paging", "next", "ok", "error"]), json
)


@pytest.mark.parametrize("who", [ME, PAGES, attrs.evolve(ME, id="data+ok"), attrs.evolve(PAGES, each=".")])
@given(
    body=json
    | near
    | st.fixed_dictionaries({"data": near | st.lists(near | st.builds(lambda one: {"page": one}, near))})
)
async def test_any_answer_gives_accounts_or_an_error_of_ours(who: Whoami, body: Any) -> None:
    endless = [answer(body)] * 2
    try:
        pairs, _ = await reached(who, *endless)
    except SocialKitError as error:
        words = str(error)
    else:
        words = " ".join(one.id for one, _ in pairs)
    assert words.strip()
