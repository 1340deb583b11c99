"""The suite that an adapter and its sandbox pass together; it asks only for what the adapter's rules declare."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import attrs

from .. import errors as all_errors
from ..adapters._errors import from_table
from ..adapters.base import CONTRACT, Part, Response, Sent
from ..errors import ConfigError
from ..metrics import NUMBERS
from ..model import Image, Medium, Poll, Post, Receipt, Status, Video
from ..plan import Plan
from ..rules import ErrorRow
from . import _samples
from ._arrivals import ArrivalTests
from ._bench import TEXT, AdapterSuite, Bench, skip
from ._faults import FaultTests

FIELDS: dict[str, tuple[Any, str]] = {
    "link": ("https://example.com/zqlink", "example.com/zqlink"),
    "title": ("zqtitle", "zqtitle"),
    "tags": (["zqtag"], "zqtag"),
    "poll": (Poll(["zqyes", "zqno"], seconds=3600), "zqyes"),
    "language": ("de", "'de'"),
    "content_warning": ("zqwarning", "zqwarning"),
    "sensitive": (True, "'sensitive': True"),
    "visibility": ("unlisted", "unlisted"),
}
"""A value for each plain field of ``Post``, and what of it must be found in the timeline's entry."""


_ORDER = "the rows are not in the order of the receipts"


class AdapterContract(FaultTests, ArrivalTests, AdapterSuite):
    """What every adapter must do, driven through the platform's own sandbox. Subclass it and name the platform.

    An adapter that no entry point names yet is given as ``adapter = Boats`` and ``box = BoatsBox`` instead.
    ``post``, ``picture``, ``same``, ``account``, ``kinds`` and ``sandbox`` can be replaced; a test is switched off by
    setting it to None, with the reason beside it.

    >>> class TestMastodon(AdapterContract):
    ...     platform = "mastodon"
    >>> TestMastodon().test_the_same_key_publishes_once()
    """

    many: ClassVar[int] = 110
    """How many own posts the paging test makes; more than one page of the platform."""

    # --- what is declared -----------------------------------------------------------------------------------
    def test_adapter_and_sandbox_agree_on_the_contract(self) -> None:
        with self.bench() as bench:
            cls, box = self.adapter_class, bench.platform
        assert cls.platform == box.platform == self.platform
        written = (cls.contract, box.contract)
        assert written == (CONTRACT, CONTRACT), f"adapter and sandbox follow {written}, this is {CONTRACT}"
        assert cls.title, "a title for people, such as 'Mastodon'"
        assert cls.Options.platform in ("", self.platform)
        assert box.hosts, "the hosts the sandbox answers for in process"

    def test_rules_say_where_they_come_from(self) -> None:
        assert self.rules.sources, "rules.sources is empty: name where the numbers were read, and when"
        for source in self.rules.sources:
            assert source.where
            date.fromisoformat(source.read)

    def test_options_repeat_no_field_of_post(self) -> None:
        own = {field.name for field in attrs.fields(self.adapter_class.Options)}
        assert not own & {field.name for field in attrs.fields(Post)}

    def test_error_rows_mean_their_class(self) -> None:
        with self.bench() as bench:
            unreached = [row for row in self.rules.errors if not _reached(bench, row)]
        assert not unreached, f"no answer of the platform leads to {unreached}"

    # --- who am I -------------------------------------------------------------------------------------------
    def test_the_account_is_always_the_same(self) -> None:
        with self.bench() as bench:
            first = bench.plan(self.post("hello")).identity
            box = bench.box
            twin = {self.platform: self.account(box)}
            from ..client import Client

            with Client(twin, transport=box.transport, clock=box.clock) as other:
                second = other.plan(self.post("hello"), self.platform)[self.platform].identity
        assert first is not None
        assert first == second, f"the account was {first}, then {second}: use the platform's own id"
        assert (first.platform, first.server) == (self.platform, bench.adapter.server)
        assert first.id

    def test_secrets_are_never_shown(self) -> None:
        with self.bench() as bench:
            receipt = bench.must_publish(self.post(TEXT.format(1)), "key")
            bench.box.fault("expired-token", platform=self.platform)
            failed = bench.publish(self.post(TEXT.format(2)))
            secrets = bench.adapter.seed.secrets()
            shown = {
                "repr(adapter)": repr(bench.adapter),
                "repr(client)": repr(bench.client),
                "repr(adapter.seed)": repr(bench.adapter.seed),
                "the receipt": f"{receipt!r}{receipt.to_dict()}",
                "an outcome": f"{failed!r}{failed.error!r}",
                "the journal": repr([report.to_dict() for report in bench.client.history()]),
                "the transcript": repr(bench.box.requests),
            }
        assert secrets, "the sandbox's credentials hold no secret"
        leaking = [place for place, text in shown.items() if any(secret in text for secret in secrets)]
        assert not leaking, f"a secret stands in {', '.join(leaking)}"

    # --- planning -------------------------------------------------------------------------------------------
    def test_a_plan_only_reads(self) -> None:
        with self.bench() as bench:
            assert not bench.plan(self.post(TEXT.format(1))).errors
            before = len(bench.live())
            assert set(bench.steps()) <= {"read", "prepare"}
            assert len(bench.live()) == before

    def test_an_over_long_text_is_a_problem(self) -> None:
        with self.bench() as bench:
            limit, unit = bench.rules.text.limits[0]
            fits = "a" * (limit // 2 if unit == "x" else limit)
            assert not _places(bench.plan(self.post(fits)).errors) & {"text"} or unit == "x"
            assert "text" in _places(bench.plan(self.post("a" * (limit + 1))).errors)

    def test_every_field_arrives_or_is_named(self) -> None:
        """Nothing is dropped silently: for each field a Problem, a Change, or it is on the timeline."""
        checks: dict[str, Callable[[Bench], bool]] = {
            "text": lambda bench: _arrives(bench, self.post(TEXT.format(9)), TEXT.format(9)),
            "media": self._media_arrive,
            "thread": self._thread_arrives,
            "split": self._split_arrives,
            "reply_to": lambda bench: self._reference_arrives(bench, "reply_to"),
            "quote": lambda bench: self._reference_arrives(bench, "quote"),
            "variants": self._variant_arrives,
        }
        silent = []
        with self.bench() as bench:
            for field in attrs.fields(Post):
                check = checks.get(field.name) or self._plain_field(field.name)
                if not check(bench):
                    silent.append(field.name)
        assert not silent, f"dropped without a word: {', '.join(silent)}"

    def _plain_field(self, name: str) -> Callable[[Bench], bool]:
        value, marker = FIELDS[name]
        text = TEXT.format(list(FIELDS).index(name))
        return lambda bench: _arrives(bench, self.post(text, **{name: value}), marker, name)

    def _media_arrive(self, bench: Bench) -> bool:
        post = self.post(TEXT.format(20), media=[self.picture(alt="zqalt")])
        return _arrives(bench, post, "zqalt", "media")

    def _thread_arrives(self, bench: Bench) -> bool:
        post = self.post(TEXT.format("thread"), thread=[Post(TEXT.format("zqsecond"))])
        return _told(bench, post, "thread") or bool(bench.must_publish(post) and bench.live("zqsecond"))

    def _split_arrives(self, bench: Bench) -> bool:
        limit = bench.rules.text.limits[0][0]
        words = "zqsplit " * (limit // 8 + 8)
        return _told(bench, self.post(words, split=True), "text")

    def _reference_arrives(self, bench: Bench, name: str) -> bool:
        parent = bench.must_publish(self.post(TEXT.format(f"parent of {name}")))
        post = self.post(TEXT.format(f"child, {name}"), **{name: parent})
        if _told(bench, post, name):
            return True
        entry = bench.entry(bench.must_publish(post))
        return entry is not None and str(parent.id) in repr(attrs.asdict(entry))

    def _variant_arrives(self, bench: Bench) -> bool:
        post = self.post("for the others").variant(self.platform, text=TEXT.format("variant"))
        lost = self.post("lost").variant("no-such-target", text="nobody gets it")
        told = _told(bench, lost, "variants")
        return told and _arrives(bench, post, TEXT.format("variant"))

    # --- publishing what the rules allow ----------------------------------------------------------------------
    def test_a_text_is_published(self) -> None:
        with self.bench() as bench:
            receipt = bench.must_publish(self.post(TEXT.format(1)))
            entry = bench.entry(receipt)
            assert entry is not None, f"{receipt.id} is not on the timeline"
            assert TEXT.format(1) in entry.text
            assert receipt.url
            assert receipt.platform == self.platform
            assert (
                receipt.published_at is None
                or abs((receipt.published_at - entry.created_at).total_seconds()) < 5
            )

    def test_pictures_are_published_up_to_their_number(self) -> None:
        rule = self.rules.images or skip("no pictures here")
        with self.bench() as bench:
            allowed = (bench.rules.images or rule).count
            count = min(allowed, 1000 if rule.by_url else 20)
            media = [self.picture(shade, alt=f"zqpicture {shade}") for shade in range(count + 1)]
            entry = bench.entry(bench.must_publish(self.post(TEXT.format(1), media=media[:count])))
            assert entry is not None
            places = [repr(attrs.asdict(entry)).find(f"zqpicture {shade}'") for shade in range(count)]
            if not rule.by_url:
                assert len(entry.media) == count
                assert -1 not in places
                assert places == sorted(places), "in the order they were given"
            over = bench.plan(self.post(TEXT.format(2), media=media)).errors
            assert count < allowed or "media" in _places(over), f"{count + 1} pictures are no problem"

    def test_a_video_is_published(self) -> None:
        rule = self.rules.video or skip("no videos here")
        if not rule.types & {"video/mp4", "video/quicktime"}:
            skip("the sample is an MP4")
        with self.bench() as bench:
            post = self.post(TEXT.format(1), media=[Video(_samples.mp4(), alt="zqvideo")])
            entry = bench.entry(bench.must_publish(post))
            assert entry is not None
            assert len(entry.media) == 1

    def test_a_poll_is_published(self) -> None:
        rule = self.rules.poll or skip("no polls here")
        options = [f"zqoption {n}" for n in range(rule.max_options)]
        with self.bench() as bench:
            allowed = bench.rules.poll or rule
            seconds = min(max(86_400, allowed.min_seconds), allowed.max_seconds)
            poll = Poll(options[: allowed.max_options], seconds=seconds)
            entry = bench.entry(bench.must_publish(self.post(TEXT.format(1), poll=poll)))
            assert entry is not None
            assert all(option in repr(entry.poll) for option in poll.options)

    def test_a_thread_is_published_in_order(self) -> None:
        self._need(self.rules.thread, "no threads here")
        with self.bench() as bench:
            receipt = bench.must_publish(self._thread(), "tale")
            assert len(receipt.part_ids) == 3
            self._check_chain(bench)

    def test_a_thread_resumes_where_it_stopped(self) -> None:
        self._need(self.rules.thread, "no threads here")
        with self.bench(max_wait=1) as bench:
            bench.box.fault("429", platform=self.platform, skip=1, seconds=7200)
            stopped = bench.publish(self._thread(), "tale")
            assert stopped.status is Status.PARTIAL, f"{stopped.status}: {stopped.error}"
            assert stopped.next_index == 1
            assert len(bench.live("zq")) == 1
            bench.box.clock.advance(4 * 3600)
            again = bench.publish(self._thread(), "tale")
            assert again.status is Status.PUBLISHED, f"{again.status}: {again.error}"
            self._check_chain(bench)

    def _thread(self) -> Post:
        return self.post(TEXT.format(1), thread=[Post(TEXT.format(2)), Post(TEXT.format(3))])

    def _check_chain(self, bench: Bench) -> None:
        entries = [bench.live(TEXT.format(number)) for number in (1, 2, 3)]
        copies = [len(found) for found in entries]
        assert copies == [1, 1, 1], f"copies of the three parts: {copies}"
        first, second, third = (found[0] for found in entries)
        assert first.id in str(second.reply_to), "the second part does not answer the first"
        assert second.id in str(third.reply_to), "the third part does not answer the second"

    def test_a_plan_travels_as_json(self) -> None:
        """Part, Sent and Receipt survive JSON: another process may finish the work."""
        from .._convert import plain, structure

        with self.bench() as bench, TemporaryDirectory() as folder:
            plan = bench.client.plan(self.post(TEXT.format(1), media=self._files(folder)), self.platform)
            again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
            assert again[self.platform].parts == plan[self.platform].parts
            assert again.digest == plan.digest
            receipt = bench.client.publish(again)[self.platform].receipt
            assert receipt is not None
            assert Receipt.from_dict(json.loads(json.dumps(receipt.to_dict()))) == receipt
            part = plan[self.platform].parts[0]
            assert structure(Part, json.loads(json.dumps(plain(part)))) == part
            sent = Sent(receipt.id, receipt.url, receipt.published_at, raw=receipt.raw)
            assert structure(Sent, json.loads(json.dumps(plain(sent)))) == sent

    def _files(self, folder: str) -> list[Medium]:
        """A picture that can travel, or a video where there are no pictures: bytes in memory cannot."""
        if self.rules.images is None and self.rules.video is not None and not self.rules.video.by_url:
            clip = Path(folder, "boat.mp4")
            clip.write_bytes(_samples.mp4())
            return [Video(clip, alt="The boat")]
        if self.rules.images is None or self.rules.images.by_url:
            return [self.picture()] if self.rules.images else []
        path = Path(folder, "boat.png")
        path.write_bytes(_samples.png())
        return [Image(path, alt="A grey boat")]

    def test_the_same_key_publishes_once(self) -> None:
        with self.bench() as bench:
            post = self.post(TEXT.format(1))
            first = bench.must_publish(post, "launch")
            again = bench.publish(post, "launch")
            assert again.replayed
            assert again.receipt == first
            assert len(bench.live(TEXT.format(1))) == 1

    def test_a_halt_leaves_the_timeline_alone(self) -> None:
        with self.bench() as bench:
            bench.client.halt("all", reason="wrong price", by="duty officer")
            assert bench.publish(self.post(TEXT.format(1))).status is Status.REFUSED
            assert not bench.live(TEXT.format(1))
            assert "commit" not in bench.steps()

    # --- afterwards -------------------------------------------------------------------------------------------
    def test_a_post_is_deleted_and_deleting_again_is_fine(self) -> None:
        with self.bench() as bench:
            receipt = bench.must_publish(self.post(TEXT.format(1)))
            if not self.rules.delete:
                assert _refuses(lambda: bench.client.delete(receipt))
                return
            for _ in range(2):
                bench.client.delete(receipt)
                assert not bench.live(TEXT.format(1))

    def test_a_post_is_edited(self) -> None:
        with self.bench() as bench:
            receipt = bench.must_publish(self.post(TEXT.format(1)))
            if not self.rules.edit:
                assert _refuses(lambda: bench.client.edit(receipt, self.post(TEXT.format(2))))
                return
            bench.box.clock.advance(60)
            edited = bench.client.edit(receipt, self.post(TEXT.format(2)))
            assert bench.entry(edited) is not None, "the receipt of an edit names what is live now"
            assert [len(bench.live(TEXT.format(number))) for number in (1, 2)] == [0, 1]

    # --- reading ------------------------------------------------------------------------------------------------
    def test_metrics_come_in_the_order_asked_and_gaps_are_rows(self) -> None:
        self._need(self.rules.metrics, "no metrics here")
        with self.bench() as bench:
            receipts = [bench.must_publish(self.post(TEXT.format(number))) for number in range(3)]
            gone = bench.platform.find(bench.live(TEXT.format(1))[0].id)
            assert gone is not None
            bench.platform.erase(gone)
            bench.box.clock.advance(86_400)
            table = bench.client.fetch_metrics(receipts[::-1])
            assert [row.id for row in table] == [receipt.id for receipt in receipts[::-1]], _ORDER
            read = [row.error is None for row in table]
            assert read == [True, False, True], "only the deleted post's row carries an error"
            for row in (table[0], table[2]):
                _check_row(row, self.rules.metrics)

    def test_metrics_are_asked_for_in_batches(self) -> None:
        self._need(self.rules.metrics, "no metrics here")
        with self.bench() as bench:
            receipts = [bench.must_publish(self.post(TEXT.format(number))) for number in range(5)]
            bench.box.clock.advance(600)
            for size in sorted({1, 2, self.rules.metrics_batch}):
                if size > self.rules.metrics_batch:
                    continue
                bench.adapter.__dict__["rules"] = attrs.evolve(self.rules, metrics_batch=size)
                before = len(bench.box.requests)
                table = bench.client.fetch_metrics(receipts)
                assert [row.id for row in table] == [receipt.id for receipt in receipts], _ORDER
                assert not table.errors, table.errors
                spent, allowed = len(bench.box.requests) - before, math.ceil(len(receipts) / size)
                assert spent <= allowed, f"{spent} requests for {len(receipts)} posts in batches of {size}"
                bench.box.clock.advance(600)

    def test_account_metrics_are_one_row(self) -> None:
        self._need(self.rules.account_metrics, "no account metrics here")
        with self.bench() as bench:
            (row,) = bench.client.fetch_account_metrics(self.platform)
            assert row.error is None, row.error
            assert row.identity == bench.plan(self.post("hello")).identity
            _check_row(row, self.rules.account_metrics)

    def test_own_posts_are_listed_page_after_page(self) -> None:
        self._need(self.rules.fetch_posts, "own posts are not listed here")
        with self.bench() as bench:
            first = bench.must_publish(self.post(TEXT.format(1)))
            original = bench.entry(first)
            assert original is not None
            for _ in range(self.many):
                bench.box.clock.advance(1)
                with bench.box.lock:
                    bench.platform.add(bench.platform.twin_of(original))
            bench.box.clock.advance(600)
            receipts = bench.client.fetch_posts(self.platform, limit=self.many + 10)
            ids = [receipt.id for receipt in receipts]
            words = f"{len(ids)} receipts, {len(set(ids))} different ones, for {self.many + 1} posts"
            assert len(ids) == len(set(ids)) == self.many + 1, words
            assert first.id in ids, "the oldest post is missing"
            few = bench.client.fetch_posts(self.platform, limit=3)
            assert [receipt.id for receipt in few] == ids[:3], "newest first, no more than asked for"
            assert TEXT.format(1) in (few[0].text or "")

    def test_a_permalink_leads_back_to_its_post(self) -> None:
        with self.bench() as bench:
            receipt = bench.must_publish(self.post(TEXT.format(1)))
            assert receipt.url is not None
            assert bench.adapter.owns(receipt.url)
            assert not bench.adapter.owns("https://nowhere.example.com/boat/1")
            bench.box.clock.advance(600)
            (row,) = bench.client.fetch_metrics(receipt.url)
            assert row.error is None, row.error
            assert row.id == receipt.id

    @staticmethod
    def _need(declared: object, why: str) -> None:
        if not declared:
            skip(why)


# --- helpers ----------------------------------------------------------------------------------------------------
def _places(problems: Any) -> set[str]:
    """The fields problems or changes are about, without index and what comes after it."""
    return {re.split(r"[.\[]", one.field)[0] for one in problems}


def _told(bench: Bench, post: Post, field: str) -> bool:
    """Whether the plan says something about the field (that alt text is missing aside)."""
    plan = bench.plan(post)
    assert plan.error is None, plan.error
    return field in _places(plan.problems) | _places(plan.changes)


def _arrives(bench: Bench, post: Post, marker: str, field: str = "text") -> bool:
    """Whether the plan names the field, or the published entry holds the marker."""
    if _told(bench, post, field):
        return True
    entry = bench.entry(bench.must_publish(post))
    return entry is not None and marker in repr(attrs.asdict(entry))


def _refuses(act: Callable[[], object]) -> bool:
    try:
        act()
    except ConfigError:
        return True
    return False


def _check_row(row: Any, declared: frozenset[str]) -> None:
    """Every number is there or has a reason why not; what is not declared is None, and no zero poses as that."""
    for name in NUMBERS:
        value = getattr(row, name)
        assert value is not None or row.missing.get(name), f"{name} is not there, and no reason given"
        if name not in declared:
            assert value is None, f"{name} is given but not declared in the rules"
    assert row.fetched_at is not None


def _words(pattern: str | None) -> str | None:
    """Words a row's pattern fits, made by taking its first choices; None when that is too simple for it."""
    if pattern is None:
        return "No."
    text = re.sub(r"\(\?:|\(", "(", pattern.split("|")[0] if "(" not in pattern else pattern)
    text = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", text).split("|")[0]
    text = re.sub(r"\.\*|\\b|[\^$]", " ", text).replace("?", "").replace("\\", "")
    return text if re.search(pattern, text, re.IGNORECASE) else None


def _reached(bench: Bench, row: ErrorRow) -> bool:
    """Whether an answer leads to the row's class: the platform's own answer, or any with that code and words."""
    words = _words(row.text)
    if words is None:
        return True
    wanted, rows = getattr(all_errors, row.raises), bench.adapter.rules.errors
    for status in (row.status,) if row.status else (400, 401, 403, 418, 503):
        answer = bench.platform.error(status, row.code or "", words)
        response = Response(
            status, dict(answer.headers), bytes(answer.body), received_at=bench.box.clock.now()
        )
        bare = from_table(rows, response, row.code, words)
        if isinstance(bench.adapter.parse_error(response), wanted) or isinstance(bare, wanted):
            return True
    return False
