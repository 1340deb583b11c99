"""Another client against the served TikTok sandbox: tiktok-api-client posts videos and photos and asks for status.

It knows TikTok's addresses by heart, so its connections are turned to the sandbox. Its PKCE challenge is the usual one,
which TikTok does not take; it is given a token instead.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from media_files import mp4
from socialkit.contracts import _samples
from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
requests = pytest.importorskip("requests")
tiktok_api_client = pytest.importorskip("tiktok_api_client.main")


@pytest.fixture
def box():
    with Sandbox(["tiktok"]) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    """The sandbox's address; what goes to TikTok's goes there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as served:
        send = requests.adapters.HTTPAdapter.send

        def elsewhere(self, request, **options):
            request.url = request.url.replace("https://open.tiktokapis.com", f"{served}/tiktok")
            return send(self, request, **options)

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", elsewhere)
        yield served


@pytest.fixture
def client(box, url):
    given = box.tiktok.credentials()
    made = tiktok_api_client.TikTok(
        given["client_key"], given["client_secret"], "https://example.com/callback/"
    )
    made.token_data = {"access_token": given["token"], "refresh_token": given["refresh_token"]}
    return made


def test_creator_info(client):
    told = client.get_creator_info()
    assert told["error"]["code"] == "ok"
    assert told["data"]["creator_username"] == "brand"
    assert "SELF_ONLY" in told["data"]["privacy_level_options"]


def test_a_video(client, box, tmp_path):
    file = tmp_path / "boat.mp4"
    file.write_bytes(mp4(data=6_000_000))
    told = client.create_video(
        source="FILE_UPLOAD",
        upload_type="POST_VIDEO_FILE",
        title="Ahoy #boat",
        privacy_level="PUBLIC_TO_EVERYONE",
        video_path=str(file),
    )
    publish_id = told["initial_response"]["data"]["publish_id"]
    status = client.check_upload_status(publish_id)["data"]
    assert (status["status"], status["uploaded_bytes"]) == ("PROCESSING_UPLOAD", file.stat().st_size)
    box.clock.advance(70)
    done = client.check_upload_status(publish_id)["data"]
    (entry,) = box.timeline("tiktok")
    assert done["status"] == "PUBLISH_COMPLETE"
    assert done["publicaly_available_post_id"] == [int(entry.id)]
    assert (entry.text, entry.extras["info"]["video_cover_timestamp_ms"]) == ("Ahoy #boat", 1000)


def test_a_video_that_is_pulled(client, box):
    client.create_video(
        source="PULL_FROM_URL",
        upload_type="POST_VIDEO_URL",
        title="Pulled",
        privacy_level="SELF_ONLY",
        video_url="https://example.com/boat.mp4",
    )
    (entry,) = box.timeline("tiktok")
    assert (entry.text, entry.visibility) == ("Pulled", "SELF_ONLY")


def test_photos(client, box):
    box.files.put("https://example.com/large.jpg", _samples.jpeg())
    told = client.create_photo(
        post_mode="DIRECT_POST",
        title="Boats",
        description="Two of them",
        privacy_level="PUBLIC_TO_EVERYONE",
        photo_images=["https://example.com/1.jpg", "https://example.com/large.jpg"],
    )
    assert told["photo_upload_response"]["data"]["publish_id"].startswith("p_pub_url~v2.")
    (entry,) = box.timeline("tiktok")
    assert (entry.title, entry.text, len(entry.media)) == ("Boats", "Two of them", 2)


def test_a_refusal(client, box):
    box.tiktok.verified.clear()
    with pytest.raises(Exception, match="url_ownership_unverified"):
        client.create_photo(
            post_mode="DIRECT_POST",
            title="Boats",
            privacy_level="SELF_ONLY",
            photo_images=["https://nowhere.example.com/1.jpg", "https://nowhere.example.com/2.jpg"],
        )


def test_tokens_are_renewed_and_revoked(client, box):
    fresh = client.refresh_access_token()
    assert fresh["access_token"].startswith("act.")
    assert fresh["open_id"] == box.tiktok.identity_of("brand")
    assert client.get_creator_info()["error"]["code"] == "ok"
    with pytest.raises(Exception, match="Token refresh failed"):
        client.revoke_access_token()  # TikTok answers with nothing, and the client wants JSON
    with pytest.raises(Exception, match="access_token_invalid"):
        client.get_creator_info()


def test_its_challenge_is_not_the_one_tiktok_takes(client, box, url):
    box.tiktok.developer_app.redirect_uris = ("https://example.com/callback/",)
    address = client.get_authorization_url().replace("https://www.tiktok.com", f"{url}/tiktok")
    asked = parse_qs(urlsplit(address).query)
    (challenge,) = asked["code_challenge"]
    assert len(challenge) == 43
    answer = requests.get(address, timeout=5)
    assert (answer.status_code, answer.json()["error_description"]) == (400, "code_challenge is not valid")
