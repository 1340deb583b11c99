"""DEV.to, and every other site that runs Forem: articles in Markdown, with a title.

An article is made as a draft nobody sees and then published by its id: doing that again makes no second one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import attrs

from .. import errors
from ..flows._whoami import as_text, told_id
from ..flows.devto import FLOWS
from ..metrics import Metrics
from ..model import Identity, Receipt, Status
from ..rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, measured
from . import base
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Fence, Finding, Found, Lost, Part, Sent

_DOCS = Source("developers.forem.com, API v1, and the server's source", "2026-11-23")
_PUBLISHED = "/api/articles/me/published"
TITLE, TAGS, PAGE = 128, 4, 1000
"""Code points of a title, tags of an article, entries of a page."""
AHEAD = timedelta(days=5 * 365)
"""How far ahead an article may be scheduled: what lies beyond is taken for no moment at all."""

RULES = Rules(
    text=TextRule(819_200, "utf8"),
    images=ImageRule(count=1000, max_bytes=0, types=frozenset(), by_url=True, permanent=True),
    carries=frozenset({"title", "tags"}),
    in_text=frozenset({"link"}),
    required=frozenset({"title"}),
    edit=True,
    delete=True,
    schedule=True,
    metrics=frozenset({"impressions", "likes", "comments"}),
    metrics_batch=PAGE,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=(
        Budget("reads", "host", 3, 1.0, match="GET .*", source=_DOCS),
        Budget("writes", "account", 1, 1.1, match="POST|PUT|DELETE .*", source=_DOCS),
        Budget("articles", "account", 9, 30.0, match="POST /api/articles", source=_DOCS),
    ),
    errors=(
        ErrorRow(401, "ReauthNeeded", hint="make a new API key in the site's settings, under extensions"),
        ErrorRow(403, "Declined", text="forbidden bots", hint="a proxy changes the User-Agent header"),
        ErrorRow(403, "Declined", hint="the account may not do this (suspended, or no member there)"),
        ErrorRow(404, "Declined", hint="there is no such article, or it is somebody else's"),
        ErrorRow(422, "Declined", text="canonical url has", hint="another article has that canonical_url"),
        ErrorRow(422, "Declined", text="last five minutes", hint="change the title, or wait five minutes"),
    ),
    find=FindRule(by="key", quiet=150.0, looks=2, between=60.0),
    limited=(("link", "in the article"),),
    sources=(_DOCS,),
    notes=("Deleting takes the article back to your drafts.", "The text is Markdown, pictures are URLs."),
)


@attrs.frozen
class DevToOptions(base.Options):
    """What only DEV.to knows.

    Attributes:
        series: name of the series the article belongs to; made when there is none.
        main_image: URL of the cover picture (1000 x 420).
        canonical_url: where the article was published first; no other article may have it.
        organization_id: publish for this organization.
        description: for search engines and previews.
        published_at: aware, at most five years ahead; the site publishes by itself then.

    >>> DevToOptions(series="Sea trials").series
    'Sea trials'
    """

    platform: ClassVar[str] = "devto"
    series: str | None = None
    main_image: str | None = None
    canonical_url: str | None = None
    organization_id: int | None = None
    description: str | None = None
    published_at: datetime | None = attrs.field(default=None, validator=base.aware)


class DevTo(base.Adapter):
    """One account on DEV.to or another Forem site.

    Args:
        api_key: made in the site's settings, under extensions. It may do everything the account may.
        server: the site's base URL.

    >>> DevTo("…")
    <DevTo https://dev.to>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "devto"
    title: ClassVar[str] = "DEV.to"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[DevToOptions]] = DevToOptions
    flows = FLOWS

    def __init__(self, api_key: str | None = None, *, server: str = "https://dev.to") -> None:
        super().__init__(server, base.Credential("bearer", access_token=api_key))

    def authorize(self, credential: base.Credential) -> dict[str, str]:
        """The key, and the header without which an older API answers."""
        return {"api-key": credential.access_token or "", "accept": "application/vnd.forem.api-v1+json"}

    async def account(self, call: Call) -> AccountFacts:
        me = (await call.read("GET", "/api/users/me")).json()
        return AccountFacts(
            identity=Identity(
                self.platform, self.server, told_id(self.platform, me), as_text(me["username"])
            ),
            url=f"{self.server}/{me['username']}",
            software="forem",
            fences=(Fence("draft", "proved", repeat_after=2.0),),
        )

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post = draft.post
        title = " ".join((post.title or "").split())
        if len(title) > TITLE:
            told, actual = measured(len(title), TITLE), len(title)
            draft.problem("title", "too_long", told, limit=TITLE, actual=actual, hint="shorten it")
        pictures = [f"![{_alt(item.alt)}]({item.source.removeprefix('url:')})" for item in draft.media]
        body = attrs.asdict(draft.options) | {
            "title": title,
            "body_markdown": "\n\n".join([*filter(None, [_markdown(post.text)]), *pictures]),
            "tags": ", ".join(self._tags(draft)),
            "published_at": self._due(draft, call),
        }
        clean = {name: value for name, value in body.items() if value is not None}
        return Part(draft.index, {"article": clean}, post.text, requests=2)

    def _tags(self, draft: Draft) -> list[str]:
        """At most four, letters and digits only."""
        tags = []
        for index, given in enumerate(draft.post.tags):
            tag = "".join(letter for letter in given.lower() if letter.isalnum())
            if not tag:
                draft.problem(f"tags[{index}]", "empty", f"{given!r} has no letter and no digit")
            elif tag != given:
                draft.change(f"tags[{index}]", "spelling", f"becomes {tag}", before=given, after=tag)
            tags += [tag] if tag else []
        if len(tags) > TAGS:
            told, actual = f"{len(tags)} tags; at most {TAGS} on an article", len(tags)
            draft.problem("tags", "count", told, limit=TAGS, actual=actual, hint="leave some out")
        return tags

    def _due(self, draft: Draft, call: Call) -> str | None:
        when: datetime | None = draft.options.published_at
        if when is None:
            return None
        if when <= call.now():
            draft.problem("options.published_at", "range", "must be ahead; leave it out to publish at once")
        elif when > call.now() + AHEAD:
            words = "Forem forgets a moment more than five years ahead, and publishes at once"
            draft.problem("options.published_at", "range", words, hint="name an earlier one")
        return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        article = part.body["article"]
        number = call.recall("draft") or await self._draft(article, call)
        body = {"article": article | {"published": True}}
        path, fence = f"/api/articles/{number}", call.facts.fence("draft")
        return _sent((await call.commit("PUT", path, json=body, fence=fence)).json(), call.now())

    async def _draft(self, article: dict[str, Any], call: Call) -> int:
        """The id of an unpublished article. A title that was just used may be that of our own lost attempt."""
        body = {"article": article | {"published": False}}
        answer = await call.prepare("POST", "/api/articles", json=body, accept=(422,))
        number = await self._own_draft(article, call) if answer.status == 422 else answer.json()["id"]
        if number is None:
            raise self.parse_error(answer)
        call.remember("draft", number)
        return int(number)

    async def _own_draft(self, article: dict[str, Any], call: Call) -> Any:
        drafts = (await call.read("GET", "/api/articles/me/unpublished")).json()
        same = ("title", "body_markdown")
        return next((one["id"] for one in drafts if all(one.get(n) == article[n] for n in same)), None)

    # --- after --------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        number = call.recall("draft")
        if number is None:
            return CannotTell("the draft's number was not kept")
        scheduled = "published_at" in lost.part.body["article"]
        sent = await self._listed(number, call, "/api/articles/me/all" if scheduled else _PUBLISHED)
        return Found(sent) if sent else Absent("it is not among the account's published articles")

    async def check(self, sent: Sent, call: Call) -> Sent:
        return await self._listed(sent.id, call) or sent

    async def _listed(self, number: Any, call: Call, path: str = _PUBLISHED) -> Sent | None:
        async for article in self._pages(call, path):
            if str(article["id"]) == str(number) and article["published_at"]:
                return _sent(article, call.now())
        return None

    async def _pages(self, call: Call, path: str, size: int = PAGE) -> AsyncIterator[dict[str, Any]]:
        """The entries of a list, newest first, page by page; a short page is the last one."""
        for page in itertools.count(1):
            params = {"page": str(page), "per_page": str(size)}
            entries = (await call.read("GET", path, params=params)).json()
            for entry in entries:
                yield entry
            if len(entries) < size:
                return

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        body = {"article": part.body["article"] | {"published": True}}
        answer = await call.attach("PUT", f"/api/articles/{receipt.id}", json=body, repeatable=True)
        return _sent(answer.json(), call.now())

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """Take it back: it becomes a draft."""
        body = {"article": {"published": False}}
        await call.attach("PUT", f"/api/articles/{receipt.id}", json=body, accept=(404,), repeatable=True)

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One page holds a thousand articles; further pages are read only while some are still looked for."""
        wanted, found = {receipt.id for receipt in receipts}, {}
        async for article in self._pages(call, _PUBLISHED):
            if (number := str(article["id"])) in wanted:
                found[number] = article
            if len(found) == len(wanted):
                break
        return [_row(receipt, found.get(receipt.id or ""), call.now()) for receipt in receipts]

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Followers are counted by reading their pages."""
        followers = sum([1 async for _ in self._pages(call, "/api/followers/users")])
        return Metrics(
            platform="devto", identity=call.facts.identity, followers=followers, fetched_at=call.now()
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        async for article in self._pages(call, _PUBLISHED, min(limit, PAGE)):
            at = _time(article["published_at"])
            if since is not None and at < since:
                return
            if until is None or at <= until:
                yield _receipt(article, call.facts.identity, call.now())

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink, or the number of an article."""
        path = reference.removeprefix(self.server).strip("/").partition("?")[0]
        if not re.fullmatch(r"\d+|[\w-]+/[\w-]+", path):
            raise errors.ConfigError(f"{reference!r} is no article of {self.server}")
        article = (await call.read("GET", f"/api/articles/{path}")).json()
        number, name = str(article["user"]["user_id"]), article["user"]["username"]
        return _receipt(article, Identity(self.platform, self.server, number, name), call.now())

    def owns(self, permalink: str) -> bool:
        return permalink.startswith(f"{self.server}/")


# --- from and to the server's words -------------------------------------------------------------------------
def _markdown(text: str) -> str:
    """The text so that nothing in it is taken for front matter or for a Liquid tag."""
    safe = re.sub(r"\{[{%]", lambda opener: f"{{% raw %}}{opener[0]}{{% endraw %}}", text)
    return f"\\{safe}" if safe.startswith("---") else safe


def _alt(text: str | None) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", " ".join((text or "").split()))


def _sent(article: dict[str, Any], now: datetime) -> Sent:
    at, due = _time(article["published_at"]), _time(article["published_at"]) > now
    status = Status.SCHEDULED if due else Status.PUBLISHED
    return Sent(str(article["id"]), article["url"], at, status, look_again_at=at if due else None)


def _receipt(article: dict[str, Any], owner: Identity, now: datetime) -> Receipt:
    sent = _sent(article, now)
    return Receipt(owner, sent.id, sent.url, sent.published_at, article.get("body_markdown"))


def _row(receipt: Receipt, article: dict[str, Any] | None, now: datetime) -> Metrics:
    if article is None:
        gone = errors.Declined("it is not among the account's published articles", status=404)
        return Metrics.of(receipt, error=gone, fetched_at=now)
    names = ("shares", "saves", "clicks", "reach", "quotes", "video_views")
    return Metrics.of(
        receipt,
        impressions=article.get("page_views_count"),
        likes=article.get("public_reactions_count"),
        comments=article.get("comments_count"),
        missing=dict.fromkeys(names, "DEV.to does not count it"),
        raw={name: article.get(name) for name in ("positive_reactions_count", "reading_time_minutes")},
        fetched_at=now,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
