"""YouTube: the question who signed in, and the sandbox's answer, are as the Data API describes them."""

from __future__ import annotations

import httpx
import pytest

from socialkit.flows.youtube import FLOWS
from socialkit.sandbox import Sandbox

from .discovery import Discovery
from .violations import SpecViolation

pytestmark = pytest.mark.specs
FILE = "youtube/youtube.v3.json"


async def ask(params: dict[str, str]) -> httpx.Response:
    with Sandbox(["youtube"]) as box:
        token = box.youtube.token_for("brand").access_token
        async with httpx.AsyncClient(transport=box.transport) as web:
            headers = {"authorization": f"Bearer {token}"}
            return await web.get(FLOWS[0].whoami.url, params=params, headers=headers)


@pytest.mark.parametrize("part", ["id,snippet", "id,snippet,statistics,contentDetails,status"])
async def test_the_channel_is_as_described(part: str) -> None:
    Discovery(FILE).check(await ask({**FLOWS[0].whoami.params, "part": part}), "channels.list")


async def test_what_is_not_described_is_noticed() -> None:
    answer = await ask(dict(FLOWS[0].whoami.params))
    body = answer.json()
    body["items"][0]["shoe_size"] = 44
    odd = httpx.Response(200, json=body, request=httpx.Request("GET", f"{answer.request.url}&own=1"))
    with pytest.raises(SpecViolation) as caught:
        Discovery(FILE).check(odd, "channels.list")
    assert "own" in caught.value.problems[0]
    assert "shoe_size" in caught.value.problems[1]


def test_the_scopes_that_read_the_channel_and_upload_are_described() -> None:
    document = Discovery(FILE)
    for flow in FLOWS:
        assert set(flow.scopes["identify"]) <= document.scopes("channels.list")
        assert set(flow.scopes["publish"]) & document.scopes("videos.insert")
        assert set(flow.scopes["delete"]) <= document.scopes("videos.delete")
    assert set(FLOWS[0].scopes["replies"]) <= document.scopes("comments.insert")
    assert not set(FLOWS[1].scopes["publish"]) & document.scopes("comments.insert")


def test_broad_scopes_do_what_the_narrow_ones_do() -> None:
    document = Discovery(FILE)
    for broad, narrow in FLOWS[0].implied.items():
        for one, method in zip(narrow, ("channels.list", "videos.insert"), strict=True):
            assert {broad, one} <= document.scopes(method)
