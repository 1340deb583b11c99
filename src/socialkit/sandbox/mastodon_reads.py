"""What a Mastodon-API server lets one read: statuses, threads, timelines, accounts, search, the instance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from . import mastodon_views as views
from .core import Answer
from .mastodon_forms import is_true, number, params
from .mastodon_oauth import Grants
from .mastodon_views import Json, Person, Toot

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .mastodon import MastodonBox

__all__ = ["Reads"]


class Reads(Grants):
    """The reading half of the box."""

    notices: list[Json]
    domain: str

    @property
    def _box(self) -> MastodonBox:
        from .mastodon import MastodonBox

        assert isinstance(self, MastodonBox)
        return self

    def read_table(self) -> list[tuple[str, str, Callable[[Request], Response]]]:
        """Method, path and handler of everything in this file."""
        return [
            ("GET", "/api/v1/statuses", self.batch),
            ("GET", "/api/v1/statuses/{id}", self.status),
            ("GET", "/api/v1/statuses/{id}/source", self.source),
            ("GET", "/api/v1/statuses/{id}/history", self.history),
            ("GET", "/api/v1/statuses/{id}/context", self.context),
            ("GET", "/api/v1/statuses/{id}/quotes", self.quotes),
            ("GET", "/api/v1/statuses/{id}/favourited_by", self.favourited_by),
            ("GET", "/api/v1/statuses/{id}/reblogged_by", self.reblogged_by),
            ("GET", "/api/v1/accounts/verify_credentials", self.whoami),
            ("GET", "/api/v1/accounts/lookup", self.lookup),
            ("GET", "/api/v1/accounts/relationships", self.relationships),
            ("GET", "/api/v1/accounts/{id}", self.account),
            ("GET", "/api/v1/accounts/{id}/statuses", self.account_statuses),
            ("POST", "/api/v1/accounts/{id}/follow", self.follow),
            ("POST", "/api/v1/accounts/{id}/unfollow", self.unfollow),
            ("GET", "/api/v1/accounts", self.accounts_batch),
            ("GET", "/api/v1/preferences", self.preferences),
            ("GET", "/api/v1/timelines/home", self.home),
            ("GET", "/api/v1/timelines/public", self.public),
            ("GET", "/api/v1/timelines/tag/{tag}", self.tag),
            ("GET", "/api/v1/bookmarks", self.bookmarks),
            ("GET", "/api/v1/favourites", self.favourites),
            ("GET", "/api/v1/notifications", self.notifications),
            ("GET", "/api/v1/notifications/{id}", self.notification),
            ("GET", "/api/v2/search", self.search),
            ("GET", "/api/v1/instance", self.instance_v1),
            ("GET", "/api/v2/instance", self.instance_v2),
            ("GET", "/api/v1/custom_emojis", self.emojis),
            ("GET", "/.well-known/nodeinfo", self.nodeinfo_links),
            ("GET", "/nodeinfo/2.0", self.nodeinfo),
            ("GET", "/.well-known/webfinger", self.webfinger),
        ]

    # paging --------------------------------------------------------------------------------------

    def page(
        self, request: Request, items: Iterable[Any], show: Callable[[Any], Json], default: int, most: int
    ) -> Response:
        """One page of ``items`` (newest first) as the query asks, with a ``Link`` header."""
        from starlette.responses import JSONResponse

        query = request.query_params
        limit = min(most, max(1, int(number(query.get("limit")) or default)))
        below, above, floor = query.get("max_id"), query.get("since_id"), query.get("min_id")
        fitting = (item for item in items if _between(_id(item), below, floor or above))
        chosen = list(fitting)[-limit:] if floor else list(islice(fitting, limit))
        headers = {"link": self._links(request, chosen, limit)} if chosen else {}
        return JSONResponse([show(item) for item in chosen], headers=headers)

    def _links(self, request: Request, chosen: list[Any], limit: int) -> str:
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in ("max_id", "min_id", "since_id", "access_token")
        ]
        address = f"{self.base}{request.url.path}"
        newer = f'<{address}?{urlencode([*kept, ("min_id", _id(chosen[0]))])}>; rel="prev"'
        if len(chosen) < limit:
            return newer
        return f'<{address}?{urlencode([*kept, ("max_id", _id(chosen[-1]))])}>; rel="next", {newer}'

    def _statuses(self, request: Request, toots: Sequence[Toot], viewer: Person | None) -> Response:
        seen = (toot for toot in toots if self._box.sees(viewer, toot))
        return self.page(request, seen, lambda toot: views.status_json(self._box, toot, viewer), 20, 40)

    # statuses ------------------------------------------------------------------------------------

    def status(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id``."""
        viewer = self.viewer(request)
        return self._box.shown(self._box.seen(request, viewer), viewer)

    def batch(self, request: Request) -> Response:
        """``GET /api/v1/statuses?id[]=``: unknown ids are missing without a word."""
        from starlette.responses import JSONResponse

        if self.kind.batch is None:
            raise Answer(self.error(404))
        viewer = self.viewer(request)
        ids = request.query_params.getlist(self.kind.batch)
        if len(ids) > self.kind.batch_limit:
            raise self._box.invalid(f"at most {self.kind.batch_limit} ids")
        toots = [toot for toot in map(self._box.toot, dict.fromkeys(ids)) if toot is not None]
        seen = [toot for toot in toots if self._box.sees(viewer, toot)]
        return JSONResponse([views.status_json(self._box, toot, viewer) for toot in seen])

    def source(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/source``."""
        from starlette.responses import JSONResponse

        _, toot = self._box.own(request, "read:statuses")
        if self.kind.marks:
            raise Answer(self.error(404))
        return JSONResponse({"id": toot.id, "text": toot.text, "spoiler_text": toot.warning})

    def history(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/history``: every state, the oldest first."""
        from starlette.responses import JSONResponse

        toot = self._box.seen(request, self.viewer(request))
        return JSONResponse([*toot.history, self._box.revision(toot)])

    def context(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/context``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request)
        toot = self._box.seen(request, viewer)
        answer = {
            "ancestors": [views.status_json(self._box, one, viewer) for one in self._ancestors(toot)],
            "descendants": [
                views.status_json(self._box, one, viewer)
                for one in self._descendants(toot)
                if self._box.sees(viewer, one)
            ],
        }
        return JSONResponse(answer)

    def _ancestors(self, toot: Toot) -> list[Toot]:
        chain: list[Toot] = []
        parent = self._box.toot(toot.reply_to) if toot.reply_to else None
        while parent is not None:
            chain.insert(0, parent)
            parent = self._box.toot(parent.reply_to) if parent.reply_to else None
        return chain

    def _descendants(self, toot: Toot) -> list[Toot]:
        found: list[Toot] = []
        for reply in reversed(self._box.toots()):
            if reply.reply_to == toot.id:
                found += [reply, *self._descendants(reply)]
        return found

    def quotes(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/quotes``, of own posts."""
        me, toot = self._box.own(request, "read:statuses")
        quoting = [one for one in self._box.toots() if one.quote == toot.id and one.quote_state == "accepted"]
        return self._statuses(request, quoting, me)

    def favourited_by(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/favourited_by``."""
        return self._people(request, sorted(self._box.seen(request, self.viewer(request)).favourited_by))

    def reblogged_by(self, request: Request) -> Response:
        """``GET /api/v1/statuses/:id/reblogged_by``."""
        toot = self._box.seen(request, self.viewer(request))
        return self._people(request, sorted(toot.extras.get("boosts", {})))

    def _people(self, request: Request, names: list[str]) -> Response:
        people = [self.people[name] for name in names]
        return self.page(request, people, lambda person: views.account_json(self._box, person), 40, 80)

    # polls ---------------------------------------------------------------------------------------

    def _polled(self, request: Request, viewer: Person | None) -> Toot:
        wanted = request.path_params["id"]
        for toot in self._box.toots():
            if toot.poll and toot.poll["id"] == wanted and self._box.sees(viewer, toot):
                return toot
        raise Answer(self.error(404))

    def poll(self, request: Request) -> Response:
        """``GET /api/v1/polls/:id``."""
        from starlette.responses import JSONResponse

        viewer = self.viewer(request)
        return JSONResponse(views.poll_json(self._box, self._polled(request, viewer), viewer))

    def vote(self, request: Request) -> Response:
        """``POST /api/v1/polls/:id/votes``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "write:statuses")
        toot = self._polled(request, me)
        poll = toot.poll or {}
        try:
            choices = [int(choice) for choice in params(request).get("choices") or []]
        except (TypeError, ValueError):
            raise self._box.invalid("The chosen vote option does not exist") from None
        if toot.account == me.username:
            raise self._box.invalid("You cannot vote in your own polls")
        if poll["expires_at"] <= self.now():
            raise self._box.invalid("The poll has already ended")
        if me.username in poll["votes"] or not choices or (len(choices) > 1 and not poll["multiple"]):
            raise self._box.invalid("You have already voted on this poll")
        if not all(0 <= choice < len(poll["options"]) for choice in choices):
            raise self._box.invalid("The chosen vote option does not exist")
        poll["votes"][me.username] = choices
        return JSONResponse(views.poll_json(self._box, toot, me))

    # accounts ------------------------------------------------------------------------------------

    def whoami(self, request: Request) -> Response:
        """``GET /api/v1/accounts/verify_credentials``."""
        from starlette.responses import JSONResponse

        grant = self.asking(request)
        scope = "profile" if grant is not None and grant.covers("profile") else "read:accounts"
        me = self.user(request, scope)
        return JSONResponse(views.credential_account_json(self._box, me))

    def _person(self, person_id: str) -> Person:
        person = next((one for one in self.people.values() if one.id == person_id), None)
        if person is None:
            raise Answer(self.error(404))
        return person

    def account(self, request: Request) -> Response:
        """``GET /api/v1/accounts/:id``."""
        from starlette.responses import JSONResponse

        return JSONResponse(views.account_json(self._box, self._person(request.path_params["id"])))

    def accounts_batch(self, request: Request) -> Response:
        """``GET /api/v1/accounts?id[]=``, at most 40."""
        from starlette.responses import JSONResponse

        ids = request.query_params.getlist("id[]")
        if len(ids) > 40:
            raise self._box.invalid("at most 40 ids")
        found = [one for one in self.people.values() if one.id in ids]
        return JSONResponse([views.account_json(self._box, one) for one in found])

    def lookup(self, request: Request) -> Response:
        """``GET /api/v1/accounts/lookup?acct=``."""
        from starlette.responses import JSONResponse

        name = request.query_params.get("acct", "").removeprefix("@").removesuffix(f"@{self.domain}")
        if name not in self.people:
            raise Answer(self.error(404))
        return JSONResponse(views.account_json(self._box, self.people[name]))

    def account_statuses(self, request: Request) -> Response:
        """``GET /api/v1/accounts/:id/statuses`` with its filters."""
        viewer = self.viewer(request)
        person = self._person(request.path_params["id"])
        toots = [toot for toot in self._box.toots() if toot.account == person.username]
        query = request.query_params
        if is_true(query.get("exclude_reblogs")):
            toots = [toot for toot in toots if toot.reblog_of is None]
        if is_true(query.get("exclude_replies")):
            toots = [toot for toot in toots if toot.reply_to is None]
        if is_true(query.get("only_media")):
            toots = [toot for toot in toots if toot.media]
        if is_true(query.get("pinned")):
            toots = [toot for toot in toots if toot.pinned]
        if query.get("tagged"):
            toots = [toot for toot in toots if query["tagged"].lower() in self._box.hashtags(toot.text)]
        return self._statuses(request, toots, viewer)

    def relationships(self, request: Request) -> Response:
        """``GET /api/v1/accounts/relationships?id[]=``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "read:follows")
        query = request.query_params
        ids = {*query.getlist("id[]"), *query.getlist("id")}
        return JSONResponse([_relationship(me, one) for one in self.people.values() if one.id in ids])

    def follow(self, request: Request) -> Response:
        """``POST /api/v1/accounts/:id/follow``."""
        from starlette.responses import JSONResponse

        me, other = self.user(request, "write:follows"), self._person(request.path_params["id"])
        if other.username not in me.following and other is not me:
            me.following.add(other.username)
            self.notify(other.username, "follow", me.username, None)
        return JSONResponse(_relationship(me, other))

    def unfollow(self, request: Request) -> Response:
        """``POST /api/v1/accounts/:id/unfollow``."""
        from starlette.responses import JSONResponse

        me, other = self.user(request, "write:follows"), self._person(request.path_params["id"])
        me.following.discard(other.username)
        return JSONResponse(_relationship(me, other))

    def preferences(self, request: Request) -> Response:
        """``GET /api/v1/preferences``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "read:accounts")
        return JSONResponse(
            {
                "posting:default:visibility": me.visibility,
                "posting:default:sensitive": me.sensitive,
                "posting:default:language": me.language,
                "posting:default:quote_policy": "public",
                "reading:expand:media": "default",
                "reading:expand:spoilers": False,
                "reading:autoplay:gifs": False,
            }
        )

    # timelines -----------------------------------------------------------------------------------

    def home(self, request: Request) -> Response:
        """``GET /api/v1/timelines/home``."""
        me = self.user(request, "read:statuses")
        names = {me.username, *me.following}
        return self._statuses(request, [toot for toot in self._box.toots() if toot.account in names], me)

    def public(self, request: Request) -> Response:
        """``GET /api/v1/timelines/public``."""
        toots = [t for t in self._box.toots() if t.visibility == "public" and t.reblog_of is None]
        return self._statuses(request, toots, self.viewer(request))

    def tag(self, request: Request) -> Response:
        """``GET /api/v1/timelines/tag/:tag``."""
        wanted = request.path_params["tag"].lower()
        toots = [
            toot
            for toot in self._box.toots()
            if toot.visibility == "public" and wanted in self._box.hashtags(toot.text)
        ]
        return self._statuses(request, toots, self.viewer(request))

    def bookmarks(self, request: Request) -> Response:
        """``GET /api/v1/bookmarks``."""
        me = self.user(request, "read:bookmarks")
        return self._statuses(request, [t for t in self._box.toots() if me.username in t.bookmarked_by], me)

    def favourites(self, request: Request) -> Response:
        """``GET /api/v1/favourites``."""
        me = self.user(request, "read:favourites")
        return self._statuses(request, [t for t in self._box.toots() if me.username in t.favourited_by], me)

    # notifications -------------------------------------------------------------------------------

    def notify(self, receiver: str, what: str, sender: str, toot: Toot | None) -> None:
        """Put a notification in somebody's list, unless they did it themselves."""
        if receiver != sender:
            number = str(len(self.notices) + 1)
            self.notices.append(
                {"id": number, "to": receiver, "type": what, "from": sender, "toot": toot, "at": self.now()}
            )

    def notifications(self, request: Request) -> Response:
        """``GET /api/v1/notifications``."""
        me = self.user(request, "read:notifications")
        wanted = request.query_params.getlist("types[]")
        unwanted = request.query_params.getlist("exclude_types[]")
        mine = [
            notice
            for notice in reversed(self.notices)
            if notice["to"] == me.username
            and (not wanted or notice["type"] in wanted)
            and notice["type"] not in unwanted
        ]
        return self.page(request, mine, lambda notice: self._notice(notice, me), 40, 80)

    def notification(self, request: Request) -> Response:
        """``GET /api/v1/notifications/:id``."""
        from starlette.responses import JSONResponse

        me = self.user(request, "read:notifications")
        wanted = request.path_params["id"]
        for notice in self.notices:
            if notice["id"] == wanted and notice["to"] == me.username:
                return JSONResponse(self._notice(notice, me))
        raise Answer(self.error(404))

    def _notice(self, notice: Json, me: Person) -> Json:
        toot = notice["toot"]
        answer = {
            "id": notice["id"],
            "type": notice["type"],
            "group_key": f"ungrouped-{notice['id']}",
            "created_at": views.stamp(notice["at"]),
            "account": views.account_json(self._box, self.people[notice["from"]]),
        }
        return answer | ({"status": views.status_json(self._box, toot, me)} if toot else {})

    # search and the instance ---------------------------------------------------------------------

    def search(self, request: Request) -> Response:
        """``GET /api/v2/search``: resolves addresses of this server and account names; finds hashtags."""
        from starlette.responses import JSONResponse

        query = request.query_params
        viewer = self.viewer(request)
        if viewer is None and (is_true(query.get("resolve")) or query.get("offset")):
            raise Answer(self.error(401, message="Search queries need a token to resolve remote resources"))
        words, only = query.get("q", "").strip(), query.get("type")
        toots = self._at(words) if words.startswith(("http://", "https://")) else []
        name = words.removeprefix("@").removesuffix(f"@{self.domain}")
        found = {
            "accounts": [views.account_json(self._box, self.people[name])] if name in self.people else [],
            "statuses": [
                views.status_json(self._box, toot, viewer) for toot in toots if self._box.sees(viewer, toot)
            ],
            "hashtags": [],
        }
        return JSONResponse({kind: rows if only in (None, kind) else [] for kind, rows in found.items()})

    def _at(self, address: str) -> list[Toot]:
        """The post at an address; where search looks into texts, those that name it, too."""
        address = address.rstrip("/")
        known = self._box.toots()
        there = [toot for toot in known if address in views.addresses(self._box, toot)]
        return there or [toot for toot in known if self.kind.finds_text and address in toot.text]

    def instance_v1(self, request: Request) -> Response:
        """``GET /api/v1/instance``."""
        from starlette.responses import JSONResponse

        headers = {"deprecation": "@1668384000"} if (self.kind.api or 0) >= 4 else {}
        return JSONResponse(views.instance_v1(self._box, self.kind), headers=headers)

    def instance_v2(self, request: Request) -> Response:
        """``GET /api/v2/instance``."""
        from starlette.responses import JSONResponse

        if self.kind.instance == "html500":
            raise Answer(self.error(500))
        if self.kind.instance == "404":
            raise Answer(self.error(404))
        return JSONResponse(views.instance_v2(self._box, self.kind))

    def emojis(self, request: Request) -> Response:
        """``GET /api/v1/custom_emojis``: there are none."""
        from starlette.responses import JSONResponse

        return JSONResponse([])

    def nodeinfo_links(self, request: Request) -> Response:
        """``GET /.well-known/nodeinfo``."""
        from starlette.responses import JSONResponse

        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return JSONResponse({"links": [{"rel": rel, "href": f"{self.base}/nodeinfo/2.0"}]})

    def nodeinfo(self, request: Request) -> Response:
        """``GET /nodeinfo/2.0``: which software this is."""
        from starlette.responses import JSONResponse

        users = {
            "total": len(self.people),
            "activeMonth": len(self.people),
            "activeHalfyear": len(self.people),
        }
        return JSONResponse(
            {
                "version": "2.0",
                "software": {
                    "name": self.kind.name,
                    "version": self.kind.nodeinfo_version or self.kind.version,
                },
                "protocols": ["activitypub"],
                "services": {"outbound": [], "inbound": []},
                "usage": {"users": users, "localPosts": len(self._box.toots())},
                "openRegistrations": False,
                "metadata": {},
            }
        )

    def webfinger(self, request: Request) -> Response:
        """``GET /.well-known/webfinger?resource=acct:user@domain``."""
        from starlette.responses import JSONResponse

        resource = request.query_params.get("resource", "")
        name = resource.removeprefix("acct:").removesuffix(f"@{self.domain}")
        if name not in self.people:
            raise Answer(self.error(404))
        kind = "application/activity+json"
        links = [{"rel": "self", "type": kind, "href": f"{self.base}/users/{name}"}]
        return JSONResponse({"subject": resource, "aliases": [f"{self.base}/@{name}"], "links": links})


def _relationship(me: Person, other: Person) -> Json:
    off = "blocking blocked_by muting muting_notifications requested requested_by"
    off += " domain_blocking endorsed notifying"
    return {
        "id": other.id,
        "following": other.username in me.following,
        "followed_by": me.username in other.following,
        "showing_reblogs": True,
        "note": "",
        "languages": None,
        **dict.fromkeys(off.split(), False),
    }


def _id(item: Any) -> str:
    return str(item["id"] if isinstance(item, dict) else item.id)


def _order(item_id: str) -> tuple[int, str]:
    return len(item_id), item_id


def _between(item_id: str, below: str | None, above: str | None) -> bool:
    if not below and not above:
        return True
    order = _order(item_id)
    return (not below or order < _order(below)) and (not above or order > _order(above))
