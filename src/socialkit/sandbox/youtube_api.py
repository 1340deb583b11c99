"""What all of YouTube's requests have in common: who asks, the project's quota, parts, pages, errors."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .core import Allowance, Answer, Entry, Window, body
from .google_auth import GOOGLE_HOSTS, SCOPE, Googler, GoogleSignIn
from .sign_in import Grant

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox

__all__ = ["READ", "SPEAK", "UPLOAD", "WRITE", "Json", "YouTubeApi", "pacific", "stamp"]

Json = dict[str, Any]
DAY = 86_400.0
_CHANGE = r"/youtube/v3/(?:videos|playlists|playlistItems|commentThreads|comments)"
_UNITS = (
    r"* /youtube/v3/(?!(?:search|videos:batchGetStats)$).*"
    r"|/(?:resumable/)?upload/youtube/v3/(?:thumbnails/set|captions)"
)
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_REASON = {
    400: "badRequest",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    405: "httpMethodNotAllowed",
    409: "conflict",
    429: "rateLimitExceeded",
    500: "internalError",
    503: "backendError",
}


def _scopes(*names: str) -> frozenset[str]:
    return frozenset(f"{SCOPE}{name}" for name in names)


READ = _scopes("youtube", "youtube.force-ssl", "youtube.readonly", "youtubepartner")
WRITE = _scopes("youtube", "youtube.force-ssl", "youtubepartner")
UPLOAD = _scopes("youtube", "youtube.force-ssl", "youtube.upload", "youtubepartner")
SPEAK = _scopes("youtube.force-ssl")
CAPTIONS = _scopes("youtube.force-ssl", "youtubepartner")
ANALYTICS = _scopes("yt-analytics.readonly", "youtube", "youtube.readonly", "youtubepartner")


def stamp(moment: datetime) -> str:
    """A moment as YouTube writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pacific() -> Any:
    """California's time; its winter time where the machine knows no zones."""
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=-8))


class YouTubeApi(GoogleSignIn):
    """The frame: quota by bucket, callers, parts and pages."""

    windows: Sequence[Window] = (
        Window("Video Uploads", 100, DAY, "POST /(?:resumable/)?upload/youtube/v3/videos", "project"),
        Window("Search", 100, DAY, "GET /youtube/v3/search", "project"),
        Window("Batch stats", 10_000, DAY, "GET /youtube/v3/videos:batchGetStats", "project"),
        Window("Queries", 10_000, DAY, _UNITS, "project"),
    )
    hosts = ("www.googleapis.com", "youtube.googleapis.com", "youtubeanalytics.googleapis.com", *GOOGLE_HOSTS)
    page_size: ClassVar[int] = 50

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._made = 0

    # quota -----------------------------------------------------------------------------------------

    def limit_key(self, window: Window, request: Request) -> str | None:
        """The Cloud project: the number before the first dash of the client's id, or the API key."""
        grant = self.grant_of(self.bearer(request))
        return grant.client_id.partition("-")[0] if grant else request.query_params.get("key", "nobody")

    def limit_cost(self, window: Window, request: Request) -> int:
        """Units: 1 for a read, 50 for a change, 400 for a caption track."""
        if window.name != "Queries":
            return 1
        path = request.scope["path"]
        if path.endswith("/captions"):
            prices = {"POST": 400, "PUT": 450, "GET": 50, "DELETE": 50}
            resumed = "upload_id" in request.query_params
            return 0 if resumed else prices.get(request.method, 50)
        return 1 if request.method == "GET" else 50

    def spend(self, window: Window, key: str, cost: int = 1) -> Allowance:
        """Days begin at midnight in California."""
        now = self.now()
        today = now.astimezone(pacific()).replace(hour=0, minute=0, second=0, microsecond=0)
        start, ends = today.astimezone(UTC), (today + timedelta(days=1)).astimezone(UTC)
        began, used = self._spent.get((window.name, key), (start, 0))
        used = used if began == start else 0
        allowed = used + cost <= window.limit
        used += cost if allowed else 0
        self._spent[window.name, key] = (start, used)
        return Allowance(window, window.limit - used, ends, allowed)

    def too_many(self, allowance: Allowance) -> Response:
        """403 ``quotaExceeded`` for a bucket that is empty, 429 for who is too fast; no header tells when."""
        if allowance.window.name == "fault":
            return self.error(429, "rateLimitExceeded", "Too many requests.")
        words = 'The request cannot be completed because you have exceeded your <a href="/quota">quota</a>.'
        return self.api_error(403, "quotaExceeded", words, "PERMISSION_DENIED", "youtube.quota")

    # errors ----------------------------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        """An error as the Data API answers it."""
        reason = code or _REASON.get(status, "backendError")
        return self.api_error(status, reason, message, _STATUS.get(status, "UNKNOWN"), "youtube.common")

    def refuse(self, status: int, reason: str, message: str, location: str = "", domain: str = "") -> Answer:
        """The same to be raised, with the place of a bad field."""
        from starlette.responses import JSONResponse

        one = {"message": message, "domain": domain or "youtube.common", "reason": reason}
        if location:
            one |= {"location": location, "locationType": "other" if "." in location else "parameter"}
        told = {"code": status, "message": message, "errors": [one], "status": _STATUS.get(status, "UNKNOWN")}
        return Answer(JSONResponse({"error": told}, status))

    # who asks --------------------------------------------------------------------------------------

    def caller(self, request: Request, scopes: frozenset[str]) -> Grant:
        """Who asks; they have a channel."""
        grant = self.any_grant(request, scopes)
        if self.people[grant.username].channel is None:
            raise Answer(self.no_channel())
        return grant

    def no_channel(self) -> Response:
        """401 ``youtubeSignupRequired``."""
        return self.api_error(
            401, "youtubeSignupRequired", "Unauthorized", "UNAUTHENTICATED", "youtube.header"
        )

    def person(self, username: str) -> Googler:
        """Who that is."""
        found: Googler = self.people[username]
        return found

    def channel_of(self, username: str) -> str:
        """The id of the person's channel."""
        return str(self.person(username).channel)

    def display_name(self, account: str) -> str:
        """The channel's title."""
        return self.person(account).title

    # parts and pages -------------------------------------------------------------------------------

    def parts(self, request: Request, known: frozenset[str]) -> list[str]:
        """The parts asked for, repeated or with commas between them."""
        given = [one for value in request.query_params.getlist("part") for one in value.split(",") if one]
        if not given:
            raise self.refuse(400, "missingRequiredParameter", "No part was given.", "part")
        if unknown := [one for one in given if one not in known]:
            raise self.refuse(400, "unknownPart", ",".join(unknown), "part")
        return list(dict.fromkeys(given))

    def ids(self, request: Request, name: str = "id") -> list[str]:
        """The ids asked for, repeated or with commas between them."""
        return [one for value in request.query_params.getlist(name) for one in value.split(",") if one]

    def needed(self, request: Request, name: str) -> str:
        """A parameter that must be there."""
        if not (value := request.query_params.get(name)):
            raise self.refuse(400, "missingRequiredParameter", f"The {name} parameter is missing.", name)
        return value

    def page(self, request: Request, kind: str, items: list[Any], least: int = 5, most: int = 50) -> Json:
        """A page of a list, with the token of the next one."""
        query = request.query_params
        try:
            size = int(query.get("maxResults") or least)
            token = query.get("pageToken")
            start = int(base64.urlsafe_b64decode(token.encode())) if token else 0
        except ValueError:
            words = "The request specifies an invalid page token."
            raise self.refuse(400, "invalidPageToken", words, "pageToken") from None
        if not 0 <= size <= most:
            raise self.refuse(400, "invalidValue", f"maxResults is 0 to {most}.", "maxResults")
        told: Json = {"kind": f"youtube#{kind}ListResponse", "etag": self.etag(kind, start, len(items))}
        if items[start + size :] and size:
            told["nextPageToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        told["pageInfo"] = {"totalResults": len(items), "resultsPerPage": size}
        return {**told, "items": items[start : start + size]}

    def etag(self, *what: object) -> str:
        """A mark of a state."""
        return self.digest("etag", *what)[:27]

    def given(self, request: Request) -> Json:
        """The JSON object of the body."""
        told = body(request).json()
        if not isinstance(told, dict):
            raise self.refuse(400, "parseError", "The body is no JSON object.")
        return told

    def made_id(self, kind: str, length: int) -> str:
        """An id nobody has, in base 64's letters."""
        self._made += 1
        raw = bytes.fromhex(self.digest(kind, self._made))
        return base64.urlsafe_b64encode(raw).decode()[:length]

    def new_id(self) -> str:
        """The 11 characters of a video."""
        return self.made_id("video", 11)

    # videos ----------------------------------------------------------------------------------------

    def video(self, request: Request, video_id: str, username: str | None = None) -> Entry:
        """A video the caller can see; with ``username`` one of their own."""
        entry = self.find(video_id)
        viewer = username or (grant.username if (grant := self.grant_of(self.bearer(request))) else "")
        if entry is None or (entry.visibility == "private" and entry.account != viewer):
            words = "The video that you are trying to reach cannot be found."
            raise self.refuse(404, "videoNotFound", words, "videoId", "youtube.video")
        if username is not None and entry.account != username:
            raise self.refuse(403, "forbidden", "The request is not properly authorized.")
        return entry
