"""Threads: what is planned, sent, found again and read, in the words of its API."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from media_files import mp4, png
from socialkit import Client, Image, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._threads_plan import addresses
from socialkit.adapters.threads import Threads, ThreadsOptions
from socialkit.model import Identity, Link, Receipt
from socialkit.sandbox import Sandbox

from .fakes import NOW, answer, plan
from .threads_samples import (
    CONTAINER,
    FACTS,
    GONE,
    LOST,
    MEDIA,
    OWN,
    PUBLISH,
    URL,
    call,
    codes,
    listed,
    made,
    only_part,
    own_post,
    planned,
    published,
    refused,
    stamp,
    stands,
    steps,
    used,
)

BOAT = Image.from_url("https://files.example.com/boat.png", alt="A boat")
SAIL = Video.from_url("https://files.example.com/sail.mp4", alt="Sailing")
RECEIPT = Receipt(OWN, MEDIA, URL)


def memory(**more: Any) -> dict[str, Any]:
    return {"container": {"id": CONTAINER, "at": NOW.timestamp(), "parent": None} | more}


class TestAccount:
    async def test_who_the_token_belongs_to(self) -> None:
        asking = call(answer({"id": OWN.id, "username": "brand", "name": "Brand"}), facts=None)
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "brand")
        assert facts.url == "https://www.threads.net/@brand"
        fence = facts.fence("container")
        assert fence is not None
        assert (fence.honoured, fence.valid_for) == ("proved", 85_800.0)

    async def test_a_bare_number_keeps_its_digits(self) -> None:
        asking = call(answer({"id": int(OWN.id)}), facts=None)
        facts = await asking.adapter.account(asking)
        assert (facts.identity.id, facts.url) == (OWN.id, None)

    @pytest.mark.parametrize(("spent", "hours"), [(246, 24), (250, 1), (300, 1)])
    def test_the_answer_about_quotas_corrects_the_budgets(self, spent: int, hours: int) -> None:
        url = "https://graph.threads.net/v1.0/me/threads_publishing_limit?fields=quota_usage"
        told = used(spent, 1)
        response = base.Response(200, told.headers, told.content, url=url, received_at=NOW)
        posts, replies = Threads("t").read_limits(response)
        left = max(0, 250 - spent)
        assert posts == base.Reading("posts", 250, left, NOW + timedelta(hours=hours), 86_400.0)
        assert (replies.name, replies.limit, replies.remaining) == ("replies", 1000, 999)
        elsewhere = base.Response(200, told.headers, told.content, url="https://x/v1.0/me", received_at=NOW)
        assert Threads("t").read_limits(elsewhere) == ()

    def test_a_used_up_allowance_closes_the_budget_of_all_calls(self) -> None:
        headers = {"x-app-usage": '{"call_count":100,"total_cpu_time":25,"total_time":25}'}
        (reading,) = Threads("t").read_limits(base.Response(400, headers, received_at=NOW))
        assert (reading.name, reading.remaining) == ("calls", 0)


TABLE = [
    # code, subcode, words or symbol, error, whether it is certain that nothing is live
    (24, 4279009, "", errors.Unavailable, True),
    (1, 4279009, "", errors.Unavailable, True),
    (100, 4279004, "", errors.Declined, True),
    (4279004, None, "", errors.Declined, True),
    (10, 4279013, "", errors.Declined, True),
    (100, 4279050, "", errors.Duplicate, True),
    (4, 2207051, "", errors.Declined, False),
    (1, 2207052, "", errors.Unavailable, True),
    (9004, 2207052, "", errors.Unavailable, True),
    (-2, 2207003, "", errors.Unavailable, True),
    (352, 2207026, "", errors.Declined, True),
    (100, None, "Param text must be at most 500 characters long", errors.Declined, True),
    (100, 33, "", errors.Declined, True),
    (10, None, "", errors.MissingScope, True),
    (200, None, "", errors.MissingScope, True),
    (299, None, "", errors.MissingScope, True),
    (190, 463, "", errors.ReauthNeeded, True),
    (190, 467, "", errors.ReauthNeeded, True),
    (4476002, None, "", errors.Declined, True),
    (4, None, "", errors.RateLimited, True),
    (17, None, "", errors.RateLimited, True),
    (32, None, "", errors.RateLimited, True),
    (613, None, "", errors.RateLimited, True),
    (1, None, "", errors.Unavailable, False),
    (2, None, "", errors.Unavailable, False),
    (341, None, "", errors.Unavailable, False),
    (100, None, "THREADS_API__LINK_LIMIT_EXCEEDED", errors.Declined, True),
    (100, None, "THREADS_API__FEATURE_NOT_AVAILABLE", errors.Declined, True),
    (10, None, "THREADS_API__GEO_GATING_INVALID_COUNTRY_CODES", errors.Declined, True),
    (-1, None, "something new", errors.Declined, True),
]


class TestRules:
    def test_how_much_and_how_often(self) -> None:
        rules = Threads.rules
        budgets = {one.name: (one.limit, one.window) for one in rules.budgets}
        day = 86_400.0
        assert [budgets[name] for name in ("posts", "replies", "deletions")] == [
            (250, day),
            (1000, day),
            (100, day),
        ]
        assert (rules.find.by, rules.find.quiet, rules.find.looks, rules.find.between) == (
            "key",
            150.0,
            3,
            30.0,
        )

    def test_what_media_may_be(self) -> None:
        images, video = Threads.rules.images, Threads.rules.video
        assert images is not None
        assert video is not None
        assert (images.count, images.max_bytes, images.max_ratio, images.alt_limit) == (
            20,
            8_000_000,
            10.0,
            1000,
        )
        assert (video.max_bytes, video.max_seconds, video.min_fps, video.max_fps) == (
            10**9,
            300.0,
            23.0,
            60.0,
        )
        assert (video.min_ratio, video.max_ratio, video.alt_limit) == (0.01, 10.0, 1000)
        assert video.codecs == {"h264", "hevc", "aac"}


class TestErrors:
    @pytest.mark.parametrize(("code", "subcode", "words", "kind", "certain"), TABLE)
    def test_the_table(self, code: int, subcode: int | None, words: str, kind: Any, certain: bool) -> None:
        error = Threads("t").parse_error(refused(code, subcode, words or "No."))
        assert type(error) is kind
        assert error.__dict__["definite"] is certain
        assert error.__dict__["code"]

    def test_what_passes_by_itself_may_be_live(self) -> None:
        error = Threads("t").parse_error(refused(-1, words="Hm.", is_transient=True))
        assert (type(error), error.__dict__["definite"]) == (errors.Unavailable, False)

    def test_an_error_in_a_good_answer_is_an_error(self) -> None:
        assert Threads("t").says_no(refused(100, 33, status=200))

    def test_words_in_any_language_change_nothing(self) -> None:
        told = {"error_user_title": "THREADS", "error_user_msg": "Nicht gefunden (#100)"}
        error = Threads("t").parse_error(refused(24, 4279009, **told))
        assert (type(error), error.__dict__["code"]) == (errors.Unavailable, "24/4279009")
        assert "Nicht gefunden" in str(error)

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_a_page_of_a_proxy_may_hide_a_post(self, status: int) -> None:
        error = Threads("t").parse_error(answer(content=b"<html>", status=status))
        assert (type(error), error.__dict__["definite"]) == (errors.Unavailable, False)

    def test_a_signed_address_is_not_repeated(self) -> None:
        error = Threads("t").parse_error(
            refused(1, 2207052, "No: https://files.example.com/a.jpg?signature=s3cret")
        )
        assert "s3cret" not in repr(error) + str(error.__dict__)
        assert "files.example.com/a.jpg" in str(error)

    def test_a_dead_token_is_renewed_once(self) -> None:
        assert Threads("t").parse_error(refused(190, 463)).__dict__["refreshable"]


class TestQuota:
    async def test_only_quotas_of_granted_scopes_are_asked_for(self) -> None:
        for scopes, heads in (((), 3), (("threads_content_publish",), 1), (("threads_basic",), 1)):
            credential = base.Credential("oauth2", access_token="t", scopes=scopes)
            asking = call(used(0), credential=credential)
            await plan(asking.adapter, Post("Ahoy"), asking)
            assert asking.asked[0].path == "/v1.0/me/threads_publishing_limit"
            assert asking.asked[0].params["fields"].count("config") == heads

    async def test_a_token_that_may_not_see_all_is_asked_for_posts(self) -> None:
        asking = call(refused(200), used(250))
        told = await plan(asking.adapter, Post("Ahoy"), asking)
        assert codes(told, "warning") == [("text", "quota")]
        assert asking.asked[1].params["fields"] == "quota_usage,config"

    @pytest.mark.parametrize("no", [GONE, refused(2), refused(4), answer(content=b"<html>")])
    async def test_a_plan_does_without(self, no: base.Response) -> None:
        assert codes(await planned(Post("Ahoy"), quota=no)) == []

    async def test_a_post_the_day_has_no_room_for_is_warned_of(self) -> None:
        told = await planned(Post("Ahoy"), quota=used(250))
        assert codes(told, "warning") == [("text", "quota")]
        assert codes(told) == []
        thread = Post("One", thread=[Post("Two"), Post("Three")])
        assert codes(await planned(thread, quota=used(249, 998)), "warning") == []
        assert codes(await planned(thread, quota=used(249, 999)), "warning") == [("text", "quota")]
        reply = Post("One", reply_to="12")
        assert codes(await planned(reply, quota=used(250, 999)), "warning") == []


class TestPlan:
    async def test_a_text(self) -> None:
        part = await only_part(Post("Ahoy"))
        assert part.body == {"fields": {"media_type": "TEXT", "text": "Ahoy"}}
        assert (part.kind, part.requests) == ("post", 4)

    @pytest.mark.parametrize(
        ("text", "fits"), [("é" * 250, True), ("é" * 250 + "e", False), ("🚢" * 125, True)]
    )
    async def test_a_text_is_counted_in_bytes(self, text: str, fits: bool) -> None:
        assert codes(await planned(Post(text))) == ([] if fits else [("text", "too_long")])

    async def test_a_link_is_a_card_without_media_and_text_beside_them(self) -> None:
        link = Link("https://example.com/a", title="A title")
        alone = await planned(Post("Ahoy", link=link))
        assert alone.parts[0].body["fields"]["link_attachment"] == "https://example.com/a"
        assert [(one.field, one.code) for one in alone.changes] == [("link", "not_carried")]
        beside = (await planned(Post("Ahoy", link=link, media=[BOAT]))).parts[0]
        assert "link_attachment" not in beside.body["fields"]
        assert beside.text == "Ahoy\n\nhttps://example.com/a"

    @pytest.mark.parametrize(("count", "told"), [(3, []), (4, ["warning"]), (5, ["warning"]), (6, ["error"])])
    async def test_distinct_links_are_counted_wherever_they_stand(self, count: int, told: list[str]) -> None:
        text = " ".join(f"https://example.com/{n}" for n in range(count - 2))
        options = ThreadsOptions(attachment="Long", attachment_link="https://example.com/attached")
        post = Post(f"{text} {text}", link="https://example.com/card").variant("threads", options)
        problems = [one for one in (await planned(post)).problems if one.code == "links"]
        assert [one.severity for one in problems] == told
        assert all(one.actual == count for one in problems)

    async def test_a_poll_is_json_of_just_one_shape(self) -> None:
        made_plan = await planned(Post("Sail?", poll=Poll(["Ja", "Nein", "Später"])))
        assert codes(made_plan) == []
        fields = made_plan.parts[0].body["fields"]
        assert json.loads(fields["poll_attachment"]) == {
            "option_a": "Ja",
            "option_b": "Nein",
            "option_c": "Später",
        }
        assert ("poll.seconds", "not_carried") in [(one.field, one.code) for one in made_plan.changes]

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"poll": Poll(["a", "b"]), "media": [BOAT]}, ("poll", "with_media")),
            ({"poll": Poll(["a", "b", "c", "d", "e"])}, ("poll.options", "count")),
            ({"poll": Poll(["a", "b" * 26])}, ("poll.options[1]", "too_long")),
            ({"poll": Poll(["a", "b"]), "link": "https://example.com"}, ("link", "with_poll")),
            ({"text": "", "poll": Poll(["a", "b"])}, ("text", "required")),
            ({"media": [BOAT] * 15 + [SAIL] * 6}, ("media", "count")),
            ({"media": [BOAT] * 21}, ("media", "count")),
            ({"content_warning": "Storm"}, ("content_warning", "unsupported")),
            ({"visibility": "followers"}, ("visibility", "unsupported")),
            ({"tags": ["a.b"]}, ("tags", "invalid")),
            ({"tags": ["a" * 51]}, ("tags", "invalid")),
        ],
    )
    async def test_what_threads_has_no_room_for(
        self, fields: dict[str, Any], problem: tuple[str, str]
    ) -> None:
        assert codes(await planned(Post(**({"text": "Ahoy"} | fields)))) == [problem]

    async def test_media_of_every_number(self) -> None:
        kinds = [
            (await only_part(Post("Ahoy", media=m))).body["fields"]["media_type"] for m in ([BOAT], [SAIL])
        ]
        assert kinds == ["IMAGE", "VIDEO"]
        part = await only_part(Post("Ahoy", media=[BOAT, SAIL] * 10, sensitive=True))
        assert part.body["fields"] == {"media_type": "CAROUSEL", "text": "Ahoy", "is_spoiler_media": "true"}
        assert part.requests == 44

    async def test_a_video_is_not_wider_than_threads_takes(self) -> None:
        wide = Video(mp4(seconds=5.0, size=(2560, 1080)), alt="Wide")
        assert codes(await planned(Post("Ahoy", media=[wide]))) == [("media[0]", "range")]
        tall = Video(mp4(seconds=5.0, size=(1080, 2560)), alt="Tall")
        assert codes(await planned(Post("Ahoy", media=[tall]))) == []

    @pytest.mark.parametrize(
        ("name", "told"), [("a.gif", True), ("a.webp", True), ("a.jpg", False), ("a", False)]
    )
    async def test_an_address_may_look_like_what_threads_does_not_take(self, name: str, told: bool) -> None:
        picture = Image.from_url(f"https://files.example.com/{name}", alt="A boat")
        warned = codes(await planned(Post("Ahoy", media=[picture])), "warning")
        assert warned == ([("media[0]", "type")] if told else [])

    async def test_one_topic(self) -> None:
        two = await planned(Post("Ahoy", tags=["boats", "sea"]))
        assert two.parts[0].body["fields"]["topic_tag"] == "boats"
        assert [(one.field, one.before, one.after) for one in two.changes] == [("tags", 2, 1)]
        named = Post("Ahoy", tags=["boats"]).variant("threads", ThreadsOptions(topic="Sea trials"))
        own = await planned(named)
        assert own.parts[0].body["fields"]["topic_tag"] == "Sea trials"
        assert [(one.field, one.before, one.after) for one in own.changes] == [("tags", 1, 0)]
        spoken = await planned(Post("Ahoy #sails", tags=["boats"]))
        assert codes(spoken, "warning") == [("tags", "two_topics")]
        assert codes(await planned(Post("Ahoy #Boats", tags=["boats"])), "warning") == []

    async def test_a_reply_has_no_topic(self) -> None:
        told = await planned(Post("Ahoy", tags=["boats"], reply_to="18"))
        assert "topic_tag" not in told.parts[0].body["fields"]
        assert [(one.field, one.code) for one in told.changes] == [("tags", "not_carried")]
        option = Post("Ahoy", reply_to="18").variant("threads", ThreadsOptions(topic="Sea"))
        assert codes(await planned(option)) == [("options.topic", "reply")]

    async def test_a_sensitive_text_has_nothing_to_hide(self) -> None:
        told = await planned(Post("Ahoy", sensitive=True))
        assert [(one.field, one.code) for one in told.changes] == [("sensitive", "not_carried")]

    @pytest.mark.parametrize("address", ["http://files.example.com/a.jpg", "https://files.example.com/ä.jpg"])
    async def test_an_address_meta_does_not_fetch(self, address: str) -> None:
        assert codes(await planned(Post("Ahoy", media=[Image.from_url(address, alt="A")]))) == [
            ("media[0]", "address")
        ]

    async def test_a_video_of_too_many_bits_a_second_is_warned_of(self) -> None:
        for size, told in ((12_400_000, []), (12_600_000, [("media[0]", "bit_rate")])):
            heavy = Video(mp4(seconds=1.0, data=size), alt="Heavy")
            assert codes(await planned(Post("Ahoy", media=[heavy])), "warning") == told

    @pytest.mark.parametrize("given", [{"reply_control": "mutuals"}, {"share_to_instagram": "blue"}])
    async def test_a_word_threads_does_not_know(self, given: dict[str, Any]) -> None:
        post = Post("Ahoy").variant("threads", ThreadsOptions(**given))
        assert codes(await planned(post)) == [(f"options.{next(iter(given))}", "unknown")]

    async def test_every_option_is_a_field(self) -> None:
        options = ThreadsOptions(
            topic="Sea",
            reply_control="mentioned_only",
            reply_approvals=True,
            gif="g1",
            spoilers=("storm",),
            attachment="A long tale",
            attachment_link="https://example.com/tale",
            attachment_styles=(("long", "bold"),),
            location_id="110843418940484",
            countries=("DE", "FR"),
            share_to_instagram="dark",
        )
        eligible = answer({"id": OWN.id, "is_eligible_for_geo_gating": True})
        part = await only_part(Post("The storm").variant("threads", options), eligible)
        fields = part.body["fields"]
        for name in ("gif_attachment", "text_attachment", "text_entities"):
            fields[name] = json.loads(fields[name])
        assert fields == {
            "media_type": "TEXT",
            "text": "The storm",
            "topic_tag": "Sea",
            "reply_control": "mentioned_only",
            "enable_reply_approvals": "true",
            "gif_attachment": {"gif_id": "g1", "provider": "GIPHY"},
            "text_attachment": {
                "plaintext": "A long tale",
                "link_attachment_url": "https://example.com/tale",
                "text_with_styling_info": [{"offset": 2, "length": 4, "styling_info": ["bold"]}],
            },
            "text_entities": [{"entity_type": "SPOILER", "offset": 4, "length": 5}],
            "location_id": "110843418940484",
            "allowlisted_country_codes": "DE,FR",
            "crossreshare_to_ig": "true",
            "crossreshare_to_ig_dark_mode": "true",
        }
        styles = ("bold", "italic", "highlight", "underline", "strikethrough")
        styled = ThreadsOptions(
            attachment="ahoy", attachment_styles=tuple(("ahoy", style) for style in styles)
        )
        told = json.loads(
            (await only_part(Post("Ahoy").variant("threads", styled))).body["fields"]["text_attachment"]
        )
        assert [one for span in told["text_with_styling_info"] for one in span["styling_info"]] == list(
            styles
        )
        ghost = await only_part(Post("Boo").variant("threads", ThreadsOptions(ghost=True)))
        assert ghost.body["fields"]["is_ghost_post"] == "true"

    @pytest.mark.parametrize(
        ("options", "fields", "problem"),
        [
            ({"gif": "g"}, {"media": [BOAT]}, ("options.gif", "with_media")),
            ({"ghost": True}, {"media": [BOAT]}, ("options.ghost", "with_media")),
            ({"attachment": "x"}, {"media": [BOAT]}, ("options.attachment", "with_media")),
            ({"attachment": "x"}, {"poll": Poll(["a", "b"])}, ("options.attachment", "with_poll")),
            ({"attachment": "x" * 10_001}, {}, ("options.attachment", "too_long")),
            ({"attachment_link": "https://example.com"}, {}, ("options.attachment", "required")),
            ({"reply_control": "everyone"}, {"reply_to": "18"}, ("options.reply_control", "reply")),
            ({"reply_approvals": True}, {"reply_to": "18"}, ("options.reply_approvals", "reply")),
            ({"ghost": True}, {"reply_to": "18"}, ("options.ghost", "reply")),
            ({"ghost": True}, {"thread": [Post("two")]}, ("options.ghost", "thread")),
            ({"spoilers": ("hurricane",)}, {}, ("options.spoilers", "not_found")),
            ({"spoilers": ("A",)}, {"text": "A" * 11}, ("options.spoilers", "count")),
            ({"countries": ("de",)}, {}, ("options.countries", "invalid")),
            ({"topic": "a&b"}, {}, ("options.topic", "invalid")),
            (
                {"attachment": "x", "attachment_styles": (("x", "wavy"),)},
                {},
                ("options.attachment_styles", "invalid"),
            ),
        ],
    )
    async def test_options_that_do_not_go_with_the_post(
        self, options: dict[str, Any], fields: dict[str, Any], problem: tuple[str, str]
    ) -> None:
        post = Post(**({"text": "Ahoy"} | fields)).variant("threads", ThreadsOptions(**options))
        eligible = answer({"is_eligible_for_geo_gating": True})
        assert codes(await planned(post, eligible)) == [problem]

    async def test_an_account_that_may_not_choose_countries(self) -> None:
        post = Post("Ahoy").variant("threads", ThreadsOptions(countries=("DE",)))
        told = await planned(post, answer({"id": OWN.id, "is_eligible_for_geo_gating": False}))
        assert codes(told) == [("options.countries", "not_eligible")]

    async def test_where_bytes_and_characters_differ_somebody_has_to_say_which(self) -> None:
        post = Post("Übel storm").variant("threads", ThreadsOptions(spoilers=("storm",)))
        assert codes(await planned(post)) == [("options.spoilers", "unproved")]
        places = {}
        for offsets in ("bytes", "characters"):
            part = await only_part(post, adapter=Threads("t", offsets=offsets))  # type: ignore[arg-type]
            places[offsets] = json.loads(part.body["fields"]["text_entities"])[0]["offset"]
        assert places == {"bytes": 6, "characters": 5}

    async def test_in_a_thread_options_go_with_the_first_post(self) -> None:
        options = ThreadsOptions(reply_control="mentioned_only", topic="Sea")
        told = await planned(Post("One", thread=[Post("Two", tags=["boats"])]).variant("threads", options))
        assert [part.kind for part in told.parts] == ["post", "reply"]
        assert told.parts[1].body["fields"] == {"media_type": "TEXT", "text": "Two"}
        assert [(one.field, one.code) for one in told.changes] == [("thread[0].tags", "not_carried")]

    @pytest.mark.parametrize("field", ["reply_to", "quote"])
    async def test_a_post_is_named_by_id_receipt_or_own_permalink(self, field: str) -> None:
        name = {"reply_to": "reply_to_id", "quote": "quote_post_id"}[field]
        for reference in (MEDIA, RECEIPT):
            part = await only_part(Post("Aye", **{field: reference}))
            assert part.body["fields"][name] == MEDIA
            assert part.kind == {"reply_to": "reply", "quote": "quote"}[field]
        here = own_post()
        part = await only_part(Post("Aye", **{field: here["permalink"]}), listed(own_post(media="5"), here))
        assert part.body["fields"][name] == MEDIA

    @pytest.mark.parametrize("field", ["reply_to", "quote"])
    async def test_a_post_without_a_known_id_is_not_answered(self, field: str) -> None:
        assert codes(await planned(Post("Aye", **{field: Receipt(OWN, None)}))) == [(field, "no_id")]

    async def test_somebody_elses_permalink_needs_a_scope_or_is_a_problem(self) -> None:
        url = "https://www.threads.com/@other/post/Dxyz?igshid=1"
        theirs = {"id": "18", "permalink": "https://www.threads.com/@other/post/Dxyz", "username": "other"}
        part = await only_part(Post("Aye", reply_to=url), listed(theirs))
        assert part.body["fields"]["reply_to_id"] == "18"
        for no in (refused(10), listed()):
            assert codes(await planned(Post("Aye", reply_to=url), no)) == [("reply_to", "not_found")]
        assert codes(await planned(Post("Aye", quote="https://example.com/1"))) == [("quote", "not_found")]

    @given(some.text(max_size=80))
    def test_links_of_any_text_are_addresses(self, text: str) -> None:
        assert all("://" in one for one in addresses(text))


class TestSend:
    async def test_a_text_takes_two_steps_and_its_container_is_remembered_before(self) -> None:
        asking = call(made(), stands(), published())
        sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert (sent.id, sent.url) == (MEDIA, None)
        assert steps(asking) == [
            "prepare POST threads",
            f"read GET {CONTAINER}",
            "commit POST threads_publish",
        ]
        create, look, publish = asking.asked
        assert create.form == {"media_type": "TEXT", "text": "Ahoy"}
        assert create.headers["content-type"] == "application/x-www-form-urlencoded"
        assert look.params == {"fields": "id,status,error_message"}
        assert (publish.path, publish.form) == (PUBLISH, {"creation_id": CONTAINER})
        assert publish.options["fence"] == FACTS.fence("container")
        assert publish.options["mark"] == CONTAINER
        assert asking.memory["container"] == {"id": CONTAINER, "at": NOW.timestamp(), "parent": None}
        assert asking.lifetimes["container"] == 85_800.0

    async def test_nothing_is_ever_published_by_the_call_that_makes_it(self) -> None:
        asking = call(made(), stands(), published())
        await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert "auto_publish_text" not in asking.asked[0].form

    async def test_it_waits_until_the_container_is_ready(self) -> None:
        asking = call(made(), stands("IN_PROGRESS"), stands("IN_PROGRESS"), stands(), published())
        await asking.adapter.send(await only_part(Post("Ahoy", media=[SAIL])), asking)
        assert asking.waits == [1.0, 2.0]
        assert asking.asked[0].form == {
            "media_type": "VIDEO",
            "text": "Ahoy",
            "video_url": "https://files.example.com/sail.mp4",
            "alt_text": "Sailing",
        }

    async def test_a_carousel_waits_for_each_item_and_for_the_whole(self) -> None:
        answers = (
            made(1),
            stands(),
            made(2),
            stands("IN_PROGRESS"),
            stands(),
            made(3),
            stands(),
            published(),
        )
        asking = call(*answers)
        await asking.adapter.send(await only_part(Post("Ahoy", media=[BOAT, SAIL])), asking)
        first, second, whole = [one.form for one in asking.asked if one.step == "prepare"]
        assert first["image_url"].endswith("boat.png")
        assert (first["is_carousel_item"], first["media_type"], first["alt_text"]) == (
            "true",
            "IMAGE",
            "A boat",
        )
        assert second["media_type"] == "VIDEO"
        ids = [str(int(CONTAINER) + number) for number in range(3)]
        assert whole == {"media_type": "CAROUSEL", "text": "Ahoy", "children": ",".join(ids[:2])}
        assert asking.asked[-1].form == {"creation_id": ids[2]}
        assert [one.path.rpartition("/")[2] for one in asking.asked if one.step == "read"] == [
            ids[0],
            ids[1],
            ids[1],
            ids[2],
        ]

    async def test_a_local_file_goes_by_its_public_address(self) -> None:
        asking = call(made(), stands(), published())
        part = await only_part(Post("Ahoy", media=[Image(png(), alt="A boat")]))
        await asking.adapter.send(part, asking)
        assert asking.asked[0].form["image_url"].startswith("https://files.example.com/")

    async def test_a_part_of_a_thread_answers_the_one_before_on_the_quota_of_replies(self) -> None:
        asking = call(made(), stands(), published(), previous=base.Sent("12"))
        part = (await planned(Post("One", thread=[Post("Two")]))).parts[1]
        await asking.adapter.send(part, asking)
        assert asking.asked[0].form["reply_to_id"] == "12"
        assert asking.asked[-1].path == "/v1.0/me/threads_publish"
        assert asking.memory["container"]["parent"] == "12"

    async def test_a_part_after_one_without_an_id_is_not_sent(self) -> None:
        asking = call(previous=base.Sent(None))
        with pytest.raises(errors.Declined, match=r"did not tell the id.*settle"):
            await asking.adapter.send(await only_part(Post("Two")), asking)
        assert asking.asked == []

    async def test_a_story_that_could_not_be_shared_is_told(self) -> None:
        asking = call(made(), stands(), published(crossreshare_to_ig_status="FAILED"))
        sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert sent.missing == ("Instagram story: Threads could not share it there",)

    @pytest.mark.parametrize("odd", [answer({}), answer({"id": None}), answer([])])
    async def test_a_good_answer_without_an_id_is_no_refusal(self, odd: base.Response) -> None:
        asking = call(made(), stands(), odd)
        with pytest.raises(ValueError, match="did not tell its id"):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)

    async def test_a_container_without_an_id_may_be_made_again(self) -> None:
        asking = call(answer({}))
        with pytest.raises(errors.Unavailable):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)


class TestContainers:
    """A container is the fence: what becomes of one that is lost, late, used up or broken."""

    async def test_one_that_threads_lost_is_made_anew_three_times_at_most(self) -> None:
        one = (made(), stands(), LOST, GONE)
        asking = call(*one, *one, *one)
        with pytest.raises(errors.Unavailable) as caught:
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert caught.value.code == "24/4279009"
        assert steps(asking).count("prepare POST threads") == 3
        assert asking.memory["container"] is None, "the next attempt starts with a new one"
        asking = call(*one, made(2), stands(), published())
        assert (await asking.adapter.send(await only_part(Post("Ahoy")), asking)).id == MEDIA
        assert asking.asked[-1].form == {"creation_id": str(int(CONTAINER) + 1)}

    async def test_none_is_made_anew_while_an_earlier_attempt_may_be_live(self) -> None:
        asking = call(stands(), LOST, memory=memory(), lost=True)
        with pytest.raises(errors.Unavailable):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert "prepare POST threads" not in steps(asking)
        assert asking.memory["container"]["id"] == CONTAINER

    @pytest.mark.parametrize(
        "told", [stands("PUBLISHED"), stands("EXPIRED"), stands("ERROR", "UNKNOWN"), GONE]
    )
    async def test_beside_a_lost_attempt_only_its_own_container_is_published(
        self, told: base.Response
    ) -> None:
        asking = call(told, memory=memory(), lost=True)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert len(asking.asked) == 1
        forgotten = call(lost=True)
        with pytest.raises(errors.OutcomeUnknown):
            await forgotten.adapter.send(await only_part(Post("Ahoy")), forgotten)

    async def test_a_refusal_of_one_that_is_published_is_no_refusal(self) -> None:
        asking = call(made(), stands(), LOST, stands("PUBLISHED"), listed(own_post()))
        sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert (sent.id, sent.published_at) == (MEDIA, NOW)
        asking = call(made(), stands(), LOST, stands("PUBLISHED"), listed(), listed(own_post()))
        sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert (sent.id, asking.waits) == (MEDIA, [2.0])
        asking = call(made(), stands(), LOST, stands("PUBLISHED"), *[listed()] * 4)
        sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert sent.id is None
        assert "settle(key, found=" in sent.missing[0]

    async def test_one_that_is_ready_is_used_by_the_next_process(self) -> None:
        asking = call(stands("IN_PROGRESS"), stands(), published(), memory=memory())
        await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert steps(asking)[-1] == "commit POST threads_publish"
        assert "prepare POST threads" not in steps(asking)

    @pytest.mark.parametrize("told", [stands("EXPIRED"), stands("ERROR", "UNKNOWN"), GONE])
    async def test_one_that_died_meanwhile_is_replaced(self, told: base.Response) -> None:
        asking = call(told, made(2), stands(), published(), memory=memory())
        await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert asking.asked[-1].form == {"creation_id": str(int(CONTAINER) + 1)}

    async def test_one_that_turns_out_to_be_published_is_never_followed_by_another(self) -> None:
        asking = call(stands("PUBLISHED"), listed(own_post()), memory=memory())
        assert (await asking.adapter.send(await only_part(Post("Ahoy")), asking)).id == MEDIA
        for none_or_two in ([listed()] * 4, [listed(own_post(), own_post(media="5"))]):
            asking = call(stands("PUBLISHED"), *none_or_two, memory=memory())
            sent = await asking.adapter.send(await only_part(Post("Ahoy")), asking)
            assert (sent.id, sent.status, len(sent.missing)) == (None, Status.PUBLISHED, 1)
            assert {one.step for one in asking.asked} == {"read"}

    async def test_one_for_another_parent_is_not_used(self) -> None:
        asking = call(made(2), stands(), published(), memory=memory(parent="11"), previous=base.Sent("12"))
        await asking.adapter.send(await only_part(Post("Two")), asking)
        assert asking.asked[0].form["reply_to_id"] == "12"

    @pytest.mark.parametrize("why", ["UNKNOWN", "FAILED_DOWNLOADING_VIDEO"])
    async def test_one_that_failed_for_no_reason_of_its_own_is_made_once_more(self, why: str) -> None:
        part = await only_part(Post("Ahoy", media=[SAIL]))
        asking = call(made(), stands("ERROR", why), made(2), stands(), published())
        await asking.adapter.send(part, asking)
        asking = call(made(), stands("ERROR", why), made(2), stands("ERROR", why))
        with pytest.raises(errors.Declined, match="fetch it") as caught:
            await asking.adapter.send(part, asking)
        assert caught.value.code == why

    @pytest.mark.parametrize(
        ("why", "hint"),
        [
            ("FAILED_PROCESSING_AUDIO", "H.264 or HEVC, AAC"),
            ("FAILED_PROCESSING_VIDEO", "H.264 or HEVC, AAC"),
            ("INVALID_ASPEC_RATIO", "between 0.01 and 10"),
            ("INVALID_BIT_RATE", "100 Mbit/s"),
            ("INVALID_DURATION", "at most 300 s"),
            ("INVALID_FRAME_RATE", "23 to 60 frames"),
            ("INVALID_AUDIO_CHANNELS", "one or two channels"),
            ("INVALID_AUDIO_CHANNEL_LAYOUT", "one or two channels"),
            ("SOMETHING_NEW", "make a new container"),
        ],
    )
    async def test_one_that_is_wrong_says_why(self, why: str, hint: str) -> None:
        asking = call(made(), stands("ERROR", why))
        with pytest.raises(errors.Declined, match=why) as caught:
            await asking.adapter.send(await only_part(Post("Ahoy", media=[SAIL])), asking)
        assert re.search(hint, str(caught.value))
        assert asking.memory["container"] is None

    async def test_the_item_that_failed_is_named(self) -> None:
        asking = call(made(), stands(), made(2), stands("ERROR", "INVALID_DURATION"))
        with pytest.raises(errors.Declined, match=r"medium 2: .*INVALID_DURATION"):
            await asking.adapter.send(await only_part(Post("Ahoy", media=[BOAT, SAIL])), asking)

    async def test_items_that_are_up_are_used_again_and_dead_ones_are_made_anew(self) -> None:
        part = await only_part(Post("Ahoy", media=[BOAT, SAIL]))
        kept = {
            f"child {n} {item.digest[:16]}": {"id": str(n), "at": 0, "parent": None}
            for n, item in enumerate(part.media)
        }
        asking = call(
            stands(), stands("EXPIRED"), made(5), stands(), made(6), stands(), published(), memory=kept
        )
        await asking.adapter.send(part, asking)
        whole = [one.form for one in asking.asked if one.step == "prepare"][-1]
        assert whole["children"] == f"0,{int(CONTAINER) + 4}"

    async def test_invalid_items_are_all_made_anew_once(self) -> None:
        part = await only_part(Post("Ahoy", media=[BOAT, SAIL]))
        bad, items = refused(100, 4279004), (made(1), stands(), made(2), stands())
        asking = call(*items, bad, *items, made(3), stands(), published())
        await asking.adapter.send(part, asking)
        asking = call(*items, bad, *items, bad)
        with pytest.raises(errors.Declined):
            await asking.adapter.send(part, asking)


class TestRefusals:
    async def test_behind_a_block_the_post_may_be_live(self) -> None:
        no = errors.OutcomeUnknown("the platform failed")
        no.__cause__ = Threads("t").parse_error(refused(4, 2207051))
        asking = call(made(), stands(), no)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        assert asking.lifetimes["blocked"] == 3600.0
        again = call(memory=asking.memory)
        with pytest.raises(errors.Declined, match="some hours"):
            await again.adapter.send(await only_part(Post("Ahoy")), again)
        assert again.asked == []

    async def test_a_used_up_quota_has_no_words_of_its_own(self) -> None:
        asking = call(made(), stands(), refused(100), used(250))
        with pytest.raises(errors.RateLimited, match="posts of the last 24 hours"):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)
        asking = call(made(), stands(), refused(100), used(250, 999))
        with pytest.raises(errors.Declined):
            await asking.adapter.send(await only_part(Post("Ahoy", reply_to="12")), asking)
        asking = call(made(), stands(), refused(100), used(0, 1000))
        with pytest.raises(errors.RateLimited, match="replies"):
            await asking.adapter.send(await only_part(Post("Ahoy", reply_to="12")), asking)
        asking = call(made(), stands(), refused(100), refused(2))
        with pytest.raises(errors.Declined):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)

    @pytest.mark.parametrize(
        "no",
        [
            refused(10, 4279013),
            refused(100, 4279004),
            refused(100, words="THREADS_API__FEATURE_NOT_AVAILABLE"),
        ],
    )
    async def test_clear_refusals_are_not_looked_into(self, no: base.Response) -> None:
        asking = call(made(), stands(), no)
        with pytest.raises(errors.Declined):
            await asking.adapter.send(await only_part(Post("Ahoy")), asking)


class TestAttach:
    async def test_address_and_time_are_read_afterwards(self) -> None:
        asking = call(answer({"id": MEDIA, "permalink": URL, "timestamp": stamp(NOW)}))
        part = await only_part(Post("Ahoy"))
        sent = await asking.adapter.attach(part, base.Sent(MEDIA), asking)
        assert (sent.id, sent.url, sent.published_at) == (MEDIA, URL, NOW)
        assert asking.asked[0].params == {"fields": "id,permalink,timestamp"}, (
            "status is a field of containers only"
        )
        for known in (base.Sent(None), sent):
            assert await asking.adapter.attach(part, known, asking) == known

    async def test_a_post_that_is_not_shown_yet_is_asked_for_again(self) -> None:
        told = answer({"id": MEDIA, "permalink": URL, "timestamp": stamp(NOW)})
        asking = call(GONE, GONE, told)
        sent = await asking.adapter.attach(await only_part(Post("Ahoy")), base.Sent(MEDIA), asking)
        assert (sent.url, asking.waits) == (URL, [1.0, 2.0])
        asking = call(*[GONE] * 4)
        with pytest.raises(errors.Declined):
            await asking.adapter.attach(await only_part(Post("Ahoy")), base.Sent(MEDIA), asking)

    async def test_a_dead_token_is_not_asked_with_again(self) -> None:
        asking = call(refused(190, 463))
        with pytest.raises(errors.ReauthNeeded):
            await asking.adapter.attach(await only_part(Post("Ahoy")), base.Sent(MEDIA), asking)


async def lost(post: Post, **more: Any) -> base.Lost:
    window = {"since": NOW - timedelta(seconds=60), "until": NOW + timedelta(seconds=210)}
    return base.Lost(await only_part(post), **(window | more))


class TestFind:
    @pytest.mark.parametrize(
        ("status", "kind"), [("FINISHED", base.Absent), ("IN_PROGRESS", base.CannotTell)]
    )
    async def test_what_the_container_says(self, status: str, kind: Any) -> None:
        asking = call(stands(status), memory=memory())
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), kind)
        assert steps(asking) == [f"read GET {CONTAINER}"]

    async def test_a_published_one_is_live_and_which_post_it_is_stands_on_the_list(self) -> None:
        asking = call(stands("PUBLISHED"), listed(own_post("Else", "5"), own_post()), memory=memory())
        finding = await asking.adapter.find(await lost(Post("Ahoy")), asking)
        assert isinstance(finding, base.Found)
        assert (finding.sent.id, finding.sent.published_at) == (MEDIA, NOW)
        assert finding.sent.url is not None
        params = asking.asked[1].params
        assert params["since"] == str(int(NOW.timestamp()) - 60)
        assert params["limit"] == "100"

    async def test_a_published_one_that_is_not_listed_is_never_absent(self) -> None:
        asking = call(stands("PUBLISHED"), listed(), memory=memory())
        finding = await asking.adapter.find(await lost(Post("Ahoy")), asking)
        assert isinstance(finding, base.CannotTell)
        assert (finding.look_again_in, "has published it" in finding.why) == (30.0, True)

    @pytest.mark.parametrize(("left", "again"), [(210, 30.0), (151, 30.0), (150, 60.0), (45, 45.0)])
    async def test_looks_for_one_that_is_not_listed_grow_rarer(self, left: int, again: float) -> None:
        wanted = await lost(Post("Ahoy"))
        now = wanted.until - timedelta(seconds=left)
        asking = call(stands("PUBLISHED"), listed(), memory=memory(), now=now)
        finding = await asking.adapter.find(wanted, asking)
        assert isinstance(finding, base.CannotTell)
        assert finding.look_again_in == again

    @pytest.mark.parametrize("posts", [[], [own_post(), own_post(media="5")]], ids=["none", "two"])
    async def test_when_its_time_is_over_it_is_live_without_a_known_id(self, posts: Any) -> None:
        wanted = await lost(Post("Ahoy"))
        asking = call(stands("PUBLISHED"), listed(*posts), memory=memory(), now=wanted.until)
        finding = await asking.adapter.find(wanted, asking)
        assert isinstance(finding, base.Found)
        assert (finding.sent.id, finding.sent.url, finding.sent.status) == (None, None, Status.PUBLISHED)
        assert "settle(key, found=" in finding.sent.missing[0]
        assert all(one["permalink"] in finding.sent.missing[0] for one in posts)
        early = call(
            stands("PUBLISHED"), listed(*posts), memory=memory(), now=wanted.until - timedelta(seconds=9)
        )
        waiting = await early.adapter.find(wanted, early)
        assert isinstance(waiting, base.CannotTell)
        assert waiting.look_again_in == 9.0

    @pytest.mark.parametrize("told", [stands("EXPIRED"), stands("ERROR", "UNKNOWN"), GONE, LOST])
    async def test_one_that_cannot_say_leaves_it_to_the_list(self, told: base.Response) -> None:
        asking = call(told, listed(), memory=memory())
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.Absent)
        asking = call(told, listed(own_post()), memory=memory())
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.Found)

    @pytest.mark.parametrize("no", [refused(10), refused(190, 463), refused(100)])
    async def test_a_published_one_is_live_also_when_the_list_is_not_to_be_read(
        self, no: base.Response
    ) -> None:
        wanted = await lost(Post("Ahoy"))
        asking = call(stands("PUBLISHED"), no, memory=memory())
        assert isinstance(await asking.adapter.find(wanted, asking), base.CannotTell)
        late = call(stands("PUBLISHED"), no, memory=memory(), now=wanted.until)
        finding = await late.adapter.find(wanted, late)
        assert isinstance(finding, base.Found)
        assert "not to be read" in finding.sent.missing[0]
        passing = call(stands("PUBLISHED"), refused(2), memory=memory(), now=wanted.until)
        with pytest.raises(errors.Unavailable):
            await passing.adapter.find(wanted, passing)
        known = call(stands("PUBLISHED"), refused(2), memory=memory())
        sent = await known.adapter.send(await only_part(Post("Ahoy")), known)
        assert (sent.id, "not to be read" in sent.missing[0]) == (None, True)

    async def test_a_word_nobody_knows_is_no_absence(self) -> None:
        asking = call(stands("RETIRED"), listed(), memory=memory())
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.CannotTell)

    async def test_a_container_older_than_a_day_is_known_from_the_attempt(self) -> None:
        asking = call(stands("PUBLISHED"), listed(own_post()))
        finding = await asking.adapter.find(await lost(Post("Ahoy"), mark=CONTAINER), asking)
        assert isinstance(finding, base.Found)
        assert steps(asking)[0] == f"read GET {CONTAINER}"

    async def test_without_a_container_the_list_is_all_there_is(self) -> None:
        asking = call(listed(own_post()))
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.Found)

    async def test_a_dead_token_tells_nothing(self) -> None:
        asking = call(refused(190, 463), memory=memory())
        with pytest.raises(errors.ReauthNeeded):
            await asking.adapter.find(await lost(Post("Ahoy")), asking)

    async def test_two_that_look_alike_are_no_answer(self) -> None:
        asking = call(stands("PUBLISHED"), listed(own_post(), own_post(media="5")), memory=memory())
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.CannotTell)
        other = own_post(media="5")
        for name in (other["id"], other["permalink"]):
            claimed = await lost(Post("Ahoy"), claimed=frozenset({name}))
            asking = call(stands("PUBLISHED"), listed(own_post(), other), memory=memory())
            finding = await asking.adapter.find(claimed, asking)
            assert isinstance(finding, base.Found)
            assert finding.sent.id == MEDIA

    async def test_a_gif_is_known_by_its_text_alone(self) -> None:
        """Which kind of post one with a GIF is shown as, nobody says."""
        wanted = await lost(Post("Ahoy").variant("threads", ThreadsOptions(gif="g1")))
        asking = call(stands("PUBLISHED"), listed(own_post(media_type="IMAGE")), memory=memory())
        assert isinstance(await asking.adapter.find(wanted, asking), base.Found)

    @pytest.mark.parametrize(
        "other",
        [
            own_post("Ahoy!"),
            own_post(media_type="IMAGE"),
            own_post(at=NOW - timedelta(minutes=5)),
            own_post(at=NOW + timedelta(minutes=5)),
            own_post(topic_tag="sea"),
            own_post(quoted_post={"id": "9"}),
        ],
    )
    async def test_what_is_not_ours(self, other: dict[str, Any]) -> None:
        asking = call(listed(other))
        wanted = await lost(Post("Ahoy", tags=["boats"], quote="8"))
        assert isinstance(await asking.adapter.find(wanted, asking), base.Absent)

    async def test_white_space_may_change_on_the_way(self) -> None:
        asking = call(listed(own_post("Ahoy there")))
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy  there\n")), asking), base.Found)

    async def test_a_reply_is_looked_for_among_replies_to_its_parent(self) -> None:
        other, ours = own_post(media="5", replied_to={"id": "11"}), own_post(replied_to={"id": "12"})
        asking = call(listed(other, ours))
        finding = await asking.adapter.find(await lost(Post("Ahoy"), previous=base.Sent("12")), asking)
        assert isinstance(finding, base.Found)
        assert finding.sent.id == MEDIA
        assert asking.asked[0].path == "/v1.0/me/replies"
        assert "replied_to{id}" in asking.asked[0].params["fields"]

    async def test_every_page_is_read(self) -> None:
        asking = call(listed(own_post("Else", "5"), after="p2"), listed(own_post()))
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.Found)
        assert asking.asked[1].params["after"] == "p2"
        asking = call(*[listed(own_post("Else", "5"), after="p2")] * 2)
        assert isinstance(await asking.adapter.find(await lost(Post("Ahoy")), asking), base.Absent)

    async def test_an_odd_list_is_no_absence(self) -> None:
        asking = call(answer({"paging": {}}))
        with pytest.raises(KeyError):
            await asking.adapter.find(await lost(Post("Ahoy")), asking)


class TestDelete:
    async def test_it_goes_away(self) -> None:
        asking = call(answer({"success": True, "deleted_id": MEDIA}))
        await asking.adapter.delete(RECEIPT, asking)
        (asked,) = asking.asked
        assert (asked.step, asked.method, asked.path) == ("attach", "DELETE", f"/v1.0/{MEDIA}")
        assert asked.options["repeatable"]

    async def test_gone_counts_as_done_when_reading_says_so_too(self) -> None:
        asking = call(GONE, GONE)
        await asking.adapter.delete(RECEIPT, asking)
        asking = call(GONE, answer({"id": MEDIA}), used(0))
        with pytest.raises(errors.Declined):
            await asking.adapter.delete(RECEIPT, asking)

    async def test_a_used_up_quota_has_no_words_of_its_own(self) -> None:
        spent = {"delete_quota_usage": 100, "delete_config": {"quota_total": 100, "quota_duration": 86400}}
        asking = call(refused(100), answer({"data": [spent]}))
        with pytest.raises(errors.RateLimited, match="deletions"):
            await asking.adapter.delete(RECEIPT, asking)

    @pytest.mark.parametrize("no", [refused(10), refused(100), answer({"success": False})])
    async def test_a_refusal_is_told(self, no: base.Response) -> None:
        asking = call(no, used(0))
        with pytest.raises((errors.Declined, errors.MissingScope)):
            await asking.adapter.delete(RECEIPT, asking)

    async def test_an_id_is_a_number(self) -> None:
        asking = call()
        with pytest.raises(errors.Declined):
            await asking.adapter.delete(Receipt(OWN, "me/threads"), asking)


def insights(**numbers: int) -> base.Response:
    return answer({"data": [{"name": name, "values": [{"value": value}]} for name, value in numbers.items()]})


class TestMetrics:
    async def test_numbers_of_one_post_are_one_request(self) -> None:
        asking = call(insights(views=9, likes=0, replies=2, reposts=3, quotes=4, shares=5))
        (row,) = await asking.adapter.fetch_metrics([RECEIPT], asking)
        assert (row.impressions, row.likes, row.comments, row.shares, row.quotes) == (9, 0, 2, 3, 4)
        assert row.raw["shares"] == 5
        assert row.missing.keys() == {"reach", "saves", "clicks", "video_views", "watch_seconds"}
        assert asking.asked[0].params == {"metric": "views,likes,replies,reposts,quotes,shares"}

    async def test_one_that_is_gone_does_not_spoil_the_others(self) -> None:
        asking = call(insights(views=9), GONE, insights(views=7))
        receipts = [RECEIPT, Receipt(OWN, "5"), Receipt(OWN, "6")]
        first, gone, last = await asking.adapter.fetch_metrics([*receipts, Receipt(OWN, None)][:3], asking)
        assert (first.impressions, last.impressions) == (9, 7)
        assert isinstance(gone.error, errors.Declined)
        (nameless,) = await call().adapter.fetch_metrics([Receipt(OWN, None)], call())
        assert nameless.error is not None

    async def test_unknown_is_not_zero(self) -> None:
        asking = call(
            insights(views=9), answer({"data": []}), answer({"data": [{"name": "likes", "values": []}]})
        )
        row, repost, empty = await asking.adapter.fetch_metrics([RECEIPT] * 3, asking)
        assert (row.likes, row.missing["likes"]) == (None, "Threads did not say")
        assert (repost.impressions, repost.missing["likes"]) == (None, "Threads has no numbers of a repost")
        assert empty.likes is None

    async def test_the_account_over_a_range(self) -> None:
        days = {"name": "views", "values": [{"value": 3}, {"value": 4}]}
        totals = [
            {"name": name, "total_value": {"value": 5}} for name in ("likes", "replies", "reposts", "quotes")
        ]
        clicks = {
            "name": "clicks",
            "link_total_values": [{"value": 2, "link_url": "https://example.com"}] * 2,
        }
        followers = answer({"data": [{"name": "followers_count", "total_value": {"value": 1500}}]})
        asking = call(followers, answer({"data": [days, *totals, clicks]}))
        since, until = NOW - timedelta(days=2), NOW
        row = await asking.adapter.fetch_account_metrics(asking, since=since, until=until)
        assert (row.followers, row.likes, row.comments, row.shares, row.quotes, row.clicks) == (
            1500,
            5,
            5,
            5,
            5,
            4,
        )
        assert row.raw["views"] == 7
        assert row.impressions is None
        assert asking.asked[1].params == {
            "metric": "views,likes,replies,reposts,quotes,clicks",
            "since": str(int(since.timestamp())),
            "until": str(int(until.timestamp())),
            "period": "day",
        }

    async def test_without_a_range_only_what_is_of_now(self) -> None:
        asking = call(answer({"data": [{"name": "followers_count", "total_value": {"value": 0}}]}))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.likes) == (0, None)
        assert "since=" in row.missing["likes"]

    async def test_a_period_is_left_out_where_it_is_refused(self) -> None:
        told = answer({"data": [{"name": "followers_count", "total_value": {"value": 1}}]})
        asking = call(refused(100, words="(#100) Param period"), told)
        assert (await asking.adapter.fetch_account_metrics(asking, since=None, until=None)).followers == 1
        assert ["period" in one.params for one in asking.asked] == [True, False]
        asking = call(refused(200))
        with pytest.raises(errors.MissingScope):
            await asking.adapter.fetch_account_metrics(asking, since=None, until=None)

    async def test_a_range_does_not_begin_before_threads_counts(self) -> None:
        asking = call(answer({"data": []}), answer({"data": []}))
        await asking.adapter.fetch_account_metrics(asking, since=NOW - timedelta(days=4000), until=None)
        assert asking.asked[1].params["since"] == "1712991600"


class TestLists:
    async def test_own_posts_without_reposts(self) -> None:
        repost = own_post(media="5", media_type="REPOST_FACADE")
        asking = call(
            listed(own_post(), repost, after="p2"), listed(own_post("Two", "6", is_quote_post=True))
        )
        since = NOW - timedelta(days=4000)
        posts = [p async for p in asking.adapter.fetch_posts(asking, since=since, until=NOW, limit=500)]
        assert [(p.id, p.text, p.kind) for p in posts] == [(MEDIA, "Ahoy", "post"), ("6", "Two", "quote")]
        assert posts[0].identity == OWN
        params = asking.asked[0].params
        assert (params["limit"], params["since"], params["until"]) == (
            "100",
            "1688540400",
            str(int(NOW.timestamp()) + 1),
        )

    async def test_posts_outside_the_time_asked_for_are_left_out(self) -> None:
        early, late = own_post(at=NOW - timedelta(days=3)), own_post(at=NOW + timedelta(days=3))
        asking = call(listed(late, own_post(), early))
        window = {"since": NOW - timedelta(days=1), "until": NOW + timedelta(days=1)}
        assert [p.id async for p in asking.adapter.fetch_posts(asking, limit=3, **window)] == [MEDIA]

    @pytest.mark.parametrize(
        ("reference", "answers"),
        [
            (MEDIA, [answer(own_post())]),
            ("https://www.threads.net/@brand/post/D0101", [listed(own_post())]),
            ("https://threads.com/@Brand/post/D0101/?x=1", [listed(), listed(own_post())]),
            ("https://www.threads.net/t/D0101", [listed(own_post())]),
        ],
    )
    async def test_a_reference_leads_to_its_post(self, reference: str, answers: list[Any]) -> None:
        asking = call(*answers)
        receipt = await asking.adapter.resolve(reference, asking)
        assert (receipt.id, receipt.identity, receipt.published_at) == (MEDIA, OWN, NOW)
        assert not asking.answers

    async def test_somebody_elses_post_has_an_owner_without_an_id(self) -> None:
        asking = call(answer(own_post(username="other")))
        receipt = await asking.adapter.resolve(MEDIA, asking)
        assert (receipt.identity.id, receipt.identity.name) == ("", "other")

    @pytest.mark.parametrize("reference", ["https://example.com/@brand/post/D1", "boat", ""])
    async def test_what_is_no_post_of_threads(self, reference: str) -> None:
        with pytest.raises(errors.ConfigError):
            await call().adapter.resolve(reference, call())

    async def test_an_own_permalink_that_leads_nowhere(self) -> None:
        asking = call(listed(own_post()), listed())
        with pytest.raises(errors.ConfigError, match="give its id"):
            await asking.adapter.resolve("https://www.threads.net/@brand/post/Dnone", asking)

    def test_permalinks_are_known_by_their_form(self) -> None:
        adapter = Threads("t")
        assert adapter.owns(URL)
        assert adapter.owns("https://threads.com/@brand.boats/post/C_x-1/")
        assert not adapter.owns("https://www.threads.net/@brand")
        assert not adapter.owns("https://threads.net.example.com/@brand/post/C1")


@pytest.fixture
def box() -> Any:
    with Sandbox(["threads"]) as made_box:
        yield made_box


@pytest.fixture
def client(box: Any) -> Any:
    with box.client(store=":memory:") as one:
        yield one


def publish(client: Client, post: Post, key: str = "key", **more: Any) -> Any:
    return client.publish(post, "threads", idempotency_key=key, errors="return", **more)["threads"]


class TestWithTheSandbox:
    """The whole way, on the clock."""

    def test_local_files_of_every_kind_end_up_in_one_post(self, box: Any, client: Client) -> None:
        media = [Image(png(600, 600), alt="One"), Video(mp4(seconds=5.0), alt="Two"), BOAT_HERE]
        outcome = publish(client, Post("Ahoy", media=media, sensitive=True, tags=["boats"]))
        assert outcome.status is Status.PUBLISHED, outcome.error or outcome.problems
        (entry,) = box.timeline("threads")
        assert [one["alt"] for one in entry.media] == ["One", "Two", "A boat"]
        assert entry.extras["given"]["topic_tag"] == "boats"
        assert entry.extras["given"]["is_spoiler_media"] == "true"

    def test_a_container_that_is_found_later_than_it_says_is_published(
        self, box: Any, client: Client
    ) -> None:
        box.threads.settling = 2.0
        assert publish(client, Post("Ahoy")).status is Status.PUBLISHED
        assert len(box.threads.containers) == 1
        refused_first = [one.status for one in box.requests if one.path.endswith("_publish")]
        assert refused_first[0] == 400
        assert refused_first[-1] == 200

    def test_lost_containers_are_made_anew_and_nothing_appears_twice(self, box: Any, client: Client) -> None:
        box.threads.vanishing = 2
        assert publish(client, Post("Ahoy")).status is Status.PUBLISHED
        assert (len(box.threads.containers), len(box.timeline("threads"))) == (3, 1)

    def test_after_three_lost_containers_it_is_certainly_not_live(self, box: Any, client: Client) -> None:
        box.threads.vanishing = 3
        outcome = publish(client, Post("Ahoy"))
        assert (outcome.status, len(box.threads.containers)) == (Status.FAILED, 3)
        assert publish(client, Post("Ahoy")).status is Status.PUBLISHED
        assert len(box.timeline("threads")) == 1

    def test_a_lost_answer_whose_container_is_refused_afterwards_is_found(
        self, box: Any, client: Client
    ) -> None:
        box.fault("dropped-after", platform="threads")
        box.fault("listed-late", platform="threads", seconds=20)
        outcome = publish(client, Post("Ahoy"))
        assert outcome.status is Status.PUBLISHED, outcome.error
        assert (len(box.threads.containers), len(box.timeline("threads"))) == (1, 1)
        assert outcome.receipt.url == box.timeline("threads")[0].url

    @pytest.mark.parametrize("stored", [False, True])
    def test_a_lost_answer_whose_container_vanishes_is_settled_by_the_list(
        self, box: Any, client: Client, stored: bool
    ) -> None:
        box.fault("dropped-after" if stored else "dropped-before", platform="threads", times=4)
        box.fault("listed-late", platform="threads", seconds=30)
        assert publish(client, Post("Ahoy"), wait=0).status is Status.UNKNOWN
        box.threads.containers.clear()
        box.faults.clear()
        outcome = publish(client, Post("Ahoy"), wait=600)
        assert outcome.status is Status.PUBLISHED, outcome.error
        assert (len(box.threads.containers), len(box.timeline("threads"))) == (0 if stored else 1, 1)

    @pytest.mark.parametrize("beside", ["twin", "deleted-meanwhile"])
    def test_published_without_a_known_id_is_a_record_a_person_completes(
        self, box: Any, client: Client, beside: str
    ) -> None:
        box.fault(beside, platform="threads")
        box.fault("dropped-after", platform="threads")
        outcome = publish(client, Post("Ahoy"), wait=600)
        assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, None)
        assert "settle(key, found=" in outcome.missing[0]
        assert len(box.threads.containers) == 1
        assert publish(client, Post("Ahoy")).replayed
        (row,) = client.fetch_metrics(outcome.receipt)
        assert isinstance(row.error, errors.ConfigError)
        with pytest.raises(errors.ConfigError, match="never told this post's id"):
            client.delete(outcome.receipt)
        if beside == "twin":
            assert all(entry.url in outcome.missing[0] for entry in box.timeline("threads"))
            ours = box.timeline("threads")[0]
            told = client.settle("key", found=ours.url, by="duty officer")["threads"]
            assert told.receipt.id == ours.id
            assert publish(client, Post("Ahoy")).missing == ()

    def test_a_thread_goes_on_when_a_person_has_named_its_first_post(self, box: Any, client: Client) -> None:
        post = Post("One", thread=[Post("Two")])
        box.fault("twin", platform="threads")
        box.fault("dropped-after", platform="threads")
        outcome = publish(client, post, wait=600)
        assert (outcome.status, outcome.next_index) == (Status.PARTIAL, 1)
        assert "settle(key, found=" in str(outcome.error)
        assert publish(client, post).status is Status.PARTIAL
        ours = box.timeline("threads")[0]
        client.settle("key", found=ours.url, by="duty officer")
        done = publish(client, post)
        assert (done.status, done.receipt.id) == (Status.PUBLISHED, ours.id)
        assert [entry.reply_to for entry in box.timeline("threads") if entry.text == "Two"] == [ours.id]

    def test_a_strangers_post_of_the_same_words_is_not_taken_for_one_that_never_arrived(
        self, box: Any, client: Client
    ) -> None:
        box.fault("twin", platform="threads")
        box.fault("dropped-before", platform="threads")
        outcome = publish(client, Post("Ahoy"))
        _, ours = box.timeline("threads")
        assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, ours.id)

    def test_one_executed_after_it_was_taken_for_failed_is_not_published_again(
        self, box: Any, client: Client
    ) -> None:
        """The request is executed after the quiet time, so late that two looks said it never would be."""
        box.fault("stored-later", platform="threads", seconds=900)
        box.fault("dropped-before", platform="threads", times=9, skip=1)
        assert publish(client, Post("Ahoy"), wait=0).status is Status.UNKNOWN
        outcome = client.settle("key")["threads"]
        while outcome.status is Status.UNKNOWN:
            box.clock.advance((outcome.look_again_at - box.clock.now()).total_seconds())
            outcome = client.settle("key")["threads"]
        assert outcome.status is Status.FAILED
        box.faults.clear()
        box.clock.advance(900)
        box.fault("listed-late", platform="threads", seconds=900)
        outcome = publish(client, Post("Ahoy"))
        assert (outcome.status, len(box.threads.containers)) == (Status.PUBLISHED, 1)
        assert len(box.timeline("threads")) == 1

    def test_a_slow_video_goes_on_where_it_was(self, box: Any, client: Client) -> None:
        box.threads.seconds["VIDEO"] = 700.0
        post = Post("Ahoy", media=[Video(mp4(seconds=5.0), alt="Sailing")])
        assert publish(client, post).status is Status.FAILED
        box.clock.advance(120)
        assert publish(client, post).status is Status.PUBLISHED
        assert len(box.threads.containers) == 1

    def test_a_container_older_than_a_day_is_replaced(self, box: Any, client: Client) -> None:
        box.threads.restricted = True
        assert publish(client, Post("Ahoy")).status is Status.FAILED
        box.threads.restricted = False
        box.clock.advance(86_400)
        assert publish(client, Post("Ahoy")).status is Status.PUBLISHED
        assert len(box.threads.containers) == 2

    @pytest.mark.parametrize(("blocked", "status"), [("refused", Status.FAILED), ("live", Status.PUBLISHED)])
    def test_behind_a_block(self, box: Any, client: Client, blocked: str, status: Status) -> None:
        box.threads.blocked = blocked
        first = publish(client, Post("Ahoy"), wait=0)
        assert first.status is (Status.PUBLISHED if blocked == "live" else Status.UNKNOWN)
        assert publish(client, Post("Ahoy"), wait=600).status is status
        assert len(box.timeline("threads")) == (status is Status.PUBLISHED)
        assert sum(one.path.endswith("_publish") for one in box.requests) == 1, "the guard is left alone"
        box.threads.blocked = ""
        box.clock.advance(3600)
        assert publish(client, Post("Ahoy")).status is Status.PUBLISHED
        assert (len(box.threads.containers), len(box.timeline("threads"))) == (1, 1)

    def test_a_lost_ghost_is_on_the_list_of_ghosts(self, box: Any, client: Client) -> None:
        box.fault("dropped-after", platform="threads")
        ghost = Post("Boo").variant("threads", ThreadsOptions(ghost=True))
        outcome = publish(client, ghost)
        (entry,) = box.timeline("threads")
        assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, entry.id)

    def test_the_quota_of_posts_is_not_that_of_replies(self, box: Any, client: Client) -> None:
        box.threads.posts_a_day = 1
        root = publish(client, Post("One"), "1")
        stopped = publish(client, Post("Two"), "2")
        assert isinstance(stopped.error, errors.RateLimited)
        assert publish(client, Post("Three", reply_to=root.receipt), "3").status is Status.PUBLISHED

    def test_a_quota_that_somebody_spends_after_the_plan_is_told_from_other_refusals(
        self, box: Any, client: Client
    ) -> None:
        plan_made = client.plan(Post("Two"), "threads")
        box.threads.posts_a_day = 0
        stopped = client.publish(plan_made, idempotency_key="2", errors="return")["threads"]
        assert isinstance(stopped.error, errors.RateLimited)
        assert "24 hours" in str(stopped.error)

    def test_what_the_account_has_spent_elsewhere_is_known(self, box: Any) -> None:
        with box.client(store=":memory:") as first:
            publish(first, Post("One"), "1")
        box.threads.posts_a_day = 2
        with box.client(store=":memory:", max_wait=1) as second:
            assert publish(second, Post("Two"), "2").status is Status.PUBLISHED
            before = len(box.requests)
            stopped = publish(second, Post("Three"), "3")
            assert isinstance(stopped.error, errors.RateLimited)
            sent = [one.path for one in box.requests[before:] if one.path.endswith("_publish")]
            assert sent == [], "a budget that is known to be spent is not overrun"

    def test_a_picture_nobody_can_fetch_is_not_live(self, box: Any, client: Client) -> None:
        gone = Post("Ahoy", media=[Image.from_url("https://nowhere.example.org/a.png", alt="?")])
        outcome = publish(client, gone)
        assert outcome.status is Status.FAILED
        assert "fetch" in str(outcome.error)
        assert box.timeline("threads") == []

    def test_no_signed_address_is_shown(self, box: Any, client: Client) -> None:
        outcome = publish(client, Post("Ahoy", media=[Image(png(), alt="A boat")]))
        told = repr((outcome, [one.to_dict() for one in client.history()], box.requests))
        assert "signature=" not in told.replace("signature=***", "")

    def test_a_token_that_may_not_publish_is_told_so(self, box: Any) -> None:
        token = box.threads.token_for("brand", "threads_basic").access_token
        place = {"transport": box.transport, "clock": box.clock}
        with Client({"threads": Threads(token)}, store=":memory:", **place) as one:
            outcome = publish(one, Post("Ahoy"))
        assert isinstance(outcome.error, errors.MissingScope)

    def test_a_thread_of_media_text_and_poll_and_its_numbers(self, box: Any, client: Client) -> None:
        post = Post("One", media=[BOAT_HERE], thread=[Post("Two", poll=Poll(["a", "b"])), Post("Three")])
        outcome = publish(client, post)
        one, two, three = box.timeline("threads")
        assert (two.reply_to, three.reply_to) == (one.id, two.id)
        assert [option["title"] for option in two.poll["options"]] == ["a", "b"]
        box.clock.advance(86_400)
        (row,) = client.fetch_metrics(outcome.receipt)
        assert len(row.parts) == 3
        assert row.likes == sum(part.likes for part in row.parts)

    def test_the_account_over_a_week(self, box: Any, client: Client) -> None:
        publish(client, Post("Ahoy", link="https://example.com/a"))
        box.clock.advance(86_400)
        for name in ("needs_period", "refuses_period"):
            setattr(box.threads, name, True)
            now = box.clock.now()
            (row,) = client.fetch_account_metrics("threads", since=now - timedelta(days=7), until=now)
            assert row.error is None
            assert (row.followers, row.likes is not None, row.clicks is not None) == (1500, True, True)
            setattr(box.threads, name, False)

    def test_own_receipts_are_of_the_account(self, box: Any, client: Client) -> None:
        outcome = publish(client, Post("Ahoy"))
        assert outcome.receipt.identity == Identity("threads", "https://graph.threads.net", OWN.id)
        assert outcome.receipt.url == box.timeline("threads")[0].url


BOAT_HERE = Image.from_url("https://example.com/boat.png", alt="A boat")


def test_the_readme_form_works_over_http(box: Any) -> None:
    with box.serve() as base_url, httpx.Client() as web:
        accounts = {"threads": Threads(**box.threads.credentials(f"{base_url}/threads"))}
        files = box.files.at(base_url)
        with Client(accounts, store=":memory:", clock=box.clock, media_host=files) as client:
            outcome = publish(client, Post("Ahoy", media=[Image(png(), alt="A boat")]))
        assert outcome.status is Status.PUBLISHED, outcome.error
        assert web.get(f"{base_url}/").status_code == 200
