"""YouTube: the Data API v3 with its resumable uploads, and the Analytics API, as they answer in late 2026.

Facts: the Data API's discovery document (revision 20261104), its documentation and Google's OAuth pages, read in
November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .core import Answer
from .youtube_api import READ
from .youtube_channel import Channel

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["YouTubeBox"]

Json = dict[str, Any]
_PARTS = frozenset({"id", "snippet", "statistics", "contentDetails", "status"})


class YouTubeBox(Channel):
    """Two channels, ``brand`` and ``other``, and ``newcomer``, who has a Google account and no channel.

    ``seconds_to_process``, ``rejects``, ``long_uploads``, ``daily_uploads``, ``phone_verified``, ``comments_off`` and
    ``add_playlist()`` set the scene; ``stores`` and ``seconds_to_name`` trouble the uploads, ``locks_private`` is how
    YouTube was before November 2026. ``private_in_batch``, ``private_in_uploads`` and ``comments_while_private`` choose
    between readings of what is not documented. ``sessions`` are the uploads that were begun.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["youtube"]) as box:
    ...     print(box.youtube.identity_of("brand"))
    UCb4andB4andB4andB4andB4
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "youtube"
    title: ClassVar[str] = "YouTube"
    publish_match: ClassVar[str] = "PUT /(?:resumable/)?upload/youtube/v3/videos"
    upload_match: ClassVar[str] = "PUT /(?:resumable/)?upload/youtube/v3/videos"
    subscribers: int = 1240
    hidden_subscribers: bool = False

    def address(self, base_url: str | None = None) -> str:
        """Where accounts sign in."""
        return base_url or "https://www.googleapis.com"

    def identity_of(self, username: str) -> str:
        """The id of the person's channel."""
        return str(self.people[username].channel)

    def credentials(self, base_url: str | None = None) -> Json:
        """The brand's channel, signed in with every scope."""
        issued = self.token_for("brand")
        return {
            "server": base_url or "https://www.googleapis.com",
            "token": issued.access_token,
            "refresh_token": issued.refresh_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }

    def routes(self) -> list[BaseRoute]:
        """Google's accounts, and YouTube's APIs."""
        channels = self.route("GET", "/youtube/v3/channels", self.list_channels)
        own = [channels, *self.video_routes(), *self.channel_routes(), *self.upload_routes()]
        return [*self.google_routes(), *own]

    def list_channels(self, request: Request) -> Response:
        """``GET /youtube/v3/channels?mine=true``: the channel the token belongs to."""
        from starlette.responses import JSONResponse

        person = self.people[self.any_grant(request, READ).username]
        parts = self.parts(request, _PARTS)
        if request.query_params.get("mine") != "true":
            raise self.refuse(400, "missingRequiredParameter", "No filter selected.")
        if person.channel is None:
            raise Answer(self.no_channel())
        return JSONResponse(
            {
                "kind": "youtube#channelListResponse",
                "etag": self.digest("channels", person.channel)[:27],
                "pageInfo": {"totalResults": 1, "resultsPerPage": 5},
                "items": [self._channel(person, parts)],
            }
        )

    def _channel(self, person: Any, parts: list[str]) -> Json:
        snippet = {
            "title": person.title,
            "description": "",
            "customUrl": person.handle,
            "publishedAt": "2020-01-01T00:00:00Z",
            "thumbnails": {"default": {"url": "https://example.com/picture.png", "width": 88, "height": 88}},
            "localized": {"title": person.title, "description": ""},
        }
        uploads = {"relatedPlaylists": {"likes": "", "uploads": f"UU{person.channel[2:]}"}}
        status = {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": self.long_uploads}
        every = {
            "snippet": snippet,
            "statistics": self._channel_counts(person),
            "contentDetails": uploads,
            "status": status,
        }
        return {
            "kind": "youtube#channel",
            "etag": self.digest("channel", person.channel)[:27],
            "id": person.channel,
            **{name: value for name, value in every.items() if name in parts},
        }

    def _channel_counts(self, person: Any) -> Json:
        name = next(name for name, one in self.people.items() if one is person)
        own = [entry for entry in self.listed(name) if entry.visibility == "public"]
        views = sum(self.counts(entry)["views"] for entry in own)
        told: Json = {"viewCount": str(views), "hiddenSubscriberCount": self.hidden_subscribers}
        if not self.hidden_subscribers:
            told["subscriberCount"] = str(self.subscribers // 10 * 10)
        return {**told, "videoCount": str(len(own))}
