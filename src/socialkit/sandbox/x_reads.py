"""What may be read from X: posts by id, timelines, mentions, recent search, users, analytics, usage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from .core import Answer
from .x_auth import Table, XUser
from .x_search import BadQuery, compiled
from .x_views import Ask, Views, XPost, not_found, playbacks, stamp

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Reads"]

Json = dict[str, Any]
_ID = re.compile(r"[0-9]{1,19}")
_TOKEN_HEAD = "7140dibdnow9c7btw"
_FIRST_DAY = datetime(2010, 11, 6, tzinfo=UTC)
_SEARCH_BACK = timedelta(days=7)
_SEARCH_LAG = timedelta(seconds=30)
_DEEP, _DEEP_WITHOUT_REPLIES, _MENTIONS_DEEP = 3200, 800, 800
_STEPS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(days=7)}


class Reads(Views):
    """The part of the box that changes nothing.

    ``lists_communities = False`` keeps posts into a Community off their author's list; X does not say where they are.
    """

    lists_communities = True

    def read_table(self) -> Table:
        """Method, path and handler of everything in this file."""
        return [
            ("GET", "/2/tweets", self.lookup),
            ("GET", "/2/tweets/search/recent", self.search_recent),
            ("GET", "/2/tweets/analytics", self.analytics),
            ("GET", "/2/media/analytics", self.media_analytics),
            ("GET", "/2/tweets/{id}", self.lookup_one),
            ("GET", "/2/users/me", self.me),
            ("GET", "/2/users", self.users_by_id),
            ("GET", "/2/users/by", self.users_by_name),
            ("GET", "/2/users/by/username/{username}", self.user_by_name),
            ("GET", "/2/users/{id}", self.user_by_id),
            ("GET", "/2/users/{id}/tweets", self.user_posts),
            ("GET", "/2/users/{id}/mentions", self.user_mentions),
            ("GET", "/2/usage/tweets", self.usage),
        ]

    # answers -------------------------------------------------------------------------------------

    def _answered(self, ask: Ask, data: Any, includes: Json, errors: list[Json], meta: Json) -> Response:
        from starlette.responses import JSONResponse

        made = {"data": data, "includes": includes, "errors": errors}
        kept = {name: value for name, value in made.items() if value}
        if meta:
            kept["meta"] = meta
        answer = {name: value if name == "errors" else ask.answer(value) for name, value in kept.items()}
        return JSONResponse(answer)

    def _bill(self, posts: Iterable[XPost], includes: Json, ask: Ask, owned: str | None = None) -> None:
        """What was returned is what costs: posts, users, referenced posts."""
        self.charge_reads("post read", [post.id for post in posts], price=owned)
        self.charge_reads("user read", [user["id"] for user in includes.get("users", ())])
        self.charge_reads("post read", [post["id"] for post in includes.get("tweets", ())])

    def _listing(self, request: Request, name: str, pattern: str) -> list[str]:
        """A comma list of 1 to 100 values from the query."""
        given = request.query_params.get(name, "")
        values = [value for value in given.split(",") if value]
        if not values:
            raise self.invalid(({name: [given]}, f"The `{name}` query parameter can not be empty"))
        bad = [value for value in values if re.fullmatch(pattern, value) is None]
        if bad:
            words = f"The `{name}` query parameter value {bad} is not valid"
            raise self.invalid(({name: bad}, words.replace("'", "")))
        if len(values) > 100:
            words = f"The number of values in the `{name}` query parameter list [{len(values)}] is not"
            raise self.invalid(({name: values}, f"{words} between 1 and 100"))
        return values

    # posts by id ---------------------------------------------------------------------------------

    def lookup(self, request: Request) -> Response:
        """``GET /2/tweets?ids=``: up to 100 posts; those that are gone are named in ``errors``."""
        viewer = self.viewer(request)
        ids = self._listing(request, "ids", "[0-9]{1,19}")
        self.need_credits()
        ask = Ask.of(request.query_params)
        found = [(post_id, self.post(post_id)) for post_id in dict.fromkeys(ids)]
        missing = [not_found("tweet", post_id, "ids") for post_id, post in found if post is None]
        posts = [post for _, post in found if post is not None]
        data, includes, errors = self.answer_posts(posts, ask, viewer, missing)
        self._bill(posts, includes, ask)
        return self._answered(ask, data, includes, errors, {})

    def lookup_one(self, request: Request) -> Response:
        """``GET /2/tweets/:id``: 200 with ``errors`` alone when there is no such post."""
        viewer = self.viewer(request)
        post_id = request.path_params["id"]
        if _ID.fullmatch(post_id) is None:
            raise self.invalid(
                ({"id": [post_id]}, f"The `id` query parameter value [{post_id}] is not valid")
            )
        self.need_credits()
        ask, post = Ask.of(request.query_params), self.post(post_id)
        if post is None:
            return self._answered(ask, None, {}, [not_found("tweet", post_id, "id")], {})
        data, includes, errors = self.answer_posts([post], ask, viewer, [])
        self._bill([post], includes, ask)
        return self._answered(ask, data[0] if data else None, includes, errors, {})

    # lists ---------------------------------------------------------------------------------------

    def user_posts(self, request: Request) -> Response:
        """``GET /2/users/:id/tweets``: newest first, 3200 back (800 without replies)."""
        exclude = set(filter(None, request.query_params.get("exclude", "").split(",")))
        if exclude - {"replies", "retweets"}:
            raise self.invalid(({"exclude": sorted(exclude)}, "exclude is replies, retweets or both"))

        def wanted(post: XPost) -> bool:
            root = self.post(post.conversation)
            if not self.lists_communities and root is not None and root.given.get("community_id"):
                return False
            kept = post.reply_to is None or "replies" not in exclude
            return kept and (post.repost_of is None or "retweets" not in exclude)

        deep = _DEEP_WITHOUT_REPLIES if "replies" in exclude else _DEEP
        return self._user_list(
            request, lambda person: [post for post in self.lately(person.username) if wanted(post)][:deep]
        )

    def user_mentions(self, request: Request) -> Response:
        """``GET /2/users/:id/mentions``: the last 800."""

        def mentioning(person: XUser) -> list[XPost]:
            return [post for post in self.lately() if self.mentions(post, person)][:_MENTIONS_DEEP]

        return self._user_list(request, mentioning)

    def mentions(self, post: XPost, person: XUser) -> bool:
        """Whether a post of somebody else names the person."""
        if post.account == person.username:
            return False
        return any(mark.get("id") == person.id for mark in post.shown.entities.get("mentions", ()))

    def lately(self, account: str | None = None) -> list[XPost]:
        """What lists show, by id, newest first."""
        posts = cast("list[XPost]", self.listed(account))
        return sorted(posts, key=lambda post: int(post.id), reverse=True)

    def _user_list(self, request: Request, posts_of: Callable[[XUser], list[XPost]]) -> Response:
        viewer = self.viewer(request)
        user_id = request.path_params["id"]
        if _ID.fullmatch(user_id) is None:
            raise self.invalid(
                ({"id": [user_id]}, f"The `id` query parameter value [{user_id}] is not valid")
            )
        size = self._size(request, 5, 10)
        self.need_credits("owned read" if self.owned(viewer, user_id) else "post read")
        ask, person = Ask.of(request.query_params), self.person_of(user_id)
        if person is None:
            return self._answered(ask, None, {}, [not_found("user", user_id, "id")], {})
        posts = self._within(request, posts_of(person))
        return self._page(request, posts, size, ask, viewer, self.owned(viewer, user_id))

    def _page(
        self,
        request: Request,
        posts: list[XPost],
        size: int,
        ask: Ask,
        viewer: XUser | None,
        owned: str | None = None,
    ) -> Response:
        start = self._offset(request, posts)
        page = posts[start : start + size]
        data, includes, errors = self.answer_posts(page, ask, viewer, [])
        meta: Json = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if start + size < len(posts):
            meta["next_token"] = _page_token("n", page[-1].id)
        if start > 0:
            meta["previous_token"] = _page_token("p", page[0].id if page else "0")
        self._bill(page, includes, ask, owned)
        return self._answered(ask, data, includes, errors, meta)

    def _offset(self, request: Request, posts: list[XPost]) -> int:
        query = request.query_params
        token = query.get("pagination_token") or query.get("next_token")
        if not token:
            return 0
        kind, mark = token.removeprefix(_TOKEN_HEAD)[:1], token.removeprefix(_TOKEN_HEAD)[1:]
        if not token.startswith(_TOKEN_HEAD) or kind not in ("n", "p") or not mark.isalnum():
            raise self.invalid(({"pagination_token": [token]}, "The pagination token is not valid"))
        post_id = int(mark, 36)
        older = sum(int(post.id) >= post_id for post in posts)
        if kind == "n":
            return older
        newer = sum(int(post.id) > post_id for post in posts)
        return max(0, newer - self._size(request, 1, 10))

    def _size(self, request: Request, least: int, default: int) -> int:
        given = request.query_params.get("max_results")
        if given is None:
            return default
        if not given.isdecimal() or not least <= int(given) <= 100:
            words = f"The `max_results` query parameter value [{given}] is not between {least} and 100"
            raise self.invalid(({"max_results": [given]}, words))
        return int(given)

    def moment(self, request: Request, name: str) -> datetime | None:
        """A time of the query as aware UTC; 400 for anything else."""
        given = request.query_params.get(name)
        if given is None:
            return None
        try:
            moment = datetime.fromisoformat(given)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or "T" not in given:
            words = f"Invalid '{name}':'{given}'. YYYY-MM-DDTHH:mm:ssZ is expected"
            raise self.invalid(({name: [given]}, words))
        if moment < _FIRST_DAY:
            words = f"Invalid '{name}':'{given}'. '{name}' must be on or after {stamp(_FIRST_DAY)}"
            raise self.invalid(({name: [given]}, words))
        return moment.astimezone(UTC)

    def _within(self, request: Request, posts: list[XPost]) -> list[XPost]:
        """The posts between the times (start in, end out) and ids (both out) of the query."""
        start, end = self.moment(request, "start_time"), self.moment(request, "end_time")
        if start is not None and end is not None and start >= end:
            raise self.invalid(({"start_time": [stamp(start)]}, "start_time must be before end_time"))
        ids: dict[str, int | None] = {}
        for name in ("since_id", "until_id"):
            given = request.query_params.get(name)
            if given is not None and _ID.fullmatch(given) is None:
                raise self.invalid(({name: [given]}, f"The `{name}` query parameter value is not valid"))
            ids[name] = int(given) if given is not None else None
        since, until = ids["since_id"], ids["until_id"]
        return [
            post
            for post in posts
            if (start is None or post.created_at >= start)
            and (end is None or post.created_at < end)
            and (since is None or int(post.id) > since)
            and (until is None or int(post.id) < until)
        ]

    def search_recent(self, request: Request) -> Response:
        """``GET /2/tweets/search/recent``: seven days back, up to 30 s ago."""
        viewer = self.viewer(request)
        query = request.query_params.get("query", "").strip()
        limit = 512 if self.access == "self-serve" else 4096
        if not 1 <= len(query) <= limit:
            raise self.invalid(({"query": [query]}, f"The query must be between 1 and {limit} characters"))
        size, now = self._size(request, 10, 10), self.now()
        start, end = self.moment(request, "start_time"), self.moment(request, "end_time")
        if end is not None and end > now - timedelta(seconds=10):
            words = "'end_time' must be a minimum of 10 seconds prior to the request time"
            raise self.invalid(({"end_time": [stamp(end)]}, words))
        if start is not None and start < now - _SEARCH_BACK:
            words = f"'start_time' must be on or after {stamp(now - _SEARCH_BACK)}"
            raise self.invalid(({"start_time": [stamp(start)]}, words))
        self.need_credits()
        try:
            matches = compiled(self, query)
        except BadQuery as error:
            raise self.invalid(({"query": [query]}, str(error))) from None
        latest = end or now - _SEARCH_LAG
        posts = [
            post
            for post in self._within(request, self.lately())
            if now - _SEARCH_BACK <= post.created_at < latest and matches(post)
        ]
        return self._page(request, posts, size, Ask.of(request.query_params), viewer)

    # users ---------------------------------------------------------------------------------------

    def me(self, request: Request) -> Response:
        """``GET /2/users/me``."""
        me = self.user(request, "tweet.read", "users.read")
        return self._users(request, [me], [], one=True)

    def user_by_id(self, request: Request) -> Response:
        """``GET /2/users/:id``."""
        self.viewer(request)
        user_id = request.path_params["id"]
        person = self.person_of(user_id)
        missing = [] if person else [not_found("user", user_id, "id")]
        return self._users(request, [person] if person else [], missing, one=True)

    def user_by_name(self, request: Request) -> Response:
        """``GET /2/users/by/username/:username``."""
        self.viewer(request)
        name = request.path_params["username"]
        if re.fullmatch("[A-Za-z0-9_]{1,15}", name) is None:
            raise self.invalid(({"username": [name]}, f"The `username` value [{name}] is not valid"))
        person = self.named(name)
        missing = [] if person else [not_found("user", name, "username")]
        return self._users(request, [person] if person else [], missing, one=True)

    def users_by_id(self, request: Request) -> Response:
        """``GET /2/users?ids=``."""
        self.viewer(request)
        ids = self._listing(request, "ids", "[0-9]{1,19}")
        return self._found_users(request, "ids", [(one, self.person_of(one)) for one in ids])

    def users_by_name(self, request: Request) -> Response:
        """``GET /2/users/by?usernames=``."""
        self.viewer(request)
        names = self._listing(request, "usernames", "[A-Za-z0-9_]{1,15}")
        return self._found_users(request, "usernames", [(one, self.named(one)) for one in names])

    def _found_users(self, request: Request, name: str, found: list[tuple[str, XUser | None]]) -> Response:
        missing = [not_found("user", value, name) for value, person in found if person is None]
        return self._users(request, [person for _, person in found if person], missing)

    def _users(
        self, request: Request, people: list[XUser], missing: list[Json], *, one: bool = False
    ) -> Response:
        self.need_credits("user read")
        ask = Ask.of(request.query_params)
        data = [self.user_json(person, ask) for person in people]
        self.charge_reads("user read", [person.id for person in people])
        return self._answered(ask, (data[0] if data else None) if one else data, {}, missing, {})

    # numbers -------------------------------------------------------------------------------------

    def analytics(self, request: Request) -> Response:
        """``GET /2/tweets/analytics``: counts of the caller's posts between two times."""
        me = self.user(request, "tweet.read", "users.read")
        ids = self._listing(request, "ids", "[0-9]{1,19}")
        spans = self._spans(request, ("hourly", "daily", "weekly", "total"), "total")
        wanted = self._wanted(request, "analytics.fields")
        posts = [post for post in map(self.post, ids) if post is not None and post.account == me.username]
        rows = [self._analytics_row({"id": post.id}, spans, post, wanted, self._counts) for post in posts]
        missing = [not_found("tweet", one, "ids") for one in ids if one not in {post.id for post in posts}]
        return self._answered(Ask(), rows, {}, missing, {})

    def media_analytics(self, request: Request) -> Response:
        """``GET /2/media/analytics``: plays of the caller's videos between two times."""
        me = self.user(request, "tweet.read")
        keys = self._listing(request, "media_keys", "[0-9]+_[0-9]+")
        spans = self._spans(request, ("hourly", "daily", "total"), "daily")
        wanted = self._wanted(request, "media_analytics.fields")
        own = {
            medium["key"]: (medium, post)
            for post in self.lately(me.username)
            for medium in post.media
            if medium["family"] != "photo"
        }
        rows = []
        for key in [key for key in keys if key in own]:
            medium, post = own[key]
            rows.append(self._analytics_row({"media_key": key}, spans, post, wanted, _plays(self, medium)))
        missing = [not_found("media", key, "media_keys") for key in keys if key not in own]
        return self._answered(Ask(), rows, {}, missing, {})

    def _wanted(self, request: Request, name: str) -> set[str]:
        return set(filter(None, request.query_params.get(name, "").split(",")))

    def _spans(
        self, request: Request, allowed: tuple[str, ...], default: str
    ) -> list[tuple[datetime, datetime]]:
        """The query's time in pieces of its granularity."""
        start, end = self.moment(request, "start_time"), self.moment(request, "end_time")
        granularity = request.query_params.get("granularity", default)
        if granularity not in allowed:
            raise self.invalid(({"granularity": [granularity]}, f"granularity is {', '.join(allowed)}"))
        if start is None or end is None or start >= end:
            raise self.invalid(({}, "start_time and end_time are required, in that order"))
        step = _STEPS.get(granularity, end - start)
        if (end - start) / step > 5000:
            raise self.invalid(({"granularity": [granularity]}, "The time is too long for this granularity"))
        spans = []
        while start < end:
            spans.append((start, min(end, start + step)))
            start += step
        return spans

    def _analytics_row(
        self,
        head: Json,
        spans: list[tuple[datetime, datetime]],
        post: XPost,
        wanted: set[str],
        counts: Callable[[XPost, datetime], Json],
    ) -> Json:
        rows = []
        for start, end in spans:
            before, after = counts(post, start), counts(post, end)
            metrics = {name: count - before[name] for name, count in after.items()}
            kept = {name: count for name, count in metrics.items() if not wanted or name in wanted}
            rows.append({"timestamp": stamp(start), "metrics": kept})
        return {**head, "timestamped_metrics": rows}

    def counts_at(self, post: XPost, moment: datetime, count: Callable[[], Json]) -> Json:
        """What ``count()`` would have said at ``moment``; zero before the post."""
        held, kept = min(moment, self.now()), self.skew
        self.skew += (held - self.now()).total_seconds()
        try:
            return count()
        finally:
            self.skew = kept

    def _counts(self, post: XPost, moment: datetime) -> Json:
        def count() -> Json:
            public, (links, profile) = self.public_metrics(post), self.clicks(post)
            seen = sum(number for name, number in public.items() if name != "impression_count")
            return {
                "impressions": public["impression_count"],
                "likes": public["like_count"],
                "replies": public["reply_count"],
                "retweets": public["retweet_count"],
                "quote_tweets": public["quote_count"],
                "bookmarks": public["bookmark_count"],
                "url_clicks": links or 0,
                "user_profile_clicks": profile,
                "engagements": seen + profile + (links or 0),
            }

        return self.counts_at(post, moment, count)

    def usage(self, request: Request) -> Response:
        """``GET /2/usage/tweets``: posts read this month, for app-only tokens."""
        grant = self.grant(request)
        if grant.kind != "app":
            detail = "Authenticating with a user's token is forbidden for this endpoint."
            title = "Unsupported Authentication"
            raise Answer(self.problem(403, detail, "unsupported-authentication", title))
        cap = {"cap_reset_day": 1, "project_cap": str(self.read_cap), "project_id": "1500000000000000000"}
        return self._answered(Ask(), {**cap, "project_usage": str(self.read_this_month())}, {}, [], {})


def _plays(box: Reads, medium: Json) -> Callable[[XPost, datetime], Json]:
    def at(post: XPost, moment: datetime) -> Json:
        views = box.counts_at(post, moment, lambda: {"views": box.video_views(medium, post)})["views"]
        played = playbacks(views)
        return {
            "video_views": views,
            "playback_start": played["playback_0_count"],
            "playback25": played["playback_25_count"],
            "playback50": played["playback_50_count"],
            "playback75": played["playback_75_count"],
            "playback_complete": played["playback_100_count"],
            "watch_time_ms": int(views * 1000 * (medium["seconds"] or 6.0) * 0.55),
        }

    return at


def _page_token(kind: str, post_id: str) -> str:
    value, word = int(post_id), ""
    while value:
        value, digit = divmod(value, 36)
        word = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + word
    return f"{_TOKEN_HEAD}{kind}{word or '0'}"
