"""What an adapter gets in hand: answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from socialkit import registry
from socialkit.adapters._errors import retry_at
from socialkit.adapters.base import Adapter, Response
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


# --- moments ----------------------------------------------------------------------------------------------
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
IN_20_MINUTES = ["1793611200", "2026-11-02T09:20:00Z", "Mon, 02 Nov 2026 09:20:00 GMT"]


def headers(header: str, value: str, date: str | None) -> dict[str, str]:
    day = "02 Nov 2037" if date == "later" else "02 Nov 2026"
    told = {"date": f"Mon, {day} {date.replace('later', '09:00:00')} GMT"} if date else {}
    return {header: value, "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", **told}


@pytest.mark.parametrize("text", IN_20_MINUTES)
@pytest.mark.parametrize(
    ("date", "minutes"),
    [(None, 20), ("09:00:02", 20), ("09:05:00", 15), ("08:50:00", 30), ("never", 20), ("later", 20)],
)
def test_a_moment_is_told_by_the_servers_clock_and_meant_by_ours(
    text: str, date: str | None, minutes: int
) -> None:
    """One that is ahead names moments that come sooner than they seem."""
    reset = Response(200, headers("x-ratelimit-reset", text, date), received_at=NINE)
    (reading,) = Adapter.read_limits(Adapter.__new__(Adapter), reset)
    assert reading.resets_at == NINE + timedelta(minutes=minutes)
    if not text.isdigit():
        told = retry_at(Response(429, headers("retry-after", text, date), received_at=NINE))
        assert told == NINE + timedelta(minutes=minutes)


def test_seconds_from_now_mean_the_same_on_any_clock() -> None:
    given = headers("x-ratelimit-reset", "900", "09:05:00") | {"retry-after": "900"}
    response = Response(429, given, received_at=NINE)
    assert response.moment("x-ratelimit-reset") == retry_at(response) == NINE + timedelta(minutes=15)
    assert response.moment("x-nothing") is None
