"""Pinterest's numbers: analytics of many pins, of one, and the counts that come with the pins themselves.

Analytics go back 90 days and count whole days a day or two late. For older pins, and for accounts that are no
business, what Pinterest writes into the pins is read instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Receipt

from ._pinterest_pins import ID, KINDS, entries, made_at
from .base import Call

Json = dict[str, Any]
Answer = Json | errors.SocialKitError | None
"""Numbers of a pin; why there are none; or None: analytics are refused, ask another way."""

BACK = timedelta(days=89)
"""A day less than Pinterest allows, so that midnight in UTC does no harm."""
_COMMON = ("IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE", "TOTAL_COMMENTS", "TOTAL_REACTIONS")
_VIDEO = ("VIDEO_MRC_VIEW", "VIDEO_V50_WATCH_TIME")
_SUMMED = {
    "impressions": "IMPRESSION",
    "saves": "SAVE",
    "clicks": "OUTBOUND_CLICK",
    "video_views": "VIDEO_MRC_VIEW",
}
_LIFETIME = {"likes": "TOTAL_REACTIONS", "comments": "TOTAL_COMMENTS"}
_PIN = {"impressions": "impression", "clicks": "clickthrough", "likes": "reaction", "comments": "comment"}
_COUNTED = ("READY", "ESTIMATE")
_HARMLESS = (*_COUNTED, "PROCESSING", "BEFORE_PIN_CREATED")

_NOT_COUNTED = "Pinterest does not count it"
_NOT_SAID = "Pinterest did not say"
_NO_VIDEO = "the pin has no video"
_KIND_UNKNOWN = "whether the pin has a video is not known: give its permalink"
_YET = "Pinterest is still counting: its numbers come a day or two late"
_OLD = "Pinterest tells it of the last 90 days only, and the pin is older or its age is not known"
_BUSINESS = "Pinterest tells it to business accounts only"
_REFUSED = "Pinterest refuses its analytics to this app"
_SINCE = "Pinterest counts it by days: give since="


async def rows_of(receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
    """A row per receipt: as few requests as the pins allow, one for a hundred young ones of a kind."""
    now, business = call.now(), call.facts.facts.get("account_type") != "PINNER"
    known = [one for one in receipts if one.id is not None and ID.fullmatch(one.id)]
    young = [one for one in known if business and one.published_at and now - one.published_at < BACK]
    told: dict[str, Answer] = {}
    for video in (False, True):
        told |= await _analytics([one for one in young if is_video(one) == video], video, call)
    rest = [one for one in known if told.get(str(one.id)) is None]
    shown = await _shown(rest, call)
    why = {str(one.id): _REFUSED if one in young else _OLD if business else _BUSINESS for one in rest}
    return [_row(one, told.get(str(one.id)), shown, why, now) for one in receipts]


def is_video(receipt: Receipt) -> bool:
    return receipt.raw.get("creative_type") in KINDS["video"]


def _row(
    receipt: Receipt, told: Answer, shown: Mapping[str, Answer], why: Mapping[str, str], now: datetime
) -> Metrics:
    if receipt.id is None or not ID.fullmatch(receipt.id):
        error = errors.ConfigError(f"{receipt.id!r} is no id of a pin: digits only")
        return Metrics.of(receipt, error=error, fetched_at=now)
    answer = told if told is not None else shown[receipt.id]
    if answer is None or isinstance(answer, errors.SocialKitError):
        gone = answer or errors.Declined("Pinterest did not show the pin", status=404)
        return Metrics.of(receipt, error=gone, fetched_at=now)
    if told is not None:
        return _from_analytics(receipt, answer, now)
    return _from_pin(receipt, answer, why[receipt.id], now)


# --- analytics --------------------------------------------------------------------------------------------
async def _analytics(receipts: Sequence[Receipt], video: bool, call: Call) -> dict[str, Answer]:
    if not receipts:
        return {}
    first = min(one.published_at or call.now() for one in receipts)
    params = _days(first, call.now()) | {"metric_types": ",".join((*_COMMON, *(_VIDEO if video else ())))}
    return await _of_many([str(one.id) for one in receipts], params, call)


def _days(first: datetime, last: datetime) -> dict[str, str]:
    """A range of whole days in UTC."""
    days = (one.astimezone(UTC).date().isoformat() for one in (first, last))
    return dict(zip(("start_date", "end_date"), days, strict=True))


async def _of_many(ids: Sequence[str], params: Mapping[str, str], call: Call) -> dict[str, Answer]:
    """The numbers of up to a hundred pins. A pin that spoils the answer for the others is found by halving."""
    pairs = [("pin_ids", one) for one in ids]
    try:
        body = (await call.read("GET", "/v5/pins/analytics", params=[*pairs, *params.items()])).json()
    except errors.Declined as error:
        if error.status == 403:
            return {one: await _of_one(one, params, call) for one in ids}
        if error.status not in (401, 404):
            raise
        if len(ids) == 1:
            return {ids[0]: error}
        half = len(ids) // 2
        first = await _of_many(ids[:half], params, call)
        return first | await _of_many(ids[half:], params, call)
    return {one: _block(body.get(one)) for one in ids}


async def _of_one(pin_id: str, params: Mapping[str, str], call: Call) -> Answer:
    """The numbers of one pin, for apps that have no access to many at once."""
    try:
        return _block((await call.read("GET", f"/v5/pins/{pin_id}/analytics", params=params)).json())
    except errors.Declined as error:
        return None if error.status == 403 else error


def _block(told: Any) -> Answer:
    if not isinstance(told, dict):
        return errors.Declined(
            "Pinterest did not show the pin: deleted, or not the account's own", status=404
        )
    block = told.get("all")
    return block if isinstance(block, dict) else {}


def _counted(block: Mapping[str, Any], born: datetime | None, now: datetime) -> tuple[str, datetime | None]:
    """Why the sums say nothing ("" when they do), and the moment they are of. Days before ``born`` do not matter."""
    first = born.astimezone(UTC).date().isoformat() if born else ""
    listed = [day for day in block.get("daily_metrics") or () if isinstance(day, dict)]
    days = [(str(day.get("date")), str(day.get("data_status"))) for day in listed]
    if odd := sorted({status for day, status in days if day >= first and status not in _HARMLESS}):
        return f"Pinterest has no numbers for some of its days: {', '.join(odd)}", None
    ready = [day for day, status in days if day >= first and status in _COUNTED]
    if not ready:
        return (_YET, None) if days or not block.get("summary_metrics") else ("", None)
    ends = datetime.combine(date.fromisoformat(max(ready)), datetime.min.time(), UTC) + timedelta(days=1)
    return "", min(ends, now)


def _number(found: Any) -> float | None:
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _from_analytics(receipt: Receipt, block: Json, now: datetime) -> Metrics:
    why, as_of = _counted(block, receipt.published_at, now)
    sums, lifetime = block.get("summary_metrics") or {}, block.get("lifetime_metrics") or {}
    values: dict[str, float | None] = {
        name: None if why else _number(sums.get(theirs)) for name, theirs in _SUMMED.items()
    }
    values |= {name: _number(lifetime.get(theirs)) for name, theirs in _LIFETIME.items()}
    watched = None if why else _number(sums.get("VIDEO_V50_WATCH_TIME"))
    reasons = dict.fromkeys(_SUMMED, why or _NOT_SAID) | {"watch_seconds": why or _NOT_SAID}
    if not is_video(receipt):
        why = _NO_VIDEO if receipt.raw.get("creative_type") else _KIND_UNKNOWN
        reasons |= dict.fromkeys(("video_views", "watch_seconds"), why)
    raw = {"summary": sums, "lifetime": lifetime}
    return _made(receipt, values, watched, reasons, raw, now, as_of)


def _made(
    receipt: Receipt,
    values: Mapping[str, float | None],
    watched: float | None,
    reasons: Mapping[str, str],
    raw: Json,
    now: datetime,
    as_of: datetime | None = None,
) -> Metrics:
    counts = {name: None if value is None else int(value) for name, value in values.items()}
    seconds = None if watched is None else watched / 1000
    missing = dict.fromkeys(("reach", "shares", "quotes"), _NOT_COUNTED)
    missing |= {name: reasons.get(name, _NOT_SAID) for name, value in counts.items() if value is None}
    if seconds is None:
        missing["watch_seconds"] = reasons.get("watch_seconds", _NOT_SAID)
    numbers: Json = {**counts, "watch_seconds": seconds}
    return Metrics.of(receipt, **numbers, missing=missing, raw=raw, fetched_at=now, as_of=as_of)


# --- what stands in the pins --------------------------------------------------------------------------------
async def _shown(receipts: Sequence[Receipt], call: Call) -> dict[str, Answer]:
    """The pins with their counts: several from the account's list, what that does not show one by one."""
    wanted = {str(one.id) for one in receipts}
    found: dict[str, Answer] = {}
    moments = [one.published_at for one in receipts]
    if len(wanted) > 1:
        since = min((at for at in moments if at), default=None) if None not in moments else None
        async for pin in entries(call, "/v5/pins", since=since, pin_metrics="true"):
            if (pin_id := str(pin.get("id"))) in wanted:
                found[pin_id] = pin
            if len(found) == len(wanted):
                break
    for pin_id in sorted(wanted - found.keys()):
        found[pin_id] = await _shown_one(pin_id, call)
    return found


async def _shown_one(pin_id: str, call: Call) -> Answer:
    try:
        pin: Json = (await call.read("GET", f"/v5/pins/{pin_id}", params={"pin_metrics": "true"})).json()
    except errors.Declined as error:
        return error
    return pin


def _from_pin(receipt: Receipt, pin: Json, why: str, now: datetime) -> Metrics:
    told = pin.get("pin_metrics")
    lifetime = (told.get("lifetime_metrics") if isinstance(told, dict) else None) or {}
    values = {name: _number(lifetime.get(theirs)) for name, theirs in _PIN.items()}
    values |= {"saves": None, "video_views": None}
    video = pin.get("creative_type") in KINDS["video"]
    reasons = dict.fromkeys(_PIN, _NOT_SAID) | {"saves": why}
    reasons |= dict.fromkeys(("video_views", "watch_seconds"), why if video else _NO_VIDEO)
    raw = {"pin_metrics": told, "created_at": str(made_at(pin) or "") or None}
    return _made(receipt, values, None, reasons, raw, now)


# --- the account --------------------------------------------------------------------------------------------
async def account_row(me: Json, call: Call, *, since: datetime | None, until: datetime | None) -> Metrics:
    """Followers now; what the account's pins reached in a period, by whole days in UTC."""
    now = call.now()
    counts = {name: me.get(name) for name in ("follower_count", "monthly_views", "pin_count", "board_count")}
    followers = _number(counts["follower_count"])
    sums, why, as_of = await _period(me, since, min(until or now, now), call)
    names = ("impressions", "saves", "clicks")
    values = {name: None if why else _number(sums.get(_SUMMED[name])) for name in names}
    missing = {name: why or _NOT_SAID for name in names if values[name] is None}
    missing |= {"followers": _NOT_SAID} if followers is None else {}
    numbers: Json = {name: None if value is None else int(value) for name, value in values.items()}
    return Metrics(
        platform="pinterest",
        identity=call.facts.identity,
        url=call.facts.url,
        followers=None if followers is None else int(followers),
        **numbers,
        missing=missing,
        raw={**counts, "summary": sums},
        fetched_at=now,
        as_of=as_of,
    )


async def _period(
    me: Json, since: datetime | None, until: datetime, call: Call
) -> tuple[Json, str, datetime | None]:
    """The sums of a period, why there are none, and the moment they are of."""
    if me.get("account_type") == "PINNER":
        return {}, _BUSINESS, None
    if since is None:
        return {}, _SINCE, None
    if call.now() - since > BACK:
        return {}, "Pinterest tells it of the last 90 days only", None
    wanted = ",".join(("IMPRESSION", "OUTBOUND_CLICK", "PIN_CLICK", "SAVE", "ENGAGEMENT"))
    params = {**_days(since, until - timedelta(microseconds=1)), "metric_types": wanted}
    try:
        body = (await call.read("GET", "/v5/user_account/analytics", params=params)).json()
    except errors.Declined as error:
        return {}, f"Pinterest did not say: {error}", None
    block = body.get("all") or {}
    why, as_of = _counted(block, since, call.now())
    return block.get("summary_metrics") or {}, why, as_of
