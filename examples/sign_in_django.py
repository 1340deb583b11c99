"""A Django application whose users sign their accounts in; credentials are rows of its own database.

``finish_login`` runs inside the view's transaction, in the request's own thread: the credential and the user's account
are committed together, or neither is. Everything is in this one file; in a project the models go to an app.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path

from socialkit import App, Client, Identity, Post
from socialkit.adapters.base import Credential
from socialkit.errors import AuthError, ConfigError
from socialkit.registry import account_class
from socialkit.store import credential_from_dict, credential_to_dict


def configure(folder: Path) -> None:
    """Settings of a project with one SQLite database; sessions are kept in it, not in cookies."""
    settings.configure(
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=hashlib.sha256(str(folder).encode()).hexdigest(),
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.sessions"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "app.db")},
        },
    )
    django.setup()


def make_models() -> tuple[Any, Any]:
    """The two tables: who may use which account, and the credentials. Django wants its settings first."""
    from django.db import models

    class Token(models.Model):
        key = models.CharField(max_length=300, primary_key=True)  # Identity.key
        credential = models.JSONField()  # every field; encrypt it where your database is not yours alone

        class Meta:
            app_label = "harbour"

    class Account(models.Model):
        user = models.CharField(max_length=100)
        platform = models.CharField(max_length=40)
        server = models.CharField(max_length=200)
        native_id = models.CharField(max_length=200)
        name = models.CharField(max_length=200, null=True)

        class Meta:
            app_label = "harbour"

    return Token, Account


class OrmTokens:
    """A token store in the ORM.

    A renewal must outlive the request that made it, so publish outside of transactions: what a rolled back transaction
    saved is gone, and the old refresh token may be spent. The lock is one of the operating system, not of the
    database, because it is held while the platform is asked.
    """

    def __init__(self, token: Any, locks: Path) -> None:
        self._rows, self._locks = token.objects, locks
        locks.mkdir(parents=True, exist_ok=True)

    def load(self, identity: Identity) -> Credential | None:
        row = self._rows.filter(key=identity.key).first()
        return credential_from_dict(row.credential) if row else None

    def save(self, identity: Identity, credential: Credential) -> None:
        self._rows.update_or_create(key=identity.key, defaults={"credential": credential_to_dict(credential)})

    @contextlib.contextmanager
    def lock(self, identity: Identity) -> Iterator[None]:
        name = hashlib.sha256(identity.key.encode()).hexdigest()
        with (self._locks / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class Harbour:
    """The views, with the client they share: one for the process, for all threads."""

    def __init__(self, folder: Path, apps: Mapping[str, App], address: str, **options: Any) -> None:
        self.token, self.account = make_models()
        self.address = address.rstrip("/")
        tokens = OrmTokens(self.token, folder / "locks")
        self.client = Client(apps=apps, tokens=tokens, store=str(folder / "socialkit.db"), **options)

    def connect(self, request: HttpRequest, platform: str) -> HttpResponse:
        """Send the browser to the consent page; what has to be remembered is in the server's session."""
        login = self.client.begin_login(
            platform, redirect_uri=f"{self.address}/callback", server=request.GET.get("server")
        )
        request.session["login"] = login.to_dict()
        return HttpResponseRedirect(str(login.url))

    def callback(self, request: HttpRequest) -> HttpResponse:
        """The browser is back: the credential and the account's row are committed together."""
        from django.db import transaction

        if (login := request.session.pop("login", None)) is None:
            return JsonResponse({"error": "no sign-in is under way in this browser; begin again"}, status=400)
        came = f"{self.address}/callback?{request.META['QUERY_STRING']}"
        try:
            with transaction.atomic():
                account = self.client.finish_login(login, came)
                for one in (account, *account.others):
                    self.keep(request, one.identity)
        except (AuthError, ConfigError) as error:
            return JsonResponse({"error": str(error)}, status=400)
        return JsonResponse({"name": account.identity.name, "missing_scopes": list(account.missing_scopes)})

    def keep(self, request: HttpRequest, who: Identity) -> None:
        """This user may use that account."""
        user = request.session.session_key or ""
        found = {"user": user, "platform": who.platform, "server": who.server, "native_id": who.id}
        self.account.objects.update_or_create(**found, defaults={"name": who.name})

    def publish(self, request: HttpRequest) -> HttpResponse:
        """Publish with all accounts of this user; credentials are found by who they belong to."""
        given = json.loads(request.body)
        rows = self.account.objects.filter(user=request.session.session_key)
        who = [Identity(row.platform, row.server, row.native_id, row.name) for row in rows]
        report = self.client.publish(
            Post(given["text"]),
            [account_class(one.platform).signed_in(one) for one in who],
            idempotency_key=request.headers["Idempotency-Key"],
            errors="return",
        )
        return JsonResponse(report.to_dict(), status=201 if report.ok else 502)


urlpatterns: list[Any] = []


def serve(harbour: Harbour) -> None:
    """Give the views their addresses."""
    from django.views.decorators.csrf import csrf_exempt

    urlpatterns[:] = [
        path("connect/<str:platform>", harbour.connect),
        path("callback", harbour.callback),
        path("posts", csrf_exempt(harbour.publish)),
    ]
