"""Instagram: what becomes of a post before anything is sent, and what would be refused."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from media_files import jpeg_header, mp4
from socialkit import Image, Instagram, Poll, Post, Video
from socialkit._shelf import Shelf
from socialkit.adapters._instagram_media import _written
from socialkit.plan._planner import plan_target

from .instagram_samples import adapter, call, only_part, planned, told

BOAT = Image.from_url("https://example.com/boat.jpg", alt="The boat")
LINKED = Video.from_url("https://example.com/boat.mp4")
FILM = Video(mp4(seconds=10, size=(1080, 1920)))


def square(width: int = 1080, height: int = 1080) -> Image:
    return Image(jpeg_header(width, height), alt="A boat")


def covered(address: str) -> Video:
    return Video.from_url("https://example.com/boat.mp4", thumbnail=Image.from_url(address))


def post(*media: Any, text: str = "Ahoy", **options: Any) -> Post:
    made = Post(text, media=media or [BOAT])
    return made.variant("instagram", Instagram.Options(**options)) if options else made


class TestParts:
    async def test_a_picture(self) -> None:
        made = await only_part(Post("Ahoy", media=[BOAT], link="https://example.com/a", tags=["launch"]))
        assert made.body == {
            "kind": "photo",
            "request": {"caption": "Ahoy\n\nhttps://example.com/a\n\n#launch"},
            "items": [{"alt_text": "The boat"}],
            "after": {},
        }
        assert made.kind == "post"
        whole = await planned(Post("Ahoy", media=[BOAT], link="https://example.com/a"))
        assert [(one.field, one.code) for one in whole.changes] == [("link", "plain")]

    async def test_a_single_video_is_a_reel(self) -> None:
        given = {"share_to_feed": True, "thumb_offset": 0, "audio_name": "Waves", "trial": "MANUAL"}
        made = await only_part(post(LINKED, **given))
        assert (made.body["kind"], made.kind) == ("reel", "reel")
        assert made.body["items"] == [{"media_type": "REELS"}]
        assert made.body["request"] == {
            "caption": "Ahoy",
            "share_to_feed": True,
            "audio_name": "Waves",
            "thumb_offset": 0,
            "trial_params": {"graduation_strategy": "MANUAL"},
        }

    async def test_several_media_are_a_carousel(self) -> None:
        tag = Instagram.Tag("crew", 0.5, 0.25, medium=1)
        made = await only_part(
            post(LINKED, BOAT, user_tags=(tag,), collaborators=("crew",), is_ai_generated=True)
        )
        assert made.body["kind"] == "carousel"
        assert made.body["items"] == [
            {"media_type": "VIDEO", "is_carousel_item": True},
            {
                "is_carousel_item": True,
                "alt_text": "The boat",
                "user_tags": [{"username": "crew", "x": 0.5, "y": 0.25}],
            },
        ]
        assert made.body["request"]["collaborators"] == ["crew"]
        assert made.body["request"]["is_ai_generated"] is True

    @pytest.mark.parametrize("medium", [BOAT, LINKED])
    async def test_a_story_has_no_words(self, medium: Any) -> None:
        made = await planned(post(medium, text="", story=True))
        assert made.parts[0].body["items"] == [{"media_type": "STORIES"}]
        assert made.parts[0].body["request"] == {}
        assert [one.field for one in made.changes] == (["media[0].alt"] if medium is BOAT else [])
        assert await told(post(medium, story=True)) == [("text", "unsupported")]

    async def test_what_only_the_page_login_has(self) -> None:
        product = Instagram.Product("3231775643511089", 0.5, 0.5)
        given: dict[str, Any] = {
            "location_id": "110",
            "product_tags": (product,),
            "comment_prompt": True,
            "paid_partnership": True,
            "sponsor_ids": ("12",),
        }
        made = await only_part(post(**given), page=True)
        assert made.body["items"][0]["product_tags"] == [
            {"product_id": product.product_id, "x": 0.5, "y": 0.5}
        ]
        assert made.body["request"] == {
            "caption": "Ahoy",
            "location_id": "110",
            "is_comment_prompt_used": True,
            "is_paid_partnership": True,
            "branded_content_sponsor_ids": ["12"],
        }
        refused = await told(post(**given))
        assert {code for _, code in refused} == {"facebook_login_only"}
        assert {field.partition(".")[2] for field, _ in refused} == set(given)

    async def test_products_of_a_carousel_are_counted_together(self) -> None:
        one = Instagram.Product("12", 0.5, 0.5)
        many = tuple(attrs.evolve(one, medium=number % 6) for number in range(21))
        whole = post(*[BOAT] * 6, product_tags=many)
        assert await told(whole, page=True) == []
        assert await told(whole, page=True, severity="warning") == [("options.product_tags", "count")]
        whole = post(*[BOAT] * 6, product_tags=many[:20])
        assert await told(whole, page=True, severity="warning") == []

    async def test_music_for_a_reel(self) -> None:
        given = {"audio_id": "77", "audio_volume": 0.5, "video_volume": 0.0}
        made = await only_part(post(FILM, **given), page=True)
        assert made.body["request"]["audio_configuration"] == given

    async def test_a_post_and_its_options_travel(self) -> None:
        whole = post(user_tags=(Instagram.Tag("crew", 0.5, 0.25),), collaborators=("crew",))
        again = Post.from_dict(json.loads(json.dumps(whole.to_dict())))
        assert (await only_part(again)).body == (await only_part(whole)).body


class TestObjections:
    async def test_no_media(self) -> None:
        assert await told(Post("Ahoy")) == [("media", "required")]

    @pytest.mark.parametrize(
        ("text", "problems", "warnings"),
        [
            ("#a" * 1 + " #b" * 29, [], [("text", "hashtags")]),
            ("#a" + " #b" * 30, [("text", "hashtags")], []),
            ("@a" + " @b.c" * 19, [], [("text", "mentions")]),
            ("@a" + " @b.c" * 20, [("text", "mentions")], []),
            ("#a #b #c #d #e @a @b @c", [], []),
            ("mail@example.com " * 30, [], []),
            ("x" * 2200, [], []),
            ("x" * 2201, [("text", "too_long")], []),
            ("🙂" * 1101, [("text", "too_long")], []),
        ],
    )
    async def test_captions(self, text: str, problems: Any, warnings: Any) -> None:
        assert await told(post(text=text)) == problems
        assert await told(post(text=text), severity="warning") == warnings

    @pytest.mark.parametrize(
        ("media", "options", "expected"),
        [
            ([BOAT], {"collaborators": tuple("abcdef")}, ("options.collaborators", "count")),
            ([BOAT], {"share_to_feed": True}, ("options.share_to_feed", "unsupported")),
            ([BOAT, BOAT], {"thumb_offset": 1}, ("options.thumb_offset", "unsupported")),
            ([BOAT], {"trial": "MANUAL"}, ("options.trial", "unsupported")),
            ([LINKED], {"trial": "SOON"}, ("options.trial", "unknown")),
            ([BOAT], {"user_tags": (Instagram.Tag("a"),)}, ("options.user_tags", "not_placed")),
            ([BOAT], {"user_tags": (Instagram.Tag("a", 0.5),)}, ("options.user_tags", "not_placed")),
            ([BOAT], {"user_tags": (Instagram.Tag("a", 1.5, 0),)}, ("options.user_tags", "range")),
            ([LINKED], {"user_tags": (Instagram.Tag("a", 0, 0),)}, ("options.user_tags", "placed")),
            ([BOAT], {"user_tags": (Instagram.Tag("a", 0, 0, 1),)}, ("options.user_tags", "no_medium")),
            ([BOAT], {"user_tags": (Instagram.Tag("a", 0, 0),) * 21}, ("options.user_tags", "count")),
            ([BOAT], {"first_comment": " "}, ("options.first_comment", "empty")),
            ([BOAT], {"first_comment": "Hi", "comment_enabled": False}, ("options.first_comment", "closed")),
            ([FILM], {"thumb_offset": 10_000}, ("options.thumb_offset", "range")),
            ([FILM], {"thumb_offset": -1}, ("options.thumb_offset", "range")),
            ([square(700, 1000)], {}, ("media[0]", "range")),
            ([square(2000, 1000)], {}, ("media[0]", "range")),
            ([BOAT] * 6 + [LINKED] * 5, {}, ("media", "count")),
            ([BOAT] * 11, {}, ("media", "count")),
            ([Image.from_url("http://example.com/boat.jpg", alt="a")], {}, ("media[0]", "address")),
            ([Image.from_url("https://example.com/böat.jpg", alt="a")], {}, ("media[0]", "address")),
            ([Video(mp4(seconds=2))], {}, ("media[0]", "range")),
            ([Video(mp4(seconds=10, size=(2048, 1080)))], {}, ("media[0]", "too_large")),
            ([Video(mp4(seconds=901))], {}, ("media[0]", "range")),
            ([BOAT], {"collaborators": ("@crew",)}, ("options.collaborators", "not_a_name")),
            ([BOAT], {"user_tags": (Instagram.Tag("the crew", 0, 0),)}, ("options.user_tags", "not_a_name")),
            ([covered("http://example.com/a.jpg")], {}, ("media[0].thumbnail", "address")),
            ([covered("https://example.com/ä.jpg")], {}, ("media[0].thumbnail", "address")),
        ],
    )
    async def test_what_would_be_refused(self, media: Any, options: Any, expected: Any) -> None:
        assert await told(post(*media, **options)) == [expected]

    @pytest.mark.parametrize(
        ("media", "options", "expected"),
        [
            ([BOAT, BOAT], {}, ("media", "count")),
            ([Video(mp4(seconds=61))], {}, ("media[0]", "range")),
            ([Video(mp4(seconds=10, size=(100, 1100)))], {}, ("media[0]", "range")),
            ([BOAT], {"collaborators": ("a",)}, ("options.collaborators", "unsupported")),
            ([BOAT], {"first_comment": "Hi"}, ("options.first_comment", "unsupported")),
            ([BOAT], {"user_tags": (Instagram.Tag("a", 0.5),)}, ("options.user_tags", "not_placed")),
        ],
    )
    async def test_stories(self, media: Any, options: Any, expected: Any) -> None:
        assert await told(post(*media, text="", story=True, **options)) == [expected]

    async def test_a_story_may_be_upright_and_tags_lie_anywhere(self) -> None:
        assert (
            await told(post(square(1080, 1920), text="", story=True, user_tags=(Instagram.Tag("a"),))) == []
        )

    @pytest.mark.parametrize(
        ("media", "options", "expected"),
        [
            ([BOAT], {"collaborators": tuple("abcd")}, ("options.collaborators", "undocumented")),
            ([Image.from_url("https://example.com/boat.png", alt="a")], {}, ("media[0]", "type")),
            ([BOAT], {"first_comment": "x" * 301}, ("options.first_comment", "undocumented")),
            ([BOAT], {"first_comment": "#a #b #c #d #e"}, ("options.first_comment", "undocumented")),
            ([BOAT], {"first_comment": "SHOUTING"}, ("options.first_comment", "undocumented")),
            ([BOAT], {"first_comment": "a.com b.com"}, ("options.first_comment", "undocumented")),
            ([Video(mp4(seconds=61)), BOAT], {}, ("media[0]", "undocumented")),
            ([covered("https://example.com/a.png")], {}, ("media[0].thumbnail", "type")),
            ([Video(mp4(seconds=3, data=9_500_000))], {}, ("media[0]", "bit_rate")),
        ],
    )
    async def test_what_may_be_refused(self, media: Any, options: Any, expected: Any) -> None:
        assert await told(post(*media, **options)) == []
        assert await told(post(*media, **options), severity="warning") == [expected]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"poll": Poll(["a", "b"])}, ("poll", "unsupported")),
            ({"reply_to": "17889114512354744"}, ("reply_to", "unsupported")),
            ({"content_warning": "waves"}, ("content_warning", "unsupported")),
            ({"visibility": "unlisted"}, ("visibility", "unsupported")),
            ({"thread": [Post("more", media=[BOAT])]}, ("thread", "unsupported")),
        ],
    )
    async def test_fields_instagram_has_not(self, fields: Any, expected: Any) -> None:
        assert expected in await told(Post("Ahoy", media=[BOAT], **fields))


class TestMedia:
    async def test_a_png_becomes_a_jpeg(self) -> None:
        from io import BytesIO

        from PIL import Image as Pillow

        out = BytesIO()
        Pillow.new("RGB", (400, 400), "navy").save(out, "PNG")
        made = await planned(Post("Ahoy", media=[Image(out.getvalue(), alt="Sea")]))
        assert not made.errors
        assert made.parts[0].media[0].mime == "image/jpeg"
        assert [one.code for one in made.changes] == ["fitted"]

    async def test_a_carousel_has_the_shape_of_its_first_item(self) -> None:
        made = await planned(Post("Ahoy", media=[square(), square(1080, 1350), square(500, 500)]))
        assert [(one.field, one.code, one.after) for one in made.changes] == [("media[1]", "cropped", 1.0)]

    async def test_a_thumbnail_is_the_cover_of_a_reel_only(self) -> None:
        cover = Image.from_url("https://example.com/cover.jpg")
        film = Video.from_url("https://example.com/boat.mp4", thumbnail=cover)
        made = await planned(post(film, thumb_offset=5))
        thumbnail = made.parts[0].media[0].thumbnail
        assert thumbnail is not None
        assert thumbnail.source == "url:https://example.com/cover.jpg"
        assert "thumb_offset" not in made.parts[0].body["request"]
        assert [one.field for one in made.changes] == ["options.thumb_offset"]
        album = await planned(post(film, BOAT))
        assert [one.field for one in album.changes] == ["media[0].thumbnail"]

    @pytest.mark.parametrize("page", [True, False])
    async def test_a_local_cover_needs_a_media_host(self, page: bool) -> None:
        film = Video(mp4(seconds=10, size=(1080, 1920)), thumbnail=square())
        one, asking = adapter(page), call(page=page)
        rules = one.rules_for(asking.facts)
        owner: Any = SimpleNamespace(adapter=one, name="brand", rules=rules, rules_digest="", hosts=False)
        made = await plan_target(owner, post(film), asking, Shelf(None), targets=frozenset({"instagram"}))
        fields = [(problem.field, problem.code) for problem in made.errors]
        assert fields == [("media[0].thumbnail" if page else "media[0]", "by_url")]

    async def test_a_local_cover_is_hosted(self) -> None:
        film = Video(mp4(seconds=10, size=(1080, 1920)), thumbnail=square())
        thumbnail = (await only_part(post(film), page=True)).media[0].thumbnail
        assert thumbnail is not None
        assert (thumbnail.mime, thumbnail.source) == ("image/jpeg", "bytes")

    async def test_captions_of_a_linked_video_are_not_dropped_silently(self) -> None:
        from socialkit import Captions

        film = Video.from_url("https://example.com/boat.mp4", captions=[Captions(b"WEBVTT\n", "en")])
        assert await told(post(film)) == [("media[0].captions", "unsupported")]

    async def test_animations_are_refused(self) -> None:
        from media_files import gif

        assert ("media[0]", "too_large") in await told(Post("Ahoy", media=[Image(gif(400, 400, 3), alt="a")]))


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (0, "0"), ("a,b", "a,b"), ({"x": [1]}, '{"x": [1]}')],
)
def test_values_in_a_form(value: Any, text: str) -> None:
    assert _written(value) == text
