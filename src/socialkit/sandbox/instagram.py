"""Instagram's side of signing in: with Instagram itself, and through the Pages of :mod:`.facebook`.

Facts: Meta's documentation of the Instagram API with both logins, Graph API v26.0, November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from .core import Answer
from .facebook import VERSION, FacebookBox
from .meta_auth import LongLivedSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox
    from .facebook import Handler
    from .sign_in import Grant, Issued

__all__ = ["InstagramBox"]

Json = dict[str, Any]
_DIALOG = "/dialog/oauth"
_SCOPES = "basic content_publish manage_comments manage_insights manage_messages"


@attrs.frozen
class Instagrammer:
    """A professional account: its id, and the other id it has for one app."""

    id: str
    scoped_id: str
    username: str
    name: str
    account_type: str = "BUSINESS"


class InstagramBox(LongLivedSignIn):
    """Two professional accounts, ``brand`` and ``other``, which sign in by themselves or through their Facebook Pages.

    ``wrapped`` True puts the answer with the first token into ``{"data": [...]}``, as has been seen. The people, apps
    and tokens of Facebook are those of the sandbox's Facebook where it has one.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["instagram"]) as box:
    ...     print(box.instagram.identity_of("brand"))
    17841406338772941
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "instagram"
    title: ClassVar[str] = "Instagram"
    publishes: ClassVar[bool] = False
    hosts = (
        "graph.instagram.com",
        "api.instagram.com",
        "www.instagram.com",
        "graph.facebook.com",
        "www.facebook.com",
    )
    known_scopes = frozenset(f"instagram_business_{name}" for name in _SCOPES.split())
    grants_prefix = "ig"
    basic_scope = "instagram_business_basic"
    token_prefix = "IGAA"
    wrapped: bool = False

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Instagrammer("17841406338772941", "24683579013579246", "brand", "Brand"),
            "other": Instagrammer("17841400927364415", "24913570864209753", "other", "Other"),
        }

    @property
    def facebook(self) -> FacebookBox:
        """Facebook's side: the sandbox's own where it has one."""
        found = self.box.boxes.get("facebook")
        if isinstance(found, FacebookBox):
            return found
        return self.box.shared("facebook", lambda: FacebookBox(self.box))

    # how a person of the sandbox acts --------------------------------------------------------------

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

    # routes ----------------------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        """Instagram's own addresses, and below the version what of Facebook's is needed."""
        theirs = [
            self.route(method, f"/{VERSION}{path}", self._of_facebook(handler))
            for method, path, handler in self.facebook.handlers()
            if path != "/{id}"
        ]
        return [
            *self.consent_routes("/oauth/authorize"),
            *self.token_routes(),
            self.route("GET", "/me", self.show_me),
            *theirs,
            self.route("GET", f"/{VERSION}/{{id}}", self.show_node),
        ]

    def _of_facebook(self, handler: Handler) -> Handler:
        """Facebook's handler, which is told where the request came in."""

        def handle(request: Request) -> Response:
            held, self.facebook.turn = self.facebook.turn, self.turn
            try:
                return handler(request)
            finally:
                self.facebook.turn = held

        return handle

    # tokens ----------------------------------------------------------------------------------------

    def short_answer(self, token: str, grant: Grant) -> Json:
        """Flat or wrapped, with the permissions in one text."""
        user: int | str = self.user_id(grant) if self.wrapped else int(self.user_id(grant))
        told = {"access_token": token, "user_id": user, "permissions": ",".join(sorted(grant.scopes))}
        return {"data": [told]} if self.wrapped else told

    def long_answer(self, issued: Issued, *, renewed: bool) -> Json:
        """A renewal tells the permissions again."""
        told = super().long_answer(issued, renewed=renewed)
        return {**told, "permissions": issued.scope(",")} if renewed else told

    # the profile -----------------------------------------------------------------------------------

    def show_me(self, request: Request) -> Response:
        """``GET /me``: the account; ``user_id`` is its id, ``id`` is for this app alone."""
        from starlette.responses import JSONResponse

        person = self.people[self.grant(request, self.basic_scope).username]
        known: Json = {
            "id": person.scoped_id,
            "user_id": person.id,
            "username": person.username,
            "name": person.name,
            "account_type": person.account_type,
            "profile_picture_url": "https://example.com/picture.png",
            "followers_count": 0,
            "follows_count": 0,
            "media_count": 0,
            "biography": "",
            "website": "",
        }
        return JSONResponse(self.fields_of(request, known))

    def show_node(self, request: Request) -> Response:
        """``GET /v26.0/{id}``: by the host, and where one host is both, by the form of the token."""
        wanted, host = request.path_params["id"], urlsplit(self.base).hostname
        facebook = host == "graph.facebook.com" or self.token_of(request).startswith("EAA")
        if facebook and not (wanted == "me" and host == "graph.instagram.com"):
            return self._of_facebook(self.facebook.show_node)(request)
        person = self.people[self.grant(request).username]
        if wanted not in ("me", person.id, person.scoped_id):
            raise Answer(
                self.error(404, message=f"Unsupported get request. Object '{wanted}' does not exist")
            )
        return self.show_me(request)


def _is_facebook(url: str) -> bool:
    return urlsplit(url).path.endswith(_DIALOG)
