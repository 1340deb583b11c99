"""Metrics: unknown is never zero, threads add up honestly, tables keep types in every library."""

import csv
import io
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit.errors import ConfigError, Declined, PublishErrors, RateLimited
from socialkit.metrics import (
    COLUMNS,
    COUNTS,
    NUMBERS,
    SUMMED,
    Metrics,
    MetricsTable,
    batches,
    error_row,
    single_posts,
    thread_row,
)
from socialkit.model import Identity, Receipt

ME = Identity("mastodon", "https://example.social", "42")
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
POST = Receipt(ME, "1", url="https://example.social/1", published_at=AT)
THREAD = Receipt(ME, "1", parts=[Receipt(ME, "2"), Receipt(ME, "3")])


class TestRow:
    def test_every_number_is_unknown_at_first(self):
        assert all(getattr(Metrics(), name) is None for name in NUMBERS)

    def test_takes_place_and_time_from_the_receipt(self):
        row = Metrics.of(POST, likes=3, account="toots")
        assert (row.account, row.platform, row.identity, row.id) == ("toots", "mastodon", ME, "1")
        assert (row.url, row.published_at, row.likes) == (POST.url, AT, 3)

    def test_an_error_row_says_why_for_every_number(self):
        error = RateLimited("the limit is used up\nsecond line", account="toots")
        row = error_row(POST, error, AT)
        assert row.error is error
        assert row.account == "toots"
        assert row.missing == dict.fromkeys(NUMBERS, "the limit is used up")
        assert {getattr(row, name) for name in NUMBERS} == {None}

    def test_the_vocabulary_is_the_tables_and_the_class(self):
        assert set(COUNTS) | {"watch_seconds"} == set(NUMBERS)
        assert set(NUMBERS) <= set(COLUMNS)
        assert all(hasattr(Metrics(), name) for name in COLUMNS)


class TestThreads:
    def test_single_posts_keep_the_order(self):
        assert [one.id for one in single_posts([THREAD, POST])] == ["1", "2", "3", "1"]
        assert all(not one.parts for one in single_posts([THREAD, POST]))

    def test_a_thread_has_one_row_with_its_parts_below(self):
        row = thread_row([Metrics.of(one, likes=n) for n, one in enumerate(single_posts([THREAD]), 1)])
        assert (row.id, row.likes) == ("1", 6)
        assert [(part.id, part.likes) for part in row.parts] == [("1", 1), ("2", 2), ("3", 3)]

    def test_people_reached_are_not_added_up(self):
        row = thread_row([Metrics(reach=10, likes=1), Metrics(reach=8, likes=1)])
        assert row.reach is None
        assert "added up" in row.missing["reach"]
        assert row.likes == 2

    def test_an_account_has_its_followers_once(self):
        assert thread_row([Metrics(followers=100), Metrics(followers=100)]).followers == 100

    def test_one_unknown_part_makes_the_sum_unknown_and_says_which(self):
        row = thread_row([Metrics(likes=1), Metrics(missing={"likes": "not public"})])
        assert row.likes is None
        assert row.missing["likes"] == "part 2: not public"

    def test_a_part_that_could_not_be_read_shows(self):
        error = Declined("gone")
        row = thread_row([Metrics(likes=1), error_row(POST, error, AT)])
        assert row.error is error
        assert row.likes is None

    def test_times_are_the_oldest_numbers_and_the_latest_look(self):
        later = AT + timedelta(hours=1)
        row = thread_row(
            [Metrics(as_of=AT, fetched_at=AT), Metrics(as_of=later, fetched_at=later, final=True)]
        )
        assert (row.as_of, row.fetched_at, row.final) == (AT, later, False)

    @given(st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=5))
    def test_a_sum_is_right_or_unknown_never_less(self, likes):
        row = thread_row([Metrics(likes=n) for n in likes])
        assert row.likes == (None if None in likes else sum(likes))

    def test_what_is_summed_counts_events(self):
        assert {"reach", "followers"}.isdisjoint(SUMMED)
        assert {"likes", "impressions", "watch_seconds"} <= SUMMED


@given(st.integers(0, 300), st.integers(1, 100))
def test_batches_lose_nothing_and_respect_the_maximum(count, size):
    receipts = [Receipt(ME, str(n)) for n in range(count)]
    made = list(batches(receipts, size))
    assert [one for batch in made for one in batch] == receipts
    assert all(0 < len(batch) <= size for batch in made)
    assert len(made) == -(-count // size)


TABLE = MetricsTable(
    [
        Metrics.of(POST, account="toots", likes=0, watch_seconds=1.5, fetched_at=AT, final=True),
        Metrics(account="sky", platform="bluesky", missing={"likes": "not public", "reach": "never told"}),
        error_row(POST, RateLimited("wait", account="toots"), AT),
    ]
)


class TestTable:
    def test_is_a_sequence_of_rows(self):
        assert len(TABLE) == 3
        assert TABLE[0].likes == 0
        assert isinstance(TABLE[1:], MetricsTable)
        assert [row.account for row in TABLE] == ["toots", "sky", "toots"]

    def test_shows_known_columns_and_marks_the_unknown(self):
        lines = str(TABLE).splitlines()
        assert lines[0].split() == ["account", "platform", "id", "likes", "watch_seconds", "error"]
        assert lines[1].split() == ["toots", "mastodon", "1", "0", "1.5", "–"]
        assert lines[2].split() == ["sky", "bluesky", "–", "–", "–", "–"]
        assert "toots: wait" in lines[3]

    def test_shows_in_a_notebook(self):
        assert TABLE._repr_html_().startswith("<table>")

    def test_survives_json(self):
        from socialkit._convert import load

        twin = load(MetricsTable, TABLE.to_dict())
        assert twin.rows == TABLE.rows
        assert str(twin.errors[0]) == str(TABLE.errors[0])

    def test_the_error_of_one_row_is_raised_as_itself(self):
        with pytest.raises(RateLimited):
            TABLE.raise_for_errors()
        TABLE[:2].raise_for_errors()

    def test_errors_of_several_rows_are_raised_together(self):
        with pytest.raises(PublishErrors, match="2 of 2 rows"):
            MetricsTable([TABLE[2], TABLE[2]]).raise_for_errors()


class TestFrames:
    def test_pandas_has_nullable_numbers_and_aware_times(self):
        frame = TABLE.to_pandas()
        assert list(frame.columns) == list(COLUMNS)
        assert {str(frame[name].dtype) for name in COUNTS} == {"Int64"}
        assert str(frame["watch_seconds"].dtype) == "Float64"
        assert str(frame["fetched_at"].dtype) == "datetime64[us, UTC]"
        assert frame["likes"].tolist()[0] == 0
        assert frame["likes"].isna().tolist() == [False, True, True]
        assert frame["likes"].sum() == 0
        assert frame["missing"][1] == "likes: not public; reach: never told"

    def test_polars_has_the_same(self):
        import polars

        frame = TABLE.to_polars()
        assert frame.schema["likes"] == polars.Int64
        assert frame.schema["fetched_at"] == polars.Datetime("us", "UTC")
        assert frame["likes"].to_list() == [0, None, None]
        assert frame["fetched_at"].to_list() == [AT, None, AT]

    def test_arrow_has_the_same(self):
        table = TABLE.to_arrow()
        assert str(table.schema.field("reach").type) == "int64"
        assert str(table.schema.field("fetched_at").type) == "timestamp[us, tz=UTC]"
        assert table["likes"].to_pylist() == [0, None, None]

    def test_an_empty_table_has_its_types_too(self):
        empty = MetricsTable()
        assert str(empty.to_pandas()["likes"].dtype) == "Int64"
        assert empty.to_polars().columns == list(COLUMNS)
        assert empty.to_arrow().num_rows == 0

    @pytest.mark.parametrize(
        ("module", "method", "extra"),
        [
            ("pandas", "to_pandas", "pandas"),
            ("polars", "to_polars", "polars"),
            ("pyarrow", "to_arrow", "polars"),
        ],
    )
    def test_without_the_library_the_error_names_the_extra(self, monkeypatch, module, method, extra):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ConfigError, match=rf"{module} is not installed.*socialkit-py\[{extra}\]"):
            getattr(TABLE, method)()


class TestCsv:
    def test_unknown_is_empty_and_zero_is_zero(self):
        rows = list(csv.DictReader(io.StringIO(TABLE.to_csv())))
        assert [row["likes"] for row in rows] == ["0", "", ""]
        assert rows[0]["fetched_at"] == "2026-03-01T12:00:00.000000Z"
        assert list(rows[0]) == list(COLUMNS)

    def test_is_written_where_asked(self, tmp_path):
        text = TABLE.to_csv(tmp_path / "metrics.csv")
        assert (tmp_path / "metrics.csv").read_bytes() == text.encode()
