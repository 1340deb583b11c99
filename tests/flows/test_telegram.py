"""Telegram's way to sign in, against figures typed from the Bot API's pages."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import KeyFlow, at
from socialkit.flows.telegram import FLOWS

(FLOW,) = FLOWS
GOOD = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"


def test_the_token_stands_in_the_path_and_in_no_header():
    assert isinstance(FLOW, KeyFlow)
    assert (FLOW.name, FLOW.kind, FLOW.fills) == ("bot_token", "none", {"bot_token": "access_token"})
    assert at(FLOW.whoami.url, FLOW, "https://api.telegram.org") == (
        "https://api.telegram.org/bot{access_token}/getMe"
    )
    assert (FLOW.whoami.id, FLOW.whoami.name) == ("result.id", "result.username")


@pytest.mark.parametrize("pasted", [GOOD, "1:" + "a" * 35, "7100000001:" + "-_" * 17 + "x"])
def test_what_a_token_looks_like(pasted):
    assert re.fullmatch(FLOW.asks[0].shape, pasted)


@pytest.mark.parametrize(
    "pasted",
    ["", GOOD[:-1], GOOD + "x", "bot" + GOOD, GOOD.replace(":", ""), "1/2:" + "a" * 35, "1:" + "a/" * 17],
)
def test_what_no_token_looks_like(pasted):
    assert not re.fullmatch(FLOW.asks[0].shape, pasted)


def test_there_are_no_scopes_to_grant():
    assert {scope for scopes in FLOW.scopes.values() for scope in scopes} == set()
    assert FLOW.revocation is None
