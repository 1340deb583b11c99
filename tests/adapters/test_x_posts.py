"""X: a post whose answer was lost is found again, and numbers are read for what they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from media_files import png
from socialkit import Image, Poll, Post, errors
from socialkit.adapters import base
from socialkit.adapters._x_posts import words_of
from socialkit.adapters.x import X, XOptions
from socialkit.model import Identity, Receipt

from .fakes import NOW, answer
from .x_samples import ENTERPRISE, ID, OWN, born, call, listed, only_part, own_post, reply


class TestFind:
    async def find(self, post: Post, *pages: Any, memory: Any = None, **lost: Any) -> base.Finding:
        part = await only_part(post, ENTERPRISE)
        window = {"since": NOW - timedelta(seconds=60), "until": NOW + timedelta(seconds=180)}
        self.looking = call(*pages, memory=memory)
        return await self.looking.adapter.find(base.Lost(part, **window | lost), self.looking)

    async def test_its_own_timeline_is_read_from_just_before(self) -> None:
        found = await self.find(Post("Ahoy"), listed(own_post("Ahoy")))
        assert isinstance(found, base.Found)
        assert (found.sent.id, found.sent.url) == (ID, f"https://x.com/brand/status/{ID}")
        asked = self.looking.asked[0]
        assert (asked.step, asked.path) == ("read", "/2/users/7/tweets")
        assert asked.params["start_time"] == "2026-11-02T08:59:00Z"
        assert asked.params["max_results"] == "100"

    async def test_texts_are_compared_as_written(self) -> None:
        text = "Tom & Jerry <3 see https://example.com/a?x=1&amp;y and example.org"
        live = own_post(
            "Tom &amp; Jerry &lt;3 see https://t.co/aaaaaaaaaa and https://t.co/bbbbbbbbbb",
            entities={
                "urls": [
                    {"url": "https://t.co/aaaaaaaaaa", "expanded_url": "https://example.com/a?x=1&amp;y"},
                    {"url": "https://t.co/bbbbbbbbbb", "expanded_url": "http://example.org/"},
                ]
            },
        )
        assert isinstance(await self.find(Post(text), listed(live)), base.Found)

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("&lt; is a sign", "&amp;lt; is a sign"),
            ("two  blanks\n\n\nand lines", "two blanks\n\nand lines"),
            ("cafe\u0301", "caf\u00e9"),
        ],
    )
    async def test_what_x_does_to_a_text_is_undone(self, sent: str, shown: str) -> None:
        assert isinstance(await self.find(Post(sent), listed(own_post(shown))), base.Found)

    @pytest.mark.parametrize("note", ["note_tweet", "note_post"])
    async def test_long_texts_are_in_their_note(self, note: str) -> None:
        live = own_post("Aho…", **{note: {"text": "Ahoy, all of you"}})
        assert isinstance(await self.find(Post("Ahoy, all of you"), listed(live)), base.Found)

    @pytest.mark.parametrize("key", ["referenced_tweets", "referenced_posts"])
    async def test_a_reply_needs_its_parent_and_may_have_gained_mentions(self, key: str) -> None:
        post = Post("Aye", reply_to="12")
        right = own_post("@crew Aye", **reply("12", key=key))
        assert isinstance(await self.find(post, listed(right)), base.Found)
        wrong = own_post("@crew Aye", **reply("13", key=key))
        assert isinstance(await self.find(post, listed(wrong)), base.Absent)
        assert isinstance(await self.find(post, listed(own_post("Aye"))), base.Absent)

    @pytest.mark.parametrize(
        ("sent", "shown", "finding"),
        [
            ("@crew Aye", "@crew Aye", base.Found),
            ("@crew Aye", "@other @crew Aye", base.Found),
            ("@bob thanks", "@alice thanks", base.CannotTell),
            ("@bob", "@alice", base.CannotTell),
            ("@crew Aye", "@crew @other Aye", base.CannotTell),
            ("Aye", "@crew No", base.Absent),
        ],
    )
    async def test_mentions_that_x_did_not_put_there_tell_replies_apart(
        self, sent: str, shown: str, finding: type[base.Finding]
    ) -> None:
        live = listed(own_post(shown, **reply("12")))
        assert isinstance(await self.find(Post(sent, reply_to="12"), live), finding)

    async def test_a_post_without_a_poll_is_not_the_one_with_it(self) -> None:
        post = Post("Sail?", poll=Poll(["Yes", "No"], seconds=3600))
        voted = own_post("Sail?", attachments={"poll_ids": ["99"]})
        assert isinstance(await self.find(post, listed(voted)), base.Found)
        assert isinstance(await self.find(post, listed(own_post("Sail?"))), base.Absent)
        assert isinstance(await self.find(Post("Sail?"), listed(voted)), base.Absent)

    @pytest.mark.parametrize("option", [{"community_id": "5"}, {"for_super_followers_only": True}])
    async def test_a_post_that_may_be_on_no_list_is_not_absent(self, option: dict[str, Any]) -> None:
        post = Post("Ahoy").variant("x", XOptions(**option))
        assert isinstance(await self.find(post, listed(own_post("Ahoy"))), base.Found)
        finding = await self.find(post, listed())
        assert isinstance(finding, base.CannotTell)
        assert "does not say whether" in finding.why

    async def test_an_article_is_known_by_its_title(self) -> None:
        post = Post("Once upon a time", title="Boats").variant("x", XOptions(article=True))
        part = await only_part(post, X(token="t", premium=True))
        for title, finding in (("Boats", base.Found), ("Ships", base.CannotTell)):
            looking = call(listed(own_post("https://t.co/aaaaaaaaaa", article={"title": title})))
            lost = base.Lost(part, NOW - timedelta(seconds=60), NOW + timedelta(seconds=180))
            assert isinstance(await looking.adapter.find(lost, looking), finding)

    @pytest.mark.parametrize("host", ["x.com", "twitter.com", "www.twitter.com"])
    async def test_a_link_to_a_post_makes_a_quote_by_itself(self, host: str) -> None:
        live = own_post(
            "Look https://t.co/qqqqqqqqqq",
            referenced_tweets=[{"type": "quoted", "id": "12"}],
            entities={
                "urls": [{"url": "https://t.co/qqqqqqqqqq", "expanded_url": f"https://{host}/crew/status/12"}]
            },
        )
        assert isinstance(
            await self.find(Post("Look https://x.com/crew/status/12"), listed(live)), base.Found
        )

    async def test_other_hosts_are_not_folded(self) -> None:
        links = [{"url": "https://t.co/qqqqqqqqqq", "expanded_url": "https://my-twitter.com/a"}]
        live = own_post("See https://t.co/qqqqqqqqqq", entities={"urls": links})
        assert isinstance(await self.find(Post("See https://my-x.com/a"), listed(live)), base.Absent)

    async def test_a_part_of_a_thread_needs_the_part_before(self) -> None:
        live = listed(own_post("Two", **reply("12")))
        assert isinstance(await self.find(Post("Two"), live, previous=base.Sent("12")), base.Found)

    @pytest.mark.parametrize("suffix", [" https://t.co/mmmmmmmmmm", ""])
    async def test_media_we_uploaded_are_proof(self, suffix: str) -> None:
        post = Post("Ahoy", media=[Image(png(), alt="A boat")])
        name = f"media 0 {(await only_part(post)).media[0].digest[:16]}"
        ours = own_post(f"Ahoy{suffix}", attachments={"media_keys": ["3_501"]})
        memory = {name: ["501", "3_501"]}
        assert isinstance(await self.find(post, listed(ours), memory=memory), base.Found)
        twin = own_post(f"Ahoy{suffix}", born(NOW, 1), attachments={"media_keys": ["3_999"]})
        found = await self.find(post, listed(twin, ours), memory=memory)
        assert isinstance(found, base.Found)
        assert found.sent.id == ID
        assert isinstance(await self.find(post, listed(twin), memory=memory), base.CannotTell)
        assert isinstance(await self.find(post, listed(twin), memory={}), base.Found)
        bare = own_post("Ahoy")
        assert isinstance(await self.find(post, listed(bare), memory=memory), base.Absent)

    @pytest.mark.parametrize("key", ["3_501", "99_501"])
    async def test_a_media_key_ends_with_the_media_id(self, key: str) -> None:
        """Its number is X's own affair; an answer to an upload may lack the key."""
        post = Post(media=[Image(png(), alt="A boat")])
        name = f"media 0 {(await only_part(post)).media[0].digest[:16]}"
        ours = own_post("https://t.co/mmmmmmmmmm", attachments={"media_keys": [key]})
        assert isinstance(await self.find(post, listed(ours), memory={name: ["501", None]}), base.Found)
        other = {name: ["502", key]}
        assert isinstance(await self.find(post, listed(ours), memory=other), base.Found)
        assert isinstance(await self.find(post, listed(ours), memory={name: ["502", None]}), base.CannotTell)
        assert isinstance(await self.find(post, listed(ours), memory={}), base.CannotTell)

    async def test_links_to_own_media_are_no_text(self) -> None:
        marked = [{"url": "https://t.co/mmmmmmmmmm", "expanded_url": "https://x.com/a", "media_key": "3_1"}]
        live = own_post("Look https://t.co/mmmmmmmmmm up", entities={"urls": marked})
        assert words_of(live) == "Look  up"
        shown = [
            {"url": "https://t.co/mmmmmmmmmm", "expanded_url": f"https://x.com/brand/status/{ID}/photo/1"}
        ]
        assert words_of(own_post("Look https://t.co/mmmmmmmmmm", entities={"urls": shown})) == "Look"

    async def test_links_in_a_note_are_its_own(self) -> None:
        links = [{"url": "https://t.co/nnnnnnnnnn", "expanded_url": "https://example.com/a"}]
        note = {"text": "Long &amp; https://t.co/nnnnnnnnnn", "entities": {"urls": links}}
        assert words_of(own_post("Long…", note_tweet=note)) == "Long & https://example.com/a"

    async def test_pages_that_repeat_end(self) -> None:
        pages = [listed(own_post("Else"), next_token="p2") for _ in range(2)]
        assert isinstance(await self.find(Post("Ahoy"), *pages), base.Absent)

    async def test_two_alike_are_nobodys_guess(self) -> None:
        twins = listed(own_post("Ahoy", born(NOW, 1)), own_post("Ahoy"))
        assert isinstance(await self.find(Post("Ahoy"), twins), base.CannotTell)
        claimed = frozenset({born(NOW, 1)})
        found = await self.find(Post("Ahoy"), listed(*twins.json()["data"]), claimed=claimed)
        assert isinstance(found, base.Found)
        assert found.sent.id == ID

    async def test_a_post_outside_the_window_is_not_ours(self) -> None:
        late = own_post("Ahoy", born(NOW + timedelta(hours=1)))
        assert isinstance(await self.find(Post("Ahoy"), listed(late)), base.Absent)

    async def test_every_page_is_read(self) -> None:
        pages = [listed(own_post("Else"), next_token="p2"), listed(own_post("Ahoy"))]
        assert isinstance(await self.find(Post("Ahoy"), *pages), base.Found)
        assert self.looking.asked[1].params["pagination_token"] == "p2"

    async def test_a_quote_is_found_by_what_it_quotes(self) -> None:
        live = own_post(
            "Look https://t.co/qqqqqqqqqq",
            referenced_tweets=[{"type": "quoted", "id": "12"}],
            entities={
                "urls": [
                    {"url": "https://t.co/qqqqqqqqqq", "expanded_url": "https://twitter.com/crew/status/12"}
                ]
            },
        )
        assert isinstance(await self.find(Post("Look", quote="12"), listed(live)), base.Found)
        assert isinstance(await self.find(Post("Look", quote="13"), listed(live)), base.Absent)

    async def test_a_timeline_x_does_not_show_proves_nothing(self) -> None:
        kind = "https://api.x.com/2/problems/not-authorized-for-resource"
        hidden = answer({"errors": [{"type": kind, "detail": "Sorry, not yours", "title": "no"}]})
        with pytest.raises(errors.Declined, match="Sorry, not yours"):
            await self.find(Post("Ahoy"), hidden)

    async def test_nothing_there(self) -> None:
        assert isinstance(await self.find(Post("Ahoy"), listed()), base.Absent)


PUBLIC = {
    "retweet_count": 2,
    "reply_count": 3,
    "like_count": 4,
    "quote_count": 5,
    "bookmark_count": 0,
    "impression_count": 700,
}


class TestMetrics:
    async def rows(self, receipts: list[Receipt], *answers: Any) -> list[Any]:
        self.asking = call(*answers)
        return await self.asking.adapter.fetch_metrics(receipts, self.asking)

    async def test_own_young_posts_tell_all_in_one_request(self) -> None:
        post = {"id": ID, "text": "", "public_metrics": PUBLIC, "attachments": {"media_keys": ["7_1", "7_2"]}}
        private = {"impression_count": 700, "url_link_clicks": 9, "user_profile_clicks": 1, "engagements": 12}
        media = [
            {"media_key": "7_1", "type": "video", "public_metrics": {"view_count": 30}},
            {"media_key": "7_2", "type": "video", "public_metrics": {"view_count": 12}},
        ]
        body = {"data": [{**post, "non_public_metrics": private}], "includes": {"media": media}}
        (row,) = await self.rows([Receipt(OWN, ID)], answer(body))
        numbers = (row.impressions, row.likes, row.comments, row.shares, row.quotes, row.saves)
        assert numbers == (700, 4, 3, 2, 5, 0)
        assert (row.clicks, row.video_views) == (9, 42)
        assert row.reach is None
        assert set(row.missing) == {"reach", "watch_seconds"}
        params = self.asking.asked[0].params
        assert params["ids"] == ID
        assert "non_public_metrics" in params["tweet.fields"]
        assert params["expansions"] == "attachments.media_keys"

    async def test_private_numbers_are_asked_for_own_posts_of_30_days_only(self) -> None:
        old = born(NOW - timedelta(days=31))
        foreign = born(NOW, 5)
        receipts = [
            Receipt(OWN, old),
            Receipt(OWN, ID),
            Receipt(Identity("x", "https://api.x.com", "8"), foreign),
        ]
        ours = answer({"data": [{"id": ID, "public_metrics": PUBLIC}]})
        rest = answer({"data": [{"id": one, "public_metrics": PUBLIC} for one in (foreign, old)]})
        rows = await self.rows(receipts, ours, rest)
        first, second = self.asking.asked
        assert first.params["ids"] == ID
        assert second.params["ids"] == f"{old},{foreign}"
        assert "non_public_metrics" not in second.params["tweet.fields"] + second.params["media.fields"]
        assert [row.id for row in rows] == [old, ID, foreign]
        assert "30 days" in rows[0].missing["clicks"]
        assert rows[0].clicks is None
        assert rows[0].video_views is None
        assert rows[0].missing["video_views"] == "the post has no video"

    @pytest.mark.parametrize(
        ("age", "private"),
        [(timedelta(days=30, minutes=-6), True), (timedelta(days=30, minutes=-4), False)],
    )
    async def test_thirty_days_end_a_little_early(self, age: timedelta, private: bool) -> None:
        """The clocks may differ, and one post too old hides its numbers."""
        old = born(NOW - age)
        await self.rows([Receipt(OWN, old)], answer({"data": [{"id": old, "public_metrics": PUBLIC}]}))
        assert ("non_public_metrics" in self.asking.asked[0].params["tweet.fields"]) is private

    async def test_a_post_is_asked_for_once(self) -> None:
        rows = await self.rows(
            [Receipt(OWN, ID)] * 2, answer({"data": [{"id": ID, "public_metrics": PUBLIC}]})
        )
        assert [row.likes for row in rows] == [4, 4]
        assert self.asking.asked[0].params["ids"] == ID

    async def test_the_public_count_is_the_count(self) -> None:
        post = {"id": ID, "public_metrics": PUBLIC, "non_public_metrics": {"impression_count": 699}}
        (row,) = await self.rows([Receipt(OWN, ID)], answer({"data": [post]}))
        assert row.impressions == 700

    async def test_a_post_that_private_numbers_hid_is_asked_again(self) -> None:
        kind = "https://api.x.com/2/problems/not-authorized-for-field"
        hidden = {"errors": [{"resource_id": ID, "type": kind, "detail": "not yours", "title": "no"}]}
        shown = {"data": [{"id": ID, "public_metrics": PUBLIC}]}
        (row,) = await self.rows([Receipt(OWN, ID)], answer(hidden), answer(shown))
        assert row.likes == 4
        assert row.error is None

    async def test_a_post_that_is_gone_is_a_row_of_its_own(self) -> None:
        kind = "https://api.x.com/2/problems/resource-not-found"
        other = born(NOW, 9)
        body = {
            "data": [{"id": ID, "public_metrics": PUBLIC}],
            "errors": [{"value": other, "type": kind, "detail": "Could not find tweet", "title": "no"}],
        }
        good, gone = await self.rows([Receipt(OWN, ID), Receipt(OWN, other)], answer(body))
        assert good.likes == 4
        assert isinstance(gone.error, errors.Declined)
        assert (gone.error.status, gone.likes) == (404, None)
        assert len(self.asking.asked) == 1

    @pytest.mark.parametrize("at", [NOW, None])
    async def test_what_is_no_id_spoils_no_other_row(self, at: Any) -> None:
        body = {"data": [{"id": ID, "public_metrics": PUBLIC}]}
        wrong = [Receipt(OWN, "3kabc", published_at=at), Receipt(OWN, "1,2", published_at=at)]
        *bad, good = await self.rows([*wrong, Receipt(OWN, ID)], answer(body))
        assert self.asking.asked[0].params["ids"] == ID
        assert good.likes == 4
        assert ["no id of a post on X" in str(row.error) for row in bad] == [True, True]
        assert all(isinstance(row.error, errors.ConfigError) for row in bad)

    async def test_organic_numbers_fill_what_the_others_leave_out(self) -> None:
        post = {
            "id": ID,
            "non_public_metrics": {"engagements": 4},
            "organic_metrics": {"impression_count": 60, "url_link_clicks": 2},
        }
        (row,) = await self.rows([Receipt(OWN, ID)], answer({"data": [post]}))
        assert (row.impressions, row.clicks) == (60, 2)
        assert set(row.raw) == {"non_public_metrics", "organic_metrics", "media"}

    async def test_the_newer_words_are_read_too(self) -> None:
        newer = {name: value for name, value in PUBLIC.items() if name != "retweet_count"}
        body = {"data": [{"id": ID, "public_metrics": {**newer, "repost_count": 8}}]}
        (row,) = await self.rows([Receipt(OWN, ID)], answer(body))
        assert row.shares == 8

    async def test_what_x_leaves_out_is_unknown(self) -> None:
        body = {"data": [{"id": ID, "attachments": {"media_keys": ["7_1"]}}]}
        (row,) = await self.rows([Receipt(OWN, ID)], answer(body))
        assert (row.likes, row.video_views, row.clicks) == (None, None, None)
        assert row.missing["likes"] == row.missing["video_views"] == "X did not say"

    async def test_photos_have_no_views(self) -> None:
        media = {"media": [{"media_key": "3_1", "type": "photo"}]}
        post = {"id": ID, "public_metrics": PUBLIC, "attachments": {"media_keys": ["3_1"]}}
        (row,) = await self.rows([Receipt(OWN, ID)], answer({"data": [post], "includes": media}))
        assert row.missing["video_views"] == "the post has no video"

    VIDEO: ClassVar[dict[str, Any]] = {
        "data": [{"id": ID, "public_metrics": PUBLIC, "attachments": {"media_keys": ["7_1"]}}],
        "includes": {"media": [{"media_key": "7_1", "type": "video"}]},
    }

    async def watched(self, *told: Any) -> Any:
        self.asking = call(answer(self.VIDEO), *told, adapter=X(token="t", media_analytics=True))
        (row,) = await self.asking.adapter.fetch_metrics([Receipt(OWN, ID)], self.asking)
        return row

    async def test_how_long_videos_were_watched_is_asked_for_on_wish(self) -> None:
        (silent,) = await self.rows([Receipt(OWN, ID)], answer(self.VIDEO))
        assert silent.watch_seconds is None
        assert "media_analytics=True" in silent.missing["watch_seconds"]
        times = [{"metrics": {"watch_time_ms": 61_500}}, {"metrics": {"watch_time_ms": 1000}}]
        row = await self.watched(answer({"data": [{"media_key": "7_1", "timestamped_metrics": times}]}))
        assert row.watch_seconds == 62.5
        assert "watch_seconds" not in row.missing
        asked = self.asking.asked[1]
        assert (asked.step, asked.path) == ("read", "/2/media/analytics")
        assert asked.params == {
            "media_keys": "7_1",
            "start_time": "2026-11-02T09:00:00Z",
            "end_time": "2026-11-02T09:00:00Z",
            "granularity": "total",
            "media_analytics.fields": "media_key,timestamped_metrics,watch_time_ms",
        }

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (errors.Declined("not for you"), "X did not say: not for you"),
            (answer({"data": []}), "X did not say"),
            (answer({"data": [{"media_key": "7_1", "watch_time_ms": "many"}]}), "X did not say"),
        ],
    )
    async def test_a_watch_time_x_does_not_tell_spoils_no_row(self, told: Any, why: str) -> None:
        row = await self.watched(told)
        assert (row.likes, row.watch_seconds) == (4, None)
        assert row.missing["watch_seconds"] == why

    async def test_videos_are_asked_for_by_the_hundred(self) -> None:
        keys = [f"7_{n}" for n in range(1, 151)]
        posts = [
            {"id": born(NOW, n), "attachments": {"media_keys": keys[2 * n : 2 * n + 2]}} for n in range(75)
        ]
        media = [{"media_key": key, "type": "video"} for key in keys]
        shown = answer({"data": posts, "includes": {"media": media}})
        told = [answer({"data": [{"media_key": key, "watch_time_ms": 1000} for key in keys]})] * 2
        asking = call(shown, *told, adapter=X(token="t", media_analytics=True))
        rows = await asking.adapter.fetch_metrics([Receipt(OWN, born(NOW, n)) for n in range(75)], asking)
        assert {row.watch_seconds for row in rows} == {2.0}
        assert [one.params["media_keys"].count(",") for one in asking.asked[1:]] == [99, 49]

    OLD = born(NOW - timedelta(days=40))

    async def clicked(self, *told: Any) -> Any:
        old = answer({"data": [{"id": self.OLD, "public_metrics": PUBLIC}]})
        self.asking = call(old, *told, adapter=X(token="t", post_analytics=True))
        (row,) = await self.asking.adapter.fetch_metrics([Receipt(OWN, self.OLD)], self.asking)
        return row

    async def test_clicks_in_old_posts_are_asked_for_on_wish(self) -> None:
        times = [{"metrics": {"url_clicks": 5}}, {"metrics": {"url_clicks": 2}}]
        row = await self.clicked(answer({"data": [{"id": self.OLD, "timestamped_metrics": times}]}))
        assert (row.clicks, row.likes) == (7, 4)
        assert "clicks" not in row.missing
        asked = self.asking.asked[1]
        assert (asked.step, asked.path) == ("read", "/2/tweets/analytics")
        assert asked.params == {
            "ids": self.OLD,
            "analytics.fields": "id,timestamped_metrics,url_clicks",
            "start_time": "2026-09-23T09:00:00Z",
            "end_time": "2026-11-02T09:00:00Z",
            "granularity": "total",
        }

    @pytest.mark.parametrize(
        ("told", "why"),
        [
            (errors.Declined("not for you"), "X did not say: not for you"),
            (answer({"data": []}), "30 days only"),
        ],
    )
    async def test_clicks_x_does_not_tell_spoil_no_row(self, told: Any, why: str) -> None:
        row = await self.clicked(told)
        assert (row.likes, row.clicks) == (4, None)
        assert why in row.missing["clicks"]

    async def test_young_and_foreign_posts_need_no_analytics(self) -> None:
        foreign = Receipt(Identity("x", "https://api.x.com", "8"), self.OLD)
        young = answer({"data": [{"id": ID, "non_public_metrics": {"url_link_clicks": 3}}]})
        other = answer({"data": [{"id": self.OLD, "public_metrics": PUBLIC}]})
        asking = call(young, other, adapter=X(token="t", post_analytics=True))
        rows = await asking.adapter.fetch_metrics([Receipt(OWN, ID), foreign], asking)
        assert [row.clicks for row in rows] == [3, None]
        assert len(asking.asked) == 2

    async def test_no_video_no_question(self) -> None:
        asking = call(
            answer({"data": [{"id": ID, "public_metrics": PUBLIC}]}),
            adapter=X(token="t", media_analytics=True),
        )
        (row,) = await asking.adapter.fetch_metrics([Receipt(OWN, ID)], asking)
        assert row.missing["watch_seconds"] == "the post has no video"
        assert len(asking.asked) == 1

    async def test_the_account(self) -> None:
        counts = {"followers_count": 120, "following_count": 3, "tweet_count": 9, "listed_count": 0}
        asking = call(answer({"data": {"id": "7", "public_metrics": counts}}))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.raw) == (120, counts)
        silent = call(answer({"data": {"id": "7"}}))
        unknown = await silent.adapter.fetch_account_metrics(silent, since=None, until=None)
        assert (unknown.followers, unknown.missing) == (None, {"followers": "X did not say"})


class TestPosts:
    async def test_own_posts_page_by_page(self) -> None:
        pages = [
            listed(own_post("Three", born(NOW, 3)), own_post("Two", born(NOW, 2)), next_token="p2"),
            listed(own_post("One &amp; only", born(NOW, 1), **reply("12"))),
        ]
        asking = call(*pages)
        since = NOW - timedelta(days=2)
        posts = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=None, limit=500)]
        assert [(one.text, one.kind) for one in posts] == [
            ("Three", "post"),
            ("Two", "post"),
            ("One & only", "reply"),
        ]
        assert posts[0].url == f"https://x.com/brand/status/{born(NOW, 3)}"
        assert asking.asked[0].params["start_time"] == "2026-10-31T09:00:00Z"
        assert asking.asked[0].params["exclude"] == "retweets"

    async def test_the_limit_and_the_end_are_kept(self) -> None:
        page = listed(*(own_post("Ahoy", born(NOW - timedelta(hours=n))) for n in range(4)), next_token="p2")
        asking = call(page)
        until = NOW - timedelta(hours=1)
        posts = [one async for one in asking.adapter.fetch_posts(asking, since=None, until=until, limit=2)]
        assert [one.published_at for one in posts] == [NOW - timedelta(hours=n) for n in (1, 2)]
        assert asking.asked[0].params["max_results"] == "5"
        assert asking.asked[0].params["end_time"] == "2026-11-02T08:00:01Z"

    async def test_an_end_that_is_now_is_not_sent(self) -> None:
        """X wants an end that is some seconds past."""
        for until, sent in (
            (NOW, False),
            (NOW - timedelta(seconds=59), False),
            (NOW - timedelta(hours=1), True),
        ):
            asking = call(listed())
            [one async for one in asking.adapter.fetch_posts(asking, since=None, until=until, limit=5)]
            assert ("end_time" in asking.asked[0].params) is sent

    async def test_x_is_not_asked_for_its_first_years(self) -> None:
        """It refuses a start or an end before 6 November 2010."""
        asking = call(listed(own_post("Ahoy")))
        since, until = datetime(2009, 1, 1, tzinfo=UTC), datetime(2010, 1, 1, tzinfo=UTC)
        posts = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=until, limit=5)]
        assert posts == []
        assert asking.asked[0].params["start_time"] == "2010-11-06T00:00:00Z"
        assert "end_time" not in asking.asked[0].params

    async def test_the_start_is_kept_within_its_second(self) -> None:
        page = listed(*(own_post("Ahoy", born(NOW + timedelta(milliseconds=n))) for n in (700, 300)))
        asking = call(page)
        since = NOW + timedelta(milliseconds=500)
        posts = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=None, limit=9)]
        assert [one.id for one in posts] == [born(NOW + timedelta(milliseconds=700))]

    @pytest.mark.parametrize(
        "reference",
        [
            f"https://x.com/brand/status/{ID}",
            f"https://twitter.com/brand/status/{ID}?s=20",
            f"https://mobile.twitter.com/brand/status/{ID}/photo/1",
            f"https://x.com/i/web/status/{ID}",
            f"https://x.com/i/status/{ID}",
            f"https://X.com/Brand/status/{ID}",
            ID,
        ],
    )
    async def test_permalinks_and_ids_become_receipts(self, reference: str) -> None:
        asking = call(answer({"data": {"id": ID, "text": "Ahoy", "author_id": "7"}}))
        receipt = await asking.adapter.resolve(reference, asking)
        assert receipt == Receipt(OWN, ID, f"https://x.com/brand/status/{ID}", NOW, "Ahoy")
        assert X(token="t").owns(reference) == ("://" in reference)

    async def test_somebody_elses_post(self) -> None:
        asking = call(answer({"data": {"id": ID, "text": "Ahoy", "author_id": "8"}}))
        receipt = await asking.adapter.resolve(f"https://x.com/crew/status/{ID}", asking)
        assert receipt.identity.id == "8"
        assert receipt.url == f"https://x.com/crew/status/{ID}"

    @pytest.mark.parametrize("reference", ["https://example.com/brand/status/1", "launch", "1" * 20, ""])
    async def test_what_is_no_post_on_x(self, reference: str) -> None:
        assert not X(token="t").owns(reference)
        with pytest.raises(errors.ConfigError, match="no post on X"):
            await X(token="t").resolve(reference, call())

    @pytest.mark.parametrize("status", [200, 404])
    async def test_a_post_x_does_not_show(self, status: int) -> None:
        asking = call(answer({"errors": [{"detail": "Could not find it", "title": "no"}]}, status))
        with pytest.raises(errors.ConfigError, match="Could not find it"):
            await asking.adapter.resolve(ID, asking)
