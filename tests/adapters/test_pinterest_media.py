"""Pinterest's media: base64 that is streamed into JSON, and videos through the S3 form."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import mp4, png
from socialkit import Image, Post, Video, errors
from socialkit.adapters import base
from socialkit.adapters._pinterest_media import LOOK_FOR, Base64, JsonBody, cover_of

from .fakes import NOW, FakeCall, answer
from .pinterest_samples import call, part_of, pin

FILM = mp4(seconds=5.0, size=(1080, 1920))
S3 = "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"


@attrs.frozen
class Pieces:
    """A blob that comes in pieces of odd sizes."""

    data: bytes
    sizes: tuple[int, ...] = (256 * 1024,)
    mime: str = "image/png"
    name: str = "a.png"
    digest: str | None = None

    @property
    def size(self) -> int:
        return len(self.data)

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        at, turn = start, 0
        while at < len(self.data):
            step = self.sizes[turn % len(self.sizes)]
            yield self.data[at : at + step]
            at, turn = at + step, turn + 1

    async def read(self) -> bytes:
        return self.data


def whole(value: Any) -> Any:
    """The value with the base64 written out."""
    if isinstance(value, Base64):
        return base64.b64encode(value.blob.data).decode()  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {name: whole(inner) for name, inner in value.items()}
    return [whole(inner) for inner in value] if isinstance(value, list) else value


BLOBS = st.builds(
    lambda data, sizes: Base64(Pieces(data, tuple(sizes))),
    st.binary(max_size=200),
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | BLOBS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class TestJsonBody:
    @given(value=VALUES)
    async def test_it_is_the_json_with_the_bytes_as_base64(self, value: Any) -> None:
        body = JsonBody(value)
        data = await body.read()
        assert json.loads(data) == whole(value)
        assert len(data) == body.size

    @given(data=st.data(), value=VALUES)
    async def test_any_range_can_be_read(self, data: st.DataObject, value: Any) -> None:
        body = JsonBody(value)
        start = data.draw(st.integers(0, body.size))
        stop = data.draw(st.none() | st.integers(start, body.size))
        pieces = [piece async for piece in body.chunks(start, stop)]
        assert b"".join(pieces) == (await body.read())[start:stop]

    async def test_a_large_picture_is_never_whole_in_memory(self) -> None:
        blob = Pieces(bytes(range(256)) * 12_000, (256 * 1024, 100_001))
        sizes = [len(piece) async for piece in JsonBody({"data": Base64(blob)}).chunks()]
        assert max(sizes) <= 256 * 1024
        assert sum(sizes) == 4 * -(-blob.size // 3) + len('{"data":""}')


def form(hours: float = 1.0, *, url: str = S3, **more: str) -> base.Response:
    """The answer of ``POST /media``."""
    ends = {"expiration": (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")}
    fields = {
        "x-amz-date": "20261102T000000Z",
        "x-amz-signature": "s1gnature",
        "key": "uploads/1",
        "policy": base64.b64encode(json.dumps(ends).encode()).decode(),
        "Content-Type": "multipart/form-data",
    }
    told = {
        "media_id": "52",
        "media_type": "video",
        "upload_url": url,
        "upload_parameters": {**fields, **more},
    }
    return answer(told, 201)


def status(word: str, **more: str) -> base.Response:
    return answer({"media_id": "52", "media_type": "video", "status": word, **more})


def taken(code: int = 204) -> base.Response:
    return answer(
        status=code,
        content=b"<Error><Code>AccessDenied</Code><Key>s3cret</Key></Error>" if code > 299 else b"",
    )


async def film(*answers: Any, post: Post | None = None, **options: Any) -> tuple[base.Sent, FakeCall]:
    post = post or Post("We ship", media=[Video(FILM, alt="A boat")])
    part = await part_of(post)
    blobs = {part.media[0].digest: FILM}
    if part.media[0].thumbnail:
        blobs[part.media[0].thumbnail.digest] = png(40, 60)
    asking = call(*answers, blobs=blobs, **options)
    return await asking.adapter.send(part, asking), asking


MADE = answer(pin(creative_type="VIDEO"), 201)


def steps(asking: FakeCall) -> list[str]:
    return [f"{asked.step} {asked.method} {asked.path}" for asked in asking.asked]


class TestVideo:
    async def test_register_transfer_look_and_only_then_the_pin(self) -> None:
        done, asking = await film(
            form(), taken(), status("registered"), status("processing"), status("succeeded"), MADE
        )
        assert steps(asking) == [
            "prepare POST /v5/media",
            "prepare POST /",
            *["read GET /v5/media/52"] * 3,
            "commit POST /v5/pins",
        ]
        assert asking.waits == [2.0, 3.0]
        assert asking.asked[-1].json["media_source"] == {
            "source_type": "video_id",
            "media_id": "52",
            "cover_image_key_frame_time": 0,
        }
        assert done.raw["creative_type"] == "VIDEO"

    async def test_the_form_is_in_order_with_the_file_last_and_no_credential(self) -> None:
        _, asking = await film(form(), taken(), status("succeeded"), MADE)
        transfer = asking.asked[1]
        assert transfer.url == S3
        names = ["x-amz-date", "x-amz-signature", "key", "policy", "Content-Type", "file"]
        assert list(transfer.fields) == names
        assert transfer.fields["file"] == FILM
        assert transfer.fields["Content-Type"] == b"multipart/form-data"
        assert "authorization" not in transfer.headers
        assert transfer.options["cost"] == 0

    @pytest.mark.parametrize("url", ["http://storage.example.com/", "ftp://x", "https:/x"])
    async def test_bytes_go_nowhere_in_the_clear(self, url: str) -> None:
        with pytest.raises(errors.Declined, match="not https"):
            await film(form(url=url))

    async def test_the_form_is_a_secret(self) -> None:
        _, asking = await film(form(), taken(), status("succeeded"), MADE)
        assert set(asking.memory) == asking.secrets

    async def test_a_cover_from_a_thumbnail_or_a_second(self) -> None:
        post = Post(media=[Video(FILM, alt="A boat", thumbnail=Image(png(40, 60)))])
        _, asking = await film(form(), taken(), status("succeeded"), MADE, post=post)
        source = asking.asked[-1].json["media_source"]
        assert source["cover_image_content_type"] == "image/png"
        assert base64.b64decode(source["cover_image_data"]) == png(40, 60)
        assert "cover_image_key_frame_time" not in source

    async def test_a_cover_that_has_an_address_is_passed_on(self) -> None:
        url = "https://example.com/boat.png"
        cover = base.PartMedia("image", "image/png", 40, "c" * 64, f"url:{url}")
        item = base.PartMedia("video", "video/mp4", 40, "d" * 64, "memory", thumbnail=cover)
        assert await cover_of(item, 0, call()) == {"cover_image_url": url}

    async def test_a_form_that_s3_refuses_is_asked_for_anew_once(self) -> None:
        _, asking = await film(form(), taken(403), form(), taken(), status("succeeded"), MADE)
        assert steps(asking)[:4] == ["prepare POST /v5/media", "prepare POST /"] * 2
        with pytest.raises(errors.Declined, match="AccessDenied") as caught:
            await film(form(), taken(403), form(), taken(400))
        assert "s3cret" not in str(caught.value)

    async def test_a_failed_video_says_why_and_is_registered_anew_next_time(self) -> None:
        memory: dict[str, Any] = {}
        with pytest.raises(errors.Declined, match="VIDEO_INVALID"):
            await film(form(), taken(), status("failed", failure_code="VIDEO_INVALID"), memory=memory)
        _, asking = await film(form(), taken(), status("succeeded"), MADE, memory=memory)
        assert steps(asking)[0] == "prepare POST /v5/media"

    @pytest.mark.parametrize(
        ("told", "hours", "expected"),
        [
            ("succeeded", 1.0, ["GET /v5/media/52"]),
            ("processing", 1.0, ["GET /v5/media/52"]),
            ("registered", 1.0, ["GET /v5/media/52", "POST /"]),
            ("registered", -1.0, ["GET /v5/media/52", "POST /v5/media", "POST /"]),
            ("failed", 1.0, ["GET /v5/media/52", "POST /v5/media", "POST /"]),
            ("gone", 1.0, ["GET /v5/media/52", "POST /v5/media", "POST /"]),
        ],
    )
    async def test_another_process_goes_on_where_it_stopped(
        self, told: str, hours: float, expected: list[str]
    ) -> None:
        memory: dict[str, Any] = {}
        with pytest.raises(errors.Unavailable):
            await film(form(hours), errors.Unavailable("down"), memory=memory)
        stands = answer({"code": 404, "message": "Media not found."}, 404) if told == "gone" else status(told)
        rest = [form() if "/v5/media" in step else taken() for step in expected[1:]]
        _, asking = await film(stands, *rest, status("succeeded"), MADE, memory=memory)
        ways = [step.partition(" ")[2] for step in steps(asking)]
        assert ways == [*expected, "GET /v5/media/52", "POST /v5/pins"]

    async def test_a_form_without_a_policy_is_used_once(self) -> None:
        memory: dict[str, Any] = {}
        with pytest.raises(errors.Unavailable):
            await film(form(policy="?"), errors.Unavailable("down"), memory=memory)
        _, asking = await film(
            status("registered"), form(), taken(), status("succeeded"), MADE, memory=memory
        )
        assert steps(asking)[1] == "prepare POST /v5/media"

    async def test_looking_ends(self) -> None:
        with pytest.raises(AssertionError, match="past its limit"):
            await film(form(), taken(), *[status("processing")] * 60)
        assert LOOK_FOR == 900
