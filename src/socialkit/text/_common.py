"""What the text rules of all platforms share: the entity, character classes, graphemes, overlaps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    import regex

Kind = Literal["url", "mention", "hashtag", "cashtag"]
Dialect = Literal["x", "bluesky", "mastodon"]

WHITE_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# What JavaScript calls \s, in which X and Bluesky wrote their detectors: no U+0085, but U+FEFF.
SCRIPT_SPACE = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
INVALID = r"\ufeff\ufffe\uffff"
AT_SIGNS = "@＠"
HASH_SIGNS = "#＃"
LATIN_ACCENTS = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
    r"\u02bb\u0300-\u036f\u1e00-\u1eff"
)
MAX_LABEL = 63


@attrs.frozen
class Entity:
    """A URL, mention, hashtag or cashtag in a text, with its place in code points (``end`` exclusive).

    ``value`` is what follows the sign (``@brand`` → ``brand``); for a URL its address, to which Bluesky adds
    the ``https://`` a bare domain lacks. On X a list (``@brand/harbours``) is a mention too.

    >>> Entity("hashtag", 3, 7, "ship")
    Entity(kind='hashtag', start=3, end=7, value='ship')
    """

    kind: Kind
    start: int
    end: int
    value: str


def first_wins(entities: Iterable[Entity]) -> list[Entity]:
    """The entities in the order of the text; of two that overlap, the one that starts first."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda one: one.start):
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return kept


@cache
def grapheme_pattern() -> regex.Pattern[str]:
    """One extended grapheme cluster (UAX #29)."""
    import regex

    return regex.compile(r"\X")


def grapheme_count(text: str) -> int:
    """How many extended grapheme clusters a text has."""
    if text.isascii() and "\r" not in text:
        return len(text)
    return len(grapheme_pattern().findall(text))


@cache
def end_of_mention() -> re.Pattern[str]:
    """What must not follow a mention: it would be part of a name, an address or a URL."""
    return re.compile(rf"[{AT_SIGNS}{LATIN_ACCENTS}]|://")


def label_fits(label: str) -> bool:
    """Whether a part of a domain is at most 63 characters long in the form the DNS sees (punycode)."""
    if len(label) > MAX_LABEL:
        return False
    pieces = re.split("[.。．｡]", label)
    return 0 < sum(map(_encoded_length, pieces)) + len(pieces) - 1 <= MAX_LABEL


def _encoded_length(label: str) -> int:
    if all(" " <= char <= "~" for char in label):
        return len(label)
    return len(b"xn--" + label.encode("punycode"))
