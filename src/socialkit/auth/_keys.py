"""Keys and passwords: what a person copies from the platform's settings, or types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ..adapters.base import Call, Credential, Response, basic
from ..errors import ConfigError, LoginFailed, ReauthNeeded
from ..flows import Ask, Flow, KeyFlow, PasswordFlow, addresses
from ..flows._whoami import as_text, as_token, found
from ._answers import scopes_of
from ._login import App, Asked, Login

_QUOTES = ('"', "'", "`", "“”", "‘’", "«»", "<>")
_FIELDS = ("access_token", "refresh_token", "secret", "client_id", "client_secret")
_REFUSALS = (*range(400, 408), *range(409, 429))
"""Answers that are read here; the others are waited out or repeated by the machinery."""
_VISIBLE = re.compile(r"[\x21-\x7e]+")


async def begin(flow: Flow, app: App | None, draft: Login, call: Call) -> Asked:
    """What the person is asked for, and the page where it is found."""
    assert isinstance(flow, KeyFlow | PasswordFlow)
    place = flow.setup.partition(": ")[0]
    page = f"{draft.server}{place}" if place.startswith("/") else place
    return Asked(url=page if page.startswith(("https://", "http://")) else None, asks=flow.asks)


async def finish(
    flow: Flow, app: App | None, login: Login, told: Mapping[str, str], call: Call
) -> Credential:
    """The credential made of the answers, asking the platform only where they are a password."""
    if isinstance(flow, PasswordFlow):
        return await _signed_in(flow, app, login.platform, login.server, told, call)
    assert isinstance(flow, KeyFlow)
    return _with_key(flow, told)


async def renew(flow: Flow, credential: Credential, server: str, call: Call) -> Credential:
    """A new token for the password that was kept; ReauthNeeded where none was."""
    kept = isinstance(flow, PasswordFlow) and flow.keeps and credential.secret
    if not kept:
        raise ReauthNeeded(f"{flow.title} is no longer accepted and cannot be renewed; sign in again")
    assert isinstance(flow, PasswordFlow)
    told = {**credential.extra, flow.keeps: credential.secret or ""}
    app = App(credential.client_id or "", credential.client_secret)
    try:
        return await _signed_in(flow, app, flow.title, server, told, call)
    except LoginFailed as error:
        words = f"the kept password does not sign in any more; sign in again ({error.message})"
        raise ReauthNeeded(words, status=error.status, code=error.code) from None


# --- what was pasted ------------------------------------------------------------------------------------------
def cleaned(text: str) -> str:
    """What was pasted without the spaces, line breaks and quotes around it.

    >>> cleaned(' "abc"\\n')
    'abc'
    """
    while True:
        bare = text.strip().strip("\ufeff\u200b\u200e\u200f")
        for quotes in _QUOTES:
            if len(bare) > 1 and bare.startswith(quotes[0]) and bare.endswith(quotes[-1]):
                bare = bare[1:-1]
        if bare == text:
            return bare
        text = bare


def wrong_form(ask: Ask, why: str = "this has not the form asked for") -> LoginFailed:
    """The error for what was pasted: names the ask and its form, never the value."""
    hint = f"; {ask.hint}" if ask.hint else ""
    return LoginFailed(f"{ask.words}: {why}{hint}", reason="invalid")


def pasted_values(asks: Iterable[Ask], told: Mapping[str, str]) -> dict[str, str]:
    """Every value by name: the asks themselves, and the named groups of their shapes; LoginFailed "invalid"."""
    values: dict[str, str] = {}
    for ask in asks:
        pasted = cleaned(told.get(ask.name) or "")
        if pasted:
            values |= _shaped(ask, pasted)
        elif not ask.optional:
            raise wrong_form(ask, "nothing was given")
    return values


def _shaped(ask: Ask, pasted: str) -> dict[str, str]:
    """The value and its groups. A secret that was broken into lines or groups by a page is put together again."""
    if not ask.shape:
        if not pasted.isprintable():
            raise wrong_form(ask, "this has a line break or another control character in it")
        return {ask.name: pasted}
    tries = (pasted, "".join(pasted.split())) if ask.secret else (pasted,)
    for text in tries:
        if match := re.fullmatch(ask.shape, text):
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            return {ask.name: text, **groups}
    raise wrong_form(ask)


# --- keys -----------------------------------------------------------------------------------------------------
def _with_key(flow: KeyFlow, told: Mapping[str, str]) -> Credential:
    if flow.derives == "nostr":
        return _with_nostr_key(flow, told)
    values = pasted_values(flow.asks, told)
    fields, extra = _filled(flow, values)
    return Credential(flow.kind, extra=extra, **fields)


def _filled(flow: KeyFlow, values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """(fields of the credential, its extra), of the values by name."""
    fields: dict[str, Any] = {}
    extra: dict[str, str] = {}
    for name, field in flow.fills.items():
        if name not in values:
            continue
        ask = next((ask for ask in flow.asks if ask.name == name), flow.asks[0])
        value = values[name]
        if flow.kind == "basic" and field == "secret":
            value = "".join(value.split())  # an application password is shown in groups, and taken without
        if field == "access_token" and not _VISIBLE.fullmatch(value):
            raise wrong_form(ask, "this has spaces or letters in it that no key has")
        if field in _FIELDS:
            fields[field] = value
        else:
            extra[field.removeprefix("extra.")] = value
    return fields, extra


def _with_nostr_key(flow: KeyFlow, told: Mapping[str, str]) -> Credential:
    """The key itself says whose it is: its public half is the identity."""
    from ._nostr import NostrKey

    named = next((name for name, field in flow.fills.items() if field == "secret"), flow.asks[0].name)
    ask = next((ask for ask in flow.asks if ask.name == named), flow.asks[0])
    pasted = "".join(cleaned(told.get(ask.name) or "").split())
    if not pasted:
        raise wrong_form(ask, "nothing was given")
    try:
        key = NostrKey.read(pasted)
    except LoginFailed as error:
        raise LoginFailed(f"{ask.words}: {error.message}", reason="invalid") from None
    fields, extra = _filled(flow, pasted_values((one for one in flow.asks if one is not ask), told))
    named_by = {"id": key.public, "name": key.npub}
    return Credential(flow.kind, **{**fields, "secret": key.secret}, extra={**extra, **named_by})


# --- passwords ------------------------------------------------------------------------------------------------
async def _signed_in(
    flow: PasswordFlow, app: App | None, platform: str, server: str, told: Mapping[str, str], call: Call
) -> Credential:
    given = _answers(flow, told)
    response = await _asked(flow, app, platform, server, given, call)
    body = response.json_or_none()
    token = as_token(found(body, flow.takes["access_token"]))
    if response.status >= 400 or token is None:
        raise _refusal(platform, response.status, body, given)
    kept = _kept(flow, given)
    return Credential(
        flow.kind,
        access_token=token,
        refresh_token=_taken(flow, body, "refresh_token"),
        expires_at=_ends(flow, body, call),
        secret=given[flow.keeps] if flow.keeps else _taken(flow, body, "secret"),
        client_id=app.client_id if app and flow.client else _taken(flow, body, "client_id"),
        client_secret=app.client_secret if app and flow.client else None,
        scopes=scopes_of(_taken(flow, body, "scopes")),
        extra={**kept, **_extra(flow, body)},
    )


def _answers(flow: PasswordFlow, told: Mapping[str, str]) -> dict[str, str]:
    """The answers by ask; a password is taken as it is, but for the line break after it."""
    given: dict[str, str] = {}
    for ask in flow.asks:
        text = (told.get(ask.name) or "").strip("\r\n")
        text = text if ask.secret and not ask.shape else cleaned(text)
        if text:
            given[ask.name] = _shaped(ask, text)[ask.name]
        elif not ask.optional:
            raise wrong_form(ask, "nothing was given")
    return given


async def _asked(
    flow: PasswordFlow,
    app: App | None,
    platform: str,
    server: str,
    given: Mapping[str, str],
    call: Call,
) -> Response:
    """The answer of the first login address the server knows."""
    fields = dict(flow.constants) | {
        field: given[name] for field, name in flow.sends.items() if name in given
    }
    headers = _app_headers(platform, app) if flow.client else {}
    *others, last = addresses(flow.login_url, flow, server)
    for url in others:
        response = await _post(flow, url, fields, headers, call)
        if response.status != 404:
            return response
    return await _post(flow, last, fields, headers, call)


async def _post(
    flow: PasswordFlow, url: str, fields: dict[str, str | bool], headers: dict[str, str], call: Call
) -> Response:
    if not flow.form:
        return await call.prepare("POST", url, json=fields, headers=headers, accept=_REFUSALS, auth=False)
    form = [
        (name, str(value).lower() if isinstance(value, bool) else value) for name, value in fields.items()
    ]
    return await call.prepare("POST", url, form=form, headers=headers, accept=_REFUSALS, auth=False)


def _app_headers(platform: str, app: App | None) -> dict[str, str]:
    if app is None or not app.client_id:
        raise ConfigError(f'{platform} asks which app signs in: apps={{"{platform}": App("id", "secret")}}')
    return basic(app.client_id, app.client_secret or "")


def _kept(flow: PasswordFlow, given: Mapping[str, str]) -> dict[str, str]:
    """What signing in again needs besides the password; a code of a second factor is good once."""
    if not flow.keeps:
        return {}
    lasting = {ask.name for ask in flow.asks if not ask.optional and ask.name != flow.keeps}
    return {name: value for name, value in given.items() if name in lasting}


def _taken(flow: PasswordFlow, body: Any, field: str) -> str | None:
    place = flow.takes.get(field)
    return as_text(found(body, place)) if place else None


def _extra(flow: PasswordFlow, body: Any) -> dict[str, str]:
    taken = {field: _taken(flow, body, field) for field in flow.takes if field.startswith("extra.")}
    return {field.removeprefix("extra."): value for field, value in taken.items() if value}


def _ends(flow: PasswordFlow, body: Any, call: Call) -> Any:
    """When the token ends: the answer says in how many seconds, or nothing."""
    seconds = found(body, flow.takes.get("expires_at", "expires_in"))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        return None
    return call.now() + timedelta(seconds=seconds)


def _refusal(platform: str, status: int, body: Any, given: Mapping[str, str]) -> LoginFailed:
    """Why no token came, in words."""
    code = found(body, "error|code|message")
    said = code if isinstance(code, str) and re.fullmatch(r"[\w.-]{1,60}", code) else None
    if said in given.values():
        said = None
    why = _because(said, body)
    told = f" ({said})" if said else f" (HTTP {status})"
    return LoginFailed(f"{platform} did not sign in{told}: {why}", status=status, code=said)


def _because(said: str | None, body: Any) -> str:
    code = (said or "").lower()
    if "totp" in code or "2fa" in code or "two_factor" in code:
        return "the account has a second factor; give a fresh code of it"
    if found(body, "verify_email_sent") is True or "email_not_verified" in code:
        return "the account is not active yet; follow the link in the e-mail the server sent, then sign in"
    if found(body, "registration_created") is True or "application_is_pending" in code:
        return "the account is not active yet; its registration waits for the server's moderators"
    if found(body, "jwt") is None and isinstance(body, Mapping) and "jwt" in body:
        return "the account is not active yet"
    return "check name and password"
