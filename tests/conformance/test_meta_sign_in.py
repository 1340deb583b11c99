"""Meta's platforms: names asked for and answered when people sign in are names of Meta's own description."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from socialkit.flows import facebook, instagram, threads
from socialkit.sandbox import Sandbox

from .specs import need_specs

pytestmark = pytest.mark.specs


def described(file: str) -> Any:
    return json.loads((need_specs() / file).read_text())


def fields(file: str) -> set[str]:
    return {field["name"] for field in described(file)["fields"]}


def edge(file: str, endpoint: str) -> Any:
    return next(
        api for api in described(file)["apis"] if api.get("endpoint") == endpoint and api["method"] == "GET"
    )


def names(listed: str) -> set[str]:
    return set(listed.split(","))


async def asked(platform: str, url: str, params: dict[str, str], scopes: Iterable[str]) -> Any:
    with Sandbox([platform]) as box:
        there = box[platform]
        app = there.app_for("oauth2")["client_id"]
        token = there.token_for("brand", *scopes, client_id=app).access_token
        async with httpx.AsyncClient(transport=box.transport) as web:
            answer = await web.get(url, params=params, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pages_have_the_fields_that_are_asked_for() -> None:
    who = facebook.FLOWS[0].whoami
    known = fields("facebook/api_specs/Page.json") | {"tasks"}
    assert names(who.params["fields"]) <= known
    assert edge("facebook/api_specs/User.json", "accounts")["return"] == "Page"
    everything = {"fields": "access_token,category,category_list,name,id,username,tasks"}
    for page in (await asked("facebook", who.url, everything, ["pages_show_list"]))["data"]:
        assert page.keys() <= known


def test_instagrams_own_token_addresses_take_and_give_these_names() -> None:
    flow = instagram.FLOWS[0]
    for file, sent in (
        ("IGAccessTokenForIGOnlyAPI", {"grant_type", flow.exchange.name, *flow.exchange.client}),
        ("IGRefreshAccessTokenForIGOnlyAPI", {"grant_type", flow.renewal.name}),
    ):
        spec = described(f"instagram/api_specs/{file}.json")
        assert {one["name"] for one in spec["apis"][0]["params"]} == sent
        assert {one["name"] for one in spec["fields"]} >= {"access_token", "expires_in", "token_type"}


async def test_an_instagram_account_has_the_fields_that_are_asked_for() -> None:
    who = instagram.FLOWS[0].whoami
    known = fields("instagram/api_specs/IGUserForIGOnlyAPI.json")
    assert names(who.params["fields"]) <= known
    told = await asked("instagram", who.url, who.params, ["instagram_business_basic"])
    assert told.keys() <= known | {"id"}


COLLECTION = "threads/threads-api.postman_collection.json"


def requests(folder: str) -> dict[str, set[str]]:
    """URL without its query, and method → the names in the query, for one folder of Threads' collection."""
    held = next(one for one in described(COLLECTION)["item"] if one["name"] == folder)
    found = {}
    for one in held["item"]:
        url, _, query = one["request"]["url"]["raw"].partition("?")
        found[url.replace("{{api_host}}", "https://graph.threads.net") + f" {one['request']['method']}"] = {
            pair.partition("=")[0] for pair in query.split("&")
        }
    return found


def variable(name: str) -> set[str]:
    return names(next(one["value"] for one in described(COLLECTION)["variable"] if one["key"] == name))


def test_threads_token_addresses_are_those_of_its_collection() -> None:
    flow, known = threads.FLOWS[0], requests("Authorization")
    token = {"client_id", "client_secret", "code", "grant_type", "redirect_uri"}
    assert known[f"{flow.token_url} POST"] == token
    # Its third parameter, the token, is the collection's authorization.
    assert known[f"{flow.exchange.url} GET"] == {"grant_type", *flow.exchange.client}
    assert known[f"{flow.renewal.url} GET"] == {"grant_type"}
    assert {scope for scopes in flow.scopes.values() for scope in scopes} <= variable("scope")


async def test_a_threads_profile_has_the_fields_of_its_collection() -> None:
    who = threads.FLOWS[0].whoami
    assert names(who.params["fields"]) <= variable("fields_profile")
    everything = {"fields": ",".join(sorted(variable("fields_profile")))}
    told = await asked("threads", who.url, everything, ["threads_basic"])
    assert told.keys() == variable("fields_profile")
