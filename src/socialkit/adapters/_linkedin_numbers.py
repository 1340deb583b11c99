"""What LinkedIn counts: a Page's posts in one request, a member's one number at a time, comments by their reactions."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from socialkit import errors
from socialkit.metrics import Metrics
from socialkit.model import Receipt

from ._linkedin_posts import COMMENT, enc, listed, urn_of
from .base import Call, Response

Json = Mapping[str, Any]
T = TypeVar("T")

MOST_QUERY = 4000
"""Characters of a query beyond which it is sent as a body, as LinkedIn's own client does it."""

_STATISTICS = "/rest/organizationalEntityShareStatistics"
_PAGE = {
    "impressions": "impressionCount",
    "reach": "uniqueImpressionsCount",
    "likes": "likeCount",
    "comments": "commentCount",
    "shares": "shareCount",
    "clicks": "clickCount",
}
_MEMBER = {
    "impressions": "IMPRESSION",
    "reach": "MEMBERS_REACHED",
    "likes": "REACTION",
    "comments": "COMMENT",
    "shares": "RESHARE",
    "saves": "POST_SAVE",
    "clicks": "LINK_CLICKS",
}
_VIDEO = {"video_views": "VIDEO_PLAY", "watch_seconds": "VIDEO_WATCH_TIME"}
_NOT_ON_PAGES = "LinkedIn does not tell it of a Page's posts"
_NO_VIDEO = "the post is not known to have a video"
_NOT_OF_COMMENTS = "LinkedIn does not count it for comments"
_NOT_SAID = "LinkedIn did not say"
_YEAR = timedelta(days=366)
_NO_SUM = "LinkedIn counts people once a day: days together tell nothing"
_VIEWS_KEPT = timedelta(days=180)
_VIEWS_GONE = "LinkedIn keeps a video's views for six months, and the post is older"
_MAYBE_GONE = "LinkedIn lists no activity, and the token may not ask whether the post is still there"


async def ask(call: Call, path: str, query: str, *, method: str = "", accept: Sequence[int] = ()) -> Response:
    """A GET with a query that is encoded already; a long one goes as a body."""
    headers = {"x-restli-method": method} if method else {}
    if len(query) <= MOST_QUERY:
        return await call.read("GET", f"{path}?{query}", headers=headers, accept=accept)
    tunnel = {"x-http-method-override": "GET", "content-type": "application/x-www-form-urlencoded"}
    return await call.read("POST", path, headers=headers | tunnel, content=query.encode(), accept=accept)


def elements(response: Response) -> list[dict[str, Any]]:
    body = response.json()
    found = body.get("elements") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise errors.Unavailable("LinkedIn's answer has no list of elements")
    return [one for one in found if isinstance(one, dict)]


def has_next(response: Response) -> bool:
    """Whether a list says that it goes on."""
    links = (response.json().get("paging") or {}).get("links") or ()
    return any(isinstance(one, dict) and one.get("rel") == "next" for one in links)


# --- Pages ------------------------------------------------------------------------------------------------
async def page_rows(receipts: Sequence[Receipt], page: str, call: Call) -> list[Metrics]:
    """One request for all posts; those it leaves out had no activity, or are gone: one more tells them apart."""
    urns = {id(receipt): urn_of(receipt.id or "") for receipt in receipts}
    asked = list(dict.fromkeys(urn for urn in urns.values() if urn and _kind(urn)))
    told = await _page_statistics(asked, page, call)
    there = await _existing([urn for urn in asked if urn not in told], call)
    rows = []
    for receipt in receipts:
        urn = urns[id(receipt)]
        if urn and COMMENT.fullmatch(urn):
            rows.append(await comment_row(receipt, urn, call))
        elif urn is None or not _kind(urn):
            rows.append(_unasked(receipt, call.now()))
        elif urn in told or there is None or there[urn]:
            seen, why = await _page_video(receipt, urn, call)
            rows.append(_page_row(receipt, told.get(urn), seen, why, there is None, call.now()))
        else:
            rows.append(_gone(receipt, call.now()))
    return rows


async def _page_statistics(urns: Sequence[str], page: str, call: Call) -> dict[str, Json]:
    if not urns:
        return {}
    query = f"q=organizationalEntity&organizationalEntity={enc(page)}"
    for parameter, kind in (("shares", "share"), ("ugcPosts", "ugcPost")):
        if chosen := [urn for urn in urns if _kind(urn) == kind]:
            query += f"&{parameter}={listed(chosen)}"
    answer = await ask(call, _STATISTICS, query, method="FINDER")
    rows = [
        (one.get("share") or one.get("ugcPost"), one.get("totalShareStatistics")) for one in elements(answer)
    ]
    return {str(urn): counts for urn, counts in rows if urn and isinstance(counts, dict)}


async def _existing(urns: Sequence[str], call: Call) -> dict[str, bool] | None:
    """Which of the posts there are; None where the token may not ask (the development tier)."""
    if not urns:
        return {}
    answer = await ask(call, "/rest/posts", f"ids={listed(urns)}", method="BATCH_GET", accept=(403,))
    if answer.status == 403:
        return None
    results = {unquote(str(urn)) for urn in (answer.json().get("results") or {})}
    return {urn: urn in results for urn in urns}


async def _page_video(receipt: Receipt, urn: str, call: Call) -> tuple[dict[str, float], dict[str, str]]:
    """The numbers of a video, and why one of them is not there."""
    if not receipt.raw.get("video"):
        return {}, dict.fromkeys(_VIDEO, _NO_VIDEO)
    if _kind(urn) != "ugcPost":
        return {}, dict.fromkeys(_VIDEO, "LinkedIn tells it of ugcPost URNs only")
    found, why = dict[str, float](), dict.fromkeys(_VIDEO, _NOT_SAID)
    for name, kind in (("video_views", "VIDEO_VIEW"), ("watch_seconds", "TIME_WATCHED")):
        if kind == "VIDEO_VIEW" and receipt.published_at and call.now() - receipt.published_at > _VIEWS_KEPT:
            why[name] = _VIEWS_GONE
            continue
        try:
            query = f"q=entity&entity={enc(urn)}&type={kind}"
            values = [one.get("value") for one in elements(await ask(call, "/rest/videoAnalytics", query))]
        except errors.RateLimited:
            raise
        except errors.SocialKitError as error:
            return found, why | {one: f"{_NOT_SAID}: {error.message}" for one in _VIDEO if one not in found}
        if told := [value for value in values if isinstance(value, int)]:
            found[name] = sum(told)
    return found, why


def _page_row(
    receipt: Receipt,
    counts: Json | None,
    seen: Mapping[str, float],
    reasons: Mapping[str, str],
    unsure: bool,
    now: datetime,
) -> Metrics:
    """The row of a post; one that is there and not listed had no activity."""
    values: dict[str, Any] = {name: (counts or {}).get(field) for name, field in _PAGE.items()}
    missing = {"saves": _NOT_ON_PAGES}
    if counts is None:
        values = dict.fromkeys(_PAGE, None if unsure else 0)
    why = _MAYBE_GONE if counts is None else _NOT_SAID
    missing |= {name: why for name, value in values.items() if value is None}
    values |= _video_values(seen)
    missing |= {name: reasons[name] for name in _VIDEO if values[name] is None}
    raw = dict(counts or {}) | ({"videoAnalytics": dict(seen)} if seen else {})
    return Metrics.of(receipt, **values, missing=missing, raw=raw, fetched_at=now)


def _video_values(told: Mapping[str, float]) -> dict[str, float | None]:
    watched = told.get("watch_seconds")
    return {
        "video_views": told.get("video_views"),
        "watch_seconds": None if watched is None else watched / 1000,
    }


# --- members ----------------------------------------------------------------------------------------------
async def member_row(receipt: Receipt, call: Call) -> Metrics:
    """A member's post: one request per number. A refusal ends the asking: requests are few."""
    urn = urn_of(receipt.id or "")
    if urn and COMMENT.fullmatch(urn):
        return await comment_row(receipt, urn, call)
    if urn is None or not (kind := _kind(urn)):
        return _unasked(receipt, call.now())
    entity = f"({'share' if kind == 'share' else 'ugc'}:{enc(urn)})"
    values: dict[str, Any] = dict.fromkeys((*_MEMBER, *_VIDEO))
    missing = dict.fromkeys(_VIDEO, _NO_VIDEO)
    asked = [(name, query, "Post") for name, query in _MEMBER.items()]
    if receipt.raw.get("video"):
        asked += [(name, query, "Video") for name, query in _VIDEO.items()]
    raw = {}
    for name, query, about in asked:
        value = await _member_number(about, f"q=entity&entity={entity}", query, call)
        if isinstance(value, str):
            missing[name] = value
        else:
            raw[query], values[name] = value, value / 1000 if name == "watch_seconds" else value
            missing.pop(name, None)
    return Metrics.of(receipt, **values, missing=missing, raw=raw, fetched_at=call.now())


async def _member_number(about: str, whose: str, kind: str, call: Call) -> int | str:
    """A number, or why there is none. What ends the whole row (no scope, the post is gone, the quota) is raised."""
    query = f"{whose}&queryType={kind}&aggregation=TOTAL"
    try:
        answer = await ask(call, f"/rest/memberCreator{about}Analytics", query, method="FINDER")
    except errors.Declined as error:
        if error.status == 404:
            raise
        return f"{_NOT_SAID}: {error.message}"
    counts = [one.get("count") for one in elements(answer)]
    told = [count for count in counts if isinstance(count, int)]
    return sum(told) if told else _NOT_SAID


# --- comments ---------------------------------------------------------------------------------------------
async def comment_row(receipt: Receipt, urn: str, call: Call) -> Metrics:
    """A comment's reactions and answers."""
    try:
        body = (await call.read("GET", f"/rest/socialMetadata/{enc(urn)}")).json()
    except errors.RateLimited:
        raise
    except errors.SocialKitError as error:
        return Metrics.of(receipt, error=error, fetched_at=call.now())
    reactions = [one.get("count") or 0 for one in (body.get("reactionSummaries") or {}).values()]
    values = {"likes": sum(reactions), "comments": (body.get("commentSummary") or {}).get("count")}
    missing = dict.fromkeys((*_MEMBER, *_VIDEO), _NOT_OF_COMMENTS) | {"comments": _NOT_SAID}
    missing = {name: why for name, why in missing.items() if values.get(name) is None}
    return Metrics.of(receipt, **values, missing=missing, raw=dict(body), fetched_at=call.now())


# --- the account ------------------------------------------------------------------------------------------
async def account_row(author: str, call: Call, *, since: datetime | None, until: datetime | None) -> Metrics:
    """Followers now, and what all posts together reached: so far, or in a period of whole days in UTC."""
    now, member = call.now(), author.startswith("urn:li:person:")
    period = _whole_days(since, until, now) if since else None
    followers = await _or_why(followers_of(author, call))
    reached = await _or_why(_of_member(period, call) if member else _of_page(author, period, call))
    if isinstance(followers, errors.SocialKitError) and isinstance(reached, errors.SocialKitError):
        raise followers
    count, raw = (None, {}) if isinstance(followers, errors.SocialKitError) else followers
    values, missing = _nothing(reached.message) if isinstance(reached, errors.SocialKitError) else reached
    if count is None:
        said = f": {followers.message}" if isinstance(followers, errors.SocialKitError) else ""
        missing |= {"followers": f"{_NOT_SAID}{said}"}
    if until and not since:
        missing |= {"period": "a period needs since="}
    return Metrics(
        platform="linkedin",
        identity=call.facts.identity,
        url=call.facts.url,
        followers=count,
        **values,
        missing=missing,
        raw=raw,
        fetched_at=now,
        as_of=min(period[1], now) if period else None,
    )


Numbers = tuple[dict[str, Any], dict[str, str]]
"""Values by name, and why there is none."""


async def _or_why(asking: Awaitable[T]) -> T | errors.SocialKitError:
    """What is asked for, or the refusal; a used-up quota ends everything."""
    try:
        return await asking
    except errors.RateLimited:
        raise
    except errors.SocialKitError as error:
        return error


def _nothing(why: str) -> Numbers:
    return dict.fromkeys(_MEMBER), dict.fromkeys(_MEMBER, why)


def _whole_days(since: datetime, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """The midnights before and after a period."""
    last = (until or now).astimezone(UTC) - timedelta(microseconds=1)
    first, last = (
        one.replace(hour=0, minute=0, second=0, microsecond=0) for one in (since.astimezone(UTC), last)
    )
    return first, last + timedelta(days=1)


async def _of_page(page: str, period: tuple[datetime, datetime] | None, call: Call) -> Numbers:
    """A Page's posts together: twelve months, or the sum of the days of a period."""
    query = f"q=organizationalEntity&organizationalEntity={enc(page)}"
    if period is not None:
        if call.now() - period[0] > _YEAR:
            return _nothing("LinkedIn tells it of the last twelve months only")
        first, last = (int(one.timestamp() * 1000) for one in (period[0], min(period[1], call.now())))
        query += f"&timeIntervals=(timeRange:(start:{first},end:{last}),timeGranularityType:DAY)"
    answer = await ask(call, _STATISTICS, query, method="FINDER")
    rows = [one.get("totalShareStatistics") or {} for one in elements(answer)]
    values: dict[str, Any] = {name: _total(rows, field) for name, field in _PAGE.items()}
    missing = {name: _NOT_SAID for name, value in values.items() if value is None} | {"saves": _NOT_ON_PAGES}
    if period is not None:
        values["reach"], missing["reach"] = None, _NO_SUM
    return values, missing


def _total(rows: Sequence[Json], field: str) -> int | None:
    told = [row[field] for row in rows if isinstance(row.get(field), int)]
    return sum(told) if told else None


async def _of_member(period: tuple[datetime, datetime] | None, call: Call) -> Numbers:
    """A member's posts together, number by number."""
    whose = "q=me"
    if period is not None:
        first, last = (f"(day:{one.day},month:{one.month},year:{one.year})" for one in period)
        whose += f"&dateRange=(start:{first},end:{last})"
    values, missing = dict[str, Any](), dict[str, str]()
    for name, kind in _MEMBER.items():
        value = await _member_number("Post", whose, kind, call)
        (missing if isinstance(value, str) else values)[name] = value  # type: ignore[assignment]
    return values, missing


async def followers_of(author: str, call: Call) -> tuple[int | None, dict[str, Any]]:
    """A Page's or the member's followers, and what LinkedIn said."""
    if author.startswith("urn:li:person:"):
        body = (await ask(call, "/rest/memberFollowersCount", "q=me", method="FINDER")).json()
        told = [one.get("memberFollowersCount", one.get("count")) for one in body.get("elements") or ()]
        count = next((one for one in told if isinstance(one, int)), None)
        return count, dict(body)
    query = "edgeType=COMPANY_FOLLOWED_BY_MEMBER"
    body = (await ask(call, f"/rest/networkSizes/{enc(author)}", query)).json()
    count = body.get("firstDegreeSize")
    return (count if isinstance(count, int) else None), dict(body)


# --- rows that are none -----------------------------------------------------------------------------------
def _kind(urn: str) -> str:
    """share or ugcPost, which is all that is counted; "" for other URNs."""
    kind = urn.split(":")[2]
    return kind if kind in ("share", "ugcPost") else ""


def _unasked(receipt: Receipt, now: datetime) -> Metrics:
    words = f"{receipt.id!r} is no share or ugcPost URN, and LinkedIn counts no others"
    return Metrics.of(receipt, error=errors.ConfigError(words), fetched_at=now)


def _gone(receipt: Receipt, now: datetime) -> Metrics:
    words = "LinkedIn does not show the post: deleted, or not this Page's"
    return Metrics.of(receipt, error=errors.Declined(words, status=404, said=words), fetched_at=now)
