"""What the adapter suite works with: one sandbox, one client, one account, and the questions the tests ask."""

from __future__ import annotations

import unittest
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import attrs

from ..adapters.base import AccountFacts, Adapter, Call
from ..client import Client
from ..model import Image, Medium, Outcome, Post, Receipt, Status, Video
from ..plan import TargetPlan
from ..rules import Rules
from . import _samples

if TYPE_CHECKING:
    from ..sandbox.core import Entry, PlatformBox, Sandbox

TEXT = "The boat left the yard at zq{}"
"""A text that nothing else on a timeline has; the number makes texts that differ."""


def skip(why: str) -> NoReturn:
    """Leave the test: the rules do not declare what it is about."""
    raise unittest.SkipTest(why)


@attrs.define
class Bench:
    """A sandbox of one platform with a client on it, and the questions tests ask about both.

    ``later`` is a second client on the same store, as a later process would make it: it knows what was journaled
    and nothing else.
    """

    suite: AdapterSuite
    box: Sandbox
    client: Client
    later: Client
    name: str

    @property
    def platform(self) -> PlatformBox:
        return self.box[self.name]

    @property
    def adapter(self) -> Adapter:
        return self.client.accounts[self.name]

    @property
    def rules(self) -> Rules:
        """The rules as the sandbox's account narrows them."""
        account = self.client._async._accounts.named(self.name)
        if account.facts is None:
            self.client.plan(self.suite.post("hello"), self.name)
        return account.rules

    def plan(self, post: Post) -> TargetPlan:
        return self.client.plan(post, self.name)[self.name]

    def publish(self, post: Post, key: str | None = None, **options: Any) -> Outcome:
        """Publish; what went wrong is in the outcome. A short rest before it keeps clear of rate limits."""
        self.box.clock.advance(10)
        report = self.client.publish(post, self.name, idempotency_key=key, errors="return", **options)
        return report[self.name]

    def publish_later(self, post: Post, key: str) -> Outcome:
        """The same from another process, which has only the store."""
        self.box.clock.advance(10)
        return self.later.publish(post, self.name, idempotency_key=key, errors="return")[self.name]

    def must_publish(self, post: Post, key: str | None = None) -> Receipt:
        """The receipt of a post that has to end well."""
        outcome = self.publish(post, key)
        assert outcome.status is Status.PUBLISHED, f"{outcome.status}: {outcome.error or outcome.problems}"
        assert outcome.receipt is not None
        return outcome.receipt

    def settle(self, key: str) -> Outcome:
        """What a scheduler does: look again when the outcome says so, until it is known or nobody can tell."""
        outcome = self.client.settle(key)[self.name]
        for _ in range(40):
            given_up = outcome.give_up_at is not None and self.box.clock.now() > outcome.give_up_at
            if outcome.status is not Status.UNKNOWN or given_up:
                return outcome
            assert outcome.look_again_at is not None, "an unknown outcome says when to look again"
            self.box.clock.advance(max(0.0, (outcome.look_again_at - self.box.clock.now()).total_seconds()))
            outcome = self.client.settle(key)[self.name]
        return outcome

    # --- the timeline ---------------------------------------------------------------------------------------
    def live(self, marker: str = "") -> list[Entry]:
        """Posts on the timeline, oldest first; with a marker, those it stands in."""
        return [one for one in self.box.timeline(self.name) if marker in f"{one.title}\n{one.text}"]

    def made(self, marker: str) -> int:
        """How many posts with the marker there ever were, deleted ones too."""
        return sum(marker in f"{one.title}\n{one.text}" for one in self.platform.entries.values())

    def entry(self, receipt: Receipt) -> Entry | None:
        """The timeline's post a receipt stands for."""
        return next((one for one in self.live() if self.suite.same(receipt, one)), None)

    def steps(self) -> list[str]:
        """The kinds of step of all requests so far."""
        return [one.step or "" for one in self.box.requests]


class AdapterSuite:
    """How the suite gets its sandbox, its accounts and its posts; a subclass may replace each."""

    platform: ClassVar[str] = ""
    adapter: ClassVar[type[Adapter] | None] = None
    box: ClassVar[type[PlatformBox] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.adapter is not None and not cls.platform:
            cls.platform = cls.adapter.platform

    def sandbox(self) -> Sandbox:
        """A fresh sandbox of this platform alone."""
        from ..sandbox import Sandbox

        return Sandbox([self.box or self.platform])

    def account(self, box: Sandbox) -> Adapter:
        """The adapter with the sandbox's own credentials."""
        if self.adapter is None:
            made: Adapter = box.accounts()[self.platform]
            return made
        return self.adapter(**box[self.platform].credentials())

    def post(self, text: str, **fields: Any) -> Post:
        """A post with that text, and whatever the platform requires besides."""
        rules = self.rules
        missing = {name for name in rules.required if not fields.get(name)}
        extras: dict[str, Any] = {}
        if "title" in missing:
            extras["title"] = f"News {text[:60]}"
        if "media" in missing:
            extras["media"] = [self.medium(rules)]
        if "link" in missing:
            extras["link"] = "https://example.com/boat"
        return Post(text, **extras | fields)

    def medium(self, rules: Rules) -> Medium:
        return self.picture() if rules.images else Video(_samples.mp4(), alt="The boat")

    def picture(self, shade: int = 0, alt: str = "A grey boat") -> Image:
        """A picture in the form the platform takes."""
        rule = self.rules.images
        if rule is not None and rule.by_url:
            ending = "jpg" if rule.types and "image/png" not in rule.types else "png"
            return Image.from_url(f"https://example.com/boat-{shade}.{ending}", alt=alt)
        return Image(_samples.png(64 + shade // 256, shade=shade % 256), alt=alt)

    def same(self, receipt: Receipt, entry: Entry) -> bool:
        """Whether the entry is the receipt's post."""
        return receipt.id in (entry.id, entry.id.rpartition("/")[2]) or (
            receipt.url is not None and receipt.url == entry.url
        )

    @property
    def rules(self) -> Rules:
        """What the adapter declares."""
        return self.adapter_class.rules

    @property
    def adapter_class(self) -> type[Adapter]:
        if self.adapter is not None:
            return self.adapter
        from ..registry import adapter

        return adapter(self.platform)

    @contextmanager
    def bench(self, *, fenced: bool = True, **options: Any) -> Iterator[Bench]:
        """A sandbox and a client on it; leaving checks that only commits and attaches changed the timeline.

        ``fenced=False`` takes the account's fences away, so that nothing but looking can settle a lost answer.
        """
        from ..store import MemoryStore

        with self.sandbox() as box:
            place = {"transport": box.transport, "clock": box.clock, "media_host": box.files}
            settings = {"store": MemoryStore(), **place, **options}
            with self._client(box, fenced, settings) as first, self._client(box, fenced, settings) as second:
                yield Bench(self, box, first, second, self.platform)

    def _client(self, box: Sandbox, fenced: bool, settings: dict[str, Any]) -> Client:
        adapter = self.account(box)
        if not fenced:
            adapter.__dict__["account"] = partial(_without_fences, adapter.account)
        return Client({self.platform: adapter}, **settings)


async def _without_fences(account: Callable[[Call], Awaitable[AccountFacts]], call: Call) -> AccountFacts:
    return attrs.evolve(await account(call), fences=())
