"""The video service of the Bluesky sandbox: uploads whole or in parts, jobs that run on the clock, quotas."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

import attrs

from .bluesky_accounts import Json, Person, Row, stamp
from .bluesky_records import integer, obj, text
from .bluesky_repo import Repo
from .bodies import Upload
from .core import Answer, body
from .sniff import Kind, sniff

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["Videos"]

TYPES = ("video/mp4", "video/quicktime", "video/webm", "video/mpeg")
UPLOAD_TOKEN = "com.atproto.repo.uploadBlob"
DAY_VIDEOS, DAY_BYTES = 25, 10_000_000_000
OPEN_UPLOADS, UPLOAD_SECONDS = 10, 3600
_JOB = obj("jobId", jobId=text())
_START = obj(
    "sizeBytes mimeType",
    sizeBytes=integer(1),
    mimeType=text(),
    durationMs=integer(),
    width=integer(),
    height=integer(),
)
_STAGES = ("CREATED", "ENCODING", "SCANNING", "UPLOADING")


@attrs.define(eq=False)
class Job:
    """One video on its way: ready at ``ready_at``, with a blob or with a failure."""

    id: str
    did: str
    digest: str
    size: int
    created_at: datetime
    ready_at: datetime
    failure: tuple[str, str] | None = None
    blob: Json | None = None


@attrs.define(eq=False)
class Parts:
    """One upload in parts. Of each part the size, the digest and both ends are kept, never the bytes."""

    id: str
    did: str
    size: int
    part_bytes: int
    expires_at: datetime
    state: str = "created"
    received: dict[int, tuple[str, bytes, bytes]] = attrs.field(factory=dict)
    job: str | None = None
    failure: str = ""

    @property
    def count(self) -> int:
        return -(-self.size // self.part_bytes)

    def size_of(self, number: int) -> int:
        """How many bytes the part must have, to the byte."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)


class Videos(Repo):
    """``app.bsky.video.*``: what it makes of a video ends as a blob on the account's own server."""

    part_bytes = 8 * 1024 * 1024
    video_limit = 300_000_000
    video_seconds = 600.0
    encoding_seconds = 4.0
    ratios: tuple[float, float] | None = None
    """(least, most) width by height that the service takes; it has such limits and does not say which."""
    takes_parts = True
    """False: a service from before uploads in parts, which has no ``startUpload``."""
    pds_video_limit = 300_000_000
    """What the account's server takes from the service; more ends a job in ``pds_upload_unsupported_blob_size``."""
    stages: ClassVar[tuple[str, ...]] = _STAGES

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.jobs: dict[str, Job] = {}
        self.uploads: dict[str, Parts] = {}

    def video_table(self) -> list[Row]:
        """The calls of this file."""
        video = "app.bsky.video."
        parts: list[Row] = [
            ("POST", f"{video}startUpload", "video", self.start_upload),
            ("POST", f"{video}uploadPart", "video", self.upload_part),
            ("POST", f"{video}finishUpload", "video", self.finish_upload),
            ("POST", f"{video}abortUpload", "video", self.abort_upload),
            ("GET", f"{video}getUploadStatus", "video", self.get_upload_status),
        ]
        return [
            ("POST", f"{video}uploadVideo", "video", self.upload_video),
            ("GET", f"{video}getJobStatus", "video", self.get_job_status),
            ("GET", f"{video}getUploadLimits", "video", self.get_upload_limits),
            *parts,
        ]

    # who and how much ----------------------------------------------------------------------------

    def _uploader(self, request: Request) -> Person:
        """Who uploads, by a token for the account's own server: the service passes it on."""
        return self.service_user(request, self.pds_dids, UPLOAD_TOKEN)

    def _used(self, person: Person) -> tuple[int, int]:
        """(videos, bytes) of the last day, open uploads included."""
        since = self.now() - timedelta(days=1)
        sizes = [job.size for job in self.jobs.values() if job.did == person.did and job.created_at > since]
        sizes += [one.size for one in self._open_uploads(person)]
        return len(sizes), sum(sizes)

    def _open_uploads(self, person: Person) -> list[Parts]:
        mine = [one for one in self.uploads.values() if one.did == person.did]
        return [one for one in mine if self._stage(one) == "created"]

    def _stage(self, upload: Parts) -> str:
        if upload.state == "created" and upload.expires_at <= self.now():
            upload.state = "expired"
        return upload.state

    def get_upload_limits(self, request: Request) -> Response:
        """``getUploadLimits``: with a token for the video service itself."""
        from starlette.responses import JSONResponse

        audiences = (f"did:web:{self.video_host}", *(self.pds_dids if self.role == "all" else ()))
        person = self.service_user(request, audiences, "app.bsky.video.getUploadLimits")
        if not person.email_confirmed:
            words = "Please verify your email before uploading videos"
            return JSONResponse({"canUpload": False, "error": "unconfirmed_email", "message": words})
        videos, size = self._used(person)
        left = {"remainingDailyVideos": DAY_VIDEOS - videos, "remainingDailyBytes": max(0, DAY_BYTES - size)}
        return JSONResponse({"canUpload": videos < DAY_VIDEOS and size < DAY_BYTES, **left})

    def _may_upload(self, person: Person, size: int) -> None:
        videos, used = self._used(person)
        if not person.email_confirmed:
            raise self.refuse("unconfirmed_email", "UploadForbidden", 403)
        if videos >= DAY_VIDEOS or used >= DAY_BYTES:
            raise self.refuse("Daily upload limit reached", "DailyLimitExceeded")
        if size > min(self.video_limit, DAY_BYTES - used):
            raise self.refuse(f"Video is larger than {self.video_limit} bytes", "VideoTooLarge")

    # in one piece --------------------------------------------------------------------------------

    def upload_video(self, request: Request) -> Response:
        """``uploadVideo``: answers the job itself, without the described wrapper, as the live service does."""
        from starlette.responses import JSONResponse

        person = self._uploader(request)
        if self.asked(request, "did") != person.did:
            raise self.refuse("did does not match the token", status=401)
        self.asked(request, "name")
        upload = body(request).upload
        if upload is None or upload.content_type.partition(";")[0] not in TYPES:
            raise self.refuse("Wrong request encoding (Content-Type)", "UnsupportedContentType")
        self._may_upload(person, upload.size)
        known = self._same(person, upload.sha256)
        if known is not None:
            again = {"error": "already_exists", "message": "Video already processed"}
            return JSONResponse({**self._status(known), **again}, 409)
        return JSONResponse(self._status(self._start(person, upload.sha256, upload.size, upload.kind)))

    def _same(self, person: Person, digest: str) -> Job | None:
        """The account's job of the same bytes, unless that failed."""
        mine = (job for job in self.jobs.values() if job.did == person.did and job.digest == digest)
        return next((job for job in mine if job.failure is None), None)

    def _start(self, person: Person, digest: str, size: int, kind: Kind) -> Job:
        ready, fails = self.processing()
        job_id = self.digest("job", len(self.jobs))[:20]
        ready += timedelta(seconds=self.encoding_seconds)
        job = Job(job_id, person.did, digest, size, self.now(), ready)
        if fails:
            job.failure = ("encoding_failure", "The video could not be encoded")
        elif kind.mime not in TYPES or (kind.seconds or 0.0) > self.video_seconds:
            job.failure = ("validation_failure", "The video is of a kind or length that is not supported")
        elif size > self.pds_video_limit:
            job.failure = ("pds_upload_unsupported_blob_size", "The server does not take blobs of this size")
        self.jobs[job_id] = job
        return job

    # jobs ----------------------------------------------------------------------------------------

    def run_jobs(self) -> None:
        """What is done by now is put on the account's server."""
        for job in self.jobs.values():
            if job.blob is None and job.failure is None and job.ready_at <= self.now():
                job.blob = self.keep_bytes(self.people[job.did], job.digest, job.size, "video/mp4", None)

    def _status(self, job: Job) -> Json:
        status: Json = {"jobId": job.id, "did": job.did}
        if job.ready_at > self.now():
            share = (self.now() - job.created_at) / (job.ready_at - job.created_at)
            stage = int(share * len(self.stages))
            progress = int((share * len(self.stages) - stage) * 100)
            return {**status, "state": f"JOB_STATE_{self.stages[stage]}", "progress": progress}
        if job.failure is not None:
            code, words = job.failure
            return {
                **status,
                "state": "JOB_STATE_FAILED",
                "failureCode": code,
                "error": code,
                "message": words,
            }
        return {**status, "state": "JOB_STATE_COMPLETED", "progress": 100, "blob": job.blob}

    def get_job_status(self, request: Request) -> Response:
        """``getJobStatus``: for everybody who knows the id."""
        from starlette.responses import JSONResponse

        job = self.jobs.get(self.asked(request, "jobId"))
        if job is None:
            raise self.refuse("Job not found", "JobNotFound")
        return JSONResponse({"jobStatus": self._status(job)})

    # in parts ------------------------------------------------------------------------------------

    def start_upload(self, request: Request) -> Response:
        """``startUpload``: says how large each part must be."""
        from starlette.responses import JSONResponse

        if not self.takes_parts:
            raise self.refuse("", status=501)
        person = self._uploader(request)
        given = self.given(request, _START)
        size: int = given["sizeBytes"]
        self._check_start(person, given, size)
        upload_id = self.digest("upload", len(self.uploads))[:20]
        expires = self.now() + timedelta(seconds=UPLOAD_SECONDS)
        upload = Parts(upload_id, person.did, size, self.part_bytes, expires)
        self.uploads[upload_id] = upload
        return JSONResponse(self._shape(upload))

    def _check_start(self, person: Person, given: Json, size: int) -> None:
        if given["mimeType"] not in TYPES:
            raise self.refuse(f"{given['mimeType']} is not supported", "UnsupportedContentType")
        self._may_upload(person, size)
        if given.get("durationMs", 0) > self.video_seconds * 1000:
            raise self.refuse(f"Video is longer than {self.video_seconds:.0f} seconds", "VideoTooLong")
        width, height = given.get("width", 0), given.get("height", 0)
        if self.ratios and width and height and not self.ratios[0] <= width / height <= self.ratios[1]:
            raise self.refuse("The video's shape is not supported", "BadAspectRatio")
        if len(self._open_uploads(person)) >= OPEN_UPLOADS:
            raise self.refuse("Too many open uploads", "TooManyOpenUploads")

    def _shape(self, upload: Parts) -> Json:
        return {
            "jobId": upload.id,
            "partSizeBytes": upload.part_bytes,
            "partCount": upload.count,
            "expiresAt": stamp(upload.expires_at),
        }

    def _upload_of(self, request: Request, upload_id: str) -> Parts:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.did != self._uploader(request).did:
            raise self.refuse("Upload not found", "UploadNotFound")
        return upload

    def _ended(self, upload: Parts) -> Answer:
        """The refusal of an upload that takes no more."""
        codes = {
            "completed": "UploadAlreadyCompleted",
            "failed": "UploadFailed",
            "aborted": "UploadAborted",
            "expired": "UploadExpired",
        }
        return self.refuse(upload.failure or f"Upload is {upload.state}", codes[upload.state])

    def upload_part(self, request: Request) -> Response:
        """``uploadPart``: any order, any number of times, of exactly the right size."""
        from starlette.responses import JSONResponse

        upload = self._upload_of(request, self.asked(request, "jobId"))
        if self._stage(upload) != "created":
            raise self._ended(upload)
        number = self.number(request, "partNumber", 0, 1, 2**31)
        if number > upload.count:
            raise self.refuse(f"Part number must be 1 to {upload.count}", "InvalidPartNumber")
        part = body(request).upload or Upload().close()
        if part.size != upload.size_of(number):
            words = f"Part {number} must be {upload.size_of(number)} bytes, got {part.size}"
            raise self.refuse(words, "PartSizeMismatch")
        upload.received[number] = (part.sha256, part.head, part.tail)
        return JSONResponse({"partNumber": number, "sizeBytes": part.size})

    def finish_upload(self, request: Request) -> Response:
        """``finishUpload``: makes a job of the parts, or finds the one that has the same video already."""
        from starlette.responses import JSONResponse

        upload = self._upload_of(request, self.given(request, _JOB)["jobId"])
        if self._stage(upload) not in ("created", "completed"):
            raise self._ended(upload)
        if upload.job is None:
            missing = [str(n) for n in range(1, upload.count + 1) if n not in upload.received]
            if missing:
                raise self.refuse(f"Missing parts: {', '.join(missing)}", "MissingParts")
            upload.job = self._assembled(upload).id
            upload.state = "completed"
        job = self.jobs[upload.job]
        return JSONResponse({"completedJobId": job.id, "jobStatus": self._status(job)})

    def _assembled(self, upload: Parts) -> Job:
        rows = [upload.received[number] for number in range(1, upload.count + 1)]
        kind = sniff(rows[0][1], rows[-1][2])
        if kind.mime not in TYPES:
            upload.state, upload.failure = "failed", "The assembled file is no supported video"
            raise self.refuse(upload.failure, "UnsupportedContentType")
        person, digest = self.people[upload.did], _digest_of([row[0] for row in rows])
        return self._same(person, digest) or self._start(person, digest, upload.size, kind)

    def abort_upload(self, request: Request) -> Response:
        """``abortUpload``."""
        from starlette.responses import JSONResponse

        upload = self._upload_of(request, self.given(request, _JOB)["jobId"])
        if self._stage(upload) == "created":
            upload.state = "aborted"
        more = {"completedJobId": upload.job} if upload.job else {}
        return JSONResponse({"state": upload.state, **more})

    def get_upload_status(self, request: Request) -> Response:
        """``getUploadStatus``: what has arrived."""
        from starlette.responses import JSONResponse

        upload = self._upload_of(request, self.asked(request, "jobId"))
        status = {
            **self._shape(upload),
            "receivedParts": sorted(upload.received),
            "state": self._stage(upload),
        }
        if upload.job:
            status |= {"completedJobId": upload.job, "jobStatus": self._status(self.jobs[upload.job])}
        if upload.failure:
            status["failureReason"] = upload.failure
        return JSONResponse(status)


def _digest_of(parts: list[str]) -> str:
    """The digest that stands for a file: its own when it came in one part, else one of the parts' digests.

    The whole file's cannot be told from parts that are not kept, so that of several parts is a stand-in.
    """
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
