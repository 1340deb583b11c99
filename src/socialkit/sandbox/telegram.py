"""Telegram's Bot API as far as a bot says who it is; the token stands in the path.

Facts: the Bot API's documentation and the server's source, read in November 2026.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ._keyed import Keyed, Person
from .core import Answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["TelegramBox"]

Json = dict[str, Any]
_TOKEN = re.compile(r"\d+:[\w-]{35}")


class TelegramBox(Keyed):
    """Two bots, ``brand`` and ``other``, whose tokens @BotFather gave.

    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["telegram"]) as box:
    ...     print(box.telegram.answers("bot_token")["bot_token"].partition(":")[0])
    7100000001
    """

    platform: ClassVar[str] = "telegram"
    title: ClassVar[str] = "Telegram"
    publishes: ClassVar[bool] = False
    hosts = ("api.telegram.org",)

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people = {
            "brand": Person("7100000001", "brand_bot", "Brand"),
            "other": Person("7100000002", "other_bot", "Other"),
        }

    def routes(self) -> list[BaseRoute]:
        path = "/bot{token}/{method}"
        return [self.route("GET", path, self.call), self.route("POST", path, self.call)]

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        from starlette.responses import JSONResponse

        words = {401: "Unauthorized", 404: "Not Found", 500: "Internal Server Error: restart"}.get(status)
        description = words or f"Bad Request: {message or code}"
        return JSONResponse({"ok": False, "error_code": status, "description": description}, status)

    def redact(self, path: str) -> str:
        return re.sub(r"/bot[^/]+", "/bot***", path)

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        return {}

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        return {"bot_token": self.key_of(username)}

    def new_key(self, username: str, place: str) -> str:
        return f"{self.people[username].id}:AA{self.digest('token', username, place)[:33]}"

    def call(self, request: Request) -> Response:
        """Every method of the Bot API; names are read without regard to case."""
        from starlette.responses import JSONResponse

        token = request.path_params["token"]
        if not _TOKEN.fullmatch(token):
            raise Answer(self.error(404))
        grant = self.grant_of(token)
        if grant is None:
            raise Answer(self.error(401))
        if request.path_params["method"].lower() != "getme":
            raise Answer(self.error(404))
        return JSONResponse({"ok": True, "result": self._bot(self.people[grant.username])})

    def _bot(self, person: Person) -> Json:
        named = {"first_name": person.name, "username": person.username}
        may = {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        more = {"can_connect_to_business": False, "has_main_web_app": False}
        return {"id": int(person.id), "is_bot": True, **named, **may, **more}
