"""Reports, plans and metrics as tables for a terminal and a notebook, and as the error they add up to."""

from __future__ import annotations

import html
import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from .errors import (
    InvalidPost,
    OutcomeUnknown,
    PlatformError,
    PublishErrors,
    Refused,
    SocialKitError,
    ThreadPartlyPosted,
)
from .model import Outcome, Problem, Report, Status

if TYPE_CHECKING:
    from .plan import Plan, TargetPlan

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ROOM = 30
"""Columns that are worth a column of notes."""
_CELL = "text-align:{0};vertical-align:top;padding:2px 8px;white-space:pre-line"


def width_of(text: str) -> int:
    """Columns a terminal uses for the text: wide characters and emoji take two, combining marks none."""
    total = last = 0
    for previous, char in zip(f" {text}", text, strict=False):
        kind = unicodedata.category(char)
        if char == "\ufe0f" and last == 1:
            total, last = total + 1, 2
        elif kind in ("Mn", "Me", "Cf") or previous == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff":
            continue
        else:
            last = 2 if unicodedata.east_asian_width(char) in "WF" else 1
            total += last
    return total


def shorten(text: str, width: int) -> str:
    """The text cut to ``width`` columns, with an ellipsis where something was cut."""
    if width_of(text) <= width:
        return text
    kept = text
    while kept and width_of(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…"


def _shown(value: Any, unknown: str) -> str:
    if value is None:
        return unknown
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%SZ" if value.second else "%Y-%m-%d %H:%MZ")
    return _CONTROL.sub(" ", f"{value:,.10g}" if isinstance(value, float) else str(value))


@attrs.frozen
class Table:
    """Rows under columns; ``unknown`` stands where a cell is None. Columns of numbers are set right.

    >>> print(Table(("account", "likes"), (("sky", 12), ("toots", None)), unknown="?"))
    account  likes
    sky         12
    toots        ?
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    unknown: str = ""

    def text(self, width: int | None = None) -> str:
        """Aligned lines; with ``width`` the widest columns are cut until they fit that many columns."""
        cells = self._cells()
        widths = _fitted(self._needed(cells), width)
        lines = [self._line([[name] for name in self.columns], widths)]
        lines += [self._line(row, widths) for row in cells]
        return "\n".join([self.title, *lines] if self.title else lines)

    def wrapped(self, width: int) -> str:
        """The same, at most ``width`` columns where that can be: the last column goes on in more lines, or
        stands below its row when little room is left. Other columns, such as URLs, are never cut.

        >>> print(Table(("key", "note"), (("launch", "look again in a minute"),)).wrapped(26))
        key
        launch
            look again in a minute
        """
        cells = self._cells()
        *needed, last = self._needed(cells)
        room = width - sum(needed) - 2 * len(needed)
        if last <= room or not needed:
            return self.text()
        longest = max(width_of(word) for row in cells for line in row[-1] for word in (line.split() or [""]))
        below = room < max(_ROOM, longest)
        room = width - 4 if below else room
        lines = [self.title] if self.title else []
        names = self.columns[:-1] if below else self.columns
        lines.append(self._line([[name] for name in names], needed if below else [*needed, room]))
        for row in cells:
            note = _folded(row[-1], room)
            if below:
                lines += [self._line(row[:-1], needed), *(f"    {line}" for line in note)]
            else:
                lines.append(self._line([*row[:-1], note], [*needed, room]))
        return "\n".join(lines)

    def _cells(self) -> list[list[list[str]]]:
        return [[_shown(value, self.unknown).split("\n") for value in row] for row in self.rows]

    def _needed(self, cells: Sequence[Sequence[Sequence[str]]]) -> list[int]:
        return [
            max([width_of(name), *(width_of(line) for row in cells for line in row[index])])
            for index, name in enumerate(self.columns)
        ]

    def _line(self, cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
        height = max(len(cell) for cell in cells)
        rows = ([cell[line] if line < len(cell) else "" for cell in cells] for line in range(height))
        return "\n".join(self._padded(row, widths).rstrip() for row in rows)

    def _padded(self, row: Sequence[str], widths: Sequence[int]) -> str:
        parts = []
        for index, (cell, width) in enumerate(zip(row, widths, strict=True)):
            kept = shorten(cell, width)
            space = " " * (width - width_of(kept))
            parts.append(space + kept if self._right(index) else kept + space)
        return "  ".join(parts)

    def _right(self, column: int) -> bool:
        values = [row[column] for row in self.rows if row[column] is not None]
        return bool(values) and all(isinstance(value, int | float) for value in values)

    def html(self) -> str:
        """An HTML table; every cell escaped, links only where a whole cell is an http(s) URL."""
        aligned = ["right" if self._right(index) else "left" for index in range(len(self.columns))]
        head = "".join(
            f'<th style="{_CELL.format(side)}">{html.escape(name)}</th>'
            for side, name in zip(aligned, self.columns, strict=True)
        )
        body = "".join(f"<tr>{self._html_row(row, aligned)}</tr>" for row in self.rows)
        caption = (
            f'<caption style="text-align:left">{html.escape(self.title)}</caption>' if self.title else ""
        )
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _html_row(self, row: Sequence[Any], aligned: Sequence[str]) -> str:
        cells = zip(aligned, row, strict=True)
        return "".join(
            f'<td style="{_CELL.format(side)}">{_html_cell(_shown(value, self.unknown))}</td>'
            for side, value in cells
        )

    __str__ = text


def _folded(lines: Iterable[str], width: int) -> list[str]:
    """The lines, each broken between words at ``width``."""
    fold = textwrap.TextWrapper(width, break_long_words=False, break_on_hyphens=False)
    return [part for line in lines for part in fold.wrap(line)]


def _html_cell(text: str) -> str:
    safe = html.escape(text)
    return f'<a href="{safe}">{safe}</a>' if re.fullmatch(r"https?://\S+", text) else safe


def _fitted(needed: Sequence[int], width: int | None) -> list[int]:
    widths = list(needed)
    while width is not None and sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 4:
        widths[widths.index(max(widths))] -= 1
    return widths


# --- reports ------------------------------------------------------------------------------------------------
def report_table(report: Report, told: Callable[[str], str] = str) -> Table:
    """One row per account: status, URL and what there is to know or do; ``told`` rewrites the words of errors."""
    good = sum(outcome.ok for outcome in report.outcomes)
    rows = [
        (outcome.account, outcome.platform, outcome.status.value, outcome.url, told(_note(outcome)))
        for outcome in report.outcomes
    ]
    title = (
        f"{report.key}: {good} of {_counted(len(rows), 'account')} done"
        if report.key
        else f"{good} of {_counted(len(rows), 'post')} done"
    )
    return _lean(Table(("account", "platform", "status", "url", "note"), rows, title))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def fate(outcome: Outcome) -> str:
    """The status, and whether it was deleted since.

    >>> from datetime import UTC, datetime
    >>> fate(Outcome("sky", "bluesky", "published", deleted_at=datetime(2026, 11, 2, 9, tzinfo=UTC)))
    'published, deleted 2026-11-02 09:00Z'
    """
    if outcome.deleted_at is None:
        return outcome.status.value
    return f"{outcome.status.value}, deleted {_shown(outcome.deleted_at, '')}"


def _lean(table: Table) -> Table:
    """The table without a platform column that only repeats the account's name, and without an empty last one."""
    keep = [
        index
        for index, name in enumerate(table.columns)
        if not (name == "platform" and all(row[index] == row[0] for row in table.rows))
        and not (name == "note" and not any(row[index] for row in table.rows))
    ]
    columns = [table.columns[index] for index in keep]
    return attrs.evolve(table, columns=columns, rows=[[row[index] for index in keep] for row in table.rows])


def _note(outcome: Outcome) -> str:
    lines = [_placed(problem) for problem in outcome.problems]
    if outcome.error and not (lines and isinstance(outcome.error, InvalidPost)):
        lines.insert(0, outcome.error.message)
    lines += [f"missing: {what}" for what in outcome.missing]
    if outcome.next_index is not None:
        lines.append(f"the first {outcome.next_index} parts are live")
    if outcome.look_again_at:
        lines.append(f"look again at {_shown(outcome.look_again_at, '')}")
    if outcome.deleted_at:
        lines.append(f"deleted {_shown(outcome.deleted_at, '')}")
    if outcome.replayed:
        lines.append("done by an earlier call")
    return "\n".join(lines)


def _placed(problem: Problem) -> str:
    """A problem without its account, which stands in the row already; warnings are told from errors."""
    return f"{problem.severity}: {str(problem).removeprefix(f'{problem.account}: ')}"


def raise_for_report(report: Report) -> None:
    """Raise the account's own error for a report of one account, else PublishErrors; quiet when all is well.

    A status without an error of its own still raises the class that it means.
    """
    bad = [outcome for outcome in report.outcomes if not outcome.ok]
    errors = [_error_of(outcome, report) for outcome in bad]
    if not errors:
        return
    if len(report.outcomes) == 1:
        raise errors[0]
    fates = ", ".join(f"{outcome.account} {outcome.status.value}" for outcome in bad)
    head = f"{len(bad)} of {len(report.outcomes)} accounts are not done ({fates})"
    raise PublishErrors(f"{head}; {_again(report, bad)}", errors, report)


def _again(report: Report, bad: Iterable[Outcome]) -> str:
    """The call that continues without touching what is published."""
    lost = [outcome.account for outcome in bad if outcome.status is Status.UNKNOWN]
    names = list(report)
    to = names if len(names) > 1 else names[0]
    call = f"client.publish(post, to={to!r}, idempotency_key={report.key!r}) sends only what is not live"
    return f"client.settle({report.key!r}) looks for {', '.join(lost)}; then {call}" if lost else call


def _error_of(outcome: Outcome, report: Report) -> SocialKitError:
    error = outcome.error or _made_error(outcome, report)
    error.report = report
    error.account = error.account or outcome.account
    return error


def _made_error(outcome: Outcome, report: Report) -> SocialKitError:
    """The error a status means when nothing more is known."""
    again = _again(report, [outcome])
    match outcome.status:
        case Status.INVALID:
            return InvalidPost(outcome.problems)
        case Status.REFUSED:
            return Refused(f"{outcome.account}: nothing was sent")
        case Status.PARTIAL:
            live = (outcome.receipt, *outcome.receipt.parts) if outcome.receipt else ()
            index = len(live) if outcome.next_index is None else outcome.next_index
            message = f"{outcome.account}: the thread stopped before part {index + 1}; {again}"
            return ThreadPartlyPosted(message, receipts=live, next_index=index)
        case Status.UNKNOWN:
            return OutcomeUnknown("the post may be live; nobody knows yet", next_step=again)
        case _:
            return PlatformError("not published, certainly not live", next_step=again)


# --- plans --------------------------------------------------------------------------------------------------
def plan_table(plan: Plan) -> Table:
    """One row per account: posts, requests, the price where there is one, problems and changes."""
    priced = any(target.cost for target in plan.targets)
    columns = ["account", "platform", "posts", "requests", *(["US$"] if priced else []), "note"]
    rows = [
        [target.account, target.platform, len(target.parts), target.requests]
        + ([target.cost] if priced else [])
        + [_plan_note(target)]
        for target in plan.targets
    ]
    ready = sum(not target.errors and target.error is None for target in plan.targets)
    return _lean(
        Table(columns, rows, f"{ready} of {_counted(len(rows), 'account')} ready; nothing has been sent")
    )


def _plan_note(target: TargetPlan) -> str:
    lines = [f"error: {target.error.message}"] if target.error else []
    lines += [_placed(one) for one in target.problems]
    lines += [f"change: {str(one).removeprefix(f'{one.account}: ')}" for one in target.changes]
    return "\n".join(lines)
