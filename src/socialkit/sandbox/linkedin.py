"""LinkedIn's versioned API as it answers in late 2026: members and Pages, posts, media, comments, numbers, quotas.

Facts: learn.microsoft.com/linkedin and answers people recorded, November 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from .core import Entry
from .linkedin_members import Member
from .linkedin_numbers import Numbers
from .linkedin_wire import Organization

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["LinkedInBox", "Member", "Organization"]

_SCOPES = (
    "r_basicprofile",
    "w_member_social",
    "w_organization_social",
    "r_organization_social",
    "rw_organization_admin",
    "r_member_postAnalytics",
    "r_member_profileAnalytics",
)


class LinkedInBox(Numbers):
    """LinkedIn with the members ``brand`` and ``other``, and a Page, 2414183, that brand administers.

    :meth:`credentials` are those of the Page, :meth:`member_credentials` those of the member. On the Page 5515715 brand
    only reads. The app of the flow "oauth2" has the self-serve products, that of "community" the Community Management
    API: its refresh tokens live 365 days from the consent and are never renewed. ``partner`` True: every app gets them.
    ``details["products"]`` are the scopes on an app (all when left out); ``cancels_at`` says on which page :meth:`deny`
    leaves. ``one_scope_set`` True: a consent to other scopes ends the tokens of the one before
    (whether LinkedIn does that is not confirmed).

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["linkedin"]) as box:
    ...     box.linkedin.partner = True
    ...     print(int(box.linkedin.access_seconds), int(box.linkedin.refresh_seconds))
    5184000 31536000
    """

    platform: ClassVar[str] = "linkedin"
    title: ClassVar[str] = "LinkedIn"
    hosts = ("api.linkedin.com", "www.linkedin.com")
    publish_match: ClassVar[str] = "POST /rest/(posts|socialActions/[^/]+/comments)"
    upload_match: ClassVar[str] = "PUT|POST /(dms-uploads/(image|document)/.*|rest/videos)"

    def routes(self) -> list[BaseRoute]:
        return [
            *self.member_routes(),
            *self.post_routes(),
            *self.media_routes(),
            *self.comment_routes(),
            *self.number_routes(),
        ]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {**self.member_credentials(base_url), "organization": "2414183"}

    def member_credentials(self, base_url: str | None = None, *scopes: str) -> dict[str, Any]:
        """Arguments of the adapter to post as the member; with other scopes than those of the whole API."""
        return {"server": self.address(base_url), "token": self.token("brand", *(scopes or _SCOPES))}

    def token(self, username: str, *scopes: str) -> str:
        """A token of that person, the same one for the same scopes."""
        held = frozenset(scopes or _SCOPES)
        for token, grant in self.grants.items():
            if (grant.username, grant.scopes, grant.client_id) == (username, held, ""):
                return token
        return self.token_for(username, *held).access_token

    def twin_of(self, entry: Entry) -> Entry:
        if entry.extras.get("kind") == "comment":
            number = self.new_urn("comment").rpartition(":")[2]
            extras = {**entry.extras, "number": number}
            urn = f"urn:li:comment:({extras['post']},{number})"
            return attrs.evolve(super().twin_of(entry), id=urn, url=entry.url, extras=extras)
        urn = self.new_urn(entry.id.split(":")[2])
        made = attrs.evolve(super().twin_of(entry), id=urn, created_at=self.now())
        return attrs.evolve(made, url=f"https://www.linkedin.com/feed/update/{urn}/")

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        counts = self.counts(entry)
        return {name: counts[name] for name in ("likes", "comments", "shares", "impressions")}

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        card = (entry.extras.get("given", {}).get("content") or {}).get("article")
        return (card["source"], card["title"], card.get("description", "")) if card else None

    def shown_notes(self, entry: Entry) -> list[str]:
        notes = {
            "comment": entry.extras.get("kind") == "comment",
            "comments are closed": entry.extras.get("comments") == "CLOSED",
            f"seen by: {entry.visibility}": entry.visibility != "public",
        }
        return [words for words, holds in notes.items() if holds]

    def display_name(self, account: str) -> str:
        return self.name_of(account) or account
