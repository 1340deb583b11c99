"""Reddit: what is planned, sent, found again and read, in the words of its API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import gif, mp4, png
from socialkit import Client, Image, Link, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._reddit_posts import escape_hashes, keep_breaks, name_of, pause_in, told_error
from socialkit.adapters.reddit import Reddit, RedditOptions, plain_poster
from socialkit.model import Identity, Receipt
from socialkit.sandbox import Sandbox
from socialkit.sandbox.sniff import sniff
from socialkit.store import MemoryStore

from .fakes import NOW, FakeCall, answer

OWN = Identity("reddit", "https://oauth.reddit.com", "1r4nd", "brand")
FACTS = base.AccountFacts(OWN)
BOATS = RedditOptions(subreddit="boats")


@contextmanager
def harbour(**options: Any) -> Iterator[tuple[Sandbox, Client]]:
    """A sandbox of Reddit and a client on it."""
    with Sandbox(["reddit"]) as box, box.client(store=MemoryStore(), **options) as client:
        yield box, client


def post(text: str = "Ahoy", options: RedditOptions | None = None, **fields: Any) -> Post:
    return Post(text, **{"title": "News", **fields}).variant("reddit", options or RedditOptions())


def planned(client: Client, one: Post) -> Any:
    return client.plan(one, "reddit")["reddit"]


def codes(made: Any, severity: str = "error") -> list[tuple[str, str]]:
    return [(p.field, p.code) for p in made.problems if p.severity == severity and p.code != "missing"]


def changes(made: Any) -> list[tuple[str, str]]:
    return [(c.field, c.code) for c in made.changes]


def form_of(client: Client, one: Post) -> dict[str, Any]:
    made = planned(client, one)
    assert codes(made) == []
    request: dict[str, Any] = made.parts[0].body["request"]
    return request


def publish(box: Sandbox, client: Client, one: Post, key: str = "key", **options: Any) -> Any:
    box.clock.advance(10)
    return client.publish(one, "reddit", idempotency_key=key, errors="return", **options)["reddit"]


def call(*answers: Any, **more: Any) -> FakeCall:
    return FakeCall(Reddit(token="t"), FACTS, answers, **more)


def listing(*things: dict[str, Any], after: str | None = None) -> base.Response:
    children = [{"kind": str(thing["name"])[:2], "data": thing} for thing in things]
    return answer({"kind": "Listing", "data": {"after": after, "children": children}})


def thing(name: str = "t3_1kh35wk", **more: Any) -> dict[str, Any]:
    own = {"name": name, "id": name[3:], "subreddit": "u_brand", "title": "News", "selftext": "Ahoy"}
    told = {"is_self": True, "author": "brand", "author_fullname": "t2_1r4nd", "created_utc": NOW.timestamp()}
    return {**own, **told, "permalink": f"/r/u_brand/comments/{name[3:]}/news/", **more}


SAMPLES = {
    "self": {},
    "link": {"link": "https://example.com/boat"},
    "image": {"media": [Image(png(8, 8))]},
    "gif": {"media": [Image(gif(frames=2))]},
    "gallery": {"media": [Image(png(8, 8), alt="Port"), Image(png(9, 9), alt="Starboard")]},
    "video": {"media": [Video(mp4(seconds=5.0), thumbnail=Image(png(16, 9)))]},
    "poll": {"poll": Poll(["Sail", "Motor"], seconds=86_400)},
}
"""A post of every kind."""


class TestKinds:
    @pytest.mark.parametrize("kind", SAMPLES)
    def test_a_post_of_every_kind_arrives(self, kind: str) -> None:
        with harbour() as (box, client):
            outcome = publish(box, client, post(options=BOATS, **SAMPLES[kind]))
            assert outcome.status is Status.PUBLISHED, outcome.error
            (entry,) = box.timeline("reddit")
            assert (entry.id, entry.url) == (outcome.receipt.id, outcome.receipt.url)
            assert entry.extras["kind"] == {"gif": "image"}.get(kind, kind)
            assert (entry.extras["sr"], entry.title, entry.text) == ("boats", "News", "Ahoy")
            assert outcome.receipt.url.startswith("https://www.reddit.com/r/boats/comments/")

    def test_a_crosspost_shows_its_source(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            second = publish(box, client, post("", BOATS, quote=first), "second")
            assert second.status is Status.PUBLISHED, second.error
            entry = box.timeline("reddit")[1]
            assert (entry.quote, entry.extras["sr"], second.receipt.kind) == (first.id, "boats", "quote")
            mixed = planned(client, post("Words", BOATS, quote=first.url))
            assert codes(mixed) == [("quote", "mixed")]
            box.reddit.entries[first.id].extras["crosspostable"] = False
            assert codes(planned(client, post("", BOATS, quote=first))) == [("quote", "not_crosspostable")]
            assert codes(planned(client, post("", BOATS, quote="t3_zzzz1"))) == [("quote", "not_found")]
            comment = publish(box, client, Post("Aye", reply_to=first), "comment").receipt
            assert ("quote", "a_comment") in codes(planned(client, post("", BOATS, quote=comment)))

    def test_the_own_profile_is_the_default(self) -> None:
        with harbour() as (_, client):
            form = form_of(client, post())
            assert form == {
                "api_type": "json",
                "sr": "u_brand",
                "title": "News",
                "nsfw": False,
                "spoiler": False,
                "sendreplies": True,
                "validate_on_submit": True,
                "kind": "self",
                "text": "Ahoy",
                "resubmit": False,
            }

    def test_options_arrive(self) -> None:
        options = RedditOptions(
            subreddit="boats", sendreplies=False, resubmit=True, collection_id="c1", discussion_type="CHAT"
        )
        with harbour() as (_, client):
            form = form_of(client, post(options=options, link="https://example.com/a", sensitive=True))
            assert form["url"] == "https://example.com/a"
            wanted = {
                "sendreplies": False,
                "resubmit": True,
                "collection_id": "c1",
                "discussion_type": "CHAT",
            }
            assert {name: form[name] for name in wanted} == wanted
            assert (form["nsfw"], form["spoiler"], form["kind"]) == (True, False, "link")
            odd: Any = RedditOptions(discussion_type="FORUM")  # type: ignore[arg-type]
            assert codes(planned(client, post(options=odd))) == [("options.discussion_type", "unknown")]

    def test_a_silent_video_is_a_kind_of_its_own(self) -> None:
        silent = RedditOptions(videogif=True)
        with harbour() as (box, client):
            assert publish(box, client, post(options=silent, **SAMPLES["video"])).status is Status.PUBLISHED
            assert box.timeline("reddit")[0].extras["kind"] == "videogif"
            assert ("options.videogif", "not_carried") in changes(planned(client, post(options=silent)))

    def test_a_video_without_a_poster_gets_a_plain_one(self) -> None:
        with harbour() as (box, client):
            bare = post(media=[Video(mp4(seconds=5.0))])
            assert ("media[0].thumbnail", "added") in changes(planned(client, bare))
            assert publish(box, client, bare).status is Status.PUBLISHED
            kinds = [lease.upload.kind for lease in box.reddit.leases.values()]
            assert [(kind.mime, kind.width, kind.height) for kind in kinds] == [
                ("video/mp4", 1920, 1080),
                ("image/png", 1280, 720),
            ]
            assert sniff(plain_poster()).mime == "image/png"

    def test_media_stand_inside_a_text_post(self) -> None:
        inside = RedditOptions(subreddit="boats", inline=True)
        pictures = [Image(png(8, 8), alt='The "Port"'), Image(gif(frames=2))]
        with harbour() as (box, client):
            made = planned(client, post(options=inside, media=pictures))
            assert ("media[0].alt", "caption") in changes(made)
            assert made.parts[0].requests == 6
            box.fault("dropped-after", platform="reddit")
            box.fault("twin", platform="reddit")
            outcome = publish(box, client, post(options=inside, media=pictures), wait=600)
            assert outcome.status is Status.PUBLISHED, outcome.error
            entry = next(one for one in box.timeline("reddit") if not one.extras.get("twin"))
            first, second = [one["id"] for one in entry.media]
            assert entry.id == outcome.receipt.id
            assert entry.text == f'Ahoy\n\n![img]({first} "The \u201dPort\u201d")\n\n![gif]({second})'
            assert entry.extras["kind"] == "self"
            assert ("options.inline", "not_carried") in changes(planned(client, post(options=inside)))

    def test_a_video_inside_a_text_has_no_poster(self) -> None:
        inside = RedditOptions(inline=True)
        with harbour() as (box, client):
            made = planned(client, post(options=inside, **SAMPLES["video"]))
            assert ("media[0].thumbnail", "not_carried") in changes(made)
            assert publish(box, client, post(options=inside, **SAMPLES["video"])).status is Status.PUBLISHED
            (entry,) = box.timeline("reddit")
            assert entry.text == f"Ahoy\n\n![video]({entry.media[0]['id']})"
            assert len(box.reddit.leases) == 1

    def test_gallery_captions_and_links(self) -> None:
        links = RedditOptions(outbound_urls=["https://example.com/port"])
        with harbour() as (box, client):
            made = planned(client, post(options=links, **SAMPLES["gallery"]))
            assert [c for c in changes(made) if c[1] == "caption"] == [
                ("media[0].alt", "caption"),
                ("media[1].alt", "caption"),
            ]
            assert publish(box, client, post(options=links, **SAMPLES["gallery"])).status is Status.PUBLISHED
            shown = [(one["alt"], one["outbound_url"]) for one in box.timeline("reddit")[0].media]
            assert shown == [("Port", "https://example.com/port"), ("Starboard", "")]
            request = made.parts[0].body["request"]
            assert {
                name: request[name] for name in ("show_error_list", "validate_on_submit", "api_type")
            } == {
                "show_error_list": True,
                "validate_on_submit": True,
                "api_type": "json",
            }
            long = post(media=[Image(png(8, 8), alt="a" * 181), Image(png(9, 9), alt="b")])
            assert codes(planned(client, long)) == [("media[0].alt", "too_long")]
            over = RedditOptions(outbound_urls=("https://example.com", "", "c"))
            assert codes(planned(client, post(options=over, **SAMPLES["gallery"]))) == [
                ("options.outbound_urls", "count"),
                ("options.outbound_urls[2]", "invalid"),
            ]

    def test_a_link_beside_media_or_a_poll_stands_in_the_text(self) -> None:
        link = {"link": "https://example.com/boat"}
        with harbour() as (_, client):
            for sample in ("image", "poll"):
                made = planned(client, post(**SAMPLES[sample], **link))
                assert codes(made) == []
                assert ("link", "in_text") in changes(made)
                assert made.parts[0].body["request"]["text"] == "Ahoy\n\nhttps://example.com/boat"

    def test_a_card_is_read_from_the_page(self) -> None:
        with harbour() as (_, client):
            made = planned(client, post(link=Link("https://example.com/a", title="Mine")))
            assert changes(made) == [("link", "not_carried")]
            for letters, told in ((2028, []), (2029, [("link", "too_long")])):
                assert codes(planned(client, post(link=f"https://example.com/{'a' * letters}"))) == told

    def test_polls_are_open_for_whole_days(self) -> None:
        with harbour() as (_, client):
            made = planned(client, post(poll=Poll(["a", "b"], seconds=100_000)))
            assert (made.parts[0].body["request"]["duration"], changes(made)) == (
                1,
                [("poll.seconds", "rounded")],
            )
            longer = planned(client, post(poll=Poll(["a", "b"], seconds=150_000)))
            assert longer.parts[0].body["request"]["duration"] == 2
            assert ("poll.seconds", "range") in codes(
                planned(client, post(poll=Poll(["a", "b"], seconds=3600)))
            )
            seven = Poll([str(n) for n in range(7)])
            assert ("poll.options", "count") in codes(planned(client, post(poll=seven)))


class TestPlan:
    def test_a_title_is_needed_and_short(self) -> None:
        with harbour() as (_, client):
            assert codes(planned(client, post(title=" \n"))) == [("title", "required")]
            assert codes(planned(client, post(title="a" * 301))) == [("title", "too_long")]
            made = planned(client, post(title=" New \n boat "))
            assert (made.parts[0].body["request"]["title"], changes(made)) == (
                "New boat",
                [("title", "spaces")],
            )
            assert changes(planned(client, post(title=" New boat "))) == []

    @pytest.mark.parametrize(
        ("warning", "mark"),
        [("spoiler", "spoiler"), ("Spoilers", "spoiler"), ("NSFW", "nsfw"), ("storm", None)],
    )
    def test_warnings_are_two_marks(self, warning: str, mark: str | None) -> None:
        with harbour() as (_, client):
            made = planned(client, post(content_warning=warning))
            assert codes(made) == ([] if mark else [("content_warning", "unsupported")])
            if mark:
                assert made.parts[0].body["request"][mark] is True

    def test_markdown_pitfalls_are_changes(self) -> None:
        with harbour() as (_, client):
            made = planned(client, post("#launch today\nWe ship"))
            assert made.parts[0].body["request"]["text"] == "\\#launch today  \nWe ship"
            assert changes(made) == [("text", "markdown"), ("text", "markdown")]
            assert made.parts[0].text == "\\#launch today  \nWe ship"
            long = "\n\n".join(["#a"] * 10_000)
            assert ("text", "too_long") in codes(planned(client, post(long)))

    @pytest.mark.parametrize("name", ["r/boats", "boats/new", "../me", "a", "boats?x=1"])
    def test_what_is_no_name_reaches_no_path(self, name: str) -> None:
        with harbour() as (box, client):
            made = planned(client, post(options=RedditOptions(subreddit=name)))
            assert codes(made) == [("options.subreddit", "not_a_name")]
            assert [one.path for one in box.requests] == ["/api/v1/me"]

    def test_places_that_cannot_be_posted_to(self) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("quiet", subreddit_type="private")
            box.reddit.add_subreddit("closed", subreddit_type="restricted")
            box.reddit.add_subreddit("strict").banned.add("brand")
            told = {
                name: codes(planned(client, post(options=RedditOptions(subreddit=name))))
                for name in ("nowhere", "quiet", "closed", "strict")
            }
            field = "options.subreddit"
            assert codes(planned(client, post(options=RedditOptions(subreddit="u_other")))) == [
                (field, "not_yours")
            ]
            assert codes(planned(client, post(options=RedditOptions(subreddit="u_Brand")))) == []
            assert told == {
                "nowhere": [(field, "not_found")],
                "quiet": [(field, "not_found")],
                "closed": [(field, "restricted")],
                "strict": [(field, "banned")],
            }
            for may in ("approved", "moderators"):
                getattr(box.reddit.subreddits["closed"], may).add("brand")
                whole = post(f"As {may}", RedditOptions(subreddit="closed"))
                assert codes(planned(client, whole)) == []
                assert publish(box, client, whole, may).status is Status.PUBLISHED
                getattr(box.reddit.subreddits["closed"], may).clear()

    @pytest.mark.parametrize(
        ("refused", "code", "hint"),
        [
            (base.Response(403, {}, b"<h1>blocked by network security.</h1>"), "unread", "user_agent="),
            (
                answer({"error": 403}, 403, {"www-authenticate": 'Bearer error="insufficient_scope"'}),
                "unread",
                "sign in again",
            ),
            (answer({"reason": "quarantined", "error": 403}, 403), "not_found", "spelling"),
        ],
    )
    async def test_a_refusal_that_says_nothing_of_the_subreddit(
        self, refused: base.Response, code: str, hint: str
    ) -> None:
        from .fakes import plan

        for options in (BOATS, RedditOptions()):
            reading = call(refused, answer({}))
            made = await plan(reading.adapter, post(options=options), reading)
            if code == "not_found" and options is not BOATS:
                continue
            (problem,) = (one for one in made.problems if one.code != "missing")
            assert (problem.field, problem.code) == ("options.subreddit", code)
            assert hint in str(problem.hint)

    def test_a_suspended_account_posts_nothing(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            box.reddit.people["brand"].suspended = True
            box.clock.advance(7200)
            for one in (post(), Post("Aye", reply_to=first)):
                assert codes(planned(client, one)) == [("account", "suspended")]

    @pytest.mark.parametrize(
        ("asks", "told"),
        [
            ({"gallery_min_items": 3}, ("media", "count")),
            ({"gallery_max_items": 1}, ("media", "count")),
            ({"gallery_min_items": 2, "gallery_max_items": 2}, None),
            ({"gallery_captions_requirement": "required"}, None),
            ({"gallery_captions_requirement": "notAllowed"}, ("media", "not_allowed")),
            ({"gallery_urls_requirement": "required"}, ("options.outbound_urls", "required")),
            ({"gallery_urls_requirement": "notAllowed"}, None),
        ],
    )
    def test_what_moderators_ask_of_galleries_is_a_warning(
        self, asks: dict[str, Any], told: tuple[str, str] | None
    ) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", asks=asks)
            made = planned(client, post(options=RedditOptions(subreddit="picky"), **SAMPLES["gallery"]))
            assert (codes(made), codes(made, "warning")) == ([], [told] if told else [])

    @pytest.mark.parametrize(
        ("about", "kind", "field"),
        [
            ({"submission_type": "link"}, "self", "text"),
            ({"submission_type": "self"}, "link", "link"),
            ({"submission_type": "self"}, "image", "media"),
            ({"allow_images": False}, "image", "media"),
            ({"allow_galleries": False}, "gallery", "media"),
            ({"allow_videos": False}, "video", "media"),
            ({"allow_videogifs": False}, "videogif", "media"),
            ({"allow_polls": False}, "poll", "poll"),
        ],
    )
    def test_kinds_a_subreddit_does_not_take(self, about: dict[str, Any], kind: str, field: str) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", **about)
            silent = kind == "videogif"
            options, fields = (
                RedditOptions(subreddit="picky", videogif=silent),
                SAMPLES[kind[:5] if silent else kind],
            )
            assert codes(planned(client, post(options=options, **fields))) == [(field, "not_allowed")]
            if kind == "video":
                as_gif = RedditOptions(subreddit="picky", videogif=True)
                assert codes(planned(client, post(options=as_gif, **fields))) == []

    @pytest.mark.parametrize(
        ("asks", "fields", "told"),
        [
            ({"title_text_min_length": 9}, {}, ("title", "too_short")),
            ({"title_text_max_length": 3}, {}, ("title", "too_long")),
            ({"title_blacklisted_strings": ["NEWS"]}, {}, ("title", "banned_word")),
            ({"title_required_strings": ["[Ask]", "[Show]"]}, {}, ("title", "required_word")),
            ({"title_regexes": [r"^\[\w+\]"]}, {}, ("title", "pattern")),
            ({"body_text_min_length": 9}, {}, ("text", "too_short")),
            ({"body_text_max_length": 3}, {}, ("text", "too_long")),
            ({"body_blacklisted_strings": ["ahoy"]}, {}, ("text", "banned_word")),
            ({"body_required_strings": ["Aye"]}, {}, ("text", "required_word")),
            ({"body_regexes": ["^Aye"]}, {}, ("text", "pattern")),
            ({"body_restriction_policy": "required"}, {"text": ""}, ("text", "required")),
            ({"body_restriction_policy": "notAllowed"}, {}, ("text", "not_allowed")),
            ({"is_flair_required": True}, {}, ("options.flair", "required")),
            (
                {"link_restriction_policy": "blacklist", "domain_blacklist": ["example.com"]},
                {"link": "https://www.example.com/a"},
                ("link", "domain"),
            ),
            (
                {"link_restriction_policy": "whitelist", "domain_whitelist": ["example.org"]},
                {"link": "https://example.com/a"},
                ("link", "domain"),
            ),
        ],
    )
    def test_what_moderators_ask_for(
        self, asks: dict[str, Any], fields: dict[str, Any], told: tuple[str, str]
    ) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", asks=asks)
            one = post(
                options=RedditOptions(subreddit="picky"),
                **{"text": "Ahoy", "link": "https://example.net", **fields},
            )
            assert codes(planned(client, one)) == [told]

    def test_what_is_not_certain_is_a_warning(self) -> None:
        asks = {"title_regexes": ["^News", "boat$", "("], "link_repost_age": 30}
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", asks=asks)
            made = planned(client, post(options=RedditOptions(subreddit="picky"), link="https://example.com"))
            assert codes(made) == []
            assert codes(made, "warning") == [("title", "pattern"), ("link", "repost_age")]

    def test_good_posts_break_no_rule(self) -> None:
        asks = {
            "title_regexes": ["^News"],
            "title_required_strings": ["news"],
            "domain_blacklist": ["example.net"],
            "link_restriction_policy": "blacklist",
            "title_text_min_length": 4,
        }
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", asks=asks)
            one = post(options=RedditOptions(subreddit="picky"), link="https://example.com")
            assert codes(planned(client, one)) == codes(planned(client, one), "warning") == []
            assert publish(box, client, one).status is Status.PUBLISHED


FLAIRS = [
    {"id": "f1", "text": "News", "text_editable": False, "mod_only": False},
    {"id": "f2", "text": "Talk", "text_editable": True, "mod_only": False},
    {"id": "f3", "text": "Talk ", "text_editable": True, "mod_only": False},
    {"id": "f4", "text": "Rules", "text_editable": False, "mod_only": True},
]


class TestFlair:
    @pytest.mark.parametrize(
        ("asked", "fields", "told"),
        [
            ({"flair": "news"}, {"flair_id": "f1"}, None),
            ({"flair_id": "f2"}, {"flair_id": "f2"}, None),
            (
                {"flair_id": "f2", "flair_text": "Talk: sails"},
                {"flair_id": "f2", "flair_text": "Talk: sails"},
                None,
            ),
            ({"flair": "talk"}, {}, ("options.flair", "ambiguous")),
            ({"flair": "Rules"}, {}, ("options.flair", "unknown")),
            ({"flair_id": "f4"}, {}, ("options.flair_id", "unknown")),
            ({"flair": "News", "flair_text": "Mine"}, {}, ("options.flair_text", "not_editable")),
            ({"flair_id": "f2", "flair_text": "a" * 65}, {}, ("options.flair_text", "too_long")),
            ({"flair_text": "Mine"}, {}, ("options.flair_text", "without_flair")),
            ({"flair": "News", "flair_id": "f1"}, {}, ("options.flair", "both")),
        ],
    )
    def test_flairs_are_chosen_by_words_or_id(
        self, asked: dict[str, str], fields: dict[str, str], told: tuple[str, str] | None
    ) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", flairs=FLAIRS, asks={"is_flair_required": True})
            one = post(options=RedditOptions(subreddit="picky", **asked))
            made = planned(client, one)
            assert codes(made) == ([told] if told else [])
            request = made.parts[0].body["request"]
            assert (not told and {name: request.get(name) for name in fields} == fields) or told
            if not told:
                assert publish(box, client, one).status is Status.PUBLISHED
                assert box.timeline("reddit")[0].extras["flair_id"] == fields["flair_id"]

    def test_flairs_that_only_the_form_for_new_posts_offers(self) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", flairs=FLAIRS).hides_flairs = True
            for asked, told in (
                ({"flair": "News"}, []),
                ({"flair_id": "f2", "flair_text": "Talk: sails"}, []),
                ({"flair": "Rules"}, [("options.flair", "unknown")]),
                ({"flair": "News", "flair_text": "Mine"}, [("options.flair_text", "not_editable")]),
            ):
                assert codes(planned(client, post(options=RedditOptions(subreddit="picky", **asked)))) == told

    async def test_flairs_that_are_not_shown(self) -> None:
        from .fakes import plan

        forbidden = answer({"message": "Forbidden", "error": 403}, 403)
        replies = [answer({"data": {}}), answer({}), forbidden, forbidden]
        by_id = call(*replies)
        made = await plan(by_id.adapter, post(options=RedditOptions(flair_id="f9", flair_text="x")), by_id)
        assert made.parts[0].body["request"]["flair_text"] == "x"
        assert codes(made, "warning") == [("options.flair_id", "unchecked")]
        by_words = call(*replies)
        made = await plan(by_words.adapter, post(options=RedditOptions(flair="News")), by_words)
        assert codes(made) == [("options.flair", "unchecked")]


class TestComments:
    def test_a_reply_is_a_comment(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            for number, parent in enumerate((first, first.url, first.id, first.id[3:])):
                reply = Post(f"Aye {number}", reply_to=parent)
                outcome = publish(box, client, reply, f"reply {number}")
                assert outcome.status is Status.PUBLISHED, outcome.error
                entry = box.timeline("reddit")[-1]
                assert (entry.id[:3], entry.reply_to, outcome.receipt.kind) == ("t1_", first.id, "reply")
                assert outcome.receipt.url.endswith(f"/{entry.id[3:]}/")

    def test_what_a_comment_cannot_carry(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            one = post(
                "Aye", BOATS, reply_to=first, media=[Image(png(), alt="b")], sensitive=True, quote=first
            )
            made = planned(client, attrs_evolved(one, poll=Poll(["a", "b"]), content_warning="spoiler"))
            assert set(codes(made)) >= {
                ("poll", "unsupported"),
                ("quote", "unsupported"),
                ("media", "unsupported"),
                ("content_warning", "unsupported"),
            }
            assert set(changes(made)) == {
                ("title", "not_carried"),
                ("sensitive", "not_carried"),
                ("options.subreddit", "not_carried"),
            }
            assert codes(planned(client, Post(" ", link="https://example.com", reply_to=first))) == []
            assert ("text", "too_long") in codes(planned(client, Post("a" * 10_001, reply_to=first)))
            assert codes(planned(client, Post("a" * 10_000, reply_to=first))) == []
            assert ("text", "required") in codes(planned(client, Post(" ", reply_to=first)))

    def test_a_locked_post_takes_none(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            box.reddit.entries[first.id].extras["locked"] = True
            assert codes(planned(client, Post("Aye", reply_to=first))) == [("reply_to", "locked")]

    def test_a_thread_goes_on_under_a_picture(self) -> None:
        with harbour() as (box, client):
            box.reddit.image_seconds = 20.0
            outcome = publish(box, client, post(thread=[Post("Two"), Post("Three")], **SAMPLES["image"]))
            assert outcome.status is Status.PUBLISHED, outcome.error
            one, two, three = box.timeline("reddit")
            assert (two.reply_to, three.reply_to) == (one.id, two.id)

    def test_nothing_is_written_under_a_post_in_processing(self) -> None:
        with harbour() as (box, client):
            box.reddit.video_seconds = 300.0
            whole = post(thread=[Post("Two")], **SAMPLES["video"])
            outcome = publish(box, client, whole)
            assert outcome.status in (Status.PARTIAL, Status.PROCESSING)
            assert len(box.timeline("reddit")) == 1
            box.clock.advance(400)
            outcome = publish(box, client, whole)
            assert outcome.status is not Status.FAILED
            client.settle("key")
            one, two = box.timeline("reddit")
            assert two.reply_to == one.id


def attrs_evolved(one: Post, **fields: Any) -> Post:
    import attrs

    return attrs.evolve(one, **fields)


class TestProcessing:
    def test_a_slow_video_is_found_later(self) -> None:
        with harbour() as (box, client):
            box.reddit.video_seconds = 240.0
            outcome = publish(box, client, post(**SAMPLES["video"]))
            assert (outcome.status, outcome.receipt.id) == (Status.PROCESSING, None)
            assert outcome.look_again_at is not None
            still = client.settle("key")["reddit"]
            assert still.status is Status.PROCESSING
            (row,) = client.fetch_metrics(outcome.receipt)
            assert "never told this post's id" in str(row.error)
            box.clock.advance(240)
            settled = client.settle("key")["reddit"]
            assert settled.status is Status.PUBLISHED
            assert settled.receipt.id == box.timeline("reddit")[0].id

    async def test_an_answer_that_says_nothing_is_unknown(self) -> None:
        sending = call(answer({"json": {"errors": [], "data": {}}}))
        request = {"sr": "boats", "title": "News", "kind": "self", "text": ""}
        with pytest.raises(errors.OutcomeUnknown):
            await sending.adapter.send(base.Part(0, {"kind": "self", "request": request}), sending)

    @pytest.mark.parametrize(
        "body", [b"<html>busy</html>", b'{"json": {}}', b"[]", b'{"json": {"data": {}}}']
    )
    def test_an_answer_nobody_understands_is_looked_into(self, body: bytes) -> None:
        from starlette.responses import Response

        with harbour() as (box, client):
            box.reddit.told = lambda given, data: Response(body)
            outcome = publish(box, client, post(), wait=600)
            assert (outcome.status, len(box.timeline("reddit"))) == (Status.PUBLISHED, 1)
            assert outcome.receipt.id == box.timeline("reddit")[0].id

    def test_what_the_automoderator_hides_is_told(self) -> None:
        with harbour() as (box, client):
            box.reddit.automoderator.add("Ahoy")
            outcome = publish(box, client, post(**SAMPLES["image"]))
            assert outcome.missing == ("Reddit took it out of sight: automod_filtered",)
            box.clock.advance(60)
            (row,) = client.fetch_metrics(outcome.receipt)
            assert row.raw["removed_by_category"] == "automod_filtered"


LOST = ["dropped-after", "stored-then-500", "stored-then-hang", "dropped-before", "stored-later"]


class TestLostAnswers:
    @pytest.mark.parametrize("kind", [*SAMPLES, "crosspost", "comment"])
    @pytest.mark.parametrize("fault", LOST)
    def test_one_copy_or_none_and_the_record_is_true(self, kind: str, fault: str) -> None:
        with harbour() as (box, client):
            parent = publish(box, client, post("Parent"), "parent").receipt
            one = {
                "crosspost": post("", quote=parent),
                "comment": Post("Aye", reply_to=parent),
            }.get(kind) or post(**SAMPLES[kind])
            box.fault(fault, platform="reddit")
            outcome = publish(box, client, one, wait=7200)
            box.clock.advance(3600)
            live = [entry for entry in box.timeline("reddit") if entry.id != parent.id]
            assert len(live) <= 1
            if not live:  # a video was waited for so long that it is not made again by itself
                assert kind == "video"
                outcome = publish(box, client, one)
            assert outcome.status is (Status.PUBLISHED if live else Status.FAILED), outcome.error
            assert not live or outcome.receipt.id == live[0].id

    @pytest.mark.parametrize("kind", ["image", "gallery", "inline"])
    def test_media_that_show_after_minutes_are_not_made_again(self, kind: str) -> None:
        options = RedditOptions(inline=kind == "inline")
        media = SAMPLES["image" if kind == "inline" else kind]
        with harbour() as (box, client):
            box.fault("listed-late", platform="reddit", seconds=280, times=9)
            box.fault("dropped-after", platform="reddit")
            outcome = publish(box, client, post(options=options, **media), wait=900)
            assert (outcome.status, len(box.timeline("reddit"))) == (Status.PUBLISHED, 1)

    async def test_a_video_inside_a_text_is_waited_for_as_a_video(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        film = base.PartMedia("video", "video/mp4", 3, "d" * 64, "bytes")
        for media, found in (((film,), base.CannotTell), ((), base.Absent)):
            part = base.Part(0, {"kind": "inline", "request": request}, media=media)
            lost = base.Lost(part, NOW - timedelta(seconds=600), NOW)
            looking = call(listing())
            assert isinstance(await looking.adapter.find(lost, looking), found)

    async def test_looks_are_spaced_until_media_must_show(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        part = base.Part(0, {"kind": "image", "request": request})
        for age, again in ((60, 60), (130, 130), (250, 110), (359, 1)):
            lost = base.Lost(part, NOW - timedelta(seconds=age), NOW)
            looking = call(listing())
            found = await looking.adapter.find(lost, looking)
            assert (type(found), found.look_again_in) == (base.CannotTell, again)

    @pytest.mark.parametrize("kind", ["image", "gallery", "video"])
    def test_uploads_tell_ours_from_a_twin(self, kind: str) -> None:
        with harbour() as (box, client):
            box.fault("twin", platform="reddit")
            box.fault("dropped-after", platform="reddit")
            outcome = publish(box, client, post(**SAMPLES[kind]), wait=600)
            assert outcome.status is Status.PUBLISHED, outcome.error
            own = [entry for entry in box.timeline("reddit") if not entry.extras.get("twin")]
            assert [entry.id for entry in own] == [outcome.receipt.id]

    def test_two_that_look_alike_are_not_guessed_between(self) -> None:
        with harbour() as (box, client):
            box.fault("twin", platform="reddit")
            box.fault("dropped-after", platform="reddit")
            outcome = publish(box, client, post(), wait=600)
            assert outcome.status is Status.UNKNOWN
            assert "two posts look exactly like this one" in str(outcome.error)

    def test_a_lost_video_is_never_made_again_while_it_may_be_in_processing(self) -> None:
        with harbour() as (box, client):
            box.reddit.video_seconds = 900.0
            box.fault("dropped-after", platform="reddit")
            first = publish(box, client, post(**SAMPLES["video"]), wait=600)
            assert (first.status, len(box.timeline("reddit"))) == (Status.UNKNOWN, 1)
            box.clock.advance(900)
            assert client.settle("key")["reddit"].status is Status.PUBLISHED
            assert len(box.timeline("reddit")) == 1

    def test_uploads_are_not_made_twice(self) -> None:
        with harbour() as (box, client):
            box.fault("dropped-before", platform="reddit")
            outcome = publish(box, client, post(**SAMPLES["gallery"]), wait=600)
            assert outcome.status is Status.PUBLISHED
            assert len(box.reddit.leases) == 2

    def test_a_link_that_is_there_already_is_looked_for(self) -> None:
        with harbour() as (box, client):
            publish(box, client, post(options=BOATS, **SAMPLES["link"]), "first")
            again = publish(box, client, post(options=BOATS, **SAMPLES["link"]), "again", wait=900)
            assert isinstance(again.error, errors.Duplicate), again.error
            assert again.error.code == "ALREADY_SUB"
            assert len(box.timeline("reddit")) == 1
            repeated = RedditOptions(subreddit="boats", resubmit=True)
            assert (
                publish(box, client, post(options=repeated, **SAMPLES["link"]), "b").status
                is Status.PUBLISHED
            )

    async def test_alike_is_not_same(self) -> None:
        """A post of ours whose picture is another one, and one that tells no picture at all."""
        request = {"sr": "u_brand", "title": "News", "kind": "video", "text": "Ahoy"}
        lost = base.Lost(
            base.Part(0, {"kind": "video", "request": request}), NOW - timedelta(seconds=60), NOW
        )
        seen = {"is_self": False, "is_video": True}
        for url, told in (("https://v.redd.it/abc", base.Found), ("https://v.redd.it/xyz", base.CannotTell)):
            looking = call(listing(thing(url=url, **seen)), memory={"assets": [["abc"]]})
            assert isinstance(await looking.adapter.find(lost, looking), told)
        looking = call(listing(thing(url="https://example.com", **seen)), memory={"assets": [["abc"]]})
        found = await looking.adapter.find(lost, looking)
        assert isinstance(found, base.CannotTell)
        assert "not known to be these" in found.why

    @pytest.mark.parametrize(
        ("kind", "shown"),
        [
            ("image", {"url": "https://i.redd.it/abc.png", "is_self": False}),
            ("video", {"url_overridden_by_dest": "https://v.redd.it/abc", "is_self": False}),
            ("gallery", {"is_gallery": True, "gallery_data": {"items": [{"media_id": "abc"}]}}),
            ("gallery", {"is_gallery": True, "media_metadata": {"abc": {}}}),
            ("inline", {"is_self": True, "media_metadata": {"abc": {}}}),
        ],
    )
    async def test_an_upload_proves_its_post_whenever_and_however_it_is_shown(
        self, kind: str, shown: dict[str, Any]
    ) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        late = (NOW + timedelta(hours=2)).timestamp()
        lost = base.Lost(base.Part(0, {"kind": kind, "request": request}), NOW - timedelta(seconds=60), NOW)
        post_ = thing(title="Renamed", selftext="&nbsp;", created_utc=late, **shown)
        looking = call(listing(post_), memory={"assets": [["old"], ["abc"]]})
        found = await looking.adapter.find(lost, looking)
        assert isinstance(found, base.Found)
        assert found.sent.id == "t3_1kh35wk"
        other = call(listing(post_), memory={"assets": [["xyz"]]})
        assert not isinstance(await other.adapter.find(lost, other), base.Found)

    @pytest.mark.parametrize(
        "change",
        [
            {"subreddit": "boats"},
            {"title": "Other"},
            {"selftext": "Nay"},
            {"is_self": False},
            {"poll_data": {"options": [{"text": "a"}]}},
            {"created_utc": NOW.timestamp() + 1},
        ],
    )
    async def test_what_differs_is_not_ours(self, change: dict[str, Any]) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        lost = base.Lost(base.Part(0, {"kind": "self", "request": request}), NOW - timedelta(seconds=60), NOW)
        looking = call(listing(thing()))
        assert isinstance(await looking.adapter.find(lost, looking), base.Found)
        looking = call(listing(thing(**change)))
        assert isinstance(await looking.adapter.find(lost, looking), base.Absent)

    @pytest.mark.parametrize(
        ("kind", "fields", "shown", "same"),
        [
            (
                "poll",
                {"options": ["a", "b"]},
                {"poll_data": {"options": [{"text": "a"}, {"text": "b"}]}},
                True,
            ),
            (
                "poll",
                {"options": ["a", "b"]},
                {"poll_data": {"options": [{"text": "b"}, {"text": "a"}]}},
                False,
            ),
            ("poll", {"options": ["a", "b"]}, {}, False),
            (
                "crosspost",
                {"crosspost_fullname": "t3_1a"},
                {"crosspost_parent": "t3_1a", "selftext": ""},
                True,
            ),
            ("crosspost", {"crosspost_fullname": "t3_1a"}, {"crosspost_parent": "t3_1b"}, False),
            (
                "link",
                {"url": "https://Example.com/a/"},
                {"is_self": False, "url": "http://example.com/a"},
                True,
            ),
            (
                "link",
                {"url": "https://example.com/a"},
                {"is_self": False, "url": "https://example.com/A"},
                False,
            ),
            (
                "link",
                {"url": "https://example.com/a"},
                {"is_self": False, "url": "https://example.com/b"},
                False,
            ),
            ("link", {"url": "https://example.com/a"}, {"url": "https://example.com/a"}, False),
        ],
    )
    async def test_kinds_are_told_apart_by_what_only_they_have(
        self, kind: str, fields: dict[str, Any], shown: dict[str, Any], same: bool
    ) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy", **fields}
        lost = base.Lost(base.Part(0, {"kind": kind, "request": request}), NOW - timedelta(seconds=60), NOW)
        looking = call(listing(thing(**shown)))
        found = await looking.adapter.find(lost, looking)
        assert isinstance(found, base.Found if same else base.Absent)

    async def test_every_page_since_then_is_looked_through(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        lost = base.Lost(base.Part(0, {"kind": "self", "request": request}), NOW - timedelta(seconds=60), NOW)
        newer = thing("t3_9z", title="Other")
        looking = call(listing(newer, after="t3_9z"), listing(thing()))
        assert isinstance(await looking.adapter.find(lost, looking), base.Found)
        assert [asked.params.get("after") for asked in looking.asked] == [None, "t3_9z"]
        older = thing("t3_1a", created_utc=NOW.timestamp() - 61)
        looking = call(listing(newer, older, after="t3_1a"))
        assert isinstance(await looking.adapter.find(lost, looking), base.Absent)
        turning = call(listing(newer, after="t3_9z"), listing(newer, after="t3_9z"))
        assert isinstance(await turning.adapter.find(lost, turning), base.Absent)

    async def test_another_picture_of_the_same_title_is_not_ours(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        part = base.Part(0, {"kind": "image", "request": request})
        lost = base.Lost(part, NOW - timedelta(hours=1), NOW)
        looking = call(
            listing(thing(url="https://i.redd.it/xyz.png", is_self=False)), memory={"assets": [["abc"]]}
        )
        assert isinstance(await looking.adapter.find(lost, looking), base.Absent)

    async def test_a_comment_under_a_post_that_was_in_processing(self) -> None:
        shown = thing("t3_1a", url="https://i.redd.it/abc.png", is_self=False)
        comment = {
            "name": "t1_2b",
            "id": "2b",
            "permalink": "/r/u_brand/comments/1a/news/2b/",
            "created_utc": 1e9,
        }
        previous = base.Sent(None, raw={"assets": ["abc"], "since": NOW.timestamp() - 60})
        made = answer({"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": comment}]}}})
        part = base.Part(1, {"kind": "comment", "request": {"api_type": "json", "text": "Two"}})
        sending = call(listing(shown), made, previous=previous)
        assert (await sending.adapter.send(part, sending)).id == "t1_2b"
        assert sending.asked[-1].form["thing_id"] == "t3_1a"
        lost = base.Lost(part, NOW - timedelta(seconds=60), NOW, previous=previous)
        own = {**comment, "body": "Two", "parent_id": "t3_1a", "created_utc": NOW.timestamp()}
        looking = call(listing(own), memory=sending.memory)
        assert isinstance(await looking.adapter.find(lost, looking), base.Found)
        for change in ({"parent_id": "t3_1b"}, {"body": "Three"}, {"created_utc": NOW.timestamp() + 1}):
            looking = call(listing({**own, **change}), memory=sending.memory)
            assert isinstance(await looking.adapter.find(lost, looking), base.Absent)

    async def test_claimed_posts_are_no_candidates(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Ahoy"}
        part = base.Part(0, {"kind": "self", "request": request})
        lost = base.Lost(part, NOW - timedelta(seconds=60), NOW, claimed=frozenset({"t3_1kh35wk"}))
        looking = call(listing(thing()))
        assert isinstance(await looking.adapter.find(lost, looking), base.Absent)


class TestUploads:
    async def lease(self, **more: Any) -> list[Any]:
        fields = [{"name": "x-amz-date", "value": "20261102"}, {"name": "key", "value": "abc"}]
        args = {"action": "//reddit-uploaded-media.s3-accelerate.amazonaws.com", "fields": fields}
        return [answer({"args": args, "asset": {"asset_id": "abc"}, **more})]

    async def send(self, *answers: Any) -> FakeCall:
        with harbour() as (_, client):
            part = planned(client, post(**SAMPLES["image"])).parts[0]
        sending = call(*answers)
        await sending.adapter.send(part, sending)
        return sending

    async def test_the_form_is_as_leased_the_file_last_and_no_token(self) -> None:
        done = answer({"json": {"errors": [], "data": {"name": "t3_1a", "url": "u"}}})
        sending = await self.send(*await self.lease(), answer(status=201, content=b"<PostResponse/>"), done)
        lease, store, commit = sending.asked
        assert lease.form == {"filepath": "media.png", "mimetype": "image/png", "api_type": "json"}
        assert list(store.fields) == ["x-amz-date", "key", "file"]
        assert store.url == "https://reddit-uploaded-media.s3-accelerate.amazonaws.com"
        assert "authorization" not in store.headers
        assert store.options["cost"] == 0
        assert [asked.step for asked in sending.asked] == ["prepare", "prepare", "commit"]
        assert commit.form["url"] == "https://reddit-uploaded-media.s3-accelerate.amazonaws.com/abc"
        assert commit.form["validate_on_submit"] == "true"
        assert commit.params == {"raw_json": "1"}

    async def test_the_text_of_media_inside_it_goes_as_a_document_alone(self) -> None:
        with harbour() as (_, client):
            made = planned(client, post(options=RedditOptions(inline=True), **SAMPLES["image"]))
        rich = answer({"output": {"document": [{"e": "par"}]}})
        done = answer({"json": {"errors": [], "data": {"name": "t3_1a", "url": "u"}}})
        sending = call(*await self.lease(), answer(status=201, content=b"<PostResponse/>"), rich, done)
        await sending.adapter.send(made.parts[0], sending)
        convert, submit = sending.asked[-2:]
        assert convert.step == "prepare"
        assert convert.form == {
            "api_type": "json",
            "output_mode": "rtjson",
            "markdown_text": "Ahoy\n\n![img](abc)",
        }
        assert submit.form["richtext_json"] == '{"document": [{"e": "par"}]}'
        assert submit.form["kind"] == "self"
        assert "text" not in submit.form

    async def test_an_upload_is_used_again_for_half_a_day(self) -> None:
        done = answer({"json": {"errors": [], "data": {"name": "t3_1a", "url": "u"}}})
        sending = await self.send(*await self.lease(), answer(status=201, content=b"<PostResponse/>"), done)
        lifetimes = {name: seconds for name, seconds in sending.lifetimes.items() if name.startswith("media")}
        assert list(lifetimes.values()) == [43_200.0]

    async def test_the_media_of_every_attempt_are_remembered(self) -> None:
        done = answer({"json": {"errors": [], "data": {"name": "t3_1a", "url": "u"}}})
        with harbour() as (_, client):
            part = planned(client, post(**SAMPLES["image"])).parts[0]
        stored = answer(status=201, content=b"<PostResponse/>")
        sending = call(*await self.lease(), stored, done, memory={"assets": [["old"]]})
        await sending.adapter.send(part, sending)
        assert sending.memory["assets"] == [["old"], ["abc"]]

    @pytest.mark.parametrize("kind", ["poll", "self"])
    async def test_an_answer_with_an_id_is_the_end(self, kind: str) -> None:
        """Polls and galleries tell a fullname as the id, texts and links both."""
        with harbour() as (_, client):
            part = planned(client, post(**SAMPLES[kind])).parts[0]
        named = {"id": "t3_1a"} if kind == "poll" else {"id": "1a", "name": "t3_1a"}
        sending = call(answer({"json": {"errors": [], "data": {"url": "https://u", **named}}}))
        sent = await sending.adapter.send(part, sending)
        assert (sent.id, sent.url, sent.status) == ("t3_1a", "https://u", Status.PUBLISHED)

    def test_an_ended_lease_is_leased_anew(self) -> None:
        with harbour() as (box, client):
            box.reddit.lease_seconds = 0.0
            refused = publish(box, client, post(**SAMPLES["image"]))
            assert (refused.status, len(box.reddit.leases)) == (Status.FAILED, 2)
            assert "Policy expired" in str(refused.error)
            assert box.timeline("reddit") == []

    def test_nothing_of_a_lease_is_kept_or_shown(self) -> None:
        with harbour() as (box, client):
            outcome = publish(box, client, post(**SAMPLES["image"]))
            (lease,) = box.reddit.leases.values()
            secrets = [value for name, value in lease.fields if name in ("x-amz-signature", "policy")]
            shown = f"{outcome!r}{[one.to_dict() for one in client.history()]}{box.requests}"
            assert not [secret for secret in secrets if secret in shown]

    @given(st.integers(1, 3_000_000))
    def test_posters_are_pictures(self, width: int) -> None:
        assert sniff(plain_poster(width % 2000 + 1, 9)).width == width % 2000 + 1


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("RATELIMIT", errors.RateLimited),
            *(
                (code, errors.Declined)
                for code in ("SUBREDDIT_NOEXIST", "SUBREDDIT_REQUIRED", "SUBREDDIT_NOTALLOWED")
            ),
            *(
                (code, errors.Declined)
                for code in ("NO_SELFS", "NO_LINKS", "GALLERIES_DISABLED", "NO_IMAGES", "NO_VIDEOS")
            ),
            *(
                (code, errors.Declined)
                for code in ("NO_TEXT", "TOO_LONG", "TOO_SHORT", "NO_URL", "BAD_URL", "INVALID_OPTION")
            ),
            ("BAD_FLAIR_TEMPLATE_ID", errors.Declined),
            ("DOMAIN_BANNED", errors.Declined),
            *(
                (code, errors.Declined)
                for code in ("BANNED_FROM_SUBREDDIT", "USER_MUTED", "USER_BLOCKED", "IN_TIMEOUT")
            ),
            ("USER_REQUIRED", errors.ReauthNeeded),
            ("VERIFIED_USER_REQUIRED", errors.Declined),
            *(
                (code, errors.Declined)
                for code in ("THREAD_LOCKED", "TOO_OLD", "DELETED_LINK", "DELETED_COMMENT", "NOT_AUTHOR")
            ),
            *((code, errors.Declined) for code in ("BAD_CAPTCHA", "QUOTA_FILLED", "A_NEW_ONE")),
        ],
    )
    def test_refusals_inside_200_are_definite(self, code: str, kind: type[Exception]) -> None:
        error = Reddit().parse_error(self.posted({"json": {"errors": [[code, "No.", "sr"]]}}))
        assert type(error) is kind
        assert (error.__dict__["code"], error.__dict__["definite"]) == (code, True)

    def test_a_link_that_is_there_proves_a_post_not_ours(self) -> None:
        error = Reddit().parse_error(self.posted({"json": {"errors": [["ALREADY_SUB", "there", "url"]]}}))
        assert (type(error), error.__dict__["definite"]) == (errors.Duplicate, False)

    def posted(self, body: Any, status: int = 200, **headers: str) -> base.Response:
        import attrs

        return attrs.evolve(answer(body, status, headers), method="POST", received_at=NOW)

    @pytest.mark.parametrize(
        ("status", "body", "kind", "definite"),
        [
            (302, {}, errors.Declined, True),
            (400, {"message": "Bad Request", "error": 400}, errors.Declined, True),
            (401, {"message": "Unauthorized", "error": 401}, errors.ReauthNeeded, True),
            (403, {"reason": "private", "message": "Forbidden", "error": 403}, errors.Declined, True),
            (404, {"message": "Not Found", "error": 404}, errors.Declined, True),
            (408, {}, errors.Unavailable, False),
            (409, {}, errors.Unavailable, False),
            (413, {}, errors.Declined, True),
            (414, {}, errors.Declined, True),
            (415, {"reason": "USER_REQUIRED"}, errors.Declined, True),
            (429, {"message": "Too Many Requests", "error": 429}, errors.RateLimited, True),
            (451, {}, errors.Declined, True),
            *((status, {}, errors.Unavailable, False) for status in (500, 502, 503, 504, 520, 522)),
        ],
    )
    def test_statuses(self, status: int, body: Any, kind: type[Exception], definite: bool) -> None:
        error = Reddit().parse_error(self.posted(body, status))
        assert (type(error), error.__dict__["definite"]) == (kind, definite)

    def test_a_token_without_the_scope(self) -> None:
        headers = {"www-authenticate": 'Bearer realm="reddit", error="insufficient_scope"'}
        assert isinstance(
            Reddit().parse_error(self.posted({"error": 403}, 403, **headers)), errors.MissingScope
        )

    @pytest.mark.parametrize("words", ["whoa there, pardner!", "You've been blocked by network security."])
    def test_a_page_for_blocked_clients_names_the_cure(self, words: str) -> None:
        page = base.Response(403, {}, f"<title>Blocked</title><h1>{words}</h1>".encode())
        error = Reddit().parse_error(page)
        assert error.__dict__["code"] == "blocked"
        assert "user_agent=" in str(error)

    def test_what_a_subreddit_asks_for_is_told_in_its_words(self) -> None:
        body = {
            "fields": ["title"],
            "explanation": 'You may not have "x" in your title. ',
            "error_type": "SUBMIT_VALIDATION_ERROR",
            "message": "Bad Request",
            "reason": "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING",
        }
        error = Reddit().parse_error(self.posted(body, 400))
        assert error.__dict__["code"] == "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING"
        assert 'You may not have "x" in your title.' in str(error)

    @pytest.mark.parametrize(
        ("words", "seconds"),
        [
            ("Take a break for 14 minutes before trying again.", 841),
            ("you are doing that too much. try again in 4 minutes.", 241),
            ("Take a break for 9 seconds before trying again.", 10),
            ("try again in 2 hours.", 7201),
            ("try again in 500 milliseconds.", 1.5),
        ],
    )
    def test_the_pause_is_read_from_the_words(self, words: str, seconds: float) -> None:
        body = {"json": {"errors": [["RATELIMIT", words, "ratelimit"]]}}
        error = Reddit().parse_error(self.posted(body))
        assert error.retry_at == NOW + timedelta(seconds=seconds)
        body["json"]["ratelimit"] = 30.5
        assert Reddit().parse_error(self.posted(body)).retry_at == NOW + timedelta(seconds=31.5)
        assert pause_in({}, "no number") is None

    def test_too_large_a_file(self) -> None:
        xml = b"<Error><Code>EntityTooLarge</Code><Message>too big</Message><ProposedSize>9</ProposedSize></Error>"
        assert told_error(base.Response(400, {}, xml)) == ("EntityTooLarge", "too big")

    def test_no_is_heard_inside_a_good_answer(self) -> None:
        says_no = Reddit().says_no
        assert says_no(self.posted({"json": {"errors": [["X", "no", ""]]}}))
        assert says_no(self.posted({"jquery": [], "success": False}))
        assert says_no(self.posted({"error": 403}))
        assert not says_no(self.posted({"json": {"errors": []}}))
        assert not says_no(self.posted({"json": {"errors": None}}))
        assert not says_no(self.posted({}))
        assert not says_no(answer({"error": "in a listing"}))

    def test_a_short_pause_is_waited_out(self) -> None:
        with harbour() as (box, client):
            box.reddit.throttle_seconds = 50.0
            for number in range(2):
                outcome = publish(box, client, post(f"Ahoy {number}"), f"key {number}")
                assert outcome.status is Status.PUBLISHED, outcome.error

    def test_a_long_pause_is_told(self) -> None:
        with harbour() as (box, client):
            box.reddit.throttle_seconds = 900.0
            publish(box, client, post(), "first")
            outcome = publish(box, client, post("Again"), "second")
            assert outcome.status is Status.FAILED
            assert outcome.error.code == "RATELIMIT"
            assert outcome.error.retry_at > box.clock.now() + timedelta(minutes=13)


class TestLimits:
    def test_what_is_left_is_a_fraction(self) -> None:
        headers = {"x-ratelimit-remaining": "995.5", "x-ratelimit-used": "4", "x-ratelimit-reset": "378"}
        told = base.Response(200, headers, url="https://oauth.reddit.com/api/info?id=1", received_at=NOW)
        (reading,) = Reddit().read_limits(told)
        assert (reading.name, reading.limit, reading.remaining) == ("api", 999, 995)
        assert reading.resets_at == NOW + timedelta(seconds=378)
        token = base.Response(200, headers, url="https://www.reddit.com/api/v1/access_token", received_at=NOW)
        assert Reddit().read_limits(token)[0].name == "token"

    @pytest.mark.parametrize("left", ["", "nan", "inf", "many"])
    def test_headers_that_say_nothing(self, left: str) -> None:
        headers = {"x-ratelimit-remaining": left, "x-ratelimit-used": "4"}
        assert Reddit().read_limits(base.Response(200, headers)) == ()
        assert Reddit().read_limits(base.Response(200, {})) == ()

    def test_posts_keep_two_seconds_apart_and_comments_need_not(self) -> None:
        with harbour() as (box, client):
            for number in range(3):
                client.publish(post(f"Ahoy {number}"), "reddit")
            first, second, third = [one.created_at for one in box.timeline("reddit")]
            assert min(second - first, third - second) >= timedelta(seconds=2)
            parent = box.timeline("reddit")[0].id
            began = box.clock.now()
            for number in range(3):
                client.publish(Post(f"Aye {number}", reply_to=parent), "reddit")
            assert box.clock.now() - began < timedelta(seconds=1)

    @pytest.mark.parametrize(
        ("media", "told"),
        [
            ([Video(mp4(seconds=901.0))], True),
            ([Video(mp4(seconds=900.0))], False),
        ],
    )
    def test_videos_of_a_quarter_of_an_hour(self, media: list[Any], told: bool) -> None:
        with harbour() as (_, client):
            assert bool(codes(planned(client, post(media=media)))) is told

    def test_the_numbers_that_were_read(self) -> None:
        rules = Reddit.rules
        assert rules.images is not None
        assert rules.video is not None
        assert rules.poll is not None
        assert (rules.images.count, rules.images.max_bytes) == (20, 20_971_520)
        assert rules.images.animated_max_bytes == 104_857_600
        assert (rules.video.max_bytes, rules.video.max_seconds) == (1_073_741_824, 900.0)
        assert (rules.poll.min_options, rules.poll.max_options, rules.poll.option_limit) == (2, 6, 120)
        assert {(one.name, one.limit, one.window) for one in rules.budgets} == {
            ("api", 1000, 600.0),
            ("token", 300, 600.0),
            ("submits", 1, 2.0),
        }


class TestWire:
    def test_the_client_says_who_it_is(self) -> None:
        token = base.Credential("bearer", access_token="t", client_id="app")
        assert Reddit().authorize(token) == {"authorization": "bearer t", "user-agent": "python:app:v1"}
        known = Reddit.signed_in(OWN)
        assert known.authorize(token)["user-agent"] == "python:app:v1 (by /u/brand)"
        own = Reddit(user_agent="python:my app:v2 (by /u/brand)")
        assert own.authorize(token)["user-agent"] == "python:my app:v2 (by /u/brand)"

    @pytest.mark.parametrize(
        "agent", ["short", "naïve agent", "two\nlines here", "Mozilla/5.0 (X11)", "python-requests/2.32"]
    )
    def test_names_reddit_would_not_take(self, agent: str) -> None:
        with pytest.raises(errors.ConfigError, match="7 plain characters"):
            Reddit(user_agent=agent)

    def test_a_refresh_token_needs_its_app(self) -> None:
        with pytest.raises(errors.ConfigError, match="client_id="):
            Reddit(refresh_token="r")
        assert Reddit(token="t", refresh_token="r", client_id="c").seed.kind == "oauth2"

    async def test_an_app_alone_is_nobody(self) -> None:
        asking = FakeCall(Reddit(token="t"), None, [answer({"features": {}})])
        with pytest.raises(errors.Declined, match="as a user"):
            await asking.adapter.account(asking)

    def test_the_scopes_of_publishing_are_enough(self) -> None:
        scopes = [scope for name in ("identify", "publish") for scope in Reddit.scopes[name]]
        with Sandbox(["reddit"]) as box:
            token = box.reddit.token_for("brand", *scopes).access_token
            place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore()}
            with Client({"reddit": Reddit(token=token)}, **place) as client:
                box.fault("dropped-after", platform="reddit")
                assert publish(box, client, post(**SAMPLES["image"]), wait=600).status is Status.PUBLISHED
                with pytest.raises(errors.MissingScope):
                    client.delete(client.settle("key")["reddit"].receipt)


class TestAfter:
    def test_an_edit_changes_text_marks_and_flair(self) -> None:
        with harbour() as (box, client):
            box.reddit.add_subreddit("picky", flairs=FLAIRS)
            plain = RedditOptions(subreddit="picky")
            receipt = publish(box, client, post(options=plain)).receipt
            talk = RedditOptions(
                subreddit="picky", flair_id="f2", flair_text="Talk: sails", sendreplies=False
            )
            client.edit(receipt, post("Aye", talk, sensitive=True, content_warning="spoiler"))
            (entry,) = box.timeline("reddit")
            assert (entry.text, entry.extras["sensitive"], entry.extras["spoiler"]) == ("Aye", True, True)
            assert (entry.extras["flair_id"], entry.extras["flair_text"]) == ("f2", "Talk: sails")
            assert entry.extras["sendreplies"] is False
            client.edit(receipt, post("Aye aye", plain))
            (entry,) = box.timeline("reddit")
            assert (entry.text, entry.extras["sensitive"], entry.extras["spoiler"]) == (
                "Aye aye",
                False,
                False,
            )

    async def test_an_edit_is_validated_as_a_submit_is(self) -> None:
        request = {"sr": "u_brand", "title": "News", "text": "Aye", "nsfw": False, "spoiler": False}
        part = base.Part(0, {"kind": "self", "request": {**request, "sendreplies": True}})
        editing = call(listing(thing()), answer({"json": {"errors": [], "data": {"things": []}}}))
        await editing.adapter.edit(Receipt(OWN, "t3_1kh35wk"), part, editing)
        asked = editing.asked[-1]
        assert (asked.path, asked.form) == (
            "/api/editusertext",
            {"api_type": "json", "thing_id": "t3_1kh35wk", "text": "Aye", "validate_on_submit": "true"},
        )

    async def test_what_reddit_does_not_know_is_deleted(self) -> None:
        deleting = call(answer({"message": "Not Found", "error": 404}, 404))
        await deleting.adapter.delete(Receipt(OWN, "t3_1kh35wk"), deleting)
        assert deleting.asked[0].form == {"api_type": "json", "id": "t3_1kh35wk"}

    def test_a_comment_is_edited(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            reply = publish(box, client, Post("Aye", reply_to=first), "reply").receipt
            client.edit(reply, Post("Nay", reply_to=first))
            assert box.timeline("reddit")[1].text == "Nay"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"title": "Other"}, "titles"),
            ({"options": BOATS}, "stay where they are"),
            ({"link": "https://example.com"}, "text posts and comments"),
        ],
    )
    def test_what_cannot_be_edited_is_refused(self, change: dict[str, Any], words: str) -> None:
        with harbour() as (box, client):
            receipt = publish(box, client, post()).receipt
            with pytest.raises(errors.ConfigError, match=words):
                client.edit(receipt, post("Aye", **change))
            assert box.timeline("reddit")[0].text == "Ahoy"

    def test_a_poll_does_not_become_a_text(self) -> None:
        with harbour() as (box, client):
            receipt = publish(box, client, post(**SAMPLES["poll"])).receipt
            with pytest.raises(errors.ConfigError, match="text posts and comments"):
                client.edit(receipt, post("Aye"))
            assert box.timeline("reddit")[0].text == "Ahoy"

    def test_gone_is_done_and_cannot_be_edited(self) -> None:
        with harbour() as (_box, client):
            receipt = publish(_box, client, post()).receipt
            client.delete(receipt)
            client.delete(receipt)
            with pytest.raises(errors.Declined, match="cannot be edited"):
                client.edit(receipt, post("Aye"))

    @pytest.mark.parametrize("wrong", ["t5_abc", "t3_../me", "t3_a,t3_b", "launch day"])
    async def test_what_is_no_id_reaches_no_request(self, wrong: str) -> None:
        deleting = call()
        with pytest.raises(errors.ConfigError, match="no id of a post on Reddit"):
            await deleting.adapter.delete(Receipt(OWN, wrong), deleting)


class TestReading:
    def test_numbers_of_a_post(self) -> None:
        with harbour() as (box, client):
            receipt = publish(box, client, post()).receipt
            box.clock.advance(86_400)
            (row,) = client.fetch_metrics(receipt)
            assert row.likes == row.raw["score"] > 0
            assert (row.comments, row.shares) == (row.raw["num_comments"], row.raw["num_crossposts"])
            up, down = row.raw["estimated_upvotes"], row.raw["estimated_downvotes"]
            assert up - down == row.likes
            assert up / (up + down) == pytest.approx(row.raw["upvote_ratio"], abs=0.01)
            unknown = ("impressions", "reach", "saves", "clicks", "quotes", "video_views", "watch_seconds")
            assert {name for name in unknown if getattr(row, name) is not None} == set()
            assert [name for name in unknown if "app and the website" in row.missing[name]] == list(unknown)

    def test_numbers_of_a_comment(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            reply = publish(box, client, Post("Aye", reply_to=first), "reply").receipt
            (row,) = client.fetch_metrics(reply)
            assert (row.likes, row.comments, row.shares) == (row.raw["score"], None, None)
            assert row.missing["comments"] == "Reddit tells it of posts, not of comments"

    @pytest.mark.parametrize("shell", [{"removed_by_category": "deleted"}, {"author": "[deleted]"}])
    async def test_a_shell_is_no_post(self, shell: dict[str, Any]) -> None:
        reading = call(listing(thing(score=3, **shell)))
        (row,) = await reading.adapter.fetch_metrics([Receipt(OWN, "t3_1kh35wk")], reading)
        assert (row.likes, type(row.error)) == (None, errors.Declined)

    async def test_what_was_taken_out_of_sight_has_its_numbers(self) -> None:
        reading = call(listing(thing(score=3, removed_by_category="automod_filtered")))
        (row,) = await reading.adapter.fetch_metrics([Receipt(OWN, "t3_1kh35wk")], reading)
        assert (row.likes, row.error) == (3, None)

    async def test_a_ratio_of_one_half_tells_no_votes(self) -> None:
        for ratio in (0.5, 0.501, 0.497):
            reading = call(listing(thing(score=0, upvote_ratio=ratio, num_comments=0, num_crossposts=0)))
            (row,) = await reading.adapter.fetch_metrics([Receipt(OWN, "t3_1kh35wk")], reading)
            assert (row.likes, row.error, "estimated_upvotes" in row.raw) == (0, None, False)

    def test_a_bad_id_and_a_deleted_post_spoil_nothing(self) -> None:
        with harbour() as (box, client):
            kept, gone = (publish(box, client, post(f"Ahoy {n}"), f"key {n}").receipt for n in range(2))
            client.delete(gone)
            rows = client.fetch_metrics([Receipt(OWN, "not one"), gone, kept, Receipt(OWN, "t3_zzzzz")])
            assert [row.error is None for row in rows] == [False, False, True, False]

    def test_a_thousand_posts_in_ten_requests(self) -> None:
        with harbour() as (box, client):
            first = publish(box, client, post()).receipt
            receipts = [Receipt(first.identity, f"t3_{number:05}") for number in range(999)]
            before = len(box.requests)
            rows = client.fetch_metrics([first, *receipts])
            assert (len(rows), len(box.requests) - before) == (1000, 10)

    def test_followers_and_karma(self) -> None:
        with harbour() as (_, client):
            (row,) = client.fetch_account_metrics("reddit")
            assert (row.followers, row.raw["total_karma"]) == (12, 200)

    async def test_an_account_without_a_profile(self) -> None:
        reading = call(answer({"name": "brand", "id": "1r4nd", "subreddit": None}))
        row = await reading.adapter.fetch_account_metrics(reading, since=None, until=None)
        assert (row.followers, list(row.missing)) == (None, ["followers"])

    def test_own_posts_within_a_time(self) -> None:
        with harbour() as (box, client):
            marks = []
            for number in range(4):
                publish(box, client, post(f"Ahoy {number}"), f"key {number}")
                marks.append(box.clock.now())
                box.clock.advance(100)
            between = client.fetch_posts("reddit", since=marks[1] - timedelta(seconds=5), until=marks[2])
            assert [one.text for one in between] == ["Ahoy 2", "Ahoy 1"]

    async def test_a_pinned_old_post_ends_no_list(self) -> None:
        old = thing("t3_1a", created_utc=NOW.timestamp() - 9999, pinned=True)
        reading = call(listing(old, thing("t3_2a")))
        posts = reading.adapter.fetch_posts(reading, since=NOW - timedelta(seconds=60), until=None, limit=9)
        assert [one.id async for one in posts] == ["t3_2a"]

    def test_permalinks_and_shared_links_lead_to_the_post(self) -> None:
        with harbour() as (box, client):
            receipt = publish(box, client, post()).receipt
            reply = publish(box, client, Post("Aye", reply_to=receipt), "reply").receipt
            short = receipt.id[3:]
            for link, name in (
                (receipt.url, receipt.id),
                (f"https://redd.it/{short}", receipt.id),
                (f"https://old.reddit.com/comments/{short}?x=1", receipt.id),
                (reply.url, reply.id),
                (box.reddit.share(receipt.id), receipt.id),
            ):
                assert client.accounts["reddit"].owns(link), link
                (row,) = client.fetch_metrics(link)
                assert row.id == name, link
                assert row.identity == receipt.identity

    @pytest.mark.parametrize(
        "link",
        [
            "https://www.reddit.com/r/boats/",
            "https://example.com/r/boats/comments/1kh35wk/",
            "https://www.reddit.com.example.com/comments/1kh35wk",
            "https://evil.example.com/redd.it/1kh35wk",
        ],
    )
    def test_other_links_are_not_ours(self, link: str) -> None:
        assert not Reddit().owns(link)
        assert name_of(link) is None


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("#launch", "\\#launch"),
            ("##launch", "\\##launch"),
            ("  #launch", "  \\#launch"),
            ("# Heading", "# Heading"),
            ("we #launch", "we #launch"),
            ("#1 of them\n#2", "\\#1 of them\n\\#2"),
            ("```\n#include <a>\n```\n#b", "```\n#include <a>\n```\n\\#b"),
            ("~~~\n```\n#a\n~~~\n#b", "~~~\n```\n#a\n~~~\n\\#b"),
            ("```a``` b\n#c", "```a``` b\n\\#c"),
            ("    #code", "    #code"),
        ],
    )
    def test_tags_are_no_headings(self, text: str, shown: str) -> None:
        assert escape_hashes(text) == shown

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("a\nb", "a  \nb"),
            ("a\n\nb", "a\n\nb"),
            ("a  \nb", "a  \nb"),
            ("a\\\nb", "a\\\nb"),
            ("- a\n- b", "- a\n- b"),
            ("> a\n> b", "> a\n> b"),
            ("a\n```\nx\ny\n```", "a\n```\nx\ny\n```"),
            ("| a | b |\n|---|---|", "| a | b |\n|---|---|"),
            ("# Heading\nword", "# Heading\nword"),
        ],
    )
    def test_lines_stay_lines(self, text: str, shown: str) -> None:
        assert keep_breaks(text) == shown

    @given(st.text(alphabet="ab#\n -`>\\ ", max_size=60))
    def test_nothing_but_marks_is_added(self, text: str) -> None:
        done = keep_breaks(escape_hashes(text))
        assert "".join(done.split()).replace("\\", "") == "".join(text.split()).replace("\\", "")
        assert keep_breaks(keep_breaks(text)) == keep_breaks(text)
