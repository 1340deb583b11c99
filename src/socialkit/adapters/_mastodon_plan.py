"""What a plan for a Mastodon-API server looks at beyond the rules, as checks of one draft."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import attrs

from .. import errors
from ..model import Post, Problem
from ..rules import measured
from ..text import find_entities, length
from . import base
from ._mastodon_posts import moment
from ._mastodon_rules import PLEROMA
from .base import Call, Draft, PartMedia

VISIBILITY = {"public": "public", "unlisted": "unlisted", "followers": "private", "direct": "direct"}
SOONEST = 300.0
"""Seconds a scheduled post is ahead at least."""
SCHEDULED_A_DAY, SCHEDULED = 25, 300
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_THUMBNAIL_BYTES = 2_000_000


@attrs.frozen
class MastodonOptions(base.Options):
    """What only Mastodon knows.

    Attributes:
        scheduled_at: aware; the server publishes by itself then, at least 5 minutes ahead.
        quote_policy: who may quote: "public", "followers" or "nobody" (4.5 and later).
        local_only: keep it on this server (glitch-soc, GoToSocial, Pleroma).
        content_type: "text/plain", "text/markdown", ... where the server offers formats.

    >>> MastodonOptions(quote_policy="followers").quote_policy
    'followers'
    """

    platform: ClassVar[str] = "mastodon"
    scheduled_at: datetime | None = attrs.field(default=None, validator=base.aware)
    quote_policy: Literal["public", "followers", "nobody"] | None = None
    local_only: bool | None = None
    content_type: str | None = None


def fields_of(draft: Draft) -> dict[str, Any]:
    """What of the request needs no question to the server."""
    post, options = draft.post, draft.options
    body: dict[str, Any] = {
        "status": post.text,
        "visibility": VISIBILITY.get(post.visibility or "public", "public"),
        "language": _language(draft),
        "spoiler_text": post.content_warning,
        "sensitive": post.sensitive or bool(post.content_warning) or None,
        "local_only": _extra(draft, "local_only", options.local_only),
        "content_type": _extra(draft, "content_type", options.content_type),
        "quote_approval_policy": _quote_policy(draft),
        "poll": _poll(draft),
    }
    if body["local_only"] and draft.facts.software in PLEROMA:
        body |= {"local_only": None, "visibility": _local(draft)}
    return body


def _language(draft: Draft) -> str | None:
    language = draft.post.language
    if language and not _LANGUAGE.fullmatch(language):
        draft.change("language", "not_carried", f"is not sent: {language!r} is no code such as 'en'")
        return None
    return language


def _extra(draft: Draft, name: Literal["local_only", "content_type"], value: Any) -> Any:
    """A field of some servers only; the others would ignore it and publish something else."""
    if value in (None, False, "text/plain"):
        return None
    if not draft.facts.facts[name]:
        words = f"{draft.facts.software} {draft.facts.version} does not know it and would publish without"
        draft.problem(f"options.{name}", "unsupported", words)
    return value


def _local(draft: Draft) -> str:
    """Pleroma's word for it is an audience of its own."""
    if draft.post.visibility not in (None, "public"):
        words = (
            f"{draft.facts.software} keeps public posts on its own server, no {draft.post.visibility!r} ones"
        )
        draft.problem("options.local_only", "unsupported", words)
    return "local"


def _quote_policy(draft: Draft) -> str | None:
    policy: str | None = draft.options.quote_policy
    why = None
    if not draft.facts.facts["quotes"]:
        why = "this server has no quote policies"
    elif draft.facts.software in PLEROMA:
        why = f"{draft.facts.software} has none"
    elif draft.post.visibility in ("followers", "direct"):
        why = f"nobody can quote a {draft.post.visibility!r} post"
    if policy and why:
        draft.change("options.quote_policy", "not_carried", f"is not sent: {why}")
        return None
    return policy


def _poll(draft: Draft) -> dict[str, Any] | None:
    poll = draft.post.poll
    if poll is None:
        return None
    options = [option.strip() for option in poll.options]
    if len(set(options)) < len(options) == len(set(poll.options)):
        words = "options that differ in blanks alone are the same to the server"
        draft.problem("poll.options", "not_unique", words)
    return {
        "options": list(poll.options),
        "expires_in": poll.seconds,
        "multiple": poll.multiple,
        "hide_totals": poll.hide_totals,
    }


# --- what the server would refuse -------------------------------------------------------------------------
def check_post(draft: Draft) -> None:
    """What only some software refuses, and what nobody would read."""
    if draft.facts.software == "pixelfed":
        _check_pixelfed(draft)
    direct = draft.post.visibility == "direct" and "direct" in draft.rules.visibility
    if direct and not mentions(draft.post):
        hint = "mention those who shall read it: @name@server"
        words = "nobody is mentioned: nobody but the account will see it"
        draft.problem("text", "nobody", words, hint=hint, severity="warning")


def _check_pixelfed(draft: Draft) -> None:
    if not (draft.media or draft.post.reply_to or draft.index):
        draft.problem("media", "required", "Pixelfed posts need a picture or a video")
    if len(draft.post.content_warning or "") > 140:
        draft.problem("content_warning", "too_long", "Pixelfed keeps 140 characters of it", limit=140)


def mentions(post: Post) -> list[str]:
    """Whom a text mentions, as written, without the sign."""
    return [one.value.casefold() for one in find_entities(post.text, "mastodon") if one.kind == "mention"]


async def check_media(draft: Draft) -> tuple[PartMedia, ...]:
    """The media, sound files with their words and their cover looked at, too."""
    known = draft.facts.facts
    items = list(draft.media)
    for index, item in enumerate(draft.media):
        place = f"media[{index}]"
        if known["alt_least"] and len(item.alt or "") < known["alt_least"]:
            words = f"this server wants alt texts of {known['alt_least']} characters at least"
            draft.problem(f"{place}.alt", "too_short", words, limit=known["alt_least"])
        if known["max_frames"] and (item.seconds or 0) * (item.fps or 0) > known["max_frames"]:
            frames = round((item.seconds or 0) * (item.fps or 0))
            words = f"{frames} frames of at most {known['max_frames']}"
            draft.problem(place, "range", words, limit=known["max_frames"], actual=frames)
        if item.kind == "file":
            items[index] = await _sound(draft, index, item)
    return tuple(items)


async def _sound(draft: Draft, index: int, item: PartMedia) -> PartMedia:
    place, most = f"media[{index}]", draft.facts.facts["alt"]
    if not item.alt:
        hint = "describe it for people who cannot hear it"
        draft.problem(f"{place}.alt", "missing", "no alt text", hint=hint, severity="warning")
    elif (actual := length(item.alt, "codepoints")) > most:
        words = measured(actual, most)
        draft.problem(f"{place}.alt", "too_long", words, limit=most, actual=actual, hint="shorten it")
    given = draft.post.media[index].thumbnail if len(draft.media) == len(draft.post.media) else None
    if given is None:
        return item
    cover = await draft.medium(given, f"{place}.thumbnail", max_bytes=_THUMBNAIL_BYTES)
    return attrs.evolve(item, thumbnail=cover)


# --- quotes -----------------------------------------------------------------------------------------------
def check_quote(draft: Draft, quoted: Mapping[str, Any], me: str | None) -> None:
    """Whether the quoted post's author lets this account quote it, and what becomes of the audience."""
    allowed = (quoted.get("quote_approval") or {}).get("current_user")
    author = str((quoted.get("account") or {}).get("acct") or "").casefold()
    if allowed == "denied":
        hint = "put the link into the text"
        draft.problem("quote", "denied", "its author does not let this account quote it", hint=hint)
    elif allowed == "manual":
        draft.change("quote", "pending", "is shown only after its author agrees")
    foreign = author not in ("", (me or "").casefold())
    if draft.post.visibility == "direct" and foreign and not _mentioned(draft.post, author):
        words = "a direct post must mention whom it quotes"
        draft.problem("text", "mention", words, hint=f"write @{author} into it")
    if quoted.get("visibility") == "private" and draft.post.visibility in (None, "public", "unlisted"):
        draft.change("visibility", "narrowed", "only followers see it: the quoted post is theirs alone")


def _mentioned(post: Post, author: str) -> bool:
    """Whether a text mentions that account; one of the same server stands without it."""
    return any(one == author or one.partition("@")[0] == author for one in mentions(post))


# --- scheduled --------------------------------------------------------------------------------------------
def schedule(draft: Draft, now: datetime) -> str:
    """When the server publishes, as it is told."""
    when: datetime = draft.options.scheduled_at
    field = "options.scheduled_at"
    if draft.total > 1:
        draft.problem(
            field, "unsupported", "a thread cannot be scheduled here: its parts need ids to reply to"
        )
    elif not draft.facts.facts["schedules"]:
        draft.problem(field, "unsupported", f"{draft.facts.software} publishes scheduled posts at once")
    elif (when - now).total_seconds() < SOONEST:
        draft.problem(field, "range", "must be at least 5 minutes ahead", limit=SOONEST)
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def check_room(draft: Draft, due: datetime, text: str, scheduled: Sequence[Mapping[str, Any]]) -> None:
    """Whether one more fits among the account's scheduled posts, which a server counts by day and in all. A post that
    is among them already is this one, sent before."""
    moments = [moment(one["scheduled_at"]) for one in scheduled]
    for one, at in zip(scheduled, moments, strict=True):
        if abs(at - due) < timedelta(seconds=2) and (one.get("params") or {}).get("text") == text:
            return
    day = sum(at.date() == due.date() for at in moments)
    field, hint = "options.scheduled_at", "choose another day, or publish some of them"
    if day >= SCHEDULED_A_DAY:
        words = f"{day} posts are scheduled for that day already; {SCHEDULED_A_DAY} are allowed"
        draft.problem(field, "limit", words, limit=SCHEDULED_A_DAY, actual=day, hint=hint)
    elif len(moments) >= SCHEDULED:
        words = f"{len(moments)} posts are scheduled already; {SCHEDULED} are allowed"
        draft.problem(field, "limit", words, limit=SCHEDULED, actual=len(moments), hint=hint)


def refuse_late(body: Mapping[str, Any], call: Call) -> None:
    """A plan may be sent long after it was made: a server publishes at once what was due before."""
    due = body.get("scheduled_at")
    if due is not None and (moment(due) - call.now()).total_seconds() < SOONEST:
        words, hint = "it is less than 5 minutes ahead by now: nothing was sent", "plan it anew"
        problem = Problem(call.account, "options.scheduled_at", "stale", words, limit=SOONEST, hint=hint)
        raise errors.InvalidPost([problem])


# --- edits ------------------------------------------------------------------------------------------------
EDITABLE = frozenset(
    {"status", "spoiler_text", "sensitive", "language", "poll", "quote_approval_policy", "content_type"}
)
_FIXED = {
    "in_reply_to_id": "reply_to",
    "quoted_status_id": "quote",
    "quote_id": "quote",
    "scheduled_at": "options.scheduled_at",
    "local_only": "options.local_only",
}


def refuse_fixed(body: Mapping[str, Any], account: str) -> None:
    """What an edit cannot change must not be given to one."""
    words, hint = "an edit cannot change it", "leave it out: it stays as it is"
    given = [field for name, field in _FIXED.items() if name in body]
    problems = [Problem(account, field, "fixed", words, hint=hint) for field in given]
    if problems:
        raise errors.InvalidPost(problems)
