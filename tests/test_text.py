"""Lengths, entities, splitting, shortening."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from socialkit.text import (
    Dialect,
    Entity,
    Unit,
    byte_span,
    find_entities,
    invalid_characters,
    length,
    shorten,
    shorten_url,
    split,
    strip_html,
)

UNITS = get_args(Unit)
FAMILY = "👨‍👩‍👧‍👦"
STORY = (
    "The boat leaves the harbour today. Everybody who helped is on the quay, and the band plays.\n\n"
    "Read the story at https://example.com/stories/the-boat-leaves-the-harbour?from=post or ask @brand; "
    "we answer. #launch\n\nTomorrow we sail north."
)


def entities(text: str, dialect: Dialect) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in find_entities(text, dialect)]


class TestLength:
    @pytest.mark.parametrize(
        ("unit", "expected"),
        [("x", 2), ("graphemes", 1), ("codepoints", 7), ("utf16", 11), ("utf8", 25), ("mastodon", 1)],
    )
    def test_of_one_emoji_depends_on_the_unit(self, unit: Unit, expected: int) -> None:
        assert length(FAMILY, unit) == expected

    @pytest.mark.parametrize("unit", UNITS)
    def test_of_plain_words_is_the_same_in_every_unit(self, unit: Unit) -> None:
        assert length("We ship today", unit) == 13
        assert length("", unit) == 0

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("e\u0301", 1),  # NFC
            ("東京", 4),
            ("“quoted” – it’s", 15),
            ("https://example.com/" + "a" * 500, 23),
            ("http://a.io", 23),
            ("example.com and example.notatld", 23 + 5 + 15),
            ("mail crew@example.com", 21),
            ("❤️", 2),
            ("❤︎", 4),
            ("1️⃣🇩🇪👍🏽", 6),
            ("🇦🇦", 4),
            ("©", 1),
            ("©️", 2),
        ],
    )
    def test_on_x(self, text: str, expected: int) -> None:
        assert length(text, "x") == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("https://example.com/" + "a" * 500, 23),
            ("http://a.io", 23),
            ("example.com", 11),
            ("@crew@example.social", 5),
            ("@crew", 5),
            ("crew@example.social", 19),
            ("https://example.com/@crew@example.social", 23),
            ("example.com/new https://example.com/new", 16 + 23),
            (":ship: #launch\n", 15),
            (" \n ", 0),
        ],
    )
    def test_on_mastodon(self, text: str, expected: int) -> None:
        assert length(text, "mastodon") == expected

    def test_takes_the_urls_length_from_the_server(self) -> None:
        assert length("See https://example.com", "mastodon", url_length=30) == 34
        assert length("See https://example.com", "x", url_length=30) == 34

    def test_of_an_unknown_unit_names_the_known_ones(self) -> None:
        with pytest.raises(ValueError, match="'words': use x, graphemes"):
            length("a", "words")  # type: ignore[arg-type]


class TestFindEntities:
    def test_on_x(self) -> None:
        text = "Ship it, @brand! example.com/new #launch $SHIP https://t.co/abc"
        assert entities(text, "x") == [
            ("mention", "@brand"),
            ("url", "example.com/new"),
            ("hashtag", "#launch"),
            ("cashtag", "$SHIP"),
            ("url", "https://t.co/abc"),
        ]

    @pytest.mark.parametrize(
        "text", ["mail@brand", "@brand@example.social", "1#launch", "#2026", "a.b", "a$SHIP", "$SHIPPING"]
    )
    def test_on_x_leaves_lookalikes_alone(self, text: str) -> None:
        assert entities(text, "x") == []

    def test_on_x_sees_a_domain_between_words_of_another_script(self) -> None:
        assert entities("これはexample.comです", "x") == [("url", "example.com")]

    def test_on_bluesky(self) -> None:
        text = "(@brand.example.com) see example.com/new. #launch! $ship, https://example.com/a_(b)"
        assert find_entities(text, "bluesky") == [
            Entity("mention", 1, 19, "brand.example.com"),
            Entity("url", 25, 40, "https://example.com/new"),
            Entity("hashtag", 42, 49, "launch"),
            Entity("cashtag", 51, 56, "SHIP"),
            Entity("url", 58, 83, "https://example.com/a_(b)"),
        ]

    @pytest.mark.parametrize(
        "text", ["@brand", "@brand.notatld", "x@brand.example.com", "#2026", "#" + "a" * 65]
    )
    def test_on_bluesky_leaves_lookalikes_alone(self, text: str) -> None:
        assert entities(text, "bluesky") == []

    def test_on_bluesky_completes_a_domain_that_begins_with_http(self) -> None:
        assert find_entities("httpd.example.com", "bluesky")[0].value == "https://httpd.example.com"

    def test_on_mastodon(self) -> None:
        text = "@crew@example.social: https://example.com/café?q=日本 (#launch) gemini://example.org @brand"
        assert entities(text, "mastodon") == [
            ("mention", "@crew@example.social"),
            ("url", "https://example.com/café?q=日本"),
            ("hashtag", "#launch"),
            ("url", "gemini://example.org"),
            ("mention", "@brand"),
        ]

    @pytest.mark.parametrize(
        "text", ["example.com", "#2026", "a#launch", "/@brand", "$SHIP", "crew@example.social"]
    )
    def test_on_mastodon_leaves_lookalikes_alone(self, text: str) -> None:
        assert entities(text, "mastodon") == []

    def test_on_mastodon_a_dot_in_the_middle_joins_a_hashtag(self) -> None:
        text = "#new·boat #ニュー・ボート #boat·"
        assert [value for _, value in entities(text, "mastodon")] == ["#new·boat", "#ニュー・ボート", "#boat"]

    def test_on_mastodon_a_hashtag_ends_where_a_url_begins(self) -> None:
        text = "#港https://example.com"
        assert entities(text, "mastodon") == [("hashtag", "#港"), ("url", "https://example.com")]

    def test_of_an_unknown_dialect_names_the_known_ones(self) -> None:
        with pytest.raises(ValueError, match="'latin': use x, bluesky or mastodon"):
            find_entities("a", "latin")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "text",
        ["a." * 20_000, "漢字かな" * 5_000 + "a.xyzzy", "http://a.io/" + "(" * 20_000, "#" + "1" * 20_000],
    )
    def test_takes_no_long_thought_over_hostile_text(self, text: str) -> None:
        program = (
            "import sys; from socialkit.text import find_entities; text = sys.stdin.read();"
            "[find_entities(text, dialect) for dialect in ('x', 'bluesky', 'mastodon')]"
        )
        subprocess.run([sys.executable, "-c", program], input=text.encode(), check=True, timeout=20)


def test_byte_span_counts_what_stands_before_in_utf8() -> None:
    text = "Grüße 👋 #launch"
    (hashtag,) = find_entities(text, "bluesky")
    start, end = byte_span(text, hashtag)
    assert text.encode()[start:end] == b"#launch"


def test_invalid_characters_are_told_with_place_and_name() -> None:
    assert invalid_characters("a\ufeffb\uffff") == [(1, "U+FEFF"), (3, "U+FFFF")]
    assert invalid_characters(STORY) == []


class TestSplit:
    def test_keeps_a_text_that_fits(self) -> None:
        assert split(STORY, 500, "graphemes") == [STORY]
        assert split("", 10, "x") == [""]

    def test_prefers_paragraphs_then_sentences_then_clauses_then_words(self) -> None:
        assert split("One.\n\nTwo. Three", 14, "graphemes") == ["One.\n\n", "Two. Three"]
        assert split("One two. Three, four", 16, "graphemes") == ["One two. ", "Three, four"]
        assert split("One two, three four", 16, "graphemes") == ["One two, ", "three four"]
        assert split("One two three four", 16, "graphemes") == ["One two three ", "four"]

    def test_cuts_a_word_only_if_it_is_longer_than_a_part(self) -> None:
        assert split("an incomprehensible", 18, "graphemes") == ["an ", "incomprehensible"]
        assert split("an incomprehensible", 10, "graphemes") == ["an incompr", "ehensible"]

    def test_does_not_take_a_dot_before_a_small_letter_for_the_end_of_a_sentence(self) -> None:
        assert split("We sail e.g. to the north", 20, "graphemes") == ["We sail e.g. to the ", "north"]

    def test_cuts_scripts_without_spaces_after_their_punctuation(self) -> None:
        text = "船は港を出ます。明日は北へ向かいます。"
        assert split(text, 24, "x") == ["船は港を出ます。", "明日は北へ向かいます。"]

    def test_keeps_entities_and_graphemes_whole(self) -> None:
        url = "https://example.com/stories/the-boat"
        assert split(f"Read this: {url}", 40, "graphemes") == ["Read this: ", url]
        assert split(FAMILY * 3, 2, "graphemes") == [FAMILY * 2, FAMILY]

    def test_may_spend_less_on_a_long_url(self) -> None:
        text = "Read this: https://example.com/stories/the-boat"
        assert split(text, 40, "x") == [text]
        assert split(text, 40, "mastodon", url_length=35) == ["Read this: ", text[11:]]

    def test_holds_several_limits_at_once(self) -> None:
        parts = split("漢字" * 10, 20, "graphemes", also=[(30, "utf8")])
        assert parts == ["漢字" * 5, "漢字" * 5]

    def test_numbers_the_parts_within_the_limit(self) -> None:
        parts = split(STORY, 100, "graphemes", numbering=" ({n}/{total})")
        assert [part[-6:] for part in parts] == [
            f" ({n}/{len(parts)})"[-6:] for n in range(1, len(parts) + 1)
        ]
        assert max(length(part, "graphemes") for part in parts) <= 100

    def test_makes_room_for_numbers_of_two_digits(self) -> None:
        parts = split("word " * 40, 14, "graphemes", numbering=" {n}/{total}")
        assert (len(parts), parts[0], parts[-1]) == (40, "word 1/40", "word 40/40")
        assert max(map(len, parts)) <= 14

    def test_does_not_number_a_single_part(self) -> None:
        assert split("We ship today ", 13, "graphemes", numbering=" {n}/{total}") == ["We ship today"]

    @pytest.mark.parametrize("numbering", ["{n}/{total}", " part", ""])
    def test_refuses_a_numbering_that_does_not_number(self, numbering: str) -> None:
        with pytest.raises(ValueError, match="numbering"):
            split("a", 10, "x", numbering=numbering)

    def test_strips_parts_on_request(self) -> None:
        text = "  One two. \n\n   \n Three "
        assert split(text, 9, "graphemes", strip=True) == ["One two.", "Three"]
        assert "".join(split(text, 9, "graphemes")) == text

    def test_names_what_is_longer_than_the_limit_by_itself(self) -> None:
        with pytest.raises(ValueError, match=r"the url 'https://example\.com/stories' .* 27 graphemes of 20"):
            split("Read https://example.com/stories now", 20, "graphemes")
        with pytest.raises(ValueError, match=r"the character '漢' .* 2 x of 1"):
            split("a漢字", 1, "x")

    @given(
        st.lists(
            st.sampled_from([*STORY.split(" "), FAMILY, "漢字", "e\u0301", "\n\n", "  ", "\r\n", "$SHIP"])
        ),
        st.text(max_size=40),
        st.sampled_from(UNITS),
        st.integers(min_value=90, max_value=200),
        st.booleans(),
    )
    def test_loses_nothing_and_cuts_no_entity(
        self, words: list[str], rest: str, unit: Unit, limit: int, glued: bool
    ) -> None:
        text = ("" if glued else " ").join([*words, rest])
        dialect: Dialect = "x" if unit == "x" else "bluesky"
        try:
            parts = split(text, limit, unit, dialect=dialect)
        except ValueError:
            reject()
        assert "".join(parts) == text
        assert all(length(part, unit) <= limit for part in parts)
        seams = {sum(map(len, parts[:n])) for n in range(1, len(parts))}
        assert not any(seams & set(range(one.start + 1, one.end)) for one in find_entities(text, dialect))
        assert sum(length(part, "graphemes") for part in parts) == length(text, "graphemes")

    @given(st.text(max_size=400), st.integers(min_value=20, max_value=60))
    def test_stripped_and_numbered_parts_keep_all_that_is_not_white_space(
        self, text: str, limit: int
    ) -> None:
        try:
            stripped = split(text, limit, "codepoints", strip=True)
            numbered = split(text, limit, "codepoints", numbering=" ~{n}~{total}~")
        except ValueError:
            reject()
        assert "".join("".join(stripped).split()) == "".join(text.split())
        assert all(part == part.strip() and len(part) <= limit for part in [*stripped, *numbered])


class TestShorten:
    def test_keeps_a_text_that_fits(self) -> None:
        assert shorten("We ship today", 13, "graphemes") == "We ship today"

    def test_cuts_after_a_word_and_counts_the_ellipsis(self) -> None:
        assert shorten("We ship today, at last", 15, "graphemes") == "We ship today…"
        assert shorten("We ship today", 10, "graphemes", ellipsis=" …") == "We ship …"

    def test_cuts_a_long_word_between_graphemes(self) -> None:
        assert shorten(FAMILY * 5, 3, "graphemes") == FAMILY * 2 + "…"

    def test_leaves_an_entity_out_rather_than_cut_it(self) -> None:
        assert shorten("Story: https://example.com/stories", 30, "graphemes") == "Story…"
        assert shorten("https://example.com/stories", 20, "graphemes") == "https://example.com…"

    def test_refuses_a_limit_that_leaves_nothing(self) -> None:
        with pytest.raises(ValueError, match="nothing of the text fits in 1 graphemes"):
            shorten("We ship", 1, "graphemes")

    @given(
        st.text(min_size=3), st.integers(min_value=12), st.sampled_from(["graphemes", "codepoints", "utf16"])
    )
    def test_fits(self, text: str, limit: int, unit: Unit) -> None:
        try:
            short = shorten(text, limit, unit)
        except ValueError:
            reject()
        assert length(short, unit) <= limit


def test_shorten_url_shows_what_matters() -> None:
    assert shorten_url("https://www.example.com/", 30) == "example.com"
    assert shorten_url("https://example.com/stories/", 30) == "example.com/stories/"
    assert shorten_url("http://example.com/stories/the-boat", 20) == "example.com/stories…"
    with pytest.raises(ValueError, match="use 2 or more"):
        shorten_url("https://example.com", 1)


class TestStripHtml:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("<p>One<br />two<br>three</p><p>Four &amp; five &lt;3</p>", "One\ntwo\nthree\n\nFour & five <3"),
            ("<p>One<br><br>Two</p>", "One\n\nTwo"),
            ("<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
            ("<blockquote><p>One</p></blockquote><p>Two</p>", "One\n\nTwo"),
            ("<pre>a\n\tb</pre>", "a\n\tb"),
            ("<p>a\n b</p>", "a  b"),
            ("plain", "plain"),
            ("<p>a<script>alert(1)</script></p>", "a"),
            ("", ""),
        ],
    )
    def test_gives_the_text_back(self, html: str, text: str) -> None:
        assert strip_html(html) == text

    def test_joins_the_hidden_parts_of_a_link(self) -> None:
        html = (
            '<p>See <a href="https://example.com/a/b"><span class="invisible">https://</span>'
            '<span class="ellipsis">example.com/a</span><span class="invisible">/b</span></a> '
            '<span class="h-card"><a href="#">@<span>crew</span></a></span> '
            '<a href="#">#<span>go</span></a></p>'
        )
        assert strip_html(html) == "See https://example.com/a/b @crew #go"

    def test_leaves_out_what_the_server_put_before_a_quote(self) -> None:
        html = '<p class="quote-inline">RE: <a href="#">https://example.com/1</a></p><p>Well said</p>'
        assert strip_html(html) == "Well said"
        assert strip_html('<div class="quote-inline"><div>RE:</div> link</div>Well said') == "Well said"


def test_import_loads_no_tables_and_no_regex() -> None:
    heavy = (
        "regex",
        "html.parser",
        "socialkit.text._tlds",
        "socialkit.text._x",
        "socialkit.text._hashtag_letters",
    )
    program = f"import sys, socialkit.text; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
