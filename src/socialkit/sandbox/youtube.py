"""YouTube's side of signing in: Google's accounts, and the channel a token belongs to.

Facts: the Data API's discovery document (revision 20261104) and Google's OAuth pages, read in November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .core import Answer
from .google_auth import GOOGLE_HOSTS, SCOPE, GoogleSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["YouTubeBox"]

Json = dict[str, Any]
_READS = frozenset(
    f"{SCOPE}{name}" for name in ("youtube", "youtube.force-ssl", "youtube.readonly", "youtubepartner")
)
_PARTS = frozenset({"id", "snippet", "statistics", "contentDetails", "status"})


class YouTubeBox(GoogleSignIn):
    """Two channels, ``brand`` and ``other``, and ``newcomer``, who has a Google account and no channel.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["youtube"]) as box:
    ...     print(box.youtube.identity_of("brand"))
    UCb4andB4andB4andB4andB4
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "youtube"
    title: ClassVar[str] = "YouTube"
    publishes: ClassVar[bool] = False
    hosts = ("www.googleapis.com", "youtube.googleapis.com", *GOOGLE_HOSTS)

    def address(self, base_url: str | None = None) -> str:
        """Where accounts sign in."""
        return base_url or "https://www.googleapis.com"

    def identity_of(self, username: str) -> str:
        """The id of the person's channel."""
        return str(self.people[username].channel)

    def routes(self) -> list[BaseRoute]:
        """Google's accounts, and ``channels.list``."""
        return [*self.google_routes(), self.route("GET", "/youtube/v3/channels", self.list_channels)]

    def list_channels(self, request: Request) -> Response:
        """``GET /youtube/v3/channels?mine=true``: the channel the token belongs to."""
        from starlette.responses import JSONResponse

        person = self.people[self.any_grant(request, _READS).username]
        parts = frozenset(filter(None, request.query_params.get("part", "").split(",")))
        if not parts:
            raise Answer(self.error(400, "missingRequiredParameter", "No part was given."))
        if request.query_params.get("mine") != "true":
            raise Answer(self.error(400, "missingRequiredParameter", "No filter selected."))
        if parts - _PARTS:
            raise Answer(self.error(400, "unknownPart", ",".join(sorted(parts - _PARTS))))
        if person.channel is None:
            raise Answer(self._no_channel())
        return JSONResponse(
            {
                "kind": "youtube#channelListResponse",
                "etag": self.digest("channels", person.channel)[:27],
                "pageInfo": {"totalResults": 1, "resultsPerPage": 5},
                "items": [self._channel(person, parts)],
            }
        )

    def _no_channel(self) -> Response:
        return self.api_error(
            401, "youtubeSignupRequired", "Unauthorized", "UNAUTHENTICATED", "youtube.header"
        )

    def _channel(self, person: Any, parts: frozenset[str]) -> Json:
        snippet = {
            "title": person.title,
            "description": "",
            "customUrl": person.handle,
            "publishedAt": "2020-01-01T00:00:00Z",
            "thumbnails": {"default": {"url": "https://example.com/picture.png", "width": 88, "height": 88}},
            "localized": {"title": person.title, "description": ""},
        }
        counts = {"viewCount": "0", "subscriberCount": "0", "hiddenSubscriberCount": False, "videoCount": "0"}
        uploads = {"relatedPlaylists": {"likes": "", "uploads": f"UU{person.channel[2:]}"}}
        status = {"privacyStatus": "public", "isLinked": True, "longUploadsStatus": "allowed"}
        every = {"snippet": snippet, "statistics": counts, "contentDetails": uploads, "status": status}
        return {
            "kind": "youtube#channel",
            "etag": self.digest("channel", person.channel)[:27],
            "id": person.channel,
            **{name: value for name, value in every.items() if name in parts},
        }
