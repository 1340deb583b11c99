"""Instagram's side of signing in and of everything after it: with Instagram itself, and through the Pages of
:mod:`.facebook`.

Facts: Meta's documentation of the Instagram API with both logins, Graph API v26.0, November 2026.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from ._graph_batch import first_of
from .core import Answer, Entry
from .facebook import VERSION
from .instagram_reads import Reads, minutes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Allowance, Sandbox
    from .facebook import Handler
    from .sign_in import Grant, Issued

__all__ = ["InstagramBox"]

Json = dict[str, Any]


class InstagramBox(Reads):
    """Two professional accounts, ``brand`` and ``other``, which sign in by themselves or through their Facebook Pages.

    ``wrapped`` True puts the answer with the first token into ``{"data": [...]}``, as has been seen. The people, apps
    and tokens of Facebook are those of the sandbox's Facebook where it has one; its hosts are then shared with it.
    :meth:`credentials` are those of Instagram Login, :meth:`page_credentials` those of Facebook Login.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["instagram"]) as box:
    ...     print(box.instagram.identity_of("brand"))
    17841406338772941
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "instagram"
    title: ClassVar[str] = "Instagram"
    hosts = ("graph.instagram.com", "api.instagram.com", "www.instagram.com")
    guest_hosts: ClassVar[tuple[str, ...]] = (
        "graph.facebook.com",
        "www.facebook.com",
        "rupload.facebook.com",
    )
    publish_match: ClassVar[str] = rf"POST (/{VERSION})?/\w+/media_publish"
    upload_match: ClassVar[str] = rf"POST ((/{VERSION})?/\w+/media|/ig-api-upload/.*)"
    ignores_trailing_slash: ClassVar[bool] = True
    wrapped: bool = False

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._last = 0
        self.start_containers()

    # the core's questions ---------------------------------------------------------------------------

    def claims(self, request: Request) -> bool:
        """What is asked of an account, post, comment, container or file of Instagram; a batch by its first request."""
        steps = request.url.path.strip("/").split("/")
        if steps[0] == "ig-api-upload":
            return True
        if steps[0] == "media":
            return steps[-1] in self.media
        if steps[-1] in ("", VERSION):
            first = first_of(self, request, VERSION)
            return first is not None and self.claims(first)
        return self._knows(steps[1] if steps[0] == VERSION and len(steps) > 1 else steps[0])

    def _knows(self, native: str) -> bool:
        comments = (one["id"] for entry in self.entries.values() for one in entry.extras["comments"])
        accounts = (one.id for one in self.people.values())
        return native in self.entries or native in self.containers or native in (*accounts, *comments)

    def routes(self) -> list[BaseRoute]:
        """Instagram's own addresses, and below the version what of Facebook's is needed."""
        theirs = [
            self.route(method, f"/{VERSION}{path}", self._of_facebook(handler))
            for method, path, handler in self.facebook.handlers()
            if path in _SIGNING_IN
        ]
        edges = [
            self.route(method, f"{below}/{{id}}/{{edge}}", self.handle)
            for below in (f"/{VERSION}", "")
            for method in ("GET", "POST")
        ]
        nodes = [
            self.route(method, f"/{VERSION}/{{id}}", self.handle) for method in ("GET", "POST", "DELETE")
        ]
        return [
            self.route("GET", "/media/{media_id}", self.media_file),  # before what looks like an edge
            *self.consent_routes("/oauth/authorize"),
            *self.token_routes(),
            self.route("GET", "/me", self.show_me),
            *theirs,
            self.route("POST", f"/ig-api-upload/{VERSION}/{{container}}", self.take_bytes),
            *(self.route("POST", root, self.batch) for root in (f"/{VERSION}/", f"/{VERSION}", "/")),
            *nodes,
            *edges,
        ]

    def table(self) -> dict[tuple[str, str], Handler]:
        """(method, edge) → handler."""
        return {
            ("GET", ""): self.show_node,
            ("POST", ""): self.change_post,
            ("DELETE", ""): self.delete_post,
            ("POST", "media"): self.create_container,
            ("GET", "media"): self.list_media,
            ("GET", "stories"): self.list_stories,
            ("POST", "media_publish"): self.publish,
            ("GET", "content_publishing_limit"): self.show_limit,
            ("GET", "insights"): self.show_insights,
            ("GET", "children"): self.list_children,
            ("GET", "comments"): self.list_comments,
            ("POST", "comments"): self.add_comment,
        }

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """With Instagram Login."""
        return {"server": base_url or f"https://{self.hosts[0]}", "token": self.token("brand")}

    def page_credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """With Facebook Login: the token of the brand's Page."""
        return {"server": base_url or "https://graph.facebook.com", "token": self.page_token("brand")}

    def new_id(self) -> str:
        self._last = max(self._last + 1, int(self.now().timestamp() * 1000) % 10**13)
        return f"1789{self._last:013}"

    def too_many(self, allowance: Allowance) -> Response:
        """Error 4, whatever was used up."""
        return self.graph_error(4, "(#4) Application request limit reached", status=403)

    def limit_headers(self, allowance: Allowance) -> Mapping[str, str]:
        """How much is used in per cent, and the minutes until more is to be had."""
        if allowance.allowed:
            return {}
        used = {"type": "instagram", "call_count": 100, "total_cputime": 20, "total_time": 20}
        used["estimated_time_to_regain_access"] = minutes(allowance.reset - self.now())
        return {"x-business-use-case-usage": json.dumps({self.people["brand"].id: [used]})}

    def token_expired(self) -> Response:
        """190 with subcode 463."""
        return self.token_dead(463)

    def twin_of(self, entry: Entry) -> Entry:
        return self.addressed(super().twin_of(entry))

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        counts = self.counts_of(entry)
        return {name: counts[name] for name in ("likes", "comments", "shares", "views")}

    def shown_notes(self, entry: Entry) -> list[str]:
        given, product = entry.extras["given"], entry.extras["product"]
        notes = {
            "story": product == "STORY",
            "reel": product == "REELS",
            "made with AI": given.get("is_ai_generated") == "true",
            "comments closed": entry.extras["closed"],
            f"with {given.get('collaborators')}": "collaborators" in given,
        }
        comments = [f"{one['username']}: {one['text']}" for one in entry.extras["comments"]]
        return [words for words, holds in notes.items() if holds] + comments

    def display_name(self, account: str) -> str:
        return str(self.people[account].name)

    def _of_facebook(self, handler: Handler) -> Handler:
        """Facebook's handler, which is told where the request came in."""

        def handle(request: Request) -> Response:
            held, self.facebook.turn = self.facebook.turn, self.turn
            try:
                return handler(request)
            finally:
                self.facebook.turn = held

        return handle

    # tokens -----------------------------------------------------------------------------------------

    def short_answer(self, token: str, grant: Grant) -> Json:
        """Flat or wrapped, with the permissions in one text."""
        user: int | str = self.user_id(grant) if self.wrapped else int(self.user_id(grant))
        told = {"access_token": token, "user_id": user, "permissions": ",".join(sorted(grant.scopes))}
        return {"data": [told]} if self.wrapped else told

    def long_answer(self, issued: Issued, *, renewed: bool) -> Json:
        """A renewal tells the permissions again."""
        told = super().long_answer(issued, renewed=renewed)
        return {**told, "permissions": issued.scope(",")} if renewed else told

    # nodes ------------------------------------------------------------------------------------------

    def show_me(self, request: Request) -> Response:
        """``GET /me``: the account; ``user_id`` is its id, ``id`` is for this app alone."""
        from starlette.responses import JSONResponse

        person = self.people[self.grant(request, self.basic_scope).username]
        posts = self.listed(person.username)
        known: Json = {
            "id": person.scoped_id,
            "user_id": person.id,
            "username": person.username,
            "name": person.name,
            "account_type": person.account_type,
            "profile_picture_url": "https://example.com/picture.png",
            "followers_count": person.followers,
            "follows_count": 0,
            "media_count": len(posts),
            "biography": "",
            "website": "",
        }
        return JSONResponse(self.fields_of(request, known))

    def show_node(self, request: Request) -> Response:
        """``GET /v26.0/{id}``: a post, a container, an account, or what of Facebook's it is."""
        from starlette.responses import JSONResponse

        wanted = str(request.path_params["id"])
        fields = str(self.given(request).get("fields") or "id")
        if wanted in self.entries or wanted in self.containers:
            return JSONResponse(self._own_node(request, wanted, fields))
        host = urlsplit(self.base).hostname
        if self.by_facebook(request) and not (wanted == "me" and host == "graph.instagram.com"):
            return self._by_page(request, wanted)
        person = self.people[self.grant(request).username]
        if wanted not in ("me", person.id, person.scoped_id):
            raise Answer(
                self.error(404, message=f"Unsupported get request. Object '{wanted}' does not exist")
            )
        return self.show_me(request)

    def _own_node(self, request: Request, wanted: str, fields: str) -> Json:
        container = self.containers.get(wanted)
        if container is not None:
            self.viewer(request, node=self.people[container.owner].id)
            return self.show_container(container, [name for name in fields.split(",") if name])
        viewer = self.viewer(request, node=self._owner_of(wanted))
        if self.fresh_404 > 0:
            self.fresh_404 -= 1
            raise self.nobody(wanted)
        return self.show_post(self.own_post(wanted, viewer), fields, viewer)

    def _by_page(self, request: Request, wanted: str) -> Response:
        """An account by its id; all else is Facebook's."""
        from starlette.responses import JSONResponse

        person = next((one for one in self.people.values() if one.id == wanted), None)
        if person is None:
            return self._of_facebook(self.facebook.show_node)(request)
        self.viewer(request, node=wanted)
        known = {
            **{
                name: value
                for name, value in attrs.asdict(person).items()
                if name in ("id", "username", "name")
            },
            "followers_count": person.followers,
            "follows_count": 0,
            "media_count": len(self.listed(person.username)),
        }
        return JSONResponse(self.fields_of(request, known))


_SIGNING_IN = frozenset(
    {
        "/dialog/oauth",
        "/oauth/access_token",
        "/debug_token",
        "/me/accounts",
        "/me/permissions",
        "/me/permissions/{name}",
    }
)
