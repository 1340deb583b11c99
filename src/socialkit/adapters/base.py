"""The contract between the library and a platform's adapter. Third parties code against this module alone.

An adapter never retries, sleeps, logs, stores or reads the clock. It gets a :class:`Call` bound to the transport, the
limits and the journal, and says for each request what kind of step it is: ``read``, ``prepare``,
    ``commit`` or ``attach``.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self, TypedDict, Unpack

import attrs

from ..errors import ConfigError, PlatformError, SocialKitError, Unavailable
from ..model import JSON, Identity, Image, Medium, Post, Problem, Receipt, Status
from ..rules import Rules
from ._errors import from_table

if TYPE_CHECKING:
    from ..flows import Flow
    from ..metrics import Metrics

CONTRACT = 1
"""Raised by one when the contract changes; an adapter of another contract is refused when it is loaded."""

_SAME = timedelta(seconds=2)
"""By how much clocks may differ before it means anything: ``Date`` is told in whole seconds, and answers travel."""
_NEVER = timedelta(days=1)
"""By how much no server's clock is wrong."""
THUMBNAIL_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
"""What a picture beside the post's media may be where the platform's adapter names no other types."""
Kind = Literal["image", "gif", "video", "file", "captions"]
Honoured = Literal["proved", "refuted", "unknown"]
Rotation = Literal["none", "grace", "strict"]


@attrs.frozen
class Options:
    """Base of every platform's options: what only that platform knows. Fields of ``Post`` are never repeated here."""

    platform: ClassVar[str] = ""


def aware(_: object, field: Any, moment: datetime | None) -> None:
    """Validator of an option that is a moment: it has a time zone.

    >>> attrs.make_class("When", {"at": attrs.field(validator=aware)})(datetime(2027, 1, 1))
    Traceback (most recent call last):
    ...
    ValueError: at=2027-01-01 00:00:00 has no time zone; give an aware datetime
    """
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"{field.name}={moment} has no time zone; give an aware datetime")


_OPEN = frozenset(
    {
        "account",
        "early",
        "flow",
        "handle",
        "id",
        "issuer",
        "name",
        "refresh_ends_at",
        "renewable_at",
        "renewing",
        "renews",
        "revocation_endpoint",
        "server",
        "token_endpoint",
        "username",
    }
)
"""What ``Credential.extra`` holds that is no secret: hiding it would only tear holes into words."""


@attrs.frozen(eq=True, hash=False)
class Credential:
    """What signs an account in. Nothing of it but the kind is ever shown.

    Attributes:
        kind: "bearer" (a token), "oauth2" (with refresh), "oauth1", "session" (a password that makes tokens), "dpop"
            (tokens bound to a key), "basic" (client_id and secret), "ghost", "bot", "api-key" or "none".
        access_token, refresh_token, expires_at: as issued; None when there is none (yet), or it never expires.
        secret: app password, or OAuth 1.0a token secret.
        client_id, client_secret: the developer app, where requests or refreshes need it.
        scopes: what was granted, () when unknown.

    >>> Credential("bearer", access_token="s3cret")
    Credential(kind='bearer')
    """

    kind: str
    access_token: str | None = attrs.field(default=None, repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    secret: str | None = attrs.field(default=None, repr=False)
    expires_at: datetime | None = attrs.field(default=None, repr=False)
    client_id: str | None = attrs.field(default=None, repr=False)
    client_secret: str | None = attrs.field(default=None, repr=False)
    scopes: tuple[str, ...] = attrs.field(default=(), repr=False)
    extra: dict[str, str] = attrs.field(factory=dict, repr=False)
    issued: int = attrs.field(default=0, repr=False)
    """Counts up with each renewal, so that a store can tell the newer of two."""

    @classmethod
    def of_user(
        cls,
        title: str,
        access_token: str | None,
        refresh_token: str | None,
        client_id: str | None,
        client_secret: str | None,
        needs: tuple[str, ...] = ("client_id",),
    ) -> Credential:
        """A user's OAuth 2 token; with a refresh token, what renews it: that and the app it was issued to.

        ``needs`` are the adapter's arguments without which it cannot be renewed: the app's id, and its secret where
        there are two. One that is left out is a ConfigError.

        >>> Credential.of_user("X", "s3cret", None, None, None)
        Credential(kind='bearer')
        """
        if refresh_token and not all((client_id, client_secret)[: len(needs)]):
            wanted = " and ".join(f"{name}=" for name in needs)
            raise ConfigError(f"{title}: refresh_token= needs {wanted} of the app it was issued to")
        kind = "oauth2" if refresh_token else "bearer"
        return cls(kind, access_token, refresh_token, client_id=client_id, client_secret=client_secret)

    def secrets(self) -> tuple[str, ...]:
        """Every string that must never be shown."""
        named = (self.access_token, self.refresh_token, self.secret, self.client_secret)
        kept = (value for name, value in self.extra.items() if name not in _OPEN)
        return tuple(value for value in (*named, *kept) if value)


@attrs.frozen
class Fence:
    """Why a repeated commit cannot make a second post on this account.

    ``kind``: "rkey", "key" (native idempotency key), "container", "session", ...; ``valid_for`` seconds after the first
    attempt (None: always). Only ``honoured="proved"`` counts as a fence. ``repeat_after``
    seconds must pass between attempts.
    """

    kind: str
    honoured: Honoured = "unknown"
    valid_for: float | None = None
    repeat_after: float = 0.0


@attrs.frozen(eq=True, hash=False)
class AccountFacts:
    """What a platform told about an account: identity, software, live limits; stored and read again after
    ``ttl`` seconds.

    ``owners`` says whose the budgets of level "user" and "host" are where these are not the account's alone: the id of
    the member who signed in to post as a Page, the server behind an entrance.
    """

    identity: Identity
    url: str | None = None
    software: str | None = None
    version: str | None = None
    fences: tuple[Fence, ...] = ()
    scopes: tuple[str, ...] = ()
    facts: dict[str, Any] = attrs.field(factory=dict)
    read_at: datetime | None = None
    ttl: float = 3600.0
    owners: dict[Literal["user", "host"], str] = attrs.field(factory=dict)

    def fence(self, kind: str) -> Fence | None:
        return next((fence for fence in self.fences if fence.kind == kind), None)


@attrs.frozen(eq=True, hash=False)
class PartMedia:
    """One medium as it will be sent: what it is, its size and digest, never its bytes.

    ``edit`` holds what the plan does to it before it is sent (see ``media.fit``), None for the bytes as given.
    """

    kind: Kind
    mime: str
    size: int
    digest: str
    source: str
    name: str = "file"
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    fps: float | None = None
    codecs: tuple[str, ...] = ()
    animated: bool = False
    alt: str | None = None
    focus: tuple[float, float] | None = None
    language: str | None = None
    label: str | None = None
    edit: dict[str, Any] | None = None
    thumbnail: PartMedia | None = None
    captions: tuple[PartMedia, ...] = ()


@attrs.frozen(eq=True, hash=False)
class Part:
    """One native post, exactly as it will be sent: JSON-safe, so that another process can finish the work.

    Attributes:
        index: place in the thread, from 0.
        body: the platform's own request body, without what only uploads and earlier parts can fill in.
        text: the text as published. kind: "post", "reply", "quote".
        media: the post's media, in order. extras: other media by name, such as a card's thumbnail.
        requests, cost: how many requests sending takes, and their price in US dollars where the platform charges.
    """

    index: int
    body: dict[str, Any]
    text: str = ""
    kind: str = "post"
    media: tuple[PartMedia, ...] = ()
    extras: dict[str, PartMedia] = attrs.field(factory=dict)
    requests: int = 1
    cost: float = 0.0


@attrs.frozen(eq=True, hash=False)
class Sent:
    """What a commit made: JSON-safe. ``raw`` holds what a reply, edit or metric needs beyond the id (a CID, say).

    ``missing`` says what the post lacks for good; ``owed`` what of :meth:`Adapter.attach` cannot be done yet. A later
    ``publish()`` with the same key attaches again, and finds it here.
    """

    id: str | None
    url: str | None = None
    published_at: datetime | None = None
    status: Status = attrs.field(default=Status.PUBLISHED, converter=Status)
    missing: tuple[str, ...] = ()
    look_again_at: datetime | None = None
    raw: dict[str, Any] = attrs.field(factory=dict)
    owed: tuple[str, ...] = ()


@attrs.frozen
class Found:
    """The post is live: this is it."""

    sent: Sent


@attrs.frozen
class Absent:
    """It was looked for and is not there. From a list this counts only after the quiet time and several looks."""

    evidence: str


@attrs.frozen
class CannotTell:
    """Nobody can say yet; ``look_again_in`` seconds a look may tell more."""

    why: str
    look_again_in: float = 60.0


Finding = Found | Absent | CannotTell


@attrs.frozen(eq=True, hash=False)
class Lost:
    """A commit whose answer was lost, as :meth:`Adapter.find` gets it.

    Attributes:
        part: what was sent.
        since, until: the window of *server* time in which it can have been made (slack included).
        mark: what the adapter gave to ``call.commit(mark=...)``: an id below which nothing can be ours.
        claimed: ids and URLs that belong to other intents; they are no candidates.
        previous, root: for a thread, the parts before it and the first one.
        looks: how many looks came before this one.
    """

    part: Part
    since: datetime
    until: datetime
    mark: Any = None
    claimed: frozenset[str] = frozenset()
    previous: Sent | None = None
    root: Sent | None = None
    looks: int = 0


@attrs.frozen(eq=False)
class Response:
    """What came back, whole: status, lower-case headers, body."""

    status: int
    headers: Mapping[str, str]
    content: bytes = attrs.field(default=b"", repr=False)
    url: str = attrs.field(default="", repr=False)
    method: str = "GET"
    received_at: datetime | None = None

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def answered_at(self) -> datetime | None:
        """When the server answered by its own clock, to the second; when the answer came, where it does not say."""
        told = self.headers.get("date")
        return (_moment(told) if told else None) or self.received_at

    def moment(self, header: str) -> datetime | None:
        """The moment a header names, by our own clock: seconds from now, or a date or epoch seconds by the server's,
        which its ``Date`` tells; see :func:`parse_reset`.

        >>> at = datetime(2026, 11, 2, 9, tzinfo=UTC)
        >>> headers = {"date": "Mon, 02 Nov 2026 09:05:00 GMT", "x-reset": "2026-11-02T09:20:00Z"}
        >>> Response(200, headers, received_at=at).moment("x-reset")
        datetime.datetime(2026, 11, 2, 9, 15, tzinfo=datetime.timezone.utc)
        """
        text = self.headers.get(header)
        named = parse_reset(text, None)
        if named is None or self.received_at is None or self.answered_at is None:
            return named or parse_reset(text, self.received_at)
        ahead = self.answered_at - self.received_at
        return named - ahead if _SAME < abs(ahead) < _NEVER else named

    def json(self) -> Any:
        """The JSON body; Unavailable when it is none: then a proxy or a login page answered, not the platform."""
        import json

        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            words = f"the answer is no JSON (HTTP {self.status}): something else than the platform may have answered"
            raise Unavailable(words, status=self.status) from None

    def json_or_none(self) -> Any:
        """The JSON body, or None when the body is none (a proxy's HTML page, say)."""
        try:
            return self.json()
        except Unavailable:
            return None

    @property
    def links(self) -> dict[str, str]:
        """The Link header as {rel: url}."""
        found = {}
        for link in self.headers.get("link", "").split(","):
            url, _, params = link.partition(";")
            rel = params.partition('rel="')[2].partition('"')[0]
            if rel:
                found[rel] = url.strip().strip("<>")
        return found


@attrs.frozen
class Reading:
    """What one answer said about one limit: ``name`` as in the rules' budgets, or None for the one that was matched."""

    name: str | None
    limit: int | None
    remaining: int | None
    resets_at: datetime | None
    window: float | None = None


class Blob(Protocol):
    """A medium ready to be streamed: bytes come in pieces, any range can be read again."""

    size: int
    mime: str
    name: str
    digest: str | None

    def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``start`` to ``stop`` in pieces of at most 256 KiB."""
        ...

    async def read(self) -> bytes:
        """All of it; only for small things such as pictures."""
        ...


@attrs.frozen
class Slice:
    """A range of a blob as a request body."""

    blob: Blob
    start: int = 0
    stop: int | None = None


@attrs.frozen
class Field:
    """One field of a multipart form: text, bytes, or (a range of) a blob."""

    name: str
    value: str | bytes | Slice
    filename: str | None = None
    mime: str | None = None


class Request(TypedDict, total=False):
    """The keywords of ``call.read`` and its siblings. One body at most: json, form, content or multipart.

    ``accept`` lists statuses beyond 2xx that are returned instead of raised. ``auth=False`` sends no
    credential (for other
    hosts than the account's own); ``credential`` signs with another one. ``cost`` is the rate-limit cost
    when it is not 1; 0 spends nothing (another company's host).
    """

    params: Mapping[str, Any] | Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    json: Any
    form: Sequence[tuple[str, str]]
    content: bytes | Slice
    multipart: Sequence[Field]
    accept: Iterable[int]
    auth: bool
    credential: Credential
    cost: int
    timeout: float


class Call(Protocol):
    """An adapter's only way to the world, bound to one account. URLs are absolute, or paths below
    ``adapter.server``."""

    account: str
    random: random.Random

    @property
    def facts(self) -> AccountFacts:
        """The account's facts. Not available inside ``Adapter.account`` itself."""
        ...

    @property
    def previous(self) -> Sent | None:
        """For a thread part: the part before it."""
        ...

    @property
    def root(self) -> Sent | None:
        """For a thread part: the first part."""
        ...

    @property
    def lost(self) -> bool:
        """Whether an attempt of this part may have made something that nobody has seen yet."""
        ...

    def now(self) -> datetime:
        """Aware UTC, corrected by what the server's ``Date`` headers said."""
        ...

    async def signed_by(self) -> Credential:
        """The credential that signs the account's requests, good for one now. Signing itself is no adapter's work."""
        ...

    async def read(self, method: str, url: str, /, **request: Unpack[Request]) -> Response:
        """A request that changes nothing. Retried."""
        ...

    async def prepare(self, method: str, url: str, /, **request: Unpack[Request]) -> Response:
        """A request nobody sees and that may be repeated: an upload, a container, a draft. Retried."""
        ...

    async def commit(
        self,
        method: str,
        url: str,
        /,
        *,
        fence: Fence | None = None,
        mark: JSON = None,
        **request: Unpack[Request],
    ) -> Response:
        """The one request of a part that makes it public. Repeated only when certainly not executed, or
        through a live fence."""
        ...

    async def attach(
        self, method: str, url: str, /, *, repeatable: bool = False, **request: Unpack[Request]
    ) -> Response:
        """A request on what is already public: delete, edit, reply gate, caption. Retried only if ``repeatable``."""
        ...

    def recall(self, name: str) -> Any:
        """What :meth:`remember` kept for this part, in this or an earlier process; None when unknown or expired."""
        ...

    def remember(
        self, name: str, value: JSON, *, expires_in: float | None = None, secret: bool = False
    ) -> None:
        """Keep a JSON value for this part. It is in the journal before the commit leaves. Upload URLs are
        ``secret``."""
        ...

    async def open(self, medium: PartMedia) -> Blob:
        """The medium's bytes as planned; changed since → InvalidPost(code="stale")."""
        ...

    async def host(self, medium: PartMedia) -> str:
        """The public address of a medium, for platforms that fetch it: the one it was given as, or one on the client's
        media host, where its bytes are put first (as a ``prepare``)."""
        ...

    async def poll(
        self,
        look: Callable[[], Awaitable[Response]],
        ready: Callable[[Response], bool],
        *,
        waits: Iterable[float] = (1, 2, 4, 8),
        limit: float = 600,
    ) -> Response:
        """Look until ``ready``, waiting ``waits`` seconds between looks (the last one repeats), at most
        ``limit`` in all.

        Past the limit it raises Unavailable: nothing is live yet, and publishing again with the same key goes on here.
        """
        ...

    async def listen(self, url: str, /, *, done: Callable[[str], bool], limit: float = 60) -> str | None:
        """The first message on a web socket that ``done`` takes, within ``limit`` seconds; a ``read``.

        For what a platform tells on a socket alone. The address is one that an answer gave, and carries all that is
        needed to open it; no credential goes along. None when nothing was heard: the socket cannot be opened, it ends,
        the time is over, or the optional package ``websockets`` is missing. So there must be another way to learn it.
        """
        ...

    async def card(self, url: str) -> Card | None:
        """Title, description and picture a page offers for its preview card; None when it offers none. Plan only."""
        ...


@attrs.frozen
class Card:
    """What a page says about itself (OpenGraph, Twitter card tags, title)."""

    url: str
    title: str = ""
    description: str = ""
    image: Image | None = None


class Draft(Protocol):
    """One part of a post while it is planned for one account; generic checks against the rules are already done."""

    post: Post
    options: Any
    rules: Rules
    facts: AccountFacts
    index: int
    total: int
    media: tuple[PartMedia, ...]
    extras: dict[str, PartMedia]

    @property
    def account(self) -> str:
        """The account's name."""
        ...

    @property
    def hosted(self) -> bool:
        """Whether the client has a ``media_host``, so that ``call.host`` has an address for local media, too."""
        ...

    def problem(
        self,
        field: str,
        code: str,
        message: str,
        *,
        limit: float | str | None = None,
        actual: float | str | None = None,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Write down what is wrong; planning goes on so that everything is reported at once."""
        ...

    def change(
        self,
        field: str,
        code: str,
        message: str,
        *,
        before: float | str | None = None,
        after: float | str | None = None,
    ) -> None:
        """Write down what will be sent differently from what was given."""
        ...

    async def medium(
        self,
        medium: Medium,
        field: str,
        *,
        max_bytes: int,
        max_side: int | None = None,
        types: frozenset[str] = THUMBNAIL_TYPES,
    ) -> PartMedia | None:
        """Another picture (a card's thumbnail), read, shrunk and converted to fit; None (with a Change listed) when
        it cannot be had."""
        ...


class Adapter:
    """One account on one platform: its address, its credential, and how to speak to it.

    Subclasses set ``platform``, ``rules``, ``Options``, ``scopes`` and implement what the platform can.
    Constructing one does no I/O.
    """

    contract: ClassVar[int] = CONTRACT
    platform: ClassVar[str] = ""
    title: ClassVar[str] = ""
    rules: ClassVar[Rules]
    Options: ClassVar[type[Any]] = Options
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    rotation: ClassVar[Rotation] = "none"
    flows: ClassVar[tuple[Flow, ...]] = ()
    """The ways to sign in, the usual one first."""

    def __init__(self, server: str, credential: Credential, *, hint: str | None = None) -> None:
        if server.partition("://")[0] not in ("http", "https"):
            raise ConfigError(
                f"{type(self).__name__}: server={server!r} is no base URL; write it as https://…"
            )
        self.server = server.rstrip("/")
        self.seed = credential
        self.hint = hint or self._seed_digest()
        self.identity: Identity | None = None
        """Who it must be, for an account that signed in; None where the secret given decides."""
        self.signer: Identity | None = None
        """Whose credential it uses where that is somebody else: a Page is posted to with its admin's token."""

    @classmethod
    def signed_in(cls, identity: Identity, **options: Any) -> Self:
        """The account of somebody who signed in: its credential is in the token store, under this identity.

        ``options`` are further arguments of the constructor.
        """
        account = cls(**{"server": identity.server, **options})
        account.seed, account.hint, account.identity = Credential("none"), identity.id, identity
        return account

    def _seed_digest(self) -> str:
        secret = "\0".join(self.seed.secrets())
        return hashlib.sha256(f"{self.platform}\0{secret}".encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server}>"

    # --- who am I -----------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        """Identity, live limits and fences, by asking the platform."""
        raise NotImplementedError(f"{type(self).__name__} has no account()")

    def rules_for(self, facts: AccountFacts) -> Rules:
        """The rules narrowed by what the server told, with the budgets that hold there. Pure."""
        return self.rules

    def app_of(self, credential: Credential) -> str:
        """The developer app a credential belongs to, "" when it does not say: it owns budgets of level "app". Pure."""
        return credential.client_id or ""

    def options_for(self, given: Any) -> Any:
        """A post's options with the account's own defaults filled in: what a plan and an idempotency key see. Pure."""
        return given

    # --- publishing ---------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        """The native part for one post of the thread. May ``call.read`` (resolve a mention, a reply's
        parent), nothing else."""
        raise NotImplementedError(f"{type(self).__name__} has no plan()")

    async def send(self, part: Part, call: Call) -> Sent:
        """Upload (prepare), then publish (exactly one commit). What the commit answered, as :class:`Sent`."""
        raise NotImplementedError(f"{type(self).__name__} has no send()")

    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent | Absent:
        """What can only follow the commit (reply gate, captions). A failure goes to ``missing``, never
        undoes the post; what must wait goes to ``owed``. Absent, with the platform's reason, when it shows here that
        the platform dropped the post for good."""
        return sent

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        """Where a post that is still processing (or scheduled) stands now; Absent, with the platform's reason, when it
        took the post and then dropped it for good."""
        return sent

    async def find(self, lost: Lost, call: Call) -> Finding:
        """Is the post of a lost answer live? Reads only."""
        return CannotTell("this platform offers no way to look")

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Replace what is live by ``part``, in one repeatable attach."""
        raise ConfigError(f"{self.platform} does not let posts be edited")

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """Make the post go away; already gone counts as done."""
        raise ConfigError(f"{self.platform} does not let posts be deleted through its API")

    # --- reading ------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One row per receipt, same order; at most ``rules.metrics_batch`` receipts come in."""
        raise ConfigError(f"{self.platform} gives no metrics")

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """One row for the account itself."""
        raise ConfigError(f"{self.platform} gives no account metrics")

    def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """Own posts, newest first, every page until ``limit``."""
        raise ConfigError(f"{self.platform} does not list own posts")

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """The receipt a permalink or native id stands for; a ConfigError when it is none of this platform's."""
        raise ConfigError(f"{self.platform} cannot resolve {reference!r}")

    def owns(self, permalink: str) -> bool:
        """Whether a URL looks like a permalink of this platform. Pure."""
        return False

    # --- the wire -----------------------------------------------------------------------------------------
    def authorize(self, credential: Credential) -> dict[str, str]:
        """The headers that sign a request. OAuth 1.0a, DPoP and Ghost's tokens are signed by the machinery instead."""
        return {"authorization": f"Bearer {credential.access_token}"} if credential.access_token else {}

    async def refresh(self, credential: Credential, call: Call) -> Credential:
        """A newer credential from the old one; raises an AuthError when only a person can help."""
        from ..errors import ReauthNeeded

        raise ReauthNeeded(f"the {self.platform} credential is no longer accepted and cannot be renewed")

    def read_error(self, response: Response) -> tuple[str | None, str]:
        """(the platform's error code, its words) from an answer that is not 2xx."""
        body = response.json_or_none()
        if isinstance(body, dict):
            inner = body.get("error")
            body = inner if isinstance(inner, dict) else body
            said = body.get("error_description") or body.get("message") or body.get("error") or ""
            return body.get("code") or body.get("error"), str(said)
        return None, response.text

    def says_no(self, response: Response) -> bool:
        """Whether an answer of status 2xx is an error all the same, as some platforms send them. Pure."""
        return False

    def parse_error(self, response: Response) -> SocialKitError:
        """The error an answer means, by the platform's table in ``rules.errors``, then by status."""
        code, said = self.read_error(response)
        return from_table(self.rules.errors, response, code, said)

    def read_limits(self, response: Response) -> tuple[Reading, ...]:
        """What the answer's headers say about limits: ``X-RateLimit-*``, ``RateLimit-*`` and
        ``x-rate-limit-*`` are understood."""
        for prefix, remaining, limit in _LIMIT_HEADERS:
            if remaining in response.headers or limit in response.headers:
                return (_reading(prefix, response),)
        return ()


_LIMIT_HEADERS = tuple(
    (prefix, f"{prefix}remaining", f"{prefix}limit")
    for prefix in ("x-rate-limit-", "x-ratelimit-", "ratelimit-")
)


def basic(user: str, password: str) -> dict[str, str]:
    """The header of HTTP Basic.

    >>> basic("brand", "secret")
    {'authorization': 'Basic YnJhbmQ6c2VjcmV0'}
    """
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _reading(prefix: str, response: Response) -> Reading:
    headers = response.headers
    policy = headers.get(f"{prefix}policy", "").partition("w=")[2].partition(";")[0]
    return Reading(
        name=None,
        limit=_number(headers.get(f"{prefix}limit")),
        remaining=_number(headers.get(f"{prefix}remaining")),
        resets_at=response.moment(f"{prefix}reset"),
        window=_number(policy),
    )


def _number(text: str | None) -> int | None:
    head = (text or "").split(",")[0].strip()
    return int(head) if head.isascii() and head.isdigit() and len(head) < 19 else None


_CENTURY = 36_525 * 86_400.0


def parse_reset(text: str | None, now: datetime | None) -> datetime | None:
    """A reset header in any of its forms (epoch seconds, seconds from now, ISO 8601, HTTP date) as aware UTC."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return _moment(text)
    if not -_CENTURY < seconds < 2 * _CENTURY:  # no moment anybody means
        return None
    if seconds > 1e9:
        return datetime.fromtimestamp(seconds, UTC)
    return now + timedelta(seconds=seconds) if now else None


def _moment(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None


__all__ = [
    "CONTRACT",
    "Absent",
    "AccountFacts",
    "Adapter",
    "Blob",
    "Call",
    "CannotTell",
    "Card",
    "Credential",
    "Draft",
    "Fence",
    "Field",
    "Finding",
    "Found",
    "Lost",
    "Options",
    "Part",
    "PartMedia",
    "PlatformError",
    "Reading",
    "Request",
    "Response",
    "Sent",
    "Slice",
    "aware",
    "parse_reset",
]
