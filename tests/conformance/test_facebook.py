"""Facebook: every request of the adapter and every answer of the sandbox is as Meta's own descriptions have it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from media_files import mp4, png
from recording import Recorder
from socialkit import Captions, Client, Facebook, Image, Post, Video
from socialkit.adapters._facebook_metrics import STORY_METRICS
from socialkit.adapters._facebook_plan import CATEGORIES
from socialkit.sandbox import Sandbox
from socialkit.sandbox.facebook_views import parsed

from .meta_specs import VERSIONED, Meta, asks_in, given_in
from .specs import SpecViolation, need_specs

pytestmark = pytest.mark.specs

PAGE = "245628824887810"
SRT = b"1\n00:00:00,000 --> 00:00:01,000\nAhoy\n"
BOAT = Image(png(), alt="A boat")
CLIP = Video(
    mp4(seconds=5.0, size=(1080, 1920), data=2_000_000), captions=[Captions(SRT, "en-US")], thumbnail=BOAT
)
AIM = {"geo_locations": {"countries": ["DE"]}}


@pytest.fixture
def meta() -> Meta:
    return Meta("facebook")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["facebook"]) as box:
        yield box


class Checker:
    """Checks one exchange after the other; what an id stands for is what was answered where it was made."""

    def __init__(self, meta: Meta) -> None:
        self.meta = meta
        self.kinds: dict[str, str] = {PAGE: "Page", "me": "Page"}
        self.seen: list[str] = []

    def check(self, answer: httpx.Response) -> None:
        request = answer.request
        if request.url.host == "rupload.facebook.com":
            self.check_stream(request)
            return
        match = VERSIONED.fullmatch(request.url.path)
        assert match is not None, request.url.path
        pairs = given_in(request)
        if match["id"] is None:
            self.check_batch(pairs, answer.json())
            return
        self.check_one(
            request.method, match["id"], match["edge"] or "", pairs, answer.status_code, answer.json()
        )

    def check_batch(self, pairs: list[tuple[str, str]], rows: list[Any]) -> None:
        items = json.loads(dict(pairs)["batch"])
        assert 0 < len(items) == len(rows) <= 50
        for item, row in zip(items, rows, strict=True):
            path, _, query = item["relative_url"].partition("?")
            native, _, edge = path.partition("/")
            told = json.loads(row["body"])
            self.check_one(item["method"], native, edge, parse_qsl(query), row["code"], told)

    def check_one(
        self, method: str, native: str, edge: str, pairs: list[tuple[str, str]], status: int, told: Any
    ) -> None:
        node = self.kinds.get(native) or "PagePost"
        self.seen.append(f"{method} {node}/{edge}")
        self.meta.check_request(node, edge, method, [name for name, _ in pairs])
        of = self.returned(node, edge, method)
        if of is not None:
            self.meta.check_fields(of, asks_in(pairs))
        if status == 200:
            self.learn(of, edge, told)
            self.check_told(of, told)

    def returned(self, node: str, edge: str, method: str) -> str | None:
        """What an edge answers with: its own list's entries, or what was made at it."""
        if not edge:
            return node if method == "GET" else None
        made = {"feed": "PagePost", "comments": "Comment", "photos": "Photo", "videos": "AdVideo"}
        listed = {"published_posts": "PagePost", "scheduled_posts": "PagePost", "stories": "Stories"}
        if edge in ("insights", "video_insights"):
            return "InsightsResult"
        return made.get(edge) or listed.get(edge) or ("AdVideo" if edge.startswith("video_") else None)

    def learn(self, of: str | None, edge: str, told: Any) -> None:
        entries = told["data"] if isinstance(told.get("data"), list) else [told]
        for one in entries:
            for name in ("id", "video_id"):
                if of and one.get(name):
                    self.kinds[str(one[name])] = of
            if edge in ("photo_stories", "video_stories") and one.get("post_id"):
                self.kinds[str(one["post_id"])] = "Stories"

    def check_told(self, of: str | None, told: Any) -> None:
        if of is None or "upload_session_id" in told or "upload_url" in told or "start_offset" in told:
            return
        for one in told["data"] if isinstance(told.get("data"), list) else [told]:
            self.meta.check_node(of, one)

    def check_stream(self, request: httpx.Request) -> None:
        """As in Meta's Postman collection of reels."""
        collection = json.loads(
            (need_specs() / "facebook/facebook-reels-publishing.postman_collection.json").read_text()
        )
        described = next(one for one in collection["item"] if "Upload Local" in one["name"])["request"]
        wanted = {header["key"].lower() for header in described["header"]}
        assert wanted <= set(request.headers)
        assert request.headers["authorization"].startswith("OAuth ")
        assert request.url.path.startswith("/video-upload/v")
        self.seen.append("stream")


@pytest.fixture
def checker(meta: Meta) -> Checker:
    return Checker(meta)


@pytest.fixture
def client(box: Sandbox, checker: Checker) -> Iterator[Client]:
    wire = Recorder(box.transport)
    with Client(box.accounts(), store=":memory:", transport=wire, clock=box.clock) as client:
        yield client
    assert wire.kept
    for answer in wire.kept:
        checker.check(answer)


def test_texts_links_photos_and_comments(box: Sandbox, client: Client) -> None:
    chosen = Facebook.Options(
        place="29", tagged_ids=("31",), targeting=AIM, feed_targeting=AIM, first_comment="More", background="5",
        call_to_action={"type": "LEARN_MORE", "value": {"link": "https://example.com"}},
    )  # fmt: skip
    first = client.publish(Post("Ahoy").variant("facebook", chosen), "facebook").receipts[0]
    cards = ({"link": "https://example.com/b", "name": "B"}, {"link": "https://example.com/c", "name": "C"})
    see = Post("See", link="https://example.com/a").variant("facebook", Facebook.Options(cards=cards))
    client.publish(see, "facebook")
    client.publish(Post("One", media=[BOAT]), "facebook")
    client.publish(Post("Two", media=[BOAT, Image(png(4, 4), alt="The sea")]), "facebook")
    comment = client.publish(Post("Aye", reply_to=first, media=[BOAT]), "facebook").receipts[0]
    answer = client.publish(Post("Aye aye", reply_to=comment), "facebook").receipts[0]
    client.publish(Post("Aye aye aye", reply_to=answer), "facebook")
    box.clock.advance(86_400)
    assert not client.fetch_metrics([first, comment]).errors
    client.edit(first, Post("Ahoy!").variant("facebook", Facebook.Options(place="29")))
    client.edit(comment, Post("Aye aye"))
    client.delete(comment)
    client.delete([first])
    client.delete([first])


def test_videos_reels_and_stories(box: Sandbox, client: Client, checker: Checker) -> None:
    reel = Facebook.Options(format="reel", collaborators=("17",), place="29", targeting=AIM)
    made = client.publish(Post("Ahoy", title="Trials", media=[CLIP]), "facebook").receipts
    made += client.publish(
        Post("Ahoy", title="Trials", media=[CLIP]).variant("facebook", reel), "facebook"
    ).receipts
    story = Facebook.Options(format="story")
    made += client.publish(Post(media=[BOAT]).variant("facebook", story), "facebook").receipts
    bare = Video(CLIP.source)
    made += client.publish(Post(media=[bare]).variant("facebook", story), "facebook").receipts
    box.clock.advance(86_400)
    assert not client.fetch_metrics(made).errors
    assert len(client.fetch_posts("facebook")) == 2
    client.edit(made[1], Post("Ahoy!"))


@pytest.mark.parametrize("form", ["post", "reel"])
def test_what_is_scheduled(box: Sandbox, client: Client, form: Any) -> None:
    chosen = Facebook.Options(format=form, publish_at=box.clock.now() + timedelta(days=1))
    posts = [Post("Ahoy", media=[Video(CLIP.source)])]
    posts += [Post("Ahoy"), Post("Ahoy", media=[BOAT])] if form == "post" else []
    for number, post in enumerate(posts):
        client.publish(post.variant("facebook", chosen), "facebook", idempotency_key=str(number))
        client.settle(str(number))


def test_lost_answers(box: Sandbox, client: Client) -> None:
    for edge in ("feed", "photos", "photo_stories"):
        box.fault("stored-then-500", platform="facebook", match=rf"POST /v26.0/\d+/{edge}")
    first = client.publish(Post("Ahoy"), "facebook", wait=600).receipts[0]
    client.publish(Post("One", media=[BOAT]), "facebook", wait=600)
    story = Facebook.Options(format="story")
    client.publish(Post(media=[BOAT]).variant("facebook", story), "facebook", wait=600)
    box.fault("stored-then-500", platform="facebook", match=r"POST /v26.0/[\d_]+/comments")
    client.publish(Post("Aye", reply_to=first), "facebook", wait=600)


def test_the_page_and_its_posts(box: Sandbox, client: Client) -> None:
    receipt = client.publish(Post("Ahoy"), "facebook").receipts[0]
    client.fetch_account_metrics("facebook", since=box.clock.now() - timedelta(days=9))
    client.fetch_metrics([receipt.url or "", "https://www.facebook.com/brand/posts/pfbid0x"])


def test_a_metric_that_ended(box: Sandbox, client: Client) -> None:
    receipt = client.publish(Post("Ahoy"), "facebook").receipts[0]
    box.facebook.post_metrics.discard("post_total_media_view_unique")
    box.clock.advance(600)
    (row,) = client.fetch_metrics(receipt)
    assert row.missing["reach"]


def test_words_of_a_fixed_list_are_those_meta_lists() -> None:
    listed = json.loads((need_specs() / "facebook/enum_types.subset.json").read_text())
    enums = {one["name"]: set(one["values"]) for one in listed}
    assert enums["pagevideos_content_category_enum_param"] == CATEGORIES
    assert set(STORY_METRICS) <= enums["storiesinsights_metric_enum_param"]
    assert "SCHEDULED" in enums["pagefeed_unpublished_content_type_enum_param"]
    assert {"PUBLISHED", "SCHEDULED"} <= enums["pagevideo_reels_video_state_enum_param"]
    assert {"day", "total_over_range"} <= enums["pageinsights_period_enum_param"]


def test_the_description_is_looked_at(meta: Meta) -> None:
    with pytest.raises(SpecViolation, match="takes no txt"):
        meta.check_request("Page", "feed", "POST", ["message", "txt"])
    with pytest.raises(SpecViolation, match="no GET /fed"):
        meta.check_request("Page", "fed", "GET", [])
    with pytest.raises(SpecViolation, match="no field post_id"):
        meta.check_fields("PagePost", parsed("id,post_id"))
    with pytest.raises(SpecViolation, match="tells no shoe_size"):
        meta.check_node("AdVideo", {"id": "1", "shoe_size": 46})
