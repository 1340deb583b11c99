"""LinkedIn's texts: ``little`` format in posts, plain words with attributes in comments, and the way back to both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from socialkit.text import find_entities, length

MENTION = re.compile(
    r"@\[(?P<name>(?:(?!@\[)[^\n])+?)\]\((?P<urn>urn:li:(?:person|organization|organizationBrand):[A-Za-z0-9_-]+)\)"
)
"""How a mention is written in a post's text: ``@[Name](urn:li:organization:1)``, as LinkedIn writes it."""

_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_TOKEN = re.compile(
    r"\\(?P<escaped>.)"
    r"|\{hashtag\|\\?[#＃]\|(?P<tag>(?:\\.|[^|}\\])+)\}"
    r"|@\[(?P<name>(?:\\.|[^\]\\])*)\]\((?P<urn>urn:li:[^)\s]+)\)",
    re.DOTALL,
)


def escaped(text: str) -> str:
    """The text with every character that means something in the format made to mean itself.

    >>> print(escaped("a_b (c) #d"))
    a\\_b \\(c\\) \\#d
    """
    return _RESERVED.sub(r"\\\g<0>", text)


def little(text: str) -> str:
    """A post's text as ``commentary``: hashtags and mentions alive, everything else literal.

    >>> print(little("Ahoy (all) @[Example Co](urn:li:organization:1) #boats"))
    Ahoy \\(all\\) @[Example Co](urn:li:organization:1) #boats
    """
    pieces, last = [], 0
    for start, end, written in sorted(_live(text)):
        if start >= last:
            pieces += [escaped(text[last:start]), written]
            last = end
    return "".join(pieces) + escaped(text[last:])


def _live(text: str) -> Iterator[tuple[int, int, str]]:
    """What is alive: where it stands, and how it is written. A tag with a reserved character needs the long form."""
    for match in MENTION.finditer(text):
        yield match.start(), match.end(), f"@[{escaped(match['name'])}]({match['urn']})"
    for entity in find_entities(text, "x"):
        if entity.kind == "hashtag" and text[entity.start] == "#":
            tag = text[entity.start + 1 : entity.end]
            short = escaped(tag) == tag
            yield entity.start, entity.end, f"#{tag}" if short else f"{{hashtag|\\#|{escaped(tag)}}}"


def plain(commentary: str) -> str:
    """A post's text as its author wrote it, from its ``commentary``.

    >>> plain(little("1 * (2 + 3) #go_on")), plain("see {hashtag|\\\\#|boats}")
    ('1 * (2 + 3) #go_on', 'see #boats')
    """

    def read(match: re.Match[str]) -> str:
        if match["escaped"] is not None:
            return match["escaped"]
        if match["tag"] is not None:
            return f"#{_bare(match['tag'])}"
        return f"@[{_bare(match['name'])}]({match['urn']})"

    return _TOKEN.sub(read, commentary)


def _bare(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def shown(text: str) -> str:
    """What readers see of a post's text: mentions are names.

    >>> shown("Thanks @[Example Co](urn:li:organization:1)!")
    'Thanks Example Co!'
    """
    return MENTION.sub(lambda match: match["name"], text)


def message(text: str) -> dict[str, Any]:
    """A comment's text: plain, never escaped, with mentions as attributes (places in UTF-16 units)."""
    words, attributes, last = "", list[dict[str, Any]](), 0
    for match in MENTION.finditer(text):
        words += text[last : match.start()]
        kind = "person" if match["urn"].startswith("urn:li:person:") else "organization"
        where = {"start": length(words, "utf16"), "length": length(match["name"], "utf16")}
        attributes.append({**where, "value": {kind: {kind: match["urn"]}}})
        words, last = words + match["name"], match.end()
    return {"text": words + text[last:], "attributes": attributes}


def same_words(one: str, other: str) -> bool:
    """Whether two texts, as their authors wrote them, read the same: NFC, white space folded, mentions as names."""
    return _squash(one) == _squash(other)


def _squash(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", shown(text)).split())
