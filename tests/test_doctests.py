"""Every example in the library's own text runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import socialkit

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(socialkit.__path__, "socialkit.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", ["socialkit", *MODULES])
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
