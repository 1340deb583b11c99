"""Pinterest's numbers: which request tells which, what is not said stays unknown, one bad pin spoils no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from socialkit import errors
from socialkit.adapters.base import Response
from socialkit.metrics import Metrics
from socialkit.model import Receipt

from .fakes import NOW, Asked, FakeCall, answer
from .pinterest_samples import ID, PINNER, call, listed, pin, receipt

DAY = timedelta(days=1)
YOUNG = NOW - 3 * DAY
SUMS = {"IMPRESSION": 240, "SAVE": 20.0, "OUTBOUND_CLICK": 5, "PIN_CLICK": 37}
LIFETIME = {"TOTAL_COMMENTS": 2, "TOTAL_REACTIONS": 10}
REFUSED = answer({"code": 29, "message": "You are not permitted to access that resource."}, 403)
GONE = answer({"code": 50, "message": "Pin not found."}, 404)


def block(*statuses: str, **sums: float) -> dict[str, Any]:
    """Analytics of a pin whose days, up to today, have these statuses."""
    first = NOW.date() - DAY * (len(statuses) - 1)
    days = [
        {"date": (first + DAY * number).isoformat(), "data_status": status, "metrics": {}}
        for number, status in enumerate(statuses)
    ]
    return {"all": {"daily_metrics": days, "lifetime_metrics": LIFETIME, "summary_metrics": {**SUMS, **sums}}}


READY = block("READY", "READY", "READY", "PROCESSING")


async def rows(receipts: list[Receipt], *answers: Any, **options: Any) -> tuple[list[Metrics], FakeCall]:
    asking = call(*answers, **options)
    return await asking.adapter.fetch_metrics(receipts, asking), asking


async def test_a_hundred_pictures_are_one_request() -> None:
    made = [receipt(str(number), YOUNG) for number in range(100)]
    found, asking = await rows(made, answer({one.id: READY for one in made}))
    (asked,) = asking.asked
    assert asked.path == "/v5/pins/analytics"
    assert asked.url.count("pin_ids=") == 100
    assert asked.params["start_date"] == "2026-10-30"
    assert asked.params["end_date"] == "2026-11-02"
    wanted = "IMPRESSION,OUTBOUND_CLICK,PIN_CLICK,SAVE,TOTAL_COMMENTS,TOTAL_REACTIONS"
    assert asked.params["metric_types"] == wanted
    row = found[0]
    assert (row.impressions, row.saves, row.clicks, row.likes, row.comments) == (240, 20, 5, 10, 2)
    assert isinstance(row.saves, int)
    assert row.as_of == datetime(2026, 11, 2, tzinfo=UTC)
    assert row.missing["video_views"] == row.missing["watch_seconds"] == "the pin has no video"
    assert {"reach", "shares", "quotes"} <= row.missing.keys()
    assert row.raw["summary"]["PIN_CLICK"] == 37


async def test_videos_are_asked_for_apart_and_for_more() -> None:
    film = {**block("READY", VIDEO_MRC_VIEW=31, VIDEO_V50_WATCH_TIME=90_500)}
    made = [receipt("1", YOUNG), receipt("2", YOUNG, "VIDEO")]
    found, asking = await rows(made, answer({"1": READY}), answer({"2": film}))
    assert "VIDEO" not in asking.asked[0].params["metric_types"]
    assert asking.asked[1].params["metric_types"].endswith("VIDEO_MRC_VIEW,VIDEO_V50_WATCH_TIME")
    assert (found[1].video_views, found[1].watch_seconds) == (31, 90.5)
    assert "watch_seconds" not in found[1].missing


@pytest.mark.parametrize("statuses", [("PROCESSING",), ("BEFORE_PIN_CREATED", "PROCESSING", "PROCESSING")])
async def test_processing_is_none_and_not_zero(statuses: tuple[str, ...]) -> None:
    (row,), _ = await rows([receipt("1", YOUNG)], answer({"1": block(*statuses, IMPRESSION=0, SAVE=0)}))
    assert (row.impressions, row.saves, row.clicks) == (None, None, None)
    assert "still counting" in row.missing["impressions"]
    assert (row.likes, row.comments) == (10, 2)


async def test_days_that_were_ready_before_the_pin_was_made_count_for_nothing() -> None:
    told = answer(
        {"1": block("READY", "READY", "PROCESSING", IMPRESSION=0), "2": block("READY", "READY", "PROCESSING")}
    )
    found, _ = await rows([receipt("1", NOW), receipt("2", NOW - 2 * DAY)], told)
    assert [row.impressions for row in found] == [None, 240]
    assert "still counting" in found[0].missing["impressions"]


async def test_days_without_numbers_before_the_pin_do_not_matter() -> None:
    told = answer({"1": block("BEFORE_BUSINESS_CREATED", "BEFORE_BUSINESS_CREATED", "READY", "PROCESSING")})
    (row,), _ = await rows([receipt("1", NOW - DAY)], told)
    assert row.impressions == 240


async def test_an_answer_as_it_was_recorded() -> None:
    """Floats, no lifetime numbers, and a day that is being counted beside one that is ready."""
    days = [
        {"date": "2026-11-01", "data_status": "READY", "metrics": {"IMPRESSION": 4, "SAVE": 0}},
        {"date": "2026-11-02", "data_status": "PROCESSING", "metrics": {"IMPRESSION": 0.0, "SAVE": 0.0}},
    ]
    told = {
        "all": {"summary_metrics": {"IMPRESSION": 4, "SAVE": 0.0, "PIN_CLICK": 0.0}, "daily_metrics": days}
    }
    (row,), _ = await rows([receipt("1", NOW - DAY)], answer({"1": told}))
    assert (row.impressions, row.saves, row.likes) == (4, 0, None)
    assert (row.missing["clicks"], row.missing["likes"]) == ("Pinterest did not say", "Pinterest did not say")


async def test_days_without_numbers_make_the_sum_unknown() -> None:
    told = answer({"1": block("BEFORE_PIN_CREATED", "BEFORE_BUSINESS_CREATED", "READY")})
    (row,), _ = await rows([receipt("1", YOUNG)], told)
    assert row.impressions is None
    assert "BEFORE_BUSINESS_CREATED" in row.missing["impressions"]


async def test_sums_without_days_are_taken_as_they_are() -> None:
    bare = {"all": {"summary_metrics": SUMS}}
    (row,), _ = await rows([receipt("1", YOUNG)], answer({"1": bare}))
    assert (row.impressions, row.likes, row.as_of) == (240, None, None)
    (row,), _ = await rows([receipt("1", YOUNG)], answer({"1": {"all": {}}}))
    assert row.impressions is None


@pytest.mark.parametrize(
    "no", [GONE, answer({"code": 7, "message": "Not authorized to access board or Pin."}, 401)]
)
async def test_a_pin_that_is_gone_is_found_by_halving(no: Response) -> None:
    made = [receipt(str(number), YOUNG) for number in range(8)]

    def say(asked: Asked) -> Any:
        ids = [
            pair.partition("=")[2]
            for pair in asked.url.partition("?")[2].split("&")
            if pair.startswith("pin_ids")
        ]
        return no if "5" in ids else answer(dict.fromkeys(ids, READY))

    found, asking = await rows(made, *[say] * 20)
    assert [row.error is None for row in found] == [number != 5 for number in range(8)]
    assert isinstance(found[5].error, errors.Declined)
    assert found[5].impressions is None
    assert len(asking.asked) == 7


async def test_a_pin_that_is_left_out_is_an_error_of_its_own() -> None:
    found, _ = await rows([receipt("1", YOUNG), receipt("2", YOUNG)], answer({"1": READY}))
    assert found[0].impressions == 240
    assert isinstance(found[1].error, errors.Declined)


async def test_an_app_without_the_beta_asks_one_by_one() -> None:
    made = [receipt("1", YOUNG), receipt("2", YOUNG)]
    found, asking = await rows(made, REFUSED, answer(READY), GONE)
    assert [asked.path for asked in asking.asked][1:] == ["/v5/pins/1/analytics", "/v5/pins/2/analytics"]
    assert found[0].saves == 20
    assert isinstance(found[1].error, errors.Declined)


NUMBERS = {
    "lifetime_metrics": {"pin_click": 7, "impression": 200, "clickthrough": 3, "reaction": 10, "comment": 2}
}


async def test_where_analytics_are_refused_the_pins_tell_what_they_know() -> None:
    (row,), asking = await rows(
        [receipt("1", YOUNG)], REFUSED, REFUSED, answer(pin("1", pin_metrics=NUMBERS))
    )
    assert asking.asked[-1].path == "/v5/pins/1"
    assert asking.asked[-1].params == {"pin_metrics": "true"}
    assert (row.impressions, row.clicks, row.likes, row.comments, row.saves) == (200, 3, 10, 2, None)
    assert "refuses its analytics" in row.missing["saves"]


@pytest.mark.parametrize("at", [NOW - 90 * DAY, None])
async def test_old_pins_are_read_with_their_lifetime_numbers(at: datetime | None) -> None:
    (row,), asking = await rows([receipt("1", at)], answer(pin("1", pin_metrics=NUMBERS)))
    assert [asked.path for asked in asking.asked] == ["/v5/pins/1"]
    assert row.impressions == 200
    assert "last 90 days only" in row.missing["saves"]


async def test_many_old_pins_come_from_the_account_s_list() -> None:
    old = NOW - 100 * DAY
    made = [receipt("1", old), receipt("2", old + DAY), receipt("3", old)]
    page = listed(
        pin("9"),
        pin("2", at=old + DAY, pin_metrics=NUMBERS),
        pin("1", at=old, pin_metrics=None),
        bookmark="b",
    )
    end = listed(pin("0", at=old - DAY), bookmark="c")
    found, asking = await rows(made, page, end, GONE)
    assert [asked.path for asked in asking.asked] == ["/v5/pins", "/v5/pins", "/v5/pins/3"]
    assert asking.asked[0].params == {"page_size": "250", "pin_metrics": "true"}
    assert [row.impressions for row in found] == [None, 200, None]
    assert found[0].missing["impressions"] == "Pinterest did not say"
    assert isinstance(found[2].error, errors.Declined)


async def test_accounts_that_are_no_business_get_what_the_pins_tell() -> None:
    (row,), asking = await rows(
        [receipt("1", YOUNG, "VIDEO")], answer(pin("1", creative_type="VIDEO")), facts=PINNER
    )
    assert [asked.path for asked in asking.asked] == ["/v5/pins/1"]
    assert (
        row.missing["saves"] == row.missing["video_views"] == "Pinterest tells it to business accounts only"
    )


@pytest.mark.parametrize(
    ("statuses", "as_of"),
    [
        (("READY", "READY", "ESTIMATE", "PROCESSING"), datetime(2026, 11, 2, tzinfo=UTC)),
        (("READY", "READY", "READY", "READY"), NOW),
        (("ESTIMATE", "PROCESSING"), datetime(2026, 11, 2, tzinfo=UTC)),
    ],
)
async def test_numbers_are_of_the_last_day_that_counts(statuses: tuple[str, ...], as_of: datetime) -> None:
    """Estimates count; a day that is not over counts until now."""
    (row,), _ = await rows([receipt("1", YOUNG)], answer({"1": block(*statuses)}))
    assert (row.impressions, row.as_of) == (240, as_of)


async def test_a_pin_of_unknown_kind_is_not_said_to_have_no_video() -> None:
    (row,), _ = await rows([receipt("1", YOUNG, None)], answer({"1": READY}))
    assert "not known" in row.missing["video_views"]


async def test_an_id_that_is_none_spoils_nothing() -> None:
    found, asking = await rows([receipt("x"), receipt("1", YOUNG)], answer({"1": READY}))
    assert isinstance(found[0].error, errors.ConfigError)
    assert found[1].impressions == 240
    assert asking.asked[0].url.count("pin_ids") == 1


async def test_a_mistake_in_the_query_is_an_error_and_no_hundred_requests() -> None:
    wrong = answer({"code": 1, "message": "Invalid multi_pins analytics parameters."}, 400)
    with pytest.raises(errors.Declined):
        await rows([receipt("1", YOUNG), receipt("2", YOUNG)], wrong)


class TestAccount:
    ME: ClassVar[dict[str, Any]] = {
        "id": ID,
        "username": "brand",
        "account_type": "BUSINESS",
        "follower_count": 17,
        "monthly_views": 163,
        "pin_count": 2,
        "board_count": None,
    }

    async def row(self, *answers: Any, since: datetime | None = None, **me: Any) -> tuple[Metrics, FakeCall]:
        asking = call(answer({**self.ME, **me}), *answers)
        return await asking.adapter.fetch_account_metrics(asking, since=since, until=None), asking

    async def test_followers_now(self) -> None:
        row, asking = await self.row()
        assert (row.followers, row.impressions) == (17, None)
        assert "since=" in row.missing["impressions"]
        assert row.raw["monthly_views"] == 163
        assert len(asking.asked) == 1

    async def test_a_period(self) -> None:
        row, asking = await self.row(answer(READY), since=NOW - 7 * DAY)
        assert asking.asked[1].path == "/v5/user_account/analytics"
        assert asking.asked[1].params["start_date"] == "2026-10-26"
        assert (row.impressions, row.saves, row.clicks) == (240, 20, 5)
        assert row.as_of == datetime(2026, 11, 2, tzinfo=UTC)
        assert not row.missing

    async def test_a_period_does_not_reach_into_the_future(self) -> None:
        for until in (None, NOW + 9 * DAY):
            asking = call(answer(self.ME), answer(READY))
            await asking.adapter.fetch_account_metrics(asking, since=NOW - 7 * DAY, until=until)
            assert asking.asked[1].params["end_date"] == NOW.date().isoformat()

    async def test_a_period_that_ends_at_midnight_has_no_further_day(self) -> None:
        asking = call(answer(self.ME), answer(READY))
        until = datetime(2026, 11, 1, tzinfo=UTC)
        await asking.adapter.fetch_account_metrics(asking, since=NOW - 7 * DAY, until=until)
        assert asking.asked[1].params["end_date"] == "2026-10-31"

    @pytest.mark.parametrize(
        ("since", "me", "words"),
        [
            (NOW - 91 * DAY, {}, "last 90 days"),
            (NOW - DAY, {"account_type": "PINNER"}, "business accounts"),
        ],
    )
    async def test_what_is_not_asked(self, since: datetime, me: dict[str, Any], words: str) -> None:
        row, asking = await self.row(since=since, **me)
        assert words in row.missing["impressions"]
        assert (row.followers, len(asking.asked)) == (17, 1)

    async def test_a_refusal_leaves_the_followers(self) -> None:
        row, _ = await self.row(REFUSED, since=NOW - DAY, follower_count=None)
        assert "not permitted" in row.missing["impressions"]
        assert row.missing["followers"] == "Pinterest did not say"
        assert row.followers is None
