"""Reading Instagram back: posts and their fields, pages of them, insights, comments, many requests in one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ._graph_batch import answer_batch
from .core import Answer, Entry
from .instagram_accounts import Viewer
from .instagram_media import DAY, Containers

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .facebook import Handler

__all__ = ["Reads"]

Json = dict[str, Any]
VERSION = "v26.0"
_PAGE = 25
_COMMON = frozenset({"views", "reach", "shares", "total_interactions", "reposts"})
_FEED = _COMMON | {"likes", "comments", "saved", "total_likes", "total_comments", "total_views"}
METRICS = {
    "FEED": _FEED | {"follows", "profile_visits", "profile_activity"},
    "REELS": _FEED
    | {"ig_reels_avg_watch_time", "ig_reels_video_view_total_time", "reels_skip_rate", "crossposted_views"},
    "STORY": _COMMON
    | {"replies", "follows", "profile_visits", "profile_activity", "link_clicks", "navigation"},
}
"""Which insights there are, by kind of post."""
_ACCOUNT = frozenset(
    {
        *(
            "accounts_engaged",
            "comments",
            "follows_and_unfollows",
            "likes",
            "profile_links_taps",
            "profile_views",
        ),
        *("reach", "replies", "reposts", "saves", "shares", "total_interactions", "views", "website_clicks"),
    }
)
_COMMENT_FIELDS = ("id", "text", "username", "from", "timestamp", "like_count", "hidden", "parent_id")


def fields_in(text: str) -> Iterator[tuple[str, str, str]]:
    """(name, what stands in its parentheses, what stands in its braces) of each field asked for.

    >>> list(fields_in("id,insights.metric(reach,views),children{id,media_type}"))
    [('id', '', ''), ('insights', 'reach,views', ''), ('children', '', 'id,media_type')]
    """
    pattern = r"(\w+)(?:\.\w+\(([^)]*)\))?(?:\{([^}]*)\})?"
    for match in re.finditer(pattern, text):
        yield match[1], match[2] or "", match[3] or ""


class Reads(Containers):
    """The part of the box that answers questions.

    ``tells_product`` False refuses ``media_product_type`` on graph.instagram.com, as one client says has been seen.
    ``metric_refused`` names an insight that is refused although it is documented. ``shy`` accounts hide likes.
    ``fresh_404`` is how many reads of a post just made fail as if it were not there.
    """

    tells_product: bool = True
    metric_refused: str = ""
    shy: bool = False
    fresh_404: int = 0

    # an account's own lists -------------------------------------------------------------------------

    def list_media(self, request: Request) -> Response:
        """``GET /{ig-user}/media``: posts and reels, newest first."""
        viewer = self.viewer(request)
        posts = [one for one in self.listed(viewer.username) if one.extras["product"] != "STORY"]
        return self._page_of(request, viewer, posts)

    def list_stories(self, request: Request) -> Response:
        """``GET /{ig-user}/stories``: those of the last 24 hours."""
        viewer = self.viewer(request)
        posts = [one for one in self.listed(viewer.username) if one.extras["product"] == "STORY"]
        return self._page_of(request, viewer, [one for one in posts if self.now() - one.created_at < DAY])

    def _page_of(self, request: Request, viewer: Viewer, posts: list[Entry]) -> Response:
        from starlette.responses import JSONResponse

        given = self.given(request)
        limit, after = str(given.get("limit") or _PAGE), str(given.get("after") or "c0")
        if not (limit.isdigit() and 0 < int(limit) <= 100 and re.fullmatch(r"c\d+", after)):
            raise self.bad("limit or cursor is not valid")
        first = int(after[1:])
        shown = posts[first : first + int(limit)]
        data = [self.show_post(one, str(given.get("fields") or "id"), viewer) for one in shown]
        cursors = {"before": f"c{first}", "after": f"c{first + len(shown)}"}
        paging: Json = {"cursors": cursors}
        if first + len(shown) < len(posts):
            query = {name: value for name, value in given.items() if name != "access_token"}
            paging["next"] = (
                f"{self.base}{request.url.path}?{urlencode({**query, 'after': cursors['after']})}"
            )
        return JSONResponse({"data": data, **({"paging": paging} if shown else {})})

    def show_limit(self, request: Request) -> Response:
        """``GET /{ig-user}/content_publishing_limit``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request, "publish")
        known: Json = {
            "quota_usage": self.used(viewer.username),
            "config": {"quota_total": self.quota, "quota_duration": 86400},
        }
        asked = str(self.given(request).get("fields") or "quota_usage").split(",")
        return JSONResponse({"data": [{name: known[name] for name in asked if name in known}]})

    # one post ---------------------------------------------------------------------------------------

    def own_post(self, post_id: str, viewer: Viewer) -> Entry:
        """The account's own post with that id."""
        entry = self.find(post_id)
        if entry is None or entry.account != viewer.username:
            raise self.nobody(post_id)
        return entry

    def show_post(self, entry: Entry, fields: str, viewer: Viewer) -> Json:
        """The fields of a post; some are not told, others are not there to be asked."""
        told: Json = {"id": entry.id}
        known = self._known(entry, viewer)
        for name, metrics, inner in fields_in(fields):
            if name == "insights":
                told[name] = {"data": self.insights_of(entry, metrics.split(","))}
            elif name == "children":
                children = self._children_of(entry, inner or "id")
                told |= {name: {"data": children}} if children else {}
            elif name not in known:
                raise self.bad(f"Tried accessing nonexisting field ({name})")
            elif known[name] is not None:
                told[name] = known[name]
        return told

    def _known(self, entry: Entry, viewer: Viewer) -> Json:
        counts, extras = self.counts_of(entry), entry.extras
        known: Json = {
            "id": entry.id,
            "caption": entry.text or None,
            "media_type": extras["kind"],
            "media_product_type": extras["product"],
            "permalink": entry.url,
            "shortcode": extras["shortcode"],
            "timestamp": entry.created_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "like_count": None if self.shy else counts["likes"],
            "comments_count": counts["comments"],
            "media_url": f"{self.base}/media/{entry.media[0]['id']}",
            "thumbnail_url": None,
            "owner": {"id": self.people[entry.account].id},
            "username": entry.account,
            "is_comment_enabled": not extras["closed"],
            "is_shared_to_feed": extras["given"].get("share_to_feed") != "false"
            if extras["product"] == "REELS"
            else None,
            "alt_text": entry.media[0]["alt"] or None,
        }
        if viewer.page:
            known |= {"view_count": counts["views"], "ig_id": entry.id, "legacy_instagram_media_id": entry.id}
        elif not self.tells_product:
            del known["media_product_type"]
        return known

    def _children_of(self, entry: Entry, fields: str) -> list[Json]:
        if entry.extras["kind"] != "CAROUSEL_ALBUM":
            return []
        known = [{"id": one["id"], "media_type": one["type"], "alt_text": one["alt"]} for one in entry.media]
        return [{name: one[name] for name in ("id", *fields.split(",")) if name in one} for one in known]

    def list_children(self, request: Request) -> Response:
        """``GET /{media}/children``: the items of a carousel."""
        from starlette.responses import JSONResponse

        post = request.path_params["id"]
        viewer = self.viewer(request, node=self._owner_of(post))
        asked = str(self.given(request).get("fields") or "id")
        return JSONResponse({"data": self._children_of(self.own_post(post, viewer), asked)})

    def counts_of(self, entry: Entry) -> dict[str, int]:
        """What people did, growing with the post's age."""
        peaks = {
            "views": 900,
            "reach": 600,
            "likes": 80,
            "comments": 12,
            "shares": 20,
            "reposts": 6,
            "saved": 16,
        }
        grown = self.growth(entry, **peaks, replies=5, follows=4, visits=30, clicks=9, seconds=4000)
        grown["reach"] = min(grown["reach"], grown["views"])
        grown["comments"] += len(entry.extras["comments"])
        return grown

    def insights_of(self, entry: Entry, metrics: list[str]) -> list[Json]:
        """Insights; one that the kind of post has not fails them all."""
        product, counts = entry.extras["product"], self.counts_of(entry)
        if product == "STORY" and self.now() - entry.created_at >= DAY:
            return []
        for index, name in enumerate(metrics):
            if name not in METRICS[product] or name == self.metric_refused:
                values = ", ".join(sorted(METRICS[product] - {self.metric_refused}))
                raise self.bad(f"metric[{index}] must be one of the following values: {values}")
        if product == "STORY" and counts["reach"] < 5:
            raise self.bad("Not enough viewers for the media to show insights", 10)
        counts |= {"link_clicks": counts["clicks"], "profile_visits": counts["visits"]}
        counts["total_interactions"] = sum(counts[name] for name in ("likes", "comments", "shares", "saved"))
        watched = counts["seconds"] * 1000
        counts |= {
            "ig_reels_video_view_total_time": watched,
            "ig_reels_avg_watch_time": watched // max(1, counts["views"]),
        }
        return [_insight(entry.id, name, counts.get(name, 0), "lifetime") for name in metrics]

    def show_insights(self, request: Request) -> Response:
        """``GET /{media}/insights``, or the account's."""
        from starlette.responses import JSONResponse

        wanted = request.path_params["id"]
        asked = _names(self.given(request).get("metric"))
        if not asked:
            raise Answer(self.graph_error(3001, "(#3001) The parameter metric is required", subcode=1504028))
        if self.find(wanted) is None:
            return self._account_insights(request, asked)
        viewer = self.viewer(request, "insights", node=self._owner_of(wanted))
        data = self.insights_of(self.own_post(wanted, viewer), asked)
        return JSONResponse({"data": data})

    def _owner_of(self, post_id: str) -> str:
        entry = self.find(post_id)
        if entry is None:
            raise self.nobody(post_id)
        return str(self.people[entry.account].id)

    def _account_insights(self, request: Request, asked: list[str]) -> Response:
        """Totals of a period of at most 30 days, of the last 24 hours where none is named."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request, "insights")
        given = self.given(request)
        if unknown := [name for name in asked if name not in _ACCOUNT]:
            raise self.bad(
                f"metric[0] must be one of the following values: {', '.join(sorted(_ACCOUNT))} ({unknown[0]})"
            )
        if _names(given.get("period")) != ["day"] or given.get("metric_type") != "total_value":
            raise self.bad("Incompatible metric_type or period")
        now = int(self.now().timestamp())
        since, until = (
            int(given.get(name) or default) for name, default in (("since", now - 86400), ("until", now))
        )
        if not 0 < until - since <= 30 * 86400:
            raise self.bad("There cannot be more than 30 days (2592000 s) between since and until")
        days = max(1, (until - since) // 86400)
        person = self.people[viewer.username]
        data = []
        for name in asked:
            value = int(days * 40 * (0.5 + self.chance("account", name)))
            row = {"name": name, "period": "day", "title": name, "description": name}
            data.append({**row, "total_value": {"value": value}, "id": f"{person.id}/insights/{name}/day"})
        return JSONResponse({"data": data})

    # comments ---------------------------------------------------------------------------------------

    def list_comments(self, request: Request) -> Response:
        """``GET /{media}/comments``, newest first."""
        from starlette.responses import JSONResponse

        post = request.path_params["id"]
        viewer = self.viewer(request, "comments", node=self._owner_of(post))
        entry = self.own_post(post, viewer)
        asked = str(self.given(request).get("fields") or "id,text,timestamp").split(",")
        if unknown := [name for name in asked if name not in _COMMENT_FIELDS]:
            raise self.bad(f"Tried accessing nonexisting field ({unknown[0]})")
        listed = reversed(entry.extras["comments"])
        return JSONResponse(
            {"data": [{name: one[name] for name in ("id", *asked) if name in one} for one in listed]}
        )

    def add_comment(self, request: Request) -> Response:
        """``POST /{media}/comments``."""
        from starlette.responses import JSONResponse

        post = request.path_params["id"]
        viewer = self.viewer(request, "comments", node=self._owner_of(post))
        entry, text = self.own_post(post, viewer), str(self.given(request).get("message") or "")
        if not text.strip():
            raise self.bad("The parameter message is required")
        if entry.extras["closed"]:
            raise self.bad("Comments are turned off", 10)
        person = self.people[viewer.username]
        comment = {
            "id": self.new_id(),
            "text": text,
            "username": person.username,
            "from": {"id": person.id, "username": person.username},
            "timestamp": self.now().strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "like_count": 0,
            "hidden": False,
        }
        self.change(entry, extras={**entry.extras, "comments": [*entry.extras["comments"], comment]})
        if self.given(request).get("fields"):
            raise self.bad("Tried accessing nonexisting field on a comment")
        return JSONResponse({"id": comment["id"]})

    def change_post(self, request: Request) -> Response:
        """``POST /{media}``: comments opened or closed; nothing else of a post can be changed."""
        from starlette.responses import JSONResponse

        post = request.path_params["id"]
        viewer = self.viewer(request, "comments", node=self._owner_of(post))
        entry, wanted = self.own_post(post, viewer), self.given(request).get("comment_enabled")
        if wanted not in ("true", "false"):
            raise self.bad("The parameter comment_enabled is required")
        self.change(entry, extras={**entry.extras, "closed": wanted == "false"})
        return JSONResponse({"success": True})

    def delete_post(self, request: Request) -> Response:
        """``DELETE /{media}``: through a Page alone."""
        from starlette.responses import JSONResponse

        post = request.path_params["id"]
        if not self.by_facebook(request):
            self.viewer(request, node="me")
            raise self.nobody(post)
        viewer = self.viewer(request, "delete", node=self._owner_of(post))
        self.remove(self.own_post(post, viewer))
        return JSONResponse({"success": True})

    # many in one ------------------------------------------------------------------------------------

    def batch(self, request: Request) -> Response:
        """``POST /``: up to 50 requests as one; each answer's body is a text."""

        if not self.by_facebook(request):
            raise self.bad("Unsupported post request")
        self.facebook.grant(request)
        return answer_batch(self, request, VERSION)

    def handle(self, request: Request) -> Response:
        """The handler of a node or an edge, by the request's path."""
        edge = request.path_params.get("edge") or ""
        found = self.table().get((request.method, edge))
        if found is None:
            raise Answer(self.graph_error(2500, f"Unknown path components: /{edge}"))
        return found(request)

    def table(self) -> dict[tuple[str, str], Handler]:
        """(method, edge) → handler; the edge of a node itself is empty."""
        raise NotImplementedError


def _names(given: Any) -> list[str]:
    """A list as people write it: with commas, or as JSON."""
    text = str(given or "")
    listed = json.loads(text) if text.startswith("[") else text.split(",")
    return [str(name) for name in listed if name]


def _insight(post: str, name: str, value: int, period: str) -> Json:
    row = {"name": name, "period": period, "title": name.replace("_", " "), "description": name}
    return {**row, "values": [{"value": value}], "id": f"{post}/insights/{name}/{period}"}


def minutes(until: timedelta) -> int:
    """Whole minutes, as the usage headers count."""
    return max(1, -(-int(until.total_seconds()) // 60))
