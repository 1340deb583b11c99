"""What stands around YouTube's videos: thumbnails, captions, playlists, comments, search, analytics."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from .core import Answer, Entry, body
from .youtube_api import ANALYTICS, CAPTIONS, READ, SPEAK, WRITE, Json, pacific, stamp
from .youtube_upload import Session
from .youtube_videos import Videos

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Channel"]

_ITEM_PARTS = frozenset({"id", "snippet", "contentDetails", "status"})
_GROUPS: tuple[tuple[str, ...], ...] = (
    (
        "views",
        "engagedViews",
        "redViews",
        "estimatedMinutesWatched",
        "averageViewDuration",
        "averageViewPercentage",
        "likes",
        "dislikes",
        "comments",
        "shares",
        "subscribersGained",
        "subscribersLost",
        "videosAddedToPlaylists",
        "videosRemovedFromPlaylists",
    ),
    ("cardImpressions", "cardClicks", "cardClickRate", "cardTeaserImpressions", "cardTeaserClicks"),
    ("videoThumbnailImpressions", "videoThumbnailImpressionsClickRate"),
)
_PEAKS = {
    "views": 5200,
    "engagedViews": 4100,
    "estimatedMinutesWatched": 9000,
    "likes": 310,
    "comments": 42,
    "shares": 60,
    "videosAddedToPlaylists": 25,
    "cardClicks": 12,
    "videoThumbnailImpressions": 64_000,
    "subscribersGained": 33,
    "subscribersLost": 4,
}
_LATENCY = timedelta(hours=48)


class Channel(Videos):
    """Everything of a channel but its videos. ``phone_verified`` False refuses thumbnails as YouTube does.

    Where the documentation is silent: ``private_in_uploads`` lists private videos for their owner, and
    ``comments_while_private`` takes comments under them.
    """

    phone_verified: bool = True
    private_in_uploads: bool = True
    comments_while_private: bool = False
    comments_off: frozenset[str] = frozenset()

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.playlists: dict[str, Json] = {}
        self.items: dict[str, Json] = {}
        self.threads: list[Json] = []

    def channel_routes(self) -> list[BaseRoute]:
        """Captions, playlists, comments, search, reports."""
        table = [
            ("GET", "/youtube/v3/captions", self.list_captions),
            ("DELETE", "/youtube/v3/captions", self.delete_caption),
            ("GET", "/youtube/v3/playlists", self.list_playlists),
            ("POST", "/youtube/v3/playlists", self.insert_playlist),
            ("GET", "/youtube/v3/playlistItems", self.list_items),
            ("POST", "/youtube/v3/playlistItems", self.insert_item),
            ("DELETE", "/youtube/v3/playlistItems", self.delete_item),
            ("GET", "/youtube/v3/commentThreads", self.list_threads),
            ("POST", "/youtube/v3/commentThreads", self.insert_thread),
            ("GET", "/youtube/v3/search", self.search),
            ("GET", "/v2/reports", self.report),
        ]
        return [self.route(method, path, handler) for method, path, handler in table]

    # uploads of other things -----------------------------------------------------------------------

    def check_resource(self, session: Session, request: Request) -> None:
        """By what the session is for."""
        if session.resource == "videos":
            self.check_video(session, request)
        elif session.resource == "captions":
            self._check_caption(session, request)
        else:
            self._check_thumbnail(session, request)

    def make(self, session: Session, request: Request) -> Json:
        """The video, the track, the thumbnail."""
        if session.resource == "videos":
            return self.make_video(session)
        entry = self.video(request, self._target(session), session.username)
        self._changes(f"changed {entry.id}")
        if "id" in session.request:
            return self._change_caption(entry, session)
        if session.resource == "captions":
            return self._add_caption(entry, session)
        return self._set_thumbnail(entry, session)

    def _change_caption(self, entry: Entry, session: Session) -> Json:
        track: Json = next(one for one in entry.extras["captions"] if one["id"] == session.request["id"])
        track |= {"text": (session.data or b"").decode("utf-8", "replace"), "updated": stamp(self.now())}
        track["isDraft"] = bool((session.request.get("snippet") or {}).get("isDraft"))
        return self._caption_json(entry, track)

    @staticmethod
    def _target(session: Session) -> str:
        if session.resource == "captions":
            return session.entry or str((session.request.get("snippet") or {}).get("videoId") or "")
        return str(session.query.get("videoId", [""])[-1])

    def _check_thumbnail(self, session: Session, request: Request) -> None:
        self.needed(request, "videoId")
        if not self.phone_verified:
            words = (
                "The authenticated user doesn't have permissions to upload and set custom video thumbnails."
            )
            raise self.refuse(403, "forbidden", words, domain="youtube.thumbnail")
        entry = self.video(request, self._target(session), session.username)
        file = entry.extras["file"]
        short = file["width"] and file["width"] <= file["height"] and file["seconds"] <= 180
        if short and self.upload_status(entry) == "uploaded":
            words = "The thumbnail of a Short can be set once it is processed."
            raise self.refuse(400, "failedPrecondition", words, domain="youtube.thumbnail")

    def _set_thumbnail(self, entry: Entry, session: Session) -> Json:
        if session.kind.mime not in ("image/jpeg", "image/png"):
            words = "The provided image content is invalid."
            raise self.refuse(400, "invalidImage", words, domain="youtube.thumbnail")
        entry.extras["thumbnail"] = self.digest("thumbnail", session.received, entry.id)[:8]
        told = {"kind": "youtube#thumbnailSetResponse", "etag": self.etag("thumbnail", entry.id)}
        return {**told, "items": [self.thumbnails(entry)]}

    # captions --------------------------------------------------------------------------------------

    def _check_caption(self, session: Session, request: Request) -> None:
        self.parts(request, frozenset({"id", "snippet"}))
        if session.entry:
            return
        snippet = session.request.get("snippet") or {}
        missing = [name for name in ("videoId", "language") if not snippet.get(name)]
        if missing or len(snippet.get("name") or "") > 150:
            raise self.refuse(400, "invalidMetadata", "The request contains invalid metadata values.")
        entry = self.video(request, self._target(session), session.username)
        same = [(one["language"], one["name"]) for one in entry.extras["captions"]]
        if (snippet["language"], snippet.get("name", "")) in same:
            words = "The specified video already has a caption track with the given language and name."
            raise self.refuse(409, "captionExists", words, domain="youtube.caption")

    def _add_caption(self, entry: Entry, session: Session) -> Json:
        given = session.request["snippet"]
        track = {
            "id": self.made_id("caption", 24),
            "language": given["language"],
            "name": given.get("name", ""),
            "isDraft": bool(given.get("isDraft")),
            "updated": stamp(self.now()),
            "text": (session.data or b"").decode("utf-8", "replace"),
        }
        entry.extras["captions"] = [*entry.extras["captions"], track]
        return self._caption_json(entry, track)

    def _caption_json(self, entry: Entry, track: Json) -> Json:
        known = track["text"].lstrip("\ufeff")
        fine = "-->" in known or known.startswith(("WEBVTT", "<"))
        state = {"status": "serving"} if fine else {"status": "failed", "failureReason": "unknownFormat"}
        snippet = {
            "videoId": entry.id,
            "lastUpdated": track["updated"],
            "trackKind": "standard",
            "language": track["language"],
            "name": track["name"],
            "isDraft": track["isDraft"],
            **state,
        }
        return {
            "kind": "youtube#caption",
            "etag": self.etag(track["id"]),
            "id": track["id"],
            "snippet": snippet,
        }

    def list_captions(self, request: Request) -> Response:
        """``GET /youtube/v3/captions?videoId=``."""
        from starlette.responses import JSONResponse

        me = self.caller(request, CAPTIONS).username
        self.parts(request, frozenset({"id", "snippet"}))
        entry = self.video(request, self.needed(request, "videoId"), me)
        items = [self._caption_json(entry, track) for track in entry.extras["captions"]]
        told = {"kind": "youtube#captionListResponse", "etag": self.etag("captions", entry.id)}
        return JSONResponse({**told, "items": items})

    def delete_caption(self, request: Request) -> Response:
        """``DELETE /youtube/v3/captions?id=``: 204."""
        from starlette.responses import Response

        me, wanted = self.caller(request, CAPTIONS).username, self.needed(request, "id")
        for entry in self.entries.values():
            kept = [track for track in entry.extras["captions"] if track["id"] != wanted]
            if len(kept) < len(entry.extras["captions"]) and entry.account == me:
                entry.extras["captions"] = kept
                return Response(status_code=204)
        raise self.refuse(404, "captionNotFound", "The caption track could not be found.", "id")

    # playlists -------------------------------------------------------------------------------------

    def add_playlist(self, username: str = "brand", title: str = "Boats", *, once: bool = False) -> str:
        """A playlist of that person; ``once``: it takes no video twice. Its id."""
        playlist_id = f"PL{self.made_id('playlist', 32)}"
        self.playlists[playlist_id] = {"owner": username, "title": title, "once": once, "privacy": "public"}
        return playlist_id

    def insert_playlist(self, request: Request) -> Response:
        """``POST /youtube/v3/playlists``."""
        from starlette.responses import JSONResponse

        me = self.caller(request, WRITE).username
        self.parts(request, frozenset({"id", "snippet", "status"}))
        title = (self.given(request).get("snippet") or {}).get("title")
        if not title:
            raise self.refuse(400, "playlistTitleRequired", "The request must specify a playlist title.")
        return JSONResponse(self._playlist_json(self.add_playlist(me, title)))

    def list_playlists(self, request: Request) -> Response:
        """``GET /youtube/v3/playlists?mine=true``, or ``id=``: who is not there is left out."""
        from starlette.responses import JSONResponse

        me = self.caller(request, READ).username
        self.parts(request, frozenset({"id", "snippet", "status", "contentDetails"}))
        ids, mine = self.ids(request), request.query_params.get("mine") == "true"
        if bool(ids) == mine:
            raise self.refuse(400, "missingRequiredParameter", "No filter selected.")
        shown = [
            self._playlist_json(one)
            for one, about in self.playlists.items()
            if (about["owner"] == me if mine else one in ids)
        ]
        return JSONResponse(self.page(request, "playlist", shown))

    def _playlist_json(self, playlist_id: str) -> Json:
        about = self.playlists[playlist_id]
        snippet = {"channelId": self.channel_of(about["owner"]), "title": about["title"], "description": ""}
        told = {
            "kind": "youtube#playlist",
            "etag": self.etag(playlist_id),
            "id": playlist_id,
            "snippet": snippet,
        }
        return {**told, "status": {"privacyStatus": about["privacy"]}}

    def list_items(self, request: Request) -> Response:
        """``GET /youtube/v3/playlistItems``: the uploads of a channel, newest first, or a playlist."""
        from starlette.responses import JSONResponse

        me, parts = self.caller(request, READ).username, self.parts(request, _ITEM_PARTS)
        playlist_id = self.needed(request, "playlistId")
        rows = self._rows(playlist_id, me)
        if wanted := request.query_params.get("videoId"):
            rows = [row for row in rows if row["video"] == wanted]
        items = [self._item_json(row, parts) for row in rows]
        return JSONResponse(self.page(request, "playlistItem", items))

    def _rows(self, playlist_id: str, viewer: str) -> list[Json]:
        owner = next(
            (n for n, one in self.people.items() if one.channel and one.channel[2:] == playlist_id[2:]), None
        )
        if playlist_id.startswith("UU") and owner is not None:
            own = [
                entry
                for entry in self.listed(owner)
                if self._visible(entry, viewer) and (self.private_in_uploads or entry.visibility != "private")
            ]
            return [self._upload_row(entry, playlist_id, at) for at, entry in enumerate(own)]
        if playlist_id not in self.playlists:
            words = "The playlist identified with the request's playlistId parameter cannot be found."
            raise self.refuse(404, "playlistNotFound", words, "playlistId", "youtube.playlistItem")
        return [row for row in self.items.values() if row["playlist"] == playlist_id]

    def _upload_row(self, entry: Entry, playlist_id: str, at: int) -> Json:
        row: Json = {"id": f"UU{entry.id}", "playlist": playlist_id, "video": entry.id, "position": at}
        return {**row, "added": entry.created_at, "owner": entry.account}

    def _item_json(self, row: Json, parts: list[str]) -> Json:
        entry: Entry = self.entries[row["video"]]
        resource = {"kind": "youtube#video", "videoId": entry.id}
        snippet = {
            "publishedAt": stamp(row["added"]),
            "channelId": self.channel_of(row["owner"]),
            "title": entry.title,
            "description": entry.text,
            "thumbnails": self.thumbnails(entry),
            "channelTitle": self.person(row["owner"]).title,
            "playlistId": row["playlist"],
            "position": row["position"],
            "resourceId": resource,
            "videoOwnerChannelTitle": self.person(entry.account).title,
            "videoOwnerChannelId": self.channel_of(entry.account),
        }
        content: Json = {"videoId": entry.id}
        if entry.visibility != "private":
            content["videoPublishedAt"] = stamp(entry.extras["published_at"])
        every = {"snippet": snippet, "contentDetails": content, "status": {"privacyStatus": entry.visibility}}
        told = {"kind": "youtube#playlistItem", "etag": self.etag(row["id"]), "id": row["id"]}
        return {**told, **{name: every[name] for name in parts if name in every}}

    def insert_item(self, request: Request) -> Response:
        """``POST /youtube/v3/playlistItems``: the same video again is a second item, but in some playlists."""
        from starlette.responses import JSONResponse

        me, parts = self.caller(request, WRITE).username, self.parts(request, _ITEM_PARTS)
        snippet = self.given(request).get("snippet") or {}
        playlist_id = str(snippet.get("playlistId") or "")
        about = self.playlists.get(playlist_id)
        if about is None:
            raise self.refuse(404, "playlistNotFound", "The playlist cannot be found.", "playlistId")
        if about["owner"] != me:
            raise self.refuse(403, "playlistItemsNotAccessible", "The request is not properly authorized.")
        if "position" in snippet:
            raise self.refuse(400, "manualSortRequired", "The playlist is not sorted by hand.")
        video = self.video(request, str((snippet.get("resourceId") or {}).get("videoId") or ""))
        inside = [row for row in self.items.values() if row["playlist"] == playlist_id]
        if about["once"] and video.id in [row["video"] for row in inside]:
            raise self.refuse(409, "videoAlreadyInPlaylist", "The video is already in the playlist.")
        if len(inside) >= 5000:
            words = "The playlist already contains the maximum allowed number of items."
            raise self.refuse(403, "playlistContainsMaximumNumberOfVideos", words)
        row: Json = {"id": self.made_id("item", 40), "playlist": playlist_id, "video": video.id}
        row |= {"position": len(inside), "added": self.now(), "owner": me}
        self.items[row["id"]] = row
        return JSONResponse(self._item_json(row, parts))

    def delete_item(self, request: Request) -> Response:
        """``DELETE /youtube/v3/playlistItems?id=``: 204."""
        from starlette.responses import Response

        self.caller(request, WRITE)
        if self.items.pop(self.needed(request, "id"), None) is None:
            raise self.refuse(404, "playlistItemNotFound", "The playlist item cannot be found.", "id")
        return Response(status_code=204)

    # comments --------------------------------------------------------------------------------------

    def insert_thread(self, request: Request) -> Response:
        """``POST /youtube/v3/commentThreads``: a comment of the caller under a video that can be seen."""
        from starlette.responses import JSONResponse

        me = self.caller(request, SPEAK).username
        self.parts(request, frozenset({"id", "snippet", "replies"}))
        snippet = self.given(request).get("snippet") or {}
        said = ((snippet.get("topLevelComment") or {}).get("snippet") or {}).get("textOriginal") or ""
        if not snippet.get("videoId"):
            raise self.refuse(
                400, "channelOrVideoIdMissing", "The videoId is missing.", "body.snippet.videoId"
            )
        if not said.strip():
            raise self.refuse(400, "commentTextRequired", "The comment needs a text.")
        if len(said) > 10_000:
            raise self.refuse(400, "commentTextTooLong", "The comment text is too long.")
        entry = self.video(request, str(snippet["videoId"]))
        private = entry.visibility == "private" and not self.comments_while_private
        if private or entry.id in self.comments_off:
            words = "The video identified by the videoId parameter has disabled comments."
            raise self.refuse(403, "commentsDisabled", words, "videoId", "youtube.commentThread")
        thread_id = f"Ugx{self.made_id('comment', 15)}4AaABAg"
        self.threads.append({"id": thread_id, "video": entry.id, "by": me, "text": said, "at": self.now()})
        return JSONResponse(self._thread_json(self.threads[-1]))

    def list_threads(self, request: Request) -> Response:
        """``GET /youtube/v3/commentThreads?videoId=``, newest first."""
        from starlette.responses import JSONResponse

        me = self.caller(request, SPEAK).username
        self.parts(request, frozenset({"id", "snippet", "replies"}))
        entry = self.video(request, self.needed(request, "videoId"))
        if entry.id in self.comments_off:
            raise self.refuse(
                403, "commentsDisabled", "Comments are off.", "videoId", "youtube.commentThread"
            )
        found = [self._thread_json(one, me) for one in reversed(self.threads) if one["video"] == entry.id]
        return JSONResponse(self.page(request, "commentThread", found, 20, 100))

    def _thread_json(self, thread: Json, viewer: str | None = None) -> Json:
        author = thread["by"]
        channel = self.channel_of(author)
        owner = self.channel_of(self.entries[thread["video"]].account)
        comment: Json = {
            "channelId": owner,
            "videoId": thread["video"],
            "textDisplay": thread["text"],
            "authorDisplayName": self.person(author).handle,
            "authorChannelUrl": f"http://www.youtube.com/{self.person(author).handle}",
            "authorChannelId": {"value": channel},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": 0,
            "publishedAt": stamp(thread["at"]),
            "updatedAt": stamp(thread["at"]),
        }
        if viewer in (None, author):
            comment["textOriginal"] = thread["text"]
        top = {"kind": "youtube#comment", "etag": self.etag(thread["id"], 1), "id": thread["id"]}
        snippet = {
            "channelId": owner,
            "videoId": thread["video"],
            "topLevelComment": {**top, "snippet": comment},
            "canReply": True,
            "totalReplyCount": 0,
            "isPublic": True,
        }
        told = {"kind": "youtube#commentThread", "etag": self.etag(thread["id"]), "id": thread["id"]}
        return {**told, "snippet": snippet}

    # search ----------------------------------------------------------------------------------------

    def search(self, request: Request) -> Response:
        """``GET /youtube/v3/search?q=``: public videos with the words in title or description."""
        from starlette.responses import JSONResponse

        self.caller(request, READ)
        self.parts(request, frozenset({"id", "snippet"}))
        words = request.query_params.get("q", "").casefold()
        hits = [
            {
                "kind": "youtube#searchResult",
                "etag": self.etag("hit", entry.id),
                "id": {"kind": "youtube#video", "videoId": entry.id},
                "snippet": {
                    "publishedAt": stamp(entry.extras["published_at"]),
                    "channelId": self.channel_of(entry.account),
                    "title": entry.title,
                    "description": entry.text[:160],
                    "channelTitle": self.person(entry.account).title,
                    "liveBroadcastContent": "none",
                },
            }
            for entry in self.listed()
            if entry.visibility == "public" and words in f"{entry.title} {entry.text}".casefold()
        ]
        return JSONResponse({**self.page(request, "search", hits), "regionCode": "US"})

    # analytics -------------------------------------------------------------------------------------

    def report(self, request: Request) -> Response:
        """``GET /v2/reports``: a table up to the last day that is worked off; odd mixtures are refused."""
        from starlette.responses import JSONResponse

        me, query = self.caller(request, ANALYTICS).username, request.query_params
        start, end = self._days(request)
        if query.get("ids") not in ("channel==MINE", f"channel=={self.channel_of(me)}"):
            raise self.refuse(403, "forbidden", "Forbidden", domain="global")
        metrics = [one for one in self.needed(request, "metrics").split(",") if one]
        if not any(set(metrics) <= set(group) for group in _GROUPS):
            raise self.refuse(400, "badRequest", "The query is not supported.", domain="global")
        dimensions = [one for one in query.get("dimensions", "").split(",") if one]
        self._check_dimensions(dimensions, query)
        wanted = query.get("filters", "").partition("video==")[2].split(",") if query.get("filters") else None
        rows = self._report_rows(me, wanted, metrics, start, end)
        if not dimensions:
            rows = (
                [["", *(sum(row[at] for row in rows) for at in range(1, len(metrics) + 1))]] if rows else []
            )
            rows = [row[1:] for row in rows]
        headers = [{"name": one, "columnType": "DIMENSION", "dataType": "STRING"} for one in dimensions]
        headers += [{"name": one, "columnType": "METRIC", "dataType": "INTEGER"} for one in metrics]
        told = {"kind": "youtubeAnalytics#resultTable", "columnHeaders": headers}
        return JSONResponse({**told, "rows": rows} if rows else told)

    def _days(self, request: Request) -> tuple[date, date]:
        try:
            start, end = (date.fromisoformat(self.needed(request, n)) for n in ("startDate", "endDate"))
        except ValueError:
            raise self.refuse(400, "invalid", "Invalid date.", "startDate", "global") from None
        if end < start:
            raise self.refuse(400, "invalid", "endDate is before startDate.", "endDate", "global")
        return start, end

    def _check_dimensions(self, dimensions: list[str], query: Any) -> None:
        if dimensions not in ([], ["video"]):
            raise self.refuse(400, "badRequest", "The query is not supported.", domain="global")
        top = query.get("maxResults", "")
        if dimensions and not (query.get("sort", "").startswith("-") and top.isdigit() and int(top) <= 200):
            raise self.refuse(400, "badRequest", "The query is not supported.", domain="global")

    def _report_rows(
        self, username: str, wanted: list[str] | None, metrics: list[str], start: date, end: date
    ) -> list[list[Any]]:
        known = [entry for entry in self.listed(username) if wanted is None or entry.id in wanted]
        rows = []
        for entry in known:
            born = entry.extras["published_at"]
            day = born.astimezone(pacific()).date()
            if self.now() - born < _LATENCY or not start <= max(day, start) <= end or day > end:
                continue
            numbers = self.growth(entry, **{name: _PEAKS.get(name, 5) for name in metrics})
            rows.append([entry.id, *(numbers[name] for name in metrics)])
        return sorted(rows, key=lambda row: -row[1])

    # captions changed ------------------------------------------------------------------------------

    def replace(self, request: Request) -> Response:
        """``PUT /upload/youtube/v3/captions``: a session for another file, or a draft mark alone."""
        from starlette.responses import JSONResponse

        me = self.caller(request, CAPTIONS).username
        given = self.given(request) if body(request).raw else {}
        for entry in self.entries.values():
            for track in entry.extras["captions"]:
                if track["id"] == given.get("id") and entry.account == me:
                    if request.query_params.get("uploadType") == "resumable":
                        return self.begin(request, entry.id)
                    track["isDraft"] = bool((given.get("snippet") or {}).get("isDraft"))
                    return JSONResponse(self._caption_json(entry, track))
        raise Answer(self.error(404, "captionNotFound", "The caption track could not be found."))
