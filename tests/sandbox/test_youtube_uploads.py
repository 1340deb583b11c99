"""Google's resumable uploads as the sandbox speaks them, byte by byte, and what becomes of a video."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

UNIT = 262_144
API = "https://www.googleapis.com/youtube/v3"
UPLOAD = "https://www.googleapis.com/upload/youtube/v3"
SCOPE = "https://www.googleapis.com/auth/"
SNIPPET = {"title": "The launch", "description": "We sail", "categoryId": "22"}
RESOURCE = {"snippet": SNIPPET, "status": {"privacyStatus": "public"}}


@pytest.fixture
def box():
    with Sandbox(["youtube"]) as made:
        yield made


@pytest.fixture
def web(box, http):
    token = box.youtube.token_for("brand").access_token
    return http(box, headers={"authorization": f"Bearer {token}"})


async def begin(web, size, resource=None, part="snippet,status", **headers):
    told = {"x-upload-content-type": "video/mp4", "x-upload-content-length": str(size), **headers}
    params = {"uploadType": "resumable", "part": part}
    return await web.post(f"{UPLOAD}/videos", params=params, json=resource or RESOURCE, headers=told)


async def put(web, place, data, start=0, total=None, **headers):
    stop = start + len(data) - 1
    told = {"content-range": f"bytes {start}-{stop}/{total}", "content-type": "video/mp4"} if total else {}
    return await web.put(place, content=data, headers={**told, **headers})


async def stands(web, place, total="*"):
    return await web.put(place, headers={"content-range": f"bytes */{total}"})


async def publish(web, data=None, **status):
    data = data or mp4()
    resource = {**RESOURCE, "status": {"privacyStatus": "public", **status}}
    place = (await begin(web, len(data), resource)).headers["location"]
    return (await put(web, place, data, 0, len(data))).json()


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


class TestDialogue:
    async def test_a_session_is_opened_without_a_video(self, box, web):
        answer = await begin(web, 600_000)
        assert (answer.status_code, answer.content) == (200, b"")
        place = urlsplit(answer.headers["location"])
        assert place.path == "/upload/youtube/v3/videos"
        assert parse_qs(place.query)["upload_id"] == [answer.headers["x-guploader-uploadid"]]
        assert not box.timeline("youtube")

    async def test_chunks_until_the_last_one_makes_the_video(self, box, web):
        data = mp4(data=2 * UNIT)
        total = len(data)
        place = (await begin(web, total)).headers["location"]
        empty = await stands(web, place, total)
        assert (empty.status_code, "range" in empty.headers) == (308, False)
        first = await put(web, place, data[:UNIT], 0, total)
        assert (first.status_code, first.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")
        assert (await stands(web, place, total)).headers["range"] == f"bytes=0-{UNIT - 1}"
        assert not box.timeline("youtube")
        second = await put(web, place, data[UNIT : 2 * UNIT], UNIT, total)
        assert second.headers["range"] == f"bytes=0-{2 * UNIT - 1}"
        last = await put(web, place, data[2 * UNIT :], 2 * UNIT, total)
        assert last.status_code == 201
        (entry,) = box.timeline("youtube")
        assert last.json()["id"] == entry.id
        assert last.json()["status"]["uploadStatus"] == "uploaded"
        for again in (
            await stands(web, place, total),
            await put(web, place, data[2 * UNIT :], 2 * UNIT, total),
        ):
            assert (again.status_code, again.json()["id"]) == (200, entry.id)
        assert len(box.timeline("youtube")) == 1

    @pytest.mark.parametrize("start", [0, 2 * UNIT])
    async def test_an_overlap_or_a_gap_is_not_stored(self, web, start):
        total = 4 * UNIT
        place = (await begin(web, total)).headers["location"]
        await put(web, place, bytes(UNIT), 0, total)
        odd = await put(web, place, bytes(UNIT), start, total)
        assert (odd.status_code, odd.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")

    async def test_a_piece_that_is_no_multiple_is_refused(self, web):
        place = (await begin(web, 4 * UNIT)).headers["location"]
        assert reason(await put(web, place, bytes(UNIT - 1), 0, 4 * UNIT)) == (400, "badRequest")

    @pytest.mark.parametrize("told", ["bytes 0-9/7", "bytes 0-4/5242880", "chunk 1", "bytes 0-9/99"])
    async def test_a_range_that_does_not_fit(self, web, told):
        place = (await begin(web, 4 * UNIT)).headers["location"]
        answer = await put(web, place, bytes(10), **{"content-range": told, "content-type": "video/mp4"})
        assert answer.status_code == 400

    async def test_a_whole_video_without_a_range(self, box, web):
        data = mp4()
        place = (await begin(web, len(data))).headers["location"]
        assert (await put(web, place, data)).status_code == 201
        assert len(box.timeline("youtube")) == 1

    async def test_a_session_nobody_opened_and_one_that_is_over(self, box, web):
        place = (await begin(web, 10)).headers["location"]
        assert (await stands(web, place + "x")).status_code == 404
        box.clock.advance(8 * 86_400)
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        assert (await stands(web, place)).status_code == 404

    async def test_an_expired_token_keeps_the_session(self, box, web):
        data = mp4()
        place = (await begin(web, len(data))).headers["location"]
        box.youtube.expire(web.headers["authorization"].partition(" ")[2])
        assert reason(await put(web, place, data, 0, len(data))) == (401, "authError")
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        assert (await put(web, place, data, 0, len(data))).status_code == 201

    async def test_a_piece_of_which_a_part_is_kept(self, box, web):
        box.youtube.stores = UNIT
        place = (await begin(web, 4 * UNIT)).headers["location"]
        answer = await put(web, place, bytes(2 * UNIT), 0, 4 * UNIT)
        assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{UNIT - 1}")

    async def test_a_session_that_has_all_bytes_and_names_no_video_yet(self, box, web):
        box.youtube.seconds_to_name, data = 30.0, mp4()
        place = (await begin(web, len(data))).headers["location"]
        for answer in (await put(web, place, data, 0, len(data)), await stands(web, place, len(data))):
            assert (answer.status_code, answer.headers["range"]) == (308, f"bytes=0-{len(data) - 1}")
        box.clock.advance(30)
        (entry,) = box.timeline("youtube")
        assert (await stands(web, place, len(data))).json()["id"] == entry.id

    async def test_multipart_related_and_media_at_once(self, box, web):
        edge, data = "edge", mp4()
        head = f"--{edge}\r\nContent-Type: application/json\r\n\r\n{json.dumps(RESOURCE)}\r\n"
        head += f"--{edge}\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        body = head.encode() + data + f"\r\n--{edge}--".encode()
        params = {"uploadType": "multipart", "part": "snippet,status"}
        told = {"content-type": f"multipart/related; boundary={edge}"}
        answer = await web.post(f"{UPLOAD}/videos", params=params, content=body, headers=told)
        assert answer.status_code == 201, answer.text
        assert box.timeline("youtube")[0].title == "The launch"
        assert reason(await web.post(f"{UPLOAD}/videos", params={"part": "snippet"}))[0] == 400


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ({"snippet": {"title": ""}}, "invalidTitle"),
        ({"snippet": {"title": "x" * 101}}, "invalidTitle"),
        ({"snippet": {"title": "a<b"}}, "invalidTitle"),
        ({"snippet": {"title": "a", "description": "é" * 2501}}, "invalidDescription"),
        ({"snippet": {"title": "a", "description": ">"}}, "invalidDescription"),
        ({"snippet": {"title": "a", "tags": ["b c" * 100, "d" * 199]}}, "invalidTags"),
        ({"snippet": {"title": "a", "categoryId": "3"}}, "invalidCategoryId"),
        ({"snippet": {"title": "a", "categoryId": 22}}, "badRequest"),
        ({"status": {"privacyStatus": "hidden"}}, "badRequest"),
        ({"status": {"privacyStatus": "public", "publishAt": "2027-01-01T00:00:00Z"}}, "invalidPublishAt"),
        ({"status": {"privacyStatus": "private", "publishAt": "soon"}}, "invalidPublishAt"),
        ({"status": {"embeddable": "yes"}}, "badRequest"),
        ({"localizations": {"de": {"title": "x"}}}, "defaultLanguageNotSet"),
        ({"brandPartner": {"channelId": "UC1"}}, "invalidVideoMetadata"),
    ],
)
async def test_metadata_are_refused_before_any_byte_moves(box, web, resource, wanted):
    answer = await begin(web, 10, resource, part=",".join(resource))
    assert reason(answer) == (400, wanted)
    assert not box.youtube.sessions


async def test_no_bytes_no_part_and_too_many_bytes(web):
    assert reason(await begin(web, 0)) == (400, "mediaBodyRequired")
    assert reason(await begin(web, 10, part="")) == (400, "missingRequiredParameter")
    assert reason(await begin(web, 10, part="snippet,shoe")) == (400, "unknownPart")
    assert (await begin(web, 274_877_906_945)).status_code == 413


class TestStates:
    async def look(self, web, video_id, part="status,processingDetails,suggestions"):
        return (await web.get(f"{API}/videos", params={"part": part, "id": video_id})).json()["items"][0]

    async def test_processing_takes_its_time(self, box, web):
        video = await publish(web)
        seen = await self.look(web, video["id"])
        assert seen["status"]["uploadStatus"] == "uploaded"
        assert seen["processingDetails"]["processingStatus"] == "processing"
        box.clock.advance(10)
        seen = await self.look(web, video["id"])
        assert (seen["status"]["uploadStatus"], seen["processingDetails"]["processingStatus"]) == (
            "processed",
            "succeeded",
        )

    async def test_what_is_no_video_fails(self, box, web):
        video = await publish(web, png(40, 40))
        assert [entry.id for entry in box.timeline("youtube")] == [video["id"]]
        box.clock.advance(10)
        seen = await self.look(web, video["id"])
        assert seen["status"]["failureReason"] == "invalidFile"
        assert seen["suggestions"]["processingErrors"] == ["notAVideoFile"]
        assert box.timeline("youtube") == []

    async def test_a_long_video_of_an_unverified_channel_is_rejected(self, box, web):
        box.youtube.long_uploads = "eligible"
        video = await publish(web, mp4(seconds=901.0))
        box.clock.advance(10)
        assert (await self.look(web, video["id"]))["status"]["rejectionReason"] == "length"

    async def test_a_schedule(self, box, web):
        due = box.clock.now() + timedelta(minutes=30)
        video = await publish(web, privacyStatus="private", publishAt=due.isoformat())
        assert (await self.look(web, video["id"]))["status"]["publishAt"] == due.strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )
        box.clock.advance(1801)
        seen = (await self.look(web, video["id"]))["status"]
        assert (seen["privacyStatus"], "publishAt" in seen) == ("public", False)

    async def test_a_video_that_is_rejected(self, box, web):
        box.youtube.rejects = "copyright"
        video = await publish(web)
        box.clock.advance(10)
        seen = await self.look(web, video["id"])
        assert (seen["status"]["uploadStatus"], seen["status"]["rejectionReason"]) == (
            "rejected",
            "copyright",
        )
        assert seen["processingDetails"]["processingStatus"] == "terminated"
        assert box.timeline("youtube") == []

    async def test_a_project_that_was_not_verified(self, box, web):
        box.youtube.locks_private = True
        video = await publish(web)
        assert (await self.look(web, video["id"]))["status"]["privacyStatus"] == "private"

    async def test_a_private_video_is_nobody_elses(self, box, web, http):
        video = await publish(web, privacyStatus="private")
        other = http(box, headers={"authorization": f"Bearer {box.youtube.token_for('other').access_token}"})
        answer = await other.get(f"{API}/videos", params={"part": "id", "id": video["id"]})
        assert answer.json()["items"] == []

    async def test_file_details_are_the_owners(self, box, web, http):
        data = mp4()
        place = (await begin(web, len(data), slug="hero.mp4")).headers["location"]
        video = (await put(web, place, data, 0, len(data))).json()
        seen = await self.look(web, video["id"], "fileDetails")
        assert (seen["fileDetails"]["fileName"], seen["fileDetails"]["fileSize"]) == (
            "hero.mp4",
            str(len(data)),
        )
        other = http(box, headers={"authorization": f"Bearer {box.youtube.token_for('other').access_token}"})
        answer = await other.get(f"{API}/videos", params={"part": "fileDetails", "id": video["id"]})
        assert reason(answer) == (403, "forbidden")


class TestChanges:
    async def test_an_update_replaces_whole_parts(self, web):
        video = await publish(web)
        params = {"part": "snippet"}
        bare = {"id": video["id"], "snippet": {"title": "New"}}
        assert reason(await web.put(f"{API}/videos", params=params, json=bare)) == (400, "invalidCategoryId")
        whole = {"id": video["id"], "snippet": {"title": "New", "categoryId": "28"}}
        answer = (await web.put(f"{API}/videos", params=params, json=whole)).json()
        assert (answer["snippet"]["title"], answer["snippet"]["description"]) == ("New", "")

    async def test_a_public_video_is_not_scheduled(self, web):
        video = await publish(web)
        status = {"privacyStatus": "private", "publishAt": "2027-01-01T00:00:00Z"}
        body = {"id": video["id"], "status": status}
        answer = await web.put(f"{API}/videos", params={"part": "status"}, json=body)
        assert reason(answer) == (400, "invalidPublishAt")

    async def test_a_video_that_was_public_once_is_not_scheduled(self, web):
        video = await publish(web)
        status = {"privacyStatus": "private"}
        params, body = {"part": "status"}, {"id": video["id"], "status": status}
        assert (await web.put(f"{API}/videos", params=params, json=body)).status_code == 200
        body["status"] = {**status, "publishAt": "2027-01-01T00:00:00Z"}
        answer = await web.put(f"{API}/videos", params=params, json=body)
        assert reason(answer) == (400, "invalidPublishAt")

    async def test_a_track_is_replaced_and_its_draft_mark_changed(self, box, web):
        video = await publish(web)
        snippet = {"videoId": video["id"], "language": "en", "name": ""}

        async def open_track(method, body):
            params = {"part": "snippet", "uploadType": "resumable"}
            return await web.request(method, f"{UPLOAD}/captions", params=params, json=body)

        place = (await open_track("POST", {"snippet": snippet})).headers["location"]
        track = (await web.put(place, content=b"WEBVTT")).json()
        assert reason(await open_track("POST", {"snippet": snippet})) == (409, "captionExists")
        place = (await open_track("PUT", {"id": track["id"]})).headers["location"]
        assert (await web.put(place, content=b"WEBVTT\n\nAhoy")).json()["id"] == track["id"]
        assert [one["text"] for one in box.timeline("youtube")[0].extras["captions"]] == ["WEBVTT\n\nAhoy"]
        body = {"id": track["id"], "snippet": {"isDraft": True}}
        told = await web.put(f"{UPLOAD}/captions", params={"part": "snippet"}, json=body)
        assert told.json()["snippet"]["isDraft"] is True
        assert reason(await open_track("PUT", {"id": "nobody"})) == (404, "captionNotFound")

    async def test_playlists_are_shown_by_id_or_as_ones_own(self, box, web):
        own, other = box.youtube.add_playlist(), box.youtube.add_playlist("other")

        async def ask(**query):
            return await web.get(f"{API}/playlists", params={"part": "snippet", **query})

        assert [one["id"] for one in (await ask(mine="true")).json()["items"]] == [own]
        assert [one["id"] for one in (await ask(id=f"{other},PLnone")).json()["items"]] == [other]
        assert reason(await ask()) == (400, "missingRequiredParameter")

    async def test_where_private_videos_are_not_listed(self, box, web):
        await publish(web, privacyStatus="private")
        params = {"part": "snippet", "playlistId": f"UU{box.youtube.identity_of('brand')[2:]}"}
        for listed, count in ((True, 1), (False, 0)):
            box.youtube.private_in_uploads = listed
            assert len((await web.get(f"{API}/playlistItems", params=params)).json()["items"]) == count

    async def test_delete_and_delete_again(self, box, web):
        video = await publish(web)
        assert (await web.delete(f"{API}/videos", params={"id": video["id"]})).status_code == 204
        assert reason(await web.delete(f"{API}/videos", params={"id": video["id"]})) == (404, "videoNotFound")
        assert not box.timeline("youtube")

    async def test_somebody_elses_video(self, box, web, http):
        video = await publish(web)
        other = http(box, headers={"authorization": f"Bearer {box.youtube.token_for('other').access_token}"})
        assert reason(await other.delete(f"{API}/videos", params={"id": video["id"]})) == (403, "forbidden")

    @pytest.mark.parametrize("scope", ["youtube.upload", "youtube.readonly"])
    async def test_scopes_are_looked_at(self, box, web, http, scope):
        narrow = box.youtube.token_for("brand", f"{SCOPE}{scope}").access_token
        small = http(box, headers={"authorization": f"Bearer {narrow}"})
        reads = (await small.get(f"{API}/videos", params={"part": "id", "id": "x"})).status_code
        opens = (await begin(small, 10)).status_code
        assert (reads, opens) == ((403, 200) if scope == "youtube.upload" else (200, 403))
        assert reason(await small.delete(f"{API}/videos", params={"id": "x"})) == (
            403,
            "insufficientPermissions",
        )

    async def test_thumbnails(self, box, web):
        video = await publish(web)
        params = {"videoId": video["id"], "uploadType": "media"}
        place, told = f"{UPLOAD}/thumbnails/set", {"content-type": "image/png"}
        answer = await web.post(place, params=params, content=png(64, 36), headers=told)
        assert answer.json()["kind"] == "youtube#thumbnailSetResponse"
        assert answer.json()["items"][0]["default"]["width"] == 120
        words = await web.post(place, params=params, content=b"words", headers=told)
        assert reason(words) == (400, "invalidImage")
        box.youtube.phone_verified = False
        refused = await web.post(place, params=params, content=png(64, 36), headers=told)
        assert refused.json()["error"]["errors"][0]["domain"] == "youtube.thumbnail"

    async def test_the_thumbnail_of_a_short_waits(self, box, web):
        video = await publish(web, mp4(size=(720, 1280), seconds=20.0))
        params = {"videoId": video["id"], "uploadType": "media"}
        send = {"params": params, "content": png(36, 64), "headers": {"content-type": "image/png"}}
        assert reason(await web.post(f"{UPLOAD}/thumbnails/set", **send)) == (400, "failedPrecondition")
        box.clock.advance(10)
        assert (await web.post(f"{UPLOAD}/thumbnails/set", **send)).status_code == 200

    async def test_a_playlist_takes_a_video_twice_or_once(self, box, web):
        video = await publish(web)
        for once, status in ((False, 200), (True, 409)):
            playlist = box.youtube.add_playlist(once=once)
            resource = {"kind": "youtube#video", "videoId": video["id"]}
            body = {"snippet": {"playlistId": playlist, "resourceId": resource}}
            answers = [
                await web.post(f"{API}/playlistItems", params={"part": "snippet"}, json=body)
                for _ in range(2)
            ]
            assert [answer.status_code for answer in answers] == [200, status]

    async def test_comments(self, box, web):
        private, public = await publish(web, privacyStatus="private"), await publish(web)

        async def say(video_id, text):
            top = {"snippet": {"textOriginal": text}}
            body = {"snippet": {"videoId": video_id, "topLevelComment": top}}
            return await web.post(f"{API}/commentThreads", params={"part": "snippet"}, json=body)

        assert reason(await say(private["id"], "Hi")) == (403, "commentsDisabled")
        assert reason(await say(public["id"], " ")) == (400, "commentTextRequired")
        assert reason(await say(public["id"], "x" * 10_001)) == (400, "commentTextTooLong")
        assert (await say(public["id"], "Hi")).status_code == 200
        params = {"part": "snippet", "videoId": public["id"]}
        (thread,) = (await web.get(f"{API}/commentThreads", params=params)).json()["items"]
        assert thread["snippet"]["topLevelComment"]["snippet"]["textOriginal"] == "Hi"

    async def test_the_channels_own_upload_limit(self, box, web):
        box.youtube.daily_uploads = 1
        await publish(web)
        assert reason(await begin(web, 10)) == (400, "uploadLimitExceeded")
        box.clock.advance(86_401)
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        assert (await begin(web, 10)).status_code == 200


class TestQuota:
    async def test_uploads_have_a_bucket_of_their_own(self, box, web):
        for _ in range(100):
            assert (await begin(web, 10)).status_code == 200
        answer = await begin(web, 10)
        assert reason(answer) == (403, "quotaExceeded")
        assert answer.json()["error"]["errors"][0]["domain"] == "youtube.quota"
        assert (await web.get(f"{API}/videos", params={"part": "id", "id": "x"})).status_code == 200

    async def test_changes_cost_fifty_and_the_day_ends_in_california(self, box, web):
        for _ in range(200):
            await web.delete(f"{API}/videos", params={"id": "none"})
        assert reason(await web.get(f"{API}/videos", params={"part": "id", "id": "x"})) == (
            403,
            "quotaExceeded",
        )
        stats = await web.get(f"{API}/videos:batchGetStats", params={"part": "statistics", "id": "x"})
        assert stats.status_code == 200
        start = box.clock.now()
        assert (start.hour, start.day) == (9, 2)
        box.clock.advance(22 * 3600)
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        assert reason(await web.get(f"{API}/videos", params={"part": "id", "id": "x"})) == (
            403,
            "quotaExceeded",
        )
        box.clock.advance(3601)
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        assert (await web.get(f"{API}/videos", params={"part": "id", "id": "x"})).status_code == 200

    @pytest.mark.parametrize(("start", "hours"), [("2026-11-01", 25), ("2027-03-14", 23), ("2026-11-02", 24)])
    def test_days_are_as_long_as_californias(self, start, hours):
        with Sandbox(
            ["youtube"], clock=ManualClock(datetime.fromisoformat(f"{start}T12:00:00+00:00"))
        ) as box:
            ends = box.youtube.spend(box.youtube.windows[0], "1").reset
        begins = datetime.fromisoformat(f"{start}T{'08' if hours != 25 else '07'}:00:00+00:00")
        assert ends - begins == timedelta(hours=hours)


class TestReports:
    async def ask(self, web, **more):
        params = {"ids": "channel==MINE", "startDate": "2026-10-01", "endDate": "2026-12-01", **more}
        return await web.get("https://youtubeanalytics.googleapis.com/v2/reports", params=params)

    async def test_a_table_by_video(self, box, web):
        video = await publish(web)
        query = {
            "metrics": "views,shares",
            "dimensions": "video",
            "sort": "-views",
            "maxResults": "200",
            "filters": f"video=={video['id']}",
        }
        assert "rows" not in (await self.ask(web, **query)).json()
        box.clock.advance(3 * 86_400)
        web.headers["authorization"] = f"Bearer {box.youtube.token_for('brand').access_token}"
        told = (await self.ask(web, **query)).json()
        assert [one["name"] for one in told["columnHeaders"]] == ["video", "views", "shares"]
        assert told["rows"][0][0] == video["id"]
        assert told["rows"][0][1] > told["rows"][0][2] > 0
        summed = (await self.ask(web, metrics="views,shares")).json()["rows"]
        assert summed == [told["rows"][0][1:]]

    @pytest.mark.parametrize(
        "query",
        [
            {"metrics": "views,videoThumbnailImpressions"},
            {"metrics": "views", "dimensions": "video"},
            {"metrics": "views", "dimensions": "video", "sort": "-views", "maxResults": "201"},
            {"metrics": "views", "dimensions": "shoe"},
        ],
    )
    async def test_odd_queries_are_not_supported(self, web, query):
        answer = await self.ask(web, **query)
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "The query is not supported.")
