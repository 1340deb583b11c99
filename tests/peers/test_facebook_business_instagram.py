"""Meta's own client against the served sandbox: containers, publishing, lists, insights, comments, batches."""

from __future__ import annotations

import pytest

from media_files import mp4
from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
pytest.importorskip("facebook_business")

from facebook_business.adobjects.igmedia import IGMedia  # noqa: E402
from facebook_business.adobjects.iguser import IGUser  # noqa: E402
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder  # noqa: E402
from facebook_business.api import FacebookAdsApi  # noqa: E402
from facebook_business.exceptions import FacebookRequestError  # noqa: E402
from facebook_business.session import FacebookSession  # noqa: E402

BOAT = "https://example.com/boat.jpg"
FILM = "https://files.example.com/film.mp4"


@pytest.fixture
def box():
    with Sandbox(["instagram"]) as made:
        made.files.put(FILM, mp4(seconds=10, size=(1080, 1920)))
        yield made


@pytest.fixture
def api(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as url:
        session = FacebookSession(access_token=box.instagram.page_token())
        session.GRAPH = f"{url}/instagram"
        with session.requests:
            yield FacebookAdsApi(session, api_version="v26.0")


@pytest.fixture
def brand(box, api):
    return IGUser(box.instagram.identity_of("brand"), api=api)


def published(box, brand, **params):
    container = brand.create_media(params=params)
    box.clock.advance(10)
    builder = ShadowIGMediaBuilder(container["id"], api=brand.get_api())
    state = builder.api_get(fields=["status_code", "status"]).export_all_data()
    assert state["status_code"] == "FINISHED", state
    return IGMedia(
        brand.create_media_publish(params={"creation_id": int(container["id"])})["id"], api=brand.get_api()
    )


def test_a_picture_is_published_listed_and_deleted(box, brand):
    tags = [{"username": "crew", "x": 0.5, "y": 0.5}]
    media = published(
        box,
        brand,
        image_url=BOAT,
        caption="Ahoy #launch",
        alt_text="The boat",
        user_tags=tags,
        collaborators=["crew"],
        is_ai_generated=True,
    )
    (entry,) = box.timeline("instagram")
    assert (entry.id, entry.text) == (media["id"], "Ahoy #launch")
    assert entry.extras["tags"] == [tags]
    assert entry.extras["given"] == {"collaborators": '["crew"]', "is_ai_generated": "true"}
    fields = [IGMedia.Field.caption, IGMedia.Field.media_product_type, IGMedia.Field.permalink]
    told = media.api_get(fields=fields)
    assert told["media_product_type"] == "FEED"
    assert [one["id"] for one in brand.get_media(fields=["id", "caption"])] == [media["id"]]
    media.api_delete()
    assert not box.timeline("instagram")


def test_a_carousel(box, brand):
    children = [
        brand.create_media(params={"image_url": BOAT, "is_carousel_item": True})["id"],
        brand.create_media(params={"video_url": FILM, "media_type": "VIDEO", "is_carousel_item": True})["id"],
    ]
    box.clock.advance(10)
    media = published(box, brand, media_type="CAROUSEL", children=children, caption="Both")
    told = [one.export_all_data() for one in media.get_children(fields=["id", "media_type"])]
    assert [one["media_type"] for one in told] == ["IMAGE", "VIDEO"]


def test_a_reel_a_story_and_their_insights(box, brand):
    reel = published(box, brand, media_type="REELS", video_url=FILM, share_to_feed=False, thumb_offset="0")
    story = published(box, brand, media_type="STORIES", image_url=BOAT)
    assert [one["id"] for one in brand.get_stories(fields=["id"])] == [story["id"]]
    box.clock.advance(43_200)
    for media, metrics in (
        (reel, ["views", "saved", "ig_reels_avg_watch_time"]),
        (story, ["views", "replies"]),
    ):
        told = [one.export_all_data() for one in media.get_insights(params={"metric": metrics})]
        assert [one["name"] for one in told] == metrics
        assert told[0]["values"][0]["value"] > 0
    account = {"metric": ["reach"], "period": ["day"], "metric_type": "total_value"}
    (reach,) = brand.get_insights(params=account)
    assert reach["total_value"]["value"] > 0


def test_comments_and_how_many_posts_are_left(box, brand):
    media = published(box, brand, image_url=BOAT)
    comment = media.create_comment(params={"message": "Hi"})
    assert [one["text"] for one in media.get_comments(fields=["text"])] == ["Hi"]
    assert comment["id"]
    (limit,) = brand.get_content_publishing_limit(fields=["config", "quota_usage"])
    assert limit.export_all_data()["quota_usage"] == 1


def test_pages(box, brand):
    made = [published(box, brand, image_url=BOAT)["id"] for _ in range(5)]
    listed = brand.get_media(fields=["id"], params={"limit": 2})
    assert [one["id"] for one in listed] == made[::-1]


def test_a_batch(box, api, brand):
    media, told, refused = published(box, brand, image_url=BOAT), [], []
    batch = api.new_batch()
    good = {
        "success": lambda answer: told.append(answer.json()),
        "failure": lambda answer: refused.append(answer),
    }
    media.api_get(fields=["id", "like_count"], batch=batch, **good)
    IGMedia("17", api=api).api_get(fields=["id"], batch=batch, **good)
    batch.execute()
    assert [one["id"] for one in told] == [media["id"]]
    assert refused[0].error().api_error_subcode() == 33


@pytest.mark.parametrize(
    ("params", "code", "subcode"),
    [
        ({"image_url": "https://example.com/boat.png"}, 36001, 2207005),
        ({"image_url": BOAT, "caption": "x" * 2201}, 36004, 2207010),
        ({"media_type": "CAROUSEL", "children": []}, 100, 2207028),
    ],
)
def test_refusals_are_metas_own(brand, params, code, subcode):
    with pytest.raises(FacebookRequestError) as caught:
        brand.create_media(params=params)
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (code, subcode)


def test_every_parameter_of_the_adapter_is_one_of_metas_client(box, brand):
    from conformance.test_instagram import YOUNGER

    request = brand.create_media(params={}, pending=True)
    assert set(request._param_checker._type_check_info) >= YOUNGER | {
        "trial_params",
        "cover_url",
        "audio_name",
    }
