"""WordPress's ways to sign in, against figures typed from its pages."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import AppPasswordFlow, CodeFlow, KeyFlow, at, scopes_for
from socialkit.flows.wordpress import FLOWS

PAGE, KEY, COM = FLOWS
SITE = "https://example.com/blog"


def test_the_sites_own_page_comes_first():
    assert [(flow.name, type(flow), flow.kind, flow.server) for flow in FLOWS] == [
        ("application_password", AppPasswordFlow, "basic", ""),
        ("password", KeyFlow, "basic", ""),
        ("wordpress_com", CodeFlow, "oauth2", "https://public-api.wordpress.com"),
    ]


def test_addresses_are_below_the_site_in_the_form_every_site_answers():
    assert at(PAGE.authorize_url, PAGE, SITE) == f"{SITE}/wp-admin/authorize-application.php"
    for flow in (PAGE, KEY):
        me = at(flow.whoami.url, flow, SITE)
        assert me == f"{SITE}/?rest_route=/wp/v2/users/me&context=edit"
        assert (flow.whoami.id, flow.whoami.name) == ("id", "username")


def test_signing_out_deletes_this_password_and_no_other():
    for flow in (PAGE, KEY):
        ends = flow.revocation
        assert (ends.method, ends.name, ends.client, ends.found) == ("DELETE", "", False, "uuid")
        passwords = "/?rest_route=/wp/v2/users/me/application-passwords"
        assert (ends.look, ends.url) == (f"{passwords}/introspect", f"{passwords}/{{found}}")


def test_what_is_pasted_has_the_names_of_the_callbacks_parameters():
    assert [ask.name for ask in PAGE.asks] == ["user_login", "password"]
    assert KEY.asks == PAGE.asks
    assert KEY.fills == {"user_login": "client_id", "password": "secret"}
    assert [ask.secret for ask in KEY.asks] == [False, True]


@pytest.mark.parametrize("pasted", ["abcd EFGH 1234 ijkl MNOP 5678", "abcdEFGH1234ijklMNOP5678"])
def test_an_application_password_is_24_letters_and_digits(pasted):
    assert re.fullmatch(KEY.asks[1].shape, pasted)


@pytest.mark.parametrize(
    "pasted", ["", "hunter2", "abcd EFGH 1234 ijkl MNOP", "abcd-EFGH-1234-ijkl-MNOP-5678"]
)
def test_a_login_password_is_none(pasted):
    assert not re.fullmatch(KEY.asks[1].shape, pasted)


def test_wordpress_com():
    assert COM.authorize_url == "https://public-api.wordpress.com/oauth2/authorize"
    assert COM.token_url == "https://public-api.wordpress.com/oauth2/token"
    assert (COM.scope_separator, COM.lives, COM.rotation) == (" ", None, "none")
    assert scopes_for(COM, ["publish"]) == ("posts", "media")
    assert COM.whoami.id == "blog_id+user_id"
