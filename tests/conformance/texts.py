"""Texts made to disagree about: all that the detectors and counters of X and Bluesky treat in a special way.

``python -m conformance.texts FOLDER`` (in ``tests/``) asks the reference packages in FOLDER for their answers
and writes the vectors that ``test_text_conformance.py`` checks without them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VECTORS = HERE.parent / "data" / "text_vectors.json"
SEED, COUNT = 20261124, 1500

# fmt: off
TOP_LEVEL = (
    "com", "org", "co", "co.uk", "uk", "io", "dev", "рф", "中国", "xn--p1ai", "info",
    "notatld", "c", "museum", "भ\u093eरतम\u094d", "onion", "한국", "ελ", "рус", "COM",
    "Org", "store", "google", "zip",
)
HOSTS = (
    "example", "sub.example", "my-site", "my_site", "a", "ex_ample.sub", "exämple",
    "пример", "例え", "日本語.example", "www.example", "x.y.z", "-bad", "bad-", "t", "tést",
    "a" * 64, "b" * 63, "xn--abc", "ünï", "http", "https", "1", "127.0.0", "ı", "ſ",
    "K", "İx", "a.b_c.d", "ℓ",
)
SCHEMES = (
    "http://", "https://", "", "HTTP://", "Https://", "ftp://", "//", "http:/",
    "hTTp://",
)
PATHS = (
    "", "/", "/path", "/path/to", "/path(with)parens", "/a_(b)", "/a_(b_(c)_d)", "/ä/ñ",
    "/путь", "/日本", "/a.", "/a,", "/a!", "/a?b=c", "?q=1", "?q=1&r=2", "/?x=y#z",
    "/a#frag", "/@user/", "/@user", "/@user/123", "/~x", "/a..b", "/a;b", "/a|b",
    "/a–b", "/(", "/)", "/((a))", "/[x]", "/$a", "/%20", "/a&b", '/"x"', ":8080/p",
    ":80", ":x", "/ι", "/ⱥ", "/é.", "/a'b", "/a*", "?", "/?", "/a?", "/a?b.", "#h",
    "/sub/page_(baz)_(qux)", "/((((a",
)
WORDS = (
    "Hello", "world", "the", "boat", "Grüße", "naïve", "日本語", "テスト", "東京", "한국어",
    "привет", "мир", "ελληνικά", "שלום", "مرحبا", "สว\u0e31สด\u0e35",
    "ह\u093fन\u094dद\u0940", "e.g.", "U.S.A.", "3.14", "10:30", "example.bar", "x.com",
    "example.com", "word", "a", "1", "12", "é", "ñ", "n\u0303", "ｆｕｌｌ", "がっこう", "ｶﾞ",
    "café", "cafe\u0301",
)
EMOJI = (
    "😀", "👍", "👍\U0001f3fd", "☺", "☺\ufe0f", "☺\ufe0e", "❤\ufe0f", "❤", "©", "©\ufe0f",
    "®", "™", "™\ufe0f", "1\ufe0f\u20e3", "#\ufe0f\u20e3", "*\u20e3", "🇩🇪", "🇺🇸", "🇦🇦",
    "🇦🇧🇨", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "👨\u200d👩\u200d👧\u200d👦", "👩\u200d👩\u200d👦", "👩\u200d🔬", "👨\U0001f3ff\u200d🚀",
    "🏳\ufe0f\u200d🌈", "🏴\u200d☠\ufe0f", "🕵\ufe0f\u200d♂\ufe0f",
    "🕵\U0001f3fb\u200d♀\ufe0f", "🏃\u200d♀\ufe0f", "🏃\U0001f3fd\u200d♂\ufe0f", "✌\ufe0f",
    "✌\U0001f3fc", "✌\ufe0f\U0001f3fc", "⛹\U0001f3fb", "👁\u200d🗨",
    "👁\ufe0f\u200d🗨\ufe0f", "🤷\u200d♂\ufe0f", "♾\ufe0f", "⌚\ufe0f", "⭐", "\ufe0f",
    "\ufe0e", "\u200d", "\U0001f3fb", "🇩", "\u20e3", "👯\u200d♀\ufe0f", "🧞\u200d♂\ufe0f",
    "👩\u200d❤\ufe0f\u200d💋\u200d👨", "👩\u200d❤\ufe0f\u200d👨", "👨\u200d👨\u200d👧",
    "👩\u200d👨\u200d👦", "🦸\U0001f3fb\u200d♂\ufe0f", "🏋\ufe0f\u200d♀\ufe0f", "☠",
    "🅰\ufe0f", "㊗\ufe0f", "🀄\ufe0f", "🀄", "🏖\ufe0f", "🤼\u200d♂\ufe0f",
    "🕴\ufe0f\u200d♂\ufe0f",
)
MENTIONS = (
    "@user", "@user_name", "@aaaaaaaaaaaaaaaaaaaa", "@bbbbbbbbbbbbbbbbbbbbbb",
    "@user/list", "@user/list-name_1", "@é", "@usér", "@user@host.com", "@brand.test",
    "@brand.bsky.social", "@brand.bsky.social.", "@crew.example.com", "RT @user",
    "rt:@user", "rT@user", "＠user", "@1", "@_", "@user:", ".@user", "a@user",
    "user@example.com", "!@user", "&@user", "@user://", "@bad-.com", "@a..com",
    "@brand.COM", "@x.notatld", "@xn--p1ai.xn--p1ai",
)
HASHTAGS = (
    "#tag", "#Tag1", "#123", "#1a", "#日本語", "#タグ", "#تگ", "#тег", "#_", "#_a", "#a_b",
    "#a-b", "#a.b", "＃tag", "#tag#tag", "a#tag", "&#39;", "&#x;", "#tag://",
    "#\ufe0f\u20e3tag", "#é", "#a\u0301", "#ǅ", "#\u200c", "#a\u200db", "#한국",
    "#ह\u093fन\u094dद\u0940", "#😀", "#tag😀", "##tag", "/#tag", "(#tag)", "#tag!",
    "#tag,", '#tag."', "#tag…", "#a·b", "#ー", "#〃", "#𝒳", "#𐐀", "#١٢", "#١a", "#१२",
    "#𐴰a", "#\ufe0ftag", "#" + "a" * 64, "#" + "b" * 65, "#" + "😀" * 33, "#a\xadb",
    "#tag\u2060x", "#a\u200ab", "#!!", "#a!b", "#\U0001f3fb", "#\u0301a", "#5.a", "#ꙮ",
    "#Ꭰ", "#ⰰ", "#ꟃ", "#Ა",
)
CASHTAGS = (
    "$AAPL", "$aapl", "$BRK.A", "$BRK_b", "$TOOLONGX", "$1", "$A1", "$BTC", "$btc5",
    "$AAPL.TOO", "$", "$$A", "a$A", "$A$B", "($A)", "$A,$B", "$ABCDE", "$ABCDEF", "$A’",
    "$A-B", "$Aé", "$A/B", "$A?",
)
SEPARATORS = (
    " ", " ", " ", " ", "", "", "\n", "\n\n", "\t", "  ", "\u3000", "\xa0", ",", ", ",
    ".", ". ", "!", ":", "(", ")", '"', "'", "/", "-", "_", "@", "#", "$", "…", "。",
    "、", "「", "」", "\u200b", "\u200e", "\u202a", "\u2028", "\ufeff", "\ufffe", "&", "|",
    "+", "~", "=", "*", "%", "^", "`", "<", ">", "[", "]", "{", "}", "\x85", "\u180e",
    "\x1c", "\r\n", "\r", "\x00", "\u202f", "＠", "＃", "www.",
)
SHORT_LINKS = (
    "https://t.co/abc", "http://t.co/" + "a" * 40, "http://t.co/" + "a" * 41,
    "https://t.co/abc/def", "https://t.co/abc?x=1.", "https://t.co/", "t.co/abc",
    "HTTPS://T.CO/ABC.", "https://t.co/abcé", "https://t.co",
)
# fmt: on

KINDS = (
    (0.25, "url"),
    (0.28, "short link"),
    (0.45, "word"),
    (0.60, "emoji"),
    (0.74, "mention"),
    (0.88, "hashtag"),
    (0.96, "cashtag"),
    (1.00, "any"),
)
POOLS = {
    "short link": SHORT_LINKS,
    "word": WORDS,
    "emoji": EMOJI,
    "mention": MENTIONS,
    "hashtag": HASHTAGS,
    "cashtag": CASHTAGS,
}


def some_texts(seed: int, count: int) -> list[str]:
    """That many texts, the same for the same seed."""
    source = random.Random(seed)
    return [_text(source) for _ in range(count)]


def _text(source: random.Random) -> str:
    length = source.choice((1, 1, 2, 2, 3, 4, 6, 10))
    return "".join(_token(source) + source.choice(SEPARATORS) for _ in range(length))


def _token(source: random.Random) -> str:
    draw = source.random()
    kind = next(kind for border, kind in KINDS if draw < border)
    if kind == "url":
        host, top = source.choice(HOSTS), source.choice(TOP_LEVEL)
        return f"{source.choice(SCHEMES)}{host}.{top}{source.choice(PATHS)}"
    return source.choice(POOLS[kind]) if kind in POOLS else _character(source)


def _character(source: random.Random) -> str:
    while True:
        code = source.randint(1, source.choice((0x7F, 0x24F, 0x4FF, 0x2FFF, 0xFFFF, 0x1FFFF)))
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def reference_answers(texts: list[str], folder: str) -> list[dict[str, Any]]:
    """What twitter-text and @atproto/api in the ``node_modules`` of a folder say about texts."""
    command = ["node", str(HERE / "oracles.mjs"), folder]
    done = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=True, timeout=300
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return [answer | {"bluesky": _rendered(answer["bluesky"])} for answer in answers]


def _rendered(facets: list[list[Any]]) -> list[list[Any]]:
    """Facets as clients show them: in order, the later of two overlapping ones dropped.

    A bare domain whose name begins with "http" gets its ``https://`` like any other; the reference forgets it
    there, and servers refuse such an address.
    """
    kept: list[list[Any]] = []
    for kind, start, end, value in sorted(facets, key=lambda facet: facet[1]):
        if not kept or start >= kept[-1][2]:
            bare = kind == "url" and not value.startswith(("http://", "https://"))
            kept.append([kind, start, end, f"https://{value}" if bare else value])
    return kept


def main(folder: str) -> None:
    texts = some_texts(SEED, COUNT)
    answers = reference_answers(texts, folder)
    rows = [[text, one["length"], one["x"], one["bluesky"]] for text, one in zip(texts, answers, strict=True)]
    lines = (json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    VECTORS.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
