"""From an answer to the error it means: the platform's own table first, then what HTTP says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .. import errors
from ..rules import ErrorRow

if TYPE_CHECKING:
    from .base import Response

_BY_STATUS = {401: "ReauthNeeded", 429: "RateLimited", 408: "Unavailable"}


_MUCH = 20_000
"""More than is ever shown, so that what is cut here is not half a secret in the end."""
_YEAR = 366 * 86_400
"""Nobody means to be asked later than that: what names a later moment is broken, or lies."""


def from_table(rows: Iterable[ErrorRow], response: Response, code: Any, said: str) -> errors.SocialKitError:
    """The error of the first row that fits, else of the status. It carries status, code, the platform's
    words, retry time."""
    said = "".join(char if char.isprintable() else " " for char in said[:_MUCH]).strip()
    row = next((row for row in rows if _fits(row, response.status, code, said)), None)
    row = row or _by_status(response.status)
    text = f"{said or 'no explanation'} (HTTP {response.status})"
    error: errors.SocialKitError = getattr(errors, row.raises)(f"{text}; {row.hint}" if row.hint else text)
    details = {"status": response.status, "code": None if code is None else str(code), "said": said}
    error.__dict__.update(details, definite=row.definite, refreshable=row.refresh)
    if isinstance(error, errors.PlatformError):
        error.request_id = response.headers.get("x-request-id") or response.headers.get("x-transaction-id")
        error.retry_at = retry_at(response)
    return error


def _fits(row: ErrorRow, status: int, code: Any, said: str) -> bool:
    return (
        row.status in (0, status)
        and (row.code is None or row.code == str(code))
        and (row.text is None or re.search(row.text, said, re.IGNORECASE) is not None)
    )


def _by_status(status: int) -> ErrorRow:
    if status >= 500:
        return ErrorRow(status, "Unavailable", definite=False)
    if status < 300:  # it says no inside a good answer, in words no row knows
        return ErrorRow(status, "Declined", definite=False)
    return ErrorRow(status, _BY_STATUS.get(status, "Declined"), refresh=status == 401)


def retry_at(response: Response) -> datetime | None:
    """The moment a ``Retry-After`` header names, in seconds or as an HTTP date."""
    if not (text := response.headers.get("retry-after")):
        return None
    now = response.received_at or datetime.now(UTC)
    if text.isascii() and text.isdigit():
        return now + timedelta(seconds=min(int(text[:9]), _YEAR))
    return response.moment("retry-after")
