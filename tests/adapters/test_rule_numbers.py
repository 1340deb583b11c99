"""The numbers of the eight larger platforms' rules, as their manuals give them: written down a second time.

A limit that is changed by mistake still agrees with itself everywhere; it does not agree with this page. What is not
here has the value that means "no limit" or "does not apply".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from socialkit import Identity, YouTube, registry
from socialkit.adapters._instagram_rules import PAGE_RULES
from socialkit.adapters._pinterest_rules import TRIAL
from socialkit.adapters.base import AccountFacts
from socialkit.rate_limits import _matches
from socialkit.rules import Budget, Midnight, Rules

DAY = 86_400.0
MB, MIB = 10**6, 1 << 20
OFFICE = "application/vnd.openxmlformats-officedocument"
APART = {"sources", "errors", "notes", "limited", "budgets"}

NUMBERS: dict[str, dict[str, Any]] = {
    "linkedin": {
        "text": (3000, "utf16"),
        "images": {"count": 20, "max_bytes": 5 * MB, "types": "image/gif image/jpeg image/png"}
        | {"alt_limit": 4086, "alt_unit": "utf16", "max_pixels": 36_152_320 - 1}
        | {"animated_count": 20, "animated_max_frames": 250},
        "video": {
            "count": 1,
            "max_bytes": 500 * MB,
            "types": "video/mp4",
            "min_seconds": 3,
            "max_seconds": 1800,
        }
        | {
            "min_side": 144,
            "max_side": 4096,
            "min_ratio": 1 / 2.4,
            "max_ratio": 2.4,
            "min_fps": 10,
            "max_fps": 60,
        }
        | {"codecs": "aac h264", "captions": 1, "thumbnail": True, "thumbnail_max_bytes": 5 * MB}
        | {"thumbnail_types": "image/jpeg image/png"},
        "files": {"count": 1, "max_bytes": 100 * MB}
        | {
            "types": f"application/msword application/pdf application/vnd.ms-powerpoint "
            f"{OFFICE}.presentationml.presentation {OFFICE}.wordprocessingml.document"
        },
        "poll": {"min_options": 2, "max_options": 4, "option_limit": 30, "option_unit": "utf16"}
        | {"min_seconds": DAY, "max_seconds": 14 * DAY},
        "repeats": False,
        "carries": "link quote reply_to title",
        "in_text": "tags",
        "link_with_media": False,
        "visibility": "followers public",
        "edit": True,
        "delete": True,
        "metrics": "clicks comments impressions likes reach saves shares video_views watch_seconds",
        "metrics_batch": 100,
        "account_metrics": "clicks comments followers impressions likes reach saves shares",
        "account_history": True,
        "fetch_posts": True,
        "find": {"by": "list", "quiet": 180},
    },
    "facebook": {
        "text": (63_206, "codepoints"),
        "images": {"count": 10, "max_bytes": 10 * MB, "animated_count": 10}
        | {"types": "image/bmp image/gif image/jpeg image/png image/tiff"},
        "video": {
            "count": 1,
            "max_bytes": 10_000 * MB,
            "types": "video/mp4 video/quicktime",
            "max_seconds": 14_400,
        }
        | {"captions": 20, "thumbnail": True, "thumbnail_max_bytes": 10 * MB}
        | {"thumbnail_types": "image/jpeg image/png"},
        "carries": "link reply_to title",
        "in_text": "tags",
        "link_with_media": False,
        "edit": True,
        "delete": True,
        "schedule": True,
        "metrics": "clicks comments impressions likes reach shares video_views watch_seconds",
        "metrics_batch": 50,
        "account_metrics": "followers impressions reach video_views",
        "account_history": True,
        "fetch_posts": True,
        "find": {"by": "list", "quiet": 150},
    },
    "instagram": {
        "text": (2200, "utf16"),
        "images": {
            "count": 10,
            "max_bytes": 8 * MIB,
            "types": "image/jpeg",
            "alt_limit": 1000,
            "alt_unit": "utf16",
        }
        | {"animated_count": 0, "animated_types": "", "by_url": True},
        "video": {"count": 10, "max_bytes": 300 * MB, "types": "video/mp4 video/quicktime", "by_url": True}
        | {
            "min_seconds": 3,
            "max_seconds": 900,
            "min_ratio": 0.01,
            "max_ratio": 10,
            "min_fps": 23,
            "max_fps": 60,
        }
        | {"codecs": "aac h264 hevc", "thumbnail": True, "thumbnail_max_bytes": 8 * MB}
        | {"thumbnail_types": "image/jpeg", "thumbnail_by_url": True},
        "mixed_media": True,
        "in_text": "link tags",
        "required": "media",
        "metrics": "clicks comments impressions likes reach saves shares video_views watch_seconds",
        "account_metrics": "clicks comments followers impressions likes reach saves shares",
        "account_history": True,
        "fetch_posts": True,
        "find": {"by": "key", "quiet": 150, "looks": 2, "between": 60},
    },
    "threads": {
        "text": (500, "utf8"),
        "images": {
            "count": 20,
            "max_bytes": 8 * MB,
            "types": "image/jpeg image/png",
            "max_ratio": 10,
            "by_url": True,
        }
        | {"alt_limit": 1000, "alt_unit": "codepoints", "animated_types": ""},
        "video": {
            "count": 20,
            "max_bytes": 1000 * MB,
            "types": "video/mp4 video/quicktime",
            "max_seconds": 300,
        }
        | {"min_ratio": 0.01, "max_ratio": 10, "min_fps": 23, "max_fps": 60, "codecs": "aac h264 hevc"}
        | {"by_url": True, "alt_limit": 1000, "alt_unit": "codepoints"},
        "mixed_media": True,
        "poll": {"min_options": 2, "max_options": 4, "option_limit": 25, "option_unit": "codepoints"},
        "thread": True,
        "carries": "link quote reply_to sensitive tags",
        "link_with_media": False,
        "delete": True,
        "metrics": "comments impressions likes quotes shares",
        "account_metrics": "clicks comments followers likes quotes shares",
        "account_history": True,
        "fetch_posts": True,
        "find": {"by": "key", "quiet": 150},
    },
    "youtube": {
        "text": (5000, "utf8"),
        "video": {
            "count": 1,
            "max_bytes": 256 << 30,
            "min_bytes": 1,
            "max_seconds": 12 * 3600,
            "captions": 1000,
        }
        | {
            "types": "video/3gpp video/mp2t video/mp4 video/ogg video/quicktime video/webm video/x-matroska "
            "video/x-msvideo"
        }
        | {"captions_max_bytes": 100 * MIB, "thumbnail": True, "thumbnail_max_bytes": 50 * MIB}
        | {"thumbnail_types": "image/jpeg image/png"},
        "carries": "language tags title",
        "in_text": "link",
        "required": "media title",
        "visibility": "private public unlisted",
        "edit": True,
        "delete": True,
        "schedule": True,
        "metrics": "comments likes video_views",
        "metrics_batch": 50,
        "account_metrics": "followers video_views",
        "fetch_posts": True,
        "find": {"by": "key", "quiet": 150},
    },
    "tiktok": {
        "text": (4000, "utf16"),
        "images": {"count": 35, "max_bytes": 20 * MB, "types": "image/jpeg image/webp", "max_side": 1920}
        | {"max_pixels": 1920 * 1080, "animated_count": 0, "animated_types": "", "by_url": True},
        "video": {"count": 1, "max_bytes": 4000 * MB, "types": "video/mp4 video/quicktime video/webm"}
        | {"max_seconds": 600, "min_side": 360, "max_side": 4096, "min_fps": 23, "max_fps": 60},
        "carries": "title",
        "in_text": "link tags",
        "required": "media",
        "visibility": "followers private public",
        "metrics": "comments likes shares video_views",
        "metrics_batch": 20,
        "account_metrics": "followers",
        "fetch_posts": True,
        "find": {"by": "key", "quiet": 150, "looks": 2, "between": 60},
    },
    "pinterest": {
        "text": (800, "codepoints"),
        "images": {"count": 5, "max_bytes": 10 * MB, "types": "image/gif image/jpeg image/png"}
        | {"alt_limit": 500, "alt_unit": "codepoints", "animated_alone": True},
        "video": {"count": 1, "max_bytes": 2000 * MB, "types": "video/mp4 video/quicktime"}
        | {"min_seconds": 4, "max_seconds": 900, "min_ratio": 0.5, "max_ratio": 1.91}
        | {"alt_limit": 500, "alt_unit": "codepoints", "thumbnail": True, "thumbnail_max_bytes": 10 * MB}
        | {"thumbnail_types": "image/jpeg image/png"},
        "carries": "link title",
        "in_text": "tags",
        "required": "media",
        "edit": True,
        "delete": True,
        "metrics": "clicks comments impressions likes saves video_views watch_seconds",
        "metrics_batch": 100,
        "account_metrics": "clicks followers impressions saves",
        "account_history": True,
        "fetch_posts": True,
        "find": {"by": "list", "quiet": 150},
    },
    "reddit": {
        "text": (40_000, "codepoints"),
        "images": {"count": 20, "max_bytes": 20 * MIB, "types": "image/gif image/jpeg image/png"}
        | {"animated_count": 20, "animated_max_bytes": 100 * MIB},
        "video": {
            "count": 1,
            "max_bytes": 1024 * MIB,
            "types": "video/mp4 video/quicktime",
            "max_seconds": 900,
        }
        | {"thumbnail": True, "thumbnail_max_bytes": 20 * MIB, "thumbnail_types": "image/jpeg image/png"},
        "poll": {"min_options": 2, "max_options": 6, "option_limit": 120, "option_unit": "codepoints"}
        | {"min_seconds": DAY, "max_seconds": 7 * DAY},
        "thread": True,
        "carries": "content_warning link quote reply_to sensitive title",
        "link_with_media": False,
        "required": "title",
        "edit": True,
        "delete": True,
        "metrics": "comments likes shares",
        "metrics_batch": 100,
        "account_metrics": "followers",
        "fetch_posts": True,
        "find": {"by": "list", "quiet": 180},
    },
}


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """What differs from "no limit": the names and values of a rule, sets as sorted words."""
    for field in attrs.fields(type(value)):
        own = getattr(value, field.name)
        if field.name in APART or (field.default is not attrs.NOTHING and own == field.default):
            continue
        if isinstance(own, frozenset):
            own = " ".join(sorted(own))
        yield field.name, dict(leaves(own)) if attrs.has(type(own)) else own


@pytest.mark.parametrize("platform", NUMBERS)
def test_the_rules_are_those_of_the_manual(platform: str) -> None:
    wanted = dict(NUMBERS[platform])
    limit, unit = wanted["text"]
    wanted["text"] = {"limit": limit, "unit": unit}
    assert dict(leaves(registry.adapter(platform).rules)) == wanted


def test_through_a_facebook_page_instagram_takes_bytes_and_answers_in_batches() -> None:
    by_page, usual = dict(leaves(PAGE_RULES)), NUMBERS["instagram"]
    video = {name: value for name, value in usual["video"].items() if name != "by_url"}
    assert by_page["video"] == video
    assert (by_page["delete"], by_page["metrics_batch"]) == (True, 50)


def test_youtube_tells_more_in_its_analytics() -> None:
    facts = AccountFacts(Identity("youtube", "https://www.googleapis.com", "UC1"))
    more = dict(leaves(YouTube(analytics=True).rules_for(facts)))
    assert more["metrics"] == "clicks comments impressions likes saves shares video_views watch_seconds"
    assert more["account_metrics"] == "comments followers likes shares video_views watch_seconds"
    assert (more["metrics_batch"], more["account_history"]) == (200, True)


# --- limits -----------------------------------------------------------------------------------------------------
Limit = tuple[str, str, int, float, str | None, tuple[str, ...], tuple[str, ...]]
PIN, BOARDS = "/v5/pins/1", "/v5/boards/2/sections/3"
POSTS = "/v2/post/publish"
LIMITS: dict[str, list[Limit]] = {
    # name, whose, how many, seconds, the zone whose days count, requests that spend it, requests that do not
    "linkedin": [
        (
            "member-day",
            "user",
            150,
            DAY,
            "UTC",
            ("POST /rest/posts", "GET /v2/userinfo"),
            ("PUT /dms-uploads/1",),
        ),
        ("app-day", "app", 100_000, DAY, "UTC", ("POST /rest/posts",), ()),
    ],
    "facebook": [
        ("app-calls", "app", 10**9, 3600, None, ("GET /v26.0/me",), ()),
        ("calls", "account", 10**9, DAY, None, ("GET /v26.0/me",), ()),
        ("reels", "account", 30, DAY, None, ("POST /v26.0/1/video_reels",), ("GET /v26.0/1/video_reels",)),
        (
            "collaborators",
            "account",
            10,
            DAY,
            None,
            ("POST /v26.0/1/collaborators",),
            ("POST /v26.0/1/feed",),
        ),
    ],
    "instagram": [
        ("app-calls", "app", 1 << 30, 3600, None, ("GET /v26.0/me",), ()),
        ("calls", "account", 1 << 30, DAY, None, ("GET /v26.0/me",), ()),
        ("containers", "account", 400, DAY, None, ("POST /v26.0/1/media",), ("POST /v26.0/1/media_publish",)),
        ("publishing", "account", 100, DAY, None, ("POST /v26.0/1/media_publish",), ("POST /v26.0/1/media",)),
    ],
    "threads": [
        (
            "posts",
            "account",
            250,
            DAY,
            None,
            ("POST /v1.0/1/threads_publish",),
            ("POST /v1.0/me/threads_publish",),
        ),
        (
            "replies",
            "account",
            1000,
            DAY,
            None,
            ("POST /v1.0/me/threads_publish",),
            ("POST /v1.0/1/threads",),
        ),
        ("deletions", "account", 100, DAY, None, ("DELETE /v1.0/1",), ("GET /v1.0/1",)),
        ("calls", "account", 48_000, DAY, None, ("GET /v1.0/me",), ()),
    ],
    "youtube": [
        (
            *("video-uploads", "app", 100, DAY, "America/Los_Angeles"),
            ("POST /upload/youtube/v3/videos",),
            ("POST /youtube/v3/playlistItems", "PUT /upload/youtube/v3/videos"),
        ),
        (
            "searches",
            "app",
            100,
            DAY,
            "America/Los_Angeles",
            ("GET /youtube/v3/search",),
            ("GET /youtube/v3/videos",),
        ),
        (
            *("batch-stats", "app", 10_000, DAY, "America/Los_Angeles"),
            ("GET /youtube/v3/videos:batchGetStats",),
            ("GET /youtube/v3/videos",),
        ),
        (
            *("units", "app", 10_000, DAY, "America/Los_Angeles"),
            (
                "GET /youtube/v3/videos",
                "POST /upload/youtube/v3/thumbnails/set",
                "PUT /upload/youtube/v3/captions",
            ),
            (
                "GET /youtube/v3/search",
                "GET /youtube/v3/videos:batchGetStats",
                "POST /upload/youtube/v3/videos",
            ),
        ),
    ],
    "tiktok": [
        (
            "video-init",
            "endpoint",
            6,
            60,
            None,
            (f"POST {POSTS}/video/init/",),
            (f"POST {POSTS}/content/init/",),
        ),
        (
            "inbox-init",
            "endpoint",
            6,
            60,
            None,
            (f"POST {POSTS}/inbox/video/init/",),
            (f"POST {POSTS}/video/init/",),
        ),
        (
            "content-init",
            "endpoint",
            6,
            60,
            None,
            (f"POST {POSTS}/content/init/",),
            (f"POST {POSTS}/video/init/",),
        ),
        (
            "creator-info",
            "endpoint",
            20,
            60,
            None,
            (f"POST {POSTS}/creator_info/query/",),
            ("GET /v2/user/info/",),
        ),
        ("status", "endpoint", 30, 60, None, (f"POST {POSTS}/status/fetch/",), ("POST /v2/video/list/",)),
        ("user", "endpoint", 600, 60, None, ("GET /v2/user/info/",), ("POST /v2/video/list/",)),
        ("list", "endpoint", 600, 60, None, ("POST /v2/video/list/",), ("POST /v2/video/query/",)),
        ("query", "endpoint", 600, 60, None, ("POST /v2/video/query/",), ("POST /v2/video/list/",)),
    ],
    "pinterest": [
        (
            *("org_read", "account", 1000, 60, None),
            (f"GET {PIN}", "GET /v5/user_account", f"GET {BOARDS}", "GET /v5/media/1"),
            (f"POST {PIN}", f"GET {PIN}/analytics"),
        ),
        (
            *("org_write", "account", 100, 60, None),
            ("POST /v5/pins", f"PATCH {PIN}", f"DELETE {PIN}", "POST /v5/media", f"POST {BOARDS}"),
            (f"GET {PIN}",),
        ),
        (
            *("org_analytics", "account", 60, 60, None),
            (f"GET {PIN}/analytics", "GET /v5/pins/analytics", "GET /v5/user_account/analytics"),
            (f"GET {PIN}",),
        ),
        ("universal", "account", 100, 1, None, (f"GET {PIN}", "POST /v5/pins"), ()),
    ],
    "reddit": [
        (
            "api",
            "app",
            1000,
            600,
            None,
            ("POST /api/submit", "GET /api/v1/me"),
            ("POST /api/v1/access_token",),
        ),
        ("token", "app", 300, 600, None, ("POST /api/v1/access_token",), ("POST /api/submit",)),
        (
            *("submits", "account", 1, 2, None),
            ("POST /api/submit", "POST /api/submit_gallery_post.json", "POST /api/submit_poll_post"),
            ("POST /api/comment",),
        ),
    ],
}
TRIAL_LIMITS: list[Limit] = [
    ("trial-day", "app", 1000, DAY, None, (f"GET {PIN}",), ()),
    ("trial-writes-day", "app", 300, DAY, None, ("POST /v5/pins",), (f"GET {PIN}",)),
]


def check_limits(budgets: tuple[Budget, ...], wanted: list[Limit]) -> None:
    assert [one.name for one in budgets] == [name for name, *_ in wanted]
    for budget, (_, level, limit, window, zone, spent_by, not_by) in zip(budgets, wanted, strict=True):
        told = (budget.level, budget.limit, budget.window, budget.cost)
        assert told == (level, limit, window, 1), budget.name
        assert budget.resets == (Midnight(zone) if zone else None), budget.name
        assert budget.source is not None, f"{budget.name}: where was that read?"
        for request in spent_by:
            assert spends(budget, request), f"{request} spends {budget.name}"
        for request in not_by:
            assert not spends(budget, request), f"{request} does not spend {budget.name}"


def spends(budget: Budget, request: str) -> bool:
    method, _, path = request.partition(" ")
    return _matches(budget.match, method, path)


@pytest.mark.parametrize("platform", LIMITS)
def test_the_limits_are_those_of_the_manual(platform: str) -> None:
    rules: Rules = registry.adapter(platform)().rules
    check_limits(rules.budgets, LIMITS[platform])


def test_an_app_on_trial_may_do_less_on_pinterest() -> None:
    check_limits(TRIAL, TRIAL_LIMITS)
