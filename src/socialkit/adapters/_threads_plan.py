"""From a draft to the fields of a container: what goes together, and what Threads has no room for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from socialkit.rules import measured
from socialkit.text import find_entities

from ._graph import check_address, check_bit_rate
from ._threads_rules import BIT_RATE, ITEMS, LINKS, PLAINTEXT, RISKY_LINKS, SPOILERS, TOPIC, WIDTH
from .base import Draft, PartMedia

Offsets = Literal["bytes", "characters"]
_COUNTRY = re.compile(r"[A-Z]{2}")
STYLES = frozenset({"bold", "italic", "highlight", "underline", "strikethrough"})
_ONLY_TEXT = ("gif", "attachment", "ghost")
AUDIENCES = (
    "everyone",
    "accounts_you_follow",
    "mentioned_only",
    "parent_post_author_only",
    "followers_only",
)
_TOP_LEVEL = ("reply_control", "reply_approvals", "ghost")


def fields_of(draft: Draft, offsets: Offsets | None) -> dict[str, str]:
    """The container's fields, without media and the parent; every problem of the draft is written down."""
    fields = {"media_type": _kind(draft.media)}
    if draft.post.text:
        fields["text"] = draft.post.text
    fields |= _card(draft) | _poll(draft) | _topic(draft)
    if draft.post.sensitive:
        fields |= _sensitive(draft)
    if not draft.index:
        fields |= _options(draft, offsets)
    check_media(draft)
    check_links(draft)
    return fields


def _kind(media: tuple[PartMedia, ...]) -> str:
    if len(media) > 1:
        return "CAROUSEL"
    return {"video": "VIDEO"}.get(media[0].kind, "IMAGE") if media else "TEXT"


def _is_reply(draft: Draft) -> bool:
    return bool(draft.index or draft.post.reply_to)


def _sensitive(draft: Draft) -> dict[str, str]:
    if draft.media:
        return {"is_spoiler_media": "true"}
    words = "is not sent: only media can be hidden; options.spoilers hides words"
    draft.change("sensitive", "not_carried", words)
    return {}


def _card(draft: Draft) -> dict[str, str]:
    """The link's card. Beside media the planner has put the link into the text."""
    link = draft.post.link
    if link is None:
        return {}
    if link.title or link.description or link.thumbnail:
        words = "its title, description and picture are not sent: Threads reads the page itself"
        draft.change("link", "not_carried", words)
    if draft.media:
        return {}
    if draft.post.poll:
        hint = "write the link into the text"
        draft.problem("link", "with_poll", "a link's card does not go with a poll here", hint=hint)
    elif not draft.index and (draft.options.gif or draft.options.attachment):
        words = "Threads does not say whether it shows a link's card beside a GIF or an attached text"
        draft.problem("link", "unproved", words, hint="write the link into the text", severity="warning")
    return {"link_attachment": link.url}


def _poll(draft: Draft) -> dict[str, str]:
    poll = draft.post.poll
    if poll is None:
        return {}
    draft.change("poll.seconds", "not_carried", "is not sent: Threads sets how long a poll is open")
    if not draft.post.text.strip():
        draft.problem("text", "required", "a poll needs a text here", hint="write the question into the text")
    names = ("option_a", "option_b", "option_c", "option_d")
    return {"poll_attachment": _json(dict(zip(names, poll.options, strict=False)))}


def _topic(draft: Draft) -> dict[str, str]:
    """One topic: the option's, else the first tag. Replies have none."""
    given = draft.options.topic if not draft.index else None
    tags = list(draft.post.tags)
    topic, field = (given, "options.topic") if given else (tags.pop(0), "tags") if tags else (None, "tags")
    if topic is None:
        return {}
    if _is_reply(draft):
        return _no_topic(draft, bool(given))
    if tags:
        words = f"only {topic!r} is sent: a post has one topic here"
        draft.change(
            "tags", "not_carried", words, before=len(draft.post.tags), after=len(draft.post.tags) - len(tags)
        )
    if not 0 < len(topic) <= TOPIC or set(topic) & set(".&"):
        words = f"{topic!r} is no topic: 1 to {TOPIC} characters without . and &"
        draft.problem(field, "invalid", words, limit=TOPIC, actual=len(topic))
    spoken = [one.value for one in find_entities(draft.post.text, "mastodon") if one.kind == "hashtag"]
    if any(one.casefold() != topic.casefold() for one in spoken):
        words = f"a post has one topic: #{spoken[0]} in the text may take the place of {topic!r}"
        draft.problem(field, "two_topics", words, severity="warning")
    return {"topic_tag": topic}


def _no_topic(draft: Draft, option: bool) -> dict[str, str]:
    if option:
        draft.problem("options.topic", "reply", "a reply has no topic", hint="leave it out")
    if draft.post.tags:
        draft.change("tags", "not_carried", "are not sent: a reply has no topic")
    return {}


# --- options ----------------------------------------------------------------------------------------------
def _options(draft: Draft, offsets: Offsets | None) -> dict[str, str]:
    """The fields of Threads' own options; they go with the first post of a thread."""
    given = draft.options
    _check_company(draft)
    fields = {
        "reply_control": given.reply_control,
        "enable_reply_approvals": _flag(given.reply_approvals),
        "gif_attachment": _json({"gif_id": given.gif, "provider": "GIPHY"}) if given.gif else None,
        "text_attachment": _attachment(draft, offsets),
        "text_entities": _spoilers(draft, offsets),
        "is_ghost_post": _flag(given.ghost),
        "location_id": given.location_id,
        "allowlisted_country_codes": _countries(draft),
        "crossreshare_to_ig": _flag(given.share_to_instagram is not None),
        "crossreshare_to_ig_dark_mode": _flag(given.share_to_instagram == "dark"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _check_company(draft: Draft) -> None:
    """What an option cannot stand beside."""
    given = draft.options
    for name in _ONLY_TEXT:
        if getattr(given, name) and draft.media:
            draft.problem(f"options.{name}", "with_media", "goes with text alone", hint="leave the media out")
    for name in _TOP_LEVEL:
        if getattr(given, name) and draft.post.reply_to:
            draft.problem(f"options.{name}", "reply", "does not go with a reply", hint="leave it out")
    for name, allowed in (("reply_control", AUDIENCES), ("share_to_instagram", ("light", "dark"))):
        if (value := getattr(given, name)) is not None and value not in allowed:
            hint = f"one of {', '.join(allowed)}"
            draft.problem(f"options.{name}", "unknown", f"{value!r}", hint=hint)
    if given.attachment and draft.post.poll:
        draft.problem("options.attachment", "with_poll", "a post has a poll or an attached text, not both")
    if given.gif and draft.post.poll:
        words = "Threads does not say whether a post can have both a poll and a GIF"
        draft.problem("options.gif", "unproved", words, severity="warning")
    if given.ghost and draft.total > 1:
        draft.problem(
            "options.ghost", "thread", "a post that disappears cannot begin a thread: parts are replies"
        )
    if not given.attachment and (given.attachment_link or given.attachment_styles):
        draft.problem(
            "options.attachment", "required", "attachment_link and attachment_styles need an attachment"
        )


def _attachment(draft: Draft, offsets: Offsets | None) -> str | None:
    given = draft.options
    if not given.attachment:
        return None
    if len(given.attachment) > PLAINTEXT:
        words, actual = measured(len(given.attachment), PLAINTEXT), len(given.attachment)
        draft.problem(
            "options.attachment", "too_long", words, limit=PLAINTEXT, actual=actual, hint="shorten it"
        )
    told: dict[str, Any] = {"plaintext": given.attachment}
    if given.attachment_link:
        told["link_attachment_url"] = given.attachment_link
    styled = list(_styled(draft, offsets))
    return _json(told | ({"text_with_styling_info": styled} if styled else {}))


def _styled(draft: Draft, offsets: Offsets | None) -> Iterator[dict[str, Any]]:
    for words, style in draft.options.attachment_styles:
        if style not in STYLES:
            hint = f"one of {', '.join(sorted(STYLES))}"
            draft.problem("options.attachment_styles", "invalid", f"no style {style!r}", hint=hint)
        for span in _spans(draft, "options.attachment_styles", draft.options.attachment, words, offsets):
            yield {**span, "styling_info": [style]}


def _spoilers(draft: Draft, offsets: Offsets | None) -> str | None:
    spans = [
        {"entity_type": "SPOILER", **span}
        for words in draft.options.spoilers
        for span in _spans(draft, "options.spoilers", draft.post.text, words, offsets)
    ]
    if len(spans) > SPOILERS:
        words = f"{len(spans)} hidden ranges; at most {SPOILERS}"
        draft.problem("options.spoilers", "count", words, limit=SPOILERS, actual=len(spans))
    return _json(spans) if spans else None


def _spans(
    draft: Draft, field: str, text: str, words: str, offsets: Offsets | None
) -> Iterator[dict[str, int]]:
    """Where the words stand, each time. Bytes or characters: Meta says the first, other people found the second."""
    starts = [match.start() for match in re.finditer(re.escape(words), text)] if words else []
    if not starts:
        draft.problem(field, "not_found", f"{words!r} does not stand in the text")
    for start in starts:
        characters = {"offset": start, "length": len(words)}
        octets = {"offset": len(text[:start].encode()), "length": len(words.encode())}
        if characters != octets and offsets is None:
            told = (
                f"{words!r} may be marked wrongly: Threads counts bytes or characters, and they differ here"
            )
            hint = "put it before the first character that is not ASCII, or say Threads(offsets=…)"
            draft.problem(field, "unproved", told, hint=hint)
        yield characters if offsets == "characters" else octets


def _countries(draft: Draft) -> str | None:
    for code in draft.options.countries:
        if not _COUNTRY.fullmatch(code):
            draft.problem("options.countries", "invalid", f"{code!r} is no country code such as DE")
    return ",".join(draft.options.countries) or None


# --- checks -----------------------------------------------------------------------------------------------
def check_media(draft: Draft) -> None:
    """What the rules cannot say: the sum of pictures and videos, how wide a video is, what an address looks like."""
    if (count := len(draft.media)) > ITEMS:
        pictures = sum(item.kind != "video" for item in draft.media)
        if pictures <= ITEMS and count - pictures <= ITEMS:  # else the planner has said it
            words = f"{count} pictures and videos; at most {ITEMS} in one post"
            draft.problem("media", "count", words, limit=ITEMS, actual=count)
    for index, item in enumerate(draft.media):
        check_address(draft, f"media[{index}]", item, "Threads")
        if item.kind == "video":
            check_bit_rate(draft, f"media[{index}]", item, BIT_RATE)
        rule = draft.rules.video if item.kind == "video" else draft.rules.images
        if not item.size and rule and "*" not in item.mime and item.mime not in rule.types:
            words = f"its address looks like {item.mime}, which Threads does not take"
            draft.problem(f"media[{index}]", "type", words, severity="warning")
        if item.kind == "video" and (item.width or 0) > WIDTH:
            words = f"{item.width} pixels wide; at most {WIDTH}"
            draft.problem(f"media[{index}]", "range", words, limit=WIDTH, actual=item.width)


def check_links(draft: Draft) -> None:
    """Distinct addresses of the text, the card and the attached text together."""
    link, more = draft.post.link, draft.options.attachment_link if not draft.index else None
    links = {*addresses(draft.post.text), *([link.url] if link else []), *([more] if more else [])}
    if len(links) > RISKY_LINKS:
        severe = len(links) > LINKS
        words = f"{len(links)} different links; at most {LINKS}" + (
            "" if severe else ", and some saw 4 refused"
        )
        draft.problem(
            "text",
            "links",
            words,
            limit=LINKS,
            actual=len(links),
            hint="move some to a thread",
            severity="error" if severe else "warning",
        )


def addresses(text: str) -> Iterable[str]:
    """The links of a text; a bare domain counts as one, too."""
    for one in find_entities(text, "x"):
        if one.kind == "url":
            yield one.value if "://" in one.value else f"https://{one.value}"


def _flag(value: bool) -> str | None:
    return "true" if value else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
