"""Whatever a platform answers while somebody signs in: an account, or an error in words, and nothing half kept."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialkit import App, Client, SocialKitError
from socialkit.auth import Login
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryTokens
from test_leaks import Answering, Meddling
from test_signin_table import REDIRECT

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "access_token", "data", "did", "error", "expires_in", "id", "items", "name", "ok", "refresh_token", "scope",
    "sub", "team_id", "token_type", "user", "user_id",
)  # fmt: skip
BODIES = st.one_of(
    ANYTHING,
    st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.sampled_from(["bearer", "DPoP", "1e999", "-1"])),
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 503])
WAYS = {"facebook": "oauth2", "mastodon": "oauth2", "pinterest": "oauth2", "reddit": "oauth2", "tiktok": "oauth2",
        "tumblr": "oauth1", "misskey": "miauth", "slack": "oauth2", "lemmy": "password"}  # fmt: skip


class Hearing(Meddling):
    """Remembers which hosts were spoken to, and may answer for any of them."""

    def __init__(self, inner: httpx.AsyncBaseTransport, answer: Answering) -> None:
        super().__init__(inner, answer)
        self.hosts: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        response = await self.inner.handle_async_request(request)
        await response.aread()
        return self.answer(request, response)


def instead(status: int, body: Any) -> Answering:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"content-type": "application/json"})

    return answer


def through(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return response


def acted(box: Any, login: Login) -> Any:
    return box.answers(login.flow) if login.asks else box.approve(login.url)


@pytest.mark.parametrize("platform", sorted(WAYS))
@settings(max_examples=25, deadline=None)
@given(status=STATUSES, body=BODIES | st.binary(max_size=40), skip=st.integers(0, 3))
def test_any_answer_is_an_account_or_words_and_nothing_half_kept(
    platform: str, status: int, body: Any, skip: int
) -> None:
    with Sandbox([platform]) as sandbox:
        box: Any = sandbox[platform]
        hearing, tokens = Hearing(sandbox.transport, through), MemoryTokens()
        apps = {platform: App(**{"flow": WAYS[platform], **box.app_for(WAYS[platform], REDIRECT)})}
        place: Any = {"transport": hearing, "clock": sandbox.clock, "tokens": tokens, "max_wait": 1}
        with Client(apps=apps, **place) as client:
            login = client.begin_login(platform, redirect_uri=REDIRECT, server=box.address())
            told, before = acted(box, login), dict(tokens._saved)
            wild, left = instead(status, body), [skip]

            def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
                left[0] -= 1
                return response if left[0] >= 0 else wild(request, response)

            hearing.answer = answer
            try:
                account = client.finish_login(login, told)
            except SocialKitError as error:
                words = str(error)
            else:
                assert account.identity.id
                return
        assert words
        assert {key: kept for key, kept in tokens._saved.items() if not key.endswith("|app")} == before


@settings(max_examples=60, deadline=None)
@given(
    document=st.dictionaries(
        st.sampled_from(
            ["issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "scopes_supported"]
        ),
        ANYTHING
        | st.sampled_from(
            [
                "https://mastodon.social/oauth/token",
                "https://evil.example.com/token",
                "http://169.254.169.254/latest",
                "//evil.example.com",
                "https://mastodon.social@evil.example.com/token",
                "javascript:alert(1)",
            ]
        ),
    )
)
def test_a_servers_own_document_sends_secrets_nowhere_else(document: dict[str, Any]) -> None:
    def answer(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        own = request.url.path == "/.well-known/oauth-authorization-server"
        return instead(200, document)(request, response) if own else response

    with Sandbox(["mastodon"]) as box:
        hearing = Hearing(box.transport, answer)
        with Client(transport=hearing, clock=box.clock) as client:
            login = client.begin_login("mastodon", redirect_uri=REDIRECT, server="https://mastodon.social")
            assert login.url is not None
            assert login.url.startswith("https://mastodon.social/")
            try:
                account = client.finish_login(login, box.mastodon.approve(login.url))
                client.logout(account.adapter)
            except SocialKitError as error:
                assert str(error)  # noqa: PT017
    assert hearing.hosts == {"mastodon.social"}


@settings(max_examples=150, deadline=None)
@given(
    data=st.dictionaries(
        st.sampled_from(["schema", "platform", "server", "flow", "url", "state", "secrets"]), ANYTHING
    )
)
def test_a_login_that_was_damaged_is_refused_in_words(data: dict[str, Any]) -> None:
    with Client() as client, pytest.raises(SocialKitError) as caught:
        client.finish_login(data, "https://app.example.com/callback?code=c&state=s")
    assert str(caught.value)
