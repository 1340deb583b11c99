"""Instagram's professional accounts, with Instagram Login or through the Facebook Page they belong to.

A post is a container first, which nobody sees, and is published by its id. A container is published once: doing that
again makes no second post, and Instagram says of every container whether it has been published.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .. import errors
from ..flows import Flow
from ..flows._meta import VERSION
from ..flows._whoami import as_text, found, told_id
from ..flows.instagram import FLOWS
from ..metrics import Metrics
from ..model import Identity, Receipt
from ..rules import Rules
from . import base
from ._graph import LASTING, GraphAdapter, listing, moment, nameless, published, unsigned
from ._instagram_media import CONTAINER, NEVER, Containers, State, path, quota, state_of
from ._instagram_plan import InstagramOptions, InstagramProduct, InstagramTag, make_part
from ._instagram_posts import (
    FIELDS,
    PERMALINK,
    STORY,
    Insights,
    is_field_error,
    own_posts,
    posts_like,
    receipt_of,
    sent_of,
    summed,
    values_of,
)
from ._instagram_rules import LIVES, PAGE_RULES, RULES
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Fence, Finding, Found, Lost, Part, Sent

API, PAGES = "https://graph.instagram.com", "https://graph.facebook.com"
_BLOCKED = "4/2207051"
_MONTH = timedelta(days=30)
_TOTALS = "views,reach,likes,comments,shares,saves,reposts,total_interactions,website_clicks"
_NAMES = {
    "impressions": ("views",),
    "reach": ("reach",),
    "likes": ("likes",),
    "comments": ("comments",),
    "shares": ("shares", "reposts"),
    "saves": ("saves",),
    "clicks": ("website_clicks",),
}
"""The vocabulary, and what Instagram calls it for an account."""


class Instagram(GraphAdapter):
    """One professional account (business or creator) on Instagram.

    Args:
        token: with Instagram Login an Instagram user's token (``IGAA…``); with Facebook Login the token of the Page the
            account is linked to (``EAA…``).
        server: ``https://graph.instagram.com`` with Instagram Login, ``https://graph.facebook.com`` with Facebook's.
        account_id: the account's id (17841…), where a person's Facebook token is given instead of a Page's.

    Pictures, and with Instagram Login videos, are fetched by Instagram: local ones need ``Client(media_host=...)``.

    >>> Instagram("…")
    <Instagram https://graph.instagram.com>
    >>> Instagram("…", server="https://graph.facebook.com").rules.delete
    True
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "instagram"
    title: ClassVar[str] = "Instagram"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[InstagramOptions]] = InstagramOptions
    Tag: ClassVar[type[InstagramTag]] = InstagramTag
    Product: ClassVar[type[InstagramProduct]] = InstagramProduct
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(self, token: str | None = None, *, server: str = API, account_id: str | None = None) -> None:
        super().__init__(server, base.Credential("bearer", access_token=token))
        self.account_id = account_id
        if account_id:
            self.hint = f"{self.hint}|{account_id}"
        host, given = urlsplit(self.server).hostname, token or ""
        if given.startswith("EAA") and host == "graph.instagram.com":
            raise errors.ConfigError(f"Instagram: that is a Facebook token; give server={PAGES!r} with it")
        if given.startswith("IG") and host == "graph.facebook.com":
            raise errors.ConfigError("Instagram: that is a token of Instagram Login; leave server= out")
        self._through_page = host == "graph.facebook.com" or given.startswith("EAA")
        if self._through_page:
            self.__dict__["rules"] = PAGE_RULES

    # --- who am I -------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        page = await self._is_page(call)
        me = await (self._behind_page(call) if page else self._myself(call))
        native = told_id(self.platform, me, "id" if page else "user_id")
        name = as_text(me.get("username"))
        kind = as_text(me.get("account_type"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, name),
            url=f"https://www.instagram.com/{name}/" if name else None,
            software="instagram",
            fences=(Fence("container", "proved", valid_for=LIVES, repeat_after=5.0),),
            facts={"login": "facebook" if page else "instagram", "account_type": kind},
        )

    async def _is_page(self, call: Call) -> bool:
        """Whether it speaks through a Page: the credential shows it where the server's address does not."""
        credential = await call.signed_by()
        token, flow = credential.access_token or "", credential.extra.get("flow")
        if flow in ("instagram", "facebook"):
            return flow == "facebook"
        return token.startswith("EAA") or (self._through_page and not token.startswith("IG"))

    async def _myself(self, call: Call) -> dict[str, Any]:
        params = {"fields": "user_id,username,account_type"}
        me: dict[str, Any] = (await call.read("GET", f"/{VERSION}/me", params=params)).json()
        return me

    async def _behind_page(self, call: Call) -> dict[str, Any]:
        """The account by its id, or the one a Page's own token leads to."""
        known = self.identity.id if self.identity else self.account_id
        node, fields = known or "me", "id,username"
        if known is None:
            fields = "instagram_business_account{id,username}"
        try:
            told = (await call.read("GET", f"/{VERSION}/{node}", params={"fields": fields})).json()
        except errors.Declined as error:
            if known is not None or not is_field_error(error):
                raise
            told = {}
        me: dict[str, Any] | None = told if known else found(told, "instagram_business_account")
        if me is None:
            words = "give the token of the Page the account is linked to, or account_id="
            raise errors.ConfigError(f"Instagram: the token leads to no Instagram account; {words}")
        return me

    def rules_for(self, facts: AccountFacts) -> Rules:
        return attrs.evolve(PAGE_RULES if _by_page(facts) else RULES, budgets=self.rules.budgets)

    # --- publishing -----------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        return make_part(draft, page=_by_page(draft.facts))

    async def send(self, part: Part, call: Call) -> Sent:
        if call.recall("blocked"):
            words = (
                "Instagram took the post for spam and did not publish it; wait some hours, then publish again"
            )
            raise errors.Declined(words, code=_BLOCKED)
        container = await Containers(self, part, call, _by_page(call.facts)).ready()
        if container is None:
            return await self._unnamed(part, call)
        try:
            answer = await call.commit(
                "POST",
                path(call, "media_publish"),
                form=[("creation_id", container)],
                fence=call.facts.fence("container"),
                mark=container,
            )
        except errors.OutcomeUnknown as error:
            if getattr(error.__cause__, "code", None) == _BLOCKED:
                call.remember("blocked", True, expires_in=3600.0)
            raise
        if (post_id := as_text(found(answer.json(), "id"))) is None:
            raise errors.OutcomeUnknown("Instagram published something and did not say what")
        return sent_of(post_id, part.body["kind"])

    async def _unnamed(self, part: Part, call: Call) -> Sent:
        """The post of a container that every attempt was taken to have failed with: live, a person says which it is."""
        now = call.now()
        window = Lost(part, now - timedelta(seconds=LIVES), now)
        return nameless(await listing(posts_like(window, call)), self.title)

    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """The permalink, then closed comments and the first one. What fails is named in ``missing``."""
        after = part.body["after"]
        if sent.id is None:
            untold = (f"{name}: needs the post's id" for name in after)
            return attrs.evolve(sent, missing=(*sent.missing, *untold))
        post_id, missing = sent.id, list(sent.missing)
        if sent.url is None:
            try:
                sent = await self._shown(sent, call)
            except (errors.PlatformError, errors.AuthError) as error:
                missing.append(f"permalink: {error.message}")
        for name, act in (("comment_enabled", self._close), ("first_comment", self._comment)):
            if name in after:
                try:
                    await act(post_id, after[name], call)
                except (errors.PlatformError, errors.AuthError) as error:
                    missing.append(f"{name}: {error.message}")
        return attrs.evolve(sent, missing=tuple(missing))

    async def _shown(self, sent: Sent, call: Call) -> Sent:
        """With the permalink and the moment; a post just made is now and then not there for a few seconds."""

        looks = iter(range(4))

        async def look() -> base.Response:
            params = {"fields": "id,permalink,timestamp"}
            return await call.read("GET", f"/{VERSION}/{sent.id}", params=params, accept=(400,))

        def is_told(seen: base.Response) -> bool:
            return next(looks, 3) == 3 or self.read_error(seen)[0] != "100/33"

        answer = await call.poll(look, is_told, waits=(1, 2, 4))
        if self.says_no(answer):
            raise self.parse_error(answer)
        post = answer.json()
        return attrs.evolve(sent, url=post.get("permalink"), published_at=moment(post.get("timestamp")))

    async def _close(self, post_id: str, enabled: bool, call: Call) -> None:
        form = [("comment_enabled", str(enabled).lower())]
        await call.attach("POST", f"/{VERSION}/{post_id}", form=form, repeatable=True)

    async def _comment(self, post_id: str, text: str, call: Call) -> None:
        """Never twice: after a lost answer the comments are read, and nothing is sent again."""
        address = f"/{VERSION}/{post_id}/comments"
        try:
            await call.attach("POST", address, form=[("message", text)])
        except (errors.OutcomeUnknown, errors.Unavailable):
            params = {"fields": "id,text,username", "limit": "50"}
            name = call.facts.identity.name
            listed = found((await call.read("GET", address, params=params)).json(), "data") or ()
            if not any(one.get("text") == text and one.get("username") in (name, None) for one in listed):
                raise

    # --- after ----------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        """What its container says; where that says "published", which of the account's posts it is."""
        container = call.recall(CONTAINER) or lost.mark
        state = await state_of(str(container), call) if container is not None else State("GONE")
        if state.code in NEVER:
            return Absent(f"its container is {state.code}, so it has not been published")
        if state.code == "IN_PROGRESS":
            return CannotTell("its container is still being processed", look_again_in=30.0)
        if state.code == "PUBLISHED":
            told = await listing(posts_like(lost, call), LASTING)
            return published(told, lost.until, call.now(), self.title)
        alike = await posts_like(lost, call)
        if len(alike) > 1:
            return CannotTell("two posts look exactly like this one")
        return Found(alike[0]) if alike else CannotTell("Instagram does not say what became of its container")

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """With Facebook Login; already gone counts as done."""
        if not _by_page(call.facts):
            words = "Instagram lets posts be deleted through Facebook Login only; delete it in the app"
            raise errors.ConfigError(words, account=call.account)
        address = f"/{VERSION}/{_own_id(receipt)}"
        answer = await call.attach("DELETE", address, accept=(400,), repeatable=True)
        if answer.status == 200:
            return
        error = self.parse_error(answer)
        if error.__dict__.get("code") != "100/33" or await self._is_there(address, call):
            raise error

    async def _is_there(self, address: str, call: Call) -> bool:
        answer = await call.read("GET", address, params={"fields": "id"}, accept=(400,))
        return answer.status == 200

    # --- reading --------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request per post; with Facebook Login one for 50."""
        good = [receipt for receipt in receipts if str(receipt.id).isdigit()]
        rows = await Insights(self, call, page=_by_page(call.facts)).rows(good)
        known = {row.id: row for row in rows}
        return [known.get(receipt.id) or self._no_id(receipt, call) for receipt in receipts]

    def _no_id(self, receipt: Receipt, call: Call) -> Metrics:
        error = errors.ConfigError(f"{receipt.id!r} is no id of a post on Instagram: digits only")
        return Metrics.of(receipt, error=error, fetched_at=call.now())

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Followers now, and the rest of a period: of the last 24 hours where none is named.

        Instagram tells at most 30 days in one request; a longer period is added up, which people cannot be.
        """
        now = call.now()
        node = f"/{VERSION}/{call.facts.identity.id}"
        if not _by_page(call.facts):
            node = f"/{VERSION}/me"
        me = (await call.read("GET", node, params={"fields": "followers_count,media_count"})).json()
        stop = min(until or now, now)
        start = since or stop - timedelta(days=1)
        tables, why = await self._totals(call, start, stop)
        counts: dict[str, Any] = {}
        for name, theirs in _NAMES.items():
            known = [value for one in theirs if (value := summed(tables, one)) is not None]
            counts[name] = sum(known) if known else None
        missing = {name: why for name, value in counts.items() if value is None}
        if len(tables) > 1:
            counts["reach"] = None
            missing["reach"] = (
                "people reached cannot be added up over several months; ask for 30 days at most"
            )
        if (followers := me.get("followers_count")) is None:
            missing["followers"] = "Instagram did not say"
        period = {"since": start.isoformat(), "until": stop.isoformat()}
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            followers=followers,
            **counts,
            missing=missing,
            raw={"period": period, "media_count": me.get("media_count"), "insights": tables},
            fetched_at=now,
        )

    async def _totals(self, call: Call, start: datetime, stop: datetime) -> tuple[list[dict[str, Any]], str]:
        """The account's totals, in stretches of 30 days, and why numbers are missing."""
        tables, at = list[dict[str, Any]](), start
        while at < stop:
            end = min(at + _MONTH, stop)
            params = {
                "metric": _TOTALS,
                "period": "day",
                "metric_type": "total_value",
                "since": str(int(at.timestamp())),
                "until": str(int(end.timestamp())),
            }
            try:
                told = (await call.read("GET", self._insights(call), params=params)).json()
            except (errors.Declined, errors.MissingScope) as error:
                return [], f"Instagram did not say: {error.message}"
            tables.append(values_of(found(told, "data")))
            at = end
        return tables, "Instagram did not say"

    def _insights(self, call: Call) -> str:
        return path(call, "insights")

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """Own posts and reels; stories are on no list once they are gone."""
        left = limit
        async for post in own_posts(call, size=max(1, min(100, limit))):
            at = moment(post.get("timestamp"))
            if left <= 0 or (since is not None and at is not None and at < since):
                return
            if until is None or at is None or at <= until:
                yield receipt_of(post, call.facts.identity)
                left -= 1

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """An id, or a permalink of the account's own: those are looked for on its lists."""
        if reference.isascii() and reference.isdigit():
            return await self._by_id(reference, call)
        story, post = STORY.fullmatch(reference), PERMALINK.fullmatch(reference)
        if story is None and post is None:
            raise errors.ConfigError(f"{reference!r} is no post on Instagram; give its permalink or id")
        async for one in own_posts(call, "stories" if story else "media"):
            link = str(one.get("permalink"))
            theirs = STORY.fullmatch(link) if story else PERMALINK.fullmatch(link)
            if theirs is not None and theirs[1] == (story or post)[1]:  # type: ignore[index]
                return receipt_of(one, call.facts.identity)
        words = "is none of the account's own posts, and Instagram shows no others"
        raise errors.ConfigError(f"{reference!r} {words}")

    async def _by_id(self, post_id: str, call: Call) -> Receipt:
        address = f"/{VERSION}/{post_id}"
        answer = await call.read("GET", address, params={"fields": FIELDS}, accept=(400,))
        if answer.status == 400 and is_field_error(self.parse_error(answer)):
            fields = FIELDS.replace(",media_product_type", "")
            answer = await call.read("GET", address, params={"fields": fields}, accept=(400,))
        if answer.status != 200 or self.says_no(answer):
            raise errors.ConfigError(
                f"{post_id} is no post that Instagram shows: {self.read_error(answer)[1]}"
            )
        return receipt_of(answer.json(), call.facts.identity)

    def owns(self, permalink: str) -> bool:
        return bool(PERMALINK.fullmatch(permalink) or STORY.fullmatch(permalink))

    # --- the wire -------------------------------------------------------------------------------------------
    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """Graph errors, and what the upload server says; without what signs an address that is repeated in them."""
        told = found(response.json_or_none(), "debug_info")
        if isinstance(told, dict):
            words = " ".join(str(told[name]) for name in ("type", "message") if told.get(name))
            return "upload-again" if told.get("retriable") is True else "upload-failed", unsigned(words)
        code, said = super().read_error(response)
        return code, unsigned(said)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        """A limit whose end no header tells is asked again after an hour: asking while it lasts prolongs it."""
        error = super().parse_error(response)
        if isinstance(error, errors.RateLimited) and error.retry_at is None and response.received_at:
            told = [reading for reading in self.read_limits(response) if reading.resets_at]
            error.retry_at = None if told else response.received_at + timedelta(hours=1)
        return error

    def says_no(self, response: base.Response) -> bool:
        return super().says_no(response) or isinstance(found(response.json_or_none(), "debug_info"), dict)

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """The share of the calls that is used; and how many posts are left, where that was asked for."""
        readings = super().read_limits(response)
        if not response.url.partition("?")[0].endswith("/content_publishing_limit"):
            return readings
        used, total = quota(response.json_or_none())
        if used is None or total is None or response.received_at is None:
            return readings
        soon = response.received_at + timedelta(minutes=5)
        left = max(0, total - used)
        return (*readings, base.Reading("publishing", total, left, soon, 86_400.0))


def _by_page(facts: AccountFacts) -> bool:
    return facts.facts.get("login") == "facebook"


def _own_id(receipt: Receipt) -> str:
    """The id a receipt names, fit for a path."""
    if receipt.id is None or not receipt.id.isdigit():
        raise errors.ConfigError(
            f"{receipt.id or receipt.url!r} is no id of a post on Instagram: digits only"
        )
    return receipt.id
