"""LinkedIn's little format: there and back, nothing cut, nothing alive that should not be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit.adapters._linkedin_text import little, message, plain, same_words, shown
from socialkit.sandbox.linkedin_text import readable

RESERVED = "|{}@[]()<>#\\*_~"
NAMES = {"urn:li:organization:5": "Example Co", "urn:li:person:A_1": "Ada (Example)"}


@pytest.mark.parametrize("char", RESERVED)
def test_each_reserved_character_arrives(char: str) -> None:
    text = f"before {char} after"
    assert little(text) == f"before \\{char} after"
    assert readable(little(text), NAMES.get)[0] == text


@given(st.text(alphabet=st.sampled_from(RESERVED + "ab1 \n😀#é"), max_size=60))
def test_whatever_is_written_is_what_is_read(text: str) -> None:
    assert readable(little(text), NAMES.get)[0] == text
    assert plain(little(text)) == text


@given(
    st.lists(
        st.sampled_from(["@[Example Co](urn:li:organization:5)", "#boats", "#a_b", "(x)", "~", " ", "\\"])
    )
)
def test_mentions_and_hashtags_survive_what_stands_around_them(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert plain(little(text)) == text
    seen, mentioned = readable(little(text), NAMES.get)
    assert seen == shown(text)
    assert len(mentioned) == pieces.count("@[Example Co](urn:li:organization:5)")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("#boats", "#boats"),
        ("#go_on", r"{hashtag|\#|go\_on}"),
        ("#1", r"\#1"),
        ("C# and #", r"C\# and \#"),
        ("a#b", r"a\#b"),
        ("＃boats", "＃boats"),
        ("https://example.com/a_(b)#c", r"https://example.com/a\_\(b\)\#c"),
        ("@[Ada (Example)](urn:li:person:A_1)", r"@[Ada \(Example\)](urn:li:person:A_1)"),
        ("@[no end](https://example.com)", r"\@\[no end\]\(https://example.com\)"),
        ("@[Boats [UK]](urn:li:organization:5)", r"@[Boats \[UK\]](urn:li:organization:5)"),
        ("@[a] @[Example Co](urn:li:organization:5)", r"\@\[a\] @[Example Co](urn:li:organization:5)"),
        ("{hashtag|#|x}", r"\{hashtag\|\#\|x\}"),
    ],
)
def test_how_it_is_written(text: str, written: str) -> None:
    assert little(text) == written


def test_an_unescaped_character_cuts_the_text_and_that_is_why() -> None:
    assert readable("Ahoy (all) hands", NAMES.get) == ("Ahoy ", [])


def test_a_wrong_name_is_no_mention() -> None:
    assert readable("@[Example co](urn:li:organization:5)", NAMES.get) == ("Example co", [])


def test_comments_are_plain_with_places_in_utf16() -> None:
    told = message("😀 @[Example Co](urn:li:organization:5) (x) @[Ada](urn:li:person:A1)")
    assert told["text"] == "😀 Example Co (x) Ada"
    places = [(one["start"], one["length"], next(iter(one["value"]))) for one in told["attributes"]]
    assert places == [(3, 10, "organization"), (18, 3, "person")]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ahoy  all", "Ahoy\nall", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("@[Example Co](urn:li:organization:5)", "Example Co", True),
        ("Ahoy", "ahoy", False),
    ],
)
def test_texts_that_read_the_same(one: str, other: str, same: bool) -> None:
    assert same_words(one, other) is same
