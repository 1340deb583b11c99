"""The house keeps its doors: who may import what, how large a room may be, nothing left half done."""

import ast
import statistics
import sys
from fnmatch import fnmatch
from pathlib import Path

import attrs
import pytest

import socialkit

SRC = Path(socialkit.__file__).parent
TESTS = Path(__file__).parent

# Which other libraries a room may import; every room may import attrs. A room's helpers share its doors.
DOORS = {
    "transport": {"httpx", "tenacity", "websockets"},
    "auth": {"authlib", "joserfc", "cryptography"},
    "store": {"sqlite3", "keyring"},
    "media_host": {"botocore"},
    "_convert": {"cattrs"},
    "text": {"regex"},
    "media": {"PIL", "av"},
    "images": {"PIL"},
    "testing": {"pytest"},
    "main": {"uvicorn"},
    "sandbox": {"starlette", "uvicorn", "python_multipart", "PIL"},
}
FACES = {"__init__", "__main__", "cli", "contracts", "registry", "testing"}
"""Modules outside the core: they may reach adapters and the sandbox, lazily."""
ADAPTERS_MAY = {"model", "rules", "errors", "text", "metrics", "flows"}


@attrs.frozen
class Import:
    """One import statement: the dotted module it reaches, its line, and whether only type checkers see it."""

    module: str
    line: int
    typing_only: bool


@attrs.frozen(eq=False)
class Module:
    """One file of the library: its dotted name below the package, its tree and its imports."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self):
        """The room a file belongs to: its package, or its own name without what a helper file adds to it."""
        if self.name.partition(".")[0] in DOORS:
            return self.name.partition(".")[0]
        bare = self.name.strip("_")
        return next((room for room in DOORS if bare == room or bare.startswith(f"{room}_")), bare)

    def imports(self):
        skipped = {
            id(node) for block in ast.walk(self.tree) if _type_checking(block) for node in ast.walk(block)
        }
        for node in ast.walk(self.tree):
            for module in self._reached(node):
                yield Import(module, node.lineno, id(node) in skipped)

    def _reached(self, node):
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if not isinstance(node, ast.ImportFrom):
            return []
        if not node.level:
            return (
                [node.module] if node.module != "socialkit" else [f"socialkit.{a.name}" for a in node.names]
            )
        inside = ["socialkit", *self.name.split(".")]
        package = inside[
            : len(inside) - node.level + (self.path.name == "__init__.py" and self.name != "__init__")
        ]
        base = ".".join(package)
        base = f"{base}.{node.module}" if node.module else base
        if (SRC.parent / base.replace(".", "/")).is_dir():
            return [f"{base}.{alias.name}" for alias in node.names]
        return [base]


def _type_checking(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _read(path):
    name = ".".join(path.relative_to(SRC).with_suffix("").parts)
    if name.endswith(".__init__"):
        name = name.removesuffix(".__init__")
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8")))


MODULES = [_read(path) for path in sorted(SRC.rglob("*.py"))]
every_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def below(module, *packages):
    return any(module == f"socialkit.{one}" or module.startswith(f"socialkit.{one}.") for one in packages)


# --- doors --------------------------------------------------------------------------------------------------
@every_module
def test_other_libraries_come_in_through_their_door(module):
    allowed = DOORS.get(module.room, set()) | {"attrs", "socialkit"}
    if module.room == "metrics":
        allowed |= {"pandas", "polars", "pyarrow"}
    found = {one.module.partition(".")[0] for one in module.imports()}
    foreign = {name for name in found - allowed if name not in sys.stdlib_module_names or name == "sqlite3"}
    assert not foreign, f"{module.name} imports {sorted(foreign)}"


@every_module
def test_the_core_knows_no_platform_no_sandbox_and_no_desk(module):
    if module.name.partition(".")[0] in FACES | {"adapters", "sandbox", "desk"}:
        return
    reached = [one for one in module.imports() if below(one.module, "adapters", "sandbox", "desk")]
    named = [one for one in reached if not below(one.module, "adapters.base", "adapters._errors")]
    assert not named, [f"line {one.line}: {one.module}" for one in named]
    strings = [node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)]
    hidden = [
        text for text in strings if isinstance(text, str) and below(text, "adapters", "sandbox", "desk")
    ]
    assert not hidden, f"{module.name} reaches {hidden} by name"


@pytest.mark.parametrize(
    "module", [m for m in MODULES if m.name.startswith("adapters.")], ids=lambda module: module.name
)
def test_an_adapter_sees_only_the_words_and_the_contract(module):
    platform = module.name.removeprefix("adapters.").strip("_").partition("_")[0]
    own = (f"socialkit.adapters.{platform}*", f"socialkit.adapters._{platform}*")
    fine = {f"socialkit.{name}" for name in ADAPTERS_MAY} | {"socialkit.adapters.base"}
    if platform in ("base", "errors", "graph"):
        fine |= {"socialkit.adapters._errors"}
    if platform in ("facebook", "instagram", "threads"):
        fine |= {"socialkit.adapters._graph"}
    for one in module.imports():
        if one.module.startswith("socialkit"):
            room = ".".join(one.module.split(".")[:2])
            allowed = {one.module, room} & fine or any(fnmatch(one.module, pattern) for pattern in own)
            assert allowed, f"{module.name} line {one.line}: {one.module}"


@every_module
def test_an_adapter_never_waits_logs_or_looks_at_the_clock(module):
    if not module.name.startswith("adapters.") or module.name in ("adapters.base", "adapters._errors"):
        return
    found = {one.module.partition(".")[0] for one in module.imports()}
    assert not found & {
        "asyncio",
        "logging",
        "sqlite3",
        "subprocess",
        "threading",
        "time",
        "urllib3",
        "requests",
    }
    names = [ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    assert "datetime.now" not in names


@every_module
def test_nothing_heavy_is_imported_with_a_module(module):
    heavy = {
        "authlib",
        "joserfc",
        "sqlite3",
        "starlette",
        "PIL",
        "av",
        "pandas",
        "polars",
        "pyarrow",
        "keyring",
    }
    if module.room in ("sandbox", "auth") or module.name == "store._sqlite":
        return
    names = [name for node in module.tree.body for name in module._reached(node)]
    assert not {name.partition(".")[0] for name in names} & heavy


# --- sizes --------------------------------------------------------------------------------------------------
def functions(module):
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function):
    """Lines of a function without decorators and without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


@every_module
def test_a_module_is_no_longer_than_its_kind_may_be(module):
    limit = 900 if module.name.startswith(("adapters.", "sandbox.")) else 600
    assert len(module.path.read_text(encoding="utf-8").splitlines()) <= limit


@every_module
def test_no_function_is_longer_than_eighty_lines(module):
    long = {function.name: length(function) for function in functions(module) if length(function) > 80}
    assert not long


def test_most_functions_are_short():
    lengths = sorted(length(function) for module in MODULES for function in functions(module))
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 50


# --- nothing half done --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path", sorted([*SRC.rglob("*.py"), *TESTS.rglob("*.py")]), ids=lambda path: path.name
)
def test_nothing_is_left_for_later(path):
    words = {"TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"}
    assert not words & set(path.read_text(encoding="utf-8").replace(":", " ").replace("(", " ").split())


@every_module
def test_every_module_and_public_class_is_explained(module):
    assert ast.get_docstring(module.tree) or module.name == "_version"
    silent = [
        node.name
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert not silent
