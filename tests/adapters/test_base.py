"""What an adapter gets in hand: answers."""

from __future__ import annotations

import pytest

from socialkit.adapters.base import Response
from socialkit.errors import Unavailable


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\xff", b"[" * 100_000], ids=["", "page", "bytes", "deep"]
)
def test_what_cannot_be_read_as_json_came_from_something_else(content: bytes) -> None:
    answer = Response(200, {}, content)
    assert answer.json_or_none() is None
    with pytest.raises(Unavailable, match="no JSON"):
        answer.json()
