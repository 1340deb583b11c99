"""DEV.to as its API v1 answers: drafts, articles in Markdown, front matter, tags, own lists with view counts.

Facts: the site's API description and the server's source, read in November 2026.
"""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs

from .core import Allowance, Answer, Entry, PlatformBox, Window, body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["DevToBox"]

Json = dict[str, Any]
_TITLE_REST = timedelta(minutes=5)
_LATE, _FAR, _MOVED = timedelta(minutes=15), timedelta(days=5 * 365 + 2), timedelta(seconds=60)
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_CODE = r"(?P<fence>~~~|`{1,3}).+?(?P=fence)"
_RAW = re.compile(rf"{_CODE}|\{{%\s*raw\s*%\}}.*?\{{%\s*endraw\s*%\}}", re.DOTALL)
_EMBEDS = ("youtube.com", "youtu.be", "x.com", "twitter.com", "github.com", "codepen.io", "dev.to")


@attrs.define(eq=False)
class Article(Entry):
    """An article: on the timeline only while it is ``published`` and its moment has come."""

    published: bool = False
    published_at: datetime | None = None
    made_at: datetime | None = None
    slug: str = ""
    tags: list[str] = attrs.field(factory=list)
    series: str | None = None
    main_image: str | None = None
    canonical_url: str | None = None
    description: str = ""
    organization_id: int | None = None


class DevToBox(PlatformBox):
    """A site with two accounts: ``brand``, whose key :meth:`credentials` gives, and ``other``. Followers grow.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["devto"]) as box:
    ...     print(box.devto.credentials()["server"])
    https://dev.to
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "devto"
    title: ClassVar[str] = "DEV.to"
    hosts = ("dev.to",)
    publish_match: ClassVar[str] = r"PUT /api/articles/\d+"
    page_max = 1000
    """The most entries of a page, whatever is asked for; a site may be set to fewer."""
    windows = (
        Window("reads", 3, 1.0, "GET /api/.*", per="ip"),
        Window("writes", 1, 1.0, "POST|PUT|DELETE /api/.*"),
        Window("articles", 9, 30.0, "POST /api/articles", per="user", rank=1),
        Window("updates", 30, 30.0, r"PUT /api/articles/\d+", per="user", rank=1),
    )

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.articles: dict[str, Article] = {}
        self.users = {"brand": 1431, "other": 1432}
        self.api_keys = {
            self.digest("key", *who)[:24]: who[0] if who else "brand" for who in ((), ("other",))
        }
        self.key = next(iter(self.api_keys))
        self._made = itertools.count()
        self._ids = itertools.count(259)

    # the core's questions ------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        table = (
            ("POST", "/api/articles", self.create),
            ("PUT", "/api/articles/{id:int}", self.update),
            ("PUT", "/api/articles/{id:int}/unpublish", self.unpublish),
            ("GET", "/api/articles/me", self.mine),
            ("GET", "/api/articles/me/{which}", self.mine),
            ("GET", "/api/articles/{id:int}", self.one),
            ("GET", "/api/articles/{username}/{slug}", self.by_path),
            ("GET", "/api/users/me", self.me),
            ("GET", "/api/followers/users", self.followers),
        )
        return [self.route(method, path, handler) for method, path, handler in table]

    def credentials(self, base_url: str | None = None) -> Json:
        return {"server": base_url or "https://dev.to", "api_key": self.key}

    # how a person of the sandbox acts --------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """Nothing: there are no developer apps."""
        return {}

    def address(self, base_url: str | None = None) -> str:
        """The server to sign in at."""
        return base_url or "https://dev.to"

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        """The API key the person copies from the settings; a new one after the old one was revoked."""
        found = (key for key, owner in self.api_keys.items() if owner == username)
        key = next(found, None) or self.digest("key", username, next(self._made))[:24]
        self.api_keys[key] = username
        return {"api_key": key}

    def identity_of(self, username: str) -> str:
        """The native id a sign-in of that person ends with."""
        return str(self.users[username])

    def revoke(self, token: str) -> None:
        """End an API key, as a person does in the settings."""
        self.api_keys.pop(token, None)

    # answers the core asks for ---------------------------------------------------------------------

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import HTMLResponse, JSONResponse

        if status >= 500:
            return HTMLResponse(f"<!DOCTYPE html><title>{status}</title>", status)
        words = {401: "unauthorized", 404: "not found"}.get(status, message or code)
        return JSONResponse({"error": words, "status": status}, status)

    def new_id(self) -> str:
        return str(next(self._ids))

    def limit_key(self, window: Window, request: Request) -> str | None:
        return "127.0.0.1" if window.per == "ip" else request.headers.get("api-key", "anonymous")

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        if allowance.allowed:
            return {}
        wait = max(1, round((allowance.reset - self.now()).total_seconds()))
        return {"Retry-After": str(wait)}

    def too_many(self, allowance: Allowance) -> Response:
        """Two layers answer: the site's own limits in JSON, the layer before them in plain text."""
        from starlette.responses import PlainTextResponse

        if allowance.window.name in ("reads", "writes"):
            return PlainTextResponse("Retry later\n", 429)
        wait = self.limit_headers(allowance)["Retry-After"]
        return self.error(429, message=f"Rate limit reached, try again in {wait} seconds")

    def tick(self) -> None:
        for article in self.articles.values():
            due = article.published and article.published_at and article.published_at <= self.now()
            if due and article.id not in self.entries:
                self.add(article)

    def twin_of(self, entry: Entry) -> Entry:
        twin = cast(Article, super().twin_of(entry))
        twin.made_at = twin.published_at = twin.created_at = self.now()
        self.articles[twin.id] = self._placed(twin)
        return twin

    def forget(self, entry: Entry) -> None:
        super().forget(entry)
        cast(Article, entry).published = False

    def erase(self, entry: Entry) -> None:
        super().erase(entry)
        self.articles.pop(entry.id, None)

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        return self._counts(cast(Article, entry))

    # writing -------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /api/articles``: a draft, or at once an article."""
        from starlette.responses import JSONResponse

        author = self._check_key(request)
        article = Article(self.new_id(), author, "", self.now(), made_at=self.now())
        self._apply(article, self._given(request))
        recent = [
            one for one in self.articles.values() if self.now() - (one.made_at or self.now()) < _TITLE_REST
        ]
        if any((one.title, one.account) == (article.title, author) for one in recent):
            raise self.invalid("Title has already been used in the last five minutes")
        self.articles[article.id] = self._placed(article)
        self._publish(article)
        headers = {"location": self._url(article)}
        return JSONResponse(self.full(article), 201, headers)

    def update(self, request: Request) -> Response:
        """``PUT /api/articles/:id``: only what is given changes, but tags left out are cleared."""
        from starlette.responses import JSONResponse

        author = self._check_key(request)
        article = self.articles.get(str(request.path_params["id"]))
        if article is None or article.account != author:
            raise Answer(self.error(404))
        before, given = attrs.asdict(article, recurse=False), self._given(request)
        try:
            self._apply(article, {"tags": []} | given)
            self._check_canonical(article)
        except Answer:
            for name, value in before.items():
                setattr(article, name, value)
            raise
        if not before["published"] and article.published:
            self._placed(article)
        self._publish(article)
        return JSONResponse(self.full(article))

    def unpublish(self, request: Request) -> Response:
        """For moderators; an author sets ``published`` to false."""
        self._check_key(request)
        raise Answer(self.error(401))

    def _publish(self, article: Article) -> None:
        """Bring the timeline in step with what the article now says."""
        if not article.published:
            if self.find(article.id) is not None:
                self.remove(article)
            return
        article.published_at = article.published_at or self.now()
        article.created_at = article.published_at
        if article.published_at > self.now():
            return
        if article.id not in self.entries:
            self.add(article)
        else:
            self.change(article, deleted_at=None, edited_at=self.now())

    def _placed(self, article: Article) -> Article:
        """With its final address, or a draft's."""
        base = re.sub(r"[^a-z0-9]+", "-", article.title.lower()).strip("-")[:100]
        tail = self.digest("slug", article.id)[:4]
        article.slug = f"{base}-{tail}" if article.published else f"{base}-temp-slug-{int(tail, 16)}"
        article.url = self._url(article)
        return article

    def _given(self, request: Request) -> Json:
        read = body(request).json()
        given = read.get("article") if isinstance(read, dict) else None
        if not isinstance(given, dict) or not given:
            raise self.invalid("param is missing or the value is empty: article")
        return given

    def _apply(self, article: Article, given: Json) -> None:
        """Take what is given, front matter before everything else, and refuse what the site refuses."""
        text = given.get("body_markdown", article.text) or ""
        front = _front(text)
        fields = {**given, **front} if front else given
        if front:
            fields = {"series": None, "description": "", "tags": front.get("tags", [])} | fields
        article.text = _labelled(text)
        article.title = " ".join(str(fields.get("title", article.title) or "").split())
        article.published = _truth(fields.get("published", article.published))
        article.tags = _tags(fields.get("tags", article.tags))
        for name in ("series", "main_image", "canonical_url", "organization_id"):
            setattr(article, name, fields.get(name, getattr(article, name)))
        article.description = str(fields.get("description", article.description) or "")
        self._take_moment(article, fields.get("published_at"))
        self._check(article)

    def _take_moment(self, article: Article, given: Any) -> None:
        if not given:
            return
        moment = datetime.fromisoformat(str(given)).astimezone(UTC)
        if article.id in self.entries:
            if article.published_at and abs(moment - article.published_at) > _MOVED:
                raise self.invalid("Published at of a published article cannot be changed")
            return
        if moment < self.now() - _LATE:
            raise self.invalid("Published at only future or current published_at allowed")
        article.published_at = moment if moment <= self.now() + _FAR else None

    def _check(self, article: Article) -> None:
        odd = [tag for tag in article.tags if not tag.isalnum()]
        liquid = [
            tag for tag in re.findall(r"\{%\s*(.*?)\s*%\}", _RAW.sub("", article.text)) if not _known(tag)
        ]
        faults = {
            "Title can't be blank": not article.title,
            "Title is too long (maximum is 128 characters for full_post)": len(article.title) > 128,
            "Body markdown is too long": len(article.text.encode()) > 819_200,
            "Tag list exceed the maximum of 4 tags": len(article.tags) > 4,
            "Tag list is too long (maximum is 126 characters)": len(", ".join(article.tags)) > 126,
            f'Tag "{odd and odd[0]}" contains non-alphanumeric or prohibited unicode characters': bool(odd),
            f"Liquid error: unknown tag or link: {liquid and liquid[0]}": bool(liquid),
            "Canonical url must not have spaces": " " in (article.canonical_url or ""),
            "Canonical url must be a public http or https address": not _public(article.canonical_url),
        }
        wrong = [words for words, present in faults.items() if present]
        if wrong:
            raise self.invalid(", ".join(wrong))

    def _check_canonical(self, article: Article) -> None:
        others = (one for one in self.articles.values() if one is not article and one.published)
        if article.published and article.canonical_url in {one.canonical_url for one in others} - {None}:
            raise self.invalid("Canonical url has already been taken. Email yo@dev.to for further details.")

    def invalid(self, message: str) -> Answer:
        """The 422 of that text, to raise."""
        return Answer(self.error(422, message=message))

    # reading -------------------------------------------------------------------------------------

    def me(self, request: Request) -> Response:
        """``GET /api/users/me``."""
        from starlette.responses import JSONResponse

        username = self._check_key(request)
        about = dict.fromkeys(("summary", "twitter_username", "github_username", "website_url", "location"))
        known = {
            "type_of": "user",
            "id": self.users[username],
            "username": username,
            "name": username.title(),
        }
        return JSONResponse({**known, **about, "joined_at": "Apr 14, 2023", "profile_image": self._avatar()})

    def mine(self, request: Request) -> Response:
        """``GET /api/articles/me/published`` and its siblings; drafts stand first in ``all``."""
        from starlette.responses import JSONResponse

        author = self._check_key(request)
        which = request.path_params.get("which", "published")
        live = [cast(Article, entry) for entry in self.listed(author)]
        live.sort(key=lambda one: one.published_at or one.created_at, reverse=True)
        own = [one for one in self.articles.values() if one.account == author]
        drafts = [one for one in reversed(own) if not one.published]
        waiting = [one for one in own if one.published and one.id not in self.entries]
        lists = {"published": live, "unpublished": drafts, "all": [*drafts, *waiting, *live]}
        if which not in lists:
            raise Answer(self.error(404))
        return JSONResponse([self.short(one) for one in self._page(request, lists[which], 30)])

    def one(self, request: Request) -> Response:
        """``GET /api/articles/:id``: published ones, for everybody."""
        return self._shown(str(request.path_params["id"]))

    def by_path(self, request: Request) -> Response:
        """``GET /api/articles/:username/:slug``."""
        wanted = f"/{request.path_params['username']}/{request.path_params['slug']}"
        found = (one.id for one in self.articles.values() if self._path(one) == wanted)
        return self._shown(next(found, ""))

    def _shown(self, article_id: str) -> Response:
        from starlette.responses import JSONResponse

        found = self.find(article_id)
        if found is None:
            raise Answer(self.error(404))
        return JSONResponse(self.full(cast(Article, found)))

    def followers(self, request: Request) -> Response:
        """``GET /api/followers/users``."""
        from starlette.responses import JSONResponse

        self._check_key(request)
        since = self.box.clock.now() - timedelta(days=30)
        count = 40 + self.growth(Entry("followers", "brand", "", since), followers=60)["followers"]
        listed = [{"type_of": "user_follower", "id": n, "user_id": 5000 + n, "name": f"Reader {n}",
                   "path": f"/reader{n}", "username": f"reader{n}", "profile_image": self._avatar()}
                  for n in range(count, 0, -1)]  # fmt: skip
        return JSONResponse(self._page(request, listed, 80))

    def _page(self, request: Request, items: list[Any], default: int) -> list[Any]:
        def number(name: str, fallback: int) -> int:
            given = request.query_params.get(name, "")
            return max(1, int(given)) if given.isdigit() else fallback

        size = min(self.page_max, number("per_page", default))
        start = (number("page", 1) - 1) * size
        return items[start : start + size]

    # answers -------------------------------------------------------------------------------------

    def short(self, article: Article) -> Json:
        """An article of a list: ``tag_list`` is a list here, ``tags`` a text."""
        return self._article(article) | {"tag_list": article.tags, "tags": ", ".join(article.tags)}

    def full(self, article: Article) -> Json:
        """A single article: the other way round, with its HTML and without its views."""
        whole = self._article(article)
        del whole["page_views_count"]
        html = "".join(f"<p>{part}</p>\n\n" for part in article.text.split("\n\n"))
        return whole | {"tag_list": ", ".join(article.tags), "tags": article.tags, "body_html": html}

    def _article(self, article: Article) -> Json:
        live = article.published and article.published_at is not None
        at = _stamp(article.published_at) if live else None
        counts = self._counts(article) if article.id in self.entries else dict.fromkeys(_COUNTS, 0)
        image = article.main_image
        return {
            "type_of": "article",
            "id": int(article.id),
            "title": article.title,
            "description": article.description or article.text[:100],
            "readable_publish_date": f"{article.created_at:%b %-d}",
            "slug": article.slug,
            "path": self._path(article),
            "url": self._url(article),
            "comments_count": counts["comments"],
            "public_reactions_count": counts["reactions"],
            "page_views_count": counts["views"],
            "positive_reactions_count": counts["reactions"],
            "collection_id": int(self.digest("series", article.series)[:4], 16) if article.series else None,
            "published_timestamp": at or "",
            "published_at": at,
            "created_at": _stamp(article.made_at or article.created_at),
            "edited_at": _stamp(article.edited_at) if article.edited_at else None,
            "crossposted_at": None,
            "last_comment_at": at or "2017-01-01T05:00:00Z",
            "reading_time_minutes": max(1, len(article.text) // 1500),
            "language": "en",
            "cover_image": image,
            "social_image": image or f"{self.base}/social/{article.id}.png",
            "canonical_url": article.canonical_url or self._url(article),
            "body_markdown": article.text,
            "user": self._user(article.account),
        }

    def _user(self, username: str) -> Json:
        names = dict.fromkeys(("twitter_username", "github_username", "website_url"))
        pictures = {"profile_image": self._avatar(), "profile_image_90": self._avatar()}
        known = {"name": username.title(), "username": username, "user_id": self.users[username]}
        return {**known, **names, **pictures}

    def _counts(self, article: Article) -> dict[str, int]:
        return self.growth(article, views=900, reactions=30, comments=8)

    def _path(self, article: Article) -> str:
        return f"/{article.account}/{article.slug}"

    def _url(self, article: Article) -> str:
        return f"{self.base}{self._path(article)}"

    def _avatar(self) -> str:
        return f"{self.base}/uploads/brand.png"

    def _check_key(self, request: Request) -> str:
        """Whose key the request carries."""
        if not request.headers.get("user-agent"):
            raise Answer(self.error(403, message="Forbidden Bots"))
        username = self.api_keys.get(request.headers.get("api-key", ""))
        if username is None:
            raise Answer(self.error(401))
        return username


_COUNTS = ("views", "reactions", "comments")


def _front(text: str) -> Json:
    """What front matter says, by the API's own names; empty without any."""
    match = _FRONT.match(text)
    if match is None:
        return {}
    pairs = (line.partition(":") for line in match[1].splitlines() if ":" in line)
    found = {name.strip(): value.strip() for name, _, value in pairs}
    named = {"cover_image": "main_image", "date": "published_at"}
    return {named.get(name, name): value for name, value in found.items() if value}


def _labelled(text: str) -> str:
    """The text with a language at each fence of code that names none; the site guesses it."""
    lines, inside = text.split("\n"), False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            lines[number] = "```plaintext" if line.rstrip() == "```" and not inside else line
            inside = not inside
    return "\n".join(lines)


def _public(url: str | None) -> bool:
    return not url or re.match(r"https?://(?!localhost\b)", url) is not None


def _tags(given: Any) -> list[str]:
    listed = given.split(",") if isinstance(given, str) else given or []
    return [str(tag).strip().lower() for tag in listed if str(tag).strip()]


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1")


def _known(liquid: str) -> bool:
    """Whether a Liquid tag is one the site has; a link inside ``embed`` must be of a site it knows."""
    name, _, rest = liquid.partition(" ")
    return name in ("details", "enddetails", "katex", "endkatex") or (
        name == "embed" and any(site in rest for site in _EMBEDS)
    )


def _stamp(moment: datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
