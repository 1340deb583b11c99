"""TikTok as it answers in late 2026: sign-in, posts that are pulled or come in chunks, moderation, numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .sign_in import Grant
from .state import Allowance, Entry
from .tiktok_posts import WINDOWS
from .tiktok_videos import Videos

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["TikTokBox"]


class TikTokBox(Videos):
    """TikTok with two users, ``brand`` (whose tokens :meth:`credentials` gives) and ``other``.

    What a user may do is set on ``people["brand"]``, what the app may do and how long things take on the box.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["tiktok"]) as box:
    ...     box.tiktok.people["brand"].private = True
    ...     print(box.tiktok.people["brand"].privacy_options[0])
    FOLLOWER_OF_CREATOR
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "tiktok"
    title: ClassVar[str] = "TikTok"
    hosts = ("open.tiktokapis.com", "open-upload.tiktokapis.com", "www.tiktok.com")
    publish_match: ClassVar[str] = "PUT|POST (/video/|/v2/post/publish/content/init/)"
    upload_match: ClassVar[str] = publish_match
    windows = WINDOWS

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.add_people()
        self.start_posting()
        self.developer_app = self.add_app(self.digest("app")[:18], self.digest("app secret")[:32])
        self.token = f"act.{self.digest('access')}"
        self.refresh_token = f"rft.{self.digest('refresh')}"
        grant = Grant("brand", self.known_scopes, self.developer_app.client_id, "ready", issued_at=self.now())
        self.grants[self.token] = self.refreshes[self.refresh_token] = grant

    def routes(self) -> list[BaseRoute]:
        """Everything TikTok answers; every path of the API ends with a slash."""
        return [*self.sign_in_routes(), *self.posting_routes(), *self.video_routes()]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """An account that renews its token by itself."""
        return {
            "server": base_url or f"https://{self.hosts[0]}",
            "token": self.token,
            "refresh_token": self.refresh_token,
            "client_key": self.developer_app.client_id,
            "client_secret": self.developer_app.client_secret,
        }

    def too_many(self, allowance: Allowance) -> Response:
        """429, with no word on when to come back."""
        return self.envelope("rate_limit_exceeded", "Your request frequency is too high.", 429)

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        """What stands beside a video."""
        words = {"like_count": 120, "comment_count": 24, "share_count": 30, "view_count": 4000}
        return {
            name.removesuffix("_count") + "s": count for name, count in self.growth(entry, **words).items()
        }

    def shown_notes(self, entry: Entry) -> list[str]:
        """Who sees it, and what is disclosed."""
        info = entry.extras["info"]
        notes = {
            entry.visibility: entry.visibility != "PUBLIC_TO_EVERYONE",
            "paid partnership": info.get("brand_content_toggle"),
            "promotes own business": info.get("brand_organic_toggle"),
            "made with AI": info.get("is_aigc"),
            "comments off": info.get("disable_comment"),
        }
        return [words for words, holds in notes.items() if holds]

    def display_name(self, account: str) -> str:
        """The nickname."""
        return self.people[account].name
