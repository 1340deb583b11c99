"""From a post to what Instagram is asked for: options, what goes with which kind of post, what would be refused."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import attrs

from ..rules import measured
from ..text import find_entities
from . import base
from ._graph import check_address, check_bit_rate
from ._instagram_rules import (
    BIT_RATE,
    COMMENT,
    FEED_RATIO,
    HASHTAGS,
    ITEMS,
    MENTIONS,
    PRODUCTS,
    STORY_VIDEO,
    TAGS,
    WIDE,
)
from .base import Draft, Part, PartMedia

Kind = Literal["photo", "reel", "story", "carousel"]
_MENTION = re.compile(r"(?<![\w@])@[A-Za-z0-9_](?:[A-Za-z0-9_.]*[A-Za-z0-9_])?")


@attrs.frozen
class InstagramTag:
    """Somebody tagged in a picture or video.

    Attributes:
        username: without ``@``; the account must be public.
        x, y: where, from 0.0 (left, top) to 1.0: needed in a picture of the feed, not possible in a video.
        medium: which of the post's media, from 0.

    >>> InstagramTag("crew", 0.5, 0.25).medium
    0
    """

    username: str
    x: float | None = None
    y: float | None = None
    medium: int = 0


@attrs.frozen
class InstagramProduct:
    """A product of the account's shop, shown in a picture (at x, y) or with a video; ``medium`` as for people.

    >>> InstagramProduct("3231775643511089", 0.5, 0.5).product_id
    '3231775643511089'
    """

    product_id: str
    x: float | None = None
    y: float | None = None
    medium: int = 0


@attrs.frozen
class InstagramOptions(base.Options):
    """What only Instagram knows.

    Attributes:
        story: publish the one picture or video as a story, which is gone after 24 hours.
        first_comment: a comment of the account's own below the post.
        comment_enabled: False closes the comments.
        collaborators: usernames who are asked to share the post, at most 3 (5 are said to be taken).
        user_tags: people in the media. product_tags: products in the media.
        location_id: id of a Facebook Page that has a place.
        thumb_offset: milliseconds into a reel where its cover is; a ``Video(thumbnail=...)`` beats it.
        share_to_feed: whether a reel is in the feed and on the Reels tab, or there alone.
        audio_name: a name for a reel's own sound, given once.
        audio_id, audio_volume, video_volume: music for a reel, and how loud both are.
        trial: show a reel to strangers first; then the person decides ("MANUAL") or how it does ("SS_PERFORMANCE").
        is_ai_generated: label it as made with AI.
        comment_prompt: ask for comments below the caption.
        paid_partnership, sponsor_ids: a paid partnership, and the numeric ids of at most 2 sponsors.

    location_id, product_tags, audio_id, comment_prompt, paid_partnership and sponsor_ids need Facebook Login.

    >>> InstagramOptions(collaborators=("crew",), share_to_feed=True).story
    False
    """

    platform: ClassVar[str] = "instagram"
    story: bool = False
    first_comment: str | None = None
    comment_enabled: bool | None = None
    collaborators: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    user_tags: tuple[InstagramTag, ...] = attrs.field(default=(), converter=tuple)
    product_tags: tuple[InstagramProduct, ...] = attrs.field(default=(), converter=tuple)
    location_id: str | None = None
    thumb_offset: int | None = None
    share_to_feed: bool | None = None
    audio_name: str | None = None
    audio_id: str | None = None
    audio_volume: float | None = None
    video_volume: float | None = None
    trial: Literal["MANUAL", "SS_PERFORMANCE"] | None = None
    is_ai_generated: bool | None = None
    comment_prompt: bool | None = None
    paid_partnership: bool | None = None
    sponsor_ids: tuple[str, ...] = attrs.field(default=(), converter=tuple)


_PAGE_ONLY = (
    "location_id",
    "product_tags",
    "audio_id",
    "audio_volume",
    "video_volume",
    "comment_prompt",
    "paid_partnership",
    "sponsor_ids",
)
_REEL_ONLY = (
    "thumb_offset",
    "share_to_feed",
    "audio_name",
    "audio_id",
    "audio_volume",
    "video_volume",
    "trial",
)
_NO_STORY = (
    "collaborators",
    "location_id",
    "comment_prompt",
    "first_comment",
    "comment_enabled",
    "product_tags",
)
_STRAIGHT = ("location_id", "share_to_feed", "audio_name", "is_ai_generated")
"""Options that are parameters as they are."""


def make_part(draft: Draft, *, page: bool) -> Part:
    """The native part; ``page``: with Facebook Login."""
    kind = kind_of(draft)
    _check_options(draft, kind, page)
    _check_caption(draft, kind)
    _check_comment(draft)
    _check_media(draft, kind, page)
    request = _request(draft, kind)
    items = [_item(draft, kind, index) for index in range(len(draft.media))]
    after = {
        name: value
        for name in ("first_comment", "comment_enabled")
        if (value := getattr(draft.options, name)) is not None and kind != "story"
    }
    body = {"kind": kind, "request": request, "items": items, "after": after}
    names = {"reel": "reel", "story": "story"}
    count = len(items)
    requests = 3 + 2 * count + 2 * (kind == "carousel") + len(after)
    return Part(draft.index, body, draft.post.text, names.get(kind, "post"), requests=requests)


def kind_of(draft: Draft) -> Kind:
    if draft.options.story:
        return "story"
    if len(draft.media) > 1:
        return "carousel"
    return "reel" if draft.media and draft.media[0].kind == "video" else "photo"


def _given(draft: Draft, name: str) -> bool:
    return getattr(draft.options, name) not in (None, ())


def _request(draft: Draft, kind: Kind) -> dict[str, Any]:
    """What is said of the whole post."""
    options = draft.options
    request: dict[str, Any] = {"caption": draft.post.text} if draft.post.text and kind != "story" else {}
    request |= {name: getattr(options, name) for name in _STRAIGHT if _given(draft, name)}
    if options.collaborators:
        request["collaborators"] = list(options.collaborators)
    if options.thumb_offset is not None and not (draft.media and draft.media[0].thumbnail):
        request["thumb_offset"] = options.thumb_offset
    if options.trial:
        request["trial_params"] = {"graduation_strategy": options.trial}
    if options.comment_prompt:
        request["is_comment_prompt_used"] = True
    if options.paid_partnership:
        request["is_paid_partnership"] = True
    if options.sponsor_ids:
        request["branded_content_sponsor_ids"] = list(options.sponsor_ids)
    audio = {name: getattr(options, name) for name in ("audio_id", "audio_volume", "video_volume")}
    if given := {name: value for name, value in audio.items() if value is not None}:
        request["audio_configuration"] = given
    return request


def _item(draft: Draft, kind: Kind, index: int) -> dict[str, Any]:
    """What is said of one medium."""
    medium, options = draft.media[index], draft.options
    video = medium.kind == "video"
    item: dict[str, Any] = {}
    if kind == "story":
        item["media_type"] = "STORIES"
    elif video:
        item["media_type"] = "VIDEO" if kind == "carousel" else "REELS"
    if kind == "carousel":
        item["is_carousel_item"] = True
    if medium.alt and not video and kind != "story":
        item["alt_text"] = medium.alt
    if tags := [_placed({"username": tag.username}, tag) for tag in options.user_tags if tag.medium == index]:
        item["user_tags"] = tags
    products = [
        _placed({"product_id": one.product_id}, one) for one in options.product_tags if one.medium == index
    ]
    if products:
        item["product_tags"] = products
    return item


def _placed(named: dict[str, Any], tag: InstagramTag | InstagramProduct) -> dict[str, Any]:
    return named | {name: value for name in ("x", "y") if (value := getattr(tag, name)) is not None}


# --- what would be refused --------------------------------------------------------------------------------
def _check_options(draft: Draft, kind: Kind, page: bool) -> None:
    for name in _PAGE_ONLY:
        if _given(draft, name) and not page:
            hint = "sign in through the Facebook Page, or leave it out"
            draft.problem(f"options.{name}", "facebook_login_only", "needs Facebook Login", hint=hint)
    for names, wrong, words in (
        (_REEL_ONLY, kind != "reel", "goes with a reel (one video) only"),
        (_NO_STORY, kind == "story", "does not go with a story"),
    ):
        for name in names:
            if _given(draft, name) and wrong:
                draft.problem(f"options.{name}", "unsupported", words, hint="leave it out")
    _check_people(draft)
    _check_places(draft, kind)
    if len(draft.options.sponsor_ids) > 2:
        count = len(draft.options.sponsor_ids)
        draft.problem("options.sponsor_ids", "count", f"{count} sponsors; at most 2", limit=2, actual=count)
    numeric = [("location_id", draft.options.location_id), ("audio_id", draft.options.audio_id)]
    for name, value in [*numeric, *(("sponsor_ids", one) for one in draft.options.sponsor_ids)]:
        if value is not None and not re.fullmatch("[0-9]+", value):
            draft.problem(f"options.{name}", "not_an_id", f"{value!r} is no id: digits only")
    if draft.options.trial not in (None, "MANUAL", "SS_PERFORMANCE"):
        draft.problem("options.trial", "unknown", f"{draft.options.trial!r}", hint="MANUAL or SS_PERFORMANCE")


def _check_people(draft: Draft) -> None:
    named = [("user_tags", tag.username) for tag in draft.options.user_tags]
    for field, name in [*named, *(("collaborators", name) for name in draft.options.collaborators)]:
        if not re.fullmatch(r"[A-Za-z0-9_.]+", name):
            draft.problem(f"options.{field}", "not_a_name", f"{name!r} is no username; write it without @")
    count = len(draft.options.collaborators)
    if count > 5:
        draft.problem("options.collaborators", "count", f"{count} people; at most 5", limit=5, actual=count)
    elif count > 3:
        words = f"{count} people; the reference says at most 3, another page 5: Instagram may refuse"
        draft.problem(
            "options.collaborators", "undocumented", words, limit=3, actual=count, severity="warning"
        )


def _check_places(draft: Draft, kind: Kind) -> None:
    """Who and what is tagged where."""
    if (count := len(draft.options.product_tags)) > PRODUCTS[1] and kind == "carousel":
        words = f"{count} products; at most {PRODUCTS[1]} in a carousel are said to be taken"
        draft.problem(
            "options.product_tags", "count", words, limit=PRODUCTS[1], actual=count, severity="warning"
        )
    for name, most in (("user_tags", TAGS), ("product_tags", PRODUCTS[0])):
        tags = getattr(draft.options, name)
        field = f"options.{name}"
        for tag in tags:
            _check_place(draft, kind, field, tag)
        for index in range(len(draft.media)):
            count = sum(tag.medium == index for tag in tags)
            if count > most:
                severity: Any = "error" if name == "user_tags" else "warning"
                words = f"{count} in medium {index}; at most {most}"
                draft.problem(field, "count", words, limit=most, actual=count, severity=severity)


def _check_place(draft: Draft, kind: Kind, field: str, tag: InstagramTag | InstagramProduct) -> None:
    placed = [value for value in (tag.x, tag.y) if value is not None]
    if not 0 <= tag.medium < len(draft.media):
        words = f"there is no medium {tag.medium}; they are counted from 0"
        draft.problem(field, "no_medium", words)
        return
    if draft.media[tag.medium].kind == "video":
        if placed:
            draft.problem(field, "placed", "has no x and y in a video", hint="leave them out")
    elif len(placed) != 2 and (kind != "story" or placed):
        draft.problem(field, "not_placed", "needs x and y in a picture", hint="each from 0.0 to 1.0")
    if not all(0 <= value <= 1 for value in placed):
        draft.problem(field, "range", f"x={tag.x}, y={tag.y}; each is from 0.0 to 1.0")


def _check_caption(draft: Draft, kind: Kind) -> None:
    text = draft.post.text
    if kind == "story" and text.strip():
        hint = "clear it with post.variant('instagram', text='')"
        draft.problem("text", "unsupported", "a story has no caption", hint=hint)
        return
    if draft.post.link:
        draft.change("link", "plain", "stands in the caption as words: Instagram makes no links of them")
    hashtags = sum(entity.kind == "hashtag" for entity in find_entities(text, "x"))
    mentions = len(_MENTION.findall(text))
    for noun, count, most, few in (("hashtags", hashtags, HASHTAGS, 5), ("mentions", mentions, MENTIONS, 3)):
        if count > most:
            draft.problem("text", noun, f"{count} {noun}; at most {most}", limit=most, actual=count)
        elif count > few:
            words = f"{count} {noun}; the app takes {few}, and Instagram may come to refuse more here too"
            draft.problem("text", noun, words, limit=few, actual=count, severity="warning")


def _check_comment(draft: Draft) -> None:
    """Old pages of the manual name these limits; whether they still hold is not known."""
    text = draft.options.first_comment
    if text is None:
        return
    field, kinds = "options.first_comment", [entity.kind for entity in find_entities(text, "x")]
    if not text.strip():
        draft.problem(field, "empty", "there is nothing in it")
    if draft.options.comment_enabled is False:
        draft.problem(field, "closed", "comments are closed by comment_enabled=False")
    for words, broken in (
        (f"{len(text)} characters; at most {COMMENT} are documented", len(text) > COMMENT),
        (f"{kinds.count('hashtag')} hashtags; at most 4 are documented", kinds.count("hashtag") > 4),
        (f"{kinds.count('url')} links; at most 1 is documented", kinds.count("url") > 1),
        ("all in capitals, which is documented as refused", len(text) > 3 and text.isupper()),
    ):
        if broken:
            draft.problem(field, "undocumented", words, severity="warning")


def _check_media(draft: Draft, kind: Kind, page: bool) -> None:
    media = draft.media
    if kind == "story" and len(media) > 1:
        words = f"{len(media)} media; a story is one picture or video"
        draft.problem("media", "count", words, limit=1, actual=len(media))
    pictures = sum(item.kind != "video" for item in media)
    if len(media) > ITEMS and pictures <= ITEMS and len(media) - pictures <= ITEMS:
        words = f"{len(media)} media; at most {ITEMS} in one post"
        draft.problem("media", "count", words, limit=ITEMS, actual=len(media))
    for index, item in enumerate(media):
        field = f"media[{index}]"
        _check_address(draft, field, item)
        if item.kind == "video":
            _check_video(draft, kind, field, item)
        else:
            _check_picture(draft, kind, field, item)
    _check_crop(draft, kind)


def _check_address(draft: Draft, field: str, item: PartMedia) -> None:
    """What Instagram fetches; a reel's cover, too."""
    check_address(draft, field, item, "Instagram")
    if item.source.startswith("url:") and item.kind == "image" and item.mime not in ("image/jpeg", "image/*"):
        words = f"the address looks like {item.mime}, and Instagram takes JPEG only"
        hint = "give the file itself, which is converted, or the address of a JPEG"
        draft.problem(field, "type", words, hint=hint, severity="warning")


def _check_picture(draft: Draft, kind: Kind, field: str, item: PartMedia) -> None:
    if item.alt and kind == "story":
        draft.change(f"{field}.alt", "not_carried", "is not sent: stories have no alt text")
    if not (item.width and item.height) or kind == "story":
        return
    low, high = FEED_RATIO
    ratio = item.width / item.height
    if not low <= round(ratio, 3) <= high:
        words = f"{ratio:.3g} wide per high; {low:g} (4:5) to {high:g} in the feed"
        hint = "crop it, or publish it as a story"
        limit = high if ratio > high else low
        draft.problem(field, "range", words, limit=limit, actual=round(ratio, 3), hint=hint)


def _check_video(draft: Draft, kind: Kind, field: str, item: PartMedia) -> None:
    if item.alt:
        draft.change(f"{field}.alt", "not_carried", "is not sent: videos have no alt text on Instagram")
    if item.thumbnail is not None and kind == "reel":
        _check_address(draft, f"{field}.thumbnail", item.thumbnail)
    elif item.thumbnail is not None:
        draft.change(f"{field}.thumbnail", "not_carried", "is not sent: only reels have a cover")
    if item.width and item.width > WIDE:
        words = f"{item.width} pixels wide; at most {WIDE}"
        draft.problem(field, "too_large", words, limit=WIDE, actual=item.width)
    check_bit_rate(draft, field, item, BIT_RATE)
    seconds, offset = item.seconds, draft.options.thumb_offset
    if offset is not None and (offset < 0 or (seconds is not None and offset >= seconds * 1000)):
        words = f"{offset} ms; the video is {seconds or 0:g} s long"
        draft.problem("options.thumb_offset", "range", words, actual=offset)
    if offset is not None and item.thumbnail is not None and kind == "reel":
        draft.change("options.thumb_offset", "not_carried", "is not sent: the video's thumbnail is the cover")
    if kind == "story":
        _check_story_video(draft, field, item)
    if kind == "carousel" and (seconds or 0) > 60:
        words = f"{seconds:g} s; older pages say at most 60 s in a carousel"
        draft.problem(field, "undocumented", words, limit=60, actual=seconds, severity="warning")


def _check_story_video(draft: Draft, field: str, item: PartMedia) -> None:
    _, longest, most, slim = STORY_VIDEO
    if (item.seconds or 0) > longest:
        words = f"{item.seconds:g} s; at most {longest:g} in a story"
        draft.problem(field, "range", words, limit=longest, actual=item.seconds)
    if item.size > most:
        words = f"{measured(item.size, most, 'utf8')} in a story"
        draft.problem(field, "too_large", words, limit=most, actual=item.size)
    if item.width and item.height and item.width / item.height < slim:
        draft.problem(field, "range", f"{item.width} × {item.height} is too slim for a story", limit=slim)


def _check_crop(draft: Draft, kind: Kind) -> None:
    """A carousel has one ratio: its first item's."""
    if kind != "carousel":
        return
    shapes = [item.width / item.height if item.width and item.height else None for item in draft.media]
    for index, shape in enumerate(shapes):
        if shape and shapes[0] and abs(shape / shapes[0] - 1) > 0.01:
            words = f"is cropped by Instagram to the first one's shape ({shapes[0]:.3g} wide per high)"
            draft.change(
                f"media[{index}]", "cropped", words, before=round(shape, 3), after=round(shapes[0], 3)
            )
