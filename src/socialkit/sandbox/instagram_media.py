"""Instagram's containers: what they take, what Meta's crawler fetches, uploads, processing on the clock, publishing."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from .bodies import Upload
from .core import Answer, Entry, body
from .instagram_accounts import Accounts, Viewer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Container", "Containers"]

Json = dict[str, Any]
LIFE, DAY = timedelta(hours=24), timedelta(days=1)
_MIB = 1 << 20
_KINDS = ("REELS", "STORIES", "CAROUSEL", "VIDEO")
_PAGE_ONLY = ("is_paid_partnership", "branded_content_sponsor_ids")
_VIDEOS = ("video/mp4", "video/quicktime")

ERRORS: dict[int, tuple[int, str, str]] = {
    2207001: (-1, "Instagram server error. Try again.", "Server error"),
    2207003: (-2, "It takes too long to download the media.", "Timeout"),
    2207004: (36000, "The image size is too large.", "Image size too large"),
    2207005: (36001, "The image format is not supported.", "Unsupported image format"),
    2207006: (24, "The media with {id} cannot be found.", "Media not found"),
    2207008: (24, "The media builder with creation id does not exist.", "Media builder not found"),
    2207009: (36003, "The submitted image has an invalid aspect ratio.", "Invalid aspect ratio"),
    2207010: (36004, "The caption was too long.", "Caption too long"),
    2207020: (-2, "The media you are trying to access has expired.", "Media expired"),
    2207023: (100, "The media type is unknown.", "Unknown media type"),
    2207026: (352, "The video format is not supported.", "Unsupported video format"),
    2207027: (9007, "Media ID is not available", "The media is not ready for publishing"),
    2207028: (100, "Your post won't work as a carousel.", "Carousel validation failed"),
    2207032: (-1, "Create media fail, please try to re-create media.", "Create media fail"),
    2207035: (100, "Product tag positions should not be specified for video media.", "Positions on a video"),
    2207036: (100, "Product tag positions are required for photo media.", "Positions missing"),
    2207037: (100, "Not all products could be tagged.", "Invalid products"),
    2207040: (100, "Cannot use more than 20 tags per created media.", "Too many tags"),
    2207042: (9, "The maximum number of posts for 24 hours is reached.", "Limit reached"),
    2207050: (25, "The Instagram account is restricted.", "Account restricted"),
    2207051: (4, "We restrict certain activity to protect our community.", "Action is blocked"),
    2207052: (9004, "Only photo or video can be accepted as media type.", "Media download has failed"),
    2207053: (-1, "Unknown upload error.", "Unknown upload error"),
    2207057: (1, "Thumbnail offset is out of range.", "Offset out of range"),
    2207064: (100, "User tag positions cannot be given for videos.", "Invalid tag position"),
    2207077: (-2, "The video could not be downloaded.", "Download failed"),
    2207081: (10, "The account is not eligible for trial reels.", "Not eligible"),
    2207082: (-1, "Media upload has failed.", "Upload failed"),
    2207089: (100, "A carousel item cannot be published by itself.", "Carousel item"),
}
"""Code, words and title by subcode."""


@attrs.define(eq=False)
class Container:
    """What waits to be published. ``failure`` is the subcode it ends with, ``total`` and ``arrived`` an upload's."""

    id: str
    owner: str
    given: Json
    created_at: datetime
    earliest: datetime
    ready_at: datetime | None
    media: list[Json] = attrs.field(factory=list)
    children: list[str] = attrs.field(factory=list)
    failure: int = 0
    total: int = 0
    arrived: int = 0
    upload: Upload | None = None
    published: str = ""

    @property
    def kind(self) -> str:
        """Its ``media_type``; a picture has none."""
        return str(self.given.get("media_type") or "IMAGE")

    @property
    def child(self) -> bool:
        """Whether it is an item of a carousel."""
        return self.given.get("is_carousel_item") == "true"

    @property
    def resumable(self) -> bool:
        """Whether its bytes are uploaded."""
        return self.given.get("upload_type") == "resumable"


class Containers(Accounts):
    """The part of the box that makes posts.

    ``quota`` posts and ``container_limit`` containers per 24 hours; ``video_seconds`` is how long a video is processed.
    ``restricted`` refuses every publication, ``spam`` "refused" or "stored" answers that it looks like spam, in
    truth or although the post is live. ``trial_eligible`` False: no trial reels. ``private_people`` cannot be tagged.
    """

    quota: int = 100
    container_limit: int = 400
    video_seconds: float = 10.0
    restricted: bool = False
    spam: str = ""
    trial_eligible: bool = True
    private_people: frozenset[str] = frozenset({"private"})

    def start_containers(self) -> None:
        """No containers yet."""
        self.containers: dict[str, Container] = {}

    def refusal(self, subcode: int) -> Answer:
        """The error of a subcode, to raise."""
        from starlette.responses import JSONResponse

        code, words, title = ERRORS[subcode]
        told = {
            "message": words,
            "type": "OAuthException",
            "code": code,
            "error_subcode": subcode,
            "is_transient": False,
            "error_user_title": title,
            "error_user_msg": words,
            "fbtrace_id": f"A{self.serial('trace')[:22]}",
        }
        return Answer(JSONResponse({"error": told}, 400))

    def bad(self, words: str, code: int = 100) -> Answer:
        """An error without a subcode, to raise."""
        return Answer(self.graph_error(code, f"(#{code}) {words}"))

    # a container ------------------------------------------------------------------------------------

    def create_container(self, request: Request) -> Response:
        """``POST /{ig-user}/media``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request, "publish")
        given = self.given(request)
        made = [one for one in self.containers.values() if one.owner == viewer.username]
        if sum(self.now() - one.created_at < DAY for one in made) >= self.container_limit:
            raise Answer(self.graph_error(4, "(#4) Application request limit reached", status=403))
        self._check(given, viewer)
        ready, fails = self.processing()
        container = Container(self.new_id(), viewer.username, given, self.now(), ready, ready)
        if container.kind == "CAROUSEL":
            container.children = self._children(given, viewer)
        elif container.resumable:
            container.ready_at = None
        else:
            self._fetch(container)
        container.failure = 2207053 if fails else container.failure
        self.containers[container.id] = container
        told = {"id": container.id}
        if container.resumable:
            told["uri"] = f"{self.upload_base}/ig-api-upload/v26.0/{container.id}"
        return JSONResponse(told)

    @property
    def upload_base(self) -> str:
        """Where bytes go: a host of its own, or this one where it answers on loopback."""
        return self.base if "graph." not in self.base else "https://rupload.facebook.com"

    def _check(self, given: Json, viewer: Viewer) -> None:
        """What the parameters may be, before anything is fetched."""
        kind, child = given.get("media_type"), given.get("is_carousel_item") == "true"
        if kind is not None and (
            kind not in _KINDS or (kind == "VIDEO" and not child) or (kind == "REELS" and child)
        ):
            raise self.refusal(2207023)
        if given.get("video_url") and kind is None:
            raise self.refusal(2207023)
        if kind in ("REELS", "VIDEO") and not (given.get("video_url") or given.get("upload_type")):
            raise self.bad("The parameter video_url is required")
        if not viewer.page and any(given.get(name) for name in _PAGE_ONLY):
            raise self.bad("is not a supported parameter")
        if given.get("upload_type") == "resumable" and not viewer.page:
            raise self.bad("The parameter video_url is required")
        if len(str(given.get("caption") or "").encode("utf-16-le")) // 2 > 2200:
            raise self.refusal(2207010)
        if len(re.findall(r"(?<!\w)#\w", str(given.get("caption") or ""))) > 30:
            raise self.bad("The caption has too many hashtags")
        if len(re.findall(r"(?<![\w@])@\w", str(given.get("caption") or ""))) > 20:
            raise self.bad("The caption has too many mentions")
        if child and given.get("collaborators"):
            raise self.bad("param collaborators is not allowed")
        video = kind in ("REELS", "VIDEO") or bool(given.get("video_url"))
        if given.get("alt_text") and (video or kind == "STORIES"):
            raise self.bad("param alt_text is not allowed for this media")
        if given.get("trial_params") and not self.trial_eligible:
            raise self.refusal(2207081)
        self._check_people(given, video, story=kind == "STORIES")
        self._check_products(given, video)

    def _check_people(self, given: Json, video: bool, *, story: bool) -> None:
        tags, invited = self._listed(given, "user_tags"), self._listed(given, "collaborators")
        if len(tags) > 20:
            raise self.refusal(2207040)
        if len(invited) > 3 or (story and invited):
            raise self.bad("param collaborators is not valid")
        for tag in tags:
            placed = [name for name in ("x", "y") if name in tag]
            if video and placed:
                raise self.refusal(2207064)
            if not video and not story and len(placed) != 2:
                raise self.bad("param user_tags must have x and y")
            if not all(0 <= tag[name] <= 1 for name in placed):
                raise self.bad("param user_tags has x or y out of range")
        if self.private_people & {*invited, *(tag.get("username") for tag in tags)}:
            raise self.bad("Invalid user id", 110)

    def _check_products(self, given: Json, video: bool) -> None:
        for tag in self._listed(given, "product_tags"):
            placed = [name for name in ("x", "y") if name in tag]
            if video and placed:
                raise self.refusal(2207035)
            if not video and len(placed) != 2:
                raise self.refusal(2207036)
            if not str(tag.get("product_id", "")).isdigit():
                raise self.refusal(2207037)

    def _listed(self, given: Json, name: str) -> list[Any]:
        try:
            told = json.loads(given.get(name) or "[]")
        except ValueError:
            told = None
        if not isinstance(told, list):
            raise self.bad(f"param {name} must be an array")
        return told

    def _children(self, given: Json, viewer: Viewer) -> list[str]:
        told = str(given.get("children") or "")
        ids = (
            self._listed(given, "children")
            if told.startswith("[")
            else [one for one in told.split(",") if one]
        )
        if not 2 <= len(ids) <= 10:
            raise self.refusal(2207028)
        for one in ids:
            found = self.containers.get(one)
            if found is None or found.owner != viewer.username or not found.child:
                raise self.refusal(2207006)
        return ids

    # what the crawler gets --------------------------------------------------------------------------

    def _fetch(self, container: Container) -> None:
        """A picture is looked at at once; a video's troubles show while it is processed."""
        given = container.given
        if given.get("video_url"):
            self._take_video(container, self.box.files.fetch(str(given["video_url"])))
        elif given.get("image_url"):
            self._take_picture(container, str(given["image_url"]))
        else:
            raise self.bad("The parameter image_url is required")
        if given.get("cover_url"):
            self._picture_at(str(given["cover_url"]))

    def _picture_at(self, url: str) -> Upload:
        """The JPEG at an address."""
        found = self.box.files.fetch(url) if url.isascii() else None
        if found is None or found.kind.family not in ("image", "video"):
            raise self.refusal(2207052)
        if found.kind.mime != "image/jpeg":
            raise self.refusal(2207005)
        if found.size > 8 * _MIB:
            raise self.refusal(2207004)
        return found

    def _take_picture(self, container: Container, url: str) -> None:
        found = self._picture_at(url)
        kind = found.kind
        if container.kind != "STORIES" and kind.height and not 0.795 <= kind.width / kind.height <= 1.915:
            raise self.refusal(2207009)
        container.media = [self._shown(container, found, "IMAGE")]

    def _take_video(self, container: Container, found: Upload | None) -> None:
        """What comes of a video: fetched, or uploaded."""
        assert container.ready_at is not None
        container.ready_at += timedelta(seconds=self.video_seconds)
        if found is None:
            container.failure = container.failure or 2207077
            return
        container.failure = container.failure or self._video_problem(container, found)
        container.media = [self._shown(container, found, "VIDEO")]

    def _video_problem(self, container: Container, found: Upload) -> int:
        kind, story = found.kind, container.kind == "STORIES"
        seconds = kind.seconds or 0
        if kind.mime not in _VIDEOS or found.size > (100_000_000 if story else 300 * _MIB):
            return 2207026
        if not 3 <= seconds <= (60 if story else 900) or kind.width > 1920:
            return 2207026
        if kind.height and not (0.1 if story else 0.01) <= kind.width / kind.height <= 10:
            return 2207026
        offset = str(container.given.get("thumb_offset") or "0")
        return 2207057 if not offset.isdigit() or int(offset) >= seconds * 1000 else 0

    def _shown(self, container: Container, found: Upload, kind: str) -> Json:
        """A medium as it will be shown; small pictures are kept."""
        medium_id = self.new_id()
        alt = str(container.given.get("alt_text") or "")
        medium = {"id": medium_id, "mime": found.kind.mime, "alt": alt, "data": found.data, "type": kind}
        self.media[medium_id] = medium
        return medium

    # uploads ----------------------------------------------------------------------------------------

    def take_bytes(self, request: Request) -> Response:
        """``POST rupload.facebook.com/ig-api-upload/v26.0/{container}``: the bytes from ``offset`` to the end."""
        from starlette.responses import JSONResponse

        container = self.containers.get(request.path_params["container"])
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        alive = scheme == "OAuth" and self.facebook.grant_of(token.strip()) is not None
        if not alive or container is None or not container.resumable:
            return self._upload_refused("NotAuthorizedError", "the upload is not known", 401)
        numbers = [request.headers.get(name, "") for name in ("offset", "file_size")]
        sent = body(request).upload
        if sent is None or not all(number.isdigit() for number in numbers):
            return self._upload_refused("HeaderError", "offset and file_size are required", 400)
        start, total = map(int, numbers)
        if start > container.arrived or start + sent.size > total:
            return self._upload_refused("OffsetInvalidError", f"expected offset {container.arrived}", 400)
        container.total, container.arrived = total, max(container.arrived, start + sent.size)
        if start == 0:
            container.upload = sent
        if container.arrived < total or container.ready_at is not None:
            return JSONResponse({"success": True, "message": "Upload successful."})
        assert container.upload is not None
        if container.upload.kind.mime not in _VIDEOS:
            container.failure = 2207026
            container.ready_at = self.now()
            return self._upload_refused("ProcessingFailedError", "Request processing failed", 400)
        container.ready_at = max(self.processing()[0], container.earliest)
        self._take_video(container, container.upload)
        return JSONResponse({"success": True, "message": "Upload successful."})

    @staticmethod
    def _upload_refused(kind: str, words: str, status: int) -> Response:
        from starlette.responses import JSONResponse

        told = {"retriable": kind == "OffsetInvalidError", "type": kind, "message": words}
        return JSONResponse({"debug_info": told}, status)

    # where it stands --------------------------------------------------------------------------------

    def status_code(self, container: Container) -> str:
        """IN_PROGRESS, FINISHED, PUBLISHED, ERROR or EXPIRED."""
        if container.published:
            return "PUBLISHED"
        if self.now() - container.created_at >= LIFE:
            return "EXPIRED"
        if container.ready_at is None or self.now() < container.ready_at:
            return "IN_PROGRESS"
        return "ERROR" if container.failure else "FINISHED"

    def show_container(self, container: Container, fields: list[str]) -> Json:
        """``GET /{container}``."""
        code = self.status_code(container)
        words = {
            "IN_PROGRESS": "In Progress: Media is still being processed.",
            "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
            "PUBLISHED": "Published: Media has been published.",
            "EXPIRED": "Expired: Media was not published within 24 hours.",
            "ERROR": f"Error: Media upload has failed with error code {container.failure}",
        }
        known: Json = {
            "id": container.id,
            "status_code": code,
            "status": words[code],
            "video_status": self._video_status(container),
            "copyright_check_status": {"status": "completed", "matches_found": False},
        }
        if unknown := [name for name in fields if name not in known]:
            raise self.bad(f"Tried accessing nonexisting field ({unknown[0]})")
        return {name: known[name] for name in dict.fromkeys(("id", *fields))}

    @staticmethod
    def _video_status(container: Container) -> Json:
        complete = bool(container.total) and container.arrived >= container.total
        stage = "complete" if complete else "in_progress" if container.arrived else "not_started"
        return {
            "uploading_phase": {"status": stage, "bytes_transferred": container.arrived},
            "processing_phase": {"status": "complete" if container.ready_at else "not_started"},
        }

    # publishing -------------------------------------------------------------------------------------

    def publish(self, request: Request) -> Response:
        """``POST /{ig-user}/media_publish``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request, "publish")
        if not (wanted := self.given(request).get("creation_id")):
            raise self.bad("The parameter creation_id is required")
        container = self.containers.get(str(wanted))
        if container is None or container.owner != viewer.username:
            raise self.refusal(2207008)
        self._check_publishable(container, viewer)
        if self.spam == "refused":
            raise self.refusal(2207051)
        entry = self.add(self._entry(container, viewer))
        container.published = entry.id
        for child in container.children:
            self.containers[child].published = entry.id
        if self.spam == "stored":
            raise self.refusal(2207051)
        return JSONResponse({"id": entry.id})

    def forget(self, entry: Entry) -> None:
        """As if it had never been: its container can be published again."""
        super().forget(entry)
        for container in self.containers.values():
            if container.published == entry.id:
                container.published = ""

    def _check_publishable(self, container: Container, viewer: Viewer) -> None:
        if self.restricted:
            raise self.refusal(2207050)
        if container.child:
            raise self.refusal(2207089)
        state = self.status_code(container)
        if state == "PUBLISHED":
            raise self.refusal(2207006)
        if state == "EXPIRED":
            raise self.refusal(2207020)
        children = [self.status_code(self.containers[one]) for one in container.children]
        if {state, *children} != {"FINISHED"}:
            raise self.refusal(2207027)
        if self.used(viewer.username) >= self.quota:
            raise self.refusal(2207042)

    def used(self, username: str) -> int:
        """Posts of the last 24 hours, deleted ones too."""
        made = [one for one in self.entries.values() if one.account == username]
        return sum(self.now() - one.created_at < DAY for one in made)

    def _entry(self, container: Container, viewer: Viewer) -> Entry:
        """The post a container becomes."""
        given = container.given
        parts = [self.containers[one] for one in container.children] or [container]
        media = [medium for part in parts for medium in part.media]
        product = {"REELS": "REELS", "STORIES": "STORY"}.get(container.kind, "FEED")
        kind = "CAROUSEL_ALBUM" if container.children else media[0]["type"]
        asked = (
            "collaborators",
            "location_id",
            "share_to_feed",
            "is_ai_generated",
            "thumb_offset",
            "trial_params",
        )
        extras = {
            "product": product,
            "kind": kind,
            "given": {name: given[name] for name in (*asked, "audio_name", "cover_url") if name in given},
            "tags": [self._listed(part.given, "user_tags") for part in parts],
            "comments": [],
            "closed": False,
        }
        text = str(given.get("caption") or "") if product != "STORY" else ""
        entry = Entry(self.new_id(), viewer.username, text, self.now(), media, extras=extras)
        return self.addressed(entry)

    def addressed(self, entry: Entry) -> Entry:
        """With the address people find it at."""
        code = self.digest("shortcode", entry.id)[:11]
        places = {"REELS": f"reel/{code}/", "STORY": f"stories/{entry.account}/{entry.id}"}
        entry.extras["shortcode"] = code
        entry.url = f"https://www.instagram.com/{places.get(entry.extras['product'], f'p/{code}/')}"
        return entry
