"""A call that records what an adapter asks for and answers from a script: no machinery, no network, no waiting.

    call = FakeCall(adapter, facts, answers=[answer({"data": {"id": "1"}})])
    sent = await adapter.send(part, call)
    assert call.asked[0].json == {"text": "Ahoy"}

Answers are used up in order; an exception among them is raised, a function is called with the request.
"""

from __future__ import annotations

import json as jsonlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.parser import BytesParser
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from socialkit import auth
from socialkit._shelf import Shelf
from socialkit.adapters.base import AccountFacts, Adapter, Credential, PartMedia, Response, Sent
from socialkit.model import Post
from socialkit.plan import TargetPlan
from socialkit.plan._planner import plan_target
from socialkit.transport._body import make_body

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@attrs.frozen
class Asked:
    """One request as it would have left: its kind of step, absolute URL with query, headers, body."""

    step: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    options: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def fields(self) -> dict[str, bytes]:
        """The fields of a multipart body."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        parts: Any = BytesParser().parsebytes(head + self.body).get_payload()
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in parts
        }


Scripted = Response | Exception | Callable[[Asked], Response]


def answer(
    json: Any = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Response:
    """An answer with a JSON body, or with any other."""
    body = jsonlib.dumps(json).encode() if content is None else content
    kind = "application/json" if content is None else "text/html"
    return Response(status, {"content-type": kind, **(headers or {})}, body)


class FakeBlob:
    """Bytes as a medium that is streamed."""

    def __init__(self, item: PartMedia, data: bytes) -> None:
        self.data, self.size, self.mime = data, len(data), item.mime
        self.name = item.name
        self.digest: str | None = item.digest

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        piece = self.data[start:stop]
        for at in range(0, len(piece), 256 * 1024):
            yield piece[at : at + 256 * 1024]

    async def read(self) -> bytes:
        return self.data


class FakeCall:
    """Implements ``base.Call``. ``memory`` is what the part remembers; give it to a second call to resume.

    ``hears_no``: answers of status 2xx that mean no are errors, as for the account's own requests.
    ``heard`` is what a web socket says.
    """

    account = "brand"

    def __init__(
        self,
        adapter: Adapter,
        facts: AccountFacts | None = None,
        answers: Iterable[Scripted] = (),
        *,
        previous: Sent | None = None,
        root: Sent | None = None,
        now: datetime = NOW,
        memory: dict[str, Any] | None = None,
        blobs: Mapping[str, bytes] | None = None,
        credential: Credential | None = None,
        lost: bool = False,
        hears_no: bool = False,
        heard: Iterable[str] = (),
    ) -> None:
        self.heard, self.listened = list(heard), list[tuple[str, float]]()
        self.lost, self.hears_no = lost, hears_no
        self.adapter, self._facts, self.answers = adapter, facts, list(answers)
        self.previous, self.root = previous, root or previous
        self.at = now
        self.memory: dict[str, Any] = {} if memory is None else memory
        self.secrets: set[str] = set()
        self.lifetimes: dict[str, float | None] = {}
        self.blobs = dict(blobs or {})
        self.credential = credential or adapter.seed
        self.asked: list[Asked] = []
        self.waits: list[float] = []
        self.random = random.Random(7)

    # --- what the adapter may know --------------------------------------------------------------------------
    @property
    def facts(self) -> AccountFacts:
        assert self._facts is not None, "facts are not known inside Adapter.account"
        return self._facts

    def now(self) -> datetime:
        return self.at

    async def signed_by(self) -> Credential:
        return self.credential

    def recall(self, name: str) -> Any:
        return self.memory.get(name)

    def remember(
        self, name: str, value: Any, *, expires_in: float | None = None, secret: bool = False
    ) -> None:
        self.memory[name] = jsonlib.loads(jsonlib.dumps(value))
        self.lifetimes[name] = expires_in
        if secret:
            self.secrets.add(name)

    async def open(self, medium: PartMedia) -> FakeBlob:
        return FakeBlob(medium, self.blobs.get(medium.digest, bytes(medium.size)))

    async def host(self, medium: PartMedia) -> str:
        given = medium.source.removeprefix("url:")
        return (
            given
            if given != medium.source
            else f"https://files.example.com/{medium.digest[:8]}/{medium.name}"
        )

    async def card(self, url: str) -> None:
        return None

    # --- the steps ------------------------------------------------------------------------------------------
    async def read(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._ask("read", method, url, request)

    async def prepare(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._ask("prepare", method, url, request)

    async def commit(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._ask("commit", method, url, request)

    async def attach(self, method: str, url: str, /, **request: Any) -> Response:
        return await self._ask("attach", method, url, request)

    async def poll(
        self,
        look: Callable[[], Awaitable[Response]],
        ready: Callable[[Response], bool],
        *,
        waits: Iterable[float] = (1, 2, 4, 8),
        limit: float = 600,
    ) -> Response:
        steps: Iterator[float] = iter(waits)
        last = 1.0
        while not ready(response := await look()):
            last = next(steps, last)
            self.waits.append(last)
            assert sum(self.waits) <= limit, "polled past its limit"
        return response

    async def listen(self, url: str, /, *, done: Callable[[str], bool], limit: float = 60) -> str | None:
        self.listened.append((url, limit))
        return next((message for message in self.heard if done(message)), None)

    async def _ask(self, step: str, method: str, url: str, request: dict[str, Any]) -> Response:
        asked = await self._as_sent(step, method, url, request)
        self.asked.append(asked)
        assert self.answers, f"no answer is scripted for {method} {url}"
        scripted = self.answers.pop(0)
        if isinstance(scripted, Exception):
            raise scripted
        told = scripted if isinstance(scripted, Response) else scripted(asked)
        response = attrs.evolve(told, url=asked.url, method=method, received_at=self.at)
        fine = 200 <= response.status < 300 and not (self.hears_no and self.adapter.says_no(response))
        if fine or response.status in request.get("accept", ()):
            return response
        raise self.adapter.parse_error(response)

    async def _as_sent(self, step: str, method: str, url: str, request: dict[str, Any]) -> Asked:
        target = url if "://" in url else f"{self.adapter.server}{url}"
        if params := request.get("params"):
            pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
            target += ("&" if "?" in target else "?") + urlencode(pairs)
        body = make_body(
            request.get("json", ...),
            request.get("form"),
            request.get("content"),
            request.get("multipart"),
            self.random,
        )
        content = b"".join([piece async for piece in body]) if body else b""
        headers = {"content-type": body.mime} if body and body.mime else {}
        if request.get("auth", True):
            headers |= self._signed(request.get("credential") or self.credential, method, target)
        return Asked(step, method, target, headers | dict(request.get("headers", {})), content, request)

    def _signed(self, credential: Credential, method: str, url: str) -> dict[str, str]:
        if credential.kind == "oauth1":
            return auth.sign_oauth1(credential, method, url, self.now())
        return self.adapter.authorize(credential)


async def plan(adapter: Adapter, post: Post, call: FakeCall) -> TargetPlan:
    """The plan the library makes of a post for this account."""
    rules = adapter.rules_for(call.facts)
    owner: Any = SimpleNamespace(adapter=adapter, name=call.account, rules=rules, rules_digest="", hosts=True)
    targets = frozenset({call.account, adapter.platform})
    return await plan_target(owner, post, call, Shelf(None), targets=targets)
