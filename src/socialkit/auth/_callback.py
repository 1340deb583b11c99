"""What a browser brought back: whether it belongs to the login, and whether the person agreed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn

from ..errors import LoginFailed
from ..transport import redact
from ._login import Login

_DENIED = frozenset(
    {
        "access_denied",
        "authorization_declined",
        "consent_required",
        "user_cancelled_authorize",
        "user_cancelled_login",
        "user_denied",
    }
)
_CODE = re.compile(r"[\w.:-]{1,60}", re.ASCII)


def check_state(login: Login, told: Mapping[str, str]) -> None:
    """LoginFailed("forged") unless the callback carries the state this login was begun with; takes constant time."""
    if not login.state or not same(told.get("state", ""), login.state):
        forged(login, "its state is missing or another one's")


def check_issuer(login: Login, told: Mapping[str, str]) -> None:
    """The server that answers is the one that was asked, where it says so (RFC 9207) or has to."""
    if (issuer := login.secrets.get("issuer")) is None:
        return
    if "iss" not in told and "iss_required" not in login.secrets:
        return
    if not same(told.get("iss", ""), issuer):
        forged(login, "another server answers than the one that was asked")


def check_agreed(login: Login, told: Mapping[str, str], secrets: Iterable[str] = ()) -> None:
    """LoginFailed when the callback carries an error: "denied" when the person said no, else "refused"."""
    if not (error := told.get("error") or told.get("error_code") or ""):
        return
    if {error, told.get("error_reason")} & _DENIED:
        raise LoginFailed(f"{login.platform}: the person said no", reason="denied", code=shown(error))
    words = told.get("error_description") or told.get("error_message") or error
    said = clean(words, (*secrets, *login.secrets.values()))
    raise LoginFailed(
        f"{login.platform} refused the sign-in: {said}", reason="refused", code=shown(error), said=said
    )


def code_of(login: Login, told: Mapping[str, str]) -> str:
    """The authorization code, without the ``#_`` Meta and Reddit put behind it."""
    code = told.get("code", "").removesuffix("#_")
    if not code or not code.isprintable():
        forged(login, "it has no code")
    return code


def same(told: str, known: str) -> bool:
    """Whether two texts are equal, in constant time."""
    return hmac.compare_digest(told.encode("utf-8", "replace"), known.encode("utf-8", "replace"))


def forged(login: Login, why: str) -> NoReturn:
    """The one error for callbacks that are not this login's."""
    raise LoginFailed(
        f"{login.platform}: the callback does not belong to this sign-in: {why}", reason="forged"
    )


def clean(words: str, secrets: Iterable[str] = ()) -> str:
    """A platform's words as they may be shown: without secrets, on one line, of bounded length."""
    hidden = redact(words[:20_000], (secret for secret in secrets if len(secret) > 3))
    line = " ".join("".join(char if char.isprintable() else " " for char in hidden).split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def shown(code: str, secrets: Iterable[str] = ()) -> str | None:
    """An error code as it may be shown; None when it has not the form of one."""
    leaks = any(secret in code for secret in secrets if len(secret) > 3)
    return code if _CODE.fullmatch(code) and not leaks else None
