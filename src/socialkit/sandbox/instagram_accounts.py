"""Who asks Instagram: an account by itself, or a Facebook Page's token for the account linked to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .core import Answer
from .facebook import FacebookBox
from .meta_auth import LongLivedSignIn

if TYPE_CHECKING:
    from starlette.requests import Request

    from .core import Sandbox

__all__ = ["Accounts", "Instagrammer", "Viewer"]

_DIALOG = "/dialog/oauth"
_SCOPES = "basic content_publish manage_comments manage_insights manage_messages"
_NEEDED = {
    "read": ("instagram_business_basic", "instagram_basic"),
    "publish": ("instagram_business_content_publish", "instagram_content_publish"),
    "comments": ("instagram_business_manage_comments", "instagram_manage_comments"),
    "insights": ("instagram_business_manage_insights", "instagram_manage_insights"),
    "delete": ("", "instagram_manage_contents"),
}
"""The permission of each login, by what it is for."""


@attrs.frozen
class Instagrammer:
    """A professional account: its id, and the other id it has for one app."""

    id: str
    scoped_id: str
    username: str
    name: str
    account_type: str = "BUSINESS"
    followers: int = 1200


@attrs.frozen
class Viewer:
    """Whose account is asked about, and whether through a Page."""

    username: str
    page: bool


class Accounts(LongLivedSignIn):
    """The people of the box, and what their tokens may do."""

    known_scopes = frozenset(f"instagram_business_{name}" for name in _SCOPES.split())
    grants_prefix = "ig"
    basic_scope = "instagram_business_basic"
    token_prefix = "IGAA"
    page_scopes: ClassVar[tuple[str, ...]] = tuple(pair[1] for pair in _NEEDED.values())

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Instagrammer("17841406338772941", "24683579013579246", "brand", "Brand"),
            "other": Instagrammer("17841400927364415", "24913570864209753", "other", "Other"),
        }
        self._ready: dict[tuple[str, str], str] = {}

    @property
    def facebook(self) -> FacebookBox:
        """Facebook's side: the sandbox's own where it has one."""
        found = self.box.boxes.get("facebook")
        if isinstance(found, FacebookBox):
            return found
        return self.box.shared("facebook", lambda: FacebookBox(self.box))

    # ready-made tokens ------------------------------------------------------------------------------

    def token(self, username: str = "brand", *scopes: str) -> str:
        """A token of Instagram Login with these scopes (all of them by default), as after a consent."""
        return self._kept(
            "instagram", username, scopes, lambda: self.token_for(username, *scopes).access_token
        )

    def page_token(self, username: str = "brand", *scopes: str) -> str:
        """The token of the person's first Page, whose Instagram account it reaches."""

        def make() -> str:
            held = self.facebook.token_for(username, *(scopes or (*self.page_scopes, "pages_show_list")))
            page = self.facebook.people[username].pages[0]
            return self.facebook.page_token(held.access_token, held.grant, page)

        return self._kept("facebook", username, scopes, make)

    def _kept(self, login: str, username: str, scopes: Iterable[str], make: Any) -> str:
        name = (login, " ".join((username, *sorted(scopes))))
        if name not in self._ready:
            self._ready[name] = make()
        return self._ready[name]

    # who asks ---------------------------------------------------------------------------------------

    def by_facebook(self, request: Request) -> bool:
        """By the host, or by the form of the token: here one address may be both."""
        host = urlsplit(self.base).hostname
        return host == "graph.facebook.com" or self.token_of(request).startswith("EAA")

    def viewer(self, request: Request, *needs: str, node: str | None = None) -> Viewer:
        """Whose token it is; refused where it lacks a permission, or asks about somebody else's account."""
        page = self.by_facebook(request)
        scopes = [scope for need in ("read", *needs) if (scope := _NEEDED[need][page])]
        wanted = node if node is not None else request.path_params.get("id")
        if not page:
            person = self.people[self.grant(request, *scopes).username]
            if wanted not in (None, "me", person.id, person.scoped_id):
                raise self.nobody(wanted)
            return Viewer(person.username, page)
        grant = self.facebook.grant(request, *scopes)
        own = grant.details.get("page")
        pages = (own,) if own is not None else self.facebook.people[grant.username].pages
        linked = {one.instagram[0]: one.instagram[1] for one in pages if one.instagram}
        if wanted is None:
            wanted = next(iter(linked), None)
        if wanted not in linked:
            raise self.nobody(wanted)
        return Viewer(linked[wanted], page)

    def nobody(self, wanted: Any) -> Answer:
        """100 with subcode 33: there is no such object, or it is not to be seen."""
        words = (
            f"Unsupported request. Object with ID '{wanted}' does not exist, cannot be loaded due to missing"
        )
        return Answer(self.error(404, message=f"{words} permissions, or does not support this operation"))

    # how a person of the sandbox acts ---------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """An Instagram app, or for the flow "facebook" a Facebook app."""
        if flow_name == "facebook":
            return self.facebook.app_for(flow_name, redirect_uri)
        return super().app_for(flow_name, redirect_uri)

    def approve(self, url: str, username: str = "brand", *, untick: Iterable[str] = ()) -> str:
        """The callback address after ``username`` agreed, at Instagram or in Facebook's dialog."""
        if _is_facebook(url):
            return self.facebook.approve(url, username, untick=untick)
        return super().approve(url, username, untick=untick)

    def deny(self, url: str) -> str:
        """The callback address after the person said no."""
        return self.facebook.deny(url) if _is_facebook(url) else super().deny(url)

    def expire(self, token: str) -> None:
        """Make a token old, Instagram's or Facebook's."""
        super().expire(token)
        self.facebook.expire(token)

    def revoke(self, token: str) -> None:
        """End a token and all of its consent, Instagram's or Facebook's."""
        super().revoke(token)
        self.facebook.revoke(token)


def _is_facebook(url: str) -> bool:
    return urlsplit(url).path.endswith(_DIALOG)
