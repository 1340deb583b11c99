"""Mastodon: entities and counted length, as the server's extractor and status length validator have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from socialkit.text import _urls as urls
from socialkit.text._common import (
    AT_SIGNS,
    HASH_SIGNS,
    INVALID,
    WHITE_SPACE,
    Entity,
    end_of_mention,
    first_wins,
    grapheme_count,
)

if TYPE_CHECKING:
    import regex

_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"
_TAG_JOINTS = "_·・\u200c"
_MAX_DOMAIN = 253
_SCHEMES = "(?i:https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini)"
# Characters beyond ASCII that a query may hold: all but the surrogates and the noncharacters.
_BEYOND_ASCII = r"\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\ue000-\uf8ff" + "".join(
    rf"\U{plane:04x}{'1000' if plane == 0xE else '0000'}-\U{plane:04x}fffd" for plane in range(1, 0x11)
)


@cache
def _url() -> re.Pattern[str]:
    excluded = rf"{urls.PUNCTUATION}\"`\x00-\x1f\x7f{urls.SPACES}{INVALID}{urls.DIRECTIONS}"
    char = rf"[^{WHITE_SPACE}<>()?]"
    ending = rf"(?:[^{WHITE_SPACE}()?!*\"'「」<>;:=,.$%\[\]~&|@]|{urls.balanced(urls.PATH)})"
    path = rf"(?:{char}*(?:{urls.balanced(char)}{char}*)*{ending}|{char}+/)"
    query = rf"[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@\^{_BEYOND_ASCII}]"
    query_end = rf"[A-Za-z0-9_&=#/\-{_BEYOND_ASCII}]"
    return urls.url_pattern(_SCHEMES, urls.domain(excluded), path, query, query_end)


def _urls(text: str) -> Iterator[Entity]:
    if "://" not in text:
        return
    for match in filter(urls.is_valid, urls.matches(_url(), text)):
        if match["scheme"]:
            yield from urls.with_scheme(match)


@cache
def _mention() -> regex.Pattern[str]:
    import regex

    user = r"[A-Za-z0-9_]+(?:[.\-]+[A-Za-z0-9_]+)*"
    domain = rf"[{_WORD}]+(?:[.\-]+[{_WORD}]+)*"
    return regex.compile(rf"(?<![=/{_WORD}])@({user}(?:@({domain}))?)")


def _mentions(text: str) -> Iterator[Entity]:
    if not any(sign in text for sign in AT_SIGNS):
        return
    for match in _mention().finditer(text):
        if not end_of_mention().match(text, match.end()) and len(match[2] or "") <= _MAX_DOMAIN:
            yield Entity("mention", match.start(), match.end(), match[1])


@cache
def _hashtag() -> regex.Pattern[str]:
    import regex

    joined = rf"[{_WORD}{_TAG_JOINTS}]"
    with_joints = rf"[{_WORD}]{joined}*[\p{{Alphabetic}}{_TAG_JOINTS}]{joined}*[{_WORD}]"
    plain = rf"[{_WORD}]*\p{{Alphabetic}}[{_WORD}]*"
    return regex.compile(rf"(?<![=/)\p{{Alphabetic}}\p{{Nd}}])[{HASH_SIGNS}]({with_joints}|{plain})")


def _hashtags(text: str) -> Iterator[Entity]:
    for match in _hashtag().finditer(text):
        name = match[1]
        if text.startswith("://", match.end()):
            name = re.sub("(?<=.)https?$", "", name)
        yield Entity("hashtag", match.start(), match.start() + 1 + len(name), name)


def find_entities(text: str) -> list[Entity]:
    """All entities of a text, in order, without overlaps; a URL needs a scheme."""
    return first_wins([*_urls(text), *_hashtags(text), *_mentions(text)])


def counted_length(text: str, url_length: int) -> int:
    """Graphemes, a URL taken as ``url_length`` and a mention without its domain; blank text is 0."""
    if not text.strip():
        return 0
    pieces, position = [], 0
    for entity in first_wins([*_urls(text), *_mentions(text)]):
        pieces += [text[position : entity.start], _as_counted(entity, url_length)]
        position = entity.end
    return grapheme_count("".join([*pieces, text[position:]]))


def _as_counted(entity: Entity, url_length: int) -> str:
    return "x" * url_length if entity.kind == "url" else "@" + entity.value.partition("@")[0]
