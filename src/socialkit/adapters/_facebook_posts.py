"""Posts, videos, stories and comments as Facebook shows them: ids, permalinks, likeness, where a video stands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from .. import errors
from ..flows._whoami import found
from ..model import Identity, Receipt, Status
from . import base
from ._graph import moment
from .base import Lost, Sent

WEB = "https://www.facebook.com"
POST_FIELDS = (
    "id,message,created_time,permalink_url,attachments{media_type,target,subattachments{media_type,target}}"
)
REEL_FIELDS = "id,description,created_time,permalink_url,post_id,published"
VIDEO_FIELDS = "id,status,published,post_id,permalink_url,created_time,scheduled_publish_time"
GONE = "100/33"
"""What Facebook says of an object that is not there, or not to be seen, or cannot do this."""

Way = Literal["feed", "photo", "photos", "video", "reel", "photo_story", "video_story", "comment"]
Stage = Literal["live", "scheduled", "publishing", "failed", "waiting", "unsure"]
VIDEOS = ("video", "reel")
STORIES = ("photo_story", "video_story")
_ID = re.compile(r"[0-9]{1,30}(?:_[0-9]{1,30})?")
_HOSTS = re.compile(r"(?:www\.|m\.|mobile\.|web\.|business\.)?facebook\.com", re.IGNORECASE)
_NAMED = re.compile(r"\w\.\w")
"""What Facebook may take for an address: then it shows a preview, which may be a picture or a video."""
_PFBID = re.compile(r"pfbid[A-Za-z0-9]+")


# --- ids and permalinks -----------------------------------------------------------------------------------
def is_id(text: str | None) -> bool:
    return text is not None and _ID.fullmatch(text) is not None


def own_id(receipt: Receipt) -> str:
    """The id a receipt names, fit for a path."""
    if receipt.id is None or not is_id(receipt.id):
        raise errors.ConfigError(f"{receipt.id or receipt.url!r} is no id on Facebook")
    return receipt.id


def is_permalink(url: str) -> bool:
    """Whether a URL leads to something on Facebook that may be a post."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    web = parts.scheme.lower() in ("http", "https") and _HOSTS.fullmatch(host) is not None
    return web and bool(parts.path.strip("/"))


def id_in(reference: str, page: Identity) -> str | None:
    """The id of what a permalink of the Page, or an id, stands for; None where it holds none that can be asked for.

    >>> id_in("https://www.facebook.com/17/posts/29/", Identity("facebook", "", "17"))
    '17_29'
    >>> id_in("https://www.facebook.com/reel/401/", Identity("facebook", "", "17"))
    '401'
    """
    if is_id(reference):
        return reference
    if not is_permalink(reference):
        return None
    parts = urlsplit(reference)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    steps = [unquote(step) for step in parts.path.split("/") if step]
    told = _by_query(steps, query) or _by_path(steps, page)
    comment = query.get("comment_id", "")
    if comment.isdigit() and told:
        return f"{told.rpartition('_')[2]}_{comment}"
    return told if is_id(told) else None


def _by_query(steps: Sequence[str], query: Mapping[str, str]) -> str | None:
    """The addresses that name it in their query."""
    if steps[0] in ("permalink.php", "story.php") and "id" in query:
        return f"{query['id']}_{query.get('story_fbid', '')}"
    if steps[0] == "watch":
        return query.get("v")
    return query.get("fbid") if steps[0] in ("photo.php", "photo") else None


def _by_path(steps: Sequence[str], page: Identity) -> str | None:
    last = steps[-1]
    if "photos" in steps[1:-1]:
        return last
    if len(steps) == 1 or steps[0] == "reel" or "videos" in steps[1:-1]:
        return last
    if len(steps) >= 3 and steps[1] == "posts":
        owner = steps[0] if steps[0].isdigit() else page.id
        return f"{owner}_{last}"
    return None


def address(permalink: Any, native: str) -> str:
    """The permalink as told, made whole; else the address that leads there by id."""
    if isinstance(permalink, str) and permalink.startswith("/"):
        return f"{WEB}{permalink}"
    return permalink if isinstance(permalink, str) and permalink else f"{WEB}/{native}"


def same_address(one: str | None, other: str) -> bool:
    return one is not None and _bare(one) == _bare(other)


def _bare(url: str) -> str:
    """An address as it compares; of the many forms of one post's only the opaque name is kept."""
    if (name := _PFBID.search(url)) is not None:
        return name[0]
    parts = urlsplit(url)
    return f"{parts.path.rstrip('/')}?{parts.query}"


# --- what is shown ----------------------------------------------------------------------------------------
def sent_post(told: Mapping[str, Any], way: Way, due: int | None, now: datetime, **raw: Any) -> Sent:
    """What a commit of a post on the Page's feed answered."""
    native = str(told["id"])
    raw = {"way": way, **raw}
    if due is not None:
        return Sent(native, status=Status.SCHEDULED, look_again_at=moment(due), raw={**raw, "due": due})
    return Sent(native, address(told.get("permalink_url"), native), at(told, now), raw=raw)


def sent_video(video: str, way: Way, node: Mapping[str, Any], now: datetime, due: int | None = None) -> Sent:
    """A video by its own id, as its node shows it."""
    raw: dict[str, Any] = {"way": way} | ({"post": str(node["post_id"])} if node.get("post_id") else {})
    raw |= {"due": due} if due is not None else {}
    match stage_of(node):
        case "live":
            url, raw = address(node.get("permalink_url"), video), without_due(raw)
            live = moment(found(node, "status.publishing_phase.publish_time"))
            return Sent(video, url, live or at(node, now), raw=raw)
        case _ if due is not None and due > now.timestamp():
            return Sent(video, status=Status.SCHEDULED, look_again_at=moment(due), raw=raw)
        case _:
            later = now + timedelta(seconds=60)
            return Sent(video, status=Status.PROCESSING, look_again_at=later, raw=raw)


def without_due(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != "due"}


def at(node: Mapping[str, Any], now: datetime | None = None) -> datetime | None:
    """When it was made, by Facebook's clock."""
    return moment(node.get("created_time") or node.get("creation_time")) or now


def receipt_of(node: Mapping[str, Any], owner: Identity) -> Receipt:
    """The receipt of a post of a list; a post that is a video goes by the video's id, as when it is published."""
    native, raw = str(node["id"]), {"way": "feed"}
    media = media_of(node)
    if media and media[0][0] == "video" and media[0][1]:
        raw, native = {"way": "video", "post": native}, media[0][1]
    elif len(media) > 1 or (media and media[0][0] == "photo"):
        raw = {"way": "photos" if len(media) > 1 else "photo"}
    url = address(node.get("permalink_url"), str(node["id"]))
    return Receipt(owner, native, url, at(node), node.get("message"), raw=raw)


def reel_receipt(node: Mapping[str, Any], owner: Identity) -> Receipt:
    raw = {"way": "reel"} | ({"post": str(node["post_id"])} if node.get("post_id") else {})
    native = str(node["id"])
    url = address(node.get("permalink_url"), native)
    return Receipt(owner, native, url, at(node), node.get("description"), "reel", raw=raw)


def media_of(node: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, id) of each photo and video of a post, in order."""
    return [pair for one in _data(node.get("attachments")) for pair in _each(one)]


def _each(attachment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    inner: list[Any] = _data(attachment.get("subattachments"))
    for one in inner or [attachment]:
        if (kind := str(one.get("media_type") or "")) in ("photo", "video"):
            yield kind, str(found(one, "target.id") or "")


def _data(edge: Any) -> list[dict[str, Any]]:
    held = edge.get("data") if isinstance(edge, Mapping) else None
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def listed(body: Any) -> list[dict[str, Any]]:
    """The entries of a list's page; Unavailable when the answer is none."""
    held = found(body, "data")
    if not isinstance(held, list):
        raise errors.Unavailable("Facebook did not answer with a list")
    return [one for one in held if isinstance(one, dict)]


# --- finding ----------------------------------------------------------------------------------------------
def likeness_of(
    post: Mapping[str, Any], lost: Lost, photos: Sequence[Any]
) -> Literal["same", "alike", "other"]:
    """How a post of the Page compares with what was sent; ``photos`` are the ids of what was staged."""
    media, fields = media_of(post), lost.part.body["fields"]
    text, shown = fields.get("message") or fields.get("caption") or "", str(post.get("message") or "")
    linked = not lost.part.media and ("link" in fields or _NAMED.search(text) is not None)
    if len(media) > 1 if linked else len(media) != len(lost.part.media):
        return "other"
    if not linked and any(kind != "photo" for kind, _ in media):
        return "other"
    known = bool(photos) and all(photos)
    if known and sorted(one for _, one in media) == sorted(map(str, photos)):
        return "same"
    if squash(text) != squash(shown):
        return "other"
    return "alike" if known or not text.strip() else "same"


def squash(text: str) -> str:
    """Texts as they compare: NFC, white space folded."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def within(lost: Lost, node: Mapping[str, Any]) -> bool:
    """Whether something can be what was lost: nobody else's, and made in the window."""
    made = at(node)
    fits = made is None or lost.since <= made <= lost.until
    return fits and str(node.get("id") or node.get("post_id")) not in lost.claimed


# --- videos -----------------------------------------------------------------------------------------------
def stage_of(node: Mapping[str, Any]) -> Stage:
    """Where an uploaded video stands, by its status: ``publishing_phase`` decides where Facebook tells it."""
    status = node.get("status")
    status = status if isinstance(status, Mapping) else {}
    whole = str(status.get("video_status") or "").lower()
    publishing = status.get("publishing_phase") or {}
    told, phase = str(publishing.get("publish_status") or "").lower(), _phase(status, "publishing_phase")
    if told == "published" or (node.get("published") is True and whole == "ready"):
        return "live"
    if whole in ("error", "expired", "upload_failed") or told == "error":
        return "failed"
    if "error" in (phase, _phase(status, "processing_phase"), _phase(status, "uploading_phase")):
        return "failed"
    if told == "scheduled":
        return "scheduled"
    if phase in ("in_progress", "complete", "completed"):
        return "publishing"
    busy = _phase(status, "processing_phase") == "in_progress"
    if not busy and (phase == "not_started" or node.get("published") is False):
        return "waiting"
    return "unsure"


def settled(node: Mapping[str, Any], way: Any) -> bool:
    """Whether the fate of a video that was finished is known; a story's is when it is processed."""
    stage = stage_of(node)
    return stage in ("live", "scheduled", "failed") or (way == "video_story" and _is_ready(node))


def _is_ready(node: Mapping[str, Any]) -> bool:
    whole, phase = found(node, "status.video_status"), found(node, "status.processing_phase.status")
    return whole == "ready" or phase in ("complete", "completed")


def story_stands(sent: Sent, node: Mapping[str, Any], now: datetime) -> Sent:
    """A story whose video was taken: live, or in the works until that is processed."""
    if settled(node, "video_story"):
        made = moment(found(node, "status.publishing_phase.publish_time")) or sent.published_at
        return attrs.evolve(sent, status=Status.PUBLISHED, published_at=made or now, look_again_at=None)
    later = now + timedelta(seconds=60)
    return attrs.evolve(sent, status=Status.PROCESSING, published_at=None, look_again_at=later)


def _phase(status: Mapping[str, Any], name: str) -> str:
    return str(found(status, f"{name}.status") or "").lower()


def why_failed(node: Mapping[str, Any]) -> str:
    """Facebook's words for a video that came to nothing."""
    names = ("uploading_phase", "processing_phase", "publishing_phase")
    places = [f"status.{name}.{where}.message" for name in names for where in ("error", "errors.0")]
    told = next((words for place in places if (words := found(node, place))), None)
    return str(told or found(node, "status.video_status") or "no reason given")


def bytes_at(node: Mapping[str, Any]) -> int:
    """How many bytes of an upload have arrived; both spellings are about."""
    told = found(node, "status.uploading_phase.bytes_transfered|status.uploading_phase.bytes_transferred")
    return int(told) if isinstance(told, int) or (isinstance(told, str) and told.isdigit()) else 0


def succeeded(response: base.Response) -> dict[str, Any]:
    """The answer's object when it says that it was done; else nobody knows."""
    body = response.json()
    if body is True:
        return {}
    if not isinstance(body, dict) or body.get("success") not in (True, "true"):
        raise errors.OutcomeUnknown("Facebook's answer does not say whether it was done")
    return body
