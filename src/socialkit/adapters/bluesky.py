"""Bluesky, and every other server of the AT Protocol.

A post is a record under a key the client chooses. It is written with ``swapRecord: null``, which means "only if there
is none yet": the same request again makes no second post.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

import attrs

from .. import errors
from ..flows import Flow
from ..flows._whoami import as_text, as_token, told_id
from ..flows._whoami import found as value_at
from ..flows.bluesky import FLOWS
from ..metrics import Metrics
from ..model import Identity, Receipt
from ..rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, VideoRule
from ..text import byte_span, find_entities
from . import base
from ._bluesky_video import UPLOAD_TIMEOUT, VideoService, when
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

_LEXICONS = Source("bluesky-social/atproto lexicons and server source", "2026-11-23")
_SERVERS = Source("answers of the reference server on loopback", "2026-11-23")

POST = "app.bsky.feed.post"
LABELS = frozenset({"porn", "sexual", "nudity", "graphic-media"})
THUMB_BYTES = 1_000_000
_WRITES = r"POST /xrpc/com\.atproto\.repo\.(putRecord|deleteRecord)"
_SIGN_IN = r"POST .*server\.createSession"

RULES = Rules(
    text=TextRule(300, "graphemes", also=((3000, "utf8"),)),
    images=ImageRule(
        count=10,
        max_bytes=2_000_000,
        types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        max_side=4000,
        alt_limit=2000,
        animated_count=10,
    ),
    video=VideoRule(
        count=1,
        max_bytes=300_000_000,
        types=frozenset({"video/mp4"}),
        max_seconds=600,
        alt_limit=2000,
        captions=20,
        captions_max_bytes=20_000,
    ),
    thread=True,
    carries=frozenset({"link", "reply_to", "quote", "language", "content_warning", "sensitive"}),
    in_text=frozenset({"tags"}),
    link_with_media=False,
    delete=True,
    metrics=frozenset({"likes", "comments", "shares", "quotes", "saves"}),
    metrics_batch=25,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=(
        Budget("requests", "host", 3000, 300.0, header="ratelimit", source=_LEXICONS),
        Budget("writes-hour", "account", 5000, 3600.0, match=_WRITES, cost=2, source=_LEXICONS),
        Budget("writes-day", "account", 35_000, 86_400.0, match=_WRITES, cost=2, source=_LEXICONS),
        Budget("uploads", "host", 1000, 86_400.0, match=r"POST .*repo\.uploadBlob", source=_LEXICONS),
        Budget("sessions", "account", 30, 300.0, match=_SIGN_IN, source=_LEXICONS),
        Budget("sessions-day", "account", 300, 86_400.0, match=_SIGN_IN, source=_LEXICONS),
    ),
    errors=(
        ErrorRow(400, "ReauthNeeded", code="ExpiredToken", refresh=True),
        ErrorRow(
            400,
            "MissingScope",
            code="InvalidToken",
            text="bad token (method|scope)",
            hint="use an app password that may do this",
        ),
        ErrorRow(400, "ReauthNeeded", code="InvalidToken", refresh=True),
        ErrorRow(400, "Duplicate", code="InvalidSwap", definite=False),
        ErrorRow(400, "Declined", code="BlobNotFound", hint="the upload is gone; publish again"),
        ErrorRow(400, "Declined", text="could not find blob", hint="the upload is gone; publish again"),
        ErrorRow(400, "Declined", code="BlobTooLarge"),
        ErrorRow(400, "Declined", code="InvalidMimeType"),
        ErrorRow(0, "Declined", code="DailyLimitExceeded", hint="the video service takes no more today"),
        ErrorRow(0, "Declined", code="TooManyOpenUploads", hint="the video service forgets them in an hour"),
        ErrorRow(0, "Unavailable", code="ServiceOverloaded"),
        ErrorRow(400, "Declined", code="InvalidRequest"),
        ErrorRow(400, "Declined", code="RecordNotFound"),
        ErrorRow(0, "ReauthNeeded", code="AccountTakedown", hint="the account is taken down"),
        ErrorRow(0, "ReauthNeeded", code="AccountDeactivated", hint="the account is deactivated"),
        ErrorRow(0, "ReauthNeeded", code="RepoDeactivated", hint="the account is deactivated"),
        ErrorRow(0, "ReauthNeeded", code="RepoTakendown", hint="the account is taken down"),
        ErrorRow(
            401, "ReauthNeeded", code="AuthFactorTokenRequired", hint="use an app password, not the main one"
        ),
        ErrorRow(
            401, "ReauthNeeded", code="AuthenticationRequired", hint="check the handle and the app password"
        ),
        # Neither executed anything, and a new token would cure neither.
        ErrorRow(401, "Unavailable", code="use_dpop_nonce"),
        ErrorRow(401, "Unavailable", code="invalid_dpop_proof", hint="check the clock of this machine"),
        ErrorRow(401, "ReauthNeeded", refresh=True),
        ErrorRow(403, "MissingScope", code="ScopeMissingError", hint="sign in again with more scopes"),
        ErrorRow(413, "Declined", hint="the server takes no upload of this size"),
        ErrorRow(429, "RateLimited"),
        ErrorRow(500, "Unavailable", definite=False),
    ),
    find=FindRule(by="key", quiet=60.0, looks=2, between=15.0),
    limited=(("content_warning", "labels"),),
    sources=(_LEXICONS, _SERVERS),
    notes=("Posts cannot be edited.", "A post with media has no link card: the link stands in the text."),
)


def _several(replies: Any) -> Any:
    """One name alone means a tuple of one."""
    return (replies,) if isinstance(replies, str) and replies != "nobody" else replies


@attrs.frozen
class BlueskyOptions(base.Options):
    """What only Bluesky knows.

    Attributes:
        labels: self-labels: "porn", "sexual", "nudity", "graphic-media".
        replies: who may reply: None (everyone), "nobody", or up to 5 of "mentioned", "followers", "following",
            list AT-URIs. It holds for the whole thread.
        quotes: False forbids quoting.
        card: False makes no preview card for the first link of the text.

    >>> BlueskyOptions(replies=("followers",)).quotes
    True
    """

    platform: ClassVar[str] = "bluesky"
    labels: tuple[str, ...] = ()
    replies: tuple[str, ...] | Literal["nobody"] | None = attrs.field(default=None, converter=_several)
    quotes: bool = True
    card: bool = True


class Bluesky(base.Adapter):
    """One account on Bluesky or another AT Protocol server.

    Args:
        handle: the handle or DID.
        app_password: made under Settings → App passwords; it signs in once, then the session is kept and renewed.
            Without one, :meth:`Client.begin_login` signs the account in with OAuth.
        server: base URL of the account's server. video: base URL of the video service.

    >>> Bluesky("brand.example", app_password="…")
    <Bluesky https://bsky.social>
    """

    platform: ClassVar[str] = "bluesky"
    title: ClassVar[str] = "Bluesky"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[BlueskyOptions]] = BlueskyOptions
    rotation: ClassVar[base.Rotation] = "grace"
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes
    flows: ClassVar[tuple[Flow, ...]] = FLOWS

    def __init__(
        self,
        handle: str,
        *,
        app_password: str | None = None,
        server: str = "https://bsky.social",
        video: str = "https://video.bsky.app",
    ) -> None:
        self.handle = handle.removeprefix("@")
        self.video = video.rstrip("/")
        self._last_micros = 0
        super().__init__(server, base.Credential("session", secret=app_password), hint=self.handle.lower())

    @classmethod
    def signed_in(cls, identity: Identity, **options: Any) -> Self:
        return super().signed_in(identity, **{"handle": identity.name or identity.id, **options})

    # --- who am I -----------------------------------------------------------------------------------------
    async def refresh(self, credential: base.Credential, call: Call) -> base.Credential:
        """The next session from the refresh token; a new one from the app password when that is gone."""
        if credential.refresh_token:
            bearer = {"authorization": f"Bearer {credential.refresh_token}"}
            path = "/xrpc/com.atproto.server.refreshSession"
            answer = await call.prepare("POST", path, headers=bearer, accept=(400, 401))
            if answer.status == 200:
                return _session(answer.json(), credential)
        if not credential.secret:
            raise errors.ReauthNeeded(f"{self.handle}: the session is over; give app_password= again")
        body = {"identifier": self._identifier(credential), "password": credential.secret}
        answer = await call.prepare("POST", "/xrpc/com.atproto.server.createSession", json=body)
        return _session(answer.json(), credential)

    def _identifier(self, credential: base.Credential) -> str:
        """Who signs in: the DID once it is known, which stays when the handle changes."""
        known = self.identity.id if self.identity is not None else ""
        return (
            known
            if known.startswith("did:")
            else credential.extra.get("handle", self.handle).removeprefix("@")
        )

    async def account(self, call: Call) -> AccountFacts:
        session = (await call.read("GET", "/xrpc/com.atproto.server.getSession")).json()
        did = told_id(self.platform, session, "did")
        pds = _pds(session.get("didDoc")) or self.server
        about = (await call.read("GET", f"{pds}/xrpc/com.atproto.server.describeServer", auth=False)).json()
        handle = as_text(session.get("handle"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, did, handle),
            url=f"https://bsky.app/profile/{handle or did}",
            software="atproto",
            fences=(Fence("rkey", "proved", repeat_after=1.0),),
            facts={
                "pds": pds,
                "pds_did": about.get("did"),
                "blob_limit": about.get("blobUploadLimit"),
                "email_confirmed": session.get("emailConfirmed"),
            },
            owners={"host": pds},
        )

    def _xrpc(self, call: Call, method: str) -> str:
        return f"{call.facts.facts['pds']}/xrpc/{method}"

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post, options = draft.post, draft.options
        record: dict[str, Any] = {"$type": POST, "text": post.text}
        if facets := await self._facets(draft, call):
            record["facets"] = facets
        if post.language:
            record["langs"] = [post.language]
        if labels := self._labels(draft):
            values = [{"val": label} for label in labels]
            record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
        if post.reply_to is not None:
            record["reply"] = await self._reply(draft, call)
        quote = await self._reference(draft, "quote", call) if post.quote else None
        card = None if post.media else await self._card(draft, call)
        self._check_media(draft)
        gates = _gates(options, replies=self._gates_replies(draft))
        body = {"record": record, "quote": quote, "card": card, "gates": gates}
        kind = "quote" if quote else "reply" if post.reply_to or draft.index else "post"
        requests = 1 + len(draft.media) + len(draft.extras) + len(gates)
        clean = {name: value for name, value in body.items() if value}
        return Part(draft.index, clean, post.text, kind, extras=draft.extras, requests=requests)

    async def _facets(self, draft: Draft, call: Call) -> list[dict[str, Any]]:
        """What makes links, mentions and hashtags live: spans in UTF-8 bytes. An unknown handle stays plain text."""
        facets = []
        for entity in find_entities(draft.post.text, "bluesky"):
            feature = await self._feature(entity.kind, entity.value, draft, call)
            if feature is not None:
                start, end = byte_span(draft.post.text, entity)
                facets.append({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]})
        return facets

    async def _feature(self, kind: str, value: str, draft: Draft, call: Call) -> dict[str, str] | None:
        if kind == "url":
            return {"$type": "app.bsky.richtext.facet#link", "uri": value}
        if kind == "mention":
            did = await self._did(value, call)
            if did is None:
                draft.change("text", "mention_unknown", f"@{value} stays plain text: no such handle")
                return None
            return {"$type": "app.bsky.richtext.facet#mention", "did": did}
        tag = f"${value.upper()}" if kind == "cashtag" else value
        return {"$type": "app.bsky.richtext.facet#tag", "tag": tag}

    async def _did(self, handle: str, call: Call) -> str | None:
        if handle.startswith("did:"):
            return handle
        url = self._xrpc(call, "com.atproto.identity.resolveHandle")
        answer = await call.read("GET", url, params={"handle": handle}, accept=(400, 404))
        did: str | None = (answer.json_or_none() or {}).get("did")
        return did

    def _labels(self, draft: Draft) -> tuple[str, ...]:
        labels: tuple[str, ...] = tuple(draft.options.labels)
        for label in labels:
            if label not in LABELS:
                known = ", ".join(sorted(LABELS))
                draft.problem("options.labels", "unknown", f"no label {label!r}", hint=f"one of {known}")
        warning = draft.post.content_warning
        if warning in LABELS:
            labels = tuple(dict.fromkeys((*labels, warning)))
        elif warning and not labels:
            hint = "name a label: post.variant('bluesky', Bluesky.Options(labels=('graphic-media',)))"
            draft.problem(
                "content_warning", "unsupported", "Bluesky has no warnings in free words", hint=hint
            )
        elif warning:
            draft.change("content_warning", "label", f"becomes the label {', '.join(labels)}")
        if draft.post.sensitive and not labels:
            draft.change("sensitive", "label", "becomes the label graphic-media")
            labels = ("graphic-media",)
        return labels

    def _check_media(self, draft: Draft) -> None:
        for index, item in enumerate(draft.media):
            if item.animated:
                draft.change(
                    f"media[{index}]", "still", "is shown as a still picture; send an MP4 to keep it moving"
                )
            for number, captions in enumerate(item.captions):
                if captions.mime != "text/vtt":
                    place = f"media[{index}].captions[{number}]"
                    draft.problem(place, "type", "captions are WebVTT here", hint="save them as a .vtt file")

    def _gates_replies(self, draft: Draft) -> bool:
        """Whether this post brings a rule for replies: only the first of a thread can."""
        wanted, field = draft.options.replies, "options.replies"
        names = () if wanted in (None, "nobody") else tuple(wanted)
        for name in names:
            if name not in _WHO and not _LIST.fullmatch(name):
                hint = f"{', '.join(_WHO)}, or a list's AT-URI"
                draft.problem(field, "unknown", f"{name!r} names nobody who may reply", hint=hint)
        if len(names) > 5:
            draft.problem(field, "count", "at most 5 rules", limit=5, actual=len(names))
        if wanted is not None and draft.post.reply_to is not None and draft.index == 0:
            draft.change(field, "not_carried", "is not sent: who started the thread says who may reply")
        return wanted is not None and draft.post.reply_to is None and draft.index == 0

    async def _reply(self, draft: Draft, call: Call) -> dict[str, Any] | None:
        parent = await self._receipt_of(draft, "reply_to", call)
        if parent is None:
            return None
        reference = _strong(parent.raw)
        return {"root": parent.raw.get("root") or reference, "parent": reference}

    async def _reference(
        self, draft: Draft, field: Literal["reply_to", "quote"], call: Call
    ) -> dict[str, str] | None:
        found = await self._receipt_of(draft, field, call)
        return _strong(found.raw) if found else None

    async def _receipt_of(
        self, draft: Draft, field: Literal["reply_to", "quote"], call: Call
    ) -> Receipt | None:
        wanted = getattr(draft.post, field)
        if isinstance(wanted, Receipt) and wanted.raw.get("cid"):
            return wanted
        reference = wanted if isinstance(wanted, str) else wanted.url or wanted.id or ""
        try:
            found = await self.resolve(reference, call)
        except (errors.ConfigError, errors.Declined) as error:
            words = str(error) if reference in str(error) else f"{reference!r}: {error}"
            draft.problem(field, "not_found", words, hint="give its receipt, its permalink or its AT-URI")
            return None
        flag, verb = _DENIED[field]
        if found.raw.get(flag):
            draft.problem(field, "denied", f"its author does not let this account {verb} it")
        return found

    async def _card(self, draft: Draft, call: Call) -> dict[str, str] | None:
        """The preview card of the link, or of the first link in the text; its picture shrunk to the limit."""
        link = draft.post.link
        url = link.url if link else self._first_link(draft)
        if url is None:
            return None
        told = await call.card(url) if link is None or link.title is None or link.thumbnail is None else None
        if told is None and link is None:
            draft.change("text", "no_card", f"no preview card: {url} offers none")
            return None
        picture = (link.thumbnail if link else None) or (told.image if told else None)
        if picture is not None:
            thumb = await draft.medium(picture, "link.thumbnail", max_bytes=THUMB_BYTES, max_side=2000)
            if thumb is not None:
                draft.extras["card"] = thumb
            for name in ("alt", "focus"):
                if getattr(picture, name):
                    draft.change(
                        f"link.thumbnail.{name}", "not_carried", "is not sent: a card has no place for it"
                    )
        title = (link.title if link else None) or (told.title if told else "") or url
        description = (link.description if link else None) or (told.description if told else "")
        for name, words, most in (("title", title, 300), ("description", description, 1000)):
            if link and words == getattr(link, name) and len(words) > most:
                draft.change(f"link.{name}", "shortened", "is cut", before=len(words), after=most)
        return {"uri": url, "title": title[:300], "description": description[:1000]}

    def _first_link(self, draft: Draft) -> str | None:
        if not draft.options.card:
            return None
        urls = (e.value for e in find_entities(draft.post.text, "bluesky") if e.kind == "url")
        return next(urls, None)

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        record = dict(part.body["record"])
        rkey, created = self._key(call)
        record["createdAt"] = created
        if call.previous is not None and call.root is not None:
            record["reply"] = {
                "root": call.root.raw.get("root") or _strong(call.root.raw),
                "parent": _strong(call.previous.raw),
            }
        if (embed := await self._embed(part, call)) is not None:
            record["embed"] = embed
        body = {
            "repo": call.facts.identity.id,
            "collection": POST,
            "rkey": rkey,
            "record": record,
            "swapRecord": None,
        }
        url = self._xrpc(call, "com.atproto.repo.putRecord")
        try:
            answer = (await call.commit("POST", url, json=body, fence=call.facts.fence("rkey"))).json()
        except errors.Declined as error:
            if "blob" in f"{error.code} {error.said}".lower():
                self._forget_blobs(part, call)
            raise
        return self._sent(answer["uri"], answer["cid"], record)

    def _forget_blobs(self, part: Part, call: Call) -> None:
        """The server has collected them: the next attempt uploads again."""
        for item in (*part.media, *part.extras.values()):
            call.remember(f"blob {item.digest[:16]}", None)
            call.remember(f"video {item.digest[:16]}", None)

    def _key(self, call: Call) -> tuple[str, str]:
        """(record key, createdAt), chosen once and remembered: the same in every attempt and every process."""
        if (known := call.recall("key")) is not None:
            return known[0], known[1]
        now = call.now()
        micros = max(int(now.timestamp() * 1_000_000), self._last_micros + 1)
        if call.previous is not None:
            micros = max(micros, _tid_micros(str(call.previous.id)) + 1)
        self._last_micros = micros
        rkey = tid(micros, call.random.getrandbits(10))
        created = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        call.remember("key", [rkey, created])
        return rkey, created

    def _sent(self, uri: str, cid: str, record: Mapping[str, Any]) -> Sent:
        rkey = uri.rpartition("/")[2]
        did = uri.removeprefix("at://").partition("/")[0]
        raw = {"uri": uri, "cid": cid}
        if root := (record.get("reply") or {}).get("root"):
            raw["root"] = root
        url = f"https://bsky.app/profile/{did}/post/{rkey}"
        return Sent(rkey, url, when(record.get("createdAt")), raw=raw)

    async def _embed(self, part: Part, call: Call) -> dict[str, Any] | None:
        media = await self._media_embed(part, call)
        quote = part.body.get("quote")
        if quote and media:
            inner = {"$type": "app.bsky.embed.record", "record": quote}
            return {"$type": "app.bsky.embed.recordWithMedia", "record": inner, "media": media}
        return {"$type": "app.bsky.embed.record", "record": quote} if quote else media

    async def _media_embed(self, part: Part, call: Call) -> dict[str, Any] | None:
        if part.media and part.media[0].kind == "video":
            return await self._video(part.media[0], call)
        if part.media:
            return await self._images(part.media, call)
        if (card := part.body.get("card")) is not None:
            external = dict(card)
            if (thumb := part.extras.get("card")) is not None:
                external["thumb"] = await self._blob(thumb, call)
            return {"$type": "app.bsky.embed.external", "external": external}
        return None

    async def _images(self, media: Sequence[PartMedia], call: Call) -> dict[str, Any]:
        items = []
        for item in media:
            shown: dict[str, Any] = {"image": await self._blob(item, call), "alt": item.alt or ""}
            if item.width and item.height:
                shown["aspectRatio"] = {"width": item.width, "height": item.height}
            items.append(shown)
        if len(items) <= 4:
            return {"$type": "app.bsky.embed.images", "images": items}
        gallery = [{"$type": "app.bsky.embed.gallery#image", **shown} for shown in items]
        return {"$type": "app.bsky.embed.gallery", "items": gallery}

    async def _blob(self, item: PartMedia, call: Call) -> dict[str, Any]:
        """Upload raw bytes to the account's server; an unreferenced blob lives for an hour at least."""
        name = f"blob {item.digest[:16]}"
        if (known := call.recall(name)) is not None:
            return dict(known)
        blob = await call.open(item)
        answer = await call.prepare(
            "POST",
            self._xrpc(call, "com.atproto.repo.uploadBlob"),
            content=base.Slice(blob),
            headers={"content-type": item.mime},
            timeout=UPLOAD_TIMEOUT,
        )
        uploaded: dict[str, Any] = answer.json()["blob"]
        call.remember(name, uploaded, expires_in=3000)
        return uploaded

    # --- video --------------------------------------------------------------------------------------------
    async def _video(self, item: PartMedia, call: Call) -> dict[str, Any]:
        limit = call.facts.facts.get("blob_limit")
        direct = limit is not None and item.size <= limit
        blob = await (self._blob(item, call) if direct else VideoService(self.video, call).blob(item))
        embed: dict[str, Any] = {"$type": "app.bsky.embed.video", "video": blob}
        if item.alt:
            embed["alt"] = item.alt
        if item.width and item.height:
            embed["aspectRatio"] = {"width": item.width, "height": item.height}
        if item.captions:
            files = [(one.language or "und", await self._blob(one, call)) for one in item.captions]
            embed["captions"] = [{"lang": language, "file": file} for language, file in files]
        return embed

    # --- after --------------------------------------------------------------------------------------------
    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """Who may reply and quote: records of their own under the post's key."""
        gates = part.body.get("gates") or {}
        if not gates:
            return sent
        for collection, fields in gates.items():
            record = {
                "$type": collection,
                "post": sent.raw["uri"],
                "createdAt": _stamp(sent.published_at),
                **fields,
            }
            body = {
                "repo": call.facts.identity.id,
                "collection": collection,
                "rkey": sent.id,
                "record": record,
            }
            await call.attach(
                "POST", self._xrpc(call, "com.atproto.repo.putRecord"), json=body, repeatable=True
            )
        return attrs.evolve(sent, raw={**sent.raw, "gates": sorted(gates)})

    async def find(self, lost: Lost, call: Call) -> Finding:
        key = call.recall("key")
        if key is None:
            return CannotTell("the record key was not kept")
        found = await self._record(call.facts.identity.id, key[0], call)
        if found is None:
            return Absent("the account's server has no record under its key")
        record = found["value"]
        if record.get("text") != lost.part.body["record"]["text"] or record.get("createdAt") != key[1]:
            return CannotTell("another record stands under its key", look_again_in=3600)
        return Found(self._sent(found["uri"], found["cid"], record))

    async def _record(self, did: str, rkey: str, call: Call) -> dict[str, Any] | None:
        params = {"repo": did, "collection": POST, "rkey": rkey}
        url = self._xrpc(call, "com.atproto.repo.getRecord")
        answer = await call.read("GET", url, params=params, accept=(400, 404))
        body: dict[str, Any] = answer.json_or_none() or {}
        if answer.status == 200:
            return body
        if body.get("error") not in ("RecordNotFound", "NotFound") and "locate record" not in str(
            body.get("message")
        ):
            raise self.parse_error(answer)
        return None

    async def delete(self, receipt: Receipt, call: Call) -> None:
        for collection in (POST, *receipt.raw.get("gates", ())):
            body = {"repo": call.facts.identity.id, "collection": collection, "rkey": receipt.id}
            url = self._xrpc(call, "com.atproto.repo.deleteRecord")
            await call.attach("POST", url, json=body, repeatable=True, cost=1)

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        uris = [_uri(receipt) for receipt in receipts]
        views = {view["uri"]: view for view in await self._views(uris, call)}
        now = call.now()
        return [_row(receipt, views.get(uri), now) for receipt, uri in zip(receipts, uris, strict=True)]

    async def _views(self, uris: Iterable[str], call: Call) -> list[dict[str, Any]]:
        params = [("uris", uri) for uri in uris]
        answer = await call.read("GET", self._xrpc(call, "app.bsky.feed.getPosts"), params=params)
        views: list[dict[str, Any]] = answer.json()["posts"]
        return views

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        params = {"actor": call.facts.identity.id}
        profile = (
            await call.read("GET", self._xrpc(call, "app.bsky.actor.getProfile"), params=params)
        ).json()
        names = ("followersCount", "followsCount", "postsCount")
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            followers=profile.get("followersCount"),
            raw={name: profile.get(name) for name in names},
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        """From the account's own server, which knows a post at once."""
        params = {"repo": call.facts.identity.id, "collection": POST, "limit": str(min(limit, 100))}
        cursor: str | None = ""
        while cursor is not None:
            page = {**params, "cursor": cursor} if cursor else params
            answer = (
                await call.read("GET", self._xrpc(call, "com.atproto.repo.listRecords"), params=page)
            ).json()
            for found in answer["records"]:
                receipt = self._receipt(found["uri"], found["cid"], found["value"], call.facts.identity)
                if since and receipt.published_at and receipt.published_at < since:
                    if _tid_micros(str(receipt.id)) < since.timestamp() * 1_000_000:
                        return
                    continue  # written lately about an earlier day: what comes after it may be newer
                if not (until and receipt.published_at and receipt.published_at > until):
                    yield receipt
            cursor = answer.get("cursor")

    def _receipt(self, uri: str, cid: str, record: Mapping[str, Any], owner: Identity) -> Receipt:
        sent = self._sent(uri, cid, record)
        kind = _kind(record)
        return Receipt(owner, sent.id, sent.url, sent.published_at, record.get("text"), kind, raw=sent.raw)

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """An AT-URI, a bsky.app permalink, or the key of an own post."""
        did, rkey = await self._place(reference, call)
        if did == call.facts.identity.id:
            found = await self._record(did, rkey, call)
            if found is not None:
                return self._receipt(found["uri"], found["cid"], found["value"], call.facts.identity)
        else:
            for view in await self._views([f"at://{did}/{POST}/{rkey}"], call):
                author = Identity(self.platform, self.server, did, view["author"].get("handle"))
                seen = self._receipt(view["uri"], view["cid"], view["record"], author)
                viewer = view.get("viewer") or {}
                denied = {flag: True for flag, _ in _DENIED.values() if viewer.get(flag)}
                return attrs.evolve(seen, raw={**seen.raw, **denied})
        raise errors.ConfigError(f"{reference!r} is no post that {self.server} can see")

    async def _place(self, reference: str, call: Call) -> tuple[str, str]:
        match = re.fullmatch(r"at://([^/]+)/app\.bsky\.feed\.post/([^/?#]+)", reference) or re.fullmatch(
            r"https?://[^/]+/profile/([^/]+)/post/([^/?#]+)/?(?:[?#].*)?", reference
        )
        if match is None:
            if "/" in reference:
                raise errors.ConfigError(f"{reference!r} is no Bluesky post")
            return call.facts.identity.id, reference
        did = await self._did(match[1], call)
        if did is None:
            raise errors.ConfigError(f"{reference!r}: no such handle {match[1]!r}")
        return did, match[2]

    def owns(self, permalink: str) -> bool:
        return permalink.startswith(("at://", "https://bsky.app/profile/"))

    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        body = response.json_or_none()
        if isinstance(body, dict):
            return body.get("error"), str(body.get("message") or body.get("error") or "")
        return None, response.text


# --- small things -----------------------------------------------------------------------------------------
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"


def tid(micros: int, clock_id: int) -> str:
    """A record key: 53 bits of microseconds since 1970 and 10 bits that tell writers apart, 13 characters that sort."""
    value = (micros & ((1 << 53) - 1)) << 10 | clock_id & 1023
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(60, -1, -5))


def _tid_micros(key: str) -> int:
    value = 0
    for character in key:
        value = value << 5 | max(0, _ALPHABET.find(character))
    return value >> 10


def _session(answer: Any, old: base.Credential) -> base.Credential:
    access, refresh = (as_token(value_at(answer, name)) for name in ("accessJwt", "refreshJwt"))
    if access is None or refresh is None:
        raise errors.Unavailable("the server answered without a session")
    return attrs.evolve(old, access_token=access, refresh_token=refresh, expires_at=_expiry(access))


def _expiry(jwt: str) -> datetime | None:
    """When a token ends, from its own claims; None when it is opaque."""
    try:
        claims = jwt.split(".")[1]
        padded = claims + "=" * (-len(claims) % 4)
        return datetime.fromtimestamp(json.loads(base64.urlsafe_b64decode(padded))["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def _pds(document: Any) -> str | None:
    """The account's own server, from its DID document; http only on this machine."""
    services = value_at(document, "service")
    for service in services if isinstance(services, list) else ():
        place = value_at(service, "serviceEndpoint")
        if str(value_at(service, "id")).endswith("#atproto_pds") and isinstance(place, str):
            here = place.startswith("http://") and urlsplit(place).hostname in _THIS_MACHINE
            return place.rstrip("/") if here or place.startswith("https://") else None
    return None


def _gates(options: Any, *, replies: bool) -> dict[str, dict[str, Any]]:
    gates: dict[str, dict[str, Any]] = {}
    if replies:
        wanted = () if options.replies == "nobody" else options.replies
        gates["app.bsky.feed.threadgate"] = {"allow": [_rule(one) for one in wanted]}
    if not options.quotes:
        rule = {"$type": "app.bsky.feed.postgate#disableRule"}
        gates["app.bsky.feed.postgate"] = {"embeddingRules": [rule]}
    return gates


_DENIED = {"reply_to": ("replyDisabled", "reply to"), "quote": ("embeddingDisabled", "quote")}
"""What the network says about others' posts: it takes the record all the same, and shows it to nobody."""
_WHO = {"mentioned": "mentionRule", "followers": "followerRule", "following": "followingRule"}
_LIST = re.compile(r"at://[^/]+/app\.bsky\.graph\.list/[^/?#]+")


def _rule(name: str) -> dict[str, str]:
    if name in _WHO:
        return {"$type": f"app.bsky.feed.threadgate#{_WHO[name]}"}
    return {"$type": "app.bsky.feed.threadgate#listRule", "list": name}


def _kind(record: Mapping[str, Any]) -> str:
    embed = str((record.get("embed") or {}).get("$type"))
    if embed.startswith("app.bsky.embed.record"):
        return "quote"
    return "reply" if record.get("reply") else "post"


def _strong(raw: Mapping[str, Any]) -> dict[str, str]:
    return {"uri": raw["uri"], "cid": raw["cid"]}


def _uri(receipt: Receipt) -> str:
    return str(receipt.raw.get("uri") or f"at://{receipt.identity.id}/{POST}/{receipt.id}")


def _stamp(moment: datetime | None) -> str:
    assert moment is not None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(receipt: Receipt, view: dict[str, Any] | None, now: datetime) -> Metrics:
    if view is None:
        gone = errors.Declined("not shown: deleted, taken down, or too new to be indexed")
        return Metrics.of(receipt, error=gone, fetched_at=now)
    counts = {
        "likes": view.get("likeCount"),
        "comments": view.get("replyCount"),
        "shares": view.get("repostCount"),
        "quotes": view.get("quoteCount"),
        "saves": view.get("bookmarkCount"),
    }
    missing = {name: "the server does not say" for name, value in counts.items() if value is None}
    missing |= dict.fromkeys(("impressions", "reach", "clicks", "video_views"), "Bluesky does not count it")
    raw = {"indexedAt": view.get("indexedAt"), "labels": view.get("labels", [])}
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)
