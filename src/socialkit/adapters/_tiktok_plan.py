"""What a post becomes on TikTok: the request without its media, and everything that stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..rules import measured
from ..text import length
from ._tiktok_posts import PUBLIC
from ._tiktok_rules import CAPTION, OTHER_CODECS, PHOTO_TITLE, PICTURE_CODECS, PUBLISH, RULES, SHORT
from .base import Draft, PartMedia

_SWITCHES = ("comment", "duet", "stitch")
_VISIBLE = {"public": PUBLIC, "followers": "FOLLOWER_OF_CREATOR", "private": "SELF_ONLY"}
_LEVELS = (PUBLIC, "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY")
_INT32 = 2**31 - 1
_FETCHED = (*sorted(RULES.images.types if RULES.images else ()), "image/*")
"""Of a photo's address the ending tells the kind, where there is one."""
_IN_APP = "is not sent: the person chooses it in the TikTok app"
_ONLY_VIDEO = "is not sent: photo posts have none"
_ONLY_PHOTOS = "is not sent: videos have none"


def post_of(draft: Draft, creator: Mapping[str, Any] | None) -> dict[str, Any]:
    """The part's body: way, path, request, and what is remembered about the post. ``creator`` is None where unknown."""
    options = draft.options
    photos = bool(draft.media) and draft.media[0].kind != "video"
    direct = _is_direct(draft)
    way = "photos" if photos else "pull" if options.pull else "upload"
    info = _photo_info(draft, direct) if photos else _video_info(draft, direct)
    privacy = None
    if direct:
        privacy = _privacy(draft, creator)
        info |= _direct_info(draft, creator, privacy, photos)
    _check_media(draft, creator, photos)
    if direct:
        _check_brand(draft, privacy)
    else:
        _tell_left_out(draft)
    about = {
        "mode": "direct" if direct else "inbox",
        "kind": "photo" if photos else "video",
        "privacy": privacy,
        "name": (creator or {}).get("creator_username") or draft.facts.facts.get("username"),
        "title": info.get("title", "") if photos else "",
    }
    return {
        "way": way,
        "about": about,
        **_request(info, photos, direct),
        "cover": _cover(draft, photos),
        "unasked": direct and creator is None,
    }


def _request(info: dict[str, Any], photos: bool, direct: bool) -> dict[str, Any]:
    if photos:
        mode = "DIRECT_POST" if direct else "MEDIA_UPLOAD"
        request = {"media_type": "PHOTO", "post_mode": mode, "post_info": info}
        return {"path": f"{PUBLISH}/content/init/", "request": request}
    if direct:
        return {"path": f"{PUBLISH}/video/init/", "request": {"post_info": info}}
    return {"path": f"{PUBLISH}/inbox/video/init/", "request": {}}


def _is_direct(draft: Draft) -> bool:
    mode = draft.options.mode
    if mode not in ("direct", "inbox"):
        draft.problem("options.mode", "unknown", f"no mode {mode!r}", hint="one of direct, inbox")
    return bool(mode != "inbox")


# --- words --------------------------------------------------------------------------------------------------
def _video_info(draft: Draft, direct: bool) -> dict[str, Any]:
    post = draft.post
    if post.title:
        draft.change(
            "title", "not_carried", "is not shown: a video has no title on TikTok beside its caption"
        )
    if not direct:
        if post.text:
            draft.change(
                "text", "not_carried", "is not sent: the person writes the caption in the TikTok app"
            )
        return {}
    actual = length(post.text, "utf16")
    if draft.media and actual > CAPTION:
        words = f"{measured(actual, CAPTION, 'utf16')} in a video's caption"
        draft.problem("text", "too_long", words, limit=CAPTION, actual=actual, hint="shorten it")
    info: dict[str, Any] = {"title": post.text} if post.text else {}
    if (moment := draft.options.cover_timestamp_ms) is not None:
        _check_moment(draft, moment)
        info["video_cover_timestamp_ms"] = moment
    return info


def _check_moment(draft: Draft, moment: int) -> None:
    seconds = draft.media[0].seconds if draft.media else None
    last = int(seconds * 1000) if seconds else _INT32
    if not 0 <= moment <= last:
        words = f"{moment} ms is not in the video, which has {last} ms"
        draft.problem("options.cover_timestamp_ms", "range", words, limit=last, actual=moment)


def _photo_info(draft: Draft, direct: bool) -> dict[str, Any]:
    post = draft.post
    title = " ".join((post.title or "").split())
    actual = length(title, "utf16")
    if actual > PHOTO_TITLE:
        words = f"{measured(actual, PHOTO_TITLE, 'utf16')} in the title of a photo post"
        draft.problem("title", "too_long", words, limit=PHOTO_TITLE, actual=actual, hint="shorten it")
    return {name: text for name, text in (("title", title), ("description", post.text)) if text}


# --- who may see it -----------------------------------------------------------------------------------------
def _privacy(draft: Draft, creator: Mapping[str, Any] | None) -> str | None:
    """The privacy that was chosen, if the creator has it."""
    wanted = _VISIBLE.get(draft.post.visibility or "")
    chosen: str | None = draft.options.privacy or wanted
    offered = [str(one) for one in (creator or {}).get("privacy_level_options") or ()]
    hint = f"TikTok.Options(privacy=…) or visibility=…; the creator has {', '.join(offered or _LEVELS)}"
    if draft.options.privacy and wanted and draft.options.privacy != wanted:
        words = (
            f"visibility={draft.post.visibility!r} means {wanted}, the option says {draft.options.privacy}"
        )
        draft.problem(
            "visibility", "two_answers", words, hint="clear one: variant('tiktok', visibility=None)"
        )
    if chosen is None and draft.media:
        words = "TikTok has no default for who may see a post: it has to be chosen"
        draft.problem("visibility", "required", words, hint=hint)
    elif chosen is not None and chosen not in (offered or _LEVELS):
        field = "options.privacy" if draft.options.privacy else "visibility"
        draft.problem(
            field, "privacy_level_option_mismatch", f"{chosen} is not offered to this creator", hint=hint
        )
    return chosen


def _direct_info(
    draft: Draft, creator: Mapping[str, Any] | None, privacy: str | None, photos: bool
) -> dict[str, Any]:
    options = draft.options
    info: dict[str, Any] = {"privacy_level": privacy}
    info |= dict(_switches(draft, creator or {}, photos))
    info |= {"brand_content_toggle": options.brand_content, "brand_organic_toggle": options.brand_organic}
    if photos:
        info["auto_add_music"] = options.auto_add_music
        if options.cover_timestamp_ms is not None:
            draft.change("options.cover_timestamp_ms", "not_carried", "is not sent: a photo is the cover")
    elif options.auto_add_music:
        draft.change("options.auto_add_music", "not_carried", _ONLY_PHOTOS)
    if options.is_aigc and photos:
        words = "TikTok documents the AI label for videos only; it may refuse it for photos"
        draft.problem("options.is_aigc", "undocumented", words, severity="warning")
    if options.is_aigc or not photos:
        info["is_aigc"] = options.is_aigc
    return info


def _switches(draft: Draft, creator: Mapping[str, Any], photos: bool) -> Iterator[tuple[str, bool]]:
    """What is off: as wished, and as the creator has it in the app."""
    for name in _SWITCHES:
        off, field = getattr(draft.options, f"disable_{name}"), f"options.disable_{name}"
        if photos and name != "comment":
            if off:
                draft.change(field, "not_carried", _ONLY_VIDEO)
            continue
        if creator.get(f"{name}_disabled") and not off:
            draft.change(field, "creator_setting", "is on: the creator has switched it off in the TikTok app")
            off = True
        yield f"disable_{name}", off


def _check_brand(draft: Draft, privacy: str | None) -> None:
    if draft.options.brand_content and privacy == "SELF_ONLY":
        words = "a paid partnership cannot be seen by its author only"
        draft.problem("options.brand_content", "private", words, hint="choose another privacy")


def _tell_left_out(draft: Draft) -> None:
    """Of what was chosen only the media (and the words of photos) reach the inbox."""
    scopes = draft.facts.scopes
    if scopes and "video.upload" not in scopes:
        words = "the inbox needs the scope video.upload, which this account's token lacks"
        draft.problem("options.mode", "scope", words, hint="sign in the way called inbox, or post directly")
    if draft.post.visibility:
        draft.change("visibility", "not_carried", _IN_APP)
    defaults = type(draft.options)()
    names = ("privacy", *(f"disable_{name}" for name in _SWITCHES), "cover_timestamp_ms", "auto_add_music")
    for name in (*names, "brand_content", "brand_organic", "is_aigc"):
        if getattr(draft.options, name) != getattr(defaults, name):
            draft.change(f"options.{name}", "not_carried", _IN_APP)


# --- media --------------------------------------------------------------------------------------------------
def _cover(draft: Draft, photos: bool) -> dict[str, int]:
    index = draft.options.cover_index
    if not photos:
        if index:
            draft.change("options.cover_index", "not_carried", _ONLY_PHOTOS)
        return {}
    if not 0 <= index < len(draft.media):
        words = f"there is no photo {index}; they count from 0 to {len(draft.media) - 1}"
        draft.problem("options.cover_index", "range", words, limit=len(draft.media) - 1, actual=index)
    return {"photo_cover_index": index}


def _check_media(draft: Draft, creator: Mapping[str, Any] | None, photos: bool) -> None:
    if photos and draft.options.pull:
        draft.change(
            "options.pull", "not_carried", "says nothing new: TikTok always fetches photos by itself"
        )
    for index, item in enumerate(draft.media):
        field = f"media[{index}]"
        if item.alt:
            draft.change(f"{field}.alt", "not_carried", "is not sent: TikTok's API takes no alt text")
        if item.focus is not None and item.source.startswith("url:"):
            draft.change(
                f"{field}.focus", "not_carried", "is not sent: pictures are cropped by machine on TikTok"
            )
        _check_address(draft, item, field)
        if item.kind == "video":
            _check_video(draft, item, creator or {}, field)
        elif item.width and item.height and min(item.width, item.height) > 1080:
            words = f"{item.width} × {item.height} pixels; TikTok says at most 1080p"
            draft.problem(field, "undocumented", words, hint="make it smaller", severity="warning")


def _check_address(draft: Draft, item: PartMedia, field: str) -> None:
    pulled = item.kind != "video" or draft.options.pull
    if pulled and not (item.source.startswith("url:") or draft.hosted):
        words, hint = "TikTok has no address to fetch it from", "upload it, or give the client a media_host="
        draft.problem(field, "by_url", words, hint=hint)
    if pulled and item.source.startswith("url:http:") and "://127.0.0.1" not in item.source:
        draft.problem(
            field, "not_https", "TikTok fetches https addresses only", hint="give its https address"
        )
    if item.source.startswith("url:") and item.kind != "video" and item.mime not in _FETCHED:
        draft.problem(field, "type", f"{item.mime} is not taken", hint="allowed are image/jpeg, image/webp")


def _check_video(draft: Draft, item: PartMedia, creator: Mapping[str, Any], field: str) -> None:
    most, seconds = creator.get("max_video_post_duration_sec"), item.seconds
    if seconds is not None and most and seconds > most:
        words = f"{seconds:g} s long; this creator may post at most {most} s"
        draft.problem(field, "range", words, limit=most, actual=seconds, hint="cut it")
    if seconds is not None and seconds < SHORT:
        words = f"{seconds:g} s long; others report that TikTok refuses less than {SHORT:g} s"
        draft.problem(field, "undocumented", words, severity="warning")
    if strange := sorted(set(item.codecs) & OTHER_CODECS):
        allowed = ", ".join(sorted(PICTURE_CODECS))
        draft.problem(field, "codec", f"{', '.join(strange)} is not taken", hint=f"encode it anew: {allowed}")
