"""The words: a post and its parts, what comes back for it, and the reports made of that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

import attrs

if TYPE_CHECKING:
    from .adapters.base import Adapter, Options
    from .errors import SocialKitError

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]
Severity = Literal["error", "warning"]
Visibility = Literal["public", "unlisted", "followers", "direct", "private"]
SCHEMA = 1
"""Version of the dictionaries made by ``to_dict``."""


def _tuple(value: Any) -> tuple[Any, ...]:
    if type(value) in (tuple, list):
        return tuple(value)
    if value is None:
        return ()
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        return (value,)
    return tuple(value)


def _pair(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _tags(value: Any) -> tuple[str, ...]:
    return tuple([tag.removeprefix("#") for tag in _tuple(value)])


@attrs.frozen
class Remote:
    """A public URL as the source of a medium; made by ``Image.from_url`` and its siblings."""

    url: str


MediaSource = str | os.PathLike[str] | bytes | BinaryIO | Remote


def _source(value: Any) -> Any:
    if isinstance(value, str) and value.partition("://")[0].lower() in ("http", "https"):
        raise ValueError(f"{value!r} is a URL; a str is always a local path: use Image.from_url(...) instead")
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _source_repr(value: Any) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return repr(value) if isinstance(value, str | Remote) else "<file>"


@attrs.frozen(eq=True, hash=False)
class Medium:
    """What :class:`Image`, :class:`Video` and :class:`File` share: a source opened only when needed."""

    source: MediaSource = attrs.field(converter=_source, repr=_source_repr)
    alt: str | None = attrs.field(default=None, kw_only=True)
    thumbnail: Image | None = attrs.field(default=None, kw_only=True)

    @classmethod
    def from_url(cls, url: str, /, **fields: Any) -> Self:
        """The medium at a public http(s) URL; fetched (or handed to the platform) when it is sent."""
        if url.partition("://")[0].lower() not in ("http", "https"):
            raise ValueError(f"{url!r} is not an http(s) URL; give a local path to the constructor instead")
        return cls(Remote(url), **fields)

    def __hash__(self) -> int:
        return hash((type(self), repr(self.source), self.alt))


def _within(_: object, __: object, value: tuple[float, float] | None) -> None:
    numbers = isinstance(value, tuple) and all(isinstance(v, int | float) for v in value)
    if value is not None and not (numbers and len(value) == 2 and all(-1 <= v <= 1 for v in value)):
        raise ValueError(f"focus is (x, y), each from -1 to 1, not {value!r}")


@attrs.frozen(eq=True, hash=False)
class Image(Medium):
    """A picture (a GIF too): a local path, bytes or an open binary file.

    Args:
        alt: description for people who do not see it.
        focus: the point that must stay visible, (x, y) from -1.0 (left, bottom) to 1.0 (right, top).

    >>> Image("hero.jpg", alt="The new boat at sea").alt
    'The new boat at sea'
    """

    focus: tuple[float, float] | None = attrs.field(
        default=None, converter=_pair, validator=_within, kw_only=True
    )

    __hash__ = Medium.__hash__


@attrs.frozen
class Captions:
    """Subtitles of a video: an SRT or WebVTT file and its language (BCP 47).

    >>> Captions("talk.en.vtt", "en").language
    'en'
    """

    source: MediaSource = attrs.field(converter=_source, repr=_source_repr)
    language: str
    label: str | None = None


@attrs.frozen(eq=True, hash=False)
class Video(Medium):
    """A video: a local path, an open binary file or (small ones) bytes. It is streamed, never loaded whole.

    >>> video = Video("launch.mp4", alt="The boat sails", captions=[Captions("en.vtt", "en")])
    >>> video.captions[0].language
    'en'
    """

    captions: tuple[Captions, ...] = attrs.field(default=(), converter=_tuple, kw_only=True)

    __hash__ = Medium.__hash__


@attrs.frozen(eq=True, hash=False)
class File(Medium):
    """Any other file (a document, audio) for platforms that take one.

    >>> File("report.pdf", name="Annual report.pdf").name
    'Annual report.pdf'
    """

    name: str | None = attrs.field(default=None, kw_only=True)

    __hash__ = Medium.__hash__


@attrs.frozen
class Link:
    """A link with what its preview card should say, where the platform lets the author say it.

    >>> Link("https://example.com", title="Example").url
    'https://example.com'
    """

    url: str
    title: str | None = None
    description: str | None = None
    thumbnail: Image | None = None


@attrs.frozen
class Poll:
    """A question with options; ``seconds`` is how long it stays open.

    >>> Poll(["Sail", "Motor"], seconds=86400).options
    ('Sail', 'Motor')
    """

    options: tuple[str, ...] = attrs.field(converter=_tuple)
    seconds: int = 86400
    multiple: bool = False
    hide_totals: bool = False


@attrs.frozen
class Identity:
    """Who an account really is: platform, server and the platform's own account id.

    >>> Identity("mastodon", "https://example.social", "42").key
    'mastodon|https://example.social|42'
    """

    platform: str
    server: str
    id: str
    name: str | None = attrs.field(default=None, eq=False)

    @property
    def key(self) -> str:
        """One string for stores; the name is no part of it."""
        return f"{self.platform}|{self.server}|{self.id}"


@attrs.frozen(eq=True, hash=False)
class Receipt:
    """Proof of a published post; JSON-safe, and enough for another process to measure, edit, delete or reply.

    Attributes:
        identity: the account it was published with.
        id: the platform's id; None when the platform did not tell.
        url: the permalink.
        published_at: aware UTC, by the platform's clock where it says.
        kind: "post", "reply", "quote", ...
        parts: for a thread, one receipt per following part.
        raw: what else the platform needs to refer to it (a CID, a key), JSON-safe.

    >>> Receipt(Identity("x", "https://api.x.com", "7"), "1001", url="https://x.com/i/web/status/1001").id
    '1001'
    """

    identity: Identity
    id: str | None
    url: str | None = None
    published_at: datetime | None = None
    text: str | None = None
    kind: str = "post"
    parts: tuple[Receipt, ...] = attrs.field(default=(), converter=_tuple)
    raw: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def platform(self) -> str:
        return self.identity.platform

    @property
    def part_ids(self) -> tuple[str | None, ...]:
        """The ids of all parts, this one first."""
        return (self.id, *(part.id for part in self.parts))

    def __hash__(self) -> int:
        return hash((self.identity, self.id))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; :meth:`from_dict` reads it back."""
        from ._convert import dump

        return dump(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Receipt:
        """The receipt a :meth:`to_dict` made; a wrong shape is a ConfigError with every place."""
        from ._convert import load

        return load(cls, data)


@attrs.frozen
class Variant:
    """What is different for one account or platform; made by :meth:`Post.variant`."""

    target: str
    fields: tuple[tuple[str, Any], ...] = ()
    options: Options | None = None


def _link(value: Any) -> Any:
    return Link(value) if isinstance(value, str) else value


def _is_text(_: object, __: object, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"text is a str, not {type(value).__name__}")


def _is_reference(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, Receipt | str):
        raise TypeError(f"{field.name} is a Receipt, a permalink or an id, not {type(value).__name__}")


def _are_media(_: object, __: object, value: tuple[object, ...]) -> None:
    for index, one in enumerate(value):
        if not isinstance(one, Medium):
            raise TypeError(f"media[{index}] is an Image, Video or File, not {type(one).__name__}")


def _flat(_: object, __: object, parts: tuple[object, ...]) -> None:
    for index, part in enumerate(parts):
        if not isinstance(part, Post):
            raise TypeError(f"thread[{index}] is a Post, not {type(part).__name__}")
        if part.thread or part.variants:
            raise ValueError("a part of a thread has no thread or variants of its own")


@attrs.frozen(eq=True, hash=False)
class Post:
    """One post for many platforms. Frozen; ``attrs.evolve`` and :meth:`variant` make changed copies.

    Attributes:
        text: as a person writes it; links, mentions and hashtags are found in it.
        media: pictures, videos, files, in order.
        link: a link to show as a card.
        title: for platforms whose posts have one.
        tags: hashtags without ``#``, added where the text does not have them yet.
        thread: posts that follow this one, each with its own media.
        split: continue an over-long text in a thread (listed as a Change).
        reply_to, quote: a Receipt, or the permalink or id of a post on that platform.
        language: BCP 47.
        content_warning: shown before the text. ``sensitive`` hides the media.
        visibility: "public", "unlisted", "followers", "direct", "private"; None is the platform's default.

    >>> Post("We ship today", media=[Image("hero.jpg", alt="The boat")]).variant("x", text="Shipped!").text
    'We ship today'
    """

    text: str = attrs.field(default="", validator=_is_text)
    media: tuple[Medium, ...] = attrs.field(default=(), converter=_tuple, validator=_are_media)
    link: Link | None = attrs.field(default=None, converter=_link, kw_only=True)
    title: str | None = attrs.field(default=None, kw_only=True)
    tags: tuple[str, ...] = attrs.field(default=(), converter=_tags, kw_only=True)
    poll: Poll | None = attrs.field(default=None, kw_only=True)
    thread: tuple[Post, ...] = attrs.field(default=(), converter=_tuple, validator=_flat, kw_only=True)
    split: bool = attrs.field(default=False, kw_only=True)
    reply_to: Receipt | str | None = attrs.field(default=None, validator=_is_reference, kw_only=True)
    quote: Receipt | str | None = attrs.field(default=None, validator=_is_reference, kw_only=True)
    language: str | None = attrs.field(default=None, kw_only=True)
    content_warning: str | None = attrs.field(default=None, kw_only=True)
    sensitive: bool = attrs.field(default=False, kw_only=True)
    visibility: Visibility | None = attrs.field(default=None, kw_only=True)
    variants: tuple[Variant, ...] = attrs.field(default=(), converter=_tuple, kw_only=True)

    def variant(self, target: str | type[Adapter], options: Options | None = None, /, **fields: Any) -> Post:
        """A copy with ``fields`` replaced for one account (its name) or platform (its name or adapter class).

        ``None`` clears a field. An adapter *instance* is a TypeError: accounts are met by their names.
        Account beats platform beats post; a later variant for the same target adds to the earlier one.
        """
        known = set(_VARIANT_FIELDS)
        if unknown := sorted(set(fields) - known):
            raise TypeError(f"Post has no field {', '.join(unknown)}; fields are {', '.join(sorted(known))}")
        if not isinstance(target, str | type):
            raise TypeError("a variant is for an account's name, a platform's name or an adapter class")
        name = target if isinstance(target, str) else target.platform
        checked = attrs.evolve(self, variants=(), **_cleared(fields))
        kept = {key: None if value is None else getattr(checked, key) for key, value in fields.items()}
        new = Variant(name, tuple(kept.items()), options)
        return attrs.evolve(self, variants=(*self.variants, new))

    def resolve(self, account: str, platform: str) -> tuple[Post, tuple[Options, ...]]:
        """The post as that account publishes it, without variants, and its options (the last one wins)."""
        if not self.variants:
            return self, ()
        fields: dict[str, Any] = {}
        options: list[Options] = []
        for target in dict.fromkeys((platform, account)):
            for variant in self.variants:
                if variant.target == target:
                    fields |= dict(variant.fields)
                    options += [variant.options] if variant.options is not None else []
        return attrs.evolve(self, variants=(), **_cleared(fields)), tuple(options)

    def __hash__(self) -> int:
        return hash((self.text, self.media, self.link, self.poll, self.thread))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe, with a schema version. Bytes and open files are a ConfigError that names the medium."""
        from ._convert import dump

        return dump(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, files: str | os.PathLike[str] | None = None) -> Post:
        """The post a :meth:`to_dict` made. Local paths are taken only from inside the directory ``files``."""
        from ._convert import load_post

        return load_post(data, files)


_VARIANT_FIELDS = {field.name: field for field in attrs.fields(Post) if field.name != "variants"}


def _cleared(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with each ``None`` replaced by the field's own default, which is what clears it."""
    return {name: _VARIANT_FIELDS[name].default if value is None else value for name, value in fields.items()}


@attrs.frozen
class Problem:
    """One thing that is wrong with a post for one account, with its place and the fix.

    >>> print(Problem("sky", "media[1].alt", "missing", "no alt text", hint="describe the picture"))
    sky: media[1].alt: no alt text (describe the picture)
    """

    account: str
    field: str
    code: str
    message: str
    limit: float | str | None = None
    actual: float | str | None = None
    hint: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.account}: {self.field}: {self.message}{hint}"


@attrs.frozen
class Change:
    """One thing the library will send differently from what was given, listed before it is sent.

    >>> print(Change("toots", "text", "split", "continues in a thread of 3 parts"))
    toots: text: continues in a thread of 3 parts
    """

    account: str
    field: str
    code: str
    message: str
    before: float | str | None = None
    after: float | str | None = None

    def __str__(self) -> str:
        return f"{self.account}: {self.field}: {self.message}"


class Status(StrEnum):
    """How a post to one account ended; every publish ends in exactly one of these.

    >>> Status("handed_over") is Status.HANDED_OVER
    True
    """

    PUBLISHED = "published"
    PROCESSING = "processing"
    SCHEDULED = "scheduled"
    HANDED_OVER = "handed_over"
    PARTIAL = "partial"
    UNKNOWN = "unknown"
    INVALID = "invalid"
    REFUSED = "refused"
    FAILED = "failed"


SETTLED = frozenset({Status.PUBLISHED, Status.SCHEDULED, Status.HANDED_OVER, Status.INVALID, Status.REFUSED})
"""Statuses about which looking again teaches nothing. ``failed`` and ``partial`` may be retried."""


@attrs.frozen
class Outcome:
    """What became of the post on one account.

    Attributes:
        status: see :class:`Status`.
        receipt: what is live; for ``partial`` the first part, with the parts that are live.
        error: why it is not (or not certainly) published.
        problems: for ``invalid``.
        missing: what the live post lacks, in words: an unknown id, a caption that could not be attached.
        look_again_at: when ``settle()`` may learn more. give_up_at: after that only a person closes it.
        next_index: for ``partial``, the first part that is not live.
        deleted_at: when it was deleted again through this library; the status still says how publishing ended.
        replayed: True when nothing was sent now because an earlier call had done it.

    >>> Outcome("sky", "bluesky", Status.FAILED).live
    False
    """

    account: str
    platform: str
    status: Status = attrs.field(converter=Status)
    receipt: Receipt | None = None
    error: SocialKitError | None = attrs.field(default=None, eq=False)
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    look_again_at: datetime | None = None
    give_up_at: datetime | None = None
    next_index: int | None = None
    deleted_at: datetime | None = None
    replayed: bool = False

    @property
    def url(self) -> str | None:
        return self.receipt.url if self.receipt else None

    @property
    def live(self) -> bool | None:
        """True: something is public. False: certainly nothing is. None: nobody knows yet."""
        if self.status in (Status.PUBLISHED, Status.PARTIAL):
            return self.deleted_at is None
        return False if self.status in (Status.INVALID, Status.REFUSED, Status.FAILED) else None

    @property
    def ok(self) -> bool:
        """True when the platform has taken the whole post."""
        return self.status in (Status.PUBLISHED, Status.PROCESSING, Status.SCHEDULED, Status.HANDED_OVER)


@attrs.frozen(eq=False)
class Report(Mapping[str, Outcome]):
    """Every account's outcome, by account name; a table in a terminal and in a notebook.

    >>> report = Report("launch-1", (Outcome("sky", "bluesky", Status.FAILED),))
    >>> report["sky"].status.value, list(report.failed)
    ('failed', ['sky'])
    """

    key: str
    outcomes: tuple[Outcome, ...] = attrs.field(converter=_tuple)

    def __getitem__(self, account: str) -> Outcome:
        for outcome in self.outcomes:
            if outcome.account == account:
                return outcome
        raise KeyError(account)

    def __iter__(self) -> Iterator[str]:
        return (outcome.account for outcome in self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def ok(self) -> bool:
        """True when every account's platform has taken the whole post."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """What is live, one receipt per account."""
        return tuple(o.receipt for o in self.outcomes if o.receipt and o.deleted_at is None)

    @property
    def failed(self) -> dict[str, Outcome]:
        """Only what is certainly not live."""
        return {o.account: o for o in self.outcomes if o.live is False}

    @property
    def unsettled(self) -> dict[str, Outcome]:
        """What may still change: unknown, still processing, half posted."""
        open_states = (Status.UNKNOWN, Status.PROCESSING, Status.PARTIAL)
        return {o.account: o for o in self.outcomes if o.status in open_states}

    @property
    def replayed(self) -> bool:
        """True when this call sent nothing because an earlier one had done it all."""
        return bool(self.outcomes) and all(outcome.replayed for outcome in self.outcomes)

    def raise_for_errors(self) -> None:
        """Raise the account's own error for one account, else PublishErrors; quiet when all is well."""
        if self.ok:
            return
        from ._render import raise_for_report

        raise_for_report(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; :meth:`from_dict` reads it back."""
        from ._convert import dump

        return dump(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Report:
        """The report a :meth:`to_dict` made."""
        from ._convert import load

        return load(cls, data)

    def __str__(self) -> str:
        from ._render import report_table

        return report_table(self).text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from ._render import report_table

        return report_table(self).html()


@attrs.frozen
class Progress:
    """One event for a ``progress`` callable: which account is at which step, and bytes where bytes flow.

    Attributes:
        stage: "waiting" (for a rate limit or another owner), "uploading", "processing", "sending",
            "looking" (settling a lost answer), "done".
        part: index of the thread part. medium: index of the medium inside it, when one is concerned.
        sent, total: bytes of that medium.
        detail: words for a person.

    >>> Progress("sky", "uploading", medium=0, sent=262144, total=1048576).stage
    'uploading'
    """

    account: str
    stage: str
    part: int = 0
    medium: int | None = None
    sent: int = 0
    total: int = 0
    detail: str = ""
