"""Request bodies taken apart as they stream in."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from socialkit.sandbox.bodies import HEAD, SMALL, BadBody, Upload, read_body

FORM = "application/x-www-form-urlencoded"


async def pieces(*parts: bytes):
    for part in parts:
        yield part


async def test_forms_keep_order_and_repetition():
    body = await read_body(FORM, pieces(b"a=1&b=%C3%A9", b"&a=2&c="))
    assert (body.all("a"), body.get("a"), body.get("b"), body.get("c")) == (["1", "2"], "2", "é", "")
    assert body.get("missing", "else") == "else"


async def test_json_is_decoded_when_asked():
    assert (await read_body("application/json; charset=utf-8", pieces(b'{"a":', b"[1]}"))).json() == {
        "a": [1]
    }
    assert (await read_body("application/json", pieces())).json() == {}
    with pytest.raises(BadBody):
        (await read_body("application/json", pieces(b"{"))).json()


async def test_multipart_in_pieces_of_one_byte():
    data = (
        b'--x\r\nContent-Disposition: form-data; name="alt"\r\n\r\na b\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n1\r\n2\r\n--x--\r\n"
    )
    body = await read_body("multipart/form-data; boundary=x", pieces(*(bytes([b]) for b in data)))
    assert body.fields == [("alt", "a b")]
    upload = body.files["file"]
    assert (upload.data, upload.filename, upload.content_type) == (b"1\r\n2", "a.png", "image/png")


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
async def test_broken_multipart_is_said_so(kind):
    with pytest.raises(BadBody):
        await read_body(kind, pieces(b"nothing of the kind"))


async def test_other_content_is_an_upload():
    body = await read_body("image/png", pieces(b"ab", b"cd"))
    assert body.upload is not None
    assert (body.upload.data, body.upload.sha256) == (b"abcd", hashlib.sha256(b"abcd").hexdigest())


async def test_a_large_upload_costs_no_memory():
    async def many():
        for _ in range(256):
            yield bytes(256 * 1024)

    tracemalloc.start()
    body = await read_body("video/mp4", many())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert body.upload is not None
    assert (body.upload.size, body.upload.data) == (64 * 1024 * 1024, None)
    assert peak < SMALL * 3


def test_head_and_tail_are_kept():
    upload = Upload()
    for number in range(10):
        upload.feed(bytes([number]) * 50_000)
    upload.close()
    assert upload.head == (bytes(50_000) + b"\x01" * 50_000)[:HEAD]
    assert upload.tail == (b"\x08" * 50_000 + b"\x09" * 50_000)[-HEAD:]
