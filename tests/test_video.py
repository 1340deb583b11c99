"""With the ``video`` extra, WebM and other containers tell their size and length too."""

from __future__ import annotations

import io
import sys

import pytest

from socialkit import Video
from socialkit.media import inspect

av = pytest.importorskip("av")


def clip(kind: str, codec: str, *, seconds: int = 2, size: tuple[int, int] = (64, 48)) -> bytes:
    """A grey film of one frame a second."""
    out = io.BytesIO()
    with av.open(out, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=1)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for _ in range(seconds):
            container.mux(stream.encode(av.VideoFrame(*size, "yuv420p")))
        container.mux(stream.encode())
    return out.getvalue()


async def test_a_container_whose_header_does_not_tell() -> None:
    facts, _ = await inspect(Video(clip("webm", "libvpx")))
    assert (facts.mime, facts.width, facts.height) == ("video/webm", 64, 48)
    assert facts.seconds == pytest.approx(2, abs=1.1)
    assert facts.codecs


async def test_frame_rates_are_told_with_the_header_and_without() -> None:
    for kind, codec in (("mp4", "mpeg4"), ("webm", "libvpx")):
        facts, _ = await inspect(Video(clip(kind, codec, seconds=6)))
        assert facts.fps == pytest.approx(1, abs=0.2), kind


async def test_without_the_extra_they_are_unknown_not_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    data = clip("webm", "libvpx")
    monkeypatch.setitem(sys.modules, "av", None)
    facts, _ = await inspect(Video(data))
    assert (facts.mime, facts.width, facts.seconds) == ("video/webm", None, None)


async def test_a_damaged_file_is_unknown_too() -> None:
    facts, _ = await inspect(Video(clip("webm", "libvpx")[:60]))
    assert facts.seconds is None
