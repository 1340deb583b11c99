"""The query language of X's recent search: words, phrases, operators, OR, negation, parentheses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .x_views import XPost

if TYPE_CHECKING:
    from .x_views import Views

__all__ = ["BadQuery", "compiled"]

Test = Callable[[XPost], bool]
_TOKEN = re.compile(r"\s*(\(|\)|-?\w+:\"[^\"]*\"|-?\"[^\"]*\"|[^\s()]+)")


class BadQuery(ValueError):
    """The query has an operator X does not know, or its parentheses do not match."""


def compiled(box: Views, query: str) -> Test:
    """A test whether a post matches ``query``. AND (a blank) binds closer than OR; raises BadQuery."""
    tokens = _TOKEN.findall(query)
    test, rest = _any(box, tokens)
    if rest:
        raise BadQuery(f"there is no match for {rest[0]!r}")
    return test


def _any(box: Views, tokens: list[str]) -> tuple[Test, list[str]]:
    tests = []
    while True:
        test, tokens = _all(box, tokens)
        tests.append(test)
        if tokens[:1] != ["OR"]:
            return (lambda post: any(each(post) for each in tests)), tokens
        tokens = tokens[1:]


def _all(box: Views, tokens: list[str]) -> tuple[Test, list[str]]:
    tests = []
    while tokens and tokens[0] not in ("OR", ")"):
        test, tokens = _one(box, tokens)
        tests.append(test)
    if not tests:
        raise BadQuery("a term is missing")
    return (lambda post: all(each(post) for each in tests)), tokens


def _one(box: Views, tokens: list[str]) -> tuple[Test, list[str]]:
    word, rest = tokens[0], tokens[1:]
    if word == "-" and rest:
        test, rest = _one(box, rest)
        return (lambda post: not test(post)), rest
    if word == "(":
        test, rest = _any(box, rest)
        if rest[:1] != [")"]:
            raise BadQuery("there is no match for '('")
        return test, rest[1:]
    if word.startswith("-") and len(word) > 1:
        test, _ = _one(box, [word[1:]])
        return (lambda post: not test(post)), rest
    return _term(box, word), rest


def _term(box: Views, word: str) -> Test:
    name, colon, value = word.partition(":")
    if colon and name in _OPERATORS:
        return _OPERATORS[name](box, value.strip('"'))
    if colon and re.fullmatch(r"[a-z_]+", name) and not value.startswith("//"):
        raise BadQuery(f"there is no operator {name}:")
    if word[:1] in "@#$" and len(word) > 1:
        return _marked(word)
    plain = word.strip('"').lower()
    return lambda post: re.search(rf"(?<!\w){re.escape(plain)}(?!\w)", post.text.lower()) is not None


def _marked(word: str) -> Test:
    kind, name = {"@": ("mentions", "username"), "#": ("hashtags", "tag"), "$": ("cashtags", "tag")}[word[0]]
    wanted = word[1:].lower()
    return lambda post: any(
        str(mark.get(name, "")).lower() == wanted for mark in post.shown.entities.get(kind, ())
    )


def _is(box: Views, value: str) -> Test:
    if value == "reply":
        return lambda post: post.reply_to is not None
    if value == "quote":
        return lambda post: post.quote is not None
    if value == "retweet":
        return lambda post: post.repost_of is not None
    if value in ("verified", "nullcast"):
        return lambda post: value == "verified" and box.people[post.account].verified_type != "none"
    raise BadQuery(f"there is no is:{value}")


def _has(box: Views, value: str) -> Test:
    marks = {"links": "urls", "hashtags": "hashtags", "mentions": "mentions", "cashtags": "cashtags"}
    families = {"media": ("photo", "video", "animated_gif"), "images": ("photo",), "videos": ("video",)}
    if value in marks:
        return lambda post: bool(post.shown.entities.get(marks[value]))
    if value in families:
        return lambda post: any(medium["family"] in families[value] for medium in post.media)
    raise BadQuery(f"there is no has:{value}")


def _from(box: Views, value: str) -> Test:
    return lambda post: value.lower() in (post.account.lower(), box.people[post.account].id)


def _to(box: Views, value: str) -> Test:
    person = box.named(value) or box.person_of(value)
    return lambda post: person is not None and box.reply_author(post) == person.id


def _url(box: Views, value: str) -> Test:
    return lambda post: any(
        value in str(link.get("expanded_url")) for link in post.shown.entities.get("urls", ())
    )


def _count(name: str) -> Callable[[Views, str], Test]:
    def made(box: Views, value: str) -> Test:
        if not value.isdecimal():
            raise BadQuery(f"{value!r} is no number")
        return lambda post: bool(box.public_metrics(post)[name] >= int(value))

    return made


_OPERATORS: dict[str, Callable[[Views, str], Test]] = {
    "from": _from,
    "to": _to,
    "url": _url,
    "is": _is,
    "has": _has,
    "conversation_id": lambda box, value: lambda post: post.conversation == value,
    "in_reply_to_tweet_id": lambda box, value: lambda post: post.reply_to == value,
    "quotes_of_tweet_id": lambda box, value: lambda post: post.quote == value,
    "retweets_of_tweet_id": lambda box, value: lambda post: post.repost_of == value,
    "lang": lambda box, value: lambda post: value == ("en" if post.text.strip() else "zxx"),
    "min_likes": _count("like_count"),
    "min_replies": _count("reply_count"),
    "min_reposts": _count("retweet_count"),
}
