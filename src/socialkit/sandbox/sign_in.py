"""Signing people in, as every platform of the sandbox does it: apps, consent, codes, tokens that end, rotate and die.

A platform file mixes :class:`SignIn` into its box, says in class attributes how its platform differs, routes its own
paths to handlers of its own that use what is here, and answers in its platform's shapes. Paths, parameter names and
bodies are the platform file's: they come from the facts, not from :mod:`socialkit.flows`, so that a mistake shows.

    class HarbourBox(SignIn):
        access_seconds, rotation, scope_separator = 3600.0, "strict", " "
        known_scopes = frozenset({"read", "write"})

        def routes(self):
            return [*self.consent_routes("/oauth/authorize"), self.route("POST", "/oauth/token", self.give_token)]

        def give_token(self, request):
            given = self.form(request)
            app = self.client_of(request, given)                 # 401 in the platform's words
            grant = self.redeem(given, app)                      # a code or a refresh token, by grant_type
            return JSONResponse(self.token_answer(self.issue(grant)))

Tests and examples press the buttons of the consent page with :meth:`SignIn.approve` and :meth:`SignIn.deny`, or send a
browser to it. ``untick=`` leaves scopes out, ``username=`` is who agrees: another one than expected, say. Every box
has at least two people, "brand" and "other"; :meth:`SignIn.app_for`, :meth:`SignIn.address`, :meth:`SignIn.answers` and
:meth:`SignIn.identity_of` say what a table-driven test needs to sign one of them in.
"""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import attrs

from .core import Answer, PlatformBox, body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from .core import Sandbox

__all__ = ["Grant", "Issued", "RegisteredApp", "SignIn", "basic"]

Json = dict[str, Any]


@attrs.define(eq=False)
class RegisteredApp:
    """A developer app the platform knows. ``redirect_uris`` empty: any (a test did not care)."""

    client_id: str
    client_secret: str | None = attrs.field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    name: str = "Sandbox app"
    details: Json = attrs.field(factory=dict)


@attrs.frozen(eq=False)
class Grant:
    """What a person agreed to: who, what, for which app; ``family`` is shared by all tokens that come from it.

    ``username`` is "" for an app's own token. ``kind`` is oauth2, oauth1 or app; ``secret`` an OAuth 1.0a token's.
    """

    username: str
    scopes: frozenset[str]
    client_id: str = ""
    family: str = ""
    issued_at: datetime | None = None
    details: Json = attrs.field(factory=dict)
    kind: str = "oauth2"
    secret: str = attrs.field(default="", repr=False)

    def covers(self, scope: str) -> bool:
        """Whether it may do what needs ``scope``; ``write`` covers ``write:statuses``."""
        return scope in self.scopes or scope.partition(":")[0] in self.scopes


@attrs.frozen
class Issued:
    """A pair of tokens just made. ``expires_in`` is None for tokens that do not end."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    grant: Grant
    expires_in: int | None = None

    def scope(self, separator: str = " ") -> str:
        """The granted scopes, sorted, as one text."""
        return separator.join(sorted(self.grant.scopes))


class SignIn(PlatformBox):
    """The part of a box that knows who asks. Settable per box: ``access_seconds`` and its siblings."""

    access_seconds: float = math.inf
    refresh_seconds: float = math.inf
    code_seconds: float = 600.0
    rotation: Literal["none", "grace", "strict"] = "none"
    grace_seconds: float = 60.0
    replay_kills: bool = False
    """Whether the second use of a spent refresh token ends every token of its family."""
    confidential: bool = True
    """Whether apps must prove themselves with their secret."""
    client_auth: ClassVar[frozenset[str]] = frozenset({"body"})
    client_id_name: ClassVar[str] = "client_id"
    scope_name: ClassVar[str] = "scope"
    scope_separator: ClassVar[str] = " "
    known_scopes: ClassVar[frozenset[str]] = frozenset()
    """Empty: any scope is taken."""
    pkce: ClassVar[Literal["", "S256", "hex"]] = ""
    """"": the platform does not look at a challenge."""
    pkce_required: ClassVar[bool] = False
    unticks: ClassVar[bool] = True
    """Whether the consent page lets people leave scopes out. :meth:`approve` always does: a platform may grant less
    than was asked, for reasons of its own."""

    def __init__(self, box: Sandbox) -> None:
        super().__init__(box)
        self.people: dict[str, Any] = {}
        self.apps: dict[str, RegisteredApp] = {}
        self.codes: dict[str, Json] = {}
        self.grants: dict[str, Grant] = {}
        self.refreshes: dict[str, Grant] = {}
        self.spent_refreshes: dict[str, tuple[Grant, datetime]] = {}
        self.ended: dict[str, tuple[Grant, Literal["expired", "revoked"]]] = {}
        self._issued = 0
        self.refresh_count = 0
        """How often a refresh token was taken, for tests."""

    # what a platform file may replace --------------------------------------------------------------

    def credentials(self, base_url: str | None = None) -> dict[str, Any]:
        return {}

    def new_id(self) -> str:
        return self.serial("id")[:20]

    def oauth_error(self, code: str, words: str, status: int = 400) -> Answer:
        """An OAuth error in the platform's shape, to raise."""
        from starlette.responses import JSONResponse

        return Answer(JSONResponse({"error": code, "error_description": words}, status))

    def token_answer(self, issued: Issued) -> Json:
        """The token answer in the platform's shape."""
        answer: Json = {
            "access_token": issued.access_token,
            "token_type": "bearer",
            "scope": issued.scope(self.scope_separator),
        }
        if issued.expires_in is not None:
            answer["expires_in"] = issued.expires_in
        if self.gives_refresh(issued.grant):
            answer["refresh_token"] = issued.refresh_token
        return answer

    def gives_refresh(self, grant: Grant) -> bool:
        """Whether the answer carries a refresh token."""
        return not math.isinf(self.access_seconds)

    def callback_query(self, asked: Json, code: str) -> Json:
        """What goes back to the callback address."""
        return {"code": code, **self._state(asked)}

    def refused_query(self, asked: Json) -> Json:
        """What goes back when the person says no."""
        return {"error": "access_denied", **self._state(asked)}

    def _state(self, asked: Json) -> Json:
        return {"state": asked["state"]} if "state" in asked else {}

    def problem_of(self, asked: Json) -> str:
        """The error code the platform sends to the callback address at once, without asking anybody; "" for none."""
        return ""

    def app_asked(self, asked: Json) -> RegisteredApp:
        """The app of an authorize address; raises Answer when it is unknown, or the callback address is not its own."""
        app = self.apps.get(str(asked.get(self.client_id_name)))
        if app is None:
            raise self.oauth_error("invalid_client", "unknown client", 401)
        if app.redirect_uris and asked.get("redirect_uri") not in app.redirect_uris:
            raise self.oauth_error("invalid_request", "redirect_uri does not match")
        return app

    def check_asked(self, asked: Json) -> None:
        """Refuse an authorize address on the platform's own page; raises Answer."""
        self.app_asked(asked)
        if asked.get("response_type") != "code":
            raise self.oauth_error("unsupported_response_type", "response_type must be code")
        if unknown := self.asked_scopes(asked) - self.known_scopes if self.known_scopes else None:
            raise self.oauth_error("invalid_scope", f"unknown scopes: {' '.join(sorted(unknown))}")
        if self.pkce_required and not asked.get("code_challenge"):
            raise self.oauth_error("invalid_request", "code_challenge is missing")

    def names(self) -> dict[str, str]:
        """username → what the consent page calls the person."""
        return {username: getattr(person, "name", username) for username, person in self.people.items()}

    # how a person of the sandbox acts --------------------------------------------------------------

    def app_for(self, flow_name: str, redirect_uri: str = "") -> dict[str, str]:
        """Keyword arguments of ``App`` for that flow: an app of its own, which may be called back there."""
        client_id = self.digest("app", flow_name)[:20]
        secret = self.digest("app secret", flow_name)[:40] if self.confidential else None
        app = self.apps.get(client_id) or self.add_app(client_id, secret)
        return self.called_back(app, redirect_uri)

    def called_back(self, app: RegisteredApp, redirect_uri: str) -> dict[str, str]:
        """The app as keyword arguments, after it registered one more callback address."""
        if redirect_uri and redirect_uri not in app.redirect_uris:
            app.redirect_uris = (*app.redirect_uris, redirect_uri)
        secret = {"client_secret": app.client_secret} if app.client_secret else {}
        return {"client_id": app.client_id, **secret}

    def address(self, base_url: str | None = None) -> str:
        """The server to sign in at: the platform's API, or where :meth:`Sandbox.serve` answers for it."""
        return base_url or f"https://{self.hosts[0]}"

    def answers(self, flow_name: str, username: str = "brand") -> dict[str, str]:
        """What the person types or pastes, by the names of the flow's asks."""
        return {}

    def identity_of(self, username: str) -> str:
        """The native id a sign-in of that person ends with."""
        return str(self.people[username].id)

    # consent ---------------------------------------------------------------------------------------

    def add_app(
        self,
        client_id: str,
        client_secret: str | None = None,
        redirect_uris: Iterable[str] = (),
        **details: Any,
    ) -> RegisteredApp:
        """One more developer app."""
        app = RegisteredApp(client_id, client_secret, tuple(redirect_uris), details=details)
        self.apps[client_id] = app
        return app

    def asked_scopes(self, asked: Json) -> frozenset[str]:
        """The scopes an authorize address asks for."""
        text = str(asked.get(self.scope_name) or "")
        return frozenset(text.replace(self.scope_separator, " ").split())

    def consent_routes(self, path: str) -> list[BaseRoute]:
        """The consent page and its buttons."""
        return [self.route("GET", path, self.show_consent), self.route("POST", path, self.press)]

    def asked_in(self, url: str) -> Json:
        """What an authorize address asks for; platforms with pushed requests look them up."""
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))

    def approve(self, url: str, username: str = "brand", *, untick: Iterable[str] = ()) -> str:
        """The callback address the browser is sent to after ``username`` agreed, without the scopes in ``untick``."""
        asked = self.asked_in(url)
        self.check_asked(asked)
        if problem := self.problem_of(asked):
            return self.sent_back(asked, {"error": problem, **self._state(asked)})
        code = self.new_code(asked, username, self.asked_scopes(asked) - set(untick))
        return self.sent_back(asked, self.callback_query(asked, code))

    def deny(self, url: str) -> str:
        """The callback address after the person said no."""
        asked = self.asked_in(url)
        self.check_asked(asked)
        return self.sent_back(asked, self.refused_query(asked))

    def new_code(self, asked: Json, username: str, scopes: frozenset[str]) -> str:
        """A code, good once."""
        self.check_known(username)
        code = self.serial("code")[:40]
        self.codes[code] = {**asked, "username": username, "granted": scopes, "at": self.now()}
        return code

    def check_known(self, username: str) -> None:
        """A KeyError unless there is such a person."""
        if username not in self.people:
            raise KeyError(
                f"nobody called {username!r} on {self.platform}; there are {', '.join(self.people)}"
            )

    def sent_back(self, asked: Json, query: Json) -> str:
        """The callback address with a query."""
        return with_query(str(asked.get("redirect_uri") or ""), query)

    def show_consent(self, request: Request) -> Response:
        """The consent page: who, what, two buttons."""
        from starlette.responses import HTMLResponse, RedirectResponse

        asked = self.asked_in(str(request.url))
        self.check_asked(asked)
        if problem := self.problem_of(asked):
            return RedirectResponse(self.sent_back(asked, {"error": problem, **self._state(asked)}), 302)
        people = "".join(
            f'<label><input type="radio" name="username" value="{html.escape(one)}"'
            f"{' checked' * (index == 0)}> {html.escape(name)}</label>"
            for index, (one, name) in enumerate(self.names().items())
        )
        scopes = "".join(
            f'<label><input type="checkbox" name="granted" value="{html.escape(scope)}" checked'
            f"{' disabled' * (not self.unticks)}> "
            f"{html.escape(scope)}</label>"
            for scope in sorted(self.asked_scopes(asked))
        )
        return HTMLResponse(
            _PAGE.format(title=html.escape(self.title or self.platform), people=people, scopes=scopes)
        )

    def press(self, request: Request) -> Response:
        """A button of the consent page: ``decision`` is allow or deny."""
        from starlette.responses import RedirectResponse

        given = body(request)
        url = str(request.url)
        if given.get("decision") != "allow":
            return RedirectResponse(self.deny(url), 302)
        untick: frozenset[str] = frozenset()
        if self.unticks:
            untick = self.asked_scopes(self.asked_in(url)) - set(given.all("granted"))
        return RedirectResponse(self.approve(url, str(given.get("username") or "brand"), untick=untick), 302)

    # tokens ----------------------------------------------------------------------------------------

    def form(self, request: Request) -> Json:
        """The fields of a form body."""
        return dict(body(request).fields)

    def serial(self, what: str) -> str:
        """64 hexadecimal digits no other call gets."""
        self._issued += 1
        return self.digest(what, self._issued)

    def client_of(self, request: Request, given: Json) -> RegisteredApp:
        """The app that asks at the token address; 401 when it does not prove itself."""
        proof = basic(request) if "basic" in self.client_auth else None
        if proof is None and "body" in self.client_auth:
            proof = (str(given.get(self.client_id_name) or ""), str(given.get("client_secret") or ""))
        app = self.apps.get(proof[0]) if proof else None
        if app is None or (self.confidential and (app.client_secret or "") != (proof or ("", ""))[1]):
            raise self.oauth_error("invalid_client", "client authentication failed", 401)
        return app

    def redeem(self, given: Json, app: RegisteredApp | None = None) -> Grant:
        """What a code or a refresh token stands for; both are spent as the platform spends them. With ``app``: another
        app's are refused and stay."""
        kind = given.get("grant_type")
        if app is not None and self._owner(given) not in ("", app.client_id):
            raise self.oauth_error("invalid_grant", "it was given to another app")
        if kind == "authorization_code":
            return self.spend_code(given)
        if kind == "refresh_token":
            return self.spend_refresh(str(given.get("refresh_token")))
        raise self.oauth_error("unsupported_grant_type", "the grant type is not supported")

    def _owner(self, given: Json) -> str:
        """The client id of the app a code or refresh token was given to; "" when that is not known."""
        code = self.codes.get(str(given.get("code")))
        if given.get("grant_type") == "authorization_code" and code is not None:
            return str(code.get(self.client_id_name) or "")
        token = str(given.get("refresh_token"))
        grant = self.refreshes.get(token) or self.spent_refreshes.get(token, (None, None))[0]
        return grant.client_id if grant is not None else ""

    def spend_code(self, given: Json) -> Grant:
        """The grant behind a code: once, in time, for the same callback and the right verifier."""
        asked = self.codes.pop(str(given.get("code")), None)
        if asked is None or self.now() - asked["at"] >= timedelta(seconds=self.code_seconds):
            raise self.oauth_error("invalid_grant", "the code is invalid or expired")
        if asked.get("redirect_uri") and given.get("redirect_uri") != asked["redirect_uri"]:
            raise self.oauth_error("invalid_grant", "redirect_uri does not match")
        if not self.challenge_holds(asked, given):
            raise self.oauth_error("invalid_grant", "code_verifier does not match")
        client = str(asked.get(self.client_id_name) or "")
        return Grant(asked["username"], asked["granted"], client, self.serial("family")[:16], details=asked)

    def challenge_holds(self, asked: Json, given: Json) -> bool:
        """Whether the verifier is that of the challenge, where the platform looks at one."""
        challenge = asked.get("code_challenge")
        return not self.pkce or not challenge or self._challenge(asked, given) == challenge

    def _challenge(self, asked: Json, given: Json) -> str:
        verifier = str(given.get("code_verifier") or "").encode()
        if self.pkce == "hex":
            return hashlib.sha256(verifier).hexdigest()
        if asked.get("code_challenge_method") == "S256":
            return base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        return verifier.decode()

    def spend_refresh(self, token: str) -> Grant:
        """The grant behind a refresh token, which lives on, lives a while, or dies, as the platform has it."""
        self.refresh_count += 1
        grant = self.refreshes.get(token)
        if grant is None:
            grant = self._replayed(token)
        if grant.issued_at and (self.now() - grant.issued_at).total_seconds() >= self.refresh_seconds:
            raise self.oauth_error("invalid_grant", "the refresh token expired")
        if self.rotation != "none":
            self.refreshes.pop(token, None)
            self.spent_refreshes.setdefault(token, (grant, self.now()))
        return grant

    def _replayed(self, token: str) -> Grant:
        grant, at = self.spent_refreshes.get(token, (None, None))
        if grant is not None and at is not None:
            if self.rotation == "grace" and (self.now() - at).total_seconds() < self.grace_seconds:
                return grant
            if self.replay_kills:
                self.end_family(grant.family)
        raise self.oauth_error("invalid_grant", "the refresh token is invalid, expired or was used")

    def issue(self, grant: Grant) -> Issued:
        """New tokens for what a person agreed to."""
        now = self.now()
        access, refresh = self.new_access(grant), self.new_refresh(grant)
        fresh = attrs.evolve(grant, issued_at=now)
        self.grants[access] = fresh
        if self.rotation == "none" and (kept := self._refresh_of(grant)):
            refresh = kept
        else:
            self.refreshes[refresh] = fresh
        lives = None if math.isinf(self.access_seconds) else int(self.access_seconds)
        return Issued(access, refresh, fresh, lives)

    def _refresh_of(self, grant: Grant) -> str | None:
        return next((token for token, one in self.refreshes.items() if one.family == grant.family), None)

    def new_access(self, grant: Grant) -> str:
        """An access token in the platform's form."""
        return self.serial("access")[:48]

    def new_refresh(self, grant: Grant) -> str:
        """A refresh token in the platform's form."""
        return self.serial("refresh")[:48]

    def token_for(self, username: str, *scopes: str, client_id: str = "") -> Issued:
        """Tokens as after a consent; for tests that do not sign in."""
        granted = frozenset(scopes) or self.known_scopes
        return self.issue(Grant(username, granted, client_id, self.serial("family")[:16]))

    def grant_of(self, token: str) -> Grant | None:
        """What a living access token stands for."""
        grant = self.grants.get(token)
        if grant is None or grant.issued_at is None:
            return None
        return grant if (self.now() - grant.issued_at).total_seconds() < self.access_seconds else None

    def bearer(self, request: Request) -> str:
        """The access token of the request, or ""."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def grant(self, request: Request, *scopes: str) -> Grant:
        """What the request's token stands for; refused in the platform's words when it is none, or may not do this."""
        grant = self.grant_of(self.bearer(request))
        if grant is None:
            raise Answer(self.token_expired())
        if missing := set(scopes) - grant.scopes:
            raise Answer(self.scope_missing(missing))
        return grant

    def scope_missing(self, missing: set[str]) -> Response:
        """The answer to a token that lacks scopes."""
        return self.error(403, message=f"missing scopes: {' '.join(sorted(missing))}")

    def expire(self, token: str) -> None:
        """Make an access token old: it is refused, its refresh token lives."""
        if (grant := self.grants.pop(token, None)) is not None:
            self.ended[token] = (grant, "expired")

    def revoke(self, token: str) -> None:
        """End a token and everything of its family, as a person does in the settings."""
        grant = self.grants.get(token) or self.refreshes.get(token) or self.ended.get(token, (None, ""))[0]
        self.end(token)
        if grant is not None:
            self.end_family(grant.family)

    def end(self, token: str) -> None:
        """End one token alone, access or refresh."""
        grant = self.grants.pop(token, None) or self.refreshes.pop(token, None)
        if grant is not None:
            self.ended[token] = (grant, "revoked")

    def end_family(self, family: str) -> None:
        """End every token that came from one consent."""
        for held in (self.grants, self.refreshes):
            for token in [token for token, grant in held.items() if family and grant.family == family]:
                self.end(token)

    def why_ended(self, token: str) -> Literal["", "expired", "revoked"]:
        """Why an access token is not good any more; "" when there never was such a token, or it lives."""
        if token in self.ended:
            return self.ended[token][1]
        return "expired" if token in self.grants and self.grant_of(token) is None else ""


def with_query(url: str, query: Json) -> str:
    """An address with more in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def basic(request: Request) -> tuple[str, str] | None:
    """User and password of an ``Authorization: Basic`` header, URL-decoded; None without one."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return None
    return unquote(user), unquote(password)


_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sign in to {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}}
label{{display:flex;align-items:baseline;gap:.4rem;padding:.2rem 0;overflow-wrap:anywhere}}
fieldset{{border:1px solid #8888;border-radius:.5rem;margin:1rem 0;min-width:0}}
button{{font:inherit;padding:.5rem 1.2rem;margin-right:.5rem}}</style></head>
<body><h1>{title} (sandbox)</h1><p>An app asks to act for you. Nothing here leaves this machine.</p>
<form method="post"><fieldset><legend>Who are you?</legend>{people}</fieldset>
<fieldset><legend>It may</legend>{scopes}</fieldset>
<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>
</body></html>"""
