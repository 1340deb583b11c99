"""Bluesky, and every other server of the AT Protocol.

A post is a record under a key the client chooses. It is written with ``swapRecord: null``, which means "only if there
is none yet": the same request again makes no second post.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, Self

import attrs

from .. import errors
from ..flows import Flow
from ..flows._whoami import as_text, told_id
from ..flows.bluesky import FLOWS
from ..metrics import Metrics
from ..model import Identity, Receipt
from ..rules import Rules
from ..text import byte_span, find_entities, length, shorten
from . import base
from ._bluesky_plan import check_media, check_tags, gates_of, labels_of, language_of
from ._bluesky_records import (
    kind_of,
    other_record,
    pds_of,
    session_of,
    stamp,
    strong,
    tid,
    tid_micros,
    uri_of,
)
from ._bluesky_rules import (
    CARD_DESCRIPTION,
    CARD_TITLE,
    POST,
    POSTGATE,
    RULES,
    THREADGATE,
    THUMB_BYTES,
    language_tag,
)
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


def _several(names: Any) -> Any:
    """One name alone means a tuple of one."""
    return (names,) if isinstance(names, str) and names != "nobody" else names


@attrs.frozen
class BlueskyOptions(base.Options):
    """What only Bluesky knows.

    Attributes:
        labels: self-labels: "porn", "sexual", "nudity", "graphic-media".
        replies: who may reply: None (everyone), "nobody", or up to 5 of "mentioned", "followers", "following",
            AT-URIs of lists (with a DID). It holds for the whole thread.
        quotes: False forbids quoting.
        card: False makes no preview card for the first link of the text.
        presentation: "gif" shows the video as a moving picture: in a loop, without sound.

    >>> BlueskyOptions(replies=("followers",)).quotes
    True
    """

    platform: ClassVar[str] = "bluesky"
    labels: tuple[str, ...] = attrs.field(default=(), converter=_several)
    replies: tuple[str, ...] | Literal["nobody"] | None = attrs.field(default=None, converter=_several)
    quotes: bool = True
    card: bool = True
    presentation: Literal["default", "gif"] = "default"


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
                return session_of(answer.json(), credential)
        if not credential.secret:
            raise errors.ReauthNeeded(f"{self.handle}: the session is over; give app_password= again")
        body = {"identifier": self._identifier(credential), "password": credential.secret}
        answer = await call.prepare("POST", "/xrpc/com.atproto.server.createSession", json=body)
        return session_of(answer.json(), credential)

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
        if session.get("active") is False:
            raise errors.ReauthNeeded(f"the account is {session.get('status') or 'not active'}")
        pds = pds_of(session.get("didDoc")) or self.server
        about = (await call.read("GET", f"{pds}/xrpc/com.atproto.server.describeServer", auth=False)).json()
        handle = as_text(session.get("handle"))
        handle = None if handle == "handle.invalid" else handle  # one whose domain names the account no more
        return AccountFacts(
            identity=Identity(self.platform, self.server, did, handle),
            url=f"https://bsky.app/profile/{handle or did}",
            software="atproto",
            fences=(Fence("rkey", "proved", repeat_after=1.0),),
            facts={
                "pds": pds,
                "pds_did": about.get("did"),
                "blob_limit": about.get("blobUploadLimit"),
            },
            owners={"host": pds},
        )

    def rules_for(self, facts: AccountFacts) -> Rules:
        """Pictures and captions as small as the account's own server wants its blobs."""
        limit, images, video = facts.facts.get("blob_limit"), self.rules.images, self.rules.video
        if limit is None or images is None or video is None or limit >= images.max_bytes:
            return self.rules
        captions = min(video.captions_max_bytes or limit, limit)
        return attrs.evolve(
            self.rules,
            images=attrs.evolve(images, max_bytes=limit),
            video=attrs.evolve(video, captions_max_bytes=captions),
        )

    def _xrpc(self, call: Call, method: str) -> str:
        return f"{call.facts.facts['pds']}/xrpc/{method}"

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        post, options = draft.post, draft.options
        record: dict[str, Any] = {"$type": POST, "text": post.text}
        if facets := await self._facets(draft, call):
            record["facets"] = facets
        if language := language_of(post.language, "language", draft):
            record["langs"] = [language]
        if labels := labels_of(draft):
            values = [{"val": label} for label in labels]
            record["labels"] = {"$type": "com.atproto.label.defs#selfLabels", "values": values}
        if post.reply_to is not None:
            record["reply"] = await self._reply(draft, call)
        quote = await self._quote(draft, call) if post.quote else None
        card = None if post.media else await self._card(draft, call)
        check_tags(draft)
        check_media(draft)
        await self._check_videos(draft, call)
        gates = gates_of(draft)
        body = {"record": record, "quote": quote, "card": card, "gates": gates}
        kind = "quote" if quote else "reply" if post.reply_to or draft.index else "post"
        requests = 1 + len(draft.media) + len(draft.extras) + len(gates)
        requests += sum(len(item.captions) for item in draft.media)
        clean = {name: value for name, value in body.items() if value}
        if options.presentation != "default":
            clean["presentation"] = options.presentation
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
            if not _ADDRESS.fullmatch(value):
                draft.change("text", "no_link", f"{value} stays plain text: it names no host")
                return None
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
        try:
            answer = await call.read("GET", url, params={"handle": handle})
        except errors.Declined as error:
            if error.code == "HandleNotFound" or _NO_HANDLE.search(error.said or ""):
                return None
            raise
        return str(answer.json()["did"])

    async def _check_videos(self, draft: Draft, call: Call) -> None:
        """Whether the video service would take what is too large for the account's own server."""
        for index, item in enumerate(draft.media):
            if item.kind != "video" or _direct(item, call):
                continue
            if why := await VideoService(self.video, call).refusal(item):
                words = f"the video service takes no video now: {why}"
                draft.problem(f"media[{index}]", "refused", words)

    async def _reply(self, draft: Draft, call: Call) -> dict[str, Any] | None:
        parent = await self._receipt_of(draft, "reply_to", call)
        if parent is None:
            return None
        reference = strong(parent.raw)
        return {"root": parent.raw.get("root") or reference, "parent": reference}

    async def _quote(self, draft: Draft, call: Call) -> dict[str, str] | None:
        """A post, or a feed, a list, a starter pack, a labeler by its address."""
        wanted = draft.post.quote
        if not (isinstance(wanted, str) and (place := other_record(wanted))):
            found = await self._receipt_of(draft, "quote", call)
            return strong(found.raw) if found else None
        who, collection, rkey = place
        did = await self._did(who, call)
        record = await self._record(did, rkey, call, collection) if did else None
        if record is None or not record.get("cid"):
            draft.problem("quote", "not_found", f"{wanted!r} is nothing that {self.server} can see")
            return None
        return strong(record)

    async def _receipt_of(
        self, draft: Draft, field: Literal["reply_to", "quote"], call: Call
    ) -> Receipt | None:
        found = getattr(draft.post, field)
        if not (isinstance(found, Receipt) and found.raw.get("cid")):
            reference = found if isinstance(found, str) else found.url or found.id or ""
            try:
                found = await self.resolve(reference, call)
            except (errors.ConfigError, errors.Declined) as error:
                words = str(error) if reference in str(error) else f"{reference!r}: {error}"
                draft.problem(field, "not_found", words, hint="give its receipt, its permalink or its AT-URI")
                return None
        flag, verb = _DENIED[field]
        if found.raw.get(flag):
            draft.problem(field, "denied", f"its author does not let this account {verb} it")
        kept: Receipt = found
        return kept

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
            most = min(THUMB_BYTES, call.facts.facts.get("blob_limit") or THUMB_BYTES)
            thumb = await draft.medium(picture, "link.thumbnail", max_bytes=most, max_side=2000)
            if thumb is not None:
                draft.extras["card"] = thumb
            for name in ("alt", "focus"):
                if getattr(picture, name):
                    draft.change(
                        f"link.thumbnail.{name}", "not_carried", "is not sent: a card has no place for it"
                    )
        title = (link.title if link else None) or (told.title if told else "") or url
        description = (link.description if link else None) or (told.description if told else "")
        shown = {"uri": url}
        for name, words, most in (
            ("title", title, CARD_TITLE),
            ("description", description, CARD_DESCRIPTION),
        ):
            shown[name] = shorten(words, most, "graphemes")
            if link and words == getattr(link, name) and words != shown[name]:
                before = length(words, "graphemes")
                draft.change(f"link.{name}", "shortened", "is cut", before=before, after=most)
        return shown

    def _first_link(self, draft: Draft) -> str | None:
        if not draft.options.card:
            return None
        urls = (one.value for one in find_entities(draft.post.text, "bluesky") if one.kind == "url")
        return next(filter(_ADDRESS.fullmatch, urls), None)

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        record = dict(part.body["record"])
        if call.previous is not None and call.root is not None:
            record["reply"] = {
                "root": call.root.raw.get("root") or strong(call.root.raw),
                "parent": strong(call.previous.raw),
            }
        if (embed := await self._embed(part, call)) is not None:
            record["embed"] = embed
        # Not before the uploads: a post that says it is an hour old stands below an hour of others.
        rkey, record["createdAt"] = self._key(call)
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
        return _with_gates(self._sent(answer["uri"], answer["cid"], record), part)

    def _forget_blobs(self, part: Part, call: Call) -> None:
        """The server has collected them: the next attempt uploads again."""
        for item in (*part.media, *part.extras.values()):
            for one in (item, *item.captions):
                call.remember(f"blob {one.digest[:16]}", None)
            VideoService(self.video, call).forget(item)

    def _key(self, call: Call) -> tuple[str, str]:
        """(record key, createdAt), chosen once and remembered: the same in every attempt and every process."""
        if (known := call.recall("key")) is not None:
            return known[0], known[1]
        now = call.now()
        micros = max(int(now.timestamp() * 1_000_000), self._last_micros + 1)
        if call.previous is not None:
            micros = max(micros, tid_micros(str(call.previous.id)) + 1)
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
            embed = await self._video(part.media[0], call)
            shown = part.body.get("presentation")
            return {**embed, "presentation": shown} if shown else embed
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
        service = VideoService(self.video, call)
        blob = await (self._blob(item, call) if _direct(item, call) else service.blob(item))
        embed: dict[str, Any] = {"$type": "app.bsky.embed.video", "video": blob}
        if item.alt:
            embed["alt"] = item.alt
        if item.width and item.height:
            embed["aspectRatio"] = {"width": item.width, "height": item.height}
        if item.captions:
            embed["captions"] = [
                {"lang": language_tag(one.language or "und"), "file": await self._blob(one, call)}
                for one in item.captions
            ]
        return embed

    # --- after --------------------------------------------------------------------------------------------
    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent:
        """Who may reply and quote: records of their own under the post's key. One that fails holds up no other; what
        may work later is owed, and all are written again then, which changes nothing where they stand."""
        gates = part.body.get("gates") or {}
        missing, owed = list(sent.missing), list[str]()
        for collection, fields in gates.items():
            try:
                await self._gate(collection, fields, sent, call)
            except errors.Refused:
                raise
            except errors.SocialKitError as error:
                words = f"{_GATES[collection]}: {error.args[0]}"
                (missing if isinstance(error, errors.Declined) else owed).append(words)
        if owed or len(missing) > len(sent.missing):
            return attrs.evolve(sent, missing=tuple(missing), owed=tuple(owed))
        return attrs.evolve(sent, raw={**sent.raw, "gates": sorted(gates)}, owed=()) if gates else sent

    async def _gate(self, collection: str, fields: dict[str, Any], sent: Sent, call: Call) -> None:
        created = stamp(sent.published_at or call.now())
        record = {"$type": collection, "post": sent.raw["uri"], "createdAt": created, **fields}
        place = {"repo": call.facts.identity.id, "collection": collection, "rkey": sent.id}
        url = self._xrpc(call, "com.atproto.repo.putRecord")
        await call.attach("POST", url, json={**place, "record": record}, repeatable=True)

    async def find(self, lost: Lost, call: Call) -> Finding:
        key = call.recall("key")
        if key is None:
            return CannotTell("the record key was not kept")
        found = await self._record(call.facts.identity.id, key[0], call)
        if found is None:
            session = (await call.read("GET", "/xrpc/com.atproto.server.getSession")).json()
            if (
                session.get("active") is False
            ):  # then others answer for its server, and what it has is not shown
                return CannotTell("the account is not active", look_again_in=3600)
            return Absent("the account's server has no record under its key")
        record = found["value"]
        if record.get("text") != lost.part.body["record"]["text"] or record.get("createdAt") != key[1]:
            return CannotTell("another record stands under its key", look_again_in=3600)
        return Found(_with_gates(self._sent(found["uri"], found["cid"], record), lost.part))

    async def _record(self, did: str, rkey: str, call: Call, collection: str = POST) -> dict[str, Any] | None:
        """What stands under a key; None where the server says that nothing does, and in no other case."""
        params = {"repo": did, "collection": collection, "rkey": rkey}
        try:
            answer = await call.read("GET", self._xrpc(call, "com.atproto.repo.getRecord"), params=params)
        except errors.Declined as error:
            if error.code == "RecordNotFound" or "locate record" in (error.said or ""):
                return None
            raise
        body: dict[str, Any] = answer.json()
        return body

    async def delete(self, receipt: Receipt, call: Call) -> None:
        """The post and its rules for replies and quotes, where there may be some."""
        for collection in (POST, *receipt.raw.get("gates", _GATES)):
            body = {"repo": call.facts.identity.id, "collection": collection, "rkey": receipt.id}
            url = self._xrpc(call, "com.atproto.repo.deleteRecord")
            await call.attach("POST", url, json=body, repeatable=True, cost=1)

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        uris = [uri_of(receipt) for receipt in receipts]
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
            missing=_UNCOUNTED | _untold({"followers": profile.get("followersCount")}),
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
                    if tid_micros(str(receipt.id)) < since.timestamp() * 1_000_000:
                        return
                    continue  # written lately about an earlier day: what comes after it may be newer
                if not (until and receipt.published_at and receipt.published_at > until):
                    yield receipt
            cursor = answer.get("cursor")

    def _receipt(self, uri: str, cid: str, record: Mapping[str, Any], owner: Identity) -> Receipt:
        sent = self._sent(uri, cid, record)
        kind = kind_of(record)
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
_DENIED = {"reply_to": ("replyDisabled", "reply to"), "quote": ("embeddingDisabled", "quote")}
"""What the network says about others' posts: it takes the record all the same, and shows it to nobody."""
_GATES = {THREADGATE: "who may reply", POSTGATE: "who may quote"}
_ADDRESS = re.compile(r"https?://[^\s/]\S*")
_NO_HANDLE = re.compile("(unable to resolve|invalid) handle", re.IGNORECASE)
_UNCOUNTED = dict.fromkeys(
    ("impressions", "reach", "clicks", "video_views", "watch_seconds"), "Bluesky does not count it"
)


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
    missing = _UNCOUNTED | _untold(counts)
    raw = {"indexedAt": view.get("indexedAt"), "labels": view.get("labels", [])}
    return Metrics.of(receipt, **counts, missing=missing, raw=raw, fetched_at=now)


def _untold(counts: Mapping[str, Any]) -> dict[str, str]:
    return {name: "the server does not say" for name, value in counts.items() if value is None}


def _direct(item: PartMedia, call: Call) -> bool:
    """Whether the account's own server takes the video itself."""
    limit = call.facts.facts.get("blob_limit")
    return limit is not None and item.size <= limit


def _with_gates(sent: Sent, part: Part) -> Sent:
    """Says that nothing else stands under the post's key, where nothing else was planned."""
    return sent if part.body.get("gates") else attrs.evolve(sent, raw={**sent.raw, "gates": []})
