"""From a post to LinkedIn's request: what goes where, and what cannot go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from socialkit.model import Link, Post, Receipt
from socialkit.rules import measured
from socialkit.text import find_entities, length, shorten

from ._linkedin_posts import COMMENT, urn_of
from ._linkedin_rules import COMMENT as COMMENT_LIMIT
from ._linkedin_rules import (
    DESCRIPTION,
    DURATIONS,
    FACETS,
    LONG_VIDEO,
    PICTURES,
    QUESTION,
    SMALL_VIDEO,
    THUMBNAIL_BYTES,
    TITLE,
)
from ._linkedin_text import little, message, shown
from .base import Call, Draft

Json = dict[str, Any]
_SEEN_BY = {None: "PUBLIC", "public": "PUBLIC", "followers": "CONNECTIONS"}


def reference_of(draft: Draft, field: str) -> str | None:
    """The URN of the post that is replied to or reshared, from a receipt, a permalink or a URN."""
    wanted = getattr(draft.post, field)
    if wanted is None:
        return None
    reference = wanted.id or wanted.url or "" if isinstance(wanted, Receipt) else wanted
    found = urn_of(reference)
    if found is None:
        hint = "give its permalink (linkedin.com/feed/update/…) or URN"
        draft.problem(field, "not_found", f"{reference!r} is no post on LinkedIn", hint=hint)
    return found


# --- posts ------------------------------------------------------------------------------------------------
async def post_request(draft: Draft, author: str, call: Call) -> tuple[Json, str]:
    """The body of ``POST /rest/posts``, uploads aside, and the words of its text."""
    content, words = await _content(draft, call)
    request: Json = {
        "author": author,
        "commentary": little(words),
        "visibility": _visibility(draft),
        "distribution": _distribution(draft, author),
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": draft.options.disable_reshare,
    }
    if content:
        request["content"] = content
    if (parent := reference_of(draft, "quote")) is not None:
        request["reshareContext"] = {"parent": parent}
        _check_reshare(draft, parent)
    _check_length(draft, request["commentary"])
    return request, words


def _check_reshare(draft: Draft, parent: str) -> None:
    if COMMENT.fullmatch(parent):
        draft.problem("quote", "unsupported", "a comment cannot be reshared, only a post")
    elif ":activity:" in parent:
        words = (
            "LinkedIn documents reshares of share and ugcPost URNs; whether it takes an activity is not known"
        )
        draft.problem("quote", "undocumented", words, severity="warning")
    if draft.media or draft.post.poll:
        words = "a reshare has no media and no poll of its own on LinkedIn"
        draft.problem("quote", "mixed", words, hint="put the link to the post into the text instead")


def _check_length(draft: Draft, commentary: str) -> None:
    """The text as it is sent has characters the author did not write; both stay within the limit."""
    limit, actual = draft.rules.text.limit, length(commentary, "utf16")
    if actual > limit >= length(draft.post.text, "utf16"):
        words = f"{measured(actual, limit, 'utf16')} with what LinkedIn's format adds before ( ) [ ] _ * and others"
        draft.problem("text", "too_long", words, limit=limit, actual=actual, hint="shorten it")


def _visibility(draft: Draft) -> str:
    chosen = draft.post.visibility
    if chosen == "followers":
        draft.change("visibility", "narrowed", "is shown to the member's connections, not to other followers")
    if draft.options.signed_in_only:
        if chosen not in (None, "public"):
            words = "visibility and signed_in_only say different things"
            draft.problem("options.signed_in_only", "mixed", words, hint="leave one of them out")
        return "LOGGED_IN"
    return _SEEN_BY.get(chosen, "PUBLIC")


def _distribution(draft: Draft, author: str) -> Json:
    targets = [dict(one) for one in draft.options.targets]
    if targets and author.startswith("urn:li:person:"):
        draft.problem("options.targets", "unsupported", "only a Page's posts can be targeted")
    for name, chosen in ((name, chosen) for one in targets for name, chosen in one.items()):
        if name not in FACETS:
            words = f"nobody is chosen by {name!r}"
            draft.problem("options.targets", "unknown", words, hint=", ".join(sorted(FACETS)))
        elif isinstance(chosen, str) or not chosen:
            draft.problem("options.targets", "invalid", f"{name} is a list with one entry or more")
    feed = "MAIN_FEED" if draft.options.in_feed else "NONE"
    return {"feedDistribution": feed, "targetEntities": targets, "thirdPartyDistributionChannels": []}


# --- what a post shows ------------------------------------------------------------------------------------
async def _content(draft: Draft, call: Call) -> tuple[Json, str]:
    """The one thing a post shows beside its text, and the text; a link that has no card then stands in it."""
    post = draft.post
    if draft.media:
        return _media(draft), post.text
    if post.poll:
        content, words = _poll(draft)
        return content, _with_link(draft, words, "a poll")
    if post.quote:
        _no_title(draft)
        return {}, _with_link(draft, post.text, "a reshare")
    if post.link:
        return {"article": await _article(draft, post.link, call)}, post.text
    _no_title(draft)
    return {}, post.text


def _no_title(draft: Draft) -> None:
    if draft.post.title:
        draft.change("title", "not_carried", "is not shown: only documents, videos, links and polls have one")


def _with_link(draft: Draft, words: str, beside: str) -> str:
    link = draft.post.link
    if link is None or link.url in words:
        return words
    draft.change("link", "in_text", f"stands in the text: {beside} has no link card")
    return f"{words}\n\n{link.url}" if words else link.url


def _media(draft: Draft) -> Json:
    first = draft.media[0]
    if first.kind in ("image", "gif"):
        _no_title(draft)
        images = [{"altText": item.alt} if item.alt else {} for item in draft.media]
        return {"media": images[0]} if len(images) == 1 else {"multiImage": {"images": images}}
    if first.alt:
        noun = "videos" if first.kind == "video" else "documents"
        draft.change("media[0].alt", "not_carried", f"is not sent: LinkedIn takes no alt text for {noun}")
    _check_clip(draft)
    _check_captions(draft)
    title = draft.post.title or ("" if first.kind == "video" else _file_title(draft))
    _check_short(draft, "title", title, TITLE)
    return {"media": {"title": title} if title else {}}


def _file_title(draft: Draft) -> str:
    """A document is never without a title; the name of its file stands in, and that is told."""
    name = re.sub(r"\.\w{1,5}$", "", draft.media[0].name).strip()
    if not name or name == "file":
        hint = "give title=, or File(..., name=)"
        draft.problem("title", "required", "a document on LinkedIn has a title", hint=hint)
        return ""
    draft.change("title", "from_name", "the document's title is the name of its file", after=name)
    return name


def _check_clip(draft: Draft) -> None:
    """What LinkedIn's own pages disagree about is a warning."""
    clip = draft.media[0]
    if clip.kind == "video" and clip.size < SMALL_VIDEO:
        words = f"{clip.size} bytes; LinkedIn's manual names {SMALL_VIDEO} as the least"
        draft.problem("media[0]", "too_small", words, limit=SMALL_VIDEO, actual=clip.size, severity="warning")
    if clip.kind == "video" and (clip.seconds or 0) > LONG_VIDEO:
        words = "the manual says 30 minutes, the help pages 15"
        limits: Json = {"limit": LONG_VIDEO, "actual": clip.seconds}
        draft.problem("media[0]", "undocumented", words, severity="warning", **limits)


def _check_captions(draft: Draft) -> None:
    for number, caption in enumerate(draft.media[0].captions):
        field = f"media[0].captions[{number}]"
        if caption.mime not in ("application/x-subrip", "text/srt"):
            draft.problem(field, "type", f"{caption.mime} is not taken", hint="give an SRT file")
        if caption.label:
            draft.change(f"{field}.label", "not_carried", "is not sent: LinkedIn names captions by itself")
        if (caption.language or "en").partition("-")[0].casefold() != "en":
            words = f"LinkedIn takes captions in English only, not {caption.language!r}"
            draft.problem(f"{field}.language", "unsupported", words)


def _check_short(draft: Draft, field: str, words: str, limit: int) -> None:
    if (actual := length(words, "utf16")) > limit:
        draft.problem(
            field, "too_long", measured(actual, limit, "utf16"), limit=limit, actual=actual, hint="shorten it"
        )


def _poll(draft: Draft) -> tuple[Json, str]:
    """The poll and the text above it: the title is its question, else the text is, and nothing stands above."""
    poll, post = draft.post.poll, draft.post
    assert poll is not None
    question, words = (post.title, post.text) if post.title else _without_tags(post)
    if not question.strip():
        draft.problem("title", "required", "a poll on LinkedIn has a question: the title, else the text")
    if (actual := length(question, "utf16")) > QUESTION:
        field = "title" if post.title else "text"
        told = f"{measured(actual, QUESTION, 'utf16')}: it is the poll's question"
        hint = "shorten it" if post.title else "give the question as title="
        draft.problem(field, "too_long", told, limit=QUESTION, actual=actual, hint=hint)
    seconds = min(DURATIONS, key=lambda one: (abs(one - poll.seconds), one))
    if seconds != poll.seconds:
        words_ = "is open for 1, 3, 7 or 14 days"
        draft.change("poll.seconds", "rounded", words_, before=poll.seconds, after=seconds)
    settings = {
        "duration": DURATIONS[seconds],
        "voteSelectionType": "SINGLE_VOTE",
        "isVoterVisibleToAuthor": True,
    }
    options = [{"text": option} for option in poll.options]
    return {"poll": {"question": shown(question), "options": options, "settings": settings}}, words


def _without_tags(post: Post) -> tuple[str, str]:
    """A text without the hashtags the plan wrote below it, and these: they are no part of a poll's question."""
    above, _, last = post.text.rpartition("\n\n")
    tags = {f"#{tag}" for tag in post.tags}
    return (
        (above, last)
        if tags.intersection(last.split()) and tags.issuperset(last.split())
        else (post.text, "")
    )


async def _article(draft: Draft, link: Link, call: Call) -> Json:
    """The link's card. LinkedIn does not read the page; what the author left out is read there now."""
    told = await call.card(link.url) if not (link.title and link.description and link.thumbnail) else None
    title = _cut(draft, "link.title", link.title, TITLE) or _cut(draft, "title", draft.post.title, TITLE)
    title = title or (told.title if told else "")
    if link.title and draft.post.title and link.title != draft.post.title:
        draft.change("title", "not_carried", "is not shown: the link has a title of its own")
    if not title:
        title = urlsplit(link.url).hostname or link.url
        draft.change(
            "link.title", "from_address", "the page offers no title; its host stands there", after=title
        )
    description = _cut(draft, "link.description", link.description, DESCRIPTION)
    description = description or (told.description if told else "")
    card = {"source": link.url, "title": shorten(title, TITLE, "utf16")}
    if description:
        card["description"] = shorten(description, DESCRIPTION, "utf16")
    picture = link.thumbnail or (told.image if told else None)
    if picture is not None and await _has_thumbnail(draft, picture) and picture.alt:
        card["thumbnailAltText"] = _cut(draft, "link.thumbnail.alt", picture.alt, DESCRIPTION)
    return card


def _cut(draft: Draft, field: str, words: str | None, most: int) -> str:
    """What the author wrote, in at most that many UTF-16 units."""
    if not words or (actual := length(words, "utf16")) <= most:
        return words or ""
    draft.change(field, "shortened", "is cut", before=actual, after=most)
    return shorten(words, most, "utf16")


async def _has_thumbnail(draft: Draft, picture: Any) -> bool:
    limits: Json = {"max_bytes": THUMBNAIL_BYTES, "types": PICTURES}
    item = await draft.medium(picture, "link.thumbnail", **limits)
    if item is None:
        return False
    if picture.focus is not None:
        draft.change("link.thumbnail.focus", "not_carried", "is not sent: LinkedIn crops by itself")
    draft.extras["thumbnail"] = item
    return True


# --- comments ---------------------------------------------------------------------------------------------
def comment_request(draft: Draft, author: str, parent: str) -> Json:
    """What answers a post or a comment: plain words with attributes, at most one picture."""
    text = _with_link(draft, draft.post.text, "a comment")
    _check_comment(draft, text)
    under = COMMENT.fullmatch(parent)
    body: Json = {
        "actor": author,
        "object": under["object"] if under else parent,
        "message": message(text),
    }
    if under:
        body["parentComment"] = parent
    return body


def _check_comment(draft: Draft, text: str) -> None:
    post, options = draft.post, draft.options
    _check_short(draft, "text", shown(text), COMMENT_LIMIT)
    if len(draft.media) > 1 or any(item.kind not in ("image", "gif") for item in draft.media):
        draft.problem("media", "unsupported", "a comment on LinkedIn carries one picture and nothing else")
    if draft.media and draft.media[0].alt:
        draft.change("media[0].alt", "not_carried", "is not sent: pictures in comments have no alt text")
    if not post.text.strip():
        draft.problem("text", "required", "a comment on LinkedIn has words")
    if post.quote or post.poll:
        field = "quote" if post.quote else "poll"
        draft.problem(field, "mixed", "a comment on LinkedIn reshares nothing and has no poll")
    if post.title:
        draft.change("title", "not_carried", "is not shown: comments have no title")
    if post.visibility not in (None, "public"):
        draft.problem("visibility", "unsupported", "who sees a comment is decided by the post it is under")
    for name in ("disable_reshare", "signed_in_only", "targets", "close_comments"):
        if getattr(options, name):
            draft.problem(f"options.{name}", "unsupported", "it is for posts, not for comments")
    if not options.in_feed:
        draft.problem("options.in_feed", "unsupported", "it is for posts, not for comments")


def mentions_warning(draft: Draft) -> None:
    """A plain @name is no mention on LinkedIn; said once, so that nobody wonders. Nor is one with another URN."""
    if re.search(r"\]\(urn:li:", shown(draft.post.text)):
        words = "a mention in it stays plain text, with its brackets: it is none LinkedIn knows"
        hint = "write @[Name](urn:li:organization:1) or @[Name](urn:li:person:Ab1)"
        draft.problem("text", "mention_unknown", words, hint=hint, severity="warning")
    names = [
        entity.value for entity in find_entities(shown(draft.post.text), "x") if entity.kind == "mention"
    ]
    if names:
        words = f"@{names[0]} stays plain text: LinkedIn's mentions name the URN"
        draft.change("text", "mention_unknown", f"{words}, as in @[Name](urn:li:organization:1)")


def filled(request: Mapping[str, Any], urns: list[str], thumbnail: str | None) -> Json:
    """The request with the URNs of what was uploaded."""
    content: Json = dict(request.get("content") or {})
    if "multiImage" in content:
        pairs = zip(urns, content["multiImage"]["images"], strict=True)
        content["multiImage"] = {"images": [{"id": urn, **about} for urn, about in pairs]}
    elif "media" in content:
        content["media"] = {"id": urns[0], **content["media"]}
    if thumbnail is not None:
        content["article"] = {**content["article"], "thumbnail": thumbnail}
    return {**request, "content": content} if content else dict(request)
