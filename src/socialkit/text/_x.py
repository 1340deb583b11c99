"""X: entities and weighted length, in agreement with twitter-text 3.1.0 (configuration v3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from socialkit.text import _urls as urls
from socialkit.text._common import AT_SIGNS, HASH_SIGNS, SCRIPT_SPACE, Entity, end_of_mention, first_wins

# Outside these ranges a code point weighs 2 (docs.x.com, counting characters; twitter-text config/v3.json).
_WEIGHS_TWO = r"[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]"
_EMOJI_WEIGHT = 2
_HASHTAG_SIGNS = "_\u200c\u200d\ua67e\u05be\u05f3\u05f4～〜゛゜゠・〃་༌·"


def find_urls(text: str) -> list[Entity]:
    """The URLs X would shorten, with or without scheme."""
    found: list[Entity] = []
    for match in filter(urls.is_valid, urls.matches(urls.x_pattern(), text)):
        found += urls.with_scheme(match) if match["scheme"] else urls.without_scheme(match)
    return found


def find_entities(text: str) -> list[Entity]:
    """All entities of a text, in order, without overlaps."""
    found = find_urls(text)
    if any(sign in text for sign in AT_SIGNS):
        found += _mentions(text)
    if any(sign in text for sign in HASH_SIGNS):
        found += _hashtags(text)
    if "$" in text:
        found += _cashtags(text)
    return first_wins(found)


@cache
def _mention() -> re.Pattern[str]:
    before = r"(?:\A|[^a-zA-Z0-9_!#$%&*@＠]|(?:\A|[^a-zA-Z0-9_+~.\-])(?:rt|RT|rT|Rt):?)"
    return re.compile(rf"{before}([{AT_SIGNS}]([a-zA-Z0-9_]{{1,20}}(?:/[a-zA-Z][a-zA-Z0-9_\-]{{0,24}})?))")


def _mentions(text: str) -> Iterator[Entity]:
    for match in _mention().finditer(text):
        if not end_of_mention().match(text, match.end()):
            yield Entity("mention", match.start(1), match.end(), match[2])


@cache
def _hashtag() -> re.Pattern[str]:
    from socialkit.text import _hashtag_letters

    letters = _class(_hashtag_letters.LETTERS)
    any_part = f"[{letters}{_class(_hashtag_letters.DIGITS)}{_HASHTAG_SIGNS}]"
    before = rf"(?:\A|\ufe0e|\ufe0f|\Z|(?!{any_part}|&)[^\ud800-\udfff])"
    return re.compile(rf"{before}([{HASH_SIGNS}](?![\ufe0f\u20e3])({any_part}*[{letters}]{any_part}*))")


def _class(ranges: str) -> str:
    return "".join("-".join(rf"\U{int(end, 16):08x}" for end in one.split("-")) for one in ranges.split())


def _hashtags(text: str) -> Iterator[Entity]:
    for match in _hashtag().finditer(text):
        if not text.startswith((*HASH_SIGNS, "://"), match.end()):
            yield Entity("hashtag", match.start(1), match.end(), match[2])


@cache
def _cashtag() -> re.Pattern[str]:
    after = rf"(?=\Z|[{SCRIPT_SPACE}]|[{urls.PUNCTUATION}])"
    return re.compile(rf"(?:\A|[{urls.SPACES}])(\$([A-Za-z]{{1,6}}(?:[._][A-Za-z]{{1,2}})?)){after}")


def _cashtags(text: str) -> Iterator[Entity]:
    for match in _cashtag().finditer(text):
        yield Entity("cashtag", match.start(1), match.end(), match[2])


@cache
def _heavy() -> re.Pattern[str]:
    return re.compile(_WEIGHS_TWO)


def weighted_length(text: str, url_length: int) -> int:
    """How much of X's limit a text takes: in NFC, a URL ``url_length``, an emoji 2, the rest by range."""
    text = unicodedata.normalize("NFC", text)
    total = position = 0
    for start, end, weight in _constant_weights(text, url_length):
        if start >= position:
            total += _weight(text[position:start]) + weight
            position = end
    return total + _weight(text[position:])


def _constant_weights(text: str, url_length: int) -> list[tuple[int, int, int]]:
    # The reference skips the length of the address it found, not of the text it stands for; they differ at
    # times.
    spans = [(url.start, url.start + len(url.value), url_length) for url in find_urls(text)]
    if not text.isascii():
        from socialkit.text import _emoji

        spans += [(*match.span(), _EMOJI_WEIGHT) for match in _emoji.pattern().finditer(text)]
    return sorted(spans, key=lambda span: span[0])


def _weight(text: str) -> int:
    return len(text) + (0 if text.isascii() else len(_heavy().findall(text)))
