"""What X says when it refuses, in any of its shapes: problems, lists of them, numbered errors, OAuth errors, HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from socialkit import errors
from socialkit.rules import Budget
from socialkit.text import strip_html

from . import base
from ._x_rules import BAD_MEDIA, DAY


def read_error(response: base.Response) -> tuple[str | None, str]:
    """(X's code or problem type, its words)."""
    body = response.json_or_none()
    if not isinstance(body, dict):
        return None, strip_html(response.text).strip()
    given = body.get("errors")
    listed = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    code = next((str(one["code"]) for one in listed if one.get("code") is not None), None)
    kinds = [problem_kind(one) for one in (body, *listed)]
    code = code or next((kind for kind in kinds if kind), None)
    if code is None and isinstance(body.get("error"), str):
        code = body["error"]
    return code, _said(body, listed)


def problem_kind(problem: Mapping[str, Any]) -> str | None:
    """The last part of a problem's ``type``; None for ``about:blank``."""
    kind = str(problem.get("type") or "")
    return kind.rpartition("/")[2] or None if "/" in kind else None


def _said(body: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> str:
    """All of X's own words in an error, each once."""
    words = [body.get(name) for name in ("error", "error_description", "detail", "reason")]
    words += [one.get("message") or one.get("detail") for one in listed]
    found = list(dict.fromkeys(str(word) for word in words if word))
    return " ".join(found) or str(body.get("title") or "")


def has_bad_media(error: errors.Declined) -> bool:
    """Whether X refuses a post for its media."""
    said, code = str(error.__dict__.get("said") or ""), error.code
    return code in ("324", "325") or re.search(BAD_MEDIA, said, re.IGNORECASE) is not None


def details_of(error: errors.SocialKitError) -> dict[str, Any]:
    """What an error carries beside its words, to give it another class."""
    names = ("status", "code", "said", "request_id", "account")
    return {name: error.__dict__[name] for name in names if name in error.__dict__}


def day_reading(budget: Budget, header: str, response: base.Response) -> tuple[base.Reading, ...]:
    """What an answer says of 24 hours; () when it says nothing, as is usual on the pay-per-use plan."""
    headers = response.headers
    numbers = [headers.get(f"{header}-{name}", "") for name in ("limit", "remaining")]
    if not any(number.isdecimal() for number in numbers):
        return ()
    limit, remaining = (int(number) if number.isdecimal() else None for number in numbers)
    resets_at = response.moment(f"{header}-reset")
    return (base.Reading(budget.name, limit, remaining, resets_at, DAY),)
