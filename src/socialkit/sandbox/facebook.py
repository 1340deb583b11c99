"""Facebook's Graph API v26.0 as it answers in late 2026: Pages, what is published on them, and signing in.

Here: the dialog, short and long tokens of people, the Pages and their tokens. :mod:`.facebook_posts`: publishing.
Facts: Meta's documentation of Facebook Login, access tokens and the Pages API, November 2026.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

import attrs

from .core import Answer
from .facebook_posts import Posts
from .facebook_views import VERSION, Ask, Fields
from .sign_in import Grant, RegisteredApp

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["VERSION", "FacebookBox"]

Json = dict[str, Any]
Handler = Callable[["Request"], "Response"]
_SCOPES = (
    "business_management instagram_basic instagram_content_publish instagram_manage_comments "
    "instagram_manage_contents instagram_manage_insights instagram_manage_messages pages_manage_engagement "
    "pages_manage_metadata pages_manage_posts pages_messaging pages_read_engagement pages_read_user_content "
    "pages_show_list publish_video read_insights ads_management"
)
_TASKS = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")
_PAGE_FIELDS = "access_token,category,category_list,name,id,tasks"
_FIELD = re.compile(r"(\w+)(?:\{([^}]*)\})?")


@attrs.frozen
class Page:
    """A Page; ``instagram`` is the (id, username) of the account linked to it."""

    id: str
    name: str
    username: str
    instagram: tuple[str, str] | None = None


@attrs.frozen
class Facebooker:
    """A person and the Pages they manage."""

    id: str
    name: str
    pages: tuple[Page, ...]


class FacebookBox(Posts):
    """``brand`` manages two Pages, the first with an Instagram account; ``other`` manages one.

    :meth:`credentials` is the token of ``brand``'s first Page. ``people``, ``photos``, ``clips`` and ``scheduled`` are
    what tests look into beside the timeline.

    ``page_limit`` is the most Pages one answer lists. ``tells_expiry`` False leaves ``expires_in`` out of the answer
    with the long-lived token, as has been seen.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["facebook"]) as box:
    ...     print(box.facebook.identity_of("brand"))
    245628824887810
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "facebook"
    title: ClassVar[str] = "Facebook"
    hosts = ("graph.facebook.com", "graph-video.facebook.com", "rupload.facebook.com", "www.facebook.com")
    known_scopes = frozenset(_SCOPES.split())
    short_seconds = 5000.0
    page_limit: int = 100
    tells_expiry: bool = True

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        boat = Page("245628824887810", "Brand", "brand", ("17841406338772941", "brand"))
        help_page = Page("245628824887999", "Brand support", "brandsupport")
        rival = Page("318720459961207", "Other", "other", ("17841400927364415", "other"))
        self.people = {
            "brand": Facebooker("10226493875114028", "Brand", (boat, help_page)),
            "other": Facebooker("10158374629905713", "Other", (rival,)),
        }
        self.permissions: dict[tuple[str, str], dict[str, str]] = {}
        """(username, client id) → permission → granted or declined."""
        self._page_tokens: dict[tuple[str, str], str] = {}

    def identity_of(self, username: str) -> str:
        """The id of the person's first Page."""
        return str(self.people[username].pages[0].id)

    def routes(self) -> list[BaseRoute]:
        """The dialog, what of the Graph API signing in needs, and what a Page's token is good for."""
        signing = [
            self.route(method, f"/{VERSION}{path}", handler) for method, path, handler in self.handlers()
        ]
        return [*signing[:-1], *self.page_routes(), signing[-1]]

    def credentials(self, base_url: str | None = None) -> Json:
        """The token of ``brand``'s first Page."""
        return {"server": base_url or f"https://{self.hosts[0]}", "token": self.page_token_of("brand")}

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """(method, path below the version, handler), the more special ones first."""
        return [
            ("GET", "/dialog/oauth", self.show_consent),
            ("POST", "/dialog/oauth", self.press),
            ("GET", "/oauth/access_token", self.give_token),
            ("POST", "/oauth/access_token", self.give_token),
            ("GET", "/debug_token", self.debug_token),
            ("GET", "/me/accounts", self.list_pages),
            ("GET", "/me/permissions", self.list_permissions),
            ("DELETE", "/me/permissions", self.end_permissions),
            ("DELETE", "/me/permissions/{name}", self.end_permissions),
            ("GET", "/{id}", self.show_node),
        ]

    # consent ---------------------------------------------------------------------------------------

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """In the Graph API's shape: 101 for the app, 100 for all else."""
        return Answer(self.graph_error(101 if code == "invalid_client" else 100, words))

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        """A code. Permissions add up per person and app; one declined before is asked for only on ``rerequest``."""
        held = self.permissions.setdefault((username, str(asked.get("client_id"))), {})
        for name in self.asked_scopes(asked):
            declined = held.get(name) == "declined" and asked.get("auth_type") != "rerequest"
            held[name] = "granted" if name in scopes and not declined else "declined"
        granted = frozenset(name for name, status in held.items() if status == "granted")
        return super().new_code(asked, username, granted)

    # tokens ----------------------------------------------------------------------------------------

    def give_token(self, request: Request) -> Response:
        """``/oauth/access_token``: for a code, a token to lengthen, or the app itself."""
        from starlette.responses import JSONResponse

        given = self.given(request)
        app = self.client_of(request, given)
        kind = given.get("grant_type") or "authorization_code"
        if kind == "client_credentials":
            own = f"{app.client_id}|{app.client_secret}"
            return JSONResponse({"access_token": own, "token_type": "bearer"})
        if kind == "fb_exchange_token":
            return self._lengthen(str(given.get("fb_exchange_token") or ""), app)
        grant = self.redeem({**given, "grant_type": kind}, app)
        token = self.mint(grant, "short", self.short_seconds)
        lives = int(self.short_seconds)
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": lives})

    def _lengthen(self, token: str, app: RegisteredApp) -> Response:
        """A living token of a person, short or long, becomes one of 60 days."""
        from starlette.responses import JSONResponse

        grant = self.living(token)
        if grant.client_id != app.client_id or grant.details.get("kind") == "page":
            raise Answer(self.graph_error(100, "(#100) not a token of a person for this app"))
        issued = self.issue(grant)
        answer: Json = {"access_token": issued.access_token, "token_type": "bearer"}
        if self.tells_expiry and issued.expires_in is not None:
            answer["expires_in"] = issued.expires_in
        return JSONResponse(answer)

    def spend_refresh(self, token: str) -> Grant:
        """Facebook has no refresh tokens."""
        raise Answer(self.graph_error(100, "(#100) unsupported grant_type"))

    def page_token(self, user_token: str, grant: Grant, page: Page) -> str:
        """The Page's token: it does not end when it comes of a long-lived token, else it ends with the short one."""
        token = self._page_tokens.get((user_token, page.id))
        if token is None:
            ends = grant.details.get("ends")
            short = grant.details.get("kind") == "short" and ends is not None
            seconds = (ends - self.now()).total_seconds() if short and ends is not None else math.inf
            token = self.mint(grant, "page", seconds, page=page)
            self._page_tokens[user_token, page.id] = token
        return token

    def inspected(self, token: str, grant: Grant) -> Json:
        """With the app's id, what each permission is for, and the Page of a Page's token."""
        page: Page | None = grant.details.get("page")
        pages = [one.id for one in self.people[grant.username].pages]
        granular = [{"scope": name, "target_ids": pages} for name in sorted(grant.scopes)]
        told = {"app_id": grant.client_id, **super().inspected(token, grant), "granular_scopes": granular}
        return {**told, "profile_id": page.id} if page is not None else told

    def user_grant(self, request: Request, *scopes: str) -> Grant:
        """What a person's own token stands for; 100 for a Page's."""
        grant = self.grant(request, *scopes)
        if grant.details.get("kind") == "page":
            raise Answer(self.graph_error(100, "(#100) a Page has no such field or edge"))
        return grant

    # the Graph API ---------------------------------------------------------------------------------

    def list_pages(self, request: Request) -> Response:
        """``GET /me/accounts``: the Pages, a page of them at a time."""
        from starlette.responses import JSONResponse

        grant = self.user_grant(request, "pages_show_list")
        limit, start = request.query_params.get("limit", "25"), request.query_params.get("after", "c0")
        if not (limit.isdigit() and int(limit) and re.fullmatch(r"c\d+", start)):
            raise Answer(self.graph_error(100, "(#100) limit or cursor is not valid"))
        size, first = min(int(limit), self.page_limit), int(start[1:])
        pages = self.people[grant.username].pages
        fields = request.query_params.get("fields", _PAGE_FIELDS)
        listed = pages[first : first + size]
        data = [self._page(page, fields, self.token_of(request), grant) for page in listed]
        cursors = {"before": f"c{first}", "after": f"c{first + len(listed)}"}
        paging: Json = {"cursors": cursors}
        if first + size < len(pages):
            paging["next"] = self._next(request, cursors["after"])
        return JSONResponse({"data": data, **({"paging": paging} if listed else {})})

    def _next(self, request: Request, after: str) -> str:
        """The next page's address: with the token in it only when it came as a parameter."""
        query = {**dict(request.query_params), "after": after}
        return f"{self.base}/{VERSION}/me/accounts?{urlencode(query)}"

    def _page(self, page: Page, fields: str, token: str, grant: Grant) -> Json:
        known: Json = {
            "id": page.id,
            "name": page.name,
            "username": page.username,
            "category": "Brand",
            "category_list": [{"id": "1605186416478696", "name": "Brand"}],
            "tasks": list(_TASKS),
            "picture": {"data": {"url": "https://example.com/picture.png", "is_silhouette": False}},
            "access_token": None,
            "instagram_business_account": None,
        }
        told: Json = {}
        for name, inner in _FIELD.findall(fields):
            if name not in known:
                raise Answer(self.graph_error(100, f"(#100) Tried accessing nonexisting field ({name})"))
            told[name] = known[name]
            if name == "access_token":
                told[name] = self.page_token(token, grant, page)
            if name == "instagram_business_account":
                told[name] = self._linked(page, inner, grant)
        return {"id": page.id, **{name: value for name, value in told.items() if value is not None}}

    @staticmethod
    def _linked(page: Page, inner: str, grant: Grant) -> Json | None:
        """The Instagram account of a Page; not there without the permission, or when there is none."""
        if page.instagram is None or "instagram_basic" not in grant.scopes:
            return None
        known = {"id": page.instagram[0], "username": page.instagram[1], "name": page.name}
        return {name: known[name] for name in ("id", *inner.split(",")) if name in known}

    def list_permissions(self, request: Request) -> Response:
        """``GET /me/permissions``: granted and declined, for a person's own token alone."""
        from starlette.responses import JSONResponse

        grant = self.user_grant(request)
        held = self.permissions.get((grant.username, grant.client_id), {})
        data = [{"permission": name, "status": held[name]} for name in sorted(held)]
        return JSONResponse({"data": data})

    def end_permissions(self, request: Request) -> Response:
        """``DELETE /me/permissions``: every token of the person for the app ends; with a name, one permission goes."""
        from starlette.responses import JSONResponse

        grant = self.user_grant(request)
        name = request.path_params.get("name")
        pair = (grant.username, grant.client_id)
        tokens = [token for token, one in self.grants.items() if (one.username, one.client_id) == pair]
        if name is None:
            self.permissions.pop(pair, None)
            for token in tokens:
                self.end(token)
        else:
            self.permissions.get(pair, {}).pop(name, None)
            for token in tokens:
                self.grants[token] = attrs.evolve(
                    self.grants[token], scopes=self.grants[token].scopes - {name}
                )
        return JSONResponse({"success": True})

    def show_node(self, request: Request) -> Response:
        """``GET /{id}``: the person, a Page or its Instagram account, for a token that reaches it."""
        from starlette.responses import JSONResponse

        grant = self.grant(request)
        wanted = str(request.path_params["id"])
        person: Facebooker = self.people[grant.username]
        page: Page | None = grant.details.get("page")
        own = page.id if page is not None else person.id
        self._refuse_query(request)
        if (told := self.thing(wanted, self.asked(request, "id,created_time"), grant)) is not None:
            return JSONResponse(told)
        for node in self._nodes(person, page, grant):
            if node["id"](Ask("id")) == (own if wanted == "me" else wanted):
                return JSONResponse(self.shown(node, self.asked(request, "id,name")))
        raise Answer(self.error(404, message=f"Unsupported get request. Object '{wanted}' does not exist"))

    def _nodes(self, person: Facebooker, page: Page | None, grant: Grant) -> list[Fields]:
        """What the token reaches: a Page's its own Page, a person's all of theirs."""
        pages = (page,) if page is not None else person.pages
        nodes = [] if page is not None else [_told(id=person.id, name=person.name)]
        nodes += [self._page_node(one, grant) for one in pages]
        linked = [(one.instagram, one.name) for one in pages if "instagram_basic" in grant.scopes]
        return nodes + [_told(id=ig[0], username=ig[1], name=name) for ig, name in linked if ig]

    def _page_node(self, page: Page, grant: Grant) -> Fields:
        """What a Page tells of itself."""

        def linked(ask: Ask) -> Json | None:
            return self._linked(page, ",".join(one.name for one in ask.inner), grant)

        told = _told(
            id=page.id,
            name=page.name,
            username=page.username,
            category="Brand",
            link=f"https://www.facebook.com/{page.username}",
            followers_count=1200,
            fan_count=1150,
        )
        return {**told, "instagram_business_account": linked}


def _told(**values: Any) -> Fields:
    """Fields that are what they are, whoever asks."""
    return {name: partial(_value, value) for name, value in values.items()}


def _value(value: Any, _: Ask) -> Any:
    return value
