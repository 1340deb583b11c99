"""Another client against the served Reddit sandbox: PRAW posts every kind, comments, edits and deletes.

What it sends is what our adapter sends for the same post.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from login_talk import BACK, requests

from media_files import mp4, png
from socialkit import Client, Image, Poll, Post, Video
from socialkit.adapters.reddit import RedditOptions
from socialkit.sandbox import Sandbox
from socialkit.sandbox.core import body
from socialkit.testing import ManualClock

pytestmark = pytest.mark.peers
praw = pytest.importorskip("praw")

FLAIR = {"id": "f1", "text": "News", "text_editable": True, "mod_only": False}
PORT, STARBOARD, CLIP = png(8, 8), png(9, 9), mp4(seconds=5.0)


class Plain(requests.adapters.HTTPAdapter):
    """Files go to the sandbox over HTTP: PRAW puts ``https:`` before every lease's address."""

    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


@pytest.fixture
def box():
    with Sandbox(["reddit"], clock=ManualClock(datetime.now(UTC))) as made:
        made.reddit.add_subreddit("harbour", flairs=[FLAIR])
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as served:
        yield served


@pytest.fixture
def api(box, url):
    known = box.reddit.credentials()
    made = praw.Reddit(
        client_id=known["client_id"],
        client_secret=known["client_secret"],
        refresh_token=known["refresh_token"],
        redirect_uri=BACK,
        user_agent="test:harbour:1 (by u/brand)",
        reddit_url=f"{url}/reddit",
        oauth_url=f"{url}/reddit/",
        check_for_updates=False,
        ratelimit_seconds=1,
    )
    made._core.requestor._http.mount("https://127.0.0.1", Plain())
    yield made
    made._core.close()


@pytest.fixture
def seen(box):
    """Every form and JSON body a posting endpoint got, as (path, fields)."""
    found = []
    for name in (
        "submit",
        "submit_gallery",
        "submit_poll",
        "comment",
        "convert",
        "lease",
        "edit_text",
        "delete",
    ):
        _watch(box.reddit, name, found)
    box.reddit._app = None
    return found


def _watch(platform, name, found):
    handler = getattr(platform, name)

    def watched(request):
        read = body(request)
        fields = dict(read.fields) or read.json()
        found.append(
            (request.url.path.removesuffix("/").rpartition("/reddit/")[2] or request.url.path, fields)
        )
        return handler(request)

    setattr(platform, name, watched)


@pytest.fixture
def harbour(api):
    return api.subreddit("harbour")


def last(box):
    return box.timeline("reddit")[-1]


def media(data, name):
    return praw.models.PostMedia(data, name=name)


def test_a_text_a_link_and_what_is_shown_of_them(box, api, harbour):
    text = harbour.submit(
        "News", selftext="We ship & sail <today>", flair_id="f1", flair_text="Big news", nsfw=True
    )
    link = harbour.submit("A link", url="https://example.com/boat", spoiler=True)
    assert [entry.id for entry in box.timeline("reddit")] == [f"t3_{text.id}", f"t3_{link.id}"]
    assert (text.title, text.selftext, text.is_self, text.over_18) == (
        "News",
        "We ship & sail <today>",
        True,
        True,
    )
    assert (text.link_flair_text, text.author.name, text.subreddit.display_name) == (
        "Big news",
        "brand",
        "harbour",
    )
    assert (link.url, link.spoiler, link.num_comments) == ("https://example.com/boat", True, 0)
    box.clock.advance(86_400)
    shown = {one.fullname: one for one in api.info(fullnames=[f"t3_{text.id}", f"t3_{link.id}", "t3_zzzzz"])}
    assert set(shown) == {f"t3_{text.id}", f"t3_{link.id}"}
    assert shown[f"t3_{link.id}"].score > 1
    mine = [one.id for one in api.redditor("brand").submissions.new(limit=None)]
    assert mine == [link.id, text.id]


def test_a_picture_a_video_a_gallery_and_a_poll(box, api, harbour):
    assert harbour.submit("P", image=media(PORT, "a.png"), selftext="w", without_websockets=True) is None
    assert (last(box).extras["kind"], last(box).text, last(box).media[0]["data"]) == ("image", "w", PORT)
    video = {"media": media(CLIP, "a.mp4"), "thumbnail": media(PORT, "t.png")}
    assert harbour.submit("V", video=video, without_websockets=True) is None
    assert last(box).extras["kind"] == "video"
    items = [{"media": media(PORT, "a.png"), "caption": "Port"}, {"media": media(STARBOARD, "b.png")}]
    gallery = harbour.submit("G", gallery=items)
    assert (gallery.is_gallery, [one["caption"] for one in gallery.gallery_data["items"]]) == (
        True,
        ["Port", ""],
    )
    poll = harbour.submit("Q", poll={"options": ["Sail", "Motor"], "duration": 3}, selftext="")
    assert [option.text for option in poll.poll_data.options] == ["Sail", "Motor"]
    box.clock.advance(60)
    listed = {one.title: one for one in api.redditor("brand").submissions.new()}
    assert listed["P"].url.startswith("https://i.redd.it/")
    assert listed["V"].is_video


def test_the_socket_tells_what_became_of_media(box, harbour):
    """As PRAW waits for it: the submit's socket names the post, or says that the file is none."""
    picture = harbour.submit("P", image=media(PORT, "a.png"))
    clip = harbour.submit("V", video={"media": media(CLIP, "a.mp4"), "thumbnail": media(PORT, "t.png")})
    assert [f"t3_{one.id}" for one in (picture, clip)] == [one.id for one in box.timeline("reddit")]
    box.fault("processing-failed", platform="reddit")
    with pytest.raises(praw.exceptions.MediaPostFailed):
        harbour.submit("P", image=media(PORT, "a.png"))
    box.fault("dropped-after", platform="reddit", match="GET /wss/.*")
    with pytest.raises(praw.exceptions.WebSocketException, match="may still have been created"):
        harbour.submit("Q", image=media(PORT, "a.png"))
    assert last(box).title == "Q"


def test_pictures_inside_a_text(box, api, client, seen):
    inline = {"boat": praw.models.InlineImage(media=media(PORT, "media.png"), caption="Port")}
    api.subreddit("harbour").submit("News", selftext="Ahoy\n\n{boat}", inline_media=inline, resubmit=False)
    theirs = [(path, _comparable(fields)) for path, fields in seen]
    del seen[:]
    box.clock.advance(60)
    options = RedditOptions(subreddit="harbour", inline=True)
    whole = Post("Ahoy", title="News", media=[Image(PORT, alt="Port")]).variant("reddit", options)
    client.publish(whole, "reddit")
    ours = [(path, _comparable(fields)) for path, fields in seen]
    first, second = box.timeline("reddit")
    assert len(first.media) == len(second.media) == 1
    for both, entry in ((theirs, first), (ours, second)):
        for _, fields in both:
            for name in ("markdown_text", "richtext_json"):
                told = fields.get(name, "").replace(entry.media[0]["id"], "asset")
                fields[name] = re.sub(r"\n{2,}", "\n\n", told.strip())
    assert ours == theirs


def test_a_comment_an_edit_and_a_deletion(box, api, harbour):
    post = harbour.submit("News", selftext="Ahoy")
    comment = post.reply("Aye")
    answer = comment.reply("Aye aye")
    assert (comment.body, comment.parent_id, answer.parent_id) == ("Aye", f"t3_{post.id}", f"t1_{comment.id}")
    assert [one.body for one in api.submission(post.id).comments.list()] == ["Aye", "Aye aye"]
    post.edit("Ahoy again")
    comment.edit("Nay")
    assert [entry.text for entry in box.timeline("reddit")] == ["Ahoy again", "Nay", "Aye aye"]
    for one in (answer, comment, post, post):
        one.delete()
    assert box.timeline("reddit") == []


def test_a_crosspost_and_marks(box, harbour):
    post = harbour.submit("News", selftext="Ahoy")
    cross = post.crosspost("boats", title="Look")
    assert (last(box).quote, cross.crosspost_parent) == (f"t3_{post.id}", f"t3_{post.id}")
    post.mod.nsfw()
    post.mod.spoiler()
    post.flair.select("f1", text="Mine")
    shown = box.timeline("reddit")[0].extras
    assert (shown["sensitive"], shown["spoiler"], shown["flair_text"]) == (True, True, "Mine")


def test_what_a_subreddit_allows(box, api, harbour):
    box.reddit.subreddits["harbour"].asks["title_blacklisted_strings"] = ["x"]
    assert harbour.post_requirements()["title_blacklisted_strings"] == ["x"]
    assert (harbour.submission_type, harbour.allow_polls) == ("any", True)
    assert [one["id"] for one in harbour.flair.link_templates] == ["f1"]
    (choice,) = harbour.flair.link_templates.user_selectable()
    assert (choice["flair_template_id"], choice["flair_text"], choice["flair_text_editable"]) == (
        "f1",
        "News",
        True,
    )


def test_refusals_are_told_apart(box, api, harbour):
    picky = box.reddit.add_subreddit("picky", allow_galleries=False, submission_type="link")
    picky.asks["title_blacklisted_strings"] = ["ad"]
    place = api.subreddit("picky")

    def told(**fields):
        with pytest.raises(praw.exceptions.RedditAPIException) as caught:
            place.submit(fields.pop("title", "News"), **fields)
        return caught.value.items[0].error_type

    assert told(selftext="x") == "NO_SELFS"
    assert (
        told(gallery=[{"media": media(PORT, "a.png")}, {"media": media(STARBOARD, "b.png")}])
        == "GALLERIES_DISABLED"
    )
    assert told(title="ad", url="https://example.com") == "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING"
    place.submit("News", url="https://example.com", resubmit=False)
    assert told(url="https://example.com", resubmit=False) == "ALREADY_SUB"
    box.reddit.throttle_seconds = 840.0
    assert told(url="https://example.com/b") == "RATELIMIT"
    with pytest.raises(praw.exceptions.TooLargeMediaException) as large:
        harbour.submit("P", image=media(PORT + bytes(20 << 20), "a.png"), without_websockets=True)
    assert large.value.maximum_size == 20 << 20


@pytest.fixture
def client(box, url):
    place = {"reddit": box.accounts(url)["reddit"]}
    with Client(place, store=":memory:", clock=box.clock) as made:
        yield made


SAME = {
    "self": ({"selftext": "Ahoy"}, {"text": "Ahoy"}),
    "link": ({"url": "https://example.com/a"}, {"link": "https://example.com/a"}),
    "image": (
        {"image": lambda: media(PORT, "media.png"), "selftext": "Ahoy"},
        {"media": [Image(PORT)], "text": "Ahoy"},
    ),
    "video": (
        {"video": lambda: {"media": media(CLIP, "media.mp4"), "thumbnail": media(PORT, "media.png")}},
        {"media": [Video(CLIP, thumbnail=Image(PORT))]},
    ),
    "gallery": (
        {
            "gallery": lambda: [
                {"media": media(PORT, "media.png"), "caption": "Port"},
                {"media": media(STARBOARD, "media.png"), "caption": "Starboard"},
            ],
        },
        {"media": [Image(PORT, alt="Port"), Image(STARBOARD, alt="Starboard")]},
    ),
    "poll": (
        {"poll": {"options": ["Sail", "Motor"], "duration": 2}, "selftext": "Which?"},
        {"poll": Poll(["Sail", "Motor"], seconds=172_800), "text": "Which?"},
    ),
}
DRAWN = {"url", "video_poster_url"}
"""What an upload gives; the gallery's media ids are compared by their number."""


@pytest.mark.parametrize("kind", SAME)
def test_both_send_the_same_request(box, api, client, seen, kind):
    theirs, ours = SAME[kind]
    made = {name: value() if callable(value) else value for name, value in theirs.items()}
    waits = {"without_websockets": True} if kind in ("image", "video") else {}
    api.subreddit("harbour").submit("News", flair_id="f1", nsfw=True, resubmit=False, **made, **waits)
    half = len(seen)
    for entry in box.timeline("reddit"):  # a link may not be there twice
        box.reddit.erase(entry)
    options = RedditOptions(subreddit="harbour", flair_id="f1")
    box.clock.advance(60)
    whole = Post(**{"title": "News", "sensitive": True, **ours}).variant("reddit", options)
    client.publish(whole, "reddit")
    assert len(seen) == 2 * half
    for (path, praws), (own_path, own) in zip(seen[:half], seen[half:], strict=True):
        assert path == own_path
        assert _comparable(praws) == _comparable(own)


def _comparable(fields):
    """The fields without what is drawn anew, and truth as one word in forms and JSON alike."""
    plain = {
        name: value for name, value in fields.items() if name not in DRAWN or "example.com" in str(value)
    }
    if "items" in plain:
        plain["items"] = [{**item, "media_id": len(item["media_id"]) > 8} for item in plain["items"]]
    return {
        name: str(value).lower() if isinstance(value, bool) else value for name, value in plain.items()
    } | ({name: value.lower() for name, value in plain.items() if value in ("True", "False")})


def test_comments_edits_and_deletions_are_the_same_too(box, api, client, seen):
    post = api.subreddit("u_brand").submit("News", selftext="Ahoy", resubmit=False)
    comment = post.reply("Aye")
    comment.edit("Nay")
    comment.delete()
    theirs = [(path, _comparable(fields)) for path, fields in seen[1:]]
    del seen[:]
    box.clock.advance(60)
    reply = client.publish(Post("Aye", reply_to=f"t3_{post.id}"), "reddit")["reddit"].receipt
    client.edit(reply, Post("Nay", reply_to=f"t3_{post.id}"))
    client.delete(reply)
    ours = [(path, _comparable(fields)) for path, fields in seen]
    for both in (theirs, ours):
        for _, fields in both:
            for name in ("thing_id", "id"):
                fields[name] = str(fields[name])[:3] if name in fields else ""
    assert ours == theirs
