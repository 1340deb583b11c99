"""X (formerly Twitter), through its API v2.

A post cannot be repeated safely here: there is no idempotency key, and a refusal as a duplicate does not name
the post that exists. A lost answer is settled by reading the account's own posts.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, get_args

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, found, told_id
from socialkit.flows.x import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Receipt
from socialkit.rules import Rules, TextRule

from . import base
from ._x_article import published
from ._x_media import attachments, forget_uploads, known_uploads
from ._x_numbers import (
    Seen,
    clicks_of,
    is_field_problem,
    is_known,
    is_young,
    moving_keys,
    row_of,
    watch_times_of,
)
from ._x_plan import Access, XAppInstall, XOptions, part_of
from ._x_posts import (
    FIELDS,
    FIRST_DAY,
    STATUS,
    author_of,
    born,
    either,
    id_of,
    is_apart,
    is_text_of,
    likeness_of,
    media_keys,
    no_edit_of,
    own_id_of,
    permalink_of,
    posted_at,
    references_of,
    sent_of,
    stamp,
    words_of,
)
from ._x_rules import PREMIUM_TEXT, QUARTER, RULES, VIDEO
from ._x_wire import day_reading, details_of, has_bad_media, read_error
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, Sent

CLOCKS = timedelta(seconds=2)
"""How far apart X's clock and what is known of it may be while an answer is at hand."""
GONE = ("resource-not-found", "34", "144")


class X(base.Adapter):
    """One account on X.

    Args:
        token: an OAuth 2.0 user token with ``X.scopes``. refresh_token: renews it; needs ``client_id``.
        oauth1: (consumer key, consumer secret, token, token secret) instead.
        client_id, client_secret: the developer app; the secret only where it is a confidential client.
        server: base URL of the API.
        premium: whether the account has X Premium; None asks X.
        access: what the developer app may do: "self-serve" (pay per use) or "enterprise".
        media_analytics: read how long own videos were watched too, in a request of its own.
        post_analytics: read clicks on links in own posts of more than 30 days too, in a request of its own.

    >>> X(token="…")
    <X https://api.x.com>
    """

    platform: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[XOptions]] = XOptions
    AppInstall: ClassVar[type[XAppInstall]] = XAppInstall
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
        access: Access = "self-serve",
        media_analytics: bool = False,
        post_analytics: bool = False,
    ) -> None:
        if access not in get_args(Access):
            raise errors.ConfigError(f"X: access={access!r}; it is one of {', '.join(get_args(Access))}")
        self.premium = premium
        self.access: Access = access
        self.media_analytics, self.post_analytics = media_analytics, post_analytics
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
        rules = self.rules
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

    # --- publish -------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        return part_of(draft, self.access, premium=self._is_premium(draft.facts))

    async def send(self, part: Part, call: Call) -> Sent:
        missing, began, name = list[str](), call.now(), "id"
        try:
            if "article" in part.body:
                response, name = await published(part, call, missing), "post_id"
            else:
                response = await self._committed(await self._body(part, call, missing), call)
        except errors.Declined as error:
            if has_bad_media(error):
                forget_uploads(part, call)
            raise
        except errors.OutcomeUnknown as error:
            if isinstance(error.__cause__, errors.Declined):
                return await self._in_spite_of(error, part, began, call)
            raise
        return sent_of(str(response.json()["data"][name]), call.facts, tuple(missing))

    async def _body(self, part: Part, call: Call, missing: list[str]) -> dict[str, Any]:
        """The request, with what only uploads and the part before can fill in."""
        body = dict(part.body["request"])
        if part.media:
            body["media"] = body.get("media", {}) | await attachments(part, call, missing)
        if missing or call.recall("missing"):
            call.remember("missing", list(missing))
        if call.previous is not None:
            body["reply"] = body.get("reply", {}) | {"in_reply_to_tweet_id": call.previous.id}
        return body

    async def _committed(self, body: dict[str, Any], call: Call) -> base.Response:
        """The answer to the post. A parent that X does not show yet was made by us a moment ago, or is gone."""
        try:
            return await call.commit("POST", "/2/tweets", json=body)
        except errors.Unavailable as error:
            if error.status != 403:
                raise
            if call.previous is None:
                raise errors.Declined(error.message, **details_of(error)) from error
        looks, path = 0, f"/2/tweets/{call.previous.id}"

        def seen(answer: base.Response) -> bool:
            nonlocal looks
            looks += 1
            return looks == 3 or bool((answer.json_or_none() or {}).get("data"))

        await call.poll(lambda: call.read("GET", path, accept=(404,)), seen, waits=(2, 3))
        return await call.commit("POST", "/2/tweets", json=body)

    async def _in_spite_of(
        self, error: errors.OutcomeUnknown, part: Part, began: datetime, call: Call
    ) -> Sent:
        """The post that a refusal without a reason denies, if the account's own list shows it; else the refusal.

        X was seen to answer 403 to a post that went out. The list lags some seconds, so it is looked at three times.
        """
        lost = Lost(part, began - CLOCKS, began + timedelta(hours=1), previous=call.previous)
        refusal, seen = error.__cause__, list[Finding]()
        if is_apart(part) and refusal is not None:
            raise refusal

        async def look() -> base.Response:
            seen.append(await self.find(lost, call))
            return base.Response(200, {})

        try:
            await call.poll(look, lambda _: len(seen) == 3 or not isinstance(seen[-1], Absent), waits=(5, 10))
        except errors.SocialKitError:
            raise error  # noqa: B904 - its cause is the refusal
        if isinstance(seen[-1], Found):
            return seen[-1].sent
        raise refusal if isinstance(seen[-1], Absent) and refusal is not None else error

    # --- after ---------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        uploads = known_uploads(lost.part, call)
        same, alike = list[dict[str, Any]](), list[dict[str, Any]]()
        async for post in self._own(call, since=lost.since):
            at = posted_at(post)
            if str(post["id"]) in lost.claimed or not (at is None or lost.since <= at <= lost.until):
                continue
            likeness = likeness_of(post, lost, uploads)
            if likeness != "other":
                (same if likeness == "same" else alike).append(post)
        if len(same) > 1:
            return CannotTell("two posts look exactly like this one")
        if same:
            return Found(sent_of(str(same[0]["id"]), call.facts, tuple(call.recall("missing") or ())))
        if alike:
            return CannotTell("a post much like this one is there, but it is not known to be this one")
        if is_apart(lost.part):
            words = (
                "X does not say whether posts into a Community, or for subscribers, are on the author's list"
            )
            return CannotTell(words, look_again_in=600.0)
        return Absent("it is not among the account's own posts")

    async def _own(
        self, call: Call, *, since: datetime | None, until: datetime | None = None, size: int = 100
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's own posts without reposts, newest first, every page."""
        params = {"max_results": str(size), "exclude": "retweets", "tweet.fields": FIELDS}
        if since is not None:
            params["start_time"] = stamp(max(since, FIRST_DAY))
        if until is not None and FIRST_DAY < until < call.now() - timedelta(minutes=1):
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

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """A new version, with an id of its own: for accounts with Premium, within the time X gives.

        It is posted once only. A lost answer is OutcomeUnknown; the same call then finds what became of it, and a
        version that somebody else made meanwhile is not written over.
        """
        request = part.body["request"]
        if not self._is_premium(call.facts):
            raise errors.ConfigError(
                "X lets only accounts with Premium edit; delete the post and publish anew"
            )
        if "poll" in request or "community_id" in request:
            raise errors.ConfigError(
                "X lets nobody edit polls and posts of Communities; delete and publish anew"
            )
        known = own_id_of(receipt)
        post, latest = await self._version(known, call)
        if latest != known:
            newer, _ = await self._version(latest, call)
            if not part.media and not media_keys(newer) and is_text_of(newer, request.get("text", "")):
                return sent_of(latest, call.facts)
            words = f"{known} was edited meanwhile and its version {latest} is live: edit that one"
            raise errors.Declined(words, account=call.account)
        if (why := no_edit_of(post, call.now())) is not None:
            raise errors.Declined(f"X does not let {known} be edited: {why}", account=call.account)
        missing = list[str]()
        body = await self._body(part, call, missing) | {"edit_options": {"previous_post_id": known}}
        answer = await call.attach("POST", "/2/tweets", json=body)
        return sent_of(str(answer.json()["data"]["id"]), call.facts, tuple(missing))

    async def _version(self, post_id: str, call: Call) -> tuple[dict[str, Any], str]:
        """A post, and the id of the version that is live."""
        params = {"tweet.fields": f"{FIELDS},edit_controls"}
        answer = await call.read("GET", f"/2/tweets/{post_id}", params=params, accept=(404,))
        post = (answer.json_or_none() or {}).get("data")
        if not post:
            said = self.read_error(answer)[1]
            raise errors.Declined(f"X does not show {post_id}: {said or 'not found'}", status=404, said=said)
        versions = either(post, "edit_history_tweet_ids", "edit_history_post_ids") or [post_id]
        return post, str(max(versions, key=int))

    async def delete(self, receipt: Receipt, call: Call) -> None:
        path = f"/2/tweets/{own_id_of(receipt)}"
        answer = await call.attach("DELETE", path, accept=(404,), repeatable=True)
        body = answer.json_or_none()
        code, said = self.read_error(answer)
        told = isinstance(body, dict) and bool(body)
        deleted = told and bool((body.get("data") or {}).get("deleted"))
        if not (deleted or code in GONE or (answer.status == 404 and told)):
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
        old = [r for r in own if not is_young(r, now)]
        clicked = await self._clicked(old, call) if self.post_analytics else None
        return [
            row_of(r, found.get(str(r.id)), problems.get(str(r.id)), now, watched, clicked) for r in receipts
        ]

    async def _lookup(
        self, receipts: Sequence[Receipt], call: Call, *, private: bool
    ) -> tuple[dict[str, Seen], dict[str, dict[str, Any]]]:
        """Posts with their media, and what X says of those it does not show; both by id."""
        if not receipts:
            return {}, {}
        blocks = ",non_public_metrics,organic_metrics" if private else ""
        params = {
            "ids": ",".join(dict.fromkeys(str(receipt.id) for receipt in receipts)),
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
        watched = dict[str, float]()
        for start in range(0, len(keys), 100):
            params = {
                "media_keys": ",".join(keys[start : start + 100]),
                "media_analytics.fields": "media_key,timestamped_metrics,watch_time_ms",
                **_since_the_first(own, call),
            }
            try:
                answer = await call.read("GET", "/2/media/analytics", params=params)
                watched |= watch_times_of(answer.json())
            except errors.SocialKitError as error:
                return f"X did not say: {error}"
        return watched

    async def _clicked(self, old: Sequence[Receipt], call: Call) -> dict[str, int] | str:
        """How often links in own posts were clicked, by id; why not, where X refuses to say."""
        if not old:
            return {}
        params = {
            "ids": ",".join(dict.fromkeys(str(receipt.id) for receipt in old)),
            "analytics.fields": "id,timestamped_metrics,url_clicks",
            **_since_the_first(old, call),
        }
        try:
            return clicks_of((await call.read("GET", "/2/tweets/analytics", params=params)).json())
        except errors.SocialKitError as error:
            return f"X did not say: {error}"

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
            at = receipt.published_at
            if at is None or ((since is None or at >= since) and (until is None or at <= until)):
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
        return read_error(response)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        if isinstance(error, errors.RateLimited) and error.retry_at is None:
            error.retry_at = self._free_again(error.code, response)
        refused = (
            response.status == 403 and "/2/media/" in response.url and isinstance(error, errors.Declined)
        )
        if refused and "not permitted" in str(error.__dict__.get("said")):
            words = f"{error.args[0]}; uploads need the scope media.write: sign in again with it"
            return errors.MissingScope(words, **{"definite": True, **details_of(error)})
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
                readings += day_reading(budget, header, response)
        return readings


def _since_the_first(receipts: Sequence[Receipt], call: Call) -> dict[str, str]:
    """All the time of some posts, as one number."""
    times = [at for receipt in receipts if (at := receipt.published_at or born(str(receipt.id)))]
    start = max(FIRST_DAY, min(times, default=FIRST_DAY))
    return {"start_time": stamp(start), "end_time": stamp(call.now()), "granularity": "total"}


def _oauth1(keys: Sequence[str]) -> base.Credential:
    if len(keys) != 4:
        raise errors.ConfigError("X: oauth1= is (consumer key, consumer secret, token, token secret)")
    if not all(keys):
        raise errors.ConfigError("X: oauth1= has an empty one among its four")
    key, secret, token, token_secret = keys
    return base.Credential(
        "oauth1", client_id=key, client_secret=secret, access_token=token, secret=token_secret
    )
