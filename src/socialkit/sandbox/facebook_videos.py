"""Videos on Facebook: in pieces, in one stream, processed on the clock. Bytes are counted, never kept.

Facts: Meta's Video API, Reels and Stories guides of July 2026, and the uploader of its own Python SDK (what it does
when the other side has other bytes than it thinks).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from .bodies import HEAD, Upload
from .core import Answer, body
from .facebook_views import VERSION, Clip, FacebookPost, Views
from .sniff import sniff

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .sign_in import Grant

__all__ = ["Videos"]

Json = dict[str, Any]
RUPLOAD = "rupload.facebook.com"
_PROCESSING = timedelta(seconds=3)
_SESSION = timedelta(days=1)


class Videos(Views):
    """The part of the box that takes videos. ``chunk_bytes`` is how much it asks for at a time."""

    chunk_bytes = 1 << 20

    def on_page(self, request: Request, *scopes: str) -> str:
        """The id of the Page the request is for, when its own token is along."""
        raise NotImplementedError

    def own_page(self, grant: Grant) -> str:
        """The id of the Page whose token it is; empty for a person's."""
        raise NotImplementedError

    def number(self) -> str:
        """A number no other thing has."""
        raise NotImplementedError

    def due_of(self, given: Json, most: timedelta) -> datetime | None:
        """When it is to be published; None for now."""
        raise NotImplementedError

    # in pieces -------------------------------------------------------------------------------------

    def videos(self, request: Request) -> Response:
        """``POST /{page}/videos``: a phase of a chunked upload, or a whole video by its address."""
        given = self.given(request)
        page = self.on_page(request, "pages_manage_posts")
        match str(given.get("upload_phase") or "").lower():
            case "start":
                return self._start_chunks(given, page)
            case "transfer":
                return self._take_chunk(request, given, page)
            case "finish":
                return self._finish_chunks(given, page)
            case "cancel":
                self.clips.pop(self._session(given, page).id, None)
                return self.yes()
            case _:
                return self._whole(request, given, page)

    def yes(self, **more: Any) -> Response:
        """It was done."""
        from starlette.responses import JSONResponse

        return JSONResponse({"success": True, **more})

    def _new_clip(self, page: str, edge: str, total: int = 0) -> Clip:
        number = self.number()
        clip = Clip(number, page, edge, self.number(), self.now(), total)
        self.clips[number] = clip
        return clip

    def _start_chunks(self, given: Json, page: str) -> Response:
        from starlette.responses import JSONResponse

        size = str(given.get("file_size") or "")
        if not size.isdigit() or not int(size):
            raise Answer(self.graph_error(100, "(#100) file_size must be a positive number"))
        clip = self._new_clip(page, "videos", int(size))
        told = {"video_id": clip.id, "upload_session_id": clip.session, **self._wants(clip)}
        return JSONResponse(told)

    def _wants(self, clip: Clip) -> Json:
        end = min(clip.arrived + self.chunk_bytes, clip.total)
        return {"start_offset": str(clip.arrived), "end_offset": str(end)}

    def _session(self, given: Json, page: str) -> Clip:
        """The upload of a session; one that is over or unknown has a subcode of its own."""
        wanted, now = str(given.get("upload_session_id") or ""), self.now()
        clip = next((one for one in self.clips.values() if one.session == wanted and one.page == page), None)
        if clip is None or clip.finished_at is not None or now - clip.made_at >= _SESSION:
            words = "The video upload session does not exist or has expired"
            raise Answer(self.graph_error(6000, words, subcode=1363019))
        return clip

    def _take_chunk(self, request: Request, given: Json, page: str) -> Response:
        from starlette.responses import JSONResponse

        clip = self._session(given, page)
        piece = body(request).files.get("video_file_chunk")
        if piece is None:
            raise Answer(self.graph_error(100, "(#100) video_file_chunk is missing"))
        wanted = self._wants(clip)
        start, end = int(wanted["start_offset"]), int(wanted["end_offset"])
        if str(given.get("start_offset")) != str(start) or piece.size > end - start:
            words = "There was a problem uploading your video file. Please try again"
            refusal = self.graph_error(6001, words, subcode=1363037, error_data=wanted)
            raise Answer(refusal)
        self._take(clip, piece)
        return JSONResponse(self._wants(clip))

    def _take(self, clip: Clip, piece: Upload) -> None:
        if len(clip.head) < HEAD:
            clip.head += piece.head[: HEAD - len(clip.head)]
        clip.tail = (clip.tail + piece.tail)[-HEAD:]
        clip.arrived += piece.size

    def _finish_chunks(self, given: Json, page: str) -> Response:
        clip = self._session(given, page)
        if clip.arrived < clip.total:
            words = "The upload is not complete"
            raise Answer(self.graph_error(6000, words, subcode=1363020))
        self.publish_clip(clip, given, "video", timedelta(days=30))
        return self.yes()

    def _whole(self, request: Request, given: Json, page: str) -> Response:
        """A video in one request: its bytes, or an address it is fetched from."""
        from starlette.responses import JSONResponse

        file = body(request).files.get("source")
        if file is None and (url := given.get("file_url")):
            file = self.box.files.fetch(str(url))
            if file is None:
                raise Answer(self.graph_error(389, "(#389) Unable to fetch video file from URL."))
        if file is None:
            raise Answer(self.graph_error(100, "(#100) The video file you selected is missing"))
        clip = self._new_clip(page, "videos", file.size)
        self._take(clip, file)
        self.publish_clip(clip, given, "video", timedelta(days=30))
        return JSONResponse({"id": clip.id})

    # in one stream ---------------------------------------------------------------------------------

    def reels(self, request: Request) -> Response:
        """``POST /{page}/video_reels`` and ``/video_stories``: start, and finish what was streamed meanwhile."""
        from starlette.responses import JSONResponse

        given, edge = self.given(request), request.url.path.rpartition("/")[2]
        page = self.on_page(request, "pages_manage_posts")
        phase = str(given.get("upload_phase") or "").lower()
        if phase == "start":
            clip = self._new_clip(page, edge)
            path = f"/video-upload/{VERSION}/{clip.id}"
            return JSONResponse({"video_id": clip.id, "upload_url": f"{self._stream_base()}{path}"})
        if phase != "finish":
            raise Answer(self.graph_error(100, "(#100) upload_phase must be one of START, FINISH"))
        found = self.clips.get(str(given.get("video_id") or ""))
        if found is None or found.page != page or found.edge != edge or found.finished_at is not None:
            raise Answer(self.graph_error(100, "(#100) The video_id is not valid"))
        if not found.total or found.arrived < found.total:
            raise Answer(self.graph_error(6000, "The upload is not complete", subcode=1363020))
        return self._finish_reel(found, given, edge)

    def _finish_reel(self, clip: Clip, given: Json, edge: str) -> Response:
        if edge == "video_stories":
            post = self.publish_clip(clip, given, "story", timedelta(0))
            return self.yes(post_id=post.id)
        state = str(given.get("video_state") or "").upper()
        if state not in ("PUBLISHED", "SCHEDULED", "DRAFT"):
            raise Answer(
                self.graph_error(100, "(#100) video_state must be one of DRAFT, PUBLISHED, SCHEDULED")
            )
        if state == "SCHEDULED" and not given.get("scheduled_publish_time"):
            raise Answer(self.graph_error(100, "(#100) scheduled_publish_time is missing"))
        asked = {**given, "published": str(state == "PUBLISHED").lower()}
        post = self.publish_clip(clip, asked, "reel", timedelta(days=29))
        return self.yes(**({"post_id": post.post} if state == "PUBLISHED" else {}))

    def _stream_base(self) -> str:
        """Facebook's own host for streams, or this very address where the sandbox is served."""
        host = urlsplit(self.base).hostname or ""
        return f"https://{RUPLOAD}" if host.endswith("facebook.com") else self.base

    def stream(self, request: Request) -> Response:
        """``POST /video-upload/{version}/{id}``: the bytes from ``offset`` on, or an address to fetch them from."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.grant_of(token.strip()) if scheme == "OAuth" else None
        if grant is None:
            raise Answer(self.stream_error("NotAuthorizedError", "Authorization failed", 401))
        clip = self.clips.get(str(request.path_params["id"]))
        if clip is None or clip.finished_at is not None or clip.edge == "videos":
            raise Answer(self.stream_error("ProcessingFailedError", "Request processing failed"))
        if (url := request.headers.get("file_url")) is not None:
            fetched = self.box.files.fetch(url)
            if fetched is None or "fbcdn" in url:
                raise Answer(self.stream_error("ProcessingFailedError", "Video fetch failed"))
            clip.total, clip.arrived = fetched.size, 0
            self._take(clip, fetched)
            return self.yes()
        return self._take_stream(request, clip)

    def _take_stream(self, request: Request, clip: Clip) -> Response:
        offset, size = (request.headers.get(name, "") for name in ("offset", "file_size"))
        if not offset.isdigit() or not size.isdigit():
            raise Answer(self.stream_error("HeaderMissingError", "offset and file_size are required"))
        piece = body(request).upload or Upload().close()
        if int(offset) != clip.arrived or (clip.total and int(size) != clip.total):
            words = f"The offset is {offset}, the upload is at {clip.arrived}"
            raise Answer(self.stream_error("OffsetInvalidError", words))
        if int(offset) + piece.size > int(size):
            raise Answer(self.stream_error("OffsetInvalidError", "More bytes than file_size"))
        clip.total = int(size)
        self._take(clip, piece)
        if clip.arrived < clip.total:
            raise Answer(
                self.stream_error("PartialRequestError", "Partial request (did not match length of file)")
            )
        return self.yes()

    def stream_error(self, kind: str, words: str, status: int = 400) -> Response:
        """An error of the host that takes streams."""
        from starlette.responses import JSONResponse

        told = {"retriable": kind == "PartialRequestError", "type": kind, "message": words}
        return JSONResponse({"debug_info": told}, status)

    # published -------------------------------------------------------------------------------------

    def publish_clip(self, clip: Clip, given: Json, kind: str, most: timedelta) -> FacebookPost:
        """The post of a video that is all there. Lists show it once it is processed."""
        seen = sniff(clip.head, clip.tail)
        if seen.family != "video":
            raise Answer(self.graph_error(352, "(#352) Sorry, the video format is not supported"))
        due = self.due_of(given, most) if most else None
        ready, fails = self.processing()
        clip.finished_at, clip.due = self.now(), due
        clip.ready_at = max(ready, self.now() + _PROCESSING)
        clip.failure = "The video could not be processed" if fails else ""
        clip.shown = {"id": clip.id, "mime": seen.mime, "size": clip.total, "seconds": seen.seconds}
        clip.shown |= {"width": seen.width, "height": seen.height, "alt": "", "data": None}
        clip.head, clip.tail = b"", b""
        self.media[clip.id] = clip.shown
        return self._post_of(clip, given, kind)

    def _post_of(self, clip: Clip, given: Json, kind: str) -> FacebookPost:
        number = self.number()
        clip.post = f"{clip.page}_{number}"
        where = "reel" if kind == "reel" else f"{self.page_username(clip.page)}/videos"
        post = FacebookPost(
            id=number if kind == "story" else clip.id,
            account=self.username_of(clip.page),
            text=str(given.get("description") or ""),
            created_at=self.now(),
            title=str(given.get("title") or ""),
            media=[clip.shown],
            url=f"https://www.facebook.com/{where}/{clip.id}/",
            kind=kind,
            page=clip.page,
            post=clip.post if kind != "story" else "",
            due=clip.due,
            given={**self.kept(given), "video": clip.id},
        )
        if kind == "story":
            post.url = self.story_url(post)
        if clip.due is not None or self.is_dark(given):
            self.scheduled[post.id] = post
            return post
        self.add(post)
        post.visible_at = max(post.visible_at or self.now(), clip.ready_at or self.now())
        return post

    def story_url(self, post: FacebookPost) -> str:
        """Where people see a story; not by its id."""
        return f"https://www.facebook.com/stories/{post.page}/{self.digest('story', post.id)[:40]}/"

    def kept(self, given: Json) -> Json:
        """What of a form a post keeps, for the page and for tests."""
        hidden = (
            "access_token",
            "appsecret_proof",
            "upload_phase",
            "upload_session_id",
            "message",
            "caption",
        )
        return {
            name: value for name, value in given.items() if name not in (*hidden, "description", "fields")
        }

    def tick_videos(self) -> None:
        """What failed to be processed was never to be seen."""
        for clip in self.clips.values():
            if clip.failure and self.is_ready(clip):
                post = self.post_of(clip)
                if post is not None and post.deleted_at is None:
                    self.entries.pop(post.id, None)
                    self.scheduled.pop(post.id, None)
                    self.version += 1

    # what is said about a video --------------------------------------------------------------------

    def own_video(self, request: Request) -> tuple[Clip, FacebookPost]:
        """The Page's own video and its post."""
        page = self.own_page(self.grant(request, "pages_manage_posts"))
        clip = self.clips.get(str(request.path_params["id"]))
        post = (
            cast("FacebookPost | None", self.find(clip.id) or self.scheduled.get(clip.id)) if clip else None
        )
        if clip is None or post is None or post.page != page:
            raise self.gone(str(request.path_params["id"]), "post")
        return clip, post

    def add_captions(self, request: Request) -> Response:
        """``POST /{video}/captions``: an SRT file whose name holds its locale."""
        clip, post = self.own_video(request)
        file, locale = (
            body(request).files.get("captions_file"),
            str(self.given(request).get("default_locale") or ""),
        )
        if file is None or not file.filename.endswith(f".{locale}.srt") or len(locale) != 5:
            words = "(#387) The file name of captions must be filename.locale.srt"
            raise Answer(self.graph_error(387, words))
        captions = {**clip.shown.get("captions", {}), locale: file.size}
        clip.shown["captions"] = captions
        self.change(post, given={**post.given, "captions": sorted(captions)})
        return self.yes()

    def add_thumbnail(self, request: Request) -> Response:
        """``POST /{video}/thumbnails``: a picture of at most 10 MB."""
        clip, post = self.own_video(request)
        file = body(request).files.get("source")
        if file is None or file.kind.family != "image" or file.size > 10_000_000:
            raise Answer(self.graph_error(324, "(#324) Missing or invalid image file"))
        preferred = str(self.given(request).get("is_preferred")) == "true"
        clip.shown["thumbnail"] = {"size": file.size, "is_preferred": preferred}
        self.change(post, given={**post.given, "thumbnail": file.size})
        return self.yes()

    def invite(self, request: Request) -> Response:
        """``POST /{video}/collaborators``."""
        _, post = self.own_video(request)
        target = str(self.given(request).get("target_id") or "")
        if not target.isdigit():
            raise Answer(self.graph_error(100, "(#100) target_id is required"))
        invited = [*post.given.get("collaborators", ()), target]
        self.change(post, given={**post.given, "collaborators": invited})
        return self.yes()
