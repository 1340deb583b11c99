"""Real servers' answers pass the validators: the sandbox is held to nothing stricter than the real thing."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from conformance.specs import Validator, check_exchange, validator

from .servers import MastodonMock, Pds

pytestmark = [pytest.mark.real, pytest.mark.specs]

POST = "app.bsky.feed.post"
RKEY = "3kznmn7xqxl22"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


class CheckedClient(httpx.Client):
    """A client that holds every exchange against a description."""

    def __init__(self, checker: Validator, base_url: str) -> None:
        super().__init__(base_url=base_url, timeout=30)
        self._checker = checker

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send, then check the request and its answer."""
        answer = super().send(request, **options)
        check_exchange(self._checker, answer)
        return answer


def test_a_posts_whole_life_on_the_pds_is_as_described(pds: Pds) -> None:
    account = pds.create_account("described.test")
    with CheckedClient(validator("bluesky"), f"{pds.url}/xrpc/") as client:
        sign_in = {"identifier": account.did, "password": account.app_password}
        session = client.post("com.atproto.server.createSession", json=sign_in).json()
        client.headers["Authorization"] = f"Bearer {session['accessJwt']}"
        png = {"content-type": "image/png"}
        blob = client.post("com.atproto.repo.uploadBlob", content=PNG, headers=png).json()["blob"]
        embed = {"$type": "app.bsky.embed.images", "images": [{"alt": "A grey pixel", "image": blob}]}
        record = {"$type": POST, "text": "Ahoy", "createdAt": "2026-01-01T00:00:00Z", "embed": embed}
        place = {"repo": account.did, "collection": POST, "rkey": RKEY}
        write = {**place, "record": record, "swapRecord": None}
        statuses = [
            client.post("com.atproto.repo.putRecord", json=write).status_code,
            client.post(
                "com.atproto.repo.putRecord", json={**write, "record": {**record, "text": "!"}}
            ).status_code,
            client.get("com.atproto.repo.getRecord", params=place).status_code,
            client.get(
                "com.atproto.repo.listRecords", params={"repo": account.did, "collection": POST}
            ).status_code,
            client.post("com.atproto.repo.deleteRecord", json=place).status_code,
            client.get("com.atproto.repo.getRecord", params=place).status_code,
        ]
    assert statuses == [200, 400, 200, 200, 200, 400]


def test_uploads_and_errors_of_mastodon_mock_are_as_described(mastodon: MastodonMock) -> None:
    with CheckedClient(validator("mastodon"), mastodon.url) as client:
        assert client.get("/api/v2/instance").status_code == 200
        client.headers["Authorization"] = f"Bearer {mastodon.token}"
        picture = {"file": ("a.png", PNG, "image/png")}
        made = client.post("/api/v2/media", files=picture, data={"description": "A grey pixel"}).json()
        edited = client.put(f"/api/v1/media/{made['id']}", data={"description": "One grey pixel"})
        assert edited.json()["description"] == "One grey pixel"
        assert client.post("/api/v1/statuses", data={"status": ""}).status_code == 422
        assert client.get("/api/v1/statuses/1").status_code == 404
