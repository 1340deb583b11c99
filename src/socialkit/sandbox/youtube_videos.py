"""YouTube's videos: insert, list, update, delete, their states on the clock, and their numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .core import Answer, Entry
from .youtube_api import READ, WRITE, Json, stamp
from .youtube_upload import Session, Uploads

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Videos"]

PROCESSING = 8.0
_SET = (
    "snippet",
    "status",
    "localizations",
    "paidProductPlacementDetails",
    "recordingDetails",
    "brandPartner",
)
_OWN = frozenset({"fileDetails", "processingDetails", "suggestions"})
_PARTS = frozenset({*_SET, *_OWN, "id", "contentDetails", "statistics", "player", "topicDetails"})
_STAT_PARTS = frozenset({"id", "snippet", "contentDetails", "statistics"})
_CATEGORIES = {
    "1": "Film & Animation",
    "2": "Autos & Vehicles",
    "10": "Music",
    "15": "Pets & Animals",
    "17": "Sports",
    "19": "Travel & Events",
    "20": "Gaming",
    "22": "People & Blogs",
    "23": "Comedy",
    "24": "Entertainment",
    "25": "News & Politics",
    "26": "Howto & Style",
    "27": "Education",
    "28": "Science & Technology",
    "29": "Nonprofits & Activism",
}
_SIZES = {
    "default": (120, 90),
    "medium": (320, 180),
    "high": (480, 360),
    "standard": (640, 480),
    "maxres": (1280, 720),
}
_FLAGS = ("embeddable", "publicStatsViewable", "selfDeclaredMadeForKids", "containsSyntheticMedia")


class Videos(Uploads):
    """``videos.*``. ``long_uploads`` by person is "allowed", "eligible" or "disallowed"; ``daily_uploads`` None is no
    cap; ``seconds_to_process`` is how long YouTube works on a video; ``rejects`` is why it rejects the next ones;
    ``locks_private`` makes them private, as for projects that were not verified (until 2026-11-02)."""

    daily_uploads: int | None = None
    seconds_to_process: float = PROCESSING
    long_uploads: str = "allowed"
    private_in_batch: bool = True
    rejects: str | None = None
    locks_private: bool = False

    def video_routes(self) -> list[BaseRoute]:
        """Everything below ``/youtube/v3/videos``, and the categories."""
        table = [
            ("GET", "/youtube/v3/videos", self.list_videos),
            ("PUT", "/youtube/v3/videos", self.update_video),
            ("DELETE", "/youtube/v3/videos", self.delete_video),
            ("GET", "/youtube/v3/videos:batchGetStats", self.batch_stats),
            ("GET", "/youtube/v3/videoCategories", self.list_categories),
        ]
        return [self.route(method, path, handler) for method, path, handler in table]

    def tick(self) -> None:
        """Scheduled videos become public when it is time."""
        for entry in list(self.entries.values()):
            due = entry.extras.get("publish_at")
            if due is not None and due <= self.now() and entry.deleted_at is None:
                entry.visibility, entry.extras["published_at"] = "public", due
                entry.extras["publish_at"], entry.extras["was_public"] = None, True
                self.version += 1

    # insert ----------------------------------------------------------------------------------------

    def check_video(self, session: Session, request: Request) -> None:
        """Metadata errors come when the session is opened, before any byte moves."""
        parts = self.parts(request, frozenset({*_SET, *_PARTS}))
        resource = {name: session.request.get(name) or {} for name in parts if name in _SET}
        self._check_parts(resource)
        if self.daily_uploads is not None:
            today = [
                entry
                for entry in self.entries.values()
                if entry.account == session.username and self.now() - entry.created_at < timedelta(days=1)
            ]
            if len(today) >= self.daily_uploads:
                words = "The user has exceeded the number of videos they may upload."
                raise self.refuse(400, "uploadLimitExceeded", words, "body", "youtube.video")
        session.request = resource

    def _check_parts(self, resource: Json) -> None:
        if "snippet" in resource:
            self._check_snippet(resource["snippet"])
        if "status" in resource:
            self._check_status(resource["status"])
        language = (resource.get("snippet") or {}).get("defaultLanguage")
        if resource.get("localizations") and not language:
            words = "The request is trying to add localized video details without a default language."
            raise self.refuse(400, "defaultLanguageNotSet", words, "body.snippet.defaultLanguage")
        partner = resource.get("brandPartner")
        if partner and not (partner.get("channelId") and partner.get("channelHandle")):
            raise self.refuse(400, "invalidVideoMetadata", "brandPartner needs both of its members.")

    def _check_snippet(self, snippet: Json) -> None:
        for name in ("title", "description", "categoryId", "defaultLanguage", "defaultAudioLanguage"):
            if not isinstance(snippet.get(name, ""), str):
                raise self.refuse(
                    400, "badRequest", f"Invalid value at 'resource.snippet.{name}' (TYPE_STRING)"
                )
        title, text = snippet.get("title", ""), snippet.get("description", "")
        if not title.strip() or len(title) > 100 or re.search("[<>]", title):
            words = "The request metadata specifies an invalid or empty video title."
            raise self.refuse(400, "invalidTitle", words, "body.snippet.title", "youtube.video")
        if len(text.encode()) > 5000 or re.search("[<>]", text):
            words = "The request metadata specifies an invalid video description."
            raise self.refuse(400, "invalidDescription", words, "body.snippet.description", "youtube.video")
        tags = snippet.get("tags") or []
        if sum(len(tag) + 2 * (" " in tag) for tag in tags) + len(tags) - 1 > 500:
            words = "The request metadata specifies invalid video keywords."
            raise self.refuse(400, "invalidTags", words, "body.snippet.tags", "youtube.video")
        if snippet.get("categoryId", "22") not in _CATEGORIES:
            words = "The request metadata specifies an invalid category ID."
            raise self.refuse(400, "invalidCategoryId", words, "body.snippet.categoryId", "youtube.video")

    def _check_status(self, status: Json) -> None:
        privacy = status.get("privacyStatus", "public")
        if privacy not in ("public", "unlisted", "private"):
            raise self.refuse(
                400, "badRequest", f"Invalid value at 'resource.status.privacyStatus': {privacy}"
            )
        if status.get("license", "youtube") not in ("youtube", "creativeCommon"):
            raise self.refuse(400, "badRequest", "Invalid value at 'resource.status.license'")
        if wrong := [name for name in _FLAGS if not isinstance(status.get(name, False), bool)]:
            raise self.refuse(400, "badRequest", f"Invalid value at 'resource.status.{wrong[0]}' (TYPE_BOOL)")
        if "publishAt" in status and (privacy != "private" or _when(status["publishAt"]) is None):
            words = "The request metadata specifies an invalid scheduled publishing time."
            raise self.refuse(400, "invalidPublishAt", words, "body.status.publishAt", "youtube.video")

    def make_video(self, session: Session) -> Json:
        """The last byte has come: the video begins to be."""
        resource, file = session.request, self.file_of(session)
        entry = Entry(self.new_id(), session.username, "", self.now(), app="upload")
        entry.url = f"https://www.youtube.com/watch?v={entry.id}"
        ready, fails = self.processing()
        entry.extras = {
            "resource": {},
            "file": file,
            "ready_at": max(ready, self.now() + timedelta(seconds=self.seconds_to_process)),
            "failure": self._failure(file, fails),
            "rejection": self._rejection(file),
            "published_at": self.now(),
            "publish_at": None,
            "was_public": False,
            "thumbnail": None,
            "captions": [],
            "notified": session.query.get("notifySubscribers", ["true"])[-1] == "true",
        }
        entry.media = [
            {"id": entry.id, "mime": file["mime"], "alt": None, "data": None, "size": file["size"]}
        ]
        self._write(entry, resource)
        self.add(entry)
        session.entry = entry.id
        return self.video_json(entry, ["id", *(name for name in _SET if name in resource)])

    @staticmethod
    def _failure(file: Json, fails: bool) -> str | None:
        if fails:
            return "conversion"
        return (
            None if file["family"] in ("video", "") and file["size"] > 0 and file["mime"] else "invalidFile"
        )

    def _rejection(self, file: Json) -> str | None:
        return "length" if self.long_uploads != "allowed" and file["seconds"] > 900 else self.rejects

    def _write(self, entry: Entry, resource: Json) -> None:
        """The parts of a resource into a video, each as a whole."""
        held: Json = entry.extras["resource"]
        held |= {name: value for name, value in resource.items() if name in _SET}
        snippet, status = held.get("snippet") or {"title": "unknown"}, held.get("status") or {}
        entry.title, entry.text = snippet.get("title", ""), snippet.get("description", "")
        entry.visibility = status.get("privacyStatus", "public")
        due = _when(status.get("publishAt"))
        if due is not None and due <= self.now():
            entry.visibility, due = "public", None
        if self.locks_private:
            entry.visibility, due = "private", None
        entry.extras["publish_at"] = due
        entry.extras["was_public"] |= entry.visibility == "public"

    def twin_of(self, entry: Entry) -> Entry:
        """Another upload of the same title: a file of another name."""
        twin = super().twin_of(entry)
        twin.url = f"https://www.youtube.com/watch?v={twin.id}"
        twin.extras["file"] = {**entry.extras["file"], "name": "copy.mp4"}
        return twin

    # list ------------------------------------------------------------------------------------------

    def list_videos(self, request: Request) -> Response:
        """``GET /youtube/v3/videos?id=``: who is not there, or not to be seen, is left out."""
        from starlette.responses import JSONResponse

        viewer = self.caller(request, READ).username
        parts, ids = self.parts(request, _PARTS), self.ids(request)
        if not ids:
            raise self.refuse(
                400, "missingRequiredParameter", "No filter selected. Expected one of: id", "id"
            )
        if len(ids) > 50:
            raise self.refuse(400, "invalidFilters", "At most 50 ids.", "id")
        seen = [entry for one in ids if (entry := self.find(one)) and self._visible(entry, viewer)]
        if _OWN & set(parts) and any(entry.account != viewer for entry in seen):
            raise self.refuse(
                403, "forbidden", "The request is not properly authorized to access file details."
            )
        items = [self.video_json(entry, parts) for entry in seen]
        told = {"kind": "youtube#videoListResponse", "etag": self.etag("videos", *ids), "items": items}
        return JSONResponse({**told, "pageInfo": {"totalResults": len(items), "resultsPerPage": len(items)}})

    @staticmethod
    def _visible(entry: Entry, viewer: str) -> bool:
        return entry.visibility != "private" or entry.account == viewer

    def video_json(self, entry: Entry, parts: list[str]) -> Json:
        """The video as it is shown, in the parts asked for."""
        shown: Json = {"kind": "youtube#video", "etag": self.etag(entry.id, self.version), "id": entry.id}
        makers = {
            "snippet": self._snippet,
            "status": self._status,
            "statistics": self._statistics,
            "contentDetails": self._content,
            "processingDetails": self._processing,
            "fileDetails": self._file,
            "suggestions": self._suggestions,
        }
        held: Json = entry.extras["resource"]
        for part in parts:
            if part in makers:
                shown[part] = makers[part](entry)
            elif part in held:
                shown[part] = held[part]
        return shown

    def _snippet(self, entry: Entry) -> Json:
        held = entry.extras["resource"].get("snippet") or {}
        words = {"title": entry.title, "description": entry.text}
        told = {
            "publishedAt": stamp(entry.extras["published_at"]),
            "channelId": self.channel_of(entry.account),
            **words,
            "thumbnails": self.thumbnails(entry),
            "channelTitle": self.person(entry.account).title,
            "categoryId": held.get("categoryId", "22"),
            "liveBroadcastContent": "none",
            "localized": words,
        }
        names = ("tags", "defaultLanguage", "defaultAudioLanguage")
        return told | {name: held[name] for name in names if held.get(name)}

    def thumbnails(self, entry: Entry) -> Json:
        """The sizes of the thumbnail, of YouTube's own frame or of one that was set."""
        mark = entry.extras["thumbnail"] or "auto"
        root = f"https://i.ytimg.com/vi/{entry.id}"
        return {
            name: {"url": f"{root}/{name}-{mark}.jpg", "width": width, "height": height}
            for name, (width, height) in _SIZES.items()
        }

    def is_live(self, entry: Entry) -> bool:
        """Not what it could not process or rejected either: nobody but the channel ever sees that."""
        return super().is_live(entry) and self.upload_status(entry) not in ("failed", "rejected")

    def upload_status(self, entry: Entry) -> str:
        """``uploaded`` until it is processed; ``failed`` or ``rejected`` after that, when something is wrong."""
        if self.now() < entry.extras["ready_at"]:
            return "uploaded"
        if entry.extras["failure"]:
            return "failed"
        return "rejected" if entry.extras["rejection"] else "processed"

    def _status(self, entry: Entry) -> Json:
        held = entry.extras["resource"].get("status") or {}
        state = self.upload_status(entry)
        told: Json = {"uploadStatus": state, "privacyStatus": entry.visibility}
        if state == "failed":
            told["failureReason"] = entry.extras["failure"]
        if state == "rejected":
            told["rejectionReason"] = entry.extras["rejection"]
        if entry.extras["publish_at"]:
            told["publishAt"] = stamp(entry.extras["publish_at"])
        kids = bool(held.get("selfDeclaredMadeForKids"))
        told |= {"license": held.get("license", "youtube"), "embeddable": held.get("embeddable", True)}
        told |= {"publicStatsViewable": held.get("publicStatsViewable", True), "madeForKids": kids}
        names = ("selfDeclaredMadeForKids", "containsSyntheticMedia")
        return told | {name: held[name] for name in names if name in held}

    def counts(self, entry: Entry) -> dict[str, int]:
        """What grew since it became public."""
        return self.growth(entry, views=5200, likes=310, comments=42)

    def _statistics(self, entry: Entry) -> Json:
        counts, hidden = self.counts(entry), entry.extras.get("hidden", ())
        told = {
            "viewCount": str(counts["views"]),
            "likeCount": str(counts["likes"]),
            "favoriteCount": "0",
            "commentCount": str(counts["comments"]),
        }
        return {name: value for name, value in told.items() if name not in hidden}

    def _content(self, entry: Entry) -> Json:
        seconds = int(entry.extras["file"]["seconds"])
        captions = str(bool(entry.extras["captions"])).lower()
        told = {"duration": f"PT{seconds // 60}M{seconds % 60}S", "dimension": "2d", "definition": "hd"}
        return {**told, "caption": captions, "licensedContent": False, "projection": "rectangular"}

    def _processing(self, entry: Entry) -> Json:
        state = self.upload_status(entry)
        names = {"uploaded": "processing", "failed": "failed", "rejected": "terminated"}
        told: Json = {
            "processingStatus": names.get(state, "succeeded"),
            "fileDetailsAvailability": "available",
        }
        if state == "uploaded":
            left = (entry.extras["ready_at"] - self.now()).total_seconds()
            progress = {"partsTotal": "100", "partsProcessed": "10", "timeLeftMs": str(int(left * 1000))}
            told["processingProgress"] = progress
        if state == "failed":
            told["processingFailureReason"] = "transcodeFailed"
        return told

    def _file(self, entry: Entry) -> Json:
        file = entry.extras["file"]
        told = {"fileName": file["name"], "fileSize": str(file["size"]), "fileType": "video"}
        return {**told, "container": "mp4", "durationMs": str(int(file["seconds"] * 1000))}

    def _suggestions(self, entry: Entry) -> Json:
        wrong = entry.extras["failure"] == "invalidFile" and self.upload_status(entry) == "failed"
        return {"processingErrors": ["notAVideoFile"]} if wrong else {}

    def batch_stats(self, request: Request) -> Response:
        """``GET /youtube/v3/videos:batchGetStats``: at most 50; who is not known is left out."""
        from starlette.responses import JSONResponse

        viewer = self.caller(request, READ).username
        parts, ids = self.parts(request, _STAT_PARTS), self.ids(request)
        if not 1 <= len(ids) <= 50:
            raise self.refuse(400, "invalidFilters", "1 to 50 ids.", "id")
        items = []
        for entry in filter(None, map(self.find, ids)):
            if not self._visible(entry, viewer) or (
                entry.visibility == "private" and not self.private_in_batch
            ):
                continue
            counts = {
                name: value for name, value in self._statistics(entry).items() if name != "favoriteCount"
            }
            every = {
                "snippet": {"publishTime": stamp(entry.extras["published_at"])},
                "contentDetails": {"duration": f"{int(entry.extras['file']['seconds'])}s"},
                "statistics": counts,
            }
            item = {"kind": "youtube#videoStats", "etag": self.etag(entry.id, "stats"), "id": entry.id}
            items.append({**item, **{name: every[name] for name in parts if name in every}})
        told = {"kind": "youtube#batchGetStatsResponse", "etag": self.etag("stats", *ids)}
        return JSONResponse({**told, "items": items})

    def list_categories(self, request: Request) -> Response:
        """``GET /youtube/v3/videoCategories``."""
        from starlette.responses import JSONResponse

        self.caller(request, READ)
        self.parts(request, frozenset({"id", "snippet"}))
        items = [
            {
                "kind": "youtube#videoCategory",
                "etag": self.etag("category", number),
                "id": number,
                "snippet": {"title": title, "assignable": True, "channelId": "UCBR8-60-B28hp2BmDPdntcQ"},
            }
            for number, title in _CATEGORIES.items()
        ]
        told = {"kind": "youtube#videoCategoryListResponse", "etag": self.etag("categories")}
        return JSONResponse({**told, "items": items})

    # change ----------------------------------------------------------------------------------------

    def update_video(self, request: Request) -> Response:
        """``PUT /youtube/v3/videos``: every part named is replaced as a whole."""
        from starlette.responses import JSONResponse

        me, parts, given = (
            self.caller(request, WRITE).username,
            self.parts(request, _PARTS),
            self.given(request),
        )
        entry = self.video(request, str(given.get("id") or ""), me)
        resource = {name: given.get(name) or {} for name in parts if name in _SET}
        if "snippet" in resource and "categoryId" not in resource["snippet"]:
            words = "The snippet.categoryId property specifies an invalid category ID."
            raise self.refuse(400, "invalidCategoryId", words, "body.snippet.categoryId", "youtube.video")
        held = entry.extras["resource"].get("snippet") or {}
        self._check_parts({"snippet": held, **resource})
        if entry.extras["was_public"] and "publishAt" in (resource.get("status") or {}):
            words = "The video was published before, or is not private."
            raise self.refuse(400, "invalidPublishAt", words, "body.status.publishAt", "youtube.video")
        self._changes(f"changed {entry.id}")
        self._write(entry, resource)
        entry.edited_at = self.now()
        return JSONResponse(self.video_json(entry, ["id", *parts]))

    def delete_video(self, request: Request) -> Response:
        """``DELETE /youtube/v3/videos?id=``: 204."""
        from starlette.responses import Response

        me = self.caller(request, WRITE).username
        self.remove(self.video(request, self.needed(request, "id"), me))
        return Response(status_code=204)

    # the page --------------------------------------------------------------------------------------

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        """Views, likes, comments."""
        return self.counts(entry)

    def shown_notes(self, entry: Entry) -> list[str]:
        """Visibility, schedule and state."""
        notes = [] if entry.visibility == "public" else [entry.visibility]
        due = entry.extras["publish_at"]
        state = self.upload_status(entry)
        return (
            notes + ([f"public at {stamp(due)}"] if due else []) + ([state] if state != "processed" else [])
        )

    def missing_video(self) -> Answer:
        """404 ``videoNotFound``."""
        return self.refuse(404, "videoNotFound", "The video is not there.", "videoId", "youtube.video")


def _when(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
