"""Pinterest's numbers: counts inside pins, analytics by day that come late, the account's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import pinterest_schema as schema
from .core import Entry
from .pinterest_auth import Pinner
from .pinterest_media import Uploads

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["Numbers"]

Json = dict[str, Any]
_DAY = timedelta(days=1)
_HALF_LIFE = 3 * 86_400.0
_BOTH = {"IMPRESSION": 900, "OUTBOUND_CLICK": 30, "PIN_CLICK": 60, "SAVE": 25}
_LIFETIME = {"TOTAL_COMMENTS": 8, "TOTAL_REACTIONS": 40}
_VIDEO = {
    "VIDEO_MRC_VIEW": 400,
    "VIDEO_10S_VIEW": 150,
    "QUARTILE_95_PERCENT_VIEW": 60,
    "VIDEO_V50_WATCH_TIME": 3_000_000,
    "VIDEO_START": 700,
    "VIDEO_AVG_WATCH_TIME": 4_000,
}
_STILL = {"USER_FOLLOW": 2, "PROFILE_VISIT": 12}
_PEAKS = {**_BOTH, **_LIFETIME, **_VIDEO, **_STILL}
_ACCOUNT = ("ENGAGEMENT", "IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE")
_RATES = frozenset(f"{name}_RATE" for name in _ACCOUNT if name != "IMPRESSION")


class Numbers(Uploads):
    """What pins and accounts reached. Analytics count whole days in UTC, each a day after its end.

    ``many_at_once`` says whether the app has access to the analytics of several pins in one request;
    ``spoiled_by_one`` whether a pin that is not there makes such a request fail, or is left out of its answer.
    """

    many_at_once: bool = True
    spoiled_by_one: bool = True

    def number_table(self) -> list[tuple[str, str, Any]]:
        """Analytics, and the account."""
        return [
            ("GET", "/v5/pins/analytics", self.analytics_of_many),
            ("GET", "/v5/pins/{pin}/analytics", self.analytics_of_one),
            ("GET", "/v5/user_account", self.user_account),
            ("GET", "/v5/user_account/analytics", self.account_analytics),
            ("GET", "/v5/user_account/followers", self.followers),
        ]

    def own_pin(self, pin_id: str, me: Pinner) -> Entry | None:
        """The caller's pin, or None."""
        pin = self.find(pin_id)
        return pin if pin is not None and pin.account == me.name else None

    def reached(self, pin: Entry, name: str, at: datetime) -> int:
        """A number of the pin as it stood at a moment."""
        age = max(0.0, (at - pin.created_at).total_seconds())
        share = 1.0 - math.exp2(-age / _HALF_LIFE)
        return int(_PEAKS[name] * (0.5 + self.chance(pin.id, name)) * share)

    def pin_metrics(self, pin: Entry) -> Json | None:
        """What stands in a pin that is asked for with its numbers: nothing, where the account is no business."""
        if self.people[pin.account].account_type != "BUSINESS":
            return None
        now, names = self.now(), {"pin_click": "PIN_CLICK", "impression": "IMPRESSION"}
        names |= {"clickthrough": "OUTBOUND_CLICK"}
        far = now - timedelta(days=90)
        last = {
            ours: self.reached(pin, name, now) - self.reached(pin, name, far) for ours, name in names.items()
        }
        names |= {"reaction": "TOTAL_REACTIONS", "comment": "TOTAL_COMMENTS"}
        return {
            "90d": last,
            "lifetime_metrics": {ours: self.reached(pin, name, now) for ours, name in names.items()},
        }

    # analytics of pins -----------------------------------------------------------------------------

    def analytics_of_one(self, request: Request) -> Response:
        """``GET /v5/pins/{id}/analytics``."""
        me = self.asking(request, "boards:read", "pins:read")
        if me.account_type != "BUSINESS":
            raise self.refused(403, 403, "Not authorized to access board or Pin.")
        pin = self.own_pin(request.path_params["pin"], me)
        if pin is None:
            raise self.refused(404, 404, "Pin not found.")
        self._check(request, [pin])
        return self.json({"all": self._of(pin, request)})

    def analytics_of_many(self, request: Request) -> Response:
        """``GET /v5/pins/analytics?pin_ids=``: up to 100, for apps in the beta."""
        me = self.asking(request, "boards:read", "pins:read")
        if not self.many_at_once or me.account_type != "BUSINESS":
            raise self.refused(403, 29, "You are not permitted to access that resource.")
        ids = request.query_params.getlist("pin_ids")
        if not 1 <= len(ids) <= 100 or not all(one.isdecimal() for one in ids):
            raise self.refused(400, 1, "Invalid multi_pins analytics parameters.")
        pins = [self.own_pin(one, me) for one in ids]
        if self.spoiled_by_one and None in pins:
            raise self.refused(404, 50, "Pin not found.")
        known = [pin for pin in pins if pin is not None]
        self._check(request, known)
        return self.json({pin.id: {"all": self._of(pin, request)} for pin in known})

    def _check(self, request: Request, pins: Sequence[Entry]) -> None:
        """Dates, and metrics that every one of the pins has."""
        common = {*_BOTH, *_LIFETIME, "SAVE_RATE"}
        allowed = {*common, *_VIDEO, *_STILL}
        for pin in pins:
            allowed &= {*common, *(_VIDEO if pin.extras["creative_type"] == "VIDEO" else _STILL)}
        query = request.query_params
        if not query.get("metric_types"):
            raise self.refused(400, 1, "metric_types is required")
        if problem := schema.analytics_problem(query, frozenset(allowed), self.now().date()):
            raise self.refused(400, 1, f"Invalid pins analytics parameters: {problem}")

    def _of(self, pin: Entry, request: Request) -> Json:
        names = request.query_params["metric_types"].split(",")
        daily = [self._on(pin, day, names) for day in _days(request)]
        total: Json = {}
        for one in daily:
            for name, value in one["metrics"].items():
                total[name] = total.get(name, 0) + value
        lifetime = {name: self.reached(pin, name, self.now()) for name in names if name in _LIFETIME}
        return {"daily_metrics": daily, "lifetime_metrics": lifetime, "summary_metrics": total}

    def _on(self, pin: Entry, day: date, names: Sequence[str]) -> Json:
        """The numbers of one day: nought before the pin was made, and while they are being counted."""
        begins = datetime.combine(day, datetime.min.time(), UTC)
        ends, status = begins + _DAY, "READY"
        if ends <= pin.created_at:
            status = "BEFORE_PIN_CREATED"
        elif self.now() < ends + _DAY:
            status = "PROCESSING"
        counted = [name for name in names if name in _PEAKS and name not in _LIFETIME]
        values = {
            name: (self.reached(pin, name, ends) - self.reached(pin, name, begins)) * (status == "READY")
            for name in counted
        }
        if "SAVE_RATE" in names:
            values["SAVE_RATE"] = 0
        return {"date": day.isoformat(), "data_status": status, "metrics": values}

    # the account -----------------------------------------------------------------------------------

    def user_account(self, request: Request) -> Response:
        """``GET /v5/user_account``."""
        me = self.asking(request, "user_accounts:read")
        business = {"business_name": me.name.capitalize()} if me.account_type == "BUSINESS" else {}
        return self.json(
            {
                "id": me.id,
                "username": me.name,
                "account_type": me.account_type,
                "business_name": None,
                **business,
                "profile_image": "https://i.pinimg.com/600x600_R/00/00/00/sandbox.jpg",
                "website_url": "",
                "about": "",
                "follower_count": 10,
                "following_count": 3,
                "monthly_views": 163,
                "pin_count": len(self.listed(me.name)),
                "board_count": sum(board.owner == me.name for board in self.boards.values()),
            }
        )

    def account_analytics(self, request: Request) -> Response:
        """``GET /v5/user_account/analytics``, of business accounts."""
        me = self.asking(request, "user_accounts:read")
        if me.account_type != "BUSINESS":
            raise self.refused(403, 403, "Not authorized to access the user account analytics.")
        query, allowed = request.query_params, frozenset(_ACCOUNT) | _RATES
        if problem := schema.analytics_problem(query, allowed, self.now().date()):
            raise self.refused(400, 400, f"Invalid user accounts analytics parameters: {problem}")
        names = [name for name in (query.get("metric_types") or ",".join(_ACCOUNT)).split(",") if name]
        pins, daily, total = self.listed(me.name), list[Json](), dict.fromkeys(names, 0)
        for day in _days(request):
            values = dict.fromkeys(names, 0)
            status = "READY" if self.now() >= _end(day) + _DAY else "PROCESSING"
            for pin in pins if status == "READY" else ():
                for name, value in self._on(pin, day, list(_BOTH))["metrics"].items():
                    values |= {name: values[name] + value} if name in values else {}
            daily.append({"date": day.isoformat(), "data_status": status, "metrics": values})
            total = {name: total[name] + values[name] for name in names}
        return self.json({"all": {"daily_metrics": daily, "summary_metrics": total}})

    def followers(self, request: Request) -> Response:
        """``GET /v5/user_account/followers``."""
        self.asking(request, "user_accounts:read")
        names = [f"follower{number}" for number in range(10)]
        return self.paged(request, names, lambda name: {"username": name, "type": "user"})


def _days(request: Request) -> list[date]:
    first, last = (date.fromisoformat(request.query_params[name]) for name in ("start_date", "end_date"))
    return [first + _DAY * number for number in range((last - first).days + 1)]


def _end(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + _DAY
