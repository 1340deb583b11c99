"""Misskey's ways to sign in, against figures typed from its pages."""

from __future__ import annotations

from socialkit.flows import KeyFlow, MiAuthFlow, scopes_for
from socialkit.flows.misskey import FLOWS


def test_the_servers_own_page_comes_first():
    assert [(flow.name, type(flow), flow.kind) for flow in FLOWS] == [
        ("miauth", MiAuthFlow, "bearer"),
        ("token", KeyFlow, "bearer"),
    ]
    assert {flow.server for flow in FLOWS} == {""}


def test_each_capability_has_its_permissions():
    for flow in FLOWS:
        assert scopes_for(flow, []) == ("read:account",)
        assert scopes_for(flow, ["publish", "metrics"]) == ("read:account", "write:notes", "write:drive")
        assert flow.scopes["messages"] == ("read:chat", "write:chat")
        assert flow.scopes["delete"] == ("write:notes",)


def test_every_call_is_a_post():
    for flow in FLOWS:
        assert (flow.whoami.method, flow.whoami.url) == ("POST", "/api/i")
        assert (flow.whoami.id, flow.whoami.name) == ("id", "username")
