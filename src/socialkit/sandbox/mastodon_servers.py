"""How servers that speak the Mastodon API differ: one row per software, measured or read in its source."""

from __future__ import annotations

import math
from typing import Literal

import attrs

from .core import Window

__all__ = ["SOFTWARE", "Software"]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif")
_VIDEOS = ("video/webm", "video/mp4", "video/quicktime")
_AUDIO = ("audio/mpeg", "audio/ogg", "audio/wav", "audio/flac", "audio/mp4")
_DAY = 86_400.0
_STOCK_WINDOWS = (
    Window("api", 300, 300.0, "* /(api|oauth)/.*", "token"),
    Window("user", 1500, 300.0, "* /api/.*", "user"),
    Window("paging", 300, 900.0, "GET /api/.*", "paging"),
    Window("media", 30, 1800.0, "POST /api/v[12]/media", "user"),
    Window("delete", 30, 1800.0, "DELETE /api/v1/statuses/[^/]+", "user"),
    Window("unreblog", 30, 1800.0, "POST /api/v1/statuses/[^/]+/unreblog", "user"),
    Window("apps", 5, 600.0, "POST /api/v1/apps", "ip"),
    Window("statuses", 300, 10800.0, "POST /api/v1/statuses", "user", rank=1),
)


@attrs.frozen
class Software:
    """One server software.

    ``keys``: what a repeated ``Idempotency-Key`` does: "first" (answers the first status), "ignored", "500",
    "400" or "replayed" (the whole first answer again, whatever the path). ``instance``: how
    ``/api/v2/instance`` answers. ``invalid``: status of validation errors. ``html``: 404 and 500 are HTML.
    ``reuse``: what media that is attached already does. ``access_seconds`` and its sibling: how long tokens live.
    ``empty``: errors have no body. ``measures``: pixels have limits, ``frames``: those of videos, too.
    ``finds_text``: searching an address finds posts that mention it. ``marks``: asterisks make bold words, and there is
    no source to read.
    """

    name: str
    version: str
    api: int | None = None
    max_characters: int = 500
    max_media: int = 4
    description_limit: int | None = 10_000
    description_minimum: int = 0
    measures: bool = True
    poll_options: int = 4
    polls: bool = True
    per_url: int = 23
    raw_count: bool = False
    length_enforced: bool = True
    media_and_poll: bool = True
    needs_media: bool = False
    keys: Literal["first", "ignored", "500", "400", "replayed"] = "first"
    key_seconds: float = 3600.0
    instance: Literal["json", "html500", "404"] = "json"
    empty: bool = False
    frames: bool = False
    finds_text: bool = False
    marks: bool = False
    focus: bool = True
    poll_drops_media: bool = False
    quote_field: str = "quoted_status_id"
    visibilities: tuple[str, ...] = ("public", "unlisted", "private", "direct")
    followers_told: bool = True
    nodeinfo_version: str | None = None
    invalid: int = 422
    bad_token: Literal["json401", "text400"] = "json401"
    html: bool = False
    garbage: Literal["invalid", "empty500", "html500"] = "invalid"
    reuse: Literal["refused", "moved"] = "refused"
    scheduling: bool = True
    default_visibility: str = "public"
    headers: bool = False
    ids: Literal["snowflake", "ulid", "uuid7", "flake"] = "snowflake"
    batch: str | None = None
    batch_limit: int = 20
    quotes: bool = False
    app_check: bool = True
    favourites_counted: bool = True
    late_delete: bool = False
    images: tuple[str, ...] = _IMAGES
    videos: tuple[str, ...] = _VIDEOS
    audio: tuple[str, ...] = _AUDIO
    windows: tuple[Window, ...] = ()
    access_seconds: float = math.inf
    refresh_seconds: float = math.inf


def _mastodon(version: str, api: int | None, **fields: object) -> Software:
    common: dict[str, object] = {
        "headers": True,
        "frames": True,
        "windows": _STOCK_WINDOWS,
        "batch": "id[]" if (api or 0) >= 2 else None,
        "quotes": (api or 0) >= 7,
    }
    return Software("mastodon", version, api, **(common | fields))  # type: ignore[arg-type]


_BEFORE_46 = {"media_and_poll": False, "description_limit": 1500}
_GOTOSOCIAL = Software(
    "gotosocial",
    "0.19.1",
    measures=False,
    max_characters=5000,
    max_media=6,
    description_limit=5000,
    poll_options=6,
    per_url=25,
    raw_count=True,
    keys="ignored",
    invalid=400,
    default_visibility="unlisted",
    headers=True,
    ids="ulid",
    app_check=False,
    late_delete=True,
    windows=(Window("router", 300, 300.0, "* *", "ip"),),
)
_TAKAHE = Software(
    "takahe",
    "0.11.0",
    description_limit=None,
    raw_count=True,
    keys="ignored",
    instance="html500",
    invalid=400,
    bad_token="text400",
    html=True,
    garbage="html500",
    reuse="moved",
    scheduling=False,
)
_HOLLO = Software(
    "hollo",
    "0.10.1",
    max_characters=10_000,
    max_media=8,
    length_enforced=False,
    garbage="empty500",
    scheduling=False,
    ids="uuid7",
    favourites_counted=False,
)
_PLEROMA = Software(
    "pleroma",
    "2.7.2 (compatible; Pleroma 2.9.1)",
    nodeinfo_version="2.9.1",
    focus=False,
    finds_text=True,
    visibilities=("public", "unlisted", "private", "direct", "local"),
    max_characters=5000,
    max_media=1000,
    description_limit=5000,
    poll_options=20,
    raw_count=True,
    keys="replayed",
    key_seconds=21_600.0,
    ids="flake",
    batch="ids[]",
    batch_limit=100,
    windows=(Window("statuses", 15, 10.0, "POST /api/v1/statuses", "user"),),
    access_seconds=36_525 * _DAY,
    refresh_seconds=36_525 * _DAY,
)
_PIXELFED = Software(
    "pixelfed",
    "3.5.3 (compatible; Pixelfed 0.12.5)",
    nodeinfo_version="0.12.5",
    visibilities=("public", "unlisted", "private"),
    audio=(),
    description_limit=1000,
    polls=False,
    needs_media=True,
    keys="400",
    scheduling=False,
    windows=(
        Window("posts", 1000, 86_400.0, "POST /api/v1/statuses", "user"),
        Window("media", 1250, 86_400.0, "POST /api/v[12]/media", "user"),
    ),
    access_seconds=365 * _DAY,
    refresh_seconds=400 * _DAY,
)

_AKKOMA = attrs.evolve(
    _PLEROMA,
    name="akkoma",
    version="2.7.2 (compatible; Akkoma 3.15.2)",
    nodeinfo_version="3.15.2",
    quotes=True,
    quote_field="quote_id",
)
_SNAC = Software(
    "snac",
    "4.0.0 (not true; really snac/2.94)",
    nodeinfo_version="2.94",
    max_characters=100_000,
    description_limit=None,
    poll_options=8,
    keys="ignored",
    instance="404",
    empty=True,
    marks=True,
    poll_drops_media=True,
    scheduling=False,
    followers_told=False,
)

SOFTWARE: dict[str, Software] = {
    "mastodon": _mastodon("4.7.2", 11),
    "mastodon-4.6.0": _mastodon("4.6.0", 10, keys="500", images=(*_IMAGES, "image/heic", "image/heif")),
    "mastodon-4.5.0": _mastodon("4.5.0", 7, **_BEFORE_46),
    "mastodon-4.2.0": _mastodon("4.2.0", None, **_BEFORE_46),
    "gotosocial": _GOTOSOCIAL,
    "takahe": _TAKAHE,
    "hollo": _HOLLO,
    "pleroma": _PLEROMA,
    "akkoma": _AKKOMA,
    "pixelfed": _PIXELFED,
    "snac": _SNAC,
}
