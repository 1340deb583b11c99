"""How a plan is made for one account: walk the fields, look at the media, split the text, let the adapter build."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .. import text as texts
from .._convert import plain
from .._shelf import Shelf
from ..adapters.base import THUMBNAIL_TYPES, AccountFacts, Adapter, Call, Part, PartMedia
from ..model import Link, Medium, Poll, Post, Problem, Receipt
from ..rules import PollRule, Rules, TextRule, Unit, measured
from . import TargetPlan, digest
from ._media import MediaPlanner
from ._notes import Notes, spoken

if TYPE_CHECKING:
    from ..accounts import Account

SOFT = {
    "title": "is not shown: posts have no title on {}",
    "language": "is not sent: there is no field for it on {}",
    "tags": "are left out: there are no hashtags on {}",
    "link": "is left out: there are no link cards on {}",
    "sensitive": "is not sent: there is no such mark on {}",
}
"""Fields a platform may lack without the post meaning something else: listed as a Change. All others are refused."""

_ADDRESS = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_OWN = {"text", "media", "poll", "thread", "split", "visibility", "variants"}
_NAMES = tuple(field.name for field in attrs.fields(Post) if field.name not in _OWN)


@attrs.define
class DraftPart:
    """One post of the thread while it is planned (implements ``base.Draft``)."""

    notes: Notes
    post: Post
    options: Any
    rules: Rules
    facts: AccountFacts
    index: int
    total: int
    media: tuple[PartMedia, ...]
    planner: MediaPlanner
    extras: dict[str, PartMedia] = attrs.field(factory=dict)

    @property
    def account(self) -> str:
        return self.notes.account

    @property
    def hosted(self) -> bool:
        return self.planner.hosted

    def problem(self, field: str, code: str, message: str, **more: Any) -> Problem:
        return self.notes.problem(self.notes.place(self.index, field), code, message, **more)

    def change(self, field: str, code: str, message: str, **more: Any) -> None:
        self.notes.change(self.notes.place(self.index, field), code, message, **more)

    async def medium(
        self,
        medium: Medium,
        field: str,
        *,
        max_bytes: int,
        max_side: int | None = None,
        types: frozenset[str] = THUMBNAIL_TYPES,
    ) -> PartMedia | None:
        place = self.notes.place(self.index, field)
        limits: Any = {"max_bytes": max_bytes, "max_side": max_side, "types": types}
        return await self.planner.thumbnail(medium, place, **limits)


async def plan_target(
    owner: Account, post: Post, call: Call, shelf: Shelf, *, targets: frozenset[str]
) -> TargetPlan:
    """The plan for one account. Reads the platform where the adapter must (a reply's parent, a mention)."""
    adapter, account = owner.adapter, owner.name
    notes = Notes(account, adapter.title or adapter.platform)
    for variant in post.variants:
        if variant.target not in targets:
            hint = f"targets are {', '.join(sorted(targets))}"
            notes.problem(
                "variants", "unknown_target", f"no account or platform {variant.target!r}", hint=hint
            )
    own, options = post.resolve(account, adapter.platform)
    chosen = adapter.options_for(_options(adapter, options, notes))
    rules = owner.rules
    for index, one in enumerate((own, *own.thread)):
        _check_fields(one, rules, adapter, notes, index)
    own = _without_foreign(own, adapter, rules, notes)
    posts = _thread(own, rules, adapter.platform, notes)
    planner = MediaPlanner(notes, rules, shelf, hosted=owner.hosts)
    drafts = []
    for index, one in enumerate(posts):
        _check_post(one, rules, adapter.platform, notes, index)
        media = await planner.media(one, index)
        drafts.append(DraftPart(notes, one, chosen, rules, call.facts, index, len(posts), media, planner))
    parts = [await adapter.plan(draft, call) for draft in drafts]
    return TargetPlan(
        account=account,
        platform=adapter.platform,
        identity=call.facts.identity,
        parts=tuple(_with_media(part, draft) for part, draft in zip(parts, drafts, strict=True)),
        problems=tuple(notes.problems),
        changes=tuple(notes.changes),
        content=content_digest(own, chosen, planner),
        limits=owner.rules_digest,
        media=planner.sources,
    )


def _with_media(part: Part, draft: DraftPart) -> Part:
    if not (draft.media or draft.extras):
        return part
    return attrs.evolve(part, media=part.media or draft.media, extras=part.extras or draft.extras)


def content_digest(post: Post, options: Any, planner: MediaPlanner) -> str:
    """What an idempotency key is bound to: the fields and the media bytes, whatever file they come from."""
    posts = [_described(one, planner) for one in (post, *post.thread)]
    return digest([posts, plain(options)])


def _described(post: Post, planner: MediaPlanner) -> Any:
    bare = (
        attrs.evolve(post, media=(), thread=(), link=None) if post.media or post.thread or post.link else post
    )
    link = post.link and [post.link.url, post.link.title, post.link.description]
    thumbnail = planner.described(post.link.thumbnail) if post.link else None
    given = dict(_given(bare))
    return [plain(given), link, thumbnail, [planner.described(medium) for medium in post.media]]


_DEFAULTS = tuple((field.name, field.default) for field in attrs.fields(Post))


def _given(post: Post) -> Iterator[tuple[str, Any]]:
    """The fields that say something: one that is left out, or is new to the library, changes no digest."""
    for name, default in _DEFAULTS:
        if (value := getattr(post, name)) != default:
            yield name, value


def _options(adapter: Adapter, options: tuple[Any, ...], notes: Notes) -> Any:
    for given in options:
        if not isinstance(given, adapter.Options):
            notes.problem(
                "variants",
                "options",
                f"{type(given).__qualname__} are not options of {adapter.platform}",
                hint=f"use {type(adapter).__name__}.Options(...)",
            )
            return adapter.Options()
    return options[-1] if options else adapter.Options()


def _check_fields(post: Post, rules: Rules, adapter: Adapter, notes: Notes, index: int) -> None:
    """Every field that is set is carried, written into the text, listed as a Change, or refused by name."""
    for name in _NAMES:
        if not getattr(post, name) or name in rules.carries or name in rules.in_text:
            continue
        if name in SOFT:
            notes.change(notes.place(index, name), "not_carried", SOFT[name].format(notes.title))
        else:
            notes.lacks(notes.place(index, name), "is not possible", _cleared(adapter.platform, name))
    for name in sorted(rules.required if not index else ()):
        if not getattr(post, name):
            hint = f"give {_media_words(rules) if name == 'media' else f'a {name}'}"
            notes.problem(name, "required", f"every post on {notes.title} needs one", hint=hint)
    if post.visibility and post.visibility not in rules.visibility:
        names = sorted(rules.visibility)
        known = f"one of {', '.join(names)}" if len(names) > 1 else names[0]
        words = f"there are no {post.visibility!r} posts"
        hint = f"take {known}, or {_cleared(adapter.platform, 'visibility')}"
        notes.lacks(notes.place(index, "visibility"), words, hint)


def _cleared(platform: str, field: str) -> str:
    return f"clear it for this platform with post.variant({platform!r}, {field}=None)"


def _media_words(rules: Rules) -> str:
    return " or ".join(word for word, rule in (("a picture", rules.images), ("a video", rules.video)) if rule)


def _without_foreign(post: Post, adapter: Adapter, rules: Rules, notes: Notes, index: int = 0) -> Post:
    """The post without references it cannot have, to other platforms' posts say; each is a problem."""
    foreign: dict[str, Any] = {}
    if index and post.reply_to:
        words = "a post of a thread replies to the one before it"
        notes.problem(notes.place(index, "reply_to"), "in_thread", words, hint="leave it out")
        post = attrs.evolve(post, reply_to=None)
    for name in ("reply_to", "quote"):
        value = getattr(post, name)
        if isinstance(value, Receipt) and value.platform != adapter.platform:
            hint = f"give the {adapter.platform} receipt with post.variant({adapter.platform!r}, {name}=…)"
            words = f"that post is on {value.platform}"
            if name in rules.carries:
                notes.problem(notes.place(index, name), "wrong_platform", words, hint=hint)
            foreign[name] = None
    thread = tuple(_without_foreign(one, adapter, rules, notes, at) for at, one in enumerate(post.thread, 1))
    if thread != post.thread:
        foreign["thread"] = thread
    return attrs.evolve(post, **foreign) if foreign else post


def _thread(post: Post, rules: Rules, platform: str, notes: Notes) -> list[Post]:
    """The posts to send, in order: the given thread, over-long texts continued where that was asked for. A post that
    does not say whom it is for is for those the first one is for."""
    first = attrs.evolve(post, thread=()) if post.thread else post
    posts: list[Post] = []
    for index, one in enumerate((first, *post.thread)):
        if first.visibility and not one.visibility:
            one = attrs.evolve(one, visibility=first.visibility)
        whole = compose(one, rules, notes, index)
        posts += _split(whole, post.split or one.split, rules, notes, index)
    if len(posts) > 1 and not rules.thread:
        notes.lacks("thread", "there are no threads", _cleared(platform, "thread"), actual=len(posts))
    if len(posts) > 1 and not rules.repeats:
        _check_repeats(posts, notes)
    return posts


def _check_repeats(posts: list[Post], notes: Notes) -> None:
    """Where a text just posted is refused: only media and quotes tell such parts apart."""
    seen: dict[str, int] = {}
    for index, one in enumerate(posts):
        words = " ".join(unicodedata.normalize("NFC", one.text).split())
        if one.media or one.quote or not words:
            continue
        if (before := seen.setdefault(words, index)) != index:
            told = f"the same text as post {before + 1} of the thread, which is refused as a duplicate"
            notes.problem(notes.place(index, "text"), "repeated", told, hint="change its words")


def compose(post: Post, rules: Rules, notes: Notes, index: int) -> Post:
    """The post with title, link and hashtags in its text, where the platform's people put them there."""
    pieces = [post.title] if post.title and "title" in rules.in_text else []
    pieces += [post.text] if post.text else []
    link = post.link.url if post.link and not _stands_in(post.link.url, post.text) else None
    if link and "link" in rules.in_text:
        pieces.append(link)
    elif link and post.media and not rules.link_with_media and "link" in rules.carries:
        notes.change(
            notes.place(index, "link"),
            "in_text",
            f"stands in the text: a post with media has no link card on {notes.title}",
        )
        pieces.append(link)
    if post.link and "link" in rules.in_text and _has_card(post.link):
        words = f"its title, description and picture are not sent: {notes.title} has no place for them"
        notes.change(notes.place(index, "link"), "not_carried", words)
    tags = [f"#{tag}" for tag in post.tags if not _stands_in(f"#{tag}", post.text)]
    if tags and "tags" in rules.in_text:
        pieces.append(" ".join(tags))
    text = "\n\n".join(pieces)
    return post if text == post.text else attrs.evolve(post, text=text)


def _stands_in(piece: str, text: str) -> bool:
    """Whether a hashtag or an address is in the text as a whole: #boat is not in "#boats"."""
    if piece.startswith("#"):
        return re.search(re.escape(piece.casefold()) + r"(?!\w)", text.casefold()) is not None
    return re.search(re.escape(piece) + r"/?(?![\w/?#&=%~+@-])(?![.:]\w)", text) is not None


def _has_card(link: Link) -> bool:
    return bool(link.title or link.description or link.thumbnail)


def _limits(rule: TextRule, post: Post) -> list[tuple[int, Unit]]:
    """The text's limits, less what a content warning takes of the first one: its links count whole."""
    taken = 0
    if rule.counts_warning and post.content_warning:
        taken = texts.length(post.content_warning, "codepoints" if rule.unit == "codepoints" else "graphemes")
    return [(limit - taken * (unit == rule.unit), unit) for limit, unit in rule.limits]


def too_long(post: Post, rule: TextRule) -> tuple[int, int, Unit] | None:
    """(length, limit, unit) of the first limit the text breaks."""
    for limit, unit in _limits(rule, post):
        if (actual := texts.length(post.text, unit, url_length=rule.url_length)) > limit:
            return actual, limit, unit
    return None


def _split(post: Post, wanted: bool, rules: Rules, notes: Notes, index: int) -> list[Post]:
    over = too_long(post, rules.text)
    if not over:
        return [post]
    actual, limit, unit = over
    place = notes.place(index, "text")
    if not wanted or not rules.thread:
        hint = "shorten it" if not rules.thread else "shorten it, or set split=True to continue in a thread"
        notes.problem(place, "too_long", measured(actual, limit, unit), limit=limit, actual=actual, hint=hint)
        return [post]
    try:
        (most, main), *also = _limits(rules.text, post)
        pieces = texts.split(post.text, most, main, also=also, strip=True, url_length=rules.text.url_length)
    except ValueError as error:
        notes.problem(place, "too_long", str(error), limit=limit, actual=actual, hint="shorten it")
        return [post]
    notes.change(place, "split", f"continues in a thread of {len(pieces)} posts", before=actual, after=limit)
    follow = Post(language=post.language, visibility=post.visibility, content_warning=post.content_warning)
    rest = [attrs.evolve(follow, text=piece) for piece in pieces[1:]]
    return [attrs.evolve(post, text=pieces[0]), *rest]


def _check_post(post: Post, rules: Rules, platform: str, notes: Notes, index: int) -> None:
    if not (post.text.strip() or post.media or post.poll or post.link or post.quote):
        notes.problem(notes.place(index, "text"), "empty", "there is nothing to publish")
    if post.link and not _ADDRESS.fullmatch(post.link.url):
        words, hint = (
            f"{post.link.url!r} is no web address",
            "write it whole, such as https://example.com/page",
        )
        notes.problem(notes.place(index, "link"), "invalid", words, hint=hint)
    if post.poll and rules.poll is None:
        notes.lacks(notes.place(index, "poll"), "there are no polls", _cleared(platform, "poll"))
    elif post.poll and rules.poll:
        _check_poll(post.poll, rules.poll, bool(post.media), notes, notes.place(index, "poll"))


def _check_poll(poll: Poll, rule: PollRule, media: bool, notes: Notes, place: str) -> None:
    count = len(poll.options)
    if not rule.min_options <= count <= rule.max_options:
        words = f"{count} options; {rule.min_options} to {rule.max_options} are allowed on {notes.title}"
        hint = "leave some out" if count > rule.max_options else "add some"
        notes.problem(f"{place}.options", "count", words, limit=rule.max_options, actual=count, hint=hint)
    if len(set(poll.options)) != count or not all(option.strip() for option in poll.options):
        notes.problem(f"{place}.options", "not_unique", "options must be different and not empty")
    for index, option in enumerate(poll.options):
        if (actual := texts.length(option, rule.option_unit)) > rule.option_limit:
            words, field = measured(actual, rule.option_limit, rule.option_unit), f"{place}.options[{index}]"
            more: Any = {"limit": rule.option_limit, "actual": actual, "hint": "shorten it"}
            notes.problem(field, "too_long", words, **more)
    if not rule.min_seconds <= poll.seconds <= rule.max_seconds:
        least, most = spoken(rule.min_seconds), spoken(rule.max_seconds)
        words = f"open for {spoken(poll.seconds)}; {least} to {most} are allowed on {notes.title}"
        notes.problem(f"{place}.seconds", "range", words, limit=rule.max_seconds, actual=poll.seconds)
    if media and not rule.with_media:
        notes.problem(place, "with_media", f"a post has a poll or media on {notes.title}, not both")
    _check_poll_kind(poll, rule, notes, place)


def _check_poll_kind(poll: Poll, rule: PollRule, notes: Notes, place: str) -> None:
    flags: tuple[tuple[Literal["multiple", "hide_totals"], str], ...] = (
        ("multiple", "only one answer can be chosen on {}"),
        ("hide_totals", "results cannot be hidden on {}"),
    )
    for name, words in flags:
        if getattr(poll, name) and not getattr(rule, name):
            notes.problem(f"{place}.{name}", "unsupported", words.format(notes.title), hint="leave it out")
