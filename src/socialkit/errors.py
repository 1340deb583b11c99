"""Everything socialkit raises, as one tree.

::

    SocialKitError                    every one: .account, .report, .next_step; pickles
    ├─ ConfigError (ValueError)       the call or the configuration is wrong; nothing was tried
    ├─ InvalidPost (ValueError)       .problems: everything wrong, each with its place; nothing was sent
    ├─ Refused                        nothing was sent: Halted · Held · Denied
    ├─ AuthError                      ReauthNeeded · IdentityClash · MissingScope · LoginFailed
    ├─ PlatformError                  status, code, said, request_id, may_be_live, next_step, retry_at
    │  ├─ RateLimited                 not sent; .retry_at says when it may
    │  ├─ Declined                    the platform said no: not live
    │  ├─ Duplicate                   the platform says it has this already
    │  ├─ Unavailable                 not sent, safe to repeat
    │  └─ OutcomeUnknown              may be live: settle before anything else
    ├─ KeyReused                      the idempotency key is bound to other content
    ├─ ThreadPartlyPosted             .receipts of what is live, .next_index to continue at
    └─ PublishErrors (ExceptionGroup) one error per account of a publish to many
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from .gate import Halt
    from .model import Problem, Receipt, Report

__all__ = [
    "AuthError",
    "ConfigError",
    "Declined",
    "Denied",
    "Duplicate",
    "Halted",
    "Held",
    "IdentityClash",
    "InvalidPost",
    "KeyReused",
    "LoginFailed",
    "MissingScope",
    "OutcomeUnknown",
    "PlatformError",
    "PublishErrors",
    "RateLimited",
    "ReauthNeeded",
    "Refused",
    "SocialKitError",
    "ThreadPartlyPosted",
    "Unavailable",
]


def _rebuild(cls: type[SocialKitError], message: str, state: dict[str, Any]) -> SocialKitError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class SocialKitError(Exception):
    """The root of every error of this library; ``.report`` holds what is known of a publish it belongs to.

    >>> try:
    ...     raise ConfigError("no account named 'sky'")
    ... except SocialKitError as error:
    ...     print(error, error.report)
    no account named 'sky' None
    """

    report: Report | None = None
    account: str | None = None
    """The account's name, where the error belongs to one."""
    next_step: str | None = None
    """The exact call that continues without touching what is published."""

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.__dict__.update(fields)

    @property
    def message(self) -> str:
        """The text without anything a subclass adds around it."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        named = (
            self.account is None or f"{self.account}:" in self.message or repr(self.account) in self.message
        )
        head = self.message if named else f"{self.account}: {self.message}"
        return f"{head}\n  next: {self.next_step}" if self.next_step else head

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, dict(self.__dict__))


class ConfigError(SocialKitError, ValueError):
    """The call or the configuration is wrong; nothing was tried.

    >>> from socialkit import Client, Post
    >>> with Client() as client:
    ...     client.publish(Post("We ship"), to="sky")
    Traceback (most recent call last):
    socialkit.errors.ConfigError: no account named 'sky'; accounts are: none
    """


class InvalidPost(SocialKitError, ValueError):
    """The post breaks rules of at least one account: all of them in ``.problems``; nothing was sent.

    ``code`` is ``"invalid"``, or ``"stale"`` when media or limits changed since the plan was made.

    >>> from socialkit import Problem
    >>> print(InvalidPost([Problem("sky", "text", "too_long", "312 of at most 300")]))
    nothing was sent: 1 problem
      sky: text: 312 of at most 300
    """

    problems: tuple[Problem, ...] = ()
    code: str = "invalid"

    def __init__(self, problems: Sequence[Problem], *, code: str = "invalid", message: str = "") -> None:
        lines = [str(problem) for problem in problems]
        head = message or f"nothing was sent: {len(lines)} problem{'s' * (len(lines) != 1)}"
        super().__init__("\n  ".join([head, *lines]), problems=tuple(problems), code=code)


class Refused(SocialKitError):
    """A halt, a hold or a policy stopped it; nothing was sent.

    >>> [issubclass(reason, Refused) for reason in (Halted, Held, Denied)]
    [True, True, True]
    """


class Halted(Refused):
    """A halt covers the account: ``.halt`` says who stopped it, why and since when.

    >>> from socialkit import Post
    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["mastodon"]) as box, box.client() as client:
    ...     halt = client.halt("all", reason="wrong price", by="duty officer")
    ...     report = client.publish(Post("We ship"), to="mastodon", errors="return")
    ...     report["mastodon"].error.halt.reason
    'wrong price'
    """

    halt: Halt | None = None


class Held(Refused):
    """The gate holds the post back until a person decides.

    >>> print(Held("after hours", account="sky", next_step="approve it"))
    sky: after hours
      next: approve it
    """


class Denied(Refused):
    """The gate said no.

    >>> print(Denied("no posts on a public holiday", account="sky"))
    sky: no posts on a public holiday
    """


class AuthError(SocialKitError):
    """The platform does not accept the credential for this.

    Attributes:
        status, code, said: what the platform answered, as in :class:`PlatformError`.

    >>> error = MissingScope("the token may not write", account="toots", status=403)
    >>> isinstance(error, AuthError), error.status
    (True, 403)
    """

    status: int | None = None
    code: str | None = None
    said: str | None = None
    refreshable: bool = False


class ReauthNeeded(AuthError):
    """The credential is dead; only a person can sign in again, and give the account the new one.

    >>> print(ReauthNeeded("the token was revoked; sign in again", account="toots"))
    toots: the token was revoked; sign in again
    """


class IdentityClash(AuthError):
    """Another account answered than the one this name is bound to.

    >>> print(IdentityClash("the credential belongs to @other", account="toots"))
    toots: the credential belongs to @other
    """


class MissingScope(AuthError):
    """The credential lives but may not do this; the text names the scope.

    >>> print(MissingScope("the token lacks write:statuses", account="toots"))
    toots: the token lacks write:statuses
    """


LoginReason = Literal["denied", "expired", "forged", "repeated", "refused", "invalid", "lost"]


class LoginFailed(AuthError):
    """A sign-in did not end with an account. Nothing was stored; begin again unless the text says otherwise.

    ``reason``: "denied" (the person said no) · "expired" (it took too long) · "forged" (the callback does not belong
    to this login) · "repeated" (it was finished before) · "refused" (the platform did not accept app, code or secret) ·
    "invalid" (what was pasted has not the form asked for) · "lost" (the token answer never came).

    >>> LoginFailed("the person said no", reason="denied").reason
    'denied'
    """

    reason: LoginReason = "refused"


class PlatformError(SocialKitError):
    """What a platform answered, or failed to answer, with what it means for the post.

    Attributes:
        account: the account's name.
        status: HTTP status, or None when no answer came.
        code: the platform's own error code or name.
        said: the platform's own words, redacted.
        request_id: the platform's id of the request, for its support.
        may_be_live: True when the post may be public.
        retry_at: aware UTC moment from which a repeat makes sense.

    >>> error = Declined("the platform declined", account="sky", status=400, code="InvalidRequest")
    >>> isinstance(error, PlatformError), error.status, error.code
    (True, 400, 'InvalidRequest')
    """

    status: int | None = None
    code: str | None = None
    said: str | None = None
    request_id: str | None = None
    may_be_live: bool = False
    retry_at: datetime | None = None


class RateLimited(PlatformError):
    """A limit is used up: not sent. ``retry_at`` says when it may go.

    >>> from datetime import UTC
    >>> RateLimited("used up", retry_at=datetime(2026, 11, 2, 9, tzinfo=UTC)).retry_at.hour
    9
    """


class Declined(PlatformError):
    """The platform said no: certainly not live.

    >>> Declined("the text is empty", account="sky").may_be_live
    False
    """


class Duplicate(PlatformError):
    """The platform says such a post exists; ``receipt`` is it, when the platform told.

    >>> Duplicate("posted before", account="sky").receipt is None
    True
    """

    receipt: Receipt | None = None


class Unavailable(PlatformError):
    """The platform could not be reached or failed before doing anything: not sent, safe to repeat.

    >>> print(Unavailable("could not be reached", account="sky"))
    sky: could not be reached
    """


class OutcomeUnknown(PlatformError):
    """The answer was lost: the post may be live. Nothing more is sent until it is settled.

    >>> OutcomeUnknown("the answer was lost", account="sky").may_be_live
    True
    """

    may_be_live = True


class KeyReused(SocialKitError):
    """The idempotency key already belongs to other content that is or may be live.

    >>> from socialkit import Post
    >>> from socialkit.sandbox import Sandbox
    >>> with Sandbox(["mastodon"]) as box, box.client(store=":memory:") as client:
    ...     _ = client.publish(Post("We ship"), to="mastodon", idempotency_key="launch")
    ...     try:
    ...         client.publish(Post("We sail"), to="mastodon", idempotency_key="launch")
    ...     except KeyReused as error:
    ...         print(error.account, error.report["mastodon"].status)
    mastodon failed
    """


class ThreadPartlyPosted(SocialKitError):
    """A thread stopped half-way: ``receipts`` are live, ``next_index`` is the first part that is not.

    >>> ThreadPartlyPosted("2 of 3 posts are live", account="sky", next_index=2).next_index
    2
    """

    receipts: tuple[Receipt, ...] = ()
    next_index: int = 0


class PublishErrors(ExceptionGroup[SocialKitError], SocialKitError):
    """One error per account that did not end well; ``.report`` has every outcome, the good ones too.

    >>> from socialkit.errors import Declined, PublishErrors
    >>> try:
    ...     raise PublishErrors("1 of 2 accounts failed", [Declined("too long", account="sky")])
    ... except* Declined as group:
    ...     print(group.exceptions[0])
    sky: too long
    """

    def __new__(
        cls, message: str, exceptions: Sequence[SocialKitError], report: Report | None = None
    ) -> Self:
        return super().__new__(cls, message, list(exceptions))

    def __init__(
        self, message: str, exceptions: Sequence[SocialKitError], report: Report | None = None
    ) -> None:
        self.report = report

    def derive(self, exceptions: Sequence[SocialKitError]) -> PublishErrors:  # type: ignore[override]
        return PublishErrors(self.message, exceptions, self.report)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, list(self.exceptions), self.report)
