"""YouTube: what is planned, sent, found again and read, in the words of its API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import mp4, png
from socialkit import Captions, File, Image, Poll, Post, Status, Video, errors
from socialkit.adapters import base
from socialkit.adapters._youtube_plan import short_of, tag_length
from socialkit.adapters._youtube_upload import CHUNK, UNIT, file_name, piece_after, range_of
from socialkit.adapters._youtube_videos import id_of, pacific_day, quota_midnight
from socialkit.adapters.youtube import YouTube, YouTubeOptions
from socialkit.model import Identity

from .fakes import NOW, answer
from .youtube_samples import (
    FACTS,
    ID,
    OWN,
    PLACE,
    VTT,
    call,
    clip,
    codes,
    held,
    listed,
    made,
    only_part,
    opened,
    own_playlist,
    planned,
    post,
    receipt,
    refusal,
    sized,
    stage,
    video,
)

LATER = NOW + timedelta(days=2)
GONE_WORDS = "YouTube does not show the video any more: it was deleted"
UPRIGHT = mp4(size=(720, 1280), seconds=30.0)


PLAIN, QUOTED = [f"{n}" + "x" * 97 for n in range(5)], [f"{n} b" + "x" * 91 for n in range(5)]
"""Five tags: 494 characters with the commas between them; 484 with the quotes as well."""


class TestAccount:
    async def test_whose_channel_it_is(self) -> None:
        channel = {
            "id": OWN.id,
            "snippet": {"title": "Brand", "customUrl": "@brand"},
            "contentDetails": {"relatedPlaylists": {"uploads": "UUother"}},
            "status": {"longUploadsStatus": "eligible"},
        }
        asking = call(listed(channel))
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name, facts.url) == (
            OWN,
            "Brand",
            "https://www.youtube.com/@brand",
        )
        assert facts.facts == {"handle": "@brand", "uploads": "UUother", "long_uploads": "eligible"}
        assert asking.asked[0].params == {"part": "id,snippet,contentDetails,status", "mine": "true"}

    async def test_the_uploads_playlist_is_known_where_it_is_not_told(self) -> None:
        asking = call(listed({"id": OWN.id}))
        facts = await asking.adapter.account(asking)
        assert facts.facts["uploads"] == f"UU{OWN.id[2:]}"
        assert facts.url == f"https://www.youtube.com/channel/{OWN.id}"

    async def test_a_google_account_without_a_channel(self) -> None:
        for told in (answer({"items": []}), answer({})):
            asking = call(told)
            with pytest.raises(errors.Declined, match="no channel"):
                await asking.adapter.account(asking)
        asking = call(refusal(401, "youtubeSignupRequired", "Unauthorized"))
        with pytest.raises(errors.ReauthNeeded, match="make a channel"):
            await asking.adapter.account(asking)

    @pytest.mark.parametrize(
        ("told", "seconds"), [("allowed", 43_200), ("eligible", 900), ("disallowed", 900), (None, 43_200)]
    )
    def test_unverified_channels_have_fifteen_minutes(self, told: str | None, seconds: float) -> None:
        facts = attrs.evolve(FACTS, facts={**FACTS.facts, "long_uploads": told})
        assert YouTube(token="t").rules_for(facts).video.max_seconds == seconds

    def test_a_refresh_token_needs_its_app(self) -> None:
        with pytest.raises(errors.ConfigError, match="client_id="):
            YouTube(token="t", refresh_token="r")
        assert YouTube(refresh_token="r", client_id="c", client_secret="s").seed.kind == "oauth2"

    def test_where_analytics_are_asked(self) -> None:
        for server in ("https://www.googleapis.com", "https://youtube.googleapis.com/"):
            assert YouTube(server=server).analytics_server == "https://youtubeanalytics.googleapis.com"
        assert YouTube(server="http://127.0.0.1:9/youtube/").analytics_server == "http://127.0.0.1:9/youtube"
        assert YouTube(analytics_server="https://a.example.com/").analytics_server == "https://a.example.com"


class TestPlan:
    async def test_the_least_there_is(self) -> None:
        part = await only_part(post())
        assert part.body["request"] == {
            "snippet": {"title": "The launch", "description": "We sail", "categoryId": "22"},
            "status": {"privacyStatus": "public"},
        }
        assert part.requests == 2

    async def test_every_field_and_option(self) -> None:
        options = YouTubeOptions(
            publish_at=LATER,
            made_for_kids=False,
            synthetic_media=True,
            paid_promotion=True,
            notify_subscribers=False,
            playlist="PLboats",
            first_comment="First!",
            category_id="28",
            license="creativeCommon",
            embeddable=False,
            public_stats=False,
            audio_language="en-GB",
            recorded_at=NOW,
            localizations={"de": {"title": "Der Stapellauf", "description": "Wir segeln"}},
            brand_partner_id="UC" + "a" * 22,
            brand_partner_handle="@partner",
        )
        full = post(tags=["boat", "tall ship"], language="en", link="https://example.com/a")
        made = await planned(full.variant("youtube", options), own_playlist("PLboats"))
        assert codes(made) == []
        body = made.parts[0].body
        assert body["request"] == {
            "snippet": {
                "title": "The launch",
                "description": "We sail\n\nhttps://example.com/a",
                "tags": ["boat", "tall ship"],
                "categoryId": "28",
                "defaultLanguage": "en",
                "defaultAudioLanguage": "en-GB",
            },
            "status": {
                "privacyStatus": "private",
                "publishAt": "2026-11-04T09:00:00Z",
                "license": "creativeCommon",
                "embeddable": False,
                "publicStatsViewable": False,
                "selfDeclaredMadeForKids": False,
                "containsSyntheticMedia": True,
            },
            "localizations": {"de": {"title": "Der Stapellauf", "description": "Wir segeln"}},
            "paidProductPlacementDetails": {"hasPaidProductPlacement": True},
            "recordingDetails": {"recordingDate": "2026-11-02T09:00:00Z"},
            "brandPartner": {"channelId": "UC" + "a" * 22, "channelHandle": "@partner"},
        }
        assert (body["notify"], body["playlist"], body["comment"]) == (False, "PLboats", "First!")

    @pytest.mark.parametrize(
        ("visibility", "status"),
        [(None, "public"), ("public", "public"), ("unlisted", "unlisted"), ("private", "private")],
    )
    async def test_the_privacy_is_always_sent(self, visibility: Any, status: str) -> None:
        part = await only_part(post(visibility=visibility))
        assert part.body["request"]["status"] == {"privacyStatus": status}

    @pytest.mark.parametrize(
        ("given", "problems"),
        [
            (Post("words alone", title="A title"), [("media", "required")]),
            (post(title=None), [("title", "required")]),
            (post(title="x" * 101), [("title", "too_long")]),
            (post(title="  "), [("title", "empty")]),
            (post(title="a < b"), [("title", "invalid_character")]),
            (post("a > b"), [("text", "invalid_character")]),
            (post("é" * 2501), [("text", "too_long")]),
            (post(media=[clip(), clip()]), [("media", "count")]),
            (post(media=[clip(), Image(png())]), [("media[1]", "unsupported"), ("media", "mixed")]),
            (post(media=[File(b"%PDF-1.4", name="a.pdf")]), [("media[0]", "unsupported")]),
            (post(poll=Poll(["yes", "no"], seconds=600)), [("poll", "unsupported")]),
            (post(reply_to=ID), [("reply_to", "unsupported")]),
            (post(visibility="followers"), [("visibility", "unsupported")]),
            (post(content_warning="storm"), [("content_warning", "unsupported")]),
            (post(language="english!"), [("language", "invalid")]),
            (post(tags=["x" * 99] * 6), [("tags", "too_long")]),
        ],
    )
    async def test_what_youtube_cannot_carry_is_a_problem(
        self, given: Post, problems: list[tuple[str, str]]
    ) -> None:
        assert codes(await planned(given)) == problems

    @pytest.mark.parametrize(
        ("fits", "over"),
        [
            (post(title="x" * 100), post(title="x" * 101)),
            (post("é" * 2500), post("é" * 2500 + "e")),
            (post(tags=[*PLAIN, "x" * 5]), post(tags=[*PLAIN, "x" * 6])),
            (post(tags=[*QUOTED, "x" * 15]), post(tags=[*QUOTED, "x" * 16])),
            (post(media=[clip(captions=[Captions(VTT, "en", "x" * 150)])]),
             post(media=[clip(captions=[Captions(VTT, "en", "x" * 151)])])),
        ],
    )  # fmt: skip
    async def test_limits_are_exact(self, fits: Post, over: Post) -> None:
        assert codes(await planned(fits)) == []
        assert [code for _, code in codes(await planned(over))] == ["too_long"]

    @pytest.mark.parametrize(("seconds", "short"), [(180.0, True), (180.5, False)])
    @pytest.mark.parametrize(
        ("size", "upright"), [((720, 1280), True), ((720, 720), True), ((1280, 720), False)]
    )
    async def test_what_is_a_short(
        self, seconds: float, short: bool, size: tuple[int, int], upright: bool
    ) -> None:
        part = await only_part(post(media=[Video(mp4(size=size, seconds=seconds))]))
        assert short_of(part.media[0]) == (short and upright)

    def test_numbers_of_the_discovery_document_and_the_help(self) -> None:
        rules = YouTube.rules
        assert rules.video.max_seconds == 12 * 3600
        assert (
            YouTube(token="t")
            .rules_for(attrs.evolve(FACTS, facts={"long_uploads": "eligible"}))
            .video.max_seconds
            == 900
        )
        assert (rules.find.by, rules.find.quiet, rules.find.looks, rules.find.between) == ("key", 150, 3, 30)
        told = {budget.name: (budget.level, budget.limit) for budget in rules.budgets}
        assert told == {
            "video-uploads": ("app", 100),
            "searches": ("app", 100),
            "batch-stats": ("app", 10_000),
            "units": ("app", 10_000),
        }

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ({"publish_at": NOW - timedelta(seconds=1)}, ("options.publish_at", "past")),
            ({"playlist": "my playlist"}, ("options.playlist", "not_an_id")),
            ({"category_id": "music"}, ("options.category_id", "not_an_id")),
            ({"license": "public domain"}, ("options.license", "unknown")),
            ({"first_comment": "  "}, ("options.first_comment", "empty")),
            ({"audio_language": "?"}, ("options.audio_language", "invalid")),
            ({"localizations": {"de": {"title": "x"}}}, ("language", "required")),
            ({"brand_partner_id": "UC" + "a" * 22}, ("options.brand_partner_id", "incomplete")),
            (
                {"brand_partner_id": "brand", "brand_partner_handle": "@b"},
                ("options.brand_partner_id", "not_an_id"),
            ),
            (
                {"brand_partner_id": "UC" + "a" * 22, "brand_partner_handle": "b"},
                ("options.brand_partner_handle", "not_a_handle"),
            ),
        ],
    )
    async def test_options_that_youtube_would_refuse(self, options: Any, problem: tuple[str, str]) -> None:
        assert codes(await planned(post().variant("youtube", YouTubeOptions(**options)))) == [problem]

    async def test_localizations_have_the_same_limits(self) -> None:
        words = {"title": "x" * 101, "description": "é" * 2501, "colour": "blue"}
        options = YouTubeOptions(localizations={"de": words})
        place = "options.localizations[de]"
        assert codes(await planned(post(language="en").variant("youtube", options))) == [
            (place, "unknown"),
            (f"{place}.title", "too_long"),
            (f"{place}.description", "too_long"),
        ]

    async def test_the_language_of_a_localization_is_one(self) -> None:
        options = YouTubeOptions(localizations={"deutsch!": {"title": "Der Stapellauf"}})
        made = await planned(post(language="en").variant("youtube", options))
        assert codes(made) == [("options.localizations[deutsch!]", "invalid")]

    async def test_two_tracks_of_one_name_would_be_one(self) -> None:
        tracks = [Captions(VTT, "en"), Captions(VTT, "en", "Long"), Captions(VTT + b"\n", "en")]
        made = await planned(post(media=[clip(captions=tracks)]))
        assert codes(made) == [("media[0].captions[2]", "duplicate")]

    @pytest.mark.parametrize(
        ("told", "problem"),
        [
            (listed(), ("options.playlist", "not_found")),
            (refusal(404, "playlistNotFound"), ("options.playlist", "not_found")),
            (own_playlist("PLboats", "UCsomebody"), ("options.playlist", "not_own")),
        ],
    )
    async def test_a_playlist_that_cannot_take_it_is_known_before(self, told: Any, problem: Any) -> None:
        given = post().variant("youtube", YouTubeOptions(playlist="PLboats"))
        assert codes(await planned(given, told)) == [problem]

    @pytest.mark.parametrize(
        ("scopes", "refused"),
        [
            ((), []),
            (
                ("youtube.upload", "youtube.readonly"),
                ["options.playlist", "options.first_comment", "media[0].captions"],
            ),
            (("youtube",), ["options.first_comment", "media[0].captions"]),
            (("youtube.upload", "youtube.force-ssl"), []),
            (("youtube.upload", "youtubepartner"), ["options.first_comment"]),
        ],
    )
    async def test_a_sign_in_that_does_not_allow_it_is_known_before(
        self, scopes: tuple[str, ...], refused: list[str]
    ) -> None:
        options = YouTubeOptions(playlist="PLboats", first_comment="First!")
        given = post(media=[clip(captions=[Captions(VTT, "en")])]).variant("youtube", options)
        granted = tuple(f"https://www.googleapis.com/auth/{one}" for one in scopes)
        signed = base.Credential("oauth2", access_token="t", scopes=granted)
        made = await planned(given, own_playlist("PLboats"), credential=signed)
        assert codes(made) == [(field, "scope") for field in refused]

    @pytest.mark.parametrize(("count", "told"), [(60, []), (61, [("text", "undocumented")])])
    async def test_too_many_hashtags_are_none(self, count: int, told: list[tuple[str, str]]) -> None:
        words = " ".join(f"#a{n}" for n in range(count))
        assert codes(await planned(post(words)), "warning") == told

    @pytest.mark.parametrize("visibility", ["unlisted", "private"])
    async def test_a_schedule_and_a_lasting_visibility_contradict(self, visibility: Any) -> None:
        scheduled = post(visibility=visibility).variant("youtube", YouTubeOptions(publish_at=LATER))
        assert codes(await planned(scheduled)) == [("options.publish_at", "visibility")]

    async def test_what_is_not_certain_is_a_warning(self) -> None:
        options = YouTubeOptions(publish_at=LATER, first_comment="x" * 10_001)
        made = await planned(post(tags=["x" * 101]).variant("youtube", options))
        assert codes(made, "warning") == [
            ("tags[0]", "undocumented"),
            ("options.first_comment", "undocumented"),
            ("options.first_comment", "private"),
        ]

    async def test_alt_text_and_sensitive_are_not_carried_and_said_to_be(self) -> None:
        made = await planned(post(media=[clip(alt="A boat")], sensitive=True))
        assert {change.field for change in made.changes} == {"media[0].alt", "sensitive"}

    def test_a_moment_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            YouTubeOptions(publish_at=NOW.replace(tzinfo=None))

    @pytest.mark.parametrize(
        ("tags", "length"),
        [
            ((), 0),
            (("a",), 1),
            (("a", "b"), 3),
            (("a b",), 5),
            (("tall ship", "sea"), 15),
            (("x" * 500,), 500),
        ],
    )
    def test_tags_are_counted_with_commas_and_quotes(self, tags: tuple[str, ...], length: int) -> None:
        assert tag_length(tags) == length

    @given(st.lists(st.text("ab c", min_size=1, max_size=9), max_size=9))
    def test_tags_count_as_they_would_be_written(self, tags: list[str]) -> None:
        written = ",".join(f'"{tag}"' if " " in tag else tag for tag in tags)
        assert tag_length(tuple(tags)) == len(written)


class TestPieces:
    @given(st.integers(1, 9 * CHUNK), st.integers(0, 9 * CHUNK))
    def test_pieces_cover_the_rest_and_only_the_last_one_makes_the_video(self, size: int, at: int) -> None:
        at, steps = min(at, size - 1), []
        while at < size:
            start, stop, step = piece_after(at, size)
            assert start == at < stop <= size
            assert step == "commit" or (stop - start) % UNIT == 0
            steps.append(step)
            at = stop
        assert steps == ["prepare"] * (len(steps) - 1) + ["commit"]

    @given(st.text(min_size=1, max_size=80))
    def test_a_file_name_fits_a_header_and_ends_with_its_mark(self, name: str) -> None:
        made = file_name(base.PartMedia("video", "video/mp4", 1, "d", "s", name=name), "0f0f")
        assert made.isascii()
        assert made.isprintable()
        assert "0f0f" in made
        assert len(made) < 80

    def test_ranges(self) -> None:
        assert range_of(0, 10, 20) == "bytes 0-9/20"
        assert range_of(20, 20, 20) == "bytes */20"


class TestSend:
    async def test_a_small_video_is_one_piece_and_that_is_the_commit(self) -> None:
        part = await only_part(post())
        asking = call(opened(), made())
        sent = await asking.adapter.send(part, asking)
        begin, last = asking.asked
        assert (begin.step, last.step) == ("prepare", "commit")
        assert begin.params == {
            "uploadType": "resumable",
            "part": "snippet,status",
            "notifySubscribers": "true",
        }
        size = part.media[0].size
        assert begin.headers["x-upload-content-length"] == str(size)
        assert begin.headers["x-upload-content-type"] == "video/mp4"
        assert begin.json == part.body["request"]
        assert (last.url, last.headers["content-range"]) == (PLACE, f"bytes 0-{size - 1}/{size}")
        assert len(last.body) == size
        assert (sent.id, sent.status) == (ID, Status.PROCESSING)
        assert sent.url == f"https://www.youtube.com/watch?v={ID}"
        assert asking.secrets == {"session"}
        assert last.options["fence"].kind == "session"

    async def test_chunks_are_prepared_and_the_last_piece_is_committed(self) -> None:
        part = sized(await only_part(post()), 2 * CHUNK + 5)
        asking = call(opened(), held(CHUNK), held(2 * CHUNK), made())
        await asking.adapter.send(part, asking)
        steps = [(one.step, len(one.body)) for one in asking.asked[1:]]
        assert steps == [("prepare", CHUNK), ("prepare", CHUNK), ("commit", 5)]
        assert all(one.options["cost"] == 0 for one in asking.asked[1:])

    async def test_it_goes_on_where_the_session_stands_not_where_it_was_sent(self) -> None:
        size = CHUNK + 5
        asking = call(opened(), held(3 * UNIT), made())
        await asking.adapter.send(sized(await only_part(post()), size), asking)
        assert asking.asked[-1].headers["content-range"] == f"bytes {3 * UNIT}-{size - 1}/{size}"

    async def test_another_process_asks_the_session_and_sends_the_rest(self) -> None:
        part = sized(await only_part(post()), 2 * CHUNK + 5)
        memory = {"session": {"url": PLACE, "name": "clip-1.mp4"}}
        asking = call(held(2 * CHUNK), made(), memory=memory)
        await asking.adapter.send(part, asking)
        question, last = asking.asked
        assert (question.step, question.headers["content-range"]) == ("read", f"bytes */{2 * CHUNK + 5}")
        assert question.body == b""
        assert (last.step, len(last.body)) == ("commit", 5)

    async def test_a_session_that_has_ended_is_the_video(self) -> None:
        memory = {"session": {"url": PLACE, "name": "clip-1.mp4"}}
        asking = call(made(), memory=memory)
        sent = await asking.adapter.send(await only_part(post()), asking)
        assert sent.id == ID
        assert [one.step for one in asking.asked] == ["read"]

    @pytest.mark.parametrize("status", [404, 410])
    async def test_a_session_that_is_gone_is_begun_anew(self, status: int) -> None:
        memory = {"session": {"url": "https://www.googleapis.com/old", "name": "clip-1.mp4"}}
        asking = call(answer(status=status, content=b""), opened(), made(), memory=memory)
        await asking.adapter.send(await only_part(post()), asking)
        assert [one.step for one in asking.asked] == ["read", "prepare", "commit"]

    async def test_a_session_that_goes_while_it_is_filled(self) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        asking = call(opened(), answer(status=404, content=b""), opened(), held(CHUNK), made())
        await asking.adapter.send(part, asking)
        assert [one.step for one in asking.asked] == ["prepare", "prepare", "prepare", "prepare", "commit"]

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_a_chunk_that_fails_is_asked_about_before_it_is_sent_again(self, status: int) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        asking = call(opened(), answer(status=status, content=b""), held(CHUNK), made())
        await asking.adapter.send(part, asking)
        assert asking.asked[2].headers["content-range"] == f"bytes */{CHUNK + 5}"
        assert asking.asked[-1].headers["content-range"] == f"bytes {CHUNK}-{CHUNK + 4}/{CHUNK + 5}"
        assert asking.waits

    async def test_a_session_that_takes_nothing_is_given_up(self) -> None:
        part = sized(await only_part(post()), CHUNK + 5)
        asking = call(opened(), *[held(0)] * 6)
        with pytest.raises(errors.Unavailable, match="does not go on at byte 0"):
            await asking.adapter.send(part, asking)

    async def test_a_commit_that_was_stored_in_part_goes_on(self) -> None:
        part = sized(await only_part(post()), 2 * UNIT)
        asking = call(opened(), held(UNIT), held(UNIT), made())
        await asking.adapter.send(part, asking)
        assert [one.step for one in asking.asked] == ["prepare", "commit", "read", "commit"]
        assert asking.asked[-1].headers["content-range"] == f"bytes {UNIT}-{2 * UNIT - 1}/{2 * UNIT}"

    async def test_a_session_gone_at_the_commit_is_not_replaced_while_something_is_lost(self) -> None:
        part = await only_part(post())
        memory = {"session": {"url": PLACE, "name": "clip-1.mp4"}}
        asking = call(held(0), refusal(404, "notFound"), lost=True, memory=memory)
        with pytest.raises(errors.Declined):
            await asking.adapter.send(part, asking)
        assert asking.memory["session"]["name"] == "clip-1.mp4"
        asking = call(opened(), refusal(404, "notFound"), opened(), made())
        assert (await asking.adapter.send(part, asking)).id == ID

    async def test_all_bytes_are_there_and_no_video(self) -> None:
        part = await only_part(post())
        memory = {"session": {"url": PLACE, "name": "clip-1.mp4"}}
        asking = call(held(part.media[0].size), made(), memory=memory)
        await asking.adapter.send(part, asking)
        size = part.media[0].size
        assert (asking.asked[-1].headers["content-range"], asking.asked[-1].body) == (f"bytes */{size}", b"")

    async def test_an_answer_without_an_address(self) -> None:
        asking = call(answer({}))
        with pytest.raises(errors.Declined, match="no address"):
            await asking.adapter.send(await only_part(post()), asking)

    async def test_a_scheduled_video(self) -> None:
        due = {"privacyStatus": "private", "publishAt": "2026-11-04T09:00:00Z"}
        asking = call(opened(), made(**due))
        sent = await asking.adapter.send(await only_part(post()), asking)
        assert (sent.status, sent.published_at) == (Status.SCHEDULED, LATER)
        assert sent.look_again_at == LATER + timedelta(seconds=60)


async def followed(given: Post, *answers: Any, sent: base.Sent | None = None) -> tuple[Any, Any]:
    part = await only_part(given, own_playlist("PLboats"))
    asking = call(*answers)
    sent = sent or base.Sent(ID, published_at=NOW, status=Status.PROCESSING)
    return await asking.adapter.attach(part, sent, asking), asking


class TestAttach:
    async def test_nothing_to_do_but_to_look(self) -> None:
        sent, asking = await followed(post(), listed(video()))
        assert (sent.status, sent.missing) == (Status.PUBLISHED, ())
        assert [one.step for one in asking.asked] == ["read"]

    async def test_thumbnail_captions_playlist_and_comment(self) -> None:
        media = [clip(thumbnail=Image(png(64, 36)), captions=[Captions(VTT, "en", "English")])]
        options = YouTubeOptions(playlist="PLboats", first_comment="First!")
        track = "https://www.googleapis.com/upload/youtube/v3/captions?upload_id=hidden"
        sent, asking = await followed(
            post(media=media).variant("youtube", options),
            answer({"kind": "youtube#thumbnailSetResponse"}),
            answer(content=b"", headers={"location": track}),
            answer({"kind": "youtube#caption"}),
            listed(video()),
            answer({"kind": "youtube#playlistItem"}),
            answer({"kind": "youtube#commentThread"}),
        )
        assert sent.missing == ()
        picture, begin, words, _, item, comment = asking.asked
        assert picture.params == {"videoId": ID, "uploadType": "media"}
        assert (picture.headers["content-type"], picture.options["repeatable"]) == ("image/png", True)
        assert begin.json["snippet"] == {"videoId": ID, "language": "en", "name": "English", "isDraft": False}
        assert (words.url, len(words.body)) == (track, len(VTT))
        assert item.json["snippet"]["resourceId"] == {"kind": "youtube#video", "videoId": ID}
        assert "repeatable" not in item.options
        assert comment.json["snippet"]["topLevelComment"]["snippet"] == {"textOriginal": "First!"}
        assert [one.options.get("cost", 1) for one in asking.asked] == [50, 400, 0, 1, 50, 50]

    async def test_a_short_gets_its_thumbnail_when_it_is_processed(self) -> None:
        short = Video(UPRIGHT, thumbnail=Image(png(36, 64)))
        waiting = listed(video(uploadStatus="uploaded"))
        sent, asking = await followed(post(media=[short]), waiting, waiting, listed(video()), answer({}))
        assert [one.method for one in asking.asked] == ["GET", "GET", "GET", "POST"]
        assert asking.waits == [10.0, 20.0]
        assert sent.status is Status.PUBLISHED

    async def test_what_fails_is_told_and_the_rest_is_done(self) -> None:
        media = [clip(thumbnail=Image(png(64, 36)))]
        no = refusal(403, "forbidden", "Not allowed.")
        sent, _ = await followed(
            post(media=media).variant("youtube", YouTubeOptions(playlist="PLboats")),
            no,
            listed(video()),
            answer({}),
        )
        assert len(sent.missing) == 1
        assert sent.missing[0].startswith("thumbnail: Not allowed. (HTTP 403)")
        assert "youtube.com/verify" in sent.missing[0]
        assert sent.id == ID

    async def test_a_track_or_an_item_that_is_there_already_is_fine(self) -> None:
        media = [clip(captions=[Captions(VTT, "en")])]
        sent, _ = await followed(
            post(media=media).variant("youtube", YouTubeOptions(playlist="PLboats")),
            refusal(409, "captionExists"),
            listed(video()),
            refusal(409, "videoAlreadyInPlaylist"),
        )
        assert sent.missing == ()

    @pytest.mark.parametrize(("seen", "told"), [([{"id": "i1"}], 0), ([], 1)])
    async def test_a_lost_answer_of_the_playlist_is_looked_for(self, seen: Any, told: int) -> None:
        sent, asking = await followed(
            post().variant("youtube", YouTubeOptions(playlist="PLboats")),
            listed(video()),
            errors.OutcomeUnknown("lost"),
            listed(*seen),
        )
        assert len(sent.missing) == told
        assert asking.asked[-1].params == {"part": "id", "playlistId": "PLboats", "videoId": ID}

    @pytest.mark.parametrize(
        ("author", "text", "told"),
        [(OWN.id, "First!", 0), (OWN.id, "First! ", 0), ("UCsomebody", "First!", 1), (OWN.id, "Other", 1)],
    )
    async def test_a_lost_answer_of_the_comment_is_looked_for(
        self, author: str, text: str, told: int
    ) -> None:
        said = {"textOriginal": text, "authorChannelId": {"value": author}}
        thread = {"snippet": {"topLevelComment": {"snippet": said}}}
        sent, _ = await followed(
            post().variant("youtube", YouTubeOptions(first_comment="First!")),
            listed(video()),
            errors.OutcomeUnknown("lost"),
            listed(thread),
        )
        assert len(sent.missing) == told

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ({"uploadStatus": "failed", "failureReason": "codec"}, "failed (codec)"),
            ({"uploadStatus": "rejected", "rejectionReason": "duplicate"}, "rejected (duplicate)"),
            ({"uploadStatus": "rejected"}, "rejected (no reason given)"),
        ],
    )
    async def test_a_video_nobody_will_see_is_not_published(self, status: Any, words: str) -> None:
        dropped, asking = await followed(
            post().variant("youtube", YouTubeOptions(first_comment="First!")), listed(video(**status))
        )
        assert dropped == base.Absent(
            f"nobody can watch the video: YouTube says {words}; https://www.youtube.com/watch?v={ID}"
        )
        assert len(asking.asked) == 1

    @pytest.mark.parametrize("option", ["playlist", "first_comment"])
    async def test_a_failure_after_which_it_is_there_is_none(self, option: str) -> None:
        said = {"textOriginal": "PLboats", "authorChannelId": {"value": OWN.id}}
        there = {"id": "i1", "snippet": {"topLevelComment": {"snippet": said}}}
        given = post().variant("youtube", YouTubeOptions(**{option: "PLboats"}))
        for seen, told in (([there], 0), ([], 1)):
            sent, _ = await followed(given, listed(video()), refusal(500, "internalError"), listed(*seen))
            assert (len(sent.missing), sent.owed) == (told, ())

    @pytest.mark.parametrize(
        ("error", "owed"),
        [
            (refusal(429, "uploadRateLimitExceeded"), True),
            (refusal(403, "quotaExceeded"), True),
            (refusal(503, "backendError"), True),
            (refusal(400, "invalidImage"), False),
        ],
    )
    async def test_a_thumbnail_that_may_work_later_is_owed(self, error: Any, owed: bool) -> None:
        media = [clip(thumbnail=Image(png(64, 36)))]
        sent, _ = await followed(post(media=media), error, listed(video()))
        told = sent.owed if owed else sent.missing
        assert (len(sent.owed), len(sent.missing)) == ((1, 0) if owed else (0, 1))
        assert told[0].startswith("thumbnail: No. (HTTP ")

    async def test_a_track_of_which_a_part_is_kept_is_owed(self) -> None:
        begun = answer(content=b"", headers={"location": "https://www.googleapis.com/upload/c"})
        sent, _ = await followed(
            post(media=[clip(captions=[Captions(VTT, "en")])]), begun, held(2), listed(video())
        )
        assert (sent.owed, sent.missing) == (("captions en: YouTube kept a part of the track alone",), ())

    async def test_what_was_owed_is_done_and_nothing_twice(self) -> None:
        media = [clip(thumbnail=Image(png(64, 36)), captions=[Captions(VTT, "en")])]
        options = YouTubeOptions(playlist="PLboats", first_comment="First!")
        given = post(media=media).variant("youtube", options)
        before = base.Sent(
            ID, owed=("thumbnail: too fast", "first comment: too fast"), missing=("captions en: no",)
        )
        sent, asking = await followed(given, answer({}), answer({}), sent=before)
        assert [one.path.rpartition("/")[2] for one in asking.asked] == ["set", "commentThreads"]
        assert (sent.owed, sent.missing) == ((), ("captions en: no",))

    async def test_two_tracks_of_a_language_are_told_apart(self) -> None:
        media = [clip(captions=[Captions(VTT, "en"), Captions(VTT, "en", "For sailors")])]
        before = base.Sent(ID, owed=("captions en (For sailors): too fast",))
        sent, asking = await followed(
            post(media=media),
            answer(content=b"", headers={"location": "https://www.googleapis.com/upload/c"}),
            answer({}),
            sent=before,
        )
        assert [one.json["snippet"]["name"] for one in asking.asked[:1]] == ["For sailors"]
        assert sent.owed == ()

    async def test_a_video_that_is_not_shown_yet_is_waited_for(self) -> None:
        sent, asking = await followed(post(), listed(), listed(video()))
        assert (sent.status, sent.missing, asking.waits) == (Status.PUBLISHED, (), [10.0])

    async def test_long_processing_is_left_to_a_later_look(self) -> None:
        sent, _ = await followed(post(), errors.Unavailable("still processing"))
        assert sent.status is Status.PROCESSING
        assert sent.look_again_at == NOW + timedelta(seconds=60)

    async def test_a_halt_is_no_failure_of_the_thumbnail(self) -> None:
        with pytest.raises(errors.Halted):
            await followed(
                post().variant("youtube", YouTubeOptions(playlist="PLboats")),
                listed(video()),
                errors.Halted("stop"),
            )


class TestCheck:
    @pytest.mark.parametrize(
        ("seen", "status", "missing"),
        [
            (video(), Status.PUBLISHED, ()),
            (video(privacyStatus="private", publishAt="2026-11-04T09:00:00Z"), Status.SCHEDULED, ()),
            (
                video(privacyStatus="private"),
                Status.PUBLISHED,
                ("visibility: its schedule is off, the video is private",),
            ),
            (
                video(privacyStatus="unlisted"),
                Status.PUBLISHED,
                ("visibility: YouTube shows it as unlisted, not public",),
            ),
            (video(uploadStatus="deleted"), Status.SCHEDULED, (GONE_WORDS,)),
            (None, Status.SCHEDULED, (GONE_WORDS,)),
        ],
    )
    async def test_where_a_scheduled_video_stands(
        self, seen: Any, status: Status, missing: tuple[str, ...]
    ) -> None:
        asking = call(listed(seen) if seen else listed())
        sent = await asking.adapter.check(base.Sent(ID, status=Status.SCHEDULED), asking)
        assert (sent.status, sent.missing) == (status, missing)

    @pytest.mark.parametrize(
        "seen",
        [
            {"uploadStatus": "failed", "failureReason": "codec"},
            {"uploadStatus": "rejected", "rejectionReason": "claim"},
        ],
    )
    async def test_what_youtube_dropped_is_not_live(self, seen: dict[str, str]) -> None:
        asking = call(listed(video(**seen)))
        dropped = await asking.adapter.check(base.Sent(ID, status=Status.SCHEDULED), asking)
        assert isinstance(dropped, base.Absent)
        assert seen["uploadStatus"] in dropped.evidence

    @pytest.mark.parametrize("state", ["failed", "terminated"])
    async def test_processing_that_ended_badly_is_enough(self, state: str) -> None:
        details = {"processingStatus": state, "processingFailureReason": "streamingFailed"}
        seen = {
            **video(uploadStatus="uploaded"),
            "processingDetails": details,
            "suggestions": {"processingErrors": ["audioFile"]},
        }
        asking = call(listed(seen))
        dropped = await asking.adapter.check(base.Sent(ID, status=Status.PROCESSING), asking)
        assert isinstance(dropped, base.Absent)
        assert f"{state} (streamingFailed, audioFile)" in dropped.evidence

    async def test_a_video_that_is_not_shown_yet_is_looked_for_again(self) -> None:
        raw = {"uploaded": "2026-11-02T08:51:00Z"}
        asking = call(listed())
        sent = await asking.adapter.check(base.Sent(ID, status=Status.PROCESSING, raw=raw), asking)
        assert (sent.status, sent.missing) == (Status.PROCESSING, ())
        assert sent.look_again_at == NOW + timedelta(seconds=60)
        raw = {"uploaded": "2026-11-02T08:49:00Z"}
        asking = call(listed())
        sent = await asking.adapter.check(base.Sent(ID, status=Status.PROCESSING, raw=raw), asking)
        assert (sent.status, sent.missing, sent.look_again_at) == (Status.PROCESSING, (GONE_WORDS,), None)

    @pytest.mark.parametrize(
        ("asked", "shown", "words"),
        [
            ("public", "private", "visibility: YouTube shows it as private, not public"),
            ("unlisted", "public", "visibility: YouTube shows it as public, not unlisted"),
            ("private", "private", None),
            ("scheduled", "public", None),
        ],
    )
    async def test_another_visibility_than_asked_is_told_until_it_is_cured(
        self, asked: str, shown: str, words: str | None
    ) -> None:
        told = ("thumbnail: no", "visibility: YouTube shows it as private, not public")
        before = base.Sent(ID, status=Status.PROCESSING, missing=told, raw={"visibility": asked})
        asking = call(listed(video(privacyStatus=shown)))
        sent = await asking.adapter.check(before, asking)
        assert sent.missing == ("thumbnail: no", *([words] if words else []))

    async def test_a_video_in_processing(self) -> None:
        asking = call(listed(video(uploadStatus="uploaded")))
        sent = await asking.adapter.check(
            base.Sent(ID, status=Status.PROCESSING, raw={"digest": "d"}), asking
        )
        assert (sent.status, sent.raw) == (Status.PROCESSING, {"digest": "d"})


async def lost(given: Post | None = None, **more: Any) -> base.Lost:
    part = await only_part(given or post())
    return base.Lost(part, NOW - timedelta(minutes=1), NOW + timedelta(minutes=3), **more)


def item(video_id: str = ID, at: str = "2026-11-02T09:00:30Z", **words: str) -> dict[str, Any]:
    snippet = {"publishedAt": at, "title": "The launch", "description": "We sail", **words}
    return {"snippet": snippet, "contentDetails": {"videoId": video_id}}


def filed(name: str | None = None, size: str | None = None, video_id: str = ID) -> dict[str, Any]:
    details = {"fileName": name, "fileSize": size}
    return {**video(video_id), "fileDetails": {k: v for k, v in details.items() if v is not None}}


GONE = answer(status=404, content=b"")
HELD = {"session": {"url": PLACE, "name": "file-1.mp4"}}


class TestFind:
    async def test_the_session_names_the_video(self) -> None:
        asking = call(made(), memory=dict(HELD))
        finding = await asking.adapter.find(await lost(), asking)
        assert isinstance(finding, base.Found)
        assert (finding.sent.id, [one.step for one in asking.asked]) == (ID, ["read"])

    async def test_the_session_waits_for_bytes_so_there_is_no_video(self) -> None:
        for answered in (held(0), held(UNIT)):
            asking = call(answered, memory=dict(HELD))
            wanted = await lost()
            wanted = attrs.evolve(wanted, part=sized(wanted.part, 2 * UNIT))
            assert isinstance(await asking.adapter.find(wanted, asking), base.Absent)

    async def test_all_bytes_and_no_video_is_no_answer(self) -> None:
        wanted = await lost()
        asking = call(held(wanted.part.media[0].size), memory=dict(HELD))
        assert isinstance(await asking.adapter.find(wanted, asking), base.CannotTell)

    async def test_a_session_that_is_gone_leaves_the_uploads(self) -> None:
        asking = call(
            GONE, listed(item(title="Another one")), listed(filed("other.mp4", "5")), memory=dict(HELD)
        )
        assert isinstance(await asking.adapter.find(await lost(), asking), base.Absent)
        assert asking.asked[1].params["playlistId"] == f"UU{OWN.id[2:]}"

    async def test_the_file_name_tells_ours_from_a_twin(self) -> None:
        videos = listed(filed("copy.mp4", "5", "twintwintwi"), filed("file-1.mp4", "5"))
        asking = call(GONE, listed(item(), item("twintwintwi")), videos, memory=dict(HELD))
        finding = await asking.adapter.find(await lost(), asking)
        assert isinstance(finding, base.Found)
        assert finding.sent.id == ID

    @pytest.mark.parametrize(
        ("seen", "kind"),
        [
            (filed(None, None), base.CannotTell),
            (filed("copy.mp4", None), base.CannotTell),
            (filed("copy.mp4", "same"), base.CannotTell),
            (filed("copy.mp4", "5"), base.Absent),
        ],
    )
    async def test_a_file_that_is_not_known_is_never_guessed(self, seen: Any, kind: type) -> None:
        wanted = await lost()
        if seen["fileDetails"].get("fileSize") == "same":
            seen["fileDetails"]["fileSize"] = str(wanted.part.media[0].size)
        asking = call(GONE, listed(item()), listed(seen), memory=dict(HELD))
        assert isinstance(await asking.adapter.find(wanted, asking), kind)

    async def test_the_file_tells_whatever_became_of_the_title(self) -> None:
        videos = listed(filed("file-1.mp4", "5"))
        asking = call(GONE, listed(item(title="The launch …")), videos, memory=dict(HELD))
        finding = await asking.adapter.find(await lost(), asking)
        assert isinstance(finding, base.Found)
        assert finding.sent.id == ID

    async def test_a_video_whose_file_is_not_told_is_no_other(self) -> None:
        asking = call(GONE, listed(item()), listed(), memory=dict(HELD))
        assert isinstance(await asking.adapter.find(await lost(), asking), base.CannotTell)

    async def test_two_of_our_name_are_nobody(self) -> None:
        videos = listed(filed("file-1.mp4", "5"), filed("file-1.mp4", "5", "twintwintwi"))
        asking = call(GONE, listed(item(), item("twintwintwi")), videos, memory=dict(HELD))
        assert isinstance(await asking.adapter.find(await lost(), asking), base.CannotTell)

    @pytest.mark.parametrize(("shown", "kind"), [("private", base.Absent), ("public", base.CannotTell)])
    async def test_a_list_proves_nothing_of_private_videos_unless_it_shows_some(
        self, shown: str, kind: type
    ) -> None:
        older = {**item("oldoldoldol", at="2026-11-02T08:00:00Z"), "status": {"privacyStatus": shown}}
        asking = call(GONE, listed(older), memory=dict(HELD))
        assert isinstance(await asking.adapter.find(await lost(post(visibility="private")), asking), kind)
        assert asking.asked[1].params["part"] == "snippet,contentDetails,status"

    async def test_more_than_fifty_files_are_asked_for_in_pages(self) -> None:
        items = [item(f"{n:011}") for n in range(60)]
        answers = (listed(*items), listed(), listed(filed("file-1.mp4", video_id=f"{55:011}")))
        asking = call(GONE, *answers, memory=dict(HELD))
        assert isinstance(await asking.adapter.find(await lost(), asking), base.Found)
        assert [one.params["id"].count(",") + 1 for one in asking.asked[2:]] == [50, 10]

    async def test_nothing_remembered_is_a_list_too(self) -> None:
        asking = call(listed())
        assert isinstance(await asking.adapter.find(await lost(), asking), base.Absent)

    async def test_claimed_and_older_videos_are_no_candidates(self) -> None:
        items = (item(), item("oldoldoldol", at="2026-11-02T08:00:00Z"))
        asking = call(listed(*items))
        wanted = await lost(claimed=frozenset({ID}))
        assert isinstance(await asking.adapter.find(wanted, asking), base.Absent)

    async def test_pages_are_read_until_one_is_older(self) -> None:
        old = item("oldoldoldol", at="2026-11-02T08:00:00Z")
        pages = (listed(item(title="x"), nextPageToken="2"), listed(old, nextPageToken="3"))
        asking = call(*pages, listed(filed("other.mp4")))
        await asking.adapter.find(await lost(), asking)
        assert asking.asked[1].params["pageToken"] == "2"
        assert not asking.answers


LIVE = {
    **video(),
    "snippet": {
        "title": "Old",
        "description": "Old",
        "tags": ["old"],
        "categoryId": "28",
        "channelId": OWN.id,
    },
    "status": {"privacyStatus": "private", "publishAt": "2026-11-04T09:00:00Z", "license": "youtube"},
}


class TestEdit:
    async def edited(self, given: Post, live: Any = LIVE) -> tuple[base.Sent, Any]:
        asking = call(listed(live), answer(video()))
        sent = await asking.adapter.edit(receipt(), await only_part(given), asking)
        return sent, asking.asked[-1]

    async def test_what_is_not_said_stays(self) -> None:
        _, asked = await self.edited(post("New words"))
        assert asked.json == {
            "id": ID,
            "snippet": {"title": "The launch", "description": "New words", "categoryId": "28"},
            "status": {"privacyStatus": "private", "publishAt": "2026-11-04T09:00:00Z", "license": "youtube"},
        }
        assert (asked.step, asked.options["repeatable"], asked.options["cost"]) == ("attach", True, 50)

    async def test_a_visibility_takes_the_schedule_off(self) -> None:
        _, asked = await self.edited(post(visibility="public"))
        assert asked.json["status"] == {"privacyStatus": "public", "license": "youtube"}

    async def test_a_new_schedule_and_category(self) -> None:
        options = YouTubeOptions(
            publish_at=LATER + timedelta(days=1), category_id="10", license="creativeCommon"
        )
        _, asked = await self.edited(post(tags=["new"]).variant("youtube", options))
        assert asked.json["snippet"]["categoryId"] == "10"
        assert asked.json["snippet"]["tags"] == ["new"]
        assert asked.json["status"] == {
            "privacyStatus": "private",
            "publishAt": "2026-11-05T09:00:00Z",
            "license": "creativeCommon",
        }

    async def test_other_localizations_and_flags_stay(self) -> None:
        live = {
            **LIVE,
            "localizations": {"fr": {"title": "Le lancement"}},
            "status": {"privacyStatus": "public", "embeddable": False, "selfDeclaredMadeForKids": False},
        }
        options = YouTubeOptions(localizations={"de": {"title": "Der Stapellauf"}}, made_for_kids=True)
        _, asked = await self.edited(post(language="en").variant("youtube", options), live)
        assert asked.json["localizations"] == {
            "fr": {"title": "Le lancement"},
            "de": {"title": "Der Stapellauf"},
        }
        assert asked.json["status"] == {
            "privacyStatus": "public",
            "embeddable": False,
            "selfDeclaredMadeForKids": True,
        }
        assert asked.params == {"part": "snippet,status,localizations"}

    async def test_another_file_is_refused(self) -> None:
        asking = call()
        wrong = attrs.evolve(receipt(), raw={"digest": "another"})
        with pytest.raises(errors.InvalidPost, match="cannot replace a video's file"):
            await asking.adapter.edit(wrong, await only_part(post()), asking)

    async def test_a_first_comment_is_refused_before_anything_is_changed(self) -> None:
        asking = call()
        given = post().variant("youtube", YouTubeOptions(first_comment="First!"))
        with pytest.raises(errors.InvalidPost) as caught:
            await asking.adapter.edit(receipt(), await only_part(given), asking)
        assert [one.field for one in caught.value.problems] == ["options.first_comment"]

    @pytest.mark.parametrize(("size", "fine"), [("5", False), ("same", True), (None, True)])
    async def test_a_receipt_that_knows_no_file_is_held_against_youtubes(
        self, size: str | None, fine: bool
    ) -> None:
        part = await only_part(post())
        told = {"fileSize": str(part.media[0].size) if size == "same" else size}
        live = {**LIVE, "fileDetails": {name: value for name, value in told.items() if value}}
        asking = call(listed(live), answer(video()))
        if fine:
            await asking.adapter.edit(receipt(), part, asking)
        else:
            with pytest.raises(errors.InvalidPost, match="cannot replace a video's file"):
                await asking.adapter.edit(receipt(), part, asking)
        assert asking.asked[0].params["part"] == "snippet,status,fileDetails"

    async def test_tracks_are_replaced_or_added_and_the_playlist_takes_it_once(self) -> None:
        media = [clip(captions=[Captions(VTT, "en", "English"), Captions(VTT, "de")])]
        given = post(media=media).variant("youtube", YouTubeOptions(playlist="PLboats"))
        track = "https://www.googleapis.com/upload/youtube/v3/captions?upload_id=hidden"
        begun = answer(content=b"", headers={"location": track})
        tracks = listed(
            {"id": "c0", "snippet": {"language": "en", "name": "English", "trackKind": "ASR"}},
            {"id": "c1", "snippet": {"language": "en", "name": "English", "trackKind": "standard"}},
            {"id": "c2", "snippet": {"language": "de", "name": "Deutsch", "trackKind": "standard"}},
        )
        for items in ([], [{"id": "i1"}]):
            asking = call(
                *(listed(LIVE), answer(video())),
                *(tracks, begun, answer({"kind": "youtube#caption"})),
                *(tracks, begun, answer({"kind": "youtube#caption"})),
                listed(*items),
                *([] if items else [answer({"kind": "youtube#playlistItem"})]),
            )
            part = await only_part(given, own_playlist("PLboats"))
            await asking.adapter.edit(receipt(), part, asking)
            anew, added = (one for one in asking.asked if one.params.get("uploadType") == "resumable")
            assert (anew.method, anew.json["id"], anew.options["cost"]) == ("PUT", "c1", 450)
            assert (added.method, added.json["snippet"]["language"], added.options["cost"]) == (
                "POST",
                "de",
                400,
            )
            assert asking.asked[2].options["cost"] == 50
            assert (asking.asked[-1].method, asking.answers) == ("GET" if items else "POST", [])

    async def test_a_visibility_that_youtube_does_not_take_is_no_success(self) -> None:
        asking = call(listed(LIVE), answer(video(privacyStatus="private")))
        with pytest.raises(errors.Declined, match="YouTube shows it as private, not public"):
            await asking.adapter.edit(receipt(), await only_part(post(visibility="public")), asking)

    async def test_the_receipt_of_an_edit_knows_what_was_asked_last(self) -> None:
        asking = call(listed(LIVE), answer(video(privacyStatus="unlisted")))
        before = attrs.evolve(receipt(), raw={"visibility": "public", "uploaded": "2026-11-02T09:00:00Z"})
        sent = await asking.adapter.edit(before, await only_part(post(visibility="unlisted")), asking)
        assert sent.raw == {"visibility": "unlisted", "uploaded": "2026-11-02T09:00:00Z"}

    async def test_how_far_an_edit_came_stands_in_its_error(self) -> None:
        given = post(media=[clip(thumbnail=Image(png(64, 36)), captions=[Captions(VTT, "en")])])
        asking = call(listed(LIVE), answer(video()), answer({}), refusal(403, "insufficientPermissions"))
        with pytest.raises(errors.MissingScope) as caught:
            await asking.adapter.edit(receipt(), await only_part(given), asking)
        assert caught.value.message.startswith(
            "title, description, tags, thumbnail: changed; captions en: No."
        )

    async def test_a_new_thumbnail_is_set(self) -> None:
        asking = call(listed(LIVE), answer(video()), answer({}))
        given = post(media=[clip(thumbnail=Image(png(64, 36)))])
        await asking.adapter.edit(receipt(), await only_part(given), asking)
        assert asking.asked[-1].params == {"videoId": ID, "uploadType": "media"}

    async def test_a_video_that_is_gone(self) -> None:
        asking = call(listed())
        with pytest.raises(errors.Declined, match="does not show"):
            await asking.adapter.edit(receipt(), await only_part(post()), asking)


class TestDelete:
    async def test_gone_already_is_done(self) -> None:
        for told in (answer(status=204, content=b""), refusal(404, "videoNotFound")):
            asking = call(told)
            await asking.adapter.delete(receipt(), asking)
            assert (asking.asked[0].method, asking.asked[0].params) == ("DELETE", {"id": ID})

    async def test_an_id_that_is_none(self) -> None:
        with pytest.raises(errors.ConfigError, match="11 characters"):
            await YouTube().delete(receipt("../etc"), call())


def stats(video_id: str = ID, **counts: str) -> dict[str, Any]:
    told = {"viewCount": "1200", "likeCount": "30", "commentCount": "4", **counts}
    return {"kind": "youtube#videoStats", "id": video_id, "statistics": told}


def table(metrics: str, *rows: list[Any]) -> base.Response:
    headers = [{"name": name} for name in ("video", *metrics.split(","))]
    return answer({"columnHeaders": headers, "rows": list(rows)})


class TestMetrics:
    async def test_one_request_for_all_ids(self) -> None:
        asking = call(listed(stats(), stats("twintwintwi", viewCount="0")))
        rows = await asking.adapter.fetch_metrics([receipt(), receipt("twintwintwi")], asking)
        assert asking.asked[0].url.endswith(f"videos:batchGetStats?part=statistics&id={ID}&id=twintwintwi")
        assert [(row.video_views, row.likes, row.comments) for row in rows] == [(1200, 30, 4), (0, 30, 4)]
        assert rows[0].reach is None
        assert "YouTube(analytics=True)" in rows[0].missing["impressions"]

    async def test_hidden_counts_are_unknown_and_not_zero(self) -> None:
        asking = call(listed({"id": ID, "statistics": {"viewCount": "9"}}))
        (row,) = await asking.adapter.fetch_metrics([receipt()], asking)
        assert (row.video_views, row.likes, row.comments) == (9, None, None)
        assert row.missing["likes"] == "YouTube did not say: likes may be hidden"

    async def test_who_is_not_in_the_batch_is_asked_for_by_itself(self) -> None:
        asking = call(listed(), listed(stats()))
        rows = await asking.adapter.fetch_metrics([receipt(), receipt("gonegonegon")], asking)
        assert asking.asked[1].params == {"part": "statistics", "id": f"{ID},gonegonegon"}
        assert rows[0].video_views == 1200
        assert "does not show" in str(rows[1].error)

    async def test_an_id_that_is_none_spoils_nothing(self) -> None:
        asking = call(listed(stats()))
        rows = await asking.adapter.fetch_metrics([receipt("nonsense"), receipt()], asking)
        assert isinstance(rows[0].error, errors.ConfigError)
        assert rows[1].likes == 30

    async def test_analytics_in_queries_that_go_together(self) -> None:
        adapter = YouTube(token="t", analytics=True)
        first = "views,engagedViews,estimatedMinutesWatched,averageViewDuration,shares,videosAddedToPlaylists"
        asking = call(
            listed(stats(), stats("twintwintwi")),
            table(first, [ID, 900, 800, 50, 33, 7, 2]),
            refusal(400, "badRequest", "The query is not supported."),
            table("cardClicks", [ID, 3]),
            adapter=adapter,
        )
        other = receipt("twintwintwi", Identity("youtube", OWN.server, "UCsomebody"))
        rows = await adapter.fetch_metrics([receipt(), other], asking)
        mine = rows[0]
        assert (mine.watch_seconds, mine.shares, mine.saves, mine.clicks) == (3000, 7, 2, 3)
        assert mine.impressions is None
        assert "not supported" in mine.missing["impressions"]
        assert mine.raw["analytics"]["engagedViews"] == 800
        assert "own videos only" in rows[1].missing["shares"]
        query = asking.asked[1].params
        assert (query["ids"], query["filters"]) == ("channel==MINE", f"video=={ID}")
        assert (query["startDate"], query["endDate"], query["sort"]) == ("2026-11-02", "2026-11-02", "-views")
        assert asking.asked[1].url.startswith("https://youtubeanalytics.googleapis.com/v2/reports?")

    async def test_one_report_tells_two_hundred_videos(self) -> None:
        adapter = YouTube(token="t", analytics=True)
        assert adapter.rules_for(FACTS).metrics_batch == 200
        assert YouTube(token="t").rules_for(FACTS).metrics_batch == 50
        ids = [f"{n:011}" for n in range(200)]
        pages = [listed(*(stats(one) for one in ids[at : at + 50])) for at in range(0, 200, 50)]
        asking = call(*pages, *[answer({"columnHeaders": []})] * 3, adapter=adapter)
        rows = await adapter.fetch_metrics([receipt(one) for one in ids], asking)
        assert [row.video_views for row in rows] == [1200] * 200
        assert [len(one.params["filters"].split(",")) for one in asking.asked[4:]] == [200] * 3

    async def test_a_video_that_is_not_out_yet_makes_no_period_that_ends_before_it_begins(self) -> None:
        adapter = YouTube(token="t", analytics=True)
        asking = call(listed(stats()), *[answer({"columnHeaders": []})] * 3, adapter=adapter)
        await adapter.fetch_metrics([attrs.evolve(receipt(), published_at=LATER)], asking)
        assert (asking.asked[1].params["startDate"], asking.asked[1].params["endDate"]) == ("2026-11-02",) * 2

    async def test_no_row_yet(self) -> None:
        adapter = YouTube(token="t", analytics=True)
        asking = call(listed(stats()), *[answer({"columnHeaders": []})] * 3, adapter=adapter)
        (row,) = await adapter.fetch_metrics([receipt()], asking)
        assert "48 to 72 hours" in row.missing["watch_seconds"]

    async def test_the_channel(self) -> None:
        counts = {"subscriberCount": "1230", "viewCount": "9", "hiddenSubscriberCount": False}
        asking = call(listed({"id": OWN.id, "statistics": counts}))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.video_views, row.missing) == (1230, 9, {})
        hidden = {"hiddenSubscriberCount": True, "subscriberCount": "0"}
        asking = call(listed({"id": OWN.id, "statistics": hidden}))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert row.missing == {"followers": "the channel hides it", "video_views": "YouTube did not say"}

    async def test_the_channel_in_a_period(self) -> None:
        adapter = YouTube(token="t", analytics=True)
        names = "views,likes,comments,shares,estimatedMinutesWatched,subscribersGained,subscribersLost"
        headers = [{"name": name} for name in names.split(",")]
        report = answer({"columnHeaders": headers, "rows": [[5, 4, 3, 2, 1, 9, 8]]})
        asking = call(listed({"id": OWN.id, "statistics": {"viewCount": "9"}}), report, adapter=adapter)
        row = await adapter.fetch_account_metrics(asking, since=NOW - timedelta(days=7), until=NOW)
        assert (row.video_views, row.likes, row.comments, row.shares, row.watch_seconds) == (5, 4, 3, 2, 60)
        assert row.raw["analytics"]["subscribersGained"] == 9
        assert asking.asked[1].params["startDate"] == "2026-10-26"


class TestReferences:
    @pytest.mark.parametrize(
        "link",
        [
            f"https://www.youtube.com/watch?v={ID}",
            f"http://m.youtube.com/watch?app=m&v={ID}&t=3s",
            f"https://youtu.be/{ID}?si=x",
            f"https://youtube.com/shorts/{ID}",
            f"https://www.youtube.com/live/{ID}?feature=share",
            f"https://www.youtube.com/embed/{ID}",
        ],
    )
    def test_permalinks(self, link: str) -> None:
        assert id_of(link) == ID
        assert YouTube().owns(link)

    @pytest.mark.parametrize(
        "link",
        [
            "https://www.youtube.com/@brand",
            f"https://example.com/watch?v={ID}",
            f"https://youtu.be/{ID}x",
            ID[:10],
            f"{ID}x",
            "short",
        ],
    )
    def test_what_is_none(self, link: str) -> None:
        assert id_of(link) is None
        assert not YouTube().owns(link)

    async def test_a_video_that_was_scheduled_long_ago_is_as_old_as_its_publication(self) -> None:
        old = item(at="2026-10-01T08:00:00Z")
        old["contentDetails"]["videoPublishedAt"] = "2026-11-02T08:00:00Z"
        asking = call(listed(old, nextPageToken="2"), listed(item("oldoldoldol", at="2026-09-01T08:00:00Z")))
        since = NOW - timedelta(days=1)
        found = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=None, limit=9)]
        assert [one.id for one in found] == [ID]
        assert asking.asked[1].params["pageToken"] == "2"

    async def test_somebody_elses_video_has_their_name(self) -> None:
        snippet = {"channelId": "UCsomebody", "channelTitle": "Somebody", "description": "Hi"}
        asking = call(listed({"id": ID, "snippet": snippet}))
        found = await asking.adapter.resolve(f"https://youtu.be/{ID}", asking)
        assert (found.identity.id, found.identity.name, found.id, found.text) == (
            "UCsomebody",
            "Somebody",
            ID,
            "Hi",
        )

    async def test_nothing_there(self) -> None:
        asking = call(listed())
        with pytest.raises(errors.ConfigError, match="no video that YouTube shows"):
            await asking.adapter.resolve(ID, asking)
        with pytest.raises(errors.ConfigError, match="no video on YouTube"):
            await asking.adapter.resolve("https://example.com", asking)


DECLINED = {
    400: (
        "invalidTitle invalidDescription invalidTags invalidCategoryId invalidPublishAt invalidFilename "
        "invalidRecordingDetails invalidVideoGameRating invalidVideoMetadata defaultLanguageNotSet mediaBodyRequired "
        "invalidImage imageFormatUnsupported imageTooTall imageTooWide failedPrecondition keyInvalid badRequest "
        "missingRequiredParameter unexpectedParameter incompatibleParameters invalidFilters invalidCriteria "
        "invalidMine invalidPageToken commentTextRequired commentTextTooLong channelOrVideoIdMissing "
        "parentCommentIdMissing parentCommentIsPrivate invalidCommentMetadata manualSortRequired"
    ),
    403: (
        "forbidden accountDelegationForbidden channelForbidden forbiddenPrivacySetting forbiddenLicenseSetting "
        "authenticatedUserAccountClosed authenticatedUserAccountSuspended authenticatedUserNotChannel channelClosed "
        "channelSuspended accessNotConfigured SERVICE_DISABLED commentsDisabled operationNotSupported "
        "ineligibleAccount playlistContainsMaximumNumberOfVideos SERVICE_UNAVAILABLE"
    ),
    404: (
        "videoNotFound channelNotFound playlistNotFound playlistItemNotFound captionNotFound commentNotFound "
        "commentThreadNotFound parentCommentNotFound"
    ),
}
TABLE: list[tuple[int, str, type[errors.SocialKitError], bool, bool]] = [
    *(
        (status, code, errors.Declined, True, False)
        for status, codes in DECLINED.items()
        for code in codes.split()
    ),
    (308, "", errors.Declined, True, False),
    (400, "uploadLimitExceeded", errors.RateLimited, True, False),
    (400, "processingFailure", errors.Unavailable, True, False),
    (400, "subscriptionDuplicate", errors.Duplicate, True, False),
    (401, "authError", errors.ReauthNeeded, True, True),
    (401, "authorizationRequired", errors.ReauthNeeded, True, True),
    (401, "youtubeSignupRequired", errors.ReauthNeeded, True, False),
    (403, "quotaExceeded", errors.RateLimited, True, False),
    (403, "dailyLimitExceeded", errors.RateLimited, True, False),
    (403, "rateLimitExceeded", errors.RateLimited, True, False),
    (403, "userRateLimitExceeded", errors.RateLimited, True, False),
    (429, "rateLimitExceeded", errors.RateLimited, True, False),
    (429, "userRateLimitExceeded", errors.RateLimited, True, False),
    (429, "uploadRateLimitExceeded", errors.RateLimited, True, False),
    (403, "insufficientPermissions", errors.MissingScope, True, False),
    (409, "captionExists", errors.Duplicate, True, False),
    (409, "videoAlreadyInPlaylist", errors.Duplicate, True, False),
    (500, "internalError", errors.Unavailable, False, False),
    (503, "backendError", errors.Unavailable, False, False),
    (502, "", errors.Unavailable, False, False),
    (504, "", errors.Unavailable, False, False),
]


class TestErrors:
    @pytest.mark.parametrize(("status", "code", "kind", "definite", "refresh"), TABLE)
    def test_every_row_of_the_table(
        self, status: int, code: str, kind: type, definite: bool, refresh: bool
    ) -> None:
        told = attrs.evolve(refusal(status, code), received_at=NOW)
        error = YouTube().parse_error(told)
        assert type(error) is kind
        assert error.__dict__["definite"] is definite
        assert error.__dict__["refreshable"] is refresh
        assert error.__dict__["code"] == (code or None)

    def test_every_code_of_the_rules_is_in_the_table(self) -> None:
        known = {(status, code) for status, code, *_ in TABLE}
        assert {(row.status, row.code or "") for row in YouTube.rules.errors} <= known

    def test_a_field_is_named(self) -> None:
        told = refusal(400, "invalidTitle", "Bad title.", location="body.snippet.title")
        assert YouTube().read_error(told) == ("invalidTitle", "Bad title. (body.snippet.title)")

    def test_other_shapes_of_errors(self) -> None:
        bare = answer({"error": "invalid_grant", "error_description": "Bad Request"}, 400)
        assert YouTube().read_error(bare) == ("invalid_grant", "Bad Request")
        page = answer(content=b"<html><title>Error 404</title><p>Not here</html>", status=404)
        assert YouTube().read_error(page)[0] is None
        assert "Not here" in YouTube().read_error(page)[1]
        details = [{"reason": "SERVICE_DISABLED"}]
        rpc = answer({"error": {"message": "Off", "status": "PERMISSION_DENIED", "details": details}}, 403)
        assert YouTube().read_error(rpc) == ("SERVICE_DISABLED", "Off")
        assert YouTube().read_error(answer([1], 400))[0] is None

    def test_a_spent_quota_is_whole_at_midnight_in_california(self) -> None:
        midnight = datetime(2026, 11, 3, 8, tzinfo=UTC)
        told = attrs.evolve(refusal(403, "quotaExceeded"), received_at=NOW)
        assert YouTube().parse_error(told).__dict__["retry_at"] == midnight
        (reading,) = YouTube().read_limits(told)
        assert (reading.remaining, reading.resets_at) == (0, midnight)
        assert YouTube().read_limits(attrs.evolve(refusal(403, "forbidden"), received_at=NOW)) == ()

    def test_summer_and_winter(self) -> None:
        assert quota_midnight(datetime(2026, 7, 1, 6, tzinfo=UTC)) == datetime(2026, 7, 1, 7, tzinfo=UTC)
        assert quota_midnight(datetime(2026, 12, 1, 9, tzinfo=UTC)) == datetime(2026, 12, 2, 8, tzinfo=UTC)
        assert pacific_day(datetime(2026, 12, 1, 7, tzinfo=UTC)) == "2026-11-30"

    def test_the_channels_own_cap_lasts_a_day(self) -> None:
        told = attrs.evolve(refusal(400, "uploadLimitExceeded"), received_at=NOW)
        assert YouTube().parse_error(told).__dict__["retry_at"] == NOW + timedelta(days=1)


class TestBudgets:
    @pytest.mark.parametrize(
        ("method", "path", "names"),
        [
            ("POST", "/upload/youtube/v3/videos", ["video-uploads"]),
            ("PUT", "/upload/youtube/v3/videos", []),
            ("GET", "/youtube/v3/search", ["searches"]),
            ("GET", "/youtube/v3/videos:batchGetStats", ["batch-stats"]),
            ("GET", "/youtube/v3/videos", ["units"]),
            ("DELETE", "/youtube/v3/videos", ["units"]),
            ("GET", "/youtube/v3/channels", ["units"]),
            ("POST", "/upload/youtube/v3/thumbnails/set", ["units"]),
            ("POST", "/upload/youtube/v3/captions", ["units"]),
            ("GET", "/v2/reports", []),
        ],
    )
    def test_each_request_spends_its_own_bucket(self, method: str, path: str, names: list[str]) -> None:
        import re

        spent = []
        for budget in YouTube.rules.budgets:
            verb, _, pattern = budget.match.partition(" ")
            if verb in ("*", method) and re.fullmatch(pattern, path):
                spent.append(budget.name)
        assert spent == names


UNITS = {
    ("GET", "/youtube/v3/channels"): 1,
    ("GET", "/youtube/v3/videos"): 1,
    ("GET", "/youtube/v3/playlists"): 1,
    ("GET", "/youtube/v3/playlistItems"): 1,
    ("GET", "/youtube/v3/commentThreads"): 1,
    ("GET", "/youtube/v3/videos:batchGetStats"): 1,
    ("GET", "/youtube/v3/captions"): 50,
    ("POST", "/upload/youtube/v3/videos"): 1,
    ("POST", "/upload/youtube/v3/thumbnails/set"): 50,
    ("POST", "/upload/youtube/v3/captions"): 400,
    ("PUT", "/upload/youtube/v3/captions"): 450,
    ("POST", "/youtube/v3/playlistItems"): 50,
    ("POST", "/youtube/v3/commentThreads"): 50,
    ("PUT", "/youtube/v3/videos"): 50,
    ("DELETE", "/youtube/v3/videos"): 50,
}
"""Quota units by method, as the documentation prices them (read 2026-11-23)."""


class TestUnits:
    def test_each_request_is_counted_at_its_price_and_the_sandbox_agrees(self) -> None:
        with stage() as (box, _, client):
            spent = list[tuple[str, str, int]]()
            limits = client._async._machinery.limits
            reserve = limits.reserve

            async def watched(keys: Any, budgets: Any, method: str, path: str, **more: Any) -> Any:
                spent.append((method, path, 1 if more.get("cost") is None else more["cost"]))
                return await reserve(keys, budgets, method, path, **more)

            limits.reserve = watched
            for path in ("playlistItems", "commentThreads"):
                box.fault("dropped-after", platform="youtube", match=f"POST /youtube/v3/{path}")
            options = YouTubeOptions(playlist=box.youtube.add_playlist(), first_comment="First!")
            media = [clip(thumbnail=Image(png(64, 36)), captions=[Captions(VTT, "en")])]
            given = post(media=media).variant("youtube", options)
            made = client.publish(given, "youtube", idempotency_key="k")["youtube"].receipt
            client.edit(made, post("New words", media=media))
            client.fetch_metrics(made)
            client.fetch_posts("youtube", limit=5)
            client.delete(made)
            assert {(method, path): price for method, path, price in spent} == UNITS
            own = ("/upload/youtube/v3/videos", "/youtube/v3/videos:batchGetStats")
            units = sum(price for _, path, price in spent if path not in own)
            ((_, counted),) = (used for (name, _), used in box.youtube._spent.items() if name == "Queries")
            assert units == counted

    def test_the_clients_of_one_project_share_its_quota(self) -> None:
        for client in ("407408718192-desktop.apps.example.com", "407408718192-web.apps.example.com"):
            signed = base.Credential("oauth2", access_token="t", client_id=client)
            assert YouTube(token="t").app_of(signed) == "407408718192"
        assert YouTube(token="t").app_of(base.Credential("bearer", access_token="t")) == ""


class TestWithTheSandbox:
    def test_a_video_in_chunks_resumes_and_sends_at_most_one_again(self) -> None:
        data = mp4(data=5 * CHUNK)
        with stage() as (box, _, client):
            box.fault("dropped-before", platform="youtube", skip=3, times=40)
            given = post(media=[Video(data)])
            first = client.publish(given, "youtube", idempotency_key="k", errors="return")["youtube"]
            assert first.status is Status.FAILED
            box.faults.clear()
            again = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert again.status is Status.PUBLISHED
            assert sum(size for _, _, size in box.youtube.chunk_log) <= len(data) + CHUNK
            assert len({session for session, _, _ in box.youtube.chunk_log}) == 1
            assert len(box.timeline("youtube")) == 1

    def test_no_secret_address_is_shown(self) -> None:
        with stage() as (box, wire, client):
            client.publish(post(), "youtube", idempotency_key="k")
            (place,) = [one.headers["location"] for one in wire.answers("POST", "/upload/youtube/v3/videos")]
            secret = place.partition("upload_id=")[2]
            shown = repr([report.to_dict() for report in client.history()]) + repr(box.requests)
            assert secret
            assert secret not in shown

    def test_a_scheduled_video_is_published_in_its_time(self) -> None:
        with stage() as (box, _, client):
            due = box.clock.now() + timedelta(hours=2)
            given = post().variant("youtube", YouTubeOptions(publish_at=due))
            outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.SCHEDULED
            assert box.timeline("youtube")[0].visibility == "private"
            box.clock.advance(7300)
            settled = client.settle("k")["youtube"]
            assert settled.status is Status.PUBLISHED
            assert settled.receipt.published_at == due.replace(microsecond=0)

    def test_long_processing_is_processing_until_it_is_done(self) -> None:
        with stage() as (box, _, client):
            box.youtube.seconds_to_process = 3600.0
            outcome = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.PROCESSING
            box.clock.advance(3700)
            assert client.settle("k")["youtube"].status is Status.PUBLISHED

    def test_processing_that_fails_is_no_publication_and_a_repeat_begins_anew(self) -> None:
        with stage() as (box, _, client):
            box.fault("processing-failed", platform="youtube")
            outcome = client.publish(post(), "youtube", idempotency_key="k", errors="return")["youtube"]
            assert box.timeline("youtube") == []
            (first,) = box.youtube.entries.values()
            assert (outcome.status, outcome.receipt) == (Status.FAILED, None)
            assert isinstance(outcome.error, errors.Declined)
            assert f"failed (conversion, transcodeFailed); {first.url}" in outcome.error.message
            (past,) = client.history()
            assert past["youtube"].status is Status.FAILED
            again = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            assert (again.status, again.missing) == (Status.PUBLISHED, ())
            assert again.receipt.id != first.id

    @pytest.mark.parametrize("reason", ["copyright", "duplicate", "length"])
    def test_a_video_that_is_rejected_hours_later_is_not_live(self, reason: str) -> None:
        with stage() as (box, _, client):
            box.youtube.rejects, box.youtube.seconds_to_process = reason, 7200.0
            first = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            assert first.status is Status.PROCESSING
            box.clock.advance(7300)
            seen = client.settle("k")["youtube"]
            assert (seen.status, seen.receipt) == (Status.FAILED, None)
            assert f"rejected ({reason})" in str(seen.error)
            assert client.settle() == {}

    def test_everything_that_follows_arrives(self) -> None:
        with stage() as (box, _, client):
            playlist = box.youtube.add_playlist()
            media = [clip(thumbnail=Image(png(64, 36)), captions=[Captions(VTT, "en", "English")])]
            options = YouTubeOptions(playlist=playlist, first_comment="First!")
            given = post(media=media).variant("youtube", options)
            outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert outcome.missing == ()
            (entry,) = box.timeline("youtube")
            assert entry.extras["thumbnail"]
            assert [one["language"] for one in entry.extras["captions"]] == ["en"]
            assert [row["video"] for row in box.youtube.items.values()] == [entry.id]
            assert [one["text"] for one in box.youtube.threads] == ["First!"]

    def test_a_short_and_its_thumbnail(self) -> None:
        with stage() as (box, _, client):
            short = Video(UPRIGHT, thumbnail=Image(png(36, 64)))
            outcome = client.publish(post(media=[short]), "youtube", idempotency_key="k")["youtube"]
            assert outcome.missing == ()
            assert box.timeline("youtube")[0].extras["thumbnail"]

    def test_the_thumbnail_of_a_short_that_takes_long_is_set_by_a_later_publish(self) -> None:
        with stage() as (box, wire, client):
            box.youtube.seconds_to_process = 3600.0
            given = post(media=[Video(UPRIGHT, thumbnail=Image(png(36, 64)))])
            given = given.variant("youtube", YouTubeOptions(playlist=box.youtube.add_playlist()))
            began = box.clock.now()
            outcome = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert box.clock.now() - began < timedelta(seconds=35)
            assert outcome.status is Status.PROCESSING
            assert outcome.look_again_at is not None
            owed = "part 1: thumbnail: a Short takes one when YouTube has processed it; publish again with the same key"
            assert [words.startswith(owed) for words in outcome.missing] == [True]
            box.clock.advance(3600)
            seen = client.settle("k")["youtube"]
            assert (seen.status, len(seen.missing)) == (Status.PUBLISHED, 1)
            done = client.publish(given, "youtube", idempotency_key="k")["youtube"]
            assert (done.status, done.missing) == (Status.PUBLISHED, ())
            (entry,) = box.timeline("youtube")
            assert entry.extras["thumbnail"]
            assert [row["video"] for row in box.youtube.items.values()] == [entry.id]
            before = len(wire.requests())
            assert client.publish(given, "youtube", idempotency_key="k")["youtube"].replayed
            writes = [one.method for one in wire.requests()[before:] if one.method != "GET"]
            assert writes == []

    def test_what_is_owed_to_a_scheduled_short_is_done_by_its_plan_when_its_time_is_over(self) -> None:
        with stage() as (box, _, client):
            box.youtube.seconds_to_process = 3600.0
            due = YouTubeOptions(publish_at=box.clock.now() + timedelta(hours=2))
            short = Video(UPRIGHT, thumbnail=Image(png(36, 64)))
            plan = client.plan(post(media=[short]).variant("youtube", due), "youtube")
            outcome = client.publish(plan, idempotency_key="k")["youtube"]
            assert (outcome.status, len(outcome.missing)) == (Status.SCHEDULED, 1)
            box.clock.advance(7300)
            assert client.settle("k")["youtube"].status is Status.PUBLISHED
            done = client.publish(plan, idempotency_key="k")["youtube"]
            assert (done.status, done.missing) == (Status.PUBLISHED, ())
            (entry,) = box.timeline("youtube")
            assert entry.extras["thumbnail"]

    def test_a_comment_that_is_refused_while_the_video_is_private_is_told(self) -> None:
        with stage() as (box, _, client):
            options = YouTubeOptions(publish_at=box.clock.now() + timedelta(hours=2), first_comment="First!")
            outcome = client.publish(post().variant("youtube", options), "youtube")["youtube"]
            assert (outcome.status, len(outcome.missing)) == (Status.SCHEDULED, 1)
            assert outcome.missing[0].startswith("first comment: ")

    def test_a_comment_that_is_taken_while_the_video_is_private_is_said_at_once(self) -> None:
        with stage() as (box, _, client):
            box.youtube.comments_while_private = True
            options = YouTubeOptions(publish_at=box.clock.now() + timedelta(hours=2), first_comment="First!")
            outcome = client.publish(post().variant("youtube", options), "youtube")["youtube"]
            assert (outcome.status, outcome.missing) == (Status.SCHEDULED, ())
            assert [one["text"] for one in box.youtube.threads] == ["First!"]

    def test_a_video_that_youtube_locks_as_private_is_said_to_be(self) -> None:
        with stage() as (box, _, client):
            box.youtube.locks_private = True
            outcome = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            assert outcome.missing == ("visibility: YouTube shows it as private, not public",)
            due = YouTubeOptions(publish_at=box.clock.now() + timedelta(hours=2))
            later = client.publish(post("Later").variant("youtube", due), "youtube")["youtube"]
            assert later.missing == ("visibility: its schedule is off, the video is private",)

    def test_a_scheduled_video_that_somebody_deletes_is_not_made_again(self) -> None:
        with stage() as (box, _, client):
            due = YouTubeOptions(publish_at=box.clock.now() + timedelta(hours=2))
            given = post().variant("youtube", due)
            client.publish(given, "youtube", idempotency_key="k")
            box.clock.advance(1800)
            box.youtube.remove(box.timeline("youtube")[0])
            seen = client.settle("k")["youtube"]
            assert seen.missing == (GONE_WORDS,)
            assert client.publish(given, "youtube", idempotency_key="k")["youtube"].replayed
            assert box.timeline("youtube") == []

    def test_a_channel_that_is_not_verified_keeps_its_video(self) -> None:
        with stage() as (box, _, client):
            box.youtube.phone_verified = False
            media = [clip(thumbnail=Image(png(64, 36)))]
            outcome = client.publish(post(media=media), "youtube", idempotency_key="k")["youtube"]
            assert outcome.status is Status.PUBLISHED
            assert "youtube.com/verify" in outcome.missing[0]
            assert len(box.timeline("youtube")) == 1

    def test_a_lost_answer_is_settled_by_the_session(self) -> None:
        with stage() as (box, wire, client):
            box.fault("dropped-after", platform="youtube")
            outcome = client.publish(post(), "youtube", idempotency_key="k")["youtube"]
            (entry,) = box.timeline("youtube")
            assert (outcome.status, outcome.receipt.id) == (Status.PUBLISHED, entry.id)
            assert not wire.requests("GET", "/youtube/v3/playlistItems")

    def test_a_lost_session_is_settled_by_the_files_name(self) -> None:
        with stage() as (box, wire, client):
            box.fault("dropped-after", platform="youtube")
            box.fault("twin", platform="youtube")
            box.clock.call_at(box.clock.now() + timedelta(seconds=1), box.youtube.sessions.clear)
            outcome = client.publish(post(), "youtube", idempotency_key="k", errors="return")["youtube"]
            assert outcome.status is Status.PUBLISHED, outcome.error
            ours = [entry for entry in box.timeline("youtube") if entry.extras["file"]["name"] != "copy.mp4"]
            assert [entry.id for entry in ours] == [outcome.receipt.id]
            assert wire.requests("GET", "/youtube/v3/playlistItems")

    def test_the_days_quota_is_waited_for(self) -> None:
        with stage() as (box, wire, client):
            client.plan(post(), "youtube")
            wire.say("POST", "/upload/youtube/v3/videos", 403, refusal(403, "quotaExceeded").json())
            outcome = client.publish(post(), "youtube", idempotency_key="k", errors="return")["youtube"]
            assert isinstance(outcome.error, errors.RateLimited)
            assert outcome.error.retry_at.hour in (7, 8)
            assert outcome.status is Status.FAILED
            assert not box.timeline("youtube")

    def test_metrics_with_analytics(self) -> None:
        with stage() as (box, _, client):
            found = client.publish(post(), "youtube", idempotency_key="k")["youtube"].receipt
            client.accounts["youtube"].analytics = True
            (row,) = client.fetch_metrics(found)
            assert "48 to 72 hours" in row.missing["shares"]
            box.clock.advance(3 * 86_400)
            (row,) = client.fetch_metrics(found)
            assert None not in (row.impressions, row.shares, row.saves, row.clicks, row.watch_seconds)
            assert row.watch_seconds > row.shares

    def test_a_private_video_that_is_not_in_the_batch(self) -> None:
        with stage() as (box, _, client):
            box.youtube.private_in_batch = False
            outcome = client.publish(post(visibility="private"), "youtube", idempotency_key="k")["youtube"]
            (row,) = client.fetch_metrics(outcome.receipt)
            assert row.error is None
            assert row.video_views is not None

    def test_the_question_has_a_length_of_zero(self) -> None:
        with stage() as (box, wire, client):
            box.fault("dropped-after", platform="youtube")
            client.publish(post(), "youtube", idempotency_key="k")
            asked = wire.requests("PUT", "/upload/youtube/v3/videos")[-1]
            assert asked.headers["content-range"].startswith("bytes */")
            assert asked.headers["content-length"] == "0"

    def test_options_travel_as_json(self) -> None:
        options = YouTubeOptions(
            publish_at=LATER, localizations={"de": {"title": "Der Stapellauf"}}, playlist="PL1"
        )
        given = Post("We sail", title="The launch").variant("youtube", options)
        assert Post.from_dict(given.to_dict()) == given
