"""What an adapter gets in hand: answers."""

from __future__ import annotations

import pytest

from socialkit import registry
from socialkit.adapters.base import Response
from socialkit.errors import ConfigError, Unavailable


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\xff", b"[" * 100_000], ids=["", "page", "bytes", "deep"]
)
def test_what_cannot_be_read_as_json_came_from_something_else(content: bytes) -> None:
    answer = Response(200, {}, content)
    assert answer.json_or_none() is None
    with pytest.raises(Unavailable, match="no JSON"):
        answer.json()


@pytest.mark.parametrize("name", ["linkedin", "pinterest", "reddit", "tiktok", "x", "youtube"])
def test_a_refresh_token_without_its_app_is_refused_in_words(name: str) -> None:
    with pytest.raises(ConfigError, match=r"refresh_token= needs client_(id|key)="):
        registry.adapter(name)(refresh_token="refresh")  # type: ignore[call-arg]
