"""A web application whose users sign their accounts in, on FastAPI.

Two addresses do it: ``/connect/{platform}`` sends the browser to the platform's consent page, ``/callback`` takes it
back. What has to be remembered in between holds secrets, so it stays on the server; the browser gets a random name for
it in a cookie, and a callback without that cookie is somebody else's.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from socialkit import App, AsyncClient, Login, Post
from socialkit.auth import Account
from socialkit.errors import AuthError, SocialKitError

COOKIE = "signing-in"


def make_app(apps: Mapping[str, App], store: str, address: str, **options: Any) -> FastAPI:
    """``address`` is how browsers reach this application, such as https://app.example.com."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncClient(apps=apps, store=store, **options) as client:
            app.state.client = client
            yield

    app = FastAPI(lifespan=lifespan)
    app.state.address = address.rstrip("/")
    app.state.logins = {}  # one process; several keep them in their database, as Login.to_dict()
    app.state.accounts = {}  # in a real application: your table of this user's accounts
    app.add_exception_handler(SocialKitError, refused)
    app.add_api_route("/connect/{platform}", connect, methods=["GET"])
    app.add_api_route("/callback", callback, methods=["GET"])
    app.add_api_route("/posts", publish, methods=["POST"])
    return app


async def connect(request: Request, platform: str, server: str | None = None) -> Response:
    """Send the browser to the consent page."""
    state = request.app.state
    login = await state.client.begin_login(
        platform, redirect_uri=f"{state.address}/callback", server=server, capabilities=("publish", "metrics")
    )
    drop_old(state)
    name = secrets.token_urlsafe(32)
    state.logins[name] = login
    answer = RedirectResponse(login.url, 302)
    https = state.address.startswith("https://")
    answer.set_cookie(COOKIE, name, max_age=600, httponly=True, samesite="lax", secure=https)
    return answer


def drop_old(state: Any) -> None:
    """Forget the sign-ins nobody came back from."""
    now = datetime.now(UTC)
    state.logins = {name: login for name, login in state.logins.items() if login.expires_at > now}


async def callback(request: Request) -> Response:
    """The browser is back: who is it?"""
    state = request.app.state
    login: Login | None = state.logins.pop(request.cookies.get(COOKIE, ""), None)
    if login is None:
        return JSONResponse({"error": "no sign-in is under way in this browser; begin again"}, 400)
    came = f"{state.address}/callback?{request.url.query}"  # behind a proxy, request.url has another host
    account = await state.client.finish_login(login, came)
    for one in (account, *account.others):
        state.accounts[one.identity.key] = one
    return JSONResponse(
        {
            "accounts": [shown(one) for one in (account, *account.others)],
            "missing_scopes": account.missing_scopes,
        }
    )


def shown(account: Account) -> dict[str, str | None]:
    return {"key": account.identity.key, "name": account.identity.name}


async def publish(request: Request) -> Response:
    """Publish with one of the accounts that signed in; the credential is found by itself, and renewed."""
    state, given = request.app.state, await request.json()
    account: Account = state.accounts[given["account"]]
    report = await state.client.publish(
        Post(given["text"]),
        account.adapter,
        idempotency_key=request.headers["idempotency-key"],
        errors="return",
    )
    return JSONResponse(report.to_dict(), 201 if report.ok else 502)


async def refused(request: Request, error: Exception) -> Response:
    """The person said no, the callback was used before, the app is not set up: the words say what to do."""
    return JSONResponse({"error": str(error)}, 400 if isinstance(error, AuthError | ValueError) else 502)
