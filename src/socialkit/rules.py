"""The types in which an adapter writes down what its platform allows: number, source, date read.

Rules are data. The plan checks a post against them, the rate limiter takes its budgets from them, the feature
matrix in the README is drawn from them. Live answers of a server narrow them with :func:`attrs.evolve`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import attrs

from ._days import day_at, is_zone

Unit = Literal["x", "graphemes", "codepoints", "utf16", "utf8", "mastodon"]
Level = Literal["host", "app", "user", "account", "endpoint"]


UNIT_WORDS: dict[Unit, str] = {
    "x": "weighted characters",
    "graphemes": "characters",
    "codepoints": "characters",
    "mastodon": "characters",
    "utf16": "UTF-16 units",
    "utf8": "bytes",
}
"""What a person calls the units in which platforms count."""


def measured(actual: int, limit: int, unit: Unit = "codepoints") -> str:
    """The words of a Problem about something that is too long, the same for every platform.

    >>> measured(3104, 3000, "utf16")
    '3,104 of at most 3,000 UTF-16 units'
    """
    return f"{actual:,} of at most {limit:,} {UNIT_WORDS[unit]}"


@attrs.frozen
class Source:
    """Where a fact comes from and when it was read there, e.g. ``Source("docs.x.com", "2026-08-22")``."""

    where: str
    read: str


@attrs.frozen
class TextRule:
    """How long a text may be. ``also`` adds limits in other units that hold at the same time.

    >>> TextRule(300, "graphemes", also=((3000, "utf8"),)).limits
    ((300, 'graphemes'), (3000, 'utf8'))
    """

    limit: int
    unit: Unit
    also: tuple[tuple[int, Unit], ...] = ()
    url_length: int = 23
    counts_warning: bool = False

    @property
    def limits(self) -> tuple[tuple[int, Unit], ...]:
        return ((self.limit, self.unit), *self.also)


@attrs.frozen
class ImageRule:
    """What pictures a post may carry: count, bytes each, MIME types, pixels, width by height, alt-text length.

    ``animated_max_volume`` is pixels of a frame times frames.

    ``by_url`` says that the platform takes no bytes: it fetches a picture from a public URL itself. One that was given
    as such (``Image.from_url``) is not looked at when it is planned; another one goes through the client's
    ``media_host``, and is a Problem where there is none. With ``permanent`` the address stays in the post for good,
    so that only a given one will do.
    """

    count: int
    max_bytes: int
    types: frozenset[str]
    alt_limit: int | None = None
    alt_unit: Unit = "graphemes"
    max_pixels: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    focus: bool = False
    animated_count: int = 1
    animated_alone: bool = False
    animated_max_bytes: int | None = None
    animated_types: frozenset[str] = frozenset({"image/gif"})
    animated_max_pixels: int | None = None
    animated_max_frames: int | None = None
    animated_max_volume: int | None = None
    by_url: bool = False
    permanent: bool = False


@attrs.frozen
class VideoRule:
    """What videos a post may carry: count, bytes, MIME types, seconds, pixels, width by height, captions.

    ``codecs`` are those of picture and sound by their usual names ("h264", "hevc", "vp9", "aac"); empty means any.
    Sides are the shorter and the longer one in pixels. What a file does not tell is not checked. ``by_url`` is as for
    pictures; ``thumbnail_max_bytes`` and ``thumbnail_types`` are what a thumbnail may be, and ``thumbnail_by_url``
    says that the platform fetches it, whatever becomes of the video.
    """

    count: int
    max_bytes: int
    types: frozenset[str]
    min_bytes: int = 0
    min_seconds: float = 0.0
    max_seconds: float | None = None
    max_pixels: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    min_fps: float | None = None
    max_fps: float | None = None
    codecs: frozenset[str] = frozenset()
    by_url: bool = False
    alt_limit: int | None = None
    alt_unit: Unit = "graphemes"
    captions: int = 0
    captions_max_bytes: int | None = None
    thumbnail: bool = False
    thumbnail_max_bytes: int = 2_000_000
    thumbnail_types: frozenset[str] = frozenset({"image/jpeg", "image/png", "image/webp"})
    thumbnail_by_url: bool = False


@attrs.frozen
class FileRule:
    """What other files (documents) a post may carry: count, bytes each, MIME types; alone, or with other media.

    ``thumbnail`` says that a picture may go with one: the adapter's plan looks at it.
    """

    count: int
    max_bytes: int
    types: frozenset[str]
    alone: bool = True
    thumbnail: bool = False


@attrs.frozen
class PollRule:
    """What polls a post may carry: options, characters per option, seconds open."""

    min_options: int
    max_options: int
    option_limit: int
    option_unit: Unit = "graphemes"
    min_seconds: int = 0
    max_seconds: int = 2**31
    with_media: bool = False
    multiple: bool = False
    hide_totals: bool = False


def _known_zone(instance: object, attribute: object, zone: str) -> None:
    if not is_zone(zone):
        raise ValueError(f"this machine knows no time zone {zone!r}; pip install tzdata")


@attrs.frozen
class Midnight:
    """The end of a calendar day in a time zone, at which a platform counts anew: days of 23 and 25 hours included.

    "UTC" and "America/Los_Angeles" are known everywhere; other zones need the machine's time-zone database (on
    Windows and slim images the package tzdata), and are a ValueError without it.

    >>> Midnight("America/Los_Angeles").after(datetime(2026, 7, 1, 6, 59, tzinfo=UTC)).isoformat()
    '2026-07-01T07:00:00+00:00'
    """

    zone: str = attrs.field(validator=_known_zone)

    def after(self, moment: datetime) -> datetime:
        """The first midnight after a moment, aware UTC."""
        return datetime.fromtimestamp(day_at(self.zone, moment.timestamp())[1], UTC)


@attrs.frozen
class Budget:
    """One rate limit: at most ``limit`` (in units of cost) per ``window`` seconds.

    The window may begin at any moment: as many are never spent in any stretch of that length, whether the platform's
    own window slides or begins with the first request. Where the platform says that it counts by calendar days,
    ``resets`` is when: ``Midnight("UTC")``, with a ``window`` of 86400; all of the limit is free right after it.

    ``level`` is whose it is: the developer "app" (or project); the "user" who signed in to it, for all accounts
    that sign-in speaks for; the "account"; one "endpoint" of the account; the "host": everything this machine sends to
    one server, where the platform counts by address. :attr:`AccountFacts.owners` names a user or host that is not the
    account's own.

    ``match`` is ``"METHOD path-regex"``, the regex for the whole path; ``POST|PUT`` is either method, ``*`` any.
    A request spends every budget it matches. Its cost is ``cost`` unless the call names another. ``header``
    names the family of response headers that report this budget ("x-rate-limit", "ratelimit", ...), so that
    answers correct the right one.

    ``counts`` says what is counted: "requests", however they end, or what they "made". Then one that the platform
    certainly refused has spent nothing.
    """

    name: str
    level: Level
    limit: int
    window: float
    match: str = "* .*"
    cost: int = 1
    header: str | None = None
    source: Source | None = None
    resets: Midnight | None = None
    counts: Literal["requests", "made"] = "requests"


@attrs.frozen
class ErrorRow:
    """One row of a platform's error table.

    ``status`` 0 matches any. ``code`` must equal the platform's code; ``text`` is a regex searched in its
    words (case ignored). ``raises`` names a class of :mod:`socialkit.errors`; ``definite`` False says the
    post may exist in spite of the answer. ``refresh`` says a fresh access token may cure it.
    """

    status: int
    raises: str
    code: str | None = None
    text: str | None = None
    hint: str = ""
    definite: bool = True
    refresh: bool = False


@attrs.frozen
class FindRule:
    """How the adapter can learn the fate of a post whose answer was lost.

    ``by``: "key" (the platform answers for the exact id), "list" (own recent posts are read) or "none".
    Absence counts ``quiet`` seconds after the attempt and after ``looks`` looks at least ``between``
    seconds apart.
    """

    by: Literal["key", "list", "none"] = "none"
    quiet: float = 120.0
    looks: int = 3
    between: float = 30.0
    give_up: float = 86400.0


@attrs.frozen
class Rules:
    """Everything a platform allows, as far as it is known before asking it.

    A field of :class:`~socialkit.Post` that has no rule here is refused by the plan, by name. ``carries``
    lists the plain fields the adapter handles: link, title, tags, reply_to, quote, language,
    content_warning, sensitive; ``in_text`` those of link, title and tags that the plan writes into the
    text, as people do on that platform. ``repeats=False`` says that a text the account has just posted is
    refused, so that the parts of a thread must differ. ``limited`` says in words what a carried field or
    another rule of that name is narrowed to and, under "find", what becomes of a lost answer where that depends on
    the post.

    >>> Rules(text=TextRule(500, "mastodon"), thread=True).carries
    frozenset()
    """

    text: TextRule
    images: ImageRule | None = None
    video: VideoRule | None = None
    files: FileRule | None = None
    mixed_media: bool = False
    poll: PollRule | None = None
    thread: bool = False
    repeats: bool = True
    carries: frozenset[str] = frozenset()
    in_text: frozenset[str] = frozenset()
    link_with_media: bool = True
    required: frozenset[str] = frozenset()
    visibility: frozenset[str] = frozenset({"public"})
    edit: bool = False
    delete: bool = False
    schedule: bool = False
    metrics: frozenset[str] = frozenset()
    metrics_batch: int = 1
    account_metrics: frozenset[str] = frozenset()
    account_history: bool = False
    fetch_posts: bool = False
    budgets: tuple[Budget, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    find: FindRule = FindRule()
    limited: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
