"""What Instagram allows and refuses: numbers, limits and the table of its errors."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ..rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, VideoRule
from ._graph import COMMON

_DOCS = Source("developers.facebook.com, Instagram Platform, Graph API v26.0", "2026-11-23")
_ERRORS = Source("developers.facebook.com, Instagram error codes (2026-06-02)", "2026-11-23")
_REPORTS = Source("issues of other people's clients of the same API", "2026-11-23")

ITEMS, HASHTAGS, MENTIONS, TAGS, COMMENT = 10, 30, 20, 20, 300
"""Items of a carousel, hashtags and mentions of a caption, people tagged per medium, characters of a comment."""
FEED_RATIO = (0.8, 1.91)
"""Width by height of a picture in the feed: 4:5 to 1.91:1. Stories have no such limit."""
STORY_VIDEO = (3.0, 60.0, 100_000_000, 0.1)
"""Seconds from, to, bytes, least width by height of a video in a story."""
PRODUCTS = (5, 20)
"""Products tagged in one medium, and in a carousel (neither is confirmed)."""
WIDE = 1920
"""Pixels a video may be wide."""
BIT_RATE = 25_000_000
"""Bits a second a video may have."""
LIVES = 23 * 3600.0
"""Seconds a container can be relied on: it ends after 24 hours."""
DAY = 86_400.0
_MADE = "POST /(?:v[0-9.]+/)?[0-9]+/{}"

_MAKE_ANEW = "publish again: a new container is made"
_ADDRESS = (
    "the address must give the file itself to Meta's crawler (facebookexternalhit): https, no page, no login, "
    "no redirect, no robots.txt against it"
)
_JPEG = "Instagram takes JPEG only; give a local file, which is converted, or a JPEG"
_IN_APP = "open Instagram and follow what it asks of the account"

# error, main codes that mean it by themselves, subcode, what to do, whether it surely made nothing
_TABLE: tuple[tuple[str, str, str, str, bool], ...] = (
    ("Unavailable", "", "2207003", f"the media took too long to fetch; {_ADDRESS}", True),
    ("Declined", "", "2207020", _MAKE_ANEW, True),
    ("Unavailable", "", "2207001", "", False),
    ("Unavailable", "", "2207032", "", True),
    ("Unavailable", "", "2207053", _MAKE_ANEW, True),
    ("Declined", "", "2207057", "thumb_offset must be less than the video's length", True),
    ("Declined", "", "2207051", "it looks like spam to Instagram; wait some hours", False),
    ("RateLimited", "", "2207042", "the account's posts of 24 hours are used up", True),
    ("Unavailable", "9004", "2207052", _ADDRESS, True),
    ("Unavailable", "9007", "2207027", "the media are not ready yet", True),
    ("Declined", "", "2207006", _MAKE_ANEW, True),
    ("Unavailable", "", "2207008", _MAKE_ANEW, True),
    ("Declined", "25", "2207050", f"the account is restricted, inactive or held: {_IN_APP}", True),
    ("Declined", "", "2207023", "", True),
    ("Declined", "", "2207028", "a carousel has 2 to 10 items", True),
    ("Declined", "", "2207035", "products of a video have no position", True),
    ("Declined", "", "2207036", "products of a picture need x and y", True),
    ("Declined", "", "2207037", "look at the ids of the products", True),
    ("Declined", "", "2207040", "at most 20 people are tagged", True),
    ("Declined", "352", "2207026", "encode the video anew: MP4, H.264 or HEVC, AAC, index first", True),
    ("Declined", "36000", "2207004", "a picture has at most 8 MiB", True),
    ("Declined", "36001", "2207005", _JPEG, True),
    ("Declined", "36003", "2207009", "a picture in the feed is 4:5 to 1.91:1", True),
    ("Declined", "36004", "2207010", "shorten the caption to 2,200 characters", True),
    ("Declined", "", "2207064", "people tagged in a video have no position", True),
    ("Unavailable", "", "2207077", f"the video could not be fetched; {_ADDRESS}", True),
    ("Declined", "", "2207081", "the account cannot post trial reels", True),
    ("Unavailable", "", "2207082", _MAKE_ANEW, True),
    (
        "Declined",
        "",
        "2207085",
        "delete it in the app; the permission instagram_manage_contents is needed",
        True,
    ),
    ("Declined", "", "2207089", "an item of a carousel cannot be published alone", True),
    ("Declined", "110", "", "a person named there has no public account", True),
    ("Declined", "", "2108006", "it is older than the professional account; it has no insights", True),
    ("Declined", "", "2534022", "the time to answer that message is over", True),
    ("Declined", "9009", "", "the account is not available", True),
    ("Unavailable", "-2", "", "", True),
    ("Unavailable", "-1", "", "", False),
    ("Unavailable", "upload-again", "", "", True),
    ("Declined", "upload-failed", "", "the video did not arrive whole, or is none Instagram takes", True),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every subcode and every code that says it all; what all of Meta's APIs mean comes last."""
    few = "fewer than five people saw the story"
    yield ErrorRow(0, "Declined", code="10", text="not enough viewers", hint=few)
    yield ErrorRow(0, "Declined", code="100/33", hint="it is gone, not the account's, or not to be had")
    for raises, codes, subcode, hint, definite in _TABLE:
        for code in (*codes.split(), *(f"*/{one}" for one in subcode.split())):
            yield ErrorRow(0, raises, code=code, hint=hint, definite=definite)
    yield from COMMON


RULES = Rules(
    text=TextRule(2200, "utf16"),
    images=ImageRule(
        count=ITEMS,
        max_bytes=8 << 20,
        types=frozenset({"image/jpeg"}),
        alt_limit=1000,
        alt_unit="utf16",
        animated_count=0,
        animated_types=frozenset(),
        by_url=True,
    ),
    video=VideoRule(
        count=ITEMS,
        max_bytes=300_000_000,
        types=frozenset({"video/mp4", "video/quicktime"}),
        min_seconds=3.0,
        max_seconds=900.0,
        min_ratio=0.01,
        max_ratio=10.0,
        min_fps=23.0,
        max_fps=60.0,
        codecs=frozenset({"h264", "hevc", "aac"}),
        by_url=True,
        thumbnail=True,
        thumbnail_max_bytes=8_000_000,
        thumbnail_types=frozenset({"image/jpeg"}),
        thumbnail_by_url=True,
    ),
    mixed_media=True,
    in_text=frozenset({"link", "tags"}),
    required=frozenset({"media"}),
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
    account_metrics=frozenset(
        {"impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "followers"}
    ),
    account_history=True,
    fetch_posts=True,
    budgets=(
        # How many calls there are depends on how often the account was seen; the headers tell the share used.
        Budget("app-calls", "app", 1 << 30, 3600.0, source=_DOCS),
        Budget("calls", "account", 1 << 30, DAY, source=_DOCS),
        Budget("containers", "account", 400, DAY, _MADE.format("media"), source=_DOCS, counts="made"),
        # The manual names 100, 50 and 25; the account's own number is read before each post.
        Budget("publishing", "account", 100, DAY, _MADE.format("media_publish"), source=_DOCS, counts="made"),
    ),
    errors=tuple(_errors()),
    find=FindRule(by="key", quiet=150.0, looks=2, between=60.0),
    limited=(
        ("link", "words in the caption"),
        ("find", "exact: its container tells; which post it is, the account's list"),
    ),
    sources=(_DOCS, _ERRORS, _REPORTS),
    notes=(
        "A post has one to ten pictures or videos; there are no posts of text alone.",
        "Instagram fetches pictures from public addresses: a client with a media_host puts local files there.",
        "400 containers in 24 hours, and as many posts as Instagram says before each: its manual names 100, 50 and 25.",
        "Calls: 4,800 for each time the account was seen in 24 hours; the headers tell the share used.",
        "Through Facebook Login videos are uploaded, posts can be deleted, and metrics come 50 at a time.",
    ),
)
"""With Instagram Login."""

assert RULES.video is not None
PAGE_RULES = attrs.evolve(RULES, video=attrs.evolve(RULES.video, by_url=False), delete=True, metrics_batch=50)
"""With Facebook Login."""
