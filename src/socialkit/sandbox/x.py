"""The X API v2 as it answers in late 2026: posts, media, timelines, metrics, limits, prices.

Facts: X's API description 2.167, its documentation of August 2026, and answers people recorded. What only a
paying plan refuses hangs on ``box.x.access``; money on ``box.x.credits``.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs

from . import x_schema as schema
from .core import Answer, Entry
from .x_auth import Table, XUser
from .x_reads import Reads
from .x_views import EDIT_FOR, EDITS, XPost

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["XBox"]

Json = dict[str, Any]
_EPOCH_MS = 1_288_834_974_657
_LONG, _SHORT = 25_000, 280
_WRITE = ("tweet.read", "tweet.write", "users.read")
_EXCLUSIVE = ("media", "poll", "quote_tweet_id", "card_uri", "direct_message_deep_link")
_MISSING_PARENT = "You attempted to reply to a Tweet that is deleted or not visible to you."


class XBox(Reads):
    """X with three accounts, ``brand`` (whose tokens :meth:`credentials` gives), ``reader`` and ``other``.

    ``access`` is "self-serve" or "enterprise", ``credits`` the balance in USD, ``charges`` the bill.
    ``duplicate_seconds`` is how long a text may not be posted again, ``access_seconds`` how long an access
    token lives. ``people["brand"].subscription = "Premium"`` opens long posts and edits. ``posts_per_day`` is the
    account's own cap. For ``replies_after`` seconds a new post cannot be replied to; the next ``false_refusals`` posts
    are made and denied all the same, as X was seen to do.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["x"]) as box:
    ...     print(box.x.access, box.x.credits, box.x.people["brand"].id)
    self-serve 10000 1500000000000000001
    """

    platform: ClassVar[str] = "x"
    title: ClassVar[str] = "X"
    hosts = ("api.x.com", "api.twitter.com", "x.com")
    publish_match: ClassVar[str] = "POST /2/tweets"
    upload_match: ClassVar[str] = "POST /2/media/upload(/[0-9]+/finalize)?"
    duplicate_seconds: float = 86_400.0
    posts_per_day: int = 2400
    replies_after: float = 0.0
    false_refusals: int = 0

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.versions: dict[str, XPost] = {}
        self.articles: dict[str, Json] = {}
        self._last_id = 0
        self.start_uploads()
        for name in ("brand", "reader", "other"):
            self.add_person(name)

    # the core's questions ------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        table: Table = [
            ("POST", "/2/tweets", self.create),
            ("POST", "/2/articles/draft", self.draft_article),
            ("POST", "/2/articles/{id}/publish", self.publish_article),
            *self.read_table(),
            ("DELETE", "/2/tweets/{id}", self.delete),
            ("PUT", "/2/tweets/{id}/hidden", self.hide),
            ("POST", "/2/users/{id}/retweets", self.repost),
            ("DELETE", "/2/users/{id}/retweets/{source}", self.undo_repost),
            *self.media_table(),
            *self.auth_table(),
        ]
        return [self.route(method, path, handler) for method, path, handler in table]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {
            "server": base_url or f"https://{self.hosts[0]}",
            "token": self.token("brand"),
            "refresh_token": self.refresh_token("brand"),
            "client_id": self.client_id,
        }

    def new_id(self) -> str:
        milliseconds = int(self.now().timestamp() * 1000) - _EPOCH_MS
        self._last_id = max(self._last_id + 1, milliseconds << 22)
        return str(self._last_id)

    def tick(self) -> None:
        self.drop_expired()

    def twin_of(self, entry: Entry) -> Entry:
        twin = cast(XPost, super().twin_of(entry))
        twin.url, twin.history = self.permalink(twin.account, twin.id), [twin.id]
        if twin.reply_to is None:
            twin.conversation = twin.id
        return self.written(twin)

    def find(self, entry_id: str) -> Entry | None:
        """The post with that id, an earlier version of it too; None when there is none or it is deleted."""
        version = self.versions.get(entry_id)
        if version is None:
            return super().find(entry_id)
        return version if super().find(version.history[-1]) is not None else None

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        counts = self.public_metrics(cast(XPost, entry))
        words = {"reply_count": "replies", "retweet_count": "reposts", "like_count": "likes"}
        return {word: counts[name] for name, word in {**words, "impression_count": "views"}.items()}

    def shown_notes(self, entry: Entry) -> list[str]:
        post = cast(XPost, entry)
        notes = {
            "hidden": post.hidden,
            "made with AI": post.given.get("made_with_ai"),
            "paid partnership": post.given.get("paid_partnership"),
            f"replies from: {post.reply_settings}": post.reply_settings != "everyone",
        }
        return [words for words, holds in notes.items() if holds]

    def display_name(self, account: str) -> str:
        return self.people[account].name

    def permalink(self, username: str, post_id: str) -> str:
        """Where people read the post."""
        return f"https://x.com/{username}/status/{post_id}"

    # posting -------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /2/tweets``: a post, a reply, a quote, a poll, or a new version of a post."""
        from starlette.responses import JSONResponse

        me = self.user(request, *_WRITE)
        given = self.checked(request, schema.POST)
        if "media" in given and not self.covers(request, "media.write"):
            raise self.forbidden()
        self._check_whole(given)
        price = self._price(given, me)
        self.need_credits(price)
        self._check_text(str(given.get("text", "")), me)
        post = self._drafted(given, me)
        self._check_duplicate(post)
        self._check_day(me)
        edited = self._edited(given, post, me)
        self.add(self.written(post))
        if edited is not None:
            self.versions[edited.id] = edited
            self.forget(edited)
        self.charge(price, post.id)
        if self.false_refusals:
            self.false_refusals -= 1
            raise self.forbidden()
        data = {"id": post.id, "text": post.shown.text, "edit_history_tweet_ids": list(post.history)}
        return JSONResponse({"data": data}, 201)

    def _check_whole(self, given: Json) -> None:
        """What the fields may not be together."""
        present = [name for name in _EXCLUSIVE if name in given]
        if len(present) > 1:
            raise self.invalid(({}, f"$.{present[1]}: may not be used together with {present[0]}"))
        if not given.get("text", "").strip() and "media" not in given:
            raise self.invalid(({}, "$.text: is required unless there is media"))
        if given.get("nullcast"):
            raise self.forbidden()

    def _price(self, given: Json, me: XUser) -> str:
        from socialkit.text import find_entities

        if any(entity.kind == "url" for entity in find_entities(given.get("text", ""), "x")):
            return "post with a link"
        parent = self.post(given.get("reply", {}).get("in_reply_to_tweet_id", ""))
        if parent is not None and parent.account != me.username and self._summoned(parent, me):
            return "summoned reply"
        return "post"

    def _check_text(self, text: str, me: XUser) -> None:
        from socialkit.text import find_entities, invalid_characters, length

        if invalid_characters(text):
            raise self.invalid(({}, "$.text: holds characters that are not allowed"))
        if length(text, "x") > (_LONG if me.premium else _SHORT):
            raise self.coded(403, 186, "Tweet needs to be a bit shorter.")
        cashtags = sum(entity.kind == "cashtag" for entity in find_entities(text, "x"))
        if cashtags > 1 and self.access == "self-serve":
            raise self.forbidden("A post may have a maximum of one cashtag.")

    def _drafted(self, given: Json, me: XUser) -> XPost:
        """The post, with everything it points to looked up."""
        parent = self._parent(given.get("reply", {}), me)
        quote = self._quoted(given.get("quote_tweet_id"))
        media = self.attach(given.get("media", {}).get("media_ids", []), me)
        if preview := given.get("media", {}).get("preview_media_id"):
            self.attach([preview], me)
        post_id = self.new_id()
        post = XPost(
            id=post_id,
            account=me.username,
            text=given.get("text", ""),
            created_at=self.now(),
            media=[self.shown_medium(medium) for medium in media],
            reply_to=parent.id if parent else None,
            quote=quote.id if quote else None,
            poll=self._poll(given.get("poll")),
            url=self.permalink(me.username, post_id),
            app="Sandbox",
            conversation=parent.conversation if parent else post_id,
            history=[post_id],
            reply_settings=given.get("reply_settings", "everyone"),
            given=given,
        )
        if parent is not None:
            author = self.people[parent.account]
            post.extras["reply_author"] = author.id
            post.lead = self._lead(given, author, me)
        return post

    def _poll(self, given: Json | None) -> Json | None:
        if given is None:
            return None
        return {"id": self.new_id(), "options": given["options"], "minutes": given["duration_minutes"]}

    def _lead(self, given: Json, author: XUser, me: XUser) -> str:
        """The mention X puts before a reply to somebody else; it counts nothing."""
        excluded = author.id in given["reply"].get("exclude_reply_user_ids", ())
        typed = given.get("text", "").lower().startswith(f"@{author.username}".lower())
        return "" if author is me or excluded or typed else f"@{author.username} "

    def _parent(self, reply: Json, me: XUser) -> XPost | None:
        if not reply:
            return None
        parent = self.post(reply["in_reply_to_tweet_id"])
        if parent is None or self.now() - parent.created_at < timedelta(seconds=self.replies_after):
            raise self.coded(403, 385, _MISSING_PARENT)
        if parent.account == me.username:
            return parent
        if parent.reply_settings != "everyone" and not self.mentions(parent, me):
            words = "The original Tweet author restricted who can reply to this Tweet."
            raise self.coded(403, 433, words)
        if self.access == "self-serve" and not self._summoned(parent, me):
            raise self.forbidden()
        return parent

    def _summoned(self, parent: XPost, me: XUser) -> bool:
        """Whether the author of the parent mentioned or quoted the caller."""
        quoted = self.post(parent.quote or "")
        return self.mentions(parent, me) or (quoted is not None and quoted.account == me.username)

    def _quoted(self, post_id: str | None) -> XPost | None:
        if post_id is None:
            return None
        if self.access == "self-serve":
            raise self.forbidden()
        quoted = self.post(post_id)
        if quoted is None:
            raise self.invalid(({"quote_tweet_id": [post_id]}, f"Could not find tweet {post_id}"))
        return quoted

    def _check_duplicate(self, post: XPost) -> None:
        """403 for the same text again; media escape it, and so does the next version of a post."""
        if post.media or "edit_options" in post.given:
            return
        since = self.now() - timedelta(seconds=self.duplicate_seconds)
        wanted = _normal(post.text)
        for entry in reversed(self.entries.values()):
            other = cast(XPost, entry)
            if other.account != post.account or other.deleted_at is not None or other.created_at < since:
                continue
            if not other.media and other.quote == post.quote and _normal(other.text) == wanted:
                raise self.forbidden("You are not allowed to create a Tweet with duplicate content.")

    def _check_day(self, me: XUser) -> None:
        """403 when the account has posted as often as it may in a day."""
        since = self.now() - timedelta(days=1)
        made = sum(one.account == me.username and one.created_at > since for one in self.entries.values())
        if made >= self.posts_per_day:
            raise self.coded(403, 185, "User is over daily status update limit.")

    def _edited(self, given: Json, post: XPost, me: XUser) -> XPost | None:
        """The version this one replaces; it takes over its place in the conversation."""
        if "edit_options" not in given:
            return None
        before = cast("XPost | None", self.entries.get(given["edit_options"]["previous_post_id"]))
        if before is None or before.deleted_at is not None or before.account != me.username:
            raise self.forbidden()
        first = before.extras.get("first_at", before.created_at)
        late = self.now() - first > EDIT_FOR or len(before.history) > EDITS
        fixed = before.poll is not None or self.reply_author(before) not in (None, me.id)
        if not me.premium or late or fixed:
            raise self.forbidden()
        before.history.append(post.id)
        post.history = before.history
        post.reply_to, post.lead = before.reply_to, before.lead
        post.conversation = post.id if before.conversation == before.id else before.conversation
        post.extras |= {**before.extras, "first_at": first}
        post.edited_at = self.now()
        return before

    # articles ------------------------------------------------------------------------------------

    def draft_article(self, request: Request) -> Response:
        """``POST /2/articles/draft``: seen by nobody; of accounts with Premium."""
        from starlette.responses import JSONResponse

        me = self.user(request, *_WRITE)
        given = self.checked(request, schema.ARTICLE)
        if not me.premium:
            raise self.forbidden()
        if (cover := given.get("cover_media")) is not None:
            self.attach([cover["media_id"]], me)
        article = {"id": self.new_id(), "author": me.username, "post": None, **given}
        self.articles[article["id"]] = article
        return JSONResponse({"data": {"id": article["id"], "title": article["title"]}}, 201)

    def publish_article(self, request: Request) -> Response:
        """``POST /2/articles/:id/publish``: a post with a link to the Article; once."""
        from starlette.responses import JSONResponse

        me = self.user(request, *_WRITE)
        article = self.articles.get(request.path_params["id"])
        if article is None or article["author"] != me.username:
            raise Answer(self.problem(404, "Not Found", "resource-not-found", resource_type="article"))
        if article["post"] is not None:
            raise self.forbidden()
        post_id, cover = self.new_id(), article.get("cover_media")
        media = self.attach([cover["media_id"]], me) if cover else []
        post = XPost(post_id, me.username, "", self.now(), app="Sandbox", given={"article": article})
        post.url, post.history, post.conversation = self.permalink(me.username, post_id), [post_id], post_id
        article["cover"] = [self.shown_medium(medium) for medium in media]
        article["post"] = post_id
        self.add(self.written(post))
        return JSONResponse({"data": {"post_id": post_id}})

    # deleting, hiding, reposting -----------------------------------------------------------------

    def delete(self, request: Request) -> Response:
        """``DELETE /2/tweets/:id``: any version removes the whole chain; 200 also when it is gone."""
        from starlette.responses import JSONResponse

        me = self.user(request, *_WRITE)
        post_id = request.path_params["id"]
        if list(schema.problems(post_id, schema.ID)):
            raise self.invalid(
                ({"id": [post_id]}, f"The `id` query parameter value [{post_id}] is not valid")
            )
        self.need_credits("interaction delete")
        post = self.post(post_id)
        if post is not None:
            if post.account != me.username:
                raise self.forbidden()
            self.remove(self.entries[post.history[-1]])
            self.charge("interaction delete", post_id)
        return JSONResponse({"data": {"deleted": True}})

    def hide(self, request: Request) -> Response:
        """``PUT /2/tweets/:id/hidden``: a reply in the caller's own conversation."""
        from starlette.responses import JSONResponse

        me = self.user(request, "tweet.read", "users.read", "tweet.moderate.write")
        given = self.checked(request, schema.HIDE)
        self.need_credits("content manage")
        reply = self.post(request.path_params["id"])
        root = self.entries.get(reply.conversation) if reply is not None else None
        if reply is None or root is None or root is reply or root.account != me.username:
            raise self.forbidden()
        self.change(reply, hidden=given["hidden"])
        self.charge("content manage", reply.id)
        return JSONResponse({"data": {"hidden": reply.hidden}})

    def _me_in_path(self, request: Request) -> XUser:
        me = self.user(request, *_WRITE)
        if request.path_params["id"] != me.id:
            words = f"The `id` query parameter value [{request.path_params['id']}] must be the same as the"
            raise self.invalid(
                ({"id": [request.path_params["id"]]}, f"{words} authenticating user [{me.id}]")
            )
        return me

    def _repost_of(self, me: XUser, post_id: str) -> XPost | None:
        posts = cast("list[XPost]", self.entries.values())
        mine = (post for post in posts if post.account == me.username and post.deleted_at is None)
        return next((post for post in mine if post.repost_of == post_id), None)

    def repost(self, request: Request) -> Response:
        """``POST /2/users/:id/retweets``."""
        from starlette.responses import JSONResponse

        me = self._me_in_path(request)
        given = self.checked(request, schema.REPOST)
        self.need_credits("interaction")
        source = self.post(given["tweet_id"])
        if source is None:
            raise Answer(self.problem(404, "Not Found", "resource-not-found", resource_type="tweet"))
        made = self._repost_of(me, source.id)
        if made is None:
            text, post_id = f"RT @{source.account}: {source.text}", self.new_id()
            made = XPost(post_id, me.username, text, self.now(), repost_of=source.id, app="Sandbox")
            made = attrs.evolve(made, url=self.permalink(me.username, post_id), history=[post_id])
            made.conversation = post_id
            self.add(self.written(made))
            self.charge("interaction", made.id)
        return JSONResponse({"data": {"retweeted": True, "rest_id": made.id}})

    def undo_repost(self, request: Request) -> Response:
        """``DELETE /2/users/:id/retweets/:source``."""
        from starlette.responses import JSONResponse

        me = self._me_in_path(request)
        self.need_credits("interaction delete")
        made = self._repost_of(me, request.path_params["source"])
        if made is not None:
            self.remove(made)
            self.charge("interaction delete", made.id)
        return JSONResponse({"data": {"retweeted": False}})

    # conveniences for tests ----------------------------------------------------------------------

    @property
    def bill(self) -> dict[str, Decimal]:
        """USD by kind of call."""
        words = dict.fromkeys(one.what for one in self.charges)
        return {what: self.spent(what) for what in words}


def _normal(text: str) -> str:
    """The text as the duplicate check compares it."""
    return " ".join(unicodedata.normalize("NFC", text).split())
