"""Bar 6: a thousand ambiguous failures per platform; never two posts, never a false record.

One trial is one post whose answer is lost, with other misfortune beside it, driven as a scheduler would: publish
again under the same key when the outcome says so, settle, look when told to. All of it follows from the seed. The
trials go through every kind of post the platform takes; a kind that no later question can settle is a row of its own.

A twin is the same text posted from the same account by somebody else at that moment. Where the platform keeps no name
of our own for a post, nobody can tell two such posts apart: left open they are reported as "unknown", and one alone is
taken for ours; both are counted and printed, and are no part of the share.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import attrs

from socialkit import Outcome, Post, Status
from socialkit.registry import platforms
from socialkit.sandbox import Sandbox
from socialkit.testing import ManualClock

from .bar_01_requests import unlimited
from .kinds import KINDS, WITH_MEDIA, made
from .table import Row

TRIALS, BLOCK, SEED = 1000, 25, 6
LOST = ("stored-then-500", "stored-then-hang", "stored-later", "dropped-before", "dropped-after")
BESIDE = (
    "nothing",
    "listed-late",
    "twin",
    "twin before",
    "deleted-meanwhile",
    "key-ignored",
    "key-expired",
    "clock-skew",
    "429",
    "slow",
    "expired-token",
    "still-processing",
    "processing-failed",
)
KEY_FAULTS = frozenset({"key-ignored", "key-expired"})
MEDIA_FAULTS = frozenset({"still-processing", "processing-failed"})
DONE = frozenset({Status.PUBLISHED, Status.PROCESSING, Status.SCHEDULED})


@attrs.frozen
class Subject:
    """A platform as one kind of server, and what the bar asks of it (``share`` None: it is only printed).

    ``kinds`` are those of :mod:`bench.kinds` that the trials go through; empty means all that can be settled.
    """

    name: str
    platform: str
    software: str | None
    share: float | None
    beside: tuple[str, ...] = BESIDE
    trials: int = TRIALS
    kinds: tuple[str, ...] = ()


SUBJECTS = (
    Subject(
        "Mastodon, keys honoured",
        "mastodon",
        "mastodon",
        1.0,
        tuple(kind for kind in BESIDE if kind not in KEY_FAULTS),
    ),
    Subject("Mastodon API, keys ignored (GoToSocial)", "mastodon", "gotosocial", 0.99),
    Subject("Mastodon 4.6.0, keys answer 500", "mastodon", "mastodon-4.6.0", 0.99, trials=200),
    Subject(
        "Mastodon, a key it honours dropped on the way",
        "mastodon",
        "mastodon",
        None,
        tuple(sorted(KEY_FAULTS)),
        trials=100,
    ),
    Subject("Bluesky", "bluesky", None, 1.0),
    Subject("X", "x", None, 0.99),
    Subject("YouTube", "youtube", None, 1.0),
    Subject("Facebook", "facebook", None, 0.99),
    Subject("Instagram", "instagram", None, 1.0),
    Subject("LinkedIn, a Page", "linkedin", None, 0.99),
    Subject("Pinterest", "pinterest", None, 0.99),
    Subject("Reddit", "reddit", None, 0.99),
    Subject("Threads", "threads", None, 1.0),
    Subject("TikTok", "tiktok", None, 1.0),
    Subject("TikTok, what it fetches itself", "tiktok", None, 0.0, trials=200, kinds=("pictures", "pulled")),
)


@attrs.define
class Tally:
    """What became of the trials; ``false`` and ``twice`` name them. ``open``: left unknown, by what was beside.
    ``nameless``: certainly made, by a platform that did not tell which post it is."""

    trials: int = 0
    failures: int = 0
    twins: int = 0
    taken: int = 0
    nameless: int = 0
    twice: list[str] = attrs.field(factory=list)
    false: list[str] = attrs.field(factory=list)
    ends: Counter[str] = attrs.field(factory=Counter)
    open: Counter[str] = attrs.field(factory=Counter)

    def add(self, other: Tally) -> None:
        self.trials += other.trials
        self.failures += other.failures
        self.twins += other.twins
        self.taken += other.taken
        self.nameless += other.nameless
        self.twice += other.twice
        self.false += other.false
        self.ends += other.ends
        self.open += other.open

    @property
    def share(self) -> float:
        """Settled without a person, of the trials without a twin."""
        lone = self.trials - self.twins
        left = sum(count for beside, count in self.open.items() if not beside.startswith("twin"))
        return 1 - left / lone if lone else 1.0


class Watch:
    """Sees every post being made, and tells our own from a stranger's twin."""

    def __init__(self, platform: Any) -> None:
        self.platform = platform
        self.twins: set[str] = set()
        self.earlier: set[str] = set()
        self.overlap = False
        add, twin_of = platform.add, platform.twin_of

        def watched_add(entry: Any) -> Any:
            lost = platform.turn is not None and {"twin", "dropped-before"} <= platform.turn.faults.keys()
            self.overlap |= bool(not lost and self.live())
            return add(entry)

        def watched_twin(entry: Any) -> Any:
            twin = twin_of(entry)
            self.twins.add(twin.id)
            return twin

        platform.add, platform.twin_of = watched_add, watched_twin

    def begin(self) -> None:
        """A new trial: what is there was made by others."""
        self.earlier, self.overlap = set(self.platform.entries), False

    def own(self) -> list[Any]:
        """What the trial has made, deleted ones too."""
        others = self.earlier | self.twins
        return [entry for entry in self.platform.entries.values() if entry.id not in others]

    def live(self) -> list[Any]:
        return [entry for entry in self.own() if self.platform.is_live(entry)]


@attrs.define
class Trial:
    """One post with its misfortunes."""

    box: Sandbox
    client: Any
    watch: Watch
    subject: Subject
    name: str
    random: random.Random = attrs.field(init=False)
    beside: str = attrs.field(init=False)
    kind: str = attrs.field(init=False)
    lost: int = 1

    def __attrs_post_init__(self) -> None:
        self.random = random.Random(self.name)
        self.beside = self.random.choice(self.subject.beside)
        kinds = self.subject.kinds or KINDS[self.subject.platform]
        pictured = tuple(kind for kind in kinds if kind in WITH_MEDIA) if self.beside in MEDIA_FAULTS else ()
        self.kind = random.Random(f"{self.name} kind").choice(pictured or kinds)

    async def run(self) -> tuple[Outcome, int]:
        """How it ended, and how many answers were lost."""
        self.watch.begin()
        await self._plan_faults()
        outcome = await self._drive(made(self.kind, self.subject.platform, f"Trial {self.name} ends here"))
        planned = sum(fault.times for fault in self.box.faults.pending() if fault.kind in LOST)
        self.box.faults.clear()
        self.box.clock.advance(1800)
        self.watch.platform.skew = 0.0
        return outcome, self.lost - planned

    async def _plan_faults(self) -> None:
        pick, kind = self.random, self.random.choice(LOST)
        self.lost = 1 + (pick.random() < 0.3)
        seconds = pick.choice((120.0, pick.uniform(31, 119))) if self.beside != "listed-late" else 31.0
        if self.beside != "nothing":
            await self._beside(self.beside)
        self._fault(kind, **({"seconds": seconds} if kind == "stored-later" else {}))
        if self.lost == 2:
            self._fault(pick.choice(("stored-then-500", "dropped-before", "dropped-after")), skip=1)
        if pick.random() < 0.2:
            look = pick.choice(("429", "dropped-before", "stored-then-500", "slow"))
            self._fault(look, match="GET *", times=pick.choice((1, 3)))

    async def _beside(self, kind: str) -> None:
        if kind == "clock-skew":
            self.box.fault(
                kind, platform=self.subject.platform, seconds=self.random.choice((-600, -45, 45, 600))
            )
            if self.random.random() < 0.5:
                await self.client.fetch_account_metrics(self.subject.platform)
        elif kind.startswith("twin"):
            self._fault("twin", when="before" if kind.endswith("before") else "after")
        elif kind in ("429", "expired-token"):
            self._fault(kind, skip=1)
        else:
            self._fault(kind, times=5 if kind in KEY_FAULTS else 1)

    def _fault(self, kind: str, **details: Any) -> None:
        """Of the request that publishes, which every kind of post has its own; media faults hit the upload."""
        if "match" not in details and kind not in MEDIA_FAULTS:
            details["step"] = "commit"
        self.box.fault(kind, platform=self.subject.platform, **details)

    async def _drive(self, post: Post) -> Outcome:
        """Publish, settle and publish again under one key until it is known, as a scheduler would."""
        platform = self.subject.platform
        for _ in range(4):
            how: dict[str, Any] = {"idempotency_key": self.name, "errors": "return"}
            report = await self.client.publish(
                post, to=platform, wait=self.random.choice((0, 60, 400)), **how
            )
            outcome: Outcome = report[platform]
            if outcome.status is Status.UNKNOWN:
                outcome = await self._settle(outcome)
            if outcome.status in DONE or "may have been live" in str(outcome.error):
                break
            self.box.clock.advance(70)
        return outcome

    async def _settle(self, outcome: Outcome) -> Outcome:
        for _ in range(6):
            if outcome.look_again_at is not None:
                wait = (outcome.look_again_at - self.box.clock.now()).total_seconds()
                self.box.clock.advance(max(0.0, wait))
            outcome = (await self.client.settle(self.name))[self.subject.platform]
            if outcome.status is not Status.UNKNOWN:
                break
        return outcome


def named(outcome: Outcome, ids: Iterable[str]) -> bool:
    """Whether the receipt names one of the entries."""
    told = str(outcome.receipt.id).rpartition("/")[2] if outcome.receipt else None
    return told in {one.rpartition("/")[2] for one in ids}


def is_nameless(outcome: Outcome) -> bool:
    """Whether it says live without an id, and why there is none."""
    receipt = outcome.receipt
    return receipt is not None and receipt.id is None and bool(outcome.missing)


def false_record(outcome: Outcome, made: Iterable[str], live: Iterable[Any]) -> bool:
    """Whether the record says live of what was never there, or certainly not live of what is.

    One that names no post says that ours was made, and nothing of which one it is.
    """
    if outcome.status in DONE:
        return not list(made) if is_nameless(outcome) else not named(outcome, made)
    return outcome.status is not Status.UNKNOWN and bool(list(live))


async def block(subject: Subject, first: int, trials: int, seed: int) -> Tally:
    """Some trials in one sandbox."""
    tally = Tally()
    clock = ManualClock(datetime.now(UTC).replace(microsecond=0), grace=0)
    with Sandbox([subject.platform], clock=clock, seed=seed) as box:
        unlimited(box, subject.platform)
        platform = box[subject.platform]
        if subject.software:
            platform.software = subject.software  # type: ignore[attr-defined]
            platform.windows = ()
        watch = Watch(platform)
        async with box.async_client(store=":memory:") as client:
            for number in range(first, first + trials):
                await _tried(Trial(box, client, watch, subject, f"{seed}-{number}"), tally)
    return tally


async def _tried(trial: Trial, tally: Tally) -> None:
    outcome, failures = await trial.run()
    own, live = trial.watch.own(), trial.watch.live()
    told = f"{trial.name} ({trial.kind}, {trial.beside})"
    tally.trials += 1
    tally.failures += failures
    tally.twins += trial.beside.startswith("twin")
    taken = outcome.status in DONE and named(outcome, trial.watch.twins)
    tally.taken += taken
    tally.nameless += outcome.status in DONE and is_nameless(outcome)
    tally.ends[outcome.status.value] += 1
    if outcome.status is Status.UNKNOWN:
        tally.open[trial.beside] += 1
    if len(live) > 1 or trial.watch.overlap:
        tally.twice.append(told)
    if not taken and false_record(outcome, [entry.id for entry in own], live):
        tally.false.append(told)


def _block(subject: Subject, first: int, trials: int, seed: int) -> Tally:
    return asyncio.run(block(subject, first, trials, seed))


def measure(subjects: Iterable[Subject], seed: int = SEED) -> dict[Subject, Tally]:
    """The trials of every subject, in two processes."""
    tallies = {subject: Tally() for subject in subjects}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        work = {
            pool.submit(_block, subject, first, min(BLOCK, subject.trials - first), seed): subject
            for subject in tallies
            for first in range(0, subject.trials, BLOCK)
        }
        for future, subject in work.items():
            tallies[subject].add(future.result())
    return tallies


def judge(subject: Subject, tally: Tally, theirs: str = "-") -> Row:
    """No duplicate, no false record, and the promised share settled without a person."""
    made = (
        f"{tally.failures} lost answers: {len(tally.twice)} duplicates, {len(tally.false)} false records, "
        f"{tally.share:.1%} settled"
    )
    ends = ", ".join(f"{count} {name}" for name, count in sorted(tally.ends.items()))
    open_twins = sum(count for beside, count in tally.open.items() if beside.startswith("twin"))
    notes = [
        f"{tally.trials} posts, seed {SEED}: {ends}; of {tally.twins} with a twin {open_twins} stay unknown and "
        f"{tally.taken} name the twin"
    ]
    if tally.nameless:
        notes.append(
            f"{tally.nameless} are published without an id: ours was made, and the list shows none or two"
        )
    notes += [f"duplicates in trials {', '.join(tally.twice[:8])}"] if tally.twice else []
    notes += [f"false records in trials {', '.join(tally.false[:8])}"] if tally.false else []
    name = f"6 failures, {subject.name}"
    if subject.share is None:
        return Row(name, "printed", made, "-", None, tuple(notes))
    ok = not tally.twice and not tally.false and tally.share >= subject.share
    open_is_told = "the rest is told to be unknown"
    asked = (
        f"{'' if subject.share == 1 else '>= '}{subject.share:.0%} settled" if subject.share else open_is_told
    )
    target = f"0 duplicates, 0 false, {asked}"
    return Row(name, target, made, theirs, ok, tuple(notes))


def run() -> list[Row]:
    from .failures_of_peers import compared

    there = platforms()
    subjects = [subject for subject in SUBJECTS if subject.platform in there]
    theirs = compared(sorted({subject.platform for subject in subjects}))
    done = measure(subjects)
    return [judge(subject, tally, theirs[subject.platform]) for subject, tally in done.items()]
