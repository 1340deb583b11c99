"""DEV's way to sign in, against figures typed from its pages."""

from __future__ import annotations

import re

from socialkit import DevTo
from socialkit.adapters.base import Credential
from socialkit.flows import KeyFlow, at
from socialkit.flows.devto import FLOWS

(FLOW,) = FLOWS


def test_a_key_of_the_settings():
    assert isinstance(FLOW, KeyFlow)
    assert (FLOW.name, FLOW.kind, FLOW.server) == ("api_key", "api-key", "https://dev.to")
    assert FLOW.setup == "https://dev.to/settings/extensions"
    assert re.fullmatch(FLOW.asks[0].shape, "a1B2c3D4e5F6g7H8i9J0k1L2")
    assert not re.fullmatch(FLOW.asks[0].shape, "two words")


def test_who_it_is_on_any_site():
    assert at(FLOW.whoami.url, FLOW, "https://forem.example.com") == "https://forem.example.com/api/users/me"
    assert (FLOW.whoami.id, FLOW.whoami.name) == ("id", "username")


def test_the_adapter_signs_with_what_the_flow_fills():
    assert DevTo.flows == FLOWS
    credential = Credential(FLOW.kind, **{FLOW.fills["api_key"]: "s3cret"})
    assert DevTo().authorize(credential) == {
        "api-key": "s3cret",
        "accept": "application/vnd.forem.api-v1+json",
    }


def test_a_key_may_do_everything_and_ends_nowhere():
    assert set(FLOW.scopes) == {"identify", "publish", "metrics", "delete"}
    assert set(FLOW.scopes.values()) == {()}
    assert FLOW.revocation is None
