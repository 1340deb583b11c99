"""What Bluesky makes of a post's fields that needs no request: languages, labels, hashtags, media, who may reply."""

from __future__ import annotations

import re
from typing import Any

from ..text import find_entities, length
from ._bluesky_rules import ALT_TEXT, LABELS, POSTGATE, THREADGATE, language_tag
from .base import Draft, PartMedia

_WHO = {"mentioned": "mentionRule", "followers": "followerRule", "following": "followingRule"}
_LIST = re.compile(r"at://did:[^/\s]+/app\.bsky\.graph\.list/[\w.:~-]+")


def language_of(given: str | None, field: str, draft: Draft) -> str | None:
    """A language as the servers take it; one that is none is a problem of that field."""
    if not given:
        return None
    if (tag := language_tag(given)) is None:
        draft.problem(field, "invalid", f"{given!r} is no language tag", hint="such as en or pt-BR (BCP 47)")
    elif tag != given:
        draft.change(field, "spelling", f"becomes {tag}", before=given, after=tag)
    return tag


def labels_of(draft: Draft) -> tuple[str, ...]:
    """The self-labels: those of the options, and what a warning or the mark for sensitive media becomes."""
    labels: tuple[str, ...] = tuple(dict.fromkeys(draft.options.labels))
    for label in labels:
        if label not in LABELS:
            known = ", ".join(sorted(LABELS))
            draft.problem("options.labels", "unknown", f"no label {label!r}", hint=f"one of {known}")
    warning = draft.post.content_warning
    if warning in LABELS:
        labels = tuple(dict.fromkeys((*labels, warning)))
    elif warning and not labels:
        hint = "name a label: post.variant('bluesky', Bluesky.Options(labels=('graphic-media',)))"
        draft.problem("content_warning", "unsupported", "Bluesky has no warnings in free words", hint=hint)
    elif warning:
        draft.change("content_warning", "label", f"becomes the label {', '.join(labels)}")
    if draft.post.sensitive and not labels:
        draft.change("sensitive", "label", "becomes the label graphic-media")
        labels = ("graphic-media",)
    return labels


def check_tags(draft: Draft) -> None:
    """Hashtags that stand in the text and lead nowhere."""
    for index, tag in enumerate(draft.post.tags):
        if [one.value for one in find_entities(f"#{tag}", "bluesky")] != [tag]:
            words = f"#{tag} is not live as a whole: a hashtag is one word of at most 64 characters, not all digits"
            draft.change(f"tags[{index}]", "plain_text", words)


def check_media(draft: Draft) -> None:
    """What the rules for media do not say."""
    for index, item in enumerate(draft.media):
        place = f"media[{index}]"
        if item.animated:
            draft.change(place, "still", "is shown as a still picture; send an MP4 to keep it moving")
        if len(draft.media) > 4 and not (item.width and item.height):
            draft.problem(place, "unknown_size", "five pictures or more need their width and height")
        if item.alt and (size := length(item.alt, "graphemes")) > ALT_TEXT:
            words = f"{size} characters; the official app takes {ALT_TEXT}"
            draft.problem(f"{place}.alt", "long", words, limit=ALT_TEXT, actual=size, severity="warning")
        for number, captions in enumerate(item.captions):
            _check_captions(captions, f"{place}.captions[{number}]", draft)
    shown = draft.options.presentation
    if shown not in ("default", "gif"):
        draft.problem("options.presentation", "unknown", f"no presentation {shown!r}", hint="default or gif")
    elif shown == "gif" and draft.index == 0 and not any(item.kind == "video" for item in draft.media):
        words = (
            "is not sent with a post that has no video"
            if draft.total > 1
            else "is not sent: there is no video"
        )
        draft.change("options.presentation", "not_carried", words)


def _check_captions(captions: PartMedia, place: str, draft: Draft) -> None:
    if captions.mime != "text/vtt":
        draft.problem(place, "type", "captions are WebVTT here", hint="save them as a .vtt file")
    if captions.label:
        draft.change(f"{place}.label", "not_carried", "is not sent: captions have a language alone here")
    language_of(captions.language, f"{place}.language", draft)


def gates_of(draft: Draft) -> dict[str, dict[str, Any]]:
    """The rules for replies and quotes, by the collection of their records."""
    options = draft.options
    gates: dict[str, dict[str, Any]] = {}
    if _gates_replies(draft):
        wanted = () if options.replies == "nobody" else options.replies
        gates[THREADGATE] = {"allow": [_rule(one) for one in wanted]}
    if not options.quotes:
        rule = {"$type": "app.bsky.feed.postgate#disableRule"}
        gates[POSTGATE] = {"embeddingRules": [rule]}
    return gates


def _gates_replies(draft: Draft) -> bool:
    """Whether this post brings a rule for replies: only the first of a thread can."""
    wanted, field = draft.options.replies, "options.replies"
    names = () if wanted in (None, "nobody") else tuple(wanted)
    for name in names:
        if name not in _WHO and not _LIST.fullmatch(name):
            hint = f"{', '.join(_WHO)}, or a list's AT-URI (at://did:…/app.bsky.graph.list/…)"
            draft.problem(field, "unknown", f"{name!r} names nobody who may reply", hint=hint)
    if wanted == ():
        draft.problem(field, "empty", "names nobody", hint='"nobody" closes the thread; None leaves it open')
    if len(names) > 5:
        draft.problem(field, "count", "at most 5 rules", limit=5, actual=len(names))
    if wanted is not None and draft.post.reply_to is not None and draft.index == 0:
        draft.change(field, "not_carried", "is not sent: who started the thread says who may reply")
    return wanted is not None and draft.post.reply_to is None and draft.index == 0


def _rule(name: str) -> dict[str, str]:
    if name in _WHO:
        return {"$type": f"app.bsky.feed.threadgate#{_WHO[name]}"}
    return {"$type": "app.bsky.feed.threadgate#listRule", "list": name}
