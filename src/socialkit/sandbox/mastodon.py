"""The Mastodon API as servers speak it: Mastodon itself, and the software that answers alike but differs.

``box.mastodon.software = "gotosocial"`` changes the server's personality (:data:`~.mastodon_servers.SOFTWARE`
lists them). Facts: the platform's API description 4.7.0 and servers measured in November 2026.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

import attrs

from . import mastodon_views as views
from .core import Allowance, Answer, Entry, Window
from .mastodon_forms import is_true, language_of, number, params, strings
from .mastodon_media import Uploads
from .mastodon_reads import Reads
from .mastodon_servers import SOFTWARE, Software
from .mastodon_views import Json, Person, Tally, Toot

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from socialkit.rules import Unit

    from .core import Sandbox

__all__ = ["MastodonBox"]

_PAGING = frozenset({"max_id", "min_id", "since_id", "page"})
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class MastodonBox(Reads, Uploads):
    """A server with three accounts, ``brand`` (whose token :meth:`credentials` gives), ``reader`` and ``other``.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["mastodon"]) as box:
    ...     box.mastodon.software = "gotosocial"
    ...     print(box.mastodon.kind.max_characters)
    5000
    """

    platform: ClassVar[str] = "mastodon"
    title: ClassVar[str] = "Mastodon"
    publish_match: ClassVar[str] = "POST /api/v1/statuses"
    upload_match: ClassVar[str] = "POST /api/v[12]/media"
    ignores_trailing_slash: ClassVar[bool] = True
    image_bytes = 16_777_216
    video_bytes = 103_809_024

    def __init__(self, box: Sandbox, software: str = "mastodon", domain: str = "mastodon.social") -> None:
        super().__init__(box)
        self.domain = domain
        self.hosts = (domain,)
        self.people: dict[str, Person] = {}
        self.scheduled: dict[str, Json] = {}
        self.notices: list[Json] = []
        self._last_id = 0
        self._tally = Tally(-1)
        self._serials = itertools.count(1)
        self.software = software
        self.start_grants()
        for name in ("brand", "reader", "other"):
            self.add_person(name)

    @property
    def software(self) -> str:
        """The personality's name, a key of ``SOFTWARE``."""
        return self._software

    @software.setter
    def software(self, name: str) -> None:
        if name not in SOFTWARE:
            raise ValueError(f"no server personality {name!r}; there are {', '.join(SOFTWARE)}")
        self._software = name
        self.kind: Software = SOFTWARE[name]
        self.windows = self.kind.windows
        self.access_seconds, self.refresh_seconds = self.kind.access_seconds, self.kind.refresh_seconds
        self.keys.clear()
        self._first = self.key_cache(self.kind.key_seconds)
        for person in self.people.values():
            person.visibility = self.kind.default_visibility

    # the core's questions ------------------------------------------------------------------------

    def routes(self) -> list[BaseRoute]:
        table: list[tuple[str, str, Callable[[Request], Response]]] = [
            ("POST", "/api/v1/statuses", self.create),
            ("PUT", "/api/v1/statuses/{id}", self.edit),
            ("DELETE", "/api/v1/statuses/{id}", self.delete),
            ("PUT", "/api/v1/statuses/{id}/interaction_policy", self.set_policy),
            ("POST", "/api/v1/statuses/{id}/reblog", self.reblog),
            ("POST", "/api/v1/statuses/{id}/unreblog", self.unreblog),
            ("POST", "/api/v1/statuses/{id}/quotes/{quoting}/revoke", self.revoke_quote),
            ("POST", "/api/v1/statuses/{id}/{verb}", self.mark),
            ("GET", "/api/v1/polls/{id}", self.poll),
            ("POST", "/api/v1/polls/{id}/votes", self.vote),
            ("GET", "/api/v1/scheduled_statuses", self.list_scheduled),
            ("GET", "/api/v1/scheduled_statuses/{id}", self.one_scheduled),
            ("PUT", "/api/v1/scheduled_statuses/{id}", self.move_scheduled),
            ("DELETE", "/api/v1/scheduled_statuses/{id}", self.cancel_scheduled),
            *self.media_table(),
            *self.read_table(),
            *self.grant_table(),
        ]
        return [self.route(method, path, self._replaying(handler)) for method, path, handler in table]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {"server": base_url or f"https://{self.domain}", "token": self.token("brand")}

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import HTMLResponse, JSONResponse

        if self.kind.empty and status != 200:
            return HTMLResponse("", status)
        if (self.kind.html and status in (404, 500)) or (status == 500 and self.kind.name == "mastodon"):
            return HTMLResponse(f"<!DOCTYPE html><title>{status}</title><h1>{status}</h1>", status)
        if status == 500 and self.kind.name == "hollo":
            return HTMLResponse("", status)
        known = {404: "Record not found", 500: "Internal Server Error"}
        if status == 422 and code != "file":
            status = self.kind.invalid
        if status == 422 and self.kind.name == "hollo":
            issue = {"code": "custom", "message": message, "path": []}
            return JSONResponse({"error": "Validation failed", "zod_error": {"issues": [issue]}}, status)
        words = message if message and message != "Not found" else known.get(status, message or code)
        return JSONResponse({"error": words}, status)

    def new_id(self) -> str:
        milliseconds = int(self.now().timestamp() * 1000)
        self._last_id = max(self._last_id + 1, milliseconds << 16)
        return _shaped(self._last_id, self.kind.ids)

    def token_expired(self) -> Response:
        return self.error(401, message="The access token is invalid")

    def limit_key(self, window: Window, request: Request) -> str | None:
        token = request.headers.get("authorization")
        if window.per == "paging" and not _PAGING & request.query_params.keys():
            return None
        if window.per == "ip" or token is None:
            return None if window.per == "user" else "127.0.0.1"
        if window.per == "token":
            return token
        grant = self.grants.get(token.removeprefix("Bearer "))
        return (grant.username or token) if grant else token

    def limit_headers(self, allowance: Allowance) -> dict[str, str]:
        if not self.kind.headers:
            return {}
        return {
            "X-RateLimit-Limit": str(allowance.window.limit),
            "X-RateLimit-Remaining": str(allowance.remaining),
            "X-RateLimit-Reset": f"{allowance.reset.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        }

    def tick(self) -> None:
        now = self.now()
        for item in sorted(self.scheduled.values(), key=lambda item: cast(datetime, item["at"])):
            if item["at"] <= now:
                del self.scheduled[item["id"]]
                self._publish_scheduled(item)
        for medium in list(self.media.values()):
            if medium["entry"] is None and now - medium["created_at"] > timedelta(days=1):
                del self.media[medium["id"]]

    def twin_of(self, entry: Entry) -> Entry:
        toot = cast(Toot, super().twin_of(entry))
        return attrs.evolve(
            toot,
            poll=toot.poll and {**toot.poll, "id": self.next_number(), "votes": {}},
            media=[{**medium, "id": self.next_number()} for medium in toot.media],
            favourited_by=set(),
            bookmarked_by=set(),
            muted_by=set(),
            history=[],
        )

    def forget(self, entry: Entry) -> None:
        super().forget(entry)
        for medium in entry.media:
            medium["entry"] = None

    def erase(self, entry: Entry) -> None:
        super().erase(entry)
        for medium in entry.media:
            self.media.pop(medium["id"], None)

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        if cast(Toot, entry).reblog_of is not None:
            return {}
        counts = self.counts(cast(Toot, entry))
        words = {"replies_count": "replies", "reblogs_count": "boosts", "favourites_count": "favourites"}
        return {word: counts[name] for name, word in words.items()}

    def shown_poll(self, entry: Entry) -> list[tuple[str, int]]:
        if entry.poll is None:
            return []
        return list(zip(entry.poll["options"], self.poll_votes(cast(Toot, entry)), strict=True))

    def shown_notes(self, entry: Entry) -> list[str]:
        original = self.toot(cast(Toot, entry).reblog_of or "")
        return [f"boosted @{original.account}: {original.text:.80}…"] if original is not None else []

    def display_name(self, account: str) -> str:
        return self.people[account].display_name

    # state ---------------------------------------------------------------------------------------

    def add_person(self, username: str) -> str:
        """One more account; gives an access token of it with the scopes ``read write profile push``."""
        serial = str(109_000_000_000_000_000 + len(self.people) + 1)
        self.people[username] = Person(
            serial, username, username.capitalize(), self.box.clock.now(), self.kind.default_visibility
        )
        return self.token(username)

    def toot(self, toot_id: str) -> Toot | None:
        """The live status with that id."""
        return cast("Toot | None", self.find(toot_id))

    def toots(self) -> list[Toot]:
        """What lists show, newest first."""
        return cast("list[Toot]", self.listed())

    def followers(self, person: Person) -> int:
        """Real followers plus a deterministic number that grows with the account's age."""
        if not self.kind.followers_told:
            return 0
        start = Entry(person.id, person.username, "", person.created_at)
        grown = self.growth(start, 2_592_000.0, followers=600)["followers"]
        return 100 + grown + sum(person.username in other.following for other in self.people.values())

    def counts(self, toot: Toot) -> dict[str, int]:
        """``replies_count``, ``reblogs_count``, ``favourites_count`` and, where known, ``quotes_count``."""
        tally = self.tally()
        public = toot.visibility in ("public", "unlisted") and toot.reblog_of is None
        grown = self.growth(toot, likes=40 * public, shares=12 * public)
        counts = {
            "replies_count": tally.replies[toot.id],
            "reblogs_count": grown["shares"] + len(toot.extras.get("boosts", {})),
            "favourites_count": grown["likes"] + len(toot.favourited_by) * self.kind.favourites_counted,
        }
        if self.kind.quotes and self.kind.api is not None:
            counts["quotes_count"] = tally.quotes[toot.id]
        return counts

    def tally(self) -> Tally:
        """Replies, quotes and posts, counted once per change of the timeline."""
        if self._tally.version != self.version:
            self._tally = Tally(self.version)
            for entry in self.entries.values():
                if entry.deleted_at is None:
                    self._tally.count(cast(Toot, entry))
        return self._tally

    def poll_votes(self, toot: Toot) -> list[int]:
        """Votes per option: those cast, and what grows until the poll ends."""
        poll = toot.poll or {}
        until = min(self.now(), poll["expires_at"])
        given = [
            sum(number in own for own in poll["votes"].values()) for number in range(len(poll["options"]))
        ]
        stop = attrs.evolve(toot, created_at=toot.created_at + (self.now() - until), counts={})
        return [
            count + self.growth(stop, **{f"option {number}": 25})[f"option {number}"]
            for number, count in enumerate(given)
        ]

    def hashtags(self, text: str) -> list[str]:
        """Names of the hashtags of a text, lower case, each once."""
        found = (text[e.start + 1 : e.end] for e in views.entities(text) if e.kind == "hashtag")
        return list(dict.fromkeys(name.lower() for name in found))

    def mentioned(self, text: str) -> list[str]:
        """Usernames of local accounts a text mentions, in any case, each once."""
        found = (text[e.start + 1 : e.end].lower() for e in views.entities(text) if e.kind == "mention")
        names = (name.removesuffix(f"@{self.domain}") for name in found)
        return [name for name in dict.fromkeys(names) if name in self.people]

    def sees(self, viewer: Person | None, toot: Toot) -> bool:
        """Whether the viewer may see the status."""
        if toot.visibility in ("public", "unlisted", "local"):
            return True
        if viewer is None:
            return False
        if viewer.username == toot.account or viewer.username in toot.mentions:
            return True
        return toot.visibility == "private" and toot.account in viewer.following

    def may_quote(self, toot: Toot, viewer: Person | None) -> str:
        """``quote_approval.current_user``: automatic, manual, denied or unknown."""
        if viewer is None:
            return "unknown"
        if viewer.username == toot.account:
            return "automatic" if toot.visibility != "direct" else "denied"
        follows = toot.account in viewer.following
        allowed = toot.policy in ("public", "manual") or (toot.policy == "followers" and follows)
        if allowed and toot.policy == "manual" and toot.visibility in ("public", "unlisted"):
            return "manual"
        return "automatic" if allowed and toot.visibility in ("public", "unlisted") else "denied"

    def seen(self, request: Request, viewer: Person | None) -> Toot:
        """The status named in the path; 404 when there is none the viewer may see."""
        toot = self.toot(request.path_params["id"])
        if toot is None or not self.sees(viewer, toot):
            raise Answer(self.error(404))
        return toot

    def own(self, request: Request, scope: str = "write:statuses") -> tuple[Person, Toot]:
        """The caller and their own status named in the path."""
        me = self.user(request, scope)
        toot = self.seen(request, me)
        if toot.account != me.username:
            raise Answer(self.error(404))
        return me, toot

    def invalid(self, message: str) -> Answer:
        """A validation error in the server's manner, to raise."""
        return Answer(self.error(422, message=f"Validation failed: {message}"))

    def shown(self, toot: Toot, viewer: Person | None) -> Response:
        """200 with the Status."""
        from starlette.responses import JSONResponse

        return JSONResponse(views.status_json(self, toot, viewer))

    # statuses ------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        """``POST /api/v1/statuses``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "write:statuses")
        given = params(request)
        repeat = self._repeat(request, me)
        if repeat is not None:
            return repeat
        moment = self._moment(given)
        if moment is not None:
            return JSONResponse(views.scheduled_json(self, self._schedule(me, given, moment)))
        toot = self._compose(me, given, self.app_name(request))
        toot.key = request.headers.get("idempotency-key")
        self.add(toot)
        if toot.key is not None:
            self._first.put(f"{me.id} {toot.key}", toot.id, self.now())
        self._after(toot)
        return self.shown(toot, me)

    def _repeat(self, request: Request, me: Person) -> Response | None:
        """The answer to a key seen before."""
        key = request.headers.get("idempotency-key")
        if key is None or not self.keys_honoured or self.kind.keys in ("ignored", "replayed"):
            return None
        first = self._first.get(f"{me.id} {key}", self.now())
        if first is None:
            return None
        if self.kind.keys == "500":
            return self.error(500)
        if self.kind.keys == "400":
            return self.error(400, message="Duplicate idempotency key.")
        toot = self.toot(first)
        return self.shown(toot, me) if toot is not None else self.error(404)

    def _replaying(self, handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """Servers that replay whole answers do so for any request that carries a key, errors included."""

        def answer(request: Request) -> Response:
            key = request.headers.get("idempotency-key")
            if key is None or self.kind.keys != "replayed" or request.method == "GET":
                return handler(request)
            kept = self._first.get(key, self.now()) if self.keys_honoured else None
            if kept is not None:
                return _again(kept)
            try:
                response = handler(request)
            except Answer as refused:
                response = refused.response
            self._first.put(key, response, self.now())
            return response

        return answer

    def _compose(self, me: Person, given: Json, app: str) -> Toot:
        """A new status from the fields of the request, or the refusal of the server."""
        media = self._attachable(me, strings(given.get("media_ids")), None)
        poll = self._poll_of(given.get("poll"))
        if poll and self.kind.poll_drops_media:
            media = []
        text, warning = self._texts(given, media, poll)
        parent = self._target(me, given.get("in_reply_to_id"))
        visibility = self._visibility(me, given)
        if self.kind.needs_media and not media and parent is None:
            raise Answer(self.error(403, message="This action is not allowed"))
        toot = Toot(
            id="",
            account=me.username,
            text=text,
            created_at=self.now(),
            media=media,
            reply_to=parent.id if parent else None,
            warning=warning,
            poll=poll,
            visibility=visibility,
            app=app,
            language=language_of(given.get("language")) or me.language,
            sensitive=is_true(given.get("sensitive")) or bool(warning),
            mentions=self.mentioned(text),
            policy=given.get("quote_approval_policy") or "public",
        )
        if visibility in ("private", "direct"):
            toot.policy = "nobody"
        self._allowed_mentions(toot, given)
        self._set_quote(me, toot, given)
        toot.id = self.new_id()
        self._attach(toot, media)
        return toot

    def _texts(self, given: Json, media: list[Json], poll: Json | None) -> tuple[str, str]:
        if media and poll and not self.kind.media_and_poll:
            raise self.invalid("Cannot attach media to a post with a poll")
        text, warning = (str(given.get(name) or "").strip() for name in ("status", "spoiler_text"))
        if not text:
            if not media and poll is None and not warning:
                raise self.invalid("Text can't be blank")
            if warning:
                marks = {"image": "🖼", "video": "📹", "gifv": "📹", "audio": "🎵"}
                text = marks.get(media[0]["type"], ".") if media else "."
        self._check_length(text, warning)
        return text, warning

    def _check_length(self, text: str, warning: str) -> None:
        from socialkit.text import length

        if self.kind.raw_count:
            used = len(text) + len(warning)
        else:
            used = length(text, "mastodon") + length(warning, "graphemes")
        if used > self.kind.max_characters and self.kind.length_enforced:
            raise self.invalid(f"Text character limit of {self.kind.max_characters} exceeded")

    def _visibility(self, me: Person, given: Json) -> str:
        wanted = given.get("visibility") or me.visibility
        if wanted not in self.kind.visibilities:
            raise Answer(self.error(422, message=f"'{wanted}' is not a valid visibility"))
        return "unlisted" if me.silenced and wanted == "public" else str(wanted)

    def _target(self, me: Person, target_id: Any) -> Toot | None:
        if not target_id:
            return None
        toot = self.toot(str(target_id))
        if toot is None or not self.sees(me, toot):
            raise Answer(self.error(404, message="Record not found"))
        return toot

    def _allowed_mentions(self, toot: Toot, given: Json) -> None:
        from starlette.responses import JSONResponse

        if "allowed_mentions" not in given:
            return
        allowed = set(strings(given["allowed_mentions"]))
        people = [self.people[name] for name in toot.mentions if self.people[name].id not in allowed]
        if people:
            accounts = [views.account_json(self, person) for person in people]
            message = "Post would be sent to unexpected accounts"
            raise Answer(JSONResponse({"error": message, "unexpected_accounts": accounts}, 422))

    def _set_quote(self, me: Person, toot: Toot, given: Json) -> None:
        if not given.get(self.kind.quote_field) or not self.kind.quotes:
            return
        quoted = self._target(me, given[self.kind.quote_field])
        allowed = "denied" if quoted is None else self.may_quote(quoted, me)
        if quoted is None or (allowed not in ("automatic", "manual") and self.kind.api is not None):
            raise Answer(self.error(404, message="Record not found"))
        others = quoted.account not in (me.username, *toot.mentions)
        if toot.visibility == "direct" and others:
            raise self.invalid("Quoted user must be mentioned in a direct message")
        if quoted.visibility == "private":
            toot.visibility = "private"
        toot.quote, toot.quote_state = quoted.id, "pending" if allowed == "manual" else "accepted"

    def _attachable(self, me: Person, ids: list[str], toot: Toot | None) -> list[Json]:
        """The media of those ids, free or on ``toot`` already, finished and fit to stand together."""
        if len(ids) > self.kind.max_media:
            raise self.invalid(f"Cannot attach more than {self.kind.max_media} files")
        found = [self.media[name] for name in ids if name in self.media]
        taken = [m for m in found if m["entry"] not in (None, toot.id if toot else None)]
        if self.kind.reuse == "refused" and taken and self.kind.name == "gotosocial":
            raise self.invalid("media already attached to status")
        fit = [
            m for m in found if m["owner"] == me.username and (m not in taken or self.kind.reuse == "moved")
        ]
        missing = set(ids) - {medium["id"] for medium in fit}
        if missing:
            raise self.invalid(
                f"Media {', '.join(sorted(missing))} not found or already attached to another post"
            )
        if len(fit) > 1 and any(medium["type"] in ("video", "audio") for medium in fit):
            raise self.invalid("Cannot attach a video to a post that already contains images")
        if any(medium["failed"] or medium["ready_at"] > self.now() for medium in fit):
            raise self.invalid(
                "Cannot attach files that have not finished processing. Try again in a moment!"
            )
        return fit

    def _attach(self, toot: Toot, media: list[Json]) -> None:
        for medium in media:
            before = self.entries.get(medium["entry"] or "")
            if before is not None and before.id != toot.id:
                before.media = [item for item in before.media if item is not medium]
            medium["entry"] = toot.id

    def _poll_of(self, given: Any) -> Json | None:
        if not given or not isinstance(given, dict):
            return None
        options = [option.strip() for option in strings(given.get("options"))]
        seconds = number(given.get("expires_in"))
        problem = self._poll_problem(options, seconds)
        if problem:
            raise self.invalid(problem)
        return {
            "id": self.next_number(),
            "options": options,
            "seconds": int(seconds or 0),
            "expires_at": self.now() + timedelta(seconds=seconds or 0),
            "multiple": is_true(given.get("multiple")),
            "hide_totals": is_true(given.get("hide_totals")),
            "votes": {},
        }

    def _poll_problem(self, options: list[str], seconds: float | None) -> str:
        from socialkit.text import length

        if not self.kind.polls:
            return "Polls are not supported"
        if len(options) < 2:
            return "Options must have more than one item"
        if len(options) > self.kind.poll_options:
            return f"Options can't contain more than {self.kind.poll_options} items"
        unit: Unit = "codepoints" if self.kind.raw_count else "graphemes"
        if any(not option or length(option, unit) > 50 for option in options):
            return "Options cannot be empty or longer than 50 characters each"
        if len(set(options)) < len(options):
            return "Options contain duplicate items"
        if seconds is None or seconds < 300:
            return "Expires at is too soon"
        return "Expires at is too far into the future" if seconds > 2_629_746 else ""

    def _after(self, toot: Toot) -> None:
        """Tell the people it concerns."""
        for name in toot.mentions:
            self.notify(name, "mention", toot.account, toot)
        quoted = self.toot(toot.quote) if toot.quote else None
        if quoted is not None:
            self.notify(quoted.account, "quote", toot.account, toot)

    def edit(self, request: Request) -> Response:
        """``PUT /api/v1/statuses/:id``: replaces everything, what is left out is emptied."""
        me, toot = self.own(request)
        given = params(request)
        media = self._attachable(me, strings(given.get("media_ids")), toot)
        poll = self._poll_of(given.get("poll"))
        text, warning = self._texts(given, media, poll)
        self._edit_media(media, given)
        if poll and toot.poll and _same_poll(poll, toot.poll):
            poll |= {"id": toot.poll["id"], "votes": toot.poll["votes"]}
        fields = {
            "text": text,
            "warning": warning,
            "media": media,
            "poll": poll,
            "sensitive": is_true(given.get("sensitive")) or bool(warning),
            "language": language_of(given.get("language")) or toot.language,
            "policy": given.get("quote_approval_policy") or toot.policy,
        }
        if any(getattr(toot, name) != value for name, value in fields.items()):
            self._keep_history(toot)
            for medium in toot.media:
                medium["entry"] = None
            self.change(toot, **fields, edited_at=self.now(), mentions=self.mentioned(text))
            self._attach(toot, media)
        return self.shown(toot, me)

    def _edit_media(self, media: list[Json], given: Json) -> None:
        for item in given.get("media_attributes") or []:
            for medium in media:
                if isinstance(item, dict) and medium["id"] == item.get("id"):
                    self.describe(medium, item)

    def _keep_history(self, toot: Toot) -> None:
        if not toot.history:
            toot.history.append(self.revision(toot))

    def revision(self, toot: Toot) -> Json:
        """The status as it is now, as one StatusEdit."""
        poll = {"options": [{"title": title} for title in toot.poll["options"]]} if toot.poll else None
        return {
            "content": views.content_html(self, toot),
            "spoiler_text": toot.warning,
            "sensitive": toot.sensitive,
            "created_at": views.stamp(toot.edited_at or toot.created_at),
            "account": views.account_json(self, self.people[toot.account]),
            "media_attachments": [views.media_json(self, medium) for medium in toot.media],
            "emojis": [],
            **({"poll": poll} if poll else {}),
        }

    def set_policy(self, request: Request) -> Response:
        """``PUT /api/v1/statuses/:id/interaction_policy``."""
        me, toot = self.own(request)
        toot.policy = params(request).get("quote_approval_policy") or "public"
        return self.shown(toot, me)

    def delete(self, request: Request) -> Response:
        """``DELETE /api/v1/statuses/:id``: answers the status with its source text."""
        from starlette.responses import JSONResponse

        me = self.user(request, "write:statuses")
        toot = cast("Toot | None", self.entries.get(request.path_params["id"]))
        just_now = (
            self.kind.late_delete
            and toot is not None
            and toot.deleted_at is not None
            and not toot.extras.get("deleted twice")
        )
        if toot is None or toot.account != me.username or (toot.deleted_at is not None and not just_now):
            raise Answer(self.error(404))
        answer = {**views.status_json(self, toot, me), "text": toot.text}
        toot.extras["deleted twice"] = toot.deleted_at is not None
        if toot.deleted_at is None:
            self.remove(toot)
        for medium in toot.media:
            medium["entry"] = None
            if is_true(params(request).get("delete_media")):
                self.media.pop(medium["id"], None)
        return JSONResponse(answer)

    def reblog(self, request: Request) -> Response:
        """``POST /api/v1/statuses/:id/reblog``: twice gives the same boost."""
        me = self.user(request, "write:statuses")
        toot = self.seen(request, me)
        boosts: dict[str, str] = toot.extras.setdefault("boosts", {})
        if me.username not in boosts:
            if toot.visibility == "direct" or (toot.visibility == "private" and toot.account != me.username):
                raise Answer(self.error(403, message="This action is not allowed"))
            shown = params(request).get("visibility") or toot.visibility
            boost = Toot(self.new_id(), me.username, "", self.now(), visibility=shown, reblog_of=toot.id)
            self.add(boost)
            boosts[me.username] = boost.id
            self.notify(toot.account, "reblog", me.username, toot)
        return self.shown(cast(Toot, self.entries[boosts[me.username]]), me)

    def unreblog(self, request: Request) -> Response:
        """``POST /api/v1/statuses/:id/unreblog``."""
        me = self.user(request, "write:statuses")
        toot = self.seen(request, me)
        boost = self.entries.get(toot.extras.get("boosts", {}).pop(me.username, ""))
        if boost is not None:
            self.remove(boost)
        return self.shown(toot, me)

    def mark(self, request: Request) -> Response:
        """Favourite, bookmark, mute, pin, and each undone."""
        verb = request.path_params["verb"]
        sets = {"favourite": "favourited_by", "bookmark": "bookmarked_by", "mute": "muted_by"}
        scopes = {"favourite": "write:favourites", "bookmark": "write:bookmarks", "mute": "write:mutes"}
        name = verb.removeprefix("un")
        if name == "pin":
            return self._pin(request, verb == "pin")
        if name not in sets:
            raise Answer(self.error(404))
        me = self.user(request, scopes[name])
        toot = self.seen(request, me)
        people: set[str] = getattr(toot, sets[name])
        if verb == name:
            if name == "favourite" and me.username not in people:
                self.notify(toot.account, "favourite", me.username, toot)
            people.add(me.username)
        else:
            people.discard(me.username)
        return self.shown(toot, me)

    def _pin(self, request: Request, on: bool) -> Response:
        me, toot = self.own(request, "write:accounts")
        if on and sum(other.pinned for other in self.toots() if other.account == me.username) >= 5:
            raise self.invalid("You have already pinned the maximum number of posts")
        toot.pinned = on
        return self.shown(toot, me)

    def revoke_quote(self, request: Request) -> Response:
        """``POST /api/v1/statuses/:id/quotes/:quoting/revoke``."""
        me, toot = self.own(request)
        quoting = self.toot(request.path_params["quoting"])
        if quoting is None or quoting.quote != toot.id:
            raise Answer(self.error(404))
        self.change(quoting, quote_state="revoked")
        return self.shown(quoting, me)

    # scheduled -----------------------------------------------------------------------------------

    def _moment(self, given: Json) -> datetime | None:
        """When to publish; None: at once."""
        text = given.get("scheduled_at")
        if not text or not self.kind.scheduling:
            return None
        try:
            moment = datetime.fromisoformat(str(text))
        except ValueError:
            raise Answer(self.error(422, message="Invalid date supplied")) from None
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        if moment <= self.now():
            return None
        if moment < self.now() + timedelta(minutes=5):
            raise self.invalid("Scheduled at The scheduled date must be in the future")
        return moment

    def _schedule(self, me: Person, given: Json, moment: datetime) -> Json:
        mine = [item for item in self.scheduled.values() if item["owner"] == me.username]
        if len(mine) >= 300 or sum(item["at"].date() == moment.date() for item in mine) >= 25:
            raise self.invalid("You have exceeded the limit of scheduled posts")
        media = self._attachable(me, strings(given.get("media_ids")), None)
        poll = self._poll_of(given.get("poll"))
        self._texts(given, media, poll)
        item: Json = {
            "id": self.next_number(),
            "owner": me.username,
            "at": moment,
            "params": given,
            "poll": poll,
            "media": media,
        }
        for medium in media:
            medium["entry"] = f"scheduled {item['id']}"
        self.scheduled[item["id"]] = item
        return item

    def _publish_scheduled(self, item: Json) -> None:
        me = self.people[item["owner"]]
        for medium in item["media"]:
            medium["entry"] = None
        try:
            toot = self._compose(me, item["params"], "Sandbox")
        except Answer:
            return  # what it needed is gone; the server drops such a post without a word
        toot.created_at = item["at"]
        self.add(toot)
        self._after(toot)

    def list_scheduled(self, request: Request) -> Response:
        """``GET /api/v1/scheduled_statuses``."""
        me = self.user(request, "read:statuses")
        mine = [item for item in reversed(self.scheduled.values()) if item["owner"] == me.username]
        return self.page(request, mine, lambda item: views.scheduled_json(self, item), 20, 40)

    def one_scheduled(self, request: Request) -> Response:
        """``GET /api/v1/scheduled_statuses/:id``."""
        from starlette.responses import JSONResponse

        return JSONResponse(views.scheduled_json(self, self._own_scheduled(request, "read:statuses")))

    def move_scheduled(self, request: Request) -> Response:
        """``PUT /api/v1/scheduled_statuses/:id``: only the moment can change."""
        from starlette.responses import JSONResponse

        item = self._own_scheduled(request, "write:statuses")
        moment = self._moment(params(request))
        if moment is None:
            raise self.invalid("Scheduled at The scheduled date must be in the future")
        item["at"] = moment
        return JSONResponse(views.scheduled_json(self, item))

    def cancel_scheduled(self, request: Request) -> Response:
        """``DELETE /api/v1/scheduled_statuses/:id``."""
        from starlette.responses import JSONResponse

        item = self._own_scheduled(request, "write:statuses")
        del self.scheduled[item["id"]]
        for medium in item["media"]:
            medium["entry"] = None
        return JSONResponse({})

    def _own_scheduled(self, request: Request, scope: str) -> Json:
        me = self.user(request, scope)
        item = self.scheduled.get(request.path_params["id"])
        if item is None or item["owner"] != me.username:
            raise Answer(self.error(404))
        return item


def _same_poll(one: Json, other: Json) -> bool:
    return bool(one["options"] == other["options"] and one["multiple"] == other["multiple"])


def _again(response: Response) -> Response:
    """The same answer once more, marked as such."""
    from starlette.responses import Response as Plain

    headers = {"idempotent-replayed": "true", "x-original-request-id": "first"}
    return Plain(bytes(response.body), response.status_code, headers, response.media_type)


def _shaped(number: int, form: str) -> str:
    """An ordered number as an id of that form."""
    if form == "ulid":
        return _in_base(((number >> 16) << 80) | (number & 0xFFFF), _CROCKFORD, 26)
    if form == "flake":
        return _in_base(((number >> 16) << 64) | (number & 0xFFFF), _BASE62, 18)
    if form == "uuid7":
        milliseconds, low = f"{number >> 16:012x}", number & 0xFFFF
        return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-{low:012x}"
    return str(number)


def _in_base(number: int, alphabet: str, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits.rjust(width, alphabet[0])
