"""Mastodon, and the servers that speak its API: GoToSocial, Pleroma, Akkoma, Pixelfed, Takahe, Hollo, snac.

Numbers are those of a stock Mastodon server; every server tells its own, and :meth:`Mastodon.account` reads them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

import attrs

from .. import errors
from ..flows import Flow
from ..flows._whoami import as_text, told_id
from ..flows.mastodon import FLOWS
from ..metrics import Metrics
from ..model import Identity, Problem, Receipt, Status
from ..rules import Budget, ErrorRow, FindRule, ImageRule, PollRule, Rules, Source, TextRule, VideoRule
from ..text import strip_html
from . import base
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
    Sent,
)

_DOCS = Source("docs.joinmastodon.org and the server's source, 4.7", "2026-11-23")
_SERVERS = Source("answers of real servers on loopback", "2026-11-23")

UPLOAD_TIMEOUT = 300.0
"""Seconds a server may take to answer an upload, whatever the client's ``timeout``: some look into the file first."""

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
_VIDEOS = frozenset({"video/mp4", "video/webm", "video/quicktime", "video/ogg"})

_IMAGE = ImageRule(
    count=4,
    max_bytes=16_777_216,
    types=_IMAGES,
    alt_limit=1500,
    max_pixels=33_177_600,
    focus=True,
    animated_count=4,
    animated_max_pixels=921_600,
)
_VIDEO = VideoRule(
    count=1, max_bytes=103_809_024, types=_VIDEOS, max_pixels=8_294_400, alt_limit=1500, thumbnail=True
)
_POLL = PollRule(2, 4, 50, min_seconds=300, max_seconds=2_629_746, multiple=True, hide_totals=True)

RULES = Rules(
    text=TextRule(500, "mastodon", counts_warning=True),
    images=_IMAGE,
    video=_VIDEO,
    poll=_POLL,
    thread=True,
    carries=frozenset({"reply_to", "quote", "language", "content_warning", "sensitive"}),
    in_text=frozenset({"link", "tags"}),
    visibility=frozenset({"public", "unlisted", "followers", "direct"}),
    edit=True,
    delete=True,
    schedule=True,
    metrics=frozenset({"likes", "comments", "shares", "quotes"}),
    metrics_batch=20,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=(
        Budget("api", "account", 300, 300.0, header="x-ratelimit", source=_DOCS),
        Budget("media", "account", 30, 1800.0, match=r"POST /api/v[12]/media$", source=_DOCS),
        Budget("statuses", "account", 300, 10800.0, match=r"POST /api/v1/statuses$", source=_DOCS),
        Budget("deletes", "account", 30, 1800.0, match=r"DELETE /api/v1/statuses/.*", source=_DOCS),
    ),
    errors=(
        ErrorRow(400, "ReauthNeeded", text=r"invalid bearer token|invalid_grant", hint="sign in again"),
        ErrorRow(400, "Duplicate", text="duplicate idempotency key", definite=False),
        ErrorRow(400, "Declined"),
        ErrorRow(401, "ReauthNeeded", hint="the token is invalid or revoked; sign in again", refresh=True),
        ErrorRow(
            403, "MissingScope", text="outside the authorized scopes", hint="sign in again with write access"
        ),
        ErrorRow(403, "Declined", hint="the account may not do this (disabled, suspended or blocked)"),
        ErrorRow(404, "Declined", hint="the record is missing or not visible to this account"),
        ErrorRow(410, "Declined", hint="it is gone"),
        ErrorRow(413, "Declined", hint="a proxy in front of the server takes no file of this size"),
        ErrorRow(
            422,
            "ReauthNeeded",
            text="requires an authenticated user",
            hint="this is an app's own token; sign in as the account",
        ),
        ErrorRow(422, "Declined"),
        ErrorRow(429, "RateLimited"),
        ErrorRow(503, "Unavailable", text="temporary problem", definite=False, hint="try again in a while"),
        ErrorRow(500, "Unavailable", definite=False),
    ),
    find=FindRule(by="list", quiet=150.0, looks=3, between=20.0),
    limited=(("quote", "Mastodon 4.5, Akkoma"),),
    sources=(_DOCS, _SERVERS),
    notes=(
        "A media post must have pictures or one video.",
        "The server makes the link card itself, from the first link.",
    ),
)

_VISIBILITY = {"public": "public", "unlisted": "unlisted", "followers": "private", "direct": "direct"}
_RAW_COUNTS = frozenset({"gotosocial", "pleroma", "akkoma", "takahe"})
_PLEROMA = frozenset({"pleroma", "akkoma", "rebased"})
_SCHEDULES = frozenset({"mastodon", "gotosocial", "pleroma", "akkoma", "rebased"})
_ALT = {"pixelfed": 1000}
_FORMATS = frozenset({"gotosocial", "snac"}) | _PLEROMA
_PERMALINK = re.compile(
    r"/(?:@[^/]+(?:/statuses|/posts)?|(?:ap/)?users/[^/]+/statuses|notice|p/[^/]+)/([^/?#]+)/?(?:[?#].*)?"
)
"""Mastodon's own, and those of GoToSocial, Takahe, Pleroma and Pixelfed."""
_FORKS = ("glitch", "hometown", "chuckya")
_BLANKS = frozenset({"", ".", "🖼", "📹", "🎵"})
"""What servers write for a post that has a warning but no text."""
_NO_DOCUMENT = frozenset({400, 401, 403, 404, 405, 406, 410, 422, 500, 501})
"""Answers that say a server has no such document (one software answers 500 to a path it does not know)."""

_NO_ADDRESS = frozenset({404, 405, 501})
"""Answers that say a server does not know the address."""


@attrs.frozen
class MastodonOptions(base.Options):
    """What only Mastodon knows.

    Attributes:
        scheduled_at: aware; the server publishes by itself then, at least 5 minutes ahead.
        quote_policy: who may quote: "public", "followers" or "nobody" (4.5 and later).
        local_only: keep it on this server (glitch-soc, GoToSocial).
        content_type: "text/plain", "text/markdown", ... where the server offers formats.

    >>> MastodonOptions(quote_policy="followers").quote_policy
    'followers'
    """

    platform: ClassVar[str] = "mastodon"
    scheduled_at: datetime | None = attrs.field(default=None, validator=base.aware)
    quote_policy: Literal["public", "followers", "nobody"] | None = None
    local_only: bool | None = None
    content_type: str | None = None


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
        api = int((instance.get("api_versions") or {}).get("mastodon") or 0)
        facts = _limits(instance, software) | _abilities(software, version, api, instance)
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, as_text(me.get("acct"))),
            url=me.get("url"),
            software=software,
            version=version,
            fences=(_fence(software, version),),
            facts=facts,
        )

    async def _instance(self, call: Call) -> dict[str, Any]:
        """The instance document; servers without a working v2 answer v1."""
        for path in ("/api/v2/instance", "/api/v1/instance"):
            answer = _object(await call.read("GET", path, accept=_NO_DOCUMENT))
            if answer and "error" not in answer:
                return answer
        return {}

    async def _software(self, call: Call, instance: dict[str, Any]) -> tuple[str, str]:
        """(name, version) by nodeinfo, else by the version text that compatible servers give."""
        index = _object(await call.read("GET", "/.well-known/nodeinfo", auth=False, accept=_NO_DOCUMENT))
        for link in index.get("links", ()):
            if "/ns/schema/2." in str(link.get("rel")):
                path = self._below(str(link.get("href")))
                info = _object(await call.read("GET", path, auth=False, accept=_NO_DOCUMENT))
                if named := info.get("software"):
                    return str(named["name"]).lower(), str(named["version"])
        name, version = _software_by_version(str(instance.get("version", "")))
        return name or ("mastodon" if instance.get("api_versions") else "unknown"), version

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
        known = facts.facts
        poll = attrs.evolve(
            _POLL,
            max_options=known["poll_options"],
            option_limit=known["poll_characters"],
            min_seconds=known["poll_min"],
            max_seconds=known["poll_max"],
            with_media=known["media_and_poll"],
        )
        unit: Literal["codepoints", "mastodon"] = "codepoints" if known["raw_count"] else "mastodon"
        return attrs.evolve(
            RULES,
            text=attrs.evolve(
                RULES.text, limit=known["characters"], unit=unit, url_length=known["url_length"]
            ),
            images=attrs.evolve(
                _IMAGE,
                count=known["media"],
                animated_count=known["media"],
                max_bytes=known["image_bytes"],
                max_pixels=known["image_pixels"],
                alt_limit=known["alt"],
                types=frozenset(known["types"]) & _IMAGES or _IMAGES,
            ),
            video=attrs.evolve(
                _VIDEO,
                max_bytes=known["video_bytes"],
                max_pixels=known["video_pixels"],
                alt_limit=known["alt"],
                types=frozenset(known["types"]) & _VIDEOS or _VIDEOS,
            ),
            poll=poll if known["polls"] else None,
            visibility=RULES.visibility - ({"direct"} if facts.software == "pixelfed" else set()),
            schedule=known["schedules"],
        )

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post, options = draft.post, draft.options
        if draft.facts.software == "pixelfed":
            _check_pixelfed(draft)
        body: dict[str, Any] = {
            "status": post.text,
            "visibility": _VISIBILITY.get(post.visibility or "public", "public"),
            "language": post.language,
            "spoiler_text": post.content_warning,
            "sensitive": post.sensitive or bool(post.content_warning) or None,
            "local_only": self._extra(draft, "local_only", options.local_only),
            "content_type": self._extra(draft, "content_type", options.content_type),
            "in_reply_to_id": await self._target(draft, "reply_to", call),
            draft.facts.facts["quote_field"]: await self._quote(draft, call),
            "quote_approval_policy": self._quote_policy(draft),
            "scheduled_at": self._schedule(draft, call),
        }
        if post.poll:
            body["poll"] = {
                "options": list(post.poll.options),
                "expires_in": post.poll.seconds,
                "multiple": post.poll.multiple,
                "hide_totals": post.poll.hide_totals,
            }
        kind = "quote" if post.quote else "reply" if post.reply_to or draft.index else "post"
        clean = {name: value for name, value in body.items() if value is not None}
        return Part(draft.index, clean, post.text, kind, requests=1 + len(draft.media))

    def _extra(self, draft: Draft, name: Literal["local_only", "content_type"], value: Any) -> Any:
        """A field of some servers only; the others would ignore it and publish something else."""
        if value in (None, False, "text/plain"):
            return None
        if not draft.facts.facts[name]:
            words = f"{draft.facts.software} {draft.facts.version} does not know it and would publish without"
            draft.problem(f"options.{name}", "unsupported", words)
        return value

    async def _target(self, draft: Draft, field: Literal["reply_to", "quote"], call: Call) -> str | None:
        """The local status id of what is replied to or quoted."""
        wanted = getattr(draft.post, field)
        if wanted is None:
            return None
        if isinstance(wanted, Receipt) and wanted.identity.server == self.server:
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
        if draft.post.quote is None:
            return None
        if not draft.facts.facts["quotes"]:
            hint = "put the link into the text"
            draft.problem("quote", "unsupported", "this server has no quote posts", hint=hint)
            return None
        quoted = await self._target(draft, "quote", call)
        status = await self._status(quoted, call) if quoted else None
        if quoted and status is None:
            draft.problem("quote", "not_found", f"{self.server} has no post {quoted} that this account sees")
            return None
        allowed = ((status or {}).get("quote_approval") or {}).get("current_user")
        if allowed == "denied":
            hint = "put the link into the text"
            draft.problem("quote", "denied", "its author does not let this account quote it", hint=hint)
        elif allowed == "manual":
            draft.change("quote", "pending", "is shown only after its author agrees")
        return quoted

    def _quote_policy(self, draft: Draft) -> str | None:
        policy: str | None = draft.options.quote_policy
        why = None
        if not draft.facts.facts["quotes"]:
            why = "this server has no quote policies"
        elif draft.post.visibility in ("followers", "direct"):
            why = f"nobody can quote a {draft.post.visibility!r} post"
        if policy and why:
            draft.change("options.quote_policy", "not_carried", f"is not sent: {why}")
            return None
        return policy

    def _schedule(self, draft: Draft, call: Call) -> str | None:
        when: datetime | None = draft.options.scheduled_at
        if when is None:
            return None
        field = "options.scheduled_at"
        if draft.total > 1:
            draft.problem(
                field, "unsupported", "a thread cannot be scheduled here: its parts need ids to reply to"
            )
        elif not draft.facts.facts["schedules"]:
            draft.problem(field, "unsupported", f"{draft.facts.software} publishes scheduled posts at once")
        elif (when - call.now()).total_seconds() < 300:
            draft.problem(field, "range", "must be at least 5 minutes ahead", limit=300)
        return when.astimezone(UTC).isoformat().replace("+00:00", "Z")

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        body = dict(part.body)
        if part.media:
            body["media_ids"] = [
                await self._upload(index, item, call) for index, item in enumerate(part.media)
            ]
        if call.previous is not None:
            body["in_reply_to_id"] = call.previous.id
        key = call.recall("key")
        if key is None:
            key = f"{call.random.getrandbits(128):032x}"
            call.remember("key", key)
        fence = None if "scheduled_at" in body else call.facts.fence("key")
        try:
            response = await call.commit(
                "POST", "/api/v1/statuses", json=body, headers={"idempotency-key": key}, fence=fence
            )
        except errors.SocialKitError as error:
            if not call.lost:
                self._forget(part, error, call)
            raise
        return _sent(response.json(), part)

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
        call.remember(f"{name} ready", True, expires_in=72_000)
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
    async def check(self, sent: Sent, call: Call) -> Sent:
        """A scheduled post that is no longer on the list was published: its own status is looked for."""
        if sent.status is not Status.SCHEDULED:
            return sent
        listed = await call.read("GET", _place("scheduled_statuses", sent.id), accept=(404,))
        if listed.status == 200:
            return attrs.evolve(sent, look_again_at=_time(listed.json()["scheduled_at"]))
        status = await self._published(sent.raw, call)
        if status is not None:
            return _sent(status, None)
        if call.now() - _time(sent.raw["scheduled_at"]) < timedelta(minutes=10):
            return attrs.evolve(sent, look_again_at=call.now() + timedelta(minutes=1))
        words = "it left the server's list of scheduled posts and is not among the account's own posts"
        return attrs.evolve(sent, look_again_at=None, missing=(words,))

    async def _published(self, raw: Mapping[str, Any], call: Call) -> dict[str, Any] | None:
        """The status that a scheduled post became: the first like it since it was due."""
        found = None
        async for status in self._own(call, since=_time(raw["scheduled_at"])):
            if _ids(status) == raw.get("media", []) and await self._same_text(status, raw["text"], call):
                found = status
        return found

    async def find(self, lost: Lost, call: Call) -> Finding:
        if "scheduled_at" in lost.part.body:
            return await self._find_scheduled(lost, call)
        ours = []
        async for status in self._own(call, since=lost.since):
            candidate = _time(status["created_at"]) <= lost.until and str(status["id"]) not in lost.claimed
            if candidate and await self._matches(status, lost, call):
                ours.append(status)
        if len(ours) > 1:
            return CannotTell("two posts look exactly like this one")
        if ours:
            return Found(_sent(ours[0], lost.part))
        return Absent("it is not among the account's own posts")

    async def _find_scheduled(self, lost: Lost, call: Call) -> Finding:
        """Among the scheduled posts; among the published ones when its time has come."""
        body, uploaded = lost.part.body, _uploaded_ids(lost.part, call)
        due = _time(body["scheduled_at"])
        async for one in self._pages("/api/v1/scheduled_statuses?limit=40", call):
            same = one["params"]["text"] == body["status"] and uploaded in (None, _ids(one))
            apart = abs((_time(one["scheduled_at"]) - due).total_seconds())
            if same and apart < 2 and str(one["id"]) not in lost.claimed:
                return Found(_sent(one, lost.part))
        raw = {"scheduled_at": body["scheduled_at"], "text": body["status"], "media": uploaded or []}
        if call.now() >= due and (status := await self._published(raw, call)) is not None:
            return Found(_sent(status, None))
        return Absent("it is not among the scheduled posts")

    async def _matches(self, status: dict[str, Any], lost: Lost, call: Call) -> bool:
        """Whether one of the account's own posts is exactly what was sent."""
        body = lost.part.body
        parent = lost.previous.id if lost.previous else body.get("in_reply_to_id")
        if status.get("in_reply_to_id") != parent or len(_ids(status)) != len(lost.part.media):
            return False
        if lost.part.media and (uploaded := _uploaded_ids(lost.part, call)) is not None:
            return uploaded == _ids(status)
        if bool(status.get("poll")) != ("poll" in body):
            return False
        return await self._same_text(status, body["status"], call)

    async def _same_text(self, status: dict[str, Any], text: str, call: Call) -> bool:
        """By what the page shows, else by the source, which only the author may read."""
        if _plain(status) == _squash(text) or (not text.strip() and _plain(status) in _BLANKS):
            return True
        source = await call.read("GET", f"{_place('statuses', status['id'])}/source", accept=_NO_DOCUMENT)
        return bool(_object(source).get("text") == text)

    async def _own(
        self, call: Call, *, since: datetime | None, limit: int = 40
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's own posts, newest first, down to ``since``."""
        path = f"{_place('accounts', call.facts.identity.id)}/statuses"
        url = f"{path}?limit={max(1, min(limit, 40))}&exclude_reblogs=true"
        async for status in self._pages(url, call):
            if since is not None and _time(status["created_at"]) < since:
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
        _refuse_fixed(part, call)
        await self._refuse_audience(receipt, part, call)
        body = {name: value for name, value in part.body.items() if name in _EDITABLE}
        if part.media:
            body["media_ids"] = [
                await self._upload(index, item, call) for index, item in enumerate(part.media)
            ]
        response = await call.attach("PUT", _place("statuses", receipt.id), json=body, repeatable=True)
        return _sent(response.json(), None)

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
            found = {one: await self._alone(one, call) for one in ids}
        return [_row(receipt, found.get(str(receipt.id)), now) for receipt in receipts]

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
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=me.get("url"),
            followers=me.get("followers_count"),
            raw={key: me.get(key) for key in ("followers_count", "following_count", "statuses_count")},
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        async for status in self._own(call, since=since, limit=limit):
            if until is None or _time(status["created_at"]) <= until:
                yield self._receipt(status, call.facts.identity)

    def _receipt(self, status: dict[str, Any], owner: Identity) -> Receipt:
        sent = _sent(status, None)
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
            found = _object(await call.read("GET", "/api/v2/search", params=params)).get("statuses", [])
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
            return body.get("error"), str(body.get("error_description") or body.get("error") or "")
        return None, strip_html(response.text).strip()


# --- from the server's words ------------------------------------------------------------------------------
def _limits(instance: dict[str, Any], software: str) -> dict[str, Any]:
    """The server's own limits, stock numbers where it says nothing."""
    configuration = instance.get("configuration") or {}
    statuses = configuration.get("statuses") or {}
    media = configuration.get("media_attachments") or {}
    polls = configuration.get("polls") or {}
    old = instance.get("poll_limits") or {}
    legacy = instance.get("max_toot_chars") or (instance.get("pleroma") or {}).get("max_toot_chars")
    return {
        "characters": int(statuses.get("max_characters") or legacy or 500),
        "media": int(statuses.get("max_media_attachments") or 4),
        "url_length": int(statuses.get("characters_reserved_per_url") or 23),
        "alt": int(
            media.get("description_limit") or instance.get("description_limit") or _ALT.get(software, 1500)
        ),
        "image_bytes": int(media.get("image_size_limit") or instance.get("upload_limit") or 16_777_216),
        "image_pixels": int(media.get("image_matrix_limit") or 33_177_600),
        "video_bytes": int(media.get("video_size_limit") or instance.get("upload_limit") or 103_809_024),
        "video_pixels": int(media.get("video_matrix_limit") or 8_294_400),
        "types": list(media.get("supported_mime_types") or ()),
        "poll_options": int(polls.get("max_options") or old.get("max_options") or 4),
        "poll_characters": int(polls.get("max_characters_per_option") or old.get("max_option_chars") or 50),
        "poll_min": int(polls.get("min_expiration", old.get("min_expiration", 300)) or 0),
        "poll_max": int(polls.get("max_expiration") or old.get("max_expiration") or 2_629_746),
        "raw_count": software in _RAW_COUNTS,
    }


def _abilities(software: str, version: str, api: int, instance: dict[str, Any]) -> dict[str, Any]:
    """What the software can, by its name and version."""
    features = ((instance.get("pleroma") or {}).get("metadata") or {}).get("features") or ()
    batch = "ids[]" if software in _PLEROMA else "id[]" if software == "mastodon" and api >= 2 else None
    return {
        "quotes": api >= 7 or "quote_posting" in features,
        "quote_field": "quote_id" if software in _PLEROMA else "quoted_status_id",
        "local_only": software == "gotosocial" or any(fork in version for fork in _FORKS),
        "content_type": software in _FORMATS or "glitch" in version,
        "media_and_poll": software == "mastodon" and _numbers(version) >= (4, 6),
        "batch": batch,
        "polls": software != "pixelfed",
        "schedules": software in _SCHEDULES,
        "media_v2": _numbers(version) >= (3, 1, 3) if software == "mastodon" else software != "snac",
    }


def _fence(software: str, version: str) -> Fence:
    """How far a repeated Idempotency-Key is safe here (releases 4.6.0 to 4.7.1 answer it with 500)."""
    if software == "mastodon":
        broken = (4, 6) <= _numbers(version) < (4, 7, 2)
        return Fence("key", "refuted" if broken else "proved", 3300.0, repeat_after=10.0)
    if software in _PLEROMA:
        return Fence("key", "proved", 21_000.0, repeat_after=10.0)
    if software == "hollo":
        return Fence("key", "proved", 3300.0, repeat_after=10.0)
    return Fence("key", "unknown" if software == "unknown" else "refuted")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def _software_by_version(version: str) -> tuple[str | None, str]:
    """From texts such as ``2.7.2 (compatible; Pleroma 2.9.1)``, ``4.0.0 (not true; really snac/2.94)``,
    ``takahe/0.11``."""
    match = re.search(r"(?:compatible; |really |^)([A-Za-z][A-Za-z-]*)[/ ]([\d.]+\S*)", version)
    return (match[1].lower(), match[2].rstrip(")")) if match else (None, version)


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


def _ids(status: Mapping[str, Any]) -> list[str]:
    return sorted(str(medium["id"]) for medium in status.get("media_attachments") or ())


_EDITABLE = frozenset(
    {"status", "spoiler_text", "sensitive", "language", "poll", "quote_approval_policy", "content_type"}
)
_FIXED = {
    "in_reply_to_id": "reply_to",
    "quoted_status_id": "quote",
    "quote_id": "quote",
    "scheduled_at": "options.scheduled_at",
    "local_only": "options.local_only",
}


def _refuse_fixed(part: Part, call: Call) -> None:
    """What an edit cannot change must not be given to one."""
    words, hint = "an edit cannot change it", "leave it out: it stays as it is"
    given = [field for name, field in _FIXED.items() if name in part.body]
    problems = [Problem(call.account, field, "fixed", words, hint=hint) for field in given]
    if problems:
        raise errors.InvalidPost(problems)


def _check_pixelfed(draft: Draft) -> None:
    if not (draft.media or draft.post.reply_to or draft.index):
        draft.problem("media", "required", "Pixelfed posts need a picture or a video")
    if len(draft.post.content_warning or "") > 140:
        draft.problem("content_warning", "too_long", "Pixelfed keeps 140 characters of it", limit=140)


def _sent(status: dict[str, Any], part: Part | None) -> Sent:
    """What the server made of it; a status without an id was dropped by its spam filter."""
    if "params" in status and status.get("scheduled_at"):
        raw = {"scheduled_at": status["scheduled_at"], "text": status["params"].get("text") or ""}
        raw["media"] = _ids(status)
        due = _time(status["scheduled_at"])
        return Sent(str(status["id"]), status=Status.SCHEDULED, look_again_at=due, raw=raw)
    if not status["id"]:
        raise errors.Declined("the server took the post and dropped it (its spam filter does so)")
    missing = tuple(_lacks(status, part)) if part is not None else ()
    at = _time(status["created_at"]) if status.get("created_at") else None
    url = status.get("url") or status.get("uri")
    return Sent(str(status["id"]), url, at, missing=missing, raw={"uri": status.get("uri")})


def _lacks(status: dict[str, Any], part: Part) -> Iterator[str]:
    """What was sent and is not in the answer: servers leave out what they do not know, without a word."""
    body = part.body
    if "scheduled_at" in body:
        yield "the server does not schedule: it published at once"
    shown = status.get("visibility", body["visibility"])
    if shown != body["visibility"]:
        yield f"the server made it {shown!r} instead of {body['visibility']!r}"
    for name, words in (("poll", "the poll"), ("spoiler_text", "the content warning")):
        if body.get(name) and name in status and not status[name]:
            yield f"the server left out {words}"
    if body.get("language") and "language" in status and status["language"] is None:
        yield f"the server does not know the language {body['language']!r}"
    if (lost := len(part.media) - len(_ids(status))) > 0:
        yield f"the server left out {lost} of {len(part.media)} media"
    if (status.get("quote") or {}).get("state") == "pending":
        yield "the quoted post is shown only after its author agrees"


def _row(receipt: Receipt, status: dict[str, Any] | errors.PlatformError | None, now: datetime) -> Metrics:
    if isinstance(status, errors.PlatformError):
        return Metrics.of(receipt, error=status, fetched_at=now)
    if status is None:
        words = "the post is deleted, or not visible to this account"
        if (due := receipt.raw.get("scheduled_at")) is not None:
            words = f"scheduled for {due}; client.settle() learns its id once it is published"
        return Metrics.of(receipt, error=errors.Declined(words, status=404), fetched_at=now)
    names = ("impressions", "reach", "saves", "clicks", "video_views")
    missing: dict[str, str] = dict.fromkeys(names, "Mastodon does not count it")
    if status.get("quotes_count") is None:
        missing["quotes"] = "the server does not tell (Mastodon 4.5 and later do)"
    names = ("favourites_count", "replies_count", "reblogs_count", "quotes_count", "edited_at")
    return Metrics.of(
        receipt,
        likes=status.get("favourites_count"),
        comments=status.get("replies_count"),
        shares=status.get("reblogs_count"),
        quotes=status.get("quotes_count"),
        missing=missing,
        raw={name: status.get(name) for name in names}
        | ({"poll": status["poll"]} if status.get("poll") else {}),
        fetched_at=now,
    )


def _place(kind: str, name: str | None) -> str:
    """The path of one thing by its id, which is any text."""
    return f"/api/v1/{kind}/{quote(str(name), safe='')}"


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _object(response: base.Response) -> dict[str, Any]:
    """The JSON object of an answer, {} for an error or anything else."""
    body = response.json_or_none() if response.status < 300 else None
    return body if isinstance(body, dict) else {}


def _plain(status: dict[str, Any]) -> str:
    return _squash(strip_html(status.get("content", "")))


def _squash(text: str) -> str:
    """Texts as they compare: white space folded, a mention without its server (that is how pages show it)."""
    return " ".join(re.sub(r"@(\w+)@[\w.-]+", r"@\1", text).split())
