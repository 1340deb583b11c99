"""A web application that posts, on Starlette. FastAPI takes the same ``lifespan`` and the same ``AsyncClient``.

One client for the whole application: it is opened when the server starts, shared by all requests, and closed with
the server. The caller's ``Idempotency-Key`` header is the key, so a browser that sends a form twice posts once.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from socialkit import AsyncClient, InvalidPost, KeyReused, Post, PublishErrors


def make_app(accounts: Mapping[str, Any], store: str, **options: Any) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncClient(accounts, store=store, **options) as client:
            app.state.client = client
            yield

    routes = [
        Route("/plan", plan, methods=["POST"]),
        Route("/posts", publish, methods=["POST"]),
        Route("/posts/{key}/metrics", metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def plan(request: Request) -> JSONResponse:
    """What would be sent, and every problem with its place: for a form that checks while one writes."""
    client, given = request.app.state.client, await request.json()
    made = await client.plan(Post(given["text"], split=True), given["to"])
    problems = [{"account": p.account, "field": p.field, "message": p.message} for p in made.problems]
    return JSONResponse({"ok": made.ok, "problems": problems, "changes": [str(one) for one in made.changes]})


async def publish(request: Request) -> JSONResponse:
    client, given = request.app.state.client, await request.json()
    key = request.headers["idempotency-key"]
    try:
        report = await client.publish(
            Post(given["text"], split=True), given["to"], idempotency_key=key, errors="return"
        )
    except InvalidPost as error:
        return JSONResponse({"problems": [str(problem) for problem in error.problems]}, 422)
    except (KeyReused, PublishErrors) as error:  # several accounts: a group of KeyReused
        return JSONResponse({"error": str(error)}, 409)
    return JSONResponse(report.to_dict(), 201 if report.ok else 502)


async def metrics(request: Request) -> JSONResponse:
    client = request.app.state.client
    past = await client.history(idempotency_key=request.path_params["key"])
    table = await client.fetch_metrics([receipt for report in past for receipt in report.receipts])
    return JSONResponse([{"account": row.account, "likes": row.likes, "shares": row.shares} for row in table])
