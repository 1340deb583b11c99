"""What X answers, as JSON values: posts with t.co links and entities, users, media, polls; in both dialects.

X says "tweet" or "post" for one thing. A call that names ``post.fields`` is answered in the newer words, any
other in the older ones. Field names nobody knows are dropped without a word.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import attrs

from .core import Entry
from .x_auth import PROBLEMS, XUser
from .x_media import Uploads

if TYPE_CHECKING:
    from socialkit.text import Entity

__all__ = ["Ask", "Tally", "Text", "Views", "XPost", "stamp"]

Json = dict[str, Any]
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CURRENT = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "most_recent_tweet_id": "most_recent_post_id",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}
_OLDER = {new: old for old, new in CURRENT.items()} | {"referenced_posts": "referenced_tweets.id"}
_EXPANSIONS_ONLY = frozenset(
    {"author_id", "in_reply_to_user_id", "referenced_tweets.id", "referenced_tweets"}
)
_EXPANDED = {
    "author_id": "author_id",
    "referenced_tweets.id": "referenced_tweets",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "attachments.media_keys": "attachments",
    "attachments.poll_ids": "attachments",
    "entities.mentions.username": "entities",
    "edit_history_tweet_ids": "edit_history_tweet_ids",
}
PRIVATE = ("non_public_metrics", "organic_metrics", "promoted_metrics")
_PRIVATE_FOR = timedelta(days=30)
EDIT_FOR = timedelta(hours=1)
EDITS = 5


@attrs.frozen
class Text:
    """A text as X shows it: HTML-escaped, its links as t.co, with the places of everything in it."""

    text: str
    entities: Json
    start: int = 0
    end: int = 0


@attrs.define(eq=False)
class XPost(Entry):
    """A post. ``lead`` are the mentions X put before a reply, ``history`` the ids of its versions."""

    conversation: str = ""
    lead: str = ""
    history: list[str] = attrs.field(factory=list)
    repost_of: str | None = None
    reply_settings: str = "everyone"
    shown: Text = attrs.field(factory=lambda: Text("", {}))
    note: Text | None = None
    hidden: bool = False
    given: Json = attrs.field(factory=dict)


@attrs.frozen
class Tally:
    """What is counted over all posts by their id, good for one ``version`` of the timelines."""

    version: int
    replies: Counter[str]
    quotes: Counter[str]
    reposts: Counter[str]


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@attrs.frozen
class Ask:
    """The fields, expansions and dialect a request asks for, in the older words.

    >>> ask = Ask.of({"post.fields": "created_at,note_post,author_id", "expansions": "referenced_posts"})
    >>> ask.current, sorted(ask.post), sorted(ask.expansions)
    (True, ['created_at', 'note_tweet'], ['referenced_tweets.id'])
    """

    current: bool = False
    post: frozenset[str] = frozenset()
    user: frozenset[str] = frozenset()
    media: frozenset[str] = frozenset()
    poll: frozenset[str] = frozenset()
    expansions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Ask:
        """Read from a query."""
        current = "post.fields" in query
        post = _words(query, "post.fields" if current else "tweet.fields")
        if current:
            post = frozenset(_OLDER.get(word, word) for word in post) - _EXPANSIONS_ONLY
        expansions = _words(query, "expansions")
        if current:
            expansions = frozenset(_OLDER.get(word, word) for word in expansions)
        user, media = _words(query, "user.fields"), _words(query, "media.fields")
        return cls(current, post, user, media, _words(query, "poll.fields"), expansions)

    def answer(self, value: Any) -> Any:
        """The JSON value in the words of the dialect asked."""
        if not self.current:
            return value
        if isinstance(value, list):
            return [self.answer(item) for item in value]
        if isinstance(value, dict):
            return {CURRENT.get(name, name): self.answer(item) for name, item in value.items()}
        return value


def _words(query: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(word.strip() for word in query.get(name, "").split(",") if word.strip())


class Views(Uploads):
    """The part of the box that writes posts and users down.

    ``drops_unauthorized`` leaves a post out of ``data`` when private metrics were asked that may not be
    read; otherwise only the block is missing. X does both.
    """

    drops_unauthorized = False
    _tally: Tally | None = None

    # text ----------------------------------------------------------------------------------------

    def written(self, post: XPost) -> XPost:
        """Set what the post shows: its text with t.co links, in full and cut for a long post."""
        from socialkit.text import length, shorten

        source, suffix = post.lead + post.text, self._suffix(post)
        if length(post.text, "x") > 280:
            post.note = self._wrapped(post, source, [])
            source = shorten(source, 280, "x")
        post.shown = self._wrapped(post, source, suffix)
        return post

    def _suffix(self, post: XPost) -> list[Json]:
        """Links X puts behind the text: to the quoted post, to the media."""
        links: list[Json] = []
        if article := post.given.get("article"):
            place = f"https://x.com/i/article/{article['id']}"
            links.append({"expanded_url": place, "display_url": _display(place)})
        quoted = self.post(post.quote or "")
        if quoted is not None:
            links.append({"expanded_url": quoted.url, "display_url": _display(quoted.url)})
        for number, medium in enumerate(post.media, 1):
            kind = "photo" if medium["family"] == "photo" else "video"
            place = f"{post.url}/{kind}/{1 if kind == 'video' else number}"
            shown = f"pic.x.com/{self._short(post, 'media', 0)}"
            links.append({"expanded_url": place, "display_url": shown, "media_key": medium["key"]})
        return links

    def _short(self, post: XPost, where: str, number: int) -> str:
        """The ten characters of a t.co link."""
        value, word = int(self.digest("t.co", post.id, where, number)[:16], 16), ""
        for _ in range(10):
            value, digit = divmod(value, 62)
            word += _BASE62[digit]
        return word

    def _wrapped(self, post: XPost, source: str, suffix: list[Json]) -> Text:
        from socialkit.text import find_entities

        out, at, marks = "", 0, dict[str, list[Json]]()
        for number, entity in enumerate(find_entities(source, "x")):
            out += html.escape(source[at : entity.start], quote=False)
            start, written, mark = len(out), source[entity.start : entity.end], Json()
            if entity.kind == "url":
                written = f"https://t.co/{self._short(post, 'text', number)}"
                mark = _link(entity.value, written)
            else:
                mark = self._mark(entity)
            out += written
            kind = {"url": "urls", "mention": "mentions", "hashtag": "hashtags", "cashtag": "cashtags"}
            marks.setdefault(kind[entity.kind], []).append({"start": start, "end": len(out), **mark})
            at = entity.end
        out += html.escape(source[at:], quote=False)
        end, media_link = len(out), f"https://t.co/{self._short(post, 'media', 0)}"
        for number, link in enumerate(suffix):
            own = media_link if "media_key" in link else f"https://t.co/{self._short(post, 'quote', number)}"
            if not out.endswith(own):
                out += f" {own}" if out else own
            place = {"start": len(out) - len(own), "end": len(out), "url": own}
            marks.setdefault("urls", []).append({**place, **link})
        lead = len(html.escape(post.lead, quote=False))
        return Text(out, marks, lead, end)

    def _mark(self, entity: Entity) -> Json:
        if entity.kind != "mention":
            return {"tag": entity.value}
        known = self.named(entity.value)
        return {"username": entity.value, **({"id": known.id} if known is not None else {})}

    # posts ---------------------------------------------------------------------------------------

    def post(self, post_id: str) -> XPost | None:
        """The live post with that id."""
        return cast("XPost | None", self.find(post_id))

    def tally(self) -> Tally:
        """Replies, quotes and reposts of every post; counted once per change of a timeline."""
        if self._tally is None or self._tally.version != self.version:
            live = [cast(XPost, entry) for entry in self.entries.values() if entry.deleted_at is None]
            self._tally = Tally(
                self.version,
                Counter(post.reply_to for post in live if post.reply_to),
                Counter(post.quote for post in live if post.quote),
                Counter(post.repost_of for post in live if post.repost_of),
            )
        return self._tally

    def public_metrics(self, post: XPost) -> Json:
        """The six counters everybody may read."""
        grown = self.growth(post, impressions=2400, likes=60, reposts=14, bookmarks=6)
        if post.repost_of is not None:
            grown = dict.fromkeys(grown, 0)
        tally = self.tally()
        return {
            "retweet_count": grown["reposts"] + tally.reposts[post.id],
            "reply_count": tally.replies[post.id],
            "like_count": grown["likes"],
            "quote_count": tally.quotes[post.id],
            "bookmark_count": grown["bookmarks"],
            "impression_count": grown["impressions"],
        }

    def clicks(self, post: XPost) -> tuple[int | None, int]:
        """Clicks on links, None when there is no link, and on the author's name."""
        grown = self.growth(post, links=45, profile=12)
        links = [link for link in post.shown.entities.get("urls", ()) if "media_key" not in link]
        return (grown["links"] if links else None), grown["profile"]

    def private_metrics(self, post: XPost) -> Json:
        """``non_public_metrics`` of the author's own post."""
        public, (links, profile) = self.public_metrics(post), self.clicks(post)
        seen = sum(count for name, count in public.items() if name != "impression_count")
        metrics = {"impression_count": public["impression_count"], "user_profile_clicks": profile}
        if links is not None:
            metrics["url_link_clicks"] = links
        return {**metrics, "engagements": seen + profile + (links or 0)}

    def organic_metrics(self, post: XPost) -> Json:
        """``organic_metrics`` of the author's own post: nothing here is promoted."""
        private, public = self.private_metrics(post), self.public_metrics(post)
        private.pop("engagements")
        return {**private, **{name: public[name] for name in ("like_count", "reply_count", "retweet_count")}}

    def may_read_private(self, post: XPost, viewer: XUser | None) -> bool:
        """Private metrics are the author's, and only for 30 days."""
        mine = viewer is not None and viewer.username == post.account
        return mine and self.now() - post.created_at <= _PRIVATE_FOR

    def post_json(self, post: XPost, ask: Ask, viewer: XUser | None) -> Json:
        """A post with the fields asked for; what would be empty is left out."""
        wanted = {"id", "text", "edit_history_tweet_ids", *ask.post}
        wanted |= {_EXPANDED[word] for word in ask.expansions if word in _EXPANDED}
        made = {name: make(self, post) for name, make in _POST_FIELDS.items() if name in wanted}
        if wanted.intersection(PRIVATE) and self.may_read_private(post, viewer):
            if "non_public_metrics" in wanted:
                made["non_public_metrics"] = self.private_metrics(post)
            if "organic_metrics" in wanted:
                made["organic_metrics"] = self.organic_metrics(post)
        return {name: value for name, value in made.items() if value not in (None, {}, [])}

    def answer_posts(
        self, posts: Iterable[XPost], ask: Ask, viewer: XUser | None, errors: list[Json]
    ) -> tuple[list[Json], Json, list[Json]]:
        """``data``, ``includes`` and ``errors`` of an answer with posts."""
        posts, errors = list(posts), list(errors)
        fields = [name for name in PRIVATE[:2] if name in ask.post]
        for post in list(posts) if fields else ():
            if self.may_read_private(post, viewer):
                continue
            errors += [_unauthorized(post.id, field) for field in fields]
            if self.drops_unauthorized:
                posts.remove(post)
        data = [self.post_json(post, ask, viewer) for post in posts]
        includes, missing = self._includes(posts, ask, viewer)
        return data, includes, errors + missing

    def _includes(self, posts: list[XPost], ask: Ask, viewer: XUser | None) -> tuple[Json, list[Json]]:
        users, referenced, missing = dict[str, XUser](), dict[str, XPost](), list[Json]()
        for post in posts:
            for person in self._related(post, ask.expansions):
                users[person.id] = person
            for post_id in _references(post).values() if "referenced_tweets.id" in ask.expansions else ():
                found = self.post(post_id)
                if found is not None:
                    referenced[found.id] = found
                else:
                    name = "referenced_posts" if ask.current else "referenced_tweets.id"
                    missing.append(not_found("tweet", post_id, name))
        media = [
            self.media_json(medium, post, ask, viewer)
            for post in posts
            for medium in (post.media if "attachments.media_keys" in ask.expansions else ())
        ]
        polls = [
            self.poll_json(post, ask)
            for post in posts
            if post.poll is not None and "attachments.poll_ids" in ask.expansions
        ]
        includes = {
            "media": media,
            "polls": polls,
            "users": [self.user_json(person, ask) for person in users.values()],
            "tweets": [self.post_json(post, ask, viewer) for post in referenced.values()],
        }
        return {name: value for name, value in includes.items() if value}, missing

    def _related(self, post: XPost, expansions: frozenset[str]) -> Iterable[XUser]:
        if "author_id" in expansions:
            yield self.people[post.account]
        parent = (
            self.person_of(self.reply_author(post) or "") if "in_reply_to_user_id" in expansions else None
        )
        if parent is not None:
            yield parent
        if "entities.mentions.username" in expansions:
            for mention in post.shown.entities.get("mentions", ()):
                if "id" in mention:
                    yield self.people[cast(XUser, self.person_of(mention["id"])).username]

    def reply_author(self, post: XPost) -> str | None:
        """Id of whom the post replies to."""
        return post.extras.get("reply_author")

    def media_json(self, medium: Json, post: XPost, ask: Ask, viewer: XUser | None) -> Json:
        """A medium as ``includes.media`` shows it."""
        still = medium["family"] == "photo"
        address = f"{self.base}/media/{medium['id']}"
        made = {
            "alt_text": medium["alt"] or None,
            "width": medium["width"] or None,
            "height": medium["height"] or None,
            "url": address if still else None,
            "preview_image_url": None if still else f"{address}/preview",
            "duration_ms": int(medium["seconds"] * 1000) if medium["seconds"] else None,
        }
        if not still:
            views = self.video_views(medium, post)
            made["public_metrics"] = {"view_count": views}
            if self.may_read_private(post, viewer):
                made["non_public_metrics"] = playbacks(views)
                made["organic_metrics"] = {**playbacks(views), "view_count": views}
        picked = {name: value for name, value in made.items() if name in ask.media and value is not None}
        return {"media_key": medium["key"], "type": medium["family"], **picked}

    def video_views(self, medium: Json, post: XPost) -> int:
        """Views of a video or GIF in the post."""
        return self.growth(post, **{f"views {medium['id']}": 900})[f"views {medium['id']}"]

    def poll_json(self, post: XPost, ask: Ask) -> Json:
        """A poll as ``includes.polls`` shows it."""
        poll = post.poll or {}
        ends = post.created_at + timedelta(minutes=poll["minutes"])
        made = {
            "duration_minutes": poll["minutes"],
            "end_datetime": stamp(ends),
            "voting_status": "open" if self.now() < ends else "closed",
        }
        votes = enumerate(self.shown_poll(post), 1)
        options = [{"position": at, "label": label, "votes": count} for at, (label, count) in votes]
        picked = {name: value for name, value in made.items() if name in ask.poll}
        return {"id": poll["id"], "options": options, **picked}

    def shown_poll(self, entry: Entry) -> list[tuple[str, int]]:
        poll = entry.poll or {}
        until = entry.created_at + timedelta(minutes=poll.get("minutes", 0))
        late = max(timedelta(0), self.now() - until)
        frozen = attrs.evolve(entry, created_at=entry.created_at + late, counts={})
        return [
            (label, self.growth(frozen, **{f"option {at}": 30})[f"option {at}"])
            for at, label in enumerate(poll.get("options", ()))
        ]

    # users ---------------------------------------------------------------------------------------

    def user_json(self, person: XUser, ask: Ask) -> Json:
        """A user with the fields asked for."""
        made: Json = {name: make(self, person) for name, make in _USER_FIELDS.items() if name in ask.user}
        kept = {name: value for name, value in made.items() if value is not None}
        return {"id": person.id, "name": person.name, "username": person.username, **kept}

    def user_metrics(self, person: XUser) -> Json:
        """``public_metrics`` of a user; followers grow with the clock."""
        start = Entry(person.id, person.username, "", person.created_at)
        own = [entry for entry in self.entries.values() if entry.account == person.username]
        live = [entry for entry in own if entry.deleted_at is None]
        return {
            "followers_count": 100 + self.growth(start, 2_592_000.0, followers=5000)["followers"],
            "following_count": 25,
            "tweet_count": len(live),
            "listed_count": 3,
            "like_count": 0,
            "media_count": sum(len(entry.media) for entry in live),
        }


def _references(post: XPost) -> Json:
    made = {"retweeted": post.repost_of, "quoted": post.quote, "replied_to": post.reply_to}
    return {kind: post_id for kind, post_id in made.items() if post_id}


def _edit_controls(box: Views, post: XPost) -> Json:
    ends = post.extras.get("first_at", post.created_at) + EDIT_FOR
    plain = post.poll is None and box.reply_author(post) in (None, box.people[post.account].id)
    return {
        "edits_remaining": max(0, EDITS - len(post.history) + 1),
        "is_edit_eligible": plain and post.repost_of is None and box.people[post.account].premium,
        "editable_until": stamp(ends),
    }


def _attachments(box: Views, post: XPost) -> Json:
    made = {"media_keys": [medium["key"] for medium in post.media]}
    polls = {"poll_ids": [post.poll["id"]]} if post.poll is not None else {}
    return {name: value for name, value in {**made, **polls}.items() if value}


_POST_FIELDS: dict[str, Callable[[Views, XPost], Any]] = {
    "id": lambda box, post: post.id,
    "text": lambda box, post: post.shown.text,
    "edit_history_tweet_ids": lambda box, post: list(post.history),
    "article": lambda box, post: (
        {"title": post.given["article"]["title"]} if "article" in post.given else None
    ),
    "attachments": _attachments,
    "author_id": lambda box, post: box.people[post.account].id,
    "community_id": lambda box, post: post.given.get("community_id"),
    "card_uri": lambda box, post: post.given.get("card_uri"),
    "conversation_id": lambda box, post: post.conversation,
    "created_at": lambda box, post: stamp(post.created_at),
    "display_text_range": lambda box, post: [post.shown.start, post.shown.end],
    "edit_controls": _edit_controls,
    "entities": lambda box, post: post.shown.entities,
    "in_reply_to_user_id": lambda box, post: box.reply_author(post),
    "lang": lambda box, post: "en" if post.text.strip() else "zxx",
    "note_tweet": lambda box, post: post.note and _note(post.note),
    "paid_partnership": lambda box, post: post.given.get("paid_partnership"),
    "possibly_sensitive": lambda box, post: any(medium["sensitive"] for medium in post.media),
    "public_metrics": lambda box, post: box.public_metrics(post),
    "referenced_tweets": lambda box, post: [
        {"type": kind, "id": post_id} for kind, post_id in _references(post).items()
    ],
    "reply_settings": lambda box, post: post.reply_settings,
    "source": lambda box, post: post.app,
}

_USER_FIELDS: dict[str, Callable[[Views, XUser], Any]] = {
    "created_at": lambda box, person: stamp(person.created_at),
    "description": lambda box, person: "",
    "profile_image_url": lambda box, person: "https://abs.twimg.com/sticky/default_profile_normal.png",
    "protected": lambda box, person: False,
    "public_metrics": lambda box, person: box.user_metrics(person),
    "subscription_type": lambda box, person: person.subscription,
    "verified": lambda box, person: person.verified_type != "none",
    "verified_type": lambda box, person: person.verified_type,
    "most_recent_tweet_id": lambda box, person: next(
        (entry.id for entry in box.listed(person.username)), None
    ),
}


def _note(note: Text) -> Json:
    return {"text": note.text, **({"entities": note.entities} if note.entities else {})}


def _link(url: str, short: str) -> Json:
    full = url if "://" in url else f"http://{url}"
    return {"url": short, "expanded_url": full, "display_url": _display(full), "status": 200}


def _display(url: str) -> str:
    parts = urlsplit(url)
    shown = f"{parts.netloc.removeprefix('www.')}{parts.path}{'?' if parts.query else ''}{parts.query}"
    return shown if len(shown) <= 27 else f"{shown[:26]}…"


def playbacks(views: int) -> Json:
    """How far videos were played, from how often they were started."""
    shares = {"0": 1.0, "25": 0.7, "50": 0.5, "75": 0.38, "100": 0.3}
    return {f"playback_{share}_count": int(views * part) for share, part in shares.items()}


def _unauthorized(post_id: str, field: str) -> Json:
    detail = f"Sorry, you are not authorized to access '{field}' on the Tweet with ids : [{post_id}]."
    return {
        "resource_type": "tweet",
        "resource_id": post_id,
        "parameter": "tweet.fields",
        "value": field,
        "field": field,
        "section": "data",
        "title": "Field Authorization Error",
        "detail": detail,
        "type": f"{PROBLEMS}/not-authorized-for-field",
    }


def not_found(what: str, value: str, parameter: str) -> Json:
    """An item of ``errors`` for something that is gone, or never was."""
    return {
        "resource_type": what,
        "resource_id": value,
        "parameter": parameter,
        "value": value,
        "title": "Not Found Error",
        "detail": f"Could not find {what} with {parameter}: [{value}].",
        "type": f"{PROBLEMS}/resource-not-found",
    }
