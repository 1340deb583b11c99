"""What Facebook shows: nodes with the fields asked for, edges inside them, lists with cursors, the numbers of insights.

Facts: Meta's Graph API v26.0, its field expansion and paging, November 2026.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import attrs

from .core import Answer, Entry
from .meta_auth import MetaSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .core import Sandbox
    from .sign_in import Grant

__all__ = [
    "VERSION",
    "Ask",
    "Clip",
    "FacebookPost",
    "Fields",
    "Photo",
    "Views",
    "parsed",
    "stamp",
    "words_in",
]

Json = dict[str, Any]
VERSION = "v26.0"
WEB = "https://www.facebook.com"
POST_METRICS = frozenset(
    [
        "post_media_view",
        "post_total_media_view_unique",
        "post_clicks",
        "post_clicks_by_type",
        "post_video_views",
        "post_reactions_by_type_total",
        "post_reactions_like_total",
        "post_video_view_time",
        "post_video_avg_time_watched",
    ]
)
STORY_METRICS = frozenset(
    [
        "STORY_MEDIA_VIEW",
        "STORY_TOTAL_MEDIA_VIEW_UNIQUE",
        "STORY_INTERACTION",
        "PAGES_FB_STORY_REPLIES",
        "PAGES_FB_STORY_SHARES",
        "PAGES_FB_STORY_STICKER_INTERACTIONS",
        "PAGES_FB_STORY_THREAD_LIGHTWEIGHT_REACTIONS",
    ]
)
VIDEO_METRICS = (
    "blue_reels_play_count",
    "post_impressions_unique",
    "post_video_avg_time_watched",
    "post_video_view_time",
    "post_video_social_actions",
    "post_video_likes_by_reaction_type",
)
PAGE_METRICS = frozenset(
    [
        "page_media_view",
        "page_total_media_view_unique",
        "page_follows",
        "page_daily_follows",
        "page_daily_follows_unique",
        "page_post_engagements",
        "page_views_total",
        "page_video_views",
        "page_total_actions",
    ]
)
_PERIODS = frozenset({"day", "week", "days_28", "month", "lifetime", "total_over_range"})
_DAY = timedelta(days=1)


@attrs.define(eq=False)
class Photo:
    """An uploaded photo; ``post`` is the id of the post that has it."""

    id: str
    page: str
    made_at: datetime
    shown: Json
    post: str = ""
    temporary: bool = False


@attrs.define(eq=False)
class Clip:
    """A video from its start: how much of it arrived, whether it was finished, when it is ready."""

    id: str
    page: str
    edge: str
    session: str
    made_at: datetime
    total: int = 0
    arrived: int = 0
    head: bytes = attrs.field(default=b"", repr=False)
    tail: bytes = attrs.field(default=b"", repr=False)
    finished_at: datetime | None = None
    ready_at: datetime | None = None
    failure: str = ""
    due: datetime | None = None
    post: str = ""
    shown: Json = attrs.field(factory=dict)


@attrs.define(eq=False)
class FacebookPost(Entry):
    """A post, video, reel, story or comment of a Page; ``due`` set means that it is scheduled."""

    kind: str = "post"
    page: str = ""
    link: str = ""
    due: datetime | None = None
    post: str = ""
    given: Json = attrs.field(factory=dict)


@attrs.frozen
class Ask:
    """One field asked for: its name, what stands in its brackets by word, the fields inside it."""

    name: str
    args: Mapping[str, str] = attrs.field(factory=dict)
    inner: tuple[Ask, ...] = ()


_TOKEN = re.compile(r"[^,.(){}]+|[,.(){}]")


def parsed(fields: str) -> tuple[Ask, ...]:
    """What ``fields=`` asks for.

    >>> [(one.name, dict(one.args)) for one in parsed("id,comments.limit(0).summary(true){id}")]
    [('id', {}), ('comments', {'limit': '0', 'summary': 'true'})]
    """
    tokens = _TOKEN.findall(fields)
    asks, rest = _asks(tokens)
    if rest:
        raise ValueError(fields)
    return asks


def _asks(tokens: Sequence[str]) -> tuple[tuple[Ask, ...], Sequence[str]]:
    asks: list[Ask] = []
    while tokens and tokens[0] != "}":
        if tokens[0] == ",":
            tokens = tokens[1:]
            continue
        name, tokens = tokens[0], tokens[1:]
        args: dict[str, str] = {}
        while tokens and tokens[0] == ".":
            end = tokens.index(")")
            args[tokens[1]], tokens = "".join(tokens[3:end]), tokens[end + 1 :]
        inner: tuple[Ask, ...] = ()
        if tokens and tokens[0] == "{":
            inner, tokens = _asks(tokens[1:])
            tokens = tokens[1:]
        asks.append(Ask(name, args, inner))
    return tuple(asks), tokens


def stamp(moment: datetime) -> str:
    """A moment as the Graph API writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


Fields = Mapping[str, Callable[[Ask], Any]]


class Views(MetaSignIn):
    """The part of the box that shows things. ``post_metrics`` are those it knows; tests take some away."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.photos: dict[str, Photo] = {}
        self.clips: dict[str, Clip] = {}
        self.scheduled: dict[str, FacebookPost] = {}
        self.post_metrics: set[str] = set(POST_METRICS)
        self.insights_delay = timedelta(0)
        """How old a post must be to have insights."""
        self.story_archive = True
        """Whether the Pages keep their stories; without that none is listed."""

    def graph_error(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        status: int = 400,
        error_data: Json | None = None,
    ) -> Response:
        """An error in the Graph API's shape; ``error_data`` is what an upload wants instead."""
        from starlette.responses import JSONResponse

        made = super().graph_error(code, message, subcode=subcode, status=status)
        if error_data is None:
            return made
        told = json.loads(bytes(made.body))
        told["error"]["error_data"] = error_data
        return JSONResponse(told, status)

    # what is asked ---------------------------------------------------------------------------------

    def asked(self, request: Request, default: str) -> tuple[Ask, ...]:
        """The fields a request asks for; 2500 when they cannot be read."""
        given = str(self.given(request).get("fields") or default)
        try:
            return parsed(given)
        except (ValueError, IndexError):
            raise Answer(self.graph_error(2500, f"Syntax error in fields: {given[:80]}")) from None

    def shown(self, known: Fields, asks: Iterable[Ask]) -> Json:
        """The fields asked for, without those that are not there; 100 for one that cannot be asked for."""
        told: Json = {}
        for ask in asks:
            if ask.name not in known:
                words = f"(#100) Tried accessing nonexisting field ({ask.name})"
                raise Answer(self.graph_error(100, words))
            told[ask.name] = known[ask.name](ask)
        told["id" if "id" in known else "post_id"] = known["id" if "id" in known else "post_id"](Ask("id"))
        return {name: value for name, value in told.items() if value is not None}

    def gone(self, wanted: str, method: str = "get") -> Answer:
        """What is said of what is not there: 400, with subcode 33."""
        words = (
            f"Unsupported {method} request. Object with ID '{wanted}' does not exist, cannot be loaded due to "
            "missing permissions, or does not support this operation"
        )
        return Answer(self.graph_error(100, words, subcode=33))

    # lists -----------------------------------------------------------------------------------------

    def listing(
        self, request: Request, entries: Sequence[Any], view: Callable[[Any], Json], key: Callable[[Any], str]
    ) -> Response:
        """A page of a list: ``limit`` entries after the cursor, and where it goes on."""
        from starlette.responses import JSONResponse

        query = self.given(request)
        limit = str(query.get("limit") or "25")
        if not limit.isdigit():
            raise Answer(self.graph_error(100, "(#100) limit must be a number"))
        keys = [key(entry) for entry in entries]
        start = self._after(query.get("after"), keys)
        page = entries[start : start + min(int(limit), 100)]
        paging: Json = {}
        if page:
            paging["cursors"] = {"before": _cursor(key(page[0])), "after": _cursor(key(page[-1]))}
        if start + len(page) < len(entries) and page:
            following = {**dict(request.query_params), "after": paging["cursors"]["after"]}
            paging["next"] = f"{self.base}{request.url.path}?{urlencode(following)}"
        return JSONResponse({"data": [view(entry) for entry in page], **({"paging": paging} if page else {})})

    def _after(self, cursor: Any, keys: Sequence[str]) -> int:
        if not cursor:
            return 0
        try:
            return keys.index(base64.urlsafe_b64decode(str(cursor)).decode()) + 1
        except (ValueError, binascii.Error):
            raise Answer(self.graph_error(100, "(#100) The cursor is not valid")) from None

    def between(self, request: Request, posts: Iterable[FacebookPost]) -> list[FacebookPost]:
        """Those made from ``since`` until ``until``."""
        query = self.given(request)
        low, high = (self.seconds(query.get(name)) for name in ("since", "until"))
        return [
            post
            for post in posts
            if (low is None or post.created_at.timestamp() >= low)
            and (high is None or post.created_at.timestamp() <= high)
        ]

    def seconds(self, given: Any) -> float | None:
        """A moment of a request: seconds since 1970, or ISO 8601; 100 for anything else."""
        if given in (None, ""):
            return None
        try:
            return float(given)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(str(given)).timestamp()
        except ValueError:
            raise Answer(self.graph_error(100, f"(#100) {given!r} is no time")) from None

    # nodes -----------------------------------------------------------------------------------------

    def post_node(self, post: FacebookPost, asks: Iterable[Ask], grant: Grant) -> Json:
        """A post of the feed, as its fields are asked for."""
        known: dict[str, Callable[[Ask], Any]] = {
            "id": lambda _: post.post or post.id,
            "message": lambda _: post.text or None,
            "created_time": lambda _: stamp(post.created_at),
            "updated_time": lambda _: stamp(post.edited_at or post.created_at),
            "permalink_url": lambda _: post.url or None,
            "is_published": lambda _: post.id not in self.scheduled,
            "is_hidden": lambda _: False,
            "scheduled_publish_time": lambda _: int(post.due.timestamp()) if post.due else None,
            "from": lambda _: {"id": post.page, "name": self.page_name(post.page)},
            "attachments": lambda ask: self._attachments(post, ask),
            "targeting": lambda _: post.given.get("targeting"),
            "feed_targeting": lambda _: post.given.get("feed_targeting"),
            "place": lambda _: {"id": post.given["place"]} if post.given.get("place") else None,
            "status_type": lambda _: "added_photos" if post.media else "mobile_status_update",
            "shares": lambda _: self._shares(post),
            "comments": lambda ask: self._summary(self.comment_count(post), ask),
            "reactions": lambda ask: self._summary(self._grown(post)["reactions"], ask),
            "insights": lambda ask: self._insights(post, ask, grant, self.post_metrics),
        }
        return self.shown(known, asks)

    def comment_node(self, comment: FacebookPost, asks: Iterable[Ask]) -> Json:
        """A comment of a Page."""
        parent = comment.reply_to or ""
        known: dict[str, Callable[[Ask], Any]] = {
            "id": lambda _: comment.id,
            "message": lambda _: comment.text,
            "created_time": lambda _: stamp(comment.created_at),
            "permalink_url": lambda _: comment.url,
            "from": lambda _: {"id": comment.page, "name": self.page_name(comment.page)},
            "like_count": lambda _: self._grown(comment)["reactions"] // 10,
            "comment_count": lambda _: len(self.comments_of(comment.id)),
            "is_hidden": lambda _: bool(comment.given.get("is_hidden")),
            "parent": lambda _: {"id": parent} if self.is_comment(parent) else None,
            "can_hide": lambda _: False,
        }
        return self.shown(known, asks)

    def video_node(self, clip: Clip, asks: Iterable[Ask], grant: Grant) -> Json:
        """A video, uploaded or published."""
        post = self.post_of(clip)
        live = post is not None and post.id not in self.scheduled and self.is_ready(clip)
        page = self.page_username(clip.page)
        where = f"/reel/{clip.id}/" if clip.edge == "video_reels" else f"/{page}/videos/{clip.id}/"
        known: dict[str, Callable[[Ask], Any]] = {
            "id": lambda _: clip.id,
            "title": lambda _: post.title if post else None,
            "description": lambda _: (post.text or None) if post else None,
            "created_time": lambda _: stamp(post.created_at if post else clip.made_at),
            "permalink_url": lambda _: where if live else None,
            "post_id": lambda _: clip.post if live and clip.post else None,
            "published": lambda _: live,
            "scheduled_publish_time": lambda _: stamp(clip.due) if clip.due else None,
            "length": lambda _: clip.shown.get("seconds"),
            "status": lambda _: self.video_status(clip),
            "views": lambda _: self._grown(post)["plays"] if live and post else 0,
            "comments": lambda ask: self._summary(self.comment_count(post), ask) if post else None,
            "likes": lambda ask: self._summary(self._grown(post)["reactions"], ask) if post else None,
            "video_insights": lambda ask: self._video_insights(post, ask, grant) if live and post else None,
        }
        return self.shown(known, asks)

    def photo_node(self, photo: Photo, asks: Iterable[Ask]) -> Json:
        known: dict[str, Callable[[Ask], Any]] = {
            "id": lambda _: photo.id,
            "created_time": lambda _: stamp(photo.made_at),
            "alt_text_custom": lambda _: photo.shown.get("alt") or None,
            "page_story_id": lambda _: photo.post or None,
            "link": lambda _: f"{WEB}/photo.php?fbid={photo.id}",
            "width": lambda _: photo.shown.get("width"),
            "height": lambda _: photo.shown.get("height"),
        }
        return self.shown(known, asks)

    def story_node(self, story: FacebookPost, asks: Iterable[Ask], grant: Grant) -> Json:
        over = self.now() - story.created_at >= _DAY
        known: dict[str, Callable[[Ask], Any]] = {
            "post_id": lambda _: story.id,
            "status": lambda _: "ARCHIVED" if over else "PUBLISHED",
            "creation_time": lambda _: str(int(story.created_at.timestamp())),
            "media_type": lambda _: "video" if story.given.get("video") else "photo",
            "media_id": lambda _: story.given.get("video") or story.given.get("photo"),
            "url": lambda _: story.url,
            "insights": lambda ask: self._insights(story, ask, grant, STORY_METRICS),
        }
        return self.shown(known, asks)

    def video_status(self, clip: Clip) -> Json:
        """The four phases of a video, as far as it has come."""
        up = clip.total > 0 and clip.arrived >= clip.total
        uploading = {
            "status": "complete" if up else "in_progress" if clip.arrived else "not_started",
            "bytes_transfered": clip.arrived,
            "source_file_size": clip.total,
        }
        processing: Json = {"status": "not_started"}
        publishing: Json = {"status": "not_started"}
        whole = "upload_complete" if up else "uploading"
        if clip.finished_at is not None and not self.is_ready(clip):
            whole, processing = "processing", {"status": "in_progress"}
        elif clip.failure:
            whole, processing = "error", {"status": "error", "error": {"message": clip.failure}}
        elif clip.finished_at is not None:
            whole, processing = "ready", {"status": "complete"}
            publishing = {"status": "complete", "publish_status": "published"}
            publishing["publish_time"] = int((clip.ready_at or clip.finished_at).timestamp())
        post = self.post_of(clip)
        if post is not None and post.id in self.scheduled and not clip.failure:
            publishing = {"status": "complete", "publish_status": "scheduled" if clip.due else "draft"}
        copyrights = {"status": "complete" if up else "in_progress", "matches_found": False}
        return {
            "video_status": whole,
            "uploading_phase": uploading,
            "processing_phase": processing,
            "publishing_phase": publishing,
            "copyright_check_status": copyrights,
        }

    def post_of(self, clip: Clip) -> FacebookPost | None:
        """The post of a video: a story has an id of its own, all others go by the video's."""
        post = self.entries.get(clip.id) or self.scheduled.get(clip.id)
        stories = (
            one for one in cast("list[FacebookPost]", list(self.entries.values())) if one.kind == "story"
        )
        found = post or next((one for one in stories if one.given.get("video") == clip.id), None)
        return cast("FacebookPost | None", found)

    def username_of(self, page: str) -> str:
        """Who manages a Page, by its id."""
        return next(name for name, who in self.people.items() for one in who.pages if one.id == page)

    def is_dark(self, given: Json) -> bool:
        """Whether a thing is made that nobody is to see yet."""
        return str(given.get("published", "true")).lower() in ("false", "0")

    def is_ready(self, clip: Clip) -> bool:
        """Whether Facebook has made its versions of the video, or given up."""
        return clip.ready_at is not None and clip.ready_at <= self.now()

    # parts of nodes --------------------------------------------------------------------------------

    def page_name(self, page: str) -> str:
        """The name of a Page by its id."""
        return next((one.name for who in self.people.values() for one in who.pages if one.id == page), "")

    def page_username(self, page: str) -> str:
        return next(
            (one.username for who in self.people.values() for one in who.pages if one.id == page), page
        )

    def comments_of(self, native: str) -> list[FacebookPost]:
        """The comments right below a thing, newest first."""
        return [one for one in cast("list[FacebookPost]", self.listed()) if one.reply_to == native]

    def is_comment(self, native: str) -> bool:
        entry = cast("FacebookPost | None", self.find(native))
        return entry is not None and entry.kind == "comment"

    def comment_count(self, post: FacebookPost) -> int:
        return self._grown(post)["comments"] + len(self.comments_of(post.id))

    def _grown(self, entry: FacebookPost) -> dict[str, int]:
        return self.growth(entry, reactions=240, comments=30, shares=12, views=9000, people=6000, plays=4000)

    def _shares(self, post: FacebookPost) -> Json | None:
        count = self._grown(post)["shares"]
        return {"count": count} if count else None

    def _summary(self, count: int, ask: Ask) -> Json:
        """An edge of which only the number is told."""
        told: Json = {"data": []}
        if "summary" in ask.args:
            told["summary"] = {"total_count": count}
        return told

    def _attachments(self, post: FacebookPost, ask: Ask) -> Json | None:
        """Photos and videos as the feed shows them; several photos are one album."""
        media = [
            {"media_type": "video" if post.kind == "video" else "photo", "target": {"id": one["id"]}}
            for one in post.media
        ]
        if len(media) > 1:
            data: list[Json] = [{"media_type": "album", "subattachments": {"data": media}}]
        elif media:
            data = list(media)
        elif post.link:
            data = [{"media_type": "link", "unshimmed_url": post.link, "target": {"url": post.link}}]
        else:
            return None
        names = {one.name for one in ask.inner}
        kept = [{name: value for name, value in one.items() if not names or name in names} for one in data]
        return {"data": kept}

    # numbers ---------------------------------------------------------------------------------------

    def _insights(self, entry: FacebookPost, ask: Ask, grant: Grant, known: Iterable[str]) -> Json | None:
        wanted = [name for name in ask.args.get("metric", "").split(",") if name]
        return self.insights_of(entry, wanted, grant, known)

    def insights_of(
        self, entry: FacebookPost, wanted: Sequence[str], grant: Grant, known: Iterable[str]
    ) -> Json:
        """The numbers asked for; one that does not exist fails them all, and none at all is 3001."""
        self.need(grant, "read_insights", "pages_read_engagement")
        if not wanted:
            words = "(#3001) No metric was specified to be fetched"
            raise Answer(self.graph_error(3001, words, subcode=1504028))
        if set(wanted) - set(known):
            raise Answer(self.graph_error(100, "(#100) The value must be a valid insights metric"))
        if self.now() - entry.created_at < self.insights_delay:
            return {"data": []}
        values = self._numbers(entry)
        return {"data": [self._metric(entry.id, name, values[name], "lifetime") for name in wanted]}

    def _video_insights(self, entry: FacebookPost, ask: Ask, grant: Grant) -> Json:
        self.need(grant, "read_insights", "pages_read_engagement")
        wanted = [name for name in ask.args.get("metric", "").split(",") if name] or list(VIDEO_METRICS)
        if set(wanted) - set(VIDEO_METRICS):
            raise Answer(self.graph_error(100, "(#100) The value must be a valid insights metric"))
        values = self._numbers(entry)
        return {"data": [self._metric(entry.id, name, values[name], "lifetime") for name in wanted]}

    def _numbers(self, entry: FacebookPost) -> Json:
        grown = self._grown(entry)
        liked, loved = grown["reactions"] - grown["reactions"] // 4, grown["reactions"] // 4
        return {
            "post_media_view": grown["views"],
            "post_total_media_view_unique": min(grown["people"], grown["views"]),
            "post_impressions_unique": min(grown["people"], grown["views"]),
            "post_clicks": grown["views"] // 50,
            "post_clicks_by_type": {"link clicks": grown["views"] // 50},
            "post_reactions_by_type_total": {"like": liked, "love": loved},
            "post_reactions_like_total": liked,
            "post_video_views": grown["plays"],
            "blue_reels_play_count": grown["plays"],
            "post_video_view_time": grown["plays"] * 4200,
            "post_video_avg_time_watched": 4200,
            "post_video_social_actions": {"SHARE": grown["shares"], "COMMENT": grown["comments"]},
            "post_video_likes_by_reaction_type": {"REACTION_LIKE": liked, "REACTION_LOVE": loved},
            "STORY_MEDIA_VIEW": grown["views"],
            "STORY_TOTAL_MEDIA_VIEW_UNIQUE": min(grown["people"], grown["views"]),
            "STORY_INTERACTION": grown["reactions"],
            "PAGES_FB_STORY_REPLIES": grown["comments"],
            "PAGES_FB_STORY_SHARES": grown["shares"],
            "PAGES_FB_STORY_STICKER_INTERACTIONS": 0,
            "PAGES_FB_STORY_THREAD_LIGHTWEIGHT_REACTIONS": grown["reactions"],
        }

    def _metric(self, owner: str, name: str, value: Any, period: str) -> Json:
        return {
            "name": name,
            "period": period,
            "values": [{"value": value}],
            "title": name.replace("_", " "),
            "description": name,
            "id": f"{owner}/insights/{name}/{period}",
        }

    def need(self, grant: Grant, *scopes: str) -> None:
        """200 when the token lacks any of the permissions."""
        if missing := set(scopes) - grant.scopes:
            raise Answer(self.scope_missing(missing))

    def page_insights(self, request: Request) -> Response:
        """``GET /{page}/insights``: a value for each day of the period, or one for all of it."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, "read_insights", "pages_read_engagement")
        page, query = str(request.path_params["id"]), self.given(request)
        wanted = words_in(query.get("metric"))
        period = str(query.get("period") or "day")
        if not wanted:
            words = "(#3001) No metric was specified to be fetched"
            raise Answer(self.graph_error(3001, words, subcode=1504028))
        if set(wanted) - PAGE_METRICS or period not in _PERIODS:
            raise Answer(self.graph_error(100, "(#100) The value must be a valid insights metric"))
        until = self.seconds(query.get("until")) or self.now().timestamp()
        since = self.seconds(query.get("since")) or until - 2 * _DAY.total_seconds()
        if not 0 <= until - since <= 90 * _DAY.total_seconds() + 86_400:
            words = "(#100) There cannot be more than 90 days between since and until"
            raise Answer(self.graph_error(100, words))
        del grant
        data = [self._page_metric(page, name, period, since, until) for name in wanted]
        return JSONResponse({"data": data, "paging": {}})

    def _page_metric(self, page: str, name: str, period: str, since: float, until: float) -> Json:
        days = range(int(since // 86_400), max(int(until // 86_400), int(since // 86_400) + 1))
        counts = {day: int(400 + 300 * self.chance(page, name, day)) for day in days}
        told = self._metric(page, name, 0, period)
        if period == "total_over_range":
            told["values"] = [{"value": sum(counts.values())}]
            return told
        ends = {day: datetime.fromtimestamp((day + 1) * 86_400 + 25_200, self.now().tzinfo) for day in days}
        told["values"] = [{"value": counts[day], "end_time": stamp(ends[day])} for day in days]
        return told


def words_in(given: Any) -> list[str]:
    """A list of words, written with commas or as JSON.

    >>> words_in("a,b"), words_in('["a", "b"]'), words_in(None)
    (['a', 'b'], ['a', 'b'], [])
    """
    return re.findall(r"\w+", str(given or ""))


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()
