"""Threads as it answers in late 2026: signing in, containers, posts, replies, insights, quotas.

Facts: Meta's documentation of the Threads API as of July 2026, its request collection of January 2026, and what
other people's clients met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .core import Answer, Entry
from .threads_accounts import Json, Threader
from .threads_containers import DAY
from .threads_reads import Reads

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox
    from .sign_in import RegisteredApp
    from .state import Allowance

__all__ = ["Threader", "ThreadsBox"]

_SCOPES = (
    "basic content_publish manage_replies read_replies manage_insights manage_mentions keyword_search delete "
    "location_tagging profile_discovery share_to_instagram"
)
_WRONG_APP = 4476002


class ThreadsBox(Reads):
    """Two profiles, ``brand`` and ``other``; the app is a Threads app, its Facebook number is refused.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["threads"]) as box:
    ...     print(box.threads.identity_of("brand"))
    17841405793187219
    """

    contract: ClassVar[int] = 1
    platform: ClassVar[str] = "threads"
    title: ClassVar[str] = "Threads"
    publish_match: ClassVar[str] = "POST /v1.0/[^/]+/threads_publish"
    upload_match: ClassVar[str] = "POST /v1.0/[^/]+/threads"
    ignores_trailing_slash: ClassVar[bool] = True
    hosts = (
        "graph.threads.net",
        "graph.threads.com",
        "threads.net",
        "www.threads.net",
        "threads.com",
        "www.threads.com",
    )
    known_scopes = frozenset(f"threads_{name}" for name in _SCOPES.split())
    grants_prefix = "th"
    basic_scope = "threads_basic"
    token_prefix = "THQV"
    app_token_prefix = "TH|"
    https_only = True
    facebook_app_id: ClassVar[str] = "1204789561230458"
    """The number of the same app at Facebook, which people take by mistake."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self._posted = 18_050_000_000_000_000
        self._token: str | None = None
        self.start_containers()

    def routes(self) -> list[BaseRoute]:
        """Consent, tokens, inspection; then everything below the version."""
        return [
            *self.consent_routes("/oauth/authorize"),
            *self.token_routes(),
            self.route("GET", "/oauth/access_token", self.give_app_token),
            self.route("GET", "/v1.0/debug_token", self.debug_token),
            self.route("POST", "/v1.0/{id}/threads", self.create),
            self.route("POST", "/v1.0/{id}/threads_publish", self.publish),
            self.route("POST", "/v1.0/{id}/repost", self.repost),
            self.route("POST", "/v1.0/{id}/manage_reply", self.hide),
            self.route("DELETE", "/v1.0/{id}", self.delete),
            *self.read_routes(),
        ]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        """A token of 60 days with every scope."""
        self._token = self._token or self.token_for("brand").access_token
        return {"server": base_url or f"https://{self.hosts[0]}", "token": self._token}

    def new_id(self) -> str:
        self._posted += 1 + int(1000 * self.chance("post", self._posted))
        return str(self._posted)

    def tick(self) -> None:
        """Ghosts go after a day."""
        for entry in self.entries.values():
            ghost = entry.extras.get("given", {}).get("is_ghost_post") == "true"
            if ghost and entry.deleted_at is None and self.now() - entry.created_at >= DAY:
                self.erase(entry)

    def twin_of(self, entry: Entry) -> Entry:
        twin = super().twin_of(entry)
        twin.url = self.permalink(twin.account, twin.id)
        twin.extras.pop("container", None)
        return twin

    def too_many(self, allowance: Allowance) -> Response:
        """4, with a header that says everything is used up and not until when."""
        answer = self.graph_error(4, "(#4) Application request limit reached", status=403)
        answer.headers["x-app-usage"] = '{"call_count":100,"total_cputime":25,"total_time":25}'
        return answer

    def shown_counts(self, entry: Entry) -> dict[str, int]:
        counts = self.counts(entry)
        return {name: counts[name] for name in ("replies", "reposts", "likes", "views")}

    def shown_card(self, entry: Entry) -> tuple[str, str, str] | None:
        link = entry.extras.get("given", {}).get("link_attachment")
        return (link, "", "") if link else None

    def shown_notes(self, entry: Entry) -> list[str]:
        given: Json = entry.extras.get("given", {})
        notes = {
            f"topic: {given.get('topic_tag')}": "topic_tag" in given,
            f"replies from: {given.get('reply_control')}": "reply_control" in given,
            "media hidden": given.get("is_spoiler_media") == "true",
            "disappears after a day": given.get("is_ghost_post") == "true",
            "with a GIF": "gif_attachment" in given,
            "with a long text": "text_attachment" in given,
        }
        return [words for words, holds in notes.items() if holds]

    def display_name(self, account: str) -> str:
        return str(self.people[account].name)

    # signing in ------------------------------------------------------------------------------------

    def app_asked(self, asked: Json) -> RegisteredApp:
        """4476002 for the app's Facebook number."""
        if asked.get("client_id") == self.facebook_app_id:
            raise Answer(self.graph_error(_WRONG_APP, "The app is no Threads app"))
        return super().app_asked(asked)

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        """4476002 for the app's Facebook number."""
        if given.get("client_id") == self.facebook_app_id:
            raise Answer(self.graph_error(_WRONG_APP, "The app is no Threads app"))
        return super().client_of(request, given)

    def give_app_token(self, request: Request) -> Response:
        """``GET /oauth/access_token?grant_type=client_credentials``: the app's own token."""
        from starlette.responses import JSONResponse

        given = self.given(request)
        app = self.client_of(request, given)
        if given.get("grant_type") != "client_credentials":
            raise self.oauth_error("unsupported_grant_type", "grant_type must be client_credentials")
        token = f"TH|{app.client_id}|{app.client_secret}"
        return JSONResponse({"access_token": token, "token_type": "bearer"})

    # on posts --------------------------------------------------------------------------------------

    def repost(self, request: Request) -> Response:
        """``POST /{media}/repost``: once."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, "threads_basic", "threads_content_publish")
        source = self.post(request.path_params["id"])
        mine = self.listed(grant.username)
        if any(one.extras.get("reposted", {}).get("id") == source.id for one in mine):
            raise Answer(self.graph_error(100, "You have already reposted this post", subcode=4279050))
        entry = Entry(self.new_id(), grant.username, "", self.now().replace(microsecond=0))
        entry.url = self.permalink(grant.username, entry.id)
        entry.extras |= {"kind": "REPOST_FACADE", "reposted": {"id": source.id}}
        self.add(entry)
        return JSONResponse({"id": entry.id})

    def hide(self, request: Request) -> Response:
        """``POST /{reply}/manage_reply``: a direct reply to an own post."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, "threads_basic", "threads_manage_replies")
        reply = self.post(request.path_params["id"])
        root = self.find(reply.reply_to or "")
        if root is None or root.reply_to is not None or root.account != grant.username:
            raise self.bad("Only top-level replies to your own posts can be hidden")
        hidden = self.fields(request).get("hide") == "true"
        self.change(reply, extras=reply.extras | {"hide_status": "HIDDEN" if hidden else "UNHUSHED"})
        return JSONResponse({"success": True})

    def delete(self, request: Request) -> Response:
        """``DELETE /{media}``: an own post, 100 a day."""
        from starlette.responses import JSONResponse

        grant = self.grant(request, "threads_basic", "threads_delete")
        entry = self.post(request.path_params["id"])
        if entry.account != grant.username:
            raise self.no_object(entry.id)
        since = self.now() - DAY
        spent = sum(who == grant.username and at > since for who, at in self.deleted)
        if spent >= self.deletions_a_day:
            raise self.bad("Invalid parameter")
        self.deleted.append((grant.username, self.now()))
        self.remove(entry)
        return JSONResponse({"success": True, "deleted_id": entry.id})
