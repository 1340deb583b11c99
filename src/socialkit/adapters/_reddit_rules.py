"""What Reddit allows and refuses: numbers, limits and the table of its errors."""

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

_RECORDED = Source("PRAW 8.0.3, prawcore 4.0.0 and the traffic they recorded up to 2026", "2026-11-23")
_SERVER = Source("Reddit's open-source server of 2017 and its API wiki", "2026-11-23")
_NEWS = Source("r/redditdev 13wsiks (limits), 1oug31u (approval of apps)", "2026-11-23")
_OTHERS = Source(
    "documentation of third parties: poll options, URL length, seconds between posts", "2026-11-23"
)

TITLE, COMMENT, CAPTION, FLAIR, URL = 300, 10_000, 180, 64, 2048
"""Code points of a title, a comment, a gallery caption, a flair; characters of a link's address."""
GALLERY = 20
DAY = 86_400
MIB = 1 << 20
KEPT = 43_200.0
"""Seconds an upload is used again; the store Reddit leases says of itself that it deletes after a day."""
SHOWN_WITHIN = {"image": 300.0, "gallery": 300.0, "inline": 300.0, "video": 3600.0}
"""Seconds after which media that are on no list were not taken: they may show minutes later, videos later still."""
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif"})

_TOKEN = "/api/v1/access_token"
_SUBMITS = r"POST /api/submit(?:_gallery_post\.json|_poll_post)?"


def _budgets() -> Iterator[Budget]:
    yield Budget("api", "app", 1000, 600.0, f"* (?!{_TOKEN}).*", header="x-ratelimit", source=_NEWS)
    yield Budget("token", "app", 300, 600.0, f"POST {_TOKEN}", header="x-ratelimit", source=_RECORDED)
    yield Budget("submits", "account", 1, 2.0, _SUBMITS, source=_OTHERS)


_TARGET = "choose another subreddit with Reddit.Options(subreddit=…)"
_KIND = "this kind of post is not allowed there"
_CONTENT = "change the post as Reddit says"
_RULE = "the subreddit asks for that in its post requirements"
_WHO = "the account may not do this there"
AGENT_HINT = "Reddit blocks the client or its network: give user_agent= with a name of your own, or use another network"
SCOPE_HINT = "sign in again with the scopes that publishing needs"
_LATER = "Reddit asks new accounts to wait; publish again later"

_TABLE: tuple[tuple[int, str, str, str, str], ...] = (
    # status, error, Reddit's codes, its words (a regex), what to do
    (200, "RateLimited", "RATELIMIT", "", "new accounts post slowly, per subreddit"),
    (200, "Declined", "QUOTA_FILLED BAD_CAPTCHA", "", _LATER),
    (
        200,
        "Duplicate",
        "ALREADY_SUB",
        "",
        "the link is there already; Reddit.Options(resubmit=True) posts it again",
    ),
    (200, "Declined", "SUBREDDIT_NOEXIST SUBREDDIT_REQUIRED SUBREDDIT_NOTALLOWED", "", _TARGET),
    (200, "Declined", "NO_SELFS NO_LINKS NO_IMAGES NO_VIDEOS GALLERIES_DISABLED", "", _KIND),
    (200, "Declined", "NO_TEXT TOO_LONG TOO_SHORT NO_URL BAD_URL INVALID_OPTION DOMAIN_BANNED", "", _CONTENT),
    (200, "Declined", "BAD_FLAIR_TEMPLATE_ID", "", "choose another flair"),
    (200, "Declined", "BANNED_FROM_SUBREDDIT USER_MUTED USER_BLOCKED IN_TIMEOUT", "", _WHO),
    (200, "Declined", "VERIFIED_USER_REQUIRED", "", "confirm the account's e-mail address"),
    (200, "ReauthNeeded", "USER_REQUIRED", "", "sign in as a user, not as the app alone"),
    (
        200,
        "Declined",
        "THREAD_LOCKED TOO_OLD DELETED_LINK DELETED_COMMENT NOT_AUTHOR",
        "",
        "it takes no answer or edit",
    ),
    (200, "Declined", "", "", ""),
    (301, "Declined", "", "", _TARGET),
    (302, "Declined", "", "", _TARGET),
    (400, "Declined", "SUBMIT_VALIDATION_FLAIR_REQUIRED", "", "choose a flair with Reddit.Options(flair=…)"),
    (400, "Declined", "SUBMIT_VALIDATION_ERROR", "", _RULE),
    (400, "Declined", "EntityTooLarge", "", "the file is larger than Reddit takes"),
    (400, "Declined", "", "", ""),
    (401, "ReauthNeeded", "", "", "the token is expired, revoked or malformed"),
    (403, "MissingScope", "insufficient_scope", "", SCOPE_HINT),
    (403, "Declined", "blocked", "", AGENT_HINT),
    (403, "Declined", "AccessDenied", "", "the place for the upload is no longer good"),
    (
        403,
        "Declined",
        "",
        "",
        "the subreddit is private or quarantined, or the account may not do this there",
    ),
    (404, "Declined", "", "", "it is gone, or there is no such thing"),
    (408, "Unavailable", "", "", ""),
    (409, "Unavailable", "", "", ""),
    (413, "Declined", "", "", "too large for one request"),
    (414, "Declined", "", "", "the address is too long"),
    (415, "Declined", "", "", _CONTENT),
    (429, "RateLimited", "", "", ""),
    (451, "Declined", "", "", "withheld for legal reasons"),
    *((status, "Unavailable", "", "", "") for status in (500, 502, 503, 504, 520, 522)),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every code and for the words. After what is Reddit's own failure the post may be live."""
    for status, raises, codes, words, hint in _TABLE:
        definite = raises not in ("Duplicate", "Unavailable")
        for code in codes.split():
            yield ErrorRow(status, raises, code=code, hint=hint, definite=definite)
        if words or not codes:
            fresh = status == 401
            yield ErrorRow(status, raises, text=words or None, hint=hint, definite=definite, refresh=fresh)


RULES = Rules(
    text=TextRule(40_000, "codepoints"),
    images=ImageRule(
        count=GALLERY,
        max_bytes=20 * MIB,
        types=PICTURES,
        animated_count=GALLERY,
        animated_max_bytes=100 * MIB,
    ),
    video=VideoRule(
        count=1,
        max_bytes=1 << 30,
        types=frozenset({"video/mp4", "video/quicktime"}),
        max_seconds=900.0,
        thumbnail=True,
        thumbnail_max_bytes=20 * MIB,
        thumbnail_types=frozenset({"image/jpeg", "image/png"}),
    ),
    poll=PollRule(2, 6, 120, "codepoints", min_seconds=DAY, max_seconds=7 * DAY),
    thread=True,
    carries=frozenset({"title", "link", "reply_to", "quote", "sensitive", "content_warning"}),
    link_with_media=False,
    required=frozenset({"title"}),
    edit=True,
    delete=True,
    metrics=frozenset({"likes", "comments", "shares"}),
    metrics_batch=100,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=tuple(_budgets()),
    errors=tuple(_errors()),
    find=FindRule(by="list", quiet=180.0, looks=3, between=30.0),
    limited=(
        ("link", "a link post; the platform makes the card"),
        ("quote", "crossposts: a title, no text"),
        ("content_warning", "spoiler or nsfw"),
    ),
    sources=(_RECORDED, _SERVER, _NEWS, _OTHERS),
    notes=(
        "100 requests a minute for each app, averaged over ten minutes; new accounts post slowly in each subreddit.",
        "A thread is the post and a chain of comments under it, 10,000 characters each.",
        "Likes are the score: votes for less votes against, blurred by Reddit.",
        "Pictures and videos get their id after processing, told on a web socket: with the extra reddit it is heard, "
        "and a failure too; else the post is looked for, and says processing until it shows.",
    ),
)
