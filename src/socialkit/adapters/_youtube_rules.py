"""What YouTube allows, counts and refuses: sizes, the quota buckets of its project, the table of its errors."""

from __future__ import annotations

from collections.abc import Iterator

from socialkit.rules import Budget, ErrorRow, FindRule, Midnight, Rules, Source, TextRule, VideoRule

_DOCS = Source("developers.google.com/youtube/v3 and its discovery document 20261104", "2026-11-23")
_HELP = Source("issue threads of uploaders (youtube-upload, youtubeuploader, mixpost, postiz)", "2026-11-23")

API, UPLOAD = "/youtube/v3", "/upload/youtube/v3"
DAY = 86_400.0
SHORT_SECONDS = 180.0
"""A video no wider than high and no longer than this is a Short (since 2024-10-15)."""
UNVERIFIED_SECONDS = 900.0
TITLE, TAGS, ONE_TAG, CAPTION_NAME = 100, 500, 100, 150
HASHTAGS = 60
"""In title and description; not confirmed by the documentation, so that more is a warning only."""
SPEAK_SCOPES = frozenset({"youtube.force-ssl"})
CAPTION_SCOPES = SPEAK_SCOPES | {"youtubepartner"}
CHANGE_SCOPES = CAPTION_SCOPES | {"youtube"}
COMMENT = 10_000
"""Characters of a comment; not confirmed by the documentation, so that more is a warning only."""
BATCH, REPORTED = 50, 200
"""Videos in one request of the Data API; rows of one report of the Analytics API."""
WRITE, CAPTION, CAPTION_ANEW = 50, 400, 450
"""Quota units of a change, of a caption track, of one that is replaced; a read costs 1, a list of tracks 50."""

_TYPES = frozenset(
    f"video/{name}" for name in ("mp4", "quicktime", "webm", "x-matroska", "ogg", "mp2t", "3gpp", "x-msvideo")
)
"""What the library tells apart; YouTube takes ``video/*``."""

VIDEO = VideoRule(
    count=1,
    max_bytes=274_877_906_944,
    types=_TYPES,
    min_bytes=1,
    max_seconds=43_200.0,
    captions=1000,  # no limit is documented
    captions_max_bytes=104_857_600,
    thumbnail=True,
    thumbnail_max_bytes=52_428_800,
    thumbnail_types=frozenset({"image/jpeg", "image/png"}),
)

PACIFIC = Midnight("America/Los_Angeles")
BUDGETS = (
    Budget("video-uploads", "app", 100, DAY, "POST /upload/youtube/v3/videos", source=_DOCS, resets=PACIFIC),
    Budget("searches", "app", 100, DAY, "GET /youtube/v3/search", source=_DOCS, resets=PACIFIC),
    Budget(
        "batch-stats",
        "app",
        10_000,
        DAY,
        "GET /youtube/v3/videos:batchGetStats",
        source=_DOCS,
        resets=PACIFIC,
    ),
    Budget(
        "units",
        "app",
        10_000,
        DAY,
        r"* /youtube/v3/(?!(?:search|videos:batchGetStats)$).*|/upload/youtube/v3/(?:thumbnails/set|captions)",
        source=_DOCS,
        resets=PACIFIC,
    ),
)

_RESUME = "YouTube holds a part of the video; publish again with the same key, it goes on there"
_OWNER = "sign in as the channel's owner, with the scope it needs"
_CLOSED = "look at the channel in YouTube Studio: it is closed, suspended or none"
_ENABLE = "enable the YouTube Data API v3 (and the YouTube Analytics API) in the Google Cloud project"
_QUOTA = "the project's quota of the day is spent; it is whole again at midnight Pacific Time"
_CHANNEL = "make a channel for the Google account at youtube.com, then sign in again and pick it"
_LIMIT = "the channel's own upload limit, whatever the project's quota: wait 24 hours"
_SLOW = "too many requests; thumbnails may have to wait for hours"

_METADATA = {
    "invalidTitle": "a title has 1 to 100 characters, none of them < or >",
    "invalidDescription": "a description has at most 5000 bytes, and no < or >",
    "invalidTags": "all tags together have at most 500 characters",
    "invalidCategoryId": "GET /youtube/v3/videoCategories lists the categories that can be assigned",
    "invalidPublishAt": "only a private video that never was public can be scheduled",
    "invalidFilename": "rename the file",
    "invalidRecordingDetails": "look at options.recorded_at",
    "invalidVideoGameRating": "",
    "invalidVideoMetadata": "the metadata do not go together",
    "defaultLanguageNotSet": "localizations need Post.language",
    "mediaBodyRequired": "the video is empty",
    "invalidImage": "the picture cannot be read",
    "imageFormatUnsupported": "a thumbnail is a JPEG or PNG",
    "imageTooTall": "make the picture smaller",
    "imageTooWide": "make the picture smaller",
    "failedPrecondition": "the picture is too large, or the video not ready for it",
    "keyInvalid": "the API key is not known",
    "badRequest": "",
    "missingRequiredParameter": "",
    "unexpectedParameter": "",
    "incompatibleParameters": "",
    "invalidFilters": "",
    "invalidCriteria": "",
    "invalidMine": "",
    "invalidPageToken": "start with the first page again",
    "manualSortRequired": "set the playlist to manual order, or leave the position out",
    "commentTextRequired": "a comment needs a text",
    "commentTextTooLong": "shorten the comment",
    "channelOrVideoIdMissing": "",
    "parentCommentIdMissing": "",
    "parentCommentIsPrivate": "",
    "invalidCommentMetadata": "",
}
_FORBIDDEN = {
    "forbidden": f"{_OWNER}; for a thumbnail, verify the channel's telephone number at youtube.com/verify",
    "accountDelegationForbidden": _OWNER,
    "channelForbidden": _OWNER,
    "forbiddenPrivacySetting": "the channel may not use this visibility",
    "forbiddenLicenseSetting": "the channel may not use this licence",
    "authenticatedUserAccountClosed": _CLOSED,
    "authenticatedUserAccountSuspended": _CLOSED,
    "authenticatedUserNotChannel": _CLOSED,
    "channelClosed": _CLOSED,
    "channelSuspended": _CLOSED,
    "accessNotConfigured": _ENABLE,
    "SERVICE_DISABLED": _ENABLE,
    "commentsDisabled": "comments are off for this video",
    "operationNotSupported": "",
    "ineligibleAccount": "",
    "playlistContainsMaximumNumberOfVideos": "the playlist is full",
}
_NOT_FOUND = (
    "videoNotFound",
    "channelNotFound",
    "playlistNotFound",
    "playlistItemNotFound",
    "captionNotFound",
    "commentNotFound",
    "commentThreadNotFound",
    "parentCommentNotFound",
)


def _rows() -> Iterator[ErrorRow]:
    """Section by section of the error table; what a row leaves out follows from the status."""
    yield ErrorRow(308, "Declined", hint=_RESUME)
    yield ErrorRow(400, "RateLimited", code="uploadLimitExceeded", hint=_LIMIT)
    yield ErrorRow(400, "Unavailable", code="processingFailure")
    yield ErrorRow(400, "Duplicate", code="subscriptionDuplicate")
    for code, hint in _METADATA.items():
        yield ErrorRow(400, "Declined", code=code, hint=hint)
    yield ErrorRow(401, "ReauthNeeded", code="youtubeSignupRequired", hint=_CHANNEL)
    for code in ("authError", "authorizationRequired"):
        yield ErrorRow(401, "ReauthNeeded", code=code, refresh=True)
    for code in ("quotaExceeded", "dailyLimitExceeded"):
        yield ErrorRow(403, "RateLimited", code=code, hint=_QUOTA)
    for code in ("rateLimitExceeded", "userRateLimitExceeded"):
        yield ErrorRow(403, "RateLimited", code=code)
        yield ErrorRow(429, "RateLimited", code=code)
    yield ErrorRow(429, "RateLimited", code="uploadRateLimitExceeded", hint=_SLOW)
    yield ErrorRow(403, "MissingScope", code="insufficientPermissions", hint="sign in again with the scope")
    for code, hint in _FORBIDDEN.items():
        yield ErrorRow(403, "Declined", code=code, hint=hint)
    for code in _NOT_FOUND:
        yield ErrorRow(404, "Declined", code=code)
    for code in ("captionExists", "videoAlreadyInPlaylist"):
        yield ErrorRow(409, "Duplicate", code=code)
    for status, code in ((500, "internalError"), (503, "backendError")):
        yield ErrorRow(status, "Unavailable", code=code, definite=False)


ANALYTICS = frozenset({"impressions", "shares", "saves", "clicks", "watch_seconds"})

RULES = Rules(
    text=TextRule(5000, "utf8"),
    video=VIDEO,
    carries=frozenset({"title", "tags", "language"}),
    in_text=frozenset({"link"}),
    required=frozenset({"title", "media"}),
    visibility=frozenset({"public", "unlisted", "private"}),
    edit=True,
    delete=True,
    schedule=True,
    metrics=frozenset({"likes", "comments", "video_views"}),
    metrics_batch=BATCH,
    account_metrics=frozenset({"followers", "video_views"}),
    fetch_posts=True,
    budgets=BUDGETS,
    errors=tuple(_rows()),
    find=FindRule(by="key", quiet=150.0, looks=3, between=30.0),
    limited=(("link", "in the description"),),
    sources=(_DOCS, _HELP),
    notes=(
        "The text is the video's description; tags are YouTube's own, not hashtags in the text.",
        "A project uploads 100 videos a day and has 10,000 units for all else, from midnight to midnight Pacific Time.",
        "A channel has an upload limit of its own, which YouTube does not tell; unverified ones upload 15 minutes.",
    ),
)
