"""The AppView of the Bluesky sandbox: posts with their counts, profiles, feeds, threads, search, notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .bluesky_accounts import Json, Person, Row, stamp
from .bluesky_records import obj, text
from .bluesky_repo import FeedPost, Repo, Stored, part, parts, quoted
from .core import Entry

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["AppView"]

T = TypeVar("T")
LIKE, REPOST, FOLLOW = "app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.graph.follow"
LISTED = "app.bsky.graph.listitem"
_EMBED = "app.bsky.embed."
_DEFS = "app.bsky.feed.defs#"


class AppView(Repo):
    """What is public, as seen by everybody or by the account that asks."""

    peaks: ClassVar[dict[str, int]] = {"likes": 60, "reposts": 15, "bookmarks": 8}

    def app_table(self) -> list[Row]:
        """The calls of this file."""
        feed, actor, notification = "app.bsky.feed.", "app.bsky.actor.", "app.bsky.notification."
        return [
            ("GET", f"{feed}getPosts", "app", self.get_posts),
            ("GET", f"{feed}getPostThread", "app", self.get_post_thread),
            ("GET", f"{feed}getAuthorFeed", "app", self.get_author_feed),
            ("GET", f"{feed}getTimeline", "app", self.get_timeline),
            ("GET", f"{feed}getLikes", "app", self.get_likes),
            ("GET", f"{feed}getRepostedBy", "app", self.get_reposted_by),
            ("GET", f"{feed}getQuotes", "app", self.get_quotes),
            ("GET", f"{feed}searchPosts", "app", self.search_posts),
            ("GET", f"{actor}getProfile", "app", self.get_profile),
            ("GET", f"{actor}getProfiles", "app", self.get_profiles),
            ("GET", f"{notification}listNotifications", "app", self.list_notifications),
            ("GET", f"{notification}getUnreadCount", "app", self.get_unread_count),
            ("POST", f"{notification}updateSeen", "app", self.update_seen),
        ]

    # counts --------------------------------------------------------------------------------------

    def counts(self, post: FeedPost) -> Json:
        """``likeCount`` and its siblings: what requests did, and what grows with age."""
        grown = self.growth(post, **self.peaks)
        others = [one for one in self.posts() if one is not post]
        return {
            "replyCount": sum(one.reply_to == post.uri for one in others),
            "repostCount": grown["reposts"] + len(self.about(REPOST, post.uri)),
            "likeCount": grown["likes"] + len(self.about(LIKE, post.uri)),
            "quoteCount": sum(one.quote == post.uri for one in others),
            "bookmarkCount": grown["bookmarks"],
        }

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        assert isinstance(entry, FeedPost)
        counts = self.counts(entry)
        words = {
            "replyCount": "replies",
            "repostCount": "reposts",
            "likeCount": "likes",
            "quoteCount": "quotes",
        }
        return {word: counts[name] for name, word in words.items()}

    def shown_notes(self, entry: Entry) -> Sequence[str]:
        assert isinstance(entry, FeedPost)
        notes = ["who may reply is limited"] * ("app.bsky.feed.threadgate" in entry.gates)
        return notes + ["nobody may quote"] * ("app.bsky.feed.postgate" in entry.gates)

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        assert isinstance(entry, FeedPost)
        embed = part(entry.record, "embed")
        card = part(part(embed, "media") or embed, "external")
        told = (card.get("uri"), card.get("title"), card.get("description"))
        return (str(told[0]), str(told[1] or told[0]), str(told[2] or "")) if card else None

    def entry_id(self, reference: str) -> str:
        return reference.rpartition("/")[2]

    # views ---------------------------------------------------------------------------------------

    def profile_basic(self, person: Person, viewer: Person | None) -> Json:
        """``profileViewBasic``."""
        profile = self.at(f"at://{person.did}/app.bsky.actor.profile/self")
        name = profile[1].get("displayName") if profile else None
        view: Json = {
            "did": person.did,
            "handle": person.handle,
            "displayName": name or self.display_name(person.handle),
            "labels": [],
            "createdAt": stamp(person.created_at),
        }
        if viewer is not None:
            follows = [one for one in self.stored(FOLLOW) if one.did == viewer.did]
            mine = [one.uri for one in follows if one.record.get("subject") == person.did]
            view["viewer"] = {"muted": False, "blockedBy": False, **({"following": mine[0]} if mine else {})}
        return view

    def profile(self, person: Person, viewer: Person | None) -> Json:
        """``profileView``."""
        profile = self.at(f"at://{person.did}/app.bsky.actor.profile/self")
        about = str(profile[1].get("description", "")) if profile else ""
        more = {"description": about, "indexedAt": stamp(person.created_at)}
        return {**self.profile_basic(person, viewer), **more}

    def profile_detailed(self, person: Person, viewer: Person | None) -> Json:
        """``profileViewDetailed``: followers grow with the account's age."""
        start = Entry(person.did, person.handle, "", person.created_at)
        follows = self.stored(FOLLOW)
        followers = 120 + self.growth(start, 2_592_000.0, followers=800)["followers"]
        return {
            **self.profile(person, viewer),
            "followersCount": followers + sum(one.record.get("subject") == person.did for one in follows),
            "followsCount": sum(one.did == person.did for one in follows),
            "postsCount": sum(one.did == person.did for one in self.posts()),
        }

    def post_view(self, post: FeedPost, viewer: Person | None) -> Json:
        """``postView``; the record is the one first seen, whatever was put over it."""
        cid, record = post.indexed
        view = {
            "uri": post.uri,
            "cid": cid,
            "author": self.profile_basic(self.people[post.did], viewer),
            "record": record,
            **self.counts(post),
            "indexedAt": self._indexed_at(post),
            "labels": self._labels(post),
        }
        embed = self.embed_view(post.did, part(record, "embed"), viewer)
        gate = self._gate(post)
        return {
            **view,
            **({"embed": embed} if embed else {}),
            **({"threadgate": gate} if gate else {}),
            **({"viewer": self._viewer_state(post, viewer)} if viewer else {}),
        }

    def _indexed_at(self, post: FeedPost) -> str:
        return stamp(post.visible_at or post.created_at)

    def _labels(self, post: FeedPost) -> list[Json]:
        values = parts(part(post.indexed[1], "labels"), "values")
        about = {"src": post.did, "uri": post.uri, "cid": post.indexed[0], "cts": stamp(post.created_at)}
        return [{**about, "val": str(one.get("val"))} for one in values]

    def _gate(self, post: FeedPost) -> Json | None:
        uri = f"at://{post.did}/app.bsky.feed.threadgate/{post.uri.rpartition('/')[2]}"
        found = self.at(uri)
        return {"uri": uri, "cid": found[0], "record": found[1], "lists": []} if found else None

    def _viewer_state(self, post: FeedPost, viewer: Person) -> Json:
        state: Json = {"bookmarked": False, "embeddingDisabled": not self._quotable(post)}
        state |= {} if self._may_reply(post, viewer) else {"replyDisabled": True}
        for name, collection in (("like", LIKE), ("repost", REPOST)):
            mine = [one.uri for one in self.about(collection, post.uri) if one.did == viewer.did]
            state |= {name: mine[-1]} if mine else {}
        return state

    def _may_reply(self, post: FeedPost, viewer: Person) -> bool:
        """Whether the gate of the thread's first post lets the viewer in; who started the thread may always."""
        first = part(part(post.indexed[1], "reply"), "root").get("uri")
        root = (self.post(str(first)) if first else post) or post
        gate = self._gate(root)
        if gate is None or "allow" not in gate["record"] or root.did == viewer.did:
            return True
        return any(self._lets_in(rule, root, viewer) for rule in parts(gate["record"], "allow"))

    def _lets_in(self, rule: Json, root: FeedPost, viewer: Person) -> bool:
        kind = str(rule.get("$type")).rpartition("#")[2]
        if kind == "mentionRule":
            features = (one for facet in parts(root.indexed[1], "facets") for one in parts(facet, "features"))
            return any(one.get("did") == viewer.did for one in features)
        if kind == "listRule":
            rows = (one.record for one in self.stored(LISTED) if one.did == root.did)
            wanted = (rule.get("list"), viewer.did)
            return any((one.get("list"), one.get("subject")) == wanted for one in rows)
        pairs = {"followerRule": (viewer.did, root.did), "followingRule": (root.did, viewer.did)}
        return any((one.did, one.record.get("subject")) == pairs.get(kind) for one in self.stored(FOLLOW))

    def _quotable(self, post: FeedPost) -> bool:
        found = self.at(f"at://{post.did}/app.bsky.feed.postgate/{post.uri.rpartition('/')[2]}")
        rules = parts(found[1], "embeddingRules") if found else []
        return not any(rule.get("$type") == "app.bsky.feed.postgate#disableRule" for rule in rules)

    def embed_view(self, did: str, embed: Json, viewer: Person | None) -> Json | None:
        """How an embed is shown; None for a kind it does not know."""
        kind = str(embed.get("$type", "")).removeprefix(_EMBED)
        makers: dict[str, Callable[[], Json]] = {
            "images": lambda: {"images": [self._image_view(one, "thumb") for one in parts(embed, "images")]},
            "gallery": lambda: {"items": [self._gallery_view(one) for one in parts(embed, "items")]},
            "video": lambda: self._video_view(did, embed),
            "external": lambda: {"external": self._card_view(part(embed, "external"))},
            "record": lambda: {"record": self._quote_view(quoted(embed) or "", viewer)},
            "recordWithMedia": lambda: {
                "record": {"record": self._quote_view(quoted(embed) or "", viewer)},
                "media": self.embed_view(did, part(embed, "media"), viewer),
            },
        }
        return {"$type": f"{_EMBED}{kind}#view", **makers[kind]()} if kind in makers else None

    def _blob_url(self, blob: Any) -> str:
        return self.media_url(str(part(blob, "ref").get("$link")))

    def _image_view(self, item: Json, small: str) -> Json:
        url = self._blob_url(item.get("image"))
        ratio = {"aspectRatio": item["aspectRatio"]} if "aspectRatio" in item else {}
        return {small: url, "fullsize": url, "alt": item.get("alt", ""), **ratio}

    def _gallery_view(self, item: Json) -> Json:
        return {"$type": f"{_EMBED}gallery#viewImage", **self._image_view(item, "thumbnail")}

    def _video_view(self, did: str, embed: Json) -> Json:
        cid = str(part(part(embed, "video"), "ref").get("$link"))
        base = f"https://video.bsky.app/watch/{did.replace(':', '%3A')}/{cid}"
        kept: Json = {name: embed[name] for name in ("alt", "aspectRatio", "presentation") if name in embed}
        return {"cid": cid, "playlist": f"{base}/playlist.m3u8", "thumbnail": f"{base}/thumbnail.jpg", **kept}

    def _card_view(self, external: Json) -> Json:
        view = {name: str(external.get(name, "")) for name in ("uri", "title", "description")}
        return {**view, "thumb": self._blob_url(external["thumb"])} if "thumb" in external else view

    def _quote_view(self, uri: str, viewer: Person | None) -> Json:
        post = self.indexed_post(uri)
        if post is None:
            return {"$type": f"{_EMBED}record#viewNotFound", "uri": uri, "notFound": True}
        inner = self.embed_view(post.did, _media_of(part(post.indexed[1], "embed")), viewer)
        return {
            "$type": f"{_EMBED}record#viewRecord",
            "uri": post.uri,
            "cid": post.indexed[0],
            "author": self.profile_basic(self.people[post.did], viewer),
            "value": post.indexed[1],
            "labels": self._labels(post),
            "embeds": [inner] if inner else [],
            **{name: count for name, count in self.counts(post).items() if name != "bookmarkCount"},
            "indexedAt": self._indexed_at(post),
        }

    def indexed_post(self, uri: str) -> FeedPost | None:
        """The post at that address if the AppView knows it by now."""
        post = self.post(uri)
        return post if post is not None and (post.visible_at or post.created_at) <= self.now() else None

    # posts and people ----------------------------------------------------------------------------

    def _many(self, request: Request, name: str) -> list[str]:
        values = request.query_params.getlist(name)
        if not values:
            raise self.bad_query(request, f'Missing required key "{name}"')
        if len(values) > 25:
            raise self.bad_query(request, f"array too big (maximum 25, got {len(values)})")
        return values

    def get_posts(self, request: Request) -> Response:
        """``getPosts``: what is not there is left out."""
        from starlette.responses import JSONResponse

        viewer, uris = self.viewer(request), self._many(request, "uris")
        found = (self.indexed_post(uri) for uri in dict.fromkeys(uris))
        return JSONResponse({"posts": [self.post_view(post, viewer) for post in found if post]})

    def _wanted_post(self, request: Request) -> FeedPost:
        uri = self.asked(request, "uri")
        post = self.indexed_post(uri)
        if post is None:
            raise self.refuse(f"Post not found: {uri}", "NotFound")
        return post

    def _actor(self, request: Request) -> Person:
        person = self.person(self.asked(request, "actor"))
        if person is None:
            raise self.refuse("Profile not found")
        return person

    def get_profile(self, request: Request) -> Response:
        """``getProfile``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request)
        return JSONResponse(self.profile_detailed(self._actor(request), viewer))

    def get_profiles(self, request: Request) -> Response:
        """``getProfiles``."""
        from starlette.responses import JSONResponse

        viewer, names = self.viewer(request), self._many(request, "actors")
        people = filter(None, (self.person(name) for name in names))
        return JSONResponse({"profiles": [self.profile_detailed(one, viewer) for one in people]})

    # lists ---------------------------------------------------------------------------------------

    def page(
        self, request: Request, name: str, rows: Iterable[T], show: Callable[[T], Json], default: int = 50
    ) -> Json:
        """One page of ``rows`` under ``name``, and the cursor to the next; cursors count rows."""
        limit = self.number(request, "limit", default, 1, 100)
        start = request.query_params.get("cursor") or "0"
        if not start.isdecimal():
            raise self.refuse("Malformed cursor")
        every = list(rows)
        end = int(start) + limit
        shown = [show(row) for row in every[int(start) : end]]
        return {name: shown, **({"cursor": str(end)} if end < len(every) else {})}

    def get_author_feed(self, request: Request) -> Response:
        """``getAuthorFeed``, newest first."""
        from starlette.responses import JSONResponse

        viewer, person = self.viewer(request), self._actor(request)
        wanted = _FILTERS.get(request.query_params.get("filter", ""))
        mine = [post for post in self.posts() if post.did == person.did and (not wanted or wanted(post))]
        return JSONResponse(self.page(request, "feed", mine, lambda post: self._feed_view(post, viewer)))

    def get_timeline(self, request: Request) -> Response:
        """``getTimeline``: everybody's posts, newest first."""
        from starlette.responses import JSONResponse

        viewer = self.user(request)
        return JSONResponse(
            self.page(request, "feed", self.posts(), lambda one: self._feed_view(one, viewer))
        )

    def _feed_view(self, post: FeedPost, viewer: Person | None) -> Json:
        view: Json = {"post": self.post_view(post, viewer)}
        reply = part(post.indexed[1], "reply")
        if reply:
            uris = {name: str(part(reply, name).get("uri")) for name in ("root", "parent")}
            view["reply"] = {name: self._post_or_not(uri, viewer) for name, uri in uris.items()}
        return view

    def _post_or_not(self, uri: str, viewer: Person | None) -> Json:
        post = self.indexed_post(uri)
        if post is None:
            return {"$type": f"{_DEFS}notFoundPost", "uri": uri, "notFound": True}
        return {"$type": f"{_DEFS}postView", **self.post_view(post, viewer)}

    def get_post_thread(self, request: Request) -> Response:
        """``getPostThread``: the post, those above it and those below it."""
        from starlette.responses import JSONResponse

        viewer, post = self.viewer(request), self._wanted_post(request)
        depth = self.number(request, "depth", 6, 0, 1000)
        height = self.number(request, "parentHeight", 80, 0, 1000)
        view = self._below(post, viewer, depth)
        if post.reply_to and height:
            view["parent"] = self._above(post.reply_to, viewer, height - 1)
        gate = self._gate(post)
        return JSONResponse({"thread": view, **({"threadgate": gate} if gate else {})})

    def _below(self, post: FeedPost, viewer: Person | None, depth: int) -> Json:
        view: Json = {"$type": f"{_DEFS}threadViewPost", "post": self.post_view(post, viewer)}
        if depth:
            replies = [one for one in reversed(self.posts()) if one.reply_to == post.uri]
            view["replies"] = [self._below(one, viewer, depth - 1) for one in replies]
        return view

    def _above(self, uri: str, viewer: Person | None, height: int) -> Json:
        post = self.indexed_post(uri)
        if post is None:
            return {"$type": f"{_DEFS}notFoundPost", "uri": uri, "notFound": True}
        view: Json = {"$type": f"{_DEFS}threadViewPost", "post": self.post_view(post, viewer)}
        if post.reply_to and height:
            view["parent"] = self._above(post.reply_to, viewer, height - 1)
        return view

    def get_likes(self, request: Request) -> Response:
        """``getLikes``: those who can be named; the count is higher."""
        from starlette.responses import JSONResponse

        viewer, uri = self.viewer(request), self.asked(request, "uri")

        def show(like: Stored) -> Json:
            actor = self.profile(self.people[like.did], viewer)
            created = like.record.get("createdAt", stamp(like.at))
            return {"actor": actor, "createdAt": created, "indexedAt": stamp(like.at)}

        rows = reversed(self.about(LIKE, uri))
        return JSONResponse({"uri": uri, **self.page(request, "likes", rows, show)})

    def get_reposted_by(self, request: Request) -> Response:
        """``getRepostedBy``."""
        from starlette.responses import JSONResponse

        viewer, uri = self.viewer(request), self.asked(request, "uri")
        rows = reversed(self.about(REPOST, uri))
        shown = self.page(request, "repostedBy", rows, lambda one: self.profile(self.people[one.did], viewer))
        return JSONResponse({"uri": uri, **shown})

    def get_quotes(self, request: Request) -> Response:
        """``getQuotes``."""
        from starlette.responses import JSONResponse

        viewer, uri = self.viewer(request), self.asked(request, "uri")
        rows = [post for post in self.posts() if post.quote == uri]
        return JSONResponse(
            {"uri": uri, **self.page(request, "posts", rows, lambda one: self.post_view(one, viewer))}
        )

    def search_posts(self, request: Request) -> Response:
        """``searchPosts``: words, and a tag, an author or a language; refused to those who do not sign in."""
        from starlette.responses import JSONResponse

        if "authorization" not in request.headers and self.role != "pds":
            raise self.refuse("Forbidden", status=403)
        viewer, words = self.user(request), self.asked(request, "q").lower().split()
        asked = request.query_params
        author = self.person(asked["author"]) if "author" in asked else None

        def fits(post: FeedPost) -> bool:
            words_in, record = post.text.lower(), post.indexed[1]
            tags = asked.getlist("tag")
            return (
                all(word in words_in for word in words if word != "*")
                and ("author" not in asked or (author is not None and author.did == post.did))
                and ("lang" not in asked or asked["lang"] in (record.get("langs") or []))
                and all(f"#{tag.lower()}" in words_in or tag in (record.get("tags") or []) for tag in tags)
            )

        rows = [post for post in self.posts() if fits(post)]
        shown = self.page(request, "posts", rows, lambda one: self.post_view(one, viewer), default=25)
        return JSONResponse({**shown, "hitsTotal": len(rows)})

    # notifications -------------------------------------------------------------------------------

    def _notices(self, me: Person) -> list[tuple[datetime, str, str | None, str, str, Json, str]]:
        """(when, reason, subject, address, CID, record, author) of what concerns the account, newest first."""
        found = []
        for post in self.posts():
            reason = self._reason(post, me)
            if reason and post.did != me.did:
                subject = post.reply_to if reason == "reply" else post.quote if reason == "quote" else None
                at = post.visible_at or post.created_at
                found.append((at, reason, subject, post.uri, *post.indexed, post.did))
        for one in self.records.values():
            reason = {LIKE: "like", REPOST: "repost", FOLLOW: "follow"}.get(one.collection, "")
            subject = part(one.record, "subject").get("uri")
            mine = one.record.get("subject") == me.did or str(subject).startswith(f"at://{me.did}/")
            if reason and mine and one.did != me.did:
                found.append((one.at, reason, subject, one.uri, one.cid, one.record, one.did))
        return sorted(found, key=lambda row: row[0], reverse=True)

    def _reason(self, post: FeedPost, me: Person) -> str:
        own = f"at://{me.did}/"
        if (post.reply_to or "").startswith(own):
            return "reply"
        if (post.quote or "").startswith(own):
            return "quote"
        features = [one for facet in parts(post.indexed[1], "facets") for one in parts(facet, "features")]
        return "mention" if any(one.get("did") == me.did for one in features) else ""

    def list_notifications(self, request: Request) -> Response:
        """``listNotifications``, newest first; ``reasons`` narrows it."""
        from starlette.responses import JSONResponse

        me, reasons = self.user(request), request.query_params.getlist("reasons")
        rows = [row for row in self._notices(me) if not reasons or row[1] in reasons]

        def show(row: tuple[datetime, str, str | None, str, str, Json, str]) -> Json:
            at, reason, subject, uri, cid, record, did = row
            notice = {
                "uri": uri,
                "cid": cid,
                "author": self.profile(self.people[did], me),
                "reason": reason,
                "record": record,
                "isRead": me.seen_at is not None and at <= me.seen_at,
                "indexedAt": stamp(at),
                "labels": [],
            }
            return {**notice, "reasonSubject": subject} if subject else notice

        shown = self.page(request, "notifications", rows, show)
        seen = {"seenAt": stamp(me.seen_at)} if me.seen_at else {}
        return JSONResponse({**shown, "priority": False, **seen})

    def get_unread_count(self, request: Request) -> Response:
        """``getUnreadCount``."""
        from starlette.responses import JSONResponse

        me = self.user(request)
        fresh = [row for row in self._notices(me) if me.seen_at is None or row[0] > me.seen_at]
        return JSONResponse({"count": len(fresh)})

    def update_seen(self, request: Request) -> Response:
        """``updateSeen``."""
        from starlette.responses import Response

        me = self.user(request)
        given = self.given(request, obj("seenAt", seenAt=text("datetime")))
        me.seen_at = datetime.fromisoformat(given["seenAt"]).astimezone(UTC)
        return Response(status_code=200)


def _media_of(embed: Json) -> Json:
    """The part of an embed that is shown inside a quote of the post: no quote of a quote."""
    kind = embed.get("$type")
    if kind == f"{_EMBED}recordWithMedia":
        return part(embed, "media")
    return {} if kind == f"{_EMBED}record" else embed


def _holds(*kinds: str) -> Callable[[FeedPost], bool]:
    names = {f"{_EMBED}{kind}" for kind in kinds}
    return lambda post: _media_of(part(post.indexed[1], "embed")).get("$type") in names


_FILTERS: dict[str, Callable[[FeedPost], bool]] = {
    "posts_no_replies": lambda post: not post.reply_to,
    "posts_and_author_threads": lambda post: (
        not post.reply_to or post.reply_to.startswith(f"at://{post.did}/")
    ),
    "posts_with_media": _holds("images", "gallery", "video"),
    "posts_with_video": _holds("video"),
}
