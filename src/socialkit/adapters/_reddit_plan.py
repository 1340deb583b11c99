"""From a post to Reddit's request: which kind it is, its fields, and what of it Reddit cannot carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from ..rules import measured
from ._reddit_posts import escape_hashes, keep_breaks
from ._reddit_rules import CAPTION, COMMENT, DAY, TITLE, URL
from ._reddit_subs import check_access, check_gallery, check_kind, check_requirements, flair_of, subreddit_of
from .base import Call, Draft, Part

_SUBREDDIT = re.compile(r"(?:u_)?[A-Za-z0-9][A-Za-z0-9_-]{1,22}")
_MARKS = {"spoiler": "spoiler", "spoilers": "spoiler", "nsfw": "nsfw"}
_COMMENT_LACKS = {
    "title": "is not shown: comments have no title",
    "sensitive": "is not sent: Reddit marks posts, not comments",
}


# --- comments ---------------------------------------------------------------------------------------------
def planned_comment(draft: Draft, parent: Mapping[str, Any] | None) -> Part:
    """An answer to ``parent``; None in a thread, whose parts answer the one before."""
    post = draft.post
    for name in ("poll", "quote"):
        if getattr(post, name):
            draft.problem(name, "unsupported", f"a comment has no {name}")
    if draft.media:
        hint = "put it into the first post, or its address into the text"
        draft.problem("media", "unsupported", "a comment has no media through Reddit's API", hint=hint)
    for name, words in _COMMENT_LACKS.items():
        if getattr(post, name):
            draft.change(name, "not_carried", words)
    _check_comment_warning(draft)
    _check_parent(draft, parent)
    _check_account(draft)
    text = _comment_text(draft)
    request = {"api_type": "json", "text": text}
    if parent is not None:
        request["thing_id"] = str(parent["name"])
    return Part(draft.index, {"kind": "comment", "request": request}, text, "reply")


def _check_comment_warning(draft: Draft) -> None:
    """In a thread the mark stands on the first post; on an answer to somebody nothing would show it."""
    if draft.post.content_warning and draft.index:
        draft.change("content_warning", "not_carried", "is not sent: the mark stands on the first post")
    elif draft.post.content_warning:
        hint = "write >!hidden words!< in the text, and clear it with post.variant('reddit', content_warning=None)"
        draft.problem("content_warning", "unsupported", "a comment has no warnings", hint=hint)
    if not draft.index:
        chosen = [field for field in attrs.fields(type(draft.options)) if _is_set(draft.options, field)]
        for field in chosen:
            draft.change(
                f"options.{field.name}", "not_carried", "is not sent: it belongs to posts, not to comments"
            )


def _check_account(draft: Draft) -> None:
    if draft.facts.facts.get("is_suspended") and not draft.index:
        draft.problem(
            "account", "suspended", "Reddit has suspended the account: it takes no posts or comments"
        )


def _is_set(options: Any, field: Any) -> bool:
    return bool(getattr(options, field.name) != field.default)


def _check_parent(draft: Draft, parent: Mapping[str, Any] | None) -> None:
    for name in ("locked", "archived"):
        if parent is not None and parent.get(name):
            draft.problem("reply_to", name, f"that post is {name}: Reddit takes no comments there")


def _comment_text(draft: Draft) -> str:
    text = draft.post.text
    if draft.post.link and draft.post.link.url not in text:
        draft.change("link", "in_text", "stands in the text: comments have no link of their own")
        text = f"{text}\n\n{draft.post.link.url}".strip()
    text = _markdown(text, draft)
    if not text.strip() and not draft.media:
        draft.problem("text", "required", "a comment needs a text")
    if len(text) > COMMENT:
        words = f"{measured(len(text), COMMENT)} in a comment"
        draft.problem("text", "too_long", words, limit=COMMENT, actual=len(text), hint="shorten it")
    return text


# --- posts ------------------------------------------------------------------------------------------------
async def planned_post(draft: Draft, source: Mapping[str, Any] | None, call: Call) -> Part:
    """A post to a subreddit or to the own profile; ``source`` is the post a crosspost shows."""
    kind = kind_of(draft)
    name = _subreddit(draft)
    given = (draft.post.title or "").strip()
    title = " ".join(given.split())
    if title != given:
        draft.change("title", "spaces", "is one line with single spaces: Reddit shows no others")
    _check_title(title, draft)
    _check_account(draft)
    text = _post_text(kind, draft)
    request = _common(name, title, draft)
    request |= _fields_of(kind, text, source, draft)
    if name is not None:
        request |= await _checked(name, kind, request, text, draft, call)
    _check_options(kind, draft)
    quotes = "quote" if kind == "crosspost" else "post"
    uploads = 2 * (len(draft.media) + (kind == "video")) + (kind == "inline")
    return Part(draft.index, {"kind": kind, "request": request}, text, quotes, requests=1 + uploads)


def kind_of(draft: Draft) -> str:
    """Reddit's kind of post: crosspost, poll, video, image, gallery, link or self; inline is self with media."""
    if draft.post.quote is not None:
        return "crosspost"
    if draft.post.poll is not None:
        return "poll"
    if draft.post.media and draft.options.inline:
        return "inline"
    if draft.post.media:
        moving = any(item.kind == "video" for item in draft.media)
        return "video" if moving else "image" if len(draft.post.media) == 1 else "gallery"
    return "link" if draft.post.link else "self"


def _subreddit(draft: Draft) -> str | None:
    given = draft.options.subreddit
    name = given or f"u_{draft.facts.identity.name}"
    if _SUBREDDIT.fullmatch(name):
        return name
    hint = "its name alone, without r/; None posts to the account's own profile"
    draft.problem("options.subreddit", "not_a_name", f"{given!r} is no name of a subreddit", hint=hint)
    return None


async def _checked(
    name: str, kind: str, request: Mapping[str, Any], text: str, draft: Draft, call: Call
) -> dict[str, str]:
    """The flair's fields, after everything was read that the subreddit allows and asks for."""
    place = await subreddit_of(name, draft, call)
    check_access(place, draft)
    check_kind(place, kind, draft.options.videogif, draft)
    link = draft.post.link.url if draft.post.link and kind == "link" else None
    check_requirements(place, request["title"], text, link, draft)
    if kind == "gallery":
        check_gallery(place, request["items"], draft)
    return await flair_of(place, draft, call)


def _check_title(title: str, draft: Draft) -> None:
    if not title:
        draft.problem("title", "required", "every post on Reddit needs one", hint="give a title")
    if len(title) > TITLE:
        words = measured(len(title), TITLE)
        draft.problem("title", "too_long", words, limit=TITLE, actual=len(title), hint="shorten it")


def _post_text(kind: str, draft: Draft) -> str:
    text, link = draft.post.text, draft.post.link
    if kind == "poll" and link and link.url not in text:
        draft.change("link", "in_text", "stands in the text: a poll has no link of its own")
        text = f"{text}\n\n{link.url}".strip()
    text = _markdown(text, draft)
    limit = draft.rules.text.limit
    if len(text) > limit >= len(draft.post.text):
        words = f"{measured(len(text), limit)}, as Markdown"
        draft.problem("text", "too_long", words, limit=limit, actual=len(text), hint="shorten it")
    return text


def _markdown(text: str, draft: Draft) -> str:
    """The text so that Reddit shows it as it is written."""
    escaped = escape_hashes(text)
    if escaped != text:
        draft.change(
            "text", "markdown", r"a word with # at a line's start is written \#: it would be a heading"
        )
    kept = keep_breaks(escaped)
    if kept != escaped:
        draft.change(
            "text", "markdown", "line breaks get two spaces before them: Reddit would join the lines"
        )
    return kept


def _common(name: str | None, title: str, draft: Draft) -> dict[str, Any]:
    options, marks = draft.options, _marks(draft)
    more = {"collection_id": options.collection_id, "discussion_type": options.discussion_type}
    return {
        "api_type": "json",
        "sr": name,
        "title": title,
        "nsfw": "nsfw" in marks,
        "spoiler": "spoiler" in marks,
        "sendreplies": options.sendreplies,
        "validate_on_submit": True,
        **{key: value for key, value in more.items() if value is not None},
    }


def _marks(draft: Draft) -> set[str]:
    """Reddit has two marks and no warnings in words."""
    warning = draft.post.content_warning
    marks = {"nsfw"} if draft.post.sensitive else set[str]()
    mark = _MARKS.get((warning or "").strip().casefold())
    if warning and mark is None:
        hint = "'spoiler' or 'nsfw', or clear it with post.variant('reddit', content_warning=None)"
        draft.problem("content_warning", "unsupported", "Reddit has no warnings in free words", hint=hint)
    elif warning and mark:
        marks.add(mark)
    return marks


def _fields_of(kind: str, text: str, source: Mapping[str, Any] | None, draft: Draft) -> dict[str, Any]:
    """What only this kind of request has. Uploads fill in what they alone can."""
    match kind:
        case "crosspost":
            return _crosspost(source, draft)
        case "poll":
            return _poll(text, draft)
        case "gallery":
            fields: dict[str, Any] = {"items": _gallery(draft), "show_error_list": True}
            fields |= {"resubmit": True} if draft.options.resubmit else {}
            return fields | ({"text": text} if text else {})
        case "link":
            return {"kind": "link", **_link(draft)} | ({"text": text} if text else {})
        case "inline":
            _captions(draft)
            return {"kind": "self", "text": text, "resubmit": draft.options.resubmit}
        case "self":
            return {"kind": "self", "text": text, "resubmit": draft.options.resubmit}
    _check_alt(draft)
    silent = kind == "video" and draft.options.videogif
    if kind == "video" and draft.media and draft.media[0].thumbnail is None:
        words = "a plain dark picture is its poster: Reddit asks for one, and none was given"
        draft.change("media[0].thumbnail", "added", words)
    own = {"kind": "videogif" if silent else kind, "resubmit": draft.options.resubmit}
    return own | ({"text": text} if text else {})


def _crosspost(source: Mapping[str, Any] | None, draft: Draft) -> dict[str, Any]:
    post = draft.post
    if post.text.strip() or post.media or post.poll or post.link:
        words = "a crosspost has a title and nothing else"
        hint = "clear the rest with post.variant('reddit', text=None, media=None, link=None, poll=None)"
        draft.problem("quote", "mixed", words, hint=hint)
    if source is not None and not str(source["name"]).startswith("t3_"):
        draft.problem("quote", "a_comment", "comments cannot be crossposted", hint="put its link into a text")
    if source is not None and source.get("is_crosspostable") is False:
        draft.problem("quote", "not_crosspostable", "its subreddit does not let it be crossposted")
    if draft.options.resubmit:
        draft.change("options.resubmit", "not_carried", "is not sent: crossposts may be repeated anyway")
    name = str(source["name"]) if source is not None else ""
    return {"kind": "crosspost", "crosspost_fullname": name}


def _poll(text: str, draft: Draft) -> dict[str, Any]:
    poll = draft.post.poll
    assert poll is not None
    days = min(7, max(1, round(poll.seconds / DAY)))
    if days * DAY != poll.seconds and DAY <= poll.seconds <= 7 * DAY:
        draft.change(
            "poll.seconds", "rounded", "is open for whole days", before=poll.seconds, after=days * DAY
        )
    return {"text": text, "options": list(poll.options), "duration": days, "resubmit": draft.options.resubmit}


def _link(draft: Draft) -> dict[str, Any]:
    link = draft.post.link
    assert link is not None
    if link.title or link.description or link.thumbnail:
        words = "its title, description and picture are not sent: Reddit reads the page itself"
        draft.change("link", "not_carried", words)
    if len(link.url) > URL:
        words, actual = measured(len(link.url), URL), len(link.url)
        draft.problem("link", "too_long", words, limit=URL, actual=actual, hint="give a shorter address")
    return {"url": link.url, "resubmit": draft.options.resubmit}


def _gallery(draft: Draft) -> list[dict[str, str]]:
    links = list(draft.options.outbound_urls)
    captions = _captions(draft)
    return [
        {"caption": caption, "outbound_url": links[index] if index < len(links) else ""}
        for index, caption in enumerate(captions)
    ]


def _captions(draft: Draft) -> list[str]:
    """Captions are the nearest Reddit has to alt texts: everybody reads them."""
    captions = [" ".join((item.alt or "").split()) for item in draft.media]
    for index, caption in enumerate(captions):
        field = f"media[{index}].alt"
        if caption:
            draft.change(field, "caption", "becomes the caption, which everybody reads")
        if len(caption) > CAPTION:
            words = f"{measured(len(caption), CAPTION)} in a caption"
            draft.problem(field, "too_long", words, limit=CAPTION, actual=len(caption), hint="shorten it")
    return captions


def _check_alt(draft: Draft) -> None:
    for index, item in enumerate(draft.media):
        if item.alt:
            words = "is not sent: Reddit has no place for it beside a single picture or video"
            draft.change(f"media[{index}].alt", "not_carried", words)


def _check_options(kind: str, draft: Draft) -> None:
    """Options that say nothing for this kind of post, and addresses that are none."""
    options = draft.options
    if options.inline and kind != "inline":
        draft.change("options.inline", "not_carried", "is not sent: the post has no media of its own")
    if kind == "inline":
        for index, item in enumerate(draft.media):
            if item.thumbnail is not None:
                words = "is not sent: a video inside a text has no poster"
                draft.change(f"media[{index}].thumbnail", "not_carried", words)
    if options.discussion_type not in (None, "CHAT"):
        words = f"no kind of discussion {options.discussion_type!r}"
        draft.problem("options.discussion_type", "unknown", words, hint="'CHAT', or None for comments")
    if options.videogif and kind != "video":
        draft.change("options.videogif", "not_carried", "is not sent: the post has no video")
    if options.outbound_urls and kind != "gallery":
        draft.change("options.outbound_urls", "not_carried", "are not sent: the post is no gallery")
    if kind == "gallery" and len(options.outbound_urls) > len(draft.media):
        words = f"{len(options.outbound_urls)} links for {len(draft.media)} pictures"
        draft.problem("options.outbound_urls", "count", words)
    for index, url in enumerate(options.outbound_urls):
        if url and not re.fullmatch(r"https?://[^\s/?#]+\S*", url):
            draft.problem(f"options.outbound_urls[{index}]", "invalid", f"{url!r} is no web address")
