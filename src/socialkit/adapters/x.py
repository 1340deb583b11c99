"""X (formerly Twitter), through its API v2.

A post cannot be repeated safely here: there is no idempotency key, and a refusal as a duplicate does not name
the post that exists. A lost answer is settled by reading the account's own posts.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, found, told_id
from socialkit.flows.x import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt
from socialkit.rules import Budget, Rules, TextRule
from socialkit.text import find_entities, invalid_characters, strip_html

from . import base
from ._x_posts import (
    EPOCH,
    FIELDS,
    STATUS,
    Seen,
    author_of,
    born,
    id_of,
    is_field_problem,
    is_known,
    is_young,
    likeness_of,
    media_keys,
    moving_keys,
    own_id_of,
    permalink_of,
    posted_at,
    problem_kind,
    references_of,
    row_of,
    sent_of,
    stamp,
    watch_times_of,
    words_of,
)
from ._x_rules import DAY, DOCUMENTED_VIDEO, LABELS, PREMIUM_TEXT, PRICE, QUARTER, RULES, VIDEO
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, PartMedia, Sent

MIB = 1 << 20
GONE = ("resource-not-found", "34", "144")


@attrs.frozen
class XOptions(base.Options):
    """What only X knows. In a thread, who may reply, place, tags and community go with the first post.

    Attributes:
        reply_settings: who may reply: None is everyone.
        made_with_ai, paid_partnership: disclosures.
        community_id: post into this Community. share_with_followers: show it to followers too.
        tagged_user_ids: ids of at most 10 people to tag in the media.
        for_super_followers_only: for subscribers only.
        place_id: id of a place to show.

    >>> XOptions(reply_settings="verified").made_with_ai is None
    True
    """

    platform: ClassVar[str] = "x"
    reply_settings: Literal["following", "mentionedUsers", "subscribers", "verified"] | None = None
    made_with_ai: bool | None = None
    paid_partnership: bool | None = None
    community_id: str | None = None
    share_with_followers: bool | None = None
    tagged_user_ids: tuple[str, ...] = ()
    for_super_followers_only: bool | None = None
    place_id: str | None = None


class X(base.Adapter):
    """One account on X.

    Args:
        token: an OAuth 2.0 user token with ``X.scopes``. refresh_token: renews it; needs ``client_id``.
        oauth1: (consumer key, consumer secret, token, token secret) instead.
        client_id, client_secret: the developer app; the secret only where it is a confidential client.
        server: base URL of the API.
        premium: whether the account has X Premium; None asks X.
        media_analytics: read how long own videos were watched too, in a request of its own.

    >>> X(token="…")
    <X https://api.x.com>
    """

    platform: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[XOptions]] = XOptions
    rotation: ClassVar[base.Rotation] = "strict"
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        oauth1: tuple[str, str, str, str] | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        server: str = "https://api.x.com",
        premium: bool | None = None,
        media_analytics: bool = False,
    ) -> None:
        self.premium, self.media_analytics = premium, media_analytics
        if oauth1 is not None:
            if token or refresh_token:
                raise errors.ConfigError("X: give oauth1= or token=, not both")
            super().__init__(server, _oauth1(oauth1))
            return
        seed = base.Credential.of_user("X", token, refresh_token, client_id, client_secret)
        super().__init__(server, seed)

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        params = {"user.fields": "username,name,profile_image_url,verified_type,subscription_type"}
        me = await self._me(params, call)
        native = told_id(self.platform, me)
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, as_text(me.get("username"))),
            url=f"https://x.com/{me.get('username')}",
            software="x",
            facts={name: me.get(name) for name in ("username", "subscription_type", "verified_type")},
        )

    async def _me(self, params: Mapping[str, str], call: Call) -> dict[str, Any]:
        answer = await call.read("GET", "/2/users/me", params=params)
        me = found(answer.json(), "data")
        if not isinstance(me, dict):
            raise errors.Declined(f"X does not show the account: {self.read_error(answer)[1]}")
        return me

    def rules_for(self, facts: AccountFacts) -> Rules:
        rules = RULES
        if self.media_analytics:
            rules = attrs.evolve(rules, metrics=rules.metrics | {"watch_seconds"})
        if not self._is_premium(facts):
            return rules
        video = attrs.evolve(VIDEO, max_bytes=16 << 30, max_seconds=7500.0)
        return attrs.evolve(rules, text=TextRule(PREMIUM_TEXT, "x"), video=video)

    def _is_premium(self, facts: AccountFacts) -> bool:
        """As given, else by the subscription; where X leaves that out, by the badge that comes with one."""
        if self.premium is not None:
            return self.premium
        told = facts.facts.get("subscription_type") or facts.facts.get("verified_type")
        return str(told or "none").casefold() != "none"

    # --- plan ----------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post = draft.post
        request: dict[str, Any] = {"text": post.text} if post.text.strip() else {}
        request |= _option_fields(draft)
        if (parent := self._target(draft, "reply_to")) is not None:
            request["reply"] = {"in_reply_to_tweet_id": parent}
        if (quoted := self._target(draft, "quote")) is not None:
            request["quote_tweet_id"] = quoted
        if post.poll:
            request["poll"] = _poll(draft)
        _check_text(draft)
        _check_mix(draft)
        _check_moving(draft, self._is_premium(draft.facts))
        _check_captions(draft)
        summoned = self._check_reply(draft)
        warning = _media_warning(draft)
        body = {"request": request} | ({"warning": warning} if warning else {})
        kind = "quote" if post.quote else "reply" if post.reply_to or draft.index else "post"
        requests = 1 + sum(_requests(item, bool(warning)) for item in draft.media)
        return Part(
            draft.index, body, post.text, kind, requests=requests, cost=_cost(draft, summoned, bool(warning))
        )

    def _target(self, draft: Draft, field: Literal["reply_to", "quote"]) -> str | None:
        """The id of the post that is replied to or quoted, from a receipt, a permalink or an id."""
        wanted = getattr(draft.post, field)
        if wanted is None:
            return None
        reference = wanted.id or wanted.url or "" if isinstance(wanted, Receipt) else wanted
        found = id_of(reference)
        if found is None:
            hint = "give its permalink or id"
            draft.problem(field, "not_found", f"{reference!r} is no post on X", hint=hint)
        return found

    def _check_reply(self, draft: Draft) -> bool:
        """Whether it replies to somebody else, which X allows apps only when that person called for it."""
        wanted = draft.post.reply_to
        if wanted is None or self._is_own(wanted, draft.facts):
            return False
        draft.problem(
            "reply_to",
            "summoned_only",
            "X takes a reply through its API only when the author mentioned or quoted this account",
            hint="Enterprise apps and replies to own posts are exempt",
            severity="warning",
        )
        return True

    def _is_own(self, wanted: Receipt | str, facts: AccountFacts) -> bool:
        if isinstance(wanted, Receipt):
            return wanted.identity.id == facts.identity.id
        name, own = author_of(wanted), facts.identity.name
        return name is not None and own is not None and name.casefold() == own.casefold()

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        body, missing = dict(part.body["request"]), list[str]()
        if part.media:
            body["media"] = body.get("media", {}) | await self._attachments(part, call, missing)
        if call.previous is not None:
            body["reply"] = {"in_reply_to_tweet_id": call.previous.id}
        try:
            response = await call.commit("POST", "/2/tweets", json=body)
        except errors.Unavailable as error:
            if error.status == 403 and call.previous is None:
                raise errors.Declined(error.message, **_details(error)) from error
            raise
        return sent_of(str(response.json()["data"]["id"]), call.facts, tuple(missing))

    async def _attachments(self, part: Part, call: Call, missing: list[str]) -> dict[str, Any]:
        """Everything up, described and captioned: the request's ``media``."""
        ids, preview = [], None
        for index, item in enumerate(part.media):
            media_id = await self._upload(f"media {index}", item, _category(item), call)
            await self._describe(index, media_id, item, part, call, missing)
            for number, caption in enumerate(item.captions):
                await self._subtitle(f"captions {index}.{number}", media_id, caption, call)
            if item.thumbnail is not None:
                preview = await self._upload(f"thumbnail {index}", item.thumbnail, "tweet_image", call)
            ids.append(media_id)
        return {"media_ids": ids} | ({"preview_media_id": preview} if preview else {})

    async def _upload(self, place: str, item: PartMedia, category: str, call: Call) -> str:
        """The media id, from this or an earlier process; it lives for a day."""
        name = _memory(place, item)
        if (known := call.recall(name)) is not None:
            return str(known[0])
        if category in ("tweet_image", "subtitles"):
            data = await self._upload_whole(item, category, call)
        else:
            data = await self._upload_chunks(name, item, category, call)
        media_id = str(data["id"])
        call.remember(name, [media_id, data.get("media_key")], expires_in=_lifetime(data))
        return media_id

    async def _upload_whole(self, item: PartMedia, category: str, call: Call) -> dict[str, Any]:
        blob = await call.open(item)
        mime = "text/srt" if item.mime == "application/x-subrip" else item.mime
        file = base.Field("media", base.Slice(blob), item.name, mime)
        fields = [file, base.Field("media_category", category)]
        return _data(await call.prepare("POST", "/2/media/upload", multipart=fields, timeout=300.0))

    async def _upload_chunks(self, name: str, item: PartMedia, category: str, call: Call) -> dict[str, Any]:
        """In segments. A resume sends at most one of them again; a dead session starts afresh."""
        session = call.recall(f"{name} session")
        if session is not None and session["until"] <= call.now().timestamp():
            session = None
        if session is not None:
            with contextlib.suppress(errors.Declined):
                return await self._finish(name, item, session, call)
        return await self._finish(name, item, await self._initialize(name, item, category, call), call)

    async def _finish(
        self, name: str, item: PartMedia, session: dict[str, Any], call: Call
    ) -> dict[str, Any]:
        answer = await self._transfer(name, item, session, call)
        done = await self._processed(session["id"], answer, call)
        return {"id": session["id"], "media_key": session["key"], **_data(done)}

    async def _initialize(self, name: str, item: PartMedia, category: str, call: Call) -> dict[str, Any]:
        body = {"media_type": item.mime, "media_category": category, "total_bytes": item.size}
        data = _data(await call.prepare("POST", "/2/media/upload/initialize", json=body))
        until = call.now().timestamp() + _lifetime(data)
        session = {"id": str(data["id"]), "key": data.get("media_key"), "until": until, "sent": 0}
        call.remember(f"{name} session", session, secret=True)
        return session

    async def _transfer(
        self, name: str, item: PartMedia, session: dict[str, Any], call: Call
    ) -> base.Response | None:
        """The segments that are not up yet, then their end; None when an earlier process had come so far."""
        if session.get("final"):
            return None
        blob, size, url = await call.open(item), _chunk(item.size), f"/2/media/upload/{session['id']}"
        for number in range(session["sent"], -(-item.size // size)):
            piece = base.Slice(blob, number * size, min((number + 1) * size, item.size))
            file = base.Field("media", piece, item.name, item.mime)
            fields = [file, base.Field("segment_index", str(number))]
            await call.prepare("POST", f"{url}/append", multipart=fields, timeout=300.0)
            session = session | {"sent": number + 1}
            call.remember(f"{name} session", session, secret=True)
        answer = await call.prepare("POST", f"{url}/finalize")
        call.remember(f"{name} session", session | {"final": True}, secret=True)
        return answer

    async def _processed(self, media_id: str, answer: base.Response | None, call: Call) -> base.Response:
        """Look, as often as X says, until it has made its versions of the video."""
        told, pause = [answer] if answer else [], [1.0]

        async def look() -> base.Response:
            params = {"command": "STATUS", "media_id": media_id}
            seen = told.pop() if told else await call.read("GET", "/2/media/upload", params=params)
            pause[0] = float(_processing(seen).get("check_after_secs") or 5)
            return seen

        def waits() -> Iterator[float]:
            while True:
                yield pause[0]

        done = await call.poll(
            look,
            lambda seen: _processing(seen).get("state") not in ("pending", "in_progress"),
            waits=waits(),
            limit=1800,
        )
        if _processing(done).get("state") == "failed":
            why = _processing(done).get("error") or {}
            words = " ".join(str(why[key]) for key in ("name", "message") if why.get(key))
            raise errors.Declined(f"X could not process the video: {words or 'no reason given'}")
        return done

    async def _describe(
        self, index: int, media_id: str, item: PartMedia, part: Part, call: Call, missing: list[str]
    ) -> None:
        """Alt text and the sensitive mark. X does not say whether videos take the first: a refusal is told."""
        metadata: dict[str, Any] = {"alt_text": {"text": item.alt}} if item.alt else {}
        if warning := part.body.get("warning"):
            metadata["sensitive_media_warning"] = warning
        name = f"described {media_id}"
        if not metadata or call.recall(name):
            return
        lenient = (400,) if item.kind == "video" and not warning else ()
        body = {"id": media_id, "metadata": metadata}
        answer = await call.prepare("POST", "/2/media/metadata", json=body, accept=lenient)
        if answer.status == 400:
            missing.append(f"alt text of media {index + 1}: {self.read_error(answer)[1]}")
        else:
            call.remember(name, True, expires_in=DAY)

    async def _subtitle(self, place: str, media_id: str, caption: PartMedia, call: Call) -> None:
        name = f"{place} of {media_id}"
        if call.recall(name):
            return
        track = {
            "id": await self._upload(place, caption, "subtitles", call),
            "language_code": _language(caption),
            "display_name": caption.label or caption.language or _language(caption),
        }
        body = {"id": media_id, "media_category": "TweetVideo", "subtitles": track}
        await call.prepare("POST", "/2/media/subtitles", json=body)
        call.remember(name, True, expires_in=DAY)

    # --- after ---------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        uploads = [call.recall(_memory(f"media {i}", item)) for i, item in enumerate(lost.part.media)]
        same, alike = list[dict[str, Any]](), list[dict[str, Any]]()
        async for post in self._own(call, since=lost.since):
            at = posted_at(post)
            if str(post["id"]) in lost.claimed or (at is not None and at > lost.until):
                continue
            likeness = likeness_of(post, lost, uploads)
            if likeness != "other":
                (same if likeness == "same" else alike).append(post)
        if len(same) > 1:
            return CannotTell("two posts look exactly like this one")
        if same:
            return Found(sent_of(str(same[0]["id"]), call.facts))
        if alike:
            return CannotTell("a post with the same text is there, but its media are not known to be these")
        return Absent("it is not among the account's own posts")

    async def _own(
        self, call: Call, *, since: datetime | None, until: datetime | None = None, size: int = 100
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's own posts without reposts, newest first, every page."""
        params = {"max_results": str(size), "exclude": "retweets", "tweet.fields": FIELDS}
        if since is not None:
            params["start_time"] = stamp(since)
        if until is not None and until < call.now() - timedelta(minutes=1):
            params["end_time"] = stamp(until + timedelta(seconds=1))
        url, seen = f"/2/users/{call.facts.identity.id}/tweets", set[str]()
        while True:
            answer = await call.read("GET", url, params=params)
            page = answer.json()
            if page.get("errors") and "data" not in page:
                raise errors.Declined(f"X does not show the account's posts: {self.read_error(answer)[1]}")
            for post in page.get("data") or ():
                yield post
            token = (page.get("meta") or {}).get("next_token")
            if not token or token in seen:
                return
            seen.add(token)
            params["pagination_token"] = token

    async def delete(self, receipt: Receipt, call: Call) -> None:
        path = f"/2/tweets/{own_id_of(receipt)}"
        answer = await call.attach("DELETE", path, accept=(404,), repeatable=True)
        body = answer.json_or_none() or {}
        code, said = self.read_error(answer)
        gone = (body.get("data") or {}).get("deleted") or code in GONE or (answer.status == 404 and body)
        if not gone:
            raise errors.Declined(f"X did not delete {receipt.id}: {said or 'no explanation'}", code=code)

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request for own posts of the last 30 days, whose private numbers X tells; one for the others."""
        now, known = call.now(), [r for r in receipts if is_known(r)]
        private = [r for r in known if is_young(r, now) and r.identity.id == call.facts.identity.id]
        found, problems = await self._lookup(private, call, private=True)
        asked = {r.id for r in private if r.id not in found and not is_field_problem(problems.get(str(r.id)))}
        rest = [r for r in known if r.id not in found and r.id not in asked]
        more, others = await self._lookup(rest, call, private=False)
        found, problems = found | more, {**problems, **others}
        own = [r for r in known if r.identity.id == call.facts.identity.id and r.id in found]
        watched = await self._watched(own, found, call) if self.media_analytics else None
        return [row_of(r, found.get(str(r.id)), problems.get(str(r.id)), now, watched) for r in receipts]

    async def _lookup(
        self, receipts: Sequence[Receipt], call: Call, *, private: bool
    ) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
        """Posts with their media, and what X says of those it does not show; both by id."""
        if not receipts:
            return {}, {}
        blocks = ",non_public_metrics,organic_metrics" if private else ""
        params = {
            "ids": ",".join(str(receipt.id) for receipt in receipts),
            "tweet.fields": f"public_metrics,attachments{blocks}",
            "expansions": "attachments.media_keys",
            "media.fields": f"type,public_metrics{',non_public_metrics' if private else ''}",
        }
        body = (await call.read("GET", "/2/tweets", params=params)).json()
        media = {one["media_key"]: one for one in (body.get("includes") or {}).get("media") or ()}
        problems = {str(p.get("resource_id") or p.get("value")): p for p in body.get("errors") or ()}
        found = {
            str(post["id"]): (post, [media.get(key) for key in media_keys(post)])
            for post in body.get("data") or ()
        }
        return found, problems

    async def _watched(
        self, own: Sequence[Receipt], found: Mapping[str, Seen], call: Call
    ) -> dict[str, float] | str:
        """How long the videos of own posts were watched, by media key; why not, where X refuses to say."""
        keys = [key for receipt in own for key in moving_keys(found[str(receipt.id)][1])]
        times = [at for receipt in own if (at := receipt.published_at or born(str(receipt.id)))]
        watched = dict[str, float]()
        for start in range(0, len(keys), 100):
            params = {
                "media_keys": ",".join(keys[start : start + 100]),
                "start_time": stamp(min(times, default=EPOCH)),
                "end_time": stamp(call.now()),
                "granularity": "total",
                "media_analytics.fields": "media_key,timestamped_metrics,watch_time_ms",
            }
            try:
                answer = await call.read("GET", "/2/media/analytics", params=params)
                watched |= watch_times_of(answer.json())
            except errors.SocialKitError as error:
                return f"X did not say: {error}"
        return watched

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        params = {"user.fields": "public_metrics"}
        me = await self._me(params, call)
        counts = me.get("public_metrics") or {}
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            followers=counts.get("followers_count"),
            missing={} if "followers_count" in counts else {"followers": "X did not say"},
            raw=dict(counts),
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        left = limit
        async for post in self._own(call, since=since, until=until, size=max(5, min(100, limit))):
            receipt = self._receipt(post, call.facts.identity)
            if left > 0 and not (until and receipt.published_at and receipt.published_at > until):
                yield receipt
                left -= 1
            if left <= 0:
                return

    def _receipt(self, post: dict[str, Any], owner: Identity) -> Receipt:
        references = references_of(post)
        kind = "reply" if "replied_to" in references else "quote" if "quoted" in references else "post"
        post_id = str(post["id"])
        url = permalink_of(post_id, owner.name)
        return Receipt(owner, post_id, url, posted_at(post), words_of(post), kind)

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink on x.com or twitter.com, or a bare id."""
        if (post_id := id_of(reference)) is None:
            raise errors.ConfigError(f"{reference!r} is no post on X; give its permalink or id")
        params = {"tweet.fields": f"{FIELDS},author_id"}
        answer = await call.read("GET", f"/2/tweets/{post_id}", params=params, accept=(404,))
        post = (answer.json_or_none() or {}).get("data")
        if not post:
            said = self.read_error(answer)[1]
            raise errors.ConfigError(f"{reference!r} is no post that X shows: {said or 'not found'}")
        author = str(post.get("author_id") or "")
        if author == call.facts.identity.id:
            return self._receipt(post, call.facts.identity)
        return self._receipt(post, Identity(self.platform, self.server, author, author_of(reference)))

    def owns(self, permalink: str) -> bool:
        return STATUS.fullmatch(permalink) is not None

    # --- the wire ------------------------------------------------------------------------------------------
    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """X answers problems, lists of them, the numbered errors of version 1.1, OAuth errors, and HTML."""
        body = response.json_or_none()
        if not isinstance(body, dict):
            return None, strip_html(response.text).strip()
        listed = [one for one in body.get("errors") or () if isinstance(one, dict)]
        code = next((str(one["code"]) for one in listed if one.get("code") is not None), None)
        kinds = [problem_kind(one) for one in (body, *listed)]
        code = code or next((kind for kind in kinds if kind), None)
        if code is None and isinstance(body.get("error"), str):
            code = body["error"]
        return code, _said(body, listed)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        if isinstance(error, errors.RateLimited) and error.retry_at is None:
            error.retry_at = self._free_again(error.code, response)
        refused = (
            response.status == 403 and "/2/media/" in response.url and isinstance(error, errors.Declined)
        )
        if refused and "not permitted" in str(error.__dict__.get("said")):
            words = f"{error.args[0]}; uploads need the scope media.write: sign in again with it"
            return errors.MissingScope(words, **{"definite": True, **_details(error)})
        return error

    def _free_again(self, code: str | None, response: base.Response) -> datetime | None:
        """When a cap ends that no header tells of; None where the limit headers say it."""
        now = response.received_at
        if now is None:
            return None
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if code == "usage-capped" and (response.json_or_none() or {}).get("period") != "Daily":
            return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        if code in ("185", "usage-capped"):
            return midnight + timedelta(days=1)
        empty = any(reading.remaining == 0 for reading in self.read_limits(response))
        return None if empty else now + timedelta(seconds=QUARTER)

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """The endpoint's window, and the app's and the user's 24 hours, each by the name of its budget."""
        path = response.url.partition("?")[0].removeprefix(self.server)
        readings = super().read_limits(response)
        for budget in RULES.budgets:
            header = budget.header or ""
            if header.endswith("-24hour") and re.fullmatch(budget.match, f"{response.method} {path}"):
                readings += _day_reading(budget, header, response)
        return readings


# --- planning ---------------------------------------------------------------------------------------------
def _option_fields(draft: Draft) -> dict[str, Any]:
    """The options as request fields; what belongs to the conversation goes with its first post."""
    options = draft.options
    fields = {
        name: getattr(options, name)
        for name in ("made_with_ai", "paid_partnership", "for_super_followers_only")
    }
    if draft.index == 0:
        fields |= {
            name: getattr(options, name)
            for name in ("reply_settings", "community_id", "share_with_followers")
        }
        fields["geo"] = {"place_id": options.place_id} if options.place_id else None
        fields["media"] = _tags(draft)
        _check_options(draft)
    return {name: value for name, value in fields.items() if value is not None}


def _tags(draft: Draft) -> dict[str, Any] | None:
    tagged: tuple[str, ...] = tuple(draft.options.tagged_user_ids)
    field = "options.tagged_user_ids"
    if len(tagged) > 10:
        draft.problem(field, "count", f"{len(tagged)} people; at most 10", limit=10, actual=len(tagged))
    if tagged and not draft.media:
        draft.problem(field, "no_media", "people are tagged in media; the first post has none")
    return {"tagged_user_ids": list(tagged)} if tagged and draft.media else None


def _check_options(draft: Draft) -> None:
    allowed = ("following", "mentionedUsers", "subscribers", "verified")
    chosen = draft.options.reply_settings
    if chosen is not None and chosen not in allowed:
        hint = f"one of {', '.join(allowed)}; None lets everyone reply"
        draft.problem("options.reply_settings", "unknown", f"no setting {chosen!r}", hint=hint)
    ids = {"community_id": [draft.options.community_id], "tagged_user_ids": draft.options.tagged_user_ids}
    for name, values in ids.items():
        for value in values:
            if value is not None and not re.fullmatch("[0-9]{1,19}", value):
                draft.problem(f"options.{name}", "not_an_id", f"{value!r} is no id: up to 19 digits")


def _poll(draft: Draft) -> dict[str, Any]:
    poll = draft.post.poll
    assert poll is not None
    minutes = min(10_080, max(5, round(poll.seconds / 60)))
    if minutes * 60 != poll.seconds:
        draft.change(
            "poll.seconds", "rounded", "is open for whole minutes", before=poll.seconds, after=minutes * 60
        )
    return {"options": list(poll.options), "duration_minutes": minutes}


def _check_text(draft: Draft) -> None:
    text = draft.post.text
    if not text.strip() and not draft.media and (draft.post.poll or draft.post.quote):
        draft.problem("text", "required", "X needs a text beside a poll or a quoted post")
    for at, name in invalid_characters(text):
        draft.problem("text", "invalid_character", f"{name} at {at} is not allowed on X", hint="take it out")
    cashtags = [entity for entity in find_entities(text, "x") if entity.kind == "cashtag"]
    if len(cashtags) > 1:
        words = f"{len(cashtags)} cashtags ($SYMBOL); at most one in a post"
        draft.problem("text", "cashtags", words, limit=1, actual=len(cashtags), hint="take the others out")


def _check_mix(draft: Draft) -> None:
    post = draft.post
    if post.quote is None:
        return
    if draft.media or post.poll:
        words = "a quote post has no media and no poll on X"
        draft.problem("quote", "mixed", words, hint="put the link into the text instead")
    words = "X lets only Enterprise apps quote; others are refused when it is sent"
    draft.problem("quote", "enterprise_only", words, hint="put the link into the text", severity="warning")


def _check_moving(draft: Draft, premium: bool) -> None:
    """A warning where only reports of third parties, not the manual, say that X takes a video."""
    most_bytes, most_seconds = DOCUMENTED_VIDEO
    for index, item in enumerate(draft.media):
        field, wide, high = f"media[{index}]", item.width or 0, item.height or 0
        if item.kind == "gif" and (wide > 1280 or high > 1080):
            words = f"{wide} × {high} pixels; an animated GIF has at most 1280 × 1080"
            draft.problem(field, "too_large", words, hint="make it smaller, or give a video")
        if item.kind == "video" and wide and high and min(wide, high) < 32:
            draft.problem(field, "too_small", f"{wide} × {high} pixels; a video has at least 32 × 32")
        beyond = item.size > most_bytes or (item.seconds or 0) > most_seconds
        if item.kind == "video" and beyond and not premium:
            words = "the manual says at most 512 MB and 140 s; since September 2026 X is said to take more"
            draft.problem(field, "undocumented", words, severity="warning")


def _check_captions(draft: Draft) -> None:
    for index, item in enumerate(draft.media):
        for number, caption in enumerate(item.captions):
            if not re.fullmatch("[A-Z]{2}", _language(caption)):
                words = f"{caption.language!r} has no two-letter code, and X takes no other"
                draft.problem(f"media[{index}].captions[{number}].language", "unsupported", words)


def _media_warning(draft: Draft) -> dict[str, bool]:
    """X marks media, not texts; a content warning is the name of such a mark."""
    label, known = draft.post.content_warning, ", ".join(sorted(LABELS))
    if label and label not in LABELS:
        hint = f"one of {known}, or clear it with post.variant('x', content_warning=None)"
        draft.problem("content_warning", "unsupported", "X has no warnings in free words", hint=hint)
    elif label and not draft.media and draft.index == 0:
        draft.problem("content_warning", "no_media", "X has warnings on media only; this post has none")
    elif label and not draft.media:
        draft.change("content_warning", "not_carried", "is not sent: X marks media only, this part has none")
    if draft.post.sensitive and not draft.media:
        draft.change("sensitive", "not_carried", "is not sent: X marks media only")
    if not draft.media:
        return {}
    return {label: True} if label in LABELS else {"other": True} if draft.post.sensitive else {}


def _requests(item: PartMedia, warned: bool) -> int:
    """How many requests a medium takes."""
    upload = 1 if _category(item) == "tweet_image" else 3 + -(-item.size // _chunk(item.size))
    return upload + bool(item.alt or warned) + 2 * len(item.captions) + (item.thumbnail is not None)


def _cost(draft: Draft, summoned: bool, warned: bool) -> float:
    """US dollars, pay per use: a link makes a post thirteen times dearer."""
    linked = any(entity.kind == "url" for entity in find_entities(draft.post.text, "x"))
    described = sum(bool(item.alt or warned) for item in draft.media)
    post = PRICE["url" if linked else "summoned" if summoned else "post"]
    return round(post + described * PRICE["metadata"], 3)


# --- media ------------------------------------------------------------------------------------------------
def _category(item: PartMedia) -> str:
    return {"video": "tweet_video", "gif": "tweet_gif"}.get(item.kind, "tweet_image")


def _chunk(total: int) -> int:
    """Bytes per segment: a MiB, more where 1000 of them would not do."""
    return max(MIB, -(-total // 999))


def _memory(place: str, item: PartMedia) -> str:
    return f"{place} {item.digest[:16]}"


def _lifetime(data: Mapping[str, Any]) -> float:
    """Seconds an upload can be relied on: what X says, ten minutes less."""
    return max(60.0, float(data.get("expires_after_secs") or DAY) - 600)


def _language(caption: PartMedia) -> str:
    return (caption.language or "").partition("-")[0].upper()


def _data(response: base.Response) -> dict[str, Any]:
    """The answer's object; some answers to uploads came without the usual wrapper."""
    body = response.json()
    data: dict[str, Any] = body.get("data") or body
    return data


def _processing(response: base.Response) -> dict[str, Any]:
    return _data(response).get("processing_info") or {}


# --- the wire ---------------------------------------------------------------------------------------------
def _oauth1(keys: Sequence[str]) -> base.Credential:
    if len(keys) != 4:
        raise errors.ConfigError("X: oauth1= is (consumer key, consumer secret, token, token secret)")
    key, secret, token, token_secret = keys
    return base.Credential(
        "oauth1", client_id=key, client_secret=secret, access_token=token, secret=token_secret
    )


def _said(body: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> str:
    """All of X's own words in an error, each once."""
    words = [body.get(name) for name in ("error", "error_description", "detail", "reason")]
    words += [one.get("message") or one.get("detail") for one in listed]
    found = list(dict.fromkeys(str(word) for word in words if word))
    return " ".join(found) or str(body.get("title") or "")


def _details(error: errors.SocialKitError) -> dict[str, Any]:
    """What an error carries beside its words, to give it another class."""
    names = ("status", "code", "said", "request_id", "account")
    return {name: error.__dict__[name] for name in names if name in error.__dict__}


def _day_reading(budget: Budget, header: str, response: base.Response) -> tuple[base.Reading, ...]:
    headers = response.headers
    numbers = [headers.get(f"{header}-{name}", "") for name in ("limit", "remaining")]
    if not any(number.isdigit() for number in numbers):
        return ()
    limit, remaining = (int(number) if number.isdigit() else None for number in numbers)
    resets_at = response.moment(f"{header}-reset")
    return (base.Reading(budget.name, limit, remaining, resets_at, DAY),)
