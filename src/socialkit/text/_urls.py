"""Finding URLs the way twitter-text does, for X itself and for Mastodon, which builds on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from socialkit.text._common import INVALID, LATIN_ACCENTS, Entity, label_fits

PUNCTUATION = r"!'#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$"
SPACES = r"\t-\r \x85\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
DIRECTIONS = r"\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
# Where X matches without regard to case, these letters join the accented ones, for they share an upper-case
# form.
LATIN_BY_CASE = (
    LATIN_ACCENTS
    + r"\u0260\u0269\u0275\u0280\u0283\u0288\u028a\u028c\u0292\u0399\u03b9\u1fbe\u2c65\u2c66\u2c7e\u2c7f"
    + r"\ua7dc"
)
CYRILLIC = r"\u0400-\u04ff\u1c80-\u1c87"
PATH = rf"[A-Za-z{CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{LATIN_BY_CASE}]"
PATH_END = rf"[+\-A-Za-z{CYRILLIC}0-9=_#/{LATIN_BY_CASE}]"
QUERY = r"[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]"
QUERY_END = r"[A-Za-z0-9\-_&=#/]"
LONGEST_SCHEME = len("gopher://")
MAX_URL = 4096
MAX_SHORT_LINK = 40
BEFORE = rf"[^A-Za-z0-9@＠$#＃{INVALID}]"


_Tree = dict[str, "_Tree"]


def balanced(char: str) -> str:
    """The pattern for characters in parentheses, which may hold one more pair."""
    return rf"\((?:{char}+|{char}*\({char}+\){char}*)\)"


def alternation(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first, shared beginnings written once."""
    tree: _Tree = {}
    for word in words:
        node = tree
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return _branches(tree)


def _branches(tree: _Tree) -> str:
    ways = [_either_case(char) + _branches(below) for char, below in tree.items() if char]
    if not ways:
        return ""
    group = ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"
    return f"(?:{group})?" if "" in tree else group


def _either_case(char: str) -> str:
    other = char.upper()
    return char if char.isascii() or len(other) > 1 or other == char else f"[{char}{other}]"


@cache
def top_level_domain() -> str:
    """The pattern for a top-level domain X knows, or any in punycode."""
    from socialkit.text import _tlds

    words = sorted(_tlds.BOTH.split() + _tlds.X_ONLY.split())
    latin = alternation(word for word in words if word.isascii())
    others = alternation(word for word in words if not word.isascii())
    return rf"(?:(?:(?ai:{latin})|{others})(?=[^0-9A-Za-z@+\-]|\Z)|(?ai:xn--[\-0-9a-z]+))"


def domain(excluded: str) -> str:
    """The pattern for a domain whose labels may hold any character but the excluded ones.

    A label begins and ends with such a character; inside, a hyphen is allowed too, in subdomains an
    underscore.
    """
    inside = excluded.replace(r"\-", "")
    subdomain = rf"[^{excluded}][^{inside.replace('_', '')}]*+(?<![_\-])\."
    name = rf"[^{excluded}][^{inside}]*+(?<!-)\."
    return rf"(?:{subdomain})*{name}{top_level_domain()}"


@cache
def x_pattern() -> re.Pattern[str]:
    """One URL of X: groups before, url, scheme, domain, path."""
    excluded = PUNCTUATION + SPACES + INVALID + DIRECTIONS
    path = rf"(?:{PATH}*(?:{balanced(PATH)}{PATH}*)*{PATH_END}|{balanced(PATH)}|@{PATH}+/)"
    # X counts UTF-16 units: the first half of a character beyond U+FFFF can stand before a URL, the second in
    # it.
    before = rf"(?=[\U00010000-\U0010ffff])|{BEFORE}|\A"
    return url_pattern("(?ai:https?)", domain(excluded), path, QUERY, QUERY_END, before)


def url_pattern(
    scheme: str, host: str, path: str, query: str, query_end: str, before: str = rf"{BEFORE}|\A"
) -> re.Pattern[str]:
    """The frame of a URL around a platform's own scheme, host, path and query."""
    return re.compile(
        rf"(?P<before>{before})(?P<url>(?P<scheme>(?:{scheme})://)?(?P<domain>{host})(?::[0-9]+)?"
        rf"(?P<path>/{path}*)?(?:\?{query}*{query_end})?)"
    )


def matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Every match of a URL pattern; only what stands around a known top-level domain is tried."""
    position = 0
    for dot in _known_ending().finditer(text):
        if dot.start() >= position and (match := _match_around(pattern, text, position, dot.start())):
            yield match
            position = match.end()


def _match_around(pattern: re.Pattern[str], text: str, floor: int, dot: int) -> re.Match[str] | None:
    start, part_of_domain = dot, _domain_character()
    while start > floor and part_of_domain.match(text, start - 1):
        start -= 1
    starts = range(max(floor, start - LONGEST_SCHEME - 1), dot)
    return next((match for at in starts if (match := pattern.match(text, at))), None)


@cache
def _known_ending() -> re.Pattern[str]:
    return re.compile(rf"\.(?={top_level_domain()})")


@cache
def _domain_character() -> re.Pattern[str]:
    return re.compile(rf"[^{PUNCTUATION}{SPACES}]|[._\-]")


@cache
def ascii_domain() -> re.Pattern[str]:
    """A domain in ASCII and accented Latin, looked for inside a run of letters of any script."""
    return re.compile(rf"(?:[\-A-Za-z0-9{LATIN_BY_CASE}]+\.)+{top_level_domain()}")


@cache
def short_link() -> re.Pattern[str]:
    """A t.co link: nothing but its slug and query belongs to it."""
    return re.compile(
        rf"(?ai:https?://t\.co)/([A-Za-z0-9]+)(?:\?{QUERY}*{QUERY_END})?",
    )


def is_valid(match: re.Match[str]) -> bool:
    """Whether the URL of a match has labels and a length that can exist."""
    host = match["domain"]
    if host.startswith("xn--") and not ascii_domain().search(host):
        return False
    scheme = match["scheme"] or "https://"
    return len(scheme) + len(match["url"]) <= MAX_URL and all(map(label_fits, host.split(".")))


def with_scheme(match: re.Match[str]) -> list[Entity]:
    """The URL of a match that names its scheme; a t.co link ends with its slug, an impossible one is none."""
    start, url = match.start("url"), match["url"]
    if link := short_link().match(url):
        url = link[0] if len(link[1]) <= MAX_SHORT_LINK else ""
    return [Entity("url", start, start + len(url), url)] if url else []


def without_scheme(match: re.Match[str]) -> list[Entity]:
    """The ASCII domains in a match that names no scheme; the last one takes the path and all before it."""
    if match["before"] and match["before"] in "-_./":
        return []
    offset = match.start("domain")
    found = [
        Entity("url", offset + one.start(), offset + one.end(), one[0])
        for one in ascii_domain().finditer(match["domain"])
    ]
    if found and match["path"]:
        value = found[-1].value + match["url"][len(match["domain"]) :]
        found[-1] = Entity("url", found[-1].start, match.end("url"), value)
    return found
