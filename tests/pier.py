"""A platform that fetches pictures by itself: ``POST /notes`` with a text and an address. For tests of media hosts."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from socialkit.adapters import base
from socialkit.adapters.base import AccountFacts, Call, Part, Sent
from socialkit.model import Identity
from socialkit.rules import Budget, ImageRule, Rules, Source, TextRule
from socialkit.sandbox import Answer, Entry, PlatformBox
from socialkit.sandbox.core import body


class Pier(base.Adapter):
    """One account; its only picture is fetched by the platform."""

    platform: ClassVar[str] = "pier"
    title: ClassVar[str] = "Pier"
    rules: ClassVar[Rules] = Rules(
        text=TextRule(280, "codepoints"),
        images=ImageRule(1, 10**7, frozenset({"image/png"}), by_url=True),
        budgets=(Budget("writes", "account", 1, 3600.0, match="POST|PUT .*"),),
        sources=(Source("pier.example.com/api", "2026-11-25"),),
    )

    def __init__(self, token: str | None = None, *, server: str = "https://pier.example.com") -> None:
        super().__init__(server, base.Credential("bearer", access_token=token))

    async def account(self, call: Call) -> AccountFacts:
        return AccountFacts(Identity(self.platform, self.server, "u1", "brand"))

    async def plan(self, draft: base.Draft, call: Call) -> Part:
        return Part(draft.index, {"text": draft.post.text}, draft.post.text)

    async def send(self, part: Part, call: Call) -> Sent:
        pictures = [await call.host(item) for item in part.media]
        told = await call.commit("POST", "/notes", json={**part.body, "pictures": pictures})
        return Sent(told.json()["id"], f"{self.server}/notes/{told.json()['id']}")


class PierBox(PlatformBox):
    """Keeps what it fetched in the entry's media."""

    platform: ClassVar[str] = "pier"
    title: ClassVar[str] = "Pier"
    hosts = ("pier.example.com",)
    publish_match: ClassVar[str] = "POST /notes"
    numbers = itertools.count(1)

    def routes(self) -> Any:
        return [self.route("POST", "/notes", self.create)]

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {"server": base_url or "https://pier.example.com", "token": "t0ken-of-the-pier"}

    def error(self, status: int, code: str = "", message: str = "") -> Response:
        return JSONResponse({"message": message}, status)

    def new_id(self) -> str:
        return f"n{next(self.numbers)}"

    def create(self, request: Request) -> Response:
        given = body(request).json()
        fetched = [self.box.files.fetch(url) for url in given["pictures"]]
        if None in fetched:
            raise Answer(
                self.error(400, message=f"nothing to fetch at {given['pictures'][fetched.index(None)]}")
            )
        media = [{"mime": one.kind.mime, "sha256": one.sha256, "size": one.size} for one in fetched if one]
        entry = self.add(Entry(self.new_id(), "brand", given["text"], self.now(), media=media))
        return JSONResponse({"id": entry.id}, 201)
