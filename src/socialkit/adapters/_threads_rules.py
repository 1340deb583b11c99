"""What Threads allows and refuses: numbers, quotas and the table of its errors."""

from __future__ import annotations

import re
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

from ._graph import COMMON

DOCS = Source("developers.facebook.com, Threads API v1.0 (pages of April to July 2026)", "2026-11-23")
REPORTS = Source("issues and pull requests of other people's Threads clients", "2026-11-23")

DAY = 86_400.0
CONTAINER_LIVES = DAY - 600.0
"""Seconds a container can be published for, with some to spare."""
BUILDS = 3
"""Containers that are made for one post at most: one that Threads loses never comes back."""
ITEMS = 20
LINKS, RISKY_LINKS = 5, 3
"""Distinct links of a post; third parties saw refusals above 3."""
TOPIC, PLAINTEXT, SPOILERS = 50, 10_000, 10
"""Characters of a topic tag and of an attached text; hidden ranges of a text."""
BIT_RATE = 100_000_000
"""Bits a second a video may have; one third party says 25 million."""
WIDTH = 1920
"""Pixels a video may be wide."""
EARLIEST = {"posts": 1_688_540_400, "insights": 1_712_991_600}
"""Seconds since 1970 before which a list or an insight may not begin."""

NOT_FOUND = "24/4279009"
"""At publishing: the container is not there (yet), is not ready, is lost, or is used up."""
BAD_CHILDREN, BLOCKED = "4279004", "2207051"
GONE = "100/33"

_HOST = "look whether anybody can fetch it: https, no redirect, no login, no wall against robots"
_ENCODE = "encode the video anew: H.264 or HEVC, AAC, 23 to 60 frames per second, at most 5 minutes"
# code or subcode, error, hint. Threads names some of these as a subcode alone, so both places are looked at.
_TABLE: tuple[tuple[str, str, str], ...] = (
    (BAD_CHILDREN, "Declined", "the pictures and videos of the carousel are no longer valid; publish again"),
    ("4279013", "Declined", "Threads keeps this account from posting: look into the app"),
    (BLOCKED, "Declined", "Threads takes this for automated behaviour: publish nothing for some hours"),
    ("4279050", "Duplicate", "it is reposted already"),
    ("4476002", "Declined", "sign in with the Threads app id of the app, not with its Facebook app id"),
    ("1/2207052", "Unavailable", f"Threads could not fetch a medium: {_HOST}"),
    ("9004", "Unavailable", f"Threads could not fetch a medium: {_HOST}"),
    ("2207003", "Unavailable", f"fetching a medium took Threads too long: {_HOST}"),
    ("2207026", "Declined", _ENCODE),
    ("THREADS_API__LINK_LIMIT_EXCEEDED", "Declined", f"at most {LINKS} different links"),
    ("THREADS_API__FEATURE_NOT_AVAILABLE", "Declined", "this account or app does not have that feature"),
    ("THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES", "Declined", "two letters each, as in ISO 3166-1"),
    (GONE, "Declined", "it is gone, or the token may not see it"),
    ("100", "Declined", ""),
)
SYMBOL = re.compile(r"THREADS_API__[A-Z_]+")
ALONE = frozenset(code for code, _, _ in _TABLE if code.isdigit() and len(code) > 3)
"""Codes that count wherever they stand, as code or as subcode."""

FAILURES = {
    "FAILED_DOWNLOADING_VIDEO": _HOST,
    "FAILED_PROCESSING_AUDIO": _ENCODE,
    "FAILED_PROCESSING_VIDEO": _ENCODE,
    "INVALID_ASPEC_RATIO": "width by height must be between 0.01 and 10",
    "INVALID_BIT_RATE": "the picture may have 100 Mbit/s, the sound 128 kbit/s",
    "INVALID_DURATION": "longer than 0 s and at most 300 s",
    "INVALID_FRAME_RATE": "23 to 60 frames per second",
    "INVALID_AUDIO_CHANNELS": "one or two channels of sound",
    "INVALID_AUDIO_CHANNEL_LAYOUT": "one or two channels of sound",
    "UNKNOWN": f"Threads does not say why; check the file, and {_HOST}",
}
"""What a container's ``error_message`` asks a person to do."""
PASSING = frozenset({"UNKNOWN", "FAILED_DOWNLOADING_VIDEO"})
"""Failures after which one more container is made."""


def _errors() -> Iterator[ErrorRow]:
    # Certainly nothing went live: unless an earlier attempt of the same container was lost, which Threads.send knows.
    yield ErrorRow(0, "Unavailable", code=NOT_FOUND, hint="the container was not ready, or Threads lost it")
    for code, raises, hint in _TABLE:
        # The spam guard says no to posts that are live all the same: the container tells.
        yield ErrorRow(0, raises, code=code, hint=hint, definite=code != BLOCKED)
    yield ErrorRow(0, "Unavailable", code="341", definite=False)
    yield ErrorRow(0, "ReauthNeeded", code="190", hint="sign in again", refresh=True)
    yield from (row for row in COMMON if row.code not in ("190", "341"))


# A reply is published at /me/, every other post at the number of the profile: the two have quotas of their own, and
# budgets know requests by their paths. Threads takes either for both.
_PUBLISH = "POST /v1.0/{}/threads_publish"

RULES = Rules(
    text=TextRule(500, "utf8"),
    images=ImageRule(
        count=ITEMS,
        max_bytes=8_000_000,
        types=frozenset({"image/jpeg", "image/png"}),
        alt_limit=1000,
        alt_unit="codepoints",
        max_ratio=10.0,
        animated_types=frozenset(),
        by_url=True,
    ),
    video=VideoRule(
        count=ITEMS,
        max_bytes=1_000_000_000,
        types=frozenset({"video/mp4", "video/quicktime"}),
        max_seconds=300.0,
        min_ratio=0.01,
        max_ratio=10.0,
        min_fps=23.0,
        max_fps=60.0,
        codecs=frozenset({"h264", "hevc", "aac"}),
        by_url=True,
        alt_limit=1000,
        alt_unit="codepoints",
    ),
    mixed_media=True,
    poll=PollRule(2, 4, 25, "codepoints"),
    thread=True,
    carries=frozenset({"link", "tags", "reply_to", "quote", "sensitive"}),
    link_with_media=False,
    delete=True,
    metrics=frozenset({"impressions", "likes", "comments", "shares", "quotes"}),
    metrics_batch=1,
    account_metrics=frozenset({"followers", "likes", "comments", "shares", "quotes", "clicks"}),
    account_history=True,
    fetch_posts=True,
    budgets=(
        Budget("posts", "account", 250, DAY, _PUBLISH.format("[0-9]+"), source=DOCS, counts="made"),
        Budget("replies", "account", 1000, DAY, _PUBLISH.format("me"), source=DOCS, counts="made"),
        Budget("deletions", "account", 100, DAY, "DELETE /v1.0/[0-9]+", source=DOCS, counts="made"),
        Budget("calls", "account", 48_000, DAY, source=DOCS),
    ),
    errors=tuple(_errors()),
    find=FindRule(by="key", quiet=150.0, looks=3, between=30.0),
    limited=(
        ("link", "card made by the platform"),
        ("tags", "one topic"),
        ("sensitive", "media"),
        ("find", "exact: its container tells; which post it is, the account's list"),
    ),
    sources=(DOCS, REPORTS),
    notes=(
        "Media are fetched by Threads from public addresses: local files need a media_host.",
        "A text has 500 bytes in UTF-8: an emoji counts four, most letters with accents two.",
        "Calls: 4,800 for each time the account was seen in 24 hours, 48,000 at least.",
        "One topic per post; 250 posts, 1,000 replies and 100 deletions in 24 hours.",
    ),
)
