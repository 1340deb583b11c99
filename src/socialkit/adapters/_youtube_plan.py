"""From a post to the resource YouTube is sent: options, checks, and what an edit makes of what is live."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import attrs

from socialkit import text
from socialkit.rules import measured

from . import base
from ._youtube_rules import (
    API,
    CAPTION_NAME,
    CAPTION_SCOPES,
    CHANGE_SCOPES,
    COMMENT,
    HASHTAGS,
    ONE_TAG,
    SHORT_SECONDS,
    SPEAK_SCOPES,
    TAGS,
    TITLE,
)
from ._youtube_upload import CHUNK
from ._youtube_videos import SETTABLE_SNIPPET, SETTABLE_STATUS, is_short, stamp
from .base import Call, Draft, PartMedia

Json = dict[str, Any]
_CATEGORY = "22"
"""People & Blogs: what YouTube's own samples send."""
_PLAYLIST = re.compile(r"[A-Za-z0-9_-]{2,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@attrs.frozen
class YouTubeOptions(base.Options):
    """What only YouTube knows. None is YouTube's own default, and in an edit what the video has.

    Attributes:
        publish_at: make it public then; until then it is private.
        made_for_kids: whether children are its audience (the law of the United States, COPPA, asks for it).
        synthetic_media: it shows realistic things that were altered or made by machines.
        paid_promotion: it contains paid promotion.
        notify_subscribers: False does not tell the subscribers; YouTube's default is to tell them.
        playlist: id of a playlist to add it to. first_comment: the channel's own first comment.
        category_id: YouTube's number of the category; "22", People & Blogs, where none is given.
        license: "youtube" or "creativeCommon". embeddable, public_stats: whether others may embed it, see its counts.
        audio_language: language spoken in it (BCP 47). recorded_at: when it was recorded.
        localizations: {language: {"title": …, "description": …}}; needs ``Post.language``.
        brand_partner_id, brand_partner_handle: the brand's channel ("UC…") and handle ("@…"), both or none.

    >>> YouTubeOptions(category_id="28").made_for_kids is None
    True
    """

    platform: ClassVar[str] = "youtube"
    publish_at: datetime | None = attrs.field(default=None, validator=base.aware)
    made_for_kids: bool | None = None
    synthetic_media: bool | None = None
    paid_promotion: bool | None = None
    notify_subscribers: bool | None = None
    playlist: str | None = None
    first_comment: str | None = None
    category_id: str | None = None
    license: Literal["youtube", "creativeCommon"] | None = None
    embeddable: bool | None = None
    public_stats: bool | None = None
    audio_language: str | None = None
    recorded_at: datetime | None = attrs.field(default=None, validator=base.aware)
    localizations: dict[str, dict[str, str]] = attrs.field(factory=dict)
    brand_partner_id: str | None = None
    brand_partner_handle: str | None = None


# --- the resource -----------------------------------------------------------------------------------------
def request_of(draft: Draft) -> Json:
    """The video resource; its keys are the ``part`` of the request."""
    post, options = draft.post, draft.options
    due = options.publish_at
    request: Json = {
        "snippet": {
            "title": post.title or "",
            "description": post.text,
            "tags": list(post.tags) or None,
            "categoryId": options.category_id or _CATEGORY,
            "defaultLanguage": post.language,
            "defaultAudioLanguage": options.audio_language,
        },
        "status": {
            "privacyStatus": "private" if due else post.visibility or "public",
            "publishAt": stamp(due) if due else None,
            "license": options.license,
            "embeddable": options.embeddable,
            "publicStatsViewable": options.public_stats,
            "selfDeclaredMadeForKids": options.made_for_kids,
            "containsSyntheticMedia": options.synthetic_media,
        },
        "localizations": dict(options.localizations),
        "paidProductPlacementDetails": {"hasPaidProductPlacement": options.paid_promotion},
        "recordingDetails": {"recordingDate": stamp(options.recorded_at) if options.recorded_at else None},
        "brandPartner": {
            "channelId": options.brand_partner_id,
            "channelHandle": options.brand_partner_handle,
        },
    }
    return {name: kept for name, members in request.items() if (kept := _given(members))}


def _given(members: Mapping[str, Any]) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def followers_of(draft: Draft) -> Json:
    """What is done after the video is there, and what an edit must know of the options."""
    options = draft.options
    told = {
        "playlist": options.playlist,
        "comment": options.first_comment,
        "category": options.category_id,
    }
    return _given(told)


def merged(live: Mapping[str, Any], request: Mapping[str, Any], body: Mapping[str, Any]) -> Json:
    """The whole parts an update must send: what the post says, and of what it does not say, what is live."""
    held, wanted = live.get("snippet") or {}, dict(request["snippet"])
    if not body.get("category"):
        wanted["categoryId"] = held.get("categoryId") or _CATEGORY
    kept = {name: held[name] for name in SETTABLE_SNIPPET if name in held and name != "tags"}
    made: Json = {**request, "snippet": {**kept, **wanted}}
    state = {
        name: value for name in SETTABLE_STATUS if (value := (live.get("status") or {}).get(name)) is not None
    }
    said = dict(request["status"])
    if "publishAt" not in said and body.get("visibility") is None:
        said.pop("privacyStatus")
    elif "publishAt" not in said:
        state.pop("publishAt", None)
    made["status"] = {**state, **said}
    if request.get("localizations"):
        made["localizations"] = {**(live.get("localizations") or {}), **request["localizations"]}
    return made


def short_of(video: PartMedia) -> bool:
    return is_short(video.width, video.height, video.seconds, SHORT_SECONDS)


def expected_requests(draft: Draft) -> int:
    """Session, pieces and what follows; not the looks at the processing."""
    videos = [item for item in draft.media if item.kind == "video"]
    pieces = sum(1 + max(1, -(-item.size // CHUNK)) for item in videos)
    more = sum((item.thumbnail is not None) + 2 * len(item.captions) for item in videos)
    return max(1, pieces) + more + sum(1 for name in ("playlist", "comment") if name in followers_of(draft))


# --- checks -----------------------------------------------------------------------------------------------
def tag_length(tags: tuple[str, ...]) -> int:
    """Characters as YouTube counts them: commas between the tags, quotes around one that has a blank.

    >>> tag_length(("sea", "tall ship"))
    15
    """
    return sum(len(tag) + (2 if " " in tag else 0) for tag in tags) + max(0, len(tags) - 1)


def check_post(draft: Draft, now: datetime) -> None:
    """What YouTube would refuse that the rules cannot say."""
    title = draft.post.title or ""
    if title and not title.strip():
        draft.problem("title", "empty", "a title needs more than blanks")
    _check_words(draft, "title", title, TITLE)
    _check_words(draft, "text", draft.post.text, None)
    _check_tags(draft)
    _check_hashtags(draft)
    _check_languages(draft)
    _check_schedule(draft, now)
    _check_followers(draft)
    _check_partner(draft)
    for index, item in enumerate(draft.media):
        if item.alt:
            words = "is not sent: YouTube has no alt text for videos"
            draft.change(f"media[{index}].alt", "not_carried", words)
        _check_captions(draft, f"media[{index}].captions", item.captions)


def _check_captions(draft: Draft, field: str, tracks: Sequence[PartMedia]) -> None:
    named = list[tuple[str | None, str]]()
    for number, track in enumerate(tracks):
        name = track.label or ""
        _check_length(draft, f"{field}[{number}].label", name, CAPTION_NAME)
        if (track.language, name) in named:
            words = "there is a track of that language and label already; YouTube takes one"
            draft.problem(f"{field}[{number}]", "duplicate", words, hint="give it a label of its own")
        named.append((track.language, name))


def _check_hashtags(draft: Draft) -> None:
    words = f"{draft.post.title or ''} {draft.post.text}"
    count = len(re.findall(r"(?<![\w#])#\w", words))
    if count > HASHTAGS:
        told = f"{count} hashtags; of more than {HASHTAGS} YouTube is said to take none"
        draft.problem("text", "undocumented", told, limit=HASHTAGS, actual=count, severity="warning")


async def check_playlist(draft: Draft, call: Call) -> None:
    """The playlist is there, and the channel's own: one request, where one is named."""
    playlist = draft.options.playlist
    if playlist is None or not _PLAYLIST.fullmatch(playlist):
        return
    params = {"part": "snippet", "id": playlist}
    answer = await call.read("GET", f"{API}/playlists", params=params, accept=(404,))
    items = answer.json().get("items") if answer.status == 200 else None
    if not items:
        words, hint = f"YouTube shows no playlist {playlist}", "the part after list= in its address"
        draft.problem("options.playlist", "not_found", words, hint=hint)
    elif (items[0].get("snippet") or {}).get("channelId") != call.facts.identity.id:
        draft.problem("options.playlist", "not_own", f"the playlist {playlist} is another channel's")


async def check_scopes(draft: Draft, call: Call) -> None:
    """What was granted is enough for what follows the video, as far as it is known."""
    options, captioned = draft.options, any(item.captions for item in draft.media)
    needed = {
        "options.playlist": (options.playlist is not None, CHANGE_SCOPES),
        "options.first_comment": (options.first_comment is not None, SPEAK_SCOPES),
        "media[0].captions": (captioned, CAPTION_SCOPES),
    }
    wanted = {field: scopes for field, (there, scopes) in needed.items() if there}
    granted = {one.rpartition("/")[2] for one in (await call.signed_by()).scopes} if wanted else set()
    for field, scopes in wanted.items():
        if granted and not granted & scopes:
            words = f"the sign-in does not allow it; it needs {' or '.join(sorted(scopes))}"
            hint = "sign in again in the browser, with the capability 'replies'"
            draft.problem(field, "scope", words, hint=hint)


def _check_words(draft: Draft, field: str, words: str, limit: int | None) -> None:
    if limit is not None:
        _check_length(draft, field, words, limit)
    if "<" in words or ">" in words:
        draft.problem(field, "invalid_character", "YouTube takes no < and >", hint="take them out")


def _check_length(draft: Draft, field: str, words: str, limit: int) -> None:
    if (actual := text.length(words, "codepoints")) > limit:
        draft.problem(
            field, "too_long", measured(actual, limit), limit=limit, actual=actual, hint="shorten it"
        )


def _check_tags(draft: Draft) -> None:
    tags = draft.post.tags
    if (actual := tag_length(tags)) > TAGS:
        words = f"{measured(actual, TAGS)}, commas and the quotes of tags with blanks counted"
        draft.problem("tags", "too_long", words, limit=TAGS, actual=actual, hint="leave some out")
    for index, tag in enumerate(tags):
        if len(tag) > ONE_TAG:
            words = f"{len(tag)} characters; YouTube is said to take {ONE_TAG} in one tag"
            draft.problem(f"tags[{index}]", "undocumented", words, severity="warning")


def _check_languages(draft: Draft) -> None:
    given = {"language": draft.post.language, "options.audio_language": draft.options.audio_language}
    for field, language in given.items():
        if language and not _LANGUAGE.fullmatch(language):
            draft.problem(field, "invalid", f"{language!r} is no language tag (BCP 47), such as en or pt-BR")
    for language, words in draft.options.localizations.items():
        field = f"options.localizations[{language}]"
        if not _LANGUAGE.fullmatch(language):
            draft.problem(field, "invalid", f"{language!r} is no language tag (BCP 47), such as en or pt-BR")
        if unknown := sorted(set(words) - {"title", "description"}):
            draft.problem(field, "unknown", f"no {', '.join(unknown)} here", hint="title and description")
        _check_words(draft, f"{field}.title", words.get("title", ""), TITLE)
        _check_words(draft, f"{field}.description", words.get("description", ""), None)
        if (actual := text.length(words.get("description", ""), "utf8")) > draft.rules.text.limit:
            limit = draft.rules.text.limit
            told = measured(actual, limit, "utf8")
            draft.problem(f"{field}.description", "too_long", told, limit=limit, actual=actual)
    if draft.options.localizations and not draft.post.language:
        draft.problem("language", "required", "localizations need the language of the text itself")


def _check_schedule(draft: Draft, now: datetime) -> None:
    due, visibility = draft.options.publish_at, draft.post.visibility
    if due is None:
        return
    if visibility not in (None, "public"):
        words = f"a scheduled video becomes public; it cannot be {visibility!r} too"
        draft.problem("options.publish_at", "visibility", words, hint="leave one of the two out")
    if due <= now:
        words = f"{stamp(due)} is over: YouTube would publish at once"
        draft.problem("options.publish_at", "past", words, hint="leave it out to publish now")


def _check_followers(draft: Draft) -> None:
    options, comment = draft.options, draft.options.first_comment
    if options.playlist is not None and not _PLAYLIST.fullmatch(options.playlist):
        words = f"{options.playlist!r} is no id of a playlist"
        draft.problem("options.playlist", "not_an_id", words, hint="the part after list= in its address")
    if options.category_id is not None and not re.fullmatch("[0-9]{1,3}", options.category_id):
        draft.problem(
            "options.category_id", "not_an_id", f"{options.category_id!r} is no number of a category"
        )
    if options.license not in (None, "youtube", "creativeCommon"):
        draft.problem("options.license", "unknown", f"no licence {options.license!r}")
    if comment is None:
        return
    if not comment.strip():
        draft.problem("options.first_comment", "empty", "a comment needs a text")
    if len(comment) > COMMENT:
        words = f"{len(comment)} characters; YouTube is said to take {COMMENT}"
        draft.problem("options.first_comment", "undocumented", words, severity="warning")
    if options.publish_at is not None or draft.post.visibility == "private":
        words = "YouTube may refuse a comment while the video is private; what became of it is told"
        draft.problem("options.first_comment", "private", words, severity="warning")


def _check_partner(draft: Draft) -> None:
    partner, handle = draft.options.brand_partner_id, draft.options.brand_partner_handle
    if (partner is None) != (handle is None):
        draft.problem(
            "options.brand_partner_id", "incomplete", "YouTube needs the brand's id and handle, both"
        )
    if partner is not None and not re.fullmatch(r"UC[A-Za-z0-9_-]{22}", partner):
        draft.problem(
            "options.brand_partner_id", "not_an_id", f"{partner!r} is no id of a channel: UC and 22 more"
        )
    if handle is not None and not re.fullmatch(r"@\S{1,60}", handle):
        draft.problem(
            "options.brand_partner_handle", "not_a_handle", f"{handle!r} is no handle, such as @brand"
        )
