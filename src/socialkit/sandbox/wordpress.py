"""WordPress as far as people sign in: application passwords of a site of one's own, and WordPress.com's OAuth 2.0.

Facts: source and recorded answers of WordPress 6.7 to 7.1, developer.wordpress.com, read in November 2026.
"""

from __future__ import annotations

import base64
import html
import re
import uuid
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from ._keyed import Keyed
from .core import Answer, body
from .sign_in import Grant, Issued, with_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["WordPressBox"]

Json = dict[str, Any]
_PAGE = "/wp-admin/authorize-application.php"
_PASSWORDS = "/wp/v2/users/me/application-passwords"


@attrs.frozen
class User:
    """A user of the site, and of WordPress.com with a blog there."""

    id: str
    username: str
    name: str
    email: str
    role: str
    blog: str
    account: str


class WordPressBox(Keyed):
    """A site with two users, ``brand`` (administrator) and ``other`` (author); both have a WordPress.com blog too.

    :meth:`identity_of` tells the user of the site, after a consent on WordPress.com that of the blog.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["wordpress"]) as box:
    ...     print(box.wordpress.identity_of("brand"))
    1
    """

    platform: ClassVar[str] = "wordpress"
    title: ClassVar[str] = "WordPress"
    publishes: ClassVar[bool] = False
    hosts = ("wordpress.example.com", "public-api.wordpress.com")
    known_scopes: ClassVar[frozenset[str]] = frozenset(
        {"posts", "media", "comments", "taxonomy", "stats", "users", "sites", "global", "auth"}
    )
    pretty: bool = True
    """False: plain permalinks; only ``?rest_route=`` reaches the API."""
    application_passwords: bool = True
    """False: they are switched off (no https, or a security plugin)."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": User(
                "1", "brand", "Brand", "brand@example.com", "administrator", "210000001", "31000001"
            ),
            "other": User("2", "other", "Other", "other@example.com", "author", "210000002", "31000002"),
        }
        self._blogs: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        found = [
            *self.consent_routes(_PAGE),
            *self.consent_routes("/oauth2/authorize"),
            self.route("POST", "/oauth2/token", self.give_token),
            self.route("GET", "/oauth2/token-info", self.token_info),
        ]
        for method in ("GET", "POST", "DELETE"):
            found += [
                self.route(method, path, self.rest) for path in ("/", "/wp-json", "/wp-json/{path:path}")
            ]
        return found

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        named, words = _DEFAULTS.get(status, ("internal_server_error", "There has been a critical error."))
        told = {"code": code or named, "message": message or words, "data": {"status": status}}
        return JSONResponse(told, status, self._headers())

    # the person ------------------------------------------------------------------------------------

    def identity_of(self, username: str) -> str:
        user = self.people[username]
        return f"{user.blog}:{user.account}" if username in self._blogs else str(user.id)

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return super().app_for(flow_name, redirect_uri) if flow_name == "wordpress_com" else {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        """User name and application password as pages show them, in groups of four."""
        if flow_name != "password":
            return {}
        self._blogs.discard(username)
        password = self.key_of(username)
        return {"user_login": username, "password": " ".join(re.findall(".{4}", password))}

    def key_of(self, username: str, place: str = "key", *scopes: str) -> str:
        password = super().key_of(username, place, *scopes)
        if not self.grants[password].details:
            self._keep(password, username, "By hand", "")
        return password

    def new_key(self, username: str, place: str) -> str:
        digits = base64.b32encode(bytes.fromhex(self.digest("password", username, place))).decode()
        return f"{digits[:12]}{digits[12:24].lower()}"

    def _keep(self, password: str, username: str, name: str, app_id: str) -> None:
        number = str(uuid.UUID(self.digest("password", password)[:32], version=4))
        about = {"uuid": number, "app_id": app_id, "name": name}
        about["created"] = self.now().strftime("%Y-%m-%dT%H:%M:%S")
        self.grants[password] = Grant(
            username, frozenset(), issued_at=self.now(), details=about, kind="password"
        )

    # the page that makes an application password ---------------------------------------------------

    def asked_in(self, url: str) -> Json:
        asked = super().asked_in(url)
        site, page, _ = url.partition(_PAGE)
        return {**asked, "page": site} if page else asked

    def check_asked(self, asked: Json) -> None:
        """The page is closed to callbacks that are neither https nor of a scheme of an app's own."""
        if not asked.get("page"):
            super().check_asked(asked)
            return
        if not self.application_passwords:
            raise Answer(self._died("Application passwords are not available.", 501))
        for name in ("success_url", "reject_url"):
            if not _good_callback(str(asked.get(name) or "")):
                raise Answer(self._died("The URL must be served over a secure connection.", 500))
        if asked.get("app_id") and not _UUID.fullmatch(str(asked["app_id"])):
            raise Answer(self._died("The application ID must be a UUID.", 500))

    def approve(self, url: str, username: str = "brand", *, untick: Iterable[str] = ()) -> str:
        """The callback address; "" when the page had none and only shows the password: ``answers("password")``."""
        asked = self.asked_in(url)
        if not asked.get("page"):
            self._blogs.add(username)
            return super().approve(url, username, untick=untick)
        self.check_asked(asked)
        self._blogs.discard(username)
        if not asked.get("success_url"):
            return ""
        password = self.new_key(username, self.serial("made"))
        self._keep(password, username, str(asked.get("app_name") or "App"), str(asked.get("app_id") or ""))
        given = {"site_url": asked["page"], "user_login": username, "password": password}
        return with_query(str(asked["success_url"]), given)

    def deny(self, url: str) -> str:
        asked = self.asked_in(url)
        if not asked.get("page"):
            return super().deny(url)
        self.check_asked(asked)
        if asked.get("reject_url"):
            return str(asked["reject_url"])
        return with_query(str(asked["success_url"]), {"success": "false"}) if asked.get("success_url") else ""

    def _died(self, words: str, status: int) -> Response:
        from starlette.responses import HTMLResponse

        return HTMLResponse(
            f"<!DOCTYPE html><title>Cannot Authorize Application</title>{html.escape(words)}", status
        )

    # the REST API ----------------------------------------------------------------------------------

    def rest(self, request: Request) -> Response:
        """Every REST route, below ``/wp-json`` or as ``?rest_route=``; the front page for everything else."""
        from starlette.responses import HTMLResponse

        route = request.query_params.get("rest_route")
        below = request.path_params.get("path")
        if route is None and (request.url.path.endswith("/wp-json") or below is not None) and self.pretty:
            route = f"/{below or ''}"
        if route is None:
            found = request.url.path.endswith("/") and below is None
            return HTMLResponse("<!DOCTYPE html><title>Brand</title>", 200 if found else 404, self._headers())
        return self._handler(request.method, f"/{route.strip('/')}")(request)

    def _handler(self, method: str, route: str) -> Callable[[Request], Response]:
        table = {
            ("GET", "/"): self.index,
            ("GET", "/wp/v2/posts"): self.posts,
            ("GET", "/wp/v2/users/me"): self.me,
            ("POST", _PASSWORDS): self.make_password,
            ("GET", f"{_PASSWORDS}/introspect"): self.introspect,
        }
        if method == "DELETE" and route.startswith(_PASSWORDS):
            return lambda request: self.delete_password(request, route.removeprefix(_PASSWORDS).strip("/"))
        if (method, route) not in table:
            raise Answer(self.error(404))
        return table[method, route]

    def index(self, request: Request) -> Response:
        """The index: an empty list where application passwords are off."""
        page = {"endpoints": {"authorization": f"{self.base}{_PAGE}"}}
        ways: Any = {"application-passwords": page} if self.application_passwords else []
        about = {"name": "Brand", "description": "", "url": self.base, "home": self.base, "gmt_offset": 0}
        more = {"timezone_string": "", "namespaces": ["oembed/1.0", "wp/v2"], "authentication": ways}
        return self._json({**about, **more, "routes": {}})

    def posts(self, request: Request) -> Response:
        """``GET /wp/v2/posts``: public, whatever password came along."""
        return self._json([])

    def me(self, request: Request) -> Response:
        """``GET /wp/v2/users/me``."""
        grant = self._user(request)
        if request.query_params.get("context") != "edit":
            return self._json(
                {"id": int(self.people[grant.username].id), "name": self.people[grant.username].name}
            )
        return self._json(self._edited(self.people[grant.username]))

    def make_password(self, request: Request) -> Response:
        """``POST /wp/v2/users/me/application-passwords``: the password is told once."""
        grant, given = self._user(request), body(request).json()
        if not given.get("name"):
            raise Answer(self.error(400, "rest_missing_callback_param", "Missing parameter(s): name"))
        password = self.new_key(grant.username, self.serial("made"))
        self._keep(password, grant.username, str(given["name"]), str(given.get("app_id") or ""))
        return self._json({**self._shown(password), "password": password}, 201)

    def introspect(self, request: Request) -> Response:
        """``GET …/introspect``: the application password the request came with."""
        self._user(request)
        return self._json(self._shown(self._password(request)))

    def delete_password(self, request: Request, number: str) -> Response:
        """``DELETE …/application-passwords/<uuid>``, or all of them."""
        grant = self._user(request)
        own = [
            one
            for one, held in self.grants.items()
            if held.username == grant.username and held.kind == "password"
        ]
        if not number:
            for password in own:
                self.revoke(password)
            return self._json({"deleted": True, "count": len(own)})
        found = next((one for one in own if self.grants[one].details["uuid"] == number), None)
        if found is None:
            words = "Application password not found."
            raise Answer(self.error(404, "rest_application_password_not_found", words))
        previous = self._shown(found)
        self.revoke(found)
        return self._json({"deleted": True, "previous": previous})

    def _user(self, request: Request) -> Grant:
        """Who asks; a wrong password is nobody, and nobody is told why."""
        grant = self.grant_of(self._password(request)) if self.application_passwords else None
        if grant is None:
            bearer = self.grant_of(self.bearer(request))
            if bearer is None:
                raise Answer(self.error(401))
            return bearer
        return grant

    def _password(self, request: Request) -> str:
        """The application password of the request, without its spaces; "" unless the user is its owner."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return ""
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return ""
        password = re.sub(r"[^0-9A-Za-z]", "", password)
        grant = self.grants.get(password)
        if grant is None or grant.kind != "password":
            return ""
        owner = self.people[grant.username]
        return password if user in (owner.username, owner.email) else ""

    def _shown(self, password: str) -> Json:
        about = self.grants[password].details
        user = self.people[self.grants[password].username]
        href = f"{self.base}/wp-json/wp/v2/users/{user.id}/application-passwords/{about['uuid']}"
        return {**about, "last_used": None, "last_ip": None, "_links": {"self": [{"href": href}]}}

    def _edited(self, user: User) -> Json:
        may = dict.fromkeys(
            ("read", "edit_posts", "publish_posts", "upload_files", "level_2", user.role), True
        )
        if user.role == "administrator":
            may |= dict.fromkeys(
                ("unfiltered_html", "edit_others_posts", "manage_options", "moderate_comments"), True
            )
        pictures = {size: f"{self.base}/avatar/{user.username}?s={size}" for size in ("24", "48", "96")}
        names = {"username": user.username, "name": user.name, "first_name": "", "last_name": ""}
        more = {
            "email": user.email,
            "url": "",
            "description": "",
            "locale": "en_US",
            "nickname": user.username,
        }
        users = f"{self.base}/wp-json/wp/v2/users"
        links = {"self": [{"href": f"{users}/{user.id}"}], "collection": [{"href": users}]}
        return {
            "id": int(user.id),
            **names,
            **more,
            "link": f"{self.base}/author/{user.username}/",
            "slug": user.username,
            "roles": [user.role],
            "registered_date": "2024-07-15T08:03:36+00:00",
            "capabilities": may,
            "extra_capabilities": {user.role: True},
            "avatar_urls": pictures,
            "meta": {"persisted_preferences": []},
            "_links": links,
        }

    def _json(self, answer: Any, status: int = 200) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(answer, status, self._headers())

    def _headers(self) -> dict[str, str]:
        root = f"{self.base}/wp-json/" if self.pretty else f"{self.base}/?rest_route=/"
        return {"link": f'<{root}>; rel="https://api.w.org/"'}

    # WordPress.com ---------------------------------------------------------------------------------

    def give_token(self, request: Request) -> Response:
        """``POST /oauth2/token``: for one person on one blog."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        app = self.client_of(request, given)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def token_answer(self, issued: Issued) -> Json:
        user = self.people[issued.grant.username]
        blog = {"blog_id": user.blog, "blog_url": f"https://{user.username}.example.com"}
        return {"access_token": issued.access_token, "token_type": "bearer", **blog, "scope": issued.scope()}

    def token_info(self, request: Request) -> Response:
        """``GET /oauth2/token-info``: whose token it is, for the app it was given to."""
        from starlette.responses import JSONResponse

        asked = request.query_params
        grant = self.grant_of(asked.get("token", ""))
        if grant is None or grant.kind != "oauth2" or grant.client_id != asked.get("client_id"):
            raise self.oauth_error("invalid_token", "The token provided is invalid.")
        user = self.people[grant.username]
        ids = {"client_id": grant.client_id, "user_id": user.account, "blog_id": user.blog}
        return JSONResponse({**ids, "scope": " ".join(sorted(grant.scopes))})


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFAULTS = {
    400: ("rest_invalid_param", "Invalid parameter(s)."),
    401: ("rest_not_logged_in", "You are not currently logged in."),
    404: ("rest_no_route", "No route was found matching the URL and request method."),
    405: ("rest_no_route", "No route was found matching the URL and request method."),
}


def _good_callback(url: str) -> bool:
    scheme = urlsplit(url).scheme
    return not url or (bool(scheme) and scheme not in ("http", "javascript", "data"))
