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
from ..text import length
from . import base
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Fence, Finding, Found, Lost, Part, Sent

_DOCS = Source("developers.forem.com, API v1, and the server's source", "2026-11-23")
_ALL, _PUBLISHED, _DRAFTS = (f"/api/articles/me/{which}" for which in ("all", "published", "unpublished"))
TITLE, BODY, PAGE, LEAST_PAGE = 128, 819_200, 1000, 30
"""Code points of a title, bytes of a body, entries of a page, and the least a site may narrow that to."""
TAGS, TAG, TAG_LIST = 4, 30, 126
"""Tags of an article, characters of one (nobody says so for certain) and of all with ", " between them."""
AHEAD = timedelta(days=5 * 365)
"""A moment farther ahead than five years is dropped by the site, which then publishes at once."""
UNTOLD_WAIT = timedelta(seconds=30)
"""How long a limit is taken to last when the answer does not say: as long as the site says where it does."""

RULES = Rules(
    text=TextRule(BODY, "utf8"),
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
        liquid: the text's own Liquid tags, such as ``{% embed https://… %}``, do what they do; False shows them.

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
    liquid: bool = False


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
        if post.title and not title:
            draft.problem("title", "empty", "white space alone is no title")
        body = attrs.asdict(draft.options, filter=lambda field, _: field.name != "liquid") | {
            "title": title,
            "body_markdown": self._body(draft),
            "tags": ", ".join(self._tags(draft)),
            "published_at": self._due(draft, call),
        }
        for name in ("main_image", "canonical_url"):
            if body[name] is not None and not _ADDRESS.fullmatch(body[name]):
                hint = "write it whole, such as https://example.com/page"
                draft.problem(f"options.{name}", "invalid", f"{body[name]!r} is no public address", hint=hint)
        clean = {name: value for name, value in body.items() if value is not None}
        return Part(draft.index, {"article": clean}, post.text, requests=2)

    def _body(self, draft: Draft) -> str:
        """The text and, under it, the pictures."""
        text = _without_liquid(draft.post.text)
        if draft.options.liquid and text == draft.post.text:
            draft.change("options.liquid", "not_carried", "does nothing: the text has no Liquid tag")
        text = draft.post.text if draft.options.liquid else text
        pictures = [f"![{_alt(item.alt)}]({_url(item.source)})" for item in draft.media]
        body = "\n\n".join(filter(None, [_without_front_matter(text), *pictures]))
        size = len(body.encode("utf-8", "surrogatepass"))
        if size > BODY >= length(draft.post.text, "utf8"):
            words = f"{size} of at most {BODY} bytes, with its pictures and what is escaped"
            draft.problem("text", "too_long", words, limit=BODY, actual=size)
        return body

    def _tags(self, draft: Draft) -> list[str]:
        """At most four, letters and digits only, each once."""
        tags: list[str] = []
        for index, given in enumerate(draft.post.tags):
            tag = "".join(letter for letter in given.lower() if letter.isalnum())
            if not tag:
                draft.problem(f"tags[{index}]", "empty", f"{given!r} has no letter and no digit")
            elif tag in tags:
                draft.change(f"tags[{index}]", "repeated", f"is the tag {tag} once more", before=given)
                continue
            elif tag != given:
                draft.change(f"tags[{index}]", "spelling", f"becomes {tag}", before=given, after=tag)
            if len(tag) > TAG:
                words = f"{len(tag)} characters; the site may take {TAG}"
                draft.problem(f"tags[{index}]", "too_long", words, limit=TAG, severity="warning")
            tags += [tag] if tag else []
        if len(tags) > TAGS:
            told, actual = f"{len(tags)} tags; at most {TAGS} on an article", len(tags)
            draft.problem("tags", "count", told, limit=TAGS, actual=actual, hint="leave some out")
        elif (size := len(", ".join(tags))) > TAG_LIST:
            words = f"{measured(size, TAG_LIST)} together"
            draft.problem("tags", "too_long", words, limit=TAG_LIST, actual=size, hint="leave some out")
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
        """The id of an unpublished article. A title that was just used may be that of our own lost attempt. The moment
        is told when it is published: what has one is on its way for certain."""
        bare = {name: value for name, value in article.items() if name != "published_at"}
        body = {"article": bare | {"published": False}}
        answer = await call.prepare("POST", "/api/articles", json=body, accept=(422,))
        number = await self._own_draft(article, call) if answer.status == 422 else answer.json()["id"]
        if number is None:
            raise self.parse_error(answer)
        call.remember("draft", number)
        return int(number)

    async def _own_draft(self, article: dict[str, Any], call: Call) -> Any:
        async for one in self._pages(call, _DRAFTS):
            if _likeness(one) == _likeness(article):
                return one["id"]
        return None

    # --- after --------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        number = call.recall("draft")
        if number is None:
            return CannotTell("the draft's number was not kept")
        scheduled = "published_at" in lost.part.body["article"]
        sent = await self._listed(number, call, _ALL if scheduled else _PUBLISHED)
        return Found(sent) if sent else Absent("it is not among the account's published articles")

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        if (live := await self._listed(sent.id, call)) is not None:
            return live
        if sent.published_at is not None and sent.published_at <= call.now():
            async for one in self._pages(call, _DRAFTS):
                if str(one["id"]) == sent.id:
                    return Absent("somebody took it back to the drafts before its time")
        return sent

    async def _listed(self, number: Any, call: Call, path: str = _PUBLISHED) -> Sent | None:
        async for article in self._pages(call, path):
            if str(article["id"]) == str(number) and article["published_at"]:
                return _sent(article, call.now())
        return None

    async def _pages(self, call: Call, path: str, size: int = PAGE) -> AsyncIterator[dict[str, Any]]:
        """The entries of a list, newest first, page by page; a short page is the last one. A site may give fewer than
        it is asked for, so the first page says what is short."""
        full = min(size, LEAST_PAGE)
        for page in itertools.count(1):
            params = {"page": str(page), "per_page": str(size)}
            entries = (await call.read("GET", path, params=params)).json()
            for entry in entries:
                yield entry
            if len(entries) < full:
                return
            full = max(full, len(entries))

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """The article changed; what was taken back to the drafts stays there, changed, and is Declined."""
        path = f"/api/articles/{receipt.id}"
        article = (await call.attach("PUT", path, json=part.body, repeatable=True)).json()
        if not article["published_at"]:
            raise errors.Declined("the draft is changed, and nobody sees it: the article was taken back")
        return _sent(article, call.now())

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """Take it back: it becomes a draft, and keeps its tags, which an update without them would clear."""
        article: dict[str, Any] = {"published": False}
        async for one in self._pages(call, _ALL):
            if str(one["id"]) == receipt.id:
                tags = one["tag_list"]
                article["tags"] = ", ".join(tags) if isinstance(tags, list) else tags
                break
        path = f"/api/articles/{receipt.id}"
        await call.attach("PUT", path, json={"article": article}, accept=(404,), repeatable=True)

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
            platform="devto",
            identity=call.facts.identity,
            url=call.facts.url,
            followers=followers,
            missing=_UNCOUNTED,
            fetched_at=call.now(),
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
        path = re.split("[?#]", reference.removeprefix(self.server))[0].strip("/")
        if not re.fullmatch(r"\d+|[\w-]+/[\w-]+", path):
            raise errors.ConfigError(f"{reference!r} is no article of {self.server}")
        answer = await call.read("GET", f"/api/articles/{path}", accept=(404,))
        if answer.status == 404:
            if (own := await self._own(path, call)) is None:
                raise self.parse_error(answer)
            return own
        article = answer.json()
        number, name = str(article["user"]["user_id"]), article["user"]["username"]
        return _receipt(article, Identity(self.platform, self.server, number, name), call.now())

    async def _own(self, path: str, call: Call) -> Receipt | None:
        """One of the account's own: the site does not show each of them by its number."""
        async for article in self._pages(call, _PUBLISHED):
            if path in (str(article["id"]), article["path"].strip("/")):
                return _receipt(article, call.facts.identity, call.now())
        return None

    def owns(self, permalink: str) -> bool:
        return permalink.startswith(f"{self.server}/")

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        if isinstance(error, errors.RateLimited) and error.retry_at is None and response.received_at:
            error.retry_at = response.received_at + UNTOLD_WAIT
        return error


# --- from and to the server's words -------------------------------------------------------------------------
_ADDRESS = re.compile(r"https?://(?!localhost(?:[:/?#]|$))[^\s/?#]+\S*", re.IGNORECASE)
_CODE_OR_LIQUID = re.compile(r"(?P<code>(?P<fence>~~~|`{1,3}).+?(?P=fence))|\{[{%]", re.DOTALL)
_UNCOUNTED: dict[str, str] = dict.fromkeys(
    ("shares", "saves", "clicks", "reach", "quotes", "video_views", "watch_seconds"),
    "DEV.to does not count it",
)


def _without_liquid(text: str) -> str:
    """The text so that nothing in it is taken for a Liquid tag. In code nothing is, and what is escaped there shows."""

    def escaped(found: re.Match[str]) -> str:
        return found[0] if found["code"] else f"{{% raw %}}{found[0]}{{% endraw %}}"

    return _CODE_OR_LIQUID.sub(escaped, text)


def _without_front_matter(text: str) -> str:
    """The text so that its beginning is not taken for front matter, white space before it or not."""
    return re.sub(r"\A(\s*)---", r"\1\\---", text)


def _alt(text: str | None) -> str:
    """Words between the brackets of a picture: one line, nothing in it live."""
    return _without_liquid(re.sub(r"([\\\[\]])", r"\\\1", " ".join((text or "").split())))


def _url(source: str) -> str:
    """The address between the parentheses of a picture."""
    url = source.removeprefix("url:")
    return re.sub(r"[(){}<>\s]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)


def _likeness(article: dict[str, Any]) -> tuple[str, list[str]]:
    """What stays the same of title and text when the site replaces symbols and names the language of code."""
    text = re.sub(r"(?m)^(\s*(?:```|~~~)).*$", r"\1", article.get("body_markdown") or "")
    return "".join(filter(str.isalnum, article["title"])), text.split()


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
    counts = {
        "impressions": article.get("page_views_count"),
        "likes": article.get("public_reactions_count"),
        "comments": article.get("comments_count"),
    }
    untold = {name: "the site does not say" for name, value in counts.items() if value is None}
    return Metrics.of(
        receipt,
        **counts,
        missing=_UNCOUNTED | untold,
        raw={name: article.get(name) for name in ("positive_reactions_count", "reading_time_minutes")},
        fetched_at=now,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
