"""What becomes of a post on X: options, polls, checks that no rule can say, warnings on media, the price."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import attrs

from socialkit.model import Receipt
from socialkit.text import find_entities, invalid_characters

from . import base
from ._x_article import article_of
from ._x_media import category_of, chunk_of, language_of
from ._x_posts import author_of, id_of
from ._x_rules import DOCUMENTED_VIDEO, LABELS, PRICE
from .base import AccountFacts, Draft, Part, PartMedia

Access = Literal["self-serve", "enterprise"]
_AUDIENCES = ("following", "mentionedUsers", "subscribers", "verified")


def _ids(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


@attrs.frozen
class XAppInstall:
    """The app a button beside the media installs: ids in the stores, at least one.

    >>> XAppInstall(play_store_id="com.example.boats").app_store_id is None
    True
    """

    app_store_id: str | None = None
    ipad_app_store_id: str | None = None
    play_store_id: str | None = None


@attrs.frozen
class XOptions(base.Options):
    """What only X knows. In a thread, who may reply, place, tags and community go with the first post.

    Attributes:
        reply_settings: who may reply: None is everyone.
        exclude_reply_user_ids: ids of people whom a reply does not mention, though they are in the conversation.
        made_with_ai, paid_partnership: disclosures.
        community_id: post into this Community.
        for_super_followers_only: for subscribers only.
        share_with_followers: show it to all followers too; with one of the two before.
        tagged_user_ids: ids of at most 10 people to tag in the media.
        media_title, media_description: what the card of the first post's video says.
        embeddable: other sites may play the media, at addresses that do not end.
        visit_site, watch_now, app_install: a button on the media: an https address, or an app; one of them.
        article: publish as an Article, with ``Post.title``, paragraphs and one picture as its cover; needs Premium.
        card_uri: a card made elsewhere, instead of media, poll or quote.
        direct_message_deep_link: a button to write to this account, instead of the same.
        place_id: id of a place to show.

    >>> XOptions(reply_settings="verified").made_with_ai is None
    True
    """

    platform: ClassVar[str] = "x"
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    exclude_reply_user_ids: tuple[str, ...] = attrs.field(default=(), converter=_ids)
    made_with_ai: bool | None = None
    paid_partnership: bool | None = None
    community_id: str | None = None
    share_with_followers: bool | None = None
    tagged_user_ids: tuple[str, ...] = attrs.field(default=(), converter=_ids)
    for_super_followers_only: bool | None = None
    media_title: str | None = None
    media_description: str | None = None
    embeddable: bool | None = None
    visit_site: str | None = None
    watch_now: str | None = None
    app_install: XAppInstall | None = None
    article: bool | None = None
    card_uri: str | None = None
    direct_message_deep_link: str | None = None
    place_id: str | None = None


def part_of(draft: Draft, access: Access, *, premium: bool) -> Part:
    """The request of one post, with all that is wrong with it written down."""
    post = draft.post
    request: dict[str, Any] = {"text": post.text} if post.text.strip() else {}
    request |= _option_fields(draft)
    if reply := _reply(draft):
        request["reply"] = reply
    if (quoted := _target(draft, "quote")) is not None:
        request["quote_tweet_id"] = quoted
    if post.poll:
        request["poll"] = _poll(draft)
    article = article_of(draft, request, premium=premium)
    _check_text(draft, access)
    _check_tags(draft)
    _check_mix(draft, request, access)
    _check_moving(draft, premium)
    _check_captions(draft)
    summoned = _check_reply(draft, access)
    warning = _media_warning(draft) if article is None else {}
    body: dict[str, Any] = {"request": request} | ({"warning": warning} if warning else {})
    body |= {"article": article} if article is not None else {}
    body |= {"apart": True} if draft.options.community_id or draft.options.for_super_followers_only else {}
    kind = "quote" if post.quote else "reply" if post.reply_to or draft.index else "post"
    requests = 1 + (article is not None) + sum(_requests(item, bool(warning)) for item in draft.media)
    price = 0.0 if article is not None else _price(draft, summoned)
    described = sum(bool(item.alt or warning) for item in draft.media)
    cost = round(price + described * PRICE["metadata"], 3) if access == "self-serve" else 0.0
    return Part(draft.index, body, post.text, kind, requests=requests, cost=cost)


# --- replies and quotes -------------------------------------------------------------------------------------
def _target(draft: Draft, field: Literal["reply_to", "quote"]) -> str | None:
    """The id of the post that is replied to or quoted, from a receipt, a permalink or an id."""
    wanted = getattr(draft.post, field)
    if wanted is None:
        return None
    reference = wanted.id or wanted.url or "" if isinstance(wanted, Receipt) else wanted
    found = id_of(reference)
    if found is None:
        hint = "give its permalink or id"
        draft.problem(field, "not_found", f"{reference!r} is no post on X", hint=hint)
    return found


def _reply(draft: Draft) -> dict[str, Any]:
    """The request's ``reply``; what a later part of a thread replies to is filled in when it is sent."""
    parent, excluded = _target(draft, "reply_to"), list(draft.options.exclude_reply_user_ids)
    is_reply = draft.index > 0 or draft.post.reply_to is not None
    if excluded and draft.total == 1 and not is_reply:
        draft.problem(
            "options.exclude_reply_user_ids", "no_reply", "only replies mention people by themselves"
        )
    known = {"in_reply_to_tweet_id": parent} if parent is not None else {}
    return known | ({"exclude_reply_user_ids": excluded} if excluded and is_reply else {})


def _check_reply(draft: Draft, access: Access) -> bool:
    """Whether it replies to somebody else, which X allows apps only when that person called for it."""
    wanted = draft.post.reply_to
    if wanted is None or _is_own(wanted, draft.facts):
        return False
    if access == "self-serve":
        draft.problem(
            "reply_to",
            "summoned_only",
            "X takes a reply through its API only when the author mentioned or quoted this account",
            hint="replies to own posts are exempt; so are Enterprise apps: X(access='enterprise')",
            severity="warning",
        )
    return True


def _is_own(wanted: Receipt | str, facts: AccountFacts) -> bool:
    if isinstance(wanted, Receipt):
        return wanted.identity.id == facts.identity.id
    name, own = author_of(wanted), facts.identity.name
    return name is not None and own is not None and name.casefold() == own.casefold()


# --- options ------------------------------------------------------------------------------------------------
def _option_fields(draft: Draft) -> dict[str, Any]:
    """The options as request fields; what belongs to the conversation goes with its first post."""
    options = draft.options
    names = ["made_with_ai", "paid_partnership", "for_super_followers_only"]
    fields: dict[str, Any] = {}
    if draft.index == 0:
        names += ["reply_settings", "community_id", "share_with_followers"]
        names += ["card_uri", "direct_message_deep_link"]
        fields = {"geo": {"place_id": options.place_id} if options.place_id else None, "media": _about(draft)}
        _check_options(draft)
    fields |= {name: getattr(options, name) for name in names}
    return {name: value for name, value in fields.items() if value is not None}


def _about(draft: Draft) -> dict[str, Any] | None:
    """What the request says about the media beside their ids."""
    options = draft.options
    made = {
        "tagged_user_ids": list(options.tagged_user_ids) or None,
        "title": options.media_title,
        "description": options.media_description,
        "embeddable": options.embeddable,
        "call_to_actions": _button(draft),
    }
    given = {name: value for name, value in made.items() if value is not None}
    fields = {"title": "media_title", "description": "media_description", "call_to_actions": "visit_site"}
    for name in given if not draft.media else ():
        place = f"options.{fields.get(name, name)}"
        draft.problem(place, "no_media", "this belongs to media; the first post has none")
    if draft.media and given.keys() & {"title", "description"} and draft.media[0].kind != "video":
        words = "X shows title and description of videos alone"
        draft.problem("options.media_title", "no_video", words, severity="warning")
    return given if draft.media and given else None


def _button(draft: Draft) -> dict[str, Any] | None:
    options = draft.options
    made: dict[str, Any] = {
        name: {"url": getattr(options, name)}
        for name in ("visit_site", "watch_now")
        if getattr(options, name)
    }
    for name, button in made.items():
        if not re.match(r"https://[^\s/]", button["url"]):
            draft.problem(f"options.{name}", "invalid", f"{button['url']!r} is no https address")
    if options.app_install is not None:
        ids = attrs.asdict(options.app_install)
        made["app_install"] = {name: value for name, value in ids.items() if value}
        if not made["app_install"]:
            draft.problem("options.app_install", "required", "the id of the app in at least one store")
    if len(made) > 1:
        words = f"{' and '.join(made)}: media have one button"
        draft.problem("options.visit_site", "mixed", words, limit=1, actual=len(made))
    return made or None


def _check_options(draft: Draft) -> None:
    options = draft.options
    if options.reply_settings is not None and options.reply_settings not in _AUDIENCES:
        hint = f"one of {', '.join(_AUDIENCES)}; None lets everyone reply"
        draft.problem(
            "options.reply_settings", "unknown", f"no setting {options.reply_settings!r}", hint=hint
        )
    ids = {
        "community_id": [options.community_id],
        "tagged_user_ids": options.tagged_user_ids,
        "exclude_reply_user_ids": options.exclude_reply_user_ids,
    }
    for name, values in ids.items():
        for value in values:
            if value is not None and not re.fullmatch("[0-9]{1,19}", value):
                draft.problem(f"options.{name}", "not_an_id", f"{value!r} is no id: up to 19 digits")
    if (count := len(options.tagged_user_ids)) > 10:
        words = f"{count} people; at most 10"
        draft.problem("options.tagged_user_ids", "count", words, limit=10, actual=count)
    if options.share_with_followers and not (options.community_id or options.for_super_followers_only):
        words = (
            "a post that is for all anyway; give community_id or for_super_followers_only, or leave it out"
        )
        draft.problem("options.share_with_followers", "alone", words, severity="warning")


# --- text and poll ------------------------------------------------------------------------------------------
def _poll(draft: Draft) -> dict[str, Any]:
    poll = draft.post.poll
    assert poll is not None
    minutes = min(10_080, max(5, round(poll.seconds / 60)))
    if minutes * 60 != poll.seconds:
        draft.change(
            "poll.seconds", "rounded", "is open for whole minutes", before=poll.seconds, after=minutes * 60
        )
    return {"options": list(poll.options), "duration_minutes": minutes}


def _check_text(draft: Draft, access: Access) -> None:
    text = draft.post.text
    if not text.strip() and not draft.media and (draft.post.poll or draft.post.quote):
        draft.problem("text", "required", "X needs a text beside a poll or a quoted post")
    for at, name in invalid_characters(text):
        draft.problem("text", "invalid_character", f"{name} at {at} is not allowed on X", hint="take it out")
    cashtags = [entity for entity in find_entities(text, "x") if entity.kind == "cashtag"]
    if len(cashtags) > 1 and access == "self-serve":
        words = f"{len(cashtags)} cashtags ($SYMBOL); at most one in a post"
        hint = "take the others out; Enterprise apps are exempt: X(access='enterprise')"
        draft.problem("text", "cashtags", words, limit=1, actual=len(cashtags), hint=hint)


def _check_tags(draft: Draft) -> None:
    """A warning where a tag that was asked for does not become a hashtag: all digits, or another sign in it."""
    tags = [tag for tag in draft.post.tags if f"#{tag}".casefold() in draft.post.text.casefold()]
    if not tags:
        return
    marked = {one.value.casefold() for one in find_entities(draft.post.text, "x") if one.kind == "hashtag"}
    for tag in tags:
        if tag.casefold() not in marked:
            words = f"#{tag} is no hashtag on X: letters, digits and _ only, and not all digits"
            draft.problem("tags", "no_hashtag", words, severity="warning")


def _check_mix(draft: Draft, request: dict[str, Any], access: Access) -> None:
    """Media, poll, quoted post, card and message button: one of them. The plan knows of media and poll itself."""
    post = draft.post
    given = {
        "media": draft.media,
        "poll": post.poll,
        "quote": post.quote,
        "options.card_uri": request.get("card_uri"),
        "options.direct_message_deep_link": request.get("direct_message_deep_link"),
    }
    first, *others = [name for name, value in given.items() if value] or [""]
    for name in others:
        if name != "poll":
            words = f"X takes one of {', '.join(given)} in a post; {first} is there, too"
            draft.problem(
                name, "mixed", words, hint="leave one out; a quoted post's link can stand in the text"
            )
    if post.quote is not None and access == "self-serve":
        words = "X lets only Enterprise apps quote"
        hint = "put the link into the text; an Enterprise app says X(access='enterprise')"
        draft.problem("quote", "enterprise_only", words, hint=hint)


# --- media --------------------------------------------------------------------------------------------------
def _check_moving(draft: Draft, premium: bool) -> None:
    """A warning where only reports of third parties, not the manual, say that X takes a video."""
    most_bytes, most_seconds = DOCUMENTED_VIDEO
    for index, item in enumerate(draft.media):
        field, wide, high = f"media[{index}]", item.width or 0, item.height or 0
        if item.kind == "gif" and (wide > 1280 or high > 1080):
            words = f"{wide} × {high} pixels; an animated GIF has at most 1280 × 1080"
            draft.problem(field, "too_large", words, hint="make it smaller, or give a video")
        beyond = item.size > most_bytes or (item.seconds or 0) > most_seconds
        if item.kind == "video" and beyond and not premium:
            words = "the manual says at most 512 MB and 140 s; since September 2026 X is said to take more"
            draft.problem(field, "undocumented", words, severity="warning")


def _check_captions(draft: Draft) -> None:
    """One track per language of two letters: a second one would take the place of the first."""
    for index, item in enumerate(draft.media):
        seen = set[str]()
        for number, caption in enumerate(item.captions):
            field, code = f"media[{index}].captions[{number}].language", language_of(caption)
            if not re.fullmatch("[A-Z]{2}", code):
                words = f"{caption.language!r} has no two-letter code, and X takes no other"
                draft.problem(field, "unsupported", words)
            elif code in seen:
                words = f"there are captions in {code} already, and X keeps one track per two-letter code"
                draft.problem(field, "repeated", words, hint="leave one out")
            seen.add(code)


def _media_warning(draft: Draft) -> dict[str, bool]:
    """X marks media, not texts; a content warning is the name of such a mark."""
    label, known = draft.post.content_warning, ", ".join(sorted(LABELS))
    if label and label not in LABELS:
        hint = f"one of {known}, or clear it with post.variant('x', content_warning=None)"
        draft.problem("content_warning", "unsupported", "X has no warnings in free words", hint=hint)
    elif label and not draft.media and draft.index == 0:
        draft.problem("content_warning", "no_media", "X has warnings on media only; this post has none")
    elif label and not draft.media:
        draft.change("content_warning", "not_carried", "is not sent: X marks media only, this part has none")
    if draft.post.sensitive and not draft.media:
        draft.change("sensitive", "not_carried", "is not sent: X marks media only")
    if not draft.media:
        return {}
    return {label: True} if label in LABELS else {"other": True} if draft.post.sensitive else {}


def _requests(item: PartMedia, warned: bool) -> int:
    """How many requests a medium takes, with one look at what becomes of a video."""
    upload = 1 if category_of(item) == "tweet_image" else 3 + -(-item.size // chunk_of(item.size))
    return upload + bool(item.alt or warned) + 2 * len(item.captions) + (item.thumbnail is not None)


def _price(draft: Draft, summoned: bool) -> float:
    """US dollars for the post alone, pay per use: a link makes it thirteen times dearer."""
    linked = any(entity.kind == "url" for entity in find_entities(draft.post.text, "x"))
    return PRICE["url" if linked else "summoned" if summoned else "post"]
