"""From a post and an account to exactly what would be sent, every problem and every change. Sends nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from .._convert import dump, load, plain
from ..adapters.base import Part
from ..errors import ConfigError, InvalidPost, SocialKitError
from ..model import Captions, Change, Identity, Medium, Problem


@attrs.frozen(eq=False)
class TargetPlan:
    """What one account would publish.

    Attributes:
        parts: the native posts, in order; more than one is a thread.
        problems: of severity "error" (nothing can be sent) and "warning".
        changes: what is sent differently from what was given.
        content: digest of the post's fields and media bytes, which an idempotency key is bound to.
        limits: digest of the rules it was checked against.
        error: why planning itself failed (a read that was needed did not answer).
    """

    account: str
    platform: str
    identity: Identity | None = None
    parts: tuple[Part, ...] = ()
    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    content: str = ""
    limits: str = ""
    error: SocialKitError | None = None
    media: Mapping[str, Medium | Captions] = attrs.field(factory=dict, repr=False)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep it from being sent."""
        return tuple([one for one in self.problems if one.severity == "error"]) if self.problems else ()

    @property
    def requests(self) -> int:
        """How many requests sending takes."""
        return sum(part.requests for part in self.parts)

    @property
    def cost(self) -> float:
        """What the platform charges for it, US dollars."""
        return sum(part.cost for part in self.parts)

    @property
    def digest(self) -> str:
        """Changes when anything that would be sent changes."""
        return digest([self.platform, plain(self.identity), [plain(part) for part in self.parts]])


@attrs.frozen(eq=False)
class Plan(Mapping[str, TargetPlan]):
    """A dry run that is the thing that gets sent: hand it to ``publish()``. JSON-safe by :meth:`to_dict`.

    >>> plan = Plan((TargetPlan("sky", "bluesky"),))
    >>> list(plan), plan.ok
    (['sky'], True)
    """

    targets: tuple[TargetPlan, ...] = ()

    def __getitem__(self, account: str) -> TargetPlan:
        for target in self.targets:
            if target.account == account:
                return target
        raise KeyError(account)

    def __iter__(self) -> Iterator[str]:
        return (target.account for target in self.targets)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def ok(self) -> bool:
        """True when every account's post can be sent as planned."""
        return not any(target.errors or target.error for target in self.targets)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(problem for target in self.targets for problem in target.problems)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for target in self.targets for change in target.changes)

    @property
    def requests(self) -> int:
        return sum(target.requests for target in self.targets)

    @property
    def cost(self) -> float:
        return sum(target.cost for target in self.targets)

    @property
    def digest(self) -> str:
        """Changes when anything that would be sent to any account changes."""
        return digest([target.digest for target in self.targets])

    def raise_for_problems(self) -> None:
        """Raise InvalidPost with every problem of severity error; quiet when there is none."""
        if errors := [problem for target in self.targets for problem in target.errors]:
            raise invalid(errors)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe, without media bytes; a plan from bytes or open files is refused, naming the medium."""
        for target in self.targets:
            for part in target.parts:
                for medium in part.media:
                    if not medium.source.startswith(("path:", "url:")):
                        raise ConfigError(
                            f"{target.account}: {medium.name} is {medium.source}; only media from paths or URLs travel"
                        )
        return dump(attrs.evolve(self, targets=tuple(attrs.evolve(t, media={}) for t in self.targets)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The plan a :meth:`to_dict` made. Media are opened again when it is sent, and compared with their digests."""
        return load(cls, data)

    def __str__(self) -> str:
        from .._render import plan_table

        return plan_table(self).text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .._render import plan_table

        return plan_table(self).html()


def invalid(problems: Sequence[Problem]) -> InvalidPost:
    """The error of these problems; ``code="stale"`` when all that is wrong is that the plan is an old one."""
    if all(problem.code == "stale" for problem in problems):
        return InvalidPost(problems, code="stale", message="nothing was sent: the plan no longer holds")
    return InvalidPost(problems)


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode


def digest(value: Any) -> str:
    """A short stable digest of a JSON value."""
    return hashlib.sha256(_encode(value).encode()).hexdigest()[:32]
