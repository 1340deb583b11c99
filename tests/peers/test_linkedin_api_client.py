"""LinkedIn's own Python client against the served sandbox: posts, uploads, comments, lists, numbers, renewal.

Its version 0.3.0 names the header of Rest.li's protocol wrongly, so that its requests reach LinkedIn without one.
"""

from __future__ import annotations

from typing import Any

import pytest

from media_files import mp4, png
from socialkit import Client, Image, Post
from socialkit.adapters.linkedin import LinkedIn
from socialkit.sandbox import Sandbox

pytestmark = pytest.mark.peers
restli = pytest.importorskip("linkedin_api.clients.restli.client")
restli_errors = pytest.importorskip("linkedin_api.common.errors")
sign_in = pytest.importorskip("linkedin_api.clients.auth.client")
requests = pytest.importorskip("requests")

PAGE = "urn:li:organization:2414183"
VERSION = "202609"
BACK = "http://127.0.0.1:8910/callback"
HOSTS = ("https://api.linkedin.com", "https://www.linkedin.com")


class Elsewhere(requests.adapters.HTTPAdapter):
    """Sends what is meant for LinkedIn to the sandbox."""

    def __init__(self, url):
        super().__init__()
        self._url = url

    def send(self, request, **options):
        for host in HOSTS:
            request.url = request.url.replace(host, f"{self._url}/linkedin")
        return super().send(request, **options)


@pytest.fixture
def box():
    with Sandbox(["linkedin"]) as made:
        yield made


@pytest.fixture
def url(box, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with box.serve() as served:
        yield served


@pytest.fixture
def client(box, url):
    """The official client, with the brand's token already in each call."""
    one = restli.RestliClient()
    for host in HOSTS:
        one.session.mount(host, Elsewhere(url))
    yield Signed(one, box.linkedin.token("brand"))
    one.session.close()


class Signed:
    def __init__(self, client, token):
        self.client, self.token = client, token

    def __getattr__(self, name):
        call = getattr(self.client, name)

        def ask(path: str, **more: Any):
            version = None if path.startswith("/userinfo") else VERSION
            return call(resource_path=path, access_token=self.token, version_string=version, **more)

        return ask


def entity(text: str, **more: Any) -> dict[str, Any]:
    spread = {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []}
    made = {"author": PAGE, "commentary": text, "visibility": "PUBLIC", "distribution": spread}
    return {**made, "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": False, **more}


def upload(client, resource: str, name: str, **more: Any) -> tuple[str, Any]:
    value = client.action(
        f"/{resource}",
        action_name="initializeUpload",
        action_params={"initializeUploadRequest": {"owner": PAGE, **more}},
    ).value
    return value[name], value


def put(client, address: str, data: bytes):
    headers = {"authorization": f"Bearer {client.token}", "content-type": "application/octet-stream"}
    answer = client.client.session.put(address, data=data, headers=headers, timeout=10)
    assert answer.status_code in (200, 201)
    return answer.headers.get("etag", "").strip('"')


def test_a_post_with_a_picture_is_made_read_edited_listed_and_deleted(box, client):
    image, value = upload(client, "images", "image")
    put(client, value["uploadUrl"], png())
    assert client.get("/images/{urn}", path_keys={"urn": image}).entity["status"] == "AVAILABLE"
    content = {"media": {"id": image, "altText": "A boat"}}
    urn = client.create("/posts", entity=entity("Ahoy", content=content)).entity_id
    assert urn.startswith("urn:li:share:")
    key = {"urn": urn}
    assert client.get("/posts/{urn}", path_keys=key).entity["content"] == content
    done = client.partial_update("/posts/{urn}", path_keys=key, patch_set_object={"commentary": "New"})
    assert done.status_code == 204
    query = {"author": PAGE, "sortBy": "CREATED", "count": 10}
    found = client.finder("/posts", finder_name="author", query_params=query)
    assert [one["commentary"] for one in found.elements] == ["New"]
    many = client.batch_get("/posts", ids=[urn, "urn:li:share:1"])
    assert (list(many.results), list(many.errors)) == ([urn], ["urn:li:share:1"])
    assert client.delete("/posts/{urn}", path_keys=key).status_code == 204
    assert box.timeline("linkedin") == []


def test_a_video_goes_up_in_the_parts_that_are_named(box, client):
    data = mp4() + bytes(5_000_000)
    more = {"fileSizeBytes": len(data), "uploadCaptions": False, "uploadThumbnail": False}
    video, value = upload(client, "videos", "video", **more)
    etags = [
        put(client, one["uploadUrl"], data[one["firstByte"] : one["lastByte"] + 1])
        for one in value["uploadInstructions"]
    ]
    final = {"video": video, "uploadToken": value["uploadToken"], "uploadedPartIds": etags}
    with pytest.raises(
        restli_errors.ResponseFormattingError
    ):  # the answer has no body, which it does not expect
        client.action("/videos", action_name="finalizeUpload", action_params={"finalizeUploadRequest": final})
    box.clock.advance(3)
    content = {"media": {"id": video, "title": "The boat"}}
    assert client.create("/posts", entity=entity("See", content=content)).entity_id.startswith(
        "urn:li:ugcPost:"
    )
    assert box.timeline("linkedin")[0].media[0]["size"] == len(data)


def test_it_reads_what_socialkit_published(box, url, client):
    account = LinkedIn(**box.linkedin.credentials(f"{url}/linkedin"))
    with Client({"page": account}) as ours:
        picture = Image(png(), alt="A boat")
        first = ours.publish(Post("Ahoy (all) #boats"), to="page")["page"].receipt
        second = ours.publish(Post("See", media=[picture]), to="page")["page"].receipt
        ours.publish(Post("Aye (all)", reply_to=first), to="page")
    shown = client.get("/posts/{urn}", path_keys={"urn": first.id}).entity
    assert shown["commentary"] == r"Ahoy \(all\) #boats"
    comments = client.get_all("/socialActions/{urn}/comments", path_keys={"urn": first.id}).elements
    assert [one["message"]["text"] for one in comments] == ["Aye (all)"]
    box.clock.advance(86_400)
    query = {"organizationalEntity": PAGE, "shares": [first.id, second.id]}
    rows = client.finder(
        "/organizationalEntityShareStatistics", finder_name="organizationalEntity", query_params=query
    ).elements
    assert [one["share"] for one in rows] == [first.id, second.id]


def test_a_long_list_goes_as_a_body(box, client):
    urn = client.create("/posts", entity=entity("Ahoy")).entity_id
    box.clock.advance(86_400)
    shares = [urn, *(f"urn:li:share:{10**18 + number}" for number in range(120))]
    query = {"organizationalEntity": PAGE, "shares": shares}
    rows = client.finder(
        "/organizationalEntityShareStatistics", finder_name="organizationalEntity", query_params=query
    ).elements
    assert [one["share"] for one in rows] == [urn]
    assert box.requests[-1].method == "POST"


def test_a_refusal_and_a_duplicate(client):
    urn = client.create("/posts", entity=entity("Ahoy")).entity_id
    again = client.create("/posts", entity=entity("Ahoy"))
    assert (again.status_code, urn in again.response.json()["message"]) == (422, True)
    assert client.create("/posts", entity=entity("x", author="urn:li:organization:1")).status_code == 403


def test_a_members_analytics_with_a_record_in_the_query(box, client):
    me = f"urn:li:person:{box.linkedin.identity_of('brand')}"
    urn = client.create("/posts", entity=entity("Ahoy", author=me)).entity_id
    box.clock.advance(86_400)
    query = {"entity": {"share": urn}, "queryType": "IMPRESSION", "aggregation": "TOTAL"}
    (row,) = client.finder("/memberCreatorPostAnalytics", finder_name="entity", query_params=query).elements
    assert row["count"] > 0


def test_a_sign_in_is_renewed(box, url):
    app = box.linkedin.app_for("community", BACK)
    auth = sign_in.AuthClient(**app, redirect_url=BACK)
    for host in HOSTS:
        auth.session.mount(host, Elsewhere(url))
    scopes = ["r_basicprofile", "w_organization_social"]
    back = box.linkedin.approve(auth.generate_member_auth_url(scopes=scopes, state="s"))
    code = back.partition("code=")[2].partition("&")[0]
    tokens = auth.exchange_auth_code_for_access_token(code)
    fresh = auth.exchange_refresh_token_for_access_token(tokens.refresh_token)
    assert fresh.access_token != tokens.access_token
    assert auth.introspect_access_token(fresh.access_token).active
    auth.session.close()
