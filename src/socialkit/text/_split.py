"""Cutting texts: where a text may be cut, how far a part reaches, which cut reads best."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from socialkit.text._common import Dialect, Entity, grapheme_pattern

if TYPE_CHECKING:
    import regex

    from socialkit.rules import Unit

WORD, CLAUSE, SENTENCE, PARAGRAPH = 1, 2, 3, 4
# A better kind of break is taken if it leaves the part at least this full, measured by the fullest possible.
_ENOUGH = {PARAGRAPH: 0.3, SENTENCE: 0.4, CLAUSE: 0.5, WORD: 0.5}
_FIRST_STRIDE = 32
_QUOTED = 80


@cache
def _breaks() -> tuple[tuple[int, regex.Pattern[str]], ...]:
    import regex

    closing = r"[\p{Pe}\p{Pf}\"']*"
    patterns = (
        (WORD, r"\s+|(?<=[\p{Han}\p{Hiragana}])(?=[\p{Han}\p{Katakana}])"),
        (CLAUSE, rf"(?:[,;:]{closing}|[–—])\s+|[、，；：]{closing}\s*"),
        (SENTENCE, rf"[.!?…]+{closing}\s++(?!\p{{Ll}})|[。！？｡]+{closing}\s*|[^\S\n]*\n\s*"),
        (PARAGRAPH, r"[^\S\n]*\n[^\S\n]*\n\s*"),
    )
    return tuple((rank, regex.compile(pattern)) for rank, pattern in patterns)


class Cuts:
    """Where a text may be cut, never inside a grapheme or an entity, and what kind of break each place is."""

    def __init__(self, text: str, entities: Sequence[Entity]) -> None:
        self.text = text
        self.entities = entities
        self.ends = _grapheme_ends(text, entities)
        ranks = {match.end(): rank for rank, pattern in _breaks() for match in pattern.finditer(text)}
        self.ranks = [ranks.get(end, 0) for end in self.ends]

    def _reach(self, start: int, first: int, fits: Callable[[str], bool]) -> int:
        """Which cut (its index) from ``first`` on ends the longest part that fits; ``first`` itself does."""
        low, stride, last = first, _FIRST_STRIDE, len(self.ends) - 1
        while low < last and fits(self.text[start : self.ends[min(low + stride, last)]]):
            low = min(low + stride, last)
            stride *= 2
        high = min(low + stride, last + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if fits(self.text[start : self.ends[middle]]):
                low = middle
            else:
                high = middle
        return low

    def _best(self, start: int, first: int, reach: int, fits: Callable[[str], bool]) -> int:
        """Which cut up to ``reach`` reads best and leaves the part full enough."""
        for rank in (PARAGRAPH, SENTENCE, CLAUSE, WORD):
            floor = start + (self.ends[reach] - start) * _ENOUGH[rank]
            cut = self._last(rank, first, reach, lambda end: fits(self.text[start:end]))
            if cut is not None and self.ends[cut] >= floor:
                return cut
        return reach if cut is None or not self._spares_a_word(cut, fits) else cut

    def _last(self, rank: int, first: int, reach: int, fits_to: Callable[[int], bool]) -> int | None:
        cuts = (cut for cut in range(reach, first - 1, -1) if self.ranks[cut] >= rank)
        return next((cut for cut in cuts if fits_to(self.ends[cut])), None)

    def _spares_a_word(self, cut: int, fits: Callable[[str], bool]) -> bool:
        """Whether the word after a cut stays whole in the next part; else it is no reason to stop early."""
        after = next((i for i in range(cut + 1, len(self.ends)) if self.ranks[i]), len(self.ends) - 1)
        return fits(self.text[self.ends[cut] : self.ends[after]])

    def parts(self, fits: Callable[[str], bool], too_long: Callable[[str, str], ValueError]) -> list[str]:
        """The parts of the text, each as long as fits and reads well; together they are the text."""
        parts, start, first = [], 0, 0
        while first < len(self.ends):
            piece = self.text[start : self.ends[first]]
            if not fits(piece):
                raise too_long(self._name(start, self.ends[first]), piece)
            reach = self._reach(start, first, fits)
            end = reach if reach == len(self.ends) - 1 else self._best(start, first, reach, fits)
            parts.append(self.text[start : self.ends[end]])
            start, first = self.ends[end], end + 1
        return parts

    def beginning(self, fits: Callable[[str], bool]) -> str:
        """As much of the text as fits, up to a word if that leaves enough; "" if nothing fits."""
        if not fits(self.text[: self.ends[0]]):
            return ""
        reach = self._reach(0, 0, fits)
        word = self._last(WORD, 0, reach, lambda end: fits(self.text[:end]))
        if word is None or self.ends[word] < self.ends[reach] * _ENOUGH[WORD]:
            word = reach
        return tidy_end(self.text[: self.ends[word]])

    def _name(self, start: int, end: int) -> str:
        """What stands between two cuts, in words for an error."""
        for entity in self.entities:
            if start <= entity.start and entity.end <= end:
                return f"the {entity.kind} {_quoted(self.text[entity.start : entity.end])}"
        return f"the character {_quoted(self.text[start:end])}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…")


def _grapheme_ends(text: str, entities: Sequence[Entity]) -> list[int]:
    ends = [match.end() for match in grapheme_pattern().finditer(text)]
    for entity in entities:
        del ends[bisect_right(ends, entity.start) : bisect_left(ends, entity.end)]
    return ends


def tidy_end(text: str) -> str:
    """A beginning of a text without the white space and pauses that would stand before the ellipsis."""
    return text.rstrip(" \t\r\n\u3000,;:–—-、，") or text


def dialect_of(unit: Unit) -> Dialect:
    """Whose entities a text of this unit has, if nobody says."""
    if unit == "x":
        return "x"
    return "mastodon" if unit == "mastodon" else "bluesky"


def check_numbering(numbering: str) -> None:
    """Refuse a numbering that would not number, or would grow together with the last word."""
    if numbering.format(n=1, total=2) == numbering.format(n=2, total=2):
        raise ValueError(
            f"numbering {numbering!r} has no place for the number; write e.g. ' {{n}}/{{total}}'"
        )
    if not re.match(r"\s", numbering):
        raise ValueError(f"numbering {numbering!r} must begin with a space or a line break")
