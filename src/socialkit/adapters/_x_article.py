"""X's Articles: a draft that nobody sees, and the post that publishes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from socialkit.text import Entity, find_entities

from . import base
from ._x_media import picture_of
from ._x_rules import DAY
from .base import Call, Draft, Part

_SPANS = {"url": "urls", "mention": "mentions", "hashtag": "hashtags", "cashtag": "cashtags"}


def article_of(draft: Draft, request: Mapping[str, Any], *, premium: bool) -> dict[str, Any] | None:
    """The draft of the post as an Article, where its options ask for one; what it cannot be is written down."""
    post = draft.post
    if not draft.options.article:
        if post.title:
            words = "is not shown: only Articles have a title on X, X.Options(article=True)"
            draft.change("title", "not_carried", words)
        return None
    _check(draft, request, premium=premium)
    paragraphs = [one.strip() for one in post.text.split("\n\n") if one.strip()]
    content = {"blocks": [_block(one) for one in paragraphs], "entities": []}
    return {"title": (post.title or "").strip(), "content_state": content}


def _check(draft: Draft, request: Mapping[str, Any], *, premium: bool) -> None:
    post, place = draft.post, "options.article"
    if not premium:
        draft.problem(place, "premium", "X takes Articles of accounts with Premium only")
    if not (post.title or "").strip():
        draft.problem("title", "required", "an Article has a title")
    if not post.text.strip():
        draft.problem("text", "required", "an Article has a text")
    if draft.total > 1:
        draft.problem(place, "thread", "an Article stands alone: no thread goes on from it")
    if len(draft.media) > 1 or any(item.kind != "image" for item in draft.media):
        draft.problem(
            "media", "cover", "an Article has one picture, its cover", limit=1, actual=len(draft.media)
        )
    if post.sensitive:
        draft.change("sensitive", "not_carried", "is not sent: X marks media of posts only")
    if post.content_warning:
        draft.problem("content_warning", "unsupported", "X has no warnings on Articles")
    for name in sorted(request.keys() - {"text"}):
        words = "an Article is published without it"
        draft.problem(place, "mixed", f"{name}: {words}", hint="leave it out, or make a post of it")


def _block(text: str) -> dict[str, Any]:
    """A paragraph, with the places of its links, mentions and tags, in UTF-16 as in the editor X uses."""
    data = dict[str, list[dict[str, Any]]]()
    for entity in find_entities(text, "x"):
        data.setdefault(_SPANS[entity.kind], []).append(_span(text, entity))
    return {"text": text, "type": "unstyled"} | ({"data": data} if data else {})


def _span(text: str, entity: Entity) -> dict[str, Any]:
    words = text[entity.start : entity.end]
    start, length = (len(one.encode("utf-16-le")) // 2 for one in (text[: entity.start], words))
    return {"from_index": start, "to_index": start + length, "text": words}


async def published(part: Part, call: Call, missing: list[str]) -> base.Response:
    """What X answers to the Article's publication. Its draft is made once and remembered."""
    draft_id = call.recall("article")
    if draft_id is None:
        body = dict(part.body["article"])
        for item in part.media[:1]:
            cover = await picture_of(item, part, call, missing)
            body["cover_media"] = {"media_category": "tweet_image", "media_id": cover}
        answer = await call.prepare("POST", "/2/articles/draft", json=body)
        draft_id = str(answer.json()["data"]["id"])
        call.remember("article", draft_id, expires_in=DAY)
    return await call.commit("POST", f"/2/articles/{draft_id}/publish")
