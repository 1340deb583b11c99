"""Everything that can go wrong with a commit, and what must be true afterwards: no duplicate, no false record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..model import Outcome, Status
from ._bench import TEXT, AdapterSuite, Bench, skip

HOUR = 3600.0
LOST = "dropped-after"
"""The fault that others are combined with: the post is stored, its answer never comes."""


class FaultTests(AdapterSuite):
    """One test per fault of the sandbox. Each publishes, settles, publishes again, waits, and counts."""

    def test_stored_then_500(self) -> None:
        self._one_copy("stored-then-500")

    def test_stored_then_hang(self) -> None:
        self._one_copy("stored-then-hang")

    def test_stored_later(self) -> None:
        self._one_copy("stored-later")

    def test_dropped_before(self) -> None:
        self._one_copy("dropped-before")

    def test_dropped_after(self) -> None:
        self._one_copy("dropped-after")

    def test_listed_late(self) -> None:
        self._one_copy("listed-late", LOST)

    def test_listed_late_and_lost_again_and_again(self) -> None:
        """Every repeat is lost too, and another process goes on: it needs what the first one remembered."""
        self._one_copy(("listed-late", {"times": 9}), (LOST, {"times": 4}))

    def test_key_ignored(self) -> None:
        self._one_copy(("key-ignored", {"times": 9}), LOST)

    def test_key_expired(self) -> None:
        self._one_copy(("key-expired", {"times": 9}), LOST)

    def test_clock_ahead(self) -> None:
        self._one_copy(("clock-skew", {"seconds": 300.0}), LOST)

    def test_clock_behind(self) -> None:
        self._one_copy(("clock-skew", {"seconds": -300.0}), LOST)

    def test_clock_ahead_and_nothing_stored(self) -> None:
        self._one_copy(("clock-skew", {"seconds": 300.0}), "dropped-before")

    def test_too_many_requests(self) -> None:
        self._one_copy(("429", {"seconds": 30.0}))

    def test_slow(self) -> None:
        self._one_copy("slow")

    def test_twin(self) -> None:
        """Somebody else's identical post is not ours, and is never counted as a reason to post again."""
        self._no_duplicate("twin", LOST, twins=1)

    def test_twin_before(self) -> None:
        self._no_duplicate(("twin", {"when": "before"}), LOST, twins=1)

    def test_twin_and_ours_never_arrived(self) -> None:
        self._no_duplicate("twin", "dropped-before", twins=1)

    def test_deleted_meanwhile(self) -> None:
        """A post that was live and is deleted is not made again as if it had never been."""
        self._no_duplicate("deleted-meanwhile")

    def test_deleted_meanwhile_and_answer_lost(self) -> None:
        self._no_duplicate("deleted-meanwhile", LOST)

    def test_expired_token(self) -> None:
        with self.bench() as bench:
            bench.box.fault("expired-token", platform=self.platform)
            outcome = bench.publish(self.post(TEXT.format(1)), "key")
            if outcome.status is not Status.PUBLISHED:
                assert outcome.status is Status.FAILED, outcome.error
                assert not bench.live(TEXT.format(1))
                outcome = bench.publish(self.post(TEXT.format(1)), "key")
            assert outcome.status is Status.PUBLISHED, outcome.error
            assert len(bench.live(TEXT.format(1))) == 1

    def test_media_in_processing(self) -> None:
        with self._uploads() as bench:
            bench.box.fault("still-processing", platform=self.platform, seconds=20)
            outcome = bench.publish(self._with_picture(), "key")
            if outcome.status is not Status.PUBLISHED:
                bench.box.clock.advance(120)
                outcome = bench.publish(self._with_picture(), "key")
            assert outcome.status is Status.PUBLISHED, outcome.error
            assert len(bench.live(TEXT.format(1))) == 1

    def test_media_that_fail_to_process(self) -> None:
        with self._uploads() as bench:
            bench.box.fault("processing-failed", platform=self.platform)
            outcome = bench.publish(self._with_picture(), "key")
            if outcome.status is not Status.PUBLISHED:
                told = (Status.FAILED, Status.PROCESSING)  # some platforms tell of a failure on no list
                assert outcome.status in told, outcome.error
                assert not bench.live(TEXT.format(1))

    # --- the two ends -----------------------------------------------------------------------------------------
    def _one_copy(self, *faults: Any) -> None:
        """Whatever happened, in the end exactly one copy is live and the record says so (or says it is not)."""
        for bench, last in self._ends(faults, twins=0):
            if last.status is Status.UNKNOWN:
                assert self.rules.find.by == "none", f"never settled: {last.error}"
                continue
            copies = len(bench.live(TEXT.format(1)))
            assert copies == (last.status is Status.PUBLISHED), (
                f"{last.status}, {copies} copies: {last.error}"
            )

    def _no_duplicate(self, *faults: Any, twins: int = 0) -> None:
        """At most one copy of ours is live; that nobody can tell is an honest answer."""
        for bench, last in self._ends(faults, twins=twins):
            if last.status is Status.PUBLISHED and twins:
                self._names_what_is_there(bench, last, twins)

    def _ends(self, faults: tuple[Any, ...], *, twins: int) -> Iterator[tuple[Bench, Outcome]]:
        """How it ends: with the account's fences, without them, and when the caller does not wait at all."""
        for fenced, wait in ((True, 60.0), (True, 0.0), (False, 60.0), (False, 0.0)):
            with self.bench(max_wait=90, fenced=fenced) as bench:
                yield bench, self._through(bench, faults, twins, wait)

    def _through(self, bench: Bench, faults: tuple[Any, ...], twins: int, wait: float) -> Outcome:
        """Publish under the faults, settle, publish again in another process, settle, and an hour later count."""
        for fault in faults:
            kind, details = fault if isinstance(fault, tuple) else (fault, {})
            bench.box.fault(kind, platform=self.platform, **details)
        post = self.post(TEXT.format(1))
        first = bench.publish(post, "key", wait=wait)
        if first.status is Status.UNKNOWN:
            if wait:
                first = bench.settle("key")
            self._record_is_true(bench, first, twins)
        bench.box.faults.clear()
        last = bench.publish_later(post, "key")
        if last.status is Status.UNKNOWN:
            last = bench.settle("key")
        bench.box.clock.advance(HOUR)
        copies = len(bench.live(TEXT.format(1)))
        assert copies <= 1 + twins, f"{copies} copies, {twins} of them not ours"
        return last

    def _record_is_true(self, bench: Bench, outcome: Outcome, twins: int) -> None:
        if outcome.status is Status.PUBLISHED:
            self._names_what_is_there(bench, outcome, twins)
        elif outcome.status is Status.FAILED:
            assert len(bench.live(TEXT.format(1))) <= twins, "said not to be live, and is"

    def _names_what_is_there(self, bench: Bench, outcome: Outcome, twins: int) -> None:
        """A record with an id names a post that is there; one without says why, and one of ours was made."""
        assert outcome.receipt is not None
        if outcome.receipt.id is not None:
            assert bench.entry(outcome.receipt) is not None, "the record names a post that is not there"
        else:
            assert outcome.missing, "the id is not known, and nothing says why"
            assert bench.made(TEXT.format(1)) > twins, "said to have been live, and was never made"

    def _with_picture(self) -> Any:
        return self.post(TEXT.format(1), media=[self.picture()])

    def _uploads(self) -> Any:
        rule = self.rules.images
        if rule is None or rule.by_url:
            skip("no pictures are uploaded here")
        return self.bench()
