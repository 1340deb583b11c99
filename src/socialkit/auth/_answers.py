"""Token answers, in every shape platforms give them: the tokens in them, or why there are none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import attrs

from ..adapters._errors import retry_at
from ..adapters.base import Response
from ..errors import (
    AuthError,
    LoginFailed,
    RateLimited,
    ReauthNeeded,
    SocialKitError,
    Unavailable,
)
from ..flows._whoami import as_text, as_token, found
from ._callback import clean, shown

READ = range(400, 600)
"""Statuses whose bodies are read here instead of raised, where nothing is repeated."""
REFUSALS = range(400, 429)
"""The same for requests that may be repeated: the machinery waits out or repeats what is above."""

Why = Literal["grant", "client", "limited", "busy", "unreadable"]
"""The code or token is refused · the app is · too many requests · try later · something else answered."""

_CLIENT = frozenset(
    {
        "101",
        "401",
        "bad_client_secret",
        "bad_redirect_uri",
        "deleted_client",
        "invalid_client",
        "invalid_client_id",
        "invalid_client_secret",
        "unauthorized_client",
    }
)
_CLIENT_WORDS = re.compile(r"client[ _](secret|id|authentication)|validating application", re.IGNORECASE)
_BUSY = frozenset(
    {"1", "2", "internal_error", "server_error", "service_unavailable", "temporarily_unavailable"}
)
_LIMITED = frozenset({"4", "17", "32", "429", "613", "rate_limited", "ratelimited", "too_many_requests"})
_CENTURY = 36525 * 86400.0
_IDS = "sub|open_id|user_id"


@attrs.frozen
class Token:
    """What an answer gave: lifetimes in seconds, None when it does not say; ``id`` who it belongs to, if it says."""

    access_token: str = attrs.field(repr=False)
    refresh_token: str | None = attrs.field(default=None, repr=False)
    expires_in: float | None = None
    refresh_expires_in: float | None = None
    scopes: tuple[str, ...] = ()
    id: str | None = None
    answer: Any = attrs.field(default=None, repr=False)


@attrs.frozen
class Refusal:
    """Why an answer holds no token. ``said`` is clean of secrets."""

    why: Why
    status: int
    code: str | None
    said: str
    retry_at: datetime | None = None

    def as_login(self, platform: str) -> SocialKitError:
        """What it means for a login under way."""
        if self.why == "limited":
            return RateLimited(f"{platform} takes no sign-ins now: {self}", **self._fields(), definite=True)
        if self.why in ("busy", "unreadable"):
            words = f"{platform} did not give the token: {self}; begin the sign-in again"
            return LoginFailed(words, reason="lost", **self._told())
        if self.why == "client":
            return LoginFailed(
                f"{platform} does not accept the app: {self}", reason="refused", **self._told()
            )
        return LoginFailed(f"{platform} refused the sign-in: {self}", reason="refused", **self._told())

    def as_renewal(self, platform: str, client_id: str | None = None) -> SocialKitError:
        """What it means for a renewal. An answer that nobody can read may have spent the refresh token."""
        if self.why == "limited":
            return RateLimited(f"{platform} renews no tokens now: {self}", **self._fields(), definite=True)
        if self.why in ("busy", "unreadable"):
            certain = 400 <= self.status < 500
            return Unavailable(
                f"{platform} did not renew the token: {self}", **self._fields(), definite=certain
            )
        if self.why == "client":
            app = f"the app {client_id}" if client_id else "the app"
            words = (
                f"{platform} does not accept {app}: {self}; check its client id and secret. The sign-in lives"
            )
            return AuthError(words, **self._told(), definite=True)
        words = f"{platform} no longer renews this sign-in: {self}; sign in again"
        return ReauthNeeded(words, **self._told(), definite=True)

    def __str__(self) -> str:
        return f"{self.said or self.code or 'no explanation'} (HTTP {self.status})"

    def _told(self) -> dict[str, Any]:
        return {"status": self.status, "code": self.code, "said": self.said}

    def _fields(self) -> dict[str, Any]:
        return {**self._told(), "retry_at": self.retry_at}


def read_token(
    response: Response, answer: str = "", granted: str = "scope", secrets: Iterable[str] = ()
) -> Token | Refusal:
    """The token of an answer of any status and shape, or why there is none.

    ``answer`` and ``granted`` are a :class:`~socialkit.flows.CodeFlow`'s. Expects ``accept=READ`` of the request.
    """
    body = response.json_or_none()
    if (refusal := _refusal(response, body, secrets)) is not None:
        return refusal
    for given in _places(body, answer):
        if (token := as_token(given.get("access_token"))) is not None:
            return _token(token, given, body, granted)
    words = "the answer holds no token: something else than the platform may have answered"
    return Refusal("unreadable", response.status, None, words)


def _places(body: Any, answer: str) -> Iterator[Mapping[str, Any]]:
    """Where the token object may stand: where it should, then on top."""
    for place in (found(body, answer) if answer else None, body):
        if isinstance(place, Mapping):
            yield place


def _token(token: str, given: Mapping[str, Any], body: Any, granted: str) -> Token:
    return Token(
        token,
        as_token(given.get("refresh_token")),
        seconds_of(given.get("expires_in")),
        seconds_of(given.get("refresh_token_expires_in") or given.get("refresh_expires_in")),
        scopes_of(found(given, granted) or found(body, granted)),
        as_text(found(given, _IDS)),
        body,
    )


def seconds_of(value: Any) -> float | None:
    """A lifetime in seconds, from a number or its digits; None when it does not say, or means that there is no end.

    >>> seconds_of("7200"), seconds_of(0), seconds_of(True), seconds_of("soon")
    (7200.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < _CENTURY else None


def scopes_of(value: Any) -> tuple[str, ...]:
    """Scopes from a text divided by spaces or commas, or from a list of texts; each once.

    >>> scopes_of("a,b c"), scopes_of(["a", "b"]), scopes_of(None)
    (('a', 'b', 'c'), ('a', 'b'), ())
    """
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    named = [one for text in texts if isinstance(text, str) for one in re.split(r"[\s,]+", text) if one]
    return tuple(dict.fromkeys(named))


def error_of(body: Any) -> tuple[str, str] | None:
    """(code, words) of an answer that is an error, whatever its status says; None when it is none."""
    if not isinstance(body, Mapping):
        return None
    error = body.get("error")
    if isinstance(error, Mapping):
        return _code(error, "code|type|error"), _words(error) or _words(body)
    if error or body.get("ok") is False or "error_type" in body or "error_message" in body:
        return _code(body, "error|error_type|code"), _words(body)
    if isinstance(errors := body.get("errors"), list) and errors and isinstance(errors[0], Mapping):
        return _code(errors[0], "code|type"), _words(errors[0])
    return None


def _code(error: Mapping[str, Any], places: str) -> str:
    return as_text(found(error, places)) or ""


def _words(error: Mapping[str, Any]) -> str:
    told = found(error, "error_description|error_message|message|errorMessage|detail")
    return told if isinstance(told, str) else ""


def _refusal(response: Response, body: Any, secrets: Iterable[str]) -> Refusal | None:
    """What the answer says in place of a token; None when it does not say no."""
    sound = 200 <= response.status < 300
    error = error_of(body)
    if sound and (error is None or _holds_token(body)):
        return None
    code, words = error or ("", _words(body) if isinstance(body, Mapping) else "")
    hidden = (*secrets, *tokens_in(body))
    why = _why(response.status, code, words, known=error is not None)
    return Refusal(why, response.status, shown(code, hidden), clean(words, hidden), _retry_at(response))


def _retry_at(response: Response) -> datetime | None:
    try:
        return retry_at(response)
    except (ValueError, OverflowError, OSError):
        return None


def _holds_token(body: Any) -> bool:
    return (
        isinstance(body, Mapping)
        and body.get("ok") is not False
        and as_token(body.get("access_token")) is not None
    )


def _why(status: int, code: str, words: str, *, known: bool) -> Why:
    if code in ("invalid_grant", "190"):  # Meta's 190 comes with 401 too, and is about the token
        return "grant"
    if status == 429 or code in _LIMITED:
        return "limited"
    if status == 401 or code in _CLIENT or _CLIENT_WORDS.search(words):
        return "client"
    if status >= 500 or code in _BUSY:
        return "busy"
    return "grant" if known or status == 400 else "unreadable"


def tokens_in(body: Any) -> Iterator[str]:
    """Every token an answer holds, wherever it stands, so that no message repeats it."""
    queue = [body]
    while queue:
        here = queue.pop()
        if isinstance(here, Mapping):
            yield from (value for name, value in here.items() if isinstance(value, str) and _is_secret(name))
            queue.extend(here.values())
        elif isinstance(here, list):
            queue.extend(here)


def _is_secret(name: str) -> bool:
    return any(part in name.lower() for part in ("token", "secret", "code", "password")) and name not in (
        "code",
        "error_code",
        "token_type",
    )
