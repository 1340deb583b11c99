"""Live progress in a terminal: one line per account, bars where bytes flow; plain lines elsewhere."""

from __future__ import annotations

import shutil
import threading
from types import TracebackType
from typing import Self, TextIO

from .._render import shorten
from ..model import Progress

_WORDS = {
    "planned": "planned",
    "waiting": "waiting",
    "uploading": "uploading",
    "processing": "the platform is processing",
    "sending": "sending",
    "looking": "looking for a lost answer",
    "done": "done",
}
_MARKS = {"published": "✓", "processing": "…", "scheduled": "✓", "handed_over": "✓", "unknown": "?"}


class Display:
    """A ``progress`` callable that draws. Use it as a context manager; at its end the last state stays on screen.

    >>> import io
    >>> out = io.StringIO()
    >>> with Display(out) as display:
    ...     display(Progress("sky", "done", detail="published"))
    >>> print(out.getvalue().strip())
    ✓ sky  published
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._lines: dict[str, str] = {}
        self._drawn = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.flush()

    def __call__(self, event: Progress) -> None:
        line = describe(event)
        with self._lock:
            if self._lines.get(event.account) == line:
                return
            self._lines[event.account] = line
            if self._live:
                self._redraw()
            elif event.stage != "uploading" or event.sent == event.total:
                self._out.write(f"{line}\n")

    def _redraw(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A")
        columns = shutil.get_terminal_size((100, 24)).columns
        for line in self._lines.values():
            self._out.write(f"\x1b[2K{shorten(line, columns - 1)}\n")
        self._drawn = len(self._lines)
        self._out.flush()


def describe(event: Progress) -> str:
    """One line for one event."""
    if event.stage == "done":
        return f"{_MARKS.get(event.detail, '✗')} {event.account}  {event.detail}"
    words = _WORDS.get(event.stage, event.stage)
    if event.stage == "uploading" and event.total:
        return f"· {event.account}  {words} {bar(event.sent, event.total)} {_bytes(event.total)}"
    part = f" part {event.part + 1}" if event.part else ""
    detail = f" {event.detail}" if event.detail else ""
    return f"· {event.account}  {words}{part}{detail}"


def bar(sent: int, total: int, width: int = 24) -> str:
    """A bar of fixed width and the percentage.

    >>> bar(1, 2, 8)
    '████     50 %'
    """
    share = min(1.0, sent / total) if total else 1.0
    full = round(share * width)
    return f"{'█' * full}{' ' * (width - full)} {share:.0%}".replace("%", " %")


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.1f} GB"
