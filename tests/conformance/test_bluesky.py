"""What the Bluesky adapter sends and what the sandbox answers follows the platform's own lexicons."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import attrs
import httpx
import pytest

from media_files import VTT, mp4, png
from socialkit import AsyncClient, Bluesky, Captions, Image, Link, Post, SocialKitError, Video
from socialkit.adapters._bluesky_rules import LABELS, THUMB_BYTES
from socialkit.sandbox import Sandbox
from socialkit.sandbox.bluesky import BlueskyBox

from .lexicons import LexiconValidator
from .specs import need_specs, validator

pytestmark = pytest.mark.specs

POST = "app.bsky.feed.post"
AT = "2026-11-02T09:00:00.000Z"
GATED = Bluesky.Options(replies=("mentioned", "followers"), quotes=False, labels=("nudity",))


@attrs.frozen
class Exchange:
    """One request and its answer, whole."""

    request: httpx.Request
    answer: httpx.Response

    @property
    def name(self) -> str:
        return self.request.url.path.rpartition("/")[2]


class Recorder(httpx.AsyncBaseTransport):
    """Lets requests through and keeps both sides of them."""

    traces = True

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.kept: list[Exchange] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in request.stream])
        whole = httpx.Request(
            request.method, request.url, headers=request.headers, content=body, extensions=request.extensions
        )
        answer = await self.inner.handle_async_request(whole)
        content = await answer.aread()
        again = httpx.Response(answer.status_code, headers=answer.headers, content=content)
        if "/xrpc/" in request.url.path:
            self.kept.append(Exchange(whole, again))
        return again

    def check(self) -> set[tuple[str, int]]:
        """Hold everything against the lexicons; gives (call, status) of what was checked."""
        lexicons = validator("bluesky")
        assert isinstance(lexicons, LexiconValidator)
        for one in self.kept:
            url, content = str(one.request.url), one.request.content
            lexicons.check_request(one.request.method, url, one.request.headers, content)
            answer = one.answer
            status, headers = answer.status_code, answer.headers
            lexicons.check_response(one.request.method, url, status, headers, answer.content)
        return {(one.name.rpartition(".")[2], one.answer.status_code) for one in self.kept}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(["bluesky"]) as box:
        yield box


@pytest.fixture
def sky(box: Sandbox) -> BlueskyBox:
    made = box["bluesky"]
    assert isinstance(made, BlueskyBox)
    return made


@pytest.fixture
def recorder(box: Sandbox) -> Recorder:
    return Recorder(box.transport)


@pytest.fixture
async def client(box: Sandbox, recorder: Recorder) -> AsyncIterator[AsyncClient]:
    accounts = {"sky": Bluesky(**box["bluesky"].credentials())}
    async with AsyncClient(accounts, store=":memory:", transport=recorder, clock=box.clock) as client:
        yield client


def described(name: str, *path: str) -> Any:
    """What a lexicon says at a path below its definitions."""
    found = json.loads((need_specs() / f"bluesky/lexicons/{name.replace('.', '/')}.json").read_text())["defs"]
    for step in path:
        found = found[step]
    return found


def test_the_rules_have_the_numbers_of_the_lexicons() -> None:
    rules, fields = Bluesky.rules, "properties"
    assert rules.images is not None
    assert rules.video is not None
    text = described(POST, "main", "record", fields, "text")
    assert rules.text.limits == ((text["maxGraphemes"], "graphemes"), (text["maxLength"], "utf8"))
    assert described("app.bsky.embed.images", "main", fields, "images", "maxLength") == 4
    assert "soft limit of 10 " in described("app.bsky.embed.gallery", "main", fields, "items", "description")
    assert rules.images.count == rules.images.animated_count == 10
    for kind in ("images", "gallery"):
        assert (
            described(f"app.bsky.embed.{kind}", "image", fields, "image", "maxSize") == rules.images.max_bytes
        )
    video = described("app.bsky.embed.video", "main", fields)
    assert (video["video"]["maxSize"], set(video["video"]["accept"])) == (
        rules.video.max_bytes,
        rules.video.types,
    )
    assert video["captions"]["maxLength"] == rules.video.captions
    caption = described("app.bsky.embed.video", "caption", fields, "file", "maxSize")
    assert caption == rules.video.captions_max_bytes
    assert described("app.bsky.embed.external", "external", fields, "thumb", "maxSize") == THUMB_BYTES
    assert described("app.bsky.feed.getPosts", "main", "parameters", fields, "uris", "maxLength") == (
        rules.metrics_batch
    )
    assert set(described("com.atproto.label.defs", "labelValue", "knownValues")) >= LABELS


def pictures(count: int) -> list[Image]:
    return [Image(png(9, number + 1), alt="a boat") for number in range(count)]


async def publish(client: AsyncClient, *posts: Post) -> Sequence[Any]:
    return [(await client.publish(post, to="sky"))["sky"].receipt for post in posts]


async def test_everything_the_adapter_publishes(
    box: Sandbox, client: AsyncClient, recorder: Recorder
) -> None:
    first, *_ = await publish(
        client,
        Post("→ @bob.test example.com #boat $btc", language="en", tags=["x"]).variant("sky", GATED),
        Post("one", thread=(Post("two"), Post("three"))),
    )
    card = Link("https://example.com/", title="t", description="d", thumbnail=Image(png(), alt=""))
    video = Video(mp4(), alt="moving", captions=(Captions(VTT, language="en"),))
    await publish(
        client,
        Post("reply", reply_to=first),
        Post("quote", quote=first),
        Post("both", quote=first, media=pictures(1)),
        Post("four", media=pictures(4)),
        Post("ten", media=pictures(10)),
        Post("card", link=card),
        Post("", media=[video]),
    )
    assert len(box.timeline("bluesky")) == 11
    assert {("putRecord", 200), ("uploadBlob", 200), ("resolveHandle", 200)} <= recorder.check()


async def test_large_videos(client: AsyncClient, sky: BlueskyBox, recorder: Recorder) -> None:
    sky.blob_limit, sky.part_bytes = 100, 2000
    film = Post("film", media=[Video(mp4(), alt="x")])
    await publish(client, film)
    sky.takes_parts = False
    other = Post("other", media=[Video(mp4(data=9), alt="x")])
    await publish(client, other, other)
    seen = recorder.check()
    parts = {("startUpload", 200), ("uploadPart", 200), ("finishUpload", 200), ("getJobStatus", 200)}
    whole = {("startUpload", 501), ("uploadVideo", 409), ("uploadVideo", 200), ("getServiceAuth", 200)}
    assert parts | whole <= seen


async def test_everything_the_adapter_reads_and_deletes(
    box: Sandbox, client: AsyncClient, recorder: Recorder, sky: BlueskyBox
) -> None:
    receipts = await publish(
        client, *(Post(str(number)) for number in range(3)), Post("x").variant("sky", GATED)
    )
    box.clock.advance(7201)
    await client.fetch_metrics(receipts)
    await client.fetch_metrics([receipts[0].url, f"at://{sky.person('bob.test').did}/{POST}/3k"])
    await client.fetch_account_metrics("sky")
    await client.fetch_posts("sky", limit=10)
    await client.delete(receipts[3])
    await client.delete(receipts[3])
    seen = {name for name, status in recorder.check() if status == 200}
    assert seen >= {
        "refreshSession",
        "getSession",
        "describeServer",
        "getPosts",
        "getProfile",
        "listRecords",
        "getRecord",
        "deleteRecord",
    }


@pytest.mark.parametrize(
    "fault", ["stored-then-500", "dropped-after", "429", "expired-token", "processing-failed"]
)
async def test_what_goes_wrong(
    box: Sandbox, client: AsyncClient, recorder: Recorder, sky: BlueskyBox, fault: str
) -> None:
    sky.blob_limit = 100
    box.fault(fault)
    post = Post("hi @nobody.test", media=[Video(mp4(), alt="x")])
    report = await client.publish(post, to="sky", errors="return")
    assert not isinstance(report["sky"].error, SocialKitError) or fault in ("429", "processing-failed")
    recorder.check()


# --- what other clients ask the sandbox ---


class Caller:
    """Plain calls of one person, recorded."""

    def __init__(self, http: httpx.AsyncClient, sky: BlueskyBox, name: str) -> None:
        person = sky.person(name)
        assert person is not None
        self.http, self.did = http, person.did
        self.headers = {"authorization": f"Bearer {sky.token(name)}"}

    async def get(self, name: str, /, host: str = "bsky.social", **params: Any) -> Any:
        url = f"https://{host}/xrpc/{name}"
        headers = self.headers if host == "bsky.social" else {}
        return (await self.http.get(url, params=params, headers=headers)).json()

    async def post(self, name: str, /, **fields: Any) -> Any:
        answer = await self.http.post(f"https://bsky.social/xrpc/{name}", json=fields, headers=self.headers)
        return answer.json() if answer.content else None

    async def create(self, collection: str = POST, **record: Any) -> Any:
        whole = {"$type": collection, "createdAt": AT, **record}
        return await self.post(
            "com.atproto.repo.createRecord", repo=self.did, collection=collection, record=whole
        )


@pytest.fixture
async def people(box: Sandbox, recorder: Recorder, sky: BlueskyBox) -> AsyncIterator[tuple[Caller, Caller]]:
    async with httpx.AsyncClient(transport=recorder) as http:
        yield Caller(http, sky, "brand.example"), Caller(http, sky, "bob.test")


def strong(made: Any) -> dict[str, str]:
    return {"uri": made["uri"], "cid": made["cid"]}


async def a_busy_day(brand: Caller, bob: Caller) -> list[str]:
    """Posts of every shape and people who react to them; the addresses of the posts."""
    for person in (brand, bob):
        upload = await person.http.post(
            "https://bsky.social/xrpc/com.atproto.repo.uploadBlob",
            content=png(),
            headers={**person.headers, "content-type": "image/png"},
        )
    image = {"image": upload.json()["blob"], "alt": "a boat", "aspectRatio": {"width": 3, "height": 2}}
    images = {"$type": "app.bsky.embed.images", "images": [image]}
    root = await brand.create(text="root #boat", embed=images, langs=["en"])
    reply = await bob.create(text="a", reply={"root": strong(root), "parent": strong(root)})
    record = {"$type": "app.bsky.embed.record", "record": strong(root)}
    both = {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": images}
    label = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]}
    quote = await bob.create(text="b", embed=both, labels=label)
    gallery = {"$type": "app.bsky.embed.gallery#image", **image}
    many = await brand.create(text="", embed={"$type": "app.bsky.embed.gallery", "items": [gallery] * 5})
    for kind in ("like", "repost"):
        await bob.create(f"app.bsky.feed.{kind}", subject=strong(root))
    await bob.create("app.bsky.graph.follow", subject=brand.did)
    gone = await brand.create(text="gone")
    await bob.create(text="c", embed={**record, "record": strong(gone)})
    rkey = gone["uri"].rpartition("/")[2]
    await brand.post("com.atproto.repo.deleteRecord", repo=brand.did, collection=POST, rkey=rkey)
    return [one["uri"] for one in (root, reply, quote, many)]


async def test_every_read_call(
    box: Sandbox, people: tuple[Caller, Caller], recorder: Recorder, sky: BlueskyBox
) -> None:
    brand, bob = people
    uris = await a_busy_day(brand, bob)
    box.clock.advance(3600)
    public = "public.api.bsky.app"
    await brand.get("app.bsky.feed.getPosts", uris=uris)
    await bob.get("app.bsky.feed.getPosts", public, uris=uris)
    for name in ("getLikes", "getRepostedBy", "getQuotes", "getPostThread"):
        await brand.get(f"app.bsky.feed.{name}", uri=uris[0])
    await brand.get("app.bsky.feed.getPostThread", uri=uris[1])
    await brand.get("app.bsky.feed.getAuthorFeed", public, actor="bob.test")
    await brand.get("app.bsky.feed.getTimeline")
    await brand.get("app.bsky.feed.searchPosts", q="root", tag=["boat"])
    await brand.get("app.bsky.actor.getProfile", actor=bob.did)
    await brand.get("app.bsky.actor.getProfiles", public, actors=[bob.did, brand.did])
    await brand.get("app.bsky.notification.listNotifications")
    await brand.get("app.bsky.notification.getUnreadCount")
    await brand.post("app.bsky.notification.updateSeen", seenAt=AT)
    await brand.get("com.atproto.repo.describeRepo", repo=brand.did)
    await brand.get("com.atproto.repo.listRecords", repo=brand.did, collection=POST, limit=1)
    await brand.get("com.atproto.identity.resolveHandle", handle="alice.example")
    await brand.get("com.atproto.server.describeServer")
    seen = recorder.check()
    assert {status for _, status in seen} == {200}
    assert len(seen) == 20


async def test_batches_passwords_and_refusals(
    people: tuple[Caller, Caller], recorder: Recorder, sky: BlueskyBox
) -> None:
    brand, _ = people
    note = {"$type": POST, "text": "x", "createdAt": AT}
    writes = [{"$type": "com.atproto.repo.applyWrites#create", "collection": POST, "value": note}]
    made = (await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=writes))["results"][0]
    rkey = made["uri"].rpartition("/")[2]
    gone = {"$type": "com.atproto.repo.applyWrites#delete", "collection": POST, "rkey": rkey}
    await brand.post("com.atproto.repo.applyWrites", repo=brand.did, writes=[gone])
    person = sky.people[brand.did]
    given = {"identifier": person.handle, "password": person.password}
    session = await brand.post("com.atproto.server.createSession", **given)
    brand.headers = {"authorization": f"Bearer {session['accessJwt']}"}
    await brand.post("com.atproto.server.createAppPassword", name="more", privileged=True)
    place = {"repo": brand.did, "collection": POST, "rkey": rkey}
    await brand.get("com.atproto.repo.getRecord", **place)
    await brand.get("com.atproto.identity.resolveHandle", handle="nobody.example")
    brand.headers = {"authorization": "Bearer x.y.z"}
    await brand.get("com.atproto.server.getSession")
    seen = recorder.check()
    assert ("createSession", 200) in seen
    assert {name for name, status in seen if status == 400} == {"getRecord", "resolveHandle", "getSession"}
