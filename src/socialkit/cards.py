"""What a page offers for its preview card: OpenGraph, Twitter card tags, title, description."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import urljoin

from .adapters.base import Card, Response
from .errors import SocialKitError
from .media import Fetch
from .model import Image

__all__ = ["CardError", "read_card"]

MAX_READ = 1024 * 1024
_TITLE, _DESCRIPTION, _ALT, _URL = 300, 1000, 1000, 2048
_TITLES = ("og:title", "twitter:title", "<title>", "dc.title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description", "dc.description")
_IMAGES = (
    "og:image:secure_url",
    "og:image",
    "og:image:url",
    "twitter:image",
    "twitter:image:src",
    "image_src",
)
_ALTS = ("og:image:alt", "twitter:image:alt")
_NAMED = frozenset(_TITLES + _DESCRIPTIONS + _IMAGES + _ALTS)


class CardError(SocialKitError, ValueError):
    """A page offers no card, or could not be read: the text says which."""


async def read_card(url: str, fetch: Fetch) -> Card:
    """What the page at a URL says about itself; CardError when it cannot be read or says nothing.

    At most 1 MiB is read, and of that only the head of the page. Title and description are cut at 300 and
    1000 characters; the picture is the first usable one, as an ``Image.from_url`` that is fetched later.
    """
    from .transport import AnswerLost, Unreachable

    try:
        async with fetch(url) as (head, pieces):
            _check(url, head)
            content = await _first(pieces)
    except (AnswerLost, Unreachable) as error:
        raise CardError(f"{url} cannot be read: {error}") from None
    values = await asyncio.to_thread(_values, content, head.headers.get("content-type", ""))
    card = _card(url, head.url or url, values)
    if not (card.title or card.description or card.image):
        raise CardError(f"{url} offers no title, description or picture")
    return card


def _values(content: bytes, content_type: str) -> dict[str, list[str]]:
    found = _Head()
    found.read(_decoded(content, content_type))
    return found.values


def _check(url: str, head: Response) -> None:
    if not 200 <= head.status < 300:
        raise CardError(f"{url} cannot be read: its server answered {head.status}")
    mime = head.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
    if mime not in ("text/html", "application/xhtml+xml"):
        raise CardError(f"{url} is no web page but {mime or 'of no known type'}")


async def _first(pieces: AsyncIterator[bytes]) -> bytes:
    content = bytearray()
    async for piece in pieces:
        content += piece
        if len(content) >= MAX_READ:
            break
    return bytes(content[:MAX_READ])


# --- characters ---------------------------------------------------------------------------------------------
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_CHARACTER_SETS = (
    "ascii",
    "big5",
    "cp",
    "euc",
    "gb",
    "iso2022",
    "iso8859",
    "koi8",
    "mac",
    "shift_jis",
    "utf-",
)
"""How the codecs begin that are character sets; others (punycode, hex, ...) are tools, some of them slow."""
_MEANT = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
"""What pages that name the left side are decoded with by browsers."""


def _decoded(content: bytes, content_type: str) -> str:
    """The text, by byte order mark, header, meta tag; else UTF-8; else Windows-1252."""
    for mark, marked in _BOMS:
        if content.startswith(mark):
            return content.decode(marked, "replace")
    named = re.search(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", content_type, re.IGNORECASE)
    meta = _META_CHARSET.search(content[:4096])
    for label in (named and named[1], meta and meta[1].decode("ascii", "replace")):
        if label and (encoding := _encoding(label)):
            return content.decode(encoding, "replace")
    with suppress(UnicodeDecodeError):
        return codecs.getincrementaldecoder("utf-8")().decode(content)
    return content.decode("cp1252", "replace")


def _encoding(label: str) -> str | None:
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(name, name) if name.startswith(_CHARACTER_SETS) else None


# --- the head of the page -----------------------------------------------------------------------------------
class _Complete(Exception):
    """The head is over; the rest is not parsed."""


class _Head(HTMLParser):
    """Collects the first value of each name that matters."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.values: dict[str, list[str]] = {}
        self._title: list[str] | None = None

    def read(self, text: str) -> None:
        """Parse up to the body. What is cut off at the end is left alone: closing would rescan it."""
        with suppress(_Complete):
            self.feed(text)
        self._end_title()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            raise _Complete
        if tag == "title" and "<title>" not in self.values:
            self._title = []
        elif tag == "meta":
            given = {name: value or "" for name, value in reversed(attrs)}
            for name in (given.get("property"), given.get("name")):
                self._keep((name or "").strip().lower(), given.get("content", ""))
        elif tag == "link":
            given = {name: value or "" for name, value in reversed(attrs)}
            if "image_src" in given.get("rel", "").lower().split():
                self._keep("image_src", given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._end_title()
        elif tag == "head":
            raise _Complete

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)

    def _end_title(self) -> None:
        if self._title is not None:
            self._keep("<title>", "".join(self._title))
            self._title = None

    def _keep(self, name: str, value: str) -> None:
        if name in _NAMED and value.strip() and len(self.values.setdefault(name, [])) < 10:
            self.values[name].append(value)


def _card(url: str, base: str, values: dict[str, list[str]]) -> Card:
    image = next(filter(None, (_usable(base, one) for one in _each(values, _IMAGES))), None)
    alt = _first_text(values, _ALTS, _ALT) or None
    return Card(
        url=url,
        title=_first_text(values, _TITLES, _TITLE),
        description=_first_text(values, _DESCRIPTIONS, _DESCRIPTION),
        image=Image.from_url(image, alt=alt) if image else None,
    )


def _each(values: dict[str, list[str]], names: Iterable[str]) -> Iterable[str]:
    return (value for name in names for value in values.get(name, ()))


def _first_text(values: dict[str, list[str]], names: Iterable[str], limit: int) -> str:
    for value in _each(values, names):
        if text := " ".join("".join(c if c.isprintable() else " " for c in value[: 20 * limit]).split()):
            return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
    return ""


def _usable(base: str, value: str) -> str | None:
    """The picture's absolute URL, if it is one that can be fetched."""
    try:
        url = urljoin(base, value.strip())
    except ValueError:
        return None
    plain = url.isprintable() and " " not in url and len(url) <= _URL
    picture = re.match(r"https?://[^/]", url) and url != base and not url.lower().endswith(".svg")
    return url if plain and picture else None
