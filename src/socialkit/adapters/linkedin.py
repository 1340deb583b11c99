"""LinkedIn, through its versioned REST API: as a member, or as a Page the member may post for.

A post cannot be repeated safely here. LinkedIn refuses a text the author has just posted and names the post there is,
which proves a post and not that it is ours. A Page's own posts can be listed, so that a lost answer is settled by
reading; a member's cannot, and a person has to look.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, get_args

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, told_id
from socialkit.flows.linkedin import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Problem, Receipt
from socialkit.rules import Rules, measured
from socialkit.text import length, strip_html

from . import base
from ._linkedin_media import upload
from ._linkedin_numbers import account_row, ask, elements, has_next, member_row, page_rows
from ._linkedin_plan import comment_request, filled, mentions_warning, post_request, reference_of
from ._linkedin_posts import (
    COMMENT,
    ORGANIZATION,
    comment_path,
    commented_at,
    duplicate_of,
    enc,
    is_live,
    likeness_of,
    made_comment,
    made_post,
    number_of,
    own_urn,
    permalink_of,
    posted_at,
    receipt_of,
    seen_of,
    sent_of,
    status_of,
    urn_of,
)
from ._linkedin_rules import COMMENT as COMMENT_LIMIT
from ._linkedin_rules import DAY, POSTING_ROLES, RULES, UTC_MIDNIGHT, VERSION, Tier, rules_of
from ._linkedin_text import message, same_words, shown
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Finding, Found, Lost, Part, Sent

_PAGE_OF_POSTS = 100
_PAGES = 100
"""Pages of comments that are read at most when one of ours is looked for."""
_PRIVATE = "LinkedIn lets no app read a member's posts"
_LOOK = "look at the account's posts there, then settle with found=<permalink> or not_live=True"


def _targets(given: Any) -> tuple[dict[str, list[str]], ...]:
    return (dict(given),) if isinstance(given, Mapping) else tuple(given)


@attrs.frozen
class LinkedInOptions(base.Options):
    """What only LinkedIn knows.

    Attributes:
        signed_in_only: shown to people who are signed in to LinkedIn alone.
        disable_reshare: nobody can reshare the post.
        close_comments: comments are closed right after the post is public.
        in_feed: False keeps it out of the feed (a "dark" post, for ads).
        targets: who of the followers sees a Page's post: ``{"industries": ["urn:li:industry:4"]}``, or several such. By
            geoLocations, industries, seniorities, jobFunctions, staffCountRanges, interfaceLocales or degrees.

    >>> LinkedInOptions(close_comments=True).in_feed
    True
    """

    platform: ClassVar[str] = "linkedin"
    signed_in_only: bool = False
    disable_reshare: bool = False
    close_comments: bool = False
    in_feed: bool = True
    targets: tuple[dict[str, list[str]], ...] = attrs.field(default=(), converter=_targets)


class _OwnRules:
    """All there is on the class; on an account what holds for it: a member or a Page, and its tier."""

    def __get__(self, account: LinkedIn | None, owner: type[LinkedIn]) -> Rules:
        return RULES if account is None else rules_of(account.author is not None, account.tier)


class LinkedIn(base.Adapter):
    """One member on LinkedIn, or one Page.

    Args:
        token: a member's access token. refresh_token: renews it, for apps that get one; needs ``client_id``.
        organization: the Page to post as: its number (in the address of its admin view) or URN. Without it the
            account is the member.
        client_id, client_secret: the developer app.
        version: of LinkedIn's API, as year and month. Each is switched off a year or so after it came.
        tier: whose daily quotas hold: "share" (Share on LinkedIn), "development" or "standard" (Community Management
            API). Left out it is "share" for a member and "standard", of which no numbers are known, for a Page.
        server: base URL of the API.

    >>> LinkedIn(token="…", organization=2414183).author
    'urn:li:organization:2414183'
    """

    platform: ClassVar[str] = "linkedin"
    title: ClassVar[str] = "LinkedIn"
    rules: ClassVar[Rules] = _OwnRules()  # type: ignore[assignment]
    Options: ClassVar[type[LinkedInOptions]] = LinkedInOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        organization: str | int | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        version: str | int = VERSION,
        tier: Tier | None = None,
        server: str = "https://api.linkedin.com",
    ) -> None:
        if not re.fullmatch(r"[0-9]{6}(\.[0-9]{2})?", str(version)):
            raise errors.ConfigError(
                f"LinkedIn: version={version!r} is no year and month, such as {VERSION!r}"
            )
        self.author = _page(organization) if organization is not None else None
        """The Page's URN; None for a member, whose URN LinkedIn tells."""
        self.version = str(version)
        seed = base.Credential.of_user("LinkedIn", token, refresh_token, client_id, client_secret)
        super().__init__(server, attrs.evolve(seed, extra={"flow": "community"} if refresh_token else {}))
        if self.author is not None:
            self.hint = f"{self.hint}|{self.author}"
        self.tier: Tier = tier or ("standard" if self.author is not None else "share")
        if self.tier not in get_args(Tier):
            raise errors.ConfigError(f"LinkedIn: no tier={tier!r}; one of {', '.join(get_args(Tier))}")

    @classmethod
    def signed_in(cls, identity: Identity, **options: Any) -> LinkedIn:
        """The member who signed in; with ``organization=`` a Page that member posts for, with the member's token."""
        if ORGANIZATION.fullmatch(identity.id):
            options.setdefault("organization", identity.id)
        account = super().signed_in(identity, **options)
        if account.author is not None and account.author != identity.id:
            account.signer = identity
            account.identity = Identity(cls.platform, account.server, account.author)
            account.hint = f"{identity.id}|{account.author}"
        return account

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        if self.author is None:
            native, name = await self._member(call)
            identity = Identity(self.platform, self.server, native, name)
            facts = {"author": f"urn:li:person:{native}"}
            return AccountFacts(identity, software="linkedin", facts=facts, ttl=DAY)
        if self.signer is not None:
            await self._check_signer(call)
        return await self._page_facts(self.author, call)

    async def _member(self, call: Call) -> tuple[str, str | None]:
        """The member's id and name. Sign-ins without OpenID are told by an older address."""
        answer = await call.read("GET", "/v2/userinfo", accept=(403,))
        if answer.status != 403:
            told = answer.json()
            return told_id(self.platform, told, "sub"), as_text(told.get("name"))
        told = (await call.read("GET", "/v2/me")).json()
        names = [as_text(told.get(name)) for name in ("localizedFirstName", "localizedLastName")]
        return told_id(self.platform, told, "id"), " ".join(filter(None, names)) or None

    async def _check_signer(self, call: Call) -> None:
        """The token is that of the member who signed in, and nobody else's."""
        assert self.signer is not None
        native, name = await self._member(call)
        if native != self.signer.id:
            raise errors.IdentityClash(
                f"the credential belongs to {name or native}, but the Page is posted to by "
                f"{self.signer.name or self.signer.id}; sign in again as that one"
            )

    async def _page_facts(self, author: str, call: Call) -> AccountFacts:
        number = author.rpartition(":")[2]
        answer = await call.read("GET", f"/rest/organizations/{number}", accept=(403,))
        told = answer.json() if answer.status != 403 else {}
        vanity = as_text(told.get("vanityName"))
        roles, member = await self._roles(author, call)
        member = self.signer.id if self.signer is not None else member
        return AccountFacts(
            identity=Identity(self.platform, self.server, author, as_text(told.get("localizedName"))),
            url=f"https://www.linkedin.com/company/{vanity or number}",
            software="linkedin",
            facts={"author": author, "roles": roles},
            ttl=DAY,
            owners={"user": member} if member else {},
        )

    async def _roles(self, author: str, call: Call) -> tuple[list[str] | None, str | None]:
        """The member's roles on the Page, and who that is; None where the token may not ask, ConfigError where there is
        no role."""
        listed, more = list[dict[str, Any]](), True
        while more:
            query = f"q=roleAssignee&state=APPROVED&count={_PAGE_OF_POSTS}&start={len(listed)}"
            answer = await ask(call, "/rest/organizationAcls", query, method="FINDER", accept=(403,))
            if answer.status == 403:
                return None, None
            page = elements(answer)
            listed += page
            more = bool(page) and (len(page) >= _PAGE_OF_POSTS or has_next(answer))
        held = [
            (str(one.get("organization") or one.get("organizationTarget")), str(one.get("role")))
            for one in listed
            if one.get("state", "APPROVED") == "APPROVED"
        ]
        if roles := sorted(role for page, role in held if page == author):
            members = {as_text(one.get("roleAssignee")) for one in listed}
            return roles, next(iter(filter(None, members)), "").rpartition(":")[2] or None
        pages = ", ".join(sorted({page for page, _ in held})) or "none"
        raise errors.ConfigError(f"LinkedIn: the member has no role on {author}; Pages with one: {pages}")

    # --- plan ----------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        author = draft.facts.facts["author"]
        self._check_role(draft)
        mentions_warning(draft)
        if draft.post.reply_to is not None:
            parent = reference_of(draft, "reply_to")
            body = {"comment": comment_request(draft, author, parent), "under": parent} if parent else {}
            return Part(draft.index, body, draft.post.text, "reply", requests=1 + 3 * len(draft.media))
        request, words = await post_request(draft, author, call)
        body = {"request": request, "words": words, "close": draft.options.close_comments}
        kind = "quote" if draft.post.quote else "post"
        uploads = sum(_requests(item) for item in (*draft.media, *draft.extras.values()))
        return Part(
            draft.index, body, draft.post.text, kind, requests=1 + uploads + draft.options.close_comments
        )

    def _check_role(self, draft: Draft) -> None:
        roles = draft.facts.facts.get("roles")
        if roles is not None and not POSTING_ROLES.intersection(roles):
            words = f"the member is {', '.join(roles)} of the Page, which LinkedIn is not known to let post"
            draft.problem("organization", "role", words, severity="warning")

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        owner = call.facts.facts["author"]
        places = {f"media {index}": item for index, item in enumerate(part.media)} | part.extras
        urns = await upload(places, owner, call, self.server)
        picture = urns.pop("thumbnail", None)
        if "comment" in part.body:
            return await self._comment(part, list(urns.values()), call)
        request = filled(part.body["request"], list(urns.values()), picture)
        moving = any(item.kind == "video" for item in part.media)
        return made_post(await self._commit("/rest/posts", request, call), moving=moving)

    async def _comment(self, part: Part, urns: Sequence[str], call: Call) -> Sent:
        comment = part.body["comment"]
        if urns:
            comment = {**comment, "content": [{"entity": {"image": urns[0]}}]}
        path = f"/rest/socialActions/{enc(part.body['under'])}/comments"
        return made_comment(await self._commit(path, comment, call), comment)

    async def _commit(self, path: str, body: dict[str, Any], call: Call) -> base.Response:
        try:
            return await call.commit("POST", path, json=body)
        except errors.OutcomeUnknown as error:
            cause = error.__cause__
            if isinstance(cause, errors.Duplicate) and cause.receipt is not None:
                call.remember("named", cause.receipt.id)
            raise

    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """Close the comments, where that was asked for."""
        if not part.body.get("close"):
            return sent
        if sent.id is None:
            words = "comments are open: LinkedIn did not say the post's URN, which closing them needs"
            return attrs.evolve(sent, missing=(*sent.missing, words))
        body = {"patch": {"$set": {"commentsState": "CLOSED"}}}
        path, headers = f"/rest/socialMetadata/{enc(sent.id)}", {"x-restli-method": "PARTIAL_UPDATE"}
        await call.attach("POST", path, json=body, headers=headers, repeatable=True)
        return sent

    # --- after ---------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        if "comment" in lost.part.body:
            return await self._find_comment(lost, call)
        named = call.recall("named")
        if named and named not in lost.claimed:
            finding = await self._find_named(str(named), lost, call)
            if finding is not None:
                return finding
        return await self._find_listed(lost, call)

    async def _find_named(self, urn: str, lost: Lost, call: Call) -> Finding | None:
        """The post a refusal as a duplicate named, when it is ours; None when it is an older one, or a ghost."""
        answer = await call.read("GET", f"/rest/posts/{enc(urn)}", accept=(403, 404))
        if answer.status == 403:
            return CannotTell(f"it may be {permalink_of(urn)}, but {self._closed(call)}: {_LOOK}", DAY / 24)
        post = answer.json() if answer.status != 404 else {}
        at = posted_at(post)
        if not post or not is_live(post) or at is None or not lost.since <= at <= lost.until:
            return None
        return Found(seen_of(post)) if self._likeness(post, lost, call) == "same" else None

    async def _find_listed(self, lost: Lost, call: Call) -> Finding:
        same, alike = list[dict[str, Any]](), False
        try:
            async for post in self._own(call):
                at = posted_at(post)
                if at is not None and at < lost.since:
                    break
                if post.get("id") in lost.claimed or at is None or at > lost.until or not is_live(post):
                    continue
                likeness = self._likeness(post, lost, call)
                alike = alike or likeness == "alike"
                same += [post] if likeness == "same" else []
        except errors.MissingScope as error:
            return CannotTell(f"{self._closed(call)} ({error.message}): {_LOOK}", DAY / 24)
        if len(same) > 1:
            return CannotTell("two posts look exactly like this one")
        if same:
            return Found(seen_of(same[0]))
        if alike:
            return CannotTell("a post with the same text is there, but what it shows is not known to be this")
        return Absent("it is not among the Page's own posts")

    def _likeness(self, post: Mapping[str, Any], lost: Lost, call: Call) -> str:
        names = [f"media {index} {item.digest[:16]}" for index, item in enumerate(lost.part.media)]
        return likeness_of(post, lost, [str(call.recall(name)) for name in names])

    def _closed(self, call: Call) -> str:
        """Why posts cannot be listed."""
        author = call.facts.facts["author"]
        return _PRIVATE if author.startswith("urn:li:person:") else "the token may not read the Page's posts"

    async def _find_comment(self, lost: Lost, call: Call) -> Finding:
        wanted, ours = lost.part.body["comment"], list[dict[str, Any]]()
        path, start = f"/rest/socialActions/{enc(lost.part.body['under'])}/comments", 0
        for _ in range(_PAGES):
            try:
                page = elements(await ask(call, path, f"start={start}&count={_PAGE_OF_POSTS}"))
            except errors.MissingScope as error:
                return CannotTell(f"the token may not list the comments ({error.message}): {_LOOK}", DAY / 24)
            ours += [one for one in page if _is_ours(one, wanted, lost)]
            start += len(page)
            if not page:
                break
        else:
            return CannotTell("there are more comments than are read")
        if len(ours) > 1:
            return CannotTell("two comments look exactly like this one")
        if not ours:
            return Absent("it is not among the comments")
        return Found(sent_of(_comment_urn(ours[0], wanted), commented_at(ours[0])))

    async def _own(self, call: Call) -> AsyncIterator[dict[str, Any]]:
        """The author's own posts, newest first, every page."""
        author, start, seen = call.facts.facts["author"], 0, set[str]()
        while True:
            query = f"q=author&author={enc(author)}&count={_PAGE_OF_POSTS}&start={start}&sortBy=CREATED"
            page = elements(await ask(call, "/rest/posts", query, method="FINDER"))
            fresh = [post for post in page if post.get("id") and post["id"] not in seen]
            for post in fresh:
                seen.add(str(post["id"]))
                yield post
            if not fresh:
                return
            start += _PAGE_OF_POSTS

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        if sent.id is None:
            return sent
        post = (await call.read("GET", f"/rest/posts/{enc(sent.id)}")).json()
        if not is_live(post):
            return Absent(f"LinkedIn took the post and did not publish it ({post.get('lifecycleState')})")
        return attrs.evolve(sent, status=status_of(post), published_at=posted_at(post))

    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Replace the text; what a post shows beside it cannot be changed."""
        urn = own_urn(receipt)
        headers = {"x-restli-method": "PARTIAL_UPDATE"}
        self._check_edit(urn, part, call)
        if COMMENT.fullmatch(urn):
            change = {"patch": {"message": {"$set": message(part.body["words"])}}}
            path = f"{comment_path(urn)}?actor={enc(call.facts.facts['author'])}"
        else:
            change = {"patch": {"$set": {"commentary": part.body["request"]["commentary"]}}}
            path = f"/rest/posts/{enc(urn)}"
        await call.attach("POST", path, json=change, headers=headers, repeatable=True)
        return attrs.evolve(sent_of(urn), raw=receipt.raw)

    def _check_edit(self, urn: str, part: Part, call: Call) -> None:
        request = part.body.get("request", {})
        defaults = request.get("visibility") == "PUBLIC" and not request.get("isReshareDisabledByAuthor")
        feed = request.get("distribution", {})
        plain_feed = feed.get("feedDistribution") == "MAIN_FEED" and not feed.get("targetEntities")
        fixed = {"content", "reshareContext"} & set(request) or part.media or part.body.get("close")
        if fixed or not request or not defaults or not plain_feed:
            raise errors.ConfigError(
                "LinkedIn lets only the text be edited: give a Post with text alone. What the post shows, what it "
                "reshares or answers, and who sees it stay as they are"
            )
        actual = length(shown(part.body["words"]), "utf16")
        if COMMENT.fullmatch(urn) and actual > COMMENT_LIMIT:
            words = f"{measured(actual, COMMENT_LIMIT, 'utf16')}: it is a comment"
            limits: Any = {"limit": COMMENT_LIMIT, "actual": actual, "hint": "shorten it"}
            raise errors.InvalidPost([Problem(call.account, "text", "too_long", words, **limits)])

    async def delete(self, receipt: Receipt, call: Call) -> None:
        urn = own_urn(receipt)
        path = f"/rest/posts/{enc(urn)}"
        if COMMENT.fullmatch(urn):
            path = f"{comment_path(urn)}?actor={enc(call.facts.facts['author'])}"
        headers = {"x-restli-method": "DELETE"}
        await call.attach("DELETE", path, headers=headers, accept=(404,), repeatable=True)

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """A Page's posts in one request; a member's number by number, seven requests for a post."""
        author = call.facts.facts["author"]
        if not author.startswith("urn:li:person:"):
            return await page_rows(receipts, author, call)
        return [await member_row(receipt, call) for receipt in receipts]

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        return await account_row(call.facts.facts["author"], call, since=since, until=until)

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        left = limit
        async for post in self._own(call):
            at = posted_at(post)
            if left <= 0 or (since is not None and at is not None and at < since):
                return
            if is_live(post) and not (until and at and at > until):
                yield receipt_of(post, call.facts.identity)
                left -= 1

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink or URN. Where the token may not read the post, whose it is stays open."""
        if (urn := urn_of(reference)) is None:
            raise errors.ConfigError(f"{reference!r} is no post on LinkedIn; give its permalink or URN")
        nobody = Identity(self.platform, self.server, "")
        if COMMENT.fullmatch(urn):
            return Receipt(nobody, urn, permalink_of(urn), kind="reply")
        answer = await call.read("GET", f"/rest/posts/{enc(urn)}", accept=(403, 404))
        if answer.status == 404:
            raise errors.ConfigError(f"{reference!r} is no post that LinkedIn shows")
        if answer.status == 403:
            return Receipt(nobody, urn, permalink_of(urn))
        post = answer.json()
        author = str(post.get("author") or "")
        if author == call.facts.facts["author"]:
            return receipt_of(post, call.facts.identity)
        native = author if ORGANIZATION.fullmatch(author) else author.rpartition(":")[2]
        return receipt_of(post, Identity(self.platform, self.server, native))

    def owns(self, permalink: str) -> bool:
        return permalink.startswith(("http://", "https://")) and urn_of(permalink) is not None

    # --- the wire ------------------------------------------------------------------------------------------
    def authorize(self, credential: base.Credential) -> dict[str, str]:
        """The token, and what LinkedIn wants with each request: its version and Rest.li's."""
        wire = {"linkedin-version": self.version, "x-restli-protocol-version": "2.0.0"}
        return super().authorize(credential) | wire

    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """LinkedIn answers with a code, with a number, with a list of inputs, with OAuth errors, and with HTML."""
        body = response.json_or_none()
        if not isinstance(body, dict):
            return None, strip_html(response.text).strip()
        details = body.get("errorDetails")
        listed = details.get("inputErrors") if isinstance(details, dict) else None
        inputs = [one for one in listed or () if isinstance(one, dict)]
        code = body.get("code") or next((one["code"] for one in inputs if one.get("code")), None)
        code = code or body.get("error") or body.get("serviceErrorCode")
        words = [
            body.get("message"),
            body.get("error_description"),
            *(one.get("description") for one in inputs),
        ]
        said = " ".join(dict.fromkeys(str(word) for word in words if word)) or str(body.get("error") or "")
        if str(code).startswith("MEDIA_ASSET_PROCESSING") and "FAILED" not in str(code):
            code = "MEDIA_ASSET_PROCESSING"
        return None if code is None else str(code), said

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        if isinstance(error, errors.PlatformError):
            headers = response.headers
            error.request_id = headers.get("x-li-request-id") or headers.get("x-li-uuid") or error.request_id
        if isinstance(error, errors.Duplicate):
            named = duplicate_of(self.read_error(response)[1])
            nobody = Identity(self.platform, self.server, "")
            error.receipt = Receipt(nobody, named, permalink_of(named)) if named else None
        return error

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """Nothing in headers; a 429 says in words whose day is used up, and days begin at 00:00 UTC."""
        if response.status != 429 or response.answered_at is None:
            return ()
        said = self.read_error(response)[1].upper()
        if " DAY " not in said:
            return ()
        name = "app-day" if "APPLICATION" in said else "member-day"
        return (base.Reading(name, None, 0, UTC_MIDNIGHT.after(response.answered_at), DAY),)


def _page(organization: str | int) -> str:
    """The URN of a Page, from its number or URN."""
    text = str(organization)
    urn = f"urn:li:organization:{text}" if re.fullmatch("[0-9]{1,20}", text) else text
    if not ORGANIZATION.fullmatch(urn):
        raise errors.ConfigError(
            f"LinkedIn: organization={organization!r} is neither a number nor a URN; the number stands in the address "
            "of the Page's admin view"
        )
    return urn


def _requests(item: base.PartMedia) -> int:
    """How many requests a medium takes."""
    if item.kind != "video":
        return 3
    return 3 + -(-item.size // 4_194_304) + len(item.captions) + (item.thumbnail is not None)


def _is_ours(comment: Mapping[str, Any], wanted: Mapping[str, Any], lost: Lost) -> bool:
    at = commented_at(comment)
    text = str((comment.get("message") or {}).get("text") or "")
    same = comment.get("actor") == wanted["actor"] and same_words(text, wanted["message"]["text"])
    pictures = bool(comment.get("content")) == bool(lost.part.media)
    timely = at is not None and lost.since <= at <= lost.until
    return same and pictures and timely and number_of(_comment_urn(comment, wanted)) not in _claimed(lost)


def _claimed(lost: Lost) -> set[str]:
    """The numbers of other comments of ours: LinkedIn may name the post in a comment's URN in more than one way."""
    return {number_of(one) for one in lost.claimed if COMMENT.fullmatch(one)}


def _comment_urn(comment: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    return str(comment.get("commentUrn") or f"urn:li:comment:({wanted['object']},{comment.get('id')})")
