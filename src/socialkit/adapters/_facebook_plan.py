"""From a post to Facebook's own requests: which way it goes, its fields, and what is wrong with it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import attrs

from ..model import Receipt
from ..rules import measured
from . import base
from ._facebook_posts import STORIES, VIDEOS, Way, id_in, is_id
from ._facebook_rules import (
    BACKGROUND,
    CARDS,
    COMMENT,
    INVITATIONS,
    REEL_BYTES,
    REEL_CODECS,
    REEL_FPS,
    REEL_SECONDS,
    REEL_SIDES,
    SCHEDULE,
    SCHEDULE_REEL,
    STORY_SECONDS,
    TITLE,
)
from .base import Draft, Part, PartMedia

CATEGORIES = frozenset(
    [
        "BEAUTY_FASHION",
        "BUSINESS",
        "CARS_TRUCKS",
        "COMEDY",
        "CUTE_ANIMALS",
        "ENTERTAINMENT",
        "FAMILY",
        "FOOD_HEALTH",
        "HOME",
        "LIFESTYLE",
        "MUSIC",
        "NEWS",
        "OTHER",
        "POLITICS",
        "SCIENCE",
        "SPORTS",
        "TECHNOLOGY",
        "VIDEO_GAMING",
    ]
)


@attrs.frozen
class FacebookOptions(base.Options):
    """What only Facebook knows. What a kind of post cannot have is a Problem of the plan.

    Attributes:
        format: "post" (the default: a video goes to the Page's videos, whatever its shape), "reel" (one upright video
            of 3 to 90 seconds) or "story" (one picture, or one video of at most 60 seconds; no text).
        publish_at: aware; Facebook publishes by itself then, 10 minutes to 30 days ahead (reels 29 days).
        first_comment: a comment of the Page under its own post, once that is live.
        place: id of the Page of a place.
        tagged_ids: ids of people and Pages to tag; needs a place. Not for a single picture, a video or a reel.
        targeting: who may see it. feed_targeting: whom the news feed shows it to.
        call_to_action: the button of a link post or video.
        content_category: of a video, such as "BUSINESS".
        background: id of the coloured background of a short text (``text_format_preset_id``).
        cards: a carousel of links instead of one preview, for a post with a link: 2 to 5 (third parties say so) of
            ``{"link": …, "name": …, "description": …, "picture": …}``, of which only the link must be there.
        collaborators: ids of Pages or people invited to a reel; 10 invitations a Page and day.

    >>> FacebookOptions(targeting={"geo_locations": {"countries": ["DE"]}}).format
    'post'
    """

    platform: ClassVar[str] = "facebook"
    format: Literal["post", "reel", "story"] = "post"
    publish_at: datetime | None = attrs.field(default=None, validator=base.aware)
    first_comment: str | None = None
    place: str | None = None
    tagged_ids: tuple[str, ...] = ()
    targeting: dict[str, Any] | None = None
    feed_targeting: dict[str, Any] | None = None
    call_to_action: dict[str, Any] | None = None
    content_category: str | None = None
    background: str | None = None
    cards: tuple[dict[str, str], ...] = ()
    collaborators: tuple[str, ...] = ()


_AIMED = ("targeting", "feed_targeting", "publish_at", "first_comment")
_TAKES: dict[Way, tuple[str, ...]] = {
    "feed": (*_AIMED, "place", "tagged_ids", "call_to_action", "background", "cards"),
    "photo": (*_AIMED, "place"),
    "photos": (*_AIMED, "place", "tagged_ids"),
    "video": (*_AIMED, "call_to_action", "content_category"),
    "reel": (*_AIMED, "place", "collaborators"),
    "photo_story": (),
    "video_story": (),
    "comment": (),
}
_CALLED: dict[Way, str] = {
    "feed": "a text",
    "photo": "a single picture",
    "photos": "several pictures",
    "video": "a video",
    "reel": "a reel",
    "photo_story": "a story",
    "video_story": "a story",
    "comment": "a comment",
}
"""How the kinds of post are called in what is said about them."""


def planned(draft: Draft, now: datetime) -> Part:
    """The part, JSON-safe: ``way``, the form's ``fields``, and what follows the post."""
    way = _way(draft)
    due = _due(draft, way, now)
    if due is not None and way == "photo":
        way = "photos"  # a scheduled /photos answers no post id; a feed post with one staged photo does
    text = _text(draft, way)
    body: dict[str, Any] = {"way": way, "fields": _fields(draft, way, text, due)}
    _check_options(draft, way)
    _check_media(draft, way)
    if due is not None:
        body["due"] = due
    if way == "comment":
        body["parent"] = _parent(draft)
    if draft.post.title and way not in VIDEOS:
        body["title"] = draft.post.title  # an edit may be one of a video
    if draft.options.first_comment:
        body["first_comment"] = draft.options.first_comment
    if draft.options.collaborators:
        body["collaborators"] = list(draft.options.collaborators)
    kind = {"comment": "reply", "reel": "reel", "photo_story": "story", "video_story": "story"}.get(
        way, "post"
    )
    return Part(draft.index, body, text, kind, requests=_requests(draft, way))


def _way(draft: Draft) -> Way:
    videos = [item for item in draft.media if item.kind == "video"]
    form, field = draft.options.format, "options.format"
    if draft.post.reply_to is not None:
        if form != "post":
            draft.problem(field, "unsupported", f"a reply is a comment, it cannot be a {form}")
        return "comment"
    if form not in ("post", "reel", "story"):
        draft.problem(field, "unknown", f"no format {form!r}", hint="post, reel or story")
    if form == "story":
        if len(draft.media) != 1:
            draft.problem("media", "count", "a story is one picture or one video", actual=len(draft.media))
        return "video_story" if videos else "photo_story"
    if form == "reel":
        if len(draft.media) != 1 or not videos:
            draft.problem("media", "count", "a reel is one video", actual=len(draft.media))
        return "reel"
    if videos:
        return "video"
    return "feed" if not draft.media else "photo" if len(draft.media) == 1 else "photos"


def _due(draft: Draft, way: Way, now: datetime) -> int | None:
    when: datetime | None = draft.options.publish_at
    if when is None or "publish_at" not in _TAKES[way]:
        return None
    field, ahead = "options.publish_at", (when - now).total_seconds()
    least, most = SCHEDULE_REEL if way == "reel" else SCHEDULE
    if not least <= ahead <= most:
        words = f"must be {least / 60:g} minutes to {most / 86_400:g} days ahead"
        draft.problem(field, "range", words, limit=most if ahead > most else least, actual=round(ahead))
    if draft.options.first_comment:
        words = "a scheduled post cannot be commented on before it is live"
        draft.problem("options.first_comment", "scheduled", words, hint="publish it without publish_at")
    return int(when.timestamp())


def _text(draft: Draft, way: Way) -> str:
    """The text as it will stand there; what a kind of post has no place for is named."""
    post, text = draft.post, draft.post.text
    if way in STORIES and text.strip():
        hint = "write it on the picture, or clear it: post.variant('facebook', text=None)"
        draft.problem("text", "unsupported", "a story has no text", hint=hint)
    if post.title and way not in VIDEOS:
        draft.change("title", "not_carried", f"is not shown: {_CALLED[way]} has no title on Facebook")
    if post.title and way in VIDEOS and len(post.title) > TITLE:
        words = f"{len(post.title)} characters; third parties say {TITLE} at most"
        draft.problem("title", "undocumented", words, limit=TITLE, severity="warning")
    link = post.link
    if link is not None and _own_host(link.url):
        words = "third parties saw Facebook refuse links to itself"
        draft.problem("link", "own_host", words, severity="warning")
    if link is not None and (link.title or link.description or link.thumbnail):
        words = "its title, description and picture are not sent: Facebook reads the page itself"
        draft.change("link", "not_carried", words)
    if way == "comment":
        if link is not None and link.url not in text:
            draft.change("link", "in_text", "stands in the text: a comment has no link of its own")
            text = "\n\n".join(filter(None, (text, link.url)))
        if len(text) > COMMENT:
            words = f"{len(text)} characters; third parties say that a comment has {COMMENT} at most"
            draft.problem("text", "undocumented", words, limit=COMMENT, severity="warning")
    return text


def _own_host(url: str) -> bool:
    return f".{urlsplit(url).hostname or ''}".endswith(".facebook.com")


def _fields(draft: Draft, way: Way, text: str, due: int | None) -> dict[str, str]:
    """The form of the commit, without what only uploads can fill in."""
    name = {"feed": "message", "photos": "message", "comment": "message", "photo": "caption"}
    fields = {name.get(way, "description"): text} if text.strip() and way not in STORIES else {}
    if draft.post.title and way in VIDEOS:
        fields["title"] = draft.post.title
    if draft.post.link is not None and way == "feed":
        fields["link"] = draft.post.link.url
    fields |= _option_fields(draft, way)
    if due is None:
        return fields | ({"video_state": "PUBLISHED"} if way in ("reel", "video_story") else {})
    scheduled = {"video_state": "SCHEDULED"} if way == "reel" else _UNPUBLISHED
    return fields | scheduled | {"scheduled_publish_time": str(due)}


_UNPUBLISHED = {"published": "false", "unpublished_content_type": "SCHEDULED"}
_NAMED = {"tagged_ids": "tags", "background": "text_format_preset_id", "cards": "child_attachments"}
_FOLLOWING = ("publish_at", "first_comment", "collaborators")


def _option_fields(draft: Draft, way: Way) -> dict[str, str]:
    fields = {}
    for name in _TAKES[way]:
        value = getattr(draft.options, name)
        if value and name not in _FOLLOWING:
            fields[_NAMED.get(name, name)] = value if isinstance(value, str) else json.dumps(value)
    return fields


# --- what is wrong ----------------------------------------------------------------------------------------
def _check_options(draft: Draft, way: Way) -> None:
    options = draft.options
    given = [f.name for f in attrs.fields(type(options)) if f.name != "format" and getattr(options, f.name)]
    for name in given:
        if name not in _TAKES[way]:
            draft.problem(f"options.{name}", "unsupported", f"Facebook takes none with {_CALLED[way]}")
    ids = {
        "place": (options.place,),
        "tagged_ids": options.tagged_ids,
        "collaborators": options.collaborators,
    }
    for name, values in ids.items():
        for value in values:
            if value is not None and not value.isdigit():
                draft.problem(f"options.{name}", "not_an_id", f"{value!r} is no id: digits only")
    if options.tagged_ids and not options.place:
        draft.problem("options.tagged_ids", "no_place", "Facebook tags only together with a place")
    if len(options.collaborators) > INVITATIONS:
        words = f"{len(options.collaborators)}; a Page invites {INVITATIONS} a day"
        draft.problem("options.collaborators", "count", words, limit=INVITATIONS)
    if options.background and len(draft.post.text) > BACKGROUND:
        words = f"{len(draft.post.text)} characters; third parties say that a background takes {BACKGROUND}"
        draft.problem("options.background", "undocumented", words, limit=BACKGROUND, severity="warning")
    if options.first_comment and len(options.first_comment) > COMMENT:
        words = (
            f"{len(options.first_comment)} characters; third parties say that a comment has {COMMENT} at most"
        )
        draft.problem("options.first_comment", "undocumented", words, limit=COMMENT, severity="warning")
    _check_cards(draft)
    if options.content_category and options.content_category not in CATEGORIES:
        hint = f"one of {', '.join(sorted(CATEGORIES))}"
        words = f"no category {options.content_category!r}"
        draft.problem("options.content_category", "unknown", words, hint=hint)


def _check_cards(draft: Draft) -> None:
    cards = draft.options.cards
    if not cards:
        return
    least, most = CARDS
    if not least <= len(cards) <= most:
        words = f"{len(cards)}; third parties say that a carousel has {least} to {most}"
        draft.problem("options.cards", "undocumented", words, limit=most, severity="warning")
    if draft.post.link is None:
        draft.problem("link", "missing", "a carousel of links has a link of its own, too")
    for number, card in enumerate(cards):
        place = f"options.cards[{number}]"
        if strange := sorted(set(card) - {"link", "name", "description", "picture"}):
            draft.problem(place, "unknown", f"a card has no {strange[0]}")
        if not str(card.get("link", "")).startswith(("http://", "https://")):
            draft.problem(place, "link", "a card has a link, written whole")


def _check_media(draft: Draft, way: Way) -> None:
    if way == "comment" and (len(draft.media) > 1 or any(item.kind == "video" for item in draft.media)):
        draft.problem("media", "count", "a comment has one picture at most", limit=1, actual=len(draft.media))
    for index, item in enumerate(draft.media):
        if item.kind != "video":
            continue
        field = f"media[{index}]"
        if item.alt:
            draft.change(f"{field}.alt", "not_carried", "is not sent: Facebook keeps none for videos")
        _check_captions(draft, item, field, way)
        if way in ("reel", "video_story"):
            _check_upright(draft, item, field, way)


def _check_captions(draft: Draft, item: PartMedia, field: str, way: Way) -> None:
    if item.thumbnail is not None and way == "video_story":
        draft.problem(f"{field}.thumbnail", "unsupported", "a story has no thumbnail of its own")
    for number, caption in enumerate(item.captions):
        place = f"{field}.captions[{number}]"
        if way == "video_story":
            draft.problem(place, "unsupported", "Facebook takes no captions with a story")
        if caption.mime != "application/x-subrip":
            draft.problem(place, "type", f"{caption.mime} is not taken", hint="give an SRT file")
        if caption.label:
            draft.change(
                f"{place}.label", "not_carried", "is not sent: Facebook names captions by their language"
            )
        if locale_of(caption) is None:
            words = f"{caption.language!r} names no region"
            draft.problem(f"{place}.language", "unsupported", words, hint="write it as en-US, say")


def locale_of(caption: PartMedia) -> str | None:
    """The language as Facebook writes it, ``en_US``; None when the region is not told."""
    match = re.fullmatch(r"([a-zA-Z]{2,3})[-_](?:[a-zA-Z]{4}[-_])?([a-zA-Z]{2})", caption.language or "")
    return f"{match[1].lower()}_{match[2].upper()}" if match else None


def _check_upright(draft: Draft, item: PartMedia, field: str, way: Way) -> None:
    """Reels and video stories: what Meta's guide asks of them."""
    least, most = REEL_SECONDS
    most = STORY_SECONDS if way == "video_story" else most
    if item.seconds is not None and not least <= item.seconds <= most:
        words = f"{item.seconds:g} s; {_CALLED[way]} has {least:g} to {most:g} s"
        draft.problem(field, "range", words, limit=most, actual=item.seconds)
    if item.size > REEL_BYTES:
        words = measured(item.size, REEL_BYTES, "utf8")
        draft.problem(field, "too_large", words, limit=REEL_BYTES, actual=item.size)
    wide, high = item.width or 0, item.height or 0
    if wide and high:
        if wide < REEL_SIDES[0] or high < REEL_SIDES[1]:
            words = f"{wide} × {high} pixels; at least {REEL_SIDES[0]} × {REEL_SIDES[1]}"
            draft.problem(field, "too_small", words)
        if abs(wide / high - 9 / 16) > 0.01:
            draft.problem(field, "ratio", f"{wide} × {high} pixels; {_CALLED[way]} is 9 wide and 16 high")
    if strange := [one for one in item.codecs if one not in REEL_CODECS]:
        words = f"{', '.join(strange)}; {_CALLED[way]} is made of {', '.join(sorted(REEL_CODECS))}"
        draft.problem(field, "codec", words)
    low, top = REEL_FPS
    if item.fps is not None and not low <= item.fps <= top:
        words = f"{item.fps:g} frames per second; {low:g} to {top:g} are allowed"
        draft.problem(field, "range", words, limit=top, actual=item.fps)


def _parent(draft: Draft) -> str:
    """The id of what is commented on."""
    wanted = draft.post.reply_to
    if isinstance(wanted, Receipt):
        if wanted.kind == "story":
            draft.problem("reply_to", "unsupported", "a story takes no comments")
        told = wanted.id if is_id(wanted.id) else id_in(wanted.url or "", draft.facts.identity)
    else:
        told = id_in(wanted or "", draft.facts.identity)
    if told is None:
        hint = "give its receipt, its id, or a permalink with the id in it"
        draft.problem("reply_to", "not_found", f"{wanted!r} names no id on Facebook", hint=hint)
    return told or ""


def _requests(draft: Draft, way: Way) -> int:
    """How many requests it takes at least: the pieces of a video are Facebook's to cut."""
    staged = {"photos": len(draft.media), "photo_story": 1, "video": 2, "reel": 2, "video_story": 2}
    video = draft.media[0] if way in VIDEOS and draft.media else None
    following = len(video.captions) + (video.thumbnail is not None) if video else 0
    following += bool(draft.options.first_comment) + len(draft.options.collaborators)
    return 1 + staged.get(way, len(draft.media) if way == "comment" else 0) + following
