"""Threads' side of signing in: https callbacks, a code with ``#_``, tokens of an hour and of 60 days.

Facts: Meta's documentation of the Threads API as of July 2026 and its request collection of January 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from .core import Answer
from .meta_auth import LongLivedSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox
    from .sign_in import RegisteredApp

__all__ = ["ThreadsBox"]

Json = dict[str, Any]
_SCOPES = (
    "basic content_publish manage_replies read_replies manage_insights manage_mentions keyword_search delete "
    "location_tagging profile_discovery share_to_instagram"
)
_WRONG_APP = 4476002


@attrs.frozen
class Threader:
    """A Threads profile. Ids are numbers above 2^53: a reader that takes them for floats loses digits."""

    id: str
    username: str
    name: str


class ThreadsBox(LongLivedSignIn):
    """Two profiles, ``brand`` and ``other``; the app is a Threads app, its Facebook number is refused.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["threads"]) as box:
    ...     print(box.threads.identity_of("brand"))
    17841405793187219
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "threads"
    title: ClassVar[str] = "Threads"
    publishes: ClassVar[bool] = False
    hosts = (
        "graph.threads.net",
        "graph.threads.com",
        "threads.net",
        "www.threads.net",
        "threads.com",
        "www.threads.com",
    )
    known_scopes = frozenset(f"threads_{name}" for name in _SCOPES.split())
    grants_prefix = "th"
    basic_scope = "threads_basic"
    token_prefix = "THQV"
    app_token_prefix = "TH|"
    https_only = True
    facebook_app_id: ClassVar[str] = "1204789561230458"
    """The number of the same app at Facebook, which people take by mistake."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Threader("17841405793187219", "brand", "Brand"),
            "other": Threader("17841409264815301", "other", "Other"),
        }

    def routes(self) -> list[BaseRoute]:
        """Consent, tokens, inspection, the profile."""
        return [
            *self.consent_routes("/oauth/authorize"),
            *self.token_routes(),
            self.route("GET", "/oauth/access_token", self.give_app_token),
            self.route("GET", "/v1.0/debug_token", self.debug_token),
            self.route("GET", "/v1.0/me", self.show_me),
        ]

    def app_asked(self, asked: Json) -> RegisteredApp:
        """4476002 for the app's Facebook number."""
        if asked.get("client_id") == self.facebook_app_id:
            raise Answer(self.graph_error(_WRONG_APP, "The app is no Threads app"))
        return super().app_asked(asked)

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        """4476002 for the app's Facebook number."""
        if given.get("client_id") == self.facebook_app_id:
            raise Answer(self.graph_error(_WRONG_APP, "The app is no Threads app"))
        return super().client_of(request, given)

    def give_app_token(self, request: Request) -> Response:
        """``GET /oauth/access_token?grant_type=client_credentials``: the app's own token."""
        from starlette.responses import JSONResponse

        given = self.given(request)
        app = self.client_of(request, given)
        if given.get("grant_type") != "client_credentials":
            raise self.oauth_error("unsupported_grant_type", "grant_type must be client_credentials")
        token = f"TH|{app.client_id}|{app.client_secret}"
        return JSONResponse({"access_token": token, "token_type": "bearer"})

    def show_me(self, request: Request) -> Response:
        """``GET /v1.0/me``: the profile."""
        from starlette.responses import JSONResponse

        person = self.people[self.grant(request, "threads_basic").username]
        known = {
            "id": person.id,
            "username": person.username,
            "name": person.name,
            "is_verified": False,
            "threads_profile_picture_url": "https://example.com/picture.png",
            "threads_biography": "",
            "recently_searched_keywords": [],
            "is_eligible_for_geo_gating": False,
        }
        return JSONResponse(self.fields_of(request, known))
