"""Ghost's admin token, checked by hand: what is signed, with which key, for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from socialkit.adapters.base import Credential
from socialkit.auth._ghost import ghost_header, hs256
from socialkit.errors import ReauthNeeded

NOW = datetime(2026, 11, 2, 9, 0, 0, 999_999, tzinfo=UTC)
KEY = Credential("ghost", client_id="5f6e7d8c9b0a1f2e3d4c5b6a", secret="00ff" * 16)


def decoded(part: str) -> Any:
    return json.loads(unpadded(part))


def unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_the_token_is_signed_with_the_bytes_the_secret_spells() -> None:
    scheme, _, token = ghost_header(KEY, NOW)["authorization"].partition(" ")
    head, claims, signature = token.split(".")
    by_hand = hmac.new(bytes.fromhex("00ff" * 16), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    assert scheme == "Ghost"
    assert unpadded(signature) == by_hand
    assert decoded(head) == {"alg": "HS256", "kid": "5f6e7d8c9b0a1f2e3d4c5b6a", "typ": "JWT"}


def test_it_lives_five_minutes_from_the_servers_second() -> None:
    claims = decoded(ghost_header(KEY, NOW)["authorization"].split(".")[1])
    issued = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp())
    assert claims == {"iat": issued, "exp": issued + 300, "aud": "/admin/"}


def test_the_library_signs_as_rfc_7515_prints_it() -> None:
    """The key and the signing input of appendix A.1, through the same call our token goes through."""
    from joserfc.jwk import OctKey
    from joserfc.jws import deserialize_compact

    printed = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    key = unpadded("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
    claims = deserialize_compact(printed, OctKey.import_key(key)).payload
    assert json.loads(claims)["iss"] == "joe"
    head, body, signature = hs256({"iss": "joe"}, key, "k").split(".")
    assert unpadded(signature) == hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest()


@pytest.mark.parametrize(
    "credential",
    [
        Credential("ghost"),
        Credential("ghost", client_id="5f", secret=""),
        Credential("ghost", client_id="", secret="00ff"),
        Credential("ghost", client_id="5f", secret="00f"),
        Credential("ghost", client_id="5f", secret="s3cr3t"),
        Credential("ghost", client_id="5f", secret="00 ff"),
    ],
)
def test_a_key_of_another_form_needs_a_person_and_is_not_shown(credential: Credential) -> None:
    with pytest.raises(ReauthNeeded, match="id:secret") as failed:
        ghost_header(credential, NOW)
    assert not credential.secret or credential.secret not in str(failed.value)
