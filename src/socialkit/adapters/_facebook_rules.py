"""What Facebook allows on a Page and what it refuses: numbers, limits and the table of its errors."""

from __future__ import annotations

from collections.abc import Iterator

from ..rules import (
    Budget,
    ErrorRow,
    FindRule,
    ImageRule,
    Rules,
    Source,
    TextRule,
    VideoRule,
)
from ._graph import COMMON

_DOCS = Source("developers.facebook.com: Pages, Reels, Stories, Video and Graph API v26.0", "2026-11-23")
_SDK = Source("facebook-business-sdk-codegen ad2b0b6f, facebook_business 26.0.3", "2026-11-23")
_REPORTS = Source("published clients and their issue threads, Ayrshare's media guidelines", "2026-11-23")

DAY = 86_400.0
COMMENT, TITLE = 8000, 255
"""Characters of a comment and of a title; third parties say so, Meta's pages do not."""
SCHEDULE = (600.0, 30 * DAY)
SCHEDULE_REEL = (600.0, 29 * DAY)
"""Seconds a post may lie ahead, at least and at most."""
REEL_SECONDS, STORY_SECONDS, REEL_BYTES = (3.0, 90.0), 60.0, 2 << 30
REEL_SIDES = (540, 960)
REEL_FPS = (23.0, 60.0)
"""Meta's guide says 24 frames per second at least, its Postman collection 23."""
REEL_CODECS = frozenset({"h264", "hevc", "vp9", "av1", "aac"})
INVITATIONS = 10
"""Collaborators a Page invites in a day."""
CARDS = (2, 5)
"""Links of a carousel; third parties say so."""
BACKGROUND = 130
"""Characters of a text on a coloured background; third parties say so."""
_UNTOLD = 10**9
"""Requests in a day: the real number grows with the people who engage with the Page (4,800 each), and is not told.
Answers say how much of it is used, and the budget is closed when that is all."""
_PAGE = r"/v[0-9.]+/[0-9]+"

_BUDGETS = (
    Budget("app-calls", "app", _UNTOLD, 3600.0, source=_DOCS),
    Budget("calls", "account", _UNTOLD, DAY, source=_DOCS),
    Budget("reels", "account", 30, DAY, f"POST {_PAGE}/video_reels", source=_DOCS, counts="made"),
    Budget("collaborators", "account", 10, DAY, f"POST {_PAGE}/collaborators", source=_DOCS),
)

_TASK = (
    "the permission pages_manage_posts is missing, or the person lacks the task CREATE_CONTENT on this Page"
)
_CLEAR = "sign in at facebook.com in a browser and follow what it asks"
_ROLE = "sign in again; the person lost the role on the Page"
_UPLOAD = "the upload session is over; publish again, it starts a new one"
_WAIT = "Facebook blocks the Page or the person for a while: wait a day, and publish less often"
_TABLE: tuple[tuple[str, str, str, str], ...] = (
    # codes ("*/n": subcode n of any code), error, Facebook's words (a regex), what to do
    ("", "Declined", "name parameter too long", "shorten the title"),
    ("100", "ReauthNeeded", "appsecret_proof", "the app demands appsecret_proof; switch that off"),
    ("100", "MissingScope", "no permission to publish the video", "give the Page's token, not the person's"),
    ("1/99", "Declined", "", "the address in the post is bad"),
    ("10/1893063", "Declined", "", "the Page is restricted from messaging"),
    (
        "100/33",
        "Declined",
        "",
        "it is gone, this token may not see it, or it cannot be done with this kind of post",
    ),
    ("*/1366046", "Declined", "", "the photo is too large, or no JPEG or PNG"),
    ("*/1366051", "Duplicate", "", "these photos are in a post already"),
    ("*/1390008", "RateLimited", "", "posting too fast"),
    ("*/1346003", "Declined", "", "Facebook takes it for abuse"),
    ("*/1404006 */4854002", "Declined", "", f"a security check is open: {_CLEAR}"),
    ("*/1404078", "Declined", "", "the person needs Page Publishing Authorization"),
    ("*/1404102", "Declined", "", "it breaks the community standards"),
    ("*/1404112", "Declined", "", _WAIT),
    ("*/1609008", "Declined", "", "a post cannot link to facebook.com"),
    ("*/1609005", "Declined", "", "the linked page could not be read"),
    ("*/2061006", "Declined", "", "the address in the post is bad"),
    ("*/1349125", "Declined", "", "the content is not valid"),
    ("*/2069019", "Declined", "", "the file is not valid"),
    ("*/1609010 */1363047 1363047", "Unavailable", "", ""),
    ("110 210", "Declined", "", ""),
    ("190/458", "ReauthNeeded", "", "the person removed the app; sign in again"),
    ("190/459 190/464", "ReauthNeeded", "", _CLEAR),
    ("190/460", "ReauthNeeded", "", "the password was changed; sign in again"),
    ("190/463 190/467 490", "ReauthNeeded", "", "sign in again"),
    ("190/492", "ReauthNeeded", "", _ROLE),
    ("200", "MissingScope", "", _TASK),
    ("283", "MissingScope", "", "the permission pages_read_engagement is missing; sign in again"),
    ("324", "Declined", "", "the picture is missing or not valid"),
    ("352", "Declined", "", "the format of the video is not supported"),
    ("368", "Declined", "", _WAIT),
    ("389", "Declined", "", "Facebook could not fetch the file"),
    ("506", "Duplicate", "", ""),
    ("1500", "Declined", "", "the address in the post is bad"),
    ("2500", "Declined", "", "no token came along, or the API version is over: Facebook(version=…)"),
    ("3001", "Declined", "", ""),
    ("6000 6001", "Declined", "", "Facebook could not read the video; upload it again"),
    ("100", "Declined", "", ""),
)


def _errors() -> Iterator[ErrorRow]:
    """A row for every code; a refusal as a duplicate, and what passes by itself, leave the post's fate open."""
    for codes, raises, words, hint in _TABLE:
        definite = raises not in ("Duplicate", "Unavailable")
        for code in [*codes.split()] or [""]:
            yield ErrorRow(0, raises, code=code or None, text=words or None, hint=hint, definite=definite)
    for number in range(1_363_019, 1_363_047):
        for code in (f"*/{number}", str(number)):
            yield ErrorRow(0, "Declined", code=code, hint=_UPLOAD)
    yield from COMMON


RULES = Rules(
    text=TextRule(63_206, "codepoints"),
    images=ImageRule(
        count=10,
        max_bytes=10_000_000,
        types=frozenset({"image/jpeg", "image/bmp", "image/png", "image/gif", "image/tiff"}),
        animated_count=10,
    ),
    video=VideoRule(
        count=1,
        max_bytes=10_000_000_000,
        types=frozenset({"video/mp4", "video/quicktime"}),
        max_seconds=14_400.0,
        captions=20,  # no limit is documented
        thumbnail=True,
        thumbnail_max_bytes=10_000_000,
        thumbnail_types=frozenset({"image/jpeg", "image/png"}),
    ),
    carries=frozenset({"link", "title", "reply_to"}),
    in_text=frozenset({"tags"}),
    link_with_media=False,
    edit=True,
    delete=True,
    schedule=True,
    metrics=frozenset(
        {"impressions", "reach", "likes", "comments", "shares", "clicks", "video_views", "watch_seconds"}
    ),
    metrics_batch=50,
    account_metrics=frozenset({"followers", "impressions", "reach", "video_views"}),
    account_history=True,
    fetch_posts=True,
    budgets=_BUDGETS,
    errors=tuple(_errors()),
    find=FindRule(by="list", quiet=150.0, looks=3, between=30.0),
    limited=(("link", "card made by the platform"), ("reply_to", "as comments")),
    sources=(_DOCS, _SDK, _REPORTS),
    notes=(
        "Pages only: Facebook takes no posts of persons or groups through its API.",
        "A reply is a comment. Thirty reels a Page and day, ten invitations to collaborate.",
        "A Page makes 4,800 calls a day for each person who engages with it, an app 200 an hour for each of its users.",
    ),
)
