"""A web application whose users sign their accounts in, on FastAPI.

Two addresses do it: ``/connect/{platform}`` sends the browser to the platform's consent page, ``/callback`` takes it
back. What has to be remembered in between holds secrets, so it stays on the server; the browser gets a random name for
it in a cookie, and a callback without that cookie is somebody else's.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Request
from fastapi.responses import JSONResponse, RedirectResponse

from socialkit import App, AsyncClient, Login, Post
from socialkit.auth import Account
from socialkit.errors import ConfigError, PlatformError, SocialKitError

COOKIE = "visitor"
PUBLIC = re.compile(r"(https://)?([\w-]+\.)+[^\W\d][\w-]+/?")
router = APIRouter()


@dataclass
class Visitor:
    """What is known of one browser. In a real application: your user's rows, the login as ``login.to_dict()``."""

    login: Login | None = None
    accounts: dict[str, Account] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether the sign-in took too long, and no other one brought an account."""
        return not self.accounts and (self.login is None or self.login.expires_at <= datetime.now(UTC))


def make_app(apps: Mapping[str, App], store: str, address: str, **options: Any) -> FastAPI:
    """``address`` is how browsers reach this application, such as https://app.example.com."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncClient(apps=apps, store=store, **options) as app.state.client:
            yield

    app = FastAPI(lifespan=lifespan)
    app.state.address = address.rstrip("/")
    app.state.visitors = {}
    app.add_exception_handler(SocialKitError, refused)
    app.include_router(router)
    return app


@router.get("/connect/{platform}")
async def connect(request: Request, platform: str, server: str | None = None) -> RedirectResponse:
    """Send the browser to the consent page."""
    state, name = request.app.state, request.cookies.get(COOKIE, "")
    if server and not PUBLIC.fullmatch(server):  # names that lead into your network are your firewall's
        raise ConfigError("write the server as https://example.com")
    login = await state.client.begin_login(platform, redirect_uri=f"{state.address}/callback", server=server)
    if login.url is None or login.asks or login.user_code:
        raise ConfigError(
            f"{platform}: no browser comes back from this sign-in; ask for {login.asks} in a form"
        )
    state.visitors = {known: visitor for known, visitor in state.visitors.items() if not visitor.gone}
    name = name if name in state.visitors else secrets.token_urlsafe(32)
    state.visitors.setdefault(name, Visitor()).login = login
    answer = RedirectResponse(login.url, 302)
    https = state.address.startswith("https://")
    answer.set_cookie(COOKIE, name, httponly=True, samesite="lax", secure=https)
    return answer


@router.get("/callback")
async def callback(request: Request) -> JSONResponse:
    """The browser is back: who is it? After an error that says so, the same address may be opened again."""
    state = request.app.state
    visitor: Visitor = state.visitors.get(request.cookies.get(COOKIE), Visitor())
    if visitor.login is None:
        return JSONResponse({"error": "no sign-in is under way in this browser; begin again"}, 400)
    came = f"{state.address}/callback?{request.url.query}"  # behind a proxy, request.url has another host
    account = await state.client.finish_login(visitor.login, came)
    visitor.login = None
    reached = {one.identity.key: one for one in (account, *account.others)}
    visitor.accounts |= reached
    names = [{"key": key, "name": one.identity.name} for key, one in reached.items()]
    return JSONResponse({"accounts": names, "missing_scopes": account.missing_scopes})


@dataclass
class Wanted:
    """What a user posts, and with which account."""

    account: str
    text: str


@router.post("/posts")
async def publish(
    request: Request, wanted: Wanted, idempotency_key: Annotated[str, Header()]
) -> JSONResponse:
    """Publish with an account of this user; its credential is found by itself, and renewed."""
    state = request.app.state
    visitor: Visitor = state.visitors.get(request.cookies.get(COOKIE), Visitor())
    if (account := visitor.accounts.get(wanted.account)) is None:
        return JSONResponse({"error": "you have no such account; sign it in"}, 404)
    report = await state.client.publish(
        Post(wanted.text), account.adapter, idempotency_key=idempotency_key, errors="return"
    )
    return JSONResponse(report.to_dict(), 201 if report.ok else 502)


async def refused(request: Request, error: Exception) -> JSONResponse:
    """The person said no, the callback was used before, the platform is away: the words say what to do."""
    return JSONResponse({"error": str(error)}, 502 if isinstance(error, PlatformError) else 400)
