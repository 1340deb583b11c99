"""Discord as far as one signs in to post: a consent that makes a webhook, pasted webhooks, bots.

Facts: Discord's documentation and API description, read in November 2026.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, ClassVar

from ._keyed import Keyed, Person
from .core import Answer
from .sign_in import Issued

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["DiscordBox"]

Json = dict[str, Any]
_AGENT = re.compile(r"DiscordBot \(\S+, \S+\)")


class DiscordBox(Keyed):
    """Two people with a server each, ``brand`` and ``other``. A webhook is an account of its own, and so is a bot.

    :meth:`identity_of` tells the one that :meth:`approve` or :meth:`answers` was last asked for, at first that of the
    standing webhook each server has.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["discord"]) as box:
    ...     print(box.discord.answers("webhook")["webhook_url"].rpartition("/")[0])
    https://discord.com/api/webhooks/1300000000000000001
    """

    platform: ClassVar[str] = "discord"
    title: ClassVar[str] = "Discord"
    publishes: ClassVar[bool] = False
    hosts = ("discord.com",)
    access_seconds: float = 604_800.0
    client_auth: ClassVar[frozenset[str]] = frozenset({"body", "basic"})
    known_scopes: ClassVar[frozenset[str]] = frozenset({"identify", "guilds", "bot", "webhook.incoming"})
    unticks: ClassVar[bool] = False
    checks_agent: bool = False
    """True: requests whose User-Agent has not Discord's form are stopped, as they may be at any time."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Person("1200000000000000001", "brand", "Brand"),
            "other": Person("1200000000000000002", "other", "Other"),
        }
        self.webhooks: dict[str, Json] = {}
        self._ids = itertools.count(1300000000000000001)
        self._last = {username: self._keep(self.new_webhook(username)) for username in self.people}
        self._standing = dict(self._last)

    def routes(self) -> list[BaseRoute]:
        found = self.consent_routes("/oauth2/authorize")
        for base in ("/api", "/api/v10"):
            webhook = base + "/webhooks/{webhook_id}/{token}"
            found += [
                self.route("POST", f"{base}/oauth2/token", self.give_token),
                self.route("POST", f"{base}/oauth2/token/revoke", self.revoke_token),
                self.route("GET", f"{base}/users/@me", self.me),
                self.route("GET", webhook, self.webhook),
                self.route("DELETE", webhook, self.delete_webhook),
            ]
        return found

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        words = message or f"{status}: {_STATUS.get(status, 'Bad Request')}"
        return JSONResponse({"message": words, "code": int(code or 0)}, status)

    def redact(self, path: str) -> str:
        return re.sub(r"(/webhooks/\d+/)[^/]+", r"\1***", path)

    # the person ------------------------------------------------------------------------------------

    def identity_of(self, username: str) -> str:
        return self._last[username]

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return super().app_for(flow_name, redirect_uri) if flow_name == "oauth2" else {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        if flow_name == "bot":
            self._last[username] = str(int(self.people[username].id) + 50)
            return {"bot_token": self.key_of(username, "bot")}
        if flow_name != "webhook":
            return {}
        if self._standing[username] not in self.webhooks:
            self._standing[username] = self._keep(self.new_webhook(username))
        self._last[username] = self._standing[username]
        return {"webhook_url": self.webhooks[self._standing[username]]["url"]}

    def new_key(self, username: str, place: str) -> str:
        digest = self.digest("bot", username, place)
        return f"MTIwMDAwMDAwMDAw{digest[:8]}.{digest[8:14]}.{digest[14:52]}"

    def new_webhook(self, username: str, application_id: str | None = None) -> Json:
        """A webhook of the person's server, which is there once it is kept."""
        number = str(next(self._ids))
        token = f"{self.digest('webhook', number)}wh_{username}"
        place = {"channel_id": str(int(number) + 10**17), "guild_id": str(int(number) + 2 * 10**17)}
        known = {"id": number, "name": self.people[username].name, "avatar": None, "type": 1}
        url = f"https://{self.hosts[0]}/api/webhooks/{number}/{token}"
        return {**known, **place, "application_id": application_id, "token": token, "url": url}

    def _keep(self, webhook: Json) -> str:
        self.webhooks[webhook["id"]] = webhook
        return str(webhook["id"])

    def revoke(self, token: str) -> None:
        """End a token; of a webhook's, somebody deletes the webhook."""
        for number in [one for one, webhook in self.webhooks.items() if webhook["token"] == token]:
            del self.webhooks[number]
        super().revoke(token)

    # OAuth -----------------------------------------------------------------------------------------

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        """Agreeing to ``webhook.incoming`` is picking a channel: each time a new webhook."""
        if "webhook.incoming" in scopes:
            asked = {**asked, "webhook": self.new_webhook(username, str(asked.get("client_id")))}
            self._last[username] = asked["webhook"]["id"]
        return super().new_code(asked, username, scopes)

    def give_token(self, request: Request) -> Response:
        """``POST /oauth2/token``: a form."""
        from starlette.responses import JSONResponse

        self.check_agent(request)
        given = self.form(request)
        app = self.client_of(request, given)
        return JSONResponse(self.token_answer(self.issue(self.redeem(given, app))))

    def token_answer(self, issued: Issued) -> Json:
        answer = super().token_answer(issued) | {"token_type": "Bearer"}
        webhook = issued.grant.details.get("webhook")
        if webhook is not None:
            self._keep(webhook)
            answer["webhook"] = webhook
        return answer

    def revoke_token(self, request: Request) -> Response:
        """``POST /oauth2/token/revoke``."""
        from starlette.responses import JSONResponse

        given = self.form(request)
        self.client_of(request, given)
        super().revoke(str(given.get("token")))
        return JSONResponse({})

    # the API ---------------------------------------------------------------------------------------

    def check_agent(self, request: Request) -> None:
        """Stop who names no program, or with ``checks_agent`` one without Discord's form."""
        agent = request.headers.get("user-agent", "")
        if not agent or (self.checks_agent and not _AGENT.match(agent)):
            raise Answer(self.error(403, "40333", "internal network error"))

    def webhook(self, request: Request) -> Response:
        """``GET /webhooks/{id}/{token}``: no header proves anything, the address does."""
        from starlette.responses import JSONResponse

        return JSONResponse(self._webhook(request))

    def delete_webhook(self, request: Request) -> Response:
        """``DELETE /webhooks/{id}/{token}``."""
        from starlette.responses import Response

        del self.webhooks[self._webhook(request)["id"]]
        return Response(status_code=204)

    def _webhook(self, request: Request) -> Json:
        self.check_agent(request)
        found = self.webhooks.get(request.path_params["webhook_id"])
        if found is None:
            raise Answer(self.error(404, "10015", "Unknown Webhook"))
        if found["token"] != request.path_params["token"]:
            raise Answer(self.error(401, "50027", "Invalid Webhook Token"))
        return found

    def me(self, request: Request) -> Response:
        """``GET /users/@me``: a bot's own account."""
        from starlette.responses import JSONResponse

        self.check_agent(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.grant_of(token)
        if grant is None or (scheme, grant.kind) not in (("Bot", "key"), ("Bearer", "oauth2")):
            raise Answer(self.error(401))
        person, bot = self.people[grant.username], grant.kind == "key"
        known: Json = {"id": person.id, "username": person.username, "avatar": None, "discriminator": "0"}
        if bot:
            known |= {"id": str(int(person.id) + 50), "username": f"{person.username}-bot", "bot": True}
        known |= {"public_flags": 0, "flags": 0, "global_name": None, "mfa_enabled": True, "locale": "en-US"}
        return JSONResponse(known)


_STATUS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}
