"""Ghost's way to sign in, against figures typed from its source."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import KeyFlow, at
from socialkit.flows.ghost import FLOWS

(FLOW,) = FLOWS
NUMBER, SECRET = "5f8e1b2c3d4e5f6a7b8c9d0e", "0123456789abcdef" * 4


def test_a_key_is_a_number_and_a_secret():
    assert isinstance(FLOW, KeyFlow)
    assert (FLOW.name, FLOW.kind, FLOW.server) == ("admin_key", "ghost", "")
    match = re.fullmatch(FLOW.asks[0].shape, f"{NUMBER}:{SECRET}")
    assert {FLOW.fills[name]: value for name, value in match.groupdict().items()} == {
        "client_id": NUMBER,
        "secret": SECRET,
    }


@pytest.mark.parametrize(
    "pasted",
    [f"{NUMBER}{SECRET}", f"{NUMBER}:{SECRET[:-1]}", f"{NUMBER[1:]}:{SECRET}", "5f8e1b2c3d4e5f6a7b8c9d0e12"],
)
def test_what_is_no_admin_key(pasted):
    assert not re.fullmatch(FLOW.asks[0].shape, pasted)


def test_the_site_is_the_account_and_its_configuration_proves_the_key():
    site = "https://example.com/blog"
    assert at(FLOW.whoami.url, FLOW, site) == f"{site}/ghost/api/admin/site/"
    assert at(FLOW.whoami.proof, FLOW, site) == f"{site}/ghost/api/admin/config/"
    assert FLOW.whoami.id.split("|") == ["site.site_uuid", "site.url"]
    assert FLOW.whoami.headers == {"accept-version": "v6.0"}
