"""Reading Threads: posts and their fields, lists page by page, insights, quotas, search, embedding.

Facts: Meta's documentation of the Threads API as of July 2026 and its request collection of January 2026.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .core import Answer, Entry
from .threads_accounts import Json
from .threads_containers import DAY, Containers, parsed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Reads"]

_TYPES = {"TEXT": "TEXT_POST", "CAROUSEL": "CAROUSEL_ALBUM"}
_POST_METRICS = {
    "views": "The number of times your post was viewed.",
    "likes": "The number of likes on your post.",
    "replies": "The number of replies on your post.",
    "reposts": "The number of times your post was reposted.",
    "quotes": "The number of times your post was quoted.",
    "shares": "The number of times your post was shared.",
}
_PEAKS = {"views": 900, "likes": 60, "replies": 8, "reposts": 9, "quotes": 3, "shares": 5}
_ACCOUNT_METRICS = ("views", "likes", "replies", "reposts", "quotes", "clicks", "followers_count")
_BREAKDOWNS = frozenset({"country", "city", "age", "gender"})
_EARLIEST = {"posts": 1_688_540_400, "insights": 1_712_991_600}
_LISTS = {"default": 25, "most": 100}
_QUOTAS = {
    "": "threads_content_publish",
    "reply_": "threads_manage_replies",
    "delete_": "threads_delete",
    "location_search_": "threads_location_tagging",
}


class Reads(Containers):
    """The part of the box that shows.

    ``needs_period`` demands ``period=day`` of account insights, as some accounts meet it; ``refuses_period`` refuses
    it.
    """

    needs_period: bool = False
    refuses_period: bool = False

    def read_routes(self) -> list[BaseRoute]:
        """Everything in this file; lists of words come before what takes any number."""
        table: list[tuple[str, str, Callable[[Request], Response]]] = [
            ("GET", "/v1.0/keyword_search", self.search),
            ("GET", "/v1.0/profile_lookup", self.lookup),
            ("GET", "/v1.0/profile_posts", self.profile_posts),
            ("GET", "/v1.0/location_search", self.find_places),
            ("GET", "/v1.0/oembed", self.embed),
            ("GET", "/v1.0/{id}/threads", self.own_posts),
            ("GET", "/v1.0/{id}/ghost_posts", self.own_ghosts),
            ("GET", "/v1.0/{id}/mentions", self.mentions),
            ("GET", "/v1.0/{id}/threads_publishing_limit", self.quotas),
            ("GET", "/v1.0/{id}/threads_insights", self.account_insights),
            ("GET", "/v1.0/{id}/insights", self.insights),
            ("GET", "/v1.0/{id}/replies", self.replies),
            ("GET", "/v1.0/{id}/conversation", self.conversation),
            ("GET", "/v1.0/{id}", self.show),
        ]
        return [self.route(method, path, handler) for method, path, handler in table]

    # one -------------------------------------------------------------------------------------------

    def show(self, request: Request) -> Response:
        """``GET /{id}``: a container, a post, a place, a profile."""
        from starlette.responses import JSONResponse

        number = request.path_params["id"]
        if (container := self.containers.get(number)) is not None:
            return self.show_container(request, container)
        grant = self.grant(request, "threads_basic")
        if number in ("me", self.people[grant.username].id):
            return JSONResponse(self.fields_of(request, self.profile(grant.username)))
        asked = self.asked_fields(request)
        if number in self.places:
            return JSONResponse(self.picked(asked, self.places[number]))
        return JSONResponse(self.picked(asked, self.shown(self.post(number), grant.username)))

    def profile(self, username: str) -> Json:
        """A profile as it sees itself."""
        person = self.people[username]
        return {
            "id": person.id,
            "username": person.username,
            "name": person.name,
            "is_verified": False,
            "threads_profile_picture_url": "https://example.com/picture.png",
            "threads_biography": "",
            "recently_searched_keywords": [],
            "is_eligible_for_geo_gating": self.geo_gating,
        }

    def post(self, number: str) -> Entry:
        """A post that is there; 100/33 for any other."""
        entry = self.find(number)
        if entry is None:
            raise self.no_object(number)
        return entry

    def shown(self, entry: Entry, viewer: str) -> Json:
        """Every field of a post, None where this one has none."""
        given = entry.extras.get("given", {})
        kind = str(entry.extras.get("kind", "TEXT"))
        first = entry.media[0] if entry.media else None
        known: Json = {
            "id": entry.id,
            "media_product_type": "THREADS",
            "media_type": _TYPES.get(kind, kind),
            "media_url": None if first is None or kind == "CAROUSEL" else self.media_url(first["id"]),
            "gif_url": _gif_url(given.get("gif_attachment")),
            "permalink": entry.url,
            "owner": {"id": self.people[entry.account].id} if viewer == entry.account else None,
            "username": entry.account,
            "text": entry.text or None,
            "timestamp": stamp(entry.created_at),
            "shortcode": self.shortcode(entry.id),
            "thumbnail_url": self.media_url(first["id"]) if first and first["kind"] == "VIDEO" else None,
            "children": {"data": [{"id": one["id"]} for one in entry.media]} if kind == "CAROUSEL" else None,
            "is_quote_post": entry.quote is not None,
            "quoted_post": {"id": entry.quote} if entry.quote else None,
            "reposted_post": entry.extras.get("reposted"),
            "has_replies": any(one.reply_to == entry.id for one in self.listed()),
            "reply_audience": given.get("reply_control", "everyone").upper(),
            "alt_text": (first or {}).get("alt") or None,
            "link_attachment_url": given.get("link_attachment"),
            "poll_attachment": _shown_poll(entry),
            "topic_tag": given.get("topic_tag") or self._spoken_tag(entry),
            "location_id": given.get("location_id"),
            "location": self.places.get(given.get("location_id", "")),
            "is_verified": False,
            "profile_picture_url": "https://example.com/picture.png",
            "is_spoiler_media": given.get("is_spoiler_media") == "true",
            "text_entities": None,
            "text_attachment": parsed(given.get("text_attachment")) or None,
            "allowlisted_country_codes": (given.get("allowlisted_country_codes") or "").split(",")
            if given.get("allowlisted_country_codes")
            else None,
            "ghost_post_status": "active" if given.get("is_ghost_post") == "true" else None,
            "ghost_post_expiration_timestamp": stamp(entry.created_at + DAY)
            if given.get("is_ghost_post") == "true"
            else None,
        }
        return known | self._as_reply(entry, viewer)

    def _as_reply(self, entry: Entry, viewer: str) -> Json:
        root = self._root(entry)
        return {
            "is_reply": entry.reply_to is not None,
            "is_reply_owned_by_me": entry.reply_to is not None and entry.account == viewer,
            "root_post": {"id": root} if entry.reply_to else None,
            "replied_to": {"id": entry.reply_to} if entry.reply_to else None,
            "hide_status": entry.extras.get("hide_status", "NOT_HUSHED") if entry.reply_to else None,
            "reply_approval_status": entry.extras.get("approval") if entry.reply_to else None,
        }

    def _root(self, entry: Entry) -> str:
        seen = {entry.id}
        while entry.reply_to and (parent := self.entries.get(entry.reply_to)) and parent.id not in seen:
            seen.add(parent.id)
            entry = parent
        return entry.id

    def _spoken_tag(self, entry: Entry) -> str | None:
        """The first hashtag of the text."""
        found = re.search(r"(?:^|\s)#([^\s#.&]{1,50})", entry.text)
        return found[1] if found and entry.reply_to is None else None

    # many ------------------------------------------------------------------------------------------

    def own_posts(self, request: Request) -> Response:
        """``GET /{user}/threads``."""
        username = self.user_in_path(request, "threads_basic")
        own = [one for one in self.listed(username) if one.reply_to is None and not _is_ghost(one)]
        return self.page(request, own, username)

    def own_ghosts(self, request: Request) -> Response:
        """``GET /{user}/ghost_posts``."""
        username = self.user_in_path(request, "threads_basic")
        return self.page(request, [one for one in self.listed(username) if _is_ghost(one)], username)

    def replies(self, request: Request) -> Response:
        """``GET /{user}/replies``: own ones; ``GET /{media}/replies``: direct ones."""
        grant = self.grant(request, "threads_basic", "threads_read_replies")
        number = request.path_params["id"]
        if number in ("me", self.people[grant.username].id):
            own = [one for one in self.listed(grant.username) if one.reply_to is not None]
            return self.page(request, own, grant.username)
        root = self.post(number)
        return self.page(request, [one for one in self.listed() if one.reply_to == root.id], grant.username)

    def conversation(self, request: Request) -> Response:
        """``GET /{media}/conversation``: the whole tree, flat."""
        grant = self.grant(request, "threads_basic", "threads_read_replies")
        root = self.post(request.path_params["id"])
        tree = [one for one in self.listed() if one.id != root.id and self._root(one) == root.id]
        return self.page(request, tree, grant.username)

    def mentions(self, request: Request) -> Response:
        """``GET /{user}/mentions``."""
        username = self.user_in_path(request, "threads_basic", "threads_manage_mentions")
        found = [one for one in self.listed() if re.search(rf"@{username}\b", one.text)]
        return self.page(request, found, username)

    def search(self, request: Request) -> Response:
        """``GET /keyword_search``; without approval of its scope, among own posts."""
        grant = self.grant(request, "threads_basic")
        if not (words := request.query_params.get("q", "")):
            raise self.bad("The parameter q is required")
        whole = "threads_keyword_search" in grant.scopes
        found = [
            one
            for one in self.listed(None if whole else grant.username)
            if words.casefold() in one.text.casefold()
        ]
        return self.page(request, found, grant.username)

    def profile_posts(self, request: Request) -> Response:
        """``GET /profile_posts?username=``: what a profile shows everybody."""
        grant = self.grant(request, "threads_basic", "threads_profile_discovery")
        username = self._public(request)
        own = [one for one in self.listed(username) if one.reply_to is None]
        return self.page(request, own, grant.username)

    def lookup(self, request: Request) -> Response:
        """``GET /profile_lookup?username=``."""
        from starlette.responses import JSONResponse

        self.grant(request, "threads_basic", "threads_profile_discovery")
        person = self.people[self._public(request)]
        counts = self._added_up(self.listed(person.username))
        known: Json = {
            "username": person.username,
            "name": person.name,
            "profile_picture_url": "https://example.com/picture.png",
            "biography": "",
            "is_verified": False,
            "follower_count": person.followers,
            **{f"{name}_count": counts[name] for name in ("likes", "quotes", "replies", "reposts", "views")},
        }
        asked = [name for name in request.query_params.get("fields", "username").split(",") if name]
        return JSONResponse(self.picked(asked, known))

    def _public(self, request: Request) -> str:
        username = request.query_params.get("username", "")
        if username not in self.people:
            raise self.no_object(username)
        return username

    def page(self, request: Request, entries: Iterable[Entry], viewer: str) -> Response:
        """A page of a list, newest first unless it is reversed, with its cursors."""
        from starlette.responses import JSONResponse

        query = request.query_params
        since, until = self._moment(query.get("since"), "posts"), self._moment(query.get("until"), "posts")
        fits = [
            one
            for one in entries
            if (since is None or one.created_at >= since) and (until is None or one.created_at <= until)
        ]
        if "before" in query and "after" in query:
            raise self.bad("Both before and after cannot be sent in the same request")
        fits = _after(fits, query.get("after"), self)
        size = min(max(int(query.get("limit") or _LISTS["default"]), 1), _LISTS["most"])
        asked = self.asked_fields(request)
        rows = [self.picked(asked, self.shown(one, viewer)) for one in fits[:size]]
        answer: Json = {"data": rows}
        if rows:
            ends = {"before": _cursor(fits[0].id)} | (
                {"after": _cursor(fits[size - 1].id)} if fits[size:] else {}
            )
            answer["paging"] = {"cursors": ends}
        return JSONResponse(answer)

    def _moment(self, text: str | None, what: str) -> datetime | None:
        if not text:
            return None
        if not text.isdigit():
            try:
                return datetime.fromisoformat(text).replace(tzinfo=UTC)
            except ValueError:
                raise self.bad("Param since must be a timestamp") from None
        if int(text) < _EARLIEST[what]:
            raise self.bad(f"Param since must be at least {_EARLIEST[what]}")
        return datetime.fromtimestamp(int(text), UTC)

    # numbers ---------------------------------------------------------------------------------------

    def insights(self, request: Request) -> Response:
        """``GET /{media}/insights``: the owner's alone."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, "threads_basic", "threads_manage_insights")
        entry = self.post(request.path_params["id"])
        if entry.account != grant.username:
            raise self.no_object(entry.id)
        names = self._metrics(request, _POST_METRICS)
        if "reposted" in entry.extras:
            return JSONResponse({"data": []})
        counts = self.counts(entry)
        return JSONResponse({"data": [_insight(entry.id, name, counts[name]) for name in names]})

    def _metrics(self, request: Request, known: Iterable[str]) -> list[str]:
        names = [name for name in request.query_params.get("metric", "").split(",") if name]
        if not names:
            raise self.bad("The parameter metric is required")
        if strange := [name for name in names if name not in known]:
            allowed = ", ".join(known)
            raise self.bad(
                f"(#100) metric[{names.index(strange[0])}] must be one of the following values: {allowed}"
            )
        return names

    def counts(self, entry: Entry) -> dict[str, int]:
        """What a post has by now: what grows with its age, and what is there."""
        grown = self.growth(entry, **_PEAKS)
        real = [one for one in self.listed() if one.reply_to == entry.id]
        return grown | {"replies": grown["replies"] + len(real)}

    def _added_up(self, entries: Iterable[Entry]) -> dict[str, int]:
        rows = [self.counts(one) for one in entries]
        return {name: sum(row[name] for row in rows) for name in _POST_METRICS}

    def account_insights(self, request: Request) -> Response:
        """``GET /{user}/threads_insights``: totals of a range, days of profile views, followers."""
        from starlette.responses import JSONResponse

        username = self.user_in_path(request, "threads_basic", "threads_manage_insights")
        names = self._metrics(request, (*_ACCOUNT_METRICS, "follower_demographics"))
        query = request.query_params
        if self.needs_period and query.get("period") != "day":
            raise self.bad("(#100) The period param is required for this metric")
        if self.refuses_period and "period" in query:
            raise self.bad("(#100) Param period is not supported")
        since = self._moment(query.get("since"), "insights") or self.now() - timedelta(days=2)
        until = self._moment(query.get("until"), "insights") or self.now()
        own = [one for one in self.listed(username) if since <= one.created_at <= until]
        rows = [
            self._account_row(name, own, username, since, until, query.get("breakdown")) for name in names
        ]
        return JSONResponse({"data": rows, "paging": {"previous": "", "next": ""}})

    def _account_row(
        self,
        name: str,
        own: list[Entry],
        username: str,
        since: datetime,
        until: datetime,
        breakdown: str | None,
    ) -> Json:
        person = self.people[username]
        row: Json = {"name": name, "period": "day", "title": name, "description": name.replace("_", " ")}
        row["id"] = f"{person.id}/insights/{name}/day"
        if name == "views":
            days = max(1, round((until - since) / DAY))
            moments = [since + DAY * (number + 1) for number in range(days)]
            return row | {
                "values": [
                    {"value": int(40 * self.chance("views", one.date())), "end_time": stamp(one)}
                    for one in moments
                ]
            }
        if name == "clicks":
            links = [entry.extras["given"].get("link_attachment") for entry in own if "given" in entry.extras]
            totals = [
                {"value": int(9 * self.chance("clicks", link)), "link_url": link} for link in links if link
            ]
            return row | {"link_total_values": totals}
        if name == "follower_demographics":
            if breakdown not in _BREAKDOWNS:
                raise self.bad("Param breakdown must be one of {country, city, age, gender}")
            results = [{"dimension_values": ["DE"], "value": person.followers}]
            return row | {
                "total_value": {"breakdowns": [{"dimension_keys": [breakdown], "results": results}]}
            }
        value = person.followers if name == "followers_count" else self._added_up(own)[name]
        return row | {"total_value": {"value": value}}

    def quotas(self, request: Request) -> Response:
        """``GET /{user}/threads_publishing_limit``: only what the token's scopes are for."""
        from starlette.responses import JSONResponse

        username = self.user_in_path(request, "threads_basic", "threads_content_publish")
        scopes = self.grant(request).scopes
        since = self.now() - DAY
        used = {
            "": self.used(username, reply=False),
            "reply_": self.used(username, reply=True),
            "delete_": sum(who == username and at > since for who, at in self.deleted),
            "location_search_": 0,
        }
        totals = dict(
            zip(used, (self.posts_a_day, self.replies_a_day, self.deletions_a_day, 500), strict=True)
        )
        known: Json = {}
        for head, scope in _QUOTAS.items():
            fields = {
                f"{head}quota_usage": used[head],
                f"{head}config": {"quota_total": totals[head], "quota_duration": 86400},
            }
            known |= fields
            asked = set(self.asked_fields(request)) & set(fields)
            if asked and scope not in scopes:
                raise Answer(self.scope_missing({scope}))
        names = [name for name in request.query_params.get("fields", "quota_usage,config").split(",") if name]
        return JSONResponse({"data": [self.picked(names, known)]})

    # the rest --------------------------------------------------------------------------------------

    def find_places(self, request: Request) -> Response:
        """``GET /location_search``: by words."""
        from starlette.responses import JSONResponse

        self.grant(request, "threads_basic", "threads_location_tagging")
        words = request.query_params.get("q", "").casefold()
        asked = self.asked_fields(request)
        found = [one for one in self.places.values() if words in one["name"].casefold()]
        return JSONResponse({"data": [self.picked(asked, one) for one in found]})

    def embed(self, request: Request) -> Response:
        """``GET /oembed``: with the app's token."""
        from starlette.responses import JSONResponse

        url = request.query_params.get("url", "")
        entry = next((one for one in self.listed() if one.url == url), None)
        if self._app_of(self.token_of(request)) is None:
            raise Answer(self.token_dead(None))
        if entry is None:
            raise self.no_object(url)
        words = (
            f'<blockquote class="text-post-media" data-text-post-permalink="{html.escape(url)}"></blockquote>'
        )
        return JSONResponse({"type": "rich", "version": "1.0", "html": words})


def stamp(moment: datetime) -> str:
    """A time as Threads writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+0000")


def _insight(number: str, name: str, value: int) -> Json:
    where = "thread_replies" if name == "replies" else name
    return {
        "name": name,
        "period": "lifetime",
        "values": [{"value": value}],
        "title": name.capitalize(),
        "description": _POST_METRICS[name],
        "id": f"{number}/insights/{where}/lifetime",
    }


def _shown_poll(entry: Entry) -> Json | None:
    if entry.poll is None:
        return None
    letters = "abcd"[: len(entry.poll["options"])]
    titles: Json = {
        f"option_{letter}": option["title"]
        for letter, option in zip(letters, entry.poll["options"], strict=True)
    }
    shares = {f"option_{letter}_votes_percentage": 0 for letter in letters}
    ends = stamp(entry.created_at + DAY)
    return titles | shares | {"total_votes": 0, "expiration_timestamp": ends}


def _gif_url(text: str | None) -> str | None:
    gif = parsed(text).get("gif_id")
    return f"https://media.giphy.com/media/{gif}/giphy.gif" if gif else None


def _is_ghost(entry: Entry) -> bool:
    return bool(entry.extras.get("given", {}).get("is_ghost_post") == "true")


def _cursor(number: str) -> str:
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode()


def _after(entries: list[Entry], cursor: str | None, box: Reads) -> list[Entry]:
    if not cursor:
        return entries
    places = [index for index, one in enumerate(entries) if _cursor(one.id) == cursor]
    if not places:
        raise box.bad("Invalid cursor")
    return entries[places[0] + 1 :]
