"""A preview card is what a page says of itself, whatever shape the page is in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit.adapters.base import Card, Response
from socialkit.cards import CardError, _card, _decoded, _Head, read_card
from socialkit.model import Image
from socialkit.transport import AnswerLost, UnsafeAddress

URL = "https://example.com/news/launch"


def page(
    content: str | bytes,
    *,
    status: int = 200,
    mime: str = "text/html; charset=utf-8",
    url: str = URL,
    error: Exception | None = None,
):
    """A fetch that answers with one page, as small pieces."""
    data = content.encode() if isinstance(content, str) else content

    @asynccontextmanager
    async def fetch(asked: str, /, *, max_bytes: int | None = None):
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 5000):
                yield data[start : start + 5000]
            if error:
                raise error

        yield Response(status, {"content-type": mime} if mime else {}, url=url), pieces()

    return fetch


async def card(content: str | bytes, **more) -> Card:
    return await read_card(URL, page(content, **more))


async def test_open_graph_comes_first() -> None:
    found = await card(
        """<!doctype html><html><head><title>Launch | Example</title>
        <meta name="description" content="All the news">
        <meta name="twitter:title" content="Launch!">
        <meta property="og:title" content="We ship today">
        <meta property="og:description" content="The new boat &amp; its crew">
        <meta property="og:image" content="/media/hero.jpg">
        <meta property="og:image:alt" content="The boat at sea"></head><body>"""
    )
    assert found == Card(
        URL,
        "We ship today",
        "The new boat & its crew",
        Image.from_url("https://example.com/media/hero.jpg", alt="The boat at sea"),
    )


async def test_a_plain_page_has_its_title_and_description() -> None:
    found = await card(
        "<TITLE>\n We ship\n  today&#33; </TITLE><META NAME=Description CONTENT='All the news'>"
    )
    assert (found.title, found.description, found.image) == ("We ship today!", "All the news", None)


async def test_twitter_tags_stand_in() -> None:
    found = await card("<meta name='twitter:title' content=A><meta name='twitter:image' content='a.png'>")
    assert found.title == "A"
    assert found.image == Image.from_url("https://example.com/news/a.png")


@pytest.mark.parametrize(
    "tags", ["<meta content='A' name='og:title'>", "<meta property='OG:Title' content='A' />"]
)
async def test_tags_written_otherwise_are_understood(tags: str) -> None:
    assert (await card(tags)).title == "A"


async def test_the_picture_is_resolved_against_the_page_that_answered() -> None:
    tag = "<meta property=og:image content='hero.jpg'>"
    found = await card(tag, url="https://www.example.com/en/launch/")
    assert found.url == URL
    assert found.image == Image.from_url("https://www.example.com/en/launch/hero.jpg")


@pytest.mark.parametrize(
    "bad",
    [
        "data:image/png;base64,AAAA",
        "ftp://example.com/a.jpg",
        "javascript:alert(1)",
        "http://[::1",
        "a.svg",
        "//",
    ],
)
async def test_the_first_usable_picture_is_taken(bad: str) -> None:
    found = await card(
        f"<meta property=og:image content='{bad}'><meta property=og:image content='/good.jpg'>"
    )
    assert found.image == Image.from_url("https://example.com/good.jpg")


@pytest.mark.parametrize("end", ["</head>", "<body>", "</head><body>"])
async def test_the_body_says_nothing(end: str) -> None:
    found = await card(f"<title>Head</title>{end}<meta property=og:title content=Body>")
    assert found.title == "Head"


async def test_scripts_and_comments_are_no_tags() -> None:
    found = await card(
        """<script>var a = "</head><meta property='og:title' content='script'>"</script>
        <!-- <meta property="og:title" content="comment"> --><title>Real</title>"""
    )
    assert found.title == "Real"


async def test_an_unclosed_title_still_counts() -> None:
    assert (await card("<title>We ship today")).title == "We ship today"


async def test_long_words_are_cut() -> None:
    found = await card(f"<title>{'a' * 5000}</title><meta name=description content='{'b ' * 5000}'>")
    assert (len(found.title), found.title[-1]) == (300, "…")
    assert len(found.description) <= 1000


async def test_control_characters_do_not_get_through() -> None:
    assert (await card("<title>We\x00 ship\u202e \x1b[31mtoday</title>")).title == "We ship [31mtoday"


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        ("<title>Über</title>".encode(), "text/html"),
        ("<title>Über</title>".encode("cp1252"), "text/html"),
        ("<title>Über</title>".encode("cp1252"), "text/html; charset=iso-8859-1"),
        ("<meta charset=windows-1252><title>Über</title>".encode("cp1252"), "text/html"),
        ("<meta charset=no-such-thing><title>Über</title>".encode(), "text/html"),
        ("<meta charset=hex><title>Über</title>".encode(), "text/html; charset=rot13"),
        ("\ufeff<title>Über</title>".encode(), "text/html; charset=iso-8859-1"),
        ("<title>Über</title>".encode("utf-16"), "text/html"),
    ],
)
async def test_every_character_set_is_read(content: bytes, mime: str) -> None:
    assert (await card(content, mime=mime)).title == "Über"


async def test_at_most_one_mib_is_read() -> None:
    class Endless(AnswerLost):
        """Raised by the page behind its first MiB."""

    head = b"<title>Long</title><script>"
    content = head + b" " * (1024 * 1024 - len(head))
    assert (await card(content, error=Endless("read too far"))).title == "Long"


@pytest.mark.parametrize(
    ("fetch", "words"),
    [
        (page("", status=404), "answered 404"),
        (page("%PDF-1.7", mime="application/pdf"), "is no web page but application/pdf"),
        (page("<p>Nothing to say"), "offers no title, description or picture"),
        (page("", error=AnswerLost("it broke off")), "it broke off"),
        (page("", error=UnsafeAddress("leads to a private address")), "private address"),
    ],
)
async def test_a_page_without_a_card_says_why(fetch, words: str) -> None:
    with pytest.raises(CardError, match=words):
        await read_card(URL, fetch)


@pytest.mark.parametrize("piece", ["<", "<a ", "<!--", "</", "<meta a='", "<title>", "&", "<![CDATA[", "<?"])
def test_hostile_pages_end(piece: str) -> None:
    _Head().read(piece * (100_000 // len(piece)))


@given(
    st.binary(max_size=300), st.sampled_from(["", "text/html; charset=utf-7", "text/html; charset=utf-16"])
)
def test_garbage_never_crashes(content: bytes, mime: str) -> None:
    head = _Head()
    head.read(_decoded(b"<meta property=og:image content='" + content, mime))
    _card(URL, URL, head.values)


@given(st.text(max_size=200))
def test_any_picture_address_is_usable_or_left_out(value: str) -> None:
    found = _card(URL, URL, {"og:image": [value]})
    assert found.image is None or found.image.source.url.startswith(("http://", "https://"))  # type: ignore[union-attr]
