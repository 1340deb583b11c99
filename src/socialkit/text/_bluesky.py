"""Bluesky: entities where the detector of the official client library finds facets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from socialkit.text._common import HASH_SIGNS, SCRIPT_SPACE, Entity, first_wins

if TYPE_CHECKING:
    import regex

_BEFORE = rf"(?:\A|[{SCRIPT_SPACE}(])"
_ENDS_TAG = r"\xad\u2060\u200a-\u200d\u20e2"
_MAX_TAG = 64


@cache
def _top_level_domains() -> frozenset[str]:
    from socialkit.text import _tlds

    return frozenset(_tlds.BOTH.split() + _tlds.ROOT_ONLY.split())


def _is_domain(name: str) -> bool:
    _, dot, last = name.rpartition(".")
    return bool(dot) and last in _top_level_domains()


@cache
def _mention() -> re.Pattern[str]:
    return re.compile(rf"{_BEFORE}@([a-zA-Z0-9.\-]+)\b", re.ASCII)


def _mentions(text: str) -> Iterator[Entity]:
    for match in _mention().finditer(text):
        if _is_domain(match[1]) or match[1].endswith(".test"):
            yield Entity("mention", match.start(1) - 1, match.end(1), match[1])


@cache
def _url() -> re.Pattern[str]:
    bare = r"(?P<domain>[a-zA-Z][a-zA-Z0-9]*(?:\.[a-zA-Z0-9]+)+)"
    before = rf"(?:{_BEFORE}|(?<=[\n\r\u2028\u2029]))"
    rest = f"[^{SCRIPT_SPACE}]"
    return re.compile(rf"{before}(?P<url>(?ai:https?)://{rest}+|{bare}{rest}*)")


def _urls(text: str) -> Iterator[Entity]:
    for match in _url().finditer(text):
        url, domain = match["url"], match["domain"]
        if url.startswith("http") or (domain and _is_domain(domain)):
            url = _without_trailing_punctuation(url)
            address = url if url.startswith(("http://", "https://")) else f"https://{url}"
            yield Entity("url", match.start("url"), match.start("url") + len(url), address)


def _without_trailing_punctuation(url: str) -> str:
    if url.endswith(tuple(".,;:!?")):
        url = url[:-1]
    return url[:-1] if url.endswith(")") and "(" not in url else url


@cache
def _hashtag() -> regex.Pattern[str]:
    import regex

    part = f"[^{SCRIPT_SPACE}{_ENDS_TAG}]"
    letter = rf"[^0-9{SCRIPT_SPACE}\p{{P}}{_ENDS_TAG}]"
    return regex.compile(rf"(?:\A|[{SCRIPT_SPACE}])([{HASH_SIGNS}](?!\ufe0f)({part}*{letter}+{part}*))")


def _hashtags(text: str) -> Iterator[Entity]:
    for match in _hashtag().finditer(text):
        tag = _without_punctuation_at_end(match[2])
        if tag and len(tag.encode("utf-16-le", "surrogatepass")) // 2 <= _MAX_TAG:
            yield Entity("hashtag", match.start(1), match.start(2) + len(tag), tag)


@cache
def _punctuation_at_end() -> regex.Pattern[str]:
    import regex

    return regex.compile(r"(?r)\p{P}*+\Z")


def _without_punctuation_at_end(tag: str) -> str:
    return _punctuation_at_end().sub("", tag, count=1)


@cache
def _cashtag() -> re.Pattern[str]:
    after = rf"(?=[{SCRIPT_SPACE}]|\Z|[.,;:!?)\"'\u2019])"
    return re.compile(rf"{_BEFORE}\$([A-Za-z][A-Za-z0-9]{{0,4}}){after}")


def _cashtags(text: str) -> Iterator[Entity]:
    for match in _cashtag().finditer(text):
        yield Entity("cashtag", match.start(1) - 1, match.end(1), match[1].upper())


def find_entities(text: str) -> list[Entity]:
    """All entities of a text, in order, without overlaps."""
    return first_wins([*_mentions(text), *_urls(text), *_hashtags(text), *_cashtags(text)])
