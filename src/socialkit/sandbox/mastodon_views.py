"""What a Mastodon-API server answers, as JSON values: statuses, accounts, media, polls, the instance."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs

from .core import Entry
from .mastodon_forms import is_true

if TYPE_CHECKING:
    from socialkit.text import Entity

    from .mastodon import MastodonBox
    from .mastodon_servers import Software

__all__ = ["Person", "Tally", "Toot"]

Json = dict[str, Any]
_URL = re.compile(r"https?://[^\s<>\"]+")
_BASE83 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_CARD_AFTER = timedelta(seconds=5)


@attrs.define(eq=False)
class Person:
    """An account of the server."""

    id: str
    username: str
    display_name: str
    created_at: datetime
    visibility: str
    following: set[str] = attrs.field(factory=set)
    language: str = "en"
    sensitive: bool = False
    silenced: bool = False


@attrs.define(eq=False)
class Toot(Entry):
    """A status. Names in the sets are usernames; ``reblog_of`` is the id of what it boosts. ``uri``, where set, is the
    address of a post that came from another server."""

    language: str | None = None
    sensitive: bool = False
    mentions: list[str] = attrs.field(factory=list)
    policy: str = "public"
    quote_state: str = ""
    reblog_of: str | None = None
    pinned: bool = False
    favourited_by: set[str] = attrs.field(factory=set)
    bookmarked_by: set[str] = attrs.field(factory=set)
    muted_by: set[str] = attrs.field(factory=set)
    history: list[Json] = attrs.field(factory=list)
    uri: str | None = None


@attrs.define
class Tally:
    """What is counted over the whole timeline, good for one ``version`` of it."""

    version: int
    replies: Counter[str] = attrs.field(factory=Counter)
    quotes: Counter[str] = attrs.field(factory=Counter)
    posts: Counter[str] = attrs.field(factory=Counter)
    latest: dict[str, datetime] = attrs.field(factory=dict)

    def count(self, toot: Toot) -> None:
        """Take in one live status; the oldest come first."""
        self.posts[toot.account] += 1
        self.latest[toot.account] = toot.created_at
        if toot.reply_to is not None:
            self.replies[toot.reply_to] += 1
        if toot.quote is not None and toot.quote_state == "accepted":
            self.quotes[toot.quote] += 1


@lru_cache(maxsize=4096)
def entities(text: str) -> list[Entity]:
    """Links, hashtags and mentions of a text."""
    from socialkit.text import find_entities

    return find_entities(text, "mastodon")


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as statuses carry it."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def account_json(box: MastodonBox, person: Person) -> Json:
    """An Account."""
    tally = box.tally()
    latest = tally.latest.get(person.username)
    address = f"{box.base}/@{person.username}"
    return {
        "id": person.id,
        "username": person.username,
        "acct": person.username,
        "display_name": person.display_name,
        "locked": False,
        "bot": False,
        "discoverable": True,
        "indexable": True,
        "group": False,
        "created_at": stamp(person.created_at),
        "note": "",
        "url": address,
        "uri": f"{box.base}/users/{person.username}",
        "avatar": f"{box.base}/avatars/original/missing.png",
        "avatar_static": f"{box.base}/avatars/original/missing.png",
        "avatar_description": "",
        "header": f"{box.base}/headers/original/missing.png",
        "header_static": f"{box.base}/headers/original/missing.png",
        "header_description": "",
        "followers_count": box.followers(person),
        "following_count": len(person.following),
        "statuses_count": tally.posts[person.username],
        "last_status_at": f"{latest:%Y-%m-%d}" if latest else None,
        "hide_collections": None,
        "noindex": False,
        "emojis": [],
        "roles": [],
        "fields": [],
    }


def credential_account_json(box: MastodonBox, person: Person) -> Json:
    """A CredentialAccount: the account with its posting preferences."""
    role = {"id": "-99", "name": "", "color": "", "permissions": "0", "highlighted": False}
    source = {
        "privacy": person.visibility,
        "sensitive": person.sensitive,
        "language": person.language,
        "note": "",
        "fields": [],
        "follow_requests_count": 0,
        "hide_collections": None,
        "discoverable": True,
        "indexable": True,
        "attribution_domains": [],
        "quote_policy": "public",
    }
    return {**account_json(box, person), "source": source, "role": role}


def media_json(box: MastodonBox, medium: Json) -> Json:
    """A MediaAttachment; ``url`` is null while it is in processing."""
    ready = medium["ready_at"] <= box.now() and not medium["failed"]
    url = box.media_url(medium["id"]) if ready else None
    return {
        "id": medium["id"],
        "type": "image" if box.kind.marks else medium["type"],
        "url": url,
        "preview_url": url if medium["type"] == "image" else (url and f"{url}/preview"),
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": _meta(medium) if ready else {},
        "description": medium["alt"],
        "blurhash": _blurhash(medium["sha256"]) if ready else None,
    }


def _blurhash(digest: str) -> str:
    """A blurhash of one colour: a header of two zeros and the colour in base 83."""
    colour, written = int(digest[:6], 16), ""
    for _ in range(4):
        colour, digit = divmod(colour, 83)
        written = _BASE83[digit] + written
    return f"00{written}"


def _meta(medium: Json) -> Json:
    width, height = medium["width"], medium["height"]
    meta: Json = {}
    if width and height:
        meta["original"] = {"width": width, "height": height, "size": f"{width}x{height}"}
        meta["original"]["aspect"] = width / height
        share = min(1.0, math.sqrt(230_400 / (width * height)))
        small = (max(1, round(width * share)), max(1, round(height * share)))
        meta["small"] = {"width": small[0], "height": small[1], "size": f"{small[0]}x{small[1]}"}
        meta["small"]["aspect"] = small[0] / small[1]
    if medium["focus"] is not None:
        meta["focus"] = {"x": medium["focus"][0], "y": medium["focus"][1]}
    if medium["seconds"] is not None:
        meta["original"] = {**meta.get("original", {}), "duration": medium["seconds"]}
    return meta


def poll_json(box: MastodonBox, toot: Toot, viewer: Person | None) -> Json:
    """A Poll; votes of single options are null while totals are hidden."""
    poll = toot.poll or {}
    expired = poll["expires_at"] <= box.now()
    votes = box.poll_votes(toot)
    hidden = poll["hide_totals"] and not expired
    options = [
        {"title": title, "votes_count": None if hidden else count}
        for title, count in zip(poll["options"], votes, strict=True)
    ]
    answer: Json = {
        "id": poll["id"],
        "expires_at": stamp(poll["expires_at"]),
        "expired": expired,
        "multiple": poll["multiple"],
        "votes_count": sum(votes),
        "voters_count": sum(votes),
        "options": options,
        "emojis": [],
    }
    if viewer is not None:
        own = poll["votes"].get(viewer.username)
        answer |= {"voted": own is not None or toot.account == viewer.username, "own_votes": own or []}
    return answer


def status_json(box: MastodonBox, toot: Toot, viewer: Person | None, *, shallow: bool = False) -> Json:
    """A Status as ``viewer`` sees it; ``shallow`` cuts a quote inside a quote short."""
    if toot.reblog_of is not None:
        return _reblog_json(box, toot, viewer)
    parent = box.toot(toot.reply_to) if toot.reply_to else None
    address = f"{box.base}/@{toot.account}/{toot.id}"
    answer: Json = {
        "id": toot.id,
        "created_at": stamp(toot.created_at),
        "in_reply_to_id": toot.reply_to,
        "in_reply_to_account_id": box.people[parent.account].id if parent else None,
        "sensitive": toot.sensitive,
        "spoiler_text": toot.warning,
        "visibility": toot.visibility,
        "language": toot.language,
        "uri": toot.uri or f"{box.base}/users/{toot.account}/statuses/{toot.id}",
        "url": toot.uri or address,
        "edited_at": stamp(toot.edited_at) if toot.edited_at else None,
        "content": content_html(box, toot),
        "filtered": [],
        "reblog": None,
        "application": {"name": toot.app, "website": None} if toot.app else None,
        "account": account_json(box, box.people[toot.account]),
        "media_attachments": [media_json(box, medium) for medium in toot.media],
        "mentions": [_mention(box, name) for name in toot.mentions],
        "tags": [{"name": name, "url": f"{box.base}/tags/{name}"} for name in box.hashtags(toot.text)],
        "emojis": [],
        "card": _card(box, toot),
        "poll": poll_json(box, toot, viewer) if toot.poll else None,
        **box.counts(toot),
    }
    if viewer is not None:
        answer |= _flags(toot, viewer)
    if box.kind.quotes and box.kind.api is None:
        quoted = box.toot(toot.quote) if toot.quote and not shallow else None
        answer |= {"quote_id": toot.quote, "quote": None}
        answer |= {"quote": status_json(box, quoted, viewer, shallow=True)} if quoted else {}
    elif box.kind.quotes:
        answer |= _quote_fields(box, toot, viewer, shallow)
    return answer


def addresses(box: MastodonBox, toot: Toot) -> tuple[str, ...]:
    """Where the post is found: its page and its ``uri``."""
    page = f"{box.base}/@{toot.account}/{toot.id}"
    return (toot.uri,) if toot.uri else (page, f"{box.base}/users/{toot.account}/statuses/{toot.id}")


def _reblog_json(box: MastodonBox, boost: Toot, viewer: Person | None) -> Json:
    original = box.toot(boost.reblog_of or "")
    if original is None:
        return status_json(box, attrs.evolve(boost, reblog_of=None), viewer)
    inner = status_json(box, original, viewer)
    return {
        **inner,
        "id": boost.id,
        "created_at": stamp(boost.created_at),
        "uri": f"{box.base}/users/{boost.account}/statuses/{boost.id}/activity",
        "url": f"{box.base}/@{boost.account}/{boost.id}",
        "visibility": boost.visibility,
        "account": account_json(box, box.people[boost.account]),
        "application": None,
        "card": None,
        "poll": None,
        "media_attachments": [],
        "reblog": inner,
    }


def _flags(toot: Toot, viewer: Person) -> Json:
    flags = {
        "favourited": viewer.username in toot.favourited_by,
        "reblogged": viewer.username in toot.extras.get("boosts", {}),
        "muted": viewer.username in toot.muted_by,
        "bookmarked": viewer.username in toot.bookmarked_by,
    }
    return flags | ({"pinned": toot.pinned} if toot.account == viewer.username else {})


def _quote_fields(box: MastodonBox, toot: Toot, viewer: Person | None, shallow: bool) -> Json:
    approval = {
        "automatic": {"public": ["public"], "followers": ["followers"]}.get(toot.policy, []),
        "manual": ["public"] if toot.policy == "manual" else [],
        "current_user": box.may_quote(toot, viewer),
    }
    return {"quote": _quote(box, toot, viewer, shallow), "quote_approval": approval}


def _quote(box: MastodonBox, toot: Toot, viewer: Person | None, shallow: bool) -> Json | None:
    if toot.quote is None:
        return None
    quoted = box.toot(toot.quote)
    state = toot.quote_state if quoted is not None else "deleted"
    shown = quoted if state == "accepted" else None
    if shallow:
        return {"state": state, "quoted_status_id": shown.id if shown else None}
    inner = status_json(box, shown, viewer, shallow=True) if shown else None
    return {"state": state, "quoted_status": inner}


def _mention(box: MastodonBox, name: str) -> Json:
    person = box.people[name]
    return {"id": person.id, "username": name, "acct": name, "url": f"{box.base}/@{name}"}


def _card(box: MastodonBox, toot: Toot) -> Json | None:
    """The preview of the first link: fetched some seconds later, and never beside media."""
    link = _URL.search(toot.text)
    if link is None or toot.media or box.now() - toot.created_at < _CARD_AFTER:
        return None
    address = link.group().rstrip(".,;:!?)")
    return {
        "url": address,
        "title": address.split("//", 1)[1],
        "description": "",
        "language": None,
        "type": "link",
        "author_name": "",
        "author_url": "",
        "authors": [],
        "provider_name": address.split("/")[2],
        "provider_url": "",
        "html": "",
        "width": 0,
        "height": 0,
        "image": None,
        "image_description": "",
        "embed_url": "",
        "blurhash": None,
        "published_at": None,
    }


def content_html(box: MastodonBox, toot: Toot) -> str:
    """The text as the HTML a server makes of it: paragraphs, links, hashtags, mentions."""
    paragraphs = "".join(f"<p>{_linked(box, part)}</p>" for part in re.split(r"\n{2,}", toot.text) if part)
    paragraphs = _marked(paragraphs) if box.kind.marks else paragraphs
    quoted = box.toot(toot.quote) if toot.quote else None
    if quoted is not None:
        address = f"{box.base}/@{quoted.account}/{quoted.id}"
        if address not in toot.text:
            paragraphs = f'<p class="quote-inline">RE: {_anchor(address)}</p>{paragraphs}'
    return paragraphs


def _linked(box: MastodonBox, text: str) -> str:
    out, at = [], 0
    for entity in entities(text):
        out.append(_plain(text[at : entity.start]))
        out.append(_entity(box, entity.kind, text[entity.start : entity.end]))
        at = entity.end
    return "".join([*out, _plain(text[at:])])


def _marked(text: str) -> str:
    """Bold words of asterisks, as some software makes them."""
    return re.sub(r"\*\*(\S.*?)\*\*", r"<b>\1</b>", text)


def _plain(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br />")


def _entity(box: MastodonBox, kind: str, written: str) -> str:
    if kind == "url":
        return _anchor(written)
    name = written[1:]
    if kind == "hashtag":
        address = html.escape(f"{box.base}/tags/{name}")
        return f'<a href="{address}" class="mention hashtag" rel="tag">#<span>{html.escape(name)}</span></a>'
    if kind == "mention" and name in box.people:
        address = f"{box.base}/@{name}"
        link = f'<a href="{address}" class="u-url mention">@<span>{html.escape(name)}</span></a>'
        return f'<span class="h-card" translate="no">{link}</span>'
    return _plain(written)


def _anchor(address: str) -> str:
    """A link: the scheme and what is beyond 30 characters are there, but not seen."""
    scheme, _, rest = address.partition("//")
    shown, cut = html.escape(rest[:30]), html.escape(rest[30:])
    words = (
        f'<span class="invisible">{scheme}//</span><span class="{"ellipsis" if cut else ""}">{shown}</span>'
        f'<span class="invisible">{cut}</span>'
    )
    target = html.escape(address)
    return f'<a href="{target}" target="_blank" rel="nofollow noopener" translate="no">{words}</a>'


def scheduled_json(box: MastodonBox, item: Json) -> Json:
    """A ScheduledStatus."""
    given = item["params"]
    return {
        "id": item["id"],
        "scheduled_at": stamp(item["at"]),
        "params": {
            "text": given.get("status") or "",
            "poll": _poll_params(item["poll"]),
            "media_ids": [medium["id"] for medium in item["media"]] or None,
            "sensitive": is_true(given.get("sensitive")),
            "spoiler_text": given.get("spoiler_text"),
            "visibility": given.get("visibility") or box.people[item["owner"]].visibility,
            "in_reply_to_id": given.get("in_reply_to_id"),
            "language": given.get("language"),
            "application_id": 1,
            "scheduled_at": None,
            "idempotency": None,
            "with_rate_limit": False,
            **_quoting(box, given),
        },
        "media_attachments": [media_json(box, medium) for medium in item["media"]],
    }


def _quoting(box: MastodonBox, given: Json) -> Json:
    """What a scheduled post keeps of its quote: before 4.7 nobody told."""
    names = ("quoted_status_id", "quote_approval_policy")
    return {name: given[name] for name in names if given.get(name) and (box.kind.api or 0) >= 11}


def _poll_params(poll: Json | None) -> Json | None:
    """A poll as the scheduled post keeps it."""
    if poll is None:
        return None
    return {
        "options": poll["options"],
        "expires_in": poll["seconds"],
        "multiple": poll["multiple"],
        "hide_totals": poll["hide_totals"],
    }


def configuration(box: MastodonBox, kind: Software) -> Json:
    """What ``configuration`` of the instance documents says."""
    media: Json = {
        "supported_mime_types": [*kind.images, *kind.videos, *kind.audio],
        "image_size_limit": box.image_bytes,
        "image_matrix_limit": 33_177_600,
        "video_size_limit": box.video_bytes,
        "video_frame_rate_limit": 120,
        "video_matrix_limit": 8_294_400,
    }
    if kind.description_limit is not None and (kind.name != "mastodon" or (kind.api or 0) >= 4):
        media["description_limit"] = kind.description_limit
    if kind.description_minimum:
        media["description_minimum"] = kind.description_minimum
    answer: Json = {
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {
            "max_characters": kind.max_characters,
            "max_media_attachments": kind.max_media,
            "characters_reserved_per_url": kind.per_url,
        },
        "media_attachments": media,
    }
    if kind.polls:
        answer["polls"] = {
            "max_options": kind.poll_options,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2_629_746,
        }
    return answer


def instance_v2(box: MastodonBox, kind: Software) -> Json:
    """The document behind ``/api/v2/instance``."""
    feeds = {"local": "public", "remote": "public"}
    more = {
        "urls": {
            "streaming": box.base.replace("http", "ws", 1),
            "status": None,
            "about": f"{box.base}/about",
            "privacy_policy": None,
            "terms_of_service": None,
        },
        "vapid": {"public_key": box.vapid_key()},
        "translation": {"enabled": False},
        "timelines_access": {
            "live_feeds": feeds,
            "hashtag_feeds": feeds,
            "trending_link_feeds": feeds,
        },
        "limited_federation": False,
    }
    return {
        "domain": box.domain,
        "title": "Sandbox",
        "version": kind.version,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "A server of the sandbox",
        "usage": {"users": {"active_month": len(box.people)}},
        "thumbnail": {"url": f"{box.base}/thumbnail.png"},
        "icon": [],
        "languages": ["en"],
        "configuration": {**configuration(box, kind), **more},
        "registrations": {"enabled": False, "approval_required": False, "message": None, "url": None},
        "contact": {"email": "admin@example.com", "account": None},
        "rules": [],
        **({"api_versions": {"mastodon": kind.api}} if kind.api is not None else {}),
        **_pleroma(kind),
    }


def _pleroma(kind: Software) -> Json:
    """What that family says beside: how long a text may be, and what it can."""
    if kind.keys != "replayed":
        return {}
    features = ["pleroma_api", "polls", *(["quote_posting"] if kind.quotes else [])]
    return {"max_toot_chars": kind.max_characters, "pleroma": {"metadata": {"features": features}}}


def instance_v1(box: MastodonBox, kind: Software) -> Json:
    """The document behind ``/api/v1/instance``."""
    answer = {
        "uri": box.domain,
        "title": "Sandbox",
        "short_description": "A server of the sandbox",
        "description": "A server of the sandbox",
        "email": "admin@example.com",
        "version": kind.version,
        "urls": {"streaming_api": box.base.replace("http", "ws", 1)},
        "stats": {
            "user_count": len(box.people),
            "status_count": len(box.toots()),
            "domain_count": 1,
        },
        "thumbnail": None,
        "languages": ["en"],
        "registrations": False,
        "approval_required": False,
        "invites_enabled": False,
        "configuration": configuration(box, kind),
        "contact_account": None,
        "rules": [],
    }
    return answer | _pleroma(kind)
