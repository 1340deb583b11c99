"""TikTok's Display API: a user's public posts and their numbers.

Facts: TikTok's reference of the Display API and its video object, read in November 2026.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from .core import Answer, Entry
from .tiktok_auth import TikToker
from .tiktok_posts import Posting

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Videos"]

Json = dict[str, Any]
_PAGE = 20
_CUT = 150
_COUNTS = {"like_count": 120, "comment_count": 24, "share_count": 30, "view_count": 4000}
_FIELDS = frozenset(
    {"id", "create_time", "cover_image_url", "share_url", "video_description", "duration", "height", "width"}
    | {"title", "embed_html", "embed_link", *_COUNTS}
)


class Videos(Posting):
    """The part of the box that shows posts. ``photos_listed``: whether photo posts are listed too, as some saw."""

    photos_listed = True

    def video_routes(self) -> list[BaseRoute]:
        """The two requests for own posts."""
        return [
            self.route("POST", "/v2/video/list/", self.list_videos),
            self.route("POST", "/v2/video/query/", self.query_videos),
        ]

    def list_videos(self, request: Request) -> Response:
        """``POST /v2/video/list/?fields=…``: public posts, newest first; the cursor is a moment in milliseconds."""
        fields = self._fields(request)
        grant = self.grant(request, "video.list")
        given = self.given(request)
        size, cursor = given.get("max_count", 10), given.get("cursor") or None
        whole = isinstance(size, int) and isinstance(cursor, int | None)
        if not whole or not 1 <= size <= _PAGE:
            raise self.no("invalid_params", "max_count is 1 to 20, cursor a time in milliseconds", 400)
        posts = [one for one in self._shown(grant.username) if cursor is None or _milliseconds(one) < cursor]
        page = posts[:size]
        data = {
            "videos": [self._video_object(one, fields) for one in page],
            "cursor": _milliseconds(page[-1]) if page else cursor or 0,
            "has_more": len(posts) > size,
        }
        return self.envelope("ok", "", 200, data)

    def query_videos(self, request: Request) -> Response:
        """``POST /v2/video/query/?fields=…``: at most 20; unknown and private ones are left out."""
        fields = self._fields(request)
        grant = self.grant(request, "video.list")
        ids = (self.given(request).get("filters") or {}).get("video_ids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= _PAGE:
            raise self.no("invalid_params", "video_ids has 1 to 20 ids", 400)
        if not all(isinstance(one, str) and one.isdecimal() for one in ids):
            raise self.no("invalid_params", "a video id is invalid", 400)
        found = [self.find(one) for one in ids]
        own = [
            one for one in found if one is not None and one.account == grant.username and self._is_public(one)
        ]
        return self.envelope("ok", "", 200, {"videos": [self._video_object(one, fields) for one in own]})

    def _fields(self, request: Request) -> list[str]:
        fields = [name for name in request.query_params.get("fields", "").split(",") if name]
        if not fields or not set(fields) <= _FIELDS:
            raise Answer(self.error(400, "invalid_params", "The fields parameter is missing or unknown"))
        return fields

    def _shown(self, username: str) -> list[Entry]:
        """What the person's public profile shows, newest first."""
        own = [one for one in self.listed(username) if self._is_public(one)]
        kinds = {"video", "photo"} if self.photos_listed else {"video"}
        shown = [one for one in own if one.extras["kind"] in kinds]
        return sorted(shown, key=lambda one: one.created_at, reverse=True)

    def _is_public(self, entry: Entry) -> bool:
        public_at: datetime = entry.extras["public_at"]
        return entry.visibility == "PUBLIC_TO_EVERYONE" and public_at <= self.now()

    def _video_object(self, entry: Entry, fields: list[str]) -> Json:
        medium = entry.media[0] if entry.media else {}
        known = {
            "id": entry.id,
            "create_time": int(entry.created_at.timestamp()),
            "cover_image_url": "https://example.com/picture.png",
            "share_url": f"{entry.url}?utm_campaign=client_share",
            "video_description": entry.text[:_CUT],
            "title": (entry.title or entry.text)[:_CUT],
            "duration": int(medium.get("seconds") or 0),
            "width": medium.get("width", 0),
            "height": medium.get("height", 0),
            "embed_link": f"https://www.tiktok.com/player/v1/{entry.id}",
            "embed_html": "",
            **self.growth(entry, **_COUNTS),
        }
        return {name: known[name] for name in fields}

    def user_object(self, person: TikToker) -> Json:
        """With the numbers of the profile."""
        posts = self._shown(person.username)
        likes = sum(self.growth(one, like_count=_COUNTS["like_count"])["like_count"] for one in posts)
        followers = 1000 + int(1000 * self.chance("followers", person.username))
        numbers = {"follower_count": followers, "following_count": 12, "likes_count": likes}
        return {**super().user_object(person), **numbers, "video_count": len(posts)}


def _milliseconds(entry: Entry) -> int:
    return int(entry.created_at.timestamp() * 1000)
