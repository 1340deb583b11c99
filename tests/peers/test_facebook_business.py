"""Meta's own SDK against the served sandbox: a Page's posts, photos, videos in pieces, batches, numbers, errors."""

from __future__ import annotations

import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore:value of .* might not be compatible:UserWarning"),
]
pytest.importorskip("facebook_business")
from facebook_business import FacebookAdsApi, FacebookSession  # noqa: E402
from facebook_business.adobjects.comment import Comment  # noqa: E402
from facebook_business.adobjects.page import Page  # noqa: E402
from facebook_business.adobjects.pagepost import PagePost  # noqa: E402
from facebook_business.exceptions import FacebookRequestError  # noqa: E402
from facebook_business.video_uploader import VideoUploadSession  # noqa: E402

PAGE = "245628824887810"


class PageApi(FacebookAdsApi):
    """Its uploader knows ad accounts only, and Facebook's own host for videos; a Page's edge speaks the same."""

    def call(self, method, path, *args, url_override=None, **kwargs):
        if not isinstance(path, str):
            path = tuple("videos" if step == "advideos" else step for step in path)
        return super().call(method, path, *args, **kwargs)


@pytest.fixture
def box(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Sandbox(["facebook"]) as made:
        yield made


@pytest.fixture
def connect(box):
    """``connect(token)`` makes an API of the SDK that talks to the sandbox."""
    made = []
    with box.serve() as url:

        def one(token=None):
            session = FacebookSession(access_token=token or box.facebook.page_token_of("brand"))
            session.GRAPH = f"{url}/facebook"
            made.append(session)
            return PageApi(session)

        yield one
        for session in made:
            session.requests.close()


@pytest.fixture
def api(connect):
    return connect()


@pytest.fixture
def page(api):
    return Page(PAGE, api=api)


def test_who_it_is(page):
    told = page.api_get(fields=["id", "name", "username", "category", "followers_count"])
    assert (told["name"], told["username"], told["followers_count"]) == ("Brand", "brand", 1200)


def test_posts_comments_and_their_end(box, api, page):
    for number in range(30):
        page.create_feed(params={"message": f"number {number}"})
        box.clock.advance(1)
    listed = list(page.get_published_posts(fields=["id", "message", "permalink_url"], params={"limit": 12}))
    assert [one["message"] for one in listed] == [f"number {number}" for number in range(29, -1, -1)]
    post = PagePost(listed[0]["id"], api=api)
    comment = post.create_comment(params={"message": "Aye"})
    assert [one["message"] for one in post.get_comments(fields=["id", "message", "from"])] == ["Aye"]
    Comment(comment["id"], api=api).api_update(params={"message": "Aye aye"})
    post.api_update(params={"message": "number 29!"})
    seen = post.api_get(fields=["message", "is_published", "created_time"])
    assert (seen["message"], seen["is_published"]) == ("number 29!", True)
    post.api_delete()
    with pytest.raises(FacebookRequestError) as caught:
        post.api_get(fields=["message"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 33)


def test_photos_staged_and_posted(box, api, page, tmp_path):
    ids = []
    for side in (3, 4):
        path = tmp_path / f"{side}.png"
        path.write_bytes(png(side, 4))
        with path.open("rb") as file:
            told = api.call("POST", (PAGE, "photos"), {"published": "false"}, files={"source": file}).json()
        ids.append(told["id"])
    media = [{"media_fbid": one} for one in ids]
    post = page.create_feed(params={"message": "Ahoy", "attached_media": media})
    (entry,) = box.timeline("facebook")
    assert (entry.id, [one["id"] for one in entry.media]) == (post["id"], ids)
    with pytest.raises(FacebookRequestError) as caught:
        page.create_feed(params={"message": "Again", "attached_media": media})
    assert caught.value.api_error_subcode() == 1366051


@pytest.mark.parametrize("lost", [False, True])
def test_its_own_uploader(box, api, tmp_path, lost):
    """Meta's uploader goes on where the other side says, when a piece came twice."""
    from facebook_business.adobjects.advideo import AdVideo

    path = tmp_path / "boat.mp4"
    path.write_bytes(mp4(seconds=5.0, data=3_000_000))
    if lost:
        take = box.facebook._take

        def twice(clip, piece):  # the second piece is counted, and its answer is one of an error
            take(clip, piece)
            if clip.arrived == 2 << 20:
                box.facebook._take = take
                told = box.facebook._wants(clip)
                from socialkit.sandbox.core import Answer

                words = "There was a problem uploading your video file"
                raise Answer(box.facebook.graph_error(6001, words, subcode=1363037, error_data=told))

        box.facebook._take = twice
    video = AdVideo(parent_id=PAGE, api=api)
    video[AdVideo.Field.filepath] = str(path)
    done = VideoUploadSession(video).start()
    (entry,) = box.timeline("facebook")
    assert (entry.id, entry.title) == (done["id"], "boat.mp4")
    assert entry.media[0]["size"] == path.stat().st_size
    box.clock.advance(60)
    told = AdVideo(done["id"], api=api).api_get(fields=["status", "post_id", "permalink_url", "length"])
    assert told["status"]["video_status"] == "ready"
    assert told["post_id"].startswith(f"{PAGE}_")


def test_a_batch_with_callbacks(box, api, page):
    post = page.create_feed(params={"message": "Ahoy"})
    box.clock.advance(86_400)
    good, bad = [], []
    batch = api.new_batch()
    one = PagePost(post["id"], api=api)
    metric = {"metric": ["post_media_view", "post_clicks"]}
    one.api_get(fields=["message", "shares"], batch=batch, success=lambda told: good.append(told.json()))
    one.get_insights(params=metric, batch=batch, success=lambda told: good.append(told.json()))
    wrong = {"metric": ["post_impressions"]}
    one.get_insights(params=wrong, batch=batch, failure=lambda told: bad.append(told.error()))
    batch.execute()
    assert good[0]["message"] == "Ahoy"
    assert [row["name"] for row in good[1]["data"]] == ["post_media_view", "post_clicks"]
    assert "valid insights metric" in bad[0].api_error_message()


def test_the_pages_numbers(page):
    rows = list(page.get_insights(params={"metric": ["page_media_view"], "period": "day"}))
    assert rows[0]["name"] == "page_media_view"
    assert {"value", "end_time"} <= set(rows[0]["values"][0])


def test_errors(box, api, page, connect):
    with pytest.raises(FacebookRequestError) as caught:
        page.create_feed(params={"link": "https://www.facebook.com/brand"})
    assert caught.value.api_error_subcode() == 1609008
    page.create_feed(params={"message": "Ahoy"})
    with pytest.raises(FacebookRequestError) as caught:
        page.create_feed(params={"message": "Ahoy"})
    assert caught.value.api_error_code() == 506
    with pytest.raises(FacebookRequestError) as caught:
        Page(PAGE, api=connect("EAAnobody")).create_feed(params={"message": "x"})
    assert caught.value.api_error_code() == 190
    bare = connect(box.facebook.page_token_of("brand", "pages_read_engagement"))
    with pytest.raises(FacebookRequestError) as caught:
        Page(PAGE, api=bare).create_feed(params={"message": "x"})
    assert caught.value.api_error_code() == 200
    box.fault("429", platform="facebook")
    with pytest.raises(FacebookRequestError) as caught:
        page.create_feed(params={"message": "x"})
    assert caught.value.api_error_code() == 32
    assert "estimated_time_to_regain_access" in caught.value.http_headers()["x-business-use-case-usage"]


def test_a_post_for_later(box, api, page):
    due = int(box.clock.now().timestamp()) + 3600
    post = page.create_feed(params={"message": "Later", "published": False, "scheduled_publish_time": due})
    listed = page.get_scheduled_posts(fields=["id", "scheduled_publish_time"])
    assert [(one["id"], one["scheduled_publish_time"]) for one in listed] == [(post["id"], due)]
    PagePost(post["id"], api=api).api_update(params={"is_published": True})
    assert [entry.text for entry in box.timeline("facebook")] == ["Later"]
