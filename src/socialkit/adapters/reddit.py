"""Reddit, through its Data API: posts to a subreddit or the account's own profile, comments, threads of comments.

A post cannot be repeated safely here: there is no idempotency key, so a lost answer is settled by reading the account's
own posts. Pictures and videos get their id only after processing: a web socket tells it, or that they failed. Where it
is not heard they are found by the ids of their uploads.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, told_id
from socialkit.flows.reddit import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt, Status
from socialkit.rules import Rules

from . import base
from ._reddit_plan import planned_comment, planned_post
from ._reddit_posts import (
    MEDIA,
    SHARED,
    Likeness,
    Told,
    assets_of,
    born,
    is_gone,
    is_permalink,
    is_same_comment,
    likeness_of,
    name_of,
    own_name_of,
    pause_in,
    placed,
    receipt_of,
    refusals_in,
    row_of,
    sent_of,
    things_in,
    told_by,
    told_error,
)
from ._reddit_rules import KEPT, RULES, SHOWN_WITHIN
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, PartMedia, Sent

RAW = {"raw_json": "1"}
"""Without it Reddit escapes <, > and & in every text."""
EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
}
_LED = (301, 302, 307, 308, 401, 403, 404)
"""What is behind a shared link does not matter: where it led is all that is asked for."""
_BLOCKED_AGENTS = ("mozilla/", "python-requests/", "python-urllib", "python/", "aiohttp/")
"""How browsers and libraries call themselves: Reddit throttles or blocks them."""
WAITS = (1, 2, 4, 8)
"""Seconds between looks for a picture or video that was just taken; 35 in all, then it says processing."""
LISTENS = {"image": 10.0, "video": 60.0}
"""Seconds to wait for a word on the socket: PRAW waits ten, and people with videos had to wait longer."""


@attrs.frozen
class RedditOptions(base.Options):
    """What only Reddit knows. They belong to posts: in a thread to its first one, and not to comments.

    Attributes:
        subreddit: where to post, without ``r/``; None is the account's own profile.
        flair: the words of the flair to choose. flair_id: its id instead. flair_text: own words, where it takes them.
        sendreplies: whether the account's inbox gets the comments.
        resubmit: post a link although it is in that subreddit already.
        videogif: show the video as a silent one that repeats.
        outbound_urls: for a gallery, a link for each picture ("" for none).
        inline: put pictures or a video below the words of a text post, instead of a post of their own kind.
        collection_id: put the post into this collection. discussion_type: "CHAT" has the comments as a chat.

    >>> RedditOptions(subreddit="test", flair="News").resubmit
    False
    """

    platform: ClassVar[str] = "reddit"
    subreddit: str | None = None
    flair: str | None = None
    flair_id: str | None = None
    flair_text: str | None = None
    sendreplies: bool = True
    resubmit: bool = False
    videogif: bool = False
    outbound_urls: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    inline: bool = False
    collection_id: str | None = None
    discussion_type: Literal["CHAT"] | None = None


class Reddit(base.Adapter):
    """One account on Reddit.

    Args:
        token: an OAuth 2.0 token with ``Reddit.scopes``. refresh_token: renews it; needs ``client_id``.
        client_id, client_secret: the developer app; an installed app has no secret.
        server: base URL of the API.
        user_agent: how the client names itself, as Reddit asks: ``python:my app:v1 (by /u/name)``.

    >>> Reddit(token="…")
    <Reddit https://oauth.reddit.com>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "reddit"
    title: ClassVar[str] = "Reddit"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[RedditOptions]] = RedditOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        server: str = "https://oauth.reddit.com",
        user_agent: str | None = None,
    ) -> None:
        if user_agent is not None and not _names_a_client(user_agent):
            words = "at least 7 plain characters of its own, such as 'python:my app:v1 (by /u/name)'"
            raise errors.ConfigError(f"Reddit: user_agent={user_agent!r} is no name Reddit takes; {words}")
        self.user_agent = user_agent
        seed = base.Credential.of_user("Reddit", token, refresh_token, client_id, client_secret)
        super().__init__(server, seed)

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        me = await self._me(call)
        name = as_text(me.get("name"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, told_id(self.platform, me), name),
            url=f"https://www.reddit.com/user/{name}/",
            software="reddit",
            facts={
                one: me.get(one) for one in ("is_suspended", "has_verified_email", "total_karma", "over_18")
            },
        )

    async def _me(self, call: Call) -> dict[str, Any]:
        me = (await call.read("GET", "/api/v1/me", params=RAW)).json()
        if not isinstance(me, dict) or not me.get("name"):
            raise errors.Declined("Reddit does not show the account: sign in as a user, not as the app alone")
        return me

    def rules_for(self, facts: AccountFacts) -> Rules:
        """The title is asked for by the plan: comments have none."""
        return attrs.evolve(self.rules, required=frozenset())

    # --- plan ----------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        if draft.index:
            return planned_comment(draft, None)
        if draft.post.reply_to is not None:
            return planned_comment(draft, await self._target(draft, "reply_to", call))
        source = await self._target(draft, "quote", call) if draft.post.quote is not None else None
        return await planned_post(draft, source, call)

    async def _target(
        self, draft: Draft, field: Literal["reply_to", "quote"], call: Call
    ) -> Mapping[str, Any] | None:
        """The post or comment that is answered or crossposted, as Reddit shows it now."""
        wanted = getattr(draft.post, field)
        reference = wanted.id or wanted.url or "" if isinstance(wanted, Receipt) else wanted
        name = await self._named(reference, call)
        thing = (await self._info([name], call)).get(name) if name else None
        if thing is None or is_gone(thing):
            words = f"{reference!r} is no post that Reddit shows"
            draft.problem(field, "not_found", words, hint="give its permalink or id")
            return None
        return thing

    async def _named(self, reference: str, call: Call) -> str | None:
        """The fullname behind a permalink, an id, or a shared link, which Reddit itself must be asked about."""
        if SHARED.fullmatch(reference):
            headers = {"user-agent": self._agent(self.seed)}
            answer = await call.read("GET", reference, auth=False, headers=headers, accept=_LED)
            reference = answer.headers.get("location") or answer.url
        return name_of(reference)

    async def _info(self, names: Sequence[str], call: Call) -> dict[str, dict[str, Any]]:
        """Posts and comments by fullname, at most a hundred."""
        answer = await call.read("GET", "/api/info", params={"id": ",".join(names), **RAW})
        return {str(thing["name"]): thing for thing in things_in(answer.json())}

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        kind, request = part.body["kind"], dict(part.body["request"])
        if kind == "comment":
            return await self._comment(request, call)
        assets = list[str]()
        if part.media:
            request |= await self._uploaded(part, assets, call)
        if kind == "inline":
            del request["text"]
        data = (await self._submit(kind, request, call)).json()["json"]["data"]
        if told := data.get("name") or data.get("id"):
            name = str(told) if str(told).startswith("t3_") else f"t3_{told}"
            return Sent(name, data.get("url") or f"https://www.reddit.com/comments/{name[3:]}/")
        return await self._awaited(part, assets, data, call)

    async def _submit(self, kind: str, request: Mapping[str, Any], call: Call) -> base.Response:
        if kind == "gallery":
            return await call.commit("POST", "/api/submit_gallery_post.json", json=request, params=RAW)
        if kind == "poll":
            return await call.commit("POST", "/api/submit_poll_post", json=request, params=RAW)
        return await call.commit("POST", "/api/submit", form=_form(request), params=RAW)

    async def _comment(self, request: dict[str, Any], call: Call) -> Sent:
        if call.previous is not None:
            request["thing_id"] = call.previous.id or await self._shown_name(call.previous, call)
        call.remember("parent", request["thing_id"])
        answer = await call.commit("POST", "/api/comment", form=_form(request), params=RAW)
        return sent_of(answer.json()["json"]["data"]["things"][0]["data"])

    async def _shown_name(self, sent: Sent, call: Call) -> str:
        """The name of a post that was in processing when it was sent: nothing can be written under it before."""
        if (now := await self.check(sent, call)).id is not None:
            return now.id
        words = "Reddit still processes the first post of the thread; the comment was not sent"
        raise errors.Unavailable(words, retry_at=call.now() + timedelta(seconds=60))

    async def _awaited(self, part: Part, assets: Sequence[str], data: Mapping[str, Any], call: Call) -> Sent:
        """Reddit took it and tells on a socket alone what becomes of it; unheard, the own posts are looked through."""
        if "websocket_url" not in data and "user_submitted_page" not in data:
            raise errors.OutcomeUnknown("Reddit's answer holds neither the post nor where to wait for it")
        raw = {"assets": list(assets), "since": call.now().timestamp() - 60}
        taken = Sent(None, None, None, Status.PROCESSING, raw=raw)
        told = await self._heard(part.body["kind"], data.get("websocket_url"), call)
        if told is not None and told.name is not None:
            return await self._shown(told.name, told.url, call)
        if (thing := await self._listed(assets, WAITS if told is None else (), call)) is not None:
            return sent_of(thing)
        if told is not None:
            _forget_uploads(part, call)
            words = f"Reddit took the post and then failed to process its media: {told.words}"
            raise errors.Declined(words, code="failed", said=told.words)
        return attrs.evolve(taken, look_again_at=call.now() + timedelta(seconds=60))

    async def _heard(self, kind: str, url: Any, call: Call) -> Told | None:
        """What the socket says of the media; None when nothing could be heard."""
        if not isinstance(url, str) or not url:
            return None
        limit = LISTENS[kind if kind in LISTENS else "image"]
        message = await call.listen(url, done=lambda text: told_by(text) is not None, limit=limit)
        return told_by(message) if message is not None else None

    async def _shown(self, name: str, url: str | None, call: Call) -> Sent:
        """The post the socket named, as Reddit shows it: it may have been taken out of sight again."""
        with contextlib.suppress(errors.SocialKitError):
            if (thing := (await self._info([name], call)).get(name)) is not None and not is_gone(thing):
                return sent_of(thing)
        return Sent(name, url)

    async def _listed(
        self, assets: Sequence[str], waits: Sequence[float], call: Call
    ) -> dict[str, Any] | None:
        """The post among the account's own that shows exactly these uploads; without ``waits`` one look is all."""
        with contextlib.suppress(errors.SocialKitError):
            page = await call.poll(
                lambda: self._page("submitted", call, size=25),
                lambda answer: not waits or _with_assets(answer, assets) is not None,
                waits=waits,
                limit=35,
            )
            return _with_assets(page, assets)
        return None

    # --- media ---------------------------------------------------------------------------------------------
    async def _uploaded(self, part: Part, assets: list[str], call: Call) -> dict[str, Any]:
        """Everything up: the request's fields that name it. ``assets`` gets the media ids, which a later look needs."""
        places = [await self._upload(f"media {index}", item, call) for index, item in enumerate(part.media)]
        fields: dict[str, Any] = {"url": places[0][1]}
        if part.body["kind"] == "gallery":
            items = zip(part.body["request"]["items"], places, strict=True)
            fields = {"items": [{**item, "media_id": place[0]} for item, place in items]}
        if part.body["kind"] == "inline":
            fields = {"richtext_json": await self._rich(part, [place[0] for place in places], call)}
        if part.body["kind"] == "video":
            fields["video_poster_url"] = (await self._upload("poster", part.media[0].thumbnail, call))[1]
        assets += [place[0] for place in places]
        attempts = call.recall("assets") or []
        if assets not in attempts:
            call.remember("assets", [*attempts, list(assets)])
        return fields

    async def _rich(self, part: Part, assets: Sequence[str], call: Call) -> str:
        """The text with its media as Reddit's own document: Markdown alone cannot show an upload."""
        pairs = zip(part.media, assets, strict=True)
        text = "\n\n".join([part.body["request"]["text"], *(placed(item, asset) for item, asset in pairs)])
        form = [("api_type", "json"), ("output_mode", "rtjson"), ("markdown_text", text.strip())]
        answer = await call.prepare("POST", "/api/convert_rte_body_format", form=form, params=RAW)
        return json.dumps(answer.json()["output"])

    async def _upload(self, place: str, item: PartMedia | None, call: Call) -> list[str]:
        """(media id, address) of an upload, from this or an earlier process; no picture is the plain poster."""
        memory = _memory(place, item)
        if (known := call.recall(memory)) is not None:
            return [str(one) for one in known]
        content: bytes | base.Slice = base.Slice(await call.open(item)) if item else plain_poster()
        mime = item.mime if item else "image/png"
        found = await self._put(content, mime, call, again=True)
        call.remember(memory, [*found], expires_in=KEPT)
        return found

    async def _put(self, content: bytes | base.Slice, mime: str, call: Call, *, again: bool) -> list[str]:
        """Lease a place and put the file there; once more with a fresh lease when the first one had ended."""
        name = f"media.{EXTENSIONS[mime]}"
        form = [("filepath", name), ("mimetype", mime), ("api_type", "json")]
        lease = (await call.prepare("POST", "/api/media/asset.json", form=form, params=RAW)).json()
        fields = [(str(one["name"]), str(one["value"])) for one in lease["args"]["fields"]]
        action = str(lease["args"]["action"])
        url = f"{self.server.partition('://')[0]}:{action}" if action.startswith("//") else action
        parts = [*(base.Field(key, value) for key, value in fields), base.Field("file", content, name, mime)]
        answer = await call.prepare(
            "POST", url, multipart=parts, auth=False, cost=0, timeout=300.0, accept=(403,) if again else ()
        )
        if answer.status == 403:
            return await self._put(content, mime, call, again=False)
        return [str(lease["asset"]["asset_id"]), f"{url.rstrip('/')}/{dict(fields)['key']}"]

    # --- after ---------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        same, alike = list[dict[str, Any]](), 0
        kind = lost.part.body["kind"]
        async for thing in self._own(
            "comments" if kind == "comment" else "submitted", call, since=lost.since
        ):
            likeness = "other" if thing["name"] in lost.claimed else _likeness(thing, lost, call)
            same += [thing] if likeness == "same" else []
            alike += likeness == "alike"
        if len(same) > 1:
            return CannotTell("two posts look exactly like this one")
        if same:
            return Found(sent_of(same[0]))
        if alike:
            return CannotTell("a post with this title is there, but its media are not known to be these")
        age = (call.now() - lost.since).total_seconds()
        if (left := _shown_within(lost.part) - age) > 0:
            words = "it is on no list yet, and media are shown only when they have been processed"
            return CannotTell(words, look_again_in=min(left, max(60.0, age)))
        return Absent("it is not among the account's own posts")

    async def check(self, sent: Sent, call: Call) -> Sent:
        """Whether media that were in processing are shown by now."""
        if sent.id is not None or "assets" not in sent.raw:
            return sent
        now, since = call.now(), datetime.fromtimestamp(sent.raw["since"], UTC)
        async for thing in self._own("submitted", call, since=since):
            if assets_of(thing) == set(sent.raw["assets"]):
                return sent_of(thing)
        late = (now - since).total_seconds() > SHOWN_WITHIN["video"]
        missing = (
            ("Reddit took it and does not show it: its media may have failed to process",) if late else ()
        )
        again = now + timedelta(seconds=3600 if late else 60)
        return attrs.evolve(sent, missing=missing, look_again_at=again)

    async def _page(self, listing: str, call: Call, *, after: str = "", size: int = 100) -> base.Response:
        params = {"sort": "new", "limit": str(size), **RAW, **({"after": after} if after else {})}
        return await call.read("GET", f"/user/{call.facts.identity.name}/{listing}", params=params)

    async def _own(
        self, listing: str, call: Call, *, since: datetime | None, size: int = 100
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's own posts or comments, newest first, every page Reddit shows (a thousand at most)."""
        after, seen = "", set[str]()
        while True:
            page = (await self._page(listing, call, after=after, size=size)).json()
            for thing in things_in(page):
                at = born(thing)
                if since is None or at is None or at >= since:
                    yield thing
                elif not (thing.get("pinned") or thing.get("stickied")):
                    return
            after = str((page.get("data") or {}).get("after") or "")
            if not after or after in seen:
                return
            seen.add(after)

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Another text for a text post or a comment; Reddit lets nothing else be changed."""
        name, request = own_name_of(receipt), part.body["request"]
        thing = (await self._info([name], call)).get(name)
        if thing is None or is_gone(thing):
            raise errors.Declined(f"Reddit does not show {name}: it cannot be edited", status=404)
        _check_edit(name, thing, part)
        words = {"thing_id": name, "text": request["text"], "validate_on_submit": True}
        await self._change("/api/editusertext", {"api_type": "json", **words}, call)
        for path, form in _other_changes(name, thing, request):
            await self._change(path, form, call)
        return sent_of(thing)

    async def _change(self, path: str, form: Mapping[str, Any], call: Call) -> None:
        await call.attach("POST", path, form=_form(form), params=RAW, repeatable=True)

    async def delete(self, receipt: Receipt, call: Call) -> None:
        form = [("api_type", "json"), ("id", own_name_of(receipt))]
        await call.attach("POST", "/api/del", form=form, params=RAW, accept=(404,), repeatable=True)

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        names = [name_of(receipt.id or receipt.url or "") for receipt in receipts]
        wanted = list(dict.fromkeys(name for name in names if name))
        found = await self._info(wanted, call) if wanted else {}
        now = call.now()
        return [
            row_of(receipt, found.get(name or ""), now) for receipt, name in zip(receipts, names, strict=True)
        ]

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Followers are those of the account's profile; its karma stands in ``raw``."""
        me = await self._me(call)
        followers = (me.get("subreddit") or {}).get("subscribers")
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            followers=followers,
            missing={}
            if followers is not None
            else {"followers": "Reddit did not say: the account has no profile"},
            raw={name: me[name] for name in ("link_karma", "comment_karma", "total_karma") if name in me},
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """Own posts; comments are not among them."""
        left = limit
        async for thing in self._own("submitted", call, since=since, size=max(1, min(100, limit))):
            at = born(thing)
            if left > 0 and not (until and at and at > until):
                yield receipt_of(thing, call.facts.identity)
                left -= 1
            if left <= 0:
                return

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink of a post or comment, a link shared from the app, or an id."""
        name = await self._named(reference, call)
        if name is None:
            raise errors.ConfigError(f"{reference!r} is no post on Reddit; give its permalink or id")
        thing = (await self._info([name], call)).get(name)
        if thing is None or is_gone(thing):
            raise errors.ConfigError(f"{reference!r} is no post that Reddit shows")
        author = str(thing.get("author_fullname") or "").removeprefix("t2_")
        if author == call.facts.identity.id:
            return receipt_of(thing, call.facts.identity)
        return receipt_of(thing, Identity(self.platform, self.server, author, as_text(thing.get("author"))))

    def owns(self, permalink: str) -> bool:
        return is_permalink(permalink)

    # --- the wire ------------------------------------------------------------------------------------------
    def authorize(self, credential: base.Credential) -> dict[str, str]:
        """The token, and the name of the client: Reddit blocks what does not say who it is."""
        signed = {"authorization": f"bearer {credential.access_token}"} if credential.access_token else {}
        return {**signed, "user-agent": self._agent(credential)}

    def _agent(self, credential: base.Credential) -> str:
        if self.user_agent:
            return self.user_agent
        name = (self.identity.name if self.identity else None) or credential.extra.get("username")
        by = f" (by /u/{name})" if name and re.fullmatch(r"[\w-]+", name, re.ASCII) else ""
        return f"python:{credential.client_id or 'socialkit-py'}:v1{by}"

    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """Reddit refuses in triples inside HTTP 200, in three forms of JSON, in HTML, and in XML where files go."""
        return told_error(response)

    def says_no(self, response: base.Response) -> bool:
        if response.method == "GET":
            return False
        body = response.json_or_none()
        if not isinstance(body, dict):
            return False
        return bool(refusals_in(body) or body.get("error") or body.get("success") is False)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error, body = super().parse_error(response), response.json_or_none()
        if isinstance(body, dict) and str(body.get("reason")).startswith("SUBMIT_VALIDATION"):
            error.__dict__["code"] = str(body["reason"])
        if isinstance(error, errors.RateLimited) and error.retry_at is None and response.received_at:
            pause = pause_in(body, str(error.__dict__.get("said")))
            error.retry_at = response.received_at + timedelta(seconds=pause) if pause else None
        return error

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """What is left (a fraction), what is used, and the seconds until the ten minutes are over."""
        headers = response.headers
        try:
            left, used = float(headers["x-ratelimit-remaining"]), float(headers["x-ratelimit-used"])
            remaining, limit = int(max(0.0, left)), int(left + used) or None
        except (KeyError, ValueError, OverflowError):
            return ()
        name = "token" if response.url.partition("?")[0].endswith("/api/v1/access_token") else "api"
        resets_at = base.parse_reset(headers.get("x-ratelimit-reset"), response.received_at)
        return (base.Reading(name, limit, remaining, resets_at, 600.0),)


# --- helpers ----------------------------------------------------------------------------------------------
def _form(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A request as form fields: truth as ``true`` and ``false``."""
    words = {True: "true", False: "false"}
    return [
        (name, words[value] if isinstance(value, bool) else str(value)) for name, value in request.items()
    ]


def _names_a_client(user_agent: str) -> bool:
    """Whether Reddit would take it: no browser's name, no library's."""
    plain = len(user_agent) > 6 and user_agent.isascii() and user_agent.isprintable()
    return plain and not user_agent.casefold().startswith(_BLOCKED_AGENTS)


def _shown_within(part: Part) -> float:
    """Seconds after ``Lost.since``, which is a minute early, in which a post with media may still come to light."""
    moving = any(item.kind == "video" for item in part.media)
    shown = SHOWN_WITHIN.get("video" if moving else part.body["kind"])
    return shown + 60 if shown is not None else 0.0


def _memory(place: str, item: PartMedia | None) -> str:
    """Under which name an upload is remembered."""
    return f"{place} {item.digest[:16] if item else 'plain'}"


def _forget_uploads(part: Part, call: Call) -> None:
    """What failed is not used again: the next attempt puts everything up anew."""
    for index, item in enumerate(part.media):
        call.remember(_memory(f"media {index}", item), None)


def _with_assets(answer: base.Response, assets: Sequence[str]) -> dict[str, Any] | None:
    """The post of a listing that shows exactly these uploads."""
    shown = things_in(answer.json())
    return next((thing for thing in shown if assets and assets_of(thing) == set(assets)), None)


def _likeness(thing: Mapping[str, Any], lost: Lost, call: Call) -> Likeness:
    """How it compares with what was sent. The ids of uploads prove it whenever it was made; all else only in time."""
    body, at = lost.part.body, born(thing)
    if body["kind"] == "comment":
        told = lost.previous.id if lost.previous else None
        parent = str(call.recall("parent") or told or body["request"].get("thing_id"))
        found: Likeness = "same" if is_same_comment(thing, parent, body["request"]["text"]) else "other"
    else:
        found = likeness_of(thing, body, call.recall("assets") or ())
    proved = found == "same" and body["kind"] in MEDIA
    return found if proved or at is None or at <= lost.until else "other"


def _check_edit(name: str, thing: Mapping[str, Any], part: Part) -> None:
    """Raise ConfigError when something would change that Reddit does not let be changed."""
    kind, request = part.body["kind"], part.body["request"]
    if name.startswith("t1_"):
        if kind not in ("comment", "self"):
            raise errors.ConfigError(f"{name} is a comment: only its text can be edited")
        return
    if kind != "self" or not thing.get("is_self") or thing.get("poll_data"):
        raise errors.ConfigError("Reddit lets the text of text posts and comments be edited, nothing else")
    if " ".join(str(thing.get("title")).split()) != request["title"]:
        raise errors.ConfigError(f"Reddit does not let titles be changed: this one is {thing.get('title')!r}")
    place = str(thing.get("subreddit"))
    if place.casefold() != str(request["sr"]).casefold():
        words = f"posts stay where they are: this one is in {place}"
        raise errors.ConfigError(f"{words}; give Reddit.Options(subreddit={place!r})")


def _other_changes(
    name: str, thing: Mapping[str, Any], request: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The requests that bring marks and flair of a post to what the new one says, where they differ."""
    if name.startswith("t1_") or "sr" not in request:
        return
    for field, mark, shown in (("nsfw", "marknsfw", "over_18"), ("spoiler", "spoiler", "spoiler")):
        if request[field] != bool(thing.get(shown)):
            yield f"/api/{mark if request[field] else f'un{mark}'}", {"id": name}
    if request["sendreplies"] != bool(thing.get("send_replies", True)):
        yield "/api/sendreplies", {"id": name, "state": request["sendreplies"]}
    flair = request.get("flair_id")
    if flair and (flair != thing.get("link_flair_template_id") or "flair_text" in request):
        fields = {"link": name, "flair_template_id": flair, "text": request.get("flair_text", "")}
        yield f"/r/{request['sr']}/api/selectflair", {"api_type": "json", **fields}


def plain_poster(width: int = 1280, height: int = 720) -> bytes:
    """A plain dark picture as PNG: Reddit asks for a poster with every video."""
    rows = zlib.compress((b"\0" + b"\x20" * width) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
