"""Publishing on a Facebook Page: posts, photos, stories, comments, what is scheduled, edits, deletions, batches.

Facts: Meta's Pages API, Stories API and Graph API v26.0 of 2026; error codes as its own pages and published clients
list them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import attrs

from ._graph_batch import answer_batch, batched
from .core import Allowance, Answer, Entry, Window, body
from .facebook_videos import Videos
from .facebook_views import VERSION, WEB, Clip, FacebookPost, Photo, parsed, words_in

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox
    from .sign_in import Grant

__all__ = ["Posts"]

Json = dict[str, Any]
PHOTO_BYTES = 10_000_000
TEXT = 63_206
_LEAST, _MOST = timedelta(minutes=10), timedelta(days=30)
_DAY = timedelta(days=1)
_TYPES = ("image/jpeg", "image/png", "image/gif")
_MAGICS = (b"BM", b"II*\0", b"MM\0*")
_POST_FIELDS = "id,created_time,message"
_PUBLISH, _ENGAGE, _READ = "pages_manage_posts", "pages_manage_engagement", "pages_read_engagement"
_REFUSED_QUERY = frozenset({"ids", "pretty", "debug", "date_format"})
_PATH = rf"/{VERSION}/(?:me|[0-9]+)"


class Posts(Videos):
    """The part of the box that publishes. ``engaged_users`` sets how much a Page may ask for in a day, ``daily_users``
    how much an app may with the tokens of people in an hour."""

    publish_match = f"POST {_PATH}/feed"
    upload_match = f"POST {_PATH}/(?:photos|videos|video_reels|video_stories)"
    ignores_trailing_slash = True
    engaged_users: int = 100
    daily_users: int = 100

    def __init__(self, box: Sandbox) -> None:
        self._windows: Sequence[Window] | None = None
        super().__init__(box)
        self._made = 0

    @property
    def windows(self) -> Sequence[Window]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """4,800 requests a day for each engaged person, 200 an hour for each of the app's; 30 reels and 10 invitations
        a day. May be set."""
        if self._windows is not None:
            return self._windows
        day = _DAY.total_seconds()
        return (
            Window(
                "pages", 4800 * self.engaged_users, day, f"* /{VERSION}(?:/.*)?", per="page", aligned=False
            ),
            Window("app", 200 * self.daily_users, 3600.0, f"* /{VERSION}(?:/.*)?", per="app", aligned=False),
            Window("reels", 30, day, f"POST {_PATH}/video_reels", per="page", aligned=False),
            Window("invitations", 10, day, f"POST {_PATH}/collaborators", per="page", aligned=False),
        )

    @windows.setter
    def windows(self, windows: Sequence[Window]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._windows = windows

    def limit_key(self, window: Window, request: Request) -> str | None:
        """The Page's with its own token, else the app's; signing in spends neither."""
        grant = self.grant_of(self.token_of(request))
        page = grant.details.get("page") if grant is not None else None
        if window.per == "app":
            return grant.client_id if grant is not None and page is None else None
        return str(page.id) if page is not None else None

    def limit_cost(self, window: Window, request: Request) -> int:
        """Each request of a batch counts; the start of a reel is no reel yet."""
        if window.name == "reels":
            return int(str(self.given(request).get("upload_phase") or "").lower() == "finish")
        if request.url.path.rstrip("/") == f"/{VERSION}":
            return max(1, len(batched(self, request)))
        return 1

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        """Per cent of the allowance, and how many minutes it lasts when that is all."""
        whole = max(1, allowance.window.limit)
        used = 100 if not allowance.allowed else 100 * (whole - allowance.remaining) // whole
        left = (allowance.reset - self.now()).total_seconds()
        rest = max(1, math.ceil(left / 60)) if used >= 100 else 0
        if allowance.window.per == "app":
            return {"x-app-usage": json.dumps({"call_count": used, "total_cputime": 0, "total_time": 0})}
        told = {"type": "pages", "call_count": used, "total_cputime": 0, "total_time": 0}
        told["estimated_time_to_regain_access"] = rest
        return {"x-business-use-case-usage": json.dumps({"245628824887810": [told]})}

    def too_many(self, allowance: Allowance) -> Response:
        """Code 32 for the Page's requests, 4 for the app's, 613 for all other budgets."""
        if allowance.window.name == "app":
            return self.graph_error(4, "(#4) Application request limit reached", status=403)
        if allowance.window.name in ("reels", "invitations"):
            return self.graph_error(613, "(#613) Calls to this api have exceeded the rate limit.")
        return self.graph_error(32, "(#32) Page request limit reached")

    # routes ----------------------------------------------------------------------------------------

    def page_routes(self) -> list[BaseRoute]:
        """Everything a Page's token is good for, the more special paths first."""
        table = (
            ("GET", "", self.no_root),
            ("POST", "", self.batch),
            ("POST", "/{id}/feed", self.create_post),
            ("POST", "/{id}/photos", self.create_photo),
            ("POST", "/{id}/photo_stories", self.create_photo_story),
            ("POST", "/{id}/videos", self.videos),
            ("POST", "/{id}/video_reels", self.reels),
            ("POST", "/{id}/video_stories", self.reels),
            ("POST", "/{id}/comments", self.create_comment),
            ("POST", "/{id}/captions", self.add_captions),
            ("POST", "/{id}/thumbnails", self.add_thumbnail),
            ("POST", "/{id}/collaborators", self.invite),
            ("GET", "/{id}/published_posts", self.list_posts),
            ("GET", "/{id}/feed", self.list_posts),
            ("GET", "/{id}/posts", self.list_posts),
            ("GET", "/{id}/scheduled_posts", self.list_scheduled),
            ("GET", "/{id}/video_reels", self.list_reels),
            ("GET", "/{id}/stories", self.list_stories),
            ("GET", "/{id}/comments", self.list_comments),
            ("GET", "/{id}/insights", self.show_insights),
            ("GET", "/{id}/video_insights", self.show_insights),
            ("POST", "/{id}", self.edit),
            ("DELETE", "/{id}", self.delete),
            ("GET", "/{id}/{edge}", self.no_edge),
            ("POST", "/{id}/{edge}", self.no_edge),
        )
        routes = [self.route(method, f"/{VERSION}{path}", handler) for method, path, handler in table]
        stream = f"/video-upload/{VERSION}/{{id}}"
        return [self.route("POST", stream, self.stream), *routes]

    def no_root(self, request: Request) -> Response:
        """``GET /``: reading several things by ``ids`` ended in October 2026."""
        self.grant(request)
        self._refuse_query(request)
        raise Answer(self.graph_error(2500, "Unknown path components: /"))

    def no_edge(self, request: Request) -> Response:
        """An edge of nothing that is here: 33 where the thing is not there, else 2500."""
        wanted, edge = (str(request.path_params[name]) for name in ("id", "edge"))
        if self.thing(wanted, (), self.grant(request)) is None and wanted not in ("me", *self._pages()):
            raise self.gone(wanted, request.method.lower())
        raise Answer(self.graph_error(2500, f"Unknown path components: /{edge}"))

    def _pages(self) -> list[str]:
        return [page.id for person in self.people.values() for page in person.pages]

    # who asks --------------------------------------------------------------------------------------

    def on_page(self, request: Request, *scopes: str) -> str:
        grant = self.grant(request, *scopes)
        page, wanted = grant.details.get("page"), str(request.path_params["id"])
        if page is None and request.url.path.endswith("/videos"):
            raise Answer(self.graph_error(100, "(#100) No permission to publish the video"))
        if page is None:
            words = "(#200) This needs the Page's own token, or the task CREATE_CONTENT on the Page"
            raise Answer(self.graph_error(200, words, status=403))
        if wanted not in ("me", page.id):
            raise self.gone(wanted, request.method.lower())
        return str(page.id)

    def own_page(self, grant: Grant) -> str:
        page = grant.details.get("page")
        return str(page.id) if page is not None else ""

    def number(self) -> str:
        self._made += 1
        moment = int(self.now().timestamp() * 1000)
        return f"1{moment}{self._made % 1000:03}"

    def new_id(self) -> str:
        return f"{self.identity_of('brand')}_{self.number()}"

    def page_token_of(self, username: str = "brand", *scopes: str) -> str:
        """The token of that person's first Page, with all permissions or those named."""
        from .sign_in import Grant

        name = f"ready {username} {' '.join(scopes)}"
        if name not in self._ready:
            granted = frozenset(scopes) or self.known_scopes
            grant = Grant(username, granted, "", self.serial("family")[:16])
            page = self.people[username].pages[0]
            self._ready[name] = self.mint(grant, "page", math.inf, page=page)
        return self._ready[name]

    @property
    def _ready(self) -> dict[str, str]:
        held: dict[str, str] = self.__dict__.setdefault("_ready_tokens", {})
        return held

    # posts -----------------------------------------------------------------------------------------

    def create_post(self, request: Request) -> Response:
        """``POST /{page}/feed``: a text, a link, photos that were staged before; scheduled where it says so."""
        page, given = self.on_page(request, _PUBLISH), self.given(request)
        photos = [self._staged(one, page) for one in self._attached(given)]
        message, link = str(given.get("message") or ""), str(given.get("link") or "")
        if not (message.strip() or link or photos):
            raise Answer(self.graph_error(100, "(#100) Missing message or attachment"))
        self._check_words(message, link, given)
        due = self.due_of(given, _MOST)
        if not photos and not self.is_dark(given):
            self._check_duplicate(page, message, link)
        post = self._new_post(page, message, due, given, [photo.shown for photo in photos], link=link)
        for photo in photos:
            photo.post = post.id
        return self._answer(request, post)

    def _answer(self, request: Request, post: FacebookPost) -> Response:
        """The new thing's id, and what else of it the request asked for."""
        from starlette.responses import JSONResponse

        view = self.comment_node if post.kind == "comment" else None
        asks = parsed(str(request.query_params.get("fields") or "id"))
        told = view(post, asks) if view else self.post_node(post, asks, self.grant(request))
        return JSONResponse(told)

    def _attached(self, given: Json) -> list[str]:
        """The photo ids of ``attached_media``, as a list or field by field."""
        held = given.get("attached_media")
        items = [value for name, value in given.items() if str(name).startswith("attached_media[")]
        try:
            listed = json.loads(str(held)) if held else [json.loads(str(one)) for one in items]
            return [str(one["media_fbid"]) for one in listed]
        except (ValueError, TypeError, KeyError):
            raise Answer(self.graph_error(100, "(#100) param attached_media must be an array")) from None

    def _staged(self, photo_id: str, page: str) -> Photo:
        photo = self.photos.get(photo_id)
        if photo is None or photo.page != page:
            words = f"(#100) The photo {photo_id} does not exist or was not uploaded by this Page"
            raise Answer(self.graph_error(100, words))
        if photo.post:
            words = "These photos were already posted"
            raise Answer(self.graph_error(100, words, subcode=1366051))
        return photo

    def _check_words(self, message: str, link: str, given: Json) -> None:
        if len(message) > TEXT:
            raise Answer(self.graph_error(100, f"(#100) message is longer than {TEXT} characters"))
        if link and urlsplit(link).scheme not in ("http", "https"):
            raise Answer(self.graph_error(1500, "(#1500) The url you supplied is invalid"))
        if f".{urlsplit(link).hostname or ''}".endswith(".facebook.com"):
            words = "(#100) You cannot link to facebook.com"
            raise Answer(self.graph_error(100, words, subcode=1609008))
        self._check_cards(given, link)
        if given.get("tags") and not given.get("place"):
            raise Answer(self.graph_error(100, "(#100) tags need a place"))

    def _check_cards(self, given: Json, link: str) -> None:
        """A carousel of links: each card has one, and so has the post."""
        if not given.get("child_attachments"):
            return
        try:
            cards = json.loads(str(given["child_attachments"]))
            whole = bool(cards) and all(urlsplit(one["link"]).scheme in ("http", "https") for one in cards)
        except (ValueError, TypeError, KeyError):
            whole = False
        if not whole or not link:
            raise Answer(self.graph_error(100, "(#100) child_attachments must be cards with a link each"))

    def _check_duplicate(self, page: str, message: str, link: str) -> None:
        """506 for the text the Page has posted just before."""
        for entry in reversed(self.entries.values()):
            post = cast(FacebookPost, entry)
            if post.page != page or post.kind not in ("post", "photo") or post.deleted_at is not None:
                continue
            if not post.media and post.text == message and post.link == link and message:
                raise Answer(self.graph_error(506, "(#506) Duplicate status message"))
            return

    def due_of(self, given: Json, most: timedelta) -> datetime | None:
        told = given.get("scheduled_publish_time")
        if told in (None, ""):
            return None
        if not self.is_dark(given):
            words = "(#100) You cannot specify a scheduled publish time on a published post"
            raise Answer(self.graph_error(100, words))
        due = datetime.fromtimestamp(self.seconds(told) or 0.0, self.now().tzinfo)
        if not _LEAST <= due - self.now() <= most:
            words = "(#100) The specified scheduled publish time is invalid."
            raise Answer(self.graph_error(100, words))
        return due

    def _new_post(
        self,
        page: str,
        message: str,
        due: datetime | None,
        given: Json,
        media: list[Json],
        link: str = "",
    ) -> FacebookPost:
        number = self.number()
        post = FacebookPost(
            id=f"{page}_{number}",
            account=self.username_of(page),
            text=message,
            created_at=self.now(),
            media=media,
            url=f"{WEB}/{page}/posts/{number}",
            page=page,
            link=link,
            due=due,
            given=self.kept(given),
        )
        if due is not None or self.is_dark(given):
            self.scheduled[post.id] = post
            return post
        return cast(FacebookPost, self.add(post))

    # photos ----------------------------------------------------------------------------------------

    def create_photo(self, request: Request) -> Response:
        """``POST /{page}/photos``: published it is a post of its own (``post_id``), else it waits for one."""
        from starlette.responses import JSONResponse

        page, given = self.on_page(request, _PUBLISH), self.given(request)
        self.drop_photos()
        photo, due = self._photo(request, given, page), self.due_of(given, _MOST)
        if self.is_dark(given) and due is None:
            self.photos[photo.id] = photo
            return JSONResponse({"id": photo.id})
        message = str(given.get("caption") or given.get("message") or "")
        self._check_words(message, "", given)
        self.photos[photo.id] = photo
        post = self._new_post(page, message, due, given, [photo.shown])
        post.kind, photo.post = "photo", post.id
        if due is not None:
            return JSONResponse({"id": photo.id})
        return JSONResponse({"id": photo.id, "post_id": post.id})

    def _photo(self, request: Request, given: Json, page: str) -> Photo:
        file = body(request).files.get("source")
        if file is None and given.get("url"):
            file = self.box.files.fetch(str(given["url"]))
        if file is None:
            raise Answer(self.graph_error(324, "(#324) Missing or invalid image file"))
        kind = file.kind
        mime = kind.mime or ("image/bmp" if file.head.startswith(_MAGICS) else "")
        if file.size > PHOTO_BYTES or not (mime in _TYPES or mime == "image/bmp"):
            words = "Photos should be less than 4 MB and saved as JPG or PNG"
            raise Answer(self.graph_error(100, words, subcode=1366046))
        shown: Json = {
            "id": self.number(),
            "mime": mime,
            "size": file.size,
            "alt": str(given.get("alt_text_custom") or ""),
            "data": file.data,
            "width": kind.width,
            "height": kind.height,
        }
        self.media[shown["id"]] = shown
        return Photo(str(shown["id"]), page, self.now(), shown, temporary=given.get("temporary") == "true")

    def drop_photos(self) -> None:
        """Forget photos that no post has had for a day."""
        for photo in list(self.photos.values()):
            if not photo.post and self.now() - photo.made_at >= _DAY:
                del self.photos[photo.id]

    def create_photo_story(self, request: Request) -> Response:
        """``POST /{page}/photo_stories``."""
        page, given = self.on_page(request, _PUBLISH), self.given(request)
        photo = self._staged(str(given.get("photo_id") or ""), page)
        story = FacebookPost(
            id=self.number(),
            account=self.username_of(page),
            text="",
            created_at=self.now(),
            media=[photo.shown],
            kind="story",
            page=page,
            given={"photo": photo.id},
        )
        story.url = self.story_url(story)
        photo.post = story.id
        self.add(story)
        return self.yes(post_id=story.id)

    # comments --------------------------------------------------------------------------------------

    def create_comment(self, request: Request) -> Response:
        """``POST /{post or comment}/comments``: a text, a photo that was staged, or both."""
        grant, given = self.grant(request, _ENGAGE), self.given(request)
        page, wanted = self.own_page(grant), str(request.path_params["id"])
        parent = self._commentable(wanted)
        message = str(given.get("message") or "")
        staged = given.get("attachment_id")
        photo = self._staged(str(staged), page) if staged else None
        if not message.strip() and photo is None:
            raise Answer(self.graph_error(100, "(#100) Missing message or attachment"))
        root = parent.id.rpartition("_")[2] if parent.kind != "comment" else parent.id.partition("_")[0]
        comment_id = f"{root}_{self.number()}"
        comment = FacebookPost(
            id=comment_id,
            account=self.username_of(page),
            text=message,
            created_at=self.now(),
            media=[photo.shown] if photo else [],
            reply_to=parent.id,
            url=f"{WEB}/{parent.page}/posts/{root}?comment_id={comment_id.rpartition('_')[2]}",
            kind="comment",
            page=page,
        )
        if photo is not None:
            photo.post = comment.id
        self.add(comment)
        return self._answer(request, comment)

    def _commentable(self, wanted: str) -> FacebookPost:
        """A live post, video or comment; a video only once it is processed."""
        entry = self.find(wanted) or self._by_post(wanted)
        clip = self.clips.get(wanted)
        waiting = clip is not None and not self.is_ready(clip)
        post = cast("FacebookPost | None", entry)
        below = post is not None and post.kind == "comment" and self.is_comment(post.reply_to or "")
        if post is None or post.kind == "story" or waiting or below:  # comments have two levels
            raise self.gone(wanted, "post")
        return post

    def _by_post(self, wanted: str) -> FacebookPost | None:
        """The video whose post has that id."""
        posts = cast("list[FacebookPost]", list(self.entries.values()))
        return next(
            (one for one in posts if one.post and one.post == wanted and one.deleted_at is None), None
        )

    # lists -----------------------------------------------------------------------------------------

    def list_posts(self, request: Request) -> Response:
        """``GET /{page}/published_posts``, newest first; reels and stories are not among them."""
        page, grant = self.on_page(request, _READ), self.grant(request)
        posts = [one for one in self._of(page) if one.kind in ("post", "photo", "video")]
        asks = self.asked(request, _POST_FIELDS)
        wanted = self.between(request, posts)
        return self.listing(request, wanted, lambda one: self.post_node(one, asks, grant), lambda one: one.id)

    def list_scheduled(self, request: Request) -> Response:
        """``GET /{page}/scheduled_posts``."""
        page, grant = self.on_page(request, _READ), self.grant(request)
        held = [one for one in reversed(self.scheduled.values()) if one.page == page and one.due is not None]
        posts = [one for one in held if one.kind != "reel"]
        asks = self.asked(request, _POST_FIELDS)
        return self.listing(request, posts, lambda one: self.post_node(one, asks, grant), lambda one: one.id)

    def list_reels(self, request: Request) -> Response:
        """``GET /{page}/video_reels``."""
        page, grant = self.on_page(request, _READ), self.grant(request)
        reels = self.between(request, [one for one in self._of(page) if one.kind == "reel"])
        asks = self.asked(request, "id,description")
        clips = [self.clips[one.id] for one in reels]
        return self.listing(request, clips, lambda one: self.video_node(one, asks, grant), lambda one: one.id)

    def list_stories(self, request: Request) -> Response:
        """``GET /{page}/stories``."""
        page, grant = self.on_page(request, _READ), self.grant(request)
        kept = [one for one in self._of(page) if one.kind == "story" and self.story_archive]
        stories = self.between(request, kept)
        asks = self.asked(request, "post_id,status,creation_time,media_type,media_id,url")
        told = [self.story_node(one, asks, grant) for one in stories]
        wanted = str(self.given(request).get("status") or "").upper().strip('[]"')
        fitting = [one for one in told if not wanted or one.get("status") == wanted]
        return self.listing(request, fitting, lambda one: one, lambda one: str(one["post_id"]))

    def list_comments(self, request: Request) -> Response:
        """``GET /{post or comment}/comments``, oldest first unless it says otherwise."""
        self.grant(request, _READ)
        wanted = str(request.path_params["id"])
        entry = self.find(wanted) or self._by_post(wanted)
        if entry is None:
            raise self.gone(wanted)
        comments = self.comments_of(entry.id)
        if str(self.given(request).get("filter")) == "stream":
            comments = [*(one for top in comments for one in self.comments_of(top.id)), *comments]
            comments.sort(key=lambda one: one.created_at, reverse=True)
        if str(self.given(request).get("order") or "chronological") == "chronological":
            comments = comments[::-1]
        asks = self.asked(request, "id,message,from,created_time")
        return self.listing(request, comments, lambda one: self.comment_node(one, asks), lambda one: one.id)

    def _of(self, page: str) -> list[FacebookPost]:
        return [one for one in cast("list[FacebookPost]", self.listed()) if one.page == page]

    def show_insights(self, request: Request) -> Response:
        """``GET /{id}/insights``: of the Page, of a post or story; ``/video_insights`` of a video."""
        from starlette.responses import JSONResponse

        wanted = str(request.path_params["id"])
        grant = self.grant(request)
        if wanted in ("me", self.own_page(grant)):
            return self.page_insights(request)
        metrics = words_in(self.given(request).get("metric"))
        edge = request.url.path.rpartition("/")[2]
        arguments = f".metric({','.join(metrics)})" if metrics else ""
        told = self.thing(wanted, parsed(f"{edge}{arguments}"), grant)
        return JSONResponse((told or {}).get(edge) or {"data": []})

    def thing(self, wanted: str, asks: Any, grant: Grant) -> Json | None:
        """The node of anything that was published or uploaded; None when there is no such thing."""
        page = self.own_page(grant)
        clip = self.clips.get(wanted)
        if clip is not None and clip.page == page and (clip.finished_at is None or self._is_there(clip)):
            return self.video_node(clip, asks, grant)
        photo = self.photos.get(wanted)
        if photo is not None and photo.page == page:
            return self.photo_node(photo, asks)
        post = self.find(wanted) or self.scheduled.get(wanted) or self._by_post(wanted)
        if post is None:
            return None
        found = cast(FacebookPost, post)
        if found.kind == "comment":
            return self.comment_node(found, asks)
        if found.page != page:
            return None
        return (
            self.story_node(found, asks, grant)
            if found.kind == "story"
            else self.post_node(found, asks, grant)
        )

    def _is_there(self, clip: Clip) -> bool:
        """A finished video goes with its post, unless it failed: then its status tells why."""
        post = self.post_of(clip)
        return bool(clip.failure) or (post is not None and post.deleted_at is None)

    # edits and deletions ---------------------------------------------------------------------------

    def edit(self, request: Request) -> Response:
        """``POST /{id}``: words and place; of what is scheduled the moment, too, or that it is published now."""
        wanted, given = str(request.path_params["id"]), self.given(request)
        self._refuse_query(request)
        entry = self.find(wanted) or self.scheduled.get(wanted)
        if entry is None:
            raise self.gone(wanted, "post")
        post = cast(FacebookPost, entry)
        grant = self.grant(request, _ENGAGE if post.kind == "comment" else _PUBLISH)
        if post.kind == "story" or post.page != self.own_page(grant):
            raise self.gone(wanted, "post")
        if given.get("attached_media") and post.id not in self.scheduled:
            raise Answer(self.graph_error(100, "(#100) The media of a published post cannot be changed"))
        if post.id in self.scheduled:
            self._reschedule(post, given)
        self._change_words(post, given)
        return self.yes()

    def _reschedule(self, post: FacebookPost, given: Json) -> None:
        if given.get("scheduled_publish_time"):
            post.due = self.due_of({**given, "published": "false"}, _MOST)
            if (clip := self.clips.get(post.id)) is not None:
                clip.due = post.due
        if str(given.get("is_published") or given.get("published") or "").lower() == "true":
            post.due = self.now()
            self.publish_due(post)

    def _change_words(self, post: FacebookPost, given: Json) -> None:
        fields: Json = {}
        name = "description" if post.kind in ("video", "reel") else "message"
        if name in given:
            fields["text"] = str(given[name])
        if post.kind in ("video", "reel") and "name" in given:
            fields["title"] = str(given["name"])
        more = {key: given[key] for key in ("place", "tags", "is_hidden") if key in given}
        fields["given"] = {**post.given, **more}
        if post.id in self.scheduled:
            for key, value in fields.items():
                setattr(post, key, value)
            return
        self.change(post, edited_at=self.now(), **fields)

    def delete(self, request: Request) -> Response:
        """``DELETE /{id}``: a post, video, reel, story, comment, photo, or what is scheduled."""
        wanted = str(request.path_params["id"])
        page = self.own_page(self.grant(request, _PUBLISH))
        entry = self.scheduled.get(wanted) or self.find(wanted) or self._by_post(wanted)
        post, photo = cast("FacebookPost | None", entry), self.photos.get(wanted)
        if post is not None and post.page == page:
            if self.scheduled.pop(post.id, None) is None:
                self.remove(post)
            self.clips.pop(post.id, None)
            return self.yes()
        if photo is not None and photo.page == page:
            del self.photos[wanted]
            return self.yes()
        raise self.gone(wanted, "delete")

    def tick(self) -> None:
        """What is due is published; what could not be processed is gone."""
        super().tick()
        self.tick_videos()
        for post in list(self.scheduled.values()):
            if post.due is not None and post.due <= self.now():
                self.publish_due(post)

    def publish_due(self, post: FacebookPost) -> None:
        """A scheduled post becomes a live one under the id it has."""
        if self.scheduled.pop(post.id, None) is None:
            return
        post.created_at, post.due = post.due or self.now(), None
        clip = self.clips.get(post.id)
        if clip is not None:
            clip.due = None
        held, self.turn = self.turn, None
        try:
            self.add(post)
        finally:
            self.turn = held

    def twin_of(self, entry: Entry) -> Entry:
        twin = cast(FacebookPost, super().twin_of(entry))
        if twin.kind == "comment":
            twin.id = f"{entry.id.partition('_')[0]}_{self.number()}"
        twin.url, twin.given = f"{WEB}/{twin.page}/posts/{twin.id.rpartition('_')[2]}", dict(twin.given)
        twin.media = [{**one, "id": self.number()} for one in twin.media]
        return attrs.evolve(twin)

    # batches ---------------------------------------------------------------------------------------

    def batch(self, request: Request) -> Response:
        """``POST /``: up to 50 requests in one."""
        self.grant(request)
        return answer_batch(self, request, VERSION)

    def _refuse_query(self, request: Request) -> None:
        """What the Graph API took out in October 2026."""
        if given := _REFUSED_QUERY & set(request.query_params):
            raise Answer(self.graph_error(100, f"(#100) {sorted(given)[0]} is not supported"))

    # the page --------------------------------------------------------------------------------------

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        grown = self._grown(cast(FacebookPost, entry))
        return {"reactions": grown["reactions"], "comments": grown["comments"], "shares": grown["shares"]}

    def shown_notes(self, entry: Entry) -> list[str]:
        post = cast(FacebookPost, entry)
        notes = [post.kind] if post.kind != "post" else []
        return notes + [
            f"{name}: {post.given[name]}" for name in ("place", "targeting") if post.given.get(name)
        ]

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        link = cast(FacebookPost, entry).link
        return (link, link, "") if link else None

    def display_name(self, account: str) -> str:
        return str(self.people[account].pages[0].name) if account in self.people else account
