"""What LinkedIn counts: a Page's posts by list, a member's by one metric, videos by one type, followers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from .core import Answer, Entry
from .linkedin_comments import Comments

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Numbers"]

Json = dict[str, Any]
_STATISTICS = "/rest/organizationalEntityShareStatistics"
_MEMBER = {
    "IMPRESSION": "impressions",
    "MEMBERS_REACHED": "reach",
    "RESHARE": "shares",
    "REACTION": "likes",
    "COMMENT": "comments",
    "POST_SAVE": "saves",
    "POST_SEND": "sends",
    "LINK_CLICKS": "clicks",
    "PREMIUM_CTA_CLICKS": "premium",
    "FOLLOWER_GAINED_FROM_CONTENT": "gained",
    "PROFILE_VIEW_FROM_CONTENT": "profile",
}
_VIDEO = {"VIDEO_PLAY": "plays", "VIDEO_WATCH_TIME": "watched", "VIDEO_VIEWER": "viewers"}
_PAGE_VIDEO = {"VIDEO_VIEW": "plays", "VIEWER": "viewers", "TIME_WATCHED": "watched"}


class Numbers(Comments):
    """The part of the box that counts. ``quiet`` holds URNs without any activity: lists leave them out."""

    quiet: frozenset[str] = frozenset()

    def number_routes(self) -> list[BaseRoute]:
        """Everything in this file."""
        return [
            self.route("GET", _STATISTICS, self.share_statistics),
            self.route("POST", _STATISTICS, self.share_statistics),
            self.route("GET", "/rest/videoAnalytics", self.video_analytics),
            self.route("GET", "/rest/networkSizes/{urn}", self.network_size),
            self.route("GET", "/rest/memberCreatorPostAnalytics", self.post_analytics),
            self.route("GET", "/rest/memberCreatorVideoAnalytics", self.member_video_analytics),
            self.route("GET", "/rest/memberFollowersCount", self.member_followers),
            self.route("GET", "/rest/organizations/{id}", self.organization),
            self.route("GET", "/rest/organizationAcls", self.acls),
        ]

    def counts(self, entry: Entry) -> dict[str, int]:
        """What people did with a post, growing with its age."""
        peaks = {"impressions": 2400, "reach": 1500, "likes": 120, "comments": 24, "shares": 18, "clicks": 90}
        more = {"saves": 12, "sends": 8, "premium": 2, "gained": 5, "profile": 40}
        video = {"plays": 600, "viewers": 400, "watched": 4_000_000}
        return self.growth(entry, **peaks, **more, **video)

    # Pages -----------------------------------------------------------------------------------------

    def _administered(self, request: Request, resource: str, urn: Any) -> str:
        username, _ = self.caller(request, resource, "rw_organization_admin")
        if not isinstance(urn, str) or self.role_of(username, urn) != "ADMINISTRATOR":
            raise self.forbid(request, resource)
        return urn

    def share_statistics(self, request: Request) -> Response:
        """``GET /rest/organizationalEntityShareStatistics``: rows for posts that had any activity."""
        from starlette.responses import JSONResponse

        if request.method == "POST":
            self.tunnelled(request)
        query = self.query(request)
        resource = "organizationalEntityShareStatistics.FINDER-organizationalEntity"
        page = self._administered(request, resource, query.get("organizationalEntity"))
        if query.get("q") != "organizationalEntity":
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "q=organizationalEntity is needed"))
        asked = [(name, urn) for name in ("shares", "ugcPosts") for urn in query.get(name, ())]
        if asked and "timeIntervals" in query:
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "timeIntervals does not go with posts"))
        if "timeIntervals" in query:
            rows = [self._on_page(page, *days) for days in self._days(query["timeIntervals"])]
        elif not asked:
            rows = [self._on_page(page)]
        else:
            rows = [row for name, urn in asked if (row := self._row(name, urn, page)) is not None]
        return JSONResponse({"paging": {"start": 0, "count": 10, "links": []}, "elements": rows})

    def _days(self, intervals: Any) -> list[tuple[datetime, datetime]]:
        """The days of a series; LinkedIn goes back twelve months."""
        try:
            given = intervals["timeRange"]
            first, last = (datetime.fromtimestamp(int(given[name]) / 1000, UTC) for name in ("start", "end"))
            grain = intervals["timeGranularityType"]
        except (KeyError, TypeError, ValueError):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "timeIntervals is not valid")) from None
        if grain != "DAY" or not self.now() - timedelta(days=366) <= first < last:
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "timeIntervals is out of range"))
        count = -(-(last - first) // timedelta(days=1))
        return [(first + timedelta(days=day), first + timedelta(days=day + 1)) for day in range(count)]

    def _on_page(self, page: str, first: datetime | None = None, last: datetime | None = None) -> Json:
        """What the posts of a Page reached together, between two moments where these are given."""
        posts = [one for one in self.listed(page) if one.extras.get("kind") == "post"]
        made = [one for one in posts if first is None or last is None or first <= one.created_at < last]
        totals = [self._statistics(one) for one in made]
        names = self._statistics(posts[0]) if posts else {}
        added = {name: sum(one[name] for one in totals) for name in names}
        told = {"organizationalEntity": page, "totalShareStatistics": added}
        if first is not None and last is not None:
            told["timeRange"] = {"start": int(first.timestamp() * 1000), "end": int(last.timestamp() * 1000)}
        return told

    def _row(self, name: str, urn: str, page: str) -> Json | None:
        kind = {"shares": "share", "ugcPosts": "ugcPost"}[name]
        if not urn.startswith(f"urn:li:{kind}:"):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", f"{urn} is no URN of a {kind}"))
        entry = self.find(urn)
        if entry is None or entry.account != page or urn in self.quiet:
            return None
        return {"organizationalEntity": page, kind: urn, "totalShareStatistics": self._statistics(entry)}

    def _statistics(self, entry: Entry) -> Json:
        counts = self.counts(entry)
        done = counts["clicks"] + counts["likes"] + counts["comments"] + counts["shares"]
        return {
            "impressionCount": counts["impressions"],
            "uniqueImpressionsCount": counts["reach"],
            "clickCount": counts["clicks"],
            "likeCount": counts["likes"],
            "commentCount": counts["comments"],
            "shareCount": counts["shares"],
            "engagement": done / max(1, counts["impressions"]),
        }

    def video_analytics(self, request: Request) -> Response:
        """``GET /rest/videoAnalytics``: one type of one post."""
        from starlette.responses import JSONResponse

        query = self.query(request)
        username, _ = self.caller(request, "videoAnalytics.FINDER-entity", "r_organization_social")
        urn, kind = str(query.get("entity")), str(query.get("type"))
        if not urn.startswith("urn:li:ugcPost:") or kind not in _PAGE_VIDEO:
            raise Answer(
                self.error(400, "ILLEGAL_ARGUMENT", "entity is a ugcPost URN, type one of its kinds")
            )
        entry = self.find(urn)
        if entry is None or not self.owns(username, entry.account):
            raise self.missing(urn)
        value = self.counts(entry)[_PAGE_VIDEO[kind]]
        return JSONResponse({"elements": [{"entity": urn, "statisticsType": kind, "value": value}]})

    def network_size(self, request: Request) -> Response:
        """``GET /rest/networkSizes/{urn}?edgeType=COMPANY_FOLLOWED_BY_MEMBER``."""
        from starlette.responses import JSONResponse

        urn = self.path_urn(request)
        self.caller(request, "networkSizes.GET")
        page = self.page(urn)
        if page is None or self.query(request).get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
            raise self.missing(urn)
        return JSONResponse({"firstDegreeSize": page.followers})

    def organization(self, request: Request) -> Response:
        """``GET /rest/organizations/{id}``."""
        from starlette.responses import JSONResponse

        self.caller(request, "organizations.GET", "rw_organization_admin", "r_organization_social")
        page = self.page(f"urn:li:organization:{request.path_params['id']}")
        if page is None:
            raise self.missing("the organization")
        return JSONResponse({"id": page.id, "localizedName": page.name, "vanityName": page.vanity})

    def acls(self, request: Request) -> Response:
        """``GET /rest/organizationAcls?q=roleAssignee``: the Pages the member has a role on."""
        from starlette.responses import JSONResponse

        username, me = self.caller(request, "organizationAcls.FINDER-roleAssignee", "rw_organization_admin")
        role = self.query(request).get("role")
        rows = [
            {
                "organization": page.urn,
                "role": page.roles[username],
                "roleAssignee": f"urn:li:person:{me.id}",
                "state": "APPROVED",
            }
            for page in self.organizations.values()
            if username in page.roles and role in (None, page.roles[username])
        ]
        page, paging = self.paging(request, rows)
        return JSONResponse({"paging": paging, "elements": page})

    # members ---------------------------------------------------------------------------------------

    def post_analytics(self, request: Request) -> Response:
        """``GET /rest/memberCreatorPostAnalytics``: one metric of one post."""
        return self._analytics(request, "memberCreatorPostAnalytics", _MEMBER)

    def member_video_analytics(self, request: Request) -> Response:
        """``GET /rest/memberCreatorVideoAnalytics``: the same for videos."""
        return self._analytics(request, "memberCreatorVideoAnalytics", _VIDEO)

    def _analytics(self, request: Request, resource: str, kinds: dict[str, str]) -> Response:
        from starlette.responses import JSONResponse

        query = self.query(request)
        _, me = self.caller(request, f"{resource}.FINDER-{query.get('q')}", "r_member_postAnalytics")
        kind, entity, grain = (
            str(query.get("queryType")),
            query.get("entity"),
            query.get("aggregation", "TOTAL"),
        )
        asked = isinstance(entity, dict) if query.get("q") == "entity" else query.get("q") == "me"
        if not asked or kind not in kinds or grain not in ("TOTAL", "DAILY"):
            raise Answer(
                self.error(400, "ILLEGAL_ARGUMENT", "q=entity, an entity and a queryType are needed")
            )
        if grain == "DAILY" and kind in ("MEMBERS_REACHED", "IMPRESSION"):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", f"{kind} is not counted by days"))
        if query["q"] == "me":
            return self._analytics_of_all(f"urn:li:person:{me.id}", kind, kinds[kind], query.get("dateRange"))
        name, urn = next(iter(cast("Json", entity).items()), ("", ""))
        wanted = {"share": "urn:li:share:", "ugc": "urn:li:ugcPost:"}.get(name, "?")
        if not urn.startswith(wanted):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", f"{urn} does not go with {name}"))
        entry = self.find(urn)
        if entry is None or entry.account != f"urn:li:person:{me.id}":
            raise self.missing(urn)
        told: Json = {
            "count": self.counts(entry)[kinds[kind]],
            "metricType": kind,
            "targetEntity": {name: urn},
        }
        if request.headers["linkedin-version"] < "202605":
            told["metricType"] = {"com.linkedin.adsexternalapi": kind}
        return JSONResponse({"paging": {"start": 0, "count": 10, "links": []}, "elements": [told]})

    def _analytics_of_all(self, author: str, kind: str, name: str, dates: Any) -> Response:
        """One metric of all posts of a member, those of some days where a range is given."""
        from starlette.responses import JSONResponse

        posts = [one for one in self.listed(author) if one.extras.get("kind") == "post"]
        if dates is not None:
            first, last = (self._date(dates, end) for end in ("start", "end"))
            posts = [one for one in posts if first <= one.created_at.date() < last]
        told = {"count": sum(self.counts(one)[name] for one in posts), "metricType": kind}
        return JSONResponse({"paging": {"start": 0, "count": 10, "links": []}, "elements": [told]})

    def _date(self, dates: Any, end: str) -> date:
        try:
            return date(*(int(dates[end][name]) for name in ("year", "month", "day")))
        except (KeyError, TypeError, ValueError):
            raise Answer(self.error(400, "ILLEGAL_ARGUMENT", "dateRange is not valid")) from None

    def member_followers(self, request: Request) -> Response:
        """``GET /rest/memberFollowersCount?q=me``."""
        from starlette.responses import JSONResponse

        self.caller(request, "memberFollowersCount.FINDER-me", "r_member_profileAnalytics")
        return JSONResponse({"elements": [{"memberFollowersCount": 340}]})
