"""Many requests in one, as Meta's Graph API takes them: each is answered as if it had come alone.

Facts: Meta's documentation of batch requests, Graph API v26.0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from .bodies import Body
from .core import Answer, PlatformBox
from .dispatch import drive
from .meta_auth import MetaSignIn

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["BATCH", "answer_batch", "batched", "first_of"]

Json = dict[str, Any]
Scope = dict[str, Any]
BATCH = 50
_KEPT = frozenset({"type", "asgi", "http_version", "scheme", "server", "client", "root_path", "extensions"})


def batched(platform: MetaSignIn, request: Request) -> list[Json]:
    """What the field ``batch`` holds; nothing where it cannot be read."""
    if not isinstance(request.scope["socialkit.body"], Body):
        return []
    try:
        items = json.loads(str(platform.given(request).get("batch") or "[]"))
    except ValueError:
        return []
    return items if isinstance(items, list) and all(isinstance(item, dict) for item in items) else []


def first_of(platform: MetaSignIn, request: Request, version: str) -> Request | None:
    """The first request of a batch, as it would come alone."""
    from starlette.requests import Request as Made

    items = batched(platform, request)
    return Made(_scope_of(request, items[0], platform.token_of(request), version)) if items else None


def answer_batch(platform: MetaSignIn, request: Request, version: str) -> Response:
    """``POST /``: up to 50 requests, each with its own answer as text; those of another platform of this host too."""
    from starlette.responses import JSONResponse

    items = batched(platform, request)
    if not items or len(items) > BATCH:
        words = f"(#100) Too many requests in batch message. Maximum batch size is {BATCH}"
        raise Answer(platform.graph_error(100, words))
    token = platform.token_of(request)
    heads = str(platform.given(request).get("include_headers", "true")).lower() not in ("false", "0")
    scopes = [_scope_of(request, item, token, version) for item in items]
    return JSONResponse([_one_of(platform, scope, heads) for scope in scopes])


def _scope_of(request: Request, item: Json, token: str, version: str) -> Scope:
    path, _, query = str(item.get("relative_url") or "").lstrip("/").partition("?")
    inner = parse_qsl(str(item.get("body") or ""), keep_blank_values=True)
    own = [("access_token", str(item.get("access_token") or token))]
    return {
        **{name: value for name, value in request.scope.items() if name in _KEPT},
        "headers": [pair for pair in request.scope["headers"] if pair[0] != b"authorization"],
        "method": str(item.get("method") or "GET").upper(),
        "path": f"/{version}/{path.removeprefix(f'{version}/').rstrip('/')}",
        "raw_path": b"",
        "query_string": query.encode(),
        "socialkit.body": Body("application/x-www-form-urlencoded", fields=[*own, *inner]),
    }


def _one_of(platform: PlatformBox, scope: Scope, heads: bool) -> Json:
    from starlette.requests import Request as Made

    there = platform.box.box_for(urlsplit(platform.base).hostname or "", Made(scope)) or platform
    held, there.turn = there.turn, platform.turn
    try:
        there.tick()
        messages = drive(there.app, scope, {})
    finally:
        there.turn = held
    text = b"".join(one.get("body", b"") for one in messages[1:]).decode()
    told: Json = {"code": messages[0]["status"], "body": text}
    if heads:
        pairs = messages[0]["headers"]
        told["headers"] = [{"name": name.decode(), "value": value.decode()} for name, value in pairs]
    return told
