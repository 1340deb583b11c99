"""The sandbox: the platforms' own wire protocols on one machine, on a clock that tests move.

A platform file subclasses :class:`PlatformBox` and writes **plain functions** ``handler(request) ->
Response``. The core has read the body by then (``body(request)``), holds the sandbox's lock while the handler
runs, and does everything that is alike on every platform: faults, rate-limit windows, the ``Date`` header,
the transcript, late listing, the check that only a step declared ``commit`` or ``attach`` changes a timeline.

What a platform file writes::

    class MastodonBox(PlatformBox):
        platform = "mastodon"
        hosts = ("mastodon.social",)                       # answered in process
        publish_match = "POST /api/v1/statuses"            # what a fault without match= hits
        upload_match = "POST /api/v[12]/media"             # the same for still-processing, processing-failed
        windows = (Window("api", 300, 300.0), ...)

        def routes(self): return [self.route("POST", "/api/v1/statuses", self.create), ...]
        def credentials(self, base_url=None): return {"server": base_url or "https://...", "token": ...}
        def error(self, status, code="", message=""): return JSONResponse({"error": message}, status)
        def new_id(self): ...                              # an id of the platform's form

        def create(self, request):
            form = body(request)              # .json(), .get(name), .all(name), .files, .upload, .raw
            entry = Entry(id=self.new_id(), account="brand", text=..., created_at=self.now(), key=...)
            self.add(entry)                   # add, change, remove: the only ways to touch a timeline
            return JSONResponse(...)

What else it may use or replace: :meth:`~PlatformBox.socket` (what is told on a web socket, and when),
``media`` (files by id; small pictures with their bytes, which ``/media/{id}`` and the page show),
:meth:`~PlatformBox.processing` and :attr:`~PlatformBox.keys_honoured` (what the media and key faults ask
for), :meth:`~PlatformBox.key_cache`, :meth:`~PlatformBox.growth` (counts that grow with age), ``limit_key``,
``limit_cost``, ``limit_headers``, ``too_many``, ``token_expired``, ``tick`` (what is due), ``twin_of``,
``is_live``, ``forget``, ``erase`` (when a post has more to it than its entry), ``redact``, and
``shown_counts``, ``shown_poll``, ``shown_notes``, ``display_name`` for the page; ``guest_hosts`` and
``claims`` where two platforms share a host. Handlers see nothing of faults that happen around them, and never
wait.

Reading: ``self.find(id)`` (at once), ``self.listed(account=...)`` (newest first, without what is listed late
or deleted). Raise ``Answer(self.error(404, ...))`` anywhere to end a request early.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import attrs

from socialkit.errors import ConfigError
from socialkit.testing import ManualClock

from . import web
from .bodies import BadBody, Body, Upload
from .dispatch import FaultyApp, SharedHost
from .faults import Fault, Faults
from .files import HOST as FILES
from .files import Files
from .sockets import Speaker
from .state import Allowance, Answer, Dropped, Entry, KeyCache, Recorded, Turn, Window

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from socialkit.client import AsyncClient, Client

__all__ = [
    "Allowance",
    "Answer",
    "Body",
    "Dropped",
    "Entry",
    "KeyCache",
    "PlatformBox",
    "Recorded",
    "Sandbox",
    "Upload",
    "Window",
    "body",
]

Handler = Callable[["Request"], "Response"]
Teller = Callable[["WebSocket"], Sequence[tuple[datetime | None, str]]]
T = TypeVar("T")


def body(request: Request) -> Body:
    """The body of the request, already read. ``.json()`` raises what becomes the platform's own 400."""
    found = request.scope["socialkit.body"]
    assert isinstance(found, Body)
    return found


class PlatformBox:
    """One platform's side of a sandbox, reached as ``box.<platform>``; the module says how to write one."""

    contract: ClassVar[int] = 1
    """The contract this class was written for: that of ``socialkit.adapters.base``."""
    platform: ClassVar[str]
    title: ClassVar[str] = ""
    hosts: tuple[str, ...] = ()
    guest_hosts: ClassVar[tuple[str, ...]] = ()
    """Hosts of another platform on which it answers what it :meth:`claims`; everything, where that one is not here."""
    publish_match: ClassVar[str] = "POST *"
    upload_match: ClassVar[str] = "POST *"
    windows: Sequence[Window] = ()
    ignores_trailing_slash: ClassVar[bool] = False
    publishes: ClassVar[bool] = True
    """Whether there is an adapter for it; the others only sign people in."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.entries: dict[str, Entry] = {}  # oldest first, deleted ones too
        self.media: dict[str, dict[str, Any]] = {}
        self.keys: list[KeyCache] = []
        self.skew = 0.0
        self.version = 0
        self.turn: Turn | None = None
        self._spent: dict[tuple[str, str], tuple[datetime, int]] = {}
        self._app: Any = None

    # what a platform file writes -----------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        """Everything the platform answers, made with :meth:`route`."""
        raise NotImplementedError

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """Keyword arguments of the adapter's constructor; ``base_url`` is None in process."""
        raise NotImplementedError

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """The platform's own error body. Called with 400, 404, 405 by the core, with 500 by faults."""
        raise NotImplementedError

    def new_id(self) -> str:
        """An id no other entry has, in the platform's form."""
        raise NotImplementedError

    def token_expired(self) -> Response:
        """The answer to an expired access token."""
        return self.error(401, message="The access token expired")

    def too_many(self, allowance: Allowance) -> Response:
        """The answer when a window is used up; the core adds :meth:`limit_headers`."""
        return self.error(429, message="Too many requests")

    def limit_headers(self, allowance: Allowance) -> Mapping[str, str]:
        """The platform's headers for the fullest window; also on good answers."""
        return {}

    def limit_key(self, window: Window, request: Request) -> str | None:
        """Whose budget the request spends; None: not this window. By default the bearer token's."""
        return request.headers.get("authorization", "anonymous")

    def limit_cost(self, window: Window, request: Request) -> int:
        """How many units the request costs."""
        return 1

    def tick(self) -> None:
        """Do what is due by :meth:`now` (scheduled posts...); called before every request and every look."""

    def twin_of(self, entry: Entry) -> Entry:
        """Somebody else's post of the same content at the same moment."""
        return attrs.evolve(
            entry,
            id=self.new_id(),
            key=None,
            url="",
            visible_at=None,
            counts={},
            extras=dict(entry.extras),
        )

    def forget(self, entry: Entry) -> None:
        """Take the entry out as if it had never been (no tombstone)."""
        self.version += 1
        self.entries.pop(entry.id, None)

    def erase(self, entry: Entry) -> None:
        """Somebody deletes the entry by hand: the platform's own way to be rid of it."""
        self.version += 1
        entry.deleted_at = self.now()

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        """What the page writes under a post, by the platform's own words."""
        return dict(entry.counts)

    def shown_poll(self, entry: Entry) -> list[tuple[str, int]]:
        """Options and votes of the post's poll, for the page."""
        options = (entry.poll or {}).get("options", [])
        return [(str(option.get("title", "")), int(option.get("votes", 0))) for option in options]

    def shown_notes(self, entry: Entry) -> Sequence[str]:
        """What else the page says about the post, in a few words each."""
        return ()

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        """(address, title, description) of the post's link card, for the page."""
        return None

    def entry_id(self, reference: str) -> str:
        """The id of the entry that a ``reply_to`` or ``quote`` speaks of."""
        return reference

    def display_name(self, account: str) -> str:
        """The name the page writes over a post."""
        return account

    def claims(self, request: Request) -> bool:
        """Whether a request to one of the :attr:`guest_hosts` is for this platform; its body has been read."""
        return False

    def redact(self, path: str) -> str:
        """The path as it may stand in the transcript; platforms with a token in the path mask it."""
        return path

    # what the core gives -------------------------------------------------------------------------

    def now(self) -> datetime:
        """The platform's clock: the sandbox's, plus the skew a fault set."""
        return self.box.clock.now() + timedelta(seconds=self.skew)

    @property
    def base(self) -> str:
        """Base URL under which the current request reached the platform, without a slash at the end."""
        return self.turn.base if self.turn is not None else f"https://{self.hosts[0]}"

    def route(self, method: str, path: str, handler: Handler) -> BaseRoute:
        """A route to a plain function of this class; ``path`` may hold ``{name}`` and ``{name:path}``."""
        from starlette.routing import Route

        async def endpoint(request: Request) -> Response:
            try:
                return handler(request)
            except Answer as answer:
                return answer.response
            except BadBody as error:
                return self.error(400, message=str(error))

        return Route(path, endpoint, methods=[method])

    def socket(self, path: str, handler: Teller) -> BaseRoute:
        """A web socket. ``handler(websocket)``, a plain function, gives (moment, text) for what is told, then it ends.

        A moment of None never comes: the socket stays open and says no more. ``Answer`` raised refuses the client.
        Faults whose ``match`` names ``GET`` and the path hit it: those before it is opened refuse the client too,
        ``dropped-after`` ends it before a word, ``stored-then-hang`` keeps it silent.
        """
        from starlette.routing import WebSocketRoute

        return WebSocketRoute(path, Speaker(self.box, self, handler).speak)

    def key_cache(self, seconds: float) -> KeyCache:
        """A cache of idempotency keys that the key faults know of."""
        cache = KeyCache(seconds)
        self.keys.append(cache)
        return cache

    def fault(self, kind: str) -> Fault | None:
        """The fault of that kind that hits the current request, or None."""
        return self.turn.faults.get(kind) if self.turn is not None else None

    @property
    def keys_honoured(self) -> bool:
        """Whether the current request's idempotency key is looked at."""
        return self.fault("key-ignored") is None

    def processing(self) -> tuple[datetime, bool]:
        """When media of the current request is ready, and whether it fails then."""
        late = self.fault("still-processing")
        ready = self.now() + timedelta(seconds=late.seconds if late else 0.0)
        return ready, self.fault("processing-failed") is not None

    def add(self, entry: Entry) -> Entry:
        """Put a new post on the timeline."""
        self._changes(f"added {entry.id}")
        late = self.fault("listed-late")
        if late is not None:
            entry.visible_at = self.now() + timedelta(seconds=late.seconds)
        twin = self.fault("twin")
        if twin is not None and twin.details.get("when") == "before":
            self._add_twin(entry)
        self.entries[entry.id] = entry
        if twin is not None and twin.details.get("when") != "before":
            self._add_twin(entry)
        if self.turn is not None:
            self.turn.added.append(entry)
        return entry

    def change(self, entry: Entry, **fields: Any) -> Entry:
        """Set fields of a post that is on the timeline."""
        self._changes(f"changed {entry.id}")
        for name, value in fields.items():
            setattr(entry, name, value)
        return entry

    def remove(self, entry: Entry) -> None:
        """Delete a post; it stays in ``entries`` with ``deleted_at`` set."""
        self._changes(f"removed {entry.id}")
        entry.deleted_at = self.now()

    def find(self, entry_id: str) -> Entry | None:
        """The post with that id, listed yet or not; None when there is none or it is deleted."""
        entry = self.entries.get(entry_id)
        return entry if entry is not None and entry.deleted_at is None else None

    def listed(self, account: str | None = None) -> list[Entry]:
        """What lists show now, newest first."""
        now = self.now()
        return [
            entry
            for entry in reversed(self.entries.values())
            if entry.deleted_at is None
            and (entry.visible_at is None or entry.visible_at <= now)
            and account in (None, entry.account)
        ]

    def timeline(self) -> list[Entry]:
        """Every live post as stored, oldest first, listed yet or not."""
        with self.box.lock:
            self.box.clock.run_due()
            self.tick()
            return [entry for entry in self.entries.values() if self.is_live(entry)]

    def is_live(self, entry: Entry) -> bool:
        """It was not deleted; where a platform keeps posts that it could not use, none of those either."""
        return entry.deleted_at is None

    def growth(self, entry: Entry, half_life: float = 21600.0, **peaks: int) -> dict[str, int]:
        """Counts that grow with the post's age, the same in every run with the same seed.

        ``likes=120`` ends between 60 and 180; half of it is there after ``half_life`` seconds.
        ``entry.counts`` is added.
        """
        age = max(0.0, (self.now() - entry.created_at).total_seconds())
        share = 1.0 - math.exp2(-age / half_life)
        return {
            name: int(peak * (0.5 + self.chance(entry.id, name)) * share) + entry.counts.get(name, 0)
            for name, peak in peaks.items()
        }

    def chance(self, *parts: object) -> float:
        """A number in [0, 1) that depends on the seed and ``parts`` only."""
        return int(self.digest(*parts)[:13], 16) / 16**13

    def digest(self, *parts: object) -> str:
        """64 hexadecimal digits that depend on the seed and ``parts`` only: for tokens and ids."""
        return self.box.digest(self.platform, *parts)

    def spend(self, window: Window, key: str, cost: int = 1) -> Allowance:
        """Take ``cost`` units out of the window of ``key``; nothing is taken when they do not fit."""
        now = self.now()
        start, used = self._spent.get((window.name, key), (now, 0))
        if window.aligned:
            begin = now.timestamp() // window.seconds * window.seconds
            current = datetime.fromtimestamp(begin, UTC)
            start, used = (start, used) if start == current else (current, 0)
        elif (now - start).total_seconds() >= window.seconds:
            start, used = now, 0
        allowed = used + cost <= window.limit
        used += cost if allowed else 0
        self._spent[window.name, key] = (start, used)
        reset = start + timedelta(seconds=window.seconds)
        return Allowance(window, window.limit - used, reset, allowed)

    def exhaust(self, window: Window, key: str) -> None:
        """Leave nothing of the current window of ``key``."""
        self.spend(window, key, max(0, self.spend(window, key, 0).remaining))

    def media_url(self, media_id: str) -> str:
        """Where :meth:`media_file` answers for the medium."""
        return f"{self.base}/media/{media_id}"

    def media_file(self, request: Request) -> Response:
        """The bytes of a small picture; 404 for anything that was not kept."""
        from starlette.responses import Response

        medium = self.media.get(request.path_params["media_id"], {})
        if medium.get("data") is None or not str(medium.get("mime")).startswith("image/"):
            raise Answer(self.error(404, message="Not found"))
        headers = {"x-content-type-options": "nosniff"}
        return Response(medium["data"], media_type=medium["mime"], headers=headers)

    # inside --------------------------------------------------------------------------------------

    def _changes(self, what: str) -> None:
        self.version += 1
        turn = self.turn
        if turn is not None and turn.step is not None and turn.step not in ("commit", "attach"):
            self.box.violations.append(
                f"{self.platform}: {turn.method} {self.redact(turn.path)}, declared {turn.step!r}, {what}"
            )

    def _add_twin(self, entry: Entry) -> None:
        self.version += 1
        twin = self.twin_of(entry)
        self.entries[twin.id] = twin

    @property
    def app(self) -> Any:
        """The platform as a bare ASGI app, without faults; built once."""
        if self._app is None:
            self._app = self._build()
        return self._app

    def _build(self) -> Any:
        from starlette.applications import Starlette

        def refused(status: int, message: str) -> Callable[..., Any]:
            async def handle(request: Request, error: Exception) -> Response:
                return self.error(status, message=message)

            return handle

        media = self.route("GET", "/media/{media_id}", self.media_file)
        app = Starlette(
            routes=[*self.routes(), media],
            exception_handlers={404: refused(404, "Not found"), 405: refused(405, "Method not allowed")},
        )
        app.router.redirect_slashes = False
        return app


class Sandbox:
    """Every platform on this machine: post to it, look at the timelines, let things go wrong.

    ``platforms`` narrows it to some, by name or as classes of your own; ``seed`` fixes every token, id and
    growing count. Requests to the platforms' real hosts are answered in process by :meth:`client`;
    :meth:`serve` answers real HTTP on loopback.

    >>> with Sandbox(["mastodon"]) as box:
    ...     print(box.timeline("mastodon"))
    []
    """

    def __init__(
        self,
        platforms: Sequence[str | type[PlatformBox]] | None = None,
        *,
        clock: ManualClock | None = None,
        seed: int = 0,
    ) -> None:
        _need_extra()
        self.clock = clock if clock is not None else ManualClock()
        self.seed = seed
        self.lock = threading.RLock()
        self.requests: list[Recorded] = []
        self.faults = Faults()
        self.violations: list[str] = []
        self._shared: dict[str, Any] = {}
        self.boxes: dict[str, PlatformBox] = {
            name: cls(self) for name, cls in _box_classes(platforms).items()
        }
        self._hosts = {host: box for box in reversed(self.boxes.values()) for host in box.hosts}
        self._guests: dict[str, list[PlatformBox]] = {}
        for made in self.boxes.values():
            for host in made.guest_hosts:
                self._guests.setdefault(host, []).append(made)
        self.files = Files(self)
        self._apps: dict[str, Any] = {}
        self._hanging: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = set()
        self._transport: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if kind is None:
            self.check()

    def __getitem__(self, platform: str) -> PlatformBox:
        try:
            return self.boxes[platform]
        except KeyError:
            raise ConfigError(f"no {platform!r} in this sandbox; it has {', '.join(self.boxes)}") from None

    def __getattr__(self, name: str) -> Any:
        boxes = self.__dict__.get("boxes", {})
        if name in boxes:
            return boxes[name]
        raise AttributeError(f"the sandbox has no {name!r}; its platforms are {', '.join(boxes)}")

    def close(self) -> None:
        """End every request that still hangs."""
        for loop, task in list(self._hanging):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        self._hanging.clear()

    def check(self) -> None:
        """Raise AssertionError when a request not declared ``commit`` or ``attach`` changed a timeline."""
        if self.violations:
            raise AssertionError("a timeline changed outside a commit:\n  " + "\n  ".join(self.violations))

    def fault(
        self,
        kind: str,
        *,
        platform: str | None = None,
        match: str | None = None,
        times: int = 1,
        **details: Any,
    ) -> Fault:
        """Plan a misfortune for the next ``times`` matching requests (`faults.KINDS` lists the kinds).

        Without ``match`` it waits for the platform's publishing request (its upload request for the media
        kinds); ``step="commit"`` for whichever request publishes this kind of post.
        """
        if platform is not None:
            self[platform]
        if kind == "clock-skew":
            for name in [platform] if platform else self.boxes:
                self[name].skew = float(details.get("seconds", 0.0))
        fault = self.faults.plan(kind, platform=platform, match=match, times=times, **details)
        if kind == "clock-skew":
            self.faults.clear_kind(kind)
        return fault

    def timeline(self, platform: str) -> list[Entry]:
        """Every live post of the platform, oldest first, as stored."""
        return self[platform].timeline()

    def shared(self, name: str, make: Callable[[], T]) -> T:
        """One thing for several platforms, made at the first call: the people and apps of one company, say."""
        made: T = self._shared.setdefault(name, None) or make()
        self._shared[name] = made
        return made

    def accounts(self, base_url: str | None = None) -> dict[str, Any]:
        """Adapters with ready credentials, by platform name; ``base_url`` is what :meth:`serve` gave."""
        registry = importlib.import_module("socialkit.registry")
        made = {}
        for name, box in self.boxes.items():
            if not box.publishes:
                continue
            served = f"{base_url.rstrip('/')}/{name}" if base_url else None
            made[name] = registry.adapter(name)(**box.credentials(served))
        return made

    @property
    def transport(self) -> Any:
        """The httpx transport that answers in process; one for the sandbox."""
        if self._transport is None:
            module = importlib.import_module("socialkit.transport")
            self._transport = module.InProcess(self.app_for_host, clock=self.clock, dropped=(Dropped,))
        return self._transport

    def client(self, **options: Any) -> Client:
        """A :class:`socialkit.Client` with an account on every platform, in process, on this clock."""
        module = importlib.import_module("socialkit.client")
        made: Client = module.Client(self.accounts(), **self._place(options))
        return made

    def _place(self, options: dict[str, Any]) -> dict[str, Any]:
        """The arguments that put a client into this sandbox."""
        return {"transport": self.transport, "clock": self.clock, "media_host": self.files, **options}

    def async_client(self, **options: Any) -> AsyncClient:
        """The same as :meth:`client` for asyncio."""
        module = importlib.import_module("socialkit.client")
        made: AsyncClient = module.AsyncClient(self.accounts(), **self._place(options))
        return made

    def digest(self, *parts: object) -> str:
        """64 hexadecimal digits that depend on the seed and ``parts`` only."""
        text = "\x1f".join(str(part) for part in (self.seed, *parts))
        return hashlib.sha256(text.encode()).hexdigest()

    def app_for_host(self, host: str) -> Any | None:
        """The ASGI app that answers for a real host, with faults; None for a host of no platform here."""
        if host in web.HOSTS:
            return web.site
        if host == FILES:
            return self.files
        there = {box.platform for box in (self._hosts.get(host), *self._guests.get(host, ())) if box}
        if len(there) > 1:
            return SharedHost(self, host)
        return self.app_for(there.pop()) if there else None

    def box_for(self, host: str, request: Request) -> PlatformBox | None:
        """The platform that answers a request to a real host: a guest that claims it, else whose host it is."""
        guests = self._guests.get(host, [])
        claiming = next((guest for guest in guests if guest.claims(request)), None)
        return claiming or self._hosts.get(host) or next(iter(guests), None)

    def app_for(self, platform: str) -> Any:
        """The ASGI app of a platform, with faults."""
        if platform not in self._apps:
            self._apps[platform] = FaultyApp(self, self[platform])
        return self._apps[platform]

    def add_host(self, host: str, platform: str) -> None:
        """Let the platform answer for one more host, in process."""
        self._hosts[host] = self[platform]

    @contextlib.contextmanager
    def serve(self, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
        """Answer real HTTP on loopback; gives the base URL: the page at ``/``, APIs at ``/<platform>``."""
        from .server import serving

        with serving(self, host, port) as url:
            yield url


def _need_extra() -> None:
    try:
        import python_multipart
        import starlette  # noqa: F401
    except ImportError:
        raise ConfigError("the sandbox needs its extra: pip install 'socialkit-py[sandbox]'") from None
    del python_multipart


def _box_classes(wanted: Sequence[str | type[PlatformBox]] | None) -> dict[str, type[PlatformBox]]:
    given = [item for item in wanted or () if not isinstance(item, str)]
    found = {cls.platform: cls for cls in given}
    names = [item for item in wanted or () if isinstance(item, str)]
    if wanted is None or names:
        registry = importlib.import_module("socialkit.registry")
        known = registry.sandbox_boxes(None if wanted is None else names)
        if unknown := [name for name in names if name not in known]:
            have = ", ".join(sorted(registry.sandbox_boxes()))
            raise ConfigError(f"no sandbox for {', '.join(unknown)}; there is one for {have}")
        found |= known
    return found
