"""Edits of a TOML file that touch only what they mean to: comments, order and spacing of the rest stay byte for byte.

Only tables of texts are written, which is all ``socialkit.toml`` needs. What an edit did is checked by reading its
result again: where anything but the wanted table differs, there is no result.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from .errors import ConfigError

__all__ = ["Document", "Uneditable", "read", "table_lines", "update", "writable"]

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>#[^\n]*)"
    r"|(?P<open>[\[{])"
    r"|(?P<close>[\]}])"
    r"|(?P<end>\n)"
    r"|(?P<bare>[^\"'#\[\]{}\n]+)"
    r"|.",
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
Path_ = tuple[str, ...]


class Uneditable(ConfigError):
    """The file holds the table in a form that cannot be edited in place; nothing was written."""


@attrs.frozen
class _Statement:
    """A header, a key with its value, or lines of neither; ``end`` is behind its line end."""

    start: int
    end: int
    equals: int
    comment: int
    kind: str
    path: Path_


@attrs.frozen
class Document:
    """The text of a TOML file and what it says.

    >>> old = Document.of('# ours\\n[accounts.a]\\nplatform = "x"  # the loud one\\n')
    >>> print(old.with_table(("accounts", "a"), {"id": "7"}).text, end="")
    # ours
    [accounts.a]
    platform = "x"  # the loud one
    id = "7"
    """

    text: str
    data: dict[str, Any] = attrs.field(eq=False)

    @classmethod
    def of(cls, text: str) -> Document:
        """The document with that text; a ConfigError where it is no TOML."""
        import tomllib

        try:
            return cls(text, tomllib.loads(text))
        except ValueError as error:  # a TOMLDecodeError, or a number of too many digits
            raise ConfigError(str(error)) from None
        except RecursionError:
            raise ConfigError("nested too deeply") from None

    def table(self, path: Path_) -> dict[str, Any] | None:
        """The table at that path, or None."""
        found: Any = self.data
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def with_table(self, path: Path_, values: Mapping[str, str], drop: Iterable[str] = ()) -> Document:
        """The document whose table at ``path`` has these values, and none of the keys in ``drop``.

        A table that is not there is added at the end. Uneditable where that would change anything else.
        """
        gone = [name for name in drop if name not in values]
        body = {name: value for name, value in (self.table(path) or {}).items() if name not in gone}
        return self._checked(self._edited(path, values, gone), path, {**body, **values})

    def without_table(self, path: Path_) -> Document:
        """The document without the table and the tables below it; Uneditable where that would change anything else."""
        return self._checked(self._removed(path), path, None)

    def _checked(self, text: str, path: Path_, wanted: dict[str, Any] | None) -> Document:
        """The document with the new text, if it says what the old one said but for the wanted table."""
        try:
            made = Document.of(text)
            text.encode()
        except (ConfigError, UnicodeEncodeError):
            raise Uneditable(_words(path)) from None
        if not _same(_pruned(made.data, path), _pruned(self.data, path)) or not _same(
            made.table(path), wanted
        ):
            raise Uneditable(_words(path))
        return made

    def _edited(self, path: Path_, values: Mapping[str, str], gone: Iterable[str]) -> str:
        statements = list(_statements(self.text))
        header = next(
            (i for i, one in enumerate(statements) if one.kind == "table" and one.path == path), None
        )
        if header is None:
            return self._appended(path, values)
        body = _body(statements, header)
        changes = {one.path[0]: one for one in body if len(one.path) == 1}
        edits = [(one.start, one.end, "") for name, one in changes.items() if name in gone]
        edits += [
            (changes[name].equals, changes[name].comment, f" {_quoted(value)}")
            for name, value in values.items()
            if name in changes and self.table(path) is not None and (self.table(path) or {})[name] != value
        ]
        new = [f"{name} = {_quoted(value)}" for name, value in values.items() if name not in changes]
        at = max([statements[header].end, *(one.end for one in body)])
        return _applied(self.text, [*edits, (at, at, self._lines(new, at))])

    def _lines(self, lines: list[str], at: int) -> str:
        end = _line_end(self.text)
        before = end if lines and at and self.text[at - 1] != "\n" else ""
        return before + "".join(f"{line}{end}" for line in lines)

    def _appended(self, path: Path_, values: Mapping[str, str]) -> str:
        end = _line_end(self.text)
        between = "" if not self.text else end if self.text.endswith("\n") else end * 2
        return f"{self.text}{between}{table_lines(path, values, end)}"

    def _removed(self, path: Path_) -> str:
        statements = list(_statements(self.text))
        edits = []
        for index, one in enumerate(statements):
            if one.kind in ("table", "tables") and one.path[: len(path)] == path:
                end = max([one.end, *(key.end for key in _body(statements, index))])
                edits.append((_blank_before(self.text, one.start), end, ""))
        return _applied(self.text, edits)


def table_lines(path: Path_, values: Mapping[str, str], end: str = "\n") -> str:
    """The table as it is written into the file.

    >>> print(table_lines(("accounts", "brand x"), {"platform": "x"}), end="")
    [accounts."brand x"]
    platform = "x"
    """
    header = ".".join(name if _BARE.fullmatch(name) else _quoted(name) for name in path)
    return "".join(
        [f"[{header}]{end}", *(f"{name} = {_quoted(value)}{end}" for name, value in values.items())]
    )


def _quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are among TOML's."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _words(path: Path_) -> str:
    words = "cannot be edited in place: it, or a table around it, is written on one line or with dots"
    return f"[{'.'.join(path)}] {words}"


def _line_end(text: str) -> str:
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _blank_before(text: str, start: int) -> int:
    """Where the one empty line above ``start`` begins; ``start`` itself where there is none."""
    for end in ("\r\n", "\n"):
        if text[:start].endswith(end * 2):
            return start - len(end)
    return start


def _applied(text: str, edits: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


# --- statements -------------------------------------------------------------------------------------------
def _body(statements: list[_Statement], header: int) -> list[_Statement]:
    """The keys of a table: what stands between its header and the next one."""
    found = []
    for one in statements[header + 1 :]:
        if one.kind in ("table", "tables"):
            break
        if one.kind == "key":
            found.append(one)
    return found


def _statements(text: str) -> Iterator[_Statement]:
    """The statements of a text that is TOML, in order; together they are the text."""
    at = 0
    while at < len(text):
        statement = _statement(text, at)
        yield statement
        at = statement.end


def _statement(text: str, start: int) -> _Statement:
    depth, equals, comment, at = 0, -1, -1, start
    for token in _TOKEN.finditer(text, start):
        at = token.end()
        kind = token.lastgroup
        depth += (kind == "open") - (kind == "close")
        if kind == "bare" and equals < 0 and "=" in token[0]:
            equals = token.start() + token[0].index("=") + 1
        elif kind == "comment" and not depth:
            comment = token.start()
        elif kind == "end" and not depth:
            break
    said = text[start : comment if comment >= 0 else at].strip()
    kind = (
        "tables" if said.startswith("[[") else "table" if said.startswith("[") else "key" if said else "blank"
    )
    return _Statement(start, at, equals, _value_end(text, start, at, comment), kind, _path(said, kind))


def _value_end(text: str, start: int, end: int, comment: int) -> int:
    """Where the value ends: before the white space in front of the comment or the line end."""
    stop = comment if comment >= 0 else end
    return start + len(text[start:stop].rstrip())


def _path(said: str, kind: str) -> Path_:
    """The names of a header or a key, unquoted."""
    if kind == "blank":
        return ()
    try:
        found: Any = Document.of(said if kind != "key" else f"{_key(said)} = 0").data
    except ConfigError:
        return ()
    path: list[str] = []
    while isinstance(found, dict | list) and found:
        name, found = (next(iter(found.items()))) if isinstance(found, dict) else (None, found[0])
        path += [] if name is None else [name]
    return tuple(path)


def _key(said: str) -> str:
    for token in _TOKEN.finditer(said):
        if token.lastgroup == "bare" and "=" in token[0]:
            return said[: token.start() + token[0].index("=")]
    return said


# --- comparing --------------------------------------------------------------------------------------------
def _same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from 1.0 and True, and takes nan for nan."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and (one == other or (one != one and other != other))


def _pruned(data: dict[str, Any], path: Path_) -> dict[str, Any]:
    """The data without what is at the path, and without a table around it that is empty then."""
    name, *rest = path
    if name not in data:
        return data
    inside = data[name]
    if not rest or not isinstance(inside, dict):
        kept = None if not rest else inside
    else:
        kept = _pruned(inside, tuple(rest)) or None
    others = {key: value for key, value in data.items() if key != name}
    return others if kept is None else {**others, name: kept}


# --- the file ---------------------------------------------------------------------------------------------
def read(path: Path) -> Document:
    """The file as a document, an empty one when there is no file; a ConfigError that names it."""
    try:
        return Document.of(path.read_bytes().decode())
    except FileNotFoundError:
        return Document.of("")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except ValueError:
        raise ConfigError(f"{str(path)!r} is no path") from None


def writable(path: Path) -> None:
    """A ConfigError where the file cannot be read, or replaced by a new one."""
    read(path)
    real = _real(path)
    try:
        if real.exists() and not os.access(real, os.W_OK):
            raise ConfigError(f"{path} cannot be written: it is read-only")
        with tempfile.TemporaryFile(dir=real.parent):
            pass
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {real.parent}: {error.strerror or error}") from None


def update(path: Path, change: Callable[[Document], Document]) -> Document:
    """Change the file: read, changed and replaced whole while nobody else does; a link is followed.

    Nothing is written when nothing changed, or ``change`` raises.
    """
    real = _real(path)
    with _alone(real.parent):
        old = read(path)
        new = change(old)
        if new.text != old.text:
            try:
                _replace(real, new.text.encode())
            except OSError as error:
                raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    return new


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two commands at once must not lose each other's table."""
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror or error}") from None
    try:
        with contextlib.suppress(OSError):  # file systems without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)  # it holds no secret
    try:
        with os.fdopen(descriptor, "wb") as file:
            if path.exists():
                os.fchmod(descriptor, stat.S_IMODE(path.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
