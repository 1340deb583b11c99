"""The DEV.to sandbox over HTTP: what the site's facts say, one behaviour at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from socialkit.sandbox import Sandbox


@pytest.fixture
def box():
    with Sandbox(["devto"]) as made:
        yield made


@pytest.fixture
def brand(box, http):
    return http(box, base_url="https://dev.to/api", headers={"api-key": box.devto.key})


@pytest.fixture
def post(box, brand):
    async def post(expected: int = 201, **fields: Any) -> dict[str, Any]:
        box.clock.advance(4)
        answer = await brand.post(
            "/articles", json={"article": {"title": "T", "body_markdown": "b", **fields}}
        )
        assert answer.status_code == expected, answer.text
        return answer.json()

    return post


@pytest.fixture
def put(box, brand):
    async def put(number: int, **fields: Any) -> httpx.Response:
        box.clock.advance(4)
        return await brand.put(f"/articles/{number}", json={"article": fields})

    return put


async def test_a_key_and_a_user_agent_are_needed(box, brand):
    assert (await brand.get("/users/me")).json()["username"] == "brand"
    wrong = await brand.get("/users/me", headers={"api-key": "wrong"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "unauthorized", "status": 401})
    bot = await brand.get("/users/me", headers={"user-agent": ""})
    assert (bot.status_code, bot.json()["error"]) == (403, "Forbidden Bots")


async def test_a_draft_is_on_no_timeline_and_gets_its_address_when_published(box, post, put):
    draft = await post(title="Sea trials")
    assert "temp-slug" in draft["url"]
    assert draft["published_at"] is None
    assert not box.timeline("devto")
    article = (await put(draft["id"], published=True)).json()
    assert article["url"].startswith("https://dev.to/brand/sea-trials-")
    assert "temp-slug" not in article["url"]
    assert len(box.timeline("devto")) == 1


async def test_lists_and_single_articles_shape_their_tags_differently(brand, post):
    single = await post(published=True, tags=["python", "api"])
    assert (single["tag_list"], single["tags"]) == ("python, api", ["python", "api"])
    assert "page_views_count" not in single
    (listed,) = (await brand.get("/articles/me/published")).json()
    assert (listed["tag_list"], listed["tags"]) == (["python", "api"], "python, api")
    assert listed["page_views_count"] == 0


async def test_front_matter_wins(post):
    text = "---\ntitle: Theirs\npublished: true\ntags: one, two\n---\n\nbody"
    article = await post(title="Ours", published=False, tags=["three"], body_markdown=text)
    assert (article["title"], article["tags"]) == ("Theirs", ["one", "two"])
    assert article["published_at"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "Title can't be blank"),
        ({"title": "x" * 129}, "maximum is 128"),
        ({"tags": list("abcde")}, "maximum of 4 tags"),
        ({"tags": ["open-source"]}, "non-alphanumeric"),
        ({"body_markdown": "{% embed https://example.com %}"}, "Liquid error"),
        ({"body_markdown": "é" * 409_601}, "too long"),
        ({"published": True, "published_at": "2020-01-01T00:00:00Z"}, "Published at"),
        ({"tags": ["a" * 42, "b" * 42, "c" * 42]}, "maximum is 126"),
        ({"canonical_url": "http://localhost:3000/a"}, "public http or https"),
        ({"canonical_url": "example.com/a"}, "public http or https"),
        ({"canonical_url": "https://example.com/a b"}, "must not have spaces"),
    ],
)
async def test_what_the_site_refuses(post, fields, words):
    assert words in (await post(422, **fields))["error"]


async def test_raw_liquid_and_known_embeds_pass(post):
    await post(body_markdown="{% raw %}{% tag %}{% endraw %} {% embed https://github.com/a/b %}")


async def test_liquid_in_code_is_no_liquid(post):
    article = await post(body_markdown="```\n{% tag %}\n```\n`{% tag %}`")
    assert article["body_markdown"] == "```plaintext\n{% tag %}\n```\n`{% tag %}`"


async def test_a_moment_too_far_ahead_is_dropped(box, post):
    far = (box.clock.now() + timedelta(days=365 * 6)).isoformat()
    await post(published=True, published_at=far)
    assert len(box.timeline("devto")) == 1


async def test_the_moment_of_a_published_article_stays(box, post, put):
    article = await post(published=True)
    near, far = (box.clock.now() + timedelta(seconds=seconds) for seconds in (20, 90))
    assert (await put(article["id"], published_at=near.isoformat())).status_code == 200
    assert (await put(article["id"], published_at=far.isoformat())).status_code == 422


async def test_the_body_must_be_wrapped(brand):
    answer = await brand.post("/articles", json={"title": "T"})
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "param is missing or the value is empty: article",
    )


async def test_a_title_rests_five_minutes(box, post):
    await post()
    assert "last five minutes" in (await post(422))["error"]
    box.clock.advance(300)
    await post()


async def test_a_canonical_url_is_unique_among_published_ones(post, put):
    await post(title="A", published=True, canonical_url="https://example.com/a")
    draft = await post(title="B", canonical_url="https://example.com/a")
    answer = await put(draft["id"], published=True)
    assert answer.json()["error"].startswith("Canonical url has already been taken")
    assert (await put(draft["id"], title="C")).json()["title"] == "C"


async def test_an_update_without_tags_clears_them(post, put):
    article = await post(tags=["boats"])
    assert (await put(article["id"], title="New")).json()["tags"] == []


async def test_unpublishing_makes_it_a_draft_again(box, brand, post, put):
    article = await post(published=True)
    await put(article["id"], published=False)
    assert not box.timeline("devto")
    assert (await brand.get(f"/articles/{article['id']}")).status_code == 404
    (draft,) = (await brand.get("/articles/me/unpublished")).json()
    assert draft["id"] == article["id"]
    await put(article["id"], published=True)
    assert len(box.timeline("devto")) == 1


async def test_a_scheduled_article_waits_for_its_moment(box, brand, post):
    moment = (box.clock.now() + timedelta(hours=1)).isoformat()
    article = await post(published=True, published_at=moment)
    assert not box.timeline("devto")
    assert [one["id"] for one in (await brand.get("/articles/me/all")).json()] == [article["id"]]
    box.clock.advance(3700)
    assert len(box.timeline("devto")) == 1


async def test_somebody_elses_article_is_not_found(put):
    assert (await put(1, published=True)).json() == {"error": "not found", "status": 404}


async def test_limits_answer_in_two_voices(box, brand):
    first = await brand.post("/articles", json={"article": {"title": "A", "body_markdown": "b"}})
    second = await brand.post("/articles", json={"article": {"title": "B", "body_markdown": "b"}})
    assert (first.status_code, second.status_code) == (201, 429)
    assert second.text == "Retry later\n"
    assert second.headers["retry-after"] == "1"
    for number in range(9):
        box.clock.advance(1.5)
        last = await brand.post("/articles", json={"article": {"title": f"C{number}", "body_markdown": "b"}})
    assert last.status_code == 429
    assert last.json()["error"].startswith("Rate limit reached, try again in ")


async def test_counts_grow_and_followers_are_paged(box, brand, post):
    await post(published=True)
    box.clock.advance(86_400)
    (article,) = (await brand.get("/articles/me")).json()
    assert article["page_views_count"] > article["public_reactions_count"] > 0
    followers = (await brand.get("/followers/users", params={"per_page": "10", "page": "2"})).json()
    assert len(followers) == 10


async def test_another_author_has_a_key_and_articles_of_their_own(box, http, post):
    mine = await post(published=True)
    key = box.devto.answers("api_key", "other")["api_key"]
    other = http(box, base_url="https://dev.to/api", headers={"api-key": key})
    me = (await other.get("/users/me")).json()
    assert (str(me["id"]), me["username"]) == (box.devto.identity_of("other"), "other")
    assert (await other.get("/articles/me/all")).json() == []
    box.clock.advance(4)
    foreign = await other.put(f"/articles/{mine['id']}", json={"article": {"title": "Theirs"}})
    assert foreign.status_code == 404
    box.clock.advance(4)
    made = (await other.post("/articles", json={"article": {"title": "T", "published": True}})).json()
    assert made["user"]["username"] == "other"
    assert made["url"].startswith("https://dev.to/other/")


async def test_a_revoked_key_is_unauthorized_and_the_settings_make_another(box, brand):
    key = box.devto.answers("api_key")["api_key"]
    assert key == box.devto.key
    box.devto.revoke(key)
    assert (await brand.get("/users/me")).status_code == 401
    newer = box.devto.answers("api_key")["api_key"]
    assert newer != key
    me = (await brand.get("/users/me", headers={"api-key": newer})).json()
    assert str(me["id"]) == box.devto.identity_of("brand")


async def test_a_moment_more_than_five_years_ahead_is_forgotten_and_the_article_is_out(box, post):
    article = await post(published=True, published_at="2040-01-01T00:00:00Z")
    assert article["published_at"] < "2040"
    assert len(box.timeline("devto")) == 1
