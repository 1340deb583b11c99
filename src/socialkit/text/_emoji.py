"""Emoji sequences that X counts as one emoji.

Up to Emoji 11 these are exactly the sequences twitter-text 3.1.0 knows. Sequences added to Unicode's
recommended list since (up to Emoji 17) count the same way, as X promises for every emoji; that package,
frozen in 2020, would count their members one by one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

_JOIN = "\u200d"
_AS_EMOJI = "\ufe0f"
_TONE = "[\U0001f3fb-\U0001f3ff]"
_MODIFIABLE_SYMBOLS = "☝⛷⛹✌✍🏋🏌🕴🕵🖐"
# Symbols that are drawn as emoji anyway and still may be followed by the emoji selector.
_WITH_SELECTOR = "🀄⚓☔☕🈚⌚⌛⬛⬜⚡◽⚪⚫🈯⚽⚾⛄⛅♈♉♊♋♌♍♎♏♐♑♒♓⛔⭐⭕❗⛪⛲⛳⛵⛺⛽◾♿"
# The two-letter codes that have a flag, by first letter.
_FLAGS = (
    "ACDEFGILMOQRSTUWXZ BABDEFGHIJLMNOQRSTVWYZ CACDFGHIKLMNOPQRUVWXYZ DEGJKMOZ EACEGHRSTU FIJKMOR "
    "GABDEFGHILMNPQRSTUWY HKMNRTU ICDELMNOQRST JEMOP KEGHIMNPRWYZ LABCIKRSTUVY MACDEFGHKLMNOPQRSTUVWXYZ "
    "NACEFGILOPRUZ OM PAEFGHKLMNRSTWY QA REOSUW SABCDEGHIJKLMNORSTVXYZ TACDFGHJKLMNORTVWZ UAGMNSYZ "
    "VACEGINU WFS XK YET ZAMW"
)
_REGIONS = ("gbeng", "gbsct", "gbwls")
# j joins, v is the emoji selector, t a skin tone.
_JOINED = (
    "[👨👩🧑]t?j(?:[⚕⚖✈]v|[🌾🍳🍼🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🦰🦱🦲🦳]|[🦯🦼🦽](?:j➡v)?)",
    "🧑t?j[🎄🩰]",
    "[🏋🏌🕵🕴⛹][tv]j[♀♂]v",
    "[🏃🚶🧎]t?j(?:[♀♂]vj)?➡v",
    "[🏃🏄🏊👮👯👰👱👳👷💁💂💆💇🙅🙆🙇🙋🙍🙎🚣🚴🚵🚶🤦🤵🤷🤸🤹🤼🤽🤾🦸🦹🧍🧎🧏🧔🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟]t?j[♀♂]v",
    "👩j❤vj(?:💋j)?[👨👩]",
    "👨j❤vj(?:💋j)?👨",
    "👩tj❤vj(?:💋j)?[👨👩]t",
    "👨tj❤vj(?:💋j)?👨t",
    "🧑tj❤vj(?:💋j)?🧑t",
    "🧑j🤝j🧑",
    "🧑tj[🤝🐰🫯]j🧑t",
    "👨tj[🤝🐰🫯]j👨t",
    "👩tj(?:🤝j[👨👩]|[🐰🫯]j👩)t",
    "🫱tj🫲t",
    "(?:👨(?:j[👨👩])?|👩(?:j👩)?)j(?:👦(?:j👦)?|👧(?:j[👦👧])?)",
    "🧑(?:j🧑)?j🧒(?:j🧒)?",
    "🏳vj(?:🌈|⚧v)",
    "🏴j☠v",
    "👁j🗨",
    "🐕j🦺",
    "🐈j⬛",
    "🐻j❄v",
    "🐦j[⬛🔥]",
    "❤vj[🔥🩹]",
    "😮j💨",
    "😵j💫",
    "😶j🌫v",
    "🙂j[↔↕]v",
    "🍋j🟩",
    "🍄j🟫",
    "⛓vj💥",
)


@cache
def pattern() -> regex.Pattern[str]:
    """The pattern for a sequence of several code points that is one emoji, the longest first."""
    import regex

    ways = [_spell(way) for way in _JOINED]
    ways += [rf"[#*0-9]{_AS_EMOJI}?\u20e3", *_tag_sequences(), *_flags()]
    ways += [rf"[\p{{Emoji_Modifier_Base}}⛷](?:(?<=[{_MODIFIABLE_SYMBOLS}]){_AS_EMOJI})?{_TONE}"]
    ways += [
        rf"[[\p{{Emoji}}--\p{{Emoji_Presentation}}--[0-9#*♾]]||[{_WITH_SELECTOR}]]{_AS_EMOJI}",
    ]
    return regex.compile("|".join(ways), regex.V1)


def _spell(way: str) -> str:
    for letter, meaning in (("t", _TONE), ("v", _AS_EMOJI), ("j", _JOIN)):
        way = way.replace(f"[{letter}", f"[{meaning.strip('[]')}").replace(letter, meaning)
    return way


def _tag_sequences() -> list[str]:
    return ["🏴" + "".join(chr(0xE0000 + ord(char)) for char in region) + "\U000e007f" for region in _REGIONS]


def _flags() -> list[str]:
    def indicator(letter: str) -> str:
        return chr(0x1F1E6 + ord(letter) - ord("A"))

    return [f"{indicator(row[0])}[{''.join(map(indicator, row[1:]))}]" for row in _FLAGS.split()]
