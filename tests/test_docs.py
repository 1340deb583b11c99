"""The guide to adding a platform holds a whole adapter and its sandbox; both pass the suite as they are printed."""

from __future__ import annotations

import re
import sys
import types
import unittest
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import attrs
import pytest

from documents import ROOT, blocks
from socialkit import App, Client, Post, registry
from socialkit.adapters import base
from socialkit.rules import Budget, ErrorRow, FindRule
from socialkit.sandbox import Sandbox

GUIDE = "docs/adding-a-platform.md"
MODULE = "harbour_of_the_guide"


@pytest.fixture(scope="module")
def harbour() -> Iterator[types.ModuleType]:
    """The guide's Python blocks as one module."""
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    for code in blocks(GUIDE):
        exec(compile(code, GUIDE, "exec", dont_inherit=True), module.__dict__)
    yield module
    del sys.modules[MODULE]


def test_the_example_passes_the_suite(harbour: types.ModuleType) -> None:
    suite, skipped = harbour.TestHarbour(), []
    names = [name for name in dir(suite) if name.startswith("test_")]
    for name in names:
        try:
            getattr(suite, name)()
        except unittest.SkipTest:
            skipped.append(name)
    assert len(names) - len(skipped) > 35
    assert not [name for name in skipped if "thread" in name]


def test_the_example_is_a_small_adapter() -> None:
    adapter, box = (len(code.splitlines()) for code in blocks(GUIDE)[:2])
    assert adapter <= 150
    assert box <= 120


@pytest.fixture
def installed(harbour: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as a package that has been installed beside socialkit."""
    objects = {"socialkit.adapters": "Harbour", "socialkit.sandbox": "HarbourBoxWithPeople"}

    def plugins(group: str) -> dict[str, EntryPoint]:
        return {"harbour": EntryPoint("harbour", f"{MODULE}:{objects[group]}", group)}

    monkeypatch.setattr(registry, "_plugins", plugins)


@pytest.mark.usefixtures("installed")
def test_people_sign_in_to_the_example() -> None:
    callback = "https://app.example.com/callback"
    with Sandbox(["harbour"]) as sandbox:
        box: Any = sandbox.harbour
        apps = {"harbour": App(**box.app_for("oauth2", callback))}
        with Client(apps=apps, transport=sandbox.transport, clock=sandbox.clock) as client:
            login = client.begin_login("harbour", redirect_uri=callback)
            account = client.finish_login(login, box.approve(login.url, "other"))
            assert account.identity.id == box.identity_of("other") == "u2"
            assert account.missing_scopes == ()
            sandbox.clock.advance(3601)
            assert client.publish(Post("Hello"), account.adapter).ok
            assert box.refresh_count == 1
            assert client.logout(account.adapter)


def test_the_guide_names_all_an_adapter_is_given() -> None:
    """Draft, Call and the fields of rules and budgets: what is not told there is found by nobody."""
    page = (ROOT / GUIDE).read_text(encoding="utf-8")
    given = {name for kind in (base.Draft, base.Call) for name in vars(kind) if not name.startswith("_")}
    given |= {name for kind in (base.Draft, base.Call) for name in kind.__annotations__}
    assert {name for name in given - {"account", "extras"} if not re.search(rf"\b{name}\b", page)} == set()
    rows = {field.name for kind in (Budget, ErrorRow, FindRule) for field in attrs.fields(kind)}
    assert {
        name for name in rows - {"name", "limit", "source"} if not re.search(rf"\b{name}\b", page)
    } == set()


def test_every_file_the_guide_names_is_where_it_says() -> None:
    for place in (
        "src/socialkit/registry.py",
        "tests/conformance/openapi.py",
        "tests/adapters/test_contract.py",
        "tests/test_signin_table.py",
        "tests/test_login_command.py",
        "tests/test_platform_pages.py",
        "tests/test_plan_words.py",
    ):
        assert (ROOT / place).is_file()
        assert place in (ROOT / GUIDE).read_text(encoding="utf-8")
