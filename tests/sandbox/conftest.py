"""What the sandbox's own tests share: an in-process httpx client, and the smallest platform there can be."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest
from starlette.responses import JSONResponse

from socialkit.sandbox import Answer, Entry, PlatformBox, Sandbox
from socialkit.sandbox.core import Window, body


@pytest.fixture
async def http() -> AsyncIterator[Callable[[Sandbox], httpx.AsyncClient]]:
    """``http(box)`` gives an httpx client whose requests the box answers."""
    opened: list[httpx.AsyncClient] = []

    def make(box: Sandbox, **options) -> httpx.AsyncClient:
        opened.append(httpx.AsyncClient(transport=box.transport, **options))
        return opened[-1]

    yield make
    for client in opened:
        await client.aclose()


class ToyBox(PlatformBox):
    """``POST /notes`` posts the JSON field ``text``; ``GET /notes`` lists; ``POST /files`` uploads."""

    platform = "toy"
    hosts = ("toy.example.com",)
    publish_match = "POST /notes"
    upload_match = "POST /files"
    windows = (Window("notes", 3, 60.0, "POST /notes"),)

    def __init__(self, box):
        super().__init__(box)
        self._ids = itertools.count(1)
        self._seen = self.key_cache(3600.0)

    def routes(self):
        return [
            self.route("POST", "/notes", self.create),
            self.route("GET", "/notes", self.list),
            self.route("DELETE", "/notes/{id}", self.delete),
            self.route("POST", "/files", self.upload),
        ]

    def error(self, status, code="", message=""):
        return JSONResponse({"error": message}, status)

    def new_id(self):
        return f"n{next(self._ids)}"

    def limit_headers(self, allowance):
        return {"x-left": str(allowance.remaining), "x-reset": allowance.reset.isoformat()}

    def create(self, request):
        key = request.headers.get("idempotency-key")
        if key and self.keys_honoured and (first := self._seen.get(key, self.now())):
            return JSONResponse({"id": first})
        entry = Entry(self.new_id(), "brand", body(request).json().get("text", ""), self.now(), key=key)
        if not entry.text:
            raise Answer(self.error(422, message="empty"))
        self.add(entry)
        if key:
            self._seen.put(key, entry.id, self.now())
        return JSONResponse({"id": entry.id}, 201)

    def list(self, request):
        return JSONResponse([{"id": entry.id, "text": entry.text} for entry in self.listed()])

    def delete(self, request):
        entry = self.find(request.path_params["id"])
        if entry is None:
            raise Answer(self.error(404, message="none"))
        self.remove(entry)
        return JSONResponse({})

    def upload(self, request):
        ready, fails = self.processing()
        read = body(request)
        upload = read.files.get("file") or read.upload
        size = upload.size if upload else None
        return JSONResponse({"ready": ready.isoformat(), "fails": fails, "size": size, "fields": read.fields})


@pytest.fixture
def toy() -> Iterator[Sandbox]:
    """A sandbox of the toy platform alone."""
    with Sandbox([ToyBox]) as box:
        yield box
