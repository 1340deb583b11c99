"""LinkedIn's posts: made, read, listed, edited, deleted; a text twice in a day is refused, and the first one named."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import linkedin_schema as schema
from .core import Answer, Entry
from .linkedin_media import Uploads
from .linkedin_text import readable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Posts"]

Json = dict[str, Any]
_DURATIONS = {"ONE_DAY", "THREE_DAYS", "SEVEN_DAYS", "FOURTEEN_DAYS"}
_WRITE = {"member": ("w_member_social",), "page": ("w_organization_social",)}
_READ = {"member": ("r_member_social",), "page": ("r_organization_social",)}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Posts(Uploads):
    """The part of the box that keeps posts.

    ``duplicate_seconds`` is how long a text may not be posted again by its author, deleted or not. ``says_ids`` False:
    a 201 comes without its ``x-restli-id``.
    """

    duplicate_seconds: float = 86_400.0
    says_ids: bool = True

    def post_routes(self) -> list[BaseRoute]:
        """Everything in this file."""
        return [
            self.route("POST", "/rest/posts", self.create),
            self.route("GET", "/rest/posts", self.list_posts),
            self.route("GET", "/rest/posts/{urn}", self.show_post),
            self.route("POST", "/rest/posts/{urn}", self.update_post),
            self.route("DELETE", "/rest/posts/{urn}", self.delete_post),
        ]

    def new_urn(self, kind: str) -> str:
        """A URN no other entry has; the number grows with time."""
        self._last = max(getattr(self, "_last", 0) + 1, int(self.now().timestamp() * 1000) << 22)
        return f"urn:li:{kind}:{self._last}"

    # making ----------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /rest/posts``: nothing in the body of the answer, the URN in a header."""
        from starlette.responses import Response

        if request.headers.get("x-http-method-override"):
            return self.list_posts(request)
        given = self.checked(request, schema.POST)
        if given["lifecycleState"] != "PUBLISHED":
            raise self.invalid("/lifecycleState", "INVALID_VALUE", "only PUBLISHED is taken")
        author = self.author(request, "posts.CREATE", given["author"], **_WRITE)
        self._check_reach(given, author)
        self._check_text("/commentary", given["commentary"], 3000)
        media = self._check_content(given.get("content") or {}, author)
        parent = self._parent(given.get("reshareContext"))
        self._check_duplicate(given, author)
        urn = self.new_urn("ugcPost" if any("urn:li:video:" in one["id"] for one in media) else "share")
        entry = self._entry(urn, author, given)
        entry.media, entry.quote = media, parent
        self.add(entry)
        headers = {"x-restli-id": urn} if self.says_ids else {}
        return Response(b"", 201, headers)

    def _entry(self, urn: str, author: str, given: Json) -> Entry:
        text, mentioned = readable(given["commentary"], self.name_of)
        content = given.get("content") or {}
        entry = Entry(urn, author, text, self.now(), visibility=given["visibility"].lower())
        entry.url = f"https://www.linkedin.com/feed/update/{urn}/"
        entry.title = str((content.get("article") or content.get("media") or {}).get("title") or "")
        if poll := content.get("poll"):
            options = [{"title": one["text"], "votes": 0} for one in poll["options"]]
            entry.poll = {"question": poll["question"], "options": options}
        entry.extras = {"kind": "post", "given": given, "mentioned": mentioned, "comments": "OPEN"}
        return entry

    def name_of(self, urn: str) -> str | None:
        """What a mention of the URN has to be called."""
        page = self.page(urn)
        if page is not None:
            return page.name
        ids = {f"urn:li:person:{person.id}": person.name for person in self.people.values()}
        return ids.get(urn)

    def _check_reach(self, given: Json, author: str) -> None:
        page = author.startswith("urn:li:organization")
        allowed = {"PUBLIC", "LOGGED_IN"} | (set() if page else {"CONNECTIONS"})
        if given["visibility"] not in allowed:
            raise self.invalid("/visibility", "INVALID_VALUE", f"visibility is one of {sorted(allowed)}")
        spread = given["distribution"]
        if spread.get("feedDistribution") not in ("MAIN_FEED", "NONE"):
            raise self.invalid("/distribution/feedDistribution", "INVALID_VALUE", "MAIN_FEED or NONE")
        if spread.get("targetEntities") and not page:
            raise self.invalid(
                "/distribution/targetEntities", "INVALID_VALUE", "only Pages target their posts"
            )
        for number, one in enumerate(spread.get("targetEntities") or ()):
            field = f"/distribution/targetEntities/{number}"
            if not one or not all(one.values()):
                raise self.invalid(field, "INVALID_VALUE", f"{field} :: is no list of URNs")

    def _check_text(self, field: str, text: str, limit: int) -> None:
        seen = readable(text, self.name_of)[0] if field == "/commentary" else text
        if _units(seen) > limit:
            words = f"{field} :: length {_units(seen)} is more than {limit}"
            raise self.invalid(field, "FIELD_LENGTH_TOO_LONG", words)

    def _parent(self, context: Any) -> str | None:
        if context is None:
            return None
        parent = context["parent"]
        if self.find(str(parent)) is None:
            raise self.invalid("/reshareContext/parent", "INVALID_VALUE", f"{parent} does not exist")
        return str(parent)

    def _check_duplicate(self, given: Json, author: str) -> None:
        """Deleted posts count too: they are named, and answer 404."""
        since, wanted = self.now() - timedelta(seconds=self.duplicate_seconds), _same(given)
        for entry in reversed(self.entries.values()):
            own = entry.account == author and entry.created_at > since and entry.extras.get("kind") == "post"
            if own and _same(entry.extras["given"]) == wanted:
                words = f"Duplicate post is detected. Content is a duplicate of {entry.id}"
                raise Answer(self.error(422, "DUPLICATE_POST", words))

    # what a post shows -----------------------------------------------------------------------------

    def _check_content(self, content: Json, author: str) -> list[Json]:
        """The media of a post, after its one kind of content was looked at."""
        if len(content) > 1:
            raise self.invalid("/content", "INVALID_VALUE", "content is one of its kinds")
        kind = next(iter(content), "")
        inner: Json = content.get(kind) or {}
        checks = {
            "": lambda inner, author: [],
            "media": self._one_medium,
            "multiImage": self._pictures,
            "article": self._article,
            "poll": self._poll,
        }
        if kind not in checks:
            raise self.invalid(f"/content/{kind}", "ILLEGAL_ARGUMENT", f"{kind} is not known")
        return checks[kind](inner, author)

    def _one_medium(self, inner: Json, author: str) -> list[Json]:
        urn = str(inner.get("id"))
        medium = self.usable(urn, author, "/content/media/id")
        title = inner.get("title")
        if medium.family == "document" and not title:
            raise self.invalid("/content/media/title", "MISSING_FIELD", "a document has a title")
        for name, limit in (("title", 400), ("altText", 4086)):
            self._check_text(f"/content/media/{name}", str(inner.get(name) or ""), limit)
        return [self.kept(medium, inner)]

    def _pictures(self, inner: Json, author: str) -> list[Json]:
        images = inner.get("images") or []
        if not 2 <= len(images) <= 20:
            words = f"{len(images)} images; 2 to 20 are taken"
            raise self.invalid("/content/multiImage/images", "VALUE_OUT_OF_RANGE", words)
        found = []
        for index, one in enumerate(images):
            field = f"/content/multiImage/images/{index}/id"
            medium = self.usable(str(one.get("id")), author, field)
            if medium.family != "image":
                raise self.invalid(field, "INVALID_VALUE", "only images go together")
            found.append(self.kept(medium, one))
        return found

    def _article(self, inner: Json, author: str) -> list[Json]:
        if not str(inner.get("source") or "").startswith(("http://", "https://")):
            raise self.invalid("/content/article/source", "MISSING_FIELD", "source is required")
        if not inner.get("title"):
            raise self.invalid("/content/article/title", "MISSING_FIELD", "title is required")
        for name, limit in (("title", 400), ("description", 4086)):
            self._check_text(f"/content/article/{name}", str(inner.get(name) or ""), limit)
        if thumbnail := inner.get("thumbnail"):
            self.usable(str(thumbnail), author, "/content/article/thumbnail")
        return []

    def _poll(self, inner: Json, author: str) -> list[Json]:
        options, settings = inner.get("options") or [], inner.get("settings") or {}
        self._check_text("/content/poll/question", str(inner.get("question") or ""), 140)
        if not inner.get("question") or not 2 <= len(options) <= 4:
            raise self.invalid("/content/poll", "VALUE_OUT_OF_RANGE", "a question and 2 to 4 options")
        for index, one in enumerate(options):
            if not one["text"].strip():
                raise self.invalid(
                    f"/content/poll/options/{index}/text", "INVALID_VALUE", "an option has a text"
                )
            self._check_text(f"/content/poll/options/{index}/text", one["text"], 30)
        if settings.get("duration") not in _DURATIONS or settings.get("voteSelectionType") != "SINGLE_VOTE":
            raise self.invalid("/content/poll/settings", "INVALID_VALUE", "duration or voteSelectionType")
        if settings.get("isVoterVisibleToAuthor") is not True:
            words = "isVoterVisibleToAuthor must be true"
            raise self.invalid("/content/poll/settings/isVoterVisibleToAuthor", "INVALID_VALUE", words)
        return []

    # reading ---------------------------------------------------------------------------------------

    def post_json(self, entry: Entry) -> Json:
        """The post as GET and lists show it."""
        given = entry.extras["given"]
        made = int(entry.created_at.timestamp() * 1000)
        changed = int((entry.edited_at or entry.created_at).timestamp() * 1000)
        told = {
            "id": entry.id,
            **given,
            "createdAt": made,
            "publishedAt": made,
            "lastModifiedAt": changed,
            "lifecycleStateInfo": {"isEditedByAuthor": entry.edited_at is not None},
            **entry.extras.get("state", {}),
        }
        told.setdefault("isReshareDisabledByAuthor", False)
        return told

    def show_post(self, request: Request) -> Response:
        """``GET /rest/posts/{urn}``."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        self.caller(request, "posts.GET", "r_member_social", "r_organization_social")
        entry = self._post(urn)
        if entry is None:
            raise self.missing(urn)
        self.author(request, "posts.GET", entry.account, **_READ)
        return JSONResponse(self.post_json(entry))

    def _post(self, urn: str) -> Entry | None:
        entry = self.find(urn)
        return entry if entry is not None and entry.extras.get("kind") == "post" else None

    def list_posts(self, request: Request) -> Response:
        """``GET /rest/posts``: an author's own, or some by URN."""
        from starlette.responses import JSONResponse

        query = self.query(request)
        if "ids" in query:
            return self._some(request, query["ids"])
        if query.get("q") != "author" or not isinstance(query.get("author"), str):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "q=author&author= is needed"))
        author = self.author(request, "posts.FINDER-author", query["author"], **_READ)
        posts = [one for one in self.listed(author) if one.extras.get("kind") == "post"]
        posts.sort(key=lambda one: one.created_at, reverse=True)
        page, paging = self.paging(request, posts)
        return JSONResponse({"paging": paging, "elements": [self.post_json(one) for one in page]})

    def _some(self, request: Request, ids: Any) -> Response:
        from starlette.responses import JSONResponse

        username, _ = self.caller(request, "posts.BATCH_GET", "r_member_social", "r_organization_social")
        if self.tier == "development":
            raise self.forbid(request, "posts.BATCH_GET")
        if not isinstance(ids, list) or len(ids) > 100:
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "ids is a list of at most 100"))
        found = {urn: self._post(urn) for urn in ids}
        results = {
            urn: self.post_json(one) for urn, one in found.items() if one and self.owns(username, one.account)
        }
        lost = {
            urn: {"status": 404, "code": "NOT_FOUND", "message": "not found"}
            for urn in ids
            if urn not in results
        }
        statuses = {urn: 200 if urn in results else 404 for urn in ids}
        return JSONResponse({"results": results, "statuses": statuses, "errors": lost})

    # changing --------------------------------------------------------------------------------------

    def update_post(self, request: Request) -> Response:
        """``POST /rest/posts/{urn}`` with ``X-RestLi-Method: PARTIAL_UPDATE``."""
        from starlette.responses import Response

        urn = self.path_urn(request)
        if request.headers.get("x-restli-method", "").upper() != "PARTIAL_UPDATE":
            raise Answer(self.error(405, message="Method not allowed"))
        self.caller(request, "posts.PARTIAL_UPDATE", "w_member_social", "w_organization_social")
        entry = self._post(urn)
        if entry is None:
            raise self.missing(urn)
        self.author(request, "posts.PARTIAL_UPDATE", entry.account, **_WRITE)
        change = self.checked(request, schema.POST_CHANGE)["patch"]["$set"]
        if (found := schema.problem(change, schema.EDITABLE, "/patch/$set")) is not None:
            raise self.invalid(*found)
        given = {**entry.extras["given"], **change}
        self._check_text("/commentary", given["commentary"], 3000)
        text, mentioned = readable(given["commentary"], self.name_of)
        extras = {**entry.extras, "given": given, "mentioned": mentioned}
        self.change(entry, text=text, extras=extras, edited_at=self.now())
        return Response(b"", 204)

    def delete_post(self, request: Request) -> Response:
        """``DELETE /rest/posts/{urn}``: gone already is fine too."""
        from starlette.responses import Response

        urn = self.path_urn(request)
        self.caller(request, "posts.DELETE", "w_member_social", "w_organization_social")
        entry = self._post(urn)
        if entry is not None:
            self.author(request, "posts.DELETE", entry.account, **_WRITE)
            self.remove(entry)
        return Response(b"", 204)


def _same(given: Json) -> str:
    """What makes two posts the same: the text, and what is shown with it."""
    return json.dumps(
        [given["commentary"], given.get("content"), given.get("reshareContext")], sort_keys=True
    )
