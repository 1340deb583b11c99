"""The media host for S3, on a server somebody else wrote: what we put there, platforms can fetch.

The server knows keys and when an address ends; signatures of version 4 are checked in ``tests/test_media_host.py``.
"""

from __future__ import annotations

import hashlib
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from media_files import png
from pier import Pier, PierBox
from socialkit import Client, ConfigError, Image, Post, S3MediaHost
from socialkit.sandbox import Sandbox

from .servers import S3

pytestmark = pytest.mark.real
BYTES = png(60, 40)


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, str]]:
    with Sandbox([PierBox]) as box, box.serve() as url:
        yield box, url


def host(s3: S3, **options: Any) -> S3MediaHost:
    keys = {"access_key": s3.key, "secret_key": s3.key}
    return S3MediaHost(s3.bucket, endpoint=s3.url, **{**keys, **options})


def client(served: tuple[Sandbox, str], media_host: S3MediaHost) -> Client:
    box, url = served
    return Client({"pier": Pier(**box["pier"].credentials(f"{url}/pier"))}, media_host=media_host)


def digests(served: tuple[Sandbox, str]) -> list[str]:
    return [medium["sha256"] for entry in served[0].timeline("pier") for medium in entry.media]


def test_a_picture_goes_through_the_bucket_to_the_platform(s3: S3, served: tuple[Sandbox, str]) -> None:
    with client(served, host(s3)) as made:
        made.publish(Post("x", media=[Image(BYTES, alt="x")]), to="pier")
    assert digests(served) == [hashlib.sha256(BYTES).hexdigest()]


def test_a_large_file_is_streamed(s3: S3, served: tuple[Sandbox, str], tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(BYTES + bytes(9_000_000))
    with client(served, host(s3)) as made:
        plan = made.plan(Post("x", media=[Image(file, alt="x")]), to="pier")
        tracemalloc.start()
        made.publish(plan)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert digests(served) == [hashlib.sha256(file.read_bytes()).hexdigest()]
    assert peak < 30_000_000  # the sandbox, in this process too, keeps a part of it


def test_an_address_gives_the_bytes_and_their_type(s3: S3) -> None:
    place = host(s3).place("a.png", "image/png", len(BYTES), "cd" * 32)
    answer = httpx.put(place.upload_url, content=BYTES, headers=dict(place.headers), trust_env=False)
    assert answer.status_code == 200, answer.text
    found = httpx.get(place.url, trust_env=False)
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, BYTES, "image/png")
    ended = re.sub(r"X-Amz-Date=\w+", "X-Amz-Date=20130524T000000Z", place.url)
    assert httpx.get(ended, trust_env=False).status_code == 403


def test_a_wrong_key_says_to_look_at_it(s3: S3, served: tuple[Sandbox, str]) -> None:
    wrong = host(s3, access_key="NOBODY", secret_key="wrong-s3cret")
    with client(served, wrong) as made, pytest.raises(ConfigError) as caught:
        made.publish(Post("x", media=[Image(BYTES, alt="x")]), to="pier")
    assert "HTTP 403" in str(caught.value)
    assert "wrong-s3cret" not in str(caught.value)
    assert digests(served) == []
