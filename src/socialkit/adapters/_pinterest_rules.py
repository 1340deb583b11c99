"""What Pinterest allows and refuses: numbers, limits per category of calls, and the table of its errors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from socialkit.rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, VideoRule

_SPEC = Source("Pinterest's API description 5.23.0", "2026-11-23")
_DOCS = Source("developers.pinterest.com, rate limits and access tiers", "2026-11-23")
_PRODUCTS = Source("media guidelines of Ayrshare, letmepost and Late", "2026-11-23")

PRODUCTION = "https://api.pinterest.com"
DAY = 86_400.0
TITLE, LINK, PAGE = 100, 2048, 250
"""Code points of a title and of a link; entries of a page."""
PICTURES = (2, 5)
"""Pictures of a carousel, least and most."""
STILL = frozenset({"image/jpeg", "image/png"})
"""What Pinterest takes as bytes; other pictures only from an address."""

_READS = r"GET /v5/(?:pins(?:/[0-9]+)?|boards(?:/.*)?|media(?:/[0-9]+)?|user_account)"
_WRITES = r"POST|PATCH|DELETE /v5/(?:pins|boards|media)(?:/.*)?"
_ANALYTICS = r"GET /v5/(?:pins|pins/[0-9]+|user_account)/analytics"

BUDGETS = (
    Budget("org_read", "account", 1000, 60.0, match=_READS, source=_DOCS),
    Budget("org_write", "account", 100, 60.0, match=_WRITES, source=_DOCS),
    Budget("org_analytics", "account", 60, 60.0, match=_ANALYTICS, source=_DOCS),
    Budget("universal", "account", 100, 1.0, source=_DOCS),
)
TRIAL = (
    Budget("trial-day", "app", 1000, DAY, source=_DOCS),
    Budget("trial-writes-day", "app", 300, DAY, match=_WRITES, source=_DOCS),
)
"""What an app with trial access has on top of it."""


def covers(budget: Budget, method: str, path: str) -> bool:
    """Whether a request spends the budget."""
    verbs, _, pattern = budget.match.partition(" ")
    return (verbs == "*" or method in verbs.split("|")) and re.fullmatch(pattern, path) is not None


SANDBOX = (
    "an app with trial access may pin only on server='https://api-sandbox.pinterest.com', with a token for it; "
    "ask for standard access in the developer portal"
)
_SCOPES = "sign in again with boards:read boards:write pins:read pins:write user_accounts:read"
_COVER = "a video pin has a cover: Video(..., thumbnail=Image(...)), or the option cover_seconds"
_BOARD = "look at the name or id of the board"

# (status, class, codes, words, hint); the first row that fits wins.
_TABLE = (
    (400, "ReauthNeeded", "", "invalid_grant", "sign in again"),
    (
        400,
        "Unavailable",
        "",
        "unable to reach the url",
        "Pinterest could not fetch the medium from its address",
    ),
    (400, "Declined", "", "cover_image", _COVER),
    (400, "Declined", "1 4196 6126 400", "", ""),
    (401, "MissingScope", "3", "", _SCOPES),
    (401, "Declined", "7", "", "the account may not use that board or pin"),
    (401, "ReauthNeeded", "2", "", "sign in again"),
    (401, "ReauthNeeded", "", "", "sign in again"),
    (403, "Declined", "", "trial", SANDBOX),
    (403, "Declined", "29", "", f"the account may not do this; or {SANDBOX}"),
    (403, "Declined", "403", "", "the account may not do this; analytics need a business account"),
    (404, "Unavailable", "", "media", "the upload is not known yet; publish again with the same key"),
    (404, "Declined", "30", "", "there is no such user"),
    (404, "Declined", "40", "", _BOARD),
    (404, "Declined", "50", "", "the pin is gone, or never was the account's own"),
    (404, "Declined", "2031", "", "look at the name or id of the section"),
    (404, "Declined", "404", "", ""),
    (405, "Declined", "", "", ""),
    (409, "Unavailable", "", "", "something else is writing to the board"),
    (429, "RateLimited", "8", "", ""),
    (503, "Unavailable", "4197", "", "Pinterest has switched this part of its API off for now"),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every code and for the words. After a 5xx the pin may be live; every 4xx says that it is not."""
    for status, raises, codes, words, hint in _TABLE:
        for code in (*codes.split(), *(() if codes else (None,))):
            fresh = raises == "ReauthNeeded" and status == 401
            yield ErrorRow(status, raises, code, words or None, hint, definite=status < 500, refresh=fresh)


RULES = Rules(
    text=TextRule(800, "codepoints"),
    images=ImageRule(
        count=PICTURES[1],
        max_bytes=10_000_000,
        types=STILL | {"image/gif"},
        alt_limit=500,
        alt_unit="codepoints",
        animated_alone=True,
    ),
    video=VideoRule(
        count=1,
        max_bytes=2_000_000_000,
        types=frozenset({"video/mp4", "video/quicktime"}),
        min_seconds=4.0,
        max_seconds=900.0,
        min_ratio=0.5,
        max_ratio=1.91,
        alt_limit=500,
        alt_unit="codepoints",
        thumbnail=True,
        thumbnail_max_bytes=10_000_000,
        thumbnail_types=STILL,
    ),
    carries=frozenset({"title", "link"}),
    in_text=frozenset({"tags"}),
    required=frozenset({"media"}),
    edit=True,
    delete=True,
    metrics=frozenset(
        {"impressions", "likes", "comments", "saves", "clicks", "video_views", "watch_seconds"}
    ),
    metrics_batch=100,
    account_metrics=frozenset({"followers", "impressions", "saves", "clicks"}),
    account_history=True,
    fetch_posts=True,
    budgets=BUDGETS,
    errors=tuple(_errors()),
    find=FindRule(by="list", quiet=150.0, looks=3, between=30.0),
    limited=(("link", "no card: where the pin leads"), ("edit", "words, link and board; not every app may")),
    sources=(_SPEC, _DOCS, _PRODUCTS),
    notes=(
        "A pin needs a picture or a video, and a board.",
        "Two to five pictures of the same size make a carousel, with one alt text for all.",
        "Standard access, a minute: 1,000 reads, 100 writes, 60 analytics; trial access has 1,000 calls a day.",
        "Editing changes words, link and board, never the media.",
    ),
)
