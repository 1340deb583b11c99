"""What Reddit shows: posts, comments, listings, subreddits with their rules, flairs and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from .core import Answer, Entry, body
from .reddit_media import Leases

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Reads", "Subreddit"]

Json = dict[str, Any]
_ASKS: Json = {
    "title_regexes": [],
    "body_blacklisted_strings": [],
    "title_blacklisted_strings": [],
    "body_text_max_length": None,
    "title_required_strings": [],
    "guidelines_text": None,
    "gallery_min_items": None,
    "domain_blacklist": [],
    "domain_whitelist": [],
    "title_text_max_length": None,
    "body_restriction_policy": "none",
    "link_restriction_policy": "none",
    "guidelines_display_policy": None,
    "body_required_strings": [],
    "title_text_min_length": None,
    "gallery_captions_requirement": "none",
    "is_flair_required": False,
    "gallery_max_items": None,
    "gallery_urls_requirement": "none",
    "body_regexes": [],
    "link_repost_age": None,
    "body_text_min_length": None,
}
_ABOUT: Json = {
    "submission_type": "any",
    "allow_images": True,
    "allow_videos": True,
    "allow_videogifs": True,
    "allow_galleries": True,
    "allow_polls": True,
    "over18": False,
    "subreddit_type": "public",
    "restrict_posting": False,
    "subscribers": 1200,
    "quarantine": False,
}


@attrs.define(eq=False)
class Subreddit:
    """A place to post to. ``about`` and ``asks`` are its settings and post requirements, ``flairs`` as the API shows
    them; ``banned``, ``approved`` and ``moderators`` are user names. ``hides_flairs``: its form alone has them.

    >>> Subreddit("boats", "2qh1o").about["submission_type"]
    'any'
    """

    name: str
    id: str
    about: Json = attrs.field(factory=lambda: dict(_ABOUT))
    asks: Json = attrs.field(factory=lambda: dict(_ASKS))
    flairs: list[Json] = attrs.field(factory=list)
    banned: set[str] = attrs.field(factory=set)
    approved: set[str] = attrs.field(factory=set)
    moderators: set[str] = attrs.field(factory=set)
    hides_flairs: bool = False


class Reads(Leases):
    """The part of the box that only shows."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.subreddits: dict[str, Subreddit] = {}
        self.shared_links: dict[str, str] = {}
        for name in self.people:
            self.add_subreddit(f"u_{name}", subreddit_type="user", subscribers=12)
        self.add_subreddit("boats")

    def add_subreddit(
        self, name: str, *, asks: Json | None = None, flairs: Iterable[Json] = (), **about: Any
    ) -> Subreddit:
        """One more subreddit; keywords are fields of its settings."""
        made = Subreddit(
            name, self.digest("subreddit", name)[:5], _ABOUT | about, _ASKS | (asks or {}), list(flairs)
        )
        self.subreddits[name.casefold()] = made
        return made

    def followers(self, username: str) -> int:
        return int(self.subreddits[f"u_{username}".casefold()].about["subscribers"])

    def read_routes(self) -> list[BaseRoute]:
        """Everything that changes nothing."""
        table = [
            ("/api/info", self.info),
            ("/user/{name}/{where}", self.of_user),
            ("/r/{sr}/about", self.about),
            ("/api/v1/{sr}/post_requirements", self.post_requirements),
            ("/r/{sr}/api/link_flair_v2", self.link_flairs),
            ("/r/{sr}/new", self.newest),
            ("/r/{sr}/s/{code}", self.follow),
            ("/subreddits/search", self.search),
            ("/comments/{id}", self.discussion),
            ("/r/{sr}/comments/{id}", self.discussion),
            ("/r/{sr}/comments/{id}/{slug}", self.discussion),
        ]
        return [self.route("GET", path, handler) for path, handler in table]

    # listings --------------------------------------------------------------------------------------

    def info(self, request: Request) -> Response:
        """``GET /api/info``: up to a hundred things; deleted ones as shells, unknown ones left out."""
        self.grant(request, "read")
        names = request.query_params.get("id", "").split(",")[:100]
        found = [entry for name in names if (entry := self.entries.get(name)) and self.is_ready(entry)]
        return self.listing(request, found)

    def of_user(self, request: Request) -> Response:
        """``GET /user/{name}/submitted``, ``comments`` or ``overview``, newest first."""
        self.grant(request, "history")
        name, where = request.path_params["name"], request.path_params["where"]
        kinds = {"submitted": "t3_", "comments": "t1_", "overview": "t"}
        if where not in kinds or name not in self.people:
            raise Answer(self.error(404))
        shown = [entry for entry in self.listed(name) if entry.id.startswith(kinds[where])]
        return self.paged(request, shown)

    def newest(self, request: Request) -> Response:
        """``GET /r/{sr}/new``."""
        self.grant(request, "read")
        place = self.place_of(request)
        shown = [one for one in self.listed() if one.id.startswith("t3_") and one.extras["sr"] == place.name]
        return self.paged(request, shown)

    def paged(self, request: Request, entries: list[Entry]) -> Response:
        """One page of a list that is a thousand deep."""
        size = max(1, min(100, int(request.query_params.get("limit") or 25)))
        after, ids = request.query_params.get("after"), [entry.id for entry in entries[:1000]]
        start = ids.index(after) + 1 if after in ids else 0
        page = [entry for entry in entries[:1000][start : start + size] if self.is_ready(entry)]
        more = ids[start + size - 1] if len(ids) > start + size else None
        return self.listing(request, page, after=more)

    def listing(self, request: Request, entries: Iterable[Entry], after: str | None = None) -> Response:
        """Things in the envelope of every list."""
        from starlette.responses import JSONResponse

        return JSONResponse(self.listing_json(request, [self.thing(request, one) for one in entries], after))

    def listing_json(self, request: Request, things: list[Json], after: str | None = None) -> Json:
        data = {"after": after, "dist": len(things), "modhash": None, "geo_filter": "", "children": things}
        return {"kind": "Listing", "data": {**data, "before": None}}

    def discussion(self, request: Request) -> Response:
        """``GET /comments/{id}``: the post, and the comments under it, flat."""
        from starlette.responses import JSONResponse

        self.grant(request, "read")
        post = self.entries.get(f"t3_{request.path_params['id']}")
        if post is None or not self.is_ready(post):
            raise Answer(self.error(404))
        under = [one for one in self.listed() if one.extras.get("link_id") == post.id]
        lists = ([post], under[::-1])
        return JSONResponse(
            [self.listing_json(request, [self.thing(request, o) for o in one]) for one in lists]
        )

    def is_ready(self, entry: Entry) -> bool:
        """Whether its media have been processed."""
        ready: datetime | None = entry.extras.get("ready_at")
        return ready is None or self.now() >= ready

    # subreddits ------------------------------------------------------------------------------------

    def place_of(self, request: Request) -> Subreddit:
        """The subreddit of the path; unknown ones lead to the search, private ones are refused."""
        from starlette.responses import JSONResponse, RedirectResponse

        name = request.path_params["sr"]
        place = self.subreddits.get(name.casefold())
        if place is None:
            raise Answer(RedirectResponse(f"{self.base}/subreddits/search?q={name}", 302))
        private = place.about["subreddit_type"] == "private" and not self._approved(place, request)
        if private or place.about["quarantine"]:
            reason = "private" if private else "quarantined"
            raise Answer(JSONResponse({"reason": reason, "message": "Forbidden", "error": 403}, 403))
        return place

    def _approved(self, place: Subreddit, request: Request) -> bool:
        grant = self.grant_of(self.bearer(request))
        return grant is not None and grant.username in place.approved | place.moderators

    def search(self, request: Request) -> Response:
        """``GET /subreddits/search``: where the name of an unknown subreddit leads."""
        return self.listing(request, [])

    def about(self, request: Request) -> Response:
        """``GET /r/{sr}/about``."""
        from starlette.responses import JSONResponse

        me, place = self.grant(request, "read").username, self.place_of(request)
        own = {
            "display_name": place.name,
            "name": f"t5_{place.id}",
            "id": place.id,
            "title": place.name,
            "url": f"/r/{place.name}/",
            "user_is_banned": me in place.banned,
            "user_is_contributor": me in place.approved,
            "user_is_moderator": place.name == f"u_{me}" or me in place.moderators,
        }
        return JSONResponse({"kind": "t5", "data": {**place.about, **own}})

    def post_requirements(self, request: Request) -> Response:
        """``GET /api/v1/{sr}/post_requirements``."""
        from starlette.responses import JSONResponse

        self.grant(request, "submit")
        return JSONResponse(self.place_of(request).asks)

    def link_flairs(self, request: Request) -> Response:
        """``GET /r/{sr}/api/link_flair_v2``."""
        from starlette.responses import JSONResponse

        self.grant(request, "flair")
        if (place := self.place_of(request)).hides_flairs:
            raise Answer(self.error(403))
        return JSONResponse(place.flairs)

    def flair_selector(self, request: Request) -> Response:
        """``POST /r/{sr}/api/flairselector``: the flairs an author may give a new post."""
        from starlette.responses import JSONResponse

        self.grant(request, "flair")
        place = self.place_of(request)
        if body(request).get("is_newlink") != "True":
            raise Answer(self.error(400))
        choices = [
            {
                "flair_template_id": one["id"],
                "flair_text": one["text"],
                "flair_text_editable": one["text_editable"],
                "flair_position": "right",
                "flair_css_class": "",
            }
            for one in place.flairs
            if not one.get("mod_only")
        ]
        return JSONResponse({"current": {}, "choices": choices})

    def share(self, name: str) -> str:
        """The link the app's share button gives for a post."""
        entry = self.entries[name]
        code = self.digest("share", name)[:10]
        self.shared_links[code] = entry.url
        return f"https://www.reddit.com/r/{entry.extras['sr']}/s/{code}"

    def follow(self, request: Request) -> Response:
        """``GET /r/{sr}/s/{code}``: where a shared link leads."""
        from starlette.responses import RedirectResponse

        self.check_agent(request, 403)
        if (url := self.shared_links.get(request.path_params["code"])) is None:
            raise Answer(self.error(404))
        return RedirectResponse(f"{url}?share_id={self.digest('share')[:8]}", 302)

    # things ----------------------------------------------------------------------------------------

    def thing(self, request: Request, entry: Entry) -> Json:
        """A post or a comment as the API shows it; with ``raw_json=1`` no text is escaped."""
        kind = entry.id[:2]
        data = self.comment_json(entry) if kind == "t1" else self.post_json(entry)
        if entry.deleted_at is not None:
            gone = {"author": "[deleted]", "author_fullname": None}
            data |= gone | ({"body": "[deleted]"} if kind == "t1" else _SHELL)
        if request.query_params.get("raw_json") != "1":
            data = {name: _escaped(value) for name, value in data.items()}
        return {"kind": kind, "data": data}

    def numbers(self, entry: Entry) -> dict[str, int]:
        """The score, and how many comments and crossposts there are."""
        grown = self.growth(entry, score=90, num_comments=8, num_crossposts=3)
        under = sum(
            one.extras.get("link_id") == entry.id for one in self.entries.values() if not one.deleted_at
        )
        return {**grown, "score": grown["score"] + 1, "num_comments": grown["num_comments"] + under}

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        counts = self.numbers(entry)
        if entry.id.startswith("t1_"):
            return {"points": counts["score"]}
        return {"points": counts["score"], "comments": counts["num_comments"]}

    def _common(self, entry: Entry) -> Json:
        person, place = self.people[entry.account], self.subreddits[entry.extras["sr"].casefold()]
        score = self.numbers(entry)["score"]
        return {
            "id": entry.id[3:],
            "name": entry.id,
            "author": person.name,
            "author_fullname": f"t2_{person.id}",
            "subreddit": place.name,
            "subreddit_id": f"t5_{place.id}",
            "subreddit_name_prefixed": f"u/{person.name}"
            if place.name.startswith("u_")
            else f"r/{place.name}",
            "subreddit_type": place.about["subreddit_type"],
            "permalink": entry.url.removeprefix("https://www.reddit.com"),
            "created": float(int(entry.created_at.timestamp())),
            "created_utc": float(int(entry.created_at.timestamp())),
            "edited": float(int(entry.edited_at.timestamp())) if entry.edited_at else False,
            "score": score,
            "ups": score,
            "downs": 0,
            "likes": True,
            "saved": False,
            "gilded": 0,
            "total_awards_received": 0,
            "all_awardings": [],
            "archived": entry.extras.get("archived", False),
            "locked": entry.extras.get("locked", False),
            "stickied": False,
            "distinguished": None,
            "removed_by_category": entry.extras.get("removed"),
            "banned_by": None,
            "replies": "",
        }

    def comment_json(self, entry: Entry) -> Json:
        data = {
            "body": entry.text,
            "body_html": f'<div class="md"><p>{_escaped(entry.text)}</p>\n</div>',
            "parent_id": entry.reply_to,
            "link_id": entry.extras["link_id"],
            "is_submitter": False,
            "score_hidden": False,
            "depth": 0,
            "controversiality": 0,
        }
        return {**self._common(entry), **data}

    def post_json(self, entry: Entry) -> Json:
        extras, counts = entry.extras, self.numbers(entry)
        url, kind = self._address(entry), extras["kind"]
        data = {
            "title": entry.title,
            "selftext": entry.text,
            "is_self": kind in ("self", "poll"),
            "url": url,
            "domain": f"self.{extras['sr']}" if kind in ("self", "poll") else url.split("/")[2],
            "over_18": extras.get("sensitive", False),
            "spoiler": extras.get("spoiler", False),
            "link_flair_text": extras.get("flair_text"),
            "link_flair_template_id": extras.get("flair_id"),
            "num_comments": counts["num_comments"],
            "num_crossposts": counts["num_crossposts"],
            "upvote_ratio": 0.93,
            "view_count": None,
            "is_video": kind in ("video", "videogif"),
            "is_crosspostable": extras.get("crosspostable", True),
            "is_robot_indexable": not extras.get("removed"),
            "is_original_content": False,
            "media": self._media_json(entry),
            "pinned": False,
            "hidden": False,
            "send_replies": extras.get("sendreplies", True),
            "thumbnail": "self",
        }
        data |= {} if kind in ("self", "poll") else {"url_overridden_by_dest": url}
        return {**self._common(entry), **data, **self._kind_json(entry)}

    def _address(self, entry: Entry) -> str:
        extras, assets = entry.extras, entry.extras.get("assets") or [""]
        match extras["kind"]:
            case "image":
                end = (
                    self.leases[assets[0]].filepath.rpartition(".")[2] if assets[0] in self.leases else "png"
                )
                return f"https://i.redd.it/{assets[0]}.{end}"
            case "video" | "videogif":
                return f"https://v.redd.it/{assets[0]}"
            case "gallery":
                return f"https://www.reddit.com/gallery/{entry.id[3:]}"
            case "link":
                return str(extras["url"])
            case "crosspost" if entry.quote in self.entries:
                return self._address(self.entries[entry.quote])
        return entry.url

    def _media_json(self, entry: Entry) -> Json | None:
        if entry.extras["kind"] not in ("video", "videogif"):
            return None
        url = f"{self._address(entry)}/CMAF_720.mp4?source=fallback"
        video = {
            "fallback_url": url,
            "duration": 5,
            "height": 720,
            "is_gif": entry.extras["kind"] == "videogif",
        }
        return {"reddit_video": video}

    def _kind_json(self, entry: Entry) -> Json:
        extras = entry.extras
        match extras["kind"]:
            case "gallery":
                items = [
                    {
                        "media_id": one["id"],
                        "id": number,
                        "caption": one["alt"],
                        "outbound_url": one["outbound_url"],
                    }
                    for number, one in enumerate(entry.media)
                ]
                kept = {one["id"]: {"status": "valid", "e": "Image", "m": one["mime"]} for one in entry.media}
                return {"is_gallery": True, "gallery_data": {"items": items}, "media_metadata": kept}
            case "self" if extras.get("assets"):
                kept = {
                    one["id"]: {"status": "valid", "m": one["mime"], "id": one["id"]} for one in entry.media
                }
                return {"media_metadata": kept}
            case "poll":
                options = [
                    {"id": str(number), "text": one["title"]}
                    for number, one in enumerate((entry.poll or {})["options"])
                ]
                return {
                    "poll_data": {
                        "options": options,
                        "total_vote_count": 0,
                        "voting_end_timestamp": extras["ends"],
                    }
                }
            case "crosspost":
                return {"crosspost_parent": entry.quote, "crosspost_parent_list": []}
        return {}


_SHELL: Json = {"selftext": "[deleted]", "removed_by_category": "deleted", "is_robot_indexable": False}


def _escaped(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
