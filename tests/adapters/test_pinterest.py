"""Pinterest: what is planned, sent, found again, edited and deleted, in the words of its API."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import Any, ClassVar

import attrs
import pytest

from media_files import gif, mp4, png
from socialkit import Image, Post, Video, errors
from socialkit.adapters import base
from socialkit.adapters.pinterest import Pinterest, PinterestOptions
from socialkit.model import Link

from .fakes import NOW, FakeCall, answer, plan
from .pinterest_samples import (
    BOARD,
    BOARDS,
    ID,
    OWN,
    PICTURE,
    SECTIONS,
    call,
    codes,
    listed,
    part_of,
    pin,
    planned,
    receipt,
)

FILM = Video(mp4(seconds=5.0, size=(1080, 1920)), alt="A boat sails")


def with_options(post: Post, **options: Any) -> Post:
    return post.variant("pinterest", PinterestOptions(**options))


class TestAccount:
    async def test_who_the_token_belongs_to(self) -> None:
        me = {"id": OWN.id, "username": "brand", "account_type": "BUSINESS", "follower_count": 3}
        asking = call(answer(me))
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "brand")
        assert facts.url == "https://www.pinterest.com/brand/"
        assert facts.facts["account_type"] == "BUSINESS"

    def test_what_cannot_work_is_refused_at_once(self) -> None:
        with pytest.raises(errors.ConfigError, match="client_secret="):
            Pinterest(refresh_token="r", client_id="c")
        assert Pinterest(refresh_token="r", client_id="c", client_secret="s").seed.kind == "oauth2"
        assert Pinterest(token="t").seed.kind == "bearer"

    def test_limits_of_a_day_count_only_for_apps_on_trial(self) -> None:
        names = [{budget.name for budget in Pinterest(trial=trial).rules.budgets} for trial in (False, True)]
        assert names[1] - names[0] == {"trial-day", "trial-writes-day"}
        assert {one.name: (one.limit, one.window) for one in Pinterest(trial=True).rules.budgets} == {
            "org_read": (1000, 60.0),
            "org_write": (100, 60.0),
            "org_analytics": (60, 60.0),
            "universal": (100, 1.0),
            "trial-day": (1000, 86_400.0),
            "trial-writes-day": (300, 86_400.0),
        }
        assert Pinterest.rules.budgets == Pinterest().rules.budgets


class TestBoard:
    async def test_by_name(self) -> None:
        part = await part_of(Post("We ship", media=[PICTURE]))
        assert part.body["pin"]["board_id"] == BOARD

    @pytest.mark.parametrize("name", ["boats", " Boats "])
    async def test_small_differences_do_not_matter_where_one_board_is_meant(self, name: str) -> None:
        part = await part_of(Post("We ship", media=[PICTURE]), board=name)
        assert part.body["pin"]["board_id"] == BOARD

    async def test_by_id(self) -> None:
        part = await part_of(Post(media=[PICTURE]), answer(BOARDS[0]), board=BOARD)
        assert part.body["pin"]["board_id"] == BOARD

    async def test_an_id_may_be_a_number(self) -> None:
        for options, board in (({}, int(BOARD)), ({"board": int(BOARD)}, None)):
            asking = call(answer(BOARDS[0]), board=board)
            made = await plan(asking.adapter, with_options(Post(media=[PICTURE]), **options), asking)
            assert made.parts[0].body["pin"]["board_id"] == BOARD

    async def test_a_name_of_digits_is_no_id_of_a_board(self) -> None:
        gone = answer({"code": 40, "message": "Board not found."}, 404)
        part = await part_of(Post(media=[PICTURE]), gone, listed({"id": "7", "name": "2026"}), board="2026")
        assert part.body["pin"]["board_id"] == "7"

    async def test_on_the_second_page(self) -> None:
        pages = (listed({"id": "1", "name": "A"}, bookmark="more"), listed(BOARDS[0]))
        assert (await part_of(Post(media=[PICTURE]), *pages)).body["pin"]["board_id"] == BOARD

    async def test_the_options_win(self) -> None:
        post = with_options(Post(media=[PICTURE]), board="Harbour")
        assert (await part_of(post)).body["pin"]["board_id"] == "549755885176"

    async def test_none_is_a_problem_with_the_names(self) -> None:
        made = await planned(Post(media=[PICTURE]), board=None)
        assert codes(made.errors) == [("options.board", "required")]
        assert "Boats, Harbour" in str(made.errors[0].hint)

    async def test_an_unknown_one_is_a_problem_with_the_names(self) -> None:
        made = await planned(Post(media=[PICTURE]), board="Cars")
        assert codes(made.errors) == [("options.board", "not_found")]
        assert "Boats, Harbour" in str(made.errors[0].hint)

    async def test_no_board_at_all(self) -> None:
        made = await planned(Post(media=[PICTURE]), listed())
        assert "there is no board yet" in str(made.errors[0].hint)

    @pytest.mark.parametrize(
        ("privacy", "told"), [("SECRET", True), ("PROTECTED", True), ("PUBLIC", False), (None, False)]
    )
    @pytest.mark.parametrize("by_id", [False, True])
    async def test_a_board_that_is_not_public_is_told(
        self, privacy: str | None, told: bool, by_id: bool
    ) -> None:
        board = {"id": BOARD, "name": "Boats"} | ({"privacy": privacy} if privacy else {})
        answers = answer(board) if by_id else listed(board)
        made = await planned(Post(media=[PICTURE]), answers, board=BOARD if by_id else "Boats")
        assert (("visibility", "narrowed") in codes(made.changes)) is told

    async def test_two_of_one_name_want_the_id(self) -> None:
        made = await planned(Post(media=[PICTURE]), listed(BOARDS[0], {"id": "9", "name": "Boats"}))
        assert codes(made.errors) == [("options.board", "ambiguous")]
        assert f"{BOARD}, 9" in str(made.errors[0].hint)

    async def test_a_section_by_name_or_id(self) -> None:
        for wanted in ("Sails", SECTIONS[0]["id"]):
            post = with_options(Post(media=[PICTURE]), section=wanted)
            part = await part_of(post, listed(*BOARDS), listed(*SECTIONS))
            assert part.body["pin"]["board_section_id"] == SECTIONS[0]["id"]
        post = with_options(Post(media=[PICTURE]), section="Oars")
        made = await planned(post, listed(*BOARDS), listed(*SECTIONS))
        assert codes(made.errors) == [("options.section", "not_found")]
        assert "Sails" in str(made.errors[0].hint)


class TestOptions:
    def test_a_single_text_is_one_text(self) -> None:
        assert PinterestOptions(slot_titles="One").slot_titles == ("One",)  # type: ignore[arg-type]

    def test_they_travel_with_the_post(self) -> None:
        options = PinterestOptions(
            board="Boats", slot_links=("", "https://example.com"), ai_disclosures=("AI_MODIFIED",)
        )
        post = Post("We ship").variant("pinterest", options)
        again = Post.from_dict(json.loads(json.dumps(post.to_dict())))
        assert again.resolve("brand", "pinterest")[1] == (options,)


class TestPlan:
    async def test_every_word_has_its_place(self) -> None:
        post = Post(
            "We ship",
            title=" News  today ",
            link="https://example.com/boat",
            tags=["launch"],
            media=[PICTURE],
        )
        options = {"dominant_color": "#6E7874", "ai_disclosures": ["AI_MODIFIED"], "sponsor_id": "12"}
        part = await part_of(with_options(post, **options))
        assert part.body["pin"] == {
            "board_id": BOARD,
            "title": "News today",
            "description": "We ship\n\n#launch",
            "link": "https://example.com/boat",
            "alt_text": "A boat",
            "dominant_color": "#6E7874",
            "sponsor_id": "12",
            "ai_disclosures": {"values": ["AI_MODIFIED"]},
        }
        assert (part.body["kind"], part.requests) == ("image", 1)

    @pytest.mark.parametrize(
        ("fields", "place"),
        [
            ({"title": "ä" * 101}, ("title", "too_long")),
            ({"text": "😀" * 801}, ("text", "too_long")),
            ({"link": "https://example.com/" + "a" * 2029}, ("link", "too_long")),
            ({"media": [Image(png(4, 4), alt="ä" * 501)]}, ("media[0].alt", "too_long")),
        ],
    )
    async def test_lengths_count_code_points(self, fields: dict[str, Any], place: tuple[str, str]) -> None:
        post = attrs.evolve(Post("We ship", media=[PICTURE]), **fields)
        assert codes((await planned(post)).errors) == [place]

    async def test_what_just_fits(self) -> None:
        picture = Image(png(4, 4), alt="ä" * 500)
        link = "https://example.com/" + "a" * 2028
        part = await part_of(Post("😀" * 800, title="ä" * 100, link=link, media=[picture]))
        sent = part.body["pin"]
        assert [len(sent[name]) for name in ("description", "title", "link", "alt_text")] == [
            800,
            100,
            2048,
            500,
        ]

    async def test_a_pin_without_media_is_none(self) -> None:
        assert codes((await planned(Post("We ship"))).errors) == [("media", "required")]

    async def test_what_a_link_card_says_is_named(self) -> None:
        made = await planned(Post(link=Link("https://example.com", title="Ours"), media=[PICTURE]))
        assert codes(made.changes) == [("link", "not_carried")]

    async def test_a_shortened_link_is_a_warning(self) -> None:
        made = await planned(Post(link="https://bit.ly/3abc", media=[PICTURE]))
        assert not made.errors
        assert codes(made.problems) == [("link", "shortener")]

    async def test_a_shortened_link_of_a_slot_is_a_warning(self) -> None:
        post = with_options(Post(media=[PICTURE] * 2), slot_links=["", "https://bit.ly/x"])
        made = await planned(post)
        assert codes(p for p in made.problems if p.severity == "warning") == [
            ("options.slot_links[1]", "shortener")
        ]

    async def test_a_gif_is_taken_by_address_alone(self) -> None:
        made = await planned(Post(media=[Image(gif(8, 8, 2), alt="A boat")]))
        assert codes(made.errors) == [("media[0]", "type")]
        assert "from_url" in str(made.errors[0].hint)

    async def test_a_carousel(self) -> None:
        pictures = [Image(png(40, 60), alt="One"), Image(png(40, 60, b""), alt="Two\nlines")]
        post = with_options(
            Post("We ship", media=pictures),
            slot_titles=["First"],
            slot_links=["", "https://example.com/2"],
            slot_descriptions=["", "The second"],
            first_slot=1,
        )
        made = await planned(post)
        assert not made.errors
        assert codes(made.changes) == [("media.alt", "joined")]
        body = made.parts[0].body
        assert body["pin"]["alt_text"] == "One\nTwo lines"
        assert body["slots"] == [
            {"title": "First"},
            {"description": "The second", "link": "https://example.com/2"},
        ]
        assert (body["kind"], body["first"]) == ("carousel", 1)

    async def test_the_odd_picture_of_a_carousel_is_named(self) -> None:
        sizes = ((40, 60), (60, 60), (40, 60))
        made = await planned(Post(media=[Image(png(*size), alt="A boat") for size in sizes]))
        assert codes(made.errors) == [("media[1]", "size")]
        assert "60 × 60 pixels; the others of the carousel have 40 × 60" in made.errors[0].message

    async def test_alt_texts_together_are_not_longer_than_one(self) -> None:
        pictures = [Image(png(40, 60), alt=letter * 300) for letter in "ab"]
        assert codes((await planned(Post(media=pictures))).errors) == [("media.alt", "too_long")]

    async def test_six_pictures_or_pictures_and_a_video(self) -> None:
        assert codes((await planned(Post(media=[PICTURE] * 6))).errors) == [("media", "count")]
        assert ("media", "mixed") in codes((await planned(Post(media=[PICTURE, FILM]))).errors)
        moving = Image(gif(40, 60, frames=2), alt="A boat sails")
        assert ("media", "mixed") in codes((await planned(Post(media=[PICTURE, moving]))).errors)

    async def test_the_cover_of_a_video(self) -> None:
        made = await planned(Post(media=[FILM]))
        assert codes(made.changes) == [("media[0].thumbnail", "chosen")]
        assert (made.parts[0].body["cover_seconds"], made.parts[0].requests) == (0, 4)
        made = await planned(with_options(Post(media=[FILM]), cover_seconds=3))
        assert not made.changes
        assert made.parts[0].body["cover_seconds"] == 3

    @pytest.mark.parametrize(
        ("media", "options", "field", "code"),
        [
            ([PICTURE], {"slot_titles": ["a"]}, "slot_titles", "no_carousel"),
            ([PICTURE] * 2, {"slot_links": ["", "", "https://example.com"]}, "slot_links", "count"),
            ([PICTURE] * 2, {"slot_links": ["", "example.com/a"]}, "slot_links[1]", "invalid"),
            ([PICTURE] * 2, {"slot_links": ["ftp://example.com"]}, "slot_links[0]", "invalid"),
            ([PICTURE], {"first_slot": 0}, "first_slot", "range"),
            ([PICTURE] * 2, {"first_slot": 2}, "first_slot", "range"),
            ([PICTURE], {"cover_seconds": 1}, "cover_seconds", "no_video"),
            ([FILM], {"cover_seconds": -1}, "cover_seconds", "range"),
            ([attrs.evolve(FILM, thumbnail=PICTURE)], {"cover_seconds": 1}, "cover_seconds", "mixed"),
            ([PICTURE], {"dominant_color": "red"}, "dominant_color", "invalid"),
            ([PICTURE], {"sponsor_id": "brand"}, "sponsor_id", "not_an_id"),
            ([PICTURE], {"ai_disclosures": ["MADE_UP"]}, "ai_disclosures", "unknown"),
        ],
    )
    async def test_options_that_do_not_fit(
        self, media: list[Any], options: dict[str, Any], field: str, code: str
    ) -> None:
        made = await planned(with_options(Post(media=media), **options))
        assert codes(made.errors) == [(f"options.{field}", code)]

    @pytest.mark.parametrize(
        ("fits", "beyond"),
        [
            ((4.0, (100, 100)), (3.9, (100, 100))),
            ((900.0, (100, 100)), (901.0, (100, 100))),
            ((5.0, (191, 100)), (5.0, (192, 100))),
            ((5.0, (100, 200)), (5.0, (100, 201))),
        ],
    )
    async def test_videos_that_just_fit_and_those_that_do_not(self, fits: Any, beyond: Any) -> None:
        for (seconds, size), problems in ((fits, []), (beyond, [("media[0]", "range")])):
            film = Video(mp4(seconds=seconds, size=size), alt="A boat")
            assert codes((await planned(Post(media=[film]))).errors) == problems

    @pytest.mark.parametrize(
        ("server", "trial", "problems"),
        [
            ("https://api.pinterest.com", True, [("account", "trial")]),
            ("https://api.pinterest.com/", True, [("account", "trial")]),
            ("https://api-sandbox.pinterest.com", True, []),
            ("https://api.pinterest.com", False, []),
        ],
    )
    async def test_an_app_on_trial_plans_for_the_sandbox(
        self, server: str, trial: bool, problems: list[Any]
    ) -> None:
        asking = call(listed(*BOARDS))
        asking.adapter = Pinterest(token="t", board="Boats", server=server, trial=trial)
        made = await plan(asking.adapter, Post(media=[PICTURE]), asking)
        assert codes(made.errors) == problems

    async def test_a_cover_beyond_the_end_is_told(self) -> None:
        for seconds, told in ((5, []), (6, [("options.cover_seconds", "shortened")])):
            made = await planned(with_options(Post(media=[FILM]), cover_seconds=seconds))
            assert codes(made.changes) == told

    async def test_the_alt_text_of_a_video_has_a_limit_too(self) -> None:
        film = attrs.evolve(FILM, alt="x" * 501)
        assert codes((await planned(Post(media=[film]))).errors) == [("media[0].alt", "too_long")]

    def test_what_takes_large_files_to_try(self) -> None:
        rules = Pinterest.rules
        assert rules.images
        assert rules.video
        assert (rules.images.max_bytes, rules.video.max_bytes) == (10_000_000, 2_000_000_000)
        assert rules.video.types == {"video/mp4", "video/quicktime"}
        assert (rules.find.quiet, rules.find.looks, rules.metrics_batch) == (150.0, 3, 100)


async def sent(post: Post, *answers: Any, **options: Any) -> tuple[base.Sent, FakeCall, base.Part]:
    part = await part_of(post)
    data = {item.digest: medium.source for item, medium in zip(part.media, post.media, strict=True)}
    asking = call(*answers, blobs=data, **options)
    return await asking.adapter.send(part, asking), asking, part


class TestSend:
    async def test_a_picture_goes_as_base64_in_the_one_commit(self) -> None:
        done, asking, part = await sent(Post("We ship – ä", media=[PICTURE]), answer(pin(), 201))
        (asked,) = asking.asked
        assert (asked.step, asked.method, asked.path) == ("commit", "POST", "/v5/pins")
        assert asked.headers["content-type"] == "application/json"
        source = asked.json["media_source"]
        assert (source["source_type"], source["content_type"]) == ("image_base64", "image/png")
        assert base64.b64decode(source["data"], validate=True) == png(40, 60)
        assert asked.json["description"] == "We ship – ä"
        assert (done.id, done.url, done.published_at) == (ID, f"https://www.pinterest.com/pin/{ID}/", NOW)
        assert done.raw["made_of"]["media"] == [part.media[0].digest[:16]]

    async def test_a_carousel_carries_its_slots(self) -> None:
        post = with_options(
            Post(media=[PICTURE, Image(png(40, 60), alt="Two")]), slot_titles=["First"], first_slot=1
        )
        _, asking, _ = await sent(post, answer(pin(creative_type="CAROUSEL"), 201))
        source = asking.asked[0].json["media_source"]
        assert (source["source_type"], source["index"]) == ("multiple_image_base64", 1)
        assert [item.get("title") for item in source["items"]] == ["First", None]
        assert all(base64.b64decode(item["data"]) == png(40, 60) for item in source["items"])

    async def test_an_address_is_passed_on(self) -> None:
        part = await part_of(Post(media=[PICTURE]))
        remote = attrs.evolve(part.media[0], source="url:https://example.com/a.png")
        for count, kind in ((1, "image_url"), (2, "multiple_image_urls")):
            body = {**part.body, "by_url": True, "kind": "image" if count == 1 else "carousel"}
            body |= {"slots": [{}] * count, "first": 0}
            asking = call(answer(pin(), 201))
            await asking.adapter.send(attrs.evolve(part, body=body, media=(remote,) * count), asking)
            source = asking.asked[0].json["media_source"]
            assert source.pop("source_type") == kind
            one = {"url": "https://example.com/a.png"}
            assert source == (one if count == 1 else {"items": [one, one]})

    @pytest.mark.parametrize("told", [{}, {"id": None}, {"id": True}])
    async def test_an_answer_without_an_id_leaves_it_open(self, told: dict[str, Any]) -> None:
        with pytest.raises(errors.OutcomeUnknown):
            await sent(Post(media=[PICTURE]), answer(told, 201))


class TestFind:
    SINCE, UNTIL = NOW - timedelta(seconds=60), NOW + timedelta(seconds=200)

    async def look(
        self, post: Post, *pages: Any, claimed: frozenset[str] = frozenset()
    ) -> tuple[Any, FakeCall]:
        section = post.resolve("brand", "pinterest")[1]
        boards = (listed(*BOARDS), listed(*SECTIONS)) if section else (listed(*BOARDS),)
        part = await part_of(post, *boards)
        asking = call(*pages)
        lost = base.Lost(part, self.SINCE, self.UNTIL, claimed=claimed)
        return await asking.adapter.find(lost, asking), asking

    POST = Post("We ship", title="News", link="https://example.com/a/", media=[PICTURE])
    SAME: ClassVar[dict[str, Any]] = {
        "title": "News",
        "description": " We  ship",
        "link": "http://Example.com/a",
    }

    async def test_the_pin_is_found_on_its_board(self) -> None:
        found, asking = await self.look(self.POST, listed(pin(**self.SAME), pin("2", title="Other")))
        assert isinstance(found, base.Found)
        assert found.sent.id == ID
        assert asking.asked[0].path == f"/v5/boards/{BOARD}/pins"
        assert found.sent.raw["made_of"]["media"]

    async def test_two_candidates_are_not_told_apart(self) -> None:
        found, _ = await self.look(self.POST, listed(pin("1", **self.SAME), pin("2", **self.SAME)))
        assert isinstance(found, base.CannotTell)

    @pytest.mark.parametrize(
        "fields",
        [
            {"at": NOW - timedelta(minutes=2)},
            {"at": NOW + timedelta(minutes=4)},
            {"title": "Old"},
            {"description": "Us"},
            {"is_owner": False},
            {"pin_id": "3"},
        ],
    )
    async def test_other_pins_are_no_candidates(self, fields: dict[str, Any]) -> None:
        found, _ = await self.look(
            self.POST, listed(pin(**{**self.SAME, **fields})), claimed=frozenset({"3"})
        )
        assert isinstance(found, base.Absent)

    @pytest.mark.parametrize(
        "fields",
        [
            {"link": "https://example.com/b"},
            {"creative_type": "VIDEO"},
            {"alt_text": "A car"},
            {"created_at": None},
        ],
    )
    async def test_the_same_words_with_something_else_hold_a_repeat_back(
        self, fields: dict[str, Any]
    ) -> None:
        found, _ = await self.look(self.POST, listed(pin(**{**self.SAME, **fields})))
        assert isinstance(found, base.CannotTell)

    async def test_a_pin_without_a_word_cannot_be_told_from_another(self) -> None:
        bare = Post(media=[Image(png(40, 60))])
        found, _ = await self.look(bare, listed(pin(description=" ")))
        assert isinstance(found, base.CannotTell)

    async def test_sections_are_read_beside_their_board(self) -> None:
        post = with_options(self.POST, section="Sails")
        found, asking = await self.look(post, listed(pin(**self.SAME)), listed(pin(**self.SAME)))
        assert isinstance(found, base.Found)
        section = SECTIONS[0]["id"]
        paths = [asked.path for asked in asking.asked]
        assert paths == [f"/v5/boards/{BOARD}/sections/{section}/pins", f"/v5/boards/{BOARD}/pins"]

    async def test_reading_ends_where_pages_newest_first_are_older(self) -> None:
        hour = timedelta(hours=1)
        page = listed(pin("5", at=NOW - hour), pin("4", at=NOW - 2 * hour), bookmark="more")
        found, asking = await self.look(self.POST, page)
        assert isinstance(found, base.Absent)
        assert len(asking.asked) == 1

    async def test_a_board_in_another_order_is_read_to_its_end(self) -> None:
        hour = timedelta(hours=1)
        page = listed(pin("4", at=NOW - 2 * hour), pin("5", at=NOW - hour), bookmark="more")
        found, asking = await self.look(self.POST, page, listed(pin(**self.SAME)))
        assert isinstance(found, base.Found)
        assert asking.asked[1].params["bookmark"] == "more"

    async def test_a_bookmark_that_comes_again_ends_the_list(self) -> None:
        page = listed(pin("5"), bookmark="more")
        found, asking = await self.look(self.POST, page, page)
        assert isinstance(found, base.Absent)
        assert len(asking.asked) == 2


class TestChange:
    async def test_an_edit_sends_words_link_and_board(self) -> None:
        part = await part_of(Post("New", title="News", media=[PICTURE]))
        asking = call(answer(pin(description="New")))
        done = await asking.adapter.edit(
            receipt(made_of={"media": [part.media[0].digest[:16]]}), part, asking
        )
        (asked,) = asking.asked
        assert (asked.step, asked.method, asked.path) == ("attach", "PATCH", f"/v5/pins/{ID}")
        assert asked.json == {
            "board_id": BOARD,
            "title": "News",
            "description": "New",
            "link": None,
            "alt_text": "A boat",
            "board_section_id": None,
        }
        assert asked.options["repeatable"]
        assert done.id == ID

    @pytest.mark.parametrize(
        ("made_of", "field"),
        [
            ({"media": ["0" * 16]}, "media"),
            ({"thumbnail": ["0" * 16]}, "media[0].thumbnail"),
            ({"dominant_color": "#000000"}, "options.dominant_color"),
        ],
    )
    async def test_what_never_changes_is_refused(self, made_of: dict[str, Any], field: str) -> None:
        part = await part_of(Post("New", media=[PICTURE]))
        asking = call()
        with pytest.raises(errors.InvalidPost) as caught:
            await asking.adapter.edit(receipt(made_of=made_of), part, asking)
        assert codes(caught.value.problems) == [(field, "fixed")]

    async def test_an_edit_of_a_carousel(self) -> None:
        post = with_options(Post(media=[PICTURE] * 2), slot_titles=["One"], ai_disclosures=["AI_MODIFIED"])
        asking = call(answer(pin()))
        await asking.adapter.edit(receipt(), await part_of(post), asking)
        assert asking.asked[0].json["carousel_slots"] == [{"title": "One"}, {}]
        assert asking.asked[0].json["ai_disclosures"] == {"values": ["AI_MODIFIED"]}

    @pytest.mark.parametrize("status", [204, 404])
    async def test_delete_and_already_gone(self, status: int) -> None:
        asking = call(answer({"code": 50, "message": "Pin not found."}, status))
        await asking.adapter.delete(receipt(), asking)
        asked = asking.asked[0]
        assert (asked.step, asked.method, asked.path) == ("attach", "DELETE", f"/v5/pins/{ID}")

    @pytest.mark.parametrize(
        "told",
        [
            answer(status=404, content=b"<html>nothing here</html>"),
            answer({"code": 40, "message": "Board not found."}, 404),
        ],
    )
    async def test_a_page_that_is_not_there_is_no_deleted_pin(self, told: base.Response) -> None:
        asking = call(told)
        with pytest.raises(errors.Declined):
            await asking.adapter.delete(receipt(), asking)

    async def test_a_receipt_of_something_else_is_refused(self) -> None:
        asking = call()
        with pytest.raises(errors.ConfigError, match="digits only"):
            await asking.adapter.delete(receipt("../boards/1"), asking)


class TestReferences:
    @pytest.mark.parametrize(
        "reference",
        [
            f"https://www.pinterest.com/pin/{ID}/",
            f"https://pinterest.com/pin/{ID}",
            f"https://de.pinterest.com/pin/{ID}/?utm=1",
            f"https://www.pinterest.co.uk/pin/{ID}/",
            f"https://www.pinterest.de/pin/the-new-boat--{ID}/",
        ],
    )
    async def test_permalinks(self, reference: str) -> None:
        asking = call(answer(pin(is_owner=True)))
        assert asking.adapter.owns(reference)
        found = await asking.adapter.resolve(reference, asking)
        assert (found.id, found.identity, found.published_at) == (ID, OWN, NOW)
        assert found.raw["creative_type"] == "REGULAR"
        assert asking.asked[0].path == f"/v5/pins/{ID}"

    @pytest.mark.parametrize(
        "reference", ["https://pinterest.example.com/pin/1", "https://www.pinterest.com/brand/boats/", "boat"]
    )
    async def test_what_is_no_pin(self, reference: str) -> None:
        asking = call()
        assert not asking.adapter.owns(reference)
        with pytest.raises(errors.ConfigError, match="is no pin"):
            await asking.adapter.resolve(reference, asking)

    async def test_pins_of_others(self) -> None:
        for told in (answer({"code": 50, "message": "Pin not found."}, 404), answer(pin(is_owner=False))):
            asking = call(told)
            with pytest.raises(errors.ConfigError, match="no pin of this account"):
                await asking.adapter.resolve(ID, asking)

    async def test_own_posts_page_by_page(self) -> None:
        hour = timedelta(hours=1)
        pages = (listed(pin("3"), bookmark="b"), listed(pin("2", at=NOW - hour), pin("1", at=NOW - 3 * hour)))
        asking = call(*pages)
        since, until = NOW - 2 * hour, NOW - timedelta(minutes=1)
        found = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=until, limit=500)]
        assert [one.id for one in found] == ["2"]
        assert asking.asked[0].params == {"page_size": "250", "pin_filter": "exclude_repins"}
        assert asking.asked[1].params["bookmark"] == "b"

    @pytest.mark.parametrize(
        "at", ["2022-08-11T08:46:16", "2022-08-11T08:46:16+00:00", "2022-08-11T10:46:16+02:00"]
    )
    async def test_times_without_a_zone_are_utc(self, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Wherever this machine stands."""
        monkeypatch.setenv("TZ", "America/New_York")
        time.tzset()
        asking = call(answer(pin(created_at=at)))
        found = await asking.adapter.resolve(ID, asking)
        monkeypatch.undo()
        time.tzset()
        assert str(found.published_at) == "2022-08-11 08:46:16+00:00"
