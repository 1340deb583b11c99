"""Reddit's Data API as it answers in late 2026: posts, comments, uploads, subreddits with rules, numbers, limits.

Facts: traffic people recorded with PRAW up to 2026, Reddit's open-source server, its API wiki. What a subreddit allows
hangs on ``box.reddit.subreddits``.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn
from urllib.parse import urlsplit

from .core import Answer, Entry, body
from .reddit_auth import Redditor
from .reddit_media import BUCKETS, SOCKETS, Lease, base36
from .reddit_views import Reads, Subreddit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["RedditBox", "Redditor", "Subreddit"]

Json = dict[str, Any]
_FIRST = int("1kh35wk", 36)
_MARKS = {
    "marknsfw": ("sensitive", True),
    "unmarknsfw": ("sensitive", False),
    "spoiler": ("spoiler", True),
    "unspoiler": ("spoiler", False),
}


_INLINE = re.compile(r'!\[(img|gif|video)\]\((\w+)(?: "([^"]*)")?\)')


def _may_link(place: Subreddit, host: str) -> bool:
    """Whether the moderators' list lets a link lead there; which of its codes Reddit uses is not recorded."""

    def listed(name: str) -> bool:
        return any(host == one or host.endswith(f".{one}") for one in place.asks[name])

    policy = place.asks["link_restriction_policy"]
    if policy == "blacklist":
        return not listed("domain_blacklist")
    return policy != "whitelist" or listed("domain_whitelist")


def _as_block(text: str) -> Json:
    found = _INLINE.fullmatch(text.strip())
    if found is None:
        return {"e": "par", "c": [{"e": "text", "t": text}]}
    return {"e": found[1], "id": found[2], "c": found[3] or ""}


def _as_markdown(block: Json) -> str:
    if "id" not in block:
        return "".join(str(one.get("t", "")) for one in block["c"])
    caption = f' "{block["c"]}"' if block["c"] else ""
    return f"![{block['e']}]({block['id']}{caption})"


class RedditBox(Reads):
    """Reddit with the accounts ``brand`` and ``other``, their profiles and the subreddit ``boats``.

    ``add_subreddit(name, asks={...}, flairs=[...], allow_images=False)`` makes more. ``throttle_seconds`` is how long
    an account must wait between posts; ``image_seconds`` and ``video_seconds`` how long media are processed;
    ``banned_domains`` what no link may lead to; ``automoderator`` words that put a post out of sight at once.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["reddit"]) as box:
    ...     print(box.reddit.identity_of("brand"), *box.reddit.subreddits)
    1r4nd u_brand u_other boats
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "reddit"
    title: ClassVar[str] = "Reddit"
    hosts = (
        "oauth.reddit.com",
        "www.reddit.com",
        "old.reddit.com",
        SOCKETS,
        *(f"{bucket}.s3-accelerate.amazonaws.com" for bucket in BUCKETS.values()),
    )
    publish_match: ClassVar[str] = (
        "POST /api/(submit(_gallery_post\\.json|_gallery_post|_poll_post)?|comment)"
    )
    upload_match: ClassVar[str] = "POST /api/submit"
    throttle_seconds: float = 0.0
    image_seconds: float = 2.0
    video_seconds: float = 8.0

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.banned_domains: set[str] = set()
        self.automoderator: set[str] = set()
        self._made = 0
        self._posted_at: dict[str, datetime] = {}

    def routes(self) -> list[BaseRoute]:
        writes = {
            "submit": self.submit,
            "submit_gallery_post": self.submit_gallery,
            "submit_gallery_post.json": self.submit_gallery,
            "submit_poll_post": self.submit_poll,
            "comment": self.comment,
            "convert_rte_body_format": self.convert,
            "editusertext": self.edit_text,
            "del": self.delete,
            "sendreplies": self.send_replies,
            **dict.fromkeys(_MARKS, self.mark),
        }
        posts = [self.route("POST", f"/api/{name}", handler) for name, handler in writes.items()]
        flair = [
            self.route("POST", "/r/{sr}/api/selectflair", self.select_flair),
            self.route("POST", "/r/{sr}/api/flairselector", self.flair_selector),
        ]
        return [*self.sign_in_routes(), *self.media_routes(), *posts, *flair, *self.read_routes()]

    def new_id(self) -> str:
        self._made += 1
        return f"t3_{base36(_FIRST + self._made)}"

    def twin_of(self, entry: Entry) -> Entry:
        twin = super().twin_of(entry)
        twin.id = f"{entry.id[:2]}_{twin.id[3:]}"
        twin.url = self.permalink(twin)
        twin.extras["twin"] = True
        if twin.extras.get("assets"):
            twin.extras["assets"] = [self._other(one) for one in twin.extras["assets"]]
            twin.media = [{**one, "id": self._other(one["id"])} for one in twin.media]
        return twin

    def _other(self, asset_id: str) -> str:
        """Somebody else's upload of the same file has an id of its own."""
        return base36(int(self.digest("twin", asset_id, self._made)[:17], 16))[:13]

    def permalink(self, entry: Entry) -> str:
        """Where people read the post or comment."""
        post = self.entries.get(entry.extras.get("link_id", ""), entry)
        slug = re.sub(r"[^a-z0-9]+", "_", post.title.casefold()).strip("_")[:50]
        end = f"{entry.id[3:]}/" if entry.id.startswith("t1_") else ""
        return f"https://www.reddit.com/r/{entry.extras['sr']}/comments/{post.id[3:]}/{slug}/{end}"

    def shown_notes(self, entry: Entry) -> list[str]:
        place = entry.extras["sr"]
        notes = {
            f"u/{entry.account}" if place.startswith("u_") else f"r/{place}": True,
            "nsfw": entry.extras.get("sensitive"),
            "spoiler": entry.extras.get("spoiler"),
            f"flair: {entry.extras.get('flair_text')}": entry.extras.get("flair_id"),
            "in processing": not self.is_ready(entry),
        }
        return [words for words, holds in notes.items() if holds]

    # how Reddit answers ----------------------------------------------------------------------------

    def refuse(self, code: str, words: str, field: str = "") -> NoReturn:
        """End the request with a refusal inside HTTP 200."""
        from starlette.responses import JSONResponse

        raise Answer(JSONResponse({"json": {"errors": [[code, words, field]]}}))

    def told(self, given: Json, data: Json) -> Response:
        """A good answer; without ``api_type=json`` it is made for a script of 2008."""
        from starlette.responses import JSONResponse

        if given.get("api_type") != "json" and given.get("validate_on_submit") is not True:
            return JSONResponse({"jquery": [[0, 1, "call", ["body"]]], "success": True})
        return JSONResponse({"json": {"errors": [], "data": data}})

    def given_form(self, request: Request) -> Json:
        return dict(body(request).fields)

    # posts -----------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Response:
        """``POST /api/submit``: text, link, picture, video, crosspost."""
        given = self.given_form(request)
        me, place = self._opened(request, given)
        kind = given.get("kind", "")
        makers = {
            "self": self._self,
            "link": self._link,
            "image": self._image,
            "video": self._video,
            "videogif": self._video,
            "crosspost": self._crosspost,
        }
        if kind not in makers:
            self.refuse("INVALID_OPTION", "that option is not valid", "kind")
        entry = makers[kind](given, me, place)
        if kind in ("image", "video", "videogif"):
            return self._processed(entry, given, me)
        self._added(entry, me)
        name = entry.id
        return self.told(given, {"url": entry.url, "drafts_count": 0, "id": name[3:], "name": name})

    def submit_gallery(self, request: Request) -> Response:
        """``POST /api/submit_gallery_post.json``, a JSON body."""
        given = body(request).json()
        me, place = self._opened(request, given)
        self._allowed(
            place, "allow_galleries", "GALLERIES_DISABLED", "Gallery posts aren't allowed in this subreddit"
        )
        items = given.get("items") or []
        if not 2 <= len(items) <= 20:
            self.refuse("INVALID_OPTION", "a gallery has 2 to 20 items", "items")
        media = []
        for item in items:
            if len(item.get("caption") or "") > 180:
                self.refuse("TOO_LONG", "this is too long (max: 180)", "caption")
            lease = self._upload_of(str(item.get("media_id")), me, "image/", "items")
            shown = {"alt": item.get("caption") or "", "outbound_url": item.get("outbound_url") or ""}
            media.append({**self.media[lease.asset_id], **shown})
        entry = self._entry("gallery", given, me, place, assets=[one["id"] for one in media])
        entry.media = media
        return self._told_name(self._added(entry, me), given)

    def submit_poll(self, request: Request) -> Response:
        """``POST /api/submit_poll_post``, a JSON body."""
        given = body(request).json()
        me, place = self._opened(request, given)
        self._allowed(place, "allow_polls", "INVALID_OPTION", "that option is not valid")
        self._text_posts(place)
        options, days = given.get("options") or [], given.get("duration")
        if not 2 <= len(options) <= 6 or any(not str(one).strip() or len(one) > 120 for one in options):
            self.refuse("INVALID_OPTION", "that option is not valid", "options")
        if not isinstance(days, int) or not 1 <= days <= 7:
            self.refuse("INVALID_OPTION", "that option is not valid", "duration")
        ends = (self.now() + timedelta(days=days)).timestamp() * 1000
        entry = self._entry("poll", given, me, place, ends=int(ends))
        entry.poll = {"options": [{"title": one, "votes": 0} for one in options]}
        return self._told_name(self._added(entry, me), given)

    def _told_name(self, entry: Entry, given: Json) -> Response:
        return self.told(given, {"url": entry.url, "id": entry.id})

    def _processed(self, entry: Entry, given: Json, me: Redditor) -> Response:
        """Taken: it appears after its media have been processed, or never; which, and its id, a socket tells alone."""
        ready, fails = self.processing()
        sound = all(self.leases[one].is_sound for one in entry.extras["assets"])
        wait = self.image_seconds if entry.extras["kind"] == "image" else self.video_seconds
        moment = ready + timedelta(seconds=wait)
        words: Json = {"type": "failed", "payload": self.failed_payload}
        if sound and not fails:
            entry.extras["ready_at"] = moment
            self._added(entry, me)
            words = {"type": "success", "payload": {"redirect": entry.url}}
        key = self.serial("socket")[:13]
        self.tellings[key] = (moment, json.dumps(words))
        page = f"https://www.reddit.com/user/{me.name}/submitted/"
        return self.told(given, {"user_submitted_page": page, "websocket_url": self.socket_url(key)})

    def _added(self, entry: Entry, me: Redditor) -> Entry:
        if any(word in entry.text or word in entry.title for word in self.automoderator):
            entry.extras["removed"] = "automod_filtered"
        self.add(entry)
        self._posted_at[me.name] = self.now()
        return entry

    # what every post must be ------------------------------------------------------------------------

    def _opened(self, request: Request, given: Json) -> tuple[Redditor, Subreddit]:
        """Who posts, and where; everything refused that does not depend on the kind."""
        me: Redditor = self.people[self.grant(request, "submit").username]
        place = self._place(given, me)
        title, text = " ".join(str(given.get("title") or "").split()), str(given.get("text") or "")
        if not title:
            self.refuse("NO_TEXT", "we need something here", "title")
        if len(title) > 300:
            self.refuse("TOO_LONG", "this is too long (max: 300)", "title")
        if len(text) > 40_000:
            self.refuse("TOO_LONG", "this is too long (max: 40000)", "text")
        self._check_flair(given, place)
        if str(given.get("validate_on_submit")).lower() == "true":
            self._validate(given, title, text, place)
        self._throttle(me)
        return me, place

    def _place(self, given: Json, me: Redditor) -> Subreddit:
        name = str(given.get("sr") or "")
        if not name:
            self.refuse("SUBREDDIT_REQUIRED", "you must specify a subreddit", "sr")
        place = self.subreddits.get(name.casefold())
        if place is None:
            self.refuse(
                "SUBREDDIT_NOEXIST", "Hmm, that community doesn't exist. Try checking the spelling.", "sr"
            )
        self._check_member(me, place)
        foreign = place.name.startswith("u_") and place.name != f"u_{me.name}"
        closed = place.about["subreddit_type"] in ("private", "restricted") or place.about["restrict_posting"]
        if foreign or (closed and me.name not in place.approved | place.moderators):
            self.refuse("SUBREDDIT_NOTALLOWED", "You aren't allowed to post there.", "sr")
        return place

    def _check_member(self, me: Redditor, place: Subreddit) -> None:
        if me.suspended:
            self.refuse("IN_TIMEOUT", "you are not allowed to do that while your account is suspended")
        if me.name in place.banned:
            self.refuse("BANNED_FROM_SUBREDDIT", "you are banned from that community", "sr")

    def _throttle(self, me: Redditor) -> None:
        """New accounts wait between posts, and are told how long in words."""
        before = self._posted_at.get(me.name)
        left = self.throttle_seconds - (self.now() - before).total_seconds() if before else 0.0
        if left > 0:
            minutes = int(left // 60)
            words = f"{minutes} minutes" if minutes else f"{max(1, int(left))} seconds"
            told = f"Looks like you've been doing that a lot. Take a break for {words} before trying again."
            self.refuse("RATELIMIT", told, "ratelimit")

    def _check_flair(self, given: Json, place: Subreddit) -> None:
        if not (flair := given.get("flair_id")):
            return
        known = next((one for one in place.flairs if one["id"] == flair and not one.get("mod_only")), None)
        if known is None:
            self.refuse("BAD_FLAIR_TEMPLATE_ID", "that flair does not exist", "flair")
        if len(given.get("flair_text") or "") > 64:
            self.refuse("TOO_LONG", "this is too long (max: 64)", "flair_text")
        if given.get("flair_text") and not known["text_editable"]:
            self.refuse("BAD_FLAIR_TEMPLATE_ID", "that flair takes no words of your own", "flair")

    def _validate(self, given: Json, title: str, text: str, place: Subreddit) -> None:
        """The post requirements, refused with HTTP 400."""
        if place.asks["is_flair_required"] and not given.get("flair_id"):
            self._invalid("flair", "FLAIR_REQUIRED", "Your post must contain post flair. ")
        self._validate_words("title", "TITLE", title, place)
        policy = place.asks["body_restriction_policy"]
        if policy == "required" and not text.strip():
            self._invalid("body", "BODY_REQUIRED", "This community requires a body. ")
        if policy == "notAllowed" and text.strip():
            self._invalid("body", "BODY_NOT_ALLOWED", "This community doesn't allow a body. ")
        if text.strip():
            self._validate_words("body", "BODY", text, place)

    def _validate_words(self, field: str, name: str, words: str, place: Subreddit) -> None:
        asks, lower = place.asks, words.casefold()
        for banned in asks[f"{field}_blacklisted_strings"]:
            if banned.casefold() in lower:
                self._invalid(
                    field, f"{name}_BLACKLISTED_STRING", f'You may not have "{banned}" in your {field}. '
                )
        needed = asks[f"{field}_required_strings"]
        if needed and not any(one.casefold() in lower for one in needed):
            self._invalid(
                field, f"{name}_REQUIRED_STRING", f"Your {field} must contain one of: {', '.join(needed)}. "
            )
        least, most = asks[f"{field}_text_min_length"], asks[f"{field}_text_max_length"]
        if least and len(words) < least:
            self._invalid(field, f"{name}_MIN_LENGTH", f"Your {field} must be at least {least} characters. ")
        if most and len(words) > most:
            self._invalid(field, f"{name}_MAX_LENGTH", f"Your {field} may have at most {most} characters. ")
        patterns = asks[f"{field}_regexes"]
        if patterns and not any(re.search(pattern, words) for pattern in patterns):
            self._invalid(
                field, f"{name}_REGEX_REQUIREMENT", f"Your {field} must match the community's pattern. "
            )

    def _invalid(self, field: str, code: str, words: str) -> NoReturn:
        from starlette.responses import JSONResponse

        reason = {"message": "Bad Request", "reason": f"SUBMIT_VALIDATION_{code}"}
        told = {"fields": [field], "explanation": words, "error_type": "SUBMIT_VALIDATION_ERROR", **reason}
        raise Answer(JSONResponse(told, 400))

    # kinds -----------------------------------------------------------------------------------------

    def _entry(self, kind: str, given: Json, me: Redditor, place: Subreddit, **extras: Any) -> Entry:
        def on(name: str, default: str = "false") -> bool:
            return str(given.get(name, default)).lower() == "true"

        flair = next((one for one in place.flairs if one["id"] == given.get("flair_id")), None)
        own = {
            "kind": kind,
            "sr": place.name,
            "sensitive": on("nsfw"),
            "spoiler": on("spoiler"),
            "sendreplies": on("sendreplies", "true"),
            "flair_id": flair and flair["id"],
            "flair_text": flair and (given.get("flair_text") or flair["text"]),
        }
        title = " ".join(str(given["title"]).split())
        text = str(given.get("text") or "").rstrip()
        made = Entry(self.new_id(), me.name, text, self.now(), title=title, extras={**own, **extras})
        made.url = self.permalink(made)
        return made

    def _allowed(self, place: Subreddit, setting: str, code: str, words: str) -> None:
        if not place.about[setting]:
            self.refuse(code, words, "sr")
        if place.about["submission_type"] == "self" and setting != "allow_polls":
            self.refuse("NO_LINKS", "that subreddit only allows text posts", "sr")

    def _text_posts(self, place: Subreddit) -> None:
        if place.about["submission_type"] == "link":
            self.refuse("NO_SELFS", "that subreddit doesn't allow text posts", "sr")

    def _self(self, given: Json, me: Redditor, place: Subreddit) -> Entry:
        self._text_posts(place)
        if not given.get("richtext_json"):
            return self._entry("self", given, me, place)
        blocks = json.loads(given["richtext_json"])["document"]
        leases = [self._upload_of(str(one["id"]), me, "", "richtext_json") for one in blocks if "id" in one]
        text = "\n\n".join(_as_markdown(one) for one in blocks)
        entry = self._entry(
            "self", {**given, "text": text}, me, place, assets=[one.asset_id for one in leases]
        )
        captions = [str(one.get("c", "")) for one in blocks if "id" in one]
        pairs = zip(leases, captions, strict=True)
        entry.media = [{**self.media[one.asset_id], "alt": caption} for one, caption in pairs]
        return entry

    def convert(self, request: Request) -> Response:
        """``POST /api/convert_rte_body_format``: Markdown as the document of the editor, a block per paragraph."""
        from starlette.responses import JSONResponse

        self.grant(request, "submit")
        given = self.given_form(request)
        if given.get("output_mode") != "rtjson":
            raise Answer(self.error(400))
        parts = re.split(r"\n{2,}", str(given.get("markdown_text") or "").strip())
        blocks = [_as_block(one) for one in parts if one]
        return JSONResponse({"output": {"document": blocks}, "assets": []})

    def _link(self, given: Json, me: Redditor, place: Subreddit) -> Entry:
        if place.about["submission_type"] == "self":
            self.refuse("NO_LINKS", "that subreddit only allows text posts", "sr")
        if not (url := str(given.get("url") or "")):
            self.refuse("NO_URL", "a url is required", "url")
        if not (host := urlsplit(url).hostname):
            self.refuse("BAD_URL", "you should check that url", "url")
        if host.removeprefix("www.") in self.banned_domains or not _may_link(place, host):
            self.refuse("DOMAIN_BANNED", f"{host} is not allowed there", "url")
        again = str(given.get("resubmit", "false")).lower() == "true"
        there = (
            one for one in self.entries.values() if one.deleted_at is None and one.extras.get("url") == url
        )
        if not again and any(one.extras["sr"] == place.name for one in there):
            self.refuse("ALREADY_SUB", "that link has already been submitted", "url")
        return self._entry("link", given, me, place, url=url)

    def _upload_of(self, reference: str, me: Redditor, family: str, field: str) -> Lease:
        lease = self.uploaded(me.name, reference, family)
        if lease is None:
            self.refuse("BAD_URL", "you should check that url", field)
        return lease

    def _image(self, given: Json, me: Redditor, place: Subreddit) -> Entry:
        self._allowed(place, "allow_images", "NO_IMAGES", "This community doesn't allow images")
        lease = self._upload_of(str(given.get("url")), me, "image/", "url")
        entry = self._entry("image", given, me, place, assets=[lease.asset_id])
        entry.media = [dict(self.media[lease.asset_id])]
        return entry

    def _video(self, given: Json, me: Redditor, place: Subreddit) -> Entry:
        kind = given["kind"]
        setting = "allow_videos" if kind == "video" else "allow_videogifs"
        self._allowed(place, setting, "NO_VIDEOS", "This community doesn't allow videos")
        lease = self._upload_of(str(given.get("url")), me, "video/", "url")
        self._upload_of(str(given.get("video_poster_url")), me, "image/", "video_poster_url")
        entry = self._entry(kind, given, me, place, assets=[lease.asset_id])
        entry.media = [dict(self.media[lease.asset_id])]
        return entry

    def _crosspost(self, given: Json, me: Redditor, place: Subreddit) -> Entry:
        if place.about["submission_type"] == "self":
            self.refuse("NO_LINKS", "that subreddit only allows text posts", "sr")
        source = self.find(str(given.get("crosspost_fullname")))
        if source is None or not source.id.startswith("t3_") or not source.extras.get("crosspostable", True):
            self.refuse("INVALID_OPTION", "that post can't be crossposted", "crosspost_fullname")
        entry = self._entry("crosspost", {**given, "text": ""}, me, place)
        entry.quote = source.id
        return entry

    # comments, edits, deletions --------------------------------------------------------------------

    def comment(self, request: Request) -> Response:
        """``POST /api/comment``: under a post or another comment."""
        me, given = self.people[self.grant(request, "submit").username], self.given_form(request)
        parent = self.find(str(given.get("thing_id")))
        if parent is None or not self.is_ready(parent):
            kind = "COMMENT" if str(given.get("thing_id")).startswith("t1_") else "LINK"
            self.refuse(f"DELETED_{kind}", "that has been deleted", "parent")
        self._check_member(me, self.subreddits[parent.extras["sr"].casefold()])
        self._check_open(parent)
        text = str(given.get("text") or "")
        self._check_words(text, 10_000)
        self._throttle(me)
        name = f"t1_{self.new_id()[3:]}"
        extras = {
            "kind": "comment",
            "sr": parent.extras["sr"],
            "link_id": parent.extras.get("link_id", parent.id),
        }
        entry = Entry(name, me.name, text.rstrip(), self.now(), reply_to=parent.id, extras=extras)
        entry.url = self.permalink(entry)
        self._added(entry, me)
        return self.told(given, {"things": [self.thing(request, entry)]})

    def _check_open(self, parent: Entry) -> None:
        root = self.entries.get(parent.extras.get("link_id", ""), parent)
        for one in (root, parent):
            if one.extras.get("archived"):
                self.refuse(
                    "TOO_OLD", "that's a piece of history now; it's too late to reply to it", "parent"
                )
            if one.extras.get("locked"):
                self.refuse("THREAD_LOCKED", "Comments are locked.", "parent")

    def _check_words(self, text: str, most: int) -> None:
        if not text.strip():
            self.refuse("NO_TEXT", "we need something here", "text")
        if len(text) > most:
            self.refuse("TOO_LONG", f"this is too long (max: {most})", "text")

    def edit_text(self, request: Request) -> Response:
        """``POST /api/editusertext``: the text of an own text post or comment."""
        me, given = self.grant(request, "edit").username, self.given_form(request)
        entry = self.find(str(given.get("thing_id")))
        if entry is None or entry.account != me or entry.extras["kind"] not in ("self", "poll", "comment"):
            self.refuse("NOT_AUTHOR", "you can't do that", "thing_id")
        text = str(given.get("text") or "")
        if entry.id.startswith("t1_"):
            self._check_words(text, 10_000)
        elif len(text) > 40_000:
            self.refuse("TOO_LONG", "this is too long (max: 40000)", "text")
        elif str(given.get("validate_on_submit")).lower() == "true" and text.strip():
            self._validate_words("body", "BODY", text, self.subreddits[entry.extras["sr"].casefold()])
        self.change(entry, text=text.rstrip(), edited_at=self.now())
        return self.told(given, {"things": [self.thing(request, entry)]})

    def delete(self, request: Request) -> Response:
        """``POST /api/del``: nothing is told, not even that there was nothing."""
        from starlette.responses import JSONResponse

        me, given = self.grant(request, "edit").username, self.given_form(request)
        entry = self.find(str(given.get("id")))
        if entry is not None and entry.account == me:
            self.remove(entry)
        return JSONResponse({})

    def mark(self, request: Request) -> Response:
        """``POST /api/marknsfw`` and its siblings."""
        from starlette.responses import JSONResponse

        me, given = self.grant(request, "edit").username, self.given_form(request)
        name, value = _MARKS[request.url.path.rstrip("/").rpartition("/")[2]]
        entry = self.find(str(given.get("id")))
        if entry is None or entry.account != me:
            raise Answer(self.error(403))
        self.change(entry, extras={**entry.extras, name: value})
        return JSONResponse({})

    def send_replies(self, request: Request) -> Response:
        """``POST /api/sendreplies``: whether the inbox gets the comments."""
        from starlette.responses import JSONResponse

        me, given = self.grant(request, "edit").username, self.given_form(request)
        entry = self.find(str(given.get("id")))
        if entry is None or entry.account != me:
            raise Answer(self.error(403))
        wanted = str(given.get("state", "true")).lower() == "true"
        self.change(entry, extras={**entry.extras, "sendreplies": wanted})
        return JSONResponse({})

    def select_flair(self, request: Request) -> Response:
        """``POST /r/{sr}/api/selectflair``: another flair for an own post there."""
        from starlette.responses import JSONResponse

        me, given, place = (
            self.grant(request, "flair").username,
            self.given_form(request),
            self.place_of(request),
        )
        entry = self.find(str(given.get("link")))
        if entry is None or entry.account != me or entry.extras["sr"] != place.name:
            raise Answer(self.error(403))
        self._check_flair(
            {"flair_id": given.get("flair_template_id"), "flair_text": given.get("text")}, place
        )
        flair = next(one for one in place.flairs if one["id"] == given["flair_template_id"])
        words = {"flair_id": flair["id"], "flair_text": given.get("text") or flair["text"]}
        self.change(entry, extras={**entry.extras, **words})
        return JSONResponse({"json": {"errors": []}})
