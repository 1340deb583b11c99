"""What X allows, charges and refuses: numbers, prices, limits and the table of its errors."""

from __future__ import annotations

from collections.abc import Iterator

from socialkit.rules import (
    Budget,
    ErrorRow,
    FindRule,
    ImageRule,
    PollRule,
    Rules,
    Source,
    TextRule,
    VideoRule,
)

_DOCS = Source("docs.x.com and its OpenAPI description 2.167", "2026-08-22")
_REPORTS = Source("changelogs and measurements of third parties", "2026-09-23")

PREMIUM_TEXT = 25_000
DOCUMENTED_VIDEO = (512_000_000, 140.0)
"""Bytes and seconds the manual still names; since September 2026 more is taken (third-party reports)."""
LABELS = frozenset({"adult_content", "graphic_violence", "other"})
DAY, QUARTER = 86_400.0, 900.0
PRICE = {"post": 0.015, "url": 0.200, "summoned": 0.010, "metadata": 0.005}
"""US dollars per request, pay per use."""
_CHUNKS = r"POST /2/media/upload/(?:initialize|[0-9]+/(?:append|finalize))"

VIDEO = VideoRule(
    count=1,
    max_bytes=8 << 30,
    types=frozenset({"video/mp4", "video/quicktime"}),
    min_seconds=0.5,
    max_seconds=1200.0,
    min_side=32,
    min_ratio=1 / 3,
    max_ratio=3.0,
    max_fps=60.0,
    codecs=frozenset({"h264", "aac"}),
    alt_limit=1000,
    alt_unit="codepoints",
    captions=26 * 26,
    thumbnail=True,
    thumbnail_max_bytes=5_000_000,
)


def _budgets() -> Iterator[Budget]:
    """Each endpoint's limit per 15 minutes and user, and the app's per 24 hours where there is one."""
    table = (
        ("posts", "POST /2/tweets", 100, 10_000),
        ("deletes", "DELETE /2/tweets/[0-9]+", 50, None),
        ("lookups", "GET /2/tweets", 5000, None),
        ("lookup", "GET /2/tweets/[0-9]+", 900, None),
        ("timeline", "GET /2/users/[0-9]+/tweets", 900, None),
        ("me", "GET /2/users/me", 75, None),
        ("analytics", "GET /2/tweets/analytics", 300, None),
        ("media-analytics", "GET /2/media/analytics", 300, None),
        ("uploads", "POST /2/media/upload", 500, 50_000),
        ("upload-chunks", _CHUNKS, 1875, 180_000),
        ("upload-status", "GET /2/media/upload", 1000, 100_000),
        ("metadata", "POST /2/media/metadata", 500, 50_000),
        ("subtitles", "POST /2/media/subtitles", 100, 10_000),
    )
    for name, match, user, app in table:
        yield Budget(name, "endpoint", user, QUARTER, match, header="x-rate-limit", source=_DOCS)
        if app:
            header = "x-app-limit-24hour"
            yield Budget(f"{name}-app-24h", "app", app, DAY, match, header=header, source=_DOCS)
    yield Budget("posts-3h", "account", 300, 10_800.0, "POST /2/tweets", source=_DOCS)
    header = "x-user-limit-24hour"
    yield Budget("posts-user-24h", "account", 2400, DAY, "POST /2/tweets", header=header, source=_REPORTS)


_TOP_UP = "the app's API credits are used up: top them up in the developer console, then publish again"
_UNLOCK = "sign in at x.com in a browser and follow what it asks"
_PROJECT = "put the app into a project of the developer console, with access to this endpoint"
_WRITE = "let the app read and write in the developer console, then sign in again"
_BAD_MEDIA = "the media are the wrong mix, expired or not ready; publish again: they go up anew"
BAD_MEDIA = r"media ids?\b.*\binvalid|invalid media id"
_SHORTEN = "shorten it; long posts need X Premium"
_SECRET = "the app is a confidential client: give client_secret="
_NO_PARENT = "the post it replies to is deleted, or not visible (yet)"
_NO_REASON = "X does not say why: check the app's write access and who may reply there"

# A reply right after its parent is refused for some seconds as if there were no parent (385): certainly not
# executed, so that row says Unavailable and the commit is tried again, a second or two apart. ``X.send`` turns
# what is left of it into Declined where the parent is no part of the same thread.
_TABLE: tuple[tuple[int, str, str, str, str], ...] = (
    # status, error, X's codes or problem types, its words (a regex), what to do
    (0, "Unavailable", "130 131", "", ""),
    (400, "ReauthNeeded", "", "invalid_grant|value passed for the .* was invalid", "sign in again"),
    (400, "Declined", "323 324 325", BAD_MEDIA, _BAD_MEDIA),
    (400, "Declined", "", "segments do not add up", "the upload is incomplete; publish again"),
    (400, "Declined", "", "", ""),
    (401, "ReauthNeeded", "unauthorized_client", "", _SECRET),
    (401, "ReauthNeeded", "", "", "the token is expired, revoked or malformed"),
    (402, "Declined", "", "", _TOP_UP),
    (403, "Duplicate", "187", "duplicate content", ""),
    (403, "ReauthNeeded", "unsupported-authentication", "", "sign in as the user, not as the app"),
    (403, "MissingScope", "oauth1-permissions", "oauth1 app permissions", _WRITE),
    (403, "Declined", "client-forbidden 453", "", _PROJECT),
    (
        403,
        "Declined",
        "64 user-suspended",
        "your account is suspended",
        f"the account is suspended: {_UNLOCK}",
    ),
    (403, "Declined", "326", r"\blocked\b", f"the account is locked: {_UNLOCK}"),
    (403, "Declined", "226", "", "it looks automated to X; wait some hours"),
    (403, "RateLimited", "185", "", "the account's own cap of posts a day"),
    (403, "RateLimited", "usage-capped", "", "the project's cap"),
    (403, "Declined", "186", "too long", _SHORTEN),
    (403, "Unavailable", "385", "that is deleted or not visible", _NO_PARENT),
    (403, "Declined", "433", "restricted who can reply", "the author restricts who can reply"),
    (403, "Declined", "323 324 325", BAD_MEDIA, _BAD_MEDIA),
    (403, "Declined", "", "one cashtag", "leave one $SYMBOL in the text"),
    (403, "Declined", "", "invalid url|maximum of 4 items", "change the text or the media"),
    (403, "Declined", "", "video longer than", "cut it; long videos need X Premium"),
    (403, "Declined", "150 349", "", "this user takes no messages"),
    (403, "Declined", "", "", _NO_REASON),
    (404, "Declined", "34 144 resource-not-found", "", "it is gone or hidden"),
    (404, "Declined", "", "", "it is gone or hidden"),
    (409, "Declined", "", "", ""),
    (413, "Declined", "", "", "too large for one request"),
    (429, "RateLimited", "usage-capped", "", "the project's cap"),
    (429, "RateLimited", "", "", ""),
    *((status, "Unavailable", "", "", "") for status in (500, 502, 503, 504)),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every code and for the words. After a 5xx or a refusal as a duplicate the post may be live, and
    after one that gives no reason: X was seen to answer so to posts in quick succession that went out."""
    for status, raises, codes, words, hint in _TABLE:
        definite = raises != "Duplicate" and (raises != "Unavailable" or status == 403) and hint != _NO_REASON
        for code in codes.split():
            yield ErrorRow(status, raises, code=code, hint=hint, definite=definite)
        if words or not codes:
            fresh = status == 401
            yield ErrorRow(status, raises, text=words or None, hint=hint, definite=definite, refresh=fresh)


RULES = Rules(
    text=TextRule(280, "x"),
    images=ImageRule(
        count=4,
        max_bytes=5_000_000,
        types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        alt_limit=1000,
        alt_unit="codepoints",
        animated_alone=True,
        animated_max_bytes=15_000_000,
        animated_max_pixels=1280 * 1080,
        animated_max_frames=350,
        animated_max_volume=300_000_000,
    ),
    video=VIDEO,
    poll=PollRule(2, 4, 25, "codepoints", min_seconds=300, max_seconds=604_800),
    thread=True,
    repeats=False,
    carries=frozenset({"title", "reply_to", "quote", "sensitive", "content_warning"}),
    in_text=frozenset({"link", "tags"}),
    edit=True,
    delete=True,
    metrics=frozenset(
        {"impressions", "likes", "comments", "shares", "quotes", "saves", "clicks", "video_views"}
    ),
    metrics_batch=100,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=tuple(_budgets()),
    errors=tuple(_errors()),
    find=FindRule(by="list", quiet=150.0, looks=3, between=20.0),
    limited=(
        ("title", "Articles only"),
        ("quote", "Enterprise apps only"),
        ("edit", "accounts with Premium, for a time; each version has a new id"),
        ("content_warning", "labels of media"),
        (
            "find",
            "by looking through own posts; in a Community or for subscribers a person must look, where it is not there",
        ),
    ),
    sources=(_DOCS, _REPORTS),
    notes=(
        "Accounts with X Premium may write 25,000 characters.",
        "Pay per use: a post costs 0.015 US dollars, with a link 0.200, a described medium 0.005 more.",
        "Apps without an Enterprise contract cannot quote, and reply to others only when these called for it.",
    ),
)
