"""The front door: every name is there, sorted, explained, and nothing is loaded before it is used."""

import json
import subprocess
import sys

import pytest

import socialkit

HEAVY = (
    "authlib",
    "cattrs",
    "httpx",
    "importlib.metadata",
    "joserfc",
    "pandas",
    "regex",
    "sqlite3",
    "starlette",
    "tenacity",
)


def loaded_by(*statements):
    """The modules a fresh interpreter has loaded after the statements."""
    code = "; ".join([*statements, "import json, sys", "print(json.dumps(sorted(sys.modules)))"])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout))


def heavy(modules):
    return {name for name in modules if name in HEAVY or name.startswith("socialkit.adapters.")}


class TestImport:
    def test_loads_nothing_but_itself(self):
        new = {name for name in loaded_by("import socialkit") if name.startswith("socialkit")}
        assert new == {"socialkit", "socialkit._version"}

    def test_loads_nothing_heavy(self):
        assert not heavy(loaded_by("import socialkit"))

    def test_the_words_load_no_machinery(self):
        modules = loaded_by("import socialkit", "socialkit.Post('hello')", "socialkit.ConfigError")
        assert not heavy(modules)
        assert "socialkit.transport" not in modules

    def test_one_adapter_does_not_load_the_others(self):
        modules = loaded_by("import socialkit", "socialkit.Mastodon")
        assert "socialkit.adapters.mastodon" in modules
        assert heavy(modules) <= {"socialkit.adapters.base", "socialkit.adapters._errors", "regex"} | {
            name
            for name in modules
            if name.startswith(("socialkit.adapters.mastodon", "socialkit.adapters._mastodon"))
        }


class TestNames:
    def test_all_is_sorted_and_has_no_twins(self):
        assert socialkit.__all__ == sorted(set(socialkit.__all__))
        assert dir(socialkit) == socialkit.__all__

    @pytest.mark.parametrize("name", socialkit.__all__)
    def test_every_name_is_there(self, name):
        assert getattr(socialkit, name) is not None

    @pytest.mark.parametrize("name", [n for n in socialkit.__all__ if n != "__version__"])
    def test_every_name_says_what_it_is(self, name):
        value = getattr(socialkit, name)
        assert value.__name__ == name
        assert value.__doc__
        assert ">>>" in value.__doc__, f"{name} has no example"

    def test_every_error_is_public(self):
        from socialkit import errors

        assert set(errors.__all__) <= set(socialkit.__all__)

    def test_the_names_for_type_checkers_are_the_same(self):
        import ast
        from pathlib import Path

        tree = ast.parse(Path(socialkit.__file__).read_text(encoding="utf-8"))
        block = next(node for node in tree.body if isinstance(node, ast.If))
        homes = {
            alias.name: f"socialkit.{node.module}"
            for node in block.body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert sorted([*homes, "__version__"]) == socialkit.__all__
        assert {name: socialkit._home(name) for name in homes} == homes

    def test_an_unknown_name_is_an_attribute_error(self):
        assert not hasattr(socialkit, "Pots")
        with pytest.raises(ImportError):
            from socialkit import Pots  # noqa: F401

    def test_a_star_import_gives_them_all(self):
        names = {}
        exec("from socialkit import *", names)
        assert set(socialkit.__all__) <= set(names)
