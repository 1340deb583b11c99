"""LinkedIn: who posts, what is planned, sent, found again, and how refusals are read."""

from __future__ import annotations

import io
import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from PIL import Image as Pillow

from media_files import gif, png
from socialkit import App, Client, Image, Link, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters.linkedin import LinkedIn, LinkedInOptions
from socialkit.contracts._samples import mp4
from socialkit.model import File, Identity, Receipt
from socialkit.sandbox import Sandbox
from socialkit.store import MemoryStore, MemoryTokens
from socialkit.text import length

from .fakes import NOW, answer
from .linkedin_samples import (
    COMMENT,
    ME,
    OTHER,
    OWN,
    OWN_PAGE,
    PAGE,
    PAGE_FACTS,
    SHARE,
    VIDEO_POST,
    call,
    changes,
    codes,
    denied,
    duplicate,
    listed,
    made,
    only_part,
    own_post,
    planned,
)

BACK = "http://127.0.0.1:8910/callback"


def lost(part: base.Part, **more: Any) -> base.Lost:
    window = {"since": NOW - timedelta(minutes=1), "until": NOW + timedelta(minutes=5)}
    return base.Lost(part, **{**window, **more})


class TestConstructor:
    @pytest.mark.parametrize("given", [2414183, "2414183", PAGE])
    def test_a_page_is_its_number_or_urn(self, given: str | int) -> None:
        assert LinkedIn(token="t", organization=given).author == PAGE

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"organization": "example-shipyard"}, "neither a number nor a URN"),
            ({"version": "v2"}, "no year and month"),
            ({"tier": "pro"}, "no tier='pro'; one of share, development, standard"),
            ({"refresh_token": "r"}, "needs client_id"),
        ],
    )
    def test_what_cannot_be(self, options: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.ConfigError, match=words):
            LinkedIn(token="t", **options)

    def test_a_version_may_be_a_number(self) -> None:
        assert LinkedIn(token="t", version=202610).version == "202610"

    def test_two_authors_with_one_token_are_two_logins(self) -> None:
        hints = {LinkedIn(token="t").hint, LinkedIn(token="t", organization=1).hint}
        assert len(hints | {LinkedIn(token="t", organization=2).hint}) == 3

    def test_every_request_says_its_version(self) -> None:
        wire = LinkedIn(token="t", version="202607").authorize(base.Credential("bearer", access_token="t"))
        assert wire == {
            "authorization": "Bearer t",
            "linkedin-version": "202607",
            "x-restli-protocol-version": "2.0.0",
        }

    @pytest.mark.parametrize(
        ("options", "limits"),
        [
            ({}, [150, 100_000]),
            ({"tier": "development"}, [100, 500]),
            ({"organization": 7}, []),
            ({"organization": 7, "tier": "development"}, [100, 500]),
        ],
    )
    def test_the_quotas_of_each_tier(self, options: dict[str, Any], limits: list[int]) -> None:
        assert [one.limit for one in LinkedIn(token="t", **options).rules.budgets] == limits


class TestAccount:
    async def test_a_member_by_openid(self) -> None:
        asking = call(answer({"sub": "8sYw-brAnd", "name": "Brand"}), member=True)
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name, facts.facts) == (OWN, "Brand", {"author": ME})

    async def test_a_member_without_openid(self) -> None:
        names = {"localizedFirstName": "Ada", "localizedLastName": "Example"}
        asking = call(denied("userinfo.GET.NO_VERSION"), answer({"id": "8sYw-brAnd", **names}), member=True)
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "Ada Example")
        assert [one.path for one in asking.asked] == ["/v2/userinfo", "/v2/me"]

    async def test_a_page_with_its_name_and_roles(self) -> None:
        page = answer({"id": 2414183, "localizedName": "Example Shipyard", "vanityName": "example-shipyard"})
        acls = listed(
            {"organization": PAGE, "role": "ANALYST", "state": "APPROVED"},
            {"organizationTarget": PAGE, "role": "ADMINISTRATOR", "state": "APPROVED"},
            {"organization": PAGE, "role": "CURATOR", "state": "REQUESTED"},
        )
        asking = call(page, acls)
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN_PAGE, "Example Shipyard")
        assert facts.url == "https://www.linkedin.com/company/example-shipyard"
        assert facts.facts["roles"] == ["ADMINISTRATOR", "ANALYST"]

    async def test_a_page_the_member_has_no_role_on(self) -> None:
        acls = listed({"organization": "urn:li:organization:9", "role": "ADMINISTRATOR"})
        asking = call(answer({}), acls)
        with pytest.raises(errors.ConfigError, match=r"no role on .*2414183; Pages with one: .*:9"):
            await asking.adapter.account(asking)

    async def test_roles_are_read_page_after_page(self) -> None:
        """A member who looks after many Pages: ours may stand on a later page of the list."""
        next_ = {"start": 0, "count": 10, "links": [{"rel": "next"}]}
        first = answer(
            {"paging": next_, "elements": [{"organization": "urn:li:organization:9", "role": "ANALYST"}]}
        )
        asking = call(answer({}), first, listed({"organization": PAGE, "role": "ADMINISTRATOR"}))
        assert (await asking.adapter.account(asking)).facts["roles"] == ["ADMINISTRATOR"]
        assert [asked.params["start"] for asked in asking.asked[1:]] == ["0", "1"]
        assert asking.asked[1].params["count"] == "100"

    async def test_a_page_whose_roles_the_token_may_not_read(self) -> None:
        asking = call(denied(), denied())
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name, facts.facts["roles"]) == (OWN_PAGE, None, None)

    async def test_a_role_that_is_not_known_to_post_is_a_warning(self) -> None:
        facts = attrs.evolve(PAGE_FACTS, facts={"author": PAGE, "roles": ["ANALYST"]})
        assert codes(await planned(Post("Ahoy"), facts=facts), "warning") == [("organization", "role")]


class TestSignIn:
    """One sign-in of a member posts as the member and as every Page the member posts for."""

    @pytest.fixture
    def box(self) -> Any:
        with Sandbox(["linkedin"]) as made:
            yield made

    def sign_in(self, box: Any, tokens: Any, username: str = "brand") -> Identity:
        app = App(**box.linkedin.app_for("community", BACK), flow="community")
        place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore(), "tokens": tokens}
        with Client(apps={"linkedin": app}, **place) as client:
            wanted = ("publish", "metrics", "delete")
            login = client.begin_login("linkedin", redirect_uri=BACK, capabilities=wanted)
            return client.finish_login(login, box.linkedin.approve(login.url, username)).identity

    def client(self, box: Any, tokens: Any, **accounts: LinkedIn) -> Client:
        app = App(**box.linkedin.app_for("community", BACK), flow="community")
        place = {"transport": box.transport, "clock": box.clock, "store": MemoryStore(), "tokens": tokens}
        return Client(accounts, apps={"linkedin": app}, **place)

    def test_the_member_and_a_page(self, box: Any) -> None:
        tokens = MemoryTokens()
        who = self.sign_in(box, tokens)
        assert who.id == box.linkedin.identity_of("brand")
        accounts = {"me": LinkedIn.signed_in(who), "page": LinkedIn.signed_in(who, organization=2414183)}
        with self.client(box, tokens, **accounts) as client:
            report = client.publish(Post("Ahoy"), to=["me", "page"])
            assert [report[name].receipt.identity.id for name in accounts] == [who.id, PAGE]
        assert [entry.account for entry in box.timeline("linkedin")] == [f"urn:li:person:{who.id}", PAGE]

    def test_a_page_is_renewed_with_the_members_token(self, box: Any) -> None:
        tokens = MemoryTokens()
        who = self.sign_in(box, tokens)
        box.clock.advance(61 * 86_400)
        with self.client(box, tokens, page=LinkedIn.signed_in(who, organization=2414183)) as client:
            assert client.publish(Post("Ahoy"), to="page")["page"].status is Status.PUBLISHED
        assert box.linkedin.refresh_count == 1

    def test_another_member_signs_in_under_that_name(self, box: Any) -> None:
        tokens = MemoryTokens()
        who = self.sign_in(box, tokens)
        other = self.sign_in(box, tokens, "other")
        tokens.save(who, tokens.load(other))
        with self.client(box, tokens, page=LinkedIn.signed_in(who, organization=2414183)) as client:
            outcome = client.publish(Post("Ahoy"), to="page", errors="return")["page"]
        assert isinstance(outcome.error, errors.IdentityClash)

    def test_a_page_by_its_own_identity(self) -> None:
        account = LinkedIn.signed_in(OWN_PAGE)
        assert (account.author, account.identity, account.signer) == (PAGE, OWN_PAGE, None)


POLL = Poll(["a", "b"], seconds=86_400)
CLIP_BYTES = 80_000


def clip(seconds: float = 5.0, width: int = 1280, height: int = 720) -> Post:
    return Post("See", media=[Video(mp4(seconds, width, height) + bytes(CLIP_BYTES), alt="A boat")])


def pictures(count: int, alt: str = "A boat", **fields: Any) -> Post:
    return Post("See", media=[Image(png(), alt=alt) for _ in range(count)], **fields)


class TestLimits:
    """What just fits, and what is one beyond it."""

    @pytest.mark.parametrize(
        ("fits", "beyond", "problem"),
        [
            (Post("x" * 3000), Post("x" * 3001), ("text", "too_long")),
            (Post("😀" * 1500), Post("😀" * 1501), ("text", "too_long")),
            (pictures(20), pictures(21), ("media", "count")),
            (pictures(1, "😀" * 2043), pictures(1, "😀" * 2043 + "x"), ("media[0].alt", "too_long")),
            (
                Post("Q", poll=Poll(["a", "b", "c", "d"], seconds=86_400)),
                Post("Q", poll=Poll(["a", "b", "c", "d", "e"], seconds=86_400)),
                ("poll.options", "count"),
            ),
            (
                Post("Q", poll=Poll(["😀" * 15, "b"], seconds=86_400)),
                Post("Q", poll=Poll(["😀" * 15 + "x", "b"], seconds=86_400)),
                ("poll.options[0]", "too_long"),
            ),
            (Post("Q" * 140, poll=POLL), Post("Q" * 141, poll=POLL), ("text", "too_long")),
            (clip(3.0), clip(2.9), ("media[0]", "range")),
            (clip(1800.0), clip(1801.0), ("media[0]", "range")),
            (clip(width=256, height=144), clip(width=256, height=143), ("media[0]", "range")),
            (clip(width=4096, height=2304), clip(width=4097, height=2304), ("media[0]", "range")),
            (clip(width=960, height=400), clip(width=970, height=400), ("media[0]", "range")),
            (clip(width=400, height=960), clip(width=400, height=970), ("media[0]", "range")),
        ],
    )
    async def test_to_the_one(self, fits: Post, beyond: Post, problem: tuple[str, str]) -> None:
        assert codes(await planned(fits)) == []
        assert codes(await planned(beyond)) == [problem]

    def test_what_takes_large_files_to_try(self) -> None:
        rules = LinkedIn.rules
        assert rules.images
        assert rules.video
        assert rules.files
        assert (rules.images.max_bytes, rules.images.max_pixels) == (5_000_000, 36_152_319)
        assert (rules.images.animated_max_frames, rules.files.max_bytes) == (250, 100_000_000)
        assert (rules.video.max_bytes, rules.video.min_fps, rules.video.max_fps) == (500_000_000, 10.0, 60.0)
        assert (rules.video.types, rules.video.codecs) == ({"video/mp4"}, {"h264", "aac"})
        assert (rules.find.quiet, rules.find.looks, rules.metrics_batch) == (180.0, 3, 100)
        assert LinkedIn(token="t").rules.metrics_batch == 1


class TestPlan:
    async def test_text_is_escaped_and_hashtags_and_mentions_live(self) -> None:
        text = "Ahoy (all)! @[Example Co](urn:li:organization:5) a_b #launch #go_on"
        part = await only_part(Post(text, tags=["boats"]))
        request = part.body["request"]
        assert request == {
            "author": PAGE,
            "commentary": r"Ahoy \(all\)! @[Example Co](urn:li:organization:5) a\_b #launch {hashtag|\#|go\_on}"
            "\n\n#boats",
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }

    async def test_a_plain_name_is_no_mention(self) -> None:
        assert ("text", "mention_unknown") in changes(await planned(Post("Thanks @ada!")))
        assert changes(await planned(Post("Thanks @[Ada](urn:li:person:A1)!"))) == []

    async def test_the_text_with_its_escapes_has_the_limit_too(self) -> None:
        assert codes(await planned(Post("(" * 1500))) == []
        assert codes(await planned(Post("(" * 1501))) == [("text", "too_long")]

    @pytest.mark.parametrize(
        ("fields", "member", "seen"),
        [
            ({}, True, "PUBLIC"),
            ({"visibility": "public"}, False, "PUBLIC"),
            ({"visibility": "followers"}, True, "CONNECTIONS"),
        ],
    )
    async def test_who_sees_it(self, fields: dict[str, Any], member: bool, seen: str) -> None:
        assert (await only_part(Post("Ahoy", **fields), member=member)).body["request"]["visibility"] == seen

    async def test_a_page_has_no_posts_for_connections(self) -> None:
        assert codes(await planned(Post("Ahoy", visibility="followers"))) == [("visibility", "unsupported")]

    async def test_the_options(self) -> None:
        options = LinkedInOptions(
            signed_in_only=True,
            disable_reshare=True,
            close_comments=True,
            in_feed=False,
            targets=({"industries": ["urn:li:industry:4"]},),
        )
        part = await only_part(Post("Ahoy").variant("linkedin", options))
        request = part.body["request"]
        assert (request["visibility"], request["isReshareDisabledByAuthor"]) == ("LOGGED_IN", True)
        assert request["distribution"]["feedDistribution"] == "NONE"
        assert request["distribution"]["targetEntities"] == [{"industries": ["urn:li:industry:4"]}]
        assert part.body["close"] is True
        assert part.requests == 2

    async def test_options_that_do_not_fit(self) -> None:
        aimed = LinkedInOptions(targets=({"geoLocations": ["urn:li:geo:1"]},))
        made = await planned(Post("Ahoy").variant("linkedin", aimed), member=True)
        assert codes(made) == [("options.targets", "unsupported")]
        both = Post("Ahoy", visibility="followers").variant("linkedin", LinkedInOptions(signed_in_only=True))
        assert codes(await planned(both, member=True)) == [("options.signed_in_only", "mixed")]

    def test_one_target_is_a_target(self) -> None:
        aimed = {"industries": ["urn:li:industry:4"]}
        assert LinkedInOptions(targets=aimed).targets == LinkedInOptions(targets=(aimed,)).targets == (aimed,)

    @pytest.mark.parametrize(
        ("aimed", "code"),
        [
            ({"countries": ["urn:li:geo:1"]}, "unknown"),
            ({"degrees": []}, "invalid"),
            ({"degrees": "x"}, "invalid"),
        ],
    )
    async def test_targets_linkedin_does_not_know(self, aimed: Any, code: str) -> None:
        made = await planned(Post("Ahoy").variant("linkedin", LinkedInOptions(targets=aimed)))
        assert codes(made) == [("options.targets", code)]

    @pytest.mark.parametrize(
        ("fields", "where", "most", "field"),
        [
            ({"title": "😀" * 201}, "title", 400, "link.title"),
            ({"title": "T", "description": "😀" * 2044}, "description", 4086, "link.description"),
        ],
    )
    async def test_a_card_is_cut_in_utf16_units(
        self, fields: dict[str, str], where: str, most: int, field: str
    ) -> None:
        made = await planned(Post("See", link=Link("https://example.com/boat", **fields)))
        shown = made.parts[0].body["request"]["content"]["article"][where]
        assert most - 2 <= length(shown, "utf16") <= most
        assert (field, "shortened") in changes(made)

    async def test_what_is_cut_of_a_card_is_told_wherever_it_stood(self) -> None:
        link = Link("https://example.com/boat", thumbnail=Image(png(), alt="x" * 4087))
        made = await planned(Post("See", title="x" * 401, link=link))
        card = made.parts[0].body["request"]["content"]["article"]
        assert (len(card["title"]), len(card["thumbnailAltText"])) == (400, 4086)
        assert changes(made) == [("title", "shortened"), ("link.thumbnail.alt", "shortened")]

    async def test_a_mention_of_something_else_is_told(self) -> None:
        made = await planned(Post("Ahoy @[Example Co](urn:li:company:5)"))
        assert ("text", "mention_unknown") in codes(made, "warning")
        assert codes(await planned(Post("Ahoy @[Example Co](urn:li:organization:5)")), "warning") == []

    async def test_a_link_is_a_card_with_a_thumbnail(self) -> None:
        link = Link(
            "https://example.com/boat",
            title="The boat",
            description="New",
            thumbnail=Image(png(), alt="A boat"),
        )
        part = await only_part(Post("See", link=link))
        assert part.body["request"]["content"] == {
            "article": {
                "source": "https://example.com/boat",
                "title": "The boat",
                "description": "New",
                "thumbnailAltText": "A boat",
            }
        }
        assert list(part.extras) == ["thumbnail"]

    async def test_a_cards_picture_of_another_type_is_converted(self) -> None:
        made_of = io.BytesIO()
        Pillow.new("RGB", (40, 30), "teal").save(made_of, "WEBP")
        link = Link(
            "https://example.com/boat", title="The boat", thumbnail=Image(made_of.getvalue(), alt="A")
        )
        made = await planned(Post("See", link=link))
        assert made.parts[0].extras["thumbnail"].mime in ("image/jpeg", "image/png")
        assert ("link.thumbnail", "fitted") in changes(made)

    async def test_a_link_whose_page_says_nothing(self) -> None:
        made = await planned(Post("See", link="https://example.com/boat"))
        assert made.parts[0].body["request"]["content"]["article"]["title"] == "example.com"
        assert changes(made) == [("link.title", "from_address")]

    @pytest.mark.parametrize("fields", [{"poll": Poll(["a", "b"], seconds=86_400)}, {"quote": SHARE}])
    async def test_a_link_beside_something_else_stands_in_the_text(self, fields: dict[str, Any]) -> None:
        made = await planned(Post("See", link="https://example.com/boat", title="Which?", **fields))
        assert made.parts[0].body["words"] == "See\n\nhttps://example.com/boat"
        assert ("link", "in_text") in changes(made)

    async def test_pictures_with_alt_text_one_or_many(self) -> None:
        one = await only_part(Post("See", media=[Image(png(), alt="A boat")]))
        assert one.body["request"]["content"] == {"media": {"altText": "A boat"}}
        two = await only_part(Post("See", media=[Image(png(), alt="A"), Image(gif(), alt="B")]))
        assert two.body["request"]["content"] == {
            "multiImage": {"images": [{"altText": "A"}, {"altText": "B"}]}
        }

    @pytest.mark.parametrize(
        ("clip", "told"),
        [
            (mp4(), [("media[0]", "too_small")]),
            (mp4() + bytes(75_000), []),
            (mp4(1000.0) + bytes(75_000), [("media[0]", "undocumented")]),
        ],
    )
    async def test_where_linkedins_pages_disagree_it_is_a_warning(self, clip: bytes, told: Any) -> None:
        made = await planned(Post("See", media=[Video(clip, alt="A boat")]))
        assert (codes(made), codes(made, "warning")) == ([], told)

    async def test_a_document_needs_a_title(self) -> None:
        pdf = b"%PDF-1.7\n%%EOF"
        named = await planned(Post("See", media=[File(pdf, name="Annual report.pdf")]))
        assert named.parts[0].body["request"]["content"] == {"media": {"title": "Annual report"}}
        assert ("title", "from_name") in changes(named)
        titled = await planned(Post("See", title="Our year", media=[File(pdf, name="report.pdf")]))
        assert titled.parts[0].body["request"]["content"] == {"media": {"title": "Our year"}}
        assert codes(await planned(Post("See", media=[File(pdf)]))) == [("title", "required")]

    async def test_a_poll_asks_the_title_or_the_text(self) -> None:
        poll = Poll(["port", "starboard"], seconds=86_400)
        titled = await only_part(Post("We cannot decide", title="Which side?", poll=poll))
        assert titled.body["words"] == "We cannot decide"
        assert titled.body["request"]["content"]["poll"] == {
            "question": "Which side?",
            "options": [{"text": "port"}, {"text": "starboard"}],
            "settings": {
                "duration": "ONE_DAY",
                "voteSelectionType": "SINGLE_VOTE",
                "isVoterVisibleToAuthor": True,
            },
        }
        bare = await only_part(Post("Which side?", poll=poll))
        assert (bare.body["request"]["commentary"], bare.body["request"]["content"]["poll"]["question"]) == (
            "",
            "Which side?",
        )
        tagged = await only_part(Post("Which side?", tags=["boats", "sea"], poll=poll))
        assert tagged.body["request"]["content"]["poll"]["question"] == "Which side?"
        assert tagged.body["request"]["commentary"] == "#boats #sea"
        assert codes(await planned(Post("", tags=["boats"], poll=poll))) == [("title", "required")]
        assert codes(await planned(Post("x" * 141, poll=poll))) == [("text", "too_long")]
        assert codes(await planned(Post("x", title="x" * 141, poll=poll))) == [("title", "too_long")]

    @pytest.mark.parametrize(
        ("seconds", "duration"),
        [(86_400, "ONE_DAY"), (200_000, "THREE_DAYS"), (604_800, "SEVEN_DAYS"), (1_209_600, "FOURTEEN_DAYS")],
    )
    async def test_a_poll_is_open_for_whole_days(self, seconds: int, duration: str) -> None:
        made = await planned(Post("Which?", poll=Poll(["a", "b"], seconds=seconds)))
        assert made.parts[0].body["request"]["content"]["poll"]["settings"]["duration"] == duration
        assert (("poll.seconds", "rounded") in changes(made)) == (seconds == 200_000)

    async def test_a_reshare_of_an_activity_is_a_warning(self) -> None:
        made = await planned(Post("Look", quote="urn:li:activity:7001"))
        assert (codes(made), codes(made, "warning")) == ([], [("quote", "undocumented")])

    async def test_a_reshare(self) -> None:
        url = f"https://www.linkedin.com/feed/update/{SHARE}/"
        part = await only_part(Post("Worth reading", quote=url))
        assert part.body["request"]["reshareContext"] == {"parent": SHARE}
        assert part.kind == "quote"
        picture = await planned(Post("See", quote=SHARE, media=[Image(png(), alt="A")]))
        assert codes(picture) == [("quote", "mixed")]
        assert codes(await planned(Post("See", quote=COMMENT))) == [("quote", "unsupported")]

    async def test_a_reply_is_a_comment_and_is_never_escaped(self) -> None:
        text = "Thanks 😀 (all) @[Example Co](urn:li:organization:5)!"
        part = await only_part(Post(text, reply_to=SHARE))
        assert part.body == {
            "under": SHARE,
            "comment": {
                "actor": PAGE,
                "object": SHARE,
                "message": {
                    "text": "Thanks 😀 (all) Example Co!",
                    "attributes": [
                        {
                            "start": 16,
                            "length": 10,
                            "value": {"organization": {"organization": "urn:li:organization:5"}},
                        }
                    ],
                },
            },
        }
        nested = await only_part(Post("Thanks", reply_to=COMMENT))
        assert (nested.body["comment"]["object"], nested.body["comment"]["parentComment"]) == (SHARE, COMMENT)

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"text": "x" * 1251}, ("text", "too_long")),
            ({"text": "", "media": [Image(png(), alt="A")]}, ("text", "required")),
            ({"media": [Image(png(), alt="A"), Image(png(5), alt="B")]}, ("media", "unsupported")),
            ({"quote": OTHER}, ("quote", "mixed")),
            ({"visibility": "followers"}, ("visibility", "unsupported")),
        ],
    )
    async def test_what_a_comment_cannot_carry(
        self, fields: dict[str, Any], problem: tuple[str, str]
    ) -> None:
        post = Post(**{"text": "Aye", "reply_to": SHARE, **fields})
        assert problem in codes(await planned(post, member=True))

    async def test_options_of_posts_are_refused_for_comments(self) -> None:
        options = LinkedInOptions(close_comments=True, in_feed=False)
        post = Post("Aye", reply_to=SHARE).variant("linkedin", options)
        assert codes(await planned(post)) == [
            ("options.close_comments", "unsupported"),
            ("options.in_feed", "unsupported"),
        ]

    @pytest.mark.parametrize("field", ["reply_to", "quote"])
    async def test_a_reference_that_is_none(self, field: str) -> None:
        made = await planned(Post("Ahoy", **{field: "https://www.linkedin.com/in/somebody"}))
        assert codes(made) == [(field, "not_found")]

    async def test_a_title_nobody_would_see_is_told(self) -> None:
        assert changes(await planned(Post("Ahoy", title="News"))) == [("title", "not_carried")]


class TestSend:
    async def test_the_urn_stands_in_a_header(self) -> None:
        part = await only_part(Post("Ahoy"))
        asking = call(made(VIDEO_POST))
        sent = await asking.adapter.send(part, asking)
        assert sent.id == VIDEO_POST
        assert sent.url == f"https://www.linkedin.com/feed/update/{VIDEO_POST}/"
        assert (asking.asked[0].step, asking.asked[0].path) == ("commit", "/rest/posts")

    @pytest.mark.parametrize("name", ["location", "Location"])
    async def test_the_urn_may_stand_in_another_header(self, name: str) -> None:
        part = await only_part(Post("Ahoy"))
        asking = call(
            answer(status=201, headers={name.lower(): "/posts/urn%3Ali%3Ashare%3A7001"}, content=b"")
        )
        assert (await asking.adapter.send(part, asking)).id == SHARE

    async def test_a_201_without_a_urn_is_live_and_says_what_is_missing(self) -> None:
        part = await only_part(Post("Ahoy"))
        asking = call(made(None))
        sent = await asking.adapter.send(part, asking)
        assert (sent.id, sent.status) == (None, Status.PUBLISHED)
        assert "did not say its URN" in sent.missing[0]

    @pytest.mark.parametrize(
        "told",
        [
            answer({"commentUrn": COMMENT}, 201),
            answer(status=201, headers={"x-restli-id": "88"}, content=b""),
            answer(status=201, headers={"x-restli-id": COMMENT}, content=b"<html>"),
        ],
    )
    async def test_a_comment_by_its_urn_or_number(self, told: base.Response) -> None:
        part = await only_part(Post("Aye", reply_to=SHARE))
        asking = call(told)
        sent = await asking.adapter.send(part, asking)
        assert sent.id == COMMENT
        assert sent.url == (
            "https://www.linkedin.com/feed/update/urn:li:share:7001/"
            "?commentUrn=urn%3Ali%3Acomment%3A%28urn%3Ali%3Ashare%3A7001%2C88%29"
        )
        assert asking.asked[0].url.endswith("/rest/socialActions/urn%3Ali%3Ashare%3A7001/comments")

    async def test_comments_are_closed_afterwards(self) -> None:
        part = await only_part(Post("Ahoy").variant("linkedin", LinkedInOptions(close_comments=True)))
        asking = call(answer({}, 200))
        sent = base.Sent(SHARE)
        assert await asking.adapter.attach(part, sent, asking) == sent
        asked = asking.asked[0]
        assert (asked.step, asked.headers["x-restli-method"]) == ("attach", "PARTIAL_UPDATE")
        assert asked.json == {"patch": {"$set": {"commentsState": "CLOSED"}}}
        nameless = await asking.adapter.attach(part, base.Sent(None), call())
        assert "comments are open" in nameless.missing[0]

    async def test_the_post_a_refusal_names_is_remembered(self) -> None:
        part = await only_part(Post("Ahoy"))
        cause = call().adapter.parse_error(duplicate(OTHER))
        assert isinstance(cause, errors.Duplicate)
        unknown = errors.OutcomeUnknown("the platform failed")
        unknown.__cause__ = cause
        asking = call(unknown)
        with pytest.raises(errors.OutcomeUnknown):
            await asking.adapter.send(part, asking)
        assert asking.memory == {"named": OTHER}


class TestFind:
    async def look(self, post: Post, *answers: Any, memory: Any = None, **more: Any) -> base.Finding:
        part = await only_part(post)
        asking = call(*answers, memory=memory)
        return await asking.adapter.find(lost(part, **more), asking)

    async def test_one_post_of_the_page_with_the_same_words(self) -> None:
        old = own_post("Ahoy", OTHER, NOW - timedelta(hours=1))
        found = await self.look(Post("Ahoy (all) #a"), listed(own_post(r"Ahoy \(all\) {hashtag|\#|a}"), old))
        assert isinstance(found, base.Found)
        assert (found.sent.id, found.sent.published_at) == (SHARE, NOW)

    @pytest.mark.parametrize(
        ("posts", "kind"),
        [
            ([], base.Absent),
            ([own_post("Something else")], base.Absent),
            ([own_post("Ahoy"), own_post("Ahoy", OTHER)], base.CannotTell),
            ([own_post("Ahoy", at=NOW + timedelta(hours=1))], base.Absent),
            ([own_post("Ahoy", lifecycleState="PUBLISH_FAILED")], base.Absent),
            ([own_post("Ahoy", lifecycleState="DRAFT")], base.Absent),
            ([own_post("Ahoy", reshareContext={"parent": OTHER})], base.Absent),
            ([own_post("Ahoy", content={"media": {"id": "urn:li:image:x"}})], base.CannotTell),
        ],
    )
    async def test_what_is_not_ours(self, posts: list[Any], kind: type) -> None:
        assert isinstance(await self.look(Post("Ahoy"), listed(*posts), listed()), kind)

    async def test_a_post_of_another_intent_is_no_candidate(self) -> None:
        found = await self.look(Post("Ahoy"), listed(own_post("Ahoy")), listed(), claimed=frozenset({SHARE}))
        assert isinstance(found, base.Absent)

    async def test_media_are_told_by_their_urns(self) -> None:
        post = Post("See", media=[Image(png(), alt="A")])
        part = await only_part(post)
        memory = {f"media 0 {part.media[0].digest[:16]}": "urn:li:image:a"}
        ours = own_post("See", content={"media": {"id": "urn:li:image:a", "altText": "A"}})
        theirs = own_post("See", content={"media": {"id": "urn:li:image:b", "altText": "A"}})
        assert isinstance(await self.look(post, listed(ours), listed(), memory=memory), base.Found)
        assert isinstance(await self.look(post, listed(theirs), listed(), memory=memory), base.CannotTell)

    async def test_every_page_down_to_the_attempt_is_read(self) -> None:
        pages = [own_post(f"Number {n}", f"urn:li:share:{9000 + n}") for n in range(100)]
        found = await self.look(Post("Ahoy"), listed(*pages), listed(own_post("Ahoy")), listed())
        assert isinstance(found, base.Found)

    @pytest.mark.parametrize(
        ("source", "kind"),
        [
            ("https://example.com/boat", base.Found),
            ("http://Example.com/boat/", base.Found),
            ("https://example.com/boat?utm_source=linkedin", base.CannotTell),
        ],
    )
    @pytest.mark.parametrize("text", ["", "See"])
    async def test_a_card_is_told_by_its_address(self, source: str, kind: type, text: str) -> None:
        """A card whose address LinkedIn shows in another way may be ours, with words beside it and without."""
        shown = own_post(text, content={"article": {"source": source, "title": "T"}})
        post = Post(text, link=Link("https://example.com/boat", title="T"))
        assert isinstance(await self.look(post, listed(shown), listed()), kind)

    async def test_the_named_post_of_another_intent_is_none_of_ours(self) -> None:
        more = {"memory": {"named": OTHER}, "claimed": frozenset({OTHER})}
        assert isinstance(await self.look(Post("Ahoy"), listed(), **more), base.Absent)

    async def test_pages_follow_each_other(self) -> None:
        pages = [own_post(f"Number {n}", f"urn:li:share:{9000 + n}") for n in range(100)]
        asking = call(listed(*pages), listed(own_post("Last")), listed())
        assert isinstance(await asking.adapter.find(lost(await only_part(Post("Ahoy"))), asking), base.Absent)
        assert [asked.params["start"] for asked in asking.asked] == ["0", "100", "200"]

    @pytest.mark.parametrize(
        ("options", "kinds"),
        [(("a", "b"), (base.Found, base.Found)), (("a", "c"), (base.CannotTell, base.Absent))],
    )
    async def test_a_poll_is_told_by_its_question_and_options(
        self, options: tuple[str, ...], kinds: tuple[type, type]
    ) -> None:
        poll = {"question": "Q", "options": [{"text": one} for one in options]}
        for post, text, kind in zip(
            (Post("See", title="Q", poll=POLL), Post("Q", poll=POLL)), ("See", ""), kinds, strict=True
        ):
            shown = own_post(text, content={"poll": poll})
            assert isinstance(await self.look(post, listed(shown), listed()), kind)

    async def test_a_wordless_picture_of_another_upload_is_another_post(self) -> None:
        post = Post("", media=[Image(png(), alt="A")])
        theirs = own_post("", content={"media": {"id": "urn:li:image:b"}})
        assert isinstance(await self.look(post, listed(theirs), listed()), base.Absent)

    async def test_nobody_may_list_the_posts(self) -> None:
        finding = await self.look(Post("Ahoy"), denied())
        assert isinstance(finding, base.CannotTell)
        assert "may not read" in finding.why

    @pytest.mark.parametrize(
        ("told", "kind"),
        [
            (answer(own_post("Ahoy", OTHER)), base.Found),
            (answer(own_post("Ahoy", OTHER, NOW - timedelta(days=1))), base.Absent),
            (answer(own_post("Other words", OTHER)), base.Absent),
            (answer({"status": 404, "code": "NOT_FOUND", "message": "gone"}, 404), base.Absent),
            (denied("posts.GET.20260901"), base.CannotTell),
        ],
    )
    async def test_the_post_a_refusal_named_is_looked_at(self, told: base.Response, kind: type) -> None:
        """A ghost or an older post proves nothing; then the list decides."""
        finding = await self.look(Post("Ahoy"), told, listed(), memory={"named": OTHER})
        assert isinstance(finding, kind)

    async def test_a_member_is_told_where_to_look(self) -> None:
        part = await only_part(Post("Ahoy"), member=True)
        asking = call(denied(), member=True, memory={"named": OTHER})
        finding = await asking.adapter.find(lost(part), asking)
        assert isinstance(finding, base.CannotTell)
        assert f"https://www.linkedin.com/feed/update/{OTHER}/" in finding.why
        assert asking.adapter.rules.find.by == "none"

    async def test_a_comment_among_the_comments(self) -> None:
        def comment(number: int, text: str = "Aye", **more: Any) -> dict[str, Any]:
            time = {"time": int(NOW.timestamp() * 1000)}
            urn = f"urn:li:comment:({SHARE},{number})"
            base_ = {"id": str(number), "commentUrn": urn, "actor": PAGE, "created": time}
            return {**base_, "message": {"text": text}, **more}

        post = Post("Aye", reply_to=SHARE)
        others = [
            comment(1, "No"),
            comment(2, actor=ME),
            comment(3, created={"time": 0}),
            comment(4, content=[{}]),
        ]
        found = await self.look(post, listed(*others, comment(88)), listed())
        assert isinstance(found, base.Found)
        assert found.sent.id == COMMENT
        assert isinstance(await self.look(post, listed(*others), listed()), base.Absent)
        assert isinstance(await self.look(post, listed(comment(5), comment(6)), listed()), base.CannotTell)
        assert isinstance(await self.look(post, denied()), base.CannotTell)
        spaced = await self.look(Post("Aye  aye ", reply_to=SHARE), listed(comment(7, "Aye aye")), listed())
        assert isinstance(spaced, base.Found)
        named = "urn:li:comment:(urn:li:activity:9,88)"
        other = await self.look(
            post, listed(comment(88, commentUrn=named)), listed(), claimed=frozenset({COMMENT})
        )
        assert isinstance(other, base.Absent)
        endless = itertools.repeat(listed(comment(1, "No")), 100)
        assert isinstance(await self.look(post, *endless), base.CannotTell)


ERRORS: list[tuple[int, dict[str, Any], type[errors.SocialKitError], bool]] = [
    (
        400,
        {"code": "ILLEGAL_ARGUMENT", "message": "Resource method could not be resolved"},
        errors.Declined,
        True,
    ),
    (400, {"code": "MISSING_FIELD", "message": "/author is required"}, errors.Declined, True),
    (400, {"code": "INVALID_URN", "message": "no URN"}, errors.Declined, True),
    (400, {"code": "FIELD_LENGTH_TOO_LONG", "message": "too long"}, errors.Declined, True),
    (400, {"code": "VALUE_OUT_OF_RANGE", "message": "count"}, errors.Declined, True),
    (400, {"message": "urn:li:image:C4 not ready"}, errors.Unavailable, True),
    (400, {"message": "urn:li:video:C4 was not found"}, errors.Unavailable, True),
    (400, {"code": "MEDIA_ASSET_PROCESSING_IN_PROGRESS", "message": "wait"}, errors.Unavailable, True),
    (400, {"code": "MEDIA_ASSET_PROCESSING_FAILED", "message": "broken"}, errors.Declined, True),
    (400, {"message": "isVoterVisibleToAuthor must be true"}, errors.Declined, True),
    (
        400,
        {"error": "invalid_request", "error_description": "authorization code not found"},
        errors.ReauthNeeded,
        True,
    ),
    (
        400,
        {"error": "invalid_request", "error_description": "The provided token is invalid"},
        errors.ReauthNeeded,
        True,
    ),
    (401, {"serviceErrorCode": 65600, "message": "Invalid access token"}, errors.ReauthNeeded, True),
    (
        401,
        {"code": "REVOKED_ACCESS_TOKEN", "serviceErrorCode": 65601, "message": "x"},
        errors.ReauthNeeded,
        True,
    ),
    (
        401,
        {"code": "EXPIRED_ACCESS_TOKEN", "serviceErrorCode": 65602, "message": "x"},
        errors.ReauthNeeded,
        True,
    ),
    *(
        (401, {"serviceErrorCode": code, "message": "x"}, errors.ReauthNeeded, True)
        for code in (65601, 65602)
    ),
    (401, {"code": "INVALID_ACCESS_TOKEN", "message": "x"}, errors.ReauthNeeded, True),
    (401, {"message": "The token has been revoked by the user"}, errors.ReauthNeeded, True),
    (401, {}, errors.ReauthNeeded, True),
    (400, {"error": "invalid_grant", "error_description": "x"}, errors.ReauthNeeded, True),
    (404, {"code": "NOT_FOUND", "message": "x"}, errors.Declined, True),
    (422, {"code": "DUPLICATE_POST", "message": "x"}, errors.Duplicate, False),
    (429, {"code": "TOO_MANY_REQUESTS", "message": "x"}, errors.RateLimited, True),
    (403, {"code": "ACCESS_DENIED", "message": "x"}, errors.MissingScope, True),
    (403, {"message": "Not enough permissions to access: me.GET.NO_VERSION"}, errors.MissingScope, True),
    (
        403,
        {"serviceErrorCode": 100, "message": "Not enough permissions to access: posts.CREATE.20260901"},
        errors.MissingScope,
        True,
    ),
    (403, {"message": "Accessing this video resource is forbidden. Please check"}, errors.Declined, True),
    (404, {"code": "RESOURCE_NOT_FOUND", "message": "x"}, errors.Declined, True),
    (405, {"message": "x"}, errors.Declined, True),
    (409, {"code": "CONFLICT", "message": "x"}, errors.Unavailable, True),
    (
        422,
        {"code": "DUPLICATE_POST", "message": f"Content is a duplicate of {SHARE}"},
        errors.Duplicate,
        False,
    ),
    (422, {"message": f"Content is a duplicate of {SHARE}"}, errors.Duplicate, False),
    (422, {"message": "something else"}, errors.Declined, True),
    (
        426,
        {"code": "NONEXISTENT_VERSION", "message": "Requested version 20250101 is not active"},
        errors.Declined,
        True,
    ),
    (426, {"code": "VERSION_MISSING", "message": "x"}, errors.Declined, True),
    (429, {"serviceErrorCode": 101, "message": "x"}, errors.RateLimited, True),
    *(
        (status, {"code": "INTERNAL_SERVER_ERROR"}, errors.Unavailable, False)
        for status in (500, 502, 503, 504)
    ),
    (400, {"message": "Unable to obtain activity"}, errors.Unavailable, False),
]


@pytest.mark.parametrize(("status", "body", "kind", "definite"), ERRORS)
def test_what_a_refusal_means(
    status: int, body: dict[str, Any], kind: type[errors.SocialKitError], definite: bool
) -> None:
    error = LinkedIn(token="t").parse_error(answer({"status": status, **body}, status))
    assert type(error) is kind
    assert error.__dict__["definite"] is definite


def test_the_table_above_reaches_every_row() -> None:
    account, reached = LinkedIn(token="t"), set()
    for status, body, *_ in ERRORS:
        code, said = account.read_error(answer({"status": status, **body}, status))
        fitting = (
            number
            for number, row in enumerate(account.rules.errors)
            if row.status in (0, status)
            and row.code in (None, code)
            and (row.text is None or re.search(row.text, said, re.IGNORECASE))
        )
        reached.add(next(fitting, None))
    assert reached - {None} == set(range(len(account.rules.errors)))


@pytest.mark.parametrize(
    ("status", "body", "fresh"),
    [
        (401, {"serviceErrorCode": 65602}, True),
        (401, {}, True),
        (401, {"serviceErrorCode": 65601}, False),
        (401, {"message": "The token has been revoked by the user"}, False),
        (403, {"code": "ACCESS_DENIED"}, False),
    ],
)
def test_what_a_fresh_token_may_cure(status: int, body: dict[str, Any], fresh: bool) -> None:
    assert LinkedIn(token="t").parse_error(answer(body, status)).__dict__["refreshable"] is fresh


@pytest.mark.parametrize(
    ("headers", "number"),
    [({"x-li-request-id": "r1", "x-li-uuid": "u1"}, "r1"), ({"x-li-uuid": "u1"}, "u1"), ({}, None)],
)
def test_a_refusal_has_the_number_support_asks_for(headers: dict[str, str], number: str | None) -> None:
    error = LinkedIn(token="t").parse_error(answer({"message": "x"}, 500, headers))
    assert isinstance(error, errors.PlatformError)
    assert error.request_id == number


def test_validation_errors_name_the_input() -> None:
    one = {"description": "too long", "input": {"inputPath": {"fieldPath": "/commentary"}}}
    body = {"message": "Bad", "errorDetails": {"inputErrors": [{**one, "code": "FIELD_LENGTH_TOO_LONG"}]}}
    code, said = LinkedIn(token="t").read_error(answer(body, 400))
    assert (code, said) == ("FIELD_LENGTH_TOO_LONG", "Bad too long")


def test_a_stale_version_says_what_to_do() -> None:
    body = {
        "status": 426,
        "code": "NONEXISTENT_VERSION",
        "message": "Requested version 20250101 is not active",
    }
    assert "version=" in str(LinkedIn(token="t").parse_error(answer(body, 426)))


def test_a_duplicate_names_the_post_there_is() -> None:
    error = LinkedIn(token="t").parse_error(duplicate(VIDEO_POST))
    assert isinstance(error, errors.Duplicate)
    assert error.receipt is not None
    assert (error.receipt.id, error.receipt.identity.id) == (VIDEO_POST, "")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Resource level throttle APPLICATION DAY limit for calls to this resource is reached.", "app-day"),
        ("Resource level throttle MEMBER DAY limit for calls to this resource is reached.", "member-day"),
    ],
)
def test_a_days_quota_ends_at_midnight(words: str, name: str) -> None:
    told = answer({"status": 429, "code": "TOO_MANY_REQUESTS", "message": words}, 429)
    response = attrs.evolve(told, received_at=datetime(2026, 11, 2, 23, 59, tzinfo=UTC))
    (reading,) = LinkedIn(token="t").read_limits(response)
    assert (reading.name, reading.remaining) == (name, 0)
    assert reading.resets_at == datetime(2026, 11, 3, tzinfo=UTC)


def test_a_burst_is_no_days_quota() -> None:
    told = answer({"status": 429, "message": "slow down"}, 429)
    assert LinkedIn(token="t").read_limits(attrs.evolve(told, received_at=NOW)) == ()


class TestAfterwards:
    async def test_the_text_of_a_post_is_edited(self) -> None:
        asking = call(answer(status=204, content=b""))
        await asking.adapter.edit(Receipt(OWN_PAGE, SHARE), await only_part(Post("New (text)")), asking)
        asked = asking.asked[0]
        assert asked.url.endswith("/rest/posts/urn%3Ali%3Ashare%3A7001")
        assert (asked.method, asked.headers["x-restli-method"]) == ("POST", "PARTIAL_UPDATE")
        assert asked.json == {"patch": {"$set": {"commentary": r"New \(text\)"}}}

    async def test_the_text_of_a_comment_is_edited_plain(self) -> None:
        asking = call(answer(status=204, content=b""))
        await asking.adapter.edit(Receipt(OWN_PAGE, COMMENT), await only_part(Post("New (text)")), asking)
        assert asking.asked[0].json["patch"]["message"]["$set"]["text"] == "New (text)"
        assert asking.asked[0].url.endswith(
            "/socialActions/urn%3Ali%3Ashare%3A7001/comments/88?actor=urn%3Ali%3Aorganization%3A2414183"
        )

    @pytest.mark.parametrize(
        "fields",
        [
            {"media": [Image(png(), alt="A")]},
            {"link": "https://example.com/boat"},
            {"quote": OTHER},
            {"reply_to": OTHER},
        ],
    )
    async def test_nothing_but_the_text_can_be_edited(self, fields: dict[str, Any]) -> None:
        part = await only_part(Post("New", **fields))
        with pytest.raises(errors.ConfigError, match="only the text"):
            await call().adapter.edit(Receipt(OWN_PAGE, SHARE), part, call())

    @pytest.mark.parametrize(
        "options",
        [
            {"in_feed": False},
            {"signed_in_only": True},
            {"disable_reshare": True},
            {"close_comments": True},
            {"targets": {"degrees": ["urn:li:degree:1"]}},
        ],
    )
    async def test_options_cannot_be_edited(self, options: dict[str, Any]) -> None:
        part = await only_part(Post("New").variant("linkedin", LinkedInOptions(**options)))
        with pytest.raises(errors.ConfigError, match="only the text"):
            await call().adapter.edit(Receipt(OWN_PAGE, SHARE), part, call())

    async def test_deleting_posts_and_comments(self) -> None:
        for urn, end in (
            (SHARE, "/rest/posts/urn%3Ali%3Ashare%3A7001"),
            (COMMENT, "/comments/88?actor=urn%3Ali%3Aorganization%3A2414183"),
        ):
            asking = call(answer(status=204, content=b""))
            await asking.adapter.delete(Receipt(OWN_PAGE, urn), asking)
            assert asking.asked[0].url.endswith(end)

    async def test_what_is_gone_already_counts_as_deleted(self) -> None:
        for urn in (SHARE, COMMENT):
            asking = call(answer({"code": "NOT_FOUND", "message": "gone"}, 404))
            await asking.adapter.delete(Receipt(OWN_PAGE, urn), asking)

    async def test_an_id_that_is_none_reaches_no_path(self) -> None:
        with pytest.raises(errors.ConfigError, match="no post or comment"):
            await call().adapter.delete(Receipt(OWN_PAGE, "../organizations/1"), call())

    async def test_a_permalink_of_own_and_of_others(self) -> None:
        url = f"https://www.linkedin.com/feed/update/{SHARE}/"
        asking = call(answer(own_post(r"Ahoy \(all\)")))
        own = await asking.adapter.resolve(url, asking)
        assert (own.identity, own.text, own.published_at) == (OWN_PAGE, "Ahoy (all)", NOW)
        asking = call(answer(own_post("Ahoy", author="urn:li:person:A1")))
        assert (await asking.adapter.resolve(SHARE, asking)).identity.id == "A1"
        asking = call(denied("posts.GET.20260901"))
        assert (await asking.adapter.resolve(SHARE, asking)).identity.id == ""
        asking = call(answer({}, 404))
        with pytest.raises(errors.ConfigError, match="no post that LinkedIn shows"):
            await asking.adapter.resolve(SHARE, asking)

    @pytest.mark.parametrize(
        ("url", "owned"),
        [
            (f"https://www.linkedin.com/feed/update/{SHARE}/", True),
            (f"https://linkedin.com/feed/update/{VIDEO_POST}?utm_source=x", True),
            ("https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A7001/", True),
            ("https://www.linkedin.com/company/example", False),
            (f"https://linkedin.example.com/feed/update/{SHARE}/", False),
            (SHARE, False),
        ],
    )
    def test_whose_permalink(self, url: str, owned: bool) -> None:
        assert LinkedIn(token="t").owns(url) is owned

    @pytest.mark.parametrize(
        ("state", "status"), [("PUBLISHED", "published"), ("PUBLISH_REQUESTED", "processing")]
    )
    async def test_where_a_post_in_processing_stands(self, state: str, status: str) -> None:
        asking = call(answer(own_post("Ahoy", lifecycleState=state)))
        now = await asking.adapter.check(base.Sent(SHARE, status=Status.PROCESSING), asking)
        assert isinstance(now, base.Sent)
        assert (now.status, now.published_at) == (status, NOW)

    async def test_a_post_that_was_dropped_is_absent_with_its_state(self) -> None:
        asking = call(answer(own_post("Ahoy", lifecycleState="PUBLISH_FAILED")))
        now = await asking.adapter.check(base.Sent(SHARE, status=Status.PROCESSING), asking)
        assert isinstance(now, base.Absent)
        assert "PUBLISH_FAILED" in now.evidence

    async def test_a_comment_stays_within_its_own_limit(self) -> None:
        part = await only_part(Post("x" * 1251))
        with pytest.raises(errors.InvalidPost, match="1,251 of at most 1,250 UTF-16 units"):
            await call().adapter.edit(Receipt(OWN_PAGE, COMMENT), part, call())


class TestDuplicates:
    """A refusal that names a post is never taken for a rejection, nor for our own post, before it was looked at."""

    @pytest.fixture
    def bench(self) -> Any:
        with Sandbox(["linkedin"]) as box, box.client(store=":memory:") as client:
            yield box, client

    def publish(self, client: Client, key: str) -> Any:
        report = client.publish(Post("Ahoy"), to="linkedin", idempotency_key=key, errors="return", wait=900.0)
        return report["linkedin"]

    def test_an_older_post_with_the_same_words_is_named(self, bench: Any) -> None:
        box, client = bench
        first = self.publish(client, "one").receipt
        box.clock.advance(3600)
        outcome = self.publish(client, "two")
        assert (outcome.status, type(outcome.error)) == (Status.FAILED, errors.Duplicate)
        assert outcome.error.receipt.id == first.id
        assert len(box.timeline("linkedin")) == 1

    def test_a_ghost_is_looked_at_and_makes_nothing_live(self, bench: Any) -> None:
        box, client = bench
        client.delete(self.publish(client, "one").receipt)
        box.clock.advance(3600)
        assert self.publish(client, "two").status is Status.FAILED
        looked = [one for one in box.requests if one.status == 404]
        assert looked
        box.clock.advance(86_400)
        assert self.publish(client, "two").status is Status.PUBLISHED

    def test_our_own_lost_post_named_by_a_refusal_is_found(self, bench: Any) -> None:
        """A proxy that sends the request twice: the answer that arrives is the second one's."""
        box, client = bench
        real = box.linkedin.create

        def twice(request: Any) -> Any:
            real(request)
            return real(request)

        box.linkedin.create = twice
        box.linkedin._app = None
        outcome = self.publish(client, "one")
        assert outcome.status is Status.PUBLISHED
        assert [entry.id for entry in box.timeline("linkedin")] == [outcome.receipt.id]
