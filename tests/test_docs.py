"""The guide to adding a platform holds a whole adapter and its sandbox; both pass the suite as they are printed."""

from __future__ import annotations

import sys
import types
import unittest
from collections.abc import Iterator

import pytest

from documents import ROOT, blocks

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


def test_every_file_the_guide_names_is_where_it_says() -> None:
    for place in (
        "src/socialkit/registry.py",
        "tests/conformance/openapi.py",
        "tests/adapters/test_contract.py",
    ):
        assert (ROOT / place).is_file()
        assert place in (ROOT / GUIDE).read_text(encoding="utf-8")
