"""TikTok, through its Content Posting and Display APIs.

A video goes up in chunks under a publish id, and the last chunk is what publishes it: its fate is read by that id.
Photos and pulled videos are published by the first request, whose lost answer only the list of public posts can settle.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import attrs

from .. import errors
from ..flows import Flow
from ..flows._whoami import as_text, found, told_id
from ..flows.tiktok import FLOWS
from ..metrics import Metrics
from ..model import Identity, Problem, Receipt, Status
from ..rules import Rules
from . import base
from ._tiktok_plan import post_of
from ._tiktok_posts import (
    COUNTS,
    POST,
    PUBLIC,
    Chunks,
    Seen,
    address_of,
    chunks_of,
    id_of,
    is_same_text,
    permalink,
    posted_at,
    receipt_of,
    row_of,
    seen_in,
    sent_of,
)
from ._tiktok_rules import BATCH, CANNOT_NOW, DAY, HOUR, MINUTE, NEXT_DAY, PUBLISH, PUT_SAYS, RULES, TOO_SLOW
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

WAITS, PATIENCE = (5.0, 10.0, 15.0, 20.0, 30.0), 120.0
"""Seconds between looks at a post that is processed, and how long they go on before it is left for later."""
_ID, _UPLOAD = "publish", "upload"
_DEAD = (403, 404)
_JSON = {"content-type": "application/json; charset=UTF-8"}
_ABOUT = "id,create_time,share_url,video_description,title"

Privacy = Literal["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY"]


@attrs.frozen
class TikTokOptions(base.Options):
    """What only TikTok knows. What a kind of post, or the inbox, has no place for is listed in the plan.

    Attributes:
        privacy: who may see it; one of those TikTok offers the creator. There is no default: give this, or
            ``Post.visibility`` ("public", "followers", "private").
        mode: "direct" posts; "inbox" puts it into the creator's inbox, where a person writes the caption and posts it.
        pull: let TikTok fetch the video from its URL (or from the client's ``media_host``) instead of uploading it. The
            domain must be verified in the developer portal.
        disable_comment, disable_duet, disable_stitch: switch these off. Where the creator has, they are off anyway.
        cover_timestamp_ms: which frame of a video is its cover; None is the first one.
        cover_index: which photo is the cover, from 0.
        auto_add_music: let TikTok add music to photos.
        brand_content: a paid partnership with somebody else. brand_organic: promotes the creator's own business.
        is_aigc: made with AI. TikTok documents the mark for videos.

    >>> TikTokOptions(privacy="SELF_ONLY").mode
    'direct'
    """

    platform: ClassVar[str] = "tiktok"
    privacy: Privacy | None = None
    mode: Literal["direct", "inbox"] = "direct"
    pull: bool = False
    disable_comment: bool = False
    disable_duet: bool = False
    disable_stitch: bool = False
    cover_timestamp_ms: int | None = None
    cover_index: int = 0
    auto_add_music: bool = False
    brand_content: bool = False
    brand_organic: bool = False
    is_aigc: bool = False


def _may_post(draft: Draft) -> bool:
    scopes = draft.facts.scopes
    if lacks := bool(scopes) and "video.publish" not in scopes:
        words = "posting needs the scope video.publish, which this account's token lacks"
        draft.problem(
            "options.mode", "scope", words, hint="sign in the usual way, or TikTok.Options(mode='inbox')"
        )
    return not lacks


class TikTok(base.Adapter):
    """One account on TikTok.

    Args:
        token: a user's access token with ``TikTok.scopes``; it lives for a day. refresh_token: renews it; needs
            ``client_key`` and ``client_secret`` of the developer app it was issued to.
        server: base URL of the API.

    >>> TikTok(token="…")
    <TikTok https://open.tiktokapis.com>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "tiktok"
    title: ClassVar[str] = "TikTok"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[TikTokOptions]] = TikTokOptions
    rotation: ClassVar[base.Rotation] = "strict"
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        client_key: str | None = None,
        client_secret: str | None = None,
        server: str = "https://open.tiktokapis.com",
    ) -> None:
        seed = base.Credential.of_user(
            "TikTok", token, refresh_token, client_key, client_secret, ("client_key", "client_secret")
        )
        super().__init__(server, seed)

    # --- who am I -----------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        scopes = (await call.signed_by()).scopes
        fields = ["open_id", "union_id", "display_name"] + ["username"] * ("user.info.profile" in scopes)
        user = await self._user(fields, call)
        username = as_text(user.get("username"))
        return AccountFacts(
            identity=Identity(
                self.platform,
                self.server,
                told_id(self.platform, user, "open_id"),
                as_text(user.get("display_name")),
            ),
            url=f"https://www.tiktok.com/@{username}" if username else None,
            software="tiktok",
            # a chunk sent again under the same publish id is the same post
            fences=(Fence("upload", "proved", valid_for=HOUR - 300, repeat_after=2.0),),
            scopes=scopes,
            facts={"union_id": user.get("union_id"), "username": username},
        )

    async def _user(self, fields: Sequence[str], call: Call) -> dict[str, Any]:
        answer = await call.read("GET", "/v2/user/info/", params={"fields": ",".join(fields)})
        user = found(answer.json(), "data.user")
        if not isinstance(user, dict):
            raise errors.Unavailable("TikTok does not show the account", status=answer.status)
        return user

    # --- plan ---------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        creator = None
        if draft.options.mode == "direct" and draft.media and draft.index == 0:
            creator = await self._creator(draft, call) if _may_post(draft) else {}
        body = post_of(draft, creator)
        requests = 2
        if body["way"] == "upload" and draft.media:
            requests += chunks_of(draft.media[0].size).count
        about = body["about"]
        text = "" if (about["mode"], about["kind"]) == ("inbox", "video") else draft.post.text
        return Part(draft.index, body, text, requests=requests)

    async def _creator(self, draft: Draft, call: Call) -> dict[str, Any] | None:
        """What the creator may do; None, with a warning, for one who cannot post now: a state that passes, and that is
        no reason to keep the post from other accounts, or to deny what was published before."""
        try:
            return await self._creator_info(call)
        except errors.PlatformError as error:
            if error.code not in CANNOT_NOW:
                raise
            words, hint = f"the creator cannot post now: {error.message}", "plan it again when they can"
            draft.problem("account", str(error.code), words, hint=hint, severity="warning")
            return None

    async def _creator_info(self, call: Call) -> dict[str, Any]:
        answer = await call.read("POST", f"{PUBLISH}/creator_info/query/", content=b"", headers=_JSON)
        data = answer.json().get("data")
        return data if isinstance(data, dict) else {}

    async def _may_begin(self, part: Part, call: Call) -> None:
        """Raise for a post that was planned while the creator could not post: as TikTok says it, while that lasts."""
        if part.body.get("unasked"):
            await self._creator_info(call)
            words = "when it was planned TikTok did not say what this creator may do"
            stale = Problem(call.account, "plan", "stale", words, hint="plan the post again")
            raise errors.InvalidPost([stale], code="stale")

    # --- send ---------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        raw = {**part.body["about"], "since": call.now().isoformat()}
        earlier = await self._earlier(call)
        size = part.media[0].size
        upload = part.body["way"] == "upload"
        if earlier is not None and not earlier.failed and (not upload or earlier.whole(size)):
            return await self._followed(call, raw, earlier)
        if upload:
            await self._upload(part, earlier, call)
        else:
            await self._init(part, call)
        return await self._followed(call, raw, None)

    async def _earlier(self, call: Call) -> Seen | None:
        """What an earlier attempt of this part came to; None when there was none, or TikTok has forgotten it."""
        if (publish_id := call.recall(_ID)) is None:
            return None
        try:
            return await self._seen(publish_id, call)
        except errors.Declined as error:
            if error.code != "invalid_publish_id":
                raise
            return None

    async def _seen(self, publish_id: str, call: Call) -> Seen:
        return seen_in(await self._look(publish_id, call))

    async def _look(self, publish_id: str, call: Call) -> base.Response:
        body = {"publish_id": publish_id}
        return await call.read("POST", f"{PUBLISH}/status/fetch/", json=body, headers=_JSON)

    async def _init(self, part: Part, call: Call) -> None:
        """TikTok fetches the media by itself: this request is what publishes."""
        await self._may_begin(part, call)
        urls = [await call.host(item) for item in part.media]
        body, source = dict(part.body["request"]), {"source": "PULL_FROM_URL"}
        if part.body["way"] == "photos":
            body["source_info"] = source | part.body["cover"] | {"photo_images": urls}
        else:
            body["source_info"] = source | {"video_url": urls[0]}
        call.remember(_ID, None)  # an earlier attempt was dropped: its id tells nothing about this one
        answer = await call.commit("POST", part.body["path"], json=body, headers=_JSON)
        call.remember(_ID, str(answer.json()["data"]["publish_id"]))

    async def _followed(self, call: Call, raw: Mapping[str, Any], seen: Seen | None) -> Sent:
        """What it has become, after some looks; Declined when TikTok dropped it. A look that fails tells nothing."""
        publish_id = call.recall(_ID)
        seen = await self._follow(publish_id, raw, call, seen)
        if seen.failed:
            again = call.now() + timedelta(seconds=DAY) if seen.reason in NEXT_DAY else None
            raise errors.Declined(seen.words, code=seen.reason or None, retry_at=again)
        return sent_of(seen, {**raw, "publish_id": publish_id}, call.now())

    async def _follow(self, publish_id: str, raw: Mapping[str, Any], call: Call, seen: Seen | None) -> Seen:
        told = [seen or Seen("")]

        async def look() -> base.Response:
            answer = await self._look(publish_id, call)
            told.append(seen_in(answer))
            return answer

        def is_over_with(now: Seen) -> bool:
            return now.failed or sent_of(now, raw, call.now()).status is not Status.PROCESSING

        if seen is None or not is_over_with(seen):
            # it is taken: a look that fails is repeated later
            with contextlib.suppress(errors.SocialKitError):
                await call.poll(look, lambda _: is_over_with(told[-1]), waits=WAITS, limit=PATIENCE)
        return told[-1]

    # --- bytes --------------------------------------------------------------------------------------------
    async def _upload(self, part: Part, earlier: Seen | None, call: Call) -> None:
        """Every chunk; the last one publishes. An upload that was begun goes on; one that is dead begins anew."""
        item, done = part.media[0], None
        session: Any = call.recall(_UPLOAD)
        begun = (
            earlier is not None and not earlier.failed and session and session.get("id") == call.recall(_ID)
        )
        if begun and not session["dead"] and session["until"] > call.now().timestamp():
            done = await self._chunks(item, session, (earlier and earlier.uploaded) or 0, call)
        if done is None:
            if call.lost:  # the upload that cannot go on may be whole
                raise errors.OutcomeUnknown("the upload has ended, and its last chunk may have arrived")
            session = await self._start(part, item, call)
            done = await self._chunks(item, session, 0, call)
        if done is None:
            late = session["until"] <= call.now().timestamp()
            raise errors.Declined(TOO_SLOW if late else "TikTok does not take the upload it has just opened")
        if done < item.size:  # otherwise all of it is there already, and its id tells what became of it
            await self._last_chunk(item, session, done, call)

    async def _start(self, part: Part, item: PartMedia, call: Call) -> dict[str, Any]:
        await self._may_begin(part, call)
        cut = chunks_of(item.size)
        source = {"source": "FILE_UPLOAD", "video_size": cut.size, "chunk_size": cut.chunk}
        body = part.body["request"] | {"source_info": source | {"total_chunk_count": cut.count}}
        answer = await call.prepare("POST", part.body["path"], json=body, headers=_JSON)
        data = answer.json().get("data") or {}
        publish_id, url = as_text(data.get("publish_id")), data.get("upload_url")
        if not publish_id or not isinstance(url, str):
            raise errors.Unavailable("TikTok opened no upload", status=answer.status)
        until = call.now().timestamp() + HOUR - 60
        session: dict[str, Any] = {"id": publish_id, "url": url, "until": until, "dead": False}
        call.remember(_ID, publish_id)
        call.remember(_UPLOAD, session, secret=True)
        return session

    async def _chunks(self, item: PartMedia, session: dict[str, Any], at: int, call: Call) -> int | None:
        """All chunks but the last; where that one begins. None when TikTok knows the upload no more."""
        cut, blob, strays = chunks_of(item.size), await call.open(item), 0
        while at < cut.last:
            stop = cut.end_of(at)
            request = self._chunk(item, base.Slice(blob, at, stop), cut, (*_DEAD, 416))
            answer = await call.prepare("PUT", session["url"], **request)
            if answer.status in _DEAD:
                return None
            if answer.status == 416:
                strays += 1
                at = await self._progress(answer, cut, call)
            else:
                at = stop
            if strays > 3:
                raise errors.Declined("TikTok and this client do not agree on how much of the video is there")
        return at

    async def _progress(self, answer: base.Response, cut: Chunks, call: Call) -> int:
        told = cut.told(answer.headers.get("content-range"))
        return told if told is not None else (await self._seen(call.recall(_ID), call)).uploaded or 0

    def _chunk(
        self, item: PartMedia, piece: base.Slice, cut: Chunks, accept: tuple[int, ...]
    ) -> base.Request:
        stop = cut.size if piece.stop is None else piece.stop
        return {
            "content": piece,
            "headers": {
                "content-type": item.mime,
                "content-range": f"bytes {piece.start}-{stop - 1}/{cut.size}",
            },
            "auth": False,
            "cost": 0,
            "timeout": 600.0,
            "accept": accept,
        }

    async def _last_chunk(self, item: PartMedia, session: dict[str, Any], at: int, call: Call) -> None:
        """What publishes the video. The same chunk again, under the same publish id, makes no second one."""
        cut, blob = chunks_of(item.size), await call.open(item)
        request = self._chunk(item, base.Slice(blob, at, item.size), cut, (416,))
        try:
            answer = await call.commit("PUT", session["url"], fence=call.facts.fence("upload"), **request)
        except errors.Declined:
            if not call.lost:  # otherwise it may say no because an earlier attempt was taken
                call.remember(_UPLOAD, session | {"dead": True}, secret=True)
            raise
        if answer.status in (206, 416) and not await self._is_whole(item, call):
            raise errors.OutcomeUnknown("TikTok has not got the whole video", status=answer.status)

    async def _is_whole(self, item: PartMedia, call: Call) -> bool:
        try:
            seen = await self._seen(call.recall(_ID), call)
        except errors.SocialKitError:
            return False
        return seen.failed or seen.whole(item.size)

    # --- after --------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        publish_id = call.recall(_ID)
        if publish_id is None:
            return await self._listed(lost, call)
        raw = {**lost.part.body["about"], "since": lost.since.isoformat(), "publish_id": publish_id}
        seen = await self._seen(publish_id, call)
        if lost.part.body["way"] == "upload":
            size = lost.part.media[0].size
            if seen.waits(size):
                return Absent(
                    f"TikTok waits for the rest of the video: it has {seen.uploaded} of {size} bytes"
                )
            if not seen.failed and not seen.whole(size):
                return CannotTell("TikTok does not say how much of the video it has")
        seen = await self._follow(publish_id, raw, call, seen)
        return Absent(seen.words) if seen.failed else Found(sent_of(seen, raw, call.now()))

    async def _listed(self, lost: Lost, call: Call) -> Finding:
        """By time and text. The list may lag for hours, so that what is not there proves nothing."""
        about, text = lost.part.body["about"], lost.part.text
        if about["mode"] != "direct" or about["privacy"] != PUBLIC or not text.strip():
            return CannotTell("TikTok lists public posts only, and tells them apart by their text", 600.0)
        ours = []
        async for video in self._own(call, since=lost.since):
            at, post_id = posted_at(video), as_text(video.get("id"))
            known = {post_id, address_of(video)} & lost.claimed
            shown = str(video.get("video_description") or video.get("title") or "")
            if not known and (at is None or at <= lost.until) and is_same_text(shown, about["title"], text):
                ours.append(video)
        if len(ours) != 1:
            why = (
                "two posts look exactly like this one"
                if ours
                else "it is not on the list of public posts (yet)"
            )
            return CannotTell(why, 120.0)
        raw = {**about, "since": lost.since.isoformat()}
        return Found(Sent(as_text(ours[0]["id"]), address_of(ours[0]), posted_at(ours[0]), raw=raw))

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        seen = await self._seen(str(sent.raw["publish_id"]), call)
        if seen.failed:
            return Absent(seen.words)
        return await self._addressed(sent_of(seen, sent.raw, call.now()), call)

    async def _addressed(self, sent: Sent, call: Call) -> Sent:
        """With the permalink that the public post itself names, where the creator's handle is not known."""
        if sent.id is not None and sent.url is None:
            with contextlib.suppress(errors.SocialKitError):
                video = (await self._query([sent.id], ["share_url", "create_time"], call)).get(sent.id, {})
                return attrs.evolve(sent, url=address_of(video), published_at=posted_at(video))
        return sent

    async def _own(
        self, call: Call, *, since: datetime | None, until: datetime | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """The account's public posts, newest first, every page."""
        cursor = int((until.timestamp() + 1) * 1000) if until is not None else None
        while True:
            body = {"max_count": BATCH} | ({"cursor": cursor} if cursor else {})
            answer = await call.read(
                "POST", "/v2/video/list/", params={"fields": _ABOUT}, json=body, headers=_JSON
            )
            data = answer.json().get("data") or {}
            videos, at = data.get("videos") or (), None
            for video in videos:
                at = posted_at(video)
                if since is None or at is None or at >= since:  # a pinned one may be older than what follows
                    yield video
            following = int(as_text(data.get("cursor")) or 0)
            old = since is not None and at is not None and at < since
            if old or not (data.get("has_more") and videos) or (cursor is not None and following >= cursor):
                return
            cursor = following

    # --- read ---------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        now, ids = call.now(), [one.id for one in receipts if one.id and id_of(one.id) == one.id]
        videos = await self._query(ids, ["create_time", *COUNTS.values()], call) if ids else {}
        return [row_of(receipt, videos.get(receipt.id or ""), now) for receipt in receipts]

    async def _query(
        self, ids: Sequence[str], fields: Sequence[str], call: Call
    ) -> dict[str, dict[str, Any]]:
        """Own public posts by id; TikTok leaves the others out."""
        body = {"filters": {"video_ids": list(ids)}}
        params = {"fields": ",".join(["id", *fields])}
        answer = await call.read("POST", "/v2/video/query/", params=params, json=body, headers=_JSON)
        videos = found(answer.json(), "data.videos") or ()
        return {str(as_text(video.get("id"))): video for video in videos}

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        user = await self._user(["follower_count", "following_count", "likes_count", "video_count"], call)
        followers = user.get("follower_count")
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            followers=followers,
            missing={} if followers is not None else {"followers": "TikTok did not say"},
            raw=user,
            fetched_at=call.now(),
        )

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        left = limit
        async for video in self._own(call, since=since, until=until):
            at = posted_at(video)
            if left > 0 and not (until is not None and at is not None and at > until):
                yield receipt_of(video, call.facts.identity)
                left -= 1
            if left <= 0:
                return

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink of an own post, or the id of a public one. Short links (vm.tiktok.com) do not tell the id.

        TikTok shows public posts only: of another one the handle in its permalink tells whose it is.
        """
        if (post_id := id_of(reference)) is None:
            raise errors.ConfigError(f"{reference!r} is no post on TikTok; give its permalink or id")
        videos = await self._query([post_id], _ABOUT.split(",")[1:], call)
        if post_id in videos:
            return receipt_of(videos[post_id], call.facts.identity)
        found = POST.fullmatch(reference)
        if found is None or found["name"].casefold() != await self._handle(call):
            raise errors.ConfigError(
                f"{reference!r} is no public post of this account: TikTok shows no others; give the permalink"
            )
        return Receipt(call.facts.identity, post_id, permalink(found["name"], found["kind"], post_id))

    async def _handle(self, call: Call) -> str | None:
        """The account's own handle in lower case, from whichever of two places this token may ask."""
        name = call.facts.facts.get("username")
        if not name:
            with contextlib.suppress(errors.AuthError, errors.PlatformError):
                name = (await self._creator_info(call)).get("creator_username")
        return name.casefold() if isinstance(name, str) else None

    def owns(self, permalink: str) -> bool:
        return POST.fullmatch(permalink) is not None

    # --- the wire -----------------------------------------------------------------------------------------
    def says_no(self, response: base.Response) -> bool:
        """TikTok says no inside good answers, too: only the code ``ok`` is a yes."""
        body = response.json_or_none()
        if not isinstance(body, dict) or not {"data", "error"} & set(body):
            return False
        error = body.get("error")
        return not isinstance(error, dict) or error.get("code") != "ok"

    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """As TikTok words it; of the upload's own host the status alone counts: its pages may repeat the secret URL."""
        if response.method == "PUT":
            return None, PUT_SAYS.get(response.status, "the upload host gives no reason")
        return super().read_error(response)

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        if isinstance(error, errors.PlatformError):
            log_id = found(response.json_or_none(), "error.log_id|log_id")
            error.request_id = as_text(log_id) or error.request_id
        if isinstance(error, errors.RateLimited) and error.retry_at is None and response.received_at:
            seconds = DAY if error.code in NEXT_DAY else MINUTE
            error.retry_at = response.received_at + timedelta(seconds=seconds)
        return error
