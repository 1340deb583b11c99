"""What a Lemmy server tells about itself and about who asks, in the shapes of both generations."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["Person", "me_v3", "me_v4", "site_v3", "site_v4"]

Json = dict[str, Any]
_MADE = "2024-07-15T08:03:36.000000Z"


@attrs.frozen
class Person:
    """Somebody with an account here: the id of the person, and of the local user ten times that."""

    id: str
    username: str
    name: str


# what both generations say alike ------------------------------------------------------------------------
_OFF = (
    *("admin", "auto_expand", "blur_nsfw", "collapse_bot_comments", "infinite_scroll_enabled", "show_nsfw"),
    *("open_links_in_new_tab", "send_notifications_to_email", "totp_2fa_enabled"),
)
_ON = ("accepted_application", "email_verified", "show_avatars", "show_bot_accounts", "show_read_posts")
_SITE_OFF = (
    *("application_email_admins", "community_creation_admin_only", "federation_signed_fetch"),
    *("private_instance", "reports_email_admins"),
)
_LIMITED = ("message", "post", "register", "image", "comment", "search", "import_user_settings")


def _local_user(person: Person) -> Json:
    ids = {"id": int(person.id) * 10, "person_id": int(person.id)}
    said = {"theme": "browser", "interface_language": "browser"}
    return {**ids, **said, **dict.fromkeys(_OFF, False), **dict.fromkeys(_ON, True)}


def _person(person: Person) -> Json:
    known = {"id": int(person.id), "name": person.username, "display_name": person.name, "instance_id": 1}
    return {**known, "local": True, "deleted": False, "bot_account": False}


def _site(base: str) -> Json:
    about = {"id": 1, "name": "Sandbox", "last_refreshed_at": _MADE, "inbox_url": f"{base}/inbox"}
    return {**about, "public_key": "", "instance_id": 1}


def _local_site() -> Json:
    about = {
        "id": 1,
        "site_id": 1,
        "site_setup": True,
        "default_theme": "browser",
        "federation_enabled": True,
    }
    return {**about, **dict.fromkeys(_SITE_OFF, False)}


# version 0.19 -------------------------------------------------------------------------------------------
def me_v3(person: Person, base: str) -> Json:
    """``my_user`` of ``GET /api/v3/site``."""
    user = _local_user(person) | {"show_scores": True, "enable_keyboard_navigation": False}
    user |= {"enable_animated_images": True, "default_sort_type": "Active", "default_listing_type": "Local"}
    votes = {"local_user_id": user["id"], **dict.fromkeys(("score", "upvotes", "downvotes"), True)}
    seen = _person(person) | {"banned": False, "published": _MADE, "actor_id": f"{base}/u/{person.username}"}
    view = {
        "local_user": user | {"post_listing_mode": "List"},
        "local_user_vote_display_mode": votes | {"upvote_percentage": False},
        "person": seen,
        "counts": {"person_id": int(person.id), "post_count": 0, "comment_count": 0},
    }
    lists = ("follows", "moderates", "community_blocks", "instance_blocks", "person_blocks")
    return {"local_user_view": view, **{name: [] for name in lists}, "discussion_languages": [0]}


def site_v3(version: str, base: str) -> Json:
    """``GET /api/v3/site``, as anybody sees it."""
    local = _local_site() | {
        "enable_downvotes": True,
        "enable_nsfw": False,
        "require_email_verification": False,
    }
    local |= {
        "default_post_listing_type": "Local",
        "hide_modlog_mod_names": True,
        "actor_name_max_length": 20,
    }
    local |= {"captcha_enabled": False, "captcha_difficulty": "medium", "published": _MADE}
    local |= {
        "registration_mode": "Closed",
        "default_post_listing_mode": "List",
        "default_sort_type": "Active",
    }
    rates = dict.fromkeys(_LIMITED, 60) | {f"{name}_per_second": 60 for name in _LIMITED}
    active = {f"users_active_{span}": 2 for span in ("day", "week", "month", "half_year")}
    counts = {"site_id": 1, "users": 2, "posts": 0, "comments": 0, "communities": 1, **active}
    view = {
        "site": _site(base) | {"published": _MADE, "actor_id": f"{base}/"},
        "local_site": local,
        "local_site_rate_limit": {"local_site_id": 1, "published": _MADE, **rates},
        "counts": counts,
    }
    return {"site_view": view, "version": version, **_lists("taglines", "custom_emojis")}


def _lists(*more: str) -> Json:
    empty: Json = {name: [] for name in ("admins", "blocked_urls", *more)}
    languages = [{"id": 0, "code": "und", "name": "Undetermined"}]
    return {**empty, "all_languages": languages, "discussion_languages": [0]}


# version 1.0 --------------------------------------------------------------------------------------------
def me_v4(person: Person, base: str) -> Json:
    """``GET /api/v4/account``."""
    on = ("show_media", "show_person_votes", "show_upvotes", "show_score", "private_messages_enabled")
    off = ("show_upvote_percentage", "hide_posts_with_media", "auto_mark_fetched_posts_as_read")
    user = _local_user(person) | dict.fromkeys(on, True) | dict.fromkeys(off, False)
    user |= {"animated_images_enabled": True, "default_items_per_page": 20, "show_downvotes": "show"}
    user |= {
        "default_comment_sort_type": "hot",
        "default_post_sort_type": "active",
        "post_listing_mode": "list",
    }
    user |= {"default_listing_type": "local", "last_donation_notification_at": _MADE}
    times = {"published_at": _MADE, "last_refreshed_at": _MADE, "ap_id": f"{base}/u/{person.username}"}
    seen = _person(person) | times | {"comment_count": 0, "post_count": 0}
    view = {"banned": False, "person": seen, "local_user": user}
    lists = ("keyword_blocks", "person_blocks", "community_blocks", "moderates", "follows")
    more = ("instance_persons_blocks", "instance_communities_blocks", "multi_community_follows")
    return {"local_user_view": view, **{name: [] for name in (*lists, *more)}, "discussion_languages": [0]}


def site_v4(version: str, base: str) -> Json:
    """``GET /api/v4/site``: who asks is not in it any more."""
    site = _site(base) | {"published_at": _MADE, "ap_id": f"{base}/"}
    view = {
        "site": site,
        "local_site": _local_site() | {"registration_mode": "closed", "published_at": _MADE},
    }
    more = _lists("active_plugins", "oauth_providers", "admin_oauth_providers")
    return {"site_view": view, "version": version, **more, "captcha_enabled": False}
