"""What Mastodon-API servers allow: stock numbers, what each software can, and how a server's own words narrow them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

import attrs

from ..rules import (
    Budget,
    ErrorRow,
    FileRule,
    FindRule,
    ImageRule,
    PollRule,
    Rules,
    Source,
    TextRule,
    VideoRule,
)
from .base import AccountFacts, Fence

_DOCS = Source("docs.joinmastodon.org and the server's source, 4.7", "2026-11-23")
_SERVERS = Source("answers of real servers on loopback", "2026-11-23")

IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})
"""HEIC is taken where a server names it: release 4.7.2 had to stop."""
VIDEO_TYPES = frozenset({"video/mp4", "video/webm", "video/quicktime", "video/ogg"})
AUDIO_TYPES = frozenset({"audio/mpeg", "audio/ogg", "audio/wav", "audio/flac", "audio/aac", "audio/mp4"})
_SAME_TYPE = {
    "audio/m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/opus": "audio/ogg",
    "audio/vnd.wave": "audio/wav",
    "audio/vorbis": "audio/ogg",
    "audio/wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "audio/mp4",
    "audio/x-pn-wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "image/jpg": "image/jpeg",
}
"""Other names servers have for what is told from the content here."""
MAX_FRAMES = 36_000
"""Frames of a video on Mastodon: 20 minutes at 30 a second."""

_IMAGE = ImageRule(
    count=4,
    max_bytes=16_777_216,
    types=IMAGE_TYPES,
    alt_limit=1500,
    alt_unit="codepoints",
    max_pixels=33_177_600,
    focus=True,
    animated_count=4,
    animated_max_pixels=921_600,
)
_VIDEO = VideoRule(
    count=1,
    max_bytes=103_809_024,
    types=VIDEO_TYPES,
    max_pixels=8_294_400,
    max_fps=120,
    alt_limit=1500,
    alt_unit="codepoints",
    thumbnail=True,
)
_AUDIO = FileRule(count=1, max_bytes=103_809_024, types=AUDIO_TYPES, thumbnail=True)
_POLL = PollRule(2, 4, 50, min_seconds=300, max_seconds=2_629_746, multiple=True, hide_totals=True)

RULES = Rules(
    text=TextRule(500, "mastodon", counts_warning=True),
    images=_IMAGE,
    video=_VIDEO,
    files=_AUDIO,
    poll=_POLL,
    thread=True,
    carries=frozenset({"reply_to", "quote", "language", "content_warning", "sensitive"}),
    in_text=frozenset({"link", "tags"}),
    visibility=frozenset({"public", "unlisted", "followers", "direct"}),
    edit=True,
    delete=True,
    schedule=True,
    metrics=frozenset({"likes", "comments", "shares", "quotes"}),
    metrics_batch=20,
    account_metrics=frozenset({"followers"}),
    fetch_posts=True,
    budgets=(
        Budget("api", "account", 300, 300.0, header="x-ratelimit", source=_DOCS),
        Budget("media", "account", 30, 1800.0, match=r"POST /api/v[12]/media$", source=_DOCS),
        Budget("statuses", "account", 300, 10800.0, match=r"POST /api/v1/statuses$", source=_DOCS),
        Budget("deletes", "account", 30, 1800.0, match=r"DELETE /api/v1/statuses/.*", source=_DOCS),
    ),
    errors=(
        ErrorRow(400, "ReauthNeeded", text=r"invalid bearer token|invalid_grant", hint="sign in again"),
        ErrorRow(400, "Duplicate", text="duplicate idempotency key", definite=False),
        ErrorRow(400, "Declined"),
        ErrorRow(401, "ReauthNeeded", hint="the token is invalid or revoked; sign in again", refresh=True),
        ErrorRow(
            403, "MissingScope", text="outside the authorized scopes", hint="sign in again with write access"
        ),
        ErrorRow(403, "Declined", hint="the account may not do this (disabled, suspended or blocked)"),
        ErrorRow(404, "Declined", hint="the record is missing or not visible to this account"),
        ErrorRow(410, "Declined", hint="it is gone"),
        ErrorRow(413, "Declined", hint="a proxy in front of the server takes no file of this size"),
        ErrorRow(
            422,
            "ReauthNeeded",
            text="requires an authenticated user",
            hint="this is an app's own token; sign in as the account",
        ),
        ErrorRow(422, "Declined"),
        ErrorRow(429, "RateLimited"),
        ErrorRow(503, "Unavailable", text="temporary problem", definite=False, hint="try again in a while"),
        ErrorRow(500, "Unavailable", definite=False),
    ),
    find=FindRule(by="list", quiet=150.0, looks=3, between=20.0),
    limited=(("quote", "Mastodon 4.5, Akkoma"), ("files", "1 sound file, 104 MB")),
    sources=(_DOCS, _SERVERS),
    notes=(
        "A media post has pictures, one video or one sound file.",
        "The server makes the link card itself, from the first link.",
    ),
)

_PLEROMA_BUDGETS = (
    Budget("statuses", "account", 15, 10.0, match=r"POST /api/v1/statuses$", source=_DOCS),
    Budget("search", "account", 10, 1.0, match=r"GET /api/v2/search$", source=_DOCS),
)
BUDGETS: dict[str, tuple[Budget, ...]] = {
    "gotosocial": RULES.budgets[:1],
    "pleroma": _PLEROMA_BUDGETS,
    "akkoma": _PLEROMA_BUDGETS,
    "rebased": _PLEROMA_BUDGETS,
    "pixelfed": (
        Budget("statuses", "account", 1000, 86_400.0, match=r"POST /api/v1/statuses$", source=_DOCS),
        Budget("media", "account", 1250, 86_400.0, match=r"POST /api/v[12]/media$", source=_DOCS),
    ),
    "hollo": (),
    "snac": (),
    "takahe": (),
}
"""The limits of other software. What is not here is taken to have those of Mastodon."""

PLEROMA = frozenset({"pleroma", "akkoma", "rebased"})
_RAW_COUNTS = frozenset({"gotosocial", "takahe"}) | PLEROMA
_SCHEDULES = frozenset({"mastodon", "gotosocial"}) | PLEROMA
_ALT = {"pixelfed": 1000}
_FORMATS = frozenset({"gotosocial"}) | PLEROMA
_FORKS = ("glitch", "hometown", "chuckya")
_KEEPS_IDS = frozenset({"mastodon", "gotosocial", "takahe", "hollo", "pixelfed"}) | PLEROMA


def narrowed(facts: AccountFacts) -> Rules:
    """The rules as the server's own words narrow them."""
    known = facts.facts
    videos = types_of(known["types"], "video/", VIDEO_TYPES)
    sounds = types_of(known["types"], "audio/", AUDIO_TYPES)
    unit: Literal["codepoints", "mastodon"] = "codepoints" if known["raw_count"] else "mastodon"
    video = attrs.evolve(
        _VIDEO,
        max_bytes=known["video_bytes"],
        max_pixels=known["video_pixels"],
        max_fps=known["video_fps"],
        alt_limit=known["alt"],
        types=videos,
    )
    return attrs.evolve(
        RULES,
        text=attrs.evolve(RULES.text, limit=known["characters"], unit=unit, url_length=known["url_length"]),
        images=_images(known),
        video=video if videos else None,
        files=attrs.evolve(_AUDIO, max_bytes=known["video_bytes"], types=sounds) if sounds else None,
        poll=_poll(known) if known["polls"] else None,
        visibility=RULES.visibility - ({"direct"} if facts.software == "pixelfed" else set()),
        schedule=known["schedules"],
    )


def _images(known: dict[str, Any]) -> ImageRule:
    return attrs.evolve(
        _IMAGE,
        count=known["media"],
        animated_count=known["media"],
        animated_max_pixels=_IMAGE.animated_max_pixels if known["image_pixels"] else None,
        max_bytes=known["image_bytes"],
        max_pixels=known["image_pixels"],
        alt_limit=known["alt"],
        types=types_of(known["types"], "image/", IMAGE_TYPES) or IMAGE_TYPES,
        focus=known["focus"],
    )


def _poll(known: dict[str, Any]) -> PollRule:
    return attrs.evolve(
        _POLL,
        max_options=known["poll_options"],
        option_limit=known["poll_characters"],
        option_unit="codepoints" if known["raw_count"] else "graphemes",
        min_seconds=known["poll_min"],
        max_seconds=known["poll_max"],
        with_media=known["media_and_poll"],
    )


def types_of(told: Iterable[str], family: str, stock: frozenset[str]) -> frozenset[str]:
    """The types of one family that a server names; the stock ones when it names none of any family.

    >>> sorted(types_of(["image/jpg", "audio/x-flac"], "audio/", frozenset({"audio/ogg"})))
    ['audio/flac']
    """
    named = {_SAME_TYPE.get(one, one) for one in told}
    return frozenset({one for one in named if one.startswith(family)}) if named else stock


def limits(instance: dict[str, Any], software: str) -> dict[str, Any]:
    """The server's own limits, stock numbers where it says nothing."""
    configuration = instance.get("configuration") or {}
    statuses = configuration.get("statuses") or {}
    media = configuration.get("media_attachments") or {}
    polls = configuration.get("polls") or {}
    old = instance.get("poll_limits") or {}
    legacy = instance.get("max_toot_chars") or (instance.get("pleroma") or {}).get("max_toot_chars")
    unbound = software == "gotosocial"  # it names pixels and frames "for compatibility", and looks at none
    return {
        "characters": _whole(statuses.get("max_characters"), legacy, RULES.text.limit),
        "media": _whole(statuses.get("max_media_attachments"), _IMAGE.count),
        "url_length": _whole(statuses.get("characters_reserved_per_url"), RULES.text.url_length),
        "alt": _whole(
            media.get("description_limit"),
            instance.get("description_limit"),
            _ALT.get(software, _IMAGE.alt_limit),
        ),
        "alt_least": _whole(media.get("description_minimum"), 0),
        "image_bytes": _whole(media.get("image_size_limit"), instance.get("upload_limit"), _IMAGE.max_bytes),
        "image_pixels": None if unbound else _whole(media.get("image_matrix_limit"), _IMAGE.max_pixels),
        "video_bytes": _whole(media.get("video_size_limit"), instance.get("upload_limit"), _VIDEO.max_bytes),
        "video_pixels": None if unbound else _whole(media.get("video_matrix_limit"), _VIDEO.max_pixels),
        "video_fps": None if unbound else _whole(media.get("video_frame_rate_limit"), _VIDEO.max_fps),
        "types": [str(one) for one in media.get("supported_mime_types") or ()],
        "poll_options": _whole(polls.get("max_options"), old.get("max_options"), _POLL.max_options),
        "poll_characters": _whole(
            polls.get("max_characters_per_option"), old.get("max_option_chars"), _POLL.option_limit
        ),
        "poll_min": _whole(polls.get("min_expiration", old.get("min_expiration", _POLL.min_seconds)), 0),
        "poll_max": _whole(polls.get("max_expiration"), old.get("max_expiration"), _POLL.max_seconds),
        "raw_count": software in _RAW_COUNTS,
    }


def _whole(*told: Any) -> int:
    """The first that is a whole number above 0; the last one otherwise."""
    for value in told:
        if isinstance(value, int | float | str) and str(value).isdigit() and int(value):
            return int(value)
    return int(told[-1])


def abilities(software: str, version: str, api: int, instance: dict[str, Any]) -> dict[str, Any]:
    """What the software can, by its name and version."""
    features = ((instance.get("pleroma") or {}).get("metadata") or {}).get("features") or ()
    batch = "ids[]" if software in PLEROMA else "id[]" if software == "mastodon" and api >= 2 else None
    return {
        "quotes": api >= 7 or "quote_posting" in features,
        "quote_field": "quote_id" if software in PLEROMA else "quoted_status_id",
        "local_only": software == "gotosocial"
        or software in PLEROMA
        or any(fork in version for fork in _FORKS),
        "content_type": software in _FORMATS or "glitch" in version,
        "media_and_poll": software == "mastodon" and numbers(version) >= (4, 6),
        "batch": batch,
        "polls": software != "pixelfed",
        "focus": software not in PLEROMA,
        "keeps_ids": software in _KEEPS_IDS,
        "max_frames": MAX_FRAMES if software == "mastodon" else None,
        "schedules": software in _SCHEDULES,
        "media_v2": numbers(version) >= (3, 1, 3) if software == "mastodon" else software != "snac",
    }


def fence(software: str, version: str) -> Fence:
    """How far a repeated Idempotency-Key is safe here (releases 4.6.0 to 4.7.1 answer it with 500)."""
    if software == "mastodon":
        broken = (4, 6) <= numbers(version) < (4, 7, 2)
        return Fence("key", "refuted" if broken else "proved", 3300.0, repeat_after=10.0)
    if software in PLEROMA:
        return Fence("key", "proved", 21_000.0, repeat_after=10.0)
    if software == "hollo":
        return Fence("key", "proved", 3300.0, repeat_after=10.0)
    return Fence("key", "unknown" if software == "unknown" else "refuted")


def numbers(version: str) -> tuple[int, ...]:
    """The parts of a version that compare.

    >>> numbers("4.7.0-alpha.1+glitch")
    (4, 7, 0)
    """
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])


def software_by_version(version: str) -> tuple[str | None, str]:
    """From texts such as ``2.7.2 (compatible; Pleroma 2.9.1)``, ``4.0.0 (not true; really snac/2.94)``,
    ``takahe/0.11``.

    >>> software_by_version("2.7.2 (compatible; Pleroma 2.9.1)")
    ('pleroma', '2.9.1')
    """
    match = re.search(r"(?:compatible; |really |^)([A-Za-z][A-Za-z-]*)[/ ]([\d.]+\S*)", version)
    return (match[1].lower(), match[2].rstrip(")")) if match else (None, version)
