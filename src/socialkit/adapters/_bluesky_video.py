"""Bluesky's video service: it takes what is too large for the account's own server, and puts it there.

The bytes go up in numbered parts, each sent once, or whole where the service knows no parts; then a job is polled.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

from .. import errors
from . import base
from .base import Call, PartMedia

UPLOAD_TIMEOUT = 300.0
"""Seconds a server may take to answer an upload, whatever the client's ``timeout``."""
TOKEN_SECONDS = 1800
"""How long a token for the video service is asked for; it may be an hour at most."""
PASSING = frozenset({"pds_upload_failure", "generic_failure"})
"""Failures of the video service that another try may not meet."""
_NO_METHOD = frozenset({404, 501})
"""Answers of a server that does not know the method."""


@attrs.frozen
class VideoService:
    """The service at ``url``, for the account and part of ``call``."""

    url: str
    call: Call

    async def blob(self, item: PartMedia) -> dict[str, Any]:
        """The video as the account's server holds it once the service is done. What ended badly is forgotten: the
        next attempt begins anew."""
        name = f"video {item.digest[:16]}"
        if (known := self.call.recall(name)) is not None:
            return dict(known)
        try:
            job = self.call.recall(f"{name} job") or await self._upload_video(item, name)
            self.call.remember(f"{name} job", job, expires_in=3000)
            blob = await self._processed(job)
        except errors.Declined as error:
            self.forget(item)
            if error.code in PASSING:
                raise errors.Unavailable(error.message, account=self.call.account, code=error.code) from error
            raise
        self.call.remember(name, blob, expires_in=3000)
        return blob

    def forget(self, item: PartMedia) -> None:
        """Whatever is remembered of the video: the next attempt begins anew."""
        name = f"video {item.digest[:16]}"
        self.call.remember(name, None)
        self.call.remember(f"{name} job", None)
        self.call.remember(f"{name} upload", None, secret=True)

    async def _upload_video(self, item: PartMedia, name: str) -> str:
        """The job that processes it; an upload that was begun goes on while the service still knows it."""
        upload = self.call.recall(f"{name} upload")
        ends = when(upload.get("expiresAt")) if upload else None
        if upload is None or (ends is not None and ends <= self.call.now()):
            if why := await self.refusal(item):
                raise errors.Declined(f"the video service takes no video now: {why}")
            upload = await self._start_upload(item, name)
        return await (self._upload_parts(item, name, upload) if upload else self._upload_whole(item))

    async def refusal(self, item: PartMedia) -> str | None:
        """Why the service takes no such video now (a day's quota, an e-mail address that is not confirmed), None when
        it does, or does not say."""
        method = "app.bsky.video.getUploadLimits"
        token = await self._service_token(_did_web(self.url), method)
        url, silent = f"{self.url}/xrpc/{method}", (400, 401, 403, *_NO_METHOD)
        answer = await self.call.read("GET", url, headers=token, auth=False, accept=silent, cost=0)
        told = (answer.json_or_none() or {}) if answer.status == 200 else {}
        videos, room = told.get("remainingDailyVideos"), told.get("remainingDailyBytes")
        if not told.get("canUpload", True):
            return str(told.get("message") or told.get("error") or "it gives no reason")
        if videos is not None and videos < 1:
            return "no video is left of the day's quota"
        return f"{room} bytes are left of the day's quota" if room is not None and room < item.size else None

    async def _service_token(
        self, audience: str | None = None, method: str = "com.atproto.repo.uploadBlob"
    ) -> dict[str, str]:
        """A token for the video service; by itself one with which it may upload to the account's own server."""
        facts = self.call.facts.facts
        own = facts.get("pds_did") or _did_web(facts["pds"])
        ends = int(self.call.now().timestamp()) + TOKEN_SECONDS
        params = {"aud": audience or own, "lxm": method, "exp": str(ends)}
        url = f"{facts['pds']}/xrpc/com.atproto.server.getServiceAuth"
        answer = await self.call.read("GET", url, params=params)
        return {"authorization": f"Bearer {answer.json()['token']}"}

    async def _start_upload(self, item: PartMedia, name: str) -> dict[str, Any] | None:
        body = {"sizeBytes": item.size, "mimeType": item.mime, "name": item.name}
        facts = {"width": item.width, "height": item.height}
        facts["durationMs"] = int(item.seconds * 1000) if item.seconds else None
        body |= {key: value for key, value in facts.items() if value}
        answer = await self.call.prepare(
            "POST",
            f"{self.url}/xrpc/app.bsky.video.startUpload",
            json=body,
            headers=await self._service_token(),
            auth=False,
            cost=0,
            accept=_NO_METHOD,
        )
        if answer.status != 200:
            return None
        upload: dict[str, Any] = answer.json()
        self.call.remember(f"{name} upload", upload, expires_in=3000, secret=True)
        return upload

    async def _upload_parts(self, item: PartMedia, name: str, upload: dict[str, Any]) -> str:
        blob, size, job = await self.call.open(item), int(upload["partSizeBytes"]), upload["jobId"]
        token, signed = await self._service_token(), self.call.now()
        for number in range(1, int(upload["partCount"]) + 1):
            if self.call.recall(part := f"{name} part {number} of {job}"):
                continue
            if (self.call.now() - signed).total_seconds() > TOKEN_SECONDS / 2:
                token, signed = await self._service_token(), self.call.now()
            start = (number - 1) * size
            await self.call.prepare(
                "POST",
                f"{self.url}/xrpc/app.bsky.video.uploadPart",
                params={"jobId": job, "partNumber": str(number)},
                content=base.Slice(blob, start, min(start + size, item.size)),
                headers={"content-type": "application/octet-stream", **token},
                auth=False,
                cost=0,
                timeout=UPLOAD_TIMEOUT,
            )
            self.call.remember(part, True, expires_in=3000)
        done = await self.call.prepare(
            "POST",
            f"{self.url}/xrpc/app.bsky.video.finishUpload",
            json={"jobId": job},
            headers=await self._service_token(),
            auth=False,
            cost=0,
        )
        return str(done.json().get("completedJobId") or job)

    async def _upload_whole(self, item: PartMedia) -> str:
        """One request; the same bytes again answer 409 with the job that has them."""
        answer = await self.call.prepare(
            "POST",
            f"{self.url}/xrpc/app.bsky.video.uploadVideo",
            params={"did": self.call.facts.identity.id, "name": f"{item.digest[:16]}.mp4"},
            content=base.Slice(await self.call.open(item)),
            headers={"content-type": item.mime, **await self._service_token()},
            auth=False,
            cost=0,
            accept=(409,),
            timeout=600.0,
        )
        if not (job := _job(answer.json()).get("jobId")):
            words = f"the video service started no job, and said something else (HTTP {answer.status})"
            raise errors.Declined(words, status=answer.status)
        return str(job)

    async def _processed(self, job: str) -> dict[str, Any]:
        url = f"{self.url}/xrpc/app.bsky.video.getJobStatus"
        answer = await self.call.poll(
            lambda: self.call.read("GET", url, params={"jobId": job}, auth=False, cost=0),
            lambda response: _job_over(_job(response.json())),
            waits=(1.5, 1.5, 3, 5),
        )
        status = _job(answer.json())
        if status.get("blob"):
            return dict(status["blob"])
        why = status.get("failureCode") or status.get("error") or "no reason given"
        words = f"the video service refused the video: {why} {status.get('message') or ''}"
        raise errors.Declined(words.strip(), code=why)


def _job(answer: dict[str, Any]) -> dict[str, Any]:
    """The job's status: wrapped as the lexicon says, or bare as the live service answers."""
    status: dict[str, Any] = answer.get("jobStatus") or answer
    return status


def _job_over(status: dict[str, Any]) -> bool:
    return bool(status.get("blob")) or status.get("state") == "JOB_STATE_FAILED"


def _did_web(url: str) -> str:
    """The DID of the service at that address."""
    return f"did:web:{url.partition('://')[2].partition('/')[0].replace(':', '%3A')}"


def when(text: Any) -> datetime | None:
    """A moment as the protocol writes it, as aware UTC; None for what is none, as other programs write it."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None
