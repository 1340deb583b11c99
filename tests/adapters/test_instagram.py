"""Instagram: what is asked, sent, found again and read, in the words of the Graph API."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_files import mp4
from socialkit import Image, Instagram, Post, Receipt, Video, errors
from socialkit.adapters import base
from socialkit.adapters._instagram_media import CONTAINER, Containers
from socialkit.adapters._instagram_rules import PAGE_RULES, RULES
from socialkit.model import Identity

from .fakes import NOW, FakeCall, answer
from .instagram_samples import (
    API,
    BOX,
    FACTS,
    ID,
    MEDIA,
    OWN,
    PAGE_OWN,
    PAGES,
    adapter,
    call,
    listed,
    made,
    only_part,
    quota,
    refused,
    seen,
    status,
)

BOAT = Image.from_url("https://example.com/boat.jpg", alt="The boat")
LINKED = Video.from_url("https://example.com/boat.mp4")
FILM_BYTES = mp4(seconds=10, size=(1080, 1920))


def post(*media: Any, text: str = "Ahoy", **options: Any) -> Post:
    whole = Post(text, media=media or [BOAT])
    return whole.variant("instagram", Instagram.Options(**options)) if options else whole


async def part(*media: Any, page: bool = False, **options: Any) -> base.Part:
    return await only_part(post(*media, **options), page=page)


class TestAccount:
    async def test_with_instagram_login(self) -> None:
        asking = call(
            answer({"user_id": int(ID), "id": "24", "username": "brand", "account_type": "BUSINESS"})
        )
        facts = await asking.adapter.account(asking)
        assert (facts.identity, facts.identity.name) == (OWN, "brand")
        assert facts.facts == {"login": "instagram", "account_type": "BUSINESS"}
        assert facts.url == "https://www.instagram.com/brand/"
        assert [fence.honoured for fence in facts.fences] == ["proved"]
        assert asking.asked[0].path == "/v26.0/me"
        assert asking.adapter.rules_for(facts).metrics_batch == 1

    async def test_through_the_pages_own_token(self) -> None:
        linked = {"instagram_business_account": {"id": ID, "username": "brand"}, "id": "24"}
        asking = call(answer(linked), page=True)
        facts = await asking.adapter.account(asking)
        assert facts.identity == PAGE_OWN
        assert asking.asked[0].params == {"fields": "instagram_business_account{id,username}"}
        rules = asking.adapter.rules_for(facts)
        assert (rules.metrics_batch, rules.delete) == (50, True)

    async def test_by_its_id(self) -> None:
        one = Instagram("EAAx", server=PAGES, account_id=ID)
        asking = FakeCall(one, None, [answer({"id": ID, "username": "brand"})])
        assert (await one.account(asking)).identity == PAGE_OWN
        assert asking.asked[0].path == f"/v26.0/{ID}"

    async def test_who_signed_in_is_asked_for_by_id(self) -> None:
        one = Instagram.signed_in(PAGE_OWN)
        token = base.Credential("bearer", access_token="x", extra={"flow": "facebook"})
        asking = FakeCall(one, None, [answer({"id": ID, "username": "brand"})], credential=token)
        assert (await one.account(asking)).facts["login"] == "facebook"
        assert asking.asked[0].path == f"/v26.0/{ID}"

    @pytest.mark.parametrize("told", [answer({"id": "24"}), refused(100, words="(#100) nonexisting field")])
    async def test_a_token_that_leads_to_no_account(self, told: base.Response) -> None:
        asking = call(told, page=True)
        with pytest.raises(errors.ConfigError, match="account_id="):
            await asking.adapter.account(asking)

    @pytest.mark.parametrize(("token", "server"), [("EAAx", API), ("IGAAx", PAGES)])
    def test_tokens_do_not_cross(self, token: str, server: str) -> None:
        with pytest.raises(errors.ConfigError, match="Instagram: that is"):
            Instagram(token, server=server)

    async def test_on_loopback_the_token_decides(self) -> None:
        one = Instagram("EAAx", server="http://127.0.0.1:1/instagram", account_id=ID)
        asking = FakeCall(one, None, [answer({"id": ID, "username": "brand"})])
        assert (await one.account(asking)).facts["login"] == "facebook"
        assert one.rules.metrics_batch == 50


class TestSending:
    async def test_a_picture(self) -> None:
        sending = call(quota(3), made(), status("IN_PROGRESS"), status(), answer({"id": MEDIA}))
        sent = await sending.adapter.send(await part(), sending)
        assert (sent.id, sent.url, sent.raw) == (MEDIA, None, {"product": "FEED"})
        limit, create, _, _, publish = sending.asked
        assert [one.step for one in sending.asked] == ["read", "prepare", "read", "read", "commit"]
        assert limit.path == f"/v26.0/{ID}/content_publishing_limit"
        assert create.form == {
            "caption": "Ahoy",
            "alt_text": "The boat",
            "image_url": "https://example.com/boat.jpg",
        }
        assert (publish.path, publish.form) == (f"/v26.0/{ID}/media_publish", {"creation_id": BOX})
        assert publish.options["fence"].kind == "container"
        assert publish.options["mark"] == BOX
        assert sending.memory[CONTAINER] == BOX
        assert CONTAINER not in sending.secrets, "whoever looks for the post needs it"
        assert sending.waits == [1]

    async def test_a_reel_with_a_cover(self) -> None:
        film = Video.from_url(
            "https://example.com/boat.mp4", thumbnail=Image.from_url("https://example.com/c.jpg")
        )
        sending = call(quota(), made(), status(), answer({"id": MEDIA}))
        await sending.adapter.send(await part(film, share_to_feed=False), sending)
        assert sending.asked[1].form == {
            "caption": "Ahoy",
            "share_to_feed": "false",
            "media_type": "REELS",
            "cover_url": "https://example.com/c.jpg",
            "video_url": "https://example.com/boat.mp4",
        }

    async def test_a_carousel_polls_children_and_parent(self) -> None:
        answers = [
            quota(),
            made("1"),
            made("2"),
            status(),
            status(),
            made("3"),
            status(),
            answer({"id": MEDIA}),
        ]
        sending = call(*answers)
        await sending.adapter.send(await part(LINKED, BOAT), sending)
        first, second, parent = (one for one in sending.asked if one.path.endswith("/media"))
        assert (first.form["media_type"], first.form["is_carousel_item"]) == ("VIDEO", "true")
        assert "media_type" not in second.form
        assert "caption" not in second.form
        assert parent.form == {"caption": "Ahoy", "media_type": "CAROUSEL", "children": "1,2"}
        looked = [one.path for one in sending.asked if one.step == "read"][1:]
        assert looked == ["/v26.0/1", "/v26.0/2", "/v26.0/3"]
        assert sending.asked[-1].form == {"creation_id": "3"}

    async def test_what_is_made_is_not_made_again(self) -> None:
        whole = await part(LINKED, BOAT)
        first = call(quota(), made("1"), made("2"), status(), errors.Unavailable("no answer"))
        with pytest.raises(errors.Unavailable):
            await first.adapter.send(whole, first)
        again = call(
            quota(), status(), status(), made("3"), status(), answer({"id": MEDIA}), memory=first.memory
        )
        await again.adapter.send(whole, again)
        assert [one.form.get("children") for one in again.asked if one.step == "prepare"] == ["1,2"]
        assert all(first.lifetimes[name] for name in first.memory if name.startswith("item"))

    async def test_a_known_container_is_published_and_no_other(self) -> None:
        again = call(status(), answer({"id": MEDIA}), memory={CONTAINER: BOX}, lost=True)
        await again.adapter.send(await part(), again)
        assert [one.step for one in again.asked] == ["read", "commit"]
        assert again.asked[1].form == {"creation_id": BOX}

    async def test_a_published_container_is_never_followed_by_another(self) -> None:
        again = call(status("PUBLISHED"), memory={CONTAINER: BOX}, lost=True)
        with pytest.raises(errors.OutcomeUnknown):
            await again.adapter.send(await part(), again)
        assert [one.step for one in again.asked] == ["read"]

    @pytest.mark.parametrize("posts", [[], [seen()], [seen(), seen("5")]])
    async def test_one_published_by_an_attempt_taken_for_failed_is_live_without_a_known_id(
        self, posts: Any
    ) -> None:
        again = call(status("PUBLISHED"), listed(*posts), memory={CONTAINER: BOX})
        sent = await again.adapter.send(await part(), again)
        assert (sent.id, sent.status) == (None, base.Status.PUBLISHED)
        assert "settle(key, found=" in sent.missing[0]
        assert all(one["permalink"] in sent.missing[0] for one in posts)
        assert {one.step for one in again.asked} == {"read"}

    @pytest.mark.parametrize("told", [refused(100, 33), status("RETIRED"), answer({"id": BOX})])
    async def test_a_container_that_does_not_say_what_became_of_a_lost_answer(
        self, told: base.Response
    ) -> None:
        again = call(told, memory={CONTAINER: BOX}, lost=True)
        with pytest.raises(errors.Unavailable, match="what became"):
            await again.adapter.send(await part(), again)
        assert len(again.asked) == 1

    @pytest.mark.parametrize(
        "old",
        [
            status("EXPIRED"),
            status("ERROR"),
            *(refused(code, sub) for code, sub in ((24, 2207006), (24, 2207008), (-2, 2207020), (100, 33))),
        ],
    )
    async def test_a_container_that_can_never_be_published_is_replaced(self, old: base.Response) -> None:
        whole = await part()
        memory = {CONTAINER: BOX, f"item 0 {whole.media[0].digest[:16]}": BOX}
        again = call(old, made("2"), status(), answer({"id": MEDIA}), memory=memory)
        await again.adapter.send(whole, again)
        assert again.asked[-1].form == {"creation_id": "2"}

    @pytest.mark.parametrize(("media", "seconds"), [(BOAT, 300), (LINKED, 600)])
    async def test_how_long_media_are_waited_for(self, media: Any, seconds: int) -> None:
        told = [status("IN_PROGRESS")] * 200
        sending = call(quota(), made(), *told)
        with pytest.raises(AssertionError, match="polled past"):
            await sending.adapter.send(await part(media), sending)
        assert sum(sending.waits[:-1]) <= seconds < sum(sending.waits)

    async def test_a_fresh_container_may_not_be_seen_for_a_moment(self) -> None:
        sending = call(quota(), made(), refused(100, 33), refused(100, 33), status(), answer({"id": MEDIA}))
        await sending.adapter.send(await part(), sending)
        assert sending.waits == [1, 2]

    async def test_trouble_that_passes_gets_one_more_container(self) -> None:
        failed = status("ERROR", "Error: Media upload has failed with error code 2207077")
        sending = call(quota(), made("1"), failed, made("2"), status(), answer({"id": MEDIA}))
        await sending.adapter.send(await part(), sending)
        assert sending.asked[-1].form == {"creation_id": "2"}
        twice = call(quota(), made("1"), failed, made("2"), failed)
        with pytest.raises(errors.Unavailable):
            await twice.adapter.send(await part(), twice)

    @pytest.mark.parametrize("old", [[status("EXPIRED")], [refused(100, 33)] * 4])
    async def test_an_item_that_died_meanwhile_is_made_anew(self, old: list[base.Response]) -> None:
        whole = await part(BOAT, LINKED)
        memory = {f"item {n} {item.digest[:16]}": str(n) for n, item in enumerate(whole.media)}
        answers = [*old, made("5"), status(), status(), made("6"), status(), answer({"id": MEDIA})]
        again = call(quota(), *answers, memory=memory)
        await again.adapter.send(whole, again)
        assert [one.form.get("children") for one in again.asked if one.step == "prepare"] == [None, "5,1"]

    async def test_an_address_that_is_refused_is_not_given_again(self) -> None:
        sending = call(quota(), refused(9004, 2207052))
        with pytest.raises(errors.Unavailable):
            await sending.adapter.send(await part(), sending)
        assert [one.step for one in sending.asked] == ["read", "prepare"]

    async def test_a_medium_that_is_refused_is_named(self) -> None:
        failed = status("ERROR", "Error: Media upload has failed with error code 2207026")
        sending = call(quota(), made("1"), made("2"), status(), failed)
        with pytest.raises(errors.Declined, match=r"medium 2 \(file\).*encode") as caught:
            await sending.adapter.send(await part(BOAT, LINKED), sending)
        assert caught.value.code == "0/2207026"
        kept = [name for name, value in sending.memory.items() if value]
        assert len(kept) == 1, "the good child is used again"

    async def test_no_post_is_left(self) -> None:
        posts = listed(
            seen("1", at="2026-11-02T08:00:00+0000"),
            seen("2", at="2026-11-01T10:30:00+0000"),
            seen("3", at="2026-10-30T00:00:00+0000"),
        )
        sending = call(quota(50, 50), posts)
        with pytest.raises(errors.RateLimited, match="50 posts in 24 hours") as caught:
            await sending.adapter.send(await part(), sending)
        assert caught.value.retry_at == datetime(2026, 11, 2, 10, 30, tzinfo=UTC)

    async def test_a_login_that_may_not_ask_how_many_are_left(self) -> None:
        sending = call(refused(100), made(), status(), answer({"id": MEDIA}))
        assert (await sending.adapter.send(await part(), sending)).id == MEDIA

    @pytest.mark.parametrize("told", [answer({}), answer({"success": True})])
    async def test_an_answer_without_an_id_is_unknown(self, told: base.Response) -> None:
        sending = call(quota(), made(), status(), told)
        with pytest.raises(errors.OutcomeUnknown):
            await sending.adapter.send(await part(), sending)

    async def test_what_looks_like_spam_is_not_sent_again_and_again(self) -> None:
        blocked = errors.OutcomeUnknown("the platform failed")
        blocked.__cause__ = adapter().parse_error(refused(4, 2207051))
        sending = call(quota(), made(), status(), blocked)
        with pytest.raises(errors.OutcomeUnknown):
            await sending.adapter.send(await part(), sending)
        again = call(memory=sending.memory)
        with pytest.raises(errors.Declined, match="some hours"):
            await again.adapter.send(await part(), again)


class TestUploads:
    URI = "https://rupload.facebook.com/ig-api-upload/v26.0/17966279578433554"

    async def film(self) -> base.Part:
        return await part(Video(FILM_BYTES), page=True)

    async def test_bytes_go_up_through_a_page(self) -> None:
        whole = await self.film()
        blobs = {whole.media[0].digest: FILM_BYTES}
        answers = [quota(), made(uri=self.URI), answer({"success": True}), status(), answer({"id": MEDIA})]
        sending = call(*answers, page=True, blobs=blobs)
        await sending.adapter.send(whole, sending)
        _, create, upload, *_ = sending.asked
        assert create.form == {"caption": "Ahoy", "media_type": "REELS", "upload_type": "resumable"}
        assert (upload.step, upload.url, upload.body) == ("prepare", self.URI, FILM_BYTES)
        assert upload.headers["authorization"] == "OAuth EAAx"
        assert (upload.headers["offset"], upload.headers["file_size"]) == ("0", str(len(FILM_BYTES)))
        assert sending.secrets == {"upload 0"}

    @given(arrived=st.integers(0, len(FILM_BYTES)))
    async def test_a_later_process_sends_the_rest(self, arrived: int) -> None:
        whole = await self.film()
        digest = whole.media[0].digest
        memory = {"upload 0": {"id": BOX, "uri": self.URI, "digest": digest}}
        phase = {"uploading_phase": {"status": "in_progress", "bytes_transferred": arrived}}
        rest = [answer({"success": True})] if arrived < len(FILM_BYTES) else []
        answers = [quota(), answer({"status_code": "IN_PROGRESS", "video_status": phase}), *rest, status()]
        sending = call(*answers, answer({"id": MEDIA}), page=True, memory=memory, blobs={digest: FILM_BYTES})
        await sending.adapter.send(whole, sending)
        sent = b"".join(one.body for one in sending.asked if one.url == self.URI)
        assert sent == FILM_BYTES[arrived:]
        offsets = [one.headers["offset"] for one in sending.asked if one.url == self.URI]
        assert offsets == [str(arrived)] * len(rest)

    @pytest.mark.parametrize("broken", [errors.Unavailable("no answer"), refused(1, status=500)])
    async def test_a_stream_that_breaks_off_goes_on_where_it_was(self, broken: Any) -> None:
        whole = await self.film()
        there = answer({"video_status": {"uploading_phase": {"bytes_transferred": 4000}}})
        answers = [quota(), made(uri=self.URI), broken, there, answer({"success": True}), status()]
        blobs = {whole.media[0].digest: FILM_BYTES}
        sending = call(*answers, answer({"id": MEDIA}), page=True, blobs=blobs)
        await sending.adapter.send(whole, sending)
        _, second = (one for one in sending.asked if one.url == self.URI)
        assert (second.headers["offset"], second.body) == ("4000", FILM_BYTES[4000:])
        nothing = answer({"video_status": {"uploading_phase": {"bytes_transferred": 0}}})
        stuck = call(quota(), made(uri=self.URI), broken, nothing, page=True)
        with pytest.raises(errors.Unavailable):
            await stuck.adapter.send(whole, stuck)

    @pytest.mark.parametrize(
        "uri",
        ["https://example.com/up", "http://rupload.facebook.com/up", "https://notfacebook.com/up", None],
    )
    async def test_the_token_goes_to_no_other_company(self, uri: str | None) -> None:
        sending = call(quota(), made(uri=uri), page=True)
        with pytest.raises(errors.Declined, match="another company"):
            await sending.adapter.send(await self.film(), sending)
        assert not [one for one in sending.asked if one.url == uri]

    async def test_a_session_of_another_film_is_not_gone_on_with(self) -> None:
        whole = await self.film()
        memory = {"upload 0": {"id": "1", "uri": "https://rupload.facebook.com/1", "digest": "another"}}
        phase = {"uploading_phase": {"status": "complete", "bytes_transferred": 9}}
        there = answer({"status_code": "FINISHED", "video_status": phase})
        answers = [quota(), there, made(uri=self.URI), answer({"success": True}), status()]
        sending = call(*answers, answer({"id": MEDIA}), page=True, memory=memory)
        await sending.adapter.send(whole, sending)
        assert sending.asked[3].url == self.URI
        assert (sending.asked[3].options["auth"], sending.asked[3].options["cost"]) == (False, 0)

    @pytest.mark.parametrize(
        "state", [refused(100, 33), answer({"status_code": "EXPIRED"}), answer({"status_code": "ERROR"})]
    )
    async def test_a_dead_session_starts_afresh(self, state: base.Response) -> None:
        whole = await self.film()
        memory = {
            "upload 0": {"id": "1", "uri": "https://rupload.facebook.com/1", "digest": whole.media[0].digest}
        }
        answers = [
            quota(),
            state,
            made(uri=self.URI),
            answer({"success": True}),
            status(),
            answer({"id": MEDIA}),
        ]
        sending = call(*answers, page=True, memory=memory, blobs={whole.media[0].digest: FILM_BYTES})
        await sending.adapter.send(whole, sending)
        assert sending.asked[3].url == self.URI

    @pytest.mark.parametrize(
        ("again", "kind", "code"),
        [(False, errors.Declined, "upload-failed"), (True, errors.Unavailable, "upload-again")],
    )
    @pytest.mark.parametrize("http", [200, 400])
    async def test_what_the_upload_server_refuses(self, again: bool, kind: Any, code: str, http: int) -> None:
        whole = await self.film()
        no = {"debug_info": {"retriable": again, "type": "ProcessingFailedError", "message": "no"}}
        dead = answer({"status_code": "ERROR"})
        sending = call(quota(), made(uri=self.URI), answer(no, http), dead, page=True)
        with pytest.raises(kind, match="ProcessingFailedError no") as caught:
            await sending.adapter.send(whole, sending)
        assert caught.value.code == code

    async def test_a_local_video_goes_to_the_media_host_without_a_page(self) -> None:
        whole = await part(Video(FILM_BYTES))
        sending = call(quota(), made(), status(), answer({"id": MEDIA}))
        await sending.adapter.send(whole, sending)
        assert sending.asked[1].form["video_url"].startswith("https://files.example.com/")


class TestAfterwards:
    SENT = base.Sent(MEDIA, raw={"product": "FEED"})

    async def test_the_permalink_is_read(self) -> None:
        told = answer(
            {
                "id": MEDIA,
                "permalink": "https://www.instagram.com/p/C1/",
                "timestamp": "2026-11-02T09:00:00+0000",
            }
        )
        asking = call(refused(100, 33), told)
        sent = await asking.adapter.attach(await part(), self.SENT, asking)
        assert (sent.url, sent.published_at, sent.missing) == ("https://www.instagram.com/p/C1/", NOW, ())
        assert asking.waits == [1]

    @pytest.mark.parametrize(
        ("told", "waits"),
        [(refused(100, 33, "No such object."), [1, 2, 4]), (refused(190, words="Dead token."), [])],
    )
    async def test_a_permalink_that_is_not_to_be_had_is_missing_with_the_reason(
        self, told: Any, waits: list[int]
    ) -> None:
        asking = call(*[told] * 4)
        sent = await asking.adapter.attach(await part(), self.SENT, asking)
        assert (sent.id, sent.url, asking.waits) == (MEDIA, None, waits)
        assert sent.missing[0].startswith("permalink: ")
        assert "nothing is published" not in sent.missing[0]

    async def test_what_needs_an_id_is_named_where_there_is_none(self) -> None:
        asking = call()
        unnamed = base.Sent(None, missing=("id, url: not known",))
        sent = await asking.adapter.attach(await part(first_comment="More"), unnamed, asking)
        assert sent.missing == ("id, url: not known", "first_comment: needs the post's id")
        assert await asking.adapter.attach(await part(), unnamed, asking) == unnamed

    async def test_comments_are_closed_and_the_first_one_is_made(self) -> None:
        live = base.Sent(MEDIA, "https://www.instagram.com/p/C1/")
        asking = call(answer({"success": True}))
        await asking.adapter.attach(await part(comment_enabled=False), live, asking)
        (closed,) = asking.asked
        assert (closed.step, closed.form, closed.options["repeatable"]) == (
            "attach",
            {"comment_enabled": "false"},
            True,
        )
        asking = call(answer({"id": "17"}))
        sent = await asking.adapter.attach(await part(first_comment="More below"), live, asking)
        (comment,) = asking.asked
        assert (comment.path, comment.form) == (f"/v26.0/{MEDIA}/comments", {"message": "More below"})
        assert not comment.options.get("repeatable")
        assert sent.missing == ()

    @pytest.mark.parametrize(
        ("comments", "missing"),
        [
            ([{"id": "1", "text": "More below", "username": "brand"}], False),
            ([{"id": "1", "text": "More below"}], False),
            ([{"id": "1", "text": "More below", "username": "other"}], True),
            ([], True),
        ],
    )
    @pytest.mark.parametrize("lost", [errors.OutcomeUnknown("the answer was lost"), refused(2, status=500)])
    async def test_a_lost_comment_is_looked_for_and_never_repeated(
        self, comments: Any, missing: bool, lost: Any
    ) -> None:
        live = base.Sent(MEDIA, "https://www.instagram.com/p/C1/")
        asking = call(lost, answer({"data": comments}))
        sent = await asking.adapter.attach(await part(first_comment="More below"), live, asking)
        assert [one.step for one in asking.asked] == ["attach", "read"]
        assert bool(sent.missing) is missing
        assert all(words.startswith("first_comment: ") for words in sent.missing)

    async def test_what_fails_afterwards_is_named(self) -> None:
        live = base.Sent(MEDIA, "https://www.instagram.com/p/C1/")
        asking = call(refused(10, words="(#10) no permission"))
        sent = await asking.adapter.attach(await part(first_comment="More"), live, asking)
        assert [words.partition(":")[0] for words in sent.missing] == ["first_comment"]
        halted = call(errors.Halted("stopped"))
        with pytest.raises(errors.Halted):
            await halted.adapter.attach(await part(first_comment="More"), live, halted)


class TestFinding:
    async def lost(self, *media: Any, **more: Any) -> base.Lost:
        options = more.pop("options", {})
        whole = await part(*media, **options)
        return base.Lost(whole, NOW - timedelta(minutes=1), NOW + timedelta(minutes=4), mark=BOX, **more)

    async def find(self, *answers: Any, lost: base.Lost | None = None, known: bool = True) -> base.Finding:
        looking = call(*answers, memory={CONTAINER: BOX} if known else {})
        return await looking.adapter.find(lost or await self.lost(), looking)

    @pytest.mark.parametrize("code", ["FINISHED", "ERROR", "EXPIRED"])
    async def test_a_container_that_waits_is_proof_of_absence(self, code: str) -> None:
        finding = await self.find(status(code))
        assert isinstance(finding, base.Absent)
        assert code in finding.evidence

    async def test_one_in_processing_proves_nothing(self) -> None:
        finding = await self.find(status("IN_PROGRESS"))
        assert isinstance(finding, base.CannotTell)
        assert finding.look_again_in == 30.0

    async def test_a_published_one_is_found_by_caption_and_time(self) -> None:
        others = [
            seen("1", "Ahoy", "2026-11-02T08:00:00+0000"),
            seen("2", "Something else"),
            seen("3", media_type="VIDEO"),
            seen("4", media_product_type="REELS"),
            seen("5", at="2026-11-02T10:00:00+0000"),
        ]
        finding = await self.find(status("PUBLISHED"), listed(*others[1:], seen(caption=" Ahoy "), others[0]))
        assert isinstance(finding, base.Found)
        assert finding.sent.id == MEDIA
        assert finding.sent.url
        assert finding.sent.published_at == NOW

    @pytest.mark.parametrize(
        "posts",
        [[], [seen(caption="Something else")], [seen("1"), seen("2")]],
        ids=["none", "another", "two"],
    )
    async def test_nothing_is_guessed(self, posts: Any) -> None:
        finding = await self.find(status("PUBLISHED"), listed(*posts))
        assert isinstance(finding, base.CannotTell)
        assert "has published it" in finding.why
        assert finding.look_again_in == (240.0 if len(posts) == 2 else 30.0)
        wanted = await self.lost()
        late = call(status("PUBLISHED"), listed(*posts), memory={CONTAINER: BOX}, now=wanted.until)
        found = await late.adapter.find(wanted, late)
        assert isinstance(found, base.Found)
        assert (found.sent.id, found.sent.status) == (None, base.Status.PUBLISHED)
        assert "settle(key, found=" in found.sent.missing[0]

    @pytest.mark.parametrize("no", [refused(10), refused(190), refused(100)])
    async def test_a_published_one_is_live_also_when_the_list_is_not_to_be_read(self, no: Any) -> None:
        wanted = await self.lost()
        answers = [no] * (2 if b'"code": 100' in no.content else 1)  # once more without a field
        late = call(status("PUBLISHED"), *answers, memory={CONTAINER: BOX}, now=wanted.until)
        finding = await late.adapter.find(wanted, late)
        assert isinstance(finding, base.Found)
        assert (finding.sent.id, "not to be read" in finding.sent.missing[0]) == (None, True)
        passing = call(status("PUBLISHED"), refused(2), memory={CONTAINER: BOX}, now=wanted.until)
        with pytest.raises(errors.Unavailable):
            await passing.adapter.find(wanted, passing)
        known = call(status("PUBLISHED"), refused(2), memory={CONTAINER: BOX})
        sent = await known.adapter.send(wanted.part, known)
        assert (sent.id, "not to be read" in sent.missing[0]) == (None, True)

    async def test_two_that_nobody_says_are_published_stay_open(self) -> None:
        wanted = await self.lost()
        late = call(refused(100, 33), listed(seen("1"), seen("2")), now=wanted.until)
        assert isinstance(await late.adapter.find(wanted, late), base.CannotTell)

    async def test_posts_of_other_intents_are_not_ours(self) -> None:
        lost = await self.lost(claimed=frozenset({"1"}))
        finding = await self.find(status("PUBLISHED"), listed(seen("1"), seen("2")), lost=lost)
        assert isinstance(finding, base.Found)
        assert finding.sent.id == "2"

    async def test_pages_are_read_down_to_the_attempt(self) -> None:
        page = [seen(str(number), "Else") for number in range(10, 60)]
        finding = await self.find(status("PUBLISHED"), listed(*page, after="c50"), listed(seen()))
        assert isinstance(finding, base.Found)

    @pytest.mark.parametrize("told", [refused(100, 33), refused(24, 2207008), answer({"id": BOX})])
    async def test_a_container_nobody_knows_proves_nothing(self, told: Any) -> None:
        assert isinstance(await self.find(told, listed()), base.CannotTell)
        assert isinstance(await self.find(told, listed(seen())), base.Found)

    async def test_a_container_that_was_given_up_is_known_from_the_attempt(self) -> None:
        assert isinstance(await self.find(status("ERROR"), known=False), base.Absent)

    async def test_without_a_container_only_a_post_is_an_answer(self) -> None:
        unmarked = attrs.evolve(await self.lost(), mark=None)
        assert isinstance(await self.find(listed(), lost=unmarked, known=False), base.CannotTell)
        assert isinstance(await self.find(listed(seen()), lost=unmarked, known=False), base.Found)

    async def test_a_story_is_on_the_list_of_stories(self) -> None:
        lost = await self.lost(options={"story": True, "text": ""})
        looking = call(
            status("PUBLISHED"), listed(seen(caption="", media_product_type="STORY")), memory={CONTAINER: BOX}
        )
        assert isinstance(await looking.adapter.find(lost, looking), base.Found)
        assert looking.asked[1].path == f"/v26.0/{ID}/stories"
        worded = seen(caption="Ahoy", media_product_type="STORY")
        finding = await self.find(status("PUBLISHED"), listed(worded), lost=lost)
        assert isinstance(finding, base.Found), "a story has no caption of its own to compare"

    async def test_a_carousel_is_an_album(self) -> None:
        lost = await self.lost(BOAT, LINKED)
        album = seen(media_type="CAROUSEL_ALBUM")
        assert isinstance(await self.find(status("PUBLISHED"), listed(album), lost=lost), base.Found)

    async def test_an_api_that_does_not_tell_the_product(self) -> None:
        posts = listed({name: value for name, value in seen().items() if name != "media_product_type"})
        finding = await self.find(status("PUBLISHED"), refused(100, words="(#100) nonexisting field"), posts)
        assert isinstance(finding, base.Found)


ROWS: list[tuple[int, int | None, type[Exception], bool]] = [
    # code, subcode, error, whether it surely made nothing
    (-2, 2207003, errors.Unavailable, True),
    (-2, 2207020, errors.Declined, True),
    (-1, 2207001, errors.Unavailable, False),
    (-1, 2207032, errors.Unavailable, True),
    (-1, 2207053, errors.Unavailable, True),
    (1, 2207057, errors.Declined, True),
    (4, 2207051, errors.Declined, False),
    (9, 2207042, errors.RateLimited, True),
    (9004, 2207052, errors.Unavailable, True),
    (9004, None, errors.Unavailable, True),
    (9007, 2207027, errors.Unavailable, True),
    (24, 2207006, errors.Declined, True),
    (24, 2207008, errors.Unavailable, True),
    (25, 2207050, errors.Declined, True),
    (100, 2207023, errors.Declined, True),
    (100, 2207028, errors.Declined, True),
    (100, 2207035, errors.Declined, True),
    (100, 2207036, errors.Declined, True),
    (100, 2207037, errors.Declined, True),
    (100, 2207040, errors.Declined, True),
    (352, 2207026, errors.Declined, True),
    (36000, 2207004, errors.Declined, True),
    (36001, 2207005, errors.Declined, True),
    (36003, 2207009, errors.Declined, True),
    (36004, 2207010, errors.Declined, True),
    (100, 2207064, errors.Declined, True),
    (-2, 2207077, errors.Unavailable, True),
    (10, 2207081, errors.Declined, True),
    (-1, 2207082, errors.Unavailable, True),
    (-1, 2207085, errors.Declined, True),
    (100, 2207089, errors.Declined, True),
    (110, None, errors.Declined, True),
    (10, None, errors.MissingScope, True),
    (100, 33, errors.Declined, True),
    (100, 2108006, errors.Declined, True),
    (100, None, errors.Declined, True),
    (10, 2534022, errors.Declined, True),
    (190, 460, errors.ReauthNeeded, True),
    (190, 463, errors.ReauthNeeded, True),
    (190, 467, errors.ReauthNeeded, True),
    (190, None, errors.ReauthNeeded, True),
    (200, None, errors.MissingScope, True),
    (9009, None, errors.Declined, True),
    *((code, None, errors.RateLimited, True) for code in (4, 17, 32, 613, 80002)),
    (1, None, errors.Unavailable, False),
    (2, None, errors.Unavailable, False),
    (-1, None, errors.Unavailable, False),
]


class TestRules:
    def test_how_much_and_how_often(self) -> None:
        """Containers, publications and looks, as section 5 and 7 of the manual's facts have them."""
        budgets = {one.name: (one.limit, one.window) for one in RULES.budgets}
        assert (budgets["containers"], budgets["publishing"]) == ((400, 86_400.0), (100, 86_400.0))
        assert (RULES.find.by, RULES.find.quiet, RULES.find.looks, RULES.find.between) == (
            "key",
            150.0,
            2,
            60.0,
        )

    def test_what_a_video_may_be(self) -> None:
        video = RULES.video
        assert video is not None
        assert (video.max_bytes, video.min_seconds, video.max_seconds) == (300_000_000, 3.0, 900.0)
        assert (video.min_fps, video.max_fps, video.min_ratio, video.max_ratio) == (23.0, 60.0, 0.01, 10.0)
        assert video.codecs == {"h264", "hevc", "aac"}
        assert (video.by_url, PAGE_RULES.video and PAGE_RULES.video.by_url) == (True, False)

    def test_what_a_picture_may_be(self) -> None:
        images = RULES.images
        assert images is not None
        assert (images.max_bytes, images.types, images.alt_limit) == (8 << 20, {"image/jpeg"}, 1000)


class TestErrors:
    @pytest.mark.parametrize(("code", "subcode", "kind", "definite"), ROWS)
    def test_every_row_of_the_table(self, code: int, subcode: int | None, kind: Any, definite: bool) -> None:
        error: Any = adapter().parse_error(refused(code, subcode))
        assert type(error) is kind
        assert error.code == (f"{code}/{subcode}" if subcode else str(code))
        assert error.__dict__["definite"] is definite

    def test_a_signed_address_is_not_repeated(self) -> None:
        words = "Only photo or video: https://files.example.com/a.jpg?signature=s3cret"
        error = adapter().parse_error(refused(9004, 2207052, words))
        assert "s3cret" not in repr(error) + str(error.__dict__)
        assert "files.example.com/a.jpg" in str(error)

    def test_what_passes_by_itself(self) -> None:
        error: Any = adapter().parse_error(refused(7777, is_transient=True))
        assert (type(error), error.definite) == (errors.Unavailable, False)

    def test_a_story_few_have_seen(self) -> None:
        error = adapter().parse_error(refused(10, words="(#10) Not enough viewers for the media"))
        assert type(error) is errors.Declined

    def test_a_limit_without_a_header_is_left_alone_for_an_hour(self) -> None:
        told = refused(9, 2207042)
        bare: Any = adapter().parse_error(base.Response(400, {}, told.content, received_at=NOW))
        assert bare.retry_at == NOW + timedelta(hours=1)
        usage = '{"17": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 7}]}'
        full = base.Response(400, {"x-business-use-case-usage": usage}, refused(4).content, received_at=NOW)
        error: Any = adapter().parse_error(full)
        assert error.retry_at is None, "the header tells it"
        (reading,) = adapter().read_limits(full)
        assert (reading.name, reading.remaining, reading.resets_at) == (
            "calls",
            0,
            NOW + timedelta(minutes=7),
        )

    def test_how_many_posts_are_left_is_kept_with_the_limits(self) -> None:
        url = f"{API}/v26.0/{ID}/content_publishing_limit?fields=config,quota_usage"
        told = base.Response(200, {}, quota(48, 50).content, url=url, received_at=NOW)
        (reading,) = adapter().read_limits(told)
        assert (reading.name, reading.limit, reading.remaining) == ("publishing", 50, 2)
        assert adapter().read_limits(base.Response(200, {}, b"{}", url=url, received_at=NOW)) == ()
        other = base.Response(200, {}, quota(48, 50).content, url=f"{API}/v26.0/me", received_at=NOW)
        assert adapter().read_limits(other) == ()


def receipt(post_id: str = MEDIA, product: str = "FEED", owner: Identity = OWN) -> Receipt:
    return Receipt(owner, post_id, raw={"product": product} if product else {})


def insight(**values: int) -> dict[str, Any]:
    return {
        "data": [{"name": name, "period": "lifetime", "values": [{"value": v}]} for name, v in values.items()]
    }


def node(post_id: str = MEDIA, product: str = "FEED", **more: Any) -> dict[str, Any]:
    known = {"id": post_id, "media_type": "IMAGE", "media_product_type": product}
    return {**known, "like_count": 5, "comments_count": 2, **more}


class TestMetrics:
    async def test_a_picture_in_one_request(self) -> None:
        told = insight(views=90, reach=60, likes=4, comments=1, shares=3, reposts=2, saved=7, follows=1)
        asking = call(answer(node(insights=told)))
        (row,) = await asking.adapter.fetch_metrics([receipt()], asking)
        assert (row.impressions, row.reach, row.likes, row.comments) == (90, 60, 5, 2)
        assert (row.shares, row.saves, row.video_views, row.watch_seconds) == (5, 7, None, None)
        assert set(row.missing) == {"clicks", "video_views", "watch_seconds", "quotes"}
        assert row.raw["follows"] == 1
        assert "insights.metric(views,reach," in asking.asked[0].params["fields"]

    async def test_a_reel(self) -> None:
        told = insight(views=90, reach=60, ig_reels_video_view_total_time=12_500)
        asking = call(answer(node(product="REELS", media_type="VIDEO", insights=told)))
        (row,) = await asking.adapter.fetch_metrics([receipt(product="REELS")], asking)
        assert (row.impressions, row.video_views, row.watch_seconds) == (90, 90, 12.5)
        assert row.shares is None
        assert "48 hours" in row.missing["shares"]

    async def test_a_story(self) -> None:
        told = insight(views=9, reach=8, replies=3, link_clicks=4, shares=0)
        asking = call(answer(node(product="STORY", insights=told)))
        (row,) = await asking.adapter.fetch_metrics([receipt(product="STORY")], asking)
        assert (row.comments, row.clicks, row.likes, row.saves, row.shares) == (3, 4, None, None, 0)
        assert "likes" not in asking.asked[0].params["fields"].partition("insights")[2]

    async def test_hidden_likes_and_no_data_are_not_zero(self) -> None:
        bare = {name: value for name, value in node().items() if name != "like_count"}
        asking = call(answer({**bare, "insights": {"data": []}}))
        (row,) = await asking.adapter.fetch_metrics([receipt()], asking)
        assert (row.likes, row.impressions) == (None, None)
        assert "hide" in row.missing["likes"]
        assert row.comments == 2

    async def test_one_metric_that_is_refused_costs_only_itself(self) -> None:
        no = refused(100, words="(#100) metric[7] must be one of the following values")
        asking = call(no, answer(node(insights=insight(views=90))))
        (row,) = await asking.adapter.fetch_metrics([receipt()], asking)
        assert row.impressions == 90
        assert "reposts" not in asking.asked[1].params["fields"]

    @pytest.mark.parametrize(
        "no", [refused(100, 2108006), refused(10, words="Not enough viewers"), refused(200), refused(10)]
    )
    async def test_without_insights_the_counts_of_the_post_are_told(self, no: Any) -> None:
        asking = call(no, no, answer(node()))
        (row,) = await asking.adapter.fetch_metrics([receipt()], asking)
        assert (row.likes, row.comments, row.reach, row.error) == (5, 2, None, None)
        assert row.missing["reach"].startswith("Instagram did not say: ")

    async def test_a_kind_nobody_knows_is_asked_for_first(self) -> None:
        asking = call(
            answer(node(product="STORY")), answer(node(product="STORY", insights=insight(replies=1)))
        )
        (row,) = await asking.adapter.fetch_metrics([receipt(product="")], asking)
        assert row.comments == 1
        assert "replies" in asking.asked[1].params["fields"]

    async def test_one_that_is_gone_does_not_spoil_the_others(self) -> None:
        asking = call(refused(100, 33), answer(node("18", insights=insight(views=1))))
        rows = await asking.adapter.fetch_metrics([receipt("17"), receipt("C1"), receipt("18")], asking)
        assert [row.id for row in rows] == ["17", "C1", "18"]
        assert [type(row.error) for row in rows] == [errors.Declined, errors.ConfigError, type(None)]

    async def test_fifty_in_one_request_through_a_page(self) -> None:
        def inner(body: Any, code: int = 200) -> dict[str, Any]:
            import json

            return {"code": code, "body": json.dumps(body)}

        no = {"error": {"message": "metric[7]", "code": 100}}
        first = [
            inner(node("1", insights=insight(views=1))),
            inner(no, 400),
            None,
            inner({"error": {"code": 100, "error_subcode": 33}}, 400),
        ]
        second = [inner(node("2", insights=insight(views=2)))]
        asking = call(answer(first), answer(second), page=True)
        rows = await asking.adapter.fetch_metrics(
            [receipt(str(n), owner=PAGE_OWN) for n in (1, 2, 3, 4)], asking
        )
        assert [row.impressions for row in rows] == [1, 2, None, None]
        assert [type(row.error) for row in rows] == [
            type(None),
            type(None),
            errors.Unavailable,
            errors.Declined,
        ]
        assert [(one.step, one.path) for one in asking.asked] == [("read", "/v26.0/")] * 2
        assert asking.asked[0].options["cost"] == 4

    async def test_the_account(self) -> None:
        totals = {
            "data": [
                {"name": n, "total_value": {"value": v}}
                for n, v in (("views", 9), ("reach", 8), ("shares", 1), ("reposts", 2), ("website_clicks", 3))
            ]
        }
        asking = call(answer({"followers_count": 1200, "id": "1"}), answer(totals))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.impressions, row.reach, row.shares, row.clicks) == (1200, 9, 8, 3, 3)
        assert row.missing == dict.fromkeys(("likes", "comments", "saves"), "Instagram did not say")
        assert asking.asked[0].path == "/v26.0/me"
        asked = asking.asked[1].params
        assert int(asked["until"]) - int(asked["since"]) == 86_400
        assert (asked["period"], asked["metric_type"]) == ("day", "total_value")

    async def test_a_long_period_is_added_up_and_people_are_not(self) -> None:
        totals = answer({"data": [{"name": n, "total_value": {"value": 5}} for n in ("views", "reach")]})
        asking = call(answer({"followers_count": 1}), totals, totals, totals)
        row = await asking.adapter.fetch_account_metrics(asking, since=NOW - timedelta(days=61), until=NOW)
        assert (row.impressions, row.reach) == (15, None)
        assert "added up" in row.missing["reach"]
        spans = [(int(one.params["since"]), int(one.params["until"])) for one in asking.asked[1:]]
        assert all(until - since <= 30 * 86_400 for since, until in spans)
        assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))

    async def test_nothing_is_asked_of_days_to_come(self) -> None:
        asking = call(answer({"followers_count": 1}), answer({"data": []}), page=True)
        later = NOW + timedelta(days=40)
        await asking.adapter.fetch_account_metrics(asking, since=NOW - timedelta(days=1), until=later)
        node, insights = asking.asked
        assert (node.path, insights.params["until"]) == (f"/v26.0/{ID}", str(int(NOW.timestamp())))

    async def test_followers_are_told_without_insights(self) -> None:
        asking = call(answer({"followers_count": 1}), refused(10))
        row = await asking.adapter.fetch_account_metrics(asking, since=None, until=None)
        assert (row.followers, row.reach) == (1, None)
        assert "did not say" in row.missing["reach"]


class TestReading:
    async def test_posts_of_a_period(self) -> None:
        moments = ["2026-11-02T09:00:00+0000", "2026-11-01T09:00:00+0000", "2026-10-30T09:00:00+0000"]
        asking = call(listed(*(seen(str(n), at=at) for n, at in enumerate(moments))))
        since, until = NOW - timedelta(days=2), NOW - timedelta(hours=1)
        found = [one async for one in asking.adapter.fetch_posts(asking, since=since, until=until, limit=10)]
        assert [(one.id, one.kind, one.text) for one in found] == [("1", "post", "Ahoy")]

    @pytest.mark.parametrize(
        "link",
        [
            "https://www.instagram.com/p/C512354744/",
            "https://instagram.com/brand/p/C512354744?img_index=1",
            "https://www.instagram.com/reel/C512354744",
        ],
    )
    async def test_a_permalink_is_looked_for_among_own_posts(self, link: str) -> None:
        asking = call(
            listed(seen("1", permalink="https://www.instagram.com/p/C0/"), after="c1"), listed(seen())
        )
        assert asking.adapter.owns(link)
        assert (await asking.adapter.resolve(link, asking)).id == MEDIA

    async def test_a_story_is_looked_for_among_stories(self) -> None:
        link = f"https://www.instagram.com/stories/brand/{MEDIA}/"
        asking = call(listed(seen(media_product_type="STORY", permalink=link)))
        found = await asking.adapter.resolve(link, asking)
        assert (found.id, found.kind, found.raw) == (MEDIA, "story", {"product": "STORY"})

    async def test_an_id(self) -> None:
        asking = call(refused(100, words="(#100) nonexisting field (media_product_type)"), answer(seen()))
        assert (await asking.adapter.resolve(MEDIA, asking)).url
        assert "media_product_type" not in asking.asked[1].params["fields"]

    @pytest.mark.parametrize(
        ("reference", "answers"),
        [
            ("https://www.instagram.com/brand/", []),
            ("https://example.com/p/C1", []),
            ("https://www.instagram.com/p/C1/", [listed(seen())]),
            (MEDIA, [refused(100, 33)]),
        ],
    )
    async def test_what_is_no_post_of_ours(self, reference: str, answers: Any) -> None:
        asking = call(*answers)
        with pytest.raises(errors.ConfigError):
            await asking.adapter.resolve(reference, asking)

    async def test_deleting_needs_the_page_login(self) -> None:
        asking = call()
        with pytest.raises(errors.ConfigError, match="Facebook Login"):
            await asking.adapter.delete(receipt(), asking)

    async def test_deleting(self) -> None:
        asking = call(answer({"success": True}), page=True)
        await asking.adapter.delete(receipt(owner=PAGE_OWN), asking)
        assert (asking.asked[0].method, asking.asked[0].path) == ("DELETE", f"/v26.0/{MEDIA}")
        gone = call(refused(100, 33), refused(100, 33), page=True)
        await gone.adapter.delete(receipt(owner=PAGE_OWN), gone)

    @pytest.mark.parametrize(
        ("answers", "code"),
        [([refused(100, 33), answer({"id": MEDIA})], "100/33"), ([refused(-1, 2207085)], "-1/2207085")],
    )
    async def test_what_is_not_deleted_is_told(self, answers: Any, code: str) -> None:
        asking = call(*answers, page=True)
        with pytest.raises(errors.Declined) as caught:
            await asking.adapter.delete(receipt(owner=PAGE_OWN), asking)
        assert caught.value.code == code


async def test_containers_are_not_made_where_nothing_is_lost_by_waiting() -> None:
    """A container in passage is waited for, and waited for longer where there is a video."""
    whole = await part(LINKED)
    sending = call(quota(), made(), *[status("IN_PROGRESS")] * 5, status())
    assert await Containers(adapter(), whole, sending, False).ready() == BOX
    assert sending.waits == [5, 10, 20, 30, 30]
    assert sending.facts is FACTS
