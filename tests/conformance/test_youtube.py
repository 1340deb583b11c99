"""YouTube: every request the adapter makes, and every answer of the sandbox, are as the APIs describe them."""

from __future__ import annotations

import re
from datetime import timedelta

import attrs
import httpx
import pytest

from adapters.youtube_samples import VTT, clip, post, stage
from media_files import mp4, png
from recording import Recorder
from socialkit import Captions, Image, Video
from socialkit.adapters._youtube_upload import CHUNK
from socialkit.adapters.youtube import YouTube, YouTubeOptions
from socialkit.flows.youtube import FLOWS
from socialkit.sandbox import Sandbox

from .discovery import Discovery
from .violations import SpecViolation

pytestmark = pytest.mark.specs
FILE = "youtube/youtube.v3.json"
REPORTS = "youtube/youtubeAnalytics.v2.json"
METHODS = {
    ("GET", "/youtube/v3/channels"): "channels.list",
    ("POST", "/upload/youtube/v3/videos"): "videos.insert",
    ("PUT", "/upload/youtube/v3/videos"): "videos.insert",
    ("GET", "/youtube/v3/videos"): "videos.list",
    ("PUT", "/youtube/v3/videos"): "videos.update",
    ("DELETE", "/youtube/v3/videos"): "videos.delete",
    ("GET", "/youtube/v3/videos:batchGetStats"): "videos.batchGetStats",
    ("GET", "/youtube/v3/videoCategories"): "videoCategories.list",
    ("POST", "/upload/youtube/v3/thumbnails/set"): "thumbnails.set",
    ("POST", "/upload/youtube/v3/captions"): "captions.insert",
    ("PUT", "/upload/youtube/v3/captions"): "captions.insert",
    ("GET", "/youtube/v3/captions"): "captions.list",
    ("GET", "/youtube/v3/playlists"): "playlists.list",
    ("GET", "/youtube/v3/playlistItems"): "playlistItems.list",
    ("POST", "/youtube/v3/playlistItems"): "playlistItems.insert",
    ("GET", "/youtube/v3/commentThreads"): "commentThreads.list",
    ("POST", "/youtube/v3/commentThreads"): "commentThreads.insert",
    ("GET", "/youtube/v3/search"): "search.list",
}
EVERYTHING = YouTubeOptions(
    made_for_kids=False,
    synthetic_media=True,
    paid_promotion=True,
    notify_subscribers=False,
    first_comment="First!",
    category_id="28",
    license="creativeCommon",
    embeddable=False,
    public_stats=False,
    audio_language="en-GB",
    localizations={"de": {"title": "Der Stapellauf", "description": "Wir segeln"}},
    brand_partner_id="UC" + "a" * 22,
    brand_partner_handle="@partner",
)


def check_all(wire: Recorder) -> set[str]:
    """The methods that were spoken, each exchange as described."""
    data, analytics, spoken = Discovery(FILE), Discovery(REPORTS), set()
    for exchange in wire.answers():
        request = exchange.request
        if request.url.path == "/token":  # Google's accounts, not the API
            continue
        if request.url.path == "/v2/reports":
            analytics.check_exchange(exchange, "reports.query")
            spoken.add("reports.query")
            continue
        method = METHODS[request.method, request.url.path]
        if (request.method, method) == ("PUT", "captions.insert") and "upload_id" not in request.url.params:
            method = "captions.update"
        data.check_exchange(exchange, method)
        spoken.add(method)
    return spoken


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


def test_every_exchange_of_a_post_with_everything_is_as_described() -> None:
    with stage() as (box, wire, client):
        playlist = box.youtube.add_playlist()
        options = attrs.evolve(EVERYTHING, playlist=playlist, recorded_at=box.clock.now())
        media = [
            Video(
                mp4(data=CHUNK),
                thumbnail=Image(png(64, 36)),
                captions=[Captions(VTT, "en", "English")],
            )
        ]
        given = post(media=media, tags=["boat", "tall ship"], language="en")
        given = given.variant("youtube", options)
        outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
        assert outcome.missing == ()
        words = Captions(VTT + b"\n", "en", "English")
        anew = post(
            "New words", media=[Video(mp4(data=CHUNK), captions=[words])], tags=["boat"], language="en"
        )
        client.edit(outcome.receipt, anew.variant("youtube", YouTubeOptions(playlist=playlist)))
        (track,) = box.timeline("youtube")[0].extras["captions"]
        assert track["text"].endswith("Ahoy\n\n")
        assert len(box.youtube.items) == 1
        box.clock.advance(3 * 86_400)
        client.accounts["youtube"].analytics = True
        client.fetch_metrics([outcome.receipt, outcome.receipt.url])
        client.fetch_account_metrics("youtube", since=box.clock.now() - timedelta(days=9), until=None)
        client.fetch_posts("youtube", limit=5)
        client.delete(outcome.receipt)
        spoken = check_all(wire)
    reading = {"channels.list", "videos.list", "videos.batchGetStats", "playlistItems.list", "playlists.list"}
    reading.add("captions.list")
    writing = {
        "captions.update",
        "videos.insert",
        "videos.update",
        "videos.delete",
        "thumbnails.set",
        "captions.insert",
    }
    assert spoken == reading | writing | {"playlistItems.insert", "commentThreads.insert", "reports.query"}


def test_what_is_asked_after_lost_answers_is_as_described() -> None:
    with stage() as (box, wire, client):
        playlist = box.youtube.add_playlist()
        options = YouTubeOptions(playlist=playlist, first_comment="First!")
        box.fault("dropped-after", platform="youtube")
        for path in ("playlistItems", "commentThreads"):
            box.fault("dropped-after", platform="youtube", match=f"POST /youtube/v3/{path}")
        box.clock.call_at(box.clock.now() + timedelta(seconds=1), box.youtube.sessions.clear)
        given = post(media=[clip()]).variant("youtube", options)
        outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
        assert outcome.missing == ()
        assert {"videos.list", "playlistItems.list", "commentThreads.list"} <= check_all(wire)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (
            "videos",
            {"part": "snippet,status,statistics,contentDetails,processingDetails,fileDetails,suggestions"},
        ),
        ("captions", {"part": "snippet"}),
        ("commentThreads", {"part": "snippet"}),
        ("playlists", {"part": "snippet,status", "mine": "true"}),
        ("videoCategories", {"part": "snippet", "regionCode": "US"}),
        ("search", {"part": "snippet", "q": "launch", "type": "video"}),
    ],
)
async def test_the_sandboxs_other_answers(path: str, params: dict[str, str]) -> None:
    with stage() as (box, _, client):
        media = [clip(captions=[Captions(VTT, "en")])]
        given = post(media=media).variant("youtube", YouTubeOptions(first_comment="First!"))
        video = client.publish(given, "youtube", idempotency_key="k")["youtube"].receipt.id
        box.youtube.add_playlist()
        names = {"videos": "id", "captions": "videoId", "commentThreads": "videoId"}
        asked = {**params, **({names[path]: video} if path in names else {})}
        headers = {"authorization": f"Bearer {box.youtube.token_for('brand').access_token}"}
        async with httpx.AsyncClient(transport=box.transport, headers=headers) as web:
            answer = await web.get(f"https://youtube.googleapis.com/youtube/v3/{path}", params=asked)
        assert answer.json()["items"]
        Discovery(FILE).check(answer, METHODS["GET", f"/youtube/v3/{path}"])


def test_sizes_and_pages_are_those_described() -> None:
    document, rules = Discovery(FILE).document["resources"], YouTube.rules
    uploads = {
        "videos.insert": rules.video.max_bytes,
        "thumbnails.set": rules.video.thumbnail_max_bytes,
        "captions.insert": rules.video.captions_max_bytes,
    }
    for name, size in uploads.items():
        resource, method = name.split(".")
        assert int(document[resource]["methods"][method]["mediaUpload"]["maxSize"]) == size
    words = document["videos"]["methods"]["batchGetStats"]["parameters"]["id"]["description"]
    assert re.search(r"\d+", words) is None or str(rules.metrics_batch) in words
