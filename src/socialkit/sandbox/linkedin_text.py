"""How LinkedIn reads the text of a post: the little format, cut where a reserved character stands bare."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["readable"]

_TOKEN = re.compile(
    r"(?P<escape>\\.)"
    r"|(?P<template>\{hashtag\|\\?[#＃]\|(?P<tag>(?:\\.|[^|}\\])+)\})"
    r"|(?P<mention>@\[(?P<name>(?:\\.|[^\]\\])*)\]\((?P<urn>urn:li:\w+:[A-Za-z0-9_-]+)\))"
    r"|(?P<hash>#\w+)"
    r"|(?P<bare>[|{}@\[\]()<>#\\*_~])"
    r"|(?P<plain>.)",
    re.DOTALL,
)


def readable(commentary: str, name_of: Callable[[str], str | None]) -> tuple[str, list[str]]:
    """What readers see, and the URNs that are mentioned. A bare reserved character ends the text, without a word.

    A mention whose name is not that of its URN becomes plain text.

    >>> readable("Ahoy \\\\(all\\\\) #boats (and more", lambda urn: None)
    ('Ahoy (all) #boats ', [])
    """
    text, mentioned = [], []
    for match in _TOKEN.finditer(commentary):
        if match["bare"]:
            break
        if match["escape"]:
            text.append(match["escape"][1])
        elif match["template"]:
            text.append("#" + re.sub(r"\\(.)", r"\1", match["tag"]))
        elif match["mention"]:
            name = re.sub(r"\\(.)", r"\1", match["name"])
            text.append(name)
            mentioned += [match["urn"]] if name_of(match["urn"]) == name else []
        else:
            text.append(match[0])
    return "".join(text), mentioned
