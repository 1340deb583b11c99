"""Mastodon, and the servers that speak its API: GoToSocial, Pleroma, Akkoma, Pixelfed, Takahe, Hollo, snac.

Numbers are those of a stock Mastodon server; every server tells its own, and :meth:`Mastodon.account` reads them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

import attrs

from .. import errors
from ..flows import Flow
from ..flows._whoami import as_text, told_id
from ..flows.mastodon import FLOWS
from ..metrics import Metrics
from ..model import Identity, Problem, Receipt, Status
from ..rules import Rules
from ..text import strip_html
from . import _mastodon_plan as planning
from . import _mastodon_posts as posts
from . import _mastodon_rules as known
from . import base
from ._mastodon_plan import MastodonOptions
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, PartMedia, Sent

__all__ = ["RULES", "UPLOAD_TIMEOUT", "Mastodon", "MastodonOptions"]

RULES = known.RULES
UPLOAD_TIMEOUT = 300.0
"""Seconds a server may take to answer an upload, whatever the client's ``timeout``: some look into the file first."""

_PERMALINK = re.compile(
    r"/(?:@[^/]+(?:/statuses|/posts)?|(?:ap/)?users/[^/]+/statuses|notice|p/[^/]+)/([^/?#]+)/?(?:[?#].*)?"
)
"""Mastodon's own, and those of GoToSocial, Takahe, Pleroma and Pixelfed."""
_NO_DOCUMENT = frozenset({400, 401, 403, 404, 405, 406, 410, 422, 500, 501})
"""Answers that say a server has no such document (one software answers 500 to a path it does not know)."""

_NO_ADDRESS = frozenset({404, 405, 501})
"""Answers that say a server does not know the address."""
_LIMITED = frozenset({"mastodon", "gotosocial"})
"""Software that counts scheduled posts by day and in all."""


class Mastodon(base.Adapter):
    """One account on a server that speaks the Mastodon API.

    Args:
        server: the server's base URL.
        token: an access token with ``read`` and ``write`` (or ``profile write:statuses write:media read:statuses``).

    >>> Mastodon("https://example.social", token="…")
    <Mastodon https://example.social>
    """

    platform: ClassVar[str] = "mastodon"
    title: ClassVar[str] = "Mastodon"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[MastodonOptions]] = MastodonOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(self, server: str, *, token: str | None = None) -> None:
        super().__init__(server, base.Credential("bearer", access_token=token))

    # --- who am I -----------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        me = (await call.read("GET", "/api/v1/accounts/verify_credentials")).json()
        native = told_id(self.platform, me)
        instance = await self._instance(call)
        software, version = await self._software(call, instance)
        api = (instance.get("api_versions") or {}).get("mastodon")
        api = api if isinstance(api, int) else 0
        facts = known.limits(instance, software) | known.abilities(software, version, api, instance)
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, as_text(me.get("acct"))),
            url=me.get("url"),
            software=software,
            version=version,
            fences=(known.fence(software, version),),
            facts=facts,
        )

    async def _instance(self, call: Call) -> dict[str, Any]:
        """The instance document; servers without a working v2 answer v1."""
        for path in ("/api/v2/instance", "/api/v1/instance"):
            answer = posts.whole(await call.read("GET", path, accept=_NO_DOCUMENT))
            if answer and "error" not in answer:
                return answer
        return {}

    async def _software(self, call: Call, instance: dict[str, Any]) -> tuple[str, str]:
        """(name, version) by nodeinfo, else by the version text that compatible servers give. What says neither is
        "unknown", however much it looks like Mastodon: nothing that could post twice is trusted to it."""
        index = posts.whole(await call.read("GET", "/.well-known/nodeinfo", auth=False, accept=_NO_DOCUMENT))
        for link in index.get("links") or ():
            if "/ns/schema/2." in str(link.get("rel")):
                path = self._below(str(link.get("href")))
                info = posts.whole(await call.read("GET", path, auth=False, accept=_NO_DOCUMENT))
                if (named := info.get("software")) and named.get("name"):
                    return str(named["name"]).lower(), str(named.get("version") or "")
        name, version = known.software_by_version(str(instance.get("version", "")))
        return name or "unknown", version

    def _below(self, url: str) -> str:
        """The part of one of the server's own URLs below its base, whatever name it calls itself by: a token
        goes to the address the account was made with, and nowhere else."""
        if url.startswith("/"):
            return url
        if self.owns(url):
            return url.removeprefix(self.server)
        parts = urlsplit(url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def rules_for(self, facts: AccountFacts) -> Rules:
        own = known.BUDGETS.get(facts.software or "", self.rules.budgets)
        return attrs.evolve(known.narrowed(facts), budgets=own if self.rules.budgets else ())

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post = draft.post
        planning.check_post(draft)
        body = planning.fields_of(draft)
        if post.reply_to is not None:
            body["in_reply_to_id"] = await self._parent(draft, call)
        if post.quote is not None:
            body[draft.facts.facts["quote_field"]] = await self._quote(draft, call)
        if draft.options.scheduled_at is not None:
            body["scheduled_at"] = await self._schedule(draft, call)
        media = await planning.check_media(draft) if draft.media else ()
        kind = "quote" if post.quote else "reply" if post.reply_to or draft.index else "post"
        clean = {name: value for name, value in body.items() if value is not None}
        return Part(draft.index, clean, post.text, kind, media, requests=1 + len(media))

    async def _parent(self, draft: Draft, call: Call) -> str | None:
        """The local id of the post that is answered."""
        parent = await self._target(draft, "reply_to", call)
        if parent is None or draft.post.visibility is not None:
            return parent
        status = await self._status(parent, call)
        if status is None:
            draft.problem(
                "reply_to", "not_found", f"{self.server} has no post {parent} that this account sees"
            )
        elif (shown := status.get("visibility")) in ("private", "direct"):
            audience = "followers" if shown == "private" else "direct"
            words = f"the post it answers is {audience!r}: say whom the answer is for"
            draft.problem("visibility", "audience", words, hint=f"visibility={audience!r}, or a wider one")
        return parent

    async def _target(self, draft: Draft, field: Literal["reply_to", "quote"], call: Call) -> str | None:
        """The local status id of what is replied to or quoted."""
        wanted = getattr(draft.post, field)
        if isinstance(wanted, Receipt) and wanted.id and wanted.identity.server == self.server:
            if "scheduled_at" in wanted.raw:
                words = f"that post is scheduled for {wanted.raw['scheduled_at']} and has no id before"
                draft.problem(field, "scheduled", words, hint="client.settle() learns it then")
            return wanted.id
        reference = wanted if isinstance(wanted, str) else wanted.url or ""
        try:
            return (await self.resolve(reference, call)).id
        except (errors.ConfigError, errors.Declined) as error:
            words = str(error) if reference in str(error) else f"{reference!r}: {error}"
            draft.problem(field, "not_found", words, hint="give its receipt or its permalink")
            return None

    async def _quote(self, draft: Draft, call: Call) -> str | None:
        """The local id of the quoted status, if its author lets this account quote it."""
        if not draft.facts.facts["quotes"]:
            hint = "put the link into the text"
            draft.problem("quote", "unsupported", "this server has no quote posts", hint=hint)
            return None
        quoted = await self._target(draft, "quote", call)
        status = await self._status(quoted, call) if quoted else None
        if quoted and status is None:
            draft.problem("quote", "not_found", f"{self.server} has no post {quoted} that this account sees")
            return None
        if status:
            planning.check_quote(draft, status, draft.facts.identity.name)
        return quoted

    async def _schedule(self, draft: Draft, call: Call) -> str:
        when = planning.schedule(draft, call.now())
        if draft.facts.software in _LIMITED and not draft.index:
            due = posts.moment(when)
            try:
                waiting = [one async for one in self._pages("/api/v1/scheduled_statuses?limit=40", call)]
            except (errors.PlatformError, errors.MissingScope):
                return when  # who cannot read them hears of it from the server, which publishes nothing then
            planning.check_room(draft, due, draft.post.text, waiting)
        return when

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        body = dict(part.body)
        planning.refuse_late(body, call)
        if part.media:
            body["media_ids"] = [
                await self._upload(index, item, call) for index, item in enumerate(part.media)
            ]
            planning.refuse_late(body, call)
        if call.previous is not None:
            body["in_reply_to_id"] = call.previous.id
        headers = {"idempotency-key": self._key(call)}
        fence = None if "scheduled_at" in body else call.facts.fence("key")
        try:
            response = await call.commit("POST", "/api/v1/statuses", json=body, headers=headers, fence=fence)
        except errors.SocialKitError as error:
            if not call.lost:
                self._forget(part, error, call)
            elif call.facts.software in known.PLEROMA and getattr(error.__cause__, "status", None):
                call.remember("key answered", True)
            raise
        told = part if body == part.body else attrs.evolve(part, body=body)
        return posts.sent_of(response.json(), told)

    def _key(self, call: Call) -> str:
        """The key of this attempt: the one before, unless that can only bring back an error that was answered."""
        key: str | None = call.recall("key")
        if key is None or (call.recall("key answered") and not call.lost):
            if call.recall("key answered"):
                call.remember("key answered", None)
            key = f"{call.random.getrandbits(128):032x}"
            call.remember("key", key)
        return key

    def _forget(self, part: Part, error: errors.SocialKitError, call: Call) -> None:
        """Nothing can be live: the next attempt gets a key of its own (some servers answer a known key with the old
        refusal), and looks whether the media are still there."""
        call.remember("key", None)
        for index, item in enumerate(part.media if isinstance(error, errors.Declined) else ()):
            call.remember(f"{_media_name(index, item)} ready", None)

    async def _upload(self, index: int, item: PartMedia, call: Call) -> str:
        """The media id, from this or an earlier process; waits until the server has processed it."""
        name = _media_name(index, item)
        known = call.recall(name)
        if known is not None and not call.recall(f"{name} ready"):
            try:
                await self._processed(str(known), call)
            except errors.Declined:
                known = None  # forgotten by the server, or its processing failed
        if known is None:
            known = await self._uploaded(name, item, call)
        call.remember(f"{name} ready", True)
        return str(known)

    async def _uploaded(self, name: str, item: PartMedia, call: Call) -> str:
        form, response = await _fields(item, call), None
        if call.facts.facts["media_v2"]:
            response = await call.prepare(
                "POST", "/api/v2/media", multipart=form, timeout=UPLOAD_TIMEOUT, accept=_NO_ADDRESS
            )
        if response is None or response.status in _NO_ADDRESS:
            response = await call.prepare("POST", "/api/v1/media", multipart=form, timeout=UPLOAD_TIMEOUT)
        uploaded = response.json()
        call.remember(name, str(uploaded["id"]), expires_in=72_000)
        if response.status == 202 or uploaded.get("url") is None:
            await self._processed(str(uploaded["id"]), call)
        return str(uploaded["id"])

    async def _processed(self, media_id: str, call: Call) -> None:
        await call.poll(
            lambda: call.read("GET", _place("media", media_id), accept=(206,)),
            lambda answer: answer.status == 200,
        )

    # --- after --------------------------------------------------------------------------------------------
    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        """A scheduled post that is no longer on the list was published: its own status is looked for. One that left
        the list before its time was called off."""
        if sent.status is not Status.SCHEDULED:
            return sent
        listed = await call.read("GET", _place("scheduled_statuses", sent.id), accept=(404,))
        if listed.status == 200:
            return attrs.evolve(sent, look_again_at=posts.moment(listed.json()["scheduled_at"]))
        status = await self._published(sent.raw, call)
        if status is not None:
            return posts.sent_of(status, None)
        due = posts.moment(sent.raw["scheduled_at"])
        if call.now() < due - timedelta(minutes=1) and not await self._waits(sent, call):
            return Absent("it was taken off the server's list of scheduled posts before its time")
        if call.now() - due < timedelta(minutes=10):
            return attrs.evolve(sent, look_again_at=call.now() + timedelta(minutes=1))
        words = "it left the server's list of scheduled posts and is not among the account's own posts"
        return attrs.evolve(sent, look_again_at=None, missing=(words,))

    async def _waits(self, sent: Sent, call: Call) -> bool:
        """Whether the list has it, whatever the post's own address says."""
        waiting = self._pages("/api/v1/scheduled_statuses?limit=40", call)
        return any([str(one["id"]) == sent.id async for one in waiting])

    async def _published(self, raw: Mapping[str, Any], call: Call) -> dict[str, Any] | None:
        """The status that a scheduled post became: the first like it since it was due."""
        found = None
        async for status in self._own(call, since=posts.moment(raw["scheduled_at"])):
            same = posts.ids_of(status) == raw.get("media", [])
            if same and await self._words(status, raw["text"], False, call) == "same":
                found = status
        return found

    async def find(self, lost: Lost, call: Call) -> Finding:
        if "scheduled_at" in lost.part.body:
            return await self._find_scheduled(lost, call)
        ours, alike = [], []
        async for status in self._own(call, since=lost.since):
            if posts.moment(status["created_at"]) > lost.until or str(status["id"]) in lost.claimed:
                continue
            likeness = await self._likeness(status, lost, call)
            ours += [status] if likeness == "same" else []
            alike += [status] if likeness == "alike" else []
        if len(ours) > 1:
            return CannotTell("two posts look exactly like this one")
        if ours:
            return Found(posts.sent_of(ours[0], _as_sent(lost)))
        if alike:
            place = alike[0].get("url") or alike[0]["id"]
            return CannotTell(f"{place} has the same words, but not all else that was sent")
        return Absent("it is not among the account's own posts")

    async def _find_scheduled(self, lost: Lost, call: Call) -> Finding:
        """Among the scheduled posts; among the published ones when its time has come."""
        body, uploaded = lost.part.body, _uploaded_ids(lost.part, call)
        due, ours = posts.moment(body["scheduled_at"]), []
        async for one in self._pages("/api/v1/scheduled_statuses?limit=40", call):
            params = one.get("params") or {}
            same = posts.squash(params.get("text") or "") == posts.squash(body["status"])
            same = same and params.get("visibility", body["visibility"]) == body["visibility"]
            apart = abs((posts.moment(one["scheduled_at"]) - due).total_seconds())
            if same and uploaded in (None, posts.ids_of(one)) and apart < 2:
                ours += [one] if str(one["id"]) not in lost.claimed else []
        if len(ours) > 1:
            return CannotTell("two scheduled posts look exactly like this one")
        if ours:
            return Found(posts.sent_of(ours[0], lost.part))
        raw = {"scheduled_at": body["scheduled_at"], "text": body["status"], "media": uploaded or []}
        if call.now() >= due and (status := await self._published(raw, call)) is not None:
            return Found(posts.sent_of(status, None))
        return Absent("it is not among the scheduled posts")

    async def _likeness(self, status: dict[str, Any], lost: Lost, call: Call) -> posts.Likeness:
        """Whether one of the account's own posts is exactly what was sent."""
        part = _as_sent(lost)
        keeps = call.facts.facts["keeps_ids"]
        told = posts.by_media(posts.ids_of(status), _uploaded_ids(part, call), len(part.media), keeps)
        if told in ("same", "other"):
            return told
        around = posts.compared(status, part.body)
        if around == "other":
            return around
        formatted = call.facts.software == "snac" or "content_type" in part.body
        words = await self._words(status, part.body["status"], formatted, call)
        return words if words != "same" else "alike" if "alike" in (told, around) else "same"

    async def _words(self, status: dict[str, Any], text: str, formatted: bool, call: Call) -> posts.Likeness:
        """By what the page shows, else by the source, which only the author may read. Where there is none, the page of
        a server that makes bold words of asterisks proves little."""
        if posts.by_words(status, text):
            return "same"
        source = await call.read("GET", f"{_place('statuses', status['id'])}/source", accept=_NO_DOCUMENT)
        told = posts.whole(source).get("text")
        if isinstance(told, str):
            return "same" if posts.squash(told) == posts.squash(text) else "other"
        return "alike" if formatted or posts.by_letters(status, text) else "other"

    async def _own(
        self, call: Call, *, since: datetime | None, limit: int = 40
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's own posts, newest first, down to ``since``."""
        path = f"{_place('accounts', call.facts.identity.id)}/statuses"
        url = f"{path}?limit={max(1, min(limit, 40))}&exclude_reblogs=true"
        async for status in self._pages(url, call):
            if since is not None and posts.moment(status["created_at"]) < since:
                return
            yield status

    async def _pages(self, url: str, call: Call) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        following: str | None = url
        while following:
            page = await call.read("GET", self._below(following))
            for item in page.json():
                yield item
            following = page.links.get("next")

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Replace everything: what the new post does not have is gone. Who sees it, what it replies to and what
        it quotes stay."""
        if "scheduled_at" in receipt.raw:
            words = "a scheduled post cannot be edited here; delete it and publish it anew"
            raise errors.ConfigError(f"{self.platform}: {words}")
        planning.refuse_fixed(part.body, call.account)
        await self._refuse_audience(receipt, part, call)
        body = {name: value for name, value in part.body.items() if name in planning.EDITABLE}
        if part.media:
            body["media_ids"] = [
                await self._upload(index, item, call) for index, item in enumerate(part.media)
            ]
        response = await call.attach("PUT", _place("statuses", receipt.id), json=body, repeatable=True)
        return posts.sent_of(response.json(), attrs.evolve(part, body=body))

    async def _refuse_audience(self, receipt: Receipt, part: Part, call: Call) -> None:
        """An edit that names another audience than the post has would be read by the old one."""
        wanted = part.body["visibility"]
        live = await self._status(str(receipt.id), call) if wanted != "public" else None
        if live and live.get("visibility", wanted) != wanted:
            words = f"an edit cannot change it: the post stays {live['visibility']!r}"
            hint = "delete the post and publish it anew"
            raise errors.InvalidPost([Problem(call.account, "visibility", "fixed", words, hint=hint)])

    async def delete(self, receipt: Receipt, call: Call) -> None:
        status_id: str | None = receipt.id
        if "scheduled_at" in receipt.raw:
            answer = await self._remove(_place("scheduled_statuses", receipt.id), call)
            published = await self._published(receipt.raw, call) if answer.status in (404, 410) else None
            status_id = str(published["id"]) if published else None
        if status_id is not None:
            await self._remove(_place("statuses", status_id), call, delete_media="true")

    async def _remove(self, path: str, call: Call, **params: str) -> base.Response:
        """Gone already is good; a page in place of an answer confirms nothing."""
        answer = await call.attach("DELETE", path, params=params, accept=(404, 410), repeatable=True)
        if answer.status < 300 and answer.content:
            answer.json()
        return answer

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        name = call.facts.facts["batch"]
        now = call.now()
        ids = [str(receipt.id) for receipt in receipts if "scheduled_at" not in receipt.raw]
        if name and len(ids) > 1:
            answer = await call.read("GET", "/api/v1/statuses", params=[(name, one) for one in ids])
            found = {str(status["id"]): status for status in answer.json()}
        else:
            found = await self._by_page(receipts, call) if len(ids) > 2 else {}
            found |= {one: await self._alone(one, call) for one in ids if one not in found}
        return [posts.row(receipt, found.get(str(receipt.id)), now) for receipt in receipts]

    async def _by_page(self, receipts: Sequence[Receipt], call: Call) -> dict[str, Any]:
        """What one page of the account's own posts has, below the newest of those asked for: servers that give no
        batch show most of a batch there."""
        me = call.facts.identity
        dated = [
            (one.published_at, str(one.id)) for one in receipts if one.published_at and one.identity == me
        ]
        if len(dated) < 3:
            return {}
        params = {"limit": "40", "exclude_reblogs": "true", "max_id": max(dated)[1]}
        place = f"{_place('accounts', me.id)}/statuses"
        try:
            page = (await call.read("GET", place, params=params, accept=_NO_DOCUMENT)).json_or_none()
        except (errors.Declined, errors.Unavailable):
            page = None  # then each is asked for by itself, and says by itself what is wrong
        return {str(status["id"]): status for status in page} if isinstance(page, list) else {}

    async def _alone(self, status_id: str, call: Call) -> dict[str, Any] | errors.PlatformError | None:
        """One status, or what the server said instead: the others' rows do not suffer from it."""
        try:
            return await self._status(status_id, call)
        except (errors.Declined, errors.Unavailable) as error:
            return error

    async def _status(self, status_id: str, call: Call) -> dict[str, Any] | None:
        response = await call.read("GET", _place("statuses", status_id), accept=(404,))
        status: dict[str, Any] | None = response.json() if response.status == 200 else None
        return status

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        me = (await call.read("GET", "/api/v1/accounts/verify_credentials")).json()
        followers, why = posts.count(me, "followers_count"), "the server does not tell"
        if call.facts.software == "snac" and not followers:
            followers, why = None, "snac says 0 unless it is set up to tell"
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=me.get("url"),
            followers=followers,
            missing={} if followers is not None else {"followers": why},
            raw={key: me.get(key) for key in ("followers_count", "following_count", "statuses_count")},
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        async for status in self._own(call, since=since, limit=limit):
            if until is None or posts.moment(status["created_at"]) <= until:
                yield self._receipt(status, call.facts.identity)

    def _receipt(self, status: dict[str, Any], owner: Identity) -> Receipt:
        sent = posts.sent_of(status, None)
        kind = "quote" if status.get("quote") else "reply" if status.get("in_reply_to_id") else "post"
        text = strip_html(status.get("content", ""))
        return Receipt(owner, sent.id, sent.url, sent.published_at, text, kind, raw=sent.raw)

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink of any server, or a local status id."""
        if "://" not in reference:
            status = await self._status(reference, call)
            found = [status] if status else []
        elif (local := self._local_id(reference)) and (status := await self._status(local, call)):
            found = [status]
        else:
            params = {"q": reference, "resolve": "true", "type": "statuses", "limit": "1"}
            seen = posts.whole(await call.read("GET", "/api/v2/search", params=params)).get("statuses") or []
            found = [one for one in seen if posts.is_at(one, reference)]
        if not found:
            raise errors.ConfigError(f"{reference!r} is no post that {self.server} can see")
        account = found[0].get("account") or {}
        owner = Identity(self.platform, self.server, str(account.get("id", "")), account.get("acct"))
        return self._receipt(found[0], owner)

    def _local_id(self, permalink: str) -> str | None:
        match = _PERMALINK.fullmatch(permalink.removeprefix(self.server)) if self.owns(permalink) else None
        return match[1] if match else None

    def owns(self, permalink: str) -> bool:
        return permalink.startswith(self.server + "/")

    # --- the wire -----------------------------------------------------------------------------------------
    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """Servers answer JSON, HTML, plain text or nothing; texts are localised, so only fixed English
        ones are matched."""
        body = response.json_or_none()
        if isinstance(body, dict):
            return posts.words_of(body)
        return None, strip_html(response.text).strip()


async def _fields(item: PartMedia, call: Call) -> list[base.Field]:
    blob = await call.open(item)
    fields = [base.Field("file", base.Slice(blob), item.name, item.mime)]
    if item.alt:
        fields.append(base.Field("description", item.alt))
    if item.focus:
        fields.append(base.Field("focus", f"{item.focus[0]:g},{item.focus[1]:g}"))
    if item.thumbnail:
        picture = await call.open(item.thumbnail)
        fields.append(base.Field("thumbnail", base.Slice(picture), item.thumbnail.name, item.thumbnail.mime))
    return fields


def _media_name(index: int, item: PartMedia) -> str:
    """Under which name the id of an uploaded medium is remembered."""
    return f"media {index} {item.digest[:16]}"


def _uploaded_ids(part: Part, call: Call) -> list[str] | None:
    """The ids of the part's media, sorted; None when they are no longer known."""
    ids = [call.recall(_media_name(index, item)) for index, item in enumerate(part.media)]
    return sorted(str(one) for one in ids) if all(ids) else None


def _place(kind: str, name: str | None) -> str:
    """The path of one thing by its id, which is any text."""
    return f"/api/v1/{kind}/{quote(str(name), safe='')}"


def _as_sent(lost: Lost) -> Part:
    """The part as it left: in a thread, with what it replies to."""
    if lost.previous is None:
        return lost.part
    return attrs.evolve(lost.part, body={**lost.part.body, "in_reply_to_id": lost.previous.id})
