"""The Nostr sandbox over HTTP: a relay says what it is. Keys are people's own."""

from __future__ import annotations

import pytest

from socialkit.sandbox import Sandbox


@pytest.fixture
def box():
    with Sandbox(["nostr"]) as made:
        yield made


async def test_the_relay_tells_programs_what_it_is(box, http):
    asked = {"accept": "application/nostr+json"}
    answer = await http(box).get("https://relay.example.com/", headers=asked)
    assert answer.headers["content-type"] == "application/nostr+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {1, 9, 11} <= set(answer.json()["supported_nips"])
    assert answer.json()["limitation"]["auth_required"] is False


async def test_browsers_are_told_in_a_line(box, http):
    answer = await http(box).get("https://relay.example.com/")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Nostr client" in answer.text


def test_keys_are_those_of_the_published_vectors(box):
    assert box.nostr.answers("key") == {
        "key": "nsec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqps52s3re"
    }
    assert box.nostr.identity_of("brand") == (
        "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
    )
    assert box.nostr.answers("key", "other") == {"key": f"{1:064x}"}
    assert box.nostr.identity_of("other") == (
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    )
    assert "nsec1" not in repr(box.nostr.people["brand"])


def test_both_keys_make_the_identities_they_should(box):
    keys = pytest.importorskip("socialkit.auth._nostr")
    for username in ("brand", "other"):
        key = keys.NostrKey.read(box.nostr.answers("key", username)["key"])
        assert key.public == box.nostr.identity_of(username)
