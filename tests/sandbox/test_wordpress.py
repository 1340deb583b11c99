"""The WordPress sandbox over HTTP: application passwords by page and by hand, and WordPress.com's OAuth."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from socialkit.sandbox import Sandbox

SITE = "https://wordpress.example.com"
COM = "https://public-api.wordpress.com"
APP_ID = "3f1f6f34-7f1c-4a77-8f3b-2f6a3c0a9d11"
CALLBACK = "https://app.example.com/wp?tab=1"


@pytest.fixture
def box():
    with Sandbox(["wordpress"]) as made:
        yield made


@pytest.fixture
def client(box, http):
    return http(box, base_url=SITE)


def page(**query):
    given = {"app_name": "Fleet", "app_id": APP_ID, "success_url": CALLBACK, **query}
    return f"{SITE}/wp-admin/authorize-application.php?{urlencode(given)}"


def pair(box, username="brand"):
    given = box.wordpress.answers("password", username)
    return given["user_login"], given["password"]


async def test_the_page_hands_a_password_to_the_callback(box, client):
    back = urlsplit(box.wordpress.approve(page()))
    given = {name: values[0] for name, values in parse_qs(back.query).items()}
    assert back.netloc == "app.example.com"
    assert given.keys() == {"tab", "site_url", "user_login", "password"}
    assert (given["site_url"], given["user_login"], len(given["password"])) == (SITE, "brand", 24)
    login = (given["user_login"], given["password"])
    me = (await client.get("/wp-json/wp/v2/users/me?context=edit", auth=login)).json()
    assert (str(me["id"]), me["username"]) == (box.wordpress.identity_of("brand"), "brand")
    assert me["capabilities"]["publish_posts"] is True
    which = (await client.get("/wp-json/wp/v2/users/me/application-passwords/introspect", auth=login)).json()
    assert (which["app_id"], which["name"]) == (APP_ID, "Fleet")


def test_the_callback_names_the_site_as_the_page_was_reached(box):
    served = page().replace(SITE, "http://127.0.0.1:8765/wordpress")
    back = parse_qs(urlsplit(box.wordpress.approve(served)).query)
    assert back["site_url"] == ["http://127.0.0.1:8765/wordpress"]


async def test_the_route_in_the_query_reaches_sites_with_plain_permalinks_too(box, client):
    box.wordpress.pretty = False
    assert (await client.get("/wp-json/wp/v2/users/me", auth=pair(box))).status_code == 404
    me = await client.get("/?rest_route=/wp/v2/users/me&context=edit", auth=pair(box))
    assert me.json()["username"] == "brand"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, f"{CALLBACK}&success=false"),
        ({"reject_url": "https://app.example.com/no"}, "https://app.example.com/no"),
    ],
)
def test_a_refusal(box, query, expected):
    assert box.wordpress.deny(page(**query)) == expected


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://app.example.com/", "javascript:alert(1)", "x"]
)
async def test_the_page_takes_no_callback_without_tls(client, url):
    answer = await client.get(page(success_url=url))
    assert answer.status_code == 500
    assert "secure connection" in answer.text


async def test_a_scheme_of_the_apps_own_is_fine_and_without_callback_the_password_is_shown(box, client):
    assert (await client.get(page(success_url="fleet://back"))).status_code == 200
    assert box.wordpress.approve(page(success_url="fleet://back")).startswith("fleet://back?site_url=")
    assert box.wordpress.approve(page(success_url="")) == ""


async def test_the_app_id_must_be_a_uuid(client):
    assert (await client.get(page(app_id="fleet"))).status_code == 500


async def test_spaces_and_the_email_address_are_fine(box, client):
    _, shown = pair(box)
    assert len(shown.split()) == 6
    for login in (("brand", shown), ("brand", shown.replace(" ", "")), ("brand@example.com", shown)):
        assert (await client.get("/wp-json/wp/v2/users/me", auth=login)).status_code == 200


@pytest.mark.parametrize("wrong", [("brand", "x" * 24), ("other", None), ("Fleet", None)])
async def test_a_wrong_password_still_reads_what_is_public(box, client, wrong):
    login = (wrong[0], wrong[1] or pair(box)[1])
    assert (await client.get("/wp-json/wp/v2/posts", auth=login)).status_code == 200
    me = await client.get("/wp-json/wp/v2/users/me", auth=login)
    assert (me.status_code, me.json()) == (
        401,
        {
            "code": "rest_not_logged_in",
            "message": "You are not currently logged in.",
            "data": {"status": 401},
        },
    )


async def test_a_password_can_end_itself_and_leaves_the_others(box, client):
    by_hand = pair(box)
    made = (
        await client.post(
            "/wp-json/wp/v2/users/me/application-passwords", json={"name": "Second"}, auth=by_hand
        )
    ).json()
    second = ("brand", made["password"])
    gone = await client.delete(
        f"/?rest_route=/wp/v2/users/me/application-passwords/{made['uuid']}", auth=second
    )
    assert gone.json()["deleted"] is True
    assert gone.json()["previous"]["uuid"] == made["uuid"]
    assert (await client.get("/wp-json/wp/v2/users/me", auth=second)).status_code == 401
    assert (await client.get("/wp-json/wp/v2/users/me", auth=by_hand)).status_code == 200
    assert box.wordpress.answers("password")["password"] == by_hand[1]


async def test_a_person_takes_a_password_back(box, client):
    before = pair(box)
    box.wordpress.revoke(before[1].replace(" ", ""))
    assert (await client.get("/wp-json/wp/v2/users/me", auth=before)).status_code == 401
    assert pair(box) != before
    assert (await client.get("/wp-json/wp/v2/users/me", auth=pair(box))).status_code == 200


async def test_the_index_says_whether_there_are_application_passwords(box, client):
    front = await client.get("/")
    assert front.headers["link"] == f'<{SITE}/wp-json/>; rel="https://api.w.org/"'
    ways = (await client.get("/wp-json/")).json()["authentication"]
    assert ways["application-passwords"]["endpoints"]["authorization"].endswith("/authorize-application.php")
    login = pair(box)
    box.wordpress.application_passwords = False
    assert (await client.get("/wp-json/")).json()["authentication"] == []
    assert (await client.get("/wp-json/wp/v2/users/me", auth=login)).status_code == 401
    assert (await client.get(page())).status_code == 501


async def test_a_route_nobody_knows(client):
    answer = await client.get("/wp-json/wp/v2/nope")
    assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")


async def test_wordpress_com_gives_a_token_for_one_blog(box, http):
    app = box.wordpress.app_for("wordpress_com", "https://app.example.com/com")
    client = http(box, base_url=COM)
    query = {"client_id": app["client_id"], "response_type": "code", "scope": "posts media", "state": "s1"}
    query["redirect_uri"] = "https://app.example.com/com"
    back = parse_qs(urlsplit(box.wordpress.approve(f"{COM}/oauth2/authorize?{urlencode(query)}")).query)
    form = {**app, "grant_type": "authorization_code", "code": back["code"][0]}
    form["redirect_uri"] = query["redirect_uri"]
    told = (await client.post("/oauth2/token", data=form)).json()
    assert (told["token_type"], told["scope"]) == ("bearer", "media posts")
    assert told.keys() == {"access_token", "token_type", "blog_id", "blog_url", "scope"}
    asked = {"client_id": app["client_id"], "token": told["access_token"]}
    info = (await client.get("/oauth2/token-info", params=asked)).json()
    assert info["blog_id"] == told["blog_id"]
    assert f"{info['blog_id']}:{info['user_id']}" == box.wordpress.identity_of("brand")
    elsewhere = await client.get("/oauth2/token-info", params={**asked, "client_id": "another"})
    assert elsewhere.json()["error"] == "invalid_token"
