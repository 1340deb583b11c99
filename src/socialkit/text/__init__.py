"""Texts as platforms see them: lengths by unit, entities, splitting, shortening. Pure functions.

Units of length:

========== ============================================================================================
x          X's weighted length: NFC, code points at 1 or 2, an emoji 2, a URL 23 (twitter-text, config v3)
graphemes  extended grapheme clusters of UAX #29: what a reader calls a character
codepoints ``len(text)``
utf16      UTF-16 code units, as JavaScript and Telegram count
utf8       bytes of UTF-8
mastodon   graphemes, where a URL with a scheme takes 23 and ``@user@server`` counts as ``@user``
========== ============================================================================================

Positions are code points, so ``text[entity.start:entity.end]`` is the entity; :func:`byte_span` gives UTF-8
bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from socialkit.rules import Unit
from socialkit.text._common import Dialect, Entity, Kind, grapheme_count, grapheme_pattern

if TYPE_CHECKING:
    from socialkit.text import _split

__all__ = [
    "Dialect",
    "Entity",
    "Kind",
    "Unit",
    "byte_span",
    "find_entities",
    "invalid_characters",
    "length",
    "shorten",
    "shorten_url",
    "split",
    "strip_html",
]

URL_LENGTH = 23
_INVALID_ON_X = "\ufffe\ufeff\uffff"


def length(text: str, unit: Unit, url_length: int = URL_LENGTH) -> int:
    """How long a text is in a unit. ``url_length`` is what a URL takes in the units ``x`` and ``mastodon``.

    Mastodon servers tell theirs as ``characters_reserved_per_url``. An unknown unit is a ValueError.

    >>> length("Grüße aus 東京 👩‍🚀", "x"), length("Grüße aus 東京 👩‍🚀", "graphemes")
    (17, 14)
    >>> length("See https://example.com/a/very/long/path", "x")
    27
    """
    match unit:
        case "x":
            from socialkit.text._x import weighted_length

            return weighted_length(text, url_length)
        case "mastodon":
            from socialkit.text._mastodon import counted_length

            return counted_length(text, url_length)
        case "graphemes":
            return grapheme_count(text)
        case "codepoints":
            return len(text)
        case "utf16":
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case "utf8":
            return _byte_count(text)
    raise ValueError(f"unknown unit {unit!r}: use x, graphemes, codepoints, utf16, utf8 or mastodon")


def _byte_count(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def find_entities(text: str, dialect: Dialect) -> list[Entity]:
    """The URLs, mentions, hashtags and cashtags a platform sees in a text, in order, without overlaps.

    ``x`` agrees with twitter-text 3.1.0. ``bluesky`` agrees with the detector of the official client library,
    and gives every bare domain its ``https://``. ``mastodon`` follows the server: a URL needs a scheme, there
    are no cashtags.

    >>> find_entities("Ship it, @crew@example.social! #launch", "mastodon")[0].value
    'crew@example.social'
    """
    match dialect:
        case "x":
            from socialkit.text import _x

            return _x.find_entities(text)
        case "bluesky":
            from socialkit.text import _bluesky

            return _bluesky.find_entities(text)
        case "mastodon":
            from socialkit.text import _mastodon

            return _mastodon.find_entities(text)
    raise ValueError(f"unknown dialect {dialect!r}: use x, bluesky or mastodon")


def byte_span(text: str, entity: Entity) -> tuple[int, int]:
    """Where an entity of a text begins and ends in UTF-8 bytes, as Bluesky's facets want it.

    >>> byte_span("Für #euch", Entity("hashtag", 4, 9, "euch"))
    (5, 10)
    """
    start = _byte_count(text[: entity.start])
    return start, start + _byte_count(text[entity.start : entity.end])


def invalid_characters(text: str) -> list[tuple[int, str]]:
    """The characters X refuses, as (position, name): U+FEFF, U+FFFE and U+FFFF (twitter-text).

    >>> invalid_characters("a" + chr(0xFEFF) + "b")
    [(1, 'U+FEFF')]
    """
    return [(at, f"U+{ord(char):04X}") for at, char in enumerate(text) if char in _INVALID_ON_X]


def split(
    text: str,
    limit: int,
    unit: Unit,
    *,
    also: Sequence[tuple[int, Unit]] = (),
    numbering: str | None = None,
    strip: bool = False,
    url_length: int = URL_LENGTH,
    dialect: Dialect | None = None,
) -> list[str]:
    """The parts of a text, each within the limit, cut where it reads best; one part if the text fits.

    Cuts fall after a paragraph, else a sentence, a clause, a word, a grapheme, as long as that leaves the
    part reasonably full; never inside a grapheme or an entity of ``dialect`` (by default the one that goes
    with the unit). ``also`` names further limits that hold at the same time: ``split(text, 300, "graphemes",
    also=[(3000, "utf8")])``.

    By default nothing is lost: ``"".join(parts) == text``. White space at a seam ends the earlier part and
    counts there. ``strip=True`` gives parts to send: without white space at their ends, which then does not
    count, and none blank. ``numbering``, e.g. ``" {n}/{total}"``, is put after each of several parts, which
    are stripped too, and counted in.

    A ValueError names the entity or grapheme that is longer than the limit by itself.

    >>> split("One is short. Two is longer.", 16, "graphemes")
    ['One is short. ', 'Two is longer.']
    >>> split("One is short. Two is longer.", 20, "graphemes", numbering=" ({n}/{total})")
    ['One is short. (1/2)', 'Two is longer. (2/2)']
    """
    from socialkit.text import _split

    if numbering is not None:
        _split.check_numbering(numbering)
    limits: list[tuple[int, Unit]] = [(limit, unit), *also]
    whole = text if numbering is None and not strip else text.strip()
    if _fits(whole, limits, url_length):
        return [whole]
    cuts = _split.Cuts(text, find_entities(text, dialect or _split.dialect_of(unit)))
    if numbering is not None:
        return _numbered(cuts, numbering, limits, url_length)
    parts = _parts(cuts, str.strip if strip else str, limits, url_length)
    return _stripped(parts) if strip else parts


def _fits(text: str, limits: Sequence[tuple[int, Unit]], url_length: int) -> bool:
    return all(length(text, unit, url_length) <= limit for limit, unit in limits)


def _parts(
    cuts: _split.Cuts, dress: Callable[[str], str], limits: Sequence[tuple[int, Unit]], url_length: int
) -> list[str]:
    def fits(piece: str) -> bool:
        return _fits(dress(piece), limits, url_length)

    def too_long(what: str, piece: str) -> ValueError:
        sizes = [(length(dress(piece), unit, url_length), unit, limit) for limit, unit in limits]
        told = " and ".join(f"{size} {unit} of {limit}" for size, unit, limit in sizes if size > limit)
        return ValueError(f"{what} cannot be cut and takes {told}; shorten it or leave it out")

    return cuts.parts(fits, too_long)


def _numbered(
    cuts: _split.Cuts, numbering: str, limits: Sequence[tuple[int, Unit]], url_length: int
) -> list[str]:
    digits, parts = 0, [""] * 2
    while len(parts) >= 10**digits:
        digits += 1
        parts = _stripped(_parts(cuts, _followed_by(numbering, 10**digits - 1), limits, url_length))
    return [part + numbering.format(n=n, total=len(parts)) for n, part in enumerate(parts, 1)]


def _followed_by(numbering: str, widest: int) -> Callable[[str], str]:
    ending = numbering.format(n=widest, total=widest)
    return lambda piece: piece.strip() + ending


def _stripped(parts: Sequence[str]) -> list[str]:
    return [part.strip() for part in parts if not part.isspace()]


def shorten(
    text: str,
    limit: int,
    unit: Unit,
    *,
    ellipsis: str = "…",
    url_length: int = URL_LENGTH,
    dialect: Dialect | None = None,
) -> str:
    """A text for display that fits: as it is, or cut after a word, with the ellipsis, which is counted in.

    An entity is left out rather than cut, unless nothing else would be left. A limit too small for the
    ellipsis and one grapheme is a ValueError.

    >>> shorten("We ship today from the old harbour", 20, "graphemes")
    'We ship today from…'
    """
    if _fits(text, ((limit, unit),), url_length):
        return text
    from socialkit.text import _split

    def fits(piece: str) -> bool:
        return length(_split.tidy_end(piece) + ellipsis, unit, url_length) <= limit

    for entities in (find_entities(text, dialect or _split.dialect_of(unit)), []):
        short = _split.Cuts(text, entities).beginning(fits)
        if short:
            return short + ellipsis
    raise ValueError(f"nothing of the text fits in {limit} {unit} together with {ellipsis!r}")


def shorten_url(url: str, graphemes: int) -> str:
    """A URL for display: no scheme, no ``www.``, no lone final slash, cut with ``…`` if it is too long.

    >>> shorten_url("https://www.example.com/launch/2026/the-new-boat", 24)
    'example.com/launch/2026…'
    """
    shown = re.sub(r"^https?://(?:www\.)?", "", url, flags=re.IGNORECASE)
    if shown.count("/") == 1:
        shown = shown.removesuffix("/")
    if grapheme_count(shown) <= graphemes:
        return shown
    if graphemes < 2:
        raise ValueError(f"{graphemes} graphemes leave no room for a URL and its ellipsis; use 2 or more")
    return "".join(grapheme_pattern().findall(shown)[: graphemes - 1]) + "…"


def strip_html(html: str) -> str:
    """The text that a server turned into HTML, to compare a post's ``content`` with what was sent.

    Paragraphs are a blank line apart, ``<br>`` is a line break, entities are characters, parts of a link that
    the server hides from view belong to the text. What the server put in front of a quoting post (class
    ``quote-inline``) is left out.

    >>> strip_html("<p>Ship &amp; sail<br />today</p><p>Aye</p>").splitlines()
    ['Ship & sail', 'today', '', 'Aye']
    """
    from socialkit.text import _html

    return _html.strip_html(html)
