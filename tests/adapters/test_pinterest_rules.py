"""Pinterest: every row of its table of errors, and what its headers say of limits."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import attrs
import pytest

from socialkit import errors
from socialkit.adapters import base
from socialkit.adapters._pinterest_rules import RULES
from socialkit.adapters.pinterest import Pinterest

from .fakes import NOW

TRIAL = "Apps with Trial access may not create Pins in production"
BUSY = "Could not get exclusive access to the board"
SURE, MAYBE = True, False

ROWS: list[tuple[int, Any, str, bool, str]] = [
    # status, body, error, whether it proves that nothing was made, a word of the hint
    (400, (1, "Invalid request: constraint: maxItems=5"), "Declined", SURE, ""),
    (400, (4196, "Invalid request"), "Declined", SURE, ""),
    (400, (6126, "Invalid parameter"), "Declined", SURE, ""),
    (400, (400, "Invalid pins analytics parameters."), "Declined", SURE, ""),
    (
        400,
        (1, "Unable to reach the URL. Please check the URL and try again."),
        "Unavailable",
        SURE,
        "address",
    ),
    (400, (1, "cover_image_url or cover_image_content_type is missing"), "Declined", SURE, "thumbnail"),
    (400, (1, "invalid_grant: the code is invalid"), "ReauthNeeded", SURE, "sign in"),
    (401, (2, "Authentication failed."), "ReauthNeeded", SURE, "sign in"),
    (401, (3, "Your token does not have sufficient permissions"), "MissingScope", SURE, "boards:write"),
    (401, (7, "Not authorized to access board or Pin."), "Declined", SURE, "board or pin"),
    (401, b"", "ReauthNeeded", SURE, ""),
    (403, (29, "You are not permitted to access that resource."), "Declined", SURE, "trial access"),
    (403, (29, TRIAL), "Declined", SURE, "api-sandbox.pinterest.com"),
    (403, (403, "Not authorized to access the user account."), "Declined", SURE, "business"),
    (404, (30, "User not found."), "Declined", SURE, "user"),
    (404, (40, "Board not found."), "Declined", SURE, "board"),
    (404, (50, "Pin not found."), "Declined", SURE, "gone"),
    (404, (2031, "Sorry! We couldn't find this board section."), "Declined", SURE, "section"),
    (404, (404, "Pin not found."), "Declined", SURE, ""),
    (404, (404, "Media not found."), "Unavailable", SURE, "same key"),
    (405, (405, "Method not allowed"), "Declined", SURE, ""),
    (409, (409, BUSY), "Unavailable", SURE, "writing to the board"),
    (429, (8, "This request exceeded a rate limit."), "RateLimited", SURE, ""),
    (500, (500, "Could not create"), "Unavailable", MAYBE, ""),
    (502, b"<html>Bad gateway</html>", "Unavailable", MAYBE, ""),
    (503, (4197, "This endpoint is ramped down"), "Unavailable", MAYBE, "switched"),
]


def response(status: int, body: Any, **headers: str) -> base.Response:
    content = (
        body
        if isinstance(body, bytes)
        else json.dumps(dict(zip(("code", "message"), body, strict=True))).encode()
    )
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = "https://api.pinterest.com/v5/pins"
    return base.Response(status, named, content, url=url, method="POST", received_at=NOW)


@pytest.mark.parametrize(("status", "body", "raises", "definite", "hint"), ROWS)
def test_a_row_means_its_error(status: int, body: Any, raises: str, definite: bool, hint: str) -> None:
    error = Pinterest().parse_error(response(status, body, x_pinterest_rid="7137"))
    assert type(error).__name__ == raises
    assert error.__dict__["definite"] is definite
    assert error.__dict__["code"] == (str(body[0]) if isinstance(body, tuple) else None)
    assert hint in str(error)
    assert getattr(error, "request_id", "7137") == "7137"


def test_the_table_above_reaches_every_row() -> None:
    reached = set()
    for status, body, *_ in ROWS:
        code, said = Pinterest().read_error(response(status, body))
        reached.add(
            next(
                (
                    index
                    for index, row in enumerate(RULES.errors)
                    if row.status == status
                    and row.code in (None, str(code))
                    and (row.text is None or re.search(row.text, said, re.IGNORECASE))
                ),
                None,
            )
        )
    assert reached - {None} == set(range(len(RULES.errors)))


@pytest.mark.parametrize(
    ("status", "code", "fresh"),
    [(401, 2, True), (401, 9, True), (401, 3, False), (401, 7, False), (403, 29, False)],
)
def test_what_a_fresh_token_may_cure(status: int, code: int, fresh: bool) -> None:
    assert Pinterest().parse_error(response(status, (code, "No."))).__dict__["refreshable"] is fresh


@pytest.mark.parametrize(
    ("method", "seconds", "name"),
    [
        ("POST", 3, "org_write"),
        ("POST", 60, "org_write"),
        ("GET", 60, "org_read"),
        ("POST", 40_000, "trial-writes-day"),
        ("GET", 40_000, "trial-day"),
    ],
)
def test_a_limit_is_that_of_its_category_or_of_the_day(method: str, seconds: int, name: str) -> None:
    headers = {"limit": "100, 100;w=60", "remaining": "0", "reset": str(seconds)}
    told = response(429, (8, "slow"), **{f"x_ratelimit_{key}": value for key, value in headers.items()})
    told = attrs.evolve(told, method=method)
    (reading,) = Pinterest().read_limits(told)
    assert (reading.name, reading.limit, reading.remaining) == (name, 100, 0)
    assert reading.resets_at == NOW + timedelta(seconds=seconds)
    error = Pinterest().parse_error(told)
    assert isinstance(error, errors.RateLimited)
    assert error.retry_at is None  # the header's moment is taken from the reading


def test_a_limit_of_another_address_is_none_of_ours() -> None:
    told = attrs.evolve(
        response(200, b"", x_ratelimit_limit="5", x_ratelimit_remaining="4"), url="https://example.com/x"
    )
    assert Pinterest().read_limits(told) == ()


def test_a_limit_that_does_not_say_rests_a_minute() -> None:
    error = Pinterest().parse_error(response(429, (8, "slow")))
    assert isinstance(error, errors.RateLimited)
    assert error.retry_at == NOW + timedelta(seconds=60)


@pytest.mark.parametrize(
    ("request_line", "names"),
    [
        ("GET /v5/pins", "org_read"),
        ("GET /v5/pins/12", "org_read"),
        ("GET /v5/boards", "org_read"),
        ("GET /v5/boards/1/sections/2/pins", "org_read"),
        ("GET /v5/media/52", "org_read"),
        ("GET /v5/user_account", "org_read"),
        ("POST /v5/pins", "org_write"),
        ("PATCH /v5/pins/12", "org_write"),
        ("DELETE /v5/pins/12", "org_write"),
        ("POST /v5/media", "org_write"),
        ("GET /v5/pins/analytics", "org_analytics"),
        ("GET /v5/pins/12/analytics", "org_analytics"),
        ("GET /v5/user_account/analytics", "org_analytics"),
    ],
)
def test_each_call_spends_the_budget_of_its_category(request_line: str, names: str) -> None:
    method, _, path = request_line.partition(" ")
    spent = []
    for budget in RULES.budgets:
        verbs, _, pattern = budget.match.partition(" ")
        if method in verbs.split("|") or verbs == "*":
            spent += [budget.name] if re.fullmatch(pattern, path) else []
    assert spent == [names, "universal"]
