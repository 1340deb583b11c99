"""Tables that line up and are safe to show, and the error a report adds up to."""

from datetime import UTC, datetime

import attrs
import pytest

from socialkit._render import Table, raise_for_report, shorten, width_of
from socialkit.adapters.base import Part
from socialkit.errors import (
    Declined,
    InvalidPost,
    OutcomeUnknown,
    PlatformError,
    PublishErrors,
    Refused,
    SocialKitError,
    ThreadPartlyPosted,
)
from socialkit.model import Change, Identity, Outcome, Problem, Receipt, Report
from socialkit.plan import Plan, TargetPlan

ME = Identity("x", "https://api.x.com", "7")
LIVE = Receipt(ME, "1", url="https://x.com/i/web/status/1")
GOOD = Outcome("ex", "x", "published", receipt=LIVE)


class TestWidth:
    @pytest.mark.parametrize(
        ("text", "columns"),
        [
            ("abc", 3),
            ("日本", 4),
            ("e\u0301", 1),
            ("🚀", 2),
            ("👩‍💻", 2),
            ("👍🏽", 2),
            ("❤️", 2),
            ("🇩🇪", 2),
            ("\u200b", 0),
            ("", 0),
        ],
    )
    def test_is_what_a_terminal_uses(self, text, columns):
        assert width_of(text) == columns

    def test_shortened_text_fits_and_shows_the_cut(self):
        assert shorten("日本語です", 6) == "日本…"
        assert shorten("abc", 3) == "abc"
        assert shorten("abcd", 3) == "ab…"


class TestTable:
    def test_columns_line_up_whatever_the_script(self):
        lines = Table(("a", "b"), (("日本", "x"), ("abc", "y"))).text().splitlines()
        assert lines == ["a     b", "日本  x", "abc   y"]

    def test_numbers_stand_right_and_none_is_not_zero(self):
        lines = Table(("likes",), ((1200,), (0,), (None,), (1.5,)), unknown="–").text().splitlines()
        assert lines == ["likes", " 1200", "    0", "    –", "  1.5"]

    def test_a_cell_may_have_several_lines(self):
        assert Table(("a", "b"), (("1\n2", "x"), ("3", "y"))).text().splitlines() == [
            "a  b",
            "1  x",
            "2",
            "3  y",
        ]

    def test_the_widest_column_gives_way(self):
        text = Table(("a", "note"), (("sky", "x" * 100),)).text(width=30)
        assert max(width_of(line) for line in text.splitlines()) == 30
        assert "sky" in text
        assert "…" in text

    def test_a_terminal_cannot_be_driven_from_a_cell(self):
        text = Table(("a",), (("\x1b[31mred\x07\r\u202egnp",),), title="t").text()
        assert not set(text) & set("\x1b\x07\r\u202e")

    def test_without_rows_there_is_still_a_head(self):
        assert Table(("a", "b"), ()).text() == "a  b"

    def test_html_is_escaped_everywhere(self):
        bad = "<script>\"'&"
        html = Table((bad,), ((bad,),), title=bad).html()
        assert "<script>" not in html
        assert html.count("&lt;script&gt;&quot;&#x27;&amp;") == 3

    def test_only_a_whole_http_url_becomes_a_link(self):
        html = Table(
            ("url",), (("https://example.com/?a=1&b=2",), ("javascript:alert(1)",), ("see https://x",))
        ).html()
        assert html.count("<a ") == 1
        assert 'href="https://example.com/?a=1&amp;b=2"' in html


class TestReportTable:
    def test_shows_account_status_url_and_what_to_know(self):
        lost = Outcome(
            "sky",
            "bluesky",
            "unknown",
            error=OutcomeUnknown("no answer"),
            look_again_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        )
        text = str(Report("launch-1", [GOOD, lost]))
        assert text.splitlines()[0] == "launch-1: 1 of 2 accounts done"
        assert "https://x.com/i/web/status/1" in text
        assert "no answer" in text
        assert "look again at 2026-03-01 12:00Z" in text

    def test_shows_what_is_missing_problems_and_replays(self):
        half = Outcome("a", "x", "partial", missing=("alt text",), next_index=2)
        bad = Outcome("b", "x", "invalid", problems=(Problem("b", "text", "too_long", "312 of 300"),))
        again = Outcome("c", "x", "published", replayed=True)
        text = str(Report("k", [half, bad, again]))
        for words in (
            "missing: alt text",
            "first 2 parts are live",
            "error: text: 312 of 300",
            "earlier call",
        ):
            assert words in text

    def test_is_a_table_in_a_notebook_too(self):
        assert Report("k", [GOOD])._repr_html_().startswith("<table>")
        assert repr(Report("k", [GOOD])) == str(Report("k", [GOOD]))


class TestNotes:
    def test_a_problem_is_told_once_and_without_the_account_of_its_row(self):
        wrong = Problem("ex", "text", "too_long", "300 of at most 280 characters", hint="shorten it")
        told = Outcome("ex", "x", "invalid", problems=(wrong,), error=InvalidPost([wrong]))
        shown = str(Report("k", (told, GOOD)))
        assert shown.count("300 of at most 280") == 1
        assert "error: text: 300 of at most 280 characters (shorten it)" in shown
        assert "ex: text" not in shown

    def test_a_warning_beside_a_published_post_is_called_one(self):
        mild = Problem("ex", "media[0]", "small", "small", severity="warning")
        assert "warning: media[0]: small" in str(Report("k", (attrs.evolve(GOOD, problems=(mild,)),)))

    def test_an_account_may_have_a_colon_in_its_name(self):
        wrong = Problem("brand: de", "text", "empty", "there is nothing to publish")
        told = Outcome("brand: de", "x", "invalid", problems=(wrong,), error=InvalidPost([wrong]))
        assert "error: text: there is nothing to publish" in str(Report("k", (told,)))


class TestRaiseForReport:
    def raised(self, *outcomes):
        report = Report("launch-1", outcomes)
        with pytest.raises(SocialKitError) as caught:
            raise_for_report(report)
        assert caught.value.report is report
        return caught.value

    @pytest.mark.parametrize("status", ["published", "processing", "scheduled", "handed_over"])
    def test_is_quiet_when_all_is_well(self, status):
        raise_for_report(Report("k", [Outcome("sky", "bluesky", status)]))
        raise_for_report(Report("k", []))

    def test_one_account_raises_its_own_error(self):
        error = Declined("too long")
        assert self.raised(Outcome("sky", "bluesky", "failed", error=error)) is error
        assert error.account == "sky"

    @pytest.mark.parametrize(
        ("status", "cls"),
        [
            ("invalid", InvalidPost),
            ("refused", Refused),
            ("partial", ThreadPartlyPosted),
            ("unknown", OutcomeUnknown),
            ("failed", PlatformError),
        ],
    )
    def test_a_status_without_an_error_raises_the_class_it_means(self, status, cls):
        error = self.raised(Outcome("sky", "bluesky", status))
        assert type(error) is cls
        assert error.account == "sky"

    def test_a_half_posted_thread_brings_its_receipts_and_where_to_go_on(self):
        live = Receipt(ME, "1", parts=[Receipt(ME, "2")])
        error = self.raised(Outcome("ex", "x", "partial", receipt=live, next_index=2))
        assert [one.id for one in error.receipts] == ["1", "2"]
        assert error.next_index == 2
        assert "idempotency_key='launch-1'" in str(error)

    def test_unknown_says_settle_first_and_may_be_live(self):
        error = self.raised(Outcome("sky", "bluesky", "unknown"))
        assert error.may_be_live
        assert "client.settle('launch-1') looks for sky" in str(error)
        assert not self.raised(Outcome("sky", "bluesky", "failed")).may_be_live

    def test_many_accounts_raise_a_group_with_one_error_each(self):
        group = self.raised(
            GOOD, Outcome("sky", "bluesky", "failed"), Outcome("toots", "mastodon", "unknown")
        )
        assert isinstance(group, PublishErrors)
        assert [error.account for error in group.exceptions] == ["sky", "toots"]
        assert all(error.report is group.report for error in group.exceptions)
        assert "2 of 3 accounts are not done (sky failed, toots unknown)" in str(group)
        assert "idempotency_key='launch-1'" in str(group)

    def test_one_failure_among_many_accounts_is_still_a_group(self):
        assert isinstance(self.raised(GOOD, Outcome("sky", "bluesky", "failed")), PublishErrors)


class TestPlanTable:
    PLAN = Plan(
        (
            TargetPlan("sky", "bluesky", parts=(Part(0, {}), Part(1, {}, requests=2)), changes=(
                Change("sky", "text", "split", "continues in 2 parts"),
            )),
            TargetPlan("ex", "x", parts=(Part(0, {}, cost=0.015),), problems=(
                Problem("ex", "media[0].alt", "missing", "no alt text", severity="warning"),
            )),
            TargetPlan("toots", "mastodon", error=SocialKitError("no answer")),
        )
    )  # fmt: skip

    def test_shows_requests_cost_problems_and_changes(self):
        lines = str(self.PLAN).splitlines()
        assert lines[0] == "2 of 3 accounts ready; nothing has been sent"
        assert lines[1].split() == ["account", "platform", "posts", "requests", "US$", "note"]
        assert "change: text: continues in 2 parts" in lines[2]
        assert "0.015  warning: media[0].alt: no alt text" in lines[3]
        assert "error: no answer" in lines[4]

    def test_shows_no_price_where_nothing_costs(self):
        assert "US$" not in str(Plan((TargetPlan("sky", "bluesky"),)))

    def test_is_a_table_in_a_notebook_too(self):
        assert "continues in 2 parts" in self.PLAN._repr_html_()


class TestWrapped:
    table = Table(("account", "url", "note"), (("sky", "https://example.com/1", "look again in a minute"),))

    def test_what_fits_stays_as_it_is(self):
        assert self.table.wrapped(100) == self.table.text()

    def test_notes_go_on_in_their_column(self):
        table = Table(("account", "note"), (("sky", "look again " * 6),))
        assert table.wrapped(50).splitlines() == [
            "account  note",
            "sky      look again look again look again look",
            "         again look again look again",
        ]

    def test_with_little_room_they_stand_below(self):
        assert self.table.wrapped(40).splitlines() == [
            "account  url",
            "sky      https://example.com/1",
            "    look again in a minute",
        ]

    def test_a_url_is_never_cut(self):
        address = f"https://example.com/{'a' * 60}"
        shown = Table(("account", "url"), (("sky", address),), title="launch").wrapped(70)
        assert shown.splitlines() == ["launch", "account", "sky", f"    {address}"]
