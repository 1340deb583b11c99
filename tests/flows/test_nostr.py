"""The way to sign in on Nostr, against figures typed from the NIPs."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import KeyFlow
from socialkit.flows.nostr import FLOWS

(FLOW,) = FLOWS
NSEC = "nsec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqps52s3re"


def test_the_key_is_the_account():
    assert isinstance(FLOW, KeyFlow)
    assert (FLOW.name, FLOW.kind, FLOW.derives, FLOW.server) == ("key", "none", "nostr", "")
    assert FLOW.fills == {"key": "secret"}
    assert FLOW.whoami is None
    assert FLOW.revocation is None


@pytest.mark.parametrize("pasted", [NSEC, "0" * 63 + "3", "abcdef0123456789" * 4])
def test_what_a_secret_key_looks_like(pasted):
    assert re.fullmatch(FLOW.asks[0].shape, pasted)


@pytest.mark.parametrize(
    "pasted",
    [
        "npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266",
        NSEC[:-1],
        NSEC + "q",
        "0" * 63,
        "nsec1b",
    ],
)
def test_what_no_secret_key_looks_like(pasted):
    assert not re.fullmatch(FLOW.asks[0].shape, pasted)


def test_the_hint_says_how_to_write_a_relays_address():
    assert "wss://" in FLOW.asks[0].hint
    assert "https://" in FLOW.asks[0].hint
