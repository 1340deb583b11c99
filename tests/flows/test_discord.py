"""Discord's ways to sign in, against figures typed from its pages."""

from __future__ import annotations

import re

import pytest

from socialkit.flows import CodeFlow, KeyFlow, at, scopes_for
from socialkit.flows.discord import FLOWS

OAUTH, WEBHOOK, BOT = FLOWS
URL = "https://discord.com/api/webhooks/223704706495545344/3d89bb7572e0fb30d8128367b3b1b44fecd1726de135cbe28a41f8b2f777c372"


def test_the_consent_that_makes_a_webhook_comes_first():
    assert [(flow.name, type(flow), flow.kind) for flow in FLOWS] == [
        ("oauth2", CodeFlow, "none"),
        ("webhook", KeyFlow, "none"),
        ("bot", KeyFlow, "bot"),
    ]
    assert {flow.server for flow in FLOWS} == {"https://discord.com"}


def test_addresses_and_scope():
    assert OAUTH.authorize_url == "https://discord.com/oauth2/authorize"
    assert OAUTH.token_url == "https://discord.com/api/oauth2/token"
    assert scopes_for(OAUTH, ["publish", "metrics"]) == ("webhook.incoming",)


def test_the_webhook_is_the_credential_and_not_the_token():
    assert OAUTH.takes == {"client_id": "webhook.id", "access_token": "webhook.token"}
    assert OAUTH.whoami == WEBHOOK.whoami
    address = at(OAUTH.whoami.url, OAUTH, "https://discord.com")
    assert address == "https://discord.com/api/v10/webhooks/{client_id}/{access_token}"
    assert (OAUTH.revocation.method, OAUTH.revocation.url) == ("DELETE", address)


def test_a_pasted_webhook_is_not_deleted_by_signing_out():
    assert WEBHOOK.revocation is None


def test_every_question_names_the_program_in_discords_form():
    for flow in FLOWS:
        assert re.fullmatch(r"DiscordBot \(https://\S+, \S+\)", flow.headers["user-agent"])


@pytest.mark.parametrize(
    "pasted",
    [
        URL,
        URL.replace("discord.com", "discordapp.com"),
        URL.replace("discord.com", "canary.discord.com"),
        URL.replace("/api/", "/api/v10/"),
        URL.replace("https://discord.com", "http://127.0.0.1:8765/discord"),
    ],
)
def test_the_address_of_a_webhook(pasted):
    values = re.fullmatch(WEBHOOK.asks[0].shape, pasted).groupdict()
    assert {WEBHOOK.fills[name]: value for name, value in values.items()} == {
        "client_id": "223704706495545344",
        "access_token": URL.rpartition("/")[2],
    }


@pytest.mark.parametrize("pasted", ["", URL.rpartition("/")[0], URL + "/slack", URL.removeprefix("https://")])
def test_what_is_no_address_of_a_webhook(pasted):
    assert not re.fullmatch(WEBHOOK.asks[0].shape, pasted)


def test_a_bot_token_has_three_parts():
    shape = BOT.asks[0].shape
    assert re.fullmatch(shape, "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs")
    assert not re.fullmatch(shape, "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ")
    assert not re.fullmatch(shape, "Bot a.b.c")
    assert BOT.whoami.url == "https://discord.com/api/v10/users/@me"
