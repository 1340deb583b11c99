"""What the Instagram adapter asks for and the sandbox answers has the names of Meta's own description of its API."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from media_files import mp4
from recording import Recorder
from socialkit import Client, Image, Instagram, Post, Video
from socialkit.adapters._instagram_posts import SAFE, WIDE
from socialkit.sandbox import Sandbox
from socialkit.sandbox.instagram_reads import METRICS, fields_in

from .specs import need_specs

pytestmark = pytest.mark.specs

BOAT = Image.from_url("https://example.com/boat.jpg", alt="The boat")
FILM = Video(mp4(seconds=10, size=(1080, 1920)), thumbnail=Image.from_url("https://example.com/c.jpg"))
PAGING = {"fields", "limit", "after"}
YOUNGER = {
    "is_ai_generated",
    "is_comment_prompt_used",
    "audio_configuration",
    "is_paid_partnership",
    "branded_content_sponsor_ids",
}
"""Parameters of the manual that are younger than the description (April 2026), or never stood in it."""
NEW_METRICS = {"link_clicks"}
"""An insight of the manual that is not in the description."""
SPELLED = {"mediapublish": "media_publish"}


@functools.cache
def described(name: str) -> Any:
    return json.loads((need_specs() / f"instagram/api_specs/{name}.json").read_text())


def names_of(node: str) -> set[str]:
    return {one["name"] for one in described(node)["fields"]}


def params_of(node: str, method: str, edge: str | None) -> set[str]:
    for api in described(node)["apis"]:
        endpoint = api.get("endpoint")
        if api["method"] == method and SPELLED.get(endpoint, endpoint) == edge:
            return {one["name"] for one in api.get("params") or ()}
    raise AssertionError(f"{node} has no {method} {edge}")


def values_of(name: str) -> set[str]:
    kinds = json.loads((need_specs() / "instagram/enum_types.subset.json").read_text())
    return next(set(one["values"]) for one in kinds if one["name"] == name)


class Checker:
    """Holds recorded exchanges of one login against the description; ``seen`` is what it met."""

    def __init__(self, page: bool) -> None:
        self.user, self.media = (
            ("IGUser", "IGMedia") if page else ("IGUserForIGOnlyAPI", "IGMediaForIGOnlyAPI")
        )
        self.page = page
        self.seen: set[str] = set()

    def check(self, answer: httpx.Response, containers: set[str], posts: set[str]) -> None:
        request = answer.request
        parts = request.url.path.removeprefix("/v26.0").strip("/").split("/")
        given = dict(request.url.params) | dict(parse_qsl(request.content.decode("latin-1")))
        node, edge = parts[0], parts[1] if len(parts) > 1 else None
        if node in ("", "ig-api-upload"):
            self.seen.add(f"{request.method} {node}")
            return
        if node in containers:
            kind = "ShadowIGMediaBuilder"
        elif node in posts:
            kind = self.media
        else:
            kind = self.user
        self.seen.add(f"{request.method} {kind}/{edge or ''}")
        self._check_params(request.method, kind, edge, set(given))
        if answer.status_code == 200:
            self._check_answer(kind, edge, answer.json(), given.get("fields", ""))

    def _check_params(self, method: str, kind: str, edge: str | None, given: set[str]) -> None:
        allowed = params_of(kind, method, edge) | (PAGING if method == "GET" else YOUNGER)
        assert given <= allowed, f"{method} {kind}/{edge}: {sorted(given - allowed)}"

    def _check_answer(self, kind: str, edge: str | None, told: Any, fields: str) -> None:
        known = {"media": self.media, "stories": self.media, "comments": "IGComment", None: kind}
        if edge in known and not isinstance(told.get("success"), bool):
            for one in told.get("data", [told]):
                extra = {"insights", "children", "instagram_business_account", "uri"}
                strange = set(one) - names_of(str(known[edge])) - extra
                assert not strange, f"{kind}/{edge} tells {sorted(strange)}"
        asked = {name for name, _, _ in fields_in(fields)}
        if edge in ("media", "stories", None):
            here = str(known[edge]) if edge else kind
            allowed = names_of(here) | {"insights", "children", "instagram_business_account"}
            assert asked <= allowed, f"asks {kind}/{edge} for {sorted(asked - allowed)}"


def story(text: str = "") -> Post:
    return Post(text, media=[BOAT]).variant("instagram", Instagram.Options(story=True))


@pytest.fixture(params=["instagram", "facebook"])
def told(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, Client, Recorder, Checker]]:
    page = request.param == "facebook"
    with Sandbox(["instagram"]) as box:
        given = box.instagram.page_credentials() if page else box.instagram.credentials()
        wire = Recorder(box.transport)
        place: dict[str, Any] = {"transport": wire, "clock": box.clock, "media_host": box.files}
        with Client({"brand": Instagram(**given)}, store=":memory:", **place) as client:
            yield box, client, wire, Checker(page)


def options(page: bool) -> dict[str, Any]:
    own = {
        "collaborators": ("crew",),
        "user_tags": (Instagram.Tag("crew", 0.5, 0.5),),
        "is_ai_generated": True,
    }
    more = {
        "location_id": "110",
        "product_tags": (Instagram.Product("12", 0.5, 0.5),),
        "comment_prompt": True,
    }
    paid = {"paid_partnership": True, "sponsor_ids": ("12",)}
    return own | (more | paid if page else {})


def test_the_whole_life_of_posts(told: tuple[Sandbox, Client, Recorder, Checker]) -> None:
    box, client, wire, checker = told
    page = checker.page
    photo = Post("Ahoy", media=[BOAT]).variant(
        "instagram", Instagram.Options(first_comment="More", **options(page))
    )
    music = {"audio_id": "7", "audio_volume": 0.5} if page else {}
    reel_options = Instagram.Options(share_to_feed=True, audio_name="Waves", trial="MANUAL", **music)
    reel = Post("Film", media=[FILM]).variant("instagram", reel_options)
    closed = Post("Both", media=[BOAT, FILM]).variant("instagram", Instagram.Options(comment_enabled=False))
    receipts = []
    for number, whole in enumerate((photo, reel, closed, story())):
        report = client.publish(whole, "brand", idempotency_key=str(number))
        assert report["brand"].receipt is not None
        receipts.append(report["brand"].receipt)
    box.fault("dropped-after", platform="instagram")
    client.publish(Post("Lost", media=[BOAT]), "brand")
    box.fault("dropped-after", platform="instagram", match=r"POST /v26.0/[0-9]+/comments")
    client.publish(photo, "brand", idempotency_key="again")
    box.clock.advance(7200)
    assert not client.fetch_metrics(receipts).errors
    assert not client.fetch_account_metrics("brand").errors
    assert len(client.fetch_posts("brand", limit=10)) == 5
    client.fetch_metrics([receipts[0].url or "", receipts[3].url or ""])
    if page:
        client.delete(receipts[0])
    containers, posts = set(box.instagram.containers), set(box.instagram.entries)
    for answer in wire.kept:
        if answer.request.url.host.startswith("graph."):
            checker.check(answer, containers, posts)
    assert {f"POST {checker.user}/media", f"POST {checker.user}/media_publish"} <= checker.seen
    assert {
        "GET ShadowIGMediaBuilder/",
        f"POST {checker.media}/comments",
        f"GET {checker.media}/",
    } <= checker.seen
    assert {f"GET {checker.user}/insights", f"GET {checker.user}/content_publishing_limit"} <= checker.seen


@pytest.mark.parametrize("name", ["mediainsights", "shadowigmediainsights"])
def test_insights_that_are_asked_for_exist(name: str) -> None:
    known = values_of(f"{name}_metric_enum_param")
    for names in (*WIDE.values(), *SAFE.values(), *METRICS.values()):
        assert set(names) - NEW_METRICS <= known
    assert {"impressions", "plays"}.isdisjoint(WIDE["FEED"])


@pytest.mark.parametrize("name", ["userinsights", "shadowiguserinsights"])
def test_the_accounts_insights_exist(name: str) -> None:
    from socialkit.adapters.instagram import _TOTALS

    assert set(_TOTALS.split(",")) <= values_of(f"{name}_metric_enum_param")
    assert {"day"} <= values_of(f"{name}_period_enum_param")
    assert {"total_value"} <= values_of(f"{name}_metric_type_enum_param")


def test_the_description_is_looked_at() -> None:
    checker = Checker(page=False)
    request = httpx.Request("POST", "https://graph.instagram.com/v26.0/17/media", data={"nonsense": "1"})
    with pytest.raises(AssertionError, match="nonsense"):
        checker.check(httpx.Response(200, json={"id": "1"}, request=request), set(), set())
    asked = httpx.Request("GET", "https://graph.instagram.com/v26.0/18?fields=id,nonsense")
    with pytest.raises(AssertionError, match="nonsense"):
        checker.check(httpx.Response(200, json={"id": "1"}, request=asked), set(), {"18"})
    assert re.fullmatch(r"\w+", next(iter(names_of("IGMedia"))))
