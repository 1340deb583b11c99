"""Google Business: the list of accounts that tells who signed in is as the account API describes it."""

from __future__ import annotations

import httpx
import pytest

from socialkit.flows.google_business import FLOWS
from socialkit.sandbox import Sandbox

from .discovery import Discovery

pytestmark = pytest.mark.specs
FILE = "google_business/mybusinessaccountmanagement.v1.json"


@pytest.mark.parametrize("query", [{}, {"pageSize": "1"}, {"pageSize": "1", "pageToken": "p1"}])
async def test_the_accounts_are_as_described(query: dict[str, str]) -> None:
    with Sandbox(["google_business"]) as box:
        token = box.google_business.token_for("brand").access_token
        async with httpx.AsyncClient(transport=box.transport) as web:
            headers = {"authorization": f"Bearer {token}"}
            answer = await web.get(FLOWS[0].whoami.url, params=query, headers=headers)
    assert answer.json()["accounts"]
    Discovery(FILE).check(answer, "accounts.list")


def test_the_next_page_is_asked_for_as_described() -> None:
    who, document = FLOWS[0].whoami, Discovery(FILE).document
    assert who.next_name in document["resources"]["accounts"]["methods"]["list"]["parameters"]
    assert who.next in document["schemas"]["ListAccountsResponse"]["properties"]
    assert {who.id, who.name} <= document["schemas"]["Account"]["properties"].keys()
