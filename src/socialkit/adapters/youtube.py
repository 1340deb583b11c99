"""YouTube, through the Data API v3 and the Analytics API v2.

A video goes up in a session that makes it with its last byte, and makes it once: after a lost answer the session is
asked, and an upload that broke off goes on where it stood.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import attrs

from socialkit import errors
from socialkit.flows import Flow
from socialkit.flows._whoami import as_text, found, told_id
from socialkit.flows.youtube import FLOWS
from socialkit.metrics import Metrics
from socialkit.model import Identity, Problem, Receipt, Status
from socialkit.rules import Rules
from socialkit.text import strip_html

from . import _youtube_upload as uploads
from . import base
from ._youtube_follow import change, changes, follow, followers, still_to_do
from ._youtube_plan import (
    YouTubeOptions,
    check_playlist,
    check_post,
    check_scopes,
    expected_requests,
    followers_of,
    merged,
    request_of,
)
from ._youtube_rules import (
    ANALYTICS,
    API,
    BATCH,
    DAY,
    REPORTED,
    RULES,
    UNVERIFIED_SECONDS,
    UPLOAD,
    VIDEO,
    WRITE,
)
from ._youtube_videos import (
    LOOK_AGAIN,
    REPORTS,
    SCHEDULED,
    Reported,
    id_of,
    in_batches,
    in_time,
    is_alike,
    is_file,
    is_other_file,
    is_permalink,
    is_private,
    is_settled,
    latest,
    own_id_of,
    pacific_day,
    quota_midnight,
    receipt_of,
    row_of,
    rows_of,
    sent_of,
    stamp,
    stands,
    video_of,
    whole,
)
from .base import Absent, AccountFacts, Call, CannotTell, Draft, Fence, Finding, Found, Lost, Part, Sent

Json = dict[str, Any]
GOOGLE = "https://www.googleapis.com"
_GOOGLES = (GOOGLE, "https://youtube.googleapis.com")
"""Both answer alike."""
_ANALYTICS_SERVER = "https://youtubeanalytics.googleapis.com"
ROUNDS = 4
"""How often one call goes on with an upload that turned out not to be whole, or whose session was gone."""
SESSION_DAYS = 6
"""A session is said to live for a week; the documentation does not tell."""
_PATIENT = (10.0, 20.0)
"""Seconds between looks at the processing in one call: it may take hours, and is looked at again later."""
_QUOTA = ("quotaExceeded", "dailyLimitExceeded")


class YouTube(base.Adapter):
    """One channel on YouTube.

    Args:
        token: an OAuth 2.0 access token with ``YouTube.scopes``; it belongs to one channel. refresh_token: renews it;
            needs ``client_id`` and, for most apps, ``client_secret``.
        client_id, client_secret: the OAuth client of the Google Cloud project.
        server: base URL of the Data API. analytics_server: that of the Analytics API, where it is another one.
        analytics: ask the Analytics API too: impressions, shares, saves, clicks, time watched. Three requests more for
            200 videos.

    >>> YouTube(token="…")
    <YouTube https://www.googleapis.com>
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "youtube"
    title: ClassVar[str] = "YouTube"
    rules: ClassVar[Rules] = RULES
    Options: ClassVar[type[YouTubeOptions]] = YouTubeOptions
    flows: ClassVar[tuple[Flow, ...]] = FLOWS
    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = FLOWS[0].scopes

    def __init__(
        self,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        server: str = GOOGLE,
        analytics_server: str | None = None,
        analytics: bool = False,
    ) -> None:
        seed = base.Credential.of_user("YouTube", token, refresh_token, client_id, client_secret)
        super().__init__(server, seed)
        own = _ANALYTICS_SERVER if self.server in _GOOGLES else self.server
        self.analytics, self.analytics_server = analytics, (analytics_server or own).rstrip("/")

    # --- who am I ------------------------------------------------------------------------------------------
    async def account(self, call: Call) -> AccountFacts:
        channel = await self._channel("id,snippet,contentDetails,status", call)
        native, snippet = told_id(self.platform, channel), channel.get("snippet") or {}
        handle = as_text(snippet.get("customUrl"))
        return AccountFacts(
            identity=Identity(self.platform, self.server, native, as_text(snippet.get("title"))),
            url=f"https://www.youtube.com/{handle if handle else f'channel/{native}'}",
            software="youtube",
            fences=(Fence("session", "proved", valid_for=SESSION_DAYS * DAY, repeat_after=5.0),),
            facts={
                "handle": handle,
                "uploads": found(channel, "contentDetails.relatedPlaylists.uploads") or f"UU{native[2:]}",
                "long_uploads": found(channel, "status.longUploadsStatus"),
            },
        )

    async def _channel(self, parts: str, call: Call) -> Json:
        answer = await call.read("GET", f"{API}/channels", params={"part": parts, "mine": "true"})
        channel = found(answer.json(), "items.0")
        if not isinstance(channel, dict):
            raise errors.Declined("the Google account has no channel; make one at youtube.com")
        return channel

    def app_of(self, credential: base.Credential) -> str:
        """The Cloud project, whose clients share one quota: the number their ids begin with."""
        client_id = super().app_of(credential)
        project = client_id.partition("-")[0]
        return project if project.isdigit() else client_id

    def rules_for(self, facts: AccountFacts) -> Rules:
        """Unverified channels have 15 minutes; analytics tell more, when they are asked."""
        rules, long_uploads = self.rules, facts.facts.get("long_uploads")
        if long_uploads in ("eligible", "disallowed"):
            rules = attrs.evolve(rules, video=attrs.evolve(VIDEO, max_seconds=UNVERIFIED_SECONDS))
        if self.analytics:
            more = frozenset({"likes", "comments", "shares", "watch_seconds"})
            rules = attrs.evolve(
                rules,
                metrics=rules.metrics | ANALYTICS,
                metrics_batch=REPORTED,
                account_metrics=rules.account_metrics | more,
                account_history=True,
            )
        return rules

    # --- plan ----------------------------------------------------------------------------------------------
    async def plan(self, draft: Draft, call: Call) -> Part:
        check_post(draft, call.now())
        await check_scopes(draft, call)
        await check_playlist(draft, call)
        body = {
            "request": request_of(draft),
            "notify": draft.options.notify_subscribers is not False,
            "visibility": draft.post.visibility,
            **followers_of(draft),
        }
        return Part(draft.index, body, draft.post.text, requests=expected_requests(draft))

    # --- send ----------------------------------------------------------------------------------------------
    async def send(self, part: Part, call: Call) -> Sent:
        blob = await call.open(part.media[0])
        for _ in range(ROUNDS):
            session, standing = await self._session(part, call)
            standing = await uploads.fill(session["url"], blob, standing, call)
            if standing.at is not None:
                standing = await self._end(session["url"], blob, standing.at, call)
            if standing.video is not None:
                return self._sent(standing.video, part, call)
            if standing.gone and not call.lost:
                self._forget(call)
        raise errors.Unavailable(
            "YouTube's upload session broke off again and again; nothing is published", account=call.account
        )

    async def _end(self, url: str, blob: base.Blob, at: int, call: Call) -> uploads.Standing:
        """The last piece, which makes the video; where the session stands after it.

        An answer that it is not whole is a definite no, but for a session that has all bytes: it may name the video any
        moment, and its answer leaves the attempt open.
        """
        size, fence = blob.size, call.facts.fence("session")
        try:
            answer = await call.commit(
                "PUT",
                url,
                content=base.Slice(blob, at) if at < size else b"",
                headers={"content-range": uploads.range_of(at, size, size), "content-type": blob.mime},
                accept=(308,) if at >= size else (),
                fence=fence,
                timeout=uploads.TIMEOUT,
                cost=0,
            )
        except errors.Declined as error:
            return self._not_ended(error, fence, call)
        if answer.status == 308:
            return await uploads.named(url, size, call)
        return uploads.standing_of(answer)

    @staticmethod
    def _not_ended(error: errors.Declined, fence: Fence | None, call: Call) -> uploads.Standing:
        """A session that did not end the upload can be asked, or replaced; anything else it says stands."""
        if error.status in uploads.GONE and not call.lost:
            return uploads.Standing()
        if error.status == 308 and (fence is not None or not call.lost):
            return uploads.Standing(at=0)
        raise error

    async def _session(self, part: Part, call: Call) -> tuple[Json, uploads.Standing]:
        """The session that was begun, and how far it is; a new one where there is none (any more)."""
        size = part.media[0].size
        known = call.recall(uploads.MEMORY)
        if known:
            standing = await uploads.ask(known["url"], size, call)
            if not standing.gone:
                return known, standing
        if call.lost:  # a second session would make a second video
            words = "the upload session is gone, and what became of its last piece is not known"
            raise errors.OutcomeUnknown(words, account=call.account)
        session = await self._open(part, call)
        call.remember(uploads.MEMORY, session, secret=True)
        return session, uploads.Standing(at=0)

    async def _open(self, part: Part, call: Call) -> Json:
        video, request = part.media[0], part.body["request"]
        name = uploads.file_name(video, f"{call.random.getrandbits(32):08x}")
        params = {
            "uploadType": "resumable",
            "part": ",".join(request),
            "notifySubscribers": _word(part.body["notify"]),
        }
        headers = uploads.upload_headers(video.size, video.mime, name)
        answer = await call.prepare("POST", f"{UPLOAD}/videos", params=params, json=request, headers=headers)
        return {"url": uploads.address_in(answer), "name": name}

    @staticmethod
    def _forget(call: Call) -> None:
        call.remember(uploads.MEMORY, None, secret=True)

    @staticmethod
    def _sent(video: Mapping[str, Any], part: Part, call: Call) -> Sent:
        asked, now = part.body["request"]["status"], call.now()
        visibility = SCHEDULED if "publishAt" in asked else asked["privacyStatus"]
        raw = {"digest": part.media[0].digest[:16], "visibility": visibility, "uploaded": stamp(now)}
        return sent_of(video, now, raw)

    # --- after the commit ----------------------------------------------------------------------------------
    async def attach(self, part: Part, sent: Sent, call: Call) -> Sent | Absent:
        """Thumbnail and captions; a look how far the processing is; then playlist and first comment.

        What fails is told in ``missing``, what cannot be done yet is ``owed``; the video is never sent again.
        """
        todo = still_to_do(followers(part, str(sent.id), call), sent)
        missing, owed = list(sent.missing), list[str]()
        await follow([one for one in todo if not one.late], False, missing, owed)
        now, ready = await self._processed(sent, call)
        if isinstance(now, Absent):
            return now
        missing += [words for words in now.missing if words not in missing]
        await follow([one for one in todo if one.late], ready, missing, owed)
        return attrs.evolve(now, missing=tuple(missing), owed=tuple(owed))

    async def _processed(self, sent: Sent, call: Call) -> tuple[Sent | Absent, bool]:
        """Where the video stands after half a minute at most, and whether the work on it is done; what cannot be read
        is left as it was."""
        if sent.status is Status.PUBLISHED:
            return sent, True
        seen: list[Any] = []

        async def look() -> base.Response:
            answer = await self._look(str(sent.id), call)
            seen.append(found(answer.json(), "items.0"))
            return answer

        try:
            await call.poll(look, lambda _: is_settled(seen[-1]), waits=_PATIENT, limit=sum(_PATIENT))
        except errors.Halted:
            raise
        except errors.SocialKitError:
            again = call.now() + timedelta(seconds=LOOK_AGAIN)
            waiting = sent.status is Status.SCHEDULED
            return (sent if waiting else attrs.evolve(sent, look_again_at=again)), False
        return stands(seen[-1], sent, call.now()), True

    async def _look(self, video_id: str, call: Call) -> base.Response:
        params = {"part": "snippet,status,processingDetails,suggestions", "id": video_id}
        return await call.read("GET", f"{API}/videos", params=params)

    async def check(self, sent: Sent, call: Call) -> Sent | Absent:
        """Processing and schedule; a video whose schedule was taken off by hand stays private, and is said to."""
        answer = await self._look(str(sent.id), call)
        return stands(found(answer.json(), "items.0"), sent, call.now())

    # --- find ----------------------------------------------------------------------------------------------
    async def find(self, lost: Lost, call: Call) -> Finding:
        """The session says it; only where that is gone, the channel's uploads do."""
        session, size = call.recall(uploads.MEMORY), lost.part.media[0].size
        if session:
            standing = await uploads.ask(session["url"], size, call)
            if standing.video is not None:
                return Found(self._sent(standing.video, lost.part, call))
            if standing.at is not None and standing.at < size:
                return Absent(f"its upload session holds {standing.at} of {size} bytes: no video was made")
            if standing.at is not None:
                return CannotTell(
                    "YouTube has all bytes, and does not name the video yet", look_again_in=30.0
                )
        return await self._find_listed(lost, (session or {}).get("name"), call)

    async def _find_listed(self, lost: Lost, name: str | None, call: Call) -> Finding:
        items = [item async for item in self._own(call, since=lost.since)]
        fresh = [item for item in items if in_time(item, lost)]
        files = await self._files([video_of(item) for item in fresh], call)
        ours = [video for video in files.values() if is_file(video, name)]
        if len(ours) == 1:
            return Found(self._sent(ours[0], lost.part, call))
        size, alike = lost.part.media[0].size, [video_of(item) for item in fresh if is_alike(item, lost)]
        if ours or any(one not in files or not is_other_file(files[one], size) for one in alike):
            return CannotTell("a video of that title is there, but its file is not known to be this one")
        private = lost.part.body["request"]["status"]["privacyStatus"] == "private"
        if private and not any(is_private(item) for item in items):
            return CannotTell("a private video may not be on the list of the channel's uploads")
        return Absent("it is not among the channel's uploads")

    async def _files(self, ids: Sequence[str], call: Call) -> dict[str, Json]:
        """Own videos with what is known of their files, by id."""
        videos = dict[str, Json]()
        for some in in_batches(ids, BATCH):
            params = {"part": "snippet,status,fileDetails", "id": ",".join(some)}
            answer = (await call.read("GET", f"{API}/videos", params=params)).json()
            videos |= {str(one["id"]): one for one in answer.get("items") or ()}
        return videos

    async def _own(self, call: Call, *, since: datetime | None) -> AsyncIterator[Json]:
        """Items of the uploads playlist, newest first; it ends with the first page that is older throughout."""
        params = {
            "part": "snippet,contentDetails,status",
            "playlistId": call.facts.facts["uploads"],
            "maxResults": "50",
        }
        seen = set[str]()
        while True:
            answer = await call.read("GET", f"{API}/playlistItems", params=params, accept=(404,))
            page = answer.json() if answer.status == 200 else {}
            items = page.get("items") or ()
            for item in items:
                yield item
            token = page.get("nextPageToken")
            ages = [latest(item) for item in items]
            older = since is not None and all(at is not None and at < since for at in ages)
            if not token or token in seen or older:
                return
            seen.add(token)
            params["pageToken"] = token

    # --- change --------------------------------------------------------------------------------------------
    async def edit(self, receipt: Receipt, part: Part, call: Call) -> Sent:
        """Title, description, tags and what was said of the rest; the file cannot be replaced.

        What the new post does not name (visibility, schedule, category) stays as it is. An error says how far it came.
        """
        video_id, known = own_id_of(receipt), receipt.raw.get("digest")
        _refuse_fixed(known, part, call)
        request = part.body["request"]
        parts = ",".join(dict.fromkeys(("snippet", "status", *request, *(() if known else ("fileDetails",)))))
        answer = await call.read("GET", f"{API}/videos", params={"part": parts, "id": video_id})
        live = found(answer.json(), "items.0")
        if not isinstance(live, dict):
            raise errors.Declined(
                "YouTube does not show the video: deleted, or not the channel's", status=404
            )
        if not known and is_other_file(live, part.media[0].size):
            raise errors.InvalidPost([_other_file(call)])
        body = {"id": video_id, **merged(live, request, part.body)}
        params = {"part": ",".join(name for name in body if name != "id")}
        changed = await call.attach(
            "PUT", f"{API}/videos", params=params, json=body, repeatable=True, cost=WRITE
        )
        await change(changes(part, video_id, call))
        status = body["status"]
        asked = SCHEDULED if "publishAt" in status else status.get("privacyStatus")
        raw = {**receipt.raw, "visibility": asked}
        sent = sent_of({**changed.json(), "id": video_id}, call.now(), raw)
        if sent.missing:
            raise errors.Declined(f"the rest is changed; {sent.missing[0]}")
        return sent

    async def delete(self, receipt: Receipt, call: Call) -> None:
        params = {"id": own_id_of(receipt)}
        await call.attach(
            "DELETE", f"{API}/videos", params=params, accept=(404,), repeatable=True, cost=WRITE
        )

    # --- read ----------------------------------------------------------------------------------------------
    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        """One request for 50 videos; one more for those it does not name, and three of Analytics where asked."""
        ids = list(dict.fromkeys(str(one.id) for one in receipts if id_of(one.id or "") == one.id))
        videos = await self._stats(ids, call)
        own = call.facts.identity.id
        ours = [one for one in receipts if one.identity.id == own and str(one.id) in videos]
        reported = await self._reported(ours, call) if self.analytics else None
        now = call.now()
        return [
            row_of(one, videos.get(str(one.id)), reported, one.identity.id == own, now) for one in receipts
        ]

    async def _stats(self, ids: Sequence[str], call: Call) -> dict[str, Json]:
        """Videos with their counts, by id. Whether private ones are in the batch is not documented: who is not named
        there is asked for by itself."""
        videos = dict[str, Json]()
        for some in in_batches(ids, BATCH):
            params = [("part", "statistics"), *(("id", one) for one in some)]
            batch = (await call.read("GET", f"{API}/videos:batchGetStats", params=params)).json()
            videos |= {str(one["id"]): one for one in batch.get("items") or ()}
            if rest := [one for one in some if one not in videos]:
                asked = {"part": "statistics", "id": ",".join(rest)}
                more = (await call.read("GET", f"{API}/videos", params=asked)).json()
                videos |= {str(one["id"]): one for one in more.get("items") or ()}
        return videos

    async def _reported(self, ours: Sequence[Receipt], call: Call) -> Reported:
        """What Analytics say of own videos since the oldest of them; a refused group of metrics leaves the others."""
        reported = Reported()
        if not ours:
            return reported
        began = min((one.published_at for one in ours if one.published_at), default=None)
        for group in REPORTS:
            query = {
                "metrics": ",".join(group),
                "dimensions": "video",
                "filters": "video==" + ",".join(dict.fromkeys(str(one.id) for one in ours)),
                "sort": f"-{group[0]}",
                "maxResults": "200",
            }
            try:
                rows = await self._report(query, began, None, call)
            except errors.SocialKitError as error:
                reported.refused.update(
                    dict.fromkeys(group, f"YouTube's Analytics did not say: {error.message}")
                )
                continue
            for row in rows:
                reported.numbers.setdefault(str(row.pop("video", "")), {}).update(row)
        return reported

    async def _report(
        self, query: Json, since: datetime | None, until: datetime | None, call: Call
    ) -> list[Json]:
        """Rows of one report; days are California's, both ends included."""
        params = {
            "ids": "channel==MINE",
            "startDate": pacific_day(min(since, until or call.now())) if since else "2005-04-23",
            "endDate": pacific_day(until or call.now()),
            **query,
        }
        answer = await call.read("GET", f"{self.analytics_server}/v2/reports", params=params, cost=0)
        return rows_of(answer.json())

    async def fetch_account_metrics(
        self, call: Call, *, since: datetime | None, until: datetime | None
    ) -> Metrics:
        """Subscribers (rounded by YouTube) and views of all time; with ``analytics`` a period's numbers."""
        channel = await self._channel("id,statistics", call)
        told = channel.get("statistics") or {}
        hidden = bool(told.get("hiddenSubscriberCount"))
        counts: Json = {
            "followers": None if hidden else whole(told.get("subscriberCount")),
            "video_views": whole(told.get("viewCount")),
        }
        missing = {"followers": "the channel hides it" if hidden else "YouTube did not say"}
        missing["video_views"] = "YouTube did not say"
        raw: Json = {"statistics": told}
        if self.analytics:
            report = await self._account_report(since, until, call)
            raw |= report.pop("raw")
            counts |= report.pop("counts")
            missing |= report.pop("missing")
        return Metrics(
            platform=self.platform,
            identity=call.facts.identity,
            url=call.facts.url,
            **counts,
            missing={name: why for name, why in missing.items() if counts.get(name) is None},
            raw=raw,
            fetched_at=call.now(),
        )

    async def _account_report(self, since: datetime | None, until: datetime | None, call: Call) -> Json:
        names = {"likes": "likes", "comments": "comments", "shares": "shares"}
        metrics = "views,likes,comments,shares,estimatedMinutesWatched,subscribersGained,subscribersLost"
        try:
            row = next(iter(await self._report({"metrics": metrics}, since, until, call)), {})
            why = "YouTube's Analytics have no figures for that time"
        except errors.SocialKitError as error:
            row, why = {}, f"YouTube's Analytics did not say: {error.message}"
        counts: Json = {name: row.get(metric) for name, metric in names.items()}
        minutes = row.get("estimatedMinutesWatched")
        counts["watch_seconds"] = None if minutes is None else minutes * 60
        if since or until:
            counts["video_views"] = row.get("views")
        return {"counts": counts, "missing": dict.fromkeys(counts, why), "raw": {"analytics": row}}

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        left = limit
        async for item in self._own(call, since=since):
            receipt = receipt_of(item, call.facts.identity)
            at = receipt.published_at
            if at and ((since and at < since) or (until and at > until)):
                continue
            yield receipt
            left -= 1
            if left <= 0:
                return

    async def resolve(self, reference: str, call: Call) -> Receipt:
        """A permalink (watch, youtu.be, shorts, live, embed), or a bare id."""
        if (video_id := id_of(reference)) is None:
            raise errors.ConfigError(f"{reference!r} is no video on YouTube; give its permalink or id")
        answer = await call.read("GET", f"{API}/videos", params={"part": "snippet", "id": video_id})
        video = found(answer.json(), "items.0")
        if not isinstance(video, dict):
            raise errors.ConfigError(f"{reference!r} is no video that YouTube shows")
        owner, snippet = call.facts.identity, video.get("snippet") or {}
        channel = str(snippet.get("channelId") or "")
        if channel != owner.id:
            owner = Identity(self.platform, self.server, channel, as_text(snippet.get("channelTitle")))
        return receipt_of(video, owner)

    def owns(self, permalink: str) -> bool:
        return is_permalink(permalink)

    # --- the wire ------------------------------------------------------------------------------------------
    def read_error(self, response: base.Response) -> tuple[str | None, str]:
        """Google's APIs answer an object with reasons, its OAuth host a bare word, its front ends HTML."""
        body = response.json_or_none()
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, str):
            return error, str((body or {}).get("error_description") or error)
        if not isinstance(error, dict):
            return None, strip_html(response.text).strip()
        listed = [one for one in error.get("errors") or () if isinstance(one, dict)]
        first = listed[0] if listed else {}
        details = [one for one in error.get("details") or () if isinstance(one, dict)]
        reasons = [first.get("reason"), *(one.get("reason") for one in details), error.get("status")]
        code = next((str(one) for one in reasons if one), None)
        said = strip_html(str(error.get("message") or first.get("message") or "")).strip()
        place = first.get("location")
        return code, f"{said} ({place})" if place else said

    def parse_error(self, response: base.Response) -> errors.SocialKitError:
        error = super().parse_error(response)
        now = response.answered_at
        if isinstance(error, errors.RateLimited) and error.retry_at is None and now is not None:
            if error.code == "uploadLimitExceeded":
                error.retry_at = now + timedelta(seconds=DAY)
            elif error.code in _QUOTA:
                error.retry_at = quota_midnight(now)
        return error

    def read_limits(self, response: base.Response) -> tuple[base.Reading, ...]:
        """YouTube has no limit headers; that a day's quota is spent is all it tells."""
        now = response.answered_at
        if response.status != 403 or now is None or self.read_error(response)[0] not in _QUOTA:
            return ()
        return (base.Reading(None, None, 0, quota_midnight(now), DAY),)


def _refuse_fixed(known: str | None, part: Part, call: Call) -> None:
    """What an edit cannot do, before anything is changed."""
    problems = list[Problem]()
    if known and known != part.media[0].digest[:16]:
        problems.append(_other_file(call))
    if part.body.get("comment"):
        words, hint = "an edit does not change it", "leave it out; what the video has stays"
        problems.append(Problem(call.account, "options.first_comment", "fixed", words, hint=hint))
    if problems:
        raise errors.InvalidPost(problems)


def _other_file(call: Call) -> Problem:
    words = "YouTube cannot replace a video's file; delete it and publish anew, or give the same file"
    return Problem(call.account, "media", "fixed", words)


def _word(flag: bool) -> str:
    return "true" if flag else "false"
