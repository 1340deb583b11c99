"""Threads, through Meta's Threads API v1.0.

A post is made in two steps: a container nobody sees, and its publication. A container is published once, so that its
id settles a lost answer; nothing is ever published by the call that makes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, found, told_id
from socialkit.flows.threads import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt
from socialkit.rules import Rules

from . import base
from ._graph import LASTING, Alike, GraphAdapter, listing, nameless, published, unsigned
from ._threads_plan import Offsets, fields_of
from ._threads_posts import (
    COMPARED,
    METRICS,
    PERMALINK,
    REPOST,
    SHOWN,
    account_row,
    id_of,
    is_like,
    numbers_of,
    receipt_of,
    row_of,
    sent_of,
)
from ._threads_rules import (
    ALONE,
    BAD_CHILDREN,
    BLOCKED,
    BUILDS,
    CONTAINER_LIVES,
    DAY,
    EARLIEST,
    FAILURES,
    GONE,
    NOT_FOUND,
    PASSING,
    RULES,
    SYMBOL,
)
from .base import (
    Absent,
    AccountFacts,
    Call,
    CannotTell,
    Draft,
    Fence,
    Finding,
    Found,
    Lost,
    Part,
    PartMedia,
    Reading,
    Response,
    Sent,
)

_PAGE = 100
_WAITS = (1.0, 2.0, 3.0, 5.0, 5.0, 10.0, 15.0, 30.0)
"""Seconds between looks at a container: Meta advises a minute, other people's clients look every few seconds."""
_LAGS = (2.0, 5.0, 10.0)
"""Seconds between looks for a post that was published just now: lists lag some seconds."""
_ASKED_AGAIN = 3600.0
_PATIENCE = {"VIDEO": 600.0, "CAROUSEL": 600.0}
_DEAD = frozenset({None, "GONE", "ERROR", "EXPIRED"})
"""What a container says that cannot be published, or that nobody knows any more."""
_NO_QUOTA = frozenset({"4279013", BAD_CHILDREN})
_LIMIT = "threads_publishing_limit"
_QUOTAS = {"": "posts", "reply_": "replies", "delete_": "deletions"}
_QUOTA_SCOPES = {
    "": "threads_content_publish",
    "reply_": "threads_manage_replies",
    "delete_": "threads_delete",
}

Rest = tuple[str, int, int]
"""A quota: the name of its budget, how much it is, and what is left of it."""
Audience = Literal[
    "everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only", "followers_only"
]


@attrs.frozen
class ThreadsOptions(base.Options):
    """What only Threads knows. In a thread they go with the first post.

    Attributes:
        topic: the one topic of the post, 1 to 50 characters without "." and "&"; else the first of ``Post.tags`` is.
        reply_control: who may reply. reply_approvals: hold replies back until they are approved.
        gif: id of a GIF on GIPHY; only with text.
        spoilers: words of the text to hide until they are tapped, at most 10 ranges.
        attachment: a long text, at most 10,000 characters, shown as a card; not with media or a poll.
        attachment_link: its link. attachment_styles: pairs (words, style): bold, italic, highlight, underline,
            strikethrough.
        ghost: the post disappears after 24 hours; only text, no reply, no thread.
        location_id: id of a place, from Threads' search for places.
        countries: ISO codes of the countries it is shown in; only some accounts may.
        share_to_instagram: show it as a story on the linked Instagram account, too.

    >>> ThreadsOptions(topic="Sea trials", reply_control="mentioned_only").topic
    'Sea trials'
    """

    platform: ClassVar[str] = "threads"
    topic: str | None = None
    reply_control: Audience | None = None
    reply_approvals: bool = False
    gif: str | None = None
    spoilers: tuple[str, ...] = ()
    attachment: str | None = None
    attachment_link: str | None = None
    attachment_styles: tuple[tuple[str, str], ...] = ()
    ghost: bool = False
    location_id: str | None = None
    countries: tuple[str, ...] = ()
    share_to_instagram: Literal["light", "dark"] | None = None


class Threads(GraphAdapter):
    """One profile on Threads.

    Args:
        token: a long-lived user token with ``Threads.scopes``; 60 days. Who signs in has theirs renewed.
        server: base URL of the API.
        offsets: how Threads counts where spoilers and styles stand. Meta says bytes, other people found characters;
            None takes only places where both are the same.

    >>> Threads("…")
    <Threads https://graph.threads.net>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "threads"
    title: ClassVar[str] = "Threads"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[ThreadsOptions]] = ThreadsOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        token: str | None = None,
        *,
        server: str = "https://graph.threads.net",
        offsets: Offsets | None = None,
    ) -> None:
        self.offsets: Offsets | None = offsets
        super().__init__(server, base.Credential("bearer", access_token=token))

    # --- who am I -----------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        me = (await call.read("GET", "/v1.0/me", params={"fields": "id,username,name"})).json()
        native, name = told_id(self.platform, me), as_text(found(me, "username"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, name),
            url=f"https://www.threads.net/@{name}" if name else None,
            software="threads",
            # "The container publishes once" (Meta), and nobody has seen it twice.
            fences=(Fence("container", "proved", valid_for=CONTAINER_LIVES, repeat_after=2.0),),
        )

    async def _rests(self, call: Call) -> tuple[Rest, ...]:
        """The day's quotas, as far as the token may see them: the posts' alone, where it may not see all."""
        scopes = (await call.signed_by()).scopes
        heads = [head for head, scope in _QUOTA_SCOPES.items() if scope in (scopes or _QUOTA_SCOPES.values())]
        for asked in (heads, [""]):
            fields = ",".join(f"{head}quota_usage,{head}config" for head in asked or [""])
            try:
                answer = await call.read("GET", f"/v1.0/me/{_LIMIT}", params={"fields": fields})
                return _rests(answer.json_or_none())
            except errors.MissingScope:
                continue
            except errors.PlatformError:
                break
        return ()

    def read_limits(self, response: Response) -> tuple[Reading, ...]:
        """Beside the share of all calls: the day's quotas, where they are what was asked for."""
        readings = super().read_limits(response)
        if response.status == 200 and response.url.partition("?")[0].endswith(f"/{_LIMIT}"):
            rests = _rests(response.json_or_none())
            readings += tuple(_reading(name, total, left, response) for name, total, left in rests)
        return readings

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        fields = fields_of(draft, self.offsets)
        if not draft.index:
            _check_quota(draft, await self._rests(call))
        if not draft.index and draft.options.countries:
            await self._check_countries(draft, call)
        for name, field in (("reply_to_id", "reply_to"), ("quote_post_id", "quote")):
            if (target := await self._target(draft, field, call)) is not None:
                fields[name] = target
        kind = "quote" if draft.post.quote else "reply" if draft.post.reply_to or draft.index else "post"
        count = len(draft.media)
        return Part(
            draft.index, {"fields": fields}, draft.post.text, kind, requests=4 + 2 * count * (count > 1)
        )

    async def _check_countries(self, draft: Draft, call: Call) -> None:
        params = {"fields": "id,is_eligible_for_geo_gating"}
        told = found((await call.read("GET", "/v1.0/me", params=params)).json(), "is_eligible_for_geo_gating")
        if told is not True:
            words = "this account may not choose the countries a post is shown in"
            draft.problem("options.countries", "not_eligible", words, hint="leave them out")

    async def _target(self, draft: Draft, field: str, call: Call) -> str | None:
        """The id of the post that is replied to or quoted, from a receipt, an id or a permalink."""
        wanted = getattr(draft.post, field)
        if wanted is None:
            return None
        reference = str(wanted.id or wanted.url or "") if isinstance(wanted, Receipt) else wanted
        if not reference:
            words = "its receipt has no id: Threads never told it"
            draft.problem(field, "no_id", words, hint="give its permalink, or name it with settle(found=…)")
            return None
        if (known := id_of(reference)) is not None:
            return known
        try:
            return (await self.resolve(reference, call)).id
        except (errors.ConfigError, errors.Declined, errors.MissingScope) as error:
            hint = "give the receipt or the id: a permalink alone does not tell it"
            draft.problem(field, "not_found", error.message.partition("\n")[0], hint=hint)
            return None

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        """Publish a container that is ready. One that Threads lost is made anew, never while an attempt is open."""
        if call.recall("blocked"):
            words = "Threads took the post for automated behaviour and did not publish it"
            raise errors.Declined(f"{words}; publish nothing for some hours", code=BLOCKED)
        who = "me" if _parent(part, call.previous) else call.facts.identity.id
        for build in range(1, BUILDS + 1):
            ready = await self._ready(part, call)
            if isinstance(ready, Sent):
                return ready
            try:
                answer = await call.commit(
                    "POST",
                    f"/v1.0/{who}/threads_publish",
                    form=[("creation_id", ready)],
                    fence=call.facts.fence("container"),
                    mark=ready,
                )
                return _published(answer.json())
            except errors.Unavailable as error:
                if error.code != NOT_FOUND or call.lost:
                    raise
                if await self._status(ready, call) == "PUBLISHED":
                    return await self._live(part, call)
                call.remember("container", None)
                if build == BUILDS:
                    raise
            except errors.OutcomeUnknown as error:
                if getattr(error.__cause__, "code", None) == BLOCKED:
                    call.remember("blocked", True, expires_in=_ASKED_AGAIN)
                raise
            except errors.Declined as error:
                await self._check_refusal(error, part, call)
                raise
        raise AssertionError("unreachable")

    async def _check_refusal(self, error: errors.Declined, part: Part, call: Call) -> None:
        """A used-up quota has no words of its own."""
        if error.code not in _NO_QUOTA and not SYMBOL.fullmatch(error.code or ""):
            await self._check_used_up("replies" if _parent(part, call.previous) else "posts", error, call)

    async def _check_used_up(self, name: str, error: errors.Declined, call: Call) -> None:
        """Raise RateLimited for a refusal that comes of a used-up quota."""
        if any(kind == name and left <= 0 for kind, _, left in await self._rests(call)):
            words = f"the {name} of the last 24 hours are used up (Threads said: {error.message})"
            raise errors.RateLimited(words, status=error.status, code=error.code) from error

    async def _ready(self, part: Part, call: Call) -> str | Sent:
        """A container that can be published; what it made, where an earlier one turns out to be published."""
        parent = _parent(part, call.previous)
        known = call.recall("container")
        if known is not None and known["parent"] == parent:
            status, _ = await self._waited(known["id"], part.body["fields"]["media_type"], call)
            if status == "FINISHED":
                return str(known["id"])
            if status == "PUBLISHED" and not call.lost:
                return await self._live(part, call)
        if call.lost:
            raise errors.OutcomeUnknown(
                "an earlier attempt is not settled; no new container is made beside it"
            )
        return await self._made("container", lambda: self._post(part, call), call, parent=parent)

    async def _made(
        self,
        name: str,
        create: Callable[[], Awaitable[tuple[str, str]]],
        call: Call,
        *,
        parent: str | None = None,
    ) -> str:
        """A new container that is ready. One that failed for no reason of its own is made once more."""
        for again in (True, False):
            container, kind = await create()
            known: Any = {"id": container, "at": call.now().timestamp(), "parent": parent}
            call.remember(name, known, expires_in=CONTAINER_LIVES)
            status, why = await self._waited(container, kind, call)
            if status == "FINISHED":
                return container
            call.remember(name, None)
            passing = status != "ERROR" or why in PASSING
            if not passing or not again:
                hint = FAILURES.get(why, "make a new container: publish again")
                raise errors.Declined(
                    f"Threads could not use it: {why or status}; {hint}", code=why or status
                )
        raise AssertionError("unreachable")

    async def _post(self, part: Part, call: Call) -> tuple[str, str]:
        """Make the container of the whole post."""
        fields: dict[str, str] = dict(part.body["fields"])
        if (parent := _parent(part, call.previous)) is not None:
            fields["reply_to_id"] = parent
        if len(part.media) == 1:
            fields |= await self._medium(part.media[0], call)
        if len(part.media) < 2:
            return await self._create(fields, call)
        try:
            return await self._create(fields | {"children": await self._children(part, call)}, call)
        except errors.Declined as error:
            if error.code != BAD_CHILDREN:
                raise
        for index, item in enumerate(part.media):
            call.remember(_child(index, item), None)
        return await self._create(fields | {"children": await self._children(part, call)}, call)

    async def _children(self, part: Part, call: Call) -> str:
        """The ids of the carousel's items, each ready."""
        return ",".join([await self._item(index, item, call) for index, item in enumerate(part.media)])

    async def _item(self, index: int, item: PartMedia, call: Call) -> str:
        name = _child(index, item)
        if (known := call.recall(name)) is not None:
            status, _ = await self._waited(known["id"], _type(item), call)
            if status == "FINISHED":
                return str(known["id"])

        async def create() -> tuple[str, str]:
            fields = {"media_type": _type(item), "is_carousel_item": "true"}
            return await self._create(fields | await self._medium(item, call), call)

        try:
            return await self._made(name, create, call)
        except errors.PlatformError as error:
            error.args = (f"medium {index + 1}: {error.message}",)
            raise

    async def _medium(self, item: PartMedia, call: Call) -> dict[str, str]:
        """Where Threads fetches it, and what it shows."""
        name = "video_url" if item.kind == "video" else "image_url"
        return {name: await call.host(item)} | ({"alt_text": item.alt} if item.alt else {})

    async def _create(self, fields: Mapping[str, str], call: Call) -> tuple[str, str]:
        """A new container: its id and media type. As a form: in JSON, Threads overlooks fields without a word."""
        answer = await call.prepare("POST", "/v1.0/me/threads", form=list(fields.items()), timeout=120.0)
        if (container := as_text(found(answer.json(), "id"))) is None:
            raise errors.Unavailable("Threads made a container and did not tell its id")
        return container, fields["media_type"]

    async def _waited(self, container: str, kind: str, call: Call) -> tuple[str, str]:
        """(status, what is wrong) of a container that Threads is done with; "GONE" when it does not know it."""

        async def look() -> Response:
            return await self._seen(container, call)

        try:
            seen = await call.poll(
                look,
                lambda one: found(one.json(), "status") != "IN_PROGRESS",
                waits=_WAITS,
                limit=_PATIENCE.get(kind, 300.0),
            )
        except errors.PlatformError as error:
            return _gone(error)
        body = seen.json()
        return str(found(body, "status")), str(found(body, "error_message") or "")

    async def _seen(self, container: str, call: Call) -> Response:
        params = {"fields": "id,status,error_message"}
        return await call.read("GET", f"/v1.0/{container}", params=params)

    async def _status(self, container: str, call: Call) -> str:
        """What a container's status is now."""
        try:
            return str(found((await self._seen(container, call)).json(), "status"))
        except errors.PlatformError as error:
            return _gone(error)[0]

    async def _live(self, part: Part, call: Call) -> Sent:
        """What a container made that is published although its publication was refused; lists lag some seconds."""
        since, parent = _since(call.recall("container")), _parent(part, call.previous)
        alike, left = Alike(), iter(_LAGS)

        async def look() -> Response:
            nonlocal alike
            alike = await listing(self._alike(part, call, parent=parent, since=since))
            return Response(200, {})

        def is_told(seen: Response) -> bool:
            return bool(alike.posts or alike.untold) or next(left, None) is None

        await call.poll(look, is_told, waits=_LAGS)
        return alike.posts[0] if len(alike.posts) == 1 else nameless(alike, self.title)

    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """Its address and time, which the answer to publishing does not tell."""
        if sent.id is None or sent.url is not None:
            return sent
        looks = iter(range(4))

        async def look() -> Response:
            params = {"fields": "id,permalink,timestamp"}
            return await call.read("GET", f"/v1.0/{sent.id}", params=params, accept=(400,))

        def is_there(seen: Response) -> bool:
            return next(looks, None) in (3, None) or self.read_error(seen)[0] != GONE

        seen = await call.poll(look, is_there, waits=(1.0, 2.0, 4.0))
        if self.says_no(seen):
            raise self.parse_error(seen)
        told = sent_of(seen.json())
        return attrs.evolve(sent, url=told.url, published_at=told.published_at)

    # --- after --------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        """What the container's status says; where it says "published", which post that is."""
        known = call.recall("container")
        container = known["id"] if known else lost.mark
        status = await self._status(container, call) if container else None
        if status == "FINISHED":
            return Absent("its container is ready and was not published")
        if status == "IN_PROGRESS":
            return CannotTell("its container is still being processed", look_again_in=30.0)
        parent = _parent(lost.part, lost.previous)
        search = self._alike(
            lost.part, call, parent=parent, since=lost.since, until=lost.until, claimed=lost.claimed
        )
        if status == "PUBLISHED":
            return published(await listing(search, LASTING), lost.until, call.now(), self.title)
        alike = await search
        if len(alike) > 1:
            return CannotTell("two posts look exactly like this one")
        if not alike and status not in _DEAD:
            return CannotTell(f"its container says {status!r}, which nobody knows the meaning of")
        return Found(alike[0]) if alike else Absent("it is not among the account's own posts")

    async def _alike(
        self,
        part: Part,
        call: Call,
        *,
        parent: str | None,
        since: datetime,
        until: datetime | None = None,
        claimed: frozenset[str] = frozenset(),
    ) -> list[Sent]:
        """Which of the own posts, or own replies, of that time can be the part."""
        edge, fields = "threads" if parent is None else "replies", COMPARED
        if parent is not None:
            fields += ",replied_to{id}"
        elif "is_ghost_post" in part.body["fields"]:
            edge = "ghost_posts"
        same = list[Sent]()
        async for media in self._own(call, edge, fields, since=since):
            sent = sent_of(media)
            if sent.id is None or sent.id in claimed or sent.url in claimed:
                continue
            early = sent.published_at is not None and sent.published_at < since - timedelta(seconds=1)
            late = sent.published_at is not None and until is not None and sent.published_at > until
            if not early and not late and is_like(media, part, parent):
                same.append(sent)
        return same

    async def _own(
        self,
        call: Call,
        edge: str,
        fields: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        size: int = _PAGE,
    ) -> AsyncIterator[dict[str, Any]]:
        """Own posts or replies, newest first, every page."""
        params = {"fields": fields, "limit": str(size)}
        if since is not None:
            params["since"] = str(max(int(since.timestamp()), EARLIEST["posts"]))
        if until is not None:
            params["until"] = str(int(until.timestamp()) + 1)
        async for one in self._pages(call, f"/v1.0/me/{edge}", params):
            yield one

    async def _pages(self, call: Call, path: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        asked, seen = dict(params), set[str]()
        while True:
            page = (await call.read("GET", path, params=asked)).json()
            for one in page["data"]:
                yield one
            after = as_text(found(page, "paging.cursors.after"))
            if not page["data"] or after is None or after in seen:
                return
            seen.add(after)
            asked["after"] = after

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """Make it go away. "Not there" is believed when reading it says so, too."""
        path = f"/v1.0/{_own_id(receipt)}"
        answer = await call.attach("DELETE", path, accept=(400,), repeatable=True)
        if not self.says_no(answer):
            if found(answer.json(), "success") is not True:
                raise errors.Declined(f"Threads did not delete {receipt.id}")
            return
        refusal = self.parse_error(answer)
        if getattr(refusal, "code", None) == GONE and not await self._is_there(path, call):
            return
        if isinstance(refusal, errors.Declined):
            await self._check_used_up("deletions", refusal, call)
        raise refusal

    async def _is_there(self, path: str, call: Call) -> bool:
        try:
            await call.read("GET", path, params={"fields": "id"})
        except errors.Declined as error:
            if error.code == GONE:
                return False
            raise
        return True

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request per post: Threads has no way to ask for several."""
        return [await self._row(receipt, call) for receipt in receipts]

    async def _row(self, receipt: Receipt, call: Call) -> Metrics:
        params = {"metric": ",".join((*METRICS, "shares"))}
        try:
            path = f"/v1.0/{_own_id(receipt)}/insights"
            answer = await call.read("GET", path, params=params)
        except errors.Declined as error:
            return Metrics.of(receipt, error=error, fetched_at=call.now())
        return row_of(receipt, answer.json(), call.now())

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Followers as of now; what is counted over a range where one is given."""
        ranged = since is not None or until is not None
        told = numbers_of(await self._insights(call, "followers_count", {}))
        if ranged:
            params = {
                name: str(max(int(at.timestamp()), EARLIEST["insights"]))
                for name, at in (("since", since), ("until", until))
                if at is not None
            }
            told |= numbers_of(await self._insights(call, ",".join((*METRICS, "clicks")), params))
        return account_row(
            told,
            ranged=ranged,
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            fetched_at=call.now(),
        )

    async def _insights(self, call: Call, metric: str, params: Mapping[str, str]) -> Any:
        """Some accounts are refused without a period, others may be with one."""
        path, asked = "/v1.0/me/threads_insights", {"metric": metric, **params}
        try:
            return (await call.read("GET", path, params={**asked, "period": "day"})).json()
        except errors.Declined as error:
            if (error.code or "").partition("/")[0] != "100":
                raise
        return (await call.read("GET", path, params=asked)).json()

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """Own posts, without replies and reposts, newest first."""
        size = min(limit, _PAGE)
        async for media in self._own(
            call, "threads", f"{SHOWN},is_quote_post", since=since, until=until, size=size
        ):
            receipt = receipt_of(media, call.facts.identity)
            if media.get("media_type") == REPOST or _outside(receipt.published_at, since, until):
                continue
            yield receipt

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A post by its id; by its permalink when it is an own one, or the token may read other people's profiles."""
        own = call.facts.identity
        if (native := id_of(reference)) is not None:
            answer = await call.read("GET", f"/v1.0/{native}", params={"fields": SHOWN})
            return receipt_of(answer.json(), own, mine=False)
        known = PERMALINK.fullmatch(reference.strip())
        if known is None:
            raise errors.ConfigError(f"{reference!r} is no post on Threads")
        name, code = known["name"], known["code"]
        mine = name is None or (own.name or "").casefold() == name.casefold()
        async for media in self._candidates(name, call, mine=mine):
            told = PERMALINK.fullmatch(as_text(media.get("permalink")) or "")
            if code in (media.get("shortcode"), told and told["code"]):
                return receipt_of(media, own, mine=mine)
        raise errors.ConfigError(
            f"{reference!r} is not among the posts Threads shows this account; give its id"
        )

    async def _candidates(self, name: str | None, call: Call, *, mine: bool) -> AsyncIterator[dict[str, Any]]:
        if mine:
            for edge in ("threads", "replies"):
                async for media in self._own(call, edge, SHOWN):
                    yield media
        else:
            params = {"username": str(name), "fields": SHOWN, "limit": str(_PAGE)}
            async for media in self._pages(call, "/v1.0/profile_posts", params):
                yield media

    def owns(self, permalink: str) -> bool:
        return PERMALINK.fullmatch(permalink.strip()) is not None

    # --- the wire -----------------------------------------------------------------------------------------
    def read_error(self, response: Response) -> tuple[str | None, str]:
        """As on every Graph API; codes of Threads' own count wherever they stand, words in any language."""
        code, said = super().read_error(response)
        said = unsigned(said)
        told = found(response.json_or_none(), "error")
        if isinstance(told, dict):
            if symbol := SYMBOL.search(" ".join(str(value) for value in told.values())):
                return symbol[0], said
            both = {str(told.get("code")), str(told.get("error_subcode"))}
            if NOT_FOUND.partition("/")[2] in both:
                return NOT_FOUND, said
            own = both & ALONE
            code = own.pop() if own else code
        return code, said


def _parent(part: Part, previous: Sent | None) -> str | None:
    """The id of the post the part answers; None for a post of its own."""
    if previous is None:
        return as_text(part.body["fields"].get("reply_to_id"))
    if previous.id is None:
        words = "Threads did not tell the id of the post before, so that this one cannot answer it"
        raise errors.Declined(f"{words}; settle(key, found=<its permalink>, by=<name>), then publish again")
    return previous.id


def _published(body: Any) -> Sent:
    told = found(body, "crossreshare_to_ig_status")
    missing = ("Instagram story: Threads could not share it there",) if told == "FAILED" else ()
    native = as_text(found(body, "id"))
    if native is None:
        raise ValueError("Threads published it and did not tell its id")
    return Sent(native, missing=missing)


def _rests(body: Any) -> tuple[Rest, ...]:
    """Each quota of an answer."""
    rows = []
    for head, name in _QUOTAS.items():
        used = found(body, f"data.0.{head}quota_usage")
        total = found(body, f"data.0.{head}config.quota_total")
        if isinstance(used, int) and isinstance(total, int):
            rows.append((name, total, max(0, total - used)))
    return tuple(rows)


def _check_quota(draft: Draft, rests: Sequence[Rest]) -> None:
    """A warning when the day has no room left for all of it: it is sent as far as there is, and goes on later."""
    replies = draft.total - (0 if draft.post.reply_to else 1)
    needed = {"posts": draft.total - replies, "replies": replies}
    for name, total, left in rests:
        if left < needed.get(name, 0):
            words = f"{left} of {total} {name} are left in these 24 hours; this takes {needed[name]}"
            draft.problem("text", "quota", words, limit=left, actual=needed[name], severity="warning")


def _reading(name: str, total: int, left: int, response: Response) -> Reading:
    """The window rolls, and nobody tells how: when nothing is left, it is asked again an hour later."""
    lasts = timedelta(seconds=DAY if left else _ASKED_AGAIN)
    return Reading(name, total, left, response.received_at and response.received_at + lasts, DAY)


def _since(known: Any) -> datetime:
    """When a container was made, a minute early: clocks differ."""
    return datetime.fromtimestamp(known["at"] - 60.0, UTC)


def _outside(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    return at is not None and ((since is not None and at < since) or (until is not None and at > until))


def _gone(error: errors.PlatformError) -> tuple[str, str]:
    """What is refused as no object, or as one without a status, is no container any more."""
    if (error.code or "").partition("/")[0] in ("100", "24"):
        return "GONE", ""
    raise error


def _child(index: int, item: PartMedia) -> str:
    return f"child {index} {item.digest[:16]}"


def _type(item: PartMedia) -> str:
    return "VIDEO" if item.kind == "video" else "IMAGE"


def _own_id(receipt: Receipt) -> str:
    if (native := id_of(receipt.id)) is None:
        raise errors.Declined(f"{receipt.id!r} is no id of a post on Threads")
    return native
