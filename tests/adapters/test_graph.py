"""What Meta's Graph APIs have in common: errors in any status, usage in per cent, batches."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import attrs
import pytest

from socialkit import errors
from socialkit.adapters._graph import COMMON, GraphAdapter, batch, moment, usage
from socialkit.adapters.base import Credential
from socialkit.rules import Budget, ErrorRow, Rules, TextRule

from .fakes import NOW, FakeCall, answer

RULES = Rules(
    text=TextRule(500, "utf8"),
    budgets=(Budget("calls", "account", 4800, 86_400.0),),
    errors=(ErrorRow(0, "Declined", code="100/33", hint="it is gone"), *COMMON),
)


class Boats(GraphAdapter):
    platform: ClassVar[str] = "boats"
    rules: ClassVar[Rules] = RULES


BOATS = Boats("https://graph.example.com", Credential("bearer", access_token="t0ken"))


def refused(code: int, subcode: int | None = None, *, status: int = 400, **more: Any) -> Any:
    told = {"message": "(#1) No.", "type": "OAuthException", "code": code, **more}
    return answer({"error": told | ({"error_subcode": subcode} if subcode else {})}, status)


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (refused(190, 463, status=401), errors.ReauthNeeded, "190/463"),
        (refused(100, 33), errors.Declined, "100/33"),
        (refused(100, 34), errors.Declined, "100/34"),
        (refused(613), errors.RateLimited, "613"),
        (refused(200), errors.MissingScope, "200"),
        (refused(283), errors.MissingScope, "283"),
        (refused(2, status=500), errors.Unavailable, "2"),
        (refused(9999, is_transient=True), errors.Unavailable, "9999"),
        (
            answer({"error_type": "OAuthException", "code": 400, "error_message": "No."}, 400),
            errors.Declined,
            "400",
        ),
        (answer(content=b"<h1>Bad gateway</h1>", status=502), errors.Unavailable, None),
    ],
)
def test_errors_are_told_apart_by_subcode_then_code(
    told: Any, kind: type[Exception], code: str | None
) -> None:
    error = BOATS.parse_error(told)
    assert type(error) is kind
    assert error.__dict__.get("code") == code


def test_what_may_have_been_done_all_the_same_is_not_definite() -> None:
    assert not BOATS.parse_error(refused(2, status=500)).__dict__["definite"]
    assert BOATS.parse_error(refused(613)).__dict__["definite"]


@pytest.mark.parametrize(("used", "closed"), [(94, 0), (95, 1)])
def test_an_allowance_that_is_nearly_used_up_is_left_alone(used: int, closed: int) -> None:
    told = attrs.evolve(
        answer({}, headers={"x-app-usage": json.dumps({"call_count": used})}), received_at=NOW
    )
    assert len(BOATS.read_limits(told)) == closed


def test_the_words_for_people_come_first() -> None:
    error = BOATS.parse_error(refused(100, 33, error_user_msg="The boat has sailed."))
    assert "The boat has sailed." in str(error)


def test_an_error_inside_a_good_answer_is_a_no() -> None:
    assert BOATS.says_no(refused(1, status=200))
    assert not BOATS.says_no(answer({"id": "7", "error": None}))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, (0.0, 0.0)),
        ({"x-app-usage": "no JSON"}, (0.0, 0.0)),
        ({"x-app-usage": json.dumps({"call_count": 28, "total_cpu_time": 97})}, (97.0, 0.0)),
        (
            {
                "x-business-use-case-usage": json.dumps(
                    {"17": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]}
                )
            },
            (100.0, 19.0),
        ),
    ],
)
def test_usage_is_the_worst_of_all_shares(headers: dict[str, str], told: tuple[float, float]) -> None:
    assert usage(headers) == told


def test_a_full_allowance_rests_until_the_platform_says() -> None:
    busy = {
        "x-business-use-case-usage": json.dumps(
            {"17": [{"call_count": 99, "estimated_time_to_regain_access": 9}]}
        )
    }
    (reading,) = BOATS.read_limits(attrs.evolve(answer({}, headers=busy), received_at=NOW))
    assert (reading.name, reading.remaining, (reading.resets_at - NOW).total_seconds()) == ("calls", 0, 540)
    assert BOATS.read_limits(answer({}, headers={"x-app-usage": '{"call_count": 94}'})) == ()


async def test_a_batch_is_one_request_that_counts_as_many() -> None:
    rows = [{"code": 200, "body": '{"id": "1"}'}, None, {"code": 400, "body": '{"error": {"code": 100}}'}]
    call = FakeCall(BOATS, answers=[answer(rows)])
    first, second, third = await batch(["/1?fields=id", "2", "3"], call)
    assert (first and first.json(), second, third and third.status) == ({"id": "1"}, None, 400)
    (asked,) = call.asked
    assert (asked.step, asked.method, asked.options["cost"]) == ("read", "POST", 3)
    assert [one["relative_url"] for one in json.loads(asked.form["batch"])] == ["1?fields=id", "2", "3"]


async def test_a_batch_that_was_cut_off_has_gaps() -> None:
    assert await batch(["1", "2"], FakeCall(BOATS, answers=[answer([])])) == [None, None]


@pytest.mark.parametrize(
    ("text", "told"), [("no moment", None), (None, None), (1, "1970-01-01T00:00:01+00:00")]
)
def test_what_is_no_moment_is_none(text: Any, told: str | None) -> None:
    found = moment(text)
    assert (found and found.isoformat()) == told
