"""The real servers answer as the platforms' facts say, asked with plain httpx."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .cut_proxy import CutProxy
from .servers import MastodonMock, Pds, PdsAccount

pytestmark = pytest.mark.real

POST = "app.bsky.feed.post"
RKEY = "3kznmn7xqxl22"


def session(pds: Pds, account: PdsAccount) -> str:
    """An access token bought with the app password."""
    made = pds.call("com.atproto.server.createSession", identifier=account.did, password=account.app_password)
    return str(made["accessJwt"])


def post_record(text: str) -> dict[str, Any]:
    """The smallest valid post."""
    return {"$type": POST, "text": text, "createdAt": "2026-01-01T00:00:00Z"}


def repo_call(pds: Pds, token: str, method: str, **body: Any) -> httpx.Response:
    """One authorized repository write, whatever it answers."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{pds.url}/xrpc/com.atproto.repo.{method}", json=body, headers=headers, timeout=30)


def test_a_post_made_with_an_app_password_reads_back(pds: Pds) -> None:
    account = pds.create_account("sailor.test")
    body = {"repo": account.did, "collection": POST, "record": post_record("Ahoy")}
    made = repo_call(pds, session(pds, account), "createRecord", **body).json()
    where = {"repo": account.did, "collection": POST, "rkey": made["uri"].rpartition("/")[2]}
    read = httpx.get(f"{pds.url}/xrpc/com.atproto.repo.getRecord", params=where).json()
    assert read["cid"] == made["cid"]
    assert read["value"]["text"] == "Ahoy"


def test_put_record_with_swap_record_null_never_makes_a_second_post(pds: Pds) -> None:
    account = pds.create_account("fence.test")
    token = session(pds, account)
    body = {"repo": account.did, "collection": POST, "rkey": RKEY, "swapRecord": None}
    first = repo_call(pds, token, "putRecord", **body, record=post_record("Once")).json()
    again = repo_call(pds, token, "putRecord", **body, record=post_record("Once"))
    other = repo_call(pds, token, "putRecord", **body, record=post_record("Other"))
    assert "commit" in first
    assert again.status_code == 200
    assert (again.json()["cid"], "commit" in again.json()) == (first["cid"], False)
    assert other.status_code == 400
    assert other.json() == {"error": "InvalidSwap", "message": f"Record was at {first['cid']}"}


def test_create_record_twice_with_one_rkey_is_a_server_error(pds: Pds) -> None:
    account = pds.create_account("twice.test")
    token = session(pds, account)
    body = {"repo": account.did, "collection": POST, "rkey": RKEY, "record": post_record("Twice")}
    assert repo_call(pds, token, "createRecord", **body).status_code == 200
    again = repo_call(pds, token, "createRecord", **body)
    assert (again.status_code, again.json()["error"]) == (500, "InternalServerError")


def test_the_31st_sign_in_within_five_minutes_is_too_many(pds_limited: Pds) -> None:
    sign_in = f"{pds_limited.url}/xrpc/com.atproto.server.createSession"
    stranger = {"identifier": "nobody.test", "password": "wrong"}
    answers = [httpx.post(sign_in, json=stranger, timeout=30) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert answers[-1].json()["error"] == "RateLimitExceeded"
    assert answers[-1].headers["RateLimit-Policy"] == "30;w=300"
    assert answers[-1].headers["RateLimit-Remaining"] == "0"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 300


def test_one_idempotency_key_posts_one_status(mastodon: MastodonMock) -> None:
    headers = {"Authorization": f"Bearer {mastodon.token}", "Idempotency-Key": "launch-1"}
    statuses = f"{mastodon.url}/api/v1/statuses"
    ids = [httpx.post(statuses, data={"status": "Ahoy"}, headers=headers).json()["id"] for _ in range(2)]
    assert ids[0] == ids[1]


def test_a_fault_meets_one_request_and_reset_forgets_statuses(mastodon: MastodonMock) -> None:
    headers = {"Authorization": f"Bearer {mastodon.token}"}
    statuses = f"{mastodon.url}/api/v1/statuses"
    mastodon.fault({"type": "ratelimit"}, method="POST", path="/api/v1/statuses")
    answers = [httpx.post(statuses, data={"status": "Ahoy"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    mastodon.reset()
    assert httpx.get(f"{statuses}/{answers[1].json()['id']}", headers=headers).status_code == 404


def test_a_lost_answer_leaves_one_status_behind(mastodon: MastodonMock) -> None:
    headers = {"Authorization": f"Bearer {mastodon.token}"}
    with CutProxy(mastodon.url) as proxy:
        proxy.misbehave("cut_after", method="POST", path="/api/v1/statuses")
        with pytest.raises(httpx.ReadError):
            httpx.post(f"{proxy.url}/api/v1/statuses", data={"status": "Lost"}, headers=headers)
        me = httpx.get(f"{proxy.url}/api/v1/accounts/verify_credentials", headers=headers).json()
        mine = httpx.get(f"{proxy.url}/api/v1/accounts/{me['id']}/statuses", headers=headers).json()
    assert [status["content"] for status in mine] == ["<p>Lost</p>"]


def test_a_lost_answer_leaves_one_record_behind(pds: Pds) -> None:
    account = pds.create_account("lost.test")
    token = session(pds, account)
    body = {"repo": account.did, "collection": POST, "rkey": RKEY, "record": post_record("Lost")}
    with CutProxy(pds.url, rewrite_host=True) as proxy:
        proxy.misbehave("cut_after", path=r"/xrpc/com\.atproto\.repo\.createRecord")
        through = Pds(proxy.url, pds.plc_url)
        with pytest.raises(httpx.ReadError):
            repo_call(through, token, "createRecord", **body)
        assert proxy.count("POST", r".*createRecord") == 1
    listed = httpx.get(
        f"{pds.url}/xrpc/com.atproto.repo.listRecords", params={"repo": account.did, "collection": POST}
    ).json()
    assert [record["value"]["text"] for record in listed["records"]] == ["Lost"]
