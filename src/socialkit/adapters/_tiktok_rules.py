"""What TikTok allows and refuses: numbers, limits, the table of its errors and of its reasons to drop a post."""

from __future__ import annotations

from collections.abc import Iterator

from ..rules import Budget, ErrorRow, FindRule, ImageRule, Rules, Source, TextRule, VideoRule

DOCS = Source("developers.tiktok.com: Content Posting, Display and rate limits", "2026-11-23")
REPORTS = Source(
    "issues of other publishing tools (post-for-me, Postiz, sim, n8n-nodes-tiktok)", "2026-11-23"
)

PUBLISH = "/v2/post/publish"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
CAPTION, PHOTO_TITLE, DESCRIPTION = 2200, 90, 4000
"""UTF-16 code units of a video's caption, a photo post's title and its description."""
SHORT = 3.0
"""Seconds below which other tools refuse a video; TikTok's manual does not say so."""
CUT = 150
"""Characters of a description that the lists show."""
BATCH = 20
CANNOT_NOW = frozenset(
    {"spam_risk_too_many_posts", "spam_risk_user_banned_from_posting", "reached_active_user_cap"}
)
"""What creator info says, with HTTP 200, of a creator who cannot post at this moment."""
NEXT_DAY = frozenset(
    {"spam_risk_too_many_posts", "spam_risk_too_many_pending_share", "reached_active_user_cap"}
)
PICTURE_CODECS = frozenset({"h264", "hevc", "vp8", "vp9"})
OTHER_CODECS = frozenset({"av1", "mpeg4", "prores", "mpeg2", "theora", "mjpeg"})

DROPPED = {
    "file_format_check_failed": "TikTok cannot read the file: give MP4, MOV or WebM (photos: JPEG or WebP)",
    "duration_check_failed": "it is too short or too long for this creator",
    "frame_rate_check_failed": "give it 23 to 60 frames per second",
    "picture_size_check_failed": "its sides are too small or too large: 360 to 4096 pixels (photos: 1080p)",
    "internal": "TikTok failed; publish again with the same key",
    "video_pull_failed": "TikTok could not fetch the video: is its address open to everybody, without redirects?",
    "photo_pull_failed": "TikTok could not fetch a photo: is its address open to everybody, without redirects?",
    "publish_cancelled": "it was cancelled",
    "auth_removed": "the person took the app's rights away: sign in again",
    "spam_risk_too_many_posts": "the creator has made all posts of a day (about 15, of all apps together): wait a day",
    "spam_risk_user_banned_from_posting": "the creator is banned from posting",
    "spam_risk_text": "TikTok takes the text for spam",
    "spam_risk": "TikTok takes the post for spam",
}
"""What to do, by the reason TikTok gives for a post it took and dropped."""


PUT_SAYS = {
    400: "the upload host does not take the chunk: its size or its Content-Range is wrong",
    403: "the upload address has expired: it lives for an hour; publish again with the same key, which begins anew",
    404: "there is no such upload any more; publish again with the same key, which begins anew",
}
"""What the answers to a chunk mean, by their status."""
TOO_SLOW = (
    "the upload took longer than the hour its address lives: make the file smaller, or let TikTok pull it "
    "(TikTok.Options(pull=True))"
)


def _budgets() -> Iterator[Budget]:
    """Per user token and minute. A creator's "about 15" posts a day are none: how many it is, and what other apps have
    made of them, TikTok says before each post."""
    table = (
        ("video-init", f"POST {PUBLISH}/video/init/", 6),
        ("inbox-init", f"POST {PUBLISH}/inbox/video/init/", 6),
        ("content-init", f"POST {PUBLISH}/content/init/", 6),
        ("creator-info", f"POST {PUBLISH}/creator_info/query/", 20),
        ("status", f"POST {PUBLISH}/status/fetch/", 30),
        ("user", "GET /v2/user/info/", 600),
        ("list", "POST /v2/video/list/", 600),
        ("query", "POST /v2/video/query/", 600),
    )
    for name, match, limit in table:
        yield Budget(name, "endpoint", limit, MINUTE, match, source=DOCS)


_APP = "developers.tiktok.com: the app lacks this permission; add the product and the scope, and have it reviewed"
_UNAUDITED = (
    "until TikTok has audited the app it may post for private accounts only, and with privacy SELF_ONLY: set the "
    "account to private in the TikTok app"
)
_HOST = (
    "verify the domain of the media (your media_host's, too) in the developer portal, under URL properties; a "
    "video can be uploaded instead"
)
_CHUNKS = (
    "since August 2026 TikTok takes several chunks from some apps no more: a file of at most 64,000,000 bytes goes up "
    "in one, a larger one can be pulled (TikTok.Options(pull=True))"
)
_TABLE: tuple[tuple[int, str, str, str], ...] = (
    # status, error, TikTok's codes, what to do
    (0, "Declined", "invalid_params invalid_param", "a field is not as TikTok wants it"),
    (0, "MissingScope", "scope_permission_missed", _APP),
    (0, "Declined", "invalid_file_upload", "the file is not as TikTok wants it"),
    (0, "Declined", "app_version_check_failed", "the creator's TikTok app must be 31.8 or newer"),
    (0, "Declined", "invalid_publish_id publish_not_cancellable", ""),
    (0, "ReauthNeeded", "access_token_invalid", "the token is expired or revoked"),
    (0, "MissingScope", "scope_not_authorized", "sign in again and leave that permission ticked"),
    (0, "Declined", "token_not_authorized_for_specified_publish_id", "it is another user's"),
    (0, "RateLimited", "spam_risk_too_many_posts", DROPPED["spam_risk_too_many_posts"]),
    (0, "Declined", "spam_risk_user_banned_from_posting", DROPPED["spam_risk_user_banned_from_posting"]),
    (
        0,
        "RateLimited",
        "spam_risk_too_many_pending_share",
        "the creator has to finish what waits in the inbox",
    ),
    (0, "RateLimited", "reached_active_user_cap", "the app's cap of creators a day"),
    (0, "Declined", "unaudited_client_can_only_post_to_private_accounts", _UNAUDITED),
    (0, "Declined", "url_ownership_unverified", _HOST),
    (0, "Declined", "privacy_level_option_mismatch", "the creator's options have changed: plan again"),
    (0, "RateLimited", "rate_limit_exceeded", ""),
    (0, "Unavailable", "internal_error", ""),
    (404, "Declined", "", "there is no such thing: every path ends with a slash"),
    (405, "Declined", "", "there is no such thing: every path ends with a slash"),
    (429, "RateLimited", "", ""),
)


def _errors() -> Iterator[ErrorRow]:
    yield ErrorRow(400, "Declined", code="invalid_params", text="chunk size is invalid", hint=_CHUNKS)
    for status, raises, codes, hint in _TABLE:
        definite, fresh = raises != "Unavailable", codes == "access_token_invalid"
        for code in (*codes.split(),) or (None,):
            yield ErrorRow(status, raises, code=code, hint=hint, definite=definite, refresh=fresh)


RULES = Rules(
    text=TextRule(DESCRIPTION, "utf16"),
    images=ImageRule(
        count=35,
        max_bytes=20_000_000,
        types=frozenset({"image/jpeg", "image/webp"}),
        max_side=1920,
        max_pixels=1920 * 1080,
        animated_count=0,
        animated_types=frozenset(),
        by_url=True,
    ),
    video=VideoRule(
        count=1,
        max_bytes=4_000_000_000,
        types=frozenset({"video/mp4", "video/quicktime", "video/webm"}),
        max_seconds=600.0,
        min_side=360,
        max_side=4096,
        min_fps=23.0,
        max_fps=60.0,
    ),
    carries=frozenset({"title"}),
    in_text=frozenset({"link", "tags"}),
    required=frozenset({"media"}),
    visibility=frozenset({"public", "followers", "private"}),
    metrics=frozenset({"likes", "comments", "shares", "video_views"}),
    metrics_batch=BATCH,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=tuple(_budgets()),
    errors=tuple(_errors()),
    find=FindRule(by="key", quiet=150.0, looks=2, between=60.0),
    limited=(
        ("text", "2,200 UTF-16 units, with photos 4,000"),
        ("title", "photo posts"),
        ("link", "words in the caption"),
        (
            "find",
            "uploads exact: asked for by their own key; photos by the list of public posts, else unknown",
        ),
    ),
    sources=(DOCS, REPORTS),
    notes=(
        "A video's caption has 2,200 UTF-16 code units, a photo post's description 4,000, its title 90.",
        "Who may see a post has to be said; there is no default.",
        "Photos are fetched by TikTok: from URLs, or from a media_host, on a domain verified in the developer portal.",
        "After a lost answer an uploaded video is settled by its publish id; photos and pulled videos only when they "
        "are public and listed.",
        "Posts that are not public never get an id.",
        "A creator makes about 15 posts in 24 hours, with all apps together, and about 5 may wait in the inbox.",
        "An app that TikTok has not audited posts for 5 creators in 24 hours, for themselves alone.",
    ),
)
