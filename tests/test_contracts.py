"""The suites find what they are there to find: each broken one below fails the test that is about it."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import attrs
import pytest

from socialkit import Identity, Metrics, Post, Receipt
from socialkit.adapters.base import Absent, AccountFacts, Call, Draft, Finding, Lost, Part, Sent
from socialkit.adapters.mastodon import RULES, Mastodon
from socialkit.contracts import AdapterContract, TokenStoreContract
from socialkit.rules import ErrorRow, Rules
from socialkit.sandbox.mastodon import MastodonBox
from socialkit.store import MemoryTokens


class Silent(Mastodon):
    """Says it carries the language, and does not."""

    async def plan(self, draft: Draft, call: Call) -> Part:
        part = await super().plan(draft, call)
        return attrs.evolve(part, body={k: v for k, v in part.body.items() if k != "language"})


class Speechless(Mastodon):
    """Describes pictures, and videos not: nothing but a comparison of what is sent shows that."""

    async def plan(self, draft: Draft, call: Call) -> Part:
        part = await super().plan(draft, call)
        media = [
            attrs.evolve(item, alt=None) if item.kind == "video" else item
            for item in part.media or draft.media
        ]
        return attrs.evolve(part, media=tuple(media))


class Deaf(Mastodon):
    """Hears an option with a text, and not with media."""

    async def plan(self, draft: Draft, call: Call) -> Part:
        part = await super().plan(draft, call)
        lost = "quote_approval_policy" if draft.media else ""
        return attrs.evolve(part, body={key: value for key, value in part.body.items() if key != lost})


class Erratic(Mastodon):
    """Sends a number that it draws without asking anybody."""

    async def send(self, part: Part, call: Call) -> Sent:
        part = attrs.evolve(part, body={**part.body, "salt": next(_SALT)})
        return await super().send(part, call)


_SALT = itertools.count()


class Hasty(Mastodon):
    """Publishes in a step that is repeated."""

    async def send(self, part: Part, call: Call) -> Sent:
        made = (await call.prepare("POST", "/api/v1/statuses", json=part.body)).json()
        return Sent(made["id"], made["url"])


class Blind(Mastodon):
    """Takes a look it never had for proof."""

    async def find(self, lost: Lost, call: Call) -> Finding:
        return Absent("not looked")


class Forgetful(Mastodon):
    """Trusts a fence, but the key of a later process is another one."""

    async def send(self, part: Part, call: Call) -> Sent:
        call.remember("key", f"{call.random.getrandbits(128):032x}")
        return await super().send(part, call)


class Chatty(Mastodon):
    """Shows its token."""

    def __repr__(self) -> str:
        return f"<Mastodon {self.seed.access_token}>"


class Shuffled(Mastodon):
    """Gives rows in another order than asked."""

    async def fetch_metrics(self, receipts: Sequence[Receipt], call: Call) -> list[Metrics]:
        return (await super().fetch_metrics(receipts, call))[::-1]


class FirstPage(Mastodon):
    """Drops what comes after the first page."""

    async def fetch_posts(
        self, call: Call, *, since: datetime | None, until: datetime | None, limit: int
    ) -> AsyncIterator[Receipt]:
        seen = 0
        async for receipt in super().fetch_posts(call, since=since, until=until, limit=limit):
            if (seen := seen + 1) > 40:
                return
            yield receipt


class Named(Mastodon):
    """Takes a changing thing for the identity."""

    async def account(self, call: Call) -> AccountFacts:
        facts = await super().account(call)
        number = f"{call.random.getrandbits(64)}"
        return attrs.evolve(facts, identity=attrs.evolve(facts.identity, id=number))


class Unsourced(Mastodon):
    """Numbers out of nowhere, and a row of errors that another one hides."""

    rules: ClassVar[Rules] = attrs.evolve(
        RULES, sources=(), errors=(ErrorRow(422, "Declined"), ErrorRow(422, "ReauthNeeded", text="bad token"))
    )


class Cold(Mastodon):
    """Makes a thread whose parts do not hang together."""

    async def send(self, part: Part, call: Call) -> Sent:
        made = (await call.commit("POST", "/api/v1/statuses", json=part.body)).json()
        return Sent(made["id"], made["url"])


class Ancient(Mastodon):
    """Written for another contract."""

    contract: ClassVar[int] = 0


BROKEN: list[tuple[type[Mastodon], str, str]] = [
    (Silent, "test_every_field_arrives_or_is_named", "dropped without a word: language"),
    (Silent, "test_every_field_changes_what_is_sent_or_is_named", "language of a text, language of a"),
    (
        Speechless,
        "test_every_field_changes_what_is_sent_or_is_named",
        "media[0].alt of a video, media[0].alt of a",
    ),
    (
        Deaf,
        "test_every_option_changes_what_is_sent_or_is_named",
        "quote_policy of a picture, quote_policy of a",
    ),
    (
        Erratic,
        "test_every_field_changes_what_is_sent_or_is_named",
        "let random numbers come from call.random",
    ),
    (Hasty, "test_a_text_is_published", "a timeline changed outside a commit"),
    (Blind, "test_stored_then_500", "said not to be live, and is"),
    (Forgetful, "test_listed_late_and_lost_again_and_again", "copies"),
    (Chatty, "test_secrets_are_never_shown", "a secret stands in repr(adapter)"),
    (Shuffled, "test_metrics_come_in_the_order_asked_and_gaps_are_rows", "order of the receipts"),
    (FirstPage, "test_own_posts_are_listed_page_after_page", "for 111 posts"),
    (Named, "test_the_account_is_always_the_same", "use the platform's own id"),
    (Unsourced, "test_rules_say_where_they_come_from", "rules.sources is empty"),
    (Unsourced, "test_error_rows_mean_their_class", "ReauthNeeded"),
    (Cold, "test_a_thread_is_published_in_order", "the second part does not answer the first"),
    (Ancient, "test_adapter_and_sandbox_agree_on_the_contract", "this is 1"),
]


def suite(cls: type[Mastodon]) -> AdapterContract:
    made = type(f"Test{cls.__name__}", (AdapterContract,), {"adapter": cls, "box": MastodonBox})
    return made()  # type: ignore[no-any-return]


@pytest.mark.parametrize(("cls", "test", "words"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_adapter_fails(cls: type[Mastodon], test: str, words: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(words)):
        getattr(suite(cls), test)()


@pytest.mark.parametrize("test", sorted({test for _, test, _ in BROKEN}))
def test_the_adapter_they_are_made_from_passes(test: str) -> None:
    getattr(suite(Mastodon), test)()


def test_the_platform_is_taken_from_the_adapter() -> None:
    assert suite(Mastodon).platform == "mastodon"


def test_a_post_has_what_the_platform_requires() -> None:
    class Titled(Mastodon):
        rules: ClassVar[Rules] = attrs.evolve(RULES, required=frozenset({"title", "media", "link"}))

    post: Post = suite(Titled).post("We ship today")
    assert post.title
    assert post.media
    assert post.link


def test_what_is_not_declared_is_skipped() -> None:
    import unittest

    class Plain(Mastodon):
        rules: ClassVar[Rules] = attrs.evolve(RULES, poll=None, thread=False)

    contract: Any = suite(Plain)
    for name in ("test_a_poll_is_published", "test_a_thread_is_published_in_order"):
        with pytest.raises(unittest.SkipTest):
            getattr(contract, name)()


class Open(MemoryTokens):
    """Has a lock that holds nobody back."""

    @contextlib.contextmanager
    def lock(self, identity: Identity) -> Iterator[None]:  # type: ignore[override]
        yield


class OpenAndAsync(MemoryTokens):
    @contextlib.asynccontextmanager
    async def lock(self, identity: Identity) -> AsyncIterator[None]:
        yield


@pytest.mark.parametrize("cls", [Open, OpenAndAsync])
def test_a_lock_that_holds_nobody_back_fails(cls: type[MemoryTokens]) -> None:
    class Suite(TokenStoreContract):
        def make(self) -> MemoryTokens:
            return cls()

    with pytest.raises(AssertionError):
        Suite().test_one_holds_the_lock_at_a_time()
