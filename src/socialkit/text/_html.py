"""From the HTML that servers make of a post back to its text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset(("blockquote", "div", "dl", "figure", "hr", "ol", "p", "pre", "section", "table", "ul"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_LINES = frozenset(("dd", "dt", "li", "tr"))
_UNSEEN = frozenset(("head", "script", "style", "template", "title"))
_SERVER_MADE = "quote-inline"


class _TextOf(HTMLParser):
    """Collects what the author wrote; ``skipped`` is an element whose text is not, open ``depth`` times."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.skipped = ""
        self.depth = 0
        self.preformatted = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if not self.skipped and (tag in _UNSEEN or _SERVER_MADE in classes):
            self.skipped = tag
        self.depth += tag == self.skipped
        self.preformatted |= tag == "pre"
        self._separate(tag)

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == self.skipped
        if self.depth == 0:
            self.skipped = ""
        self.preformatted &= tag != "pre"
        if tag not in _LINES and tag != "br":
            self._separate(tag)

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            self.text += data if self.preformatted else re.sub(r"[\t\r\n]+", " ", data)

    def _separate(self, tag: str) -> None:
        if self.skipped:
            return
        if tag in _BLOCKS or tag in _HEADINGS:
            self.text = self.text.rstrip() + "\n\n"
        elif tag == "br" or (tag in _LINES and not self.text.endswith("\n")):
            self.text += "\n"


def strip_html(html: str) -> str:
    """The text of HTML; what the caller gets is told at :func:`socialkit.text.strip_html`."""
    parser = _TextOf()
    parser.feed(html)
    parser.close()
    return parser.text.strip()
