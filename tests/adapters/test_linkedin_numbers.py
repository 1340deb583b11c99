"""What LinkedIn counts: a Page's posts at once, a member's one number at a time, and why a number is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from socialkit import Client, Post, Video, errors
from socialkit.adapters._linkedin_numbers import MOST_QUERY, ask
from socialkit.adapters.linkedin import LinkedIn
from socialkit.contracts._samples import mp4
from socialkit.metrics import Metrics
from socialkit.model import Receipt
from socialkit.sandbox import Sandbox

from .fakes import NOW, answer
from .linkedin_samples import (
    COMMENT,
    OTHER,
    OWN,
    OWN_PAGE,
    PAGE,
    SHARE,
    VIDEO_POST,
    call,
    denied,
    listed,
    ms,
)

COUNTS = {
    "impressionCount": 900,
    "uniqueImpressionsCount": 500,
    "clickCount": 40,
    "likeCount": -1,
    "commentCount": 4,
    "shareCount": 3,
    "engagement": 0.05,
}


def row(urn: str = SHARE, **more: Any) -> dict[str, Any]:
    return {urn.split(":")[2]: urn, "totalShareStatistics": {**COUNTS, **more}}


def of(urn: str | None, member: bool = False, **raw: Any) -> Receipt:
    return Receipt(OWN if member else OWN_PAGE, urn, raw=raw)


def gone(urn: str) -> dict[str, Any]:
    return {"results": {}, "statuses": {urn: 404}, "errors": {urn: {"status": 404}}}


class TestPages:
    async def test_shares_and_ugc_posts_in_one_request(self) -> None:
        asking = call(listed(row(VIDEO_POST), row()))
        rows = await asking.adapter.fetch_metrics([of(SHARE), of(VIDEO_POST)], asking)
        assert [one.id for one in rows] == [SHARE, VIDEO_POST]
        assert asking.asked[0].url.partition("?")[2] == (
            "q=organizationalEntity&organizationalEntity=urn%3Ali%3Aorganization%3A2414183"
            "&shares=List(urn%3Ali%3Ashare%3A7001)&ugcPosts=List(urn%3Ali%3AugcPost%3A7003)"
        )
        first = rows[0]
        assert (first.impressions, first.reach, first.clicks) == (900, 500, 40)
        assert (first.likes, first.comments, first.shares) == (-1, 4, 3)
        assert (first.saves, first.video_views, first.watch_seconds) == (None, None, None)
        assert set(first.missing) == {"saves", "video_views", "watch_seconds"}
        assert first.raw["engagement"] == 0.05

    async def test_a_post_that_is_left_out_is_quiet_or_gone(self) -> None:
        there = answer({"results": {"urn%3Ali%3Ashare%3A7001": {}}, "statuses": {}, "errors": {}})
        asking = call(listed(), there)
        quiet, lost = await asking.adapter.fetch_metrics([of(SHARE), of(OTHER)], asking)
        assert (quiet.impressions, quiet.likes, quiet.error) == (0, 0, None)
        assert isinstance(lost.error, errors.Declined)
        assert asking.asked[1].headers["x-restli-method"] == "BATCH_GET"

    async def test_where_nobody_may_ask_it_is_not_zero(self) -> None:
        asking = call(listed(), denied("posts.BATCH_GET.20260901"))
        (one,) = await asking.adapter.fetch_metrics([of(SHARE)], asking)
        assert (one.impressions, one.error) == (None, None)
        assert "may not ask" in one.missing["impressions"]

    async def test_a_number_linkedin_leaves_out(self) -> None:
        asking = call(listed({"share": SHARE, "totalShareStatistics": {"impressionCount": 5}}))
        (one,) = await asking.adapter.fetch_metrics([of(SHARE)], asking)
        assert (one.impressions, one.likes, one.missing["likes"]) == (5, None, "LinkedIn did not say")

    async def test_one_bad_id_does_not_spoil_the_others(self) -> None:
        asking = call(listed(row()))
        receipts = [of("urn:li:activity:1"), of("nonsense"), of(SHARE)]
        bad, worse, good = await asking.adapter.fetch_metrics(receipts, asking)
        assert isinstance(bad.error, errors.ConfigError)
        assert isinstance(worse.error, errors.ConfigError)
        assert good.impressions == 900

    async def test_videos_tell_views_and_seconds(self) -> None:
        views, time = listed({"value": 70}), listed({"value": 61_500})
        asking = call(listed(row(VIDEO_POST)), views, time)
        (one,) = await asking.adapter.fetch_metrics([of(VIDEO_POST, video=True)], asking)
        assert (one.video_views, one.watch_seconds) == (70, 61.5)
        assert [asked.params["type"] for asked in asking.asked[1:]] == ["VIDEO_VIEW", "TIME_WATCHED"]

    async def test_views_of_an_old_video_are_not_asked_for(self) -> None:
        """LinkedIn drops them after six months; what it would answer then is no zero."""
        old = attrs.evolve(of(VIDEO_POST, video=True), published_at=NOW - timedelta(days=181))
        asking = call(listed(row(VIDEO_POST)), listed({"value": 61_500}))
        (one,) = await asking.adapter.fetch_metrics([old], asking)
        assert (one.video_views, one.watch_seconds) == (None, 61.5)
        assert "six months" in one.missing["video_views"]

    async def test_one_number_of_a_video_that_is_refused_leaves_the_other(self) -> None:
        asking = call(listed(row(VIDEO_POST)), listed({"value": 70}), denied("videoAnalytics"))
        (one,) = await asking.adapter.fetch_metrics([of(VIDEO_POST, video=True)], asking)
        assert (one.video_views, one.watch_seconds) == (70, None)
        assert "Not enough permissions" in one.missing["watch_seconds"]

    async def test_a_video_whose_numbers_are_refused(self) -> None:
        asking = call(listed(row(VIDEO_POST)), denied("videoAnalytics"))
        (one,) = await asking.adapter.fetch_metrics([of(VIDEO_POST, video=True)], asking)
        assert (one.impressions, one.video_views) == (900, None)
        assert "Not enough permissions" in one.missing["video_views"]

    async def test_a_comment_tells_reactions_and_answers(self) -> None:
        told = {
            "reactionSummaries": {"LIKE": {"count": 2}, "PRAISE": {"count": 1}},
            "commentSummary": {"count": 4},
        }
        asking = call(answer(told))
        (one,) = await asking.adapter.fetch_metrics([of(COMMENT)], asking)
        assert (one.likes, one.comments, one.impressions) == (3, 4, None)
        assert "impressions" in one.missing
        assert asking.asked[0].url.endswith(
            "/rest/socialMetadata/urn%3Ali%3Acomment%3A%28urn%3Ali%3Ashare%3A7001%2C88%29"
        )

    async def test_a_long_query_goes_as_a_body(self) -> None:
        receipts = [of(f"urn:li:ugcPost:{10**18 + n}") for n in range(100)]
        asking = call(listed(*(row(str(one.id)) for one in receipts)))
        rows = await asking.adapter.fetch_metrics(receipts, asking)
        assert [one.error for one in rows] == [None] * 100
        asked = asking.asked[0]
        assert (asked.step, asked.method, asked.headers["x-http-method-override"]) == ("read", "POST", "GET")
        assert "?" not in asked.url
        assert len(asked.body) > MOST_QUERY
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"

    async def test_a_query_of_just_that_length_stays_in_the_address(self) -> None:
        for length, method in ((MOST_QUERY, "GET"), (MOST_QUERY + 1, "POST")):
            asking = call(answer({}))
            await ask(asking, "/rest/posts", "x" * length)
            assert asking.asked[0].method == method


class TestMembers:
    async def test_one_request_for_each_number(self) -> None:
        told = [listed({"count": n, "metricType": "X"}) for n in range(1, 8)]
        asking = call(*told, member=True)
        (one,) = await asking.adapter.fetch_metrics([of(SHARE, member=True)], asking)
        assert (one.impressions, one.reach, one.likes, one.comments) == (1, 2, 3, 4)
        assert (one.shares, one.saves, one.clicks, one.video_views) == (5, 6, 7, None)
        queries = [asked.url.partition("?")[2] for asked in asking.asked]
        assert queries[0] == (
            "q=entity&entity=(share:urn%3Ali%3Ashare%3A7001)&queryType=IMPRESSION&aggregation=TOTAL"
        )

    async def test_a_ugc_post_with_a_video(self) -> None:
        told = [listed({"count": n}) for n in (1, 2, 3, 4, 5, 6, 7, 80, 9500)]
        asking = call(*told, member=True)
        (one,) = await asking.adapter.fetch_metrics([of(VIDEO_POST, member=True, video=True)], asking)
        assert (one.video_views, one.watch_seconds) == (80, 9.5)
        assert "entity=(ugc:urn%3Ali%3AugcPost%3A7003)" in asking.asked[0].url
        assert asking.asked[-1].path == "/rest/memberCreatorVideoAnalytics"

    async def test_a_metric_this_version_does_not_know(self) -> None:
        told = [listed({"count": n}) for n in range(5)]
        no = answer({"status": 400, "code": "ILLEGAL_ARGUMENT", "message": "POST_SAVE is no queryType"}, 400)
        asking = call(*told, no, no, member=True)
        (one,) = await asking.adapter.fetch_metrics([of(SHARE, member=True)], asking)
        assert (one.impressions, one.saves, one.clicks, one.error) == (0, None, None, None)
        assert "POST_SAVE is no queryType" in one.missing["saves"]

    async def test_a_refusal_costs_one_request(self) -> None:
        asking = call(denied("memberCreatorPostAnalytics"), member=True)
        with pytest.raises(errors.MissingScope):
            await asking.adapter.fetch_metrics([of(SHARE, member=True)], asking)
        assert len(asking.asked) == 1


class TestAccount:
    """Followers as they are, and what all posts together reached."""

    SINCE = datetime(2026, 10, 30, 15, tzinfo=UTC)

    async def row(self, asking: Any, since: datetime | None = None, until: datetime | None = None) -> Metrics:
        told: Metrics = await asking.adapter.fetch_account_metrics(asking, since=since, until=until)
        return told

    async def test_a_page_in_two_requests(self) -> None:
        asking = call(answer({"firstDegreeSize": 1200}), listed({"totalShareStatistics": COUNTS}))
        one = await self.row(asking)
        assert (one.followers, one.impressions, one.reach, one.likes) == (1200, 900, 500, -1)
        assert (one.comments, one.shares, one.clicks, one.as_of) == (4, 3, 40, None)
        assert set(one.missing) == {"saves"}
        assert asking.asked[0].params == {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}
        assert asking.asked[1].params == {"q": "organizationalEntity", "organizationalEntity": PAGE}

    async def test_a_page_in_a_period_is_the_sum_of_its_days(self) -> None:
        """Whole days in UTC; people counted each day make no sum."""
        rows = [{"totalShareStatistics": COUNTS}, {"totalShareStatistics": {"impressionCount": 100}}]
        asking = call(answer({"firstDegreeSize": 1200}), listed(*rows))
        one = await self.row(asking, self.SINCE, datetime(2026, 11, 1, tzinfo=UTC))
        assert (one.impressions, one.reach, one.clicks) == (1000, None, 40)
        assert "counts people once a day" in one.missing["reach"]
        assert one.as_of == datetime(2026, 11, 1, tzinfo=UTC)
        first, last = (ms(datetime(2026, month, day, tzinfo=UTC)) for month, day in ((10, 30), (11, 1)))
        assert asking.asked[1].url.endswith(
            f"&timeIntervals=(timeRange:(start:{first},end:{last}),timeGranularityType:DAY)"
        )

    async def test_a_period_ends_now_at_the_latest(self) -> None:
        for until in (None, NOW + timedelta(days=9)):
            asking = call(answer({"firstDegreeSize": 1200}), listed())
            one = await self.row(asking, self.SINCE, until)
            assert f"end:{ms(NOW)})" in asking.asked[1].url or until is not None
            assert (one.as_of, one.impressions) == (NOW, None)

    async def test_more_than_twelve_months_ago(self) -> None:
        asking = call(answer({"firstDegreeSize": 1200}))
        one = await self.row(asking, NOW - timedelta(days=400))
        assert (one.followers, one.impressions) == (1200, None)
        assert "twelve months" in one.missing["clicks"]

    async def test_a_member_number_by_number(self) -> None:
        told = [listed({"count": n}) for n in range(1, 8)]
        asking = call(listed({"memberFollowersCount": 340}), *told, member=True)
        one = await self.row(asking, self.SINCE)
        assert (one.followers, one.impressions, one.reach, one.saves) == (340, 1, 2, 6)
        assert one.missing == {}
        assert asking.asked[1].url.partition("?")[2] == (
            "q=me&dateRange=(start:(day:30,month:10,year:2026),end:(day:3,month:11,year:2026))"
            "&queryType=IMPRESSION&aggregation=TOTAL"
        )

    async def test_one_scope_of_two(self) -> None:
        asking = call(denied("memberFollowersCount"), *[listed({"count": 5})] * 7, member=True)
        one = await self.row(asking)
        assert (one.followers, one.likes) == (None, 5)
        assert "Not enough permissions" in one.missing["followers"]
        asking = call(listed({"memberFollowersCount": 340}), denied("posts"), member=True)
        one = await self.row(asking)
        assert (one.followers, one.likes) == (340, None)
        assert "Not enough permissions" in one.missing["likes"]
        with pytest.raises(errors.MissingScope):
            await self.row(call(denied(), denied(), member=True))

    async def test_the_end_of_a_period_alone_is_none(self) -> None:
        asking = call(answer({"firstDegreeSize": 1200}), listed({"totalShareStatistics": COUNTS}))
        one = await self.row(asking, None, NOW)
        assert one.missing["period"] == "a period needs since="

    async def test_a_used_up_quota_ends_the_row(self) -> None:
        no = answer({"status": 429, "code": "TOO_MANY_REQUESTS", "message": "slow"}, 429)
        with pytest.raises(errors.RateLimited):
            await self.row(call(listed({"memberFollowersCount": 340}), no, member=True))

    async def test_followers_that_are_not_told(self) -> None:
        one = await self.row(call(listed(), *[listed({"count": 5})] * 7, member=True))
        assert (one.followers, one.missing) == (None, {"followers": "LinkedIn did not say"})


class TestOnTheSandbox:
    def test_a_videos_numbers_come_from_its_receipt(self) -> None:
        """That it has a video is known from what was sent, in another process too, and from lists."""
        with Sandbox(["linkedin"]) as box, box.client() as client:
            report = client.publish(Post("See", media=[Video(mp4(), alt="A boat")]), to="linkedin")
            box.clock.advance(86_400)
            again = Receipt.from_dict(report["linkedin"].receipt.to_dict())
            (listed_one,) = client.fetch_posts("linkedin", limit=1)
            for receipt in (again, listed_one):
                (one,) = client.fetch_metrics(receipt)
                assert one.video_views is not None
                assert one.watch_seconds is not None

    def test_a_page_of_110_posts_and_one_that_was_quiet(self) -> None:
        with Sandbox(["linkedin"]) as box, box.client() as client:
            receipts = [
                client.publish(Post(f"Number {n}"), to="linkedin")["linkedin"].receipt for n in range(110)
            ]
            box.clock.advance(80_000)
            box.linkedin.quiet = frozenset({receipts[7].id})
            before = len(box.requests)
            table = client.fetch_metrics(receipts)
            assert not table.errors
            assert [row.impressions for row in table].count(0) == 1
            assert len(box.requests) - before == 3  # two batches, and whether the quiet one is there

    def test_a_member_without_the_scope_is_told_so(self) -> None:
        with Sandbox(["linkedin"]) as box:
            account = LinkedIn(
                **box.linkedin.member_credentials(None, "openid", "profile", "w_member_social")
            )
            with Client({"me": account}, transport=box.transport, clock=box.clock) as client:
                report = client.publish(Post("Ahoy"), to="me")
                (one,) = client.fetch_metrics(report)
        assert isinstance(one.error, errors.MissingScope)

    def test_the_numbers_of_an_account_in_a_period(self) -> None:
        with Sandbox(["linkedin"]) as box:
            member = LinkedIn(**box.linkedin.member_credentials())
            page = LinkedIn(**box.linkedin.credentials())
            with Client({"me": member, "page": page}, transport=box.transport, clock=box.clock) as client:
                client.publish(Post("Ahoy"), to=["me", "page"])
                box.clock.advance(86_400)
                made, now = box.clock.now() - timedelta(days=1), box.clock.now()
                for row in client.fetch_account_metrics(["me", "page"], since=made, until=now):
                    assert row.error is None
                    assert (row.impressions or 0) > 0
                for row in client.fetch_account_metrics(["me", "page"], since=now):
                    assert row.impressions == 0

    def test_the_posts_of_a_page(self) -> None:
        with Sandbox(["linkedin"]) as box, box.client() as client:
            client.publish(Post("Ahoy (all)"), to="linkedin")
            (receipt,) = client.fetch_posts("linkedin", limit=5)
            assert (receipt.text, receipt.kind, receipt.published_at) == (
                "Ahoy (all)",
                "post",
                box.clock.now(),
            )
