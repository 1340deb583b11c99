"""Media hosts: local files get a public address where a platform takes no bytes, once, and nobody else learns it."""

from __future__ import annotations

import hashlib
import hmac
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from media_files import png
from pier import Pier, PierBox
from socialkit import Client, ConfigError, Image, InvalidPost, MediaHost, Post, S3MediaHost, Status
from socialkit.media_host import Place
from socialkit.sandbox import Sandbox

BYTES = png(60, 40)
POST = Post("The boat", media=[Image(BYTES, alt="A boat")])
KEYS = {"access_key": "BRANDKEY", "secret_key": "s3cret-of-the-bucket"}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox([PierBox]) as box:
        yield box


def client(box: Sandbox, host: Any = ..., **options: Any) -> Client:
    place: Any = {"transport": box.transport, "clock": box.clock, "store": ":memory:", **options}
    if host is not None:
        place["media_host"] = box.files if host is ... else host
    return Client({"pier": Pier(**box["pier"].credentials())}, **place)


def puts(box: Sandbox) -> int:
    return len(box.files.kept)


# --- what arrives -------------------------------------------------------------------------------------------
def test_a_local_picture_is_put_there_and_fetched_by_the_platform(box: Sandbox) -> None:
    with client(box) as made:
        assert made.publish(POST, to="pier").ok
    (entry,) = box.timeline("pier")
    assert entry.media == [
        {"mime": "image/png", "sha256": hashlib.sha256(BYTES).hexdigest(), "size": len(BYTES)}
    ]


def test_a_public_address_goes_to_the_platform_as_it_is(box: Sandbox) -> None:
    with client(box) as made:
        made.publish(Post("x", media=[Image.from_url("https://example.com/a.png", alt="x")]), to="pier")
    assert (puts(box), box.timeline("pier")[0].media[0]["mime"]) == (0, "image/png")


def test_without_a_host_nothing_is_sent_and_the_hint_says_how(box: Sandbox) -> None:
    with client(box, None) as made:
        (problem,) = made.plan(POST, to="pier").problems
        with pytest.raises(InvalidPost):
            made.publish(POST, to="pier")
    assert "media_host=" in (problem.hint or "")
    assert box.requests == []


def test_what_was_put_there_is_not_put_again_after_a_lost_answer(box: Sandbox) -> None:
    box.fault("dropped-before", platform="pier", times=9)
    with client(box) as made:
        made.publish(POST, to="pier", idempotency_key="k", errors="return")
        assert puts(box) == 1
        box.files.kept.clear()  # what was not put again is not there
        box.faults.clear_kind("dropped-before")
        box.clock.advance(3700)
        made.settle("k", not_live=True, by="duty officer")
        again = made.publish(POST, to="pier", idempotency_key="k", errors="return")["pier"]
    assert puts(box) == 0
    assert "nothing to fetch" in str(again.error)


def test_an_address_that_ended_meanwhile_is_made_anew(box: Sandbox) -> None:
    box.fault("dropped-before", platform="pier", times=9)
    with client(box, max_wait=1) as made:
        made.publish(POST, to="pier", idempotency_key="k", errors="return")
        box.faults.clear_kind("dropped-before")
        box.clock.advance(6 * 3600)
        made.settle("k", not_live=True, by="duty officer")
        assert made.publish(POST, to="pier", idempotency_key="k")["pier"].ok
    assert len(box.timeline("pier")) == 1


def test_the_host_spends_nothing_of_the_platforms_limits(box: Sandbox) -> None:
    with client(box) as made:
        made.publish(POST, to="pier")
        (limit,) = [one for one in made.rate_limits() if one.name == "writes"]
    assert limit.remaining == 0  # one request in all: the note


def test_nobody_learns_the_address(box: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    box.fault("stored-then-500", platform="pier")
    with client(box) as made:
        report = made.publish(POST, to="pier", idempotency_key="k", errors="return")
        shown = repr([made.history(), report, report["pier"].error, made, box.requests]) + caplog.text
    assert puts(box) == 1
    assert "signature" not in shown


# --- a host of one's own ------------------------------------------------------------------------------------
class Ours:
    """Puts everything where the sandbox's host does, asked plainly or with await."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.asked = box, list[tuple[str, str, int, str]]()

    def place(self, name: str, mime: str, size: int, digest: str) -> Place:
        self.asked.append((name, mime, size, digest))
        return self.box.files.place(name, mime, size, digest)


class OursAsync(Ours):
    async def place(self, name: str, mime: str, size: int, digest: str) -> Place:  # type: ignore[override]
        return super().place(name, mime, size, digest)


@pytest.mark.parametrize("kind", [Ours, OursAsync])
def test_a_host_of_ones_own_is_asked_for_a_place(box: Sandbox, tmp_path: Path, kind: type[Ours]) -> None:
    file = tmp_path / "boat.png"
    file.write_bytes(BYTES)
    host = kind(box)
    assert isinstance(host, MediaHost)
    with client(box, host) as made:
        assert made.publish(Post("x", media=[Image(file, alt="x")]), to="pier").ok
    assert host.asked == [("boat.png", "image/png", len(BYTES), hashlib.sha256(BYTES).hexdigest())]


class Closed:
    """Gives places that take nothing."""

    def place(self, name: str, mime: str, size: int, digest: str) -> Place:
        return Place("https://files.example.net/files/a?signature=wr0ng", "https://files.example.net/files/a")


def test_a_host_that_refuses_is_named_and_nothing_is_published(box: Sandbox) -> None:
    with client(box, Closed()) as made:
        outcome = made.publish(POST, to="pier", errors="return")["pier"]
    assert outcome.status is Status.FAILED
    assert isinstance(outcome.error, ConfigError)
    assert "the media host did not take file.png (HTTP 403)" in str(outcome.error)
    assert box.timeline("pier") == []


# --- S3 -----------------------------------------------------------------------------------------------------
def test_an_address_is_signed_plain_and_the_same_for_the_same_bytes() -> None:
    host = S3MediaHost("brand", endpoint="https://s3.example.com/", region="eu-central-1", lives=600, **KEYS)
    place = host.place("Böat & sail 1.jpg", "image/jpeg", 9, "ab" * 32)
    parts = urlsplit(place.url)
    assert (parts.netloc, parts.path) == ("s3.example.com", f"/brand/socialkit/{'ab' * 16}/B-at-sail-1.jpg")
    told = parse_qs(parts.query)
    assert (told["X-Amz-Expires"], place.lives, place.method) == (["600"], 600, "PUT")
    assert "eu-central-1" in told["X-Amz-Credential"][0]
    assert place.url.isascii()
    assert place.headers == {"content-type": "image/jpeg"}
    assert parse_qs(urlsplit(place.upload_url).query)["X-Amz-SignedHeaders"] == ["content-type;host"]
    assert urlsplit(place.upload_url).path == parts.path


def signature_of(url: str, method: str, headers: dict[str, str], secret: str) -> str:
    """The signature of a presigned address, as Amazon documents it (SigV4 in the query)."""
    parts = urlsplit(url)
    pairs = sorted(pair for pair in parts.query.split("&") if not pair.startswith("X-Amz-Signature="))
    told = {name: values[0] for name, values in parse_qs(parts.query).items()}
    lines = [f"{name}:{value}" for name, value in sorted({**headers, "host": parts.netloc}.items())]
    names = told["X-Amz-SignedHeaders"]
    request = "\n".join([method, parts.path, "&".join(pairs), *lines, "", names, "UNSIGNED-PAYLOAD"])
    scope = told["X-Amz-Credential"].partition("/")[2]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", told["X-Amz-Date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for step in (*scope.split("/"), text):
        key = hmac.digest(key, step.encode(), "sha256")
    return key.hex()


PUBLISHED = (
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)


def test_the_check_of_signatures_agrees_with_the_published_example() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    assert signature_of(PUBLISHED, "GET", {}, secret) == PUBLISHED.rpartition("=")[2]


def test_both_addresses_are_signed_as_the_documentation_says() -> None:
    host = S3MediaHost("brand", endpoint="https://s3.example.com", **KEYS)
    place = host.place("a.jpg", "image/jpeg", 9, "ab" * 32)
    for url, method, headers in ((place.url, "GET", {}), (place.upload_url, "PUT", dict(place.headers))):
        signed = parse_qs(urlsplit(url).query)["X-Amz-Signature"][0]
        assert signed == signature_of(url, method, headers, KEYS["secret_key"])


def test_a_public_bucket_gives_plain_addresses() -> None:
    host = S3MediaHost("brand", public_url="https://cdn.example.com/", prefix="", **KEYS)
    assert host.place("a.jpg", "image/jpeg", 9, "ab" * 32).url == f"https://cdn.example.com/{'ab' * 16}/a.jpg"
    assert host.place("a.jpg", "image/jpeg", 9, "ab" * 32).upload_url.startswith(
        "https://s3.us-east-1.amazonaws.com/"
    )


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ENVKEY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    assert "ENVKEY" in S3MediaHost("brand").place("a.jpg", "image/jpeg", 9, "ab" * 32).url


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bucket": "No Bucket"}, "no name of a bucket"),
        ({"bucket": "brand", "lives": 5}, "a minute to a week"),
        ({"bucket": "brand", "access_key": "", "secret_key": ""}, "AWS_ACCESS_KEY_ID"),
    ],
)
def test_what_cannot_be_a_host_is_said(arguments: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(ConfigError, match=words):
        S3MediaHost(**{**KEYS, **arguments})


def test_a_host_shows_no_keys() -> None:
    host = S3MediaHost("brand", session_token="s3ssion", **KEYS)
    place = host.place("a.jpg", "image/jpeg", 9, "ab" * 32)
    shown = f"{host!r} {host} {place!r}"
    assert not [secret for secret in (*KEYS.values(), "s3ssion", "X-Amz-Signature") if secret in shown]


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(ConfigError, match=r"socialkit-py\[s3\]"):
        S3MediaHost("brand", **KEYS).place("a.jpg", "image/jpeg", 9, "ab" * 32)
