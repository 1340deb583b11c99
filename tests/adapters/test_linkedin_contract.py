"""The suite once more for a member, whose posts no app may list, and whose numbers come one at a time."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from socialkit.adapters.base import Adapter
from socialkit.adapters.linkedin import LinkedIn
from socialkit.contracts._bench import TEXT
from socialkit.model import Status
from socialkit.rules import Rules
from socialkit.sandbox import Sandbox
from socialkit.testing import AdapterContract

from .option_samples import OPTIONS


class Member(AdapterContract):
    platform: ClassVar[str] = "linkedin"
    option_values: ClassVar[dict[str, Any]] = OPTIONS["linkedin"]
    test_metrics_are_asked_for_in_batches = None  # type: ignore[assignment]  # seven requests for one post

    @property
    def rules(self) -> Rules:
        return LinkedIn(token="t").rules

    def account(self, box: Sandbox) -> Adapter:
        return LinkedIn(**box.linkedin.member_credentials())


class TestMember(Member):
    """A member's token of the Community Management API."""

    test_own_posts_are_listed_page_after_page = None  # type: ignore[assignment]  # LinkedIn refuses; see below

    @pytest.mark.parametrize(
        "fault", ["stored-then-500", "stored-then-hang", "dropped-after", "dropped-before"]
    )
    def test_nobody_can_tell_and_that_is_what_is_said(self, fault: str) -> None:
        with self.bench() as bench:
            bench.box.fault(fault, platform="linkedin")
            outcome = bench.publish(self.post(TEXT.format(1)), "key")
            assert outcome.status is Status.UNKNOWN
            assert "lets no app read a member's posts" in str(outcome.error)
            assert bench.publish_later(self.post(TEXT.format(1)), "key").status is Status.UNKNOWN
            assert bench.steps().count("commit") == 1

    def test_a_person_closes_what_nobody_can_tell(self) -> None:
        with self.bench() as bench:
            bench.box.fault("dropped-after", platform="linkedin")
            bench.publish(self.post(TEXT.format(1)), "key")
            (entry,) = bench.live(TEXT.format(1))
            outcome = bench.client.settle("key", found=entry.url, by="Ada")["linkedin"]
            assert (outcome.status, outcome.receipt and outcome.receipt.id) == (Status.PUBLISHED, entry.id)

    def test_a_wrong_word_of_a_person_makes_no_second_post(self) -> None:
        """LinkedIn refuses the repeat and names the first: the record says so, and a person has the address."""
        with self.bench() as bench:
            bench.box.fault("dropped-after", platform="linkedin")
            bench.publish(self.post(TEXT.format(1)), "key")
            (entry,) = bench.live(TEXT.format(1))
            bench.client.settle("key", not_live=True, by="Ada")
            outcome = bench.publish(self.post(TEXT.format(1)), "key")
            assert outcome.status is Status.UNKNOWN
            assert entry.url in str(outcome.error)
            assert len(bench.live(TEXT.format(1))) == 1


class TestOldMember(Member):
    """A token with r_member_social, which LinkedIn gives nobody any more: it may list."""

    def account(self, box: Sandbox) -> Adapter:
        scopes = ("r_basicprofile", "w_member_social", "r_member_social", "r_member_postAnalytics")
        return LinkedIn(**box.linkedin.member_credentials(None, *scopes, "r_member_profileAnalytics"))
