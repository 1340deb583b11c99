"""Words to and from a person at the terminal: lines, secrets that are not shown, waiting."""

from __future__ import annotations

import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from .._render import _CONTROL, width_of
from ..errors import LoginFailed
from ..flows import Ask

__all__ = ["Waiting", "answers", "clean", "is_terminal", "line", "say", "wrapped"]

_ENDED = "standard input ended before the answer came; nothing was stored"
_TRIES = 3


class InputEnded(LoginFailed):
    """Nobody answers any more."""


def clean(text: object) -> str:
    """The text without anything that moves a terminal's cursor, and without what no encoding can hold.

    >>> clean("br\\x1band\\ud800")
    'br and?'
    """
    return _CONTROL.sub(" ", str(text)).encode("utf-8", "replace").decode()


def say(text: str = "") -> None:
    """Print to standard output, whatever its encoding holds."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def wrapped(text: str, first: str = "", other: str = "  ") -> list[str]:
    """The text in lines that fit the terminal; addresses stay whole."""
    columns = shutil.get_terminal_size((100, 24)).columns
    fold = textwrap.TextWrapper(
        columns, initial_indent=first, subsequent_indent=other, break_long_words=False
    )
    fold.break_on_hyphens = False
    return fold.wrap(text)


def is_terminal() -> bool:
    """Whether a person can answer."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # closed
        return False


def line(prompt: str, *, secret: bool = False) -> str:
    """What is typed or piped after the prompt, without white space around it; a secret is not shown while it is typed.

    LoginFailed when the input has ended.
    """
    try:
        if secret and is_terminal():
            import getpass

            given = getpass.getpass(f"{prompt}: ")
        else:
            print(f"{prompt}: ", end="" if is_terminal() else "\n", flush=True)
            given = _read()
    except EOFError:
        raise InputEnded(_ENDED, reason="invalid") from None
    if not given.isprintable() and not given.strip().isprintable():
        raise LoginFailed("what was given holds characters that cannot be typed", reason="invalid")
    return given.strip()


def _read() -> str:
    try:
        given = sys.stdin.readline() if sys.stdin is not None else ""
    except UnicodeDecodeError:
        raise LoginFailed("standard input is not UTF-8", reason="invalid") from None
    except (ValueError, OSError):  # closed
        given = ""
    if not given:
        raise EOFError
    return given


def answers(asks: Sequence[Ask]) -> dict[str, str]:
    """What the person gives for each ask, in order; at a terminal a wrong form is asked for again."""
    return {ask.name: _answer(ask) for ask in asks}


def _answer(ask: Ask) -> str:
    for told in wrapped(ask.hint, "  ", "  "):
        say(told)
    given = ""
    for _ in range(_TRIES if is_terminal() else 1):
        try:
            given = line(ask.words, secret=ask.secret)
        except InputEnded:
            if not ask.optional:
                raise
        if _fits(ask, given) or not is_terminal():
            break
        say("  that has not the form asked for" if given else "  nothing was given")
    return given


def _fits(ask: Ask, given: str) -> bool:
    import re

    return ask.optional if not given else not ask.shape or re.fullmatch(ask.shape, given) is not None


class Waiting:
    """A line that counts the seconds while a person is somewhere else; at its end the line is cleared.

    Where standard output is no terminal, the words are printed once.
    """

    def __init__(self, words: str, *, every: float = 1.0, out: Callable[[str], object] | None = None) -> None:
        self._words, self._every = words, every
        self._live = sys.stdout.isatty() or out is not None
        self._out = out or sys.stdout.write
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, name="socialkit-waiting", daemon=True)

    def __enter__(self) -> Self:
        if self._live:
            self._thread.start()
        else:
            say(self._words)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._live:
            self._thread.join(2)
            self._out(f"\r{' ' * (width_of(self._words) + 8)}\r")
            sys.stdout.flush()

    def _count(self) -> None:
        seconds = 0
        while True:
            self._out(f"\r{self._words} {seconds // 60}:{seconds % 60:02d}")
            sys.stdout.flush()
            if self._over.wait(self._every):
                return
            seconds += 1
