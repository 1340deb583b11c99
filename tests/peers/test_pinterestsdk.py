"""Another client against the served Pinterest sandbox: the SDK made from Pinterest's description 5.28."""

from __future__ import annotations

import base64
from datetime import timedelta

import httpx
import pytest

from media_files import mp4, png
from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
sdk = pytest.importorskip("pinterestsdk")

DAY = 86_400


@pytest.fixture
def box():
    with Sandbox(["pinterest"]) as made:
        yield made


@pytest.fixture
def api(box, monkeypatch):
    """``api(name)`` is a part of the SDK, signed in as the brand."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    token = box.pinterest.credentials()["token"]
    with box.serve() as url:
        settings = sdk.Configuration(host=f"{url}/pinterest/v5", access_token=token)
        with sdk.ApiClient(settings) as client:
            yield lambda name: getattr(sdk, f"{name}Api")(client)


def board_of(api, name="Boats"):
    return next(one for one in api("Boards").boards_list().items if one.name == name)


def picture(source, **fields):
    data = base64.b64encode(png(40, 60)).decode()
    return source(content_type="image/png", data=data, **fields)


def pinned(api, board, source, **words):
    media = sdk.PinMediaSource(actual_instance=source)
    return api("Pins").pins_create(sdk.PinCreate(board_id=board.id, media_source=media, **words))


def test_who_and_boards(api):
    me = api("UserAccount").user_account_get()
    assert (me.username, me.account_type) == ("brand", "BUSINESS")
    boards = api("Boards")
    made = boards.boards_create(sdk.BoardCreate(name="Sea"))
    section = boards.board_sections_create(made.id, sdk.BoardSectionCreate(name="Waves"))
    assert [one.id for one in boards.board_sections_list(made.id).items] == [section.id]
    boards.boards_delete(made.id)
    with pytest.raises(sdk.exceptions.NotFoundException) as caught:
        boards.boards_get(made.id)
    assert '"code":40' in str(caught.value.body)


def test_a_picture_is_pinned_read_changed_and_deleted(box, api):
    board = board_of(api)
    source = picture(sdk.PinMediaSourceImageBase64, source_type="image_base64")
    made = pinned(api, board, source, title="News", description="We ship", alt_text="A boat")
    (entry,) = box.timeline("pinterest")
    assert (entry.id, entry.title, entry.text) == (made.id, "News", "We ship")
    seen = api("Pins").pins_get(made.id, pin_metrics=True)
    assert (seen.alt_text, seen.creative_type, seen.board_id) == ("A boat", "REGULAR", board.id)
    assert [one.id for one in api("Boards").boards_list_pins(board.id).items] == [made.id]
    changed = api("Pins").pins_update(made.id, sdk.PinUpdate(title="More news"))
    assert (changed.title, changed.description) == ("More news", "We ship")
    api("Pins").pins_delete(made.id)
    assert not box.timeline("pinterest")


def test_a_carousel(box, api):
    items = [picture(sdk.PinMediaSourceImagesBase64Item, title=title) for title in ("One", "Two")]
    source = sdk.PinMediaSourceImagesBase64(source_type="multiple_image_base64", items=items)
    pinned(api, board_of(api), source)
    (entry,) = box.timeline("pinterest")
    assert [slot["title"] for slot in entry.extras["slots"]] == ["One", "Two"]


def test_a_film(box, api):
    form = api("Media").media_create(sdk.MediaUploadCreate(media_type="video"))
    fields = form.upload_parameters.to_dict()
    files = {"file": ("a.mp4", mp4(seconds=5.0))}
    answer = httpx.post(form.upload_url, data=fields, files=files, trust_env=False)
    assert answer.status_code == 204
    assert api("Media").media_get(form.media_id).status == "processing"
    box.clock.advance(6)
    assert api("Media").media_get(form.media_id).status == "succeeded"
    source = sdk.PinMediaSourceVideoID(
        source_type="video_id", media_id=form.media_id, cover_image_key_frame_time=1
    )
    assert pinned(api, board_of(api), source).creative_type == "VIDEO"


def test_pages_and_numbers(box, api):
    board = board_of(api)
    source = picture(sdk.PinMediaSourceImageBase64, source_type="image_base64")
    ids = [pinned(api, board, source, title=str(number)).id for number in range(3)]
    first = api("Pins").pins_list(page_size=2)
    rest = api("Pins").pins_list(page_size=2, bookmark=first.bookmark)
    assert [one.id for one in (*first.items, *rest.items)] == ids[::-1]
    today = box.clock.now().date()
    box.clock.advance(4 * DAY)
    dates = {"start_date": today, "end_date": today + timedelta(days=3)}
    told = api("UserAccount").user_account_analytics(**dates, metric_types=["IMPRESSION"])
    assert told["all"].summary_metrics["IMPRESSION"] > 0
    wanted = [sdk.MultiPinsAnalyticsMetricTypesItem(name) for name in ("IMPRESSION", "SAVE")]
    rows = api("Pins").multi_pins_analytics(pin_ids=ids, **dates, metric_types=wanted)
    assert rows.keys() == set(ids)
    days = rows[ids[0]]["all"].daily_metrics
    assert [str(day.data_status.value) for day in days] == ["READY", "READY", "READY", "PROCESSING"]
