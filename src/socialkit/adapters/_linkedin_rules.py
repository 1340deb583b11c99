"""What LinkedIn allows and refuses: numbers, limits and the table of its errors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import attrs

from socialkit.rules import (
    Budget,
    ErrorRow,
    FileRule,
    FindRule,
    ImageRule,
    Midnight,
    PollRule,
    Rules,
    Source,
    TextRule,
    VideoRule,
)

Tier = Literal["share", "development", "standard"]

_DOCS = Source("learn.microsoft.com/linkedin: Posts, Images, Videos, Documents, statistics", "2026-11-23")
_HELP = Source("linkedin.com/help: posting text, images and videos", "2026-11-23")
_REPORTS = Source("issues and clients of third parties", "2026-10-08")

VERSION = "202609"
"""The newest version of the API that was seen; each lives at least a year."""
DAY = 86_400.0
COMMENT = 1250
QUESTION = 140
TITLE = 400
DESCRIPTION = 4086
THUMBNAIL_BYTES = 5_000_000
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif"})
BATCH = 100
SMALL_VIDEO, LONG_VIDEO = 75_000, 900.0
"""Fewer bytes than the manual names, more seconds than the help pages name: told, and sent all the same."""
DURATIONS = {86_400: "ONE_DAY", 259_200: "THREE_DAYS", 604_800: "SEVEN_DAYS", 1_209_600: "FOURTEEN_DAYS"}
FACETS = frozenset(
    {
        "degrees",
        "geoLocations",
        "industries",
        "interfaceLocales",
        "jobFunctions",
        "seniorities",
        "staffCountRanges",
    }
)
"""By what the followers of a Page are chosen who see a post."""
POSTING_ROLES = frozenset(
    {"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN", "DIRECT_SPONSORED_CONTENT_POSTER"}
)

_CALLS = "* /(?:rest|v2)/.*"
UTC_MIDNIGHT = Midnight("UTC")
_QUOTAS: dict[Tier, tuple[tuple[str, Literal["app", "user"], int], ...]] = {
    "share": (("member-day", "user", 150), ("app-day", "app", 100_000)),
    "development": (("member-day", "user", 100), ("app-day", "app", 500)),
    "standard": (),
}


def budgets_of(tier: Tier) -> tuple[Budget, ...]:
    """The requests a day of a tier, both per member and per app. LinkedIn publishes no numbers for the standard one."""
    return tuple(
        Budget(name, level, limit, DAY, _CALLS, source=_DOCS, resets=UTC_MIDNIGHT)
        for name, level, limit in _QUOTAS[tier]
    )


_ROLE = "the token lacks a scope, the app a product, or the member a role on the Page that may post"
_SCOPE = f"{_ROLE}; sign in again with all scopes"
_STALE = "give a newer version= to LinkedIn(...): each is switched off a year or so after it came"
_OWNER = "the medium was uploaded for another author, or the member has no role on the Page"
_GONE = "it is deleted, or the URN is wrong"
_MEDIUM = r"urn:li:(?:image|video|document):\S+.*not (?:ready|found)"
_BROKEN = "the request does not have the form LinkedIn wants"

_TABLE: tuple[tuple[int, str, str, str, str], ...] = (
    # status, error, LinkedIn's codes, its words (a regex), what to do
    (0, "Unavailable", "", "unable to obtain activity", ""),
    (400, "ReauthNeeded", "", "authorization code not found|provided token is", "sign in again"),
    (400, "ReauthNeeded", "invalid_grant", "", "sign in again"),
    (400, "Unavailable", "MEDIA_ASSET_PROCESSING", _MEDIUM, "the medium is not processed yet"),
    (400, "Declined", "", "isVoterVisibleToAuthor", "polls must show the author who voted"),
    (400, "Declined", "FIELD_LENGTH_TOO_LONG", "", "shorten it"),
    (400, "Declined", "ILLEGAL_ARGUMENT MISSING_FIELD VALUE_OUT_OF_RANGE", "", _BROKEN),
    (401, "ReauthNeeded", "REVOKED_ACCESS_TOKEN 65601", "revoked", "the member ended the sign-in"),
    (401, "ReauthNeeded", "EXPIRED_ACCESS_TOKEN 65602", "", "a token lives 60 days"),
    (401, "ReauthNeeded", "INVALID_ACCESS_TOKEN 65600", "", "the token is malformed or unknown"),
    (401, "ReauthNeeded", "", "", "the token is not accepted"),
    (403, "Declined", "", "this video resource is forbidden", _OWNER),
    (403, "MissingScope", "ACCESS_DENIED 100", "not enough permissions", _SCOPE),
    (404, "Declined", "NOT_FOUND RESOURCE_NOT_FOUND", "", _GONE),
    (405, "Declined", "", "", _BROKEN),
    (409, "Unavailable", "", "", "something else was writing at the same moment"),
    (422, "Duplicate", "DUPLICATE_POST", "is a duplicate of", ""),
    (426, "Declined", "NONEXISTENT_VERSION VERSION_MISSING", "", _STALE),
    (429, "RateLimited", "TOO_MANY_REQUESTS 101", "", "quotas are counted anew at 00:00 UTC"),
    *((status, "Unavailable", "", "", "") for status in (500, 502, 503, 504)),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every code and for the words. After a 5xx or a refusal as a duplicate the post may be live."""
    for status, raises, codes, words, hint in _TABLE:
        definite = raises != "Duplicate" and (raises != "Unavailable" or status in (400, 409))
        fresh = status == 401 and "REVOKED" not in codes
        for code in codes.split():
            yield ErrorRow(status, raises, code=code, hint=hint, definite=definite, refresh=fresh)
        if words or not codes:
            yield ErrorRow(status, raises, text=words or None, hint=hint, definite=definite, refresh=fresh)


RULES = Rules(
    text=TextRule(3000, "utf16"),
    images=ImageRule(
        count=20,
        max_bytes=5_000_000,
        types=PICTURES,
        alt_limit=4086,
        alt_unit="utf16",
        max_pixels=36_152_319,
        animated_count=20,
        animated_max_frames=250,
    ),
    video=VideoRule(
        count=1,
        max_bytes=500_000_000,
        types=frozenset({"video/mp4"}),
        min_seconds=3.0,
        max_seconds=1800.0,
        min_side=144,
        max_side=4096,
        min_ratio=1 / 2.4,
        max_ratio=2.4,
        min_fps=10.0,
        max_fps=60.0,
        codecs=frozenset({"h264", "aac"}),
        captions=1,
        thumbnail=True,
        thumbnail_max_bytes=THUMBNAIL_BYTES,
        thumbnail_types=frozenset({"image/jpeg", "image/png"}),
    ),
    files=FileRule(
        count=1,
        max_bytes=100_000_000,
        types=frozenset(
            {
                "application/pdf",
                "application/msword",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            }
        ),
    ),
    poll=PollRule(2, 4, 30, "utf16", min_seconds=min(DURATIONS), max_seconds=max(DURATIONS)),
    carries=frozenset({"reply_to", "quote", "link", "title"}),
    in_text=frozenset({"tags"}),
    link_with_media=False,
    repeats=False,
    visibility=frozenset({"public", "followers"}),
    edit=True,
    delete=True,
    metrics=frozenset(
        {
            "impressions",
            "reach",
            "likes",
            "comments",
            "shares",
            "saves",
            "clicks",
            "video_views",
            "watch_seconds",
        }
    ),
    metrics_batch=BATCH,
    account_metrics=frozenset(
        {"followers", "impressions", "reach", "likes", "comments", "shares", "saves", "clicks"}
    ),
    account_history=True,
    fetch_posts=True,
    errors=tuple(_errors()),
    find=FindRule(by="list", quiet=180.0, looks=3, between=30.0),
    limited=(
        ("fetch_posts", "Pages only"),
        ("visibility", "public; of members, followers too: their connections"),
        ("metrics_batch", "Pages: 100; members: 1 number of 1 post"),
        ("title", "of documents, videos, links and polls"),
        ("edit", "the text only"),
        ("find", "Pages: by looking through own posts; members: unknown, a person must look"),
    ),
    sources=(_DOCS, _HELP, _REPORTS),
    notes=(
        "One account posts as a member, or as a Page: LinkedIn(token=..., organization=...).",
        "No app may list a member's posts: a lost answer is settled by a person there, by the list on Pages.",
        "150 requests per member and day with Share on LinkedIn, 100 in the development tier of Community Management "
        "(500 per app); counted anew at 00:00 UTC. The standard tier's numbers are not published.",
        "Its help pages advise pictures of 552 × 276 pixels at least, 3:1 to 4:5, and documents of 300 pages at most.",
    ),
)


@cache
def rules_of(organization: bool, tier: Tier) -> Rules:
    """The rules of a Page, or of a member, whose posts nobody can list and whose numbers come one at a time."""
    rules = attrs.evolve(RULES, budgets=budgets_of(tier))
    if organization:
        return attrs.evolve(rules, visibility=frozenset({"public"}))
    return attrs.evolve(rules, metrics_batch=1, find=attrs.evolve(rules.find, by="none"))
