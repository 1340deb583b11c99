"""LinkedIn's uploads: one request for a picture, the parts LinkedIn names for a video, and waiting for both."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import archive
from socialkit import Captions, Client, Image, Link, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._linkedin_media import upload
from socialkit.adapters.linkedin import LinkedIn
from socialkit.contracts._samples import mp4, png
from socialkit.model import File
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore

from .fakes import NOW, answer
from .linkedin_samples import PAGE, SERVER, SRT, call, codes, planned

PART = 4_194_304
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
IMAGE, VIDEO = "urn:li:image:C4E10", "urn:li:video:C4E10"
WWW = "https://www.linkedin.com/dms-uploads"
PICTURE = base.PartMedia("image", "image/png", 40, "d" * 64, "memory")
CLIP = base.PartMedia("video", "video/mp4", 10, "e" * 64, "memory")


def opened(url: str = f"{WWW}/1") -> base.Response:
    return answer({"value": {"uploadUrlExpiresAt": 9e12, "uploadUrl": url, "image": IMAGE}})


def status(word: str, **more: Any) -> base.Response:
    return answer({"id": IMAGE, "status": word, **more})


def taken(etag: str | None = None) -> base.Response:
    return answer(status=201, headers={"etag": f'"{etag}"'} if etag else {}, content=b"")


def video_opened(*cuts: tuple[int, int], **more: Any) -> base.Response:
    parts = [
        {"uploadUrl": f"{WWW}/video/{number}", "firstByte": first, "lastByte": last}
        for number, (first, last) in enumerate(cuts)
    ]
    ends = int((NOW.timestamp() + 3600) * 1000)
    value = {"uploadUrlsExpireAt": ends, "video": VIDEO, "uploadToken": "", "uploadInstructions": parts}
    return answer({"value": {**value, **more}})


async def sent(item: base.PartMedia, asking: Any) -> str:
    return (await upload({"media 0": item}, PAGE, asking, SERVER))["media 0"]


class TestPictures:
    async def test_one_request_with_the_token_and_then_a_look(self) -> None:
        asking = call(opened(), taken(), status("PROCESSING"), status("AVAILABLE"))
        assert await sent(PICTURE, asking) == IMAGE
        begin, put, look, _ = asking.asked
        assert begin.json == {"initializeUploadRequest": {"owner": PAGE}}
        assert begin.url == f"{SERVER}/rest/images?action=initializeUpload"
        assert (put.method, put.url, put.headers["content-type"]) == ("PUT", f"{WWW}/1", "image/png")
        assert put.headers["authorization"] == "Bearer t"
        assert len(put.body) == 40
        assert look.url == f"{SERVER}/rest/images/urn%3Ali%3Aimage%3AC4E10"
        assert [one.step for one in asking.asked] == ["prepare", "prepare", "read", "read"]
        assert asking.waits == [1.0]

    async def test_what_is_up_is_not_sent_again(self) -> None:
        first = call(opened(), taken(), status("AVAILABLE"))
        await sent(PICTURE, first)
        again = call(status("AVAILABLE"), memory=first.memory)
        assert await sent(PICTURE, again) == IMAGE

    async def test_a_token_that_may_not_look_waits_a_grace(self) -> None:
        no = answer({"status": 403, "message": "Not enough permissions"}, 403)
        asking = call(opened(), taken(), no, no)
        assert await sent(PICTURE, asking) == IMAGE
        assert asking.waits == [20.0]

    async def test_many_pictures_are_sent_first_and_wait_together(self) -> None:
        items = {
            f"media {n}": base.PartMedia("image", "image/png", 40, str(n) * 64, "memory") for n in range(3)
        }
        asking = call(*[opened(), taken()] * 3, *[status("AVAILABLE")] * 3)
        assert list(await upload(items, PAGE, asking, SERVER)) == list(items)
        assert [one.method for one in asking.asked] == ["POST", "PUT"] * 3 + ["GET"] * 3
        no = answer({"status": 403, "message": "Not enough permissions"}, 403)
        asking = call(*[opened(), taken()] * 3, no, no)
        await upload(items, PAGE, asking, SERVER)
        assert asking.waits == [20.0]

    async def test_what_could_not_be_processed_is_forgotten(self) -> None:
        asking = call(opened(), taken(), status("PROCESSING_FAILED", processingFailureReason="no picture"))
        with pytest.raises(errors.Declined, match="could not process the image: no picture"):
            await sent(PICTURE, asking)
        assert list(asking.memory.values()) == [None]

    @pytest.mark.parametrize(
        ("url", "good"),
        [
            (f"{WWW}/1", True),
            ("https://media.licdn.com/x", True),
            (f"{SERVER}/x", True),
            ("http://www.linkedin.com/x", False),
            ("https://linkedin.com.example.com/x", False),
            ("https://notlinkedin.com/x", False),
            ("https://169.254.169.254/x", False),
            (f"{SERVER}.example.com/x", False),
        ],
    )
    async def test_bytes_go_to_linkedins_hosts_alone(self, url: str, good: bool) -> None:
        asking = call(opened(url), taken(), status("AVAILABLE"))
        if good:
            assert await sent(PICTURE, asking) == IMAGE
            return
        with pytest.raises(errors.Declined, match="another host"):
            await sent(PICTURE, asking)
        assert len(asking.asked) == 1

    async def test_an_answer_without_an_upload(self) -> None:
        asking = call(answer({}))
        with pytest.raises(errors.Unavailable, match="did not open an upload"):
            await sent(PICTURE, asking)

    async def test_a_document_goes_its_own_way(self) -> None:
        item = base.PartMedia("file", "application/pdf", 9, "f" * 64, "memory")
        value = {"uploadUrl": f"{WWW}/2", "document": "urn:li:document:D1"}
        asking = call(answer({"value": value}), taken(), status("AVAILABLE"))
        assert await sent(item, asking) == "urn:li:document:D1"
        assert asking.asked[0].path == "/rest/documents"


class TestVideos:
    async def test_exactly_the_parts_linkedin_names(self) -> None:
        data = b"0123456789"
        asking = call(
            video_opened((0, 3), (4, 7), (8, 9), uploadToken="tok"),
            taken("a"),
            taken("b"),
            taken("c"),
            answer(status=200, content=b""),
            status("AVAILABLE"),
            blobs={CLIP.digest: data},
        )
        assert await sent(CLIP, asking) == VIDEO
        begin, *parts, final, _ = asking.asked
        assert begin.json == {
            "initializeUploadRequest": {
                "owner": PAGE,
                "fileSizeBytes": 10,
                "uploadCaptions": False,
                "uploadThumbnail": False,
            }
        }
        assert [one.body for one in parts] == [b"0123", b"4567", b"89"]
        assert {one.headers["content-type"] for one in parts} == {"application/octet-stream"}
        assert not any("authorization" in one.headers for one in parts)
        assert final.json == {
            "finalizeUploadRequest": {
                "video": VIDEO,
                "uploadToken": "tok",
                "uploadedPartIds": ["a", "b", "c"],
            }
        }
        assert asking.secrets == {f"media 0 {'e' * 16} session"}

    @given(st.lists(st.integers(1, 400), min_size=1, max_size=12))
    async def test_any_cuts_come_together(self, sizes: list[int]) -> None:
        ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
        cuts = [(end - size, end - 1) for end, size in zip(ends, sizes, strict=True)]
        data = bytes(at % 251 for at in range(sum(sizes)))
        item = attrs.evolve(CLIP, size=len(data))
        told = [taken(str(number)) for number in range(len(cuts))]
        done = answer(status=200, content=b"")
        asking = call(video_opened(*cuts), *told, done, status("AVAILABLE"), blobs={item.digest: data})
        await sent(item, asking)
        puts = [one for one in asking.asked if one.method == "PUT"]
        assert b"".join(one.body for one in puts) == data
        assert asking.asked[-2].json["finalizeUploadRequest"]["uploadedPartIds"] == [
            str(n) for n in range(len(cuts))
        ]

    async def test_a_resume_sends_only_what_is_not_up(self) -> None:
        lost = errors.Unavailable("the answer was lost")
        first = call(video_opened((0, 3), (4, 7), (8, 9)), taken("a"), taken("b"), lost)
        with pytest.raises(errors.Unavailable):
            await sent(CLIP, first)
        again = call(taken("c"), answer(status=200, content=b""), status("AVAILABLE"), memory=first.memory)
        await sent(CLIP, again)
        assert [one.path for one in again.asked][:2] == ["/dms-uploads/video/2", "/rest/videos"]
        assert again.asked[1].json["finalizeUploadRequest"]["uploadedPartIds"] == ["a", "b", "c"]

    async def test_half_an_hour_of_processing_costs_few_of_a_days_requests(self) -> None:
        waiting = [status("PROCESSING")] * 34
        asking = call(video_opened((0, 9)), taken("a"), answer({}), *waiting, status("AVAILABLE"))
        await sent(CLIP, asking)
        assert sum(asking.waits) > 1700
        assert asking.waits[:4] == [1.0, 2.0, 4.0, 8.0]

    async def test_a_session_that_ended_starts_afresh(self) -> None:
        first = call(video_opened((0, 9)), errors.Unavailable("lost"))
        with pytest.raises(errors.Unavailable):
            await sent(CLIP, first)
        late = NOW.fromtimestamp(NOW.timestamp() + 7200, NOW.tzinfo)
        fresh = video_opened((0, 9), video="urn:li:video:NEW")
        again = call(
            fresh, taken("a"), answer(status=200), status("AVAILABLE"), memory=first.memory, now=late
        )
        assert await sent(CLIP, again) == "urn:li:video:NEW"

    async def test_a_dead_session_starts_afresh_once(self) -> None:
        first = call(video_opened((0, 9)), errors.Unavailable("lost"))
        with pytest.raises(errors.Unavailable):
            await sent(CLIP, first)
        fresh = video_opened((0, 9), video="urn:li:video:NEW")
        gone = answer(status=403, content=b"<Error/>")
        again = call(gone, fresh, taken("a"), answer(status=200), status("AVAILABLE"), memory=first.memory)
        assert await sent(CLIP, again) == "urn:li:video:NEW"

    async def test_a_part_without_an_etag(self) -> None:
        asking = call(video_opened((0, 9)), taken())
        with pytest.raises(errors.Unavailable, match="ETag"):
            await sent(CLIP, asking)

    async def test_a_video_that_failed_is_sent_anew_the_next_time(self) -> None:
        broken = status("PROCESSING_FAILED", processingFailureReason="no video")
        first = call(video_opened((0, 9)), taken("a"), answer({}), broken)
        with pytest.raises(errors.Declined, match="no video"):
            await sent(CLIP, first)
        answers = (
            video_opened((0, 9), video="urn:li:video:NEW"),
            taken("b"),
            answer({}),
            status("AVAILABLE"),
        )
        again = call(*answers, memory=first.memory)
        assert await sent(CLIP, again) == "urn:li:video:NEW"

    async def test_thumbnail_and_captions_before_the_end(self) -> None:
        picture = base.PartMedia("image", "image/png", 5, "a" * 64, "memory")
        words = base.PartMedia(
            "captions", "application/x-subrip", 9, "b" * 64, "memory", "en.srt", language="en-GB"
        )
        item = attrs.evolve(CLIP, thumbnail=picture, captions=(words,))
        places = {"thumbnailUploadUrl": f"{WWW}/t", "captionsUploadUrl": f"{WWW}/c"}
        told = (taken("a"), taken(), taken(), answer(status=200, content=b""), status("AVAILABLE"))
        asking = call(video_opened((0, 9), **places), *told)
        await sent(item, asking)
        request = asking.asked[0].json["initializeUploadRequest"]
        assert (request["uploadCaptions"], request["uploadThumbnail"]) == (True, True)
        _, _, thumbnail, captions, final, _ = asking.asked
        assert thumbnail.headers["media-type-family"] == "STILLIMAGE"
        about = json.loads(captions.fields["metadata"])
        assert about == {
            "format": "SRT",
            "locale": {"country": "GB", "language": "EN"},
            "transcriptType": "CLOSED_CAPTION",
        }
        assert final.path == "/rest/videos"

    async def test_a_session_without_a_place_for_captions(self) -> None:
        words = base.PartMedia("captions", "application/x-subrip", 9, "b" * 64, "memory")
        asking = call(video_opened((0, 9)), taken("a"))
        with pytest.raises(errors.Declined, match="captions"):
            await sent(attrs.evolve(CLIP, captions=(words,)), asking)


class TestCaptionsInPlans:
    @pytest.mark.parametrize(
        ("data", "language", "problems"),
        [
            (SRT, "en", []),
            (SRT, "en-GB", []),
            (SRT, "de", [("media[0].captions[0].language", "unsupported")]),
            (b"WEBVTT\n\n", "en", [("media[0].captions[0]", "type")]),
        ],
    )
    async def test_one_srt_in_english(self, data: bytes, language: str, problems: list[Any]) -> None:
        clip = Video(mp4(), alt="A boat", captions=[Captions(data, language=language)])
        assert codes(await planned(Post("See", media=[clip]))) == problems


class TestOnTheSandbox:
    """The same byte by byte: the sandbox checks parts, ETags, owners and kinds as LinkedIn does."""

    @pytest.fixture
    def box(self) -> Any:
        with Sandbox(["linkedin"]) as made:
            yield made

    @pytest.fixture
    def client(self, box: Any) -> Any:
        with box.client() as made:
            yield made

    def test_a_video_of_three_parts_with_everything(self, box: Any, client: Any) -> None:
        data = mp4() + bytes(2 * PART)
        words = [Captions(SRT, language="en")]
        clip = Video(data, alt="A boat", captions=words, thumbnail=Image(png(), alt="x"))
        report = client.publish(Post("See", title="The boat", media=[clip]), to="linkedin")
        (entry,) = box.timeline("linkedin")
        assert report["linkedin"].receipt.id.startswith("urn:li:ugcPost:")
        assert (entry.media[0]["size"], entry.media[0]["title"]) == (len(data), "The boat")
        assert (entry.media[0]["thumbnail_size"], entry.media[0]["captions"]) == (len(png()), SRT.decode())

    def test_another_process_sends_only_the_parts_that_are_not_up(self, box: Any) -> None:
        store, clip = MemoryStore(), Video(mp4() + bytes(2 * PART), alt="A boat")
        box.fault("dropped-before", platform="linkedin", match="PUT /dms-uploads/video/[^/]+/2", times=9)
        with box.client(store=store, max_wait=2) as first:
            options: Any = {"to": "linkedin", "idempotency_key": "clip", "errors": "return"}
            stopped = first.publish(Post("See", media=[clip]), **options)["linkedin"]
        assert stopped.status is Status.FAILED
        box.faults.clear()
        with box.client(store=store) as later:
            done = later.publish(Post("See", media=[clip]), **options)["linkedin"]
        assert done.status is Status.PUBLISHED
        parts = [one.path[-1] for one in box.requests if one.method == "PUT" and one.status == 200]
        assert parts == ["0", "1", "2"]

    @pytest.mark.parametrize(
        ("data", "name", "mime"),
        [
            (archive("[Content_Types].xml", "word/document.xml"), "Crew.docx", "wordprocessingml.document"),
            (
                archive("[Content_Types].xml", "ppt/presentation.xml"),
                "Crew.pptx",
                "presentationml.presentation",
            ),
            (OLD_OFFICE, "Crew.doc", "msword"),
            (OLD_OFFICE, "Crew.ppt", "vnd.ms-powerpoint"),
        ],
    )
    def test_documents_of_offices(self, box: Any, client: Any, data: bytes, name: str, mime: str) -> None:
        plan = client.plan(Post("See", media=[File(data, name=name)]), to="linkedin")
        assert plan["linkedin"].parts[0].media[0].mime.endswith(mime)
        client.publish(plan)
        (entry,) = box.timeline("linkedin")
        assert entry.media[0]["title"] == "Crew"

    def test_a_document(self, box: Any, client: Any) -> None:
        pdf = File(b"%PDF-1.7\n%%EOF", name="Annual report.pdf")
        client.publish(Post("See", media=[pdf]), to="linkedin")
        (entry,) = box.timeline("linkedin")
        assert entry.media[0]["title"] == "Annual report"

    def test_pictures_in_order_and_a_thumbnail(self, box: Any, client: Any) -> None:
        pictures = [Image(png(shade=shade), alt=f"Boat {shade}") for shade in range(3)]
        client.publish(Post("See", media=pictures), to="linkedin")
        link = Link("https://example.com/boat", title="The boat", thumbnail=Image(png(), alt="A boat"))
        client.publish(Post("Read", link=link), to="linkedin")
        first, second = box.timeline("linkedin")
        assert [one["alt"] for one in first.media] == ["Boat 0", "Boat 1", "Boat 2"]
        assert second.extras["given"]["content"]["article"]["thumbnail"].startswith("urn:li:image:")

    def test_a_picture_in_a_comment(self, box: Any, client: Any) -> None:
        parent = client.publish(Post("Ahoy"), to="linkedin")["linkedin"].receipt
        reply = Post("Aye", reply_to=parent, media=[Image(png(), alt="A boat")])
        client.publish(reply, to="linkedin")
        assert len(box.timeline("linkedin")[1].media) == 1

    def test_a_member_whose_token_may_not_look(self, box: Any) -> None:
        box.linkedin.may_read_images = False
        account = LinkedIn(**box.linkedin.member_credentials(None, "openid", "profile", "w_member_social"))
        with Client({"me": account}, transport=box.transport, clock=box.clock) as client:
            before = box.clock.now()
            report = client.publish(Post("See", media=[Image(png(), alt="A boat")]), to="me")
        assert report["me"].status is Status.PUBLISHED
        assert (box.clock.now() - before).total_seconds() >= 20

    def test_no_upload_address_is_kept_in_sight(self, box: Any, client: Any) -> None:
        clip = Video(mp4() + bytes(PART), alt="A boat")
        client.publish(Post("See", media=[clip]), to="linkedin")
        shown = repr([report.to_dict() for report in client.history()]) + repr(box.requests)
        assert "dms-uploads/video" in shown
        assert "signature=" not in shown.replace("signature=***", "")
