"""The Reddit sandbox answers as Reddit does: refusals inside 200, leases and the file store, lists, what it hides."""

from __future__ import annotations

import base64
import json

import pytest
from sign_in_talk import AGENT, bearer

from media_files import mp4, png
from socialkit.sandbox import Sandbox
from socialkit.transport import AnswerLost, Transport, Unreachable

API = "https://oauth.reddit.com"
STORE = "https://reddit-uploaded-media.s3-accelerate.amazonaws.com"
FORM = {
    "api_type": "json",
    "sr": "boats",
    "title": "News",
    "kind": "self",
    "text": "Ahoy",
    "validate_on_submit": "true",
}
FLAIRS = [
    {"id": "f1", "text": "News", "text_editable": False, "mod_only": False},
    {"id": "f2", "text": "Rules", "text_editable": True, "mod_only": True},
]


@pytest.fixture
def box():
    with Sandbox(["reddit"]) as made:
        made.reddit.add_subreddit("harbour", flairs=FLAIRS)
        yield made


@pytest.fixture
def client(box, http):
    token = box.reddit.token_for("brand", "*").access_token
    return http(box, base_url=API, headers={"user-agent": AGENT, **bearer(token)}, params={"raw_json": "1"})


@pytest.fixture
def store(box, http):
    """The file store, which wants no token."""
    return http(box, base_url=STORE, headers={"user-agent": AGENT})


async def submit(client, **fields):
    form = {name: value for name, value in {**FORM, **fields}.items() if value is not None}
    return await client.post("/api/submit", data=form)


async def posted(client, **fields):
    answer = await submit(client, **fields)
    assert answer.json()["json"]["errors"] == [], answer.text
    return answer.json()["json"]["data"]


def told(answer):
    """The code and the field of a refusal inside HTTP 200."""
    assert answer.status_code == 200, answer.text
    ((code, words, field),) = answer.json()["json"]["errors"]
    assert words
    return code, field


async def lease(client, mime="image/png", name="a.png"):
    answer = await client.post("/api/media/asset.json", data={"filepath": name, "mimetype": mime})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def put(store, leased, data=None, **changed):
    fields = {one["name"]: one["value"] for one in leased["args"]["fields"]} | changed
    files = {"file": ("a.png", png(4, 3) if data is None else data)}
    return await store.post("/", data=fields, files=files)


async def uploaded(client, store, mime="image/png", data=None):
    leased = await lease(client, mime)
    answer = await put(store, leased, data)
    assert answer.status_code == 201, answer.text
    return leased["asset"]["asset_id"]


async def listed(client, where="submitted", **query):
    answer = await client.get(f"/user/brand/{where}", params={"raw_json": "1", **query})
    return answer.json()["data"]


async def heard(box, url):
    """The first message of a socket, within twenty seconds."""
    home = {"home": API, "done": lambda text: True, "limit": 20.0}
    return json.loads(await Transport(transport=box.transport, clock=box.clock).listen(url, **home))


class TestPosts:
    async def test_a_text_has_an_id_at_once(self, client):
        data = await posted(client)
        assert data == {
            "url": f"https://www.reddit.com/r/boats/comments/{data['id']}/news/",
            "drafts_count": 0,
            "id": data["id"],
            "name": f"t3_{data['id']}",
        }

    async def test_without_api_type_the_answer_is_for_scripts(self, client):
        answer = await submit(client, api_type=None)
        assert answer.json()["success"] is True
        assert "json" not in answer.json()

    @pytest.mark.parametrize(
        ("fields", "code", "field"),
        [
            ({"sr": ""}, "SUBREDDIT_REQUIRED", "sr"),
            ({"sr": "nowhere"}, "SUBREDDIT_NOEXIST", "sr"),
            ({"sr": "u_other"}, "SUBREDDIT_NOTALLOWED", "sr"),
            ({"title": " "}, "NO_TEXT", "title"),
            ({"title": "a" * 301}, "TOO_LONG", "title"),
            ({"text": "a" * 40_001}, "TOO_LONG", "text"),
            ({"kind": "sculpture"}, "INVALID_OPTION", "kind"),
            ({"kind": "link"}, "NO_URL", "url"),
            ({"kind": "link", "url": "boats"}, "BAD_URL", "url"),
            ({"kind": "link", "url": "https://bad.example.com"}, "DOMAIN_BANNED", "url"),
            ({"kind": "image", "url": "https://example.com/a.png"}, "BAD_URL", "url"),
            ({"kind": "crosspost", "crosspost_fullname": "t3_zz"}, "INVALID_OPTION", "crosspost_fullname"),
            ({"flair_id": "f9"}, "BAD_FLAIR_TEMPLATE_ID", "flair"),
            ({"sr": "harbour", "flair_id": "f2"}, "BAD_FLAIR_TEMPLATE_ID", "flair"),
            ({"sr": "harbour", "flair_id": "f1", "flair_text": "a" * 65}, "TOO_LONG", "flair_text"),
            ({"sr": "harbour", "flair_id": "f1", "flair_text": "Mine"}, "BAD_FLAIR_TEMPLATE_ID", "flair"),
        ],
    )
    async def test_what_is_refused_in_a_good_answer(self, box, client, fields, code, field):
        box.reddit.banned_domains.add("bad.example.com")
        assert told(await submit(client, **fields)) == (code, field)
        assert box.timeline("reddit") == []

    @pytest.mark.parametrize(
        ("about", "fields", "code"),
        [
            ({"submission_type": "link"}, {}, "NO_SELFS"),
            ({"submission_type": "self"}, {"kind": "link", "url": "https://example.com"}, "NO_LINKS"),
            ({"submission_type": "self"}, {"kind": "crosspost"}, "NO_LINKS"),
            ({"allow_images": False}, {"kind": "image"}, "NO_IMAGES"),
            ({"allow_videos": False}, {"kind": "video"}, "NO_VIDEOS"),
            ({"allow_videogifs": False}, {"kind": "videogif"}, "NO_VIDEOS"),
            ({"subreddit_type": "restricted"}, {}, "SUBREDDIT_NOTALLOWED"),
            ({"restrict_posting": True}, {}, "SUBREDDIT_NOTALLOWED"),
        ],
    )
    async def test_what_a_subreddit_does_not_take(self, box, client, about, fields, code):
        box.reddit.add_subreddit("picky", **about)
        assert told(await submit(client, sr="picky", **fields))[0] == code

    async def test_people_who_may_not_post(self, box, client):
        box.reddit.subreddits["boats"].banned.add("brand")
        assert told(await submit(client)) == ("BANNED_FROM_SUBREDDIT", "sr")
        box.reddit.people["brand"].suspended = True
        assert told(await submit(client))[0] == "IN_TIMEOUT"

    @pytest.mark.parametrize(
        ("asks", "fits"),
        [
            ({"link_restriction_policy": "blacklist", "domain_blacklist": ["example.com"]}, False),
            ({"link_restriction_policy": "none", "domain_blacklist": ["example.com"]}, True),
            ({"link_restriction_policy": "whitelist", "domain_whitelist": ["example.com"]}, True),
            ({"link_restriction_policy": "whitelist", "domain_whitelist": ["example.org"]}, False),
        ],
    )
    async def test_where_links_may_lead(self, box, client, asks, fits):
        box.reddit.add_subreddit("picky", asks=asks)
        answer = await submit(client, sr="picky", kind="link", url="https://a.example.com/boat")
        assert answer.json()["json"]["errors"] == [] if fits else told(answer) == ("DOMAIN_BANNED", "url")

    async def test_a_link_is_posted_once_unless_it_is_meant(self, client):
        link = {"kind": "link", "url": "https://example.com/boat"}
        await posted(client, **link)
        assert told(await submit(client, **link)) == ("ALREADY_SUB", "url")
        await posted(client, **link, sr="harbour")
        await posted(client, **link, resubmit="true")

    async def test_fast_posters_take_a_break(self, box, client):
        box.reddit.throttle_seconds = 870.0
        await posted(client)
        answer = await submit(client)
        assert told(answer) == ("RATELIMIT", "ratelimit")
        assert "Take a break for 14 minutes" in answer.text
        box.clock.advance(840)
        assert "Take a break for 30 seconds" in (await submit(client)).text
        box.clock.advance(30)
        await posted(client)

    @pytest.mark.parametrize(
        ("asks", "reason", "field"),
        [
            ({"title_blacklisted_strings": ["news"]}, "TITLE_BLACKLISTED_STRING", "title"),
            ({"title_required_strings": ["[Ask]"]}, "TITLE_REQUIRED_STRING", "title"),
            ({"title_regexes": ["^Ask"]}, "TITLE_REGEX_REQUIREMENT", "title"),
            ({"title_text_min_length": 9}, "TITLE_MIN_LENGTH", "title"),
            ({"title_text_max_length": 3}, "TITLE_MAX_LENGTH", "title"),
            ({"body_blacklisted_strings": ["Ahoy"]}, "BODY_BLACKLISTED_STRING", "body"),
            ({"body_text_min_length": 9}, "BODY_MIN_LENGTH", "body"),
            ({"body_restriction_policy": "notAllowed"}, "BODY_NOT_ALLOWED", "body"),
            ({"is_flair_required": True}, "FLAIR_REQUIRED", "flair"),
        ],
    )
    async def test_post_requirements_are_a_real_400(self, box, client, asks, reason, field):
        box.reddit.add_subreddit("picky", asks=asks)
        answer = await submit(client, sr="picky")
        assert (answer.status_code, answer.json()["reason"]) == (400, f"SUBMIT_VALIDATION_{reason}")
        assert (answer.json()["fields"], answer.json()["error_type"]) == ([field], "SUBMIT_VALIDATION_ERROR")
        await posted(client, sr="picky", validate_on_submit=None)

    async def test_a_body_that_must_be_there(self, box, client):
        box.reddit.add_subreddit("picky", asks={"body_restriction_policy": "required"})
        assert (await submit(client, sr="picky", text="")).json()[
            "reason"
        ] == "SUBMIT_VALIDATION_BODY_REQUIRED"


class TestMedia:
    async def test_a_lease_holds_all_the_store_asks_for(self, box, client):
        leased = await lease(client)
        args, asset = leased["args"], leased["asset"]
        assert args["action"] == "//reddit-uploaded-media.s3-accelerate.amazonaws.com"
        fields = {one["name"]: one["value"] for one in args["fields"]}
        assert fields["key"] == asset["asset_id"]
        assert (asset["processing_state"], asset["payload"]) == ("incomplete", {"filepath": "a.png"})
        assert asset["websocket_url"].startswith("wss://k8s-lb.wss.redditmedia.com/")
        policy = json.loads(base64.b64decode(fields["policy"]))
        assert ["content-length-range", 1, 20 << 20] in policy["conditions"]
        assert policy["expiration"] == box.clock.now().replace(minute=15).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        video = await lease(client, "video/mp4", "a.mp4")
        assert video["args"]["action"] == "//reddit-uploaded-video.s3-accelerate.amazonaws.com"

    @pytest.mark.parametrize("mime", ["image/webp", "application/pdf", ""])
    async def test_other_files_get_no_lease(self, client, mime):
        answer = await client.post("/api/media/asset.json", data={"filepath": "a", "mimetype": mime})
        assert answer.status_code == 400

    async def test_the_store_says_where_the_file_is(self, client, store):
        leased = await lease(client)
        answer = await put(store, leased)
        key = leased["asset"]["asset_id"]
        assert (answer.status_code, answer.headers["content-type"]) == (201, "application/xml")
        assert f"<Bucket>reddit-uploaded-media</Bucket><Key>{key}</Key>" in answer.text

    async def test_what_the_store_refuses(self, box, client, store):
        leased = await lease(client)
        changed = await put(store, leased, acl="public-read")
        assert (changed.status_code, "Policy Condition failed" in changed.text) == (403, True)
        signed = await store.post("/", headers=bearer("t"), data={}, files={"file": b"x"})
        assert (signed.status_code, "InvalidArgument" in signed.text) == (400, True)
        fields = {one["name"]: one["value"] for one in leased["args"]["fields"]}
        bare = await store.post("/", data=fields, files={"other": b"x"})
        assert (bare.status_code, "exactly one file" in bare.text) == (400, True)
        large = await put(store, leased, bytes((20 << 20) + 1))
        assert (large.status_code, "EntityTooLarge" in large.text) == (400, True)
        assert (
            f"<ProposedSize>{(20 << 20) + 1}</ProposedSize><MaxSizeAllowed>{20 << 20}</MaxSizeAllowed>"
            in large.text
        )
        assert "EntityTooSmall" in (await put(store, leased, b"")).text
        box.clock.advance(900)
        late = await put(store, leased)
        assert (late.status_code, "Policy expired" in late.text) == (403, True)

    async def test_a_picture_is_shown_after_a_while_and_its_id_never_told(self, box, client, store):
        asset = await uploaded(client, store)
        data = await posted(client, kind="image", url=f"{STORE}/{asset}")
        assert set(data) == {"user_submitted_page", "websocket_url"}
        (entry,) = box.timeline("reddit")
        assert (await listed(client))["children"] == []
        assert (await client.get("/api/info", params={"id": entry.id})).json()["data"]["children"] == []
        box.clock.advance(2)
        (shown,) = (await listed(client))["children"]
        assert shown["data"]["url"] == f"https://i.redd.it/{asset}.png"
        assert (shown["data"]["is_self"], shown["data"]["domain"]) == (False, "i.redd.it")

    async def test_a_socket_tells_once_what_became_of_the_media(self, box, client, store):
        asset = await uploaded(client, store)
        data = await posted(client, kind="image", url=f"{STORE}/{asset}")
        assert data["websocket_url"].startswith("wss://k8s-lb.wss.redditmedia.com/")
        (entry,) = box.timeline("reddit")
        words = {"type": "success", "payload": {"redirect": entry.url}}
        began = box.clock.now()
        assert await heard(box, data["websocket_url"]) == words
        assert (box.clock.now() - began).total_seconds() == 2
        box.clock.advance(1)
        with pytest.raises(AnswerLost):
            await heard(box, data["websocket_url"])

    async def test_a_socket_that_is_not_that_of_a_submit_is_refused(self, box, client, store):
        leased = await lease(client)
        data = await posted(client, kind="image", url=f"{STORE}/{await uploaded(client, store)}")
        for address in (leased["asset"]["websocket_url"], data["websocket_url"][:-1]):
            with pytest.raises(Unreachable):
                await heard(box, address)

    @pytest.mark.parametrize(("mime", "data"), [("image/png", b"no picture"), ("video/mp4", png(4, 3))])
    async def test_a_file_that_is_not_what_it_was_said_to_be_fails(self, box, client, store, mime, data):
        kind = mime.partition("/")[0]
        asset, still = await uploaded(client, store, mime, data), await uploaded(client, store)
        whole = {"kind": kind, "url": f"https://x/{asset}", "video_poster_url": f"https://x/{still}"}
        told_ = await heard(box, (await posted(client, **whole))["websocket_url"])
        assert (told_["type"], box.timeline("reddit")) == ("failed", [])

    async def test_a_video_needs_its_poster(self, box, client, store):
        clip, still = (
            await uploaded(client, store, "video/mp4", mp4(seconds=5.0)),
            await uploaded(client, store),
        )
        video = {"kind": "video", "url": f"https://x/{clip}"}
        assert told(await submit(client, **video)) == ("BAD_URL", "video_poster_url")
        assert told(await submit(client, kind="image", url=f"https://x/{clip}")) == ("BAD_URL", "url")
        await posted(client, **video, video_poster_url=f"https://x/{still}")
        box.clock.advance(8)
        (shown,) = (await listed(client))["children"]
        assert (shown["data"]["is_video"], shown["data"]["url"]) == (True, f"https://v.redd.it/{clip}")

    async def test_another_s_upload_is_none(self, box, client, store):
        asset = await uploaded(client, store)
        box.reddit.leases[asset].owner = "other"
        assert told(await submit(client, kind="image", url=f"{STORE}/{asset}")) == ("BAD_URL", "url")

    async def test_media_that_fail_are_never_shown(self, box, client, store):
        asset = await uploaded(client, store)
        box.fault("processing-failed", platform="reddit")
        data = await posted(client, kind="image", url=f"{STORE}/{asset}")
        assert await heard(box, data["websocket_url"]) == {"type": "failed", "payload": {}}
        box.clock.advance(900)
        assert (await listed(client))["children"] == box.timeline("reddit") == []

    async def test_galleries(self, box, client, store):
        ids = [await uploaded(client, store) for _ in range(2)]
        whole = {
            **FORM,
            "items": [{"media_id": one, "caption": "Port"} for one in ids],
            "validate_on_submit": True,
        }
        answer = await client.post("/api/submit_gallery_post.json", json=whole)
        data = answer.json()["json"]["data"]
        assert data["id"].startswith("t3_")
        (shown,) = (await listed(client))["children"]
        assert [one["media_id"] for one in shown["data"]["gallery_data"]["items"]] == ids
        assert set(shown["data"]["media_metadata"]) == set(ids)
        for items, refusal in (
            (whole["items"][:1], ("INVALID_OPTION", "items")),
            ([{"media_id": ids[0], "caption": "a" * 181}, whole["items"][1]], ("TOO_LONG", "caption")),
            ([{"media_id": "none"}, whole["items"][1]], ("BAD_URL", "items")),
        ):
            wrong = await client.post("/api/submit_gallery_post.json", json={**whole, "items": items})
            assert told(wrong) == refusal
        box.reddit.subreddits["boats"].about["allow_galleries"] = False
        refused = await client.post("/api/submit_gallery_post.json", json=whole)
        assert refused.json()["json"]["errors"] == [
            ["GALLERIES_DISABLED", "Gallery posts aren't allowed in this subreddit", "sr"]
        ]

    async def test_polls(self, client):
        whole = {**FORM, "options": ["Sail", "Motor"], "duration": 3, "validate_on_submit": True}
        answer = await client.post("/api/submit_poll_post", json=whole)
        assert answer.json()["json"]["data"]["id"].startswith("t3_")
        (shown,) = (await listed(client))["children"]
        assert [one["text"] for one in shown["data"]["poll_data"]["options"]] == ["Sail", "Motor"]
        for wrong in ({"options": ["a"]}, {"options": ["a", " "]}, {"duration": 8}, {"duration": "3"}):
            refused = await client.post("/api/submit_poll_post", json={**whole, **wrong})
            assert told(refused) == ("INVALID_OPTION", next(iter(wrong)))


class TestComments:
    async def test_a_comment_is_shown_whole(self, client):
        parent = await posted(client)
        form = {"api_type": "json", "thing_id": parent["name"], "text": "Aye"}
        (thing,) = (await client.post("/api/comment", data=form)).json()["json"]["data"]["things"]
        data = thing["data"]
        assert (thing["kind"], data["body"], data["parent_id"]) == ("t1", "Aye", parent["name"])
        assert data["permalink"] == f"/r/boats/comments/{parent['id']}/news/{data['id']}/"

    @pytest.mark.parametrize(
        ("state", "code"), [("locked", "THREAD_LOCKED"), ("archived", "TOO_OLD"), ("gone", "DELETED_LINK")]
    )
    async def test_where_no_comments_are_taken(self, box, client, state, code):
        parent = await posted(client)
        entry = box.reddit.entries[parent["name"]]
        if state == "gone":
            box.reddit.erase(entry)
        entry.extras[state] = True
        form = {"api_type": "json", "thing_id": parent["name"], "text": "Aye"}
        assert told(await client.post("/api/comment", data=form)) == (code, "parent")

    async def test_who_may_not_comment(self, box, client):
        form = {"api_type": "json", "thing_id": (await posted(client))["name"], "text": "Aye"}
        box.reddit.subreddits["boats"].banned.add("brand")
        assert told(await client.post("/api/comment", data=form))[0] == "BANNED_FROM_SUBREDDIT"
        box.reddit.people["brand"].suspended = True
        assert told(await client.post("/api/comment", data=form))[0] == "IN_TIMEOUT"

    @pytest.mark.parametrize(("text", "code"), [(" ", "NO_TEXT"), ("a" * 10_001, "TOO_LONG")])
    async def test_its_length(self, client, text, code):
        form = {"api_type": "json", "thing_id": (await posted(client))["name"], "text": text}
        assert told(await client.post("/api/comment", data=form))[0] == code


class TestChanges:
    async def test_only_own_texts_are_edited(self, box, client):
        post, link = await posted(client), await posted(client, kind="link", url="https://example.com")
        edit = {"api_type": "json", "text": "Aye", "thing_id": post["name"]}
        answer = await client.post("/api/editusertext", data=edit)
        (thing,) = answer.json()["json"]["data"]["things"]
        assert (thing["data"]["selftext"], bool(thing["data"]["edited"])) == ("Aye", True)
        for wrong in (link["name"], "t3_zzzz"):
            refused = await client.post("/api/editusertext", data={**edit, "thing_id": wrong})
            assert told(refused) == ("NOT_AUTHOR", "thing_id")
        box.reddit.entries[post["name"]].account = "other"
        assert told(await client.post("/api/editusertext", data=edit)) == ("NOT_AUTHOR", "thing_id")
        assert (await client.post("/api/del", data={"id": post["name"]})).json() == {}
        assert len(box.timeline("reddit")) == 2

    async def test_an_edit_keeps_to_the_requirements(self, box, client):
        box.reddit.add_subreddit("picky", asks={"body_blacklisted_strings": ["ad"]})
        post = await posted(client, sr="picky")
        edit = {"api_type": "json", "text": "an ad", "thing_id": post["name"], "validate_on_submit": "true"}
        assert (await client.post("/api/editusertext", data=edit)).status_code == 400

    async def test_a_deleted_post_leaves_a_shell(self, client):
        post = await posted(client)
        for _ in range(2):
            assert (await client.post("/api/del", data={"id": post["name"]})).json() == {}
        (shell,) = (await client.get("/api/info", params={"id": post["name"]})).json()["data"]["children"]
        told_ = (shell["data"]["author"], shell["data"]["selftext"], shell["data"]["removed_by_category"])
        assert told_ == ("[deleted]", "[deleted]", "deleted")
        assert (await listed(client))["children"] == []

    async def test_marks_and_flair(self, box, client):
        post = await posted(client, sr="harbour")
        for name, mark, value in (("marknsfw", "sensitive", True), ("unmarknsfw", "sensitive", False)):
            assert (await client.post(f"/api/{name}", data={"id": post["name"]})).json() == {}
            assert box.timeline("reddit")[0].extras[mark] is value
        assert (
            await client.post("/api/sendreplies", data={"id": post["name"], "state": "false"})
        ).json() == {}
        assert box.timeline("reddit")[0].extras["sendreplies"] is False
        assert (await client.post("/api/sendreplies", data={"id": "t3_zz"})).status_code == 403
        form = {"api_type": "json", "link": post["name"], "flair_template_id": "f1"}
        await client.post("/r/harbour/api/selectflair", data=form)
        assert box.timeline("reddit")[0].extras["flair_text"] == "News"
        assert (await client.post("/r/boats/api/selectflair", data=form)).status_code == 403
        assert (await client.post("/api/spoiler", data={"id": "t3_zz"})).status_code == 403


class TestReading:
    async def test_texts_are_escaped_unless_raw_json_is_asked_for(self, client):
        await posted(client, title="A & B <C>")
        assert (await listed(client))["children"][0]["data"]["title"] == "A & B <C>"
        assert (await listed(client, raw_json="0"))["children"][0]["data"]["title"] == "A &amp; B &lt;C&gt;"

    async def test_pages(self, client):
        names = [(await posted(client, title=f"News {number}"))["name"] for number in range(5)]
        first = await listed(client, limit="2")
        second = await listed(client, limit="2", after=first["after"])
        third = await listed(client, limit="2", after=second["after"])
        seen = [one["data"]["name"] for page in (first, second, third) for one in page["children"]]
        assert (seen, third["after"], first["dist"]) == (names[::-1], None, 2)

    async def test_info_takes_a_hundred_and_leaves_the_unknown_out(self, client):
        name = (await posted(client))["name"]
        many = ",".join([name, *(f"t3_{number:05}" for number in range(99))])
        children = (await client.get("/api/info", params={"id": many})).json()["data"]["children"]
        assert [one["data"]["name"] for one in children] == [name]

    async def test_subreddits_that_are_not_there_or_closed(self, box, client):
        away = await client.get("/r/nowhere/about")
        assert away.status_code == 302
        assert away.headers["location"].endswith("/subreddits/search?q=nowhere")
        assert (await client.get("/subreddits/search")).json()["data"]["children"] == []
        box.reddit.add_subreddit("quiet", subreddit_type="private")
        closed = await client.get("/r/quiet/about")
        assert (closed.status_code, closed.json()["reason"]) == (403, "private")
        assert (await client.get("/user/nobody/submitted")).status_code == 404
        box.reddit.add_subreddit("odd", quarantine=True)
        assert (await client.get("/r/odd/about")).json()["reason"] == "quarantined"

    async def test_numbers_grow(self, box, client):
        name = (await posted(client))["name"]

        async def score():
            (one,) = (await client.get("/api/info", params={"id": name})).json()["data"]["children"]
            return one["data"]["score"]

        first = await score()
        box.clock.advance(36_000)
        assert (first, await score() > 10) == (1, True)

    async def test_a_post_with_its_comments(self, client):
        parent = await posted(client)
        form = {"api_type": "json", "thing_id": parent["name"], "text": "Aye"}
        await client.post("/api/comment", data=form)
        post, under = (await client.get(f"/comments/{parent['id']}")).json()
        assert post["data"]["children"][0]["data"]["num_comments"] == 1
        assert [one["data"]["body"] for one in under["data"]["children"]] == ["Aye"]
        assert (await client.get("/comments/zzzz")).status_code == 404
        newest = (await client.get("/r/boats/new")).json()["data"]["children"]
        assert [one["data"]["name"] for one in newest] == [parent["name"]]


class TestWho:
    @pytest.mark.parametrize(
        ("scope", "method", "path"),
        [
            ("submit", "POST", "/api/submit"),
            ("submit", "POST", "/api/comment"),
            ("submit", "POST", "/api/media/asset.json"),
            ("edit", "POST", "/api/editusertext"),
            ("edit", "POST", "/api/del"),
            ("edit", "POST", "/api/sendreplies"),
            ("read", "GET", "/api/info"),
            ("read", "GET", "/r/boats/about"),
            ("history", "GET", "/user/brand/submitted"),
            ("flair", "GET", "/r/harbour/api/link_flair_v2"),
            ("flair", "POST", "/r/harbour/api/flairselector"),
        ],
    )
    async def test_every_door_has_its_scope(self, box, client, scope, method, path):
        others = [one for one in ("submit", "edit", "read", "history", "flair") if one != scope]
        token = box.reddit.token_for("brand", *others).access_token
        answer = await client.request(method, path, headers=bearer(token))
        assert answer.status_code == 403
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]

    async def test_the_app_has_one_budget(self, client):
        first = await client.get("/api/info", params={"id": "t3_a"})
        second = await client.get("/r/boats/about")
        left = [answer.headers["x-ratelimit-remaining"] for answer in (first, second)]
        assert left == ["999.0", "998.0"]
        assert (second.headers["x-ratelimit-used"], int(second.headers["x-ratelimit-reset"]) <= 600) == (
            "2",
            True,
        )
