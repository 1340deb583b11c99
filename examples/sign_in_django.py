"""A Django application whose users sign their accounts in; credentials are rows of its own database.

``finish_login`` runs inside a transaction, in the request's own thread: the credential and the user's account are
committed together, or neither is. Everything is in this one file; in a project the models go to an app.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import fcntl
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path

from socialkit import Client, Identity, Post
from socialkit.adapters.base import Credential
from socialkit.errors import ConfigError, PlatformError, SocialKitError
from socialkit.registry import account_class
from socialkit.store import FileTokens, credential_from_dict, credential_to_dict

PUBLIC = re.compile(r"(https://)?([\w-]+\.)+[^\W\d][\w-]+/?")
urlpatterns: list[Any] = []


def make_project(folder: Path, host: str, secret_key: str) -> tuple[Any, Any]:
    """A project on https whose SQLite database keeps the sessions as well: its models for credentials and accounts."""
    options = {"transaction_mode": "IMMEDIATE", "timeout": 30}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "app.db"), "OPTIONS": options}
    settings.configure(
        ALLOWED_HOSTS=[host],
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.sessions", __name__],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=secret_key,
        SESSION_COOKIE_SECURE=True,
    )
    django.setup()

    class Token(models.Model):
        key = models.CharField(max_length=300, primary_key=True)  # Identity.key
        credential = models.JSONField()  # every field; encrypt it where your database is not yours alone

    class Account(models.Model):
        user, platform, server, native_id = (models.CharField(max_length=200) for _ in range(4))

    Token._meta.app_config.models_module = models  # not None: there are models, though no models.py
    call_command("migrate", run_syncdb=True, verbosity=0)
    return Token, Account


class OrmTokens:
    """A token store in the ORM. Publish outside of transactions: a renewal that is rolled back has spent its token.

    The locks are files, not rows, because they are held while the platform is asked; they wait without blocking the
    thread, which may hold another one. ``alone`` is a lock on all, around the transaction of a sign-in: a renewal
    meanwhile would find the database locked, or a credential that is not committed yet.
    """

    def __init__(self, token: Any, folder: Path) -> None:
        self._rows, self._files, self._all = token.objects, FileTokens(folder / "locks"), folder / "all.lock"
        self._is_alone = contextvars.ContextVar("alone", default=False)

    def load(self, identity: Identity) -> Credential | None:
        row = self._rows.filter(key=identity.key).first()
        return credential_from_dict(row.credential) if row else None

    def save(self, identity: Identity, credential: Credential) -> None:
        self._rows.update_or_create(key=identity.key, defaults={"credential": credential_to_dict(credential)})

    @contextlib.asynccontextmanager
    async def lock(self, identity: Identity) -> AsyncIterator[None]:
        with self._all.open("w") as file:
            while not self._is_alone.get():
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    break
                await asyncio.sleep(0.02)
            async with self._files.lock(identity):
                yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with self._all.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = self._is_alone.set(True)
            try:
                yield
            finally:
                self._is_alone.reset(before)


class Harbour:
    """The views, with the client they share: one for all threads. A user is a session; in a project, request.user."""

    def __init__(self, account: Any, tokens: OrmTokens, address: str, **options: Any) -> None:
        self.account, self.tokens, self.address = account, tokens, address.rstrip("/")
        self.client = Client(tokens=tokens, **options)  # apps=, store=
        views = {"connect/<str:platform>": self.connect, "callback": self.callback, "posts": self.publish}
        urlpatterns[:] = [path(route, self.answer, {"view": view}) for route, view in views.items()]

    def answer(self, request: HttpRequest, view: Callable[..., HttpResponse], **given: str) -> HttpResponse:
        """The person said no, the callback was used before, the platform is away: the words say what to do."""
        try:
            return view(request, **given)
        except SocialKitError as error:
            status = 502 if isinstance(error, PlatformError) else 400
            return JsonResponse({"error": str(error)}, status=status)

    def connect(self, request: HttpRequest, platform: str) -> HttpResponse:
        """Send the browser to the consent page; what has to be remembered is in the server's session."""
        if (server := request.GET.get("server")) and not PUBLIC.fullmatch(server):
            raise ConfigError("write the server as https://example.com")
        login = self.client.begin_login(platform, redirect_uri=f"{self.address}/callback", server=server)
        if login.url is None or login.asks or login.user_code:
            raise ConfigError(f"{platform}: no browser comes back from this sign-in; ask in a form")
        request.session["login"] = login.to_dict()
        return HttpResponseRedirect(login.url)

    def callback(self, request: HttpRequest) -> HttpResponse:
        """The browser is back: the credential and the account's row are committed together."""
        if (login := request.session.get("login")) is None:
            raise ConfigError("no sign-in is under way in this browser; begin again")
        came = f"{self.address}/callback?{request.META['QUERY_STRING']}"
        with self.tokens.alone(), transaction.atomic():
            account = self.client.finish_login(login, came)
            for who in (one.identity for one in (account, *account.others)):
                found = {"platform": who.platform, "server": who.server, "native_id": who.id}
                self.account.objects.get_or_create(user=request.session.session_key, **found)
        del request.session["login"]
        return JsonResponse({"name": account.identity.name, "missing_scopes": list(account.missing_scopes)})

    def publish(self, request: HttpRequest) -> HttpResponse:
        """Publish with all accounts of this user; credentials are found by who they belong to."""
        text, key = request.POST.get("text"), request.headers.get("Idempotency-Key")
        if not (text and key):
            raise ConfigError("send the text of the post, and a key of its own in the header Idempotency-Key")
        rows = self.account.objects.filter(user=request.session.session_key)
        who = [Identity(row.platform, row.server, row.native_id) for row in rows]
        accounts = [account_class(one.platform).signed_in(one) for one in who]
        report = self.client.publish(Post(text), accounts, idempotency_key=key, errors="return")
        return JsonResponse(report.to_dict(), status=201 if report.ok else 502)
