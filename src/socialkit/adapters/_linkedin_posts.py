"""LinkedIn's posts and comments as it shows them: URNs, permalinks, queries, likeness to what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

import attrs

from socialkit import errors
from socialkit.model import Identity, Receipt, Status

from ._linkedin_text import plain, same_words
from .base import Lost, Response, Sent

Json = Mapping[str, Any]

_POST = r"urn:li:(?:share|ugcPost|activity):[0-9]{1,20}"
POST = re.compile(_POST)
COMMENT = re.compile(rf"urn:li:comment:\((?P<object>{_POST}),(?P<id>[0-9]{{1,20}})\)")
ORGANIZATION = re.compile(r"urn:li:(?:organization|organizationBrand):[0-9]{1,20}")
_DUPLICATE = re.compile(r"duplicate of (urn:li:(?:share|ugcPost):[0-9]{1,20})", re.IGNORECASE)
_HOSTS = frozenset({"www.linkedin.com", "linkedin.com"})
_NOT_LIVE = frozenset({"DRAFT", "PUBLISH_FAILED"})


# --- URNs -------------------------------------------------------------------------------------------------
def enc(value: str) -> str:
    """A value as it stands in a path or inside a query: everything percent-encoded.

    >>> enc("urn:li:share:1")
    'urn%3Ali%3Ashare%3A1'
    """
    return quote(value, safe="")


def listed(values: Iterable[str]) -> str:
    """Rest.li's list: the brackets and commas stay, the values are encoded.

    >>> listed(["urn:li:share:1", "urn:li:share:2"])
    'List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A2)'
    """
    return f"List({','.join(map(enc, values))})"


def urn_of(reference: str) -> str | None:
    """The URN of a post or comment, from itself or from a permalink; None when it is neither.

    >>> urn_of("https://www.linkedin.com/feed/update/urn:li:share:7/?utm_source=share")
    'urn:li:share:7'
    """
    if POST.fullmatch(reference) or COMMENT.fullmatch(reference):
        return reference
    parts = urlsplit(reference)
    if parts.scheme not in ("http", "https") or parts.hostname not in _HOSTS:
        return None
    told = parse_qs(parts.query).get("commentUrn", [""])[0]
    if COMMENT.fullmatch(told):
        return told
    path = unquote(parts.path).removeprefix("/feed/update/").rstrip("/")
    return path if POST.fullmatch(path) and parts.path.startswith("/feed/update/") else None


def permalink_of(urn: str) -> str:
    """Where people read a post; of a comment, the post it is under, with the comment named."""
    if (comment := COMMENT.fullmatch(urn)) is not None:
        return f"{permalink_of(comment['object'])}?commentUrn={enc(urn)}"
    return f"https://www.linkedin.com/feed/update/{urn}/"


def own_urn(receipt: Receipt) -> str:
    """The URN a receipt names, fit for a path."""
    named = receipt.id or receipt.url or ""
    if (urn := urn_of(named)) is None:
        raise errors.ConfigError(
            f"{named!r} is no post or comment on LinkedIn: its URN or permalink is needed"
        )
    return urn


def number_of(urn: str) -> str:
    """The number of a comment, which no other comment has.

    >>> number_of("urn:li:comment:(urn:li:share:1,88)")
    '88'
    """
    comment = COMMENT.fullmatch(urn)
    return comment["id"] if comment else urn


def comment_path(urn: str) -> str:
    """The path of one comment."""
    comment = COMMENT.fullmatch(urn)
    assert comment is not None
    return f"/rest/socialActions/{enc(comment['object'])}/comments/{comment['id']}"


def duplicate_of(said: str) -> str | None:
    """The post a refusal as a duplicate names."""
    match = _DUPLICATE.search(said)
    return match[1] if match else None


# --- what was made ----------------------------------------------------------------------------------------
def sent_of(urn: str, at: datetime | None = None) -> Sent:
    return Sent(urn, permalink_of(urn), at)


def seen_of(post: Json) -> Sent:
    """A post of ours as LinkedIn shows it."""
    return attrs.evolve(
        sent_of(str(post["id"]), posted_at(post)), status=status_of(post), raw=video_mark(has_video(post))
    )


def video_mark(moving: bool) -> dict[str, Any]:
    """What a receipt keeps so that a video's own numbers are asked for."""
    return {"video": True} if moving else {}


def made_post(response: Response, *, moving: bool = False) -> Sent:
    """The post a 201 tells of; live without an id where LinkedIn leaves it out."""
    told = response.headers.get("x-restli-id") or response.headers.get("location") or ""
    if (match := re.search(_POST, unquote(told))) is not None:
        return attrs.evolve(sent_of(match[0]), raw=video_mark(moving))
    return Sent(None, missing=("id: LinkedIn published the post and did not say its URN",))


def made_comment(response: Response, comment: Json) -> Sent:
    """The comment a 201 tells of, by its URN in the body, else by the number in the header."""
    body = response.json_or_none()
    told = str(body.get("commentUrn") or "") if isinstance(body, dict) else ""
    if COMMENT.fullmatch(told):
        return sent_of(told)
    number = unquote(response.headers.get("x-restli-id") or "")
    if re.fullmatch("[0-9]{1,20}", number):
        return sent_of(f"urn:li:comment:({comment['object']},{number})")
    if COMMENT.fullmatch(number):
        return sent_of(number)
    return Sent(None, missing=("id: LinkedIn took the comment and did not say its URN",))


# --- what is shown ----------------------------------------------------------------------------------------
def moment(milliseconds: Any) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if isinstance(milliseconds, int) else None


def posted_at(post: Json) -> datetime | None:
    return moment(post.get("publishedAt")) or moment(post.get("createdAt"))


def commented_at(comment: Json) -> datetime | None:
    return moment((comment.get("created") or {}).get("time"))


def is_live(post: Json) -> bool:
    return post.get("lifecycleState", "PUBLISHED") not in _NOT_LIVE


def status_of(post: Json) -> Status:
    return Status.PROCESSING if post.get("lifecycleState") == "PUBLISH_REQUESTED" else Status.PUBLISHED


def has_video(post: Json) -> bool:
    return str(media_of(post.get("content") or {})[:1]).startswith("['urn:li:video:")


def receipt_of(post: Json, owner: Identity) -> Receipt:
    urn = str(post["id"])
    kind = "quote" if (post.get("reshareContext") or {}).get("parent") else "post"
    raw = video_mark(has_video(post))
    text = plain(str(post.get("commentary") or ""))
    return Receipt(owner, urn, permalink_of(urn), posted_at(post), text, kind, raw=raw)


def media_of(content: Json) -> list[str]:
    """The URNs of the media in a post's content, in order."""
    if images := (content.get("multiImage") or {}).get("images"):
        return [str(one.get("id")) for one in images]
    return [str(content["media"].get("id"))] if isinstance(content.get("media"), dict) else []


def likeness_of(post: Json, lost: Lost, uploads: Iterable[str]) -> Literal["same", "alike", "other"]:
    """How a post of the author compares with what was sent: "alike" has its words, and something else with them."""
    request = lost.part.body["request"]
    if not same_words(plain(str(post.get("commentary") or "")), lost.part.body["words"]):
        return "other"
    parent = (request.get("reshareContext") or {}).get("parent")
    if parent != (post.get("reshareContext") or {}).get("parent"):
        return "other"
    wanted, shown = request.get("content") or {}, post.get("content") or {}
    if _gist(wanted) == _gist(shown) and media_of(shown) == list(uploads):
        return "same"
    cards = "article" in wanted and "article" in shown
    return "alike" if request["commentary"] or cards else "other"


def _gist(content: Json) -> list[Any]:
    """What tells contents apart that are not uploaded."""
    article, poll = content.get("article") or {}, content.get("poll") or {}
    options = [one.get("text") for one in poll.get("options") or ()]
    return [_bare(article.get("source")), poll.get("question"), options]


def _bare(url: Any) -> str:
    """A link as it compares: without scheme, the host in small letters, no slash at the end."""
    host, slash, rest = re.sub("^https?://", "", str(url or ""), flags=re.IGNORECASE).partition("/")
    return f"{host.casefold()}{slash}{rest}".rstrip("/")
