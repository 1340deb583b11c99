"""Pinterest: every request the adapter makes, and every answer the sandbox gives, is as the description says.

The adapter runs on the sandbox and what goes over the wire is checked both ways. Requests nobody's adapter makes are
sent by hand.
"""

from __future__ import annotations

import base64
import math
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import attrs
import httpx
import pytest

from media_files import mp4, png
from socialkit import Image, Post, Status, Video
from socialkit.adapters.pinterest import PinterestOptions
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .specs import SpecViolation, check_exchange, validator

pytestmark = pytest.mark.specs

API = "https://api.pinterest.com/v5"
BOAT = Image(png(40, 60), alt="A boat")
FILM = Video(mp4(seconds=5.0, size=(1080, 1920)), alt="A boat sails", thumbnail=Image(png(40, 60)))
DAY = 86_400


class Tee(httpx.AsyncByteStream):
    """A request body that is kept while it is read."""

    def __init__(self, stream: Any, kept: list[bytes]) -> None:
        self.stream, self.kept = stream, kept

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.stream:
            self.kept.append(piece)
            yield piece


@attrs.define
class Exchange:
    """One request and its answer, as they went over the wire."""

    request: httpx.Request
    body: list[bytes]
    answer: httpx.Response

    def check(self) -> None:
        told, asked = self.answer, self.request
        checker = validator("pinterest")
        checker.check_request(asked.method, str(asked.url), asked.headers, b"".join(self.body))
        checker.check_response(asked.method, str(asked.url), told.status_code, told.headers, told.content)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["pinterest"]) as box:
        yield box


@pytest.fixture
def wire(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Everything that is said to Pinterest's API."""
    seen: list[Exchange] = []
    handle = box.transport.handle_async_request

    async def listening(request: httpx.Request) -> httpx.Response:
        kept: list[bytes] = []
        request.stream = Tee(request.stream, kept)
        answer: httpx.Response = await handle(request)
        await answer.aread()
        if request.url.host == "api.pinterest.com":
            seen.append(Exchange(request, kept, answer))
        return answer

    monkeypatch.setattr(box.transport, "handle_async_request", listening)
    return seen


def test_what_the_adapter_says_and_hears(box: Sandbox, wire: list[Exchange]) -> None:
    box.pinterest.refresh_seconds = math.inf
    options = PinterestOptions(
        section="Sails",
        slot_titles=("One",),
        slot_descriptions=("", "The second"),
        slot_links=("https://example.com/1",),
        first_slot=1,
        dominant_color="#6E7874",
        sponsor_id="12",
    )
    address = Image.from_url("https://example.com/boat.png", alt="A boat")
    posts = [
        Post("We ship", title="News", link="https://example.com/boat", tags=["launch"], media=[BOAT]),
        Post("By address", media=[address]),
        Post("Two", media=[BOAT, BOAT]).variant("pinterest", options),
        Post("Two by address", media=[address, address]),
        Post("A film", media=[FILM]),
        Post("Its first frame", media=[attrs.evolve(FILM, thumbnail=None)]),
    ]
    with box.client(store=MemoryStore()) as client:
        receipts = []
        for post in posts:
            outcome = client.publish(post, "pinterest", errors="return")["pinterest"]
            assert outcome.status is Status.PUBLISHED, outcome.error or outcome.problems
            receipts.append(outcome.receipt)
        box.fault("dropped-after", platform="pinterest")
        lost = client.publish(attrs.evolve(posts[2], text="Lost"), "pinterest", idempotency_key="k", wait=600)
        assert lost["pinterest"].status is Status.PUBLISHED
        box.clock.advance(3 * DAY)
        assert not client.fetch_metrics(receipts).errors
        box.pinterest.many_at_once = False
        assert not client.fetch_metrics(receipts[:1]).errors
        since = box.clock.now() - timedelta(days=2)
        assert not client.fetch_account_metrics("pinterest", since=since).errors
        assert len(client.fetch_posts("pinterest", limit=3)) == 3
        client.edit(receipts[2], attrs.evolve(posts[2], text="Three", link="https://example.com/b"))
        assert not client.fetch_metrics(receipts[0].url).errors
        for _ in range(2):
            client.delete(receipts[0])
        box.clock.advance(100 * DAY)
        table = client.fetch_metrics(receipts)
        assert [row.error is None for row in table] == [False, True, True, True, True, True]
    lines = {f"{one.request.method} {one.request.url.path}" for one in wire}
    assert len(lines) >= 17
    for one in wire:
        one.check()


@pytest.fixture
async def brand(box: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every exchange is checked."""

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        if answer.request.url.host == "api.pinterest.com":
            check_exchange(validator("pinterest"), answer)

    headers = {"authorization": f"Bearer {box.pinterest.token_for('brand').access_token}"}
    async with httpx.AsyncClient(
        transport=box.transport, headers=headers, event_hooks={"response": [check]}
    ) as one:
        yield one


def source(data: bytes | None = None) -> dict[str, str]:
    encoded = base64.b64encode(data or png(40, 60)).decode()
    return {"source_type": "image_base64", "content_type": "image/png", "data": encoded}


async def test_boards_sections_and_saved_pins(box: Sandbox, brand: httpx.AsyncClient) -> None:
    made = (await brand.post(f"{API}/boards", json={"name": "Sea", "privacy": "SECRET"})).json()
    path = f"{API}/boards/{made['id']}"
    section = (await brand.post(f"{path}/sections", json={"name": "Waves"})).json()["id"]
    await brand.patch(f"{path}/sections/{section}", json={"name": "Foam"})
    pin = {"board_id": made["id"], "board_section_id": section, "media_source": source()}
    first = (await brand.post(f"{API}/pins", json=pin)).json()["id"]
    await brand.post(f"{API}/pins/{first}/save", json={"board_id": made["id"]})
    for where in ("boards", "pins?pin_metrics=true&page_size=1", f"boards/{made['id']}/pins", "media"):
        assert (await brand.get(f"{API}/{where}")).status_code == 200
    await brand.get(f"{path}/sections/{section}/pins")
    await brand.get(f"{API}/user_account/followers?page_size=2")
    await brand.patch(path, json={"name": "Ocean"})
    await brand.delete(f"{path}/sections/{section}")
    assert (await brand.delete(path)).status_code == 204


async def test_refusals(box: Sandbox, brand: httpx.AsyncClient) -> None:
    board = box.pinterest.board("Boats").id
    good = {"board_id": board, "media_source": source()}
    box.pinterest.busy[board] = 1
    statuses = [
        (await brand.post(f"{API}/pins", json=good)).status_code,
        (await brand.post(f"{API}/pins", json={**good, "board_id": "12"})).status_code,
        (await brand.post(f"{API}/pins", json={**good, "media_source": source(b"no picture")})).status_code,
        (await brand.get(f"{API}/pins/12")).status_code,
        (await brand.get(f"{API}/media/12")).status_code,
        (await brand.get(f"{API}/boards", headers={"authorization": "Bearer x"})).status_code,
    ]
    assert statuses == [409, 404, 400, 404, 404, 401]
    box.pinterest.access = "trial"
    assert (await brand.post(f"{API}/pins", json=good)).status_code == 403
    box.fault("429", platform="pinterest", match="GET /v5/pins")
    assert (await brand.get(f"{API}/pins")).status_code == 429
    box.fault("stored-then-500", platform="pinterest", match="GET /v5/pins")
    assert (await brand.get(f"{API}/pins")).status_code == 500


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"publish_at": "2027-01-01"}, "publish_at"),
        ({"title": "x" * 101}, "title"),
        ({"board_id": "boats"}, "board_id"),
        ({"media_source": {"source_type": "image_base64"}}, "content_type"),
        ({"media_source": {"source_type": "video_id", "media_id": "x"}}, "media_id"),
    ],
)
async def test_the_description_is_looked_at(
    box: Sandbox, brand: httpx.AsyncClient, change: dict[str, Any], words: str
) -> None:
    good = {"board_id": box.pinterest.board("Boats").id, "media_source": source()}
    with pytest.raises(SpecViolation, match=words):
        await brand.post(f"{API}/pins", json={**good, **change})
