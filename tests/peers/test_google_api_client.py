"""Another client against the served YouTube sandbox: Google's own, with its resumable uploads in chunks."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
discovery = pytest.importorskip("googleapiclient.discovery")
http = pytest.importorskip("googleapiclient.http")
errors = pytest.importorskip("googleapiclient.errors")
credentials = pytest.importorskip("google.oauth2.credentials")
google_auth_httplib2 = pytest.importorskip("google_auth_httplib2")
httplib2 = pytest.importorskip("httplib2")

UNIT = 262_144
RESOURCE = {
    "snippet": {
        "title": "The launch",
        "description": "We sail",
        "tags": ["boat", "tall ship"],
        "categoryId": "22",
    },
    "status": {"privacyStatus": "public", "selfDeclaredMadeForKids": False},
}


class Elsewhere(httplib2.Http):
    """Sends what is meant for Google to the sandbox."""

    def __init__(self, url):
        super().__init__(proxy_info=None)
        self.redirect_codes = self.redirect_codes - {308}  # Google's resumable uploads answer 308 as "go on"
        self._url = url

    def request(self, uri, *more, **options):
        for host in ("youtube", "www", "youtubeanalytics"):
            uri = uri.replace(f"https://{host}.googleapis.com", f"{self._url}/youtube")
        return super().request(uri, *more, **options)


@pytest.fixture
def box():
    """A sandbox whose clock shows the real time."""
    with Sandbox(["youtube"], clock=ManualClock(datetime.now(UTC))) as made:
        yield made


@pytest.fixture
def build(box):
    """``build("youtube", "v3")`` makes a client of that API."""
    opened = []
    with box.serve() as url:
        token = credentials.Credentials(token=box.youtube.token_for("brand").access_token)

        def make(name, version):
            opened.append(Elsewhere(url))
            over = google_auth_httplib2.AuthorizedHttp(token, http=opened[-1])
            return discovery.build(name, version, http=over, static_discovery=True, cache_discovery=False)

        yield make
        for one in opened:
            one.close()


@pytest.fixture
def youtube(build):
    return build("youtube", "v3")


def upload(youtube, data=None):
    """A video in chunks: the answer, and how far it was after each of them."""
    media = http.MediaIoBaseUpload(io.BytesIO(data or mp4()), "video/mp4", chunksize=UNIT, resumable=True)
    request = youtube.videos().insert(part="snippet,status", body=RESOURCE, media_body=media)
    steps, response = [], None
    while response is None:
        progress, response = request.next_chunk()
        steps += [progress.resumable_progress] if progress else []
    return response, steps


def test_chunks_go_up_until_the_last_one_makes_the_video(box, youtube):
    data = mp4(data=3 * UNIT)
    video, steps = upload(youtube, data)
    assert steps == [UNIT, 2 * UNIT, 3 * UNIT]
    (entry,) = box.timeline("youtube")
    assert (video["id"], video["snippet"]["title"]) == (entry.id, "The launch")
    assert entry.extras["file"]["size"] == len(data)
    assert (entry.text, entry.extras["resource"]["snippet"]["tags"]) == ("We sail", ["boat", "tall ship"])


def test_a_server_that_fails_is_asked_where_it_stands(box, youtube):
    data = mp4(data=3 * UNIT)
    media = http.MediaIoBaseUpload(io.BytesIO(data), "video/mp4", chunksize=UNIT, resumable=True)
    request = youtube.videos().insert(part="snippet,status", body=RESOURCE, media_body=media)
    request.next_chunk()
    box.fault("stored-then-500", platform="youtube")
    with pytest.raises(errors.HttpError) as caught:
        request.next_chunk()
    assert caught.value.resp.status == 500
    progress, _ = request.next_chunk()  # it asks with "bytes */TOTAL" first
    assert progress.resumable_progress == 3 * UNIT
    _, video = request.next_chunk()
    assert [entry.id for entry in box.timeline("youtube")] == [video["id"]]


def test_a_small_video_in_one_multipart_request(box, youtube):
    media = http.MediaIoBaseUpload(io.BytesIO(mp4()), "video/mp4")
    video = youtube.videos().insert(part="snippet,status", body=RESOURCE, media_body=media).execute()
    assert box.timeline("youtube")[0].id == video["id"]


def test_metadata_that_are_refused(youtube):
    with pytest.raises(errors.HttpError) as caught:
        youtube.videos().insert(
            part="snippet",
            body={"snippet": {"title": "x" * 101}},
            media_body=http.MediaIoBaseUpload(io.BytesIO(mp4()), "video/mp4", resumable=True),
        ).next_chunk()
    assert caught.value.resp.status == 400
    assert caught.value.error_details[0]["reason"] == "invalidTitle"


def test_reading_changing_and_deleting(box, youtube):
    ids = [upload(youtube)[0]["id"] for _ in range(2)]
    box.clock.advance(1800)
    found = youtube.videos().list(part="snippet,status,statistics", id=",".join(ids)).execute()["items"]
    assert [one["id"] for one in found] == ids
    assert found[0]["status"]["uploadStatus"] == "processed"
    stats = youtube.videos().batchGetStats(part=["statistics"], id=ids).execute()["items"]
    assert [one["statistics"]["viewCount"] for one in stats] == [
        one["statistics"]["viewCount"] for one in found
    ]
    body = {"id": ids[0], "snippet": {"title": "New", "categoryId": "28"}}
    assert youtube.videos().update(part="snippet", body=body).execute()["snippet"]["title"] == "New"
    youtube.videos().delete(id=ids[0]).execute()
    (left,) = box.timeline("youtube")
    assert left.id == ids[1]


def test_thumbnail_captions_playlist_and_comment(box, youtube):
    video, _ = upload(youtube)
    picture = http.MediaIoBaseUpload(io.BytesIO(png(64, 36)), "image/png")
    answer = youtube.thumbnails().set(videoId=video["id"], media_body=picture).execute()
    assert answer["items"][0]["maxres"]["width"] == 1280
    words = http.MediaIoBaseUpload(io.BytesIO(b"WEBVTT\n\n00:00.000 --> 00:01.000\nAhoy\n"), "text/vtt")
    track = {"snippet": {"videoId": video["id"], "language": "en", "name": "English"}}
    made = youtube.captions().insert(part="snippet", body=track, media_body=words).execute()
    assert made["snippet"]["status"] == "serving"
    assert len(youtube.captions().list(part="snippet", videoId=video["id"]).execute()["items"]) == 1
    body = {"snippet": {"title": "Boats"}, "status": {"privacyStatus": "public"}}
    playlist = youtube.playlists().insert(part="snippet,status", body=body).execute()["id"]
    resource = {"kind": "youtube#video", "videoId": video["id"]}
    item = {"snippet": {"playlistId": playlist, "resourceId": resource}}
    youtube.playlistItems().insert(part="snippet", body=item).execute()
    found = youtube.playlistItems().list(part="contentDetails", playlistId=playlist).execute()["items"]
    assert found[0]["contentDetails"]["videoId"] == video["id"]
    top = {"snippet": {"textOriginal": "First!"}}
    thread = {"snippet": {"videoId": video["id"], "topLevelComment": top}}
    youtube.commentThreads().insert(part="snippet", body=thread).execute()
    assert [one["text"] for one in box.youtube.threads] == ["First!"]


def test_the_uploads_playlist_page_by_page(box, youtube):
    for _ in range(3):
        box.clock.advance(10)
        upload(youtube)
    channel = youtube.channels().list(part="contentDetails,statistics", mine=True).execute()["items"][0]
    uploads = channel["contentDetails"]["relatedPlaylists"]["uploads"]
    request = youtube.playlistItems().list(part="snippet", playlistId=uploads, maxResults=2)
    pages = []
    while request is not None:
        page = request.execute()
        pages.append([one["snippet"]["resourceId"]["videoId"] for one in page["items"]])
        request = youtube.playlistItems().list_next(request, page)
    assert [len(page) for page in pages] == [2, 1]
    assert [one for page in pages for one in page] == [entry.id for entry in box.timeline("youtube")][::-1]


def test_analytics(box, build, youtube):
    upload(youtube)
    report = build("youtubeAnalytics", "v2").reports()
    day = box.clock.now().date().isoformat()
    query = {"ids": "channel==MINE", "startDate": "2026-01-01", "endDate": day, "metrics": "views,likes"}
    told = report.query(**query, dimensions="video", sort="-views", maxResults=10).execute()
    assert [one["name"] for one in told["columnHeaders"]] == ["video", "views", "likes"]
    with pytest.raises(errors.HttpError, match="not supported"):
        report.query(**{**query, "metrics": "views,videoThumbnailImpressions"}).execute()
